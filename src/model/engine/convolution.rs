//! Convolution, direct and by Winograd's F(2, 3).
use super::kernel::{self, Chunk, GROUP, Packing, Product, Tap, Target};
use super::task::{multiply, pack_all, room, run_tasks, tasks};
use super::tensor::{Blocked, Pending, Pool, Source};
use super::weights::{Packed, Weights};
use crate::model::op::Isa;

/// Added to the variance, as in nnU-Net.
const EPSILON: f64 = 1e-5;
/// Fewest channels on either side for which Winograd's transforms pay.
const WINOGRAD_CHANNELS: usize = 16;
/// Most weights (input times output channels) that are kept transformed: they take 64/27 of the memory, and large ones are slow to read.
const WINOGRAD_WEIGHTS: usize = 256 * 256;
/// Winograd's tiles of a chunk, for few and for many input channels: the transformed chunk should stay in the second-level cache.
const TILES: [usize; 2] = [28, 14];
const MANY_CHANNELS: usize = 64;

#[derive(Debug)]
enum Method {
    /// Weights `[tap][source][channel]`.
    Direct(Packed),
    /// Transformed weights `[point][channel of the room]`.
    Winograd(Packed),
}

/// A convolution followed by instance normalisation and activation, which the next layer applies when it reads.
#[derive(Debug)]
pub(super) struct Convolution {
    method: Method,
    outputs: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
    scale: Vec<f32>,
    shift: Vec<f32>,
    slope: f32,
}

/// What follows a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Normalisation<'a> {
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) slope: f32,
}

/// The places of the channels of some sources in the room that they share, whole blocks each: offset and channels of each source.
fn places(channels: &[usize], lanes: usize) -> (Vec<Tap>, usize) {
    let mut offset = 0;
    let mut places = Vec::with_capacity(channels.len());
    for &channels in channels {
        places.push(Tap { offset, channels });
        offset += channels.next_multiple_of(lanes);
    }
    (places, offset)
}

/// The weight of a three-tap row at a point of F(2, 3).
fn at_point([a, b, c]: [f32; 3], point: usize) -> f32 {
    match point {
        0 => a,
        1 => 0.5 * (a + b + c),
        2 => 0.5 * (a - b + c),
        _ => c,
    }
}

fn transformed(w: &Weights<'_>, o: usize, c: usize, point: usize) -> f32 {
    let (z, y, x) = (point / 16, point / 4 % 4, point % 4);
    let row =
        |kz: usize, ky: usize| at_point([0, 1, 2].map(|kx| w.at(o, c, (kz * 3 + ky) * 3 + kx)), x);
    let plane = |kz: usize| at_point([0, 1, 2].map(|ky| row(kz, ky)), y);
    if w.kernel[0] == 3 {
        at_point([0, 1, 2].map(plane), z)
    } else {
        plane(0)
    }
}

impl Convolution {
    /// `sources` are the channels of the tensors that are concatenated at its input.
    pub(super) fn new(
        weights: &Weights<'_>,
        stride: [usize; 3],
        after: Normalisation<'_>,
        sources: &[usize],
        isa: Isa,
    ) -> Self {
        let lanes = isa.lanes();
        let (places, room) = places(sources, lanes);
        let padded = |mut values: Vec<f32>| {
            values.resize(weights.outputs.next_multiple_of(lanes), 0.0);
            values
        };
        let flat_or_cubic = weights.kernel == [3; 3] || weights.kernel == [1, 3, 3];
        let winograd = stride == [1; 3]
            && flat_or_cubic
            && weights.inputs.min(weights.outputs) >= WINOGRAD_CHANNELS
            && weights.inputs * weights.outputs <= WINOGRAD_WEIGHTS;
        let method = if winograd {
            let points = if weights.kernel[0] == 3 { 64 } else { 16 };
            // Which channel of the weights stands at each place of the room.
            let mut channel_at = vec![None; room];
            let mut channel = 0;
            for place in &places {
                for at in &mut channel_at[place.offset..place.offset + place.channels] {
                    *at = Some(channel);
                    channel += 1;
                }
            }
            Method::Winograd(Packed::new(
                weights.outputs,
                points * room,
                lanes,
                |o, row| {
                    channel_at[row % room].map_or(0.0, |c| transformed(weights, o, c, row / room))
                },
            ))
        } else {
            let inputs = weights.inputs;
            let taps: usize = weights.kernel.iter().product();
            Method::Direct(Packed::new(
                weights.outputs,
                taps * inputs,
                lanes,
                |o, row| weights.at(o, row % inputs, row / inputs),
            ))
        };
        Self {
            method,
            outputs: weights.outputs,
            kernel: weights.kernel,
            stride,
            scale: padded(after.scale.to_vec()),
            shift: padded(after.shift.to_vec()),
            slope: after.slope,
        }
    }

