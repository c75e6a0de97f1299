//! The grade and its subdivisions, and the other gradings that follow from the same measures.
use super::rule::{CONTACT_MM2, INDENTATION_MM, SHIFT_MM};
use serde::{Serialize, Serializer};
use std::fmt;

/// Koos grade of a vestibular schwannoma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum KoosGrade {
    /// Within the internal auditory canal.
    I,
    /// In the cistern, not at the brainstem.
    II,
    /// At the brainstem, not displacing it.
    III,
    /// Displacing the brainstem or the fourth ventricle.
    IV,
}

impl KoosGrade {
    /// All four, in order.
    pub const ALL: [Self; 4] = [Self::I, Self::II, Self::III, Self::IV];

    /// What the grade says, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::I => "within the internal auditory canal",
            Self::II => "reaches the cistern, does not touch the brainstem",
            Self::III => "touches the brainstem without displacing it",
            Self::IV => "displaces the brainstem or the fourth ventricle",
        }
    }
}

impl fmt::Display for KoosGrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I => "I",
            Self::II => "II",
            Self::III => "III",
            Self::IV => "IV",
        })
    }
}

/// Grade II by the largest extrameatal diameter (Koos 1998): `IIa` below 10 mm, `IIb` from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum KoosSubgrade {
    /// Below 10 mm.
    IIa,
    /// 10 mm and more.
    IIb,
}

/// Largest extrameatal diameter from which grade II is `IIb`, mm.
const IIB_MM: f64 = 10.0;

impl KoosSubgrade {
    /// `None` where the grade is not II, or without the diameter. A tumour that hardly leaves the canal has none and is `IIa`.
    pub fn of(grade: KoosGrade, extrameatal_diameter_mm: Option<f64>) -> Option<Self> {
        if grade != KoosGrade::II {
            return None;
        }
        Some(match extrameatal_diameter_mm {
            Some(mm) if mm >= IIB_MM => Self::IIb,
            _ => Self::IIa,
        })
    }
}

impl fmt::Display for KoosSubgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IIa => "IIa",
            Self::IIb => "IIb",
        })
    }
}

/// Hannover classification (Samii and Matthies 1997).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum HannoverClass {
    /// Purely intrameatal.
    T1,
    /// Intra- and extrameatal.
    T2,
    /// Fills the cerebellopontine cistern. Taken as a gap to the brainstem below 2 mm.
    T3a,
    /// Reaches the brainstem, does not compress it.
    T3b,
    /// Compresses the brainstem.
    T4a,
    /// Dislocates the brainstem and compresses the fourth ventricle.
    T4b,
}

/// A gap to the brainstem below which the cistern counts as filled, mm.
const FILLED_MM: f64 = 2.0;

/// What tells the Hannover classes apart once a tumour is extrameatal; what was not measured is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HannoverMeasures {
    /// Gap to the brainstem, mm.
    pub gap_mm: Option<f64>,
    /// Contact with the brainstem, mm².
    pub contact_mm2: Option<f64>,
    /// Indentation of the brainstem, mm.
    pub indentation_mm: Option<f64>,
    /// Shift of the brainstem, mm.
    pub shift_mm: Option<f64>,
    /// Shift of the fourth ventricle, mm.
    pub ventricle_shift_mm: Option<f64>,
}

impl HannoverClass {
    /// The class; `None` where what tells it from its neighbours was not measured.
    pub fn of(extrameatal: bool, m: &HannoverMeasures) -> Option<Self> {
        if !extrameatal {
            return Some(Self::T1);
        }
        let (gap, contact) = (m.gap_mm?, m.contact_mm2?);
        if contact < CONTACT_MM2.0 {
            return Some(if gap < FILLED_MM { Self::T3a } else { Self::T2 });
        }
        let moved = m.ventricle_shift_mm.is_some_and(|s| s >= SHIFT_MM.0);
        let shifted = m.shift_mm.is_some_and(|s| s >= SHIFT_MM.0);
        let pressed = m.indentation_mm.is_some_and(|d| d >= INDENTATION_MM.0);
        if moved {
            return Some(Self::T4b);
        }
        // That nothing is compressed or moved can only be said of what was measured.
        m.ventricle_shift_mm.or(m.shift_mm)?;
        if shifted || pressed {
            return Some(Self::T4a);
        }
        m.indentation_mm.map(|_| Self::T3b)
    }

    /// What the class says, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::T1 => "purely intrameatal",
            Self::T2 => "intra- and extrameatal",
            Self::T3a => "fills the cerebellopontine cistern",
            Self::T3b => "reaches the brainstem, does not compress it",
            Self::T4a => "compresses the brainstem",
            Self::T4b => "displaces the brainstem and the fourth ventricle",
        }
    }
}

impl fmt::Display for HannoverClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3a => "T3a",
            Self::T3b => "T3b",
            Self::T4a => "T4a",
            Self::T4b => "T4b",
        })
    }
}

/// Size class of the Tokyo consensus (Kanzaki 2003): by the largest extrameatal diameter, rounded to whole millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokyoClass {
    /// No extrameatal part.
    Intrameatal,
    /// Up to 10 mm.
    Small,
    /// 11 to 20 mm.
    Medium,
    /// 21 to 30 mm.
    ModeratelyLarge,
    /// 31 to 40 mm.
    Large,
    /// More than 40 mm.
    Giant,
}

impl TokyoClass {
    /// The class of a largest extrameatal diameter, mm; `None` for one that is absent.
    pub fn of(extrameatal_diameter_mm: Option<f64>) -> Self {
        match extrameatal_diameter_mm.map(f64::round) {
            None => Self::Intrameatal,
            Some(mm) if mm <= 10.0 => Self::Small,
            Some(mm) if mm <= 20.0 => Self::Medium,
            Some(mm) if mm <= 30.0 => Self::ModeratelyLarge,
            Some(mm) if mm <= 40.0 => Self::Large,
            Some(_) => Self::Giant,
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intrameatal => "intrameatal",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::ModeratelyLarge => "moderately large",
            Self::Large => "large",
            Self::Giant => "giant",
        }
    }

    /// Its number, 0 (intrameatal) to 5 (giant).
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl Serialize for TokyoClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
