//! Volumes over time: with their errors, the fitted curve, and what was done against the tumour.
use super::{caution, heading};
use crate::{
    app::{
        command::{Command, ViewCommand, VisitCommand},
        state::{AppState, VisitState},
    },
    measure::{FittedGrowth, TumourExtent, fitted_growth, volume_text},
    patient::{GrowthAssessment, ReviewState, TreatmentKind, VisitSummary},
};
use chrono::{Datelike, NaiveDate};
use egui::{Color32, RichText, Stroke, Ui};
use egui_plot::{Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotUi, Points, VLine};

/// How near the pointer must be to a visit, points.
const NEAR: f32 = 14.0;
/// Points of the fitted curve.
const CURVE: usize = 40;
/// Smallest volume on a logarithmic axis, mm³.
const LEAST_MM3: f64 = 1.0;

/// The colour of volumes.
pub(super) fn line(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode {
        Color32::from_rgb(120, 180, 240)
    } else {
        Color32::from_rgb(20, 90, 170)
    }
}

/// Years since the beginning of the calendar: the chart's axis.
fn years(date: NaiveDate) -> f64 {
    let first = NaiveDate::from_yo_opt(date.year(), 1).unwrap_or(date);
    f64::from(date.year()) + (date - first).num_days() as f64 / 365.25
}

/// One measured visit on the chart.
struct Measured<'a> {
    summary: &'a VisitSummary,
    years: f64,
    volume_mm3: f64,
    /// Half-width of its 95 % interval; none where the scan cuts the tumour and the volume is a lower limit.
    error_mm3: Option<f64>,
}

impl Measured<'_> {
    /// Ends of the interval, mm³.
    fn ends(&self) -> [f64; 2] {
        let error = self.error_mm3.unwrap_or(0.0);
        [self.volume_mm3 - error, self.volume_mm3 + error]
    }

    /// `812 ± 108 mm³`, `at least 812 mm³`.
    fn words(&self) -> String {
        let volume = volume_text(self.volume_mm3);
        match self.error_mm3 {
            Some(error) => format!("{volume} ± {} mm³", volume_text(error)),
            None => format!("at least {volume} mm³, the scan cuts the tumour"),
        }
    }
}

/// The chart with its heading.
pub(super) fn timeline_ui(
    ui: &mut Ui,
    state: &AppState,
    assessment: &GrowthAssessment,
    out: &mut Vec<Command>,
) {
    let log = state.view.log_volume;
    ui.horizontal(|ui| {
        heading(ui, "Growth");
        for (text, on) in [("linear", false), ("logarithmic", true)] {
            let button = ui.selectable_label(log == on, RichText::new(text).small());
            if button.on_hover_text("Axis of the volumes").clicked() {
                out.push(Command::View(ViewCommand::LogVolume(on)));
            }
        }
    });
    let measured: Vec<Measured<'_>> = assessment
        .visits
        .iter()
        .filter_map(|summary| {
            Some(Measured {
                summary,
                years: years(summary.date),
                volume_mm3: summary.volume_mm3?,
                error_mm3: summary.uncertainty95_mm3,
            })
        })
        .collect();
    if measured.is_empty() {
        return;
    }
    // Of the same visits as the assessment's own trend, or none.
    let trend = assessment.trend.filter(|t| t.visits == measured.len());
    let fit = trend.and_then(|_| fit(state));
    let rate = fit.map_or_else(String::new, |fit| {
        let [low, high] = fit.rate.ci95;
        let rate = fit.rate.per_year;
        format!("; dashed: fitted, {rate:.2} a year (95 % {low:.2} to {high:.2})")
    });
    let words = format!("Volume, mm³, with its 95 % error; hollow: not accepted{rate}");
    ui.label(RichText::new(words).small().weak());
    chart(ui, state, &measured, fit, out);
}

/// The curve through all visits of the window that have a date, outlines and a tumour.
fn fit(state: &AppState) -> Option<FittedGrowth> {
    let of = |v: &VisitState| -> Option<(f64, TumourExtent)> {
        Some((years(v.date?), v.outlines.as_ref()?.measured.extent()?))
    };
    let treated = state.facts.radiosurgery().map(years);
    let visits: Vec<_> = state.visits.iter().filter_map(of).collect();
    // After treatment a tumour does not go on as before: one curve through both would mean nothing.
    let apart = treated
        .is_some_and(|t| visits.iter().any(|(y, _)| *y <= t) && visits.iter().any(|(y, _)| *y > t));
    let mixed = state
        .visits
        .windows(2)
        .any(|v| v[0].sequence != v[1].sequence);
    if apart || mixed {
        None
    } else {
        fitted_growth(&visits)
    }
}

