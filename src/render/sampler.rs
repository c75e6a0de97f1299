//! Reads a scan and its labels along the rows of a picture, as `shaders/render/slice.wgsl` does for each pixel.
use super::{Interpolation, SliceView, style::slot, texture::finite};
use crate::volume::{Grid, LabelMap, Volume, Voxels};
use glam::DVec3;
use rayon::prelude::*;
use std::sync::OnceLock;

/// A part of a voxel that is the rounding of coordinates, not a place between voxels.
const NEGLIGIBLE: f64 = 1e-6;

/// Voxel coordinates of the pixels of a picture: a place and two steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    first: DVec3,
    right: DVec3,
    down: DVec3,
}

impl Walk {
    /// The middles of a view's pixels, in continuous voxel coordinates of a grid.
    pub(super) fn new(view: &SliceView, grid: &Grid) -> Self {
        let voxel_from_world = grid.voxel_from_world();
        let at = |px| voxel_from_world.transform_point3(view.world_from_px(px));
        let first = at([0.5, 0.5]);
        Self {
            first,
            right: voxel_from_world.transform_vector3(view.frame.right * view.mm_per_px),
            down: voxel_from_world.transform_vector3(view.frame.down * view.mm_per_px),
        }
    }

    fn row(&self, y: usize) -> DVec3 {
        self.first + self.down * y as f64
    }
}

/// The structure slots under the pixels of a picture.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    labels: &'a LabelMap,
    walk: Walk,
    slot_of_value: [usize; 256],
}

impl<'a> Slots<'a> {
    pub(super) fn new(labels: &'a LabelMap, view: &SliceView) -> Self {
        let mut slot_of_value = [0; 256];
        for &(value, structure) in labels.table().entries() {
            slot_of_value[usize::from(value)] = slot(structure);
        }
        Self {
            labels,
            walk: Walk::new(view, labels.grid()),
            slot_of_value,
        }
    }

    /// The slot under a pixel; 0 outside the grid.
    pub(super) fn at(&self, x: usize, y: usize) -> usize {
        let shape = self.labels.grid().shape();
        nearest(self.walk.row(y) + self.walk.right * x as f64, shape)
            .and_then(|voxel| self.labels.labels().get(self.labels.grid().index(voxel)))
            .map_or(0, |value| self.slot_of_value[usize::from(*value)])
    }
}

/// The voxel that holds a point of continuous voxel coordinates; `None` outside.
fn nearest(point: DVec3, shape: [usize; 3]) -> Option<[usize; 3]> {
    let moved = (point + 0.5).to_array();
    let inside = (0..3).all(|a| moved[a] >= 0.0 && moved[a] < shape[a] as f64);
    inside.then(|| moved.map(|x| x as usize))
}

/// Fills the rows of a picture: `pixel` makes three bytes of row, column and the intensity there, which is `None` outside the scan.
pub(super) fn rows(
    volume: &Volume,
    interpolation: Interpolation,
    walk: &Walk,
    bytes: &mut [u8],
    width: usize,
    pixel: impl Fn(usize, usize, Option<f64>) -> [u8; 3] + Sync,
) {
    macro_rules! typed {
        ($($variant:ident),*) => {
            match volume.voxels() {
                $(Voxels::$variant(values) => fill(&Scan::new(volume, values), interpolation, walk, bytes, width, &pixel),)*
            }
        };
    }
    typed!(U8, I8, U16, I16, U32, I32, U64, I64, F32, F64);
}

/// A type in which voxels are stored.
trait Stored: Copy + Sync {
    fn as_f64(self) -> f64;
}

macro_rules! stored {
    ($($element:ty),*) => {
        $(impl Stored for $element {
            #[allow(trivial_numeric_casts, reason = "one arm of the macro for every element type")]
            fn as_f64(self) -> f64 {
                self as f64
            }
        })*
    };
}
stored!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);

/// A scan whose element type is known, so that the loop over pixels does not ask for it.
struct Scan<'a, T> {
    volume: &'a Volume,
    values: &'a [T],
    shape: [usize; 3],
    slope: f64,
    intercept: f64,
    /// The lowest intensity, which stands for what is not finite; looked for once somebody asks.
    low: OnceLock<f64>,
}

