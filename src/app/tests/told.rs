//! Days, sequences and treatments that are told, and taken back.
use super::{
    edits::stroke,
    ended,
    folder::{begun, keep, reopened},
    outlines, scan, visits, work,
};
use crate::{
    app::{
        AppState, Command, EditCommand, PatientCommand, VisitCommand, VisitId, apply, next_task,
        state::Outlines,
        told::{redo_words, undo_words},
    },
    patient::{PatientFacts, Treatment, TreatmentKind},
    volume::{Sequence, unobserved},
};
use chrono::NaiveDate;

fn edit(state: &mut AppState, id: VisitId, command: EditCommand) {
    apply(state, Command::Edit(id, command));
    work(state);
}

fn visit(state: &mut AppState, command: VisitCommand) {
    apply(state, Command::Visit(command));
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn treated(text: &str) -> PatientFacts {
    PatientFacts {
        treatments: vec![Treatment {
            day: day(text),
            kind: TreatmentKind::Radiosurgery,
        }],
        ..PatientFacts::default()
    }
}

fn date(state: &AppState, id: VisitId) -> Option<NaiveDate> {
    state.visit(id).unwrap().date
}

fn outlined(state: &mut AppState, id: VisitId) {
    let drawn = outlines(state, id, 0);
    ended(state, drawn);
    work(state);
}

#[test]
fn what_was_told_is_taken_back_among_the_edits_in_their_order() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let id = ids[0];
    outlined(&mut state, id);
    let drawn = state
        .visit(id)
        .unwrap()
        .outlines
        .as_ref()
        .unwrap()
        .labels
        .clone();
    visit(&mut state, VisitCommand::SetDate(id, day("2023-05-06")));
    stroke(&mut state, id, -6.0, false);
    stroke(&mut state, id, 6.0, false);
    work(&mut state);
    visit(&mut state, VisitCommand::SetSequence(id, Sequence::CeT1));
    apply(
        &mut state,
        Command::Patient(PatientCommand::Facts(treated("2024-02-03"))),
    );
    let labels = |state: &AppState| {
        state
            .visit(id)
            .unwrap()
            .outlines
            .as_ref()
            .unwrap()
            .labels
            .clone()
    };
    let painted = labels(&state);
    assert!(painted.labels() != drawn.labels());

    assert_eq!(
        undo_words(&state, id).unwrap(),
        "Undo: facts about the patient"
    );
    edit(&mut state, id, EditCommand::Undo);
    assert!(state.facts.treatments.is_empty());
    edit(&mut state, id, EditCommand::Undo);
    assert_eq!(state.visit(id).unwrap().sequence, Sequence::HrT2);
    assert_eq!(redo_words(&state, id).unwrap(), "Redo: sequence of a scan");
    edit(&mut state, id, EditCommand::Undo);
    assert!(labels(&state).labels() != painted.labels());
    assert_eq!(date(&state, id), Some(day("2023-05-06")));
    while labels(&state).labels() != drawn.labels() {
        edit(&mut state, id, EditCommand::Undo);
    }
    assert_eq!(undo_words(&state, id).unwrap(), "Undo: date of a scan");
    edit(&mut state, id, EditCommand::Undo);
    assert_eq!(date(&state, id), Some(day("2024-01-01")));
    assert_eq!(undo_words(&state, id), None);
    while redo_words(&state, id).is_some() {
        edit(&mut state, id, EditCommand::Redo);
    }
    assert_eq!(date(&state, id), Some(day("2023-05-06")));
    assert_eq!(state.visit(id).unwrap().sequence, Sequence::CeT1);
    assert_eq!(state.facts, treated("2024-02-03"));
    assert!(labels(&state).labels() == painted.labels());
}

#[test]
fn a_day_that_was_not_known_is_not_known_again_and_visits_keep_their_order() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), None]);
    visit(&mut state, VisitCommand::SetDate(ids[1], day("2020-01-01")));
    assert_eq!(state.visits[0].id, ids[1]);
    // Telling the same again is no step.
    visit(&mut state, VisitCommand::SetDate(ids[1], day("2020-01-01")));
    // From a visit that was not told of, too.
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(date(&state, ids[1]), None);
    assert_eq!(state.visits[0].id, ids[0]);
    assert_eq!(undo_words(&state, ids[0]), None);
    edit(&mut state, ids[1], EditCommand::Redo);
    assert_eq!(date(&state, ids[1]), Some(day("2020-01-01")));
    // What is told anew ends what could be told again.
    edit(&mut state, ids[1], EditCommand::Undo);
    visit(&mut state, VisitCommand::SetDate(ids[1], day("2021-01-01")));
    assert_eq!(redo_words(&state, ids[1]), None);
}

