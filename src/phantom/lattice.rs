//! Values on a cubic lattice of points of the head, interpolated between them.
use glam::DVec3;
use rayon::prelude::*;
use std::ops::{Add, Mul};

/// Distance of neighbouring nodes, mm.
pub(super) const STEP: f64 = 2.0;

/// A cubic lattice of nodes.
#[derive(Debug, Clone)]
pub(super) struct Lattice {
    pub(super) low: DVec3,
    pub(super) count: [usize; 3],
}

impl Lattice {
    /// Nodes over all within reach of a point, in a box.
    pub(super) fn around(centre: DVec3, reach: f64, within: [DVec3; 2]) -> Self {
        let reach = DVec3::splat(reach + STEP);
        let low = (centre - reach).max(within[0]);
        let high = (centre + reach).min(within[1]);
        let count = ((high - low) / STEP).to_array().map(|n| n.max(1.0));
        Self {
            low,
            count: count.map(|n| n.ceil() as usize + 1),
        }
    }

    pub(super) fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        i + self.count[0] * (j + self.count[1] * k)
    }

    pub(super) fn node(&self, index: usize) -> DVec3 {
        let [ni, nj, _] = self.count;
        let place = [index % ni, index / ni % nj, index / (ni * nj)];
        self.low + STEP * DVec3::from_array(place.map(|n| n as f64))
    }

    pub(super) fn at_border(&self, index: usize) -> bool {
        let [ni, nj, nk] = self.count;
        let place = [index % ni, index / ni % nj, index / (ni * nj)];
        place
            .into_iter()
            .zip([ni, nj, nk])
            .any(|(n, count)| n == 0 || n + 1 == count)
    }

    /// A value at each node.
    pub(super) fn fill<V: Send>(&self, f: impl Fn(DVec3, usize) -> V + Sync) -> Vec<V> {
        let [ni, nj, nk] = self.count;
        (0..ni * nj * nk)
            .into_par_iter()
            .with_min_len(ni * nj)
            .map(|n| f(self.node(n), n))
            .collect()
    }

    /// Trilinear interpolation; `None` outside.
    pub(super) fn interpolate<V>(&self, values: &[V], p: DVec3) -> Option<V>
    where
        V: Copy + Add<Output = V> + Mul<f64, Output = V>,
    {
        let q = (p - self.low) / STEP;
        let cell = q.floor();
        for n in 0..3 {
            let inside = cell[n] >= 0.0 && cell[n] < (self.count[n] - 1) as f64;
            if !inside {
                return None;
            }
        }
        let f = q - cell;
        let [i, j, k] = cell.to_array().map(|n| n as usize);
        let row = |b: usize, c: usize| {
            let n = self.index([i, j + b, k + c]);
            values[n] * (1.0 - f.x) + values[n + 1] * f.x
        };
        let layer = |c: usize| row(0, c) * (1.0 - f.y) + row(1, c) * f.y;
        Some(layer(0) * (1.0 - f.z) + layer(1) * f.z)
    }
}
