//! A patient's folder after the program was killed, or the disk was full, at any moment.
use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schwann::io::{PatientWarning, ReadOnly, read_audit};
use schwann::patient::ReviewState;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What the process that a test starts finds the folder by.
const FOLDER: &str = "SCHWANN_TEST_PATIENT";

/// This test program once more, to run one of its tests.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            &format!("patient_folder::killed::{test}"),
            "--exact",
            "--nocapture",
        ])
        .env(FOLDER, folder);
    command
}

/// Changes a patient until it is killed, and prints every result that it was told is accepted.
#[test]
fn a_process_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let (mut folder, _) = PatientFolder::open(&path).unwrap();
    assert_eq!(folder.read_only(), None);
    println!("READY");
    let file = path.with_file_name("Doe_Jane_1.nii.gz");
    let salt = folder.record().visits.len();
    for n in (salt * 7).. {
        let visit = add(&mut folder, &file, 1).unwrap();
        let results = serde_json::json!({ "n": n });
        let save =
            |folder: &mut PatientFolder, tumour: usize, new: fn(&LabelMap) -> NewLabels<'_>| {
                let map = labels(tumour);
                let new = NewLabels {
                    results: Some(&results),
                    ..new(&map)
                };
                folder.save_labels(&visit, &new, &ada()).unwrap();
            };
        save(&mut folder, 10 + n % 100, draft);
        save(&mut folder, 11 + n % 100, edited);
        save(&mut folder, 12 + n % 100, edited);
        folder.accept(&visit, &BTreeSet::from([n]), &ada()).unwrap();
        let version = folder.record().visit(&visit).unwrap().current().unwrap();
        println!(
            "ACCEPTED {visit} {} {}",
            version.version, version.labels.sha256
        );
        folder.reopen(&visit, &ada()).unwrap();
        save(&mut folder, 13 + n % 100, edited);
        if n % 3 == 0 {
            folder.remove_visit(&visit, &ada()).unwrap();
        }
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_patient_that_opens_and_nothing_accepted_is_lost() {
    // In memory where there is such a disk: a process that is killed leaves the same there, and comes further in the time.
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let (_place, path, folder) = patient_in(place.unwrap());
    drop(folder);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut accepted: Vec<(String, u32, String)> = Vec::new();
    let (mut finished, mut unknown) = (0, 0);
    for round in 0..36 {
        let mut running = child("a_process_that_writes_until_it_is_killed", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|l| l.contains("READY"));
        assert!(ready, "round {round}: the patient could not be changed");
        std::thread::sleep(Duration::from_micros(random.random_range(0..120_000)));
        running.kill().unwrap();
        running.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ACCEPTED", visit, version, hash] = words[..]
                && hash.len() == 64
            {
                accepted.push((visit.to_owned(), version.parse().unwrap(), hash.to_owned()));
            }
        }
        // Before anything is repaired, and after.
        let seen = PatientFolder::open_to_read(&path).unwrap().0;
        let (folder, warnings) = PatientFolder::open(&path).unwrap();
        assert_eq!(seen.record(), folder.record(), "round {round}");
        assert_eq!(folder.read_only(), None);
        for warning in &warnings {
            match warning {
                PatientWarning::Finished => finished += 1,
                PatientWarning::Unknown { .. } | PatientWarning::UnknownMore { .. } => unknown += 1,
                other => panic!("round {round}: {other}"),
            }
        }
        // The log's last line may be torn; that is no entry, and the next one keeps it aside.
        let told = folder.verify(&mut unobserved).unwrap();
        let torn = |w: &PatientWarning| w.to_string().contains("not written to its end");
        assert!(told.iter().all(torn), "round {round}: {told:?}");
        for (visit, version, hash) in &accepted {
            still_accepted(&folder, &path, visit, *version, hash);
        }
    }
    assert!(!accepted.is_empty(), "no round came as far as accepting");
    let log = read_audit(&path).unwrap();
    assert_eq!(log.broken, None);
    println!(
        "36 kills: {} results accepted, {finished} changes finished, {unknown} times files that no record names; {} log entries",
        accepted.len(),
        log.log.entries().len()
    );
}

