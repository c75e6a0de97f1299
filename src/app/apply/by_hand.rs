//! The porus plane and the lines that a reader moves.
use super::{assess, edit::tell_once};
use crate::app::{
    by_hand::{ByHand, PorusShift, What},
    state::{AppState, Kept, Outlines, VisitId},
};
use crate::measure::DiameterRule;
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

fn step(state: &mut AppState, id: VisitId, what: What, to: impl Fn(ByHand) -> ByHand) {
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
        measure_at(state, id, &set);
        true
    })
}

/// Makes a step again where it is the next; whether it was.
pub(super) fn redo(state: &mut AppState, id: VisitId) -> bool {
    let after = outlines(state, id)
        .filter(|o| !o.is_locked() && o.edits.stroke.is_empty())
        .and_then(|o| o.edits.by_hand.redo(&o.edits.history));
    after.is_some_and(|set| {
        measure_at(state, id, &set);
        true
    })
}

fn outlines(state: &mut AppState, id: VisitId) -> Option<&mut Outlines> {
    state.visit_mut(id)?.outlines.as_mut()
}

/// Measures the tumour as a reader set plane and lines: milliseconds, so that the numbers follow the hand. While an edit is being measured they wait for its numbers.
pub(super) fn measure_at(state: &mut AppState, id: VisitId, set: &ByHand) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    let found = ByHand::default();
    if *set == outlines.by_hand && *set == found {
        return;
    }
    outlines.by_hand = set.clone();
    let Some(basis) = outlines.tumour.clone() else {
        return;
    };
    let Some(tumour) = basis.tumour() else {
        return;
    };
    let plane = tumour.porus_plane().filter(|_| set.porus != found.porus);
    let moved = plane.zip(tumour.axes()).map(|(plane, axes)| {
        plane
            .moved(set.porus.offset_mm)
            .tilted(axes.anterior, set.porus.forwards_degrees)
            .tilted(axes.superior, set.porus.upwards_degrees)
    });
    let mut measures = tumour.measures(moved.as_ref());
    set.put_lines(&mut measures);
    if let Some(size) = &mut outlines.measured.finding.tumour {
        size.extrameatal_diameter_mm = measures.diameters.extrameatal_max.map(|d| d.value_mm);
        size.measures = Some(measures);
    }
    outlines.measured.finding.koos = basis.assess(moved.as_ref());
    if let Kept::Yes(_) = visit.kept {
        visit.kept = Kept::Yes(None);
    }
    assess::refresh(state);
}
