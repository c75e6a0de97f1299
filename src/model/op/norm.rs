//! Instance normalisation with its activation.
use super::{values, with_values};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Added to the variance, as in nnU-Net.
const EPSILON: f64 = 1e-5;

/// Normalises each channel of each image to mean 0 and variance 1 over its voxels, scales by `scale`, shifts by `shift` (one value a
/// channel), and multiplies what is below zero by `slope` (Ulyanov et al. 2016; Maas et al. 2013). `x` is `N, C, D, H, W`.
///
/// # Errors
/// When the shapes do not fit, or the tensors are not `f32`.
pub fn instance_norm_leaky_relu(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    slope: f32,
) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op3(
            &scale.contiguous()?,
            &shift.contiguous()?,
            NormAct { slope },
        )
    } else {
        instance_norm_leaky_relu_composed(x, scale, shift, slope)
    }
}

/// [`instance_norm_leaky_relu`] from candle's operators; runs on any device.
///
/// # Errors
/// As [`instance_norm_leaky_relu`].
pub fn instance_norm_leaky_relu_composed(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    slope: f32,
) -> Result<Tensor> {
    let (n, c, d, h, w) = x.dims5()?;
    let flat = x.reshape((n, c, d * h * w))?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(2)?)?;
    let spread = (centred.sqr()?.mean_keepdim(2)? + EPSILON)?.sqrt()?;
    let normal = centred.broadcast_div(&spread)?;
    let scaled = normal
        .broadcast_mul(&scale.reshape((1, c, 1))?)?
        .broadcast_add(&shift.reshape((1, c, 1))?)?;
    // relu(x) - slope * relu(-x)
    let negative = (scaled.neg()?.relu()? * f64::from(slope))?;
    (scaled.relu()? - negative)?.reshape((n, c, d, h, w))
}

/// [`instance_norm_leaky_relu`] of pictures (`N, C, H, W`) without scale and shift, as translators use it; a slope of 1 leaves the activation out.
///
/// # Errors
/// As [`instance_norm_leaky_relu`].
pub fn instance_norm2d(x: &Tensor, slope: f32) -> Result<Tensor> {
    let (_, c, _, _) = x.dims4()?;
    let scale = Tensor::ones(c, x.dtype(), x.device())?;
    let shift = scale.zeros_like()?;
    instance_norm_leaky_relu(&x.unsqueeze(2)?, &scale, &shift, slope)?.squeeze(2)
}

struct NormAct {
    slope: f32,
}

/// Mean and reciprocal standard deviation of a channel.
fn statistics(values: &[f32]) -> (f32, f32) {
    // About one of the values: squares about zero drown the variance where the mean is far from zero.
    let pivot = values.first().copied().unwrap_or_default();
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    // Blocks keep the sums of f32 exact enough; eight lanes let the compiler use vectors.
    for block in values.chunks(512) {
        let (mut s, mut q) = ([0.0_f32; 8], [0.0_f32; 8]);
        let lanes = block.chunks_exact(8);
        for v in lanes.remainder() {
            let v = v - pivot;
            s[0] += v;
            q[0] += v * v;
        }
        for v in lanes {
            for i in 0..8 {
                let v = v[i] - pivot;
                s[i] += v;
                q[i] += v * v;
            }
        }
        sum += s.iter().map(|&v| f64::from(v)).sum::<f64>();
        squares += q.iter().map(|&v| f64::from(v)).sum::<f64>();
    }
    let count = values.len() as f64;
    let mean = sum / count;
    let variance = (squares / count - mean * mean).max(0.0);
    let mean = f64::from(pivot) + mean;
    (mean as f32, (1.0 / (variance + EPSILON).sqrt()) as f32)
}

/// Voxels of a channel, and channels.
fn sizes(dims: &[usize], scale: &[f32], shift: &[f32]) -> Result<(usize, usize)> {
    let &[n, channels, d, h, w] = dims else {
        bail!("instance normalisation takes N, C, D, H, W, not {dims:?}");
    };
    if n * d * h * w == 0 || scale.len() != channels || shift.len() != channels {
        bail!(
            "instance normalisation of {dims:?} with {} scales",
            scale.len()
        );
    }
    Ok((d * h * w, channels))
}

