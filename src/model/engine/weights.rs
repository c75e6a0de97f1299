//! Weights in the order in which the kernels read them.
use super::kernel::GROUP;
use super::tensor::Aligned;

/// Weights by groups of output blocks, each `[tap or point][input channel][output channel of the group]`.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) groups: Vec<Group>,
    pub(super) values: Aligned,
}

/// One group: its first block, its blocks, and where its weights begin and end.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) first: usize,
    pub(super) blocks: usize,
    pub(super) weights: std::ops::Range<usize>,
}

impl Packed {
    /// `weight(o, row)` is the weight of output channel `o` and row `row`, a tap or point of an input channel.
    pub(super) fn new(
        outputs: usize,
        rows: usize,
        lanes: usize,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let blocks = outputs.div_ceil(lanes);
        let mut values = Aligned::zeros(blocks * lanes * rows);
        let mut groups = Vec::new();
        let mut start = 0;
        for first in (0..blocks).step_by(GROUP) {
            let count = GROUP.min(blocks - first);
            let width = count * lanes;
            let end = start + rows * width;
            let to = &mut values.values_mut()[start..end];
            for (row, to) in to.chunks_exact_mut(width).enumerate() {
                for (n, to) in to.iter_mut().enumerate() {
                    let o = first * lanes + n;
                    if o < outputs {
                        *to = weight(o, row);
                    }
                }
            }
            groups.push(Group {
                first,
                blocks: count,
                weights: start..end,
            });
            start = end;
        }
        Self { groups, values }
    }

    pub(super) fn of(&self, group: &Group) -> &[f32] {
        &self.values.values()[group.weights.clone()]
    }
}

/// A convolution's weights as they come: `O, C, D, H, W`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) values: &'a [f32],
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) kernel: [usize; 3],
}

impl Weights<'_> {
    pub(super) fn at(&self, o: usize, c: usize, tap: usize) -> f32 {
        let taps: usize = self.kernel.iter().product();
        self.values[(o * self.inputs + c) * taps + tap]
    }
}
