//! Light and colour of what is seen.
use super::{
    Planes, Scene,
    project::{Projected, STEPS},
    raster::{Band, CUT_FACE, Seen, cross},
};

/// Towards the light: from the viewer's upper left. Right, down, into the screen; a unit vector.
const LIGHT: [f32; 3] = [-0.417, -0.521, -0.745];

/// Halfway between the light and the viewer.
const HALFWAY: [f32; 3] = [-0.223, -0.279, -0.934];

/// Half the width of a plane's line, pixels of the picture.
const LINE_PX: f32 = 1.0;

/// Millimetres of depth for each millimetre across from which on a surface counts as its rim.
const STEEP: f32 = 6.0;

/// Lets colours of cut faces stand out from the surface.
const CUT_FACE_WHITE: f32 = 0.25;

/// Colours a band and averages its samples into the picture's rows.
pub(super) fn resolve(
    scene: &Scene,
    surfaces: &[Projected<'_>],
    planes: &Planes,
    band: &Band,
    samples: usize,
    out: &mut [u8],
) {
    let width = band.size[0] / samples;
    let background = scene.background.map(|b| f32::from(b) / 255.0);
    let shader = Shader {
        scene,
        surfaces,
        planes,
        band,
        samples: samples as f32,
    };
    let mut fragments = Vec::new();
    for (n, pixel) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let (x, y) = (n % width * samples, n / width * samples);
        // Within a surface one sample stands for all: lines are smooth by themselves.
        let count = if shader.agree(x, y, samples) {
            1
        } else {
            samples * samples
        };
        let mut sum = [0.0_f32; 4];
        for sample in 0..count {
            let (x, y) = (x + sample % samples, y + sample / samples);
            let at = x + y * band.size[0];
            let colour = shader.sample([x, y], at, background, &mut fragments);
            (0..4).for_each(|c| sum[c] += colour[c] / count as f32);
        }
        // Opacity was multiplied in, so that edges against nothing keep their colour.
        let alpha = sum[3].clamp(0.0, 1.0);
        let straight = |c: f32| if alpha > 0.0 { c / alpha } else { 0.0 };
        *pixel = [straight(sum[0]), straight(sum[1]), straight(sum[2]), alpha]
            .map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8);
    }
}

struct Shader<'a> {
    scene: &'a Scene,
    surfaces: &'a [Projected<'a>],
    planes: &'a Planes,
    band: &'a Band,
    /// Samples along a pixel's edge.
    samples: f32,
}

