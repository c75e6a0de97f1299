//! How far brainstem and fourth ventricle lie off the midline.
//!
//! The cochleae give the direction of the midsagittal plane. People are not symmetric, so its place is taken from the brainstem itself where that is clear of
//! the tumour above and below, and only without such levels from the middle between the cochleae. Only levels count that the scan shows from side to side: an oblique slab
//! cuts its last levels so that their middles lean.
//!
//! A level's middle is the mean of its voxels. A tumour that indents the brainstem takes voxels from its near side and so moves the middle, by about a quarter of the
//! indentation, without any displacement.
use super::{Boundary, HeadAxes};
use crate::volume::{Grid, LabelMap, Side, Structure};
use glam::DVec3;

/// Height of a level, mm, and the least of a structure on it that counts, mm³.
const LEVEL_MM: f64 = 3.0;
const MIN_LEVEL_MM3: f64 = 30.0;
/// Distance above and below the tumour from which the brainstem counts as clear of it, how far from there it is looked at, mm, and the least of it, mm³.
const CLEAR_MM: f64 = 6.0;
const REACH_MM: f64 = 12.0;
const MIN_CLEAR_MM3: f64 = 800.0;
/// The farthest that the brainstem's axis may lie from the middle between the cochleae to be believed, mm.
const MAX_ASYMMETRY_MM: f64 = 4.0;
/// The least of the fourth ventricle that has a middle worth measuring, mm³.
const MIN_VENTRICLE_MM3: f64 = 100.0;
/// What of a level must lie in the scan: so far to either side of the midpoint, and from so far in front of it (negative: behind), mm.
const SIDEWAYS_MM: f64 = 20.0;
const ANTERIOR_MM: [f64; 2] = [5.0, -25.0];

/// Offsets from the midline, positive away from the tumour, mm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Shifts {
    /// Of the brainstem, on the level of the tumour where it is largest.
    pub(super) brainstem_mm: Option<f64>,
    /// Of the fourth ventricle, over all levels of the tumour.
    pub(super) fourth_ventricle_mm: Option<f64>,
    /// Mean axial area of the fourth ventricle on those levels, mm².
    pub(super) fourth_ventricle_area_mm2: Option<f64>,
    /// Smaller over larger half of it about the midline.
    pub(super) fourth_ventricle_asymmetry: Option<f64>,
    /// How far the midline lies to the right of the middle between the cochleae at the tumour's middle.
    pub(super) midline_mm: f64,
    /// The brainstem lies so far from the middle between the cochleae that one of both must be wrong.
    pub(super) inconsistent: bool,
}

/// Measures both offsets at the levels of the tumour's boundary.
pub(super) fn shifts(labels: &LabelMap, axes: &HeadAxes, side: Side, tumour: &Boundary) -> Shifts {
    if !axes.from_cochleae {
        return Shifts::default();
    }
    let away = match side {
        Side::Left => 1.0,
        Side::Right => -1.0,
    };
    let (low, high) = tumour
        .points
        .iter()
        .map(|p| axes.height_mm(p.point))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), z| {
            (l.min(z), h.max(z))
        });
    let brainstem = levels(
        labels,
        axes,
        Structure::Brainstem,
        [low - CLEAR_MM - REACH_MM, high + CLEAR_MM + REACH_MM],
    );
    let midline_mm = brainstem_axis_mm(&brainstem, labels.grid(), [low, high]).unwrap_or(0.0);
    if midline_mm.abs() > MAX_ASYMMETRY_MM {
        return Shifts {
            inconsistent: true,
            ..Shifts::default()
        };
    }
    let ventricle = levels(labels, axes, Structure::FourthVentricle, [low, high]);
    let voxels: f64 = ventricle.iter().map(|l| l.voxels).sum();
    let ventricle_mm3 = voxels * labels.grid().voxel_volume_mm3();
    let enough = ventricle_mm3 >= MIN_VENTRICLE_MM3;
    let ventricle_mm = ventricle.iter().map(|l| l.right_mm * l.voxels).sum::<f64>() / voxels;
    // The uppermost level ends with the tumour.
    let seen_mm: f64 = (ventricle.iter())
        .map(|l| LEVEL_MM.min(high - (l.height_mm - LEVEL_MM / 2.0)))
        .sum();
    let halves = halves(labels, axes, midline_mm, [low, high]);
    Shifts {
        midline_mm,
        fourth_ventricle_area_mm2: enough.then_some(ventricle_mm3 / seen_mm),
        fourth_ventricle_asymmetry: halves
            .filter(|_| enough)
            .map(|[left, right]| left.min(right) / left.max(right)),
        brainstem_mm: brainstem
            .iter()
            .filter(|l| (low..=high).contains(&l.height_mm))
            .map(|l| away * (l.right_mm - midline_mm))
            .reduce(f64::max),
        fourth_ventricle_mm: enough.then_some(away * (ventricle_mm - midline_mm)),
        inconsistent: false,
    }
}

