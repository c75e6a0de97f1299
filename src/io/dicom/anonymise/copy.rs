//! An edited data set written as its source was: the same transfer syntax, the pixels byte for byte.
use crate::io::dicom::DicomError;
use crate::io::dicom::attributes::{ByteOrder, Content, Element};
use crate::io::dicom::data_set::Pixels;
use crate::io::dicom::header::Header;
use crate::io::dicom::source::{Source, skip};
use crate::io::dicom::syntax::{Grammar, Syntax};
use crate::io::dicom::write::IMPLEMENTATION_UID;
use dicom_core::header::DataElementHeader;
use dicom_core::{Length, Tag, VR};
use dicom_encoding::encode::Encode;
use dicom_encoding::encode::explicit_be::ExplicitVRBigEndianEncoder;
use dicom_encoding::encode::explicit_le::ExplicitVRLittleEndianEncoder;
use dicom_encoding::encode::implicit_le::ImplicitVRLittleEndianEncoder;
use dicom_object::FileMetaTableBuilder;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::io::{self, Read, Write};

/// Why a copy was not written.
#[derive(Debug)]
pub(super) enum CopyError {
    /// The source is broken.
    Source(DicomError),
    /// The copy cannot be written.
    Output(io::Error),
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Writes the copy of a file: new meta information, the edited data set, its pixels.
///
/// # Errors
/// [`CopyError::Source`] when the pixels end too early, [`CopyError::Output`] when writing fails.
pub(super) fn write_copy(
    to: &mut dyn Write,
    source: &Source,
    header: &Header,
    (elements, instance): (&[Element], &str),
) -> Result<(), CopyError> {
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(header.class.as_str())
        .media_storage_sop_instance_uid(instance)
        .transfer_syntax(header.syntax.uid.as_str())
        .implementation_class_uid(IMPLEMENTATION_UID)
        .implementation_version_name(concat!("SCHWANN_", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| CopyError::Output(io::Error::other(e.to_string())))?;
    to.write_all(&[0; 128])?;
    to.write_all(b"DICM")?;
    meta.write(&mut *to)
        .map_err(|e| CopyError::Output(io::Error::other(e.to_string())))?;
    if header.syntax.deflated {
        let mut deflated = DeflateEncoder::new(to, Compression::default());
        write_data_set(&mut deflated, source, header, elements)?;
        let _: &mut dyn Write = deflated.finish()?;
        Ok(())
    } else {
        write_data_set(to, source, header, elements)
    }
}

fn write_data_set(
    to: &mut dyn Write,
    source: &Source,
    header: &Header,
    elements: &[Element],
) -> Result<(), CopyError> {
    let mut writer = Writer {
        to,
        grammar: grammar(&header.syntax),
    };
    writer.elements(elements)?;
    match header.pixels {
        Some(pixels) => writer.pixels(pixels, open_pixels(source, header, pixels)?),
        None => Ok(()),
    }
}

/// How the syntax says that a data set is written, even where the source was not.
fn grammar(syntax: &Syntax) -> Grammar {
    syntax.grammar(if syntax.uid == "1.2.840.10008.1.2" {
        &[0; 8]
    } else {
        b"\0\0\0\0UL\0\0"
    })
}

fn open_pixels(
    source: &Source,
    header: &Header,
    pixels: Pixels,
) -> Result<Box<dyn Read>, CopyError> {
    let open = || {
        if header.syntax.deflated {
            let (stored, _) = source.open(header.start)?;
            let mut inflated = DeflateDecoder::new(stored);
            skip(&mut inflated, pixels.offset)?;
            Ok(Box::new(inflated) as Box<dyn Read>)
        } else {
            source.open(pixels.offset).map(|(stored, _)| stored)
        }
    };
    open().map_err(|e: io::Error| CopyError::Source(DicomError::Unreadable(e.to_string())))
}

struct Writer<'a> {
    to: &'a mut dyn Write,
    grammar: Grammar,
}

impl Writer<'_> {
    fn elements(&mut self, elements: &[Element]) -> Result<(), CopyError> {
        for element in elements {
            match &element.content {
                Content::Items(items) => self.sequence(element.tag, items)?,
                Content::Value(vr, order, bytes) => {
                    self.value(element.tag, *vr, *order, bytes)?;
                }
            }
        }
        Ok(())
    }

    fn sequence(&mut self, tag: Tag, items: &[Vec<Element>]) -> Result<(), CopyError> {
        self.header(tag, VR::SQ, Length::UNDEFINED)?;
        for item in items {
            self.delimiter(0xe000, u32::MAX)?;
            self.elements(item)?;
            self.delimiter(0xe00d, 0)?;
        }
        self.delimiter(0xe0dd, 0)
    }

