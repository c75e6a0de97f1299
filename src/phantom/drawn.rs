//! What was drawn for a scan, for its truth: with the seeds it says why the scan looks as it does.
use super::{
    Acquisition, Family, Mimic, Patient,
    anatomy::SIDES,
    canal::Canal,
    patient::EXACT_STEP,
    tissue::Palette,
    tumour::{Tumour, TumourShape},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Sizes, shapes, signals and settings that were drawn. Lengths are mm; directions and half-axes are right, anterior, superior.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drawn {
    /// The parameters that all of this was drawn with.
    pub family: Family,
    /// Size of the head relative to the mean.
    pub head_scale: [f64; 3],
    /// Internal auditory canals: left, right.
    pub canals: [CanalSize; 2],
    /// Signal of each tissue relative to CSF (on ceT1 to white matter).
    pub tissue_signals: BTreeMap<String, f64>,
    /// The tumour.
    pub tumour: Option<DrawnTumour>,
    /// A look-alike in a head without tumour.
    pub mimic: Option<Mimic>,
    /// What the scanner did.
    pub acquisition: Acquisition,
}

/// An internal auditory canal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CanalSize {
    /// From the porus to the fundus.
    pub length_mm: f64,
    /// Width at the porus: antero-posterior, cranio-caudal.
    pub porus_mm: [f64; 2],
    /// Width at the fundus: antero-posterior, cranio-caudal.
    pub fundus_mm: [f64; 2],
    /// Exponent of the taper: 1 narrows evenly, more does so near the porus.
    pub taper: f64,
    /// How much wider it is halfway than its taper alone makes it, relative: more than 0 is a bud.
    pub bulge: f64,
}

impl From<&Canal> for CanalSize {
    fn from(canal: &Canal) -> Self {
        Self {
            length_mm: canal.length,
            porus_mm: canal.porus_semi.map(|mm| 2.0 * mm),
            fundus_mm: canal.fundus_semi.map(|mm| 2.0 * mm),
            taper: canal.taper,
            bulge: canal.bulge,
        }
    }
}

/// A tumour's shape and content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawnTumour {
    /// Its shape.
    pub shape: TumourShape,
    /// Number of its cysts.
    pub cysts: usize,
    /// Their volume, which belongs to the tumour's, mm³.
    pub cyst_volume_mm3: f64,
    /// Whether settled blood darkens the back of the cysts.
    pub settled_blood: bool,
    /// Spots of haemosiderin.
    pub haemosiderin_spots: usize,
    /// Part of the tumour at the first visit that is loose tissue (Antoni's type B), cysts apart.
    pub loose_part: f64,
    /// How many mm the tumour has widened its porus.
    pub porus_widened_mm: f64,
}

impl Drawn {
    pub(super) fn new(
        patient: &Patient,
        tumour: Option<&Tumour>,
        palette: &Palette,
        acquisition: Acquisition,
    ) -> Self {
        let anatomy = &patient.anatomy;
        let of_tumour = tumour.zip(patient.growth.as_ref());
        Self {
            family: patient.family,
            head_scale: anatomy.scale.to_array(),
            canals: SIDES.map(|side| (&anatomy.ear(side).canal).into()),
            tissue_signals: palette.signals(),
            tumour: of_tumour.map(|(tumour, growth)| DrawnTumour {
                shape: tumour.shape(),
                cysts: growth.content.cysts(),
                cyst_volume_mm3: growth.content.cyst_volume_mm3(tumour, EXACT_STEP),
                settled_blood: growth.content.settled,
                haemosiderin_spots: growth.content.spots(),
                loose_part: growth.content.loose_part,
                porus_widened_mm: growth.porus_widened_mm,
            }),
            mimic: patient.mimic,
            acquisition,
        }
    }
}