fn chart(
    ui: &mut Ui,
    state: &AppState,
    measured: &[Measured<'_>],
    fit: Option<FittedGrowth>,
    out: &mut Vec<Command>,
) {
    let log = state.view.log_volume;
    let height = |mm3: f64| if log { mm3.max(LEAST_MM3).log10() } else { mm3 };
    let at = |m: &Measured<'_>| [m.years, height(m.volume_mm3)];
    let years_of = measured.iter().map(|m| m.years);
    let first = years_of.clone().fold(f64::INFINITY, f64::min);
    let last = years_of.fold(f64::NEG_INFINITY, f64::max);
    let top = measured.iter().map(|m| m.ends()[1]).fold(0.0, f64::max);
    let least = measured.iter().map(|m| m.ends()[0]).fold(top, f64::min);
    let margin = ((last - first) * 0.15).max(0.25);
    let bottom = if log { height(least) - 0.15 } else { 0.0 };
    let head = if log { height(top) + 0.2 } else { top * 1.3 };
    let (colour, marked) = (line(ui), caution(ui));
    let response = Plot::new("volumes")
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_grid([false, true])
        .include_y(bottom)
        .include_y(head)
        .include_x(first - margin)
        .include_x(last + margin)
        .x_axis_formatter(|mark, _| {
            if mark.step_size >= 0.99 {
                format!("{:.0}", mark.value)
            } else {
                String::new()
            }
        })
        .y_axis_formatter(move |mark, _| {
            if log {
                volume_text(10_f64.powf(mark.value))
            } else {
                format!("{:.0}", mark.value)
            }
        })
        .label_formatter(|_| None)
        .show(ui, |plot| {
            treatments(plot, state, marked);
            if let Some(fit) = fit {
                let step = (last - first) / CURVE as f64;
                let curve: Vec<[f64; 2]> = (0..=CURVE)
                    .map(|n| first + step * n as f64)
                    .map(|t| [t, height(fit.volume_mm3(t))])
                    .collect();
                let curve = Line::new("fitted", PlotPoints::from(curve)).color(marked);
                plot.line(curve.style(LineStyle::dashed_dense()).width(1.0));
            }
            let between: Vec<[f64; 2]> = measured.iter().map(at).collect();
            plot.line(
                Line::new("volume", PlotPoints::from(between))
                    .color(colour)
                    .width(1.5),
            );
            for m in measured {
                visit(plot, m, (height, colour), head - bottom);
            }
        });
    hover(ui, state, measured, height, &response, out);
}

/// A visit with its error: filled where it was accepted, hollow otherwise.
fn visit(
    plot: &mut PlotUi<'_>,
    m: &Measured<'_>,
    (height, colour): (impl Fn(f64) -> f64, Color32),
    span: f64,
) {
    let ends = m.ends().map(&height);
    let whisker = PlotPoints::from(vec![[m.years, ends[0]], [m.years, ends[1]]]);
    let stroke = Stroke::new(3.0, colour.gamma_multiply(0.6));
    plot.line(Line::new("error", whisker).stroke(stroke));
    let accepted = m.summary.state == ReviewState::Accepted;
    plot.points(
        Points::new(
            "visit",
            PlotPoints::from(vec![[m.years, height(m.volume_mm3)]]),
        )
        .radius(5.0)
        .filled(accepted)
        .color(colour),
    );
    let least = if m.error_mm3.is_none() {
        "at least "
    } else {
        ""
    };
    let volume = volume_text(m.volume_mm3);
    let words = format!("{}\n{least}{volume} mm³", m.summary.date);
    let above = PlotPoint::new(m.years, ends[1] + span * 0.02);
    plot.text(
        egui_plot::Text::new("visit", above, RichText::new(words).small())
            .anchor(egui::Align2::CENTER_BOTTOM),
    );
}

/// Days of treatment, each a line with its word.
fn treatments(plot: &mut PlotUi<'_>, state: &AppState, colour: Color32) {
    for treatment in &state.facts.treatments {
        let word = match &treatment.kind {
            TreatmentKind::Radiosurgery => "radiosurgery",
            TreatmentKind::Surgery => "surgery",
            TreatmentKind::Other(name) => name,
        };
        let line = VLine::new(word, years(treatment.day)).color(colour);
        plot.vline(line.style(LineStyle::dotted_dense()).width(1.5));
    }
}

/// Says what the visit near the pointer is, and shows it on a click.
fn hover<R>(
    ui: &Ui,
    state: &AppState,
    measured: &[Measured<'_>],
    height: impl Fn(f64) -> f64,
    plot: &egui_plot::PlotResponse<R>,
    out: &mut Vec<Command>,
) {
    let Some(pointer) = plot.response.hover_pos() else {
        return;
    };
    let near = measured.iter().find(|m| {
        let at = PlotPoint::new(m.years, height(m.volume_mm3));
        plot.transform.position_from_point(&at).distance(pointer) < NEAR
    });
    let Some(m) = near else {
        return;
    };
    let koos = m.summary.koos.as_deref().unwrap_or("withheld");
    let words = format!(
        "{}: {}, Koos {koos}, {}; click to show it",
        m.summary.date,
        m.words(),
        m.summary.state
    );
    plot.response.clone().on_hover_text_at_pointer(words);
    ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    if plot.response.clicked() {
        let shown = state
            .visits
            .iter()
            .find(|v| v.date == Some(m.summary.date) && v.scan_sha256 == m.summary.scan_sha256);
        out.extend(shown.map(|v| Command::Visit(VisitCommand::Select(v.id))));
    }
}
