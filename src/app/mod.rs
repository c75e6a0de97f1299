//! The window: what it shows, what the user may ask of it, and the work it starts.
//!
//! [`AppState`] is everything that is shown; only [`apply()`] changes it, by a [`Command`]; a [`Task`] is what runs on a background
//! thread as a [`Job`]. Panels and views read the state and give commands. No science here: every number comes from a function that the
//! command line calls too.

mod action;
mod apply;
mod assess;
mod by_hand;
mod command;
mod date;
mod dialog;
mod dicom;
mod drawing;
pub mod export;
mod job;
mod keeper;
mod keys;
mod koos;
mod marks;
mod meaning;
mod panel;
mod parts;
mod preferences;
mod preset;
mod reading;
mod recent;
mod replaced;
pub mod report;
mod rescue;
mod school;
mod screenshot;
mod series;
mod start;
mod state;
mod task;
mod told;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use apply::{apply, next_task};
pub use assess::{DATE_FROM_NAME, Inputs};
pub use by_hand::{ByHand, HandSteps, PorusShift};
pub use command::{Command, EditCommand, PatientCommand, ViewCommand, VisitCommand, WorkCommand};
pub use dicom::{
    AnonymiseCommand, AnonymiseDialog, CopySource, DicomCommand, DicomState, Done as DicomDone,
    ExportCommand, ExportDialog, Work as DicomWork,
};
pub use drawing::Canvas;
pub use job::Job;
pub use keeper::{Answer, Change, Said, Saved, ScanSource};
pub use koos::{Graded, KoosCommand, KoosView, KoosWork};
pub use marks::{KeyImage, Mark};
pub use meaning::{Meaning, MeaningCommand, Scheme};
pub use preferences::{Drawing, Mouse, PreferenceCommand, Preferences, Theme};
pub use preset::Preset;
pub use rescue::{Drawn, Left, Note};
pub use school::{
    CaseState, Deciding, Done, Grader, NewCase, Page, Reading, Revealed, SchoolCommand,
    SchoolState, Source, Work,
};
pub use series::{ObjectRow, SeriesChoice, SeriesCommand, SeriesRow};
pub use start::run;
pub use state::{
    Alignment, AppState, BrushOptions, CornerText, Edits, Kept, Message, Outlines, PatientState,
    RelativeWindow, Running, SolidView, Tool, ViewState, VisitId, VisitState, WorkState, ZoomPan,
};
pub use task::{
    ChosenModel, NewNumbers, NewOutlines, NewScan, Outcome, Places, Target, Task, VisitRead,
};
pub use told::ToldSteps;
pub use window::App;

use crate::{io, patient};
use thiserror::Error as ThisError;

/// Why there is no window, or no report.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No screen to open a window on.
    #[error(
        "there is no display to open a window on; the same job without one: cargo run --release -- demo -o demo"
    )]
    NoDisplay,
    /// The window or its graphics could not be set up.
    #[error(
        "the window did not open ({0}); check that a Vulkan or OpenGL driver is installed; the same job without a window: cargo run --release -- demo -o demo"
    )]
    Window(String),
    /// The visits could not be assessed or reported.
    #[error(transparent)]
    Report(#[from] patient::Error),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}
