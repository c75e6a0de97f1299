//! A patient's folder is begun or opened, without a look into its scans.
use super::access::access;
use super::commit::{logged_record, put_in_place};
use super::files::{content, folder_inside, inside, names, open_error, sha256, sweep, write_error};
use super::{
    BACKUP, LABELS, MOST_RECORD, NEXT, PatientFolder, PatientWarning, RECORD, REMOVED, RESULTS,
    ReadOnly, SCANS, UNFINISHED, wrong,
};
use crate::io::{AUDIT_FILE, Error};
use crate::patient::{AuditAction, AuditEvent, PatientRecord, Signature, VisitRecord};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Most files that are told of one by one because the record does not name them.
const MOST_UNKNOWN: usize = 20;

impl PatientFolder {
    /// Begins a patient in a folder that is empty or not there yet. The folder's own name is the user's choice.
    ///
    /// # Errors
    /// When something is in it, or it cannot be written.
    pub fn create(path: &Path, by: &Signature) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|e| write_error(path, e))?;
        if Self::is_one(path) && path.join(RECORD).is_file() {
            return Err(wrong(path, "there is a patient in it already; open that"));
        }
        // What a beginning that was cut off leaves is no obstacle.
        let ours = [NEXT, AUDIT_FILE, SCANS, LABELS, RESULTS];
        let foreign = |n: &String| !n.starts_with('.') && !ours.contains(&n.as_str());
        if names(path).iter().any(foreign) {
            return Err(wrong(
                path,
                "it is not empty; choose an empty folder for a new patient",
            ));
        }
        let (lock, read_only) = access(path, &mut Vec::new());
        let mut folder = Self {
            path: path.to_owned(),
            record: PatientRecord::default(),
            bytes: Vec::new(),
            read_only,
            unfinished: false,
            _lock: lock,
        };
        folder.check_writable()?;
        for name in [SCANS, LABELS, RESULTS] {
            folder_inside(path, name)?;
        }
        let event = AuditEvent::new(by.at, &by.by, AuditAction::PatientCreated, "");
        folder.commit(PatientRecord::default(), event, &[])?;
        Ok(folder)
    }

    /// Opens a patient, and finishes a change that a crash cut off. Where another program has it open or the folder cannot be written it is
    /// opened all the same, and nothing may be changed: see [`PatientFolder::read_only`], which is among the warnings too. Looks at the
    /// lengths of the files, not into them; [`PatientFolder::verify`] does.
    ///
    /// # Errors
    /// When there is no patient, or its record is damaged.
    pub fn open(path: &Path) -> Result<(Self, Vec<PatientWarning>), Error> {
        check_is_one(path)?;
        let mut warnings = Vec::new();
        let (lock, read_only) = access(path, &mut warnings);
        if lock.is_some() {
            sweep(path);
            for folder in [SCANS, LABELS, RESULTS] {
                // Where a link leads is not ours to sweep.
                if let Ok(folder) = inside(path, folder) {
                    sweep(&folder);
                }
            }
        }
        let folder = Self::read(path, (lock, read_only), &mut warnings)?;
        if folder.read_only.is_none() {
            folder.move_removed();
        }
        folder.look(&mut warnings);
        Ok((folder, warnings))
    }

    /// Opens a patient to look at it, whoever else has it open, and touches nothing.
    ///
    /// # Errors
    /// As [`PatientFolder::open`].
    pub fn open_to_read(path: &Path) -> Result<(Self, Vec<PatientWarning>), Error> {
        check_is_one(path)?;
        let mut warnings = Vec::new();
        let folder = Self::read(path, (None, Some(ReadOnly::Asked)), &mut warnings)?;
        folder.look(&mut warnings);
        Ok((folder, warnings))
    }

    fn read(
        path: &Path,
        (lock, mut read_only): (Option<File>, Option<ReadOnly>),
        warnings: &mut Vec<PatientWarning>,
    ) -> Result<Self, Error> {
        let (bytes, told) = settled_record(path, read_only.is_none())?;
        let record = PatientRecord::from_json(&bytes).map_err(|p| damaged(path, &p))?;
        if read_only.is_none() && record.is_newer() {
            read_only = Some(ReadOnly::Newer);
        }
        let unasked = read_only.clone().filter(|why| *why != ReadOnly::Asked);
        warnings.extend(unasked.map(PatientWarning::ReadOnly));
        warnings.extend(told);
        Ok(Self {
            path: path.to_owned(),
            record,
            bytes,
            read_only,
            unfinished: false,
            _lock: lock,
        })
    }

    /// Tells of files that are missing, have another length, or are not in the record.
    fn look(&self, warnings: &mut Vec<PatientWarning>) {
        let mut known = BTreeSet::new();
        for file in self.record.files() {
            if !known.insert(file.path.clone()) {
                continue;
            }
            let path = self.path.join(&file.path);
            let length = inside(&self.path, &file.path)
                .ok()
                .and_then(|p| p.metadata().ok().filter(std::fs::Metadata::is_file));
            match length {
                None => warnings.push(PatientWarning::Missing { path }),
                Some(found) if found.len() != file.bytes => {
                    warnings.push(PatientWarning::Changed { path });
                }
                Some(_) => {}
            }
        }
        let scans: BTreeSet<&str> = self.record.visits.iter().map(|v| v.id.as_str()).collect();
        let mut unknown = Vec::new();
        for folder in [SCANS, LABELS, RESULTS] {
            for name in names(&self.path.join(folder)) {
                let place = format!("{folder}/{name}");
                let named = if folder == SCANS {
                    scans.contains(name.as_str())
                } else {
                    known.contains(&place)
                };
                // Another program may be writing it just now.
                let being_written = name.starts_with(UNFINISHED);
                if !named && !being_written {
                    unknown.push(self.path.join(place));
                }
            }
        }
        let more = unknown.len().saturating_sub(MOST_UNKNOWN);
        let told = unknown.into_iter().take(MOST_UNKNOWN);
        warnings.extend(told.map(|path| PatientWarning::Unknown { path }));
        if more > 0 {
            warnings.push(PatientWarning::UnknownMore { count: more });
        }
    }

    /// Finishes taking out visits whose files are still among the others.
    fn move_removed(&self) {
        for name in names(&self.path.join(REMOVED)) {
            let id = name.strip_suffix(".json").unwrap_or_default();
            if VisitRecord::is_id(id) && self.record.visit(id).is_none() {
                self.move_files(id);
            }
        }
    }
}

