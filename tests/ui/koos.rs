//! The brainstem inspector, the wording and the trained graders, driven by what stands on the screen.
use super::window::window_on;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use schwann::{
    app::{
        App, AppState, Command, MeaningCommand, Outcome, Task, ViewCommand, WorkCommand, apply,
        next_task,
    },
    io,
    measure::{KoosGrade, KoosWording, Plane},
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{LabelMap, LabelTable, Side, Structure, unobserved},
};
use serde_json::Value;
use std::{path::PathBuf, process, sync::OnceLock};

/// A head with a tumour of grade III, as files: the scan, its true labels, and the same labels without brainstem.
fn files() -> &'static [PathBuf; 3] {
    static FILES: OnceLock<[PathBuf; 3]> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui-koos");
        std::fs::create_dir_all(&folder).unwrap();
        let patient = Patient::new(&PatientSpec {
            seed: 21,
            koos: Some(KoosGrade::III),
            side: Some(Side::Right),
            ..PatientSpec::default()
        });
        let spec = VisitSpec {
            years: 0.0,
            site: Site::London,
            modality: Modality::HrT2,
            seed: 50,
            grid: Some(GridSpec {
                shape: [180, 150, 56],
                spacing_mm: [0.7, 0.7, 1.5],
            }),
        };
        let scan = patient.unwrap().scan(&spec, &mut unobserved).unwrap();
        let value = scan.labels.table().value(Structure::Brainstem).unwrap();
        let rest = scan.labels.labels().iter();
        let rest = rest.map(|l| if *l == value { 0 } else { *l }).collect();
        let rest = LabelMap::new(*scan.labels.grid(), rest, scan.labels.table().clone()).unwrap();
        let [a, b, c] = ["scan.nii.gz", "labels.nii.gz", "rest.nii.gz"].map(|n| folder.join(n));
        io::write_volume(&a, &scan.volume).unwrap();
        io::write_labels(&b, &scan.labels).unwrap();
        io::write_labels(&c, &rest).unwrap();
        [a, b, c]
    })
}

/// Does what waits, until nothing does.
fn work(state: &mut AppState) {
    while let Some(task) = next_task(state) {
        let outcome = task.run(&mut unobserved);
        ended(state, outcome);
    }
}

fn ended(state: &mut AppState, outcome: Outcome) {
    apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
}

/// The scan with outlines from a file.
fn opened(labels: &std::path::Path) -> AppState {
    let mut state = AppState::default();
    let scan = files()[0].clone();
    apply(&mut state, Command::Work(WorkCommand::Open(scan)));
    work(&mut state);
    let id = state.visits[0].id;
    let look = Task::LabelValues(id, labels.to_owned()).run(&mut unobserved);
    ended(&mut state, look);
    let read = WorkCommand::Meaning(MeaningCommand::Read);
    apply(&mut state, Command::Work(read));
    work(&mut state);
    assert!(state.visits[0].outlines.is_some(), "{:?}", state.messages);
    state
}

/// What the command says of the same files.
fn command(arguments: &[&str]) -> Value {
    let [scan, labels, _] = files();
    let output = process::Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["koos", "--json", "--labels"])
        .args([labels, scan])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).scroll_to_me();
    harness.run_steps(8);
    harness.get_by_label(label).click();
    harness.run_steps(4);
}

