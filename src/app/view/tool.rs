//! What the left button does, and the distances and angles that it draws.
use super::{Canvas, Cell, brush, cell::Screen, sizes};
use crate::app::{
    command::{Command, ViewCommand},
    state::{AppState, Mark, Tool, VisitState},
};
use crate::measure::Plane;
use egui::{
    Align2, Color32, FontId, Painter, PointerButton, Pos2, Response, Shape, Stroke, Ui, Vec2,
};
use glam::DVec3;

/// Points of a drag that double or halve the window's width, and that shift it by its width.
const WINDOW_DRAG: f64 = 250.0;
/// Points of a drag that double the magnification.
const ZOOM_DRAG: f64 = 150.0;
/// Points of a drag that are one slice.
const SLICE_DRAG: f32 = 8.0;
/// Shorter distances are slips of the hand, mm.
const SHORTEST_MM: f64 = 0.2;
const MARK: Color32 = Color32::from_rgb(120, 220, 255);
/// Dashes, points: what is dashed stands in no report.
const DASH: f32 = 5.0;

/// A distance or an angle that is being drawn: its points so far, RAS mm of the visit's own space.
#[derive(Debug, Clone)]
pub(in crate::app) struct Drawing {
    cell: Cell,
    points: Vec<DVec3>,
}

/// Middle, or left with Alt: pan. Right: zoom at the press point. Left with Ctrl and Shift: window and level. Left alone: the chosen tool.
pub(super) fn drag(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (state, canvas): (&AppState, &mut Canvas),
    cell: Cell,
    out: &mut Vec<Command>,
) {
    let (alt, window) = ui.input(|i| {
        let m = i.modifiers;
        (m.alt, (m.ctrl || m.command) && m.shift)
    });
    if !state.view.tool.edits() && sizes::pull(ui, response, screen, (state, canvas), cell, out) {
        return;
    }
    let left = response.dragged_by(PointerButton::Primary);
    let tool = match () {
        () if response.dragged_by(PointerButton::Middle) || left && alt => Tool::Pan,
        () if response.dragged_by(PointerButton::Secondary) => Tool::Zoom,
        () if left && window => Tool::Window,
        () => state.view.tool,
    };
    if state.view.tool.edits() {
        brush::edit(ui, response, screen, (state, canvas), cell, out);
        if tool == state.view.tool {
            return;
        }
    }
    if matches!(state.view.tool, Tool::Distance | Tool::Angle) {
        draw_mark(ui, response, screen, (state, canvas), cell, out);
        if tool == state.view.tool {
            return;
        }
    }
    let delta = response.drag_delta();
    if delta == Vec2::ZERO {
        return;
    }
    let Cell { visit, plane } = cell;
    let (dx, dy) = (f64::from(delta.x), f64::from(delta.y));
    let command = match tool {
        Tool::Pan => {
            let mm = screen.mm_per_point();
            Some(ViewCommand::Pan {
                visit,
                plane,
                by_mm: [dx * mm, dy * mm],
            })
        }
        Tool::Zoom => {
            let press = ui.input(|i| i.pointer.press_origin());
            let press = press.unwrap_or(screen.rect.center());
            Some(ViewCommand::Zoom {
                visit,
                plane,
                factor: (-dy / ZOOM_DRAG).exp2(),
                about_mm: screen.view.mm_from_px(screen.px(press)),
            })
        }
        Tool::Window => Some(ViewCommand::Window {
            wider: dx / WINDOW_DRAG,
            brighter: -dy / WINDOW_DRAG,
        }),
        Tool::Scroll => {
            canvas.scrolled -= delta.y;
            let slices = (canvas.scrolled / SLICE_DRAG).trunc();
            canvas.scrolled -= slices * SLICE_DRAG;
            (slices != 0.0).then_some(ViewCommand::Scroll {
                visit,
                plane,
                slices: slices as i64,
            })
        }
        Tool::Crosshair => {
            let at = response.interact_pointer_pos();
            at.map(|at| ViewCommand::Crosshair {
                visit,
                point_in_world: screen.view.world_from_px(screen.px(at)),
            })
        }
        _ => None,
    };
    out.extend(command.map(Command::View));
}

/// One drag is a distance, or an angle's first arm; the next drag or click is its second.
fn draw_mark(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (state, canvas): (&AppState, &mut Canvas),
    cell: Cell,
    out: &mut Vec<Command>,
) {
    let world = |at: Pos2| screen.view.world_from_px(screen.px(screen.rect.clamp(at)));
    let plain = ui.input(|i| !i.modifiers.any());
    let angle = state.view.tool == Tool::Angle;
    // An arm that was begun in another cell, or with another tool, is given up.
    let waiting = |d: &Drawing| d.cell == cell && d.points.len() == 2 && angle;
    if response.drag_started_by(PointerButton::Primary) && plain {
        let from = ui.input(|i| i.pointer.press_origin());
        if !canvas.drawing.as_ref().is_some_and(waiting) {
            canvas.drawing = from.map(|from| Drawing {
                cell,
                points: vec![world(from)],
            });
        }
    }
    let Some(drawing) = canvas.drawing.as_mut().filter(|d| d.cell == cell) else {
        return;
    };
    let Some(at) = response.interact_pointer_pos().or(response.hover_pos()) else {
        return;
    };
    let mut points = drawing.points.clone();
    points.push(world(at));
    let second_arm = waiting(drawing);
    let ended = response.drag_stopped() || second_arm && response.clicked();
    if !ended {
        let painter = ui.painter_at(screen.rect);
        draw(
            &painter,
            screen,
            &Mark {
                plane: cell.plane,
                points,
            },
        );
        return;
    }
    let long = points
        .windows(2)
        .all(|p| p[0].distance(p[1]) >= SHORTEST_MM);
    if long && angle && !second_arm {
        drawing.points = points;
        return;
    }
    canvas.drawing = None;
    if long {
        let mark = Mark {
            plane: cell.plane,
            points,
        };
        out.push(Command::View(ViewCommand::AddMark(cell.visit, mark)));
    }
}

/// The distances and angles of the slice that is shown.
pub(super) fn draw_marks(
    painter: &Painter,
    screen: &Screen,
    state: &AppState,
    (visit, plane): (&VisitState, Plane),
) {
    let (guide, _) = state.cut_by(visit);
    let grid = guide.volume.grid();
    let native = &guide.planes[plane as usize];
    let [first, second] = [0, 1].map(|slice| native.frame(grid, slice).centre);
    let half = 0.501 * first.distance(second);
    for mark in visit.marks.iter().filter(|m| m.plane == plane) {
        let here = |p: &DVec3| screen.view.frame.project(*p).1.abs() <= half;
        if mark.points.iter().all(here) {
            draw(painter, screen, mark);
        }
    }
}

fn draw(painter: &Painter, screen: &Screen, mark: &Mark) {
    let at = |p: &DVec3| screen.position(screen.view.px_from_world(*p));
    let points: Vec<Pos2> = mark.points.iter().map(at).collect();
    painter.extend(Shape::dashed_line(
        &points,
        Stroke::new(1.5, MARK),
        DASH,
        DASH,
    ));
    for point in &points {
        painter.circle_stroke(*point, 3.0, Stroke::new(1.0, MARK));
    }
    if let Some(last) = points.last() {
        let place = *last + Vec2::new(8.0, -4.0);
        let font = FontId::proportional(13.0);
        super::overlay::words(
            painter,
            place,
            Align2::LEFT_BOTTOM,
            &mark.words(),
            &font,
            MARK,
        );
    }
}
