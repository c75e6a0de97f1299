//! Cases of a reader's own: scans of a folder with a table of grades.
use super::{AnswerKind, Case, Error};
use crate::{
    io::{self, GradedCase},
    measure::KoosGrade,
    volume::{LabelTable, Observe, Sequence},
};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Grids whose voxels lie closer than this are the same, mm.
const SAME_GRID_MM: f64 = 0.1;
/// Hexadecimal digits of a case's name.
const DIGITS: usize = 16;
/// Bytes of a scan's file that tell it from another of its name.
const BEGINNING: u64 = 1 << 16;

/// The graded scans of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderCases {
    folder: PathBuf,
    /// Each with its name in a record.
    cases: Vec<(String, GradedCase)>,
}

impl FolderCases {
    /// Looks which scans of a folder have a grade; reads no more than the beginnings of their files.
    ///
    /// # Errors
    /// When the folder or its table cannot be read, or no scan has a grade.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let cases = io::graded_cases(folder)?.into_iter();
        Ok(Self {
            folder: folder.to_owned(),
            cases: cases.map(|c| (name(&c), c)).collect(),
        })
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the cases as a record holds them: hashes, because the scans' own may name patients.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.cases.iter().map(|(name, _)| name.clone())
    }

    /// Whether a name of a record is that of a case here.
    pub fn holds(&self, name: &str) -> bool {
        self.case(name).is_some()
    }

    fn case(&self, wanted: &str) -> Option<&GradedCase> {
        let named = self.cases.iter().find(|(name, _)| name == wanted);
        // Records of before name a case by its own name alone.
        let before = || (self.cases.iter()).find(|(_, c)| hashed(c.case.as_bytes()) == wanted);
        named.or_else(before).map(|(_, case)| case)
    }

    /// How many cases have each grade, I to IV.
    pub fn grades(&self) -> [usize; 4] {
        let of = |g: u8| self.cases.iter().filter(|(_, c)| c.koos == g).count();
        [1, 2, 3, 4].map(of)
    }

    /// Reads a case. Outlines beside the scan are read too; those that cannot be used are a warning.
    ///
    /// # Errors
    /// When there is no such case, its scan cannot be read, or the observer stops.
    pub fn read(&self, wanted: &str, observe: &mut Observe<'_>) -> Result<Case, Error> {
        let case = self.case(wanted).ok_or(Error::Gone)?;
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
            truth: (*grade.ok_or(Error::Gone)?).into(),
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

/// The name of a case in a record: of its own name and its scan's file, because folders have cases of the same names. Where the file lies does not matter: a folder may be
/// moved.
fn name(case: &GradedCase) -> String {
    let mut bytes = [case.case.as_bytes(), b"\0"].concat();
    // A scan that cannot be read is told when it is shown.
    if let Ok(file) = File::open(&case.scan) {
        let length = file.metadata().map_or(0, |m| m.len());
        bytes.extend(length.to_le_bytes());
        if let Err(error) = file.take(BEGINNING).read_to_end(&mut bytes) {
            log::warn!("the beginning of a scan cannot be read: {error}");
        }
    }
    hashed(&bytes)
}

fn hashed(bytes: &[u8]) -> String {
    let hex = format!("{:x}", Sha256::digest(bytes));
    format!("folder-{}", hex.get(..DIGITS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(scan: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("grades.csv", "case,koos\ncase1,2\n"), ("case1.nii", scan)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        FolderCases::open(folder).unwrap().names().collect()
    }

    #[test]
    fn cases_of_one_name_in_two_folders_are_two_in_a_record() {
        let [a, b] = ["one scan", "another "].map(folder);
        assert_ne!(names(a.path()), names(b.path()));
        // Wherever the folder lies.
        let moved = folder("one scan");
        assert_eq!(names(a.path()), names(moved.path()));
    }

    #[test]
    fn a_record_of_before_still_finds_its_cases() {
        let folder = folder("one scan");
        let cases = FolderCases::open(folder.path()).unwrap();
        let name = names(folder.path()).remove(0);
        assert!(cases.holds(&name) && cases.holds(&hashed(b"case1")));
        assert!(!cases.holds(&hashed(b"case2")));
    }
}
