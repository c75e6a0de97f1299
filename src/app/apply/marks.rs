//! Distances, angles and kept slices: what is drawn or noted beside the result.
use super::crosshair;
use crate::app::{
    command::ViewCommand,
    state::{AppState, KeyImage},
};

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
