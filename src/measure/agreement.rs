//! Agreement of a segmentation with a reference, as the crossMoDA challenge measures it: Dice, ASSD, and beside them HD95 and the error of the volume.
use crate::volume::{LabelMap, Shape, Structure, squared_distance_to_mask_mm2};
use rayon::prelude::*;
use serde::Serialize;

/// ASSD and HD95 where one of the two is empty, mm: the challenge's constant for an empty prediction.
pub const EMPTY_MM: f64 = 350.0;
/// Grids whose voxels lie closer than this are the same, mm.
const SAME_GRID_MM: f64 = 1e-2;

/// How well a prediction of one structure agrees with the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// `2 |A ∩ B| / (|A| + |B|)`.
    pub dice: f64,
    /// Average symmetric surface distance: the mean of the two directed means, mm. [`EMPTY_MM`] where one of the two is empty.
    pub assd_mm: f64,
    /// 95th percentile of the distances of both surfaces, interpolated as numpy does, mm. [`EMPTY_MM`] where one of the two is empty.
    pub hd95_mm: f64,
    /// Volume of the prediction less that of the reference, % of the latter; `None` where the reference is empty.
    pub volume_error_percent: Option<f64>,
    /// Volumes of prediction and reference, mm³.
    pub volumes_mm3: [f64; 2],
}

/// Dice coefficient of a structure in two label maps on one grid: `2 |A ∩ B| / (|A| + |B|)`. `None` when the grids have different
/// shapes or the structure is in neither.
pub fn dice(a: &LabelMap, b: &LabelMap, structure: Structure) -> Option<f64> {
    if a.grid().shape() != b.grid().shape() {
        return None;
    }
    let counts = Counts::of_both([a, b], structure);
    let total = counts[0].voxels + counts[1].voxels;
    let both = Pair::new(a, b, structure, &counts).map_or(0, |p| p.both());
    (total > 0).then(|| 2.0 * both as f64 / total as f64)
}

/// Agreement of a structure in a prediction with that in a reference on the same grid; `None` where it is in neither.
///
/// Surface voxels are those with a face neighbour outside the mask or the image (medpy's); distances are exact and anisotropic, from voxel centre to voxel
/// centre, over the box that holds both masks. The spacing is the length of the affine's columns; on grids along the patient's axes that is the challenge's diagonal.
///
/// # Errors
/// [`super::GridsDiffer`] when the grids are not the same.
pub fn agreement(
    prediction: &LabelMap,
    reference: &LabelMap,
    structure: Structure,
) -> Result<Option<Agreement>, super::GridsDiffer> {
    if !prediction.grid().matches(reference.grid(), SAME_GRID_MM) {
        return Err(super::GridsDiffer);
    }
    let counts = Counts::of_both([prediction, reference], structure);
    let [p, r] = [0, 1].map(|n| counts[n].voxels as f64);
    if p + r == 0.0 {
        return Ok(None);
    }
    let voxel_mm3 = reference.grid().voxel_volume_mm3();
    let mut out = Agreement {
        dice: 0.0,
        assd_mm: EMPTY_MM,
        hd95_mm: EMPTY_MM,
        volume_error_percent: (r > 0.0).then(|| 100.0 * (p - r) / r),
        volumes_mm3: [p * voxel_mm3, r * voxel_mm3],
    };
    let Some(pair) = Pair::new(prediction, reference, structure, &counts) else {
        return Ok(Some(out));
    };
    if p > 0.0 && r > 0.0 {
        out.dice = 2.0 * pair.both() as f64 / (p + r);
        let mut distances = pair.distances(reference.grid().spacing_mm());
        let mean = |d: &[f64]| d.iter().sum::<f64>() / d.len() as f64;
        out.assd_mm = 0.5 * (mean(&distances[0]) + mean(&distances[1]));
        let [mut all, other] = std::mem::take(&mut distances);
        all.extend(other);
        all.sort_unstable_by(f64::total_cmp);
        out.hd95_mm = quantile(&all, 0.95);
    }
    Ok(Some(out))
}

/// The value below which a part of sorted values lies, interpolated between neighbours as numpy does; not a number when there is none.
pub(super) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = part * last as f64;
    let low = at as usize;
    sorted[low] + at.fract() * (sorted[(low + 1).min(last)] - sorted[low])
}

/// Where a structure is, and how much of it.
#[derive(Clone, Copy, Default)]
struct Counts {
    voxels: usize,
    bounds: Option<[[usize; 2]; 3]>,
}

impl Counts {
    /// Of a structure in two maps of one shape, in one pass: on a whole scan's grid this reads many times more than all that follows.
    fn of_both(maps: [&LabelMap; 2], structure: Structure) -> [Self; 2] {
        let values = maps.map(|m| m.table().value(structure));
        let [ni, nj, _] = maps[0].grid().shape();
        let [a, b] = maps.map(|m| m.labels().par_chunks_exact(ni * nj));
        a.zip(b)
            .enumerate()
            .map(|(k, (a, b))| {
                [(a, values[0]), (b, values[1])].map(|(slice, value)| {
                    value.map_or(Self::default(), |v| Self::of_slice(slice, v, ni, k))
                })
            })
            .reduce(
                || [Self::default(); 2],
                |a, b| [a[0].and(b[0]), a[1].and(b[1])],
            )
    }

