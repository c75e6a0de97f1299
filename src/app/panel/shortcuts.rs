//! The sheet of keys.
use crate::app::{
    command::{Command, ViewCommand},
    keys::SHEET,
    state::AppState,
};
use egui::{Context, Grid, RichText, Window};

/// Keys and mouse, while the sheet is open.
pub(in crate::app) fn shortcuts_ui(ctx: &Context, state: &AppState, out: &mut Vec<Command>) {
    let mut open = state.view.shortcuts;
    if !open {
        return;
    }
    Window::new("Keys and mouse").open(&mut open).resizable(false).collapsible(false).show(ctx, |ui| {
        Grid::new("keys").num_columns(2).spacing([18.0, 4.0]).striped(true).show(ui, |ui| {
            for (keys, what) in SHEET {
                ui.label(RichText::new(*keys).monospace());
                ui.label(*what);
                ui.end_row();
            }
        });
    });
    if !open {
        out.push(Command::View(ViewCommand::Shortcuts(false)));
    }
}