fn check_is_one(path: &Path) -> Result<(), Error> {
    let metadata = std::fs::metadata(path).map_err(|e| open_error(path, e))?;
    if metadata.is_dir() && PatientFolder::is_one(path) {
        return Ok(());
    }
    let problem = "it is not the folder of a patient: there is no patient.json in it";
    Err(wrong(path, problem))
}

/// The record's bytes, and what to know about them. Where this program is not the one that may change the folder, another may be in the middle
/// of a change, which is waited for a moment.
fn settled_record(path: &Path, may_change: bool) -> Result<(Vec<u8>, Vec<PatientWarning>), Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut tries = if may_change { 1 } else { 4 };
    loop {
        let read = record(path, may_change)?;
        tries -= 1;
        if tries == 0 || !read.1.contains(&PatientWarning::RecordChanged) {
            return Ok(read);
        }
        std::thread::sleep(PAUSE);
    }
}

fn record(path: &Path, may_change: bool) -> Result<(Vec<u8>, Vec<PatientWarning>), Error> {
    let place = path.join(RECORD);
    let mut warnings = Vec::new();
    let logged = logged_record(path).unwrap_or_else(|error| {
        let problem = error.to_string();
        warnings.push(PatientWarning::Log { problem });
        None
    });
    let found = content(&place, MOST_RECORD);
    let is_last = |bytes: &[u8]| logged.as_ref().is_some_and(|hash| *hash == sha256(bytes));
    if found.as_deref().is_ok_and(is_last) {
        return Ok((found?, warnings));
    }
    let next = content(&path.join(NEXT), MOST_RECORD).ok();
    if let Some(next) = next.filter(|bytes| is_last(bytes)) {
        if may_change {
            put_in_place(path)?;
        }
        warnings.push(PatientWarning::Finished);
        return Ok((next, warnings));
    }
    let found = match found {
        Ok(found) => found,
        Err(_) if !place.exists() => return Err(damaged(path, "it is not there")),
        Err(error) => return Err(error),
    };
    if logged.is_some() {
        warnings.push(PatientWarning::RecordChanged);
    } else if warnings.is_empty() {
        let problem = "the patient's audit log is missing or says nothing of its record";
        warnings.push(PatientWarning::Log {
            problem: problem.to_owned(),
        });
    }
    Ok((found, warnings))
}

/// The one error of a record that cannot be read, and what to do about it.
fn damaged(path: &Path, problem: &str) -> Error {
    let backup = content(&path.join(BACKUP), MOST_RECORD).ok();
    let backup = backup.and_then(|bytes| PatientRecord::from_json(&bytes).ok());
    let advice = if backup.is_some() {
        "patient.json.bak beside it holds the record before the last change: rename that to patient.json to go on with it"
    } else {
        "put back a copy of patient.json"
    };
    wrong(
        &path.join(RECORD),
        format!("the patient's record is damaged ({problem}); {advice}"),
    )
}
