//! The scans on the GPU, and the paint callback: the only place where egui meets a pipeline.
use crate::{
    app::{
        job::Job,
        preferences::Drawing,
        state::{AppState, VisitId},
    },
    render::{
        self, LabelTexture, OverlayStyle, SliceDraw, SliceRenderer, SliceUniforms, SliceView,
        VolumeTexture, twin,
    },
    volume::{LabelMap, Observe, Progress, Volume, WindowLevel},
};
use egui::{Color32, ColorImage, Context, Rect, TextureHandle, TextureOptions};
use egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Names a cell of the window: the column or row of a visit, and the plane.
pub(super) type CellKey = (VisitId, usize);

/// What is on the GPU, and what is on its way there.
#[derive(Default)]
pub(in crate::app) struct Gpu {
    state: Option<RenderState>,
    uploads: BTreeMap<Key, Job<Progress, Upload>>,
    /// Scans the adapter cannot hold, with the reason in words; the CPU draws them.
    refused: BTreeMap<VisitId, String>,
    cpu: BTreeMap<CellKey, (CpuKey, TextureHandle)>,
    /// What the device complained of, on whatever thread; then the CPU draws everything.
    complaint: Arc<Mutex<Option<String>>>,
    failed: bool,
    /// What the user wants to draw the slices.
    drawing: Drawing,
    /// The device is gone, and with it everything that the window draws with.
    lost: Arc<AtomicBool>,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu")
            .field("uploads", &self.uploads)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

/// A texture: the scan of a visit, or its labels of one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Scan(VisitId),
    Labels(VisitId, u64),
}

type Upload = Result<Texture, render::Error>;

#[derive(Debug)]
enum Texture {
    Scan(VolumeTexture),
    Labels(LabelTexture),
}

/// What egui keeps for the callbacks.
struct Resources {
    renderer: SliceRenderer,
    textures: BTreeMap<Key, Texture>,
    draws: BTreeMap<CellKey, (Key, Option<Key>, SliceDraw)>,
}

/// Everything a picture by the CPU depends on.
#[derive(Debug, Clone, PartialEq)]
struct CpuKey {
    view: SliceView,
    window: WindowLevel,
    style: OverlayStyle,
    revision: Option<u64>,
}

/// What a cell shows.
pub(super) struct Picture<'a> {
    pub(super) cell: CellKey,
    pub(super) volume: &'a Arc<Volume>,
    /// Labels and their revision.
    pub(super) labels: Option<(&'a Arc<LabelMap>, u64)>,
    pub(super) view: SliceView,
    pub(super) window: WindowLevel,
    pub(super) style: &'a OverlayStyle,
}

impl Gpu {
    /// Makes the pipeline. Without a render state the CPU draws everything.
    pub(in crate::app) fn new(state: Option<&RenderState>) -> Self {
        let state = state.filter(|s| match SliceRenderer::new(&s.device, s.target_format) {
            Ok(renderer) => {
                s.renderer.write().callback_resources.insert(Resources {
                    renderer,
                    textures: BTreeMap::new(),
                    draws: BTreeMap::new(),
                });
                true
            }
            Err(error) => {
                log::warn!("the processor draws the slices: {error}");
                false
            }
        });
        let (complaint, lost) = (Arc::default(), Arc::default());
        if let Some(state) = state {
            listen(&state.device, &complaint, &lost);
        }
        Self {
            state: state.cloned(),
            complaint,
            lost,
            ..Self::default()
        }
    }

    /// Hands all drawing to the CPU when the device has complained; says so in words, once.
    pub(in crate::app) fn failure(&mut self) -> Option<String> {
        let complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let state = self.state.take()?;
        let mut renderer = state.renderer.write();
        renderer.callback_resources.remove::<Resources>();
        self.uploads.clear();
        self.failed = true;
        Some(format!(
            "The graphics adapter failed; the processor draws the slices from now on. {complaint}"
        ))
    }

    /// Whether the device is gone: then the window can show nothing any more, and must be opened anew.
    pub(in crate::app) fn is_lost(&self) -> bool {
        // A device says so when it is asked.
        if let Some(state) = &self.state {
            drop(state.device.poll(wgpu::PollType::Poll));
        }
        self.lost.load(Ordering::Acquire)
    }

    /// Whether the processor draws the slices although there is an adapter: because the user wants it, or because the adapter is a program that runs on the processor too. Such a
    /// program takes 20 ms and more for what the CPU twin does in 3.
    fn by_processor(&self) -> bool {
        match self.drawing {
            Drawing::Adapter => false,
            Drawing::Processor => true,
            Drawing::Automatic => self
                .state
                .as_ref()
                .is_some_and(|s| s.adapter.get_info().device_type == wgpu::DeviceType::Cpu),
        }
    }

    /// The adapter that draws, in words.
    pub(in crate::app) fn adapter(&self) -> String {
        let why = if self.failed {
            "the graphics adapter failed"
        } else {
            "no graphics adapter"
        };
        self.state.as_ref().map_or_else(
            || format!("processor ({why})"),
            |s| {
                let info = s.adapter.get_info();
                let software = if info.device_type == wgpu::DeviceType::Cpu {
                    ", software"
                } else {
                    ""
                };
                let slices = if self.by_processor() {
                    "; the processor draws the slices"
                } else {
                    ""
                };
                format!("{} ({}{software}{slices})", info.name, info.backend)
            },
        )
    }

