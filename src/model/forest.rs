//! Random forests that classify rows of numbers: CART trees by Gini impurity, each grown on a bootstrap sample (Breiman 2001).
//!
//! The rules are scikit-learn's: a value goes to the lower side when, in single precision, it is at most the threshold; thresholds lie halfway between neighbouring values;
//! the least size of a leaf counts different rows, however often the bootstrap drew them; a forest's probability is the mean over its trees.
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// Most bytes of a forest's file.
const MOST_BYTES: usize = 32 << 20;
/// Most features, classes and depth that settings or a file may ask for.
const MOST_FEATURES: usize = 1000;
const MOST_CLASSES: usize = 100;
const MOST_DEPTH: usize = 30;
/// Most trees.
const MOST_TREES: usize = 100_000;
/// Values of a feature that are nearer to each other than this are not told apart.
const SAME: f32 = 1e-7;

/// What is wrong with a forest, or with what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum ForestError {
    /// The file is no forest.
    #[error("the forest is not valid: {0}")]
    Format(String),
    /// The settings or the rows cannot be learned from.
    #[error("a forest cannot be grown: {0}")]
    Training(&'static str),
    /// A row has another number of values than the forest has features.
    #[error("the forest takes {expected} values, not {found}")]
    Features {
        /// How many it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// How a forest grows. The default is that of the winner of crossMoDA 2022's Koos task with fewer trees: depth 5, at least 2 rows in a leaf, as many features at a split as
/// the square root of their number; and classes count alike however rare they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForestSettings {
    /// Trees.
    pub trees: usize,
    /// Splits one after another, at most; 0 to 30.
    pub max_depth: usize,
    /// Different rows in a leaf, at least.
    pub min_leaf: usize,
    /// Features that are looked at for a split, drawn anew each time; `None` for the square root of their number.
    pub features_per_split: Option<usize>,
    /// Whether each class weighs the same in all, rather than each row.
    pub balanced: bool,
    /// Whether each tree sees a sample drawn with replacement, rather than all rows.
    pub bootstrap: bool,
    /// Decides all that is drawn.
    pub seed: u64,
}

impl Default for ForestSettings {
    fn default() -> Self {
        Self {
            trees: 300,
            max_depth: 5,
            min_leaf: 2,
            features_per_split: None,
            balanced: true,
            bootstrap: true,
            seed: 1,
        }
    }
}

/// A trained forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    /// Name of each feature.
    features: Vec<String>,
    /// Stands in for a value that is missing: the median of those that training had.
    medians: Vec<f64>,
    /// Number of classes.
    classes: usize,
    trees: Vec<Tree>,
}

/// A tree as columns, one entry a split, each before those below it; without a split it is its first leaf.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    /// Which feature.
    feature: Vec<u16>,
    /// Up to which value the lower side is taken.
    threshold: Vec<f32>,
    /// Where the lower side goes on: at this split, or, when negative, at leaf −1 − n.
    low: Vec<i32>,
    /// Where the upper side does.
    high: Vec<i32>,
    /// Probability of each class in each leaf.
    leaves: Vec<Vec<f32>>,
}

/// Where a side of a split goes on.
enum Next {
    Split(usize),
    Leaf(usize),
}

fn next(child: i32) -> Next {
    usize::try_from(child).map_or_else(
        |_negative| Next::Leaf(child.unsigned_abs() as usize - 1),
        Next::Split,
    )
}

impl Tree {
    fn leaf(&self, row: &[f32]) -> &[f32] {
        let mut at = if self.feature.is_empty() {
            Next::Leaf(0)
        } else {
            Next::Split(0)
        };
        loop {
            match at {
                Next::Leaf(n) => return self.leaves.get(n).map_or(&[], Vec::as_slice),
                Next::Split(n) => {
                    let value = row[usize::from(self.feature[n])];
                    let side = if value <= self.threshold[n] {
                        self.low[n]
                    } else {
                        self.high[n]
                    };
                    at = next(side);
                }
            }
        }
    }

