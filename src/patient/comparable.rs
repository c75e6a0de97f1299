//! Whether two visits may be compared at all.
use super::{ReviewState, Visit, sequence_name};
use crate::{
    measure::{COMPARABLE_SLICE_MM, SizeSide, THIN_SLICE_MM},
    volume::Sequence,
};
use chrono::NaiveDate;

/// Months below which a rate of growth means little: its error grows with the inverse of the interval.
const SHORT_INTERVAL_MONTHS: f64 = 5.0;
/// Ratio of slice thicknesses from which two visits are called differently acquired.
const SLICE_RATIO: f64 = 1.25;

/// Years of 365.25 days between two dates.
pub(super) fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    (to - from).num_days() as f64 / 365.25
}

/// Whether volumes of two visits may be compared: nothing stands against it and slices are thin enough.
pub(super) fn comparable(earlier: &Visit, later: &Visit) -> bool {
    let slices = earlier.slice_thickness_mm.max(later.slice_thickness_mm);
    slices <= COMPARABLE_SLICE_MM + 1e-6 && obstacles(earlier, later).is_empty()
}

/// Why two visits must not be compared: none when they may. What the numbers themselves forbid is left to the judgement.
pub(super) fn obstacles(earlier: &Visit, later: &Visit) -> Vec<String> {
    let mut found = Vec::new();
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

/// What to beware of when two visits are compared.
pub(super) fn pair_cautions(earlier: &Visit, later: &Visit) -> Vec<String> {
    let mut found = Vec::new();
    let pair = format!("{} to {}", earlier.date, later.date);
    let months = 12.0 * years_between(earlier.date, later.date);
    if months < SHORT_INTERVAL_MONTHS {
        found.push(format!(
            "{pair}: only {months:.1} months apart; rates per year are unstable"
        ));
    }
    let (a, b) = (earlier.slice_thickness_mm, later.slice_thickness_mm);
    if a.max(b) > SLICE_RATIO * a.min(b) {
        found.push(format!(
            "{pair}: different slice thickness, {a:.1} and {b:.1} mm"
        ));
    }
    let no_model = |v: &Visit| v.finding.provenance.model.is_none();
    if no_model(earlier) && no_model(later) {
        found.push(format!(
            "{pair}: it is not known whether both outlines were made the same way"
        ));
    }
    let edited = |v: &Visit| v.finding.provenance.state == ReviewState::Edited;
    let draft = |v: &Visit| v.finding.provenance.state == ReviewState::AiDraft;
    if (edited(earlier) && draft(later)) || (draft(earlier) && edited(later)) {
        found.push(format!(
            "{pair}: one outline was edited by a reader, the other is as the model left it"
        ));
    }
    found
}
