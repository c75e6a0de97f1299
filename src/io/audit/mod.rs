//! The audit log as a file, `audit.jsonl`: one JSON object a line, only ever appended to.

mod read;

pub use read::{AuditRecord, read_audit};

use super::Error;
use super::atomic::sync_folder;
use super::error::shown;
use super::lock::{Lock, Share, lock};
use super::torn::keep_torn;
use crate::patient::{AuditEntry, AuditEvent};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the log in a patient's folder.
pub const AUDIT_FILE: &str = "audit.jsonl";
/// Held by whoever appends. A file of its own, because Windows lets nobody read a locked one.
const LOCK_FILE: &str = ".audit.lock";
/// Most bytes of a log: tens of thousands of entries.
const MOST_BYTES: u64 = 32 << 20;
/// Most bytes of an entry.
const MOST_LINE: usize = 64 << 10;
/// How long another program is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What must be known about a log that could be read or written. `Display` is one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditWarning {
    /// The file is there and holds no entry.
    Empty,
    /// The last line ends in the middle, as after a crash; it is not among the entries.
    Torn {
        /// Its length.
        bytes: usize,
    },
    /// A torn last line was moved out of the way.
    KeptAside {
        /// Its length.
        bytes: usize,
        /// Where it is now.
        path: PathBuf,
    },
    /// The file system has no locks, so two programs could write at once.
    NotLocked,
}

impl fmt::Display for AuditWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the audit log holds no entry"),
            Self::Torn { bytes } => write!(
                f,
                "the audit log's last line was not written to its end ({bytes} bytes, as after a crash) and is no entry"
            ),
            Self::KeptAside { bytes, path } => write!(
                f,
                "the audit log's last line was not written to its end ({bytes} bytes, as after a crash); it is kept in {}",
                shown(path)
            ),
            Self::NotLocked => f.write_str(
                "the file system cannot lock the audit log: change this patient with one program at a time",
            ),
        }
    }
}

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Audit {
        problem: problem.into(),
        path: path.to_owned(),
    }
}

/// Adds an event to the log of a folder, which it begins where there is none, and returns once it is on the disk. Waits up to five seconds
/// for another program, so it does not belong on a window's thread.
///
/// Only the last entry is looked at: a log that is broken further up goes on growing, and stays broken.
///
/// # Errors
/// When the log's end is damaged, the log is full or in use, or the file cannot be written. The file is then as it was.
pub fn append_audit(
    folder: &Path,
    event: AuditEvent,
) -> Result<(AuditEntry, Vec<AuditWarning>), Error> {
    let path = folder.join(AUDIT_FILE);
    let mut warnings = Vec::new();
    let cannot = |source| Error::Write {
        source,
        path: path.clone(),
    };
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    let lock_file = open.open(folder.join(LOCK_FILE)).map_err(cannot)?;
    match lock(&lock_file, Share::Nobody, PATIENCE) {
        Lock::Held => {}
        Lock::Unknown => warnings.push(AuditWarning::NotLocked),
        Lock::Busy => {
            let busy = "another program has been writing to it for 5 s; close that program";
            return Err(wrong(&path, busy));
        }
    }
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return Err(wrong(&path, "it is not a regular file; move it away"));
    }
    let mut file = open.open(&path).map_err(cannot)?;
    let end = End::read(&mut file, &path)?;
    let entry = AuditEntry::after(end.last.as_ref(), event);
    let line = checked_line(&entry, &path)?;
    if !end.torn.is_empty() {
        let kept = keep_torn(&path, end.torn.as_slice().chain(&b"\n"[..])).map_err(cannot)?;
        warnings.push(AuditWarning::KeptAside {
            bytes: end.torn.len(),
            path: kept,
        });
    }
    write_line(&mut file, &end, &line).map_err(cannot)?;
    if end.length == 0 {
        sync_folder(folder);
    }
    Ok((entry, warnings))
}

