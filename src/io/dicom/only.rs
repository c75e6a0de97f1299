//! A path that stands for one series.
use super::DicomError;
use super::header::looks_dicom;
use super::library::{DicomLibrary, DicomSeries};
use super::read::read_series;
use super::scan::scan_folder;
use super::zipped::is_zip;
use crate::io::{Error, Warning, read_volume, voxels_sha256};
use crate::volume::{Observe, Shape, Volume};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Grids that differ by less than this, mm, lie at one place.
const ONE_PLACE_MM: f64 = 1e-3;

/// Whether a path is read as DICOM: a folder, a zip archive, or a file that begins as DICOM does, unless its name says NIfTI or Analyze.
pub(in crate::io) fn is_dicom(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    if [".nii", ".nii.gz", ".hdr", ".img"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return false;
    }
    let Ok(kind) = std::fs::metadata(path) else {
        return false;
    };
    if kind.is_dir() {
        return true;
    }
    let mut start = Vec::new();
    // Looked at before opening: opening a pipe would wait for its other end.
    let read = kind.is_file()
        && File::open(path).is_ok_and(|file| file.take(1024).read_to_end(&mut start).is_ok());
    read && (is_zip(&start) || looks_dicom(&start))
}

/// The one series that a path holds, or the one that `name` means, and all that was found on the way.
///
/// # Errors
/// [`Error::Dicom`] when there is none or more than one; as [`scan_folder`].
pub(in crate::io) fn only_series(
    path: &Path,
    name: Option<&str>,
    observe: &mut Observe<'_>,
) -> Result<(DicomSeries, DicomLibrary), Error> {
    let library = scan_folder(&[path.to_owned()], observe)?;
    let series = library.choose(name).cloned();
    let series = series.map_err(|source| Error::Dicom {
        source,
        path: path.to_owned(),
    })?;
    Ok((series, library))
}

/// The one of several series, such as the stacks of one file, that a scan was read from: the one with its voxels, of which the number along
/// each axis and the hash are known ([`voxels_sha256`]). Copies at one place are one.
///
/// # Errors
/// [`Error::Dicom`] when none has these voxels, or several that lie at different places have; [`Error::Cancelled`].
pub fn series_of_scan<'a>(
    series: impl Iterator<Item = &'a DicomSeries>,
    shape: Shape,
    sha256: &str,
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<&'a DicomSeries, Error> {
    let mut known: Vec<String> = Vec::new();
    let mut found: Vec<&DicomSeries> = Vec::new();
    for one in series {
        known.push(one.title());
        if !one.grid.as_ref().is_ok_and(|grid| grid.shape() == shape) {
            continue;
        }
        match read_series(one, observe) {
            Ok((volume, _)) if voxels_sha256(&volume) == sha256 => found.push(one),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            // The scan could be read: what cannot be is another.
            Ok(_) | Err(_) => {}
        }
    }
    let together = |a: &DicomSeries, b: &DicomSeries| match (&a.grid, &b.grid) {
        (Ok(a), Ok(b)) => a.matches(b, ONE_PLACE_MM),
        _ => false,
    };
    let source = match found.as_slice() {
        [first, others @ ..] if others.iter().all(|other| together(first, other)) => {
            return Ok(*first);
        }
        [] => DicomError::NotAmong(known),
        several => DicomError::Ambiguous(several.iter().map(|s| s.title()).collect()),
    };
    Err(Error::Dicom {
        source,
        path: path.to_owned(),
    })
}

/// As [`read_volume`], of a scan that was read before: where the path holds several DICOM series, the one of [`series_of_scan`].
///
/// # Errors
/// As [`read_volume`] and [`series_of_scan`].
pub fn read_known_scan(
    path: &Path,
    shape: Shape,
    sha256: &str,
    observe: &mut Observe<'_>,
) -> Result<(Volume, Vec<Warning>), Error> {
    if !is_dicom(path) {
        return read_volume(path, observe);
    }
    let library = scan_folder(&[path.to_owned()], observe)?;
    let series = match library.choose(None) {
        Err(DicomError::SeveralSeries(_)) => {
            series_of_scan(library.series(), shape, sha256, path, observe)?
        }
        other => other.map_err(|source| Error::Dicom {
            source,
            path: path.to_owned(),
        })?,
    };
    read_series(series, observe)
}
