//! Voxels under a round brush.
use super::slice::Slice;
use crate::volume::Grid;
use glam::DVec3;
use std::array::from_fn;

/// The voxels whose centres lie within `radius_mm` of the segment between two points (RAS mm): a ball that was moved along it. A brush that is
/// thinner than the voxels still marks those that the segment passes through. Nothing when a number is not finite or the radius negative.
pub fn ball(grid: &Grid, from: DVec3, to: DVec3, radius_mm: f64) -> Vec<usize> {
    stroke(grid, from, to, radius_mm, None)
}

/// The same on native slice `slice` of a voxel axis: a disc in the slice's plane, moved along the segment's projection on it. Nothing when the
/// grid has no such slice.
pub fn disc(
    grid: &Grid,
    axis: usize,
    slice: usize,
    from: DVec3,
    to: DVec3,
    radius_mm: f64,
) -> Vec<usize> {
    let Some(slice) = Slice::new(grid, axis, slice) else {
        return Vec::new();
    };
    let (from, to) = (slice.foot(from), slice.foot(to));
    stroke(grid, from, to, radius_mm, Some(&slice))
}

fn stroke(
    grid: &Grid,
    from: DVec3,
    to: DVec3,
    radius_mm: f64,
    slice: Option<&Slice>,
) -> Vec<usize> {
    let finite = from.is_finite() && to.is_finite() && radius_mm.is_finite();
    if !finite || radius_mm < 0.0 {
        return Vec::new();
    }
    let capsule = Capsule {
        from,
        along: to - from,
        radius_mm,
    };
    let mut voxels = capsule.voxels(grid, slice);
    let mut thin = passed(grid, from, to, slice);
    // Almost always they are there already, and sorting would cost more than all the rest.
    thin.retain(|v| voxels.binary_search(v).is_err());
    if !thin.is_empty() {
        voxels.extend(thin);
        voxels.sort_unstable();
        voxels.dedup();
    }
    voxels
}

/// What lies within a radius of a segment.
struct Capsule {
    from: DVec3,
    /// From the segment's one end to the other.
    along: DVec3,
    radius_mm: f64,
}

impl Capsule {
    fn holds(&self, point: DVec3) -> bool {
        let way = point - self.from;
        let length2 = self.along.length_squared();
        let t = if length2 > 0.0 {
            (way.dot(self.along) / length2).clamp(0.0, 1.0)
        } else {
            0.0
        };
        (way - self.along * t).length_squared() <= self.radius_mm * self.radius_mm
    }

    /// Its voxels in memory order. Each row of voxels meets a convex body in one interval, so only rows are searched.
    fn voxels(&self, grid: &Grid, slice: Option<&Slice>) -> Vec<usize> {
        let mut found = Vec::new();
        let Some([[i0, i1], [j0, j1], [k0, k1]]) = self.bounds(grid, slice) else {
            return found;
        };
        let step = grid.world_from_voxel().matrix3.x_axis;
        for k in k0..=k1 {
            for j in j0..=j1 {
                let origin = grid.point_in_world([0, j, k]);
                let Some([low, high]) = self.interval(origin, step) else {
                    continue;
                };
                // Rounded outwards; the distances of the two ends decide, and what lies between them is inside.
                let mut first = (low.floor().max(0.0) as usize).max(i0);
                let mut last = (high.ceil().max(0.0) as usize).min(i1);
                let holds = |i| self.holds(grid.point_in_world([i, j, k]));
                while first <= last && !holds(first) {
                    first += 1;
                }
                while first < last && !holds(last) {
                    last -= 1;
                }
                found.extend((first..=last).map(|i| grid.index([i, j, k])));
            }
        }
        found
    }

    /// First and last index of each axis between which it lies; `None` when that is outside the grid.
    fn bounds(&self, grid: &Grid, slice: Option<&Slice>) -> Option<[[usize; 2]; 3]> {
        let voxel_from_world = grid.voxel_from_world();
        let a = voxel_from_world.transform_point3(self.from);
        let b = voxel_from_world.transform_point3(self.from + self.along);
        let (low, high) = (a.min(b).to_array(), a.max(b).to_array());
        let mut bounds = [[0; 2]; 3];
        for axis in 0..3 {
            if let Some(slice) = slice.filter(|s| s.axis == axis) {
                bounds[axis] = [slice.index; 2];
                continue;
            }
            // A sphere reaches as far along a voxel axis as that row of the matrix is long.
            let reach = self.radius_mm * voxel_from_world.matrix3.row(axis).length();
            let last = (grid.shape()[axis] - 1) as f64;
            let first = (low[axis] - reach).floor().max(0.0);
            let end = (high[axis] + reach).ceil().min(last);
            if first > end {
                return None;
            }
            bounds[axis] = [first as usize, end as usize];
        }
        Some(bounds)
    }

