//! What a folder of DICOM holds: patients, their studies, their series.
use super::data_set::Pixels;
use super::frame::Frame;
use super::source::Source;
use super::syntax::Syntax;
use super::{DicomError, DicomWarning, SeriesFacts};
use crate::volume::{Grid, Sequence};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What was found, sorted by patient, date and series number.
#[derive(Debug, Clone, Default)]
pub struct DicomLibrary {
    /// Patients, each with a series at least.
    pub patients: Vec<DicomPatient>,
    /// DICOM files that could not be used, and why.
    pub skipped: Vec<(PathBuf, DicomError)>,
    /// Files that are not DICOM.
    pub other_files: usize,
}

/// A patient: files with one patient ID and name.
#[derive(Debug, Clone)]
pub struct DicomPatient {
    /// Patient ID, for display only.
    pub id: String,
    /// Name, for display only.
    pub name: String,
    /// By date.
    pub studies: Vec<DicomStudy>,
}

/// One visit to the scanner.
#[derive(Debug, Clone)]
pub struct DicomStudy {
    /// Study Instance UID.
    pub uid: String,
    /// ISO 8601.
    pub date: Option<String>,
    /// What it was ordered as.
    pub description: String,
    /// By number; a series that was split stands here once for each of its stacks.
    pub series: Vec<DicomSeries>,
}

/// A series, or one of the stacks that it was split into. Cheap to clone; no pixels are held.
#[derive(Debug, Clone)]
pub struct DicomSeries {
    /// Series number, with `.1`, `.2`, … when the series was split or shares its number; unique in the library.
    pub label: String,
    /// What the files say.
    pub facts: SeriesFacts,
    /// What tells this stack from the others of its series; empty when it was not split.
    pub part: String,
    /// The grid in RAS mm; or why the series cannot be opened.
    pub grid: Result<Grid, DicomError>,
    /// hrT2 or ceT1, on the series of the study that suits best.
    pub proposed_as: Sequence,
    /// What to know before reading it.
    pub warnings: Vec<DicomWarning>,
    pub(super) stack: Arc<Stored>,
}

/// Where the slices of a series lie.
#[derive(Debug)]
pub(super) struct Stored {
    /// In their order along the normal.
    pub(super) frames: Vec<Frame>,
    /// What [`Frame::file`] counts.
    pub(super) files: Arc<Vec<StoredFile>>,
}

/// A file of a series.
#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) source: Source,
    /// SOP Class and SOP Instance UID, by which other objects refer to it; empty when the file names none.
    pub(super) class: String,
    pub(super) instance: String,
    pub(super) syntax: Syntax,
    pub(super) pixels: Pixels,
    /// Where the data set begins.
    pub(super) start: u64,
    /// Frames that it announces.
    pub(super) frames: usize,
}

impl DicomLibrary {
    /// All series, in their order.
    pub fn series(&self) -> impl Iterator<Item = &DicomSeries> {
        self.patients
            .iter()
            .flat_map(|p| &p.studies)
            .flat_map(|s| &s.series)
    }

    /// The series that `name` means: its label, its number or its UID, when that means one that can be opened. Without a name, the only
    /// series that can be opened.
    ///
    /// # Errors
    /// When there is none or more than one, with what there is.
    pub fn choose(&self, name: Option<&str>) -> Result<&DicomSeries, DicomError> {
        let named: Vec<&DicomSeries> = self
            .series()
            .filter(|s| name.is_none_or(|name| s.is_called(name)))
            .collect();
        if let (Some(asked), true) = (name, named.is_empty()) {
            return Err(DicomError::UnknownSeries {
                asked: asked.to_owned(),
                there: self.series().map(DicomSeries::title).collect(),
            });
        }
        let can: Vec<&DicomSeries> = named.iter().copied().filter(|s| s.grid.is_ok()).collect();
        match (can.as_slice(), named.as_slice()) {
            ([one], _) => Ok(one),
            ([], [only]) => Err(only.grid.clone().err().unwrap_or(DicomError::NoImage)),
            ([], _) => Err(self.nothing()),
            (several, _) => Err(DicomError::SeveralSeries(
                several.iter().map(|s| s.title()).collect(),
            )),
        }
    }

    /// Why nothing can be opened.
    fn nothing(&self) -> DicomError {
        let mut reasons: Vec<String> = Vec::new();
        let series = self.series().filter_map(|s| {
            let problem = s.grid.as_ref().err()?;
            Some(format!("series {}: {problem}", s.label))
        });
        let files = self.skipped.iter().map(|(_, problem)| problem.to_string());
        for reason in series.chain(files) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            if reasons.len() > 8 {
                break;
            }
        }
        if reasons.is_empty() && self.other_files > 0 {
            reasons.push(format!("{} files are not DICOM images", self.other_files));
        }
        DicomError::NoSeries(reasons)
    }
}

impl DicomSeries {
    /// Whether a label, number or UID means this series.
    fn is_called(&self, name: &str) -> bool {
        let number = self.facts.series_number.map(|n| n.to_string());
        name == self.label || name == self.facts.series_uid || number.as_deref() == Some(name)
    }

    /// Label, description and size in one line.
    pub fn title(&self) -> String {
        let mut title = format!("{} {}", self.label, self.facts.series_description)
            .trim()
            .to_owned();
        if !self.part.is_empty() {
            title.push_str(&format!(" ({})", self.part));
        }
        if let Ok(grid) = &self.grid {
            let [x, y, z] = grid.shape();
            title.push_str(&format!(", {x} × {y} × {z}"));
        }
        title
    }

    /// The files of the series in the order of its slices, each once; `None` where one lies in an archive.
    pub fn files(&self) -> Option<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        let mut known = HashSet::new();
        for frame in &self.stack.frames {
            if !known.insert(frame.file) {
                continue;
            }
            match &self.stack.files.get(frame.file)?.source {
                Source::File(path) => paths.push(path.clone()),
                Source::Member(_) => return None,
            }
        }
        Some(paths)
    }

    /// Slices of the series.
    pub fn slices(&self) -> usize {
        self.stack.frames.len()
    }
}
