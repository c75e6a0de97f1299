//! A change of labels that can be applied and taken back.
use super::EditError;
use crate::volume::{LabelMap, Shape};
use std::collections::BTreeSet;

/// Neighbours in memory that change from one label value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Position of the first voxel in memory.
    pub(super) start: usize,
    /// Voxels, at least one.
    pub(super) length: u32,
    /// Label value before the edit.
    pub(super) before: u8,
    /// Label value after the edit; never `before`.
    pub(super) after: u8,
}

impl Run {
    /// Position after the last voxel.
    fn end(&self) -> usize {
        self.start + self.length as usize
    }
}

/// A named change of a label map: the voxels that differ, with their labels before and after, as runs in memory order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelEdit {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// Ascending and apart; all inside the shape.
    pub(super) runs: Vec<Run>,
}

impl LabelEdit {
    /// The change of `labels` that gives voxels (positions in memory) new label values. Voxels that have the value already are left out; of
    /// several values for one voxel the last counts. The name tells people what undoing takes back: `brush on cochlea`.
    ///
    /// # Errors
    /// When a voxel lies outside the map.
    pub fn new(
        name: impl Into<String>,
        labels: &LabelMap,
        changes: impl IntoIterator<Item = (usize, u8)>,
    ) -> Result<Self, EditError> {
        let old = labels.labels();
        let mut voxels = Vec::new();
        for (index, after) in changes {
            let &before = old.get(index).ok_or(EditError::Outside {
                index,
                voxels: old.len(),
            })?;
            voxels.push((index, before, after));
        }
        Ok(Self {
            name: name.into(),
            shape: labels.grid().shape(),
            runs: runs(voxels),
        })
    }

    /// Edits that were made one after another as a single one, for instance the steps of a brush stroke. `shape` is that of their map.
    ///
    /// # Errors
    /// When one of them is of a map with another shape, or does not begin where those before it end.
    pub fn joined(
        name: impl Into<String>,
        shape: Shape,
        edits: &[Self],
    ) -> Result<Self, EditError> {
        let name = name.into();
        for edit in edits {
            edit.check_shape(shape)?;
        }
        let mut all: Vec<Run> = edits.iter().flat_map(|e| &e.runs).copied().collect();
        all.sort_by_key(|r| r.start);
        let mut pairs = all.iter().zip(all.iter().skip(1));
        if pairs.all(|(a, b)| a.end() <= b.start) {
            // A brush that draws changes no voxel twice, so that a long stroke need not be taken apart.
            let mut runs = Vec::new();
            for run in all {
                push(&mut runs, run);
            }
            return Ok(Self { name, shape, runs });
        }
        let mut voxels = Vec::new();
        for run in edits.iter().flat_map(|e| &e.runs) {
            voxels.extend((run.start..run.end()).map(|index| (index, run.before, run.after)));
        }
        // Sorting keeps the order of what happened to one voxel, so each must begin with what the one before it left.
        voxels.sort_by_key(|v| v.0);
        for (first, second) in voxels.iter().zip(voxels.iter().skip(1)) {
            if first.0 == second.0 && first.2 != second.1 {
                return Err(EditError::Stale {
                    index: second.0,
                    expected: second.1,
                    found: first.2,
                });
            }
        }
        Ok(Self {
            name,
            shape,
            runs: runs(voxels),
        })
    }

    /// What was done, for people, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Voxels of the map along each axis.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Number of voxels that change.
    pub fn voxels(&self) -> usize {
        self.runs.iter().map(|r| r.length as usize).sum()
    }

    /// The box of voxels that holds all changes: first and last index of each axis, or `None` when nothing changes.
    pub fn bounds(&self) -> Option<[[usize; 2]; 3]> {
        let [ni, nj, _] = self.shape;
        let mut bounds: Option<[[usize; 2]; 3]> = None;
        for run in &self.runs {
            let at = |index: usize| [index % ni, index / ni % nj, index / (ni * nj)];
            let (mut first, mut last) = (at(run.start), at(run.end() - 1));
            // A run that goes on in the next row or slice touches both ends of the axes inside.
            if first[2] != last[2] {
                (first[1], last[1]) = (0, nj - 1);
            }
            if first[2] != last[2] || first[1] != last[1] {
                (first[0], last[0]) = (0, ni - 1);
            }
            let b = bounds.get_or_insert([0, 1, 2].map(|a| [first[a], last[a]]));
            for axis in 0..3 {
                b[axis] = [b[axis][0].min(first[axis]), b[axis][1].max(last[axis])];
            }
        }
        bounds
    }

