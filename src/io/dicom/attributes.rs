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
        let (text, _) = characters.decode(self.bytes(tag)?);
        trimmed(&text)
    }

    /// Whether all text, nested text too, is in the character sets of the file.
    fn is_written_in(&self, characters: &Characters) -> bool {
        const TEXT: [VR; 7] = [VR::SH, VR::LO, VR::ST, VR::LT, VR::UC, VR::UT, VR::PN];
        let mut texts = self.values.iter().filter(|v| TEXT.contains(&v.vr));
        let mut items = self.sequences.iter().flat_map(|(_, items)| items);
        texts.all(|v| characters.decode(&v.bytes).1) && items.all(|i| i.is_written_in(characters))
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
    /// The first that is not; or all that the file names, where some of its text is in none of them.
    pub(super) unknown: Option<String>,
}

/// The default repertoire, which is in force where a file names no character set.
const ASCII: &str = "ISO_IR 6";

impl Characters {
    /// From Specific Character Set (0008,0005).
    pub(super) fn of(attributes: &Attributes) -> Self {
        let mut characters = Self::default();
        let mut codes = attributes.codes(dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET);
        codes.retain(|code| !code.is_empty());
        for code in &codes {
            match SpecificCharacterSet::from_code(code) {
                // It has no upper half, and would be taken for ISO 8859-1.
                Some(set) if set == SpecificCharacterSet::ISO_IR_6 => {}
                Some(set) => characters.known.push(set),
                None => characters.unknown = characters.unknown.take().or(Some(code.clone())),
            }
        }
        if characters.unknown.is_none() && !attributes.is_written_in(&characters) {
            characters.unknown = Some(match codes.as_slice() {
                [] => ASCII.to_owned(),
                named => named.join(", "),
            });
        }
        characters
    }

    /// Bytes as text, and whether all of them are in the sets that the file names. Escape sequences say which set follows (ISO/IEC 2022; PS3.5, 6.1.2.5).
    fn decode(&self, bytes: &[u8]) -> (String, bool) {
        let (mut text, mut sound) = (String::with_capacity(bytes.len()), true);
        let mut called = Called::default();
        for (n, part) in bytes.split(|&byte| byte == ESCAPE).enumerate() {
            let (part, known) = match n {
                0 => (part, true),
                _ => called.follow(part),
            };
            sound &= known;
            let runs: Vec<&[u8]> = if called.lower.is_some() {
                part.chunk_by(|a, b| a.is_ascii() == b.is_ascii()).collect()
            } else if called.upper.is_some() {
                part.split_inclusive(|byte| DELIMITERS.contains(byte))
                    .collect()
            } else {
                // In it the second byte of a letter may look like a delimiter.
                vec![part]
            };
            for run in runs {
                let (more, told) = self.run(run, &called);
                text.push_str(&more);
                sound &= told;
                let ends = run.last().is_some_and(|byte| DELIMITERS.contains(byte));
                if ends && called.lower.is_none() {
                    called.upper = None;
                }
            }
        }
        (text, sound)
    }

    /// Bytes between which no other set is called up. What is in no set that the file names is taken for UTF-8 where it is that, else for ISO 8859-1.
    fn run(&self, bytes: &[u8], called: &Called) -> (String, bool) {
        let found = match (called.lower, &called.upper) {
            (Some(escape), _) if bytes.is_ascii() => two_bytes(escape, bytes),
            _ if bytes.is_ascii() => String::from_utf8(bytes.to_vec()).ok(),
            (_, Some(set)) => decoded(set, bytes),
            (_, None) => self.known.iter().find_map(|set| decoded(set, bytes)),
        };
        match found {
            Some(text) => (text, true),
            None => match std::str::from_utf8(bytes) {
                Ok(text) => (text.to_owned(), false),
                Err(_) => (bytes.iter().copied().map(char::from).collect(), false),
            },
        }
    }
}

const ESCAPE: u8 = 0x1b;
/// Behind these the first set of the file is in force again.
const DELIMITERS: &[u8] = b"^=\\\r\n\x0c";

/// The sets that escape sequences have called up.
#[derive(Debug, Default)]
struct Called {
    /// The sequence of the set of two bytes a letter that stands for ASCII.
    lower: Option<&'static [u8]>,
    /// The set of bytes above ASCII; without one it is the file's first.
    upper: Option<SpecificCharacterSet>,
}

impl Called {
    /// Follows the sequence that begins behind an escape: what stands behind it, and whether its set is known here.
    fn follow<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let intermediate = |byte: &&u8| (0x20_u8..0x30).contains(*byte);
        let length = bytes.iter().take_while(intermediate).count() + 1;
        let Some((sequence, behind)) = bytes.split_at_checked(length).filter(|_| length > 1) else {
            return (bytes, false);
        };
        let upper = match sequence {
            // ASCII, and what JIS X 0201 has in its place.
            b"(B" | b"(J" => {
                self.lower = None;
                return (behind, true);
            }
            b"$B" | b"$@" => {
                self.lower = Some(b"\x1b$B");
                return (behind, true);
            }
            b"$(D" => {
                self.lower = Some(b"\x1b$(D");
                return (behind, true);
            }
            b"-A" => "ISO 2022 IR 100",
            b"-B" => "ISO 2022 IR 101",
            b"-C" => "ISO 2022 IR 109",
            b"-D" => "ISO 2022 IR 110",
            b"-F" => "ISO 2022 IR 126",
            b"-G" => "ISO 2022 IR 127",
            b"-H" => "ISO 2022 IR 138",
            b"-L" => "ISO 2022 IR 144",
            b"-T" => "ISO 2022 IR 166",
            b")I" => "ISO 2022 IR 13",
            b"$)A" => "ISO 2022 IR 58",
            b"$)C" => "ISO 2022 IR 149",
            _ => "",
        };
        self.upper = SpecificCharacterSet::from_code(upper);
        (behind, self.upper.is_some())
    }
}

