//! Whether two visits may be compared at all.
use super::{RegistrationResult, ReviewState, Visit, sequence_name};
use crate::{
    measure::{COMPARABLE_SLICE_MM, SizeSide, THIN_SLICE_MM},
    volume::Sequence,
};
use chrono::NaiveDate;

/// Months below which a rate of growth means little: its error grows with the inverse of the interval.
const SHORT_INTERVAL_MONTHS: f64 = 5.0;
/// Ratio of slice thicknesses from which two visits are called differently acquired.
const SLICE_RATIO: f64 = 1.25;

/// Ratio of voxel sizes across slices' planes from which two visits are called differently acquired.
const VOXEL_RATIO: f64 = 1.25;
/// How far a reader may have moved one porus plane more than the other for both to count as the same: mm along its normal, degrees forwards and upwards.
const SAME_PLANE: [f64; 3] = [0.25, 1.0, 1.0];
/// Distance of the aligned cochleae from which two scans may be of different heads, mm.
const OTHER_HEAD_MM: f64 = 3.0;
/// How that is told.
pub(super) const OTHER_HEAD: &str = "the cochleae lie";

/// What is known from outside the visits to speak against comparing two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Date of the earlier visit.
    pub from: NaiveDate,
    /// Date of the later visit.
    pub to: NaiveDate,
    /// Why, in words that end a sentence.
    pub reason: String,
    /// Whether it forbids the comparison rather than weakens it.
    pub forbids: bool,
}

impl Doubt {
    /// That two aligned scans do not look like one head: their cochleae lie more than 3 mm apart.
    pub(super) fn other_head(registration: &RegistrationResult) -> Option<Self> {
        let mm = registration.residual_mm.filter(|mm| *mm > OTHER_HEAD_MM)?;
        Some(Self {
            from: registration.from,
            to: registration.to,
            reason: format!(
                "{OTHER_HEAD} {mm:.1} mm apart after alignment: these may be different patients, or the alignment is wrong"
            ),
            forbids: false,
        })
    }

    fn concerns(&self, earlier: &Visit, later: &Visit) -> bool {
        [self.from, self.to] == [earlier.date, later.date]
    }
}

/// How a reason begins that tells of an operation.
const OPERATED: &str = "the tumour was operated on";

/// That operations lie between visits of these days, the earliest first: what is left is not compared with what there was. An operation on the day of a
/// scan is taken to follow it.
pub fn operation_doubts(visits: &[NaiveDate], operations: &[NaiveDate]) -> Vec<Doubt> {
    let mut found = Vec::new();
    for (n, &to) in visits.iter().enumerate() {
        for &from in &visits[..n] {
            let between = operations.iter().filter(|o| (from..to).contains(o));
            found.extend(between.map(|day| Doubt {
                from,
                to,
                reason: format!("{OPERATED} on {day}, between the visits"),
                forbids: true,
            }));
        }
    }
    found
}

/// What an operation between two visits forbids where a reader has told that a scan follows one, but not its day.
fn operated(earlier: &Visit, later: &Visit, told: &[String]) -> Option<String> {
    let [before, after] = [earlier, later].map(|v| v.finding.koos.post_operative);
    if before == after || told.iter().any(|reason| reason.starts_with(OPERATED)) {
        return None;
    }
    Some(if after {
        format!("{OPERATED} between {} and {}", earlier.date, later.date)
    } else {
        format!(
            "{OPERATED} before {}, and not before the later {}: check what is told of both visits",
            earlier.date, later.date
        )
    })
}

/// Reasons of the doubts about a pair that forbid comparing it, or that do not.
fn doubted(doubts: &[Doubt], earlier: &Visit, later: &Visit, forbids: bool) -> Vec<String> {
    let of_pair = |d: &&Doubt| d.forbids == forbids && d.concerns(earlier, later);
    (doubts.iter().filter(of_pair).map(|d| d.reason.clone())).collect()
}

/// Years of 365.25 days between two dates.
pub(super) fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    (to - from).num_days() as f64 / 365.25
}

