//! Solids as signed distance functions, mm in the head frame, negative inside.
//!
//! Distances are exact for balls, tubes and half-spaces and first-order near the surface for the others; the zero surface, on which every
//! volume and label rests, is exact. `LIPSCHITZ` bounds how much faster than 1 mm per mm any of them changes.
use super::{canal::Canal, cochlea::Cochlea, tumour::Tumour};
use glam::DVec3;

/// No shape's value changes by more than this many mm per mm.
pub(super) const LIPSCHITZ: f64 = 1.6;

/// Highest rise of an uneven surface, mm.
const UNEVEN: f64 = 0.9;

/// A solid, built from primitives and set operations.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Centre, and one over each half-axis.
    Ellipsoid {
        centre: DVec3,
        inverse: DVec3,
    },
    /// A tapered tube along a polyline: centres and radii.
    Tube(Vec<(DVec3, f64)>),
    /// A ring with the normal of its plane, its radius and the radius of its lumen.
    Ring {
        centre: DVec3,
        normal: DVec3,
        radius: f64,
        lumen: f64,
    },
    /// Everything on the side against which the unit normal points.
    HalfSpace {
        point: DVec3,
        normal: DVec3,
    },
    /// A half-space whose surface is uneven by up to `UNEVEN` mm, but plane about `point`; the phases of three waves.
    Uneven {
        point: DVec3,
        normal: DVec3,
        phase: DVec3,
    },
    /// Union whose edges are rounded over about `blend` mm.
    Union {
        blend: f64,
        of: Vec<Shape>,
    },
    Intersection(Vec<Shape>),
    Difference(Box<Shape>, Box<Shape>),
    /// Grown by so many mm.
    Offset(Box<Shape>, f64),
    Canal(Box<Canal>),
    Cochlea {
        cochlea: Box<Cochlea>,
        grown_mm: f64,
    },
    Tumour(Box<Tumour>),
}

impl Shape {
    pub(super) fn ellipsoid(centre: DVec3, semi: DVec3) -> Self {
        Self::Ellipsoid {
            centre,
            inverse: semi.recip(),
        }
    }

    pub(super) fn union(blend: f64, of: Vec<Self>) -> Self {
        Self::Union { blend, of }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self::Difference(Box::new(self), Box::new(other))
    }

    pub(super) fn grown(self, mm: f64) -> Self {
        Self::Offset(Box::new(self), mm)
    }

    /// Signed distance, mm.
    pub(super) fn distance(&self, p: DVec3) -> f64 {
        match self {
            Self::Ellipsoid { centre, inverse } => scaled_ball(p - *centre, *inverse),
            Self::Tube(points) => tube(p, points),
            Self::Ring {
                centre,
                normal,
                radius,
                lumen,
            } => {
                let v = p - *centre;
                let height = v.dot(*normal);
                let in_plane = (v - *normal * height).length();
                (in_plane - radius).hypot(height) - lumen
            }
            Self::HalfSpace { point, normal } => (p - *point).dot(*normal),
            Self::Uneven {
                point,
                normal,
                phase,
            } => uneven(p - *point, *normal, *phase),
            Self::Union { blend, of } => smooth_least(of.iter().map(|s| s.distance(p)), *blend),
            Self::Intersection(of) => of
                .iter()
                .fold(f64::NEG_INFINITY, |d, s| d.max(s.distance(p))),
            Self::Difference(a, b) => a.distance(p).max(-b.distance(p)),
            Self::Offset(s, mm) => s.distance(p) - mm,
            Self::Canal(canal) => canal.distance(p),
            Self::Cochlea { cochlea, grown_mm } => cochlea.distance(p) - grown_mm,
            Self::Tumour(tumour) => tumour.distance(p),
        }
    }
}

/// Gradient of a scalar function of position, by central differences over 0.02 mm.
pub(super) fn gradient(p: DVec3, f: impl Fn(DVec3) -> f64) -> DVec3 {
    let h = 0.01;
    let d = |e: DVec3| (f(p + e * h) - f(p - e * h)) / (2.0 * h);
    DVec3::new(d(DVec3::X), d(DVec3::Y), d(DVec3::Z))
}

/// First-order distance to an ellipsoid about the origin; exact for a ball.
pub(super) fn ellipsoid(v: DVec3, semi: DVec3) -> f64 {
    scaled_ball(v, semi.recip())
}

fn scaled_ball(v: DVec3, inverse: DVec3) -> f64 {
    let w = v * inverse;
    let k = w.length();
    let g = (w * inverse).length();
    if g > 1e-12 {
        k * (k - 1.0) / g
    } else {
        -1.0 / inverse.max_element()
    }
}

