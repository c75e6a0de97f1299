//! One visit of a patient.
use super::Provenance;
use crate::{
    measure::{KoosAssessment, SizeSide, StructureSize, TumourExtent, TumourMeasures},
    volume::Sequence,
};
use chrono::NaiveDate;
use serde::Serialize;

/// The field's name of a sequence: `hrT2`, `ceT1` or `unknown`.
pub fn sequence_name(sequence: Sequence) -> &'static str {
    match sequence {
        Sequence::HrT2 => "hrT2",
        Sequence::CeT1 => "ceT1",
        Sequence::Unknown => "unknown",
    }
}

/// The size of the tumour at one visit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TumourSize {
    /// Volume, mm³.
    pub volume_mm3: f64,
    /// Surface area, mm².
    pub surface_mm2: f64,
    /// Largest diameter in an axial slice, the part in the canal included, mm.
    pub max_axial_diameter_mm: f64,
    /// Largest extrameatal diameter in an axial slice, mm; none where it was not measured.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Largest distance between two boundary points, mm.
    pub max_diameter_3d_mm: f64,
    /// The patient's side.
    pub side: Option<SizeSide>,
    /// Whether the outline reaches the edge of the scan: the tumour may go on beyond it.
    pub at_scan_edge: bool,
    /// Part volumes, diameters with their lines, and the porus plane; none where they were not measured.
    pub measures: Option<TumourMeasures>,
}

impl From<&StructureSize> for TumourSize {
    fn from(size: &StructureSize) -> Self {
        Self {
            volume_mm3: size.volume_mm3,
            surface_mm2: size.surface_mm2,
            max_axial_diameter_mm: size.max_axial_diameter_mm,
            extrameatal_diameter_mm: None,
            max_diameter_3d_mm: size.max_diameter_3d_mm,
            side: size.side,
            at_scan_edge: size.at_scan_edge,
            measures: None,
        }
    }
}

/// What was found in one scan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The tumour; none when the outline has no tumour voxel.
    pub tumour: Option<TumourSize>,
    /// Koos grade with its evidence.
    pub koos: KoosAssessment,
    /// Where the outline comes from.
    pub provenance: Provenance,
    /// What to beware of.
    pub warnings: Vec<String>,
}

/// One scan of the patient with what was found in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Visit {
    /// Day of the scan.
    pub date: NaiveDate,
    /// Distance between slices, mm.
    pub slice_thickness_mm: f64,
    /// Voxel size along the scan's axes, mm.
    pub spacing_mm: [f64; 3],
    /// What the scan shows.
    #[serde(serialize_with = "by_name::serialize")]
    pub sequence: Sequence,
    /// What was found.
    pub finding: Finding,
}

/// A sequence as files hold it: by its name, of which one that is not known means that the sequence is not known.
pub(super) mod by_name {
    use super::{Sequence, sequence_name};
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub(in super::super) fn serialize<S: Serializer>(
        sequence: &Sequence,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(sequence_name(*sequence))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Sequence, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = [Sequence::HrT2, Sequence::CeT1].into_iter();
        let found = known.into_iter().find(|s| sequence_name(*s) == name);
        Ok(found.unwrap_or(Sequence::Unknown))
    }
}

impl Visit {
    /// What the visit contributes to a comparison; none without a tumour.
    pub fn extent(&self) -> Option<TumourExtent> {
        let tumour = self.finding.tumour.as_ref()?;
        Some(TumourExtent {
            volume_mm3: tumour.volume_mm3,
            surface_mm2: Some(tumour.surface_mm2),
            extrameatal_diameter_mm: tumour.extrameatal_diameter_mm,
            max_axial_diameter_mm: Some(tumour.max_axial_diameter_mm),
            slice_thickness_mm: self.slice_thickness_mm,
        })
    }
}
