//! The labels of each structure in the box that holds it.
use crate::volume::{Grid, LabelEdit, LabelMap, Structure};
use glam::{DAffine3, DVec3};

/// Labels of each structure, cut to its box: an outline then costs what the structure costs, not what the scan does.
pub(super) fn structure_parts(labels: &LabelMap) -> Vec<(Structure, LabelMap)> {
    Structure::ALL
        .into_iter()
        .filter_map(|structure| Some((structure, part(labels, structure)?)))
        .collect()
}

/// Brings the parts up to date after an edit: only the boxes of structures that it touched are cut anew, each wide enough for what was there
/// before, so that an edit costs what it changes.
pub(super) fn update_parts(
    parts: &mut Vec<(Structure, LabelMap)>,
    labels: &LabelMap,
    edit: &LabelEdit,
) {
    let Some(changed) = edit.bounds() else {
        return;
    };
    for value in edit.values() {
        let Some(structure) = labels.table().structure(value) else {
            continue;
        };
        let before = parts.iter().position(|(s, _)| *s == structure);
        let mut bounds = changed;
        if let Some(at) = before {
            let old = parts[at].1.grid();
            let first = labels.grid().nearest_voxel(old.point_in_world([0; 3]));
            for (a, first) in first.unwrap_or_default().into_iter().enumerate() {
                let last = first + old.shape()[a] - 1;
                bounds[a] = [bounds[a][0].min(first), bounds[a][1].max(last)];
            }
        }
        let cut = cut(labels, bounds);
        match (before, cut) {
            (Some(at), Some(part)) => parts[at].1 = part,
            (None, Some(part)) => parts.push((structure, part)),
            (_, None) => {}
        }
    }
}

/// The labels in the box of a structure, one voxel wider where the scan goes on. Every voxel stays where it is in the patient.
fn part(labels: &LabelMap, structure: Structure) -> Option<LabelMap> {
    cut(labels, labels.bounds(structure)?)
}

/// The labels in a box, first and last voxel along each axis, one voxel wider where the scan goes on.
fn cut(labels: &LabelMap, bounds: [[usize; 2]; 3]) -> Option<LabelMap> {
    let grid = labels.grid();
    let low: [usize; 3] = std::array::from_fn(|a| bounds[a][0].saturating_sub(1));
    let high: [usize; 3] = std::array::from_fn(|a| (bounds[a][1] + 1).min(grid.shape()[a] - 1));
    let shape: [usize; 3] = std::array::from_fn(|a| high[a] - low[a] + 1);
    let shift = DAffine3::from_translation(DVec3::from_array(low.map(|x| x as f64)));
    let part = Grid::new(shape, grid.world_from_voxel() * shift).ok()?;
    let mut values = Vec::with_capacity(part.len());
    for k in low[2]..=high[2] {
        for j in low[1]..=high[1] {
            let row = grid.index([low[0], j, k]);
            values.extend_from_slice(labels.labels().get(row..row + shape[0])?);
        }
    }
    LabelMap::new(part, values, labels.table().clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::LabelTable;
    use glam::DMat3;

    #[test]
    fn a_part_keeps_every_voxel_of_its_structure_in_its_place() {
        let place = DAffine3::from_mat3_translation(
            DMat3::from_rotation_z(0.3) * 0.7,
            DVec3::new(4.0, -9.0, 2.0),
        );
        let grid = Grid::new([9, 8, 7], place).unwrap();
        let mut values = vec![0; grid.len()];
        let voxels = [[0, 3, 2], [4, 3, 2], [4, 5, 6]];
        for voxel in voxels {
            values[grid.index(voxel)] = 2;
        }
        let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
        let parts = structure_parts(&labels);
        let [(Structure::Cochlea, part)] = &parts[..] else {
            panic!("{parts:?}")
        };
        assert_eq!(part.count(Structure::Cochlea), voxels.len());
        for voxel in voxels {
            let there = part
                .grid()
                .nearest_voxel(grid.point_in_world(voxel))
                .unwrap();
            assert_eq!(part.structure_at(there), Some(Structure::Cochlea));
        }
    }
}
