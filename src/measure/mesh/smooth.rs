//! A net without its voxel steps: a low-pass of the graph's Laplacian that keeps every point within half a voxel of its face.
//!
//! Averaging over neighbours shrinks a surface. A filter that lets pass what is wider than the steps does not (Taubin 1995); here its gain
//! is `1 / (1 + (k / c)⁴)` on the eigenvalues `k` of "point less mean of its four neighbours", as a Chebyshev polynomial (Taubin, Zhang and Golub 1996).
//! Where a body is thin the steps are no narrower than the body: there each point takes the smoothest of several filters that leaves its surroundings with their voxels.
use super::{
    MeshError,
    extract::{EXTRACTION, Net},
};
use crate::volume::{Observe, Progress};
use glam::DVec3;
use rayon::prelude::*;

/// Terms of the polynomial.
const ORDER: usize = 40;

/// How often the filter runs, each time after the points were brought back to their voxels.
const ROUNDS: usize = 3;

/// Eigenvalues at which the gain of each filter is a half: waves of about fifteen, ten, seven, five and three voxels.
const PASS: [f64; 5] = [0.045, 0.09, 0.18, 0.36, 0.72];

/// A small part keeps its harmonics up to about the fourth degree. On a ball of `n` faces they have eigenvalues up to about so much over `n`.
const PASS_TIMES_POINTS: f64 = 120.0;

/// Over how many neighbours a choice of filter is averaged, and what the average is raised by: a lone voxel that would keep its steps is outvoted, a thin bar is not.
const VOTES: usize = 8;
const RAISED: f64 = 1.25;

/// Farthest from the middle of its face that a point may lie along each axis, voxels.
const REACH: f64 = 0.5;

/// Points that one thread filters at least.
const CHUNK: usize = 2048;

/// The connected parts of a net.
pub(super) struct Parts {
    /// The part of each point.
    pub(super) part: Vec<u32>,
    /// Points of each part.
    points: Vec<usize>,
    /// What each part encloses, voxels; negative for the wall of a hollow.
    pub(super) voxels: Vec<f64>,
}

/// Finds the parts of a net; the voxels they enclose follow from their faces by the divergence theorem.
pub(super) fn parts(net: &Net) -> Parts {
    let mut part = vec![u32::MAX; net.points.len()];
    let (mut points, mut voxels) = (Vec::new(), Vec::new());
    let mut open = Vec::new();
    for start in 0..net.points.len() {
        if part[start] != u32::MAX {
            continue;
        }
        let own = voxels.len() as u32;
        let (mut count, mut enclosed) = (0, 0.0);
        part[start] = own;
        open.push(start);
        while let Some(at) = open.pop() {
            count += 1;
            let (axis, along) = net.faces[at];
            if axis == 0 {
                enclosed += if along {
                    net.points[at].x
                } else {
                    -net.points[at].x
                };
            }
            for &to in &net.neighbours[at] {
                if part[to as usize] == u32::MAX {
                    part[to as usize] = own;
                    open.push(to as usize);
                }
            }
        }
        points.push(count);
        voxels.push(enclosed);
    }
    Parts {
        part,
        points,
        voxels,
    }
}

/// The smoothed points, voxel coordinates.
pub(super) fn smooth(
    net: &Net,
    parts: &Parts,
    observe: &mut Observe<'_>,
) -> Result<Vec<DVec3>, MeshError> {
    let mut round = 0;
    let mut step = |order: usize| {
        let done = (round * ORDER + order) as f32 / (ROUNDS * ORDER) as f32;
        round += usize::from(order + 1 == ORDER);
        let progress = Progress {
            stage: "smoothing the surface",
            fraction: EXTRACTION + (1.0 - EXTRACTION) * done,
        };
        if observe(progress).is_break() {
            return Err(MeshError::Cancelled);
        }
        Ok(())
    };
    let gains = PASS.map(coefficients);
    let within = |point: DVec3, rest: &DVec3| {
        point.clamp(*rest - DVec3::splat(REACH), *rest + DVec3::splat(REACH))
    };
    let every = |_: usize, order: usize| gains.map(|g| g[order]);
    let filtered = filter(net, &net.points, every, &mut step)?;
    let levels = choose(net, parts, &filtered);
    let mut points: Vec<DVec3> = (filtered.iter().zip(&levels).zip(&net.points))
        .map(|((of, level), rest)| {
            let (low, part) = split(*level);
            within(of[low].lerp(of[low + 1], part), rest)
        })
        .collect();
    for left in (0..ROUNDS - 1).rev() {
        let chosen = |at: usize, order: usize| {
            let (low, part) = split(levels[at]);
            [gains[low][order] + (gains[low + 1][order] - gains[low][order]) * part]
        };
        let filtered = filter(net, &points, chosen, &mut step)?;
        points = (filtered.iter().zip(&net.points))
            .map(|([p], rest)| if left > 0 { within(*p, rest) } else { *p })
            .collect();
    }
    Ok(points)
}

