//! Who may change a patient's folder.
use super::{LOCK, PatientFolder, PatientWarning, wrong};
use crate::io::Error;
use crate::io::lock::{Lock, Share, lock};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

/// Why nothing may be changed. `Display` is one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnly {
    /// Another program may.
    InUse,
    /// The folder or its files cannot be written.
    NotWritable {
        /// The operating system's reason.
        reason: String,
    },
    /// A later version of this program wrote the record.
    Newer,
    /// It was opened to be looked at.
    Asked,
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str(
                "another Schwann has this patient open, so nothing can be changed here; close it there and open it here again",
            ),
            Self::NotWritable { reason } => write!(
                f,
                "this patient's folder cannot be written ({reason}), so nothing can be changed"
            ),
            Self::Asked => f.write_str("this patient was opened to be looked at, not changed"),
            Self::Newer => f.write_str(
                "a later version of Schwann wrote this patient, so nothing can be changed here",
            ),
        }
    }
}

/// How long a lock is waited for that somebody holds who is just closing.
const PATIENCE: Duration = Duration::from_millis(100);

/// The lock of a folder, which a program that was killed no longer holds; or why this one may change nothing.
pub(super) fn access(
    folder: &Path,
    warnings: &mut Vec<PatientWarning>,
) -> (Option<File>, Option<ReadOnly>) {
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    let path = folder.join(LOCK);
    // Opening a pipe that was put there would wait for its other end.
    let foreign = path.symlink_metadata().is_ok_and(|m| !m.is_file());
    let opened = if foreign {
        Err(std::io::Error::other("its lock is no regular file"))
    } else {
        open.open(&path)
    };
    match opened {
        Ok(file) => match lock(&file, Share::Nobody, PATIENCE) {
            Lock::Held => (Some(file), None),
            Lock::Busy => (None, Some(ReadOnly::InUse)),
            Lock::Unknown => {
                warnings.push(PatientWarning::NotLocked);
                (None, None)
            }
        },
        Err(error) => {
            let reason = error.to_string();
            (None, Some(ReadOnly::NotWritable { reason }))
        }
    }
}

impl PatientFolder {
    /// Refuses a change where nothing may be changed; finishes one that was cut off.
    pub(super) fn check_writable(&mut self) -> Result<(), Error> {
        match &self.read_only {
            Some(why) => Err(wrong(&self.path, why.to_string())),
            None => self.finish(),
        }
    }
}
