//! Activations in blocks of channels, and the memory they live in.

/// Sixteen floats on a cache line of their own, so that no vector straddles two.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Floats that begin on a cache line.
#[derive(Debug, Clone, Default)]
pub(super) struct Aligned(Vec<Line>);

impl Aligned {
    pub(super) fn zeros(len: usize) -> Self {
        Self(vec![bytemuck::Zeroable::zeroed(); len.div_ceil(16)])
    }

    pub(super) fn values(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    /// Makes room for so many floats; what they hold is not defined.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.0.len() * 16 < len {
            *self = Self::zeros(len);
        }
    }
}

/// Memory that layers hand on to later ones: fresh pages cost as much time as a pass over them.
#[derive(Debug, Default)]
pub(super) struct Pool(Vec<Aligned>);

impl Pool {
    /// Memory for at least so many floats; what they hold is not defined.
    pub(super) fn take(&mut self, len: usize) -> Aligned {
        let fitting = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, a)| a.values().len() >= len);
        let smallest = fitting
            .min_by_key(|(_, a)| a.values().len())
            .map(|(n, _)| n);
        match smallest {
            Some(n) => self.0.swap_remove(n),
            None => Aligned::zeros(len),
        }
    }

    pub(super) fn give(&mut self, memory: Aligned) {
        self.0.push(memory);
    }
}

/// What normalisation and activation will make of a channel when its values are read: `max(t, slope * t)` of `t = scale * value + shift`.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    /// 0 to 1.
    pub(super) slope: f32,
}

impl Pending {
    /// Leaves values as they are.
    pub(super) fn nothing(channels: usize) -> Self {
        Self {
            scale: vec![1.0; channels],
            shift: vec![0.0; channels],
            slope: 1.0,
        }
    }
}

/// One image as `[block of channels][depth][height][width][channel of the block]`, with what is still to be done to its values. Channels
/// beyond the last read as zero.
#[derive(Debug)]
pub(super) struct Blocked {
    pub(super) memory: Aligned,
    pub(super) channels: usize,
    /// Depth, height, width.
    pub(super) size: [usize; 3],
    /// Channels of a block.
    pub(super) lanes: usize,
    pub(super) pending: Pending,
}

impl Blocked {
    pub(super) fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    pub(super) fn block_len(&self) -> usize {
        self.size.iter().product::<usize>() * self.lanes
    }
}

/// Where a convolution reads: the image as it comes, or what layers before it left.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// `[channel][depth][height][width]`.
    Planar {
        values: &'a [f32],
        channels: usize,
        size: [usize; 3],
    },
    Blocked(&'a Blocked),
}

impl Source<'_> {
    pub(super) fn size(&self) -> [usize; 3] {
        match self {
            Self::Planar { size, .. } => *size,
            Self::Blocked(b) => b.size,
        }
    }

    pub(super) fn channels(&self) -> usize {
        match self {
            Self::Planar { channels, .. } => *channels,
            Self::Blocked(b) => b.channels,
        }
    }

    /// Channels with those that fill the last block up.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Planar { channels, .. } => *channels,
            Self::Blocked(b) => b.blocks() * b.lanes,
        }
    }
}