/// Whether volumes of two visits may be compared: nothing stands against it and slices are thin enough.
pub(super) fn comparable(earlier: &Visit, later: &Visit, doubts: &[Doubt]) -> bool {
    let slices = earlier.slice_thickness_mm.max(later.slice_thickness_mm);
    slices <= COMPARABLE_SLICE_MM + 1e-6 && obstacles(earlier, later, doubts).is_empty()
}

/// Why two visits must not be compared: none when they may. What the numbers themselves forbid is left to the judgement.
pub(super) fn obstacles(earlier: &Visit, later: &Visit, doubts: &[Doubt]) -> Vec<String> {
    let mut found = doubted(doubts, earlier, later, true);
    found.extend(operated(earlier, later, &found));
    for visit in [earlier, later] {
        if visit.finding.tumour.is_none() {
            found.push(format!("no tumour is outlined on {}", visit.date));
        }
        if visit.finding.provenance.state == ReviewState::Rejected {
            found.push(format!("the outline of {} was rejected", visit.date));
        }
        let tumour = visit.finding.tumour.as_ref();
        if tumour.is_some_and(|t| t.at_scan_edge) {
            found.push(format!(
                "the tumour reaches the scan's edge on {}: its volume is a lower limit",
                visit.date
            ));
        }
        if side(visit) == Some(SizeSide::Both) {
            found.push(format!(
                "tumours on both sides ({}) are measured together: outline and measure each by itself",
                visit.date
            ));
        }
    }
    let scan = |v: &Visit| v.finding.provenance.scan_sha256.clone();
    if scan(earlier) == scan(later) {
        found.push("both visits are the same scan".to_owned());
    }
    let (a, b) = (earlier.sequence, later.sequence);
    if a != b && a != Sequence::Unknown && b != Sequence::Unknown {
        found.push(format!(
            "different sequences: {} on {}, {} on {}",
            sequence_name(a),
            earlier.date,
            sequence_name(b),
            later.date
        ));
    }
    found.extend(different_outlines(earlier, later));
    if let (Some(a), Some(b)) = (side(earlier), side(later))
        && a != b
        && ![a, b].contains(&SizeSide::Both)
    {
        found.push(format!(
            "the tumour lies on different sides: {} on {}, {} on {}; check the orientation of both scans",
            super::text::side_name(a),
            earlier.date,
            super::text::side_name(b),
            later.date
        ));
    }
    found
}

fn side(visit: &Visit) -> Option<SizeSide> {
    visit.finding.tumour.as_ref().and_then(|t| t.side)
}

fn different_outlines(earlier: &Visit, later: &Visit) -> Option<String> {
    let made_by = |v: &Visit| {
        v.finding.provenance.model.as_ref().map_or_else(
            || "no model (imported or drawn by hand)".to_owned(),
            |m| format!("{m} ({})", m.sha256.chars().take(12).collect::<String>()),
        )
    };
    (earlier.finding.provenance.model != later.finding.provenance.model).then(|| {
        format!(
            "outlined by different models: {} on {}, {} on {}; measure both visits with one model",
            made_by(earlier),
            earlier.date,
            made_by(later),
            later.date
        )
    })
}

/// What to beware of in single visits; what holds for several is said once.
pub(super) fn visit_cautions(visits: &[Visit]) -> Vec<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |text: String, date: NaiveDate| match found.iter_mut().find(|(t, _)| *t == text) {
        Some((_, dates)) => dates.push(date.to_string()),
        None => found.push((text, vec![date.to_string()])),
    };
    for visit in visits {
        for warning in visit
            .finding
            .warnings
            .iter()
            .chain(&visit.finding.koos.warnings)
        {
            add(warning.clone(), visit.date);
        }
        if visit.slice_thickness_mm > THIN_SLICE_MM + 1e-6 {
            let text = format!(
                "slices of {:.1} mm; measurement is less reliable above {THIN_SLICE_MM} mm",
                visit.slice_thickness_mm
            );
            add(text, visit.date);
        }
        if visit.sequence == Sequence::Unknown {
            add(
                "the sequence is not known; same contrast at all visits is not checked".to_owned(),
                visit.date,
            );
        }
        let state = visit.finding.provenance.state;
        if state.is_draft() {
            add(state.to_string(), visit.date);
        }
    }
    found
        .into_iter()
        .map(|(text, dates)| format!("{}: {text}", dates.join(", ")))
        .collect()
}

