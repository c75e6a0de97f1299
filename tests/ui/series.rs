//! A DICOM folder of several series: listed with pictures, chosen from, opened.
use super::window::window_on;
use egui_kittest::kittest::Queryable as _;
use schwann::{
    app::{AppState, Command, PatientCommand, ScanSource, WorkCommand, apply, next_task},
    volume::unobserved,
};
use std::path::{Path, PathBuf};

fn work(state: &mut AppState) {
    while let Some(task) = next_task(state) {
        let outcome = task.run(&mut unobserved);
        apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/dicom")
        .join(name)
}

fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::copy(golden(name), folder.path().join(name)).unwrap();
    }
    folder
}

#[test]
fn a_folder_of_several_series_asks_which_and_opens_those() {
    let folder = folder(&["oblique.zip", "MR_small.dcm", "MR_truncated.dcm"]);
    let mut state = AppState::default();
    let open = WorkCommand::Open(folder.path().to_owned());
    apply(&mut state, Command::Work(open));
    work(&mut state);
    assert!(state.visits.is_empty());
    let choice = state.series.as_ref().expect("asked");
    assert!(choice.rows.len() >= 2);
    let pictures = choice.rows.iter().filter(|r| r.refusal().is_none());
    assert!(pictures.clone().all(|r| matches!(r.thumbnail, Some(Ok(_)))));
    // One of each patient, by what the list calls it.
    let titles: Vec<(usize, String, bool)> = pictures
        .map(|r| {
            let title = match r.shows() {
                "" => r.series.title(),
                shows => format!("{} ({shows})", r.series.title()),
            };
            (r.patient, title, r.chosen)
        })
        .collect();
    let Some(mut harness) = window_on(state) else {
        return;
    };
    harness.get_by_label("Series of the folder");
    for (_, title, chosen) in &titles {
        if !chosen {
            harness.get_by_label(title).click();
            harness.run_steps(3);
        }
    }
    let different = titles.iter().any(|(patient, ..)| *patient != titles[0].0);
    assert!(different, "the files are of two patients");
    harness.get_by_label_contains("different patients");
    for (patient, title, _) in &titles {
        if *patient != titles[0].0 {
            harness.get_by_label(title).click();
            harness.run_steps(3);
        }
    }
    assert!(
        harness
            .query_by_label_contains("different patients")
            .is_none()
    );
    let ours = titles.iter().filter(|(p, ..)| *p == titles[0].0).count();
    let button = if ours > 1 {
        format!("Open {ours} series")
    } else {
        "Open the series".to_owned()
    };
    harness.get_by_label(&button).click();
    for _ in 0..80 {
        harness.run_steps(1);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let state = harness.state().state();
    assert!(state.series.is_none());
    assert_eq!(state.visits.len(), ours);
}

#[test]
fn one_file_of_a_series_stands_for_the_series_and_a_series_joins_a_patient() {
    let scans = folder(&["MR_small.dcm"]);
    let mut state = AppState::default();
    let open = WorkCommand::Open(scans.path().join("MR_small.dcm"));
    apply(&mut state, Command::Work(open));
    work(&mut state);
    assert_eq!(state.visits.len(), 1, "{:?}", state.messages);
    let source = state.visits[0].source.clone();
    assert!(matches!(source, Some(ScanSource::Series(files)) if files.len() == 1));
    let scanner = state.visits[0].acquisition.clone().unwrap().scanner;
    let sha = state.visits[0].scan_sha256.clone();

    // Written by the keeper's own thread in the window; here by hand.
    let patient = scans.path().join("patient");
    apply(
        &mut state,
        Command::Patient(PatientCommand::New(patient.clone())),
    );
    work(&mut state);
    let mut opened = None;
    for change in std::mem::take(&mut state.changes) {
        if let schwann::app::Change::Open(folder, _) = change {
            opened = Some(folder);
        } else if let schwann::app::Change::Add {
            source: ScanSource::Series(files),
            facts,
            date,
            ..
        } = change
        {
            let new = schwann::io::NewVisit {
                files: schwann::io::ScanFiles::Series(&files),
                facts: *facts,
                date,
            };
            let by = schwann::patient::Signature::now("R. Eader");
            let folder: &mut schwann::io::PatientFolder = opened.as_mut().unwrap();
            folder.add_visit(new, &by, &mut unobserved).unwrap();
        }
    }
    drop(opened);
    let mut again = AppState::default();
    apply(&mut again, Command::Work(WorkCommand::Open(patient)));
    work(&mut again);
    assert_eq!(again.visits.len(), 1, "{:?}", again.messages);
    assert_eq!(again.visits[0].scan_sha256, sha);
    assert_eq!(
        again.visits[0].acquisition.clone().unwrap().scanner,
        scanner
    );
    assert!(!matches!(again.messages.last(), Some(m) if m.error));
}
