//! A patient as a folder that people can read without this program.
//!
//! ```text
//! patient.json       the record: see PatientRecord
//! patient.json.bak   the record before the last change
//! audit.jsonl        who did what; the chain of hashes
//! scans/visit-1/     a scan's files, as they came
//! labels/            visit-1-v2.nii.gz: a label map for each version of a visit's outlines
//! results/           visit-1-v2.json: what was measured on it
//! removed/           visits that were taken out
//! ```
//!
//! A change writes its new files first, none over an old one, then the new record as `patient.json.next`; its entry in the audit log, which
//! holds that record's hash, is the moment at which the change has happened; then the new record takes the old one's place. A crash before
//! the entry leaves files that the record does not name, which opening tells of; one after it is finished by opening.

mod access;
mod commit;
mod facts;
mod files;
mod labels;
mod open;
mod removed;
mod review;
mod scan;
mod verify;
mod warning;

pub use access::ReadOnly;
pub use labels::NewLabels;
pub use scan::{NewVisit, ScanFiles};
pub use warning::PatientWarning;

use super::Error;
use crate::patient::PatientRecord;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The record.
const RECORD: &str = "patient.json";
/// The record of a change that has not happened yet, or that was cut off.
const NEXT: &str = "patient.json.next";
/// The record before the last change.
const BACKUP: &str = "patient.json.bak";
/// Held by the program that may change the folder.
const LOCK: &str = ".patient.lock";
/// Most bytes of a record.
const MOST_RECORD: u64 = 32 << 20;
/// Most bytes of what was measured on one version.
const MOST_RESULTS: u64 = 16 << 20;
const SCANS: &str = "scans";
const LABELS: &str = "labels";
const RESULTS: &str = "results";
const REMOVED: &str = "removed";
/// What the folders of a change that is being made begin with.
const UNFINISHED: &str = ".schwann-";

/// A patient's folder that is open. Changing it waits for the disk, so that does not belong on a window's thread.
///
/// No change that fails changes anything: the record in memory and on the disk are as before, and what was to be saved is still the caller's.
#[derive(Debug)]
pub struct PatientFolder {
    path: PathBuf,
    record: PatientRecord,
    /// The record's bytes on the disk.
    bytes: Vec<u8>,
    /// Why nothing may be changed.
    read_only: Option<ReadOnly>,
    /// The log holds a change whose record has not taken its place.
    unfinished: bool,
    /// Locked as long as this program may change the folder.
    _lock: Option<File>,
}

impl PatientFolder {
    /// Whether a path is a patient's folder.
    pub fn is_one(path: &Path) -> bool {
        [RECORD, NEXT, BACKUP]
            .iter()
            .any(|n| path.join(n).is_file())
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of the patient.
    pub fn record(&self) -> &PatientRecord {
        &self.record
    }

    /// Why nothing may be changed; `None` where it may.
    pub fn read_only(&self) -> Option<&ReadOnly> {
        self.read_only.as_ref()
    }
}

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Patient {
        problem: problem.into(),
        path: path.to_owned(),
    }
}
