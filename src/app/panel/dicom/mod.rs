//! Windows about DICOM: results out, copies without identity, reports of others.

mod anonymise;
mod export;
mod report;

use super::Wish;
use crate::app::{command::Command, state::AppState};
use egui::{Align2, Context, Ui, Window};
use std::path::Path;

/// All of them that are open. What a scan's outlines mean is asked before.
pub(in crate::app) fn dicom_ui(
    ctx: &Context,
    state: &AppState,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    if state.meaning.is_some() {
        return;
    }
    export::export_ui(ctx, state, out, wishes);
    anonymise::anonymise_ui(ctx, state, out, wishes);
    report::copied_ui(ctx, state, out);
    report::report_ui(ctx, state, out);
}

/// A window in the middle; false once it was closed.
fn dialog(ctx: &Context, title: &str, width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let mut open = true;
    Window::new(title)
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            ui.set_width(width);
            add(ui);
        });
    open
}

/// A place that is asked for: what it is for, the button, and what was named.
fn place_ui(ui: &mut Ui, (button, hint): (&str, &str), named: Option<&Path>) -> bool {
    ui.horizontal(|ui| {
        let clicked = ui.button(button).on_hover_text(hint).clicked();
        let text = named.map_or_else(|| "not chosen".to_owned(), |p| p.display().to_string());
        let text = egui::RichText::new(text).weak();
        ui.add(egui::Label::new(text).truncate());
        clicked
    })
    .inner
}