/// Distance of a vector from a plane through the origin with low waves on it. They begin 5 mm from the origin.
fn uneven(v: DVec3, normal: DVec3, phase: DVec3) -> f64 {
    /// Along which each wave runs, radians per mm: periods of 13 to 19 mm.
    const WAVES: [DVec3; 3] = [
        DVec3::new(0.28, 0.24, 0.12),
        DVec3::new(-0.12, 0.18, 0.33),
        DVec3::new(0.20, -0.26, 0.35),
    ];
    let wave = |n: usize| (WAVES[n].dot(v) + phase[n]).sin();
    let from = ((v.length() - 5.0) / 10.0).clamp(0.0, 1.0);
    v.dot(normal) + UNEVEN / 3.0 * from * (wave(0) + wave(1) + wave(2))
}

/// Distance to a polyline of tapered capsules.
fn tube(p: DVec3, points: &[(DVec3, f64)]) -> f64 {
    let mut best = f64::INFINITY;
    for pair in points.windows(2) {
        let [(a, ra), (b, rb)] = [pair[0], pair[1]];
        let t = along(p, a, b);
        best = best.min(p.distance(a.lerp(b, t)) - (ra + (rb - ra) * t));
    }
    best
}

/// Where the point of a segment nearest to `p` lies, 0 at `a`, 1 at `b`.
pub(super) fn along(p: DVec3, a: DVec3, b: DVec3) -> f64 {
    let ab = b - a;
    ((p - a).dot(ab) / ab.length_squared().max(1e-12)).clamp(0.0, 1.0)
}

/// The smaller of two distances, with the crease rounded over `blend` mm (quadratic polynomial blend).
pub(super) fn smooth_min(a: f64, b: f64, blend: f64) -> f64 {
    let h = (blend - (a - b).abs()).max(0.0);
    a.min(b)
        - if blend > 0.0 {
            h * h / (4.0 * blend)
        } else {
            0.0
        }
}

/// The least of some distances, blended with the second least: unlike a chain of blends it does not depend on their order.
pub(super) fn smooth_least(distances: impl Iterator<Item = f64>, blend: f64) -> f64 {
    let [least, second] =
        distances.fold([f64::INFINITY; 2], |[a, b], d| [a.min(d), b.min(a.max(d))]);
    if second.is_finite() {
        smooth_min(least, second, blend)
    } else {
        least
    }
}

/// Volume (mm³) of `{inside < 0}` within the box `low`…`high`, by columns along x every `step` mm in y and z.
///
/// Each column walks by the distance itself, so only the neighbourhood of the surface is sampled, and ends of the inside length are found
/// by linear interpolation: the error falls with the square of `step`. `inside` must obey [`LIPSCHITZ`].
pub(super) fn volume_mm3(inside: impl Fn(DVec3) -> f64, [low, high]: [DVec3; 2], step: f64) -> f64 {
    let count = |a: f64, b: f64| ((b - a) / step).ceil().max(1.0) as usize;
    let [ny, nz] = [count(low.y, high.y), count(low.z, high.z)];
    let mut total = 0.0;
    for k in 0..nz {
        for j in 0..ny {
            let at = DVec3::new(
                0.0,
                low.y + (j as f64 + 0.5) * step,
                low.z + (k as f64 + 0.5) * step,
            );
            total += column_mm(|x| inside(DVec3 { x, ..at }), low.x, high.x, step);
        }
    }
    total * step * step
}

/// Length of the part of a line that is inside.
fn column_mm(inside: impl Fn(f64) -> f64, low: f64, high: f64, step: f64) -> f64 {
    let mut x = low;
    let mut d = inside(x);
    let mut length = 0.0;
    while x < high {
        let next = (x + (d.abs() / LIPSCHITZ).max(step)).min(high);
        let e = inside(next);
        length += (next - x)
            * match (d < 0.0, e < 0.0) {
                (true, true) => 1.0,
                (false, false) => 0.0,
                (true, false) => d / (d - e),
                (false, true) => e / (e - d),
            };
        (x, d) = (next, e);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_measure_an_ellipsoid() {
        let semi = DVec3::new(5.0, 3.0, 2.0);
        let exact = 4.0 / 3.0 * std::f64::consts::PI * 30.0;
        let found = volume_mm3(
            |p| ellipsoid(p, semi),
            [DVec3::splat(-6.0), DVec3::splat(6.0)],
            0.2,
        );
        assert!((found / exact - 1.0).abs() < 2e-3, "{found} for {exact}");
    }

    #[test]
    fn a_tube_is_a_capsule() {
        let tube = Shape::Tube(vec![(DVec3::ZERO, 1.0), (DVec3::X * 4.0, 1.0)]);
        assert!((tube.distance(DVec3::new(2.0, 3.0, 0.0)) - 2.0).abs() < 1e-12);
        assert!((tube.distance(DVec3::new(7.0, 0.0, 0.0)) - 2.0).abs() < 1e-12);
        assert!(
            (gradient(DVec3::new(7.0, 0.0, 0.0), |p| tube.distance(p)) - DVec3::X).length() < 1e-6
        );
    }
}
