//! The Koos grade by a geometric rule, with the evidence it rests on.
//!
//! Wording `topographic` (the pons and fourth-ventricle reading of Koos 1998): I intracanalicular; II reaches the cistern without touching the brainstem; III touches
//! the brainstem; IV displaces the brainstem or the fourth ventricle. The thresholds are proposals for phantoms and have not been calibrated on patients.
//! Each probability comes from the distance to a threshold and the error of that measure; the grade is the highest that is at least as likely as not.
use super::{
    Boundary, PartVolume, PorusPlane, SizeSide, TumourGeometry,
    midline::shifts,
    tumour::{MIN_EXTRAMEATAL_MM3, PROTRUSION_MM as LEAST_PROTRUSION_MM},
};
use crate::volume::{LabelMap, Side, Structure};
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

/// What the grade rests on. A measure that the labels do not allow is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct KoosEvidence {
    /// Side of the tumour.
    #[serde(serialize_with = "side_name")]
    pub side: Option<Side>,
    /// Volume beyond the porus plane, mm³.
    pub extrameatal_volume_mm3: Option<f64>,
    /// Volume within the canal, mm³.
    pub intrameatal_volume_mm3: Option<f64>,
    /// How far the tumour reaches beyond the porus plane, mm.
    pub protrusion_mm: Option<f64>,
    /// Largest distance between two boundary points beyond the porus plane in one axial slice, mm; absent for a tumour that hardly leaves the canal.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Shortest distance between the surfaces of tumour and brainstem, mm.
    pub brainstem_gap_mm: Option<f64>,
    /// The two ends of that distance, RAS mm: on the tumour, on the brainstem.
    pub nearest_points_ras_mm: Option<[[f64; 3]; 2]>,
    /// Tumour surface within the contact distance of the brainstem, mm².
    pub contact_area_mm2: Option<f64>,
    /// Indentation against the mirrored other side, mm. Not measured by this rule set.
    pub indentation_mm: Option<f64>,
    /// How far the brainstem lies off the midline, away from the tumour, on the level where that is most, mm.
    pub brainstem_shift_mm: Option<f64>,
    /// How far the fourth ventricle lies off the midline on the levels of the tumour, away from it, mm.
    pub fourth_ventricle_shift_mm: Option<f64>,
    /// The plane that divides intra- from extrameatal.
    pub porus_plane: Option<PorusPlane>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde's form"
)]
fn side_name<S: Serializer>(side: &Option<Side>, serializer: S) -> Result<S::Ok, S::Error> {
    match side {
        Some(side) => serializer.serialize_some(side.name()),
        None => serializer.serialize_none(),
    }
}

/// A grade, how sure it is, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct KoosAssessment {
    /// Whether there is a tumour.
    pub tumour: bool,
    /// The grade; `None` without a tumour and where the labels do not allow one.
    pub grade: Option<KoosGrade>,
    /// Probability of I, II, III, IV; zeros without a grade.
    pub probabilities: [f64; 4],
    /// The rule set.
    pub wording: &'static str,
    /// The measures.
    pub evidence: KoosEvidence,
    /// What to beware of.
    pub warnings: Vec<String>,
}

impl KoosAssessment {
    /// The grade in words: `III`, `none` without a tumour, `withheld` where the labels do not allow one.
    pub fn grade_text(&self) -> String {
        match (self.tumour, self.grade) {
            (false, _) => "none".to_owned(),
            (true, Some(grade)) => grade.to_string(),
            (true, None) => "withheld".to_owned(),
        }
    }
}

impl Serialize for KoosAssessment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        #[derive(Serialize)]
        #[expect(non_snake_case, reason = "the grades' own names")]
        struct Probabilities {
            I: f64,
            II: f64,
            III: f64,
            IV: f64,
        }
        let [i, ii, iii, iv] = self.probabilities;
        let mut s = serializer.serialize_struct("koos", 5)?;
        // `null` where a tumour is there and its grade is withheld; the warnings say why.
        let grade = if self.tumour {
            self.grade.map(|g| g.to_string())
        } else {
            Some("none".to_owned())
        };
        s.serialize_field("grade", &grade)?;
        let probabilities = Probabilities {
            I: i,
            II: ii,
            III: iii,
            IV: iv,
        };
        s.serialize_field("probabilities", &probabilities)?;
        s.serialize_field("wording", self.wording)?;
        s.serialize_field("evidence", &self.evidence)?;
        s.serialize_field("warnings", &self.warnings)?;
        s.end()
    }
}

