//! How well graders do, and how much each is worth.
use crate::measure::{
    KoosGrade, macro_averaged_mean_absolute_error, ordinal_decision, quadratic_weighted_kappa,
};
use crate::predict::{Combination, GraderWeights};
use crate::train::calibration::{ReliabilityBin, reliability_svg};

/// Largest weight of a grader, and what a weight costs: without it the weights of graders that never err would have no limit.
const MOST_WEIGHT: f64 = 4.0;
const COST: f64 = 0.003;
/// Weights where nothing is known.
const EVEN: GraderWeights = GraderWeights {
    rule: 0.5,
    forest: 0.5,
    network: 0.5,
};
/// Rounds of the search for the weights, and steps along each.
const ROUNDS: usize = 40;
const STEPS: usize = 30;
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What graders said of tumours whose grade is known.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// What was said, and the place of the true grade in [`KoosGrade::ALL`].
    said: Vec<(Combination, usize)>,
    /// True grades of those of which no grader could speak.
    withheld: Vec<usize>,
}

/// Grades that one grader gave: 0 for none, then 1 to 4; each with the true one.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    pairs: Vec<(u8, u8)>,
}

impl Graded {
    /// Macro-averaged mean absolute error; a grade that was withheld counts as one below I.
    pub fn ma_mae(&self) -> Option<f64> {
        macro_averaged_mean_absolute_error(&self.pairs)
    }

    /// Kappa with quadratic weights.
    pub fn kappa(&self) -> Option<f64> {
        quadratic_weighted_kappa(&self.pairs)
    }

    /// Part that is exactly right.
    pub fn accuracy(&self) -> f64 {
        let right = self.pairs.iter().filter(|(a, b)| a == b).count();
        right as f64 / self.pairs.len().max(1) as f64
    }

    /// Counts by true grade, then by the grade that was given: none, I to IV.
    pub fn confusion(&self) -> [[usize; 5]; 4] {
        let mut counts = [[0; 5]; 4];
        for &(given, truth) in &self.pairs {
            counts[usize::from(truth.clamp(1, 4)) - 1][usize::from(given.min(4))] += 1;
        }
        counts
    }
}

impl Tally {
    /// Adds what graders said of a tumour; `grade` is the place of the true one in [`KoosGrade::ALL`].
    pub fn add(&mut self, said: &Combination, grade: usize) {
        self.said.push((*said, grade.min(3)));
    }

    /// Adds a tumour of which no grader could speak: not found, or without what the rule needs.
    pub fn add_withheld(&mut self, grade: usize) {
        self.withheld.push(grade.min(3));
    }

    /// How many tumours were added, and of how many of them no grader could speak.
    pub fn counts(&self) -> [usize; 2] {
        let withheld = self.withheld.len();
        [self.said.len() + withheld, withheld]
    }

    fn graded(&self, by: impl Fn(&Combination) -> Option<[f64; 4]>) -> Graded {
        let given = self.said.iter().map(|(said, truth)| {
            let grade = by(said).map_or(0, |p| ordinal_decision(&p) as u8 + 1);
            (grade, *truth as u8 + 1)
        });
        let none = self.withheld.iter().map(|truth| (0, *truth as u8 + 1));
        Graded {
            pairs: given.chain(none).collect(),
        }
    }

    /// The grades of the combination.
    pub fn combined(&self, weights: &GraderWeights) -> Graded {
        self.graded(|said| said.pooled(weights))
    }

    /// Mean negative logarithm of the probability of the true grade, each grade counting the same.
    fn cost(&self, weights: &GraderWeights) -> f64 {
        let mut counts = [0_usize; 4];
        self.said.iter().for_each(|(_, grade)| counts[*grade] += 1);
        let present = counts.iter().filter(|n| **n > 0).count().max(1);
        let cost = |(said, grade): &(Combination, usize)| {
            let p = said.pooled(weights).map_or(0.25, |p| p[*grade]);
            -p.max(1e-12).ln() / (counts[*grade] * present) as f64
        };
        let squares: f64 = weights.to_array().iter().map(|w| w * w).sum();
        self.said.iter().map(cost).sum::<f64>() + COST * squares
    }

    /// The weights under which the true grades are most probable, found along one weight after another: the cost has one minimum, being convex.
    pub fn fit(&self) -> GraderWeights {
        let mut weights = EVEN.to_array();
        if self.said.is_empty() {
            return EVEN;
        }
        for _ in 0..ROUNDS {
            for n in 0..3 {
                let cost = |w: f64| {
                    let mut changed = weights;
                    changed[n] = w;
                    self.cost(&GraderWeights::from_array(changed))
                };
                weights[n] = least(cost, 0.0, MOST_WEIGHT);
            }
        }
        // In thousandths, as they are written.
        GraderWeights::from_array(weights.map(|w| (w * 1e3).round() / 1e3))
    }

    /// Probabilities of the combination against how often they come true, by tenths: four of each tumour, one a grade.
    fn bins(&self, weights: &GraderWeights) -> [ReliabilityBin; 10] {
        let mut sums = [(0.0, 0_u64, 0_u64); 10];
        for (said, truth) in &self.said {
            let Some(p) = said.pooled(weights) else {
                continue;
            };
            for (grade, p) in p.into_iter().enumerate() {
                let bin = &mut sums[((p * 10.0) as usize).min(9)];
                *bin = (bin.0 + p, bin.1 + u64::from(grade == *truth), bin.2 + 1);
            }
        }
        sums.map(|(sum, true_ones, count)| {
            let n = count.max(1) as f64;
            ReliabilityBin {
                predicted: sum / n,
                observed: true_ones as f64 / n,
                voxels: count,
            }
        })
    }

