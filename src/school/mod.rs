//! A school for the Koos grade: cases whose truth is known, readers' answers, how well they grade, and what comes back to be practised.
//!
//! Cases are synthetic patients of a chosen difficulty, or scans of a folder with a table of grades. A reader's answers are a file of their own, one JSON object a line;
//! no name, date or other data of a patient goes into it. Synthetic cases train the rule and the eye for the software's own pictures: nothing here has been
//! shown to make anybody better on patients.

mod answer;
mod case;
mod difficulty;
mod folder;
mod progress;
mod record;
mod schedule;
mod seed;
mod synthetic;

pub use answer::{Answer, AnswerKind, Confidence};
pub use case::{Case, ExactTruth};
pub use difficulty::Difficulty;
pub use folder::FolderCases;
pub use progress::{DifficultyProgress, Progress, ReadAgreement};
pub use record::{ReaderRecord, readers};
pub use schedule::{BOXES, Schedule};
pub use synthetic::SyntheticCase;

use crate::{io, phantom};
use thiserror::Error as ThisError;

/// Why there is no case, or no record of a reader.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A synthetic patient could not be made.
    #[error(transparent)]
    Phantom(#[from] phantom::Error),
    /// No drawn patient was of the wanted difficulty.
    #[error(
        "no synthetic patient of this difficulty was found in {0} tries; choose another difficulty"
    )]
    NotFound(usize),
    /// The folder of cases has none of that name any more.
    #[error("this case is no longer in the folder of cases")]
    Gone,
    /// A record without a reader's name.
    #[error("write the reader's name first")]
    Nameless,
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
}
