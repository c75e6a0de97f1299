//! The tumour's shape: it fills the canal first, then a lobulated ball grows out of the porus into the cistern.
use super::{
    canal::Canal,
    draw::Draw,
    outlined::Outlined,
    shape::{Shape, ellipsoid, smooth_min, volume_mm3},
};
use glam::DVec3;
use serde::Serialize;

/// Film of CSF left between tumour and canal wall, mm.
const FILM: f64 = 0.15;
/// Millimetres of ball radius for one unit of size beyond 1.
const BALL_PER_SIZE: f64 = 10.0;
/// The centre of the ball moves out of the porus by this part of its radius: less than one, so that a larger tumour holds a smaller.
const CENTRE_PER_RADIUS: f64 = 0.74;
/// Where the ball starts, mm lateral of the porus.
const BALL_START: f64 = 1.5;
/// Largest size tried: a ball of 30 mm radius.
const LARGEST: f64 = 4.0;
/// Most that the lobes together can raise or lower the surface of the ball, relative to its radius.
const MOST_LOBES: f64 = 0.18;

/// Where a tumour of the medial form starts, mm medial of the porus.
const MEDIAL_START: f64 = 3.0;
/// Fluid between a tumour of the medial form and the porus, mm.
const MEDIAL_FILM: f64 = 0.5;

/// How a tumour lies to its canal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TumourForm {
    /// It fills the canal and grows out of it.
    Usual,
    /// It grows in the cistern alone.
    Medial,
    /// Like the usual form, but its part in the cistern stays slender along the nerve.
    Spindle,
}

/// One wave of the surface of the ball.
#[derive(Debug, Clone, Copy)]
struct Lobe {
    direction: DVec3,
    frequency: f64,
    phase: f64,
    amplitude: f64,
}

/// What was drawn of a tumour's shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TumourShape {
    /// Name of the real outline that it has; then only the size of what follows counts.
    pub outline: Option<String>,
    /// How it lies to its canal.
    pub form: TumourForm,
    /// How far it fills the canal from the porus when the canal is full, mm.
    pub lateral_end_mm: f64,
    /// Unit vector from the porus in which the part beyond it grows (right, anterior, superior).
    pub outward: [f64; 3],
    /// Half-axes of that part (right, anterior, superior), relative to its radius.
    pub ratio: [f64; 3],
    /// Waves of its surface.
    pub lobes: Vec<TumourLobe>,
    /// Below 1 it grows along the canal; every unit beyond adds 10 mm of radius. Of a real outline the scale about the porus.
    pub size: f64,
}

/// A wave of a tumour's surface: `amplitude * sin(frequency * cosine to the direction + phase)` radii.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TumourLobe {
    /// Unit vector (right, anterior, superior).
    pub direction: [f64; 3],
    /// Radians per unit of the cosine.
    pub frequency: f64,
    /// Radians.
    pub phase: f64,
    /// Relative to the radius.
    pub amplitude: f64,
}

/// A tumour: shape parameters that stay for life, and the size that grows. Head frame, mm.
#[derive(Debug, Clone)]
pub(super) struct Tumour {
    canal: Canal,
    /// Where tumour may lie outside the canal: the CSF space, bone excluded.
    cistern: Shape,
    /// Lateral end of the tumour when the canal is full, mm from the porus.
    lateral_end: f64,
    /// Unit vector from the porus in which the ball grows.
    outward: DVec3,
    /// Half-axes of the ball along the head's axes, relative to its radius.
    ratio: DVec3,
    lobes: [Lobe; 4],
    /// A real tumour in the place of canal part and ball.
    outlined: Option<Outlined>,
    /// 0 to 1 grows along the canal, beyond 1 out of it; of a real tumour the scale about the porus.
    size: f64,
    form: TumourForm,
}

impl Tumour {
    /// A tumour of random shape in a canal; `fill` is the part of the canal's length that it fills when it leaves it.
    pub(super) fn new(canal: Canal, cistern: Shape, fill: f64, draw: &mut Draw) -> Self {
        let medial = -canal.axis;
        // Mostly medial, turned 12 to 38 degrees backwards and mostly a little upwards, as in the outlines of Vestibular-Schwannoma-SEG.
        let turn = draw.uniform(12.0, 38.0).to_radians();
        let back = -DVec3::Y;
        let outward = medial * turn.cos() + back * turn.sin() + DVec3::Z * draw.uniform(-0.1, 0.4);
        let total = draw.uniform(0.04, MOST_LOBES);
        let mut lobes: [Lobe; 4] = std::array::from_fn(|_| Lobe {
            direction: draw.direction(),
            frequency: draw.uniform(2.0, 4.5),
            phase: draw.uniform(0.0, std::f64::consts::TAU),
            amplitude: draw.uniform(0.15, 0.35),
        });
        // The amplitudes add up to the total, so that no crest reaches further than the bounds that count on it.
        let sum: f64 = lobes.iter().map(|l| l.amplitude).sum();
        for lobe in &mut lobes {
            lobe.amplitude *= total / sum;
        }
        Self {
            lateral_end: canal.length * fill,
            canal,
            cistern,
            outward: outward.normalize_or_zero(),
            ratio: DVec3::new(1.0, draw.uniform(0.9, 1.3), draw.uniform(0.9, 1.25)),
            lobes,
            outlined: None,
            size: 1.0,
            form: TumourForm::Usual,
        }
    }

