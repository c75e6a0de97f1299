//! The patient whose folder is open: what is told of it, and what its folder must learn.
use super::{add_visit, assess, remove_visits, school, set_outlines, tell, tell_error, told};
use crate::{
    app::{
        by_hand::ByHand,
        command::PatientCommand,
        keeper::{Answer, Change, Said, Saved, visit_date},
        marks::{StoredImage, StoredMark},
        state::{AppState, Kept, Outlines, PatientState, VisitId, VisitState},
        task::{Places, Task, VisitRead},
        told::Fact,
    },
    io::PatientFolder,
    patient::{Finding, Outline, Provenance, Review, ReviewState, ScanFacts, Signature},
};
use serde_json::Value;
use std::{path::Path, sync::Arc};

/// Carries out a command on the patient.
pub(super) fn apply(state: &mut AppState, command: PatientCommand) {
    match command {
        PatientCommand::New(path) => {
            let by = state.reader();
            state.work.queue.push_back(Task::NewPatient(path, by));
        }
        PatientCommand::Close => close(state),
        PatientCommand::Add(visit) => add(state, visit),
        PatientCommand::Save(visit) => save(state, visit),
        PatientCommand::Facts(facts) => {
            told::tell(state, Fact::Patient(Box::new(facts)));
        }
        PatientCommand::Answered(answer) => answered(state, answer),
    }
}

/// Hands a change to the open folder, where it may be changed.
pub(super) fn change(state: &mut AppState, change: Change) {
    match state.patient.as_ref().map(|p| p.read_only.clone()) {
        Some(None) => state.changes.push(change),
        Some(Some(why)) => {
            let text = format!("This is in the window only and not saved: {why}");
            if state.messages.last().is_none_or(|m| m.text != text) {
                tell_error(state, text);
            }
        }
        None => {}
    }
}

/// Hands over a change of a visit that the folder has.
pub(super) fn change_visit(
    state: &mut AppState,
    id: VisitId,
    made: impl FnOnce(&VisitState) -> Change,
) {
    let kept = state.visit(id).filter(|v| v.kept != Kept::No);
    if let Some(made) = kept.map(made) {
        change(state, made);
    }
}

/// Whether a folder is the one that is open and may be changed: that one is locked, also against itself.
fn is_open(state: &AppState, folder: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let open = state.patient.as_ref().filter(|p| p.read_only.is_none());
    open.is_some_and(|p| place(&p.path) == place(folder))
}

/// A patient's folder was opened, or begun with the visits that are open.
pub(super) fn open(state: &mut AppState, folder: PatientFolder, warnings: Vec<String>, new: bool) {
    if !new && is_open(state, folder.path()) {
        tell(state, "This patient is open already.".to_owned());
        return;
    }
    school::make_room(state);
    // Visits of another patient must not come along.
    if !new || state.patient.is_some() {
        close(state);
    }
    let path = folder.path().to_owned();
    let record = folder.record().clone();
    if !new {
        state.facts = record.facts;
    }
    state.patient = Some(PatientState {
        path: path.clone(),
        read_only: folder.read_only().map(ToString::to_string),
    });
    state
        .changes
        .push(Change::Open(Box::new(folder), Vec::new()));
    for warning in warnings {
        tell(state, warning);
    }
    let places = Places {
        journals: state.journals.clone(),
        recent: None,
    };
    let mut visits = record.visits;
    visits.sort_by_key(|v| (v.date.is_none(), v.date.map(|d| d.day)));
    for visit in visits.into_iter().rev() {
        // The newest first: it is what is asked about.
        let task = Task::ReadVisit(path.clone(), Box::new(visit), places.clone());
        state.work.queue.push_back(task);
    }
    if new {
        let facts = state.facts.clone();
        change(state, Change::Facts(facts));
        let ids: Vec<VisitId> = state.visits.iter().map(|v| v.id).collect();
        for id in ids {
            add(state, id);
        }
    }
}

/// Takes the patient and all visits off; what was not saved stays in journals.
fn close(state: &mut AppState) {
    if state.patient.take().is_some() {
        state.changes.push(Change::Close);
    }
    let waits = |t: &Task| !matches!(t, Task::ReadVisit(..));
    state.work.queue.retain(waits);
    remove_visits(state, |_| true);
    assess::refresh(state);
}

