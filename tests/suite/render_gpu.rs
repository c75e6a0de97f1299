//! The shader and its CPU twin draw the same picture, on whatever adapter there is.
use glam::{DAffine3, DMat3, DVec3};
use image::RgbImage;
use schwann::{
    measure::{Plane, PlaneFrame},
    render::{
        Error, Interpolation, LabelTexture, OverlayStyle, SliceRenderer, SliceUniforms, SliceView,
        VolumeTexture, twin,
    },
    volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, WindowLevel, unobserved},
};
use std::{io::Write as _, ops::ControlFlow};

const SIZE: [u32; 2] = [192, 160];

struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    renderer: SliceRenderer,
}

/// A device on any adapter, software included; `None`, with a line, when there is none.
fn gpu() -> Option<Gpu> {
    let mut setup = egui_wgpu::WgpuSetupCreateNew::without_display_handle();
    setup.power_preference = wgpu::PowerPreference::None;
    let instance = wgpu::Instance::new(setup.instance_descriptor);
    let Ok(adapter) = block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
    else {
        // Past the test harness, which keeps what a passing test prints.
        let line = "skipped, no graphics adapter: the comparison of the GPU with its CPU twin\n";
        drop(std::io::stderr().write_all(line.as_bytes()));
        return None;
    };
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: wgpu::Limits::downlevel_webgl2_defaults(),
        ..Default::default()
    };
    let (device, queue) = block_on(adapter.request_device(&descriptor)).unwrap();
    let renderer = SliceRenderer::new(&device, wgpu::TextureFormat::Rgba8Unorm).unwrap();
    Some(Gpu {
        device,
        queue,
        renderer,
    })
}

/// wgpu's futures are ready at once outside the web.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

fn drawn(
    gpu: &Gpu,
    volume: &Volume,
    labels: Option<&LabelMap>,
    view: &SliceView,
    window: WindowLevel,
    style: &OverlayStyle,
) -> RgbImage {
    let (device, queue) = (&gpu.device, &gpu.queue);
    let volume = VolumeTexture::new(device, queue, volume, &mut unobserved).unwrap();
    let labels = labels.map(|l| LabelTexture::new(device, queue, l, &mut unobserved).unwrap());
    let draw = gpu.renderer.bind(device, &volume, labels.as_ref());
    gpu.renderer.update(
        queue,
        &draw,
        &SliceUniforms::new(&volume, labels.as_ref(), view, window, style),
    );
    let extent = wgpu::Extent3d {
        width: SIZE[0],
        height: SIZE[1],
        depth_or_array_layers: 1,
    };
    let target = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: extent,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let row = (SIZE[0] * 4).next_multiple_of(256);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(row * SIZE[1]),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let attachment = wgpu::RenderPassColorAttachment {
            view: &target.create_view(&wgpu::TextureViewDescriptor::default()),
            resolve_target: None,
            depth_slice: None,
            ops: wgpu::Operations::default(),
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        gpu.renderer.paint(&mut pass, &draw);
    }
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(row),
        rows_per_image: None,
    };
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout,
        },
        extent,
    );
    queue.submit([encoder.finish()]);
    buffer
        .slice(..)
        .map_async(wgpu::MapMode::Read, |result| result.unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = buffer.slice(..).get_mapped_range().unwrap();
    RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
        let at = (y * row + x * 4) as usize;
        image::Rgb([bytes[at], bytes[at + 1], bytes[at + 2]])
    })
}

fn grid() -> Grid {
    let matrix = DMat3::from_rotation_y(0.15)
        * DMat3::from_rotation_x(-0.3)
        * DMat3::from_diagonal(DVec3::new(-0.8, 0.9, 1.7));
    let shape = [40, 36, 24];
    let middle = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    Grid::new(
        shape,
        DAffine3::from_mat3_translation(matrix, -(matrix * middle)),
    )
    .unwrap()
}

fn wave(n: usize) -> f64 {
    let [i, j, k] = grid().voxel(n).map(|x| x as f64);
    (i * 0.4).sin() * (j * 0.3).cos() * (k * 0.5).sin()
}