/// The entries at the end of a folder's log, the last one last: those that 128 KiB hold. A line that was not written to its end is none.
///
/// # Errors
/// When there is no log, or its end is damaged.
pub(super) fn last_entries(folder: &Path) -> Result<Vec<AuditEntry>, Error> {
    let path = folder.join(AUDIT_FILE);
    if !path.metadata().is_ok_and(|m| m.is_file()) {
        return Err(wrong(&path, "it is not a regular file"));
    }
    let failed = |source| Error::Read {
        source,
        path: path.clone(),
    };
    let mut file = File::open(&path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let start = size.saturating_sub(2 * MOST_LINE as u64 + 2);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut rest = file.take(size - start);
    rest.read_to_end(&mut bytes).map_err(failed)?;
    let mut lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    // What stands behind the last end of a line may be torn; the first may lack its beginning.
    let unterminated = lines.pop().and_then(|line| entry(line).ok());
    let whole = lines.iter().skip(usize::from(start > 0));
    let whole = whole
        .map(|line| entry(line).ok())
        .chain(unterminated.map(Some));
    let entries: Option<Vec<AuditEntry>> = whole
        .map(|entry| entry.filter(AuditEntry::holds_its_hash))
        .collect();
    entries.ok_or_else(|| wrong(&path, DAMAGED_END))
}

/// The entry's line, unless a reader would refuse it.
fn checked_line(entry: &AuditEntry, path: &Path) -> Result<String, Error> {
    let line = entry.to_line();
    let refused = |problem: String| wrong(path, format!("the new entry does not fit: {problem}"));
    if line.len() > MOST_LINE {
        return Err(refused(format!("it has {} bytes", line.len())));
    }
    match AuditEntry::from_line(&line) {
        Ok(read) if read == *entry => Ok(line + "\n"),
        Ok(_) => Err(refused("it would be read as another".to_owned())),
        Err(problem) => Err(refused(problem)),
    }
}

/// Writes behind the last entry and flushes to the disk. A write that fails is taken back.
fn write_line(file: &mut File, end: &End, line: &str) -> std::io::Result<()> {
    let write = |file: &mut File| {
        file.set_len(end.length)?;
        file.seek(SeekFrom::Start(end.length))?;
        let newline = if end.unterminated { "\n" } else { "" };
        file.write_all(format!("{newline}{line}").as_bytes())?;
        file.sync_all()
    };
    let written = write(file);
    if written.is_err()
        && let Err(error) = file.set_len(end.length)
    {
        log::debug!("a half written line could not be cut off: {error}");
    }
    written
}

/// The end of a log.
struct End {
    last: Option<AuditEntry>,
    /// Bytes up to the end of the last entry.
    length: u64,
    /// The last entry is whole but for the end of its line.
    unterminated: bool,
    /// What stands behind the last entry.
    torn: Vec<u8>,
}

impl End {
    fn read(file: &mut File, path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read {
            source,
            path: path.to_owned(),
        };
        let size = file.metadata().map_err(failed)?.len();
        if size + MOST_LINE as u64 > MOST_BYTES {
            let full =
                "it has grown to the 32 MB that a log may have; move it away, and a new one begins";
            return Err(wrong(path, full));
        }
        // The last line, and perhaps a torn one behind it.
        let start = size.saturating_sub(2 * MOST_LINE as u64 + 2);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut rest = (&*file).take(size - start);
        rest.read_to_end(&mut bytes).map_err(failed)?;
        let (lines, rest) = match bytes.iter().rposition(|b| *b == b'\n') {
            Some(at) => bytes.split_at(at + 1),
            None => (&[][..], bytes.as_slice()),
        };
        let whole = entry(rest).ok();
        let torn = if whole.is_some() { &[][..] } else { rest };
        let last = match whole {
            Some(entry) => Some(entry),
            None => last_line(lines, start > 0).map_err(|problem| wrong(path, problem))?,
        };
        if last.as_ref().is_some_and(|entry| !entry.holds_its_hash()) {
            return Err(wrong(path, DAMAGED_END));
        }
        Ok(Self {
            length: size - torn.len() as u64,
            unterminated: !rest.is_empty() && torn.is_empty(),
            torn: torn.to_vec(),
            last,
        })
    }
}

/// Nothing may follow an entry that cannot be trusted.
const DAMAGED_END: &str = "its last entry was damaged or changed; keep this file under another name, and a new log begins";

/// The entry of the last of some lines, each with its end. `cut`: the first may lack its beginning.
fn last_line(lines: &[u8], cut: bool) -> Result<Option<AuditEntry>, &'static str> {
    let Some(lines) = lines.strip_suffix(b"\n") else {
        return if cut { Err(DAMAGED_END) } else { Ok(None) };
    };
    let line = lines.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    match entry(line) {
        Ok(entry) => Ok(Some(entry)),
        Err(_) => Err(DAMAGED_END),
    }
}

/// The entry of a line without its end, or what is wrong with it.
fn entry(line: &[u8]) -> Result<AuditEntry, String> {
    if line.len() > MOST_LINE {
        return Err(format!("it has {} bytes", line.len()));
    }
    match std::str::from_utf8(line) {
        Ok(text) => AuditEntry::from_line(text),
        Err(_) => Err("it is not text".to_owned()),
    }
}

#[cfg(test)]
mod tests;
