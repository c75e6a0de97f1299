//! Who made a result, how, and how far it has come: what every object says of itself.
use crate::patient::Outline;
use crate::volume::Structure;
use chrono::NaiveDateTime;

/// How far a result has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultState {
    /// Nobody has accepted it; every object says so where it is shown.
    Draft,
    /// A reader has accepted it.
    Accepted {
        /// The reader.
        by: String,
        /// When, in the time of the place where the object is made.
        at: NaiveDateTime,
    },
}

impl ResultState {
    /// One word, for names that people see.
    pub(in crate::io::dicom) fn word(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Accepted { .. } => "accepted",
        }
    }
}

/// How outlines were made (PS3.3, C.8.20.2.3: Segment Algorithm Type; C.8.8.5: ROI Generation Algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// By a model, and as it left them.
    Automatic,
    /// By a model, then changed by a reader.
    Semiautomatic,
    /// By a reader.
    Manual,
    /// Nobody has said: the outlines came from a file. A structure set may leave it out (ROI Generation Algorithm is of type 2); a segment must have one of three terms (type 1), and
    /// gets the weakest claim, SEMIAUTOMATIC, by an algorithm whose name is not stated: neither that a model nor that a person drew all of it.
    NotStated,
}

/// Stands for the algorithm where none is named.
const NOT_STATED: &str = "not stated";

impl Making {
    /// From what drew an outline.
    pub fn of(outline: &Outline) -> Self {
        match outline {
            Outline::Model { .. } => Self::Automatic,
            Outline::Edited { model: None, .. } => Self::Manual,
            Outline::Edited { model: Some(_), .. } => Self::Semiautomatic,
            Outline::Imported => Self::NotStated,
        }
    }

    /// After a reader has changed outlines that were made so.
    #[must_use]
    pub fn edited(self) -> Self {
        match self {
            Self::Automatic => Self::Semiautomatic,
            other => other,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Semiautomatic => "semiautomatic",
            Self::Manual => "manual",
            Self::NotStated => NOT_STATED,
        }
    }

    /// DICOM's term of a region of interest, empty where nobody has said.
    pub fn term(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::Semiautomatic => "SEMIAUTOMATIC",
            Self::Manual => "MANUAL",
            Self::NotStated => "",
        }
    }

    /// DICOM's term of a segment, which must have one.
    pub(super) fn segment_term(self) -> &'static str {
        match self {
            Self::NotStated => Self::Semiautomatic.term(),
            stated => stated.term(),
        }
    }

    /// The making that a term means.
    pub fn from_term(term: &str) -> Option<Self> {
        [Self::Automatic, Self::Semiautomatic, Self::Manual]
            .into_iter()
            .find(|making| making.term().eq_ignore_ascii_case(term.trim()))
    }
}

/// What drew outlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithm {
    /// Name, as in the model's card.
    pub name: String,
    /// Version of the same.
    pub version: String,
}

/// What an object says of its making. Times are those of the place where it is made.
#[derive(Debug, Clone)]
pub struct Authorship {
    /// Draft or accepted.
    pub state: ResultState,
    /// How the outlines were made.
    pub making: Making,
    /// What drew them; not used of those drawn by hand, nor where nobody has said how they were made.
    pub algorithm: Algorithm,
    /// When the object is made.
    pub created: NaiveDateTime,
    /// Identifies the tumour in all visits of the patient. Without one it is derived: see [`write_segmentation`](super::write_segmentation).
    pub tracking_uid: Option<String>,
    /// Whether reports also tell of another visit, whose outlines no reader has accepted. They are drafts then, whatever `state` is.
    pub beside_drafts: bool,
    /// Colour in which other programs may show a structure, sRGB.
    pub colour: fn(Structure) -> [u8; 3],
}

impl Authorship {
    /// What drew the outlines; nothing where it was a reader, or nobody has said.
    pub(super) fn drawn_by(&self) -> Option<&Algorithm> {
        let by_algorithm = matches!(self.making, Making::Automatic | Making::Semiautomatic);
        by_algorithm.then_some(&self.algorithm)
    }

    /// The name of the algorithm of a segment, which one that is not drawn by hand must have.
    pub(super) fn segment_algorithm(&self) -> Option<&str> {
        match self.making {
            Making::Manual => None,
            Making::NotStated => Some(NOT_STATED),
            Making::Automatic | Making::Semiautomatic => Some(&self.algorithm.name),
        }
    }

    /// The same of a report, which is a draft where anything that it tells of is one.
    pub(super) fn of_report(&self, draft: bool) -> Self {
        let mut report = self.clone();
        if draft || self.beside_drafts {
            report.state = ResultState::Draft;
        }
        report
    }

    /// All of it that is written into objects, but for colour and times.
    pub(super) fn fingerprint(&self) -> String {
        let Self {
            state,
            making,
            algorithm,
            tracking_uid,
            ..
        } = self;
        // UIDs follow from it: one result has the same ones in all versions of this program.
        let state = match state {
            ResultState::Draft => "Draft".to_owned(),
            ResultState::Accepted { by, .. } => format!("Accepted {{ by: {by:?} }}"),
        };
        format!("{state} {making:?} {algorithm:?} {tracking_uid:?}")
    }
}
