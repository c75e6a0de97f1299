//! A path that stands for one series.
use super::header::looks_dicom;
use super::library::{DicomLibrary, DicomSeries};
use super::scan::scan_folder;
use super::zipped::is_zip;
use crate::io::Error;
use crate::volume::Observe;
use std::fs::File;
use std::io::Read;
use std::path::Path;

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
