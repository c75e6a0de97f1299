//! What else a tumour lies beside: pons, cerebellar hemispheres and vermis.
//!
//! The labels name the brainstem and the cerebellum as wholes; their parts follow from the patient's axes. The pons is the brainstem between two heights, whose ends lie within about
//! 2 mm of the phantoms' seams. The midline of the cerebellum goes with the fourth ventricle where a tumour moves that. What the labels do not show is absent.
use super::contact::{Contact, Normals, Touch};
use crate::{
    measure::{Boundary, HeadAxes, parts::parts},
    volume::{LabelMap, Side, Structure},
};
use glam::DVec3;
use serde::{Serialize, Serializer};

/// The pons reaches from this to that height above the middle between the cochleae, mm, in a head whose cochleae lie [`MEAN_APART_MM`] apart. The lower end is the pontomedullary sulcus,
/// where the facial and vestibulocochlear nerves leave, about at the height of the porus.
const PONS_MM: [f64; 2] = [-0.9, 22.4];
/// Half the width of the vermis in such a head, mm. It lies behind the middle of the fourth ventricle; before that, what lies in the band are the peduncles beside the ventricle.
const VERMIS_MM: f64 = 5.5;
const MEAN_APART_MM: f64 = 69.5;
/// The cerebellum is labelled across the midline when the vermis's band has so much of it near the tumour, mm³; else its label ends beside the ears and tells nothing of vermis
/// and other side.
const ACROSS_MM3: f64 = 500.0;
/// How far above and below the tumour that is looked for, mm.
const NEAR_MM: f64 = 15.0;
/// What lies farther away than this is not looked at, mm: it is only known to be farther.
const FARTHEST_MM: f64 = 60.0;

/// What a tumour can lie beside, besides the brainstem as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KoosStructure {
    /// The part of the brainstem on the levels of the pons.
    Pons,
    /// The cerebellar hemisphere on the tumour's side, with peduncle and flocculus.
    CerebellumSameSide,
    /// The other hemisphere.
    CerebellumOtherSide,
    /// The band of the cerebellum about the midline.
    Vermis,
}

impl KoosStructure {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pons => "pons",
            Self::CerebellumSameSide => "cerebellum, same side",
            Self::CerebellumOtherSide => "cerebellum, other side",
            Self::Vermis => "vermis",
        }
    }

    /// In words, with what is measured.
    pub fn distance_name(self) -> &'static str {
        match self {
            Self::Pons => "gap to the pons",
            Self::CerebellumSameSide => "gap to the same side's cerebellum",
            Self::CerebellumOtherSide => "gap to the other side's cerebellum",
            Self::Vermis => "gap to the vermis",
        }
    }

    /// In words, with what is measured.
    pub fn contact_name(self) -> &'static str {
        match self {
            Self::Pons => "contact with the pons",
            Self::CerebellumSameSide => "contact with the same side's cerebellum",
            Self::CerebellumOtherSide => "contact with the other side's cerebellum",
            Self::Vermis => "contact with the vermis",
        }
    }

    /// Error of the distance, mm: where a part ends by rule, the end's own error is in it.
    fn error_mm(self) -> f64 {
        match self {
            Self::Pons => 1.0,
            Self::CerebellumSameSide => 0.5,
            Self::CerebellumOtherSide => 4.0,
            Self::Vermis => 2.0,
        }
    }
}

impl Serialize for KoosStructure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Distance and contact between the tumour and a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KoosNeighbour {
    /// Which.
    pub structure: KoosStructure,
    /// Shortest distance between the surfaces, mm.
    pub distance_mm: f64,
    /// Error of the distance, mm.
    pub error_mm: f64,
    /// The ends of that distance, RAS mm: on the tumour, on the neighbour.
    pub nearest_points_ras_mm: [[f64; 3]; 2],
    /// Tumour surface in contact, mm².
    pub contact_mm2: f64,
}

