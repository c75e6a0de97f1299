//! A scan as a stack of axial slices, and back to the scan's own grid.
use crate::predict::middle_part;
use crate::train::Error;
use crate::train::folder::axes_ras;
use crate::volume::{Grid, Shape, Volume, Voxels, sample_linear};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Most slices of a stack.
const MOST_SLICES: usize = 1024;
/// Stored value of the brightest pixel of a translated scan.
const BRIGHTEST: f32 = 2000.0;

/// How scans become slices: the middle of the scan, resampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlicePlan {
    /// Distance of pixels to the right and to the front, and of slices, mm.
    pub spacing_mm: [f64; 3],
    /// Pixels of a slice to the right and to the front, about the scan's middle; multiples of 4. What lies beyond the scan is black.
    pub size: [usize; 2],
    /// Edge of the square that a training step sees of a slice, pixels; a multiple of 4.
    pub patch: usize,
    /// Fractions of the slices' pixels that become −1 and 1; what lies beyond is limited.
    pub quantiles: [f64; 2],
    /// Exponent of the intensities between the quantiles before they become −1 to 1, and undone when a scan is restored: below 1 it spreads what is dark,
    /// as the fluid of the inner ear is on ceT1.
    #[serde(default = "linear")]
    pub gamma: f64,
    /// Height of the part about the scan's middle whose slices are learned from, mm; all of it where none is given. All slices are translated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_mm: Option<f64>,
}

fn linear() -> f64 {
    1.0
}

impl SlicePlan {
    /// Checks what comes from a file.
    ///
    /// # Errors
    /// Names the first thing that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Settings(text.to_owned()));
        if !self.spacing_mm.iter().all(|s| (0.1..=10.0).contains(s)) {
            return wrong("the slices' spacing must be 0.1 to 10 mm");
        }
        let fits = |n: &usize| (32..=1024).contains(n) && n.is_multiple_of(4);
        if !self.size.iter().chain([&self.patch]).all(fits) {
            return wrong("the slices' size and patch must be multiples of 4 from 32 to 1024");
        }
        if self.size.iter().any(|n| *n < self.patch) {
            return wrong("the patch is larger than the slices");
        }
        if !(0.1..=4.0).contains(&self.gamma) {
            return wrong("the slices' gamma must be 0.1 to 4");
        }
        if self
            .height_mm
            .is_some_and(|mm| !(1.0..=1000.0).contains(&mm))
        {
            return wrong("the height of the slices that are learned from must be 1 to 1000 mm");
        }
        let [low, high] = self.quantiles;
        if !(0.0 <= low && low < high && high <= 1.0) {
            return wrong("the slices' quantiles must rise from 0 to 1");
        }
        Ok(())
    }

    /// What the slices show of a scan to the right and to the front, mm.
    pub fn field_mm(&self) -> [f64; 2] {
        [0, 1].map(|a| self.size[a] as f64 * self.spacing_mm[a])
    }

    /// Which of a stack's slices are learned from: at least one.
    pub(super) fn learned_slices(&self, slices: usize) -> Range<usize> {
        let wanted = match self.height_mm {
            Some(mm) => ((mm / self.spacing_mm[2]).round() as usize).clamp(1, slices),
            None => slices,
        };
        let first = (slices - wanted) / 2;
        first..first + wanted
    }

    /// The box of a scan's voxels that lies inside the slices: its first voxel and its shape. All slices are inside.
    pub fn part_of(&self, scan: &Grid) -> ([usize; 3], Shape) {
        middle_part(scan, self.field_mm())
    }
}

/// The slices of a scan, −1 to 1; right fastest, then front, then up.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Intensities.
    pub pixels: Vec<f32>,
    /// Where the pixels lie in the patient.
    pub grid: Grid,
}

impl Stack {
    /// Cuts a scan along its own axes.
    ///
    /// # Errors
    /// When the scan is larger than a head, the same everywhere, or memory runs out.
    pub fn of(scan: &Volume, plan: &SlicePlan) -> Result<Self, Error> {
        let grid = stack_grid(scan.grid(), plan)?;
        // Beyond the scan lies air.
        let [air] = scan.quantiles([0.0]);
        let mut pixels = sampled(scan, &grid, air as f32);
        let mut sorted: Vec<f32> = pixels.iter().copied().step_by(7).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let last = sorted.len() - 1;
        let [low, high] = plan
            .quantiles
            .map(|q| sorted[(q * last as f64).round() as usize]);
        if high <= low {
            let text = "the middle of a scan is the same everywhere";
            return Err(Error::Settings(text.to_owned()));
        }
        for v in &mut pixels {
            let part = ((*v - low) / (high - low)).clamp(0.0, 1.0);
            *v = part.powf(plan.gamma as f32) * 2.0 - 1.0;
        }
        Ok(Self { pixels, grid })
    }

    /// Pixels of one slice.
    pub fn slice(&self, k: usize) -> &[f32] {
        let [w, h, _] = self.grid.shape();
        &self.pixels[k * w * h..][..w * h]
    }

    /// Slices of the stack.
    pub fn slices(&self) -> usize {
        self.grid.shape()[2]
    }

