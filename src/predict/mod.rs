//! A scan to labels on its own grid: plan, preprocessing, tiles, merging, restoring, post-processing.

mod clean;
mod grid;
mod plan;
mod segmenter;
mod tiles;

pub use crate::patient::ModelInfo;
pub use plan::{Plan, prepare, standardise};
pub use segmenter::{Prediction, SegmentOptions, Segmenter, segment};
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
    /// The plan is not one.
    #[error("the model's plan is not valid: {0}")]
    Plan(String),
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::Error),
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
