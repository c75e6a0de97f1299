//! A scan becomes a visit.
use super::facts::visit_event;
use super::files::{copy, folder_inside, inside, names, open_error, write_error};
use super::{LABELS, PatientFolder, REMOVED, RESULTS, SCANS, UNFINISHED, wrong};
use crate::io::Error;
use crate::io::atomic::sync_folder;
use crate::io::nifti::files_with_endings;
use crate::io::report::report;
use crate::patient::{
    AuditAction, FileRecord, ScanFacts, ScanRecord, Signature, VisitDate, VisitRecord,
};
use crate::volume::Observe;
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files of a scan that becomes a visit.
#[derive(Debug, Clone, Copy)]
pub enum ScanFiles<'a> {
    /// One file, or either half of a pair, which is copied whole.
    Image(&'a Path),
    /// The files of one DICOM series; they are numbered in this order.
    Series(&'a [PathBuf]),
}

/// A scan that becomes a visit.
#[derive(Debug, Clone)]
pub struct NewVisit<'a> {
    /// Where it is now. It stays there.
    pub files: ScanFiles<'a>,
    /// What reading it has told.
    pub facts: ScanFacts,
    /// Its day, where it is known.
    pub date: Option<VisitDate>,
}

impl PatientFolder {
    /// Copies a scan into the folder as a new visit, and gives the visit's name. The copy keeps nothing of the file's name, which may be the
    /// patient's.
    ///
    /// # Errors
    /// When the scan cannot be read or the copy not be written; [`Error::Cancelled`]. Nothing is left behind then.
    pub fn add_visit(
        &mut self,
        new: NewVisit<'_>,
        by: &Signature,
        observe: &mut Observe<'_>,
    ) -> Result<String, Error> {
        self.check_writable()?;
        let sources = self.sources(new.files)?;
        let id = self.free_id();
        let scans = folder_inside(&self.path, SCANS)?;
        let cannot = |source| write_error(&scans, source);
        let part = unfinished_folder(&scans).map_err(cannot)?;
        let mut files = Vec::new();
        let total = sources.iter().map(|s| s.bytes).sum::<u64>();
        let mut done = 0;
        for source in &sources {
            let mut each = |more| {
                done += more;
                report(observe, "copying", done, total)
            };
            let (bytes, sha256) = copy(&source.path, &part.path().join(&source.name), &mut each)?;
            files.push(FileRecord {
                path: format!("{SCANS}/{id}/{}", source.name),
                bytes,
                sha256,
            });
        }
        sync_folder(part.path());
        let place = scans.join(&id);
        std::fs::rename(part.path(), &place).map_err(cannot)?;
        sync_folder(&scans);
        let first = files.first().map_or_else(String::new, |f| f.path.clone());
        let visit = VisitRecord {
            id: id.clone(),
            date: new.date,
            scan: ScanRecord {
                path: match new.files {
                    ScanFiles::Image(_) => first,
                    ScanFiles::Series(_) => format!("{SCANS}/{id}"),
                },
                files,
                facts: new.facts,
            },
            versions: Vec::new(),
            current: None,
            key_images: Vec::new(),
            measurements: Vec::new(),
            other: Map::new(),
        };
        let mut event = visit_event(&visit, AuditAction::VisitAdded, by);
        if let Some(file) = visit.scan.files.first() {
            event = event
                .with("files", visit.scan.files.len())
                .with("file_sha256", &file.sha256);
        }
        if let Some(date) = visit.date {
            event = event.with("date", date.day);
        }
        let mut record = self.record.clone();
        record.visits.push(visit);
        if let Err(error) = self.commit(record, event, &[]) {
            if let Err(stays) = std::fs::remove_dir_all(&place) {
                log::debug!("a scan's copy stays: {stays}");
            }
            return Err(error);
        }
        Ok(id)
    }

    /// What to open to see a visit's scan: a file, or the folder of a series.
    ///
    /// # Errors
    /// When there is no such visit, or a link lies there, which may lead anywhere.
    pub fn scan_path(&self, visit: &str) -> Result<PathBuf, Error> {
        let scan = &self.known(visit)?.scan;
        for file in &scan.files {
            inside(&self.path, &file.path)?;
        }
        inside(&self.path, &scan.path)
    }

    fn sources(&self, files: ScanFiles<'_>) -> Result<Vec<SourceFile>, Error> {
        let named: Vec<(PathBuf, String)> = match files {
            ScanFiles::Image(path) => files_with_endings(path)?
                .into_iter()
                .map(|(path, ending)| (path, format!("scan{ending}")))
                .collect(),
            ScanFiles::Series([]) => {
                return Err(wrong(&self.path, "a series without files is no scan"));
            }
            ScanFiles::Series(paths) => (1..)
                .zip(paths)
                .map(|(n, path)| (path.clone(), format!("{n:05}.dcm")))
                .collect(),
        };
        let sized = named.into_iter().map(|(path, name)| {
            let metadata = std::fs::metadata(&path).map_err(|e| open_error(&path, e))?;
            let bytes = metadata.len();
            Ok(SourceFile { path, name, bytes })
        });
        sized.collect()
    }

    /// A name that no visit has, or had, or has left a file of.
    fn free_id(&self) -> String {
        let mut taken = Vec::new();
        for folder in [SCANS, LABELS, RESULTS, REMOVED] {
            taken.extend(names(&self.path.join(folder)));
        }
        let of_file = taken.iter().filter_map(|name| number(name));
        let of_visit = self.record.visits.iter().filter_map(|v| number(&v.id));
        let taken: BTreeSet<u32> = of_file.chain(of_visit).collect();
        let free = (1..=u32::MAX)
            .find(|n| !taken.contains(n))
            .unwrap_or(u32::MAX);
        // After the last one, so that names tell the order, unless a file with an absurd number was put there.
        let next = taken.last().map_or(1, |last| last.saturating_add(1));
        format!("visit-{}", if next <= 100_000 { next } else { free })
    }
}

/// The number of the visit that a file's name begins with.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("visit-")?;
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
}

/// A file that is copied.
struct SourceFile {
    path: PathBuf,
    name: String,
    bytes: u64,
}

/// A folder that vanishes unless it gets another name.
fn unfinished_folder(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new folder; the process's umask takes its share.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent)
}
