//! What is told of the case: set, and taken back.
use super::{assess, by_hand, edit, koos, patient, school, sort_visits};
use crate::app::{
    keeper::{Change, visit_date},
    state::{AppState, VisitId},
    told::{self, Fact},
};

/// Sets what is told, as a step that can be taken back; what is known already is none.
pub(super) fn tell(state: &mut AppState, fact: Fact) {
    let Some(now) = fact.now(state).filter(|now| *now != fact) else {
        return;
    };
    told::record(state, now, fact.clone());
    set(state, fact);
}

/// Takes back what was told last, where that came after the visit's last edit; whether it did.
pub(super) fn undo(state: &mut AppState, id: VisitId) -> bool {
    let before = told::undo(state, id);
    before.is_some_and(|fact| {
        set(state, fact);
        true
    })
}

/// Tells it again where it is the next; whether it was.
pub(super) fn redo(state: &mut AppState, id: VisitId) -> bool {
    let after = told::redo(state, id);
    after.is_some_and(|fact| {
        set(state, fact);
        true
    })
}

fn set(state: &mut AppState, fact: Fact) {
    match fact {
        Fact::Date(id, date) => {
            let Some(visit) = state.visit_mut(id) else {
                return;
            };
            visit.date = date.map(|(day, _)| day);
            visit.date_from_name = date.is_some_and(|(_, from_name)| from_name);
            let date = date.map(|(day, from_name)| visit_date(day, from_name));
            patient::change_visit(state, id, |_| Change::Date(id, date));
            sort_visits(state);
            // Whether an operation lies before it depends on the day.
            school::with_hidden(state, id, |state| by_hand::reassess(state, id));
        }
        Fact::Sequence(id, sequence) => {
            let Some(visit) = state.visit_mut(id) else {
                return;
            };
            visit.sequence = sequence;
            patient::change_visit(state, id, |_| Change::Sequence(id, sequence));
            // What fluid looks like depends on it.
            school::with_hidden(state, id, |state| edit::measure_anew(state, id));
        }
        Fact::Patient(facts) => {
            state.facts = (*facts).clone();
            patient::change(state, Change::Facts(*facts));
            koos::reassess(state);
        }
    }
    assess::refresh(state);
}
