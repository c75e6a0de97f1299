//! How sure a model is of a tumour's volume.
use crate::volume::{Shape, components};

/// What a tumour's volume would be at other levels of its probability, as parts of the volume that is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// Where only the surest voxels count, at most 1.
    pub(super) low: f64,
    /// Where doubtful voxels count too, at least 1.
    pub(super) high: f64,
}

/// The spread of the largest tumour in probabilities `p` (of one class) between the levels `1 - level` and `level`, as parts of that above `told`; `None` without a
/// voxel above `told`.
pub(super) fn spread(p: &[f32], shape: Shape, [told, level]: [f64; 2]) -> Option<Spread> {
    let (told, level) = (told as f32, level as f32);
    let mask: Vec<bool> = p.iter().map(|p| *p > level).collect();
    let found = components(&mask, shape);
    let mut counts = vec![[0_usize; 3]; found.sizes.len()];
    for (&number, &p) in found.component.iter().zip(p) {
        if let Some(count) = (number as usize)
            .checked_sub(1)
            .and_then(|n| counts.get_mut(n))
        {
            count[0] += usize::from(p > 1.0 - level);
            count[1] += usize::from(p > told);
            count[2] += 1;
        }
    }
    let [sure, told, all] = counts
        .into_iter()
        .max_by_key(|c| c[1])
        .filter(|c| c[1] > 0)?;
    Some(Spread {
        low: (sure as f64 / told as f64).min(1.0),
        high: (all as f64 / told as f64).max(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_tumour_counts_and_the_levels_order() {
        // A row of a sure tumour with doubtful ends, and a doubtful speck apart from it.
        let p = [0.2, 0.7, 0.95, 0.95, 0.6, 0.2, 0.01, 0.01, 0.6, 0.01];
        let found = spread(&p, [10, 1, 1], [0.5, 0.1]).unwrap();
        assert!((found.low - 0.5).abs() < 1e-9, "{found:?}");
        assert!((found.high - 1.5).abs() < 1e-9, "{found:?}");
        assert_eq!(
            spread(&p, [10, 1, 1], [0.5, 0.5]),
            Some(Spread {
                low: 1.0,
                high: 1.0
            })
        );
        assert_eq!(spread(&[0.3; 8], [2, 2, 2], [0.5, 0.1]), None);
    }
}
