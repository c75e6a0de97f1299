//! 3D convolution and its input gradient on the CPU, computed directly: no column matrix is ever formed.
//!
//! A task owns a block of output rows over a few planes. It copies the input rows below them, zero-padded, into scratch memory that fits the
//! second-level cache, and lets the register kernels run over that. Planes live in a ring, so each is copied once per task.
use super::geometry::Geometry;
use super::kernel::{self, ForwardTile, Isa, LARGEST_TILE};
use rayon::prelude::*;

/// Input channels that are in scratch memory at a time.
pub(super) const CHANNEL_BLOCK: usize = 32;
/// Most output planes of one task, and tasks that a convolution is cut into where its size allows.
const PLANES: usize = 8;
const TASKS: usize = 16;

/// How padded input rows lie in scratch memory: `[channel][plane of the ring][row][column]`. With a stride along the width, the columns of
/// one phase stand side by side, so that neighbouring outputs read neighbouring inputs.
pub(super) struct Scratch {
    pub(super) geometry: Geometry,
    /// Output rows of a block.
    pub(super) block_rows: usize,
    /// Output planes of a task.
    pub(super) planes: usize,
    /// Output columns, rounded up to whole vectors.
    pub(super) columns: usize,
    /// Columns of one phase.
    pub(super) phase: usize,
    pub(super) row: usize,
    pub(super) plane: usize,
    pub(super) channel: usize,
}

impl Scratch {
    pub(super) fn new(geometry: Geometry, isa: Isa) -> Self {
        let columns = geometry.output[2].next_multiple_of(isa.lanes());
        // Enough work for a call of a kernel at every level of a network, little enough for the cache.
        let block_rows = (768 / columns).clamp(4, 16).min(geometry.output[1]);
        let phase = columns + (geometry.kernel[2] - 1) / geometry.stride[2];
        let row = phase * geometry.stride[2];
        let plane = row * ((block_rows - 1) * geometry.stride[1] + geometry.kernel[1]);
        let planes_of_blocks =
            geometry.batch * geometry.output[1].div_ceil(block_rows) * geometry.output[0];
        Self {
            geometry,
            block_rows,
            planes: (planes_of_blocks / TASKS).clamp(1, PLANES),
            columns,
            phase,
            row,
            plane,
            channel: plane * geometry.kernel[0],
        }
    }

    pub(super) fn blocks(&self) -> usize {
        self.geometry.output[1].div_ceil(self.block_rows)
    }

    /// Offsets of the kernel's taps within a channel, for an output plane.
    pub(super) fn taps(&self, plane: usize) -> Vec<usize> {
        let g = &self.geometry;
        let mut taps = Vec::with_capacity(g.taps());
        for z in 0..g.kernel[0] {
            let slot = (plane * g.stride[0] + z) % g.kernel[0];
            for y in 0..g.kernel[1] {
                for x in 0..g.kernel[2] {
                    let column = (x % g.stride[2]) * self.phase + x / g.stride[2];
                    taps.push(slot * self.plane + y * self.row + column);
                }
            }
        }
        taps
    }

    /// Copies one padded input plane (`padded_plane` counts from the first plane of padding) of some channels into its slot.
    pub(super) fn load(
        &self,
        to: &mut [f32],
        image: &[f32],
        channels: std::ops::Range<usize>,
        padded_plane: usize,
        first_row: usize,
    ) {
        let g = &self.geometry;
        let [depth, height, width] = g.input;
        let slot = padded_plane % g.kernel[0];
        let z = padded_plane
            .checked_sub(g.padding[0])
            .filter(|&z| z < depth);
        for (at, channel) in channels.enumerate() {
            let plane = &mut to[at * self.channel + slot * self.plane..][..self.plane];
            for (r, row) in plane.chunks_exact_mut(self.row).enumerate() {
                let y = (first_row * g.stride[1] + r).checked_sub(g.padding[1]);
                match (z, y.filter(|&y| y < height)) {
                    (Some(z), Some(y)) => {
                        let from = &image[((channel * depth + z) * height + y) * width..][..width];
                        self.load_row(row, from);
                    }
                    _ => row.fill(0.0),
                }
            }
        }
    }

