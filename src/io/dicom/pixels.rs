//! The pixels of a file, frame by frame.
use super::DicomError;
use super::frame::Format;
use super::library::StoredFile;
use super::source::{Source, skip};
use super::syntax::Encoding;
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read;

/// Fragments of one file.
const MOST_FRAGMENTS: usize = 1 << 20;

/// What a file holds, opened once for all its frames.
#[derive(Debug)]
pub(super) enum Content {
    /// Frames one after the other in a file, of this many bytes each.
    Native {
        source: Source,
        offset: u64,
        each: usize,
    },
    /// The same in memory.
    Inflated { bytes: Vec<u8>, each: usize },
    /// The fragments of each frame, joined.
    Frames(Vec<Vec<u8>>),
}

impl Content {
    /// Opens a file.
    ///
    /// # Errors
    /// When it ends too early, or its frames cannot be told apart.
    pub(super) fn open(file: &StoredFile, format: &Format) -> Result<Self, DicomError> {
        let each = format.frame_bytes();
        if !file.syntax.is_encapsulated() {
            let needed = each as u64 * file.frames as u64;
            if file.pixels.length.is_none_or(|length| length < needed) {
                return Err(DicomError::Truncated("its pixels"));
            }
            if file.syntax.deflated {
                let bytes = inflated(file, needed)?;
                return Ok(Self::Inflated { bytes, each });
            }
            return Ok(Self::Native {
                source: file.source.clone(),
                offset: file.pixels.offset,
                each,
            });
        }
        if file.pixels.length.is_some() {
            return Err(DicomError::Damaged(
                "compressed pixels with a length".to_owned(),
            ));
        }
        let parts = fragments(&file.source, file.pixels.offset)?;
        let frames = frames(parts, file.frames)?;
        Ok(Self::Frames(frames))
    }

    /// One frame as it is stored.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) fn frame(&self, number: usize) -> Result<Cow<'_, [u8]>, DicomError> {
        let truncated = || DicomError::Truncated("its pixels");
        match self {
            Self::Native {
                source,
                offset,
                each,
            } => {
                let start = offset + (number * each) as u64;
                let unreadable = |e: std::io::Error| DicomError::Unreadable(e.to_string());
                let (file, _) = source.open(start).map_err(unreadable)?;
                let mut bytes = Vec::new();
                file.take(*each as u64)
                    .read_to_end(&mut bytes)
                    .map_err(unreadable)?;
                if bytes.len() < *each {
                    return Err(truncated());
                }
                Ok(Cow::Owned(bytes))
            }
            Self::Inflated { bytes, each } => bytes
                .get(number * each..(number + 1) * each)
                .map(Cow::Borrowed)
                .ok_or_else(truncated),
            Self::Frames(frames) => frames
                .get(number)
                .map(|bytes| Cow::Borrowed(bytes.as_slice()))
                .ok_or_else(truncated),
        }
    }
}

/// The pixels of a deflated data set.
fn inflated(file: &StoredFile, needed: u64) -> Result<Vec<u8>, DicomError> {
    let unreadable = |e: std::io::Error| DicomError::Unreadable(e.to_string());
    let (stored, _) = file.source.open(file.start).map_err(unreadable)?;
    let mut bytes = DeflateDecoder::new(stored);
    skip(&mut bytes, file.pixels.offset).map_err(unreadable)?;
    let mut pixels = Vec::new();
    bytes
        .take(needed)
        .read_to_end(&mut pixels)
        .map_err(unreadable)?;
    if (pixels.len() as u64) < needed {
        return Err(DicomError::Truncated("its pixels"));
    }
    Ok(pixels)
}

/// The offset table and the fragments (PS3.5, A.4).
#[derive(Debug)]
struct Fragments {
    table: Vec<u64>,
    /// Where each fragment's item begins behind the offset table, and its bytes.
    parts: Vec<(u64, Vec<u8>)>,
}

fn fragments(source: &Source, offset: u64) -> Result<Fragments, DicomError> {
    let unreadable = |e: std::io::Error| DicomError::Unreadable(e.to_string());
    let truncated = || DicomError::Truncated("its pixels");
    let (mut bytes, _) = source.open(offset).map_err(unreadable)?;
    let mut table: Option<Vec<u64>> = None;
    let mut parts: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut position = 0;
    loop {
        let mut header = Vec::new();
        bytes
            .by_ref()
            .take(8)
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        let (Some(tag), Some(length)) = (
            header.first_chunk::<4>(),
            header.get(4..).and_then(|b| b.first_chunk::<4>()),
        ) else {
            return Err(truncated());
        };
        let length = u64::from(u32::from_le_bytes(*length));
        match tag {
            [0xfe, 0xff, 0x00, 0xe0] => {}
            [0xfe, 0xff, 0xdd, 0xe0] => break,
            _ => return Err(DicomError::Damaged("fragments without an end".to_owned())),
        }
        let mut value = Vec::new();
        bytes
            .by_ref()
            .take(length)
            .read_to_end(&mut value)
            .map_err(unreadable)?;
        if value.len() as u64 != length {
            return Err(truncated());
        }
        if table.is_none() {
            let (words, _) = value.as_chunks::<4>();
            table = Some(
                words
                    .iter()
                    .map(|w| u64::from(u32::from_le_bytes(*w)))
                    .collect(),
            );
            continue;
        }
        parts.push((position, value));
        position += 8 + length;
        if parts.len() > MOST_FRAGMENTS {
            return Err(DicomError::Damaged("too many fragments".to_owned()));
        }
    }
    Ok(Fragments {
        table: table.unwrap_or_default(),
        parts,
    })
}

/// Joins fragments to frames: all of them, one each, or as the offset table says.
fn frames(found: Fragments, count: usize) -> Result<Vec<Vec<u8>>, DicomError> {
    let Fragments { table, parts } = found;
    if count == 1 {
        return Ok(vec![parts.into_iter().flat_map(|(_, part)| part).collect()]);
    }
    if parts.len() == count {
        return Ok(parts.into_iter().map(|(_, part)| part).collect());
    }
    if parts.len() < count {
        return Err(DicomError::Truncated("its pixels"));
    }
    if table.len() != count {
        return Err(DicomError::Damaged(
            "compressed frames that cannot be told apart".to_owned(),
        ));
    }
    let mut frames: Vec<Vec<u8>> = Vec::with_capacity(count);
    for (start, part) in parts {
        if table.get(frames.len()) == Some(&start) {
            frames.push(part);
        } else {
            frames
                .last_mut()
                .ok_or_else(|| DicomError::Damaged("a broken offset table".to_owned()))?
                .extend(part);
        }
    }
    Ok(frames)
}

/// Whether frames of an encoding take a known number of bytes.
pub(super) fn is_native(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Native(_))
}
