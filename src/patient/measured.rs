//! From a label map to a visit: the one place where an outline becomes numbers of a patient.
use super::{Finding, ModelInfo, Provenance, ReviewState, TumourSize, Visit};
use crate::{
    measure::{HeadAxes, KoosBasis, KoosOptions, PorusPlane},
    volume::{LabelMap, Sequence, Volume, sides_are_told},
};
use chrono::NaiveDate;
use glam::DAffine3;
use serde::{Deserialize, Serialize};

/// What is known of a scan besides its voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanOrigin {
    /// Day of the scan.
    pub date: NaiveDate,
    /// What the scan shows.
    pub sequence: Sequence,
    /// SHA-256 of its voxels, as `inspect` prints it.
    pub scan_sha256: String,
    /// What reading it warned of.
    pub warnings: Vec<String>,
}

/// Who drew the outline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "drawn_by", rename_all = "snake_case")]
pub enum Outline {
    /// A model, on a device that is named in words.
    Model {
        /// Which model.
        model: ModelInfo,
        /// Where it ran.
        device: String,
    },
    /// A file from elsewhere.
    Imported,
    /// A reader, by hand or on top of what a model drew.
    Edited {
        /// The model, where one drew first.
        model: Option<ModelInfo>,
        /// Where it ran.
        device: Option<String>,
    },
}

impl Visit {
    /// Measures and grades an outline by the labels alone, in the topographic wording.
    pub fn measured(labels: &LabelMap, scan: ScanOrigin, outline: Outline) -> Self {
        let (basis, options) = (KoosBasis::of(labels), KoosOptions::default());
        Self::measured_at(&basis, labels, scan, outline, (None, options))
    }

    /// Measures and grades the outline of a scan, whose own grid the labels lie on: the scan tells whether fluid lies between tumour and brainstem.
    pub fn measured_on(
        volume: &Volume,
        labels: &LabelMap,
        scan: ScanOrigin,
        outline: Outline,
        options: KoosOptions,
    ) -> Self {
        let basis = KoosBasis::with_scan(labels, volume, scan.sequence);
        Self::measured_at(&basis, labels, scan, outline, (None, options))
    }

    /// The same from what was prepared of the labels, as the caller chooses, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn measured_at(
        basis: &KoosBasis,
        labels: &LabelMap,
        scan: ScanOrigin,
        outline: Outline,
        (plane, options): (Option<&PorusPlane>, KoosOptions),
    ) -> Self {
        let sides = sides_are_told(&scan.warnings);
        let mut koos = basis.assess_with(plane, options);
        koos.tell_side(sides);
        // What a reader changed of a model's outlines elsewhere makes the scan no finer; who drew or brought all of them says what there is.
        if matches!(
            outline,
            Outline::Model { .. } | Outline::Edited { model: Some(_), .. }
        ) {
            koos.withhold_untold(labels);
        }
        let tumour = basis.tumour().map(|tumour| TumourSize {
            side: (tumour.size().side).and_then(|side| side.where_told(sides)),
            extrameatal_diameter_mm: koos.evidence.extrameatal_diameter_mm,
            measures: Some(tumour.measures(plane)),
            ..TumourSize::from(tumour.size())
        });
        let (model, device, state) = match outline {
            Outline::Model { model, device } => (Some(model), Some(device), ReviewState::AiDraft),
            Outline::Imported => (None, None, ReviewState::Imported),
            Outline::Edited { model, device } => (model, device, ReviewState::Edited),
        };
        let spacing_mm = labels.grid().spacing_mm();
        Self {
            date: scan.date,
            // Slices are stacked along the coarsest axis.
            slice_thickness_mm: spacing_mm.iter().copied().fold(0.0, f64::max),
            spacing_mm,
            sequence: scan.sequence,
            finding: Finding {
                tumour,
                koos,
                provenance: Provenance {
                    model,
                    scan_sha256: scan.scan_sha256,
                    software_version: env!("CARGO_PKG_VERSION").to_owned(),
                    device,
                    state,
                },
                warnings: scan.warnings,
            },
        }
    }
}

/// How far apart an alignment leaves the cochleae of two visits, mm: the larger of both sides. `None` when a cochlea pair is not labelled in both.
pub fn cochlea_residual_mm(
    fixed: &LabelMap,
    moving: &LabelMap,
    world_moving_from_world_fixed: DAffine3,
) -> Option<f64> {
    let (a, b) = (HeadAxes::of(fixed)?, HeadAxes::of(moving)?);
    let distance = |side: usize| {
        let mapped = world_moving_from_world_fixed.transform_point3(a.cochleae[side]?);
        Some(mapped.distance(b.cochleae[side]?))
    };
    Some(distance(0)?.max(distance(1)?))
}
