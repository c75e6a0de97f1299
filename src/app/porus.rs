//! The porus plane that a reader moves, as steps that can be undone between the edits of labels.
use crate::volume::History;
use serde::{Deserialize, Serialize};

/// How far a reader moved a porus plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PorusShift {
    /// Along its normal towards the cerebellopontine angle, mm.
    pub offset_mm: f64,
    /// How far its normal leans towards the front, degrees.
    pub forwards_degrees: f64,
    /// How far its normal leans upwards, degrees.
    pub upwards_degrees: f64,
}

impl PorusShift {
    /// Whether two shifts differ in one number at most, as those of one pull at a slider do.
    fn differs_in_one(self, other: Self) -> bool {
        let pairs = [
            (self.offset_mm, other.offset_mm),
            (self.forwards_degrees, other.forwards_degrees),
            (self.upwards_degrees, other.upwards_degrees),
        ];
        pairs
            .into_iter()
            .filter(|(a, b)| a.total_cmp(b).is_ne())
            .count()
            <= 1
    }
}

/// Moves of the plane. Each remembers after which edit of the labels it was made, so that undoing takes both kinds of steps back in their order.
#[derive(Debug, Default)]
pub struct PlaneMoves {
    /// Oldest first.
    done: Vec<PlaneMove>,
    /// The next to redo last, and the history's state for which they hold.
    undone: Vec<PlaneMove>,
    holds_for: u64,
    /// The last move goes on: a slider is being pulled.
    moving: bool,
}

#[derive(Debug, Clone, Copy)]
struct PlaneMove {
    from: PorusShift,
    to: PorusShift,
    /// Position in the history of the labels.
    at: u64,
}

impl PlaneMoves {
    /// Records a move; what was undone before, of the labels too, can no longer be redone.
    pub(super) fn record(&mut self, history: &mut History, from: PorusShift, to: PorusShift) {
        history.forget_undone();
        self.undone.clear();
        let at = history.position();
        let goes_on = |last: &&mut PlaneMove| last.at == at && last.from.differs_in_one(to);
        match self.done.last_mut().filter(goes_on) {
            Some(last) if self.moving => last.to = to,
            _ => self.done.push(PlaneMove { from, to, at }),
        }
        self.moving = true;
    }

    /// The slider was let go: the next move is a step of its own.
    pub(super) fn end(&mut self) {
        self.moving = false;
    }

    /// Takes a move back where that is the last step, and tells where the plane stood before.
    pub(super) fn undo(&mut self, history: &History) -> Option<PorusShift> {
        if !self.is_next_to_undo(history) {
            return None;
        }
        self.moving = false;
        if self.holds_for != history.generation() {
            self.undone.clear();
            self.holds_for = history.generation();
        }
        let last = self.done.pop()?;
        self.undone.push(last);
        Some(last.from)
    }

    /// Makes a move again where that is the next step, and tells where the plane stands then.
    pub(super) fn redo(&mut self, history: &History) -> Option<PorusShift> {
        if !self.is_next_to_redo(history) {
            return None;
        }
        let next = self.undone.pop()?;
        self.done.push(next);
        Some(next.to)
    }

    /// What a menu says of the last step of labels or plane.
    pub fn undo_words(&self, history: &History) -> Option<String> {
        if self.is_next_to_undo(history) {
            return Some("Undo: porus plane moved".to_owned());
        }
        history.undo_words()
    }

    /// The same of the next step that was taken back.
    pub fn redo_words(&self, history: &History) -> Option<String> {
        if self.is_next_to_redo(history) {
            return Some("Redo: porus plane moved".to_owned());
        }
        history.redo_words()
    }

    fn is_next_to_undo(&self, history: &History) -> bool {
        self.done.last().is_some_and(|m| m.at == history.position())
    }

    fn is_next_to_redo(&self, history: &History) -> bool {
        self.holds_for == history.generation()
            && self
                .undone
                .last()
                .is_some_and(|m| m.at == history.position())
    }
}
