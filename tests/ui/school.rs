//! The school and blind reads, driven by what stands on the screen.
use super::window::{scan, window, window_on};
use egui::{Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use glam::DVec3;
use schwann::{
    app::{App, AppState, Command, SchoolCommand, apply},
    io,
    measure::KoosGrade,
    school::{AnswerKind, ReaderRecord},
    volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels},
};
use std::path::Path;

/// Two heads of balls with outlines, under names that tell, and a table of their grades: a tumour at the brainstem, and one away from it.
fn cases(folder: &Path) {
    let grid = Grid::axis_aligned(
        [110, 90, 40],
        [1.0, 1.0, 1.5],
        DVec3::new(-55.0, -45.0, -30.0),
    );
    let grid = grid.unwrap();
    let ear = |x: f64| (Structure::Cochlea, DVec3::new(x, 5.1, -2.7), 3.0);
    for (n, tumour) in [
        (1, (DVec3::new(-16.0, -6.0, 0.0), 8.0)),
        (2, (DVec3::new(-21.0, -5.0, 0.0), 5.0)),
    ] {
        let balls = [
            ear(-34.7),
            ear(34.7),
            (Structure::Brainstem, DVec3::new(0.0, -8.0, 0.0), 12.0),
            (Structure::FourthVentricle, DVec3::new(0.0, -26.0, 0.0), 3.0),
            (Structure::VestibularSchwannoma, tumour.0, tumour.1),
        ];
        let mut labels = vec![0; grid.len()];
        for (structure, centre, radius) in balls {
            let value = LabelTable::default().value(structure).unwrap();
            for (at, label) in labels.iter_mut().enumerate() {
                let point = grid.point_in_world(grid.voxel(at));
                *label = if point.distance(centre) < radius {
                    value
                } else {
                    *label
                };
            }
        }
        let voxels = labels.iter().map(|l| i16::from(*l) * 40 + 100).collect();
        let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
        io::write_volume(&folder.join(format!("telling{n}_hrT2.nii.gz")), &volume).unwrap();
        let map = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
        io::write_labels(&folder.join(format!("telling{n}_Label.nii.gz")), &map).unwrap();
    }
    std::fs::write(
        folder.join("grades.csv"),
        "case,koos\ntelling1,3\ntelling2,2\n",
    )
    .unwrap();
}

