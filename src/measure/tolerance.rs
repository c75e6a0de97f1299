//! How much a volume depends on where exactly the border is drawn.
use super::PlaneFrame;
use super::contour::{Contour, rectangle, sample, trace};
use crate::volume::{Grid, LabelMap, Structure, distance_to_mask_mm};

/// How far the border is moved, voxels.
const SHIFT: f32 = 0.5;
/// Voxels around the structure that the moved border may reach.
const MARGIN: usize = 2;

/// A structure's border moved inward and outward by half a voxel, and the volumes within: no drawing on this grid is surer than that.
///
/// Distances are Euclidean in voxels, so that half a voxel means half the spacing along each axis, whatever the grid. The border lies halfway
/// between a voxel inside and its neighbour outside.
#[derive(Debug, Clone)]
pub struct EdgeTolerance {
    /// The box that holds the structure.
    grid: Grid,
    /// Distance to the border at each voxel of the box, voxels, negative inside.
    distance: Vec<f32>,
    /// Volume within the border moved inward and outward, mm³.
    pub volume_range_mm3: [f64; 2],
}

impl EdgeTolerance {
    /// Of a structure in a label map; `None` where it has no voxel.
    pub fn of(labels: &LabelMap, structure: Structure) -> Option<Self> {
        let (bounds, value) = (labels.bounds(structure)?, labels.table().value(structure)?);
        let whole = labels.grid();
        // The box may reach beyond the scan: a border may be moved outward there too.
        let low: [i64; 3] = bounds.map(|b| b[0] as i64 - MARGIN as i64);
        let shape = bounds.map(|b| b[1] - b[0] + 1 + 2 * MARGIN);
        let shift =
            glam::DAffine3::from_translation(glam::DVec3::from_array(low.map(|x| x as f64)));
        let grid = Grid::new(shape, whole.world_from_voxel() * shift).ok()?;
        let inside: Vec<bool> = (0..grid.len())
            .map(|n| {
                let at = grid.voxel(n);
                let voxel: [i64; 3] = std::array::from_fn(|a| at[a] as i64 + low[a]);
                let there = (0..3).all(|a| (0..whole.shape()[a] as i64).contains(&voxel[a]));
                there && labels.labels()[whole.index(voxel.map(|x| x as usize))] == value
            })
            .collect();
        let outside: Vec<bool> = inside.iter().map(|i| !i).collect();
        let to_inside = distance_to_mask_mm(&inside, shape, [1.0; 3]).ok()?;
        let to_outside = distance_to_mask_mm(&outside, shape, [1.0; 3]).ok()?;
        let distance: Vec<f32> = inside
            .iter()
            .zip(to_inside.iter().zip(&to_outside))
            .map(|(inside, (i, o))| if *inside { 0.5 - o } else { i - 0.5 })
            .collect();
        // A voxel counts by the part of it that lies within the moved border.
        let volume = |shift: f32| -> f64 {
            let parts = distance.iter().map(|d| (0.5 - (d - shift)).clamp(0.0, 1.0));
            parts.map(f64::from).sum::<f64>() * grid.voxel_volume_mm3()
        };
        let volume_range_mm3 = [volume(-SHIFT), volume(SHIFT)];
        Some(Self {
            grid,
            distance,
            volume_range_mm3,
        })
    }

    /// Outlines of the border moved inward and of the border moved outward where `frame` cuts them, as [`contours`](super::contours) gives them.
    pub fn contours(&self, frame: &PlaneFrame) -> [Vec<Contour>; 2] {
        let all = self.grid.shape().map(|n| [0, n - 1]);
        let Some(rectangle) = rectangle(&self.grid, all, frame, [f64::MAX; 2]) else {
            return [Vec::new(), Vec::new()];
        };
        [-SHIFT, SHIFT].map(|shift| {
            // Within the moved border where the value is above one half.
            let part = |at| 0.5 - (self.distance[self.grid.index(at)] - shift);
            let values = |low, step, count| sample(&self.grid, part, -1.0, frame, low, step, count);
            trace(&self.grid, rectangle, values)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::Plane, volume::LabelTable};
    use glam::{DAffine3, DMat3, DVec3};

    fn ball(spacing: [f64; 3], radius_mm: f64) -> LabelMap {
        let shape = spacing.map(|s| (2.0 * radius_mm / s) as usize + 7);
        let matrix = DMat3::from_rotation_z(0.3) * DMat3::from_diagonal(DVec3::from_array(spacing));
        let grid = Grid::new(shape, DAffine3::from_mat3(matrix)).unwrap();
        let centre = grid.centre_in_world();
        let labels = (0..grid.len())
            .map(|n| u8::from(grid.point_in_world(grid.voxel(n)).distance(centre) < radius_mm))
            .collect();
        LabelMap::new(grid, labels, LabelTable::default()).unwrap()
    }

    #[test]
    fn half_a_voxel_about_a_ball_is_the_volume_of_a_smaller_and_a_larger_ball() {
        for radius in [4.0, 8.0] {
            let labels = ball([0.5; 3], radius);
            let range = EdgeTolerance::of(&labels, Structure::VestibularSchwannoma)
                .unwrap()
                .volume_range_mm3;
            let truth = |r: f64| 4.0 / 3.0 * std::f64::consts::PI * r.powi(3);
            for (found, moved) in range.into_iter().zip([radius - 0.25, radius + 0.25]) {
                let change = truth(moved) - truth(radius);
                let error = (found - truth(moved)) / change;
                assert!(
                    error.abs() < 0.25,
                    "{radius} mm: {found} for {}",
                    truth(moved)
                );
            }
        }
    }

    #[test]
    fn the_moved_borders_of_a_box_lie_on_the_middles_of_its_voxels() {
        let grid = Grid::axis_aligned([12; 3], [0.5, 0.5, 2.0], DVec3::ZERO).unwrap();
        let inside = |v: [usize; 3]| (4..8).contains(&v[0]) && (3..9).contains(&v[1]) && v[2] == 5;
        let labels = (0..grid.len())
            .map(|n| u8::from(inside(grid.voxel(n))))
            .collect();
        let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
        let band = EdgeTolerance::of(&labels, Structure::VestibularSchwannoma).unwrap();
        let frame = PlaneFrame::anatomical(Plane::Axial, DVec3::new(0.0, 0.0, 10.0));
        let [_, outer] = band.contours(&frame);
        let most_left = outer.iter().flat_map(|c| &c.points_mm).map(|p| -p[0]);
        // Voxels 4 to 7 end at 3.5 and 7.5; half a voxel out is 8, at 4 mm.
        let highest = most_left.fold(f64::NEG_INFINITY, f64::max);
        assert!((highest - 4.0).abs() < 0.02, "{highest}");
        // One slice thin: moved inward nothing is left but its middle.
        assert!(band.volume_range_mm3[0] < band.volume_range_mm3[1] / 2.0);
    }

    #[test]
    fn a_structure_at_the_border_of_the_scan_has_a_band_and_one_without_voxels_has_none() {
        let grid = Grid::axis_aligned([3; 3], [1.0; 3], DVec3::ZERO).unwrap();
        let full = LabelMap::new(grid, vec![1; 27], LabelTable::default()).unwrap();
        let band = EdgeTolerance::of(&full, Structure::VestibularSchwannoma).unwrap();
        let [low, high] = band.volume_range_mm3;
        assert!(low > 0.0 && low < 27.0 && high > 27.0, "{low} {high}");
        assert!(EdgeTolerance::of(&full, Structure::Cochlea).is_none());
    }
}
