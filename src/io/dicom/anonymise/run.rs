//! Files and folders, copied.
use super::burned_in::{Seen, seen};
use super::copy::{CopyError, write_copy};
use super::edit::{Editor, Patient};
use super::identity::{Identity, patient_key, text_of};
use super::profile::Keeping;
use super::report::{AnonymiseReport, AnonymisedPatient, Done, LeftOut, Tally};
use super::secret::Secret;
use crate::io::dicom::DicomError;
use crate::io::dicom::attributes::Element;
use crate::io::dicom::header::{Header, read_header_keeping};
use crate::io::dicom::kept::Keep;
use crate::io::dicom::source::Source;
use crate::io::dicom::walk::walk;
use crate::io::error::shown;
use crate::io::report::report;
use crate::io::{Error, write_atomically};
use crate::volume::Observe;
use dicom_dictionary_std::tags;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How copies are made.
#[derive(Debug, Clone)]
pub struct Anonymise {
    /// What is kept beyond the basic profile.
    pub keeping: Keeping,
    /// What the patient is called in the copy; nothing for a name that follows from the secret. Letters, digits, `-`, `_`, `.`.
    pub pseudonym: Option<String>,
    /// The same secret links the copies of several runs.
    pub secret: Secret,
}

/// Copies DICOM files without what tells who the patient is, into `output`: a folder, or for one file a name that ends in `.dcm`. In a folder, files lie by
/// patient, study and series, all of them named after what replaces their identifiers. Files that are broken or cannot be made anonymous are listed in the report, the others
/// go on; each copy is written whole or not at all, and no input is written over. A copy that was stopped leaves the files that are done.
///
/// # Errors
/// [`Error::Anonymise`] when no file can be copied, for an output inside an input, or a pseudonym for several patients; [`Error::Open`] for a path that is
/// missing, [`Error::Write`], [`Error::Cancelled`].
pub fn anonymise(
    inputs: &[PathBuf],
    output: &Path,
    how: &Anonymise,
    observe: &mut Observe<'_>,
) -> Result<AnonymiseReport, Error> {
    check_pseudonym(how.pseudonym.as_deref(), output)?;
    let found = walk(inputs, observe)?;
    let single = one_file(inputs, output);
    check_places(inputs, output, single)?;
    let mut run = Run {
        how,
        output,
        single,
        left_out: Vec::new(),
        seen: BTreeMap::new(),
        tally: Tally::default(),
        instances: BTreeSet::new(),
        places: BTreeMap::new(),
        copied: 0,
    };
    for (path, problem) in &found.refused {
        run.leave_out(path, &problem.to_string());
    }
    let total = found.sources.len();
    let mut files = Vec::new();
    let mut identities: BTreeMap<String, Identity> = BTreeMap::new();
    for (n, source) in found.sources.into_iter().enumerate() {
        report(observe, "reading headers", n as u64, total as u64)?;
        match open(&source) {
            Ok((header, elements)) => {
                let key = patient_key(&elements);
                identities.entry(key.clone()).or_default().add(&elements);
                files.push((source, header.class, key));
            }
            Err(reason) => run.leave_out(&source.path(), &reason),
        }
    }
    if how.pseudonym.is_some() && identities.len() > 1 {
        let problem = format!(
            "these are the files of {} patients, whom one pseudonym would make one; leave it out, or copy one patient at a time",
            identities.len()
        );
        return Err(at_fault(problem, output));
    }
    let patients: BTreeMap<String, Patient> = identities
        .into_iter()
        .map(|(key, identity)| {
            let patient = Patient {
                pseudonym: how
                    .pseudonym
                    .clone()
                    .unwrap_or_else(|| how.secret.pseudonym(&key)),
                days: how.secret.days(&key),
                words: identity.words(),
            };
            (key, patient)
        })
        .collect();
    for (n, (source, _, key)) in files.iter().enumerate() {
        report(observe, "writing copies", n as u64, files.len() as u64)?;
        if let Some(patient) = patients.get(key) {
            run.copy(source, patient)?;
        }
    }
    if run.copied == 0 {
        let reasons: Vec<&str> = run.left_out.iter().map(|l| l.reason.as_str()).collect();
        let first = reasons.first().copied().unwrap_or("there are no files");
        let problem = format!("no DICOM file was found that can be copied ({first})");
        return Err(at_fault(problem, inputs.first().map_or(output, |p| p)));
    }
    Ok(run.report(total + found.refused.len()))
}

