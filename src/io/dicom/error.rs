//! What can be wrong with DICOM, each in one sentence.
use super::warning::listed;
use thiserror::Error as ThisError;

/// Why a DICOM file, or a series of them, was not read.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum DicomError {
    /// Not DICOM at all.
    #[error("this is not a DICOM file")]
    NotDicom,
    /// The file cannot be opened or read.
    #[error("cannot be read ({0}); check the disk, the path and the permission to read it")]
    Unreadable(String),
    /// The file ends before what its header announces.
    #[error("the file ends too early, inside {0}; copy or export it again")]
    Truncated(&'static str),
    /// The structure cannot be followed.
    #[error("its header cannot be followed ({0}); export it again")]
    Damaged(String),
    /// Sequences inside sequences, deeper than any scanner writes.
    #[error("its sequences are nested more than {0} deep; export it again")]
    Nested(usize),
    /// A header that is larger than any scanner writes.
    #[error("its header holds more than Schwann keeps of one; export it again")]
    HeaderTooLarge,
    /// A way of storing pixels that no decoder here reads.
    #[error("its pixels are stored as {0}, which is not decoded here; export it uncompressed")]
    Syntax(String),
    /// No pixel data.
    #[error("it holds no image")]
    NoImage,
    /// Colour, palette or overlay instead of grey values.
    #[error("its image is stored as {0}, not as grey values; choose the original series")]
    NotGrey(String),
    /// Rows, columns or bits that make no image.
    #[error("its image is described in a way that makes no sense: {0}")]
    Format(String),
    /// The pixels do not decode.
    #[error("the pixels of slice {slice} are damaged ({problem}); copy or export it again")]
    Pixels {
        /// Which slice of the stack, counted from 1.
        slice: usize,
        /// What the decoder found.
        problem: String,
    },
    /// More voxels than are held.
    #[error("its voxels take {claimed} bytes, more than the {limit} that can be held")]
    TooLarge {
        /// Bytes that the voxels take.
        claimed: u64,
        /// Bytes that can be held.
        limit: u64,
    },
    /// Far more voxels than a scan has of so few compressed bytes.
    #[error(
        "its voxels take {claimed} bytes, and {stored} in the file, which is no scan; check where it comes from"
    )]
    Bomb {
        /// Bytes that the voxels take.
        claimed: u64,
        /// Bytes of the files or of their place in an archive.
        stored: u64,
    },
    /// No position or orientation in the patient.
    #[error(
        "the file does not say where its slices lie in the patient (no Image Position or Orientation); choose the original series"
    )]
    NoPosition,
    /// Neighbouring slices do not lie at one distance.
    #[error(
        "its slices lie {smallest_mm:.2} to {largest_mm:.2} mm apart, which makes no regular stack; choose a series with one spacing"
    )]
    Irregular {
        /// Smallest distance between neighbours, mm.
        smallest_mm: f64,
        /// Largest.
        largest_mm: f64,
    },
    /// Slices are missing at many places.
    #[error("{missing} slices are missing at {places} places; copy or export the series again")]
    Gaps {
        /// How many, at the spacing of the others.
        missing: usize,
        /// Gaps between the slices that are there.
        places: usize,
    },
    /// Different slices at one place that nothing in the files tells apart.
    #[error(
        "{0} different slices lie at the same place and nothing in the files tells them apart; export the series again"
    )]
    Duplicates(usize),
    /// Slices are shifted sideways by different amounts.
    #[error("its slices are shifted sideways by up to {0:.2} mm against each other")]
    Shifted(f64),
    /// A grid without volume.
    #[error("its slices have no extent in the patient; export the series again")]
    Flat,
    /// Nothing that can be opened was found.
    #[error("no DICOM series that can be opened was found here{}", reasons(.0))]
    NoSeries(Vec<String>),
    /// More than one series, and none was named.
    #[error("holds {} series; name one: {}", .0.len(), listed(.0))]
    SeveralSeries(Vec<String>),
    /// An identifier that objects made from a series must refer to is missing.
    #[error("the series names no {0}, which objects made from it must refer to; export it again")]
    Lacks(&'static str),
    /// Labels of another grid than the series'.
    #[error("the labels do not lie on the voxels of the series; make them from this series")]
    OtherGrid,
    /// A label map without a structure.
    #[error("the labels hold no structure, so there is nothing to write")]
    NoLabels,
    /// Not one probability for each voxel.
    #[error(
        "the probabilities are not one number from 0 to 1 for each voxel of a labelled structure"
    )]
    Probabilities,
    /// A segmentation or a structure set where a scan is wanted.
    #[error(
        "it is {0}, which is read onto the scan that it was made from (schwann convert FILE --series FOLDER)"
    )]
    Derived(&'static str),
    /// Neither a segmentation nor a structure set.
    #[error("it is neither a segmentation (SEG) nor a structure set (RTSTRUCT)")]
    NotDerived,
    /// An object in the space of another scan.
    #[error(
        "it was made in another space (Frame of Reference) and from another series; choose the series that it belongs to"
    )]
    OtherSpace,
    /// An object between the voxels of the series.
    #[error(
        "{what} lies {off_voxels:.2} voxels off the voxels of this series; choose the series that it was made from"
    )]
    OffGrid {
        /// Which part of the object.
        what: String,
        /// How far, in voxels.
        off_voxels: f64,
    },
    /// A segmentation that is not of the outlines that are reported.
    #[error("the segmentation has no segment of this tumour; write both from the same outlines")]
    NoTumourSegment,
    /// Bytes that are no PDF.
    #[error("the report is not a PDF that can be wrapped")]
    NotPdf,
    /// A picture whose pixels are not as many as its size says.
    #[error("the picture does not have the size that it says")]
    Picture,
    /// No series of that name.
    #[error("no series is called {asked}; there are: {}", listed(.there))]
    UnknownSeries {
        /// What was asked for.
        asked: String,
        /// What there is.
        there: Vec<String>,
    },
    /// No series with the voxels of a scan that was read before.
    #[error(
        "none of the series there has the voxels of the scan that was put there: {}", listed(.0)
    )]
    NotAmong(Vec<String>),
    /// Several series with the voxels of a scan that was read before, which lie at different places.
    #[error(
        "{} series there have the voxels of the scan, but lie at different places in the patient, so it is not known which one it was: {}; put the files of one of them there alone",
        .0.len(), listed(.0)
    )]
    Ambiguous(Vec<String>),
    /// A zip archive that cannot be followed.
    #[error("the zip archive cannot be read ({0}); copy it again, or unpack it first")]
    Zip(String),
}

fn reasons(reasons: &[String]) -> String {
    if reasons.is_empty() {
        String::new()
    } else {
        format!(": {}", listed(reasons))
    }
}
