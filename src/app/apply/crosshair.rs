//! The marked point of each visit, and how the points of linked visits go together.
use crate::{
    app::state::{AppState, VisitId, VisitState},
    measure::Plane,
    volume::Grid,
};
use glam::DVec3;

/// Where the crosshair starts: the voxel in the middle, so that every plane starts on a slice.
pub(super) fn start(grid: &Grid) -> DVec3 {
    grid.point_in_world(grid.shape().map(|n| n / 2))
}

/// Marks a point that the user chose.
pub(super) fn mark(state: &mut AppState, visit: VisitId, point_in_world: DVec3) {
    let Some(visit) = state.visit(visit) else {
        return;
    };
    let (id, point) = (visit.id, inside(visit, point_in_world));
    let marks = state.visits.iter().map(|v| (v.id, v.crosshair, v.placed));
    state.view.before_click = marks.collect();
    place(state, id, point);
}

/// Puts the points back to where they were before the last one was marked.
pub(super) fn take_back(state: &mut AppState) {
    for (id, crosshair, placed) in std::mem::take(&mut state.view.before_click) {
        if let Some(visit) = state.visit_mut(id) {
            visit.crosshair = crosshair;
            visit.placed = placed;
        }
    }
}

/// Two visits that were aligned show one point of the head from now on. The one that was chosen stays; of two that were, the one that is seen.
pub(super) fn join(state: &mut AppState, fixed: VisitId, moving: VisitId) {
    let of = |id: VisitId| state.visit(id).map(|v| (id, v.crosshair, v.placed));
    let (Some(a), Some(b)) = (of(fixed), of(moving)) else {
        return;
    };
    let by_moving = b.2 && (!a.2 || state.active == Some(moving));
    let (id, point, placed) = if by_moving { b } else { a };
    if placed {
        place(state, id, point);
    } else {
        set(state, id, point);
    }
}

/// Moves through the slices of what a visit's cell shows.
pub(super) fn scroll(state: &mut AppState, visit: VisitId, plane: Plane, slices: i64) {
    let Some(visit) = state.visit(visit) else {
        return;
    };
    let (guide, _) = state.cut_by(visit);
    let native = &guide.planes[plane as usize];
    let grid = guide.volume.grid();
    let point = if state.view.anatomical {
        let mut step = DVec3::ZERO;
        step[plane.normal_axis()] = grid.spacing_mm()[native.voxel_axis];
        along(grid, guide.crosshair, step, slices)
    } else {
        native.step(grid, guide.crosshair, slices)
    };
    place(state, guide.id, point);
}

/// Marks a point that was chosen: from now on neither this visit nor one linked to it jumps to its tumour.
pub(super) fn place(state: &mut AppState, id: VisitId, point_in_world: DVec3) {
    set(state, id, point_in_world);
    let linked: Vec<VisitId> = state
        .visits
        .iter()
        .filter(|v| state.linked(v))
        .map(|v| v.id)
        .collect();
    let together = linked.contains(&id);
    for visit in &mut state.visits {
        visit.placed |= visit.id == id || together && linked.contains(&visit.id);
    }
}

/// Marks a point in a visit and the same point of the head in every visit that is linked to it.
fn set(state: &mut AppState, id: VisitId, point_in_world: DVec3) {
    let Some(visit) = state.visit(id) else { return };
    let in_reference = state
        .world_visit_from_world_reference(visit)
        .map(|t| t.inverse().transform_point3(point_in_world));
    let moved: Vec<(VisitId, DVec3)> = in_reference.map_or_else(Vec::new, |point| {
        let linked = |v: &VisitState| {
            Some((
                v.id,
                state
                    .world_visit_from_world_reference(v)?
                    .transform_point3(point),
            ))
        };
        state.visits.iter().filter_map(linked).collect()
    });
    for (other, point) in moved {
        if let Some(visit) = state.visit_mut(other) {
            visit.crosshair = point;
        }
    }
    if let Some(visit) = state.visit_mut(id) {
        // As given, without the rounding of the way there and back.
        visit.crosshair = point_in_world;
    }
}

/// A point of the scan moved by so many steps, or as many as stay in the scan.
fn along(grid: &Grid, from: DVec3, step: DVec3, steps: i64) -> DVec3 {
    let to_voxel = grid.voxel_from_world();
    let (at, by) = (
        to_voxel.transform_point3(from),
        to_voxel.transform_vector3(step),
    );
    let sign = steps.signum() as f64;
    let most = (0..3).filter(|&a| by[a] != 0.0).map(|a| {
        let end = if by[a] * sign > 0.0 {
            grid.shape()[a] as f64 - 1.0
        } else {
            0.0
        };
        ((end - at[a]) / (by[a] * sign) + 1e-9).floor()
    });
    let most = most.fold(steps.unsigned_abs() as f64, f64::min).max(0.0);
    from + step * (sign * most)
}

/// A point moved into the scan.
fn inside(visit: &VisitState, point_in_world: DVec3) -> DVec3 {
    let grid = visit.volume.grid();
    let last = DVec3::from_array(grid.shape().map(|n| n as f64 - 1.0));
    let voxel = grid.voxel_from_world().transform_point3(point_in_world);
    if voxel.cmpge(DVec3::ZERO).all() && voxel.cmple(last).all() {
        return point_in_world;
    }
    grid.world_from_voxel()
        .transform_point3(voxel.clamp(DVec3::ZERO, last))
}
