//! The intensities of what is sought, changed on their own: a translator may leave a tumour as bright as fluid or an inner ear as dark as bone, and the segmenter must not rely on it.
use crate::train::Error;
use crate::volume::Shape;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Quantiles of a crop between which levels lie.
const RANGE: [f64; 2] = [0.005, 0.995];

/// Local intensity augmentation of scans with true labels: tumour and cochleae of a crop get a level drawn at random, and keep some of their texture. The levels are what is known of
/// the target contrast beforehand, as that fluid is bright on hrT2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalIntensity {
    /// Part of the structures that are changed, each on its own.
    pub part: f64,
    /// Lowest and highest level of a tumour: 0 is as dark as the crop's darkest, 1 as bright as its brightest.
    pub tumour: [f64; 2],
    /// The same of cochleae.
    pub cochlea: [f64; 2],
}

impl LocalIntensity {
    /// Checks what comes from a file.
    ///
    /// # Errors
    /// Names what is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let rising = |[low, high]: [f64; 2]| 0.0 <= low && low < high && high <= 1.0;
        if (0.0..=1.0).contains(&self.part) && rising(self.tumour) && rising(self.cochlea) {
            return Ok(());
        }
        let text = "local intensity: `part` is 0 to 1, and levels rise from 0 to 1";
        Err(Error::Settings(text.to_owned()))
    }

    /// Changes a crop (right fastest, then front) whose voxels of tumour and cochlea have these classes.
    pub(super) fn change(
        &self,
        intensities: &mut [f32],
        (labels, shape): (&[u8], Shape),
        [tumour, cochlea]: [u8; 2],
        random: &mut impl Rng,
    ) {
        let mut sorted = intensities.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return;
        };
        let [dark, bright] = RANGE.map(|q| sorted[(q * last as f64).round() as usize]);
        for (class, levels) in [(tumour, self.tumour), (cochlea, self.cochlea)] {
            // Drawn whether or not the structure is there, so that an example hangs on its seed alone.
            let wanted = random.random_bool(self.part);
            let level = random.random_range(levels[0]..levels[1]) as f32;
            let texture = random.random_range(0.5..1.5_f32);
            let values = intensities.iter().zip(labels);
            let (sum, count) = values
                .filter(|(_, label)| **label == class)
                .fold((0.0, 0_u32), |(sum, n), (v, _)| {
                    (sum + f64::from(*v), n + 1)
                });
            if !wanted || count == 0 {
                continue;
            }
            let mean = (sum / f64::from(count)) as f32;
            let level = dark + (bright - dark) * level;
            for (n, part) in partial_volume(labels, shape, class) {
                let own = if labels[n] == class {
                    texture * (intensities[n] - mean)
                } else {
                    0.0
                };
                intensities[n] += part * (level + own - intensities[n]);
            }
        }
    }
}

/// Voxels that a structure fills or touches in their slice, and how much of the 3 × 3 voxels about each it fills: an edge as a scanner would blur it.
fn partial_volume(labels: &[u8], [w, h, _]: Shape, class: u8) -> Vec<(usize, f32)> {
    let filled = |n: usize| {
        let (x, y) = (n % w, n / w % h);
        let columns = x.saturating_sub(1)..=(x + 1).min(w - 1);
        let count = |row: usize| {
            let start = n - y * w - x + row * w;
            columns
                .clone()
                .filter(|column| labels[start + column] == class)
                .count()
        };
        (y.saturating_sub(1)..=(y + 1).min(h - 1))
            .map(count)
            .sum::<usize>()
    };
    let parts = (0..labels.len()).map(|n| (n, filled(n) as f32 / 9.0));
    parts.filter(|(_, part)| *part > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const SHAPE: Shape = [20, 20, 3];

    /// Brightness 100 with a dark cochlea, a bright tumour, and the range's ends.
    fn crop() -> (Vec<f32>, Vec<u8>) {
        let mut labels = vec![0_u8; 1200];
        let mut intensities = vec![100.0_f32; 1200];
        for y in 4..9 {
            for x in 3..8 {
                let cochlea = 400 + y * 20 + x;
                (labels[cochlea], intensities[cochlea]) = (2, 10.0);
                (labels[cochlea + 8], intensities[cochlea + 8]) = (1, 200.0 + (x % 2) as f32);
            }
        }
        intensities[..20].fill(0.0);
        intensities[1180..].fill(1000.0);
        (intensities, labels)
    }

    const WHAT: LocalIntensity = LocalIntensity {
        part: 1.0,
        tumour: [0.2, 0.4],
        cochlea: [0.6, 0.9],
    };

    #[test]
    fn structures_get_a_level_of_their_range_and_all_else_stays() {
        let (before, labels) = crop();
        for seed in 0..20 {
            let mut after = before.clone();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            WHAT.change(&mut after, (&labels, SHAPE), [1, 2], &mut random);
            let cochlea = after[400 + 6 * 20 + 5];
            assert!((600.0..900.0).contains(&cochlea), "{cochlea}");
            let pair = [after[400 + 6 * 20 + 13], after[400 + 6 * 20 + 14]];
            assert!((199.0..401.0).contains(&pair[0]), "{pair:?}");
            assert!((pair[0] - pair[1]).abs() > 0.4, "its texture stays");
            for n in (0..400).chain(800..1200) {
                assert!((after[n] - before[n]).abs() < 1e-6, "another slice");
            }
            // A voxel beside it holds some of it, the next one none.
            let beside = after[400 + 6 * 20 + 2];
            assert!(beside > 101.0 && beside < cochlea, "{beside}");
            assert!((after[400 + 6 * 20 + 1] - 100.0).abs() < 1e-6);
        }
    }

    #[test]
    fn what_is_not_wanted_stays_and_nonsense_is_refused() {
        let (before, labels) = crop();
        let mut after = before.clone();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let never = LocalIntensity { part: 0.0, ..WHAT };
        never.change(&mut after, (&labels, SHAPE), [1, 2], &mut random);
        assert!(after == before && never.validate().is_ok());
        WHAT.change(&mut after, (&vec![0; 1200], SHAPE), [1, 2], &mut random);
        assert!(after == before);
        let wrong = [
            LocalIntensity {
                part: f64::NAN,
                ..WHAT
            },
            LocalIntensity {
                tumour: [0.5, 0.5],
                ..WHAT
            },
            LocalIntensity {
                cochlea: [0.5, 1.5],
                ..WHAT
            },
        ];
        assert!(wrong.iter().all(|w| w.validate().is_err()));
    }
}
