//! The sliding window: where tiles lie, how they are weighted, and how their scores are added up.
use super::array::{Size, count};
use half::f16;
use rayon::prelude::*;

/// Standard deviation of the weights, as a part of the tile.
const SIGMA: f64 = 0.125;
/// Weight of a tile's middle.
const HIGHEST: f64 = 10.0;

/// First voxels of the tiles along one axis.
pub(super) fn starts(size: usize, tile: usize, step: f64) -> Vec<usize> {
    let free = size.saturating_sub(tile) as f64;
    let steps = (free / (tile as f64 * step)).ceil() as usize + 1;
    let gap = if steps > 1 {
        free / (steps - 1) as f64
    } else {
        0.0
    };
    (0..steps)
        .map(|n| (gap * n as f64).round_ties_even() as usize)
        .collect()
}

/// The weights of a tile's voxels in half precision: a Gaussian about its middle, cut off at four standard deviations as `SciPy` does it;
/// what rounds to zero takes the smallest weight.
pub(super) fn weights(tile: Size) -> Vec<f16> {
    let axes = tile.map(bell);
    let mut weights = Vec::with_capacity(count(tile));
    for a in &axes[0] {
        for b in &axes[1] {
            weights.extend(axes[2].iter().map(|c| a * b * c));
        }
    }
    let highest = weights.iter().copied().fold(0.0, f64::max);
    let mut halves: Vec<f16> = weights
        .into_iter()
        .map(|w| f16::from_f32((w / (highest / HIGHEST)) as f32))
        .collect();
    let smallest = halves.iter().copied().filter(|w| *w > f16::ZERO);
    let smallest = smallest.fold(f16::MAX, |a, b| if b < a { b } else { a });
    halves
        .iter_mut()
        .filter(|w| **w == f16::ZERO)
        .for_each(|w| *w = smallest);
    halves
}

fn bell(count: usize) -> Vec<f64> {
    let sigma = count as f64 * SIGMA;
    let reach = (4.0 * sigma + 0.5) as usize;
    let gauss = |x: f64| (-0.5 / (sigma * sigma) * x * x).exp();
    let sum: f64 = gauss(0.0) + 2.0 * (1..=reach).map(|n| gauss(n as f64)).sum::<f64>();
    let middle = count / 2;
    (0..count)
        .map(|n| {
            let away = n.abs_diff(middle);
            if away <= reach {
                gauss(away as f64) / sum
            } else {
                0.0
            }
        })
        .collect()
}

/// A number in which scores are added up.
pub(super) trait Accumulator: Copy + Default + Send + Sync {
    fn value(self) -> f32;
    fn rounded(value: f32) -> Self;
    /// Straight from double precision: two roundings, one after the other, may end at the wrong neighbour.
    fn rounded_once(value: f64) -> Self;
}

impl Accumulator for f32 {
    fn value(self) -> f32 {
        self
    }

    fn rounded(value: f32) -> Self {
        value
    }

    fn rounded_once(value: f64) -> Self {
        value as f32
    }
}

impl Accumulator for f16 {
    fn value(self) -> f32 {
        self.to_f32()
    }

    fn rounded(value: f32) -> Self {
        Self::from_f32(value)
    }

    // `f16::from_f64` goes through single precision too where the processor converts.
    fn rounded_once(value: f64) -> Self {
        let near = value as f32;
        let exact = f64::from(near);
        // Of the two single-precision neighbours the odd one never looks like the middle between two halves.
        let odd = if exact.to_bits() == value.to_bits() || near.to_bits() & 1 == 1 {
            near
        } else if exact < value {
            near.next_up()
        } else {
            near.next_down()
        };
        Self::from_f32(odd)
    }
}

/// Sums of weighted scores over an array, `[class][voxel]`, and of the weights.
#[derive(Debug)]
pub(super) struct Sums<T> {
    size: Size,
    pub(super) scores: Vec<T>,
    weights: Vec<T>,
}

impl<T: Accumulator> Sums<T> {
    pub(super) fn new(size: Size, classes: usize) -> Self {
        Self {
            size,
            scores: vec![T::default(); classes * count(size)],
            weights: vec![T::default(); count(size)],
        }
    }

    /// Adds a tile's scores, `[class][voxel]`, whose first voxel is `first`.
    pub(super) fn add(&mut self, first: Size, tile: Size, scores: &[f32], weights: &[f16]) {
        let (size, voxels) = (self.size, count(self.size));
        let row_at = |row: usize| {
            let (a, b) = (first[0] + row / tile[1], first[1] + row % tile[1]);
            first[2] + size[2] * (b + size[1] * a)
        };
        self.scores
            .par_chunks_mut(voxels)
            .zip(scores.par_chunks(count(tile)))
            .for_each(|(sums, scores)| {
                let rows = scores
                    .chunks_exact(tile[2])
                    .zip(weights.chunks_exact(tile[2]));
                for (row, (scores, weights)) in rows.enumerate() {
                    let sums = &mut sums[row_at(row)..][..tile[2]];
                    for ((sum, score), weight) in sums.iter_mut().zip(scores).zip(weights) {
                        *sum = T::rounded(sum.value() + score * weight.to_f32());
                    }
                }
            });
        for (row, weights) in weights.chunks_exact(tile[2]).enumerate() {
            let sums = &mut self.weights[row_at(row)..][..tile[2]];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = T::rounded(sum.value() + weight.to_f32());
            }
        }
    }

    /// The weighted means, and whether all of them are finite.
    pub(super) fn means(mut self) -> (Vec<T>, bool) {
        let voxels = count(self.size);
        let weights = &self.weights;
        let finite = self
            .scores
            .par_chunks_mut(voxels)
            .map(|scores| {
                let mut finite = true;
                for (score, weight) in scores.iter_mut().zip(weights) {
                    *score = T::rounded(score.value() / weight.value());
                    finite &= score.value().is_finite();
                }
                finite
            })
            .reduce(|| true, |a, b| a && b);
        (self.scores, finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_once() {
        let step = f64::from(f16::EPSILON);
        let middle = 1.0 + 0.5 * step;
        // A hair that single precision does not hold decides.
        let hair = 1e-10;
        for (value, expected) in [
            (middle, 1.0),
            (middle + hair, 1.0 + step),
            (middle + step - hair, 1.0 + step),
            (middle + step, 1.0 + 2.0 * step),
            (-middle - hair, -1.0 - step),
            (0.1, f64::from(f16::from_f32(0.1))),
            (f64::from(f16::MAX) + 16.0 - hair, f64::from(f16::MAX)),
            (f64::from(f16::MAX) + 16.0, f64::INFINITY),
        ] {
            let rounded = f16::rounded_once(value).to_f64();
            assert_eq!(rounded.to_bits(), f64::to_bits(expected), "{value}");
        }
    }
}