/// In the record, or with a visit that was taken out, wherever its files had come when the kill came.
fn still_accepted(folder: &PatientFolder, path: &Path, id: &str, version: u32, hash: &str) {
    let removed = || {
        let kept = fs::read(path.join(format!("removed/{id}.json"))).unwrap();
        serde_json::from_slice::<schwann::patient::VisitRecord>(&kept).unwrap()
    };
    let in_record = folder.record().visit(id).cloned();
    let present = in_record.is_some();
    let visit = in_record.unwrap_or_else(removed);
    let version = visit.version(version).unwrap();
    assert_eq!(version.review, Review::Accepted(ada()));
    assert_eq!(version.labels.sha256, hash);
    if present {
        let read = folder.read_labels(id, version.version).unwrap().0;
        assert!(read.labels().contains(&1));
    } else {
        let name = version.labels.path.strip_prefix("labels/").unwrap();
        assert!(path.join(format!("removed/{id}/{name}")).is_file());
    }
}

#[test]
fn a_change_without_its_entry_did_not_happen_and_one_with_it_is_finished() {
    let (_place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    let before = snapshot(&path);
    let old = folder.record().clone();
    folder
        .save_labels("visit-1", &edited(&labels(30)), &ada())
        .unwrap();
    folder.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    let after = snapshot(&path);
    let new = folder.record().clone();
    drop(folder);

    // Everything but the log and the record's rename.
    let mut cut = after.clone();
    for name in ["patient.json", "audit.jsonl"] {
        cut.insert(name.to_owned(), before[name].clone());
    }
    cut.insert(
        "patient.json.next".to_owned(),
        after["patient.json"].clone(),
    );
    restore(&path, &cut);
    let (mut folder, warnings) = PatientFolder::open(&path).unwrap();
    assert_eq!(folder.record(), &old);
    let orphan = path.join("labels/visit-1-v2.nii.gz");
    assert_eq!(
        warnings,
        [PatientWarning::Unknown {
            path: orphan.clone()
        }]
    );
    // Nor is the orphan written over.
    let kept = fs::read(&orphan).unwrap();
    folder
        .save_labels("visit-1", &edited(&labels(33)), &ada())
        .unwrap();
    assert_eq!(fs::read(&orphan).unwrap(), kept);
    drop(folder);

    // Everything but the record's rename.
    cut.insert("audit.jsonl".to_owned(), after["audit.jsonl"].clone());
    for missing in [false, true] {
        if missing {
            cut.remove("patient.json");
        }
        restore(&path, &cut);
        let (folder, warnings) = PatientFolder::open_to_read(&path).unwrap();
        assert_eq!(folder.record(), &new);
        assert_eq!(warnings, [PatientWarning::Finished]);
        assert_eq!(snapshot(&path), cut);
        let (folder, warnings) = PatientFolder::open(&path).unwrap();
        assert_eq!(folder.record(), &new);
        assert_eq!(warnings, [PatientWarning::Finished]);
        assert_eq!(folder.verify(&mut unobserved).unwrap(), []);
        drop(folder);
        opened(&path);
    }
}

#[test]
fn a_log_cut_off_in_the_middle_of_an_entry_has_not_got_it() {
    let (_place, path, folder) = patient();
    let old = folder.record().clone();
    drop(folder);
    let before = snapshot(&path);
    let mut folder = opened(&path);
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    drop(folder);
    let after = snapshot(&path);
    let (short, long) = (before["audit.jsonl"].len(), after["audit.jsonl"].len());
    for length in (short..long - 1).step_by(97) {
        let mut cut = before.clone();
        cut.insert(
            "audit.jsonl".to_owned(),
            after["audit.jsonl"][..length].to_vec(),
        );
        cut.insert(
            "patient.json.next".to_owned(),
            after["patient.json"].clone(),
        );
        restore(&path, &cut);
        let mut folder = opened(&path);
        assert_eq!(folder.record(), &old, "{length}");
        folder
            .save_labels("visit-1", &draft(&labels(20)), &ada())
            .unwrap();
        assert_eq!(folder.verify(&mut unobserved).unwrap(), []);
    }
}

#[test]
fn a_beginning_that_was_cut_off_can_be_begun_again() {
    let (_place, path, folder) = patient();
    drop(folder);
    let whole = snapshot(&path);
    let mut cut = BTreeMap::new();
    cut.insert(
        "patient.json.next".to_owned(),
        whole["patient.json.bak"].clone(),
    );
    restore(&path, &cut);
    fs::create_dir(path.join("scans")).unwrap();
    drop(PatientFolder::create(&path, &ada()).unwrap());
    opened(&path);
}

/// Fills the disk that the folder lies on.
#[test]
fn a_process_that_fills_the_disk() {
    let Some(path) = std::env::var_os(FOLDER).map(|p| PathBuf::from(p).join("full")) else {
        return;
    };
    let source = tempfile::tempdir().unwrap();
    let file = scan_file(source.path(), 1);
    let mut folder = PatientFolder::create(&path, &ada()).unwrap();
    add(&mut folder, &file, 1).unwrap();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    folder.accept("visit-1", &BTreeSet::new(), &ada()).unwrap();
    let mut failed = 0;
    let noise: Vec<u32> = (0..3000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761))
        .collect();
    for n in 0..4000 {
        let results = serde_json::json!({ "noise": noise, "n": n });
        let map = labels(n % 90);
        let before = folder.record().clone();
        // Every other save is small, so that the disk is full at other moments too.
        let results = (n % 2 == 0).then_some(&results);
        let new = NewLabels {
            results,
            ..draft(&map)
        };
        match folder.save_labels("visit-1", &new, &ada()) {
            Ok(_) => {}
            Err(error) => {
                assert!(error.to_string().contains("cannot be written"), "{error}");
                assert_eq!(folder.record(), &before);
                failed += 1;
            }
        }
        if failed == 20 {
            break;
        }
    }
    assert_eq!(failed, 20, "the disk did not fill");
    let left = folder.record().clone();
    drop(folder);
    let (folder, warnings) = PatientFolder::open(&path).unwrap();
    assert_eq!((folder.record(), warnings), (&left, vec![]));
    assert_eq!(folder.verify(&mut unobserved).unwrap(), []);
    let first = folder
        .record()
        .visit("visit-1")
        .unwrap()
        .version(1)
        .unwrap();
    assert_eq!(first.review.state(), ReviewState::Accepted);
    println!("FULL {}", left.visits[0].versions.len());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_what_was_saved_and_says_so() {
    let place = tempfile::tempdir().unwrap();
    let inner = child("a_process_that_fills_the_disk", place.path());
    let script = "mount -t tmpfs -o size=1m none \"$0\" || exit 77; exec \"$@\"";
    let mut outer = Command::new("unshare");
    outer.args(["-m", "sh", "-c", script]).arg(place.path());
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env(FOLDER, place.path());
    let Ok(output) = outer.output() else {
        return println!("skipped: no unshare here");
    };
    if matches!(output.status.code(), Some(77 | 1)) && output.stdout.is_empty() {
        return println!("skipped: a small disk cannot be mounted here");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("FULL "), "{text}");
}

/// Opens a folder that it must not write.
#[test]
fn a_process_that_may_only_read() {
    let Some(path) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let (mut folder, warnings) = PatientFolder::open(&path).unwrap();
    let [PatientWarning::ReadOnly(ReadOnly::NotWritable { .. })] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert_eq!(folder.read_labels("visit-1", 1).unwrap().0, labels(20));
    let error = folder
        .accept("visit-1", &BTreeSet::new(), &ada())
        .unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    println!("READ");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_shown_and_says_so() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let (place, path, mut folder) = patient();
    folder
        .save_labels("visit-1", &draft(&labels(20)), &ada())
        .unwrap();
    drop(folder);
    let before = snapshot(&path);
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(place.path(), 0o755);
    for entry in walkdir::WalkDir::new(&path).contents_first(true) {
        let entry = entry.unwrap();
        allow(
            entry.path(),
            if entry.file_type().is_dir() {
                0o555
            } else {
                0o444
            },
        );
    }
    let mut command = child("a_process_that_may_only_read", &path);
    // Permissions mean nothing to root.
    if fs::metadata(&path).unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let output = command.output();
    for entry in walkdir::WalkDir::new(&path) {
        allow(entry.unwrap().path(), 0o755);
    }
    let Ok(output) = output else {
        return println!("skipped: no other user can run this test");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("READ"), "{text}");
    assert_eq!(snapshot(&path), before);
}
