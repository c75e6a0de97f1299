//! The school and blind reads: nothing is in the state before the grade is committed.
use super::{ended, outlines, scan, visits, work};
use crate::{
    app::{
        AppState, Command, Deciding, Done, EditCommand, Mark, NewCase, Outcome, PatientCommand,
        SchoolCommand, Source, Task, ViewCommand, VisitCommand, VisitId, WorkCommand, apply,
        keeper::{Change, Open},
        next_task,
        school::Hidden,
        task::EarlyOutlines,
    },
    io,
    measure::{KoosGrade, Plane},
    patient::{AuditAction, Signature},
    school::{AnswerKind, Confidence, Difficulty, ReaderRecord},
};
use std::path::Path;

fn school(state: &mut AppState, command: SchoolCommand) {
    apply(state, Command::School(command));
}

/// A state whose reader has a name, before the first case.
fn reader() -> AppState {
    let mut state = AppState::default();
    state.preferences.reader = "R. Eader".to_owned();
    school(&mut state, SchoolCommand::Open(true));
    state
}

/// A case whose outlines are a cube.
fn case(name: &str, truth: KoosGrade) -> Outcome {
    let (made, ids) = visits(&[None]);
    let (Outcome::Outlined(new), Outcome::Scan(scan)) = (outlines(&made, ids[0], 0), scan(None))
    else {
        unreachable!()
    };
    Outcome::School(Done::Case(Box::new(NewCase {
        scan: *scan,
        hidden: Hidden {
            name: name.to_owned(),
            kind: AnswerKind::Synthetic,
            difficulty: Some(Difficulty::Hard),
            truth: truth.into(),
            exact: None,
            graded: None,
            outlines: Some(new),
        },
    })))
}

/// Takes the task of making a case off the queue.
fn asked(state: &mut AppState) -> bool {
    let task = next_task(state);
    matches!(task, Some(Task::School(work)) if work.is_case())
}

fn begin(state: &mut AppState, name: &str, truth: KoosGrade) -> VisitId {
    school(state, SchoolCommand::Begin);
    assert!(asked(state) && state.school.is_waiting());
    ended(state, case(name, truth));
    state.active.unwrap()
}

/// What a view could show of a visit.
fn shows(state: &AppState, id: VisitId) -> bool {
    let visit = state.visit(id).unwrap();
    visit.outlines.is_some() || !visit.early.is_empty()
}

fn answer(state: &mut AppState, id: VisitId, grade: KoosGrade) {
    school(state, SchoolCommand::Choose(id, grade.into()));
    school(state, SchoolCommand::Confide(id, Confidence::Likely));
    school(state, SchoolCommand::Commit(id));
}

#[test]
fn a_case_is_blind_until_a_grade_and_a_confidence_are_committed() {
    let mut state = reader();
    let id = begin(&mut state, "synthetic-secret-IV", KoosGrade::III);
    let start = state.visit(id).unwrap().crosshair;
    assert!(!shows(&state, id) && state.school.case().unwrap().revealed().is_none());
    let visit = state.visit(id).unwrap();
    assert_eq!(
        (visit.title().as_str(), visit.source.as_ref()),
        ("Case 1", None)
    );
    // Neither alone is enough.
    school(&mut state, SchoolCommand::Commit(id));
    school(&mut state, SchoolCommand::Choose(id, KoosGrade::II.into()));
    school(&mut state, SchoolCommand::Commit(id));
    school(&mut state, SchoolCommand::Next);
    assert!(!shows(&state, id) && state.school.is_blind(id));
    // Nor does anything else bring the outlines or the tumour's place.
    for command in [
        Command::View(ViewCommand::NextUnseen(id)),
        Command::Edit(id, EditCommand::Smooth),
        Command::School(SchoolCommand::Show(id, Deciding::Brainstem)),
        Command::School(SchoolCommand::Blind(true)),
        Command::School(SchoolCommand::Blind(false)),
    ] {
        apply(&mut state, command);
        assert!(!shows(&state, id));
    }
    assert_eq!(state.visit(id).unwrap().crosshair, start);
    school(&mut state, SchoolCommand::Confide(id, Confidence::Likely));
    school(&mut state, SchoolCommand::Commit(id));
    assert!(shows(&state, id) && !state.school.is_blind(id));
    assert_ne!(state.visit(id).unwrap().crosshair, start, "to the tumour");
    let revealed = state.school.case().unwrap().revealed().unwrap();
    assert_eq!(
        (revealed.truth, revealed.answer.grade),
        (KoosGrade::III.into(), KoosGrade::II.into())
    );
    assert_eq!(revealed.answer.confidence_percent, 70);
    let record = state.school.record.as_ref().unwrap();
    assert_eq!(
        (record.answers.len(), record.answers[0].case.as_str()),
        (1, "synthetic-secret-IV")
    );
    assert_eq!(state.school.progress.as_ref().unwrap().accuracy, Some(0.0));
    // What is committed stands.
    school(&mut state, SchoolCommand::Choose(id, KoosGrade::III.into()));
    school(&mut state, SchoolCommand::Commit(id));
    assert_eq!(state.school.record.as_ref().unwrap().answers.len(), 1);
}

