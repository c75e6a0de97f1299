//! Frames as they are stored to native samples.
use super::attributes::ByteOrder;
use super::frame::Format;
use super::syntax::Encoding;
use openreadout_codecs::{
    Raster, jpeg_decode_limited, jpeg2000_decode_limited, jpegls_decode_limited, packbits_decode,
};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Native samples of one frame, least significant byte first unless `order` says otherwise.
#[derive(Debug)]
pub(super) struct Native<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) order: ByteOrder,
}

/// Decodes a frame.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn decode<'a>(
    stored: Cow<'a, [u8]>,
    encoding: Encoding,
    format: &Format,
) -> Result<Native<'a>, String> {
    let order = match encoding {
        Encoding::Native(order) => order,
        _ => ByteOrder::Little,
    };
    let bytes = match encoding {
        Encoding::Native(_) | Encoding::Encapsulated => stored,
        Encoding::Rle => Cow::Owned(rle(&stored, format)?),
        Encoding::Jpeg => decoded(format, || jpeg(&stored, format))?,
        Encoding::JpegLs => decoded(format, || {
            jpegls_decode_limited(&stored, 2 * format.rows * format.columns)
                .map_err(|e| e.to_string())
                .and_then(|raster| grey(raster, format))
        })?,
        Encoding::Jpeg2000 => decoded(format, || jpeg2000(&stored, format))?,
        Encoding::Unknown => return Err("no decoder reads it".to_owned()),
    };
    if bytes.len() < format.frame_bytes() {
        return Err(format!("{} of {} bytes", bytes.len(), format.frame_bytes()));
    }
    Ok(Native { bytes, order })
}

/// Runs a decoder that others wrote. Should it panic on a damaged stream, that is one more way to say so.
fn decoded<'a>(
    format: &Format,
    run: impl FnOnce() -> Result<Samples, String>,
) -> Result<Cow<'a, [u8]>, String> {
    let samples = catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err("the decoder gave up".to_owned()))?;
    let count = format.rows * format.columns;
    let bytes = match (samples.bytes_each, format.bits_allocated) {
        (1, 8) | (2, 16) => samples.bytes,
        (1, 16) => samples.bytes.into_iter().flat_map(|b| [b, 0]).collect(),
        (2, 8) if samples.bytes.iter().skip(1).step_by(2).all(|&b| b == 0) => {
            samples.bytes.into_iter().step_by(2).collect()
        }
        (n, bits) => return Err(format!("{} bits where {bits} are announced", 8 * n)),
    };
    if bytes.len() != count * (format.bits_allocated / 8) as usize {
        return Err("another size than announced".to_owned());
    }
    Ok(Cow::Owned(bytes))
}

/// A JPEG stream: baseline, extended with 12 bits, progressive, lossless.
fn jpeg(stored: &[u8], format: &Format) -> Result<Samples, String> {
    let limit = 2 * format.rows * format.columns;
    let start = JpegStart::of(stored).ok_or_else(|| "its JPEG header is broken".to_owned())?;
    if [start.columns, start.rows] != [format.columns, format.rows] {
        return Err(format!(
            "{} × {} voxels where {} × {} are announced",
            start.columns, start.rows, format.columns, format.rows
        ));
    }
    // One library reads 12 bits with loss, the other everything else.
    if start.bits == 12 && start.kind == 0xc1 {
        return jpeg_decode_limited(stored, limit)
            .map_err(|e| e.to_string())
            .and_then(|raster| grey(raster, format));
    }
    if start.components != 1 {
        return Err("a colour image".to_owned());
    }
    let mut decoder = jpeg_decoder::Decoder::new(stored);
    decoder.set_max_decoding_buffer_size(limit);
    let bytes = decoder.decode().map_err(|e| e.to_string())?;
    match decoder.info().map(|info| info.pixel_format) {
        Some(jpeg_decoder::PixelFormat::L8) => Ok(Samples {
            bytes,
            bytes_each: 1,
        }),
        // Samples come in the byte order of this machine.
        Some(jpeg_decoder::PixelFormat::L16) => Ok(Samples {
            bytes: bytes
                .as_chunks::<2>()
                .0
                .iter()
                .flat_map(|word| u16::from_ne_bytes(*word).to_le_bytes())
                .collect(),
            bytes_each: 2,
        }),
        _ => Err("a colour image".to_owned()),
    }
}

/// What a JPEG's frame header says (ITU-T T.81, B.2.2).
struct JpegStart {
    /// The marker: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless.
    kind: u8,
    bits: u8,
    rows: usize,
    columns: usize,
    components: u8,
}

impl JpegStart {
    fn of(stored: &[u8]) -> Option<Self> {
        let mut at = 2;
        loop {
            let &[0xff, kind] = stored.get(at..)?.first_chunk()? else {
                return None;
            };
            if kind == 0xff {
                at += 1;
                continue;
            }
            let segment = stored.get(at + 2..)?;
            let &[high, low] = segment.first_chunk()?;
            if matches!(kind, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) {
                let &[bits, y1, y0, x1, x0, components] = segment.get(2..)?.first_chunk()?;
                return Some(Self {
                    kind,
                    bits,
                    rows: usize::from(u16::from_be_bytes([y1, y0])),
                    columns: usize::from(u16::from_be_bytes([x1, x0])),
                    components,
                });
            }
            if matches!(kind, 0xd8..=0xda) {
                return None;
            }
            at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
        }
    }
}

/// Samples of one component.
struct Samples {
    bytes: Vec<u8>,
    bytes_each: usize,
}

