//! Files inside a patient's folder, and nowhere else.
use super::{UNFINISHED, wrong};
use crate::io::Error;
use crate::io::atomic::sync_folder;
use crate::patient::FileRecord;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are copied between two looks at whether to stop.
const CHUNK: usize = 1 << 20;

pub(super) fn open_error(path: &Path, source: std::io::Error) -> Error {
    Error::Open {
        source,
        path: path.to_owned(),
    }
}

pub(super) fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::Write {
        source,
        path: path.to_owned(),
    }
}

/// Where a checked path of the record lies, unless a link on the way leads elsewhere.
pub(super) fn inside(folder: &Path, relative: &str) -> Result<PathBuf, Error> {
    let mut path = folder.to_owned();
    for name in relative.split('/') {
        path.push(name);
        if path.is_symlink() {
            return Err(wrong(
                &path,
                "it is a link, which may lead out of the patient's folder; put the file itself there",
            ));
        }
    }
    Ok(path)
}

/// A folder of the patient's, made where it is missing.
pub(super) fn folder_inside(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let path = inside(folder, name)?;
    match std::fs::create_dir(&path) {
        Ok(()) => sync_folder(folder),
        Err(_) if path.is_dir() => {}
        Err(error) => return Err(write_error(&path, error)),
    }
    Ok(path)
}

/// A regular file's bytes, no more than `most`.
pub(super) fn content(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let file = regular(path)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(most + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read {
            source,
            path: path.to_owned(),
        })?;
    if bytes.len() as u64 > most {
        let problem = format!("it is larger than the {} MB it may have", most >> 20);
        return Err(wrong(path, problem));
    }
    Ok(bytes)
}

/// Looked at before opening: opening a pipe would wait for its other end.
pub(super) fn regular(path: &Path) -> Result<File, Error> {
    let metadata = std::fs::metadata(path).map_err(|e| open_error(path, e))?;
    if metadata.is_dir() {
        return Err(Error::Folder {
            path: path.to_owned(),
        });
    }
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
        });
    }
    File::open(path).map_err(|e| open_error(path, e))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Length and hash of all that can be read, which `each` sees in pieces and may stop.
pub(super) fn hashed(
    mut source: impl Read,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(u64, String), Error> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok((length, format!("{:x}", hasher.finalize()))),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(Error::Read {
                    source,
                    path: path.to_owned(),
                });
            }
        };
        hasher.update(read);
        length += read.len() as u64;
        each(read)?;
    }
}

/// Copies a file to a place where none is, hashes it on the way, and returns once it is on the disk. `each` hears of the bytes copied since.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    each: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<(u64, String), Error> {
    let source = regular(from)?;
    let mut target = File::create_new(to).map_err(|e| write_error(to, e))?;
    let found = hashed(source, from, |bytes| {
        target.write_all(bytes).map_err(|e| write_error(to, e))?;
        each(bytes.len() as u64)
    })?;
    target.sync_all().map_err(|e| write_error(to, e))?;
    Ok(found)
}

/// What the record says of a file that was just written; `relative` is its place in the folder.
pub(super) fn record_of(folder: &Path, relative: String) -> Result<FileRecord, Error> {
    let path = inside(folder, &relative)?;
    let (bytes, sha256) = hashed(regular(&path)?, &path, |_| Ok(()))?;
    Ok(FileRecord {
        path: relative,
        bytes,
        sha256,
    })
}

/// The first of `stem.ending`, `stem-r2.ending`, … that is not there: no file is ever written over.
pub(super) fn free_name(folder: &Path, stem: &str, ending: &str) -> String {
    let mut name = format!("{stem}{ending}");
    let mut n = 2;
    while folder.join(&name).symlink_metadata().is_ok() {
        name = format!("{stem}-r{n}{ending}");
        n += 1;
    }
    name
}

/// Names in a folder, in order; none where it cannot be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Throws away what a write that was cut off has left half written. Only while no other program writes.
pub(super) fn sweep(folder: &Path) {
    for name in names(folder) {
        let path = folder.join(&name);
        let unfinished = name.strip_prefix(UNFINISHED);
        if unfinished.is_none_or(|n| n.strip_suffix(".part").is_none()) {
            continue;
        }
        let is_folder = path.symlink_metadata().is_ok_and(|m| m.is_dir());
        let gone = if is_folder {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        if let Err(error) = gone {
            log::debug!("a half written file stays: {error}");
        }
    }
}

/// Removes files that nothing names any more. One that stays is told of by the next opening.
pub(super) fn remove(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = std::fs::remove_file(path) {
            log::debug!("a file that is not needed stays: {error}");
        }
    }
}
