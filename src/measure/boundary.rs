//! Where a labelled structure ends.
use crate::volume::{Grid, LabelMap, Structure};
use glam::DVec3;
use rayon::prelude::*;

/// The middle of a voxel face between a structure and what is not it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundaryPoint {
    /// Halfway between the two voxel centres, RAS mm.
    pub point: DVec3,
    /// Area of the face, mm².
    pub area_mm2: f64,
    /// Unit normal of the face, away from the structure.
    pub outward: DVec3,
    /// Index of the slice along the voxel axis nearest to the patient's long axis.
    pub axial_slice: usize,
    /// Whether the face lies between two voxels of one axial slice.
    pub in_slice: bool,
}

/// All faces of a structure. What lies outside the grid counts as not the structure.
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    /// One entry for each face.
    pub points: Vec<BoundaryPoint>,
}

impl Boundary {
    /// The faces of a structure in a label map.
    pub fn of(labels: &LabelMap, structure: Structure) -> Self {
        Self::of_part(labels, structure, |_| true)
    }

    /// The faces of the part of a structure whose voxel centres (RAS mm) are kept, those between the part and the rest of it included.
    pub fn of_part(
        labels: &LabelMap,
        structure: Structure,
        keep: impl Fn(DVec3) -> bool + Sync,
    ) -> Self {
        let (Some(bounds), Some(value)) =
            (labels.bounds(structure), labels.table().value(structure))
        else {
            return Self::default();
        };
        let (grid, data) = (labels.grid(), labels.labels());
        Self::of_voxels(grid, bounds, |index| {
            data[index] == value && keep(grid.point_in_world(grid.voxel(index)))
        })
    }

    /// The faces of what is `inside`, told for each voxel by its place in memory, within `bounds`: first and last index of each axis.
    pub(super) fn of_voxels(
        grid: &Grid,
        bounds: [[usize; 2]; 3],
        inside: impl Fn(usize) -> bool + Sync,
    ) -> Self {
        let shape = grid.shape();
        let slice_axis = grid.closest_ras().voxel_axis(2);
        let edges = [0, 1, 2].map(|a| grid.world_from_voxel().matrix3.col(a));
        let faces = [0, 1, 2].map(|axis| {
            let face = edges[(axis + 1) % 3].cross(edges[(axis + 2) % 3]);
            // Towards the next voxel of the axis, whatever the grid's handedness.
            face * face.dot(edges[axis]).signum()
        });
        let points = (bounds[2][0]..=bounds[2][1])
            .into_par_iter()
            .flat_map_iter(|k| {
                let mut found = Vec::new();
                for j in bounds[1][0]..=bounds[1][1] {
                    for i in bounds[0][0]..=bounds[0][1] {
                        let voxel = [i, j, k];
                        if !inside(grid.index(voxel)) {
                            continue;
                        }
                        let centre = grid.point_in_world(voxel);
                        for axis in 0..3 {
                            for step in [-1_isize, 1] {
                                let next = voxel[axis]
                                    .checked_add_signed(step)
                                    .filter(|&n| n < shape[axis]);
                                let goes_on = next.is_some_and(|n| {
                                    let mut other = voxel;
                                    other[axis] = n;
                                    inside(grid.index(other))
                                });
                                if !goes_on {
                                    found.push(BoundaryPoint {
                                        point: centre + edges[axis] * (step as f64 / 2.0),
                                        area_mm2: faces[axis].length(),
                                        outward: (faces[axis] * step as f64).normalize_or_zero(),
                                        axial_slice: voxel[slice_axis],
                                        in_slice: axis != slice_axis,
                                    });
                                }
                            }
                        }
                    }
                }
                found
            })
            .collect();
        Self { points }
    }

    /// Sum of the face areas, mm². Larger than the surface it approximates, because faces follow the voxel axes.
    pub fn face_area_mm2(&self) -> f64 {
        self.points.iter().map(|p| p.area_mm2).sum()
    }

    /// For each point of `self` its distance to the nearest point of `other`, mm, and that point's index; `None` when `other` is empty.
    pub fn nearest_in(&self, other: &Self) -> Option<Vec<(f64, usize)>> {
        if other.points.is_empty() {
            return None;
        }
        let tree = Tree::new(other.points.iter().map(|p| p.point).collect());
        Some(
            self.points
                .par_iter()
                .map(|p| tree.nearest(p.point))
                .collect(),
        )
    }
}

