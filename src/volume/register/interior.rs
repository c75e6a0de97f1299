//! Which part of a scan tells where the head lies.
//!
//! Fat is seen beside where it lies: its protons precess more slowly, which moves it along the readout by up to a few voxels, otherwise in
//! each scan. Scalp and face move, too. So on hrT2 the surroundings of fluid are looked at (labyrinth, canals, cisterns, ventricles), on
//! T1 what is not next to fat, and nothing that is close to the skin.
use super::level::{BRIGHT, Level, Pyramid};
use crate::volume::{Grid, distance_to_mask_mm};
use glam::DVec3;

/// Intensity (0 to 1) above which there is tissue.
const TISSUE: f32 = 0.07;
/// Least depth under the skin, mm.
const DEEP_MM: f32 = 16.0;
/// Farthest from fluid, mm.
const NEAR_FLUID_MM: f32 = 3.0;
/// Least distance from fat, mm.
const FROM_FAT_MM: f32 = 4.0;

/// What is brightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brightest {
    /// Fluid, deep in the head: hrT2.
    Fluid,
    /// Fat under the skin: T1.
    Fat,
}

/// The usable part of a scan.
#[derive(Debug)]
pub(super) struct Interior {
    grid: Grid,
    usable: Vec<bool>,
    /// What is brightest.
    pub(super) brightest: Brightest,
}

impl Interior {
    /// From a scan's resolutions. Which is brightest follows from how deep the bright voxels lie.
    pub(super) fn of(pyramid: &Pyramid) -> Self {
        let level = &pyramid.levels[1];
        let depth = depth_mm(level);
        let mut sums = [[0.0_f64; 2]; 2];
        for (&mm, &v) in depth.iter().zip(&level.values) {
            if mm.is_finite() && v > TISSUE {
                let sum = &mut sums[usize::from(v > BRIGHT)];
                sum[0] += 1.0;
                sum[1] += f64::from(mm);
            }
        }
        let [tissue, bright] = sums.map(|s| s[1] / s[0].max(1.0));
        let brightest = if bright >= tissue {
            Brightest::Fluid
        } else {
            Brightest::Fat
        };
        let grid = pyramid.levels[2].grid;
        let from_bright = distance_to_mask_mm(&pyramid.bright, grid.shape(), grid.spacing_mm());
        let from_bright = from_bright.unwrap_or_default();
        let usable = (from_bright.iter().enumerate())
            .map(|(n, &mm)| {
                let p = grid.point_in_world(grid.voxel(n));
                let voxel = level.grid.nearest_voxel(p);
                let deep = voxel.is_some_and(|v| depth[level.grid.index(v)] >= DEEP_MM);
                deep && match brightest {
                    Brightest::Fluid => mm <= NEAR_FLUID_MM,
                    Brightest::Fat => mm >= FROM_FAT_MM,
                }
            })
            .collect();
        Self {
            grid,
            usable,
            brightest,
        }
    }

    /// Whether a point takes part; outside the scan none does.
    pub(super) fn takes(&self, p: DVec3) -> bool {
        let voxel = self.grid.nearest_voxel(p);
        voxel.is_some_and(|v| self.usable[self.grid.index(v)])
    }
}

/// Distance of a coarse level's voxels from the air around the head, mm; infinite where the scan shows none.
///
/// Air is what can be reached from the sides, front and back of the scan; where the scan ends within the head, nothing is known to be near
/// the skin.
fn depth_mm(level: &Level) -> Vec<f32> {
    let grid = level.grid;
    let shape = grid.shape();
    let upright = grid.closest_ras().voxel_axis(2);
    let mut air = vec![false; grid.len()];
    let mut open: Vec<usize> = (0..grid.len())
        .filter(|&n| {
            let v = grid.voxel(n);
            level.values[n] < TISSUE
                && (0..3).any(|a| a != upright && (v[a] == 0 || v[a] + 1 == shape[a]))
        })
        .collect();
    for &n in &open {
        air[n] = true;
    }
    while let Some(n) = open.pop() {
        let v = grid.voxel(n);
        for axis in 0..3 {
            for next in [v[axis].checked_sub(1), Some(v[axis] + 1)] {
                let Some(x) = next.filter(|x| *x < shape[axis]) else {
                    continue;
                };
                let mut w = v;
                w[axis] = x;
                let m = grid.index(w);
                if !air[m] && level.values[m] < TISSUE {
                    air[m] = true;
                    open.push(m);
                }
            }
        }
    }
    distance_to_mask_mm(&air, shape, grid.spacing_mm()).unwrap_or_default()
}
