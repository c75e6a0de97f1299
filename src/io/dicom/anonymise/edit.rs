//! A data set edited by the profile.
use super::dates::{earlier_date, earlier_moment, is_time};
use super::profile::{Action, Dates, Keeping, is_text};
use super::report::{Done, Tally};
use super::secret::Secret;
use super::text::{without, without_numbers};
use crate::io::dicom::attributes::{ByteOrder, Content, Element};
use dicom_core::dictionary::DataDictionary;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

/// Text that is never cleaned: words of the standard and of makers, which a patient may be called by chance.
const NOT_CLEANED: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::FRAME_TYPE,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOFTWARE_VERSIONS,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::CODING_SCHEME_DESIGNATOR,
];

/// Length to End, of ACR-NEMA.
const LENGTH_TO_END: Tag = Tag(0x0008, 0x0001);

/// What stands for text that must not be empty.
const DUMMY: &[u8] = b"ANONYMISED";

/// What a patient's copies have in common.
#[derive(Debug)]
pub(super) struct Patient {
    pub(super) pseudonym: String,
    /// By how much all dates go back.
    pub(super) days: i64,
    /// See [`Identity`](super::identity::Identity).
    pub(super) words: Vec<Vec<u8>>,
}

/// Edits the data set of one file and counts what it does.
pub(super) struct Editor<'a> {
    pub(super) keeping: Keeping,
    pub(super) secret: &'a Secret,
    pub(super) patient: &'a Patient,
    pub(super) tally: &'a mut Tally,
    /// Whether the object is not valid without certain dates: one with functional groups.
    pub(super) dated: bool,
}

impl Editor<'_> {
    /// The data set as it goes into the copy, with the marks that say so (PS3.3, C.12.1.1 and C.7.1.1; PS3.15, E.1.1).
    pub(super) fn data_set(&mut self, elements: Vec<Element>) -> Vec<Element> {
        let mut kept = self.inside(elements, Action::Keep, true);
        let pseudonym = self.patient.pseudonym.clone();
        put_text(&mut kept, tags::PATIENT_NAME, VR::PN, &pseudonym);
        put_text(&mut kept, tags::PATIENT_ID, VR::LO, &pseudonym);
        put_text(&mut kept, tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES");
        let modified = match self.keeping.dates {
            Dates::Shifted => "MODIFIED",
            Dates::Removed => "REMOVED",
        };
        let marked = tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED;
        put_text(&mut kept, marked, VR::CS, modified);
        let method = concat!(
            "Schwann ",
            env!("CARGO_PKG_VERSION"),
            "\\DICOM PS3.15 2026c table E.1-1"
        );
        put_text(&mut kept, tags::DEIDENTIFICATION_METHOD, VR::LO, method);
        let codes = self.keeping.codes().into_iter().map(|(code, meaning)| {
            let mut item = Vec::new();
            put_text(&mut item, tags::CODE_VALUE, VR::SH, code);
            put_text(&mut item, tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
            put_text(&mut item, tags::CODE_MEANING, VR::LO, meaning);
            item
        });
        let codes = Content::Items(codes.collect());
        put(
            &mut kept,
            tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
            codes,
        );
        kept
    }

    /// `within` is what is done to the sequence that holds them.
    fn inside(&mut self, elements: Vec<Element>, within: Action, top: bool) -> Vec<Element> {
        elements
            .into_iter()
            .filter_map(|element| self.element(element, within, top))
            .collect()
    }

    fn element(&mut self, element: Element, within: Action, top: bool) -> Option<Element> {
        let tag = element.tag;
        let group = tag.group();
        if group % 2 == 1 {
            self.tally.private += 1;
            return None;
        }
        // Lengths of groups, which are no longer right.
        if tag.element() == 0 || tag == LENGTH_TO_END {
            return None;
        }
        // Curves and overlays may hold what is written over an image; so may a picture inside a sequence, of which nothing is known.
        let drawn = matches!(group & 0xff00, 0x5000 | 0x6000);
        let unknown = StandardDataDictionary.by_tag(tag).is_none();
        let sealed = tag == tags::ENCRYPTED_ATTRIBUTES_SEQUENCE;
        if drawn || unknown || sealed || group > 0x7fe0 || (group == 0x7fe0 && !top) {
            self.tally.count(Done::Removed, tag);
            return None;
        }
        let content = match element.content {
            Content::Items(items) => {
                let action = self.keeping.sequence(tag);
                self.sequence(tag, items, action, within)?
            }
            Content::Value(vr, order, bytes) => {
                let bytes = self.value(tag, vr, bytes, within)?;
                Content::Value(vr, order, bytes)
            }
        };
        Some(Element { tag, content })
    }

    fn sequence(
        &mut self,
        tag: Tag,
        items: Vec<Vec<Element>>,
        action: Action,
        within: Action,
    ) -> Option<Content> {
        match action {
            Action::Keep | Action::Clean => {
                let within = if action == Action::Clean {
                    action
                } else {
                    within
                };
                let edited = items
                    .into_iter()
                    .map(|item| self.inside(item, within, false));
                Some(Content::Items(edited.collect()))
            }
            Action::Empty => {
                if !items.is_empty() {
                    self.tally.count(Done::Emptied, tag);
                }
                Some(Content::Items(Vec::new()))
            }
            _ => {
                self.tally.count(Done::Removed, tag);
                None
            }
        }
    }

    /// The value in the copy; nothing when the attribute is not in it.
    fn value(&mut self, tag: Tag, vr: VR, bytes: Vec<u8>, within: Action) -> Option<Vec<u8>> {
        let action = match self.keeping.action(tag, vr) {
            Action::Keep if within == Action::Clean => Action::Clean,
            Action::Dummy if !self.dated && matches!(vr, VR::DA | VR::DT | VR::TM) => Action::Empty,
            action => action,
        };
        if action == Action::Remove {
            self.tally.count(Done::Removed, tag);
            return None;
        }
        if bytes.iter().all(|b| matches!(b, b' ' | 0)) && is_text_like(vr) {
            return Some(Vec::new());
        }
        let (done, edited) = match action {
            Action::Keep | Action::Clean => match self.cleaned(tag, vr, &bytes, action) {
                Some(edited) => (Done::Cleaned, edited),
                None => return Some(bytes),
            },
            Action::Empty if matches!(tag, tags::PATIENT_NAME | tags::PATIENT_ID) => {
                (Done::Replaced, self.patient.pseudonym.clone().into_bytes())
            }
            Action::Empty => (Done::Emptied, Vec::new()),
            Action::Dummy => (Done::Replaced, dummy(vr, bytes.len())),
            Action::Uid => (Done::Replaced, self.uids(&bytes)),
            Action::Shift => match self.shifted(vr, &bytes) {
                Some(edited) => (Done::Shifted, edited),
                // No date: it could say anything.
                None => (Done::Emptied, Vec::new()),
            },
            Action::Age => match age(&bytes) {
                Some(edited) if edited == bytes => return Some(bytes),
                Some(edited) => (Done::Replaced, edited),
                None => (Done::Emptied, Vec::new()),
            },
            Action::Remove => return None,
        };
        self.tally.count(done, tag);
        Some(edited)
    }

    /// Text without what identifies; nothing when it stays as it is.
    fn cleaned(&self, tag: Tag, vr: VR, bytes: &[u8], action: Action) -> Option<Vec<u8>> {
        if !is_text(vr) {
            return None;
        }
        let strictly = action == Action::Clean && vr != VR::CS;
        let numbers = strictly.then(|| without_numbers(bytes)).flatten();
        let from = numbers.as_deref().unwrap_or(bytes);
        let words = if NOT_CLEANED.contains(&tag) {
            None
        } else {
            without(from, &self.patient.words)
        };
        words.or(numbers)
    }

    fn uids(&self, bytes: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes);
        let uids: Vec<String> = text
            .split('\\')
            .map(|uid| self.uid(uid.trim_matches([' ', '\0'])))
            .collect();
        uids.join("\\").into_bytes()
    }

    /// What stands for a UID. Those that the standard itself gives are the same for everybody.
    pub(super) fn uid(&self, uid: &str) -> String {
        if uid.is_empty() || is_of_the_standard(uid) {
            uid.to_owned()
        } else {
            self.secret.uid(uid)
        }
    }

    fn shifted(&self, vr: VR, bytes: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let days = self.patient.days;
        let parts: Option<Vec<String>> = text
            .split('\\')
            .map(|part| match vr {
                _ if part.trim_matches([' ', '\0']).is_empty() => Some(String::new()),
                VR::DA => earlier_date(part, days),
                VR::DT => earlier_moment(part, days),
                _ => is_time(part).then(|| part.trim_matches([' ', '\0']).to_owned()),
            })
            .collect();
        parts.map(|parts| parts.join("\\").into_bytes())
    }
}