impl Shader<'_> {
    /// Whether all samples of a pixel show the same surfaces, none of them at its rim.
    fn agree(&self, x: usize, y: usize, samples: usize) -> bool {
        let near = STEEP * self.planes.mm_per_px as f32;
        let first = x + y * self.band.size[0];
        let same = |seen: &Vec<Seen>| {
            let one = seen[first];
            let alike = |other: Seen| {
                other.surface == one.surface
                    && (other.triangle == CUT_FACE) == (one.triangle == CUT_FACE)
                    && other.is_something() == one.is_something()
                    && (!one.is_something() || (other.depth - one.depth).abs() < near)
            };
            (0..samples * samples)
                .all(|n| alike(seen[first + n % samples + n / samples * self.band.size[0]]))
        };
        same(&self.band.opaque) && self.band.layers.iter().all(same)
    }

    /// Colour of a sample, opacity multiplied in.
    fn sample(
        &self,
        [x, y]: [usize; 2],
        at: usize,
        background: [f32; 4],
        fragments: &mut Vec<Seen>,
    ) -> [f32; 4] {
        let opaque = self.band.opaque[at];
        let [r, g, b, a] = background;
        let mut colour = [r * a, g * a, b * a, a];
        if opaque.is_something() {
            let [r, g, b, _] = self.fragment(opaque, x, y, at);
            colour = [r, g, b, 1.0];
        }
        if self.band.layers.is_empty() {
            return colour;
        }
        fragments.clear();
        fragments.extend(
            (self.band.layers.iter())
                .map(|layer| layer[at])
                .filter(|seen| seen.depth < opaque.depth),
        );
        // From the farthest to the nearest.
        fragments.sort_unstable_by(|a, b| b.depth.total_cmp(&a.depth));
        for seen in fragments.iter() {
            let [r, g, b, a] = self.fragment(*seen, x, y, at);
            let over = [r * a, g * a, b * a, a];
            (0..4).for_each(|c| colour[c] = over[c] + colour[c] * (1.0 - a));
        }
        colour
    }

    /// Straight colour and opacity of what is seen at a sample.
    fn fragment(&self, seen: Seen, x: usize, y: usize, at: usize) -> [f32; 4] {
        let surface = &self.scene.surfaces[seen.surface as usize];
        let projected = &self.surfaces[seen.surface as usize];
        let (x, y) = (x as f64 + 0.5, (y + self.band.top) as f64 + 0.5);
        let mut base = surface.colour.map(|c| f32::from(c) / 255.0);
        let mut opacity = surface.opacity.clamp(0.0, 1.0) as f32;
        if seen.triangle == CUT_FACE {
            let face = self.band.hidden.get(at).map_or(0, |h| usize::from(h.face));
            // The face looks to the hidden side.
            let normal = (self.planes.cuts.get(face)).map_or([0.0, 0.0, -1.0], |p| p.normal);
            let lit = 0.85 + 0.15 * dot(normal, LIGHT);
            let colour = base.map(|c| (c + (1.0 - c) * CUT_FACE_WHITE) * lit);
            let colour = self.with_lines(colour, seen, [x, y], normal);
            return [colour[0], colour[1], colour[2], opacity.sqrt()];
        }
        let corners = projected.triangles[seen.triangle as usize].map(|c| c as usize);
        let weights = weights(corners.map(|c| projected.xy[c]), x, y);
        let mix = |values: [[f32; 3]; 3]| -> [f32; 3] {
            std::array::from_fn(|c| (0..3).map(|n| values[n][c] * weights[n]).sum())
        };
        if let Some(colours) = &surface.point_colours
            && colours.len() == projected.xy.len()
        {
            base = mix(corners.map(|c| colours[c].map(|v| f32::from(v) / 255.0)));
        }
        let mut normal = unit(mix(corners.map(|c| projected.normals[c])));
        // The inside of an open mesh is lit like its outside.
        let points = corners.map(|c| projected.xy[c].map(i64::from));
        if cross(points[0], points[1], points[2]) > 0 {
            normal = normal.map(|n| -n);
        }
        let mut lit = light(base, normal);
        if !projected.opaque {
            // A shell shows its rim, which is lighter than its middle: the eye takes it for glass.
            let rim = (1.0 + normal[2]).clamp(0.0, 1.0).powi(2);
            opacity += (1.0 - opacity) * 0.7 * rim;
            lit = std::array::from_fn(|c| {
                lit[c] + (base[c] * 0.6 + 0.4 - lit[c]) * (0.3 + 0.4 * rim)
            });
        }
        let [r, g, b] = self.with_lines(lit, seen, [x, y], normal);
        [r, g, b, opacity]
    }

    /// A colour with the planes' lines over it; `normal` is that of the surface.
    fn with_lines(
        &self,
        mut colour: [f32; 3],
        seen: Seen,
        [x, y]: [f64; 2],
        [nx, ny, nz]: [f32; 3],
    ) -> [f32; 3] {
        let mm_per_px = self.planes.mm_per_px as f32;
        // At the rim of a surface a line would become a blot.
        let nz = nz.min(-0.15);
        for (plane, ink) in &self.planes.lines {
            let distance = (plane.at(x, y) + plane.gradient[2] * f64::from(seen.depth)) as f32;
            // How fast the distance changes from pixel to pixel along the surface, whose depth changes too.
            let [gx, gy, gz] = plane.normal;
            let slope = (gx - gz * nx / nz).hypot(gy - gz * ny / nz) * mm_per_px;
            // Where the surface lies along the plane there is no line: the face of the plane's own cut.
            if slope < 0.02 * mm_per_px {
                continue;
            }
            let cover = (LINE_PX + 0.5 - distance.abs() / (slope * self.samples)).clamp(0.0, 1.0);
            (0..3).for_each(|c| colour[c] += (ink[c] / 255.0 - colour[c]) * cover);
        }
        colour
    }
}

/// Light from the upper left, a softer one from the viewer, and a little gloss.
fn light(base: [f32; 3], normal: [f32; 3]) -> [f32; 3] {
    let key = dot(normal, LIGHT);
    // Wrapped about the edge of the shadow, as on what lets some light through.
    let key = ((key + 0.35) / 1.35).max(0.0);
    let facing = (-normal[2]).clamp(0.0, 1.0);
    let bright = 0.26 + 0.56 * key + 0.24 * facing;
    let gloss = 0.16 * dot(normal, HALFWAY).max(0.0).powi(36);
    base.map(|c| c * bright + gloss)
}

/// Barycentric weights of a pixel position in a triangle.
fn weights(xy: [[i32; 2]; 3], x: f64, y: f64) -> [f32; 3] {
    let at = |n: usize| xy[n].map(|v| f64::from(v) / STEPS as f64);
    let (a, b, c) = (at(0), at(1), at(2));
    let area = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| {
        (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
    };
    let whole = area(a, b, c);
    if whole == 0.0 {
        return [1.0 / 3.0; 3];
    }
    let p = [x, y];
    [area(b, c, p), area(c, a, p), area(a, b, p)].map(|w| (w / whole) as f32)
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = dot(v, v).sqrt();
    if length > 0.0 {
        v.map(|x| x / length)
    } else {
        [0.0, 0.0, -1.0]
    }
}
