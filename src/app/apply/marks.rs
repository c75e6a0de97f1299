//! Distances, angles and kept slices: what is drawn or noted beside the result.
use super::crosshair;
use crate::app::{
    command::ViewCommand,
    marks::KeyImage,
    state::{AppState, VisitState, ZoomPan},
};
use crate::measure::Plane;
use glam::DVec3;

/// The marked point moved to the next axial slice of the tumour that was not seen yet; into the tumour where it is not in its box.
fn next_unseen(visit: &VisitState) -> Option<DVec3> {
    let outlines = visit.outlines.as_ref()?;
    let axial = &visit.planes[Plane::Axial as usize];
    let grid = visit.volume.grid();
    let at = axial.slice_at(grid, visit.crosshair);
    let unseen = outlines.unseen_slices(axial);
    let next = unseen.iter().find(|s| **s >= at).or(unseen.first())?;
    let mut voxel = grid.voxel_from_world().transform_point3(visit.crosshair);
    voxel[axial.voxel_axis] = *next as f64;
    Some(grid.world_from_voxel().transform_point3(voxel))
}

/// Moves a picture that is zoomed in or was moved, so that it shows the tumour on the marked slice: unseen it stays where it is not in the cell.
fn bring_into_view(visit: &mut VisitState) {
    let axial = visit.planes[Plane::Axial as usize];
    let grid = *visit.volume.grid();
    let slice = axial.slice_at(&grid, visit.crosshair);
    let outlines = visit.outlines.as_ref();
    let middle = outlines.and_then(|o| o.tumour_middle(&axial, slice));
    let zoom_pan = &mut visit.zoom_pan[Plane::Axial as usize];
    if let Some(middle) = middle.filter(|_| *zoom_pan != ZoomPan::default()) {
        zoom_pan.centre_mm = axial.frame(&grid, slice).project(middle).0;
    }
}

/// Carries out a command on them.
pub(super) fn apply(state: &mut AppState, command: ViewCommand) {
    match command {
        ViewCommand::AddMark(visit, mark) => {
            if let Some(visit) = state.visit_mut(visit) {
                visit.marks.push(mark);
            }
        }
        ViewCommand::RemoveMark(visit) => {
            if let Some(visit) = state.visit_mut(visit) {
                visit.marks.pop();
            }
        }
        ViewCommand::KeepImage(visit, plane) => {
            let (preset, window) = (state.view.preset, state.view.window);
            if let Some(visit) = state.visit_mut(visit) {
                visit.key_images.push(KeyImage {
                    plane,
                    crosshair: visit.crosshair,
                    preset,
                    window,
                });
            }
        }
        ViewCommand::ShowImage(id, number) => {
            let image = state.visit(id).and_then(|v| v.key_images.get(number));
            if let Some(image) = image.copied() {
                state.view.preset = image.preset;
                state.view.window = image.window;
                state.active = Some(id);
                crosshair::mark(state, id, image.crosshair);
            }
        }
        ViewCommand::NextUnseen(id) => {
            if let Some(point) = state.visit(id).and_then(next_unseen) {
                crosshair::mark(state, id, point);
                if let Some(visit) = state.visit_mut(id) {
                    bring_into_view(visit);
                }
            }
        }
        ViewCommand::DropImage(visit, number) => {
            if let Some(visit) = state.visit_mut(visit)
                && number < visit.key_images.len()
            {
                visit.key_images.remove(number);
            }
        }
        _ => {}
    }
}
