//! One cell of the window: a plane of a visit, and what the mouse does on it.
use super::{Canvas, gpu::Picture, overlay, solid_ui, tool};
use crate::{
    app::{
        command::{Command, EditCommand, ViewCommand, VisitCommand},
        panel::capitalised,
        preset::Preset,
        state::{AppState, Tool, VisitId, VisitState},
    },
    measure::Plane,
    render::{SliceView, window_in_box},
    volume::Structure,
};
use egui::{PointerButton, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

/// A plane of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) struct Cell {
    /// The visit.
    pub(in crate::app) visit: VisitId,
    /// The plane.
    pub(in crate::app) plane: Plane,
}

/// Points between cells.
const GAP: f32 = 3.0;

/// Shows the planes in what is left of the window; the surfaces fill the cell beside three planes of one visit.
pub(in crate::app) fn show_planes(
    ui: &mut Ui,
    state: &AppState,
    canvas: &mut Canvas,
    out: &mut Vec<Command>,
) {
    let area = ui.available_rect_before_wrap();
    canvas.pointer = None;
    let visits = state.shown();
    let planes: Vec<Plane> = state
        .view
        .maximised
        .map_or_else(|| Plane::ALL.to_vec(), |plane| vec![plane]);
    match (visits.len(), planes.len()) {
        (0, _) => {}
        (1, 3) if state.view.solid.alone => solid_ui(ui, area, state, visits[0], canvas, out),
        (1, 3) => {
            let grid = grid(area, 2, 2);
            for (plane, rect) in planes.into_iter().zip(&grid) {
                show(ui, *rect, state, canvas, (visits[0], plane), out);
            }
            if let Some(rect) = grid.get(3) {
                solid_ui(ui, *rect, state, visits[0], canvas, out);
            }
        }
        (rows, columns) => {
            // One plane of two visits stands side by side, three planes in two rows.
            let (rows, columns) = if columns == 1 {
                (1, rows)
            } else {
                (rows, columns)
            };
            let cells = visits
                .iter()
                .flat_map(|visit| planes.iter().map(move |plane| (*visit, *plane)));
            for (cell, rect) in cells.zip(grid(area, rows, columns)) {
                show(ui, rect, state, canvas, cell, out);
            }
        }
    }
}

/// Rectangles of equal size, row by row.
fn grid(area: Rect, rows: usize, columns: usize) -> Vec<Rect> {
    let size = Vec2::new(
        (area.width() - GAP * (columns - 1) as f32) / columns as f32,
        (area.height() - GAP * (rows - 1) as f32) / rows as f32,
    )
    .max(Vec2::splat(8.0));
    (0..rows * columns)
        .map(|n| {
            let at =
                Vec2::new((n % columns) as f32, (n / columns) as f32) * (size + Vec2::splat(GAP));
            Rect::from_min_size(area.min + at, size)
        })
        .collect()
}

fn show(
    ui: &mut Ui,
    rect: Rect,
    state: &AppState,
    canvas: &mut Canvas,
    (visit, plane): (&VisitState, Plane),
    out: &mut Vec<Command>,
) {
    let cell = Cell {
        visit: visit.id,
        plane,
    };
    let response = ui.interact(
        rect,
        ui.scope_id().with(("plane", visit.id.0, plane as usize)),
        Sense::click_and_drag(),
    );
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Image, true, overlay::cell_words(state, visit, plane))
    });
    let scale = f64::from(ui.ctx().pixels_per_point());
    let size_px = [rect.width(), rect.height()].map(|x| f64::from(x) * scale);
    let screen = Screen {
        rect,
        scale,
        view: state.slice_view(visit, plane, size_px),
    };
    let style = if state.view.hidden {
        state.view.style.without_overlays()
    } else {
        state.view.style.clone()
    };
    let painter = ui.painter_at(rect);
    let picture = Picture {
        cell: (visit.id, plane as usize),
        volume: &visit.volume,
        labels: visit
            .outlines
            .as_ref()
            .map(|o| (&o.labels, visit.fill_revision)),
        view: screen.view,
        window: state.window(visit),
        style: &style,
    };
    canvas.gpu.paint(&painter, rect, &picture);
    let axes = overlay::draw(&painter, &screen, state, canvas, (visit, plane));
    // What Tab has reached is what keys act on, and arrows are slices there.
    if response.has_focus() {
        canvas.hovered = Some(cell);
        let arrows = egui::EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    }
    seen(state, (visit, plane), &screen, out);
    // A picture that is being drawn belongs to the tool that began it.
    if !matches!(state.view.tool, Tool::Distance | Tool::Angle) {
        canvas.drawing = None;
    }
    point(ui, &response, &screen, state, canvas, cell, out);
    let edits = state.view.tool.edits();
    turn(ui, &response, &screen, (canvas, edits), cell, out);
    if let Some(rect) = axes {
        axes_ui(ui, rect, state.view.anatomical, cell, out);
    }
}

