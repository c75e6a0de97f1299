//! The inner loops of the direct convolution, in registers, for the vector unit that the processor has.
//!
//! Both kernels walk over *taps*: offsets into a scratch area of zero-padded input rows. One tap is one position of the convolution
//! kernel in one input channel, so strides and kernel sizes are no concern of the code here.
#![expect(
    unsafe_code,
    reason = "std::arch loads and stores take pointers; the safe functions at the end check every bound first"
)]
#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined into its caller does not get the caller's instruction set"
)]

use super::super::lanes::Lanes;
use std::fmt;

/// A vector instruction set with kernels of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// 16 floats at a time (x86-64 with `avx512f`).
    Avx512,
    /// 8 floats at a time (x86-64 with `avx2` and `fma`).
    Avx2,
    /// Plain Rust, four floats at a time; what other processors run.
    Portable,
}

impl Isa {
    /// All that this processor can run, best first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::with_capacity(3);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
        }
        found.push(Self::Portable);
        found
    }

    /// The best that this processor can run.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// Itself, if the processor has it; the detection is cached by the standard library.
    ///
    /// # Panics
    /// When the processor has it not.
    pub(in crate::model) fn supported(self) -> Self {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => assert!(is_x86_feature_detected!("avx512f")),
            Self::Avx2 => {
                assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
            }
            Self::Portable => {}
        }
        #[cfg(not(target_arch = "x86_64"))]
        assert!(self == Self::Portable);
        self
    }

    /// Floats in a vector.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Portable => 4,
        }
    }

    /// Output channels that one call of [`forward_tile`] computes.
    pub const fn forward_channels(self) -> usize {
        match self {
            Self::Avx512 => 8,
            Self::Avx2 | Self::Portable => 4,
        }
    }

    /// Most vectors of output columns that one call of [`forward_tile`] computes.
    pub const fn forward_vectors(self) -> usize {
        match self {
            Self::Avx512 => 3,
            Self::Avx2 | Self::Portable => 2,
        }
    }

    /// Output channels and taps that one call of [`weight_tile`] computes.
    pub const fn weight_block(self) -> (usize, usize) {
        match self {
            Self::Avx512 => (8, 3),
            Self::Avx2 | Self::Portable => (4, 2),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Portable => "portable",
        })
    }
}

/// Floats of the largest tile that [`forward_tile`] fills.
pub(super) const LARGEST_TILE: usize = 8 * 3 * 16;
/// Values of the largest block that [`weight_tile`] fills.
pub(super) const LARGEST_BLOCK: usize = 8 * 3;
/// Lanes of the widest vector.
const LARGEST_LANES: usize = 16;

/// What a forward tile reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct ForwardTile<'a> {
    /// Zero-padded input rows; the first output column's first input stands at 0.
    pub(super) rows: &'a [f32],
    /// Input channels.
    pub(super) channels: usize,
    /// Distance between two channels in `rows`.
    pub(super) channel_stride: usize,
    /// Offsets of the taps within a channel.
    pub(super) taps: &'a [usize],
    /// Weights as `[input channel][tap][output channel of the block]`.
    pub(super) weights: &'a [f32],
}

/// # Safety
/// The processor has the instruction set of `V`; `tile` was checked by [`forward_tile`] for `CB` channels and `NV` vectors; `out` is valid
/// for `CB * NV * V::N` floats.
#[inline(always)]
unsafe fn forward<V: Lanes, const CB: usize, const NV: usize>(
    tile: &ForwardTile<'_>,
    out: *mut f32,
) {
    // SAFETY: the largest offset read is `(channels - 1) * channel_stride + max(taps) + NV * V::N - 1`, the largest weight
    // `channels * taps * CB - 1`; both lie inside the slices by the caller's check.
    unsafe {
        let mut sums = [[V::zero(); NV]; CB];
        let mut weight = tile.weights.as_ptr();
        for channel in 0..tile.channels {
            let row = tile.rows.as_ptr().add(channel * tile.channel_stride);
            for &tap in tile.taps {
                let mut x = [V::zero(); NV];
                for v in 0..NV {
                    x[v] = V::load(row.add(tap + v * V::N));
                }
                for b in 0..CB {
                    let w = V::splat(weight.add(b));
                    for v in 0..NV {
                        sums[b][v] = sums[b][v].add_product(x[v], w);
                    }
                }
                weight = weight.add(CB);
            }
        }
        for b in 0..CB {
            for v in 0..NV {
                sums[b][v].store(out.add((b * NV + v) * V::N));
            }
        }
    }
}

/// What a block of the weight gradient reads: one row block of the output gradient and the input rows below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightTile<'a> {
    /// Zero-padded input rows.
    pub(super) rows: &'a [f32],
    /// Distance in `rows` between the inputs of two output rows.
    pub(super) row_stride: usize,
    /// Offsets of the taps, channel included.
    pub(super) taps: &'a [usize],
    /// Output gradient as `[output channel of the block][row][column]`, rows padded with zeros to whole vectors.
    pub(super) gradient: &'a [f32],
    /// Output rows.
    pub(super) row_count: usize,
    /// Columns of a row of `gradient`; whole vectors.
    pub(super) columns: usize,
}

