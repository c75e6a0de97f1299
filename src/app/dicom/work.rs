//! Background work on DICOM.
use crate::{
    app::{
        Error,
        export::{Export, Exported},
        meaning::Meaning,
        state::VisitId,
        task::{Outcome, Target, measured},
    },
    io::{
        self, Anonymise, AnonymiseReport, DerivedObject, DicomRegion, DicomSeries, Keeping,
        LabelValue, Making, MeasurementReport, Secret,
    },
    patient::Outline,
    volume::{Observe, Structure, Volume},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Farthest that voxels of one scan may lie apart in files of two formats, mm.
const SAME_VOXELS_MM: f64 = 0.1;

/// One piece of work.
#[derive(Debug, Clone)]
pub enum Work {
    /// Writes results as objects.
    Export(Box<Export>),
    /// Looks for the DICOM series that a visit's scan was made from, with the scan and the SHA-256 of its voxels.
    FindSeries(VisitId, Arc<Volume>, String, PathBuf),
    /// Makes a copy without identity.
    Anonymise {
        /// What is copied.
        inputs: Vec<PathBuf>,
        /// The folder that it goes to.
        output: PathBuf,
        /// What is kept beyond the basic profile.
        keeping: Keeping,
        /// What the patient is called in the copy.
        pseudonym: Option<String>,
        /// The file with the secret.
        secret: Option<PathBuf>,
    },
    /// Looks which segments or regions an object of a visit's series has.
    Regions(VisitId, Box<DicomSeries>, PathBuf),
    /// Reads outlines from an object whose segments or regions mean this.
    ReadRegions(
        Box<Target>,
        Box<DicomSeries>,
        PathBuf,
        BTreeMap<i64, Option<Structure>>,
    ),
}

/// What it gave.
#[derive(Debug)]
pub enum Done {
    /// A file that was opened is a segmentation or a structure set.
    Object(PathBuf, DerivedObject),
    /// A file that was opened is a structured report.
    Report(Box<MeasurementReport>),
    /// The series that a visit's scan was made from.
    Series(VisitId, Box<DicomSeries>),
    /// Objects were written.
    Exported(Exported),
    /// A copy was made.
    Copied(Box<AnonymiseReport>),
}

impl Work {
    /// In words, for the progress bar.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Export(_) => "Writing DICOM objects",
            Self::FindSeries(..) => "Looking for the DICOM series",
            Self::Anonymise { .. } => "Making an anonymised copy",
            Self::Regions(..) | Self::ReadRegions(..) => "Opening outlines",
        }
    }

    /// The visit without which it has no meaning.
    pub(in crate::app) fn visit(&self) -> Option<VisitId> {
        match self {
            Self::FindSeries(visit, ..) | Self::Regions(visit, ..) => Some(*visit),
            Self::ReadRegions(target, ..) => Some(target.visit),
            Self::Export(_) | Self::Anonymise { .. } => None,
        }
    }

    pub(in crate::app) fn run(self, observe: &mut Observe<'_>) -> Outcome {
        match self {
            Self::Export(export) => match export.write(observe) {
                Ok(exported) => Outcome::Dicom(Done::Exported(exported)),
                Err(Error::Cancelled) => Outcome::Cancelled,
                Err(error) => Outcome::Failed(format!("Nothing was written: {error}")),
            },
            Self::FindSeries(visit, volume, sha256, path) => {
                match find_series(&volume, &sha256, &path, observe) {
                    Ok(series) => Outcome::Dicom(Done::Series(visit, series)),
                    Err(outcome) => *outcome,
                }
            }
            Self::Anonymise {
                inputs,
                output,
                keeping,
                pseudonym,
                secret,
            } => {
                let secret = secret.map_or_else(Secret::random, |path| Secret::in_file(&path));
                let copied = secret.and_then(|secret| {
                    let how = Anonymise {
                        keeping,
                        pseudonym,
                        secret,
                    };
                    io::anonymise(&inputs, &output, &how, observe)
                });
                match copied {
                    Ok(report) => Outcome::Dicom(Done::Copied(Box::new(report))),
                    Err(error) => failed("The copy was not made", error),
                }
            }
            Self::Regions(visit, series, path) => {
                match io::read_dicom_labels(&path, &series, &BTreeMap::new(), observe) {
                    Ok(read) => {
                        Outcome::Values(Box::new(meaning(visit, path, read.regions, &series)))
                    }
                    Err(error) => failed("The outlines were not opened", error),
                }
            }
            Self::ReadRegions(target, series, path, meaning) => {
                read_regions(&target, &series, &path, &meaning, observe)
            }
        }
    }
}

