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
}

impl Making {
    /// From what drew an outline. Of one from elsewhere nothing is known, and the weakest claim is made: neither that a model nor that a person drew all of it.
    pub fn of(outline: &Outline) -> Self {
        match outline {
            Outline::Model { .. } => Self::Automatic,
            Outline::Edited { model: None, .. } => Self::Manual,
            Outline::Edited { model: Some(_), .. } | Outline::Imported => Self::Semiautomatic,
        }
    }

    /// DICOM's term.
    pub fn term(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::Semiautomatic => "SEMIAUTOMATIC",
            Self::Manual => "MANUAL",
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
    /// What drew them; not used of those drawn by hand.
    pub algorithm: Algorithm,
    /// When the object is made.
    pub created: NaiveDateTime,
    /// Identifies the tumour in all visits of the patient. Without one it is derived: see [`write_segmentation`](super::write_segmentation).
    pub tracking_uid: Option<String>,
    /// Colour in which other programs may show a structure, sRGB.
    pub colour: fn(Structure) -> [u8; 3],
}

impl Authorship {
    /// All of it that is written into objects, but for colour and time.
    pub(super) fn fingerprint(&self) -> String {
        let Self {
            state,
            making,
            algorithm,
            tracking_uid,
            ..
        } = self;
        format!("{state:?} {making:?} {algorithm:?} {tracking_uid:?}")
    }
}
