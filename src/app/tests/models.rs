//! Models of the user's own.
use super::{ended, scan, visits, work};
use crate::app::{AppState, Command, Outcome, Places, Task, WorkCommand, apply};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/nnunet")
        .join(name)
}

fn enqueue(state: &mut AppState, task: Task) {
    apply(state, Command::Work(WorkCommand::Enqueue(task)));
}

#[test]
fn a_model_folder_segments_from_then_on_and_its_results_carry_its_name() {
    let (mut state, ids) = visits(&[None]);
    enqueue(&mut state, Task::ReadModel(folder("plain/model")));
    work(&mut state);
    let name = state.model.as_ref().unwrap().name.clone();
    assert!(!state.messages[0].error && state.messages[0].text.contains(&name));
    apply(&mut state, Command::Work(WorkCommand::Segment(ids[0])));
    work(&mut state);
    let outlines = state.visit(ids[0]).unwrap().outlines.as_ref().unwrap();
    let by = format!("{:?}", outlines.measured.finding.provenance);
    let own = state.model.as_ref().unwrap().segmenter.info();
    assert!(by.contains(&own.sha256), "{by}");
    apply(&mut state, Command::Work(WorkCommand::ShippedModel));
    assert!(state.model.is_none());
}

#[test]
fn a_folder_that_is_dropped_like_a_scan_is_read_as_a_model() {
    let mut state = AppState::default();
    enqueue(
        &mut state,
        Task::Open(folder("plain/model"), Places::default()),
    );
    work(&mut state);
    assert!(state.model.is_some() && state.visits.is_empty());
}

#[test]
fn a_model_that_cannot_be_used_is_refused_in_words_and_the_one_before_stays() {
    let mut state = AppState::default();
    enqueue(&mut state, Task::ReadModel(folder("plain/model")));
    enqueue(&mut state, Task::ReadModel(folder("regions/model")));
    enqueue(&mut state, Task::ReadModel(folder("not there")));
    work(&mut state);
    assert_eq!(state.model.as_ref().unwrap().folder, folder("plain/model"));
    let [_, channels, missing] = &state.messages[..] else {
        panic!("{:?}", state.messages)
    };
    assert!(
        channels.error && channels.text.contains("takes 2"),
        "{channels:?}"
    );
    assert!(
        missing.error && missing.text.contains("not there"),
        "{missing:?}"
    );
}

#[test]
fn the_demo_patient_keeps_the_shipped_model() {
    let mut state = AppState::default();
    enqueue(&mut state, Task::ReadModel(folder("plain/model")));
    work(&mut state);
    let Outcome::Scan(mut new) = scan(Some("2020-01-01")) else {
        unreachable!()
    };
    new.demo = true;
    ended(&mut state, Outcome::Scan(new));
    let queued = state.work.queue.iter();
    assert!(queued.clone().any(|t| matches!(t, Task::Segment(_, None))));
}
