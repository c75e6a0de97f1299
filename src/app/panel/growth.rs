//! Change between visits: verdict, numbers, and the volumes over time.
use super::{caution, cautions, error, good, heading, row, rows};
use crate::{
    app::state::AppState,
    measure::{Verdict, volume_text},
    patient::{Change, GrowthAssessment, VisitSummary},
};
use chrono::{Datelike, NaiveDate};
use egui::{Color32, RichText, ScrollArea, Stroke, Ui};
use egui_plot::{Line, Plot, PlotPoints, Points};

/// Volumes over time.
fn line(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode {
        Color32::from_rgb(120, 180, 240)
    } else {
        Color32::from_rgb(20, 90, 170)
    }
}

/// Verdict and numbers beside the chart.
pub(in crate::app) fn growth_ui(ui: &mut Ui, state: &AppState) {
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
        let chart = |ui: &mut Ui| {
            heading(ui, "Growth");
            chart_ui(ui, assessment);
        };
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
                ui.allocate_ui_with_layout(half, column, chart);
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
    ui.label(RichText::new(&assessment.headline).size(17.0).strong());
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
    for reason in &change.reasons {
        ui.label(RichText::new(reason).small().weak());
    }
}

/// Years since the beginning of the calendar: the chart's axis.
fn years(date: NaiveDate) -> f64 {
    let first = NaiveDate::from_yo_opt(date.year(), 1).unwrap_or(date);
    f64::from(date.year()) + (date - first).num_days() as f64 / 365.25
}

/// Volumes over time with their 95 % error, and the line between them.
fn chart_ui(ui: &mut Ui, assessment: &GrowthAssessment) {
    let measured: Vec<(&VisitSummary, f64, f64)> = assessment
        .visits
        .iter()
        .filter_map(|v| Some((v, v.volume_mm3?, v.uncertainty95_mm3.unwrap_or(0.0))))
        .collect();
    let top = measured
        .iter()
        .map(|(_, volume, error)| volume + error)
        .fold(0.0, f64::max);
    let first = measured
        .iter()
        .map(|(v, ..)| years(v.date))
        .fold(f64::INFINITY, f64::min);
    let last = measured
        .iter()
        .map(|(v, ..)| years(v.date))
        .fold(f64::NEG_INFINITY, f64::max);
    if !first.is_finite() {
        return;
    }
    ui.label(
        RichText::new("Tumour volume, mm³, with its 95 % error; hollow: not reviewed")
            .small()
            .weak(),
    );
    let colour = line(ui);
    let margin = ((last - first) * 0.15).max(0.25);
    Plot::new("volumes")
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_grid([false, true])
        .include_y(0.0)
        .include_y(top * 1.3)
        .include_x(first - margin)
        .include_x(last + margin)
        .x_axis_formatter(|mark, _| {
            if mark.step_size >= 0.99 {
                format!("{:.0}", mark.value)
            } else {
                String::new()
            }
        })
        .label_formatter(|_| None)
        .show(ui, |plot| {
            let line: Vec<[f64; 2]> = measured
                .iter()
                .map(|(v, volume, _)| [years(v.date), *volume])
                .collect();
            plot.line(
                Line::new("volume", PlotPoints::from(line.clone()))
                    .color(colour)
                    .width(1.5),
            );
            for (visit, volume, error) in &measured {
                let x = years(visit.date);
                let whisker = PlotPoints::from(vec![[x, volume - error], [x, volume + error]]);
                plot.line(
                    Line::new("error", whisker)
                        .stroke(Stroke::new(3.0, colour.gamma_multiply(0.6))),
                );
                let words = format!("{}\n{} mm³", visit.date, volume_text(*volume));
                let at = egui_plot::PlotPoint::new(x, volume + error + top * 0.02);
                plot.text(
                    egui_plot::Text::new("visit", at, RichText::new(words).small())
                        .anchor(egui::Align2::CENTER_BOTTOM),
                );
            }
            // Hollow: drafts.
            plot.points(
                Points::new("visits", PlotPoints::from(line))
                    .radius(5.0)
                    .filled(false)
                    .color(colour),
            );
        });
}
