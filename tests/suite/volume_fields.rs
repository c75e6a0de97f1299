//! Distances, components and sampling against brute force and closed forms.
use glam::{DAffine3, DVec3};
use proptest::prelude::*;
use schwann::volume::{
    Grid, LabelMap, LabelTable, Volume, Voxels, WindowLevel, components, distance_to_mask_mm,
    largest_component, resample_labels, resample_linear,
};

fn brute_force(mask: &[bool], grid: &Grid) -> Vec<f64> {
    let inside: Vec<DVec3> = (0..mask.len())
        .filter(|&n| mask[n])
        .map(|n| grid.point_in_world(grid.voxel(n)))
        .collect();
    (0..mask.len())
        .map(|n| {
            let p = grid.point_in_world(grid.voxel(n));
            inside
                .iter()
                .map(|q| p.distance(*q))
                .fold(f64::INFINITY, f64::min)
        })
        .collect()
}

proptest! {
    #[test]
    fn distances_are_those_of_brute_force(
        bits in prop::collection::vec(prop::bool::weighted(0.06), 9 * 7 * 5),
        spacing in prop::array::uniform3(0.2..3.0_f64),
    ) {
        let grid = Grid::axis_aligned([9, 7, 5], spacing, DVec3::ZERO).unwrap();
        let found = distance_to_mask_mm(&bits, grid.shape(), spacing).unwrap();
        for (a, b) in found.iter().zip(brute_force(&bits, &grid)) {
            prop_assert!((f64::from(*a) - b).abs() < 1e-4 || (a.is_infinite() && b.is_infinite()), "{} {}", a, b);
        }
    }

    #[test]
    fn components_partition_the_mask(bits in prop::collection::vec(prop::bool::weighted(0.3), 6 * 6 * 4)) {
        let parts = components(&bits, [6, 6, 4]);
        for (n, inside) in bits.iter().enumerate() {
            prop_assert_eq!(parts.component[n] > 0, *inside);
        }
        for (n, size) in parts.sizes.iter().enumerate() {
            prop_assert_eq!(parts.component.iter().filter(|c| **c as usize == n + 1).count(), *size);
        }
        let largest = largest_component(&bits, [6, 6, 4]).iter().filter(|m| **m).count();
        prop_assert_eq!(largest, parts.sizes.iter().copied().max().unwrap_or(0));
    }
}

#[test]
fn corners_join_and_gaps_part() {
    let mut mask = vec![false; 27];
    mask[0] = true;
    mask[13] = true; // the middle touches the corner diagonally
    assert_eq!(components(&mask, [3, 3, 3]).sizes, [2]);
    mask[13] = false;
    mask[26] = true;
    assert_eq!(components(&mask, [3, 3, 3]).sizes, [1, 1]);
}

#[test]
fn a_linear_field_survives_resampling_exactly() {
    let source = Grid::axis_aligned(
        [20, 16, 12],
        [1.0, 1.5, 2.0],
        DVec3::new(-9.0, -11.0, -11.0),
    )
    .unwrap();
    let field = |p: DVec3| (3.0 + 0.5 * p.x - 0.25 * p.y + 2.0 * p.z) as f32;
    let values = (0..source.len())
        .map(|n| field(source.point_in_world(source.voxel(n))))
        .collect();
    let volume = Volume::new(source, Voxels::F32(values), 1.0, 0.0).unwrap();
    let target =
        Grid::axis_aligned([7, 5, 9], [0.7, 0.9, 1.1], DVec3::new(-3.0, -2.0, -4.0)).unwrap();
    let shift = DVec3::new(1.3, -0.6, 0.4);
    let moved = resample_linear(
        &volume,
        &target,
        DAffine3::from_translation(shift),
        f32::NAN,
    )
    .unwrap();
    for n in 0..target.len() {
        let p = target.point_in_world(target.voxel(n)) + shift;
        let found = moved.value(target.voxel(n)).unwrap();
        assert!((found - f64::from(field(p))).abs() < 1e-4, "{found} at {p}");
    }
}

#[test]
fn labels_keep_their_place_when_the_axes_are_flipped() {
    let grid = Grid::axis_aligned([5, 4, 3], [1.0, 2.0, 3.0], DVec3::ZERO).unwrap();
    let mut labels = vec![0_u8; grid.len()];
    labels[grid.index([1, 2, 0])] = 1;
    let map = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
    let m = grid.world_from_voxel();
    let flipped = Grid::new(
        [5, 4, 3],
        m * DAffine3::from_mat3_translation(
            glam::DMat3::from_diagonal(DVec3::new(-1.0, 1.0, -1.0)),
            DVec3::new(4.0, 0.0, 2.0),
        ),
    )
    .unwrap();
    let other = resample_labels(&map, &flipped, DAffine3::IDENTITY).unwrap();
    let at = (0..flipped.len())
        .find(|&n| other.labels()[n] == 1)
        .map(|n| flipped.voxel(n));
    assert_eq!(at, Some([3, 2, 2]));
}

#[test]
fn completing_a_label_map_adds_what_it_lacks_and_changes_nothing_else() {
    use schwann::volume::Structure::{Brainstem, Cochlea, VestibularSchwannoma};
    let grid = Grid::axis_aligned([6, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let map = |values: [u8; 6], table| LabelMap::new(grid, values.to_vec(), table).unwrap();
    // A tool that calls the tumour 3 and knows nothing else; 4 is something it did not explain.
    let own = map(
        [3, 3, 0, 0, 4, 0],
        LabelTable::new([(3, VestibularSchwannoma)]),
    );
    let model = map([1, 0, 2, 3, 3, 0], LabelTable::default());
    let full = own.completed_from(&model).unwrap();
    let found: Vec<_> = (0..6).map(|i| full.structure_at([i, 0, 0])).collect();
    assert_eq!(
        found,
        [
            Some(VestibularSchwannoma),
            Some(VestibularSchwannoma),
            Some(Cochlea),
            Some(Brainstem),
            None,
            None
        ]
    );
    assert_eq!(full.labels()[4], 4);
    let smaller = Grid::axis_aligned([5, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let other = LabelMap::new(smaller, vec![0; 5], LabelTable::default()).unwrap();
    assert!(own.completed_from(&other).is_err());
}

#[test]
fn the_window_maps_its_edges_to_black_and_white() {
    let w = WindowLevel::from_range(100.0, 300.0);
    assert_eq!(
        [
            w.grey(50.0),
            w.grey(100.0),
            w.grey(200.0),
            w.grey(300.0),
            w.grey(1e9)
        ],
        [0.0, 0.0, 0.5, 1.0, 1.0]
    );
    assert!(WindowLevel::from_range(5.0, 5.0).width > 0.0);
}

#[test]
fn intensities_are_rescaled_once() {
    let grid = Grid::axis_aligned([2, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let v = Volume::new(grid, Voxels::I16(vec![-3, 7]), 2.5, 10.0).unwrap();
    assert_eq!(v.value([0, 0, 0]), Some(2.5));
    assert_eq!(v.value([1, 0, 0]), Some(27.5));
    assert_eq!(v.value([2, 0, 0]), None);
    assert_eq!(v.to_f32(), [2.5, 27.5]);
    assert_eq!(v.quantiles([0.0, 0.5, 1.0]), [2.5, 15.0, 27.5]);
}
