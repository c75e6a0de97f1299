//! A series to a volume, or to one of its slices.
use super::DicomError;
use super::DicomSeries;
use super::attributes::ByteOrder;
use super::decode::{Native, decode};
use super::frame::{Format, Frame, Rescale};
use super::library::{Stored, StoredFile};
use super::pixels::{Content, is_native};
use crate::io::report::report;
use crate::io::{Error, Warning};
use crate::volume::{Observe, Volume, Voxels};
use rayon::prelude::*;
use std::path::PathBuf;

/// Bytes of a volume that are held at most.
const LARGEST: u64 = 8 << 30;
/// No compressed scan shrinks more than this; a blank slice in JPEG 2000 comes near.
const HIGHEST_RATIO: u64 = 10_000;
/// A deflated scan beyond this size that shrank more than this is no scan, as for NIfTI.
const BOMB_BYTES: u64 = 1 << 30;
const BOMB_RATIO: u64 = 200;
/// Slices between two reports.
const AT_ONCE: usize = 8;

/// Reads a series. Voxels keep their stored type when one line rescales all of them, and become `f32` otherwise. The grid is in RAS mm; axis `i`
/// runs along the rows of the slices, `j` down their columns, `k` along their normal.
///
/// # Errors
/// [`Error::Dicom`] with the file at fault; [`Error::Cancelled`].
pub fn read_series(
    series: &DicomSeries,
    observe: &mut Observe<'_>,
) -> Result<(Volume, Vec<Warning>), Error> {
    let stack = &series.stack;
    let first = stack.frames.first();
    let path = first.map_or_else(PathBuf::new, |frame| file_path(stack, frame));
    let at_fault = |source: DicomError| Error::Dicom {
        source,
        path: path.clone(),
    };
    let grid = series.grid.clone().map_err(at_fault)?;
    let format = first
        .map(|f| f.format)
        .ok_or_else(|| at_fault(DicomError::NoImage))?;
    let mut warnings: Vec<Warning> = series
        .warnings
        .iter()
        .cloned()
        .map(Warning::Dicom)
        .collect();
    let line = one_line(&stack.frames);
    if line.is_none()
        && !stack
            .frames
            .iter()
            .any(|f| matches!(f.rescale, Rescale::Table { .. }))
    {
        warnings.push(Warning::Dicom(super::DicomWarning::RescaledBySlice));
    }
    let bytes_each = if line.is_some() {
        u64::from(format.bits_allocated / 8)
    } else {
        4
    };
    check_claim(stack, &stack.frames, grid.len() as u64 * bytes_each)?;
    let count = grid.len();
    macro_rules! typed {
        ($variant:ident, $number:ty) => {{
            let mut voxels: Vec<$number> = vec![<$number>::default(); count];
            fill(stack, &mut voxels, &|stored, _| stored as $number, observe)?;
            Voxels::$variant(voxels)
        }};
    }
    let voxels = match (line, format.bits_allocated, format.signed) {
        (None, ..) => {
            let mut voxels = vec![0_f32; count];
            let rescaled = |stored: i64, frame: &Frame| frame.rescale.apply(stored) as f32;
            fill(stack, &mut voxels, &rescaled, observe)?;
            Voxels::F32(voxels)
        }
        (_, 8, false) => typed!(U8, u8),
        (_, 8, true) => typed!(I8, i8),
        (_, 16, false) => typed!(U16, u16),
        (_, 16, true) => typed!(I16, i16),
        (_, _, false) => typed!(U32, u32),
        (_, _, true) => typed!(I32, i32),
    };
    let (slope, intercept) = line.unwrap_or((1.0, 0.0));
    let volume = Volume::new(grid, voxels, slope, intercept).map_err(|source| Error::Place {
        source,
        path: path.clone(),
    })?;
    Ok((volume, warnings))
}

/// A slice as it is stored: rows from top to bottom, each from left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Distance between neighbours along a row and down a column, mm.
    pub spacing_mm: [f64; 2],
    /// Intensities, row by row.
    pub intensities: Vec<f32>,
    /// Whether small values are bright (MONOCHROME1).
    pub inverted: bool,
}

