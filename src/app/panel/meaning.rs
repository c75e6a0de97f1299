//! The question what the values of a label map mean.
use super::capitalised;
use crate::{
    app::{
        command::{Command, WorkCommand},
        meaning::{Meaning, MeaningCommand, Scheme},
        state::{AppState, VisitState},
    },
    measure::volume_text,
    volume::Structure,
};
use egui::{Align2, Button, ComboBox, Context, Grid, RichText, ScrollArea, Ui, Window};

/// Asks, while a label map waits.
pub(in crate::app) fn meaning_ui(ctx: &Context, state: &AppState, out: &mut Vec<Command>) {
    let Some(meaning) = &state.meaning else {
        return;
    };
    let mut say = |command| out.push(Command::Work(WorkCommand::Meaning(command)));
    let mut open = true;
    Window::new("What the outlines mean")
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            ui.set_width(430.0);
            let name = meaning.path.file_name().unwrap_or_default();
            let visit = state
                .visit(meaning.visit)
                .map_or_else(String::new, VisitState::title);
            let text = format!("{} for {visit}", name.to_string_lossy());
            ui.label(RichText::new(text).weak());
            if meaning.names.is_none() {
                ui.horizontal_wrapped(|ui| {
                    ui.label("As in");
                    for scheme in Scheme::ALL {
                        if ui.button(scheme.name()).clicked() {
                            say(MeaningCommand::Follow(scheme));
                        }
                    }
                });
            }
            ui.separator();
            ScrollArea::vertical()
                .max_height(320.0)
                .show(ui, |ui| values_ui(ui, meaning, &mut say));
            ui.separator();
            ui.horizontal(|ui| {
                let read = ui.add_enabled(meaning.means_something(), Button::new("Read outlines"));
                if read.clicked() {
                    say(MeaningCommand::Read);
                }
                if ui
                    .button("Leave the file alone")
                    .on_hover_text("Esc")
                    .clicked()
                {
                    say(MeaningCommand::Leave);
                }
            });
        });
    if !open {
        say(MeaningCommand::Leave);
    }
}

/// Letters of a region's name that are shown.
const NAME_LETTERS: usize = 36;

fn values_ui(ui: &mut Ui, meaning: &Meaning, say: &mut impl FnMut(MeaningCommand)) {
    if meaning.values.is_empty() {
        ui.label("The file is empty: it outlines nothing");
        return;
    }
    Grid::new("meaning")
        .num_columns(3)
        .striped(true)
        .show(ui, |ui| {
            for heading in ["Value", "Volume", "Structure"] {
                ui.label(RichText::new(heading).small().weak());
            }
            ui.end_row();
            for (value, structure) in &meaning.values {
                let number = value.value.to_string();
                let name = meaning.names.as_ref().and_then(|n| n.get(&value.value));
                let whole = name.map_or(number.clone(), |name| format!("{number}  {name}"));
                let mut shown: String = whole.chars().take(NAME_LETTERS).collect();
                if shown.len() < whole.len() {
                    shown.push('…');
                }
                // A column of a grid is no wider than its first row asks: cutting the text by the column would leave nothing of it.
                ui.add(egui::Label::new(shown).wrap_mode(egui::TextWrapMode::Extend))
                    .on_hover_text(&whole);
                ui.label(format!("{} mm³", volume_text(value.volume_mm3)));
                let name = |s: Option<Structure>| {
                    s.map_or_else(|| "left out".to_owned(), |s| capitalised(s.name()))
                };
                let mut chosen = *structure;
                let shown = name(chosen);
                let combo = ComboBox::from_id_salt(("meaning", value.value))
                    .selected_text(&shown)
                    .width(210.0)
                    .show_ui(ui, |ui| {
                        for one in Structure::ALL.into_iter().map(Some).chain([None]) {
                            ui.selectable_value(&mut chosen, one, name(one));
                        }
                    })
                    .response;
                combo.widget_info(|| {
                    let words = format!("Meaning of value {}: {shown}", value.value);
                    egui::WidgetInfo::labeled(egui::Role::ComboBox, true, words)
                });
                if chosen != *structure {
                    say(MeaningCommand::Set(value.value, chosen));
                }
                ui.end_row();
            }
        });
}
