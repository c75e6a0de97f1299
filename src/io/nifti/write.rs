//! Volumes and label maps to NIfTI files.
use super::affine::{PLACE_KEPT, radiological};
use crate::io::each::each;
use crate::io::{Error, write_atomically};
use crate::volume::{Grid, LabelMap, Volume, Voxels};
use flate2::Compression;
use flate2::write::GzEncoder;
use glam::{DAffine3, DMat3, DQuat, DVec3};
use std::io::Write;
use std::path::Path;

/// Writes a volume as `.nii` or `.nii.gz`, little-endian, in its stored type with slope and intercept, atomically. NIfTI-1; NIfTI-2 when an axis
/// is longer than 32767. The affine becomes the sform, and the qform too unless it is sheared.
///
/// # Errors
/// [`Error::Name`], [`Error::Unwritable`] when the slope, intercept or affine do not fit float32, [`Error::Write`].
pub fn write_volume(path: &Path, volume: &Volume) -> Result<(), Error> {
    write_volume_as(path, volume, true)
}

/// As [`write_volume`]. What comes from a file that does not tell left from right (`told` is false) tells neither: both codes of the header are zero. Where readers would
/// then take another grid for it, the description says that the rows of the sform hold its place, which [`read_volume`](crate::io::read_volume) follows.
///
/// # Errors
/// As [`write_volume`].
pub fn write_volume_as(path: &Path, volume: &Volume, told: bool) -> Result<(), Error> {
    let compressed = is_compressed(path)?;
    let header = header(
        (volume.grid(), told),
        datatype(volume.voxels()),
        volume.rescale(),
    )
    .map_err(|problem| Error::Unwritable {
        problem,
        path: path.to_owned(),
    })?;
    write_atomically(path, |file| {
        if compressed {
            let mut file = GzEncoder::new(file, Compression::fast());
            content(&mut file, &header, volume.voxels())?;
            file.finish().map(|_| ())
        } else {
            content(file, &header, volume.voxels())
        }
    })
}

/// Writes a label map as [`write_volume`] does, as `uint8`.
///
/// # Errors
/// As [`write_volume`].
pub fn write_labels(path: &Path, labels: &LabelMap) -> Result<(), Error> {
    write_labels_as(path, labels, true)
}

/// Writes a label map as [`write_volume_as`] does, as `uint8`.
///
/// # Errors
/// As [`write_volume`].
pub fn write_labels_as(path: &Path, labels: &LabelMap, told: bool) -> Result<(), Error> {
    let voxels = Voxels::U8(labels.labels().to_vec());
    let volume = Volume::new(*labels.grid(), voxels, 1.0, 0.0).map_err(|source| Error::Place {
        source,
        path: path.to_owned(),
    })?;
    write_volume_as(path, &volume, told)
}

fn is_compressed(path: &Path) -> Result<bool, Error> {
    let extension = |path: &Path, wanted: &str| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
    };
    if extension(path, "nii") {
        Ok(false)
    } else if extension(path, "gz")
        && path
            .file_stem()
            .is_some_and(|stem| extension(Path::new(stem), "nii"))
    {
        Ok(true)
    } else {
        Err(Error::Name {
            path: path.to_owned(),
        })
    }
}

/// NIfTI's code of a voxel type, and its bits.
fn datatype(voxels: &Voxels) -> (i16, i16) {
    match voxels {
        Voxels::U8(_) => (2, 8),
        Voxels::I8(_) => (256, 8),
        Voxels::U16(_) => (512, 16),
        Voxels::I16(_) => (4, 16),
        Voxels::U32(_) => (768, 32),
        Voxels::I32(_) => (8, 32),
        Voxels::U64(_) => (1280, 64),
        Voxels::I64(_) => (1024, 64),
        Voxels::F32(_) => (16, 32),
        Voxels::F64(_) => (64, 64),
    }
}

