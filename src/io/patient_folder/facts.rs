//! What is told of the patient and of visits.
use super::{PatientFolder, wrong};
use crate::io::Error;
use crate::patient::{
    AuditAction, AuditEvent, PatientFacts, PatientRecord, Signature, VisitDate, VisitRecord,
    sequence_name,
};
use crate::volume::Sequence;
use serde_json::Value;

impl PatientFolder {
    /// Sets what a reader tells of the patient. The log learns what was changed and on which days treatments were, never the name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_facts(&mut self, facts: PatientFacts, by: &Signature) -> Result<(), Error> {
        self.check_writable()?;
        let old = &self.record.facts;
        let changed = [
            ("name", old.name != facts.name),
            ("side", old.side != facts.side),
            ("koos_wording", old.koos_wording != facts.koos_wording),
            ("treatments", old.treatments != facts.treatments),
        ];
        let changed: Vec<&str> = changed.iter().filter(|c| c.1).map(|c| c.0).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut event = AuditEvent::new(by.at, &by.by, AuditAction::PatientChanged, "")
            .with("changed", changed.join(", "));
        if changed.contains(&"treatments") {
            let days = facts.treatments.iter().map(|t| t.day.to_string());
            event = event.with("treated", days.collect::<Vec<_>>().join(", "));
        }
        let record = PatientRecord {
            facts,
            ..self.record.clone()
        };
        self.commit(record, event, &[])
    }

    /// Sets the day of a visit's scan, or that it is not known.
    ///
    /// # Errors
    /// When there is no such visit, or it cannot be written.
    pub fn set_date(
        &mut self,
        visit: &str,
        date: Option<VisitDate>,
        by: &Signature,
    ) -> Result<(), Error> {
        let day = date.map_or_else(|| "unknown".to_owned(), |d| d.day.to_string());
        self.change_visit(visit, ("date", day), by, |visit| visit.date = date)
    }

    /// Sets what a visit's scan shows.
    ///
    /// # Errors
    /// When there is no such visit, or it cannot be written.
    pub fn set_sequence(
        &mut self,
        visit: &str,
        sequence: Sequence,
        by: &Signature,
    ) -> Result<(), Error> {
        let name = sequence_name(sequence).to_owned();
        self.change_visit(visit, ("sequence", name), by, |visit| {
            visit.scan.facts.sequence = sequence;
        })
    }

    /// Sets the slices that were kept and the distances and angles that were drawn, as the window writes them.
    ///
    /// # Errors
    /// When there is no such visit, or it cannot be written.
    pub fn set_marks(
        &mut self,
        visit: &str,
        key_images: Vec<Value>,
        measurements: Vec<Value>,
        by: &Signature,
    ) -> Result<(), Error> {
        let count = format!("{}, {}", key_images.len(), measurements.len());
        let detail = ("key_images_and_measurements", count);
        self.change_visit(visit, detail, by, |visit| {
            visit.key_images = key_images;
            visit.measurements = measurements;
        })
    }

    fn change_visit(
        &mut self,
        id: &str,
        (what, value): (&str, String),
        by: &Signature,
        change: impl FnOnce(&mut VisitRecord),
    ) -> Result<(), Error> {
        self.check_writable()?;
        let mut record = self.record.clone();
        let visit = record.visit_mut(id).ok_or_else(|| self.no_visit(id))?;
        change(visit);
        if Some(&*visit) == self.record.visit(id) {
            return Ok(());
        }
        let event = visit_event(visit, AuditAction::VisitChanged, by).with(what, value);
        self.commit(record, event, &[])
    }

    /// A visit that must be there.
    pub(super) fn known(&self, id: &str) -> Result<&VisitRecord, Error> {
        self.record.visit(id).ok_or_else(|| self.no_visit(id))
    }

    pub(super) fn no_visit(&self, id: &str) -> Error {
        wrong(&self.path, format!("it has no visit {id:?}"))
    }
}

/// What happened to a visit.
pub(super) fn visit_event(visit: &VisitRecord, action: AuditAction, by: &Signature) -> AuditEvent {
    let scan = &visit.scan.facts.voxels_sha256;
    AuditEvent::new(by.at, &by.by, action, scan).with("visit", &visit.id)
}