#[test]
fn accepted_outlines_stay_locked_while_a_day_is_taken_back() {
    let (mut state, ids) = visits(&[Some("2024-01-01")]);
    outlined(&mut state, ids[0]);
    stroke(&mut state, ids[0], 6.0, false);
    work(&mut state);
    let visit_now = state.visit(ids[0]).unwrap();
    let unseen = visit_now
        .outlines
        .as_ref()
        .unwrap()
        .unseen_slices(&visit_now.planes[0]);
    for slice in unseen {
        edit(&mut state, ids[0], EditCommand::Seen(slice));
    }
    visit(&mut state, VisitCommand::SetDate(ids[0], day("2023-01-01")));
    edit(
        &mut state,
        ids[0],
        EditCommand::Accept("R. Eader".to_owned()),
    );
    let locked = state.visit(ids[0]).unwrap().outlines.as_ref().unwrap();
    assert!(locked.is_locked(), "{:?}", state.messages);
    let labels = locked.labels.clone();
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(date(&state, ids[0]), Some(day("2024-01-01")));
    assert_eq!(undo_words(&state, ids[0]), None, "the edits are locked");
    edit(&mut state, ids[0], EditCommand::Undo);
    let now = state.visit(ids[0]).unwrap().outlines.as_ref().unwrap();
    assert!(now.labels.labels() == labels.labels());
}

#[test]
fn what_was_told_of_a_patient_goes_with_the_last_scan() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let facts = treated("2024-02-03");
    apply(
        &mut state,
        Command::Patient(PatientCommand::Facts(facts.clone())),
    );
    visit(&mut state, VisitCommand::Remove(ids[0]));
    assert_eq!(state.facts, facts, "a scan of the patient is left");
    visit(&mut state, VisitCommand::Remove(ids[1]));
    ended(&mut state, scan(Some("2025-02-01")));
    assert_eq!(state.facts, PatientFacts::default());
    assert_eq!(undo_words(&state, state.active.unwrap()), None);
}

#[test]
fn the_folder_learns_what_was_taken_back_and_another_patient_takes_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    let first = date(&state, id);
    visit(&mut state, VisitCommand::SetDate(id, day("2019-01-01")));
    apply(
        &mut state,
        Command::Patient(PatientCommand::Facts(treated("2020-02-03"))),
    );
    keep(&mut state, &mut open);
    for _ in 0..2 {
        edit(&mut state, id, EditCommand::Undo);
    }
    keep(&mut state, &mut open);
    assert!(
        state.messages.iter().all(|m| !m.error),
        "{:?}",
        state.messages
    );
    apply(&mut state, Command::Patient(PatientCommand::Close));
    keep(&mut state, &mut open);
    drop(open);
    assert_eq!(redo_words(&state, id), None);

    let (back, _open) = reopened(folder.path());
    assert_eq!(back.visits[0].date, first);
    assert!(back.visits[0].date_from_name);
    assert!(back.facts.treatments.is_empty());
}

fn of(state: &AppState, id: VisitId) -> &Outlines {
    state.visit(id).unwrap().outlines.as_ref().unwrap()
}

#[test]
fn numbers_of_another_sequence_are_out_of_date_until_they_are_measured_anew() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    for id in &ids {
        outlined(&mut state, *id);
    }
    let id = ids[0];
    assert!(state.assessment.is_some());
    visit(&mut state, VisitCommand::SetSequence(id, Sequence::CeT1));
    assert!(of(&state, id).edits.measuring);
    assert!(state.assessment.is_none(), "old numbers are not compared");
    // Told otherwise while it is being measured as the one before.
    let late = next_task(&mut state).unwrap();
    visit(&mut state, VisitCommand::SetSequence(id, Sequence::Unknown));
    let outcome = late.run(&mut unobserved);
    ended(&mut state, outcome);
    assert!(
        of(&state, id).edits.measuring,
        "those are of another sequence"
    );
    work(&mut state);
    assert!(!of(&state, id).edits.measuring);
    assert_eq!(of(&state, id).measured.sequence, Sequence::Unknown);
    assert!(state.assessment.is_some());
    // Told while a model draws.
    let revision = state.visit(id).unwrap().revision;
    let drawn = outlines(&state, id, revision);
    visit(&mut state, VisitCommand::SetSequence(id, Sequence::HrT2));
    ended(&mut state, drawn);
    assert!(of(&state, id).edits.measuring);
    work(&mut state);
    assert_eq!(of(&state, id).measured.sequence, Sequence::HrT2);
}

#[test]
fn a_scan_is_graded_as_operated_on_where_its_day_is_behind_the_operation_and_no_longer() {
    let (mut state, ids) = visits(&[Some("2024-01-01")]);
    let id = ids[0];
    outlined(&mut state, id);
    edit(&mut state, id, EditCommand::Measure);
    let operated = |state: &AppState| of(state, id).measured.finding.koos.post_operative;
    let surgery = PatientFacts {
        treatments: vec![Treatment {
            day: day("2024-02-03"),
            kind: TreatmentKind::Surgery,
        }],
        ..PatientFacts::default()
    };
    let tell = |state: &mut AppState, facts: PatientFacts| {
        apply(state, Command::Patient(PatientCommand::Facts(facts)));
    };
    tell(&mut state, surgery);
    assert!(!operated(&state), "before the operation");
    visit(&mut state, VisitCommand::SetDate(id, day("2024-05-06")));
    assert!(operated(&state));
    edit(&mut state, id, EditCommand::Undo);
    assert!(!operated(&state));
    edit(&mut state, id, EditCommand::Redo);
    tell(&mut state, PatientFacts::default());
    assert!(!operated(&state), "there was no operation");
}
