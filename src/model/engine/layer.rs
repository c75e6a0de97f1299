//! The engine's layers: convolutions (direct and Winograd's), transposed convolution, and the head.
use super::kernel::{self, Chunk, GROUP, Packing, Product, Tap, Target};
use super::tensor::{Aligned, Blocked, Pending, Pool, Source};
use crate::model::op::Isa;
use rayon::prelude::*;

/// Added to the variance, as in nnU-Net.
const EPSILON: f64 = 1e-5;
/// Fewest channels on either side for which Winograd's transforms pay.
const WINOGRAD_CHANNELS: usize = 16;
/// Most weights (input times output channels) that are kept transformed: they take 64/27 of the memory, and large ones are slow to read.
const WINOGRAD_WEIGHTS: usize = 256 * 256;
/// Winograd's tiles of a chunk, for few and for many input channels: the transformed chunk should stay in the second-level cache.
const TILES: [usize; 2] = [28, 14];
const MANY_CHANNELS: usize = 64;

/// Weights by groups of output blocks, each `[tap or point][input channel][output channel of the group]`.
#[derive(Debug)]
struct Packed {
    groups: Vec<Group>,
    values: Aligned,
}

/// One group: its first block, its blocks, and where its weights begin and end.
#[derive(Debug, Clone)]
struct Group {
    first: usize,
    blocks: usize,
    weights: std::ops::Range<usize>,
}

