//! Changes of outlines, and what is said of them.
use super::{assess, by_hand, school, tell, tell_error, told};
use crate::{
    app::{
        by_hand::{ByHand, HandSteps},
        command::EditCommand,
        drawing::{Canvas, edit_of, is_long},
        parts::update_parts,
        replaced::{self, NEW_OUTLINES, Origin, Replaced},
        rescue::{Drawn, Note},
        state::{AppState, Edits, Kept, Outlines, VisitId, VisitState},
        task::{NewNumbers, NewOutlines, Task},
    },
    io::Making,
    measure::Plane,
    patient::{self, Outline, Review, ReviewState},
    volume::{LabelEdit, LabelMap, LabelTable, Structure, edit::EditError},
};
use std::{path::PathBuf, sync::Arc};

/// Carries out a command on a visit's outlines.
pub(super) fn apply(state: &mut AppState, id: VisitId, command: EditCommand) {
    match command {
        EditCommand::Seen(slice) => {
            if let Some(outlines) = outlines_mut(state, id) {
                outlines.edits.seen.insert(slice);
            }
        }
        EditCommand::Accept(who) => review(state, id, ReviewState::Accepted, &who),
        EditCommand::Reject(who) => review(state, id, ReviewState::Rejected, &who),
        EditCommand::Reopen => reopen(state, id),
        EditCommand::EndStroke => end_stroke(state, id),
        EditCommand::Measure => remeasure(state, id),
        EditCommand::MovePorus(shift) => by_hand::move_porus(state, id, shift),
        EditCommand::MoveLine(which, ends) => by_hand::move_line(state, id, (which, ends)),
        EditCommand::EndMove => by_hand::end(state, id),
        EditCommand::Undo if told::undo(state, id) => {}
        EditCommand::Redo if told::redo(state, id) => {}
        EditCommand::Undo if by_hand::undo(state, id) => {}
        EditCommand::Redo if by_hand::redo(state, id) => {}
        EditCommand::Brainstem(point) => super::koos::seek(state, id, point),
        EditCommand::BringBack | EditCommand::ThrowAway => left(state, id, &command),
        command => change(state, id, &command),
    }
}

/// Work that a crash left is brought back or thrown away.
fn left(state: &mut AppState, id: VisitId, command: &EditCommand) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    let Some(left) = visit.left.clone() else {
        return;
    };
    let task = if *command == EditCommand::BringBack {
        Task::BringBack(super::target(visit), left.path)
    } else {
        visit.left = None;
        Task::ThrowAway(left.path)
    };
    state.work.queue.push_back(task);
}

pub(super) fn outlines_mut(state: &mut AppState, id: VisitId) -> Option<&mut Outlines> {
    state.visit_mut(id)?.outlines.as_mut()
}

/// Tells the journal what is about to be edited, the first time.
pub(super) fn begin_journal(state: &mut AppState, id: VisitId) {
    let kept = state.journals.is_some();
    let Some(visit) = state.visit_mut(id).filter(|v| kept && !v.journalled) else {
        return;
    };
    let Some(outlines) = &visit.outlines else {
        return;
    };
    let note = Note::Begin {
        scan_sha256: visit.scan_sha256.clone(),
        base: Arc::clone(&outlines.labels),
        drawn: drawn(outlines),
    };
    visit.journalled = true;
    state.notes.push((id, note));
}

/// Who drew outlines, and what a reader set on them, as a journal keeps it.
fn drawn(outlines: &Outlines) -> Drawn {
    let provenance = &outlines.measured.finding.provenance;
    Drawn {
        model: provenance.model.clone(),
        device: provenance.device.clone(),
        table: Drawn::named(outlines.labels.table()),
        by_hand: Some(outlines.by_hand.clone()),
    }
}

/// What the journal of a visit must learn when it is other outlines, or something else is set on them; nothing where there is no journal.
pub(super) fn drawn_note(visit: &VisitState) -> Option<(VisitId, Note)> {
    let outlines = visit.outlines.as_ref().filter(|_| visit.journalled)?;
    Some((visit.id, Note::Drawn(Box::new(drawn(outlines)))))
}

