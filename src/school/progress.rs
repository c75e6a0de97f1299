//! How well a reader does.
use super::{Answer, BOXES, Difficulty, Schedule};
use crate::measure::{ConfidenceCalibration, ConfusionMatrix, KoosGrade, WeightedKappa, wilson95};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A reader's statistics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// Answers to cases whose truth is known.
    pub answers: usize,
    /// Row: truth I to IV; column: answer.
    pub confusion: ConfusionMatrix,
    /// Part of the answers that is right.
    pub accuracy: Option<f64>,
    /// Its 95 % confidence interval.
    pub accuracy_ci95: Option<[f64; 2]>,
    /// Cohen's kappa with quadratic weights, truth against answer.
    pub weighted_kappa: Option<WeightedKappa>,
    /// Mean distance of answer and truth, grades.
    pub mean_absolute_error: Option<f64>,
    /// The same averaged over the true grades.
    pub macro_averaged_mean_absolute_error: Option<f64>,
    /// Median time from the first picture to the answer, s.
    pub median_seconds: Option<f64>,
    /// Whether the reader's confidence is borne out.
    pub calibration: Option<ConfidenceCalibration>,
    /// By difficulty, from the easiest on; those without an answer are left out.
    pub difficulties: Vec<DifficultyProgress>,
    /// Mistakes that are not learnt yet, by box.
    pub boxes: [usize; BOXES],
    /// Mistakes that are due to be practised again.
    pub due: usize,
    /// Mistakes that have been learnt.
    pub learnt: usize,
    /// Real reads.
    pub reads: ReadAgreement,
}

/// Answers of one difficulty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DifficultyProgress {
    /// Which.
    #[serde(serialize_with = "name")]
    pub difficulty: Difficulty,
    /// How many.
    pub answers: usize,
    /// How many are right.
    pub right: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn name<S: serde::Serializer>(difficulty: &Difficulty, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(difficulty.name())
}

/// Grades that were committed before a model's outlines were shown, beside the rule's on those outlines. Neither is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReadAgreement {
    /// Reads.
    pub reads: usize,
    /// Row: the rule's grade on the outlines; column: the reader's; where there were outlines.
    pub confusion: ConfusionMatrix,
    /// Kappa of the two.
    pub weighted_kappa: Option<WeightedKappa>,
}

impl Progress {
    /// Of a reader's answers in the order in which they were given; `now` decides what is due.
    pub fn of(answers: &[Answer], now: DateTime<Utc>) -> Self {
        let known: Vec<(&Answer, KoosGrade)> =
            answers.iter().filter_map(|a| Some((a, a.truth?))).collect();
        let confusion = ConfusionMatrix::of(known.iter().map(|(a, truth)| (*truth, a.grade)));
        let right = known.iter().filter(|(a, truth)| a.grade == *truth).count();
        let said: Vec<(f64, bool)> = known
            .iter()
            .map(|(a, t)| (a.confidence(), a.grade == *t))
            .collect();
        let schedule = Schedule::of(answers);
        let by = |difficulty| {
            let of: Vec<_> = known
                .iter()
                .filter(|(a, _)| a.difficulty == Some(difficulty))
                .collect();
            DifficultyProgress {
                difficulty,
                answers: of.len(),
                right: of.iter().filter(|(a, truth)| a.grade == *truth).count(),
            }
        };
        let reads = answers.iter().filter(|a| a.truth.is_none());
        let beside = ConfusionMatrix::of(reads.clone().filter_map(|a| Some((a.model?, a.grade))));
        Self {
            answers: known.len(),
            accuracy: confusion.accuracy(),
            accuracy_ci95: (!known.is_empty()).then(|| wilson95(right, known.len())),
            weighted_kappa: confusion.weighted_kappa(),
            mean_absolute_error: confusion.mean_absolute_error(),
            macro_averaged_mean_absolute_error: confusion.macro_averaged_mean_absolute_error(),
            median_seconds: median(known.iter().map(|(a, _)| a.seconds).collect()),
            calibration: ConfidenceCalibration::of(&said),
            difficulties: Difficulty::ALL
                .into_iter()
                .map(by)
                .filter(|d| d.answers > 0)
                .collect(),
            boxes: schedule.boxes(),
            due: schedule.due(now).len(),
            learnt: schedule.learnt(),
            reads: ReadAgreement {
                reads: reads.count(),
                confusion: beside,
                weighted_kappa: beside.weighted_kappa(),
            },
            confusion,
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(f64::midpoint(
        *values.get(last / 2)?,
        *values.get(last.div_ceil(2))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::school::AnswerKind;

    #[test]
    fn reads_without_a_truth_are_told_apart() {
        let answer = |truth: Option<KoosGrade>, grade, model, seconds| Answer {
            time: DateTime::<Utc>::UNIX_EPOCH,
            case: "a".to_owned(),
            kind: AnswerKind::Folder,
            difficulty: truth.map(|_| Difficulty::Hard),
            truth,
            grade,
            confidence_percent: 85,
            seconds,
            model,
        };
        use KoosGrade::{I, II, III};
        let answers = [
            answer(Some(I), I, None, 10.0),
            answer(Some(II), III, None, 20.0),
            answer(None, III, Some(II), 500.0),
            answer(None, II, None, 500.0),
        ];
        let progress = Progress::of(&answers, DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!((progress.answers, progress.accuracy), (2, Some(0.5)));
        assert_eq!(progress.median_seconds, Some(15.0));
        assert_eq!(
            (progress.reads.reads, progress.reads.confusion.count()),
            (2, 1)
        );
        assert_eq!(
            (progress.difficulties.len(), progress.difficulties[0].right),
            (1, 1)
        );
        assert_eq!(progress.boxes, [1, 0, 0, 0]);
        assert!((progress.calibration.unwrap().overconfidence - 0.35).abs() < 1e-12);
        let nothing = Progress::of(&[], DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!(
            (
                nothing.answers,
                nothing.accuracy_ci95,
                nothing.median_seconds
            ),
            (0, None, None)
        );
    }
}
