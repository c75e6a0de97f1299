//! Segmentations (PS3.3, C.8.20) onto the voxels of a series, one frame in memory at a time.
use super::meaning::{coded, coded_side, named, named_side};
use super::paint::Painting;
use super::{DicomRegion, Opened, Stopped};
use crate::io::dicom::attributes::{Attributes, ByteOrder};
use crate::io::dicom::decode::decode;
use crate::io::dicom::frame::{Format, place};
use crate::io::dicom::grid::{Fit, FramePlace, Slices};
use crate::io::dicom::library::StoredFile;
use crate::io::dicom::pixels::Content;
use crate::io::dicom::source::skip;
use crate::io::dicom::syntax::Encoding;
use crate::io::dicom::{DicomError, Making};
use crate::io::report::report;
use crate::volume::{Observe, Structure};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flate2::read::DeflateDecoder;
use std::collections::BTreeMap;
use std::io::Read;

/// Pixels of one frame, more than any scanner's.
const MOST_PIXELS: usize = 1 << 26;
/// Segments that are numbered with 16 bits.
const MOST_SEGMENTS: usize = 65_535;

/// How pixels tell of segments.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    /// One bit each: in the frame's segment or not.
    Bits,
    /// How much of the frame's segment, up to this value.
    Fraction(f32),
    /// The number of the segment.
    Number,
}

/// Reads all frames onto the painting.
pub(super) fn read(
    opened: &Opened,
    slices: &Slices,
    meaning: &BTreeMap<i64, Structure>,
    painting: &mut Painting,
    observe: &mut Observe<'_>,
) -> Result<Vec<DicomRegion>, Stopped> {
    let a = &opened.header.attributes;
    let (format, kind) = format(a)?;
    let mut regions = segments(opened, meaning)?;
    let frames = frames(a, &format, kind)?;
    // Fitted before anything is painted: an object that lies elsewhere is refused whole.
    let mut fits = Vec::with_capacity(frames.len());
    for (n, frame) in frames.iter().enumerate() {
        let fit = slices
            .fit(&frame.place)
            .map_err(|off_voxels| DicomError::OffGrid {
                what: format!("frame {}", n + 1),
                off_voxels,
            })?;
        if kind != Meaning::Number && !regions.iter().any(|r| Some(r.number) == frame.segment) {
            let number = frame.segment.unwrap_or(0);
            return Err(DicomError::Format(format!(
                "frame {} belongs to segment {number}, which is not described",
                n + 1
            ))
            .into());
        }
        fits.push(fit);
    }
    let mut pixels = Pixels::open(opened, &format, frames.len())?;
    let index: BTreeMap<i64, usize> = (regions.iter().enumerate())
        .map(|(n, region)| (region.number, n))
        .collect();
    let total = frames.len() as u64;
    for (n, (frame, fit)) in frames.iter().zip(&fits).enumerate() {
        if n % 32 == 0 {
            report(observe, "reading segments", n as u64, total)?;
        }
        let columns = format.columns;
        pixels.frame(n, &format, &mut |pixel, value| {
            let (number, fraction) = match kind {
                Meaning::Bits => (frame.segment, None),
                Meaning::Fraction(most) => (frame.segment, Some(value as f32 / most)),
                Meaning::Number => (Some(i64::from(value)), None),
            };
            if fraction.is_some_and(|fraction| !painting.counts(fraction)) {
                return;
            }
            let region = number.and_then(|n| index.get(&n)).copied();
            let Some(region) = region.and_then(|n| regions.get_mut(n)) else {
                return;
            };
            let at = voxel_at(fit, pixel % columns, pixel / columns);
            let Some(voxel) = painting.voxel(at) else {
                return;
            };
            region.voxels += 1;
            match (region.structure, fraction) {
                (Some(structure), None) => painting.claim(voxel, structure),
                (Some(structure), Some(part)) => painting.claim_fraction(voxel, structure, part),
                (None, _) => {}
            }
        })?;
    }
    Ok(regions)
}

fn voxel_at(fit: &Fit, column: usize, row: usize) -> [i64; 3] {
    let (c, r) = (column as i64, row as i64);
    std::array::from_fn(|axis| {
        fit.origin[axis]
            .saturating_add(c * fit.along_row[axis])
            .saturating_add(r * fit.down_column[axis])
    })
}