impl Samples {
    /// Takes half the range of `bits` off each sample: unsigned to two's complement.
    fn lower(&mut self, bits: u32) -> Result<(), String> {
        match (self.bytes_each, bits) {
            (1, 1..=8) => {
                let half = 1_u8 << (bits - 1);
                self.bytes
                    .iter_mut()
                    .for_each(|b| *b = b.wrapping_sub(half));
            }
            (2, 9..=16) => {
                let half = 1_u16 << (bits - 1);
                for word in self.bytes.as_chunks_mut::<2>().0 {
                    *word = u16::from_le_bytes(*word).wrapping_sub(half).to_le_bytes();
                }
            }
            _ => {
                return Err(format!(
                    "signed samples of {bits} bits in high-throughput JPEG 2000"
                ));
            }
        }
        Ok(())
    }
}

fn grey(raster: Raster, format: &Format) -> Result<Samples, String> {
    let same = raster.width as usize == format.columns && raster.height as usize == format.rows;
    if !same {
        return Err(format!(
            "{} × {} voxels where {} × {} are announced",
            raster.width, raster.height, format.columns, format.rows
        ));
    }
    if raster.channels != 1 || raster.float {
        return Err("a colour image".to_owned());
    }
    Ok(Samples {
        bytes: raster.data,
        bytes_each: (raster.bits_per_sample / 8) as usize,
    })
}

/// RLE Lossless (PS3.5, annex G): a plane for each byte of a sample, the most significant first.
fn rle(stored: &[u8], format: &Format) -> Result<Vec<u8>, String> {
    let broken = || "its RLE segments are broken".to_owned();
    let number = |n: usize| {
        let bytes = stored.get(4 * n..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    };
    let planes = (format.bits_allocated / 8) as usize;
    if number(0) != Some(planes) {
        return Err(broken());
    }
    let size = format.rows * format.columns;
    let mut bytes = vec![0; planes * size];
    for plane in 0..planes {
        let start = number(1 + plane).ok_or_else(broken)?;
        let end = if plane + 1 < planes {
            number(2 + plane).ok_or_else(broken)?
        } else {
            stored.len()
        };
        let segment = stored.get(start.max(64)..end).ok_or_else(broken)?;
        let values = packbits_decode(segment, size).map_err(|e| e.to_string())?;
        if values.len() < size {
            return Err(format!("{} of {size} bytes in a segment", values.len()));
        }
        let places = bytes.iter_mut().skip(planes - 1 - plane).step_by(planes);
        for (place, value) in places.zip(values) {
            *place = value;
        }
    }
    Ok(bytes)
}

/// A JPEG 2000 codestream, of either kind, bare or in a JP2 file.
fn jpeg2000(stored: &[u8], format: &Format) -> Result<Samples, String> {
    let size = Size::of(stored).ok_or_else(|| "its JPEG 2000 header is broken".to_owned())?;
    if [size.columns, size.rows] != [format.columns as u64, format.rows as u64] {
        return Err(format!(
            "{} × {} voxels where {} × {} are announced",
            size.columns, size.rows, format.columns, format.rows
        ));
    }
    if size.components != 1 {
        return Err("a colour image".to_owned());
    }
    let mut samples = jpeg2000_decode_limited(stored, 2 * format.rows * format.columns)
        .map_err(|e| e.to_string())
        .and_then(|raster| grey(raster, format))?;
    // Signed samples come back as they are stored, but for those of the decoder that reads the high-throughput form: it adds half the range, as the standard has it for unsigned samples alone
    // (ITU-T T.800, G.1.2), which loses nothing.
    if size.signed && size.high_throughput {
        samples.lower(size.bits)?;
    }
    Ok(samples)
}

/// What the SIZ marker says (ITU-T T.800, A.5.1).
struct Size {
    columns: u64,
    rows: u64,
    components: u16,
    signed: bool,
    /// Of each sample.
    bits: u32,
    /// Whether a CAP marker announces Part 15 (ITU-T T.814).
    high_throughput: bool,
}

impl Size {
    fn of(stored: &[u8]) -> Option<Self> {
        /// A JP2 file's boxes before the codestream.
        const BOXES: usize = 4096;
        let start = stored
            .get(..stored.len().min(BOXES))?
            .windows(4)
            .position(|w| w == [0xff, 0x4f, 0xff, 0x51])?;
        let siz = stored.get(start..)?;
        let number = |at: usize| {
            let bytes = siz.get(at..)?.first_chunk()?;
            Some(u64::from(u32::from_be_bytes(*bytes)))
        };
        let [width, height, x, y, tile_width, tile_height] = [
            number(8)?,
            number(12)?,
            number(16)?,
            number(20)?,
            number(24)?,
            number(28)?,
        ];
        // Tiles are counted with 16 bits.
        let tiles = width.div_ceil(tile_width.max(1)) * height.div_ceil(tile_height.max(1));
        let components = siz.get(40..)?.first_chunk()?;
        // CAP follows SIZ at once where there is one (A.5.2).
        let length = u16::from_be_bytes(*siz.get(4..)?.first_chunk()?);
        let behind = siz.get(4 + usize::from(length)..).unwrap_or_default();
        (tiles <= 65_535 && tile_width > 0 && tile_height > 0).then_some(Self {
            columns: width.saturating_sub(x),
            rows: height.saturating_sub(y),
            components: u16::from_be_bytes(*components),
            signed: siz.get(42)? & 0x80 != 0,
            bits: u32::from(siz.get(42)? & 0x7f) + 1,
            high_throughput: behind.starts_with(&[0xff, 0x50]),
        })
    }
}