    fn load_row(&self, row: &mut [f32], from: &[f32]) {
        let (stride, padding) = (self.geometry.stride[2], self.geometry.padding[2]);
        if stride == 1 {
            let count = from.len().min(row.len() - padding);
            row[..padding].fill(0.0);
            row[padding..padding + count].copy_from_slice(&from[..count]);
            row[padding + count..].fill(0.0);
            return;
        }
        for (first, phase) in row.chunks_exact_mut(self.phase).enumerate() {
            for (i, value) in phase.iter_mut().enumerate() {
                let x = (i * stride + first).checked_sub(padding);
                *value = x.and_then(|x| from.get(x)).copied().unwrap_or(0.0);
            }
        }
    }
}

/// The planes, counted from the first plane of padding, that output plane `plane` needs and that are not yet in the ring.
pub(super) fn new_planes(geometry: &Geometry, plane: usize, first: bool) -> std::ops::Range<usize> {
    let start = plane * geometry.stride[0];
    let end = start + geometry.kernel[0];
    let fresh = if first {
        geometry.kernel[0]
    } else {
        geometry.stride[0].min(geometry.kernel[0])
    };
    end - fresh..end
}

/// Weights as `[block of output channels][input channel][tap][output channel of the block]`, zero-padded.
fn pack_weights(weights: &[f32], g: &Geometry, block: usize) -> Vec<f32> {
    let (taps, blocks) = (g.taps(), g.out_channels.div_ceil(block));
    let mut packed = vec![0.0; blocks * g.in_channels * taps * block];
    for o in 0..g.out_channels {
        for c in 0..g.in_channels {
            for t in 0..taps {
                packed[((o / block * g.in_channels + c) * taps + t) * block + o % block] =
                    weights[(o * g.in_channels + c) * taps + t];
            }
        }
    }
    packed
}

/// One task of the forward pass: a block of rows over a few planes of one image, and the slices of the output it fills.
struct ForwardTask<'a> {
    image: usize,
    first_plane: usize,
    planes: usize,
    first_row: usize,
    /// Rows of the block, as `[output channel][plane]`.
    out: Vec<&'a mut [f32]>,
}

/// Cuts an output into tasks without sharing: every slice belongs to one task.
fn forward_tasks<'a>(out: &'a mut [f32], scratch: &Scratch) -> Vec<ForwardTask<'a>> {
    let g = &scratch.geometry;
    let [depth, height, width] = g.output;
    let (block_rows, planes) = (scratch.block_rows, scratch.planes);
    let (groups, blocks) = (depth.div_ceil(planes), scratch.blocks());
    let mut tasks: Vec<ForwardTask<'a>> = (0..g.batch * groups * blocks)
        .map(|t| ForwardTask {
            image: t / (groups * blocks),
            first_plane: t / blocks % groups * planes,
            planes: planes.min(depth - t / blocks % groups * planes),
            first_row: t % blocks * block_rows,
            out: Vec::new(),
        })
        .collect();
    // Memory order is image, channel, plane, row: so each task receives its slices channel by channel, plane by plane.
    for (at, plane) in out.chunks_mut(height * width).enumerate() {
        let (image, z) = (at / depth / g.out_channels, at % depth);
        for (block, rows) in plane.chunks_mut(block_rows * width).enumerate() {
            tasks[(image * groups + z / planes) * blocks + block]
                .out
                .push(rows);
        }
    }
    tasks
}

/// The convolution of `x` (`N, C, D, H, W`) with `weights` (`O, C, D, H, W`), as cross-correlation like everywhere in the field.
///
/// # Panics
/// When a slice does not have the geometry's length.
pub(super) fn forward(x: &[f32], weights: &[f32], g: &Geometry, isa: Isa) -> Vec<f32> {
    let image_len = g.in_channels * g.input.iter().product::<usize>();
    assert_eq!(x.len(), g.batch * image_len);
    assert_eq!(weights.len(), g.out_channels * g.in_channels * g.taps());
    let scratch = Scratch::new(*g, isa);
    let packed = pack_weights(weights, g, isa.forward_channels());
    let mut out = vec![0.0; g.output_shape().iter().product()];
    let tasks = forward_tasks(&mut out, &scratch);
    let room = g.in_channels.min(CHANNEL_BLOCK) * scratch.channel;
    tasks.into_par_iter().for_each_init(
        || vec![0.0; room],
        |rows, task| {
            let image = &x[task.image * image_len..][..image_len];
            run_forward(task, image, &packed, &scratch, rows, isa);
        },
    );
    out
}

