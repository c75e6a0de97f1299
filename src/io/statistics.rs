//! Exact statistics of a scan's intensities without a second copy of them.
use super::Error;
use super::each::each;
use super::nifti::Scaling;
use super::report::report;
use crate::volume::{Observe, Voxels};

/// Statistics over the finite voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Statistics {
    pub(super) minimum: f64,
    pub(super) maximum: f64,
    pub(super) mean: f64,
    /// The 1st, 50th and 99th percentile, linear between neighbours (numpy's default).
    pub(super) percentiles: [f64; 3],
}

const PERCENTS: [f64; 3] = [1.0, 50.0, 99.0];

/// Voxels that are rescaled at a time.
const BLOCK: usize = 1 << 16;

/// Hands all intensities to `use_block` in order, some at a time.
#[expect(
    clippy::unnecessary_cast,
    trivial_numeric_casts,
    reason = "one of the types is f64 already"
)]
pub(super) fn for_each_block(
    voxels: &Voxels,
    scaling: Scaling,
    stage: &'static str,
    observe: &mut Observe<'_>,
    use_block: &mut dyn FnMut(&[f64]),
) -> Result<(), Error> {
    each!(voxels, numbers => {
        let mut block = Vec::with_capacity(BLOCK.min(numbers.len()));
        for (n, part) in numbers.chunks(BLOCK).enumerate() {
            report(observe, stage, (n * BLOCK) as u64, numbers.len() as u64)?;
            block.clear();
            block.extend(part.iter().map(|&x| x as f64 * scaling.slope + scaling.intercept));
            use_block(&block);
        }
    });
    Ok(())
}

/// Number of voxels whose intensity is NaN or infinite.
pub(super) fn not_finite(
    voxels: &Voxels,
    scaling: Scaling,
    observe: &mut Observe<'_>,
) -> Result<usize, Error> {
    // An integer of 64 bits times a float32 slope is finite; only a float64 slope of NIfTI-2 could be larger.
    let always = !matches!(voxels, Voxels::F32(_) | Voxels::F64(_))
        && scaling.slope.abs() < 1e280
        && scaling.intercept.abs() < 1e300;
    if always {
        return Ok(0);
    }
    let mut count = 0;
    for_each_block(voxels, scaling, "checking", observe, &mut |block| {
        count += block.iter().filter(|x| !x.is_finite()).count();
    })?;
    Ok(count)
}

/// The statistics, or `None` when no voxel is finite.
pub(super) fn statistics(
    voxels: &Voxels,
    scaling: Scaling,
    observe: &mut Observe<'_>,
) -> Result<Option<Statistics>, Error> {
    let tally = match voxels {
        Voxels::U8(v) => tally(v, 0, observe)?,
        Voxels::I8(v) => tally(v, i32::from(i8::MIN), observe)?,
        Voxels::U16(v) => tally(v, 0, observe)?,
        Voxels::I16(v) => tally(v, i32::from(i16::MIN), observe)?,
        _ => return of_all(voxels, scaling, observe),
    };
    Ok(of_tally(tally, scaling))
}

/// How often each value of a type of at most 16 bits occurs; `smallest` is the type's smallest value.
fn tally<T: Copy + Into<i32>>(
    numbers: &[T],
    smallest: i32,
    observe: &mut Observe<'_>,
) -> Result<Vec<(i32, usize)>, Error> {
    const AT_ONCE: usize = 1 << 20;
    let mut counts = vec![0_usize; 1 << 16];
    for (n, part) in numbers.chunks(AT_ONCE).enumerate() {
        report(
            observe,
            "statistics",
            (n * AT_ONCE) as u64,
            numbers.len() as u64,
        )?;
        for &x in part {
            counts[(x.into() - smallest) as usize & 0xffff] += 1;
        }
    }
    Ok((smallest..)
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .collect())
}

fn of_tally(tally: Vec<(i32, usize)>, scaling: Scaling) -> Option<Statistics> {
    let mut values: Vec<(f64, usize)> = tally
        .into_iter()
        .map(|(x, count)| (f64::from(x) * scaling.slope + scaling.intercept, count))
        .filter(|(x, _)| x.is_finite())
        .collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (minimum, maximum) = (values.first()?.0, values.last()?.0);
    let count: usize = values.iter().map(|(_, n)| n).sum();
    let ranked = ranks(count).map(|rank| {
        let mut below = 0;
        values
            .iter()
            .find(|(_, n)| {
                below += n;
                rank < below
            })
            .map_or(maximum, |(x, _)| *x)
    });
    Some(Statistics {
        minimum,
        maximum,
        mean: values
            .iter()
            .map(|&(x, n)| x * (n as f64 / count as f64))
            .sum(),
        percentiles: percentiles(count, ranked),
    })
}

fn of_all(
    voxels: &Voxels,
    scaling: Scaling,
    observe: &mut Observe<'_>,
) -> Result<Option<Statistics>, Error> {
    let (mut minimum, mut maximum) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut sum, mut count) = (0.0, 0_usize);
    for_each_block(voxels, scaling, "statistics", observe, &mut |block| {
        // One sum for each block keeps the rounding error small.
        let mut part = 0.0;
        for &x in block.iter().filter(|x| x.is_finite()) {
            minimum = minimum.min(x);
            maximum = maximum.max(x);
            part += x;
            count += 1;
        }
        sum += part;
    })?;
    if count == 0 {
        return Ok(None);
    }
    let mut mean = sum / count as f64;
    if !mean.is_finite() {
        // The sum overflowed; the mean cannot.
        mean = 0.0;
        for_each_block(voxels, scaling, "statistics", observe, &mut |block| {
            mean += block
                .iter()
                .filter(|x| x.is_finite())
                .map(|x| x / count as f64)
                .sum::<f64>();
        })?;
    }
    let ranked = order_statistics(voxels, scaling, ranks(count), observe)?;
    Ok(Some(Statistics {
        minimum,
        maximum,
        mean,
        percentiles: percentiles(count, ranked),
    }))
}