/// The words about a tilted scan: a click shows it along the patient's axes, and back.
fn axes_ui(ui: &Ui, rect: Rect, anatomical: bool, cell: Cell, out: &mut Vec<Command>) {
    let id = ui
        .scope_id()
        .with(("axes", cell.visit.0, cell.plane as usize));
    let text = if anatomical {
        "Show the scan's own slices"
    } else {
        "Show anatomical axes"
    };
    let response = ui.interact(rect, id, Sense::click()).on_hover_text(text);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, text));
    if response.clicked() {
        out.push(Command::View(ViewCommand::ToggleAnatomicalAxes));
    }
}

/// Notes that a slice of the tumour was shown with its outlines: nothing is accepted unseen. A tumour beside the cell, zoomed or moved away, was not shown.
fn seen(
    state: &AppState,
    (visit, plane): (&VisitState, Plane),
    screen: &Screen,
    out: &mut Vec<Command>,
) {
    let own = state.cut_by(visit).0.id == visit.id && !state.view.anatomical;
    let style = state.view.style.structure(Structure::VestibularSchwannoma);
    let shown = own && plane == Plane::Axial && !state.view.hidden && style.contour;
    let Some(outlines) = visit.outlines.as_ref().filter(|_| shown) else {
        return;
    };
    let axial = &visit.planes[plane as usize];
    let slice = axial.slice_at(visit.volume.grid(), visit.crosshair);
    let inside = |p| (screen.rect).contains(screen.position(screen.view.px_from_world(p)));
    if !outlines.edits.seen.contains(&slice)
        && outlines.tumour_middle(axial, slice).is_none_or(inside)
    {
        out.push(Command::Edit(visit.id, EditCommand::Seen(slice)));
    }
}

/// A cell on the screen: from points of the window to the patient and back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) rect: Rect,
    /// Pixels in a point.
    pub(super) scale: f64,
    pub(super) view: SliceView,
}

impl Screen {
    /// The pixel under a position of the window.
    pub(super) fn px(&self, at: Pos2) -> [f64; 2] {
        let from_corner = at - self.rect.min;
        [from_corner.x, from_corner.y].map(|x| f64::from(x) * self.scale)
    }

    /// The position of a pixel in the window.
    pub(super) fn position(&self, px: [f64; 2]) -> Pos2 {
        let [x, y] = px.map(|x| (x / self.scale) as f32);
        self.rect.min + Vec2::new(x, y)
    }

    /// Millimetres in a point.
    pub(super) fn mm_per_point(&self) -> f64 {
        self.view.mm_per_px * self.scale
    }
}

/// Clicks, drags and the pointer's place.
fn point(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    state: &AppState,
    canvas: &mut Canvas,
    cell: Cell,
    out: &mut Vec<Command>,
) {
    let Cell { visit, plane } = cell;
    let mut view = |command| out.push(Command::View(command));
    if let Some(at) = response.hover_pos() {
        let point_in_world = screen.view.world_from_px(screen.px(at));
        canvas.pointer = Some((visit, point_in_world));
        // A pointer that rests does not take the keys back from a plane that was chosen by key.
        let used = ui.input(|i| {
            i.pointer.delta() != Vec2::ZERO
                || i.pointer.any_down()
                || i.events
                    .iter()
                    .any(|e| matches!(e, egui::Event::MouseWheel { .. }))
        });
        if used || canvas.hovered.is_none() {
            canvas.hovered = Some(cell);
        }
        if ui.input(|i| i.modifiers.shift && i.pointer.is_moving()) {
            view(ViewCommand::Crosshair {
                visit,
                point_in_world,
            });
        }
    }
    // A click that shows the brainstem is nothing else.
    if state.view.koos.seeking == Some(visit) {
        if response.clicked()
            && let Some(at) = response.interact_pointer_pos()
        {
            let point = screen.view.world_from_px(screen.px(at));
            out.push(Command::Edit(visit, EditCommand::Brainstem(point)));
        }
        ui.ctx().set_cursor_icon(egui::CursorIcon::Crosshair);
        return;
    }
    // A click of a series is taken back by the next: only a single one marks a point.
    if state.view.tool.edits() {
        // Clicks belong to the tool.
    } else if response.double_clicked() {
        view(ViewCommand::TakeBackCrosshair);
        view(ViewCommand::Maximise(
            state.view.maximised.is_none().then_some(plane),
        ));
    } else if response.clicked()
        && !response.triple_clicked()
        && canvas.drawing.is_none()
        && let Some(at) = response.interact_pointer_pos()
    {
        let point_in_world = screen.view.world_from_px(screen.px(at));
        view(ViewCommand::Crosshair {
            visit,
            point_in_world,
        });
        out.push(Command::Visit(VisitCommand::Select(visit)));
    }
    if !window_box(ui, response, screen, (state, canvas), cell, out) {
        tool::drag(ui, response, screen, (state, canvas), cell, out);
    }
    menu(response, state, cell, out);
}

