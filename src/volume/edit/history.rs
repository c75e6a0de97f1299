//! What can be undone and redone.
use super::{EditError, LabelEdit};
use crate::volume::LabelMap;
use std::collections::VecDeque;

/// The edits of one label map that can be undone or redone. A step costs what its edit changed, however large the map is.
#[derive(Debug, Clone)]
pub struct History {
    /// Oldest first.
    done: VecDeque<LabelEdit>,
    /// The next to redo last.
    undone: Vec<LabelEdit>,
    /// What both lists take in memory; moving an edit from one to the other does not change it.
    bytes: usize,
    most_steps: usize,
    most_bytes: usize,
    /// Steps at the beginning that are no longer kept.
    forgotten: u64,
    generation: u64,
}

impl Default for History {
    fn default() -> Self {
        Self::with_capacity(Self::STEPS, Self::BYTES)
    }
}

impl History {
    /// Steps that are kept unless told otherwise.
    pub const STEPS: usize = 500;
    /// Memory that they may take unless told otherwise.
    pub const BYTES: usize = 64 << 20;

    /// A history that forgets its oldest steps beyond so many, or beyond so much memory; the last step is always kept.
    pub fn with_capacity(most_steps: usize, most_bytes: usize) -> Self {
        Self {
            done: VecDeque::new(),
            undone: Vec::new(),
            bytes: 0,
            most_steps,
            most_bytes,
            forgotten: 0,
            generation: 0,
        }
    }

    /// Makes an edit and records it.
    ///
    /// # Errors
    /// When the edit was not made on these labels; labels and history are then as they were.
    pub fn apply(&mut self, edit: LabelEdit, labels: &mut LabelMap) -> Result<(), EditError> {
        edit.apply(labels)?;
        self.record(edit);
        Ok(())
    }

    /// Records an edit that the labels have already. What was undone before can no longer be redone. An empty edit is not recorded.
    pub fn record(&mut self, edit: LabelEdit) {
        if edit.is_empty() {
            return;
        }
        self.forget_undone();
        self.bytes += edit.memory_bytes();
        self.done.push_back(edit);
        while self.done.len() > 1
            && (self.done.len() > self.most_steps || self.bytes > self.most_bytes)
        {
            if let Some(oldest) = self.done.pop_front() {
                self.bytes -= oldest.memory_bytes();
                self.forgotten += 1;
            }
        }
    }

    /// What was undone can no longer be redone: something else was done instead.
    pub fn forget_undone(&mut self) {
        let forgotten: usize = self.undone.drain(..).map(|e| e.memory_bytes()).sum();
        self.bytes -= forgotten;
        self.generation += 1;
    }

    /// How many edits lie behind the labels as they are, those that are no longer kept included. Steps of another kind tell with it between which edits they were made.
    pub fn position(&self) -> u64 {
        self.forgotten + self.done.len() as u64
    }

    /// Changes whenever something new was done, so that nothing undone before can be redone.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes the last edit back and returns it; `None` when there is none.
    ///
    /// # Errors
    /// When the labels are not those that the edit left; labels and history are then as they were.
    pub fn undo(&mut self, labels: &mut LabelMap) -> Result<Option<&LabelEdit>, EditError> {
        let Some(edit) = self.done.back() else {
            return Ok(None);
        };
        edit.revert(labels)?;
        self.undone.extend(self.done.pop_back());
        Ok(self.undone.last())
    }

    /// Makes the edit again that was taken back last and returns it; `None` when there is none.
    ///
    /// # Errors
    /// When the labels are not those that the edit was made on; labels and history are then as they were.
    pub fn redo(&mut self, labels: &mut LabelMap) -> Result<Option<&LabelEdit>, EditError> {
        let Some(edit) = self.undone.last() else {
            return Ok(None);
        };
        edit.apply(labels)?;
        self.done.extend(self.undone.pop());
        Ok(self.done.back())
    }

    /// The edits that can be undone, the next one first.
    pub fn done(&self) -> impl ExactSizeIterator<Item = &LabelEdit> {
        self.done.iter().rev()
    }

    /// The edits that can be redone, the next one first.
    pub fn undone(&self) -> impl ExactSizeIterator<Item = &LabelEdit> {
        self.undone.iter().rev()
    }

    /// What a menu says: `Undo: brush on cochlea`.
    pub fn undo_words(&self) -> Option<String> {
        self.done().next().map(|e| format!("Undo: {}", e.name()))
    }

    /// What a menu says: `Redo: brush on cochlea`.
    pub fn redo_words(&self) -> Option<String> {
        self.undone().next().map(|e| format!("Redo: {}", e.name()))
    }

    /// What the recorded edits take in memory.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything, for instance when other labels are loaded.
    pub fn clear(&mut self) {
        self.forgotten += self.done.len() as u64;
        self.done.clear();
        self.forget_undone();
        self.bytes = 0;
    }
}
