//! Agreement of two label maps.
use crate::volume::{LabelMap, Structure};

/// Dice coefficient of a structure in two label maps on one grid: `2 |A ∩ B| / (|A| + |B|)`. `None` when the grids have different
/// shapes or the structure is in neither.
pub fn dice(a: &LabelMap, b: &LabelMap, structure: Structure) -> Option<f64> {
    if a.grid().shape() != b.grid().shape() {
        return None;
    }
    let (in_a, in_b) = (a.mask(structure), b.mask(structure));
    let both = in_a.iter().zip(&in_b).filter(|(x, y)| **x && **y).count();
    let total = in_a.iter().chain(&in_b).filter(|x| **x).count();
    (total > 0).then(|| 2.0 * both as f64 / total as f64)
}
