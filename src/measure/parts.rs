//! The connected parts of a labelled structure.
use crate::volume::{LabelMap, Structure, components};
use glam::DVec3;

/// One 26-connected part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// Number of voxels.
    pub(super) voxels: usize,
    /// Mean of the voxel centres, RAS mm.
    pub(super) centroid: DVec3,
}

/// The parts of a structure, the largest first.
pub(super) fn parts(labels: &LabelMap, structure: Structure) -> Vec<Part> {
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return Vec::new();
    };
    let grid = labels.grid();
    let low = bounds.map(|b| b[0]);
    let shape = bounds.map(|b| b[1] - b[0] + 1);
    let voxel = |n: usize| {
        [
            low[0] + n % shape[0],
            low[1] + n / shape[0] % shape[1],
            low[2] + n / (shape[0] * shape[1]),
        ]
    };
    let mask: Vec<bool> = (0..shape.iter().product())
        .map(|n| labels.labels()[grid.index(voxel(n))] == value)
        .collect();
    let found = components(&mask, shape);
    let mut sums = vec![DVec3::ZERO; found.sizes.len()];
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        sums[part as usize - 1] += grid.point_in_world(voxel(n));
    }
    let mut parts: Vec<Part> = (found.sizes.iter().zip(sums))
        .map(|(&voxels, sum)| Part {
            voxels,
            centroid: sum / voxels as f64,
        })
        .collect();
    parts.sort_by_key(|p| std::cmp::Reverse(p.voxels));
    parts
}