/// Tells the journal of a visit who drew its outlines and what is set on them now.
pub(super) fn note_drawn(state: &mut AppState, id: VisitId) {
    let note = state.visit(id).and_then(drawn_note);
    state.notes.extend(note);
}

/// Makes an edit, or says why not.
pub(super) fn change(state: &mut AppState, id: VisitId, command: &EditCommand) {
    let Some(visit) = state.visit(id) else {
        return;
    };
    if visit.outlines.as_ref().is_some_and(Outlines::is_locked) {
        let text = "The outlines were accepted and are locked: begin a new version to change them.";
        return tell_once(state, text);
    }
    let flat = matches!(
        command,
        EditCommand::Stroke { .. } | EditCommand::Polygon(..)
    );
    if flat && state.view.anatomical {
        let text = "Labels are drawn on the scan's own slices: leave the anatomical axes first.";
        return tell_once(state, text);
    }
    let canvas = Canvas {
        volume: Arc::clone(&visit.volume),
        planes: visit.planes,
        crosshair: visit.crosshair,
        brush: state.view.brush,
        window: state.window(visit),
    };
    let stroke = matches!(command, EditCommand::Stroke { .. });
    if !stroke {
        end_stroke(state, id);
    }
    if let Some(Err(text)) = state.visit_mut(id).map(begin) {
        return tell_error(state, text);
    }
    begin_journal(state, id);
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    if let (true, Some(outlines)) = (is_long(command), &visit.outlines) {
        let labels = Arc::clone(&outlines.labels);
        let task = Task::Edit(
            super::target(visit),
            labels,
            Box::new(canvas),
            command.clone(),
        );
        return state.work.queue.push_front(task);
    }
    let made = match command {
        EditCommand::Undo | EditCommand::Redo => step(visit, *command == EditCommand::Undo),
        command => make(visit, command, &canvas).map(|edit| Some((edit?, 1))),
    };
    take(state, id, made, stroke);
}

/// An edit that was made in the background, unless the outlines have changed since.
pub(super) fn made(state: &mut AppState, id: VisitId, revision: u64, edit: LabelEdit) {
    let Some(visit) = state.visit_mut(id).filter(|v| v.revision == revision) else {
        let text =
            "The outlines were changed meanwhile: what was being computed on them was not taken.";
        return tell_once(state, text);
    };
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    if edit.is_empty() || outlines.is_locked() {
        return tell_once(state, "Nothing was to be changed.");
    }
    let labels = Arc::make_mut(&mut outlines.labels);
    let applied = outlines.edits.history.apply(edit.clone(), labels);
    let marked = applied.is_ok() && super::koos::made(state, id, &edit);
    let made = applied.map_err(|e| in_words(&e)).map(|()| Some((edit, 1)));
    take(state, id, made, false);
    if marked {
        note_drawn(state, id);
    }
}

/// What follows from an edit that is in the labels: 1 where it was made, -1 where it was taken back.
fn take(
    state: &mut AppState,
    id: VisitId,
    made: Result<Option<(LabelEdit, i64)>, String>,
    stroke: bool,
) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    match made {
        Ok(Some((edit, sign))) => {
            let was = replaced::before(visit.outlines.as_ref(), &edit);
            let replaces = was.is_some();
            settle(visit, &edit, sign, stroke);
            if let (Some(was), Some(outlines)) = (was, visit.outlines.as_mut()) {
                replaced::exchange(outlines, sign, was);
            }
            if visit.journalled {
                let note = if sign > 0 {
                    Note::Made(edit)
                } else {
                    Note::TakenBack(edit)
                };
                state.notes.push((id, note));
            }
            if replaces {
                note_drawn(state, id);
            }
            if !stroke {
                remeasure(state, id);
            }
        }
        Ok(None) => {}
        Err(text) => tell_error(state, text),
    }
}

