//! A data set up to its pixels (PS3.5, 7).
//!
//! dicom-rs decodes the headers of elements. Nesting is kept on a list here instead of the call stack, no value is read before its length is
//! checked, and only what [`Keep`] names stays in memory.
use super::DicomError;
use super::attributes::{Attributes, ByteOrder};
use super::kept::Keep;
use super::syntax::Grammar;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::header::{DataElementHeader, Header as _};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_encoding::decode::Decode;
use dicom_encoding::decode::explicit_be::ExplicitVRBigEndianDecoder;
use dicom_encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use dicom_encoding::decode::implicit_le::ImplicitVRLittleEndianDecoder;
use std::io::{self, Read};

/// Sequences inside sequences; scanners need five.
const DEEPEST: usize = 32;
/// Items of sequences.
const MOST_ITEMS: usize = 400_000;

const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);

/// What is kept of a data set, and where its pixels are.
#[derive(Debug)]
pub(super) struct DataSet {
    pub(super) attributes: Attributes,
    pub(super) pixels: Option<Pixels>,
}

/// Where the pixels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pixels {
    /// The element that holds them, and how it says that they are written.
    pub(super) tag: Tag,
    pub(super) vr: VR,
    /// First byte of the value (of the first fragment's item header when encapsulated), in the file or, when deflated, in what it inflates to.
    pub(super) offset: u64,
    /// Bytes; nothing when encapsulated.
    pub(super) length: Option<u64>,
}

/// Reads a data set that begins at `start` of a file with `end` bytes.
///
/// # Errors
/// One word for every way in which it can be broken.
pub(super) fn read_data_set(
    bytes: impl Read,
    grammar: Grammar,
    keep: Keep,
    start: u64,
    end: u64,
) -> Result<DataSet, DicomError> {
    let mut walk = Walk {
        bytes: Counted {
            bytes,
            position: start,
        },
        grammar,
        keep,
        end,
        kept: 0,
        items: 0,
        root: Attributes::default(),
        open: Vec::new(),
    };
    let pixels = walk.run()?;
    Ok(DataSet {
        attributes: walk.root,
        pixels,
    })
}

/// Counts the bytes that were taken.
struct Counted<R> {
    bytes: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

struct Walk<R> {
    bytes: Counted<R>,
    grammar: Grammar,
    keep: Keep,
    /// Bytes of the file.
    end: u64,
    kept: u64,
    items: usize,
    root: Attributes,
    open: Vec<Open>,
}

/// A sequence or an item that has not ended.
struct Open {
    /// Where it ends; nothing when a delimiter says so.
    end: Option<u64>,
    kept: bool,
    grammar: Grammar,
    inside: Inside,
}

enum Inside {
    Sequence(Tag, Vec<Attributes>),
    Item(Attributes),
}

/// Whether there is more to read.
enum Next {
    More,
    Pixels(Pixels),
    End,
}

impl<R: Read> Walk<R> {
    fn run(&mut self) -> Result<Option<Pixels>, DicomError> {
        loop {
            self.close_what_ended()?;
            let next = match self.open.last().map(|open| &open.inside) {
                Some(Inside::Sequence(..)) => self.item()?,
                Some(Inside::Item(_)) | None => self.element()?,
            };
            match next {
                Next::More => {}
                Next::Pixels(pixels) => return Ok(Some(pixels)),
                Next::End => return Ok(None),
            }
        }
    }

    fn grammar(&self) -> Grammar {
        self.open.last().map_or(self.grammar, |open| open.grammar)
    }

    fn keeps(&self) -> bool {
        self.open.last().is_none_or(|open| open.kept)
    }

    /// Where what is being read must end.
    fn limit(&self) -> u64 {
        self.open
            .iter()
            .rev()
            .find_map(|open| open.end)
            .unwrap_or(self.end)
    }

    fn close_what_ended(&mut self) -> Result<(), DicomError> {
        while let Some(end) = self.open.last().and_then(|open| open.end) {
            let position = self.bytes.position;
            if position < end {
                break;
            }
            if position > end {
                return Err(damaged(
                    "an element reaches beyond the sequence that it lies in",
                ));
            }
            self.close();
        }
        Ok(())
    }

