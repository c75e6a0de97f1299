//! Running through the slices.
use super::Canvas;
use crate::app::{
    command::{Command, ViewCommand},
    state::AppState,
};
use egui::Context;
use std::time::Duration;

/// Slices in a second.
const PER_SECOND: f64 = 12.0;

/// The next slice when its time has come, the first after the last. Costs nothing when nothing runs.
pub(in crate::app) fn run_cine(
    ctx: &Context,
    state: &AppState,
    canvas: &mut Canvas,
    out: &mut Vec<Command>,
) {
    let Some((id, plane)) = state.view.cine else {
        return;
    };
    let Some(visit) = state.visit(id) else {
        return;
    };
    let now = ctx.input(|i| i.time);
    let wait = 1.0 / PER_SECOND;
    if now - canvas.cine_at >= wait {
        canvas.cine_at = now;
        let (guide, _) = state.cut_by(visit);
        let native = &guide.planes[plane as usize];
        let last = native.slices as i64 - 1;
        let at = native.slice_at(guide.volume.grid(), guide.crosshair) as i64;
        let slices = if at < last { 1 } else { -last };
        out.push(Command::View(ViewCommand::Scroll {
            visit: id,
            plane,
            slices,
        }));
    }
    ctx.request_repaint_after(Duration::from_secs_f64(wait));
}
