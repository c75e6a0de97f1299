//! A patient's folder: what is kept there, and that it comes back.
use super::{edits::stroke, ended, outlines, view, visits, work};
use crate::{
    app::{
        AppState, ByHand, Change, Command, EditCommand, Kept, KoosCommand, Mark, PatientCommand,
        Places, PorusShift, SchoolCommand, Task, ViewCommand, VisitCommand, VisitId, WorkCommand,
        apply,
        keeper::{Answer, Open},
    },
    io,
    measure::{KoosWording, Plane},
    patient::{Outline, PatientFacts, ReviewState, Signature, Treatment, TreatmentKind},
    volume::{Sequence, unobserved},
};
use glam::DVec3;
use serde_json::Value;
use std::path::Path;

/// Has the folder make what waits, as the window's thread does.
pub(super) fn keep(state: &mut AppState, open: &mut Open) {
    for change in std::mem::take(&mut state.changes) {
        if let Some(answer) = open.make(change, &Signature::now(&state.reader())) {
            apply(state, Command::Patient(PatientCommand::Answered(answer)));
        }
    }
}

fn ask(state: &mut AppState, command: PatientCommand) {
    apply(state, Command::Patient(command));
}

fn edit(state: &mut AppState, id: VisitId, command: EditCommand) {
    apply(state, Command::Edit(id, command));
}

/// A state with a scan from a file, and a new patient in the folder `patient` beside it that keeps the scan.
pub(super) fn begun(folder: &Path) -> (AppState, Open, VisitId) {
    let (made, _) = visits(&[None]);
    let scan = folder.join("Doe^Jane 2021-03-04.nii.gz");
    io::write_volume(&scan, &made.visits[0].volume).unwrap();
    let mut state = AppState::default();
    state.preferences.reader = "R. Eader".to_owned();
    apply(&mut state, Command::Work(WorkCommand::Open(scan)));
    work(&mut state);
    let mut open = Open::default();
    ask(&mut state, PatientCommand::New(folder.join("patient")));
    work(&mut state);
    keep(&mut state, &mut open);
    let id = state.visits[0].id;
    assert_eq!(
        state.visits[0].kept,
        Kept::Yes(None),
        "{:?}",
        state.messages
    );
    (state, open, id)
}

/// The folder in a new window.
pub(super) fn reopened(folder: &Path) -> (AppState, Open) {
    let mut state = AppState::default();
    let task = Task::Open(folder.join("patient"), Places::default());
    apply(&mut state, Command::Work(WorkCommand::Enqueue(task)));
    work(&mut state);
    let mut open = Open::default();
    keep(&mut state, &mut open);
    (state, open)
}

