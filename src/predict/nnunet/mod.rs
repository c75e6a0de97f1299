//! Any model folder of nnU-Net v2 (Isensee 2021), run the way nnU-Net's own prediction on the CPU runs it.
//!
//! Arrays keep nnU-Net's order here: axis 0 is the slowest of the file (superior of a usual scan), axis 2 the fastest.

mod array;
mod dataset;
mod folder;
mod json;
mod names;
mod normalise;
mod plans;
mod prepare;
mod resample;
mod restore;
mod run;
mod window;

pub use folder::{Folds, NnUnet};
pub(super) use run::{EarlyLabels, Settings, predict};
