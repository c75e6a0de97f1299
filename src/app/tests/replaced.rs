//! Outlines that take the place of others, and what comes back with those: who drew them, and what was set on them.
use super::{
    edits::{hand_over, stroke, wait_for},
    ended, outlines, visits, work,
};
use crate::{
    app::{
        AppState, ByHand, Command, EditCommand, Outcome, PorusShift, SchoolCommand, VisitId, apply,
        koos::BRAINSTEM_EDIT,
        rescue::{self, Note, Rescue},
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

/// A brainstem as if it had been found from one click: there is none in this scan.
fn find_brainstem(state: &mut AppState, id: VisitId, point: DVec3) {
    edit(state, id, EditCommand::Brainstem(point));
    state.work.queue.clear();
    let labels = &of(state, id).labels;
    let value = labels.table().value(Structure::Brainstem).unwrap();
    let last = labels.grid().len() - 1;
    let voxels = (last - 20..=last).map(|n| (n, value));
    let found = LabelEdit::new(BRAINSTEM_EDIT, labels, voxels).unwrap();
    let revision = state.visit(id).unwrap().revision;
    ended(state, Outcome::Edited(id, revision, found));
    work(state);
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
    find_brainstem(&mut state, id, point);
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

#[test]
fn a_brainstem_found_from_one_click_is_known_as_such_when_it_comes_again_with_a_plane_before_it() {
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    let first = outlines(&state, id, 0);
    ended(&mut state, first);
    edit(&mut state, id, EditCommand::Measure);
    work(&mut state);
    edit(&mut state, id, EditCommand::MovePorus(shift()));
    edit(&mut state, id, EditCommand::EndMove);
    let point = DVec3::new(6.0, 8.0, 4.0);
    find_brainstem(&mut state, id, point);
    let set = of(&state, id).by_hand.clone();
    assert_eq!(set.brainstem_from, Some(point.to_array()));
    for _ in 0..2 {
        edit(&mut state, id, EditCommand::Undo);
        work(&mut state);
    }
    assert_eq!(of(&state, id).by_hand.porus, PorusShift::default());
    for _ in 0..2 {
        edit(&mut state, id, EditCommand::Redo);
        work(&mut state);
    }
    assert!(of(&state, id).labels.count(Structure::Brainstem) > 0);
    assert_eq!(of(&state, id).by_hand, set);
}

#[test]
fn a_plane_that_is_taken_back_after_it_was_saved_is_in_a_journal_again() {
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    state.journals = Some("journals".into());
    stroke(&mut state, id, 0.0, false);
    work(&mut state);
    edit(&mut state, id, EditCommand::MovePorus(shift()));
    edit(&mut state, id, EditCommand::EndMove);
    for (command, porus) in [
        (EditCommand::Undo, PorusShift::default()),
        (EditCommand::Redo, shift()),
    ] {
        let revision = state.visit(id).unwrap().revision;
        ended(&mut state, Outcome::Saved(id, revision, String::new()));
        state.notes.clear();
        edit(&mut state, id, command);
        let [(_, Note::Begin { .. }), (_, Note::Drawn(drawn))] = &state.notes[..] else {
            panic!("{:?}", state.notes)
        };
        assert_eq!(drawn.by_hand.as_ref().map(|set| set.porus), Some(porus));
    }
}

/// A plane that was moved on the cube of `outlines`, as the journal of a crash brings it back.
fn moved_plane(state: &AppState, id: VisitId) -> (Outcome, ByHand) {
    let revision = state.visit(id).unwrap().revision;
    let Outcome::Outlined(mut new) = outlines(state, id, revision) else {
        unreachable!()
    };
    new.measured.finding.provenance.state = ReviewState::Edited;
    let set = ByHand::default().with_porus(shift());
    let back = Outcome::BroughtBack(new, Some(Box::new(set.clone())), "left.journal".into());
    (back, set)
}

#[test]
fn rejected_outlines_stay_rejected_when_a_plane_that_was_moved_on_them_comes_back_after_a_crash() {
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    let imported = outlines(&state, id, 0);
    ended(&mut state, imported);
    edit(&mut state, id, EditCommand::Reject("R. Eader".to_owned()));
    let said = of(&state, id).edits.reviewed.clone();
    let (back, set) = moved_plane(&state, id);
    ended(&mut state, back);
    let now = of(&state, id);
    assert_eq!(now.by_hand, set);
    let provenance = &now.measured.finding.provenance;
    assert_eq!(provenance.state, ReviewState::Rejected);
    assert!(said.is_some());
    assert_eq!(now.edits.reviewed, said);
}

#[test]
fn a_plane_that_comes_back_after_a_crash_is_there_behind_a_blind_read_too() {
    let (mut state, ids) = visits(&[None]);
    let id = ids[0];
    let (back, set) = moved_plane(&state, id);
    let blind = |on: bool| Command::School(SchoolCommand::Blind(on));
    apply(&mut state, blind(true));
    ended(&mut state, back);
    apply(&mut state, blind(false));
    assert_eq!(of(&state, id).by_hand, set);
}
