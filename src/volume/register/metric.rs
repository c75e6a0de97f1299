//! How well two scans agree at a transform, and which step makes them agree better.
//!
//! Mutual information of the joint histogram (Viola and Wells 1997; Studholme 1999), with a share of outliers: what has no counterpart, such
//! as a tumour that has grown, then pulls at nothing. A step solves the normal equations of the pointwise information, weighted by the
//! square of its derivative (Fisher's scoring), which serves scans of one contrast and of two alike.
use super::level::Level;
use crate::volume::Grid;
use glam::{DAffine3, DMat3, DQuat, DVec3, Mat3, Vec3};
use rayon::prelude::*;

/// Bins of each intensity.
const BINS: usize = 32;
/// Share of points that are taken to have no counterpart.
const OUTLIERS: f32 = 0.05;
/// Points that one task looks at: blocks of fixed size, summed in order, give the same result on any number of threads.
const BLOCK: usize = 2048;
/// Fewer points than these say nothing.
const FEWEST_POINTS: usize = 200;

/// Points of the fixed scan that share a histogram: shading differs between distant parts of a scan.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Continuous voxel coordinates of the fixed level.
    pub(super) points: Vec<Vec3>,
    /// Fixed intensities there.
    pub(super) values: Vec<f32>,
}

/// The points of a fixed scan.
#[derive(Debug)]
pub(super) struct Sampling {
    grid: Grid,
    pub(super) groups: Vec<Group>,
    /// Part of the points that must fall into the moving scan.
    pub(super) least_overlap: f64,
}

/// A fixed stream of numbers from 0 to 1.
fn scatter(index: usize, salt: u64) -> f32 {
    // splitmix64
    let mut x = (index as u64)
        .wrapping_add(salt << 48)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
}

impl Sampling {
    /// About `count` points of each region of a level, off the grid by a scatter, which keeps interpolation from favouring whole voxels.
    /// `region` names the group of a point (world mm), `None` where it takes no part.
    pub(super) fn new(
        level: &Level,
        counts: &[usize],
        salt: u64,
        region: impl Fn(DVec3) -> Option<usize> + Sync,
    ) -> Self {
        let grid = level.grid;
        let [ni, nj, nk] = grid.shape();
        let rows: Vec<Vec<(usize, Vec3, f32)>> = (0..nj * nk)
            .into_par_iter()
            .map(|row| {
                let (j, k) = (row % nj, row / nj);
                let mut found = Vec::new();
                for i in 0..ni {
                    let index = grid.index([i, j, k]);
                    let Some(group) = region(grid.point_in_world([i, j, k])) else {
                        continue;
                    };
                    let jitter = |salt| scatter(index, salt) - 0.5;
                    let at = Vec3::new(
                        i as f32 + jitter(salt),
                        j as f32 + jitter(salt + 1),
                        k as f32 + jitter(salt + 2),
                    );
                    if let Some((value, _)) = level.sample(at) {
                        found.push((group, at, value));
                    }
                }
                found
            })
            .collect();
        let mut found = vec![0_usize; counts.len()];
        rows.iter().flatten().for_each(|(g, _, _)| found[*g] += 1);
        let mut groups: Vec<Group> = counts.iter().map(|_| Group::default()).collect();
        for (n, (g, at, value)) in rows.into_iter().flatten().enumerate() {
            let kept = counts[g] as f32 / found[g] as f32;
            if scatter(n, salt + 3) < kept {
                groups[g].points.push(at);
                groups[g].values.push(value);
            }
        }
        Self {
            grid,
            groups,
            least_overlap: 0.25,
        }
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(|g| g.points.len()).sum()
    }

    /// The points, world mm.
    pub(super) fn points_in_world(&self) -> impl Iterator<Item = DVec3> + '_ {
        let world = self.grid.world_from_voxel();
        let points = self.groups.iter().flat_map(|g| &g.points);
        points.map(move |p| world.transform_point3(p.as_dvec3()))
    }

    fn centre(&self) -> DVec3 {
        let mut sum = DVec3::ZERO;
        let mut count = 1e-9;
        for group in &self.groups {
            sum += (group.points.iter()).fold(DVec3::ZERO, |s, p| s + p.as_dvec3());
            count += group.points.len() as f64;
        }
        self.grid.world_from_voxel().transform_point3(sum / count)
    }
}

/// The pointwise information of a group's histogram and its derivative by the moving intensity.
struct Table {
    slope: Vec<f32>,
    /// Mean information, nats.
    information: f64,
    /// Square of the correlation ratio, the better of both directions.
    explained: f64,
    /// Correlation of the intensities.
    correlation: f64,
}

