//! What others derived from a series: segmentations and structure sets, read onto the series' own voxels.
//!
//! Nothing is resampled: an object whose pixels or planes are not those of the series is refused. What a segment or region means is told by its code, then by its name;
//! what neither tells is listed and left out, until somebody says what it means.

mod meaning;
mod measurements;
mod paint;
mod segmentation;
mod structure_set;

pub use measurements::{
    EvaluatedValue, MeasuredValue, MeasurementGroup, MeasurementReport, read_measurements,
};
pub use structure_set::{DicomContours, read_contours};

use super::attributes::{Attributes, Characters};
use super::grid::Slices;
use super::header::{Header, looks_dicom, read_header_keeping};
use super::kept::Keep;
use super::source::Source;
use super::{DicomError, DicomSeries, DicomWarning, Making};
use crate::io::{Error, Warning};
use crate::volume::{LabelMap, LabelTable, Observe, Side, Structure};
use dicom_dictionary_std::{tags, uids};
use paint::Painting;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Label Map Segmentation Storage (supplement 243), which the dictionary may not know.
const LABEL_MAP_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.66.7";

/// A kind of object that is derived from a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DerivedKind {
    /// Voxels: SEG.
    Segmentation,
    /// Contours: RTSTRUCT.
    StructureSet,
}

/// An object that is derived from a series, and from which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedObject {
    /// What it is.
    pub kind: DerivedKind,
    /// Series Instance UIDs that it refers to.
    pub series_uids: Vec<String>,
}

/// A segment or a region of interest of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomRegion {
    /// Its number in the object.
    pub number: i64,
    /// What the object calls it.
    pub name: String,
    /// What it is here; nothing when neither code nor name tells.
    pub structure: Option<Structure>,
    /// The side that code or name give.
    pub side: Option<Side>,
    /// How it was made, when the object says so.
    pub making: Option<Making>,
    /// Under which it is followed over time.
    pub tracking_uid: Option<String>,
    /// Voxels of the series that it covers.
    pub voxels: usize,
}

/// Labels on the voxels of a series, from an object that others derived from it.
#[derive(Debug, Clone)]
pub struct DicomLabels {
    /// On the grid of the series, with Schwann's own values.
    pub labels: LabelMap,
    /// All regions, those without a meaning too.
    pub regions: Vec<DicomRegion>,
    /// What to know of them.
    pub warnings: Vec<Warning>,
}

/// Whether a file is a segmentation or a structure set, and of which series. Nothing for every other file.
///
/// # Errors
/// [`Error::Dicom`] when it begins as DICOM does and cannot be followed.
pub fn derived_object(path: &Path) -> Result<Option<DerivedObject>, Error> {
    if !is_dicom_file(path) {
        return Ok(None);
    }
    let header = read_header_keeping(&Source::File(path.to_owned()), Keep::Derived);
    let header = header.map_err(|source| Error::Dicom {
        source,
        path: path.to_owned(),
    })?;
    Ok(kind(&header).map(|kind| DerivedObject {
        kind,
        series_uids: References::of(&header.attributes, kind).series_uids,
    }))
}

/// Reads a segmentation or a structure set onto the voxels of the series that it was derived from, or of another that lies on the same voxels.
///
/// `meaning` says what regions are, by number, over what their codes and names tell. Fractions count from one half on. A voxel that several structures claim keeps the one of the region that comes
/// first in the object; of fractions the largest.
///
/// # Errors
/// [`Error::Dicom`] with one word for every way in which the object can be broken or not fit the series; [`Error::Cancelled`].
pub fn read_dicom_labels(
    path: &Path,
    series: &DicomSeries,
    meaning: &BTreeMap<i64, Structure>,
    observe: &mut Observe<'_>,
) -> Result<DicomLabels, Error> {
    let at_fault = |source| Error::Dicom {
        source,
        path: path.to_owned(),
    };
    let opened = Opened::at(path).map_err(at_fault)?;
    let slices = Slices::of(series).map_err(at_fault)?;
    let mut warnings: Vec<DicomWarning> = opened
        .references
        .belong_to(series)
        .map_err(at_fault)?
        .into_iter()
        .collect();
    let mut painting = Painting::new(slices.grid());
    let regions = match opened.kind {
        DerivedKind::Segmentation => {
            segmentation::read(&opened, &slices, meaning, &mut painting, observe)
        }
        DerivedKind::StructureSet => {
            structure_set::read(&opened, &slices, meaning, &mut painting, observe)
        }
    };
    let regions = regions.map_err(|e| e.at(path))?;
    warnings.extend(painting.warnings());
    let unknown: Vec<String> = regions
        .iter()
        .filter(|r| r.structure.is_none())
        .map(|r| format!("{} {}", r.number, r.name))
        .collect();
    if !unknown.is_empty() {
        warnings.push(DicomWarning::UnknownRegions(unknown));
    }
    let labels = LabelMap::new(*slices.grid(), painting.labels, LabelTable::default());
    let labels = labels.map_err(|source| Error::Place {
        source,
        path: path.to_owned(),
    })?;
    Ok(DicomLabels {
        labels,
        regions,
        warnings: warnings.into_iter().map(Warning::Dicom).collect(),
    })
}

