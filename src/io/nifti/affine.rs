//! Where a header places its voxels: sform, else qform, else the convention of Analyze (nibabel's order and rules).
use super::header::{Format, Header};
use crate::io::{HeaderError, Warning};
use glam::{DAffine3, DMat3, DQuat, DVec3};

/// Where an affine comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum AffineSource {
    Sform,
    Qform,
    Neither,
}

impl AffineSource {
    /// Name as the `inspect` command prints it.
    pub(in crate::io) fn name(self) -> &'static str {
        match self {
            Self::Sform => "sform",
            Self::Qform => "qform",
            Self::Neither => "none",
        }
    }
}

/// An affine (RAS mm from voxel indices) and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(in crate::io) struct Placement {
    pub(in crate::io) world_from_voxel: DAffine3,
    pub(in crate::io) source: AffineSource,
}

/// Farther apart than this, sform and qform are said to disagree: above their float32 rounding, below what matters in a head.
const DISAGREE_MM: f64 = 0.1;

/// What the description says of a file of ours whose codes tell no orientation and whose rows of the sform keep a place all the same: an Analyze scan with an origin has one, and outlines
/// of it must come back onto its voxels. Other programs take such a file as one without any form.
pub(super) const PLACE_KEPT: [u8; 40] = *b"Schwann keeps the place, tells no sides\0";

/// The affine that is in force.
pub(super) fn place(
    header: &Header,
    warnings: &mut Vec<Warning>,
) -> Result<Placement, HeaderError> {
    let (affine, source) = match header.format {
        Format::Analyze => (analyze(header, warnings), AffineSource::Neither),
        Format::Nifti1 | Format::Nifti2 => nifti(header, warnings)?,
    };
    if !affine.is_finite() {
        return Err(HeaderError::Affine(match source {
            AffineSource::Sform => "sform",
            AffineSource::Qform => "qform",
            AffineSource::Neither => "voxel size",
        }));
    }
    Ok(Placement {
        world_from_voxel: affine,
        source,
    })
}

fn nifti(
    header: &Header,
    warnings: &mut Vec<Warning>,
) -> Result<(DAffine3, AffineSource), HeaderError> {
    let has_qform = form_code(header, Form::Q, warnings);
    if form_code(header, Form::S, warnings) {
        let sform = sform(header);
        if has_qform {
            compare(header, sform, warnings);
        }
        return Ok((sform, AffineSource::Sform));
    }
    if has_qform {
        return Ok((qform(header, warnings)?, AffineSource::Qform));
    }
    warnings.push(Warning::OrientationUnknown);
    if header.description() == PLACE_KEPT
        && let Some(kept) = kept_place(header)
    {
        return Ok((kept, AffineSource::Neither));
    }
    let size = sizes(header, header.shape.len(), warnings);
    let centre = header.grid_shape().map(|n| (n as f64 - 1.0) / 2.0);
    Ok((radiological(size, centre), AffineSource::Neither))
}

/// The rows of the sform without its code, where they agree with the voxel sizes. A program that resamples our file and keeps its description leaves them behind; all others
/// know the sizes alone.
fn kept_place(header: &Header) -> Option<DAffine3> {
    /// Part of a size by which it may be missed: more than single precision rounds.
    const ROUNDED: f64 = 1e-3;
    let kept = sform(header);
    let agrees = |axis: usize| {
        let (mm, size) = (kept.matrix3.col(axis).length(), header.pixdim(axis + 1));
        (mm - size).abs() <= ROUNDED * size
    };
    (kept.is_finite() && (0..3).all(agrees)).then_some(kept)
}

#[derive(Clone, Copy)]
enum Form {
    Q,
    S,
}

/// Whether a form is in force; a code without a meaning is taken as 0.
fn form_code(header: &Header, form: Form, warnings: &mut Vec<Warning>) -> bool {
    let f = &header.fields;
    let (code, field) = match (header.format, form) {
        (Format::Nifti2, Form::Q) => (f.i32(344), "qform_code"),
        (Format::Nifti2, Form::S) => (f.i32(348), "sform_code"),
        (_, Form::Q) => (f.i16(252), "qform_code"),
        (_, Form::S) => (f.i16(254), "sform_code"),
    };
    if !(0..=5).contains(&code) {
        warnings.push(Warning::Field {
            field,
            found: code as f64,
            instead: "that form was ignored",
        });
    }
    (1..=5).contains(&code)
}

fn sform(header: &Header) -> DAffine3 {
    let at = |row: usize, column: usize| match header.format {
        Format::Nifti2 => header.fields.f64(400 + 8 * (4 * row + column)),
        Format::Nifti1 | Format::Analyze => header.fields.f32(280 + 4 * (4 * row + column)),
    };
    let column = |c| DVec3::new(at(0, c), at(1, c), at(2, c));
    DAffine3::from_cols(column(0), column(1), column(2), column(3))
}

