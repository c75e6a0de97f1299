//! What is where: solids painted over each other, sampled on a grid.
use super::{
    shape::{LIPSCHITZ, Shape},
    tissue::{Paint, Palette, Spot, coverage},
    tumour::{PUSHED_LIPSCHITZ, Push},
};
use glam::{DAffine3, DVec3};

/// Number of label values, background included.
pub(super) const LABELS: usize = 6;

/// A solid, what fills it, and the label it carries.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) shape: Shape,
    pub(super) paint: Paint,
    /// Value in the default label table; zero for background.
    pub(super) label: u8,
    /// Whether it gives way to the tumour.
    pub(super) soft: bool,
}

/// Solids in the order in which they are painted: later ones cover earlier ones.
#[derive(Debug, Clone)]
pub(super) struct Scene<'a> {
    pub(super) parts: Vec<&'a Part>,
    pub(super) push: Option<Push>,
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
/// Voxels along an edge of the tiles in which solids are sorted out.
const TILE: usize = 8;

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

impl Scene<'_> {
    /// Signal and label of every voxel of one slice `k` of `ni × nj` voxels, `i` fastest.
    pub(super) fn slice(&self, raster: &Raster, [ni, nj]: [usize; 2], k: usize, signal: &mut [f32], labels: &mut [u8]) {
        let mut near = Vec::with_capacity(self.parts.len());
        for j0 in (0..nj).step_by(TILE) {
            for i0 in (0..ni).step_by(TILE) {
                let [i1, j1] = [(i0 + TILE).min(ni), (j0 + TILE).min(nj)];
                let at = |i: f64, j: f64| raster.head_from_voxel.transform_point3(DVec3::new(i, j, k as f64));
                let centre = at((i0 + i1 - 1) as f64 / 2.0, (j0 + j1 - 1) as f64 / 2.0);
                let radius = centre.distance(at(i0 as f64, j0 as f64)) + raster.reach + raster.width;
                self.near(centre, radius, &mut near);
                for j in j0..j1 {
                    for i in i0..i1 {
                        let n = i + ni * j;
                        (signal[n], labels[n]) = self.voxel(raster, at(i as f64, j as f64), &near);
                    }
                }
            }
        }
    }

    fn rest(&self, p: DVec3) -> DVec3 {
        self.push.map_or(p, |push| push.rest(p))
    }

    /// The solids that can be seen within `radius` of a point, the last painted first, down to one that covers the whole
    /// ball.
    fn near<'s>(&'s self, centre: DVec3, radius: f64, near: &mut Vec<&'s Part>) {
        near.clear();
        let rest = self.rest(centre);
        for part in self.parts.iter().rev() {
            let (p, bound) = if part.soft && self.push.is_some() {
                (rest, PUSHED_LIPSCHITZ * radius)
            } else {
                (centre, LIPSCHITZ * radius)
            };
            let d = part.shape.distance(p);
            if d < bound {
                near.push(part);
                if d < -bound {
                    break;
                }
            }
        }
    }

    /// Mean signal of a voxel's samples, and the label that covers at least half of it.
    fn voxel(&self, raster: &Raster, centre: DVec3, near: &[&Part]) -> (f32, u8) {
        let mut signal = 0.0;
        let mut cover = [0.0; LABELS];
        for offset in &raster.offsets {
            let p = centre + *offset;
            let rest = self.rest(p);
            // From the front: what earlier-painted solids add is what later ones leave uncovered.
            let mut open = 1.0;
            for part in near {
                let at = if part.soft { rest } else { p };
                let depth = -part.shape.distance(at);
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
                cover[usize::from(part.label) % LABELS] += alpha;
                open -= alpha;
                if open <= 1e-9 {
                    break;
                }
            }
        }
        let count = raster.offsets.len() as f64;
        let label = (1..LABELS).find(|&l| cover[l] >= 0.5 * count).unwrap_or(0);
        ((signal / count) as f32, label as u8)
    }
}
