//! Voxels that hang together and look alike.
use super::{block::Block, slice::in_slice_axes};
use crate::volume::{Grid, Volume};
use std::ops::RangeInclusive;

/// Voxels on either side of the seed whose mean an adaptive brush compares with.
const MEAN_REACH: usize = 1;
/// Voxels on either side of the seed in which the noise is measured.
const NOISE_REACH: usize = 4;
/// Standard deviations of the noise that a tolerance spans: 99 of 100 voxels of one tissue.
const NOISE_DEVIATIONS: f64 = 3.0;
/// Median distance of two draws of a normal distribution, in its standard deviations.
const MEDIAN_DIFFERENCE: f64 = 0.953_872_6;

/// Of a selection (positions in memory) the voxels that are connected to the seed over their faces and whose intensities differ by at most
/// `tolerance` from the mean of the 3 × 3 voxels about the seed in its slice of voxel axis `axis`. The seed itself belongs when it is selected:
/// a noisy voxel must not stop the brush.
pub fn adaptive(
    volume: &Volume,
    selection: &[usize],
    seed: [usize; 3],
    axis: usize,
    tolerance: f64,
) -> Vec<usize> {
    let grid = volume.grid();
    let selected = || selection.iter().copied().filter(|&s| s < grid.len());
    let Some(bounds) = bounds(grid, selected()) else {
        return Vec::new();
    };
    let block = Block::new(grid, bounds, [0; 3]);
    let mut inside = vec![false; block.len()];
    for index in selected() {
        if let Some(at) = block.position(grid.voxel(index)) {
            inside[at] = true;
        }
    }
    let Some(start) = block.position(seed).filter(|&at| inside[at]) else {
        return Vec::new();
    };
    let near = in_slice(volume, seed, axis, MEAN_REACH).values;
    let mean = near.iter().sum::<f64>() / near.len() as f64;
    let alike = |at: usize| (intensity(volume, block.index(at)) - mean).abs() <= tolerance;
    let (found, _) = block.connected(start, usize::MAX, |at| inside[at] && alike(at));
    sorted(&block, found)
}

/// A tolerance for [`adaptive`] at this place: three standard deviations of the noise about the seed in its slice of voxel axis `axis`. The noise
/// is told from voxels two apart (interpolated scans have like neighbours) by the median of their differences, which an edge of the anatomy
/// hardly changes. Zero where the intensities are all the same or the seed is outside.
pub fn suggested_tolerance(volume: &Volume, seed: [usize; 3], axis: usize) -> f64 {
    let patch = in_slice(volume, seed, axis, NOISE_REACH);
    let mut differences = patch.differences(2);
    if differences.is_empty() {
        return 0.0;
    }
    let middle = differences.len() / 2;
    let (_, &mut median, _) = differences.select_nth_unstable_by(middle, f64::total_cmp);
    NOISE_DEVIATIONS * median / MEDIAN_DIFFERENCE
}

/// How far a flood may run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloodLimits {
    /// From the seed's centre to the centres of the voxels, mm; may be infinite.
    pub distance_mm: f64,
    /// Number of voxels.
    pub voxels: usize,
}

/// What a flood reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flood {
    /// Positions in memory, sorted.
    pub voxels: Vec<usize>,
    /// Whether it would have run on without its limits: it has probably leaked out of what was meant.
    pub limited: bool,
}

/// The voxels that are connected to the seed over faces of voxels with intensities in the range, as far as the limits allow. Nothing when the
/// seed's own intensity is not in the range, or the seed outside the scan.
pub fn flood(
    volume: &Volume,
    seed: [usize; 3],
    range: &RangeInclusive<f64>,
    limits: FloodLimits,
) -> Flood {
    let grid = volume.grid();
    let mut flood = Flood {
        voxels: Vec::new(),
        limited: false,
    };
    let in_range = |index: usize| range.contains(&intensity(volume, index));
    let inside = (0..3).all(|a| seed[a] < grid.shape()[a]);
    if !inside || !in_range(grid.index(seed)) || limits.voxels == 0 {
        return flood;
    }
    // One voxel beyond the limit, so that what lies there is seen to go on.
    let rows = grid.voxel_from_world().matrix3;
    let reach = [0, 1, 2].map(|a| {
        let voxels = (limits.distance_mm * rows.row(a).length()).ceil();
        (voxels as usize).saturating_add(1)
    });
    let block = Block::new(grid, seed.map(|s| [s, s]), reach);
    let Some(start) = block.position(seed) else {
        return flood;
    };
    let centre = grid.point_in_world(seed);
    let mut beyond = false;
    let (found, full) = block.connected(start, limits.voxels, |at| {
        if !in_range(block.index(at)) {
            return false;
        }
        let distance = grid.point_in_world(block.voxel(at)).distance(centre);
        let near = distance <= limits.distance_mm;
        beyond |= !near;
        near
    });
    flood.voxels = sorted(&block, found);
    flood.limited = beyond || full;
    flood
}

fn intensity(volume: &Volume, index: usize) -> f64 {
    let (slope, intercept) = volume.rescale();
    let stored = volume.voxels().get(index);
    stored.map_or(f64::NAN, |s| s * slope + intercept)
}

fn sorted(block: &Block, found: Vec<usize>) -> Vec<usize> {
    let mut indices: Vec<usize> = found.into_iter().map(|at| block.index(at)).collect();
    indices.sort_unstable();
    indices
}

/// First and last index of each axis of some voxels; `None` when there are none.
fn bounds(grid: &Grid, voxels: impl Iterator<Item = usize>) -> Option<[[usize; 2]; 3]> {
    voxels
        .map(|index| grid.voxel(index))
        .fold(None, |b, voxel| {
            let b = b.unwrap_or(voxel.map(|v| [v, v]));
            Some([0, 1, 2].map(|a| [b[a][0].min(voxel[a]), b[a][1].max(voxel[a])]))
        })
}

/// Intensities about a voxel in its slice.
struct Patch {
    /// Finite ones only.
    values: Vec<f64>,
    /// Those of all voxels, rows of `width`.
    all: Vec<f64>,
    width: usize,
}

impl Patch {
    /// Absolute differences of the finite intensities of voxels so many apart, along rows and columns.
    fn differences(&self, apart: usize) -> Vec<f64> {
        let mut differences = Vec::new();
        for (at, value) in self.all.iter().enumerate() {
            let in_row = (at % self.width + apart < self.width).then_some(at + apart);
            let in_column = Some(at + apart * self.width);
            for other in [in_row, in_column].into_iter().flatten() {
                differences.extend(self.all.get(other).map(|o| (o - value).abs()));
            }
        }
        differences.retain(|d| d.is_finite());
        differences
    }
}

/// Empty when the axis or the voxel does not exist.
fn in_slice(volume: &Volume, voxel: [usize; 3], axis: usize, reach: usize) -> Patch {
    let grid = volume.grid();
    let mut all = Vec::new();
    let mut width = 1;
    if axis < 3 && (0..3).all(|a| voxel[a] < grid.shape()[a]) {
        let mut margin = [reach; 3];
        margin[axis] = 0;
        let block = Block::new(grid, voxel.map(|v| [v, v]), margin);
        width = block.shape()[in_slice_axes(axis)[0]];
        all.extend((0..block.len()).map(|at| intensity(volume, block.index(at))));
    }
    Patch {
        values: all.iter().copied().filter(|v| v.is_finite()).collect(),
        all,
        width,
    }
}
