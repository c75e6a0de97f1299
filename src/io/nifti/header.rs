//! The headers of NIfTI-1, NIfTI-2 and Analyze 7.5 (SPM's reading of it), brought to one form.
//!
//! Field places: `nifti1.h`, `nifti2.h` and Mayo's `dbh.h`. Where a field holds what the format forbids, the reading is nibabel's, and a
//! warning says so.
use super::fields::{Fields, LONGEST};
use crate::io::{HeaderError, Warning};

/// Bytes of a NIfTI-1 or Analyze header.
pub(super) const SHORT: usize = 348;

/// Which header a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Format {
    Nifti1,
    Nifti2,
    Analyze,
}

impl Format {
    /// Name as the `inspect` command prints it.
    pub(in crate::io) fn name(self) -> &'static str {
        match self {
            Self::Nifti1 => "nifti1",
            Self::Nifti2 => "nifti2",
            Self::Analyze => "analyze",
        }
    }
}

/// Whether header and voxels share a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// `.nii`
    Single,
    /// `.hdr` with `.img`
    Pair,
}

/// How a voxel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Datatype {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
    F128,
}

impl Datatype {
    fn from_code(code: i64, format: Format) -> Result<Self, HeaderError> {
        let datatype = match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            1 => return Err(HeaderError::Unsupported("single bits")),
            32 | 1792 | 2048 => return Err(HeaderError::Unsupported("complex numbers")),
            128 | 2304 => return Err(HeaderError::Unsupported("colours (RGB)")),
            // The codes beyond 255 came with NIfTI.
            _ if format == Format::Analyze => return Err(HeaderError::Datatype(code)),
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            1536 => Self::F128,
            _ => return Err(HeaderError::Datatype(code)),
        };
        Ok(datatype)
    }

    /// Bytes of a voxel in the file.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::F128 => 16,
        }
    }

    /// Name as the `inspect` command prints it.
    pub(in crate::io) fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::F128 => "float128",
        }
    }
}

/// `intensity = stored × slope + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::io) struct Scaling {
    pub(in crate::io) slope: f64,
    pub(in crate::io) intercept: f64,
}

impl Scaling {
    /// Leaves every value as it is. The intercept is −0 because adding +0 would turn a stored −0 into +0.
    pub(in crate::io) const NONE: Self = Self {
        slope: 1.0,
        intercept: -0.0,
    };

    fn is_finite(&self) -> bool {
        self.slope.is_finite() && self.intercept.is_finite()
    }
}

/// What a header says, free of its format.
#[derive(Debug, Clone)]
pub(in crate::io) struct Header {
    pub(in crate::io) format: Format,
    pub(super) big_endian: bool,
    /// One to seven lengths, none zero.
    pub(in crate::io) shape: Vec<usize>,
    pub(in crate::io) datatype: Datatype,
    /// Where the voxels begin in their file, bytes.
    pub(super) offset: u64,
    pub(in crate::io) scaling: Scaling,
    /// The raw fields, for the affine.
    pub(super) fields: Fields,
}

impl Header {
    /// Voxels along the first three axes; 1 where there is no such axis.
    pub(in crate::io) fn grid_shape(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.shape.get(axis).copied().unwrap_or(1))
    }

    /// Number of volumes: what the axes after the third hold.
    pub(in crate::io) fn volumes(&self) -> usize {
        self.shape.iter().skip(3).product()
    }

    /// `dim[1]` to `dim[3]` as they stand, whatever `dim[0]` says.
    pub(super) fn raw_dims(&self) -> [i64; 3] {
        std::array::from_fn(|n| dimension(&self.fields, self.format, n + 1))
    }

    /// The first bytes of the free text that NIfTI calls `descrip`.
    pub(super) fn description(&self) -> [u8; 40] {
        match self.format {
            Format::Nifti2 => self.fields.raw(240),
            Format::Nifti1 | Format::Analyze => self.fields.raw(148),
        }
    }

    /// `pixdim[n]`.
    pub(super) fn pixdim(&self, n: usize) -> f64 {
        match self.format {
            Format::Nifti2 => self.fields.f64(104 + 8 * n),
            Format::Nifti1 | Format::Analyze => self.fields.f32(76 + 4 * n),
        }
    }
}

