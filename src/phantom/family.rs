//! Which family of heads, tissues and scanners a patient is drawn from: the usual one, which training sees, and one beyond it, which tests what was learned.
use super::{acquire::Acquisition, draw::Draw, relaxation::Relaxation};
use glam::DVec3;
use serde::Serialize;

/// First random stream of the family's own draws: one for the head, one for tissues and one for the scanner.
const STREAM: u64 = 90;

/// The parameters that a patient and its scans are drawn with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// What training learns from.
    #[default]
    Usual,
    /// Heads of no usual size or breadth; relaxation times shifted by a tenth to a seventh, besides their scatter; scans that resolve less and have more noise. Nothing
    /// that Schwann trains on its own phantoms sees such heads.
    Beyond,
}

impl Family {
    /// Size of a head relative to the mean along right, anterior, superior, from the usual draws of its size and breadth. Usual sizes are 0.92 to 1.08 and
    /// breadths within 0.07; beyond them lie sizes of 0.86 to 0.90 and 1.10 to 1.14, and breadths of 0.08 to 0.11.
    pub(super) fn head_scale(self, seed: u64, size: f64, broad: f64) -> DVec3 {
        let (size, broad) = match self {
            Self::Usual => (size, broad),
            Self::Beyond => {
                let mut draw = Draw::new(seed, STREAM);
                (
                    1.0 + away(&mut draw, 0.1, 0.14),
                    away(&mut draw, 0.08, 0.11),
                )
            }
        };
        size * DVec3::new(1.0 + broad, 1.0 - broad, 1.0)
    }

    /// The draws of a visit's tissues.
    pub(super) fn tissues(self, seed: u64) -> Option<Draw> {
        (self == Self::Beyond).then(|| Draw::new(seed, STREAM + 1))
    }

    /// Settings of a visit's scanner: a tenth to a fifth less resolution, and 0.5 to 0.7 of the signal-to-noise ratio.
    pub(super) fn scanned(self, seed: u64, acquisition: &mut Acquisition) {
        if self == Self::Beyond {
            let mut draw = Draw::new(seed, STREAM + 2);
            let coarser = draw.uniform(1.1, 1.2);
            acquisition.resolution_mm = acquisition.resolution_mm.map(|mm| mm * coarser);
            acquisition.snr *= draw.uniform(0.5, 0.7);
        }
    }
}

/// Relaxation times of a tissue a tenth to a seventh longer or shorter; the usual scatter between people is within 6 %, that of
/// tumours and cysts larger.
pub(super) fn shifted(relaxation: Relaxation, draw: &mut Draw) -> Relaxation {
    let [t1, t2] = [0; 2].map(|_| 1.0 + away(draw, 0.1, 0.14));
    Relaxation {
        t1_ms: relaxation.t1_ms * t1,
        t2_ms: relaxation.t2_ms * t2,
        t1_gadolinium_ms: relaxation.t1_gadolinium_ms * t1,
        ..relaxation
    }
}

/// Between `low` and `high` of either sign.
fn away(draw: &mut Draw, low: f64, high: f64) -> f64 {
    let value = draw.uniform(low, high);
    if draw.chance(0.5) { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::{Modality, Patient, PatientSpec, Site, VisitSpec};
    use crate::{
        measure::KoosGrade,
        volume::{Side, Structure, unobserved},
    };

    fn patient(seed: u64, family: Family) -> Patient {
        let spec = PatientSpec {
            seed,
            koos: Some(KoosGrade::II),
            side: Some(Side::Left),
            family,
            ..PatientSpec::default()
        };
        Patient::new(&spec).unwrap()
    }

    fn visit(seed: u64) -> VisitSpec {
        VisitSpec {
            years: 0.0,
            site: Site::London,
            modality: Modality::HrT2,
            seed,
            grid: None,
        }
    }

    #[test]
    fn heads_beyond_the_usual_have_no_usual_size_or_breadth() {
        let sizes = |family| {
            (0..200).map(move |seed| {
                let scale = crate::phantom::anatomy::Anatomy::widened(seed, family, None).scale;
                // Width and depth are the size times 1 ± breadth.
                (scale.z, (scale.x - scale.y) / (scale.x + scale.y))
            })
        };
        for (size, broad) in sizes(Family::Usual) {
            assert!((0.919..1.081).contains(&size) && broad.abs() < 0.0701);
        }
        let (mut small, mut large) = (0, 0);
        for (size, broad) in sizes(Family::Beyond) {
            assert!((0.099..0.141).contains(&(size - 1.0).abs()), "{size}");
            assert!((0.079..0.111).contains(&broad.abs()), "{broad}");
            small += usize::from(size < 1.0);
            large += usize::from(size > 1.0);
        }
        assert!(small > 60 && large > 60, "{small} {large}");
    }

    #[test]
    fn scans_beyond_the_usual_hold_what_usual_ones_hold() {
        let [usual, beyond] = [Family::Usual, Family::Beyond]
            .map(|family| patient(5, family).scan(&visit(6), &mut unobserved).unwrap());
        for scan in [&usual, &beyond] {
            let mm3 = scan.volume.grid().voxel_volume_mm3();
            let of = |s| scan.labels.count(s) as f64 * mm3;
            assert!(
                (110.0..260.0).contains(&of(Structure::Cochlea)),
                "{}",
                of(Structure::Cochlea)
            );
            assert!(of(Structure::VestibularSchwannoma) > 50.0);
            assert!(of(Structure::Brainstem) > 10_000.0);
        }
        let drawn = |scan: &crate::phantom::Scan| scan.truth.drawn.clone();
        let (usual, beyond) = (drawn(&usual), drawn(&beyond));
        assert_eq!(
            [usual.family, beyond.family],
            [Family::Usual, Family::Beyond]
        );
        let snr = beyond.acquisition.snr / usual.acquisition.snr;
        assert!((0.5..0.7).contains(&snr), "{snr}");
        let coarser = beyond.acquisition.resolution_mm[1] / usual.acquisition.resolution_mm[1];
        assert!((1.1..1.2).contains(&coarser), "{coarser}");
        assert_ne!(usual.tissue_signals, beyond.tissue_signals);
    }

    #[test]
    fn a_shifted_tissue_is_none_of_the_usual_scatter() {
        let mut draw = Draw::new(3, 0);
        for _ in 0..50 {
            let typical =
                crate::phantom::relaxation::typical(crate::phantom::tissue::Tissue::White);
            let other = shifted(typical, &mut draw);
            for part in [other.t1_ms / typical.t1_ms, other.t2_ms / typical.t2_ms] {
                assert!((0.0999..0.1401).contains(&(part - 1.0).abs()), "{part}");
            }
        }
    }
}
