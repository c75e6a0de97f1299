//! A porus plane that is moved, undone and moved again between edits.
use super::{ended, work};
use crate::{
    app::{
        AppState, ByHand, Command, EditCommand, KoosCommand, MeaningCommand, Outcome, PorusShift,
        Task, VisitId, WorkCommand, apply, state::Outlines,
    },
    io,
    measure::KoosWording,
    phantom,
    volume::unobserved,
};

fn edit(state: &mut AppState, visit: VisitId, command: EditCommand) {
    apply(state, Command::Edit(visit, command));
    work(state);
}

fn shift(state: &mut AppState, visit: VisitId, offset_mm: f64) {
    let to = PorusShift {
        offset_mm,
        ..of(state).by_hand.porus
    };
    edit(state, visit, EditCommand::MovePorus(to));
}

fn of(state: &AppState) -> &Outlines {
    state.visits[0].outlines.as_ref().unwrap()
}

/// The demo patient with the phantom's own labels.
fn demo() -> (AppState, VisitId) {
    let folder = tempfile::tempdir().unwrap();
    let patient = phantom::demo::patient().unwrap();
    let made = phantom::demo::scan(&patient, 0, &mut unobserved).unwrap();
    let (scan, labels) = (
        folder.path().join("scan.nii"),
        folder.path().join("labels.nii"),
    );
    io::write_volume(&scan, &made.volume).unwrap();
    io::write_labels(&labels, &made.labels).unwrap();
    let mut state = AppState::default();
    apply(&mut state, Command::Work(WorkCommand::Open(scan)));
    work(&mut state);
    let id = state.visits[0].id;
    let look: Outcome = Task::LabelValues(id, labels).run(&mut unobserved);
    ended(&mut state, look);
    apply(
        &mut state,
        Command::Work(WorkCommand::Meaning(MeaningCommand::Read)),
    );
    work(&mut state);
    (state, id)
}

#[test]
fn moves_of_the_plane_are_undone_among_the_edits_in_their_order() {
    let (mut state, id) = demo();
    let outside = |state: &AppState| {
        let finding = &of(state).measured.finding;
        let measures = finding.tumour.as_ref().unwrap().measures.unwrap();
        measures.volumes.extrameatal.unwrap().volume_mm3
    };
    let undo_words = |state: &AppState| {
        let edits = &of(state).edits;
        edits.by_hand.undo_words(&edits.history)
    };
    let found = outside(&state);
    // One pull at a slider is one step, the next pull another.
    for offset in [0.5, 1.0, 2.0] {
        shift(&mut state, id, offset);
    }
    edit(&mut state, id, EditCommand::EndMove);
    let first = outside(&state);
    shift(&mut state, id, 2.5);
    edit(&mut state, id, EditCommand::EndMove);
    let second = outside(&state);
    assert!(second < first && first < found);
    edit(&mut state, id, EditCommand::Smooth);
    assert!(undo_words(&state).unwrap().contains("smooth"));
    shift(&mut state, id, -1.0);
    let third = outside(&state);
    assert_eq!(undo_words(&state).unwrap(), "Undo: porus plane moved");

    let undo = |state: &mut AppState| edit(state, id, EditCommand::Undo);
    let redo = |state: &mut AppState| edit(state, id, EditCommand::Redo);
    undo(&mut state);
    undo(&mut state);
    assert!((outside(&state) - second).abs() < 1e-9);
    undo(&mut state);
    assert!((outside(&state) - first).abs() < 1e-9);
    undo(&mut state);
    assert!((outside(&state) - found).abs() < 1e-9);
    assert_eq!(of(&state).by_hand.porus, PorusShift::default());
    assert_eq!(undo_words(&state), None);
    for _ in 0..4 {
        redo(&mut state);
    }
    assert!((outside(&state) - third).abs() < 1e-9);
    // Something new forbids what was undone.
    undo(&mut state);
    undo(&mut state);
    shift(&mut state, id, 0.25);
    let edits = &of(&state).edits;
    assert_eq!(edits.by_hand.redo_words(&edits.history), None);
}

#[test]
fn an_operation_is_a_step_and_the_wording_is_the_patients() {
    let (mut state, id) = demo();
    let withheld = |state: &AppState| of(state).measured.finding.koos.withheld.clone();
    assert_eq!(withheld(&state), None);
    let operated = Command::Koos(KoosCommand::PostOperative(id, true));
    apply(&mut state, operated);
    assert!(withheld(&state).unwrap().contains("surgery"));
    edit(&mut state, id, EditCommand::Undo);
    assert_eq!(withheld(&state), None);
    edit(&mut state, id, EditCommand::Redo);
    // What is measured anew is still of an operated tumour, and so is what the folder keeps.
    edit(&mut state, id, EditCommand::Smooth);
    assert!(withheld(&state).is_some());
    let set = of(&state).by_hand.clone();
    let kept = serde_json::json!({ "by_hand": set });
    assert_eq!(ByHand::of_results(&kept), Some(set));
    let not = Command::Koos(KoosCommand::PostOperative(id, false));
    apply(&mut state, not);

    let wording = KoosWording::Compression;
    apply(&mut state, Command::Koos(KoosCommand::Wording(wording)));
    assert_eq!(state.facts.wording(), wording);
    assert_eq!(of(&state).measured.finding.koos.wording, wording.name());
    edit(&mut state, id, EditCommand::Smooth);
    assert_eq!(of(&state).measured.finding.koos.wording, wording.name());
    let back = KoosWording::Topographic;
    apply(&mut state, Command::Koos(KoosCommand::Wording(back)));
    assert_eq!(of(&state).measured.finding.koos.wording, back.name());
}
