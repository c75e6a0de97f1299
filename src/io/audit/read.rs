//! A log from its file, with all that is wrong with it.
use super::{AUDIT_FILE, AuditWarning, LOCK_FILE, MOST_BYTES, PATIENCE, entry, wrong};
use crate::io::Error;
use crate::io::lock::{Share, lock};
use crate::patient::{AuditBroken, AuditFault, AuditLog};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a log's file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The file.
    pub path: PathBuf,
    /// All entries that can be read, whether or not the chain holds.
    pub log: AuditLog,
    /// Where the chain breaks first; `None` when it holds.
    pub broken: Option<AuditBroken>,
    /// What else must be known.
    pub warnings: Vec<AuditWarning>,
}

/// Reads the log of a patient's folder, or the file itself, and checks the chain. Changes nothing.
///
/// # Errors
/// When there is no log, it is no regular file or too large, or reading fails. A broken chain is no error: see [`AuditRecord::broken`].
pub fn read_audit(patient: &Path) -> Result<AuditRecord, Error> {
    let path = if patient.is_dir() {
        patient.join(AUDIT_FILE)
    } else {
        patient.to_owned()
    };
    let bytes = content(&path)?;
    let mut warnings = Vec::new();
    let mut entries = Vec::new();
    // The first line that is no entry: how many entries stand before it, and why.
    let mut unreadable: Option<(usize, String)> = None;
    let (lines, rest) = match bytes.iter().rposition(|b| *b == b'\n') {
        Some(at) => (bytes.get(..at), bytes.get(at + 1..).unwrap_or_default()),
        None => (None, bytes.as_slice()),
    };
    for line in lines.into_iter().flat_map(|l| l.split(|b| *b == b'\n')) {
        match entry(line) {
            Ok(entry) => entries.push(entry),
            Err(problem) => {
                unreadable.get_or_insert((entries.len(), problem));
            }
        }
    }
    if !rest.is_empty() {
        match entry(rest) {
            Ok(entry) => entries.push(entry),
            Err(_) => warnings.push(AuditWarning::Torn { bytes: rest.len() }),
        }
    }
    if entries.is_empty() && unreadable.is_none() {
        warnings.push(AuditWarning::Empty);
    }
    let log = AuditLog::from_entries(entries);
    Ok(AuditRecord {
        broken: first_break(&log, unreadable),
        path,
        log,
        warnings,
    })
}

fn first_break(log: &AuditLog, unreadable: Option<(usize, String)>) -> Option<AuditBroken> {
    let chain = log.verify().err();
    let line = unreadable.map(|(before, problem)| AuditBroken {
        sequence: before as u64 + 1,
        fault: AuditFault::Line(problem),
    });
    match (chain, line) {
        (Some(chain), Some(line)) if chain.sequence < line.sequence => Some(chain),
        (chain, line) => line.or(chain),
    }
}

/// The bytes of a regular file of a log's size, not in the middle of an append where that can be helped.
fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let cannot = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => wrong(
            path,
            "none is there; name a patient's folder that has `audit.jsonl`, or that file",
        ),
        _ => Error::Open {
            source,
            path: path.to_owned(),
        },
    };
    let too_large = || wrong(path, "it is larger than the 32 MB that a log may have");
    // Looked at before opening: opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(wrong(path, "it is not a regular file"));
    }
    if metadata.len() > MOST_BYTES {
        return Err(too_large());
    }
    let lock_file = path.parent().map(|folder| folder.join(LOCK_FILE));
    let lock_file = lock_file.and_then(|p| p.is_file().then(|| File::open(p).ok())?);
    if let Some(file) = &lock_file {
        // Without it a line may look torn; that is worth no error.
        lock(file, Share::Readers, PATIENCE);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    let mut limited = file.take(MOST_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read {
            source,
            path: path.to_owned(),
        })?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}
