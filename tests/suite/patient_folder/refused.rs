//! What must not happen to a patient's folder.
use super::*;
use proptest::prelude::*;
use schwann::io::{PatientWarning, ReadOnly};
use schwann::patient::PatientFacts;
use serde_json::{Value, json};
use std::fs;

/// Tries every change, none of which may be made.
fn refuses_everything(folder: &mut PatientFolder, file: &Path, words: &str) {
    let map = labels(12);
    let visit = "visit-1";
    let facts = PatientFacts {
        name: Some("x".to_owned()),
        ..PatientFacts::default()
    };
    let tried = [
        add(folder, file, 1).err(),
        folder.save_labels(visit, &edited(&map), &ada()).err(),
        folder.accept(visit, &BTreeSet::new(), &ada()).err(),
        folder.reject(visit, &ada()).err(),
        folder.reopen(visit, &ada()).err(),
        folder.save_results(visit, 1, &json!(1), &ada()).err(),
        folder.set_facts(facts, &ada()).err(),
        folder
            .set_marks(visit, vec![json!(1)], vec![], &ada())
            .err(),
        folder.remove_visit(visit, &ada()).err(),
    ];
    for (n, error) in tried.into_iter().enumerate() {
        let error = error.unwrap().to_string();
        assert!(error.contains(words), "{n}: {error}");
    }
}

#[test]
fn a_second_program_opens_a_patient_read_only_and_says_so() {
    let (place, path, mut first) = patient();
    first
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    let (mut second, warnings) = PatientFolder::open(&path).unwrap();
    assert_eq!(warnings, [PatientWarning::ReadOnly(ReadOnly::InUse)]);
    assert!(warnings[0].to_string().contains("another Schwann"));
    assert_eq!(second.read_only(), Some(&ReadOnly::InUse));
    assert_eq!(second.record(), first.record());
    let before = snapshot(&path);
    let file = place.path().join("Doe_Jane_1.nii.gz");
    refuses_everything(&mut second, &file, "another Schwann");
    assert_eq!(snapshot(&path), before);
    assert!(PatientFolder::create(&path, &ada()).is_err());
    // The first is not disturbed, and once it is closed the second may.
    first.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    assert_eq!(second.read_labels("visit-1", 1).unwrap().0, labels(20));
    drop((first, second));
    let mut second = opened(&path);
    assert_eq!(second.read_only(), None);
    assert_eq!(second.reopen("visit-1", &ada()).unwrap(), 2);
}

#[test]
fn where_locks_do_not_help_a_change_by_another_program_is_not_written_over() {
    let (place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    folder
        .save_labels("visit-1", &edited(&labels(21)), &ada())
        .unwrap();
    let record = path.join("patient.json");
    let text = fs::read_to_string(&record).unwrap() + "\n";
    fs::write(&record, text).unwrap();
    let before = snapshot(&path);
    let file = place.path().join("Doe_Jane_1.nii.gz");
    let mut tried = vec![add(&mut folder, &file, 1).map(drop)];
    tried.push(folder.accept("visit-1", &BTreeSet::new(), &ada()));
    let map = labels(30);
    tried.push(
        folder
            .save_labels("visit-1", &edited(&map), &ada())
            .map(drop),
    );
    tried.push(folder.remove_visit("visit-1", &ada()));
    for result in tried {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("by another program"), "{error}");
    }
    assert_eq!(snapshot(&path), before);
}

#[test]
fn an_accepted_version_cannot_be_changed_and_nobody_accepts_without_a_name() {
    let (_place, path, mut folder) = patient();
    let map = labels(20);
    assert!(folder.accept("visit-1", &BTreeSet::new(), &ada()).is_err());
    folder.save_labels("visit-1", &draft(&map), &ada()).unwrap();
    let nobody = Signature::new("  ", ada().at);
    assert!(folder.accept("visit-1", &BTreeSet::new(), &nobody).is_err());
    let unsigned = NewLabels {
        review: Review::Accepted(nobody.clone()),
        ..edited(&map)
    };
    assert!(folder.save_labels("visit-1", &unsigned, &ada()).is_err());
    folder.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    let before = snapshot(&path);
    let tried = [
        folder.accept("visit-1", &BTreeSet::new(), &ada()),
        folder.reject("visit-1", &ada()),
        folder.save_results("visit-1", 1, &json!(2), &ada()),
    ];
    for result in tried {
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains("accepted by Ada at 2026-03-01 10:00 UTC and is locked"),
            "{error}"
        );
    }
    let grid = Grid::new([2, 2, 2], glam::DAffine3::IDENTITY).unwrap();
    let other = LabelMap::new(grid, vec![0; 8], LabelTable::default()).unwrap();
    assert!(
        folder
            .save_labels("visit-1", &edited(&other), &ada())
            .is_err()
    );
    assert!(
        folder
            .save_labels("visit-7", &edited(&map), &ada())
            .is_err()
    );
    assert!(folder.read_labels("visit-1", 9).is_err());
    assert_eq!(snapshot(&path), before);
}

