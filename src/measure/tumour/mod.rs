//! The tumour against its porus plane: volumes of its parts, diameters and the length in the canal.
//!
//! [`TumourGeometry`] holds what does not depend on the plane, so that a plane that a reader moves is followed within milliseconds.

mod canal;
mod diameters;
mod volumes;

pub use canal::CanalAxis;
pub use diameters::{Diameter, DiameterRule, TumourDiameters};
pub use volumes::{PartVolume, TumourVolumes};

use super::{
    Boundary, BoundaryPoint, HeadAxes, PorusPlane, SizeSide, StructureSize,
    boundary::diameter,
    parts::{parts, without_specks},
    porus_plane,
    size::max_axial_diameter,
    structure_size,
};
use crate::volume::{LabelMap, Side, Structure};
use glam::{DMat3, DVec3};
use serde::Serialize;

/// A protrusion beyond the porus plane from which a tumour is extrameatal, mm.
pub(super) const PROTRUSION_MM: f64 = 1.5;
/// The smallest extrameatal volume that counts, mm³.
pub(super) const MIN_EXTRAMEATAL_MM3: f64 = 10.0;
/// The farthest that a canal's voxel can lie from the middle of its tumour, mm.
const FARTHEST_CANAL_MM: f64 = 45.0;

/// A tumour made ready to be measured at any porus plane.
#[derive(Debug, Clone)]
pub struct TumourGeometry {
    size: StructureSize,
    axes: Option<HeadAxes>,
    side: Option<Side>,
    found: Option<PorusPlane>,
    axis: Option<CanalAxis>,
    /// Voxel centres of the tumour, RAS mm.
    voxels: Vec<DVec3>,
    boundary: Boundary,
    /// Voxel centres of what of the canal on the tumour's side is labelled.
    canal_voxels: Vec<DVec3>,
    /// Edges of a voxel in the world.
    edges: DMat3,
    /// Volumes of its connected parts, mm³, the largest first.
    parts_mm3: Vec<f64>,
    /// Ends of the diameters that no plane changes.
    whole_axial: Option<[DVec3; 2]>,
    max_3d: Option<[DVec3; 2]>,
}

/// All that is measured of a tumour at one porus plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TumourMeasures {
    /// The plane that divides intra- from extrameatal; none where it is not known.
    pub porus_plane: Option<PorusPlane>,
    /// How far a reader moved it from where it was found: mm along its normal, then degrees forwards and upwards. What two visits measure beyond planes that were moved
    /// otherwise is not compared.
    #[serde(skip)]
    pub porus_moved: [f64; 3],
    /// Volumes with their errors.
    pub volumes: TumourVolumes,
    /// Diameters, the length in the canal and the fundal cap.
    pub diameters: TumourDiameters,
}

impl TumourGeometry {
    /// Of the tumour in a label map; `None` without a tumour voxel.
    ///
    /// Tumours on both sides are not measured as one: then no plane counts, and only the volume of both together is given.
    pub fn of(labels: &LabelMap) -> Option<Self> {
        let size = structure_size(labels, Structure::VestibularSchwannoma)?;
        let centroid = DVec3::from_array(size.centroid_ras_mm);
        let axes = HeadAxes::of(labels);
        let one = size.side != Some(SizeSide::Both);
        let side = axes.filter(|_| one).map(|a| a.side(centroid));
        let whole = without_specks(labels, Structure::VestibularSchwannoma);
        let measured = whole.as_ref().unwrap_or(labels);
        let boundary = Boundary::of(measured, Structure::VestibularSchwannoma);
        let all: Vec<DVec3> = boundary.points.iter().map(|p| p.point).collect();
        let near = |p: &DVec3| p.distance(centroid) < FARTHEST_CANAL_MM;
        let mut geometry = Self {
            axes,
            side,
            found: axes.zip(side).and_then(|(a, s)| porus_plane(&a, s)),
            axis: None,
            voxels: voxels(labels, Structure::VestibularSchwannoma),
            whole_axial: one.then(|| max_axial_diameter(&boundary.points)).flatten(),
            max_3d: one.then(|| diameter(&all)).flatten(),
            boundary,
            canal_voxels: (voxels(labels, Structure::InternalAuditoryCanal).into_iter())
                .filter(near)
                .collect(),
            edges: labels.grid().world_from_voxel().matrix3,
            parts_mm3: (parts(labels, Structure::VestibularSchwannoma).iter())
                .map(|p| p.voxels as f64 * labels.grid().voxel_volume_mm3())
                .collect(),
            size,
        };
        geometry.axis = geometry.found.map(|plane| geometry.find_axis(&plane));
        Some(geometry)
    }

    /// Size of the whole tumour.
    pub fn size(&self) -> &StructureSize {
        &self.size
    }

    /// The tumour's side; `None` where the labels do not tell it, and for tumours on both.
    pub fn side(&self) -> Option<Side> {
        self.side
    }

