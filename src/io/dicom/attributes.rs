//! Attributes of a data set: values as bytes, and nested items.
use dicom_core::{Tag, VR};
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

/// How values of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// Values and items of one data set, of those tags that are kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    values: Vec<Value>,
    sequences: Vec<(Tag, Vec<Attributes>)>,
}

/// One attribute of a data set that is read whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) content: Content,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// The bytes of its values as they are written.
    Value(VR, ByteOrder, Vec<u8>),
    /// The items of a sequence.
    Items(Vec<Vec<Element>>),
}

#[derive(Debug, Clone)]
struct Value {
    tag: Tag,
    vr: VR,
    order: ByteOrder,
    bytes: Box<[u8]>,
}

impl Attributes {
    pub(super) fn put(&mut self, tag: Tag, vr: VR, order: ByteOrder, bytes: Vec<u8>) {
        self.values.push(Value {
            tag,
            vr,
            order,
            bytes: bytes.into_boxed_slice(),
        });
    }

    pub(super) fn put_items(&mut self, tag: Tag, items: Vec<Attributes>) {
        self.sequences.push((tag, items));
    }

    /// Everything in the order of tags, nested as it was. Recursion goes no deeper than the reader does.
    pub(super) fn into_elements(self) -> Vec<Element> {
        let values = self.values.into_iter().map(|v| Element {
            tag: v.tag,
            content: Content::Value(v.vr, v.order, v.bytes.into_vec()),
        });
        let sequences = self.sequences.into_iter().map(|(tag, items)| Element {
            tag,
            content: Content::Items(items.into_iter().map(Self::into_elements).collect()),
        });
        let mut elements: Vec<Element> = values.chain(sequences).collect();
        elements.sort_by_key(|element| element.tag);
        elements
    }

    fn value(&self, tag: Tag) -> Option<&Value> {
        self.values.iter().find(|v| v.tag == tag)
    }

    /// The value as it stands.
    pub(super) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.value(tag).map(|v| &*v.bytes)
    }

    /// All items of a sequence.
    pub(super) fn items(&self, tag: Tag) -> &[Attributes] {
        self.sequences
            .iter()
            .find(|(t, _)| *t == tag)
            .map_or(&[], |(_, items)| items)
    }

    /// The first item of a sequence.
    pub(super) fn item(&self, tag: Tag) -> Option<&Attributes> {
        self.items(tag).first()
    }

    /// Text of code strings, dates and UIDs: no character set, padding removed, nothing when empty.
    pub(super) fn code(&self, tag: Tag) -> Option<String> {
        let text = String::from_utf8_lossy(self.bytes(tag)?).into_owned();
        trimmed(&text)
    }

    /// Parts of a code string between backslashes.
    pub(super) fn codes(&self, tag: Tag) -> Vec<String> {
        self.code(tag).map_or_else(Vec::new, |text| {
            text.split('\\').map(|s| s.trim().to_owned()).collect()
        })
    }

    /// Text for people, in the character set of the file.
    pub(super) fn text(&self, tag: Tag, characters: &Characters) -> Option<String> {
        trimmed(&characters.decode(self.bytes(tag)?))
    }

    /// Numbers, whatever way they are written; none when one of them is no number.
    pub(super) fn numbers(&self, tag: Tag) -> Vec<f64> {
        self.value(tag).map_or_else(Vec::new, Value::numbers)
    }

    /// The first number, if it is finite.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag).first().copied().filter(|x| x.is_finite())
    }

    /// The first number, if it is whole.
    pub(super) fn integer(&self, tag: Tag) -> Option<i64> {
        self.number(tag)
            .filter(|x| x.fract() == 0.0 && x.abs() < 9e15)
            .map(|x| x as i64)
    }
}

impl Value {
    fn numbers(&self) -> Vec<f64> {
        match self.vr {
            VR::US => self.words(|b: [u8; 2]| f64::from(u16::from_le_bytes(b))),
            VR::OW if self.bytes.len() == 2 => {
                self.words(|b: [u8; 2]| f64::from(u16::from_le_bytes(b)))
            }
            VR::SS => self.words(|b: [u8; 2]| f64::from(i16::from_le_bytes(b))),
            VR::UL => self.words(|b: [u8; 4]| f64::from(u32::from_le_bytes(b))),
            VR::SL => self.words(|b: [u8; 4]| f64::from(i32::from_le_bytes(b))),
            VR::FL => self.words(|b: [u8; 4]| f64::from(f32::from_le_bytes(b))),
            VR::FD => self.words(f64::from_le_bytes),
            _ => {
                let text = String::from_utf8_lossy(&self.bytes);
                let numbers: Option<Vec<f64>> = text
                    .split('\\')
                    .map(|part| {
                        part.trim_matches(|c: char| c.is_whitespace() || c == '\0')
                            .parse()
                            .ok()
                    })
                    .collect();
                numbers.unwrap_or_default()
            }
        }
    }

    fn words<const N: usize>(&self, number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (words, _) = self.bytes.as_chunks::<N>();
        words
            .iter()
            .map(|word| {
                let mut word = *word;
                if self.order == ByteOrder::Big {
                    word.reverse();
                }
                number(word)
            })
            .collect()
    }
}

fn trimmed(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    (!text.is_empty()).then(|| {
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    })
}

/// The character set of a file's text (PS3.5, 6.1).
#[derive(Debug, Clone, Default)]
pub(super) struct Characters {
    /// The sets that the file names and that are known; without code extensions there is one.
    known: Vec<SpecificCharacterSet>,
    /// The first that is not.
    pub(super) unknown: Option<String>,
}

