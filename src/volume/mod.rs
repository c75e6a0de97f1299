//! A voxel grid in patient space: geometry, intensities, labels, and what can be done with them without a GPU.
//!
//! Patient coordinates are RAS+ millimetres in `f64`. Voxel `(i, j, k)` has its centre at integer indices and `i` runs fastest in
//! memory. Nothing here knows files, networks or windows.

mod components;
mod distance;
pub mod edit;
mod grid;
mod intensity;
mod label;
mod outline;
mod progress;
mod register;
mod reorder;
mod sample;

pub use components::{Components, components, largest_component};
pub use distance::{distance_to_mask_mm, squared_distance_to_mask_mm2};
pub use edit::{EditError, History, LabelEdit};
pub use grid::{AxisCodes, ClosestRas, Grid, Shape, closest_orientation, oblique_degrees};
pub use intensity::{Sequence, Volume, Voxels, WindowLevel};
pub use label::{LabelMap, LabelTable, Side, Structure};
pub use outline::{Outline, OutlinePlane, area_vector};
pub use progress::{Observe, Progress, unobserved};
pub use register::{
    EarResidual, Landmark, Refusal, RegisterError, Registration, ToAlign, Verdict, VisitAlignment,
    register_rigid,
};
pub use reorder::Reorder;
pub use sample::{resample_labels, resample_linear, sample_linear};

use thiserror::Error as ThisError;

/// What is warned of a scan whose file does not say which of its sides is the patient's left: no form in a NIfTI, any Analyze file.
pub const SIDES_UNTOLD: [&str; 2] = [
    "the file does not say how the scan lies in the patient (no sform, no qform): left and right are unknown",
    "an Analyze file does not say how the scan lies in the patient: left and right follow a convention and may be wrong",
];

/// Whether sides may be told of a scan with these warnings.
pub fn sides_are_told<T: AsRef<str>>(warnings: &[T]) -> bool {
    let untold = |w: &T| SIDES_UNTOLD.contains(&w.as_ref());
    !warnings.iter().any(untold)
}

/// What can be wrong with a grid or the data on it.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum Error {
    /// An axis has no voxels, or the voxel count overflows.
    #[error("a grid of {0:?} voxels is not possible")]
    Shape(Shape),
    /// A part that is not inside its grid.
    #[error("the part reaches beyond the grid")]
    Crop,
    /// The affine has an entry that is not finite.
    #[error("the affine contains a number that is not finite")]
    AffineNotFinite,
    /// The affine maps the grid onto a plane, a line or a point.
    #[error("the affine is singular: voxels have no volume in patient space")]
    AffineSingular,
    /// The data does not have one value for each voxel.
    #[error("{found} values for a grid of {expected} voxels")]
    Length {
        /// Voxels of the grid.
        expected: usize,
        /// Values that were given.
        found: usize,
    },
}