/// Reads one slice, counted along the normal from 0, before or instead of the rest.
///
/// # Errors
/// As [`read_series`]; [`DicomError::NoImage`] when there is no such slice.
pub fn read_slice(series: &DicomSeries, slice: usize) -> Result<Slice, Error> {
    let stack = &series.stack;
    let missing = || Error::Dicom {
        source: DicomError::NoImage,
        path: PathBuf::new(),
    };
    let frame = stack.frames.get(slice).ok_or_else(missing)?;
    let file = stack.files.get(frame.file).ok_or_else(missing)?;
    let at_fault = |source| Error::Dicom {
        source,
        path: file.source.path(),
    };
    if !file.syntax.is_read() {
        return Err(at_fault(DicomError::Syntax(file.syntax.name())));
    }
    let [width, height] = frame.shape;
    let size = width * height;
    check_claim(stack, std::slice::from_ref(frame), 4 * size as u64)?;
    let mut intensities = vec![0.0; size];
    let content = Content::open(file, &frame.format).map_err(at_fault)?;
    let native = native(&content, file, frame, slice).map_err(at_fault)?;
    let rescaled = |stored: i64, frame: &Frame| frame.rescale.apply(stored) as f32;
    cut(&native, frame, &rescaled, &mut intensities);
    Ok(Slice {
        width,
        height,
        spacing_mm: frame.spacing_mm,
        intensities,
        inverted: frame.format.inverted,
    })
}

fn file_path(stack: &Stored, frame: &Frame) -> PathBuf {
    let file = stack.files.get(frame.file);
    file.map_or_else(PathBuf::new, |file| file.source.path())
}

impl Rescale {
    fn apply(&self, stored: i64) -> f64 {
        match self {
            Self::Line { slope, intercept } => stored as f64 * slope + intercept,
            Self::Table { first, values } => {
                let last = values.len().saturating_sub(1) as i64;
                let at = stored.saturating_sub(*first).clamp(0, last);
                values.get(at as usize).map_or(0.0, |&v| f64::from(v))
            }
        }
    }
}

/// Slope and intercept, when they are the same in all slices.
fn one_line(frames: &[Frame]) -> Option<(f64, f64)> {
    let first = frames.first()?;
    let same = frames.iter().all(|f| f.rescale == first.rescale);
    match first.rescale {
        Rescale::Line { slope, intercept } if same => Some((slope, intercept)),
        _ => None,
    }
}

/// Checks that the files can hold what is to be made of some frames, before it is.
fn check_claim(stack: &Stored, frames: &[Frame], claimed: u64) -> Result<(), Error> {
    let at_fault = |source, file: Option<&StoredFile>| Error::Dicom {
        source,
        path: file.map_or_else(PathBuf::new, |file| file.source.path()),
    };
    let mut used: Vec<usize> = frames.iter().map(|f| f.file).collect();
    used.sort_unstable();
    used.dedup();
    let files: Vec<&StoredFile> = used.iter().filter_map(|&n| stack.files.get(n)).collect();
    if claimed > LARGEST {
        let limit = LARGEST;
        let source = DicomError::TooLarge { claimed, limit };
        return Err(at_fault(source, files.first().copied()));
    }
    let [mut compressed, mut stored] = [0_u64; 2];
    for file in &files {
        stored = stored.saturating_add(file.source.stored());
        let size = file.source.size();
        let length = file.pixels.length.unwrap_or(0);
        let plain = is_native(file.syntax.encoding) && !file.syntax.deflated;
        if plain && length.saturating_add(file.pixels.offset) > size {
            return Err(at_fault(DicomError::Truncated("its pixels"), Some(file)));
        }
        compressed = compressed.saturating_add(size);
    }
    let deflated = |f: &&StoredFile| f.syntax.deflated || f.source.is_deflated();
    let bomb = claimed > BOMB_BYTES && claimed > stored.saturating_mul(BOMB_RATIO);
    if bomb && files.iter().any(deflated) {
        let source = DicomError::Bomb { claimed, stored };
        return Err(at_fault(source, files.first().copied()));
    }
    if claimed > compressed.saturating_mul(HIGHEST_RATIO) {
        let source = DicomError::Truncated("its pixels");
        return Err(at_fault(source, files.first().copied()));
    }
    Ok(())
}

/// One frame of a file and the slices that are cut from it.
struct Unit<'a, T> {
    file: usize,
    number: usize,
    slices: Vec<(usize, &'a Frame, &'a mut [T])>,
}