/// Whether the first bytes of a file are those of a NIfTI-2 header: its size, in either byte order, without the magic of NIfTI-1.
pub(super) fn begins_nifti2(bytes: &[u8]) -> bool {
    !has_nifti1_magic(bytes) && has_size(bytes, LONGEST)
}

fn has_nifti1_magic(bytes: &[u8]) -> bool {
    matches!(bytes.get(344..348), Some(b"n+1\0" | b"ni1\0"))
}

/// Whether `sizeof_hdr`, in either byte order, is `size`.
fn has_size(bytes: &[u8], size: usize) -> bool {
    let wanted = size as u32;
    bytes
        .first_chunk()
        .is_some_and(|b| u32::from_le_bytes(*b) == wanted || u32::from_be_bytes(*b) == wanted)
}

/// Which format a header block has. `None` when it is none of ours in this container. `found` is the number of bytes that the file holds,
/// at most [`LONGEST`].
pub(super) fn identify(
    bytes: &[u8; LONGEST],
    found: usize,
    container: Container,
) -> Result<Option<Format>, HeaderError> {
    let (format, expected) = if has_nifti1_magic(bytes) {
        (Format::Nifti1, SHORT)
    } else if begins_nifti2(bytes) {
        (Format::Nifti2, LONGEST)
    } else if has_size(bytes, SHORT) && (container == Container::Pair || found < SHORT) {
        (Format::Analyze, SHORT)
    } else {
        return Ok(None);
    };
    if found < expected {
        return Err(HeaderError::Short { found, expected });
    }
    Ok(Some(format))
}

fn dimension(fields: &Fields, format: Format, n: usize) -> i64 {
    match format {
        Format::Nifti2 => fields.i64(16 + 8 * n),
        Format::Nifti1 | Format::Analyze => fields.i16(40 + 2 * n),
    }
}

/// Reads a header block whose format is known.
pub(super) fn parse(
    bytes: &[u8; LONGEST],
    format: Format,
    container: Container,
    warnings: &mut Vec<Warning>,
) -> Result<Header, HeaderError> {
    // The byte order in which the number of dimensions makes sense.
    let mut fields = Fields::new(bytes, false);
    if !(1..=7).contains(&dimension(&fields, format, 0)) {
        fields.big_endian = true;
        let count = dimension(&fields, format, 0);
        if !(1..=7).contains(&count) {
            return Err(HeaderError::DimensionCount(count));
        }
    }
    if format == Format::Nifti2 {
        check_nifti2(&fields)?;
    }
    let at = if format == Format::Nifti2 { 12 } else { 70 };
    let datatype = Datatype::from_code(fields.i16(at), format)?;
    let bits = fields.i16(at + 2);
    if bits != datatype.size() as i64 * 8 {
        warnings.push(Warning::Field {
            field: "bitpix",
            found: bits as f64,
            instead: "the voxel type's own size was used",
        });
    }
    let shape = shape(&fields, format)?;
    let offset = offset(&fields, format, container)?;
    let scaling = scaling(&fields, format, warnings)?;
    unit(&fields, format, warnings);
    Ok(Header {
        format,
        big_endian: fields.big_endian,
        shape,
        datatype,
        offset,
        scaling,
        fields,
    })
}

fn check_nifti2(fields: &Fields) -> Result<(), HeaderError> {
    let magic: [u8; 4] = fields.raw(4);
    if &magic != b"n+2\0" && &magic != b"ni2\0" {
        return Err(HeaderError::Magic);
    }
    match fields.raw(8) {
        [13, 10, 26, 10] | [0, 0, 0, 0] => Ok(()),
        _ => Err(HeaderError::LineEnds),
    }
}

