use super::{grid, grids, noise, volume};
use crate::volume::edit::{FloodLimits, adaptive, ball, disc, flood, polygon, suggested_tolerance};
use crate::volume::{Grid, area_vector};
use glam::DVec3;
use proptest::prelude::*;
use std::f64::consts::PI;

const NOTHING: [usize; 0] = [];

fn distance_to_segment(p: DVec3, a: DVec3, b: DVec3) -> f64 {
    let way = b - a;
    let t = ((p - a).dot(way) / way.length_squared()).clamp(0.0, 1.0);
    if t.is_nan() {
        p.distance(a)
    } else {
        p.distance(a + way * t)
    }
}

/// Every voxel whose centre is near enough, the slow way.
fn near(grid: &Grid, a: DVec3, b: DVec3, radius_mm: f64) -> Vec<usize> {
    (0..grid.len())
        .filter(|&n| {
            let centre = grid.point_in_world(grid.voxel(n));
            distance_to_segment(centre, a, b) <= radius_mm
        })
        .collect()
}

fn is_sorted_and_unique(voxels: &[usize]) -> bool {
    voxels.windows(2).all(|w| w[0] < w[1])
}

fn points() -> impl Strategy<Value = DVec3> {
    prop::array::uniform3(-30.0..30.0_f64).prop_map(DVec3::from_array)
}

#[test]
fn a_thin_line_across_a_corner_of_the_grid_marks_it() {
    let grid = grids()[2];
    let a = DVec3::new(0.0, 23.177_864_626_903_656, -18.794_072_225_538_752);
    let b = DVec3::new(0.0, 17.645_092_806_710_128, -20.889_877_364_933_962);
    assert!(!ball(&grid, a, b, 0.0).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_ball_is_all_voxels_near_the_segment(which in 0..4_usize, a in points(), way in points(), still in any::<bool>(), radius in 1.0..9.0_f64) {
        let grid = grids()[which];
        let b = if still { a } else { a + way * 0.4 };
        // From 0.7 mm on, every voxel that the segment passes through has its centre within the radius.
        prop_assert_eq!(ball(&grid, a, b, radius), near(&grid, a, b, radius));
    }

    #[test]
    fn a_disc_is_a_ball_about_points_of_its_slice(which in 0..4_usize, axis in 0..3_usize, slice in 0..34_usize, a in points(), b in points(), radius in 1.0..9.0_f64) {
        let grid = grids()[which];
        let columns = grid.world_from_voxel().matrix3;
        let normal = columns.col(axis).normalize_or_zero();
        let mut voxel = [0; 3];
        voxel[axis] = slice;
        let foot = |p: DVec3| p - normal * normal.dot(p - grid.point_in_world(voxel));
        let expected: Vec<usize> = near(&grid, foot(a), foot(b), radius)
            .into_iter()
            .filter(|&n| grid.voxel(n)[axis] == slice)
            .collect();
        prop_assert_eq!(disc(&grid, axis, slice, a, b, radius), expected);
    }

    #[test]
    fn a_thin_brush_leaves_a_line_without_gaps(which in 0..4_usize, a in points(), b in points()) {
        let grid = grids()[which];
        let voxels = ball(&grid, a, b, 0.0);
        prop_assert!(is_sorted_and_unique(&voxels));
        let inside: Vec<usize> = (0..=4000)
            .filter_map(|n| grid.nearest_voxel(a.lerp(b, f64::from(n) / 4000.0)))
            .map(|v| grid.index(v))
            .collect();
        prop_assert!(inside.is_empty() || !voxels.is_empty());
        let mut mask = vec![false; grid.len()];
        for &v in &voxels {
            mask[v] = true;
        }
        let parts = crate::volume::components(&mask, grid.shape());
        prop_assert!(parts.sizes.len() <= 1, "{:?}", parts.sizes);
        // Nothing but voxels that the segment passes through, up to rounding at their faces.
        for v in voxels {
            let centre = grid.point_in_world(grid.voxel(v));
            prop_assert!(distance_to_segment(centre, a, b) < 0.7);
        }
    }

    #[test]
    fn a_polygon_holds_the_centres_that_a_ray_says_it_holds(which in 0..4_usize, axis in 0..3_usize, slice in 0..34_usize, corners in prop::collection::vec(prop::array::uniform2(-25.0..25.0_f64), 0..9)) {
        let grid = grids()[which];
        let (u, v) = [(1, 2), (0, 2), (0, 1)][axis];
        let matrix = grid.world_from_voxel().matrix3;
        let (across, up) = (matrix.col(u).normalize_or_zero(), matrix.col(v).normalize_or_zero());
        let points: Vec<DVec3> = corners.iter().map(|c| across * c[0] + up * c[1] + matrix.col(axis) * 3.3).collect();
        let holds = |voxel: [usize; 3]| {
            let p = grid.point_in_world(voxel);
            let (x, y) = (p.dot(across), p.dot(up));
            let crossed = (0..corners.len()).filter(|&n| {
                let (a, b) = (corners[n], corners[(n + 1) % corners.len()]);
                (a[1] > y) != (b[1] > y) && x < a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1])
            });
            voxel[axis] == slice && crossed.count() % 2 == 1
        };
        let expected: Vec<usize> = (0..grid.len()).filter(|&n| holds(grid.voxel(n))).collect();
        prop_assert_eq!(polygon(&grid, axis, slice, &points), expected);
    }
}