/// Bytes in a set; nothing where one of them is not of it: the decoders write its number behind a backslash.
fn decoded(set: &SpecificCharacterSet, bytes: &[u8]) -> Option<String> {
    let text = set.decode(bytes).ok()?;
    let parts = bytes.split(|byte| *byte == b'\\').count();
    (text.split('\\').count() <= parts).then_some(text)
}

/// Japanese letters of two bytes; the decoder wants their escape sequence.
fn two_bytes(escape: &[u8], bytes: &[u8]) -> Option<String> {
    let set = SpecificCharacterSet::from_code("ISO 2022 IR 87")?;
    let text = set.decode(&[escape, bytes].concat()).ok()?;
    (!text.contains('\\')).then_some(text)
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

    /// A patient's name in a file that names these character sets, and the one that a warning tells of.
    fn named(codes: &str, bytes: &[u8]) -> (String, Option<String>) {
        let tag = dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET;
        let (mut a, order) = (Attributes::default(), ByteOrder::Little);
        if !codes.is_empty() {
            a.put(tag, VR::CS, order, codes.as_bytes().to_vec());
        }
        a.put(Tag(0x10, 0x10), VR::PN, order, bytes.to_vec());
        let characters = Characters::of(&a);
        let name = a.text(Tag(0x10, 0x10), &characters).unwrap();
        (name, characters.unknown)
    }

    #[test]
    fn code_extensions_are_followed() {
        // The examples of PS3.5, annexes H, I and K.
        let name = |codes: &str, bytes: &[u8]| {
            let (name, unknown) = named(codes, bytes);
            assert_eq!(unknown, None, "{codes}");
            name
        };
        let japanese = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B";
        assert_eq!(name("\\ISO 2022 IR 87", japanese), "Yamada^Tarou=山田^太郎");
        let phonetic = b"=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(
            name("\\ISO 2022 IR 87", &[&japanese[..], phonetic].concat()),
            "Yamada^Tarou=山田^太郎=やまだ^たろう"
        );
        let half_width = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
        assert_eq!(
            name("ISO 2022 IR 13\\ISO 2022 IR 87", half_width),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
        );
        let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7";
        assert_eq!(name("\\ISO 2022 IR 149", korean), "Hong^Gildong=洪^吉洞");
        let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab";
        assert_eq!(name("\\ISO 2022 IR 58", chinese), "Zhang^XiaoDong=张^小东");
        assert_eq!(name("ISO_IR 100", b"Buc^J\xe9r\xf4me"), "Buc^Jérôme");
        assert_eq!(name("ISO_IR 192", "Ковач".as_bytes()), "Ковач");
        let latin = b"\x1b-ABuc^\x1b-AJ\xe9r\xf4me";
        assert_eq!(name("\\ISO 2022 IR 100", latin), "Buc^Jérôme");
        // Behind a delimiter the first set is in force again.
        let both = b"\x1b-L\xbb\xee\xda^J\xe9r\xf4me";
        let sets = "ISO 2022 IR 100\\ISO 2022 IR 144";
        assert_eq!(name(sets, both), "Люк^Jérôme");
    }

    #[test]
    fn a_name_in_another_set_than_the_file_says_keeps_its_letters_and_is_told_of() {
        let cases: [(&str, &[u8], &str); 6] = [
            ("ISO_IR 192", b"M\xfcller", "ISO_IR 192"),
            ("", b"M\xfcller", "ISO_IR 6"),
            ("", "Müller".as_bytes(), "ISO_IR 6"),
            ("ISO_IR 6", b"M\xfcller", "ISO_IR 6"),
            ("\\ISO 2022 IR 87", b"M\xfcller", "ISO 2022 IR 87"),
            ("ISO 2022 IR 100", b"\x1b-MM\xfcller", "ISO 2022 IR 100"),
        ];
        for (codes, bytes, told) in cases {
            let (name, unknown) = named(codes, bytes);
            assert_eq!(name, "Müller", "{codes}");
            assert_eq!(unknown.as_deref(), Some(told), "{codes}");
        }
        let nested = {
            let (mut a, mut item) = (Attributes::default(), Attributes::default());
            item.put(Tag(0x40, 0xa123), VR::PN, ByteOrder::Little, vec![0xfc]);
            a.put_items(Tag(0x40, 0xa730), vec![item]);
            Characters::of(&a).unknown
        };
        assert_eq!(nested.as_deref(), Some("ISO_IR 6"));
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