/// Lets background work go on until something is so.
fn until(harness: &mut Harness<'_, App>, so: impl Fn(&AppState) -> bool) {
    for _ in 0..6000 {
        harness.run_steps(1);
        if so(harness.state().state()) {
            harness.run_steps(3);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let state = harness.state().state();
    panic!(
        "it does not come: {:?} {:?}",
        state.work.running, state.messages
    );
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).scroll_to_me();
    harness.run_steps(8);
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

fn is_there(harness: &Harness<'_, App>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// Whether anything of the shown visit's outlines could be seen.
fn shows(state: &AppState) -> bool {
    let visit = state.active_visit().unwrap();
    visit.outlines.is_some() || !visit.early.is_empty()
}

/// Gives the reader's name.
fn sign_in(harness: &mut Harness<'_, App>) {
    harness.get_by_label("Reader").click();
    harness.run_steps(2);
    harness.get_by_label("Reader").type_text("Ada");
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    until(harness, |s| s.school.record.is_some());
}

#[test]
fn a_reader_goes_through_the_school_by_its_labels_and_sees_nothing_before_committing() {
    let folder = tempfile::tempdir().unwrap();
    let (scans, records) = (folder.path().join("cases"), folder.path().join("school"));
    std::fs::create_dir(&scans).unwrap();
    cases(&scans);
    let mut state = AppState::default();
    state.school.records = Some(records.clone());
    apply(&mut state, Command::School(SchoolCommand::Folder(scans)));
    let Some(mut harness) = window_on(state) else {
        return;
    };
    until(&mut harness, |s| s.school.own.is_some());
    click(&mut harness, "School");
    assert!(
        harness.get_by_label("Begin").accesskit_node().is_disabled(),
        "without a name"
    );
    sign_in(&mut harness);
    assert!(is_there(&harness, "2 graded scans: 0 I, 1 II, 1 III, 0 IV"));
    click(&mut harness, "Begin");
    until(&mut harness, |s| s.school.case().is_some());

    // Blind: neither in the state nor on the screen.
    let state = harness.state().state();
    let id = state.active.unwrap();
    assert!(!shows(state) && state.school.is_blind(id));
    assert!(is_there(&harness, "axial plane of Case 1"));
    for words in [
        "telling",
        "Koos grade I",
        "Truth",
        "mm³",
        "synthetic",
        "imported",
    ] {
        assert!(!is_there(&harness, words), "{words}");
    }
    let commit = "Commit (Enter)";
    assert!(harness.get_by_label(commit).accesskit_node().is_disabled());
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    harness.key_press_modifiers(Modifiers::ALT, Key::Num1);
    harness.run_steps(2);
    let chosen = |h: &Harness<'_, App>| {
        let state = h.state().state();
        let reading = state.school.reading(state.active.unwrap()).unwrap();
        (
            reading.grade,
            reading.confidence.map(schwann::school::Confidence::percent),
        )
    };
    assert_eq!(chosen(&harness), (Some(KoosGrade::I), None));
    click(&mut harness, "Grade IV");
    harness.key_press_modifiers(Modifiers::ALT, Key::Num9);
    harness.run_steps(2);
    click(&mut harness, "Confidence: likely");
    assert_eq!(chosen(&harness), (Some(KoosGrade::IV), Some(70)));
    assert!(!shows(harness.state().state()));
    harness.key_press(Key::Enter);
    harness.run_steps(4);

    // The truth, what decides it, and who says what.
    let state = harness.state().state();
    assert!(shows(state) && !state.school.is_blind(id));
    let truth = state.school.case().unwrap().revealed().unwrap().truth;
    assert!(is_there(&harness, &format!("Koos {truth}, not IV")));
    assert!(is_there(&harness, "Does it touch the brainstem?"));
    assert!(is_there(&harness, "The rule on the true outlines"));
    let crosshair = |h: &Harness<'_, App>| h.state().state().active_visit().unwrap().crosshair;
    click(&mut harness, "Porus");
    let porus = crosshair(&harness);
    assert!(harness.state().state().view.porus);
    click(&mut harness, "Nearest to the brainstem");
    assert!(crosshair(&harness).distance(porus) > 2.0);
    click(&mut harness, "Progress");
    assert!(is_there(
        &harness,
        &format!("Confusion grid: truth {truth} answered IV 1 times")
    ));
    assert!(is_there(&harness, "Reliability: said 70 %, right 0 % of 1"));
    click(&mut harness, "Case");

    // The next one is the other, and blind again.
    until(&mut harness, |s| {
        s.work.running.is_none() && s.work.queue.is_empty()
    });
    harness.key_press(Key::Enter);
    until(&mut harness, |s| {
        s.school.case().is_some_and(|c| c.number == 2)
    });
    let state = harness.state().state();
    assert!(
        !shows(state) && state.school.is_blind(state.active.unwrap()) && state.visits.len() == 1
    );
    drop(harness);
    let record = ReaderRecord::open(&records, "Ada").unwrap();
    assert_eq!(record.answers.len(), 1);
    let answer = &record.answers[0];
    assert_eq!(
        (answer.kind, answer.grade, answer.truth),
        (AnswerKind::Folder, KoosGrade::IV, Some(truth))
    );
    assert!(!answer.case.contains("telling"));
}

#[test]
fn a_blind_read_hides_a_visits_outlines_until_a_grade_is_committed() {
    let Some(mut harness) = window(vec![scan(Some("2020-01-01"))]) else {
        return;
    };
    let id = harness.state().state().active.unwrap();
    click(&mut harness, "Blind read");
    assert!(is_there(&harness, "Read blind"));
    let commit = "Commit (Enter)";
    click(&mut harness, "Grade II");
    click(&mut harness, "Confidence: confident");
    assert!(
        harness.get_by_label(commit).accesskit_node().is_disabled(),
        "without a name"
    );
    harness.get_by_label("Your name").click();
    harness.run_steps(2);
    harness.get_by_label("Your name").type_text("Bo");
    harness.run_steps(3);
    click(&mut harness, commit);
    let state = harness.state().state();
    assert!(!state.school.is_blind(id));
    assert_eq!(state.school.committed(id).unwrap().grade, KoosGrade::II);
    assert!(is_there(
        &harness,
        "You committed Koos II, confident (85 %)"
    ));
}

#[test]
fn enter_presses_the_button_that_tab_has_reached() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    click(&mut harness, "Blind read");
    click(&mut harness, "Grade II");
    click(&mut harness, "Confidence: certain");
    harness.get_by_label("Grade III").focus();
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let state = harness.state().state();
    let reading = state.school.reading(state.active.unwrap()).unwrap();
    assert_eq!(
        reading.grade,
        Some(KoosGrade::III),
        "the button's, and nothing is committed"
    );
}
