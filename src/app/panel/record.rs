//! The patient whose folder is open, and what is told of the patient.
use super::{Panels, Wish, caution, heading};
use crate::{
    app::{
        command::{Command, PatientCommand, ViewCommand},
        state::{AppState, Kept, VisitState},
    },
    patient::{PatientFacts, Treatment, TreatmentKind, parse_day},
};
use egui::{Button, RichText, TextEdit, Ui};

/// Text fields about the patient, and the facts that they were filled from.
#[derive(Debug, Default)]
pub(in crate::app) struct RecordFields {
    of: Option<PatientFacts>,
    name: String,
    treated: String,
}

/// Above the visits.
pub(super) fn record_ui(
    ui: &mut Ui,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    heading(ui, "Patient");
    let demo = state.visits.iter().any(|v| v.demo);
    let Some(patient) = &state.patient else {
        ui.horizontal(|ui| {
            let new = ui.add_enabled(!demo, Button::new("New patient…"));
            if new
                .on_hover_text(
                    "Keep the open scans, their outlines, and who accepted them in a folder",
                )
                .clicked()
            {
                wishes.push(Wish::NewPatient);
            }
            let open = ui.button("Open patient…");
            if open
                .on_hover_text("Open a patient's folder, or drop it on the window")
                .clicked()
            {
                wishes.push(Wish::OpenPatient);
            }
        });
        if !state.visits.is_empty() && !demo {
            facts_ui(ui, state, &mut panels.record, out);
        }
        return;
    };
    ui.horizontal(|ui| {
        let folder = patient
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        ui.label(RichText::new(folder).strong())
            .on_hover_text(patient.path.display().to_string());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.small_button("Close patient").clicked() {
                out.push(Command::Patient(PatientCommand::Close));
            }
        });
    });
    if let Some(why) = &patient.read_only {
        ui.label(RichText::new(format!("Read only: {why}")).color(caution(ui)));
    }
    facts_ui(ui, state, &mut panels.record, out);
}

/// Name and radiosurgery.
fn facts_ui(ui: &mut Ui, state: &AppState, fields: &mut RecordFields, out: &mut Vec<Command>) {
    if fields.of.as_ref() != Some(&state.facts) {
        fields.name = state.facts.name.clone().unwrap_or_default();
        let treated = state.facts.radiosurgery();
        fields.treated = treated.map_or_else(String::new, |d| d.to_string());
        fields.of = Some(state.facts.clone());
    }
    let mut facts = state.facts.clone();
    ui.horizontal(|ui| {
        let label = ui.label("Name");
        let field = ui
            .add(
                TextEdit::singleline(&mut fields.name)
                    .hint_text("as you call the patient")
                    .desired_width(110.0),
            )
            .labelled_by(label.id)
            .on_hover_text("Stands in patient.json alone: in no file name, log or report");
        let mut shown = !state.view.name_hidden;
        let check = ui
            .checkbox(&mut shown, "in planes")
            .on_hover_text("The name stands in every plane, and in pictures of the window");
        if check.changed() {
            out.push(Command::View(ViewCommand::ToggleName));
        }
        if field.lost_focus() {
            let name = fields.name.trim();
            facts.name = (!name.is_empty()).then(|| name.to_owned());
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Radiosurgery");
        let field = ui
            .add(
                TextEdit::singleline(&mut fields.treated)
                    .hint_text("YYYY-MM-DD")
                    .desired_width(82.0),
            )
            .labelled_by(label.id)
            .on_hover_text(
                "Its day: tumours often swell after it before they shrink, and growth is read so",
            );
        let text = fields.treated.trim();
        let typed = parse_day(text);
        let wrong = typed.as_ref().err().filter(|_| !text.is_empty()).cloned();
        let day = typed.ok();
        let known = state.facts.radiosurgery();
        let news = if text.is_empty() {
            known.is_some()
        } else {
            day.is_some() && day != known
        };
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let mut button = ui.add_enabled(news, Button::new("Set"));
        if let Some(why) = wrong {
            button = button.on_disabled_hover_text(why);
        }
        button.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, news, "Set the day of radiosurgery")
        });
        if news && (button.clicked() || entered) {
            facts
                .treatments
                .retain(|t| t.kind != TreatmentKind::Radiosurgery);
            facts.treatments.extend(day.map(|day| Treatment {
                day,
                kind: TreatmentKind::Radiosurgery,
            }));
        }
    });
    if facts != state.facts {
        out.push(Command::Patient(PatientCommand::Facts(facts)));
    }
}

/// Whether a visit is in the open folder.
pub(super) fn kept_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    let writable = state
        .patient
        .as_ref()
        .is_some_and(|p| p.read_only.is_none());
    if !writable || visit.demo {
        return;
    }
    match visit.kept {
        Kept::No => {
            ui.label(
                RichText::new("not in the patient's folder")
                    .small()
                    .color(caution(ui)),
            );
            let add = ui.button("Add to the patient").on_hover_text(
                "Copy this scan into the patient's folder; make sure that it is the same patient's",
            );
            if add.clicked() {
                out.push(Command::Patient(PatientCommand::Add(visit.id)));
            }
        }
        Kept::Adding => {
            ui.label(
                RichText::new("being copied into the patient's folder")
                    .small()
                    .weak(),
            );
        }
        Kept::Yes(saved) => {
            if visit.outlines.is_some() && saved != Some(visit.revision) {
                ui.horizontal(|ui| {
                    ui.label(
                        RichText::new("edits not saved yet")
                            .small()
                            .color(caution(ui)),
                    );
                    if ui.small_button("Save").on_hover_text("Ctrl + S").clicked() {
                        out.push(Command::Patient(PatientCommand::Save(visit.id)));
                    }
                });
            }
        }
    }
}
