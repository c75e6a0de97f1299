//! Siemens' CSA header (version 2, `SV10`): named lists of texts in a private attribute. Only mosaics need it: it says how many slices one
//! holds and which way they are stacked. The layout is known from nibabel's and GDCM's documentation of it.

/// More names than any such header holds.
const MOST_TAGS: u32 = 1024;
/// More texts than any name has.
const MOST_ITEMS: u32 = 4096;

/// The texts of one name; nothing when the header does not hold it or cannot be followed.
pub(super) fn csa_texts(bytes: &[u8], name: &str) -> Option<Vec<String>> {
    let mut reader = Reader { bytes };
    if reader.take(4)? == b"SV10" {
        reader.take(4)?;
    } else {
        // Version 1 begins with the count of tags at once.
        reader = Reader { bytes };
    }
    let version2 = bytes.starts_with(b"SV10");
    let tags = reader.u32()?;
    reader.u32()?;
    if tags > MOST_TAGS {
        return None;
    }
    for _ in 0..tags {
        let tag = until_zero(reader.take(64)?);
        // Multiplicity, value representation, syngo's type, then the count of items and a check number.
        reader.take(4 + 4 + 4)?;
        let items = reader.u32()?;
        reader.u32()?;
        if items > MOST_ITEMS {
            return None;
        }
        let mut texts = Vec::new();
        for _ in 0..items {
            let first = reader.u32()?;
            let second = reader.u32()?;
            reader.take(8)?;
            // The length stands in the second number; version 1 adds an offset to the first.
            let length = if version2 { second } else { first.min(second) } as usize;
            let value = reader.take(length)?;
            // Up to the next multiple of four, which the last item may lack.
            let padding = length.next_multiple_of(4) - length;
            reader.take(padding.min(reader.bytes.len()))?;
            let text = until_zero(value).trim().to_owned();
            if tag == name && !text.is_empty() {
                texts.push(text);
            }
        }
        if tag == name {
            return (!texts.is_empty()).then_some(texts);
        }
    }
    None
}

/// The numbers of one name.
pub(super) fn csa_numbers(bytes: &[u8], name: &str) -> Option<Vec<f64>> {
    csa_texts(bytes, name)?
        .iter()
        .map(|text| text.parse().ok().filter(|x: &f64| x.is_finite()))
        .collect()
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?
            .first_chunk()
            .map(|bytes| u32::from_le_bytes(*bytes))
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header with one name and its texts, written as syngo does.
    fn header(name: &str, texts: &[&str]) -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(77_u32.to_le_bytes());
        let mut field = [0; 64];
        field[..name.len()].copy_from_slice(name.as_bytes());
        bytes.extend(field);
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(b"IS\0\0");
        bytes.extend(6_u32.to_le_bytes());
        bytes.extend((texts.len() as u32).to_le_bytes());
        bytes.extend(77_u32.to_le_bytes());
        for text in texts {
            let length = text.len() as u32;
            for number in [length, length, 77, length] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn numbers_of_a_name_are_found() {
        let bytes = header("SliceNormalVector", &["0.0", "-0.5 ", "0.8660254"]);
        let found = csa_numbers(&bytes, "SliceNormalVector");
        assert_eq!(found, Some(vec![0.0, -0.5, 0.866_025_4]));
        assert_eq!(csa_numbers(&bytes, "NumberOfImagesInMosaic"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), v2 in any::<bool>()) {
            if v2 {
                bytes.splice(..bytes.len().min(4), *b"SV10");
            }
            prop_assert!(csa_texts(&bytes, "x").is_none_or(|t| !t.is_empty()));
        }

        #[test]
        fn a_cut_header_gives_nothing_or_what_it_holds(cut in 0_usize..220, flip in 0_usize..220, to in any::<u8>()) {
            let mut bytes = header("NumberOfImagesInMosaic", &["27"]);
            if let Some(byte) = bytes.get_mut(flip) {
                *byte = to;
            }
            bytes.truncate(cut);
            let found = csa_texts(&bytes, "NumberOfImagesInMosaic");
            prop_assert!(found.is_none_or(|t| t.len() <= 1));
        }
    }
}
