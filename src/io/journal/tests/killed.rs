//! A program that is killed at any moment. The test runs itself again as that program.
use super::*;
use std::io::{BufRead, BufReader as Lines};
use std::process::{Command, Stdio};
use std::thread::sleep;

/// Names the folder that the program writes to.
const FOLDER: &str = "SCHWANN_TEST_JOURNAL";

/// The n-th edit; some are larger than a page of a disk.
fn edit(n: u32) -> Vec<u8> {
    let length = 3 + (n as usize * 7919) % if n.is_multiple_of(5) { 20_000 } else { 50 };
    (0..length)
        .map(|at| (at as u32).wrapping_mul(n + 1) as u8)
        .collect()
}

/// The program: edits without end, told on standard output once they are synced. Does nothing when it is run as a test.
#[test]
fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mut journal = Journal::create(Path::new(&folder), &header(b"{}"), &LABELS).unwrap();
    for n in 0.. {
        journal.append(1 + (n % 7) as u8, &edit(n)).unwrap();
        if n % 3 == 2 {
            journal.sync().unwrap();
            println!("\nsynced {n}");
        }
    }
}

/// Lets the program begin, kills it after a while, and gives the last edit that it told to be synced.
fn last_synced_before_death(folder: &Path, wait: Duration) -> Option<u32> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("io::journal::tests::killed::writes_until_it_is_killed")
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = Lines::new(child.stdout.take().unwrap()).lines();
    let synced = |line: &str| line.strip_prefix("synced ").and_then(|n| n.parse().ok());
    // From its start or, every other time, from its first edit on.
    let first: Option<u32> = if wait.as_millis().is_multiple_of(2) {
        lines.by_ref().find_map(|line| synced(&line.unwrap()))
    } else {
        None
    };
    sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = lines.filter_map(|line| synced(&line.unwrap_or_default()));
    rest.last().or(first)
}

#[test]
fn every_synced_edit_outlives_a_kill() {
    let mut brought_back = 0;
    for round in 0..24_u64 {
        let folder = tempfile::tempdir().unwrap();
        let wait = Duration::from_millis(round * 37 % 60);
        let told = last_synced_before_death(folder.path(), wait);
        let found = list_journals(folder.path()).unwrap();
        let Some(journal) = found.first() else {
            assert_eq!(told, None, "a journal with synced edits is gone");
            continue;
        };
        assert!(!journal.in_use);
        let (resumed, content) = Journal::resume(&journal.path).unwrap();
        assert_eq!(
            (content.header, &content.base[..]),
            (header(b"{}"), &LABELS[..])
        );
        let count = content.records.len() as u32;
        assert!(told.is_none_or(|last| count > last), "{count} of {told:?}");
        for (n, record) in (0..).zip(&content.records) {
            assert_eq!(
                (record.kind, &record.payload),
                (1 + (n % 7) as u8, &edit(n))
            );
        }
        brought_back += count;
        resumed.discard().unwrap();
    }
    assert!(
        brought_back > 0,
        "no round was long enough to write an edit"
    );
}
