//! What can be done to a patient's record and outlines.
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was done. Files hold its name in `snake_case`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AuditAction {
    /// A scan was opened.
    ScanOpened,
    /// A model drew the outlines.
    Segmented,
    /// A reader changed the outlines.
    Edited,
    /// A reader took a change back.
    Undone,
    /// A reader did again what was taken back.
    Redone,
    /// A reader accepted the outlines.
    Accepted,
    /// A reader rejected the outlines.
    Rejected,
    /// An accepted or rejected result was opened for changes again.
    Reopened,
    /// Outlines were read from a file.
    Imported,
    /// Outlines, numbers or a report were written to a file.
    Exported,
    /// Edits were brought back after a crash.
    Recovered,
    /// Edits that a crash left behind were thrown away.
    Discarded,
    /// A patient's folder was begun.
    PatientCreated,
    /// What is told of the patient was changed: treatment, side, wording.
    PatientChanged,
    /// A scan became a visit of the patient.
    VisitAdded,
    /// What is told of a visit was changed: its date, what was marked on it.
    VisitChanged,
    /// A visit was taken out.
    VisitRemoved,
    /// Numbers were measured on the outlines and kept.
    Measured,
    /// A reader committed a grade before the outlines were shown.
    Graded,
    /// What a later version of the program wrote.
    Other(String),
}

impl AuditAction {
    /// Those that have a name here.
    const KNOWN: [Self; 19] = [
        Self::ScanOpened,
        Self::Segmented,
        Self::Edited,
        Self::Undone,
        Self::Redone,
        Self::Accepted,
        Self::Rejected,
        Self::Reopened,
        Self::Imported,
        Self::Exported,
        Self::Recovered,
        Self::Discarded,
        Self::PatientCreated,
        Self::PatientChanged,
        Self::VisitAdded,
        Self::VisitChanged,
        Self::VisitRemoved,
        Self::Measured,
        Self::Graded,
    ];

    /// The name in files.
    pub fn name(&self) -> &str {
        match self {
            Self::ScanOpened => "scan_opened",
            Self::Segmented => "segmented",
            Self::Edited => "edited",
            Self::Undone => "undone",
            Self::Redone => "redone",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Reopened => "reopened",
            Self::Imported => "imported",
            Self::Exported => "exported",
            Self::Recovered => "recovered",
            Self::Discarded => "discarded",
            Self::PatientCreated => "patient_created",
            Self::PatientChanged => "patient_changed",
            Self::VisitAdded => "visit_added",
            Self::VisitChanged => "visit_changed",
            Self::VisitRemoved => "visit_removed",
            Self::Measured => "measured",
            Self::Graded => "graded",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for AuditAction {
    fn from(name: String) -> Self {
        let known = Self::KNOWN.into_iter().find(|a| a.name() == name);
        known.unwrap_or(Self::Other(name))
    }
}

impl From<AuditAction> for String {
    fn from(action: AuditAction) -> Self {
        action.name().to_owned()
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::plain(self.name()).replace('_', " "))
    }
}
