//! What can go wrong with a file, each in one sentence: what is wrong, what to do about it, and last the path.
use super::DicomError;
use crate::volume;
use std::path::{Path, PathBuf};
use thiserror::Error as ThisError;

/// Why a file was not read or written.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The file is missing or may not be read.
    #[error(
        "cannot be opened ({source}); check the path and the permission to read it: {}",
        shown(path)
    )]
    Open {
        /// The operating system's reason.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// Another program writes there.
    #[error(
        "another program writes into this folder; wait until it has ended or name another folder: {}",
        shown(path)
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Not the outline of a tumour.
    #[error("this is not the outline of a tumour: {problem}: {}", shown(path))]
    Outline {
        /// What is wrong with it.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Not the sidecar of a scan.
    #[error("this sidecar of a scan is not used: {problem}: {}", shown(path))]
    Sidecar {
        /// What is wrong with it.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Not a table of the kind that is wanted.
    #[error("this table cannot be used: {problem}: {}", shown(path))]
    Table {
        /// What is wrong with it.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Not an audit log, or one that nothing may follow.
    #[error("the audit log cannot be used: {problem}: {}", shown(path))]
    Audit {
        /// What is wrong, and what to do about it.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Not a journal of edits, or one that cannot be used now.
    #[error("the journal of edits cannot be used: {problem}: {}", shown(path))]
    Journal {
        /// What is wrong, and what to do about it.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Not a patient's folder, or one that cannot be used or changed so.
    #[error("{problem}: {}", shown(path))]
    Patient {
        /// What is wrong, and what to do about it.
        problem: String,
        /// The folder, or a file in it.
        path: PathBuf,
    },
    /// Label maps of a folder whose cases cannot be told apart.
    #[error("{problem}: {}", shown(path))]
    Cases {
        /// What is wrong.
        problem: String,
        /// The folder.
        path: PathBuf,
    },
    /// A folder where a file is wanted.
    #[error(
        "is a folder, not a scan; name a .nii, .nii.gz, .hdr or .img file: {}",
        shown(path)
    )]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// DICOM that cannot be used.
    #[error("{source}: {}", shown(path))]
    Dicom {
        /// What is wrong with it.
        source: DicomError,
        /// The file or folder.
        path: PathBuf,
    },
    /// DICOM that cannot be copied without its patient's identity.
    #[error("{problem}: {}", shown(path))]
    Anonymise {
        /// What is wrong, and what to do about it.
        problem: String,
        /// The file or folder.
        path: PathBuf,
    },
    /// A device, pipe or socket.
    #[error("is not a regular file; save the scan to disk first: {}", shown(path))]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// No bytes at all.
    #[error("the file is empty; copy or export it again: {}", shown(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Header or voxels of a pair are missing.
    #[error(
        "one half of a .hdr/.img pair is missing; put {} beside this file: {}",
        missing.display(),
        shown(path)
    )]
    Partner {
        /// Name of the file that is missing.
        missing: PathBuf,
        /// The half that is there.
        path: PathBuf,
    },
    /// Neither NIfTI nor Analyze.
    #[error("this is not a NIfTI or Analyze file: {looks_like}: {}", shown(path))]
    Format {
        /// What the content looks like and what to do about it.
        looks_like: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The header is understood and cannot be followed.
    #[error("{source}: {}", shown(path))]
    Header {
        /// What is wrong with it.
        source: HeaderError,
        /// The file that holds the header.
        path: PathBuf,
    },
    /// Fewer bytes than the header asks for.
    #[error(
        "the file ends after {found} of {expected} voxel bytes; copy or export it again: {}",
        shown(path)
    )]
    Truncated {
        /// Voxel bytes that are there.
        found: u64,
        /// Voxel bytes that the header asks for.
        expected: u64,
        /// The file that holds the voxels.
        path: PathBuf,
    },
    /// The gzip stream is broken.
    #[error(
        "the gzip stream is damaged ({problem}); copy or export it again: {}",
        shown(path)
    )]
    Gzip {
        /// What the decoder found.
        problem: String,
        /// The compressed file.
        path: PathBuf,
    },
    /// The header asks for more than the compressed file can or should hold.
    #[error(
        "the header claims {claimed} bytes, which {stored} compressed bytes do not hold in a scan; export it again: {}",
        shown(path)
    )]
    Bomb {
        /// Bytes that the header asks for.
        claimed: u64,
        /// Size of the compressed file, bytes.
        stored: u64,
        /// The compressed file.
        path: PathBuf,
    },
    /// More voxels than Schwann holds in memory.
    #[error(
        "its voxels take {claimed} bytes, more than the {limit} that can be held; crop the scan: {}",
        shown(path)
    )]
    TooLarge {
        /// Bytes that the voxels take.
        claimed: u64,
        /// Bytes that can be held.
        limit: u64,
        /// The file.
        path: PathBuf,
    },
    /// Reading broke off.
    #[error(
        "reading failed ({source}); check the disk or the connection: {}",
        shown(path)
    )]
    Read {
        /// The operating system's reason.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The scan has no place in the patient.
    #[error(
        "{source}, so the scan cannot be placed in the patient; export it again: {}",
        shown(path)
    )]
    Place {
        /// What is wrong with the grid.
        source: volume::Error,
        /// The file.
        path: PathBuf,
    },
    /// A value that is no label.
    #[error(
        "holds the value {value}, but labels are whole numbers from 0 to 255; is this a label map? {}",
        shown(path)
    )]
    Label {
        /// The first such value, after rescaling.
        value: f64,
        /// The file.
        path: PathBuf,
    },
    /// More values than a label map has.
    #[error(
        "holds more than {most} values; is this a scan, not a label map? {}",
        shown(path)
    )]
    ManyLabels {
        /// Most values that are read.
        most: usize,
        /// The file.
        path: PathBuf,
    },
    /// The name does not say how to write.
    #[error(
        "NIfTI files are named .nii or .nii.gz; choose such a name: {}",
        shown(path)
    )]
    Name {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// The volume has no faithful NIfTI form.
    #[error(
        "{problem}, which NIfTI cannot hold; nothing was written: {}",
        shown(path)
    )]
    Unwritable {
        /// What does not fit.
        problem: &'static str,
        /// Where it was to go.
        path: PathBuf,
    },
    /// Writing failed; nothing was left behind.
    #[error(
        "cannot be written ({source}); check the folder, its permissions and the free space: {}",
        shown(path)
    )]
    Write {
        /// The operating system's reason.
        source: std::io::Error,
        /// Where it was to go.
        path: PathBuf,
    },
    /// The observer stopped the work.
    #[error("cancelled")]
    Cancelled,
}

