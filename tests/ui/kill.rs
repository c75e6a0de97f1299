//! The window is killed while somebody paints; the next one offers the work back.
use super::{
    tools::drag,
    window::{centre, scan, window_on},
};
use egui::{Key, Vec2};
use schwann::{
    app::{AppState, Command, EditCommand, Outcome, Places, Task, WorkCommand, apply, next_task},
    io,
    volume::{LabelMap, unobserved},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    time::{Duration, Instant},
};

/// Set in the process that paints until it is killed: the folder with the scan and the journals.
const FOLDER: &str = "SCHWANN_TEST_PAINT_IN";
/// What is older than this when the process is killed must come back.
const KEPT_AFTER: Duration = Duration::from_secs(1);

fn journals(folder: &Path) -> PathBuf {
    folder.join("journals")
}

/// A state with the folder's scan open.
fn opened(folder: &Path) -> AppState {
    let mut state = AppState::default();
    state.journals = Some(journals(folder));
    let places = Places {
        journals: Some(journals(folder)),
        recent: None,
    };
    let outcome = Task::Open(folder.join("scan.nii"), places).run(&mut unobserved);
    assert!(matches!(outcome, Outcome::Scan(_)), "{outcome:?}");
    apply(&mut state, Command::Work(WorkCommand::Ended(Some(outcome))));
    state
}

/// Voxels of a label map that are labelled. Painting over nothing but background, each stroke keeps all that was painted before: more voxels are later work.
fn painted(labels: &LabelMap) -> usize {
    labels.labels().iter().filter(|l| **l > 0).count()
}

/// Not a test of its own: paints in a window and says after each frame what the labels are, until it is killed.
#[test]
fn painter() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let Some(mut harness) = window_on(opened(&folder)) else {
        println!("no adapter");
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.key_press(Key::B);
    harness.run_steps(2);
    let begun = Instant::now();
    let mut said = None;
    for n in 0_u16.. {
        let from = at
            + Vec2::new(
                f32::from(n * 37 % 160) - 80.0,
                f32::from(n * 61 % 120) - 60.0,
            );
        drag(&mut harness, from, Vec2::new(30.0, f32::from(n % 7) * 4.0));
        let visit = harness.state().state().active_visit().unwrap();
        let now = visit.outlines.as_ref().map(|o| painted(&o.labels));
        if let Some(now) = now.filter(|now| said != Some(*now)) {
            said = Some(now);
            println!("labels {now}");
            std::io::stdout().flush().unwrap();
        }
        if begun.elapsed() > Duration::from_mins(1) {
            return;
        }
    }
}

/// Lets a process paint and kills it; what it had painted when, in its own words.
fn painted_and_killed(folder: &Path, after: Duration) -> Option<(Vec<(Instant, usize)>, Instant)> {
    let mut process = Process::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::painter",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(process.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::sync_channel(10_000);
    let read = move || {
        for line in out.lines().map_while(Result::ok) {
            if sender.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    };
    let reader = std::thread::Builder::new().name("painter's words".to_owned());
    drop(reader.spawn(read).unwrap());
    let mut said = Vec::new();
    let mut kill_at = None;
    loop {
        let wait = kill_at.map_or(Duration::from_mins(1), |at: Instant| {
            at.saturating_duration_since(Instant::now())
        });
        match receiver.recv_timeout(wait) {
            Ok((when, line)) => {
                if line.contains("no adapter") {
                    drop(process.wait());
                    return None;
                }
                // The test harness may write on the same line.
                if let Some(value) = line
                    .rsplit_once("labels ")
                    .and_then(|(_, v)| v.parse().ok())
                {
                    said.push((when, value));
                    kill_at.get_or_insert(when + after);
                }
            }
            Err(_) => break,
        }
        if kill_at.is_some_and(|at| Instant::now() >= at) {
            break;
        }
    }
    let killed = Instant::now();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!said.is_empty(), "nothing was painted in a minute");
    Some((said, killed))
}

#[test]
fn what_was_painted_a_second_before_a_kill_is_offered_again() {
    for (round, millis) in [700, 1900, 3100].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        io::write_volume(&folder.path().join("scan.nii"), &scan(None).volume).unwrap();
        let after = Duration::from_millis(millis);
        let Some((said, killed)) = painted_and_killed(folder.path(), after) else {
            return;
        };
        let mut state = opened(folder.path());
        let old = said.iter().filter(|(when, _)| killed - *when > KEPT_AFTER);
        let due = old.map(|(_, voxels)| *voxels).max().unwrap_or(0);
        if state.visits[0].left.is_none() {
            assert_eq!(due, 0, "round {round}: nothing is offered");
            continue;
        }
        let back = Command::Edit(state.visits[0].id, EditCommand::BringBack);
        apply(&mut state, back);
        while let Some(task) = next_task(&mut state) {
            let outcome = task.run(&mut unobserved);
            apply(&mut state, Command::Work(WorkCommand::Ended(Some(outcome))));
        }
        let outlines = state.visits[0].outlines.as_ref().unwrap();
        let found = painted(&outlines.labels);
        assert!(
            found >= due,
            "round {round}: {found} voxels, {due} were due"
        );
    }
}
