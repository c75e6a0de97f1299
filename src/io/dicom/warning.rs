//! What a reader must know about a series that could be read.
use std::fmt;

/// Something about a series that may matter. `Display` is one sentence for people.
#[derive(Debug, Clone, PartialEq)]
pub enum DicomWarning {
    /// Files that repeat another one; each slice was read once.
    Copies(usize),
    /// The slices are sheared against their normal; the affine says so.
    Tilt {
        /// Angle between the stack's direction and the normal of its slices, degrees.
        degrees: f64,
    },
    /// The slices do not lie at quite one distance.
    Uneven {
        /// Largest distance of a slice from where the regular grid puts it, mm.
        distance_mm: f64,
    },
    /// Slices are missing before or behind this part of the series.
    Missing {
        /// How many.
        slices: usize,
        /// This part, counted from 1.
        part: usize,
        /// Parts of the series.
        parts: usize,
    },
    /// Only one slice, whose thickness was taken for the spacing.
    SingleSlice {
        /// The thickness, mm; nothing when the file does not give one and 1 mm was taken.
        thickness_mm: Option<f64>,
    },
    /// MONOCHROME1: small values are bright.
    Inverted,
    /// Every slice has its own rescale; the values were brought to one scale.
    RescaledBySlice,
    /// A Modality LUT that is no line was applied.
    ModalityLut,
    /// Compressed with loss.
    Lossy,
    /// Planned on, not looked at.
    Localiser,
    /// The series was split, because its files differ in this.
    Split(String),
    /// Text in a character set that is not known here.
    CharacterSet(String),
    /// Files of the series that could not be used.
    Unusable {
        /// How many.
        files: usize,
        /// Why the first was not.
        first: String,
    },
}

impl fmt::Display for DicomWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copies(count) => {
                write!(f, "{count} files repeat another one and were left out")
            }
            Self::Tilt { degrees } => write!(
                f,
                "the slices are sheared by {degrees:.1}° against their normal (gantry tilt); the voxels are no boxes"
            ),
            Self::Uneven { distance_mm } => write!(
                f,
                "the slices do not lie at quite one distance; one is {distance_mm:.2} mm from its place in the grid"
            ),
            Self::Missing {
                slices,
                part,
                parts,
            } => write!(
                f,
                "{slices} slices are missing beside this part, the {part}. of {parts} of the series"
            ),
            Self::SingleSlice {
                thickness_mm: Some(mm),
            } => write!(
                f,
                "only one slice; its thickness of {mm} mm was taken for the spacing"
            ),
            Self::SingleSlice { thickness_mm: None } => {
                f.write_str("only one slice without a thickness; 1 mm was taken for the spacing")
            }
            Self::Inverted => f.write_str(
                "the scan is stored as a negative (MONOCHROME1): small values are bright tissue",
            ),
            Self::RescaledBySlice => {
                f.write_str("each slice has a rescale of its own; all were brought to one scale")
            }
            Self::ModalityLut => {
                f.write_str("the values went through the file's own table (Modality LUT)")
            }
            Self::Lossy => f.write_str("the scan was compressed with loss"),
            Self::Localiser => f.write_str("this is a localiser"),
            Self::Split(what) => write!(f, "the series was split: {what}"),
            Self::CharacterSet(name) => write!(
                f,
                "text is written in the character set {name}, which is not known here; some letters are missing"
            ),
            Self::Unusable { files, first } => {
                write!(
                    f,
                    "{files} files of the series were left out; the first: {first}"
                )
            }
        }
    }
}

/// Names, one after the other, not too many of them.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut text = names
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if names.len() > MOST {
        text.push_str(&format!("; and {} more", names.len() - MOST));
    }
    text
}
