//! A cochlea of about two and a half turns with a calibrated label volume.
//!
//! The outer wall falls off exponentially with the angle so that length (9.23 mm) and width (6.52 mm) of the basal turn are the population
//! means; the label is the lumen grown by 0.2 mm, since people draw the rim of partial volume with it (92 ± 14 mm³ on MRI).
use super::shape::{along, volume_mm3};
use glam::{DMat3, DVec3};
use std::sync::LazyLock;

/// Growth of the lumen that makes the label, mm, at unit scale.
const LABEL_GROWN: f64 = 0.2;
/// Points along the spiral.
const POINTS: usize = 44;
const TURNS: f64 = 2.55;
const HEIGHT: f64 = 4.2;

/// One point of the spiral: place and half the radial width and axial height of the lumen.
#[derive(Debug, Clone, Copy)]
struct Station {
    at: DVec3,
    semi: [f64; 2],
}

/// The spiral at unit scale in its own frame: z along the modiolus from base to apex, round window at +x.
static SPIRAL: LazyLock<Vec<Station>> = LazyLock::new(spiral);
/// Volume of the label at unit scale, mm³.
static UNIT_VOLUME: LazyLock<f64> = LazyLock::new(|| {
    let half = DVec3::new(7.0, 7.0, 4.0);
    volume_mm3(|p| unit_distance(p) - LABEL_GROWN, [-half, half], 0.1)
});

/// A cochlea placed in the head.
#[derive(Debug, Clone)]
pub(super) struct Cochlea {
    centre: DVec3,
    unit_from_head: DMat3,
    scale: f64,
}

impl Cochlea {
    /// A cochlea whose label has the given volume. `modiolus` points from base to apex, `window` about towards the round window, and
    /// `mirrored` makes the spiral of the patient's left side.
    pub(super) fn new(
        centre: DVec3,
        modiolus: DVec3,
        window: DVec3,
        mirrored: bool,
        volume_mm3: f64,
    ) -> Self {
        let z = modiolus.normalize_or_zero();
        let x = (window - z * window.dot(z)).normalize_or_zero();
        let y = z.cross(x) * if mirrored { -1.0 } else { 1.0 };
        Self {
            centre,
            unit_from_head: DMat3::from_cols(x, y, z).transpose(),
            scale: (volume_mm3 / *UNIT_VOLUME).cbrt(),
        }
    }

    /// Centre of the spiral, head frame, mm.
    pub(super) fn centre(&self) -> DVec3 {
        self.centre
    }

    /// How far the lumen is grown to make the label, mm.
    pub(super) fn label_grown_mm(&self) -> f64 {
        LABEL_GROWN * self.scale
    }

    /// Volume of the label, mm³: that of the unit spiral times the cube of the scale.
    pub(super) fn label_volume_mm3(&self) -> f64 {
        *UNIT_VOLUME * self.scale.powi(3)
    }

    /// A point of the modiolus: 0 at the base of the spiral, 1 at its apex.
    pub(super) fn on_modiolus(&self, part: f64) -> DVec3 {
        let height = (part - 0.5) * HEIGHT * self.scale;
        self.centre + self.unit_from_head.transpose() * (DVec3::Z * height)
    }

    /// Middle of the lumen so many degrees from the round window along the spiral, head frame, mm.
    #[cfg(test)]
    pub(super) fn on_spiral(&self, degrees: f64) -> DVec3 {
        let n = (degrees / (360.0 * TURNS) * (POINTS - 1) as f64).round() as usize;
        let station = SPIRAL[n.min(POINTS - 1)];
        self.centre + self.unit_from_head.transpose() * (station.at * self.scale)
    }

    /// Distance to the wall of the lumen, negative inside.
    pub(super) fn distance(&self, p: DVec3) -> f64 {
        unit_distance(self.unit_from_head * (p - self.centre) / self.scale) * self.scale
    }
}

