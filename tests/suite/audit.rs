//! `schwann audit` as a user runs it.
use schwann::{
    io::{AUDIT_FILE, append_audit},
    patient::{AuditAction, AuditEvent},
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schwann"))
        .arg("audit")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A patient's folder with a log of three entries.
fn patient() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let time = "2026-03-01T10:00:00Z".parse().unwrap();
    let event = |action| AuditEvent::new(time, "Dr Ada", action, &"ab".repeat(32));
    for event in [
        event(AuditAction::ScanOpened),
        event(AuditAction::Segmented).with("model", "segmenter 0.4.0"),
        event(AuditAction::Edited).with("voxels_added", 120),
    ] {
        append_audit(folder.path(), event).unwrap();
    }
    folder
}

fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join(AUDIT_FILE);
    let content = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, content.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_whole_log_is_printed_in_words_and_as_json() {
    let patient = patient();
    let folder = patient.path().to_str().unwrap();
    let output = audit(&[folder]);
    assert!(output.status.success());
    let words = text(&output.stdout);
    assert!(words.contains(
        "2026-03-01 10:00:00 UTC  segmented by Dr Ada, scan abababababab, model segmenter 0.4.0"
    ));
    assert!(words.contains("3 entries, and the chain holds"));
    let file = patient.path().join(AUDIT_FILE);
    for path in [folder, file.to_str().unwrap()] {
        let output = audit(&[path, "--json"]);
        assert!(output.status.success() && output.stderr.is_empty());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["intact"], true);
        assert_eq!(json["broken_at"], Value::Null);
        assert_eq!(json["reason"], Value::Null);
        assert_eq!(json["warnings"], Value::Array(vec![]));
        let entries = json["entries"].as_array().unwrap();
        assert_eq!(entries[2]["sequence"], 3);
        assert_eq!(entries[2]["action"], "edited");
        assert_eq!(entries[2]["time"], "2026-03-01T10:00:00.000Z");
        assert_eq!(entries[2]["details"]["voxels_added"], "120");
        assert_eq!(entries[2]["previous_sha256"], entries[1]["sha256"]);
        assert_eq!(json["head_sha256"], entries[2]["sha256"]);
    }
}

#[test]
fn a_broken_log_is_printed_and_the_status_says_so() {
    let patient = patient();
    let folder = patient.path().to_str().unwrap();
    change(patient.path(), "segmenter 0.4.0", "segmenter 0.3.0");
    for json in [false, true] {
        let arguments = [folder, "--json"];
        let output = audit(&arguments[..if json { 2 } else { 1 }]);
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("entry 2 was changed"), "{error}");
        assert!(error.trim_end().ends_with(AUDIT_FILE), "{error}");
        if json {
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(found["intact"], false);
            assert_eq!(found["broken_at"], 2);
            assert!(found["reason"].as_str().unwrap().contains("entry 2"));
            assert_eq!(found["entries"].as_array().unwrap().len(), 3);
        } else {
            assert!(text(&output.stdout).contains("The chain is broken: entry 2"));
        }
    }
}

#[test]
fn a_torn_end_is_told_and_a_missing_log_is_an_error() {
    let patient = patient();
    let folder = patient.path().to_str().unwrap();
    let file = patient.path().join(AUDIT_FILE);
    let content = std::fs::read(&file).unwrap();
    std::fs::write(&file, &content[..content.len() - 9]).unwrap();
    let output = audit(&[folder, "--json"]);
    assert!(output.status.success());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["entries"].as_array().unwrap().len(), 2);
    assert!(
        json["warnings"][0]
            .as_str()
            .unwrap()
            .contains("not written to its end")
    );
    assert!(text(&output.stderr).starts_with("warning: "));
    std::fs::remove_file(&file).unwrap();
    let output = audit(&[folder, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = text(&output.stderr);
    assert!(
        error.contains("none is there") && error.lines().count() == 1,
        "{error}"
    );
    assert_eq!(audit(&[]).status.code(), Some(2));
}
