//! Editing the outlines, and saying what is thought of them.
use super::{capitalised, caution, heading};
use crate::{
    app::{
        apply::edit::paintable,
        command::{Command, EditCommand, ViewCommand},
        preferences::PreferenceCommand,
        state::{AppState, BrushOptions, Outlines, Tool, VisitState},
        view::colour,
    },
    measure::Plane,
    patient::ReviewState,
};
use egui::{Button, ComboBox, RichText, Slider, TextEdit, Ui};

/// The section below the structures.
pub(super) fn edit_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let Some(visit) = state.active_visit() else {
        return;
    };
    ui.separator();
    heading(ui, "Edit outlines");
    let locked = visit.outlines.as_ref().is_some_and(Outlines::is_locked);
    ui.add_enabled_ui(!locked, |ui| {
        tools_ui(ui, state, out);
        brush_ui(ui, state, visit, out);
        operations_ui(ui, visit, out);
    });
    history_ui(ui, visit, locked, out);
    ui.separator();
    review_ui(ui, state, visit, out);
}

fn tools_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        for (tool, hint) in [
            (Tool::Brush, "Left drag paints, with Ctrl it erases (B)"),
            (Tool::Eraser, "Left drag erases, with Ctrl it paints (E)"),
            (
                Tool::Polygon,
                "Left drag draws an outline that is filled (L)",
            ),
            (
                Tool::Flood,
                "A click fills what is connected and about as bright (F)",
            ),
        ] {
            let on = state.view.tool == tool;
            let button = ui
                .selectable_label(on, capitalised(tool.name()))
                .on_hover_text(hint);
            if button.clicked() {
                let next = if on {
                    state.preferences.mouse.tool()
                } else {
                    tool
                };
                out.push(Command::View(ViewCommand::Tool(next)));
            }
        }
    });
}

fn brush_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    let mut brush = state.view.brush;
    ui.horizontal(|ui| {
        let label = ui.label("Structure");
        let (square, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
        let painted = colour(&state.view.style, brush.structure);
        ui.painter().rect_filled(square, 2.0, painted);
        let shown = capitalised(brush.structure.name());
        let choice = ComboBox::from_id_salt("painted")
            .selected_text(shown.clone())
            .show_ui(ui, |ui| {
                for structure in paintable(visit) {
                    let name = capitalised(structure.name());
                    ui.selectable_value(&mut brush.structure, structure, name);
                }
            })
            .response
            .labelled_by(label.id);
        choice.widget_info(|| {
            let words = format!("Structure that is painted: {shown}");
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, words)
        });
    });
    ui.horizontal(|ui| {
        let label = ui.label("Radius");
        ui.add(
            Slider::new(&mut brush.radius_mm, 0.2..=15.0)
                .logarithmic(true)
                .fixed_decimals(1)
                .suffix(" mm"),
        )
        .labelled_by(label.id)
        .on_hover_text("Of brush and eraser; [ and ], or Shift and the wheel");
    });
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut brush.ball, "Ball").on_hover_text(
            "Through all slices within the radius; otherwise in the shown slice alone",
        );
        ui.checkbox(&mut brush.adaptive, "Adaptive").on_hover_text(
            "Paint only what is connected and as bright as where the brush is, within its noise",
        );
        ui.checkbox(&mut brush.over_others, "Over others")
            .on_hover_text("Paint over, or erase, other structures too");
    });
    if state.view.tool == Tool::Flood {
        flood_ui(ui, &mut brush);
    }
    if brush != state.view.brush {
        out.push(Command::View(ViewCommand::Brush(brush)));
    }
}

fn flood_ui(ui: &mut Ui, brush: &mut BrushOptions) {
    let mut percent = brush.flood_range * 100.0;
    for (name, value, range, suffix) in [
        ("Flood range", &mut percent, 1.0..=50.0, " % of the window"),
        ("Flood reach", &mut brush.flood_mm, 2.0..=60.0, " mm"),
    ] {
        ui.horizontal(|ui| {
            let label = ui.label(name);
            ui.add(Slider::new(value, range).fixed_decimals(0).suffix(suffix))
                .labelled_by(label.id);
        });
    }
    brush.flood_range = percent / 100.0;
}