/// Every file in a folder and in the folders of it.
fn everything(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                everything(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn look_at_all(state: &mut AppState, id: VisitId) {
    let visit = state.visit(id).unwrap();
    let unseen = visit
        .outlines
        .as_ref()
        .unwrap()
        .unseen_slices(&visit.planes[0]);
    for slice in unseen {
        edit(state, id, EditCommand::Seen(slice));
    }
}

#[test]
fn what_was_accepted_and_by_whom_comes_back_locked_and_the_log_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    let draft = outlines(&state, id, 0);
    ended(&mut state, draft);
    keep(&mut state, &mut open);
    let revision = state.visits[0].revision;
    assert_eq!(
        state.visits[0].kept,
        Kept::Yes(Some(revision)),
        "a draft is saved at once"
    );
    apply(
        &mut state,
        Command::Visit(VisitCommand::SetSequence(id, Sequence::HrT2)),
    );
    work(&mut state);
    let mark = Mark {
        plane: Plane::Coronal,
        points: vec![DVec3::new(1.0, 2.0, 3.0), DVec3::new(4.0, 2.0, 7.0)],
    };
    view(&mut state, ViewCommand::AddMark(id, mark.clone()));
    view(&mut state, ViewCommand::KeepImage(id, Plane::Axial));
    let facts = PatientFacts {
        name: Some("the one from Tuesday".to_owned()),
        treatments: vec![Treatment {
            day: "2020-01-02".parse().unwrap(),
            kind: TreatmentKind::Radiosurgery,
        }],
        ..PatientFacts::default()
    };
    ask(&mut state, PatientCommand::Facts(facts.clone()));
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    keep(&mut state, &mut open);
    assert!(
        state.messages.iter().all(|m| !m.error),
        "{:?}",
        state.messages
    );
    let said = state.visits[0]
        .outlines
        .as_ref()
        .unwrap()
        .edits
        .reviewed
        .clone();
    let labels = state.visits[0].outlines.as_ref().unwrap().labels.clone();
    drop(open);

    let (back, _open) = reopened(folder.path());
    let visit = &back.visits[0];
    let there = visit.outlines.as_ref().unwrap();
    assert_eq!(there.edits.reviewed, said);
    assert!(there.is_locked());
    assert_eq!(there.labels.labels(), labels.labels());
    assert!(there.unseen_slices(&visit.planes[0]).is_empty());
    assert_eq!(visit.kept, Kept::Yes(Some(visit.revision)));
    assert_eq!(visit.date, Some("2021-03-04".parse().unwrap()));
    assert!(visit.date_from_name, "nobody has confirmed the day");
    assert_eq!(visit.sequence, Sequence::HrT2);
    assert_eq!(visit.marks, [mark]);
    assert_eq!(visit.key_images.len(), 1);
    assert_eq!(back.facts, facts);
    let patient = folder.path().join("patient");
    let log = io::read_audit(&patient).unwrap();
    assert!(log.warnings.is_empty(), "{:?}", log.warnings);
    assert!(
        log.broken.is_none() && log.log.entries().len() >= 6,
        "{log:?}"
    );
    // The file's name, which may be the patient's, is nowhere.
    for entry in everything(&patient) {
        assert!(!entry.to_string_lossy().contains("Doe"), "{entry:?}");
        if entry
            .extension()
            .is_some_and(|e| e.to_string_lossy().starts_with("json"))
        {
            let text = std::fs::read_to_string(&entry).unwrap();
            assert!(!text.contains("Doe"), "{entry:?}");
        }
    }
}

/// A patient whose model's outlines were looked at and accepted; the folder has not been told yet.
fn accepted(folder: &Path) -> (AppState, Open, VisitId) {
    let (mut state, open, id) = begun(folder);
    let draft = outlines(&state, id, 0);
    ended(&mut state, draft);
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    (state, open, id)
}

#[test]
fn an_edit_of_what_was_accepted_is_the_next_version() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = accepted(folder.path());
    edit(&mut state, id, EditCommand::Reopen);
    let step = EditCommand::Stroke {
        plane: Plane::Axial,
        from: DVec3::new(-4.0, 6.0, 2.0),
        to: DVec3::new(4.0, 6.0, 2.0),
        erase: false,
    };
    edit(&mut state, id, step);
    edit(&mut state, id, EditCommand::EndStroke);
    work(&mut state);
    assert_ne!(
        state.visits[0].kept,
        Kept::Yes(Some(state.visits[0].revision))
    );
    ask(&mut state, PatientCommand::Save(id));
    keep(&mut state, &mut open);
    assert!(
        state.messages.iter().all(|m| !m.error),
        "{:?}",
        state.messages
    );
    let edited = state.visits[0].outlines.as_ref().unwrap().labels.clone();
    drop(open);
    let (read, _) = io::PatientFolder::open_to_read(&folder.path().join("patient")).unwrap();
    let visit = &read.record().visits[0];
    let states: Vec<ReviewState> = visit.versions.iter().map(|v| v.review.state()).collect();
    assert_eq!(
        states,
        [ReviewState::Accepted, ReviewState::Edited],
        "{:?}",
        visit.versions
    );
    let (back, _open) = reopened(folder.path());
    let there = back.visits[0].outlines.as_ref().unwrap();
    assert_eq!(there.labels.labels(), edited.labels());
    assert_eq!(there.measured.finding.provenance.state, ReviewState::Edited);
}

#[test]
fn cancel_leaves_the_visits_that_are_still_to_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    drop(begun(folder.path()));
    let mut state = AppState::default();
    let task = Task::Open(folder.path().join("patient"), Places::default());
    let outcome = task.run(&mut unobserved);
    ended(&mut state, outcome);
    assert!(state.visits.is_empty());
    apply(&mut state, Command::Work(WorkCommand::Cancel));
    work(&mut state);
    assert_eq!(state.visits.len(), 1, "{:?}", state.messages);
}

#[test]
fn a_second_window_may_look_and_says_why_it_may_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let (_first, _open, _) = begun(folder.path());
    let (mut second, mut open) = reopened(folder.path());
    let why = second.patient.as_ref().unwrap().read_only.clone().unwrap();
    assert!(why.contains("another Schwann"), "{why}");
    assert_eq!(second.visits.len(), 1);
    let id = second.visits[0].id;
    ask(&mut second, PatientCommand::Save(id));
    ask(
        &mut second,
        PatientCommand::Facts(PatientFacts {
            name: Some("x".to_owned()),
            ..PatientFacts::default()
        }),
    );
    assert!(second.changes.is_empty(), "{:?}", second.changes);
    let told = second.messages.last().unwrap();
    assert!(told.error && told.text.contains("not saved"), "{told:?}");
    keep(&mut second, &mut open);
}

