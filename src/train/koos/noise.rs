//! Labels with the errors of a segmenter: outlines that wander by a fraction of a millimetre, and a tumour that is a little too large or too small.
use crate::train::Error;
use crate::volume::{Grid, LabelMap, Structure};
use glam::DVec3;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Standard deviation along each axis by which outlines wander, mm, and the distance over which they do.
const WANDER_MM: f64 = 0.45;
const OVER_MM: f64 = 7.0;
/// Mean and standard deviation by which the tumour's surface lies too far out, mm, and the distance from the surface within which it is moved.
const OUTWARD_MM: [f64; 2] = [0.05, 0.25];
const REACH_MM: f64 = 6.0;

/// A standard normal number (Box and Muller's transform).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// A smooth field of displacements, mm: normal numbers at the nodes of a lattice, interpolated.
struct Wander {
    low: DVec3,
    count: [usize; 3],
    nodes: Vec<DVec3>,
}

impl Wander {
    fn over(grid: &Grid, random: &mut ChaCha8Rng) -> Self {
        let corners = grid.corners_in_world();
        let low = corners.iter().fold(DVec3::INFINITY, |l, c| l.min(*c));
        let high = corners.iter().fold(DVec3::NEG_INFINITY, |h, c| h.max(*c));
        let count = ((high - low) / OVER_MM)
            .to_array()
            .map(|n| (n.ceil() as usize + 2).clamp(2, 256));
        // Between nodes the mean of several is less than each: on average two thirds of the variance remain along an axis.
        let sd = WANDER_MM / (2.0_f64 / 3.0).powf(1.5);
        let mut draw = || normal(random) * sd;
        let nodes = (0..count.iter().product::<usize>())
            .map(|_| DVec3::new(draw(), draw(), draw()))
            .collect();
        Self { low, count, nodes }
    }

    fn at(&self, p: DVec3) -> DVec3 {
        let [ni, nj, _] = self.count;
        let at = ((p - self.low) / OVER_MM).max(DVec3::ZERO);
        let cell = [0, 1, 2].map(|a| (at[a] as usize).min(self.count[a] - 2));
        let f = at - DVec3::from_array(cell.map(|n| n as f64));
        let node = |i: usize, j: usize, k: usize| {
            self.nodes[cell[0] + i + ni * (cell[1] + j + nj * (cell[2] + k))]
        };
        let row = |j, k| node(0, j, k).lerp(node(1, j, k), f.x);
        let layer = |k| row(0, k).lerp(row(1, k), f.y);
        layer(0).lerp(layer(1), f.z)
    }
}

/// The labels as a segmenter may have drawn them. The tumour's outline wanders apart from the others, so that contacts open and close.
pub(super) fn noisy_labels(labels: &LabelMap, random: &mut ChaCha8Rng) -> Result<LabelMap, Error> {
    let grid = *labels.grid();
    let (of_tumour, of_others) = (Wander::over(&grid, random), Wander::over(&grid, random));
    let outward = OUTWARD_MM[0] + OUTWARD_MM[1] * normal(random);
    let tumour = labels.table().value(Structure::VestibularSchwannoma);
    let (mut sum, mut count) = (DVec3::ZERO, 0.0);
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| Some(**l) == tumour)
    {
        sum += grid.point_in_world(grid.voxel(index));
        count += 1.0;
    }
    let centre = sum / f64::max(count, 1.0);
    let radius = (count * grid.voxel_volume_mm3() * 0.75 / std::f64::consts::PI).cbrt();
    let label = |p: DVec3| {
        let voxel = grid.nearest_voxel(p);
        voxel.map_or(0, |v| labels.labels()[grid.index(v)])
    };
    let values = (0..grid.len())
        .into_par_iter()
        .map(|index| {
            let p = grid.point_in_world(grid.voxel(index));
            let from_centre = p - centre;
            let fade = 1.0 - ((from_centre.length() - radius).abs() / REACH_MM).min(1.0);
            let pulled = from_centre.normalize_or_zero() * (outward * fade);
            let drawn = label(p + of_tumour.at(p) - pulled);
            if Some(drawn) == tumour {
                return drawn;
            }
            let other = label(p + of_others.at(p));
            if Some(other) == tumour { 0 } else { other }
        })
        .collect();
    LabelMap::new(grid, values, labels.table().clone()).map_err(|e| Error::Predict(e.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{agreement, dice};
    use crate::volume::LabelTable;
    use rand::SeedableRng;

    #[test]
    fn outlines_wander_by_about_half_a_millimetre_and_volumes_stay_near() {
        let grid = Grid::axis_aligned([70, 70, 40], [0.6, 0.6, 1.0], DVec3::ZERO).unwrap();
        let value = |n| {
            let p = grid.point_in_world(grid.voxel(n)) - grid.centre_in_world();
            match p.x {
                _ if (p - DVec3::X * 4.0).length() < 8.0 => 1,
                ..-4.0 => 3,
                _ => 0,
            }
        };
        let values = (0..grid.len()).map(value).collect();
        let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
        let mut assd = Vec::new();
        for seed in 0..12 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let noisy = noisy_labels(&labels, &mut random).unwrap();
            let found = agreement(&noisy, &labels, Structure::VestibularSchwannoma);
            let found = found.unwrap().unwrap();
            assd.push(found.assd_mm);
            assert!(found.volume_error_percent.unwrap().abs() < 40.0);
            let brainstem = Structure::Brainstem;
            assert!(dice(&noisy, &labels, brainstem).unwrap() > 0.9);
        }
        let mean = assd.iter().sum::<f64>() / assd.len() as f64;
        assert!((0.15..0.6).contains(&mean), "{mean}");
    }
}
