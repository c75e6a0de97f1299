//! Training of translators between contrasts on unpaired axial slices, and whole scans through a trained one.

mod data;
mod networks;
mod report;
mod slices;
mod training;
mod translator;

pub use data::SliceSet;
pub use networks::{Method, SegmentationHead};
pub use slices::{SlicePlan, Stack};
pub use training::{TranslatorSummary, TranslatorTraining, train_translator};
pub(super) use translator::part_of_labels;
pub use translator::{TranslatedScan, Translator};