    /// The patient's axes; `None` where the labels do not tell them. Then the scan's own axes serve for up and down.
    pub fn axes(&self) -> Option<&HeadAxes> {
        self.axes.as_ref()
    }

    /// The porus plane found from the cochleae; `None` where the one on the tumour's side is not labelled.
    pub fn porus_plane(&self) -> Option<&PorusPlane> {
        self.found.as_ref()
    }

    /// The axis of the canal that a tumour with this plane grows from.
    pub fn canal_axis(&self, plane: &PorusPlane) -> CanalAxis {
        // The axis that was found stays while a reader moves the plane.
        self.axis.unwrap_or_else(|| self.find_axis(plane))
    }

    /// All measures, at a plane that a reader set or, without one, at the plane that was found.
    pub fn measures(&self, plane: Option<&PorusPlane>) -> TumourMeasures {
        TumourMeasures {
            porus_plane: self.plane(plane).copied(),
            porus_moved: [0.0; 3],
            volumes: self.volumes(plane),
            diameters: self.diameters(plane),
        }
    }

    /// How far the tumour reaches beyond a plane, mm; 0 where it does not.
    pub fn protrusion_mm(&self, plane: &PorusPlane) -> f64 {
        self.protrusion(plane).0
    }

    /// The same with the place of its surface that lies farthest beyond, RAS mm.
    pub(super) fn protrusion(&self, plane: &PorusPlane) -> (f64, Option<DVec3>) {
        (self.boundary.points.iter())
            .map(|p| (plane.beyond_mm(p.point), Some(p.point)))
            .fold((0.0, None), |a, b| if b.0 > a.0 { b } else { a })
    }

    /// Whether a tumour leaves the canal. Just beyond the plane a diameter is that of a cap, which a shift of the plane by a fraction of a millimetre
    /// changes by millimetres.
    pub(super) fn is_extrameatal(&self, plane: &PorusPlane) -> bool {
        let volumes = self.volumes(Some(plane));
        let extra = volumes.extrameatal.map_or(0.0, |e| e.volume_mm3);
        extra >= MIN_EXTRAMEATAL_MM3 && self.protrusion_mm(plane) >= PROTRUSION_MM
    }

    /// How many separate parts of at least so many mm³ the outline has.
    pub(super) fn parts_of_at_least(&self, volume_mm3: f64) -> usize {
        self.parts_mm3.iter().filter(|v| **v >= volume_mm3).count()
    }

    /// Faces of the tumour's voxels.
    pub(super) fn boundary(&self) -> &Boundary {
        &self.boundary
    }

    /// The plane that counts.
    fn plane<'a>(&'a self, given: Option<&'a PorusPlane>) -> Option<&'a PorusPlane> {
        given
            .filter(|_| self.size.side != Some(SizeSide::Both))
            .or(self.found.as_ref())
    }

    /// Upwards in the patient, or in the scan where the labels do not tell.
    pub(super) fn superior(&self) -> DVec3 {
        self.axes.map_or(DVec3::Z, |a| a.superior)
    }

    /// To the tumour's side; without a side, the way out of the canal's plane.
    fn lateral(&self, plane: &PorusPlane) -> DVec3 {
        match (self.axes, self.side) {
            (Some(axes), Some(Side::Left)) => -axes.right,
            (Some(axes), Some(Side::Right)) => axes.right,
            _ => DVec3::new(-plane.normal().x.signum(), 0.0, 0.0),
        }
    }

    fn find_axis(&self, plane: &PorusPlane) -> CanalAxis {
        let body: Vec<DVec3> = (self.voxels.iter().chain(&self.canal_voxels))
            .copied()
            .filter(|p| plane.beyond_mm(*p) <= 0.0)
            .collect();
        CanalAxis::of(&body, plane.point(), self.lateral(plane))
    }

    /// The tumour's faces on the canal's side of a plane, or beyond it.
    fn faces(&self, plane: &PorusPlane, beyond: bool) -> impl Iterator<Item = &BoundaryPoint> {
        (self.boundary.points.iter()).filter(move |p| (plane.beyond_mm(p.point) > 0.0) == beyond)
    }

    fn voxel_mm3(&self) -> f64 {
        self.edges.determinant().abs()
    }

    fn slice_mm(&self) -> f64 {
        // Slices are stacked along the coarsest axis.
        [0, 1, 2]
            .map(|a| self.edges.col(a).length())
            .into_iter()
            .fold(0.0, f64::max)
    }
}

/// Voxel centres of a structure, RAS mm.
fn voxels(labels: &LabelMap, structure: Structure) -> Vec<DVec3> {
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return Vec::new();
    };
    let grid = labels.grid();
    let [i, j, k] = bounds.map(|[low, high]| low..=high);
    let rows = k.flat_map(move |k| j.clone().map(move |j| (j, k)));
    rows.flat_map(|(j, k)| i.clone().map(move |i| [i, j, k]))
        .filter(|v| labels.labels()[grid.index(*v)] == value)
        .map(|v| grid.point_in_world(v))
        .collect()
}
