//! Overlapping tiles: where they lie, and how their results are merged.
use crate::volume::Shape;
use rayon::prelude::*;

/// Standard deviation of the merging weights, as a part of the tile (nnU-Net's value).
const SIGMA: f64 = 0.125;

/// Tiles whose centre is no farther than this part of a tile from the grid's along any axis are in its middle.
const MIDDLE: f64 = 0.65;

/// The tiles over a grid. Triples are right, anterior, superior.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiling {
    /// Voxels of the grid.
    pub grid: Shape,
    /// Voxels of a tile; along an axis where the grid is smaller, a tile reaches beyond it.
    pub tile: Shape,
    /// Where tiles begin along each axis.
    starts: [Vec<usize>; 3],
    /// Weight of a tile's voxels along each axis.
    weights: [Vec<f32>; 3],
}

impl Tiling {
    /// Tiles of at most `patch` voxels, evenly spread so that neighbours are at most `step` of a tile apart. Where the grid is smaller than
    /// the patch the tile shrinks with it, to a multiple of `divisor`.
    pub fn new(grid: Shape, patch: Shape, divisor: Shape, step: f64) -> Self {
        let step = if step.is_finite() {
            step.clamp(0.1, 1.0)
        } else {
            0.5
        };
        let tile: Shape = std::array::from_fn(|a| {
            patch[a]
                .min(grid[a].max(1).next_multiple_of(divisor[a].max(1)))
                .max(1)
        });
        Self {
            grid,
            tile,
            starts: std::array::from_fn(|a| starts(grid[a], tile[a], step)),
            weights: tile.map(bell),
        }
    }

    /// First voxel of every tile, in memory order.
    pub fn tiles(&self) -> Vec<Shape> {
        let [r, a, s] = &self.starts;
        let mut tiles = Vec::with_capacity(r.len() * a.len() * s.len());
        for &k in s {
            for &j in a {
                tiles.extend(r.iter().map(|&i| [i, j, k]));
            }
        }
        tiles
    }

    /// The tiles in the order in which they are run, those about the grid's middle first, and how many these are.
    pub fn middle_first(&self) -> (Vec<Shape>, usize) {
        middle_first(&self.tiles(), self.tile, self.grid)
    }

    /// Copies a tile out of `values`; beyond the grid the border is repeated.
    pub fn cut(&self, values: &[f32], first: Shape) -> Vec<f32> {
        let [nr, na, ns] = self.grid;
        let [tr, ta, ts] = self.tile;
        let mut out = Vec::with_capacity(tr * ta * ts);
        for k in first[2]..first[2] + ts {
            for j in first[1]..first[1] + ta {
                let start = nr * (j.min(na - 1) + na * k.min(ns - 1));
                let row = &values[start..start + nr];
                out.extend((first[0]..first[0] + tr).map(|i| row[i.min(nr - 1)]));
            }
        }
        out
    }

    /// Adds a tile's class scores (`[class][superior][anterior][right]`) to `sums`, weighted so that a tile's middle counts most.
    pub fn add(&self, sums: &mut [f32], first: Shape, tile: &[f32]) {
        let [nr, na, ns] = self.grid;
        let [tr, ta, ts] = self.tile;
        let volume = nr * na * ns;
        let count = tr.min(nr - first[0]);
        sums.par_chunks_mut(volume)
            .zip(tile.par_chunks(tr * ta * ts))
            .for_each(|(sums, tile)| {
                for (row, values) in tile.chunks_exact(tr).enumerate() {
                    let (j, k) = (row % ta, row / ta);
                    if first[1] + j >= na || first[2] + k >= ns {
                        continue;
                    }
                    let weight = self.weights[1][j] * self.weights[2][k];
                    let start = first[0] + nr * (first[1] + j + na * (first[2] + k));
                    let to = &mut sums[start..start + count];
                    for ((to, value), w) in to.iter_mut().zip(values).zip(&self.weights[0]) {
                        *to += weight * w * value;
                    }
                }
            });
    }

    /// Divides the sums by the weights that all tiles together gave each voxel.
    pub fn normalise(&self, sums: &mut [f32]) {
        let [nr, na, ns] = self.grid;
        // Tiles form a lattice and weights are products, so the total is a product too.
        let [r, a, s] = [0, 1, 2].map(|axis| self.total(axis));
        sums.par_chunks_mut(nr).enumerate().for_each(|(at, row)| {
            let weight = a[at % na] * s[at / na % ns];
            row.iter_mut().zip(&r).for_each(|(v, w)| *v /= weight * w);
        });
    }