#[test]
fn outlines_that_cannot_be_written_stay_in_memory_and_the_user_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    // As when a network drive vanishes.
    std::fs::remove_dir_all(folder.path().join("patient/labels")).unwrap();
    std::fs::write(folder.path().join("patient/labels"), b"").unwrap();
    let draft = outlines(&state, id, 0);
    ended(&mut state, draft);
    keep(&mut state, &mut open);
    let told = state.messages.last().unwrap();
    assert!(
        told.error && told.text.contains("in memory only"),
        "{told:?}"
    );
    assert_eq!(state.visits[0].kept, Kept::Yes(None));
    assert!(state.visits[0].outlines.is_some());
    ask(&mut state, PatientCommand::Close);
    assert!(state.visits.is_empty() && state.patient.is_none());
    let nowhere = folder.path().join("patient/labels");
    ask(&mut state, PatientCommand::New(nowhere));
    work(&mut state);
    assert!(state.messages.last().unwrap().error);
}

#[test]
fn numbers_at_a_moved_porus_plane_come_back_at_that_plane() {
    let folder = tempfile::tempdir().unwrap();
    let patient = crate::phantom::demo::patient().unwrap();
    let made = crate::phantom::demo::scan(&patient, 0, &mut unobserved).unwrap();
    io::write_volume(&folder.path().join("scan.nii"), &made.volume).unwrap();
    let labels = folder.path().join("labels.nii");
    io::write_labels(&labels, &made.labels).unwrap();
    let mut state = AppState::default();
    let scan = folder.path().join("scan.nii");
    apply(&mut state, Command::Work(WorkCommand::Open(scan)));
    work(&mut state);
    let (mut open, id) = (Open::default(), state.visits[0].id);
    ask(
        &mut state,
        PatientCommand::New(folder.path().join("patient")),
    );
    work(&mut state);
    keep(&mut state, &mut open);
    let look = Task::LabelValues(id, labels);
    apply(&mut state, Command::Work(WorkCommand::Enqueue(look)));
    work(&mut state);
    let read = crate::app::MeaningCommand::Read;
    apply(&mut state, Command::Work(WorkCommand::Meaning(read)));
    work(&mut state);
    let outside = |state: &AppState| {
        let finding = &state.visits[0].outlines.as_ref().unwrap().measured.finding;
        let measures = finding.tumour.as_ref().unwrap().measures.unwrap();
        measures.volumes.extrameatal.unwrap().volume_mm3
    };
    let found = outside(&state);
    let shift = PorusShift {
        offset_mm: 2.5,
        ..Default::default()
    };
    edit(&mut state, id, EditCommand::MovePorus(shift));
    let moved = outside(&state);
    assert!(
        moved < found - 20.0,
        "towards the angle less lies beyond it: {moved} of {found}"
    );
    edit(&mut state, id, EditCommand::Measure);
    work(&mut state);
    assert!(
        (outside(&state) - moved).abs() < 1e-9,
        "measuring again leaves the plane moved"
    );
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    keep(&mut state, &mut open);
    drop(open);
    let (back, _open) = reopened(folder.path());
    assert!((outside(&back) - moved).abs() < 1e-9);
    assert_eq!(
        back.visits[0].outlines.as_ref().unwrap().by_hand.porus,
        shift
    );
}

/// The results that the folder has with the outlines that count.
fn stored(folder: &Path) -> Option<Value> {
    let (read, _) = io::PatientFolder::open_to_read(&folder.join("patient")).unwrap();
    let visit = &read.record().visits[0];
    let version = visit.current().unwrap().version;
    read.read_results(&visit.id, version).unwrap()
}

/// What the window shows of the first visit.
fn shown(state: &AppState) -> Value {
    let outlines = state.visits[0].outlines.as_ref().unwrap();
    serde_json::to_value(&outlines.measured.finding).unwrap()
}

