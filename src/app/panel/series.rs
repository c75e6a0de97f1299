//! The question which series of a DICOM folder to open.
use super::{Panels, caution};
use crate::app::{
    command::{Command, WorkCommand},
    series::{SeriesChoice, SeriesCommand, SeriesRow},
    state::AppState,
};
use egui::{
    Align2, Button, Color32, ColorImage, Context, RichText, ScrollArea, TextureOptions, Ui, Vec2,
    Window,
};

/// Edge of the pictures on the screen, points.
const PICTURE: f32 = 64.0;
/// Rows so near to what is in sight are laid out too, points.
const MARGIN: f32 = 200.0;

/// Asks, while a folder of several series waits.
pub(in crate::app) fn series_ui(
    ctx: &Context,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
) {
    let Some(choice) = &state.series else {
        panels.thumbnails.clear();
        panels.row_heights.clear();
        return;
    };
    if panels.listed != choice.number {
        // Rows of another list have the same numbers.
        panels.thumbnails.clear();
        panels.row_heights.clear();
        panels.listed = choice.number;
    }
    let mut say = |command| out.push(Command::Work(WorkCommand::Series(command)));
    let mut open = true;
    Window::new("Series of the folder")
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            ui.set_width(620.0);
            let path = choice.path.display().to_string();
            ui.label(RichText::new(path).weak());
            ui.separator();
            ScrollArea::vertical().max_height(430.0).show(ui, |ui| {
                rows_ui(ui, choice, panels, &mut say);
                objects_ui(ui, choice, &mut say);
            });
            if !choice.left_out.is_empty() {
                let title = format!("Left out: {}", choice.left_out.len());
                ui.collapsing(title, |ui| {
                    ScrollArea::vertical()
                        .id_salt("left out")
                        .max_height(120.0)
                        .show(ui, |ui| super::cautions(ui, &choice.left_out));
                });
            }
            ui.separator();
            ui.horizontal(|ui| {
                let obstacle = choice.obstacle();
                let count = choice.rows.iter().filter(|r| r.chosen).count();
                let text = match count {
                    0 | 1 => "Open the series".to_owned(),
                    n => format!("Open {n} series"),
                };
                let button = ui.add_enabled(obstacle.is_none(), Button::new(text));
                if button.clicked() {
                    say(SeriesCommand::Open);
                }
                if ui.button("Open nothing").on_hover_text("Esc").clicked() {
                    say(SeriesCommand::Leave);
                }
                if let Some(obstacle) = obstacle {
                    ui.label(RichText::new(obstacle).color(caution(ui)));
                }
            });
        });
    if !open {
        say(SeriesCommand::Leave);
    }
}

fn rows_ui(
    ui: &mut Ui,
    choice: &SeriesChoice,
    panels: &mut Panels,
    say: &mut impl FnMut(SeriesCommand),
) {
    let mut above: Option<(&str, &str)> = None;
    for (n, row) in choice.rows.iter().enumerate() {
        let here = (row.patient_title.as_str(), row.study.as_str());
        if above != Some(here) {
            if above.is_none_or(|(patient, _)| patient != here.0) {
                super::heading(ui, if here.0.is_empty() { "No name" } else { here.0 });
            }
            ui.label(RichText::new(here.1).weak());
            above = Some(here);
        }
        // A disc may hold thousands: only those in sight are laid out, the others keep the height that they had.
        let height = panels.row_heights.get(n).copied().unwrap_or(PICTURE);
        let (top, sight) = (ui.cursor().top(), ui.clip_rect());
        if top > sight.bottom() + MARGIN || top + height < sight.top() - MARGIN {
            ui.add_space(height);
            continue;
        }
        let shown = ui.horizontal(|ui| {
            picture_ui(ui, (n, row), panels);
            ui.vertical(|ui| row_ui(ui, (n, row), say));
        });
        if panels.row_heights.len() <= n {
            panels.row_heights.resize(n + 1, PICTURE);
        }
        if let Some(height) = panels.row_heights.get_mut(n) {
            *height = shown.response.rect.height() + ui.spacing().item_spacing.y;
        }
    }
}