    /// Whether every way through the tree ends in a leaf of probabilities.
    fn check(&self, features: usize, classes: usize) -> Result<(), &'static str> {
        let splits = self.feature.len();
        if [self.threshold.len(), self.low.len(), self.high.len()] != [splits; 3] {
            return Err("the columns of a tree differ in length");
        }
        if self.leaves.len() != splits + 1 {
            return Err("a tree does not have one leaf more than splits");
        }
        let inside = |f: &u16| usize::from(*f) < features;
        if !self.feature.iter().all(inside) || !self.threshold.iter().all(|t| t.is_finite()) {
            return Err("a split is out of range");
        }
        // Children after their parents: no way runs in a circle.
        let ends = |(n, child): (usize, &i32)| match next(*child) {
            Next::Split(m) => m > n && m < splits,
            Next::Leaf(m) => m < self.leaves.len(),
        };
        if !self.low.iter().enumerate().all(ends) || !self.high.iter().enumerate().all(ends) {
            return Err("a split leads nowhere");
        }
        let probabilities = |leaf: &Vec<f32>| {
            leaf.len() == classes
                && leaf.iter().all(|p| (0.0..=1.0).contains(p))
                && (leaf.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        if !self.leaves.iter().all(probabilities) {
            return Err("a leaf does not hold probabilities");
        }
        Ok(())
    }
}

impl Forest {
    /// Grows a forest on rows of values and the class of each; classes count from 0. Values that are not finite are missing. The same on any number of threads.
    ///
    /// # Errors
    /// When there is no row, rows differ in length, a class is out of range or without a row, or a setting is out of range.
    pub fn grow(
        features: &[&str],
        rows: &[Vec<f64>],
        classes: &[usize],
        count: usize,
        settings: &ForestSettings,
    ) -> Result<Self, ForestError> {
        let wrong = |text| Err(ForestError::Training(text));
        if !(1..=MOST_FEATURES).contains(&features.len()) || !(1..=MOST_CLASSES).contains(&count) {
            return wrong("the number of features or classes is out of range");
        }
        if rows.is_empty() || rows.len() != classes.len() {
            return wrong("each row needs a class, and there must be one");
        }
        if rows.iter().any(|r| r.len() != features.len()) {
            return wrong("rows differ in length");
        }
        let mut of_class = vec![0_usize; count];
        for &class in classes {
            match of_class.get_mut(class) {
                Some(n) => *n += 1,
                None => return wrong("a class is out of range"),
            }
        }
        if of_class.contains(&0) {
            return wrong("a class has no row");
        }
        if !(1..=MOST_TREES).contains(&settings.trees)
            || settings.max_depth > MOST_DEPTH
            || settings.min_leaf == 0
        {
            return wrong("trees, depth or size of a leaf are out of range");
        }
        let mut forest = Self {
            features: features.iter().map(|f| (*f).to_owned()).collect(),
            medians: (0..features.len()).map(|f| median(rows, f)).collect(),
            classes: count,
            trees: Vec::new(),
        };
        let filled: Vec<Vec<f32>> = rows.iter().map(|r| forest.filled(r)).collect();
        let weight = |class: usize| {
            if settings.balanced {
                rows.len() as f64 / (count * of_class[class]) as f64
            } else {
                1.0
            }
        };
        let growing = Growing {
            rows: &filled,
            classes,
            class_weights: (0..count).map(weight).collect(),
            settings,
        };
        forest.trees = (0..settings.trees as u64)
            .into_par_iter()
            .map(|n| growing.tree(n))
            .collect();
        Ok(forest)
    }

    /// Names of the features.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Probability of each class for a row of values; missing ones (not finite) take the median of training.
    ///
    /// # Errors
    /// When the row has another number of values.
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, ForestError> {
        if row.len() != self.features.len() {
            return Err(ForestError::Features {
                expected: self.features.len(),
                found: row.len(),
            });
        }
        let row = self.filled(row);
        let mut sum = vec![0.0; self.classes];
        for tree in &self.trees {
            let leaf = tree.leaf(&row);
            sum.iter_mut()
                .zip(leaf)
                .for_each(|(s, p)| *s += f64::from(*p));
        }
        // Leaves are rounded to single precision.
        let total: f64 = sum.iter().sum();
        Ok(sum.into_iter().map(|s| s / total).collect())
    }

    /// A row in single precision without gaps.
    fn filled(&self, row: &[f64]) -> Vec<f32> {
        let value = |(v, m): (&f64, &f64)| if v.is_finite() { *v } else { *m };
        row.iter()
            .zip(&self.medians)
            .map(|pair| value(pair).clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32)
            .collect()
    }