#[test]
fn the_folder_has_with_an_accepted_version_the_results_that_were_measured_last() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    let kept = || stored(folder.path());
    // Saved while it is being measured: the numbers follow.
    stroke(&mut state, id, 0.0, false);
    ask(&mut state, PatientCommand::Save(id));
    keep(&mut state, &mut open);
    assert_eq!(kept(), None, "numbers of labels that have changed");
    work(&mut state);
    keep(&mut state, &mut open);
    assert_eq!(kept(), Some(shown(&state)));
    // What is accepted is what is shown, told as accepted.
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    keep(&mut state, &mut open);
    assert_eq!(kept(), Some(shown(&state)));
    let said = kept().unwrap()["provenance"]["state"].clone();
    assert_eq!(said, Value::from("accepted"));
    // The wording, and then the sequence, is told afterwards.
    let wording = KoosWording::Compression;
    apply(&mut state, Command::Koos(KoosCommand::Wording(wording)));
    keep(&mut state, &mut open);
    let words = |state: &AppState| {
        let finding = &state.visits[0].outlines.as_ref().unwrap().measured.finding;
        finding.koos.wording
    };
    assert_eq!(words(&state), wording.name());
    assert_eq!(kept(), Some(shown(&state)));
    let before = kept();
    apply(
        &mut state,
        Command::Visit(VisitCommand::SetSequence(id, Sequence::CeT1)),
    );
    work(&mut state);
    keep(&mut state, &mut open);
    assert_eq!(kept(), Some(shown(&state)));
    assert_eq!(words(&state), wording.name());
    assert_eq!(
        before.unwrap()["provenance"]["state"],
        kept().unwrap()["provenance"]["state"]
    );
    // The version stays the accepted one, and a new one has results from its beginning.
    edit(&mut state, id, EditCommand::Reopen);
    keep(&mut state, &mut open);
    assert_eq!(kept(), Some(shown(&state)));
    assert!(
        state.messages.iter().all(|m| !m.error),
        "{:?}",
        state.messages
    );
    drop(open);
    let (read, _) = io::PatientFolder::open(&folder.path().join("patient")).unwrap();
    let versions = read.record().visits[0].versions.iter();
    let states: Vec<ReviewState> = versions.map(|v| v.review.state()).collect();
    assert_eq!(states, [ReviewState::Accepted, ReviewState::Edited]);
    assert_eq!(read.verify(&mut unobserved).unwrap(), []);
}

#[test]
fn a_plane_that_is_moved_while_the_folder_writes_is_not_taken_for_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    stroke(&mut state, id, 0.0, false);
    work(&mut state);
    ask(&mut state, PatientCommand::Save(id));
    let porus = PorusShift {
        offset_mm: 1.5,
        ..PorusShift::default()
    };
    edit(&mut state, id, EditCommand::MovePorus(porus));
    keep(&mut state, &mut open);
    assert_eq!(state.visits[0].kept, Kept::Yes(None), "not saved yet");
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    keep(&mut state, &mut open);
    let set = stored(folder.path()).as_ref().and_then(ByHand::of_results);
    assert_eq!(set.map(|set| set.porus), Some(porus));
}

#[test]
fn accepted_outlines_that_must_be_saved_again_are_still_those_that_came_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    let imported = outlines(&state, id, 0);
    ended(&mut state, imported);
    keep(&mut state, &mut open);
    look_at_all(&mut state, id);
    edit(&mut state, id, EditCommand::Accept("R. Eader".to_owned()));
    keep(&mut state, &mut open);
    // As after a folder that could not be written.
    state.visit_mut(id).unwrap().kept = Kept::Yes(None);
    ask(&mut state, PatientCommand::Save(id));
    keep(&mut state, &mut open);
    drop(open);
    let (read, _) = io::PatientFolder::open_to_read(&folder.path().join("patient")).unwrap();
    let version = read.record().visits[0].current().unwrap();
    assert_eq!(version.outline, Outline::Imported);
    assert_eq!(version.review.state(), ReviewState::Accepted);
}

#[test]
fn a_plane_is_in_the_folder_though_the_window_is_closed_before_the_outlines_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = begun(folder.path());
    stroke(&mut state, id, 0.0, false);
    work(&mut state);
    let porus = PorusShift {
        offset_mm: 1.5,
        ..PorusShift::default()
    };
    edit(&mut state, id, EditCommand::MovePorus(porus));
    edit(&mut state, id, EditCommand::EndMove);
    stroke(&mut state, id, 6.0, false);
    ask(&mut state, PatientCommand::Save(id));
    keep(&mut state, &mut open);
    drop(open);
    let set = stored(folder.path()).as_ref().and_then(ByHand::of_results);
    assert_eq!(set.map(|set| set.porus), Some(porus));
    let (back, _open) = reopened(folder.path());
    let outlines = back.visits[0].outlines.as_ref().unwrap();
    assert_eq!(outlines.by_hand.porus, porus);
}