/// A level between two filters: the first of them, and how much of the second.
fn split(level: f64) -> (usize, f64) {
    let low = (level as usize).min(PASS.len() - 2);
    (low, level - low as f64)
}

/// For each point the first filter that keeps it and its neighbours within reach; fractions lie between two filters.
fn choose(net: &Net, parts: &Parts, filtered: &[[DVec3; PASS.len()]]) -> Vec<f64> {
    let least: Vec<usize> = (parts.points.iter())
        .map(|&n| {
            let kept = |pass: &f64| *pass >= PASS_TIMES_POINTS / n as f64;
            PASS.iter().position(kept).unwrap_or(PASS.len() - 1)
        })
        .collect();
    let mut levels: Vec<f64> = (filtered.iter().zip(&net.points).zip(&parts.part))
        .map(|((of, rest), part)| {
            let kept = |n: &usize| (of[*n] - *rest).abs().max_element() <= REACH;
            let from = least[*part as usize];
            (from..PASS.len()).find(kept).unwrap_or(PASS.len() - 1) as f64
        })
        .collect();
    for _ in 0..VOTES {
        levels = (net.neighbours.iter().zip(&levels))
            .map(|(around, own)| {
                let sum: f64 = around.iter().map(|n| levels[*n as usize]).sum();
                (own * 2.0 + sum) / 6.0
            })
            .collect();
    }
    let most = (PASS.len() - 1) as f64;
    (levels.iter().zip(&parts.part))
        .map(|(level, part)| (level * RAISED).clamp(least[*part as usize] as f64, most))
        .collect()
}

/// Coefficients of the gain in Chebyshev polynomials of `1 - k`, for `k` from 0 to 2.
fn coefficients(pass: f64) -> [f64; ORDER] {
    const SAMPLES: usize = 512;
    let mut sums = [0.0; ORDER];
    for m in 0..SAMPLES {
        let angle = std::f64::consts::PI * (m as f64 + 0.5) / SAMPLES as f64;
        let k = 1.0 - angle.cos();
        let gain = 1.0 / (1.0 + (k / pass).powi(4));
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum += gain * (n as f64 * angle).cos();
        }
    }
    sums[0] /= 2.0;
    // The mean position stays to the last digit.
    let total: f64 = sums.iter().sum();
    sums.map(|c| c / total)
}

/// What filters make of the points; `gains` tells each filter's coefficient of an order at a point, `step` hears of each order.
fn filter<const N: usize>(
    net: &Net,
    points: &[DVec3],
    gains: impl Fn(usize, usize) -> [f64; N] + Sync,
    step: &mut dyn FnMut(usize) -> Result<(), MeshError>,
) -> Result<Vec<[DVec3; N]>, MeshError> {
    let mean = |of: &[DVec3], [a, b, c, d]: [u32; 4]| {
        (of[a as usize] + of[b as usize] + of[c as usize] + of[d as usize]) * 0.25
    };
    let mut sums: Vec<[DVec3; N]> = (points.iter().enumerate())
        .map(|(at, p)| gains(at, 0).map(|g| *p * g))
        .collect();
    let mut before = points.to_vec();
    let mut here: Vec<DVec3> = net.neighbours.iter().map(|n| mean(points, *n)).collect();
    for order in 1..ORDER {
        step(order)?;
        (
            sums.par_iter_mut(),
            before.par_iter_mut(),
            here.par_iter(),
            net.neighbours.par_iter(),
        )
            .into_par_iter()
            .with_min_len(CHUNK)
            .enumerate()
            .for_each(|(at, (sums, before, point, neighbours))| {
                for (sum, gain) in sums.iter_mut().zip(gains(at, order)) {
                    *sum += *point * gain;
                }
                *before = mean(&here, *neighbours) * 2.0 - *before;
            });
        std::mem::swap(&mut before, &mut here);
    }
    Ok(sums)
}
