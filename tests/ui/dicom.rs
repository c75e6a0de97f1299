//! DICOM in the window: results out, copies without identity, segmentations, structure sets and reports of others.
use super::window::window_on;
use egui_kittest::{Harness, kittest::Queryable as _};
use schwann::{
    app::{
        AnonymiseCommand, App, AppState, Command, CopySource, DicomCommand, EditCommand,
        ExportCommand, MeaningCommand, Outcome, Task, WorkCommand, apply,
        export::{Export, Object},
        next_task,
    },
    io::{self, DicomRegion, DicomSeries, Making, ResultState},
    measure::Plane,
    volume::{LabelTable, Progress, Structure, unobserved},
};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

const TUMOUR: Structure = Structure::VestibularSchwannoma;

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

fn work(state: &mut AppState) {
    while let Some(task) = next_task(state) {
        let outcome = task.run(&mut unobserved);
        apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
    }
}

fn open(state: &mut AppState, path: &Path) {
    apply(state, Command::Work(WorkCommand::Open(path.to_owned())));
    work(state);
}

fn export(state: &mut AppState, command: ExportCommand) {
    apply(state, Command::Dicom(DicomCommand::Export(command)));
}

fn anonymise(state: &mut AppState, command: AnonymiseCommand) {
    apply(state, Command::Dicom(DicomCommand::Anonymise(command)));
}

/// The series of the golden folder, with its outlines read from a label map.
fn outlined() -> AppState {
    let mut state = AppState::default();
    open(&mut state, &golden("dicom_out/series"));
    assert_eq!(state.visits.len(), 1, "{:?}", state.messages);
    read_labels(&mut state, golden("dicom_out/labels.nii.gz"));
    state
}

fn read_labels(state: &mut AppState, path: PathBuf) {
    let id = state.visits[0].id;
    let values = WorkCommand::Enqueue(Task::LabelValues(id, path));
    apply(state, Command::Work(values));
    work(state);
    let read = WorkCommand::Meaning(MeaningCommand::Read);
    apply(state, Command::Work(read));
    work(state);
    assert!(state.visits[0].outlines.is_some(), "{:?}", state.messages);
}

fn series() -> DicomSeries {
    let library = io::scan_folder(&[golden("dicom_out/series")], &mut unobserved).unwrap();
    library.choose(None).unwrap().clone()
}

