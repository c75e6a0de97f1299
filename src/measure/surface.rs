//! Surface area of a labelled structure by the Cauchy–Crofton formula.
//!
//! The area of a surface is twice its mean projected area over all directions. Along each of the 13 directions between neighbouring voxels the projected
//! area is the number of times that lines cross the boundary, times the area that belongs to one line. Each direction stands for the part of the sphere that is nearest
//! to it, so that the sum is nearly unbiased on anisotropic grids too (Lang, Ohser and Hilfer 2001). Counting faces would give up to 1.7 times too much.
use super::boundary::fibonacci_direction;
use crate::volume::{Grid, LabelMap, Structure};
use glam::DVec3;
use rayon::prelude::*;

/// The 13 steps to a neighbour, one of each opposite pair.
const STEPS: [[isize; 3]; 13] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [1, -1, 0],
    [1, 0, 1],
    [1, 0, -1],
    [0, 1, 1],
    [0, 1, -1],
    [1, 1, 1],
    [1, 1, -1],
    [1, -1, 1],
    [-1, 1, 1],
];

/// Surface area of a structure, mm². Zero when it is absent.
pub fn surface_area_mm2(labels: &LabelMap, structure: Structure) -> f64 {
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return 0.0;
    };
    let grid = labels.grid();
    let shape = grid.shape();
    let data = labels.labels();
    let inside = |i: isize, j: isize, k: isize| {
        let [Ok(i), Ok(j), Ok(k)] = [i, j, k].map(usize::try_from) else {
            return false;
        };
        i < shape[0] && j < shape[1] && k < shape[2] && data[grid.index([i, j, k])] == value
    };
    let crossings = (bounds[2][0]..=bounds[2][1])
        .into_par_iter()
        .map(|k| {
            let mut count = [0_u64; 13];
            for j in bounds[1][0]..=bounds[1][1] {
                for i in bounds[0][0]..=bounds[0][1] {
                    let (i, j, k) = (i as isize, j as isize, k as isize);
                    if !inside(i, j, k) {
                        continue;
                    }
                    for (n, [a, b, c]) in STEPS.into_iter().enumerate() {
                        count[n] += u64::from(!inside(i + a, j + b, k + c))
                            + u64::from(!inside(i - a, j - b, k - c));
                    }
                }
            }
            count
        })
        .reduce(|| [0; 13], |a, b| std::array::from_fn(|n| a[n] + b[n]));
    let steps = steps_in_world(grid);
    let weights = weights(&steps);
    let projected: f64 = (0..13)
        .map(|n| weights[n] * crossings[n] as f64 * grid.voxel_volume_mm3() / steps[n].length())
        .sum();
    2.0 * projected
}

fn steps_in_world(grid: &Grid) -> [DVec3; 13] {
    let m = grid.world_from_voxel().matrix3;
    STEPS.map(|[a, b, c]| m * DVec3::new(a as f64, b as f64, c as f64))
}

/// The part of the sphere that is nearer to each direction than to the others.
fn weights(steps: &[DVec3; 13]) -> [f64; 13] {
    const COUNT: usize = 20_000;
    let unit = steps.map(DVec3::normalize_or_zero);
    let mut weights = [0.0; 13];
    for n in 0..COUNT {
        let u = fibonacci_direction(n, COUNT);
        let mut best = (0, -1.0);
        for (d, v) in unit.iter().enumerate() {
            let c = u.dot(*v).abs();
            if c > best.1 {
                best = (d, c);
            }
        }
        weights[best.0] += 1.0 / COUNT as f64;
    }
    weights
}