/// Header and voxels. The header ends with the four zeros that say "no extensions".
fn content(file: &mut dyn Write, header: &[u8], voxels: &Voxels) -> std::io::Result<()> {
    file.write_all(header)?;
    let mut bytes = Vec::new();
    each!(voxels, numbers => for part in numbers.chunks(1 << 15) {
        bytes.clear();
        bytes.extend(part.iter().flat_map(|x| x.to_le_bytes()));
        file.write_all(&bytes)?;
    });
    Ok(())
}

/// What both versions of the header say.
struct Fields {
    shape: [usize; 3],
    datatype: (i16, i16),
    slope: f64,
    intercept: f64,
    /// `None` when the affine is sheared.
    quaternion: Option<[f64; 3]>,
    /// −1 when the affine mirrors, else 1.
    handedness: f64,
    spacing_mm: [f64; 3],
    affine: DAffine3,
    /// Codes of the qform and of the sform. 1: patient coordinates of the scanner; 0: there is none.
    forms: [i16; 2],
    /// Without a code the rows of the sform hold the place all the same.
    keeps_place: bool,
}

fn header(
    (grid, told): (&Grid, bool),
    datatype: (i16, i16),
    (slope, intercept): (f64, f64),
) -> Result<Vec<u8>, &'static str> {
    let affine = grid.world_from_voxel();
    let spacing_mm = grid.spacing_mm();
    let mut fields = Fields {
        shape: grid.shape(),
        datatype,
        slope,
        intercept,
        quaternion: None,
        handedness: affine.matrix3.determinant().signum(),
        spacing_mm,
        affine,
        forms: [0; 2],
        keeps_place: !told && !is_plain(grid),
    };
    fields.quaternion = quaternion(affine.matrix3, fields.handedness);
    if told {
        fields.forms = [i16::from(fields.quaternion.is_some()), 1];
    }
    if !(slope.is_finite() && slope != 0.0 && intercept.is_finite()) {
        return Err("its slope is zero or its scaling is not finite");
    }
    if fields.shape.iter().any(|&n| n > i16::MAX as usize) {
        return Ok(nifti2(&fields));
    }
    let narrow = |x: f64| (x as f32).is_finite() && (x == 0.0 || x as f32 != 0.0);
    if !narrow(slope) || !(intercept as f32).is_finite() {
        return Err("its scaling goes beyond 32-bit numbers");
    }
    if !affine
        .to_cols_array()
        .iter()
        .all(|&x| (x as f32).is_finite())
        || !spacing_mm.iter().all(|&x| narrow(x))
    {
        return Err("its affine goes beyond 32-bit numbers");
    }
    Ok(nifti1(&fields))
}

/// Whether a grid is the one that a file without orientation is read as.
fn is_plain(grid: &Grid) -> bool {
    /// What float32 sizes lose over a scan, mm.
    const LOST_MM: f64 = 1e-3;
    let centre = grid.shape().map(|n| (n as f64 - 1.0) / 2.0);
    let plain = radiological(grid.spacing_mm(), centre);
    Grid::new(grid.shape(), plain).is_ok_and(|plain| grid.matches(&plain, LOST_MM))
}

/// The three quaternion numbers of a matrix without shear, its third column turned round when it mirrors.
fn quaternion(matrix: DMat3, handedness: f64) -> Option<[f64; 3]> {
    /// Cosine between columns up to which they count as perpendicular: what float32 affines lose.
    const PERPENDICULAR: f64 = 1e-6;
    let unit = |v: DVec3| v.try_normalize();
    let [x, y, z] = [
        unit(matrix.x_axis)?,
        unit(matrix.y_axis)?,
        unit(matrix.z_axis)? * handedness,
    ];
    if [x.dot(y), y.dot(z), z.dot(x)]
        .iter()
        .any(|c| c.abs() > PERPENDICULAR)
    {
        return None;
    }
    let q = DQuat::from_mat3(&DMat3::from_cols(x, y, z)).normalize();
    // The format leaves out w and takes it as positive.
    let sign = if q.w < 0.0 { -1.0 } else { 1.0 };
    Some([q.x * sign, q.y * sign, q.z * sign])
}

