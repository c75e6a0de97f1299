//! DICOM objects made from a series, for others to take back.
//!
//! `object.rs` holds what all of them share: identity of patient, study and space from the source series, a series of their own, equipment, and the file. Points go out in DICOM's LPS by
//! `grid.rs` alone.

mod authorship;
mod concepts;
mod content;
mod document;
mod elements;
mod keyhole;
mod measurements;
mod object;
mod regions;
mod segmentation;
mod structure_set;
mod uid;

pub use authorship::{Algorithm, Authorship, Making, ResultState};
pub use document::{write_encapsulated_pdf, write_key_image};
pub use measurements::{Measurements, write_measurements};
pub(super) use object::IMPLEMENTATION_UID;
pub use segmentation::{write_fractional_segmentation, write_segmentation};
pub use structure_set::write_structure_set;
