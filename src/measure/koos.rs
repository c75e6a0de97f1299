//! The Koos grade by a geometric rule, with the evidence it rests on.
//!
//! Wording `topographic` (the pons and fourth-ventricle reading of Koos 1998): I intracanalicular; II reaches the cistern without touching the brainstem; III touches
//! the brainstem; IV displaces the brainstem or the fourth ventricle. The thresholds are proposals for phantoms and have not been calibrated on patients.
//! Each probability comes from the distance to a threshold and the error of that measure; the grade is the highest that is at least as likely as not.
use super::{
    Boundary, HeadAxes, PorusPlane, porus_plane, size::max_axial_diameter_mm, surface_area_mm2,
};
use crate::volume::{LabelMap, Side, Structure};
use glam::DVec3;
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
    /// Largest distance between two boundary points beyond the porus plane in one axial slice, mm; absent for a tumour within the canal.
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
const PROTRUSION_MM: (f64, f64) = (1.5, 0.8);
/// The smallest extrameatal volume that counts, mm³.
const MIN_EXTRAMEATAL_MM3: f64 = 10.0;
/// Contact area from which a tumour touches the brainstem, mm², and the error of that measure.
const CONTACT_MM2: (f64, f64) = (10.0, 5.0);
/// Error of the gap, mm.
const GAP_ERROR_MM: f64 = 0.4;
/// A shift of brainstem or fourth ventricle from which they are displaced, and its error, mm.
const SHIFT_MM: (f64, f64) = (2.0, 0.6);
/// Height of the levels on which shift is measured, mm, and the least of a structure on one, mm³.
const LEVEL_MM: f64 = 3.0;
const MIN_LEVEL_MM3: f64 = 30.0;
/// Distance above and below the tumour from which the brainstem counts as clear of it, how far from there it is looked at, mm, and the least of it, mm³.
const CLEAR_MM: f64 = 6.0;
const REACH_MM: f64 = 12.0;
const MIN_CLEAR_MM3: f64 = 800.0;
/// The farthest that the brainstem's axis may lie from the middle between the cochleae to be believed, mm.
const MAX_ASYMMETRY_MM: f64 = 4.0;

/// Grades the tumour in a label map.
pub fn koos(labels: &LabelMap) -> KoosAssessment {
    let mut out = KoosAssessment {
        tumour: labels.count(Structure::VestibularSchwannoma) > 0,
        grade: None,
        probabilities: [0.0; 4],
        wording: WORDING,
        evidence: KoosEvidence::default(),
        warnings: Vec::new(),
    };
    if !out.tumour {
        return out;
    }
    let axes = HeadAxes::of(labels);
    let centroid = centroid(labels, Structure::VestibularSchwannoma, |_| true);
    if let (Some(axes), Some(centroid)) = (&axes, centroid) {
        let side = axes.side(centroid);
        out.evidence.side = Some(side);
        split_at_porus(labels, axes, side, &mut out);
        shifts(labels, axes, side, &mut out.evidence);
    }
    brainstem_contact(labels, &mut out.evidence);
    grade(&mut out);
    out
}

fn centroid(
    labels: &LabelMap,
    structure: Structure,
    keep: impl Fn(DVec3) -> bool,
) -> Option<DVec3> {
    let value = labels.table().value(structure)?;
    let grid = labels.grid();
    let (mut sum, mut count) = (DVec3::ZERO, 0_usize);
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == value)
    {
        let point = grid.point_in_world(grid.voxel(index));
        if keep(point) {
            sum += point;
            count += 1;
        }
    }
    (count > 0).then(|| sum / count as f64)
}

fn split_at_porus(labels: &LabelMap, axes: &HeadAxes, side: Side, out: &mut KoosAssessment) {
    let Some(plane) = porus_plane(axes, side) else {
        out.warnings
            .push("the cochlea on the tumour's side is not labelled: intra- and extrameatal parts cannot be told apart".to_owned());
        return;
    };
    if !axes.from_cochleae {
        out.warnings
            .push("only one cochlea is labelled: the porus plane is less certain".to_owned());
    }
    let grid = labels.grid();
    let value = labels.table().value(Structure::VestibularSchwannoma);
    let (mut intra, mut extra) = (0_usize, 0_usize);
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| Some(**l) == value)
    {
        if plane.beyond_mm(grid.point_in_world(grid.voxel(index))) > 0.0 {
            extra += 1;
        } else {
            intra += 1;
        }
    }
    let mut boundary = Boundary::of(labels, Structure::VestibularSchwannoma);
    let farthest = boundary
        .points
        .iter()
        .map(|p| plane.beyond_mm(p.point))
        .fold(f64::NEG_INFINITY, f64::max);
    out.evidence.intrameatal_volume_mm3 = Some(intra as f64 * grid.voxel_volume_mm3());
    out.evidence.extrameatal_volume_mm3 = Some(extra as f64 * grid.voxel_volume_mm3());
    out.evidence.protrusion_mm = Some(farthest.max(0.0));
    out.evidence.porus_plane = Some(plane);
    boundary.points.retain(|p| plane.beyond_mm(p.point) > 0.0);
    out.evidence.extrameatal_diameter_mm = (extra > 0).then(|| max_axial_diameter_mm(&boundary));
}

