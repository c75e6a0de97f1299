//! Arrays of another size, as nnU-Net's resampling functions make them.
use super::array::{Size, count};
use super::plans::Resampling;
use super::window::Accumulator;
use half::f16;
use rayon::prelude::*;

/// Spacings that differ by more than this along an axis are resampled apart (nnU-Net's threshold).
const ANISOTROPY: f64 = 3.0;
/// Repeated samples at each end before the spline is fitted, as in SciPy.
const PADDING: usize = 12;
/// Columns that are resampled together.
const COLUMNS: usize = 64;

/// How values between samples are found along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    Nearest,
    /// PyTorch's `nearest-exact`.
    NearestExact,
    Linear,
    Cubic,
}

/// The array at size `to`; `from_mm` and `to_mm` are the spacings, which decide whether an axis is treated apart.
pub(super) fn resampled(
    data: &[f32],
    size: Size,
    to: Size,
    how: Resampling,
    spacings_mm: [[f64; 3]; 2],
) -> Vec<f32> {
    if size == to || how == Resampling::Identity {
        return data.to_vec();
    }
    let out = resampled_exactly(data, size, to, how, spacings_mm);
    out.into_par_iter().map(|v| v as f32).collect()
}

/// The same for scores, each rounded once to their own precision.
pub(super) fn resampled_scores<T: Accumulator>(
    scores: &[T],
    size: Size,
    to: Size,
    how: Resampling,
    spacings_mm: [[f64; 3]; 2],
) -> Vec<f32> {
    let values: Vec<f32> = scores.iter().map(|s| s.value()).collect();
    if size == to || how == Resampling::Identity {
        return values;
    }
    // PyTorch interpolates in single precision.
    let single = matches!(how, Resampling::Torch { .. });
    let out = resampled_exactly(&values, size, to, how, spacings_mm);
    out.into_par_iter()
        .map(|v| if single { f64::from(v as f32) } else { v })
        .map(|v| T::rounded_once(v).value())
        .collect()
}

/// The same in double precision.
fn resampled_exactly(
    data: &[f32],
    size: Size,
    to: Size,
    how: Resampling,
    [from_mm, to_mm]: [[f64; 3]; 2],
) -> Vec<f64> {
    match how {
        Resampling::Identity => widened(data),
        Resampling::Torch { separate_z } => {
            let coarse = coarse_axis(separate_z, from_mm, to_mm);
            let kernels = [0, 1, 2].map(|axis| {
                if coarse == Some(axis) {
                    Kernel::NearestExact
                } else {
                    Kernel::Linear
                }
            });
            along_all(widened(data), size, to, kernels)
        }
        Resampling::Spline {
            order,
            order_z,
            separate_z,
        } => {
            let coarse = coarse_axis(separate_z, from_mm, to_mm);
            spline(data, size, to, [order, order_z], coarse)
        }
    }
}

/// The axis that is resampled apart from the others, if any.
fn coarse_axis(forced: Option<bool>, from_mm: [f64; 3], to_mm: [f64; 3]) -> Option<usize> {
    let coarse = |mm: [f64; 3]| {
        let low = mm.into_iter().fold(f64::INFINITY, f64::min);
        let high = mm.into_iter().fold(0.0, f64::max);
        high / low > ANISOTROPY
    };
    let of = match forced {
        Some(true) => from_mm,
        None if coarse(from_mm) => from_mm,
        None if coarse(to_mm) => to_mm,
        Some(false) | None => return None,
    };
    let high = of.into_iter().fold(0.0, f64::max);
    let axes: Vec<usize> = (0..3).filter(|&a| high.total_cmp(&of[a]).is_eq()).collect();
    match axes[..] {
        [axis] => Some(axis),
        _ => None,
    }
}

fn kernel(order: usize) -> Kernel {
    match order {
        0 => Kernel::Nearest,
        1 => Kernel::Linear,
        _ => Kernel::Cubic,
    }
}

