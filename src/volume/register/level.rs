//! Scans at the resolutions of an alignment.
use super::RegisterError;
use crate::volume::{Grid, Volume};
use glam::{DAffine3, DMat3, DVec3, Vec3};
use rayon::prelude::*;

/// Spacing of the resolutions, coarse to fine, mm. The last is the finest that aligning looks at.
pub(super) const LEVELS_MM: [f64; 4] = [6.0, 3.0, 1.6, 0.9];

/// A scan at one resolution, intensities from 0 to 1.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) grid: Grid,
    pub(super) values: Vec<f32>,
}

/// The resolutions of a scan.
#[derive(Debug)]
pub(super) struct Pyramid {
    /// Coarse to fine.
    pub(super) levels: [Level; 4],
    /// Whether a voxel of the third holds one of the finest that is bright.
    pub(super) bright: Vec<bool>,
}

/// Intensity (0 to 1) that is bright.
pub(super) const BRIGHT: f32 = 0.65;

/// The resolutions of a scan, coarse to fine.
pub(super) fn pyramid(volume: &Volume) -> Result<Pyramid, RegisterError> {
    let [low, high] = volume.quantiles([0.005, 0.998]).map(|q| q as f32);
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return Err(RegisterError::NoContrast);
    }
    let scale = 1.0 / (high - low);
    let unit = |v: f32| {
        if v.is_finite() {
            ((v - low) * scale).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let mut data = volume.to_f32();
    data.par_iter_mut().for_each(|v| *v = unit(*v));
    let too_small = || RegisterError::NoContrast;
    let [coarsest, coarse, fine, finest] = LEVELS_MM;
    let finest = coarser(&data, volume.grid(), finest).ok_or_else(too_small)?;
    drop(data);
    let next = |from: &Level, mm| coarser(&from.values, &from.grid, mm);
    let fine = next(&finest, fine).ok_or_else(too_small)?;
    let coarse = next(&fine, coarse).ok_or_else(too_small)?;
    let coarsest = next(&coarse, coarsest).ok_or_else(too_small)?;
    let mut bright = vec![false; fine.grid.len()];
    let finer = fine.grid.voxel_from_world() * finest.grid.world_from_voxel();
    for (n, _) in (finest.values.iter().enumerate()).filter(|(_, v)| **v > BRIGHT) {
        let [i, j, k] = finest.grid.voxel(n);
        let at = finer.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
        let last = fine.grid.shape().map(|n| n - 1);
        let near = |x: f64, last: usize| (x.round().max(0.0) as usize).min(last);
        let voxel = [
            near(at.x, last[0]),
            near(at.y, last[1]),
            near(at.z, last[2]),
        ];
        bright[fine.grid.index(voxel)] = true;
    }
    Ok(Pyramid {
        levels: [coarsest, coarse, fine, finest].map(smoothed),
        bright,
    })
}

/// Means of blocks of about `mm` edge length.
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
    let share = 1.0 / (factor[0] * factor[1] * factor[2]) as f32;
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
                        *value += block.iter().sum::<f32>() * share;
                    }
                }
            }
        });
    Some(Level {
        grid: coarse_grid,
        values,
    })
}

/// A 1-2-1 filter along each axis.
fn smoothed(level: Level) -> Level {
    let Level { grid, mut values } = level;
    let [ni, nj, nk] = grid.shape();
    let mut out = vec![0.0_f32; values.len()];
    for (step, count) in [(ni, nj), (ni * nj, nk)] {
        out.par_chunks_mut(ni).enumerate().for_each(|(row, out)| {
            let start = row * ni;
            let at = start / step % count;
            let before = if at == 0 { start } else { start - step };
            let after = if at + 1 == count { start } else { start + step };
            for (n, out) in out.iter_mut().enumerate() {
                *out = (values[before + n] + 2.0 * values[start + n] + values[after + n]) / 4.0;
            }
        });
        std::mem::swap(&mut values, &mut out);
    }
    out.par_chunks_mut(ni)
        .zip(values.par_chunks(ni))
        .for_each(|(out, line)| {
            for (n, out) in out.iter_mut().enumerate() {
                let (before, after) = (n.saturating_sub(1), (n + 1).min(ni - 1));
                *out = (line[before] + 2.0 * line[n] + line[after]) / 4.0;
            }
        });
    Level { grid, values: out }
}

impl Level {
    /// Mean place of the intensities, world mm.
    pub(super) fn centre_of_mass(&self) -> DVec3 {
        let (mut sum, mut weight) = (DVec3::ZERO, 1e-9);
        for (index, &v) in self.values.iter().enumerate() {
            let [i, j, k] = self.grid.voxel(index);
            sum += DVec3::new(i as f64, j as f64, k as f64) * f64::from(v);
            weight += f64::from(v);
        }
        self.grid.world_from_voxel().transform_point3(sum / weight)
    }

    /// Trilinear value and its gradient by voxel; `None` outside the outer centres.
    pub(super) fn sample(&self, at: Vec3) -> Option<(f32, Vec3)> {
        let [ni, nj, nk] = self.grid.shape();
        let last = Vec3::new((ni - 1) as f32, (nj - 1) as f32, (nk - 1) as f32);
        if !(at.cmpge(Vec3::ZERO).all() && at.cmple(last).all()) {
            return None;
        }
        let low = |x: f32, n: usize| (x as usize).min(n.saturating_sub(2));
        let [i, j, k] = [low(at.x, ni), low(at.y, nj), low(at.z, nk)];
        let t = at - Vec3::new(i as f32, j as f32, k as f32);
        let (di, dj, dk) = (
            usize::from(ni > 1),
            if nj > 1 { ni } else { 0 },
            if nk > 1 { ni * nj } else { 0 },
        );
        let start = i + ni * (j + nj * k);
        let corner = |offset: usize| self.values[start + offset];
        let (a, b) = (corner(0), corner(di));
        let (c, d) = (corner(dj), corner(dj + di));
        let (e, f) = (corner(dk), corner(dk + di));
        let (g, h) = (corner(dk + dj), corner(dk + dj + di));
        let (ab, cd, ef, gh) = (
            a + (b - a) * t.x,
            c + (d - c) * t.x,
            e + (f - e) * t.x,
            g + (h - g) * t.x,
        );
        let (low, high) = (ab + (cd - ab) * t.y, ef + (gh - ef) * t.y);
        let dx_low = (b - a) + ((d - c) - (b - a)) * t.y;
        let dx_high = (f - e) + ((h - g) - (f - e)) * t.y;
        let gradient = Vec3::new(
            dx_low + (dx_high - dx_low) * t.z,
            (cd - ab) + ((gh - ef) - (cd - ab)) * t.z,
            high - low,
        );
        Some((low + (high - low) * t.z, gradient))
    }
}
