//! The strips above and below the planes.
use super::{Wish, capitalised, caution, error};
use crate::{
    app::{
        assess::reportable,
        command::{Command, ViewCommand, WorkCommand},
        dicom::{AnonymiseCommand, DicomCommand, ExportCommand},
        preset::Preset,
        school::SchoolCommand,
        state::{AppState, RelativeWindow, Tool, VisitState},
        view::Canvas,
    },
    patient::NOTICE,
    render::Interpolation,
    volume::{Volume, sides_are_told},
};
use egui::{Button, Label, ProgressBar, RichText, Ui};
use glam::DVec3;

/// Letters of a model's name in the toolbar.
const MODEL_LETTERS: usize = 24;

/// What can be done, and how far the work has come.
pub(in crate::app) fn toolbar_ui(
    ui: &mut Ui,
    state: &AppState,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    ui.add_space(3.0);
    ui.horizontal_wrapped(|ui| {
        let active = state.active_visit();
        let button = |ui: &mut Ui, enabled: bool, text: &str, hint: &str| {
            ui.add_enabled(enabled, Button::new(text))
                .on_hover_text(hint)
                .clicked()
        };
        if button(
            ui,
            true,
            "Open…",
            "Open NIfTI or Analyze scans (Ctrl + O), or drop them on the window; so also DICOM: series, folders, archives, and SEG, RTSTRUCT or SR of others",
        ) {
            wishes.push(Wish::OpenScans);
        }
        recent_ui(ui, state, out);
        // With scans open it would be a button that does nothing.
        if state.visits.is_empty()
            && button(
                ui,
                state.work.running.is_none(),
                "Demo patient",
                "Load a synthetic patient with two visits",
            )
        {
            out.push(Command::Work(WorkCommand::Demo));
        }
        ui.separator();
        let segment = button(
            ui,
            active.is_some(),
            "Segment",
            "Outline tumour and cochleae in the shown scan; the result is an AI draft",
        );
        if let (true, Some(visit)) = (segment, active) {
            out.push(Command::Work(WorkCommand::Segment(visit.id)));
        }
        model_ui(ui, state, out, wishes);
        outlines_ui(ui, active, wishes);
        if button(
            ui,
            reportable(state),
            "Save report…",
            "Write a one-page PDF of all outlined, dated visits, and the assessment beside it as JSON",
        ) {
            wishes.push(Wish::SaveReport);
        }
        dicom_ui(ui, state, out);
        ui.separator();
        let mut compare = state.view.compare;
        let toggle = ui
            .add_enabled_ui(state.visits.len() > 1, |ui| {
                ui.toggle_value(&mut compare, "Compare visits")
            })
            .inner
            .on_hover_text("Two visits side by side, aligned, with one crosshair");
        if toggle.changed() {
            out.push(Command::View(ViewCommand::Compare(compare)));
        }
        school_ui(ui, state, out);
        tool_ui(ui, state, out);
        window_ui(ui, state, out);
        planes_ui(ui, state, out);
        if button(
            ui,
            !state.visits.is_empty(),
            "Reset view",
            "Zoom, position and window as at the start",
        ) {
            out.push(Command::View(ViewCommand::Reset));
        }
        if button(ui, true, "Keys", "What keys and mouse do (F1)") {
            out.push(Command::View(ViewCommand::Shortcuts(!state.view.shortcuts)));
        }
    });
    ui.add_space(2.0);
}