/// The only folder that an export made.
fn only(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

fn wait(harness: &mut Harness<'_, App>, mut done: impl FnMut(&AppState) -> bool) {
    for _ in 0..600 {
        harness.run_steps(1);
        let state = harness.state().state();
        let idle = state.work.running.is_none() && state.work.queue.is_empty();
        if idle && done(state) {
            return harness.run_steps(3);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it took too long: {:?}", harness.state().state().messages);
}

fn regions(path: &Path) -> Vec<DicomRegion> {
    let read = io::read_dicom_labels(path, &series(), &BTreeMap::new(), &mut unobserved);
    read.unwrap().regions
}

#[test]
fn results_are_written_from_the_dialog_and_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = outlined();
    let id = state.visits[0].id;
    // The folder comes from a dialog of the system, which no test can open.
    export(&mut state, ExportCommand::Begin(id));
    let waiting = state.dicom.export.clone().unwrap();
    assert_eq!(waiting.obstacle(&state), Some("Choose a folder"));
    export(&mut state, ExportCommand::Folder(folder.path().to_owned()));
    let labels = state.visits[0].outlines.as_ref().unwrap().labels.clone();
    let Some(mut harness) = window_on(state) else {
        return;
    };
    harness.get_by_label("Export as DICOM");
    // Nobody has said how a label map was made, and nobody has accepted it.
    harness.get_by_label_contains("Draft: every object says so");
    harness.get_by_label_contains("Outlines: not stated");
    harness.get_by_label_contains("only as long as outlines are");
    harness.get_by_label(Object::Report.name()).click();
    harness.run_steps(3);
    harness.get_by_label("Write the objects").click();
    wait(&mut harness, |state| !state.messages.is_empty());
    let state = harness.state().state();
    assert!(state.dicom.export.is_none());
    assert!(!state.messages[0].error, "{:?}", state.messages);
    let made = only(folder.path());
    assert_eq!(made.file_name().unwrap(), "dicom-2024-01-31-draft");
    let mut files: Vec<String> = std::fs::read_dir(&made)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        "key-image-1.dcm",
        "measurements.dcm",
        "segmentation.dcm",
        "structures.dcm",
    ];
    assert_eq!(files, expected);
    for name in ["segmentation.dcm", "structures.dcm"] {
        let back = io::read_dicom_labels(
            &made.join(name),
            &series(),
            &BTreeMap::new(),
            &mut unobserved,
        );
        assert_eq!(back.unwrap().labels.labels(), labels.labels(), "{name}");
    }
    // A segment must have a term, a region need not.
    let segments = regions(&made.join("segmentation.dcm"));
    assert!(
        segments
            .iter()
            .all(|r| r.making == Some(Making::Semiautomatic))
    );
    let contoured = regions(&made.join("structures.dcm"));
    assert!(contoured.iter().all(|r| r.making.is_none()));
    let report = io::read_measurements(&made.join("measurements.dcm"));
    let report = report.unwrap().unwrap();
    assert!(!report.verified);
    let tracking = report.groups[0].tracking_uid.as_deref();
    let tumour = segments.iter().find(|r| r.structure == Some(TUMOUR));
    assert_eq!(tumour.unwrap().tracking_uid.as_deref(), tracking);
}

/// Outlines that a reader drew and accepted, about to be written into a folder.
fn accepted(folder: &Path) -> Box<Export> {
    let mut state = AppState::default();
    open(&mut state, &golden("dicom_out/series"));
    let id = state.visits[0].id;
    let grid = *state.visits[0].volume.grid();
    let middle = grid.centre_in_world();
    let edit = |state: &mut AppState, command| apply(state, Command::Edit(id, command));
    let mut brush = state.view.brush;
    brush.radius_mm = 4.0;
    brush.ball = true;
    apply(
        &mut state,
        Command::View(schwann::app::ViewCommand::Brush(brush)),
    );
    let stroke = EditCommand::Stroke {
        plane: Plane::Axial,
        from: middle,
        to: middle,
        erase: false,
    };
    edit(&mut state, stroke);
    edit(&mut state, EditCommand::EndStroke);
    work(&mut state);
    let outlines = state.visits[0].outlines.as_ref().unwrap();
    assert!(outlines.labels.count(TUMOUR) > 0);
    assert_eq!(outlines.making, Making::Manual);
    let axial = state.visits[0].planes[Plane::Axial as usize];
    for slice in outlines.unseen_slices(&axial) {
        edit(&mut state, EditCommand::Seen(slice));
    }
    edit(&mut state, EditCommand::Accept("Ada Reader".to_owned()));
    export(&mut state, ExportCommand::Begin(id));
    export(&mut state, ExportCommand::Folder(folder.to_owned()));
    export(&mut state, ExportCommand::Write);
    let Some(Task::Dicom(schwann::app::DicomWork::Export(task))) = next_task(&mut state) else {
        panic!("nothing is written: {:?}", state.messages)
    };
    task
}

#[test]
fn a_folder_with_a_draft_report_is_not_called_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = accepted(folder.path());
    // Another visit is still a draft, and the reports tell of it.
    task.authorship.beside_drafts = true;
    let written = task.write(&mut unobserved).unwrap();
    let name = "dicom-2024-01-31-accepted-with-draft-reports";
    assert!(written.folder.ends_with(name), "{:?}", written.folder);
    let report = io::read_measurements(&written.folder.join("measurements.dcm"));
    assert!(!report.unwrap().unwrap().verified);
    task.objects = [Object::Measurements].into();
    let written = task.write(&mut unobserved).unwrap();
    assert!(written.folder.ends_with("dicom-2024-01-31-draft"));
    task.objects = [Object::Segmentation].into();
    let written = task.write(&mut unobserved).unwrap();
    assert!(written.folder.ends_with("dicom-2024-01-31-accepted"));
}

