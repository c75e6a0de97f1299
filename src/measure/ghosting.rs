//! Signal that motion leaves beside the head: ghosts along the direction of phase encoding.
use crate::volume::Volume;
use std::fmt;

/// Ghosting of a scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ghosting {
    /// Signal in the air that lies in line with the head along one axis of the slices, less that along the other, in percent of the head's.
    pub percent: f64,
    /// Slices that could be measured.
    pub slices: usize,
}

/// Part of the head's bright signal from which a voxel belongs to the head.
const HEAD: f64 = 0.15;
/// Air nearer to the head than this is left out: what a sharp border leaves beside it, mm.
const MARGIN_MM: f64 = 6.0;
/// Voxels of air that each of the two regions must have in a slice.
const LEAST_VOXELS: usize = 150;
/// Slices that must be measured.
const LEAST_SLICES: usize = 5;
/// Slices that are looked at, at most.
const MOST_SLICES: usize = 24;

impl Ghosting {
    /// Percent from which the head is said to have moved.
    pub const MOTION_PERCENT: f64 = 0.4;

    /// Whether it is as much as motion leaves.
    pub fn is_of_motion(&self) -> bool {
        self.percent > Self::MOTION_PERCENT
    }
}

impl fmt::Display for Ghosting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} % of its signal lies beside it (more than {} %)",
            self.percent,
            Self::MOTION_PERCENT
        )
    }
}

/// How much ghosting a scan has, after the percent signal ghosting of the American College of Radiology's test, with the head in place of the phantom:
/// per slice, `|mean along one axis - mean along the other| / head's mean`, and the median over slices.
///
/// `None` where there is too little air beside the head along either axis: a cropped field of view, or air that was set to one value.
pub fn ghosting(volume: &Volume) -> Option<Ghosting> {
    let grid = volume.grid();
    let (shape, spacing) = (grid.shape(), grid.spacing_mm());
    let normal = (0..3).max_by(|&a, &b| spacing[a].total_cmp(&spacing[b]))?;
    let [u, v] = [(normal + 1) % 3, (normal + 2) % 3];
    let count = shape[normal];
    let step = count.div_ceil(MOST_SLICES).max(1);
    let mut found: Vec<f64> = (0..count)
        .step_by(step)
        .filter_map(|slice| {
            let values: Vec<f64> = (0..shape[v])
                .flat_map(|b| (0..shape[u]).map(move |a| (a, b)))
                .map(|(a, b)| {
                    let mut at = [0; 3];
                    (at[normal], at[u], at[v]) = (slice, a, b);
                    volume.value(at).filter(|x| x.is_finite()).unwrap_or(0.0)
                })
                .collect();
            of_slice(&values, [shape[u], shape[v]], [spacing[u], spacing[v]])
        })
        .collect();
    let slices = found.len();
    if slices < LEAST_SLICES {
        return None;
    }
    let (_, median, _) = found.select_nth_unstable_by(slices / 2, f64::total_cmp);
    Some(Ghosting {
        percent: 100.0 * *median,
        slices,
    })
}

/// First and last place of the head in each row.
type Extents = Vec<Option<(usize, usize)>>;

