//! How a change happens, all of it or nothing.
use super::files::{content, remove, sha256, write_error};
use super::{BACKUP, MOST_RECORD, NEXT, PatientFolder, RECORD, wrong};
use crate::io::atomic::sync_folder;
use crate::io::audit::last_entries;
use crate::io::{AUDIT_FILE, Error, append_audit, write_atomically};
use crate::patient::{AuditEvent, PatientRecord};
use std::path::{Path, PathBuf};

/// The detail of an audit entry that holds the hash of the record which the change leads to.
const RECORD_SHA256: &str = "record_sha256";

/// The hash of the record that the log's last change leads to; none where the log speaks of none.
pub(super) fn logged_record(folder: &Path) -> Result<Option<String>, Error> {
    if !folder.join(AUDIT_FILE).exists() {
        return Ok(None);
    }
    let entries = last_entries(folder)?;
    let mut hashes = entries.iter().rev().map(|e| e.details.get(RECORD_SHA256));
    Ok(hashes.find_map(Option::<&String>::cloned))
}

/// Puts the record of a change that has happened in its place.
pub(super) fn put_in_place(folder: &Path) -> Result<(), Error> {
    let record = folder.join(RECORD);
    std::fs::rename(folder.join(NEXT), &record).map_err(|e| write_error(&record, e))?;
    sync_folder(folder);
    Ok(())
}

impl PatientFolder {
    /// Makes a change: `record` is what it leads to, `event` what the log says of it, `made` the files that were written for it and go
    /// again when it fails.
    pub(super) fn commit(
        &mut self,
        record: PatientRecord,
        event: AuditEvent,
        made: &[PathBuf],
    ) -> Result<(), Error> {
        let happened = self.log(&record, event);
        match happened {
            Ok(bytes) => {
                self.record = record;
                self.bytes = bytes;
                self.unfinished = true;
                if let Err(error) = self.finish() {
                    // It has happened: the next change or the next opening finishes it.
                    log::warn!("a change waits for its record to take its place: {error}");
                }
                Ok(())
            }
            Err(error) => {
                remove(made);
                Err(error)
            }
        }
    }

    /// Everything up to the entry in the log.
    fn log(&self, record: &PatientRecord, event: AuditEvent) -> Result<Vec<u8>, Error> {
        let refused = |problem: String| {
            let problem = format!("the change was not made: {problem}");
            wrong(&self.path, problem)
        };
        record.check().map_err(refused)?;
        let bytes = record.to_json().map_err(|e| refused(e.to_string()))?;
        if bytes.len() as u64 > MOST_RECORD {
            return Err(refused("the record would be too large".to_owned()));
        }
        self.check_alone()?;
        let next = self.path.join(NEXT);
        write_atomically(&next, |w| w.write_all(&bytes))?;
        let log = || {
            if !self.bytes.is_empty() {
                write_atomically(&self.path.join(BACKUP), |w| w.write_all(&self.bytes))?;
            }
            append_audit(&self.path, event.with(RECORD_SHA256, sha256(&bytes)))
        };
        if let Err(error) = log() {
            remove(&[next]);
            return Err(error);
        }
        Ok(bytes)
    }

    /// Where a file system has no locks, another program's change shows only in the record.
    fn check_alone(&self) -> Result<(), Error> {
        let path = self.path.join(RECORD);
        if self.bytes.is_empty() && !path.exists() {
            return Ok(());
        }
        if content(&path, MOST_RECORD)? == self.bytes {
            return Ok(());
        }
        Err(wrong(
            &path,
            "it was changed by another program since it was opened; open the patient again",
        ))
    }

    /// Puts the record of the last change in its place, if that could not be done at once.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.unfinished {
            put_in_place(&self.path)?;
            self.unfinished = false;
        }
        Ok(())
    }
}