/// A value in bins.
fn bin(value: f32) -> (usize, f32) {
    let at = value.clamp(0.0, 1.0) * (BINS - 1) as f32;
    let low = (at as usize).min(BINS - 2);
    (low, at - low as f32)
}

impl Table {
    fn new(histogram: &[f64]) -> Self {
        let explained = explained(histogram).max(explained(&transposed(histogram)));
        let joint = transposed(&blurred(&transposed(&blurred(histogram))));
        let total: f64 = joint.iter().sum::<f64>().max(1e-12);
        let joint: Vec<f64> = joint.iter().map(|v| v / total).collect();
        let of_fixed: Vec<f64> = joint.chunks(BINS).map(|row| row.iter().sum()).collect();
        let of_moving: Vec<f64> = (0..BINS)
            .map(|b| joint[b..].iter().step_by(BINS).sum())
            .collect();
        let outliers = f64::from(OUTLIERS);
        let mut information = 0.0;
        let pointwise: Vec<f64> = (joint.iter().enumerate())
            .map(|(n, &p)| {
                let apart = of_fixed[n / BINS] * of_moving[n % BINS];
                if apart < 1e-12 {
                    return outliers.ln();
                }
                let s = ((1.0 - outliers) * p / apart + outliers).ln();
                information += p * s;
                s
            })
            .collect();
        let slope = (0..BINS * BINS)
            .map(|n| {
                let b = n % BINS;
                let (low, high) = (b.saturating_sub(1), (b + 1).min(BINS - 1));
                let row = n - b;
                let rise = pointwise[row + high] - pointwise[row + low];
                (rise / (high - low) as f64) as f32 * (BINS - 1) as f32
            })
            .collect();
        Self {
            slope,
            information,
            explained,
            correlation: correlation(histogram),
        }
    }

    fn slope(&self, fixed: f32, moving: f32) -> f32 {
        let ((a, s), (b, t)) = (bin(fixed), bin(moving));
        let row = |a: usize| {
            let at = &self.slope[a * BINS + b..][..2];
            at[0] + (at[1] - at[0]) * t
        };
        row(a) + (row(a + 1) - row(a)) * s
    }
}

fn transposed(histogram: &[f64]) -> Vec<f64> {
    (0..BINS * BINS)
        .map(|n| histogram[n % BINS * BINS + n / BINS])
        .collect()
}

/// A binomial filter along the second axis; what would leave the histogram stays at its edge.
fn blurred(histogram: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; histogram.len()];
    for (n, v) in histogram.iter().enumerate() {
        let (row, b) = (n / BINS * BINS, n % BINS);
        for (d, w) in [1.0, 4.0, 6.0, 4.0, 1.0].into_iter().enumerate() {
            out[row + (b + d).saturating_sub(2).min(BINS - 1)] += v * w / 16.0;
        }
    }
    out
}

/// Correlation of the two intensities; zero where one is constant.
fn correlation(histogram: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 6];
    for (n, w) in histogram.iter().enumerate() {
        let (x, y) = ((n / BINS) as f64, (n % BINS) as f64);
        for (sum, v) in sums.iter_mut().zip([1.0, x, y, x * x, y * y, x * y]) {
            *sum += w * v;
        }
    }
    let [n, x, y, xx, yy, xy] = sums.map(|s| s / sums[0].max(1e-12));
    let scale = ((xx - x * x) * (yy - y * y)).sqrt();
    if n > 0.0 && scale > 1e-9 {
        (xy - x * y) / scale
    } else {
        0.0
    }
}

