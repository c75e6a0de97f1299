//! Where a tumour grew: the way from its earlier to its later surface at each point, and how much of it lies in which direction.
//!
//! At each vertex of the later surface the displacement is the distance to the nearest point of the earlier one, positive where the later lies outside. A vertex belongs to the direction
//! that its outward normal is nearest to, of those that are known; where all are more than 60° away it belongs to none. The volume between the surfaces is that of
//! the prisms that each triangle sweeps on its way to the nearest points of its corners, a third of each to each corner's direction.
use super::{
    BOUNDARY_SHIFT_95_MM, Boundary, Mesh, MeshError, NearestSurface, PorusPlane, TumourGeometry,
    surface_mesh,
};
use crate::volume::{LabelMap, Observe, Structure};
use glam::{DAffine3, DVec3};
use rayon::prelude::*;
use serde::Serialize;

/// Cosine to the nearest direction below which a normal belongs to none (60°).
const LEAST_COSINE: f64 = 0.5;

/// A direction in which a tumour grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowthDirection {
    /// Towards the nearest point of the brainstem.
    Brainstem,
    /// Along the canal towards its fundus.
    Fundus,
    /// Towards superior.
    Up,
    /// Towards inferior.
    Down,
    /// Towards anterior.
    Front,
    /// Towards posterior.
    Back,
}

impl GrowthDirection {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brainstem => "towards the brainstem",
            Self::Fundus => "towards the fundus",
            Self::Up => "up",
            Self::Down => "down",
            Self::Front => "forwards",
            Self::Back => "backwards",
        }
    }
}

/// The directions that are known about a tumour, unit vectors in its scan's world.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GrowthDirections(Vec<(GrowthDirection, DVec3)>);

impl GrowthDirections {
    /// From pairs of a direction and a vector of any length; vectors without a direction are left out.
    pub fn new(pairs: impl IntoIterator<Item = (GrowthDirection, DVec3)>) -> Self {
        let unit = |(d, v): (GrowthDirection, DVec3)| Some((d, v.try_normalize()?));
        Self(pairs.into_iter().filter_map(unit).collect())
    }

    /// Of the tumour in a label map: up, down, front and back are the patient's (the scan's where the labels do not tell them); the fundus lies along the canal's axis at the porus plane, that
    /// of a reader or the one found; the brainstem lies where from the tumour's middle its nearest point is. What is not known is left out.
    pub fn of(labels: &LabelMap, tumour: &TumourGeometry, plane: Option<&PorusPlane>) -> Self {
        let up = tumour.superior();
        let front = tumour.axes().map_or(DVec3::Y, |a| a.anterior);
        let mut pairs = vec![
            (GrowthDirection::Up, up),
            (GrowthDirection::Down, -up),
            (GrowthDirection::Front, front),
            (GrowthDirection::Back, -front),
        ];
        let middle = DVec3::from_array(tumour.size().centroid_ras_mm);
        let brainstem = Boundary::of(labels, Structure::Brainstem);
        let nearest = (brainstem.points.iter().map(|p| p.point))
            .min_by(|a, b| a.distance(middle).total_cmp(&b.distance(middle)));
        pairs.extend(nearest.map(|p| (GrowthDirection::Brainstem, p - middle)));
        let plane = plane.or(tumour.porus_plane());
        pairs.extend(plane.map(|p| (GrowthDirection::Fundus, tumour.canal_axis(p).lateral)));
        Self::new(pairs)
    }

    /// The unit vector of a direction; `None` where it is not known.
    pub fn get(&self, direction: GrowthDirection) -> Option<DVec3> {
        let mut found = self.0.iter().filter(|(d, _)| *d == direction);
        found.next().map(|(_, v)| *v)
    }

    /// The direction that an outward normal belongs to.
    pub fn nearest(&self, normal: DVec3) -> Option<GrowthDirection> {
        let normal = normal.try_normalize()?;
        let cosines = self.0.iter().map(|(d, v)| (*d, v.dot(normal)));
        cosines
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, cosine)| *cosine >= LEAST_COSINE)
            .map(|(d, _)| d)
    }
}

