//! The frames of a file: where each lies in the patient, and what tells it from others at the same place.
use super::DicomError;
use super::attributes::Attributes;
use super::csa::csa_numbers;
use super::header::Header;
use super::kept::{CSA_IMAGE, SLICES_IN_MOSAIC};
use super::syntax::Encoding;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::sync::Arc;

/// Frames of one file.
const MOST_FRAMES: i64 = 100_000;

/// How the samples of a frame are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Format {
    /// Of the image that a slice is cut from, which is larger only in mosaics.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// 8, 16 or 32.
    pub(super) bits_allocated: u32,
    pub(super) bits_stored: u32,
    pub(super) high_bit: u32,
    pub(super) signed: bool,
    pub(super) inverted: bool,
}

impl Format {
    /// Bytes of one frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.rows * self.columns * (self.bits_allocated / 8) as usize
    }
}

/// A part of a frame: one slice of a mosaic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// First column and row.
    pub(super) column: usize,
    pub(super) row: usize,
}

/// What a stored value means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rescale {
    Line {
        slope: f64,
        intercept: f64,
    },
    /// Modality LUT: values for stored ones from `first` on; those outside take the nearest end.
    Table {
        first: i64,
        values: Arc<[u16]>,
    },
}

/// One slice. Positions and directions are DICOM's: LPS millimetres.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Which file of the series, and which of its frames.
    pub(super) file: usize,
    pub(super) number: usize,
    pub(super) tile: Option<Tile>,
    /// Columns and rows of the slice.
    pub(super) shape: [usize; 2],
    pub(super) format: Format,
    /// Centre of its first voxel, direction along a row, direction down a column; nothing when the file does not say.
    pub(super) place: Option<Place>,
    /// Between neighbours along a row and down a column, mm.
    pub(super) spacing_mm: [f64; 2],
    pub(super) rescale: Rescale,
    pub(super) thickness_mm: Option<f64>,
    /// What tells frames at one place from each other.
    pub(super) marks: Marks,
    pub(super) instance: i64,
}

/// See [`Frame::place`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) position: DVec3,
    pub(super) row: DVec3,
    pub(super) column: DVec3,
}

/// See [`Frame::marks`].
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Marks {
    pub(super) echo_time_ms: Option<f64>,
    pub(super) echo: Option<i64>,
    pub(super) time_point: Option<i64>,
    pub(super) stack: Option<String>,
    /// Image type without its first two values: magnitude or phase, water or fat.
    pub(super) kind: String,
    pub(super) acquisition: Option<i64>,
    pub(super) inversion_time_ms: Option<f64>,
    pub(super) trigger_time_ms: Option<f64>,
    pub(super) b_value: Option<f64>,
}

/// Values of a frame: its own functional groups, then the shared ones, then the file itself.
struct Lookup<'a> {
    groups: [Option<&'a Attributes>; 2],
    file: &'a Attributes,
}

impl<'a> Lookup<'a> {
    /// The data set that holds a tag: an item of `sequence` in a functional group, or the file.
    fn holder(&self, sequence: Tag, tag: Tag) -> &'a Attributes {
        self.groups
            .iter()
            .flatten()
            .filter_map(|group| group.item(sequence))
            .find(|item| item.bytes(tag).is_some())
            .unwrap_or(self.file)
    }

    fn numbers(&self, sequence: Tag, tag: Tag) -> Vec<f64> {
        self.holder(sequence, tag).numbers(tag)
    }

    fn number(&self, sequence: Tag, tag: Tag) -> Option<f64> {
        self.holder(sequence, tag).number(tag)
    }

    fn integer(&self, sequence: Tag, tag: Tag) -> Option<i64> {
        self.holder(sequence, tag).integer(tag)
    }
}

