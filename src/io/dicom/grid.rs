//! From slices in DICOM's LPS millimetres to a grid in RAS millimetres, and back to the slices: the one place where the two meet.
use super::frame::{Frame, Place};
use super::{DicomError, DicomSeries, DicomWarning};
use crate::volume::Grid;
use glam::{DAffine3, DMat3, DVec3};

/// Slices nearer to each other than this along their normal lie at one place, mm.
const ONE_PLACE_MM: f64 = 1e-2;
/// Part of the spacing by which a slice may lie off the regular grid before that is said.
const SAID: f64 = 0.02;
/// Part of the spacing by which it may lie off at all.
const ALLOWED: f64 = 0.1;
/// Angle between stack and normal from which it is called tilted: ten times what scanners' rounding makes.
const TILT_DEGREES: f64 = 0.05;
/// Sideways distance from a straight stack that is still one, mm.
const SIDEWAYS_MM: f64 = 0.05;

/// RAS from LPS, and LPS from RAS.
const FLIP: DVec3 = DVec3::new(-1.0, -1.0, 1.0);
/// Part of a voxel by which the pixels of others may lie off the voxels of a series: what rounded positions and slices that are not quite regular make.
const OFF_VOXEL: f64 = 0.15;

/// A frame with its place in the patient, and how far along the normal it lies.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) frame: Frame,
    place: Place,
    along_mm: f64,
}

/// Frames sorted along their normal; at one place, by their numbers.
///
/// # Errors
/// The frames as they came, when one of them has no place or no spacing.
pub(super) fn placed(frames: Vec<Frame>) -> Result<Vec<Placed>, (Vec<Frame>, DicomError)> {
    let normal = frames
        .first()
        .and_then(|f| f.place)
        .map(|place| place.row.cross(place.column));
    let whole = |f: &Frame| f.place.is_some() && f.spacing_mm.iter().all(|&mm| mm > 0.0);
    let Some(normal) = normal.filter(|_| frames.iter().all(whole)) else {
        return Err((frames, DicomError::NoPosition));
    };
    let mut placed: Vec<Placed> = frames
        .into_iter()
        .filter_map(|frame| {
            let place = frame.place?;
            Some(Placed {
                along_mm: place.position.dot(normal),
                place,
                frame,
            })
        })
        .collect();
    placed.sort_by(|a, b| a.along_mm.total_cmp(&b.along_mm));
    // Order at one place, which the sort by distance leaves to rounding.
    let order = |p: &Placed| (p.frame.instance, p.frame.file, p.frame.number);
    for group in placed.chunk_by_mut(|a, b| b.along_mm - a.along_mm < ONE_PLACE_MM) {
        group.sort_by_key(order);
    }
    Ok(placed)
}

fn places(placed: &[Placed]) -> impl Iterator<Item = &[Placed]> {
    placed.chunk_by(|a, b| (b.along_mm - a.along_mm).abs() < ONE_PLACE_MM)
}

/// How many frames lie at one place, at most.
pub(super) fn most_at_one_place(placed: &[Placed]) -> usize {
    places(placed).map(<[Placed]>::len).max().unwrap_or(0)
}

/// Volumes one after the other, when every place has `count` frames.
pub(super) fn volumes(placed: &[Placed], count: usize) -> Option<Vec<Vec<Placed>>> {
    if places(placed).any(|group| group.len() != count) {
        return None;
    }
    let mut volumes = vec![Vec::new(); count];
    for group in places(placed) {
        for (volume, one) in volumes.iter_mut().zip(group) {
            volume.push(one.clone());
        }
    }
    Some(volumes)
}

/// Slices without a gap, and how many are missing behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) length: usize,
    pub(super) missing_after: usize,
}

/// Splits a stack where whole slices are missing: where neighbours lie a multiple of the usual distance apart. Other irregular distances
/// split nothing.
pub(super) fn runs(placed: &[Placed]) -> Vec<Run> {
    let whole = vec![Run {
        length: placed.len(),
        missing_after: 0,
    }];
    let gaps = gaps_mm(placed);
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(&usual) = sorted.get(sorted.len() / 2) else {
        return whole;
    };
    let mut runs = Vec::new();
    let mut length = 1;
    for gap in gaps {
        let times = gap / usual;
        let off = (times - times.round()).abs();
        if times.round() < 2.0 {
            length += 1;
        } else if off <= ALLOWED {
            runs.push(Run {
                length,
                missing_after: times.round() as usize - 1,
            });
            length = 1;
        } else {
            return whole;
        }
    }
    runs.push(Run {
        length,
        missing_after: 0,
    });
    runs
}

