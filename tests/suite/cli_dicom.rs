//! `schwann export` and `schwann convert` on DICOM objects, as a user runs them.
use super::io_dicom_out::golden;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn schwann(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = schwann(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn labels_go_out_as_dicom_and_come_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let (seg, rt, back) = (at("seg.dcm"), at("rt.dcm"), at("back.nii.gz"));
    let exported = json(&[
        "export",
        word(&series),
        "--labels",
        word(&labels),
        "--seg",
        word(&seg),
        "--rtstruct",
        word(&rt),
        "--json",
    ]);
    assert_eq!(exported["state"], "draft");
    assert_eq!(exported["made"], "AUTOMATIC");
    assert_eq!(exported["written"].as_array().unwrap().len(), 2);
    let sha256 = |path: &Path| json(&["inspect", word(path), "--json"])["voxels_sha256"].clone();
    for object in [&seg, &rt] {
        let converted = json(&[
            "convert",
            word(object),
            "--series",
            word(&series),
            "-o",
            word(&back),
            "--json",
        ]);
        assert_eq!(converted["regions"].as_array().unwrap().len(), 5);
        assert_eq!(converted["structures"][0]["side"], "left");
        assert_eq!(sha256(&back), sha256(&labels));
    }
}

#[test]
fn what_cannot_be_exported_or_converted_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.dcm");
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let other = super::io_dicom_bench::golden("oblique.zip");
    let status = |arguments: &[&str], words: &str| {
        let output = schwann(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{said}");
        output.status.code()
    };
    let base = ["export", word(&series), "--labels", word(&labels)];
    let with = |more: &[&'static str]| -> Vec<String> {
        let words = base.iter().chain(more).map(|w| (*w).to_owned());
        words.collect()
    };
    let run = |arguments: Vec<String>, words: &str| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        status(&arguments, words)
    };
    assert_eq!(run(with(&[]), "--seg"), Some(2));
    let unsigned = with(&["--seg", "x.dcm", "--state", "accepted"]);
    assert_eq!(run(unsigned, "--by"), Some(2));
    assert_eq!(run(with(&["--seg", "x.nii"]), ".dcm"), Some(1));
    let elsewhere = ["export", word(&other), "--labels", word(&labels)];
    let elsewhere = [&elsewhere[..], &["--seg", word(&out)]].concat();
    assert_eq!(status(&elsewhere, "do not lie on the voxels"), Some(1));
    let seg = golden("seg_binary.dcm");
    let nifti = folder.path().join("out.nii.gz");
    let alone = ["convert", word(&seg), "-o", word(&nifti)];
    assert_eq!(status(&alone, "--series FOLDER"), Some(1));
    let wrong = [&alone[..], &["--series", word(&other)]].concat();
    assert_eq!(status(&wrong, "another space"), Some(1));
    assert!(!out.exists() && !nifti.exists());
}
