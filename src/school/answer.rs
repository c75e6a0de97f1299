//! What a reader said to a case, as one line of a file.
use super::Difficulty;
use crate::measure::KoosGrade;
use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};

/// Longest name of a case.
const MOST_LETTERS: usize = 80;
/// Longest time that counts as reading, s: a day.
const MOST_SECONDS: f64 = 86_400.0;

/// How sure a reader is of a grade, in five steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// One of four.
    Guess,
    /// As likely right as wrong.
    Unsure,
    /// More likely right.
    Likely,
    /// Seldom wrong.
    Confident,
    /// As good as never wrong.
    Certain,
}

impl Confidence {
    /// All, from the least sure on.
    pub const ALL: [Self; 5] = [
        Self::Guess,
        Self::Unsure,
        Self::Likely,
        Self::Confident,
        Self::Certain,
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guess => "guess",
            Self::Unsure => "unsure",
            Self::Likely => "likely",
            Self::Confident => "confident",
            Self::Certain => "certain",
        }
    }

    /// The chance of being right that it stands for, %.
    pub fn percent(self) -> u8 {
        match self {
            Self::Guess => 25,
            Self::Unsure => 50,
            Self::Likely => 70,
            Self::Confident => 85,
            Self::Certain => 98,
        }
    }
}

/// Where a case came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// A synthetic patient.
    Synthetic,
    /// A scan of a folder with grades.
    Folder,
    /// A real read: a grade that was committed before the outlines were shown. It has no truth.
    Read,
}

/// A reader's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct Answer {
    /// When it was committed.
    pub time: DateTime<Utc>,
    /// Names the case for this program: no patient's name, and nothing that a person reads a grade from before it was answered.
    pub case: String,
    /// Where the case came from.
    pub kind: AnswerKind,
    /// How hard it is, where that is known.
    pub difficulty: Option<Difficulty>,
    /// The true grade; `None` of a real read.
    pub truth: Option<KoosGrade>,
    /// What the reader said.
    pub grade: KoosGrade,
    /// The chance of being right that the reader gave it, %.
    pub confidence_percent: u8,
    /// From the first picture to the answer, s.
    pub seconds: f64,
    /// What the rule on the outlines said, where there were any.
    pub model: Option<KoosGrade>,
}

impl Answer {
    /// Whether it is right; `None` where no truth is known.
    pub fn is_right(&self) -> Option<bool> {
        self.truth.map(|truth| truth == self.grade)
    }

    /// The answer as a file keeps it: whole seconds of time, tenths of the time taken, which is cut to a day.
    #[must_use]
    pub fn tidied(self) -> Self {
        let seconds = if self.seconds.is_finite() {
            self.seconds.clamp(0.0, MOST_SECONDS)
        } else {
            0.0
        };
        Self {
            time: self.time.trunc_subsecs(0),
            seconds: (seconds * 10.0).round() / 10.0,
            ..self
        }
    }

    /// Confidence, 0 to 1.
    pub fn confidence(&self) -> f64 {
        f64::from(self.confidence_percent) / 100.0
    }
}

/// An answer as files hold it, in JSON and in CSV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    time: String,
    case: String,
    kind: AnswerKind,
    difficulty: Option<String>,
    truth: Option<String>,
    grade: String,
    confidence_percent: u8,
    seconds: f64,
    model: Option<String>,
}

impl From<Answer> for Line {
    fn from(a: Answer) -> Self {
        let name = |grade: Option<KoosGrade>| grade.map(|g| g.to_string());
        Self {
            time: a.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            case: a.case,
            kind: a.kind,
            difficulty: a.difficulty.map(|d| d.name().to_owned()),
            truth: name(a.truth),
            grade: a.grade.to_string(),
            confidence_percent: a.confidence_percent,
            seconds: a.seconds,
            model: name(a.model),
        }
    }
}

impl TryFrom<Line> for Answer {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, &'static str> {
        let grade = |text: &str| {
            let found = KoosGrade::ALL.into_iter().find(|g| g.to_string() == text);
            found.ok_or("a grade is none of I, II, III and IV")
        };
        let maybe = |text: Option<String>| text.filter(|t| !t.is_empty());
        let time = DateTime::parse_from_rfc3339(&line.time).ok();
        let time = time.ok_or("the time is none")?;
        let plain = |c: char| c.is_ascii_graphic();
        if line.case.is_empty() || line.case.len() > MOST_LETTERS || !line.case.chars().all(plain) {
            return Err("the case has no name that is one");
        }
        if line.confidence_percent > 100 {
            return Err("a confidence is above 100 %");
        }
        if !(0.0..=MOST_SECONDS).contains(&line.seconds) {
            return Err("the time taken is not between nothing and a day");
        }
        let difficulty = maybe(line.difficulty).map(|d| d.parse());
        Ok(Self {
            time: time.to_utc(),
            case: line.case,
            kind: line.kind,
            difficulty: difficulty
                .transpose()
                .map_err(|()| "the difficulty is none")?,
            truth: maybe(line.truth).map(|t| grade(&t)).transpose()?,
            grade: grade(&line.grade)?,
            confidence_percent: line.confidence_percent,
            seconds: line.seconds,
            model: maybe(line.model).map(|t| grade(&t)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_its_line_and_nonsense_is_refused() {
        let answer = Answer {
            time: "2026-11-28T10:11:12Z".parse().unwrap(),
            case: "synthetic-1f-II-3-london".to_owned(),
            kind: AnswerKind::Synthetic,
            difficulty: Some(Difficulty::Hard),
            truth: Some(KoosGrade::III),
            grade: KoosGrade::II,
            confidence_percent: 70,
            seconds: 41.3,
            model: None,
        };
        let line = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
        assert_eq!(answer.is_right(), Some(false));
        for (from, to) in [
            ("\"II\"", "\"V\""),
            ("\"grade\":\"II\"", "\"grade\":null"),
            ("70", "101"),
            ("41.3", "-1"),
            ("41.3", "1e300"),
            ("hard", "harder"),
            ("2026-", "20x6-"),
            ("synthetic-1f", "a\\nb"),
            ("\"kind\":\"synthetic\"", "\"kind\":\"cat\""),
        ] {
            assert!(line.contains(from), "{from}");
            let broken = line.replacen(from, to, 1);
            assert!(serde_json::from_str::<Answer>(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn the_steps_of_confidence_rise() {
        let percent = Confidence::ALL.map(Confidence::percent);
        assert!(percent.is_sorted() && percent[0] == 25 && percent[4] < 100);
    }
}
