//! What a scan holds: the `inspect` command.
use super::dicom::{is_dicom, only_series};
use super::hash::{Layout, sha256};
use super::nifti::{Extent, Scaling, Scan, load};
use super::statistics::statistics;
use super::{
    DicomSeries, Error, Listing, MeasurementReport, SeriesFacts, Warning, read_measurements,
    read_series, scan_folder,
};
use crate::volume::{ClosestRas, Grid, Observe, Voxels, oblique_degrees};
use glam::DAffine3;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What a scan holds. Serialized, it is the JSON object of `schwann inspect`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The path as it was given.
    pub file: String,
    /// `nifti1`, `nifti2`, `analyze`, `dicom`.
    pub format: &'static str,
    /// Voxels along each axis of the file: one to seven lengths.
    pub shape: Vec<usize>,
    /// Distance between neighbouring voxel centres along the first three axes, mm.
    pub spacing_mm: [f64; 3],
    /// Type of the stored values: `uint8` … `float64`.
    pub datatype: &'static str,
    /// Four rows of four: RAS mm from voxel indices.
    pub affine_ras: [[f64; 4]; 4],
    /// `sform`, `qform`, `none`; `dicom` for positions and orientations of slices.
    pub affine_source: &'static str,
    /// Three letters: where each voxel axis points to; `???` when the scan cannot be placed in the patient.
    pub orientation: String,
    /// Largest angle between a voxel axis and the patient axis nearest to it, degrees.
    pub oblique_degrees: f64,
    /// The line from stored values to intensities.
    pub rescale: Rescale,
    /// Smallest finite intensity of all volumes; nothing when no voxel is finite.
    pub minimum: Option<f64>,
    /// Largest finite intensity.
    pub maximum: Option<f64>,
    /// Mean of the finite intensities.
    pub mean: Option<f64>,
    /// Of the finite intensities, linear between neighbours.
    pub percentiles: Percentiles,
    /// Identity of the image whatever way it is stored; covers all volumes. See [`voxels_sha256`](super::voxels_sha256).
    pub voxels_sha256: String,
    /// What to know about the file, a sentence each.
    pub warnings: Vec<String>,
    /// What a DICOM series says about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesFacts>,
}

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Inspected {
    /// One scan.
    Scan(Box<Inspection>),
    /// Several DICOM series, or none that can be opened.
    Several(Listing),
    /// A structured report with measurements.
    Report(MeasurementReport),
}

/// `intensity = stored × slope + intercept`; 1 and 0 when the file asks for no scaling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the formula names them")]
pub struct Rescale {
    pub slope: f64,
    pub intercept: f64,
}

/// The 1st, 50th and 99th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named after the percentage")]
pub struct Percentiles {
    #[serde(rename = "1")]
    pub p1: Option<f64>,
    #[serde(rename = "50")]
    pub p50: Option<f64>,
    #[serde(rename = "99")]
    pub p99: Option<f64>,
}

const AS_STORED: ClosestRas = ClosestRas {
    world_axis: [0, 1, 2],
    flipped: [false; 3],
};

/// Reads a scan whole and says what it holds. Unlike [`read_volume`](super::read_volume) it takes in all volumes of a file, and a scan that
/// cannot be placed in the patient is described with a warning.
///
/// # Errors
/// As [`read_volume`](super::read_volume).
pub fn inspect(path: &Path, observe: &mut Observe<'_>) -> Result<Inspection, Error> {
    if is_dicom(path) {
        let (series, _) = only_series(path, None, observe)?;
        return dicom(path, &series, observe);
    }
    nifti(path, observe)
}

/// As [`inspect`], but of a structured report it gives the measurements, and of several DICOM series, or of several that cannot be opened, it lists what there is. `series` names one of them by
/// label, number or UID.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_or_list(
    path: &Path,
    series: Option<&str>,
    observe: &mut Observe<'_>,
) -> Result<Inspected, Error> {
    let scan = |scan| Inspected::Scan(Box::new(scan));
    if !is_dicom(path) {
        return nifti(path, observe).map(scan);
    }
    if let Some(report) = read_measurements(path)? {
        return Ok(Inspected::Report(report));
    }
    let library = scan_folder(&[path.to_owned()], observe)?;
    match library.choose(series) {
        Ok(series) => dicom(path, series, observe).map(scan),
        Err(_) if series.is_none() && library.series().nth(1).is_some() => {
            Ok(Inspected::Several(Listing::new(path, &library)))
        }
        Err(source) => Err(Error::Dicom {
            source,
            path: path.to_owned(),
        }),
    }
}

fn nifti(path: &Path, observe: &mut Observe<'_>) -> Result<Inspection, Error> {
    let Scan {
        header,
        placement,
        grid,
        voxels,
        warnings,
        ..
    } = load(path, Extent::All, observe)?;
    let layout = Layout {
        shape: header.grid_shape(),
        // A scan that cannot be placed keeps the order in which it is stored.
        ras: grid.as_ref().map_or(AS_STORED, Grid::closest_ras),
    };
    let subject = Subject {
        path,
        format: header.format.name(),
        shape: header.shape.clone(),
        affine: placement.world_from_voxel,
        affine_source: placement.source.name(),
        orientation: grid.map_or_else(|_| "???".to_owned(), |grid| grid.axis_codes().to_string()),
        layout,
        datatype: header.datatype.name(),
        voxels: &voxels,
        scaling: header.scaling,
    };
    subject.describe(&warnings, observe)
}

