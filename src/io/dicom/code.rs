//! Codes of concepts: what Schwann writes, and what it understands of others (SNOMED CT, DICOM's own; PS3.16).
use crate::volume::{Side, Structure};

/// A coded concept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) value: &'static str,
    pub(super) scheme: &'static str,
    pub(super) meaning: &'static str,
}

const fn sct(value: &'static str, meaning: &'static str) -> Code {
    Code {
        value,
        scheme: "SCT",
        meaning,
    }
}

const fn dcm(value: &'static str, meaning: &'static str) -> Code {
    Code {
        value,
        scheme: "DCM",
        meaning,
    }
}

/// Category of a tumour.
pub(super) const ABNORMAL: Code = sct("49755003", "Morphologically Abnormal Structure");
/// Category of an organ.
pub(super) const ANATOMICAL: Code = sct("91723000", "Anatomical Structure");
/// Where a vestibular schwannoma grows.
pub(super) const EIGHTH_NERVE: Code = sct("8598002", "Vestibulocochlear nerve");
/// How a segmentation came from its images.
pub(super) const SEGMENTATION: Code = dcm("113076", "Segmentation");
/// What the images were to it.
pub(super) const SOURCE_IMAGE: Code = dcm("121322", "Source image for image processing operation");
/// What Schwann was to an object.
pub(super) const PROCESSING_EQUIPMENT: Code = dcm("109102", "Processing Equipment");
/// Family of algorithms that trained networks belong to (CID 7162).
pub(super) const ARTIFICIAL_INTELLIGENCE: Code = dcm("123110", "Artificial Intelligence");

/// What a structure is.
pub(super) fn structure_code(structure: Structure) -> Code {
    match structure {
        Structure::VestibularSchwannoma => sct("126949007", "Vestibular schwannoma"),
        Structure::Cochlea => sct("80169004", "Cochlea"),
        Structure::Brainstem => sct("119238007", "Brainstem"),
        Structure::InternalAuditoryCanal => sct("361078006", "Internal auditory canal"),
        Structure::FourthVentricle => sct("35918002", "Fourth ventricle"),
        Structure::Cerebellum => sct("113305005", "Cerebellum"),
    }
}

/// What kind of thing a structure is.
pub(super) fn category_code(structure: Structure) -> Code {
    match structure {
        Structure::VestibularSchwannoma => ABNORMAL,
        _ => ANATOMICAL,
    }
}

/// A side of the patient.
pub(super) fn side_code(side: Side) -> Code {
    match side {
        Side::Left => sct("7771000", "Left"),
        Side::Right => sct("24028007", "Right"),
    }
}