/// Outlines from a file, and into one.
fn outlines_ui(ui: &mut Ui, active: Option<&VisitState>, wishes: &mut Vec<Wish>) {
    ui.menu_button("Outlines", |ui| {
        for (enabled, text, hint, wish) in [
            (
                active.is_some(),
                "Open outlines…",
                "Read outlines of the shown scan from a NIfTI label map",
                Wish::OpenLabels,
            ),
            (
                active.is_some_and(|v| v.outlines.is_some()),
                "Save outlines…",
                "Write the shown scan's outlines as a NIfTI label map (Ctrl + S)",
                Wish::SaveLabels,
            ),
        ] {
            let item = ui.add_enabled(enabled, Button::new(text));
            if item.on_hover_text(hint).clicked() {
                wishes.push(wish);
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("Outlines of the shown scan, from a file and into one");
}

/// What goes out as DICOM.
fn dicom_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    ui.menu_button("DICOM", |ui| {
        let outlined = state.active_visit().filter(|v| v.outlines.is_some());
        let export = ui
            .add_enabled(outlined.is_some(), Button::new("Export results…"))
            .on_hover_text("Write the shown scan's outlines and measurements as DICOM objects: SEG, RTSTRUCT, SR, PDF, key images");
        if let (true, Some(visit)) = (export.clicked(), outlined) {
            let begin = DicomCommand::Export(ExportCommand::Begin(visit.id));
            out.push(Command::Dicom(begin));
            ui.close();
        }
        let copy = ui
            .button("Anonymised copy…")
            .on_hover_text("Copy a series, or a folder, without what tells who the patient is");
        if copy.clicked() {
            let begin = DicomCommand::Anonymise(AnonymiseCommand::Begin);
            out.push(Command::Dicom(begin));
            ui.close();
        }
    })
    .response
    .on_hover_text("Results as DICOM objects, and copies without identity");
}

/// The school, and the switch that makes real reads blind.
fn school_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let mut blind = state.preferences.blind_reads;
    let toggle = ui.toggle_value(&mut blind, "Blind read").on_hover_text(
        "Hide outlines, sizes and grade of each visit until you have committed a grade of your own",
    );
    if toggle.changed() {
        out.push(Command::School(SchoolCommand::Blind(blind)));
    }
    let mut open = state.school.open;
    let toggle = ui
        .toggle_value(&mut open, "School")
        .on_hover_text("Practise the Koos grade on cases whose truth is known");
    if toggle.changed() {
        out.push(Command::School(SchoolCommand::Open(open)));
    }
}

/// Scans that were opened before.
fn recent_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    if state.recent.is_empty() {
        return;
    }
    ui.menu_button("Recent", |ui| {
        for (n, path) in state.recent.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let folder = path
                .parent()
                .and_then(|p| p.file_name())
                .unwrap_or_default();
            let key = if n < 5 {
                format!("   Ctrl + {}", n + 1)
            } else {
                String::new()
            };
            let text = format!("{name}   in {}{key}", folder.to_string_lossy());
            let item = ui.button(text).on_hover_text(path.display().to_string());
            if item.clicked() {
                out.push(Command::Work(WorkCommand::Open(path.clone())));
                ui.close();
            }
        }
        ui.separator();
        if ui.button("Forget them").clicked() {
            out.push(Command::Work(WorkCommand::ForgetRecent));
            ui.close();
        }
    })
    .response
    .on_hover_text("Scans that were opened before, kept on this machine only");
}

