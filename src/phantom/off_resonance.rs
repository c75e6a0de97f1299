//! The magnetic field off resonance, and what it does to balanced steady state.
use super::{
    anatomy::{SIDES, direction},
    draw::Draw,
    relaxation::typical,
    sequence::Sequence,
    tissue::{Signal, Tissue},
};
use crate::volume::Side;
use glam::DVec3;
use serde::Serialize;

/// How far the precession frequency of water is off the scanner's, in the head frame: what shimming leaves, and air-filled cavities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OffResonance {
    /// Polynomial over the head, Hz: 1, x, y, z, x², y², z², xy, xz, yz of head-frame coordinates over 80 mm.
    pub smooth_hz: [f64; 10],
    /// Air in the head.
    pub cavities: Vec<Cavity>,
    /// Direction of the main field in the head frame, a unit vector.
    pub axis: [f64; 3],
}

/// A ball of air. Outside it the field is that of a dipole (Schenck 1996, Med Phys 23:815).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cavity {
    /// Head frame, RAS mm.
    pub centre_mm: [f64; 3],
    /// Radius, mm.
    pub radius_mm: f64,
    /// Strength, Hz: twice this at the poles, minus this at the equator. Pure air in tissue makes 200 Hz at 1.5 T; septa make it less.
    pub hz: f64,
}

/// Scale of the polynomial's coordinates, mm.
const UNIT_MM: f64 = 80.0;
/// Beyond so many radii a cavity makes less than half a hertz.
const REACH: f64 = 8.0;

/// Cavities of either side: centre (left, posterior, superior mm), radius in mm.
const PAIRED: [([f64; 3], f64); 4] = [
    ([56.0, 11.0, -7.0], 9.5), // mastoid
    ([51.0, 2.0, 2.0], 5.0),   // antrum
    ([48.0, -5.0, -1.0], 4.5), // middle ear
    ([29.0, -56.0, -16.0], 13.5),
];
/// Sphenoid sinus and nose.
const MIDDLE: [([f64; 3], f64); 2] = [([0.0, -42.0, 8.0], 10.5), ([0.0, -52.0, -4.0], 14.0)];

impl OffResonance {
    pub(super) fn draw(axis: DVec3, draw: &mut Draw) -> Self {
        let mut cavities = Vec::new();
        let mut add = |side: Side, place: [f64; 3], radius: f64| {
            cavities.push(Cavity {
                centre_mm: direction(side, place).to_array(),
                radius_mm: radius * draw.uniform(0.8, 1.15),
                hz: draw.uniform(60.0, 130.0),
            });
        };
        for side in SIDES {
            for (place, radius) in PAIRED {
                add(side, place, radius);
            }
        }
        for (place, radius) in MIDDLE {
            add(Side::Left, place, radius);
        }
        Self {
            smooth_hz: std::array::from_fn(|_| draw.clipped(0.0, 8.0, 2.5)),
            cavities,
            axis: axis.to_array(),
        }
    }

    /// Hz at a point of the head frame.
    pub(super) fn hz(&self, p: DVec3) -> f64 {
        let DVec3 { x, y, z } = p / UNIT_MM;
        let terms = [1.0, x, y, z, x * x, y * y, z * z, x * y, x * z, y * z];
        let mut hz: f64 = self.smooth_hz.iter().zip(terms).map(|(c, t)| c * t).sum();
        let axis = DVec3::from_array(self.axis);
        for cavity in &self.cavities {
            let from = p - DVec3::from_array(cavity.centre_mm);
            let squared = from.length_squared();
            let radius = cavity.radius_mm;
            if squared > (REACH * radius).powi(2) {
                continue;
            }
            // What little tissue lies inside the ball (walls, drops of fluid) sees the field of its surface.
            let distance = squared.sqrt().max(radius);
            let along = axis.dot(from) / squared.sqrt().max(1e-9);
            hz += cavity.hz * (radius / distance).powi(3) * (3.0 * along * along - 1.0);
        }
        hz
    }
}

