//! The editing tools on a plane.
use super::{Canvas, Cell, cell::Screen, colour};
use crate::app::{
    command::{Command, EditCommand, ViewCommand},
    state::{AppState, BrushOptions, Tool},
};
use egui::{Align2, Color32, FontId, PointerButton, Pos2, Response, Shape, Stroke, Ui};
use glam::DVec3;

/// What is told where a plane does not show the visit's own slices.
const FOREIGN: &str = "cut along another scan's slices: leave the comparison to edit";

/// Presses, drags and the cursor of the editing tools.
pub(super) fn edit(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (state, canvas): (&AppState, &mut Canvas),
    cell: Cell,
    out: &mut Vec<Command>,
) {
    let own = state
        .visit(cell.visit)
        .is_some_and(|v| state.cut_by(v).0.id == v.id);
    if !own {
        canvas.stroke = None;
        if response.hovered() {
            let painter = ui.painter_at(screen.rect);
            let at = screen.rect.center_bottom() - egui::Vec2::new(0.0, 34.0);
            let font = FontId::proportional(13.0);
            super::overlay::words(
                &painter,
                at,
                Align2::CENTER_BOTTOM,
                FOREIGN,
                &font,
                Color32::YELLOW,
            );
        }
        return;
    }
    let tool = state.view.tool;
    let ctrl = ui.input(|i| i.modifiers.ctrl || i.modifiers.command);
    let world = |at: Pos2| screen.view.world_from_px(screen.px(at));
    cursor(ui, response, screen, state, ctrl);
    resize(ui, response, state.view.brush, out);
    if tool == Tool::Flood {
        if response.clicked_by(PointerButton::Primary)
            && let Some(at) = response.interact_pointer_pos()
        {
            out.push(Command::Edit(cell.visit, EditCommand::Flood(world(at))));
        }
        return;
    }
    let pressed = response.is_pointer_button_down_on()
        && ui.input(|i| i.pointer.primary_down() && !i.modifiers.alt);
    let at = response.interact_pointer_pos().filter(|_| pressed);
    // Another cell's stroke is not ours to end.
    let stroke = canvas.stroke.take_if(|(c, _)| *c == cell);
    match (at, stroke) {
        (Some(at), stroke) => {
            let to = world(at);
            let mut points = stroke.map_or_else(Vec::new, |(_, points)| points);
            let from = points.last().copied().unwrap_or(to);
            if points.is_empty() || from.distance(to) > 0.0 {
                points.push(to);
                if tool != Tool::Polygon {
                    let erase = (tool == Tool::Eraser) != ctrl;
                    let plane = cell.plane;
                    let step = EditCommand::Stroke {
                        plane,
                        from,
                        to,
                        erase,
                    };
                    out.push(Command::Edit(cell.visit, step));
                }
            }
            if tool == Tool::Polygon {
                draw_outline(ui, screen, &points);
            }
            canvas.stroke = Some((cell, points));
        }
        (None, Some((_, points))) => {
            let end = match tool {
                Tool::Polygon => EditCommand::Polygon(cell.plane, points),
                _ => EditCommand::EndStroke,
            };
            out.push(Command::Edit(cell.visit, end));
        }
        (None, None) => {}
    }
}

/// The brush where the pointer is, in the colour of what it paints.
fn cursor(ui: &Ui, response: &Response, screen: &Screen, state: &AppState, ctrl: bool) {
    let tool = state.view.tool;
    let round = matches!(tool, Tool::Brush | Tool::Eraser);
    if let Some(at) = response.hover_pos().filter(|_| round) {
        let brush = state.view.brush;
        let erase = (tool == Tool::Eraser) != ctrl;
        let colour = if erase {
            Color32::WHITE
        } else {
            colour(&state.view.style, brush.structure)
        };
        let radius = (brush.radius_mm / screen.mm_per_point()) as f32;
        let painter = ui.painter_at(screen.rect);
        painter.circle_stroke(
            at,
            radius + 1.0,
            Stroke::new(1.0, Color32::from_black_alpha(160)),
        );
        painter.circle_stroke(at, radius, Stroke::new(1.5, colour));
    }
}

/// Shift and the wheel: the size of the brush.
fn resize(ui: &Ui, response: &Response, brush: BrushOptions, out: &mut Vec<Command>) {
    if !response.hovered() {
        return;
    }
    let turned: f32 = ui.input(|i| {
        let wheel = |event: &egui::Event| match event {
            egui::Event::MouseWheel {
                delta, modifiers, ..
            } if modifiers.shift => {
                // Some systems turn the wheel sideways when Shift is held.
                Some((delta.x + delta.y).signum())
            }
            _ => None,
        };
        i.events.iter().filter_map(wheel).sum()
    });
    if turned != 0.0 {
        let radius_mm = brush.radius_mm * 1.2_f64.powf(f64::from(turned));
        out.push(Command::View(ViewCommand::Brush(BrushOptions {
            radius_mm,
            ..brush
        })));
    }
}

fn draw_outline(ui: &Ui, screen: &Screen, points: &[DVec3]) {
    let at = |p: &DVec3| screen.position(screen.view.px_from_world(*p));
    let points: Vec<Pos2> = points.iter().map(at).collect();
    let painter = ui.painter_at(screen.rect);
    painter.add(Shape::closed_line(points, Stroke::new(1.5, Color32::WHITE)));
}
