//! Data elements as DICOM writes them: value representations from the dictionary, text within its lengths, numbers within 16 characters.
use crate::io::dicom::code::Code;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;

/// A data set, or an item of a sequence, that is being made.
#[derive(Debug, Clone)]
pub(super) struct Elements(InMemDicomObject);

impl Elements {
    pub(super) fn new() -> Self {
        Self(InMemDicomObject::new_empty())
    }

    fn put(&mut self, tag: Tag, vr: VR, value: PrimitiveValue) {
        self.0.put(DataElement::new(tag, vr, value));
    }

    /// An element without a value: known to be unknown (type 2).
    pub(super) fn empty(&mut self, tag: Tag) {
        self.put(tag, vr_of(tag), PrimitiveValue::Empty);
    }

    /// One text, shortened to what its value representation holds; backslashes and control characters, which would end it, are replaced.
    pub(super) fn text(&mut self, tag: Tag, text: &str) {
        let vr = vr_of(tag);
        match fitted(vr, text) {
            text if text.is_empty() => self.empty(tag),
            text => self.put(tag, vr, PrimitiveValue::Str(text)),
        }
    }

    /// The name of a person as people write it: `Given Family` or `Family, Given`; one in DICOM's own form stays as it is.
    pub(super) fn person(&mut self, tag: Tag, name: &str) {
        self.text(tag, &person_name(name));
    }

    /// Text of another file as it stands, with the backslashes that part its values; of people there is one, and no second is made of a name.
    pub(super) fn copied_text(&mut self, tag: Tag, text: &str) {
        let vr = vr_of(tag);
        let text = match vr {
            VR::PN => text.replace('\\', "/"),
            _ => text.to_owned(),
        };
        self.put(tag, vr, PrimitiveValue::Str(text));
    }

    /// Several texts.
    pub(super) fn texts(&mut self, tag: Tag, texts: &[&str]) {
        let vr = vr_of(tag);
        let texts: Vec<String> = texts.iter().map(|text| fitted(vr, text)).collect();
        self.put(tag, vr, PrimitiveValue::Strs(texts.into()));
    }

    /// Decimal numbers as text (DS).
    pub(super) fn decimals(&mut self, tag: Tag, numbers: &[f64]) {
        let texts: Vec<String> = numbers.iter().map(|&x| decimal(x)).collect();
        self.put(tag, VR::DS, PrimitiveValue::Strs(texts.into()));
    }

    /// A whole number as text (IS).
    pub(super) fn integer(&mut self, tag: Tag, number: i32) {
        self.put(tag, VR::IS, PrimitiveValue::Str(number.to_string()));
    }

    /// Whole numbers as text (IS).
    pub(super) fn integers(&mut self, tag: Tag, numbers: &[i32]) {
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        self.put(tag, VR::IS, PrimitiveValue::Strs(texts.into()));
    }

    /// 16-bit whole numbers (US).
    pub(super) fn shorts(&mut self, tag: Tag, numbers: &[u16]) {
        self.put(tag, VR::US, PrimitiveValue::U16(numbers.into()));
    }

    /// 32-bit whole numbers (UL).
    pub(super) fn longs(&mut self, tag: Tag, numbers: &[u32]) {
        self.put(tag, VR::UL, PrimitiveValue::U32(numbers.into()));
    }

    /// Numbers of single precision (FL).
    pub(super) fn floats(&mut self, tag: Tag, numbers: &[f32]) {
        self.put(tag, VR::FL, PrimitiveValue::F32(numbers.into()));
    }

    /// Numbers of double precision (FD).
    pub(super) fn doubles(&mut self, tag: Tag, numbers: &[f64]) {
        self.put(tag, VR::FD, PrimitiveValue::F64(numbers.into()));
    }

    /// The name of another element (AT).
    pub(super) fn pointer(&mut self, tag: Tag, to: Tag) {
        self.put(tag, VR::AT, PrimitiveValue::from(to));
    }

    /// Bytes (OB), padded to an even number.
    pub(super) fn bytes(&mut self, tag: Tag, mut bytes: Vec<u8>) {
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        self.put(tag, VR::OB, PrimitiveValue::U8(bytes.into()));
    }

    /// A sequence.
    pub(super) fn items(&mut self, tag: Tag, items: Vec<Self>) {
        let items: Vec<InMemDicomObject> = items.into_iter().map(|item| item.0).collect();
        self.0
            .put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
    }

    /// A sequence of one item.
    pub(super) fn item(&mut self, tag: Tag, item: Self) {
        self.items(tag, vec![item]);
    }

    /// A sequence of one coded concept (PS3.3, 8.8).
    pub(super) fn code(&mut self, tag: Tag, code: Code) {
        self.item(tag, Self::coded(code));
    }

    /// The item of a coded concept.
    pub(super) fn coded(code: Code) -> Self {
        let mut item = Self::new();
        item.text(tags::CODE_VALUE, code.value);
        item.text(tags::CODING_SCHEME_DESIGNATOR, code.scheme);
        item.text(tags::CODE_MEANING, code.meaning);
        item
    }

