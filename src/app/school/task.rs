//! What the school does on a background thread.
use crate::{
    app::{
        preset::Preset,
        state::VisitId,
        task::{NewOutlines, NewScan, Outcome, Target, measured},
    },
    io,
    measure::KoosGrade,
    patient::{Outline, ScanOrigin},
    school::{
        AnswerKind, Case, Difficulty, Error, ExactTruth, FolderCases, ReaderRecord, SyntheticCase,
        readers,
    },
    volume::Observe,
};
use std::{path::PathBuf, sync::Arc};

/// One piece of work.
#[derive(Debug, Clone)]
pub enum Work {
    /// Reads the record of a reader in a folder of records.
    Record(PathBuf, String),
    /// Looks which scans of a folder have a grade.
    Folder(PathBuf),
    /// Draws a synthetic case from a seed.
    New(Option<Difficulty>, u64),
    /// Makes a synthetic case that was seen so many times before.
    Again(SyntheticCase, u64),
    /// Reads a case of the reader's own.
    Own(Arc<FolderCases>, String),
    /// Writes the answers as a table.
    Export(Box<ReaderRecord>, PathBuf),
}

/// What it gave.
#[derive(Debug)]
pub enum Done {
    /// A reader's record, and who has one.
    Record(Box<ReaderRecord>, Vec<String>),
    /// The reader's own cases.
    Folder(Arc<FolderCases>),
    /// A case.
    Case(Box<NewCase>),
    /// In words why there is no case.
    NoCase(String),
}

/// A case, ready to be shown, with what is hidden at first.
#[derive(Debug)]
pub struct NewCase {
    pub(in crate::app) scan: NewScan,
    pub(in crate::app) hidden: Hidden,
}

/// What a reader must not see before the answer.
#[derive(Debug)]
pub(in crate::app) struct Hidden {
    pub(in crate::app) name: String,
    pub(in crate::app) kind: AnswerKind,
    pub(in crate::app) difficulty: Option<Difficulty>,
    pub(in crate::app) truth: KoosGrade,
    pub(in crate::app) exact: Option<ExactTruth>,
    /// True outlines, measured.
    pub(in crate::app) outlines: Option<Box<NewOutlines>>,
}

impl Work {
    /// In words, for the progress bar: nothing of the case.
    pub(in crate::app) fn name(&self) -> &'static str {
        match self {
            Self::Record(..) => "Opening a reader's record",
            Self::Folder(_) => "Looking for graded scans",
            Self::New(..) | Self::Again(..) | Self::Own(..) => "Preparing a case",
            Self::Export(..) => "Writing the answers",
        }
    }

    /// Whether it gives a case.
    pub(in crate::app) fn is_case(&self) -> bool {
        matches!(self, Self::New(..) | Self::Again(..) | Self::Own(..))
    }

    /// Does it.
    pub(in crate::app) fn run(self, observe: &mut Observe<'_>) -> Outcome {
        let case = match self {
            Self::Record(folder, reader) => {
                return match ReaderRecord::open(&folder, &reader) {
                    Ok(record) => Outcome::School(Done::Record(Box::new(record), readers(&folder))),
                    Err(error) => {
                        Outcome::Failed(format!("The reader's record was not opened: {error}"))
                    }
                };
            }
            Self::Folder(folder) => {
                return match FolderCases::open(&folder) {
                    Ok(cases) => Outcome::School(Done::Folder(Arc::new(cases))),
                    Err(error) => Outcome::Failed(format!("The folder was not opened: {error}")),
                };
            }
            Self::Export(record, path) => {
                return match record.export(&path) {
                    Ok(()) => Outcome::Written(format!("Answers written to {}", path.display())),
                    Err(error) => Outcome::Failed(format!("The answers were not written: {error}")),
                };
            }
            Self::New(difficulty, seed) => SyntheticCase::draw(difficulty, seed, observe)
                .and_then(|case| case.scan(0, observe)),
            Self::Again(case, showing) => case.scan(showing, observe),
            Self::Own(cases, name) => cases.read(&name, observe),
        };
        match case.and_then(|case| prepared(case, observe)) {
            Ok(new) => Outcome::School(Done::Case(Box::new(new))),
            Err(Error::Stopped) => Outcome::Cancelled,
            Err(error) => Outcome::School(Done::NoCase(format!("There is no case: {error}"))),
        }
    }
}

/// A case with what is measured on its true outlines.
fn prepared(case: Case, observe: &mut Observe<'_>) -> Result<NewCase, Error> {
    let scan_sha256 = io::voxels_sha256(&case.volume);
    let mut scan = NewScan {
        origin: String::new(),
        source: None,
        date: None,
        date_from_name: false,
        windows: Preset::windows(&case.volume),
        sequence: case.sequence,
        acquisition: None,
        scan_sha256: scan_sha256.clone(),
        warnings: case.warnings,
        left: None,
        recent: None,
        demo: false,
        volume: case.volume,
    };
    let mut outlines = None;
    if let Some(labels) = case.labels {
        let volume = Arc::new(scan.volume);
        let target = Target {
            visit: VisitId(0),
            title: String::new(),
            revision: 0,
            volume: Arc::clone(&volume),
            origin: ScanOrigin {
                date: chrono::NaiveDate::default(),
                sequence: case.sequence,
                scan_sha256,
                warnings: Vec::new(),
            },
        };
        match measured(&target, labels, Outline::Imported, Vec::new(), observe) {
            Outcome::Outlined(new) => outlines = Some(new),
            _ => return Err(Error::Stopped),
        }
        drop(target);
        scan.volume = Arc::into_inner(volume).ok_or(Error::Gone)?;
    }
    Ok(NewCase {
        scan,
        hidden: Hidden {
            name: case.name,
            kind: case.kind,
            difficulty: case.difficulty,
            truth: case.truth,
            exact: case.exact,
            outlines,
        },
    })
}
