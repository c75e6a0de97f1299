//! Measurements of structured reports (PS3.16, TID 1500 and others): names, values, units, what they are of.
use super::super::attributes::{Attributes, Characters};
use super::super::header::{Header, looks_dicom, read_header_keeping};
use super::super::kept::Keep;
use super::super::source::Source;
use crate::io::Error;
use crate::io::dicom::DicomWarning;
use dicom_dictionary_std::tags;
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Start of the classes of structured reports.
const REPORTS: &str = "1.2.840.10008.5.1.4.1.1.88.";
/// Key object selections, which measure nothing.
const KEY_OBJECTS: &str = "1.2.840.10008.5.1.4.1.1.88.59";
/// Measurement Group (DCM).
const GROUP: &str = "125007";
/// Numbers and words of a report; the longest known has some thousands.
const MOST_ITEMS: usize = 100_000;

/// What a structured report measures. Serialized, it is the JSON object of `schwann inspect` for a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasurementReport {
    /// The path as it was given.
    pub file: String,
    /// `dicom`.
    pub format: &'static str,
    /// `structured report`.
    pub kind: &'static str,
    /// Name of the document.
    pub title: String,
    /// Whether somebody verified it.
    pub verified: bool,
    /// Who did.
    pub verified_by: Option<String>,
    /// What is measured together.
    pub groups: Vec<MeasurementGroup>,
    /// What to know about the file, a sentence each.
    pub warnings: Vec<String>,
}

/// What is measured of one thing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct MeasurementGroup {
    /// What the report calls it.
    pub tracking_id: Option<String>,
    /// Under which it is followed over time.
    pub tracking_uid: Option<String>,
    /// What it is.
    pub finding: Option<String>,
    /// Where it is.
    pub site: Option<String>,
    /// On which side.
    pub laterality: Option<String>,
    /// Numbers, in the order of the report.
    pub measurements: Vec<MeasuredValue>,
    /// Words and codes, in the order of the report.
    pub evaluations: Vec<EvaluatedValue>,
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredValue {
    /// What it is.
    pub name: String,
    /// The code of that, `value` of `scheme`.
    pub code: String,
    /// The number; nothing when the report gives none.
    pub value: Option<f64>,
    /// Its unit, as UCUM writes it.
    pub unit: String,
}

/// Words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvaluatedValue {
    /// What they tell.
    pub name: String,
    /// What they say.
    pub value: String,
}

/// Reads the measurements of a structured report; nothing for every other file.
///
/// # Errors
/// [`Error::Dicom`] when a report cannot be followed.
pub fn read_measurements(path: &Path) -> Result<Option<MeasurementReport>, Error> {
    let mut start = Vec::new();
    // Looked at before opening: opening a pipe would wait for its other end.
    let dicom = path.is_file()
        && File::open(path).is_ok_and(|file| file.take(1024).read_to_end(&mut start).is_ok())
        && looks_dicom(&start);
    let source = Source::File(path.to_owned());
    // Whoever reads the file as a scan says what is wrong with it.
    let Some(class) = dicom
        .then(|| read_header_keeping(&source, Keep::Derived).ok())
        .flatten()
        .map(|header| header.class)
    else {
        return Ok(None);
    };
    if !class.starts_with(REPORTS) || class == KEY_OBJECTS {
        return Ok(None);
    }
    let header = read_header_keeping(&source, Keep::Whole).map_err(|source| Error::Dicom {
        source,
        path: path.to_owned(),
    })?;
    Ok(Some(report(path, &header)))
}

fn report(path: &Path, header: &Header) -> MeasurementReport {
    let a = &header.attributes;
    let mut reading = Reading {
        characters: Characters::of(a),
        loose: MeasurementGroup::default(),
        groups: Vec::new(),
        items: 0,
    };
    let title = reading.meaning(a, tags::CONCEPT_NAME_CODE_SEQUENCE);
    reading.content(a, None);
    let mut warnings = Vec::new();
    if let Some(name) = &reading.characters.unknown {
        warnings.push(DicomWarning::CharacterSet(name.clone()).to_string());
    }
    if reading.items > MOST_ITEMS {
        warnings.push(format!("only the first {MOST_ITEMS} items were read"));
    }
    let by = a
        .item(tags::VERIFYING_OBSERVER_SEQUENCE)
        .and_then(|item| item.text(tags::VERIFYING_OBSERVER_NAME, &reading.characters));
    let loose = std::mem::take(&mut reading.loose);
    let mut groups = reading.groups;
    if !loose.measurements.is_empty() {
        groups.push(loose);
    }
    MeasurementReport {
        file: path.to_string_lossy().into_owned(),
        format: "dicom",
        kind: "structured report",
        title: title.unwrap_or_default(),
        verified: a.code(tags::VERIFICATION_FLAG).as_deref() == Some("VERIFIED"),
        verified_by: by,
        groups,
        warnings,
    }
}

struct Reading {
    characters: Characters,
    /// What stands in no group.
    loose: MeasurementGroup,
    groups: Vec<MeasurementGroup>,
    items: usize,
}