fn run_forward(
    mut task: ForwardTask<'_>,
    image: &[f32],
    packed: &[f32],
    scratch: &Scratch,
    rows: &mut [f32],
    isa: Isa,
) {
    let g = &scratch.geometry;
    let block = isa.forward_channels();
    let weights_of_block = g.in_channels * g.taps() * block;
    for first in (0..g.in_channels).step_by(CHANNEL_BLOCK) {
        let channels = first..(first + CHANNEL_BLOCK).min(g.in_channels);
        for p in 0..task.planes {
            let plane = task.first_plane + p;
            for padded in new_planes(g, plane, p == 0) {
                scratch.load(rows, image, channels.clone(), padded, task.first_row);
            }
            let taps = scratch.taps(plane);
            for o in (0..g.out_channels).step_by(block) {
                let weights = &packed[o / block * weights_of_block + first * g.taps() * block..];
                let last = (o + block).min(g.out_channels);
                let planes = task.planes;
                // One slice for each output channel of the block, this plane's rows of it.
                let mut targets: Vec<&mut [f32]> = task.out[o * planes..last * planes]
                    .iter_mut()
                    .skip(p)
                    .step_by(planes)
                    .map(|s| &mut **s)
                    .collect();
                let tile = ForwardTile {
                    rows,
                    channels: channels.len(),
                    channel_stride: scratch.channel,
                    taps: &taps,
                    weights,
                };
                forward_rows(&mut targets, &tile, scratch, first == 0, isa);
            }
        }
    }
}

/// Fills (or adds to) the rows of one block of output channels.
fn forward_rows(
    targets: &mut [&mut [f32]],
    tile: &ForwardTile<'_>,
    scratch: &Scratch,
    first: bool,
    isa: Isa,
) {
    let width = scratch.geometry.output[2];
    let lanes = isa.lanes();
    let row_count = targets.first().map_or(0, |t| t.len() / width);
    let mut sums = [0.0; LARGEST_TILE];
    for row in 0..row_count {
        let mut column = 0;
        while column < width {
            let vectors = (width - column).div_ceil(lanes).min(isa.forward_vectors());
            let start = row * scratch.geometry.stride[1] * scratch.row + column;
            let here = ForwardTile {
                rows: &tile.rows[start..],
                ..*tile
            };
            kernel::forward_tile(isa, vectors, &here, &mut sums);
            let count = (vectors * lanes).min(width - column);
            for (target, sum) in targets.iter_mut().zip(sums.chunks_exact(vectors * lanes)) {
                let to = &mut target[row * width + column..][..count];
                if first {
                    to.copy_from_slice(&sum[..count]);
                } else {
                    to.iter_mut().zip(sum).for_each(|(t, s)| *t += s);
                }
            }
            column += count;
        }
    }
}

/// The gradient with respect to the input: the output gradient, with zeros between its voxels where the convolution strides, convolved with
/// the flipped and transposed weights.
///
/// # Panics
/// When a slice does not have the geometry's length.
pub(super) fn input_gradient(
    gradient: &[f32],
    weights: &[f32],
    g: &Geometry,
    isa: Isa,
) -> Vec<f32> {
    let taps = g.taps();
    let mut flipped = vec![0.0; weights.len()];
    for o in 0..g.out_channels {
        for c in 0..g.in_channels {
            for t in 0..taps {
                flipped[(c * g.out_channels + o) * taps + taps - 1 - t] =
                    weights[(o * g.in_channels + c) * taps + t];
            }
        }
    }
    // The last outputs may not reach the end of the padded input; zeros stand for what no output saw.
    let spread: [usize; 3] =
        std::array::from_fn(|a| g.input[a] + 2 * g.padding[a] + 1 - g.kernel[a]);
    let backwards = Geometry {
        in_channels: g.out_channels,
        out_channels: g.in_channels,
        input: spread,
        output: g.input,
        stride: [1; 3],
        padding: std::array::from_fn(|a| g.kernel[a] - 1 - g.padding[a]),
        ..*g
    };
    if g.stride == [1; 3] {
        return forward(gradient, &flipped, &backwards, isa);
    }
    let [_, height, width] = g.output;
    let mut dilated = vec![0.0; g.batch * g.out_channels * spread.iter().product::<usize>()];
    for (at, row) in gradient.chunks_exact(width).enumerate() {
        let (y, z, image) = (
            at % height,
            at / height % g.output[0],
            at / (height * g.output[0]),
        );
        let start =
            ((image * spread[0] + z * g.stride[0]) * spread[1] + y * g.stride[1]) * spread[2];
        for (x, value) in row.iter().enumerate() {
            dilated[start + x * g.stride[2]] = *value;
        }
    }
    forward(&dilated, &flipped, &backwards, isa)
}
