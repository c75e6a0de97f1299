//! Smooth closed surfaces of labelled structures, as triangles in patient space.
//!
//! A voxel's faces are steps; the surface that they stand for lies within half a voxel of them. The mesh is marching cubes on the label, smoothed without shrinking and
//! then moved along its normals until each part encloses the volume of its voxels.

mod extract;
mod nearest;
mod smooth;
#[cfg(test)]
mod tests;

pub use nearest::NearestSurface;

use crate::volume::{LabelMap, Observe, Progress, Structure};
use extract::{Bounds, Net, bounds, join, net};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use smooth::{Parts, parts, smooth};

/// Largest number of voxel faces that one surface is made of. The brainstem of a fine scan has less than a tenth.
const MAX_POINTS: usize = 1_000_000;

/// Steps along the normals that bring a mesh to its volume.
const VOLUME_STEPS: usize = 3;

/// Why there is no mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    /// The label is scattered over too many voxels.
    #[error("the label has more than {limit} voxel faces, too many for a surface")]
    TooLarge {
        /// Voxel faces that are allowed.
        limit: usize,
    },
    /// A triangle names a point that does not exist, or a point is not finite.
    #[error("the triangles do not fit the points")]
    Corrupt,
    /// The observer asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Triangles in patient space. Those made from labels are closed, and two triangles share each edge.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    points: Vec<DVec3>,
    normals: Vec<DVec3>,
    triangles: Vec<[u32; 3]>,
    closed: bool,
}

impl Mesh {
    /// A mesh from points (RAS mm) and the indices of each triangle's corners, counter-clockwise as seen from outside.
    ///
    /// # Errors
    /// When an index has no point, a point is not finite, or there are more points than an index can name.
    pub fn new(points: Vec<DVec3>, triangles: Vec<[u32; 3]>) -> Result<Self, MeshError> {
        let valid = u32::try_from(points.len())
            .is_ok_and(|n| triangles.iter().flatten().all(|&corner| corner < n));
        if !valid || !points.iter().all(|p| p.is_finite()) {
            return Err(MeshError::Corrupt);
        }
        let normals = normals(&points, &triangles);
        Ok(Self {
            closed: is_closed(&triangles),
            points,
            normals,
            triangles,
        })
    }

    /// Whether two triangles share each edge, with one sense of what is outside: the mesh is the surface of a body.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Corners of the triangles, RAS mm.
    pub fn points(&self) -> &[DVec3] {
        &self.points
    }

    /// Outward unit normal at each point: the mean of the triangles around it, weighted by their areas. Zero where they cancel.
    pub fn normals(&self) -> &[DVec3] {
        &self.normals
    }

    /// Indices of each triangle's three points, counter-clockwise as seen from outside.
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.triangles
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.triangles.is_empty()
    }

    /// Enclosed volume, mm³, by the divergence theorem.
    pub fn volume_mm3(&self) -> f64 {
        // About a point of the mesh: patient coordinates far from zero cost no digits.
        let origin = self.points.first().copied().unwrap_or_default();
        self.corners()
            .map(|[a, b, c]| (a - origin).dot((b - origin).cross(c - origin)) / 6.0)
            .sum()
    }

    /// Area, mm².
    pub fn area_mm2(&self) -> f64 {
        self.corners()
            .map(|[a, b, c]| (b - a).cross(c - a).length() / 2.0)
            .sum()
    }

    /// Lower and upper corner of the box that holds the mesh, RAS mm; `None` when it is empty.
    pub fn bounds_mm(&self) -> Option<[DVec3; 2]> {
        let first = *self.points.first()?;
        let grow = |[low, high]: [DVec3; 2], p: &DVec3| [low.min(*p), high.max(*p)];
        Some(self.points.iter().fold([first; 2], grow))
    }

    /// The same mesh in another scan's space, by a rigid transform to it.
    #[must_use]
    pub fn mapped(&self, world_other_from_world: DAffine3) -> Self {
        Self {
            points: (self.points.iter())
                .map(|p| world_other_from_world.transform_point3(*p))
                .collect(),
            normals: (self.normals.iter())
                .map(|n| world_other_from_world.transform_vector3(*n))
                .collect(),
            triangles: self.triangles.clone(),
            closed: self.closed,
        }
    }

    /// Corners of every triangle, RAS mm.
    fn corners(&self) -> impl Iterator<Item = [DVec3; 3]> {
        (self.triangles.iter()).map(|t| t.map(|corner| self.points[corner as usize]))
    }
}

