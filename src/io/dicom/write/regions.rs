//! What an object tells of each structure: its voxels, name, codes and identity.
use super::authorship::Authorship;
use super::object::Origin;
use crate::io::dicom::grid::Slices;
use crate::io::dicom::{DicomError, DicomSeries, DicomWarning};
use crate::io::{Error, Warning};
use crate::measure::voxels_by_side;
use crate::volume::{LabelMap, Side, Structure};
use std::path::Path;

/// Farthest that a label map's corner may lie from the series', mm: NIfTI keeps the affine as float32.
const SAME_GRID_MM: f64 = 0.01;

/// One structure on one side.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) structure: Structure,
    pub(super) side: Option<Side>,
    /// Positions in memory, ascending.
    pub(super) voxels: Vec<usize>,
}

impl Region {
    /// Name for people, with the side.
    pub(super) fn label(&self) -> String {
        let mut name = self.structure.name().to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        match self.side {
            Some(side) => format!("{name}, {side}"),
            None => name,
        }
    }

    /// Name of a region of interest, in the style of AAPM TG-263.
    pub(super) fn roi_name(&self) -> String {
        let name = match self.structure {
            Structure::VestibularSchwannoma => "GTV_VS",
            Structure::Cochlea => "Cochlea",
            Structure::Brainstem => "Brainstem",
            Structure::InternalAuditoryCanal => "Canal_IntAud",
            Structure::FourthVentricle => "Ventricle_4th",
            Structure::Cerebellum => "Cerebellum",
        };
        let side = match self.side {
            // There is one tumour in most patients, and planning systems look for its name.
            _ if self.structure == Structure::VestibularSchwannoma => "",
            Some(Side::Left) => "_L",
            Some(Side::Right) => "_R",
            None => "",
        };
        format!("{name}{side}")
    }

    /// The identifier under which it is followed: the caller's for the tumour, where there is one.
    pub(super) fn tracking_uid(&self, origin: &Origin, authorship: &Authorship) -> String {
        match &authorship.tracking_uid {
            Some(uid) if self.structure == Structure::VestibularSchwannoma => uid.clone(),
            _ => origin.tracking_uid(self.structure, self.side),
        }
    }
}

/// The regions of a label map that lies on a series' grid, in the order of [`Structure::ALL`], left before right.
///
/// # Errors
/// When the labels lie elsewhere, or there are none.
pub(super) fn regions(labels: &LabelMap, slices: &Slices) -> Result<Vec<Region>, DicomError> {
    if !labels.grid().matches(slices.grid(), SAME_GRID_MM) {
        return Err(DicomError::OtherGrid);
    }
    let regions: Vec<Region> = Structure::ALL
        .into_iter()
        .flat_map(|structure| {
            let parts = voxels_by_side(labels, structure).into_iter();
            parts.map(move |part| Region {
                structure,
                side: part.side,
                voxels: part.voxels,
            })
        })
        .collect();
    if regions.is_empty() {
        return Err(DicomError::NoLabels);
    }
    Ok(regions)
}

/// What is to know of an object before it is handed on.
pub(super) fn warnings(
    origin: &Origin,
    regions: &[Region],
    authorship: &Authorship,
) -> Vec<Warning> {
    let mut warnings = origin.warnings.clone();
    if !origin.has_patient_id() && authorship.tracking_uid.is_none() {
        warnings.push(Warning::Dicom(DicomWarning::UntrackedPatient));
    }
    let sideless: Vec<String> = regions
        .iter()
        .filter(|r| r.side.is_none())
        .filter(|r| r.structure.is_paired() || r.structure == Structure::VestibularSchwannoma)
        .map(|r| r.structure.name().to_owned())
        .collect();
    if !sideless.is_empty() {
        warnings.push(Warning::Dicom(DicomWarning::SideUnknown(sideless)));
    }
    warnings
}

/// Slices, source and regions: what each writer begins with.
///
/// # Errors
/// [`Error::Dicom`] with the place where the object was to go.
pub(super) fn prepared(
    path: &Path,
    series: &DicomSeries,
    labels: &LabelMap,
) -> Result<(Slices, Origin, Vec<Region>), Error> {
    let at_fault = |source| Error::Dicom {
        source,
        path: path.to_owned(),
    };
    let slices = Slices::of(series).map_err(at_fault)?;
    let regions = regions(labels, &slices).map_err(at_fault)?;
    Ok((slices, Origin::of(series)?, regions))
}