    /// Ends the innermost sequence or item and puts it where it belongs.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else {
            return;
        };
        if !open.kept {
            return;
        }
        match (open.inside, self.open.last_mut().map(|o| &mut o.inside)) {
            (Inside::Item(item), Some(Inside::Sequence(_, items))) => items.push(item),
            (Inside::Sequence(tag, items), Some(Inside::Item(item))) => item.put_items(tag, items),
            (Inside::Sequence(tag, items), None) => self.root.put_items(tag, items),
            _ => {}
        }
    }

    fn header(&mut self) -> Result<DataElementHeader, DicomError> {
        let bytes = &mut self.bytes;
        let header = match self.open.last().map_or(self.grammar, |open| open.grammar) {
            Grammar::Explicit => ExplicitVRLittleEndianDecoder::default().decode_header(bytes),
            Grammar::Implicit => {
                ImplicitVRLittleEndianDecoder::with_std_dict().decode_header(bytes)
            }
            Grammar::ExplicitBig => ExplicitVRBigEndianDecoder::default().decode_header(bytes),
        };
        // The only way in which a header can fail is that the bytes end.
        header
            .map(|(header, _)| header)
            .map_err(|_end| DicomError::Truncated("its header"))
    }

    /// Where a value of this length ends.
    fn end_of(&self, header: &DataElementHeader) -> Result<Option<u64>, DicomError> {
        let Some(length) = header.len.get() else {
            return Ok(None);
        };
        let end = self.bytes.position.saturating_add(u64::from(length));
        if end > self.end {
            return Err(DicomError::Truncated("its header"));
        }
        if end > self.limit() {
            return Err(damaged(
                "an element reaches beyond the sequence that it lies in",
            ));
        }
        Ok(Some(end))
    }

    /// The next item of a sequence, or its end.
    fn item(&mut self) -> Result<Next, DicomError> {
        let header = self.header()?;
        match header.tag() {
            ITEM => {
                self.items += 1;
                if self.items > MOST_ITEMS {
                    return Err(DicomError::HeaderTooLarge);
                }
                let item = Open {
                    end: self.end_of(&header)?,
                    kept: self.keeps(),
                    grammar: self.grammar(),
                    inside: Inside::Item(Attributes::default()),
                };
                self.open.push(item);
            }
            SEQUENCE_END => self.close(),
            _ => return Err(damaged("something that is no item stands in a sequence")),
        }
        Ok(Next::More)
    }

    /// The next element of a data set, or its end.
    fn element(&mut self) -> Result<Next, DicomError> {
        let before = self.bytes.position;
        let header = match self.header() {
            Err(_) if self.open.is_empty() && self.bytes.position == before => {
                return Ok(Next::End);
            }
            header => header?,
        };
        let tag = header.tag();
        let top = self.open.is_empty();
        if tag == ITEM_END && !top {
            self.close();
            return Ok(Next::More);
        }
        if tag.0 == 0xfffe {
            return Err(damaged("a delimiter stands where none belongs"));
        }
        if top && tag >= tags::FLOAT_PIXEL_DATA {
            if !self.keep.pixels(tag) {
                return Ok(Next::End);
            }
            return Ok(Next::Pixels(Pixels {
                tag,
                vr: header.vr(),
                offset: self.bytes.position,
                length: header.len.get().map(u64::from),
            }));
        }
        let end = self.end_of(&header)?;
        // Of private elements that a server did not know, only the dictionary may know what they are (PS3.5, 6.2.2).
        let unknown = header.vr() == VR::UN;
        let vr = if unknown {
            StandardDataDictionary
                .by_tag(tag)
                .map_or(VR::UN, |entry| entry.vr().relaxed())
        } else {
            header.vr()
        };
        match end {
            None if tag == tags::PIXEL_DATA => self.pass_fragments()?,
            Some(end) if vr != VR::SQ => self.value(tag, vr, end)?,
            end => {
                if self.open.len() >= 2 * DEEPEST {
                    return Err(DicomError::Nested(DEEPEST));
                }
                let sequence = Open {
                    end,
                    kept: self.keep.sequence(tag) && self.keeps(),
                    // What an unknown element holds is implicit, whatever surrounds it.
                    grammar: if unknown {
                        Grammar::Implicit
                    } else {
                        self.grammar()
                    },
                    inside: Inside::Sequence(tag, Vec::new()),
                };
                self.open.push(sequence);
            }
        }
        Ok(Next::More)
    }

    /// A value that ends at `end`: kept or passed over.
    fn value(&mut self, tag: Tag, vr: VR, end: u64) -> Result<(), DicomError> {
        let length = end - self.bytes.position;
        if !(self.keeps() && self.keep.value(tag, length)) {
            return self.pass(length);
        }
        self.kept += length;
        if self.kept > self.keep.most_bytes() {
            return Err(DicomError::HeaderTooLarge);
        }
        let mut bytes = Vec::new();
        (&mut self.bytes)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|e| DicomError::Unreadable(e.to_string()))?;
        if bytes.len() as u64 != length {
            return Err(DicomError::Truncated("its header"));
        }
        let order = match self.grammar() {
            Grammar::ExplicitBig => ByteOrder::Big,
            Grammar::Explicit | Grammar::Implicit => ByteOrder::Little,
        };
        match self.open.last_mut().map(|open| &mut open.inside) {
            Some(Inside::Item(item)) => item.put(tag, vr, order, bytes),
            _ => self.root.put(tag, vr, order, bytes),
        }
        Ok(())
    }

    fn pass(&mut self, length: u64) -> Result<(), DicomError> {
        let passed = io::copy(&mut (&mut self.bytes).take(length), &mut io::sink())
            .map_err(|e| DicomError::Unreadable(e.to_string()))?;
        if passed == length {
            Ok(())
        } else {
            Err(DicomError::Truncated("its header"))
        }
    }

    /// Compressed pixels inside a sequence: an icon.
    fn pass_fragments(&mut self) -> Result<(), DicomError> {
        loop {
            let header = self.header()?;
            match (header.tag(), header.len.get()) {
                (ITEM, Some(length)) => self.pass(u64::from(length))?,
                (SEQUENCE_END, _) => return Ok(()),
                _ => return Err(damaged("fragments without an end")),
            }
        }
    }
}

fn damaged(what: &str) -> DicomError {
    DicomError::Damaged(what.to_owned())
}
