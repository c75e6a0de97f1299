//! From a scene to voxels: sampling, and the scanner's chain from signals to stored values.
use super::{
    Error,
    draw::Draw,
    kspace,
    motion::{Ghost, Jump},
    off_resonance::{FAT_HZ, OffResonance, Response},
    scene::{Raster, Scene},
    sequence::Sequence,
    shading::{Shading, unit},
    tissue::Signal,
};
use crate::volume::{Observe, Progress, Shape};
use glam::{DAffine3, DVec3};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use serde::Serialize;
use std::f64::consts::PI;

/// How a scan was acquired and reconstructed: everything between the head and the stored values that a reader of the truth may want to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Acquisition {
    /// The pulse sequence; `None` where contrast was drawn at large.
    pub sequence: Option<Sequence>,
    /// Acquired resolution along i, j, k, mm: half a period of the highest frequency. The image is zero-filled from it to its voxels; where
    /// voxels are larger they are the resolution.
    pub resolution_mm: [f64; 3],
    /// Part of k-space that a Tukey window rounds off, 0 (none, ringing of 9 %) to 1 (Hann).
    pub window_alpha: f64,
    /// Whether the corners of k-space along j and k are left out.
    pub elliptical: bool,
    /// Bandwidth along the readout (i), Hz per acquired pixel.
    pub bandwidth_hz: f64,
    /// How far fat is displaced along i by its frequency, mm.
    pub fat_shift_mm: f64,
    /// Field that makes bands in balanced steady state; `None` where it does not matter.
    pub off_resonance: Option<OffResonance>,
    /// Sensitivity of the coils.
    pub shading: Shading,
    /// Signal of the first and of the last slice over that of the middle, for the profile of the excited slab.
    pub slab_edges: [f64; 2],
    /// Movements of the head during the scan.
    pub jumps: Vec<Jump>,
    /// Replica of pulsating fluid.
    pub ghost: Option<Ghost>,
    /// Signal of CSF (on ceT1 of white matter) over the standard deviation of the noise in one channel.
    pub snr: f64,
    /// Stored value of CSF (on ceT1 of white matter).
    pub unit_value: f64,
}

/// A scanner: the acquisition, and what is no property of a real one.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    pub(super) acquisition: Acquisition,
    /// Exponent of the signal relative to CSF.
    pub(super) gamma: f64,
    pub(super) noise_seed: u64,
}

/// A stream that noise does not use: noise has one for every frequency along i.
const EXTRA_STREAM: u64 = u64::MAX;

impl Scanner {
    /// A stream of draws for a scanner with this noise, apart from the noise itself.
    pub(super) fn draw(noise_seed: u64) -> Draw {
        Draw::new(noise_seed, EXTRA_STREAM)
    }
}

/// Displacement of fat along the readout, mm, either way.
pub(super) fn fat_shift_mm(bandwidth_hz: f64, resolution_mm: f64, draw: &mut Draw) -> f64 {
    let mm = FAT_HZ / bandwidth_hz * resolution_mm;
    if draw.chance(0.5) { mm } else { -mm }
}

/// Slices between two reports.
const BATCH: usize = 8;

/// What a head is made of on a grid, before any scanner has touched it, `i` fastest.
#[derive(Debug, Clone)]
pub(super) struct Sampled {
    /// Signal of fluid, solid tissue and fat.
    pub(super) signal: Vec<[f32; 3]>,
    /// Values of the anatomy map.
    pub(super) regions: Vec<u8>,
}

/// Samples a scene on a grid placed in the head. The same on any number of threads.
pub(super) fn sample(
    scene: &Scene<'_>,
    shape: Shape,
    head_from_voxel: DAffine3,
    observe: &mut Observe<'_>,
) -> Result<Sampled, Error> {
    let [ni, nj, nk] = shape;
    let plane = ni * nj;
    let mut signal = vec![[0.0_f32; 3]; plane * nk];
    let mut regions = vec![0_u8; plane * nk];
    let raster = Raster::new(head_from_voxel);
    let batches = signal
        .chunks_mut(plane * BATCH)
        .zip(regions.chunks_mut(plane * BATCH));
    for (batch, (s, r)) in batches.enumerate() {
        let progress = Progress {
            stage: "scanning",
            fraction: (batch * BATCH) as f32 / nk as f32,
        };
        if observe(progress).is_break() {
            return Err(Error::Stopped);
        }
        s.par_chunks_mut(plane)
            .zip(r.par_chunks_mut(plane))
            .enumerate()
            .for_each(|(n, (s, r))| scene.slice(&raster, [ni, nj], batch * BATCH + n, s, r));
    }
    Ok(Sampled { signal, regions })
}

