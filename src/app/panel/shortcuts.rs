//! The sheet of keys.
use crate::app::{
    command::{Command, ViewCommand},
    keys::SHEET,
    state::AppState,
};
use egui::{Align2, Context, Grid, RichText, Window};

/// Width of the sheet, points.
const WIDTH: f32 = 620.0;

/// Keys and mouse, while the sheet is open.
pub(in crate::app) fn shortcuts_ui(ctx: &Context, state: &AppState, out: &mut Vec<Command>) {
    let mut open = state.view.shortcuts;
    if !open {
        return;
    }
    let sheet = Window::new("Keys and mouse")
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0]);
    sheet.show(ctx, |ui| {
        ui.set_width(WIDTH);
        Grid::new("keys")
            .num_columns(2)
            .spacing([18.0, 4.0])
            .min_col_width(WIDTH * 0.35)
            .striped(true)
            .show(ui, |ui| {
                for (keys, what) in SHEET {
                    ui.label(RichText::new(*keys).strong());
                    ui.label(*what);
                    ui.end_row();
                }
            });
    });
    if !open {
        out.push(Command::View(ViewCommand::Shortcuts(false)));
    }
}
