//! A picture plane in the patient.
use crate::volume::Grid;
use glam::{DAffine3, DVec3};
use serde::{Deserialize, Serialize};

/// The three planes a reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Seen from the feet: the patient's right on the left, anterior up.
    Axial,
    /// Seen from the front: the patient's right on the left, superior up.
    Coronal,
    /// Seen from the patient's left: nose on the left, superior up.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// Patient axis (0 = R, 1 = A, 2 = S) across the plane.
    pub fn normal_axis(self) -> usize {
        match self {
            Self::Axial => 2,
            Self::Coronal => 1,
            Self::Sagittal => 0,
        }
    }

    /// Patient axes towards the right and the bottom of the screen, radiological convention, nose to the left in the sagittal.
    fn screen_axes(self) -> (DVec3, DVec3) {
        match self {
            Self::Axial => (DVec3::NEG_X, DVec3::NEG_Y),
            Self::Coronal => (DVec3::NEG_X, DVec3::NEG_Z),
            Self::Sagittal => (DVec3::NEG_Y, DVec3::NEG_Z),
        }
    }
}

/// A plane through `centre` with the directions that a screen shows it in. All in RAS mm; `right` and `down` are unit vectors at right angles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneFrame {
    /// Middle of the picture.
    pub centre: DVec3,
    /// Towards the right of the screen.
    pub right: DVec3,
    /// Towards the bottom of the screen.
    pub down: DVec3,
}

impl PlaneFrame {
    /// The plane of a scan's own voxel axes that is nearest to an anatomical plane, through a point. On a sheared grid the in-plane axes are kept
    /// in the voxel plane and made perpendicular.
    pub fn native(grid: &Grid, plane: Plane, centre: DVec3) -> Self {
        let ras = grid.closest_ras();
        let m = grid.world_from_voxel().matrix3;
        let axis_in_world = |world_axis: usize| {
            let voxel_axis = ras.voxel_axis(world_axis);
            let sign = if ras.flipped[voxel_axis] { -1.0 } else { 1.0 };
            (m.col(voxel_axis) * sign).normalize_or(DVec3::AXES[world_axis])
        };
        let (right, down) = plane.screen_axes();
        let along = |screen: DVec3| {
            let world_axis = (0..3).find(|&a| screen[a] != 0.0).unwrap_or(0);
            axis_in_world(world_axis) * screen[world_axis]
        };
        Self::from_directions(centre, along(right), along(down))
    }

    /// A plane through `centre` along the patient's axes.
    pub fn anatomical(plane: Plane, centre: DVec3) -> Self {
        let (right, down) = plane.screen_axes();
        Self {
            centre,
            right,
            down,
        }
    }

    /// A plane from two directions that need not be unit or perpendicular: `right` is kept, `down` made perpendicular to it.
    pub fn from_directions(centre: DVec3, right: DVec3, down: DVec3) -> Self {
        let right = right.normalize_or(DVec3::NEG_X);
        let down = (down - right * down.dot(right)).normalize_or(right.any_orthonormal_vector());
        Self {
            centre,
            right,
            down,
        }
    }

    /// Unit vector into the screen.
    pub fn into_screen(&self) -> DVec3 {
        self.right.cross(self.down)
    }

    /// The point at `[right, down]` mm from the centre.
    pub fn point_in_world(&self, mm: [f64; 2]) -> DVec3 {
        self.centre + self.right * mm[0] + self.down * mm[1]
    }

    /// A point's place on the plane, `[right, down]` mm from the centre, and its distance into the screen, mm.
    pub fn project(&self, point_in_world: DVec3) -> ([f64; 2], f64) {
        let d = point_in_world - self.centre;
        (
            [d.dot(self.right), d.dot(self.down)],
            d.dot(self.into_screen()),
        )
    }

    /// The same plane of the head in another scan's space, by a rigid transform to it.
    #[must_use]
    pub fn mapped(&self, world_other_from_world: DAffine3) -> Self {
        Self {
            centre: world_other_from_world.transform_point3(self.centre),
            right: world_other_from_world.transform_vector3(self.right),
            down: world_other_from_world.transform_vector3(self.down),
        }
    }
}

/// Letters for the edge that a direction points to, the strongest first: `R`, `AL`, `SPR`. A component counts from a sixth of the whole (about 10°).
pub fn direction_letters(direction: DVec3) -> String {
    let letters = [('R', 'L'), ('A', 'P'), ('S', 'I')];
    let unit = direction.normalize_or_zero();
    let mut parts: Vec<(f64, char)> = (0..3)
        .filter(|&a| unit[a].abs() > 1.0 / 6.0)
        .map(|a| {
            (
                unit[a].abs(),
                if unit[a] > 0.0 {
                    letters[a].0
                } else {
                    letters[a].1
                },
            )
        })
        .collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    parts.iter().map(|(_, c)| c).collect()
}