#[test]
fn the_next_case_is_made_while_the_reader_looks_at_the_truth() {
    let mut state = reader();
    let first = begin(&mut state, "synthetic-1", KoosGrade::II);
    assert!(next_task(&mut state).is_none(), "not before the answer");
    answer(&mut state, first, KoosGrade::II);
    assert!(asked(&mut state));
    ended(&mut state, case("synthetic-2", KoosGrade::I));
    assert_eq!(state.active, Some(first), "the reader still looks");
    school(&mut state, SchoolCommand::Next);
    let second = state.active.unwrap();
    assert!(state.visit(first).is_none() && !shows(&state, second));
    assert_eq!(state.visits.len(), 1);
    assert_eq!(state.school.case().unwrap().number, 2);
}

#[test]
fn a_mistake_comes_back_before_a_new_case_and_under_no_name() {
    let mut state = reader();
    let names = ["synthetic-00000000000000ff-II-4-london", "a", "b", "c", "d"];
    for name in names {
        let id = if state.active.is_none() {
            begin(&mut state, name, KoosGrade::II)
        } else {
            school(&mut state, SchoolCommand::Next);
            ended(&mut state, case(name, KoosGrade::II));
            state.active.unwrap()
        };
        let grade = if name.starts_with('s') {
            KoosGrade::III
        } else {
            KoosGrade::II
        };
        answer(&mut state, id, grade);
        let task = next_task(&mut state);
        let again = matches!(&task, Some(Task::School(super::super::school::Work::Again(c, 1))) if c.to_string() == names[0]);
        assert_eq!(again, name == "d", "{task:?}");
    }
}

#[test]
fn a_models_outlines_of_a_case_give_its_grade_and_are_never_drawn() {
    let mut state = reader();
    let id = begin(&mut state, "synthetic-1", KoosGrade::II);
    let Outcome::Outlined(mut new) = outlines(&state, id, 0) else {
        unreachable!()
    };
    let early = EarlyOutlines {
        visit: id,
        revision: 0,
        parts: Vec::new(),
    };
    let Outcome::Outlined(parts) = outlines(&state, id, 0) else {
        unreachable!()
    };
    let early = EarlyOutlines {
        parts: parts.parts,
        ..early
    };
    apply(&mut state, Command::Work(WorkCommand::Early(early)));
    assert!(!shows(&state, id));
    new.measured.finding.provenance.model = Some(crate::patient::ModelInfo {
        name: "m".to_owned(),
        version: "1".to_owned(),
        sha256: "0".repeat(64),
    });
    ended(&mut state, Outcome::Outlined(new));
    assert!(!shows(&state, id) && state.school.case().unwrap().revealed().is_none());
    answer(&mut state, id, KoosGrade::II);
    let revealed = state.school.case().unwrap().revealed().unwrap();
    assert_eq!(revealed.models.len(), 1);
    assert_eq!(revealed.models[0].name, "m 1's outlines");
    let outlines = state.visit(id).unwrap().outlines.as_ref().unwrap();
    assert!(
        outlines.measured.finding.provenance.model.is_none(),
        "the truth is drawn"
    );
}

