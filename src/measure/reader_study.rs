//! How well a reader grades: agreement with the truth, and whether the confidence that was said is borne out.
//!
//! Cohen's kappa with quadratic weights (Cohen 1968) and its large-sample error (Fleiss, Cohen and Everitt 1969); the Brier score and the
//! reliability diagram of a stated probability of being right. Tested against scikit-learn and statsmodels.
use super::KoosGrade;
use serde::Serialize;

/// How often each grade was answered to each true grade: a row for each truth, a column for each answer, in the order of [`KoosGrade::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct ConfusionMatrix(pub [[u32; 4]; 4]);

/// Cohen's kappa with quadratic weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightedKappa {
    /// 1 for perfect agreement, 0 for what chance gives.
    pub value: f64,
    /// The 95 % confidence interval from the large-sample standard error, cut at 1; too narrow for few cases.
    pub ci95: [f64; 2],
}

impl ConfusionMatrix {
    /// Of pairs of truth and answer.
    pub fn of(pairs: impl IntoIterator<Item = (KoosGrade, KoosGrade)>) -> Self {
        let mut counts = [[0_u32; 4]; 4];
        for (truth, answer) in pairs {
            let count = &mut counts[truth as usize][answer as usize];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    /// Number of pairs.
    pub fn count(&self) -> u64 {
        self.cells().map(|(.., n)| u64::from(n)).sum()
    }

    /// Part of the answers that are right; `None` of no answer.
    pub fn accuracy(&self) -> Option<f64> {
        self.mean(|truth, answer| f64::from(u8::from(truth == answer)))
    }

    /// Mean distance of answer and truth, grades; `None` of no answer.
    pub fn mean_absolute_error(&self) -> Option<f64> {
        self.mean(|truth, answer| truth.abs_diff(answer) as f64)
    }

    /// Mean over the true grades of their mean absolute errors, as the crossMoDA challenge ranks; `None` of no answer.
    pub fn macro_averaged_mean_absolute_error(&self) -> Option<f64> {
        let rows = self.0.iter().enumerate();
        let of_row = rows.filter_map(|(truth, row)| {
            let mut alone = Self::default();
            alone.0[truth] = *row;
            alone.mean_absolute_error()
        });
        let means: Vec<f64> = of_row.collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }

    /// Cohen's kappa with quadratic weights; `None` where it is not defined: without answers, and where truth and answers are all of one grade.
    pub fn weighted_kappa(&self) -> Option<WeightedKappa> {
        let n = self.count() as f64;
        let part = self.0.map(|row| row.map(|c| f64::from(c) / n));
        let rows = part.map(|row| row.iter().sum::<f64>());
        let columns: [f64; 4] = std::array::from_fn(|j| part.iter().map(|row| row[j]).sum());
        // Weights of agreement: 1 on the diagonal, 0 three grades off.
        let weight = |i: usize, j: usize| 1.0 - (i.abs_diff(j) as f64 / 3.0).powi(2);
        let sum = |of: &dyn Fn(usize, usize) -> f64| {
            (0..4)
                .flat_map(|i| (0..4).map(move |j| (i, j)))
                .map(|(i, j)| of(i, j))
                .sum::<f64>()
        };
        let observed = sum(&|i, j| weight(i, j) * part[i][j]);
        let expected = sum(&|i, j| weight(i, j) * rows[i] * columns[j]);
        let left = 1.0 - expected;
        if n == 0.0 || left < 1e-12 {
            return None;
        }
        let value = (observed - expected) / left;
        let of_row = |i: usize| (0..4).map(|j| columns[j] * weight(i, j)).sum::<f64>();
        let of_column = |j: usize| (0..4).map(|i| rows[i] * weight(i, j)).sum::<f64>();
        let squares = sum(&|i, j| {
            let term = weight(i, j) * left - (of_row(i) + of_column(j)) * (1.0 - observed);
            part[i][j] * term.powi(2)
        });
        let less = observed * expected - 2.0 * expected + observed;
        let variance = (squares - less.powi(2)) / (n * left.powi(4));
        let half = 1.959_963_984_540_054 * variance.max(0.0).sqrt();
        Some(WeightedKappa {
            value,
            ci95: [value - half, (value + half).min(1.0)],
        })
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        let rows = self.0.iter().enumerate();
        rows.flat_map(|(i, row)| row.iter().enumerate().map(move |(j, n)| (i, j, *n)))
    }

    fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let total: f64 = self.cells().map(|(i, j, n)| of(i, j) * f64::from(n)).sum();
        let n = self.count();
        (n > 0).then(|| total / n as f64)
    }
}

/// Answers whose stated confidence lies in one part of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConfidenceBin {
    /// Mean of the confidence that was said, 0 to 1.
    pub said: f64,
    /// Part of the answers that were right.
    pub right: f64,
    /// The 95 % confidence interval of that part (Wilson 1927).
    pub right_ci95: [f64; 2],
    /// Answers.
    pub count: usize,
}