fn spline(
    data: &[f32],
    size: Size,
    to: Size,
    [order, order_z]: [usize; 2],
    coarse: Option<usize>,
) -> Vec<f64> {
    let interpolated = |to: Size| {
        if order == 1 {
            linear(data, size, to)
        } else {
            along_all(widened(data), size, to, [kernel(order); 3])
        }
    };
    let Some(axis) = coarse else {
        let [low, high] = range(data.iter().copied());
        let mut out = interpolated(to);
        out.par_iter_mut().for_each(|v| *v = v.max(low).min(high));
        return out;
    };
    // Slices across the coarse axis first, each limited to its own range, then along the axis.
    let mut flat = to;
    flat[axis] = size[axis];
    let mut sliced = interpolated(flat);
    let ranges = slice_ranges(data, size, axis);
    sliced.par_iter_mut().enumerate().for_each(|(n, v)| {
        let [low, high] = ranges[index_along(n, flat, axis)];
        *v = v.max(low).min(high);
    });
    let mut kernels = [Kernel::Nearest; 3];
    kernels[axis] = kernel(order_z);
    along_all(sliced, flat, to, kernels)
}

/// Linear interpolation along all axes at once. Products and sums are taken in `SciPy`'s order, so that labels that tie there tie here.
fn linear(data: &[f32], size: Size, to: Size) -> Vec<f64> {
    let [along_0, along_1, along_2] = [0, 1, 2].map(|axis| ends(size[axis], to[axis]));
    let mut out = vec![0.0; count(to)];
    out.par_chunks_mut(to[2].max(1)).enumerate().for_each_init(
        || vec![0.0; size[2]],
        |weighted, (row, out)| {
            for (a, weight_a) in along_0[row / to[1]] {
                for (b, weight_b) in along_1[row % to[1]] {
                    let from = &data[size[2] * (b + size[1] * a)..][..size[2]];
                    for (to, v) in weighted.iter_mut().zip(from) {
                        *to = f64::from(*v) * weight_a * weight_b;
                    }
                    for (sum, [(c, weight), (next, rest)]) in out.iter_mut().zip(&along_2) {
                        *sum = *sum + weighted[*c] * weight + weighted[*next] * rest;
                    }
                }
            }
        },
    );
    out
}

/// The two samples about each output sample, and their weights.
fn ends(from: usize, to: usize) -> Vec<[(usize, f64); 2]> {
    let scale = from as f64 / to as f64;
    // Past the ends the outermost sample stands on both sides.
    let sample = |n: f64| (n.max(0.0) as usize).min(from - 1);
    (0..to)
        .map(|o| {
            let x = scale * (o as f64 + 0.5) - 0.5;
            let first = x.floor();
            let weight = 1.0 - (x - first);
            [(sample(first), weight), (sample(first + 1.0), 1.0 - weight)]
        })
        .collect()
}

fn index_along(n: usize, size: Size, axis: usize) -> usize {
    match axis {
        0 => n / (size[1] * size[2]),
        1 => n / size[2] % size[1],
        _ => n % size[2],
    }
}

/// Lowest and highest value of each slice across an axis.
fn slice_ranges(data: &[f32], size: Size, axis: usize) -> Vec<[f64; 2]> {
    let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; size[axis]];
    for (n, &v) in data.iter().enumerate() {
        let range = &mut ranges[index_along(n, size, axis)];
        *range = [range[0].min(f64::from(v)), range[1].max(f64::from(v))];
    }
    ranges
}

fn range(values: impl Iterator<Item = f32>) -> [f64; 2] {
    let [low, high] = values.fold([f32::INFINITY, f32::NEG_INFINITY], |[l, h], v| {
        [l.min(v), h.max(v)]
    });
    [f64::from(low), f64::from(high)]
}

fn widened(data: &[f32]) -> Vec<f64> {
    data.par_iter().map(|&v| f64::from(v)).collect()
}

/// One axis after another; axes whose size stays are left alone.
fn along_all(mut data: Vec<f64>, mut size: Size, to: Size, kernels: [Kernel; 3]) -> Vec<f64> {
    for axis in 0..3 {
        if size[axis] != to[axis] {
            data = along(&data, size, axis, to[axis], kernels[axis]);
            size[axis] = to[axis];
        }
    }
    data
}

/// For each output sample the first of its inputs and their weights.
struct Taps {
    first: Vec<usize>,
    weights: Vec<[f64; 4]>,
    /// How many of the weights count.
    width: usize,
}

