//! What must be known about a patient's folder that could be opened.
use crate::io::error::shown;
use std::fmt;
use std::path::PathBuf;

/// Something about a folder that may matter. `Display` is one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatientWarning {
    /// Nothing may be changed, and why.
    ReadOnly(super::ReadOnly),
    /// The file system has no locks, so two programs could write at once.
    NotLocked,
    /// A change that a crash cut off was finished.
    Finished,
    /// The record is not the one that the log's last entry speaks of.
    RecordChanged,
    /// There is no log, or its end cannot be used.
    Log {
        /// What is wrong, in words.
        problem: String,
    },
    /// A file that the record names is not there.
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file is not as it was written.
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// A file that the record does not name.
    Unknown {
        /// Which.
        path: PathBuf,
    },
    /// More files that the record does not name.
    UnknownMore {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for PatientWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly(why) => why.fmt(f),
            Self::NotLocked => f.write_str(
                "the file system cannot lock this patient: change it with one program at a time",
            ),
            Self::Finished => f.write_str(
                "the last change had been cut off, as by a crash; nothing of it is lost",
            ),
            Self::RecordChanged => f.write_str(
                "patient.json is not as Schwann wrote it last: it was changed by hand or by another program, or the audit log was",
            ),
            Self::Log { problem } => f.write_str(problem),
            Self::Missing { path } => write!(f, "a file of this patient is missing: {}", shown(path)),
            Self::Changed { path } => write!(
                f,
                "a file of this patient is not as it was written: {}",
                shown(path)
            ),
            Self::Unknown { path } => write!(
                f,
                "a file that is no part of the patient's record, as after a crash or put there by hand; it is left where it is: {}",
                shown(path)
            ),
            Self::UnknownMore { count } => {
                write!(f, "{count} more files are no part of the patient's record")
            }
        }
    }
}