/// What stopped a reader.
#[derive(Debug)]
enum Stopped {
    Broken(DicomError),
    Cancelled,
}

impl From<DicomError> for Stopped {
    fn from(problem: DicomError) -> Self {
        Self::Broken(problem)
    }
}

impl From<Error> for Stopped {
    /// Only the observer's word comes this way.
    fn from(_: Error) -> Self {
        Self::Cancelled
    }
}

impl Stopped {
    fn at(self, path: &Path) -> Error {
        match self {
            Self::Broken(source) => Error::Dicom {
                source,
                path: path.to_owned(),
            },
            Self::Cancelled => Error::Cancelled,
        }
    }
}

/// An object whose header was read.
#[derive(Debug)]
struct Opened {
    source: Source,
    header: Header,
    characters: Characters,
    kind: DerivedKind,
    references: References,
}

impl Opened {
    fn at(path: &Path) -> Result<Self, DicomError> {
        let source = Source::File(path.to_owned());
        let header = read_header_keeping(&source, Keep::Derived)?;
        let kind = kind(&header).ok_or(DicomError::NotDerived)?;
        Ok(Self {
            characters: Characters::of(&header.attributes),
            references: References::of(&header.attributes, kind),
            source,
            header,
            kind,
        })
    }

    fn text(&self, a: &Attributes, tag: dicom_core::Tag) -> String {
        a.text(tag, &self.characters).unwrap_or_default()
    }
}

fn is_dicom_file(path: &Path) -> bool {
    let mut start = Vec::new();
    // Looked at before opening: opening a pipe would wait for its other end.
    path.is_file()
        && File::open(path).is_ok_and(|file| file.take(1024).read_to_end(&mut start).is_ok())
        && looks_dicom(&start)
}

fn kind(header: &Header) -> Option<DerivedKind> {
    match header.class.as_str() {
        uids::SEGMENTATION_STORAGE | LABEL_MAP_STORAGE => Some(DerivedKind::Segmentation),
        uids::RT_STRUCTURE_SET_STORAGE => Some(DerivedKind::StructureSet),
        _ => None,
    }
}

/// What an object refers to.
#[derive(Debug, Default)]
struct References {
    frames_of_reference: Vec<String>,
    series_uids: Vec<String>,
}

impl References {
    fn of(a: &Attributes, kind: DerivedKind) -> Self {
        let uids = |items: &[Attributes], tag| -> Vec<String> {
            items.iter().filter_map(|item| item.code(tag)).collect()
        };
        match kind {
            DerivedKind::Segmentation => Self {
                frames_of_reference: a.code(tags::FRAME_OF_REFERENCE_UID).into_iter().collect(),
                series_uids: uids(
                    a.items(tags::REFERENCED_SERIES_SEQUENCE),
                    tags::SERIES_INSTANCE_UID,
                ),
            },
            DerivedKind::StructureSet => {
                let frames = a.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE);
                let series = frames
                    .iter()
                    .flat_map(|f| f.items(tags::RT_REFERENCED_STUDY_SEQUENCE))
                    .flat_map(|s| s.items(tags::RT_REFERENCED_SERIES_SEQUENCE))
                    .filter_map(|s| s.code(tags::SERIES_INSTANCE_UID));
                let regions = a.items(tags::STRUCTURE_SET_ROI_SEQUENCE);
                let mut frames_of_reference = uids(frames, tags::FRAME_OF_REFERENCE_UID);
                frames_of_reference.extend(uids(regions, tags::REFERENCED_FRAME_OF_REFERENCE_UID));
                Self {
                    frames_of_reference,
                    series_uids: series.collect(),
                }
            }
        }
    }

    /// Whether the object lies in the space of a series. Two visits of a patient may have the very same positions in the scanner, so that positions alone do not tell.
    fn belong_to(&self, series: &DicomSeries) -> Result<Option<DicomWarning>, DicomError> {
        let facts = &series.facts;
        let made_from = self.series_uids.contains(&facts.series_uid);
        let same_space = facts
            .frame_of_reference_uid
            .as_ref()
            .is_some_and(|uid| self.frames_of_reference.contains(uid));
        match (same_space, made_from) {
            (true, true) => Ok(None),
            (true, false) if self.series_uids.is_empty() => Ok(None),
            (true, false) => Ok(Some(DicomWarning::OtherSeries)),
            (false, true) => Ok(Some(DicomWarning::OtherFrameOfReference)),
            (false, false) => Err(DicomError::OtherSpace),
        }
    }
}
