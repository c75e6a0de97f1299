//! A mesh on the screen, its triangles sorted into bands of rows.
use super::{Surface, raster::cross};
use crate::render::SliceView;

/// Steps of screen coordinates in a pixel: on whole numbers neighbouring triangles leave no gap and share no pixel.
pub(super) const STEPS: i64 = 256;

/// Farthest from the screen's corner that a point may lie, steps; products of two such lengths fit 64 bits.
const FAR: f64 = 268_435_456.0;

/// Triangles of one surface at most: their numbers share 32 bits with nothing but [`CUT_FACE`](super::raster::CUT_FACE).
const MAX_TRIANGLES: usize = 1 << 24;

/// What drawing needs of a surface.
pub(super) struct Projected<'a> {
    /// Screen position of each point, steps, right and down.
    pub(super) xy: Vec<[i32; 2]>,
    /// Distance of each point into the screen, mm.
    pub(super) depth: Vec<f32>,
    /// Normals on the screen: right, down, into.
    pub(super) normals: Vec<[f32; 3]>,
    /// The mesh's triangles.
    pub(super) triangles: &'a [[u32; 3]],
    /// Where each band's triangles begin in `order`; one entry more than there are bands.
    starts: Vec<u32>,
    order: Vec<u32>,
    /// Whether the surface hides what lies behind it.
    pub(super) opaque: bool,
    /// Whether it is the surface of a body.
    pub(super) closed: bool,
}

impl Projected<'_> {
    /// Numbers of the triangles that touch a band.
    pub(super) fn in_band(&self, band: usize) -> &[u32] {
        let at = |n: usize| self.starts.get(n).map_or(0, |s| *s as usize);
        self.order.get(at(band)..at(band + 1)).unwrap_or_default()
    }
}

/// Projects a surface on bands of so many rows of the view's pixels, for a scene with so many cuts.
pub(super) fn project<'a>(
    surface: &'a Surface,
    view: &SliceView,
    rows: usize,
    [bands, cuts]: [usize; 2],
) -> Projected<'a> {
    let mesh = &surface.mesh;
    let frame = &view.frame;
    let into = frame.into_screen();
    let step = |px: f64| (px * STEPS as f64).round().clamp(-FAR, FAR) as i32;
    let mut xy = Vec::with_capacity(mesh.points().len());
    let mut depth = Vec::with_capacity(mesh.points().len());
    for point in mesh.points() {
        let (mm, deep) = frame.project(*point);
        xy.push(view.px_from_mm(mm).map(step));
        depth.push(if deep.is_finite() {
            deep.clamp(-1e30, 1e30) as f32
        } else {
            0.0
        });
    }
    let normals = (mesh.normals().iter())
        .map(|n| [n.dot(frame.right), n.dot(frame.down), n.dot(into)].map(|x| x as f32))
        .collect();
    let triangles = &mesh.triangles()[..mesh.triangles().len().min(MAX_TRIANGLES)];
    let band_steps = rows as i64 * STEPS;
    let [width, height] = view.size_px.map(|n| n as i64 * STEPS);
    // Nobody sees a body from inside that is not cut.
    let one_sided = mesh.is_closed() && cuts == 0;
    // First and last band of a triangle, or none off the screen.
    let touched = |t: &[u32; 3]| {
        let corners = t.map(|c| xy[c as usize]);
        let [a, b, c] = corners.map(|c| c.map(i64::from));
        let area = cross(a, b, c);
        if area == 0 || (one_sided && area > 0) {
            return None;
        }
        let range = |a: usize| {
            let values = corners.map(|c| i64::from(c[a]));
            (
                values[0].min(values[1]).min(values[2]),
                values[0].max(values[1]).max(values[2]),
            )
        };
        let ((left, right), (top, bottom)) = (range(0), range(1));
        (right >= 0 && left < width && bottom >= 0 && top < height).then(|| {
            let last = bands as i64 - 1;
            let band = |y: i64| y.div_euclid(band_steps).clamp(0, last) as usize;
            (band(top), band(bottom))
        })
    };
    let mut starts = vec![0_u32; bands + 1];
    for (first, last) in triangles.iter().filter_map(touched) {
        (first..=last).for_each(|band| starts[band + 1] += 1);
    }
    for band in 0..bands {
        starts[band + 1] += starts[band];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; starts[bands] as usize];
    for (n, t) in triangles.iter().enumerate() {
        let Some((first, last)) = touched(t) else {
            continue;
        };
        for at in &mut next[first..=last] {
            order[*at as usize] = n as u32;
            *at += 1;
        }
    }
    Projected {
        xy,
        depth,
        normals,
        triangles,
        closed: mesh.is_closed(),
        starts,
        order,
        opaque: surface.opacity >= 1.0,
    }
}
