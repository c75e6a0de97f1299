//! Shading: how strongly the coils receive from where.
use super::draw::Draw;
use crate::volume::Shape;
use glam::DVec3;
use serde::Serialize;

/// A smooth factor on the signal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shading {
    /// Logarithm of the factor: x, y, z, x², y², z², xy, xz, yz of the place in the grid, -1 to 1 along each axis.
    pub log_polynomial: [f64; 9],
    /// Elements of an array, combined as the root of the sum of squares and scaled to 1 at the origin of the head frame. Empty for a coil
    /// that is even but for the polynomial.
    pub elements: Vec<Element>,
}

/// One element of an array of coils.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Element {
    /// Head frame, RAS mm.
    pub centre_mm: [f64; 3],
    /// Relative gain.
    pub gain: f64,
}

/// Elements around the head.
const ELEMENTS: usize = 8;
/// Distance at which an element receives half as much as close by, mm.
const HALF_MM: f64 = 60.0;

impl Element {
    fn received_squared(&self, p: DVec3) -> f64 {
        let squared = p.distance_squared(DVec3::from_array(self.centre_mm));
        (self.gain / (1.0 + squared / (HALF_MM * HALF_MM))).powi(2)
    }
}

impl Shading {
    /// A polynomial of the given strength (standard deviation of its coefficients).
    pub(super) fn polynomial(draw: &mut Draw, strength: f64) -> Self {
        Self {
            log_polynomial: std::array::from_fn(|_| draw.normal(0.0, strength)),
            elements: Vec::new(),
        }
    }

    /// Elements in a ring about the head, of uneven gains.
    pub(super) fn array(draw: &mut Draw) -> Vec<Element> {
        let turn = draw.uniform(0.0, 1.0);
        let element = |n: usize| {
            let angle = std::f64::consts::TAU * (n as f64 + turn) / ELEMENTS as f64;
            Element {
                centre_mm: [
                    120.0 * angle.cos(),
                    140.0 * angle.sin() - 5.0,
                    draw.uniform(0.0, 40.0),
                ],
                gain: draw.log_normal(1.0, 0.12),
            }
        };
        (0..ELEMENTS).map(element).collect()
    }

    /// Factor at a place of the grid (-1 to 1 along each axis) that is `p` in the head frame. `scale` is [`Self::scale`].
    pub(super) fn at(&self, [x, y, z]: [f64; 3], p: DVec3, scale: f64) -> f64 {
        let c = &self.log_polynomial;
        let log = c[0] * x
            + c[1] * y
            + c[2] * z
            + c[3] * x * x
            + c[4] * y * y
            + c[5] * z * z
            + c[6] * x * y
            + c[7] * x * z
            + c[8] * y * z;
        log.exp() * self.array_at(p).map_or(1.0, |s| scale * s)
    }

    /// What makes the array's factor 1 at the origin of the head frame.
    pub(super) fn scale(&self) -> f64 {
        self.array_at(DVec3::ZERO).map_or(1.0, f64::recip)
    }

    fn array_at(&self, p: DVec3) -> Option<f64> {
        if self.elements.is_empty() {
            return None;
        }
        let sum: f64 = self.elements.iter().map(|e| e.received_squared(p)).sum();
        Some(sum.max(1e-12).sqrt())
    }
}

/// Place of a voxel in its grid, -1 to 1 from edge to edge.
pub(super) fn unit(voxel: [usize; 3], shape: Shape) -> [f64; 3] {
    [0, 1, 2].map(|n| 2.0 * (voxel[n] as f64 + 0.5) / shape[n] as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_receives_more_from_the_rim_than_from_the_middle() {
        for seed in 0..20 {
            let shading = Shading {
                log_polynomial: [0.0; 9],
                elements: Shading::array(&mut Draw::new(seed, 0)),
            };
            let scale = shading.scale();
            let at = |x: f64, y: f64| shading.at([0.0; 3], DVec3::new(x, y, 0.0), scale);
            assert!((at(0.0, 0.0) - 1.0).abs() < 1e-12);
            let rim = (at(70.0, 0.0) + at(-70.0, 0.0) + at(0.0, 85.0) + at(0.0, -85.0)) / 4.0;
            assert!((1.15..1.9).contains(&rim), "{rim}");
        }
    }

    #[test]
    fn the_grid_runs_from_minus_one_to_one() {
        for (found, expected) in unit([0, 1, 3], [1, 3, 4]).into_iter().zip([0.0, 0.0, 0.75]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }
}
