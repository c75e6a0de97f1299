//! DICOM in the window: results out as objects, copies without identity, and what others derived from the open scans.

mod anonymise;
mod export;
mod work;

pub(super) use anonymise::files as source_files;
pub use anonymise::{AnonymiseCommand, AnonymiseDialog, CopySource};
pub use export::{ExportCommand, ExportDialog};
pub(super) use export::{said, unwritable};
pub use work::{Done, Work};

use super::command::Command;
use crate::io::{AnonymiseReport, MeasurementReport};
use std::path::PathBuf;

/// What is asked and shown.
#[derive(Debug, Default)]
pub struct DicomState {
    /// Results are about to be written.
    pub export: Option<ExportDialog>,
    /// A copy without identity is about to be made.
    pub anonymise: Option<AnonymiseDialog>,
    /// What was taken out of the last copy, until it was read.
    pub copied: Option<Box<AnonymiseReport>>,
    /// A structured report that was opened, until it was read.
    pub report: Option<Box<MeasurementReport>>,
}

impl DicomState {
    /// What closes the window that is on top; nothing where none is open.
    pub(super) fn leave(&self) -> Option<DicomCommand> {
        let Self {
            export,
            anonymise,
            copied,
            report,
        } = self;
        let leave = AnonymiseCommand::Leave;
        None.or(report.as_ref().map(|_| DicomCommand::CloseReport))
            .or(copied.as_ref().map(|_| DicomCommand::CloseCopied))
            .or(anonymise.as_ref().map(|_| DicomCommand::Anonymise(leave)))
            .or(export
                .as_ref()
                .map(|_| DicomCommand::Export(ExportCommand::Leave)))
    }
}

/// A change of it.
#[derive(Debug, Clone, PartialEq)]
pub enum DicomCommand {
    /// Of the results that are about to be written.
    Export(ExportCommand),
    /// Of the copy that is about to be made.
    Anonymise(AnonymiseCommand),
    /// What was taken out of the last copy has been read.
    CloseCopied,
    /// The structured report has been read.
    CloseReport,
}

/// A place that the user is asked for by a dialog of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder that results are written to.
    ExportFolder,
    /// The DICOM series that a scan from another file was made from.
    Series,
    /// What is copied.
    CopySource,
    /// Where the copy goes.
    CopyFolder,
    /// The secret of an earlier copy.
    OldSecret,
    /// A secret that is made now.
    NewSecret,
}

impl Place {
    /// What to do with the path that was named.
    pub(super) fn named(self, path: PathBuf) -> Command {
        Command::Dicom(match self {
            Self::ExportFolder => DicomCommand::Export(ExportCommand::Folder(path)),
            Self::Series => DicomCommand::Export(ExportCommand::SeriesAt(path)),
            Self::CopySource => {
                DicomCommand::Anonymise(AnonymiseCommand::Source(CopySource::Folder(path)))
            }
            Self::CopyFolder => DicomCommand::Anonymise(AnonymiseCommand::Folder(path)),
            Self::OldSecret | Self::NewSecret => {
                DicomCommand::Anonymise(AnonymiseCommand::Secret(Some(path)))
            }
        })
    }

    /// The title of the system's dialog.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::ExportFolder => "A folder for the DICOM objects",
            Self::Series => "The folder of the DICOM series that the scan was made from",
            Self::CopySource => "The folder of DICOM files to copy",
            Self::CopyFolder => "A folder for the copy",
            Self::OldSecret => "The secret of an earlier copy",
            Self::NewSecret => "A file for the new secret",
        }
    }
}
