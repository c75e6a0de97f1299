//! Headers of many files to a library.
use super::attributes::Characters;
use super::facts::{facts, proposal};
use super::frame::{Frame, frames};
use super::header::{Header, read_header};
use super::library::{DicomLibrary, DicomPatient, DicomSeries, DicomStudy, Stored, StoredFile};
use super::source::Source;
use super::stack::{Stack, stacks};
use super::walk::walk;
use super::{DicomError, DicomWarning, SeriesFacts};
use crate::io::Error;
use crate::io::report::report;
use crate::volume::{Observe, Sequence};
use dicom_dictionary_std::{tags, uids};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Files whose headers are read between two reports.
const AT_ONCE: usize = 32;

/// Looks through files, folders, DICOMDIRs and zip archives and sorts what they hold into patients, studies and series. Headers only; a
/// file that cannot be used is listed with its reason and hides nothing else.
///
/// # Errors
/// [`Error::Open`] when a path is missing; [`Error::Cancelled`].
pub fn scan_folder(paths: &[PathBuf], observe: &mut Observe<'_>) -> Result<DicomLibrary, Error> {
    let found = walk(paths, observe)?;
    let mut library = DicomLibrary {
        skipped: found.refused,
        other_files: 0,
        patients: Vec::new(),
    };
    let mut sorted: BTreeMap<Key, Gathered> = BTreeMap::new();
    let total = found.sources.len() as u64;
    for (n, batch) in found.sources.chunks(AT_ONCE).enumerate() {
        report(
            observe,
            "looking through files",
            (n * AT_ONCE) as u64,
            total,
        )?;
        let headers: Vec<_> = batch
            .par_iter()
            .map(|source| (source.clone(), read_header(source)))
            .collect();
        for (source, header) in headers {
            match header {
                Ok(header) => gather(source, &header, &mut sorted, &mut library),
                Err(DicomError::NotDicom) => library.other_files += 1,
                Err(problem) => library.skipped.push((source.path(), problem)),
            }
        }
    }
    report(observe, "sorting slices", 0, 1)?;
    for (key, gathered) in sorted {
        place(key, gathered, &mut library);
    }
    tidy(&mut library);
    tell_of_the_rest(&mut library);
    Ok(library)
}

/// Patient ID and name, study, series: what files of one series share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    patient: (String, String),
    study: (Option<String>, String),
    series: (Option<i64>, String),
}

/// The files of a series.
struct Gathered {
    facts: SeriesFacts,
    distance_mm: Option<f64>,
    files: Vec<StoredFile>,
    frames: Vec<Frame>,
    seen: HashSet<String>,
    copies: usize,
    lossy: bool,
    table: bool,
    unknown_characters: Option<String>,
    unusable: Vec<DicomError>,
}

/// Storage classes without pixels that stand in every study, and the directory of a disc.
const NOT_IMAGES: &[&str] = &[
    uids::SEGMENTATION_STORAGE,
    uids::RT_DOSE_STORAGE,
    uids::RT_PLAN_STORAGE,
    uids::MEDIA_STORAGE_DIRECTORY_STORAGE,
    uids::BASIC_TEXT_SR_STORAGE,
    uids::ENHANCED_SR_STORAGE,
    uids::COMPREHENSIVE_SR_STORAGE,
    uids::COMPREHENSIVE3_DSR_STORAGE,
    uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
    uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE,
    uids::RAW_DATA_STORAGE,
    uids::ENCAPSULATED_PDF_STORAGE,
    uids::RT_STRUCTURE_SET_STORAGE,
];

/// Storage classes of computed tomography.
const CT_IMAGES: &[&str] = &[
    uids::CT_IMAGE_STORAGE,
    uids::ENHANCED_CT_IMAGE_STORAGE,
    uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
];

