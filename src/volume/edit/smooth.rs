//! A structure's border made smooth.
use super::{EditError, LabelEdit, block::Block, error::value_of};
use crate::volume::{LabelMap, Shape, Structure};

/// Widest smoothing, mm: beyond it nothing of a tumour's form is left.
const MOST_SIGMA_MM: f64 = 10.0;
/// Standard deviations at which the Gaussian is cut off.
const CUT: f64 = 3.0;

/// Smooths the border of a structure: its mask is blurred with a Gaussian of standard deviation `sigma_mm` and cut again at the level that keeps
/// its number of voxels (half would shrink whatever is convex). It grows into background only. Specks that are thinner than the Gaussian vanish.
///
/// # Errors
/// When the width is not above 0 and at most 10 mm, or the map's table does not name the structure.
pub fn smooth(
    labels: &LabelMap,
    structure: Structure,
    sigma_mm: f64,
) -> Result<LabelEdit, EditError> {
    let value = value_of(labels, structure)?;
    if !(sigma_mm > 0.0 && sigma_mm <= MOST_SIGMA_MM) {
        return Err(EditError::Sigma {
            asked_mm: sigma_mm,
            most_mm: MOST_SIGMA_MM,
        });
    }
    let name = format!("smooth {structure}");
    let Some(bounds) = labels.bounds(structure) else {
        return LabelEdit::new(name, labels, []);
    };
    let grid = labels.grid();
    let sigma_voxels = grid.spacing_mm().map(|s| sigma_mm / s);
    let shape = grid.shape();
    let reach = [0, 1, 2].map(|a| ((CUT * sigma_voxels[a]).ceil() as usize).min(shape[a]));
    let block = Block::new(grid, bounds, reach);
    let mask = block.mask(labels.labels(), value);
    let mut part: Vec<f32> = mask.iter().map(|&m| f32::from(u8::from(m))).collect();
    for axis in 0..3 {
        let weights = gaussian(sigma_voxels[axis], reach[axis]);
        part = blur(&part, block.shape(), axis, &weights);
    }
    // Voxels of other structures take no part: neither do they change, nor does their share of the volume count.
    let free = |at: usize| {
        let label = labels.labels()[block.index(at)];
        label == 0 || label == value
    };
    (0..block.len()).for_each(|at| part[at] = if free(at) { part[at] } else { 0.0 });
    let level = level_of_count(&part, mask.iter().filter(|m| **m).count());
    let changes = (0..block.len())
        .filter(|&at| free(at) && (part[at] >= level) != mask[at])
        .map(|at| (block.index(at), if mask[at] { 0 } else { value }));
    LabelEdit::new(name, labels, changes)
}

/// Weights of the voxels from `-reach` to `reach`; their sum is 1.
fn gaussian(sigma: f64, reach: usize) -> Vec<f32> {
    let weight = |n: usize| {
        let x = (n as f64 - reach as f64) / sigma;
        (-0.5 * x * x).exp()
    };
    let sum: f64 = (0..=2 * reach).map(weight).sum();
    (0..=2 * reach).map(|n| (weight(n) / sum) as f32).collect()
}

/// Weighted means along an axis. The border is continued, so that a structure that the scan cuts is not rounded there.
fn blur(data: &[f32], shape: Shape, axis: usize, weights: &[f32]) -> Vec<f32> {
    let count = shape[axis];
    let step: usize = shape[..axis].iter().product();
    let reach = weights.len() / 2;
    let mut out = vec![0.0; data.len()];
    let mut line = vec![0.0; count + 2 * reach];
    for first in (0..data.len()).filter(|at| (at / step).is_multiple_of(count)) {
        for (n, value) in line.iter_mut().enumerate() {
            *value = data[first + step * n.saturating_sub(reach).min(count - 1)];
        }
        for n in 0..count {
            let products = weights.iter().zip(&line[n..]).map(|(w, v)| w * v);
            out[first + step * n] = products.sum();
        }
    }
    out
}

/// The level that as nearly as possible `count` values reach; at least one does.
fn level_of_count(values: &[f32], count: usize) -> f32 {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| *v > 0.0).collect();
    let Some(last) = count.min(sorted.len()).checked_sub(1) else {
        return f32::INFINITY;
    };
    let (_, &mut level, _) = sorted.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
    let reached = values.iter().filter(|v| **v >= level).count();
    let above = values.iter().filter(|v| **v > level).count();
    // Equal values come in or stay out together.
    if above > 0 && count - above < reached.saturating_sub(count) {
        level.next_up()
    } else {
        level
    }
}
