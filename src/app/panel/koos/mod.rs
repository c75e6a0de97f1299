//! The grade of a visit with its wording, the other gradings, the evidence, and what the trained graders say.

mod graders;
mod inspector;

pub(super) use graders::graders_ui;

use super::{caution, row, rows};
use crate::{
    app::{
        command::Command,
        koos::KoosCommand,
        state::{AppState, Outlines, VisitState},
    },
    measure::{KoosAssessment, KoosGrade, KoosWording, StructureSize},
    volume::Structure,
};
use egui::{CollapsingHeader, ProgressBar, RichText, Ui};

/// Everything about the grade of a visit.
pub(super) fn koos_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, outlines): (&VisitState, &Outlines),
    out: &mut Vec<Command>,
) {
    let koos = &outlines.measured.finding.koos;
    ui.add_space(6.0);
    let least = if koos.at_least { "at least " } else { "" };
    let grade = match (koos.tumour, koos.grade) {
        (_, Some(grade)) => format!("Koos grade {least}{grade}"),
        (true, None) => "Koos grade withheld".to_owned(),
        (false, None) => "No Koos grade: no tumour".to_owned(),
    };
    ui.label(RichText::new(grade).size(18.0).strong());
    wording_ui(ui, state, visit, out);
    if let Some(reason) = &koos.withheld {
        ui.label(RichText::new(super::capitalised(reason)).color(caution(ui)));
    }
    // A grade may be withheld without any tumour that could be measured.
    let is_tumour = |s: &StructureSize| s.structure == Structure::VestibularSchwannoma;
    let outlined = outlines.sizes.iter().any(is_tumour);
    if koos.tumour && outlined && !state.school.is_case(visit.id) {
        post_operative_ui(ui, visit, outlines, out);
    }
    if koos.grade.is_some() {
        grade_ui(ui, koos);
    }
    inspector::brainstem_ui(ui, state, (visit, outlines), out);
    if !(koos.tumour && outlined) {
        return;
    }
    classes_ui(ui, visit, koos);
    CollapsingHeader::new("Evidence")
        .id_salt(("koos", visit.id.0))
        .default_open(true)
        .show(ui, |ui| {
            inspector::inspector_ui(ui, state, (visit, outlines), out);
        });
    CollapsingHeader::new("Trained graders")
        .id_salt(("graders", visit.id.0))
        .default_open(true)
        .show(ui, |ui| graders::visit_ui(ui, state, (visit, koos), out));
}

/// Which wording counts; of the patient, not of the visit.
fn wording_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    let now = state.koos_wording(visit.id);
    let chosen_elsewhere = state.school.is_case(visit.id);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Wording").weak());
        for wording in KoosWording::ALL {
            let label = ui.add_enabled(
                !chosen_elsewhere || now == wording,
                egui::Button::selectable(now == wording, wording.name()),
            );
            let hint = format!("IV {}", wording.meaning(KoosGrade::IV));
            let label = label.on_hover_text(hint);
            label.widget_info(|| {
                let name = format!("Koos wording: {wording}");
                egui::WidgetInfo::selected(egui::Role::Button, true, now == wording, name)
            });
            if label.clicked() && now != wording && !chosen_elsewhere {
                out.push(Command::Koos(KoosCommand::Wording(wording)));
            }
        }
    });
}

/// Labels cannot tell an operation: the reader does.
fn post_operative_ui(ui: &mut Ui, visit: &VisitState, outlines: &Outlines, out: &mut Vec<Command>) {
    let mut on = outlines.by_hand.post_operative;
    let free = !outlines.is_locked() && outlines.tumour.is_some();
    let check = ui.add_enabled(free, egui::Checkbox::new(&mut on, "After surgery"));
    let check = check.on_hover_text(
        "The tumour was operated on before this scan: what is left is measured and not graded",
    );
    if check.changed() {
        out.push(Command::Koos(KoosCommand::PostOperative(visit.id, on)));
    }
}

/// What the grade says, how sure it is, and between which grades it lies.
fn grade_ui(ui: &mut Ui, koos: &KoosAssessment) {
    if let Some(meaning) = koos.meaning() {
        ui.label(meaning);
    }
    bars_ui(ui, "rule", koos.probabilities);
    if let Some(borderline) = &koos.borderline {
        let text = super::capitalised(&format!("{borderline}: {}", borderline.reason));
        ui.label(RichText::new(text).color(caution(ui)));
    }
}

/// Probability of each grade; `of` says whose.
pub(super) fn bars_ui(ui: &mut Ui, of: &str, probabilities: [f64; 4]) {
    for (grade, probability) in KoosGrade::ALL.into_iter().zip(probabilities) {
        ui.horizontal(|ui| {
            ui.add_sized([26.0, 14.0], egui::Label::new(grade.to_string()));
            let bar = ui.add(
                ProgressBar::new(probability as f32)
                    .desired_width(150.0)
                    .desired_height(10.0)
                    .corner_radius(2.0),
            );
            let percent = format!("{:.0} %", probability * 100.0);
            bar.widget_info(|| {
                let text = format!("{of}: {grade} {percent}");
                egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, text)
            });
            ui.label(percent);
        });
    }
}

/// The other gradings that follow from the same measures.
fn classes_ui(ui: &mut Ui, visit: &VisitState, koos: &KoosAssessment) {
    rows(ui, ("classes", visit.id.0), |ui| {
        if let Some(subgrade) = koos.subgrade {
            row(ui, "Grade II by size", subgrade.to_string());
        }
        if let Some(class) = koos.hannover {
            row(ui, "Hannover", class.to_string());
            row(ui, "", RichText::new(class.meaning()).small());
        }
        if let Some(class) = koos.tokyo {
            let text = format!("{}, {}", class.number(), class.name());
            row(ui, "Tokyo size class", text);
        }
    });
}