/// Linear interpolation in a short table.
fn table(x: f64, at: [f64; 4], values: [f64; 4]) -> f64 {
    let n = (1..3).find(|&n| x < at[n]).unwrap_or(3);
    let t = ((x - at[n - 1]) / (at[n] - at[n - 1])).clamp(0.0, 1.0);
    values[n - 1] + (values[n] - values[n - 1]) * t
}

fn spiral() -> Vec<Station> {
    let end = 360.0 * TURNS;
    let wall = |deg: f64| 4.02 * (-0.0012 * deg).exp();
    let first = 9.23 - wall(180.0);
    let turns = [0.0, 360.0, 720.0, end];
    (0..POINTS)
        .map(|n| {
            let deg = end * n as f64 / (POINTS - 1) as f64;
            let outer = if deg < 90.0 {
                first - (first - wall(90.0)) * (1.0 + deg / 30.0).ln() / 4.0_f64.ln()
            } else {
                wall(deg)
            };
            let width = table(deg, turns, [2.30, 1.90, 1.60, 1.25]);
            let height = table(deg, turns, [2.20, 1.70, 1.35, 1.05]);
            let z = table(deg, turns, [1.1, 2.2, 3.2, HEIGHT - 0.525]) - HEIGHT / 2.0;
            let r = outer - width / 2.0;
            let (sin, cos) = deg.to_radians().sin_cos();
            Station {
                at: DVec3::new(r * cos, r * sin, z),
                semi: [width / 2.0, height / 2.0],
            }
        })
        .collect()
}

/// Distance to the lumen at unit scale: the least over the segments of the spiral, each an elliptic tube whose axes are the radial
/// direction and the modiolus.
fn unit_distance(p: DVec3) -> f64 {
    let outside = p.length() - 7.2;
    if outside > 1.0 {
        return outside;
    }
    let mut best = f64::INFINITY;
    for pair in SPIRAL.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let t = along(p, a.at, b.at);
        let v = p - a.at.lerp(b.at, t);
        let reach = v.length();
        if reach - 1.2 > best {
            continue;
        }
        let semi = [0, 1].map(|n| a.semi[n] + (b.semi[n] - a.semi[n]) * t);
        // Across the path the section is an ellipse: along z its height, in the plane of the turn (and beyond the ends) its width.
        let flat = v.x.hypot(v.y);
        let k = (flat / semi[0]).hypot(v.z / semi[1]);
        let g = (flat / (semi[0] * semi[0])).hypot(v.z / (semi[1] * semi[1]));
        best = best.min(if g > 1e-9 {
            k * (k - 1.0) / g
        } else {
            -semi[1]
        });
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_spiral_has_the_published_size() {
        // Published lumen 69 to 72 mm3 and 88 to 92 mm3 grown by 0.2 mm, without the round caps that end this tube.
        let lumen = volume_mm3(
            unit_distance,
            [DVec3::new(-7.0, -7.0, -4.0), DVec3::new(7.0, 7.0, 4.0)],
            0.1,
        );
        assert!((62.0..78.0).contains(&lumen), "lumen {lumen} mm3");
        assert!(
            (86.0..104.0).contains(&*UNIT_VOLUME),
            "label {} mm3",
            *UNIT_VOLUME
        );
    }

    #[test]
    fn the_label_has_the_volume_asked_for() {
        let c = Cochlea::new(
            DVec3::new(3.0, 1.0, 2.0),
            DVec3::new(-0.6, 0.7, -0.2),
            DVec3::Z,
            true,
            105.0,
        );
        let box_mm = [c.centre - 8.0, c.centre + 8.0];
        let found = volume_mm3(|p| c.distance(p) - c.label_grown_mm(), box_mm, 0.1);
        assert!((found / 105.0 - 1.0).abs() < 0.005, "{found}");
        assert!((c.label_volume_mm3() - 105.0).abs() < 1e-9);
    }
}