    /// Of a value in the slice `k`, whose rows have `ni` voxels.
    fn of_slice(slice: &[u8], value: u8, ni: usize, k: usize) -> Self {
        let mut found = Self::default();
        for (j, row) in slice.chunks_exact(ni).enumerate() {
            let voxels = count(row, value);
            // Most rows hold nothing.
            if voxels == 0 {
                continue;
            }
            found.voxels += voxels;
            let first = row.iter().position(|l| *l == value).unwrap_or(0);
            let last = row.iter().rposition(|l| *l == value).unwrap_or(first);
            found.bounds = union(found.bounds, Some([[first, last], [j, j], [k, k]]));
        }
        found
    }

    fn and(self, other: Self) -> Self {
        Self {
            voxels: self.voxels + other.voxels,
            bounds: union(self.bounds, other.bounds),
        }
    }
}

/// How often a value occurs. Sums of bytes over so few that none overflows: the compiler makes them of whole vector registers.
fn count(row: &[u8], value: u8) -> usize {
    row.chunks(255)
        .map(|part| usize::from(part.iter().map(|l| u8::from(*l == value)).sum::<u8>()))
        .sum()
}

fn union(a: Option<[[usize; 2]; 3]>, b: Option<[[usize; 2]; 3]>) -> Option<[[usize; 2]; 3]> {
    match (a, b) {
        (Some(a), Some(b)) => Some(std::array::from_fn(|n| {
            [a[n][0].min(b[n][0]), a[n][1].max(b[n][1])]
        })),
        (a, b) => a.or(b),
    }
}

/// Both masks in the box that holds them.
struct Pair {
    shape: Shape,
    masks: [Vec<bool>; 2],
}

impl Pair {
    fn new(a: &LabelMap, b: &LabelMap, structure: Structure, counts: &[Counts; 2]) -> Option<Self> {
        let bounds = union(counts[0].bounds, counts[1].bounds)?;
        let shape = bounds.map(|[low, high]| high - low + 1);
        let mask = |labels: &LabelMap| {
            let value = labels.table().value(structure);
            let mut mask = Vec::with_capacity(shape.iter().product());
            for k in bounds[2][0]..=bounds[2][1] {
                for j in bounds[1][0]..=bounds[1][1] {
                    let start = labels.grid().index([bounds[0][0], j, k]);
                    let row = &labels.labels()[start..start + shape[0]];
                    mask.extend(row.iter().map(|l| Some(*l) == value));
                }
            }
            mask
        };
        Some(Self {
            shape,
            masks: [mask(a), mask(b)],
        })
    }

    fn both(&self) -> usize {
        let [a, b] = &self.masks;
        a.iter().zip(b).filter(|(a, b)| **a && **b).count()
    }

    /// Distances of each surface's voxels to the other surface, mm; both masks hold something.
    fn distances(&self, spacing_mm: [f64; 3]) -> [Vec<f64>; 2] {
        let surfaces = [0, 1].map(|n| surface(&self.masks[n], self.shape));
        [0, 1].map(|n| {
            // The mask has the length that the shape says.
            let to_other = squared_distance_to_mask_mm2(&surfaces[1 - n], self.shape, spacing_mm);
            let to_other = to_other.unwrap_or_default();
            let on = surfaces[n].iter().zip(&to_other).filter(|(on, _)| **on);
            on.map(|(_, mm2)| mm2.sqrt()).collect()
        })
    }
}

/// The voxels of a mask with a face neighbour outside it.
fn surface(mask: &[bool], [ni, nj, nk]: Shape) -> Vec<bool> {
    let plane = ni * nj;
    (0..mask.len())
        .map(|at| {
            let (i, j, k) = (at % ni, at / ni % nj, at / plane);
            let buried = i > 0
                && i + 1 < ni
                && j > 0
                && j + 1 < nj
                && k > 0
                && k + 1 < nk
                && mask[at - 1]
                && mask[at + 1]
                && mask[at - ni]
                && mask[at + ni]
                && mask[at - plane]
                && mask[at + plane];
            mask[at] && !buried
        })
        .collect()
}

/// Mean, scatter and quartiles of a measure over cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample (divided by the number of cases less one); 0 for one case.
    pub sd: f64,
    /// Median.
    pub median: f64,
    /// First quartile, as numpy interpolates.
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
}

impl Spread {
    /// Of some values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|p| quantile(&sorted, p));
        let (mean, sd) = mean_sd(values);
        Some(Self {
            mean,
            sd,
            median,
            q1,
            q3,
        })
    }
}

