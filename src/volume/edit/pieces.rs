//! Connected pieces of a structure are kept, removed or given to another structure.
use super::{EditError, LabelEdit, block::Block, error::value_of};
use crate::volume::{Components, LabelMap, Structure, components};

/// Least distance from right to left between the two of a pair, mm; the cochleae of adults are about 50 apart.
const PAIR_APART_MM: f64 = 25.0;

/// Removes all but the largest piece (26-connected) of a structure. Of a structure with one on each side the largest piece of the other side
/// stays too: the largest whose middle lies at least 25 mm further left or right.
///
/// # Errors
/// When the map's table does not name the structure.
pub fn keep_largest(labels: &LabelMap, structure: Structure) -> Result<LabelEdit, EditError> {
    let name = format!("keep largest piece of {structure}");
    let Some(pieces) = Pieces::of(labels, structure)? else {
        return LabelEdit::new(name, labels, []);
    };
    let kept = pieces.largest(labels, structure.is_paired());
    let removed = pieces.voxels(|number| !kept.contains(&number));
    LabelEdit::new(name, labels, removed.map(|index| (index, 0)))
}

/// Removes all of a structure but the piece (26-connected) at a voxel.
///
/// # Errors
/// When the voxel does not belong to the structure, or the map's table does not name it.
pub fn keep_piece(
    labels: &LabelMap,
    structure: Structure,
    voxel: [usize; 3],
) -> Result<LabelEdit, EditError> {
    let (pieces, kept) = Pieces::at(labels, structure, voxel)?;
    let removed = pieces.voxels(|number| number != kept);
    let name = format!("keep one piece of {structure}");
    LabelEdit::new(name, labels, removed.map(|index| (index, 0)))
}

/// Removes the piece (26-connected) of a structure at a voxel.
///
/// # Errors
/// When the voxel does not belong to the structure, or the map's table does not name it.
pub fn remove_piece(
    labels: &LabelMap,
    structure: Structure,
    voxel: [usize; 3],
) -> Result<LabelEdit, EditError> {
    let (pieces, piece) = Pieces::at(labels, structure, voxel)?;
    let removed = pieces.voxels(|number| number == piece);
    let name = format!("remove piece of {structure}");
    LabelEdit::new(name, labels, removed.map(|index| (index, 0)))
}

/// Gives voxels of one structure to another: the piece (26-connected) at a voxel, or all when that is `None`.
///
/// # Errors
/// When the voxel does not belong to the first structure, or the map's table does not name both.
pub fn move_to(
    labels: &LabelMap,
    from: Structure,
    to: Structure,
    piece_at: Option<[usize; 3]>,
) -> Result<LabelEdit, EditError> {
    let new = value_of(labels, to)?;
    let (name, moved): (String, Vec<usize>) = if let Some(voxel) = piece_at {
        let (pieces, piece) = Pieces::at(labels, from, voxel)?;
        let moved = pieces.voxels(|number| number == piece).collect();
        (format!("piece of {from} to {to}"), moved)
    } else {
        let old = value_of(labels, from)?;
        let voxels = labels.labels().iter().enumerate();
        let moved = voxels.filter(|(_, l)| **l == old).map(|(index, _)| index);
        (format!("{from} to {to}"), moved.collect())
    };
    LabelEdit::new(name, labels, moved.into_iter().map(|index| (index, new)))
}

/// The pieces of a structure in the box that holds it.
struct Pieces {
    block: Block,
    found: Components,
}

impl Pieces {
    /// `None` when the structure is absent.
    fn of(labels: &LabelMap, structure: Structure) -> Result<Option<Self>, EditError> {
        let value = value_of(labels, structure)?;
        Ok(labels.bounds(structure).map(|bounds| {
            let block = Block::new(labels.grid(), bounds, [0; 3]);
            let mask = block.mask(labels.labels(), value);
            Self {
                block,
                found: components(&mask, block.shape()),
            }
        }))
    }

    /// The pieces and the number of the one at a voxel.
    fn at(
        labels: &LabelMap,
        structure: Structure,
        voxel: [usize; 3],
    ) -> Result<(Self, u32), EditError> {
        let none = EditError::NotThere(structure);
        let Some(pieces) = Self::of(labels, structure)? else {
            return Err(none);
        };
        let number = pieces
            .block
            .position(voxel)
            .map_or(0, |at| pieces.found.component[at]);
        if number == 0 {
            return Err(none);
        }
        Ok((pieces, number))
    }

    /// Positions in memory of the voxels of the pieces that are wanted.
    fn voxels(&self, wanted: impl Fn(u32) -> bool) -> impl Iterator<Item = usize> {
        let numbered = self.found.component.iter().enumerate();
        numbered
            .filter(move |(_, number)| **number != 0 && wanted(**number))
            .map(|(at, _)| self.block.index(at))
    }

    /// The largest piece, and of a pair the largest of the other side.
    fn largest(&self, labels: &LabelMap, paired: bool) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.found.sizes.len()).collect();
        order.sort_by_key(|&n| std::cmp::Reverse(self.found.sizes[n]));
        let Some(&first) = order.first() else {
            return Vec::new();
        };
        let mut kept = vec![first as u32 + 1];
        if paired {
            let middles = self.middles_right_mm(labels);
            let apart = |n: &&usize| (middles[**n] - middles[first]).abs() >= PAIR_APART_MM;
            kept.extend(order.iter().find(apart).map(|&n| n as u32 + 1));
        }
        kept
    }

    /// How far right the middle of each piece lies, RAS mm.
    fn middles_right_mm(&self, labels: &LabelMap) -> Vec<f64> {
        let mut sums = vec![0.0; self.found.sizes.len()];
        for (at, &number) in self.found.component.iter().enumerate() {
            if number != 0 {
                sums[number as usize - 1] += labels.grid().point_in_world(self.block.voxel(at)).x;
            }
        }
        let sizes = self.found.sizes.iter();
        sums.iter().zip(sizes).map(|(s, &n)| s / n as f64).collect()
    }
}