/// What happened in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DirectionTotals {
    /// The direction; none for what belongs to no known one.
    pub direction: Option<GrowthDirection>,
    /// Area of the later surface, mm².
    pub area_mm2: f64,
    /// Mean displacement over that area, mm; 0 without area.
    pub mean_mm: f64,
    /// Largest displacement, mm.
    pub largest_mm: f64,
    /// Smallest displacement, mm; negative where it shrank.
    pub least_mm: f64,
    /// Volume gained, mm³; negative where it was lost.
    pub volume_mm3: f64,
}

/// The growth of a tumour from an earlier to a later surface.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowthMap {
    /// Displacement at each vertex of the later surface, mm, positive outwards.
    #[serde(skip)]
    pub distance_mm: Vec<f64>,
    /// The direction of each vertex.
    #[serde(skip)]
    pub direction: Vec<Option<GrowthDirection>>,
    /// Mean displacement over the later surface, mm.
    pub mean_mm: f64,
    /// Largest displacement, mm.
    pub largest_mm: f64,
    /// Where that is, RAS mm.
    pub largest_at_ras_mm: [f64; 3],
    /// Smallest displacement, mm; negative where it shrank.
    pub least_mm: f64,
    /// Displacement that exceeds the error of two outlines (95 %), mm: √2 × [`BOUNDARY_SHIFT_95_MM`]. The error of the alignment comes on top.
    pub detectable_mm: f64,
    /// Area of the later surface, mm², and of what of it moved outwards and inwards by more than that.
    pub area_mm2: f64,
    /// Moved outwards by more than the error, mm².
    pub grown_area_mm2: f64,
    /// Moved inwards by more than the error, mm².
    pub shrunk_area_mm2: f64,
    /// Volume within the later less that within the earlier surface, mm³.
    pub volume_change_mm3: f64,
    /// What happened in each known direction, then elsewhere. The volumes add up to the change as far as each place of the earlier surface is nearest to some place of the later; a
    /// part that vanished whole is in none.
    pub directions: Vec<DirectionTotals>,
}

/// What the sums of one direction are made of.
#[derive(Clone, Copy)]
struct Sums {
    area: f64,
    moved: f64,
    volume: f64,
    largest: f64,
    least: f64,
}

impl Sums {
    const NONE: Self = Self {
        area: 0.0,
        moved: 0.0,
        volume: 0.0,
        largest: f64::NEG_INFINITY,
        least: f64::INFINITY,
    };

    fn totals(&self, direction: Option<GrowthDirection>) -> DirectionTotals {
        let some = |x: f64| if x.is_finite() { x } else { 0.0 };
        DirectionTotals {
            direction,
            area_mm2: self.area,
            mean_mm: some(self.moved / self.area),
            largest_mm: some(self.largest),
            least_mm: some(self.least),
            volume_mm3: self.volume,
        }
    }
}

