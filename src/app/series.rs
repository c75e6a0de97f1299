//! Which series of a DICOM folder to open: asked where there is more than one.
use crate::{
    io::{self, DerivedKind, DicomError, DicomLibrary, DicomSeries, Thumbnail},
    patient::ScanFacts,
    volume::{Observe, Sequence},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Edge of the pictures in the list, pixels.
pub(super) const THUMBNAIL_PX: usize = 96;

/// The series of a folder, while a reader chooses.
#[derive(Debug, Clone)]
pub struct SeriesChoice {
    /// Which list it is since the program began.
    pub(super) number: u64,
    /// What was opened.
    pub path: PathBuf,
    /// Every series, by patient, day and number.
    pub rows: Vec<SeriesRow>,
    /// What others derived from these series.
    pub objects: Vec<ObjectRow>,
    /// What could not be used, in words.
    pub left_out: Vec<String>,
}

/// A segmentation, structure set or structured report of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is, and what it calls itself.
    pub title: String,
    /// Rows of the series that it can be shown on; none of a report, which is read alone.
    pub rows: Vec<usize>,
    /// It is to be opened.
    pub chosen: bool,
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
    /// Whether an object is to be opened.
    ChooseObject(usize, bool),
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
    /// Most files that are looked at for objects.
    const MOST_OBJECTS: usize = 200;

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
        // The only series that can be opened needs no choice.
        let mut can = rows.iter_mut().filter(|r| r.series.grid.is_ok());
        if let (Some(only), None) = (can.next(), can.next()) {
            only.chosen = true;
        }
        let objects = objects(library, &rows, Self::MOST_OBJECTS);
        let shown: BTreeSet<&Path> = objects.iter().map(|o| o.path.as_path()).collect();
        let skipped: Vec<&(PathBuf, DicomError)> = (library.skipped.iter())
            .filter(|(path, _)| !shown.contains(path.as_path()))
            .collect();
        let named = skipped.iter().take(Self::MOST_NAMED);
        let mut left_out: Vec<String> = named
            .map(|(path, problem)| {
                let name = path.file_name().unwrap_or_default();
                format!("{}: {problem}", name.to_string_lossy())
            })
            .collect();
        let more = skipped.len().saturating_sub(Self::MOST_NAMED);
        if more > 0 {
            left_out.push(format!("and {more} more files"));
        }
        Self {
            number: 0,
            path,
            rows,
            objects,
            left_out,
        }
    }

    /// The series that a scan was read from when it became a visit, by its voxels.
    pub(super) fn of_scan(
        &self,
        facts: &ScanFacts,
        observe: &mut Observe<'_>,
    ) -> Result<&DicomSeries, io::Error> {
        let series = self.rows.iter().map(|row| &*row.series);
        let sha256 = &facts.voxels_sha256;
        io::series_of_scan(series, facts.shape, sha256, &self.path, observe)
    }

    /// Why what was chosen cannot be opened together.
    pub fn obstacle(&self) -> Option<&'static str> {
        let mut chosen = self.rows.iter().filter(|r| r.chosen);
        let Some(first) = chosen.next() else {
            let alone = self.chosen_objects().next().is_some();
            return (!alone).then_some("Choose a series");
        };
        chosen
            .any(|r| r.patient != first.patient)
            .then_some("These are series of different patients: open one patient at a time")
    }

    /// Chooses an object, or not. Of outlines one is chosen at most: what its regions mean is asked when it is opened.
    pub(super) fn choose_object(&mut self, object: usize, on: bool) {
        let outlines = self.objects.get(object).is_some_and(|o| !o.rows.is_empty());
        for (n, one) in self.objects.iter_mut().enumerate() {
            if n == object {
                one.chosen = on;
            } else if on && outlines && !one.rows.is_empty() {
                one.chosen = false;
            }
        }
    }

    /// Why an object cannot be opened now: its series is not chosen.
    pub fn object_obstacle(&self, object: &ObjectRow) -> Option<&'static str> {
        let there = |row: &usize| self.rows.get(*row).is_some_and(|r| r.chosen);
        (!object.rows.is_empty() && !object.rows.iter().any(there))
            .then_some("its series is not chosen")
    }

    /// Objects that are to be opened and can be.
    pub fn chosen_objects(&self) -> impl Iterator<Item = &ObjectRow> {
        let objects = self.objects.iter();
        objects.filter(|o| o.chosen && self.object_obstacle(o).is_none())
    }

    /// Chooses a series, or not; one that cannot be opened is never chosen.
    pub(super) fn choose(&mut self, row: usize, on: bool) {
        if let Some(row) = self.rows.get_mut(row) {
            row.chosen = on && row.series.grid.is_ok();
        }
    }
}

/// Segmentations and structure sets of the series, and structured reports, among the files that are no images.
fn objects(library: &DicomLibrary, rows: &[SeriesRow], most: usize) -> Vec<ObjectRow> {
    let likely =
        |problem: &DicomError| matches!(problem, DicomError::Derived(_) | DicomError::NoImage);
    let files = library
        .skipped
        .iter()
        .filter(|(_, problem)| likely(problem));
    let title = |kind: &str, title: &str, path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let title = if title.is_empty() { &name } else { title };
        format!("{kind}: {title}")
    };
    let row = |path: &Path| {
        if let Ok(Some(object)) = io::derived_object(path) {
            let kind = match object.kind {
                DerivedKind::Segmentation => "Segmentation (SEG)",
                DerivedKind::StructureSet => "Structure set (RTSTRUCT)",
            };
            let fits = |r: &SeriesRow| r.series.grid.is_ok() && object.belongs_to(&r.series);
            let fitting = rows.iter().enumerate().filter(|(_, r)| fits(r));
            let fitting: Vec<usize> = fitting.map(|(n, _)| n).collect();
            return (!fitting.is_empty()).then(|| ObjectRow {
                title: title(kind, &object.title, path),
                path: path.to_owned(),
                rows: fitting,
                chosen: false,
            });
        }
        let report = io::read_measurements(path).ok()??;
        Some(ObjectRow {
            title: title("Structured report (SR)", &report.title, path),
            path: path.to_owned(),
            rows: Vec::new(),
            chosen: false,
        })
    };
    files.take(most).filter_map(|(path, _)| row(path)).collect()
}
