//! The question which series of a DICOM folder to open.
use super::{Panels, caution};
use crate::app::{
    command::{Command, WorkCommand},
    series::{SeriesChoice, SeriesCommand, SeriesRow},
    state::AppState,
};
use egui::{
    Align2, Button, Color32, ColorImage, Context, Key, RichText, ScrollArea, TextureOptions, Ui,
    Vec2, Window,
};

/// Edge of the pictures on the screen, points.
const PICTURE: f32 = 64.0;

/// Asks, while a folder of several series waits.
pub(in crate::app) fn series_ui(
    ctx: &Context,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
) {
    let Some(choice) = &state.series else {
        panels.thumbnails.clear();
        return;
    };
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
            ScrollArea::vertical()
                .max_height(430.0)
                .show(ui, |ui| rows_ui(ui, choice, panels, &mut say));
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
                let entered =
                    ui.input(|i| i.key_pressed(Key::Enter)) && !ui.ctx().text_edit_focused();
                if button.clicked() || entered && obstacle.is_none() {
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
    if !open || ctx.input(|i| i.key_pressed(Key::Escape)) {
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
        ui.horizontal(|ui| {
            picture_ui(ui, (n, row), panels);
            ui.vertical(|ui| row_ui(ui, (n, row), say));
        });
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
