//! The report that the window saves.
use glam::DVec3;
use schwann::{
    app::{
        AppState, Command, NewOutlines, NewScan, Outcome, Preset, Task, WorkCommand, apply,
        next_task,
        report::{self, DEMO_LABEL, assessment_path, csv_path, paragraph_path},
    },
    measure,
    patient::{Outline, ScanOrigin, TreatmentDays, Visit},
    volume::{Grid, LabelMap, LabelTable, Progress, Sequence, Volume, Voxels, unobserved},
};
use std::{ops::ControlFlow, path::Path};

fn ended(state: &mut AppState, outcome: Outcome) {
    apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
}

/// A head of blobs and a tumour of `size` voxels an edge.
fn add(state: &mut AppState, date: &str, size: usize, demo: bool) {
    let grid = Grid::axis_aligned([40, 44, 24], [1.5, 1.5, 2.0], DVec3::splat(-30.0)).unwrap();
    let wave = |v: [usize; 3]| {
        let [x, y, z] = v.map(|n| n as f64);
        500.0 + 200.0 * (x * 0.31).sin() + 150.0 * (y * 0.23).cos() + 120.0 * (z * 0.4).sin()
    };
    let voxels = (0..grid.len())
        .map(|n| wave(grid.voxel(n)) as i16)
        .collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
    ended(
        state,
        Outcome::Scan(Box::new(NewScan {
            origin: "synthetic scan".to_owned(),
            date: Some(date.parse().unwrap()),
            date_from_name: false,
            windows: Preset::windows(&volume),
            volume,
            sequence: Sequence::HrT2,
            acquisition: None,
            ghosting: None,
            scan_sha256: format!("{date:0>64}"),
            warnings: Vec::new(),
            left: None,
            recent: None,
            source: None,
            series: None,
            demo,
        })),
    );
    let id = state.visits.last().unwrap().id;
    let inside = |v: [usize; 3]| v.iter().all(|&n| (8..8 + size).contains(&n));
    let values = (0..grid.len())
        .map(|n| u8::from(inside(grid.voxel(n))))
        .collect();
    let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
    let origin = ScanOrigin {
        date: date.parse().unwrap(),
        sequence: Sequence::HrT2,
        scan_sha256: format!("{date:0>64}"),
        warnings: Vec::new(),
    };
    ended(
        state,
        Outcome::Outlined(Box::new(NewOutlines {
            visit: id,
            revision: 0,
            parts: Vec::new(),
            sizes: measure::structure_sizes(&labels),
            measured: Visit::measured(&labels, origin, Outline::Imported),
            labels,
            seconds: None,
            tumour_interval95_mm3: None,
            probabilities: None,
            making: schwann::io::Making::NotStated,
            edge: None,
            tumour: None,
            from_folder: false,
        })),
    );
}

fn state(demo: bool) -> AppState {
    let mut state = AppState::default();
    add(&mut state, "2024-03-01", 6, demo);
    add(&mut state, "2025-03-01", 8, demo);
    state.work.queue.clear();
    state
}

fn save(state: &mut AppState, path: &Path) -> Task {
    apply(state, Command::Work(WorkCommand::Report(path.to_owned())));
    let task = next_task(state).unwrap();
    let outcome = task.clone().run(&mut unobserved);
    ended(state, outcome);
    task
}

#[test]
fn the_report_and_its_assessment_are_those_of_the_command() {
    for demo in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.pdf");
        let mut state = state(demo);
        let Task::Report(inputs, _) = save(&mut state, &path) else {
            panic!("a report")
        };
        assert!(!state.messages[0].error, "{:?}", state.messages);
        // What `schwann growth` does with the same visits: everything aligned anew.
        let expected = report::compare(
            inputs.measured,
            Vec::new(),
            &TreatmentDays::default(),
            &mut unobserved,
        )
        .unwrap();
        assert!(expected.alignments[0].is_some());
        let created = if demo {
            "2025-03-01".parse().unwrap()
        } else {
            chrono::Local::now().date_naive()
        };
        let pdf = expected
            .report(created, demo.then_some(DEMO_LABEL), demo)
            .unwrap();
        assert!(pdf.starts_with(b"%PDF"));
        assert_eq!(std::fs::read(&path).unwrap(), pdf);
        let json = std::fs::read_to_string(assessment_path(&path)).unwrap();
        assert_eq!(json, expected.assessment.to_json().unwrap());
        assert!(json.contains("2025-03-01"));
        let csv = std::fs::read_to_string(csv_path(&path)).unwrap();
        assert_eq!(csv, expected.assessment.to_csv().unwrap());
        let paragraph = std::fs::read_to_string(paragraph_path(&path)).unwrap();
        assert!(paragraph.contains(&expected.assessment.to_paragraph()));
        assert_eq!(paragraph.starts_with("Synthetic patient"), demo);
        // Nothing else, in particular no temporary file.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}

#[test]
fn one_outlined_visit_is_enough_and_none_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = AppState::default();
    let path = folder.path().join("one");
    apply(&mut state, Command::Work(WorkCommand::Report(path.clone())));
    assert!(state.work.queue.is_empty());
    add(&mut state, "2024-03-01", 6, false);
    save(&mut state, &path);
    let whole = folder.path().join("one.pdf");
    assert!(std::fs::read(&whole).unwrap().starts_with(b"%PDF"));
    // A name that the dialog did not ask about is not overwritten.
    std::fs::write(&whole, "kept").unwrap();
    save(&mut state, &path);
    assert!(state.messages.last().unwrap().error);
    assert_eq!(std::fs::read(&whole).unwrap(), b"kept");
}

#[test]
fn a_report_that_is_stopped_or_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(false);
    let task = save(&mut state, &folder.path().join("none/report.pdf"));
    assert!(state.messages.last().unwrap().error);
    let mut stop = |_: Progress| ControlFlow::Break(());
    assert!(matches!(task.run(&mut stop), Outcome::Cancelled));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
