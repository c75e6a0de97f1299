//! What a grade rests on.
use super::{cleft::CleftTest, neighbours::KoosNeighbour};
use crate::{measure::PorusPlane, volume::Side};
use serde::{Serialize, Serializer};

/// What the grade rests on. A measure that the labels do not allow is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct KoosEvidence {
    /// Side of the tumour.
    #[serde(serialize_with = "side_name")]
    pub side: Option<Side>,
    /// Volume beyond the porus plane, mm³.
    pub extrameatal_volume_mm3: Option<f64>,
    /// Volume within the canal, mm³.
    pub intrameatal_volume_mm3: Option<f64>,
    /// How far the tumour reaches beyond the porus plane, mm.
    pub protrusion_mm: Option<f64>,
    /// Largest distance between two boundary points beyond the porus plane in one axial slice, mm; absent for a tumour that hardly leaves the canal.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Shortest distance between the surfaces of tumour and brainstem, mm.
    pub brainstem_gap_mm: Option<f64>,
    /// The two ends of that distance, RAS mm: on the tumour, on the brainstem.
    pub nearest_points_ras_mm: Option<[[f64; 3]; 2]>,
    /// Tumour surface within the contact distance of the brainstem, mm².
    pub contact_area_mm2: Option<f64>,
    /// Largest distance between two points of that surface in one axial slice of the scan, mm; 0 without contact.
    pub contact_length_mm: Option<f64>,
    /// First and last axial slice of the scan (index along the voxel axis nearest to the patient's long axis) with contact; absent without.
    pub contact_slices: Option<[usize; 2]>,
    /// How deep the brainstem's surface at the contact lies below that of the other side mirrored on the brainstem's own plane of symmetry, mm; 0 without contact.
    pub indentation_mm: Option<f64>,
    /// Where that is deepest, on the brainstem's surface, RAS mm; absent without contact.
    pub indentation_point_ras_mm: Option<[f64; 3]>,
    /// The plane that the other side is mirrored on.
    pub mirror_plane: Option<MirrorPlane>,
    /// How far the brainstem lies off the midline, away from the tumour, on the level where that is most, mm.
    pub brainstem_shift_mm: Option<f64>,
    /// Angle between the brainstem's own plane of symmetry and the midsagittal plane, about the patient's long axis, degrees, positive when its front turns away from the
    /// tumour.
    pub brainstem_rotation_degrees: Option<f64>,
    /// How far the fourth ventricle lies off the midline on the levels of the tumour, away from it, mm.
    pub fourth_ventricle_shift_mm: Option<f64>,
    /// Mean axial area of the fourth ventricle on the levels of the tumour on which it is seen, mm².
    pub fourth_ventricle_area_mm2: Option<f64>,
    /// Smaller over larger half width of the fourth ventricle about the midline, on those levels, 0 to 1. A half width is the half's area over the ventricle's depth.
    pub fourth_ventricle_asymmetry: Option<f64>,
    /// Distances and contact with what else lies around the tumour; only what the labels tell.
    pub neighbours: Vec<KoosNeighbour>,
    /// Whether the scan shows fluid between tumour and brainstem; absent where no scan was given.
    pub cleft: Option<CleftTest>,
    /// The plane that divides intra- from extrameatal.
    pub porus_plane: Option<PorusPlane>,
}

/// A plane of symmetry.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MirrorPlane {
    /// A point of it, RAS mm.
    pub point_ras_mm: [f64; 3],
    /// Unit normal, towards the patient's right.
    pub normal_ras: [f64; 3],
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde's form"
)]
fn side_name<S: Serializer>(side: &Option<Side>, serializer: S) -> Result<S::Ok, S::Error> {
    match side {
        Some(side) => serializer.serialize_some(side.name()),
        None => serializer.serialize_none(),
    }
}

/// One measure of the evidence with its unit and its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KoosMeasure {
    /// In words.
    pub name: &'static str,
    /// The measure; absent where the labels do not allow it.
    pub value: Option<f64>,
    /// `mm`, `mm²`, `mm³`, `degrees`, or nothing for a ratio.
    pub unit: &'static str,
    /// What 95 of 100 phantoms with their own labels lie within, in the measure's unit; with the part of the value that it is where it grows with the value. It says nothing of
    /// errors of the outline, nor of patients.
    pub error: f64,
    /// Further error as a part of the value.
    pub relative_error: f64,
}

impl KoosEvidence {
    /// All single numbers with their units and errors, in the order in which they are told.
    #[rustfmt::skip]
    pub fn measures(&self) -> Vec<KoosMeasure> {
        let of = |name, value, unit, error, relative_error| KoosMeasure { name, value, unit, error, relative_error };
        let mut all = vec![
            of("extrameatal volume", self.extrameatal_volume_mm3, "mm³", 30.0, 0.05),
            of("intrameatal volume", self.intrameatal_volume_mm3, "mm³", 30.0, 0.05),
            of("reach beyond the porus", self.protrusion_mm, "mm", 3.0, 0.0),
            of("extrameatal diameter", self.extrameatal_diameter_mm, "mm", 2.0, 0.0),
            of("gap to the brainstem", self.brainstem_gap_mm, "mm", 0.5, 0.0),
            of("contact with the brainstem", self.contact_area_mm2, "mm²", 8.0, 0.2),
            of("length of the contact", self.contact_length_mm, "mm", 2.0, 0.0),
            of("indentation of the brainstem", self.indentation_mm, "mm", 0.5, 0.0),
            of("brainstem shift", self.brainstem_shift_mm, "mm", 0.7, 0.0),
            of("brainstem rotation", self.brainstem_rotation_degrees, "degrees", 3.0, 0.0),
            of("fourth ventricle shift", self.fourth_ventricle_shift_mm, "mm", 0.7, 0.0),
            of("fourth ventricle area", self.fourth_ventricle_area_mm2, "mm²", 10.0, 0.1),
            of("fourth ventricle asymmetry", self.fourth_ventricle_asymmetry, "", 0.15, 0.0),
        ];
        for n in &self.neighbours {
            all.push(of(n.structure.distance_name(), Some(n.distance_mm), "mm", n.error_mm, 0.0));
            all.push(of(n.structure.contact_name(), Some(n.contact_mm2), "mm²", 8.0, 0.2));
        }
        all
    }
}
