//! The axis of the internal auditory canal.
use glam::{DMat3, DVec3};

/// Where lateral of the porus's middle the direction is taken from, mm: nearer to it the slanting porus has bitten off one side of the canal.
const LENGTH_MM: std::ops::Range<f64> = 3.0..20.0;
/// How far from the axis what lies in the canal can be, mm.
pub(super) const RADIUS_MM: f64 = 8.0;
/// The least length of a body that tells a direction, mm, and how much longer than wide it must be (ratio of variances).
const MIN_LENGTH_MM: f64 = 5.0;
const MIN_ELONGATION: f64 = 2.0;
/// The farthest that a canal turns from straight sideways, cosine (45°).
const MIN_SIDEWAYS: f64 = 0.707;

/// The line along which a length in the canal is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanalAxis {
    /// A point of the axis, RAS mm.
    pub point: DVec3,
    /// Unit vector towards the fundus.
    pub lateral: DVec3,
    /// What it was made from, in words.
    pub source: &'static str,
}

impl CanalAxis {
    /// The long axis of what fills the canal (tumour and canal label together; principal component), where that is long enough to tell it. Otherwise average
    /// anatomy: straight to the side through the middle of the porus.
    pub(super) fn of(body: &[DVec3], porus: DVec3, lateral: DVec3) -> Self {
        let average = Self {
            point: porus,
            lateral,
            source: "average anatomy: straight to the side",
        };
        let mut found = average;
        // The cut stands across the axis, so that a slanting end does not turn it; a few rounds settle both.
        for _ in 0..4 {
            let part: Vec<DVec3> = (body.iter().copied())
                .filter(|p| {
                    let along = (*p - porus).dot(found.lateral);
                    let off = (*p - found.at(found.along_mm(*p))).length();
                    LENGTH_MM.contains(&along) && off < RADIUS_MM
                })
                .collect();
            let Some((point, direction)) = long_axis(&part, lateral) else {
                return average;
            };
            found = Self {
                point,
                lateral: direction,
                source: "long axis of tumour and canal label lateral of the porus",
            };
        }
        found
    }

    /// Distance along the axis from its point, mm towards the fundus.
    pub fn along_mm(&self, point_in_world: DVec3) -> f64 {
        (point_in_world - self.point).dot(self.lateral)
    }

    /// The point of the axis so many mm from its own point towards the fundus.
    pub fn at(&self, mm: f64) -> DVec3 {
        self.point + self.lateral * mm
    }

    /// Distance from the axis, mm.
    pub fn off_mm(&self, point_in_world: DVec3) -> f64 {
        point_in_world.distance(self.at(self.along_mm(point_in_world)))
    }
}

/// Middle and principal direction of points, turned to the side of `lateral`; `None` where they are no longer than they are wide.
fn long_axis(points: &[DVec3], lateral: DVec3) -> Option<(DVec3, DVec3)> {
    if points.len() < 8 {
        return None;
    }
    let count = points.len() as f64;
    let middle = points.iter().sum::<DVec3>() / count;
    let covariance = points.iter().fold(DMat3::ZERO, |sum, p| {
        let d = *p - middle;
        sum + DMat3::from_cols(d * d.x, d * d.y, d * d.z)
    }) * (1.0 / count);
    let (long, direction) = largest(covariance, lateral);
    let rest = covariance
        - DMat3::from_cols(
            direction * direction.x,
            direction * direction.y,
            direction * direction.z,
        ) * long;
    let (wide, _) = largest(rest, direction.any_orthonormal_vector());
    // A rod of length l has the variance l²/12 along itself.
    let enough = (12.0 * long).sqrt() >= MIN_LENGTH_MM && long >= MIN_ELONGATION * wide;
    let direction = direction * direction.dot(lateral).signum();
    (enough && direction.dot(lateral) >= MIN_SIDEWAYS).then_some((middle, direction))
}

/// Largest eigenvalue of a symmetric matrix and its direction, by powers of the matrix.
fn largest(matrix: DMat3, start: DVec3) -> (f64, DVec3) {
    // Slightly askew, so that no start is at right angles to the answer by its make.
    let mut v = (start + DVec3::new(0.011, 0.017, 0.013)).normalize_or(DVec3::X);
    for _ in 0..100 {
        v = (matrix * v).normalize_or(v);
    }
    (v.dot(matrix * v), v)
}