    /// A text that was put before.
    pub(super) fn get(&self, tag: Tag) -> Option<String> {
        let text = self.0.get(tag)?.value().to_str().ok()?;
        let text = text.trim_end_matches([' ', '\0']).to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Bytes of the longest value whose length is written with 16 bits in explicit syntaxes.
    pub(super) fn longest_short_value(&self) -> usize {
        longest_short_value(&self.0)
    }

    pub(super) fn into_object(self) -> InMemDicomObject {
        self.0
    }
}

fn longest_short_value(object: &InMemDicomObject) -> usize {
    let lengths = object.iter().map(|element| match element.value() {
        Value::Sequence(sequence) => {
            let items = sequence.items().iter().map(longest_short_value);
            items.max().unwrap_or(0)
        }
        Value::Primitive(value) if !matches!(element.vr(), VR::OB | VR::OW | VR::UT) => {
            value.calculate_byte_len()
        }
        _ => 0,
    });
    lengths.max().unwrap_or(0)
}

/// The value representation of a standard element; those whose bytes may be of several kinds are put by [`Elements::bytes`].
fn vr_of(tag: Tag) -> VR {
    StandardDataDictionary
        .by_tag(tag)
        .map_or(VR::UN, |entry| entry.vr().relaxed())
}

/// `Family^Given` (PS3.5, 6.2.1).
fn person_name(name: &str) -> String {
    let name = name.trim();
    if name.contains(['^', '=']) {
        return name.to_owned();
    }
    let parts = name
        .split_once(',')
        .or_else(|| name.rsplit_once(' ').map(|(given, family)| (family, given)));
    match parts {
        Some((family, given)) => format!("{}^{}", family.trim(), given.trim()),
        // Without a caret it would be read as a name of the time before components.
        None => format!("{name}^"),
    }
}

/// Text in the form and length that a value representation allows (PS3.5, 6.2).
fn fitted(vr: VR, text: &str) -> String {
    let most = match vr {
        VR::SH | VR::CS => 16,
        VR::LO | VR::PN | VR::UI => 64,
        VR::ST => 1024,
        VR::LT => 10_240,
        _ => usize::MAX,
    };
    // Paragraphs may hold line ends and backslashes; in lines a backslash parts values.
    let paragraph = matches!(vr, VR::ST | VR::LT | VR::UT);
    let text: String = text
        .chars()
        .map(|c| match c {
            '\r' | '\n' if paragraph => c,
            '\\' if !paragraph => '/',
            c if c.is_control() => ' ',
            c if vr == VR::CS => match c.to_ascii_uppercase() {
                c if c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ' => c,
                _ => '_',
            },
            c => c,
        })
        .collect();
    let text: String = text.trim().chars().take(most).collect();
    text.trim_end().to_owned()
}

/// A number in at most 16 characters, as near as they allow (PS3.5, 6.2: DS). What is not finite, which no caller has, becomes 0.
pub(super) fn decimal(x: f64) -> String {
    const MOST: usize = 16;
    let x = if x.is_finite() && x != 0.0 { x } else { 0.0 };
    let whole = format!("{x}");
    if whole.len() <= MOST {
        return whole;
    }
    let plain = (0..=14).rev().map(|digits| format!("{x:.digits$}"));
    let raised = (0..=10).rev().map(|digits| format!("{x:.digits$e}"));
    // Far from 1, digits behind a power of ten are nearer than those behind the point.
    let forms: Vec<String> = if (1e-4..1e15).contains(&x.abs()) {
        plain.collect()
    } else {
        raised.collect()
    };
    let fits = forms.into_iter().find(|text| text.len() <= MOST);
    let text = fits.unwrap_or_else(|| "0".to_owned());
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_take_sixteen_characters() {
        for (x, text) in [
            (0.5, "0.5"),
            (-0.0, "0"),
            (1.0 / 3.0, "0.33333333333333"),
            (-123.456_789_012_345_67, "-123.45678901235"),
            (1e-17, "1e-17"),
            (f64::NAN, "0"),
        ] {
            let written = decimal(x);
            assert!(
                written == text || (written.parse::<f64>().unwrap() - x).abs() < 1e-11,
                "{written}, not {text}"
            );
            assert!(written.len() <= 16, "{written}");
        }
    }

    #[test]
    fn names_of_people_get_their_components() {
        assert_eq!(person_name("Ada Mary Reader"), "Reader^Ada Mary");
        assert_eq!(person_name("Reader, A."), "Reader^A.");
        assert_eq!(person_name("Reader^Ada"), "Reader^Ada");
        assert_eq!(person_name("Reader"), "Reader^");
    }

    #[test]
    fn no_backslash_of_another_file_makes_two_people_of_one() {
        let mut elements = Elements::new();
        for tag in [tags::PATIENT_NAME, tags::STUDY_DESCRIPTION] {
            elements.copied_text(tag, "M\\374ller");
        }
        let written = |tag| elements.get(tag).unwrap();
        assert_eq!(written(tags::PATIENT_NAME), "M/374ller");
        assert_eq!(written(tags::STUDY_DESCRIPTION), "M\\374ller");
    }

    #[test]
    fn text_keeps_to_its_representation() {
        assert_eq!(fitted(VR::LO, "a\\b\nc "), "a/b c");
        assert_eq!(fitted(VR::CS, "vs-draft"), "VS_DRAFT");
        assert_eq!(fitted(VR::CS, "ISO_IR 192"), "ISO_IR 192");
        assert_eq!(fitted(VR::LO, &"é".repeat(80)).chars().count(), 64);
        assert_eq!(fitted(VR::LT, "a\\b\nc"), "a\\b\nc");
    }

    proptest! {
        #[test]
        fn a_number_comes_back_as_near_as_its_characters_allow(x in -1e12_f64..1e12) {
            let text = decimal(x);
            prop_assert!(text.len() <= 16, "{}", text);
            let back: f64 = text.parse().unwrap();
            prop_assert!((back - x).abs() <= 1e-9 * x.abs().max(1e-3), "{} for {}", text, x);
        }
    }
}