    /// The intensities on the part of the scan's own grid that the slices show, stored from 0 to 2000.
    ///
    /// # Errors
    /// When the part is not one of the scan.
    pub fn restored(&self, scan: &Grid, plan: &SlicePlan) -> Result<Volume, Error> {
        let (low, shape) = plan.part_of(scan);
        let part = scan.cropped(low, shape).map_err(geometry)?;
        let stack_from_part = self.grid.voxel_from_world() * part.world_from_voxel();
        let last = DVec3::from_array(self.grid.shape().map(|n| n as f64 - 1.0));
        let [ni, nj, _] = part.shape();
        let exponent = 1.0 / plan.gamma as f32;
        let mut values = vec![0_i16; part.len()];
        values
            .par_chunks_mut(ni)
            .enumerate()
            .for_each(|(row, values)| {
                let (j, k) = ((row % nj) as f64, (row / nj) as f64);
                for (i, value) in values.iter_mut().enumerate() {
                    let at = stack_from_part.transform_point3(DVec3::new(i as f64, j, k));
                    let at = at.clamp(DVec3::ZERO, last);
                    let v = sample_linear(&self.pixels, &self.grid, at).unwrap_or(-1.0);
                    let part = (v.clamp(-1.0, 1.0) + 1.0) * 0.5;
                    *value = (part.powf(exponent) * BRIGHTEST).round() as i16;
                }
            });
        Volume::new(part, Voxels::I16(values), 1.0, 0.0).map_err(geometry)
    }
}

fn geometry(error: crate::volume::Error) -> Error {
    Error::Predict(error.into())
}

/// The grid of a scan's slices: along the scan's own axes in the order right, front, top; about its middle, as high as the scan.
fn stack_grid(scan: &Grid, plan: &SlicePlan) -> Result<Grid, Error> {
    let (axes, extent) = axes_ras(scan);
    let [sx, sy, sz] = plan.spacing_mm;
    let slices = (extent.z / sz - 1e-6).ceil().max(1.0);
    if slices > MOST_SLICES as f64 {
        let text = format!("a scan is {:.0} mm high, more than a head", extent.z);
        return Err(Error::Settings(text));
    }
    let shape = [plan.size[0], plan.size[1], slices as usize];
    let matrix = axes * DMat3::from_diagonal(DVec3::new(sx, sy, sz));
    let middle = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    let origin = scan.centre_in_world() - matrix * middle;
    Grid::new(shape, DAffine3::from_mat3_translation(matrix, origin)).map_err(geometry)
}