impl Characters {
    /// From Specific Character Set (0008,0005).
    pub(super) fn of(attributes: &Attributes) -> Self {
        let mut characters = Self::default();
        for code in attributes.codes(dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET) {
            if code.is_empty() {
                continue;
            }
            match SpecificCharacterSet::from_code(&code) {
                Some(set) => characters.known.push(set),
                None => characters.unknown = characters.unknown.take().or(Some(code)),
            }
        }
        characters
    }

    /// Bytes as text; what cannot be decoded becomes the replacement character.
    fn decode(&self, bytes: &[u8]) -> String {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if bytes.contains(&0x1b) {
            return extended(bytes).unwrap_or_else(|| lossy(bytes));
        }
        if bytes.is_ascii() {
            return lossy(bytes);
        }
        self.known
            .iter()
            .find_map(|set| set.decode(bytes).ok())
            .unwrap_or_else(|| lossy(bytes))
    }
}

/// Text with code extensions (ISO/IEC 2022): the escape sequence in it says which set follows. Korean and Chinese leave ASCII where it is;
/// Japanese switches to and fro.
fn extended(bytes: &[u8]) -> Option<String> {
    for (escape, code) in [
        (b"\x1b$)C", "ISO 2022 IR 149"),
        (b"\x1b$)A", "ISO 2022 IR 58"),
    ] {
        if bytes.windows(escape.len()).any(|w| w == escape) {
            let mut plain = Vec::with_capacity(bytes.len());
            let mut rest = bytes;
            while let Some((&first, behind)) = rest.split_first() {
                if let Some(behind) = rest.strip_prefix(escape) {
                    rest = behind;
                } else {
                    plain.push(first);
                    rest = behind;
                }
            }
            return SpecificCharacterSet::from_code(code)?.decode(&plain).ok();
        }
    }
    SpecificCharacterSet::from_code("ISO 2022 IR 87")?
        .decode(bytes)
        .ok()
}

/// `Family^Given^Middle=ideographic=phonetic` as people write it; the first group that holds a name.
pub(super) fn person(name: &str) -> String {
    let group = name
        .split('=')
        .find(|g| !g.trim_matches('^').trim().is_empty())
        .unwrap_or_default();
    let mut parts = group.split('^').map(str::trim).filter(|p| !p.is_empty());
    let family = parts.next().unwrap_or_default().to_owned();
    let given: Vec<&str> = parts.collect();
    if given.is_empty() {
        family
    } else {
        format!("{family}, {}", given.join(" "))
    }
}

/// `YYYYMMDD` (or `YYYY.MM.DD` of old files) as ISO 8601; nothing when it is no date.
pub(super) fn date(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    let text = text.trim();
    if digits.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let digits = String::from_utf8(digits).ok()?;
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let inside = |text: &str, most: u32| text.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    (inside(month, 12) && inside(day, 31)).then(|| format!("{year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates_are_written_as_people_do() {
        assert_eq!(person("Doe^Jane^Mary"), "Doe, Jane Mary");
        assert_eq!(person("^^=山田^太郎"), "山田, 太郎");
        assert_eq!(person("^"), "");
        assert_eq!(date("20240131").as_deref(), Some("2024-01-31"));
        assert_eq!(date("2024.01.31").as_deref(), Some("2024-01-31"));
        assert_eq!(date("20241331"), None);
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn code_extensions_are_followed() {
        // The examples of PS3.5, annexes H, I and K.
        let name = |codes: &str, bytes: &[u8]| {
            let tag = dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET;
            let (mut a, order) = (Attributes::default(), ByteOrder::Little);
            a.put(tag, VR::CS, order, codes.as_bytes().to_vec());
            a.put(Tag(0x10, 0x10), VR::PN, order, bytes.to_vec());
            a.text(Tag(0x10, 0x10), &Characters::of(&a)).unwrap()
        };
        let japanese = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B";
        assert_eq!(name("\\ISO 2022 IR 87", japanese), "Yamada^Tarou=山田^太郎");
        let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7";
        assert_eq!(name("\\ISO 2022 IR 149", korean), "Hong^Gildong=洪^吉洞");
        let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab";
        assert_eq!(name("\\ISO 2022 IR 58", chinese), "Zhang^XiaoDong=张^小东");
        assert_eq!(name("ISO_IR 100", b"Buc^J\xe9r\xf4me"), "Buc^Jérôme");
        assert_eq!(name("ISO_IR 192", "Ковач".as_bytes()), "Ковач");
    }

    #[test]
    fn numbers_are_read_in_both_byte_orders_and_as_text() {
        let tag = Tag(0x28, 0x10);
        let mut a = Attributes::default();
        a.put(tag, VR::US, ByteOrder::Big, vec![1, 0]);
        a.put(
            Tag(0x28, 0x30),
            VR::DS,
            ByteOrder::Little,
            b"0.5\\ 1.25 ".to_vec(),
        );
        a.put(
            Tag(0x28, 0x31),
            VR::DS,
            ByteOrder::Little,
            b"0.5\\x".to_vec(),
        );
        assert_eq!(a.integer(tag), Some(256));
        assert_eq!(a.numbers(Tag(0x28, 0x30)), [0.5, 1.25]);
        assert!(a.numbers(Tag(0x28, 0x31)).is_empty());
    }
}
