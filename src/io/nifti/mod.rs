//! NIfTI-1, NIfTI-2 and Analyze 7.5.

mod affine;
mod data;
mod fields;
mod header;
mod pair;
mod read;
mod source;
mod values;
mod write;

pub(super) use header::Scaling;
pub(super) use pair::files_with_endings;
pub use read::read_labels;
pub(super) use read::{Extent, Scan, load};
pub(super) use read::{read_channels, read_volume, tells_sides};
pub use values::{LabelValue, label_values, read_labels_meaning};
pub use write::{write_labels, write_labels_as, write_volume, write_volume_as};
