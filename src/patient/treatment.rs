//! What radiosurgery between or before two visits means for a verdict.
//!
//! Up to 44 % of tumours swell before they shrink: median onset 1 year, 90 % at their largest by 3.5 years (118 patients after gamma knife,
//! PMID 29518221). Enlargement 3 to 42 months after treatment is therefore not called progression by itself. The verdict on the volume stays
//! what was measured; the window is told beside it.
use super::Change;
use crate::measure::Verdict;
use chrono::NaiveDate;

/// When what was done against a tumour that a comparison of visits must know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreatmentDays {
    /// The last radiosurgery.
    pub radiosurgery: Option<NaiveDate>,
    /// All operations.
    pub operations: Vec<NaiveDate>,
}

impl TreatmentDays {
    /// Whether a scan of that day shows what an operation left; one of the same day is taken to be scanned before, and of no known day nothing is said.
    pub fn operated_before(&self, day: Option<NaiveDate>) -> bool {
        self.operations.iter().any(|o| Some(*o) < day)
    }
}

/// Months after radiosurgery in which enlargement may be a reaction to it.
const WINDOW_MONTHS: [f64; 2] = [3.0, 42.0];
/// Months after which repeated enlargement speaks for progression.
const LATE_MONTHS: f64 = 36.0;

fn months_after(treated: NaiveDate, date: NaiveDate) -> f64 {
    (date - treated).num_days() as f64 / (365.25 / 12.0)
}

fn enlarged(change: &Change) -> bool {
    matches!(change.verdict, Verdict::Growth | Verdict::ProbableGrowth)
}

/// Whether an enlargement may be a reaction to the treatment.
pub(super) fn may_be_reaction(treated: NaiveDate, change: &Change) -> bool {
    let months = months_after(treated, change.to);
    enlarged(change) && (WINDOW_MONTHS[0]..=WINDOW_MONTHS[1]).contains(&months)
}

/// Adds to each change what the treatment means for it. `changes` begins with the `consecutive` ones in order.
pub(super) fn note_treatment(treated: NaiveDate, changes: &mut [Change], consecutive: usize) {
    let progressing = progressing(treated, changes.get(..consecutive).unwrap_or_default());
    for change in changes {
        if change.to <= treated {
            continue;
        }
        if change.from <= treated {
            change
                .reasons
                .push(format!("radiosurgery on {treated} lies between the visits"));
        }
        let months = months_after(treated, change.to);
        let progresses = enlarged(change) && progressing.contains(&change.to);
        if months < WINDOW_MONTHS[0] {
            change.reasons.push(format!(
                "only {months:.1} months after radiosurgery: too early to judge its effect"
            ));
        } else if progresses && may_be_reaction(treated, change) {
            change.reasons.push(format!(
                "{months:.0} months after radiosurgery: may still be treatment-related (expected from {:.0} to {:.0} months), but \
                 enlarging at two visits in a row more than {LATE_MONTHS:.0} months after it speaks for progression",
                WINDOW_MONTHS[0], WINDOW_MONTHS[1]
            ));
        } else if may_be_reaction(treated, change) {
            change.reasons.push(format!(
                "possible treatment-related enlargement: {months:.0} months after radiosurgery (expected from {:.0} to {:.0} months); \
                 not progression by itself",
                WINDOW_MONTHS[0], WINDOW_MONTHS[1]
            ));
        } else if enlarged(change) {
            change.reasons.push(format!(
                "{months:.0} months after radiosurgery: later than treatment-related enlargement is expected ({:.0} to {:.0} months)",
                WINDOW_MONTHS[0], WINDOW_MONTHS[1]
            ));
        }
        if progresses && !may_be_reaction(treated, change) {
            change.reasons.push(format!(
                "enlarging at two visits in a row and more than {LATE_MONTHS:.0} months after radiosurgery: speaks for progression"
            ));
        }
    }
}

/// Dates late after treatment on which the tumour had enlarged for the second time in a row. Takes consecutive changes.
fn progressing(treated: NaiveDate, changes: &[Change]) -> Vec<NaiveDate> {
    changes
        .windows(2)
        .filter(|pair| {
            let late = months_after(treated, pair[1].to) > LATE_MONTHS;
            pair.iter().all(enlarged) && pair[1].from > treated && late
        })
        .map(|pair| pair[1].to)
        .collect()
}
