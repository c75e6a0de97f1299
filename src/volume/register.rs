//! Rigid alignment of two scans of one head with the same contrast.
//!
//! The moving scan is brought over the fixed one by Gauss–Newton steps on the squared difference that is left after the best linear map between the two
//! intensities; its minimum is the maximum of their normalised correlation. Three resolutions, coarse to fine; on the coarsest several starts are tried.
use super::{Grid, Observe, Progress, Volume, sample_linear};
use glam::{DAffine3, DMat3, DQuat, DVec3};
use rayon::prelude::*;
use thiserror::Error as ThisError;

/// Why an alignment was not made.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum RegisterError {
    /// The scans share too little to be compared.
    #[error("the two scans overlap too little to be aligned")]
    NoOverlap,
    /// A scan has no structure to align by.
    #[error("a scan is constant or empty and cannot be aligned")]
    NoContrast,
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}

/// The rigid transform between two visits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    /// Takes a point of the fixed scan's patient space (RAS mm) to the moving scan's.
    pub world_moving_from_world_fixed: DAffine3,
    /// Normalised correlation of the intensities before alignment, −1 to 1.
    pub similarity_before: f64,
    /// The same after alignment.
    pub similarity_after: f64,
}

impl Registration {
    /// The correlation below which two scans are not called aligned.
    pub const MIN_SIMILARITY: f64 = 0.6;

    /// Whether the scans match well enough to be shown as one head.
    pub fn is_aligned(&self) -> bool {
        self.similarity_after >= Self::MIN_SIMILARITY
    }
}

/// Spacing of the resolutions, coarse to fine, mm.
const LEVELS_MM: [f64; 3] = [6.0, 3.0, 1.6];
/// Most points of the fixed scan that one step looks at.
const MAX_POINTS: usize = 150_000;
/// Part of the fixed scan's points that must fall into the moving scan.
const MIN_OVERLAP: f64 = 0.25;
/// Unknowns of one step: gain and offset of the intensities, rotation, translation.
const UNKNOWNS: usize = 8;

/// Aligns `moving` to `fixed` by a rotation and a translation.
///
/// # Errors
/// When the scans do not overlap, have no contrast, or the observer stops the work.
pub fn register_rigid(
    fixed: &Volume,
    moving: &Volume,
    observe: &mut Observe<'_>,
) -> Result<Registration, RegisterError> {
    let mut report = |fraction: f32| {
        let stage = "aligning the visits";
        match observe(Progress { stage, fraction }) {
            std::ops::ControlFlow::Continue(()) => Ok(()),
            std::ops::ControlFlow::Break(()) => Err(RegisterError::Cancelled),
        }
    };
    report(0.0)?;
    let fixed_levels = pyramid(fixed)?;
    report(0.2)?;
    let moving_levels = pyramid(moving)?;
    report(0.4)?;
    let centres = moving.grid().centre_in_world() - fixed.grid().centre_in_world();
    let masses = moving_levels[0].centre_of_mass() - fixed_levels[0].centre_of_mass();
    let mut best: Option<(f64, DAffine3)> = None;
    for shift in [DVec3::ZERO, centres, masses] {
        let start = DAffine3::from_translation(shift);
        if let Some((ncc, transform)) =
            refine(&fixed_levels[0], &moving_levels[0], start, &mut report)?
            && best.is_none_or(|(b, _)| ncc > b)
        {
            best = Some((ncc, transform));
        }
    }
    let (_, mut transform) = best.ok_or(RegisterError::NoOverlap)?;
    report(0.6)?;
    let mut similarity_after = 0.0;
    for (level, (f, m)) in fixed_levels.iter().zip(&moving_levels).enumerate().skip(1) {
        let (ncc, refined) =
            refine(f, m, transform, &mut report)?.ok_or(RegisterError::NoOverlap)?;
        (similarity_after, transform) = (ncc, refined);
        report(0.6 + 0.2 * level as f32)?;
    }
    let [.., f] = &fixed_levels;
    let [.., m] = &moving_levels;
    let similarity_before = step(f, m, DAffine3::IDENTITY).map_or(0.0, |s| s.ncc);
    Ok(Registration {
        world_moving_from_world_fixed: transform,
        similarity_before,
        similarity_after,
    })
}

/// A scan at a coarse resolution, intensities from 0 to 1.
struct Level {
    grid: Grid,
    values: Vec<f32>,
}

impl Level {
    fn centre_of_mass(&self) -> DVec3 {
        let (mut sum, mut weight) = (DVec3::ZERO, 1e-9);
        for (index, &v) in self.values.iter().enumerate() {
            sum += self.grid.point_in_world(self.grid.voxel(index)) * f64::from(v);
            weight += f64::from(v);
        }
        sum / weight
    }
}

