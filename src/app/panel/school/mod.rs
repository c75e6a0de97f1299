//! The school in the place of the findings: a case, its question, and after the answer the truth.

mod answer;
mod progress;
mod reveal;

pub(super) use answer::{answer_ui, committed_ui, name_ui};

use super::{Panels, Wish, caution, heading};
use crate::{
    app::{
        command::{Command, PatientCommand},
        school::{Page, SchoolCommand, Source},
        state::AppState,
    },
    measure::KoosGrade,
    school::Difficulty,
};
use egui::{Button, ComboBox, RichText, ScrollArea, TextEdit, Ui};

/// Half-typed text of the school's panel.
#[derive(Debug, Default)]
pub(in crate::app) struct SchoolFields {
    /// The name that the field was filled from.
    of: Option<String>,
    reader: String,
    folder: String,
}

/// The whole panel.
pub(in crate::app) fn school_ui(
    ui: &mut Ui,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    ScrollArea::vertical()
        .id_salt("school")
        .auto_shrink([false; 2])
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                heading(ui, "School");
                for (page, name) in [(Page::Case, "Case"), (Page::Progress, "Progress")] {
                    if ui
                        .selectable_label(state.school.page == page, name)
                        .clicked()
                    {
                        out.push(Command::School(SchoolCommand::Page(page)));
                    }
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let leave = ui.small_button("Leave the school");
                    if leave
                        .on_hover_text("Back to the findings; what was answered is kept")
                        .clicked()
                    {
                        out.push(Command::School(SchoolCommand::Leave));
                        out.push(Command::School(SchoolCommand::Open(false)));
                    }
                });
            });
            reader_ui(ui, state, &mut panels.school, out);
            ui.separator();
            match (state.school.page, state.school.case()) {
                (Page::Progress, _) => progress::progress_ui(ui, state, wishes),
                (Page::Case, Some(case)) => case_ui(ui, state, case, out),
                (Page::Case, None) => setup_ui(ui, state, &mut panels.school, out, wishes),
            }
        });
}

/// Who reads: one who has a record, or a new name.
fn reader_ui(ui: &mut Ui, state: &AppState, fields: &mut SchoolFields, out: &mut Vec<Command>) {
    let known = &state.preferences.reader;
    if fields.of.as_ref() != Some(known) {
        fields.reader.clone_from(known);
        fields.of = Some(known.clone());
    }
    ui.horizontal(|ui| {
        let label = ui.label("Reader");
        let field = ui
            .add(
                TextEdit::singleline(&mut fields.reader)
                    .hint_text("your name")
                    .desired_width(130.0),
            )
            .labelled_by(label.id)
            .on_hover_text("Your answers are kept under this name, on this machine only");
        if field.lost_focus() && fields.reader != *known {
            out.push(Command::School(SchoolCommand::Reader(
                fields.reader.clone(),
            )));
        }
        let others: Vec<&String> = state
            .school
            .readers
            .iter()
            .filter(|r| *r != known)
            .collect();
        if !others.is_empty() {
            let menu = ui.menu_button("Others", |ui| {
                for name in others {
                    if ui.button(name).clicked() {
                        out.push(Command::School(SchoolCommand::Reader(name.clone())));
                        ui.close();
                    }
                }
            });
            menu.response
                .on_hover_text("Readers who have a record on this machine");
        }
    });
}

/// What cases are wanted, before the first.
fn setup_ui(
    ui: &mut Ui,
    state: &AppState,
    fields: &mut SchoolFields,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    let school = &state.school;
    ui.label("Grade a tumour before anything about it is shown, and say how sure you are. Then the truth, the slices that decide, and what the rule measured.");
    ui.add_space(4.0);
    for (source, text, hint) in [
        (
            Source::Synthetic,
            "Synthetic patients",
            "As many as you like, with an exact truth by the topographic rule",
        ),
        (
            Source::Folder,
            "Scans of my own",
            "A folder of scans with a table of grades, crossMoDA's for instance",
        ),
    ] {
        let chosen = ui.radio(school.source == source, text).on_hover_text(hint);
        if chosen.clicked() {
            out.push(Command::School(SchoolCommand::Source(source)));
        }
    }
    ui.add_space(2.0);
    match school.source {
        Source::Synthetic => difficulty_ui(ui, state, out),
        Source::Folder => folder_ui(ui, state, fields, out, wishes),
    }
    let mut ask = school.ask_model;
    let check = ui.checkbox(&mut ask, "Ask the model that segments, too");
    if check
        .on_hover_text(
            "Its outlines are graded by the rule and shown beside the truth; about a minute a case",
        )
        .changed()
    {
        out.push(Command::School(SchoolCommand::AskModel(ask)));
    }
    ui.add_space(6.0);
    let obstacle = state.school_obstacle();
    ui.horizontal(|ui| {
        let begin = ui.add_enabled(
            obstacle.is_none() && !school.is_waiting(),
            Button::new("Begin"),
        );
        if begin.clicked() {
            out.push(Command::School(SchoolCommand::Begin));
        }
        let real = state.patient.is_some() || state.visits.iter().any(|v| !v.demo);
        let close = real.then(|| ui.button("Close the open visits"));
        if close.is_some_and(|c| {
            c.on_hover_text("Their files stay; edits that were not saved are offered again")
                .clicked()
        }) {
            out.push(Command::Patient(PatientCommand::Close));
        }
    });
    if let Some(text) = obstacle {
        ui.label(RichText::new(text).color(caution(ui)));
    }
    waiting_ui(ui, state);
    ui.add_space(6.0);
    let note = match school.source {
        Source::Synthetic => {
            "Synthetic cases train the rule and the eye on phantoms. They say nothing about how well anybody grades patients."
        }
        Source::Folder => {
            "Nothing of your scans goes into your record: a case is named by a part of a hash."
        }
    };
    ui.label(RichText::new(note).small().weak());
}

