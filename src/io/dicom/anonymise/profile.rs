//! What is done to an attribute: the table's action, changed by what the user keeps.
use super::table::TABLE;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

/// What becomes of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// All dates of a patient go back by the same secret number of days; times of day stay (Retain Longitudinal Temporal Information with
    /// Modified Dates Option).
    #[default]
    Shifted,
    /// Nothing tells when.
    Removed,
}

/// What the copy keeps beyond the basic profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keeping {
    /// See [`Dates`].
    pub dates: Dates,
    /// Names and serial numbers of devices (Retain Device Identity Option).
    pub device: bool,
    /// Descriptions, cleaned of what identifies the patient, of long numbers and of dates (Clean Descriptors Option).
    pub descriptions: bool,
    /// Age, sex, size, weight and the like (Retain Patient Characteristics Option).
    pub characteristics: bool,
}

/// Actions of the basic profile (PS3.15, table E.1-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::upper_case_acronyms,
    reason = "these are the standard's letters"
)]
pub(super) enum Basic {
    /// Remove.
    X,
    /// Empty, or a dummy.
    Z,
    /// A dummy.
    D,
    /// Another UID, the same everywhere.
    U,
    /// Of several, the one that the object allows: emptied, since both kinds of optional attribute may be empty.
    XZ,
    /// A dummy.
    XD,
    /// A dummy.
    ZD,
    /// A dummy.
    XZD,
    /// Kept, with other UIDs in it.
    XZU,
}

/// What is done to an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Kept; text is cleaned of words that identify the patient.
    Keep,
    /// Kept as a description: text is cleaned of long numbers and dates too.
    Clean,
    Remove,
    Empty,
    /// A dummy value; a date is only given where the object would not be valid without.
    Dummy,
    Uid,
    /// Moved back.
    Shift,
    /// Ages above 89 years are given as 90.
    Age,
}

/// What the table says of a tag: its row.
pub(super) fn row(tag: Tag) -> Option<(Basic, &'static str)> {
    let number = (u32::from(tag.group()) << 16) | u32::from(tag.element());
    let at = TABLE.binary_search_by_key(&number, |row| row.0).ok()?;
    TABLE.get(at).map(|row| (row.1, row.2))
}

/// UIDs that name classes, schemes and syntaxes, not anything of the patient.
const NAMES_OF_CLASSES: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::REFERENCED_SOP_CLASS_UID,
    tags::RELATED_GENERAL_SOP_CLASS_UID,
    tags::SOP_CLASSES_IN_STUDY,
    tags::CODING_SCHEME_UID,
    tags::CONTEXT_UID,
    tags::MAPPING_RESOURCE_UID,
    tags::REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE,
];

impl Keeping {
    /// What is done to an attribute that is no sequence.
    pub(super) fn action(self, tag: Tag, vr: VR) -> Action {
        let date = matches!(vr, VR::DA | VR::DT | VR::TM);
        let shifted = self.dates == Dates::Shifted;
        let Some((basic, options)) = row(tag) else {
            return match vr {
                VR::DA | VR::DT | VR::TM if shifted => Action::Shift,
                VR::DA | VR::DT | VR::TM | VR::PN => Action::Empty,
                VR::UI if !NAMES_OF_CLASSES.contains(&tag) => Action::Uid,
                _ => Action::Keep,
            };
        };
        let is = |option| options.contains(option);
        if date && is('T') && shifted {
            return Action::Shift;
        }
        if self.device && is('V') && !date {
            return Action::Keep;
        }
        if self.characteristics && is('P') {
            return if vr == VR::AS {
                Action::Age
            } else {
                Action::Keep
            };
        }
        // No rule cleans bytes, a camera's notes for instance.
        let words = is_text(vr) || vr == VR::SQ;
        if words && ((self.characteristics && is('p')) || (self.descriptions && is('S'))) {
            return Action::Clean;
        }
        match basic {
            Basic::X => Action::Remove,
            Basic::Z | Basic::XZ => Action::Empty,
            Basic::D | Basic::XD | Basic::ZD | Basic::XZD => Action::Dummy,
            Basic::U => Action::Uid,
            Basic::XZU => Action::Keep,
        }
    }

    /// What is done to a sequence: kept and edited inside, emptied, or removed. A dummy sequence would say nothing.
    pub(super) fn sequence(self, tag: Tag) -> Action {
        match self.action(tag, VR::SQ) {
            Action::Dummy | Action::Uid | Action::Shift | Action::Age => Action::Remove,
            action => action,
        }
    }