/// The smooth surface of some structures taken as one body, RAS mm; empty when none is there.
///
/// Each connected part encloses the volume of its voxels, as far as moving it by half a voxel reaches. Points lie within about half a voxel of the voxels' faces.
///
/// # Errors
/// When the label has more than a million voxel faces, or the observer stops it.
pub fn surface_mesh(
    labels: &LabelMap,
    structures: &[Structure],
    observe: &mut Observe<'_>,
) -> Result<Mesh, MeshError> {
    build(labels, &bounds(labels), structures, observe)
}

/// The smooth surface of each structure that a label map holds, in the order of [`Structure::ALL`].
///
/// # Errors
/// As [`surface_mesh`].
pub fn surface_meshes(
    labels: &LabelMap,
    observe: &mut Observe<'_>,
) -> Result<Vec<(Structure, Mesh)>, MeshError> {
    let bounds = bounds(labels);
    let present: Vec<Structure> = (Structure::ALL.into_iter())
        .filter(|s| marked_box(labels, &bounds, &[*s]).is_some())
        .collect();
    let mut meshes = Vec::new();
    for (n, structure) in present.iter().enumerate() {
        let mut whole = |progress: Progress| {
            observe(Progress {
                fraction: (n as f32 + progress.fraction) / present.len() as f32,
                ..progress
            })
        };
        let mesh = build(labels, &bounds, &[*structure], &mut whole)?;
        meshes.push((*structure, mesh));
    }
    Ok(meshes)
}

/// For each point of a surface its distance to another surface, mm: positive outside of it, negative inside. `None` when the other is empty.
///
/// Between an earlier and a later surface of a tumour in one space this is where it grew (positive) and shrank.
pub fn signed_distances_mm(of: &Mesh, to: &Mesh) -> Option<Vec<f64>> {
    let nearest = NearestSurface::new(to)?;
    Some(
        of.points
            .par_iter()
            .map(|p| nearest.signed_distance_mm(*p))
            .collect(),
    )
}

/// The label values of some structures, and the box that holds them.
fn marked_box(
    labels: &LabelMap,
    bounds: &[Option<Bounds>; 256],
    structures: &[Structure],
) -> Option<([bool; 256], Bounds)> {
    let mut marked = [false; 256];
    let mut joined: Option<Bounds> = None;
    for value in structures.iter().filter_map(|s| labels.table().value(*s)) {
        marked[usize::from(value)] = true;
        joined = join(joined, bounds[usize::from(value)]);
    }
    Some((marked, joined?))
}

fn build(
    labels: &LabelMap,
    bounds: &[Option<Bounds>; 256],
    structures: &[Structure],
    observe: &mut Observe<'_>,
) -> Result<Mesh, MeshError> {
    let Some((marked, bounds)) = marked_box(labels, bounds, structures) else {
        return Ok(Mesh::default());
    };
    let net = net(labels, bounds, &marked, MAX_POINTS, observe)?;
    let parts = parts(&net);
    let mut points = smooth(&net, &parts, observe)?;
    let world_from_voxel = labels.grid().world_from_voxel();
    let mut triangles = triangulate(&net, &mut points, world_from_voxel.matrix3);
    keep_volume(&mut points, &triangles, &parts);
    for p in &mut points {
        *p = world_from_voxel.transform_point3(*p);
    }
    // A left-handed grid turns the net inside out.
    if world_from_voxel.matrix3.determinant() < 0.0 {
        for t in &mut triangles {
            t.swap(1, 2);
        }
    }
    let normals = normals(&points, &triangles);
    Ok(Mesh {
        points,
        normals,
        triangles,
        // By the way it is made; the tests hold it to that.
        closed: true,
    })
}

