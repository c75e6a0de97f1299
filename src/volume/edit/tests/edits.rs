use super::{TUMOUR, empty, grid, labels};
use crate::volume::edit::{EditError, History, LabelEdit, Over, Paint, paint};
use crate::volume::{Grid, LabelMap, LabelTable, Structure};
use glam::DVec3;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SHAPE: [usize; 3] = [5, 4, 3];
const VOXELS: usize = 60;

fn map(values: Vec<u8>) -> LabelMap {
    let grid = Grid::axis_aligned(SHAPE, [1.0; 3], DVec3::ZERO).unwrap();
    LabelMap::new(grid, values, LabelTable::default()).unwrap()
}

fn maps() -> impl Strategy<Value = LabelMap> {
    prop::collection::vec(0..3_u8, VOXELS).prop_map(map)
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..VOXELS, 0..3_u8), 0..40)
}

/// What an edit should do, voxel by voxel.
fn changed(before: &LabelMap, changes: &[(usize, u8)]) -> LabelMap {
    let mut values = before.labels().to_vec();
    for &(index, value) in changes {
        values[index] = value;
    }
    map(values)
}

fn count(labels: &LabelMap, value: u8) -> i64 {
    let same = labels.labels().iter().filter(|l| **l == value);
    same.map(|_| 1).sum()
}

#[derive(Debug, Clone)]
enum Step {
    Edit(Vec<(usize, u8)>),
    Undo,
    Redo,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => changes().prop_map(Step::Edit),
        2 => Just(Step::Undo),
        1 => Just(Step::Redo),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn an_edit_changes_what_it_says_and_its_reversal_is_the_identity(before in maps(), changes in changes()) {
        let edit = LabelEdit::new("test", &before, changes.iter().copied()).unwrap();
        let expected = changed(&before, &changes);
        let mut now = before.clone();
        edit.apply(&mut now).unwrap();
        prop_assert_eq!(&now, &expected);
        let differ: Vec<usize> = (0..VOXELS).filter(|&n| before.labels()[n] != now.labels()[n]).collect();
        prop_assert_eq!(edit.voxels(), differ.len());
        prop_assert_eq!(edit.is_empty(), differ.is_empty());
        // The box and the counts, by looking at every voxel.
        let mut bounds: Option<[[usize; 2]; 3]> = None;
        for &index in &differ {
            let voxel = before.grid().voxel(index);
            let b = bounds.get_or_insert(voxel.map(|v| [v, v]));
            (0..3).for_each(|a| b[a] = [b[a][0].min(voxel[a]), b[a][1].max(voxel[a])]);
        }
        prop_assert_eq!(edit.bounds(), bounds);
        let gains: Vec<(u8, i64)> = (0..3).map(|v| (v, count(&now, v) - count(&before, v))).filter(|g| g.1 != 0).collect();
        prop_assert_eq!(edit.count_changes(), gains);
        let touched: BTreeSet<u8> = differ.iter().flat_map(|&n| [before.labels()[n], now.labels()[n]]).collect();
        prop_assert_eq!(edit.values(), touched);
        edit.revert(&mut now).unwrap();
        prop_assert_eq!(now, before);
    }

    #[test]
    fn an_edit_refuses_labels_that_are_not_its_own(before in maps(), changes in changes(), at in 0..VOXELS, by in 1..3_u8) {
        let edit = LabelEdit::new("test", &before, changes.iter().copied()).unwrap();
        let touched = changed(&before, &changes).labels()[at] != before.labels()[at];
        let mut other = before.labels().to_vec();
        other[at] = (other[at] + by) % 3;
        let other = map(other);
        let mut now = other.clone();
        prop_assert_eq!(edit.apply(&mut now).is_err(), touched);
        if touched {
            prop_assert_eq!(now, other);
        }
    }