    fn total(&self, axis: usize) -> Vec<f32> {
        let mut total = vec![0.0; self.grid[axis]];
        for &start in &self.starts[axis] {
            total[start..]
                .iter_mut()
                .zip(&self.weights[axis])
                .for_each(|(t, w)| *t += w);
        }
        total
    }
}

/// Tiles of a grid, given by their first voxels, with those about its middle first, and how many these are.
pub(super) fn middle_first(all: &[Shape], tile: Shape, grid: Shape) -> (Vec<Shape>, usize) {
    let near = |first: &Shape| {
        (0..3).all(|a| {
            let [tile, grid] = [tile[a], grid[a]].map(|n| n as f64);
            (first[a] as f64 + 0.5 * tile - 0.5 * grid).abs() <= MIDDLE * tile
        })
    };
    let (mut tiles, others): (Vec<Shape>, Vec<Shape>) = all.iter().partition(|t| near(t));
    let middle = tiles.len();
    tiles.extend(others);
    (tiles, middle)
}

fn starts(grid: usize, tile: usize, step: f64) -> Vec<usize> {
    let free = grid.saturating_sub(tile);
    let count = (free as f64 / (tile as f64 * step)).ceil() as usize + 1;
    let gap = if count > 1 {
        free as f64 / (count - 1) as f64
    } else {
        0.0
    };
    (0..count)
        .map(|n| (n as f64 * gap).round() as usize)
        .collect()
}

/// A bell over a tile, never so small that a lone tile's border is lost in rounding.
fn bell(count: usize) -> Vec<f32> {
    let middle = (count as f64 - 1.0) / 2.0;
    let sigma = SIGMA * count as f64;
    (0..count)
        .map(|i| {
            (-0.5 * ((i as f64 - middle) / sigma).powi(2))
                .exp()
                .max(1e-3) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_every_voxel_and_a_constant_stays_constant(
            grid in prop::array::uniform3(1_usize..40),
            patch in prop::array::uniform3(1_usize..4),
            step in 0.3_f64..1.0,
        ) {
            let tiling = Tiling::new(grid, patch.map(|p| 8 * p), [8; 3], step);
            prop_assert!(tiling.tile.iter().all(|t| t % 8 == 0));
            let volume = grid.iter().product::<usize>();
            let mut sums = vec![0.0; 2 * volume];
            let values = vec![3.0; volume];
            for first in tiling.tiles() {
                let tile = tiling.cut(&values, first);
                prop_assert!(tile.iter().all(|v| (v - 3.0).abs() < 1e-6));
                tiling.add(&mut sums, first, &[tile.clone(), vec![-1.0; tile.len()]].concat());
            }
            tiling.normalise(&mut sums);
            prop_assert!(sums[..volume].iter().all(|v| (v - 3.0).abs() < 1e-4));
            prop_assert!(sums[volume..].iter().all(|v| (v + 1.0).abs() < 1e-4));
        }
    }

    #[test]
    fn the_middle_comes_first_and_nothing_twice() {
        let tiling = Tiling::new([264, 264, 120], [96, 96, 48], [8; 3], 0.6);
        let (mut tiles, middle) = tiling.middle_first();
        assert_eq!((tiles.len(), middle), (64, 8));
        for first in &tiles[..middle] {
            let [r, a, s] = *first;
            assert!((r..r + 96).contains(&132) && (a..a + 96).contains(&132));
            assert!((s..=s + 48).contains(&60), "{first:?}");
        }
        tiles.sort_unstable_by_key(|[r, a, s]| [*s, *a, *r]);
        assert_eq!(tiles, tiling.tiles());
        // A scan of one tile has nothing but a middle.
        let (tiles, middle) = Tiling::new([90, 80, 40], [96, 96, 48], [8; 3], 0.6).middle_first();
        assert_eq!((tiles.len(), middle), (1, 1));
    }

    #[test]
    fn neighbouring_tiles_are_at_most_a_step_apart() {
        let tiling = Tiling::new([250, 97, 30], [96, 96, 48], [8; 3], 0.5);
        assert_eq!(tiling.tile, [96, 96, 32]);
        assert_eq!(
            tiling.starts,
            [vec![0, 39, 77, 116, 154], vec![0, 1], vec![0]]
        );
    }
}
