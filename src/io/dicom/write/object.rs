//! What all objects made from a series share: patient, study and frame of reference of the source, a new series, equipment, and the file.
//!
//! A segmentation, a structure set, a report or a picture begins as [`Origin::object`], gets what its own modules ask for, and is written by [`write_object`].
use super::authorship::{Authorship, ResultState};
use super::elements::Elements;
use super::uid::derived_uid;
use crate::io::dicom::attributes::{Attributes, Characters};
use crate::io::dicom::code::PROCESSING_EQUIPMENT;
use crate::io::dicom::header::read_header_keeping;
use crate::io::dicom::kept::{COPIED, Keep};
use crate::io::dicom::{DicomError, DicomSeries, DicomWarning};
use crate::io::{Error, Warning, write_atomically};
use crate::patient::NOTICE;
use crate::volume::{Side, Structure};
use dicom_dictionary_std::{tags, uids};
use dicom_object::FileMetaTableBuilder;
use std::path::{Path, PathBuf};

/// Identifies Schwann as the writer of a file (PS3.7, D.3.3.2).
pub(in crate::io::dicom) const IMPLEMENTATION_UID: &str =
    "2.25.198601034760386159584022089311601410926";
/// Name of the program, its maker's and its product's.
const PRODUCT: &str = "Schwann";
/// Longest value with a length of 16 bits, bytes.
const LONGEST_SHORT: usize = 65_534;

/// A kind of object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// SOP Class UID.
    pub(super) class: &'static str,
    pub(super) modality: &'static str,
    /// What people call it.
    pub(super) name: &'static str,
    /// Added to a hundred times the source's series number, so that objects stand behind their source.
    pub(super) number: i32,
}

/// An image of the source series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceImage {
    /// SOP Class UID.
    pub(super) class: String,
    /// SOP Instance UID.
    pub(super) instance: String,
    /// Frame counted from 1, of files that hold several.
    pub(super) frame: Option<u32>,
}

/// The series that an object is made from.
#[derive(Debug)]
pub(super) struct Origin {
    /// Attributes that the object takes over, as UTF-8.
    copied: Elements,
    pub(super) study_uid: String,
    pub(super) series_uid: String,
    pub(super) frame_of_reference_uid: String,
    series_number: i32,
    /// Of each slice, in the order along the normal.
    pub(super) slices: Vec<SourceImage>,
    pub(super) warnings: Vec<Warning>,
}

impl Origin {
    /// Looks a series up: what its first file says of patient and study, and which image each slice is.
    ///
    /// # Errors
    /// [`Error::Dicom`] when a file cannot be read again, or when it lacks an identifier that objects must refer to.
    pub(super) fn of(series: &DicomSeries) -> Result<Self, Error> {
        let stack = &series.stack;
        let first = stack.frames.first().and_then(|f| stack.files.get(f.file));
        let at_fault = |source| Error::Dicom {
            source,
            path: first.map_or_else(PathBuf::new, |file| file.source.path()),
        };
        let first = first.ok_or_else(|| at_fault(DicomError::NoImage))?;
        let header = read_header_keeping(&first.source, Keep::Copied).map_err(at_fault)?;
        let a = &header.attributes;
        let lacks = |what| at_fault(DicomError::Lacks(what));
        let uid = |tag, what| a.code(tag).ok_or_else(|| lacks(what));
        let study_uid = uid(tags::STUDY_INSTANCE_UID, "Study Instance UID")?;
        let series_uid = uid(tags::SERIES_INSTANCE_UID, "Series Instance UID")?;
        let frame_of_reference_uid = uid(tags::FRAME_OF_REFERENCE_UID, "Frame of Reference UID")?;
        let mut slices = Vec::with_capacity(stack.frames.len());
        for frame in &stack.frames {
            let file = stack.files.get(frame.file);
            let file = file.ok_or_else(|| at_fault(DicomError::NoImage))?;
            if file.instance.is_empty() || file.class.is_empty() {
                return Err(lacks("SOP Instance UID"));
            }
            slices.push(SourceImage {
                class: file.class.clone(),
                instance: file.instance.clone(),
                frame: (file.frames > 1).then_some(frame.number as u32 + 1),
            });
        }
        let mut warnings = Vec::new();
        let characters = Characters::of(a);
        if let Some(name) = &characters.unknown {
            warnings.push(Warning::Dicom(DicomWarning::CharacterSet(name.clone())));
        }
        Ok(Self {
            copied: copied(a, &characters),
            study_uid,
            series_uid,
            frame_of_reference_uid,
            series_number: a.integer(tags::SERIES_NUMBER).unwrap_or(0).clamp(0, 9_999) as i32,
            slices,
            warnings,
        })
    }