#[test]
fn cases_and_patients_are_kept_apart() {
    let (mut state, _) = visits(&[None]);
    state.preferences.reader = "R".to_owned();
    school(&mut state, SchoolCommand::Begin);
    assert!(state.school_obstacle().is_some() && next_task(&mut state).is_none());
    apply(&mut state, Command::Patient(PatientCommand::Close));
    let id = begin(&mut state, "synthetic-1", KoosGrade::II);
    // A scan that is opened takes the case's place.
    ended(&mut state, scan(Some("2020-01-01")));
    assert!(state.visit(id).is_none() && state.school.case().is_none());
    assert!(state.messages.iter().any(|m| m.text.contains("school")));
    // A case that comes late is not shown.
    let real = state.active;
    ended(&mut state, case("synthetic-2", KoosGrade::I));
    assert_eq!((state.active, state.visits.len()), (real, 1));
    assert!(state.school.record.as_ref().unwrap().answers.is_empty());
}

#[test]
fn what_is_stopped_or_fails_can_be_begun_again() {
    let mut state = reader();
    for outcome in [
        Outcome::Cancelled,
        Outcome::School(Done::NoCase("There is none".to_owned())),
    ] {
        school(&mut state, SchoolCommand::Begin);
        assert!(asked(&mut state));
        ended(&mut state, outcome);
        assert!(!state.school.is_waiting());
    }
    school(&mut state, SchoolCommand::Begin);
    apply(&mut state, Command::Work(WorkCommand::Cancel));
    assert!(!state.school.is_waiting());
    begin(&mut state, "synthetic-1", KoosGrade::II);
    school(&mut state, SchoolCommand::Leave);
    assert!(state.visits.is_empty() && state.school.case().is_none());
}

#[test]
fn a_real_visit_is_blind_from_its_opening_and_whatever_comes_while_it_is() {
    let mut state = AppState::default();
    state.preferences.reader = "R".to_owned();
    school(&mut state, SchoolCommand::Blind(true));
    ended(&mut state, scan(Some("2020-01-01")));
    let first = state.active.unwrap();
    let new = outlines(&state, first, 0);
    ended(&mut state, new);
    ended(&mut state, scan(Some("2021-01-01")));
    let second = state.active.unwrap();
    let new = outlines(&state, second, 0);
    ended(&mut state, new);
    assert!(!shows(&state, first) && !shows(&state, second));
    assert!(
        !state
            .work
            .queue
            .iter()
            .any(|t| matches!(t, Task::Assess(_))),
        "no growth either"
    );
    assert!(!state.visit(first).unwrap().placed);
    apply(&mut state, Command::Edit(first, EditCommand::Smooth));
    apply(
        &mut state,
        Command::Edit(first, EditCommand::Accept("R".to_owned())),
    );
    assert!(!shows(&state, first) && state.messages.iter().any(|m| m.text.contains("blind")));
    // Segmented again while it is hidden.
    let revision = state.visit(first).unwrap().revision;
    let again = outlines(&state, first, revision);
    ended(&mut state, again);
    assert!(!shows(&state, first));
    answer(&mut state, first, KoosGrade::IV);
    assert!(shows(&state, first) && !shows(&state, second));
    assert!(state.visit(first).unwrap().placed, "the tumour is gone to");
    let committed = state.school.committed(first).unwrap();
    assert_eq!(
        (committed.grade, committed.truth),
        (KoosGrade::IV.into(), None)
    );
    assert!(committed.case.starts_with("scan-"));
    answer(&mut state, second, KoosGrade::IV);
    assert!(
        state
            .work
            .queue
            .iter()
            .any(|t| matches!(t, Task::Assess(_))),
        "growth is told now"
    );
}

#[test]
fn the_switch_hides_what_is_open_and_brings_it_back_whole() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    let new = outlines(&state, ids[0], 0);
    ended(&mut state, new);
    let before = state
        .visit(ids[0])
        .unwrap()
        .outlines
        .as_ref()
        .unwrap()
        .labels
        .clone();
    school(&mut state, SchoolCommand::Blind(true));
    assert!(!shows(&state, ids[0]) && state.school.is_blind(ids[0]));
    // Without a name nothing is committed.
    answer(&mut state, ids[0], KoosGrade::I);
    assert!(!shows(&state, ids[0]));
    school(&mut state, SchoolCommand::Blind(false));
    let after = &state
        .visit(ids[0])
        .unwrap()
        .outlines
        .as_ref()
        .unwrap()
        .labels;
    assert!(std::sync::Arc::ptr_eq(&before, after));
    assert!(state.school.committed(ids[0]).is_none());
    apply(&mut state, Command::Visit(VisitCommand::Remove(ids[0])));
    assert!(!state.school.is_blind(ids[0]));
    let mark = Mark {
        plane: Plane::Axial,
        points: Vec::new(),
    };
    apply(
        &mut state,
        Command::View(ViewCommand::AddMark(ids[0], mark)),
    );
}

