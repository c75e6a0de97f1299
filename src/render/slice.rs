//! The pipeline that draws a plane of a scan, and what one cell of the screen needs of it.
use super::{Error, LabelTexture, OverlayStyle, SliceView, VolumeTexture, texture, twin};
use crate::volume::WindowLevel;
use bytemuck::{Pod, Zeroable};
use glam::{DAffine3, Mat4};

/// The whole shader: the kernel first, so that line numbers in messages are those of the file.
pub const SLICE_SHADER: &str = concat!(
    include_str!("../../shaders/render/slice.wgsl"),
    include_str!("../../shaders/common/window.wgsl")
);

/// What the shader is told about one picture. Keep in sync with `Slice` in `shaders/render/slice.wgsl`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SliceUniforms {
    voxel_from_screen: [[f32; 4]; 4],
    label_from_screen: [[f32; 4]; 4],
    fill: [[f32; 4]; 8],
    window: [f32; 4],
    options: [u32; 4],
}

impl SliceUniforms {
    /// One plane of `volume` as `view` shows it. `srgb_target` says whether the render target converts linear light itself.
    pub fn new(
        volume: &VolumeTexture,
        labels: Option<&LabelTexture>,
        view: &SliceView,
        window: WindowLevel,
        style: &OverlayStyle,
    ) -> Self {
        let world = view.world_from_screen();
        let [centre, width] = volume.window(window);
        let affine = |a: DAffine3| Mat4::from(a.as_affine3()).to_cols_array_2d();
        Self {
            voxel_from_screen: affine(volume.grid().voxel_from_world() * world),
            // Without labels the one empty texel is background wherever it lies.
            label_from_screen: labels.map_or(Mat4::IDENTITY.to_cols_array_2d(), |l| {
                affine(l.grid().voxel_from_world() * world)
            }),
            fill: style.fill_table(),
            window: [centre, width, twin::OUTSIDE_GREY as f32, 0.0],
            options: [
                u32::from(volume.integers),
                style.interpolation.number(),
                u32::from(style.invert),
                0,
            ],
        }
    }
}

/// The pipeline; made once for a render target.
#[derive(Debug)]
pub struct SliceRenderer {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    no_integers: wgpu::TextureView,
    no_floats: wgpu::TextureView,
    no_labels: wgpu::TextureView,
    srgb_target: bool,
}

impl SliceRenderer {
    /// A pipeline that draws into targets of `format`.
    ///
    /// # Errors
    /// When the device cannot make a texture of one voxel.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Result<Self, Error> {
        let layout = bind_group_layout(device);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("slice"),
            source: wgpu::ShaderSource::Wgsl(SLICE_SHADER.into()),
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("slice"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("slice"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex_main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment_main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let empty = |format| -> Result<wgpu::TextureView, Error> {
            let texture = texture::create(device, [1; 3], format, "empty")?;
            Ok(texture.create_view(&wgpu::TextureViewDescriptor::default()))
        };
        Ok(Self {
            pipeline,
            layout,
            no_integers: empty(wgpu::TextureFormat::R16Sint)?,
            no_floats: empty(wgpu::TextureFormat::R32Float)?,
            no_labels: empty(wgpu::TextureFormat::R8Uint)?,
            srgb_target: format.is_srgb(),
        })
    }

    /// What one cell of the screen needs to show these textures.
    pub fn bind(
        &self,
        device: &wgpu::Device,
        volume: &VolumeTexture,
        labels: Option<&LabelTexture>,
    ) -> SliceDraw {
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("slice"),
            size: size_of::<SliceUniforms>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let (integers, floats) = if volume.integers {
            (&volume.view, &self.no_floats)
        } else {
            (&self.no_integers, &volume.view)
        };
        let textures = [
            integers,
            floats,
            labels.map_or(&self.no_labels, |l| &l.view),
        ];
        let mut entries = vec![wgpu::BindGroupEntry {
            binding: 0,
            resource: uniforms.as_entire_binding(),
        }];
        entries.extend(
            (1..)
                .zip(textures)
                .map(|(binding, view)| wgpu::BindGroupEntry {
                    binding,
                    resource: wgpu::BindingResource::TextureView(view),
                }),
        );
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("slice"),
            layout: &self.layout,
            entries: &entries,
        });
        SliceDraw { uniforms, group }
    }

    /// Sets what a cell shows from the next draw on.
    pub fn update(&self, queue: &wgpu::Queue, draw: &SliceDraw, uniforms: &SliceUniforms) {
        let mut uniforms = *uniforms;
        uniforms.options[3] = u32::from(self.srgb_target);
        queue.write_buffer(&draw.uniforms, 0, bytemuck::bytes_of(&uniforms));
    }

    /// Records the draw; it fills the pass's viewport.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, draw: &SliceDraw) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &draw.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// Uniforms and textures of one cell of the screen.
#[derive(Debug)]
pub struct SliceDraw {
    uniforms: wgpu::Buffer,
    group: wgpu::BindGroup,
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let texture = |binding, sample_type| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type,
            view_dimension: wgpu::TextureViewDimension::D3,
            multisampled: false,
        },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("slice"),
        entries: &[
            wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            },
            texture(1, wgpu::TextureSampleType::Sint),
            texture(2, wgpu::TextureSampleType::Float { filterable: false }),
            texture(3, wgpu::TextureSampleType::Uint),
        ],
    })
}
