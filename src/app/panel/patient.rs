//! The patient's visits, and how structures are shown.
use super::{
    Panels, Wish, capitalised, caution, cautions,
    edit::edit_ui,
    heading,
    record::{kept_ui, record_ui},
};
use crate::{
    app::{
        command::{Command, EditCommand, PatientCommand, ViewCommand, VisitCommand, WorkCommand},
        state::{Alignment, AppState, VisitState},
        view::colour,
    },
    patient::{parse_day, sequence_name},
    volume::{Sequence, Structure},
};
use egui::{Button, Grid, RichText, ScrollArea, Slider, TextEdit, Ui};

/// Visits above, structures below.
pub(in crate::app) fn patient_ui(
    ui: &mut Ui,
    state: &AppState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    ScrollArea::vertical()
        .auto_shrink([false; 2])
        .show(ui, |ui| {
            record_ui(ui, state, panels, out, wishes);
            heading(ui, "Visits");
            if state.visits.is_empty() {
                ui.label(RichText::new("No scan is open").weak());
            }
            for visit in &state.visits {
                visit_ui(ui, state, visit, panels, out);
            }
            path_ui(ui, panels, out, wishes);
            ui.separator();
            structures_ui(ui, state, out);
            edit_ui(ui, state, out);
        });
}

fn visit_ui(
    ui: &mut Ui,
    state: &AppState,
    visit: &VisitState,
    panels: &mut Panels,
    out: &mut Vec<Command>,
) {
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let shown = state.active == Some(visit.id);
            if ui
                .selectable_label(shown, RichText::new(visit.title()).strong())
                .on_hover_text("Show this visit")
                .clicked()
            {
                out.push(Command::Visit(VisitCommand::Select(visit.id)));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let close = ui
                    .small_button("Close")
                    .on_hover_text("Take this visit off the list; its files stay");
                close.widget_info(|| {
                    egui::WidgetInfo::labeled(
                        egui::Role::Button,
                        true,
                        format!("Close {}", visit.title()),
                    )
                });
                if close.clicked() {
                    out.push(Command::Visit(VisitCommand::Remove(visit.id)));
                }
            });
        });
        if visit.date.is_some() {
            ui.label(RichText::new(&visit.origin).small().weak());
        }
        let grid = visit.volume.grid();
        let [ni, nj, nk] = grid.shape();
        let [a, b, c] = grid.spacing_mm();
        let size = format!("{ni} × {nj} × {nk} voxels of {a:.2} × {b:.2} × {c:.2} mm");
        ui.label(RichText::new(size).small().weak());
        date_ui(ui, visit, panels, out);
        alignment_ui(ui, state, visit, out);
        images_ui(ui, visit, out);
        left_ui(ui, visit, out);
        kept_ui(ui, state, visit, out);
        cautions(ui, &visit.warnings);
    });
}

/// Edits that a crash left.
fn left_ui(ui: &mut Ui, visit: &VisitState, out: &mut Vec<Command>) {
    let Some(left) = &visit.left else {
        return;
    };
    let when = left.modified.map_or_else(String::new, |at| {
        let at: chrono::DateTime<chrono::Local> = at.into();
        format!(" of {}", at.format("%Y-%m-%d %H:%M"))
    });
    let text = format!("Edits{when} were not saved");
    ui.label(RichText::new(text).color(caution(ui)));
    ui.horizontal(|ui| {
        for (name, command) in [
            ("Bring back", EditCommand::BringBack),
            ("Throw away", EditCommand::ThrowAway),
        ] {
            if ui.button(name).clicked() {
                out.push(Command::Edit(visit.id, command));
            }
        }
    });
}

/// Slices that were kept, to go back to.
fn images_ui(ui: &mut Ui, visit: &VisitState, out: &mut Vec<Command>) {
    for (number, image) in visit.key_images.iter().enumerate() {
        let native = &visit.planes[image.plane as usize];
        let slice = native.slice_at(visit.volume.grid(), image.crosshair) + 1;
        let name = format!("{} {slice}", capitalised(image.plane.name()));
        ui.horizontal(|ui| {
            ui.label(RichText::new("Key image").small().weak());
            let show = ui
                .small_button(&name)
                .on_hover_text("Go back to this slice");
            if show.clicked() {
                out.push(Command::View(ViewCommand::ShowImage(visit.id, number)));
            }
            let forget = ui.small_button("Forget");
            forget.widget_info(|| {
                let words = format!("Forget key image {name}");
                egui::WidgetInfo::labeled(egui::Role::Button, true, words)
            });
            if forget.clicked() {
                out.push(Command::View(ViewCommand::DropImage(visit.id, number)));
            }
        });
    }
}

/// The day of the scan, and below it the sequence.
fn date_ui(ui: &mut Ui, visit: &VisitState, panels: &mut Panels, out: &mut Vec<Command>) {
    let (of, text) = panels.dates.entry(visit.id).or_default();
    if *of != visit.date {
        // Set, or taken back, meanwhile.
        *of = visit.date;
        *text = visit.date.map_or_else(String::new, |d| d.to_string());
    }
    ui.horizontal(|ui| {
        let label = ui.label("Date");
        let field = ui
            .add(
                TextEdit::singleline(text)
                    .hint_text("YYYY-MM-DD")
                    .desired_width(82.0),
            )
            .labelled_by(label.id)
            .on_hover_text("Day of the scan, year-month-day; needed to assess growth");
        let typed = parse_day(text);
        let wrong = typed.as_ref().err().filter(|_| !text.is_empty()).cloned();
        let date = typed.ok();
        let news = date.is_some() && (date != visit.date || visit.date_from_name);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let mut button = ui.add_enabled(news, Button::new("Set"));
        if let Some(why) = wrong {
            button = button.on_disabled_hover_text(why);
        }
        let set = button.clicked();
        if let (true, true, Some(date)) = (news, set || entered, date) {
            out.push(Command::Visit(VisitCommand::SetDate(visit.id, date)));
        }
        sequence_ui(ui, visit, out);
    });
    if visit.date_from_name {
        ui.label(
            RichText::new("date from the file name")
                .small()
                .color(caution(ui)),
        )
        .on_hover_text("Press Set to confirm it, or type another");
    }
}

