//! The native slices of a grid: all voxels with one index along one voxel axis.
use crate::volume::Grid;
use glam::DVec3;

/// A plane of voxel centres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    pub(super) axis: usize,
    pub(super) index: usize,
    point_in_world: DVec3,
    normal: DVec3,
}

impl Slice {
    /// `None` when the grid has no such slice.
    pub(super) fn new(grid: &Grid, axis: usize, index: usize) -> Option<Self> {
        let count = *grid.shape().get(axis)?;
        if index >= count {
            return None;
        }
        let mut first = [0; 3];
        first[axis] = index;
        let columns = grid.world_from_voxel().matrix3;
        let [u, v] = in_slice_axes(axis);
        Some(Self {
            axis,
            index,
            point_in_world: grid.point_in_world(first),
            normal: columns.col(u).cross(columns.col(v)).normalize_or_zero(),
        })
    }

    /// The point of the plane that is nearest to a point, so that a pointer between two slices draws with its full width.
    pub(super) fn foot(&self, point_in_world: DVec3) -> DVec3 {
        point_in_world - self.normal * self.normal.dot(point_in_world - self.point_in_world)
    }
}

/// The two other voxel axes, the one that is faster in memory first.
pub(super) fn in_slice_axes(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}
