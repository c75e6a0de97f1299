//! What a series says about itself, and what it probably shows.
use super::attributes::{Characters, date, person};
use super::header::Header;
use crate::patient::Acquisition;
use crate::volume::{Grid, Sequence};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::Serialize;

/// What a series says about itself. Nothing here was measured; a field that the files leave out is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SeriesFacts {
    /// For display only; kept out of file names, logs, titles and what commands print.
    #[serde(skip)]
    pub patient_name: String,
    /// For display only.
    #[serde(skip)]
    pub patient_id: String,
    /// Study date, else series or acquisition date, ISO 8601.
    pub date: Option<String>,
    /// What the study was ordered as.
    pub study_description: String,
    /// What the series is called at the scanner.
    pub series_description: String,
    /// Number of the series in its study.
    pub series_number: Option<i64>,
    /// `MR`, `CT`, ….
    pub modality: String,
    /// Name of the pulse sequence or protocol.
    pub sequence: String,
    /// Manufacturer of the scanner.
    pub manufacturer: String,
    /// Its model.
    pub scanner: String,
    /// Field strength, tesla.
    pub field_t: Option<f64>,
    /// Echo time, ms.
    pub echo_time_ms: Option<f64>,
    /// Repetition time, ms.
    pub repetition_time_ms: Option<f64>,
    /// Inversion time, ms.
    pub inversion_time_ms: Option<f64>,
    /// Flip angle, degrees.
    pub flip_angle_degrees: Option<f64>,
    /// Thickness of a slice as acquired, mm, which may differ from the distance between slices.
    pub slice_thickness_mm: Option<f64>,
    /// Contrast agent, when the files name one.
    pub contrast_agent: Option<String>,
    /// Whether the scan was acquired as a volume; nothing when the files do not say.
    pub three_dimensional: Option<bool>,
    /// How the pixels are stored: name and UID of the transfer syntax.
    pub transfer_syntax: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// Study Instance UID.
    pub study_uid: String,
    /// Frame of Reference UID; series with the same one lie in one space.
    pub frame_of_reference_uid: Option<String>,
    /// A survey for planning.
    pub localiser: bool,
    /// Made from another series: a reformat, a projection, a difference.
    pub derived: bool,
}

impl SeriesFacts {
    /// What of it speaks for or against comparing two scans.
    pub fn acquisition(&self) -> Acquisition {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let scanner = format!("{} {}", self.manufacturer, self.scanner);
        Acquisition {
            patient_id: given(&self.patient_id),
            birth_date: None,
            sex: None,
            institution: None,
            scanner: given(&scanner),
            field_tesla: self.field_t,
            contrast_agent: self.contrast_agent.clone(),
        }
    }

