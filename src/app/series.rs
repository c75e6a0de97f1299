//! Which series of a DICOM folder to open: asked where there is more than one.
use crate::{
    io::{DicomLibrary, DicomSeries, Thumbnail},
    volume::Sequence,
};
use std::path::PathBuf;

/// Edge of the pictures in the list, pixels.
pub(super) const THUMBNAIL_PX: usize = 96;

/// The series of a folder, while a reader chooses.
#[derive(Debug, Clone)]
pub struct SeriesChoice {
    /// What was opened.
    pub path: PathBuf,
    /// Every series, by patient, day and number.
    pub rows: Vec<SeriesRow>,
    /// What could not be used, in words.
    pub left_out: Vec<String>,
}

/// One series of the list.
#[derive(Debug, Clone)]
pub struct SeriesRow {
    /// The series; no pixels are held.
    pub series: Box<DicomSeries>,
    /// Which of the folder's patients it is of, from 0.
    pub patient: usize,
    /// The patient's name and number as the files write them.
    pub patient_title: String,
    /// Day and description of its study.
    pub study: String,
    /// It is to be opened.
    pub chosen: bool,
    /// Its middle slice, or why there is no picture; nothing until it was read.
    pub thumbnail: Option<Result<Thumbnail, String>>,
}

/// A change of the choice, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesCommand {
    /// Whether a series is to be opened.
    Choose(usize, bool),
    /// Opens what was chosen.
    Open,
    /// Opens nothing.
    Leave,
}

impl SeriesRow {
    /// Why the series cannot be opened.
    pub fn refusal(&self) -> Option<String> {
        self.series.grid.as_ref().err().map(ToString::to_string)
    }

    /// What it is taken for.
    pub fn shows(&self) -> &'static str {
        match self.series.proposed_as {
            Sequence::HrT2 => "hrT2",
            Sequence::CeT1 => "ceT1",
            Sequence::Unknown => "",
        }
    }
}

impl SeriesChoice {
    /// Most files that are named.
    const MOST_NAMED: usize = 20;

    /// The series of a folder. Those that suit are chosen already, of the first patient alone.
    pub(super) fn new(path: PathBuf, library: &DicomLibrary) -> Self {
        let mut rows = Vec::new();
        for (number, patient) in library.patients.iter().enumerate() {
            for study in &patient.studies {
                let day = study.date.as_deref().unwrap_or("no date");
                for series in &study.series {
                    let suits = series.proposed_as != Sequence::Unknown && series.grid.is_ok();
                    rows.push(SeriesRow {
                        chosen: suits && number == 0,
                        series: Box::new(series.clone()),
                        patient: number,
                        patient_title: format!("{} {}", patient.name, patient.id).trim().to_owned(),
                        study: format!("{day} {}", study.description).trim().to_owned(),
                        thumbnail: None,
                    });
                }
            }
        }
        let named = library.skipped.iter().take(Self::MOST_NAMED);
        let mut left_out: Vec<String> = named
            .map(|(path, problem)| {
                let name = path.file_name().unwrap_or_default();
                format!("{}: {problem}", name.to_string_lossy())
            })
            .collect();
        let more = library.skipped.len().saturating_sub(Self::MOST_NAMED);
        if more > 0 {
            left_out.push(format!("and {more} more files"));
        }
        Self {
            path,
            rows,
            left_out,
        }
    }

    /// Why what was chosen cannot be opened together.
    pub fn obstacle(&self) -> Option<&'static str> {
        let mut chosen = self.rows.iter().filter(|r| r.chosen);
        let Some(first) = chosen.next() else {
            return Some("Choose a series");
        };
        chosen
            .any(|r| r.patient != first.patient)
            .then_some("These are series of different patients: open one patient at a time")
    }

    /// Chooses a series, or not; one that cannot be opened is never chosen.
    pub(super) fn choose(&mut self, row: usize, on: bool) {
        if let Some(row) = self.rows.get_mut(row) {
            row.chosen = on && row.series.grid.is_ok();
        }
    }
}
