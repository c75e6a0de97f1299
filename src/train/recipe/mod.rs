//! Recipes: what is done, one stage after another, to learn a segmenter of hrT2 from labelled ceT1 and unlabelled hrT2.
//!
//! A recipe is a TOML file: which translators, what the segmenter learns from, how it teaches itself, and the sizes of two presets. Those that come
//! with Schwann lie in `assets/recipes`.

mod cohort;
mod pseudo;
mod run;
mod spec;
mod stage;

pub use cohort::Cohort;
pub use pseudo::{Choice, PseudoLabel, chosen, implausible};
pub use run::{RecipeRun, RecipeSummary, RoundSummary, run_recipe};
pub use spec::{LearnFrom, Recipe, SegmenterSizes, SelfTraining, Start, TranslatorSizes};
