//! Surfaces in three dimensions, drawn on the CPU: the same picture on every machine.
//!
//! A [`Scene`] is a value: meshes with colours, planes that cut them, planes that are outlined on them. [`Scene::draw`] makes a picture of it as a [`Camera`] sees it, and [`Scene::pick`]
//! says what lies under a pixel. A cut shows the inside of a closed mesh as filled; of an open one both sides are
//! drawn.

mod camera;
mod pick;
mod project;
mod raster;
mod scale;
mod shade;
#[cfg(test)]
mod tests;

pub use camera::{Camera, ScreenAxis, ViewFrom};
pub use pick::Pick;
pub use scale::ColourScale;

use crate::{measure::Mesh, render::SliceView};
use glam::DVec3;
use image::RgbaImage;
use project::{Projected, project};
use rayon::prelude::*;
use std::sync::Arc;

/// Surfaces, cutting planes and outlines that are drawn at most; more are left out.
const MAX_SURFACES: usize = 64;
const MAX_PLANES: usize = 8;

/// Longest side of a picture, pixels.
const MAX_PX: u32 = 4096;

/// Rows of a picture that one thread draws at a time.
const BAND: usize = 16;

/// One mesh and how it looks.
#[derive(Debug, Clone)]
pub struct Surface {
    /// At most sixteen million triangles are drawn.
    pub mesh: Arc<Mesh>,
    /// sRGB colour, also of the inside where it is cut.
    pub colour: [u8; 3],
    /// sRGB colour of each point instead; ignored unless there is one for each.
    pub point_colours: Option<Arc<[[u8; 3]]>>,
    /// 0 to 1. Of a surface that is not opaque the nearest layer alone is drawn, its rim more strongly than its middle.
    pub opacity: f64,
}

/// A plane that hides what lies on one side of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// A point of the plane, RAS mm.
    pub point: DVec3,
    /// Towards what is hidden; its length does not matter.
    pub hidden: DVec3,
}

/// What several cuts hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CutMode {
    /// Each plane hides its whole side.
    #[default]
    Each,
    /// Only what lies on the hidden side of all planes: a corner is cut out.
    Corner,
}

/// A plane that is drawn as a line where it meets the surfaces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneLine {
    /// A point of the plane, RAS mm.
    pub point: DVec3,
    /// At right angles to it; its length does not matter.
    pub normal: DVec3,
    /// sRGB colour.
    pub colour: [u8; 3],
}

/// What is drawn.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The meshes.
    pub surfaces: Vec<Surface>,
    /// Planes that hide a side.
    pub cuts: Vec<Cut>,
    /// How the cuts work together.
    pub cut_mode: CutMode,
    /// Planes that are outlined.
    pub lines: Vec<PlaneLine>,
    /// Straight sRGB and opacity of what is behind everything.
    pub background: [u8; 4],
}

/// How carefully a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// One sample a pixel, for a picture that is being turned.
    Draft,
    /// Four samples a pixel.
    #[default]
    Smooth,
}

impl Scene {
    /// A camera that sees all of the scene from a side; on an empty scene, 200 mm about the origin.
    pub fn camera(&self, from: ViewFrom) -> Camera {
        let points = || self.surfaces.iter().flat_map(|s| s.mesh.points());
        let low = points().fold(DVec3::INFINITY, |a, p| a.min(*p));
        let high = points().fold(DVec3::NEG_INFINITY, |a, p| a.max(*p));
        let centre = (low + high) / 2.0;
        if !centre.is_finite() {
            return Camera::new(from, DVec3::ZERO, 100.0);
        }
        let radius = points().map(|p| p.distance(centre)).fold(0.0, f64::max);
        Camera::new(from, centre, radius)
    }

    /// The picture, straight sRGB with opacity. A side without pixels counts as one pixel, one of more than 4096 as 4096.
    pub fn draw(&self, camera: &Camera, size_px: [u32; 2], quality: Quality) -> RgbaImage {
        let [width, height] = size_px.map(|n| n.clamp(1, MAX_PX));
        let samples = match quality {
            Quality::Draft => 1,
            Quality::Smooth => 2,
        };
        let view = camera.view([f64::from(width), f64::from(height)]);
        let fine = SliceView {
            size_px: view.size_px.map(|n| n * samples as f64),
            mm_per_px: view.mm_per_px / samples as f64,
            ..view
        };
        let planes = Planes::new(self, &fine);
        let rows = BAND * samples;
        let bands = (height as usize).div_ceil(BAND);
        let surfaces: Vec<Projected<'_>> = (self.surfaces.par_iter().take(MAX_SURFACES))
            .map(|s| project(s, &fine, rows, [bands, planes.cuts.len()]))
            .collect();
        let mut bytes = vec![0_u8; width as usize * height as usize * 4];
        bytes
            .par_chunks_mut(width as usize * 4 * BAND)
            .enumerate()
            .for_each(|(band, out)| {
                let drawn =
                    raster::Band::new([width as usize * samples, rows], band, &surfaces, &planes);
                shade::resolve(self, &surfaces, &planes, &drawn, samples, out);
            });
        RgbaImage::from_raw(width, height, bytes).unwrap_or_else(|| RgbaImage::new(width, height))
    }
}