#[test]
fn results_of_a_version_that_could_not_begin_do_not_fall_on_the_accepted_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, mut open, id) = accepted(folder.path());
    keep(&mut state, &mut open);
    let accepted = stored(folder.path());
    edit(&mut state, id, EditCommand::Reopen);
    // For a moment the record cannot be written.
    let next = folder.path().join("patient/patient.json.next");
    std::fs::create_dir(&next).unwrap();
    let by = Signature::now("R. Eader");
    let mut answers = Vec::new();
    for change in std::mem::take(&mut state.changes) {
        answers.extend(open.make(change, &by));
        if next.is_dir() {
            std::fs::remove_dir(&next).unwrap();
        }
    }
    let told = matches!(answers.as_slice(), [Answer::NotSaved(..)]);
    assert!(told, "{answers:?}");
    assert_eq!(stored(folder.path()), accepted);
    // Saved again, it is the next version.
    for answer in answers {
        ask(&mut state, PatientCommand::Answered(answer));
    }
    ask(&mut state, PatientCommand::Save(id));
    keep(&mut state, &mut open);
    assert_eq!(stored(folder.path()), Some(shown(&state)));
    drop(open);
    let (read, _) = io::PatientFolder::open_to_read(&folder.path().join("patient")).unwrap();
    let versions = read.record().visits[0].versions.iter();
    let states: Vec<ReviewState> = versions.map(|v| v.review.state()).collect();
    assert_eq!(states, [ReviewState::Accepted, ReviewState::Edited]);
}

#[test]
fn the_folder_has_the_results_of_a_blind_read_that_were_measured_while_its_scan_was_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (made, _) = visits(&[None]);
    let scan = folder.path().join("scan.nii.gz");
    io::write_volume(&scan, &made.visits[0].volume).unwrap();
    let mut state = AppState::default();
    let blind = |on: bool| Command::School(SchoolCommand::Blind(on));
    apply(&mut state, blind(true));
    open_path(&mut state, &scan);
    let new = PatientCommand::New(folder.path().join("patient"));
    ask(&mut state, new);
    work(&mut state);
    let id = state.visits[0].id;
    assert_eq!(state.visits[0].kept, Kept::Adding);
    let draft = outlines(&state, id, 0);
    ended(&mut state, draft);
    let sequence = VisitCommand::SetSequence(id, Sequence::HrT2);
    apply(&mut state, Command::Visit(sequence));
    work(&mut state);
    let mut open = Open::default();
    // The scan and the outlines, then what was measured on them since.
    for _ in 0..2 {
        keep(&mut state, &mut open);
    }
    apply(&mut state, blind(false));
    assert_eq!(stored(folder.path()), Some(shown(&state)));
}

fn open_path(state: &mut AppState, path: &Path) {
    apply(state, Command::Work(WorkCommand::Open(path.to_owned())));
    work(state);
}

/// A patient in the folder `patient`, begun while a golden scan was open.
fn begun_with(folder: &Path, name: &str) -> AppState {
    let scans = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
    let (mut state, scan) = (AppState::default(), folder.join(name));
    std::fs::copy(scans.join(name), &scan).unwrap();
    open_path(&mut state, &scan);
    assert_eq!(state.visits.len(), 1, "{:?}", state.messages);
    let new = PatientCommand::New(folder.join("patient"));
    ask(&mut state, new);
    work(&mut state);
    assert!(state.patient.is_some(), "{:?}", state.messages);
    state
}

#[test]
fn the_open_patient_that_is_opened_again_is_not_locked_against_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = begun_with(folder.path(), "MR_small.dcm");
    // The folder is locked as long as its change waits here.
    let waiting = state.changes.len();
    open_path(&mut state, &folder.path().join("patient/scans/.."));
    assert_eq!(state.patient.as_ref().unwrap().read_only, None);
    assert_eq!((state.visits.len(), state.changes.len()), (1, waiting));
    let told = state.messages.last().unwrap();
    assert!(
        !told.error && told.text.contains("open already"),
        "{told:?}"
    );
}

#[test]
fn a_scan_inside_a_zip_archive_is_not_kept_and_the_user_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = begun_with(folder.path(), "oblique.zip");
    let id = state.visits[0].id;
    for asked in 1..=2 {
        let told = state.messages.iter().filter(|m| m.error);
        let told = told.filter(|m| m.text.contains("inside a zip archive"));
        assert_eq!(told.count(), asked, "{:?}", state.messages);
        assert_eq!(state.visits[0].kept, Kept::No);
        ask(&mut state, PatientCommand::Add(id));
    }
    let adds = |change: &Change| matches!(change, Change::Add { .. });
    assert!(!state.changes.iter().any(adds));
}
