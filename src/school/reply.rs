//! What a reader says of a scan, and what is true of it.
use crate::measure::KoosGrade;
use std::{fmt, str::FromStr};

/// A grade, or that there is nothing to grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// There is no vestibular schwannoma.
    NoTumour,
    /// There is one, of this grade.
    Koos(KoosGrade),
}

impl Reply {
    /// The grade; `None` without a tumour.
    pub fn koos(self) -> Option<KoosGrade> {
        match self {
            Self::NoTumour => None,
            Self::Koos(grade) => Some(grade),
        }
    }

    /// For people: `Koos III`, `no tumour`.
    pub fn words(self) -> String {
        match self {
            Self::NoTumour => "no tumour".to_owned(),
            Self::Koos(grade) => format!("Koos {grade}"),
        }
    }
}

impl From<KoosGrade> for Reply {
    fn from(grade: KoosGrade) -> Self {
        Self::Koos(grade)
    }
}

/// As files hold it: `none`, or the grade.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTumour => f.write_str("none"),
            Self::Koos(grade) => grade.fmt(f),
        }
    }
}

impl FromStr for Reply {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::NoTumour]
            .into_iter()
            .chain(KoosGrade::ALL.map(Self::Koos));
        all.into_iter().find(|r| r.to_string() == text).ok_or(())
    }
}
