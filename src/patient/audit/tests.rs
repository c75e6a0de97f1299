use super::*;
use proptest::prelude::*;

fn event(at: i64, who: &str, action: AuditAction) -> AuditEvent {
    let time = DateTime::from_timestamp_millis(1_772_360_000_000 + at * 1000).unwrap();
    AuditEvent::new(time, who, action, &"ab".repeat(32))
}

fn log(count: i64) -> Vec<AuditEntry> {
    let mut log = AuditLog::new();
    for at in 0..count {
        let event = event(at, "Ada", AuditAction::Edited);
        log.append(event.with("voxels_added", at * 7).with("voxels_removed", 3));
    }
    log.entries().to_vec()
}

fn broken_at(entries: &[AuditEntry]) -> Option<u64> {
    verify_audit(entries).err().map(|b| b.sequence)
}

/// What somebody does who changes an entry and knows how its hash is made.
fn rehashed(mut entry: AuditEntry) -> AuditEntry {
    entry.sha256 = entry.content_sha256();
    entry
}

#[test]
fn a_log_that_was_only_appended_to_is_a_chain() {
    let entries = log(5);
    assert_eq!(verify_audit(&entries), Ok(()));
    assert_eq!(entries[0].previous_sha256, NO_ENTRY_SHA256);
    assert_eq!(entries[4].previous_sha256, entries[3].sha256);
    let log = AuditLog::from_entries(entries.clone());
    assert_eq!(log.head_sha256(), entries[4].sha256);
    assert_eq!(AuditLog::new().head_sha256(), NO_ENTRY_SHA256);
    assert_eq!(AuditLog::new().verify(), Ok(()));
}

#[test]
fn the_hash_is_that_of_the_text_that_the_documentation_tells() {
    let entry = AuditEntry::after(
        None,
        event(0, "Ada \"λ\"\n\u{1f}\u{7f}/", AuditAction::ScanOpened)
            .with("z", "2")
            .with("a", "1"),
    );
    // Made with Python: json.dumps(entry, separators=(",", ":"), ensure_ascii=False), hashlib.sha256(text.encode()).
    assert_eq!(
        entry.sha256,
        "55352630280d67e6e9b5e5ce70afcba69e6be2ad537f98a72233f6e08d813722"
    );
    let end = format!(r#","sha256":"{}"}}"#, entry.sha256);
    let line = entry.to_line();
    let text = line.strip_suffix(&end).unwrap().to_owned() + "}";
    assert_eq!(format!("{:x}", Sha256::digest(text)), entry.sha256);
}

#[test]
fn a_changed_entry_is_noticed_whatever_was_changed() {
    let changes: [fn(&mut AuditEntry); 7] = [
        |e| e.time += chrono::TimeDelta::milliseconds(1),
        |e| e.who = "Eve".to_owned(),
        |e| e.action = AuditAction::Accepted,
        |e| e.subject = "cd".repeat(32),
        |e| e.details = BTreeMap::new(),
        |e| e.previous_sha256 = NO_ENTRY_SHA256.to_owned(),
        |e| e.sequence += 1,
    ];
    for change in changes {
        let mut entries = log(5);
        change(&mut entries[2]);
        assert_eq!(broken_at(&entries), Some(3));
        // With a new hash of its own the next entry does not follow it any more.
        entries[2] = rehashed(entries[2].clone());
        assert!(matches!(broken_at(&entries), Some(3 | 4)));
    }
    let mut entries = log(5);
    entries[4].sha256 = "0".repeat(64);
    assert_eq!(broken_at(&entries), Some(5));
}

#[test]
fn entries_taken_out_put_in_or_moved_are_noticed() {
    for at in 0..4 {
        let mut entries = log(5);
        entries.remove(at);
        assert_eq!(broken_at(&entries), Some(at as u64 + 1));
        // Numbers written anew do not help.
        for (sequence, entry) in (1..).zip(&mut entries) {
            entry.sequence = sequence;
            *entry = rehashed(entry.clone());
        }
        assert_eq!(broken_at(&entries), Some(at as u64 + 1));
    }
    let mut entries = log(5);
    entries.insert(2, entries[2].clone());
    assert_eq!(broken_at(&entries), Some(4));
    let mut entries = log(5);
    entries.swap(1, 2);
    assert_eq!(broken_at(&entries), Some(2));
}

#[test]
fn a_tail_that_is_missing_changes_only_the_head() {
    let whole = log(5);
    let head = AuditLog::from_entries(whole.clone())
        .head_sha256()
        .to_owned();
    let shorter = AuditLog::from_entries(whole[..3].to_vec());
    assert_eq!(shorter.verify(), Ok(()));
    assert_ne!(shorter.head_sha256(), head);
}

#[test]
fn a_line_that_says_more_than_is_hashed_is_no_entry() {
    let line = log(1)[0].to_line();
    assert!(AuditEntry::from_line(&line).is_ok());
    let more = [
        line.replacen('{', r#"{"note":"x","#, 1),
        line.replacen(r#""details":{"#, r#""details":{"voxels_added":"9","#, 1),
        line.replacen(':', ": ", 1),
        line.replacen("Z\"", "+00:00\"", 1),
        line.replacen(r#""sequence":1"#, r#""sequence":1.0"#, 1),
        line.clone() + " ",
        line[1..].to_owned(),
        String::new(),
    ];
    for line in more {
        assert!(AuditEntry::from_line(&line).is_err(), "{line}");
    }
}

#[test]
fn words_stay_on_one_line() {
    let event = event(
        0,
        "Ada\n\x1b[2J",
        AuditAction::Other("sent_\x07away".to_owned()),
    );
    let words = AuditEntry::after(None, event.with("voxels_added", 12)).to_string();
    assert!(!words.chars().any(char::is_control), "{words}");
    assert!(words.contains("2026-03-01 10:13:20 UTC  sent \u{fffd}away by Ada"));
    assert!(words.ends_with(", scan abababababab, voxels added 12"));
}

fn any_event() -> impl Strategy<Value = AuditEvent> {
    (
        0..4_102_444_800_000_i64,
        any::<String>(),
        any::<String>(),
        any::<String>(),
        prop::collection::btree_map(any::<String>(), any::<String>(), 0..5),
    )
        .prop_map(|(millis, who, action, subject, details)| AuditEvent {
            time: DateTime::from_timestamp_millis(millis).unwrap(),
            who,
            action: AuditAction::from(action),
            subject,
            details,
        })
}

proptest! {
    #[test]
    fn any_entry_comes_back_from_its_line(events in prop::collection::vec(any_event(), 1..4)) {
        let mut log = AuditLog::new();
        for event in events {
            let entry = log.append(event);
            let line = entry.to_line();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(AuditEntry::from_line(&line).unwrap(), entry);
        }
        prop_assert_eq!(log.verify(), Ok(()));
    }
}
