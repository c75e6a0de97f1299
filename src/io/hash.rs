//! The identity of an image, whatever way it is stored.
use super::Error;
use super::each::each;
use super::nifti::Scaling;
use super::report::report;
use crate::volume::{ClosestRas, Observe, Shape, Volume, Voxels, unobserved};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// SHA-256, in lower-case hexadecimal, of the voxels as float32 of (stored × slope + intercept), axes permuted and flipped to the closest RAS,
/// little-endian, x fastest. Two files with the same hash show the same image; `inspect` prints the same hash for a file with one volume.
pub fn voxels_sha256(volume: &Volume) -> String {
    let grid = volume.grid();
    let (slope, intercept) = volume.rescale();
    let layout = Layout {
        shape: grid.shape(),
        ras: grid.closest_ras(),
    };
    // Nobody watches, so nobody cancels.
    sha256(
        volume.voxels(),
        Scaling { slope, intercept },
        layout,
        &mut unobserved,
    )
    .unwrap_or_default()
}

/// How voxels lie in memory, and where their axes point to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) shape: Shape,
    pub(super) ras: ClosestRas,
}

/// The hash of one or more volumes, one after the other.
#[expect(
    clippy::unnecessary_cast,
    trivial_numeric_casts,
    reason = "one of the types is f64 already"
)]
pub(super) fn sha256(
    voxels: &Voxels,
    scaling: Scaling,
    layout: Layout,
    observe: &mut Observe<'_>,
) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    let size = layout.shape.iter().product::<usize>().max(1);
    let volumes = voxels.len() / size;
    for n in 0..volumes {
        let mut progress = |fraction: f32| {
            let done = (n as f32 + fraction) / volumes as f32;
            report(observe, "hashing", (done * 1000.0) as u64, 1000)
        };
        each!(voxels, numbers => {
            let volume = numbers.get(n * size..(n + 1) * size).unwrap_or_default();
            let stored = |at: usize| volume.get(at).map_or(f64::NAN, |&x| x as f64);
            update(&mut hasher, layout, &stored, scaling, &mut progress)?;
        });
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// Adds one volume, some rows at a time. `stored` gives the value at a position in memory.
fn update<F: Fn(usize) -> f64 + Sync>(
    hasher: &mut Sha256,
    layout: Layout,
    stored: &F,
    scaling: Scaling,
    progress: &mut dyn FnMut(f32) -> Result<(), Error>,
) -> Result<(), Error> {
    /// Values that are brought into order before they are hashed.
    const BLOCK: usize = 1 << 18;
    let Layout { shape, ras } = layout;
    let strides = [1, shape[0], shape[0] * shape[1]];
    // For each patient axis its length, the step in memory, and where it begins.
    let axes: [(usize, isize, usize); 3] = std::array::from_fn(|world_axis| {
        let axis = ras.voxel_axis(world_axis);
        let (length, stride) = (shape[axis], strides[axis]);
        if ras.flipped[axis] {
            (length, -(stride as isize), (length - 1) * stride)
        } else {
            (length, stride as isize, 0)
        }
    });
    let [(nx, step_x, x0), (ny, step_y, y0), (nz, step_z, z0)] = axes;
    let rows = ny * nz;
    let at_once = (BLOCK / nx).max(1);
    let mut block = vec![[0_u8; 4]; at_once.min(rows) * nx];
    for first in (0..rows).step_by(at_once) {
        progress(first as f32 / rows as f32)?;
        let count = at_once.min(rows - first);
        let part = block.get_mut(..count * nx).unwrap_or_default();
        part.par_chunks_mut(nx).enumerate().for_each(|(n, row)| {
            let (y, z) = ((first + n) % ny, (first + n) / ny);
            let mut at = (x0 + y0 + z0) as isize + y as isize * step_y + z as isize * step_z;
            for value in row {
                let intensity = stored(at as usize) * scaling.slope + scaling.intercept;
                *value = (intensity as f32).to_le_bytes();
                at += step_x;
            }
        });
        hasher.update(part.as_flattened());
    }
    Ok(())
}
