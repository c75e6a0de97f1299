//! Files to the types of [`volume`](crate::volume) and back.
//!
//! What is read is checked against what the file really holds: no claim of a header makes memory, and a doubtful file ends in an
//! [`Error`] or in a [`Warning`] that stays with the result.

mod atomic;
mod audit;
mod cases;
mod dicom;
mod each;
mod error;
mod graded;
mod graded_cases;
mod halves;
mod hash;
mod inspect;
mod journal;
mod labelled;
mod lines;
mod listing;
mod lock;
mod nifti;
mod outlines;
mod patient_folder;
mod report;
mod scores;
mod sidecar;
mod space;
mod statistics;
mod torn;
mod volume;
mod warning;

pub use atomic::write_atomically;
pub use audit::{AUDIT_FILE, AuditRecord, AuditWarning, append_audit, read_audit};
pub use cases::{label_maps_by_case, scans_in};
pub use dicom::{
    Algorithm, Anonymise, AnonymiseReport, AnonymisedPatient, AttributeCount, Authorship, Dates,
    DerivedKind, DerivedObject, DicomContours, DicomError, DicomLabels, DicomLibrary, DicomPatient,
    DicomRegion, DicomSeries, DicomStudy, DicomWarning, EvaluatedValue, Keeping, LeftOut, Making,
    MeasuredValue, MeasurementGroup, MeasurementReport, Measurements, ResultState, Secret,
    SeriesFacts, Slice, Thumbnail, anonymise, derived_object, read_contours, read_dicom_labels,
    read_known_scan, read_measurements, read_series, read_slice, scan_folder, series_of_scan,
    thumbnail, write_encapsulated_pdf, write_fractional_segmentation, write_key_image,
    write_measurements, write_segmentation, write_structure_set,
};
pub use error::{Error, HeaderError};
pub use graded::{GradedScan, graded_scans};
pub use graded_cases::{GradedCase, graded_cases};
pub use halves::{Halves, UnlabelledScan, centre_by_name, target_scans, training_halves};
pub use hash::voxels_sha256;
pub use inspect::{Inspected, Inspection, Percentiles, Rescale, inspect, inspect_or_list};
pub use journal::{
    FoundJournal, Journal, JournalContent, JournalHeader, JournalRecord, discard_journal,
    list_journals,
};
pub use labelled::{LabelledScan, labelled_scans};
pub use lines::{RecordLines, append_record_line, keep_aside, read_record_lines};
pub use listing::{ListedSeries, Listing};
pub use lock::{Claim, claim_folder};
pub use nifti::{
    LabelValue, label_values, read_labels, read_labels_meaning, write_labels, write_labels_as,
    write_volume, write_volume_as,
};
pub use outlines::{read_outline, read_outlines};
pub use patient_folder::{NewLabels, NewVisit, PatientFolder, PatientWarning, ReadOnly, ScanFiles};
pub use scores::{ScoreRow, read_grades, read_scores, write_scores};
pub use sidecar::read_sidecar;
pub use space::free_bytes;
pub use volume::{read_channels, read_scan, read_volume};
pub use warning::Warning;