fn at_fault(problem: String, path: &Path) -> Error {
    Error::Anonymise {
        problem,
        path: path.to_owned(),
    }
}

/// A pseudonym is a name and a folder: nothing that either may not hold.
fn check_pseudonym(pseudonym: Option<&str>, output: &Path) -> Result<(), Error> {
    let fits = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.len() <= 64
            && !name.ends_with('.')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match pseudonym {
        Some(name) if !fits(name) => Err(at_fault(
            "a pseudonym has 1 to 64 letters, digits, '-', '_' and '.', and begins with a letter or digit"
                .to_owned(),
            output,
        )),
        _ => Ok(()),
    }
}

/// Whether one file is copied to one file.
fn one_file(inputs: &[PathBuf], output: &Path) -> bool {
    let named = output
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("dcm"));
    named && !output.is_dir() && matches!(inputs, [input] if input.is_file())
}

/// A copy inside what is copied would be copied the next time.
fn check_places(inputs: &[PathBuf], output: &Path, single: bool) -> Result<(), Error> {
    if !single && output.exists() && !output.is_dir() {
        let problem = "the copy goes into a folder; this is a file".to_owned();
        return Err(at_fault(problem, output));
    }
    // Of an output that is not there yet, the folder counts that it will be made in.
    let target = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let target = target.ancestors().find_map(|path| path.canonicalize().ok());
    let inside = |input: &PathBuf| {
        let input = input.canonicalize().ok();
        target
            .as_ref()
            .zip(input)
            .is_some_and(|(target, input)| target.starts_with(input))
    };
    if inputs.iter().any(inside) {
        let problem = "the copy would lie inside what is copied; choose another place";
        return Err(at_fault(problem.to_owned(), output));
    }
    if !single {
        std::fs::create_dir_all(output).map_err(|source| Error::Write {
            source,
            path: output.to_owned(),
        })?;
    }
    Ok(())
}

/// Reads all but the pixels, and says of what cannot be made anonymous why.
fn open(source: &Source) -> Result<(Header, Vec<Element>), String> {
    let mut header = read_header_keeping(source, Keep::Whole).map_err(|e| e.to_string())?;
    let elements = std::mem::take(&mut header.attributes).into_elements();
    // The data set tells; what stands before it is made anew from it.
    if let Some(class) = text_of(&elements, tags::SOP_CLASS_UID).filter(|c| !c.is_empty()) {
        header.class = class;
    }
    let there = |tag| elements.iter().any(|e| e.tag == tag);
    let document = [
        tags::ENCAPSULATED_DOCUMENT,
        tags::CONTENT_SEQUENCE,
        tags::GRAPHIC_ANNOTATION_SEQUENCE,
        tags::WAVEFORM_SEQUENCE,
    ]
    .into_iter()
    .any(there);
    let geometry = [".481.", ".66.1", ".66.3"].iter().any(|part| {
        header
            .class
            .contains(&format!("1.2.840.10008.5.1.4.1.1{part}"))
    });
    if document {
        return Err(
            "it is a report, a document or drawn notes, whose free words no rule makes anonymous"
                .to_owned(),
        );
    }
    if header.pixels.is_none() && !geometry {
        return Err("it holds neither an image nor contours or a registration".to_owned());
    }
    if !header.syntax.is_read() && header.pixels.is_some_and(|p| p.length.is_some()) {
        return Err(DicomError::Syntax(header.syntax.name()).to_string());
    }
    for (tag, what) in [
        (tags::SOP_INSTANCE_UID, "SOP Instance UID"),
        (tags::SERIES_INSTANCE_UID, "Series Instance UID"),
        (tags::STUDY_INSTANCE_UID, "Study Instance UID"),
    ] {
        if text_of(&elements, tag).is_none_or(|uid| uid.is_empty()) {
            return Err(format!("it has no {what}; export it again"));
        }
    }
    Ok((header, elements))
}

struct Run<'a> {
    how: &'a Anonymise,
    output: &'a Path,
    single: bool,
    left_out: Vec<LeftOut>,
    seen: BTreeMap<Seen, usize>,
    tally: Tally,
    /// SOP instances that were copied.
    instances: BTreeSet<String>,
    /// Of each pseudonym its study and series folders, and the files in them.
    places: BTreeMap<String, BTreeMap<(String, String), usize>>,
    copied: usize,
}