/// Has the disk learn what waits, as the window's thread does.
fn keep(state: &mut AppState, open: &mut Open) {
    for change in std::mem::take(&mut state.changes) {
        if let Some(answer) = open.make(change, &Signature::now(&state.reader())) {
            apply(state, Command::Patient(PatientCommand::Answered(answer)));
        }
    }
}

#[test]
fn a_blind_read_of_a_patient_is_in_the_audit_log_and_in_the_readers_record() {
    let folder = tempfile::tempdir().unwrap();
    let (made, _) = visits(&[None]);
    let path = folder.path().join("scan.nii");
    io::write_volume(&path, &made.visits[0].volume).unwrap();
    let mut state = AppState::default();
    state.preferences.reader = "R. Eader".to_owned();
    state.school.records = Some(folder.path().join("school"));
    apply(&mut state, Command::Work(WorkCommand::Open(path)));
    work(&mut state);
    let mut open = Open::default();
    let patient = folder.path().join("patient");
    apply(
        &mut state,
        Command::Patient(PatientCommand::New(patient.clone())),
    );
    work(&mut state);
    keep(&mut state, &mut open);
    let id = state.visits[0].id;
    school(&mut state, SchoolCommand::Blind(true));
    let new = outlines(&state, id, state.visit(id).unwrap().revision);
    ended(&mut state, new);
    answer(&mut state, id, KoosGrade::III);
    keep(&mut state, &mut open);
    assert!(
        state.messages.iter().all(|m| !m.error),
        "{:?}",
        state.messages
    );
    let log = io::read_audit(&patient).unwrap();
    assert!(log.broken.is_none());
    let graded = log
        .log
        .entries()
        .iter()
        .find(|e| e.action == AuditAction::Graded)
        .unwrap();
    assert_eq!(
        (graded.who.as_str(), graded.details["koos"].as_str()),
        ("R. Eader", "III, 70 % sure")
    );
    assert_eq!(graded.subject, state.visit(id).unwrap().scan_sha256);
    let record = ReaderRecord::open(&folder.path().join("school"), "R. Eader").unwrap();
    assert_eq!(
        record.answers,
        [state.school.committed(id).unwrap().clone()]
    );
    // The patient opens again as it was.
    drop(open);
    let (again, warnings) = io::PatientFolder::open(&patient).unwrap();
    assert!(
        warnings.is_empty() && again.record().visits.len() == 1,
        "{warnings:?}"
    );
}

#[test]
fn answers_are_kept_for_each_reader_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let begun = |folder: &Path, name: &str| {
        let mut state = AppState::default();
        state.school.records = Some(folder.to_owned());
        state.preferences.reader = name.to_owned();
        school(&mut state, SchoolCommand::Open(true));
        work(&mut state);
        state
    };
    for (name, count) in [("A", 2), ("B", 1)] {
        let mut state = begun(folder.path(), name);
        let mut open = Open::default();
        for n in 0..count {
            if n == 0 {
                begin(&mut state, "synthetic-1", KoosGrade::II);
            } else {
                school(&mut state, SchoolCommand::Next);
                ended(&mut state, case("synthetic-2", KoosGrade::II));
            }
            let id = state.active.unwrap();
            answer(&mut state, id, KoosGrade::II);
            assert!(asked(&mut state));
        }
        keep(&mut state, &mut open);
    }
    let state = begun(folder.path(), "A");
    assert_eq!(state.school.record.as_ref().unwrap().answers.len(), 2);
    assert_eq!(state.school.readers, ["A", "B"]);
    let mut state = begun(folder.path(), "A");
    school(&mut state, SchoolCommand::Reader("B".to_owned()));
    work(&mut state);
    assert_eq!(state.school.record.as_ref().unwrap().answers.len(), 1);
    assert_eq!(state.school.progress.as_ref().unwrap().answers, 1);
    school(&mut state, SchoolCommand::Source(Source::Folder));
    assert!(state.school_obstacle().is_some(), "no folder was chosen");
    assert!(!matches!(state.changes.first(), Some(Change::Answered(..))));
}

