//! Intensities as nnU-Net normalises them, in its single precision: sums are added up in NumPy's order, because a network sees the rounding.
use super::plans::Scheme;

/// Smallest divisor.
const EPSILON: f32 = 1e-8;

/// Normalises one channel in place. `mask` tells which voxels belong to the object; `row` is how many values lie without gaps in the array
/// that NumPy would add up, `0` for all.
pub(super) fn normalise(
    data: &mut [f32],
    scheme: Scheme,
    mask: Option<&[bool]>,
    row: usize,
) -> Result<(), &'static str> {
    match scheme {
        Scheme::ZScore { masked: true } => {
            let Some(mask) = mask else {
                return Err("needs a mask");
            };
            let inside: Vec<f32> = data
                .iter()
                .zip(mask)
                .filter_map(|(v, m)| m.then_some(*v))
                .collect();
            let (mean, deviation) = moments(&inside, 0);
            for (v, _) in data.iter_mut().zip(mask).filter(|(_, m)| **m) {
                *v = (*v - mean) / deviation.max(EPSILON);
            }
        }
        Scheme::ZScore { masked: false } => {
            let (mean, deviation) = moments(data, row);
            let deviation = deviation.max(EPSILON);
            for v in data.iter_mut() {
                *v = (*v - mean) / deviation;
            }
        }
        Scheme::Ct(of) => {
            let deviation = of.deviation.max(EPSILON);
            for v in data.iter_mut() {
                *v = (v.max(of.low).min(of.high) - of.mean) / deviation;
            }
        }
        Scheme::None => {}
        Scheme::RescaleTo01 => {
            let low = data.iter().copied().fold(f32::INFINITY, f32::min);
            for v in data.iter_mut() {
                *v -= low;
            }
            let high = data
                .iter()
                .copied()
                .fold(f32::NEG_INFINITY, f32::max)
                .max(EPSILON);
            for v in data.iter_mut() {
                *v /= high;
            }
        }
        Scheme::RgbTo01 => {
            if data.iter().any(|v| !(0.0..=255.0).contains(v)) {
                return Err("is no RGB image: values lie outside 0 to 255");
            }
            for v in data.iter_mut() {
                *v /= 255.0;
            }
        }
    }
    Ok(())
}

/// Mean and standard deviation of the population.
fn moments(data: &[f32], row: usize) -> (f32, f32) {
    let count = data.len() as f32;
    let mean = sum(data, row, |v| v) / count;
    let squares = sum(data, 0, |v| (v - mean) * (v - mean));
    (mean, (squares / count).sqrt())
}

fn sum(data: &[f32], row: usize, f: impl Fn(f32) -> f32 + Copy) -> f32 {
    if row == 0 || row >= data.len() {
        return pairwise(data, f);
    }
    data.chunks(row)
        .fold(0.0, |sum, row| sum + pairwise(row, f))
}

/// NumPy's pairwise sum: eight running sums in blocks of 128, blocks added in a tree.
fn pairwise(data: &[f32], f: impl Fn(f32) -> f32 + Copy) -> f32 {
    let n = data.len();
    if n < 8 {
        // Minus zero is what adding starts from, so that a sum of minus zeros keeps its sign.
        return data.iter().fold(-0.0, |sum, &v| sum + f(v));
    }
    if n <= 128 {
        let (blocks, rest) = data.as_chunks::<8>();
        let mut r = [0.0; 8];
        for (at, block) in blocks.iter().enumerate() {
            for (r, &v) in r.iter_mut().zip(block) {
                *r = if at == 0 { f(v) } else { *r + f(v) };
            }
        }
        let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        return rest.iter().fold(sum, |sum, &v| sum + f(v));
    }
    let half = n / 2;
    let half = half - half % 8;
    pairwise(&data[..half], f) + pairwise(&data[half..], f)
}