fn qform(header: &Header, warnings: &mut Vec<Warning>) -> Result<DAffine3, HeaderError> {
    let at = |n: usize| match header.format {
        Format::Nifti2 => header.fields.f64(352 + 8 * n),
        Format::Nifti1 | Format::Analyze => header.fields.f32(256 + 4 * n),
    };
    let [b, c, d] = [at(0), at(1), at(2)];
    let offset = DVec3::new(at(3), at(4), at(5));
    if ![b, c, d].iter().all(|x| x.is_finite()) {
        return Err(HeaderError::Affine("qform"));
    }
    // What is left for a², zero within the rounding of the stored fields.
    let rest = one_minus_squares([b, c, d]);
    let rounding = 3.0
        * match header.format {
            Format::Nifti2 => f64::EPSILON,
            Format::Nifti1 | Format::Analyze => f64::from(f32::EPSILON),
        };
    let a = if rest.abs() < rounding {
        0.0
    } else if rest < 0.0 {
        return Err(HeaderError::Quaternion(1.0 - rest));
    } else {
        rest.sqrt()
    };
    let mut size = sizes(header, 3, warnings);
    size[2] *= handedness(header, warnings);
    let rotation = DMat3::from_quat(DQuat::from_xyzw(b, c, d, a).normalize());
    let matrix = rotation * DMat3::from_diagonal(DVec3::from_array(size));
    Ok(DAffine3::from_mat3_translation(matrix, offset))
}

/// `1 − b² − c² − d²` with the rounding errors carried along: near a half turn the square root would blow them up a hundred million times.
fn one_minus_squares(numbers: [f64; 3]) -> f64 {
    let (mut sum, mut lost) = (1.0, 0.0);
    for x in numbers {
        let square = x * x;
        lost -= x.mul_add(x, -square);
        let next = sum - square;
        lost += if sum.abs() >= square {
            (sum - next) - square
        } else {
            sum - (next + square)
        };
        sum = next;
    }
    sum + lost
}

/// The qform's sign of the third axis: −1 or 1; the format reads 0 as 1.
#[expect(clippy::float_cmp, reason = "two exact values have a meaning")]
fn handedness(header: &Header, warnings: &mut Vec<Warning>) -> f64 {
    let found = header.pixdim(0);
    if found == -1.0 {
        return -1.0;
    }
    if found != 1.0 && found != 0.0 {
        warnings.push(Warning::Field {
            field: "pixdim[0] (qfac)",
            found,
            instead: "1 was used",
        });
    }
    1.0
}

/// `pixdim[1]` to `pixdim[3]`, of which the first `axes` mean something: never zero, never negative.
fn sizes(header: &Header, axes: usize, warnings: &mut Vec<Warning>) -> [f64; 3] {
    const NAMES: [&str; 3] = ["pixdim[1]", "pixdim[2]", "pixdim[3]"];
    std::array::from_fn(|n| {
        if n >= axes {
            return 1.0;
        }
        let found = header.pixdim(n + 1);
        let (size, instead) = if found == 0.0 {
            (1.0, "1 was used")
        } else if found < 0.0 {
            (-found, "its absolute value was used")
        } else {
            return found;
        };
        // The third voxel size of a flat image carries nothing.
        if header.shape.len() > n {
            warnings.push(Warning::Field {
                field: NAMES[n],
                found,
                instead,
            });
        }
        size
    })
}

/// The first voxel axis runs to the left, the others to anterior and superior; `origin` is the voxel at 0 mm.
pub(super) fn radiological([x, y, z]: [f64; 3], origin: [f64; 3]) -> DAffine3 {
    let size = DVec3::new(-x, y, z);
    DAffine3::from_mat3_translation(
        DMat3::from_diagonal(size),
        -DVec3::from_array(origin) * size,
    )
}

/// SPM's reading of Analyze: the `originator` field holds the voxel at 0 mm (counted from 1) when it lies near the grid.
fn analyze(header: &Header, warnings: &mut Vec<Warning>) -> DAffine3 {
    warnings.push(Warning::OrientationByConvention);
    let size = sizes(header, 3, warnings);
    let dims = header.raw_dims();
    let origin: [i64; 3] = std::array::from_fn(|n| header.fields.i16(253 + 2 * n));
    let near = (0..3).all(|n| origin[n] > -dims[n] && origin[n] < 2 * dims[n]);
    if !near || origin == [0; 3] {
        return radiological(size, dims.map(|n| (n as f64 - 1.0) / 2.0));
    }
    let mut affine = radiological(size, origin.map(|n| n as f64 - 1.0));
    // The product of the two stored numbers is one of float32.
    affine.translation = affine.translation.as_vec3().as_dvec3();
    affine
}

/// Warns when the qform places the corner voxels elsewhere than the sform.
fn compare(header: &Header, sform: DAffine3, warnings: &mut Vec<Warning>) {
    let Ok(qform) = qform(header, &mut Vec::new()) else {
        return;
    };
    let last = header.grid_shape().map(|n| n as f64 - 1.0);
    let distance_mm = (0..8_usize)
        .map(|corner| {
            let voxel = DVec3::from_array(std::array::from_fn(|axis| {
                if corner >> axis & 1 == 0 {
                    0.0
                } else {
                    last[axis]
                }
            }));
            sform
                .transform_point3(voxel)
                .distance(qform.transform_point3(voxel))
        })
        .fold(0.0, f64::max);
    if distance_mm > DISAGREE_MM {
        warnings.push(Warning::FormsDisagree { distance_mm });
    }
}
