//! Differentiable operators that candle has not, or not with a right gradient: convolution, transposed convolution, instance normalisation, pooling, resampling,
//! reflecting borders.
//!
//! Tensors are `N, C, D, H, W`, or `N, C, H, W` where a name ends in `2d`; `f32`. On the CPU each is a `CustomOp` with a gradient of its own; on other devices the same sum is
//! composed of candle's operators.

mod conv2d;
mod conv3d;
mod direct;
mod geometry;
mod interpolate;
mod kernel;
mod norm;
mod pool;
mod resample2d;
mod upsample;
mod weight;

pub use conv2d::{TransposedConv2d, conv2d, transposed_conv2d, transposed_conv2d_composed};
pub use conv3d::{Conv3d, conv3d, conv3d_composed};
pub use interpolate::{
    upsample_nearest3d, upsample_nearest3d_composed, upsample_trilinear3d,
    upsample_trilinear3d_composed,
};
pub use kernel::Isa;
pub use norm::{instance_norm_leaky_relu, instance_norm_leaky_relu_composed, instance_norm2d};
pub use pool::{average_pool3d, leaky_relu, max_pool3d};
pub use resample2d::{blur_downsample2d, blur_upsample2d, reflect_pad2d, upsample_nearest2d};
pub use upsample::{transposed_conv3d, transposed_conv3d_composed};

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The values of a contiguous `f32` storage.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(v), Some((start, end))) => match v.get(start..end) {
            Some(slice) => Ok(slice),
            None => bail!("a layout reaches beyond its storage"),
        },
        _ => bail!("the operator takes contiguous f32 tensors"),
    }
}

/// Calls `f` with the values of a tensor on the CPU.
fn with_values<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(cpu) => f(values(cpu, layout)?),
        _ => bail!("the operator runs on the CPU"),
    }
}