    /// Class, instance and frame of a slice's image, as items that refer to it.
    pub(super) fn reference(image: &SourceImage) -> Elements {
        let mut item = Elements::new();
        item.text(tags::REFERENCED_SOP_CLASS_UID, &image.class);
        item.text(tags::REFERENCED_SOP_INSTANCE_UID, &image.instance);
        if let Some(frame) = image.frame {
            item.integer(tags::REFERENCED_FRAME_NUMBER, frame as i32);
        }
        item
    }

    /// Each file of the series once, without frames.
    pub(super) fn instances(&self) -> Vec<Elements> {
        let mut seen = std::collections::HashSet::new();
        self.slices
            .iter()
            .filter(|image| seen.insert(&image.instance))
            .map(|image| {
                Self::reference(&SourceImage {
                    frame: None,
                    ..image.clone()
                })
            })
            .collect()
    }

    /// Common Instance Reference module (PS3.3, C.12.2): the series with its files.
    pub(super) fn referenced_series(&self) -> Elements {
        let mut item = Elements::new();
        item.text(tags::SERIES_INSTANCE_UID, &self.series_uid);
        item.items(tags::REFERENCED_INSTANCE_SEQUENCE, self.instances());
        item
    }

    /// The identifier under which a structure is followed from visit to visit: derived from the issuer and the ID of the patient, the structure and the side, so that
    /// every visit of a patient gives the same one. Without a patient's ID it holds for this study only.
    pub(super) fn tracking_uid(&self, structure: Structure, side: Option<Side>) -> String {
        let patient = self.copied.get(tags::PATIENT_ID);
        let issuer = self.copied.get(tags::ISSUER_OF_PATIENT_ID);
        let whose = patient.as_ref().unwrap_or(&self.study_uid);
        derived_uid(&[
            b"schwann tracking",
            issuer.unwrap_or_default().as_bytes(),
            whose.as_bytes(),
            structure.name().as_bytes(),
            side.map_or("", Side::name).as_bytes(),
        ])
    }

    /// Whether the files name the patient by an ID.
    pub(super) fn has_patient_id(&self) -> bool {
        self.copied.get(tags::PATIENT_ID).is_some()
    }

    /// An object of a kind, with the modules that all have: Patient, Patient Study, General Study, General Series, Frame of Reference, General and Enhanced General
    /// Equipment, SOP Common. Series and instance UIDs follow from `content` (what tells this object from every other), source and time.
    pub(super) fn object(&self, kind: &Kind, authorship: &Authorship, content: &[u8]) -> Elements {
        let mut object = self.copied.clone();
        let date = authorship.created.format("%Y%m%d").to_string();
        let time = authorship.created.format("%H%M%S").to_string();
        let uid = |what: &str| {
            derived_uid(&[
                what.as_bytes(),
                kind.class.as_bytes(),
                self.series_uid.as_bytes(),
                date.as_bytes(),
                time.as_bytes(),
                content,
            ])
        };
        object.text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        object.text(tags::SOP_CLASS_UID, kind.class);
        object.text(tags::SOP_INSTANCE_UID, &uid("instance"));
        object.text(tags::INSTANCE_CREATION_DATE, &date);
        object.text(tags::INSTANCE_CREATION_TIME, &time);
        object.text(tags::MODALITY, kind.modality);
        object.text(tags::SERIES_INSTANCE_UID, &uid("series"));
        let number = self.series_number * 100 + kind.number;
        object.integer(tags::SERIES_NUMBER, number);
        object.text(tags::SERIES_DATE, &date);
        object.text(tags::SERIES_TIME, &time);
        object.text(
            tags::SERIES_DESCRIPTION,
            &format!("{PRODUCT} {}, {}", kind.name, described(&authorship.state)),
        );
        object.integer(tags::INSTANCE_NUMBER, 1);
        object.text(tags::FRAME_OF_REFERENCE_UID, &self.frame_of_reference_uid);
        equipment(&mut object, &format!("{date}{time}"));
        object
    }
}

