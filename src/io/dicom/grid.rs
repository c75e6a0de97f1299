//! From slices in DICOM's LPS millimetres to a grid in RAS millimetres: the one place where the two meet.
use super::frame::{Frame, Place};
use super::{DicomError, DicomWarning};
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
    let volume = |n: usize| {
        places(placed)
            .filter_map(|group| group.get(n).cloned())
            .collect()
    };
    Some((0..count).map(volume).collect())
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
    let ras_from_lps = DAffine3::from_scale(DVec3::new(-1.0, -1.0, 1.0));
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
