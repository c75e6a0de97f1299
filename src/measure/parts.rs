//! The connected parts of a labelled structure.
use super::Boundary;
use crate::volume::{Components, LabelMap, Structure, components};
use glam::DVec3;

/// Parts smaller than this are no tumour of their own, mm³: they decide no side and, beside a larger part, are in no length.
pub(super) const MIN_PART_MM3: f64 = 10.0;

/// One 26-connected part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// Number of voxels.
    pub(super) voxels: usize,
    /// Mean of the voxel centres, RAS mm.
    pub(super) centroid: DVec3,
}

/// How many parts beside the largest, which comes first, are in no length.
pub(super) fn specks(parts: &[Part], voxel_mm3: f64) -> usize {
    let small = |p: &&Part| (p.voxels as f64 * voxel_mm3) < MIN_PART_MM3;
    parts.iter().skip(1).filter(small).count()
}

/// The labels without the parts of a structure that are in no length; `None` where there are none.
pub(super) fn without_specks(labels: &LabelMap, structure: Structure) -> Option<LabelMap> {
    let voxel_mm3 = labels.grid().voxel_volume_mm3();
    let (within, found) = separate(labels, structure)?;
    let largest = (0..found.sizes.len()).max_by_key(|n| found.sizes[*n])?;
    let small: Vec<bool> = (found.sizes.iter().enumerate())
        .map(|(n, voxels)| n != largest && (*voxels as f64 * voxel_mm3) < MIN_PART_MM3)
        .collect();
    if !small.contains(&true) {
        return None;
    }
    let mut values = labels.labels().to_vec();
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        if small[part as usize - 1] {
            values[labels.grid().index(within.voxel(n))] = 0;
        }
    }
    LabelMap::new(*labels.grid(), values, labels.table().clone()).ok()
}

/// The voxels of a structure's bounding box, first axis fastest.
struct Box3 {
    low: [usize; 3],
    shape: [usize; 3],
}

impl Box3 {
    fn voxel(&self, n: usize) -> [usize; 3] {
        let ([x, y, z], [w, h, _]) = (self.low, self.shape);
        [x + n % w, y + n / w % h, z + n / (w * h)]
    }

    /// The inverse; `None` outside the box.
    fn position(&self, [x, y, z]: [usize; 3]) -> Option<usize> {
        let ([i, j, k], [w, h, d]) = (self.low, self.shape);
        let [x, y, z] = [x.checked_sub(i)?, y.checked_sub(j)?, z.checked_sub(k)?];
        (x < w && y < h && z < d).then_some(x + w * (y + h * z))
    }
}

/// The connected parts of a structure within its bounding box.
fn separate(labels: &LabelMap, structure: Structure) -> Option<(Box3, Components)> {
    let (bounds, value) = (labels.bounds(structure)?, labels.table().value(structure)?);
    let within = Box3 {
        low: bounds.map(|b| b[0]),
        shape: bounds.map(|b| b[1] - b[0] + 1),
    };
    let grid = labels.grid();
    let mask: Vec<bool> = (0..within.shape.iter().product())
        .map(|n| labels.labels()[grid.index(within.voxel(n))] == value)
        .collect();
    let found = components(&mask, within.shape);
    Some((within, found))
}

/// The boundary of each part of a structure by itself.
pub(super) fn part_boundaries(labels: &LabelMap, structure: Structure) -> Vec<Boundary> {
    let Some((within, found)) = separate(labels, structure) else {
        return Vec::new();
    };
    let grid = labels.grid();
    let part_at = |index: usize| {
        let n = within.position(grid.voxel(index))?;
        found.component.get(n).map(|part| *part as usize)
    };
    // Each within its own bounds: of thousands of parts, looking through those of all for each would never end.
    let mut bounds = vec![[[usize::MAX, 0]; 3]; found.sizes.len()];
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        for (bound, at) in bounds[part as usize - 1].iter_mut().zip(within.voxel(n)) {
            *bound = [bound[0].min(at), bound[1].max(at)];
        }
    }
    (1_usize..)
        .zip(bounds)
        .map(|(part, own)| Boundary::of_voxels(grid, own, |index| part_at(index) == Some(part)))
        .collect()
}

/// The parts of a structure, the largest first.
pub(super) fn parts(labels: &LabelMap, structure: Structure) -> Vec<Part> {
    let Some((within, found)) = separate(labels, structure) else {
        return Vec::new();
    };
    let grid = labels.grid();
    let mut sums = vec![DVec3::ZERO; found.sizes.len()];
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        sums[part as usize - 1] += grid.point_in_world(within.voxel(n));
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