/// A k-d tree: each range of `order` is split at its middle, along the axis of its depth.
struct Tree {
    points: Vec<DVec3>,
    order: Vec<usize>,
}

impl Tree {
    fn new(points: Vec<DVec3>) -> Self {
        fn split(points: &[DVec3], order: &mut [usize], axis: usize) {
            if order.len() > 1 {
                let middle = order.len() / 2;
                let (low, _, high) = order.select_nth_unstable_by(middle, |&a, &b| {
                    points[a][axis].total_cmp(&points[b][axis])
                });
                split(points, low, (axis + 1) % 3);
                split(points, high, (axis + 1) % 3);
            }
        }
        let mut order: Vec<usize> = (0..points.len()).collect();
        split(&points, &mut order, 0);
        Self { points, order }
    }

    /// Distance to the nearest point and its index.
    fn nearest(&self, query: DVec3) -> (f64, usize) {
        let mut best = (f64::INFINITY, 0);
        self.search(query, &self.order, 0, &mut best);
        (best.0.sqrt(), best.1)
    }

    fn search(&self, query: DVec3, range: &[usize], axis: usize, best: &mut (f64, usize)) {
        let middle = range.len() / 2;
        let Some(&at) = range.get(middle) else {
            return;
        };
        let squared = self.points[at].distance_squared(query);
        if squared < best.0 {
            *best = (squared, at);
        }
        let beyond = query[axis] - self.points[at][axis];
        let (low, high) = (&range[..middle], &range[middle + 1..]);
        let (near, far) = if beyond < 0.0 {
            (low, high)
        } else {
            (high, low)
        };
        self.search(query, near, (axis + 1) % 3, best);
        if beyond * beyond < best.0 {
            self.search(query, far, (axis + 1) % 3, best);
        }
    }
}

/// Largest distance between two of the points, mm; 0 for fewer than two.
pub(super) fn diameter_mm(points: &[DVec3]) -> f64 {
    diameter(points).map_or(0.0, |[a, b]| a.distance(b))
}

/// The two points that lie farthest apart; `None` for fewer than two.
pub(super) fn diameter(points: &[DVec3]) -> Option<[DVec3; 2]> {
    if points.len() < 2 {
        return None;
    }
    let centre = points.iter().sum::<DVec3>() / points.len() as f64;
    let radius = points
        .iter()
        .map(|p| p.distance(centre))
        .fold(0.0, f64::max);
    // A lower bound from 100 directions; a pair that beats it has both ends farther from the centre than the bound less the radius.
    let bound = (0..100)
        .map(|n| {
            let u = fibonacci_direction(n, 200);
            let (low, high) =
                points
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| {
                        let x = p.dot(u);
                        (l.min(x), h.max(x))
                    });
            high - low
        })
        .fold(0.0, f64::max);
    // The extent along a direction never exceeds the diameter.
    let far: Vec<DVec3> = points
        .iter()
        .copied()
        .filter(|p| p.distance(centre) >= bound - radius - 1e-9)
        .collect();
    // Of pairs that are equally far apart the first, whatever the number of threads.
    let farther = |a: (f64, usize, usize), b: (f64, usize, usize)| {
        let ahead = b.0 > a.0 || (b.0 >= a.0 && (b.1, b.2) < (a.1, a.2));
        if ahead { b } else { a }
    };
    let (_, a, b) = far
        .par_iter()
        .enumerate()
        .map(|(n, p)| {
            (n + 1..far.len())
                .map(|m| (p.distance_squared(far[m]), n, m))
                .fold((-1.0, 0, 0), farther)
        })
        .reduce(|| (-1.0, 0, 0), farther);
    Some([*far.get(a)?, *far.get(b)?])
}

/// The `n`-th of `count` nearly even directions on the sphere.
pub(super) fn fibonacci_direction(n: usize, count: usize) -> DVec3 {
    let z = 1.0 - (2.0 * n as f64 + 1.0) / count as f64;
    let turn = n as f64 * std::f64::consts::PI * (3.0 - 5.0_f64.sqrt());
    let r = (1.0 - z * z).max(0.0).sqrt();
    DVec3::new(r * turn.cos(), r * turn.sin(), z)
}