fn gather(
    source: Source,
    header: &Header,
    sorted: &mut BTreeMap<Key, Gathered>,
    library: &mut DicomLibrary,
) {
    if NOT_IMAGES.contains(&header.class.as_str()) {
        if header.class != uids::MEDIA_STORAGE_DIRECTORY_STORAGE {
            let problem = match header.class.as_str() {
                uids::SEGMENTATION_STORAGE => DicomError::Derived("a segmentation (SEG)"),
                uids::RT_STRUCTURE_SET_STORAGE => DicomError::Derived("a structure set (RTSTRUCT)"),
                _ => DicomError::NoImage,
            };
            library.skipped.push((source.path(), problem));
        }
        return;
    }
    let a = &header.attributes;
    let characters = Characters::of(a);
    let facts = facts(header, &characters);
    let key = Key {
        patient: (facts.patient_id.clone(), facts.patient_name.clone()),
        study: (facts.date.clone(), facts.study_uid.clone()),
        series: (facts.series_number, facts.series_uid.clone()),
    };
    let gathered = sorted.entry(key).or_insert_with(|| Gathered {
        facts,
        distance_mm: a
            .number(tags::SPACING_BETWEEN_SLICES)
            .filter(|&mm| mm > 0.0),
        files: Vec::new(),
        frames: Vec::new(),
        seen: HashSet::new(),
        copies: 0,
        lossy: false,
        table: false,
        unknown_characters: None,
        unusable: Vec::new(),
    });
    gathered.lossy |= a.code(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01");
    gathered.table |= a.item(tags::MODALITY_LUT_SEQUENCE).is_some();
    gathered.unknown_characters = gathered.unknown_characters.take().or(characters.unknown);
    let (new, pixels) = match (frames(header, gathered.files.len()), header.pixels) {
        (Ok(new), Some(pixels)) => (new, pixels),
        (Err(problem), _) => return gathered.refuse(&source, problem, library),
        (Ok(_), None) => return gathered.refuse(&source, DicomError::NoImage, library),
    };
    if let Some(uid) = a.code(tags::SOP_INSTANCE_UID) {
        // Broken exports give every slice one UID: a copy also lies at the same place.
        let place = new.first().map(|f| (f.instance, f.place));
        if !gathered.seen.insert(format!("{uid} {place:?}")) {
            gathered.copies += 1;
            return;
        }
    }
    let count = a.integer(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
    gathered.files.push(StoredFile {
        source,
        class: header.class.clone(),
        instance: a.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        syntax: header.syntax.clone(),
        pixels,
        start: header.start,
        frames: count as usize,
    });
    gathered.frames.extend(new);
}

impl Gathered {
    fn refuse(&mut self, source: &Source, problem: DicomError, library: &mut DicomLibrary) {
        library.skipped.push((source.path(), problem.clone()));
        self.unusable.push(problem);
    }

    /// The modality, where the header names one that is not MR, or the kind of object does.
    fn other_modality(&self) -> Option<String> {
        let modality = self.facts.modality.as_str();
        // What says nothing or "other" may still be stored as an image of CT.
        if matches!(modality, "" | "OT") {
            let ct = |file: &StoredFile| CT_IMAGES.contains(&file.class.as_str());
            return self.files.iter().any(ct).then(|| "CT".to_owned());
        }
        (modality != "MR").then(|| modality.to_owned())
    }

    /// What is true of all stacks of the series.
    fn warnings(&self) -> Vec<DicomWarning> {
        let mut warnings = Vec::new();
        if let Some(first) = self.unusable.first() {
            warnings.push(DicomWarning::Unusable {
                files: self.unusable.len(),
                first: first.to_string(),
            });
        }
        if self.copies > 0 {
            warnings.push(DicomWarning::Copies(self.copies));
        }
        if let Some(modality) = self.other_modality() {
            warnings.push(DicomWarning::NotMr(modality));
        }
        if self.facts.localiser {
            warnings.push(DicomWarning::Localiser);
        }
        if self.lossy {
            warnings.push(DicomWarning::Lossy);
        }
        if self.table {
            warnings.push(DicomWarning::ModalityLut);
        }
        if let Some(name) = &self.unknown_characters {
            warnings.push(DicomWarning::CharacterSet(name.clone()));
        }
        warnings
    }
}

/// Makes the stacks of a series and puts them into the library.
fn place(key: Key, mut gathered: Gathered, library: &mut DicomLibrary) {
    if gathered.frames.is_empty() {
        return;
    }
    let common = gathered.warnings();
    let frames = std::mem::take(&mut gathered.frames);
    let stacks = stacks(frames, gathered.distance_mm);
    let files = Arc::new(gathered.files);
    let series: Vec<DicomSeries> = stacks
        .into_iter()
        .map(|stack| series(stack, &gathered.facts, &files, &common))
        .collect();
    let (id, name) = key.patient;
    let known = library
        .patients
        .iter()
        .position(|p| p.id == id && p.name == name);
    if known.is_none() {
        library.patients.push(DicomPatient {
            id,
            name,
            studies: Vec::new(),
        });
    }
    let at = known.unwrap_or(library.patients.len() - 1);
    let Some(patient) = library.patients.get_mut(at) else {
        return;
    };
    let (date, uid) = key.study;
    match patient
        .studies
        .iter_mut()
        .find(|s| s.uid == uid && s.date == date)
    {
        Some(study) => study.series.extend(series),
        None => patient.studies.push(DicomStudy {
            uid,
            date,
            description: gathered.facts.study_description.clone(),
            series,
        }),
    }
}

fn series(
    stack: Stack,
    facts: &SeriesFacts,
    files: &Arc<Vec<StoredFile>>,
    common: &[DicomWarning],
) -> DicomSeries {
    let mut warnings = stack.warnings;
    warnings.extend_from_slice(common);
    let mut facts = facts.clone();
    if let Some(first) = stack.frames.first() {
        facts.echo_time_ms = first.marks.echo_time_ms.or(facts.echo_time_ms);
        if first.format.inverted {
            warnings.push(DicomWarning::Inverted);
        }
    }
    let syntax = stack
        .frames
        .iter()
        .filter_map(|f| files.get(f.file))
        .find(|file| !file.syntax.is_read());
    let grid = match syntax {
        Some(file) => Err(DicomError::Syntax(file.syntax.name())),
        None => stack.grid,
    };
    DicomSeries {
        label: String::new(),
        facts,
        part: stack.part,
        grid,
        proposed_as: Sequence::Unknown,
        warnings,
        stack: Arc::new(Stored {
            frames: stack.frames,
            files: Arc::clone(files),
        }),
    }
}

/// Warns each series of files that may belong to it, and the only series that can be opened of those that cannot: it may not be the one that is meant.
fn tell_of_the_rest(library: &mut DicomLibrary) {
    let lost =
        |problem: &DicomError| !matches!(problem, DicomError::Derived(_) | DicomError::NoImage);
    let unread: Vec<String> = (library.skipped.iter())
        .filter(|(_, problem)| lost(problem))
        .map(|(path, problem)| format!("{}: {problem}", path.display()))
        .collect();
    let unopened: Vec<String> = (library.series())
        .filter_map(|s| Some(format!("{}: {}", s.title(), s.grid.as_ref().err()?)))
        .collect();
    let can = library.series().filter(|s| s.grid.is_ok()).count();
    let studies = library.patients.iter_mut().flat_map(|p| &mut p.studies);
    for series in studies.flat_map(|s| &mut s.series) {
        if series.grid.is_err() {
            continue;
        }
        if let Some(first) = unread.first() {
            series.warnings.push(DicomWarning::Unread {
                files: unread.len(),
                first: first.clone(),
            });
        }
        if can == 1 && !unopened.is_empty() {
            series
                .warnings
                .push(DicomWarning::Unopened(unopened.clone()));
        }
    }
}

/// Labels and proposals.
fn tidy(library: &mut DicomLibrary) {
    let number = |s: &DicomSeries| {
        s.facts
            .series_number
            .map_or_else(|| "0".to_owned(), |n| n.to_string())
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for series in library.series() {
        *counts.entry(number(series)).or_default() += 1;
    }
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let studies = library.patients.iter_mut().flat_map(|p| &mut p.studies);
    for study in studies {
        for series in &mut study.series {
            let label = number(series);
            series.label = if counts.get(&label).is_some_and(|&n| n > 1) {
                let n = used.entry(label.clone()).or_default();
                *n += 1;
                format!("{label}.{n}")
            } else {
                label
            };
        }
        for wanted in [Sequence::HrT2, Sequence::CeT1] {
            let score = |s: &DicomSeries| {
                let (sequence, score) = proposal(&s.facts, s.grid.as_ref().ok()?)?;
                (sequence == wanted).then_some(score)
            };
            let best = study
                .series
                .iter()
                .enumerate()
                .filter_map(|(n, s)| Some((n, score(s)?)))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some(series) = best.and_then(|(n, _)| study.series.get_mut(n)) {
                series.proposed_as = wanted;
            }
        }
    }
}
