//! The header of a DICOM file: everything before the pixels.
//!
//! The grammar is dicom-rs's lazy reader, which neither recurses nor reads a value before it is asked to. What is kept, how deep sequences
//! go and how far a length may reach is decided here.
use super::DicomError;
use super::attributes::{Attributes, ByteOrder};
use super::kept::{keeps_sequence, keeps_value};
use super::source::Source;
use super::syntax::Syntax;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::text::SpecificCharacterSet;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_parser::{DynStatefulDecoder, StatefulDecode};
use flate2::read::DeflateDecoder;
use std::cell::Cell;
use std::io::{Cursor, Read};
use std::rc::Rc;

/// Sequences inside sequences; scanners need five.
const DEEPEST: usize = 32;
/// Bytes of one value that is kept.
const LONGEST_VALUE: u32 = 1 << 20;
/// Bytes of all of them; an enhanced series of a thousand frames has about one million.
const MOST_BYTES: usize = 64 << 20;
/// Items of sequences.
const MOST_ITEMS: usize = 400_000;
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

/// Where the pixels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pixels {
    /// First byte of the value (of the first fragment's item header when encapsulated), in the file or, when deflated, in what it inflates to.
    pub(super) offset: u64,
    /// Bytes; nothing when encapsulated.
    pub(super) length: Option<u64>,
}

