//! The porus plane and the line of the chosen diameter, whose ends a reader may pull.
use super::{Canvas, Cell, cell::Screen, overlay};
use crate::{
    app::{
        command::{Command, EditCommand},
        state::{AppState, Outlines, VisitState},
    },
    measure::{Diameter, TumourMeasures},
};
use egui::{
    Align2, Color32, CursorIcon, FontId, Painter, PointerButton, Pos2, Response, Shape, Stroke, Ui,
    Vec2,
};
use glam::DVec3;

/// Half the length at which the porus plane is drawn, mm.
const PORUS_MM: f64 = 12.0;
const SIZE: Color32 = Color32::from_rgb(255, 150, 220);
/// Ends are taken hold of from this near, points.
const GRAB: f32 = 9.0;
/// A line this far out of the plane is still drawn whole, mm.
const IN_PLANE_MM: f64 = 1.0;

/// The porus plane, and the line of the chosen diameter: whole where it lies in this plane, dotted where it is only seen through it.
pub(super) fn draw(painter: &Painter, screen: &Screen, state: &AppState, visit: &VisitState) {
    let Some(measures) = measures(visit) else {
        return;
    };
    let frame = &screen.view.frame;
    let place = |mm: [f64; 2]| screen.position(screen.view.px_from_mm(mm));
    let stroke = Stroke::new(1.2, SIZE);
    let plane = measures.porus_plane.as_ref().filter(|_| state.view.porus);
    if let Some((point, along)) = plane.and_then(|p| p.line_in(frame)) {
        let end = |by: f64| place([point[0] + along[0] * by, point[1] + along[1] * by]);
        let ends = [end(-PORUS_MM), end(PORUS_MM)];
        painter.extend(Shape::dashed_line(&ends, stroke, 7.0, 3.0));
        let font = FontId::proportional(11.0);
        overlay::words(painter, ends[1], Align2::LEFT_CENTER, "porus", &font, SIZE);
    }
    let chosen = state.view.diameter.and_then(|d| measures.diameters.get(d));
    if let Some(d) = chosen {
        let [a, b] = d.ends_ras_mm.map(|p| frame.project(DVec3::from(p)));
        let ends = [place(a.0), place(b.0)];
        let here = a.1.abs() < IN_PLANE_MM && b.1.abs() < IN_PLANE_MM;
        if here {
            painter.line_segment(ends, stroke);
        } else {
            painter.extend(Shape::dotted_line(&ends, SIZE, 5.0, 1.0));
        }
        for end in ends {
            painter.circle_stroke(end, 3.0, stroke);
        }
        let text = format!("{:.1} mm", d.value_mm);
        let at = ends[0].lerp(ends[1], 0.5) + Vec2::new(6.0, -6.0);
        overlay::words(
            painter,
            at,
            Align2::LEFT_BOTTOM,
            &text,
            &FontId::proportional(13.0),
            SIZE,
        );
    }
}

fn measures(visit: &VisitState) -> Option<&TumourMeasures> {
    let finding = &visit.outlines.as_ref()?.measured.finding;
    finding.tumour.as_ref()?.measures.as_ref()
}

/// Pulls an end of the line that is shown; whether the drag is that.
pub(super) fn pull(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (state, canvas): (&AppState, &mut Canvas),
    cell: Cell,
    out: &mut Vec<Command>,
) -> bool {
    let visit = state.visit(cell.visit);
    let line = visit.and_then(|v| {
        let free = v.outlines.as_ref().is_some_and(|o| !Outlines::is_locked(o));
        measures(v)?
            .diameters
            .get(state.view.diameter.filter(|_| free)?)
    });
    let Some(line) = line else {
        canvas.pulled = None;
        return false;
    };
    let world = |at: Pos2| screen.view.world_from_px(screen.px(screen.rect.clamp(at)));
    if response.drag_started_by(PointerButton::Primary) && ui.input(|i| !i.modifiers.any()) {
        let press = ui.input(|i| i.pointer.press_origin());
        let end = press.and_then(|at| end_near(screen, line, at));
        canvas.pulled = end.map(|end| (cell, line.which, end));
    }
    let Some((_, which, end)) = canvas
        .pulled
        .filter(|(c, which, _)| *c == cell && *which == line.which)
    else {
        let over = response
            .hover_pos()
            .and_then(|at| end_near(screen, line, at));
        if over.is_some() {
            ui.ctx().set_cursor_icon(CursorIcon::Grab);
        }
        return false;
    };
    if let Some(at) = response.interact_pointer_pos() {
        let mut ends = line.ends_ras_mm.map(DVec3::from);
        ends[end] = world(at);
        let moved = EditCommand::MoveLine(which, Some(ends));
        out.push(Command::Edit(cell.visit, moved));
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    }
    if response.drag_stopped() {
        canvas.pulled = None;
        out.push(Command::Edit(cell.visit, EditCommand::EndMove));
    }
    true
}

/// The end of a line in this plane that is under the pointer.
fn end_near(screen: &Screen, line: &Diameter, at: Pos2) -> Option<usize> {
    let distance = |end: [f64; 3]| {
        let (mm, depth) = screen.view.frame.project(DVec3::from(end));
        let place = screen.position(screen.view.px_from_mm(mm));
        (depth.abs() < IN_PLANE_MM).then(|| place.distance(at))
    };
    let [first, second] = line.ends_ras_mm.map(|e| distance(e).filter(|d| *d <= GRAB));
    match (first, second) {
        (Some(a), Some(b)) => Some(usize::from(b < a)),
        (Some(_), None) => Some(0),
        (None, Some(_)) => Some(1),
        (None, None) => None,
    }
}
