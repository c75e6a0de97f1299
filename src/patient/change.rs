//! What changed between two visits: numbers, the rules they reach, and how far the pair may be compared.
use super::{
    Visit,
    comparable::{
        Doubt, obstacles, pair_cautions, porus_moved_otherwise, visits_weaken, years_between,
    },
};
use crate::measure::{
    COMPARABLE_SLICE_MM, DiameterKind, GROWTH_DIAMETER_MM, GROWTH_VOLUME_PERCENT, TumourExtent,
    Verdict, annual_growth_percent, diameter_change_mm, doubling_time_years, judge_growth_among,
    mirrored_decrease_percent, specific_growth_rate,
};
use chrono::NaiveDate;
use serde::Serialize;
use std::fmt;

/// Slack for a limit that the last bit of a division decides.
const ROUNDING: f64 = 1e-6;

/// How far two visits may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparability {
    /// Nothing speaks against it.
    Comparable,
    /// They are compared; what weakens it is told.
    Caution,
    /// They must not be compared.
    #[serde(rename = "not comparable")]
    NotComparable,
}

impl fmt::Display for Comparability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comparable => "comparable",
            Self::Caution => "caution",
            Self::NotComparable => "not comparable",
        })
    }
}

/// How a change is read, by the day of radiosurgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Both visits are of an untreated tumour.
    Untreated,
    /// Radiosurgery lies between the visits, or on the day of the earlier.
    #[serde(rename = "across radiosurgery")]
    AcrossRadiosurgery,
    /// Both visits lie after radiosurgery: enlargement may be a reaction to it.
    #[serde(rename = "after radiosurgery")]
    AfterRadiosurgery,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untreated => "untreated",
            Self::AcrossRadiosurgery => "across radiosurgery",
            Self::AfterRadiosurgery => "after radiosurgery",
        })
    }
}

impl Reading {
    /// That of a change from one day to a later one.
    fn of(treated: Option<NaiveDate>, from: NaiveDate, to: NaiveDate) -> Self {
        match treated {
            Some(day) if day < from => Self::AfterRadiosurgery,
            Some(day) if day < to => Self::AcrossRadiosurgery,
            _ => Self::Untreated,
        }
    }
}

/// What changed between two visits. Numbers are absent where the visits must not be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Earlier visit.
    pub from: NaiveDate,
    /// Later visit.
    pub to: NaiveDate,
    /// Days between them / 365.25.
    pub interval_years: f64,
    /// Later less earlier volume, mm³.
    pub volume_change_mm3: Option<f64>,
    /// The same in percent of the earlier.
    pub volume_change_percent: Option<f64>,
    /// Smallest increase that exceeds the error of two measurements (95 %), percent of the earlier volume.
    pub detectable_change_percent: Option<f64>,
    /// Smallest decrease that does, percent of the earlier volume: the increase that would be detectable from the later volume, seen from the earlier.
    pub detectable_decrease_percent: Option<f64>,
    /// With how many earlier visits the later one is compared, 1 to 3; more ask for a larger change.
    pub comparisons: usize,
    /// Smallest increase that is called growth among so many comparisons, percent of the earlier volume.
    pub growth_limit_percent: Option<f64>,
    /// Smallest decrease that is called shrinkage among them, percent of the earlier volume.
    pub shrinkage_limit_percent: Option<f64>,
    /// Whether the volume grew by more than the detectable change.
    pub exceeds_detectable_change: Option<bool>,
    /// Whether the volume grew by at least 20 %, the rule in common use, whatever the error of measurement.
    pub reaches_20_percent: Option<bool>,
    /// Whether the diameter grew by at least 2 mm, the other such rule; none without a diameter at both visits.
    pub reaches_2_mm: Option<bool>,
    /// Compound growth per year, percent.
    pub annual_growth_percent: Option<f64>,
    /// ln(V2/V1) / years, 1/year.
    pub specific_growth_rate: Option<f64>,
    /// Its 95 % confidence interval, 1/year.
    pub specific_growth_rate_ci95: Option<[f64; 2]>,
    /// Doubling time, years; none when not growing.
    pub doubling_time_years: Option<f64>,
    /// Change of the diameter, mm.
    pub diameter_change_mm: Option<f64>,
    /// Which diameter that is.
    pub diameter_kind: Option<DiameterKind>,
    /// How the change is read: of an untreated tumour, or after radiosurgery.
    pub reading: Reading,
    /// How far the visits may be compared.
    pub comparability: Comparability,
    /// What weakens the comparison; what forbids it stands in `reasons`.
    pub cautions: Vec<String>,
    /// What may be said.
    pub verdict: Verdict,
    /// Why, with the numbers.
    pub reasons: Vec<String>,
}