    /// What Deidentification Method Code Sequence says (PS3.16, CID 7050).
    pub(super) fn codes(self) -> Vec<(&'static str, &'static str)> {
        let mut codes = vec![("113100", "Basic Application Confidentiality Profile")];
        if self.descriptions {
            codes.push(("113105", "Clean Descriptors Option"));
        }
        if self.dates == Dates::Shifted {
            codes.push((
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ));
        }
        if self.characteristics {
            codes.push(("113108", "Retain Patient Characteristics Option"));
        }
        if self.device {
            codes.push(("113109", "Retain Device Identity Option"));
        }
        codes
    }
}

/// The dictionary's name of an attribute.
pub(super) fn name(tag: Tag) -> String {
    StandardDataDictionary
        .by_tag(tag)
        .map_or_else(|| "Unknown".to_owned(), |entry| entry.alias().to_owned())
}

/// Whether a value representation holds words of people.
pub(super) fn is_text(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_attributes_are_in_the_dictionary() {
        assert!(TABLE.is_sorted_by_key(|row| row.0));
        for (number, _, options) in TABLE {
            let tag = Tag((number >> 16) as u16, (number & 0xffff) as u16);
            assert!(options.chars().all(|o| "TVPpS".contains(o)), "{tag}");
            assert_eq!(tag.group() % 2, 0, "{tag}");
        }
        assert_eq!(row(tags::PATIENT_NAME), Some((Basic::Z, "")));
        assert_eq!(row(tags::ROWS), None);
    }

    #[test]
    fn the_table_is_that_of_another_program() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/dicom_anonymise/table.json"
        );
        let table: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let rows = table["basic"].as_object().unwrap();
        assert_eq!(rows.len(), TABLE.len());
        for (number, basic, options) in TABLE {
            let key = format!("{number:08x}");
            let written = format!("{basic:?}");
            assert_eq!(rows[&key], written, "{key}");
            // The columns of the options, of the older edition that the other source has.
            for (column, letters) in [
                ("dates", "T"),
                ("device", "V"),
                ("characteristics", "Pp"),
                ("descriptors", "S"),
            ] {
                if let Some(listed) = table["options"][&key].as_object() {
                    assert_eq!(
                        listed.contains_key(column),
                        options.chars().any(|o| letters.contains(o)),
                        "{key} {column}"
                    );
                }
            }
        }
    }

    #[test]
    fn options_change_what_they_name_and_nothing_else() {
        let basic = Keeping {
            dates: Dates::Removed,
            ..Keeping::default()
        };
        let all = Keeping {
            dates: Dates::Shifted,
            device: true,
            descriptions: true,
            characteristics: true,
        };
        for (tag, vr, strict, loose) in [
            (tags::PATIENT_NAME, VR::PN, Action::Empty, Action::Empty),
            (tags::STUDY_DATE, VR::DA, Action::Empty, Action::Shift),
            (
                tags::PATIENT_BIRTH_DATE,
                VR::DA,
                Action::Empty,
                Action::Empty,
            ),
            (
                tags::DEVICE_SERIAL_NUMBER,
                VR::LO,
                Action::Dummy,
                Action::Keep,
            ),
            (
                tags::SERIES_DESCRIPTION,
                VR::LO,
                Action::Remove,
                Action::Clean,
            ),
            (tags::PATIENT_AGE, VR::AS, Action::Remove, Action::Age),
            (tags::PATIENT_WEIGHT, VR::DS, Action::Remove, Action::Keep),
            (tags::STUDY_INSTANCE_UID, VR::UI, Action::Uid, Action::Uid),
            (tags::SOP_CLASS_UID, VR::UI, Action::Keep, Action::Keep),
            (
                tags::REFERENCED_IMAGE_SEQUENCE,
                VR::SQ,
                Action::Keep,
                Action::Keep,
            ),
            (tags::MAKER_NOTE, VR::OB, Action::Remove, Action::Remove),
            (tags::REPETITION_TIME, VR::DS, Action::Keep, Action::Keep),
            (
                tags::INSTITUTION_ADDRESS,
                VR::ST,
                Action::Remove,
                Action::Remove,
            ),
        ] {
            assert_eq!(basic.action(tag, vr), strict, "{tag}");
            assert_eq!(all.action(tag, vr), loose, "{tag}");
        }
    }
}
