//! Visits that were taken out. Nothing of them is deleted.
use super::facts::visit_event;
use super::files::{folder_inside, inside, names, write_error};
use super::{LABELS, PatientFolder, REMOVED, RESULTS, SCANS};
use crate::io::{Error, write_atomically};
use crate::patient::{AuditAction, Signature};
use std::path::Path;

impl PatientFolder {
    /// Takes a visit out of the patient. Its files and its part of the record move to `removed/`.
    ///
    /// # Errors
    /// When there is no such visit, or it cannot be written.
    pub fn remove_visit(&mut self, visit: &str, by: &Signature) -> Result<(), Error> {
        self.check_writable()?;
        let known = self.known(visit)?;
        let event = visit_event(known, AuditAction::VisitRemoved, by);
        let kept = folder_inside(&self.path, REMOVED)?.join(format!("{visit}.json"));
        let text = serde_json::to_vec_pretty(known).map_err(|e| write_error(&kept, e.into()))?;
        write_atomically(&kept, |w| w.write_all(&text))?;
        let mut record = self.record.clone();
        record.visits.retain(|v| v.id != visit);
        self.commit(record, event, &[kept])?;
        self.move_files(visit);
        Ok(())
    }

    /// Moves the files of a visit that the record does not name any more. What stays where it is, is told of and moved by the next opening.
    pub(super) fn move_files(&self, id: &str) {
        let moved = || -> Result<(), Error> {
            folder_inside(&self.path, REMOVED)?;
            let target = folder_inside(&self.path, &format!("{REMOVED}/{id}"))?;
            for folder in [SCANS, LABELS, RESULTS] {
                let from = inside(&self.path, folder)?;
                let beginning = format!("{id}-");
                for name in names(&from) {
                    if name == id || name.starts_with(&beginning) {
                        let to = if folder == RESULTS || folder == LABELS {
                            target.join(&name)
                        } else {
                            target.join("scan")
                        };
                        rename_to_free(&from.join(&name), &to)?;
                    }
                }
            }
            Ok(())
        };
        if let Err(error) = moved() {
            log::warn!("files of a visit that was taken out stay where they are: {error}");
        }
    }
}

/// Moves to a place where nothing is.
fn rename_to_free(from: &Path, to: &Path) -> Result<(), Error> {
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    std::fs::rename(from, to).map_err(|e| write_error(to, e))
}
