//! A scan in whatever format.
use super::dicom::{is_dicom, only_series};
use super::{Error, Warning, nifti, read_series};
use crate::volume::{Observe, Volume};
use std::path::Path;

/// Reads a scan: the first volume of a NIfTI-1, NIfTI-2 or Analyze 7.5 file (`.nii`, `.nii.gz`, or either half of a `.hdr`/`.img` pair), or
/// the only series of a DICOM file, folder, DICOMDIR or zip archive. Voxels keep their stored type (128-bit floats become `f64`, and so do
/// slices of DICOM with a rescale each `f32`); the grid is in RAS mm.
///
/// # Errors
/// One sentence for every way in which a file can be broken, unsupported or without a place in the patient; [`Error::Cancelled`].
pub fn read_volume(
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<(Volume, Vec<Warning>), Error> {
    read_scan(path, None, observe)
}

/// As [`read_volume`]; `series` names one of several DICOM series by label, number or UID. Other formats have no series.
///
/// # Errors
/// As [`read_volume`].
pub fn read_scan(
    path: &Path,
    series: Option<&str>,
    observe: &mut Observe<'_>,
) -> Result<(Volume, Vec<Warning>), Error> {
    if is_dicom(path) {
        let (series, _) = only_series(path, series, observe)?;
        return read_series(&series, observe);
    }
    nifti::read_volume(path, observe)
}

/// Whether a scan's file says which of its sides is the patient's left; DICOM does.
///
/// # Errors
/// When its header cannot be read.
pub(super) fn tells_sides(path: &Path) -> Result<bool, Error> {
    if is_dicom(path) {
        return Ok(true);
    }
    nifti::tells_sides(path)
}

/// Reads all volumes of a file as the channels of one case, as nnU-Net takes a file with four dimensions; DICOM has one.
///
/// # Errors
/// As [`read_volume`].
pub fn read_channels(
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<(Vec<Volume>, Vec<Warning>), Error> {
    if is_dicom(path) {
        return read_volume(path, observe).map(|(volume, warnings)| (vec![volume], warnings));
    }
    nifti::read_channels(path, observe)
}
