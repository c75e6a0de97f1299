//! What was taken out of a copy: which attributes and how often, never what they said.
use super::profile::name;
use dicom_core::Tag;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What making a copy did. Serialized, it is the JSON object of `schwann anonymise`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnonymiseReport {
    /// The folder or file that was written.
    pub output: String,
    /// The standard's name of what was done, and the options on top of it.
    pub profile: Vec<String>,
    /// Files that were looked at.
    pub files: usize,
    /// Files that were copied.
    pub copied: usize,
    /// Files that were not, and why.
    pub left_out: Vec<LeftOut>,
    /// Whose they are now.
    pub patients: Vec<AnonymisedPatient>,
    /// Attributes that are no longer there.
    pub removed: Vec<AttributeCount>,
    /// Attributes that are empty now.
    pub emptied: Vec<AttributeCount>,
    /// Attributes that say something else now: names, numbers, UIDs.
    pub replaced: Vec<AttributeCount>,
    /// Dates that went back.
    pub shifted: Vec<AttributeCount>,
    /// Texts that words were taken out of.
    pub cleaned: Vec<AttributeCount>,
    /// Private attributes that are no longer there.
    pub private: usize,
    /// What to look at before the copy is given away, a sentence each.
    pub warnings: Vec<String>,
}

/// A file that was not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The file.
    pub file: String,
    /// Why, in one sentence.
    pub reason: String,
}

/// A patient as the copy calls them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnonymisedPatient {
    /// Patient's Name and Patient ID of the copy.
    pub pseudonym: String,
    /// Studies that were copied.
    pub studies: usize,
    /// Series of them.
    pub series: usize,
    /// Files of them.
    pub files: usize,
}

/// How often something was done to an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttributeCount {
    /// `(gggg,eeee)`.
    pub tag: String,
    /// The standard's keyword.
    pub name: String,
    /// In how many places.
    pub count: usize,
}

/// What was done to an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Done {
    Removed,
    Emptied,
    Replaced,
    Shifted,
    Cleaned,
}

/// Counts what is done.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    counts: BTreeMap<(Done, Tag), usize>,
    pub(super) private: usize,
}

impl Tally {
    pub(super) fn count(&mut self, done: Done, tag: Tag) {
        *self.counts.entry((done, tag)).or_default() += 1;
    }

    /// Adds what was counted in one file.
    pub(super) fn add(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            *self.counts.entry(*key).or_default() += count;
        }
        self.private += other.private;
    }

    pub(super) fn list(&self, done: Done) -> Vec<AttributeCount> {
        self.counts
            .iter()
            .filter(|((d, _), _)| *d == done)
            .map(|((_, tag), count)| AttributeCount {
                tag: tag.to_string(),
                name: name(*tag),
                count: *count,
            })
            .collect()
    }
}

impl fmt::Display for AnonymiseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} files copied",
            self.output, self.copied, self.files
        )?;
        for patient in &self.patients {
            write!(
                f,
                "\n  {}: studies {}, series {}, files {}",
                patient.pseudonym, patient.studies, patient.series, patient.files
            )?;
        }
        write!(f, "\n{}", self.profile.join("\n"))?;
        for (what, list) in [
            ("removed", &self.removed),
            ("emptied", &self.emptied),
            ("replaced", &self.replaced),
            ("dates shifted", &self.shifted),
            ("words taken out", &self.cleaned),
        ] {
            if !list.is_empty() {
                write!(f, "\n{what}:")?;
            }
            for attribute in list {
                write!(
                    f,
                    "\n  {} {} × {}",
                    attribute.tag, attribute.name, attribute.count
                )?;
            }
        }
        write!(f, "\nprivate attributes removed: {}", self.private)?;
        for file in &self.left_out {
            write!(f, "\nnot copied: {}: {}", file.file, file.reason)?;
        }
        Ok(())
    }
}
