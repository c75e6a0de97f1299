//! DICOM objects made from a series, for others to take back.
//!
//! `object.rs` holds what all of them share: identity of patient, study and space from the source series, a series of their own, equipment, and the file. Points go out in DICOM's LPS by
//! `grid.rs` alone.

mod authorship;
mod elements;
mod object;
mod uid;

pub use authorship::{Algorithm, Authorship, Making, ResultState};
pub(super) use object::IMPLEMENTATION_UID;
