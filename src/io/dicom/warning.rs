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
    /// The header says that it is no MRI but this modality, whatever its intensities look like.
    NotMr(String),
    /// Planned on, not looked at.
    Localiser,
    /// The series was split, because its files differ in this.
    Split(String),
    /// Text in a character set that is not known here, or in another than the file names: this one.
    CharacterSet(String),
    /// An object whose tumour can be followed within its study only.
    UntrackedPatient,
    /// Structures whose side the labels do not tell.
    SideUnknown(Vec<String>),
    /// Segments or regions of interest that neither code nor name explains; they were left out.
    UnknownRegions(Vec<String>),
    /// Fractions were made labels.
    Fractional,
    /// Voxels that several structures claim.
    Overlapping {
        /// How often.
        voxels: usize,
    },
    /// Labels beyond the series.
    Outside {
        /// How many.
        voxels: usize,
    },
    /// Regions with slices between their contours that have none.
    ContourGaps(Vec<String>),
    /// Contours that enclose nothing.
    OpenContours(usize),
    /// Contours beyond the first or the last slice.
    MissedContours(usize),
    /// An object of another series that lies in the same space, on the same voxels.
    OtherSeries,
    /// An object that was made from the series and names another space.
    OtherFrameOfReference,
    /// Files beside the series that could not be read: some may be its slices.
    Unread {
        /// How many.
        files: usize,
        /// The first, and why.
        first: String,
    },
    /// Series beside the only one that can be opened, each with why it cannot.
    Unopened(Vec<String>),
    /// Files of the series that could not be used.
    Unusable {
        /// How many.
        files: usize,
        /// Why the first was not.
        first: String,
    },
}

const OTHER_SERIES: &str =
    "it was made from another series of the same space, and lies on the voxels of this one";

fn not_mr(modality: &str) -> String {
    format!(
        "the file says that this is {modality}, not MRI: models and grades are for MRI alone, do not rely on them here"
    )
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
            Self::NotMr(modality) => f.write_str(&not_mr(modality)),
            Self::Localiser => f.write_str("this is a localiser"),
            Self::Split(what) => write!(f, "the series was split: {what}"),
            Self::CharacterSet(name) => write!(
                f,
                "the file says that its text is in the character set {name}, in which some of it cannot be read here; letters may be wrong"
            ),
            Self::UntrackedPatient => f.write_str(
                "the files give no patient ID: the tumour's tracking UID holds for this study only, name one to follow the tumour",
            ),
            Self::SideUnknown(names) => write!(
                f,
                "the labels do not tell left from right of: {}",
                listed(names)
            ),
            Self::UnknownRegions(names) => write!(
                f,
                "left out, because neither code nor name says what it is: {}",
                listed(names)
            ),
            Self::Fractional => f.write_str(
                "the segments hold fractions: a voxel counts from one half on, and where several structures reach that the largest has it",
            ),
            Self::Overlapping { voxels } => write!(
                f,
                "structures overlap in {voxels} voxels; each stays with the structure that comes first in the file, or has the larger fraction"
            ),
            Self::Outside { voxels } => write!(
                f,
                "{voxels} voxels lie outside the series and were left out"
            ),
            Self::ContourGaps(names) => write!(
                f,
                "slices without a contour lie between slices with one, and stay empty: {}",
                listed(names)
            ),
            Self::OpenContours(count) => write!(
                f,
                "{count} contours are open or single points and were left out"
            ),
            Self::MissedContours(count) => write!(
                f,
                "{count} contours lie beyond the first or the last slice and were left out"
            ),
            Self::OtherSeries => f.write_str(OTHER_SERIES),
            Self::OtherFrameOfReference => f.write_str(
                "it names another space (Frame of Reference) than the series that it was made from; its positions were used as they are",
            ),
            Self::Unread { files, first } => write!(
                f,
                "{files} files could not be read, and slices may be missing; the first: {first}"
            ),
            Self::Unopened(series) => {
                write!(f, "other series cannot be opened: {}", listed(series))
            }
            Self::Unusable { files, first } => write!(
                f,
                "{files} files of the series were left out; the first: {first}"
            ),
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
