//! What is known of a patient between two runs of the program: `patient.json` of the patient's folder.
//!
//! Paths are relative to the folder, with `/` between their parts. Fields that this version does not know are kept as they are.

mod check;

use super::{Acquisition, Outline, ReviewState, TreatmentDays};
use crate::measure::{KoosOptions, KoosWording};
use crate::volume::{LabelMap, LabelTable, Sequence, Structure};
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt};

/// Version of the record's layout that this program writes.
pub const RECORD_SCHEMA: u32 = 1;

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The reader, as they are called in the settings.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Signature {
    /// Somebody, at a time, which is kept to the millisecond as in the audit log.
    pub fn new(by: &str, at: DateTime<Utc>) -> Self {
        Self {
            by: by.trim().to_owned(),
            at: at.trunc_subsecs(3),
        }
    }

    /// Somebody, now.
    pub fn now(by: &str) -> Self {
        Self::new(by, Utc::now())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "by {} at {}",
            self.by,
            self.at.format("%Y-%m-%d %H:%M UTC")
        )
    }
}

/// What a reader has said of a version of the outlines. `Display` is what stands beside every number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Review {
    /// As the model left it.
    AiDraft,
    /// Changed by a reader, not accepted yet.
    Edited,
    /// Read from a file, not accepted here.
    Imported,
    /// Accepted, and so locked.
    Accepted(Signature),
    /// Rejected; must not be used.
    Rejected(Signature),
}

impl Review {
    /// The state without who and when.
    pub fn state(&self) -> ReviewState {
        match self {
            Self::AiDraft => ReviewState::AiDraft,
            Self::Edited => ReviewState::Edited,
            Self::Imported => ReviewState::Imported,
            Self::Accepted(_) => ReviewState::Accepted,
            Self::Rejected(_) => ReviewState::Rejected,
        }
    }

    /// Whether somebody has spoken the last word on it: only a new version can say otherwise.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Accepted(_) | Self::Rejected(_))
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(who) | Self::Rejected(who) => write!(f, "{} {who}", self.state()),
            _ => self.state().fmt(f),
        }
    }
}

/// Where the day of a scan comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateSource {
    /// The name of the scan's file; nobody has confirmed it.
    FileName,
    /// The scan's header.
    Header,
    /// The reader.
    Typed,
}

/// Day of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitDate {
    /// The day.
    pub day: NaiveDate,
    /// Who says so.
    pub source: DateSource,
}

/// What was done against the tumour. Files hold its name in `snake_case`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TreatmentKind {
    /// In one or a few fractions.
    Radiosurgery,
    /// An operation.
    Surgery,
    /// In the reader's words.
    Other(String),
}

impl From<String> for TreatmentKind {
    fn from(name: String) -> Self {
        match name.as_str() {
            "radiosurgery" => Self::Radiosurgery,
            "surgery" => Self::Surgery,
            _ => Self::Other(name),
        }
    }
}

impl From<TreatmentKind> for String {
    fn from(kind: TreatmentKind) -> Self {
        match kind {
            TreatmentKind::Radiosurgery => "radiosurgery".to_owned(),
            TreatmentKind::Surgery => "surgery".to_owned(),
            TreatmentKind::Other(name) => name,
        }
    }
}

/// A treatment of the tumour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// Its day.
    pub day: NaiveDate,
    /// What was done.
    pub kind: TreatmentKind,
}

/// The affected side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the patient's")]
pub enum AffectedSide {
    Left,
    Right,
    Both,
}

/// What a reader has told of the patient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientFacts {
    /// What the reader calls the patient; stands in no file name, log or audit entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The affected side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<AffectedSide>,
    /// Which wording of the Koos grades counts for this patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub koos_wording: Option<String>,
    /// What was done against the tumour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub treatments: Vec<Treatment>,
}

impl PatientFacts {
    /// The wording of the Koos grades that counts: the topographic one where the record does not say, or names one that is not known.
    pub fn wording(&self) -> KoosWording {
        let named = self.koos_wording.as_deref().and_then(KoosWording::of_name);
        named.unwrap_or_default()
    }

    /// How a visit of that day is graded: an operation before it leaves a residual, for which the grade is not defined.
    pub fn koos_options(&self, day: Option<NaiveDate>) -> KoosOptions {
        KoosOptions {
            wording: self.wording(),
            post_operative: self.treatment_days().operated_before(day),
            ..KoosOptions::default()
        }
    }

    /// Day of the last radiosurgery.
    pub fn radiosurgery(&self) -> Option<NaiveDate> {
        self.days_of(TreatmentKind::Radiosurgery).max()
    }

    /// What a growth assessment must know.
    pub fn treatment_days(&self) -> TreatmentDays {
        TreatmentDays {
            radiosurgery: self.radiosurgery(),
            operations: self.days_of(TreatmentKind::Surgery).collect(),
        }
    }

    fn days_of(&self, kind: TreatmentKind) -> impl Iterator<Item = NaiveDate> {
        let treatments = self.treatments.iter();
        treatments.filter(move |t| t.kind == kind).map(|t| t.day)
    }
}

