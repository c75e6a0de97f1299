use super::*;
use crate::patient::{AuditAction, AuditFault, NO_ENTRY_SHA256};
use std::fs;

fn event(n: usize) -> AuditEvent {
    let time = "2026-03-01T10:00:00Z".parse().unwrap();
    AuditEvent::new(time, "Ada", AuditAction::Edited, &"ab".repeat(32)).with("voxels_added", n)
}

/// A folder with a log of some entries, and the bytes of the log.
fn logged(count: usize) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..count {
        append_audit(folder.path(), event(n)).unwrap();
    }
    let bytes = fs::read(folder.path().join(AUDIT_FILE)).unwrap();
    (folder, bytes)
}

fn broken(folder: &Path) -> Option<u64> {
    read_audit(folder).unwrap().broken.map(|b| b.sequence)
}

#[test]
fn what_is_appended_is_read_as_a_chain() {
    let (folder, bytes) = logged(3);
    let record = read_audit(folder.path()).unwrap();
    assert_eq!((record.broken, record.warnings), (None, vec![]));
    assert_eq!(record.log.entries().len(), 3);
    assert_eq!(record.log.entries()[2].details["voxels_added"], "2");
    let of_file = read_audit(&folder.path().join(AUDIT_FILE)).unwrap();
    assert_eq!(of_file.log, record.log);
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with("}\n"));
}

#[test]
fn a_log_cut_anywhere_goes_on_after_its_last_whole_entry_and_loses_no_byte() {
    let (_folder, bytes) = logged(3);
    let ends: Vec<usize> = (0..bytes.len()).filter(|n| bytes[*n] == b'\n').collect();
    for cut in 0..bytes.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(AUDIT_FILE);
        fs::write(&path, &bytes[..cut]).unwrap();
        // An entry that lacks only the end of its line is whole.
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let torn = bytes[..cut].split(|b| *b == b'\n').next_back().unwrap();
        let torn = if ends.contains(&cut) { &[][..] } else { torn };
        let record = read_audit(folder.path()).unwrap();
        assert_eq!((record.broken, record.log.entries().len()), (None, whole));
        let told = record
            .warnings
            .contains(&AuditWarning::Torn { bytes: torn.len() });
        assert_eq!(told, !torn.is_empty());
        // Each append waits for the disk: those at the ends of lines, and some between.
        if cut % 41 != 0 && !ends.iter().any(|end| end.abs_diff(cut) < 2) {
            continue;
        }
        let (entry, warnings) = append_audit(folder.path(), event(9)).unwrap();
        assert_eq!(entry.sequence, whole as u64 + 1);
        let record = read_audit(folder.path()).unwrap();
        assert_eq!((record.broken, record.warnings), (None, vec![]));
        assert_eq!(record.log.entries().len(), whole + 1);
        let kept = folder.path().join("audit.jsonl.torn");
        if torn.is_empty() {
            assert!(warnings.is_empty() && !kept.exists());
        } else {
            let kept_bytes = torn.len();
            assert_eq!(fs::read(&kept).unwrap(), [torn, b"\n"].concat());
            assert_eq!(
                warnings,
                [AuditWarning::KeptAside {
                    bytes: kept_bytes,
                    path: kept
                }]
            );
        }
    }
}

#[test]
fn any_changed_byte_breaks_the_chain_or_is_told() {
    let (folder, bytes) = logged(2);
    let path = folder.path().join(AUDIT_FILE);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        let record = read_audit(&path).unwrap();
        assert!(
            record.broken.is_some() || !record.warnings.is_empty(),
            "byte {at}"
        );
    }
}

#[test]
fn lines_taken_out_or_put_in_break_the_chain() {
    let (folder, bytes) = logged(4);
    let path = folder.path().join(AUDIT_FILE);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let write = |order: &[&[u8]]| fs::write(&path, order.concat()).unwrap();
    write(&[lines[0], lines[2], lines[3]]);
    assert_eq!(broken(folder.path()), Some(2));
    write(&[lines[0], lines[2], lines[1], lines[3]]);
    assert_eq!(broken(folder.path()), Some(2));
    write(&[lines[0], lines[1], b"\n", lines[2], lines[3]]);
    assert_eq!(broken(folder.path()), Some(3));
    write(&[lines[0], b"{}\n", lines[1], b"\xff\n", lines[2], lines[3]]);
    let record = read_audit(folder.path()).unwrap();
    let found = record.broken.unwrap();
    assert!(matches!(found.fault, AuditFault::Line(_)));
    assert_eq!((found.sequence, record.log.entries().len()), (2, 4));
}

#[test]
fn nothing_follows_a_last_entry_that_was_changed() {
    let (folder, bytes) = logged(2);
    let path = folder.path().join(AUDIT_FILE);
    let text = String::from_utf8(bytes).unwrap();
    let start_of_last = text.trim_end().rfind('\n').unwrap();
    for forged in [
        text.replace("Ada", "Eve"),
        format!(
            "{}\n{}\n",
            &text[..start_of_last],
            "x".repeat(3 * MOST_LINE)
        ),
        "x".repeat(3 * MOST_LINE),
        "\n".to_owned(),
    ] {
        fs::write(&path, &forged).unwrap();
        let error = append_audit(folder.path(), event(3)).unwrap_err();
        assert!(matches!(error, Error::Audit { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), forged);
    }
}

#[test]
fn programs_that_append_at_once_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..10 {
                    append_audit(folder.path(), event(n)).unwrap();
                    assert_eq!(broken(folder.path()), None);
                }
            });
        }
    });
    let record = read_audit(folder.path()).unwrap();
    assert_eq!((record.broken, record.warnings), (None, vec![]));
    assert_eq!(record.log.entries().len(), 40);
}

#[test]
fn what_is_no_log_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(AUDIT_FILE);
    let error = read_audit(folder.path()).unwrap_err().to_string();
    assert!(error.contains("none is there") && error.ends_with(AUDIT_FILE));
    fs::write(&path, "").unwrap();
    let empty = read_audit(folder.path()).unwrap();
    assert_eq!(empty.warnings, [AuditWarning::Empty]);
    assert_eq!(empty.log.head_sha256(), NO_ENTRY_SHA256);
    File::create(&path)
        .unwrap()
        .set_len(MOST_BYTES + 1)
        .unwrap();
    assert!(read_audit(folder.path()).is_err());
    assert!(append_audit(folder.path(), event(0)).is_err());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(read_audit(folder.path()).is_err());
    assert!(append_audit(folder.path(), event(0)).is_err());
    assert!(append_audit(&folder.path().join("nowhere"), event(0)).is_err());
}

#[test]
fn an_entry_that_could_not_be_read_again_is_not_written() {
    let (folder, bytes) = logged(1);
    let long = event(1).with("note", "x".repeat(MOST_LINE));
    let mut far = event(1);
    far.time += Duration::from_secs(400_000_000_000);
    for event in [long, far] {
        assert!(append_audit(folder.path(), event).is_err());
    }
    assert_eq!(fs::read(folder.path().join(AUDIT_FILE)).unwrap(), bytes);
}
