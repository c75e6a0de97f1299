//! The Koos grade by a geometric rule, with the evidence it rests on.
//!
//! Wording `topographic` (the pons and fourth-ventricle reading of Koos 1998): I intracanalicular; II reaches the cistern without touching the brainstem; III touches
//! the brainstem; IV displaces the brainstem or the fourth ventricle. Wording `compression`: IV also where the brainstem is indented without any displacement.
//! The thresholds are proposals for phantoms and have not been calibrated on patients.

mod assessment;
mod basis;
mod cleft;
mod compression;
mod contact;
mod criteria;
mod evidence;
mod grade;
mod neighbours;
mod rule;
mod surgeon;

pub use assessment::KoosAssessment;
pub use basis::KoosBasis;
pub use cleft::{CleftProfile, CleftTest, CleftVerdict};
pub use criteria::{CriterionMeasure, KoosCriterion, koos_criteria};
pub use evidence::{KoosEvidence, KoosMeasure, MirrorPlane};
pub use grade::{HannoverClass, HannoverMeasures, KoosGrade, KoosSubgrade, TokyoClass};
pub use neighbours::{KoosNeighbour, KoosStructure};
pub use rule::{Borderline, KoosGeometry, KoosOptions, KoosWording};
pub use surgeon::{HeadPosition, SurgeonView};

use crate::volume::LabelMap;

/// Grades the tumour in a label map, in the topographic wording.
pub fn koos(labels: &LabelMap) -> KoosAssessment {
    KoosBasis::of(labels).assess(None)
}
