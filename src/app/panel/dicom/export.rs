//! The question which results of a visit are written as DICOM objects, and where.
use super::{Wish, dialog, place_ui};
use crate::app::{
    command::Command,
    dicom::{DicomCommand, ExportCommand, ExportDialog, Place, said, unwritable},
    export::Object,
    panel::caution,
    state::{AppState, VisitState},
};
use egui::{Button, Context, RichText, Ui};

/// Asks, while it is open.
pub(super) fn export_ui(
    ctx: &Context,
    state: &AppState,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    let Some(dialog_state) = &state.dicom.export else {
        return;
    };
    let Some(visit) = state.visit(dialog_state.visit) else {
        return;
    };
    let mut say = |command| out.push(Command::Dicom(DicomCommand::Export(command)));
    let open = dialog(ctx, "Export as DICOM", 470.0, |ui| {
        ui.label(RichText::new(format!("Results of {}", visit.title())).strong());
        if let Some(outlines) = &visit.outlines {
            ui.label(RichText::new(said(state, outlines)).weak());
        }
        series_ui(ui, visit, wishes);
        ui.separator();
        objects_ui(ui, dialog_state, visit, &mut say);
        ui.separator();
        let hint = "The objects go into a new folder there, all of them or none";
        let folder = dialog_state.folder.as_deref();
        if place_ui(ui, ("Choose a folder…", hint), folder) {
            wishes.push(Wish::Dicom(Place::ExportFolder));
        }
        ui.horizontal(|ui| {
            let obstacle = dialog_state.obstacle(state);
            let write = ui.add_enabled(obstacle.is_none(), Button::new("Write the objects"));
            if write.clicked() {
                say(ExportCommand::Write);
            }
            if ui.button("Write nothing").on_hover_text("Esc").clicked() {
                say(ExportCommand::Leave);
            }
        });
        if let Some(obstacle) = dialog_state.obstacle(state) {
            ui.label(RichText::new(obstacle).color(caution(ui)));
        }
    });
    if !open {
        out.push(Command::Dicom(DicomCommand::Export(ExportCommand::Leave)));
    }
}

/// The series that the objects will belong to.
fn series_ui(ui: &mut Ui, visit: &VisitState, wishes: &mut Vec<Wish>) {
    if let Some(series) = &visit.series {
        ui.label(RichText::new(format!("Series {}", series.title())).weak());
        return;
    }
    if visit.demo {
        return;
    }
    ui.label("Objects name the patient, study and images of a DICOM series. Show the one that this scan was made from; its voxels are compared.");
    if ui.button("Choose the DICOM series…").clicked() {
        wishes.push(Wish::Dicom(Place::Series));
    }
}

fn objects_ui(
    ui: &mut Ui,
    dialog: &ExportDialog,
    visit: &VisitState,
    say: &mut impl FnMut(ExportCommand),
) {
    for object in Object::ALL {
        let why = unwritable(visit, object);
        let mut chosen = why.is_none() && dialog.objects.contains(&object);
        ui.horizontal(|ui| {
            ui.add_enabled_ui(why.is_none(), |ui| {
                if ui.checkbox(&mut chosen, object.name()).changed() {
                    say(ExportCommand::Choose(object, chosen));
                }
            });
            if let Some(why) = why {
                ui.add(egui::Label::new(RichText::new(why).small().weak()).truncate());
            }
        });
    }
    let kept = visit.key_images.len();
    if kept > 0 {
        let text = format!("Key images: the plane through the tumour and {kept} that you kept");
        ui.label(RichText::new(text).small().weak());
    }
}
