//! Pseudo-labels: which scans and which of their voxels a round learns from.
use crate::predict::Certainty;
use crate::train::UNKNOWN;
use crate::volume::{LabelMap, LabelTable, Structure, components};
use serde::{Deserialize, Serialize};

/// A piece smaller than this is no tumour or cochlea of its own, mm³.
const SMALLEST_MM3: f64 = 10.0;
/// Volumes that a cochlea can have, mm³; in crossMoDA both together have about 92 ± 14.
const COCHLEA_MM3: [f64; 2] = [10.0, 250.0];
/// Least distance of the cochleae from right to left, mm; in adults about 50.
const APART_MM: f64 = 25.0;

/// Which voxels of a pseudo-label are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Choice {
    /// All.
    All,
    /// Of each class the most probable part of its voxels in a scan.
    Top {
        /// 0 to 1; ne2e has 0.6.
        part: f64,
    },
    /// Those whose probabilities' entropy is low.
    Entropy {
        /// Highest entropy, 0 (sure) to 1 (all classes alike).
        below: f64,
    },
}

impl Choice {
    /// Checks what comes from a file.
    ///
    /// # Errors
    /// Says what is out of range.
    pub fn validate(self) -> Result<(), &'static str> {
        let part = match self {
            Self::All => 1.0,
            Self::Top { part } => part,
            Self::Entropy { below } => below,
        };
        if part > 0.0 && part <= 1.0 {
            return Ok(());
        }
        Err("the part or entropy of chosen pseudo-labels lies above 0 and is at most 1")
    }
}

/// A label map that a round learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct PseudoLabel {
    /// 1 the tumour, 2 the cochleae, [`UNKNOWN`] where nothing is learned.
    pub labels: Vec<u8>,
    /// Part of the voxels that is learned from.
    pub learned: f64,
}

/// The voxels of a model's answer that are learned from; the others become [`UNKNOWN`].
pub fn chosen(of: &Certainty, choice: Choice) -> PseudoLabel {
    let table = of.labels.table();
    let value = |label: &u8| match table.structure(*label) {
        Some(Structure::VestibularSchwannoma) => 1,
        Some(Structure::Cochlea) => 2,
        _ => 0,
    };
    let mut labels: Vec<u8> = of.labels.labels().iter().map(value).collect();
    match choice {
        Choice::All => {}
        Choice::Top { part } => {
            // The least probability that each class is believed with.
            let least: [f32; 3] = std::array::from_fn(|class| {
                let of_class = labels.iter().zip(&of.probability);
                let of_class = of_class.filter(|(l, _)| usize::from(**l) == class);
                let mut all: Vec<f32> = of_class.map(|(_, p)| *p).collect();
                if all.is_empty() {
                    return 0.0;
                }
                let kept = ((part * all.len() as f64).ceil() as usize).clamp(1, all.len());
                let at = all.len() - kept;
                *all.select_nth_unstable_by(at, f32::total_cmp).1
            });
            for (label, p) in labels.iter_mut().zip(&of.probability) {
                if *p < least[usize::from(*label)] {
                    *label = UNKNOWN;
                }
            }
        }
        Choice::Entropy { below } => {
            for (label, entropy) in labels.iter_mut().zip(&of.entropy) {
                if f64::from(*entropy) > below {
                    *label = UNKNOWN;
                }
            }
        }
    }
    let learned = labels.iter().filter(|l| **l != UNKNOWN).count();
    PseudoLabel {
        learned: learned as f64 / labels.len().max(1) as f64,
        labels,
    }
}

/// Why labels are not those of a head with one tumour and two cochleae; `None` where they may be.
pub fn implausible(labels: &LabelMap) -> Option<String> {
    let grid = labels.grid();
    let pieces = |structure| {
        let found = components(&labels.mask(structure), grid.shape());
        let mm3 = found
            .sizes
            .iter()
            .map(|n| *n as f64 * grid.voxel_volume_mm3());
        let mut large: Vec<(f64, f64)> = Vec::new();
        for (piece, mm3) in mm3.enumerate().filter(|(_, mm3)| *mm3 >= SMALLEST_MM3) {
            let of_piece = found.component.iter().enumerate();
            let of_piece = of_piece.filter(|(_, n)| **n as usize == piece + 1);
            let right: f64 = of_piece
                .map(|(at, _)| grid.point_in_world(grid.voxel(at)).x)
                .sum();
            large.push((mm3, right / found.sizes[piece] as f64));
        }
        large
    };
    let tumours = pieces(Structure::VestibularSchwannoma);
    if tumours.len() != 1 {
        return Some(format!("{} tumours instead of one", tumours.len()));
    }
    let cochleae = pieces(Structure::Cochlea);
    let [a, b] = cochleae.as_slice() else {
        return Some(format!("{} cochleae instead of two", cochleae.len()));
    };
    if (a.1 - b.1).abs() < APART_MM {
        return Some("two cochleae on one side".to_owned());
    }
    let fits = |mm3: f64| (COCHLEA_MM3[0]..=COCHLEA_MM3[1]).contains(&mm3);
    if !fits(a.0) || !fits(b.0) {
        let largest = a.0.max(b.0);
        return Some(format!("a cochlea of {largest:.0} mm³"));
    }
    None
}