impl CustomOp3 for NormAct {
    fn name(&self) -> &'static str {
        "instance-norm-leaky-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        scale: &CpuStorage,
        ls: &Layout,
        shift: &CpuStorage,
        lh: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, scale, shift) = (values(x, lx)?, values(scale, ls)?, values(shift, lh)?);
        let (voxels, channels) = sizes(lx.dims(), scale, shift)?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(voxels)
            .zip(x.par_chunks(voxels))
            .enumerate()
            .for_each(|(at, (out, x))| {
                let (mean, inverse) = statistics(x);
                let factor = inverse * scale[at % channels];
                let offset = shift[at % channels] - mean * factor;
                for (o, v) in out.iter_mut().zip(x) {
                    let y = v * factor + offset;
                    *o = y.max(0.0) + self.slope * y.min(0.0);
                }
            });
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (of_x, of_scale, of_shift) = with_values(x, |xs| {
            with_values(scale, |scale| {
                with_values(shift, |shift| {
                    with_values(gradient, |g| {
                        let (voxels, channels) = sizes(x.dims(), scale, shift)?;
                        Ok(self.gradients(xs, g, scale, shift, (voxels, channels)))
                    })
                })
            })
        })?;
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(of_x, x.shape(), device)?),
            Some(Tensor::from_vec(of_scale, scale.shape(), device)?),
            Some(Tensor::from_vec(of_shift, shift.shape(), device)?),
        ))
    }
}

impl NormAct {
    /// Gradients of input, scale and shift.
    fn gradients(
        &self,
        x: &[f32],
        gradient: &[f32],
        scale: &[f32],
        shift: &[f32],
        (voxels, channels): (usize, usize),
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut of_x = vec![0.0; x.len()];
        let sums: Vec<[f32; 2]> = of_x
            .par_chunks_mut(voxels)
            .zip(x.par_chunks(voxels))
            .zip(gradient.par_chunks(voxels))
            .enumerate()
            .map(|(at, ((out, x), g))| {
                let (mean, inverse) = statistics(x);
                let (scale, shift) = (scale[at % channels], shift[at % channels]);
                let (mut sum, mut product) = (0.0_f64, 0.0_f64);
                for (x, (g, out)) in x.chunks(4096).zip(g.chunks(4096).zip(out.chunks_mut(4096))) {
                    let (mut s, mut p) = ([0.0_f32; 8], [0.0_f32; 8]);
                    for (i, ((x, g), out)) in x.iter().zip(g).zip(out).enumerate() {
                        let normal = (x - mean) * inverse;
                        // `out` keeps the gradient before the activation until the sums are known.
                        let before = if normal * scale + shift >= 0.0 {
                            *g
                        } else {
                            self.slope * g
                        };
                        *out = before;
                        s[i % 8] += before;
                        p[i % 8] += before * normal;
                    }
                    sum += s.iter().map(|&v| f64::from(v)).sum::<f64>();
                    product += p.iter().map(|&v| f64::from(v)).sum::<f64>();
                }
                let count = x.len() as f64;
                let (mean_g, mean_gx) = ((sum / count) as f32, (product / count) as f32);
                let factor = scale * inverse;
                for (out, x) in out.iter_mut().zip(x) {
                    *out = factor * (*out - mean_g - (x - mean) * inverse * mean_gx);
                }
                [product as f32, sum as f32]
            })
            .collect();
        let mut of_scale = vec![0.0; channels];
        let mut of_shift = vec![0.0; channels];
        for (at, [product, sum]) in sums.into_iter().enumerate() {
            of_scale[at % channels] += product;
            of_shift[at % channels] += sum;
        }
        (of_x, of_scale, of_shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_exact_far_from_zero() {
        // Whole numbers about 1000, which single precision holds.
        let values: Vec<f32> = (0..20_000)
            .map(|n| 1000.0 + (n * 7 % 13) as f32 - 6.0)
            .collect();
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
        let inverse = 1.0 / (squares.sum::<f64>() / count + EPSILON).sqrt();
        let found = statistics(&values);
        assert!(
            (f64::from(found.0) - mean).abs() < 1e-4,
            "{found:?}, {mean}"
        );
        assert!(
            (f64::from(found.1) / inverse - 1.0).abs() < 1e-6,
            "{found:?}, {inverse}"
        );
    }
}
