//! Training: data made on the fly or cut from the scans of a folder, loss, optimiser, checkpoints, and what comes out, a model folder.

mod average;
mod border;
mod calibration;
mod checkpoint;
mod curves;
mod data;
mod folder;
mod koos;
mod local_intensity;
mod loss;
mod milestone;
mod optimiser;
mod recipe;
mod report;
mod segmenter;
mod translate;
mod validation;

pub use calibration::{Reliability, ReliabilityBin, calibrate, calibration_samples};
pub use data::{CropSource, EarCrops, HeadCrops, Sample};
pub use folder::{FolderCrops, FolderFacts};
pub use koos::{
    Example, Graded, KoosSummary, KoosTraining, LabelSource, Seen, Tally, test_with_own_labels,
    train_koos,
};
pub use local_intensity::LocalIntensity;
pub use loss::{Loss, UNKNOWN, dice_cross_entropy};
pub use milestone::Milestone;
pub use optimiser::{Optimiser, Rule, linear_decay, polynomial_decay};
pub use recipe::{
    CentreScores, Choice, Cohort, LearnFrom, Outcome, PseudoLabel, Recipe, RecipeRun,
    RecipeSummary, RoundScores, RoundSummary, SegmenterSizes, Selection, SelfTraining, Start,
    TranslatorSizes, chosen, implausible, run_recipe,
};
pub use segmenter::{SegmenterTraining, TrainingSummary, train_on, train_segmenter};
pub use translate::{
    Method, SegmentationHead, SlicePlan, SliceSet, Stack, TranslatedScan, Translator,
    TranslatorSummary, TranslatorTraining, train_translator,
};
pub use validation::{ClassDice, validate, validation_samples};

use crate::{model, phantom, predict};
use std::path::PathBuf;
use thiserror::Error as ThisError;

/// Why a training ended without a model.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The settings cannot be trained with.
    #[error("these settings cannot be trained with: {0}")]
    Settings(String),
    /// A training example could not be made.
    #[error("a training example could not be made: {0}")]
    Phantom(#[from] phantom::Error),
    /// A folder's scans cannot be trained on.
    #[error("{problem}: {}", path.display())]
    Folder {
        /// What is wrong.
        problem: String,
        /// Which file.
        path: PathBuf,
    },
    /// An example does not have the size or the labels that the plan asks for.
    #[error("the labels of a batch do not fit the network's output")]
    Labels,
    /// A forest cannot be grown or asked.
    #[error(transparent)]
    Forest(#[from] model::ForestError),
    /// The network or its plan is at fault.
    #[error(transparent)]
    Predict(#[from] predict::Error),
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// A parameter took no part in the loss.
    #[error("the parameter {0} has no gradient")]
    Gradient(String),
    /// The loss left the numbers.
    #[error("the training diverged at step {0}; lower the learning rate")]
    Diverged(usize),
    /// A checkpoint is not one of this training.
    #[error("the checkpoint does not fit this training: {0}")]
    Checkpoint(String),
    /// A file cannot be read or written.
    #[error("cannot {action}: {source}: {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
        /// Which file.
        path: PathBuf,
    },
    /// A scan cannot be read or a result not be written.
    #[error(transparent)]
    Io(#[from] crate::io::Error),
    /// The thread that makes the examples ended early.
    #[error("the thread that makes training examples ended early")]
    Producer,
    /// The user stopped it; a checkpoint was written.
    #[error("cancelled")]
    Cancelled,
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
