//! The rule: thresholds with the errors of what is compared with them, in two wordings.
//!
//! Each probability comes from the distance of a measure to its threshold and the error of that measure; the grade is the highest that is at least as likely as not. The
//! thresholds are proposals for phantoms and have not been calibrated on patients.
use super::{CleftVerdict, KoosAssessment, KoosEvidence, KoosGrade};
use crate::measure::tumour::{MIN_EXTRAMEATAL_MM3, PROTRUSION_MM as LEAST_PROTRUSION_MM};
use serde::{Serialize, Serializer};
use std::fmt;

/// A protrusion beyond the porus plane from which a tumour is extrameatal, and the error of that measure, mm.
pub(super) const PROTRUSION_MM: (f64, f64) = (LEAST_PROTRUSION_MM, 0.8);
/// Contact area from which a tumour touches the brainstem, mm², and the error of that measure.
pub(super) const CONTACT_MM2: (f64, f64) = (10.0, 5.0);
/// Error of the gap, mm.
pub(super) const GAP_ERROR_MM: f64 = 0.4;
/// Outlines that come so near to each other may touch where nothing shows fluid between them: a model's outlines often leave a seam of a voxel, mm.
const NEAR_MM: f64 = 0.7;
/// A brainstem that is as surely displaced, by a tumour that comes as near (mm) without touching it in the outlines, was more probably displaced by it
/// than not: a seam is left by outlines, or a thin cleft by the tumour.
const PLAINLY: f64 = 0.95;
const BESIDE_MM: f64 = 3.0;
const AT_ODDS: f64 = 0.6;
/// The farthest that a tumour of the vestibular nerve can lie from the brainstem, mm: the canal's end lies about 25 mm from it.
const FARTHEST_BRAINSTEM_MM: f64 = 35.0;
/// A shift of brainstem or fourth ventricle from which they are displaced, and its error, mm.
pub(super) const SHIFT_MM: (f64, f64) = (2.0, 0.6);
/// An indentation from which the brainstem is compressed, and its error, mm.
pub(super) const INDENTATION_MM: (f64, f64) = (2.0, 0.5);
/// A grade is borderline when no grade is as probable as this.
const SURE: f64 = 0.8;
/// What one measure speaks for and another plainly against is not more probable than this: that a tumour is extrameatal whose part beyond the porus is too small, and that a
/// tumour touches the brainstem where the scan shows fluid between them.
const AGAINST: f64 = 0.4;

/// How grades III and IV are told apart where the brainstem is indented but not displaced: the main disagreement between the wordings in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KoosWording {
    /// IV displaces the brainstem or the fourth ventricle; one that only indents the brainstem is III.
    #[default]
    Topographic,
    /// IV also compresses the brainstem: an indentation of 2 mm and more is IV without any displacement.
    Compression,
}

impl KoosWording {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Topographic, Self::Compression];

    /// Its name in results: `topographic`, `compression`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topographic => "topographic",
            Self::Compression => "compression",
        }
    }

    /// The wording of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.name() == name)
    }

    /// What a grade says in this wording.
    pub fn meaning(self, grade: KoosGrade) -> &'static str {
        match (self, grade) {
            (Self::Compression, KoosGrade::III) => {
                "touches the brainstem without compressing or displacing it"
            }
            (Self::Compression, KoosGrade::IV) => {
                "compresses or displaces the brainstem, or displaces the fourth ventricle"
            }
            _ => grade.meaning(),
        }
    }
}

impl fmt::Display for KoosWording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the caller chooses for a grade.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KoosOptions {
    /// Which wording of the grades.
    pub wording: KoosWording,
    /// The tumour was operated on: the grade is not defined for what was left. Labels cannot tell.
    pub post_operative: bool,
    /// The point, RAS mm, from which a brainstem that the labels lacked was outlined ([`brainstem_at`](crate::measure::brainstem_at)): the grade says so.
    pub brainstem_from: Option<[f64; 3]>,
}