    /// By how many voxels each label value gains (positive) or loses, in rising order of the values; those that stay are left out. Taking the
    /// edit back changes the counts the other way round.
    pub fn count_changes(&self) -> Vec<(u8, i64)> {
        let mut changes = [0_i64; 256];
        for run in &self.runs {
            changes[usize::from(run.before)] -= i64::from(run.length);
            changes[usize::from(run.after)] += i64::from(run.length);
        }
        (0..=u8::MAX)
            .zip(changes)
            .filter(|(_, change)| *change != 0)
            .collect()
    }

    /// The label values that some voxel loses or gains, also those whose number of voxels stays.
    pub fn values(&self) -> BTreeSet<u8> {
        let runs = self.runs.iter();
        runs.flat_map(|r| [r.before, r.after]).collect()
    }

    /// Makes the change.
    ///
    /// # Errors
    /// When the labels are not those that the edit was made on; they are then left as they are.
    pub fn apply(&self, labels: &mut LabelMap) -> Result<(), EditError> {
        self.exchange(labels, |run| (run.before, run.after))
    }

    /// Takes the change back.
    ///
    /// # Errors
    /// When the labels are not those that the edit left; they are then left as they are.
    pub fn revert(&self, labels: &mut LabelMap) -> Result<(), EditError> {
        self.exchange(labels, |run| (run.after, run.before))
    }

    /// What the edit takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.runs.len() * size_of::<Run>()
    }

    fn check_shape(&self, found: Shape) -> Result<(), EditError> {
        if found == self.shape {
            return Ok(());
        }
        Err(EditError::Shape {
            expected: self.shape,
            found,
        })
    }

    /// Looks at every voxel before it changes the first, so that a refusal changes nothing.
    fn exchange(
        &self,
        labels: &mut LabelMap,
        from_to: impl Fn(&Run) -> (u8, u8),
    ) -> Result<(), EditError> {
        self.check_shape(labels.grid().shape())?;
        let voxels = labels.labels().len();
        let values = labels.labels_mut();
        for run in &self.runs {
            let part = values.get(run.start..run.end()).ok_or(EditError::Outside {
                index: run.end() - 1,
                voxels,
            })?;
            let expected = from_to(run).0;
            if let Some((at, &found)) = part.iter().enumerate().find(|(_, v)| **v != expected) {
                return Err(EditError::Stale {
                    index: run.start + at,
                    expected,
                    found,
                });
            }
        }
        for run in &self.runs {
            values[run.start..run.end()].fill(from_to(run).1);
        }
        Ok(())
    }
}

/// Runs from voxels as (position, label before, label after). Of several entries for a voxel the first tells the label before, the last the
/// label after.
fn runs(mut voxels: Vec<(usize, u8, u8)>) -> Vec<Run> {
    // Selections come sorted, and then this is one pass.
    voxels.sort_by_key(|v| v.0);
    let mut runs: Vec<Run> = Vec::new();
    for same in voxels.chunk_by(|a, b| a.0 == b.0) {
        let (Some(&(start, before, _)), Some(&(_, _, after))) = (same.first(), same.last()) else {
            continue;
        };
        if before == after {
            continue;
        }
        push(
            &mut runs,
            Run {
                start,
                length: 1,
                before,
                after,
            },
        );
    }
    runs
}

/// Adds a run that follows, to the last one where the two are one.
fn push(runs: &mut Vec<Run>, next: Run) {
    if let Some(last) = runs.last_mut()
        && last.end() == next.start
        && (last.before, last.after) == (next.before, next.after)
        && let Some(length) = last.length.checked_add(next.length)
    {
        last.length = length;
        return;
    }
    runs.push(next);
}
