//! Time of a frame of the window: three planes with outlines and fill at 1920 × 1080 on a scan of 512 × 512 × 120, moved by one slice a frame, by whatever adapter
//! there is, beside the same three planes by the processor's twin of the shader in the same run. `cargo bench --bench window`.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for developers"
)]
use egui::{Key, Modifiers, Vec2};
use egui_kittest::{Harness, TestRenderer, kittest::Queryable as _};
use egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor, wgpu};
use glam::DVec3;
use schwann::{
    app::{App, AppState, Command, NewScan, Outcome, Preset, Task, WorkCommand, apply, next_task},
    measure::Plane,
    render::twin,
    volume::{Grid, LabelMap, LabelTable, Sequence, Structure, Volume, Voxels, unobserved},
};
use std::{collections::BTreeMap, time::Instant};

const SHAPE: [usize; 3] = [512, 512, 120];
const SPACING_MM: [f64; 3] = [0.4, 0.4, 1.0];
const SIZE: Vec2 = Vec2::new(1920.0, 1080.0);
const FRAMES: usize = 60;

fn scan(grid: Grid) -> NewScan {
    // Noise on a bright ball: no value is foreseen by its neighbours.
    let centre = grid.centre_in_world();
    let voxels = (0..grid.len())
        .map(|n| {
            let inside = grid.point_in_world(grid.voxel(n)).distance(centre) < 80.0;
            (n * 7919 % 211) as i16 + 600 * i16::from(inside)
        })
        .collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).expect("a scan");
    NewScan {
        origin: "bench".to_owned(),
        date: None,
        date_from_name: false,
        windows: Preset::windows(&volume),
        volume,
        sequence: Sequence::HrT2,
        acquisition: None,
        scan_sha256: "0".repeat(64),
        warnings: Vec::new(),
        left: None,
        recent: None,
        source: None,
        demo: false,
    }
}

/// A ball for each structure.
fn labels(grid: Grid) -> LabelMap {
    let at = |n: usize| DVec3::new(-40.0 + 20.0 * n as f64, 0.0, 0.0) + grid.centre_in_world();
    let values = (0..grid.len())
        .map(|n| {
            let point = grid.point_in_world(grid.voxel(n));
            let structure = (0..5).find(|s| point.distance(at(*s)) < 9.0);
            structure.map_or(0, |s| s as u8 + 1)
        })
        .collect();
    LabelMap::new(grid, values, LabelTable::default()).expect("a map")
}

/// Least, median and greatest of times, milliseconds.
fn spread(mut seconds: Vec<f64>) -> [f64; 3] {
    seconds.sort_by(f64::total_cmp);
    [0, seconds.len() / 2, seconds.len() - 1].map(|n| 1000.0 * seconds[n])
}

fn timed(mut work: impl FnMut()) -> [f64; 3] {
    let times = (0..FRAMES).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    spread(times.collect())
}

fn state(grid: Grid) -> AppState {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("labels.nii");
    schwann::io::write_labels(&path, &labels(grid)).expect("a file");
    let mut state = AppState::default();
    let ended = |outcome| Command::Work(WorkCommand::Ended(Some(outcome)));
    apply(&mut state, ended(Outcome::Scan(Box::new(scan(grid)))));
    let visit = state.visits[0].id;
    let open = Task::LabelValues(visit, path);
    apply(&mut state, Command::Work(WorkCommand::Enqueue(open)));
    let mut asked = false;
    while let Some(task) = next_task(&mut state) {
        let outcome = task.run(&mut unobserved);
        apply(&mut state, ended(outcome));
        if state.meaning.is_some() && !asked {
            asked = true;
            let read = schwann::app::MeaningCommand::Read;
            apply(&mut state, Command::Work(WorkCommand::Meaning(read)));
        }
    }
    assert_eq!(
        state.visits[0].outlines.as_ref().map(|o| o.parts.len()),
        Some(5)
    );
    state
}

/// Draws into a texture and waits until it is drawn, as a window does but for showing it. What reads a picture back for tests takes as long again.
struct Screen {
    state: RenderState,
    target: wgpu::TextureView,
}

impl Screen {
    fn new() -> Self {
        let setup = egui_kittest::wgpu::default_wgpu_setup();
        let options = RendererOptions {
            dithering: false,
            ..RendererOptions::default()
        };
        let state = egui_kittest::wgpu::create_render_state(setup, options);
        let target = state.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d {
                width: SIZE.x as u32,
                height: SIZE.y as u32,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let target = target.create_view(&wgpu::TextureViewDescriptor::default());
        Self { state, target }
    }
}

impl TestRenderer for Screen {
    fn setup_eframe(&self, cc: &mut eframe::CreationContext<'_>, frame: &mut eframe::Frame) {
        cc.wgpu_render_state = Some(self.state.clone());
        frame.wgpu_render_state = Some(self.state.clone());
    }

