//! The same voxels in another order: axes exchanged or turned round, nothing resampled.
use super::{Grid, LabelMap, Shape};
use glam::DAffine3;

/// Takes values from one grid to another that has the same voxels in another order, as a scan has them in files of two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reorder {
    from: Shape,
    to: Shape,
    /// Of each axis of `from`, the axis of `to` that runs along it, and whether the other way.
    axes: [(usize, bool); 3],
}

impl Reorder {
    /// From one grid to another; `None` unless each voxel of either lies within `tolerance_mm` of one of the other.
    pub fn between(from: &Grid, to: &Grid, tolerance_mm: f64) -> Option<Self> {
        let from_voxel_of_to: DAffine3 = from.voxel_from_world() * to.world_from_voxel();
        let matrix = from_voxel_of_to.matrix3.to_cols_array_2d();
        let mut axes = [(0, false); 3];
        let mut used = [false; 3];
        for (row, axis) in axes.iter_mut().enumerate() {
            let along =
                (0..3).max_by(|a, b| matrix[*a][row].abs().total_cmp(&matrix[*b][row].abs()))?;
            if std::mem::replace(&mut used[along], true) {
                return None;
            }
            *axis = (along, matrix[along][row] < 0.0);
        }
        let found = Self {
            from: from.shape(),
            to: to.shape(),
            axes,
        };
        let sizes_fit = axes
            .iter()
            .zip(found.from)
            .all(|((along, _), n)| found.to[*along] == n);
        // What holds at the corners holds between them.
        let corner = |n: usize| -> Shape {
            std::array::from_fn(|a| if n >> a & 1 == 0 { 0 } else { found.to[a] - 1 })
        };
        let places_fit = || {
            (0..8).map(corner).all(|voxel| {
                let there = from.point_in_world(found.source(voxel));
                there.distance(to.point_in_world(voxel)) <= tolerance_mm
            })
        };
        (sizes_fit && places_fit()).then_some(found)
    }

    /// The voxel that a voxel's value comes from.
    fn source(&self, voxel: Shape) -> Shape {
        std::array::from_fn(|row| {
            let (along, turned) = self.axes[row];
            if turned {
                self.from[row] - 1 - voxel[along]
            } else {
                voxel[along]
            }
        })
    }

    /// Values in the order of the grid that they go to; `None` when there is not one for each voxel.
    pub fn apply<T: Copy>(&self, values: &[T]) -> Option<Vec<T>> {
        let [width, height, depth] = self.to;
        let mut ordered = Vec::with_capacity(values.len());
        if self.from.iter().product::<usize>() != values.len() {
            return None;
        }
        for k in 0..depth {
            for j in 0..height {
                for i in 0..width {
                    let [x, y, z] = self.source([i, j, k]);
                    ordered.push(values[x + self.from[0] * (y + self.from[1] * z)]);
                }
            }
        }
        Some(ordered)
    }
}

impl LabelMap {
    /// The labels in the order of a grid that has the same voxels; `None` where it has others.
    pub fn reordered(&self, to: &Grid, tolerance_mm: f64) -> Option<Self> {
        let ordered = Reorder::between(self.grid(), to, tolerance_mm)?.apply(self.labels())?;
        Self::new(*to, ordered, self.table().clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{LabelTable, Structure};
    use glam::{DMat3, DVec3};
    use proptest::prelude::*;

    fn oblique(shape: Shape) -> Grid {
        let turn = DMat3::from_euler(glam::EulerRot::XYZ, 0.3, -0.2, 0.5);
        let affine = DAffine3 {
            matrix3: turn * DMat3::from_diagonal(DVec3::new(0.5, 0.6, 1.5)),
            translation: DVec3::new(-10.0, 20.0, 3.0),
        };
        Grid::new(shape, affine).unwrap()
    }

    /// The grid with its axes in another order and some of them turned round.
    fn shuffled(grid: &Grid, order: [usize; 3], turned: [bool; 3]) -> Grid {
        let world = grid.world_from_voxel();
        let mut origin = [0.0; 3];
        let columns: [DVec3; 3] = std::array::from_fn(|a| {
            let axis = order[a];
            let column = world.matrix3.col(axis);
            if turned[a] {
                origin[axis] = (grid.shape()[axis] - 1) as f64;
                -column
            } else {
                column
            }
        });
        let affine = DAffine3 {
            matrix3: DMat3::from_cols(columns[0], columns[1], columns[2]),
            translation: world.transform_point3(DVec3::from(origin)),
        };
        Grid::new(order.map(|a| grid.shape()[a]), affine).unwrap()
    }

    proptest! {
        /// A label stays at its place in the patient, and the way back gives the same map.
        #[test]
        fn every_voxel_keeps_its_place(order in 0_usize..6, turned in any::<[bool; 3]>(), at in 0_usize..4 * 5 * 3) {
            const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
            let grid = oblique([4, 5, 3]);
            let other = shuffled(&grid, ORDERS[order], turned);
            let mut values = vec![0; grid.len()];
            values[at] = 1;
            let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
            let there = labels.reordered(&other, 1e-6).unwrap();
            prop_assert_eq!(there.grid(), &other);
            let voxel = other.nearest_voxel(grid.point_in_world(grid.voxel(at))).unwrap();
            prop_assert_eq!(there.structure_at(voxel), Some(Structure::VestibularSchwannoma));
            prop_assert_eq!(there.count(Structure::VestibularSchwannoma), 1);
            prop_assert_eq!(there.reordered(&grid, 1e-6).unwrap(), labels);
        }
    }

    #[test]
    fn other_voxels_are_not_the_same_in_another_order() {
        let grid = oblique([4, 5, 3]);
        assert_eq!(Reorder::between(&grid, &oblique([4, 5, 4]), 0.01), None);
        assert_eq!(Reorder::between(&grid, &oblique([5, 4, 3]), 0.01), None);
        let shift = DAffine3::from_translation(DVec3::new(0.02, 0.0, 0.0));
        let moved = Grid::new([4, 5, 3], shift * grid.world_from_voxel()).unwrap();
        assert_eq!(Reorder::between(&grid, &moved, 0.01), None);
        assert!(Reorder::between(&grid, &moved, 0.03).is_some());
        let turned = DAffine3::from_rotation_z(0.4);
        let turned = Grid::new([4, 5, 3], turned * grid.world_from_voxel()).unwrap();
        assert_eq!(Reorder::between(&grid, &turned, 0.01), None);
        let whole = Reorder::between(&grid, &grid, 0.0).unwrap();
        assert_eq!(whole.apply(&[1, 2, 3]), None);
    }
}
