//! What readers say of outlines.
use super::labels::version_event;
use super::{PatientFolder, files::remove, wrong};
use crate::io::Error;
use crate::patient::{AuditAction, AuditEvent, LabelVersion, Outline, Review, Signature};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl PatientFolder {
    /// Accepts the version of a visit's outlines that counts, after these of its axial slices were seen. It is locked then.
    ///
    /// # Errors
    /// When there are none, the last word on them was spoken already, nobody signs, or it cannot be written.
    pub fn accept(
        &mut self,
        visit: &str,
        seen: &BTreeSet<usize>,
        by: &Signature,
    ) -> Result<(), Error> {
        self.say(visit, Review::Accepted(by.clone()), seen, None)
    }

    /// Rejects the version of a visit's outlines that counts: they must not be used.
    ///
    /// # Errors
    /// As [`PatientFolder::accept`].
    pub fn reject(&mut self, visit: &str, by: &Signature) -> Result<(), Error> {
        let seen = BTreeSet::new();
        self.say(visit, Review::Rejected(by.clone()), &seen, None)
    }

    /// Notes in the log that a reader committed a grade of a visit before its outlines were shown: what was said, and the rule's grade on the
    /// outlines where there were any. The record stays as it is.
    ///
    /// # Errors
    /// When there is no such visit, or it cannot be written.
    pub fn note_grade(
        &mut self,
        visit: &str,
        said: &str,
        model: Option<&str>,
        by: &Signature,
    ) -> Result<(), Error> {
        self.check_writable()?;
        let known = self.known(visit)?;
        let subject = &known.scan.facts.voxels_sha256;
        let event = AuditEvent::new(by.at, &by.by, AuditAction::Graded, subject)
            .with("visit", visit)
            .with("koos", said)
            .with("koos_of_outlines", model.unwrap_or("no grade"));
        self.commit(self.record.clone(), event, &[])
    }

    /// Accepts or rejects the version that counts, after these of its axial slices were seen, and keeps with it what was measured on it, in one step: what is said
    /// is said of these numbers. Those that it has stay where there are no `results`.
    ///
    /// # Errors
    /// As [`PatientFolder::accept`], and when `review` is neither.
    pub fn say(
        &mut self,
        visit: &str,
        review: Review,
        seen: &BTreeSet<usize>,
        results: Option<&Value>,
    ) -> Result<(), Error> {
        let (Review::Accepted(by) | Review::Rejected(by)) = &review else {
            return Err(wrong(&self.path, "outlines are accepted or rejected"));
        };
        let by = by.clone();
        self.check_writable()?;
        self.check_signed(&review)?;
        let known = self.known(visit)?;
        let number = known.current.unwrap_or_default();
        let mut version = self.open_version(known, number)?.clone();
        version.seen.extend(seen);
        let action = match review {
            Review::Rejected(_) => AuditAction::Rejected,
            _ => AuditAction::Accepted,
        };
        version.review = review;
        let mut made = Vec::new();
        if let Some(results) = results {
            let written = self.write_results(&format!("{visit}-v{number}"), results, &mut made);
            version.results = Some(written.inspect_err(|_| remove(&made))?);
        }
        let event = version_event(known, &version, action, &by);
        let record = self.with_version(visit, version);
        self.commit_over(record, event, &made)
    }

    /// Begins a new version of a visit's outlines, to be edited, from the one that counts; that one stays as it is. Gives its number.
    ///
    /// # Errors
    /// When there are no outlines, or it cannot be written.
    pub fn reopen(&mut self, visit: &str, by: &Signature) -> Result<u32, Error> {
        self.check_writable()?;
        let known = self.known(visit)?;
        let old = self.version(known, known.current.unwrap_or_default())?;
        let last = known.versions.last().map_or(0, |v| v.version);
        let (model, device) = match &old.outline {
            Outline::Model { model, device } => (Some(model.clone()), Some(device.clone())),
            Outline::Edited { model, device } => (model.clone(), device.clone()),
            Outline::Imported => (None, None),
        };
        let number = last.saturating_add(1);
        let version = LabelVersion {
            version: number,
            outline: Outline::Edited { model, device },
            review: Review::Edited,
            saved: by.clone(),
            parent: Some(old.version),
            voxels_added: Some(0),
            voxels_removed: Some(0),
            // They were measured on what was said then.
            results: None,
            seen: BTreeSet::new(),
            other: Map::new(),
            ..old.clone()
        };
        let event = version_event(known, &version, AuditAction::Reopened, by);
        let mut record = self.record.clone();
        if let Some(visit) = record.visit_mut(visit) {
            visit.versions.push(version);
            visit.current = Some(number);
        }
        self.commit(record, event, &[])?;
        Ok(number)
    }
}