/// Takes back or makes again: which edit, and 1 where it was made, -1 where it was taken back.
fn step(visit: &mut VisitState, undo: bool) -> Result<Option<(LabelEdit, i64)>, String> {
    let Some(outlines) = visit.outlines.as_mut() else {
        return Ok(None);
    };
    let labels = Arc::make_mut(&mut outlines.labels);
    let history = &mut outlines.edits.history;
    let done = if undo {
        history.undo(labels)
    } else {
        history.redo(labels)
    };
    let edit = done.map_err(|e| in_words(&e))?.cloned();
    Ok(edit.map(|edit| (edit, if undo { -1 } else { 1 })))
}

/// Makes an edit of the labels as they are; a stroke's step is kept with the stroke, everything else in the history.
fn make(
    visit: &mut VisitState,
    command: &EditCommand,
    canvas: &Canvas,
) -> Result<Option<LabelEdit>, String> {
    let Some(labels) = visit.outlines.as_ref().map(|o| Arc::clone(&o.labels)) else {
        return Ok(None);
    };
    let edit = edit_of(canvas, &labels, command).map_err(|e| in_words(&e))?;
    drop(labels);
    let Some(outlines) = visit.outlines.as_mut().filter(|_| !edit.is_empty()) else {
        return Ok(None);
    };
    let labels = Arc::make_mut(&mut outlines.labels);
    if matches!(command, EditCommand::Stroke { .. }) {
        edit.apply(labels).map_err(|e| in_words(&e))?;
        outlines.edits.stroke.push(edit.clone());
    } else {
        let history = &mut outlines.edits.history;
        history
            .apply(edit.clone(), labels)
            .map_err(|e| in_words(&e))?;
    }
    Ok(Some(edit))
}

/// The steps of a visit's outlines with their replacement by these as the last one, so that nothing is lost by segmenting again; and what was set by hand that
/// still holds.
pub(super) fn replacing(
    visit: &mut VisitState,
    new: &LabelMap,
    notes: &mut Vec<(VisitId, Note)>,
) -> (Edits, ByHand) {
    let journalled = visit.journalled;
    let Some(old) = visit.outlines.as_mut() else {
        return (Edits::default(), ByHand::default());
    };
    let mut set = old.by_hand.of_the_scan();
    let origin = Origin::of(old);
    let before = std::mem::take(&mut old.edits);
    let mut edits = Edits {
        history: before.history,
        by_hand: before.by_hand,
        replaced: before.replaced,
        accepted_versions: before.accepted_versions,
        ..Edits::default()
    };
    let voxels = old.labels.labels().iter().zip(new.labels()).enumerate();
    let changes = voxels
        .filter(|(_, (a, b))| a != b)
        .map(|(n, (_, b))| (n, *b));
    let same = old.labels.table() == new.table() && old.labels.grid() == new.grid();
    match LabelEdit::new(NEW_OUTLINES, &old.labels, changes) {
        // On the same labels planes and lines lie where they lay.
        Ok(edit) if same && edit.is_empty() => set = old.by_hand.clone(),
        Ok(edit) if same => {
            if journalled {
                notes.push((visit.id, Note::Made(edit.clone())));
            }
            edits.replaced.record(edits.history.position(), origin);
            edits.history.record(edit);
        }
        // Their steps mean nothing on other values, and would not be brought back from the journal either.
        _ => {
            edits.history.clear();
            (edits.by_hand, edits.replaced) = (HandSteps::default(), Replaced::default());
            if std::mem::take(&mut visit.journalled) {
                notes.push((visit.id, Note::Done));
            }
        }
    }
    (edits, set)
}

/// Outlines to draw into, where there are none yet.
fn begin(visit: &mut VisitState) -> Result<(), String> {
    if visit.outlines.is_some() {
        return Ok(());
    }
    let grid = *visit.volume.grid();
    let labels = LabelMap::new(grid, vec![0; grid.len()], LabelTable::default())
        .map_err(|e| e.to_string())?;
    let outline = Outline::Edited {
        model: None,
        device: None,
    };
    let origin = super::target(visit).origin;
    visit.early.clear();
    visit.outlines = Some(Outlines {
        parts: Vec::new(),
        sizes: Vec::new(),
        measured: patient::Visit::measured(&labels, origin, outline),
        labels: Arc::new(labels),
        warnings: Vec::new(),
        seconds: None,
        tumour_interval95_mm3: None,
        probabilities: None,
        making: Making::Manual,
        edge: None,
        tumour: None,
        by_hand: ByHand::default(),
        graded: None,
        edits: Edits::default(),
    });
    Ok(())
}