    fn output_size(&self, input: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|a| (input[a] - 1) / self.stride[a] + 1)
    }

    /// Runs over the concatenation of `sources`.
    pub(super) fn run(&self, sources: &[Source<'_>], isa: Isa, pool: &mut Pool) -> Blocked {
        let lanes = isa.lanes();
        let size = self.output_size(sources.first().map_or([1; 3], Source::size));
        let blocks = self.outputs.div_ceil(lanes);
        let voxels: usize = size.iter().product();
        let mut memory = pool.take(blocks * voxels * lanes);
        let out = &mut memory.values_mut()[..blocks * voxels * lanes];
        let sums = match &self.method {
            Method::Direct(weights) => self.direct(weights, sources, out, size, isa),
            Method::Winograd(weights) => self.winograd(weights, sources, out, size, isa),
        };
        Blocked {
            memory,
            channels: self.outputs,
            size,
            lanes,
            pending: self.pending(&sums, voxels),
        }
    }

    /// What normalisation makes of channels with these sums and squares.
    fn pending(&self, sums: &[f64], voxels: usize) -> Pending {
        let count = voxels as f64;
        let mut scale = self.scale.clone();
        let mut shift = self.shift.clone();
        let channels = scale.iter_mut().zip(shift.iter_mut());
        for ((scale, shift), sums) in channels.zip(sums.chunks_exact(2)) {
            let mean = sums[0] / count;
            let variance = (sums[1] / count - mean * mean).max(0.0);
            let factor = f64::from(*scale) / (variance + EPSILON).sqrt();
            *shift = (f64::from(*shift) - mean * factor) as f32;
            *scale = factor as f32;
        }
        Pending {
            scale,
            shift,
            slope: self.slope,
        }
    }

    fn direct(
        &self,
        weights: &Packed,
        sources: &[Source<'_>],
        out: &mut [f32],
        size: [usize; 3],
        isa: Isa,
    ) -> Vec<f64> {
        let lanes = isa.lanes();
        let width = size[2];
        let [kd, kh, kw] = self.kernel;
        let (taps_of, room) = room(sources);
        let input = sources.first().map_or([1; 3], Source::size);
        let columns = (width - 1) * self.stride[2] + kw;
        let rows_of_task = rows_of_task(size);
        let input_rows = (rows_of_task - 1) * self.stride[1] + kh;
        let taps: Vec<Tap> = (0..kd * kh * kw)
            .flat_map(|t| {
                let (z, y, x) = (t / (kh * kw), t / kw % kh, t % kw);
                let start = ((z * input_rows + y) * columns + x) * room;
                taps_of.iter().map(move |place| Tap {
                    offset: start + place.offset,
                    channels: place.channels,
                })
            })
            .collect();
        let packing = Packing {
            first: -((kw / 2) as isize),
            count: columns,
            step: room,
        };
        let tasks = tasks(out, size, lanes, [1, rows_of_task]);
        run_tasks(tasks, |task, scratch, sums| {
            scratch
                .rows
                .reserve(kd * input_rows * columns * room + lanes);
            let rows: Vec<Option<[usize; 2]>> = (0..kd * input_rows)
                .map(|n| {
                    let z = (task.plane * self.stride[0] + n / input_rows).checked_sub(kd / 2)?;
                    let y = (task.row * self.stride[1] + n % input_rows).checked_sub(kh / 2)?;
                    (z < input[0] && y < input[1]).then_some([z, y])
                })
                .collect();
            let to = scratch.rows.values_mut();
            pack_all(sources, &taps_of, &rows, packing, to, isa);
            let row_len = width * lanes;
            let rows_here = task.slices.first().map_or(0, |s| s.len() / row_len);
            // A group's weights stay in the cache for all rows of the task.
            for group in &weights.groups {
                let blocks = &mut task.slices[group.first..group.first + group.blocks];
                for r in 0..rows_here {
                    let product = Product {
                        scalars: &scratch.rows.values()[r * self.stride[1] * columns * room..],
                        step: self.stride[2] * room,
                        taps: &taps,
                        weights: weights.of(group),
                        voxels: width,
                        out_step: lanes,
                    };
                    multiply(isa, &product, blocks, r * row_len..(r + 1) * row_len);
                }
                for (n, slice) in blocks.iter().enumerate() {
                    let channels = (group.first + n) * lanes;
                    for row in slice.chunks_exact(row_len) {
                        kernel::add_row_sums(isa, row, &mut sums[2 * channels..]);
                    }
                }
            }
        })
    }

    fn winograd(
        &self,
        weights: &Packed,
        sources: &[Source<'_>],
        out: &mut [f32],
        size: [usize; 3],
        isa: Isa,
    ) -> Vec<f64> {
        let lanes = isa.lanes();
        let [_, height, width] = size;
        let deep = self.kernel[0] == 3;
        let (taps_of, room) = room(sources);
        let input = size;
        let most = TILES[usize::from(room > MANY_CHANNELS)];
        let across = width.div_ceil(2);
        let columns = across.min(most);
        let rows = (most / columns).clamp(1, height.div_ceil(2));
        let planes = if deep { 2 } else { 1 };
        let tasks = tasks(out, size, lanes, [planes, 2 * rows]);
        let whole = [Tap {
            offset: 0,
            channels: room,
        }];
        run_tasks(tasks, |task, scratch, sums| {
            let rows_here = task.slices.first().map_or(0, |s| s.len() / (width * lanes));
            for first in (0..across).step_by(columns) {
                let chunk = Chunk {
                    rows: rows_here.div_ceil(2),
                    columns: columns.min(across - first),
                    deep,
                };
                let [pz, py, px] = chunk.input();
                let vectors = chunk.points() * chunk.tiles();
                scratch.rows.reserve(pz * py * px * lanes);
                scratch.points.reserve(vectors * room);
                scratch.products.reserve(vectors * GROUP * lanes);
                let lines: Vec<Option<[usize; 2]>> = (0..pz * py)
                    .map(|n| {
                        let z = (task.plane + n / py).checked_sub(usize::from(deep))?;
                        let y = (task.row + n % py).checked_sub(1)?;
                        (z < input[0] && y < input[1]).then_some([z, y])
                    })
                    .collect();
                let packing = Packing {
                    first: 2 * first as isize - 1,
                    count: px,
                    step: lanes,
                };
                for (source, place) in sources.iter().zip(&taps_of) {
                    let Source::Blocked(source) = source else {
                        continue;
                    };
                    for block in 0..source.blocks() {
                        let rows = scratch.rows.values_mut();
                        kernel::pack_rows(isa, source, block, &lines, packing, rows);
                        let to = &mut scratch.points.values_mut()[place.offset + block * lanes..];
                        kernel::to_winograd(isa, chunk, scratch.rows.values(), to, room);
                    }
                }
                for group in &weights.groups {
                    let step = group.blocks * lanes;
                    let product = Product {
                        scalars: scratch.points.values(),
                        step: room,
                        taps: &whole,
                        weights: weights.of(group),
                        voxels: chunk.tiles(),
                        out_step: step,
                    };
                    let results = scratch.products.values_mut();
                    kernel::multiply_points(isa, &product, chunk.points(), group.blocks, results);
                    for b in 0..group.blocks {
                        let block = group.first + b;
                        let mut target = Target {
                            planes: &mut task.slices[block * task.planes..][..task.planes],
                            rows: rows_here,
                            width,
                            first_row: 0,
                            first_column: 2 * first,
                        };
                        let from = &scratch.products.values()[b * lanes..];
                        let sums = &mut sums[2 * block * lanes..];
                        kernel::from_winograd(isa, chunk, from, step, &mut target, sums);
                    }
                }
            }
        })
    }
}

/// Rows that a task of the direct convolution computes: enough to read the weights seldom, few enough for the cache and for many threads.
fn rows_of_task([depth, height, width]: [usize; 3]) -> usize {
    let many = (256 / width).max(1);
    let fair = (depth * height).div_ceil(6).max(1);
    many.min(fair).min(height)
}
