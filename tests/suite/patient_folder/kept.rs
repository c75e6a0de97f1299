//! What is saved, and how it is found again.
use super::*;
use schwann::io::{PatientWarning, read_audit, read_volume};
use schwann::patient::{
    AffectedSide, DateSource, PatientFacts, ReviewState, Treatment, TreatmentKind, VisitDate,
};
use serde_json::json;
use std::fs;

#[test]
fn outlines_of_a_scan_that_tells_no_sides_are_kept_without_sides_and_lie_on_it() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("untold.nii.gz");
    io::write_volume_as(&file, &scan(1), false).unwrap();
    let path = place.path().join("patient");
    let mut folder = PatientFolder::create(&path, &ada()).unwrap();
    add(&mut folder, &file, 1).unwrap();
    let drawn = labels(40);
    folder
        .save_labels("visit-1", &draft(&drawn), &ada())
        .unwrap();
    let map = path.join("labels/visit-1-v1.nii.gz");
    let (_, warnings) = io::read_labels(&map, &LabelTable::default()).unwrap();
    assert_eq!(warnings, [io::Warning::OrientationUnknown]);
    // The visit's scan tells that, once.
    let (read, warnings) = folder.read_labels("visit-1", 1).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(read.labels(), drawn.labels());
    assert!(read.grid().matches(drawn.grid(), 1e-3));
}

#[test]
fn a_patient_is_found_as_it_was_left_and_read_without_this_program() {
    let (place, path, mut folder) = patient();
    let told = PatientFacts {
        name: Some("Jane Doe".to_owned()),
        side: Some(AffectedSide::Right),
        koos_wording: None,
        treatments: vec![Treatment {
            day: "2025-02-03".parse().unwrap(),
            kind: TreatmentKind::Radiosurgery,
        }],
    };
    folder.set_facts(told.clone(), &ada()).unwrap();
    let date = VisitDate {
        day: "2024-03-12".parse().unwrap(),
        source: DateSource::Typed,
    };
    folder.set_date("visit-1", Some(date), &ada()).unwrap();
    let results = json!({ "volume_mm3": 0.1 + 0.2 });
    let drawn = labels(40);
    let new = NewLabels {
        results: Some(&results),
        ..draft(&drawn)
    };
    assert_eq!(folder.save_labels("visit-1", &new, &ada()).unwrap(), 1);
    let marks = vec![json!({ "plane": "axial", "crosshair": [1.5, -2.25, 3.0] })];
    folder
        .set_marks("visit-1", marks.clone(), Vec::new(), &ada())
        .unwrap();
    folder
        .accept("visit-1", &BTreeSet::from([3, 4]), &ada())
        .unwrap();
    let left = folder.record().clone();
    drop(folder);

    let folder = opened(&path);
    assert_eq!(folder.record(), &left);
    assert_eq!(folder.record().facts, told);
    let visit = folder.record().visit("visit-1").unwrap();
    assert_eq!((visit.date, &visit.key_images), (Some(date), &marks));
    let version = visit.current().unwrap();
    assert_eq!(version.review, Review::Accepted(ada()));
    assert_eq!(version.seen, BTreeSet::from([3, 4]));
    assert_eq!(folder.read_labels("visit-1", 1).unwrap().0, drawn);
    assert_eq!(folder.read_results("visit-1", 1).unwrap(), Some(results));
    assert_eq!(folder.verify(&mut unobserved).unwrap(), []);

    // By other means: the scan as it came, a label map that any viewer opens.
    let files = snapshot(&path);
    let came = fs::read(place.path().join("Doe_Jane_1.nii.gz")).unwrap();
    assert_eq!(files["scans/visit-1/scan.nii.gz"], came);
    assert_eq!(
        folder.scan_path("visit-1").unwrap(),
        path.join("scans/visit-1/scan.nii.gz")
    );
    let map = path.join("labels/visit-1-v1.nii.gz");
    let read = io::read_labels(&map, &LabelTable::default()).unwrap().0;
    assert_eq!(read.labels(), drawn.labels());
    // The name stands in the record alone.
    for (name, bytes) in &files {
        let bytes = String::from_utf8_lossy(bytes);
        assert!(!name.contains("Doe") && !name.contains("Jane"), "{name}");
        let record = name.starts_with("patient.json");
        assert!(record || !bytes.contains("Jane"), "{name}");
    }
    let log = read_audit(&path).unwrap();
    assert_eq!((log.broken, log.warnings), (None, vec![]));
    let actions: Vec<&str> = log.log.entries().iter().map(|e| e.action.name()).collect();
    assert_eq!(
        actions.join(" "),
        "patient_created visit_added patient_changed visit_changed segmented visit_changed accepted"
    );
    assert_eq!(log.log.entries()[6].subject, facts(1).voxels_sha256);
}