/// Rows, columns and bits, and what they mean.
fn format(a: &Attributes) -> Result<(Format, Meaning), DicomError> {
    let wrong = |what: String| DicomError::Format(what);
    let number = |tag: Tag, name: &str| {
        a.integer(tag)
            .filter(|&n| (1..=65_535).contains(&n))
            .map(|n| n as usize)
            .ok_or_else(|| wrong(format!("no {name}")))
    };
    let rows = number(tags::ROWS, "Rows")?;
    let columns = number(tags::COLUMNS, "Columns")?;
    if rows * columns > MOST_PIXELS {
        return Err(wrong(format!("{columns} × {rows} pixels")));
    }
    let bits = number(tags::BITS_ALLOCATED, "Bits Allocated")?;
    let kind = a.code(tags::SEGMENTATION_TYPE).unwrap_or_default();
    let most = a.integer(tags::MAXIMUM_FRACTIONAL_VALUE).unwrap_or(255);
    let meaning = match (kind.as_str(), bits) {
        ("BINARY", 1) => Meaning::Bits,
        ("FRACTIONAL", 8) if (1..=255).contains(&most) => Meaning::Fraction(most as f32),
        ("LABELMAP", 8 | 16) => Meaning::Number,
        _ => {
            return Err(wrong(format!(
                "a {} segmentation with {bits} bits a pixel",
                if kind.is_empty() { "nameless" } else { &kind }
            )));
        }
    };
    if a.integer(tags::SAMPLES_PER_PIXEL).unwrap_or(1) != 1 {
        return Err(wrong("several samples a pixel".to_owned()));
    }
    let bits = bits as u32;
    let format = Format {
        rows,
        columns,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        inverted: false,
    };
    Ok((format, meaning))
}

/// The segments that the object describes.
fn segments(
    opened: &Opened,
    meaning: &BTreeMap<i64, Structure>,
) -> Result<Vec<DicomRegion>, DicomError> {
    let items = opened.header.attributes.items(tags::SEGMENT_SEQUENCE);
    if items.is_empty() || items.len() > MOST_SEGMENTS {
        return Err(DicomError::Format(format!("{} segments", items.len())));
    }
    let mut regions: Vec<DicomRegion> = Vec::with_capacity(items.len());
    for item in items {
        let number = item.integer(tags::SEGMENT_NUMBER);
        if number == Some(0) {
            // What label maps call their background.
            continue;
        }
        let number = number.filter(|n| !regions.iter().any(|r| r.number == *n));
        let number = number.ok_or_else(|| {
            DicomError::Format("segments that their numbers do not tell apart".to_owned())
        })?;
        let name = opened.text(item, tags::SEGMENT_LABEL);
        let kinds = item.items(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE);
        let places = item.items(tags::ANATOMIC_REGION_SEQUENCE);
        let side = |items: &[Attributes], tag| coded_side(items.first()?.items(tag));
        regions.push(DicomRegion {
            number,
            structure: meaning
                .get(&number)
                .copied()
                .or_else(|| coded(kinds, places))
                .or_else(|| named(&name)),
            side: side(kinds, tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE)
                .or_else(|| side(places, tags::ANATOMIC_REGION_MODIFIER_SEQUENCE))
                .or_else(|| named_side(&name)),
            name,
            making: item
                .code(tags::SEGMENT_ALGORITHM_TYPE)
                .and_then(|term| Making::from_term(&term)),
            tracking_uid: item.code(tags::TRACKING_UID),
            voxels: 0,
        });
    }
    Ok(regions)
}

/// A frame's segment, where it has one of its own, and place.
#[derive(Debug)]
struct FrameOf {
    segment: Option<i64>,
    place: FramePlace,
}

/// What the functional groups say of each frame.
fn frames(a: &Attributes, format: &Format, kind: Meaning) -> Result<Vec<FrameOf>, DicomError> {
    let groups = a.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let count = a.integer(tags::NUMBER_OF_FRAMES).unwrap_or(0);
    if groups.is_empty() || count != groups.len() as i64 {
        return Err(DicomError::Format(format!(
            "{count} frames, of which {} are described",
            groups.len()
        )));
    }
    let shared = a.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let mut frames = Vec::with_capacity(groups.len());
    for group in groups {
        let item = |sequence: Tag| {
            group
                .item(sequence)
                .or_else(|| shared.and_then(|s| s.item(sequence)))
        };
        let numbers = |sequence: Tag, tag: Tag| {
            item(sequence).map_or_else(Vec::new, |item| item.numbers(tag))
        };
        let place = place(
            &numbers(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT),
            &numbers(
                tags::PLANE_ORIENTATION_SEQUENCE,
                tags::IMAGE_ORIENTATION_PATIENT,
            ),
        );
        let spacing = numbers(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING);
        let (Some(place), &[down, across]) = (place, spacing.as_slice()) else {
            return Err(DicomError::NoPosition);
        };
        let segment = item(tags::SEGMENT_IDENTIFICATION_SEQUENCE)
            .and_then(|item| item.integer(tags::REFERENCED_SEGMENT_NUMBER));
        if segment.is_none() && kind != Meaning::Number {
            return Err(DicomError::Format("frames without a segment".to_owned()));
        }
        frames.push(FrameOf {
            segment,
            place: FramePlace {
                place,
                spacing_mm: [across, down],
                shape: [format.columns, format.rows],
            },
        });
    }
    Ok(frames)
}

