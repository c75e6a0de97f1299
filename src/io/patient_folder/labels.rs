//! Versions of a visit's outlines.
use super::facts::visit_event;
use super::files::{content, folder_inside, free_name, inside, record_of, remove, sha256};
use super::{LABELS, MOST_RESULTS, PatientFolder, RESULTS, wrong};
use crate::io::{self, Error, Warning, write_atomically};
use crate::patient::{
    AuditAction, AuditEvent, FileRecord, LabelVersion, Outline, PatientRecord, Review, Signature,
    VisitRecord,
};
use crate::volume::LabelMap;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Outlines that are saved.
#[derive(Debug, Clone)]
pub struct NewLabels<'a> {
    /// The labels, on the scan's own grid.
    pub labels: &'a LabelMap,
    /// Who drew them.
    pub outline: Outline,
    /// What was said of them; accepted at once, for instance.
    pub review: Review,
    /// What was measured on them.
    pub results: Option<&'a Value>,
    /// Axial slices that were shown with these outlines.
    pub seen: BTreeSet<usize>,
}

impl PatientFolder {
    /// Saves outlines and gives the number of their version, which counts from now on. Edits go on in the version that holds edits which
    /// nobody has accepted or rejected; everything else begins the next version. What was accepted or rejected stays as it is.
    ///
    /// # Errors
    /// When there is no such visit, the labels are not as large as its scan, or they cannot be written.
    pub fn save_labels(
        &mut self,
        visit: &str,
        new: &NewLabels<'_>,
        by: &Signature,
    ) -> Result<u32, Error> {
        self.check_writable()?;
        let known = self.known(visit)?;
        if known.scan.facts.shape != new.labels.grid().shape() {
            return Err(wrong(
                &self.path,
                format!("the outlines are not as large as the scan of {visit}"),
            ));
        }
        self.check_signed(&new.review)?;
        let current = known.current();
        let continued = current.filter(|v| goes_on(v, new));
        let last = known.versions.last().map_or(0, |v| v.version);
        let number = continued.map_or(last.saturating_add(1), |v| v.version);
        let parent = match continued {
            Some(version) => version.parent,
            None => known.current,
        };
        let [voxels_added, voxels_removed] = self.voxel_changes(known, parent, new.labels);
        let mut made = Vec::new();
        // Outlines tell no more of sides than their scan.
        let told = io::volume::tells_sides(&self.scan_path(visit)?).unwrap_or(true);
        let stem = format!("{visit}-v{number}");
        let files = self.write_version(&stem, (new, told), &mut made);
        let (labels, results) = files.inspect_err(|_| remove(&made))?;
        let version = LabelVersion {
            version: number,
            labels,
            values: LabelVersion::values_of(new.labels),
            outline: new.outline.clone(),
            review: new.review.clone(),
            saved: by.clone(),
            parent,
            voxels_added,
            voxels_removed,
            results,
            seen: new.seen.clone(),
            other: continued.map_or_else(Map::new, |v| v.other.clone()),
        };
        let event = version_event(known, &version, action(&new.review), by);
        let mut record = self.record.clone();
        if let Some(visit) = record.visit_mut(visit) {
            visit.versions.retain(|v| v.version != number);
            visit.versions.push(version);
            visit.versions.sort_by_key(|v| v.version);
            visit.current = Some(number);
        }
        self.commit_over(record, event, &made)?;
        Ok(number)
    }

    /// Keeps what was measured on a version that nobody has accepted or rejected.
    ///
    /// # Errors
    /// When there is no such version, it is locked, or the numbers cannot be written.
    pub fn save_results(
        &mut self,
        visit: &str,
        version: u32,
        results: &Value,
        by: &Signature,
    ) -> Result<(), Error> {
        self.check_writable()?;
        let changed = self.open_version(self.known(visit)?, version)?.clone();
        self.keep_results(visit, changed, results, by)
    }

    /// Keeps what was measured anew on the version that counts, also on one that was accepted or rejected: its outlines and what was said of them stay, and the
    /// log tells who had them measured again. Numbers follow the wording and the sequence, which may be told later.
    ///
    /// # Errors
    /// When there are no outlines, or the numbers cannot be written.
    pub fn measured_anew(
        &mut self,
        visit: &str,
        results: &Value,
        by: &Signature,
    ) -> Result<(), Error> {
        self.check_writable()?;
        let known = self.known(visit)?;
        let current = self.version(known, known.current.unwrap_or_default())?;
        let changed = current.clone();
        self.keep_results(visit, changed, results, by)
    }