    #[test]
    fn joined_edits_do_what_they_did_one_after_another(before in maps(), parts in prop::collection::vec(changes(), 0..5)) {
        let mut now = before.clone();
        let mut edits = Vec::new();
        for part in &parts {
            let edit = LabelEdit::new("step", &now, part.iter().copied()).unwrap();
            edit.apply(&mut now).unwrap();
            edits.push(edit);
        }
        let whole = LabelEdit::joined("stroke", SHAPE, &edits).unwrap();
        let mut at_once = before.clone();
        whole.apply(&mut at_once).unwrap();
        prop_assert_eq!(&at_once, &now);
        whole.revert(&mut now).unwrap();
        prop_assert_eq!(now, before);
    }

    #[test]
    fn undo_and_redo_do_what_whole_copies_would(start in maps(), steps in steps(), most in 1..6_usize) {
        let mut history = History::with_capacity(most, usize::MAX);
        let mut now = start.clone();
        // Whole copies: what was before each step, and what was taken back.
        let (mut done, mut undone): (Vec<LabelMap>, Vec<LabelMap>) = (Vec::new(), Vec::new());
        let mut model = start;
        for step in steps {
            match step {
                Step::Edit(changes) => {
                    let edit = LabelEdit::new("edit", &now, changes.iter().copied()).unwrap();
                    history.apply(edit, &mut now).unwrap();
                    let after = changed(&model, &changes);
                    if after != model {
                        done.push(std::mem::replace(&mut model, after));
                        undone.clear();
                        if done.len() > most {
                            done.remove(0);
                        }
                    }
                }
                Step::Undo => {
                    let some = history.undo(&mut now).unwrap().is_some();
                    let before = done.pop();
                    prop_assert_eq!(some, before.is_some());
                    if let Some(before) = before {
                        undone.push(std::mem::replace(&mut model, before));
                    }
                }
                Step::Redo => {
                    let some = history.redo(&mut now).unwrap().is_some();
                    let after = undone.pop();
                    prop_assert_eq!(some, after.is_some());
                    if let Some(after) = after {
                        done.push(std::mem::replace(&mut model, after));
                    }
                }
            }
            prop_assert_eq!(&now, &model);
            prop_assert_eq!((history.done().len(), history.undone().len()), (done.len(), undone.len()));
            let bytes: usize = history.done().chain(history.undone()).map(LabelEdit::memory_bytes).sum();
            prop_assert_eq!(history.memory_bytes(), bytes);
        }
    }
}

#[test]
fn a_refused_step_changes_neither_labels_nor_history() {
    let mut now = map(vec![0; VOXELS]);
    let mut history = History::default();
    let edit = LabelEdit::new("brush on cochlea", &now, [(7, 2), (8, 2)]).unwrap();
    history.apply(edit.clone(), &mut now).unwrap();
    // The labels change behind the history's back.
    let mut other = map((0..VOXELS).map(|n| u8::from(n == 8)).collect());
    let copy = other.clone();
    let stale = EditError::Stale {
        index: 7,
        expected: 2,
        found: 0,
    };
    assert_eq!(history.undo(&mut other), Err(stale));
    assert_eq!(other, copy);
    assert_eq!(
        history.undo_words().as_deref(),
        Some("Undo: brush on cochlea")
    );
    // Other shapes with the same number of voxels, and with fewer, are no maps of this edit.
    for shape in [[4, 5, 3], [2, 2, 2]] {
        let mut turned = empty(grid(shape, [1.0; 3], [0.0; 3], [false; 3]));
        let refused = edit.apply(&mut turned);
        assert!(matches!(refused, Err(EditError::Shape { .. })));
        assert!(turned.labels().iter().all(|l| *l == 0));
    }
    assert!(LabelEdit::new("beyond", &now, [(VOXELS, 1)]).is_err());
}

