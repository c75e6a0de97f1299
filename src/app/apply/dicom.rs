//! DICOM out, copies without identity, and what others derived from the open scans.
use super::{assess, target, tell, tell_error};
use crate::{
    app::{
        dicom::{
            AnonymiseCommand, AnonymiseDialog, DicomCommand, Done, ExportCommand, ExportDialog,
            Work,
        },
        export::Object,
        state::{AppState, VisitState},
        task::Task,
    },
    io::{DerivedKind, DerivedObject},
};
use std::{path::Path, sync::Arc};

/// Carries out a command.
pub(super) fn apply(state: &mut AppState, command: DicomCommand) {
    match command {
        DicomCommand::Export(command) => export(state, command),
        DicomCommand::Anonymise(command) => anonymise(state, command),
        DicomCommand::CloseCopied => state.dicom.copied = None,
        DicomCommand::CloseReport => state.dicom.report = None,
    }
}

fn enqueue(state: &mut AppState, work: Option<Work>) {
    state.work.queue.extend(work.map(Task::Dicom));
}

fn export(state: &mut AppState, command: ExportCommand) {
    if let ExportCommand::Begin(visit) = command {
        state.dicom.export = state.visit(visit).map(ExportDialog::new);
        return;
    }
    let Some(dialog) = &mut state.dicom.export else {
        return;
    };
    match command {
        ExportCommand::Begin(_) => {}
        ExportCommand::Choose(object, true) => drop(dialog.objects.insert(object)),
        ExportCommand::Choose(object, false) => drop(dialog.objects.remove(&object)),
        ExportCommand::Folder(path) => dialog.folder = Some(path),
        ExportCommand::SeriesAt(path) => {
            let id = dialog.visit;
            let find = state.visit(id).map(|visit| {
                let scan = Arc::clone(&visit.volume);
                Work::FindSeries(id, scan, visit.scan_sha256.clone(), path)
            });
            enqueue(state, find);
        }
        ExportCommand::Write => {
            let dialog = dialog.clone();
            let chosen = state.visit(dialog.visit).map(|v| dialog.chosen(v));
            let dated = chosen.is_some_and(|c| c.into_iter().any(Object::is_dated));
            if let Some(why) = assess::unmeasured(state).filter(|_| dated) {
                return tell(state, format!("The objects were not written: {why}."));
            }
            let work = dialog.work(state);
            if work.is_some() {
                state.dicom.export = None;
            }
            enqueue(state, work.map(|export| Work::Export(Box::new(export))));
        }
        ExportCommand::Leave => state.dicom.export = None,
    }
}

fn anonymise(state: &mut AppState, command: AnonymiseCommand) {
    if command == AnonymiseCommand::Begin {
        state.dicom.anonymise = Some(AnonymiseDialog::new(state));
        return;
    }
    let Some(dialog) = &mut state.dicom.anonymise else {
        return;
    };
    match command {
        AnonymiseCommand::Begin => {}
        AnonymiseCommand::Source(source) => dialog.source = Some(source),
        AnonymiseCommand::Keep(keeping) => dialog.keeping = keeping,
        AnonymiseCommand::Pseudonym(name) => dialog.pseudonym = name,
        AnonymiseCommand::Secret(path) => dialog.secret = path,
        AnonymiseCommand::Folder(path) => dialog.folder = Some(path),
        AnonymiseCommand::Copy => {
            let work = dialog.clone().work(state);
            if work.is_some() {
                state.dicom.anonymise = None;
            }
            enqueue(state, work);
        }
        AnonymiseCommand::Leave => state.dicom.anonymise = None,
    }
}

/// Takes in what work with DICOM gave.
pub(super) fn receive(state: &mut AppState, done: Done) {
    match done {
        Done::Object(path, object) => object_opened(state, &path, &object),
        Done::Report(report) => state.dicom.report = Some(report),
        Done::Series(id, series) => {
            let title = series.title();
            if let Some(visit) = state.visit_mut(id) {
                visit.series = Some(series);
                tell(
                    state,
                    format!("The scan is that of the DICOM series {title}"),
                );
            }
        }
        Done::Exported(exported) => {
            let mut text = format!(
                "Written to {}: {}",
                exported.folder.display(),
                exported.files.join(", ")
            );
            for warning in exported.warnings {
                text += &format!("\nBeware: {warning}");
            }
            tell(state, text);
        }
        Done::Copied(report) => state.dicom.copied = Some(report),
    }
}

/// A segmentation or a structure set is read onto the open scan that it was made from, else onto one in its space.
fn object_opened(state: &mut AppState, path: &Path, object: &DerivedObject) {
    let series = |v: &VisitState| v.series.clone();
    let made_from = |v: &&VisitState| series(v).is_some_and(|s| object.is_made_from(&s));
    let same_space = |v: &&VisitState| series(v).is_some_and(|s| object.belongs_to(&s));
    let shown = state.active_visit();
    let found = shown
        .filter(made_from)
        .or_else(|| state.visits.iter().find(made_from))
        .or_else(|| shown.filter(same_space))
        .or_else(|| state.visits.iter().find(same_space));
    let work = found.and_then(|v| Some(Work::Regions(v.id, series(v)?, path.to_owned())));
    if work.is_some() {
        return enqueue(state, work);
    }
    let what = match object.kind {
        DerivedKind::Segmentation => "segmentation (SEG)",
        DerivedKind::StructureSet => "structure set (RTSTRUCT)",
    };
    let text = format!(
        "This {what} was made from a DICOM series that is not open: open the series, then it again: {}",
        path.display()
    );
    tell_error(state, text);
}

/// Drops what is asked about a visit that is gone.
pub(super) fn forget(state: &mut AppState) {
    let export = state.dicom.export.take();
    state.dicom.export = export.filter(|dialog| state.visit(dialog.visit).is_some());
    if let Some(dialog) = &state.dicom.anonymise
        && let Some(crate::app::CopySource::Visit(id)) = dialog.source
        && state.visit(id).is_none()
        && let Some(dialog) = &mut state.dicom.anonymise
    {
        dialog.source = None;
    }
}

/// What reading outlines with this meaning takes.
impl crate::app::meaning::Meaning {
    pub(super) fn task(&self, visit: &VisitState) -> Option<Task> {
        let target = target(visit);
        if self.names.is_none() {
            return Some(Task::ReadLabels(
                target,
                self.path.clone(),
                self.structures(),
            ));
        }
        let said = self.values.iter().map(|(v, s)| (v.value, *s)).collect();
        let series = visit.series.clone()?;
        let work = Work::ReadRegions(Box::new(target), series, self.path.clone(), said);
        Some(Task::Dicom(work))
    }
}