/// All frames of a file, a slice of a mosaic each.
///
/// # Errors
/// When the file holds no grey image, or describes it in a way that makes none.
pub(super) fn frames(header: &Header, file: usize) -> Result<Vec<Frame>, DicomError> {
    let a = &header.attributes;
    if header.pixels.is_none() {
        return Err(DicomError::NoImage);
    }
    let format = format(a)?;
    let count = a.integer(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
    if count > MOST_FRAMES {
        return Err(DicomError::Format(format!("{count} frames")));
    }
    // What is not there is not listed: each frame takes memory before its pixels are looked at.
    let native = !header.syntax.deflated && matches!(header.syntax.encoding, Encoding::Native(_));
    if let Some(length) = header
        .pixels
        .as_ref()
        .and_then(|p| p.length)
        .filter(|_| native)
    {
        let frame =
            format.rows as u64 * format.columns as u64 * u64::from(format.bits_allocated / 8);
        if count > 1 && frame.saturating_mul(count as u64) > length {
            return Err(DicomError::Truncated("its pixels"));
        }
    }
    let shared = a.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let each = a.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let table = table(a)?;
    let mut all = Vec::new();
    for number in 0..count as usize {
        let lookup = Lookup {
            groups: [each.get(number), shared],
            file: a,
        };
        all.push(frame(&lookup, file, number, format, table.clone()));
    }
    if count == 1 && a.codes(tags::IMAGE_TYPE).iter().any(|v| v == "MOSAIC") {
        let whole = all.swap_remove(0);
        return mosaic(a, &whole);
    }
    Ok(all)
}

fn format(a: &Attributes) -> Result<Format, DicomError> {
    let whole = |tag: Tag, name: &str| {
        a.integer(tag)
            .filter(|n| (0..=65_535).contains(n))
            .ok_or_else(|| DicomError::Format(format!("no {name}")))
    };
    let photometric = a.code(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
    let samples = a.integer(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let inverted = photometric == "MONOCHROME1";
    if samples != 1 || !(photometric.is_empty() || photometric.starts_with("MONOCHROME")) {
        return Err(DicomError::NotGrey(photometric));
    }
    let (rows, columns) = (whole(tags::ROWS, "rows")?, whole(tags::COLUMNS, "columns")?);
    let allocated = whole(tags::BITS_ALLOCATED, "bits allocated")?;
    let stored = a.integer(tags::BITS_STORED).unwrap_or(allocated);
    let high_bit = a.integer(tags::HIGH_BIT).unwrap_or(stored - 1);
    if rows == 0 || columns == 0 {
        return Err(DicomError::Format(format!("{columns} × {rows} voxels")));
    }
    if !matches!(allocated, 8 | 16 | 32)
        || !(1..=allocated).contains(&stored)
        || !(stored - 1..allocated).contains(&high_bit)
    {
        return Err(DicomError::Format(format!(
            "{stored} bits up to bit {high_bit} of {allocated}"
        )));
    }
    Ok(Format {
        rows: rows as usize,
        columns: columns as usize,
        bits_allocated: allocated as u32,
        bits_stored: stored as u32,
        high_bit: high_bit as u32,
        signed: a.integer(tags::PIXEL_REPRESENTATION) == Some(1),
        inverted,
    })
}

/// The Modality LUT, if the file has one (PS3.3, C.11.1).
fn table(a: &Attributes) -> Result<Option<Rescale>, DicomError> {
    let Some(item) = a.item(tags::MODALITY_LUT_SEQUENCE) else {
        return Ok(None);
    };
    let descriptor = item.numbers(tags::LUT_DESCRIPTOR);
    let data = item.bytes(tags::LUT_DATA).unwrap_or_default();
    let broken = || DicomError::Format("its Modality LUT is broken".to_owned());
    let &[count, first, bits] = descriptor.as_slice() else {
        return Err(broken());
    };
    // A count of 65,536 does not fit its field and is written as 0.
    let count = if count == 0.0 { 65_536 } else { count as usize };
    let signed = a.integer(tags::PIXEL_REPRESENTATION) == Some(1);
    let first = if signed && first > 32_767.0 {
        first - 65_536.0
    } else {
        first
    };
    let values: Vec<u16> = if bits <= 8.0 && data.len() < 2 * count {
        data.iter().take(count).map(|&b| u16::from(b)).collect()
    } else {
        // LUT Data is US or OW; its byte order is that of the file.
        let numbers = item.numbers(tags::LUT_DATA);
        if numbers.len() >= count {
            numbers.iter().take(count).map(|&x| x as u16).collect()
        } else {
            let (words, _) = data.as_chunks::<2>();
            words
                .iter()
                .take(count)
                .map(|w| u16::from_le_bytes(*w))
                .collect()
        }
    };
    if values.len() != count {
        return Err(broken());
    }
    Ok(Some(Rescale::Table {
        first: first as i64,
        values: values.into(),
    }))
}

fn frame(
    lookup: &Lookup<'_>,
    file: usize,
    number: usize,
    format: Format,
    table: Option<Rescale>,
) -> Frame {
    let a = lookup.file;
    let measures = tags::PIXEL_MEASURES_SEQUENCE;
    let values = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
    let content = tags::FRAME_CONTENT_SEQUENCE;
    let position = lookup.numbers(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);
    let orientation = lookup.numbers(
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::IMAGE_ORIENTATION_PATIENT,
    );
    let spacing = lookup.numbers(measures, tags::PIXEL_SPACING);
    let kind = lookup.holder(tags::MR_IMAGE_FRAME_TYPE_SEQUENCE, tags::FRAME_TYPE);
    let mut kinds = kind.codes(tags::FRAME_TYPE);
    if kinds.is_empty() {
        kinds = a.codes(tags::IMAGE_TYPE);
    }
    let mut kind = kinds.get(2..).unwrap_or_default().join(" ");
    if let Some(component) = kind_component(lookup) {
        kind.push(' ');
        kind.push_str(&component);
    }
    let line = Rescale::Line {
        slope: lookup
            .number(values, tags::RESCALE_SLOPE)
            .filter(|&s| s != 0.0)
            .unwrap_or(1.0),
        intercept: lookup
            .number(values, tags::RESCALE_INTERCEPT)
            .unwrap_or(0.0),
    };
    let positive = |x: &f64| *x > 0.0;
    let echo = tags::MR_ECHO_SEQUENCE;
    Frame {
        file,
        number,
        tile: None,
        shape: [format.columns, format.rows],
        format,
        place: place(&position, &orientation),
        spacing_mm: match spacing.as_slice() {
            // Pixel Spacing names the distance between rows first.
            &[rows, columns] if rows > 0.0 && columns > 0.0 => [columns, rows],
            _ => [0.0; 2],
        },
        rescale: table.unwrap_or(line),
        thickness_mm: lookup
            .number(measures, tags::SLICE_THICKNESS)
            .filter(positive),
        marks: Marks {
            echo_time_ms: lookup
                .number(echo, tags::EFFECTIVE_ECHO_TIME)
                .or_else(|| a.number(tags::ECHO_TIME)),
            echo: a.integer(tags::ECHO_NUMBERS),
            time_point: lookup
                .integer(content, tags::TEMPORAL_POSITION_INDEX)
                .or_else(|| a.integer(tags::TEMPORAL_POSITION_IDENTIFIER)),
            stack: lookup.holder(content, tags::STACK_ID).code(tags::STACK_ID),
            kind,
            acquisition: a.integer(tags::ACQUISITION_NUMBER),
            inversion_time_ms: a.number(tags::INVERSION_TIME),
            trigger_time_ms: a.number(tags::TRIGGER_TIME),
            b_value: lookup.number(tags::MR_DIFFUSION_SEQUENCE, tags::DIFFUSION_B_VALUE),
        },
        instance: a.integer(tags::INSTANCE_NUMBER).unwrap_or(0),
    }
}

fn kind_component(lookup: &Lookup<'_>) -> Option<String> {
    lookup
        .holder(
            tags::MR_IMAGE_FRAME_TYPE_SEQUENCE,
            tags::COMPLEX_IMAGE_COMPONENT,
        )
        .code(tags::COMPLEX_IMAGE_COMPONENT)
}

/// Position and two directions at right angles, made unit vectors.
pub(super) fn place(position: &[f64], orientation: &[f64]) -> Option<Place> {
    /// Scanners write directions with six digits; farther from a right angle than this is no plane of voxels.
    const SKEW: f64 = 1e-3;
    let (&[x, y, z], &[a, b, c, d, e, f]) = (position, orientation) else {
        return None;
    };
    let position = DVec3::new(x, y, z);
    let row = DVec3::new(a, b, c).try_normalize()?;
    let column = DVec3::new(d, e, f).try_normalize()?;
    let within = position.is_finite() && position.abs().max_element() < 1e6;
    (within && row.dot(column).abs() <= SKEW).then_some(Place {
        position,
        row,
        column,
    })
}

/// The slices of a Siemens mosaic: tiles of one image, row by row, whose position is that of the image's corner.
fn mosaic(a: &Attributes, whole: &Frame) -> Result<Vec<Frame>, DicomError> {
    let unclear = |what: &str| DicomError::Format(format!("a mosaic without {what}"));
    let csa = a.bytes(CSA_IMAGE).unwrap_or_default();
    let count = csa_numbers(csa, "NumberOfImagesInMosaic")
        .and_then(|n| n.first().map(|&x| x as i64))
        .or_else(|| a.integer(SLICES_IN_MOSAIC))
        .filter(|n| (1..=4096).contains(n))
        .ok_or_else(|| unclear("a count of slices"))? as usize;
    let across = (1..=count).find(|n| n * n >= count).unwrap_or(1);
    let [columns, rows] = [whole.format.columns / across, whole.format.rows / across];
    if columns == 0 || rows == 0 {
        return Err(unclear("slices"));
    }
    let distance_mm = a
        .number(tags::SPACING_BETWEEN_SLICES)
        .or(whole.thickness_mm)
        .filter(|&mm| mm > 0.0)
        .ok_or_else(|| unclear("a distance of slices"))?;
    let place = whole.place.map(|place| {
        let normal = place.row.cross(place.column);
        let against = csa_numbers(csa, "SliceNormalVector").is_some_and(
            |n| matches!(n.as_slice(), &[x, y, z] if DVec3::new(x, y, z).dot(normal) < 0.0),
        );
        let step = if against { -normal } else { normal } * distance_mm;
        // The image is as much larger than a slice as it seems to begin farther out.
        let [along, down] = [whole.format.columns - columns, whole.format.rows - rows];
        let corner = place.position
            + place.row * (whole.spacing_mm[0] * along as f64 / 2.0)
            + place.column * (whole.spacing_mm[1] * down as f64 / 2.0);
        (corner, step, place)
    });
    let slices = (0..count).map(|n| Frame {
        tile: Some(Tile {
            column: n % across * columns,
            row: n / across * rows,
        }),
        shape: [columns, rows],
        place: place.map(|(corner, step, place)| Place {
            position: corner + step * n as f64,
            ..place
        }),
        // Each mosaic is a volume of its own.
        marks: Marks {
            time_point: Some(whole.instance),
            ..whole.marks.clone()
        },
        ..whole.clone()
    });
    Ok(slices.collect())
}
