//! Copies of DICOM files without what tells who the patient is (PS3.15, annex E: Basic Application Level Confidentiality Profile).
//!
//! Every file is read whole but for its pixels, edited by the standard's own table, and written anew; pixels are copied as they are stored.
//! What a table cannot know, free words in attributes that it does not list, is cleaned of the words that identify the patient elsewhere in
//! the same files. What cannot be cleaned by rule, documents and reports, is not copied.

mod burned_in;
mod copy;
mod dates;
mod edit;
mod identity;
mod profile;
mod report;
mod run;
mod secret;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use profile::{Dates, Keeping};
pub use report::{AnonymiseReport, AnonymisedPatient, AttributeCount, LeftOut};
pub use run::{Anonymise, anonymise};
pub use secret::Secret;