/// Reads the header of a file.
///
/// # Errors
/// One word for every way in which it can be broken.
pub(super) fn read_header(source: &Source) -> Result<Header, DicomError> {
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
    let (bytes, begin, end): (Box<dyn Read>, u64, u64) = if syntax.deflated {
        let inflated = DeflateDecoder::new(rest).take(MOST_INFLATED);
        (Box::new(inflated), 0, u64::MAX)
    } else {
        (Box::new(rest), start as u64, size)
    };
    let position = Rc::new(Cell::new(begin));
    let counted = Counted {
        bytes,
        position: Rc::clone(&position),
    };
    let parser = DynStatefulDecoder::new_with(
        counted,
        &grammar,
        SpecificCharacterSet::default(),
        begin,
    )
    .map_err(|e| damaged(&e))?;
    let (attributes, pixels) = Walk {
        order: syntax.order(),
        position,
        end,
        kept: 0,
        items: 0,
    }
    .read(LazyDataSetReader::new(parser))?;
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

fn damaged(error: &dyn std::error::Error) -> DicomError {
    // The library's innermost reason says most.
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    let text = reason.to_string();
    if text.contains("failed to fill whole buffer") || text.contains("unexpected end of file") {
        DicomError::Truncated("its header")
    } else {
        DicomError::Damaged(text.lines().next().unwrap_or_default().to_owned())
    }
}

/// Counts the bytes that the parser has taken.
struct Counted {
    bytes: Box<dyn Read>,
    position: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
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

/// A data set that is being read.
struct Walk {
    order: ByteOrder,
    position: Rc<Cell<u64>>,
    /// Bytes of the file.
    end: u64,
    kept: usize,
    items: usize,
}

/// What the reader is inside of.
enum Open {
    Sequence {
        tag: Tag,
        kept: bool,
        items: Vec<Attributes>,
    },
    Item {
        kept: bool,
        attributes: Attributes,
    },
}

impl Walk {
    fn read(
        mut self,
        mut reader: LazyDataSetReader<DynStatefulDecoder<Counted>>,
    ) -> Result<(Attributes, Option<Pixels>), DicomError> {
        let mut root = Attributes::default();
        let mut open: Vec<Open> = Vec::new();
        let mut element: Option<(Tag, VR)> = None;
        while let Some(token) = reader.advance() {
            let token = token.map_err(|e| damaged(&e))?;
            match token {
                LazyDataToken::ElementHeader(header) => {
                    if open.is_empty() && header.tag >= tags::FLOAT_PIXEL_DATA {
                        let pixels = (header.tag == tags::PIXEL_DATA).then(|| Pixels {
                            offset: self.position.get(),
                            length: header.len.get().map(u64::from),
                        });
                        return Ok((root, pixels));
                    }
                    element = Some((header.tag, header.vr));
                }
                LazyDataToken::PixelSequenceStart => {
                    if open.is_empty() {
                        let pixels = Pixels {
                            offset: self.position.get(),
                            length: None,
                        };
                        return Ok((root, Some(pixels)));
                    }
                    return Err(DicomError::Damaged("pixels inside a sequence".to_owned()));
                }
                LazyDataToken::SequenceStart { tag, .. } => {
                    if open.len() >= 2 * DEEPEST {
                        return Err(DicomError::Nested(DEEPEST));
                    }
                    let kept = keeps_sequence(tag) && inside_kept(&open);
                    let items = Vec::new();
                    open.push(Open::Sequence { tag, kept, items });
                }
                LazyDataToken::ItemStart { .. } => {
                    self.items += 1;
                    if self.items > MOST_ITEMS {
                        return Err(DicomError::HeaderTooLarge);
                    }
                    let kept = inside_kept(&open);
                    let attributes = Attributes::default();
                    open.push(Open::Item { kept, attributes });
                }
                LazyDataToken::ItemEnd => close_item(&mut open)?,
                LazyDataToken::SequenceEnd => close_sequence(&mut open, &mut root)?,
                value @ LazyDataToken::LazyValue { .. } => {
                    let (tag, vr) = element.take().unwrap_or((Tag(0, 0), VR::UN));
                    let kept = inside_kept(&open) && keeps_value(tag);
                    if let Some(bytes) = self.value(value, kept)? {
                        let attributes = match open.last_mut() {
                            Some(Open::Item { attributes, .. }) => attributes,
                            _ => &mut root,
                        };
                        attributes.put(tag, vr, self.order, bytes);
                    }
                }
                _ => return Err(DicomError::Damaged("a fragment without pixels".to_owned())),
            }
        }
        if open.is_empty() {
            Ok((root, None))
        } else {
            Err(DicomError::Truncated("its header"))
        }
    }

    /// The bytes of a value that is kept; other values are passed over.
    fn value<S: StatefulDecode>(
        &mut self,
        token: LazyDataToken<S>,
        kept: bool,
    ) -> Result<Option<Vec<u8>>, DicomError> {
        let LazyDataToken::LazyValue {
            header,
            mut decoder,
        } = token
        else {
            return Ok(None);
        };
        let length = header
            .len
            .get()
            .ok_or_else(|| DicomError::Damaged("a value without an end".to_owned()))?;
        let before = self.position.get();
        if before.saturating_add(u64::from(length)) > self.end {
            return Err(DicomError::Truncated("its header"));
        }
        let mut bytes = Vec::new();
        if kept && length <= LONGEST_VALUE {
            decoder
                .read_to_vec(length, &mut bytes)
                .map_err(|e| damaged(&e))?;
            self.kept += bytes.len();
            if self.kept > MOST_BYTES {
                return Err(DicomError::HeaderTooLarge);
            }
        } else {
            decoder.skip_bytes(length).map_err(|e| damaged(&e))?;
        }
        if self.position.get() - before != u64::from(length) {
            return Err(DicomError::Truncated("its header"));
        }
        Ok((kept && length <= LONGEST_VALUE).then_some(bytes))
    }
}

/// Whether what comes next lies where values are kept.
fn inside_kept(open: &[Open]) -> bool {
    match open.last() {
        None => true,
        Some(Open::Sequence { kept, .. } | Open::Item { kept, .. }) => *kept,
    }
}

/// Puts a finished item into its sequence.
fn close_item(open: &mut Vec<Open>) -> Result<(), DicomError> {
    let Some(Open::Item { kept, attributes }) = open.pop() else {
        return Err(DicomError::Damaged("an item ends that did not begin".to_owned()));
    };
    if let (true, Some(Open::Sequence { items, .. })) = (kept, open.last_mut()) {
        items.push(attributes);
    }
    Ok(())
}

/// Puts a finished sequence into its data set.
fn close_sequence(open: &mut Vec<Open>, root: &mut Attributes) -> Result<(), DicomError> {
    let Some(Open::Sequence { tag, kept, items }) = open.pop() else {
        return Err(DicomError::Damaged("a sequence ends that did not begin".to_owned()));
    };
    if kept {
        match open.last_mut() {
            Some(Open::Item { attributes, .. }) => attributes.put_items(tag, items),
            _ => root.put_items(tag, items),
        }
    }
    Ok(())
}