impl Reading {
    /// Reads the items of a container. Recursion goes no deeper than the reader of data sets does.
    fn content(&mut self, container: &Attributes, mut group: Option<&mut MeasurementGroup>) {
        for item in container.items(tags::CONTENT_SEQUENCE) {
            self.items += 1;
            if self.items > MOST_ITEMS {
                return;
            }
            let kind = item.code(tags::VALUE_TYPE).unwrap_or_default();
            let concept = item.item(tags::CONCEPT_NAME_CODE_SEQUENCE);
            let code = concept.and_then(|c| c.code(tags::CODE_VALUE));
            let is_group = kind == "CONTAINER" && code.as_deref() == Some(GROUP);
            if is_group && group.is_none() {
                let mut inner = MeasurementGroup::default();
                self.content(item, Some(&mut inner));
                self.groups.push(inner);
                continue;
            }
            let mut loose = std::mem::take(&mut self.loose);
            let into = group.as_deref_mut().unwrap_or(&mut loose);
            self.item(item, &kind, code.as_deref().unwrap_or_default(), into);
            self.loose = loose;
            if kind == "CONTAINER" {
                self.content(item, group.as_deref_mut());
            }
        }
    }

    fn item(&self, item: &Attributes, kind: &str, code: &str, group: &mut MeasurementGroup) {
        let name = self.meaning(item, tags::CONCEPT_NAME_CODE_SEQUENCE);
        let name = name.unwrap_or_else(|| code.to_owned());
        let value = match kind {
            "NUM" => {
                group.measurements.push(number(item, name));
                return;
            }
            "CODE" => self.meaning(item, tags::CONCEPT_CODE_SEQUENCE),
            "TEXT" => item.text(tags::TEXT_VALUE, &self.characters),
            "UIDREF" => item.code(tags::UID),
            _ => None,
        };
        let Some(value) = value else {
            return;
        };
        match code {
            "112039" => group.tracking_id = Some(value),
            "112040" => group.tracking_uid = Some(value),
            "121071" => group.finding = Some(value),
            // Finding Site in SNOMED CT, and in SNOMED RT as it was before.
            "363698007" | "G-C0E3" => {
                group.site = Some(value);
                group.laterality = self.laterality(item);
            }
            _ if kind != "UIDREF" => group.evaluations.push(EvaluatedValue { name, value }),
            _ => {}
        }
    }

    fn laterality(&self, site: &Attributes) -> Option<String> {
        site.items(tags::CONTENT_SEQUENCE)
            .iter()
            .find(|item| {
                let concept = item.item(tags::CONCEPT_NAME_CODE_SEQUENCE);
                let code = concept.and_then(|c| c.code(tags::CODE_VALUE));
                matches!(code.as_deref(), Some("272741003" | "G-C171"))
            })
            .and_then(|item| self.meaning(item, tags::CONCEPT_CODE_SEQUENCE))
    }

    /// What a code means, in words.
    fn meaning(&self, item: &Attributes, tag: dicom_core::Tag) -> Option<String> {
        item.item(tag)?.text(tags::CODE_MEANING, &self.characters)
    }
}

fn number(item: &Attributes, name: String) -> MeasuredValue {
    let measured = item.item(tags::MEASURED_VALUE_SEQUENCE);
    let unit = measured.and_then(|m| m.item(tags::MEASUREMENT_UNITS_CODE_SEQUENCE));
    let concept = item.item(tags::CONCEPT_NAME_CODE_SEQUENCE);
    let part = |tag| concept.and_then(|c| c.code(tag)).unwrap_or_default();
    let exact = measured.and_then(|m| m.number(tags::FLOATING_POINT_VALUE));
    MeasuredValue {
        name,
        code: format!(
            "{} {}",
            part(tags::CODE_VALUE),
            part(tags::CODING_SCHEME_DESIGNATOR)
        ),
        value: exact.or_else(|| measured.and_then(|m| m.number(tags::NUMERIC_VALUE))),
        unit: unit
            .and_then(|u| u.code(tags::CODE_VALUE))
            .unwrap_or_default(),
    }
}

impl fmt::Display for MeasurementReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.verified_by, self.verified) {
            (Some(by), true) => format!("verified by {by}"),
            (None, true) => "verified".to_owned(),
            (_, false) => "not verified".to_owned(),
        };
        write!(
            f,
            "{}: {} (structured report), {state}",
            self.file, self.title
        )?;
        for group in &self.groups {
            let what = [
                &group.tracking_id,
                &group.finding,
                &group.site,
                &group.laterality,
            ];
            let what: Vec<&str> = what.into_iter().flatten().map(String::as_str).collect();
            write!(f, "\n  {}", what.join(", "))?;
            for m in &group.measurements {
                let value = m
                    .value
                    .map_or_else(|| "no value".to_owned(), |v| v.to_string());
                write!(f, "\n    {}: {value} {}", m.name, m.unit)?;
            }
            for e in &group.evaluations {
                write!(f, "\n    {}: {}", e.name, e.value.replace('\n', "; "))?;
            }
        }
        for warning in &self.warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}