/// Mean and standard deviation of a sample.
fn mean_sd(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

/// Bias and 95 % limits of agreement of two measurements of the same things (Bland and Altman 1986).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LimitsOfAgreement {
    /// Mean difference.
    pub bias: f64,
    /// Bias less 1.96 standard deviations.
    pub lower: f64,
    /// Bias and 1.96 standard deviations.
    pub upper: f64,
}

impl LimitsOfAgreement {
    /// From differences; `None` from fewer than two.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let (bias, sd) = mean_sd(differences);
        (differences.len() > 1).then_some(Self {
            bias,
            lower: bias - 1.96 * sd,
            upper: bias + 1.96 * sd,
        })
    }
}

/// Macro-averaged mean absolute error of ordinal grades: the mean over the grades that the reference has of the mean distance of the predictions there
/// (Baccianella 2009). Pairs are prediction and reference; `None` of no pair.
pub fn macro_averaged_mean_absolute_error(pairs: &[(u8, u8)]) -> Option<f64> {
    let mut classes: std::collections::BTreeMap<u8, (f64, f64)> = std::collections::BTreeMap::new();
    for (predicted, truth) in pairs {
        let (sum, count) = classes.entry(*truth).or_default();
        *sum += f64::from(predicted.abs_diff(*truth));
        *count += 1.0;
    }
    let total: f64 = classes.values().map(|(sum, count)| sum / count).sum();
    (!classes.is_empty()).then(|| total / classes.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, LabelTable};
    use glam::DVec3;

    fn map(values: Vec<u8>, shape: Shape, spacing: [f64; 3]) -> LabelMap {
        let grid = Grid::axis_aligned(shape, spacing, DVec3::ZERO).unwrap();
        LabelMap::new(grid, values, LabelTable::default()).unwrap()
    }

    fn cube(first: [usize; 3], edge: usize) -> LabelMap {
        let shape = [24, 20, 16];
        let values = (0..shape.iter().product::<usize>()).map(|n| {
            let at = [n % 24, n / 24 % 20, n / 480];
            u8::from((0..3).all(|a| (first[a]..first[a] + edge).contains(&at[a])))
        });
        map(values.collect(), shape, [0.5, 1.0, 2.0])
    }

    #[test]
    fn shifted_cubes_have_the_distances_of_their_shift() {
        let a = cube([4, 4, 4], 6);
        let same = agreement(&a, &a, Structure::VestibularSchwannoma)
            .unwrap()
            .unwrap();
        assert_eq!((same.dice, same.assd_mm, same.hd95_mm), (1.0, 0.0, 0.0));
        let b = cube([6, 4, 4], 6);
        let shifted = agreement(&b, &a, Structure::VestibularSchwannoma)
            .unwrap()
            .unwrap();
        assert!((shifted.dice - 2.0 / 3.0).abs() < 1e-12);
        assert!(shifted.hd95_mm <= 1.0 && shifted.assd_mm < 1.0 && shifted.assd_mm > 0.1);
        assert_eq!(shifted.volume_error_percent, Some(0.0));
        let whole = dice(&b, &a, Structure::VestibularSchwannoma).unwrap();
        assert!((whole - shifted.dice).abs() < 1e-12);
    }

    #[test]
    fn empty_masks_cost_what_the_challenge_says() {
        let a = cube([4, 4, 4], 3);
        let empty = cube([0, 0, 0], 0);
        let vs = Structure::VestibularSchwannoma;
        let missed = agreement(&empty, &a, vs).unwrap().unwrap();
        assert_eq!(
            (missed.dice, missed.assd_mm, missed.hd95_mm),
            (0.0, 350.0, 350.0)
        );
        assert_eq!(missed.volume_error_percent, Some(-100.0));
        let invented = agreement(&a, &empty, vs).unwrap().unwrap();
        assert_eq!((invented.dice, invented.volume_error_percent), (0.0, None));
        assert_eq!(agreement(&empty, &empty, vs).unwrap(), None);
        let other = map(vec![0; 8], [2, 2, 2], [1.0; 3]);
        assert!(agreement(&other, &a, vs).is_err());
    }

    #[test]
    fn the_macro_average_gives_each_grade_the_same_say() {
        // Three right of grade II, one of grade IV taken for II: (0 + 2) / 2.
        let pairs = [(2, 2), (2, 2), (2, 2), (2, 4)];
        assert_eq!(macro_averaged_mean_absolute_error(&pairs), Some(1.0));
        assert_eq!(macro_averaged_mean_absolute_error(&[]), None);
    }

    #[test]
    fn quartiles_are_numpys() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.q1, spread.median, spread.q3), (1.75, 2.5, 3.25));
        let limits = LimitsOfAgreement::of(&[-1.0, 0.0, 1.0]).unwrap();
        assert!((limits.bias, limits.lower, limits.upper) == (0.0, -1.96, 1.96));
    }
}
