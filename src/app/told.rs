//! What a reader tells of the case, as steps that can be taken back: the day of a scan, what it shows, and what is told of the patient. All of them change what is said of growth.
use super::state::{AppState, Outlines, VisitId};
use crate::{patient::PatientFacts, volume::Sequence};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    /// The day of a scan, and whether it is from the file's name.
    Date(VisitId, Option<(NaiveDate, bool)>),
    /// What a scan shows.
    Sequence(VisitId, Sequence),
    /// What is told of the patient.
    Patient(Box<PatientFacts>),
}

impl Fact {
    fn words(&self) -> &'static str {
        match self {
            Self::Date(..) => "date of a scan",
            Self::Sequence(..) => "sequence of a scan",
            Self::Patient(_) => "facts about the patient",
        }
    }

    /// What is told of the same now; `None` where it is gone.
    pub(super) fn now(&self, state: &AppState) -> Option<Self> {
        Some(match self {
            Self::Date(id, _) => {
                let visit = state.visit(*id)?;
                Self::Date(*id, visit.date.map(|day| (day, visit.date_from_name)))
            }
            Self::Sequence(id, _) => Self::Sequence(*id, state.visit(*id)?.sequence),
            Self::Patient(_) => Self::Patient(Box::new(state.facts.clone())),
        })
    }
}

/// One thing told in place of another.
#[derive(Debug, Clone)]
struct Step {
    from: Fact,
    to: Fact,
    /// How many steps lay behind the outlines of each visit when it was told: undoing takes both kinds of steps back in their order.
    behind: BTreeMap<VisitId, u64>,
}

/// Steps of what was told, the last one last.
#[derive(Debug, Default)]
pub struct ToldSteps {
    done: Vec<Step>,
    /// The next to tell again last.
    undone: Vec<Step>,
}

impl ToldSteps {
    /// Steps that are kept.
    const MOST: usize = 1000;

    /// Forgets all steps: they are of another patient.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Records that something was told in place of something else.
pub(super) fn record(state: &mut AppState, from: Fact, to: Fact) {
    let places = state.visits.iter().map(|v| (v.id, place(state, v.id)));
    let behind = places.collect();
    let told = &mut state.told;
    told.undone.clear();
    told.done.push(Step { from, to, behind });
    if told.done.len() > ToldSteps::MOST {
        told.done.remove(0);
    }
}

/// Takes the last step off where it came after the last of the visit's own, and gives what was told before.
pub(super) fn undo(state: &mut AppState, id: VisitId) -> Option<Fact> {
    next(state, id, true)?;
    let step = state.told.done.pop()?;
    let from = step.from.clone();
    state.told.undone.push(step);
    Some(from)
}

/// Puts a step back where it is the next, and gives what was told.
pub(super) fn redo(state: &mut AppState, id: VisitId) -> Option<Fact> {
    next(state, id, false)?;
    let step = state.told.undone.pop()?;
    let to = step.to.clone();
    state.told.done.push(step);
    Some(to)
}

/// What a menu says of the last step of any kind, while this visit is shown.
pub(super) fn undo_words(state: &AppState, id: VisitId) -> Option<String> {
    match next(state, id, true) {
        Some(step) => Some(format!("Undo: {}", step.to.words())),
        None => own_words(state, id, true),
    }
}

/// The same of the next step that was taken back.
pub(super) fn redo_words(state: &AppState, id: VisitId) -> Option<String> {
    match next(state, id, false) {
        Some(step) => Some(format!("Redo: {}", step.to.words())),
        None => own_words(state, id, false),
    }
}

/// The step to take back or to make again, where its turn comes before that of the visit's own steps.
fn next(state: &AppState, id: VisitId, back: bool) -> Option<&Step> {
    let steps = if back {
        &state.told.done
    } else {
        &state.told.undone
    };
    let step = steps.last()?;
    let behind = step.behind.get(&id).copied().unwrap_or(0);
    let turn = behind == place(state, id) || own_words(state, id, back).is_none();
    turn.then_some(step)
}

/// Words for the next step of the outlines' own; none where they are locked.
fn own_words(state: &AppState, id: VisitId, back: bool) -> Option<String> {
    let outlines = state.visit(id)?.outlines.as_ref();
    let edits = &outlines.filter(|o| !Outlines::is_locked(o))?.edits;
    if back {
        edits.by_hand.undo_words(&edits.history)
    } else {
        edits.by_hand.redo_words(&edits.history)
    }
}

/// How many steps lie behind a visit's outlines.
fn place(state: &AppState, id: VisitId) -> u64 {
    let outlines = state.visit(id).and_then(|v| v.outlines.as_ref());
    outlines.map_or(0, |o| o.edits.history.position() + o.edits.by_hand.count())
}