/// The same wave in every kind of storage: as integers in the texture, as floats, with either sign of slope.
fn volumes() -> Vec<Volume> {
    let count = grid().len();
    let values = |scale: f64, offset: f64| (0..count).map(move |n| wave(n) * scale + offset);
    let stored = [
        (
            Voxels::I16(values(900.0, 0.0).map(|x| x as i16).collect()),
            1.0,
            0.0,
        ),
        (
            Voxels::I16(values(900.0, 0.0).map(|x| x as i16).collect()),
            -0.5,
            40.0,
        ),
        (
            Voxels::U16(values(30000.0, 32000.0).map(|x| x as u16).collect()),
            0.03,
            -900.0,
        ),
        (
            Voxels::U8(values(120.0, 127.0).map(|x| x as u8).collect()),
            7.0,
            -900.0,
        ),
        (
            Voxels::F32(values(1e-3, 5.0).map(|x| x as f32).collect()),
            1.0,
            0.0,
        ),
        (
            Voxels::I32(values(1e6, 0.0).map(|x| x as i32).collect()),
            1e-3,
            0.0,
        ),
    ];
    stored
        .into_iter()
        .map(|(voxels, slope, intercept)| Volume::new(grid(), voxels, slope, intercept).unwrap())
        .collect()
}

fn labels() -> LabelMap {
    let table = LabelTable::new([
        (9, Structure::Cochlea),
        (4, Structure::VestibularSchwannoma),
    ]);
    let labels = (0..grid().len()).map(|n| {
        if wave(n) > 0.5 {
            9
        } else {
            4 * u8::from(wave(n) < -0.5)
        }
    });
    LabelMap::new(grid(), labels.collect(), table).unwrap()
}

/// Pixels of the two pictures that differ by more than two grey levels. A few may: on an edge between voxels `f32` and `f64` choose differently.
fn differing(a: &RgbImage, b: &RgbImage) -> usize {
    assert_eq!(a.dimensions(), b.dimensions());
    let differs = |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| {
        a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 2)
    };
    a.pixels().zip(b.pixels()).filter(differs).count()
}

#[test]
fn shader_and_twin_agree() {
    let Some(gpu) = gpu() else { return };
    let labels = labels();
    let limit = (SIZE[0] * SIZE[1]) as usize / 250;
    for (n, volume) in volumes().iter().enumerate() {
        for plane in Plane::ALL {
            let view = SliceView {
                frame: PlaneFrame::anatomical(plane, DVec3::new(0.3, -0.7, 1.1)),
                size_px: SIZE.map(f64::from),
                mm_per_px: 0.25,
            };
            for interpolation in Interpolation::ALL {
                let style = OverlayStyle {
                    interpolation,
                    invert: n % 2 == 1,
                    ..OverlayStyle::default()
                };
                for labels in [None, Some(&labels)] {
                    let window = volume.default_window();
                    let by_gpu = drawn(&gpu, volume, labels, &view, window, &style);
                    let by_cpu = twin::slice(volume, labels, &view, window, &style);
                    let differing = differing(&by_gpu, &by_cpu);
                    assert!(
                        differing <= limit,
                        "volume {n}, {plane:?}, {interpolation:?}: {differing} pixels differ"
                    );
                    assert!(by_cpu.pixels().any(|p| p.0[0] > 200), "nothing to see");
                }
            }
        }
    }
}

#[test]
fn a_scan_too_large_for_the_adapter_is_refused_in_words() {
    let Some(gpu) = gpu() else { return };
    let limit = gpu.device.limits().max_texture_dimension_3d as usize;
    let grid = Grid::axis_aligned([limit + 1, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let volume = Volume::new(grid, Voxels::U8(vec![0; grid.len()]), 1.0, 0.0).unwrap();
    let refused =
        VolumeTexture::new(&gpu.device, &gpu.queue, &volume, &mut unobserved).unwrap_err();
    assert!(matches!(refused, Error::TextureSize { .. }), "{refused}");
}

#[test]
fn an_upload_can_be_stopped() {
    let Some(gpu) = gpu() else { return };
    let stopped = VolumeTexture::new(&gpu.device, &gpu.queue, &volumes()[0], &mut |_| {
        ControlFlow::Break(())
    });
    assert_eq!(stopped.unwrap_err(), Error::Cancelled);
}