fn of_slice(values: &[f64], [nu, nv]: [usize; 2], spacing: [f64; 2]) -> Option<f64> {
    let mut sorted = values.to_vec();
    let at = sorted.len().checked_sub(1)? * 98 / 100;
    let (_, bright, _) = sorted.select_nth_unstable_by(at, f64::total_cmp);
    let threshold = HEAD * *bright;
    let is_head = |a: usize, b: usize| values[b * nu + a] > threshold;
    // A single bright voxel is noise.
    let sure = |a: usize, b: usize| {
        is_head(a, b) && (a + 1 < nu && is_head(a + 1, b)) && (b + 1 < nv && is_head(a, b + 1))
    };
    let mut along_u: Extents = vec![None; nv];
    let mut along_v: Extents = vec![None; nu];
    let widen = |extent: &mut Option<(usize, usize)>, at: usize| {
        *extent = Some(extent.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    };
    let (mut sum, mut head) = (0.0, 0_usize);
    for b in 0..nv {
        for a in 0..nu {
            if sure(a, b) {
                widen(&mut along_u[b], a);
                widen(&mut along_v[a], b);
                sum += values[b * nu + a];
                head += 1;
            }
        }
    }
    if sum.is_nan() || sum <= 0.0 {
        return None;
    }
    let [mu, mv] = spacing.map(|mm| (MARGIN_MM / mm).ceil() as usize);
    let beside = |extent: Option<(usize, usize)>, at: usize, margin: usize| {
        extent.map(|(first, last)| at + margin < first || at > last + margin)
    };
    let mut sums = [(0.0, 0_usize); 2];
    for b in 2..nv.saturating_sub(2) {
        for a in 2..nu.saturating_sub(2) {
            let value = values[b * nu + a];
            // In line with the head along one axis only.
            let region = match (beside(along_u[b], a, mu), beside(along_v[a], b, mv)) {
                (Some(true), None) => 0,
                (None, Some(true)) => 1,
                _ => continue,
            };
            sums[region].0 += value;
            sums[region].1 += 1;
        }
    }
    let mean = |(sum, count): (f64, usize)| (count >= LEAST_VOXELS).then(|| sum / count as f64);
    let (by_u, by_v) = (mean(sums[0])?, mean(sums[1])?);
    // Air that was set to one value tells nothing.
    if by_u <= 0.0 || by_v <= 0.0 {
        return None;
    }
    Some((by_u - by_v).abs() / (sum / head as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, Voxels};
    use glam::{DAffine3, DVec3};

    /// A disc of 1000 in every slice with noise about 10, stored along axes in a given order; `ghost` of it stands beside it along the first axis.
    fn scan(ghost: f64, order: [usize; 3], air: bool) -> Volume {
        let lengths = [96, 80, 9];
        let sizes = [1.0, 1.1, 3.0];
        let shape = order.map(|n| lengths[n]);
        let spacing = DVec3::from_array(order.map(|n| sizes[n]));
        let grid = Grid::new(shape, DAffine3::from_scale(spacing)).unwrap();
        let disc = |x: f64, y: f64| {
            f64::from(((x - 48.0).powi(2) + (1.1 * (y - 40.0)).powi(2)).sqrt() < 22.0)
        };
        let values = (0..grid.len()).map(|n| {
            let voxel = grid.voxel(n);
            let mut at = [0.0; 3];
            for (axis, v) in order.into_iter().zip(voxel) {
                at[axis] = v as f64;
            }
            let noise = 5.0 + ((n * 7919) % 101) as f64 / 10.0;
            let replica = ghost * (disc(at[0] + 34.0, at[1]) + disc(at[0] - 34.0, at[1]));
            let body = disc(at[0], at[1]);
            let around = if air { noise } else { 0.0 };
            (1000.0 * (body + replica * (1.0 - body)) + around).round() as i16
        });
        Volume::new(grid, Voxels::I16(values.collect()), 1.0, 0.0).unwrap()
    }

    #[test]
    fn a_replica_beside_the_head_is_measured_however_the_scan_is_stored() {
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]] {
            let clean = ghosting(&scan(0.0, order, true)).unwrap();
            assert!(
                clean.percent < 0.1 && !clean.is_of_motion(),
                "{order:?} {clean:?}"
            );
            let light = ghosting(&scan(0.02, order, true)).unwrap();
            let strong = ghosting(&scan(0.06, order, true)).unwrap();
            // Two thirds of the air in line with the disc lie in a replica.
            assert!(
                (strong.percent / light.percent - 3.0).abs() < 0.4,
                "{light:?} {strong:?}"
            );
            assert!(strong.is_of_motion() && strong.percent < 6.0, "{strong:?}");
            assert_eq!(strong.slices, 9);
        }
    }

    #[test]
    fn air_of_one_value_or_a_field_of_view_full_of_head_tells_nothing() {
        assert_eq!(ghosting(&scan(0.0, [0, 1, 2], false)), None);
        let whole = scan(0.06, [0, 1, 2], true);
        let full = whole.cropped([34, 26, 0], [28, 28, 9]).unwrap();
        assert_eq!(ghosting(&full), None);
        // A scan of few slices is not judged.
        let few = whole.cropped([0, 0, 0], [96, 80, 3]).unwrap();
        assert_eq!(ghosting(&few), None);
    }
}
