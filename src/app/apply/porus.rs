//! The porus plane that a reader moves.
use super::{assess, edit::tell_once};
use crate::app::{
    porus::PorusShift,
    state::{AppState, Kept, Outlines, VisitId},
};

/// Moves the plane as a step that can be undone.
pub(super) fn move_by_hand(state: &mut AppState, id: VisitId, shift: PorusShift) {
    let Some(outlines) = outlines(state, id) else {
        return;
    };
    if shift == outlines.porus {
        return;
    }
    if outlines.is_locked() {
        let text =
            "The outlines were accepted and are locked: begin a new version to move the plane.";
        return tell_once(state, text);
    }
    if outlines
        .tumour
        .as_ref()
        .is_none_or(|b| b.tumour().is_none())
    {
        return;
    }
    let (edits, from) = (&mut outlines.edits, outlines.porus);
    edits.moves.record(&mut edits.history, from, shift);
    measure_at(state, id, shift);
}

/// A slider was let go.
pub(super) fn end(state: &mut AppState, id: VisitId) {
    if let Some(outlines) = outlines(state, id) {
        outlines.edits.moves.end();
    }
}

/// Takes the last move back where it came after the last edit of the labels; whether it did.
pub(super) fn undo(state: &mut AppState, id: VisitId) -> bool {
    let before = outlines(state, id)
        .filter(|o| !o.is_locked() && o.edits.stroke.is_empty())
        .and_then(|o| o.edits.moves.undo(&o.edits.history));
    before.is_some_and(|shift| {
        measure_at(state, id, shift);
        true
    })
}

/// Makes a move again where that is the next step; whether it was.
pub(super) fn redo(state: &mut AppState, id: VisitId) -> bool {
    let after = outlines(state, id)
        .filter(|o| !o.is_locked() && o.edits.stroke.is_empty())
        .and_then(|o| o.edits.moves.redo(&o.edits.history));
    after.is_some_and(|shift| {
        measure_at(state, id, shift);
        true
    })
}

fn outlines(state: &mut AppState, id: VisitId) -> Option<&mut Outlines> {
    state.visit_mut(id)?.outlines.as_mut()
}

/// Measures the tumour at a plane that a reader moved: milliseconds, so that the numbers follow the hand. While an edit is being measured the plane waits for its numbers.
pub(super) fn measure_at(state: &mut AppState, id: VisitId, shift: PorusShift) {
    let Some(visit) = state.visit_mut(id) else {
        return;
    };
    let Some(outlines) = visit.outlines.as_mut() else {
        return;
    };
    let found = PorusShift::default();
    if shift == outlines.porus && shift == found {
        return;
    }
    outlines.porus = shift;
    let Some(basis) = outlines.tumour.clone() else {
        return;
    };
    let Some(tumour) = basis.tumour() else {
        return;
    };
    let plane = tumour.porus_plane().filter(|_| shift != found);
    let moved = plane.zip(tumour.axes()).map(|(plane, axes)| {
        plane
            .moved(shift.offset_mm)
            .tilted(axes.anterior, shift.forwards_degrees)
            .tilted(axes.superior, shift.upwards_degrees)
    });
    let measures = tumour.measures(moved.as_ref());
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