/// A plane on the screen: `x`, `y` in pixels, `depth` in mm into the screen.
#[derive(Debug, Clone, Copy)]
struct ScreenPlane {
    /// Unit normal: right, down, into the screen.
    normal: [f32; 3],
    /// Distance from the plane at pixel (0, 0) and depth 0, mm.
    offset: f64,
    /// How it changes with `x`, `y` and `depth`.
    gradient: [f64; 3],
}

impl ScreenPlane {
    /// `None` when the direction is none.
    fn new(point: DVec3, normal: DVec3, view: &SliceView) -> Option<Self> {
        let normal = normal.try_normalize()?;
        if !point.is_finite() {
            return None;
        }
        let frame = &view.frame;
        Some(Self {
            normal: [frame.right, frame.down, frame.into_screen()].map(|a| normal.dot(a) as f32),
            offset: (view.world_from_px([0.0, 0.0]) - point).dot(normal),
            gradient: [
                normal.dot(frame.right) * view.mm_per_px,
                normal.dot(frame.down) * view.mm_per_px,
                normal.dot(frame.into_screen()),
            ],
        })
    }

    /// Signed distance at a pixel position at depth 0, mm.
    fn at(&self, x: f64, y: f64) -> f64 {
        self.offset + self.gradient[0] * x + self.gradient[1] * y
    }
}

/// All planes of a scene on one screen.
struct Planes {
    /// Positive on the hidden side.
    cuts: Vec<ScreenPlane>,
    mode: CutMode,
    lines: Vec<(ScreenPlane, [f32; 3])>,
    mm_per_px: f64,
}

/// The part of a ray that the cuts hide.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hidden {
    /// Depth from which on it is hidden, or up to which it is, by [`CutMode`].
    enter: f32,
    leave: f32,
    /// The plane that ends the hidden part, where the ray may meet a cut face.
    face: u8,
}

impl Planes {
    fn new(scene: &Scene, view: &SliceView) -> Self {
        Self {
            cuts: (scene.cuts.iter().take(MAX_PLANES))
                .filter_map(|c| ScreenPlane::new(c.point, c.hidden, view))
                .collect(),
            mode: scene.cut_mode,
            lines: (scene.lines.iter().take(MAX_PLANES))
                .filter_map(|l| {
                    let plane = ScreenPlane::new(l.point, l.normal, view)?;
                    Some((plane, l.colour.map(f32::from)))
                })
                .collect(),
            mm_per_px: view.mm_per_px,
        }
    }

    /// What is hidden of the ray at a pixel position.
    ///
    /// By each plane: all before `leave` and all behind `enter`. As a corner: all between `enter` and `leave`.
    fn hidden(&self, x: f64, y: f64) -> Hidden {
        let (mut enter, mut leave, mut face) = match self.mode {
            CutMode::Each => (f64::INFINITY, f64::NEG_INFINITY, 0),
            CutMode::Corner if self.cuts.is_empty() => (f64::INFINITY, f64::NEG_INFINITY, 0),
            CutMode::Corner => (f64::NEG_INFINITY, f64::INFINITY, 0),
        };
        for (n, plane) in self.cuts.iter().enumerate() {
            let (distance, slope) = (plane.at(x, y), plane.gradient[2]);
            if slope.abs() < 1e-9 {
                // The whole ray lies on one side.
                leave = match (self.mode, distance > 0.0) {
                    (CutMode::Each, true) => f64::INFINITY,
                    (CutMode::Corner, false) => f64::NEG_INFINITY,
                    _ => leave,
                };
                continue;
            }
            let here = -distance / slope;
            // The distance grows with depth where the ray runs into the hidden side.
            let into = slope > 0.0;
            match self.mode {
                CutMode::Each if into => enter = enter.min(here),
                CutMode::Corner if into => enter = enter.max(here),
                CutMode::Each if here > leave => (leave, face) = (here, n),
                CutMode::Corner if here < leave => (leave, face) = (here, n),
                _ => {}
            }
        }
        Hidden {
            enter: enter as f32,
            leave: leave as f32,
            face: face as u8,
        }
    }

    /// Whether a depth is hidden on a ray.
    fn hides(&self, hidden: Hidden, depth: f32) -> bool {
        match self.mode {
            CutMode::Each => depth < hidden.leave || depth > hidden.enter,
            CutMode::Corner => depth > hidden.enter && depth < hidden.leave,
        }
    }

    /// Whether a ray can meet a cut face where its hidden part ends.
    fn shows_face(&self, hidden: Hidden) -> bool {
        let bounded = hidden.leave.is_finite();
        bounded
            && match self.mode {
                CutMode::Each => hidden.leave < hidden.enter,
                CutMode::Corner => hidden.enter < hidden.leave,
            }
    }
}