/// Everything that follows at once from a change of the labels.
fn settle(visit: &mut VisitState, edit: &LabelEdit, sign: i64, stroke: bool) {
    visit.revision += 1;
    if !stroke {
        visit.fill_revision = visit.revision;
    }
    let axial = visit.planes[Plane::Axial as usize].voxel_axis;
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    update_parts(&mut outlines.parts, &outlines.labels, edit);
    for (value, change) in edit.count_changes() {
        *outlines.edits.live.entry(value).or_default() += sign * change;
    }
    if let Some([first, last]) = edit.bounds().map(|b| b[axial]) {
        outlines.edits.seen.retain(|s| !(first..=last).contains(s));
    }
    outlines.edits.measuring = true;
    outlines.edits.reviewed = None;
    outlines.edits.drawn = None;
    outlines.tumour_interval95_mm3 = None;
    outlines.probabilities = None;
    outlines.making = outlines.making.edited();
    outlines.edge = None;
    outlines.tumour = None;
    outlines.measured.finding.provenance.state = ReviewState::Edited;
}

/// A stroke that has ended is one step to be undone.
fn end_stroke(state: &mut AppState, id: VisitId) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    let shape = visit.volume.grid().shape();
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    let steps = std::mem::take(&mut outlines.edits.stroke);
    let Some(name) = steps.first().map(|s| s.name().to_owned()) else {
        return;
    };
    let joined = LabelEdit::joined(name, shape, &steps);
    visit.fill_revision = visit.revision;
    match joined {
        Ok(edit) => {
            outlines.edits.history.record(edit);
            remeasure(state, id);
        }
        Err(error) => tell_error(state, in_words(&error)),
    }
}

/// Has the outlines measured as they are now; an older request that waits is dropped.
pub(super) fn remeasure(state: &mut AppState, id: VisitId) {
    let of = |task: &Task| matches!(task, Task::Measure(target, ..) if target.visit == id);
    state.work.queue.retain(|task| !of(task));
    let task = state.visit(id).and_then(|visit| {
        let outlines = visit.outlines.as_ref()?;
        let provenance = &outlines.measured.finding.provenance;
        let outline = Outline::Edited {
            model: provenance.model.clone(),
            device: provenance.device.clone(),
        };
        let labels = Arc::clone(&outlines.labels);
        let mut target = super::target(visit);
        target
            .origin
            .warnings
            .extend(outlines.warnings.iter().cloned());
        Some(Task::Measure(target, labels, outline))
    });
    // Before what takes longer: the reader waits for the number.
    if let Some(task) = task {
        state.work.queue.push_front(task);
    }
    assess::refresh(state);
}

/// Has the outlines measured as what their scan is known to show now; until then their numbers are out of date.
pub(super) fn measure_anew(state: &mut AppState, id: VisitId) {
    if let Some(outlines) = outlines_mut(state, id) {
        outlines.edits.measuring = true;
        // Plane and lines wait for the new numbers.
        outlines.tumour = None;
    }
    remeasure(state, id);
}

/// Edits that a crash left, with what was set by hand, and from now on goes on in their journal. Where they are not taken they stay in it, to be asked for again.
pub(super) fn bring_back(
    state: &mut AppState,
    outlines: NewOutlines,
    set: Option<&ByHand>,
    journal: PathBuf,
) {
    let id = outlines.visit;
    // Where the labels are those that are there, who drew them and what was said of them stays.
    let same = state.visit(id).is_some_and(|visit| {
        let there = visit.outlines.as_ref().filter(|o| !o.is_locked());
        let new = &outlines.labels;
        visit.revision == outlines.revision
            && there.is_some_and(|o| {
                o.labels.table() == new.table() && o.labels.labels() == new.labels()
            })
    });
    let taken = same || super::set_outlines(state, outlines);
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    if !taken {
        let text = "The edits that were not saved were not brought back: the outlines were changed meanwhile, or are locked. The edits are kept, and can still be brought back or thrown away.";
        return tell(state, text.to_owned());
    }
    visit.left = None;
    visit.journalled = true;
    if let Kept::Yes(_) = visit.kept {
        // Whoever looked at them says when they are saved.
        visit.kept = Kept::Yes(None);
    }
    state.notes.push((id, Note::GoOn(journal)));
    if let Some(set) = set {
        // The visit may have become a blind read meanwhile.
        school::with_hidden(state, id, |state| by_hand::measure_at(state, id, set));
    }
    let text = "The edits that were not saved are back: look at them and save the outlines.";
    tell(state, text.to_owned());
}

