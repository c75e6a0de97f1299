//! The faces between a region of voxels and its surroundings as a net of points, one in the middle of each face.
//!
//! Marching cubes on a mask (Lorensen and Cline 1987) whose polygons are not looked up but followed: on each face of a cell a link leads from where the
//! mask is left to where it is entered again, so that two voxels which share only an edge are joined. A link belongs to two cells, a point to four links; the surface is
//! therefore closed and without branches whatever the mask.
use super::MeshError;
use crate::volume::{LabelMap, Observe, Progress};
use glam::DVec3;
use rayon::prelude::*;
use std::sync::LazyLock;

/// A surface before it is smoothed.
pub(super) struct Net {
    /// Middles of voxel faces, voxel coordinates of the label map.
    pub(super) points: Vec<DVec3>,
    /// The axis of each point's face, and whether the way out is along it.
    pub(super) faces: Vec<(u8, bool)>,
    /// The four points that each point is linked with; a link is told at both ends.
    pub(super) neighbours: Vec<[u32; 4]>,
    /// Corners of the polygons, one polygon after another. The right hand's thumb points out of the region when voxel axes are right-handed.
    pub(super) corners: Vec<u32>,
    /// Where each polygon ends in `corners`, and whether it may be cut only through its middle.
    pub(super) polygons: Vec<(u32, bool)>,
}

/// The part of the time that this takes; the rest is smoothing.
pub(super) const EXTRACTION: f32 = 0.2;

/// First and last voxel of each axis.
pub(super) type Bounds = [[usize; 2]; 3];

/// The box around two boxes.
pub(super) fn join(a: Option<Bounds>, b: Option<Bounds>) -> Option<Bounds> {
    match (a, b) {
        (Some(a), Some(b)) => Some(std::array::from_fn(|n| {
            [a[n][0].min(b[n][0]), a[n][1].max(b[n][1])]
        })),
        (a, b) => a.or(b),
    }
}

/// Boxes of all label values in one pass.
pub(super) fn bounds(labels: &LabelMap) -> [Option<Bounds>; 256] {
    let [ni, nj, _] = labels.grid().shape();
    let nothing = || Box::new([None; 256]);
    let slab = |(k, slab): (usize, &[u8])| {
        let mut found = nothing();
        for (j, row) in slab.chunks_exact(ni).enumerate() {
            // Most rows are background; a sum without branches says so fast.
            if row.iter().fold(0, |any, &l| any | l) == 0 {
                continue;
            }
            for (i, &label) in row.iter().enumerate().filter(|(_, l)| **l != 0) {
                let entry = &mut found[usize::from(label)];
                *entry = join(*entry, Some([[i, i], [j, j], [k, k]]));
            }
        }
        found
    };
    *labels
        .labels()
        .par_chunks_exact(ni * nj)
        .enumerate()
        .map(slab)
        .reduce(nothing, |mut a, b| {
            a.iter_mut().zip(*b).for_each(|(a, b)| *a = join(*a, b));
            a
        })
}

/// The net of the voxels in a box whose value is marked.
pub(super) fn net(
    labels: &LabelMap,
    bounds: Bounds,
    marked: &[bool; 256],
    max_points: usize,
    observe: &mut Observe<'_>,
) -> Result<Net, MeshError> {
    // One voxel of surroundings on each side closes the surface at the scan's border too.
    let [ni, nj, nk] = bounds.map(|b| b[1] - b[0] + 3);
    let mut builder = Builder::new(bounds.map(|b| b[0] as f64 - 1.0), [ni, nj], max_points);
    let grid = labels.grid();
    let mut slabs = [vec![0_u8; ni * nj], vec![0_u8; ni * nj]];
    for k in 0..nk {
        let [below, here] = &mut slabs;
        std::mem::swap(below, here);
        here.fill(0);
        if k > 0 && k + 1 < nk {
            for j in 1..nj - 1 {
                let from = grid.index([bounds[0][0], bounds[1][0] + j - 1, bounds[2][0] + k - 1]);
                let row = &labels.labels()[from..from + ni - 2];
                for (to, &label) in here[ni * j + 1..].iter_mut().zip(row) {
                    *to = u8::from(marked[usize::from(label)]);
                }
            }
        }
        builder.add_points(k, below, here)?;
        if k > 0 {
            builder.add_polygons(k - 1, below, here);
        }
        let progress = Progress {
            stage: "building the surface",
            fraction: EXTRACTION * (k + 1) as f32 / nk as f32,
        };
        if observe(progress).is_break() {
            return Err(MeshError::Cancelled);
        }
    }
    Ok(builder.net)
}

struct Builder {
    net: Net,
    /// How many neighbours of each point are known.
    linked: Vec<u8>,
    origin: [f64; 3],
    shape: [usize; 2],
    /// Points on the lattice's edges: along `i` and `j` of two slabs in turn, along `k` between them.
    in_slab: [[Vec<u32>; 2]; 2],
    between: Vec<u32>,
    max_points: usize,
}

impl Builder {
    fn new(origin: [f64; 3], shape: [usize; 2], max_points: usize) -> Self {
        let plane = || vec![0_u32; shape[0] * shape[1]];
        Self {
            net: Net {
                points: Vec::new(),
                faces: Vec::new(),
                neighbours: Vec::new(),
                corners: Vec::new(),
                polygons: Vec::new(),
            },
            linked: Vec::new(),
            origin,
            shape,
            in_slab: [[plane(), plane()], [plane(), plane()]],
            between: plane(),
            max_points,
        }
    }