/// Name of the rule set.
const WORDING: &str = "topographic";
/// A protrusion beyond the porus plane from which a tumour is extrameatal, and the error of that measure, mm.
pub(super) const PROTRUSION_MM: (f64, f64) = (LEAST_PROTRUSION_MM, 0.8);
/// Contact area from which a tumour touches the brainstem, mm², and the error of that measure.
pub(super) const CONTACT_MM2: (f64, f64) = (10.0, 5.0);
/// Error of the gap, mm.
pub(super) const GAP_ERROR_MM: f64 = 0.4;
/// The farthest that a tumour of the vestibular nerve can lie from the brainstem, mm: the canal's end lies about 25 mm from it.
const FARTHEST_BRAINSTEM_MM: f64 = 35.0;
/// A shift of brainstem or fourth ventricle from which they are displaced, and its error, mm.
pub(super) const SHIFT_MM: (f64, f64) = (2.0, 0.6);

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
    /// The grade by the thresholds at which [`koos`] is undecided.
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
}

/// The smallest extrameatal part that counts in a tumour of a volume, mm³.
pub(super) fn least_extrameatal_mm3(volume_mm3: f64) -> f64 {
    MIN_EXTRAMEATAL_MM3.max(0.02 * volume_mm3)
}

/// Grades the tumour in a label map.
pub fn koos(labels: &LabelMap) -> KoosAssessment {
    KoosBasis::of(labels).assess(None)
}

/// What a grade rests on that does not depend on the porus plane: with it a plane that a reader moves gives its grade within milliseconds.
#[derive(Debug, Clone)]
pub struct KoosBasis {
    tumour: Option<TumourGeometry>,
    /// Contact and shifts.
    evidence: KoosEvidence,
    inconsistent: bool,
}

impl KoosBasis {
    /// Of the labels of a scan.
    pub fn of(labels: &LabelMap) -> Self {
        let mut basis = Self {
            tumour: TumourGeometry::of(labels),
            evidence: KoosEvidence::default(),
            inconsistent: false,
        };
        let Some(tumour) = &basis.tumour else {
            return basis;
        };
        let surface_mm2 = tumour.size().surface_mm2;
        brainstem_contact(labels, tumour.boundary(), surface_mm2, &mut basis.evidence);
        if let (Some(axes), Some(side)) = (tumour.axes(), tumour.side()) {
            basis.evidence.side = Some(side);
            let shifts = shifts(labels, axes, side, tumour.boundary());
            basis.inconsistent = shifts.inconsistent;
            basis.evidence.brainstem_shift_mm = shifts.brainstem_mm;
            basis.evidence.fourth_ventricle_shift_mm = shifts.fourth_ventricle_mm;
        }
        basis
    }

    /// The tumour; `None` without a voxel of it.
    pub fn tumour(&self) -> Option<&TumourGeometry> {
        self.tumour.as_ref()
    }

    /// The grade, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn assess(&self, plane: Option<&PorusPlane>) -> KoosAssessment {
        let mut out = KoosAssessment {
            tumour: self.tumour.is_some(),
            grade: None,
            probabilities: [0.0; 4],
            wording: WORDING,
            evidence: self.evidence.clone(),
            warnings: Vec::new(),
        };
        let Some(tumour) = &self.tumour else {
            return out;
        };
        if tumour.size().at_scan_edge {
            out.warnings.push(
                "the tumour reaches the scan's edge: what lies beyond is not graded".to_owned(),
            );
        }
        let planes = tumour.axes().is_some() || plane.is_some();
        if tumour.size().side == Some(SizeSide::Both) && planes {
            out.warnings.push(
                "the grade is withheld: there are tumours on both sides; outline and grade each by itself".to_owned(),
            );
            return out;
        }
        if !planes {
            out.warnings.push(
                "the grade is withheld: without the cochleae the porus and the midline are not known"
                    .to_owned(),
            );
            return out;
        }
        split_at_porus(tumour, plane, &mut out);
        if self.inconsistent {
            out.warnings.push(
                "the brainstem lies too far from the middle between the cochleae: check both outlines"
                    .to_owned(),
            );
        }
        grade(&mut out);
        out
    }
}

fn split_at_porus(tumour: &TumourGeometry, given: Option<&PorusPlane>, out: &mut KoosAssessment) {
    let Some(plane) = given.or(tumour.porus_plane()) else {
        out.warnings
            .push("the cochlea on the tumour's side is not labelled: intra- and extrameatal parts cannot be told apart".to_owned());
        return;
    };
    if given.is_none() && tumour.axes().is_some_and(|a| !a.from_cochleae) {
        out.warnings
            .push("only one cochlea is labelled: the porus plane is less certain".to_owned());
    }
    let measures = tumour.measures(Some(plane));
    let volume = |part: Option<PartVolume>| part.map(|p| p.volume_mm3);
    out.evidence.intrameatal_volume_mm3 = volume(measures.volumes.intrameatal);
    out.evidence.extrameatal_volume_mm3 = volume(measures.volumes.extrameatal);
    out.evidence.protrusion_mm = Some(tumour.protrusion_mm(plane));
    out.evidence.porus_plane = Some(*plane);
    let diameter = measures.diameters.extrameatal_max;
    out.evidence.extrameatal_diameter_mm = diameter.map(|d| d.value_mm);
}