/// Puts `bytes` at a place of a header. Every place is a constant below the header's length.
fn put<const N: usize>(header: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(place) = header.get_mut(at..at + N) {
        place.copy_from_slice(&bytes);
    }
}

fn nifti1(fields: &Fields) -> Vec<u8> {
    let mut h = vec![0; 352];
    let mut i16s = |at: usize, x: i16| put(&mut h, at, x.to_le_bytes());
    let shape = fields.shape.map(|n| n as i16);
    for (n, d) in [3, shape[0], shape[1], shape[2], 1, 1, 1, 1]
        .into_iter()
        .enumerate()
    {
        i16s(40 + 2 * n, d);
    }
    i16s(70, fields.datatype.0);
    i16s(72, fields.datatype.1);
    i16s(252, fields.forms[0]);
    i16s(254, fields.forms[1]);
    put(&mut h, 0, 348_i32.to_le_bytes());
    h[38] = b'r';
    h[123] = 2; // mm
    put(&mut h, 344, *b"n+1\0");
    if fields.keeps_place {
        put(&mut h, 148, PLACE_KEPT);
    }
    let mut f32s = |at: usize, x: f64| put(&mut h, at, (x as f32).to_le_bytes());
    f32s(76, fields.handedness);
    for n in 0..3 {
        f32s(80 + 4 * n, fields.spacing_mm[n]);
        f32s(256 + 4 * n, fields.quaternion.map_or(0.0, |q| q[n]));
        f32s(268 + 4 * n, fields.affine.translation[n]);
        for (column, values) in columns(fields.affine).iter().enumerate() {
            f32s(280 + 16 * n + 4 * column, values[n]);
        }
    }
    f32s(108, 352.0);
    f32s(112, fields.slope);
    f32s(116, fields.intercept);
    h
}

fn nifti2(fields: &Fields) -> Vec<u8> {
    let mut h = vec![0; 544];
    put(&mut h, 0, 540_i32.to_le_bytes());
    put(&mut h, 4, *b"n+2\0\r\n\x1a\n");
    put(&mut h, 12, fields.datatype.0.to_le_bytes());
    put(&mut h, 14, fields.datatype.1.to_le_bytes());
    let shape = fields.shape.map(|n| n as i64);
    for (n, d) in [3, shape[0], shape[1], shape[2], 1, 1, 1, 1]
        .into_iter()
        .enumerate()
    {
        put(&mut h, 16 + 8 * n, d.to_le_bytes());
    }
    put(&mut h, 168, 544_i64.to_le_bytes());
    for (at, form) in [344, 348].into_iter().zip(fields.forms) {
        put(&mut h, at, i32::from(form).to_le_bytes());
    }
    put(&mut h, 500, 2_i32.to_le_bytes());
    if fields.keeps_place {
        put(&mut h, 240, PLACE_KEPT);
    }
    let mut f64s = |at: usize, x: f64| put(&mut h, at, x.to_le_bytes());
    f64s(104, fields.handedness);
    for n in 0..3 {
        f64s(112 + 8 * n, fields.spacing_mm[n]);
        f64s(352 + 8 * n, fields.quaternion.map_or(0.0, |q| q[n]));
        f64s(376 + 8 * n, fields.affine.translation[n]);
        for (column, values) in columns(fields.affine).iter().enumerate() {
            f64s(400 + 32 * n + 8 * column, values[n]);
        }
    }
    f64s(176, fields.slope);
    f64s(184, fields.intercept);
    h
}

fn columns(affine: DAffine3) -> [DVec3; 4] {
    let m = affine.matrix3;
    [m.x_axis, m.y_axis, m.z_axis, affine.translation]
}