/// Left drag with Ctrl: draws a box, and at its end shows the values in it. Says whether a box is being drawn.
fn window_box(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (state, canvas): (&AppState, &mut Canvas),
    cell: Cell,
    out: &mut Vec<Command>,
) -> bool {
    // With an editing tool Ctrl exchanges painting and erasing.
    if !state.view.tool.edits()
        && response.drag_started_by(PointerButton::Primary)
        && ui.input(|i| {
            (i.modifiers.ctrl || i.modifiers.command) && !i.modifiers.alt && !i.modifiers.shift
        })
    {
        canvas.boxed = ui.input(|i| i.pointer.press_origin()).map(|at| (cell, at));
    }
    let Some((_, from)) = canvas.boxed.filter(|(boxed, _)| *boxed == cell) else {
        return false;
    };
    let Some(to) = response
        .interact_pointer_pos()
        .map(|p| screen.rect.clamp(p))
    else {
        canvas.boxed = None;
        return false;
    };
    if response.drag_stopped() {
        canvas.boxed = None;
        let corners = [from, to].map(|p| screen.view.mm_from_px(screen.px(p)));
        let window = state
            .visit(cell.visit)
            .and_then(|v| window_in_box(&v.volume, &screen.view.frame, corners));
        if let Some(window) = window {
            let visit = cell.visit;
            out.push(Command::View(ViewCommand::SetWindow { visit, window }));
        }
    } else {
        let stroke = egui::Stroke::new(1.0, egui::Color32::WHITE);
        let rect = Rect::from_two_pos(from, to);
        let painter = ui.painter_at(screen.rect);
        painter.rect_stroke(rect, 0.0, stroke, egui::StrokeKind::Middle);
    }
    true
}

/// What can be done with a cell, on the right button.
fn menu(response: &Response, state: &AppState, cell: Cell, out: &mut Vec<Command>) {
    response.context_menu(|ui| {
        let mut item = |ui: &mut Ui, on: bool, text: String, command: ViewCommand| {
            if ui.selectable_label(on, text).clicked() {
                out.push(Command::View(command));
                ui.close();
            }
        };
        let alone = state.view.maximised;
        let (text, to) = match alone {
            Some(_) => ("All planes", None),
            None => ("This plane alone", Some(cell.plane)),
        };
        item(ui, false, text.to_owned(), ViewCommand::Maximise(to));
        ui.menu_button("Left drag", |ui| {
            for tool in Tool::ALL {
                let on = state.view.tool == tool;
                item(ui, on, capitalised(tool.name()), ViewCommand::Tool(tool));
            }
        });
        ui.menu_button("Window", |ui| {
            for preset in Preset::ALL {
                let on = state.view.preset == preset;
                let text = format!("{}, {}", capitalised(preset.name()), preset.range());
                item(ui, on, text, ViewCommand::Preset(preset));
            }
        });
        let running = state.view.cine == Some((cell.visit, cell.plane));
        for (on, text, command) in [
            (state.view.style.invert, "Invert", ViewCommand::Invert),
            (
                !state.view.lines_hidden,
                "Crosshair lines",
                ViewCommand::ToggleLines,
            ),
            (
                running,
                "Run through the slices",
                ViewCommand::Cine(cell.visit, cell.plane),
            ),
            (
                false,
                "Keep as a key image",
                ViewCommand::KeepImage(cell.visit, cell.plane),
            ),
            (
                false,
                "Remove the last distance or angle",
                ViewCommand::RemoveMark(cell.visit),
            ),
            (false, "Reset view", ViewCommand::Reset),
        ] {
            item(ui, on, text.to_owned(), command);
        }
    });
}

/// The wheel: slices, or zoom at the pointer.
fn turn(
    ui: &Ui,
    response: &Response,
    screen: &Screen,
    (canvas, edits): (&mut Canvas, bool),
    Cell { visit, plane }: Cell,
    out: &mut Vec<Command>,
) {
    let Some(at) = response.hover_pos() else {
        return;
    };
    canvas.wheel.shift_taken = edits;
    let turn = ui.input(|i| canvas.wheel.turn(i));
    if turn.slices != 0 {
        out.push(Command::View(ViewCommand::Scroll {
            visit,
            plane,
            slices: turn.slices,
        }));
    }
    if (turn.zoom - 1.0).abs() > 1e-9 {
        out.push(Command::View(ViewCommand::Zoom {
            visit,
            plane,
            factor: turn.zoom,
            about_mm: screen.view.mm_from_px(screen.px(at)),
        }));
    }
}