/// The pixels, frame by frame in their order.
enum Pixels {
    /// Single bits, one frame directly behind the other.
    Bits {
        bytes: Box<dyn Read>,
        /// The byte that the last frame ended in, and how many of its bits were its.
        last: u8,
        used: usize,
    },
    /// Whole bytes.
    Plain {
        bytes: Box<dyn Read>,
        order: ByteOrder,
    },
    Encapsulated {
        content: Content,
        encoding: Encoding,
    },
}

impl Pixels {
    fn open(opened: &Opened, format: &Format, frames: usize) -> Result<Self, DicomError> {
        let header = &opened.header;
        let pixels = header.pixels.ok_or(DicomError::NoImage)?;
        let syntax = &header.syntax;
        if !syntax.is_read() || format.bits_allocated == 1 && syntax.is_encapsulated() {
            return Err(DicomError::Syntax(syntax.name()));
        }
        if syntax.is_encapsulated() {
            let file = StoredFile {
                source: opened.source.clone(),
                class: String::new(),
                instance: String::new(),
                syntax: syntax.clone(),
                pixels,
                start: header.start,
                frames,
            };
            return Ok(Self::Encapsulated {
                content: Content::open(&file, format)?,
                encoding: syntax.encoding,
            });
        }
        let bits = format.rows as u64 * format.columns as u64 * frames as u64;
        let needed = bits
            .saturating_mul(u64::from(format.bits_allocated))
            .div_ceil(8);
        if pixels.length.is_none_or(|length| length < needed) {
            return Err(DicomError::Truncated("its pixels"));
        }
        let unreadable = |e: std::io::Error| DicomError::Unreadable(e.to_string());
        let bytes: Box<dyn Read> = if syntax.deflated {
            let (stored, _) = opened.source.open(header.start).map_err(unreadable)?;
            let mut bytes = DeflateDecoder::new(stored);
            skip(&mut bytes, pixels.offset).map_err(unreadable)?;
            Box::new(bytes)
        } else {
            opened.source.open(pixels.offset).map_err(unreadable)?.0
        };
        let order = match syntax.encoding {
            Encoding::Native(order) => order,
            _ => ByteOrder::Little,
        };
        if format.bits_allocated > 1 {
            return Ok(Self::Plain { bytes, order });
        }
        if order == ByteOrder::Big {
            return Err(DicomError::Syntax(syntax.name()));
        }
        Ok(Self::Bits {
            bytes,
            last: 0,
            used: 8,
        })
    }

    /// Gives each pixel of the next frame that is not 0 with its position.
    fn frame(
        &mut self,
        number: usize,
        format: &Format,
        give: &mut dyn FnMut(usize, u32),
    ) -> Result<(), DicomError> {
        let size = format.rows * format.columns;
        match self {
            Self::Bits { bytes, last, used } => {
                let left = 8 - *used;
                let fresh = taken(bytes, size.saturating_sub(left).div_ceil(8))?;
                let mut at = 0_usize;
                let mut byte_of = |byte: u8, from: usize| {
                    let count = (8 - from).min(size - at);
                    if byte != 0 {
                        for bit in 0..count {
                            if byte >> (from + bit) & 1 == 1 {
                                give(at + bit, 1);
                            }
                        }
                    }
                    at += count;
                    from + count
                };
                if left > 0 {
                    *used = byte_of(*last, *used);
                }
                for byte in fresh {
                    *last = byte;
                    *used = byte_of(byte, 0);
                }
            }
            Self::Plain { bytes, order } => {
                let stored = taken(bytes, format.frame_bytes())?;
                each_sample(&stored, *order, format, give);
            }
            Self::Encapsulated { content, encoding } => {
                let native =
                    decode(content.frame(number)?, *encoding, format).map_err(|problem| {
                        DicomError::Pixels {
                            slice: number + 1,
                            problem,
                        }
                    })?;
                each_sample(&native.bytes, native.order, format, give);
            }
        }
        Ok(())
    }
}

fn taken(bytes: &mut dyn Read, count: usize) -> Result<Vec<u8>, DicomError> {
    let mut taken = Vec::new();
    bytes
        .take(count as u64)
        .read_to_end(&mut taken)
        .map_err(|e| DicomError::Unreadable(e.to_string()))?;
    if taken.len() < count {
        return Err(DicomError::Truncated("its pixels"));
    }
    Ok(taken)
}

fn each_sample(bytes: &[u8], order: ByteOrder, format: &Format, give: &mut dyn FnMut(usize, u32)) {
    let size = format.rows * format.columns;
    if format.bits_allocated == 8 {
        let set = bytes
            .iter()
            .take(size)
            .enumerate()
            .filter(|(_, b)| **b != 0);
        set.for_each(|(at, &value)| give(at, u32::from(value)));
        return;
    }
    let (words, _) = bytes.as_chunks::<2>();
    for (at, &word) in words.iter().take(size).enumerate() {
        let value = match order {
            ByteOrder::Little => u16::from_le_bytes(word),
            ByteOrder::Big => u16::from_be_bytes(word),
        };
        if value != 0 {
            give(at, u32::from(value));
        }
    }
}
