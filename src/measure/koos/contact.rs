//! Where a tumour touches what lies beside it.
use crate::{
    measure::{Boundary, BoundaryPoint, boundary::diameter, size::slices},
    volume::Grid,
};
use glam::DVec3;
use std::collections::HashMap;

/// A gap between faces that counts as contact in full, and one that does not count, mm; between them it counts in part. A gap so thin is one of a voxel, of which half are less.
const THIN_MM: [f64; 2] = [0.3, 0.5];
/// Voxels that meet in a face or an edge are in contact whatever their size: their faces' middles lie within this part of the shortest voxel edge.
const MEETING: f64 = 0.75;

/// Which distances between faces are contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Touch {
    meeting_mm: f64,
}

impl Touch {
    /// On a grid.
    pub(super) fn on(grid: &Grid) -> Self {
        let spacing = grid.spacing_mm();
        Self {
            meeting_mm: MEETING * spacing.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }

    /// Whether voxels meet.
    pub(super) fn meets(self, mm: f64) -> bool {
        mm <= self.meeting_mm
    }

    /// How much of a face at a distance is in contact, 0 to 1.
    pub(super) fn part(self, mm: f64) -> f64 {
        if self.meets(mm) {
            return 1.0;
        }
        ((THIN_MM[1] - mm) / (THIN_MM[1] - THIN_MM[0])).clamp(0.0, 1.0)
    }
}

/// Faces about a face that give the direction of the surface there: so far away, mm.
const NORMAL_MM: f64 = 2.0;

/// How a tumour's surface lies to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contact {
    /// Shortest distance between the two, mm.
    pub(super) gap_mm: f64,
    /// Its ends: on the tumour, on the other.
    pub(super) nearest: [DVec3; 2],
    /// Tumour surface in contact, mm².
    pub(super) area_mm2: f64,
    /// Of each face of the tumour the distance to the nearest face of the other, mm, and which that is.
    pub(super) distances: Vec<(f64, usize)>,
}

impl Contact {
    /// Between a tumour and something else; `None` where that has no face.
    pub(super) fn between(
        tumour: &Boundary,
        normals: &Normals,
        other: &Boundary,
        touch: Touch,
    ) -> Option<Self> {
        let distances = tumour.nearest_in(other)?;
        let (n, (gap_mm, at)) =
            (distances.iter().copied().enumerate()).min_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
        // From +0: the sum of nothing is -0.
        let area_mm2 = (tumour.points.iter().zip(&distances))
            .map(|(face, (mm, _))| (face, touch.part(*mm)))
            .filter(|(_, part)| *part > 0.0)
            .fold(0.0, |sum, (face, part)| sum + part * normals.area_mm2(face));
        Some(Self {
            gap_mm,
            nearest: [tumour.points.get(n)?.point, other.points.get(at)?.point],
            area_mm2,
            distances,
        })
    }

    /// The faces of the tumour whose voxels meet the other.
    pub(super) fn faces<'a>(
        &'a self,
        tumour: &'a Boundary,
        touch: Touch,
    ) -> impl Iterator<Item = &'a BoundaryPoint> {
        (tumour.points.iter().zip(&self.distances))
            .filter(move |(_, (mm, _))| touch.meets(*mm))
            .map(|(face, _)| face)
    }
}

/// First and last axial slice of some faces, and the largest distance between two of them in one slice, mm.
pub(super) fn extent<'a>(
    faces: impl Iterator<Item = &'a BoundaryPoint> + Clone,
) -> Option<([usize; 2], f64)> {
    let range = |f: &BoundaryPoint| [f.axial_slice; 2];
    let spanned = (faces.clone().map(range)).reduce(|[a, b], [c, d]| [a.min(c), b.max(d)])?;
    let longest = (slices(faces).iter())
        .filter_map(|slice| diameter(slice))
        .map(|[a, b]| a.distance(b))
        .fold(0.0, f64::max);
    Some((spanned, longest))
}

/// The direction of a surface made of voxel faces, from the faces about each place.
///
/// Faces follow the voxel axes and so overstate a slanting surface: a face stands for its area times the cosine between it and the surface, which adds up to the surface's area
/// whatever its direction.
#[derive(Debug, Clone)]
pub(super) struct Normals {
    /// Sums of the faces' vectors in cubes.
    cubes: HashMap<[i32; 3], DVec3>,
}

impl Normals {
    pub(super) fn of(boundary: &Boundary) -> Self {
        let mut cubes: HashMap<[i32; 3], DVec3> = HashMap::new();
        for p in &boundary.points {
            *cubes.entry(cube(p.point)).or_default() += p.outward * p.area_mm2;
        }
        Self { cubes }
    }

    /// Unit normal of the surface near a point, outwards; zero where faces cancel.
    pub(super) fn at(&self, point: DVec3) -> DVec3 {
        let [i, j, k] = cube(point);
        let mut sum = DVec3::ZERO;
        for z in k - 1..=k + 1 {
            for y in j - 1..=j + 1 {
                for x in i - 1..=i + 1 {
                    sum += self.cubes.get(&[x, y, z]).copied().unwrap_or_default();
                }
            }
        }
        sum.normalize_or_zero()
    }

    /// The part of the surface that a face stands for, mm².
    pub(super) fn area_mm2(&self, face: &BoundaryPoint) -> f64 {
        face.area_mm2 * self.at(face.point).dot(face.outward).max(0.0)
    }
}

/// The cube that holds a point: a neighbourhood is 3 × 3 × 3 of them.
fn cube(point: DVec3) -> [i32; 3] {
    (point / (NORMAL_MM * 2.0 / 3.0))
        .floor()
        .to_array()
        .map(|x| x.clamp(-1e9, 1e9) as i32)
}