/// The outlines of that revision are in a file: unless they were edited since, their journal has done its work.
pub(super) fn saved(state: &mut AppState, id: VisitId, revision: u64) {
    let visit = state.visit_mut(id);
    if let Some(visit) = visit.filter(|v| v.journalled && v.revision == revision) {
        visit.journalled = false;
        state.notes.push((id, Note::Done));
    }
}

/// What was measured on edited outlines, unless they have changed since.
pub(super) fn set_measured(state: &mut AppState, new: NewNumbers) {
    let Some(visit) = state.visit_mut(new.visit) else {
        return;
    };
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    // The same labels may have been measured as what the scan was taken for before.
    if visit.revision == new.revision && visit.sequence == new.measured.sequence {
        outlines.sizes = new.sizes;
        outlines.edge = new.edge;
        outlines.tumour = new.tumour;
        let set = outlines.by_hand.clone();
        // What a reader said meanwhile holds: measuring is no edit.
        let said = outlines.measured.finding.provenance.state;
        outlines.measured = new.measured;
        outlines.measured.finding.provenance.state = said;
        outlines.edits.live.clear();
        outlines.edits.measuring = false;
        // What a reader set stays set.
        by_hand::measure_at(state, new.visit, &set);
        super::patient::keep_results(state, new.visit);
        assess::refresh(state);
    }
}

/// Accepts or rejects. Accepting needs numbers that are up to date and every slice of the tumour seen.
fn review(state: &mut AppState, id: VisitId, to: ReviewState, who: &str) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    let axial = visit.planes[Plane::Axial as usize];
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    let ready = !outlines.edits.measuring && outlines.unseen_slices(&axial).is_empty();
    if who.trim().is_empty() || (to == ReviewState::Accepted && !ready) {
        return;
    }
    let signed = super::patient::signature(who);
    let review = if to == ReviewState::Accepted {
        outlines.edits.accepted_versions += 1;
        Review::Accepted(signed)
    } else {
        Review::Rejected(signed)
    };
    let said = outlines.measured.finding.provenance.state;
    let drawn = *outlines.edits.drawn.get_or_insert(said);
    outlines.edits.reviewed = Some(review.clone());
    outlines.measured.finding.provenance.state = to;
    super::patient::said(state, id, drawn, &review);
    assess::refresh(state);
}

/// A new version of what was accepted or rejected.
fn reopen(state: &mut AppState, id: VisitId) {
    if let Some(outlines) = outlines_mut(state, id) {
        outlines.measured.finding.provenance.state = ReviewState::Edited;
        outlines.edits.reviewed = None;
        outlines.edits.drawn = None;
        super::patient::reopened(state, id);
        assess::refresh(state);
    }
}

/// Tells something that would otherwise be told at every step of a stroke.
pub(super) fn tell_once(state: &mut AppState, text: &str) {
    if state.messages.last().is_none_or(|m| m.text != text) {
        tell(state, text.to_owned());
    }
}

fn in_words(error: &EditError) -> String {
    format!("The outlines were not changed: {error}")
}

/// The structures that can be painted on these labels, or on none yet.
pub(in crate::app) fn paintable(visit: &VisitState) -> Vec<Structure> {
    let table = visit.outlines.as_ref().map(|o| o.labels.table().clone());
    let table = table.unwrap_or_default();
    let named = |s: &Structure| table.value(*s).is_some();
    Structure::ALL.into_iter().filter(named).collect()
}
