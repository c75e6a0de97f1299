//! Outlines that take the place of others, and what comes back with those: who drew them, and what was set on them.
use super::{
    edits::{hand_over, stroke, wait_for},
    ended, outlines, visits, work,
};
use crate::{
    app::{
        AppState, Command, EditCommand, Outcome, PorusShift, VisitId, apply,
        koos::BRAINSTEM_EDIT,
        rescue::{self, Rescue},
        state::Outlines,
    },
    io::Making,
    patient::{ModelInfo, ReviewState},
    volume::{LabelEdit, Structure},
};
use glam::DVec3;

fn edit(state: &mut AppState, visit: VisitId, command: EditCommand) {
    apply(state, Command::Edit(visit, command));
}

fn of(state: &AppState, visit: VisitId) -> &Outlines {
    state.visit(visit).unwrap().outlines.as_ref().unwrap()
}

fn shift() -> PorusShift {
    PorusShift {
        offset_mm: 1.5,
        ..PorusShift::default()
    }
}

/// Outlines of a visit as a model has just drawn them.
fn of_a_model(state: &AppState, visit: VisitId) -> Outcome {
    let revision = state.visit(visit).unwrap().revision;
    let Outcome::Outlined(mut new) = outlines(state, visit, revision) else {
        unreachable!()
    };
    let provenance = &mut new.measured.finding.provenance;
    provenance.model = Some(ModelInfo {
        name: "segmenter".to_owned(),
        version: "1".to_owned(),
        sha256: "ab".repeat(32),
    });
    provenance.device = Some("CPU".to_owned());
    provenance.state = ReviewState::AiDraft;
    new.making = Making::Automatic;
    Outcome::Outlined(new)
}

#[test]
fn undoing_a_segmentation_over_ones_own_outlines_brings_back_who_drew_them_and_what_was_set() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    let id = ids[0];
    stroke(&mut state, id, 0.0, false);
    work(&mut state);
    edit(&mut state, id, EditCommand::MovePorus(shift()));
    edit(&mut state, id, EditCommand::EndMove);
    assert_eq!(of(&state, id).by_hand.porus, shift());
    let drawn = of(&state, id).labels.labels().to_vec();
    let new = of_a_model(&state, id);
    ended(&mut state, new);
    work(&mut state);
    let by_model = |state: &AppState| {
        let outlines = of(state, id);
        let provenance = &outlines.measured.finding.provenance;
        assert!(outlines.labels.labels() != drawn);
        assert_eq!(provenance.state, ReviewState::AiDraft);
        assert_eq!(provenance.model.as_ref().unwrap().name, "segmenter");
        assert_eq!(outlines.making, Making::Automatic);
        assert_eq!(outlines.by_hand.porus, PorusShift::default());
    };
    let by_hand = |state: &AppState| {
        let outlines = of(state, id);
        let provenance = &outlines.measured.finding.provenance;
        assert!(outlines.labels.labels() == drawn);
        assert_eq!(provenance.state, ReviewState::Edited);
        assert_eq!((&provenance.model, &provenance.device), (&None, &None));
        assert_eq!(outlines.making, Making::Manual);
        assert_eq!(outlines.by_hand.porus, shift());
    };
    by_model(&state);
    for _ in 0..2 {
        edit(&mut state, id, EditCommand::Undo);
        by_hand(&state);
        work(&mut state);
        by_hand(&state);
        edit(&mut state, id, EditCommand::Redo);
        work(&mut state);
        by_model(&state);
    }
    // And on behind it, step by step.
    edit(&mut state, id, EditCommand::Undo);
    edit(&mut state, id, EditCommand::Undo);
    assert!(of(&state, id).labels.labels() == drawn);
    assert_eq!(of(&state, id).by_hand.porus, PorusShift::default());
    edit(&mut state, id, EditCommand::Undo);
    assert!(of(&state, id).labels.labels().iter().all(|l| *l == 0));
}

/// What a crash leaves of a state whose notes were handed over, brought back in a new window.
fn after_a_crash(state: &AppState, id: VisitId, rescue: Rescue) -> (AppState, VisitId) {
    let folder = state.journals.clone().unwrap();
    let sha = state.visit(id).unwrap().scan_sha256.clone();
    drop(rescue);
    let left = wait_for(|| rescue::left(&folder, &sha));
    let (mut state, ids) = visits(&[None]);
    state.visit_mut(ids[0]).unwrap().left = Some(left);
    edit(&mut state, ids[0], EditCommand::BringBack);
    work(&mut state);
    (state, ids[0])
}

#[test]
fn a_brainstem_found_from_one_click_and_a_moved_plane_are_known_as_such_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    state.journals = Some(folder.path().to_owned());
    let mut rescue = Rescue::new(state.journals.clone());
    let first = outlines(&state, id, 0);
    ended(&mut state, first);
    let point = DVec3::new(6.0, 8.0, 4.0);
    edit(&mut state, id, EditCommand::Brainstem(point));
    // There is none in this scan: as if it had been found.
    state.work.queue.clear();
    let labels = &of(&state, id).labels;
    let value = labels.table().value(Structure::Brainstem).unwrap();
    let last = labels.grid().len() - 1;
    let found = LabelEdit::new(
        BRAINSTEM_EDIT,
        labels,
        (last - 20..=last).map(|n| (n, value)),
    );
    let revision = state.visit(id).unwrap().revision;
    ended(&mut state, Outcome::Edited(id, revision, found.unwrap()));
    work(&mut state);
    edit(&mut state, id, EditCommand::MovePorus(shift()));
    let set = of(&state, id).by_hand.clone();
    assert_eq!(set.brainstem_from, Some(point.to_array()));
    hand_over(&mut state, &mut rescue);
    let (back, id) = after_a_crash(&state, id, rescue);
    assert_eq!(of(&back, id).by_hand, set);
    let warnings = &of(&back, id).measured.finding.koos.warnings;
    let told = warnings.iter().any(|w| w.contains("from one point"));
    assert!(told, "{warnings:?}");
}

#[test]
fn what_a_model_drew_over_ones_own_outlines_is_the_models_after_a_crash_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    state.journals = Some(folder.path().to_owned());
    let mut rescue = Rescue::new(state.journals.clone());
    stroke(&mut state, id, 0.0, false);
    let new = of_a_model(&state, id);
    ended(&mut state, new);
    hand_over(&mut state, &mut rescue);
    let labels = of(&state, id).labels.labels().to_vec();
    let (back, id) = after_a_crash(&state, id, rescue);
    assert!(of(&back, id).labels.labels() == labels);
    let model = of(&back, id).measured.finding.provenance.model.as_ref();
    assert_eq!(model.map(|m| m.name.as_str()), Some("segmenter"));
    assert_eq!(of(&back, id).making, Making::Semiautomatic);
}
