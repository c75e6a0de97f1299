//! Between a scan's own grid and the network's.
//!
//! The network's grid runs along the scan's own axes, reordered and flipped to the closest right, anterior, superior, with the plan's
//! spacing and the scan's centre as its own. So every storage order of one image gives the same input, an oblique scan has no empty corners, and
//! both ways are three one-dimensional interpolations.
use super::Error;
use crate::volume::{ClosestRas, Grid, LabelMap, LabelTable, Shape, Volume};
use glam::DVec3;
use rayon::prelude::*;

/// Most voxels of the network's grid: their class scores take under 2 GB.
const MOST_VOXELS: usize = 64_000_000;

/// Most voxels while a scan is resampled.
const MOST_BETWEEN: usize = 1 << 29;

/// The network's grid for one scan. All triples are right, anterior, superior, right fastest in memory.
#[derive(Debug, Clone)]
pub(super) struct WorkingGrid {
    scan: Grid,
    ras: ClosestRas,
    /// Voxels of the scan.
    scan_shape: Shape,
    /// Voxels of the network's grid.
    pub(super) shape: Shape,
    /// Scan voxels from one voxel of the network's grid to the next.
    step: [f64; 3],
}

impl WorkingGrid {
    /// The grid with `spacing_mm` that covers a scan.
    ///
    /// # Errors
    /// When it would have more voxels than a head justifies.
    pub(super) fn new(scan: &Grid, spacing_mm: [f64; 3]) -> Result<Self, Error> {
        let ras = scan.closest_ras();
        let axes = [0, 1, 2].map(|world| ras.voxel_axis(world));
        let scan_spacing = axes.map(|a| scan.spacing_mm()[a]);
        let scan_shape = axes.map(|a| scan.shape()[a]);
        let extent: [f64; 3] = std::array::from_fn(|w| scan_shape[w] as f64 * scan_spacing[w]);
        let wanted: [f64; 3] =
            std::array::from_fn(|w| (extent[w] / spacing_mm[w] - 1e-6).ceil().max(1.0));
        // Axis after axis is resampled: between two steps some have their new length and some the old one.
        let stored = scan_shape.map(|n| n as f64);
        let between = [
            wanted[0] * stored[1] * stored[2],
            wanted[0] * wanted[1] * stored[2],
        ];
        let [first, second] = between.map(|voxels| voxels > MOST_BETWEEN as f64);
        if first || second || wanted.iter().product::<f64>() > MOST_VOXELS as f64 {
            return Err(Error::TooLarge(extent[0], extent[1], extent[2]));
        }
        Ok(Self {
            scan: *scan,
            ras,
            scan_shape,
            shape: wanted.map(|n| n as usize),
            step: std::array::from_fn(|w| spacing_mm[w] / scan_spacing[w]),
        })
    }

    /// Millimetres that the scan covers to the right, front and top.
    pub(super) fn extent_mm(&self) -> [f64; 3] {
        let spacing = self.scan.spacing_mm();
        std::array::from_fn(|w| self.scan_shape[w] as f64 * spacing[self.ras.voxel_axis(w)])
    }

    /// Where a point of the network's grid, in its voxels, lies in the scan's world.
    pub(super) fn point_in_world(&self, voxel: DVec3) -> DVec3 {
        let mut at = DVec3::ZERO;
        for w in 0..3 {
            let axis = self.ras.voxel_axis(w);
            let count = self.scan_shape[w];
            let along = middle(count) + (voxel[w] - middle(self.shape[w])) * self.step[w];
            at[axis] = if self.ras.flipped[axis] {
                count as f64 - 1.0 - along
            } else {
                along
            };
        }
        self.scan.world_from_voxel().transform_point3(at)
    }

    /// Memory offset of the scan's voxel at right, anterior, superior zero, and the steps along these axes.
    fn strides(&self) -> (isize, [isize; 3]) {
        let shape = self.scan.shape();
        let memory = [1, shape[0], shape[0] * shape[1]];
        let mut first = 0;
        let strides = [0, 1, 2].map(|world| {
            let axis = self.ras.voxel_axis(world);
            let stride = memory[axis] as isize;
            if self.ras.flipped[axis] {
                first += stride * (shape[axis] as isize - 1);
                -stride
            } else {
                stride
            }
        });
        (first, strides)
    }