impl Packed {
    /// `weight(o, row)` is the weight of output channel `o` and row `row`, a tap or point of an input channel.
    fn new(
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

    fn of(&self, group: &Group) -> &[f32] {
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
    fn at(&self, o: usize, c: usize, tap: usize) -> f32 {
        let taps: usize = self.kernel.iter().product();
        self.values[(o * self.inputs + c) * taps + tap]
    }
}

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

/// Memory of one thread.
#[derive(Debug, Default)]
struct Scratch {
    rows: Aligned,
    points: Aligned,
    products: Aligned,
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

/// Where each source's channels lie in a packed voxel, and how long that is.
fn room(sources: &[Source<'_>]) -> (Vec<Tap>, usize) {
    let mut offset = 0;
    let mut taps = Vec::with_capacity(sources.len());
    for source in sources {
        taps.push(Tap {
            offset,
            channels: source.channels(),
        });
        offset += source.room();
    }
    (taps, offset)
}

/// Rows that a task of the direct convolution computes: enough to read the weights seldom, few enough for the cache and for many threads.
fn rows_of_task([depth, height, width]: [usize; 3]) -> usize {
    let many = (256 / width).max(1);
    let fair = (depth * height).div_ceil(6).max(1);
    many.min(fair).min(height)
}

/// Output rows that one task computes: slices `[block][plane]` of whole rows.
struct Task<'a> {
    plane: usize,
    row: usize,
    planes: usize,
    slices: Vec<&'a mut [f32]>,
}

/// Cuts an output into tasks of so many planes and rows; every slice belongs to one task.
fn tasks<'a>(
    out: &'a mut [f32],
    [depth, height, width]: [usize; 3],
    lanes: usize,
    [planes, rows]: [usize; 2],
) -> Vec<Task<'a>> {
    let across = height.div_ceil(rows);
    let mut tasks: Vec<Task<'a>> = (0..depth.div_ceil(planes) * across)
        .map(|n| Task {
            plane: n / across * planes,
            row: n % across * rows,
            planes: planes.min(depth - n / across * planes),
            slices: Vec::new(),
        })
        .collect();
    for (at, plane) in out.chunks_exact_mut(height * width * lanes).enumerate() {
        let z = at % depth;
        for (n, slice) in plane.chunks_mut(rows * width * lanes).enumerate() {
            tasks[z / planes * across + n].slices.push(slice);
        }
    }
    tasks
}

/// Runs tasks on all threads and adds up their sums and squares, `[channel][sum, square]`, in the tasks' order: the result does not depend
/// on the number of threads.
fn run_tasks(
    tasks: Vec<Task<'_>>,
    work: impl Fn(&mut Task<'_>, &mut Scratch, &mut [f64]) + Sync,
) -> Vec<f64> {
    let room = tasks
        .first()
        .map_or(0, |t| t.slices.len() / t.planes.max(1))
        * 2
        * 16;
    let parts: Vec<Vec<f64>> = tasks
        .into_par_iter()
        .map_init(Scratch::default, |scratch, mut task| {
            let mut sums = vec![0.0; room];
            work(&mut task, scratch, &mut sums);
            sums
        })
        .collect();
    let mut total = vec![0.0; room];
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// One group's products into a part of each of its slices.
fn multiply(
    isa: Isa,
    product: &Product<'_>,
    blocks: &mut [&mut [f32]],
    part: std::ops::Range<usize>,
) {
    match blocks {
        [a, b] => kernel::multiply(isa, product, [&mut a[part.clone()], &mut b[part]]),
        [a] => kernel::multiply_one(isa, product, &mut a[part]),
        _ => {}
    }
}

/// Packs rows of all sources side by side.
fn pack_all(
    sources: &[Source<'_>],
    places: &[Tap],
    rows: &[Option<[usize; 2]>],
    packing: Packing,
    to: &mut [f32],
    isa: Isa,
) {
    for (source, place) in sources.iter().zip(places) {
        match source {
            Source::Blocked(source) => {
                for block in 0..source.blocks() {
                    let to = &mut to[place.offset + block * isa.lanes()..];
                    kernel::pack_rows(isa, source, block, rows, packing, to);
                }
            }
            Source::Planar {
                values,
                channels,
                size: [depth, height, width],
            } => {
                for (n, row) in rows.iter().enumerate() {
                    for column in 0..packing.count {
                        let x = usize::try_from(packing.first + column as isize).ok();
                        let start = (n * packing.count + column) * packing.step + place.offset;
                        for (c, to) in to[start..start + channels].iter_mut().enumerate() {
                            *to = match (row, x.filter(|x| x < width)) {
                                (Some([z, y]), Some(x)) => {
                                    values[((c * depth + z) * height + y) * width + x]
                                }
                                _ => 0.0,
                            };
                        }
                    }
                }
            }
        }
    }
}

/// A transposed convolution whose kernel is its stride: each voxel becomes a block of voxels.
#[derive(Debug)]
pub(super) struct Transposed {
    /// One set for each voxel of the block.
    taps: Vec<Packed>,
    outputs: usize,
    stride: [usize; 3],
    bias: Vec<f32>,
}

impl Transposed {
    /// `values` are `C, O, D, H, W`; `bias` may be empty.
    pub(super) fn new(
        values: &[f32],
        inputs: usize,
        outputs: usize,
        stride: [usize; 3],
        bias: &[f32],
        isa: Isa,
    ) -> Self {
        let block: usize = stride.iter().product();
        let lanes = isa.lanes();
        let taps = (0..block).map(|t| {
            Packed::new(outputs, inputs, lanes, |o, c| {
                values[(c * outputs + o) * block + t]
            })
        });
        let mut bias = bias.to_vec();
        bias.resize(outputs.next_multiple_of(lanes), 0.0);
        Self {
            taps: taps.collect(),
            outputs,
            stride,
            bias,
        }
    }

    pub(super) fn run(&self, source: &Blocked, isa: Isa, pool: &mut Pool) -> Blocked {
        let lanes = isa.lanes();
        let [sd, sh, sw] = self.stride;
        let size: [usize; 3] = std::array::from_fn(|a| source.size[a] * self.stride[a]);
        let width = source.size[2];
        let sources = [Source::Blocked(source)];
        let (places, room) = room(&sources);
        let blocks = self.outputs.div_ceil(lanes);
        let len = blocks * size.iter().product::<usize>() * lanes;
        let mut memory = pool.take(len);
        let tasks = tasks(&mut memory.values_mut()[..len], size, lanes, [sd, sh]);
        let packing = Packing {
            first: 0,
            count: width,
            step: room,
        };
        run_tasks(tasks, |task, scratch, _| {
            scratch.rows.reserve(width * room);
            let row = [Some([task.plane / sd, task.row / sh])];
            pack_all(
                &sources,
                &places,
                &row,
                packing,
                scratch.rows.values_mut(),
                isa,
            );
            for (t, weights) in self.taps.iter().enumerate() {
                let (z, y, x) = (t / (sh * sw), t / sw % sh, t % sw);
                for group in &weights.groups {
                    let product = Product {
                        scalars: scratch.rows.values(),
                        step: room,
                        taps: &places,
                        weights: weights.of(group),
                        voxels: width,
                        out_step: sw * lanes,
                    };
                    let row = (y * size[2] + x) * lanes..(y + 1) * size[2] * lanes;
                    let mut slices: Vec<&mut [f32]> = task.slices
                        [group.first * sd..(group.first + group.blocks) * sd]
                        .iter_mut()
                        .skip(z)
                        .step_by(sd)
                        .map(|s| &mut **s)
                        .collect();
                    multiply(isa, &product, &mut slices, row);
                }
            }
        });
        Blocked {
            memory,
            channels: self.outputs,
            size,
            lanes,
            pending: Pending {
                scale: vec![1.0; blocks * lanes],
                shift: self.bias.clone(),
                slope: 1.0,
            },
        }
    }
}

/// The last layer: one convolution of one tap, with bias, to scores `[class][depth][height][width]`.
#[derive(Debug)]
pub(super) struct Head {
    weights: Packed,
    bias: Vec<f32>,
}

impl Head {
    pub(super) fn new(weights: &Weights<'_>, bias: &[f32], isa: Isa) -> Self {
        Self {
            weights: Packed::new(weights.outputs, weights.inputs, isa.lanes(), |o, c| {
                weights.at(o, c, 0)
            }),
            bias: bias.to_vec(),
        }
    }

    pub(super) fn run(&self, source: &Blocked, isa: Isa) -> Vec<f32> {
        let lanes = isa.lanes();
        let [_, height, width] = source.size;
        let voxels: usize = source.size.iter().product();
        let sources = [Source::Blocked(source)];
        let (places, room) = room(&sources);
        let packing = Packing {
            first: 0,
            count: width,
            step: room,
        };
        let mut scores = vec![0.0; self.bias.len() * voxels];
        // A row of every class for each task.
        let rows = voxels / width;
        let mut slices: Vec<Vec<&mut [f32]>> = (0..rows).map(|_| Vec::new()).collect();
        for (n, row) in scores.chunks_exact_mut(width).enumerate() {
            slices[n % rows].push(row);
        }
        slices.into_par_iter().enumerate().for_each_init(
            Scratch::default,
            |scratch, (n, mut classes)| {
                scratch.rows.reserve(width * room);
                scratch.products.reserve(width * lanes * GROUP);
                let row = [Some([n / height, n % height])];
                pack_all(
                    &sources,
                    &places,
                    &row,
                    packing,
                    scratch.rows.values_mut(),
                    isa,
                );
                for group in &self.weights.groups {
                    let step = group.blocks * lanes;
                    let product = Product {
                        scalars: scratch.rows.values(),
                        step: room,
                        taps: &places,
                        weights: self.weights.of(group),
                        voxels: width,
                        out_step: step,
                    };
                    let results = scratch.products.values_mut();
                    kernel::multiply_points(isa, &product, 1, group.blocks, results);
                    let first = group.first * lanes;
                    let here = classes.iter_mut().zip(&self.bias).skip(first).take(step);
                    for (c, (class, bias)) in here.enumerate() {
                        let column = results.iter().skip(c).step_by(step);
                        class
                            .iter_mut()
                            .zip(column)
                            .for_each(|(to, v)| *to = v + bias);
                    }
                }
            },
        );
        scores
    }
}
