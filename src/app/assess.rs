//! The growth assessment that belongs to the state: what it is made from, and making it.
use super::state::{Alignment, AppState, VisitState};
use super::task::Task;
use crate::{
    patient::{self, GrowthAssessment, RegistrationResult, cochlea_residual_mm},
    volume::{LabelMap, Registration},
};
use chrono::NaiveDate;
use std::sync::Arc;

/// What an assessment is made from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Which state of the visits this is; an assessment of an older one is dropped.
    pub revision: u64,
    visits: Vec<patient::Visit>,
    aligned: Vec<AlignedPair>,
}

#[derive(Debug, Clone)]
struct AlignedPair {
    from: NaiveDate,
    to: NaiveDate,
    fixed: Arc<LabelMap>,
    moving: Arc<LabelMap>,
    registration: Registration,
}

impl Inputs {
    /// Assesses the visits; an error is in words.
    pub(super) fn assess(&self) -> Result<GrowthAssessment, String> {
        let registrations: Vec<RegistrationResult> = self
            .aligned
            .iter()
            .map(|pair| RegistrationResult {
                from: pair.from,
                to: pair.to,
                residual_mm: cochlea_residual_mm(&pair.fixed, &pair.moving, &pair.registration),
            })
            .collect();
        patient::assess(&self.visits, &registrations, None).map_err(|error| error.to_string())
    }
}

/// Drops the assessment and, when two visits have a date and outlines, has a new one made before anything else that waits.
pub(super) fn refresh(state: &mut AppState) {
    state.assessment = None;
    state.assessment_revision += 1;
    state
        .work
        .queue
        .retain(|task| !matches!(task, Task::Assess(_)));
    let visits: Vec<patient::Visit> = state.visits.iter().filter_map(measured).collect();
    if visits.len() > 1 {
        let inputs = Inputs {
            revision: state.assessment_revision,
            visits,
            aligned: state
                .visits
                .iter()
                .filter_map(|v| aligned(state, v))
                .collect(),
        };
        state.work.queue.push_front(Task::Assess(inputs));
    }
}

/// The measured visit, under the date that the user gave.
fn measured(visit: &VisitState) -> Option<patient::Visit> {
    let mut measured = visit.outlines.as_ref()?.measured.clone();
    measured.date = visit.date?;
    measured.sequence = visit.sequence;
    Some(measured)
}

/// A visit and the reference it is aligned to, where both are assessed.
fn aligned(state: &AppState, visit: &VisitState) -> Option<AlignedPair> {
    let Alignment::Aligned {
        reference,
        registration,
    } = &visit.alignment
    else {
        return None;
    };
    let fixed = state.visit(*reference)?;
    Some(AlignedPair {
        from: fixed.date?,
        to: visit.date?,
        fixed: Arc::clone(&fixed.outlines.as_ref()?.labels),
        moving: Arc::clone(&visit.outlines.as_ref()?.labels),
        registration: *registration,
    })
}
