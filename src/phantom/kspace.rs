//! K-space: what a scanner measures of the signals, and the image that it makes of it.
//!
//! Slices are transformed in plane, then lines along k, where window and noise are applied; the way back is the same. Only the frequencies
//! that are acquired are kept in between.
use super::{Acquisition, draw::Draw, motion::displacement_mm};
use crate::volume::Shape;
use rayon::prelude::*;
use rustfft::{Fft, FftPlanner, num_complex::Complex32};
use std::{f64::consts::PI, sync::Arc};

const ZERO: Complex32 = Complex32::new(0.0, 0.0);

/// Frequencies acquired along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    /// Voxels of the image.
    len: usize,
    /// Length of the transform: the image and what is invented beyond its end.
    padded: usize,
    /// Lowest frequency that is kept, periods over the padded length.
    lowest: i64,
    /// Frequencies that are kept.
    kept: usize,
}

impl Axis {
    fn new(len: usize, spacing_mm: f64, resolution_mm: f64) -> Self {
        let coarse = (resolution_mm / spacing_mm).max(1.0);
        // Room for the ringing about the edges to die away; a single voxel has none.
        let room = (6.0 * coarse).ceil().clamp(16.0, 64.0) as usize;
        let padded = if len == 1 {
            1
        } else {
            smooth_length(len + room)
        };
        if coarse <= 1.0 {
            return Self {
                len,
                padded,
                lowest: -(padded as i64 / 2),
                kept: padded,
            };
        }
        let half = ((padded as f64 / coarse - 1.0) / 2.0).round().max(0.0) as i64;
        Self {
            len,
            padded,
            lowest: -half,
            kept: (2 * half + 1).min(padded as i64) as usize,
        }
    }

    fn frequency(&self, n: usize) -> i64 {
        self.lowest + n as i64
    }

    /// Where the transform keeps a frequency.
    fn bin(&self, frequency: i64) -> usize {
        frequency.rem_euclid(self.padded as i64) as usize
    }

    /// Frequency over the highest acquired one, 0 to 1.
    fn relative(&self, n: usize) -> f64 {
        2.0 * self.frequency(n).unsigned_abs() as f64 / self.kept as f64
    }

    fn plan(&self, planner: &mut FftPlanner<f32>) -> Transforms {
        Transforms {
            forward: planner.plan_fft_forward(self.padded),
            inverse: planner.plan_fft_inverse(self.padded),
        }
    }

    /// Fills a line beyond the image: mirrored at both ends, one mirror image fading into the other, so that the periodic line has no step.
    fn extend(&self, line: &mut [Complex32]) {
        let (len, padded) = (self.len, self.padded);
        let reflect = |n: usize| {
            let m = n % (2 * len);
            if m < len { m } else { 2 * len - 1 - m }
        };
        for n in len..padded {
            let t = (n - len) as f32 + 0.5;
            let t = t / (padded - len) as f32;
            let fade = t * t * (3.0 - 2.0 * t);
            let (before, after) = (line[reflect(n)], line[reflect(padded - 1 - n)]);
            line[n] = before + (after - before) * fade;
        }
    }

    /// Picks the kept frequencies from a transformed line.
    fn keep<'a>(&'a self, line: &'a [Complex32]) -> impl Iterator<Item = Complex32> + 'a {
        (0..self.kept).map(|n| line[self.bin(self.frequency(n))])
    }

    /// Puts kept frequencies into a line that is zero otherwise.
    fn fill(&self, line: &mut [Complex32], kept: impl Iterator<Item = Complex32>) {
        line.fill(ZERO);
        for (n, v) in kept.enumerate() {
            line[self.bin(self.frequency(n))] = v;
        }
    }
}

