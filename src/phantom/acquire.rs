//! From a scene to voxels: sampling, blur, shading, noise.
use super::{
    Error,
    draw::Draw,
    scene::{Raster, Scene},
};
use crate::volume::{Observe, Progress, Shape};
use glam::DAffine3;
use rayon::prelude::*;

/// What a scanner does to the signal.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    /// Standard deviation of the point spread along i, j, k, voxels.
    pub(super) blur: [f64; 3],
    /// Exponent of the signal relative to CSF.
    pub(super) gamma: f64,
    /// Logarithm of the shading: coefficients of a quadratic polynomial over the grid (-1 to 1 along each axis).
    pub(super) shading: [f64; 9],
    /// Signal of CSF over the standard deviation of the noise in one channel.
    pub(super) snr: f64,
    /// Stored value of CSF.
    pub(super) csf: f64,
    pub(super) noise_seed: u64,
}

impl Scanner {
    pub(super) fn shading(draw: &mut Draw, strength: f64) -> [f64; 9] {
        std::array::from_fn(|_| draw.normal(0.0, strength))
    }
}

/// Slices between two reports.
const BATCH: usize = 8;

/// What a head is made of on a grid, before any scanner has touched it, `i` fastest.
#[derive(Debug, Clone)]
pub(super) struct Sampled {
    /// Signal of water, relative to CSF.
    pub(super) water: Vec<f32>,
    /// Signal of fat, relative to CSF: the scanner shifts it along the readout.
    pub(super) fat: Vec<f32>,
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
    let mut signal = vec![[0.0_f32; 2]; plane * nk];
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
    let (water, fat) = signal.into_iter().map(|[w, f]| (w, f)).unzip();
    Ok(Sampled {
        water,
        fat,
        regions,
    })
}

/// What a scanner makes of the signals: stored values, not rounded and not limited, `i` fastest.
pub(super) fn receive(water: Vec<f32>, fat: &[f32], shape: Shape, scanner: &Scanner) -> Vec<f32> {
    let mut signal = water;
    for (s, f) in signal.iter_mut().zip(fat) {
        *s += f;
    }
    blur(&mut signal, shape, scanner.blur);
    let plane = shape[0] * shape[1];
    signal
        .par_chunks_mut(plane)
        .enumerate()
        .for_each(|(k, slice)| magnitude(slice, k, shape, scanner));
    signal
}

/// Gamma, shading, and the magnitude of signal with complex noise (Rician). Every slice has its own stream of noise.
fn magnitude(slice: &mut [f32], k: usize, [ni, nj, nk]: Shape, scanner: &Scanner) {
    let mut draw = Draw::new(scanner.noise_seed, k as u64);
    let sigma = (1.0 / scanner.snr) as f32;
    let unit = |x: usize, n: usize| 2.0 * (x as f64 + 0.5) / n as f64 - 1.0;
    let z = unit(k, nk);
    let c = &scanner.shading;
    for j in 0..nj {
        let y = unit(j, nj);
        let at_row = c[1] * y + c[2] * z + c[4] * y * y + c[5] * z * z + c[8] * y * z;
        for (i, v) in slice[j * ni..(j + 1) * ni].iter_mut().enumerate() {
            let x = unit(i, ni);
            let log_shading = at_row + x * (c[0] + c[3] * x + c[6] * y + c[7] * z);
            let clean = if (scanner.gamma - 1.0).abs() > 1e-9 {
                f64::from(v.max(0.0)).powf(scanner.gamma) as f32
            } else {
                *v
            };
            let [re, im] = draw.complex();
            let received = (clean * (log_shading as f32).exp() + sigma * re).hypot(sigma * im);
            *v = received * scanner.csf as f32;
        }
    }
}

/// Gaussian blur along each axis; standard deviations in voxels, edges repeated.
fn blur(data: &mut Vec<f32>, [ni, nj, nk]: Shape, sigma: [f64; 3]) {
    let plane = ni * nj;
    let [along_i, along_j, along_k] = sigma.map(kernel);
    if along_i.len() > 1 || along_j.len() > 1 {
        data.par_chunks_mut(plane).for_each(|slice| {
            let source = slice.to_vec();
            let mut rows = vec![0.0; plane];
            for (row, out) in source.chunks(ni).zip(rows.chunks_mut(ni)) {
                for (i, o) in out.iter_mut().enumerate() {
                    *o = weighted(&along_i, i, ni, |n| row[n]);
                }
            }
            for (j, out) in slice.chunks_mut(ni).enumerate() {
                for (i, o) in out.iter_mut().enumerate() {
                    *o = weighted(&along_j, j, nj, |n| rows[n * ni + i]);
                }
            }
        });
    }
    if along_k.len() > 1 {
        let source = std::mem::take(data);
        let mut out = vec![0.0; source.len()];
        out.par_chunks_mut(plane)
            .enumerate()
            .for_each(|(k, slice)| {
                for (n, o) in slice.iter_mut().enumerate() {
                    *o = weighted(&along_k, k, nk, |m| source[m * plane + n]);
                }
            });
        *data = out;
    }
}

/// Half of a normalised Gaussian: the weight of the middle and of every neighbour out to three standard deviations.
fn kernel(sigma: f64) -> Vec<f32> {
    if sigma < 0.1 {
        return vec![1.0];
    }
    let reach = (3.0 * sigma).ceil() as i32;
    let half: Vec<f64> = (0..=reach)
        .map(|n| (-0.5 * (f64::from(n) / sigma).powi(2)).exp())
        .collect();
    let total = 2.0 * half.iter().sum::<f64>() - half[0];
    half.iter().map(|w| (w / total) as f32).collect()
}

fn weighted(kernel: &[f32], at: usize, count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut sum = kernel[0] * value(at);
    for (n, w) in kernel.iter().enumerate().skip(1) {
        sum += w * (value(at.saturating_sub(n)) + value((at + n).min(count - 1)));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_mean_and_spreads_a_point() {
        let shape = [9, 9, 9];
        let mut data = vec![0.0; 729];
        data[364] = 1.0;
        blur(&mut data, shape, [0.8, 0.0, 0.6]);
        assert!((data.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(data[363] > 0.0 && (data[363] - data[365]).abs() < 1e-7);
        assert!(data[364 - 9].abs() < 1e-9, "no blur along j");
        assert!(data[364 + 81] > 0.0);
    }

    #[test]
    fn noise_alone_is_rayleigh() {
        let scanner = Scanner {
            blur: [0.0; 3],
            gamma: 1.0,
            shading: [0.0; 9],
            snr: 50.0,
            csf: 1000.0,
            noise_seed: 3,
        };
        let mut slice = vec![0.0; 10_000];
        magnitude(&mut slice, 0, [100, 100, 1], &scanner);
        let mean = slice.iter().sum::<f32>() / 1e4;
        // The mean of a Rayleigh distribution is sigma times the root of pi / 2.
        assert!((mean / (20.0 * 1.2533) - 1.0).abs() < 0.02, "{mean}");
    }
}
