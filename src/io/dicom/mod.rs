//! DICOM: folders, files, discs and zip archives to series, and series to volumes.
//!
//! Headers are read with dicom-rs, bounded in depth and size; pixels natively, or with decoders in Rust, each inside a limit that the header
//! sets. Slices are sorted by their place along the normal. Here DICOM's LPS becomes RAS (`grid.rs`); nothing is mirrored.
//!
//! `write` makes objects that belong to a series; `derived` reads those of others onto its voxels.

mod anonymise;
mod attributes;
mod code;
mod csa;
mod data_set;
mod decode;
mod derived;
mod error;
mod facts;
mod frame;
mod grid;
mod header;
mod kept;
mod library;
mod only;
mod pixels;
mod read;
mod scan;
mod source;
mod stack;
mod syntax;
mod thumbnail;
mod walk;
mod warning;
mod write;
mod zipped;

pub use anonymise::{
    Anonymise, AnonymiseReport, AnonymisedPatient, AttributeCount, Dates, Keeping, LeftOut, Secret,
    anonymise,
};
pub use derived::{
    DerivedKind, DerivedObject, DicomContours, DicomLabels, DicomRegion, EvaluatedValue,
    MeasuredValue, MeasurementGroup, MeasurementReport, derived_object, read_contours,
    read_dicom_labels, read_measurements,
};
pub use error::DicomError;
pub use facts::SeriesFacts;
pub use library::{DicomLibrary, DicomPatient, DicomSeries, DicomStudy};
pub(super) use only::{is_dicom, only_series};
pub use only::{read_known_scan, series_of_scan};
pub use read::{Slice, read_series, read_slice};
pub use scan::scan_folder;
pub use thumbnail::{Thumbnail, thumbnail};
pub use warning::DicomWarning;
pub use write::{
    Algorithm, Authorship, Making, Measurements, ResultState, write_encapsulated_pdf,
    write_fractional_segmentation, write_key_image, write_measurements, write_segmentation,
    write_structure_set,
};