    /// Why a scan is drawn by the CPU, in words.
    pub(in crate::app) fn refusal(&self, visit: VisitId) -> Option<&str> {
        self.refused.get(&visit).map(String::as_str)
    }

    /// Whether something is on its way to the GPU.
    pub(in crate::app) fn busy(&self) -> bool {
        !self.uploads.is_empty()
    }

    /// Takes in finished uploads, begins missing ones, forgets what is no longer shown.
    pub(in crate::app) fn sync(&mut self, ctx: &Context, state: &AppState) {
        self.drawing = state.preferences.drawing;
        let idle = self.by_processor();
        let Some(render_state) = &self.state else {
            return;
        };
        let mut renderer = render_state.renderer.write();
        let Some(resources) = renderer.callback_resources.get_mut::<Resources>() else {
            return;
        };
        if idle {
            self.uploads.clear();
            resources.draws.clear();
            resources.textures.clear();
            self.cpu
                .retain(|(visit, _), _| state.visit(*visit).is_some());
            return;
        }
        let mut done = Vec::new();
        for (key, job) in &mut self.uploads {
            if let ControlFlow::Break(result) = job.poll() {
                done.push((*key, result));
            }
        }
        for (key, result) in done {
            self.uploads.remove(&key);
            let (Key::Scan(visit) | Key::Labels(visit, _)) = key;
            match result {
                Some(Ok(texture)) => drop(resources.textures.insert(key, texture)),
                Some(Err(render::Error::Cancelled)) => {}
                Some(Err(error)) => drop(self.refused.insert(visit, error.to_string())),
                None => drop(self.refused.insert(
                    visit,
                    "sending the scan to the graphics adapter failed".to_owned(),
                )),
            }
        }
        let wanted = wanted(state);
        let live = |key: &Key| wanted.iter().any(|(k, _)| k == key);
        resources.textures.retain(|key, _| live(key));
        resources
            .draws
            .retain(|_, (scan, labels, _)| live(scan) && labels.as_ref().is_none_or(live));
        self.uploads.retain(|key, _| live(key));
        self.cpu
            .retain(|(visit, _), _| state.visit(*visit).is_some());
        self.refused
            .retain(|visit, _| state.visit(*visit).is_some());
        for (key, source) in wanted {
            let (Key::Scan(visit) | Key::Labels(visit, _)) = key;
            let there = resources.textures.contains_key(&key)
                || self.uploads.contains_key(&key)
                || self.refused.contains_key(&visit);
            if !there && let Some(job) = begin_upload(ctx, render_state, source) {
                self.uploads.insert(key, job);
            }
        }
    }

    /// Draws a picture into a rectangle: by the GPU once it has the scan, by the CPU until then.
    pub(super) fn paint(&mut self, painter: &egui::Painter, rect: Rect, picture: &Picture<'_>) {
        let scan = Key::Scan(picture.cell.0);
        let labels = picture
            .labels
            .map(|(_, revision)| Key::Labels(picture.cell.0, revision));
        if let Some(uniforms) = self.uniforms(scan, labels, picture) {
            let callback = SliceCallback {
                cell: picture.cell,
                scan,
                labels,
                uniforms,
            };
            painter.add(egui_wgpu::Callback::new_paint_callback(rect, callback));
        } else {
            self.paint_by_cpu(painter, rect, picture);
        }
    }

    /// What the shader is told, when everything it needs is there.
    fn uniforms(
        &self,
        scan: Key,
        labels: Option<Key>,
        picture: &Picture<'_>,
    ) -> Option<SliceUniforms> {
        let renderer = self.state.as_ref()?.renderer.read();
        let resources = renderer.callback_resources.get::<Resources>()?;
        let Some(Texture::Scan(volume)) = resources.textures.get(&scan) else {
            return None;
        };
        let labels = match labels.map(|key| resources.textures.get(&key)) {
            Some(Some(Texture::Labels(labels))) => Some(labels),
            Some(_) => return None,
            None => None,
        };
        Some(SliceUniforms::new(
            volume,
            labels,
            &picture.view,
            picture.window,
            picture.style,
        ))
    }

    fn paint_by_cpu(&mut self, painter: &egui::Painter, rect: Rect, picture: &Picture<'_>) {
        let key = CpuKey {
            view: picture.view,
            window: picture.window,
            style: picture.style.clone(),
            revision: picture.labels.map(|(_, revision)| revision),
        };
        let kept = self.cpu.remove(&picture.cell);
        let texture = if let Some((_, texture)) = kept.as_ref().filter(|(k, _)| *k == key) {
            texture.clone()
        } else {
            let labels = picture.labels.map(|(labels, _)| &**labels);
            let image = twin::slice(
                picture.volume,
                labels,
                &picture.view,
                picture.window,
                picture.style,
            );
            let size = [image.width() as usize, image.height() as usize];
            let image = ColorImage::from_rgb(size, image.as_raw());
            if let Some((_, mut texture)) = kept {
                texture.set(image, TextureOptions::LINEAR);
                texture
            } else {
                let options = TextureOptions::LINEAR;
                painter.ctx().load_texture("slice", image, options)
            }
        };
        self.cpu.insert(picture.cell, (key, texture.clone()));
        let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
        painter.image(texture.id(), rect, whole, Color32::WHITE);
    }
}