    /// A scan's intensities on the network's grid. Where the network's voxels are larger, the scan's are averaged over them. What is not
    /// finite becomes `fallback`.
    pub(super) fn resample(&self, scan: &Volume, fallback: f32) -> Vec<f32> {
        let data = scan.to_f32();
        let [nr, na, _] = self.scan_shape;
        let (first, [sr, sa, ss]) = self.strides();
        let [along_r, along_a, along_s] = [0, 1, 2].map(|w| self.averages(w));
        let mut rows = vec![0.0; self.shape[0] * na * self.scan_shape[2]];
        rows.par_chunks_mut(self.shape[0])
            .enumerate()
            .for_each_init(
                || vec![0.0; nr],
                |row, (at, out)| {
                    let start = first + (at % na) as isize * sa + (at / na) as isize * ss;
                    for (r, value) in row.iter_mut().enumerate() {
                        let v = data[(start + r as isize * sr) as usize];
                        *value = if v.is_finite() { v } else { fallback };
                    }
                    along_r.apply(row, out, 1);
                },
            );
        drop(data);
        let (width, rows_in) = (self.shape[0], na * self.shape[0]);
        let mut planes = vec![0.0; width * self.shape[1] * self.scan_shape[2]];
        planes
            .par_chunks_mut(width * self.shape[1])
            .zip(rows.par_chunks(rows_in))
            .for_each(|(out, plane)| along_a.apply(plane, out, width));
        let mut out = vec![0.0; self.shape.iter().product()];
        let plane = width * self.shape[1];
        out.par_chunks_mut(plane)
            .zip(&along_s.weights)
            .for_each(|(out, weights)| blend(&planes, out, weights));
        out
    }

    /// Weights that average the scan's voxels along an axis into the network's.
    fn averages(&self, world: usize) -> Weights {
        let (from, to, step) = (self.scan_shape[world], self.shape[world], self.step[world]);
        let reach = step.max(1.0);
        Weights::new(to, |index| {
            let centre = middle(from) + (index as f64 - middle(to)) * step;
            let low = (centre - reach).ceil().max(0.0);
            let high = (centre + reach).floor().min((from - 1) as f64);
            // A centre up to a voxel beyond the border takes the border.
            if low > high {
                return vec![(centre.clamp(0.0, (from - 1) as f64) as usize, 1.0)];
            }
            (low as usize..=high as usize)
                .map(|i| (i, (1.0 - (i as f64 - centre).abs() / reach).max(1e-6)))
                .collect()
        })
    }

    /// Weights that interpolate the network's voxels at the scan's.
    fn interpolation(&self, world: usize) -> Weights {
        let (from, to, step) = (self.shape[world], self.scan_shape[world], self.step[world]);
        Weights::new(to, |index| {
            let at = middle(from) + (index as f64 - middle(to)) / step;
            let at = at.clamp(0.0, (from - 1) as f64);
            let low = at as usize;
            vec![
                (low, 1.0 - at.fract()),
                ((low + 1).min(from - 1), at.fract()),
            ]
        })
    }

    /// Labels on the scan's own grid from scores of channels on the network's (`[channel][superior][anterior][right]`): the scores are interpolated at
    /// each of the scan's voxels and decided upon. Works slice by slice.
    pub(super) fn restore(
        &self,
        scores: &[f32],
        decision: &Decision<'_>,
    ) -> Result<LabelMap, Error> {
        let labels = decision.labels;
        let [along_r, along_a, along_s] = [0, 1, 2].map(|w| self.interpolation(w));
        let [nr, na, _] = self.scan_shape;
        let (plane, width) = (self.shape[0] * self.shape[1], self.shape[0]);
        let volume = plane * self.shape[2];
        let mut canonical = vec![0_u8; self.scan.len()];
        canonical
            .par_chunks_mut(nr * na)
            .zip(&along_s.weights)
            .for_each_init(
                || {
                    (
                        vec![0.0; labels.len() * plane],
                        vec![0.0; labels.len() * width],
                    )
                },
                |(slice, row), (out, weights)| {
                    for (scores, slice) in scores
                        .chunks_exact(volume)
                        .zip(slice.chunks_exact_mut(plane))
                    {
                        blend(scores, slice, weights);
                    }
                    for (out, weights) in out.chunks_exact_mut(nr).zip(&along_a.weights) {
                        for (slice, row) in
                            slice.chunks_exact(plane).zip(row.chunks_exact_mut(width))
                        {
                            blend(slice, row, weights);
                        }
                        decision.classify(row, width, &along_r, out);
                    }
                },
            );
        let native = self.native(&canonical);
        Ok(LabelMap::new(self.scan, native, LabelTable::default())?)
    }

    /// One channel of the network's grid, interpolated at each of the scan's voxels.
    pub(super) fn restore_channel(&self, channel: &[f32]) -> Vec<f32> {
        let [along_r, along_a, along_s] = [0, 1, 2].map(|w| self.interpolation(w));
        let [nr, na, _] = self.scan_shape;
        let (plane, width) = (self.shape[0] * self.shape[1], self.shape[0]);
        let mut canonical = vec![0.0; self.scan.len()];
        canonical
            .par_chunks_mut(nr * na)
            .zip(&along_s.weights)
            .for_each(|(slice, weights)| {
                let (mut network, mut row) = (vec![0.0; plane], vec![0.0; width]);
                blend(channel, &mut network, weights);
                for (out, weights) in slice.chunks_exact_mut(nr).zip(&along_a.weights) {
                    blend(&network, &mut row, weights);
                    along_r.apply(&row, out, 1);
                }
            });
        self.native(&canonical)
    }

