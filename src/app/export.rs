//! Results as DICOM objects of the series that they belong to: what `schwann export` and the window's dialog both make.
use super::{
    Error,
    assess::Inputs,
    report::{self, Comparison},
};
use crate::{
    io::{self, Authorship, DicomSeries, Measurements, ResultState, Warning},
    measure::Plane,
    patient::Picture,
    predict::Probabilities,
    render::OverlayStyle,
    volume::{LabelMap, Observe, Progress, Reorder, Structure},
};
use glam::DVec3;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Farthest that voxels of a label map may lie from those of the series, mm: NIfTI keeps the affine as float32.
const SAME_VOXELS_MM: f64 = 0.01;

/// A kind of object that is made of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// The labels: SEG.
    Segmentation,
    /// The model's probabilities: fractional SEG.
    Probabilities,
    /// Contours: RTSTRUCT.
    StructureSet,
    /// Measurements: SR after TID 1500.
    Measurements,
    /// The one-page report as an encapsulated PDF.
    Report,
    /// Pictures as secondary captures: the axial plane through the tumour, then the slices that the reader kept.
    KeyImages,
}

impl Object {
    /// All, in the order in which they are written: the measurements name the segmentation.
    pub const ALL: [Self; 6] = [
        Self::Segmentation,
        Self::Probabilities,
        Self::StructureSet,
        Self::Measurements,
        Self::Report,
        Self::KeyImages,
    ];

    /// What it is, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segmentation => "Segmentation (SEG)",
            Self::Probabilities => "Probabilities (fractional SEG)",
            Self::StructureSet => "Structure set with contours (RTSTRUCT)",
            Self::Measurements => "Measurements (SR, TID 1500)",
            Self::Report => "One-page report (encapsulated PDF)",
            Self::KeyImages => "Key images (secondary capture)",
        }
    }

    /// Whether it tells of measurements, and so of the day of the scan.
    pub fn is_dated(self) -> bool {
        matches!(self, Self::Measurements | Self::Report | Self::KeyImages)
    }

    /// Whether it tells of other visits too, and so is a draft where one of them is.
    pub fn compares(self) -> bool {
        matches!(self, Self::Measurements | Self::Report)
    }

    fn stage(self) -> &'static str {
        match self {
            Self::Segmentation => "writing the segmentation",
            Self::Probabilities => "writing the probabilities",
            Self::StructureSet => "writing the structure set",
            Self::Measurements => "writing the measurements",
            Self::Report => "writing the report",
            Self::KeyImages => "writing key images",
        }
    }
}

/// The colour in which Schwann draws a structure.
pub fn colour(structure: Structure) -> [u8; 3] {
    OverlayStyle::default().structure(structure).colour
}

/// A result and the series that its objects belong to.
#[derive(Debug)]
pub struct Results<'a> {
    series: &'a DicomSeries,
    labels: LabelMap,
    authorship: &'a Authorship,
}

impl<'a> Results<'a> {
    /// Labels of a series. Where they lie on its voxels in another order, as in a NIfTI file of another program, they are put into the order of the series; others are refused by each writer.
    pub fn new(series: &'a DicomSeries, labels: &LabelMap, authorship: &'a Authorship) -> Self {
        let grid = series.grid.as_ref().ok();
        let ordered = grid.and_then(|grid| labels.reordered(grid, SAME_VOXELS_MM));
        Self {
            series,
            labels: ordered.unwrap_or_else(|| labels.clone()),
            authorship,
        }
    }

    /// The labels in the order of the series.
    pub fn labels(&self) -> &LabelMap {
        &self.labels
    }

    /// Writes the labels.
    ///
    /// # Errors
    /// Those of [`io::write_segmentation`].
    pub fn segmentation(&self, path: &Path) -> Result<Vec<Warning>, io::Error> {
        io::write_segmentation(path, self.series, &self.labels, self.authorship)
    }

    /// Writes contours.
    ///
    /// # Errors
    /// Those of [`io::write_structure_set`].
    pub fn structure_set(&self, path: &Path) -> Result<Vec<Warning>, io::Error> {
        io::write_structure_set(path, self.series, &self.labels, self.authorship)
    }

    /// Writes probabilities, 0 to 1 for each voxel in the order of the series.
    ///
    /// # Errors
    /// Those of [`io::write_fractional_segmentation`].
    pub fn probabilities(
        &self,
        path: &Path,
        probabilities: &BTreeMap<Structure, Vec<f32>>,
    ) -> Result<Vec<Warning>, io::Error> {
        io::write_fractional_segmentation(
            path,
            self.series,
            &self.labels,
            probabilities,
            self.authorship,
        )
    }

