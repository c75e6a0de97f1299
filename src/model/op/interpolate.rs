//! Upsampling to a given size: nearest neighbour and trilinear.
use super::{values, with_values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Nearest,
    Linear,
}

struct Resize {
    size: [usize; 3],
    between: Between,
}

/// Each output voxel takes the input voxel at `floor(index * input / output)` along each axis, as PyTorch's `nearest` but for the few
/// sizes where that one's single precision rounds the index. `x` is `N, C, D, H, W`; `size` is depth, height, width of the output.
///
/// # Errors
/// When the tensor is not `f32` of five axes, or a size is zero.
pub fn upsample_nearest3d(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    resize(x, size, Between::Nearest)
}

/// Linear interpolation along each axis between voxel centres, as PyTorch's `trilinear` without aligned corners: the centre of output voxel
/// `i` lies at `(i + 0.5) * input / output - 0.5`, held within the input.
///
/// # Errors
/// As [`upsample_nearest3d`].
pub fn upsample_trilinear3d(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    resize(x, size, Between::Linear)
}

fn resize(x: &Tensor, size: [usize; 3], between: Between) -> Result<Tensor> {
    let op = Resize { size, between };
    op.sizes(x.dims())?;
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op1(op);
    }
    resize_composed(x, &op)
}

/// [`upsample_nearest3d`] from candle's operators; runs on any device.
///
/// # Errors
/// As [`upsample_nearest3d`].
pub fn upsample_nearest3d_composed(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    let between = Between::Nearest;
    resize_composed(x, &Resize { size, between })
}

/// [`upsample_trilinear3d`] from candle's operators; runs on any device.
///
/// # Errors
/// As [`upsample_nearest3d`].
pub fn upsample_trilinear3d_composed(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    let between = Between::Linear;
    resize_composed(x, &Resize { size, between })
}

/// Axis by axis from what candle has.
fn resize_composed(x: &Tensor, op: &Resize) -> Result<Tensor> {
    op.sizes(x.dims())?;
    let mut y = x.clone();
    for (axis, &size) in (2..).zip(&op.size) {
        let taps = taps(y.dims()[axis], size, op.between);
        let select = |n: usize| {
            let indices: Vec<u32> = taps.iter().map(|t| t[n].0 as u32).collect();
            y.index_select(&Tensor::new(indices, y.device())?, axis)
        };
        let weights = |n: usize| {
            let mut shape = [1; 5];
            shape[axis] = size;
            let weights: Vec<f32> = taps.iter().map(|t| t[n].1).collect();
            Tensor::from_vec(weights, &shape, y.device())
        };
        let first = select(0)?.broadcast_mul(&weights(0)?)?;
        y = (first + select(1)?.broadcast_mul(&weights(1)?)?)?;
    }
    Ok(y)
}

/// For each output along an axis the two inputs that it takes, and their weights.
fn taps(from: usize, to: usize, between: Between) -> Vec<[(usize, f32); 2]> {
    let tap = |i: usize| match between {
        Between::Nearest => [(i * from / to, 1.0), (i * from / to, 0.0)],
        Between::Linear => {
            let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let at = at.clamp(0.0, (from - 1) as f64);
            let low = at.floor() as usize;
            let part = (at - low as f64) as f32;
            [(low, 1.0 - part), ((low + 1).min(from - 1), part)]
        }
    };
    (0..to).map(tap).collect()
}

impl Resize {
    /// `N`, `C`, and the voxels of the input.
    fn sizes(&self, dims: &[usize]) -> Result<([usize; 2], [usize; 3])> {
        match *dims {
            [n, c, d, h, w] if n * c * d * h * w > 0 && !self.size.contains(&0) => {
                Ok(([n, c], [d, h, w]))
            }
            _ => bail!("{dims:?} cannot be resized to {:?}", self.size),
        }
    }

    /// Calls `f` with output voxel, input voxel and weight for all that add up to one channel.
    fn each(&self, input: [usize; 3], mut f: impl FnMut(usize, usize, f32)) {
        let [zs, ys, xs] =
            std::array::from_fn(|axis| taps(input[axis], self.size[axis], self.between));
        let mut out = 0;
        for z in &zs {
            for y in &ys {
                for x in &xs {
                    for (iz, wz) in z {
                        for (iy, wy) in y {
                            for (ix, wx) in x {
                                let weight = wz * wy * wx;
                                if weight > 0.0 {
                                    f(out, (iz * input[1] + iy) * input[2] + ix, weight);
                                }
                            }
                        }
                    }
                    out += 1;
                }
            }
        }
    }
}

impl CustomOp1 for Resize {
    fn name(&self) -> &'static str {
        "resize3d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let ([n, c], input) = self.sizes(layout.dims())?;
        let [d, h, w] = self.size;
        let mut out = vec![0.0; n * c * d * h * w];
        out.par_chunks_mut(d * h * w)
            .zip(x.par_chunks(input.iter().product()))
            .for_each(|(out, x)| self.each(input, |o, i, weight| out[o] += weight * x[i]));
        Ok((CpuStorage::F32(out), (n, c, d, h, w).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, input) = self.sizes(x.dims())?;
        let mut out = vec![0.0_f32; x.elem_count()];
        with_values(gradient, |gradient| {
            out.par_chunks_mut(input.iter().product())
                .zip(gradient.par_chunks(self.size.iter().product()))
                .for_each(|(out, g)| self.each(input, |o, i, weight| out[i] += weight * g[o]));
            Ok(())
        })?;
        Ok(Some(Tensor::from_vec(out, x.shape(), x.device())?))
    }
}
