//! 3D convolution and its two gradients on the CPU, computed directly: no column matrix is ever formed.
//!
//! A task owns a block of output rows over a few planes. It copies the input rows below them, zero-padded, into scratch memory that fits the
//! second-level cache, and lets the register kernels run over that. Planes live in a ring, so each is copied once per task.
use super::kernel::{self, ForwardTile, Isa, LARGEST_BLOCK, LARGEST_TILE, WeightTile};
use rayon::prelude::*;

/// Input channels that are in scratch memory at a time.
const CHANNEL_BLOCK: usize = 32;
/// Most output planes of one task, and tasks that a convolution is cut into where its size allows.
const PLANES: usize = 8;
const TASKS: usize = 16;
/// Parts whose weight gradients are summed separately and then in order: the result does not depend on the number of threads.
const WEIGHT_PARTS: usize = 8;

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

    fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// How padded input rows lie in scratch memory: `[channel][plane of the ring][row][column]`. With a stride along the width, the columns of
/// one phase stand side by side, so that neighbouring outputs read neighbouring inputs.
struct Scratch {
    geometry: Geometry,
    /// Output rows of a block.
    block_rows: usize,
    /// Output planes of a task.
    planes: usize,
    /// Output columns, rounded up to whole vectors.
    columns: usize,
    /// Columns of one phase.
    phase: usize,
    row: usize,
    plane: usize,
    channel: usize,
}

impl Scratch {
    fn new(geometry: Geometry, isa: Isa) -> Self {
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

    fn blocks(&self) -> usize {
        self.geometry.output[1].div_ceil(self.block_rows)
    }

    /// Offsets of the kernel's taps within a channel, for an output plane.
    fn taps(&self, plane: usize) -> Vec<usize> {
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
    fn load(
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
fn new_planes(geometry: &Geometry, plane: usize, first: bool) -> std::ops::Range<usize> {
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

/// The gradient with respect to the weights, `O, C, D, H, W`: for each tap the sum, over the output, of output gradient times input.
///
/// # Panics
/// When a slice does not have the geometry's length.
pub(super) fn weight_gradient(x: &[f32], gradient: &[f32], g: &Geometry, isa: Isa) -> Vec<f32> {
    let image_len = g.in_channels * g.input.iter().product::<usize>();
    let out_len = g.out_channels * g.output.iter().product::<usize>();
    assert_eq!(x.len(), g.batch * image_len);
    assert_eq!(gradient.len(), g.batch * out_len);
    let scratch = Scratch::new(*g, isa);
    let groups = g.output[0].div_ceil(scratch.planes);
    let tasks = g.batch * groups * scratch.blocks();
    let parts = WEIGHT_PARTS.min(tasks);
    let sums: Vec<Vec<f32>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let mut work = WeightWork::new(&scratch, isa);
            for task in (tasks * part / parts)..(tasks * (part + 1) / parts) {
                let image = task / (groups * scratch.blocks());
                let planes = task / scratch.blocks() % groups * scratch.planes;
                let images = (
                    &x[image * image_len..][..image_len],
                    &gradient[image * out_len..][..out_len],
                );
                work.add(images, planes, task % scratch.blocks() * scratch.block_rows);
            }
            work.sums
        })
        .collect();
    let mut total = vec![0.0; g.out_channels * g.in_channels * g.taps()];
    for part in &sums {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// Memory of one part of the weight gradient.
struct WeightWork<'a> {
    scratch: &'a Scratch,
    isa: Isa,
    rows: Vec<f32>,
    /// One plane's block of output gradient, `[output channel, padded][row][column]`.
    gradient: Vec<f32>,
    sums: Vec<f32>,
}

impl<'a> WeightWork<'a> {
    fn new(scratch: &'a Scratch, isa: Isa) -> Self {
        let g = &scratch.geometry;
        let channels = g.out_channels.next_multiple_of(isa.weight_block().0);
        Self {
            scratch,
            isa,
            rows: vec![0.0; g.in_channels.min(CHANNEL_BLOCK) * scratch.channel],
            gradient: vec![0.0; channels * scratch.block_rows * scratch.columns],
            sums: vec![0.0; g.out_channels * g.in_channels * g.taps()],
        }
    }

    /// Adds a block of rows over a few planes of one image: `images` are its input and its output gradient.
    fn add(&mut self, images: (&[f32], &[f32]), first_plane: usize, first_row: usize) {
        let scratch = self.scratch;
        let g = &scratch.geometry;
        let row_count = scratch.block_rows.min(g.output[1] - first_row);
        for first in (0..g.in_channels).step_by(CHANNEL_BLOCK) {
            let channels = first..(first + CHANNEL_BLOCK).min(g.in_channels);
            for plane in first_plane..(first_plane + scratch.planes).min(g.output[0]) {
                for padded in new_planes(g, plane, plane == first_plane) {
                    scratch.load(
                        &mut self.rows,
                        images.0,
                        channels.clone(),
                        padded,
                        first_row,
                    );
                }
                self.load_gradient(images.1, plane, first_row, row_count);
                self.add_plane(&channels, plane, row_count);
            }
        }
    }

    fn load_gradient(&mut self, image: &[f32], plane: usize, first_row: usize, row_count: usize) {
        let g = &self.scratch.geometry;
        let [depth, height, width] = g.output;
        let columns = self.scratch.columns;
        for o in 0..g.out_channels {
            for r in 0..row_count {
                let from =
                    &image[((o * depth + plane) * height + first_row + r) * width..][..width];
                let to = &mut self.gradient[(o * row_count + r) * columns..][..columns];
                to[..width].copy_from_slice(from);
                to[width..].fill(0.0);
            }
        }
    }

    fn add_plane(&mut self, channels: &std::ops::Range<usize>, plane: usize, row_count: usize) {
        let g = &self.scratch.geometry;
        let (out_block, tap_block) = self.isa.weight_block();
        let (taps, columns) = (g.taps(), self.scratch.columns);
        let within = self.scratch.taps(plane);
        let stride = self.scratch.channel;
        let mut offsets: Vec<usize> = (0..channels.len())
            .flat_map(|c| within.iter().map(move |t| c * stride + t))
            .collect();
        let real = offsets.len();
        offsets.resize(real.next_multiple_of(tap_block), 0);
        let mut block = [0.0; LARGEST_BLOCK];
        for (at, group) in offsets.chunks_exact(tap_block).enumerate() {
            for o in (0..g.out_channels).step_by(out_block) {
                let tile = WeightTile {
                    rows: &self.rows,
                    row_stride: g.stride[1] * self.scratch.row,
                    taps: group,
                    gradient: &self.gradient[o * row_count * columns..],
                    row_count,
                    columns,
                };
                kernel::weight_tile(self.isa, &tile, &mut block);
                for (b, sums) in block
                    .chunks_exact(tap_block)
                    .take((g.out_channels - o).min(out_block))
                    .enumerate()
                {
                    let start =
                        (o + b) * g.in_channels * taps + channels.start * taps + at * tap_block;
                    let count = tap_block.min(real - at * tap_block);
                    let to = &mut self.sums[start..start + count];
                    to.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
                }
            }
        }
    }
}