/// Share of the variance of the first intensity that a function of the second explains (correlation ratio, Roche 1998).
fn explained(histogram: &[f64]) -> f64 {
    let mut all = [0.0; 3];
    let mut within = 0.0;
    for b in 0..BINS {
        let mut column = [0.0_f64; 3];
        for a in 0..BINS {
            let (w, x) = (histogram[a * BINS + b], a as f64);
            for (sum, v) in column.iter_mut().zip([w, w * x, w * x * x]) {
                *sum += v;
            }
        }
        if column[0] > 0.0 {
            within += column[2] - column[1] * column[1] / column[0];
        }
        for (sum, v) in all.iter_mut().zip(column) {
            *sum += v;
        }
    }
    let whole = all[2] - all[1] * all[1] / all[0].max(1e-12);
    if whole > 1e-9 {
        (1.0 - within / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Moving intensity and its gradient by voxel; the intensity is NaN outside.
type Sample = (f32, Vec3);

/// The agreement at one transform.
pub(super) struct Agreement {
    /// Mutual information, nats, mean over the groups by their points.
    pub(super) information: f64,
    /// Part of the points that fall into the moving scan.
    pub(super) overlap: f64,
    tables: Vec<Table>,
    samples: Vec<Vec<Sample>>,
}

impl Agreement {
    /// `None` when the scans overlap too little there.
    pub(super) fn new(fixed: &Sampling, moving: &Level, transform: DAffine3) -> Option<Self> {
        let map = moving.grid.voxel_from_world() * transform * fixed.grid.world_from_voxel();
        let (matrix, shift) = (map.matrix3.as_mat3(), map.translation.as_vec3());
        let mut tables = Vec::with_capacity(fixed.groups.len());
        let mut samples = Vec::with_capacity(fixed.groups.len());
        let (mut all, mut inside, mut sum) = (0_usize, 0.0_f64, 0.0);
        for group in &fixed.groups {
            let blocks: Vec<(Vec<f32>, Vec<Sample>)> = group
                .points
                .par_chunks(BLOCK)
                .zip(group.values.par_chunks(BLOCK))
                .map(|(points, values)| {
                    let mut histogram = vec![0.0_f32; BINS * BINS];
                    let samples = (points.iter().zip(values))
                        .map(|(p, &f)| {
                            let Some((m, gradient)) = moving.sample(matrix * *p + shift) else {
                                return (f32::NAN, Vec3::ZERO);
                            };
                            let ((a, s), (b, t)) = (bin(f), bin(m));
                            for (a, s) in [(a, 1.0 - s), (a + 1, s)] {
                                let at = &mut histogram[a * BINS + b..][..2];
                                at[0] += s * (1.0 - t);
                                at[1] += s * t;
                            }
                            (m, gradient)
                        })
                        .collect();
                    (histogram, samples)
                })
                .collect();
            let mut histogram = vec![0.0_f64; BINS * BINS];
            let mut of_group = Vec::with_capacity(group.points.len());
            for (block, samples) in blocks {
                for (sum, v) in histogram.iter_mut().zip(block) {
                    *sum += f64::from(v);
                }
                of_group.extend(samples);
            }
            let table = Table::new(&histogram);
            let count: f64 = histogram.iter().sum();
            all += group.points.len();
            inside += count;
            sum += table.information * count;
            tables.push(table);
            samples.push(of_group);
        }
        let overlap = inside / all.max(1) as f64;
        if inside < FEWEST_POINTS as f64 || overlap < fixed.least_overlap {
            return None;
        }
        Some(Self {
            information: sum / inside,
            overlap,
            tables,
            samples,
        })
    }

    /// What starts are compared by: information over all points, those outside telling nothing.
    pub(super) fn score(&self) -> f64 {
        self.information * self.overlap
    }

    /// How well a function of one intensity gives the other, 0 to 1: 1 for scans of one contrast that match without noise.
    pub(super) fn similarity(&self) -> f64 {
        let weights = self.samples.iter().map(|s| s.len() as f64);
        let (mut sum, mut count) = (0.0, 1e-9);
        for (table, weight) in self.tables.iter().zip(weights) {
            sum += table.explained * weight;
            count += weight;
        }
        (sum / count).sqrt()
    }

    /// Correlation of the intensities, −1 to 1.
    pub(super) fn correlation(&self) -> f64 {
        let weights = self.samples.iter().map(|s| s.len() as f64);
        let (mut sum, mut count) = (0.0, 1e-9);
        for (table, weight) in self.tables.iter().zip(weights) {
            sum += table.correlation * weight;
            count += weight;
        }
        sum / count
    }

    fn equations(&self, fixed: &Sampling, moving: &Level, at: DAffine3, centre: DVec3) -> Sums {
        let map = moving.grid.voxel_from_world() * at * fixed.grid.world_from_voxel();
        let matrix: Mat3 = map.matrix3.as_mat3();
        let middle = moving.grid.voxel_from_world().transform_point3(centre);
        let shift = (map.translation - middle).as_vec3();
        let world: DMat3 = moving.grid.world_from_voxel().matrix3;
        let arm_from_voxel = world.as_mat3();
        let gradient_from_voxel = world.inverse().transpose().as_mat3();
        let mut sums = Sums::default();
        for ((group, table), samples) in fixed.groups.iter().zip(&self.tables).zip(&self.samples) {
            let blocks: Vec<Sums> = group
                .points
                .par_chunks(BLOCK)
                .zip(group.values.par_chunks(BLOCK))
                .zip(samples.par_chunks(BLOCK))
                .map(|((points, values), samples)| {
                    let mut sums = Sums::default();
                    for ((p, &f), &(m, gradient)) in points.iter().zip(values).zip(samples) {
                        if m.is_nan() {
                            continue;
                        }
                        let slope = table.slope(f, m);
                        let g = gradient_from_voxel * gradient;
                        let r = (arm_from_voxel * (matrix * *p + shift)).cross(g);
                        sums.add(slope, [r.x, r.y, r.z, g.x, g.y, g.z]);
                    }
                    sums
                })
                .collect();
            for block in &blocks {
                sums.merge(block);
            }
        }
        sums
    }
}

/// Unknowns: rotation about three axes, translation.
const UNKNOWNS: usize = 6;

/// The normal equations at one transform.
#[derive(Debug, Clone, Default)]
struct Sums {
    matrix: [[f32; UNKNOWNS]; UNKNOWNS],
    vector: [f32; UNKNOWNS],
    total: [[f64; UNKNOWNS]; UNKNOWNS],
    total_vector: [f64; UNKNOWNS],
}

impl Sums {
    fn add(&mut self, slope: f32, row: [f32; UNKNOWNS]) {
        let scaled = row.map(|x| x * slope);
        for a in 0..UNKNOWNS {
            for b in 0..UNKNOWNS {
                self.matrix[a][b] += scaled[a] * scaled[b];
            }
            self.vector[a] += scaled[a];
        }
    }

    fn merge(&mut self, block: &Self) {
        for a in 0..UNKNOWNS {
            for b in 0..UNKNOWNS {
                self.total[a][b] += f64::from(block.matrix[a][b]);
            }
            self.total_vector[a] += f64::from(block.vector[a]);
        }
    }

    /// Solves the damped equations by elimination with pivoting; without `turning` there is no rotation.
    fn solve(&self, damping: f64, turning: bool) -> Option<[f64; UNKNOWNS]> {
        let mut a = self.total;
        let mut b = self.total_vector;
        if !turning {
            for n in 0..3 {
                a[n] = [0.0; UNKNOWNS];
                for row in &mut a {
                    row[n] = 0.0;
                }
                a[n][n] = 1.0;
                b[n] = 0.0;
            }
        }
        for (n, row) in a.iter_mut().enumerate() {
            row[n] = row[n] * (1.0 + damping) + 1e-9;
        }
        for column in 0..UNKNOWNS {
            let pivot = (column..UNKNOWNS)
                .max_by(|&x, &y| a[x][column].abs().total_cmp(&a[y][column].abs()))?;
            if a[pivot][column].abs() < 1e-12 {
                return None;
            }
            a.swap(column, pivot);
            b.swap(column, pivot);
            for row in column + 1..UNKNOWNS {
                let factor = a[row][column] / a[column][column];
                for c in column..UNKNOWNS {
                    a[row][c] -= factor * a[column][c];
                }
                b[row] -= factor * b[column];
            }
        }
        for column in (0..UNKNOWNS).rev() {
            let tail: f64 = (column + 1..UNKNOWNS).map(|c| a[column][c] * b[c]).sum();
            b[column] = (b[column] - tail) / a[column][column];
        }
        b.iter().all(|x| x.is_finite()).then_some(b)
    }
}

/// Steps until nothing improves or `steps` were tried; the transform reached and the agreement there. `None` when the scans do not overlap.
pub(super) fn refine(
    fixed: &Sampling,
    moving: &Level,
    start: DAffine3,
    steps: usize,
    turning: bool,
) -> Option<(DAffine3, Agreement)> {
    let mut current = Agreement::new(fixed, moving, start)?;
    let mut transform = start;
    let middle = fixed.centre();
    let mut damping = 1e-2;
    let mut tried = 0;
    while tried < steps {
        let centre = transform.transform_point3(middle);
        let sums = current.equations(fixed, moving, transform, centre);
        let mut improved = false;
        while tried < steps && damping < 1e4 && !improved {
            tried += 1;
            let update = sums.solve(damping, turning)?;
            let turn = DVec3::from_slice(&update[..3]);
            let shift = DVec3::from_slice(&update[3..]);
            // What moves no point by more than this is no step: a point lies within about 80 mm.
            if turn.length() * 80.0 + shift.length() < 4e-3 {
                return Some((transform, current));
            }
            let candidate = DAffine3::from_translation(centre + shift)
                * DAffine3::from_quat(DQuat::from_scaled_axis(turn))
                * DAffine3::from_translation(-centre)
                * transform;
            match Agreement::new(fixed, moving, candidate) {
                Some(next) if next.information > current.information => {
                    (transform, current) = (candidate, next);
                    damping = (damping / 5.0).max(1e-6);
                    improved = true;
                }
                _ => damping = damping.max(1e-3) * 8.0,
            }
        }
        if !improved {
            break;
        }
    }
    Some((transform, current))
}