/// Lets background work go on until nothing is left of it.
fn settle(harness: &mut Harness<'_, App>) {
    for _ in 0..12_000 {
        harness.run_steps(1);
        let work = &harness.state().state().work;
        if work.running.is_none() && work.queue.is_empty() {
            harness.run_steps(3);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{:?}", harness.state().state().work.running);
}

fn is_there(harness: &Harness<'_, App>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

fn capitalised(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

/// What the panel writes for a measure of the command.
fn line(measure: &Value) -> String {
    let name = capitalised(measure["name"].as_str().unwrap());
    let Some(value) = measure["value"].as_f64() else {
        return format!("{name}: not measured");
    };
    let [error, part] = ["error", "relative_error"].map(|k| measure[k].as_f64().unwrap());
    let error = error + part * value.abs();
    let text = format!(
        "{name}: {value:.1} ± {error:.1} {}",
        measure["unit"].as_str().unwrap()
    );
    text.trim_end().to_owned()
}

#[test]
fn every_piece_of_the_commands_evidence_is_a_line_that_takes_the_planes_to_its_place() {
    let said = command(&[]);
    let state = opened(&files()[1]);
    let Some(mut harness) = window_on(state) else {
        return;
    };
    assert!(is_there(
        &harness,
        &format!("Koos grade {}", said["grade"].as_str().unwrap())
    ));
    let measures = said["measures"].as_array().unwrap();
    assert!(measures.len() >= 13);
    let mut places = 0;
    for measure in measures {
        let words = line(measure);
        assert!(is_there(&harness, &words), "{words}");
        let Some(place) = measure["at_ras_mm"]
            .as_array()
            .filter(|_| measure["value"].is_f64())
        else {
            continue;
        };
        click(&mut harness, &words);
        let visit = harness.state().state().active_visit().unwrap();
        for (n, mm) in place.iter().enumerate() {
            let off = visit.crosshair[n] - mm.as_f64().unwrap();
            assert!(off.abs() < 1e-6, "{words}");
        }
        places += 1;
    }
    assert!(places >= 10, "{places}");
    assert!(harness.state().state().view.koos.drawn);
    // The profiles are the command's, and going to one goes to its middle.
    let cleft = &said["evidence"]["cleft"];
    let verdict = capitalised(cleft["verdict"].as_str().unwrap());
    assert!(is_there(&harness, &format!("{verdict}: ")));
    let profiles = cleft["profiles"].as_array().unwrap();
    assert!(is_there(&harness, &format!("Way 1 of {}", profiles.len())));
    assert!(is_there(&harness, "Intensity of the scan from the tumour"));
    click(&mut harness, "Next way");
    let at = harness.state().state().active_visit().unwrap().crosshair;
    for n in 0..3 {
        let end = |of: &str| profiles[1][of][n].as_f64().unwrap();
        let middle = f64::midpoint(end("tumour_ras_mm"), end("brainstem_ras_mm"));
        assert!((at[n] - middle).abs() < 1e-6);
    }
    for name in ["Hannover", "Tokyo size class"] {
        assert!(is_there(&harness, name), "{name}");
    }
}

#[test]
fn the_surgeons_view_and_the_compression_map_are_one_click_away() {
    let state = opened(&files()[1]);
    let Some(mut harness) = window_on(state) else {
        return;
    };
    click(&mut harness, "Compression map in 3D");
    assert!(harness.state().state().view.koos.compression);
    let mut ups = Vec::new();
    for position in ["on the side", "half sitting"] {
        click(&mut harness, &format!("Surgeon's view, patient {position}"));
        let camera = harness.state().state().view.solid.camera.unwrap();
        // The tumour lies on the right: the eye behind it on the right looks forwards and to the left.
        let into = camera.frame.into_screen();
        assert!(into.y > 0.5 && into.x < -0.5, "{into}");
        ups.push(-camera.frame.down);
    }
    assert!(ups[0].x > 0.5, "lying on the other side, the right is up");
    assert!(ups[1].z > 0.9, "sitting, the head is up");
}

#[test]
fn the_wording_and_an_operation_change_the_grade_as_in_the_command() {
    let state = opened(&files()[1]);
    let Some(mut harness) = window_on(state) else {
        return;
    };
    let koos = |h: &Harness<'_, App>| {
        let visit = h.state().state().active_visit().unwrap();
        visit
            .outlines
            .as_ref()
            .unwrap()
            .measured
            .finding
            .koos
            .clone()
    };
    click(&mut harness, "Koos wording: compression");
    let state = harness.state().state();
    assert_eq!(state.facts.koos_wording.as_deref(), Some("compression"));
    let said = command(&["--wording", "compression"]);
    let now = koos(&harness);
    assert_eq!(now.wording, said["wording"]);
    assert_eq!(now.grade_text(), said["grade"]);
    for (n, name) in ["I", "II", "III", "IV"].into_iter().enumerate() {
        let p = said["probabilities"][name].as_f64().unwrap();
        assert!((now.probabilities[n] - p).abs() < 1e-12);
        assert!(is_there(
            &harness,
            &format!("rule: {name} {:.0} %", 100.0 * p)
        ));
    }
    let meaning = KoosWording::Compression.meaning(now.grade.unwrap());
    assert!(is_there(&harness, meaning));
    click(&mut harness, "After surgery");
    assert!(is_there(&harness, "Koos grade withheld"));
    assert!(is_there(&harness, "Residual after surgery"));
    let withheld = command(&["--post-operative"]);
    assert_eq!(
        koos(&harness).withheld.as_deref(),
        withheld["withheld"].as_str()
    );
    click(&mut harness, "After surgery");
    click(&mut harness, "Koos wording: topographic");
    assert_eq!(koos(&harness).grade_text(), command(&[])["grade"]);
}

#[test]
fn one_click_shows_the_brainstem_that_the_outlines_lack_and_undo_takes_it_back() {
    // The planes lie where the pons is.
    let (whole, _) = io::read_labels(&files()[1], &LabelTable::default()).unwrap();
    let bounds = whole.bounds(Structure::Brainstem).unwrap();
    let middle = bounds.map(|[a, b]| usize::midpoint(a, b));
    let middle = whole.grid().point_in_world(middle);
    let mut state = opened(&files()[2]);
    let goto = ViewCommand::Crosshair {
        visit: state.visits[0].id,
        point_in_world: middle,
    };
    apply(&mut state, Command::View(goto));
    let Some(mut harness) = window_on(state) else {
        return;
    };
    assert!(is_there(&harness, "Koos grade withheld"));
    assert!(is_there(&harness, "No brainstem is labelled"));
    click(&mut harness, "Show me the brainstem");
    assert!(is_there(&harness, "Click into the middle of the pons"));
    let state = harness.state().state();
    let visit = state.active_visit().unwrap();
    let rect = harness.get_by_label_contains("axial plane").rect();
    let size = [rect.width(), rect.height()].map(f64::from);
    let px = state
        .slice_view(visit, Plane::Axial, size)
        .px_from_world(middle);
    let at = rect.min + egui::Vec2::new(px[0] as f32, px[1] as f32);
    assert!(rect.contains(at));
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(3);
    settle(&mut harness);
    let state = harness.state().state();
    assert_eq!(state.view.koos.seeking, None);
    assert!(
        is_there(&harness, "was outlined from one point"),
        "{:?}",
        state.messages
    );
    assert!(!is_there(&harness, "No brainstem is labelled"));
    let outlines = state.active_visit().unwrap().outlines.as_ref().unwrap();
    let found = outlines.labels.count(Structure::Brainstem);
    assert!(
        found > 0
            && outlines
                .measured
                .finding
                .koos
                .evidence
                .brainstem_gap_mm
                .is_some()
    );
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    harness.run_steps(3);
    settle(&mut harness);
    assert!(is_there(&harness, "No brainstem is labelled"));
    assert!(!is_there(&harness, "was outlined from one point"));
}

#[test]
fn the_trained_graders_say_what_the_command_says() {
    let state = opened(&files()[1]);
    let Some(mut harness) = window_on(state) else {
        return;
    };
    let button = "Ask the trained graders";
    assert!(!harness.get_by_label(button).accesskit_node().is_disabled());
    click(&mut harness, button);
    settle(&mut harness);
    let said = command(&[]);
    let grade = said["combined"]["grade"].as_str().unwrap();
    assert!(is_there(&harness, &format!("Together: Koos {grade}")));
    if let Some(words) = said["combined"]["borderline"].as_str() {
        assert!(is_there(&harness, &capitalised(words)), "{words}");
    }
    for (of, probabilities) in [
        ("together", &said["combined"]["probabilities"]),
        ("forest", &said["graders"]["forest"]),
        ("network", &said["graders"]["network"]),
    ] {
        for name in ["I", "II", "III", "IV"] {
            let p = probabilities[name].as_f64().unwrap();
            let words = format!("{of}: {name} {:.0} %", 100.0 * p);
            assert!(is_there(&harness, &words), "{words}");
        }
    }
    // In the other wording the rule beside them is another, and it is said what they learned.
    let learned = "Forest and network learned the topographic wording alone";
    assert!(!is_there(&harness, learned));
    click(&mut harness, "Koos wording: compression");
    if is_there(&harness, button) {
        click(&mut harness, button);
        settle(&mut harness);
    }
    assert!(is_there(&harness, learned));
    click(&mut harness, "Koos wording: topographic");
    assert!(!is_there(&harness, learned));
    // They speak of a grade that is there.
    click(&mut harness, "After surgery");
    assert!(harness.get_by_label(button).accesskit_node().is_disabled());
}