/// The next length that is a product of 2, 3 and 5.
fn smooth_length(at_least: usize) -> usize {
    let smooth = |n: &usize| {
        let mut n = *n;
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    // A power of two is never far.
    let at_least = at_least.max(1);
    (at_least..2 * at_least).find(smooth).unwrap_or(at_least)
}

#[derive(Clone)]
struct Transforms {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

/// Tukey window over the relative frequency: flat, then a cosine over the outer part `alpha`.
fn tukey(relative: f64, alpha: f64) -> f64 {
    let into = relative - (1.0 - alpha);
    if into <= 0.0 {
        1.0
    } else {
        0.5 * (1.0 + (PI * (into / alpha).min(1.0)).cos())
    }
}

/// One acquisition on one grid.
struct Measurement<'a> {
    axes: [Axis; 3],
    transforms: [Transforms; 3],
    /// Window along i.
    window: Vec<f32>,
    /// Window over j (outer) and k; zero where nothing is measured.
    support: Vec<f32>,
    /// Phase of fat over the frequencies along i.
    fat: Vec<Complex32>,
    /// Phase of a moved head over the frequencies along i (outer) and j; empty if it lies still.
    motion: Vec<Complex32>,
    /// Standard deviation of the noise of one sample of k-space, in each channel.
    noise: f32,
    noise_seed: u64,
    slice: &'a (dyn Fn(usize) -> Vec<Complex32> + Sync),
}

/// The magnitude image, `i` fastest, of `slice(k)`: water (real) and fat (imaginary) of the voxels of a slice.
///
/// The same on any number of threads. Noise is scaled so that its standard deviation in each channel of the image is CSF over the SNR.
pub(super) fn image(
    slice: &(dyn Fn(usize) -> Vec<Complex32> + Sync),
    shape: Shape,
    spacing_mm: [f64; 3],
    acquisition: &Acquisition,
    noise_seed: u64,
) -> Vec<f32> {
    let measurement = Measurement::new(slice, shape, spacing_mm, acquisition, noise_seed);
    let encoded = measurement.in_plane();
    let received = measurement.along_k(&encoded);
    drop(encoded);
    measurement.magnitude(&received)
}

impl<'a> Measurement<'a> {
    fn new(
        slice: &'a (dyn Fn(usize) -> Vec<Complex32> + Sync),
        shape: Shape,
        spacing_mm: [f64; 3],
        acquisition: &Acquisition,
        noise_seed: u64,
    ) -> Self {
        let axes =
            [0, 1, 2].map(|n| Axis::new(shape[n], spacing_mm[n], acquisition.resolution_mm[n]));
        let mut planner = FftPlanner::new();
        let transforms = axes.map(|axis| axis.plan(&mut planner));
        let [i, j, k] = axes;
        let alpha = acquisition.window_alpha;
        let window: Vec<f32> = (0..i.kept)
            .map(|a| tukey(i.relative(a), alpha) as f32)
            .collect();
        let mut support = Vec::with_capacity(j.kept * k.kept);
        for b in 0..j.kept {
            for c in 0..k.kept {
                let (y, z) = (j.relative(b), k.relative(c));
                let outside = acquisition.elliptical && y * y + z * z > 1.0;
                let weight = tukey(y, alpha) * tukey(z, alpha);
                support.push(if outside { 0.0 } else { weight as f32 });
            }
        }
        let turns = |axis: &Axis, n: usize, voxels: f64| {
            -2.0 * PI * axis.frequency(n) as f64 * voxels / axis.padded as f64
        };
        let polar = |angle: f64| Complex32::from_polar(1.0, angle as f32);
        let fat = (0..i.kept)
            .map(|a| polar(turns(&i, a, acquisition.fat_shift_mm / spacing_mm[0])))
            .collect();
        let mut motion = Vec::new();
        if !acquisition.jumps.is_empty() {
            for a in 0..i.kept {
                for b in 0..j.kept {
                    let at = (b as f64 + 0.5) / j.kept as f64;
                    let [x, y] = displacement_mm(&acquisition.jumps, at);
                    motion.push(polar(
                        turns(&i, a, x / spacing_mm[0]) + turns(&j, b, y / spacing_mm[1]),
                    ));
                }
            }
        }
        let power = |w: &[f32]| w.iter().map(|&w| f64::from(w * w)).sum::<f64>();
        let samples: f64 = axes.iter().map(|axis| axis.padded as f64).product();
        let noise = samples / (power(&window) * power(&support)).sqrt() / acquisition.snr;
        Self {
            axes,
            transforms,
            window,
            support,
            fat,
            motion,
            noise: noise as f32,
            noise_seed,
            slice,
        }
    }

    /// Every slice over the frequencies along i (outer) and j.
    fn in_plane(&self) -> Vec<Complex32> {
        let [i, j, k] = &self.axes;
        let [along_i, along_j, _] = &self.transforms;
        let mut encoded = vec![ZERO; k.len * i.kept * j.kept];
        encoded
            .par_chunks_mut(i.kept * j.kept)
            .enumerate()
            .for_each(|(n, out)| {
                let slice = (self.slice)(n);
                let mut line = vec![ZERO; i.padded];
                let mut scratch = vec![ZERO; along_i.forward.get_inplace_scratch_len()];
                let mut rows = Vec::with_capacity(j.len * i.kept);
                for row in slice.chunks(i.len) {
                    line[..i.len].copy_from_slice(row);
                    i.extend(&mut line);
                    along_i
                        .forward
                        .process_with_scratch(&mut line, &mut scratch);
                    for (a, fat_phase) in self.fat.iter().enumerate() {
                        let frequency = i.frequency(a);
                        // Water and fat were real, so each has its own symmetry and they come apart again.
                        let (plus, minus) =
                            (line[i.bin(frequency)], line[i.bin(-frequency)].conj());
                        let water = 0.5 * (plus + minus);
                        let fat = Complex32::new(0.0, -0.5) * (plus - minus);
                        rows.push(water + fat * fat_phase);
                    }
                }
                let mut line = vec![ZERO; j.padded];
                let mut scratch = vec![ZERO; along_j.forward.get_inplace_scratch_len()];
                for (a, out) in out.chunks_mut(j.kept).enumerate() {
                    for (v, row) in line.iter_mut().zip(rows.chunks(i.kept)) {
                        *v = row[a];
                    }
                    j.extend(&mut line);
                    along_j
                        .forward
                        .process_with_scratch(&mut line, &mut scratch);
                    for (o, v) in out.iter_mut().zip(j.keep(&line)) {
                        *o = v;
                    }
                    if let Some(phases) = self.motion.get(a * j.kept..(a + 1) * j.kept) {
                        for (o, phase) in out.iter_mut().zip(phases) {
                            *o *= phase;
                        }
                    }
                }
            });
        encoded
    }

    /// Transforms along k, adds noise to what is measured, windows it and transforms back. The result runs over the frequencies along i
    /// (outer), the slices, and the frequencies along j. Every frequency along i has its own stream of noise.
    fn along_k(&self, encoded: &[Complex32]) -> Vec<Complex32> {
        let [i, j, k] = &self.axes;
        let along_k = &self.transforms[2];
        let mut received = vec![ZERO; encoded.len()];
        received
            .par_chunks_mut(k.len * j.kept)
            .enumerate()
            .for_each(|(a, out)| {
                let mut draw = Draw::new(self.noise_seed, a as u64);
                let mut line = vec![ZERO; k.padded];
                let mut kept = vec![ZERO; k.kept];
                let mut scratch = vec![ZERO; along_k.forward.get_inplace_scratch_len()];
                let mut back = vec![ZERO; along_k.inverse.get_inplace_scratch_len()];
                for (b, support) in self.support.chunks(k.kept).enumerate() {
                    let start = a * j.kept + b;
                    for (v, s) in line
                        .iter_mut()
                        .zip(encoded[start..].iter().step_by(i.kept * j.kept))
                    {
                        *v = *s;
                    }
                    k.extend(&mut line);
                    along_k
                        .forward
                        .process_with_scratch(&mut line, &mut scratch);
                    for ((o, v), weight) in kept.iter_mut().zip(k.keep(&line)).zip(support) {
                        if *weight > 0.0 {
                            let [re, im] = draw.complex();
                            let measured = v + self.noise * Complex32::new(re, im);
                            *o = measured * (weight * self.window[a]);
                        } else {
                            *o = ZERO;
                        }
                    }
                    k.fill(&mut line, kept.iter().copied());
                    along_k.inverse.process_with_scratch(&mut line, &mut back);
                    for (v, o) in line.iter().zip(out[b..].iter_mut().step_by(j.kept)) {
                        *o = *v;
                    }
                }
            });
        received
    }

    /// The image of every slice.
    fn magnitude(&self, received: &[Complex32]) -> Vec<f32> {
        let [i, j, k] = &self.axes;
        let [along_i, along_j, _] = &self.transforms;
        let scale = self.axes.iter().map(|a| a.padded as f64).product::<f64>();
        let scale = scale.recip() as f32;
        let mut image = vec![0.0; i.len * j.len * k.len];
        image
            .par_chunks_mut(i.len * j.len)
            .enumerate()
            .for_each(|(n, out)| {
                let mut line = vec![ZERO; j.padded];
                let mut scratch = vec![ZERO; along_j.inverse.get_inplace_scratch_len()];
                let mut rows = vec![ZERO; j.len * i.kept];
                for (a, of_a) in received.chunks(k.len * j.kept).enumerate() {
                    let kept = &of_a[n * j.kept..(n + 1) * j.kept];
                    j.fill(&mut line, kept.iter().copied());
                    along_j
                        .inverse
                        .process_with_scratch(&mut line, &mut scratch);
                    for (v, row) in line.iter().zip(rows.chunks_mut(i.kept)) {
                        row[a] = *v;
                    }
                }
                let mut line = vec![ZERO; i.padded];
                let mut scratch = vec![ZERO; along_i.inverse.get_inplace_scratch_len()];
                for (row, out) in rows.chunks(i.kept).zip(out.chunks_mut(i.len)) {
                    i.fill(&mut line, row.iter().copied());
                    along_i
                        .inverse
                        .process_with_scratch(&mut line, &mut scratch);
                    for (o, v) in out.iter_mut().zip(&line) {
                        *o = scale * v.norm();
                    }
                }
            });
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_products_of_small_primes() {
        for (at_least, length) in [(0, 1), (1, 1), (7, 8), (408, 432), (472, 480), (536, 540)] {
            assert_eq!(smooth_length(at_least), length);
        }
    }

    #[test]
    fn a_line_goes_on_without_a_step() {
        let axis = Axis::new(40, 1.0, 1.0);
        let mut line = vec![ZERO; axis.padded];
        for (n, v) in line[..40].iter_mut().enumerate() {
            *v = Complex32::new(n as f32, 1.0);
        }
        axis.extend(&mut line);
        for n in 0..axis.padded {
            let next = line[(n + 1) % axis.padded];
            assert!((next - line[n]).norm() < 5.0, "at {n}");
        }
        assert!((line[40].re - 39.0).abs() < 0.5 && line[axis.padded - 1].re.abs() < 0.5);
    }

    #[test]
    fn as_many_frequencies_are_kept_as_the_resolution_needs() {
        let axis = Axis::new(384, 0.547, 0.75);
        let expected = axis.padded as f64 * 0.547 / 0.75;
        assert!((axis.kept as f64 - expected).abs() <= 1.0);
        let all = Axis::new(80, 1.5, 1.3);
        assert_eq!(all.kept, all.padded);
        assert_eq!(Axis::new(1, 1.0, 5.0).padded, 1);
    }
}
