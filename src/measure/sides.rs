//! A structure's voxels by the side of the patient.
use super::{HeadAxes, size::side_in_scan};
use crate::volume::{LabelMap, Side, Structure, components};
use glam::DVec3;

/// The voxels of a structure on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidedVoxels {
    /// The patient's side; none for structures of the midline, and where the scan does not tell it.
    pub side: Option<Side>,
    /// Positions in memory, ascending.
    pub voxels: Vec<usize>,
}

/// Takes a structure apart by the side that each of its 26-connected parts lies on: left, right, then what has no side; what is empty is left out. Together they are all
/// voxels of the structure, each once.
///
/// The side of a part is that of its centroid, against the midline between the cochleae, else against the brainstem; where only one ear is labelled, all that is lateral belongs to it; else
/// the middle of a scan of the whole head tells it.
pub fn voxels_by_side(labels: &LabelMap, structure: Structure) -> Vec<SidedVoxels> {
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
    let lateral = structure.is_paired() || structure == Structure::VestibularSchwannoma;
    let side_of = lateral.then(|| sides(labels));
    let sides: Vec<Option<Side>> = (sums.iter().zip(&found.sizes))
        .map(|(sum, &size)| side_of.as_ref().and_then(|of| of(*sum / size as f64)))
        .collect();
    let mut sorted = [Some(Side::Left), Some(Side::Right), None].map(|side| SidedVoxels {
        side,
        voxels: Vec::new(),
    });
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        let side = sides[part as usize - 1];
        if let Some(own) = sorted.iter_mut().find(|s| s.side == side) {
            own.voxels.push(grid.index(voxel(n)));
        }
    }
    sorted
        .into_iter()
        .filter(|s| !s.voxels.is_empty())
        .collect()
}

/// Which side a point lies on, as far as the labels tell.
fn sides(labels: &LabelMap) -> Box<dyn Fn(DVec3) -> Option<Side> + '_> {
    if let Some(axes) = HeadAxes::of(labels) {
        return Box::new(move |point| Some(axes.side(point)));
    }
    if let Some(axes) = HeadAxes::of_one_ear(labels) {
        let side = match axes.cochleae {
            [Some(_), None] => Some(Side::Left),
            [None, Some(_)] => Some(Side::Right),
            _ => None,
        };
        return Box::new(move |_| side);
    }
    Box::new(|point| side_in_scan(labels, point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, LabelTable};

    /// Two cochleae 80 mm apart, a tumour on the right whose tip crosses the midline, a brainstem between; `i` runs to the patient's left.
    fn head(both: bool) -> LabelMap {
        let affine = glam::DAffine3::from_mat3_translation(
            glam::DMat3::from_diagonal(DVec3::new(-2.0, 2.0, 2.0)),
            DVec3::new(60.0, -20.0, -10.0),
        );
        let grid = Grid::new([60, 20, 10], affine).unwrap();
        let mut labels = vec![0_u8; grid.len()];
        let mut fill = |i: std::ops::Range<usize>, value: u8| {
            for i in i {
                for j in 8..12 {
                    for k in 3..7 {
                        labels[grid.index([i, j, k])] = value;
                    }
                }
            }
        };
        fill(8..12, 2);
        fill(14..31, 1);
        fill(33..36, 3);
        if both {
            fill(48..52, 2);
        }
        LabelMap::new(grid, labels, LabelTable::default()).unwrap()
    }

    #[test]
    fn parts_are_sorted_by_the_affine_s_left_and_right() {
        let labels = head(true);
        let cochleae = voxels_by_side(&labels, Structure::Cochlea);
        let found: Vec<(Option<Side>, usize)> =
            cochleae.iter().map(|s| (s.side, s.voxels.len())).collect();
        assert_eq!(found, [(Some(Side::Left), 64), (Some(Side::Right), 64)]);
        let left = labels.grid().voxel(cochleae[0].voxels[0]);
        assert!(labels.grid().point_in_world(left).x < 0.0);
        let tumour = voxels_by_side(&labels, Structure::VestibularSchwannoma);
        assert_eq!(tumour.len(), 1);
        assert_eq!(tumour[0].side, Some(Side::Right));
        let brainstem = voxels_by_side(&labels, Structure::Brainstem);
        assert_eq!(brainstem.len(), 1);
        assert_eq!(brainstem[0].side, None);
    }

    #[test]
    fn one_labelled_ear_tells_its_side() {
        let tumour = voxels_by_side(&head(false), Structure::VestibularSchwannoma);
        assert_eq!(tumour[0].side, Some(Side::Right));
        assert!(voxels_by_side(&head(false), Structure::Cerebellum).is_empty());
    }
}
