//! Change between visits: verdict, numbers, and the volumes over time.
use super::{
    caution, cautions, error, good, heading, row, rows,
    timeline::{line, timeline_ui},
};
use crate::{
    app::{
        assess::unmeasured,
        command::Command,
        state::{AppState, VisitState},
    },
    measure::{Verdict, volume_text},
    patient::{Change, GrowthAssessment},
};
use egui::{RichText, ScrollArea, Ui};

/// Verdict and numbers beside the chart.
pub(in crate::app) fn growth_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    // Its own fill: what scrolls fades into it.
    let frame = egui::Frame::new().fill(ui.visuals().panel_fill);
    frame.inner_margin(8.0).show(ui, |ui| {
        let assessment = match &state.assessment {
            Some(Ok(assessment)) => assessment,
            Some(Err(reason)) => {
                heading(ui, "Growth");
                ui.label(RichText::new(format!("Not assessed: {reason}")).color(caution(ui)));
                return;
            }
            None => {
                heading(ui, "Growth");
                ui.label(RichText::new(missing(state)).weak());
                return;
            }
        };
        let size = ui.available_size();
        let chart = |ui: &mut Ui| timeline_ui(ui, state, assessment, out);
        let numbers = |ui: &mut Ui| {
            ScrollArea::vertical()
                .id_salt("changes")
                .auto_shrink([false; 2])
                .show(ui, |ui| numbers_ui(ui, assessment));
        };
        if size.x > 1.6 * size.y {
            ui.horizontal_top(|ui| {
                let half = egui::vec2(size.x * 0.5, size.y);
                let column = egui::Layout::top_down(egui::Align::Min);
                ui.allocate_ui_with_layout(half - egui::vec2(14.0, 0.0), column, chart);
                ui.add_space(14.0);
                ui.allocate_ui_with_layout(half, column, numbers);
            });
        } else {
            ui.allocate_ui(egui::vec2(size.x, size.y * 0.45), chart);
            numbers(ui);
        }
    });
}

/// What is missing for an assessment, in words.
fn missing(state: &AppState) -> String {
    let ready = |v: &&VisitState| v.date.is_some() && v.outlines.is_some();
    if state.visits.iter().filter(ready).count() > 1
        && let Some(why) = unmeasured(state)
    {
        return format!("Growth waits: {why}");
    }
    let undated = state.visits.iter().filter(|v| v.date.is_none()).count();
    let bare = state.visits.iter().filter(|v| v.outlines.is_none()).count();
    match (state.visits.len(), undated, bare) {
        (0 | 1, ..) => "Growth needs two visits".to_owned(),
        (_, 1.., _) => "Growth needs the date of each visit".to_owned(),
        (_, _, 1..) => "Growth needs each visit to be segmented".to_owned(),
        _ => "Comparing the visits…".to_owned(),
    }
}

fn numbers_ui(ui: &mut Ui, assessment: &GrowthAssessment) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&assessment.headline).size(17.0).strong());
        let copy = ui.small_button("Copy paragraph");
        if copy
            .on_hover_text("The result as a paragraph for a radiology report, to the clipboard")
            .clicked()
        {
            ui.ctx().copy_text(assessment.to_paragraph());
        }
    });
    for (at, change) in assessment.changes.iter().enumerate() {
        change_ui(ui, at, change);
    }
    for registration in &assessment.registration {
        let residual = registration.residual_mm.map_or_else(
            || "not measured".to_owned(),
            |mm| format!("{mm:.1} mm between the cochleae"),
        );
        rows(ui, ("registration", registration.to), |ui| {
            row(ui, "Alignment residual", residual);
        });
    }
    cautions(ui, &assessment.warnings);
}

fn change_ui(ui: &mut Ui, at: usize, change: &Change) {
    let colour = match change.verdict {
        Verdict::Growth => error(ui),
        Verdict::ProbableGrowth | Verdict::NotComparable => caution(ui),
        Verdict::Stable => good(ui),
        Verdict::Shrinkage => line(ui),
    };
    let title = format!("{} to {}: {}", change.from, change.to, change.verdict);
    ui.label(RichText::new(title).strong().color(colour));
    rows(ui, ("change", at), |ui| {
        row(
            ui,
            "Interval",
            format!("{:.2} years", change.interval_years),
        );
        if let (Some(mm3), Some(percent)) = (change.volume_change_mm3, change.volume_change_percent)
        {
            let sign = if mm3 >= 0.0 { "+" } else { "−" };
            row(
                ui,
                "Volume",
                format!("{sign}{} mm³, {percent:+.0} %", volume_text(mm3.abs())),
            );
        }
        if let Some(percent) = change.detectable_change_percent {
            let decrease = change
                .detectable_decrease_percent
                .map_or_else(String::new, |d| format!(", −{:.0} %", d.abs()));
            row(
                ui,
                "Detectable change",
                format!("+{percent:.0} %{decrease}"),
            );
        }
        if let Some(percent) = change.annual_growth_percent {
            row(ui, "A year", format!("{percent:+.0} %"));
        }
        match change.doubling_time_years {
            Some(years) => row(ui, "Doubling time", format!("{years:.1} years")),
            None if change.annual_growth_percent.is_some() => {
                row(ui, "Doubling time", "none, not growing");
            }
            None => {}
        }
        if let (Some(rate), Some([low, high])) = (
            change.specific_growth_rate,
            change.specific_growth_rate_ci95,
        ) {
            row(
                ui,
                "Specific growth rate",
                format!("{rate:.2} a year (95 % {low:.2} to {high:.2})"),
            );
        }
        if let (Some(mm), Some(kind)) = (change.diameter_change_mm, change.diameter_kind) {
            row(ui, "Diameter", format!("{mm:+.1} mm ({kind})"));
        }
    });
    cautions(ui, &change.cautions);
    for reason in &change.reasons {
        ui.label(RichText::new(reason).small().weak());
    }
}
