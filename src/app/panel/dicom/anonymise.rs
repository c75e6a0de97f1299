//! The question how a copy without identity is made.
use super::{Wish, dialog, place_ui};
use crate::{
    app::{
        command::Command,
        dicom::{AnonymiseCommand, AnonymiseDialog, CopySource, DicomCommand, Place, source_files},
        panel::{caution, heading},
        state::AppState,
    },
    io::{Dates, Keeping},
};
use egui::{Button, Context, RichText, TextEdit, Ui};
use std::path::Path;

/// Asks, while it is open.
pub(super) fn anonymise_ui(
    ctx: &Context,
    state: &AppState,
    out: &mut Vec<Command>,
    wishes: &mut Vec<Wish>,
) {
    let Some(asked) = &state.dicom.anonymise else {
        return;
    };
    let mut say = |command| out.push(Command::Dicom(DicomCommand::Anonymise(command)));
    let open = dialog(ctx, "Anonymised copy", 500.0, |ui| {
        ui.label(
            RichText::new("A copy after the basic profile of DICOM PS3.15, annex E; the files that are copied stay as they are")
                .weak(),
        );
        source_ui(ui, (state, asked), &mut say, wishes);
        heading(ui, "What is kept");
        keeping_ui(ui, asked.keeping, &mut say);
        heading(ui, "What the patient is called");
        name_ui(ui, asked, &mut say, wishes);
        heading(ui, "Where the copy goes");
        let hint = "Files lie there by patient, study and series, under names that tell nothing";
        if place_ui(
            ui,
            ("Choose a folder for the copy…", hint),
            asked.folder.as_deref(),
        ) {
            wishes.push(Wish::Dicom(Place::CopyFolder));
        }
        ui.separator();
        let obstacle = asked.obstacle(state);
        ui.horizontal(|ui| {
            let copy = ui.add_enabled(obstacle.is_none(), Button::new("Make the copy"));
            if copy.clicked() {
                say(AnonymiseCommand::Copy);
            }
            if ui.button("Make none").on_hover_text("Esc").clicked() {
                say(AnonymiseCommand::Leave);
            }
        });
        if let Some(obstacle) = obstacle {
            ui.label(RichText::new(obstacle).color(caution(ui)));
        }
    });
    if !open {
        let leave = AnonymiseCommand::Leave;
        out.push(Command::Dicom(DicomCommand::Anonymise(leave)));
    }
}

fn source_ui(
    ui: &mut Ui,
    (state, asked): (&AppState, &AnonymiseDialog),
    say: &mut impl FnMut(AnonymiseCommand),
    wishes: &mut Vec<Wish>,
) {
    heading(ui, "What is copied");
    for visit in state.visits.iter().filter(|v| source_files(v).is_some()) {
        let this = CopySource::Visit(visit.id);
        let text = format!("The open series of {}", visit.title());
        if ui
            .radio(asked.source.as_ref() == Some(&this), text)
            .clicked()
        {
            say(AnonymiseCommand::Source(this));
        }
    }
    let folder: Option<&Path> = match &asked.source {
        Some(CopySource::Folder(path)) => Some(path),
        _ => None,
    };
    let hint = "Everything in it that is DICOM, of all patients";
    if place_ui(ui, ("Choose a folder of DICOM files…", hint), folder) {
        wishes.push(Wish::Dicom(Place::CopySource));
    }
}

fn keeping_ui(ui: &mut Ui, keeping: Keeping, say: &mut impl FnMut(AnonymiseCommand)) {
    let mut wanted = keeping;
    let mut shifted = keeping.dates == Dates::Shifted;
    for (on, text, hint) in [
        (
            &mut shifted,
            "Dates, all shifted by one secret number of days",
            "Intervals between visits stay; without it dates are removed",
        ),
        (
            &mut wanted.device,
            "Names and serial numbers of devices",
            "",
        ),
        (
            &mut wanted.descriptions,
            "Descriptions, cleaned by rule",
            "Of the header's names and numbers, of long numbers and of dates; read them before giving the copy away",
        ),
        (&mut wanted.characteristics, "Age, sex, size and weight", ""),
    ] {
        let check = ui.checkbox(on, text);
        if !hint.is_empty() {
            check.on_hover_text(hint);
        }
    }
    wanted.dates = if shifted {
        Dates::Shifted
    } else {
        Dates::Removed
    };
    if wanted != keeping {
        say(AnonymiseCommand::Keep(wanted));
    }
}

fn name_ui(
    ui: &mut Ui,
    asked: &AnonymiseDialog,
    say: &mut impl FnMut(AnonymiseCommand),
    wishes: &mut Vec<Wish>,
) {
    let mut name = asked.pseudonym.clone();
    ui.horizontal(|ui| {
        let label = ui.label("Pseudonym");
        let hint = "from the secret";
        let field = TextEdit::singleline(&mut name)
            .hint_text(hint)
            .desired_width(180.0);
        if ui.add(field).labelled_by(label.id).changed() {
            say(AnonymiseCommand::Pseudonym(name.clone()));
        }
    });
    ui.horizontal(|ui| {
        let old = ui.button("Secret of an earlier copy…").on_hover_text(
            "With the same secret, copies of later visits belong to the same patient and intervals stay",
        );
        if old.clicked() {
            wishes.push(Wish::Dicom(Place::OldSecret));
        }
        let new = ui
            .button("Keep a new secret…")
            .on_hover_text("Whoever has it can link the copy to the patient: keep it apart");
        if new.clicked() {
            wishes.push(Wish::Dicom(Place::NewSecret));
        }
        if asked.secret.is_some() && ui.button("Use none").clicked() {
            say(AnonymiseCommand::Secret(None));
        }
    });
    let text = match &asked.secret {
        Some(path) => format!("Secret: {}", path.display()),
        None => "A secret is made for this copy and forgotten".to_owned(),
    };
    ui.add(egui::Label::new(RichText::new(text).small().weak()).truncate());
}