    /// The reliability diagram of the combination.
    pub fn reliability_svg(&self, weights: &GraderWeights) -> String {
        let words = ["predicted probability of a grade", "part that has it"];
        reliability_svg(&self.bins(weights), words)
    }

    /// Tables for people, in Markdown: each grader and the combination, the confusion of the combination, and its reliability.
    pub fn markdown(&self, weights: &GraderWeights) -> String {
        let number = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
        let [count, withheld] = self.counts();
        let mut text = format!(
            "{count} tumours; of {withheld} of them no grade was given, which counts as one below I.\n\n\
             | grader | MA-MAE | quadratic weighted kappa | exactly right |\n| --- | --- | --- | --- |\n"
        );
        let rows = [
            ("rule", self.graded(|s| s.rule)),
            ("forest", self.graded(|s| s.forest)),
            ("network", self.graded(|s| s.network)),
            ("combined", self.combined(weights)),
        ];
        for (name, graded) in &rows {
            text += &format!(
                "| {name} | {} | {} | {:.1} % |\n",
                number(graded.ma_mae()),
                number(graded.kappa()),
                100.0 * graded.accuracy()
            );
        }
        let [_, _, _, (_, combined)] = &rows;
        text += "\nThe combination, true grades in rows:\n\n\
                 | | none | I | II | III | IV |\n| --- | --- | --- | --- | --- | --- |\n";
        for (grade, row) in KoosGrade::ALL.iter().zip(combined.confusion()) {
            let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
            text += &format!("| {grade} | {} |\n", cells.join(" | "));
        }
        text += "\n| predicted probability of a grade | part that has it | number |\n| --- | --- | --- |\n";
        for bin in self.bins(weights).iter().filter(|b| b.voxels > 0) {
            let (predicted, observed) = (bin.predicted, bin.observed);
            text += &format!("| {predicted:.3} | {observed:.3} | {} |\n", bin.voxels);
        }
        let open = self.said.iter().filter(|(said, _)| {
            let combined = said.graders(weights).combined;
            combined.is_some_and(|c| c.borderline.is_some())
        });
        text += &format!(
            "\n{} of the {} that were graded are called borderline.\n",
            open.count(),
            self.said.len()
        );
        text
    }
}

/// Where a function with one minimum is least, by golden section.
fn least(cost: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let mut a = high - GOLDEN * (high - low);
    let mut b = low + GOLDEN * (high - low);
    let (mut of_a, mut of_b) = (cost(a), cost(b));
    for _ in 0..STEPS {
        if of_a < of_b {
            (high, b, of_b) = (b, a, of_a);
            a = high - GOLDEN * (high - low);
            of_a = cost(a);
        } else {
            (low, a, of_a) = (a, b, of_b);
            b = low + GOLDEN * (high - low);
            of_b = cost(b);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Graders of which the forest knows what the rule does not, the network only guesses, and all are too sure of themselves.
    fn tally(count: usize) -> Tally {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut tally = Tally::default();
        for n in 0..count {
            let truth = n % 4;
            let mut said = |right: f64| {
                let grade = if random.random_bool(right) {
                    truth
                } else {
                    random.random_range(0..4)
                };
                let mut p = [0.01; 4];
                p[grade] = 0.97;
                Some(p)
            };
            let combination = Combination {
                rule: said(0.6),
                forest: said(0.8),
                network: said(0.0),
            };
            tally.add(&combination, truth);
        }
        tally
    }

    #[test]
    fn the_better_grader_weighs_more_and_the_guesser_nothing() {
        let tally = tally(800);
        let weights = tally.fit();
        assert!(weights.forest > weights.rule + 0.1, "{weights:?}");
        assert!(weights.network < 0.1 && weights.rule > 0.1, "{weights:?}");
        let alone = |n: usize| {
            let mut only = [0.0; 3];
            only[n] = 1.0;
            tally.combined(&GraderWeights::from_array(only)).ma_mae()
        };
        let together = tally.combined(&weights).ma_mae();
        assert!(together <= alone(1) && together < alone(0));
        // What is said to be so probable comes true so often.
        for bin in tally.bins(&weights).iter().filter(|b| b.voxels > 100) {
            assert!((bin.predicted - bin.observed).abs() < 0.06, "{bin:?}");
        }
    }

    #[test]
    fn a_withheld_grade_counts_as_one_below_the_first() {
        let mut tally = Tally::default();
        let sure = Combination {
            rule: Some([0.0, 1.0, 0.0, 0.0]),
            ..Combination::default()
        };
        tally.add(&sure, 1);
        tally.add_withheld(1);
        let weights = tally.fit();
        let graded = tally.combined(&weights);
        assert_eq!(graded.ma_mae(), Some(1.0));
        assert_eq!(graded.confusion()[1], [1, 0, 1, 0, 0]);
        assert_eq!(tally.counts(), [2, 1]);
        let text = tally.markdown(&weights);
        assert!(text.contains("| II | 1 | 0 | 1 | 0 | 0 |"), "{text}");
        assert!(
            text.contains("| combined | 1.000 | 0.000 | 50.0 % |"),
            "{text}"
        );
    }
}