/// Cuts the polygons into triangles by the diagonals that are shortest in the patient. Those that may not be cut so get a point in their middle, behind the net's own.
fn triangulate(net: &Net, points: &mut Vec<DVec3>, world_from_voxel: DMat3) -> Vec<[u32; 3]> {
    let mut triangles = Vec::with_capacity(net.corners.len());
    let mut first = 0;
    let mut ring: Vec<u32> = Vec::new();
    for &(end, ambiguous) in &net.polygons {
        let corners = &net.corners[first..end as usize];
        first = end as usize;
        if ambiguous && corners.len() > 3 {
            let sum: DVec3 = corners.iter().map(|&c| points[c as usize]).sum();
            let id = points.len() as u32;
            points.push(sum / corners.len() as f64);
            for (n, &corner) in corners.iter().enumerate() {
                triangles.push([corner, corners[(n + 1) % corners.len()], id]);
            }
            continue;
        }
        ring.clear();
        ring.extend(corners);
        while ring.len() > 3 {
            let len = ring.len();
            let at = |n: usize| points[ring[n % len] as usize];
            let diagonal = |n: &usize| (world_from_voxel * (at(*n) - at(n + 2))).length_squared();
            let ear = (0..len)
                .min_by(|a, b| diagonal(a).total_cmp(&diagonal(b)))
                .unwrap_or(0);
            let tip = (ear + 1) % len;
            triangles.push([ring[ear], ring[tip], ring[(ear + 2) % len]]);
            ring.remove(tip);
        }
        if let [a, b, c] = ring[..] {
            triangles.push([a, b, c]);
        }
    }
    triangles
}

/// Moves each part along its normals until it encloses what its voxels do, by at most half a voxel. All in voxel coordinates, so that it moves farther where voxels are longer.
fn keep_volume(points: &mut [DVec3], triangles: &[[u32; 3]], parts: &Parts) {
    let own = parts.part.len();
    // A point in a polygon's middle belongs to the part of the polygon.
    let mut part = parts.part.clone();
    part.resize(points.len(), 0);
    for t in triangles.iter().filter(|t| t[2] as usize >= own) {
        part[t[2] as usize] = part[t[0] as usize];
    }
    let mut moved = vec![0.0_f64; parts.voxels.len()];
    for _ in 0..VOLUME_STEPS {
        let mut volume = vec![0.0; parts.voxels.len()];
        let mut area = vec![0.0; parts.voxels.len()];
        let origin = points.first().copied().unwrap_or_default();
        for t in triangles {
            let [a, b, c] = t.map(|c| points[c as usize] - origin);
            let own = part[t[0] as usize] as usize;
            let cross = (b - a).cross(c - a);
            volume[own] += a.dot(cross) / 6.0;
            area[own] += cross.length() / 2.0;
        }
        let step: Vec<f64> = (0..moved.len())
            .map(|n| {
                let wanted = (parts.voxels[n] - volume[n]) / area[n].max(1e-12);
                let step = (moved[n] + wanted).clamp(-0.5, 0.5) - moved[n];
                moved[n] += step;
                step
            })
            .collect();
        let normals = normals(points, triangles);
        for ((p, n), part) in points.iter_mut().zip(normals).zip(&part) {
            *p += n * step[*part as usize];
        }
    }
}

/// Whether every edge is passed as often in one direction as in the other, and only once.
fn is_closed(triangles: &[[u32; 3]]) -> bool {
    let mut edges: Vec<(u32, u32)> = (triangles.iter())
        .flat_map(|&[a, b, c]| [(a, b), (b, c), (c, a)])
        .collect();
    edges.sort_unstable();
    let once = edges.windows(2).all(|pair| pair[0] != pair[1]);
    once && edges
        .iter()
        .all(|&(a, b)| a != b && edges.binary_search(&(b, a)).is_ok())
}

/// Unit normals at the points, weighted by the areas of the triangles around them.
fn normals(points: &[DVec3], triangles: &[[u32; 3]]) -> Vec<DVec3> {
    let mut sums = vec![DVec3::ZERO; points.len()];
    for t in triangles {
        let [a, b, c] = t.map(|c| points[c as usize]);
        let cross = (b - a).cross(c - a);
        for &c in t {
            sums[c as usize] += cross;
        }
    }
    sums.iter().map(|n| n.normalize_or_zero()).collect()
}
