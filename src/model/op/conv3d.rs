//! 3D convolution.
use super::direct::{forward, input_gradient};
use super::geometry::Geometry;
use super::weight::weight_gradient;
use super::{Isa, values, with_values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// Stride and padding of a convolution along depth, height, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv3d {
    /// Steps between output voxels.
    pub stride: [usize; 3],
    /// Zeros before and after the input.
    pub padding: [usize; 3],
    /// Instruction set of the CPU kernels.
    pub isa: Isa,
}

impl Conv3d {
    /// A convolution with the best kernels of this processor.
    pub fn new(stride: [usize; 3], padding: [usize; 3]) -> Self {
        Self {
            stride,
            padding,
            isa: Isa::best(),
        }
    }

    fn geometry(&self, x: &[usize], weight: &[usize]) -> Result<Geometry> {
        match Geometry::new(x, weight, self.stride, self.padding) {
            Some(geometry) => Ok(geometry),
            None => bail!("a convolution of {x:?} with weights {weight:?} is not possible"),
        }
    }
}

/// Convolution (cross-correlation, without bias) of `x` (`N, C, D, H, W`) with `weight` (`O, C, KD, KH, KW`); zeros outside.
///
/// # Errors
/// When the shapes do not fit, or the tensors are not `f32`.
pub fn conv3d(x: &Tensor, weight: &Tensor, conv: Conv3d) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op2(&weight.contiguous()?, conv)
    } else {
        conv3d_composed(x, weight, conv)
    }
}

impl CustomOp2 for Conv3d {
    fn name(&self) -> &'static str {
        "conv3d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.geometry(lx.dims(), lw.dims())?;
        let out = forward(values(x, lx)?, values(w, lw)?, &geometry, self.isa);
        Ok((
            CpuStorage::F32(out),
            geometry.output_shape().to_vec().into(),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let geometry = self.geometry(x.dims(), w.dims())?;
        let isa = self.isa;
        with_values(gradient, |g| {
            let of_x = if x.track_op() {
                let values = with_values(w, |w| Ok(input_gradient(g, w, &geometry, isa)))?;
                Some(Tensor::from_vec(values, x.shape(), x.device())?)
            } else {
                None
            };
            let of_w = if w.track_op() {
                let values = with_values(x, |x| Ok(weight_gradient(x, g, &geometry, isa)))?;
                Some(Tensor::from_vec(values, w.shape(), w.device())?)
            } else {
                None
            };
            Ok((of_x, of_w))
        })
    }
}

/// The same as [`conv3d`] as a plain sum, over the depth of the kernel, of candle's 2D convolutions with the depth folded into the batch.
/// Runs on any device; the reference for the CPU kernels. Strides along height and width must be equal.
///
/// # Errors
/// As [`conv3d`], or when the strides along height and width differ.
pub fn conv3d_composed(x: &Tensor, weight: &Tensor, conv: Conv3d) -> Result<Tensor> {
    let geometry = conv.geometry(x.dims(), weight.dims())?;
    let [sd, sh, sw] = conv.stride;
    let [pd, ph, pw] = conv.padding;
    if sh != sw {
        bail!(
            "the composed convolution needs equal strides along height and width, not {sh} and {sw}"
        );
    }
    let [depth, height, width] = geometry.output;
    let folded = x
        .transpose(1, 2)?
        .contiguous()?
        .pad_with_zeros(1, pd, pd)?
        .pad_with_zeros(3, ph, ph)?
        .pad_with_zeros(4, pw, pw)?;
    let mut sum: Option<Tensor> = None;
    for k in 0..geometry.kernel[0] {
        let planes: Vec<u32> = (0..depth).map(|z| (z * sd + k) as u32).collect();
        let planes = folded.index_select(&Tensor::new(planes, x.device())?, 1)?;
        let (n, d, c, h, w) = planes.dims5()?;
        let kernel = weight.narrow(2, k, 1)?.squeeze(2)?.contiguous()?;
        let part = planes
            .reshape((n * d, c, h, w))?
            .conv2d(&kernel, 0, sh, 1, 1)?;
        sum = Some(match sum {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    let Some(sum) = sum else {
        bail!("a kernel without taps");
    };
    sum.reshape((geometry.batch, depth, geometry.out_channels, height, width))?
        .transpose(1, 2)?
        .contiguous()
}
