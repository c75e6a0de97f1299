//! The geometry of a scan: how many voxels, and where each lies in the patient.
use super::Error;
use glam::{DAffine3, DMat3, DVec3};
use std::fmt;

/// Number of voxels along `i`, `j`, `k`.
pub type Shape = [usize; 3];

/// A voxel grid in patient space.
///
/// `world_from_voxel` maps continuous voxel coordinates (voxel centres at integers) to RAS+ millimetres. It is finite and invertible;
/// it may be oblique, sheared and of either handedness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    shape: Shape,
    world_from_voxel: DAffine3,
    voxel_from_world: DAffine3,
}

impl Grid {
    /// A grid of `shape` voxels placed by `world_from_voxel` (RAS+ mm).
    ///
    /// # Errors
    /// When an axis is empty, the voxel count overflows, or the affine is not finite or singular.
    pub fn new(shape: Shape, world_from_voxel: DAffine3) -> Result<Self, Error> {
        let count = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
        if shape.contains(&0) || count.is_none_or(|n| n > isize::MAX as usize / 16) {
            return Err(Error::Shape(shape));
        }
        if !world_from_voxel.is_finite() {
            return Err(Error::AffineNotFinite);
        }
        let m = world_from_voxel.matrix3;
        let scale = m.x_axis.length() * m.y_axis.length() * m.z_axis.length();
        // Relative to the voxel's own edge lengths: a grid in metres or micrometres is as good as one in millimetres.
        if !(scale > 0.0 && m.determinant().abs() > 1e-9 * scale) {
            return Err(Error::AffineSingular);
        }
        let voxel_from_world = world_from_voxel.inverse();
        if !voxel_from_world.is_finite() {
            return Err(Error::AffineSingular);
        }
        Ok(Self {
            shape,
            world_from_voxel,
            voxel_from_world,
        })
    }

    /// A grid along the patient's axes: voxel `(0, 0, 0)` at `origin_mm`, `i` towards right, `j` anterior, `k` superior.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn axis_aligned(
        shape: Shape,
        spacing_mm: [f64; 3],
        origin_mm: DVec3,
    ) -> Result<Self, Error> {
        let m = DMat3::from_diagonal(DVec3::from_array(spacing_mm));
        Self::new(shape, DAffine3::from_mat3_translation(m, origin_mm))
    }

    /// The part of the grid that begins at voxel `low` and has `shape` voxels.
    ///
    /// # Errors
    /// When it is empty or reaches beyond the grid.
    pub fn cropped(&self, low: [usize; 3], shape: Shape) -> Result<Self, Error> {
        let inside = (0..3).all(|a| {
            let end = low[a].checked_add(shape[a]);
            end.is_some_and(|e| e <= self.shape[a])
        });
        if !inside {
            return Err(Error::Crop);
        }
        let mut world_from_voxel = self.world_from_voxel;
        world_from_voxel.translation = self.point_in_world(low);
        Self::new(shape, world_from_voxel)
    }

    /// Number of voxels along each axis.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Patient RAS+ mm from continuous voxel coordinates.
    pub fn world_from_voxel(&self) -> DAffine3 {
        self.world_from_voxel
    }

    /// Continuous voxel coordinates from patient RAS+ mm.
    pub fn voxel_from_world(&self) -> DAffine3 {
        self.voxel_from_world
    }

    /// Number of voxels.
    #[expect(clippy::len_without_is_empty, reason = "a grid is never empty")]
    pub fn len(&self) -> usize {
        self.shape[0] * self.shape[1] * self.shape[2]
    }

    /// Distance between neighbouring voxel centres along each voxel axis, mm.
    pub fn spacing_mm(&self) -> [f64; 3] {
        let m = self.world_from_voxel.matrix3;
        [m.x_axis.length(), m.y_axis.length(), m.z_axis.length()]
    }

    /// Volume of one voxel, mm³ (shear included).
    pub fn voxel_volume_mm3(&self) -> f64 {
        self.world_from_voxel.matrix3.determinant().abs()
    }

    /// Where a voxel's centre lies, RAS+ mm.
    pub fn point_in_world(&self, voxel: [usize; 3]) -> DVec3 {
        self.world_from_voxel.transform_point3(DVec3::new(
            voxel[0] as f64,
            voxel[1] as f64,
            voxel[2] as f64,
        ))
    }

    /// Position of a voxel in memory. The caller keeps the voxel inside the grid.
    pub fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        i + self.shape[0] * (j + self.shape[1] * k)
    }

    /// The voxel at a position in memory.
    pub fn voxel(&self, index: usize) -> [usize; 3] {
        let [ni, nj, _] = self.shape;
        [index % ni, index / ni % nj, index / (ni * nj)]
    }

    /// The voxel whose centre is nearest to a point, if the point lies inside the grid (half a voxel beyond the outer centres).
    pub fn nearest_voxel(&self, point_in_world: DVec3) -> Option<[usize; 3]> {
        let v = self
            .voxel_from_world
            .transform_point3(point_in_world)
            .to_array();
        let mut voxel = [0; 3];
        for axis in 0..3 {
            let r = (v[axis] + 0.5).floor();
            if !(r >= 0.0 && r < self.shape[axis] as f64) {
                return None;
            }
            voxel[axis] = r as usize;
        }
        Some(voxel)
    }

    /// The middle of the grid, RAS+ mm.
    pub fn centre_in_world(&self) -> DVec3 {
        let half = DVec3::from_array(self.shape.map(|n| (n as f64 - 1.0) / 2.0));
        self.world_from_voxel.transform_point3(half)
    }

    /// The eight outer corners (half a voxel beyond the outer centres), RAS+ mm.
    pub fn corners_in_world(&self) -> [DVec3; 8] {
        std::array::from_fn(|c| {
            let at = |axis: usize| {
                if c >> axis & 1 == 0 {
                    -0.5
                } else {
                    self.shape[axis] as f64 - 0.5
                }
            };
            self.world_from_voxel
                .transform_point3(DVec3::new(at(0), at(1), at(2)))
        })
    }

    /// Where each voxel axis points to.
    pub fn axis_codes(&self) -> AxisCodes {
        let ras = self.closest_ras();
        AxisCodes(std::array::from_fn(|voxel_axis| {
            let world_axis = ras.world_axis[voxel_axis];
            let positive = !ras.flipped[voxel_axis];
            [['L', 'R'], ['P', 'A'], ['I', 'S']][world_axis][usize::from(positive)]
        }))
    }

    /// Largest angle between a voxel axis and the patient axis nearest to it, degrees.
    pub fn oblique_degrees(&self) -> f64 {
        oblique_degrees(self.world_from_voxel.matrix3)
    }

    /// The permutation and flips that bring the voxel axes closest to R, A, S.
    pub fn closest_ras(&self) -> ClosestRas {
        // An invertible affine always has an assignment.
        closest_orientation(self.world_from_voxel.matrix3).unwrap_or(ClosestRas {
            world_axis: [0, 1, 2],
            flipped: [false; 3],
        })
    }

    /// Whether two grids have the same shape and place every voxel within `tolerance_mm` of each other.
    pub fn matches(&self, other: &Self, tolerance_mm: f64) -> bool {
        self.shape == other.shape
            && self
                .corners_in_world()
                .iter()
                .zip(other.corners_in_world())
                .all(|(a, b)| a.distance(b) <= tolerance_mm)
    }
}