/// Compares two visits, of which the later is compared with `comparisons` earlier ones.
pub(super) fn change(
    earlier: &Visit,
    later: &Visit,
    comparisons: usize,
    treated: Option<NaiveDate>,
    doubts: &[Doubt],
) -> Change {
    let mut out = Change {
        from: earlier.date,
        to: later.date,
        interval_years: years_between(earlier.date, later.date),
        volume_change_mm3: None,
        volume_change_percent: None,
        detectable_change_percent: None,
        detectable_decrease_percent: None,
        comparisons,
        growth_limit_percent: None,
        shrinkage_limit_percent: None,
        exceeds_detectable_change: None,
        reaches_20_percent: None,
        reaches_2_mm: None,
        annual_growth_percent: None,
        specific_growth_rate: None,
        specific_growth_rate_ci95: None,
        doubling_time_years: None,
        diameter_change_mm: None,
        diameter_kind: None,
        reading: Reading::of(treated, earlier.date, later.date),
        comparability: Comparability::NotComparable,
        cautions: [
            pair_cautions(earlier, later, doubts),
            visits_weaken(earlier, later),
        ]
        .concat(),
        verdict: Verdict::NotComparable,
        reasons: obstacles(earlier, later, doubts),
    };
    let (Some(mut a), Some(mut b), true) =
        (earlier.extent(), later.extent(), out.reasons.is_empty())
    else {
        return out;
    };
    if porus_moved_otherwise(earlier, later).is_some() {
        // What lies beyond the one plane is not what lies beyond the other.
        (a.extrameatal_diameter_mm, b.extrameatal_diameter_mm) = (None, None);
    }
    let judgement = judge_growth_among(&a, &b, comparisons);
    out.verdict = judgement.verdict;
    out.reasons = judgement.reasons;
    if out.verdict != Verdict::NotComparable {
        out.comparability = if out.cautions.is_empty() {
            Comparability::Comparable
        } else {
            Comparability::Caution
        };
    }
    if let Some((kind, mm)) = diameter_change_mm(&a, &b) {
        out.diameter_kind = Some(kind);
        out.diameter_change_mm = Some(mm);
        out.reaches_2_mm = Some(mm >= GROWTH_DIAMETER_MM - ROUNDING);
    }
    if a.slice_thickness_mm.max(b.slice_thickness_mm) <= COMPARABLE_SLICE_MM + ROUNDING {
        fill_volume_numbers(&mut out, &a, &b);
    }
    out
}

fn fill_volume_numbers(out: &mut Change, a: &TumourExtent, b: &TumourExtent) {
    let years = out.interval_years;
    let [v1, v2] = [a.volume_mm3, b.volume_mm3];
    let rate = specific_growth_rate(a, b, years);
    let (earlier, later) = (a.on_slices_of(b), b.on_slices_of(a));
    let detectable = earlier.detectable_change_percent();
    let percent = 100.0 * (v2 / v1 - 1.0);
    out.volume_change_mm3 = Some(v2 - v1);
    out.volume_change_percent = Some(percent);
    out.detectable_change_percent = Some(detectable);
    out.detectable_decrease_percent =
        Some(mirrored_decrease_percent(later.detectable_change_percent()));
    out.growth_limit_percent = Some(earlier.growth_limit_percent(out.comparisons));
    out.shrinkage_limit_percent = Some(mirrored_decrease_percent(
        later.growth_limit_percent(out.comparisons),
    ));
    out.exceeds_detectable_change = Some(percent >= detectable - ROUNDING);
    out.reaches_20_percent = Some(percent >= GROWTH_VOLUME_PERCENT - ROUNDING);
    out.annual_growth_percent =
        Some(annual_growth_percent(v1, v2, years)).filter(|p| p.is_finite());
    out.specific_growth_rate = Some(rate.per_year);
    out.specific_growth_rate_ci95 = Some(rate.ci95);
    out.doubling_time_years = doubling_time_years(rate.per_year);
}
