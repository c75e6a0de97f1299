//! Networks, their operators and weights, and the device they run on. Knows tensors (`N, C, D, H, W`), no patients.

mod checkpoint;
mod classifier;
mod device;
mod engine;
mod forest;
mod lanes;
pub mod op;
mod runner;
pub mod translate;
mod unet;
mod weights;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use classifier::{Classifier, ClassifierDescription};
pub use device::{ChosenDevice, DeviceChoice, UnknownDevice};
pub use engine::{Arena, Engine};
pub use forest::{Forest, ForestError, ForestSettings};
pub use runner::Runner;
pub use unet::{Encoder, Level, UNet, UNetDescription, Watch};
pub use weights::{Metadata, Parameters, Sha256Digest, read_tensors, sha256, write_tensors};

use thiserror::Error as ThisError;

/// What can go wrong with a network.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The description is not one of a network that can be built.
    #[error("the network's description is not valid: {0}")]
    Description(String),
    /// The input does not suit the network.
    #[error("the network cannot take an input of shape {0:?}")]
    Input(Vec<usize>),
    /// The weights file cannot be parsed.
    #[error("the weights are not a safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// The weights lack a tensor that the network has.
    #[error("the weights lack the tensor {0}")]
    MissingTensor(String),
    /// The weights have a tensor that the network has not.
    #[error("the weights have a tensor {0} that the network does not know")]
    UnknownTensor(String),
    /// A tensor has another shape than the network needs.
    #[error("the tensor {name} has shape {found:?} and should have {expected:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// What the network needs.
        expected: Vec<usize>,
        /// What the file has.
        found: Vec<usize>,
    },
    /// A tensor has an element type that is not read, or values that are not finite.
    #[error("the tensor {name} {problem}")]
    TensorValues {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
    /// A computation failed.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}