    /// Writes the measurements of the visit with this index, and the changes that end at it. `segmentation` is the file of the same labels, where one was written.
    ///
    /// # Errors
    /// Those of [`io::write_measurements`]; nothing is written when there is no such visit.
    pub fn measurements(
        &self,
        path: &Path,
        (comparison, index): (&Comparison, usize),
        segmentation: Option<&Path>,
    ) -> Result<Vec<Warning>, io::Error> {
        let Some(measured) = comparison.measured.get(index) else {
            return Ok(Vec::new());
        };
        let measured = Measurements {
            labels: &self.labels,
            visit: &measured.visit,
            assessment: Some(&comparison.assessment),
            segmentation,
        };
        io::write_measurements(path, self.series, &measured, self.authorship)
    }

    /// Writes the one-page report of all visits.
    ///
    /// # Errors
    /// When it cannot be made, and those of [`io::write_encapsulated_pdf`].
    pub fn report(&self, path: &Path, comparison: &Comparison) -> Result<Vec<Warning>, Error> {
        let pdf = comparison.report(self.authorship.created.date(), None, false)?;
        let written = io::write_encapsulated_pdf(path, self.series, &pdf, self.authorship);
        Ok(written?)
    }

    /// Writes a picture; `number` tells those of one report apart, from 1.
    ///
    /// # Errors
    /// Those of [`io::write_key_image`].
    pub fn key_image(
        &self,
        path: &Path,
        picture: &Picture,
        number: u16,
    ) -> Result<Vec<Warning>, io::Error> {
        io::write_key_image(path, self.series, picture, number, self.authorship)
    }
}

/// A set of objects of one visit, to be written into a folder of its own.
#[derive(Debug, Clone)]
pub struct Export {
    /// The series of the visit.
    pub series: Box<DicomSeries>,
    /// Its outlines, on its voxels in any order.
    pub labels: Arc<LabelMap>,
    /// How sure the model is of each of these voxels.
    pub probabilities: Option<Arc<Probabilities>>,
    /// What the objects say of their making.
    pub authorship: Authorship,
    /// Which.
    pub objects: BTreeSet<Object>,
    /// The dated visits, and which of them this is; needed for what [is dated](Object::is_dated).
    pub compared: Option<(Inputs, usize)>,
    /// Slices that the reader kept: the plane, and a point of it, RAS mm.
    pub kept: Vec<(Plane, DVec3)>,
    /// Where the folder of the set is made.
    pub folder: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The folder of the set.
    pub folder: PathBuf,
    /// Names of its files.
    pub files: Vec<String>,
    /// What to know of them.
    pub warnings: Vec<String>,
}

/// Sets of one name that may lie in one folder.
const MOST_SETS: usize = 1000;

impl Export {
    /// Makes the objects beside their place, then moves all of them there by one rename: whoever looks sees the whole set or none of it.
    ///
    /// # Errors
    /// When an object cannot be made or written, or the observer stops it; nothing is left behind.
    pub fn write(&self, observe: &mut Observe<'_>) -> Result<Exported, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".schwann-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new folder; the process's umask takes its share.
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        let staged = builder.tempdir_in(&self.folder);
        let staged = staged.map_err(|source| self.not_written(source))?;
        let (files, warnings) = self.write_into(staged.path(), observe)?;
        let folder = self.free_place()?;
        std::fs::rename(staged.path(), &folder).map_err(|source| self.not_written(source))?;
        // It is no longer there under that name.
        drop(staged.keep());
        Ok(Exported {
            folder,
            files,
            warnings,
        })
    }

    fn not_written(&self, source: std::io::Error) -> Error {
        let path = self.folder.clone();
        Error::Write(io::Error::Write { source, path })
    }