#[test]
fn what_a_reader_drew_and_accepted_is_said_in_the_objects() {
    let folder = tempfile::tempdir().unwrap();
    let task = accepted(folder.path());
    let ResultState::Accepted { by, .. } = &task.authorship.state else {
        panic!("a draft")
    };
    assert_eq!(by, "Ada Reader");
    let written = task.write(&mut unobserved).unwrap();
    assert!(written.folder.ends_with("dicom-2024-01-31-accepted"));
    for name in ["segmentation.dcm", "structures.dcm"] {
        let regions = regions(&written.folder.join(name));
        assert!(
            regions.iter().all(|r| r.making == Some(Making::Manual)),
            "{name}"
        );
    }
    let report = io::read_measurements(&written.folder.join("measurements.dcm"));
    let by = report.unwrap().unwrap().verified_by;
    assert!(by.is_some_and(|by| by.contains("Ada")));
    // The same again takes nothing's place.
    let again = task.write(&mut unobserved).unwrap();
    assert!(again.folder.ends_with("dicom-2024-01-31-accepted-2"));

    // Stopped, or with a folder that is not there, it leaves nothing.
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = entries();
    for steps in 0..7 {
        let mut left = steps;
        let mut stop = |_: Progress| {
            left -= 1;
            if left < 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let stopped = task.write(&mut stop);
        assert!(stopped.is_err(), "{steps} steps");
        assert_eq!(entries(), before);
    }
    let mut nowhere = task;
    nowhere.folder = folder.path().join("none");
    assert!(nowhere.write(&mut unobserved).is_err());
    assert_eq!(entries(), before);
}

#[test]
fn a_scan_from_nifti_is_exported_onto_the_series_that_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("scan_2024-01-31.nii.gz");
    let (volume, _) = io::read_series(&series(), &mut unobserved).unwrap();
    io::write_volume(&scan, &volume).unwrap();
    let mut state = AppState::default();
    open(&mut state, &scan);
    read_labels(&mut state, golden("dicom_out/labels.nii.gz"));
    let id = state.visits[0].id;
    export(&mut state, ExportCommand::Begin(id));
    export(&mut state, ExportCommand::Folder(folder.path().to_owned()));
    let Some(mut harness) = window_on(state) else {
        return;
    };
    harness.get_by_label("Choose the DICOM series…");
    harness.get_by_label_contains("did not come as DICOM");
    harness.get_by_label("Write the objects").click();
    harness.run_steps(3);
    assert!(harness.state().state().work.queue.is_empty());
    harness.get_by_label("Write nothing").click();
    harness.run_steps(3);
    assert!(harness.state().state().dicom.export.is_none());

    // Another scan is not taken for it, its own is.
    let mut state = AppState::default();
    open(&mut state, &scan);
    read_labels(&mut state, golden("dicom_out/labels.nii.gz"));
    let id = state.visits[0].id;
    export(&mut state, ExportCommand::Begin(id));
    export(
        &mut state,
        ExportCommand::SeriesAt(golden("dicom/oblique.zip")),
    );
    work(&mut state);
    assert!(state.messages.last().unwrap().error);
    assert!(state.visits[0].series.is_none());
    export(
        &mut state,
        ExportCommand::SeriesAt(golden("dicom_out/series")),
    );
    work(&mut state);
    assert!(state.visits[0].series.is_some(), "{:?}", state.messages);
    export(&mut state, ExportCommand::Folder(folder.path().to_owned()));
    export(&mut state, ExportCommand::Write);
    work(&mut state);
    let made = folder.path().join("dicom-2024-01-31-draft");
    let back = io::read_dicom_labels(
        &made.join("segmentation.dcm"),
        &series(),
        &BTreeMap::new(),
        &mut unobserved,
    );
    let (labels, _) =
        io::read_labels(&golden("dicom_out/labels.nii.gz"), &LabelTable::default()).unwrap();
    let tumour = back.unwrap().labels.count(TUMOUR);
    assert_eq!(tumour, labels.count(TUMOUR));
}

