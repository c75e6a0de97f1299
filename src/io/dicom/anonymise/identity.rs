//! Who a patient is: what a header says, as words that must not come through anywhere else.
use super::profile::{is_text, row};
use crate::io::dicom::attributes::{Content, Element};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use std::collections::BTreeSet;

/// Words that are kept of one patient; who has more has other people's files.
const MOST_WORDS: usize = 20_000;

/// Which patient a data set belongs to: the same for all visits. Without Patient ID, name and date of birth tell; without any, the study.
pub(super) fn patient_key(elements: &[Element]) -> String {
    let value = |tag| text_of(elements, tag).unwrap_or_default();
    let id = value(tags::PATIENT_ID);
    if !id.is_empty() {
        return format!("id {id}");
    }
    let name = value(tags::PATIENT_NAME);
    if name.trim_matches('^').is_empty() {
        return format!("study {}", value(tags::STUDY_INSTANCE_UID));
    }
    format!("name {name} {}", value(tags::PATIENT_BIRTH_DATE))
}

/// The text of an attribute of a data set, padding removed.
pub(super) fn text_of(elements: &[Element], tag: Tag) -> Option<String> {
    elements
        .iter()
        .find(|e| e.tag == tag)
        .and_then(|e| match &e.content {
            Content::Value(_, _, bytes) => Some(
                String::from_utf8_lossy(bytes)
                    .trim_matches([' ', '\0'])
                    .to_owned(),
            ),
            Content::Items(_) => None,
        })
}

/// Words that identify a patient, and others who are named, as their files' character sets write them.
#[derive(Debug, Default)]
pub(super) struct Identity(BTreeSet<Vec<u8>>);

impl Identity {
    /// Takes what a data set says, in its sequences and private attributes too.
    pub(super) fn add(&mut self, elements: &[Element]) {
        for element in elements {
            match &element.content {
                Content::Items(items) => {
                    for item in items {
                        self.add(item);
                    }
                }
                Content::Value(vr, _, bytes) => self.add_value(element.tag, *vr, bytes),
            }
        }
    }

    fn add_value(&mut self, tag: Tag, vr: VR, bytes: &[u8]) {
        if self.0.len() >= MOST_WORDS {
            return;
        }
        if tag == tags::PATIENT_BIRTH_DATE {
            self.add_date(bytes);
        } else if vr == VR::PN {
            let words =
                bytes.split(|b| matches!(b, b'^' | b'=' | b'\\' | b' ' | b',' | b'.' | 0 | 0x1b));
            self.0
                .extend(words.filter(|w| w.len() >= 3).map(<[u8]>::to_vec));
        } else if is_text(vr) && vr != VR::CS && names_somebody(tag) {
            for value in bytes.split(|b| *b == b'\\') {
                let value = value.trim_ascii();
                let value = value.strip_suffix(b"\0").unwrap_or(value);
                if value.len() >= 4
                    && value
                        .iter()
                        .any(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
                {
                    self.0.insert(value.to_vec());
                }
            }
        }
    }

    fn add_date(&mut self, bytes: &[u8]) {
        let digits: String = bytes
            .iter()
            .filter(|b| b.is_ascii_digit())
            .map(|b| char::from(*b))
            .collect();
        if let (8, Some(year), Some(month), Some(day)) = (
            digits.len(),
            digits.get(..4),
            digits.get(4..6),
            digits.get(6..),
        ) {
            for written in [
                digits.clone(),
                format!("{year}-{month}-{day}"),
                format!("{year}.{month}.{day}"),
                format!("{day}.{month}.{year}"),
                format!("{day}/{month}/{year}"),
                format!("{month}/{day}/{year}"),
                format!("{day}-{month}-{year}"),
                format!("{day}{month}{year}"),
            ] {
                self.0.insert(written.into_bytes());
            }
        }
    }

    /// The words, the longest first, so that none is left as a part of another.
    pub(super) fn words(&self) -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = self.0.iter().cloned().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// Whether the values of an attribute point at somebody: what the profile takes away and is neither a description, a device nor a
/// characteristic that many share.
fn names_somebody(tag: Tag) -> bool {
    row(tag).is_some_and(|(_, options)| options.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::dicom::attributes::ByteOrder;

    fn value(tag: Tag, vr: VR, text: &str) -> Element {
        Element {
            tag,
            content: Content::Value(vr, ByteOrder::Little, text.as_bytes().to_vec()),
        }
    }

    #[test]
    fn names_numbers_and_birthdays_identify() {
        let mut identity = Identity::default();
        identity.add(&[
            value(tags::ACCESSION_NUMBER, VR::SH, "A-4711 "),
            value(tags::SERIES_DESCRIPTION, VR::LO, "t2 space"),
            value(tags::PATIENT_NAME, VR::PN, "Doe^Jane^M"),
            value(tags::PATIENT_ID, VR::LO, "12"),
            value(tags::PATIENT_BIRTH_DATE, VR::DA, "19610203"),
        ]);
        let words = identity.words();
        for word in ["A-4711", "Doe", "Jane", "19610203", "03.02.1961"] {
            assert!(words.contains(&word.as_bytes().to_vec()), "{word}");
        }
        for word in ["M", "12", "t2 space"] {
            assert!(!words.contains(&word.as_bytes().to_vec()), "{word}");
        }
    }

    #[test]
    fn a_patient_is_known_by_number_then_name_then_study() {
        let id = value(tags::PATIENT_ID, VR::LO, "7 ");
        let name = value(tags::PATIENT_NAME, VR::PN, "Doe^Jane");
        let nobody = value(tags::PATIENT_NAME, VR::PN, "^^");
        let study = value(tags::STUDY_INSTANCE_UID, VR::UI, "1.2\0");
        assert_eq!(patient_key(&[name.clone(), id]), "id 7");
        assert_eq!(patient_key(&[name]), "name Doe^Jane ");
        assert_eq!(patient_key(&[nobody, study]), "study 1.2");
    }
}
