//! The engine's other layers: transposed convolution, sum and mean of residual blocks, and the head.
use super::kernel::{self, GROUP, Packing, Product};
use super::task::{Scratch, multiply, pack_all, room, run_tasks, tasks};
use super::tensor::{Blocked, Pending, Pool, Source};
use super::weights::{Packed, Weights};
use crate::model::op::Isa;
use rayon::prelude::*;

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
                shift: self.bias.clone(),
                ..Pending::nothing(blocks * lanes)
            },
        }
    }
}

/// The sum of two images of one size, activated: where a shortcut meets its block.
pub(super) fn add(a: &Blocked, b: &Blocked, slope: f32, isa: Isa, pool: &mut Pool) -> Blocked {
    elementwise(a.channels, a.size, isa, pool, |block, row, scratch, to| {
        let packing = Packing {
            first: 0,
            count: a.size[2],
            step: isa.lanes(),
        };
        scratch.rows.reserve(to.len());
        scratch.points.reserve(to.len());
        kernel::pack_rows(
            isa,
            a,
            block,
            &[Some(row)],
            packing,
            scratch.rows.values_mut(),
        );
        kernel::pack_rows(
            isa,
            b,
            block,
            &[Some(row)],
            packing,
            scratch.points.values_mut(),
        );
        let pairs = scratch.rows.values().iter().zip(scratch.points.values());
        for (to, (a, b)) in to.iter_mut().zip(pairs) {
            let t = a + b;
            *to = t.max(slope * t);
        }
    })
}

/// Means over blocks of voxels, as [`average_pool3d`](crate::model::op::average_pool3d).
pub(super) fn average(a: &Blocked, block_of: [usize; 3], isa: Isa, pool: &mut Pool) -> Blocked {
    let lanes = isa.lanes();
    let size: [usize; 3] = std::array::from_fn(|n| a.size[n] / block_of[n]);
    let [bd, bh, bw] = block_of;
    let share = 1.0 / (bd * bh * bw) as f32;
    elementwise(a.channels, size, isa, pool, |block, [z, y], scratch, to| {
        let rows: Vec<Option<[usize; 2]>> = (0..bd * bh)
            .map(|n| Some([z * bd + n / bh, y * bh + n % bh]))
            .collect();
        let packing = Packing {
            first: 0,
            count: size[2] * bw,
            step: lanes,
        };
        scratch.rows.reserve(rows.len() * packing.count * lanes);
        kernel::pack_rows(isa, a, block, &rows, packing, scratch.rows.values_mut());
        to.fill(0.0);
        let row_len = packing.count * lanes;
        for row in scratch.rows.values().chunks_exact(row_len).take(rows.len()) {
            for (to, voxels) in to.chunks_exact_mut(lanes).zip(row.chunks_exact(bw * lanes)) {
                for voxel in voxels.chunks_exact(lanes) {
                    to.iter_mut().zip(voxel).for_each(|(t, v)| *t += share * v);
                }
            }
        }
    })
}

/// An image each of whose rows comes from a function of the block, the row's depth and height, and a thread's memory.
fn elementwise(
    channels: usize,
    size: [usize; 3],
    isa: Isa,
    pool: &mut Pool,
    fill: impl Fn(usize, [usize; 2], &mut Scratch, &mut [f32]) + Sync,
) -> Blocked {
    let lanes = isa.lanes();
    let blocks = channels.div_ceil(lanes);
    let [depth, height, width] = size;
    let len = blocks * depth * height * width * lanes;
    let mut memory = pool.take(len);
    memory.values_mut()[..len]
        .par_chunks_mut(width * lanes)
        .enumerate()
        .for_each_init(Scratch::default, |scratch, (n, to)| {
            let (y, z, block) = (n % height, n / height % depth, n / (height * depth));
            fill(block, [z, y], scratch, to);
        });
    Blocked {
        memory,
        channels,
        size,
        lanes,
        pending: Pending::nothing(blocks * lanes),
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
