//! Outlines of a structure on any plane through it.
use super::PlaneFrame;
use crate::volume::{Grid, LabelMap, Structure};
use glam::{DAffine3, DMat3, DVec3};
use std::collections::HashMap;

/// One outline on a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// Points in mm from the frame's centre, `[right, down]`.
    pub points_mm: Vec<[f64; 2]>,
    /// Whether the last point joins the first; open where the picture cuts the structure.
    pub closed: bool,
}

/// Most samples along one side of the sampled rectangle.
const MAX_SAMPLES: usize = 2048;

/// Outlines of a structure where `frame` cuts it, within `half_extent_mm` (`[right, down]`) of the frame's centre.
///
/// The labels are interpolated linearly and cut at one half (marching squares), so that on a scan's own slices the outline runs halfway between the voxels
/// inside and their neighbours outside.
pub fn contours(
    labels: &LabelMap,
    structure: Structure,
    frame: &PlaneFrame,
    half_extent_mm: [f64; 2],
) -> Vec<Contour> {
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return Vec::new();
    };
    let Some((low, high)) = rectangle(labels.grid(), bounds, frame, half_extent_mm) else {
        return Vec::new();
    };
    let grid = labels.grid();
    let inside = |at| f32::from(u8::from(labels.labels()[grid.index(at)] == value));
    let values = |low, step, count| sample(grid, inside, 0.0, frame, low, step, count);
    trace(grid, (low, high), values)
}

/// Outlines of a mask of pixels, in pixels from the centre of the first: all closed, none crosses or touches itself or another, and a pixel is inside when its centre is inside an odd number of them.
///
/// As [`contours`] on a scan's own slices: halfway between a pixel inside and its neighbour outside; points in the middle of straight lines are left out.
pub fn pixel_outlines(mask: &[bool], [width, height]: [usize; 2]) -> Vec<Vec<[f64; 2]>> {
    if mask.len() != width * height {
        return Vec::new();
    }
    // One empty pixel around closes every outline.
    let wide = width + 2;
    let mut values = vec![0.0_f32; wide * (height + 2)];
    for (at, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        values[at % width + 1 + wide * (at / width + 1)] = 1.0;
    }
    let mut segments = Segments::default();
    for y in 0..=height {
        for x in 0..=width {
            segments.cell(&values, wide, x, y);
        }
    }
    let chains = segments.chains().into_iter();
    chains
        .map(|(points, _)| without_straight_points(&points))
        .map(|points| {
            points
                .into_iter()
                .map(|[x, y]| [x - 1.0, y - 1.0])
                .collect()
        })
        .collect()
}

/// A closed polygon on halves without the points in the middle of straight lines.
fn without_straight_points(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let count = points.len();
    let turns = |n: &usize| {
        let [before, at, after] = [n + count - 1, *n, n + 1].map(|n| points[n % count]);
        let (u, v) = (
            [at[0] - before[0], at[1] - before[1]],
            [after[0] - at[0], after[1] - at[1]],
        );
        // Halves are exact, so that one straight line leaves nothing.
        (u[0] * v[1] - u[1] * v[0]).abs() > 0.0
    };
    (0..count).filter(turns).map(|n| points[n]).collect()
}

/// Outlines at one half of what `sampled` gives on a lattice over a rectangle of a plane, mm from the frame's centre.
pub(super) fn trace(
    grid: &Grid,
    (low, high): ([f64; 2], [f64; 2]),
    sampled: impl FnOnce([f64; 2], f64, [usize; 2]) -> Vec<f32>,
) -> Vec<Contour> {
    let spacing = grid.spacing_mm();
    let finest = spacing.iter().copied().fold(f64::INFINITY, f64::min) / 2.0;
    let longest = (high[0] - low[0]).max(high[1] - low[1]);
    let step = finest.max(longest / (MAX_SAMPLES - 2) as f64);
    let count = [0, 1].map(|a| ((high[a] - low[a]) / step).ceil() as usize + 1);
    let values = sampled(low, step, count);
    let mut segments = Segments::default();
    for y in 0..count[1].saturating_sub(1) {
        for x in 0..count[0].saturating_sub(1) {
            segments.cell(&values, count[0], x, y);
        }
    }
    segments
        .chains()
        .into_iter()
        .map(|(points, closed)| Contour {
            points_mm: points
                .into_iter()
                .map(|[x, y]| [low[0] + x * step, low[1] + y * step])
                .collect(),
            closed,
        })
        .collect()
}

/// The part of the plane that can hold what lies in the box of voxels; `None` when the plane misses it.
pub(super) fn rectangle(
    grid: &Grid,
    bounds: [[usize; 2]; 3],
    frame: &PlaneFrame,
    half: [f64; 2],
) -> Option<([f64; 2], [f64; 2])> {
    let to_world = grid.world_from_voxel();
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    let mut depth = (f64::INFINITY, f64::NEG_INFINITY);
    for corner in 0..8_usize {
        let at = DVec3::from_array(std::array::from_fn(|a| {
            let end = corner >> a & 1;
            bounds[a][end] as f64 + [-1.0, 1.0][end]
        }));
        let (mm, d) = frame.project(to_world.transform_point3(at));
        for a in 0..2 {
            low[a] = low[a].min(mm[a]);
            high[a] = high[a].max(mm[a]);
        }
        depth = (depth.0.min(d), depth.1.max(d));
    }
    if depth.0 > 0.0 || depth.1 < 0.0 {
        return None;
    }
    for a in 0..2 {
        low[a] = low[a].max(-half[a]);
        high[a] = high[a].min(half[a]);
        if low[a] >= high[a] {
            return None;
        }
    }
    Some((low, high))
}

