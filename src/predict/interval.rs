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

/// A tumour-like piece of a network's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Piece {
    /// Voxels of the network's grid that are surely tumour, that are told to be, and that may be.
    counts: [usize; 3],
    /// Where those lie that are told: positions in the scan's memory.
    places: Vec<usize>,
}

/// The pieces of a tumour in probabilities `p` (of one class) above `level` that hold a voxel above `told`; `1 - level` is sure. `place` is where a voxel lies in the scan.
pub(super) fn pieces(
    p: &[f32],
    shape: Shape,
    [told, level]: [f64; 2],
    place: impl Fn(usize) -> Option<usize>,
) -> Vec<Piece> {
    let (told, level) = (told as f32, level as f32);
    let mask: Vec<bool> = p.iter().map(|p| *p > level).collect();
    let found = components(&mask, shape);
    let mut pieces = vec![Piece::default(); found.sizes.len()];
    for (index, (&number, &p)) in found.component.iter().zip(p).enumerate() {
        if let Some(piece) = (number as usize)
            .checked_sub(1)
            .and_then(|n| pieces.get_mut(n))
        {
            piece.counts[0] += usize::from(p > 1.0 - level);
            piece.counts[2] += 1;
            if p > told {
                piece.counts[1] += 1;
                piece.places.extend(place(index));
            }
        }
    }
    pieces.retain(|piece| piece.counts[1] > 0);
    pieces
}

/// The spread of those pieces of which something was `kept` by the rules of anatomy, as parts of what is told of them, and how many voxels were: the others are no part of the
/// volume that the reader sees. `None` where nothing was.
pub(super) fn spread(pieces: &[Piece], kept: impl Fn(usize) -> bool) -> Option<(usize, Spread)> {
    let mut voxels = 0;
    let mut sums = [0; 3];
    for piece in pieces {
        let count = piece.places.iter().filter(|place| kept(**place)).count();
        if count > 0 {
            voxels += count;
            let pairs = sums.iter_mut().zip(piece.counts);
            pairs.for_each(|(sum, count)| *sum += count);
        }
    }
    let [sure, told, all] = sums.map(|sum| sum as f64);
    (voxels > 0).then(|| {
        let spread = Spread {
            low: (sure / told).min(1.0),
            high: (all / told).max(1.0),
        };
        (voxels, spread)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spread of what was kept of a row.
    fn of(p: &[f32], levels: [f64; 2], kept: &[usize]) -> Option<Spread> {
        let pieces = pieces(p, [p.len(), 1, 1], levels, Some);
        spread(&pieces, |place| kept.contains(&place)).map(|(_, spread)| spread)
    }

    /// A row of a sure tumour with doubtful ends, and a doubtful speck apart from it.
    const ROW: [f32; 10] = [0.2, 0.7, 0.95, 0.95, 0.6, 0.2, 0.01, 0.01, 0.6, 0.01];

    #[test]
    fn the_levels_of_a_tumour_order() {
        let found = of(&ROW, [0.5, 0.1], &[1, 2, 3, 4]).unwrap();
        assert!((found.low - 0.5).abs() < 1e-9, "{found:?}");
        assert!((found.high - 1.5).abs() < 1e-9, "{found:?}");
        let one = Spread {
            low: 1.0,
            high: 1.0,
        };
        assert_eq!(of(&ROW, [0.5, 0.5], &[2]), Some(one));
        assert_eq!(of(&[0.3; 8], [0.5, 0.1], &[0, 1, 2]), None);
    }

    #[test]
    fn what_was_dropped_has_no_part_in_the_spread_however_large() {
        // The speck alone was kept: the larger piece says nothing of it.
        let found = of(&ROW, [0.5, 0.1], &[8]).unwrap();
        assert!(found.low < 1e-9 && (found.high - 1.0).abs() < 1e-9);
        assert_eq!(of(&ROW, [0.5, 0.1], &[]), None);
        // Two pieces that were kept are one volume.
        let both = of(&ROW, [0.5, 0.1], &[2, 8]).unwrap();
        assert!((both.low - 0.4).abs() < 1e-9 && (both.high - 1.4).abs() < 1e-9);
    }
}
