//! Motion while k-space is measured: jumps of the head, and fluid that pulsates.
use super::draw::Draw;
use serde::Serialize;

/// A sudden movement of the head within the plane of the slices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Jump {
    /// When: part of the lines of k-space along j that are measured before, 0 to 1.
    pub at: f64,
    /// How far, along i and j, mm.
    pub step_mm: [f64; 2],
}

/// A replica of the fluid on either side of it along the phase encoding (j), from pulsation in step with the echoes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ghost {
    /// Signal of a replica over that of the fluid.
    pub amplitude: f64,
    /// Distance along j as part of the field of view; rounded to whole voxels.
    pub shift: f64,
}

impl Jump {
    /// One to three jumps of 0.3 to 1.5 mm.
    pub(super) fn draw_some(draw: &mut Draw) -> Vec<Self> {
        let count = draw.uniform(1.0, 4.0) as usize;
        let one = |_| {
            let (sin, cos) = draw.uniform(0.0, std::f64::consts::TAU).sin_cos();
            let mm = draw.uniform(0.3, 1.5);
            Self {
                at: draw.uniform(0.1, 0.9),
                step_mm: [mm * cos, mm * sin],
            }
        };
        (0..count).map(one).collect()
    }
}

/// Where the head lies when part `at` of the lines is measured, mm along i and j from where it lies at the centre of k-space: that is where
/// it is seen, so labels need not move.
pub(super) fn displacement_mm(jumps: &[Jump], at: f64) -> [f64; 2] {
    let mut mm = [0.0; 2];
    for jump in jumps {
        let sign = f64::from(jump.at < at) - f64::from(jump.at < 0.5);
        for (m, step) in mm.iter_mut().zip(jump.step_mm) {
            *m += sign * step;
        }
    }
    mm
}

impl Ghost {
    /// 2 to 6 % of the fluid.
    pub(super) fn draw(draw: &mut Draw) -> Self {
        Self {
            amplitude: draw.uniform(0.02, 0.06),
            shift: draw.uniform(0.08, 0.45),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_seen_where_it_lies_at_the_centre_of_k_space() {
        let jumps = [0.3, 0.8].map(|at| Jump {
            at,
            step_mm: [1.0, -0.5],
        });
        let near = |at, expected: [f64; 2]| {
            let found = displacement_mm(&jumps, at);
            (0..2).all(|n| (found[n] - expected[n]).abs() < 1e-12)
        };
        assert!(near(0.1, [-1.0, 0.5]));
        assert!(near(0.5, [0.0, 0.0]));
        assert!(near(0.9, [1.0, -0.5]));
    }
}
