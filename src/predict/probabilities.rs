//! How sure a model is of each voxel, beside the labels that it gives.
use crate::volume::{Grid, LabelMap, Structure, Volume, Voxels, components};
use std::collections::BTreeMap;

/// Below this a probability is stored as 0: half a step of what a fractional segmentation can tell apart.
const LEAST: f32 = 0.5 / 255.0;

/// Probabilities of structures on a scan's own grid. Only the box of each is held, beyond which it is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    grid: Grid,
    boxes: BTreeMap<Structure, Boxed>,
}

#[derive(Debug, Clone, PartialEq)]
struct Boxed {
    low: [usize; 3],
    shape: [usize; 3],
    values: Vec<f32>,
}

impl Boxed {
    /// Position in memory of each value on the grid that the box is of.
    fn places(&self, grid: &Grid) -> impl Iterator<Item = usize> + use<> {
        let (low, shape, grid) = (self.low, self.shape, *grid);
        (0..shape[2]).flat_map(move |k| {
            (0..shape[1]).flat_map(move |j| {
                let first = grid.index([low[0], low[1] + j, low[2] + k]);
                first..first + shape[0]
            })
        })
    }
}

impl Probabilities {
    /// Where the voxels lie: the scan's own grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The structures that it tells of.
    pub fn structures(&self) -> impl Iterator<Item = Structure> {
        self.boxes.keys().copied()
    }

    /// Of each voxel of the scan, `i` fastest, 0 to 1; `None` of a structure that it does not tell of.
    pub fn of(&self, structure: Structure) -> Option<Vec<f32>> {
        let boxed = self.boxes.get(&structure)?;
        let mut whole = vec![0.0; self.grid.len()];
        for (place, value) in boxed.places(&self.grid).zip(&boxed.values) {
            whole[place] = *value;
        }
        Some(whole)
    }

    /// [`Self::of`] as a scan, to be written as a file.
    ///
    /// # Errors
    /// Those of [`Volume::new`]; never where the values fit the grid, as they do.
    pub fn volume(&self, structure: Structure) -> Option<Result<Volume, crate::volume::Error>> {
        let values = self.of(structure)?;
        Some(Volume::new(self.grid, Voxels::F32(values), 1.0, 0.0))
    }
}

/// Probabilities of the parts of a scan that a network looks at, put together.
#[derive(Debug)]
pub(super) struct Gathered {
    grid: Grid,
    parts: BTreeMap<Structure, Vec<Boxed>>,
}

impl Gathered {
    pub(super) fn new(grid: Grid) -> Self {
        Self {
            grid,
            parts: BTreeMap::new(),
        }
    }

    /// Adds a part whose first voxel is `low`; where parts overlap the larger probability counts.
    pub(super) fn add(&mut self, structure: Structure, low: [usize; 3], part: (&Grid, Vec<f32>)) {
        let (grid, mut values) = part;
        for value in &mut values {
            if *value < LEAST {
                *value = 0.0;
            }
        }
        // Where no ear was found there are hundreds of parts, most of them without anything.
        if let Some(mut boxed) = cut(grid, &values) {
            boxed.low = std::array::from_fn(|a| boxed.low[a] + low[a]);
            self.parts.entry(structure).or_default().push(boxed);
        }
    }

    fn whole(&self, parts: &[Boxed]) -> Vec<f32> {
        let mut whole = vec![0.0_f32; self.grid.len()];
        for part in parts {
            for (place, value) in part.places(&self.grid).zip(&part.values) {
                whole[place] = whole[place].max(value.clamp(0.0, 1.0));
            }
        }
        whole
    }

    /// What belongs to the labels that were told at last. `before` are those that the network alone gave: where anatomy took a structure back, and in pieces of which nothing was
    /// left, its probability is 0, so that no reader of them finds again what was taken back.
    pub(super) fn finish(self, before: &[u8], labels: &LabelMap) -> Probabilities {
        let mut boxes = BTreeMap::new();
        // One structure at a time: a scan's worth of memory, not five.
        for (&structure, parts) in &self.parts {
            let mut values = self.whole(parts);
            let told = labels.table().value(structure);
            let is = |label: &u8| Some(*label) == told;
            for ((value, before), label) in values.iter_mut().zip(before).zip(labels.labels()) {
                if *value < LEAST || (is(before) && !is(label)) {
                    *value = 0.0;
                }
            }
            let there: Vec<bool> = values.iter().map(|v| *v > 0.0).collect();
            let pieces = components(&there, self.grid.shape());
            let mut kept = vec![false; pieces.sizes.len() + 1];
            for (piece, label) in pieces.component.iter().zip(labels.labels()) {
                kept[*piece as usize] |= is(label);
            }
            kept[0] = false;
            for (value, piece) in values.iter_mut().zip(&pieces.component) {
                if !kept[*piece as usize] {
                    *value = 0.0;
                }
            }
            if let Some(boxed) = cut(&self.grid, &values) {
                boxes.insert(structure, boxed);
            }
        }
        Probabilities {
            grid: self.grid,
            boxes,
        }
    }
}

/// The smallest box about what is not 0; `None` where all is.
fn cut(grid: &Grid, values: &[f32]) -> Option<Boxed> {
    let (mut low, mut high) = (grid.shape(), [0; 3]);
    for (place, _) in values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
        for (a, at) in grid.voxel(place).into_iter().enumerate() {
            low[a] = low[a].min(at);
            high[a] = high[a].max(at + 1);
        }
    }
    if (0..3).any(|a| high[a] <= low[a]) {
        return None;
    }
    let mut boxed = Boxed {
        low,
        shape: std::array::from_fn(|a| high[a] - low[a]),
        values: Vec::new(),
    };
    boxed.values = boxed.places(grid).map(|place| values[place]).collect();
    Some(boxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::LabelTable;
    use glam::DVec3;

    const TUMOUR: Structure = Structure::VestibularSchwannoma;

    #[test]
    fn what_anatomy_took_back_has_no_probability_and_the_rest_keeps_its_own() {
        let grid = Grid::axis_aligned([10, 2, 2], [1.0; 3], DVec3::ZERO).unwrap();
        let row = [0.0, 0.3, 0.9, 0.4, 0.001, 0.0, 0.2, 0.8, 0.2, 0.0];
        let mut gathered = Gathered::new(grid);
        let part = grid.cropped([0, 1, 0], [10, 1, 2]).unwrap();
        let values = [row, row].concat();
        gathered.add(TUMOUR, [0, 1, 0], (&part, values));
        // The network's own labels have both pieces, the last ones the left alone.
        let at = |places: &[usize]| -> Vec<u8> {
            let mut labels = vec![0; grid.len()];
            for k in 0..2 {
                for i in places {
                    labels[grid.index([*i, 1, k])] = 1;
                }
            }
            labels
        };
        let (before, after) = (at(&[2, 7]), at(&[2]));
        let labels = LabelMap::new(grid, after, LabelTable::default()).unwrap();
        let found = gathered.finish(&before, &labels);
        assert_eq!(found.structures().collect::<Vec<_>>(), [TUMOUR]);
        let whole = found.of(TUMOUR).unwrap();
        assert_eq!(whole.len(), grid.len());
        for k in 0..2 {
            let told: Vec<f32> = (0..10).map(|i| whole[grid.index([i, 1, k])]).collect();
            assert_eq!(told, [0.0, 0.3, 0.9, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
            assert!((0..10).all(|i| whole[grid.index([i, 0, k])] == 0.0));
        }
        assert_eq!(found.boxes[&TUMOUR].shape, [3, 1, 2]);
        assert_eq!(found.of(Structure::Cochlea), None);
    }
}