/// # Safety
/// As [`forward`]; the tile was checked by [`weight_tile`], `out` is valid for `CB * NT * V::N` floats.
#[inline(always)]
unsafe fn weight<V: Lanes, const CB: usize, const NT: usize>(tile: &WeightTile<'_>, out: *mut f32) {
    // SAFETY: the largest offset read in `rows` is `(row_count - 1) * row_stride + max(taps) + columns - 1`, in `gradient`
    // `CB * row_count * columns - 1`, in `taps` `NT - 1`; all lie inside the slices by the caller's check.
    unsafe {
        let mut sums = [[V::zero(); NT]; CB];
        for row in 0..tile.row_count {
            let x = tile.rows.as_ptr().add(row * tile.row_stride);
            let g = tile.gradient.as_ptr().add(row * tile.columns);
            let mut column = 0;
            while column < tile.columns {
                let mut gradient = [V::zero(); CB];
                for b in 0..CB {
                    gradient[b] = V::load(g.add(b * tile.row_count * tile.columns + column));
                }
                for t in 0..NT {
                    let value = V::load(x.add(*tile.taps.get_unchecked(t) + column));
                    for b in 0..CB {
                        sums[b][t] = sums[b][t].add_product(value, gradient[b]);
                    }
                }
                column += V::N;
            }
        }
        for b in 0..CB {
            for t in 0..NT {
                sums[b][t].store(out.add((b * NT + t) * V::N));
            }
        }
    }
}

/// Instances of a kernel with the instruction set switched on for the whole function, so that everything is inlined into it.
macro_rules! instance {
    ($name:ident, $kernel:ident, $tile:ident, $feature:literal, $vector:ty, $a:literal, $b:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        unsafe fn $name(tile: &$tile<'_>, out: *mut f32) {
            // SAFETY: the caller upholds the kernel's contract; the attribute gives the instruction set.
            unsafe { $kernel::<$vector, $a, $b>(tile, out) }
        }
    };
}
instance!(
    forward_512_1,
    forward,
    ForwardTile,
    "avx512f",
    std::arch::x86_64::__m512,
    8,
    1
);
instance!(
    forward_512_2,
    forward,
    ForwardTile,
    "avx512f",
    std::arch::x86_64::__m512,
    8,
    2
);
instance!(
    forward_512_3,
    forward,
    ForwardTile,
    "avx512f",
    std::arch::x86_64::__m512,
    8,
    3
);
instance!(
    forward_256_1,
    forward,
    ForwardTile,
    "avx2,fma",
    std::arch::x86_64::__m256,
    4,
    1
);
instance!(
    forward_256_2,
    forward,
    ForwardTile,
    "avx2,fma",
    std::arch::x86_64::__m256,
    4,
    2
);
instance!(
    weight_512,
    weight,
    WeightTile,
    "avx512f",
    std::arch::x86_64::__m512,
    8,
    3
);
instance!(
    weight_256,
    weight,
    WeightTile,
    "avx2,fma",
    std::arch::x86_64::__m256,
    4,
    2
);

/// Computes `vectors × lanes` output columns of one row for [`Isa::forward_channels`] output channels into `out`, as
/// `[output channel][column]`.
///
/// # Panics
/// When a slice is too short for what would be read, or `isa` is not [available](Isa::available).
pub(super) fn forward_tile(
    isa: Isa,
    vectors: usize,
    tile: &ForwardTile<'_>,
    out: &mut [f32; LARGEST_TILE],
) {
    let width = vectors * isa.lanes();
    let last_tap = tile.taps.iter().copied().max().unwrap_or(0);
    assert!((1..=isa.forward_vectors()).contains(&vectors));
    assert!(tile.channels > 0 && !tile.taps.is_empty());
    assert!((tile.channels - 1) * tile.channel_stride + last_tap + width <= tile.rows.len());
    assert!(tile.channels * tile.taps.len() * isa.forward_channels() <= tile.weights.len());
    let out = out.as_mut_ptr();
    // SAFETY: bounds were checked above; `out` holds the largest tile. An `Isa` other than portable reaches this only after the
    // processor was asked, see `supported`.
    unsafe {
        match (isa.supported(), vectors) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, 1) => forward_512_1(tile, out),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, 2) => forward_512_2(tile, out),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, _) => forward_512_3(tile, out),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, 1) => forward_256_1(tile, out),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, _) => forward_256_2(tile, out),
            (_, 1) => forward::<[f32; 4], 4, 1>(tile, out),
            _ => forward::<[f32; 4], 4, 2>(tile, out),
        }
    }
}

/// Sums, over a block of output rows, the products of output gradient and input for [`Isa::weight_block`] output channels and taps into
/// `out`, as `[output channel][tap]`.
///
/// # Panics
/// As [`forward_tile`].
pub(super) fn weight_tile(isa: Isa, tile: &WeightTile<'_>, out: &mut [f32; LARGEST_BLOCK]) {
    let (channels, taps) = isa.weight_block();
    assert!(tile.taps.len() == taps && tile.row_count > 0);
    assert!(tile.columns > 0 && tile.columns.is_multiple_of(isa.lanes()));
    let last_tap = tile.taps.iter().copied().max().unwrap_or(0);
    assert!((tile.row_count - 1) * tile.row_stride + last_tap + tile.columns <= tile.rows.len());
    assert!(channels * tile.row_count * tile.columns <= tile.gradient.len());
    let mut lanes = [0.0; LARGEST_BLOCK * LARGEST_LANES];
    let to = lanes.as_mut_ptr();
    // SAFETY: as in `forward_tile`.
    unsafe {
        match isa.supported() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => weight_512(tile, to),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => weight_256(tile, to),
            _ => weight::<[f32; 4], 4, 2>(tile, to),
        }
    }
    for (sum, lanes) in out
        .iter_mut()
        .zip(lanes.chunks_exact(isa.lanes()))
        .take(channels * taps)
    {
        // Four running sums: the compiler may not reorder the additions of one.
        let mut parts = [0.0_f32; 4];
        for lanes in lanes.chunks_exact(4) {
            parts.iter_mut().zip(lanes).for_each(|(p, l)| *p += l);
        }
        *sum = parts.iter().sum();
    }
}
