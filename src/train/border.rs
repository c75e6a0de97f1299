//! How much each voxel counts in the cross-entropy: by its class, and by whether it lies at a border.
use super::loss::UNKNOWN;
use crate::predict::Plan;
use crate::volume::{LabelTable, Structure};

/// Voxels within this distance of a border count as lying at it, mm, rounded to voxels along each axis.
const BAND_MM: f64 = 1.0;

/// What decides how much a voxel counts.
#[derive(Debug, Clone)]
pub(super) struct Weighing {
    /// For each class the structure whose border matters: 1 the tumour, 2 the cochlea; 0 for the rest.
    structures: Vec<u8>,
    /// How much more a voxel at such a border counts.
    border: f32,
    /// Voxels of an example along the axes, the last of them fastest: superior, anterior, right.
    shape: [usize; 3],
    /// Half the width of the band along these axes, voxels.
    reach: [usize; 3],
}

impl Weighing {
    /// Of a plan's examples, with `border` times the weight at the borders of tumour and cochlea. Both sides of a border count alike, so that
    /// it moves neither way: weights of classes move it, to the side of the class that counts less.
    pub(super) fn new(plan: &Plan, border: f32) -> Self {
        let table = LabelTable::default();
        let values = [Structure::VestibularSchwannoma, Structure::Cochlea].map(|s| table.value(s));
        // A localiser has no structures.
        let labels = plan.class_labels().unwrap_or_default();
        let structure = |label: &u8| {
            let place = values.iter().position(|v| *v == Some(*label));
            place.map_or(0, |n| n as u8 + 1)
        };
        let mut structures: Vec<u8> = labels.iter().map(structure).collect();
        structures.resize(plan.classes.len(), 0);
        let [w, h, d] = plan.patch;
        let [x, y, z] = plan.spacing_mm.map(|mm| (BAND_MM / mm).round() as usize);
        Self {
            structures,
            border,
            shape: [d, h, w],
            reach: [z, y, x],
        }
    }

    /// The weight of each voxel of the examples whose labels follow each other; what is unknown gets some weight that does not matter.
    pub(super) fn weights(&self, labels: &[u8], of_class: &[f32]) -> Vec<f32> {
        let mut weights = of_classes(labels, of_class);
        if self.border <= 1.0 {
            return weights;
        }
        let len = self.shape.iter().product();
        let examples = labels.chunks_exact(len).zip(weights.chunks_exact_mut(len));
        for (labels, weights) in examples {
            // What is unknown is no border to anything: it is neither the least nor the most.
            let filtered = |unknown: u8, of: fn(u8, u8) -> u8| {
                let structure = |l: &u8| match *l {
                    UNKNOWN => unknown,
                    l => self.structures.get(usize::from(l)).copied().unwrap_or(0),
                };
                self.filtered(labels.iter().map(structure).collect(), of)
            };
            let (least, most) = (filtered(u8::MAX, u8::min), filtered(0, u8::max));
            for ((weight, least), most) in weights.iter_mut().zip(least).zip(most) {
                if least < most {
                    *weight *= self.border;
                }
            }
        }
        weights
    }

    /// What `of` makes of all values within reach, axis by axis.
    fn filtered(&self, mut values: Vec<u8>, of: fn(u8, u8) -> u8) -> Vec<u8> {
        for axis in 0..3 {
            let stride: usize = self.shape[axis + 1..].iter().product();
            let count = self.shape[axis];
            let before = values.clone();
            for (at, value) in values.iter_mut().enumerate() {
                let along = at / stride % count;
                let low = along.saturating_sub(self.reach[axis]);
                let high = (along + self.reach[axis]).min(count - 1);
                let first = at - (along - low) * stride;
                *value = (0..=high - low)
                    .map(|n| before[first + n * stride])
                    .fold(*value, of);
            }
        }
        values
    }
}

/// The weight of each voxel's class.
pub(super) fn of_classes(labels: &[u8], of_class: &[f32]) -> Vec<f32> {
    let weight = |l: &u8| of_class.get(usize::from(*l)).copied().unwrap_or(1.0);
    labels.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::SegmenterTraining;

    #[test]
    fn both_sides_of_a_border_count_alike_and_nothing_beyond_a_millimetre() {
        let mut plan = SegmenterTraining::new("unused".into()).plan;
        plan.patch = [16, 8, 8];
        // The brainstem from x = 12 has a border too, but none that matters; the tumour's parts are one.
        let row = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 0, 0, 4, 4, 4, 4];
        let labels: Vec<u8> = row.repeat(2 * 8 * 8);
        let of_class = [1.0, 2.0, 2.0, 1.0, 3.0, 1.0, 1.0, 1.0];
        let weights = Weighing::new(&plan, 10.0).weights(&labels, &of_class);
        let expected = [
            1.0, 1.0, 10.0, 10.0, 20.0, 20.0, 2.0, 2.0, 20.0, 20.0, 10.0, 10.0, 3.0, 3.0, 3.0, 3.0,
        ];
        assert!(weights.chunks_exact(16).all(|row| row == expected));
        let plain = Weighing::new(&plan, 1.0).weights(&labels, &of_class);
        assert_eq!(plain, of_classes(&labels, &of_class));
        // A slice is a millimetre thick, half as many of them as voxels in the plane.
        let mut slab = vec![0; 16 * 8 * 8];
        slab[16 * 8 * 4..].fill(3);
        let weights = Weighing::new(&plan, 4.0).weights(&slab, &[1.0; 8]);
        let of_slices: Vec<f32> = weights.iter().step_by(16 * 8).copied().collect();
        assert_eq!(of_slices, [1.0, 1.0, 1.0, 4.0, 4.0, 1.0, 1.0, 1.0]);
        // Where it is unknown what lies beside a tumour, it is unknown whether a border does.
        let mut in_part: Vec<u8> = vec![UNKNOWN; 16 * 8 * 8];
        in_part[16 * 8 * 4..].fill(1);
        let weights = Weighing::new(&plan, 4.0).weights(&in_part, &[1.0; 8]);
        assert_eq!(weights, [1.0; 16 * 8 * 8]);
    }
}