/// Part of the slices at either end of the slab over which its profile falls off.
const SLAB_EDGE: f64 = 0.1;

/// Factor on the signal of slice `k` of `nk`.
fn slab_profile(k: usize, nk: usize, [first, last]: [f64; 2]) -> f64 {
    let edge = |from_end: usize, low: f64| {
        let t = (from_end as f64 + 0.5) / (SLAB_EDGE * nk as f64);
        low + (1.0 - low) * (0.5 * PI * t.min(1.0)).sin()
    };
    edge(k, first) * edge(nk - 1 - k, last)
}

/// What a scanner makes of the signals of a grid placed in the head: stored values, not rounded and not limited, `i` fastest. The same on any
/// number of threads.
pub(super) fn receive(
    signal: &[[f32; 3]],
    shape: Shape,
    head_from_voxel: DAffine3,
    scanner: &Scanner,
) -> Vec<f32> {
    let axes = head_from_voxel.matrix3;
    let spacing_mm = [axes.x_axis, axes.y_axis, axes.z_axis].map(DVec3::length);
    let acquisition = &scanner.acquisition;
    let emitter = Emitter {
        signal,
        shape,
        head_from_voxel,
        gamma: scanner.gamma,
        acquisition,
        shading_scale: acquisition.shading.scale(),
        bands: acquisition
            .sequence
            .and_then(Response::of)
            .zip(acquisition.off_resonance.as_ref()),
    };
    let mut image = kspace::image(
        &|k| emitter.slice(k),
        shape,
        spacing_mm,
        acquisition,
        scanner.noise_seed,
    );
    let unit = acquisition.unit_value as f32;
    image.par_iter_mut().for_each(|v| *v *= unit);
    image
}

/// The signals as the coils see them.
struct Emitter<'a> {
    signal: &'a [[f32; 3]],
    shape: Shape,
    head_from_voxel: DAffine3,
    gamma: f64,
    acquisition: &'a Acquisition,
    shading_scale: f64,
    bands: Option<(Response, &'a OffResonance)>,
}

impl Emitter<'_> {
    /// Water (real) and fat (imaginary) of the voxels of a slice.
    fn slice(&self, k: usize) -> Vec<Complex32> {
        let [ni, nj, nk] = self.shape;
        let plane = ni * nj;
        let slab = slab_profile(k, nk, self.acquisition.slab_edges);
        let mut water_and_fat = Vec::with_capacity(plane);
        let mut fluids = Vec::with_capacity(plane);
        for (n, &signal) in self.signal[k * plane..(k + 1) * plane].iter().enumerate() {
            let [fluid, solid, fat] = self.voxel([n % ni, n / ni, k], signal, slab);
            water_and_fat.push(Complex32::new(fluid + solid, fat));
            fluids.push(fluid);
        }
        if let Some(ghost) = self.acquisition.ghost {
            let shift = (ghost.shift * nj as f64).round() as usize % nj;
            for (n, v) in water_and_fat.iter_mut().enumerate() {
                let (i, j) = (n % ni, n / ni);
                let at = |row: usize| fluids[row % nj * ni + i];
                v.re += ghost.amplitude as f32 * (at(j + shift) + at(j + nj - shift));
            }
        }
        water_and_fat
    }

    fn voxel(&self, voxel: [usize; 3], signal: [f32; 3], slab: f64) -> [f32; 3] {
        let signal = Signal::from_array(signal.map(f64::from));
        let total = signal.element_sum();
        if total <= 0.0 {
            return [0.0; 3];
        }
        let p = self
            .head_from_voxel
            .transform_point3(DVec3::from_array(voxel.map(|n| n as f64)));
        let place = unit(voxel, self.shape);
        let mut gain = slab * self.acquisition.shading.at(place, p, self.shading_scale);
        if (self.gamma - 1.0).abs() > 1e-9 {
            gain *= total.powf(self.gamma - 1.0);
        }
        let bands = self
            .bands
            .as_ref()
            .map_or(Signal::ONE, |(response, field)| response.at(field.hz(p)));
        (signal * gain * bands).as_vec3().to_array()
    }
}

#[cfg(test)]
#[path = "acquire_tests.rs"]
mod tests;