    /// The same in another form.
    pub(super) fn formed(self, form: TumourForm) -> Self {
        let ratio = match form {
            TumourForm::Usual | TumourForm::Medial => self.ratio,
            TumourForm::Spindle => DVec3::new(1.35, 0.75, 0.75) * self.ratio,
        };
        Self {
            ratio,
            form,
            ..self
        }
    }

    /// A real tumour in this canal, at its own size.
    pub(super) fn outlined(&self, outlined: Outlined) -> Self {
        Self {
            outlined: Some(outlined),
            size: 1.0,
            ..self.clone()
        }
    }

    /// What was drawn of it.
    pub(super) fn shape(&self) -> TumourShape {
        let lobe = |l: &Lobe| TumourLobe {
            direction: l.direction.to_array(),
            frequency: l.frequency,
            phase: l.phase,
            amplitude: l.amplitude,
        };
        TumourShape {
            outline: self.outlined.as_ref().map(|o| o.name().to_owned()),
            form: self.form,
            lateral_end_mm: self.lateral_end,
            outward: self.outward.to_array(),
            ratio: self.ratio.to_array(),
            lobes: self.lobes.iter().map(lobe).collect(),
            size: self.size,
        }
    }

    pub(super) fn canal(&self) -> &Canal {
        &self.canal
    }

    pub(super) fn size(&self) -> f64 {
        self.size
    }

    /// The same tumour at another size.
    pub(super) fn at_size(&self, size: f64) -> Self {
        Self {
            size: size.clamp(0.0, LARGEST),
            ..self.clone()
        }
    }

    /// Centre and radius of the ball in the cistern; the radius is zero while the tumour lies in the canal.
    ///
    /// Of a real tumour it is the ball that has the volume and the centroid of the part beyond the porus.
    pub(super) fn ball(&self) -> (DVec3, f64) {
        if let Some(outlined) = &self.outlined {
            return outlined.ball(self.size);
        }
        let radius = (self.size - 1.0).max(0.0) * BALL_PER_SIZE;
        let start = match self.form {
            TumourForm::Usual | TumourForm::Spindle => self.canal.on_axis(BALL_START),
            TumourForm::Medial => self.canal.on_axis(-MEDIAL_START),
        };
        (start + self.outward * (CENTRE_PER_RADIUS * radius), radius)
    }

    /// The largest ball about the middle of the part in the canal; `None` where there is none, and for a real tumour.
    pub(super) fn in_canal(&self) -> Option<(DVec3, f64)> {
        if self.outlined.is_some() || self.form == TumourForm::Medial {
            return None;
        }
        let (medial, lateral, radius) = self.body_ends();
        let middle = self.canal.on_axis(0.5 * (medial + lateral));
        Some((middle, radius.min(-self.canal.distance(middle) - FILM)))
    }

    /// Distance to the surface, negative inside.
    pub(super) fn distance(&self, p: DVec3) -> f64 {
        let d = self.free_distance(p);
        // Far outside, the walls of bone cannot change the sign, and the distance to the free shape is a lower bound.
        if d > 1.0 {
            return d;
        }
        let room = (self.canal.distance(p) + FILM).min(self.cistern.distance(p));
        d.max(room)
    }

    /// Distance to the surface that the tumour would have without bone.
    fn free_distance(&self, p: DVec3) -> f64 {
        if let Some(outlined) = &self.outlined {
            return outlined.distance(p, self.size);
        }
        let (centre, radius) = self.ball();
        if self.form == TumourForm::Medial {
            if radius <= 0.0 {
                return f64::INFINITY;
            }
            let ball = self.ball_distance(p - centre, radius);
            return ball.max(MEDIAL_FILM - self.canal.beyond_porus(p));
        }
        let body = self.body(p);
        if radius <= 0.0 {
            return body;
        }
        let ball = self.ball_distance(p - centre, radius);
        smooth_min(body, ball, radius.min(1.5))
    }

    /// Medial and lateral end of the capsule in the canal, mm lateral of the porus, and its radius, mm.
    fn body_ends(&self) -> (f64, f64, f64) {
        let s = self.size.min(1.0);
        let nucleus = 0.45 * self.lateral_end;
        let medial = nucleus * (1.0 - s);
        let lateral = nucleus + (self.lateral_end - nucleus) * s;
        let radius = (0.6 + 4.0 * s).min(0.5 * (lateral - medial) + 0.6);
        (medial, lateral, radius)
    }

    /// The part in the canal: a capsule that lengthens and thickens until the canal is full, cut at the porus plane.
    fn body(&self, p: DVec3) -> f64 {
        let (medial, lateral, radius) = self.body_ends();
        let inset = radius.min(0.5 * (lateral - medial));
        let along = (p - self.canal.porus)
            .dot(self.canal.axis)
            .max(medial + inset)
            .min(lateral - inset);
        let capsule = p.distance(self.canal.on_axis(along)) - radius;
        capsule
            .max(self.canal.distance(p) + FILM)
            .max(self.canal.beyond_porus(p))
    }