#[test]
fn a_capsule_and_a_disc_have_the_size_of_their_bodies() {
    for grid in grids() {
        let (a, b) = (DVec3::new(-6.0, -4.0, -3.0), DVec3::new(5.0, 3.0, 4.0));
        let radius = 8.0;
        let body_mm3 = PI * radius * radius * (a.distance(b) + 4.0 / 3.0 * radius);
        let voxels = ball(&grid, a, b, radius);
        assert!(is_sorted_and_unique(&voxels));
        let found_mm3 = voxels.len() as f64 * grid.voxel_volume_mm3();
        assert!((found_mm3 / body_mm3 - 1.0).abs() < 0.005, "{found_mm3}");
        for axis in 0..3 {
            let slice = grid.shape()[axis] / 2;
            let pixel_mm2 = grid.voxel_volume_mm3() / grid.spacing_mm()[axis];
            // Off the slice by a few millimetres: the disc is as wide as it would be on it.
            let at = DVec3::new(1.0, -2.0, 1.5);
            let found_mm2 = disc(&grid, axis, slice, at, at, radius).len() as f64 * pixel_mm2;
            let ratio = found_mm2 / (PI * radius * radius);
            assert!((ratio - 1.0).abs() < 0.02, "axis {axis}: {ratio}");
        }
    }
}

#[test]
fn a_brush_at_impossible_places_marks_nothing() {
    let grid = grids()[1];
    let (here, far) = (DVec3::ZERO, DVec3::splat(1e300));
    assert_eq!(ball(&grid, DVec3::splat(f64::NAN), here, 3.0), NOTHING);
    assert_eq!(ball(&grid, here, DVec3::splat(f64::INFINITY), 3.0), NOTHING);
    assert_eq!(ball(&grid, here, here, -1.0), NOTHING);
    assert_eq!(ball(&grid, far, far, 3.0), NOTHING);
    assert_eq!(disc(&grid, 3, 0, here, here, 3.0), NOTHING);
    assert_eq!(disc(&grid, 2, 34, here, here, 3.0), NOTHING);
    assert_eq!(ball(&grid, here, here, 1e200).len(), grid.len());
    // A stroke that leaves the scan far behind still marks what it passed.
    let out = ball(&grid, here, DVec3::new(1e7, 0.0, 0.0), 2.0);
    assert!(out.len() > 100 && is_sorted_and_unique(&out));
}

#[test]
fn a_polygon_has_its_area_and_neighbours_share_no_voxel() {
    for grid in grids() {
        let matrix = grid.world_from_voxel().matrix3;
        for axis in 0..3 {
            let (u, v) = [(1, 2), (0, 2), (0, 1)][axis];
            let (across, up) = (
                matrix.col(u).normalize_or_zero(),
                matrix.col(v).normalize_or_zero(),
            );
            let at = |x: f64, y: f64| across * x + up * y;
            let slice = grid.shape()[axis] / 2;
            let star: Vec<DVec3> = (0..10)
                .map(|n| {
                    let (angle, r) = (f64::from(n) * PI / 5.0, [14.0, 8.0][n as usize % 2]);
                    at(r * angle.cos(), r * angle.sin())
                })
                .collect();
            let pixel_mm2 = grid.voxel_volume_mm3() / grid.spacing_mm()[axis];
            let found = polygon(&grid, axis, slice, &star);
            let ratio = found.len() as f64 * pixel_mm2 / area_vector(&star).length();
            assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
            // Cut in two along a slanted line.
            let (left, right): (Vec<DVec3>, Vec<DVec3>) = (
                vec![at(-9.1, -9.1), at(0.0, -9.1), at(0.3, 9.1), at(-9.1, 9.1)],
                vec![at(0.3, 9.1), at(0.0, -9.1), at(9.1, -9.1), at(9.1, 9.1)],
            );
            let whole = polygon(
                &grid,
                axis,
                slice,
                &[at(-9.1, -9.1), at(9.1, -9.1), at(9.1, 9.1), at(-9.1, 9.1)],
            );
            let mut halves = polygon(&grid, axis, slice, &left);
            halves.extend(polygon(&grid, axis, slice, &right));
            halves.sort_unstable();
            assert_eq!(halves, whole);
        }
    }
}

#[test]
fn a_polygon_without_inside_holds_nothing() {
    let grid = grids()[1];
    let a = DVec3::new(1.0, 2.0, 3.0);
    let b = DVec3::new(9.0, -4.0, 3.0);
    let cases = [
        vec![],
        vec![a],
        vec![a, b],
        vec![a, a, a],
        vec![a, b, a, b],
        vec![a, b, DVec3::splat(f64::NAN)],
        vec![a, b, DVec3::splat(1e300)],
    ];
    for points in cases {
        assert_eq!(polygon(&grid, 2, 17, &points), NOTHING, "{points:?}");
    }
    let square = [(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)];
    let square = square.map(|(x, y)| DVec3::new(x, y, 0.0));
    assert_eq!(polygon(&grid, 3, 0, &square), NOTHING);
    assert_eq!(polygon(&grid, 2, 34, &square), NOTHING);
}