/// The state as people read it, in what a `LO` holds together with the kind.
fn described(state: &ResultState) -> &'static str {
    match state {
        ResultState::Draft => "DRAFT, not reviewed, research only",
        ResultState::Accepted { .. } => "accepted, research only",
    }
}

/// Words for descriptions: the state and what every result carries.
pub(super) fn notice(state: &ResultState) -> String {
    match state {
        ResultState::Draft => format!("Draft, not reviewed; {NOTICE}"),
        ResultState::Accepted { .. } => format!("Accepted; {NOTICE}"),
    }
}

/// General Equipment, Enhanced General Equipment and the contribution of Schwann (PS3.3, C.7.5.1, C.7.5.2, C.12.1).
fn equipment(object: &mut Elements, moment: &str) {
    let version = env!("CARGO_PKG_VERSION");
    let name = |item: &mut Elements| {
        item.text(tags::MANUFACTURER, PRODUCT);
        item.text(tags::MANUFACTURER_MODEL_NAME, PRODUCT);
        // A program has no serial number; the version is the nearest that tells copies apart.
        item.text(tags::DEVICE_SERIAL_NUMBER, version);
        item.text(tags::SOFTWARE_VERSIONS, version);
    };
    name(object);
    let mut contribution = Elements::new();
    contribution.code(
        tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
        PROCESSING_EQUIPMENT,
    );
    name(&mut contribution);
    contribution.text(tags::CONTRIBUTION_DATE_TIME, moment);
    contribution.text(tags::CONTRIBUTION_DESCRIPTION, NOTICE);
    object.item(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, contribution);
}

/// What is taken over of the source, as UTF-8. Elements that must stand in the file even without a value do.
fn copied(a: &Attributes, characters: &Characters) -> Elements {
    const ALWAYS: [dicom_core::Tag; 10] = [
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::STUDY_ID,
        tags::ACCESSION_NUMBER,
        tags::POSITION_REFERENCE_INDICATOR,
    ];
    let mut elements = Elements::new();
    for &tag in COPIED {
        match a.text(tag, characters) {
            Some(text) => elements.copied_text(tag, &text),
            None if ALWAYS.contains(&tag) => elements.empty(tag),
            None => {}
        }
    }
    elements
}

/// Writes an object as a file of PS3.10, whole or not at all: explicit little-endian, or implicit where a value is longer than explicit lengths can say.
///
/// # Errors
/// [`Error::Write`].
pub(super) fn write_object(path: &Path, object: Elements) -> Result<(), Error> {
    let syntax = if object.longest_short_value() > LONGEST_SHORT {
        uids::IMPLICIT_VR_LITTLE_ENDIAN
    } else {
        uids::EXPLICIT_VR_LITTLE_ENDIAN
    };
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .implementation_class_uid(IMPLEMENTATION_UID)
        .implementation_version_name(concat!("SCHWANN_", env!("CARGO_PKG_VERSION")));
    let failed = |problem: String| Error::Write {
        source: std::io::Error::other(problem),
        path: path.to_owned(),
    };
    let mut bytes = Vec::new();
    object
        .into_object()
        .with_meta(meta)
        .map_err(|e| failed(e.to_string()))?
        .write_all(&mut bytes)
        .map_err(|e| failed(e.to_string()))?;
    write_atomically(path, |file| file.write_all(&bytes))
}