    /// How far what is written has come, for the folder's name: reports that tell of other visits' drafts are drafts, whatever the outlines are.
    fn how_far(&self) -> &'static str {
        let drafts = (self.objects.iter())
            .filter(|o| o.compares() && self.authorship.beside_drafts)
            .count();
        match self.authorship.state {
            ResultState::Draft => "draft",
            ResultState::Accepted { .. } if drafts == 0 => "accepted",
            ResultState::Accepted { .. } if drafts == self.objects.len() => "draft",
            ResultState::Accepted { .. } => "accepted-with-draft-reports",
        }
    }

    /// A name that no folder has: the day and how far the result has come. No patient's name stands in it.
    fn free_place(&self) -> Result<PathBuf, Error> {
        let state = self.how_far();
        let day = self.series.facts.date.as_deref().unwrap_or("no-date");
        // The day comes from a file.
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let day: String = day.chars().take(10).map(fits).collect();
        let name = format!("dicom-{day}-{state}");
        let mut names = std::iter::once(name.clone())
            .chain((2..MOST_SETS).map(|n| format!("{name}-{n}")))
            .map(|name| self.folder.join(name));
        names
            .find(|path| path.symlink_metadata().is_err())
            .ok_or_else(|| {
                let full = std::io::Error::other("it holds too many exports of this day");
                self.not_written(full)
            })
    }

    fn write_into(
        &self,
        folder: &Path,
        observe: &mut Observe<'_>,
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        let mut step = |stage, done: usize| {
            let fraction = done as f32 / self.objects.len().max(1) as f32;
            match observe(Progress { stage, fraction }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Cancelled),
            }
        };
        let results = Results::new(&self.series, &self.labels, &self.authorship);
        step("comparing visits", 0)?;
        let comparison = self.comparison(&mut |progress| match step(progress.stage, 0) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })?;
        let compared = comparison.as_ref().map(|(c, index)| (c, *index));
        let (mut files, mut warnings) = (Vec::new(), Vec::new());
        for (done, object) in self.objects.iter().enumerate() {
            step(object.stage(), done)?;
            for (name, said) in self.object(*object, &results, compared, folder)? {
                files.push(name);
                for warning in said.iter().map(ToString::to_string) {
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
        step("writing", self.objects.len())?;
        Ok((files, warnings))
    }

    fn comparison(&self, observe: &mut Observe<'_>) -> Result<Option<(Comparison, usize)>, Error> {
        let Some((inputs, index)) = &self.compared else {
            return Ok(None);
        };
        if !self.objects.iter().any(|o| o.is_dated()) {
            return Ok(None);
        }
        let (measured, tried) = (inputs.measured.clone(), inputs.tried.clone());
        let comparison = report::compare(measured, tried, &inputs.treated, observe)?;
        Ok(Some((comparison, *index)))
    }

    /// Writes the files of one kind.
    fn object(
        &self,
        object: Object,
        results: &Results<'_>,
        compared: Option<(&Comparison, usize)>,
        folder: &Path,
    ) -> Result<Vec<(String, Vec<Warning>)>, Error> {
        const SEGMENTATION: &str = "segmentation.dcm";
        let one = |name: &str, said| vec![(name.to_owned(), said)];
        Ok(match (object, compared) {
            (Object::Segmentation, _) => one(
                SEGMENTATION,
                results.segmentation(&folder.join(SEGMENTATION))?,
            ),
            (Object::Probabilities, _) => {
                let name = "probabilities.dcm";
                let ordered = self.ordered_probabilities();
                one(name, results.probabilities(&folder.join(name), &ordered)?)
            }
            (Object::StructureSet, _) => {
                let name = "structures.dcm";
                one(name, results.structure_set(&folder.join(name))?)
            }
            (Object::Measurements, Some(compared)) => {
                let name = "measurements.dcm";
                let beside = folder.join(SEGMENTATION);
                let beside = self
                    .objects
                    .contains(&Object::Segmentation)
                    .then_some(beside);
                let path = folder.join(name);
                one(
                    name,
                    results.measurements(&path, compared, beside.as_deref())?,
                )
            }
            (Object::Report, Some((comparison, _))) => {
                let name = "report.dcm";
                one(name, results.report(&folder.join(name), comparison)?)
            }
            (Object::KeyImages, Some((comparison, index))) => {
                let tumour = comparison.picture(index, Plane::Axial);
                let kept = self.kept.iter();
                let kept = kept.filter_map(|(plane, at)| comparison.picture_at(index, *plane, *at));
                let mut written = Vec::new();
                for (picture, number) in tumour.into_iter().chain(kept).zip(1_u16..) {
                    let name = format!("key-image-{number}.dcm");
                    let said = results.key_image(&folder.join(&name), &picture, number)?;
                    written.push((name, said));
                }
                written
            }
            (Object::Measurements | Object::Report | Object::KeyImages, None) => Vec::new(),
        })
    }

    /// The probabilities in the order of the series; none where they lie elsewhere.
    fn ordered_probabilities(&self) -> BTreeMap<Structure, Vec<f32>> {
        let (Some(all), Ok(grid)) = (&self.probabilities, &self.series.grid) else {
            return BTreeMap::new();
        };
        let Some(order) = Reorder::between(all.grid(), grid, SAME_VOXELS_MM) else {
            return BTreeMap::new();
        };
        all.structures()
            .filter_map(|structure| Some((structure, order.apply(&all.of(structure)?)?)))
            .collect()
    }
}