/// Where the percentiles lie among `count` values in order: a rank and a fraction of the way to the next.
fn positions(count: usize) -> [f64; 3] {
    PERCENTS.map(|p| p / 100.0 * (count - 1) as f64)
}

/// The ranks (0 is the smallest) on either side of each percentile.
fn ranks(count: usize) -> [usize; 6] {
    let at = positions(count);
    std::array::from_fn(|n| {
        let at = at[n / 2];
        (if n % 2 == 0 { at.floor() } else { at.ceil() }) as usize
    })
}

fn percentiles(count: usize, ranked: [f64; 6]) -> [f64; 3] {
    let at = positions(count);
    std::array::from_fn(|n| between(ranked[2 * n], ranked[2 * n + 1], at[n].fract()))
}

/// The point `t` of the way from `low` to `high`, exact at both ends.
fn between(low: f64, high: f64, t: f64) -> f64 {
    let step = high - low;
    if !step.is_finite() {
        return low * (1.0 - t) + high * t;
    }
    if t < 0.5 {
        low + step * t
    } else {
        high - step * (1.0 - t)
    }
}

/// The values of the given ranks (0 is the smallest) among the finite intensities. A radix selection: each pass over the scan settles 16
/// more bits of each value, so nothing is copied or sorted.
fn order_statistics(
    voxels: &Voxels,
    scaling: Scaling,
    ranks: [usize; 6],
    observe: &mut Observe<'_>,
) -> Result<[f64; 6], Error> {
    // For each rank the bits that are settled, and the rank among the values that begin with them.
    let mut prefixes = [0_u64; 6];
    let mut remaining = ranks;
    for pass in 0..4_u32 {
        let shift = 48 - 16 * pass;
        let mut distinct = prefixes.to_vec();
        distinct.dedup();
        let mut counts = vec![vec![0_usize; 1 << 16]; distinct.len()];
        for_each_block(voxels, scaling, "percentiles", observe, &mut |block| {
            for &x in block.iter().filter(|x| x.is_finite()) {
                let key = sortable(x);
                let prefix = key.checked_shr(shift + 16).unwrap_or(0);
                for (known, count) in distinct.iter().zip(&mut counts) {
                    if *known == prefix {
                        count[(key >> shift & 0xffff) as usize] += 1;
                    }
                }
            }
        })?;
        for (prefix, rank) in prefixes.iter_mut().zip(&mut remaining) {
            let Some(count) = distinct
                .iter()
                .position(|p| p == prefix)
                .and_then(|n| counts.get(n))
            else {
                continue;
            };
            let mut digit = 0_u64;
            for &n in count {
                if *rank < n {
                    break;
                }
                *rank -= n;
                digit += 1;
            }
            *prefix = *prefix << 16 | digit;
        }
    }
    Ok(prefixes.map(unsortable))
}

/// Bits that order as the numbers do.
fn sortable(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn unsortable(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;
    use crate::volume::unobserved;

    fn of(values: Vec<f64>) -> Option<Statistics> {
        statistics(&Voxels::F64(values), Scaling::NONE, &mut unobserved).unwrap()
    }

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([3, -1, 4, 1, 5], [1, 50, 99])
        let s = of(vec![3.0, -1.0, f64::NAN, 4.0, 1.0, f64::INFINITY, 5.0]).unwrap();
        assert_eq!(s.percentiles, [-0.92, 3.0, 4.96]);
        assert_eq!([s.minimum, s.maximum, s.mean], [-1.0, 5.0, 2.4]);
    }

    #[test]
    fn nothing_finite_has_no_statistics() {
        assert_eq!(of(vec![f64::NAN, f64::NEG_INFINITY]), None);
    }

    #[test]
    fn the_mean_of_huge_values_is_finite() {
        let s = of(vec![f64::MAX, f64::MAX, -f64::MAX, f64::MAX]).unwrap();
        assert!((s.mean / (f64::MAX / 2.0) - 1.0).abs() < 1e-12);
        assert!(s.percentiles.iter().all(|p| p.is_finite()));
    }

    proptest::proptest! {
        #[test]
        fn ranks_agree_with_sorting(values in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 1..40)) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let last = sorted.len() - 1;
            let ranks = [0, last / 5, last / 3, last / 2, last, last];
            let found = order_statistics(&Voxels::F64(values), Scaling::NONE, ranks, &mut unobserved).unwrap();
            proptest::prop_assert_eq!(found, ranks.map(|r| sorted[r]));
        }

        #[test]
        fn counting_agrees_with_selecting(values: Vec<i16>, slope in -3.0..3.0_f64) {
            let scaling = Scaling { slope, intercept: 7.5 };
            let wide = Voxels::I32(values.iter().map(|&x| x.into()).collect());
            let counted = statistics(&Voxels::I16(values), scaling, &mut unobserved).unwrap();
            let selected = statistics(&wide, scaling, &mut unobserved).unwrap();
            proptest::prop_assert_eq!(counted.map(|s| (s.minimum, s.maximum, s.percentiles)), selected.map(|s| (s.minimum, s.maximum, s.percentiles)));
            if let (Some(a), Some(b)) = (counted, selected) {
                proptest::prop_assert!((a.mean - b.mean).abs() < 1e-9);
            }
        }
    }
}