/// What others derived from the series.
fn objects_ui(ui: &mut Ui, choice: &SeriesChoice, say: &mut impl FnMut(SeriesCommand)) {
    if choice.objects.is_empty() {
        return;
    }
    super::heading(ui, "Made from these series");
    for (n, object) in choice.objects.iter().enumerate() {
        let obstacle = choice.object_obstacle(object);
        let mut chosen = object.chosen && obstacle.is_none();
        ui.add_enabled_ui(obstacle.is_none(), |ui| {
            let file = object.path.display().to_string();
            let check = ui.checkbox(&mut chosen, &object.title).on_hover_text(file);
            if check.changed() {
                say(SeriesCommand::ChooseObject(n, chosen));
            }
        });
        if let Some(obstacle) = obstacle {
            ui.label(RichText::new(format!("   {obstacle}")).small().weak());
        }
    }
}

fn row_ui(ui: &mut Ui, (n, row): (usize, &SeriesRow), say: &mut impl FnMut(SeriesCommand)) {
    let refusal = row.refusal();
    let mut chosen = row.chosen;
    let title = row.series.title();
    let title = match row.shows() {
        "" => title,
        shows => format!("{title} ({shows})"),
    };
    ui.add_enabled_ui(refusal.is_none(), |ui| {
        if ui.checkbox(&mut chosen, title).changed() {
            say(SeriesCommand::Choose(n, chosen));
        }
    });
    let facts = row.series.facts.line();
    ui.add(egui::Label::new(RichText::new(facts).small().weak()).truncate());
    if let Some(why) = refusal {
        let text = RichText::new(format!("Cannot be opened: {why}")).small();
        ui.label(text.color(caution(ui)));
    }
    let warnings: Vec<String> = row
        .series
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    super::cautions(ui, &warnings);
}

fn picture_ui(ui: &mut Ui, (n, row): (usize, &SeriesRow), panels: &mut Panels) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(PICTURE), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, Color32::BLACK);
    match &row.thumbnail {
        Some(Ok(picture)) => {
            let texture = panels.thumbnails.entry(n).or_insert_with(|| {
                let image = ColorImage::from_gray([picture.width, picture.height], &picture.grey);
                ui.ctx()
                    .load_texture("thumbnail", image, TextureOptions::LINEAR)
            });
            let size = texture.size_vec2();
            let scale = PICTURE / size.max_elem().max(1.0);
            let at = egui::Rect::from_center_size(rect.center(), size * scale);
            let whole = egui::Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
            ui.painter().image(texture.id(), at, whole, Color32::WHITE);
        }
        Some(Err(why)) => {
            response.on_hover_text(why);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{apply, next_task},
        volume::unobserved,
    };
    use egui::{RawInput, TextureId};
    use std::path::Path;

    /// Lists the series of a folder, and reads their pictures.
    fn list(state: &mut AppState, folder: &Path) {
        let open = WorkCommand::Open(folder.to_owned());
        apply(state, Command::Work(open));
        while let Some(task) = next_task(state) {
            let outcome = task.run(&mut unobserved);
            apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
        }
        assert!(state.series.is_some(), "{:?}", state.messages);
    }

    #[test]
    fn a_list_that_takes_the_place_of_another_shows_its_own_pictures() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
        let folder = tempfile::tempdir().unwrap();
        for name in ["oblique.zip", "MR_small.dcm"] {
            std::fs::copy(golden.join(name), folder.path().join(name)).unwrap();
        }
        let mut state = AppState::default();
        let ctx = Context::default();
        let mut panels = Panels::default();
        let mut pictures = |state: &AppState| -> Vec<TextureId> {
            for _ in 0..3 {
                let mut out = Vec::new();
                let frame = ctx.run_ui(RawInput::default(), |ui| {
                    series_ui(ui.ctx(), state, &mut panels, &mut out);
                });
                frame.drop_without_applying_deltas();
            }
            let textures = panels.thumbnails.values();
            textures.map(egui::TextureHandle::id).collect()
        };
        list(&mut state, folder.path());
        let first = pictures(&state);
        assert!(!first.is_empty());
        assert_eq!(pictures(&state), first, "made once");
        list(&mut state, folder.path());
        let second = pictures(&state);
        assert_eq!(second.len(), first.len());
        assert!(second.iter().all(|p| !first.contains(p)));
    }
}
