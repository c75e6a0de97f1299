//! Slices between drawn ones are filled in.
use super::{EditError, LabelEdit, error::value_of, slice::in_slice_axes};
use crate::volume::{LabelMap, Structure, distance_to_mask_mm};
use std::array::from_fn;

/// Fills the gaps between slices of a voxel axis on which a structure was drawn: each voxel's signed distance from the outline, mm, is interpolated
/// between the two drawn slices next to it (Raya and Udupa 1990, doi:10.1109/42.52980). Only background is filled; drawn slices stay as they
/// are. Outlines that do not overlap, seen along the axis, leave a gap, as there is no telling how they are joined.
///
/// # Errors
/// When the axis does not exist or the map's table does not name the structure.
pub fn fill_between_slices(
    labels: &LabelMap,
    structure: Structure,
    axis: usize,
) -> Result<LabelEdit, EditError> {
    let value = value_of(labels, structure)?;
    if axis > 2 {
        return Err(EditError::Axis(axis));
    }
    let mut changes = Vec::new();
    if let Some(bounds) = labels.bounds(structure) {
        let slices = Slices::new(labels, value, axis, bounds);
        let [first, last] = bounds[axis];
        let drawn: Vec<usize> = (first..=last).filter(|&s| slices.is_drawn(s)).collect();
        for (&low, &high) in drawn.iter().zip(drawn.iter().skip(1)) {
            if high - low > 1 {
                slices.fill(low, high, &mut changes)?;
            }
        }
    }
    let name = format!("fill between slices of {structure}");
    LabelEdit::new(name, labels, changes)
}

/// The slices of an axis, as far as the structure reaches in any of them.
struct Slices<'a> {
    labels: &'a LabelMap,
    value: u8,
    /// The axes within a slice.
    across: [usize; 2],
    /// First voxel along them.
    low: [usize; 2],
    /// Voxels along them.
    size: [usize; 2],
}

impl<'a> Slices<'a> {
    fn new(labels: &'a LabelMap, value: u8, axis: usize, bounds: [[usize; 2]; 3]) -> Self {
        let across = in_slice_axes(axis);
        Self {
            labels,
            value,
            across,
            low: across.map(|a| bounds[a][0]),
            size: across.map(|a| bounds[a][1] - bounds[a][0] + 1),
        }
    }

    /// Positions in memory of the voxels of a slice, with their places in it.
    fn voxels(&self, slice: usize) -> impl Iterator<Item = ([usize; 2], usize)> {
        let [width, height] = self.size;
        (0..width * height).map(move |at| {
            let place = [at % width, at / width];
            let mut voxel = [slice; 3];
            (0..2).for_each(|n| voxel[self.across[n]] = self.low[n] + place[n]);
            (place, self.labels.grid().index(voxel))
        })
    }

    fn is_drawn(&self, slice: usize) -> bool {
        let labels = self.labels.labels();
        self.voxels(slice)
            .any(|(_, index)| labels[index] == self.value)
    }

    /// Distance from the outline in mm, negative inside, for each voxel of [`Slices::voxels`].
    fn signed_mm(&self, slice: usize) -> Result<Vec<f32>, EditError> {
        // A frame of background, so that an outline is closed where it touches the box.
        let [width, height] = self.size.map(|n| n + 2);
        let mut mask = vec![false; width * height];
        let framed = |[u, v]: [usize; 2]| u + 1 + width * (v + 1);
        for (place, index) in self.voxels(slice) {
            mask[framed(place)] = self.labels.labels()[index] == self.value;
        }
        let spacing = self.labels.grid().spacing_mm();
        let spacing: [f64; 3] = from_fn(|n| self.across.get(n).map_or(1.0, |&a| spacing[a]));
        let shape = [width, height, 1];
        let outside = distance_to_mask_mm(&mask, shape, spacing)?;
        let rest: Vec<bool> = mask.iter().map(|m| !m).collect();
        let inside = distance_to_mask_mm(&rest, shape, spacing)?;
        // Distances run to the centres of voxels; the outline lies half a voxel before them.
        let half = (0.5 * spacing[0].min(spacing[1])) as f32;
        let from_outline = |distance: f32| (distance - half).max(0.0);
        Ok(self
            .voxels(slice)
            .map(|(place, _)| {
                let at = framed(place);
                from_outline(outside[at]) - from_outline(inside[at])
            })
            .collect())
    }

    /// The voxels to fill between two drawn slices.
    fn fill(
        &self,
        low: usize,
        high: usize,
        changes: &mut Vec<(usize, u8)>,
    ) -> Result<(), EditError> {
        let (below, above) = (self.signed_mm(low)?, self.signed_mm(high)?);
        let labels = self.labels.labels();
        for slice in low + 1..high {
            let t = (slice - low) as f32 / (high - low) as f32;
            for ((_, index), (b, a)) in self.voxels(slice).zip(below.iter().zip(&above)) {
                if labels[index] == 0 && b + (a - b) * t < 0.0 {
                    changes.push((index, self.value));
                }
            }
        }
        Ok(())
    }
}
