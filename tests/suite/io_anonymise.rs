//! Copies of series without identity: same voxels, same intervals, nothing written over, files of others left out by name.
use super::io_dicom_bench::{element, files_of, find, golden, unpacked};
use schwann::io::{
    Anonymise, AnonymiseReport, Dates, Error, Inspected, Keeping, Secret, anonymise,
    inspect_or_list, scan_folder,
};
use schwann::volume::{Progress, unobserved};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

fn how(secret: &Secret) -> Anonymise {
    Anonymise {
        keeping: Keeping::default(),
        pseudonym: None,
        secret: secret.clone(),
    }
}

fn copy(input: &Path, output: &Path, how: &Anonymise) -> AnonymiseReport {
    anonymise(&[input.to_owned()], output, how, &mut unobserved).unwrap()
}

/// Files below a folder, by name.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The hash of the voxels of the only series that a path holds.
fn voxels(path: &Path) -> String {
    match inspect_or_list(path, None, &mut unobserved).unwrap() {
        Inspected::Scan(scan) => scan.voxels_sha256,
        _ => panic!("{} is not one scan", path.display()),
    }
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|w| w == what)
}

#[test]
fn the_voxels_of_every_transfer_syntax_stay_as_they_were() {
    let secret = Secret::random().unwrap();
    for case in [
        "oblique",
        "coronal_big_endian",
        "sagittal_implicit",
        "deflated",
        "enhanced",
        "mosaic",
        "rle",
        "jpeg_baseline",
        "jpeg_lossless",
        "jpeg_ls",
        "jpeg2000",
        "htj2k",
        "unknown_sequence",
        "without_preamble",
        "japanese",
        "modality_lut",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let input = golden(&format!("{case}.zip"));
        let report = copy(&input, folder.path(), &how(&secret));
        let expected = match case {
            // The scanner's own marks, which are private, tell how many slices a mosaic has.
            "mosaic" => None,
            _ => Some(voxels(&input)),
        };
        assert!(report.left_out.is_empty(), "{case}: {:?}", report.left_out);
        assert_eq!(report.copied, report.files, "{case}");
        if let Some(expected) = expected {
            assert_eq!(voxels(folder.path()), expected, "{case}");
        }
    }
}

#[test]
fn names_of_files_and_folders_tell_nothing() {
    let series = unpacked("oblique");
    let named = series.path().join("Doe_Jane_4711.dcm");
    let first = files(series.path()).into_keys().next().unwrap();
    std::fs::rename(first, named).unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy(
        series.path(),
        folder.path(),
        &how(&Secret::random().unwrap()),
    );
    for path in files(folder.path()).into_keys() {
        let path = path
            .strip_prefix(folder.path())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        // The number alone may stand in a UID by chance.
        let tells = ["Doe", "Jane", "_4711"].iter().any(|w| path.contains(w));
        assert!(!tells, "{path}");
        assert!(path.starts_with("ANON-"), "{path}");
    }
}

/// A file of a series at another date, with another study.
fn at(date: &str, study: &str) -> Vec<(String, Vec<u8>)> {
    files_of("oblique")
        .into_iter()
        .map(|(name, mut bytes)| {
            for tag in [b"\x08\x00\x20\x00DA", b"\x08\x00\x21\x00DA"] {
                if let Some(at) = bytes.windows(6).position(|w| w == tag) {
                    bytes[at + 8..at + 16].copy_from_slice(date.as_bytes());
                }
            }
            let at = find(&bytes, b"\x20\x00\x0d\x00UI");
            let length = usize::from(bytes[at + 6]);
            let uid = format!("{study:<length$}").replace(' ', "\0");
            bytes[at + 8..at + 8 + length].copy_from_slice(uid.as_bytes());
            (name, bytes)
        })
        .collect()
}

fn days(date: &str) -> i64 {
    let date: chrono::NaiveDate = date.parse().unwrap();
    date.signed_duration_since(chrono::NaiveDate::default())
        .num_days()
}

#[test]
fn visits_of_several_runs_stay_linked_and_keep_their_interval() {
    let secret = Secret::random().unwrap();
    let output = tempfile::tempdir().unwrap();
    for (date, study) in [("20240229", "1.2.3.1"), ("20250301", "1.2.3.2")] {
        let input = tempfile::tempdir().unwrap();
        for (name, bytes) in at(date, study) {
            std::fs::write(input.path().join(name), bytes).unwrap();
        }
        copy(input.path(), output.path(), &how(&secret));
    }
    let library = scan_folder(&[output.path().to_owned()], &mut unobserved).unwrap();
    assert_eq!(library.patients.len(), 1);
    let mut dates: Vec<String> = library.patients[0]
        .studies
        .iter()
        .map(|s| s.date.clone().unwrap())
        .collect();
    dates.sort();
    assert_eq!(dates.len(), 2);
    assert_eq!(days(&dates[1]) - days(&dates[0]), 366);
    assert!(days(&dates[0]) <= days("2023-03-01"), "{dates:?}");

    // Another secret makes another patient of them.
    let other = tempfile::tempdir().unwrap();
    let input = unpacked("oblique");
    let first = copy(input.path(), other.path(), &how(&secret));
    let second = copy(input.path(), other.path(), &how(&Secret::random().unwrap()));
    assert_ne!(first.patients[0].pseudonym, second.patients[0].pseudonym);
}