    #[expect(clippy::iter_over_hash_type, reason = "textures are set in any order")]
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        let mut renderer = self.state.renderer.write();
        let (device, queue) = (&self.state.device, &self.state.queue);
        for (id, images) in delta.set.drain() {
            for image in images {
                renderer.update_texture(device, queue, id, &image);
            }
        }
        for id in delta.free.drain() {
            renderer.free_texture(&id);
        }
    }

    fn render(
        &mut self,
        ctx: &egui::Context,
        output: &egui::FullOutput,
    ) -> Result<image::RgbaImage, String> {
        let mut renderer = self.state.renderer.write();
        let (device, queue) = (&self.state.device, &self.state.queue);
        let screen = ScreenDescriptor {
            pixels_per_point: ctx.pixels_per_point(),
            size_in_pixels: [SIZE.x as u32, SIZE.y as u32],
        };
        let shapes = ctx.tessellate(output.shapes.clone(), ctx.pixels_per_point());
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let buffers = renderer.update_buffers(device, queue, &mut encoder, &shapes, &screen);
        let attachment = wgpu::RenderPassColorAttachment {
            view: &self.target,
            resolve_target: None,
            ops: wgpu::Operations::default(),
            depth_slice: None,
        };
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), &shapes, &screen);
        queue.submit(buffers.into_iter().chain([encoder.finish()]));
        let wait = wgpu::PollType::wait_indefinitely();
        device.poll(wait).map_err(|e| e.to_string())?;
        Ok(image::RgbaImage::new(1, 1))
    }
}

fn main() {
    let grid = Grid::axis_aligned(SHAPE, SPACING_MM, DVec3::ZERO).expect("a grid");
    let state = state(grid);
    let visit = &state.visits[0];
    let outlines = visit.outlines.as_ref().expect("outlines");
    let (volume, labels) = (visit.volume.clone(), outlines.labels.clone());
    let (window, style) = (state.window(visit), state.view.style.clone());
    let views = Plane::ALL.map(|plane| state.slice_view(visit, plane, [660.0, 480.0]));

    let mut harness = Harness::builder()
        .with_size(SIZE)
        .renderer(Screen::new())
        .build_eframe(|cc| App::with_state(cc.wgpu_render_state.as_ref(), state));
    // Until the scan is on the adapter the processor draws.
    let until = Instant::now();
    while until.elapsed().as_secs_f64() < 4.0 {
        harness.step();
    }
    let cell = harness
        .get_by_label_contains("axial plane of")
        .rect()
        .center();
    harness.hover_at(cell);
    harness.step();
    let mut up = true;
    let mut turn = 0;
    let mut frame = |harness: &mut Harness<'_, App>| {
        turn += 1;
        if turn % 50 == 0 {
            up = !up;
        }
        let key = if up { Key::ArrowUp } else { Key::ArrowDown };
        harness.key_press_modifiers(Modifiers::NONE, key);
        harness.step();
    };
    let laid_out = timed(|| frame(&mut harness));
    let drawn = timed(|| {
        frame(&mut harness);
        drop(harness.render().expect("a picture"));
    });
    let by_processor = timed(|| {
        for view in &views {
            drop(twin::slice(&volume, Some(&labels), view, window, &style));
        }
    });
    // What the toolkit and the adapter take for a window with nothing in it.
    drop(harness);
    let mut empty = Harness::builder()
        .with_size(SIZE)
        .renderer(Screen::new())
        .build_eframe(|cc| App::with_state(cc.wgpu_render_state.as_ref(), AppState::default()));
    empty.run_steps(3);
    let nothing = timed(|| {
        empty.step();
        drop(empty.render().expect("a picture"));
    });
    let rows = BTreeMap::from([
        ("1 window: layout and outlines", laid_out),
        ("2 window: the same, drawn", drawn),
        ("3 peer: three planes by the processor alone", by_processor),
        ("4 window without a scan, drawn", nothing),
    ]);
    for (name, [least, median, greatest]) in rows {
        println!(
            "{name:45} {median:7.1} ms a frame ({least:.1} to {greatest:.1}), {:.0} frames a second",
            1000.0 / median
        );
    }
    println!("ratio of 2 to 3: {:.2}", drawn[1] / by_processor[1]);
    let tumour = Structure::VestibularSchwannoma;
    println!("tumour of {} voxels, 5 structures", labels.count(tumour));
}