fn brainstem_contact(
    labels: &LabelMap,
    tumour: &Boundary,
    surface_mm2: f64,
    evidence: &mut KoosEvidence,
) {
    let brainstem = Boundary::of(labels, Structure::Brainstem);
    let Some(nearest) = tumour.nearest_in(&brainstem) else {
        return;
    };
    // Closer than this the labels cannot show a cleft: half a voxel, at least 0.7 mm.
    let contact_mm = labels
        .grid()
        .spacing_mm()
        .iter()
        .fold(0.7_f64, |a, s| a.max(s / 2.0));
    // Faces overstate a slanting surface; the ratio of the two whole areas brings the patch to the surface's measure.
    let faces = tumour.face_area_mm2();
    let slant = if faces > 0.0 {
        (surface_mm2 / faces).min(1.0)
    } else {
        1.0
    };
    let mut gap = (f64::INFINITY, 0, 0);
    let mut area = 0.0;
    for (n, (mm, other)) in nearest.iter().enumerate() {
        if *mm < gap.0 {
            gap = (*mm, n, *other);
        }
        if *mm <= contact_mm {
            area += tumour.points[n].area_mm2 * slant;
        }
    }
    if gap.0.is_finite() {
        evidence.brainstem_gap_mm = Some(gap.0);
        evidence.nearest_points_ras_mm = Some([
            tumour.points[gap.1].point.to_array(),
            brainstem.points[gap.2].point.to_array(),
        ]);
        evidence.contact_area_mm2 = Some(area);
    }
}

/// Logistic function with the slope of a normal distribution of the given standard deviation.
fn above(value: f64, threshold: f64, sigma: f64) -> f64 {
    1.0 / (1.0 + (-1.702 * (value - threshold) / sigma).exp())
}

fn grade(out: &mut KoosAssessment) {
    let e = &out.evidence;
    let (Some(protrusion), Some(extrameatal)) = (e.protrusion_mm, e.extrameatal_volume_mm3) else {
        out.warnings
            .push("the grade is withheld: the porus plane is not known".to_owned());
        return;
    };
    let whole = extrameatal + e.intrameatal_volume_mm3.unwrap_or(0.0);
    let enough = extrameatal >= least_extrameatal_mm3(whole);
    let mut at_least_ii = above(protrusion, PROTRUSION_MM.0, PROTRUSION_MM.1);
    if !enough {
        at_least_ii = at_least_ii.min(0.4);
    }
    let (Some(gap), Some(area)) = (e.brainstem_gap_mm, e.contact_area_mm2) else {
        out.warnings.push(
            "no brainstem is labelled: grades II, III and IV cannot be told apart".to_owned(),
        );
        if at_least_ii < 0.5 {
            out.grade = Some(KoosGrade::I);
            out.probabilities = [1.0 - at_least_ii, at_least_ii, 0.0, 0.0];
        }
        return;
    };
    if gap > FARTHEST_BRAINSTEM_MM {
        out.warnings.push(format!(
            "the grade is withheld: a brainstem {gap:.0} mm from a tumour of the vestibular nerve is not possible; check both outlines"
        ));
        return;
    }
    // Without any contact the gap decides; with contact its area does.
    let touching = if area > 0.0 {
        above(area, CONTACT_MM2.0, CONTACT_MM2.1)
    } else {
        above(-gap, 0.0, GAP_ERROR_MM)
    };
    let at_least_iii = at_least_ii.min(touching);
    let shift = [e.brainstem_shift_mm, e.fourth_ventricle_shift_mm]
        .into_iter()
        .flatten()
        .fold(None, |a: Option<f64>, s| Some(a.map_or(s, |a| a.max(s))));
    if shift.is_none() && at_least_iii >= 0.5 {
        out.warnings.push(
            "the grade is withheld: the tumour touches the brainstem, and without a midline (both cochleae, the brainstem shown from side to side) grades III and IV cannot be told apart"
                .to_owned(),
        );
        return;
    }
    let displaced = shift.map_or(0.0, |s| above(s, SHIFT_MM.0, SHIFT_MM.1));
    let at_least_iv = at_least_iii.min(displaced);
    out.probabilities = [
        1.0 - at_least_ii,
        at_least_ii - at_least_iii,
        at_least_iii - at_least_iv,
        at_least_iv,
    ];
    let cumulative = [1.0, at_least_ii, at_least_iii, at_least_iv];
    let highest = cumulative.iter().rposition(|p| *p >= 0.5).unwrap_or(0);
    out.grade = Some(KoosGrade::ALL[highest]);
    let surest = out.probabilities.iter().copied().fold(0.0, f64::max);
    if surest < 0.8 {
        let second = (0..4)
            .filter(|&g| g != highest)
            .max_by(|&a, &b| out.probabilities[a].total_cmp(&out.probabilities[b]))
            .unwrap_or(highest);
        let (low, high) = (highest.min(second), highest.max(second));
        out.warnings.push(format!(
            "borderline between grade {} and {}",
            KoosGrade::ALL[low],
            KoosGrade::ALL[high]
        ));
    }
}