fn failed(what: &str, error: io::Error) -> Outcome {
    match error {
        io::Error::Cancelled => Outcome::Cancelled,
        error => Outcome::Failed(format!("{what}: {error}")),
    }
}

/// The series at a place whose voxels are those of a scan.
fn find_series(
    scan: &Volume,
    sha256: &str,
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<Box<DicomSeries>, Box<Outcome>> {
    let library = io::scan_folder(&[path.to_owned()], observe)
        .map_err(|error| Box::new(failed("The series was not found", error)))?;
    let here = |series: &&DicomSeries| {
        let grid = series.grid.as_ref();
        grid.is_ok_and(|g| {
            crate::volume::Reorder::between(scan.grid(), g, SAME_VOXELS_MM).is_some()
        })
    };
    let mut other_values = false;
    for series in library.series().filter(here) {
        let (volume, _) = io::read_series(series, observe)
            .map_err(|error| Box::new(failed("The series was not read", error)))?;
        if io::voxels_sha256(&volume) == sha256 {
            return Ok(Box::new(series.clone()));
        }
        other_values = true;
    }
    let text = if other_values {
        "A series lies on the voxels of the scan but holds other values: it may be another visit. Where you are sure, the command `schwann export` takes labels and series as they are"
    } else {
        "No DICOM series lies on the voxels of the scan"
    };
    let text = format!("{text}: {}", path.display());
    Err(Box::new(Outcome::Failed(text)))
}

/// The question what the regions of an object mean, with what codes and names tell.
fn meaning(
    visit: VisitId,
    path: PathBuf,
    regions: Vec<DicomRegion>,
    series: &DicomSeries,
) -> Meaning {
    let voxel_mm3 = series
        .grid
        .as_ref()
        .map_or(0.0, crate::volume::Grid::voxel_volume_mm3);
    let names = regions.iter().map(|r| (r.number, r.name.clone())).collect();
    let values = regions.into_iter().map(|region| {
        let value = LabelValue {
            value: region.number,
            voxels: region.voxels,
            volume_mm3: region.voxels as f64 * voxel_mm3,
        };
        (value, region.structure)
    });
    Meaning {
        visit,
        path,
        values: values.collect(),
        names: Some(names),
    }
}

fn read_regions(
    target: &Target,
    series: &DicomSeries,
    path: &Path,
    meaning: &BTreeMap<i64, Option<Structure>>,
    observe: &mut Observe<'_>,
) -> Outcome {
    let read = match io::read_dicom_labels(path, series, meaning, observe) {
        Ok(read) => read,
        Err(error) => return failed("The outlines were not opened", error),
    };
    let grid = target.volume.grid();
    let Some(labels) = read.labels.reordered(grid, SAME_VOXELS_MM) else {
        let text = "The outlines do not lie on the voxels of the scan.";
        return Outcome::Failed(text.to_owned());
    };
    let warnings = read.warnings.iter().map(ToString::to_string).collect();
    let mut outcome = measured(target, labels, Outline::Imported, warnings, observe);
    if let Outcome::Outlined(outlines) = &mut outcome {
        outlines.making = making(&read.regions);
    }
    outcome
}

/// How all regions that were read were made, where they agree.
fn making(regions: &[DicomRegion]) -> Making {
    let mut used = regions.iter().filter(|r| r.structure.is_some());
    let first = used.next().and_then(|r| r.making);
    match first {
        Some(making) if used.all(|r| r.making == first) => making,
        _ => Making::NotStated,
    }
}