    fn keep_results(
        &mut self,
        visit: &str,
        mut version: LabelVersion,
        results: &Value,
        by: &Signature,
    ) -> Result<(), Error> {
        let mut made = Vec::new();
        let stem = format!("{visit}-v{}", version.version);
        let known = self.known(visit)?;
        let written = self.write_results(&stem, results, &mut made);
        version.results = Some(written.inspect_err(|_| remove(&made))?);
        let event = version_event(known, &version, AuditAction::Measured, by);
        let record = self.with_version(visit, version);
        self.commit_over(record, event, &made)
    }

    /// Reads the outlines of a version, and makes sure that they are those that were saved.
    ///
    /// # Errors
    /// When there is no such version, the file is missing, cannot be read or was changed, or what its values mean is not clear.
    pub fn read_labels(
        &self,
        visit: &str,
        version: u32,
    ) -> Result<(LabelMap, Vec<Warning>), Error> {
        let version = self.version(self.known(visit)?, version)?;
        let path = self.as_written(&version.labels, u64::MAX)?.0;
        let table = version.label_table().ok_or_else(|| {
            wrong(
                &path,
                "its labels are of structures that this version of Schwann does not know",
            )
        })?;
        let (labels, mut warnings) = io::read_labels(&path, &table)?;
        // The scan's own file is what tells of sides.
        warnings.retain(|warning| *warning != Warning::OrientationUnknown);
        Ok((labels, warnings))
    }

    /// Reads what was measured on a version; `None` where nothing was kept.
    ///
    /// # Errors
    /// When there is no such version, or the file is missing, damaged or was changed.
    pub fn read_results(&self, visit: &str, version: u32) -> Result<Option<Value>, Error> {
        let version = self.version(self.known(visit)?, version)?;
        let Some(file) = &version.results else {
            return Ok(None);
        };
        let (path, bytes) = self.as_written(file, MOST_RESULTS)?;
        let read = serde_json::from_slice(&bytes);
        read.map(Some)
            .map_err(|e| wrong(&path, format!("its results cannot be read ({e})")))
    }

    /// A file's bytes, if they are those that were written.
    fn as_written(&self, file: &FileRecord, most: u64) -> Result<(PathBuf, Vec<u8>), Error> {
        let path = inside(&self.path, &file.path)?;
        let bytes = content(&path, most.min(file.bytes))?;
        if sha256(&bytes) == file.sha256 {
            return Ok((path, bytes));
        }
        Err(wrong(
            &path,
            "it is not as Schwann wrote it; put back a copy of the file",
        ))
    }