/// What is wrong with a header that could be read.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum HeaderError {
    /// The file ends inside the header.
    #[error(
        "the file ends inside its header, after {found} of {expected} bytes; copy or export it again"
    )]
    Short {
        /// Bytes that are there.
        found: usize,
        /// Bytes of a header.
        expected: usize,
    },
    /// `dim[0]` is not 1 to 7.
    #[error(
        "the header gives {0} dimensions instead of 1 to 7; the file is damaged, export it again"
    )]
    DimensionCount(i64),
    /// An axis is empty or negative.
    #[error(
        "the header gives axis {axis} a length of {length}; the file is damaged, export it again"
    )]
    Dimension {
        /// The axis, from 1.
        axis: usize,
        /// What it says.
        length: i64,
    },
    /// The product of the dimensions overflows.
    #[error(
        "the header claims more voxels than can be counted; the file is damaged, export it again"
    )]
    Overflow,
    /// Colour, complex numbers, single bits.
    #[error(
        "its voxels are {0}, which are not intensities; export it as a plain number for each voxel"
    )]
    Unsupported(&'static str),
    /// A code without a meaning.
    #[error(
        "the header gives the voxel type code {0}, which does not exist in this format; export it again"
    )]
    Datatype(i64),
    /// The voxels would begin inside the header or nowhere.
    #[error("the header says that the voxels begin at byte {0}, which cannot be; export it again")]
    Offset(f64),
    /// A finite slope with an intercept that is no number.
    #[error(
        "the header's intercept (scl_inter) is {0}, so intensities are unknown; export it again"
    )]
    Intercept(f64),
    /// The affine that is in force has an entry that is no number.
    #[error(
        "the header's {0} contains a number that is not finite, so the scan has no place; export it again"
    )]
    Affine(&'static str),
    /// The quaternion of the qform is longer than 1.
    #[error(
        "the header's qform is no rotation (b² + c² + d² = {0}), so the scan has no place; export it again"
    )]
    Quaternion(f64),
    /// The end-of-line check bytes of NIfTI-2 were changed.
    #[error(
        "its line-end check is broken, as after a transfer in text mode; transfer it in binary mode"
    )]
    LineEnds,
    /// Not the magic of NIfTI-2.
    #[error(
        "its header has the size of NIfTI-2 but not its magic string; the file is damaged, export it again"
    )]
    Magic,
    /// 80-bit numbers under the code of 128-bit ones.
    #[error(
        "its voxels are 80-bit numbers of an x86 processor under the code of 128-bit ones; export it as float64"
    )]
    Extended,
}

/// A path in one line, whatever characters it holds.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
