//! 2D convolution and its transpose, by the kernels of the 3D one: a picture is a volume of one slice.
use super::direct::{forward, input_gradient};
use super::geometry::Geometry;
use super::weight::weight_gradient;
use super::{Conv3d, Isa, conv3d, values, with_values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// Convolution (cross-correlation, without bias) of `x` (`N, C, H, W`) with `weight` (`O, C, KH, KW`); zeros outside.
///
/// # Errors
/// When the shapes do not fit, or the tensors are not `f32`.
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let conv = Conv3d::new([1, stride, stride], [0, padding, padding]);
    conv3d(&x.unsqueeze(2)?, &weight.unsqueeze(2)?, conv)?.squeeze(2)
}

/// Stride and padding of a transposed convolution along height and width, as in `PyTorch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransposedConv2d {
    /// Distance of neighbouring inputs in the output.
    pub stride: usize,
    /// Rows and columns of the full output that are cut off at each border.
    pub padding: usize,
    /// Rows and columns kept beyond that at the far border.
    pub output_padding: usize,
}

/// Transposed convolution, without bias, of `x` (`N, C, H, W`) with `weight` (`C, O, KH, KW`): what [`conv2d`] with the same weights, stride and padding
/// does to gradients. The result has `(H - 1) × stride + KH + output padding - 2 × padding` rows.
///
/// # Errors
/// As [`conv2d`].
pub fn transposed_conv2d(x: &Tensor, weight: &Tensor, conv: TransposedConv2d) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op2(&weight.contiguous()?, conv)
    } else {
        transposed_conv2d_composed(x, weight, conv)
    }
}

/// [`transposed_conv2d`] from candle's operators; runs on any device.
///
/// # Errors
/// As [`conv2d`].
pub fn transposed_conv2d_composed(
    x: &Tensor,
    weight: &Tensor,
    conv: TransposedConv2d,
) -> Result<Tensor> {
    conv.geometry(x.dims(), weight.dims())?;
    x.contiguous()?.conv_transpose2d(
        &weight.contiguous()?,
        conv.padding,
        conv.output_padding,
        conv.stride,
        1,
    )
}

impl TransposedConv2d {
    /// The convolution whose transpose this is: its input is this one's output.
    fn geometry(&self, x: &[usize], weight: &[usize]) -> Result<Geometry> {
        let impossible = || format!("a transposed convolution of {x:?} with {weight:?}");
        let (&[n, c, h, w], &[from, to, kh, kw]) = (x, weight) else {
            bail!("{} is not possible", impossible());
        };
        let length = |size: usize, kernel: usize| {
            let full = size.checked_sub(1)? * self.stride + kernel + self.output_padding;
            full.checked_sub(2 * self.padding)
        };
        if let (true, Some(height), Some(width)) = (c == from, length(h, kh), length(w, kw)) {
            let steps = [1, self.stride, self.stride];
            let zeros = [0, self.padding, self.padding];
            let input = [n, to, 1, height, width];
            let found = Geometry::new(&input, &[from, to, 1, kh, kw], steps, zeros);
            // An output padding of a whole stride would be a longer input.
            if let Some(geometry) = found.filter(|g| g.output == [1, h, w]) {
                return Ok(geometry);
            }
        }
        bail!("{} is not possible", impossible())
    }
}

impl CustomOp2 for TransposedConv2d {
    fn name(&self) -> &'static str {
        "transposed-conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.geometry(lx.dims(), lw.dims())?;
        let out = input_gradient(values(x, lx)?, values(w, lw)?, &geometry, Isa::best());
        let [_, height, width] = geometry.input;
        let shape = (geometry.batch, geometry.in_channels, height, width);
        Ok((CpuStorage::F32(out), shape.into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let geometry = self.geometry(x.dims(), w.dims())?;
        let isa = Isa::best();
        with_values(gradient, |g| {
            let of_x = if x.track_op() {
                let values = with_values(w, |w| Ok(forward(g, w, &geometry, isa)))?;
                Some(Tensor::from_vec(values, x.shape(), x.device())?)
            } else {
                None
            };
            let of_w = if w.track_op() {
                let values = with_values(x, |x| Ok(weight_gradient(g, x, &geometry, isa)))?;
                Some(Tensor::from_vec(values, w.shape(), w.device())?)
            } else {
                None
            };
            Ok((of_x, of_w))
        })
    }
}