#[test]
fn an_adaptive_brush_stays_in_the_tissue_it_began_in() {
    let grid = grid([60, 60, 20], [0.5, 0.5, 1.0], [0.0; 3], [false; 3]);
    // Two tissues that meet at i = 30, and an island of the first in the second.
    let first = |[i, j, _]: [usize; 3]| i < 30 || (i > 35 && i < 40 && j > 28 && j < 32);
    let scan = volume(grid, |v| {
        let tissue = if first(v) { 100.0 } else { 160.0 };
        tissue + 20.0 * (noise(grid.index(v)) as f32 - 0.5)
    });
    let seed = [27, 30, 10];
    let here = grid.point_in_world(seed);
    let selection = ball(&grid, here, here, 5.0);
    let tolerance = suggested_tolerance(&scan, seed, 2);
    // A uniform noise of width 20 has a deviation of 5.8.
    assert!((12.0..25.0).contains(&tolerance), "{tolerance}");
    let found = adaptive(&scan, &selection, seed, 2, tolerance);
    let expected: Vec<usize> = selection
        .iter()
        .copied()
        .filter(|&n| grid.voxel(n)[0] < 30)
        .collect();
    let wrong = found.iter().filter(|n| !expected.contains(n)).count();
    assert_eq!(wrong, 0, "the brush leaked");
    assert!(found.len() as f64 > 0.97 * expected.len() as f64);
    assert!(is_sorted_and_unique(&found));
    // Outside its selection, outside the scan, and with indices from nowhere, there is nothing to find.
    assert_eq!(
        adaptive(&scan, &selection, [0, 0, 0], 2, tolerance),
        NOTHING
    );
    assert_eq!(
        adaptive(&scan, &selection, [99, 0, 0], 2, tolerance),
        NOTHING
    );
    assert_eq!(adaptive(&scan, &[usize::MAX], seed, 2, tolerance), NOTHING);
    assert!(suggested_tolerance(&scan, [99, 0, 0], 2) <= 0.0);
    assert!(suggested_tolerance(&scan, seed, 3) <= 0.0);
}

#[test]
fn a_noisy_seed_does_not_stop_an_adaptive_brush() {
    let grid = grid([9, 9, 3], [1.0; 3], [0.0; 3], [false; 3]);
    let scan = volume(grid, |v| match v {
        [4, 4, 1] => 190.0,
        [2, 2, 1] => f32::NAN,
        _ => 100.0,
    });
    let selection = disc(&grid, 2, 1, DVec3::ZERO, DVec3::ZERO, 3.0);
    let found = adaptive(&scan, &selection, [4, 4, 1], 2, 20.0);
    assert_eq!(found.len(), selection.len() - 1);
}

#[test]
fn a_flood_fills_its_tissue_and_says_where_it_was_stopped() {
    let grid = grids()[3];
    let inside = |v: [usize; 3], radius: f64| grid.point_in_world(v).length() <= radius;
    let scan = volume(grid, |v| if inside(v, 10.0) { 100.0 } else { 20.0 });
    let seed = grid.nearest_voxel(DVec3::ZERO).unwrap();
    let limits = |distance_mm, voxels| FloodLimits {
        distance_mm,
        voxels,
    };
    let body: Vec<usize> = (0..grid.len())
        .filter(|&n| inside(grid.voxel(n), 10.0))
        .collect();
    for enough in [12.0, f64::INFINITY] {
        let whole = flood(&scan, seed, &(50.0..=150.0), limits(enough, usize::MAX));
        assert_eq!((&whole.voxels, whole.limited), (&body, false));
    }
    let near = flood(&scan, seed, &(50.0..=150.0), limits(6.0, usize::MAX));
    let centre = grid.point_in_world(seed);
    let expected: Vec<usize> = (0..grid.len())
        .filter(|&n| grid.point_in_world(grid.voxel(n)).distance(centre) <= 6.0)
        .collect();
    assert_eq!((near.voxels, near.limited), (expected, true));
    let few = flood(&scan, seed, &(50.0..=150.0), limits(f64::INFINITY, 70));
    assert_eq!((few.voxels.len(), few.limited), (70, true));
    let exact = flood(&scan, seed, &(50.0..=150.0), limits(12.0, body.len()));
    assert_eq!((exact.voxels, exact.limited), (body, false));
    for (seed, range) in [
        (seed, 150.0..=200.0),
        (seed, 1.0..=0.0),
        ([0, 99, 0], 0.0..=200.0),
    ] {
        assert!(
            flood(&scan, seed, &range, limits(9.0, 99))
                .voxels
                .is_empty()
        );
    }
    let alone = flood(&scan, seed, &(50.0..=150.0), limits(f64::NAN, 99));
    assert_eq!(alone.voxels.len(), 1);
}