    /// Points on all edges that end in slab `k`.
    fn add_points(&mut self, k: usize, below: &[u8], here: &[u8]) -> Result<(), MeshError> {
        let [ni, nj] = self.shape;
        let parity = k & 1;
        for j in 0..nj {
            for i in 0..ni {
                let at = i + ni * j;
                let value = here[at];
                if i + 1 < ni && here[at + 1] != value {
                    self.in_slab[0][parity][at] = self.point([i, j, k], 0, value == 1);
                }
                if j + 1 < nj && here[at + ni] != value {
                    self.in_slab[1][parity][at] = self.point([i, j, k], 1, value == 1);
                }
                if k > 0 && below[at] != value {
                    self.between[at] = self.point([i, j, k - 1], 2, value == 0);
                }
            }
        }
        if self.net.points.len() > self.max_points {
            return Err(MeshError::TooLarge {
                limit: self.max_points,
            });
        }
        Ok(())
    }

    fn point(&mut self, [i, j, k]: [usize; 3], axis: u8, along: bool) -> u32 {
        let mut point = DVec3::new(i as f64, j as f64, k as f64) + DVec3::from_array(self.origin);
        point[usize::from(axis)] += 0.5;
        self.net.points.push(point);
        self.net.faces.push((axis, along));
        self.net.neighbours.push([0; 4]);
        self.linked.push(0);
        // The cap on points lies far below.
        (self.net.points.len() - 1) as u32
    }

    /// Polygons of all cells between slab `k` and the next.
    fn add_polygons(&mut self, k: usize, below: &[u8], here: &[u8]) {
        let [ni, nj] = self.shape;
        for j in 0..nj - 1 {
            let column = |i: usize| {
                let at = i + ni * j;
                below[at] | below[at + ni] << 2 | here[at] << 4 | here[at + ni] << 6
            };
            let mut left = column(0);
            for i in 0..ni - 1 {
                let right = column(i + 1);
                let case = left | right << 1;
                left = right;
                if case == 0 || case == 255 {
                    continue;
                }
                let Case { cycles, ambiguous } = &CASES[usize::from(case)];
                for cycle in cycles {
                    let first = self.net.corners.len();
                    for &edge in cycle {
                        let id = self.on_edge([i, j, k], edge);
                        self.net.corners.push(id);
                    }
                    let end = self.net.corners.len();
                    for n in first..end {
                        let next = if n + 1 < end { n + 1 } else { first };
                        let from = self.net.corners[n] as usize;
                        let slot = &mut self.linked[from];
                        // Four links a point, each told once in either direction by the two cells that share it.
                        self.net.neighbours[from][usize::from(*slot & 3)] = self.net.corners[next];
                        *slot += 1;
                    }
                    self.net.polygons.push((end as u32, *ambiguous));
                }
            }
        }
    }

    fn on_edge(&self, [i, j, k]: [usize; 3], edge: u8) -> u32 {
        let (axis, start) = edge_parts(edge);
        let at = i + (start & 1) + self.shape[0] * (j + (start >> 1 & 1));
        match axis {
            2 => self.between[at],
            axis => self.in_slab[axis][(k + (start >> 2)) & 1][at],
        }
    }
}

/// What a cell of eight voxels adds, by which of them are inside. Voxel `(i, j, k)` of the cell is bit `i + 2 j + 4 k`.
#[derive(Default)]
struct Case {
    /// Closed ways over the cell's edges.
    cycles: Vec<Vec<u8>>,
    /// Whether a face of the cell has two voxels inside that share only an edge.
    ambiguous: bool,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| (0..=255).map(case).collect());

/// An edge's axis and the corner at its lower end.
fn edge_parts(edge: u8) -> (usize, usize) {
    let axis = usize::from(edge / 4);
    let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
    let offset = usize::from(edge % 4);
    (axis, (offset & 1) << b | (offset >> 1) << c)
}

fn edge_between(p: usize, q: usize) -> u8 {
    (0..12)
        .find(|&e| {
            let (axis, start) = edge_parts(e);
            start == (p & q) && start | 1 << axis == (p | q)
        })
        .unwrap_or(0)
}

fn case(inside: u8) -> Case {
    let is_inside = |corner: usize| inside >> corner & 1 == 1;
    let mut next = [None::<u8>; 12];
    let mut ambiguous = false;
    for axis in 0..3 {
        let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
        for side in 0..2 {
            let corner = |x: usize, y: usize| side << axis | x << b | y << c;
            // Counter-clockwise as seen from outside the cell.
            let mut ring = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
            if side == 0 {
                ring.reverse();
            }
            let leaves = |n: usize| is_inside(ring[n % 4]) && !is_inside(ring[(n + 1) % 4]);
            let enters = |n: usize| !is_inside(ring[n % 4]) && is_inside(ring[(n + 1) % 4]);
            let edge = |n: usize| edge_between(ring[n % 4], ring[(n + 1) % 4]);
            ambiguous |= (0..4).filter(|&n| leaves(n)).count() == 2;
            for n in (0..4).filter(|&n| leaves(n)) {
                let entry = (n + 1..n + 4).find(|&m| enters(m));
                next[usize::from(edge(n))] = entry.map(edge);
            }
        }
    }
    let mut cycles = Vec::new();
    for start in 0..12_u8 {
        let mut cycle = Vec::new();
        let mut at = start;
        while let Some(to) = next[usize::from(at)].take() {
            cycle.push(at);
            at = to;
        }
        if !cycle.is_empty() {
            cycle.reverse();
            cycles.push(cycle);
        }
    }
    Case { cycles, ambiguous }
}
