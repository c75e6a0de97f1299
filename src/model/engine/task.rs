//! How a layer's work is cut into tasks for threads, and what each does before and after its products.
use super::kernel::{self, Packing, Product, Tap};
use super::tensor::{Aligned, Source};
use crate::model::op::Isa;
use rayon::prelude::*;

/// Where each source's channels lie in a packed voxel, and how long that is.
pub(super) fn room(sources: &[Source<'_>]) -> (Vec<Tap>, usize) {
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

/// Output rows that one task computes: slices `[block][plane]` of whole rows.
pub(super) struct Task<'a> {
    pub(super) plane: usize,
    pub(super) row: usize,
    pub(super) planes: usize,
    pub(super) slices: Vec<&'a mut [f32]>,
}

/// Cuts an output into tasks of so many planes and rows; every slice belongs to one task.
pub(super) fn tasks<'a>(
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
pub(super) fn run_tasks(
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
pub(super) fn multiply(
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
pub(super) fn pack_all(
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

/// Memory of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) rows: Aligned,
    pub(super) points: Aligned,
    pub(super) products: Aligned,
}