/// Two grades between which the measures do not decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Borderline {
    /// The lower and the higher grade.
    pub between: [KoosGrade; 2],
    /// Which measure lies near its threshold, in words.
    pub reason: String,
}

impl Serialize for Borderline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut s = serializer.serialize_struct("borderline", 3)?;
        s.serialize_field("text", &self.to_string())?;
        s.serialize_field("between", &self.between)?;
        s.serialize_field("reason", &self.reason)?;
        s.end()
    }
}

impl fmt::Display for Borderline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.between;
        write!(f, "borderline {low}/{high}")
    }
}

/// What the rule asks for, known exactly: then it gives a grade and no probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KoosGeometry {
    /// Volume of the tumour, mm³.
    pub volume_mm3: f64,
    /// Its part beyond the porus plane, mm³.
    pub extrameatal_mm3: f64,
    /// How far it reaches beyond that plane, mm.
    pub protrusion_mm: f64,
    /// Tumour surface that lies on the brainstem, mm².
    pub contact_mm2: f64,
    /// The greater of the shifts of brainstem and fourth ventricle, mm.
    pub shift_mm: f64,
}

impl KoosGeometry {
    /// The grade in the topographic wording, by the thresholds at which [`super::koos`] is undecided.
    pub fn grade(&self) -> KoosGrade {
        let enough = self.extrameatal_mm3 >= least_extrameatal_mm3(self.volume_mm3);
        if !enough || self.protrusion_mm < PROTRUSION_MM.0 {
            KoosGrade::I
        } else if self.contact_mm2 < CONTACT_MM2.0 {
            KoosGrade::II
        } else if self.shift_mm < SHIFT_MM.0 {
            KoosGrade::III
        } else {
            KoosGrade::IV
        }
    }

    /// The grade in a wording, for a brainstem that is indented by so many mm.
    pub fn grade_in(&self, wording: KoosWording, indentation_mm: f64) -> KoosGrade {
        match (self.grade(), wording) {
            (KoosGrade::III, KoosWording::Compression) if indentation_mm >= INDENTATION_MM.0 => {
                KoosGrade::IV
            }
            (grade, _) => grade,
        }
    }
}

/// The smallest extrameatal part that counts in a tumour of a volume, mm³.
pub(super) fn least_extrameatal_mm3(volume_mm3: f64) -> f64 {
    MIN_EXTRAMEATAL_MM3.max(0.02 * volume_mm3)
}

/// Logistic function with the slope of a normal distribution of the given standard deviation.
fn above(value: f64, (threshold, sigma): (f64, f64)) -> f64 {
    1.0 / (1.0 + (-1.702 * (value - threshold) / sigma).exp())
}

/// Whether the part beyond the porus plane counts as one: at least as likely as not.
pub(super) fn is_extrameatal(e: &KoosEvidence) -> Option<bool> {
    at_least_ii(e).map(|p| p >= 0.5)
}

fn at_least_ii(e: &KoosEvidence) -> Option<f64> {
    let (protrusion, extrameatal) = (e.protrusion_mm?, e.extrameatal_volume_mm3?);
    let whole = extrameatal + e.intrameatal_volume_mm3.unwrap_or(0.0);
    let probability = above(protrusion, PROTRUSION_MM);
    if extrameatal >= least_extrameatal_mm3(whole) {
        Some(probability)
    } else {
        Some(probability.min(AGAINST))
    }
}

/// That the tumour touches the brainstem. Without any contact the gap decides; with contact its area does.
fn touching(gap_mm: f64, area_mm2: f64) -> f64 {
    if area_mm2 > 0.0 {
        above(area_mm2, CONTACT_MM2)
    } else {
        above(-gap_mm, (0.0, GAP_ERROR_MM))
    }
}

/// Whether the scan shows fluid between tumour and brainstem.
fn fluid_between(e: &KoosEvidence) -> bool {
    (e.cleft.as_ref()).is_some_and(|c| c.verdict == CleftVerdict::Seen)
}

