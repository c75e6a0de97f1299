//! Transposed convolution whose kernel is as large as its stride: each input voxel becomes a block of output voxels.
use super::{values, with_values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Transposed convolution of `x` (`N, C, D, H, W`) with `weight` (`C, O, SD, SH, SW`), stride = kernel, no bias: a matrix product, and
/// its rows interleaved. The result is `N, O, D·SD, H·SH, W·SW`.
///
/// # Errors
/// When the shapes do not fit, or the tensors are not `f32`.
pub fn transposed_conv3d(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (blocks, stride) = product(x, weight)?;
    if x.device().is_cpu() {
        blocks.contiguous()?.apply_op1(Interleave { stride })
    } else {
        interleave_composed(&blocks, stride)
    }
}

/// [`transposed_conv3d`] from candle's operators; runs on any device.
///
/// # Errors
/// As [`transposed_conv3d`].
pub fn transposed_conv3d_composed(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (blocks, stride) = product(x, weight)?;
    interleave_composed(&blocks, stride)
}

/// `N, O·SD·SH·SW, D, H, W`: every voxel's block in the channels.
fn product(x: &Tensor, weight: &Tensor) -> Result<(Tensor, [usize; 3])> {
    let (n, c, d, h, w) = x.dims5()?;
    let (weight_in, out, sd, sh, sw) = weight.dims5()?;
    if c != weight_in {
        bail!("a transposed convolution of {c} channels with weights for {weight_in}");
    }
    let taps = out * sd * sh * sw;
    let matrix = weight.reshape((c, taps))?.t()?.contiguous()?;
    let matrix = matrix
        .unsqueeze(0)?
        .broadcast_as((n, taps, c))?
        .contiguous()?;
    let blocks = matrix.matmul(&x.contiguous()?.reshape((n, c, d * h * w))?)?;
    Ok((blocks.reshape((n, taps, d, h, w))?, [sd, sh, sw]))
}

fn interleave_composed(blocks: &Tensor, [sd, sh, sw]: [usize; 3]) -> Result<Tensor> {
    let (n, c, d, h, w) = blocks.dims5()?;
    let out = c / (sd * sh * sw);
    blocks
        .reshape(vec![n, out, sd, sh, sw, d, h, w])?
        .permute(vec![0, 1, 5, 2, 6, 3, 7, 4])?
        .contiguous()?
        .reshape((n, out, d * sd, h * sh, w * sw))
}

/// Moves blocks from the channels into space: `N, O·SD·SH·SW, D, H, W` to `N, O, D·SD, H·SH, W·SW`.
struct Interleave {
    stride: [usize; 3],
}

impl Interleave {
    /// Sizes of the blocks' tensor: output channels and voxels.
    fn sizes(&self, dims: &[usize]) -> Result<(usize, usize, [usize; 3])> {
        let block: usize = self.stride.iter().product();
        match *dims {
            [n, c, d, h, w] if block > 0 && c % block == 0 && n * c * d * h * w > 0 => {
                Ok((n, c / block, [d, h, w]))
            }
            _ => bail!("blocks of {:?} cannot be made of {dims:?}", self.stride),
        }
    }

    /// For row `at` of the large tensor and each phase along the width, the row of the blocks' tensor that is interleaved into it.
    fn source_rows(&self, at: usize, [d, h, _]: [usize; 3]) -> impl Iterator<Item = usize> {
        let [sd, sh, sw] = self.stride;
        let (y, z, channel) = (
            at % (h * sh),
            at / (h * sh) % (d * sd),
            at / (h * sh * d * sd),
        );
        let first = ((channel * sd + z % sd) * sh + y % sh) * sw;
        (0..sw).map(move |x| ((first + x) * d + z / sd) * h + y / sh)
    }
}

impl CustomOp1 for Interleave {
    fn name(&self) -> &'static str {
        "interleave"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let blocks = values(storage, layout)?;
        let (n, channels, size) = self.sizes(layout.dims())?;
        let [sd, sh, sw] = self.stride;
        let [d, h, w] = size;
        let mut out = vec![0.0; blocks.len()];
        out.par_chunks_mut(w * sw)
            .enumerate()
            .for_each(|(at, row)| {
                for (x, source) in self.source_rows(at, size).enumerate() {
                    let from = &blocks[source * w..][..w];
                    row.iter_mut()
                        .skip(x)
                        .step_by(sw)
                        .zip(from)
                        .for_each(|(to, v)| *to = *v);
                }
            });
        Ok((
            CpuStorage::F32(out),
            (n, channels, d * sd, h * sh, w * sw).into(),
        ))
    }

    fn bwd(&self, blocks: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, size) = self.sizes(blocks.dims())?;
        let (w, sw) = (size[2], self.stride[2]);
        let mut out = vec![0.0; blocks.elem_count()];
        // Each row of the blocks' tensor comes from exactly one row of the gradient; the slices are dealt out accordingly.
        let mut rows: Vec<Option<&mut [f32]>> = out.chunks_mut(w).map(Some).collect();
        let tasks: Vec<Vec<Option<&mut [f32]>>> = (0..rows.len() / sw)
            .map(|at| {
                self.source_rows(at, size)
                    .map(|r| rows.get_mut(r).and_then(Option::take))
                    .collect()
            })
            .collect();
        with_values(gradient, |g| {
            tasks.into_par_iter().enumerate().for_each(|(at, rows)| {
                let from = &g[at * w * sw..][..w * sw];
                for (x, to) in rows.into_iter().flatten().enumerate() {
                    to.iter_mut()
                        .zip(from.iter().skip(x).step_by(sw))
                        .for_each(|(t, v)| *t = *v);
                }
            });
            Ok(())
        })?;
        Ok(Some(Tensor::from_vec(
            out,
            blocks.shape(),
            blocks.device(),
        )?))
    }
}
