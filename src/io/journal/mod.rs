//! Edits in progress, kept so that a crash at any moment loses at most those of the last second.
//!
//! One file a scan, `<scan_sha256>.journal`: the outlines that the edits begin from, then the edits, each with a checksum. An edit is safe
//! once [`Journal::sync`] has returned. [`list_journals`] finds what a crash left, [`Journal::read`] and [`Journal::resume`] bring it back.

mod find;
mod format;
mod read;

pub use find::{FoundJournal, discard_journal, list_journals};
pub use format::{JournalHeader, JournalRecord};
pub use read::JournalContent;

use super::Error;
use super::atomic::sync_folder;
use super::lock::{Lock, Share, lock};
use super::torn::keep_torn;
use flate2::{Compression, write::GzEncoder};
use format::{BASE, MOST_HEADER, Sum, encode_header, encode_record, is_hash, voxel_count};
use read::{Parsed, Problem, Source, fits, parse};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A journal that is being written. It is locked, so that no other program brings its edits back meanwhile.
///
/// No error loses anything: what could not be written stays here, and the next [`Journal::sync`] tries again.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    header_sum: Sum,
    base_sha256: String,
    /// Bytes that are safe on the disk.
    synced: u64,
    /// Records that are not.
    pending: Vec<u8>,
}

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Journal {
        problem: problem.into(),
        path: path.to_owned(),
    }
}

const THERE_ALREADY: &str =
    "this scan has one already; bring its edits back or throw them away first";
/// How long a lock is waited for that somebody holds who only looks.
const PATIENCE: Duration = Duration::from_millis(250);
const IN_USE: &str = "another window is writing to it; close that window";

impl Journal {
    /// Begins the journal of a scan in a folder. `base` are the outlines that edits begin from: a label for each voxel, `i` fastest. They are
    /// compressed and written to the disk before this returns, a fraction of a second.
    ///
    /// # Errors
    /// When the scan has a journal already, the header or the outlines do not fit each other, or the file cannot be written. Nothing is left
    /// behind then.
    pub fn create(folder: &Path, header: &JournalHeader, base: &[u8]) -> Result<Self, Error> {
        let path = checked_place(folder, header, base)?;
        let cannot = |source| Error::Write {
            source,
            path: path.clone(),
        };
        let zipped = zipped(base).map_err(cannot)?;
        let base_sha256 = format!("{:x}", Sha256::digest(base));
        let mut bytes = encode_header(header, &base_sha256);
        if !fits(bytes.len() as u64, zipped.len()) {
            return Err(wrong(&path, "the outlines are too large for a journal"));
        }
        let header_sum = bytes.last_chunk().copied().unwrap_or_default();
        let position = bytes.len() as u64;
        encode_record(&mut bytes, header_sum, position, BASE, &zipped);
        let file = written_whole(folder, &path, &bytes).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AlreadyExists {
                wrong(&path, THERE_ALREADY)
            } else {
                cannot(source)
            }
        })?;
        Ok(Self {
            path,
            file,
            header_sum,
            base_sha256,
            synced: bytes.len() as u64,
            pending: Vec::new(),
        })
    }

    /// Reads a journal up to the first record that is not whole, and changes nothing.
    ///
    /// # Errors
    /// When this is no journal, another program's, or the outlines that its edits begin from are damaged.
    pub fn read(path: &Path) -> Result<JournalContent, Error> {
        let file = opened(path, OpenOptions::new().read(true))?;
        parsed(&file, path).map(|parsed| parsed.content)
    }

    /// Reads a journal that a crash left, and goes on behind its last whole record. What stands behind that is moved to a file beside it,
    /// with `.torn` behind its name.
    ///
    /// # Errors
    /// As [`Journal::read`], and when another window writes to it or it cannot be written.
    pub fn resume(path: &Path) -> Result<(Self, JournalContent), Error> {
        let mut file = opened(path, OpenOptions::new().read(true).write(true))?;
        if lock(&file, Share::Nobody, PATIENCE) == Lock::Busy {
            return Err(wrong(path, IN_USE));
        }
        let Parsed {
            content,
            header_sum,
            length,
        } = parsed(&file, path)?;
        let mut cut = || {
            if content.torn {
                file.seek(SeekFrom::Start(length))?;
                keep_torn(path, &file)?;
                file.set_len(length)?;
                file.sync_all()?;
            }
            Ok(())
        };
        cut().map_err(|source| Error::Write {
            source,
            path: path.to_owned(),
        })?;
        let journal = Self {
            path: path.to_owned(),
            file,
            header_sum,
            base_sha256: content.base_sha256.clone(),
            synced: length,
            pending: Vec::new(),
        };
        Ok((journal, content))
    }

    /// Adds an edit in memory; [`Journal::sync`] makes it safe. `kind` says what the payload is, and is not 0.
    ///
    /// # Errors
    /// When the kind is 0, the payload has more than 256 MiB, or the journal would have more than 2 GiB: save, and begin another.
    pub fn append(&mut self, kind: u8, payload: &[u8]) -> Result<(), Error> {
        if kind == BASE {
            return Err(wrong(&self.path, "an edit cannot be of kind 0"));
        }
        let position = self.synced + self.pending.len() as u64;
        if !fits(position, payload.len()) {
            let problem = format!(
                "an edit of {} bytes does not fit behind {position} bytes; save the outlines, and another begins",
                payload.len()
            );
            return Err(wrong(&self.path, problem));
        }
        encode_record(&mut self.pending, self.header_sum, position, kind, payload);
        Ok(())
    }

    /// Writes the edits that were added since, and returns once they are on the disk. Belongs on a thread other than the window's, at least
    /// once a second while there are edits.
    ///
    /// # Errors
    /// When they cannot be written, on a full disk for instance. They stay in memory, the file stays readable, and the next call tries again.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.synced))?;
            self.file.write_all(&self.pending)?;
            self.file.sync_data()
        };
        let written = write();
        if let Err(source) = written {
            if let Err(error) = self.file.set_len(self.synced) {
                log::debug!("half written records could not be cut off: {error}");
            }
            return Err(Error::Write {
                source,
                path: self.path.clone(),
            });
        }
        self.synced += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Whether edits were added that are not safe yet.
    pub fn has_unsynced(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the outlines that edits begin from: of their labels, one byte a voxel.
    pub fn base_sha256(&self) -> &str {
        &self.base_sha256
    }

    /// Ends the journal and removes its file, after its edits were saved elsewhere or given up.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn discard(self) -> Result<(), Error> {
        let Self { path, file, .. } = self;
        drop(file);
        find::remove(&path)
    }
}