#[test]
fn removed_dates_leave_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut how = how(&Secret::random().unwrap());
    how.keeping.dates = Dates::Removed;
    let input = unpacked("oblique");
    copy(input.path(), folder.path(), &how);
    let library = scan_folder(&[folder.path().to_owned()], &mut unobserved).unwrap();
    assert_eq!(library.patients[0].studies[0].date, None);
}

#[test]
fn broken_files_and_those_of_others_are_listed_and_the_rest_is_copied() {
    let input = unpacked("oblique");
    let whole = files(input.path()).len();
    let (_, bytes) = files_of("oblique").swap_remove(0);
    let with = |name: &str, bytes: &[u8]| std::fs::write(input.path().join(name), bytes).unwrap();
    with("truncated", &bytes[..bytes.len() - 100]);
    with("text.txt", b"a letter");
    with("again", &bytes);
    with("empty", b"");
    let document = [
        &bytes[..find(&bytes, b"\x10\x00\x10\x00PN")],
        b"\x40\x00\x30\xa7SQ\0\0\0\0\0\0",
        &bytes[find(&bytes, b"\x10\x00\x10\x00PN")..],
    ]
    .concat();
    with("report", &document);
    let folder = tempfile::tempdir().unwrap();
    let report = copy(
        input.path(),
        folder.path(),
        &how(&Secret::random().unwrap()),
    );
    assert_eq!(report.copied, whole, "{:?}", report.left_out);
    assert_eq!(report.files, whole + 5);
    let why = |name: &str| {
        let left = report.left_out.iter().find(|l| l.file.ends_with(name));
        left.map(|l| l.reason.clone()).unwrap_or_default()
    };
    assert!(
        why("truncated").contains("ends too early")
            || why("truncated").contains("same SOP Instance")
    );
    assert!(why("text.txt").contains("not a DICOM file"));
    assert!(
        why("report").contains("free words"),
        "{:?}",
        report.left_out
    );
    assert!(why("empty").contains("DICOM"));
    // One of the two that are the same was left out.
    assert_eq!(report.left_out.len(), 5);
    assert!(files(folder.path()).values().all(|b| !b.is_empty()));
    assert!(
        files(folder.path())
            .keys()
            .all(|p| p.extension().is_some_and(|e| e == "dcm"))
    );
}