    /// The forest as JSON.
    ///
    /// # Errors
    /// Never for a forest that was grown or read; the type is that of the writer.
    pub fn to_json(&self) -> Result<String, ForestError> {
        serde_json::to_string(self).map_err(|e| ForestError::Format(e.to_string()))
    }

    /// Reads a forest and checks that every way through it ends in probabilities.
    ///
    /// # Errors
    /// When it is no JSON of a forest, too large, or anything in it is out of range.
    pub fn from_json(text: &str) -> Result<Self, ForestError> {
        let wrong = |text: &str| Err(ForestError::Format(text.to_owned()));
        if text.len() > MOST_BYTES {
            return wrong("it is too large");
        }
        let forest: Self =
            serde_json::from_str(text).map_err(|e| ForestError::Format(e.to_string()))?;
        let features = forest.features.len();
        if !(1..=MOST_FEATURES).contains(&features)
            || forest.medians.len() != features
            || !forest.medians.iter().all(|m| m.is_finite())
        {
            return wrong("the features");
        }
        if !(1..=MOST_CLASSES).contains(&forest.classes)
            || !(1..=MOST_TREES).contains(&forest.trees.len())
        {
            return wrong("the number of classes or trees");
        }
        for tree in &forest.trees {
            let whole = tree.check(features, forest.classes);
            whole.map_err(|problem| ForestError::Format(problem.to_owned()))?;
        }
        Ok(forest)
    }
}

/// Median of a feature's finite values, the mean of the middle two; 0 without any.
fn median(rows: &[Vec<f64>], feature: usize) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(|r| r[feature]).collect();
    values.retain(|v| v.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n => f64::midpoint(values[(n - 1) / 2], values[n / 2]),
    }
}

/// What the trees of a forest grow on.
struct Growing<'a> {
    rows: &'a [Vec<f32>],
    classes: &'a [usize],
    class_weights: Vec<f64>,
    settings: &'a ForestSettings,
}

/// The best split that was found.
struct Split {
    gain: f64,
    feature: usize,
    threshold: f32,
}