/// The neighbours of a tumour that the labels tell; the cerebellum is divided so many mm to the right of the axes' midpoint. Without both cochleae there are neither levels nor a
/// midplane.
pub(super) fn neighbours(
    labels: &LabelMap,
    (axes, side, midline_mm): (&HeadAxes, Side, f64),
    (tumour, normals): (&Boundary, &Normals),
    touch: Touch,
) -> Vec<KoosNeighbour> {
    let [Some(left), Some(right)] = axes.cochleae else {
        return Vec::new();
    };
    if !axes.from_cochleae || tumour.points.is_empty() {
        return Vec::new();
    }
    let scale = left.distance(right) / MEAN_APART_MM;
    let count = tumour.points.len() as f64;
    let middle = tumour.points.iter().map(|p| p.point).sum::<DVec3>() / count;
    let right = |p: DVec3| axes.right_of_midline_mm(p) - midline_mm;
    let across = is_across(labels, axes, tumour, (midline_mm, scale));
    let anterior = |p: DVec3| (p - axes.midpoint).dot(axes.anterior);
    let ventricle = (parts(labels, Structure::FourthVentricle).first())
        .map_or(f64::INFINITY, |v| anterior(v.centroid));
    let is_vermis = |p: DVec3| right(p).abs() < VERMIS_MM * scale && anterior(p) < ventricle;
    let on_side = |p: DVec3| (right(p) > 0.0) == (side == Side::Right);
    let levels = PONS_MM.map(|mm| mm * scale);
    let part = |structure: KoosStructure| -> Boundary {
        let (of, shown) = match structure {
            KoosStructure::Pons => (Structure::Brainstem, true),
            KoosStructure::CerebellumSameSide => (Structure::Cerebellum, true),
            _ => (Structure::Cerebellum, across),
        };
        if !shown {
            return Boundary::default();
        }
        Boundary::of_part(labels, of, |p| {
            p.distance(middle) < FARTHEST_MM
                && match structure {
                    KoosStructure::Pons => (levels[0]..levels[1]).contains(&axes.height_mm(p)),
                    KoosStructure::Vermis => is_vermis(p),
                    KoosStructure::CerebellumSameSide => on_side(p) && !is_vermis(p),
                    KoosStructure::CerebellumOtherSide => !on_side(p) && !is_vermis(p),
                }
        })
    };
    let all = [
        KoosStructure::Pons,
        KoosStructure::CerebellumSameSide,
        KoosStructure::CerebellumOtherSide,
        KoosStructure::Vermis,
    ];
    (all.into_iter())
        .filter_map(|structure| {
            let contact = Contact::between(tumour, normals, &part(structure), touch)?;
            Some(KoosNeighbour {
                structure,
                distance_mm: contact.gap_mm,
                error_mm: structure.error_mm(),
                nearest_points_ras_mm: contact.nearest.map(|p| p.to_array()),
                contact_mm2: contact.area_mm2,
            })
        })
        .collect()
}

/// Whether the cerebellum is labelled across the midline near the tumour.
fn is_across(
    labels: &LabelMap,
    axes: &HeadAxes,
    tumour: &Boundary,
    (midline_mm, scale): (f64, f64),
) -> bool {
    let Some(value) = labels.table().value(Structure::Cerebellum) else {
        return false;
    };
    let heights = || tumour.points.iter().map(|p| axes.height_mm(p.point));
    let low = heights().fold(f64::INFINITY, f64::min) - NEAR_MM;
    let high = heights().fold(f64::NEG_INFINITY, f64::max) + NEAR_MM;
    let grid = labels.grid();
    let voxels = (labels.labels().iter().enumerate())
        .filter(|(_, l)| **l == value)
        .map(|(n, _)| grid.point_in_world(grid.voxel(n)))
        .filter(|p| {
            (axes.right_of_midline_mm(*p) - midline_mm).abs() < VERMIS_MM * scale
                && (low..high).contains(&axes.height_mm(*p))
        })
        .count();
    voxels as f64 * grid.voxel_volume_mm3() >= ACROSS_MM3
}
