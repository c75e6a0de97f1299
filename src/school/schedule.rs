//! Spaced repetition of mistakes: boxes after Leitner (1972).
//!
//! A case that was answered wrongly goes into the first box. Answered rightly when it comes back, it moves one box on, and behind the last it is learnt; answered wrongly it returns to the
//! first. A right answer that was called a guess (under 50 %) leaves it where it is. A case is due once as many other cases were answered since as its box says, or as many days have
//! passed, whichever is first: so mistakes come back within one long sitting, and also for who reads five cases a week.
use super::Answer;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;

/// Boxes of cases that are not learnt yet.
pub const BOXES: usize = 4;
/// Cases that are answered before one of a box is due, and days after which it is due in any case.
const CASES: [usize; BOXES] = [4, 12, 36, 108];
const DAYS: [i64; BOXES] = [1, 3, 7, 21];
/// A right answer below this confidence is luck, %.
const LUCK_PERCENT: u8 = 50;

/// Where each case that was once answered wrongly is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    cases: BTreeMap<String, Place>,
    /// Answers so far, those to real reads apart.
    answered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The box; `None` once it is learnt.
    level: Option<usize>,
    /// Answers before this one, and its time.
    answered: usize,
    time: DateTime<Utc>,
}

impl Schedule {
    /// Of a reader's answers in the order in which they were given.
    pub fn of(answers: &[Answer]) -> Self {
        let mut schedule = Self::default();
        for answer in answers {
            let Some(right) = answer.is_right() else {
                continue;
            };
            schedule.answered += 1;
            let before = schedule.cases.get(&answer.case).and_then(|p| p.level);
            let level = match (right, before) {
                (false, _) => Some(0),
                (true, None) => {
                    // Right from the first, or learnt before.
                    continue;
                }
                (true, Some(level)) if answer.confidence_percent < LUCK_PERCENT => Some(level),
                (true, Some(level)) => Some(level + 1).filter(|l| *l < BOXES),
            };
            let place = Place {
                level,
                answered: schedule.answered,
                time: answer.time,
            };
            schedule.cases.insert(answer.case.clone(), place);
        }
        schedule
    }

    /// The cases that are due at a time, the longest overdue first.
    pub fn due(&self, now: DateTime<Utc>) -> Vec<&str> {
        let mut due: Vec<(f64, &str)> = self
            .cases
            .iter()
            .filter_map(|(case, place)| {
                let level = place.level?;
                let others = self.answered.saturating_sub(place.answered);
                let waited = (now - place.time).num_seconds() as f64;
                let of_days = waited / Duration::days(DAYS[level]).num_seconds() as f64;
                let over = of_days.max(others as f64 / CASES[level] as f64);
                (over >= 1.0).then_some((over, case.as_str()))
            })
            .collect();
        due.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        due.into_iter().map(|(_, case)| case).collect()
    }

    /// How many cases each box holds, from the first on.
    pub fn boxes(&self) -> [usize; BOXES] {
        let of = |level| {
            self.cases
                .values()
                .filter(|p| p.level == Some(level))
                .count()
        };
        std::array::from_fn(of)
    }

    /// How many mistakes have been learnt.
    pub fn learnt(&self) -> usize {
        self.cases.values().filter(|p| p.level.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::KoosGrade, school::AnswerKind};

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + Duration::hours(hours)
    }

    fn answer(case: &str, right: bool, hours: i64) -> Answer {
        Answer {
            time: at(hours),
            case: case.to_owned(),
            kind: AnswerKind::Synthetic,
            difficulty: None,
            truth: Some(KoosGrade::II),
            grade: if right { KoosGrade::II } else { KoosGrade::III },
            confidence_percent: 70,
            seconds: 10.0,
            model: None,
        }
    }

    #[test]
    fn a_mistake_is_due_after_four_cases_or_a_day_and_not_before() {
        let mut answers = vec![answer("a", false, 0)];
        answers.extend((0..3).map(|n| answer(&format!("x{n}"), true, 0)));
        let schedule = Schedule::of(&answers);
        assert!(schedule.due(at(1)).is_empty());
        assert_eq!(schedule.due(at(24)), ["a"]);
        answers.push(answer("x3", true, 0));
        assert_eq!(Schedule::of(&answers).due(at(1)), ["a"]);
        assert_eq!(Schedule::of(&answers).boxes(), [1, 0, 0, 0]);
    }

    #[test]
    fn right_answers_move_it_on_until_it_is_learnt_and_a_wrong_one_back() {
        let mut answers = vec![answer("a", false, 0)];
        for n in 1..=3 {
            answers.push(answer("a", true, n));
            let mut boxes = [0; BOXES];
            boxes[n as usize] = 1;
            assert_eq!(Schedule::of(&answers).boxes(), boxes);
        }
        let back = [answers.clone(), vec![answer("a", false, 4)]].concat();
        assert_eq!(Schedule::of(&back).boxes(), [1, 0, 0, 0]);
        answers.push(answer("a", true, 4));
        let learnt = Schedule::of(&answers);
        assert_eq!((learnt.boxes(), learnt.learnt()), ([0; BOXES], 1));
        assert!(learnt.due(at(10_000)).is_empty());
    }

    #[test]
    fn a_lucky_guess_moves_nothing_and_a_real_read_counts_for_nothing() {
        let mut lucky = answer("a", true, 1);
        lucky.confidence_percent = 25;
        let mut read = answer("scan-1", false, 2);
        read.truth = None;
        let answers = [answer("a", false, 0), lucky, read];
        assert_eq!(Schedule::of(&answers).boxes(), [1, 0, 0, 0]);
    }

    #[test]
    fn the_longest_overdue_comes_first() {
        let answers = [answer("b", false, 12), answer("a", false, 0)];
        assert_eq!(Schedule::of(&answers).due(at(48)), ["a", "b"]);
    }
}