/// A structure's middle on one level.
struct Level {
    height_mm: f64,
    right_mm: f64,
    voxels: f64,
}

/// Levels of a structure between two heights that the scan shows from side to side.
fn levels(
    labels: &LabelMap,
    axes: &HeadAxes,
    structure: Structure,
    [low, high]: [f64; 2],
) -> Vec<Level> {
    let Some(value) = labels.table().value(structure) else {
        return Vec::new();
    };
    let grid = labels.grid();
    let count = ((high - low) / LEVEL_MM).ceil().clamp(1.0, 100.0) as usize;
    let mut sums = vec![[0.0_f64; 2]; count];
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == value)
    {
        let point = grid.point_in_world(grid.voxel(index));
        let height = axes.height_mm(point);
        let level = ((height - low) / LEVEL_MM).floor();
        if level >= 0.0 && level < count as f64 && height <= high {
            let [sum, voxels] = &mut sums[level as usize];
            *sum += axes.right_of_midline_mm(point);
            *voxels += 1.0;
        }
    }
    let enough = (MIN_LEVEL_MM3 / grid.voxel_volume_mm3()).max(1.0);
    (sums.into_iter().enumerate())
        .map(|(n, [sum, voxels])| Level {
            height_mm: low + (n as f64 + 0.5) * LEVEL_MM,
            right_mm: sum / voxels,
            voxels,
        })
        .filter(|l| l.voxels >= enough && shown(grid, axes, l.height_mm))
        .collect()
}

/// Whether the scan shows a level from side to side.
fn shown(grid: &Grid, axes: &HeadAxes, height_mm: f64) -> bool {
    let at = |right: f64, anterior: f64| -> DVec3 {
        axes.midpoint + axes.right * right + axes.anterior * anterior + axes.superior * height_mm
    };
    ANTERIOR_MM.into_iter().all(|a| {
        [-SIDEWAYS_MM, SIDEWAYS_MM]
            .into_iter()
            .all(|r| grid.nearest_voxel(at(r, a)).is_some())
    })
}

/// Voxels of the fourth ventricle to the left and to the right of the midline between two heights; `None` without any.
fn halves(
    labels: &LabelMap,
    axes: &HeadAxes,
    midline_mm: f64,
    [low, high]: [f64; 2],
) -> Option<[f64; 2]> {
    let value = labels.table().value(Structure::FourthVentricle)?;
    let grid = labels.grid();
    let mut halves = [0.0, 0.0];
    for (index, _) in (labels.labels().iter().enumerate()).filter(|(_, l)| **l == value) {
        let point = grid.point_in_world(grid.voxel(index));
        if (low..=high).contains(&axes.height_mm(point)) {
            let right = axes.right_of_midline_mm(point) > midline_mm;
            halves[usize::from(right)] += 1.0;
        }
    }
    (halves[0] + halves[1] > 0.0).then_some(halves)
}

/// Where the brainstem's own axis would run at the tumour's middle, mm to the right of the middle between the cochleae: a line through what is clear of the tumour above and below.
/// `None` without enough of it.
fn brainstem_axis_mm(levels: &[Level], grid: &Grid, [low, high]: [f64; 2]) -> Option<f64> {
    let middle = |clear: &dyn Fn(f64) -> bool| {
        let part: Vec<&Level> = levels.iter().filter(|l| clear(l.height_mm)).collect();
        let voxels: f64 = part.iter().map(|l| l.voxels).sum();
        let mean = |of: &dyn Fn(&Level) -> f64| {
            part.iter().map(|l| of(l) * l.voxels).sum::<f64>() / voxels
        };
        (voxels * grid.voxel_volume_mm3() >= MIN_CLEAR_MM3)
            .then(|| (mean(&|l| l.height_mm), mean(&|l| l.right_mm)))
    };
    let above = middle(&|z| z > high + CLEAR_MM);
    let below = middle(&|z| z < low - CLEAR_MM);
    match (above, below) {
        (Some((z1, x1)), Some((z2, x2))) => {
            Some(x2 + (x1 - x2) * (f64::midpoint(low, high) - z2) / (z1 - z2))
        }
        (Some((_, x)), None) | (None, Some((_, x))) => Some(x),
        (None, None) => None,
    }
}