/// Whether a reader's confidence is borne out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfidenceCalibration {
    /// Mean squared distance of the confidence (0 to 1) from being right (1) or wrong (0): 0 is perfect (Brier 1950).
    pub brier: f64,
    /// Mean confidence less the part that was right: positive for too much confidence.
    pub overconfidence: f64,
    /// Mean distance of confidence and part right over the bins, weighted by their answers (expected calibration error).
    pub expected_error: f64,
    /// Tenths of the scale that hold an answer, from the least confident on; each holds its upper end.
    pub bins: Vec<ConfidenceBin>,
}

impl ConfidenceCalibration {
    /// Of pairs of confidence (0 to 1; what lies outside is cut) and whether the answer was right; `None` of no pair.
    pub fn of(answers: &[(f64, bool)]) -> Option<Self> {
        const BINS: usize = 10;
        if answers.is_empty() {
            return None;
        }
        let mut binned: [Vec<(f64, bool)>; BINS] = std::array::from_fn(|_| Vec::new());
        let (mut squares, mut more) = (0.0, 0.0);
        for (said, right) in answers {
            let (said, is) = (said.clamp(0.0, 1.0), f64::from(u8::from(*right)));
            squares += (said - is).powi(2);
            more += said - is;
            // Edges as the decimals that they are written as: 0.7 belongs to the bin that ends there.
            let at = (1..BINS).take_while(|n| said > *n as f64 / BINS as f64);
            binned[at.count()].push((said, *right));
        }
        let n = answers.len() as f64;
        let bins: Vec<ConfidenceBin> = binned.iter().filter_map(|b| bin(b)).collect();
        let apart = bins
            .iter()
            .map(|b| (b.said - b.right).abs() * b.count as f64);
        Some(Self {
            brier: squares / n,
            overconfidence: more / n,
            expected_error: apart.sum::<f64>() / n,
            bins,
        })
    }
}

fn bin(answers: &[(f64, bool)]) -> Option<ConfidenceBin> {
    let count = answers.len();
    let n = count as f64;
    let right = answers.iter().filter(|(_, right)| *right).count();
    (count > 0).then(|| ConfidenceBin {
        said: answers.iter().map(|(said, _)| said).sum::<f64>() / n,
        right: right as f64 / n,
        right_ci95: wilson95(right, count),
        count,
    })
}

/// The 95 % confidence interval of a proportion (Wilson 1927); 0 to 1 of no trial.
pub fn wilson95(successes: usize, trials: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    if trials == 0 {
        return [0.0, 1.0];
    }
    let n = trials as f64;
    let p = successes.min(trials) as f64 / n;
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::macro_averaged_mean_absolute_error;

    #[test]
    fn nothing_answered_has_no_statistics() {
        let none = ConfusionMatrix::default();
        assert_eq!((none.accuracy(), none.mean_absolute_error()), (None, None));
        assert_eq!(none.weighted_kappa(), None);
        assert_eq!(none.macro_averaged_mean_absolute_error(), None);
        assert_eq!(ConfidenceCalibration::of(&[]), None);
        assert!(wilson95(0, 0)[0] <= 0.0 && wilson95(0, 0)[1] >= 1.0);
    }

    #[test]
    fn perfect_answers_have_kappa_one_and_a_single_grade_has_none() {
        let all = ConfusionMatrix::of(KoosGrade::ALL.map(|g| (g, g)));
        let kappa = all.weighted_kappa().unwrap();
        assert!((kappa.value - 1.0).abs() < 1e-12 && (kappa.ci95[1] - 1.0).abs() < 1e-12);
        assert_eq!(all.accuracy(), Some(1.0));
        let one = ConfusionMatrix::of([(KoosGrade::II, KoosGrade::II); 5]);
        assert_eq!((one.weighted_kappa(), one.accuracy()), (None, Some(1.0)));
    }

    #[test]
    fn the_macro_average_is_that_of_the_pairs() {
        use KoosGrade::{I, II, III, IV};
        let pairs = [(II, II), (II, II), (II, III), (IV, II), (I, I)];
        let numbers: Vec<(u8, u8)> = pairs.iter().map(|(t, a)| (*a as u8, *t as u8)).collect();
        let found = ConfusionMatrix::of(pairs).macro_averaged_mean_absolute_error();
        assert_eq!(found, macro_averaged_mean_absolute_error(&numbers));
    }

    #[test]
    fn a_confidence_on_an_edge_belongs_to_the_bin_that_ends_there() {
        let answers = [
            (0.7, true),
            (0.65, false),
            (0.71, true),
            (1.4, true),
            (f64::MIN, false),
        ];
        let bins = ConfidenceCalibration::of(&answers).unwrap().bins;
        let counts: Vec<usize> = bins.iter().map(|b| b.count).collect();
        assert_eq!(counts, [1, 2, 1, 1]);
    }
}