/// Takes down what goes wrong on a device. Without this, wgpu ends the program.
fn listen(
    device: &wgpu::Device,
    complaint: &Arc<Mutex<Option<String>>>,
    is_lost: &Arc<AtomicBool>,
) {
    let note = |complaint: &Mutex<Option<String>>, text: &str| {
        log::error!("the graphics adapter failed: {text}");
        let first_line = text.lines().next().unwrap_or_default().to_owned();
        complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(first_line);
    };
    let errors = Arc::clone(complaint);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        note(&errors, &error.to_string());
    }));
    let (lost, is_lost) = (Arc::clone(complaint), Arc::clone(is_lost));
    device.set_device_lost_callback(move |reason, text| {
        // As when the window is closed.
        if reason != wgpu::DeviceLostReason::Destroyed {
            is_lost.store(true, Ordering::Release);
            note(&lost, &text);
        }
    });
}

/// What an upload is made from.
enum Source {
    Scan(Arc<Volume>),
    Labels(Arc<LabelMap>),
}

/// Every texture that should be on the GPU.
fn wanted(state: &AppState) -> Vec<(Key, Source)> {
    let mut wanted = Vec::new();
    let mut visits = state.shown();
    // What a blink will show is ready before the key is pressed.
    let others = [state.active_visit(), state.prior().map(|(v, _)| v)];
    for visit in others.into_iter().flatten() {
        if !state.view.compare && visits.iter().all(|v| v.id != visit.id) {
            visits.push(visit);
        }
    }
    for visit in visits {
        wanted.push((Key::Scan(visit.id), Source::Scan(Arc::clone(&visit.volume))));
        if let Some(outlines) = &visit.outlines {
            wanted.push((
                Key::Labels(visit.id, visit.fill_revision),
                Source::Labels(Arc::clone(&outlines.labels)),
            ));
        }
    }
    wanted
}

fn begin_upload(
    ctx: &Context,
    state: &RenderState,
    source: Source,
) -> Option<Job<Progress, Upload>> {
    let (device, queue) = (state.device.clone(), state.queue.clone());
    let ctx = ctx.clone();
    let work = move |observe: &mut Observe<'_>| match source {
        Source::Scan(volume) => {
            VolumeTexture::new(&device, &queue, &volume, observe).map(Texture::Scan)
        }
        Source::Labels(labels) => {
            LabelTexture::new(&device, &queue, &labels, observe).map(Texture::Labels)
        }
    };
    Job::spawn("upload", move || ctx.request_repaint(), work)
        .inspect_err(|error| log::error!("no thread for an upload: {error}"))
        .ok()
}

/// Draws one cell.
struct SliceCallback {
    cell: CellKey,
    scan: Key,
    labels: Option<Key>,
    uniforms: SliceUniforms,
}

impl CallbackTrait for SliceCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(resources) = resources.get_mut::<Resources>() else {
            return Vec::new();
        };
        let bound = resources
            .draws
            .get(&self.cell)
            .is_some_and(|(scan, labels, _)| (*scan, *labels) == (self.scan, self.labels));
        if !bound && let Some(Texture::Scan(volume)) = resources.textures.get(&self.scan) {
            let labels = match self.labels.and_then(|key| resources.textures.get(&key)) {
                Some(Texture::Labels(labels)) => Some(labels),
                _ => None,
            };
            let draw = resources.renderer.bind(device, volume, labels);
            resources
                .draws
                .insert(self.cell, (self.scan, self.labels, draw));
        }
        if let Some((_, _, draw)) = resources.draws.get(&self.cell) {
            resources.renderer.update(queue, draw, &self.uniforms);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        if let Some(resources) = resources.get::<Resources>()
            && let Some((_, _, draw)) = resources.draws.get(&self.cell)
        {
            resources.renderer.paint(pass, draw);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_device_hands_the_drawing_to_the_processor() {
        let adapter = || {
            egui_kittest::wgpu::create_render_state(
                egui_kittest::wgpu::default_wgpu_setup(),
                egui_wgpu::RendererOptions::default(),
            )
        };
        let Ok(state) = std::panic::catch_unwind(adapter) else {
            // No graphics adapter on this machine.
            return;
        };
        let mut gpu = Gpu::new(Some(&state));
        assert_eq!(gpu.failure(), None);
        assert!(!gpu.adapter().contains("processor ("));
        // Two ways of use that exclude each other.
        drop(state.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("wrong on purpose"),
            size: 16,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE,
            mapped_at_creation: false,
        }));
        assert!(gpu.failure().unwrap().contains("processor"));
        assert_eq!(gpu.failure(), None, "told once");
        assert_eq!(gpu.adapter(), "processor (the graphics adapter failed)");
    }
}
