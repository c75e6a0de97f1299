//! Visits that the patient tests share.
use chrono::NaiveDate;
use schwann::{
    measure::{KoosAssessment, KoosEvidence, KoosGrade, SizeSide},
    patient::{Finding, ModelInfo, Provenance, ReviewState, TumourSize, Visit},
    volume::Sequence,
};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn model(version: &str) -> ModelInfo {
    ModelInfo {
        name: "hrT2 segmenter".to_owned(),
        version: version.to_owned(),
        sha256: "4f2a9c1be07d5583aa61c7e2b9d0f4317c68e5a2d1b3f09e8c7a6b5d4e3f2a10".to_owned(),
    }
}

/// An AI draft of a round tumour on the right, Koos II, on 1 mm hrT2 slices.
pub(crate) fn visit(date: &str, volume_mm3: f64) -> Visit {
    let diameter = 2.0 * (volume_mm3 * 0.75 / std::f64::consts::PI).cbrt();
    Visit {
        date: day(date),
        slice_thickness_mm: 1.0,
        spacing_mm: [0.5, 0.5, 1.0],
        sequence: Sequence::HrT2,
        finding: Finding {
            tumour: Some(TumourSize {
                volume_mm3,
                surface_mm2: std::f64::consts::PI * diameter * diameter,
                // Constant, so that no verdict of these tests comes from the diameter.
                max_axial_diameter_mm: 13.0,
                extrameatal_diameter_mm: None,
                max_diameter_3d_mm: 14.0,
                side: Some(SizeSide::Right),
                at_scan_edge: false,
                measures: None,
            }),
            koos: KoosAssessment {
                tumour: true,
                grade: Some(KoosGrade::II),
                probabilities: [0.02, 0.91, 0.07, 0.0],
                wording: "topographic",
                evidence: KoosEvidence {
                    extrameatal_volume_mm3: Some(volume_mm3 * 0.75),
                    intrameatal_volume_mm3: Some(volume_mm3 * 0.25),
                    brainstem_gap_mm: Some(2.3),
                    contact_area_mm2: Some(0.0),
                    ..KoosEvidence::default()
                },
                ..KoosAssessment::default()
            },
            provenance: Provenance {
                model: Some(model("0.3.1")),
                scan_sha256: format!(
                    "{:0>32}{:032x}",
                    date.replace('-', ""),
                    volume_mm3.to_bits()
                ),
                software_version: "0.1.0".to_owned(),
                device: Some("CPU".to_owned()),
                state: ReviewState::AiDraft,
            },
            warnings: Vec::new(),
        },
    }
}