fn operations_ui(ui: &mut Ui, visit: &VisitState, out: &mut Vec<Command>) {
    let there = visit.outlines.is_some();
    ui.horizontal_wrapped(|ui| {
        for (text, hint, command) in [
            (
                "Smooth border",
                "Smooth the chosen structure's border; its volume stays",
                EditCommand::Smooth,
            ),
            (
                "Fill between slices",
                "Fill the slices between drawn axial ones of the chosen structure",
                EditCommand::FillBetween(Plane::Axial),
            ),
            (
                "Keep largest",
                "Remove all but the largest piece of the chosen structure",
                EditCommand::KeepLargest,
            ),
            (
                "Move piece here",
                "Give the piece at the crosshair to the chosen structure",
                EditCommand::GiveHere,
            ),
            (
                "Remove piece",
                "Remove the piece at the crosshair",
                EditCommand::RemoveHere,
            ),
        ] {
            let button = ui.add_enabled(there, Button::new(text)).on_hover_text(hint);
            if button.clicked() {
                out.push(Command::Edit(visit.id, command));
            }
        }
    });
}

/// Undo and redo, each with the name of what it takes back or makes again.
fn history_ui(ui: &mut Ui, visit: &VisitState, locked: bool, out: &mut Vec<Command>) {
    let edits = visit.outlines.as_ref().map(|o| &o.edits);
    let words = [
        (
            "Undo",
            edits.and_then(|e| e.by_hand.undo_words(&e.history)),
            EditCommand::Undo,
        ),
        (
            "Redo",
            edits.and_then(|e| e.by_hand.redo_words(&e.history)),
            EditCommand::Redo,
        ),
    ];
    for (name, words, command) in words {
        let enabled = words.is_some() && !locked;
        let text = words.unwrap_or_else(|| name.to_owned());
        let button = ui.add_enabled(enabled, Button::new(&text).truncate());
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, &text));
        if button.on_hover_text("Ctrl + Z, Ctrl + Y").clicked() {
            out.push(Command::Edit(visit.id, command));
        }
    }
}

/// Accept, reject, begin a new version.
fn review_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    heading(ui, "Review");
    let Some(outlines) = &visit.outlines else {
        ui.label(RichText::new("No outlines yet").weak());
        return;
    };
    let said = outlines.measured.finding.provenance.state;
    let reviewed = outlines.edits.reviewed.as_ref();
    let text = reviewed.map_or_else(|| said.to_string(), ToString::to_string);
    let colour = match said {
        ReviewState::Accepted => super::good(ui),
        ReviewState::Rejected => super::error(ui),
        _ => caution(ui),
    };
    ui.label(RichText::new(capitalised(&text)).strong().color(colour));
    if matches!(said, ReviewState::Accepted | ReviewState::Rejected) {
        let button = ui
            .button("Begin a new version")
            .on_hover_text("The outlines can be edited again; what was said of them does not hold for the new version");
        if button.clicked() {
            out.push(Command::Edit(visit.id, EditCommand::Reopen));
        }
        return;
    }
    ui.horizontal(|ui| {
        let label = ui.label("Reader");
        let mut reader = state.preferences.reader.clone();
        let field = ui
            .add(
                TextEdit::singleline(&mut reader)
                    .hint_text("your name")
                    .desired_width(130.0),
            )
            .labelled_by(label.id);
        if field.changed() {
            out.push(Command::Prefer(PreferenceCommand::Reader(reader)));
        }
    });
    let unseen = outlines.unseen_slices(&visit.planes[Plane::Axial as usize]);
    let reader = &state.preferences.reader;
    let named = !reader.trim().is_empty();
    ui.horizontal(|ui| {
        let ready = named && unseen.is_empty() && !outlines.edits.measuring;
        for (text, enabled, command) in [
            ("Accept", ready, EditCommand::Accept(reader.clone())),
            ("Reject", named, EditCommand::Reject(reader.clone())),
        ] {
            if ui.add_enabled(enabled, Button::new(text)).clicked() {
                out.push(Command::Edit(visit.id, command));
            }
        }
    });
    if !unseen.is_empty() {
        let text = format!(
            "{} of the tumour's {} axial slices not seen yet with their outlines",
            unseen.len(),
            outlines
                .tumour_slices(&visit.planes[Plane::Axial as usize])
                .count()
        );
        ui.label(RichText::new(text).small().color(caution(ui)));
        if ui.button("Next unseen slice").on_hover_text("N").clicked() {
            out.push(Command::View(ViewCommand::NextUnseen(visit.id)));
        }
    } else if !named {
        ui.label(RichText::new("To accept, write your name").small().weak());
    }
}
