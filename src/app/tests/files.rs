//! Opening scans, folders and outlines of other tools.
use super::{visits, work};
use crate::{
    app::{AppState, Command, MeaningCommand, Outcome, Places, Scheme, Task, WorkCommand, apply},
    io,
    volume::{LabelMap, LabelTable, Structure, Volume, Voxels, unobserved},
};
use std::path::Path;

fn ask(state: &mut AppState, command: WorkCommand) {
    apply(state, Command::Work(command));
}

/// Writes a scan of the state's first visit.
fn write_scan(state: &AppState, path: &Path) {
    io::write_volume(path, &state.visits[0].volume).unwrap();
}

#[test]
fn a_folder_opens_its_scans_and_they_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _) = visits(&[None]);
    for name in [
        "2020-01-02.nii.gz",
        "2021-03-04.nii",
        "2021-03-04_Label.nii",
    ] {
        write_scan(&state, &folder.path().join(name));
    }
    let mut state = AppState {
        recent_file: Some(folder.path().join("kept/recent.json")),
        ..AppState::default()
    };
    ask(&mut state, WorkCommand::Open(folder.path().to_owned()));
    work(&mut state);
    let dates: Vec<String> = state
        .visits
        .iter()
        .map(|v| v.date.unwrap().to_string())
        .collect();
    assert_eq!(dates, ["2020-01-02", "2021-03-04"]);
    let names: Vec<_> = state.recent.iter().filter_map(|p| p.file_name()).collect();
    assert_eq!(names, ["2021-03-04.nii", "2020-01-02.nii.gz"]);
    ask(&mut state, WorkCommand::ForgetRecent);
    work(&mut state);
    assert!(state.recent.is_empty());
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    ask(&mut state, WorkCommand::Open(empty));
    work(&mut state);
    let told = state.messages.last().unwrap();
    assert!(
        told.error && told.text.contains("no NIfTI scan"),
        "{told:?}"
    );
}

#[test]
fn outlines_of_another_tool_wait_until_their_values_have_a_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    let grid = *state.visits[0].volume.grid();
    // crossMoDA 2023: two values are the tumour, and the third is the cochlea.
    let mut values = vec![0_i16; grid.len()];
    values[100..104].fill(1);
    values[104..107].fill(2);
    values[300..302].fill(3);
    values[400] = 900;
    let path = folder.path().join("map.nii.gz");
    let map = Volume::new(grid, Voxels::I16(values), 1.0, 0.0).unwrap();
    io::write_volume(&path, &map).unwrap();
    ask(
        &mut state,
        WorkCommand::Enqueue(Task::LabelValues(ids[0], path)),
    );
    work(&mut state);
    assert!(state.visits[0].outlines.is_none(), "nothing is guessed");
    let values = &state.meaning.as_ref().unwrap().values;
    let found: Vec<(i64, usize)> = values.iter().map(|(v, _)| (v.value, v.voxels)).collect();
    assert_eq!(found, [(1, 4), (2, 3), (3, 2), (900, 1)]);
    let say = |state: &mut AppState, command| ask(state, WorkCommand::Meaning(command));
    say(&mut state, MeaningCommand::Follow(Scheme::CrossModa2023));
    say(
        &mut state,
        MeaningCommand::Set(900, Some(Structure::Brainstem)),
    );
    say(&mut state, MeaningCommand::Read);
    assert!(state.meaning.is_none());
    work(&mut state);
    let outlines = state.visits[0].outlines.as_ref().unwrap();
    let count = |structure| outlines.labels.count(structure);
    assert_eq!(count(Structure::VestibularSchwannoma), 7);
    assert_eq!(count(Structure::Cochlea), 2);
    assert_eq!(count(Structure::Brainstem), 1);
}

#[test]
fn a_file_without_a_meaning_or_of_another_scan_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    let grid = *state.visits[0].volume.grid();
    let path = folder.path().join("map.nii.gz");
    let empty = LabelMap::new(grid, vec![0; grid.len()], LabelTable::default()).unwrap();
    io::write_labels(&path, &empty).unwrap();
    let look = WorkCommand::Enqueue(Task::LabelValues(ids[0], path));
    ask(&mut state, look);
    work(&mut state);
    ask(&mut state, WorkCommand::Meaning(MeaningCommand::Read));
    assert!(state.meaning.is_some(), "there is nothing to read");
    ask(&mut state, WorkCommand::Meaning(MeaningCommand::Leave));
    assert!(state.meaning.is_none() && state.visits[0].outlines.is_none());
    // A scan is no label map.
    let scan = folder.path().join("scan.nii.gz");
    write_scan(&state, &scan);
    let refused = Task::LabelValues(ids[0], scan).run(&mut unobserved);
    let words = "a scan of 500 values is within a label map's 512";
    assert!(matches!(refused, Outcome::Values(_)), "{words}");
    let nothing = Task::Open(folder.path().join("none.nii"), Places::default());
    assert!(matches!(nothing.run(&mut unobserved), Outcome::Failed(_)));
}

/// A folder with one DICOM series is opened.
fn with_a_dicom_series() -> AppState {
    let mut state = AppState::default();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/MR_small.dcm");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden, folder.path().join("IM0001")).unwrap();
    ask(&mut state, WorkCommand::Open(folder.path().to_owned()));
    work(&mut state);
    state
}

#[test]
fn a_folder_with_a_dicom_series_opens_under_its_studys_day() {
    let state = with_a_dicom_series();
    let visit = &state.visits[0];
    assert_eq!(
        visit.date,
        Some("2004-08-26".parse().unwrap()),
        "{:?}",
        state.messages
    );
    assert!(!visit.date_from_name);
    assert_eq!(visit.volume.grid().shape(), [64, 64, 1]);
}

#[test]
fn what_a_dicom_series_warns_of_is_told_once() {
    let state = with_a_dicom_series();
    let told = &state.visits[0].warnings;
    assert!(!told.is_empty());
    for (n, warning) in told.iter().enumerate() {
        assert!(!told[..n].contains(warning), "{told:?}");
    }
}