/// Distances of brainstem and fourth ventricle from the midline, positive away from the tumour: of the brainstem the largest among the levels that the tumour spans, of the
/// ventricle the middle of them all.
///
/// The cochleae give the direction of the midline; people are not symmetric, so its place is taken from the brainstem itself where that is clear of the tumour
/// above and below, and only without such levels from the cochleae.
fn shifts(labels: &LabelMap, axes: &HeadAxes, side: Side, evidence: &mut KoosEvidence) {
    if !axes.from_cochleae {
        return;
    }
    let away = match side {
        Side::Left => 1.0,
        Side::Right => -1.0,
    };
    let tumour = Boundary::of(labels, Structure::VestibularSchwannoma);
    let (low, high) = tumour
        .points
        .iter()
        .map(|p| axes.height_mm(p.point))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), z| {
            (l.min(z), h.max(z))
        });
    let midline_mm = brainstem_axis_mm(labels, axes, [low, high]).unwrap_or(0.0);
    let offset = |mm: f64| away * (mm - midline_mm);
    let brainstem = levels(labels, axes, Structure::Brainstem, [low, high]);
    evidence.brainstem_shift_mm = brainstem.into_iter().map(offset).reduce(f64::max);
    // The ventricle's single levels are too small, and its lateral recesses too uneven, for a largest value to mean anything.
    let spanned = |p: DVec3| (low..=high).contains(&axes.height_mm(p));
    let ventricle = centroid(labels, Structure::FourthVentricle, spanned);
    evidence.fourth_ventricle_shift_mm = ventricle.map(|c| offset(axes.right_of_midline_mm(c)));
}

/// Middles of a structure's levels between two heights, mm to the right of the middle between the cochleae.
fn levels(
    labels: &LabelMap,
    axes: &HeadAxes,
    structure: Structure,
    [low, high]: [f64; 2],
) -> Vec<f64> {
    let Some(value) = labels.table().value(structure) else {
        return Vec::new();
    };
    let grid = labels.grid();
    let count = ((high - low) / LEVEL_MM).ceil().clamp(1.0, 100.0) as usize;
    let mut sums = vec![(0.0_f64, 0_usize); count];
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == value)
    {
        let point = grid.point_in_world(grid.voxel(index));
        let level = ((axes.height_mm(point) - low) / LEVEL_MM).floor();
        if level >= 0.0 && level < count as f64 {
            let (sum, voxels) = &mut sums[level as usize];
            *sum += axes.right_of_midline_mm(point);
            *voxels += 1;
        }
    }
    let enough = MIN_LEVEL_MM3 / grid.voxel_volume_mm3();
    sums.into_iter()
        .filter(|(_, n)| *n as f64 >= enough)
        .map(|(sum, n)| sum / n as f64)
        .collect()
}

/// Where the brainstem's own axis would run at the tumour's level, mm to the right of the middle between the cochleae: a line through the middles of the levels that are clear of
/// the tumour. `None` without enough of them.
fn brainstem_axis_mm(labels: &LabelMap, axes: &HeadAxes, [low, high]: [f64; 2]) -> Option<f64> {
    let level = f64::midpoint(low, high);
    let value = labels.table().value(Structure::Brainstem)?;
    let grid = labels.grid();
    // Sums for a weighted line of sideways place on height, above and below apart.
    let mut sums = [[0.0_f64; 3]; 2];
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == value)
    {
        let point = grid.point_in_world(grid.voxel(index));
        let z = axes.height_mm(point);
        let part = if z > high + CLEAR_MM && z < high + CLEAR_MM + REACH_MM {
            0
        } else if z < low - CLEAR_MM && z > low - CLEAR_MM - REACH_MM {
            1
        } else {
            continue;
        };
        for (sum, x) in sums[part]
            .iter_mut()
            .zip([1.0, z, axes.right_of_midline_mm(point)])
        {
            *sum += x;
        }
    }
    let enough = MIN_CLEAR_MM3 / grid.voxel_volume_mm3();
    let middle = |s: [f64; 3]| (s[0] >= enough).then(|| (s[1] / s[0], s[2] / s[0]));
    let axis = match (middle(sums[0]), middle(sums[1])) {
        (Some((z1, x1)), Some((z2, x2))) => x2 + (x1 - x2) * (level - z2) / (z1 - z2),
        (Some((_, x)), None) | (None, Some((_, x))) => x,
        (None, None) => return None,
    };
    (axis.abs() <= MAX_ASYMMETRY_MM).then_some(axis)
}

fn brainstem_contact(labels: &LabelMap, evidence: &mut KoosEvidence) {
    let tumour = Boundary::of(labels, Structure::VestibularSchwannoma);
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
        (surface_area_mm2(labels, Structure::VestibularSchwannoma) / faces).min(1.0)
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
    let enough = extrameatal >= MIN_EXTRAMEATAL_MM3.max(0.02 * whole);
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
    let displaced = shift.map_or(0.0, |s| above(s, SHIFT_MM.0, SHIFT_MM.1));
    if shift.is_none() {
        out.warnings.push(
            "the midline is not known (both cochleae are needed): grade IV cannot be recognised"
                .to_owned(),
        );
    }
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