/// One file of the folder, as it was when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Where it lies in the folder.
    pub path: String,
    /// Its length, bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// What is known of a scan besides its voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanFacts {
    /// SHA-256 of its voxels, as `inspect` prints it: the name that provenance and journals know it by.
    pub voxels_sha256: String,
    /// Voxels along each axis.
    pub shape: [usize; 3],
    /// What it shows.
    #[serde(with = "super::visit::by_name")]
    pub sequence: Sequence,
    /// What else its header says and a comparison of visits wants to know, such as scanner and contrast; no name of a patient.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ScanFacts {
    /// Under which name [`ScanFacts::other`] holds how the scan was acquired.
    const ACQUISITION: &str = "acquisition";

    /// What else is known of a scan that was acquired so.
    pub fn with_acquisition(acquisition: Option<&Acquisition>) -> Map<String, Value> {
        let value = acquisition.and_then(|a| serde_json::to_value(a).ok());
        value
            .map(|value| (Self::ACQUISITION.to_owned(), value))
            .into_iter()
            .collect()
    }

    /// How the scan was acquired, where that is known.
    pub fn acquisition(&self) -> Option<Acquisition> {
        serde_json::from_value(self.other.get(Self::ACQUISITION)?.clone()).ok()
    }
}

/// The scan of a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanRecord {
    /// What to open: the file, the header of a pair, or the folder of a series.
    pub path: String,
    /// All its files, as they came.
    pub files: Vec<FileRecord>,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: ScanFacts,
}

/// One version of a visit's outlines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelVersion {
    /// Counts from 1; gaps are allowed.
    pub version: u32,
    /// The label map.
    pub labels: FileRecord,
    /// What its values mean, by the names of structures.
    pub values: Vec<(u8, String)>,
    /// Who drew it.
    pub outline: Outline,
    /// What was said of it.
    pub review: Review,
    /// Who saved it, and when.
    pub saved: Signature,
    /// The version that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Voxels that have a structure which they had not in the parent; none where there is nothing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voxels_added: Option<u64>,
    /// Voxels that have lost the structure which they had in the parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voxels_removed: Option<u64>,
    /// What was measured on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<FileRecord>,
    /// Axial slices that a reader was shown with these outlines.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<usize>,
    /// What this version of the program does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl LabelVersion {
    /// What a label map's values mean, as the record holds it.
    pub fn values_of(labels: &LabelMap) -> Vec<(u8, String)> {
        let entries = labels.table().entries().iter();
        entries.map(|(v, s)| (*v, s.name().to_owned())).collect()
    }

    /// What the values mean; `None` where a name is no structure's: a value taken for another structure would be worse than none.
    pub fn label_table(&self) -> Option<LabelTable> {
        let structure = |name: &str| Structure::ALL.into_iter().find(|s| s.name() == name);
        let entries = self.values.iter();
        let entries = entries.map(|(v, name)| Some((*v, structure(name)?)));
        entries.collect::<Option<Vec<_>>>().map(LabelTable::new)
    }
}

/// One visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisitRecord {
    /// Its name in the folder: `visit-1`.
    pub id: String,
    /// Day of the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<VisitDate>,
    /// The scan.
    pub scan: ScanRecord,
    /// Versions of the outlines, the oldest first.
    #[serde(default)]
    pub versions: Vec<LabelVersion>,
    /// The version that counts; none where there are no outlines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u32>,
    /// Slices that were kept, as the window writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_images: Vec<Value>,
    /// Distances and angles that were drawn, as the window writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Value>,
    /// What this version of the program does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl VisitRecord {
    /// A version by its number.
    pub fn version(&self, number: u32) -> Option<&LabelVersion> {
        self.versions.iter().find(|v| v.version == number)
    }

    /// The version that counts.
    pub fn current(&self) -> Option<&LabelVersion> {
        self.version(self.current?)
    }
}

/// A patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatientRecord {
    /// Version of the layout.
    pub schema: u32,
    /// What a reader has told of the patient.
    #[serde(flatten)]
    pub facts: PatientFacts,
    /// The visits, as they were added.
    #[serde(default)]
    pub visits: Vec<VisitRecord>,
    /// What this version of the program does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for PatientRecord {
    fn default() -> Self {
        Self {
            schema: RECORD_SCHEMA,
            facts: PatientFacts::default(),
            visits: Vec::new(),
            other: Map::new(),
        }
    }
}

impl PatientRecord {
    /// A visit by its name.
    pub fn visit(&self, id: &str) -> Option<&VisitRecord> {
        self.visits.iter().find(|v| v.id == id)
    }

    /// A visit by its name, to be changed.
    pub fn visit_mut(&mut self, id: &str) -> Option<&mut VisitRecord> {
        self.visits.iter_mut().find(|v| v.id == id)
    }

    /// The visit that shows a scan with these voxels.
    pub fn visit_of_scan(&self, voxels_sha256: &str) -> Option<&VisitRecord> {
        let mut visits = self.visits.iter();
        visits.find(|v| v.scan.facts.voxels_sha256 == voxels_sha256)
    }

    /// Every file that the record names.
    pub fn files(&self) -> impl Iterator<Item = &FileRecord> {
        self.visits.iter().flat_map(VisitRecord::files)
    }

    /// Whether a later version of the program wrote it: what this one does not know must not be put at risk.
    pub fn is_newer(&self) -> bool {
        self.schema > RECORD_SCHEMA
    }

    /// The record as JSON that people can read.
    ///
    /// # Errors
    /// When a value has no form in JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a record, and checks it: see [`PatientRecord::check`].
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        record.check()?;
        Ok(record)
    }
}

impl VisitRecord {
    /// Every file of the visit; one that several versions share comes several times.
    pub fn files(&self) -> impl Iterator<Item = &FileRecord> {
        let versions = self.versions.iter();
        let drawn = versions.flat_map(|v| std::iter::once(&v.labels).chain(v.results.as_ref()));
        self.scan.files.iter().chain(drawn)
    }
}

#[cfg(test)]
mod tests;
