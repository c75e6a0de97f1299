//! The header of a DICOM file: everything before the pixels.
use super::DicomError;
use super::attributes::Attributes;
use super::data_set::{DataSet, Pixels, read_data_set};
use super::kept::Keep;
use super::source::Source;
use super::syntax::Syntax;
use dicom_dictionary_std::tags;
use flate2::read::DeflateDecoder;
use std::io::{Cursor, Read};

/// Bytes that a deflated header may inflate to.
const MOST_INFLATED: u64 = 256 << 20;
/// Preamble and file meta information lie in these first bytes.
const META: u64 = 1 << 14;

/// A file without its pixels.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) attributes: Attributes,
    pub(super) syntax: Syntax,
    /// Media Storage SOP Class UID, or SOP Class UID.
    pub(super) class: String,
    pub(super) pixels: Option<Pixels>,
    /// Where the data set begins in the file.
    pub(super) start: u64,
}

/// Reads the header of a file, to find and read a scan.
///
/// # Errors
/// One word for every way in which it can be broken.
pub(super) fn read_header(source: &Source) -> Result<Header, DicomError> {
    read_header_keeping(source, Keep::Scan)
}

/// The same for another purpose, for which other attributes are kept.
///
/// # Errors
/// As [`read_header`].
pub(super) fn read_header_keeping(source: &Source, keep: Keep) -> Result<Header, DicomError> {
    let unreadable = |e: std::io::Error| DicomError::Unreadable(e.to_string());
    let (mut file, size) = source.open(0).map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(META)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let meta = meta(&head)?;
    let start = meta.end;
    let first = head.get(start..).unwrap_or_default().to_vec();
    let syntax = match meta.syntax {
        Some(uid) => Syntax::new(&uid),
        None => guess(&first, meta.preamble)?,
    };
    let grammar = if syntax.deflated {
        syntax.grammar(&[])
    } else {
        syntax.grammar(&first)
    };
    let rest = Cursor::new(first).chain(file);
    let DataSet { attributes, pixels } = if syntax.deflated {
        let inflated = DeflateDecoder::new(rest).take(MOST_INFLATED);
        read_data_set(inflated, grammar, keep, 0, u64::MAX)?
    } else {
        read_data_set(rest, grammar, keep, start as u64, size)?
    };
    let class = meta
        .class
        .or_else(|| attributes.code(tags::SOP_CLASS_UID))
        .unwrap_or_default();
    if attributes.code(tags::SOP_CLASS_UID).is_none()
        && attributes.code(tags::SERIES_INSTANCE_UID).is_none()
        && class.is_empty()
    {
        return Err(DicomError::NotDicom);
    }
    Ok(Header {
        attributes,
        syntax,
        class,
        pixels,
        start: start as u64,
    })
}

/// Whether a file's first bytes are those of a DICOM file.
pub(super) fn looks_dicom(head: &[u8]) -> bool {
    match meta(head) {
        Ok(meta) if meta.preamble || meta.syntax.is_some() => true,
        Ok(meta) => guess(head.get(meta.end..).unwrap_or_default(), false).is_ok(),
        Err(_) => true,
    }
}

#[derive(Debug, Default)]
struct Meta {
    preamble: bool,
    /// Where the data set begins.
    end: usize,
    syntax: Option<String>,
    class: Option<String>,
}

/// File meta information (PS3.10, 7.1): explicit, little-endian, elements of group 2, with or without a preamble before it.
fn meta(head: &[u8]) -> Result<Meta, DicomError> {
    let preamble = head.get(128..132) == Some(b"DICM");
    let mut meta = Meta {
        preamble,
        end: if preamble { 132 } else { 0 },
        ..Meta::default()
    };
    loop {
        let rest = head.get(meta.end..).unwrap_or_default();
        let (Some([2, 0, e0, e1]), Some([v0, v1])) = (rest.first_chunk(), rest.get(4..6)) else {
            return Ok(meta);
        };
        let (header, length) = if matches!(&[*v0, *v1], b"OB" | b"UN" | b"OW" | b"UT") {
            let length = rest.get(8..).and_then(|b| b.first_chunk());
            (12_usize, length.map(|b| u32::from_le_bytes(*b)))
        } else {
            let length = rest.get(6..).and_then(|b| b.first_chunk());
            (8, length.map(|b| u32::from(u16::from_le_bytes(*b))))
        };
        let value = length
            .and_then(|length| rest.get(header..header.checked_add(length as usize)?))
            .ok_or(DicomError::Truncated("its file meta information"))?;
        let text = || {
            let text = String::from_utf8_lossy(value);
            Some(text.trim_matches(['\0', ' ']).to_owned())
        };
        match [*e0, *e1] {
            [0x02, 0] => meta.class = text(),
            [0x10, 0] => meta.syntax = text(),
            _ => {}
        }
        meta.end += header + value.len();
    }
}

/// How a data set without file meta information is written, from its first element, which must be of group 8 unless a preamble says that
/// this is DICOM.
fn guess(first: &[u8], preamble: bool) -> Result<Syntax, DicomError> {
    let element = first.get(..8).ok_or(if preamble {
        DicomError::Truncated("its header")
    } else {
        DicomError::NotDicom
    })?;
    let explicit = element
        .get(4..6)
        .is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase));
    match element {
        [0, 8, ..] if explicit => Ok(Syntax::new("1.2.840.10008.1.2.2")),
        [8, 0, _, 0, ..] if explicit => Ok(Syntax::new("1.2.840.10008.1.2.1")),
        // The first element of a data set is short: a length, a character set, an image type or a UID.
        [8, 0, _, 0, _, _, 0, 0] => Ok(Syntax::new("1.2.840.10008.1.2")),
        _ => Err(DicomError::NotDicom),
    }
}
