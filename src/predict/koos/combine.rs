//! One probability a grade from several graders, and where they leave the grade open.
use super::GraderWeights;
use crate::measure::{KoosGrade, ordinal_decision};
use serde::Serialize;

/// Part of the probability that is spread evenly over the grades before graders are multiplied: none of them is so sure that the others have no say.
const FLOOR: f64 = 0.02;
/// Below this largest probability a grade is borderline.
const SURE: f64 = 0.8;

/// What the graders say, each the probability of I, II, III, IV; `None` where one cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Combination {
    /// The geometric rule.
    pub rule: Option<[f64; 4]>,
    /// The forest.
    pub forest: Option<[f64; 4]>,
    /// The network.
    pub network: Option<[f64; 4]>,
}

/// Probabilities with a little for each grade.
fn floored(p: &[f64; 4]) -> [f64; 4] {
    p.map(|p| (1.0 - FLOOR) * p + FLOOR / 4.0)
}

impl Combination {
    /// Names and probabilities, in the order of [`GraderWeights::to_array`].
    fn named(&self) -> [(&'static str, Option<[f64; 4]>); 3] {
        [
            ("rule", self.rule),
            ("forest", self.forest),
            ("network", self.network),
        ]
    }

    /// The weighted product of the graders' probabilities (a logarithmic opinion pool), `None` where none speaks. Graders that are missing or weigh nothing leave the others as they are.
    pub fn pooled(&self, weights: &GraderWeights) -> Option<[f64; 4]> {
        let mut log = [0.0; 4];
        let mut spoken = false;
        for ((_, grader), weight) in self.named().iter().zip(weights.to_array()) {
            if let Some(p) = grader.filter(|_| weight > 0.0) {
                spoken = true;
                let p = floored(&p);
                (0..4).for_each(|g| log[g] += weight * p[g].ln());
            }
        }
        let highest = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers = log.map(|l| (l - highest).exp());
        let sum: f64 = powers.iter().sum();
        spoken.then(|| powers.map(|p| p / sum))
    }

    /// The graders and their combination, for people and for JSON.
    pub fn graders(&self, weights: &GraderWeights) -> KoosGraders {
        let combined = self.pooled(weights).map(|p| {
            let grade = ordinal_decision(&p);
            Combined {
                grade,
                probabilities: p.into(),
                borderline: self.borderline(grade, &p),
            }
        });
        KoosGraders {
            graders: Graders {
                rule: self.rule.map(Into::into),
                forest: self.forest.map(Into::into),
                network: self.network.map(Into::into),
            },
            combined,
        }
    }

    /// Between which grades a decision lies, and why; `None` where graders agree and are sure.
    fn borderline(&self, decided: KoosGrade, p: &[f64; 4]) -> Option<String> {
        let said: Vec<(&str, KoosGrade)> = self
            .named()
            .into_iter()
            .filter_map(|(name, p)| Some((name, ordinal_decision(&p?))))
            .collect();
        let largest = p.iter().copied().fold(0.0, f64::max);
        let agree = said.iter().all(|(_, grade)| *grade == decided);
        if agree && largest >= SURE {
            return None;
        }
        // The other grade is the one that a grader says which differs; or else the second in probability.
        let at = decided as usize;
        let another = said
            .iter()
            .map(|(_, grade)| *grade)
            .filter(|grade| *grade != decided)
            .max_by(|a, b| p[*a as usize].total_cmp(&p[*b as usize]));
        let second = (0..4)
            .filter(|g| *g != at)
            .max_by(|a, b| p[*a].total_cmp(&p[*b]))
            .map_or(decided, |g| KoosGrade::ALL[g]);
        let other = another.unwrap_or(second);
        let (low, high) = (decided.min(other), decided.max(other));
        let mut reasons = Vec::new();
        if !agree {
            let words: Vec<String> = said
                .iter()
                .map(|(name, grade)| format!("the {name} says {grade}"))
                .collect();
            reasons.push(words.join(", "));
        }
        if largest < SURE {
            reasons.push(format!(
                "the largest probability is {:.0} %",
                100.0 * largest
            ));
        }
        Some(format!("borderline {low}/{high}: {}", reasons.join("; ")))
    }
}

/// What the graders say of a tumour, and their combination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KoosGraders {
    /// Each grader by itself.
    pub graders: Graders,
    /// Their combination; `None` where the rule withholds a grade.
    pub combined: Option<Combined>,
}

