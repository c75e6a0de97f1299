//! A net without its voxel steps: a low-pass of the graph's Laplacian that keeps every point within half a voxel of its face.
//!
//! Averaging over neighbours shrinks a surface. A filter that lets pass what is wider than the steps does not (Taubin 1995); here its gain
//! is `1 / (1 + (k / c)⁴)` on the eigenvalues `k` of "point less mean of its four neighbours", as a Chebyshev polynomial (Taubin, Zhang and Golub 1996).
use super::extract::Net;
use glam::DVec3;
use rayon::prelude::*;

/// Terms of the polynomial.
const ORDER: usize = 48;

/// How often the filter runs, each time after the points were brought back to their voxels.
const ROUNDS: usize = 3;

/// Eigenvalue at which the gain is a half, for a large part of a surface: about eighteen voxels a wave.
const PASS: f64 = 0.03;

/// A small part keeps its harmonics up to about the fourth degree. On a ball of `n` faces they have eigenvalues up to about so much over `n`.
const PASS_TIMES_POINTS: f64 = 90.0;

/// Farthest from the middle of its face that a point may lie along each axis, voxels.
const REACH: f64 = 0.5;

/// Points that one thread filters at least.
const CHUNK: usize = 2048;

/// The connected parts of a net.
pub(super) struct Parts {
    /// The part of each point.
    pub(super) part: Vec<u32>,
    /// Points of each part.
    pub(super) points: Vec<usize>,
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
        let own = points.len() as u32;
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
pub(super) fn smooth(net: &Net, parts: &Parts) -> Vec<DVec3> {
    let gains: Vec<[f64; ORDER]> = parts
        .points
        .iter()
        .map(|&n| coefficients(PASS.max(PASS_TIMES_POINTS / n as f64)))
        .collect();
    let mut points = net.points.clone();
    for round in 0..ROUNDS {
        if round > 0 {
            points.iter_mut().zip(&net.points).for_each(|(p, rest)| {
                *p = p.clamp(*rest - DVec3::splat(REACH), *rest + DVec3::splat(REACH));
            });
        }
        points = filter(net, &parts.part, &gains, points);
    }
    points
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

fn filter(net: &Net, part: &[u32], gains: &[[f64; ORDER]], points: Vec<DVec3>) -> Vec<DVec3> {
    let mean = |of: &[DVec3], [a, b, c, d]: [u32; 4]| {
        (of[a as usize] + of[b as usize] + of[c as usize] + of[d as usize]) * 0.25
    };
    let mut sum: Vec<DVec3> = (points.iter().zip(part))
        .map(|(p, part)| *p * gains[*part as usize][0])
        .collect();
    let mut before = points.clone();
    let mut here: Vec<DVec3> = net.neighbours.iter().map(|n| mean(&points, *n)).collect();
    for order in 1..ORDER {
        (
            sum.par_iter_mut(),
            before.par_iter_mut(),
            here.par_iter(),
            net.neighbours.par_iter(),
            part.par_iter(),
        )
            .into_par_iter()
            .with_min_len(CHUNK)
            .for_each(|(sum, before, point, neighbours, part)| {
                *sum += *point * gains[*part as usize][order];
                *before = mean(&here, *neighbours) * 2.0 - *before;
            });
        std::mem::swap(&mut before, &mut here);
    }
    sum
}