#[test]
fn edits_go_on_in_one_version_until_it_is_accepted_and_every_other_version_stays() {
    let (_place, path, mut folder) = patient();
    let maps = [labels(40), labels(45), labels(50), labels(60)];
    let save = |folder: &mut PatientFolder, new: &NewLabels<'_>| {
        folder.save_labels("visit-1", new, &ada()).unwrap()
    };
    assert_eq!(save(&mut folder, &draft(&maps[0])), 1);
    assert_eq!(save(&mut folder, &edited(&maps[1])), 2);
    assert_eq!(save(&mut folder, &edited(&maps[2])), 2);
    let names =
        |path: &Path| -> Vec<String> { snapshot(&path.join("labels")).into_keys().collect() };
    assert_eq!(
        names(&path),
        ["visit-1-v1.nii.gz", "visit-1-v2-r2.nii.gz"],
        "the file of superseded edits is gone, no other was written over"
    );
    folder.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    let accepted = snapshot(&path.join("labels"));
    assert_eq!(folder.reopen("visit-1", &ada()).unwrap(), 3);
    let reopened = folder.record().visit("visit-1").unwrap();
    assert_eq!(reopened.current().unwrap().review, Review::Edited);
    assert_eq!(save(&mut folder, &edited(&maps[3])), 3);
    // What a model draws is another version even after edits, and an edit of it the next.
    assert_eq!(save(&mut folder, &draft(&maps[0])), 4);
    assert_eq!(save(&mut folder, &edited(&maps[1])), 5);
    folder.reject("visit-1", &ada()).unwrap();
    assert_eq!(save(&mut folder, &edited(&maps[1])), 6);
    let after = snapshot(&path.join("labels"));
    assert!(accepted.iter().all(|(name, b)| after.get(name) == Some(b)));
    drop(folder);
    let folder = opened(&path);
    let visit = folder.record().visit("visit-1").unwrap();
    let states: Vec<ReviewState> = visit.versions.iter().map(|v| v.review.state()).collect();
    use ReviewState::{Accepted, AiDraft, Edited, Rejected};
    assert_eq!(
        states,
        [AiDraft, Accepted, Edited, AiDraft, Rejected, Edited]
    );
    let parents: Vec<Option<u32>> = visit.versions.iter().map(|v| v.parent).collect();
    assert_eq!(parents, [None, Some(1), Some(2), Some(3), Some(4), Some(5)]);
    assert_eq!(folder.read_labels("visit-1", 2).unwrap().0, maps[2]);
    // From 40 to 50 tumour voxels with ten of cochlea behind them: ten of cochlea became tumour, ten of background cochlea.
    let second = visit.version(2).unwrap();
    assert_eq!(second.voxels_added, Some(20));
    assert_eq!(second.voxels_removed, Some(10));
    assert_eq!(folder.verify(&mut unobserved).unwrap(), []);
}

#[test]
fn outlines_are_accepted_in_one_step_with_their_numbers() {
    let (_place, path, mut folder) = patient();
    let (map, results) = (labels(30), json!({ "koos": "II" }));
    let new = NewLabels {
        review: Review::Accepted(ada()),
        results: Some(&results),
        ..edited(&map)
    };
    assert_eq!(folder.save_labels("visit-1", &new, &ada()).unwrap(), 1);
    drop(folder);
    let folder = opened(&path);
    let version = folder.record().visit("visit-1").unwrap().current().unwrap();
    let words = version.review.to_string();
    assert_eq!(words, "accepted by Ada at 2026-03-01 10:00 UTC");
    assert_eq!(folder.read_results("visit-1", 1).unwrap(), Some(results));
    let log = read_audit(&path).unwrap().log;
    let last = log.entries().last().unwrap();
    assert_eq!(last.action.name(), "accepted");
    assert_eq!(last.details["labels_sha256"], version.labels.sha256);
}

#[test]
fn a_pair_is_copied_whole_and_a_series_as_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = PatientFolder::create(&place.path().join("p"), &ada()).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nifti");
    for half in ["analyze_i2_le.img", "analyze_i2_le.hdr"] {
        let id = add(&mut folder, &fixtures.join(half), 1).unwrap();
        let copy = read_volume(&folder.scan_path(&id).unwrap(), &mut unobserved).unwrap();
        let source = read_volume(&fixtures.join(half), &mut unobserved).unwrap();
        assert_eq!(copy, source);
        assert_eq!(folder.record().visit(&id).unwrap().scan.files.len(), 2);
    }
    // Reading warns of a MATLAB file beside a pair, so the copy must have it too.
    for (from, to) in [
        ("analyze_i2_le.hdr", "Doe.HDR"),
        ("analyze_i2_le.img", "Doe.IMG"),
    ] {
        fs::copy(fixtures.join(from), place.path().join(to)).unwrap();
    }
    fs::write(place.path().join("Doe.mat"), "x").unwrap();
    let pair = place.path().join("Doe.HDR");
    let id = add(&mut folder, &pair, 1).unwrap();
    let copy = read_volume(&folder.scan_path(&id).unwrap(), &mut unobserved).unwrap();
    assert_eq!(copy.1, read_volume(&pair, &mut unobserved).unwrap().1);

    let slices: Vec<PathBuf> = (0..3)
        .map(|n| place.path().join(format!("IM{n}")))
        .collect();
    for (n, slice) in slices.iter().enumerate() {
        fs::write(slice, vec![n as u8; 100 + n]).unwrap();
    }
    let new = NewVisit {
        files: ScanFiles::Series(&slices),
        facts: facts(1),
        date: None,
    };
    let id = folder.add_visit(new, &ada(), &mut unobserved).unwrap();
    let series = folder.scan_path(&id).unwrap();
    let files = snapshot(&series);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["00001.dcm", "00002.dcm", "00003.dcm"]
    );
    assert_eq!(files["00003.dcm"], vec![2; 102]);
    drop(folder);
    opened(&place.path().join("p"));
}

