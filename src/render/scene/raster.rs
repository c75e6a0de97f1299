//! Which triangle is nearest at each pixel of a band.
use super::{
    Hidden, Planes,
    project::{Projected, STEPS},
};

/// In place of a triangle: the face of a cut.
pub(super) const CUT_FACE: u32 = u32::MAX;

/// Nothing is seen here.
const NOTHING: f32 = f32::INFINITY;

/// What is nearest at a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// Into the screen, mm.
    pub(super) depth: f32,
    /// Number of the triangle, or [`CUT_FACE`].
    pub(super) triangle: u32,
    /// Number of the surface.
    pub(super) surface: u32,
}

impl Seen {
    const EMPTY: Self = Self {
        depth: NOTHING,
        triangle: 0,
        surface: 0,
    };

    /// Whether there is anything.
    pub(super) fn is_something(&self) -> bool {
        self.depth < NOTHING
    }
}

/// Some rows of a picture.
pub(super) struct Band {
    /// Pixels in a row, and rows.
    pub(super) size: [usize; 2],
    /// First row.
    pub(super) top: usize,
    /// What the cuts hide at each pixel; empty without cuts.
    pub(super) hidden: Vec<Hidden>,
    /// The nearest opaque surface at each pixel.
    pub(super) opaque: Vec<Seen>,
    /// The nearest layer of each translucent surface that touches the band.
    pub(super) layers: Vec<Vec<Seen>>,
}

impl Band {
    /// Draws band number `band`.
    pub(super) fn new(
        size: [usize; 2],
        band: usize,
        surfaces: &[Projected<'_>],
        planes: &Planes,
    ) -> Self {
        let top = band * size[1];
        let count = size[0] * size[1];
        let hidden: Vec<Hidden> = if planes.cuts.is_empty() {
            Vec::new()
        } else {
            (0..count)
                .map(|n| {
                    let (x, y) = (n % size[0], top + n / size[0]);
                    planes.hidden(x as f64 + 0.5, y as f64 + 0.5)
                })
                .collect()
        };
        let mut own = Self {
            size,
            top,
            hidden,
            opaque: vec![Seen::EMPTY; count],
            layers: Vec::new(),
        };
        let mut inside = vec![0_i16; own.hidden.len()];
        for (n, surface) in surfaces.iter().enumerate() {
            let triangles = surface.in_band(band);
            if triangles.is_empty() {
                continue;
            }
            let mut seen = if surface.opaque {
                std::mem::take(&mut own.opaque)
            } else {
                vec![Seen::EMPTY; count]
            };
            inside.fill(0);
            for &t in triangles {
                own.triangle(surface, [t, n as u32], planes, &mut seen, &mut inside);
            }
            let faces = if surface.closed { &own.hidden[..] } else { &[] };
            for ((seen, hidden), inside) in seen.iter_mut().zip(faces).zip(&inside) {
                // Where the ray leaves what is hidden within the body, it meets the face of the cut.
                if *inside > 0 && planes.shows_face(*hidden) && hidden.leave < seen.depth {
                    *seen = Seen {
                        depth: hidden.leave,
                        triangle: CUT_FACE,
                        surface: n as u32,
                    };
                }
            }
            if surface.opaque {
                own.opaque = seen;
            } else {
                own.layers.push(seen);
            }
        }
        own
    }

    /// Draws a triangle of a surface. `inside` counts how often each ray has gone in and not out again where its hidden part ends.
    fn triangle(
        &self,
        surface: &Projected<'_>,
        [number, of]: [u32; 2],
        planes: &Planes,
        seen: &mut [Seen],
        inside: &mut [i16],
    ) {
        let corners = surface.triangles[number as usize];
        let [a, mut b, mut c] = corners.map(|n| surface.xy[n as usize].map(i64::from));
        let [za, mut zb, mut zc] = corners.map(|n| surface.depth[n as usize]);
        let mut area = cross(a, b, c);
        if area == 0 {
            return;
        }
        // Counter-clockwise as seen, which is negative where `y` runs down, shows the outside.
        let way = if area < 0 { 1_i16 } else { -1 };
        if area < 0 {
            std::mem::swap(&mut b, &mut c);
            std::mem::swap(&mut zb, &mut zc);
            area = -area;
        }
        let Some(([x0, x1], [y0, y1])) = self.box_of(a, b, c) else {
            return;
        };
        let start = [
            x0 as i64 * STEPS + STEPS / 2,
            (self.top + y0) as i64 * STEPS + STEPS / 2,
        ];
        let edges = [
            Edge::new(b, c, start),
            Edge::new(c, a, start),
            Edge::new(a, b, start),
        ];
        let scale = 1.0 / area as f64;
        let (db, dc) = (f64::from(zb - za) * scale, f64::from(zc - za) * scale);
        let (low, high) = (za.min(zb).min(zc), za.max(zb).max(zc));
        let mut rows = edges.map(|e| e.start);
        for y in y0..=y1 {
            let mut w = rows;
            let from = y * self.size[0];
            for x in x0..=x1 {
                if (w[0] | w[1] | w[2]) >= 0 {
                    let at = from + x;
                    let depth = f64::from(za) + w[1] as f64 * db + w[2] as f64 * dc;
                    // Rounding on a sliver may not lead out of it.
                    let depth = (depth as f32).clamp(low, high);
                    let mut visible = true;
                    if let Some(hidden) = self.hidden.get(at) {
                        if depth < hidden.leave {
                            inside[at] = inside[at].saturating_add(way);
                        }
                        visible = !planes.hides(*hidden, depth);
                    }
                    if visible && depth < seen[at].depth {
                        seen[at] = Seen {
                            depth,
                            triangle: number,
                            surface: of,
                        };
                    }
                }
                (0..3).for_each(|n| w[n] += edges[n].right);
            }
            (0..3).for_each(|n| rows[n] += edges[n].down);
        }
    }

    /// Columns, and rows of the band, whose pixel centres a triangle may cover; `None` when there are none.
    fn box_of(&self, a: [i64; 2], b: [i64; 2], c: [i64; 2]) -> Option<([usize; 2], [usize; 2])> {
        let range = |axis: usize, first: usize, count: usize| {
            let low = a[axis].min(b[axis]).min(c[axis]);
            let high = a[axis].max(b[axis]).max(c[axis]);
            let from = (low - STEPS / 2 + STEPS - 1).div_euclid(STEPS) - first as i64;
            let to = (high - STEPS / 2).div_euclid(STEPS) - first as i64;
            let (from, to) = (from.max(0), to.min(count as i64 - 1));
            (from <= to).then_some([from as usize, to as usize])
        };
        Some((
            range(0, 0, self.size[0])?,
            range(1, self.top, self.size[1])?,
        ))
    }
}

/// Twice the area of a triangle, positive when clockwise on a screen whose `y` runs down.
pub(super) fn cross(a: [i64; 2], b: [i64; 2], c: [i64; 2]) -> i64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// On which side of an edge a pixel lies: not negative is within. A pixel on the edge belongs to one of its two triangles.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) start: i64,
    right: i64,
    down: i64,
}

impl Edge {
    /// The edge between two corners that go round with positive area, as seen from a place and, by `right` and `down`, from the pixels beside it.
    pub(super) fn new(from: [i64; 2], to: [i64; 2], at: [i64; 2]) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let owns = dy < 0 || (dy == 0 && dx > 0);
        Self {
            start: cross(from, to, at) - i64::from(!owns),
            right: -dy * STEPS,
            down: dx * STEPS,
        }
    }
}
