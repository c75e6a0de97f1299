//! What is exactly true of a scan.
use super::{
    Drawn, GrowthModel, Modality, Patient, Sex, Site, VisitSpec,
    anatomy::SIDES,
    contact::{contact_under, effects, grade, pons_levels, push, surface_mm2},
    patient::EXACT_STEP,
    tumour::Tumour,
};
use crate::{measure::KoosGrade, volume::Side};
use glam::DAffine3;
use serde::{Serialize, Serializer};

/// Distance of the lines that measure the tumour's surface, mm.
const SURFACE_STEP: f64 = 0.4;

/// The truth behind a scan, from the continuous shapes and independent of the scan's voxels. Lengths are mm of the unscaled head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// Koos grade of the geometry at this visit: contact of at least 10 mm² separates II from III, a shift of 2 mm of brainstem
    /// or fourth ventricle III from IV.
    #[serde(serialize_with = "as_text")]
    pub koos: Option<KoosGrade>,
    /// Side of the tumour.
    #[serde(serialize_with = "as_text")]
    pub side: Option<Side>,
    /// Volume of the tumour, mm³; zero without tumour.
    pub tumour_volume_mm3: f64,
    /// Its part on the canal's side of the porus plane, mm³.
    pub intrameatal_volume_mm3: f64,
    /// Its part in the cerebellopontine angle, mm³.
    pub extrameatal_volume_mm3: f64,
    /// Least distance between tumour and brainstem, mm; zero in contact, `None` without tumour.
    pub brainstem_gap_mm: Option<f64>,
    /// Tumour surface that lies on the brainstem (within 0.3 mm), mm².
    pub contact_area_mm2: f64,
    /// Largest distance between two points of that surface at one height of the head, mm; zero without contact.
    pub contact_length_mm: f64,
    /// How far the tumour moves the centroid of the brainstem's axial section at its level to the other side, mm.
    pub brainstem_shift_mm: f64,
    /// Area of the tumour's surface, mm², by lines 0.4 mm apart; zero without tumour.
    pub tumour_surface_mm2: f64,
    /// How far the tumour moves the centroid of the fourth ventricle at its levels to the other side, mm.
    pub fourth_ventricle_shift_mm: f64,
    /// Rotation of the brainstem's axial section about the cranio-caudal axis, degrees, positive when its front turns away from the tumour.
    pub brainstem_rotation_degrees: f64,
    /// How deep the tumour dents the brainstem, mm, compared with the brainstem without tumour moved as a stiff body.
    pub indentation_mm: f64,
    /// How deep the touched side of the brainstem lies below its other side mirrored, mm: on the axis of symmetry that its section at the deepest contact has away from the
    /// tumour.
    pub mirrored_indentation_mm: f64,
    /// Rotation of that axis about the cranio-caudal axis, degrees, positive when its front turns away from the tumour.
    pub brainstem_axis_rotation_degrees: f64,
    /// Mean axial area of the fourth ventricle at the levels of the tumour at which it has 10 mm² and more, mm²; zero without tumour.
    pub fourth_ventricle_area_mm2: f64,
    /// Its smaller half about the midline over its larger, at those levels; 1 without tumour.
    pub fourth_ventricle_asymmetry: f64,
    /// Heights of the head frame between which the pons makes the brainstem's side, mm.
    pub pons_levels_mm: [f64; 2],
    /// The least ratio of the volume at rest to the present volume of any piece of tissue around the tumour. Positive: nothing folds. 1
    /// when nothing moves.
    pub least_jacobian: f64,
    /// Volume of the cochlear labels, mm³: left, right.
    pub cochlea_volume_mm3: [f64; 2],
    /// Porus planes: left, right.
    pub porus: [PorusPlane; 2],
    /// Rows of the 4 × 4 matrix from the head frame (RAS mm about the midpoint of the pori) to the scan's world (RAS mm).
    pub world_from_head: [[f64; 4]; 4],
    /// Years since the first visit.
    pub years: f64,
    /// The patient's seed.
    pub patient_seed: u64,
    /// The visit's seed.
    pub visit_seed: u64,
    /// Where the scan was made.
    pub site: Site,
    /// What the scan shows.
    pub modality: Modality,
    /// How the tumour grows, with the parameters; `None` without tumour.
    pub growth: Option<GrowthModel>,
    /// How much of the enhancement in the tumour's core is lost at this visit, 0 to 1.
    pub dark_core: f64,
    /// Age at this visit, years.
    pub age_years: f64,
    /// The patient's sex.
    pub sex: Sex,
    /// What was drawn for the scan.
    pub drawn: Drawn,
}