impl Run<'_> {
    fn leave_out(&mut self, path: &Path, reason: &str) {
        self.left_out.push(LeftOut {
            file: shown(path),
            reason: reason.to_owned(),
        });
    }

    fn copy(&mut self, source: &Source, patient: &Patient) -> Result<(), Error> {
        let (header, elements) = match open(source) {
            Ok(opened) => opened,
            Err(reason) => {
                self.leave_out(&source.path(), &reason);
                return Ok(());
            }
        };
        let text = |tag| text_of(&elements, tag).unwrap_or_default();
        let study = text(tags::STUDY_INSTANCE_UID);
        let series = text(tags::SERIES_INSTANCE_UID);
        let instance = text(tags::SOP_INSTANCE_UID);
        if self.instances.contains(&instance) {
            self.leave_out(
                &source.path(),
                "another file with the same SOP Instance UID was copied",
            );
            return Ok(());
        }
        let looked = seen(&elements, &header.class, header.pixels.is_some());
        let mut tally = Tally::default();
        let mut editor = Editor {
            keeping: self.how.keeping,
            secret: &self.how.secret,
            patient,
            tally: &mut tally,
            dated: elements
                .iter()
                .any(|e| e.tag == tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
        };
        let copied_as = editor.uid(&instance);
        let edited = editor.data_set(elements);
        let short = |purpose, uid: &str| self.how.secret.short(purpose, uid);
        let folders = (
            format!("study-{}", short("study", &study)),
            format!("series-{}", short("series", &series)),
        );
        let target = if self.single {
            self.output.to_owned()
        } else {
            let folder = self.output.join(&patient.pseudonym);
            let folder = folder.join(&folders.0).join(&folders.1);
            std::fs::create_dir_all(&folder).map_err(|source| Error::Write {
                source,
                path: folder.clone(),
            })?;
            folder.join(format!("{copied_as}.dcm"))
        };
        if is_the_input(source, &target) {
            self.leave_out(&source.path(), "the copy would replace it");
            return Ok(());
        }
        let mut broken = None;
        let written = write_atomically(&target, |to| {
            match write_copy(to, source, &header, (&edited, &copied_as)) {
                Ok(()) => Ok(()),
                Err(CopyError::Output(error)) => Err(error),
                Err(CopyError::Source(problem)) => {
                    broken = Some(problem);
                    Err(std::io::Error::other("the source is broken"))
                }
            }
        });
        if let Some(problem) = broken {
            self.leave_out(&source.path(), &problem.to_string());
            return Ok(());
        }
        written?;
        self.instances.insert(instance);
        self.tally.add(&tally);
        for what in looked {
            *self.seen.entry(what).or_default() += 1;
        }
        let places = self.places.entry(patient.pseudonym.clone()).or_default();
        *places.entry(folders).or_default() += 1;
        self.copied += 1;
        Ok(())
    }

    fn report(self, files: usize) -> AnonymiseReport {
        let codes = self.how.keeping.codes();
        let mut warnings: Vec<String> = self
            .seen
            .iter()
            .map(|(what, files)| what.sentence(*files))
            .collect();
        if self.how.keeping.descriptions {
            warnings.push(
                "descriptions were cleaned by rule (names and numbers of the header, long numbers, dates); read them before giving the copy away"
                    .to_owned(),
            );
        }
        if !self.left_out.is_empty() {
            warnings.push(format!("{} files were not copied", self.left_out.len()));
        }
        let patients = self.places.into_iter().map(|(pseudonym, places)| {
            let studies: BTreeSet<&String> = places.keys().map(|(study, _)| study).collect();
            AnonymisedPatient {
                studies: studies.len(),
                series: places.len(),
                files: places.values().sum(),
                pseudonym,
            }
        });
        AnonymiseReport {
            output: shown(self.output),
            profile: codes
                .into_iter()
                .map(|(code, meaning)| format!("{meaning} ({code})"))
                .collect(),
            files,
            copied: self.copied,
            patients: patients.collect(),
            removed: self.tally.list(Done::Removed),
            emptied: self.tally.list(Done::Emptied),
            replaced: self.tally.list(Done::Replaced),
            shifted: self.tally.list(Done::Shifted),
            cleaned: self.tally.list(Done::Cleaned),
            private: self.tally.private,
            left_out: self.left_out,
            warnings,
        }
    }
}

/// Whether a copy would take the place of what it is made from.
fn is_the_input(source: &Source, target: &Path) -> bool {
    let input = match source {
        Source::File(path) => path,
        Source::Member(member) => &member.archive,
    };
    let place = |path: &Path| path.canonicalize().ok();
    place(target).is_some_and(|target| place(input) == Some(target))
}
