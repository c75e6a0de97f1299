//! What a folder of DICOM holds, as `schwann inspect` prints it.
use super::{DicomLibrary, DicomSeries, SeriesFacts};
use crate::volume::{Grid, Sequence};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// Several DICOM series. Serialized, it is the JSON object of `schwann inspect` for a folder that holds more than one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    /// The path as it was given.
    pub file: String,
    /// `dicom`.
    pub format: &'static str,
    /// By patient, date and number.
    pub listing: Vec<ListedSeries>,
    /// DICOM files that could not be used, and why.
    pub skipped: Vec<(String, String)>,
    /// Files that are not DICOM.
    pub other_files: usize,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedSeries {
    /// What `--series` takes.
    pub label: String,
    /// Label, description and size.
    pub title: String,
    /// Voxels along each axis, when it can be opened.
    pub shape: Option<[usize; 3]>,
    /// Distance between neighbouring voxel centres, mm.
    pub spacing_mm: Option<[f64; 3]>,
    /// Three letters: where each voxel axis points to.
    pub orientation: Option<String>,
    /// `hrT2`, `ceT1` or nothing.
    pub proposed_as: Option<&'static str>,
    /// Why it cannot be opened.
    pub problem: Option<String>,
    /// What to know before opening it.
    pub warnings: Vec<String>,
    /// What it says about itself.
    pub series: SeriesFacts,
}

impl Listing {
    /// What a library holds.
    pub(super) fn new(path: &Path, library: &DicomLibrary) -> Self {
        let skipped = library.skipped.iter();
        Self {
            file: path.to_string_lossy().into_owned(),
            format: "dicom",
            listing: library.series().map(ListedSeries::new).collect(),
            skipped: skipped
                .map(|(path, problem)| (path.to_string_lossy().into_owned(), problem.to_string()))
                .collect(),
            other_files: library.other_files,
        }
    }
}

impl ListedSeries {
    fn new(series: &DicomSeries) -> Self {
        let grid = series.grid.as_ref().ok();
        Self {
            label: series.label.clone(),
            title: series.title(),
            shape: grid.map(Grid::shape),
            spacing_mm: grid.map(Grid::spacing_mm),
            orientation: grid.map(|grid| grid.axis_codes().to_string()),
            proposed_as: match series.proposed_as {
                Sequence::HrT2 => Some("hrT2"),
                Sequence::CeT1 => Some("ceT1"),
                Sequence::Unknown => None,
            },
            problem: series.grid.as_ref().err().map(ToString::to_string),
            warnings: series.warnings.iter().map(ToString::to_string).collect(),
            series: series.facts.clone(),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "file         {}\nformat       {}",
            self.file, self.format
        )?;
        for series in &self.listing {
            write!(f, "\nseries       {}", series.title)?;
            if let Some(name) = series.proposed_as {
                write!(f, ", probably {name}")?;
            }
            let notes = series.problem.iter().chain(&series.warnings);
            for note in notes {
                write!(f, "\n             {note}")?;
            }
        }
        for (path, problem) in &self.skipped {
            write!(f, "\nskipped      {path}: {problem}")?;
        }
        if self.other_files > 0 {
            write!(f, "\nother files  {}", self.other_files)?;
        }
        if !self.listing.is_empty() {
            write!(f, "\nname one of them with --series")?;
        }
        Ok(())
    }
}
