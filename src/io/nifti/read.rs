//! From files to volumes and label maps.
use super::affine::{Placement, place};
use super::header::{Container, Datatype, Format, Header, SHORT, begins_nifti2, identify, parse};
use super::pair::{Files, files, mat_file};
use super::source::Source;
use super::{data, fields::LONGEST};
use crate::io::statistics::not_finite;
use crate::io::{Error, Warning};
use crate::volume::{self, Grid, LabelMap, LabelTable, Observe, Volume, Voxels, unobserved};
use std::path::{Path, PathBuf};

/// How much of a file with several volumes is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Extent {
    FirstVolume,
    All,
}

/// What a file holds, before it is known to have a place in the patient.
#[derive(Debug)]
pub(in crate::io) struct Scan {
    pub(in crate::io) header: Header,
    pub(in crate::io) placement: Placement,
    /// The grid, when the affine makes one.
    pub(in crate::io) grid: Result<Grid, volume::Error>,
    pub(in crate::io) voxels: Voxels,
    pub(in crate::io) warnings: Vec<Warning>,
    /// The file with the header.
    pub(in crate::io) path: PathBuf,
}

/// Reads the first volume of a NIfTI-1, NIfTI-2 or Analyze 7.5 file: `.nii`, `.nii.gz`, or either half of a `.hdr`/`.img` pair. Voxels keep
/// their stored type (128-bit floats become `f64`); the grid is in RAS mm.
///
/// # Errors
/// One sentence for every way in which a file can be broken, unsupported or without a place in the patient; [`Error::Cancelled`].
pub(in crate::io) fn read_volume(
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<(Volume, Vec<Warning>), Error> {
    let scan = load(path, Extent::FirstVolume, observe)?;
    let place = |source| Error::Place {
        source,
        path: scan.path.clone(),
    };
    let grid = scan.grid.map_err(place)?;
    let scaling = scan.header.scaling;
    let volume = Volume::new(grid, scan.voxels, scaling.slope, scaling.intercept).map_err(place)?;
    Ok((volume, scan.warnings))
}

/// Reads all volumes of a file as the channels of one case, as nnU-Net takes a file with four dimensions.
///
/// # Errors
/// As [`read_volume`].
pub(in crate::io) fn read_channels(
    path: &Path,
    observe: &mut Observe<'_>,
) -> Result<(Vec<Volume>, Vec<Warning>), Error> {
    let mut scan = load(path, Extent::All, observe)?;
    scan.warnings
        .retain(|w| !matches!(w, Warning::SeveralVolumes { .. }));
    let place = |source| Error::Place {
        source,
        path: scan.path.clone(),
    };
    let grid = scan.grid.map_err(place)?;
    let scaling = scan.header.scaling;
    let channels = scan.voxels.split(grid.len()).into_iter();
    let volumes: Result<_, _> = channels
        .map(|voxels| Volume::new(grid, voxels, scaling.slope, scaling.intercept))
        .collect();
    Ok((volumes.map_err(place)?, scan.warnings))
}

/// Reads a label map: whole numbers from 0 to 255 after rescaling, stored as integers or floats. Values that the table does not name stay in
/// the map and are listed in a warning.
///
/// # Errors
/// As [`read_volume`](crate::io::read_volume), but for DICOM, which is no label map; [`Error::Label`] with the first value that is no label.
pub fn read_labels(path: &Path, table: &LabelTable) -> Result<(LabelMap, Vec<Warning>), Error> {
    /// Farther than this from a whole number is no rounding of the stored scaling.
    const ROUNDING: f64 = 1e-3;
    let (volume, mut warnings) = read_volume(path, &mut unobserved)?;
    let (slope, intercept) = volume.rescale();
    let mut labels = Vec::with_capacity(volume.grid().len());
    let mut present = [false; 256];
    for index in 0..volume.grid().len() {
        let value = volume.voxels().get(index).unwrap_or(f64::NAN) * slope + intercept;
        let whole = value.round();
        if !((value - whole).abs() <= ROUNDING && (0.0..=255.0).contains(&whole)) {
            return Err(Error::Label {
                value,
                path: path.to_owned(),
            });
        }
        labels.push(whole as u8);
        present[whole as usize] = true;
    }
    let values: Vec<u8> = (1..=u8::MAX)
        .filter(|&v| present[usize::from(v)] && table.structure(v).is_none())
        .collect();
    if !values.is_empty() {
        warnings.push(Warning::UnknownLabels { values });
    }
    let map =
        LabelMap::new(*volume.grid(), labels, table.clone()).map_err(|source| Error::Place {
            source,
            path: path.to_owned(),
        })?;
    Ok((map, warnings))
}

/// Reads a file to the extent that is wanted, and checks all of it.
pub(in crate::io) fn load(
    path: &Path,
    extent: Extent,
    observe: &mut Observe<'_>,
) -> Result<Scan, Error> {
    let Files {
        container,
        header: header_path,
        voxels: voxel_path,
    } = files(path)?;
    let mut warnings = Vec::new();
    let mut source = Source::open(&header_path)?;
    let header = read_header(&mut source, container, &mut warnings)?;
    let at_fault = |source| Error::Header {
        source,
        path: header_path.clone(),
    };
    let placement = place(&header, &mut warnings).map_err(at_fault)?;
    if header.format == Format::Analyze && mat_file(&header_path).is_some() {
        warnings.push(Warning::MatIgnored);
    }
    if container == Container::Pair {
        // What follows a detached header (extensions) is not used, but a compressed one must be whole.
        source.finish(observe)?;
        source = Source::open(&voxel_path)?;
    }
    let voxels = read_voxels(source, &header, extent, observe, &mut warnings)?;
    if header.datatype == Datatype::F128 {
        warnings.push(Warning::Narrowed);
    }
    let grid = Grid::new(header.grid_shape(), placement.world_from_voxel);
    if grid.is_err() {
        warnings.push(Warning::Flat);
    }
    let volumes = header.volumes();
    if volumes > 1 {
        warnings.push(Warning::SeveralVolumes { count: volumes });
    }
    let count = not_finite(&voxels, header.scaling, observe)?;
    if count > 0 {
        warnings.push(Warning::NotFinite { count });
    }
    Ok(Scan {
        header,
        placement,
        grid,
        voxels,
        warnings,
        path: header_path,
    })
}

/// Whether a file says which of its sides is the patient's left, by its header alone.
///
/// # Errors
/// As [`read_volume`] of a header.
pub(in crate::io) fn tells_sides(path: &Path) -> Result<bool, Error> {
    let Files {
        container, header, ..
    } = files(path)?;
    let mut warnings = Vec::new();
    let mut source = Source::open(&header)?;
    let found = read_header(&mut source, container, &mut warnings)?;
    let at_fault = |source| Error::Header {
        source,
        path: header.clone(),
    };
    place(&found, &mut warnings).map_err(at_fault)?;
    let untold = [
        Warning::OrientationUnknown,
        Warning::OrientationByConvention,
    ];
    Ok(!warnings.iter().any(|w| untold.contains(w)))
}

/// Reads no further than the header of the format that it finds, so that voxels may follow at once.
fn read_header(
    source: &mut Source,
    container: Container,
    warnings: &mut Vec<Warning>,
) -> Result<Header, Error> {
    let mut bytes = [0; LONGEST];
    let (short, rest) = bytes.split_at_mut(SHORT);
    let mut found = source.fill(short)?;
    // Only NIfTI-2 has more; its voxels begin after it.
    if found == SHORT && begins_nifti2(short) {
        found += source.fill(rest)?;
    }
    let path = || source.path().to_owned();
    let at_fault = |error| Error::Header {
        source: error,
        path: path(),
    };
    let Some(format) = identify(&bytes, found, container).map_err(at_fault)? else {
        return Err(Error::Format {
            looks_like: looks_like(bytes.get(..found).unwrap_or_default()),
            path: path(),
        });
    };
    parse(&bytes, format, container, warnings).map_err(at_fault)
}

fn read_voxels(
    mut source: Source,
    header: &Header,
    extent: Extent,
    observe: &mut Observe<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Voxels, Error> {
    // No product here overflows: the header's shape was checked for voxels of 16 bytes.
    let all: usize = header.shape.iter().product();
    let wanted = match extent {
        Extent::All => all,
        Extent::FirstVolume => header.grid_shape().iter().product(),
    };
    let size = header.datatype.size();
    let claimed = all as u64 * size;
    source.check_claim(header.offset, claimed)?;
    source.skip_to(header.offset, observe)?;
    let voxels = data::read(
        &mut source,
        header.datatype,
        header.big_endian,
        wanted,
        observe,
    )?;
    let unread = (all - wanted) as u64 * size;
    let skipped = source.discard(unread, observe)?;
    if skipped < unread {
        return Err(Error::Truncated {
            found: wanted as u64 * size + skipped,
            expected: claimed,
            path: source.path().to_owned(),
        });
    }
    let count = source.finish(observe)?;
    if count > 0 {
        warnings.push(Warning::ExtraBytes { count });
    }
    Ok(voxels)
}

/// What a file that is no scan seems to be, and what to do.
fn looks_like(bytes: &[u8]) -> &'static str {
    let start: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(u8::is_ascii_whitespace)
        .take(64)
        .map(|b| b.to_ascii_lowercase())
        .collect();
    let text = !start.is_empty()
        && start
            .iter()
            .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    if bytes.get(128..132) == Some(b"DICM") {
        "it is DICOM; open the folder of the series instead"
    } else if start.starts_with(b"<") && text {
        "it is a web page or XML, often a failed download; download the scan again"
    } else if bytes.starts_with(b"PK\x03\x04") {
        "it is a zip archive; unpack it first"
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        "it is compressed twice; unpack it once"
    } else if bytes.starts_with(b"BZh")
        || bytes.starts_with(&[0xfd, b'7', b'z', b'X', b'Z'])
        || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
    {
        "it is compressed in a way that is not read; unpack it first"
    } else if text {
        "it is text; look for the scan itself"
    } else if bytes.len() < SHORT {
        "it is shorter than a header; copy or export it again"
    } else {
        "its header is not recognised; copy or export it again"
    }
}
