//! Why an edit was not made.
use crate::volume::{Error, LabelMap, Shape, Structure};
use thiserror::Error as ThisError;

/// Why an edit was not made; the labels are as they were.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum EditError {
    /// The edit is of a map with another number of voxels.
    #[error("the edit is of a map of {expected:?} voxels, these labels have {found:?}")]
    Shape {
        /// Of the edit.
        expected: Shape,
        /// Of the labels.
        found: Shape,
    },
    /// A voxel that the map does not have.
    #[error("voxel {index} lies outside a map of {voxels} voxels")]
    Outside {
        /// Position in memory.
        index: usize,
        /// How many the map has.
        voxels: usize,
    },
    /// A voxel holds another label than the edit found or left there.
    #[error(
        "these are not the labels that the edit was made on: voxel {index} is {found}, not {expected}"
    )]
    Stale {
        /// Position in memory.
        index: usize,
        /// The label value that the edit expects.
        expected: u8,
        /// The label value that is there.
        found: u8,
    },
    /// The map's table does not name the structure.
    #[error("these labels have no value for {0}")]
    NotInTable(Structure),
    /// The voxel that was pointed at does not belong to the structure.
    #[error("there is no {0} at this place")]
    NotThere(Structure),
    /// A voxel axis that does not exist.
    #[error("a grid has the voxel axes 0, 1 and 2, not {0}")]
    Axis(usize),
    /// A width of smoothing that makes no sense.
    #[error("a border is smoothed over more than 0 and at most {most_mm} mm, not {asked_mm} mm")]
    Sigma {
        /// What was asked for.
        asked_mm: f64,
        /// The largest that is possible.
        most_mm: f64,
    },
    /// Bytes that no edit was written to.
    #[error("the record of an edit is damaged: {0}")]
    Damaged(&'static str),
    /// Data that does not fit its grid.
    #[error(transparent)]
    Grid(#[from] Error),
}

/// The label value of a structure.
pub(super) fn value_of(labels: &LabelMap, structure: Structure) -> Result<u8, EditError> {
    labels
        .table()
        .value(structure)
        .ok_or(EditError::NotInTable(structure))
}
