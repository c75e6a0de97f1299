//! The journals that lie in a folder.
use super::read::parse_head;
use super::{IN_USE, JournalHeader, PATIENCE, opened, problem, source, wrong};
use crate::io::Error;
use crate::io::lock::{Lock, Share, lock};
use crate::io::torn::torn_path;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A journal that lies in a folder.
#[derive(Debug)]
pub struct FoundJournal {
    /// The file.
    pub path: PathBuf,
    /// What it is about, or why that cannot be read.
    pub header: Result<JournalHeader, Error>,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
    /// Size of the file.
    pub bytes: u64,
    /// A window that is open writes to it, this one or another: no crash left it.
    pub in_use: bool,
}

/// The journals of a folder, by name. Only their headers are read. A folder that is not there has none.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_journals(folder: &Path) -> Result<Vec<FoundJournal>, Error> {
    let cannot = |source| Error::Open {
        source,
        path: folder.to_owned(),
    };
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(cannot)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(cannot)?.path();
        if is_journal(&path) && path.is_file() {
            found.push(look_at(path));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "journal")
}

fn look_at(path: PathBuf) -> FoundJournal {
    let metadata = path.metadata().ok();
    let file = opened(&path, OpenOptions::new().read(true));
    let in_use = file
        .as_ref()
        .is_ok_and(|f| lock(f, Share::Readers, Duration::ZERO) == Lock::Busy);
    let header = file.and_then(|file| {
        let mut source = source(&file).map_err(|e| problem(e.into(), &path))?;
        let head = parse_head(&mut source).map_err(|e| problem(e, &path))?;
        Ok(head.header)
    });
    FoundJournal {
        header,
        modified: metadata.as_ref().and_then(|m| m.modified().ok()),
        bytes: metadata.map_or(0, |m| m.len()),
        in_use,
        path,
    }
}

/// Throws away a journal that a crash left, and the torn ends that were kept beside it.
///
/// # Errors
/// When it is no journal by its name, a window is writing to it, or it cannot be removed.
pub fn discard_journal(path: &Path) -> Result<(), Error> {
    // Nothing else is removed by mistake, and a journal may be too damaged to be known by its content.
    if !is_journal(path) {
        return Err(wrong(path, "its name does not end in .journal"));
    }
    let file = opened(path, OpenOptions::new().read(true))?;
    if lock(&file, Share::Nobody, PATIENCE) == Lock::Busy {
        return Err(wrong(path, IN_USE));
    }
    drop(file);
    remove(path)
}

pub(super) fn remove(path: &Path) -> Result<(), Error> {
    for path in [path, &torn_path(path)] {
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Write {
                    source,
                    path: path.to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}