#[test]
fn inputs_are_never_written_over() {
    let input = unpacked("oblique");
    let before = files(input.path());
    let how = how(&Secret::random().unwrap());
    let inside = input.path().join("copy");
    let fails = |inputs: &[PathBuf], output: &Path| {
        let error = anonymise(inputs, output, &how, &mut unobserved).unwrap_err();
        assert!(matches!(error, Error::Anonymise { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    };
    fails(&[input.path().to_owned()], &inside);
    fails(&[input.path().to_owned()], &inside.join("deeper"));
    assert!(!inside.exists());
    fails(&[input.path().to_owned()], input.path());
    let one = before.keys().next().unwrap().clone();
    fails(std::slice::from_ref(&one), &one);
    let dcm = input.path().join("x.dcm");
    std::fs::copy(&one, &dcm).unwrap();
    fails(std::slice::from_ref(&dcm), &dcm);
    assert_eq!(std::fs::read(&dcm).unwrap(), before[&one]);
    for (path, bytes) in before {
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }
}

#[test]
fn one_pseudonym_is_for_one_patient_and_holds_no_path() {
    let folder = tempfile::tempdir().unwrap();
    let mut how = how(&Secret::random().unwrap());
    for name in [
        "", "../up", "a/b", "Jäger", "a\\b", ".hidden", "a^b", "end.",
    ] {
        how.pseudonym = Some(name.to_owned());
        let error = anonymise(
            &[golden("oblique.zip")],
            folder.path(),
            &how,
            &mut unobserved,
        );
        assert!(matches!(error, Err(Error::Anonymise { .. })), "{name}");
    }
    assert!(files(folder.path()).is_empty());
    how.pseudonym = Some("VS-01".to_owned());
    let two = tempfile::tempdir().unwrap();
    for (n, id) in [(0, b"1   "), (1, b"2   ")] {
        let (name, mut bytes) = files_of("oblique").swap_remove(n);
        let at = find(&bytes, b"\x10\x00\x20\x00LO");
        let end = at + 8 + usize::from(bytes[at + 6]);
        bytes.splice(at..end, element([0x10, 0x20], *b"LO", id));
        std::fs::write(two.path().join(name), bytes).unwrap();
    }
    let error = anonymise(
        &[two.path().to_owned()],
        folder.path(),
        &how,
        &mut unobserved,
    );
    assert!(error.unwrap_err().to_string().contains("2 patients"));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_copy_that_is_stopped_says_so_and_leaves_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut stop = |p: Progress| {
        if p.stage == "writing copies" && p.fraction > 0.4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let how = how(&Secret::random().unwrap());
    let stopped = anonymise(&[golden("oblique.zip")], folder.path(), &how, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert!(!files(folder.path()).is_empty());
    assert!(
        files(folder.path())
            .keys()
            .all(|p| p.extension().is_some_and(|e| e == "dcm"))
    );
}

#[test]
fn text_in_the_pixels_and_faces_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let input = tempfile::tempdir().unwrap();
    let (_, bytes) = files_of("oblique").swap_remove(0);
    let end = bytes
        .windows(6)
        .position(|w| w == b"\xe0\x7f\x10\x00OW")
        .unwrap();
    let said = [
        &bytes[..end],
        &element([0x28, 0x0301], *b"CS", b"YES ")[..],
        &bytes[end..],
    ]
    .concat();
    std::fs::write(input.path().join("burned"), said).unwrap();
    let report = copy(
        input.path(),
        folder.path(),
        &how(&Secret::random().unwrap()),
    );
    assert!(
        report.warnings.iter().any(|w| w.contains("burned into")),
        "{:?}",
        report.warnings
    );
    assert!(
        report.warnings.iter().any(|w| w.contains("face")),
        "{:?}",
        report.warnings
    );
}

#[test]
fn the_command_copies_reports_and_keeps_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let run = |output: &str, more: &[&str]| {
        let input = golden("oblique.zip");
        let output = path(output);
        let secret = path("secret");
        let mut arguments = vec![
            "anonymise",
            "--json",
            input.to_str().unwrap(),
            "-o",
            &output,
            "--secret",
            &secret,
        ];
        arguments.extend(more);
        let done = Command::new(env!("CARGO_BIN_EXE_schwann"))
            .args(arguments)
            .output()
            .unwrap();
        let json: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        (
            done.status.code(),
            json,
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let (code, json, errors) = run("a", &[]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(json["copied"], json["files"]);
    assert!(errors.contains("face"), "{errors}");
    let (_, again, _) = run(
        "b",
        &[
            "--keep-descriptions",
            "--keep-device",
            "--keep-characteristics",
        ],
    );
    assert_eq!(json["patients"], again["patients"]);
    let (first, second) = (files(Path::new(&path("a"))), files(Path::new(&path("b"))));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>, root: &str| -> Vec<PathBuf> {
        files
            .keys()
            .map(|p| p.strip_prefix(path(root)).unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first, "a"), names(&second, "b"));
    let (code, _, errors) = run("c", &["--keep-dates", "removed", "--pseudonym", "a/b"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("pseudonym"), "{errors}");
    let (code, ..) = run("d", &["--keep-dates", "all"]);
    assert_eq!(code, Some(2));
    let name = b"PatientName";
    assert!(!first.values().any(|b| has(b, name)));
}

/// Another program's word that the copies are no worse DICOM than what they were made from.
#[test]
fn a_validator_finds_no_new_errors() {
    let found = |path: &Path| {
        let done = Command::new("dciodvfy").arg(path).output().ok()?;
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        let mut errors: Vec<String> = text
            .lines()
            .filter(|l| l.starts_with("Error"))
            .map(ToOwned::to_owned)
            .collect();
        errors.sort();
        errors.dedup();
        Some(errors)
    };
    for case in [
        "oblique",
        "coronal_big_endian",
        "sagittal_implicit",
        "enhanced",
        "jpeg2000",
    ] {
        for dates in [Dates::Shifted, Dates::Removed] {
            let input = unpacked(case);
            let folder = tempfile::tempdir().unwrap();
            let mut how = how(&Secret::random().unwrap());
            how.keeping.dates = dates;
            copy(input.path(), folder.path(), &how);
            let before = files(input.path()).into_keys().next().unwrap();
            let Some(before) = found(&before) else {
                println!("skipped: dciodvfy (package dicom3tools) is not installed");
                return;
            };
            for after in files(folder.path()).into_keys() {
                let new: Vec<String> = found(&after)
                    .unwrap()
                    .into_iter()
                    .filter(|e| !before.contains(e))
                    .collect();
                assert!(new.is_empty(), "{case} {dates:?}: {new:?}");
            }
        }
    }
}