/// Whether the tumour touches the brainstem, with what speaks against the outlines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reached {
    pub(super) probability: f64,
    /// The scan shows fluid between the two.
    pub(super) fluid: bool,
    /// The brainstem beside the tumour is plainly displaced, which more probably the tumour did: taken as contact.
    pub(super) at_odds: bool,
}

/// Whether the tumour touches the brainstem: by the outlines, by the fluid that the scan shows, and by what is displaced. `None` where no brainstem is labelled.
pub(super) fn reached(e: &KoosEvidence) -> Option<Reached> {
    let (gap, area) = (e.brainstem_gap_mm?, e.contact_area_mm2?);
    let fluid = fluid_between(e);
    let mut probability = touching(gap, area);
    if fluid {
        probability = probability.min(AGAINST);
    } else if gap <= NEAR_MM {
        probability = probability.max(AGAINST);
    }
    let moved = displaced(e, KoosWording::Topographic);
    let at_odds = probability < AT_ODDS && gap <= BESIDE_MM && moved.is_some_and(|p| p >= PLAINLY);
    Some(Reached {
        probability: if at_odds { AT_ODDS } else { probability },
        fluid,
        at_odds,
    })
}

/// That the brainstem is displaced, or in the wording of compression pressed; `None` where no shift could be measured.
pub(super) fn displaced(e: &KoosEvidence, wording: KoosWording) -> Option<f64> {
    let shifts = [e.brainstem_shift_mm, e.fourth_ventricle_shift_mm];
    let moved = shifts.into_iter().flatten().reduce(f64::max);
    let moved = moved.map(|mm| above(mm, SHIFT_MM));
    let pressed = match wording {
        KoosWording::Topographic => None,
        KoosWording::Compression => e.indentation_mm.map(|mm| above(mm, INDENTATION_MM)),
    };
    match (moved, pressed) {
        (Some(m), Some(p)) => Some(m.max(p)),
        // A brainstem that is surely pressed needs no midline; one that is not may still be displaced.
        (None, Some(p)) if p >= SURE => Some(p),
        (moved, _) => moved,
    }
}

/// Grades what was measured: writes grade, probabilities and what to beware of.
pub(super) fn grade(out: &mut KoosAssessment, wording: KoosWording) {
    let e = &out.evidence;
    let Some(at_least_ii) = at_least_ii(e) else {
        out.withhold("the porus plane is not known");
        return;
    };
    let (Some(gap), Some(reached)) = (e.brainstem_gap_mm, reached(e)) else {
        out.warnings.push(
            "no brainstem is labelled: grades II, III and IV cannot be told apart".to_owned(),
        );
        if at_least_ii < 0.5 {
            out.grade = Some(KoosGrade::I);
            out.probabilities = [1.0 - at_least_ii, at_least_ii, 0.0, 0.0];
            borderline(out, KoosGrade::I, wording);
        } else {
            out.withheld = Some("no brainstem is labelled".to_owned());
        }
        return;
    };
    if gap > FARTHEST_BRAINSTEM_MM {
        out.withhold(&format!(
            "a brainstem {gap:.0} mm from a tumour of the vestibular nerve is not possible; check both outlines"
        ));
        return;
    }
    if reached.at_odds {
        out.warnings.push(format!(
            "brainstem or fourth ventricle are displaced, but {gap:.1} mm are outlined between tumour and brainstem: check both outlines"
        ));
    }
    let displaced = displaced(e, wording);
    let at_least_iii = at_least_ii.min(reached.probability);
    if displaced.is_none() && at_least_iii >= 0.5 {
        out.withhold(
            "the tumour touches the brainstem, and without a midline (both cochleae, the brainstem shown from side to side) grades III and IV cannot be told apart",
        );
        return;
    }
    let at_least_iv = at_least_iii.min(displaced.unwrap_or(0.0));
    out.probabilities = [
        1.0 - at_least_ii,
        at_least_ii - at_least_iii,
        at_least_iii - at_least_iv,
        at_least_iv,
    ];
    let cumulative = [1.0, at_least_ii, at_least_iii, at_least_iv];
    let highest = cumulative.iter().rposition(|p| *p >= 0.5).unwrap_or(0);
    out.grade = Some(KoosGrade::ALL[highest]);
    borderline(out, KoosGrade::ALL[highest], wording);
}