#[test]
fn a_copy_without_identity_is_made_from_the_dialog_and_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = AppState::default();
    open(&mut state, &golden("dicom_out/series"));
    anonymise(&mut state, AnonymiseCommand::Begin);
    let asked = state.dicom.anonymise.clone().unwrap();
    assert_eq!(asked.source, Some(CopySource::Visit(state.visits[0].id)));
    assert_eq!(asked.obstacle(&state), Some("Choose a folder for the copy"));
    let copy = folder.path().join("copy");
    anonymise(&mut state, AnonymiseCommand::Folder(copy.clone()));
    let Some(mut harness) = window_on(state) else {
        return;
    };
    harness.get_by_label("Anonymised copy");
    harness
        .get_by_label("Names and serial numbers of devices")
        .click();
    harness.run_steps(3);
    let keeping = harness.state().state().dicom.anonymise.as_ref().unwrap();
    assert!(keeping.keeping.device && !keeping.keeping.descriptions);
    harness.get_by_label("Pseudonym").click();
    harness.run_steps(2);
    harness.get_by_label("Pseudonym").type_text("Somebody");
    harness.run_steps(3);
    harness.get_by_label("Make the copy").click();
    wait(&mut harness, |state| state.dicom.copied.is_some());
    let state = harness.state().state();
    assert!(state.dicom.anonymise.is_none());
    let report = state.dicom.copied.as_ref().unwrap();
    assert_eq!(report.patients[0].pseudonym, "Somebody");
    assert_eq!(report.copied, series().slices());
    let files = report.copied;
    harness.get_by_label(&format!("{files} of {files} files copied"));
    harness.get_by_label_contains("Replaced: ").click();
    harness.run_steps(30);
    harness.get_by_label("PatientName");
    let library = io::scan_folder(&[copy], &mut unobserved).unwrap();
    assert_eq!(library.patients[0].name, "Somebody");
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    assert!(harness.state().state().dicom.copied.is_none());
}

#[test]
fn a_copy_that_is_stopped_or_refused_is_said_and_burned_in_text_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    // A secondary capture is a picture that may show anything.
    let mut state = outlined();
    let id = state.visits[0].id;
    export(&mut state, ExportCommand::Begin(id));
    export(&mut state, ExportCommand::Folder(folder.path().to_owned()));
    for object in Object::ALL {
        export(
            &mut state,
            ExportCommand::Choose(object, object == Object::KeyImages),
        );
    }
    export(&mut state, ExportCommand::Write);
    work(&mut state);
    let pictures = only(folder.path());
    // Schwann's own say that nothing is burned in; others' often say nothing.
    let picture = only(&pictures);
    let mut bytes = std::fs::read(&picture).unwrap();
    let says = b"\x28\x00\x01\x03CS\x02\x00NO";
    let at = bytes.windows(says.len()).position(|w| w == says).unwrap();
    bytes[at + 8..at + 10].copy_from_slice(b"  ");
    std::fs::write(&picture, bytes).unwrap();
    anonymise(&mut state, AnonymiseCommand::Begin);
    let source = CopySource::Folder(pictures.clone());
    anonymise(&mut state, AnonymiseCommand::Source(source));
    anonymise(&mut state, AnonymiseCommand::Folder(pictures.join("in")));
    anonymise(&mut state, AnonymiseCommand::Copy);
    work(&mut state);
    let told = state.messages.last().unwrap();
    assert!(told.error && told.text.contains("inside what is copied"));

    anonymise(&mut state, AnonymiseCommand::Begin);
    anonymise(
        &mut state,
        AnonymiseCommand::Source(CopySource::Folder(pictures)),
    );
    anonymise(
        &mut state,
        AnonymiseCommand::Folder(folder.path().join("out")),
    );
    anonymise(&mut state, AnonymiseCommand::Copy);
    let task = next_task(&mut state).unwrap();
    let mut stop = |_: Progress| ControlFlow::Break(());
    assert!(matches!(task.clone().run(&mut stop), Outcome::Cancelled));
    let outcome = task.run(&mut unobserved);
    apply(&mut state, Command::Work(WorkCommand::Ended(Some(outcome))));
    let report = state.dicom.copied.as_ref().unwrap();
    assert!(!report.warnings.is_empty());
    let warning = report.warnings[0].clone();
    let Some(harness) = window_on(state) else {
        return;
    };
    harness.get_by_label_contains(&warning);
}