    /// What matters most in one line, without the patient.
    pub fn line(&self) -> String {
        let number = |x: Option<f64>, unit: &str| x.map(|x| format!("{x} {unit}"));
        let parts = [
            self.series_number.map(|n| n.to_string()),
            Some(self.series_description.clone()),
            self.date.clone(),
            Some(self.modality.clone()),
            number(self.field_t, "T"),
            Some(
                format!("{} {}", self.manufacturer, self.scanner)
                    .trim()
                    .to_owned(),
            ),
            number(self.echo_time_ms, "ms echo"),
            number(self.repetition_time_ms, "ms repetition"),
            number(self.slice_thickness_mm, "mm slices"),
            self.contrast_agent.clone(),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(", ")
    }
}

/// The facts of a file.
pub(super) fn facts(header: &Header, characters: &Characters) -> SeriesFacts {
    let a = &header.attributes;
    let shared = a.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let first = a.item(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let text = |tag| a.text(tag, characters).unwrap_or_default();
    let number = |sequence: Tag, grouped: Tag, plain: Tag| {
        [first, shared]
            .iter()
            .flatten()
            .find_map(|group| group.item(sequence)?.number(grouped))
            .or_else(|| a.number(plain))
            .filter(|&x| x > 0.0)
    };
    let timing = tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE;
    let agent = a.text(tags::CONTRAST_BOLUS_AGENT, characters).or_else(|| {
        let codes = a.items(tags::CONTRAST_BOLUS_AGENT_SEQUENCE);
        (!codes.is_empty()).then(|| "named by a code".to_owned())
    });
    let types = a.codes(tags::IMAGE_TYPE);
    let series_description = text(tags::SERIES_DESCRIPTION);
    let name = series_description.to_lowercase();
    let is_type = |what: &[&str]| types.iter().any(|t| what.contains(&t.as_str()));
    SeriesFacts {
        patient_name: person(&text(tags::PATIENT_NAME)),
        patient_id: text(tags::PATIENT_ID),
        date: [
            tags::STUDY_DATE,
            tags::SERIES_DATE,
            tags::ACQUISITION_DATE,
            tags::CONTENT_DATE,
        ]
        .iter()
        .find_map(|&tag| date(&a.code(tag)?)),
        study_description: text(tags::STUDY_DESCRIPTION),
        series_number: a.integer(tags::SERIES_NUMBER),
        modality: a.code(tags::MODALITY).unwrap_or_default(),
        sequence: [
            tags::SEQUENCE_NAME,
            tags::PULSE_SEQUENCE_NAME,
            tags::PROTOCOL_NAME,
        ]
        .iter()
        .find_map(|&tag| a.text(tag, characters))
        .unwrap_or_default(),
        manufacturer: text(tags::MANUFACTURER),
        scanner: text(tags::MANUFACTURER_MODEL_NAME),
        field_t: a.number(tags::MAGNETIC_FIELD_STRENGTH).map(|t| {
            // Some old scanners write gauss.
            if t > 100.0 { t / 10_000.0 } else { t }
        }),
        echo_time_ms: number(
            tags::MR_ECHO_SEQUENCE,
            tags::EFFECTIVE_ECHO_TIME,
            tags::ECHO_TIME,
        ),
        repetition_time_ms: number(timing, tags::REPETITION_TIME, tags::REPETITION_TIME),
        inversion_time_ms: number(
            tags::MR_MODIFIER_SEQUENCE,
            tags::INVERSION_TIMES,
            tags::INVERSION_TIME,
        ),
        flip_angle_degrees: number(timing, tags::FLIP_ANGLE, tags::FLIP_ANGLE),
        slice_thickness_mm: number(
            tags::PIXEL_MEASURES_SEQUENCE,
            tags::SLICE_THICKNESS,
            tags::SLICE_THICKNESS,
        ),
        contrast_agent: agent.filter(|text| !says_no(text)),
        three_dimensional: a
            .code(tags::MR_ACQUISITION_TYPE)
            .map(|text| text.starts_with('3')),
        transfer_syntax: header.syntax.name(),
        series_uid: a.code(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        study_uid: a.code(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        frame_of_reference_uid: a.code(tags::FRAME_OF_REFERENCE_UID),
        localiser: is_type(&["LOCALIZER"])
            || [
                "localizer",
                "localiser",
                "scout",
                "survey",
                "3-pl",
                "3 plane",
            ]
            .iter()
            .any(|word| name.contains(word)),
        derived: types.first().is_some_and(|t| t == "DERIVED")
            || is_type(&[
                "MPR",
                "PROJECTION IMAGE",
                "MIP",
                "SUBTRACTION",
                "REFORMATTED",
            ]),
        series_description,
    }
}

fn says_no(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "no" | "none" | "n" | "without" | "0" | "ohne" | "no contrast" | "not applicable" | "na"
    )
}

/// What a series probably shows, and how well it suits; only what a reader would take for it at a glance is named.
///
/// hrT2: thin slices and either a balanced steady-state or 3D TSE name, or the long echo of one. ceT1: a T1-weighted echo and a contrast
/// agent in the header or the name. Compare the protocols of the crossMoDA sites: CISS TR 9.4, TE 4.2 ms; 3D TSE TR 2700, TE 160 ms;
/// MPRAGE TR 1900, TE 3.0, TI 1100 ms; 3D FFE TR 25, TE 1.8 ms.
pub(super) fn proposal(facts: &SeriesFacts, grid: &Grid) -> Option<(Sequence, f64)> {
    let name = format!("{} {}", facts.series_description, facts.sequence).to_lowercase();
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric() && c != '+')
        .collect();
    let says = |wanted: &[&str]| {
        wanted
            .iter()
            .any(|w| words.contains(w) || (w.len() > 3 && name.contains(w)))
    };
    if facts.modality != "MR" || facts.localiser || facts.derived {
        return None;
    }
    if says(&[
        "adc",
        "dwi",
        "diff",
        "diffusion",
        "swi",
        "flair",
        "perf",
        "tof",
        "angio",
        "bold",
        "phase",
        "fieldmap",
    ]) {
        return None;
    }
    let spacing = grid.spacing_mm();
    let slices = grid.shape()[2];
    let (fine, thick) = (spacing[0].max(spacing[1]), spacing[2]);
    if slices < 8 {
        return None;
    }
    let (echo, repetition) = (facts.echo_time_ms, facts.repetition_time_ms);
    let between = |x: Option<f64>, low: f64, high: f64| x.is_some_and(|x| low <= x && x <= high);
    // Thin slices first, then small voxels; a whole number of names is worth more than either.
    let detail = 1.0 / (0.5 + thick) + 0.5 / (0.3 + fine);
    let agent = facts.contrast_agent.is_some()
        || says(&[
            "gd", "gad", "gado", "post", "contrast", "+c", "ce", "km", "dotarem", "gadovist",
            "prohance", "c+",
        ]);
    let steady = says(&[
        "ciss", "fiesta", "trufi", "bffe", "b-ffe", "balanced", "drive", "space", "cube", "vista",
        "tse3d", "t2",
    ]) && !says(&["t1"]);
    let long_echo = between(echo, 60.0, 400.0) && between(repetition, 900.0, 10_000.0);
    let short_steady = steady && between(echo, 1.0, 8.0) && between(repetition, 2.0, 20.0);
    if thick <= 2.0 && fine <= 1.0 && !agent && (long_echo || short_steady) {
        let named = f64::from(u8::from(steady)) * 2.0;
        return Some((Sequence::HrT2, named + detail));
    }
    let short_echo = between(echo, 0.5, 30.0) && between(repetition, 3.0, 2600.0);
    if thick <= 3.5 && agent && short_echo && !steady {
        let named = says(&[
            "t1", "mprage", "bravo", "tfe", "spgr", "vibe", "ffe", "flash",
        ]);
        let header = f64::from(u8::from(facts.contrast_agent.is_some()));
        return Some((
            Sequence::CeT1,
            f64::from(u8::from(named)) * 2.0 + header + detail,
        ));
    }
    None
}
