//! Scans and labels as 3D textures.
use super::{Error, style::slot};
use crate::volume::{Grid, LabelMap, Observe, Progress, Shape, Volume, Voxels, WindowLevel};

/// Slabs are at most this many bytes, so that an upload never needs the whole scan twice.
const SLAB_BYTES: usize = 8 << 20;

/// A scan on the GPU: integers of up to 16 bits as they are stored, everything else as `f32` intensities.
#[derive(Debug)]
pub struct VolumeTexture {
    pub(super) view: wgpu::TextureView,
    pub(super) integers: bool,
    grid: Grid,
    slope: f64,
    intercept: f64,
}

impl VolumeTexture {
    /// Uploads a scan slab by slab.
    ///
    /// # Errors
    /// [`Error::TextureSize`] when an axis is longer than the device's 3D textures may be; [`Error::Cancelled`] when the observer stops it.
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        volume: &Volume,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        let grid = *volume.grid();
        let (slope, intercept) = volume.rescale();
        let small = matches!(
            volume.voxels(),
            Voxels::U8(_) | Voxels::I8(_) | Voxels::I16(_) | Voxels::U16(_)
        );
        // A slope of zero has no inverse for the window; the CPU multiplies it out instead.
        let integers = small && slope != 0.0 && slope.is_finite() && intercept.is_finite();
        let format = if integers {
            wgpu::TextureFormat::R16Sint
        } else {
            wgpu::TextureFormat::R32Float
        };
        let texture = create(device, grid.shape(), format, "scan")?;
        let low = volume.quantiles([0.0])[0];
        let slice = grid.shape()[0] * grid.shape()[1];
        upload(queue, &texture, grid.shape(), observe, |first, count| {
            let range = first * slice..(first + count) * slice;
            if integers {
                let values: Vec<i16> = range.map(|i| stored_i16(volume.voxels(), i)).collect();
                bytemuck::cast_slice(&values).to_vec()
            } else {
                let values: Vec<f32> = range
                    .map(|i| {
                        volume
                            .voxels()
                            .get(i)
                            .map_or(f64::NAN, |v| v * slope + intercept)
                    })
                    .map(|v| finite(v, low) as f32)
                    .collect();
                bytemuck::cast_slice(&values).to_vec()
            }
        })?;
        Ok(Self {
            view: texture.create_view(&wgpu::TextureViewDescriptor::default()),
            integers,
            grid,
            slope: if integers { slope } else { 1.0 },
            intercept: if integers {
                intercept - slope * offset(volume.voxels())
            } else {
                0.0
            },
        })
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Centre and width of a window in the texture's own values. A negative slope gives a negative width, which the formula allows.
    pub(super) fn window(&self, window: WindowLevel) -> [f32; 2] {
        [
            ((window.centre - self.intercept) / self.slope) as f32,
            (window.width / self.slope) as f32,
        ]
    }
}

/// Labels on the GPU, one structure slot a voxel.
#[derive(Debug)]
pub struct LabelTexture {
    pub(super) view: wgpu::TextureView,
    grid: Grid,
}

impl LabelTexture {
    /// Uploads labels slab by slab; values the table does not name become background.
    ///
    /// # Errors
    /// As [`VolumeTexture::new`].
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        labels: &LabelMap,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        let grid = *labels.grid();
        let texture = create(device, grid.shape(), wgpu::TextureFormat::R8Uint, "labels")?;
        let mut slots = [0_u8; 256];
        for &(value, structure) in labels.table().entries() {
            slots[usize::from(value)] = slot(structure) as u8;
        }
        let slice = grid.shape()[0] * grid.shape()[1];
        upload(queue, &texture, grid.shape(), observe, |first, count| {
            let range = first * slice..(first + count) * slice;
            labels.labels()[range]
                .iter()
                .map(|&l| slots[usize::from(l)])
                .collect()
        })?;
        Ok(Self {
            view: texture.create_view(&wgpu::TextureViewDescriptor::default()),
            grid,
        })
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }
}

/// What a voxel without a finite value is drawn as: the darkest value of the scan.
pub(super) fn finite(value: f64, low: f64) -> f64 {
    if value.is_finite() { value } else { low }
}

/// What is added to stored values so that they fit `i16`: unsigned 16-bit values are moved down by half their range.
fn offset(voxels: &Voxels) -> f64 {
    if matches!(voxels, Voxels::U16(_)) {
        -32768.0
    } else {
        0.0
    }
}

/// A stored value of a type of at most 16 bits, moved by [`offset`].
fn stored_i16(voxels: &Voxels, index: usize) -> i16 {
    match voxels {
        Voxels::U8(v) => i16::from(v[index]),
        Voxels::I8(v) => i16::from(v[index]),
        Voxels::I16(v) => v[index],
        Voxels::U16(v) => (i32::from(v[index]) - 32768) as i16,
        _ => 0,
    }
}

/// An empty 3D texture, if the device can have one of this size.
pub(super) fn create(
    device: &wgpu::Device,
    shape: Shape,
    format: wgpu::TextureFormat,
    label: &str,
) -> Result<wgpu::Texture, Error> {
    let limit = device.limits().max_texture_dimension_3d;
    if shape.iter().any(|&n| n > limit as usize) {
        return Err(Error::TextureSize { shape, limit });
    }
    Ok(device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: extent(shape),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D3,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    }))
}

/// Writes a texture slab by slab; `bytes(first, count)` gives `count` slices from `first` on.
fn upload(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    shape: Shape,
    observe: &mut Observe<'_>,
    bytes: impl Fn(usize, usize) -> Vec<u8>,
) -> Result<(), Error> {
    let texel = texture.format().block_copy_size(None).unwrap_or(4) as usize;
    let row = shape[0] * texel;
    let thick = (SLAB_BYTES / (row * shape[1])).max(1);
    for first in (0..shape[2]).step_by(thick) {
        let count = thick.min(shape[2] - first);
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d {
                    x: 0,
                    y: 0,
                    z: first as u32,
                },
                aspect: wgpu::TextureAspect::All,
            },
            &bytes(first, count),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(row as u32),
                rows_per_image: Some(shape[1] as u32),
            },
            extent([shape[0], shape[1], count]),
        );
        // Flushes the staging memory of this slab.
        queue.submit([]);
        let fraction = (first + count) as f32 / shape[2] as f32;
        let progress = Progress {
            stage: "sending to the graphics adapter",
            fraction,
        };
        if observe(progress).is_break() {
            return Err(Error::Cancelled);
        }
    }
    Ok(())
}

fn extent([width, height, depth]: Shape) -> wgpu::Extent3d {
    wgpu::Extent3d {
        width: width as u32,
        height: height as u32,
        depth_or_array_layers: depth as u32,
    }
}