    /// Between which `s` the points `origin + s · step` lie inside, up to rounding.
    fn interval(&self, origin: DVec3, step: DVec3) -> Option<[f64; 2]> {
        let way = origin - self.from;
        let ends = [
            within(way, step, self.radius_mm),
            within(way - self.along, step, self.radius_mm),
            self.barrel(way, step),
        ];
        ends.into_iter()
            .flatten()
            .reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
    }

    /// The same for the cylinder between the two end balls.
    fn barrel(&self, way: DVec3, step: DVec3) -> Option<[f64; 2]> {
        let axis = self.along.try_normalize()?;
        let across = |v: DVec3| v - axis * axis.dot(v);
        let round = within(across(way), across(step), self.radius_mm)?;
        let (start, speed) = (axis.dot(way), axis.dot(step));
        let length = self.along.length();
        let flat = if speed == 0.0 {
            if !(0.0..=length).contains(&start) {
                return None;
            }
            [f64::NEG_INFINITY, f64::INFINITY]
        } else {
            let (a, b) = (-start / speed, (length - start) / speed);
            [a.min(b), a.max(b)]
        };
        let both = [round[0].max(flat[0]), round[1].min(flat[1])];
        (both[0] <= both[1]).then_some(both)
    }
}

/// Between which `s` the length of `way + s · step` is at most `radius`; everywhere or nowhere when the step is nothing.
fn within(way: DVec3, step: DVec3, radius: f64) -> Option<[f64; 2]> {
    let a = step.length_squared();
    let nearest = -way.dot(step) / a;
    if !nearest.is_finite() {
        let everywhere = [f64::NEG_INFINITY, f64::INFINITY];
        return (way.length() <= radius).then_some(everywhere);
    }
    // From the foot of the perpendicular, which loses fewer digits than the discriminant.
    let off2 = (way + step * nearest).length_squared();
    let half = ((radius * radius - off2) / a).sqrt();
    (half >= 0.0).then_some([nearest - half, nearest + half])
}

/// The voxels that a segment passes through, sampled at half voxels and at its ends, in no order.
fn passed(grid: &Grid, from: DVec3, to: DVec3, slice: Option<&Slice>) -> Vec<usize> {
    let a = grid.voxel_from_world().transform_point3(from).to_array();
    let b = grid.voxel_from_world().transform_point3(to).to_array();
    let way: [f64; 3] = from_fn(|axis| b[axis] - a[axis]);
    let limit = grid.shape().map(|n| n as f64 - 0.5);
    // Only the part inside the grid is walked along, however far the ends are.
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for axis in 0..3 {
        if way[axis] == 0.0 {
            continue;
        }
        let p = (-0.5 - a[axis]) / way[axis];
        let q = (limit[axis] - a[axis]) / way[axis];
        enter = enter.max(p.min(q));
        leave = leave.min(p.max(q));
    }
    if enter > leave {
        return Vec::new();
    }
    // Where the segment enters and leaves the grid rounding may put it outside; the middles of steps lie inside, however short its way there is.
    let longest = way.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
    let steps = (2.0 * longest * (leave - enter)).ceil().max(1.0) as usize;
    let middles = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64);
    middles
        .chain([0.0, 1.0])
        .filter_map(|part| {
            let t = enter + (leave - enter) * part;
            let mut voxel = [0; 3];
            for axis in 0..3 {
                let at = (a[axis] + way[axis] * t + 0.5).floor();
                if !(at >= 0.0 && at < limit[axis]) {
                    return None;
                }
                voxel[axis] = at as usize;
            }
            if let Some(slice) = slice {
                voxel[slice.axis] = slice.index;
            }
            Some(grid.index(voxel))
        })
        .collect()
}