fn gaps_mm(placed: &[Placed]) -> Vec<f64> {
    placed
        .windows(2)
        .map(|pair| match pair {
            [a, b] => b.along_mm - a.along_mm,
            _ => 0.0,
        })
        .collect()
}

/// The grid of slices that lie at one distance. Axis `i` runs along a row, `j` down a column, `k` along the normal, so that nothing is mirrored.
///
/// # Errors
/// When they lie at different distances, or are shifted against each other.
pub(super) fn regular(
    placed: &[Placed],
    distance_mm: Option<f64>,
    warnings: &mut Vec<DicomWarning>,
) -> Result<Grid, DicomError> {
    let (Some(first), Some(last)) = (placed.first(), placed.last()) else {
        return Err(DicomError::NoImage);
    };
    let Place {
        position: origin,
        row,
        column,
    } = first.place;
    let normal = row.cross(column).try_normalize().ok_or(DicomError::Flat)?;
    let step = if placed.len() == 1 {
        let thickness_mm = distance_mm.or(first.frame.thickness_mm);
        warnings.push(DicomWarning::SingleSlice { thickness_mm });
        normal * thickness_mm.unwrap_or(1.0)
    } else {
        let steps = (placed.len() - 1) as f64;
        let step = (last.place.position - origin) / steps;
        let along = step.dot(normal);
        off_the_grid(placed, along, warnings)?;
        let sideways = step - normal * along;
        let tilt = sideways.length().atan2(along).to_degrees();
        straight(placed, origin, step)?;
        if tilt > TILT_DEGREES {
            warnings.push(DicomWarning::Tilt { degrees: tilt });
            step
        } else {
            normal * along
        }
    };
    let [along_row, down_column] = first.frame.spacing_mm;
    let lps = DAffine3 {
        matrix3: DMat3::from_cols(row * along_row, column * down_column, step),
        translation: origin,
    };
    let ras_from_lps = DAffine3::from_scale(FLIP);
    let [columns, rows] = first.frame.shape;
    Grid::new([columns, rows, placed.len()], ras_from_lps * lps).map_err(|_flat| DicomError::Flat)
}

/// Looks how far slices lie from where a spacing of `along` puts them.
fn off_the_grid(
    placed: &[Placed],
    along: f64,
    warnings: &mut Vec<DicomWarning>,
) -> Result<(), DicomError> {
    let start = placed.first().map_or(0.0, |p| p.along_mm);
    let off_mm = placed
        .iter()
        .enumerate()
        .map(|(k, p)| (p.along_mm - start - along * k as f64).abs())
        .fold(0.0, f64::max);
    if off_mm > ALLOWED * along {
        let gaps = gaps_mm(placed);
        return Err(DicomError::Irregular {
            smallest_mm: gaps.iter().copied().fold(f64::INFINITY, f64::min),
            largest_mm: gaps.iter().copied().fold(0.0, f64::max),
        });
    }
    if off_mm > SAID * along {
        warnings.push(DicomWarning::Uneven {
            distance_mm: off_mm,
        });
    }
    Ok(())
}

/// Refuses slices that lie beside the straight line of the stack.
fn straight(placed: &[Placed], origin: DVec3, step: DVec3) -> Result<(), DicomError> {
    let off_mm = placed
        .iter()
        .enumerate()
        .map(|(k, p)| {
            let off = p.place.position - origin - step * k as f64;
            let normal = p.place.row.cross(p.place.column);
            (off - normal * off.dot(normal)).length()
        })
        .fold(0.0, f64::max);
    if off_mm > SIDEWAYS_MM {
        return Err(DicomError::Shifted(off_mm));
    }
    Ok(())
}

/// The slices of a series as they lie in the patient, for objects that refer to them. Unlike the grid's, the places are each slice's own.
#[derive(Debug, Clone)]
pub(super) struct Slices {
    grid: Grid,
    places: Vec<Place>,
    spacing_mm: [f64; 2],
    /// Distance of neighbours along the normal, mm.
    distance_mm: f64,
}

/// Which voxels the pixels of a frame are: pixel `(column, row)` is voxel `origin + column × along_row + row × down_column`, which may lie outside the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) origin: [i64; 3],
    pub(super) along_row: [i64; 3],
    pub(super) down_column: [i64; 3],
}

impl Slices {
    /// The slices of a series with its grid.
    ///
    /// # Errors
    /// Why the series has none.
    pub(super) fn of(series: &DicomSeries) -> Result<Self, DicomError> {
        let grid = series.grid.clone()?;
        let frames = &series.stack.frames;
        let first = frames.first().ok_or(DicomError::NoImage)?;
        let places: Option<Vec<Place>> = frames.iter().map(|f| f.place).collect();
        let places = places.ok_or(DicomError::NoPosition)?;
        let [dx, dy] = first.spacing_mm;
        Ok(Self {
            distance_mm: grid.voxel_volume_mm3() / (dx * dy),
            grid,
            places,
            spacing_mm: [dx, dy],
        })
    }

