//! Which shapes a convolution takes and gives.

/// Sizes of a convolution. Triples are depth, height, width; `width` is fastest in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Images of the batch.
    pub(super) batch: usize,
    /// Channels of the input.
    pub(super) in_channels: usize,
    /// Channels of the output.
    pub(super) out_channels: usize,
    /// Voxels of the input.
    pub(super) input: [usize; 3],
    /// Taps of the kernel.
    pub(super) kernel: [usize; 3],
    /// Voxels of the output.
    pub(super) output: [usize; 3],
    /// Steps between output voxels.
    pub(super) stride: [usize; 3],
    /// Zeros before and after the input.
    pub(super) padding: [usize; 3],
}

impl Geometry {
    /// The geometry of `input` (`N, C, D, H, W`) under `weight` (`O, C, D, H, W`). `None` when the shapes do not fit together, something is
    /// empty, the kernel is larger than the padded input, or the padding is not smaller than the kernel.
    pub(super) fn new(
        input: &[usize],
        weight: &[usize],
        stride: [usize; 3],
        padding: [usize; 3],
    ) -> Option<Self> {
        let (&[batch, in_channels, d, h, w], &[out_channels, weight_channels, kd, kh, kw]) =
            (input, weight)
        else {
            return None;
        };
        let (input, kernel) = ([d, h, w], [kd, kh, kw]);
        let any_empty = [batch, in_channels, out_channels].contains(&0)
            || input.contains(&0)
            || kernel.contains(&0)
            || stride.contains(&0);
        if any_empty || in_channels != weight_channels {
            return None;
        }
        let mut output = [0; 3];
        for axis in 0..3 {
            let room = (input[axis] + 2 * padding[axis]).checked_sub(kernel[axis])?;
            if padding[axis] >= kernel[axis] {
                return None;
            }
            output[axis] = room / stride[axis] + 1;
        }
        Some(Self {
            batch,
            in_channels,
            out_channels,
            input,
            kernel,
            output,
            stride,
            padding,
        })
    }

    /// Shape of the output, `N, O, D, H, W`.
    pub(super) fn output_shape(&self) -> [usize; 5] {
        let [d, h, w] = self.output;
        [self.batch, self.out_channels, d, h, w]
    }

    /// Taps of one input channel.
    pub(super) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}
