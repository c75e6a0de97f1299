//! A scan to labels on its own grid: plan, preprocessing, tiles, merging, restoring, post-processing.

mod certainty;
mod clean;
mod foreign;
mod grid;
mod interval;
mod koos;
mod memory;
mod nnunet;
mod plan;
mod probabilities;
mod region;
mod segmenter;
mod tiles;

pub use crate::patient::ModelInfo;
pub use certainty::{Certainty, segment_with_certainty};
pub use clean::PostProcessing;
pub use koos::{
    CROP_CHANNELS, CROP_SIZE, CROP_SPACING_MM, Combination, Combined, GradeProbabilities,
    GraderWeights, Graders, KoosCase, KoosFiles, KoosGraders, KoosModel, KoosPlan, koos_crop,
    softmax,
};
pub use nnunet::{Folds, NnUnet};
pub use plan::{Calibration, Plan, class, middle_part, prepare, standardise};
pub use probabilities::Probabilities;
pub use segmenter::{
    Early, MOST_NETWORKS, Prediction, SegmentOptions, Segmenter, segment, segment_channels,
    segment_early, weights_file,
};
pub use tiles::Tiling;

use crate::model;
use thiserror::Error as ThisError;

/// Why a scan was not segmented.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A file of the model folder cannot be read.
    #[error("cannot read the model's {what}: {source}: {path}")]
    Read {
        /// Which file.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
        /// Where it should be.
        path: std::path::PathBuf,
    },
    /// A file of a model folder of nnU-Net says something that is wrong or not supported.
    #[error("{problem}: {}", file.display())]
    Folder {
        /// Which file.
        file: std::path::PathBuf,
        /// Which field, and what is wrong with it.
        problem: String,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {source}: {}", path.display())]
    Checkpoint {
        /// What is wrong.
        source: model::CheckpointError,
        /// The file.
        path: std::path::PathBuf,
    },
    /// The model takes another number of scans.
    #[error("the model takes {expected} ({names}), not {found}")]
    Channels {
        /// How many it takes.
        expected: usize,
        /// What they are.
        names: String,
        /// How many were given.
        found: usize,
    },
    /// The scans of one case do not lie on one grid.
    #[error("scan {0} does not lie on the grid of the first: resample it first")]
    Grids(usize),
    /// A scan's voxels are nothing that the model can take.
    #[error("the scan {0}")]
    Scan(&'static str),
    /// There is not enough memory.
    #[error(
        "this would take about {needed_mb} MB of memory, and {available_mb} MB are free: close other programs, or cut the scan to the head"
    )]
    Memory {
        /// Megabytes that it would take.
        needed_mb: u64,
        /// Megabytes that are free.
        available_mb: u64,
    },
    /// The scores of a network left the range of half precision, in which nnU-Net adds them up.
    #[error("the network's scores are too large for half precision; run it without parity")]
    Overflow,
    /// The plan is not one.
    #[error("the model's plan is not valid: {0}")]
    Plan(String),
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// A forest is damaged or was asked the wrong thing.
    #[error(transparent)]
    Forest(#[from] model::ForestError),
    /// The scan's geometry cannot be worked with.
    #[error("the scan's geometry cannot be worked with: {0}")]
    Geometry(#[from] crate::volume::Error),
    /// The scan covers too much space for the memory that a scan of a head justifies.
    #[error("the scan covers {0:.0} x {1:.0} x {2:.0} mm, more than a head; crop it first")]
    TooLarge(f64, f64, f64),
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}