/// A visit of the folder was read.
pub(super) fn visit_read(state: &mut AppState, read: VisitRead) {
    let open = state
        .patient
        .as_ref()
        .is_some_and(|p| p.path == read.folder);
    if !open {
        return;
    }
    let name = read.name.clone();
    let Some(id) = add_visit(state, read.scan) else {
        return;
    };
    state.changes.push(Change::Known(id, name));
    if let Some(visit) = state.visit_mut(id) {
        visit.kept = Kept::Yes(None);
        visit.marks = read
            .marks
            .into_iter()
            .filter_map(StoredMark::restored)
            .collect();
        visit.key_images = read
            .images
            .into_iter()
            .filter_map(StoredImage::restored)
            .collect();
    }
    let Some((mut outlines, review, seen)) = read.outlines else {
        return;
    };
    let set = read.by_hand;
    outlines.visit = id;
    outlines.revision = 0;
    set_outlines(state, outlines);
    school::unhide(state, id);
    super::by_hand::measure_at(state, id, &set);
    if let Some(visit) = state.visit_mut(id) {
        visit.kept = Kept::Yes(Some(visit.revision));
        if let Some(outlines) = visit.outlines.as_mut() {
            let drawn = outlines.measured.finding.provenance.state;
            outlines.edits.drawn = Some(drawn).filter(|_| review.is_final());
            outlines.measured.finding.provenance.state = review.state();
            outlines.edits.seen = seen;
            outlines.edits.reviewed = Some(review).filter(Review::is_final);
        }
    }
    school::hide(state, id);
    assess::refresh(state);
}

/// An opened scan becomes a visit of the folder.
fn add(state: &mut AppState, id: VisitId) {
    let Some(visit) = state
        .visit_mut(id)
        .filter(|v| v.kept == Kept::No && !v.demo)
    else {
        return;
    };
    let Some(source) = visit.source.clone() else {
        let why =
            "a scan inside a zip archive cannot be kept in a patient's folder: unpack it first";
        return answered(state, Answer::NotAdded(id, why.to_owned()));
    };
    let added = Change::Add {
        visit: id,
        source,
        facts: Box::new(ScanFacts {
            voxels_sha256: visit.scan_sha256.clone(),
            shape: visit.volume.grid().shape(),
            sequence: visit.sequence,
            other: ScanFacts::with_acquisition(visit.acquisition.as_ref()),
        }),
        date: visit.date.map(|day| visit_date(day, visit.date_from_name)),
    };
    visit.kept = Kept::Adding;
    change(state, added);
    if state.visit(id).is_some_and(|v| v.outlines.is_some()) {
        save(state, id);
    }
    marks(state, id);
}

/// Hands over the distances, angles and key images of a visit.
pub(super) fn marks(state: &mut AppState, id: VisitId) {
    change_visit(state, id, |visit| {
        let images = visit
            .key_images
            .iter()
            .filter_map(StoredImage::of)
            .collect();
        let marks = visit.marks.iter().filter_map(StoredMark::of).collect();
        Change::Marks(id, images, marks)
    });
}

/// Saves the outlines of a visit as they are.
pub(super) fn save(state: &mut AppState, id: VisitId) {
    let Some(provenance) = provenance(state, id) else {
        return;
    };
    let edits = state
        .visit(id)
        .and_then(|v| Some(&v.outlines.as_ref()?.edits));
    let drawn = edits.and_then(|e| e.drawn).unwrap_or(provenance.state);
    let reviewed = edits.and_then(|e| e.reviewed.clone());
    let review = reviewed.unwrap_or(match drawn {
        ReviewState::AiDraft => Review::AiDraft,
        ReviewState::Imported => Review::Imported,
        _ => Review::Edited,
    });
    save_as(state, id, drawn, review);
}

fn provenance(state: &AppState, id: VisitId) -> Option<Provenance> {
    let outlines = state.visit(id)?.outlines.as_ref()?;
    Some(outlines.measured.finding.provenance.clone())
}

/// Saves the outlines of a visit under what was said of them. `drawn` is their state before anybody said anything.
fn save_as(state: &mut AppState, id: VisitId, drawn: ReviewState, review: Review) {
    let writable = is_writable(state);
    let Some(visit) = state.visit_mut(id).filter(|v| v.kept != Kept::No) else {
        return;
    };
    let (revision, kept) = (visit.revision, &mut visit.kept);
    let Some(outlines) = &visit.outlines else {
        return;
    };
    let provenance = &outlines.measured.finding.provenance;
    let outline = match (drawn, &provenance.model) {
        (ReviewState::Imported, _) => Outline::Imported,
        (ReviewState::AiDraft, Some(model)) => Outline::Model {
            model: model.clone(),
            device: provenance.device.clone().unwrap_or_default(),
        },
        _ => Outline::Edited {
            model: provenance.model.clone(),
            device: provenance.device.clone(),
        },
    };
    let saved = Saved {
        labels: Arc::clone(&outlines.labels),
        revision,
        outline,
        review,
        results: results_of(outlines).or_else(|| set_alone(&outlines.by_hand)),
        seen: outlines.edits.seen.clone(),
    };
    visit.results_kept.clone_from(&saved.results);
    // Until the folder says otherwise.
    if *kept != Kept::Adding && writable {
        *kept = Kept::Yes(Some(revision));
    }
    change(state, Change::Save(id, Box::new(saved)));
}