/// Reads all slices of a stack, several at once.
fn fill<T: Send>(
    stack: &Stored,
    voxels: &mut [T],
    value: &(dyn Fn(i64, &Frame) -> T + Sync),
    observe: &mut Observe<'_>,
) -> Result<(), Error> {
    let size = stack.frames.first().map_or(1, |f| f.shape[0] * f.shape[1]);
    let mut slices: Vec<(usize, &Frame, &mut [T])> = stack
        .frames
        .iter()
        .zip(voxels.chunks_mut(size.max(1)))
        .enumerate()
        .map(|(slice, (frame, out))| (slice, frame, out))
        .collect();
    slices.sort_by_key(|(slice, frame, _)| (frame.file, frame.number, *slice));
    let mut units: Vec<Unit<'_, T>> = Vec::new();
    for slice in slices {
        let (file, number) = (slice.1.file, slice.1.number);
        match units.last_mut() {
            Some(unit) if (unit.file, unit.number) == (file, number) => unit.slices.push(slice),
            _ => units.push(Unit {
                file,
                number,
                slices: vec![slice],
            }),
        }
    }
    let total = units.len() as u64;
    let mut done = 0;
    // A file with many frames is opened once for all of them; files with one are opened where they are read.
    let mut opened: Option<(usize, Content)> = None;
    let mut rest = units.into_iter().peekable();
    while rest.peek().is_some() {
        report(observe, "reading", done, total)?;
        let file = rest.peek().map_or(0, |unit| unit.file);
        let shared = stack.files.get(file).is_some_and(|f| f.frames > 1);
        let mut batch: Vec<Unit<'_, T>> = Vec::new();
        while let Some(unit) = rest.next_if(|unit| {
            batch.len() < AT_ONCE && shared == (unit.file == file)
                || batch.len() < AT_ONCE
                    && !shared
                    && stack.files.get(unit.file).is_some_and(|f| f.frames == 1)
        }) {
            batch.push(unit);
        }
        done += batch.len() as u64;
        if shared && opened.as_ref().is_none_or(|(n, _)| *n != file) {
            opened = batch
                .first()
                .and_then(|unit| Some((unit, unit.slices.first()?.1)))
                .map(|(unit, frame)| open(stack, unit.file, frame))
                .transpose()?
                .map(|content| (file, content));
        }
        let content = opened
            .as_ref()
            .filter(|_| shared)
            .map(|(_, content)| content);
        batch
            .into_par_iter()
            .try_for_each(|unit| read_unit(stack, unit, content, value))?;
    }
    Ok(())
}

fn open(stack: &Stored, file: usize, frame: &Frame) -> Result<Content, Error> {
    let opened = match stack.files.get(file) {
        Some(file) => Content::open(file, &frame.format),
        None => Err(DicomError::NoImage),
    };
    opened.map_err(|source| Error::Dicom {
        source,
        path: file_path(stack, frame),
    })
}

fn read_unit<T>(
    stack: &Stored,
    unit: Unit<'_, T>,
    content: Option<&Content>,
    value: &(dyn Fn(i64, &Frame) -> T + Sync),
) -> Result<(), Error> {
    let Some(&(slice, frame, _)) = unit.slices.first() else {
        return Ok(());
    };
    let own;
    let content = if let Some(content) = content {
        content
    } else {
        own = open(stack, unit.file, frame)?;
        &own
    };
    let native = match stack.files.get(unit.file) {
        Some(file) => native(content, file, frame, slice),
        None => Err(DicomError::NoImage),
    }
    .map_err(|source| Error::Dicom {
        source,
        path: file_path(stack, frame),
    })?;
    for (_, frame, out) in unit.slices {
        cut(&native, frame, value, out);
    }
    Ok(())
}

/// The samples of a whole frame.
fn native<'a>(
    content: &'a Content,
    file: &StoredFile,
    frame: &Frame,
    slice: usize,
) -> Result<Native<'a>, DicomError> {
    let stored = content.frame(frame.number)?;
    decode(stored, file.syntax.encoding, &frame.format).map_err(|problem| DicomError::Pixels {
        slice: slice + 1,
        problem,
    })
}

/// Takes a slice out of a frame, sample by sample.
fn cut<T>(
    native: &Native<'_>,
    frame: &Frame,
    value: &(dyn Fn(i64, &Frame) -> T + Sync),
    out: &mut [T],
) {
    match frame.format.bits_allocated {
        8 => samples::<1, T>(native, frame, value, out),
        16 => samples::<2, T>(native, frame, value, out),
        _ => samples::<4, T>(native, frame, value, out),
    }
}

fn samples<const N: usize, T>(
    native: &Native<'_>,
    frame: &Frame,
    value: &(dyn Fn(i64, &Frame) -> T + Sync),
    out: &mut [T],
) {
    let (words, _) = native.bytes.as_chunks::<N>();
    let (row, column) = frame.tile.map_or((0, 0), |tile| (tile.row, tile.column));
    let [width, _] = frame.shape;
    for (y, line) in out.chunks_mut(width.max(1)).enumerate() {
        let start = (row + y) * frame.format.columns + column;
        let words = words.get(start..start + width).unwrap_or_default();
        for (place, word) in line.iter_mut().zip(words) {
            let mut bytes = [0; 4];
            bytes[..N].copy_from_slice(word);
            if native.order == ByteOrder::Big {
                bytes[..N].reverse();
            }
            *place = value(stored(u32::from_le_bytes(bytes), &frame.format), frame);
        }
    }
}

/// The number in a sample: its stored bits, with their sign (PS3.5, 8.1.1). Bits above and below are not part of it.
fn stored(sample: u32, format: &Format) -> i64 {
    let unused = 32 - format.bits_stored;
    let top = sample << (31 - format.high_bit);
    if format.signed {
        i64::from((top as i32) >> unused)
    } else {
        i64::from(top >> unused)
    }
}
