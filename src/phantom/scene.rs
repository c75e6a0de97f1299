//! What is where: solids painted over each other, sampled on a grid.
use super::{
    displace::Displacement,
    local::Local,
    region::{VALUES, Zone, structure_values},
    shape::{LIPSCHITZ, Shape},
    tissue::{Paint, Palette, Signal, Spot, coverage},
};
use glam::{DAffine3, DVec3};
use std::rc::Rc;

/// A solid, what fills it, and the regions it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) shape: Shape,
    pub(super) paint: Paint,
    pub(super) zone: Zone,
    /// Whether it gives way to the tumour.
    pub(super) soft: bool,
}

/// A solid, and what of its shape matters where one looks.
#[derive(Debug, Clone)]
struct Seen<'a> {
    part: &'a Part,
    shape: Rc<Local<'a>>,
}

impl<'a> Seen<'a> {
    fn whole(part: &'a Part) -> Self {
        Self {
            part,
            shape: Rc::new(Local::Whole(&part.shape)),
        }
    }
}

/// Solids in the order in which they are painted: later ones cover earlier ones.
#[derive(Debug, Clone)]
pub(super) struct Scene<'a> {
    pub(super) parts: Vec<&'a Part>,
    pub(super) push: Option<Displacement>,
    pub(super) palette: &'a Palette,
    pub(super) seed: u64,
}

/// The samples of one run of voxels: where the first voxel lies, the step to the next, and the samples within a voxel.
#[derive(Debug, Clone)]
pub(super) struct Raster {
    head_from_voxel: DAffine3,
    /// Offsets of the samples of a voxel, mm in the head frame.
    offsets: Vec<DVec3>,
    /// Width over which one sample averages, mm.
    width: f64,
    /// Half the diagonal of a voxel, mm.
    reach: f64,
}

/// Voxels further apart than this are sampled more than once, mm.
const SAMPLE_MM: f64 = 1.0;
/// Most samples along one axis of a voxel.
const MOST_SAMPLES: f64 = 6.0;
/// Voxels along the edges of the squares in which solids are sorted out, from coarse to fine.
const TILES: [usize; 3] = [32, 12, 4];

/// A rectangle of voxels of one slice: first and one past the last index along i and j.
type Window = [[usize; 2]; 2];

impl Raster {
    pub(super) fn new(head_from_voxel: DAffine3) -> Self {
        let m = head_from_voxel.matrix3;
        let axes = [m.x_axis, m.y_axis, m.z_axis];
        let counts = axes.map(|a| (a.length() / SAMPLE_MM).ceil().clamp(1.0, MOST_SAMPLES));
        let steps = [0, 1, 2].map(|n| axes[n].length() / counts[n]);
        let place = |n: usize, i: usize| axes[n] * ((i as f64 + 0.5) / counts[n] - 0.5);
        let mut offsets = Vec::new();
        for k in 0..counts[2] as usize {
            for j in 0..counts[1] as usize {
                for i in 0..counts[0] as usize {
                    offsets.push(place(0, i) + place(1, j) + place(2, k));
                }
            }
        }
        Self {
            head_from_voxel,
            offsets,
            width: steps.iter().sum::<f64>() / 3.0,
            reach: 0.5 * axes.iter().map(|a| a.length_squared()).sum::<f64>().sqrt(),
        }
    }
}

impl Raster {
    /// Centre of a voxel, head frame, mm.
    fn at(&self, i: f64, j: f64, k: usize) -> DVec3 {
        self.head_from_voxel
            .transform_point3(DVec3::new(i, j, k as f64))
    }

    /// Centre and radius of a ball that holds all that voxels of a window average over.
    fn ball(&self, [[i0, i1], [j0, j1]]: Window, k: usize) -> (DVec3, f64) {
        let centre = self.at((i0 + i1 - 1) as f64 / 2.0, (j0 + j1 - 1) as f64 / 2.0, k);
        let radius = [(i0, j0), (i0, j1 - 1)]
            .iter()
            .fold(0.0, |r: f64, &(i, j)| {
                r.max(centre.distance(self.at(i as f64, j as f64, k)))
            });
        (centre, radius + self.reach + self.width)
    }
}

/// A window cut into squares of `size` voxels.
fn tiles([[i0, i1], [j0, j1]]: Window, size: usize) -> impl Iterator<Item = Window> {
    (j0..j1).step_by(size).flat_map(move |j| {
        (i0..i1)
            .step_by(size)
            .map(move |i| [[i, (i + size).min(i1)], [j, (j + size).min(j1)]])
    })
}