impl KoosGraders {
    /// Where there is nothing to be graded.
    pub fn withheld() -> Self {
        Combination::default().graders(&GraderWeights::from_array([1.0; 3]))
    }
}

/// Probabilities of each grader; `None` where one cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Graders {
    /// The geometric rule.
    pub rule: Option<GradeProbabilities>,
    /// The forest on measures.
    pub forest: Option<GradeProbabilities>,
    /// The network on the region about the ear.
    pub network: Option<GradeProbabilities>,
}

/// The combination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Combined {
    /// The grade with the least expected error.
    #[serde(serialize_with = "as_text")]
    pub grade: KoosGrade,
    /// Probability of each grade.
    pub probabilities: GradeProbabilities,
    /// Where the grade is open, because graders disagree or none is probable enough: between which two it lies, and why.
    pub borderline: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn as_text<S: serde::Serializer>(grade: &KoosGrade, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(grade)
}

/// Probability of each grade by its name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(non_snake_case, reason = "the grades' own names")]
pub struct GradeProbabilities {
    /// Koos I.
    pub I: f64,
    /// Koos II.
    pub II: f64,
    /// Koos III.
    pub III: f64,
    /// Koos IV.
    pub IV: f64,
}

impl From<[f64; 4]> for GradeProbabilities {
    fn from([i, ii, iii, iv]: [f64; 4]) -> Self {
        Self {
            I: i,
            II: ii,
            III: iii,
            IV: iv,
        }
    }
}

impl From<GradeProbabilities> for [f64; 4] {
    fn from(p: GradeProbabilities) -> Self {
        [p.I, p.II, p.III, p.IV]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: GraderWeights = GraderWeights {
        rule: 1.0,
        forest: 1.0,
        network: 1.0,
    };

    #[test]
    fn the_pool_is_the_weighted_product_and_the_missing_have_no_say() {
        let sure = [0.0, 0.9, 0.1, 0.0];
        let alone = Combination {
            rule: Some(sure),
            ..Combination::default()
        };
        let pooled = alone.pooled(&EVEN).unwrap();
        for (found, expected) in pooled.iter().zip(floored(&sure)) {
            assert!((found - expected).abs() < 1e-12);
        }
        let two = Combination {
            forest: Some([0.25; 4]),
            ..alone
        };
        // Who knows nothing changes nothing.
        assert!((two.pooled(&EVEN).unwrap()[1] - pooled[1]).abs() < 1e-12);
        let doubled = GraderWeights { rule: 2.0, ..EVEN };
        let odds = |p: [f64; 4]| p[1] / p[2];
        let found = odds(alone.pooled(&doubled).unwrap());
        assert!((found - odds(pooled).powi(2)).abs() < 1e-9);
        assert_eq!(Combination::default().pooled(&EVEN), None);
        assert_eq!(KoosGraders::withheld().combined, None);
    }

    #[test]
    fn graders_that_differ_and_graders_in_doubt_are_borderline() {
        let [two, three] = [[0.01, 0.95, 0.04, 0.0], [0.0, 0.04, 0.95, 0.01]];
        let said = |rule, forest, network| {
            let combination = Combination {
                rule: Some(rule),
                forest: Some(forest),
                network: Some(network),
            };
            combination.graders(&EVEN)
        };
        let agreed = said(two, two, two).combined.unwrap();
        assert_eq!((agreed.grade, agreed.borderline), (KoosGrade::II, None));
        let split = said(two, three, three).combined.unwrap();
        assert_eq!(split.grade, KoosGrade::III);
        assert_eq!(
            split.borderline.unwrap(),
            "borderline II/III: the rule says II, the forest says III, the network says III"
        );
        let doubt = [0.0, 0.55, 0.45, 0.0];
        let open = said(doubt, doubt, doubt).combined.unwrap();
        let words = open.borderline.unwrap();
        assert!(
            words.starts_with("borderline II/III: the largest probability is 6"),
            "{words}"
        );
    }
}