/// The way from an earlier surface of a tumour to a later one, both closed and in the later visit's space ([`Mesh::mapped`] brings the earlier there). `None` when one of
/// both is empty.
pub fn growth_map(
    earlier: &Mesh,
    later: &Mesh,
    directions: &GrowthDirections,
) -> Option<GrowthMap> {
    let surface = NearestSurface::new(earlier)?;
    if later.is_empty() {
        return None;
    }
    let nearest: Vec<(f64, DVec3)> = (later.points().par_iter())
        .map(|p| surface.signed_nearest(*p))
        .collect();
    let direction: Vec<Option<GrowthDirection>> = (later.normals().iter())
        .map(|n| directions.nearest(*n))
        .collect();
    let known = directions.0.iter().map(|(d, _)| Some(*d));
    let order: Vec<Option<GrowthDirection>> = known.chain([None]).collect();
    let mut sums = vec![Sums::NONE; order.len()];
    let detectable = std::f64::consts::SQRT_2 * BOUNDARY_SHIFT_95_MM;
    let (mut grown, mut shrunk) = (0.0, 0.0);
    for t in later.triangles() {
        let corners = t.map(|c| later.points()[c as usize]);
        let before = t.map(|c| nearest[c as usize].1);
        let area = normal_area(corners).length() / 3.0;
        let volume = swept_mm3(before, corners) / 3.0;
        for &c in t {
            let (moved, _) = nearest[c as usize];
            let place = order.iter().position(|d| *d == direction[c as usize]);
            let sum = &mut sums[place.unwrap_or(order.len() - 1)];
            sum.area += area;
            sum.moved += area * moved;
            sum.volume += volume;
            sum.largest = sum.largest.max(moved);
            sum.least = sum.least.min(moved);
            grown += if moved > detectable { area } else { 0.0 };
            shrunk += if moved < -detectable { area } else { 0.0 };
        }
    }
    let at_most = |a: &&(f64, usize), b: &&(f64, usize)| a.0.total_cmp(&b.0);
    let moved: Vec<(f64, usize)> = nearest.iter().enumerate().map(|(n, m)| (m.0, n)).collect();
    let (largest, least) = (moved.iter().max_by(at_most)?, moved.iter().min_by(at_most)?);
    let area: f64 = sums.iter().map(|s| s.area).sum();
    Some(GrowthMap {
        mean_mm: sums.iter().map(|s| s.moved).sum::<f64>() / area.max(f64::MIN_POSITIVE),
        largest_mm: largest.0,
        largest_at_ras_mm: later.points()[largest.1].to_array(),
        least_mm: least.0,
        detectable_mm: detectable,
        area_mm2: area,
        grown_area_mm2: grown,
        shrunk_area_mm2: shrunk,
        volume_change_mm3: later.volume_mm3() - earlier.volume_mm3(),
        directions: (sums.iter().zip(&order))
            .map(|(s, d)| s.totals(*d))
            .collect(),
        distance_mm: nearest.iter().map(|n| n.0).collect(),
        direction,
    })
}

/// The growth between the tumours of two label maps that an alignment brings together, with the later surface that it lies on. `None` where one holds no tumour.
///
/// # Errors
/// As [`surface_mesh`].
pub fn growth_between(
    earlier: &LabelMap,
    later: &LabelMap,
    world_later_from_world_earlier: DAffine3,
    plane: Option<&PorusPlane>,
    observe: &mut Observe<'_>,
) -> Result<Option<(Mesh, GrowthMap)>, MeshError> {
    let Some(tumour) = TumourGeometry::of(later) else {
        return Ok(None);
    };
    let only = [Structure::VestibularSchwannoma];
    let before = surface_mesh(earlier, &only, observe)?.mapped(world_later_from_world_earlier);
    let after = surface_mesh(later, &only, observe)?;
    let directions = GrowthDirections::of(later, &tumour, plane);
    Ok(growth_map(&before, &after, &directions).map(|map| (after, map)))
}

/// Half the cross product of a triangle's edges: its normal, as long as its area.
fn normal_area([a, b, c]: [DVec3; 3]) -> DVec3 {
    (b - a).cross(c - a) / 2.0
}

/// Volume that a triangle sweeps whose corners move straight from `before` to `after`, mm³, positive along its normal.
///
/// The area's vector is a polynomial of second degree in time, for which Simpson's rule is exact.
fn swept_mm3(before: [DVec3; 3], after: [DVec3; 3]) -> f64 {
    let halfway = [0, 1, 2].map(|n| before[n].midpoint(after[n]));
    let area = (normal_area(before) + normal_area(halfway) * 4.0 + normal_area(after)) / 6.0;
    let way = (0..3).map(|n| after[n] - before[n]).sum::<DVec3>() / 3.0;
    way.dot(area)
}
