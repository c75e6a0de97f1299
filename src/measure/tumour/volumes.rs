//! Volumes of the whole tumour and of its parts, with their 95 % intervals.
//!
//! A voxel that the porus plane cuts counts by its part on either side, so that the volumes follow a moved plane evenly and add up to the whole.
use super::{
    super::{BOUNDARY_SHIFT_95_MM, PorusPlane, TumourExtent, growth::digitisation_95_mm3},
    TumourGeometry,
};
use serde::Serialize;

/// A volume with its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PartVolume {
    /// Volume, mm³.
    pub volume_mm3: f64,
    /// Its 95 % interval, mm³, from the surface and the voxels: of a part, at the plane as it lies.
    ///
    /// A shift of the surface by [`BOUNDARY_SHIFT_95_MM`] and the error of cutting the body into voxels, as for
    /// [`TumourExtent::loa95_percent`]. Where the plane lies is a question of its own: [`TumourVolumes::porus_area_mm2`] tells what a shift of it moves.
    pub interval95_mm3: [f64; 2],
    /// Surface, mm², without the face that the plane cuts.
    pub surface_mm2: f64,
}

/// Volumes of a tumour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TumourVolumes {
    /// The whole tumour.
    pub whole: PartVolume,
    /// Its part on the canal's side of the porus plane; none without a plane.
    pub intrameatal: Option<PartVolume>,
    /// Its part beyond the plane; none without a plane.
    pub extrameatal: Option<PartVolume>,
    /// Area of the tumour's section by the plane, mm²: so many mm³ change sides for each mm that the plane is moved.
    pub porus_area_mm2: Option<f64>,
}

impl TumourGeometry {
    /// Volumes at a plane that a reader set or, without one, at the plane that was found.
    pub fn volumes(&self, plane: Option<&PorusPlane>) -> TumourVolumes {
        let extent = TumourExtent {
            volume_mm3: self.size.volume_mm3,
            surface_mm2: Some(self.size.surface_mm2),
            extrameatal_diameter_mm: None,
            max_axial_diameter_mm: None,
            slice_thickness_mm: self.slice_mm(),
        };
        let mut volumes = TumourVolumes {
            whole: with_interval(
                self.size.volume_mm3,
                self.size.surface_mm2,
                extent.loa95_mm3(),
            ),
            intrameatal: None,
            extrameatal: None,
            porus_area_mm2: None,
        };
        let Some(plane) = self.plane(plane) else {
            return volumes;
        };
        // How deep a voxel is along the plane's normal.
        let depth: f64 = (0..3)
            .map(|a| self.edges.col(a).dot(plane.normal()).abs())
            .sum();
        let (mut beyond, mut cut) = (0.0, 0.0);
        for voxel in &self.voxels {
            let part = 0.5 + plane.beyond_mm(*voxel) / depth;
            beyond += part.clamp(0.0, 1.0);
            cut += f64::from((0.0..1.0).contains(&part));
        }
        let all = self.boundary.face_area_mm2();
        let outer: f64 = self.faces(plane, true).map(|p| p.area_mm2).sum();
        // Faces overstate a slanting surface in both parts alike.
        let surface = self.size.surface_mm2 * if all > 0.0 { outer / all } else { 0.0 };
        let extra = beyond * self.voxel_mm3();
        let part = |volume: f64, surface: f64| {
            let shift = BOUNDARY_SHIFT_95_MM * surface;
            let voxels = digitisation_95_mm3(volume, self.slice_mm());
            Some(with_interval(volume, surface, shift.hypot(voxels)))
        };
        volumes.extrameatal = part(extra, surface);
        volumes.intrameatal = part(
            (self.size.volume_mm3 - extra).max(0.0),
            self.size.surface_mm2 - surface,
        );
        volumes.porus_area_mm2 = Some(cut * self.voxel_mm3() / depth);
        volumes
    }
}

fn with_interval(volume_mm3: f64, surface_mm2: f64, half_mm3: f64) -> PartVolume {
    PartVolume {
        volume_mm3,
        interval95_mm3: [(volume_mm3 - half_mm3).max(0.0), volume_mm3 + half_mm3],
        surface_mm2,
    }
}
