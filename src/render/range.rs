//! Windows that span the values of a part of a scan, or of all of it. From the scan itself, never from a texture.
use crate::{
    measure::PlaneFrame,
    volume::{Volume, WindowLevel},
};

/// Most samples along an edge of a box.
const MAX_SAMPLES: f64 = 256.0;
/// Parts of a box's values that are black and white.
const BOX_FRACTIONS: [f64; 2] = [0.02, 0.98];

/// From the least to the greatest finite value; `None` when there is no range.
pub fn whole_range(volume: &Volume) -> Option<WindowLevel> {
    let (slope, intercept) = volume.rescale();
    let voxels = volume.voxels();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for index in 0..volume.grid().len() {
        if let Some(value) = voxels.get(index).map(|v| v * slope + intercept)
            && value.is_finite()
        {
            low = low.min(value);
            high = high.max(value);
        }
    }
    (high > low).then(|| WindowLevel::from_range(low, high))
}

/// From the 2nd to the 98th percentile of the voxels in a box of a plane; `corners_mm` are two opposite corners, mm right and down of the
/// frame's centre. `None` when the box holds no two different values.
pub fn window_in_box(
    volume: &Volume,
    frame: &PlaneFrame,
    corners_mm: [[f64; 2]; 2],
) -> Option<WindowLevel> {
    let grid = volume.grid();
    let step = grid.spacing_mm().into_iter().fold(f64::INFINITY, f64::min) / 2.0;
    let [a, b] = corners_mm;
    let size: [f64; 2] = std::array::from_fn(|axis| (b[axis] - a[axis]).abs());
    if !size.iter().all(|s| s.is_finite()) || !step.is_normal() {
        return None;
    }
    let samples = size.map(|s| (s / step).ceil().clamp(1.0, MAX_SAMPLES) as usize);
    let at = |axis: usize, n: usize| {
        a[axis].min(b[axis]) + (n as f64 + 0.5) * size[axis] / samples[axis] as f64
    };
    let mut values: Vec<f64> = (0..samples[1])
        .flat_map(|y| (0..samples[0]).map(move |x| [x, y]))
        .filter_map(|[x, y]| {
            let point = frame.point_in_world([at(0, x), at(1, y)]);
            volume.value(grid.nearest_voxel(point)?)
        })
        .filter(|value| value.is_finite())
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let [low, high] =
        BOX_FRACTIONS.map(|f| values.get((f * last as f64).round() as usize).copied());
    let (low, high) = (low?, high?);
    (high > low).then(|| WindowLevel::from_range(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::Plane,
        volume::{Grid, Voxels},
    };
    use glam::DVec3;

    /// Values that are ten times the index along `i`, 0.5 mm voxels; slope 2, intercept −5.
    fn ramp() -> Volume {
        let grid = Grid::axis_aligned([40, 30, 4], [0.5, 0.5, 1.0], DVec3::ZERO).unwrap();
        let voxels = (0..grid.len()).map(|n| 10 * (n % 40) as i16).collect();
        Volume::new(grid, Voxels::I16(voxels), 2.0, -5.0).unwrap()
    }

    #[test]
    fn the_whole_range_is_that_of_the_intensities() {
        let window = whole_range(&ramp()).unwrap();
        assert_eq!((window.centre, window.width), (385.0, 780.0));
        let grid = Grid::axis_aligned([2, 2, 2], [1.0; 3], DVec3::ZERO).unwrap();
        let mut values = vec![f32::NAN; 8];
        assert_eq!(
            whole_range(&Volume::new(grid, Voxels::F32(values.clone()), 1.0, 0.0).unwrap()),
            None
        );
        values[3] = -1.0;
        values[5] = 4.0;
        values[6] = f32::INFINITY;
        let window = whole_range(&Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap());
        assert_eq!(window, Some(WindowLevel::from_range(-1.0, 4.0)));
    }

    #[test]
    fn a_box_gives_the_range_of_the_voxels_inside() {
        let volume = ramp();
        let grid = volume.grid();
        // Axial: the picture's right is the patient's left, so x runs against `i`.
        let frame = PlaneFrame::native(grid, Plane::Axial, grid.point_in_world([20, 15, 2]));
        let inside = |corners| window_in_box(&volume, &frame, corners);
        // Voxels 11 to 30, the outermost by half: 2 % and 98 % of those are the second from either end.
        let window = inside([[-5.0, -2.0], [5.0, 2.0]]).unwrap();
        assert!(
            (window.centre - (2.0 * 200.0 - 5.0)).abs() <= 20.0,
            "{window:?}"
        );
        assert!((window.width - 2.0 * 190.0).abs() <= 40.0, "{window:?}");
        // Whichever corner comes first.
        assert_eq!(inside([[5.0, 2.0], [-5.0, -2.0]]), Some(window));
        // Right half: the patient's left, where the values are smaller.
        let left = inside([[1.0, -2.0], [5.0, 2.0]]).unwrap();
        assert!(left.centre < window.centre);
        // Nothing in it, or one value only.
        assert_eq!(inside([[500.0, 0.0], [510.0, 5.0]]), None);
        assert_eq!(inside([[0.0, 0.0], [0.0, 3.0]]), None);
        assert_eq!(inside([[f64::NAN, 0.0], [1.0, 3.0]]), None);
    }
}