/// How planes are cut and sampled, and what lies over them.
fn planes_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let view = &state.view;
    ui.menu_button("Planes", |ui| {
        ui.label(RichText::new("Between voxels").small().weak());
        for interpolation in Interpolation::ALL {
            let on = view.style.interpolation == interpolation;
            let name = capitalised(interpolation.name());
            if ui.selectable_label(on, name).clicked() {
                out.push(Command::View(ViewCommand::Interpolation(interpolation)));
                ui.close();
            }
        }
        ui.separator();
        for (on, text, hint, command) in [
            (
                view.anatomical,
                "Anatomical axes",
                "Planes along the patient's axes instead of the scan's own slices (Y)",
                ViewCommand::ToggleAnatomicalAxes,
            ),
            (
                view.edge_tolerance,
                "Border ± half a voxel",
                "The tumour's border half a voxel in and out: no drawing on this scan is surer (X)",
                ViewCommand::ToggleEdgeTolerance,
            ),
        ] {
            if ui.selectable_label(on, text).on_hover_text(hint).clicked() {
                out.push(Command::View(command));
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("How planes are cut and sampled, and what lies over them");
}

/// What the left button does.
fn tool_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let chosen = state.view.tool;
    ui.menu_button(format!("Left drag: {}", chosen.name()), |ui| {
        for tool in Tool::ALL {
            let text = capitalised(tool.name());
            if ui.selectable_label(tool == chosen, text).clicked() {
                out.push(Command::View(ViewCommand::Tool(tool)));
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("What the left button does over a plane (keys W, S, Z, T, J, D, A)");
}

/// Which model segments.
fn model_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>, wishes: &mut Vec<Wish>) {
    let name = state.model.as_ref().map(|m| m.name.as_str());
    let shown: String = name
        .unwrap_or("Schwann's")
        .chars()
        .take(MODEL_LETTERS)
        .collect();
    let hint = state.model.as_ref().map_or_else(
        || "What Segment uses: Schwann's own model, or a folder of your own".to_owned(),
        |m| format!("What Segment uses: {}, from {}", m.name, m.folder.display()),
    );
    ui.menu_button(format!("Model: {shown}"), |ui| {
        if ui
            .selectable_label(name.is_none(), "Schwann's own")
            .clicked()
        {
            out.push(Command::Work(WorkCommand::ShippedModel));
            ui.close();
        }
        if name.is_some_and(|name| ui.selectable_label(true, name).clicked()) {
            ui.close();
        }
        let all = ui.add_enabled(!state.visits.is_empty(), Button::new("Segment all visits"));
        if all
            .on_hover_text("With one model, so that they can be compared; what was accepted stays")
            .clicked()
        {
            out.push(Command::Work(WorkCommand::SegmentAll));
            ui.close();
        }
        if ui
            .button("Open a model folder…")
            .on_hover_text(
                "Of nnU-Net v2 (with plans.json and fold folders) or of Schwann's own kind",
            )
            .clicked()
        {
            wishes.push(Wish::OpenModel);
            ui.close();
        }
    })
    .response
    .on_hover_text(hint);
}

/// The windows that suit MR, by name.
fn window_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let chosen = state.view.preset;
    let adjusted = state.view.window != RelativeWindow::default();
    let shown = if adjusted { "by hand" } else { chosen.name() };
    ui.menu_button(format!("Window: {shown}"), |ui| {
        for (key, preset) in Preset::ALL.into_iter().enumerate() {
            let text = format!("{}, {} ({key})", capitalised(preset.name()), preset.range());
            if ui
                .selectable_label(!adjusted && preset == chosen, text)
                .clicked()
            {
                out.push(Command::View(ViewCommand::Preset(preset)));
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("Percentiles of the scan that are black and white (keys 0 to 4); Ctrl + left drag takes them from a box");
}

fn progress_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let Some(running) = &state.work.running else {
        return;
    };
    ui.separator();
    let stage = if running.cancelling {
        "stopping"
    } else {
        &running.stage
    };
    let waiting = match state.work.queue.len() {
        0 => String::new(),
        n => format!(", {n} to follow"),
    };
    let text = if stage.is_empty() {
        running.name.clone()
    } else {
        format!("{}: {stage}", running.name)
    };
    let bar = ProgressBar::new(running.fraction.clamp(0.0, 1.0))
        .desired_width(150.0)
        .show_percentage();
    if ui
        .add_enabled(!running.cancelling, Button::new("Cancel"))
        .on_hover_text("Stop this and the computations that follow; what is to be measured or written still is (Esc)")
        .clicked()
    {
        out.push(Command::Work(WorkCommand::Cancel));
    }
    ui.add(bar);
    // A second line would move the planes.
    ui.add(Label::new(format!("{text}{waiting}")).truncate());
}

/// The notice that every result carries, the readout, and what draws.
pub(in crate::app) fn status_ui(
    ui: &mut Ui,
    state: &AppState,
    canvas: &Canvas,
    out: &mut Vec<Command>,
) {
    ui.horizontal(|ui| {
        let notice = capitalised(NOTICE);
        let draft = state
            .visits
            .iter()
            .filter_map(|v| v.outlines.as_ref())
            .any(|o| o.measured.finding.provenance.state.is_draft());
        let drafts = if draft {
            " · outlines are AI drafts or not reviewed"
        } else {
            ""
        };
        ui.label(
            RichText::new(format!("{notice}{drafts}"))
                .strong()
                .color(caution(ui)),
        );
        ui.separator();
        ui.label(RichText::new(readout(state, canvas)).monospace());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            // What runs needs the room to be named in full.
            if state.work.running.is_none() {
                ui.label(
                    RichText::new(format!("Drawn by {}", canvas.gpu.adapter()))
                        .small()
                        .weak(),
                );
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                progress_ui(ui, state, out);
            });
        });
    });
}

/// Patient coordinates, voxel, value and structure under the pointer, from the scan itself.
fn readout(state: &AppState, canvas: &Canvas) -> String {
    let Some((visit, point)) = canvas
        .pointer
        .and_then(|(id, point)| Some((state.visit(id)?, point)))
    else {
        return "Move over a plane to read coordinates and values".to_owned();
    };
    let mut place = place_words(point);
    if !sides_are_told(&visit.warnings) {
        place.replace_range(..1, "?");
    }
    let Some(voxel) = visit.volume.grid().nearest_voxel(point) else {
        return format!("{place}   outside the scan");
    };
    let [i, j, k] = voxel;
    let structure = visit
        .outlines
        .as_ref()
        .and_then(|o| o.labels.structure_at(o.labels.grid().nearest_voxel(point)?))
        .map_or_else(String::new, |s| format!("   {s}"));
    format!(
        "{place}   voxel {i}, {j}, {k}   value {}{structure}",
        value_words(&visit.volume, voxel)
    )
}

/// `R 17.6  P 35.3  S 12.1 mm`.
fn place_words(point: DVec3) -> String {
    let [x, y, z] = point.to_array();
    let side = |v: f64, positive: char, negative: char| {
        format!(
            "{} {:.1}",
            if v < 0.0 { negative } else { positive },
            v.abs()
        )
    };
    format!(
        "{}  {}  {} mm",
        side(x, 'R', 'L'),
        side(y, 'A', 'P'),
        side(z, 'S', 'I')
    )
}

fn value_words(volume: &Volume, voxel: [usize; 3]) -> String {
    match volume.value(voxel) {
        Some(value) if value.is_nan() => "not a number".to_owned(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e9 => format!("{value:.0}"),
        Some(value) if (0.01..1e6).contains(&value.abs()) => format!("{value:.3}"),
        Some(value) => format!("{value:.3e}"),
        None => "none".to_owned(),
    }
}

/// What the user must be told, each to be dismissed.
pub(in crate::app) fn messages_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    const SHOWN: usize = 4;
    let hidden = state.messages.len().saturating_sub(SHOWN);
    for (at, message) in state.messages.iter().enumerate().skip(hidden) {
        ui.horizontal(|ui| {
            let dismiss = ui.small_button("Dismiss");
            dismiss.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::Role::Button,
                    true,
                    format!("Dismiss: {}", message.text),
                )
            });
            if dismiss.clicked() {
                out.push(Command::Work(WorkCommand::Dismiss(at)));
            }
            let text = RichText::new(&message.text);
            ui.add(
                Label::new(if message.error {
                    text.color(error(ui))
                } else {
                    text
                })
                .wrap(),
            );
        });
    }
}

/// What stands where the planes will be.
pub(in crate::app) fn welcome_ui(ui: &mut Ui, state: &AppState) {
    ui.centered_and_justified(|ui| {
        let text = match &state.work.running {
            Some(running) => format!("{}…", running.name),
            None => "Drop a NIfTI scan here, or open one".to_owned(),
        };
        ui.label(RichText::new(text).size(18.0).weak());
    });
}