fn is_of_the_standard(uid: &str) -> bool {
    uid.len() <= 64
        && uid.starts_with("1.2.840.10008.")
        && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether nothing but padding is an empty value.
fn is_text_like(vr: VR) -> bool {
    is_text(vr)
        || matches!(
            vr,
            VR::UI | VR::DA | VR::DT | VR::TM | VR::AS | VR::DS | VR::IS
        )
}

/// An age of more than 89 years tells much of a person.
fn age(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\0']);
    let (number, unit) = text.split_at_checked(3)?;
    let years: u32 = number.parse().ok().filter(|_| !number.starts_with('+'))?;
    match unit {
        "Y" if years > 89 => Some(b"090Y".to_vec()),
        "Y" | "M" | "W" | "D" => Some(bytes.to_vec()),
        _ => None,
    }
}

/// A value that says nothing.
fn dummy(vr: VR, length: usize) -> Vec<u8> {
    match vr {
        VR::DA => b"19000101".to_vec(),
        VR::DT => b"19000101000000".to_vec(),
        VR::TM => b"000000".to_vec(),
        VR::DS | VR::IS => b"0".to_vec(),
        VR::AS => b"000Y".to_vec(),
        _ if is_text(vr) => DUMMY.to_vec(),
        _ => vec![0; length],
    }
}

fn put_text(elements: &mut Vec<Element>, tag: Tag, vr: VR, text: &str) {
    let content = Content::Value(vr, ByteOrder::Little, text.as_bytes().to_vec());
    put(elements, tag, content);
}

/// Puts an element where its tag belongs, in place of one that is there.
fn put(elements: &mut Vec<Element>, tag: Tag, content: Content) {
    elements.retain(|e| e.tag != tag);
    let at = elements.partition_point(|e| e.tag < tag);
    elements.insert(at, Element { tag, content });
}
