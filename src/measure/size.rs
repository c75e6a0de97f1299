//! Size of each labelled structure.
use super::{
    Boundary,
    boundary::diameter_mm,
    parts::{Part, parts},
    surface_area_mm2,
};
use crate::volume::{LabelMap, Side, Structure};
use glam::DVec3;
use serde::{Serialize, Serializer};

/// Which side of the patient a structure lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeSide {
    /// Left only.
    Left,
    /// Right only.
    Right,
    /// Parts on both sides.
    Both,
}

impl From<Side> for SizeSide {
    fn from(side: Side) -> Self {
        match side {
            Side::Left => Self::Left,
            Side::Right => Self::Right,
        }
    }
}

/// The size of one structure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StructureSize {
    /// Value in the label map.
    pub label: u8,
    /// What it is.
    #[serde(rename = "name", serialize_with = "name")]
    pub structure: Structure,
    /// Number of voxels.
    pub voxels: usize,
    /// Voxels times the volume of one, mm³.
    pub volume_mm3: f64,
    /// Surface area (Crofton), mm².
    pub surface_mm2: f64,
    /// Largest distance between two boundary points, mm.
    pub max_diameter_3d_mm: f64,
    /// Largest distance between two boundary points of one axial slice of the scan, mm.
    pub max_axial_diameter_mm: f64,
    /// Mean of the voxel centres, RAS mm.
    pub centroid_ras_mm: [f64; 3],
    /// Number of 26-connected parts.
    pub components: usize,
    /// Side of the patient; none for structures in the midline.
    pub side: Option<SizeSide>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn name<S: Serializer>(structure: &Structure, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(structure.name())
}

/// Size of every structure that has voxels, in the order of the label table.
pub fn structure_sizes(labels: &LabelMap) -> Vec<StructureSize> {
    labels
        .table()
        .entries()
        .iter()
        .filter_map(|&(_, structure)| structure_size(labels, structure))
        .collect()
}

/// Size of one structure; `None` when it has no voxels.
pub fn structure_size(labels: &LabelMap, structure: Structure) -> Option<StructureSize> {
    let label = labels.table().value(structure)?;
    let grid = labels.grid();
    let parts = parts(labels, structure);
    let voxels: usize = parts.iter().map(|p| p.voxels).sum();
    if voxels == 0 {
        return None;
    }
    let centroid = parts
        .iter()
        .map(|p| p.centroid * p.voxels as f64)
        .sum::<DVec3>()
        / voxels as f64;
    let boundary = Boundary::of(labels, structure);
    let all: Vec<DVec3> = boundary.points.iter().map(|p| p.point).collect();
    Some(StructureSize {
        label,
        structure,
        voxels,
        volume_mm3: voxels as f64 * grid.voxel_volume_mm3(),
        surface_mm2: surface_area_mm2(labels, structure),
        max_diameter_3d_mm: diameter_mm(&all),
        max_axial_diameter_mm: max_axial_diameter_mm(&boundary),
        centroid_ras_mm: centroid.to_array(),
        components: parts.len(),
        side: side(labels, structure, &parts),
    })
}

/// Largest distance between two boundary points of one axial slice, mm.
pub(super) fn max_axial_diameter_mm(boundary: &Boundary) -> f64 {
    let mut points: Vec<(usize, DVec3)> = boundary
        .points
        .iter()
        .filter(|p| p.in_slice)
        .map(|p| (p.axial_slice, p.point))
        .collect();
    points.sort_by_key(|(slice, _)| *slice);
    points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|slice| diameter_mm(&slice.iter().map(|(_, p)| *p).collect::<Vec<_>>()))
        .fold(0.0, f64::max)
}

/// Side of the parts of a lateral structure, against the patient's midline: halfway between two cochleae, else the brainstem, else the middle of the scan.
fn side(labels: &LabelMap, structure: Structure, parts: &[Part]) -> Option<SizeSide> {
    if matches!(structure, Structure::Brainstem | Structure::FourthVentricle) {
        return None;
    }
    let sides: Vec<Side> = match super::HeadAxes::of(labels) {
        Some(axes) if structure != Structure::Cochlea || axes.from_cochleae => {
            parts.iter().map(|p| axes.side(p.centroid)).collect()
        }
        _ => {
            let middle = labels.grid().centre_in_world().x;
            parts
                .iter()
                .map(|p| {
                    if p.centroid.x < middle {
                        Side::Left
                    } else {
                        Side::Right
                    }
                })
                .collect()
        }
    };
    let left = sides.contains(&Side::Left);
    let right = sides.contains(&Side::Right);
    match (left, right) {
        (true, true) => Some(SizeSide::Both),
        (true, false) => Some(SizeSide::Left),
        (false, true) => Some(SizeSide::Right),
        (false, false) => None,
    }
}
