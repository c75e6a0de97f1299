//! Voxels inside a drawn outline.
use super::slice::{Slice, in_slice_axes};
use crate::volume::Grid;
use glam::DVec3;

/// Beyond so many voxels from the grid's first, a point is no place on a screen.
const FARTHEST: f64 = 1e9;

/// The voxels of native slice `slice` of a voxel axis whose centres lie inside a closed polygon (RAS mm; points are projected on the slice's
/// plane; the last joins the first). Even-odd rule: what an outline that crosses itself encloses twice is outside. A centre on the border
/// belongs to one side only, so that polygons that share an edge share no voxel. Nothing when the grid has no such slice, or the polygon no
/// area, or points that are not finite.
pub fn polygon(grid: &Grid, axis: usize, slice: usize, points_in_world: &[DVec3]) -> Vec<usize> {
    let mut found = Vec::new();
    let Some(slice) = Slice::new(grid, axis, slice) else {
        return found;
    };
    let [u, v] = in_slice_axes(axis);
    let corners: Vec<[f64; 2]> = points_in_world
        .iter()
        .map(|&p| {
            let at = grid.voxel_from_world().transform_point3(slice.foot(p));
            [at[u], at[v]]
        })
        .collect();
    let near = |c: &[f64; 2]| c.iter().all(|x| x.abs() <= FARTHEST);
    if corners.len() < 3 || !corners.iter().all(near) {
        return found;
    }
    let (width, rows) = (grid.shape()[u] as f64, grid.shape()[v]);
    let range = |pick: fn(f64, f64) -> f64, start| corners.iter().map(|c| c[1]).fold(start, pick);
    let first = range(f64::min, f64::INFINITY).ceil().max(0.0) as usize;
    let end = (range(f64::max, f64::NEG_INFINITY).floor() + 1.0).max(0.0) as usize;
    for row in first..end.min(rows) {
        let crossings = crossings(&corners, row as f64);
        for pair in crossings.chunks_exact(2) {
            let low = pair[0].ceil().clamp(0.0, width) as usize;
            let high = pair[1].ceil().clamp(0.0, width) as usize;
            for column in low..high {
                let mut voxel = [slice.index; 3];
                (voxel[u], voxel[v]) = (column, row);
                found.push(grid.index(voxel));
            }
        }
    }
    found
}

/// Where the polygon's edges cross a row, from left to right; always an even number.
fn crossings(corners: &[[f64; 2]], row: f64) -> Vec<f64> {
    let next = corners.iter().cycle().skip(1);
    let mut crossings: Vec<f64> = corners
        .iter()
        .zip(next)
        // Half open, so that a corner on the row counts once where the outline passes it and twice or not at all where it turns.
        .filter(|(a, b)| (a[1] <= row) != (b[1] <= row))
        .map(|(a, b)| {
            // From the lower end, so that a shared edge gives both its polygons the same bits.
            let (a, b) = if a[1] < b[1] { (a, b) } else { (b, a) };
            a[0] + (b[0] - a[0]) * ((row - a[1]) / (b[1] - a[1]))
        })
        .collect();
    crossings.sort_unstable_by(f64::total_cmp);
    crossings
}
