//! Paths to the files that may be DICOM.
use super::DicomError;
use super::source::Source;
use super::zipped::{entries, is_zip};
use crate::io::Error;
use crate::io::report::report;
use crate::volume::Observe;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Files of one look: more than any disc holds.
const MOST_FILES: usize = 500_000;
/// Folders inside folders.
const DEEPEST: usize = 64;

/// What the paths hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    /// What could not be looked at, and why.
    pub(super) refused: Vec<(PathBuf, DicomError)>,
}

/// Files below the paths, those in zip archives included. A DICOMDIR stands for the folder that it lies in: it lists what the disc should
/// hold, the folder what it does. Links are not followed.
///
/// # Errors
/// [`Error::Open`] for a path that is missing; [`Error::Cancelled`].
pub(super) fn walk(paths: &[PathBuf], observe: &mut Observe<'_>) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|source| Error::Open {
            source,
            path: path.clone(),
        })?;
        let directory = is_dicomdir(path) && kind.is_file();
        let root = match path.parent() {
            Some(parent) if directory && parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) if directory => parent,
            _ => path,
        };
        let below = WalkDir::new(root)
            .max_depth(DEEPEST)
            .sort_by_file_name()
            .into_iter();
        for entry in below {
            if seen.len().is_multiple_of(256) {
                report(observe, "looking for files", 0, 1)?;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let at = error.path().unwrap_or(root).to_owned();
                    let problem = DicomError::Unreadable(error.to_string());
                    found.refused.push((at, problem));
                    continue;
                }
            };
            // The path itself may be a link; those below it are not followed.
            let is_file = if entry.depth() == 0 {
                entry.path().is_file()
            } else {
                entry.file_type().is_file()
            };
            if is_file && !is_dicomdir(entry.path()) && seen.insert(entry.path().to_owned()) {
                add(entry.into_path(), &mut found);
            }
            if found.sources.len() > MOST_FILES {
                let problem = DicomError::Unreadable(format!("more than {MOST_FILES} files"));
                found.refused.push((root.to_owned(), problem));
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn is_dicomdir(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"))
}

/// A file, or the entries of an archive.
fn add(path: PathBuf, found: &mut Found) {
    let mut start = [0; 4];
    let archive = File::open(&path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| is_zip(&start));
    if !archive {
        found.sources.push(Source::File(path));
        return;
    }
    match entries(&path) {
        Ok(listing) => {
            found.sources.extend(listing.members);
            let refused = listing.refused.into_iter();
            found
                .refused
                .extend(refused.map(|(name, problem)| (path.join(name), problem)));
        }
        Err(problem) => found.refused.push((path, problem)),
    }
}