/// Tells where no grade is sure.
fn borderline(out: &mut KoosAssessment, grade: KoosGrade, wording: KoosWording) {
    let surest = out.probabilities.iter().copied().fold(0.0, f64::max);
    if surest >= SURE {
        return;
    }
    let probability = |g: &KoosGrade| out.probabilities[*g as usize];
    let second = (KoosGrade::ALL.into_iter())
        .filter(|&g| g != grade)
        .max_by(|a, b| probability(a).total_cmp(&probability(b)))
        .unwrap_or(grade);
    let (low, high) = (grade.min(second), grade.max(second));
    let reason = reason(&out.evidence, high, wording);
    out.warnings.push(format!(
        "borderline between grade {low} and {high}: {reason}"
    ));
    out.borderline = Some(Borderline {
        between: [low, high],
        reason,
    });
}

/// Which measure decides whether a grade is reached, and how near it lies to its threshold.
fn reason(e: &KoosEvidence, reached: KoosGrade, wording: KoosWording) -> String {
    let near = |name: &str, value: f64, (threshold, error): (f64, f64), unit: &str| {
        format!(
            "{name} {value:.1} {unit} against the threshold of {threshold:.1} {unit}, with an error of {error:.1} {unit}"
        )
    };
    match reached {
        KoosGrade::I | KoosGrade::II => {
            let protrusion = e.protrusion_mm.unwrap_or(0.0);
            let extrameatal = e.extrameatal_volume_mm3.unwrap_or(0.0);
            let least =
                least_extrameatal_mm3(extrameatal + e.intrameatal_volume_mm3.unwrap_or(0.0));
            if extrameatal < least {
                format!(
                    "only {extrameatal:.0} mm³ lie beyond the porus plane, fewer than {least:.0} mm³"
                )
            } else {
                near(
                    "reach beyond the porus plane",
                    protrusion,
                    PROTRUSION_MM,
                    "mm",
                )
            }
        }
        KoosGrade::III => match (e.contact_area_mm2, e.brainstem_gap_mm) {
            (Some(area), _) if area > CONTACT_MM2.0 && fluid_between(e) => format!(
                "the outlines touch over {area:.0} mm², but the scan shows fluid between them"
            ),
            (Some(area), Some(gap))
                if area < CONTACT_MM2.0 && gap <= NEAR_MM && !fluid_between(e) =>
            {
                format!(
                    "the outlines come within {gap:.1} mm of each other, touch over {area:.1} mm², and no fluid is seen between them: contact cannot be excluded"
                )
            }
            (Some(area), _) if area > 0.0 => {
                near("contact with the brainstem", area, CONTACT_MM2, "mm²")
            }
            (_, gap) => format!(
                "a gap of {:.1} mm to the brainstem, with an error of {GAP_ERROR_MM} mm",
                gap.unwrap_or(0.0)
            ),
        },
        KoosGrade::IV => {
            let shifts = [
                ("shift of the brainstem", e.brainstem_shift_mm, SHIFT_MM),
                (
                    "shift of the fourth ventricle",
                    e.fourth_ventricle_shift_mm,
                    SHIFT_MM,
                ),
                (
                    "indentation of the brainstem",
                    e.indentation_mm
                        .filter(|_| wording == KoosWording::Compression),
                    INDENTATION_MM,
                ),
            ];
            (shifts.into_iter())
                .filter_map(|(name, value, limit)| Some((name, value?, limit)))
                .max_by(|a, b| above(a.1, a.2).total_cmp(&above(b.1, b.2)))
                .map_or_else(
                    || "no shift was measured".to_owned(),
                    |(name, value, limit)| near(name, value, limit, "mm"),
                )
        }
    }
}
