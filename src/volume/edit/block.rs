//! The part of a grid that an operation looks at, so that it need not look at all of it.
use crate::volume::{Grid, Shape};
use std::array::from_fn;

/// A box of voxels, itself in memory order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    grid: Grid,
    low: [usize; 3],
    shape: Shape,
}

impl Block {
    /// The voxels within `bounds` (first and last index of each axis) and so many more on every side, as far as the grid reaches.
    pub(super) fn new(grid: &Grid, bounds: [[usize; 2]; 3], margin: [usize; 3]) -> Self {
        let last = grid.shape().map(|n| n - 1);
        let low = from_fn(|a| bounds[a][0].saturating_sub(margin[a]).min(last[a]));
        let shape = from_fn(|a| {
            let high = bounds[a][1].saturating_add(margin[a]).min(last[a]);
            high.max(low[a]) - low[a] + 1
        });
        Self {
            grid: *grid,
            low,
            shape,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The voxel of the grid at a position in the block.
    pub(super) fn voxel(&self, at: usize) -> [usize; 3] {
        let [ni, nj, _] = self.shape;
        let local = [at % ni, at / ni % nj, at / (ni * nj)];
        from_fn(|a| self.low[a] + local[a])
    }

    /// Position in the grid's memory of a position in the block.
    pub(super) fn index(&self, at: usize) -> usize {
        self.grid.index(self.voxel(at))
    }

    /// Position in the block of a voxel of the grid; `None` outside.
    pub(super) fn position(&self, voxel: [usize; 3]) -> Option<usize> {
        let mut local = [0; 3];
        for a in 0..3 {
            local[a] = voxel[a]
                .checked_sub(self.low[a])
                .filter(|l| *l < self.shape[a])?;
        }
        Some(local[0] + self.shape[0] * (local[1] + self.shape[1] * local[2]))
    }

    /// Which of its voxels have a label value.
    pub(super) fn mask(&self, labels: &[u8], value: u8) -> Vec<bool> {
        (0..self.len())
            .map(|at| labels[self.index(at)] == value)
            .collect()
    }

    /// The up to six voxels that share a face with one.
    fn neighbours(&self, at: usize) -> impl Iterator<Item = usize> {
        let [ni, nj, nk] = self.shape;
        let steps = [
            (at % ni, ni, 1),
            (at / ni % nj, nj, ni),
            (at / (ni * nj), nk, ni * nj),
        ];
        steps.into_iter().flat_map(move |(index, count, step)| {
            let below = (index > 0).then(|| at - step);
            let above = (index + 1 < count).then(|| at + step);
            [below, above].into_iter().flatten()
        })
    }

    /// The voxels that can be reached from `seed` over faces of voxels that are accepted, nearest (in steps) first; the seed itself always
    /// belongs. Stops at `most` voxels and then says `true`.
    pub(super) fn connected(
        &self,
        seed: usize,
        most: usize,
        mut accept: impl FnMut(usize) -> bool,
    ) -> (Vec<usize>, bool) {
        let mut seen = vec![false; self.len()];
        seen[seed] = true;
        let mut found = vec![seed];
        let mut next = 0;
        while let Some(&at) = found.get(next) {
            next += 1;
            for neighbour in self.neighbours(at) {
                if seen[neighbour] {
                    continue;
                }
                seen[neighbour] = true;
                if !accept(neighbour) {
                    continue;
                }
                if found.len() >= most {
                    return (found, true);
                }
                found.push(neighbour);
            }
        }
        (found, false)
    }
}