impl Scene<'_> {
    /// Signal of fluid, solid tissue and fat, and the region, of every voxel of one slice `k` of `ni × nj` voxels, `i` fastest.
    ///
    /// Coarse tiles sort out solids, middle tiles parts of solids, and fine tiles solids again: most voxels see one or two.
    pub(super) fn slice(
        &self,
        raster: &Raster,
        [ni, nj]: [usize; 2],
        k: usize,
        signal: &mut [[f32; 3]],
        regions: &mut [u8],
    ) {
        let structures = structure_values();
        let all: Vec<Seen<'_>> = self
            .parts
            .iter()
            .rev()
            .map(|part| Seen::whole(part))
            .collect();
        for coarse in tiles([[0, ni], [0, nj]], TILES[0]) {
            let near = self.near(&all, raster.ball(coarse, k));
            for middle in tiles(coarse, TILES[1]) {
                let near: Vec<Seen<'_>> = self.local(&near, raster.ball(middle, k));
                for fine in tiles(middle, TILES[2]) {
                    let near = self.near(&near, raster.ball(fine, k));
                    let [[i0, i1], [j0, j1]] = fine;
                    for j in j0..j1 {
                        for i in i0..i1 {
                            let n = i + ni * j;
                            let centre = raster.at(i as f64, j as f64, k);
                            let (s, cover) = self.voxel(raster, centre, &near);
                            signal[n] = s;
                            regions[n] = region(&cover, &structures);
                        }
                    }
                }
            }
        }
    }

    fn rest(&self, p: DVec3) -> DVec3 {
        self.push.as_ref().map_or(p, |push| push.rest(p))
    }

    /// Where rigid and where soft parts are looked up for a ball, and by how much their distance can differ within the ball.
    fn seen_from(&self, (centre, radius): (DVec3, f64)) -> [(DVec3, f64); 2] {
        let rigid = (centre, LIPSCHITZ * radius);
        let soft = self.push.as_ref().map_or(rigid, |push| {
            let bound = LIPSCHITZ * push.lipschitz(centre, radius) * radius;
            (push.rest(centre), bound)
        });
        [rigid, soft]
    }

    /// Those of `all` (the last painted first) that can be seen within a ball, down to one that covers the whole ball.
    fn near<'p>(&self, all: &[Seen<'p>], ball: (DVec3, f64)) -> Vec<Seen<'p>> {
        let [rigid, soft] = self.seen_from(ball);
        let mut near = Vec::with_capacity(8);
        for seen in all {
            let (p, bound) = if seen.part.soft { soft } else { rigid };
            let d = seen.shape.distance(p);
            if d < bound {
                near.push(seen.clone());
                if d < -bound {
                    break;
                }
            }
        }
        near
    }

    /// The same of whole solids, each reduced to what matters within the ball.
    fn local<'p>(&self, all: &[Seen<'p>], ball: (DVec3, f64)) -> Vec<Seen<'p>> {
        let [rigid, soft] = self.seen_from(ball);
        let mut near = Vec::with_capacity(8);
        for seen in all {
            let (p, bound) = if seen.part.soft { soft } else { rigid };
            let (shape, d) = Local::new(&seen.part.shape, p, bound);
            if d < bound {
                near.push(Seen {
                    part: seen.part,
                    shape: Rc::new(shape),
                });
                if d < -bound {
                    break;
                }
            }
        }
        near
    }

    /// Mean signal of a voxel's samples (fluid, solid, fat), and which part of the voxel each region covers.
    fn voxel(
        &self,
        raster: &Raster,
        centre: DVec3,
        near: &[Seen<'_>],
    ) -> ([f32; 3], [f64; VALUES]) {
        let mut signal = Signal::ZERO;
        let mut cover = [0.0; VALUES];
        let share = (raster.offsets.len() as f64).recip();
        for offset in &raster.offsets {
            let p = centre + *offset;
            let rest = self.rest(p);
            // From the front: what earlier-painted solids add is what later ones leave uncovered.
            let mut open = share;
            for Seen { part, shape } in near {
                let at = if part.soft { rest } else { p };
                let depth = -shape.distance(at);
                let alpha = coverage(depth, raster.width) * open;
                if alpha <= 0.0 {
                    continue;
                }
                let spot = Spot {
                    rest: at,
                    depth,
                    width: raster.width,
                };
                signal += alpha * part.paint.signal(spot, self.palette, self.seed);
                cover[usize::from(part.zone.value(p, rest))] += alpha;
                open -= alpha;
                if open <= 1e-9 * share {
                    break;
                }
            }
        }
        (signal.as_vec3().to_array(), cover)
    }
}

/// The region of a voxel, given the part of it that each covers: the largest region of the structure that covers at least half, or else the
/// region that does. So the parts of a structure fill exactly the voxels of the whole.
fn region(cover: &[f64; VALUES], structures: &[u8; VALUES]) -> u8 {
    let covered = |value: usize| match structures[value] {
        0 => cover[value],
        whole => (1..VALUES)
            .filter(|&v| structures[v] == whole)
            .map(|v| cover[v])
            .sum(),
    };
    let found = (1..VALUES).filter(|&v| cover[v] > 0.0 && covered(v) >= 0.5);
    found
        .max_by(|&a, &b| cover[a].total_cmp(&cover[b]))
        .unwrap_or(0) as u8
}