impl<'a, T: Stored> Scan<'a, T> {
    fn new(volume: &'a Volume, values: &'a [T]) -> Self {
        let (slope, intercept) = volume.rescale();
        Self {
            volume,
            values,
            shape: volume.grid().shape(),
            slope,
            intercept,
            low: OnceLock::new(),
        }
    }

    fn value(&self, [i, j, k]: [usize; 3]) -> f64 {
        let index = i + self.shape[0] * (j + self.shape[1] * k);
        let stored = self.values.get(index).map_or(f64::NAN, |v| v.as_f64());
        let value = stored * self.slope + self.intercept;
        if value.is_finite() {
            return value;
        }
        finite(
            value,
            *self.low.get_or_init(|| self.volume.quantiles([0.0])[0]),
        )
    }

    /// Intensity at continuous voxel coordinates; `None` outside the scan.
    fn at(&self, voxel: DVec3, interpolation: Interpolation) -> Option<f64> {
        let held = nearest(voxel, self.shape)?;
        if interpolation == Interpolation::Nearest {
            return Some(self.value(held));
        }
        let mut low = [0; 3];
        let mut t = [0.0; 3];
        for axis in 0..3 {
            let at = voxel[axis].clamp(0.0, (self.shape[axis] - 1) as f64);
            low[axis] = (at + NEGLIGIBLE) as usize;
            t[axis] = (at - low[axis] as f64).max(0.0);
            if t[axis] < NEGLIGIBLE {
                t[axis] = 0.0;
            }
        }
        Some(if interpolation == Interpolation::Cubic {
            self.tricubic(low, t)
        } else {
            self.trilinear(low, t)
        })
    }

    fn trilinear(&self, [i, j, k]: [usize; 3], t: [f64; 3]) -> f64 {
        let next = |at: usize, axis: usize| (at + 1).min(self.shape[axis] - 1);
        let (i1, j1) = (next(i, 0), next(j, 1));
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let along_i = |j: usize, k: usize| mix(self.value([i, j, k]), self.value([i1, j, k]), t[0]);
        let along_j = |k: usize| {
            let a = along_i(j, k);
            if t[1] > 0.0 {
                mix(a, along_i(j1, k), t[1])
            } else {
                a
            }
        };
        let a = along_j(k);
        // On the scan's own slices half of the neighbours weigh nothing.
        if t[2] > 0.0 {
            mix(a, along_j(next(k, 2)), t[2])
        } else {
            a
        }
    }

    /// As `tricubic` in the shader: `t` past the voxel `low`, with the voxels at the border repeated beyond it.
    fn tricubic(&self, low: [usize; 3], t: [f64; 3]) -> f64 {
        const LEAST_WEIGHT: f64 = 1e-4;
        let weights = t.map(|t| {
            let (t2, t3) = (t * t, t * t * t);
            [
                -0.5 * t3 + t2 - 0.5 * t,
                1.5 * t3 - 2.5 * t2 + 1.0,
                -1.5 * t3 + 2.0 * t2 + 0.5 * t,
                0.5 * t3 - 0.5 * t2,
            ]
        });
        let heavy = |axis: usize| {
            let last = self.shape[axis] - 1;
            let weights = weights[axis].into_iter().enumerate();
            weights
                .filter(|(_, w)| w.abs() >= LEAST_WEIGHT)
                .map(move |(n, w)| ((low[axis] + n).saturating_sub(1).min(last), w))
        };
        let mut sum = 0.0;
        for (k, wz) in heavy(2) {
            for (j, wy) in heavy(1) {
                let row: f64 = heavy(0).map(|(i, wx)| wx * self.value([i, j, k])).sum();
                sum += wz * wy * row;
            }
        }
        sum
    }
}

fn fill<T: Stored>(
    scan: &Scan<'_, T>,
    interpolation: Interpolation,
    walk: &Walk,
    bytes: &mut [u8],
    width: usize,
    pixel: &(impl Fn(usize, usize, Option<f64>) -> [u8; 3] + Sync),
) {
    bytes
        .par_chunks_mut(width * 3)
        .enumerate()
        .for_each(|(y, row)| {
            let first = walk.row(y);
            for (x, three) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let voxel = first + walk.right * x as f64;
                *three = pixel(y, x, scan.at(voxel, interpolation));
            }
        });
}