/// The plane that divides intrameatal from extrameatal, world RAS mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PorusPlane {
    /// Centre of the porus.
    pub point_mm: [f64; 3],
    /// Unit normal towards the cerebellopontine angle.
    pub normal: [f64; 3],
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn as_text<T: ToString, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value
        .as_ref()
        .map(ToString::to_string)
        .serialize(serializer)
}

impl Truth {
    /// The truth of a visit of a patient whose tumour then is `tumour`.
    pub(super) fn new(
        patient: &Patient,
        visit: &VisitSpec,
        tumour: Option<&Tumour>,
        world_from_head: DAffine3,
        drawn: Drawn,
    ) -> Self {
        let anatomy = &patient.anatomy;
        let porus = SIDES.map(|side| {
            let canal = &anatomy.ear(side).canal;
            PorusPlane {
                point_mm: world_from_head.transform_point3(canal.porus).to_array(),
                normal: world_from_head.transform_vector3(canal.face).to_array(),
            }
        });
        let mut truth = Self {
            koos: None,
            side: patient.side(),
            tumour_volume_mm3: 0.0,
            intrameatal_volume_mm3: 0.0,
            extrameatal_volume_mm3: 0.0,
            brainstem_gap_mm: None,
            contact_area_mm2: 0.0,
            contact_length_mm: 0.0,
            brainstem_shift_mm: 0.0,
            tumour_surface_mm2: 0.0,
            fourth_ventricle_shift_mm: 0.0,
            brainstem_rotation_degrees: 0.0,
            indentation_mm: 0.0,
            mirrored_indentation_mm: 0.0,
            brainstem_axis_rotation_degrees: 0.0,
            fourth_ventricle_area_mm2: 0.0,
            fourth_ventricle_asymmetry: 1.0,
            pons_levels_mm: pons_levels(anatomy),
            least_jacobian: 1.0,
            cochlea_volume_mm3: SIDES.map(|side| anatomy.ear(side).cochlea.label_volume_mm3()),
            porus,
            world_from_head: rows(world_from_head),
            years: visit.years,
            patient_seed: patient.seed,
            visit_seed: visit.seed,
            site: visit.site,
            modality: visit.modality,
            growth: patient.growth_model(),
            dark_core: patient
                .growth
                .as_ref()
                .map_or(0.0, |g| g.core_at(visit.years)),
            age_years: patient.age_years() + visit.years,
            sex: patient.sex(),
            drawn,
        };
        if let (Some(tumour), Some(side)) = (tumour, patient.side()) {
            let [whole, beyond] = tumour.volumes_mm3(EXACT_STEP);
            let push = push(tumour, anatomy);
            let found = contact_under(tumour, side, anatomy, push.as_ref());
            let effects = effects(tumour, side, anatomy, push.as_ref());
            truth.koos = Some(grade(&found, effects.ventricle_shift_mm, whole, beyond));
            truth.tumour_volume_mm3 = whole;
            truth.intrameatal_volume_mm3 = whole - beyond;
            truth.extrameatal_volume_mm3 = beyond;
            truth.brainstem_gap_mm = Some(found.gap_mm);
            truth.contact_area_mm2 = found.area_mm2;
            truth.brainstem_shift_mm = found.shift_mm;
            truth.tumour_surface_mm2 =
                surface_mm2(|p| tumour.distance(p), tumour.bounds(), SURFACE_STEP);
            truth.fourth_ventricle_shift_mm = effects.ventricle_shift_mm;
            truth.brainstem_rotation_degrees = effects.rotation_degrees;
            truth.indentation_mm = effects.indentation_mm;
            truth.contact_length_mm = found.length_mm;
            truth.mirrored_indentation_mm = effects.mirrored.indentation_mm;
            truth.brainstem_axis_rotation_degrees = effects.mirrored.rotation_degrees;
            truth.fourth_ventricle_area_mm2 = effects.ventricle_area_mm2;
            truth.fourth_ventricle_asymmetry = effects.ventricle_asymmetry;
            truth.least_jacobian = push.map_or(1.0, |push| push.least_jacobian());
        }
        truth
    }
}

fn rows(m: DAffine3) -> [[f64; 4]; 4] {
    let [x, y, z, t] = [
        m.matrix3.x_axis,
        m.matrix3.y_axis,
        m.matrix3.z_axis,
        m.translation,
    ];
    [
        [x.x, y.x, z.x, t.x],
        [x.y, y.y, z.y, t.y],
        [x.z, y.z, z.z, t.z],
        [0.0, 0.0, 0.0, 1.0],
    ]
}