/// Mean Dice of tumour and cochleae between two label maps of one scan, over the structures that either has; 1 where neither has any.
pub(super) fn agreement(a: &[u8], b: &[u8]) -> f64 {
    let dice = |class: u8| {
        let (mut both, mut sum) = (0_u64, 0_u64);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (*a == class, *b == class);
            both += u64::from(a && b);
            sum += u64::from(a) + u64::from(b);
        }
        (sum > 0).then(|| 2.0 * both as f64 / sum as f64)
    };
    let all: Vec<f64> = [1, 2].into_iter().filter_map(dice).collect();
    if all.is_empty() {
        return 1.0;
    }
    all.iter().sum::<f64>() / all.len() as f64
}

/// The table of pseudo-labels.
pub(super) fn table() -> LabelTable {
    LabelTable::new([
        (1, Structure::VestibularSchwannoma),
        (2, Structure::Cochlea),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Grid;
    use glam::DVec3;

    const SHAPE: [usize; 3] = [90, 30, 20];

    fn grid() -> Grid {
        Grid::axis_aligned(SHAPE, [1.0; 3], DVec3::new(-45.0, 0.0, 0.0)).unwrap()
    }

    /// Balls of a label at places, radius in mm.
    fn map(balls: &[(u8, f64, f64)]) -> LabelMap {
        let grid = grid();
        let labels = (0..grid.len()).map(|n| {
            let at = grid.point_in_world(grid.voxel(n));
            let inside = |(_, x, r): &&(u8, f64, f64)| at.distance(DVec3::new(*x, 15.0, 10.0)) < *r;
            balls.iter().find(inside).map_or(0, |b| b.0)
        });
        LabelMap::new(grid, labels.collect(), table()).unwrap()
    }

    #[test]
    fn one_tumour_and_two_cochleae_of_both_sides_are_plausible() {
        let (left, right, tumour) = ((2, -25.0, 2.5), (2, 25.0, 2.5), (1, 12.0, 6.0));
        assert_eq!(implausible(&map(&[left, right, tumour])), None);
        // Specks are nothing.
        assert_eq!(
            implausible(&map(&[left, right, tumour, (1, -10.0, 1.1)])),
            None
        );
        let said = |balls: &[(u8, f64, f64)]| implausible(&map(balls)).unwrap();
        assert_eq!(said(&[left, right]), "0 tumours instead of one");
        assert_eq!(
            said(&[left, right, tumour, (1, -12.0, 4.0)]),
            "2 tumours instead of one"
        );
        assert_eq!(said(&[left, tumour]), "1 cochleae instead of two");
        assert_eq!(
            said(&[(2, 36.0, 2.5), right, tumour]),
            "two cochleae on one side"
        );
        // So many whole points lie within 6 of another.
        assert_eq!(
            said(&[left, (2, 28.0, 6.0), tumour]),
            "a cochlea of 895 mm³"
        );
    }

    fn certainty() -> Certainty {
        let labels = map(&[(2, -25.0, 2.5), (2, 25.0, 2.5), (1, 12.0, 6.0)]);
        let count = labels.grid().len();
        let probability = (0..count).map(|n| (n * 7919 % count) as f32 / count as f32);
        let probability: Vec<f32> = probability.collect();
        let entropy = probability.iter().map(|p| 1.0 - p).collect();
        Certainty {
            labels,
            probability,
            entropy,
        }
    }

    #[test]
    fn the_most_probable_part_of_each_class_is_chosen() {
        let of = certainty();
        let all = chosen(&of, Choice::All);
        assert!((all.learned - 1.0).abs() < 1e-12 && all.labels == of.labels.labels());
        let top = chosen(&of, Choice::Top { part: 0.3 });
        for class in 0..3_u8 {
            let count = |labels: &[u8]| {
                labels
                    .iter()
                    .map(|l| f64::from(u8::from(*l == class)))
                    .sum::<f64>()
            };
            let part = count(&top.labels) / count(&all.labels);
            assert!((part - 0.3).abs() < 0.02, "{class}: {part}");
            // None that was left out is surer than one that was kept.
            let of_class = |kept: bool| -> Vec<f32> {
                let of_class = (0..all.labels.len()).filter(|n| all.labels[*n] == class);
                let chosen = of_class.filter(|n| (top.labels[*n] != UNKNOWN) == kept);
                chosen.map(|n| of.probability[n]).collect()
            };
            let least = of_class(true).into_iter().fold(f32::MAX, f32::min);
            assert!(of_class(false).into_iter().all(|p| p < least));
        }
        let sure = chosen(&of, Choice::Entropy { below: 0.25 });
        assert!((sure.learned - 0.25).abs() < 0.01);
        assert!(Choice::Top { part: 0.0 }.validate().is_err());
        assert!(Choice::Entropy { below: f64::NAN }.validate().is_err());
    }

    #[test]
    fn labels_agree_with_themselves_and_not_with_others() {
        let a = [0, 1, 1, 2, 2, 0];
        assert!((agreement(&a, &a) - 1.0).abs() < 1e-12);
        assert!((agreement(&a, &[0, 1, 1, 0, 0, 2]) - 0.5).abs() < 1e-12);
        assert!((agreement(&[0; 3], &[0; 3]) - 1.0).abs() < 1e-12);
    }
}
