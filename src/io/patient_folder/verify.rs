//! Whether everything is still as it was written.
use super::commit::logged_record;
use super::files::{hashed, inside, regular, sha256};
use super::{PatientFolder, PatientWarning, ReadOnly};
use crate::io::report::report;
use crate::io::{Error, read_audit};
use crate::volume::Observe;
use std::collections::BTreeSet;

impl PatientFolder {
    /// Reads every file that the record names and tells which are missing or not as they were written, whether the log's chain holds, and
    /// whether the record is the one that its last entry speaks of. Nothing is told where all is well.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn verify(&self, observe: &mut Observe<'_>) -> Result<Vec<PatientWarning>, Error> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        let total: u64 = self
            .record
            .files()
            .map(|f| f.bytes)
            .fold(0, u64::saturating_add);
        let mut done = 0_u64;
        for file in self.record.files() {
            if !known.insert((&file.path, &file.sha256)) {
                continue;
            }
            let path = self.path.join(&file.path);
            let opened = inside(&self.path, &file.path).and_then(|p| regular(&p));
            let Ok(opened) = opened else {
                found.push(PatientWarning::Missing { path });
                continue;
            };
            let hash = hashed(opened, &path, |bytes| {
                done = done.saturating_add(bytes.len() as u64);
                report(observe, "verifying", done.min(total), total)
            });
            match hash {
                Ok(hash) if hash == (file.bytes, file.sha256.clone()) => {}
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                _ => found.push(PatientWarning::Changed { path }),
            }
        }
        let log = |problem: String| PatientWarning::Log { problem };
        match read_audit(&self.path) {
            Ok(audit) => {
                let broken = audit.broken.iter();
                found.extend(broken.map(|b| log(format!("the audit log is broken: {b}"))));
                found.extend(audit.warnings.iter().map(|w| log(w.to_string())));
            }
            Err(error) => found.push(log(error.to_string())),
        }
        let logged = logged_record(&self.path).ok().flatten();
        let other = logged.is_none_or(|hash| hash != sha256(&self.bytes));
        if other && self.read_only != Some(ReadOnly::InUse) {
            found.push(PatientWarning::RecordChanged);
        }
        Ok(found)
    }
}