    fn ball_distance(&self, v: DVec3, radius: f64) -> f64 {
        let plain = ellipsoid(v, self.ratio * radius);
        // Beyond a radius from the surface the lobes are not needed for a lower bound.
        if plain > radius {
            return plain - MOST_LOBES * radius;
        }
        plain - self.lobes_at(v.normalize_or_zero()) * radius
    }

    fn lobes_at(&self, direction: DVec3) -> f64 {
        let wave =
            |l: &Lobe| l.amplitude * (l.frequency * direction.dot(l.direction) + l.phase).sin();
        self.lobes.iter().map(wave).sum()
    }

    /// Points of the free surface of the ball, evenly spread (a Fibonacci sphere).
    pub(super) fn ball_surface(&self, count: usize) -> impl Iterator<Item = DVec3> + '_ {
        let (centre, radius) = self.ball();
        (0..count).map(move |n| {
            let z = 1.0 - (2.0 * n as f64 + 1.0) / count as f64;
            let (sin, cos) = (n as f64 * 2.399_963_229_728_653).sin_cos();
            let flat = (1.0 - z * z).max(0.0).sqrt();
            let direction = DVec3::new(flat * cos, flat * sin, z);
            if let Some(outlined) = &self.outlined {
                return outlined.surface(centre, direction, self.size);
            }
            let reach = radius / (direction / self.ratio).length();
            centre + direction * (reach + self.lobes_at(direction) * radius)
        })
    }

    /// A box that holds the tumour: lowest and highest corner.
    pub(super) fn bounds(&self) -> [DVec3; 2] {
        if let Some(outlined) = &self.outlined {
            return outlined.bounds(self.size);
        }
        let (centre, radius) = self.ball();
        let around = |c: DVec3, r: f64| [c - r, c + r];
        let [a, b] = [
            around(self.canal.porus, 5.5),
            around(self.canal.on_axis(self.lateral_end), 4.5),
        ];
        let mut low = a[0].min(b[0]);
        let mut high = a[1].max(b[1]);
        if radius > 0.0 {
            let reach = (self.ratio + MOST_LOBES) * radius + 1.0;
            low = low.min(centre - reach);
            high = high.max(centre + reach);
        }
        [low, high]
    }

    /// Volume (mm³) of the tumour, and of its part beyond the porus plane, by columns every `step` mm.
    pub(super) fn volumes_mm3(&self, step: f64) -> [f64; 2] {
        let bounds = self.bounds();
        let whole = volume_mm3(|p| self.distance(p), bounds, step);
        let beyond = volume_mm3(
            |p| self.distance(p).max(-self.canal.beyond_porus(p)),
            bounds,
            step,
        );
        [whole, beyond]
    }

    pub(super) fn volume_mm3(&self, step: f64) -> f64 {
        volume_mm3(|p| self.distance(p), self.bounds(), step)
    }

    /// The same tumour grown or shrunk to a volume, to within 0.02 %; `None` when no size has it.
    pub(super) fn at_volume(&self, volume: f64, step: f64) -> Option<Self> {
        let excess = |t: &Self| t.volume_mm3(step) - volume;
        // A ball of three times the volume, even with a good part cut off by bone, is large enough; the integral of the largest is slow.
        let radius = (3.0 * volume * 3.0 / (4.0 * std::f64::consts::PI)).cbrt() + 2.0;
        let high = (1.0 + radius / BALL_PER_SIZE).min(LARGEST);
        self.solve([0.02, high], 2e-4 * volume, excess)
            .or_else(|| self.solve([high, LARGEST], 2e-4 * volume, excess))
    }

    /// The size within `range` at which a rising function of the tumour is zero to within `tolerance` (Illinois method).
    pub(super) fn solve(
        &self,
        range: [f64; 2],
        tolerance: f64,
        f: impl Fn(&Self) -> f64,
    ) -> Option<Self> {
        let [mut low, mut high] = range;
        let (mut at_low, mut at_high) = (f(&self.at_size(low)), f(&self.at_size(high)));
        if !(at_low <= 0.0 && at_high >= 0.0) {
            return None;
        }
        let mut kept_low = false;
        for n in 0..60 {
            // Every third step halves the range: the volume is flat where a small ball is still inside the canal.
            let t = if n % 3 == 2 {
                0.5
            } else {
                at_low / (at_low - at_high)
            };
            let size = low
                + (high - low)
                    * if t.is_finite() {
                        t.clamp(0.0, 1.0)
                    } else {
                        0.5
                    };
            let middle = self.at_size(size);
            let value = f(&middle);
            if value.abs() <= tolerance || high - low < 1e-7 {
                return Some(middle);
            }
            if value < 0.0 {
                (low, at_low) = (size, value);
                if kept_low {
                    at_high *= 0.5;
                }
                kept_low = true;
            } else {
                (high, at_high) = (size, value);
                if !kept_low {
                    at_low *= 0.5;
                }
                kept_low = false;
            }
        }
        None
    }
}
