//! Pooling over blocks, and the activation alone.
use super::{values, with_values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// What a block of voxels becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    Mean,
    /// The first of several equal values takes the gradient, as in PyTorch.
    Highest,
}

struct Pool3d {
    block: [usize; 3],
    how: Pooling,
}

/// Means over blocks of `block` voxels (depth, height, width), which follow each other without overlap; what does not fill a block at the
/// end of an axis is left out. `x` is `N, C, D, H, W`.
///
/// # Errors
/// When the tensor is not `f32` of five axes, or is smaller than a block.
pub fn average_pool3d(x: &Tensor, block: [usize; 3]) -> Result<Tensor> {
    pool(x, block, Pooling::Mean)
}

/// As [`average_pool3d`] with the highest value of each block.
///
/// # Errors
/// As [`average_pool3d`].
pub fn max_pool3d(x: &Tensor, block: [usize; 3]) -> Result<Tensor> {
    pool(x, block, Pooling::Highest)
}

fn pool(x: &Tensor, block: [usize; 3], how: Pooling) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op1(Pool3d { block, how });
    }
    let op = Pool3d { block, how };
    let [n, c, d, h, w] = op.sizes(x.dims())?;
    let [bd, bh, bw] = block;
    let blocks = x
        .narrow(2, 0, d * bd)?
        .narrow(3, 0, h * bh)?
        .narrow(4, 0, w * bw)?
        .contiguous()?
        .reshape(vec![n, c, d, bd, h, bh, w, bw])?
        .permute(vec![0, 1, 2, 4, 6, 3, 5, 7])?
        .contiguous()?
        .reshape((n, c, d, h, w, bd * bh * bw))?;
    match how {
        Pooling::Mean => blocks.mean(5),
        Pooling::Highest => blocks.max(5),
    }
}

impl Pool3d {
    /// `N, C, D, H, W` of the output.
    fn sizes(&self, dims: &[usize]) -> Result<[usize; 5]> {
        let &[n, c, d, h, w] = dims else {
            bail!("pooling takes N, C, D, H, W, not {dims:?}");
        };
        let [bd, bh, bw] = self.block;
        if bd * bh * bw == 0 || d < bd || h < bh || w < bw {
            bail!("blocks of {:?} do not fit into {dims:?}", self.block);
        }
        Ok([n, c, d / bd, h / bh, w / bw])
    }

    /// Offsets, within one channel of width `w` and height `h`, of the voxels of a block from its first.
    fn offsets(&self, [_, h, w]: [usize; 3]) -> Vec<usize> {
        let [bd, bh, bw] = self.block;
        let mut offsets = Vec::with_capacity(bd * bh * bw);
        for z in 0..bd {
            for y in 0..bh {
                offsets.extend((0..bw).map(|x| (z * h + y) * w + x));
            }
        }
        offsets
    }

    /// First voxel of the block of output voxel `n` of a channel.
    fn first(&self, n: usize, [_, _, _, oh, ow]: [usize; 5], [_, h, w]: [usize; 3]) -> usize {
        let (z, y, x) = (n / (oh * ow), n / ow % oh, n % ow);
        (z * self.block[0] * h + y * self.block[1]) * w + x * self.block[2]
    }
}

fn highest(channel: &[f32], first: usize, offsets: &[usize]) -> usize {
    let mut best = first;
    for o in offsets {
        if channel[first + o] > channel[best] {
            best = first + o;
        }
    }
    best
}

impl CustomOp1 for Pool3d {
    fn name(&self) -> &'static str {
        "pool3d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let to = self.sizes(layout.dims())?;
        let size = [layout.dims()[2], layout.dims()[3], layout.dims()[4]];
        let offsets = self.offsets(size);
        let mut out = vec![0.0; to.iter().product()];
        let share = 1.0 / offsets.len() as f32;
        out.par_chunks_mut(to[2] * to[3] * to[4])
            .zip(x.par_chunks(size.iter().product()))
            .for_each(|(out, x)| {
                for (n, out) in out.iter_mut().enumerate() {
                    let first = self.first(n, to, size);
                    *out = match self.how {
                        Pooling::Mean => offsets.iter().map(|o| x[first + o]).sum::<f32>() * share,
                        Pooling::Highest => x[highest(x, first, &offsets)],
                    };
                }
            });
        Ok((CpuStorage::F32(out), to.to_vec().into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let to = self.sizes(x.dims())?;
        let (_, _, d, h, w) = x.dims5()?;
        let size = [d, h, w];
        let offsets = self.offsets(size);
        let share = 1.0 / offsets.len() as f32;
        let mut out = vec![0.0_f32; x.elem_count()];
        with_values(x, |x| {
            with_values(gradient, |gradient| {
                out.par_chunks_mut(d * h * w)
                    .zip(x.par_chunks(d * h * w))
                    .zip(gradient.par_chunks(to[2] * to[3] * to[4]))
                    .for_each(|((out, x), gradient)| {
                        for (n, g) in gradient.iter().enumerate() {
                            let first = self.first(n, to, size);
                            match self.how {
                                Pooling::Mean => {
                                    for o in &offsets {
                                        out[first + o] += g * share;
                                    }
                                }
                                Pooling::Highest => out[highest(x, first, &offsets)] += g,
                            }
                        }
                    });
                Ok(())
            })
        })?;
        Ok(Some(Tensor::from_vec(out, x.shape(), x.device())?))
    }
}

/// Multiplies what is below zero by `slope` (Maas et al. 2013).
///
/// # Errors
/// When the device refuses.
pub fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    // relu(x) - slope * relu(-x)
    let negative = (x.neg()?.relu()? * f64::from(slope))?;
    x.relu()? - negative
}