    pub(super) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Between neighbours along a row and down a column, mm.
    pub(super) fn spacing_mm(&self) -> [f64; 2] {
        self.spacing_mm
    }

    /// Distance of neighbouring slices along the normal, mm.
    pub(super) fn distance_mm(&self) -> f64 {
        self.distance_mm
    }

    /// Image Position (Patient) of a slice, LPS mm.
    pub(super) fn position(&self, slice: usize) -> Option<[f64; 3]> {
        Some(self.places.get(slice)?.position.to_array())
    }

    /// Image Orientation (Patient) of all slices.
    pub(super) fn orientation(&self) -> Vec<f64> {
        self.places.first().map_or_else(Vec::new, |place| {
            [place.row.to_array(), place.column.to_array()].concat()
        })
    }

    /// A point of a slice in pixels from the centre of its first, LPS mm.
    pub(super) fn point(&self, slice: usize, [i, j]: [f64; 2]) -> Option<[f64; 3]> {
        let place = self.places.get(slice)?;
        let [dx, dy] = self.spacing_mm;
        let point = place.position + place.row * (i * dx) + place.column * (j * dy);
        Some(point.to_array())
    }

    /// Continuous voxel coordinates of a point in LPS mm, seen from the slice that it is nearest to.
    pub(super) fn voxel(&self, lps_mm: [f64; 3]) -> DVec3 {
        let point = DVec3::from_array(lps_mm);
        let voxel = self.grid.voxel_from_world().transform_point3(point * FLIP);
        let last = self.places.len().saturating_sub(1) as f64;
        let slice = voxel.z.round().clamp(0.0, last);
        let Some(place) = self.places.get(slice as usize) else {
            return voxel;
        };
        let off = point - place.position;
        let normal = place.row.cross(place.column);
        let [dx, dy] = self.spacing_mm;
        DVec3::new(
            off.dot(place.row) / dx,
            off.dot(place.column) / dy,
            slice + off.dot(normal) / self.distance_mm,
        )
    }

    /// Which voxels the pixels of a frame are, whatever way round it lies.
    ///
    /// # Errors
    /// How far, in voxels, they lie off any.
    pub(super) fn fit(&self, frame: &FramePlace) -> Result<Fit, f64> {
        let [columns, rows] = frame.shape.map(|n| n.saturating_sub(1).max(1) as f64);
        let [dx, dy] = frame.spacing_mm;
        let corner = |c: f64, r: f64| {
            let place = frame.place;
            self.voxel((place.position + place.row * (c * dx) + place.column * (r * dy)).to_array())
        };
        let first = corner(0.0, 0.0);
        let across = (corner(columns, 0.0) - first) / columns;
        let down = (corner(0.0, rows) - first) / rows;
        let [origin, along_row, down_column] = [first, across, down].map(DVec3::round);
        let places = [[0.0, 0.0], [columns, 0.0], [0.0, rows], [columns, rows]];
        let off = places
            .into_iter()
            .map(|[c, r]| {
                let wanted = origin + along_row * c + down_column * r;
                (corner(c, r) - wanted).abs().max_element()
            })
            .fold(0.0, f64::max);
        let whole = |v: DVec3| v.to_array().map(|x| x as i64);
        let fit = Fit {
            origin: whole(origin),
            along_row: whole(along_row),
            down_column: whole(down_column),
        };
        // Numbers that are not finite fit nothing.
        if off.is_nan() || off > OFF_VOXEL {
            return Err(off);
        }
        let unit = |step: [i64; 3]| step.into_iter().map(i64::unsigned_abs).sum::<u64>() == 1;
        if unit(fit.along_row) && unit(fit.down_column) {
            Ok(fit)
        } else {
            Err(1.0)
        }
    }

    /// A point in RAS mm as LPS mm.
    pub(super) fn lps_mm(ras_mm: [f64; 3]) -> [f64; 3] {
        (DVec3::from_array(ras_mm) * FLIP).to_array()
    }

    /// A point in LPS mm as RAS mm.
    pub(super) fn ras_mm(lps_mm: [f64; 3]) -> DVec3 {
        DVec3::from_array(lps_mm) * FLIP
    }
}

/// Where the frame of an object that others made lies, LPS mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FramePlace {
    pub(super) place: Place,
    /// Between neighbours along a row and down a column, mm.
    pub(super) spacing_mm: [f64; 2],
    /// Columns and rows.
    pub(super) shape: [usize; 2],
}