/// Where a journal goes, if there can be one.
fn checked_place(folder: &Path, header: &JournalHeader, base: &[u8]) -> Result<PathBuf, Error> {
    if !is_hash(&header.scan_sha256) {
        return Err(wrong(
            folder,
            "the scan's hash is not 64 hexadecimal digits",
        ));
    }
    let path = folder.join(format!("{}.journal", header.scan_sha256));
    if voxel_count(header.shape) != Some(base.len()) {
        return Err(wrong(&path, "the outlines are not as large as the scan"));
    }
    if header.payload.len() as u64 > MOST_HEADER {
        return Err(wrong(&path, "its header is larger than 1 MiB"));
    }
    if path.exists() {
        return Err(wrong(&path, THERE_ALREADY));
    }
    Ok(path)
}

fn zipped(base: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(base)?;
    encoder.finish()
}

/// A new file that is there with all its bytes or not at all, locked before anybody can see it. For the user's eyes only: it is a patient's.
fn written_whole(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<File> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".schwann-").suffix(".part");
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    lock(file.as_file(), Share::Nobody, Duration::ZERO);
    let file = file.persist_noclobber(path).map_err(|e| e.error)?;
    sync_folder(folder);
    Ok(file)
}

/// A regular file; looked at before opening, because opening a pipe would wait for its other end.
fn opened(path: &Path, how: &OpenOptions) -> Result<File, Error> {
    let cannot = |source| Error::Open {
        source,
        path: path.to_owned(),
    };
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(wrong(path, "it is not a regular file"));
    }
    how.open(path).map_err(cannot)
}

/// A journal's bytes with their number.
fn source(file: &File) -> std::io::Result<Source<BufReader<&File>>> {
    let length = file.metadata()?.len();
    Ok(Source::new(BufReader::with_capacity(1 << 16, file), length))
}

fn parsed(file: &File, path: &Path) -> Result<Parsed, Error> {
    let mut source = source(file).map_err(|e| problem(Problem::Read(e), path))?;
    parse(&mut source).map_err(|e| problem(e, path))
}

fn problem(problem: Problem, path: &Path) -> Error {
    match problem {
        Problem::Read(source) => Error::Read {
            source,
            path: path.to_owned(),
        },
        Problem::Wrong(problem) => wrong(path, problem),
    }
}

#[cfg(test)]
mod tests;
