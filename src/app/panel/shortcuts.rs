//! The sheet of keys: to look something up, and to choose other keys.
use super::{Panels, capitalised};
use crate::app::{
    action::{ENTRIES, Entry, MOUSE},
    command::{Command, ViewCommand},
    preferences::{Drawing, Mouse, PreferenceCommand, Theme},
    state::AppState,
};
use egui::{
    Align2, Button, Context, Event, Grid, Key, KeyboardShortcut, RichText, ScrollArea, Slider,
    TextEdit, Ui, Window,
};

/// Width and height of the sheet, points.
const SIZE: [f32; 2] = [620.0, 520.0];

/// Keys and mouse, while the sheet is open.
pub(in crate::app) fn shortcuts_ui(
    ctx: &Context,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
) {
    let mut open = state.view.shortcuts;
    if !open {
        panels.waiting = None;
        return;
    }
    take_key(ctx, panels, out);
    let sheet = Window::new("Keys and mouse")
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0]);
    sheet.show(ctx, |ui| {
        ui.set_width(SIZE[0]);
        head_ui(ui, state, panels, out);
        ui.separator();
        ScrollArea::vertical()
            .max_height(SIZE[1].min(ctx.content_rect().height() - 200.0))
            .show(ui, |ui| list_ui(ui, state, panels, out));
    });
    if !open {
        out.push(Command::View(ViewCommand::Shortcuts(false)));
    }
}

/// Search, and what else the user may prefer.
fn head_ui(ui: &mut Ui, state: &AppState, panels: &mut Panels, out: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let label = ui.label("Search");
        ui.add(TextEdit::singleline(&mut panels.wanted).desired_width(150.0))
            .labelled_by(label.id);
        ui.separator();
        ui.label("Mouse");
        for mouse in Mouse::ALL {
            let on = state.preferences.mouse == mouse;
            if ui.selectable_label(on, capitalised(mouse.name())).clicked() {
                out.push(Command::Prefer(PreferenceCommand::Mouse(mouse)));
            }
        }
    });
    ui.horizontal(|ui| {
        ui.label("Panels");
        for theme in Theme::ALL {
            let on = state.preferences.theme == theme;
            if ui.selectable_label(on, capitalised(theme.name())).clicked() {
                out.push(Command::Prefer(PreferenceCommand::Theme(theme)));
            }
        }
        ui.separator();
        let mut patterns = state.preferences.patterns;
        let hint = "For who does not tell the colours apart: dots, dashes, and both";
        if ui
            .checkbox(&mut patterns, "A line pattern for each structure")
            .on_hover_text(hint)
            .changed()
        {
            out.push(Command::Prefer(PreferenceCommand::Patterns(patterns)));
        }
    });
    ui.horizontal(|ui| {
        ui.label("Slices are drawn by")
            .on_hover_text("A graphics adapter that is a program, as on a remote desktop, is slower than the processor itself");
        for drawing in Drawing::ALL {
            let on = state.preferences.drawing == drawing;
            if ui.selectable_label(on, capitalised(drawing.name())).clicked() {
                out.push(Command::Prefer(PreferenceCommand::Drawing(drawing)));
            }
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Size of text and controls");
        let mut percent = state.preferences.scale() * 100.0;
        let slider = Slider::new(&mut percent, 70.0..=250.0)
            .suffix(" %")
            .fixed_decimals(0)
            .step_by(5.0);
        let slider = ui.add(slider).labelled_by(label.id);
        // While it is dragged the slider would run away from the pointer.
        if slider.drag_stopped() || slider.changed() && !slider.dragged() {
            out.push(Command::Prefer(PreferenceCommand::Scale(percent / 100.0)));
        }
        let usual = state.preferences.keys.are_usual();
        if ui
            .add_enabled(!usual, Button::new("All keys as usual"))
            .clicked()
        {
            out.push(Command::Prefer(PreferenceCommand::UsualKeys));
        }
    });
}

fn list_ui(ui: &mut Ui, state: &AppState, panels: &mut Panels, out: &mut Vec<Command>) {
    let wanted = panels.wanted.trim().to_lowercase();
    let found = |words: &str, keys: &str| {
        wanted.is_empty() || format!("{words} {keys}").to_lowercase().contains(&wanted)
    };
    Grid::new("keys")
        .num_columns(2)
        .spacing([18.0, 4.0])
        .min_col_width(SIZE[0] * 0.35)
        .striped(true)
        .show(ui, |ui| {
            for (mouse, what) in MOUSE.iter().filter(|(m, w)| found(w, m)) {
                ui.label(RichText::new(*mouse).strong());
                ui.label(*what);
                ui.end_row();
            }
            for entry in ENTRIES {
                let keys = state.preferences.keys.words(entry);
                if found(entry.words, &keys) {
                    entry_ui(ui, entry, &keys, panels);
                }
            }
        });
    if let Some(id) = panels.waiting
        && ui.input(|i| i.pointer.any_click())
        && !ui.ui_contains_pointer()
    {
        log::debug!("no key was chosen for {id}");
        panels.waiting = None;
        out.push(Command::View(ViewCommand::Shortcuts(true)));
    }
}

/// An action with its keys, which a click changes.
fn entry_ui(ui: &mut Ui, entry: &Entry, keys: &str, panels: &mut Panels) {
    let waiting = panels.waiting == Some(entry.id);
    let text = if waiting { "press a key…" } else { keys };
    let button = ui
        .add(Button::new(RichText::new(text).strong()).selected(waiting))
        .on_hover_text("Click, then press the key that shall do this; Esc keeps it as it is");
    button.widget_info(|| {
        let words = format!("Key for: {} ({text})", entry.words);
        egui::WidgetInfo::labeled(egui::Role::Button, true, words)
    });
    if button.clicked() {
        panels.waiting = (!waiting).then_some(entry.id);
    }
    ui.label(entry.words);
    ui.end_row();
}

/// Gives the next key to the action that waits for one.
fn take_key(ctx: &Context, panels: &mut Panels, out: &mut Vec<Command>) {
    let Some(id) = panels.waiting else {
        return;
    };
    let key = ctx.input(|i| {
        i.events.iter().find_map(|event| match event {
            Event::Key {
                key,
                pressed: true,
                modifiers,
                ..
            } => Some(KeyboardShortcut::new(*modifiers, *key)),
            _ => None,
        })
    });
    if let Some(key) = key {
        panels.waiting = None;
        if key.logical_key != Key::Escape {
            // Ctrl is one key whatever the system calls it.
            let mut key = key;
            if key.modifiers.ctrl || key.modifiers.command {
                key.modifiers = egui::Modifiers {
                    ctrl: false,
                    mac_cmd: false,
                    command: true,
                    ..key.modifiers
                };
            }
            out.push(Command::Prefer(PreferenceCommand::Key(id, key)));
        }
    }
}
