//! How hard a case is.
use std::{fmt, str::FromStr};

/// How far the geometry lies from the thresholds of its grade, in standard errors of the measure that decides
/// ([`KoosGeometry::margin`](crate::measure::KoosGeometry::margin)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Difficulty {
    /// At least 2.5.
    Easy,
    /// 1.5 to 2.5.
    #[default]
    Medium,
    /// 0.8 to 1.5.
    Hard,
    /// Less than 0.8: what the rule on measured outlines calls borderline.
    Borderline,
}

impl Difficulty {
    /// All, from the easiest on.
    pub const ALL: [Self; 4] = [Self::Easy, Self::Medium, Self::Hard, Self::Borderline];

    /// The difficulty of a margin, standard errors.
    pub fn of_margin(margin: f64) -> Self {
        match margin {
            2.5.. => Self::Easy,
            1.5.. => Self::Medium,
            0.8.. => Self::Hard,
            _ => Self::Borderline,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
            Self::Borderline => "borderline",
        }
    }

    /// What it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Easy => "far from every threshold of the grade",
            Self::Medium => "at a clear distance from the thresholds",
            Self::Hard => "near a threshold, still on one side of it",
            Self::Borderline => "as near to a threshold as the measure is exact",
        }
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Difficulty {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|d| d.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_margin_is_never_easier() {
        let mut last = Difficulty::Easy;
        for n in 0..=400 {
            let now = Difficulty::of_margin(4.0 - f64::from(n) * 0.01);
            assert!(now >= last);
            last = now;
        }
        assert_eq!(last, Difficulty::Borderline);
        assert_eq!(Difficulty::of_margin(f64::INFINITY), Difficulty::Easy);
        for one in Difficulty::ALL {
            assert_eq!(one.name().parse(), Ok(one));
        }
    }
}