    fn value(&mut self, tag: Tag, vr: VR, order: ByteOrder, bytes: &[u8]) -> Result<(), CopyError> {
        let pad = bytes.len() % 2;
        let length = u32::try_from(bytes.len() + pad)
            .map_err(|_long| CopyError::Source(DicomError::HeaderTooLarge))?;
        self.header(tag, vr, Length(length))?;
        let big = self.grammar == Grammar::ExplicitBig;
        if big == (order == ByteOrder::Big) || word(vr) == 1 {
            self.to.write_all(bytes)?;
        } else {
            for word in bytes.chunks(word(vr)) {
                let turned: Vec<u8> = word.iter().rev().copied().collect();
                self.to.write_all(&turned)?;
            }
        }
        if pad == 1 {
            let text = !matches!(vr, VR::UI | VR::OB | VR::UN);
            self.to.write_all(if text { b" " } else { b"\0" })?;
        }
        Ok(())
    }

    /// The pixels: one value, or fragments up to their end.
    fn pixels(&mut self, pixels: Pixels, mut from: Box<dyn Read>) -> Result<(), CopyError> {
        let Some(length) = pixels.length else {
            self.header(pixels.tag, VR::OB, Length::UNDEFINED)?;
            loop {
                let mut item = [0; 8];
                self.pass(&mut from, 8, Some(&mut item))?;
                let [g0, g1, e0, e1, length @ ..] = item;
                match [g0, g1, e0, e1] {
                    [0xfe, 0xff, 0x00, 0xe0] => {
                        let length = u32::from_le_bytes(length);
                        self.pass(&mut from, u64::from(length), None)?;
                    }
                    [0xfe, 0xff, 0xdd, 0xe0] => return Ok(()),
                    _ => {
                        let problem = "fragments without an end".to_owned();
                        return Err(CopyError::Source(DicomError::Damaged(problem)));
                    }
                }
            }
        };
        let vr = match pixels.vr {
            VR::UN => VR::OW,
            vr => vr,
        };
        let pad = (length % 2) as u32;
        let even = u32::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(pad))
            .ok_or(CopyError::Source(DicomError::HeaderTooLarge))?;
        self.header(pixels.tag, vr, Length(even))?;
        self.pass(&mut from, length, None)?;
        if pad == 1 {
            self.to.write_all(&[0])?;
        }
        Ok(())
    }

    /// Copies bytes, and gives the last ones back when asked.
    fn pass(
        &mut self,
        from: &mut dyn Read,
        length: u64,
        mut seen: Option<&mut [u8; 8]>,
    ) -> Result<(), CopyError> {
        let mut buffer = vec![0; length.min(1 << 16) as usize];
        let mut left = length;
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let part = buffer.get_mut(..most).unwrap_or_default();
            from.read_exact(part).map_err(|error| {
                CopyError::Source(match error.kind() {
                    io::ErrorKind::UnexpectedEof => DicomError::Truncated("its pixels"),
                    _ => DicomError::Unreadable(error.to_string()),
                })
            })?;
            self.to.write_all(part)?;
            if let (Some(seen), Some(first)) = (seen.as_deref_mut(), part.first_chunk()) {
                *seen = *first;
            }
            left -= most as u64;
        }
        Ok(())
    }

    fn header(&mut self, tag: Tag, vr: VR, length: Length) -> Result<(), CopyError> {
        let header = DataElementHeader::new(tag, vr, length);
        let mut bytes = Vec::with_capacity(12);
        let written =
            match self.grammar {
                Grammar::Explicit => ExplicitVRLittleEndianEncoder::default()
                    .encode_element_header(&mut bytes, header),
                Grammar::Implicit => ImplicitVRLittleEndianEncoder::default()
                    .encode_element_header(&mut bytes, header),
                Grammar::ExplicitBig => {
                    ExplicitVRBigEndianEncoder::default().encode_element_header(&mut bytes, header)
                }
            };
        // The only header that cannot be written is that of a value which is too long for its representation.
        written.map_err(|_long| CopyError::Source(DicomError::HeaderTooLarge))?;
        Ok(self.to.write_all(&bytes)?)
    }

    /// The header of an item, or the end of an item or a sequence.
    fn delimiter(&mut self, element: u16, length: u32) -> Result<(), CopyError> {
        let mut bytes = [0; 8];
        let (tag, rest) = bytes.split_at_mut(4);
        if self.grammar == Grammar::ExplicitBig {
            tag.copy_from_slice(&(0xfffe_0000 | u32::from(element)).to_be_bytes());
            rest.copy_from_slice(&length.to_be_bytes());
        } else {
            tag.copy_from_slice(&((u32::from(element) << 16) | 0xfffe).to_le_bytes());
            rest.copy_from_slice(&length.to_le_bytes());
        }
        Ok(self.to.write_all(&bytes)?)
    }
}

/// Bytes of one number.
fn word(vr: VR) -> usize {
    match vr {
        VR::AT | VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}