fn dicom(
    path: &Path,
    series: &DicomSeries,
    observe: &mut Observe<'_>,
) -> Result<Inspection, Error> {
    let (volume, warnings) = read_series(series, observe)?;
    let grid = volume.grid();
    let (slope, intercept) = volume.rescale();
    let subject = Subject {
        path,
        format: "dicom",
        shape: grid.shape().to_vec(),
        affine: grid.world_from_voxel(),
        affine_source: "dicom",
        orientation: grid.axis_codes().to_string(),
        layout: Layout {
            shape: grid.shape(),
            ras: grid.closest_ras(),
        },
        datatype: volume.voxels().datatype(),
        voxels: volume.voxels(),
        scaling: Scaling { slope, intercept },
    };
    let mut inspection = subject.describe(&warnings, observe)?;
    inspection.series = Some(series.facts.clone());
    Ok(inspection)
}

/// What is described.
struct Subject<'a> {
    path: &'a Path,
    format: &'static str,
    shape: Vec<usize>,
    affine: DAffine3,
    affine_source: &'static str,
    orientation: String,
    layout: Layout,
    datatype: &'static str,
    voxels: &'a Voxels,
    scaling: Scaling,
}

impl Subject<'_> {
    fn describe(
        self,
        warnings: &[Warning],
        observe: &mut Observe<'_>,
    ) -> Result<Inspection, Error> {
        let matrix = self.affine.matrix3;
        let statistics = statistics(self.voxels, self.scaling, observe)?;
        let voxels_sha256 = sha256(self.voxels, self.scaling, self.layout, observe)?;
        let percentile = |n: usize| statistics.map(|s| s.percentiles[n]);
        let row = |r: usize| {
            [0, 1, 2, 3].map(|c| {
                if c < 3 {
                    matrix.col(c)[r]
                } else {
                    self.affine.translation[r]
                }
            })
        };
        Ok(Inspection {
            file: self.path.to_string_lossy().into_owned(),
            format: self.format,
            shape: self.shape,
            spacing_mm: [0, 1, 2].map(|n| matrix.col(n).length()),
            datatype: self.datatype,
            affine_ras: [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]],
            affine_source: self.affine_source,
            orientation: self.orientation,
            oblique_degrees: oblique_degrees(matrix),
            rescale: Rescale {
                slope: self.scaling.slope,
                // The −0 that stands for no scaling is a plain 0 to the reader.
                intercept: self.scaling.intercept + 0.0,
            },
            minimum: statistics.map(|s| s.minimum),
            maximum: statistics.map(|s| s.maximum),
            mean: statistics.map(|s| s.mean),
            percentiles: Percentiles {
                p1: percentile(0),
                p50: percentile(1),
                p99: percentile(2),
            },
            voxels_sha256,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            series: None,
        })
    }
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(scan) => scan.fmt(f),
            Self::Several(listing) => listing.fmt(f),
            Self::Report(report) => report.fmt(f),
        }
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        let [x, y, z] = self.spacing_mm;
        writeln!(f, "file         {}", self.file)?;
        writeln!(f, "format       {}, {}", self.format, self.datatype)?;
        if let Some(series) = &self.series {
            writeln!(f, "series       {}", series.line())?;
        }
        writeln!(f, "shape        {}", lengths.join(" × "))?;
        writeln!(f, "spacing      {x:.4} × {y:.4} × {z:.4} mm")?;
        writeln!(
            f,
            "orientation  {} ({}, oblique {:.1}°)",
            self.orientation, self.affine_source, self.oblique_degrees
        )?;
        for (n, row) in self.affine_ras.iter().take(3).enumerate() {
            let name = if n == 0 { "affine" } else { "" };
            writeln!(
                f,
                "{name:<12}{:>12.5}{:>12.5}{:>12.5}{:>12.4}",
                row[0], row[1], row[2], row[3]
            )?;
        }
        writeln!(
            f,
            "rescale      stored × {} + {}",
            self.rescale.slope, self.rescale.intercept
        )?;
        let number = |x: Option<f64>| x.map_or_else(|| "none".to_owned(), |x| format!("{x:.6}"));
        writeln!(
            f,
            "intensity    {} to {}, mean {}",
            number(self.minimum),
            number(self.maximum),
            number(self.mean)
        )?;
        let Percentiles { p1, p50, p99 } = self.percentiles;
        writeln!(
            f,
            "percentiles  1 %: {}, 50 %: {}, 99 %: {}",
            number(p1),
            number(p50),
            number(p99)
        )?;
        write!(f, "voxels       sha256 {}", self.voxels_sha256)?;
        for warning in &self.warnings {
            write!(f, "\nwarning      {warning}")?;
        }
        Ok(())
    }
}