fn pyramid(volume: &Volume) -> Result<[Level; 3], RegisterError> {
    let [low, high] = volume.quantiles([0.01, 0.99]).map(|q| q as f32);
    if high <= low {
        return Err(RegisterError::NoContrast);
    }
    let unit = |v: f32| {
        if v.is_finite() {
            ((v - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let data: Vec<f32> = volume.to_f32().into_par_iter().map(unit).collect();
    let level = |mm| coarser(&data, volume.grid(), mm).ok_or(RegisterError::NoContrast);
    Ok([
        level(LEVELS_MM[0])?,
        level(LEVELS_MM[1])?,
        level(LEVELS_MM[2])?,
    ])
}

/// Means of blocks of about `mm` edge length, then smoothed by a 1-2-1 filter along each axis.
fn coarser(data: &[f32], grid: &Grid, mm: f64) -> Option<Level> {
    let shape = grid.shape();
    let factor: [usize; 3] = std::array::from_fn(|a| {
        let wanted = (mm / grid.spacing_mm()[a]).round();
        (wanted.max(1.0) as usize).min(shape[a])
    });
    let coarse: [usize; 3] = std::array::from_fn(|a| shape[a] / factor[a]);
    let scale = DVec3::from_array(factor.map(|f| f as f64));
    let offset = (scale - DVec3::ONE) / 2.0;
    let world = grid.world_from_voxel()
        * DAffine3::from_mat3_translation(DMat3::from_diagonal(scale), offset);
    let coarse_grid = Grid::new(coarse, world).ok()?;
    let count = (factor[0] * factor[1] * factor[2]) as f32;
    let mut values = vec![0.0_f32; coarse_grid.len()];
    values
        .par_chunks_mut(coarse[0])
        .enumerate()
        .for_each(|(row, out)| {
            let (j, k) = (row % coarse[1], row / coarse[1]);
            for z in k * factor[2]..(k + 1) * factor[2] {
                for y in j * factor[1]..(j + 1) * factor[1] {
                    let line = &data[grid.index([0, y, z])..][..coarse[0] * factor[0]];
                    for (value, block) in out.iter_mut().zip(line.chunks_exact(factor[0])) {
                        *value += block.iter().sum::<f32>() / count;
                    }
                }
            }
        });
    for axis in 0..3 {
        values = smoothed(&values, &coarse_grid, axis);
    }
    Some(Level {
        grid: coarse_grid,
        values,
    })
}

fn smoothed(values: &[f32], grid: &Grid, axis: usize) -> Vec<f32> {
    let last = grid.shape()[axis] - 1;
    (0..values.len())
        .into_par_iter()
        .map(|index| {
            let mut voxel = grid.voxel(index);
            let at = voxel[axis];
            voxel[axis] = at.saturating_sub(1);
            let before = values[grid.index(voxel)];
            voxel[axis] = (at + 1).min(last);
            (before + 2.0 * values[index] + values[grid.index(voxel)]) / 4.0
        })
        .collect()
}

/// Steps until nothing improves; the correlation and the transform reached, or `None` when the scans do not overlap.
fn refine(
    fixed: &Level,
    moving: &Level,
    start: DAffine3,
    report: &mut dyn FnMut(f32) -> Result<(), RegisterError>,
) -> Result<Option<(f64, DAffine3)>, RegisterError> {
    let Some(mut current) = step(fixed, moving, start) else {
        return Ok(None);
    };
    let mut transform = start;
    let mut damping = 1e-3;
    for _ in 0..60 {
        report(0.5)?;
        let Some(update) = current.solve(damping) else {
            break;
        };
        let centre = current.centre;
        let turn = DQuat::from_scaled_axis(DVec3::from_slice(&update[2..5]));
        let shift = DVec3::from_slice(&update[5..8]);
        let increment = DAffine3::from_translation(centre + shift)
            * DAffine3::from_quat(turn)
            * DAffine3::from_translation(-centre);
        let candidate = increment * transform;
        match step(fixed, moving, candidate) {
            Some(next) if next.ncc > current.ncc => {
                let small = turn.to_scaled_axis().length() < 2e-5 && shift.length() < 1e-3;
                (transform, current) = (candidate, next);
                damping = (damping / 4.0).max(1e-6);
                if small {
                    break;
                }
            }
            _ => {
                damping *= 8.0;
                if damping > 1e3 {
                    break;
                }
            }
        }
    }
    Ok(Some((current.ncc, transform)))
}

/// The normal equations at one transform.
#[derive(Clone)]
struct Step {
    matrix: [[f64; UNKNOWNS]; UNKNOWNS],
    vector: [f64; UNKNOWNS],
    ncc: f64,
    /// Point of the moving scan's world that the rotation turns about.
    centre: DVec3,
}

#[derive(Clone, Default)]
struct Sums {
    n: f64,
    f: f64,
    m: f64,
    ff: f64,
    mm: f64,
    fm: f64,
    /// Sums of products of `[m, 1, ∂m/∂rotation, ∂m/∂translation]`, upper triangle.
    rows: [[f64; UNKNOWNS]; UNKNOWNS],
    /// Sums of the same with the fixed intensity.
    target: [f64; UNKNOWNS],
}

impl Sums {
    fn add(&mut self, f: f64, row: &[f64; UNKNOWNS]) {
        let m = row[0];
        self.n += 1.0;
        self.f += f;
        self.m += m;
        self.ff += f * f;
        self.mm += m * m;
        self.fm += f * m;
        for a in 0..UNKNOWNS {
            for b in a..UNKNOWNS {
                self.rows[a][b] += row[a] * row[b];
            }
            self.target[a] += row[a] * f;
        }
    }

    fn merged(mut self, other: &Self) -> Self {
        self.n += other.n;
        self.f += other.f;
        self.m += other.m;
        self.ff += other.ff;
        self.mm += other.mm;
        self.fm += other.fm;
        for a in 0..UNKNOWNS {
            for b in a..UNKNOWNS {
                self.rows[a][b] += other.rows[a][b];
            }
            self.target[a] += other.target[a];
        }
        self
    }
}

fn step(fixed: &Level, moving: &Level, transform: DAffine3) -> Option<Step> {
    let count = fixed.values.len();
    let stride = count.div_ceil(MAX_POINTS);
    let points = count.div_ceil(stride);
    let centre = transform.transform_point3(fixed.grid.centre_in_world());
    let moving_from_fixed =
        moving.grid.voxel_from_world() * transform * fixed.grid.world_from_voxel();
    // Gradient with respect to the moving world from that with respect to its voxels.
    let to_world_gradient = moving.grid.voxel_from_world().matrix3.transpose();
    const BLOCK: usize = 4096;
    // Blocks of fixed size, summed in order: the same result on any number of threads.
    let blocks: Vec<Sums> = (0..points.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut sums = Sums::default();
            for n in block * BLOCK..((block + 1) * BLOCK).min(points) {
                // Shifted from line to line, so that a stride does not fall on the same columns.
                let index = (n * stride + n / 61 % stride).min(count - 1);
                let [i, j, k] = fixed.grid.voxel(index);
                let at =
                    moving_from_fixed.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
                let Some((m, gradient)) = value_and_gradient(moving, at) else {
                    continue;
                };
                let g = to_world_gradient * gradient;
                let arm = moving.grid.world_from_voxel().transform_point3(at) - centre;
                let r = arm.cross(g);
                sums.add(
                    f64::from(fixed.values[index]),
                    &[m, 1.0, r.x, r.y, r.z, g.x, g.y, g.z],
                );
            }
            sums
        })
        .collect();
    let sums = blocks.iter().fold(Sums::default(), Sums::merged);
    if sums.n < MIN_OVERLAP * points as f64 || sums.n < 100.0 {
        return None;
    }
    let variance_f = sums.ff / sums.n - (sums.f / sums.n).powi(2);
    let variance_m = sums.mm / sums.n - (sums.m / sums.n).powi(2);
    let covariance = sums.fm / sums.n - sums.f / sums.n * sums.m / sums.n;
    if variance_f < 1e-12 || variance_m < 1e-12 {
        return None;
    }
    let gain = covariance / variance_m;
    let offset = sums.f / sums.n - gain * sums.m / sums.n;
    // Unknowns: change of gain, change of offset, rotation, translation; the last six act through the gain.
    let weight = |a: usize| if a < 2 { 1.0 } else { gain };
    let mut matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    let mut vector = [0.0; UNKNOWNS];
    for a in 0..UNKNOWNS {
        for b in 0..UNKNOWNS {
            let sum = if a <= b {
                sums.rows[a][b]
            } else {
                sums.rows[b][a]
            };
            matrix[a][b] = weight(a) * weight(b) * sum;
        }
        let with = |b: usize| {
            if a <= b {
                sums.rows[a][b]
            } else {
                sums.rows[b][a]
            }
        };
        vector[a] = weight(a) * (sums.target[a] - gain * with(0) - offset * with(1));
    }
    Some(Step {
        matrix,
        vector,
        ncc: covariance / (variance_f * variance_m).sqrt(),
        centre,
    })
}

/// Trilinear value and central-difference gradient (per voxel).
fn value_and_gradient(level: &Level, at: DVec3) -> Option<(f64, DVec3)> {
    let value = f64::from(sample_linear(&level.values, &level.grid, at)?);
    let mut gradient = DVec3::ZERO;
    for axis in 0..3 {
        let h = DVec3::AXES[axis] * 0.5;
        let (Some(up), Some(down)) = (
            sample_linear(&level.values, &level.grid, at + h),
            sample_linear(&level.values, &level.grid, at - h),
        ) else {
            continue;
        };
        gradient[axis] = f64::from(up - down);
    }
    Some((value, gradient))
}

impl Step {
    /// Solves the damped equations by elimination with pivoting.
    fn solve(&self, damping: f64) -> Option<[f64; UNKNOWNS]> {
        let mut a = self.matrix;
        let mut b = self.vector;
        for (n, row) in a.iter_mut().enumerate() {
            row[n] = row[n] * (1.0 + damping) + 1e-12;
        }
        for column in 0..UNKNOWNS {
            let pivot = (column..UNKNOWNS)
                .max_by(|&x, &y| a[x][column].abs().total_cmp(&a[y][column].abs()))?;
            if a[pivot][column].abs() < 1e-14 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Voxels, unobserved};

    /// A head of smooth blobs, sampled through any pose.
    fn blobs(grid: &Grid, head_from_world: DAffine3) -> Volume {
        let centres = [
            (DVec3::new(0.0, 0.0, 0.0), 40.0, 1.0),
            (DVec3::new(25.0, 10.0, 5.0), 9.0, 1.5),
            (DVec3::new(-20.0, 22.0, -8.0), 7.0, -1.2),
            (DVec3::new(8.0, -28.0, 12.0), 8.0, 1.8),
            (DVec3::new(-15.0, -10.0, 14.0), 6.0, 2.0),
        ];
        let values = (0..grid.len())
            .map(|index| {
                let p = head_from_world.transform_point3(grid.point_in_world(grid.voxel(index)));
                centres
                    .iter()
                    .map(|(c, s, w)| w * (-p.distance_squared(*c) / (2.0 * s * s)).exp())
                    .sum::<f64>() as f32
            })
            .collect();
        Volume::new(*grid, Voxels::F32(values), 1.0, 0.0).unwrap()
    }

    #[test]
    fn a_known_pose_is_found() {
        let fixed_grid = Grid::axis_aligned(
            [64, 64, 24],
            [2.0, 2.0, 3.0],
            DVec3::new(-63.0, -63.0, -34.0),
        )
        .unwrap();
        let moving_grid = Grid::axis_aligned(
            [60, 70, 40],
            [2.1, 1.8, 2.0],
            DVec3::new(-60.0, -62.0, -38.0),
        )
        .unwrap();
        let truth = DAffine3::from_rotation_translation(
            DQuat::from_scaled_axis(DVec3::new(0.14, -0.1, 0.17)),
            DVec3::new(7.0, -5.0, 4.0),
        );
        let fixed = blobs(&fixed_grid, DAffine3::IDENTITY);
        let moving = blobs(&moving_grid, truth.inverse());
        let found = register_rigid(&fixed, &moving, &mut unobserved).unwrap();
        for p in [
            DVec3::new(30.0, 0.0, 0.0),
            DVec3::new(-30.0, 5.0, 8.0),
            DVec3::ZERO,
        ] {
            let error = found
                .world_moving_from_world_fixed
                .transform_point3(p)
                .distance(truth.transform_point3(p));
            assert!(error < 0.3, "{error} mm at {p}");
        }
        assert!(found.similarity_after > 0.99 && found.similarity_after > found.similarity_before);
    }

    #[test]
    fn constant_scans_and_a_stop_are_told_apart() {
        let grid = Grid::axis_aligned([16, 16, 16], [2.0; 3], DVec3::ZERO).unwrap();
        let flat = Volume::new(grid, Voxels::U8(vec![7; grid.len()]), 1.0, 0.0).unwrap();
        assert_eq!(
            register_rigid(&flat, &flat, &mut unobserved),
            Err(RegisterError::NoContrast)
        );
        let scan = blobs(&grid, DAffine3::IDENTITY);
        let mut stop = |_| std::ops::ControlFlow::Break(());
        assert_eq!(
            register_rigid(&scan, &scan, &mut stop),
            Err(RegisterError::Cancelled)
        );
    }
}
