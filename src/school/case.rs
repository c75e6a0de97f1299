//! A case with its truth.
use super::{AnswerKind, Difficulty};
use crate::{
    measure::{KoosEvidence, KoosGeometry, KoosGrade},
    volume::{LabelMap, Sequence, Volume},
};

/// A scan whose grade is known.
#[derive(Debug, Clone)]
pub struct Case {
    /// Names it in a reader's record. Not for the reader's eyes.
    pub name: String,
    /// Where it comes from.
    pub kind: AnswerKind,
    /// How hard it is, where that is known.
    pub difficulty: Option<Difficulty>,
    /// The true grade: exact for a synthetic patient, what the table says for a scan of a folder.
    pub truth: KoosGrade,
    /// What the grade rests on, exactly; of a synthetic patient only.
    pub exact: Option<ExactTruth>,
    /// What the scan shows.
    pub sequence: Sequence,
    /// The scan.
    pub volume: Volume,
    /// True outlines, or those beside the scan; on the scan's grid.
    pub labels: Option<LabelMap>,
    /// What to beware of.
    pub warnings: Vec<String>,
}

/// The geometry that a grade rests on, from continuous shapes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactTruth {
    /// What the rule asks for.
    pub geometry: KoosGeometry,
    /// Least distance between tumour and brainstem, mm; 0 in contact.
    pub gap_mm: f64,
    /// How far the tumour moves the brainstem's section at its level, mm.
    pub brainstem_shift_mm: f64,
    /// How far the tumour moves the fourth ventricle, mm.
    pub fourth_ventricle_shift_mm: f64,
    /// Distance from the nearest threshold, standard errors of the measure there.
    pub margin: f64,
}

impl ExactTruth {
    /// The same as evidence, without what has a place in a scan.
    pub fn evidence(&self) -> KoosEvidence {
        let geometry = &self.geometry;
        KoosEvidence {
            extrameatal_volume_mm3: Some(geometry.extrameatal_mm3),
            intrameatal_volume_mm3: Some(geometry.volume_mm3 - geometry.extrameatal_mm3),
            protrusion_mm: Some(geometry.protrusion_mm),
            brainstem_gap_mm: Some(self.gap_mm),
            contact_area_mm2: Some(geometry.contact_mm2),
            brainstem_shift_mm: Some(self.brainstem_shift_mm),
            fourth_ventricle_shift_mm: Some(self.fourth_ventricle_shift_mm),
            ..KoosEvidence::default()
        }
    }
}
