//! The porus plane and the lines that a reader moves.
use super::{
    assess,
    edit::{begin_journal, note_drawn, tell_once},
    patient::keep_results,
};
use crate::app::{
    by_hand::{ByHand, PorusShift, What},
    state::{AppState, Kept, Outlines, VisitId},
};
use crate::{measure::DiameterRule, volume::Structure};
use glam::DVec3;

/// Moves the plane as a step that can be undone.
pub(super) fn move_porus(state: &mut AppState, id: VisitId, porus: PorusShift) {
    step(state, id, What::Porus, |now| now.with_porus(porus));
}

/// Moves the ends of a line as a step that can be undone, or leaves it as it is measured.
pub(super) fn move_line(
    state: &mut AppState,
    id: VisitId,
    (which, ends): (DiameterRule, Option<[DVec3; 2]>),
) {
    step(state, id, What::Line(which), |now| {
        now.with_line(which, ends)
    });
}

pub(super) fn step(state: &mut AppState, id: VisitId, what: What, to: impl Fn(ByHand) -> ByHand) {
    let Some(outlines) = outlines(state, id) else {
        return;
    };
    let to = to(outlines.by_hand.clone());
    if to == outlines.by_hand {
        return;
    }
    if outlines.is_locked() {
        let text = "The outlines were accepted and are locked: begin a new version to measure them otherwise.";
        return tell_once(state, text);
    }
    let measured = outlines.tumour.as_ref().and_then(|b| b.tumour());
    if measured.is_none() {
        return;
    }
    begin_journal(state, id);
    let Some(outlines) = self::outlines(state, id) else {
        return;
    };
    let (edits, from) = (&mut outlines.edits, outlines.by_hand.clone());
    edits
        .by_hand
        .record(&mut edits.history, what, from, to.clone());
    measure_at(state, id, &to);
}

/// What was pulled was let go.
pub(super) fn end(state: &mut AppState, id: VisitId) {
    if let Some(outlines) = outlines(state, id) {
        outlines.edits.by_hand.end();
    }
}

/// Takes the last step back where it came after the last edit of the labels; whether it did.
pub(super) fn undo(state: &mut AppState, id: VisitId) -> bool {
    let before = outlines(state, id)
        .filter(|o| !o.is_locked() && o.edits.stroke.is_empty())
        .and_then(|o| o.edits.by_hand.undo(&o.edits.history));
    before.is_some_and(|set| {
        put(state, id, &set);
        true
    })
}

/// Makes a step again where it is the next; whether it was.
pub(super) fn redo(state: &mut AppState, id: VisitId) -> bool {
    let after = outlines(state, id)
        .filter(|o| !o.is_locked() && o.edits.stroke.is_empty())
        .and_then(|o| o.edits.by_hand.redo(&o.edits.history));
    after.is_some_and(|set| {
        put(state, id, &set);
        true
    })
}

/// Puts what held before a step, or behind it, in its place.
fn put(state: &mut AppState, id: VisitId, set: &ByHand) {
    begin_journal(state, id);
    let mut set = set.clone();
    if let Some(outlines) = outlines(state, id) {
        // Where the brainstem was found goes with the labels, not with these steps.
        set.brainstem_from = outlines.by_hand.brainstem_from;
    }
    measure_at(state, id, &set);
}

fn outlines(state: &mut AppState, id: VisitId) -> Option<&mut Outlines> {
    state.visit_mut(id)?.outlines.as_mut()
}

/// Measures the tumour as a reader set plane and lines: milliseconds, so that the numbers follow the hand. While an edit is being measured they wait for its numbers.
pub(super) fn measure_at(state: &mut AppState, id: VisitId, set: &ByHand) {
    let Some(outlines) = outlines(state, id) else {
        return;
    };
    let changed = *set != outlines.by_hand;
    if !changed && *set == ByHand::default() {
        return reassess(state, id);
    }
    outlines.by_hand = set.clone();
    if changed {
        // Whoever set it says when it is saved.
        if let Some(visit) = state.visit_mut(id)
            && let Kept::Yes(_) = visit.kept
        {
            visit.kept = Kept::Yes(None);
        }
        note_drawn(state, id);
    }
    if measure(state, id) {
        assess::refresh(state);
    }
}

/// Grades a visit as its patient and its reader want it, where it is graded otherwise.
pub(super) fn reassess(state: &mut AppState, id: VisitId) {
    let Some(visit) = state.visit(id) else {
        return;
    };
    let wanted = state.koos_options(visit);
    let graded = visit.outlines.as_ref().is_some_and(|o| {
        let (wanted, koos) = (o.by_hand.options(wanted), &o.measured.finding.koos);
        let told = koos.wording == wanted.wording.name();
        let operated = koos.post_operative == wanted.post_operative;
        told && operated && wanted.brainstem_from.is_none()
    });
    if !graded {
        measure(state, id);
    }
}

/// Measures at the plane and lines that are set; whether there is something to measure.
fn measure(state: &mut AppState, id: VisitId) -> bool {
    let Some(of_patient) = state.visit(id).map(|v| state.koos_options(v)) else {
        return false;
    };
    let Some(outlines) = outlines(state, id) else {
        return false;
    };
    let set = outlines.by_hand.clone();
    let Some(basis) = outlines.tumour.clone().filter(|b| b.tumour().is_some()) else {
        return false;
    };
    let mut options = set.options(of_patient);
    // Once it is undone, no brainstem was found.
    let has_brainstem = (outlines.sizes.iter()).any(|s| s.structure == Structure::Brainstem);
    options.brainstem_from = options.brainstem_from.filter(|_| has_brainstem);
    set.measure(&basis, options, &mut outlines.measured.finding);
    keep_results(state, id);
    true
}
