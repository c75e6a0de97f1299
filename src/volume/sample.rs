//! Values between voxels, and volumes on another grid.
use super::{Error, Grid, LabelMap, Volume, Voxels};
use glam::{DAffine3, DVec3};
use rayon::prelude::*;

/// Trilinear value of `data` (one value for each voxel of `grid`) at continuous voxel coordinates; points up to half a voxel beyond the outer
/// centres take the border's value, `None` farther out.
pub fn sample_linear(data: &[f32], grid: &Grid, voxel: DVec3) -> Option<f32> {
    let shape = grid.shape();
    let v = voxel.to_array();
    let mut low = [0_usize; 3];
    let mut high = [0_usize; 3];
    let mut t = [0_f32; 3];
    for axis in 0..3 {
        let last = (shape[axis] - 1) as f64;
        if !(v[axis] >= -0.5 && v[axis] <= last + 0.5) {
            return None;
        }
        let x = v[axis].clamp(0.0, last);
        low[axis] = x as usize;
        high[axis] = (low[axis] + 1).min(shape[axis] - 1);
        t[axis] = (x - low[axis] as f64) as f32;
    }
    let at = |i: usize, j: usize, k: usize| data[grid.index([i, j, k])];
    let along_i = |j: usize, k: usize| {
        let (a, b) = (at(low[0], j, k), at(high[0], j, k));
        a + (b - a) * t[0]
    };
    let along_j = |k: usize| {
        let (a, b) = (along_i(low[1], k), along_i(high[1], k));
        a + (b - a) * t[1]
    };
    let (a, b) = (along_j(low[2]), along_j(high[2]));
    Some(a + (b - a) * t[2])
}

/// A volume on another grid by trilinear interpolation, `f32`; `outside` where the source does not reach.
/// `source_world_from_target_world` takes a point of the target's patient space to the source's.
///
/// # Errors
/// Never for a valid grid; the type is that of [`Volume::new`].
pub fn resample_linear(
    source: &Volume,
    target: &Grid,
    source_world_from_target_world: DAffine3,
    outside: f32,
) -> Result<Volume, Error> {
    let data = source.to_f32();
    let source_grid = source.grid();
    let map =
        source_grid.voxel_from_world() * source_world_from_target_world * target.world_from_voxel();
    let [ni, nj, _] = target.shape();
    let mut out = vec![outside; target.len()];
    out.par_chunks_mut(ni)
        .enumerate()
        .for_each(|(row, values)| {
            let (j, k) = (row % nj, row / nj);
            for (i, value) in values.iter_mut().enumerate() {
                let at = map.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
                if let Some(v) = sample_linear(&data, source_grid, at) {
                    *value = v;
                }
            }
        });
    Volume::new(*target, Voxels::F32(out), 1.0, 0.0)
}

/// Labels on another grid: each target voxel takes the label of the nearest source voxel, background outside.
///
/// # Errors
/// Never for a valid grid; the type is that of [`LabelMap::new`].
pub fn resample_labels(
    source: &LabelMap,
    target: &Grid,
    source_world_from_target_world: DAffine3,
) -> Result<LabelMap, Error> {
    let map = source_world_from_target_world * target.world_from_voxel();
    let [ni, nj, _] = target.shape();
    let mut out = vec![0_u8; target.len()];
    out.par_chunks_mut(ni)
        .enumerate()
        .for_each(|(row, values)| {
            let (j, k) = (row % nj, row / nj);
            for (i, value) in values.iter_mut().enumerate() {
                let at = map.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
                if let Some(voxel) = source.grid().nearest_voxel(at) {
                    *value = source.labels()[source.grid().index(voxel)];
                }
            }
        });
    LabelMap::new(*target, out, source.table().clone())
}