fn taps(from: usize, to: usize, kernel: Kernel) -> Taps {
    let scale = from as f64 / to as f64;
    let place = |o: usize| scale * (o as f64 + 0.5) - 0.5;
    let last = from - 1;
    let mut taps = Taps {
        first: Vec::with_capacity(to),
        weights: Vec::with_capacity(to),
        width: 1,
    };
    for o in 0..to {
        let x = place(o);
        let (first, weights) = match kernel {
            Kernel::Nearest => {
                let n = (x.clamp(0.0, last as f64) + 0.5).floor() as usize;
                (n.min(last), [1.0, 0.0, 0.0, 0.0])
            }
            Kernel::NearestExact => {
                // In single precision, as PyTorch does.
                let scale = from as f32 / to as f32;
                let n = ((o as f32 + 0.5) * scale).floor() as usize;
                (n.min(last), [1.0, 0.0, 0.0, 0.0])
            }
            Kernel::Linear => {
                taps.width = 2.min(from);
                let x = x.clamp(0.0, last as f64);
                let n = (x.floor() as usize).min(last.saturating_sub(1));
                let t = x - n as f64;
                (n, [1.0 - t, t, 0.0, 0.0])
            }
            Kernel::Cubic => {
                taps.width = 4;
                let padded_last = (last + 2 * PADDING) as f64;
                let x = (x + PADDING as f64).clamp(1.0, padded_last - 2.0);
                let n = x.floor();
                let t = x - n;
                let u = 1.0 - t;
                let middle = |t: f64| (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0;
                let weights = [u * u * u / 6.0, middle(t), middle(u), t * t * t / 6.0];
                (n as usize - 1, weights)
            }
        };
        taps.first.push(first);
        taps.weights.push(weights);
    }
    taps
}

fn along(data: &[f64], size: Size, axis: usize, to: usize, kernel: Kernel) -> Vec<f64> {
    let from = size[axis];
    let inner: usize = size[axis + 1..].iter().product();
    let taps = taps(from, to, kernel);
    let mut out_size = size;
    out_size[axis] = to;
    let mut out = vec![0.0; count(out_size)];
    if inner == 1 {
        // Along the fastest axis: one line after the other.
        out.par_chunks_mut(to)
            .zip(data.par_chunks(from))
            .for_each_init(Vec::new, |line, (out, data)| {
                if kernel == Kernel::Cubic {
                    coefficients(data, 1, line);
                    interpolate(line, 1, &taps, out, 1);
                } else {
                    interpolate(data, 1, &taps, out, 1);
                }
            });
        return out;
    }
    out.par_chunks_mut(to * inner)
        .zip(data.par_chunks(from * inner))
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(block, lines), (out, data)| {
                for start in (0..inner).step_by(COLUMNS) {
                    let width = COLUMNS.min(inner - start);
                    block.clear();
                    for row in data.chunks_exact(inner) {
                        block.extend_from_slice(&row[start..start + width]);
                    }
                    let source: &[f64] = if kernel == Kernel::Cubic {
                        coefficients(block, width, lines);
                        lines
                    } else {
                        block
                    };
                    interpolate(source, width, &taps, &mut out[start..], inner);
                }
            },
        );
    out
}

/// Weighted sums of rows of `width` samples; output rows stand `stride` apart.
fn interpolate(source: &[f64], width: usize, taps: &Taps, out: &mut [f64], stride: usize) {
    for (o, (&first, weights)) in taps.first.iter().zip(&taps.weights).enumerate() {
        let out = &mut out[o * stride..][..width];
        for (n, weight) in weights[..taps.width].iter().enumerate() {
            let row = &source[(first + n) * width..][..width];
            for (o, v) in out.iter_mut().zip(row) {
                if n == 0 {
                    *o = weight * v;
                } else {
                    *o += weight * v;
                }
            }
        }
    }
}

/// The coefficients of the cubic spline through rows of `width` samples, with rows repeated at both ends: a causal and an anticausal
/// recursion with one pole (Unser 1999), the ends mirrored about half a sample as in SciPy.
fn coefficients(data: &[f64], width: usize, out: &mut Vec<f64>) {
    let pole = 3.0_f64.sqrt() - 2.0;
    let gain = (1.0 - pole) * (1.0 - 1.0 / pole);
    let rows = data.len() / width;
    let count = rows + 2 * PADDING;
    out.clear();
    out.reserve(count * width);
    for n in 0..count {
        let row = n.saturating_sub(PADDING).min(rows - 1);
        out.extend(data[row * width..][..width].iter().map(|v| v * gain));
    }
    let pole_to_count = pole.powi(i32::try_from(count).unwrap_or(i32::MAX));
    for column in 0..width {
        let at = |n: usize| n * width + column;
        let first = out[at(0)];
        let mut sum = first + pole_to_count * out[at(count - 1)];
        let mut power = pole;
        for n in 1..count {
            sum += power * (out[at(n)] + pole_to_count * out[at(count - 1 - n)]);
            power *= pole;
            if power.abs() < 1e-300 {
                break;
            }
        }
        out[at(0)] = sum * pole / (1.0 - pole_to_count * pole_to_count) + first;
    }
    for n in 1..count {
        let (before, row) = out.split_at_mut(n * width);
        let before = &before[(n - 1) * width..];
        for (v, b) in row[..width].iter_mut().zip(before) {
            *v += pole * b;
        }
    }
    for v in &mut out[(count - 1) * width..] {
        *v *= pole / (pole - 1.0);
    }
    for n in (0..count - 1).rev() {
        let (row, after) = out[n * width..].split_at_mut(width);
        for (v, a) in row.iter_mut().zip(after) {
            *v = pole * (*a - *v);
        }
    }
}

