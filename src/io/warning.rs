//! What a reader must know about a file that could be read.
use super::DicomWarning;
use crate::volume::SIDES_UNTOLD;
use std::fmt;

/// Something about a file that was read and may matter. `Display` is one sentence for people.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// Neither sform nor qform.
    OrientationUnknown,
    /// Analyze has no field for the orientation.
    OrientationByConvention,
    /// A MATLAB file beside an Analyze pair.
    MatIgnored,
    /// The two affines place the scan differently; the sform was used.
    FormsDisagree {
        /// Largest distance between the two places of a voxel, mm.
        distance_mm: f64,
    },
    /// The affine maps the grid onto a plane, a line or a point.
    Flat,
    /// More than one volume; only the first is used.
    SeveralVolumes {
        /// How many there are.
        count: usize,
    },
    /// The slope is not finite, so the stored values are taken as they are.
    Unscaled,
    /// Bytes behind the last voxel.
    ExtraBytes {
        /// How many.
        count: u64,
    },
    /// Voxels that are NaN or infinite.
    NotFinite {
        /// How many.
        count: usize,
    },
    /// The header's unit of length is not the millimetre.
    Unit {
        /// The unit that it gives.
        unit: &'static str,
    },
    /// A header field holds what the format does not allow.
    Field {
        /// Its name in the format.
        field: &'static str,
        /// What it holds.
        found: f64,
        /// What was done instead.
        instead: &'static str,
    },
    /// 128-bit numbers are held with 64 bits.
    Narrowed,
    /// Label values that the table does not name.
    UnknownLabels {
        /// The values, ascending.
        values: Vec<u8>,
    },
    /// Something about a DICOM series.
    Dicom(DicomWarning),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrientationUnknown => f.write_str(SIDES_UNTOLD[0]),
            Self::OrientationByConvention => f.write_str(SIDES_UNTOLD[1]),
            Self::MatIgnored => f.write_str(
                "the .mat file beside this Analyze file was not read; it may place the scan differently",
            ),
            Self::FormsDisagree { distance_mm } => write!(
                f,
                "sform and qform place the scan up to {distance_mm:.2} mm apart; the sform was used"
            ),
            Self::Flat => f.write_str(
                "the affine gives the voxels no volume: the scan cannot be placed in the patient",
            ),
            Self::SeveralVolumes { count } => {
                write!(f, "the file holds {count} volumes; only the first is used")
            }
            Self::Unscaled => f.write_str(
                "the slope in the header is not a finite number; the stored values were used as they are",
            ),
            Self::ExtraBytes { count } => {
                write!(f, "{count} bytes behind the last voxel were ignored")
            }
            Self::NotFinite { count } => write!(
                f,
                "{count} voxels are not finite numbers; statistics leave them out"
            ),
            Self::Unit { unit } => write!(
                f,
                "the header gives lengths in {unit}; the numbers were taken as millimetres, as other software does"
            ),
            Self::Field { field, found, instead } => write!(
                f,
                "the header field {field} holds {found}, which is not allowed; {instead}"
            ),
            Self::Narrowed => {
                f.write_str("the 128-bit numbers were rounded to 64 bits")
            }
            Self::Dicom(warning) => warning.fmt(f),
            Self::UnknownLabels { values } => {
                f.write_str("label values without a name: ")?;
                for (n, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if n == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}
