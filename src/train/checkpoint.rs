//! Files of a training, each written whole or not at all.
use super::average::Average;
use super::{Error, Optimiser};
use crate::{
    io,
    model::{Metadata, Parameters, read_tensors, write_tensors},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

/// Name of the checkpoint in the output folder.
pub(super) const CHECKPOINT: &str = "checkpoint.safetensors";
const KEY: &str = "schwann.training";

/// What, besides tensors, a training continues from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps done.
    pub(super) step: usize,
    /// Seconds spent.
    pub(super) seconds: f64,
    /// Seed of the examples.
    pub(super) seed: u64,
    /// Examples of a step.
    pub(super) batch: usize,
    /// How it learns, where that can be chosen; unknown of checkpoints of earlier versions.
    #[serde(default)]
    pub(super) manner: Option<Manner>,
    /// Whether it began with the weights of another model; unknown likewise.
    #[serde(default)]
    pub(super) from_another: Option<bool>,
    /// Steps that the mean of the parameters has seen.
    #[serde(default)]
    pub(super) averaged: usize,
}

/// Settings that would make a training another one, if they changed in its midst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Manner {
    pub(super) learning_rate: f64,
    pub(super) border_weight: f32,
}

/// Saves parameters, moments, their mean and progress.
pub(super) fn save(
    folder: &Path,
    optimiser: &Optimiser,
    average: &Average,
    progress: &Progress,
) -> Result<(), Error> {
    let (averaged, mean) = average.state();
    let progress = Progress {
        averaged,
        ..progress.clone()
    };
    let text = serde_json::to_string(&progress).map_err(|e| Error::Checkpoint(e.to_string()))?;
    let mut state = optimiser.state();
    state.extend(mean);
    let bytes = write_tensors(&state, &Metadata::from([(KEY.to_owned(), text)]), false)?;
    write_whole(&folder.join(CHECKPOINT), &bytes)
}

/// Tensors of a folder's checkpoint, and what stands under a key beside them; `None` when there is no checkpoint.
pub(super) fn read<T: DeserializeOwned>(
    folder: &Path,
    key: &str,
) -> Result<Option<(Parameters, T)>, Error> {
    let path = folder.join(CHECKPOINT);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(|source| Error::File {
        action: "read the checkpoint",
        source,
        path,
    })?;
    let (tensors, metadata) = read_tensors(&bytes)?;
    let text = metadata
        .get(key)
        .ok_or_else(|| Error::Checkpoint("it does not say how far it is".to_owned()))?;
    let told = serde_json::from_str(text).map_err(|e| Error::Checkpoint(e.to_string()))?;
    Ok(Some((tensors, told)))
}

/// Restores what [`save`] wrote; `None` when there is no checkpoint.
pub(super) fn load(
    folder: &Path,
    optimiser: &mut Optimiser,
    average: &mut Average,
) -> Result<Option<Progress>, Error> {
    let Some((mut tensors, progress)) = read::<Progress>(folder, KEY)? else {
        return Ok(None);
    };
    let shapes = optimiser.parameters();
    average.restore(progress.averaged, &mut tensors, &shapes)?;
    optimiser.restore(tensors)?;
    Ok(Some(progress))
}

/// Makes a folder and those that it lies in where they are missing.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::File {
        action: "make the folder",
        source,
        path: path.to_owned(),
    })
}

/// Makes the folder that a training writes into, and keeps other trainings out of it: two at once would each overwrite the other's checkpoint.
pub(super) fn claim(out: &Path) -> Result<io::Claim, Error> {
    make_folder(out)?;
    Ok(io::claim_folder(out)?)
}

/// Writes a file beside its place and moves it there, so that a crash leaves the old one or the new one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    Ok(io::write_atomically(path, |w| w.write_all(bytes))?)
}
