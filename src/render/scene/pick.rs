//! What lies under a pixel.
use super::{
    Camera, MAX_SURFACES, Planes, Scene,
    project::STEPS,
    raster::{Edge, cross},
};
use glam::DVec3;
use rayon::prelude::*;

/// A place on a surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Where it lies, RAS mm.
    pub point: DVec3,
    /// Number of the surface in the scene.
    pub surface: usize,
    /// Whether it lies on the face of a cut, inside the body.
    pub on_cut: bool,
    /// Distance into the screen from the camera's plane, mm.
    pub depth_mm: f64,
}

impl Scene {
    /// The nearest visible place under a pixel position of a picture of so many pixels (centre of the first pixel at 0.5, 0.5). What is opaque goes before what one
    /// sees it through.
    pub fn pick(&self, camera: &Camera, size_px: [u32; 2], at_px: [f64; 2]) -> Option<Pick> {
        let picks = self.picks(camera, size_px, at_px);
        let opaque = |p: &&Pick| self.surfaces[p.surface].opacity >= 1.0;
        picks.iter().find(opaque).or(picks.first()).copied()
    }

    /// The nearest visible place on each surface under a pixel position, the nearest first.
    pub fn picks(&self, camera: &Camera, size_px: [u32; 2], at_px: [f64; 2]) -> Vec<Pick> {
        if !at_px.iter().all(|x| x.is_finite()) {
            return Vec::new();
        }
        let view = camera.view(size_px.map(f64::from));
        let planes = Planes::new(self, &view);
        let hidden = planes.hidden(at_px[0], at_px[1]);
        let origin = view.world_from_px(at_px);
        let into = view.frame.into_screen();
        // The rasteriser's whole numbers, about the place that is asked for.
        let step = |mm: f64| {
            (mm / view.mm_per_px * STEPS as f64)
                .round()
                .clamp(-1e9, 1e9) as i64
        };
        let mut found: Vec<Pick> = (self.surfaces.par_iter().take(MAX_SURFACES).enumerate())
            .filter_map(|(surface, s)| {
                let points: Vec<([i64; 2], f64)> = (s.mesh.points().iter())
                    .map(|p| {
                        let d = *p - origin;
                        (
                            [step(d.dot(view.frame.right)), step(d.dot(view.frame.down))],
                            d.dot(into),
                        )
                    })
                    .collect();
                let mut nearest: Option<(f64, bool)> = None;
                let mut inside = 0;
                for t in s.mesh.triangles() {
                    let corners = t.map(|c| points[c as usize]);
                    let Some((depth, way)) = crossing(corners) else {
                        continue;
                    };
                    if depth < f64::from(hidden.leave) {
                        inside += way;
                    }
                    if !planes.hides(hidden, depth as f32) && nearest.is_none_or(|n| depth < n.0) {
                        nearest = Some((depth, false));
                    }
                }
                let face = f64::from(hidden.leave);
                let solid = inside > 0 && s.mesh.is_closed();
                if solid && planes.shows_face(hidden) && nearest.is_none_or(|n| face < n.0) {
                    nearest = Some((face, true));
                }
                nearest.map(|(depth_mm, on_cut)| Pick {
                    point: origin + into * depth_mm,
                    surface,
                    on_cut,
                    depth_mm,
                })
            })
            .collect();
        found.sort_by(|a, b| a.depth_mm.total_cmp(&b.depth_mm));
        found
    }
}

/// Where the line of sight through (0, 0) meets a triangle: the depth, and 1 where it goes in, -1 where it comes out.
fn crossing([a, b, c]: [([i64; 2], f64); 3]) -> Option<(f64, i32)> {
    let area = cross(a.0, b.0, c.0);
    if area == 0 {
        return None;
    }
    let (b, c) = if area < 0 { (c, b) } else { (b, c) };
    let weight = |p: [i64; 2], q: [i64; 2]| Edge::new(p, q, [0, 0]).start;
    let w = [weight(b.0, c.0), weight(c.0, a.0), weight(a.0, b.0)];
    if (w[0] | w[1] | w[2]) < 0 {
        return None;
    }
    let [u, v] = [w[1], w[2]].map(|w| w as f64 / area.abs() as f64);
    let depth = a.1 + (b.1 - a.1) * u + (c.1 - a.1) * v;
    Some((depth, if area < 0 { 1 } else { -1 }))
}
