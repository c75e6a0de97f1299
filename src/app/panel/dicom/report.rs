//! What was taken out of a copy, and what a structured report of others measures.
use super::dialog;
use crate::{
    app::{
        command::Command,
        dicom::DicomCommand,
        panel::{caution, cautions, good, heading},
        state::AppState,
    },
    io::{AnonymiseReport, AttributeCount, MeasurementGroup, MeasurementReport},
};
use egui::{Context, Grid, Label, RichText, ScrollArea, Ui};

const WIDTH: f32 = 560.0;
const HEIGHT: f32 = 420.0;

/// Tells of the last copy, until it was read.
pub(super) fn copied_ui(ctx: &Context, state: &AppState, out: &mut Vec<Command>) {
    let Some(report) = &state.dicom.copied else {
        return;
    };
    let mut read = false;
    let open = dialog(ctx, "What was taken out of the copy", WIDTH, |ui| {
        let text = format!("{} of {} files copied", report.copied, report.files);
        ui.label(RichText::new(text).strong());
        ui.add(Label::new(RichText::new(&report.output).weak()).truncate());
        // What must be looked at before the copy is given away: burned-in text above all.
        cautions(ui, &report.warnings);
        ui.separator();
        ScrollArea::vertical()
            .max_height(HEIGHT)
            .auto_shrink([false, true])
            .show(ui, |ui| lists_ui(ui, report));
        ui.separator();
        read = ui.button("Close").on_hover_text("Esc").clicked();
    });
    if read || !open {
        out.push(Command::Dicom(DicomCommand::CloseCopied));
    }
}

fn lists_ui(ui: &mut Ui, report: &AnonymiseReport) {
    for patient in &report.patients {
        ui.label(format!(
            "{}: studies {}, series {}, files {}",
            patient.pseudonym, patient.studies, patient.series, patient.files
        ));
    }
    for line in &report.profile {
        ui.label(RichText::new(line).small().weak());
    }
    for (what, list) in [
        ("Removed", &report.removed),
        ("Emptied", &report.emptied),
        ("Replaced", &report.replaced),
        ("Dates shifted", &report.shifted),
        ("Words taken out", &report.cleaned),
    ] {
        if !list.is_empty() {
            ui.collapsing(format!("{what}: {} attributes", list.len()), |ui| {
                attributes_ui(ui, what, list);
            });
        }
    }
    ui.label(format!("Private attributes removed: {}", report.private));
    if !report.left_out.is_empty() {
        heading(ui, "Not copied");
        for file in &report.left_out {
            let text = format!("{}: {}", file.file, file.reason);
            ui.label(RichText::new(text).small().color(caution(ui)));
        }
    }
}

fn attributes_ui(ui: &mut Ui, what: &str, list: &[AttributeCount]) {
    Grid::new(("attributes", what))
        .num_columns(3)
        .show(ui, |ui| {
            for attribute in list {
                ui.label(RichText::new(&attribute.tag).monospace().small());
                ui.label(RichText::new(&attribute.name).small());
                ui.label(RichText::new(format!("× {}", attribute.count)).small());
                ui.end_row();
            }
        });
}

/// Shows a structured report, until it was read.
pub(super) fn report_ui(ctx: &Context, state: &AppState, out: &mut Vec<Command>) {
    let Some(report) = &state.dicom.report else {
        return;
    };
    let mut read = false;
    let open = dialog(ctx, "Structured report", WIDTH, |ui| {
        head_ui(ui, report);
        ui.separator();
        ScrollArea::vertical()
            .max_height(HEIGHT)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                if report.groups.is_empty() {
                    ui.label("It measures nothing");
                }
                for (n, group) in report.groups.iter().enumerate() {
                    group_ui(ui, n, group);
                }
            });
        ui.separator();
        ui.horizontal(|ui| {
            read = ui.button("Close").on_hover_text("Esc").clicked();
            if ui.button("Copy as text").clicked() {
                ui.ctx().copy_text(report.to_string());
            }
        });
    });
    if read || !open {
        out.push(Command::Dicom(DicomCommand::CloseReport));
    }
}

fn head_ui(ui: &mut Ui, report: &MeasurementReport) {
    ui.label(RichText::new(&report.title).strong());
    let (text, colour) = match (&report.verified_by, report.verified) {
        (Some(by), true) => (format!("Verified by {by}"), good(ui)),
        (None, true) => ("Verified".to_owned(), good(ui)),
        (_, false) => ("Not verified".to_owned(), caution(ui)),
    };
    ui.label(RichText::new(text).color(colour));
    ui.label(
        RichText::new("As its author wrote it; nothing here was measured by this program").weak(),
    );
    ui.add(Label::new(RichText::new(&report.file).small().weak()).truncate());
    cautions(ui, &report.warnings);
}

fn group_ui(ui: &mut Ui, n: usize, group: &MeasurementGroup) {
    let what = [
        &group.tracking_id,
        &group.finding,
        &group.site,
        &group.laterality,
    ];
    let mut words: Vec<&str> = what.into_iter().flatten().map(String::as_str).collect();
    words.dedup();
    heading(ui, &words.join(", "));
    Grid::new(("report", n))
        .num_columns(2)
        .striped(true)
        .max_col_width(WIDTH * 0.5)
        .show(ui, |ui| {
            for measured in &group.measurements {
                ui.label(&measured.name);
                let value = measured.value.map_or_else(
                    || "no value".to_owned(),
                    |value| format!("{} {}", shown(value), unit(&measured.unit)),
                );
                ui.label(value);
                ui.end_row();
            }
            for said in &group.evaluations {
                ui.label(&said.name);
                ui.label(&said.value);
                ui.end_row();
            }
        });
}

/// A number as people read it: at most four digits behind the point.
fn shown(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// UCUM's unit as people write it.
fn unit(ucum: &str) -> &str {
    match ucum {
        "mm3" => "mm³",
        "mm2" => "mm²",
        "cm3" => "cm³",
        "1" => "",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_without_empty_digits() {
        assert_eq!(shown(12.0), "12");
        assert_eq!(shown(0.123_456), "0.1235");
        assert_eq!(shown(-1200.5), "-1200.5");
        assert_eq!(unit("mm3"), "mm³");
    }
}
