//! What stands around the planes.

mod dicom;
mod edit;
mod findings;
mod growth;
mod koos;
mod meaning;
mod patient;
mod record;
mod school;
mod series;
mod shortcuts;
mod sizes;
mod timeline;
mod toolbar;

pub(super) use dicom::dicom_ui;
pub(super) use findings::findings_ui;
pub(super) use growth::growth_ui;
pub(super) use meaning::meaning_ui;
pub(super) use patient::patient_ui;
pub(super) use school::school_ui;
pub(super) use series::series_ui;
pub(super) use shortcuts::shortcuts_ui;
pub(super) use toolbar::{messages_ui, status_ui, toolbar_ui, welcome_ui};

use super::{dicom::Place, state::VisitId};
use chrono::NaiveDate;
use egui::{Color32, RichText, Ui};
use std::collections::BTreeMap;

/// What a draft, a caution or a doubt is written in.
fn caution(ui: &Ui) -> Color32 {
    on_panel(ui, [255, 170, 60], [160, 82, 0])
}

/// What was accepted, or does not grow.
fn good(ui: &Ui) -> Color32 {
    on_panel(ui, [110, 205, 120], [20, 110, 40])
}

/// What failed, was rejected, or grows.
fn error(ui: &Ui) -> Color32 {
    on_panel(ui, [255, 110, 100], [180, 20, 20])
}

/// A colour that is read on dark panels, or on light ones.
fn on_panel(ui: &Ui, on_dark: [u8; 3], on_light: [u8; 3]) -> Color32 {
    let [r, g, b] = if ui.visuals().dark_mode {
        on_dark
    } else {
        on_light
    };
    Color32::from_rgb(r, g, b)
}

/// What a panel wishes that is not a change of the state: a file dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Scans to open.
    OpenScans,
    /// Keys act on the next plane from now on, or on the one before.
    NextView(i64),
    /// An empty folder for a new patient.
    NewPatient,
    /// A patient's folder to open.
    OpenPatient,
    /// A model folder to open.
    OpenModel,
    /// A folder of graded scans for the school.
    OpenCases,
    /// A table of the reader's answers to save.
    ExportAnswers,
    /// Outlines of the shown visit to open.
    OpenLabels,
    /// The shown visit's outlines to save.
    SaveLabels,
    /// The report to save.
    SaveReport,
    /// A picture of the window to save.
    SaveScreenshot,
    /// A picture of the window for the clipboard.
    CopyScreenshot,
    /// A place for what goes out as DICOM, or comes in.
    Dicom(Place),
    /// The whole screen, or the window again.
    FullScreen,
}

/// What panels keep of their own: half-typed text.
#[derive(Default)]
pub(super) struct Panels {
    /// Days of scans, and the day that each text was filled from.
    dates: BTreeMap<VisitId, (Option<NaiveDate>, String)>,
    path: String,
    /// What is told of the patient.
    record: record::RecordFields,
    /// Of the school.
    school: school::SchoolFields,
    /// The list of series that the next two are of.
    listed: u64,
    /// Pictures of the series that are listed.
    thumbnails: BTreeMap<usize, egui::TextureHandle>,
    /// Heights of their rows as they were last laid out, points.
    row_heights: Vec<f32>,
    /// What is looked for in the sheet of keys.
    wanted: String,
    /// The action, by its name, that gets the next key.
    waiting: Option<&'static str>,
}

impl std::fmt::Debug for Panels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Panels").finish_non_exhaustive()
    }
}

impl Panels {
    /// Whether the next key belongs to a panel.
    pub(super) fn takes_keys(&self) -> bool {
        self.waiting.is_some()
    }
}

/// The look of the window, dark and light.
pub(super) fn style(ctx: &egui::Context) {
    for (theme, visuals, panel, text) in [
        (egui::Theme::Dark, egui::Visuals::dark(), 24, 215),
        (egui::Theme::Light, egui::Visuals::light(), 244, 25),
    ] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals;
            style.visuals.panel_fill = Color32::from_gray(panel);
            style.visuals.override_text_color = Some(Color32::from_gray(text));
            style.spacing.item_spacing = egui::vec2(8.0, 5.0);
            style.interaction.tooltip_delay = 0.4;
        });
    }
}

/// A heading of a part of a panel.
fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(4.0);
    ui.label(RichText::new(text).strong().size(14.0));
}

/// A name and its value in a grid of two columns.
fn row(ui: &mut Ui, name: &str, value: impl Into<egui::WidgetText>) {
    ui.label(RichText::new(name).weak());
    ui.label(value);
    ui.end_row();
}

/// A grid of names and values.
fn rows(ui: &mut Ui, name: impl std::hash::Hash + std::fmt::Debug, add: impl FnOnce(&mut Ui)) {
    egui::Grid::new(name)
        .num_columns(2)
        .spacing([10.0, 3.0])
        .show(ui, add);
}

/// Things to beware of, one a line.
fn cautions(ui: &mut Ui, warnings: &[String]) {
    for warning in warnings {
        ui.label(
            RichText::new(format!("• {warning}"))
                .color(caution(ui))
                .small(),
        );
    }
}

/// The words with a capital at the beginning.
pub(super) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