/// For each voxel axis, the patient axis (0 = R, 1 = A, 2 = S) it is closest to and whether it runs against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosestRas {
    /// Patient axis of each voxel axis; a permutation.
    pub world_axis: [usize; 3],
    /// Whether the voxel axis runs towards L, P or I.
    pub flipped: [bool; 3],
}

impl ClosestRas {
    /// The voxel axis that lies along a patient axis (0 = R, 1 = A, 2 = S).
    pub fn voxel_axis(&self, world_axis: usize) -> usize {
        (0..3)
            .find(|&a| self.world_axis[a] == world_axis)
            .unwrap_or(world_axis)
    }
}

/// Three letters: where each voxel axis points to, for instance `LPS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisCodes(pub [char; 3]);

impl fmt::Display for AxisCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

/// Assigns a patient axis to each column of an affine's matrix: the rotation nearest to the matrix (its polar factor) is found, then each
/// column in turn takes the free patient axis where it is largest. This is the rule of nibabel's `io_orientation`.
/// `None` when the matrix is singular.
pub fn closest_orientation(matrix: DMat3) -> Option<ClosestRas> {
    let unit = |v: DVec3| v.try_normalize();
    let shape = DMat3::from_cols(
        unit(matrix.x_axis)?,
        unit(matrix.y_axis)?,
        unit(matrix.z_axis)?,
    );
    let mut rotation = polar_factor(shape)?.to_cols_array_2d();
    // Strongest column first, as nibabel: an oblique axis then does not take the patient axis of one that lies along it.
    let strongest = |column: [f64; 3]| column.iter().fold(0.0_f64, |a, x| a.max(x * x));
    let mut order = [0, 1, 2];
    let strength = rotation.map(strongest);
    order.sort_by(|&a, &b| strength[b].total_cmp(&strength[a]));
    let mut found = ClosestRas {
        world_axis: [0; 3],
        flipped: [false; 3],
    };
    for column in order {
        let mut best = 0;
        for row in 1..3 {
            if rotation[column][row].abs() > rotation[column][best].abs() {
                best = row;
            }
        }
        found.world_axis[column] = best;
        found.flipped[column] = rotation[column][best] < 0.0;
        for other in &mut rotation {
            other[best] = 0.0;
        }
    }
    Some(found)
}

/// The orthogonal matrix nearest to `m`, by Newton's iteration (Higham 1986).
fn polar_factor(m: DMat3) -> Option<DMat3> {
    let mut r = m;
    for _ in 0..100 {
        let inverse = r.inverse();
        if !inverse.to_cols_array().iter().all(|x| x.is_finite()) {
            return None;
        }
        let next = (r + inverse.transpose()) * 0.5;
        let change = (next - r)
            .to_cols_array()
            .iter()
            .fold(0.0_f64, |a, x| a.max(x.abs()));
        r = next;
        if change < 1e-15 {
            break;
        }
    }
    Some(r)
}

/// Largest angle between a column and the patient axis nearest to it, degrees; zero columns are skipped.
pub fn oblique_degrees(matrix: DMat3) -> f64 {
    [matrix.x_axis, matrix.y_axis, matrix.z_axis]
        .iter()
        .filter_map(|c| c.try_normalize())
        .map(|c| c.abs().max_element().min(1.0).acos().to_degrees())
        .fold(0.0, f64::max)
}