#[test]
fn a_segmentation_and_a_structure_set_of_others_are_shown_on_their_series() {
    for (name, known) in [
        ("dicom_out/seg_binary.dcm", TUMOUR),
        ("dicom_out/rtstruct_plastimatch.dcm", TUMOUR),
    ] {
        let mut state = AppState::default();
        // Without its series it cannot be shown.
        open(&mut state, &golden(name));
        let told = state.messages.last().unwrap();
        assert!(told.error && told.text.contains("not open"), "{told:?}");
        open(&mut state, &golden("dicom_out/series"));
        open(&mut state, &golden(name));
        let meaning = state.meaning.as_ref().expect("asked what its regions mean");
        let names = meaning.names.clone().unwrap();
        let is_known = |(_, s): &&(io::LabelValue, Option<Structure>)| *s == Some(known);
        let (tumour, _) = *meaning.values.iter().find(is_known).unwrap();
        let other = meaning.values.iter().find(|v| v.1 != Some(known)).unwrap();
        let other = other.0.value;
        let Some(mut harness) = window_on(state) else {
            return;
        };
        harness.get_by_label("What the outlines mean");
        let title = &names[&tumour.value];
        assert!(harness.get_all_by_label_contains(title).count() > 0);
        assert!(harness.query_by_label("crossMoDA 2023").is_none());
        harness.get_by_label("Read outlines").click();
        wait(&mut harness, |state| state.visits[0].outlines.is_some());
        let outlines = harness.state().state().visits[0].outlines.as_ref().unwrap();
        assert_eq!(outlines.labels.count(known), tumour.voxels, "{name}");
        assert!(outlines.measured.finding.provenance.state.is_draft());

        // What is left out is not read, whatever its code says.
        let mut state = AppState::default();
        open(&mut state, &golden("dicom_out/series"));
        open(&mut state, &golden(name));
        for said in [
            MeaningCommand::Set(tumour.value, None),
            MeaningCommand::Set(other, Some(Structure::Brainstem)),
            MeaningCommand::Read,
        ] {
            apply(&mut state, Command::Work(WorkCommand::Meaning(said)));
        }
        work(&mut state);
        let outlines = state.visits[0].outlines.as_ref().unwrap();
        assert_eq!(outlines.labels.count(known), 0, "{name}");
        assert!(outlines.labels.count(Structure::Brainstem) > 0);
    }
}

#[test]
fn the_choice_of_a_folder_offers_what_was_made_from_its_series() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden("dicom_out/series")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for name in ["dicom_out/seg_binary.dcm", "dicom_out_sr/highdicom.dcm"] {
        let name = golden(name);
        std::fs::copy(&name, folder.path().join(name.file_name().unwrap())).unwrap();
    }
    let mut state = AppState::default();
    open(&mut state, folder.path());
    let choice = state.series.as_ref().expect("asked");
    assert_eq!(choice.objects.len(), 2, "{:?}", choice.objects);
    assert!(choice.rows[0].chosen && choice.left_out.is_empty());
    let titles: Vec<String> = choice.objects.iter().map(|o| o.title.clone()).collect();
    let Some(mut harness) = window_on(state) else {
        return;
    };
    for title in &titles {
        harness.get_by_label(title).click();
        harness.run_steps(3);
    }
    harness.get_by_label("Open the series").click();
    wait(&mut harness, |state| {
        state.meaning.is_some() && state.dicom.report.is_some()
    });
    let state = harness.state().state();
    assert_eq!(state.visits.len(), 1);
    let report = state.dicom.report.clone().unwrap();
    // One question after the other.
    assert!(harness.query_by_label("Structured report").is_none());
    harness.get_by_label("Leave the file alone").click();
    harness.run_steps(5);
    harness.get_by_label("Structured report");
    let measured = &report.groups[0].measurements[0];
    harness
        .get_all_by_label_contains(&measured.name)
        .next()
        .unwrap();
}

#[test]
fn a_structured_report_is_shown_as_text() {
    let mut state = AppState::default();
    open(&mut state, &golden("dicom_out_sr/highdicom.dcm"));
    let report = state.dicom.report.clone().expect("it is a report");
    let Some(mut harness) = window_on(state) else {
        return;
    };
    harness.get_by_label("Structured report");
    harness.get_by_label(&report.title);
    for group in &report.groups {
        for measured in &group.measurements {
            let there = harness.get_all_by_label_contains(&measured.name).count();
            assert!(there > 0, "{}", measured.name);
        }
    }
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    assert!(harness.state().state().dicom.report.is_none());
}

#[test]
fn the_menu_opens_both_dialogs() {
    let Some(mut harness) = window_on(outlined()) else {
        return;
    };
    for (item, title) in [
        ("Export results…", "Export as DICOM"),
        ("Anonymised copy…", "Anonymised copy"),
    ] {
        harness.get_by_label("DICOM").click();
        harness.run_steps(5);
        harness.get_by_label(item).click();
        harness.run_steps(5);
        harness.get_by_label(title);
        harness.key_press(egui::Key::Escape);
        harness.run_steps(5);
        assert!(harness.query_by_label(title).is_none(), "{title}");
    }
}
