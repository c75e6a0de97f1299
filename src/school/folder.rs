//! Cases of a reader's own: scans of a folder with a table of grades.
use super::{AnswerKind, Case, Error};
use crate::{
    io::{self, GradedCase},
    measure::KoosGrade,
    volume::{LabelTable, Observe, Sequence},
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Grids whose voxels lie closer than this are the same, mm.
const SAME_GRID_MM: f64 = 0.1;
/// Hexadecimal digits of a case's name.
const DIGITS: usize = 16;

/// The graded scans of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderCases {
    folder: PathBuf,
    cases: Vec<GradedCase>,
}

impl FolderCases {
    /// Looks which scans of a folder have a grade; reads none of them yet.
    ///
    /// # Errors
    /// When the folder or its table cannot be read, or no scan has a grade.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            folder: folder.to_owned(),
            cases: io::graded_cases(folder)?,
        })
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the cases as a record holds them: hashes, because the scans' own may name patients.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.cases.iter().map(|c| name(&c.case))
    }

    /// How many cases have each grade, I to IV.
    pub fn grades(&self) -> [usize; 4] {
        let of = |g: u8| self.cases.iter().filter(|c| c.koos == g).count();
        [1, 2, 3, 4].map(of)
    }

    /// Reads a case. Outlines beside the scan are read too; those that cannot be used are a warning.
    ///
    /// # Errors
    /// When there is no such case, its scan cannot be read, or the observer stops.
    pub fn read(&self, wanted: &str, observe: &mut Observe<'_>) -> Result<Case, Error> {
        let case = self
            .cases
            .iter()
            .find(|c| name(&c.case) == wanted)
            .ok_or(Error::Gone)?;
        let stopped = |error| match error {
            io::Error::Cancelled => Error::Stopped,
            other => Error::Io(other),
        };
        let (volume, warnings) = io::read_volume(&case.scan, observe).map_err(stopped)?;
        let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let mut labels = None;
        match case
            .labels
            .as_deref()
            .map(|p| io::read_labels(p, &LabelTable::default()))
        {
            Some(Ok((read, told))) if read.grid().matches(volume.grid(), SAME_GRID_MM) => {
                warnings.extend(told.iter().map(ToString::to_string));
                labels = Some(read);
            }
            Some(Ok(_)) => {
                warnings.push("the outlines beside the scan belong to another".to_owned());
            }
            // Without the file: its name may tell.
            Some(Err(_)) => {
                warnings.push("the outlines beside the scan were not opened".to_owned());
            }
            None => {}
        }
        let grade = KoosGrade::ALL.get(usize::from(case.koos).wrapping_sub(1));
        Ok(Case {
            name: wanted.to_owned(),
            kind: AnswerKind::Folder,
            difficulty: None,
            truth: *grade.ok_or(Error::Gone)?,
            exact: None,
            sequence: match case.enhanced {
                Some(true) => Sequence::CeT1,
                Some(false) => Sequence::HrT2,
                None => Sequence::Unknown,
            },
            volume,
            labels,
            warnings,
        })
    }
}

fn name(case: &str) -> String {
    let hex = format!("{:x}", Sha256::digest(case.as_bytes()));
    format!("folder-{}", hex.get(..DIGITS).unwrap_or_default())
}