fn difficulty_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let mut chosen = state.school.difficulty;
    let name = |d: Option<Difficulty>| d.map_or("any", Difficulty::name);
    ui.horizontal(|ui| {
        let label = ui.label("Difficulty");
        let shown = name(chosen);
        let combo = ComboBox::from_id_salt("difficulty")
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for one in [None].into_iter().chain(Difficulty::ALL.map(Some)) {
                    let text =
                        one.map_or_else(|| "any".to_owned(), |d| format!("{d}: {}", d.meaning()));
                    ui.selectable_value(&mut chosen, one, text);
                }
            })
            .response
            .labelled_by(label.id);
        combo.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, format!("Difficulty: {shown}"))
        });
    });
    if chosen != state.school.difficulty {
        out.push(Command::School(SchoolCommand::Difficulty(chosen)));
    }
}

fn folder_ui(
    ui: &mut Ui,
    state: &AppState,
    fields: &mut SchoolFields,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    ui.horizontal(|ui| {
        let label = ui.label("Folder");
        let field = ui
            .add(
                TextEdit::singleline(&mut fields.folder)
                    .hint_text("folder of graded scans")
                    .desired_width(140.0),
            )
            .labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let look = ui
            .button("Look")
            .on_hover_text("Which of its scans have a grade; without a path, choose a folder")
            .clicked();
        let typed = fields.folder.trim();
        if look && typed.is_empty() {
            wishes.push(Wish::OpenCases);
        } else if (look || entered) && !typed.is_empty() {
            out.push(Command::School(SchoolCommand::Folder(typed.into())));
        }
    });
    if let Some(own) = &state.school.own {
        let grades = own.grades();
        let each: Vec<String> = KoosGrade::ALL
            .iter()
            .zip(grades)
            .map(|(g, n)| format!("{n} {g}"))
            .collect();
        let text = format!(
            "{} graded scans: {}",
            grades.iter().sum::<usize>(),
            each.join(", ")
        );
        ui.label(text)
            .on_hover_text(own.folder().display().to_string());
    }
}

/// That a case is on its way.
fn waiting_ui(ui: &mut Ui, state: &AppState) {
    if state.school.is_waiting() {
        ui.horizontal(|ui| {
            ui.add(egui::Spinner::new().size(14.0));
            ui.label("Preparing a case…");
        });
    }
}

fn case_ui(
    ui: &mut Ui,
    state: &AppState,
    case: &crate::app::school::CaseState,
    out: &mut Vec<Command>,
) {
    ui.label(
        RichText::new(format!("Case {}", case.number))
            .strong()
            .size(18.0),
    );
    if let Some(reading) = state.school.reading(case.visit) {
        ui.label("Which Koos grade has this tumour? Scroll through the slices; nothing about it is shown before you commit.");
        answer_ui(ui, state, case.visit, reading, out);
        return;
    }
    let Some(revealed) = case.revealed() else {
        return;
    };
    reveal::reveal_ui(ui, state, case, &revealed, out);
    ui.add_space(6.0);
    let next = ui.add_enabled(!state.school.is_waiting(), Button::new("Next case (Enter)"));
    if next.clicked() {
        out.push(Command::School(SchoolCommand::Next));
    }
    waiting_ui(ui, state);
    if let Some(visit) = state.visit(case.visit) {
        egui::CollapsingHeader::new("All findings")
            .id_salt(("case findings", case.number))
            .show(ui, |ui| super::findings::visit_ui(ui, state, visit, out));
    }
}