    pub(super) fn version<'a>(
        &self,
        visit: &'a VisitRecord,
        number: u32,
    ) -> Result<&'a LabelVersion, Error> {
        let missing = || {
            let problem = format!("{} has no version {number} of its outlines", visit.id);
            wrong(&self.path, problem)
        };
        visit.version(number).ok_or_else(missing)
    }

    /// A version of which nobody has spoken the last word.
    pub(super) fn open_version<'a>(
        &self,
        visit: &'a VisitRecord,
        number: u32,
    ) -> Result<&'a LabelVersion, Error> {
        let version = self.version(visit, number)?;
        if version.review.is_final() {
            let problem = format!(
                "version {number} of {} was {} and is locked; begin a new version to change it",
                visit.id, version.review
            );
            return Err(wrong(&self.path, problem));
        }
        Ok(version)
    }

    /// A last word needs somebody who speaks it.
    pub(super) fn check_signed(&self, review: &Review) -> Result<(), Error> {
        match review {
            Review::Accepted(who) | Review::Rejected(who) if who.by.trim().is_empty() => {
                Err(wrong(
                    &self.path,
                    "outlines are accepted or rejected by somebody; give a name",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The record with one version changed.
    pub(super) fn with_version(&self, visit: &str, version: LabelVersion) -> PatientRecord {
        let mut record = self.record.clone();
        let mut versions = record
            .visit_mut(visit)
            .into_iter()
            .flat_map(|v| &mut v.versions);
        if let Some(old) = versions.find(|v| v.version == version.version) {
            *old = version;
        }
        record
    }

    /// Makes a change after which some files may not be needed any more: those of edits that newer ones of the same version stand for.
    pub(super) fn commit_over(
        &mut self,
        record: PatientRecord,
        event: AuditEvent,
        made: &[PathBuf],
    ) -> Result<(), Error> {
        let before: BTreeSet<String> = self.record.files().map(|f| f.path.clone()).collect();
        self.commit(record, event, made)?;
        let after: BTreeSet<&String> = self.record.files().map(|f| &f.path).collect();
        let gone = before.iter().filter(|path| !after.contains(path));
        let gone: Vec<PathBuf> = gone.map(|path| self.path.join(path)).collect();
        remove(&gone);
        Ok(())
    }

    fn write_version(
        &self,
        stem: &str,
        (new, told): (&NewLabels<'_>, bool),
        made: &mut Vec<PathBuf>,
    ) -> Result<(FileRecord, Option<FileRecord>), Error> {
        let folder = folder_inside(&self.path, LABELS)?;
        let name = free_name(&folder, stem, ".nii.gz");
        let path = folder.join(&name);
        io::write_labels_as(&path, new.labels, told)?;
        made.push(path);
        let labels = record_of(&self.path, format!("{LABELS}/{name}"))?;
        let results = new.results.map(|r| self.write_results(stem, r, made));
        Ok((labels, results.transpose()?))
    }

    pub(super) fn write_results(
        &self,
        stem: &str,
        results: &Value,
        made: &mut Vec<PathBuf>,
    ) -> Result<FileRecord, Error> {
        let folder = folder_inside(&self.path, RESULTS)?;
        let name = free_name(&folder, stem, ".json");
        let path = folder.join(&name);
        let text = format!("{results:#}\n");
        if text.len() as u64 > MOST_RESULTS {
            return Err(wrong(&path, "the results are larger than 16 MB"));
        }
        write_atomically(&path, |w| w.write_all(text.as_bytes()))?;
        made.push(path);
        record_of(&self.path, format!("{RESULTS}/{name}"))
    }

    /// Voxels that gained and lost a structure since a version, where it can be compared.
    fn voxel_changes(
        &self,
        visit: &VisitRecord,
        parent: Option<u32>,
        labels: &LabelMap,
    ) -> [Option<u64>; 2] {
        let old = parent.and_then(|n| self.read_labels(&visit.id, n).ok());
        let Some((old, _)) = old.filter(|(old, _)| old.table() == labels.table()) else {
            return [None; 2];
        };
        if old.labels().len() != labels.labels().len() {
            return [None; 2];
        }
        let pairs = || old.labels().iter().zip(labels.labels());
        let changed = pairs().filter(|(a, b)| a != b);
        let (mut added, mut removed) = (0, 0);
        for (a, b) in changed {
            added += u64::from(*b != 0);
            removed += u64::from(*a != 0);
        }
        [Some(added), Some(removed)]
    }
}

/// Whether new outlines are further edits of a version, rather than the next one.
fn goes_on(version: &LabelVersion, new: &NewLabels<'_>) -> bool {
    version.review == Review::Edited
        && matches!(new.outline, Outline::Edited { .. })
        && !matches!(new.review, Review::AiDraft | Review::Imported)
}

fn action(review: &Review) -> AuditAction {
    match review {
        Review::AiDraft => AuditAction::Segmented,
        Review::Edited => AuditAction::Edited,
        Review::Imported => AuditAction::Imported,
        Review::Accepted(_) => AuditAction::Accepted,
        Review::Rejected(_) => AuditAction::Rejected,
    }
}

/// What happened to a version, with the hashes of its files.
pub(super) fn version_event(
    visit: &VisitRecord,
    version: &LabelVersion,
    action: AuditAction,
    by: &Signature,
) -> AuditEvent {
    let mut event = visit_event(visit, action, by)
        .with("version", version.version)
        .with("labels_sha256", &version.labels.sha256);
    if let Some(results) = &version.results {
        event = event.with("results_sha256", &results.sha256);
    }
    for (name, count) in [
        ("voxels_added", version.voxels_added),
        ("voxels_removed", version.voxels_removed),
    ] {
        if let Some(count) = count {
            event = event.with(name, count);
        }
    }
    let model = match &version.outline {
        Outline::Model { model, .. } => Some(model),
        Outline::Edited { model, .. } => model.as_ref(),
        Outline::Imported => None,
    };
    match model {
        Some(model) => event
            .with("model", model)
            .with("model_sha256", &model.sha256),
        None => event,
    }
}