#[test]
fn a_visit_that_is_taken_out_is_kept_aside_and_its_name_not_given_again() {
    let (place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    let file = scan_file(place.path(), 2);
    assert_eq!(add(&mut folder, &file, 2).unwrap(), "visit-2");
    let before = snapshot(&path);
    folder.remove_visit("visit-1", &ada()).unwrap();
    let after = snapshot(&path);
    assert_eq!(
        after["removed/visit-1/scan/scan.nii.gz"],
        before["scans/visit-1/scan.nii.gz"]
    );
    assert_eq!(
        after["removed/visit-1/visit-1-v1.nii.gz"],
        before["labels/visit-1-v1.nii.gz"]
    );
    assert!(String::from_utf8_lossy(&after["removed/visit-1.json"]).contains("segmenter"));
    folder.remove_visit("visit-2", &ada()).unwrap();
    assert_eq!(add(&mut folder, &file, 2).unwrap(), "visit-3");
    drop(folder);
    let folder = opened(&path);
    assert_eq!(folder.record().visits.len(), 1);
    assert!(
        folder
            .record()
            .visit_of_scan(&facts(2).voxels_sha256)
            .is_some()
    );
}

#[test]
fn what_was_changed_or_is_missing_is_told_by_looking_into_the_files() {
    let (_place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    folder.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    drop(folder);
    let map = path.join("labels/visit-1-v1.nii.gz");
    let mut bytes = fs::read(&map).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&map, &bytes).unwrap();
    // Same length: opening does not look into files.
    let folder = opened(&path);
    let changed = PatientWarning::Changed { path: map.clone() };
    let told = folder.verify(&mut unobserved).unwrap();
    assert_eq!(told, std::slice::from_ref(&changed));
    assert!(folder.read_labels("visit-1", 1).is_err());
    drop(folder);
    bytes.push(0);
    fs::write(&map, &bytes).unwrap();
    let scan = path.join("scans/visit-1/scan.nii.gz");
    fs::remove_file(&scan).unwrap();
    fs::write(path.join("labels/notes.txt"), "x").unwrap();
    let (folder, warnings) = PatientFolder::open(&path).unwrap();
    let expected = [
        PatientWarning::Missing { path: scan },
        changed,
        PatientWarning::Unknown {
            path: path.join("labels/notes.txt"),
        },
    ];
    assert_eq!(warnings, expected);
    drop(folder);
    // A state that somebody wrote in by hand is told too.
    let record = path.join("patient.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("Ada", "Eve")).unwrap();
    let (folder, warnings) = PatientFolder::open(&path).unwrap();
    assert!(warnings.contains(&PatientWarning::RecordChanged));
    let told = folder.verify(&mut unobserved).unwrap();
    assert!(told.contains(&PatientWarning::RecordChanged));
}

#[test]
fn a_patient_of_many_large_scans_opens_without_a_look_into_them() {
    let (_place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    let mut record = folder.record().clone();
    drop(folder);
    let first = record.visits[0].clone();
    for n in 2..=200 {
        let mut visit = first.clone();
        visit.id = format!("visit-{n}");
        visit.scan.path = format!("scans/visit-{n}/scan.nii.gz");
        visit.scan.files[0].path.clone_from(&visit.scan.path);
        visit.scan.files[0].bytes = 1 << 30;
        visit.versions = (1..=10)
            .map(|v| {
                let mut version = first.versions[0].clone();
                version.version = v;
                version.labels.path = format!("labels/visit-{n}-v{v}.nii.gz");
                fs::copy(
                    path.join("labels/visit-1-v1.nii.gz"),
                    path.join(&version.labels.path),
                )
                .unwrap();
                version
            })
            .collect();
        fs::create_dir(path.join(format!("scans/visit-{n}"))).unwrap();
        // Holes: they take no room, but reading them would take minutes.
        let file = fs::File::create(path.join(&visit.scan.path)).unwrap();
        file.set_len(1 << 30).unwrap();
        record.visits.push(visit);
    }
    fs::write(path.join("patient.json"), record.to_json().unwrap()).unwrap();
    let started = std::time::Instant::now();
    let (folder, warnings) = PatientFolder::open(&path).unwrap();
    let taken = started.elapsed();
    println!("200 visits with 1991 versions opened in {taken:.1?}");
    assert_eq!(warnings, [PatientWarning::RecordChanged]);
    assert_eq!(folder.record(), &record);
}
