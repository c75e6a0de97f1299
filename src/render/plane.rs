//! The slices of a scan along its own voxel axes, and the letters at the edges of a picture.
use crate::{
    measure::{Plane, PlaneFrame, direction_letters},
    volume::Grid,
};
use glam::DVec3;

/// A plane along two voxel axes of a scan: the one nearest to a plane of the body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativePlane {
    /// The plane of the body it is nearest to.
    pub plane: Plane,
    /// The voxel axis along which the slices are stacked.
    pub voxel_axis: usize,
    /// Number of slices.
    pub slices: usize,
    /// `1` where a higher voxel index lies farther towards patient right, anterior or superior; `-1` otherwise.
    pub index_sign: i8,
    /// Angle between this plane and the plane of the body, degrees.
    pub oblique_degrees: f64,
    /// Width and height of the scan on the screen, mm.
    pub extent_mm: [f64; 2],
}

impl NativePlane {
    /// The plane of `grid` nearest to a plane of the body.
    pub fn new(grid: &Grid, plane: Plane) -> Self {
        let ras = grid.closest_ras();
        let matrix = grid.world_from_voxel().matrix3;
        let frame = PlaneFrame::native(grid, plane, grid.centre_in_world());
        let voxel_axis = ras.voxel_axis(plane.normal_axis());
        let extent = |direction: DVec3| -> f64 {
            (0..3)
                .filter(|&a| a != voxel_axis)
                .map(|a| matrix.col(a).dot(direction).abs() * grid.shape()[a] as f64)
                .sum()
        };
        Self {
            plane,
            voxel_axis,
            slices: grid.shape()[voxel_axis],
            index_sign: if ras.flipped[voxel_axis] { -1 } else { 1 },
            oblique_degrees: frame.into_screen()[plane.normal_axis()]
                .abs()
                .min(1.0)
                .acos()
                .to_degrees(),
            extent_mm: [extent(frame.right), extent(frame.down)],
        }
    }

    /// The slice nearest to a point of patient space, clamped to the scan.
    pub fn slice_at(&self, grid: &Grid, point_in_world: DVec3) -> usize {
        let at = grid.voxel_from_world().transform_point3(point_in_world)[self.voxel_axis];
        at.round().clamp(0.0, (self.slices - 1) as f64) as usize
    }

    /// Where a slice lies: its centre is that of the scan.
    pub fn frame(&self, grid: &Grid, slice: usize) -> PlaneFrame {
        let mut voxel = grid.shape().map(|n| (n as f64 - 1.0) / 2.0);
        voxel[self.voxel_axis] = slice as f64;
        let centre = grid
            .world_from_voxel()
            .transform_point3(DVec3::from_array(voxel));
        PlaneFrame::native(grid, self.plane, centre)
    }

    /// A point moved by whole slices, `steps` towards patient right, anterior or superior, onto the centre of a slice; stays in the scan.
    pub fn step(&self, grid: &Grid, point_in_world: DVec3, steps: i64) -> DVec3 {
        let mut voxel = grid.voxel_from_world().transform_point3(point_in_world);
        let from = self.slice_at(grid, point_in_world) as i64;
        let to = from.saturating_add(steps.saturating_mul(i64::from(self.index_sign)));
        voxel[self.voxel_axis] = to.clamp(0, self.slices as i64 - 1) as f64;
        grid.world_from_voxel().transform_point3(voxel)
    }

    /// Length of a pixel's edge, mm, at which the whole scan just fits into a picture.
    pub fn fit_mm_per_px(&self, size_px: [f64; 2]) -> f64 {
        let [width, height] = self.extent_mm;
        (width / size_px[0].max(1.0)).max(height / size_px[1].max(1.0))
    }

    /// In words, when the plane is tilted by a tenth of a degree or more: `oblique, 7.2° from axial`.
    pub fn oblique_words(&self) -> Option<String> {
        (self.oblique_degrees >= 0.1).then(|| {
            format!(
                "oblique, {:.1}° from {}",
                self.oblique_degrees,
                self.plane.name()
            )
        })
    }
}

/// Letters for the left, right, top and bottom edge of a picture in this frame.
pub fn edge_letters(frame: &PlaneFrame) -> [String; 4] {
    [-frame.right, frame.right, -frame.down, frame.down].map(direction_letters)
}

/// These letters where left and right are not known.
pub fn without_sides(letters: [String; 4]) -> [String; 4] {
    letters.map(|text| text.replace(['L', 'R'], "?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine3, DMat3};

    fn grid(matrix: DMat3) -> Grid {
        Grid::new([10, 20, 30], DAffine3::from_mat3(matrix)).unwrap()
    }

    fn edges(matrix: DMat3, plane: Plane) -> [String; 4] {
        let grid = grid(matrix);
        edge_letters(&NativePlane::new(&grid, plane).frame(&grid, 0))
    }

    #[test]
    fn display_is_radiological_with_the_nose_to_the_left_whatever_the_file_order() {
        let ras = DMat3::IDENTITY;
        let lps = DMat3::from_diagonal(DVec3::new(-0.5, -0.5, 1.0));
        // Stored sagittally: i runs to anterior, j to inferior, k to the left.
        let asl = DMat3::from_cols(DVec3::Y, -DVec3::Z, -DVec3::X);
        for matrix in [ras, lps, asl] {
            assert_eq!(edges(matrix, Plane::Axial), ["R", "L", "A", "P"]);
            assert_eq!(edges(matrix, Plane::Coronal), ["R", "L", "S", "I"]);
            assert_eq!(edges(matrix, Plane::Sagittal), ["A", "P", "S", "I"]);
        }
    }

    #[test]
    fn oblique_planes_have_compound_letters_and_say_their_angle() {
        let tilted = DMat3::from_rotation_x(30_f64.to_radians());
        assert_eq!(edges(tilted, Plane::Axial), ["R", "L", "AS", "PI"]);
        let plane = NativePlane::new(&grid(tilted), Plane::Axial);
        assert_eq!(plane.oblique_words().unwrap(), "oblique, 30.0° from axial");
        assert_eq!(
            NativePlane::new(&grid(DMat3::IDENTITY), Plane::Axial).oblique_words(),
            None
        );
    }

    #[test]
    fn a_step_is_one_slice_towards_the_head_and_stops_at_the_ends() {
        for z in [2.0, -2.0] {
            let grid = grid(DMat3::from_diagonal(DVec3::new(1.0, 1.0, z)));
            let plane = NativePlane::new(&grid, Plane::Axial);
            let start = DVec3::new(3.2, 4.1, 10.3 * z.signum());
            let up = plane.step(&grid, start, 1);
            assert!(
                (up - DVec3::new(3.2, 4.1, 10.0 * z.signum() + 2.0)).length() < 1e-9,
                "{up}"
            );
            let top = plane.step(&grid, start, 1000);
            assert!((top.z - if z > 0.0 { 58.0 } else { 0.0 }).abs() < 1e-9);
        }
    }
}