impl Growing<'_> {
    fn tree(&self, number: u64) -> Tree {
        let mut random = ChaCha8Rng::seed_from_u64(self.settings.seed);
        random.set_stream(number);
        let count = self.rows.len();
        let mut drawn = vec![u32::from(!self.settings.bootstrap); count];
        if self.settings.bootstrap {
            (0..count).for_each(|_| drawn[random.random_range(0..count)] += 1);
        }
        let weights: Vec<f64> = drawn
            .iter()
            .zip(self.classes)
            .map(|(&n, &class)| f64::from(n) * self.class_weights[class])
            .collect();
        let mut rows: Vec<usize> = (0..count).filter(|&n| drawn[n] > 0).collect();
        let mut tree = Tree::default();
        self.branch(&mut tree, &mut rows, &weights, 0, &mut random);
        tree
    }

    /// Grows what is below a set of rows; how its parent refers to it.
    fn branch(
        &self,
        tree: &mut Tree,
        rows: &mut [usize],
        weights: &[f64],
        depth: usize,
        random: &mut ChaCha8Rng,
    ) -> i32 {
        let totals = self.totals(rows, weights);
        let pure = totals.iter().filter(|w| **w > 0.0).count() < 2;
        let small = rows.len() < 2 * self.settings.min_leaf;
        let split = if pure || small || depth == self.settings.max_depth {
            None
        } else {
            self.split(rows, weights, &totals, random)
        };
        let Some(split) = split else {
            let sum: f64 = totals.iter().sum();
            let leaf = totals.iter().map(|w| (w / sum) as f32);
            tree.leaves.push(leaf.collect());
            return -(tree.leaves.len() as i32);
        };
        let at = tree.feature.len();
        tree.feature.push(split.feature as u16);
        tree.threshold.push(split.threshold);
        tree.low.push(0);
        tree.high.push(0);
        // Stable, so that the order of rows does not depend on how they were divided before.
        rows.sort_by_key(|&n| self.rows[n][split.feature] > split.threshold);
        let middle = rows.partition_point(|&n| self.rows[n][split.feature] <= split.threshold);
        let (low, high) = rows.split_at_mut(middle);
        tree.low[at] = self.branch(tree, low, weights, depth + 1, random);
        tree.high[at] = self.branch(tree, high, weights, depth + 1, random);
        at as i32
    }

    fn totals(&self, rows: &[usize], weights: &[f64]) -> Vec<f64> {
        let mut totals = vec![0.0; self.class_weights.len()];
        for &n in rows {
            totals[self.classes[n]] += weights[n];
        }
        totals
    }

    /// The split that leaves the least Gini impurity, of the features that are drawn. Features that are the same for all rows do not count as long as no other was drawn.
    fn split(
        &self,
        rows: &[usize],
        weights: &[f64],
        totals: &[f64],
        random: &mut ChaCha8Rng,
    ) -> Option<Split> {
        let count = self.rows.first().map_or(0, Vec::len);
        let wanted = self
            .settings
            .features_per_split
            .unwrap_or_else(|| (count as f64).sqrt() as usize)
            .clamp(1, count);
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(random);
        let (mut best, mut constant): (Option<Split>, usize) = (None, 0);
        for (visited, &feature) in order.iter().enumerate() {
            if visited >= wanted && visited > constant {
                break;
            }
            let mut sorted: Vec<usize> = rows.to_vec();
            let value = |n: usize| self.rows[n][feature];
            sorted.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
            let ends = sorted.first().zip(sorted.last());
            if ends.is_none_or(|(&a, &b)| value(b) <= value(a) + SAME) {
                constant += 1;
                continue;
            }
            let found = self.best_threshold(&sorted, feature, weights, totals);
            if let Some(found) = found
                && best.as_ref().is_none_or(|b| found.gain > b.gain)
            {
                best = Some(found);
            }
        }
        best
    }

    /// The best threshold of one feature, by which the rows are sorted.
    fn best_threshold(
        &self,
        sorted: &[usize],
        feature: usize,
        weights: &[f64],
        totals: &[f64],
    ) -> Option<Split> {
        let least = self.settings.min_leaf;
        let total: f64 = totals.iter().sum();
        let mut low = vec![0.0; totals.len()];
        let mut below = 0.0;
        let mut best: Option<Split> = None;
        for (n, pair) in sorted.windows(2).enumerate() {
            let [a, b] = [pair[0], pair[1]];
            low[self.classes[a]] += weights[a];
            below += weights[a];
            let [from, to] = [self.rows[a][feature], self.rows[b][feature]];
            if to <= from + SAME || n + 1 < least || sorted.len() - n - 1 < least {
                continue;
            }
            let squares = |part: &mut dyn Iterator<Item = f64>| part.map(|w| w * w).sum::<f64>();
            // What is left of Gini's impurity falls as this rises.
            let gain = squares(&mut low.iter().copied()) / below
                + squares(&mut totals.iter().zip(&low).map(|(t, l)| t - l)) / (total - below);
            if best.as_ref().is_none_or(|b| gain > b.gain) {
                let middle = f32::midpoint(from, to);
                best = Some(Split {
                    gain,
                    feature,
                    // Rounding may have made it the upper value, which belongs to the other side.
                    threshold: if middle < to { middle } else { from },
                });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, proptest};

    /// Three classes in rings about the origin; the third feature says nothing.
    fn rings(count: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Vec::new();
        let mut classes = Vec::new();
        for _ in 0..count {
            let row: Vec<f64> = (0..3).map(|_| random.random_range(-3.0..3.0)).collect();
            classes.push((row[0].hypot(row[1]) as usize).min(2));
            rows.push(row);
        }
        (rows, classes)
    }

    fn grown(settings: &ForestSettings) -> Forest {
        let (rows, classes) = rings(400, 1);
        Forest::grow(&["x", "y", "noise"], &rows, &classes, 3, settings).unwrap()
    }

    fn accuracy(forest: &Forest) -> f64 {
        let (rows, classes) = rings(1000, 2);
        let right = rows.iter().zip(&classes).filter(|(row, class)| {
            let p = forest.probabilities(row).unwrap();
            (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])) == Some(**class)
        });
        right.count() as f64 / 1000.0
    }

    #[test]
    fn a_forest_learns_what_no_single_threshold_divides() {
        let forest = grown(&ForestSettings {
            trees: 100,
            ..ForestSettings::default()
        });
        let found = accuracy(&forest);
        assert!(found > 0.85, "{found}");
        let p = forest.probabilities(&[0.1, 0.2, 0.0]).unwrap();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn depth_and_leaves_keep_their_limits() {
        let settings = ForestSettings {
            trees: 20,
            max_depth: 3,
            min_leaf: 7,
            ..ForestSettings::default()
        };
        for tree in &grown(&settings).trees {
            assert!(tree.leaves.len() <= 8);
        }
        let stump = grown(&ForestSettings {
            trees: 1,
            max_depth: 0,
            balanced: true,
            bootstrap: false,
            ..settings
        });
        // All classes weigh the same, however rare.
        let p = stump.probabilities(&[0.0; 3]).unwrap();
        assert!(p.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-6), "{p:?}");
    }

    #[test]
    fn a_missing_value_takes_the_median_of_training() {
        let forest = grown(&ForestSettings::default());
        let middle = forest.medians[0];
        assert_eq!(
            forest.probabilities(&[f64::NAN, 0.4, 1.0]).unwrap(),
            forest.probabilities(&[middle, 0.4, 1.0]).unwrap()
        );
        assert!(forest.probabilities(&[0.0; 2]).is_err());
        // A feature that training never had decides nothing.
        let (mut rows, classes) = rings(60, 4);
        for row in &mut rows {
            row[2] = f64::NAN;
        }
        let settings = ForestSettings::default();
        let forest = Forest::grow(&["x", "y", "none"], &rows, &classes, 3, &settings).unwrap();
        let at = |z: f64| forest.probabilities(&[0.3, 0.2, z]).unwrap();
        assert_eq!(at(f64::NAN), at(99.0));
    }

    #[test]
    fn a_forest_is_a_function_of_its_seed_on_any_number_of_threads() {
        let settings = ForestSettings {
            trees: 12,
            ..ForestSettings::default()
        };
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let alone = single.unwrap().install(|| grown(&settings));
        assert_eq!(grown(&settings), alone);
        assert_ne!(
            grown(&ForestSettings {
                seed: 2,
                ..settings
            }),
            alone
        );
    }

    #[test]
    fn a_forest_survives_its_file_and_damage_is_told() {
        let forest = grown(&ForestSettings {
            trees: 5,
            ..ForestSettings::default()
        });
        let text = forest.to_json().unwrap();
        assert_eq!(Forest::from_json(&text).unwrap(), forest);
        let tree = |feature: &str, low: &str, leaves: &str| {
            format!(
                r#"{{"features":["a"],"medians":[0.0],"classes":2,"trees":[{{"feature":[{feature}],"threshold":[1.0],"low":[{low}],"high":[-2],"leaves":[{leaves}]}}]}}"#
            )
        };
        let leaves = "[0.5,0.5],[1.0,0.0]";
        assert!(Forest::from_json(&tree("0", "-1", leaves)).is_ok());
        for damaged in [
            tree("1", "-1", leaves),
            tree("0", "0", leaves),
            tree("0", "-3", leaves),
            tree("0", "-2147483648", leaves),
            tree("0", "-1", "[0.5,0.5]"),
            tree("0", "-1", "[0.5,0.5],[1.0]"),
            tree("0", "-1", "[0.5,0.5],[0.7,0.7]"),
            tree("0,0", "-1", leaves),
        ] {
            assert!(Forest::from_json(&damaged).is_err(), "{damaged}");
        }
    }

    proptest! {
        /// Whatever a file holds, it is refused or gives probabilities.
        #[test]
        fn no_file_breaks_the_reader(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let settings = ForestSettings { trees: 2, max_depth: 3, ..ForestSettings::default() };
            let mut bytes = grown(&settings).to_json().unwrap().into_bytes();
            for (at, to) in &flips {
                let at = at.index(bytes.len());
                // Digits and punctuation reach deeper than any byte would.
                bytes[at] = b"0123456789-,.[]{}e\"x"[usize::from(*to) % 20];
            }
            if flips.len() > 9 {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok(forest) = Forest::from_json(&String::from_utf8_lossy(&bytes)) {
                let row = vec![0.5; forest.features().len()];
                let p = forest.probabilities(&row).unwrap();
                prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}
