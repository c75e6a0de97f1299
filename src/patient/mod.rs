//! One patient: visits and findings with where they come from, what changed between them, and the report.
//!
//! A [`Visit`] is one scan with its [`Finding`]; [`assess`] compares visits and refuses pairs that must not be compared; the
//! [`GrowthAssessment`] is the one source of the numbers in JSON, CSV, text and PDF. Who did what stands in an [`AuditLog`], what is known between
//! two runs of the program in a [`PatientRecord`].

mod acquisition;
mod assess;
mod audit;
mod change;
mod comparable;
mod day;
mod measured;
mod provenance;
mod record;
mod report;
mod rows;
mod text;
mod treatment;
mod visit;

pub use acquisition::{Acquisition, acquisition_doubts};
pub use assess::{
    GrowthAssessment, LastChanges, RegistrationResult, Trend, VisitSummary, assess, assess_doubted,
};
pub use audit::{
    AuditAction, AuditBroken, AuditEntry, AuditEvent, AuditFault, AuditLog, NO_ENTRY_SHA256,
    verify_audit,
};
pub use change::{Change, Comparability, Reading};
pub use comparable::{Doubt, operation_doubts};
pub use day::{SCAN_YEARS, parse_day};
pub use measured::{Outline, ScanOrigin, cochlea_residual_mm};
pub use provenance::{ModelInfo, Provenance, ReviewState};
pub use record::{
    AffectedSide, DateSource, FileRecord, LabelVersion, PatientFacts, PatientRecord, RECORD_SCHEMA,
    Review, ScanFacts, ScanRecord, Signature, Treatment, TreatmentKind, VisitDate, VisitRecord,
};
pub use report::{Picture, ReportInput, report_pdf};
pub use treatment::TreatmentDays;
pub use visit::{Finding, TumourSize, Visit, sequence_name};

use chrono::NaiveDate;
use thiserror::Error as ThisError;

/// The words that every result carries.
pub const NOTICE: &str = "research use only, not for diagnosis";

/// Why visits could not be assessed or reported.
#[derive(Debug, ThisError)]
pub enum Error {
    /// There is nothing to assess.
    #[error("no visits to assess")]
    NoVisits,
    /// Visits are not in the order of their dates.
    #[error(
        "the visit of {later} is given before that of {earlier}; give visits from the earliest to the latest"
    )]
    DateOrder {
        /// The date that belongs first.
        earlier: NaiveDate,
        /// The date that belongs second.
        later: NaiveDate,
    },
    /// Two visits have one date, so nothing can have grown between them.
    #[error("two visits have the date {0}; growth needs different dates")]
    SameDate(NaiveDate),
    /// A visit's number cannot be a measurement.
    #[error("the visit of {date} has an impossible {what}")]
    Measurement {
        /// The visit.
        date: NaiveDate,
        /// Which number.
        what: &'static str,
    },
    /// A registration names a visit that is not there.
    #[error("a registration names {0}, which is not the date of a visit")]
    RegistrationDate(NaiveDate),
    /// The assessment could not be written as JSON.
    #[error("writing JSON failed")]
    Json(#[from] serde_json::Error),
    /// The assessment could not be written as CSV.
    #[error("writing CSV failed: {0}")]
    Csv(String),
    /// The report's visits are not those of the assessment.
    #[error("the report's visits are not those that were assessed")]
    ReportVisits,
    /// A picture's buffer does not fit its size, is too large, or its visit is not there.
    #[error("picture {0} of the report does not fit its size or its visit")]
    Picture(usize),
    /// The report could not be compressed.
    #[error("compressing the report failed")]
    Compress(#[from] std::io::Error),
}
