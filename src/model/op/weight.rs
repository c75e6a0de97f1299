//! The weight gradient of the direct convolution.
use super::direct::{CHANNEL_BLOCK, Scratch, new_planes};
use super::geometry::Geometry;
use super::kernel::{self, Isa, LARGEST_BLOCK, WeightTile};
use rayon::prelude::*;

/// Parts whose weight gradients are summed separately and then in order: the result does not depend on the number of threads.
const WEIGHT_PARTS: usize = 8;

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
