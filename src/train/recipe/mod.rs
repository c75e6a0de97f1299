//! Recipes: what is done, one stage after another, to learn a segmenter of hrT2 from labelled ceT1 and unlabelled hrT2.
//!
//! A recipe is a TOML file: which translators, what the segmenter learns from, how it teaches itself, and the sizes of two presets. Those that come
//! with Schwann lie in `assets/recipes`.

mod cohort;
mod judge;
mod pseudo;
mod run;
mod spec;
mod stage;

pub use cohort::Cohort;
pub use judge::{CentreScores, RoundScores};
pub use pseudo::{Choice, PseudoLabel, chosen, implausible};
pub use run::{RecipeRun, RecipeSummary, RoundSummary, run_recipe};
pub use spec::{
    LearnFrom, Outcome, Recipe, SegmenterSizes, Selection, SelfTraining, Start, TranslatorSizes,
};

use crate::train::Error;
use crate::volume::{Observe, Progress};
use std::ops::ControlFlow;

/// Tells the observer that so many of a stage's scans are done; [`Error::Cancelled`] when it says stop.
fn say(
    observe: &mut Observe<'_>,
    stage: &'static str,
    n: usize,
    count: usize,
) -> Result<(), Error> {
    let fraction = n as f32 / count.max(1) as f32;
    match observe(Progress { stage, fraction }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}