/// Trilinear values on a lattice of a plane, `right` fastest; `outside` beyond the grid.
pub(super) fn sample(
    grid: &Grid,
    value: impl Fn([usize; 3]) -> f32,
    outside: f32,
    frame: &PlaneFrame,
    low: [f64; 2],
    step: f64,
    count: [usize; 2],
) -> Vec<f32> {
    let shape = grid.shape();
    let plane = DAffine3::from_mat3_translation(
        DMat3::from_cols(frame.right * step, frame.down * step, frame.into_screen()),
        frame.point_in_world(low),
    );
    let voxel_from_sample = grid.voxel_from_world() * plane;
    let inside = |i: i64, j: i64, k: i64| -> f32 {
        let ok = |v: i64, n: usize| v >= 0 && v < n as i64;
        if ok(i, shape[0]) && ok(j, shape[1]) && ok(k, shape[2]) {
            value([i as usize, j as usize, k as usize])
        } else {
            outside
        }
    };
    let mut values = Vec::with_capacity(count[0] * count[1]);
    for y in 0..count[1] {
        for x in 0..count[0] {
            let v = voxel_from_sample.transform_point3(DVec3::new(x as f64, y as f64, 0.0));
            // A plane through voxel centres must not take a share of the next slice through rounding.
            let f = (v + 1e-9).floor();
            let t = (v - f).max(DVec3::ZERO).as_vec3();
            let [i, j, k] = [f.x as i64, f.y as i64, f.z as i64];
            let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
            let row = |j: i64, k: i64| mix(inside(i, j, k), inside(i + 1, j, k), t.x);
            let slab = |k: i64| mix(row(j, k), row(j + 1, k), t.y);
            values.push(if t.z < 1e-6 {
                slab(k)
            } else {
                mix(slab(k), slab(k + 1), t.z)
            });
        }
    }
    values
}

/// An edge of the sample lattice: its first corner and whether it runs down.
type Edge = (usize, usize, bool);

/// Line segments between lattice edges, joined into chains.
#[derive(Default)]
struct Segments {
    next: HashMap<Edge, Vec<Edge>>,
    place: HashMap<Edge, [f64; 2]>,
    order: Vec<Edge>,
}

impl Segments {
    fn cell(&mut self, values: &[f32], width: usize, x: usize, y: usize) {
        let at = |x: usize, y: usize| values[x + width * y];
        // Clockwise from the upper left.
        let corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
        let case = corners
            .iter()
            .enumerate()
            .fold(0, |c, (n, v)| c | (usize::from(*v >= 0.5) << n));
        if case == 0 || case == 15 {
            return;
        }
        let edges: [Edge; 4] = [
            (x, y, false),
            (x + 1, y, true),
            (x, y + 1, false),
            (x, y, true),
        ];
        let mut crossed: Vec<usize> = (0..4)
            .filter(|&e| (case >> e & 1) != (case >> ((e + 1) % 4) & 1))
            .collect();
        if crossed.len() == 4 && (corners.iter().sum::<f32>() / 4.0 >= 0.5) == (case & 1 == 1) {
            // Ambiguous cell: the middle decides which corners are joined.
            crossed.rotate_left(1);
        }
        for pair in crossed.chunks_exact(2) {
            let ends = [pair[0], pair[1]].map(|e| {
                let (a, b) = (corners[e], corners[(e + 1) % 4]);
                let t = f64::from((0.5 - a) / (b - a));
                let place = match e {
                    0 => [x as f64 + t, y as f64],
                    1 => [x as f64 + 1.0, y as f64 + t],
                    2 => [x as f64 + 1.0 - t, y as f64 + 1.0],
                    _ => [x as f64, y as f64 + 1.0 - t],
                };
                self.place.insert(edges[e], place);
                edges[e]
            });
            self.next.entry(ends[0]).or_default().push(ends[1]);
            self.next.entry(ends[1]).or_default().push(ends[0]);
            self.order.extend(ends);
        }
    }

    fn chains(mut self) -> Vec<(Vec<[f64; 2]>, bool)> {
        let order = std::mem::take(&mut self.order);
        let mut chains = Vec::new();
        // Open chains first, from their ends; what is left are loops.
        let ends: Vec<Edge> = order
            .iter()
            .copied()
            .filter(|e| self.next.get(e).map_or(0, Vec::len) == 1)
            .collect();
        for start in ends.into_iter().chain(order) {
            if self.next.get(&start).is_none_or(Vec::is_empty) {
                continue;
            }
            let mut edges = vec![start];
            let mut at = start;
            while let Some(to) = self.take(at) {
                edges.push(to);
                at = to;
            }
            let closed = edges.len() > 2 && edges.first() == edges.last();
            if closed {
                edges.pop();
            }
            let points: Vec<[f64; 2]> = edges
                .iter()
                .filter_map(|e| self.place.get(e).copied())
                .collect();
            chains.push((points, closed));
        }
        chains
    }

    /// Removes one segment at an edge and returns its other end.
    fn take(&mut self, at: Edge) -> Option<Edge> {
        let to = self.next.get_mut(&at)?.pop()?;
        if let Some(back) = self.next.get_mut(&to)
            && let Some(n) = back.iter().position(|e| *e == at)
        {
            back.swap_remove(n);
        }
        Some(to)
    }
}