/// What weakens the comparison of two visits, besides what each has by itself.
pub(super) fn pair_cautions(earlier: &Visit, later: &Visit, doubts: &[Doubt]) -> Vec<String> {
    let mut found = doubted(doubts, earlier, later, false);
    let months = 12.0 * years_between(earlier.date, later.date);
    if months < SHORT_INTERVAL_MONTHS {
        found.push(format!(
            "only {months:.1} months apart; rates per year are unstable"
        ));
    }
    found.extend(different_voxels(earlier, later));
    found.extend(porus_moved_otherwise(earlier, later));
    let state = |v: &Visit| v.finding.provenance.state;
    let no_model = |v: &Visit| v.finding.provenance.model.is_none();
    if no_model(earlier) && no_model(later) {
        found.push("it is not known whether both outlines were made the same way".to_owned());
    }
    let left_alone = |v: &Visit| state(v) == ReviewState::AiDraft;
    let edited = |v: &Visit| state(v) == ReviewState::Edited;
    if (edited(earlier) && left_alone(later)) || (left_alone(earlier) && edited(later)) {
        found.push(
            "one outline was edited by a reader, the other is as the model left it".to_owned(),
        );
    }
    found
}

/// What weakens the comparison and is already told of each visit by itself ([`visit_cautions`]).
pub(super) fn visits_weaken(earlier: &Visit, later: &Visit) -> Vec<String> {
    let mut found = Vec::new();
    let thickest = earlier.slice_thickness_mm.max(later.slice_thickness_mm);
    if thickest > THIN_SLICE_MM + 1e-6 {
        found.push(format!(
            "slices of {thickest:.1} mm; volumes are less reliable above {THIN_SLICE_MM} mm"
        ));
    }
    if [earlier, later]
        .iter()
        .any(|v| v.sequence == Sequence::Unknown)
    {
        found.push("the sequence is not known of both visits".to_owned());
    }
    found
}

/// That a reader moved the porus plane of one visit otherwise than that of the other, where both have a diameter beyond it: the diameters then differ without any growth.
pub(super) fn porus_moved_otherwise(earlier: &Visit, later: &Visit) -> Option<String> {
    let moved = |v: &Visit| {
        let tumour = v.finding.tumour.as_ref()?;
        tumour.extrameatal_diameter_mm?;
        Some(tumour.measures?.porus_moved)
    };
    let (a, b) = (moved(earlier)?, moved(later)?);
    let alike = (0..3).all(|n| (a[n] - b[n]).abs() <= SAME_PLANE[n]);
    (!alike).then(|| {
        "a reader moved or turned the porus plane of one visit otherwise than that of the other: their extrameatal diameters are not compared".to_owned()
    })
}

/// Differences of slice thickness and of the voxels in the slices' plane.
fn different_voxels(earlier: &Visit, later: &Visit) -> Vec<String> {
    let mut found = Vec::new();
    let differ = |a: f64, b: f64, ratio: f64| a.max(b) > ratio * a.min(b) + 1e-6;
    let (a, b) = (earlier.slice_thickness_mm, later.slice_thickness_mm);
    if differ(a, b, SLICE_RATIO) {
        found.push(format!("different slice thickness, {a:.1} and {b:.1} mm"));
    }
    let (a, b) = (in_plane(earlier), in_plane(later));
    if differ(a, b, VOXEL_RATIO) {
        found.push(format!(
            "different voxels within the slices, {a:.2} and {b:.2} mm"
        ));
    }
    found
}

/// Edge of a voxel within the slices, mm: the two finer axes' geometric mean.
fn in_plane(visit: &Visit) -> f64 {
    let mut edges = visit.spacing_mm;
    edges.sort_by(f64::total_cmp);
    (edges[0] * edges[1]).sqrt()
}