fn shape(fields: &Fields, format: Format) -> Result<Vec<usize>, HeaderError> {
    let count = dimension(fields, format, 0) as usize;
    let mut shape = Vec::with_capacity(count);
    for axis in 1..=count {
        let length = dimension(fields, format, axis);
        match usize::try_from(length) {
            Ok(n) if n > 0 => shape.push(n),
            _ => return Err(HeaderError::Dimension { axis, length }),
        }
    }
    let product = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    // 16 bytes is the longest voxel: no later product of sizes overflows.
    if product.is_none_or(|n| n > i64::MAX as usize / 16) {
        return Err(HeaderError::Overflow);
    }
    Ok(shape)
}

fn offset(fields: &Fields, format: Format, container: Container) -> Result<u64, HeaderError> {
    let (offset, first) = match format {
        Format::Nifti2 => {
            let offset = fields.i64(168);
            return match u64::try_from(offset) {
                Ok(n) if n >= minimum_offset(fields, format, container) => Ok(n),
                _ => Err(HeaderError::Offset(offset as f64)),
            };
        }
        Format::Nifti1 | Format::Analyze => {
            (fields.f32(108), minimum_offset(fields, format, container))
        }
    };
    // A fraction is cut off, as by every reader that stores the field in an integer.
    if offset.is_finite() && offset.trunc() >= first as f64 && offset < 9e18 {
        Ok(offset as u64)
    } else {
        Err(HeaderError::Offset(offset))
    }
}

/// The first byte where voxels may begin. A pair's header whose magic is that of a single file keeps the rule of single files.
fn minimum_offset(fields: &Fields, format: Format, container: Container) -> u64 {
    let end = match format {
        Format::Nifti1 => 352,
        Format::Nifti2 => 544,
        Format::Analyze => 0,
    };
    let magic: [u8; 3] = fields.raw(if format == Format::Nifti2 { 4 } else { 344 });
    let zero = match format {
        Format::Nifti2 => fields.i64(168) == 0,
        Format::Nifti1 | Format::Analyze => fields.f32(108) == 0.0,
    };
    match container {
        Container::Single => end,
        Container::Pair if magic.starts_with(b"n+") && !zero => end,
        Container::Pair => 0,
    }
}

fn scaling(
    fields: &Fields,
    format: Format,
    warnings: &mut Vec<Warning>,
) -> Result<Scaling, HeaderError> {
    let (slope, intercept) = match format {
        Format::Nifti2 => (fields.f64(176), fields.f64(184)),
        Format::Nifti1 | Format::Analyze => (fields.f32(112), fields.f32(116)),
    };
    if slope.is_finite() && slope != 0.0 {
        return match (format, intercept.is_finite()) {
            (_, true) => Ok(Scaling { slope, intercept }),
            (Format::Analyze, false) => Ok(Scaling {
                slope,
                intercept: 0.0,
            }),
            _ => Err(HeaderError::Intercept(intercept)),
        };
    }
    let calibration = (format == Format::Analyze)
        .then(|| calibration(fields))
        .flatten();
    if let Some(found) = calibration.filter(Scaling::is_finite) {
        return Ok(found);
    }
    if !slope.is_finite() || calibration.is_some() {
        warnings.push(Warning::Unscaled);
    }
    Ok(Scaling::NONE)
}

/// SPM2's second way to scale: the line through (glmin, `cal_min`) and (glmax, `cal_max`).
fn calibration(fields: &Fields) -> Option<Scaling> {
    let (cal_max, cal_min) = (fields.f32(124), fields.f32(128));
    let (gl_max, gl_min) = (fields.i32(140), fields.i32(144));
    // The difference of two float32 fields is one of float32.
    let calibrated = f64::from(cal_max as f32 - cal_min as f32);
    let range = gl_max - gl_min;
    if range == 0 || calibrated == 0.0 {
        return None;
    }
    let slope = calibrated / range as f64;
    let intercept = cal_min - slope * gl_min as f64;
    Some(Scaling { slope, intercept })
}

fn unit(fields: &Fields, format: Format, warnings: &mut Vec<Warning>) {
    let code = match format {
        Format::Nifti1 => i64::from(fields.u8(123)),
        Format::Nifti2 => fields.i32(500),
        Format::Analyze => 0,
    };
    let unit = match code.rem_euclid(8) {
        1 => "metres",
        3 => "micrometres",
        _ => return,
    };
    warnings.push(Warning::Unit { unit });
}
