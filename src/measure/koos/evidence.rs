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
    /// A place within the canal: the middle of the tumour's length there, or the porus, RAS mm.
    pub intrameatal_point_ras_mm: Option<[f64; 3]>,
    /// How far the tumour reaches beyond the porus plane, mm.
    pub protrusion_mm: Option<f64>,
    /// Where on its surface it reaches farthest beyond that plane, RAS mm; absent for a tumour that does not.
    pub protrusion_point_ras_mm: Option<[f64; 3]>,
    /// Largest distance between two boundary points beyond the porus plane in one axial slice, mm; absent for a tumour that hardly leaves the canal.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Its two ends, RAS mm.
    pub extrameatal_ends_ras_mm: Option<[[f64; 3]; 2]>,
    /// Shortest distance between the surfaces of tumour and brainstem, mm.
    pub brainstem_gap_mm: Option<f64>,
    /// The two ends of that distance, RAS mm: on the tumour, on the brainstem.
    pub nearest_points_ras_mm: Option<[[f64; 3]; 2]>,
    /// Tumour surface within the contact distance of the brainstem, mm².
    pub contact_area_mm2: Option<f64>,
    /// The place of the contact that lies nearest to its middle, RAS mm; absent without contact.
    pub contact_point_ras_mm: Option<[f64; 3]>,
    /// Largest distance between two points of that surface in one axial slice of the scan, mm; 0 without contact.
    pub contact_length_mm: Option<f64>,
    /// Its two ends, RAS mm; absent without contact.
    pub contact_ends_ras_mm: Option<[[f64; 3]; 2]>,
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
    /// Middle of the brainstem's section on that level, RAS mm.
    pub brainstem_shift_point_ras_mm: Option<[f64; 3]>,
    /// Angle between the brainstem's own plane of symmetry and the midsagittal plane, about the patient's long axis, degrees, positive when its front turns away from the
    /// tumour.
    pub brainstem_rotation_degrees: Option<f64>,
    /// How far the fourth ventricle lies off the midline on the levels of the tumour, away from it, mm.
    pub fourth_ventricle_shift_mm: Option<f64>,
    /// Its middle on those levels, RAS mm.
    pub fourth_ventricle_point_ras_mm: Option<[f64; 3]>,
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
    /// Where it was measured, RAS mm: the middle of a line, the nearest, deepest or farthest place; absent where it has none.
    pub at_ras_mm: Option<[f64; 3]>,
}

impl KoosMeasure {
    /// Error of this value, in its unit.
    pub fn total_error(&self) -> f64 {
        self.error + self.relative_error * self.value.unwrap_or_default().abs()
    }
}

impl KoosEvidence {
    /// All single numbers with their units, errors and places, in the order in which they are told.
    #[rustfmt::skip]
    pub fn measures(&self) -> Vec<KoosMeasure> {
        let of = |name, value, unit, error, relative_error, at_ras_mm| KoosMeasure { name, value, unit, error, relative_error, at_ras_mm };
        let gap = self.nearest_points_ras_mm.map(middle);
        let outside = self.extrameatal_ends_ras_mm.map(middle);
        let contact = self.contact_point_ras_mm.or(gap);
        let length = self.contact_ends_ras_mm.map(middle).or(contact);
        let indentation = self.indentation_point_ras_mm.or(contact);
        let mirror = self.mirror_plane.map(|p| p.point_ras_mm);
        let ventricle = self.fourth_ventricle_point_ras_mm;
        let mut all = vec![
            of("extrameatal volume", self.extrameatal_volume_mm3, "mm³", 30.0, 0.05, outside.or(self.protrusion_point_ras_mm)),
            of("intrameatal volume", self.intrameatal_volume_mm3, "mm³", 30.0, 0.05, self.intrameatal_point_ras_mm),
            of("reach beyond the porus", self.protrusion_mm, "mm", 3.0, 0.0, self.protrusion_point_ras_mm),
            of("extrameatal diameter", self.extrameatal_diameter_mm, "mm", 2.0, 0.0, outside),
            of("gap to the brainstem", self.brainstem_gap_mm, "mm", 0.5, 0.0, gap),
            of("contact with the brainstem", self.contact_area_mm2, "mm²", 8.0, 0.2, contact),
            of("length of the contact", self.contact_length_mm, "mm", 2.0, 0.0, length),
            of("indentation of the brainstem", self.indentation_mm, "mm", 0.5, 0.0, indentation),
            of("brainstem shift", self.brainstem_shift_mm, "mm", 0.7, 0.0, self.brainstem_shift_point_ras_mm),
            of("brainstem rotation", self.brainstem_rotation_degrees, "degrees", 3.0, 0.0, mirror),
            of("fourth ventricle shift", self.fourth_ventricle_shift_mm, "mm", 0.7, 0.0, ventricle),
            of("fourth ventricle area", self.fourth_ventricle_area_mm2, "mm²", 10.0, 0.1, ventricle),
            of("fourth ventricle asymmetry", self.fourth_ventricle_asymmetry, "", 0.2, 0.0, ventricle),
        ];
        for n in &self.neighbours {
            let at = Some(middle(n.nearest_points_ras_mm));
            all.push(of(n.structure.distance_name(), Some(n.distance_mm), "mm", n.error_mm, 0.0, at));
            all.push(of(n.structure.contact_name(), Some(n.contact_mm2), "mm²", 8.0, 0.2, at));
        }
        all
    }
}

/// Halfway between two places.
fn middle([a, b]: [[f64; 3]; 2]) -> [f64; 3] {
    std::array::from_fn(|n| f64::midpoint(a[n], b[n]))
}