/// What the folder keeps of what was measured. Numbers that are out of date are none: they come when they are measured.
fn results_of(outlines: &Outlines) -> Option<Value> {
    let current = Some(outlines).filter(|o| !o.edits.measuring)?;
    results(&current.measured.finding, &current.by_hand)
}

/// Hands over what was measured where the folder has the outlines as they are and other results with them: they were measured anew, for another sequence or wording,
/// or the folder got none because they were still being measured.
pub(super) fn keep_results(state: &mut AppState, id: VisitId) {
    let writable = is_writable(state);
    let visit = state.visit_mut(id).filter(|_| writable);
    let Some(visit) = visit.filter(|v| v.kept == Kept::Yes(Some(v.revision))) else {
        return;
    };
    let now = visit.outlines.as_ref().and_then(results_of);
    let Some(now) = now.filter(|now| visit.results_kept.as_ref() != Some(now)) else {
        return;
    };
    visit.results_kept = Some(now.clone());
    change(state, Change::Results(id, Box::new(now)));
}

/// A new version of what was accepted or rejected begins: the folder has its outlines, and gets its results.
pub(super) fn reopened(state: &mut AppState, id: VisitId) {
    change_visit(state, id, |_| Change::Reopen(id));
    if let Some(visit) = state.visit_mut(id) {
        visit.results_kept = None;
    }
    keep_results(state, id);
}

fn is_writable(state: &AppState) -> bool {
    let patient = state.patient.as_ref();
    patient.is_some_and(|p| p.read_only.is_none())
}

fn results(finding: &Finding, set: &ByHand) -> Option<Value> {
    let mut results = serde_json::to_value(finding).ok()?;
    if *set != ByHand::default() {
        let set = serde_json::to_value(set).ok()?;
        results
            .as_object_mut()?
            .insert(ByHand::NAME.to_owned(), set);
    }
    Some(results)
}

/// What was set by hand, without numbers: it holds while they are measured, and must not be lost when the window is closed before they come.
fn set_alone(set: &ByHand) -> Option<Value> {
    let set = Some(set).filter(|set| **set != ByHand::default())?;
    let set = serde_json::to_value(set).ok()?;
    Some([(ByHand::NAME, set)].into_iter().collect())
}

/// What a reader has said goes to the folder, with the outlines where they are not in it as they are. `drawn` is their state before that.
pub(super) fn said(state: &mut AppState, id: VisitId, drawn: ReviewState, review: &Review) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    if visit.kept == Kept::Yes(Some(visit.revision)) {
        let seen = visit.outlines.as_ref().map(|o| o.edits.seen.clone());
        // What is said is said of these numbers, in one step.
        let results = visit.outlines.as_ref().and_then(results_of);
        if results.is_some() {
            visit.results_kept.clone_from(&results);
        }
        let said = Said {
            review: review.clone(),
            seen: seen.unwrap_or_default(),
            results,
        };
        change(state, Change::Say(id, Box::new(said)));
    } else {
        save_as(state, id, drawn, review.clone());
    }
}

/// Who signs, now.
pub(super) fn signature(who: &str) -> Signature {
    Signature::now(who)
}

/// The folder has outlines of that revision, not what was drawn or moved by hand since.
fn saved(state: &mut AppState, id: VisitId, revision: u64) {
    if let Some(visit) = state.visit_mut(id) {
        let handed = visit.results_kept.as_ref().zip(visit.outlines.as_ref());
        let moved = handed.is_some_and(|(results, outlines)| {
            ByHand::of_results(results).unwrap_or_default() != outlines.by_hand
        });
        visit.kept = Kept::Yes(Some(revision).filter(|_| !moved));
        if moved {
            return;
        }
    }
    super::edit::saved(state, id, revision);
    keep_results(state, id);
}

fn answered(state: &mut AppState, answer: Answer) {
    match answer {
        Answer::Added(id) => {
            if let Some(visit) = state.visit_mut(id) {
                visit.kept = Kept::Yes(None);
            }
        }
        Answer::NotAdded(id, why) => {
            if let Some(visit) = state.visit_mut(id) {
                visit.kept = Kept::No;
            }
            tell_error(
                state,
                format!("The scan was not added to the patient: {why}"),
            );
        }
        // Hidden outlines too: they may have been measured anew since they were handed over.
        Answer::Saved(id, revision) => {
            school::with_hidden(state, id, |state| saved(state, id, revision));
        }
        Answer::NotSaved(id, why) => {
            if let Some(visit) = state.visit_mut(id) {
                visit.kept = Kept::Yes(None);
            }
            tell_error(
                state,
                format!("The outlines were not saved and are in memory only: {why}"),
            );
        }
        Answer::NotNoted(why) => {
            let text = format!("The answer was not written and is in memory only: {why}");
            tell_error(state, text);
        }
        Answer::Noted(text) => tell(state, text),
        Answer::Failed(why) => tell_error(state, format!("The patient was not changed: {why}")),
    }
}