/// Frequency of fat relative to water at 1.5 T, Hz.
pub(super) const FAT_HZ: f64 = -220.0;
/// Steps of the table of one period.
const STEPS: usize = 512;

/// Signal of a balanced sequence off resonance over that on resonance, for fluid, solid tissue and fat.
#[derive(Debug, Clone)]
pub(super) struct Response {
    period_hz: f64,
    /// One period and its first value again.
    table: Vec<Signal>,
}

impl Response {
    /// `None` for sequences that do not mind.
    pub(super) fn of(sequence: Sequence) -> Option<Self> {
        let Sequence::Ciss { tr, .. } = sequence else {
            return None;
        };
        let period_hz = 1000.0 / tr;
        let ratio = |tissue, hz, at| {
            sequence.signal(typical(tissue), hz) / sequence.signal(typical(tissue), at)
        };
        let table = (0..=STEPS)
            .map(|n| {
                let hz = period_hz * n as f64 / STEPS as f64;
                Signal::new(
                    ratio(Tissue::Csf, hz, 0.0),
                    ratio(Tissue::Brainstem, hz, 0.0),
                    // Signals of fat stand for where fat itself precesses.
                    ratio(Tissue::Fat, hz + FAT_HZ, FAT_HZ),
                )
            })
            .collect();
        Some(Self { period_hz, table })
    }

    pub(super) fn at(&self, hz: f64) -> Signal {
        let place = (hz / self.period_hz).rem_euclid(1.0) * STEPS as f64;
        let below = (place as usize).min(STEPS - 1);
        let (low, high) = (self.table[below], self.table[below + 1]);
        low + (high - low) * (place - below as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(dual: bool) -> Response {
        Response::of(Sequence::Ciss {
            tr: 9.4,
            te: 4.23,
            flip_deg: 67.0,
            dual,
        })
        .unwrap()
    }

    /// Ripple of fluid and of solid tissue across one period.
    fn ripple(response: &Response) -> [f64; 2] {
        let mut low = Signal::ONE;
        let mut high = Signal::ONE;
        for n in 0..1000 {
            let s = response.at(106.4 * f64::from(n) / 1000.0);
            (low, high) = (low.min(s), high.max(s));
        }
        let r = Signal::ONE - low / high;
        [r.x, r.y]
    }

    #[test]
    fn two_passes_leave_a_ripple_and_one_pass_a_null() {
        let [fluid, solid] = ripple(&response(true));
        assert!((0.03..0.07).contains(&fluid), "{fluid}");
        assert!((0.10..0.25).contains(&solid), "{solid}");
        let null = response(false).at(500.0 / 9.4);
        assert!(null.x < 0.1 && null.y < 0.3, "{null}");
        assert!((response(false).at(3000.0 / 9.4) - Signal::ONE).length() < 1e-9);
    }

    #[test]
    fn spin_echoes_do_not_mind_the_field() {
        let tse = Sequence::Tse {
            tr: 2700.0,
            te: 245.0,
            train: 250.0,
            t2_factor: 1.3,
        };
        assert!(Response::of(tse).is_none());
    }

    #[test]
    fn a_cavity_makes_the_field_of_a_dipole() {
        let field = OffResonance {
            smooth_hz: [0.0; 10],
            cavities: vec![Cavity {
                centre_mm: [10.0, 0.0, 0.0],
                radius_mm: 5.0,
                hz: 100.0,
            }],
            axis: [0.0, 0.0, 1.0],
        };
        let near = |p: [f64; 3], hz: f64| (field.hz(DVec3::from_array(p)) - hz).abs() < 1e-9;
        assert!(near([10.0, 0.0, 5.0], 200.0), "pole");
        assert!(near([15.0, 0.0, 0.0], -100.0), "equator");
        assert!(near([10.0, 0.0, 10.0], 25.0), "the cube of the distance");
        assert!(near([10.0, 0.0, 90.0], 0.0));
    }
}
