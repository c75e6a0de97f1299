//! Selected voxels get a label, or lose it.
use super::{EditError, LabelEdit, error::value_of};
use crate::volume::{LabelMap, Structure};

/// What may be painted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Everything: other structures give way.
    Anything,
    /// Voxels without a label.
    Background,
    /// Voxels of one structure.
    Structure(Structure),
}

/// What becomes of the selected voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// They become part of a structure.
    Draw {
        /// Of this one.
        structure: Structure,
        /// As far as they belong to this now.
        over: Over,
    },
    /// They become background as far as they belong to this structure; all of them when it is `None`.
    Erase(Option<Structure>),
}

/// Paints or erases selected voxels (positions in memory). `tool` names what selected them, in lower case, for the edit's name: `brush`.
///
/// # Errors
/// When the map's table does not name the structure, or a voxel lies outside the map.
pub fn paint(
    labels: &LabelMap,
    selection: &[usize],
    tool: &str,
    paint: Paint,
) -> Result<LabelEdit, EditError> {
    let (new, only) = match paint {
        Paint::Draw { structure, over } => {
            let only = match over {
                Over::Anything => None,
                Over::Background => Some(0),
                Over::Structure(under) => Some(value_of(labels, under)?),
            };
            (value_of(labels, structure)?, only)
        }
        Paint::Erase(structure) => (0, structure.map(|s| value_of(labels, s)).transpose()?),
    };
    let name = match paint {
        Paint::Draw { structure, .. } => format!("{tool} on {structure}"),
        Paint::Erase(Some(structure)) => format!("{tool} erasing {structure}"),
        Paint::Erase(None) => format!("{tool} erasing all labels"),
    };
    let values = labels.labels();
    // A voxel outside passes, so that the edit refuses it.
    let free = |index: usize| only.is_none_or(|o| values.get(index).is_none_or(|&v| v == o));
    let changes = selection.iter().filter(|&&index| free(index));
    LabelEdit::new(name, labels, changes.map(|&index| (index, new)))
}