#[test]
fn a_case_without_a_tumour_that_comes_back_can_be_answered_rightly() {
    use crate::school::Reply;
    let mut state = reader();
    let first = begin(&mut state, "synthetic-1", KoosGrade::II);
    assert!(!state.school.may_be_free(first), "none were asked for");
    answer(&mut state, first, KoosGrade::II);
    // Of another session, in which such cases were asked for.
    let record = state.school.record.as_mut().unwrap();
    let mut missed = record.answers[0].clone();
    missed.truth = Some(Reply::NoTumour);
    record.answers.push(missed);
    // Any case may be free now: the answer that is offered gives nothing away.
    for truth in [Reply::NoTumour, KoosGrade::III.into()] {
        assert!(asked(&mut state));
        let mut made = case("synthetic-2", KoosGrade::III);
        if let Outcome::School(Done::Case(new)) = &mut made {
            new.hidden.truth = truth;
        }
        ended(&mut state, made);
        school(&mut state, SchoolCommand::Next);
        let id = state.active.unwrap();
        assert!(state.school.may_be_free(id), "{truth:?}");
        school(&mut state, SchoolCommand::Choose(id, truth));
        school(&mut state, SchoolCommand::Confide(id, Confidence::Likely));
        school(&mut state, SchoolCommand::Commit(id));
        let revealed = state.school.case().unwrap().revealed().unwrap();
        assert_eq!(revealed.answer.is_right(), Some(true));
    }
}

#[test]
fn the_truth_of_a_case_follows_the_schools_wording_and_none_may_be_answered() {
    use crate::{
        measure::{KoosGeometry, KoosWording},
        school::{ExactTruth, Reply},
    };
    // Pressed in by 3 mm and not displaced.
    let exact = ExactTruth {
        geometry: KoosGeometry {
            volume_mm3: 1500.0,
            extrameatal_mm3: 1200.0,
            protrusion_mm: 14.0,
            contact_mm2: 80.0,
            shift_mm: 0.5,
        },
        gap_mm: 0.0,
        brainstem_shift_mm: 0.5,
        fourth_ventricle_shift_mm: 0.2,
        indentation_mm: 3.0,
        margin: 2.5,
    };
    for (wording, truth) in [
        (KoosWording::Topographic, KoosGrade::III),
        (KoosWording::Compression, KoosGrade::IV),
    ] {
        let mut state = reader();
        school(&mut state, SchoolCommand::Wording(wording));
        school(&mut state, SchoolCommand::Begin);
        assert!(asked(&mut state));
        let mut made = case("synthetic-1", KoosGrade::III);
        if let Outcome::School(Done::Case(new)) = &mut made {
            new.hidden.exact = Some(exact);
        }
        ended(&mut state, made);
        let id = state.active.unwrap();
        assert_eq!(state.koos_wording(id), wording);
        answer(&mut state, id, KoosGrade::III);
        let revealed = state.school.case().unwrap().revealed().unwrap();
        assert_eq!(revealed.truth, truth.into());
        let visit = state.visit(id).unwrap();
        let koos = &visit.outlines.as_ref().unwrap().measured.finding.koos;
        assert!(koos.wording == wording.name() || koos.grade.is_none());
    }
    // A scan without a tumour, answered so.
    let mut state = reader();
    school(&mut state, SchoolCommand::TumourFree(true));
    school(&mut state, SchoolCommand::Begin);
    assert!(asked(&mut state));
    let mut made = case("synthetic-2", KoosGrade::I);
    if let Outcome::School(Done::Case(new)) = &mut made {
        new.hidden.truth = Reply::NoTumour;
    }
    ended(&mut state, made);
    let id = state.active.unwrap();
    assert!(state.school.may_be_free(id));
    school(&mut state, SchoolCommand::Choose(id, Reply::NoTumour));
    school(&mut state, SchoolCommand::Confide(id, Confidence::Likely));
    school(&mut state, SchoolCommand::Commit(id));
    let progress = state.school.progress.as_ref().unwrap();
    assert_eq!(progress.accuracy, Some(1.0));
    assert_eq!(progress.detection.unwrap().called_free, 1);
}
