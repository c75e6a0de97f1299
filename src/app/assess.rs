//! What the state has to compare: the visits with a date and outlines, and their alignments.
use super::{
    report::{self, Measured, Tried},
    state::{Alignment, AppState, VisitState},
    task::Task,
};
use crate::patient::{GrowthAssessment, TreatmentDays};
use std::sync::Arc;

/// What to beware of where nobody confirmed a visit's date.
pub const DATE_FROM_NAME: &str = "the day of the scan was read from its file name, not confirmed";

/// What an assessment or a report is made from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Which state of the visits this is; an assessment of an older one is dropped.
    pub revision: u64,
    /// The visits, from the earliest to the latest.
    pub measured: Vec<Measured>,
    /// How each visit after the first lies to it.
    pub tried: Vec<Tried>,
    /// When the tumour was treated.
    pub treated: TreatmentDays,
    /// The patient is the built-in synthetic one.
    pub demo: bool,
}

impl Inputs {
    /// What the state has now.
    pub(super) fn of(state: &AppState) -> Self {
        let ready: Vec<(&VisitState, Measured)> = state
            .visits
            .iter()
            .filter_map(|v| Some((v, measured(v)?)))
            .collect();
        let first = ready.first().map(|(v, _)| v.id);
        let tried = ready
            .iter()
            .skip(1)
            .map(|(visit, _)| match &visit.alignment {
                Alignment::Aligned {
                    reference,
                    registration,
                } if Some(*reference) == first => Some(Ok(*registration)),
                Alignment::Failed {
                    reference, reason, ..
                } if Some(*reference) == first => Some(Err(reason.clone())),
                _ => None,
            })
            .collect();
        Self {
            revision: state.assessment_revision,
            tried,
            treated: state.facts.treatment_days(),
            demo: ready.iter().any(|(v, _)| v.demo),
            measured: ready.into_iter().map(|(_, m)| m).collect(),
        }
    }

    /// Assesses the visits; an error is in words.
    pub(super) fn assess(&self) -> Result<GrowthAssessment, String> {
        report::assess(&self.measured, &self.tried, &self.treated)
            .map_err(|error| error.to_string())
    }
}

/// Drops the assessment and, when two visits have a date and outlines, has a new one made before what takes longer.
pub(super) fn refresh(state: &mut AppState) {
    state.assessment = None;
    state.assessment_revision += 1;
    state
        .work
        .queue
        .retain(|task| !matches!(task, Task::Assess(_)));
    // It is asked for again once the numbers have come.
    if unmeasured(state).is_some() {
        return;
    }
    let inputs = Inputs::of(state);
    if inputs.measured.len() > 1 {
        let queue = &mut state.work.queue;
        let measures = |task: &Task| matches!(task, Task::Measure(..));
        let behind = queue.iter().rposition(measures).map_or(0, |at| at + 1);
        queue.insert(behind, Task::Assess(inputs));
    }
}

/// Why nothing is compared or written now, in words: numbers of older outlines would stand beside the new ones.
pub(super) fn unmeasured(state: &AppState) -> Option<String> {
    let changed = |v: &&VisitState| {
        let outlines = v.outlines.as_ref();
        v.date.is_some() && outlines.is_some_and(|o| o.edits.measuring)
    };
    let visit = state.visits.iter().find(changed)?;
    Some(format!(
        "the changed outlines of {} are not measured yet",
        visit.title()
    ))
}

/// What is said in the place of a report.
pub(super) fn no_report(state: &AppState) -> Option<String> {
    unmeasured(state).map(|why| format!("The report was not begun: {why}."))
}

/// Whether a report can be made.
pub(super) fn reportable(state: &AppState) -> bool {
    state
        .visits
        .iter()
        .any(|v| v.date.is_some() && v.outlines.is_some())
}

/// The measured visit, under the date and sequence that are known now.
fn measured(visit: &VisitState) -> Option<Measured> {
    let outlines = visit.outlines.as_ref()?;
    let mut measured = outlines.measured.clone();
    measured.date = visit.date?;
    measured.sequence = visit.sequence;
    if visit.date_from_name {
        measured.finding.warnings.push(DATE_FROM_NAME.to_owned());
    }
    Some(Measured {
        scan: Arc::clone(&visit.volume),
        labels: Arc::clone(&outlines.labels),
        visit: measured,
        acquisition: visit.acquisition.clone(),
        ghosting: visit.ghosting,
    })
}