#[test]
fn a_menu_says_what_is_undone_and_redone() {
    let mut now = map(vec![0; VOXELS]);
    let mut history = History::default();
    assert_eq!(history.undo_words(), None);
    assert_eq!(history.undo(&mut now), Ok(None));
    let draw = Paint::Draw {
        structure: TUMOUR,
        over: Over::Anything,
    };
    let drawn = paint(&now, &[3, 4, 5], "brush", draw).unwrap();
    history.apply(drawn, &mut now).unwrap();
    let erase = Paint::Erase(Some(Structure::Cochlea));
    let nothing = paint(&now, &[3], "brush", erase).unwrap();
    history.apply(nothing, &mut now).unwrap();
    let words = "brush on vestibular schwannoma";
    assert_eq!(history.undo_words(), Some(format!("Undo: {words}")));
    history.undo(&mut now).unwrap();
    assert_eq!(history.undo_words(), None);
    assert_eq!(history.redo_words(), Some(format!("Redo: {words}")));
    history.clear();
    assert_eq!((history.redo_words(), history.memory_bytes()), (None, 0));
}

#[test]
fn a_history_keeps_to_its_memory_but_always_has_the_last_step() {
    let mut now = map(vec![0; VOXELS]);
    let one = LabelEdit::new("0", &now, [(0, 1)]).unwrap().memory_bytes();
    let mut history = History::with_capacity(500, 3 * one);
    for n in 0..9 {
        let edit = LabelEdit::new(n.to_string(), &now, [(n, 1)]).unwrap();
        history.apply(edit, &mut now).unwrap();
    }
    let names: Vec<&str> = history.done().map(LabelEdit::name).collect();
    assert_eq!(names, ["8", "7", "6"]);
    let mut small = History::with_capacity(0, 0);
    let edit = LabelEdit::new("large", &now, (0..VOXELS).step_by(2).map(|n| (n, 2))).unwrap();
    small.apply(edit, &mut now).unwrap();
    assert_eq!(small.done().len(), 1);
}

#[test]
fn edits_of_different_beginnings_are_not_joined() {
    let before = map(vec![0; VOXELS]);
    let first = LabelEdit::new("a", &before, [(1, 1)]).unwrap();
    let second = LabelEdit::new("b", &before, [(1, 2)]).unwrap();
    let joined = LabelEdit::joined("c", SHAPE, &[first.clone(), second]);
    assert!(matches!(joined, Err(EditError::Stale { index: 1, .. })));
    let elsewhere = LabelEdit::joined("c", [60, 1, 1], &[first]);
    assert!(matches!(elsewhere, Err(EditError::Shape { .. })));
}

#[test]
fn painting_respects_what_it_may_paint_over() {
    let now = labels(
        grid([6, 1, 1], [1.0; 3], [0.0; 3], [false; 3]),
        |[i, _, _]| [0, 1, 2, 3, 0, 9][i],
    );
    let all = [0, 1, 2, 3, 4, 5];
    let after = |what: Paint| {
        let mut now = now.clone();
        let edit = paint(&now, &all, "brush", what).unwrap();
        edit.apply(&mut now).unwrap();
        now.labels().to_vec()
    };
    let draw = |over| Paint::Draw {
        structure: Structure::Cochlea,
        over,
    };
    assert_eq!(after(draw(Over::Anything)), [2; 6]);
    assert_eq!(after(draw(Over::Background)), [2, 1, 2, 3, 2, 9]);
    assert_eq!(after(draw(Over::Structure(TUMOUR))), [0, 2, 2, 3, 0, 9]);
    assert_eq!(after(Paint::Erase(Some(TUMOUR))), [0, 0, 2, 3, 0, 9]);
    assert_eq!(after(Paint::Erase(None)), [0; 6]);
    let outside = paint(&now, &[6], "brush", draw(Over::Background));
    let expected = EditError::Outside {
        index: 6,
        voxels: 6,
    };
    assert_eq!(outside, Err(expected));
    let table = LabelTable::new([(1, TUMOUR)]);
    let narrow = LabelMap::new(*now.grid(), vec![0; 6], table).unwrap();
    let unnamed = paint(&narrow, &all, "brush", draw(Over::Anything));
    assert_eq!(unnamed, Err(EditError::NotInTable(Structure::Cochlea)));
}