/// A scan's intensities on another grid; where the grid is coarser, means of several points of each voxel.
fn sampled(scan: &Volume, grid: &Grid, outside: f32) -> Vec<f32> {
    let data = scan.to_f32();
    let ras = scan.grid().closest_ras();
    let points: [usize; 3] = std::array::from_fn(|world| {
        let step = grid.spacing_mm()[world] / scan.grid().spacing_mm()[ras.voxel_axis(world)];
        step.round().clamp(1.0, 8.0) as usize
    });
    let along = |axis: usize, n: usize| (n as f64 + 0.5) / points[axis] as f64 - 0.5;
    let [px, py, pz] = points;
    let offsets: Vec<DVec3> = (0..px * py * pz)
        .map(|n| {
            DVec3::new(
                along(0, n % px),
                along(1, n / px % py),
                along(2, n / (px * py)),
            )
        })
        .collect();
    let scan_from_grid = scan.grid().voxel_from_world() * grid.world_from_voxel();
    let [w, h, _] = grid.shape();
    let mut pixels = vec![0.0; grid.len()];
    pixels
        .par_chunks_mut(w)
        .enumerate()
        .for_each(|(row, pixels)| {
            let (y, z) = ((row % h) as f64, (row / h) as f64);
            for (x, pixel) in pixels.iter_mut().enumerate() {
                let at = DVec3::new(x as f64, y, z);
                let value = |offset: &DVec3| {
                    let at = scan_from_grid.transform_point3(at + *offset);
                    let value = sample_linear(&data, scan.grid(), at);
                    value.filter(|v| v.is_finite()).unwrap_or(outside)
                };
                *pixel = offsets.iter().map(value).sum::<f32>() / offsets.len() as f32;
            }
        });
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: SlicePlan = SlicePlan {
        spacing_mm: [1.0, 1.0, 2.0],
        size: [40, 32],
        patch: 32,
        quantiles: [0.0, 1.0],
        height_mm: None,
        gamma: 1.0,
    };

    /// A smooth scan in any order of axes, brighter to the right, to the front and to the top.
    fn scan(matrix: DMat3, shape: Shape) -> Volume {
        let middle = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
        let world = DAffine3::from_mat3_translation(matrix, -(matrix * middle));
        let grid = Grid::new(shape, world).unwrap();
        let values = (0..grid.len()).map(|n| {
            let at = grid.point_in_world(grid.voxel(n));
            (500.0 + 6.0 * at.x + 3.0 * at.y + 2.0 * at.z) as f32
        });
        Volume::new(grid, Voxels::F32(values.collect()), 1.0, 0.0).unwrap()
    }

    #[test]
    fn a_scan_comes_back_onto_its_own_grid_in_every_storage_order() {
        let straight = DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.0));
        let lps = DMat3::from_diagonal(DVec3::new(-0.5, -1.0, 1.5));
        let sagittal = DMat3::from_cols(
            DVec3::new(0.0, 0.8, 0.0),
            DVec3::new(0.0, 0.0, -1.6),
            DVec3::new(1.2, 0.0, 0.0),
        );
        for (matrix, shape) in [
            (straight, [60, 50, 12]),
            (lps, [120, 50, 16]),
            (sagittal, [60, 15, 50]),
        ] {
            let scan = scan(matrix, shape);
            let stack = Stack::of(&scan, &PLAN).unwrap();
            // Right fastest, then front.
            let slice = stack.slice(stack.slices() / 2);
            assert!(slice[39] > slice[0] && slice[31 * 40] > slice[0]);
            let back = stack.restored(scan.grid(), &PLAN).unwrap();
            let (stored, values) = (back.to_f32(), scan.to_f32());
            // The same line between stored and true values at every voxel but those at the border.
            let mut pairs = Vec::new();
            for (n, v) in stored.iter().enumerate() {
                let world = back.grid().point_in_world(back.grid().voxel(n));
                if world.x.abs() < 18.0 && world.y.abs() < 14.0 && world.z.abs() < 9.0 {
                    let at = scan.grid().nearest_voxel(world).unwrap();
                    pairs.push((f64::from(values[scan.grid().index(at)]), f64::from(*v)));
                }
            }
            assert!(pairs.len() > 300);
            let count = pairs.len() as f64;
            let (mx, my) = pairs
                .iter()
                .fold((0.0, 0.0), |(x, y), p| (x + p.0 / count, y + p.1 / count));
            let xy: f64 = pairs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
            let xx: f64 = pairs.iter().map(|p| (p.0 - mx).powi(2)).sum();
            let worst = pairs
                .iter()
                .map(|p| (p.1 - my - xy / xx * (p.0 - mx)).abs())
                .fold(0.0, f64::max);
            assert!(xy > 0.0 && worst < 3.0, "{worst}");
            let [field_x, field_y] = PLAN.field_mm();
            let (_, part) = PLAN.part_of(scan.grid());
            let ras = scan.grid().closest_ras();
            let mm = |world: usize| {
                let axis = ras.voxel_axis(world);
                part[axis] as f64 * scan.grid().spacing_mm()[axis]
            };
            assert!(mm(0) <= field_x && mm(1) <= field_y && mm(0) > field_x - 1.5);
            assert_eq!(part[ras.voxel_axis(2)], shape[ras.voxel_axis(2)]);
        }
    }

    #[test]
    fn slices_are_learned_from_about_the_middle_of_the_height() {
        let plan = |height_mm| SlicePlan { height_mm, ..PLAN };
        assert_eq!(plan(None).learned_slices(40), 0..40);
        assert_eq!(plan(Some(20.0)).learned_slices(40), 15..25);
        assert_eq!(plan(Some(20.0)).learned_slices(6), 0..6);
        assert_eq!(plan(Some(1.0)).learned_slices(1), 0..1);
        assert!(plan(Some(f64::NAN)).validate().is_err() && plan(Some(0.0)).validate().is_err());
    }

    #[test]
    fn gamma_spreads_what_is_dark_and_is_undone() {
        let scan = scan(
            DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.0)),
            [36, 30, 12],
        );
        let plan = SlicePlan { gamma: 0.5, ..PLAN };
        let (plain, spread) = (
            Stack::of(&scan, &PLAN).unwrap(),
            Stack::of(&scan, &plan).unwrap(),
        );
        for (a, b) in plain.pixels.iter().zip(&spread.pixels) {
            let of_unit = |v: f32| f32::midpoint(v, 1.0);
            assert!((of_unit(*a).sqrt() - of_unit(*b)).abs() < 1e-4);
        }
        let pairs = [(plain, PLAN), (spread, plan)].map(|(stack, plan)| {
            let back = stack.restored(scan.grid(), &plan).unwrap();
            back.to_f32()
        });
        let off = pairs[0].iter().zip(&pairs[1]).map(|(a, b)| (a - b).abs());
        // Between pixels a root is not interpolated as its square is; at the border the scan ends in air.
        assert!(off.sum::<f32>() / (pairs[0].len() as f32) < 10.0);
        let wrong = [0.0, -1.0, f64::NAN].map(|gamma| SlicePlan { gamma, ..PLAN });
        assert!(wrong.iter().all(|plan| plan.validate().is_err()));
    }

    #[test]
    fn a_scan_smaller_than_the_slices_lies_in_air() {
        let small = scan(DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.0)), [20, 20, 5]);
        let stack = Stack::of(&small, &PLAN).unwrap();
        assert!(stack.slice(2)[..40].iter().all(|v| (v + 1.0).abs() < 1e-6));
        assert_eq!(
            stack.restored(small.grid(), &PLAN).unwrap().grid().shape(),
            [20, 20, 5]
        );
    }
}