fn sequence_ui(ui: &mut Ui, visit: &VisitState, out: &mut Vec<Command>) {
    let mut sequence = visit.sequence;
    let shown = sequence_name(sequence);
    let choice = egui::ComboBox::from_id_salt(("sequence", visit.id.0))
        .selected_text(shown)
        .width(64.0)
        .show_ui(ui, |ui| {
            for one in [Sequence::HrT2, Sequence::CeT1, Sequence::Unknown] {
                ui.selectable_value(&mut sequence, one, sequence_name(one));
            }
        })
        .response
        .on_hover_text("What the scan shows; visits of different sequences are not compared");
    choice.widget_info(|| {
        let words = format!("Sequence of {}: {shown}", visit.title());
        egui::WidgetInfo::labeled(egui::Role::ComboBox, true, words)
    });
    if sequence != visit.sequence {
        out.push(Command::Visit(VisitCommand::SetSequence(
            visit.id, sequence,
        )));
    }
}

fn alignment_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    let Some(reference) = state.reference().filter(|r| r.id != visit.id) else {
        return;
    };
    match &visit.alignment {
        Alignment::Aligned { registration, .. } if state.linked(visit) => {
            let quality = format!(
                "aligned to {} (similarity {:.2}, was {:.2})",
                reference.title(),
                registration.similarity_after,
                registration.similarity_before
            );
            ui.label(RichText::new(quality).small().weak());
        }
        alignment => {
            let reason = match alignment {
                Alignment::Failed { reason, .. } => format!("not aligned: {reason}"),
                _ => format!("not aligned to {}", reference.title()),
            };
            ui.label(RichText::new(reason).small().color(caution(ui)));
            if ui
                .button("Align visits")
                .on_hover_text("Find how the heads of the two scans lie to each other")
                .clicked()
            {
                out.push(Command::Work(WorkCommand::Align));
            }
        }
    }
}

/// A typed path: not every system has a file dialog.
fn path_ui(ui: &mut Ui, panels: &mut Panels, out: &mut Vec<Command>, wishes: &mut Vec<Wish>) {
    ui.horizontal(|ui| {
        let label = ui.label("Path");
        let width = (ui.available_width() - 60.0).max(60.0);
        let field = ui
            .add(
                TextEdit::singleline(&mut panels.path)
                    .hint_text("scan.nii.gz")
                    .desired_width(width),
            )
            .labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let open = ui.button("Open").clicked();
        let typed = panels.path.trim();
        if open && typed.is_empty() {
            wishes.push(Wish::OpenScans);
        } else if (open || entered) && !typed.is_empty() {
            out.push(Command::Work(WorkCommand::Open(typed.into())));
            panels.path.clear();
        }
    });
    let typed = panels.path.trim().to_owned();
    if !typed.is_empty() {
        let new = ui
            .small_button("New patient in this folder")
            .on_hover_text("The folder is made, or is empty; the open scans are kept in it");
        if new.clicked() {
            out.push(Command::Patient(PatientCommand::New(typed.into())));
            panels.path.clear();
        }
    }
}

fn structures_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    heading(ui, "Structures");
    let style = &state.view.style;
    Grid::new("structures")
        .num_columns(3)
        .spacing([8.0, 4.0])
        .show(ui, |ui| {
            ui.label("");
            ui.label(RichText::new("Outline").small().weak());
            ui.label(RichText::new("Fill").small().weak());
            ui.end_row();
            for structure in Structure::ALL {
                let shown = style.structure(structure);
                let name = structure.name();
                ui.horizontal(|ui| {
                    let (square, _) =
                        ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
                    ui.painter()
                        .rect_filled(square, 2.0, colour(style, structure));
                    ui.label(capitalised(name));
                });
                let (mut contour, mut fill) = (shown.contour, shown.fill);
                if labelled_checkbox(ui, &mut contour, "Outline", name) {
                    out.push(Command::View(ViewCommand::Contour(structure, contour)));
                }
                if labelled_checkbox(ui, &mut fill, "Fill", name) {
                    out.push(Command::View(ViewCommand::Fill(structure, fill)));
                }
                ui.end_row();
            }
        });
    let mut percent = style.fill_opacity * 100.0;
    ui.horizontal(|ui| {
        let label = ui.label("Fill opacity");
        let slider = Slider::new(&mut percent, 0.0..=100.0)
            .suffix(" %")
            .fixed_decimals(0);
        if ui.add(slider).labelled_by(label.id).changed() {
            out.push(Command::View(ViewCommand::FillOpacity(percent / 100.0)));
        }
    });
    ui.label(
        RichText::new("Hold G to hide outlines, fill and crosshair")
            .small()
            .weak(),
    );
}

/// A checkbox that a screen reader tells from its neighbours: `Outline of cochlea`.
fn labelled_checkbox(ui: &mut Ui, on: &mut bool, text: &str, structure: &str) -> bool {
    let response = ui.checkbox(on, "");
    let state = *on;
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::CheckBox,
            true,
            state,
            format!("{text} of {structure}"),
        )
    });
    response.changed()
}