/// Labels of another size: each label's indicator is interpolated and the highest wins; of equal ones that of the nearest voxel, or else the
/// lowest label. The way of `PyTorch` keeps thousandths in half precision, in which more are equal, and takes the lowest label of these.
pub(super) fn resampled_labels(
    labels: &[u8],
    size: Size,
    to: Size,
    how: Resampling,
    spacings_mm: [[f64; 3]; 2],
) -> Vec<u8> {
    if size == to || how == Resampling::Identity {
        return labels.to_vec();
    }
    let nearest = match how {
        Resampling::Torch { separate_z } | Resampling::Spline { separate_z, .. } => {
            Resampling::Spline {
                order: 0,
                order_z: 0,
                separate_z,
            }
        }
        Resampling::Identity => Resampling::Identity,
    };
    let as_values: Vec<f32> = labels.iter().map(|l| f32::from(*l)).collect();
    let close = resampled(&as_values, size, to, nearest, spacings_mm);
    let mut present = [false; 256];
    for label in labels {
        present[usize::from(*label)] = true;
    }
    // 255 stands for -1 and comes first.
    let order = std::iter::once(u8::MAX).chain(0..u8::MAX);
    let torch = matches!(how, Resampling::Torch { .. });
    let mut best = vec![f64::NEG_INFINITY; count(to)];
    let mut winner = vec![0_u8; count(to)];
    for label in order.filter(|l| present[usize::from(*l)]) {
        let indicator: Vec<f32> = labels
            .iter()
            .map(|l| f32::from(u8::from(*l == label)))
            .collect();
        let score = resampled_exactly(&indicator, size, to, how, spacings_mm);
        let all = best.iter_mut().zip(&mut winner).zip(score).zip(&close);
        for (((best, winner), mut score), close) in all {
            if torch {
                score = f16::from_f32((1000.0 * score) as f32).to_f64();
            }
            let tied = !torch && score.total_cmp(best).is_eq() && *close as u8 == label;
            if score > *best || tied {
                (*best, *winner) = (score, label);
            }
        }
    }
    winner
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One digit a voxel; `-` stands for nnU-Net's -1.
    fn labels(digits: &str) -> Vec<u8> {
        let label = |c: char| c.to_digit(10).map_or(u8::MAX, |d| d as u8);
        digits.chars().map(label).collect()
    }

    #[test]
    fn labels_of_another_size_are_those_of_nnunets_spline_function() {
        // resample_data_or_seg_to_shape of nnunetv2 2.8.1 with is_seg and order 1. Sums in another order settle two of the ties otherwise.
        let from = labels("22102-001---0220100-0100-2-20220");
        let expected = labels("2102002002--2202201--12-02010-100000-0-020020--2022020");
        let how = Resampling::Spline {
            order: 1,
            order_z: 0,
            separate_z: None,
        };
        let spacings = [[1.0; 3], [0.7; 3]];
        let found = resampled_labels(&from, [4, 2, 4], [6, 3, 3], how, spacings);
        assert_eq!(found, expected);
    }

    #[test]
    fn labels_of_another_size_are_those_of_nnunets_torch_function() {
        // resample_torch_fornnunet of nnunetv2 2.8.1 with is_seg.
        let from = labels("12-201102-0010-----2-12-0002-222");
        let expected = labels(concat!(
            "112--20111-00011002--0001-----100---",
            "-----2--1--2011100000000-00002--22--",
            "-----2--------122-000022-00022--2222"
        ));
        let how = Resampling::Torch {
            separate_z: Some(false),
        };
        let spacings = [[1.0; 3], [0.7; 3]];
        let found = resampled_labels(&from, [2, 4, 4], [3, 6, 6], how, spacings);
        assert_eq!(found, expected);
    }
}