#[test]
fn what_cannot_be_copied_or_is_cancelled_leaves_nothing() {
    let (place, path, mut folder) = patient();
    let before = snapshot(&path);
    assert!(add(&mut folder, &place.path().join("missing.nii.gz"), 1).is_err());
    assert!(add(&mut folder, place.path(), 1).is_err());
    let file = scan_file(place.path(), 3);
    let new = NewVisit {
        files: ScanFiles::Image(&file),
        facts: facts(3),
        date: None,
    };
    let mut stop = |_| std::ops::ControlFlow::Break(());
    let cancelled = folder.add_visit(new, &ada(), &mut stop);
    assert!(matches!(cancelled, Err(io::Error::Cancelled)));
    let series = NewVisit {
        files: ScanFiles::Series(&[]),
        facts: facts(3),
        date: None,
    };
    assert!(folder.add_visit(series, &ada(), &mut unobserved).is_err());
    assert_eq!(snapshot(&path), before);
    assert_eq!(fs::read_dir(path.join("scans")).unwrap().count(), 1);
}

#[test]
fn only_an_empty_folder_becomes_a_patient() {
    let place = tempfile::tempdir().unwrap();
    let refused = |path: &Path, words: &str| {
        let error = PatientFolder::create(path, &ada()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    fs::write(place.path().join("scan.nii"), "x").unwrap();
    refused(place.path(), "not empty");
    refused(&place.path().join("scan.nii"), "cannot be written");
    assert!(!PatientFolder::is_one(place.path()));
    assert!(PatientFolder::open(place.path()).is_err());
    assert!(PatientFolder::open(&place.path().join("scan.nii")).is_err());
    assert!(PatientFolder::open(&place.path().join("missing")).is_err());
    let path = place.path().join("new/patient");
    drop(PatientFolder::create(&path, &ada()).unwrap());
    refused(&path, "already");
    assert!(PatientFolder::is_one(&path));
}

#[test]
fn a_record_of_a_later_version_is_shown_and_not_changed() {
    let (place, path, folder) = patient();
    drop(folder);
    let record = path.join("patient.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    json["schema"] = json!(99);
    json["later"] = json!({ "kept": true });
    fs::write(&record, json.to_string()).unwrap();
    let (mut folder, warnings) = PatientFolder::open(&path).unwrap();
    assert!(warnings.contains(&PatientWarning::ReadOnly(ReadOnly::Newer)));
    let before = snapshot(&path);
    let file = place.path().join("Doe_Jane_1.nii.gz");
    refuses_everything(&mut folder, &file, "later version");
    assert_eq!(snapshot(&path), before);
}

#[test]
fn a_damaged_record_is_one_error_that_names_the_record_before() {
    let (_place, path, folder) = patient();
    drop(folder);
    let record = path.join("patient.json");
    let whole = fs::read(&record).unwrap();
    fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    let error = PatientFolder::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("damaged") && error.contains("patient.json.bak"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1);
    fs::remove_file(&record).unwrap();
    assert!(PatientFolder::open(&path).is_err());
    // What the advice leads to.
    fs::rename(path.join("patient.json.bak"), &record).unwrap();
    let (folder, warnings) = PatientFolder::open(&path).unwrap();
    assert!(folder.record().visits.is_empty());
    assert!(warnings.contains(&PatientWarning::RecordChanged));
    let scan = path.join("scans/visit-1");
    assert!(warnings.contains(&PatientWarning::Unknown { path: scan }));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let (place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    let outside = place.path().join("outside");
    fs::rename(path.join("labels"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, path.join("labels")).unwrap();
    let before = snapshot(&outside);
    let error = folder.save_labels("visit-1", &edited(&labels(9)), &ada());
    assert!(error.unwrap_err().to_string().contains("link"));
    assert!(folder.read_labels("visit-1", 1).is_err());
    assert_eq!(snapshot(&outside), before);
    drop(folder);
    let (_, warnings) = PatientFolder::open(&path).unwrap();
    let missing = path.join("labels/visit-1-v1.nii.gz");
    assert!(warnings.contains(&PatientWarning::Missing { path: missing }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_damage_of_record_or_log_makes_opening_panic(
        at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..9), cut: bool, log: bool,
    ) {
        static WHOLE: std::sync::OnceLock<BTreeMap<String, Vec<u8>>> = std::sync::OnceLock::new();
        let whole = WHOLE.get_or_init(|| {
            let (_place, path, mut folder) = patient();
            folder.save_labels("visit-1", &draft(&labels(20)), &ada()).unwrap();
            drop(folder);
            snapshot(&path)
        });
        let mut files = whole.clone();
        let damaged = files.get_mut(if log { "audit.jsonl" } else { "patient.json" }).unwrap();
        let place = at.index(damaged.len());
        if cut {
            damaged.truncate(place);
        } else {
            damaged.splice(place..(place + bytes.len()).min(damaged.len()), bytes);
        }
        // The last line's end may be missing.
        let text = |files: &BTreeMap<String, Vec<u8>>, name: &str| files[name].trim_ascii_end().to_vec();
        let harmless = text(&files, "audit.jsonl") == text(whole, "audit.jsonl") && files["patient.json"] == whole["patient.json"];
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("p");
        restore(&path, &files);
        match PatientFolder::open(&path) {
            Ok((mut folder, warnings)) => {
                prop_assert!(harmless || !warnings.is_empty());
                drop(folder.accept("visit-1", &BTreeSet::new(), &ada()));
                drop(folder.verify(&mut unobserved));
            }
            Err(error) => prop_assert!(!log && error.to_string().lines().count() == 1, "{error}"),
        }
    }
}