    /// Values in right-anterior-superior order in the order of the scan.
    fn native<T: Copy + Default>(&self, canonical: &[T]) -> Vec<T> {
        let [nr, na, _] = self.scan_shape;
        let (first, [sr, sa, ss]) = self.strides();
        let mut native = vec![T::default(); canonical.len()];
        for (at, row) in canonical.chunks_exact(nr).enumerate() {
            let start = first + (at % na) as isize * sa + (at / na) as isize * ss;
            for (r, value) in row.iter().enumerate() {
                native[(start + r as isize * sr) as usize] = *value;
            }
        }
        native
    }
}

impl WorkingGrid {
    /// Values on the scan's own grid from values on the network's.
    pub(super) fn interpolated(&self, values: &[f32]) -> Vec<f32> {
        let [along_r, along_a, along_s] = [0, 1, 2].map(|w| self.interpolation(w));
        let [nr, na, _] = self.scan_shape;
        let (plane, width) = (self.shape[0] * self.shape[1], self.shape[0]);
        let mut canonical = vec![0.0_f32; self.scan.len()];
        canonical
            .par_chunks_mut(nr * na)
            .zip(&along_s.weights)
            .for_each_init(
                || (vec![0.0; plane], vec![0.0; width]),
                |(slice, row), (out, weights)| {
                    blend(values, slice, weights);
                    for (out, weights) in out.chunks_exact_mut(nr).zip(&along_a.weights) {
                        blend(slice, row, weights);
                        along_r.apply(row, out, 1);
                    }
                },
            );
        let (first, [sr, sa, ss]) = self.strides();
        let mut native = vec![0.0; canonical.len()];
        for (at, row) in canonical.chunks_exact(nr).enumerate() {
            let start = first + (at % na) as isize * sa + (at / na) as isize * ss;
            for (r, value) in row.iter().enumerate() {
                native[(start + r as isize * sr) as usize] = *value;
            }
        }
        native
    }
}

/// How scores become labels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision<'a> {
    /// The value of each channel; the first is the background's.
    pub(super) labels: &'a [u8],
    /// The channel of the tumour, and the part of all scores above which it wins. So many other classes about it do not make it larger, as they would if the highest score decided.
    pub(super) tumour: Option<(usize, f32)>,
    /// A row whose background scores are all above this part is background: no interpolation makes another channel win there. Infinite where scores do not add up to one.
    pub(super) certain: f32,
}

impl Decision<'_> {
    /// The value at each voxel of a row; `row` is `[channel][voxel of the network's grid]`.
    fn classify(&self, row: &[f32], width: usize, along: &Weights, out: &mut [u8]) {
        if row[..width].iter().all(|&p| p > self.certain) {
            return out.fill(self.labels[0]);
        }
        for (out, weights) in out.iter_mut().zip(&along.weights) {
            let mut best = (f32::NEG_INFINITY, 0);
            let (mut total, mut tumour) = (0.0, None);
            for (channel, scores) in row.chunks_exact(width).enumerate() {
                let score: f32 = weights.iter().map(|&(i, w)| scores[i] * w).sum();
                total += score;
                match self.tumour {
                    Some((of_tumour, level)) if of_tumour == channel => {
                        tumour = Some((channel, score, level));
                    }
                    _ if score > best.0 => best = (score, channel),
                    _ => {}
                }
            }
            let won = tumour.filter(|(_, score, level)| *score > level * total);
            *out = self.labels[won.map_or(best.1, |(channel, _, _)| channel)];
        }
    }
}

/// Index of the middle of `count` voxels.
fn middle(count: usize) -> f64 {
    (count as f64 - 1.0) / 2.0
}

/// A one-dimensional interpolation: for each output the inputs it is made of, with weights that add up to one.
struct Weights {
    weights: Vec<Vec<(usize, f32)>>,
}

impl Weights {
    fn new(count: usize, of: impl Fn(usize) -> Vec<(usize, f64)>) -> Self {
        let normalised = |weights: Vec<(usize, f64)>| {
            let sum: f64 = weights.iter().map(|(_, w)| w).sum();
            weights
                .into_iter()
                .map(|(i, w)| (i, (w / sum) as f32))
                .collect()
        };
        Self {
            weights: (0..count).map(|index| normalised(of(index))).collect(),
        }
    }

    /// Interpolates rows of `width` values that stand one behind another.
    fn apply(&self, from: &[f32], to: &mut [f32], width: usize) {
        for (out, weights) in to.chunks_exact_mut(width).zip(&self.weights) {
            blend(from, out, weights);
        }
    }
}

/// The weighted sum of rows of `from`, each as long as `to`.
fn blend(from: &[f32], to: &mut [f32], weights: &[(usize, f32)]) {
    let width = to.len();
    to.fill(0.0);
    for &(row, weight) in weights {
        if weight != 0.0 {
            to.iter_mut()
                .zip(&from[row * width..][..width])
                .for_each(|(t, f)| *t += weight * f);
        }
    }
}
