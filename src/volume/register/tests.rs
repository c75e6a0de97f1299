use super::*;
use crate::volume::{Grid, LabelTable, Structure, Voxels, unobserved};

/// A head of smooth blobs, sampled through any pose. Another `kind` is another head.
fn head(p: DVec3, kind: f64) -> f64 {
    let blobs = [
        (DVec3::new(0.0, 0.0, 0.0), 40.0, 0.6),
        (DVec3::new(25.0, 10.0 * kind, 5.0), 5.0, 1.5),
        (DVec3::new(-24.0 * kind, 22.0, -8.0), 4.0, 1.2),
        (DVec3::new(8.0, -28.0, 12.0 * kind), 5.0, 1.8),
        (DVec3::new(-25.0, -10.0 * kind, 10.0), 4.0, 2.0),
        (DVec3::new(20.0, -18.0, -9.0 * kind), 4.0, 1.6),
        (DVec3::new(-8.0 * kind, 8.0, 9.0), 4.0, 1.9),
    ];
    (blobs.iter())
        .map(|(c, s, w)| w * (-p.distance_squared(*c) / (2.0 * s * s)).exp())
        .sum()
}

fn scan(grid: &Grid, head_from_world: DAffine3, kind: f64) -> Volume {
    let values = (0..grid.len())
        .map(|index| {
            let p = grid.point_in_world(grid.voxel(index));
            head(head_from_world.transform_point3(p), kind) as f32
        })
        .collect();
    Volume::new(*grid, Voxels::F32(values), 1.0, 0.0).unwrap()
}

fn fixed_grid() -> Grid {
    let origin = DVec3::new(-56.0, -56.0, -34.0);
    Grid::axis_aligned([57, 57, 24], [2.0, 2.0, 3.0], origin).unwrap()
}

fn moving_grid() -> Grid {
    let origin = DVec3::new(-52.0, -58.0, -38.0);
    Grid::axis_aligned([52, 66, 40], [2.1, 1.8, 2.0], origin).unwrap()
}

fn pose(turn: [f64; 3], shift: [f64; 3]) -> DAffine3 {
    DAffine3::from_rotation_translation(
        DQuat::from_scaled_axis(DVec3::from_array(turn)),
        DVec3::from_array(shift),
    )
}

/// Largest distance of two transforms within the head, mm.
fn apart(a: DAffine3, b: DAffine3) -> f64 {
    let places = [
        DVec3::new(30.0, 0.0, 0.0),
        DVec3::new(-30.0, 5.0, 8.0),
        DVec3::new(0.0, 30.0, -8.0),
    ];
    let moved = |p: &DVec3| a.transform_point3(*p).distance(b.transform_point3(*p));
    places.iter().map(moved).fold(0.0, f64::max)
}

fn align(fixed: &Volume, moving: &Volume) -> VisitAlignment {
    register_rigid(fixed.into(), moving.into(), &mut unobserved).unwrap()
}

#[test]
fn known_poses_are_found() {
    for truth in [
        pose([0.0; 3], [0.0; 3]),
        pose([0.14, -0.1, 0.17], [7.0, -5.0, 4.0]),
        pose([-0.2, 0.15, -0.2], [-18.0, 15.0, -12.0]),
    ] {
        let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
        let moving = scan(&moving_grid(), truth.inverse(), 1.0);
        let found = align(&fixed, &moving);
        let error = apart(found.registration.world_moving_from_world_fixed, truth);
        assert!(error < 0.3, "{error} mm");
        assert_eq!(found.verdict, Verdict::Aligned);
        assert!(found.registration.similarity_after > 0.97 && found.registration.is_aligned());
    }
}

#[test]
fn oblique_left_handed_and_anisotropic_grids_are_one_head() {
    let truth = pose([0.1, 0.05, -0.12], [5.0, -8.0, 6.0]);
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let centre = truth.transform_point3(DVec3::ZERO);
    for (turn, spacing, shape) in [
        ([0.3, 0.2, -0.1], [-2.0, 2.0, 2.0], [54, 54, 38]),
        ([0.0, 0.0, 0.0], [2.0, -1.5, 4.0], [54, 70, 19]),
        ([0.0, 1.5, 0.2], [2.0, 2.0, 2.0], [40, 56, 56]),
    ] {
        let axes = DMat3::from_quat(DQuat::from_scaled_axis(DVec3::from_array(turn)))
            * DMat3::from_diagonal(DVec3::from_array(spacing));
        let half = DVec3::from_array(shape.map(|n: usize| (n as f64 - 1.0) / 2.0));
        let affine = DAffine3::from_mat3_translation(axes, centre - axes * half);
        let moving = scan(&Grid::new(shape, affine).unwrap(), truth.inverse(), 1.0);
        let found = align(&fixed, &moving);
        let error = apart(found.registration.world_moving_from_world_fixed, truth);
        assert!(error < 0.4, "{error} mm with {spacing:?}");
    }
}

#[test]
fn the_same_scan_twice_lies_on_itself_and_is_told() {
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let found = align(&fixed, &fixed);
    assert!(found.same_scan);
    let moved = found.registration.world_moving_from_world_fixed;
    assert!(apart(moved, DAffine3::IDENTITY) < 0.05);
    let other = scan(&moving_grid(), DAffine3::IDENTITY, 1.0);
    assert!(!align(&fixed, &other).same_scan);
}

#[test]
fn the_other_way_round_gives_the_inverse() {
    let truth = pose([0.14, -0.1, 0.17], [7.0, -5.0, 4.0]);
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let moving = scan(&moving_grid(), truth.inverse(), 1.0);
    let there = align(&fixed, &moving);
    let back = align(&moving, &fixed);
    let [there, back] = [there, back].map(|a| a.registration.world_moving_from_world_fixed);
    assert!(apart(back * there, DAffine3::IDENTITY) < 0.4);
}

#[test]
fn two_contrasts_of_one_head_are_aligned() {
    let truth = pose([0.1, -0.08, 0.1], [6.0, -5.0, 4.0]);
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let moving = scan(&moving_grid(), truth.inverse(), 1.0);
    let other: Vec<f32> = (moving.to_f32().iter())
        .map(|v| 900.0 * (-3.0 * (v - 0.7).powi(2)).exp())
        .collect();
    let moving = Volume::new(*moving.grid(), Voxels::F32(other), 1.0, 0.0).unwrap();
    let found = align(&fixed, &moving);
    let error = apart(found.registration.world_moving_from_world_fixed, truth);
    assert!(error < 0.5, "{error} mm");
}

#[test]
fn another_head_is_refused_in_words() {
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let moving = scan(&moving_grid(), DAffine3::IDENTITY, -0.6);
    let found = align(&fixed, &moving);
    let Err(why) = found.linked() else {
        panic!("linked: {found:?}");
    };
    assert!(matches!(why, RegisterError::Refused(_)));
    assert!(!why.to_string().is_empty() && found.verdict.to_string().starts_with("not aligned: "));
}

#[test]
fn cochleae_are_landmarks_with_a_residual_at_each_side() {
    let truth = pose([0.14, -0.1, 0.17], [7.0, -5.0, 4.0]);
    let places = [DVec3::new(-25.0, -10.0, 10.0), DVec3::new(25.0, 10.0, 5.0)];
    let labelled = |grid: Grid, head_from_world: DAffine3| {
        let labels = (0..grid.len())
            .map(|n| {
                let p = head_from_world.transform_point3(grid.point_in_world(grid.voxel(n)));
                u8::from(places.iter().any(|c| c.distance(p) < 4.0)) * 2
            })
            .collect();
        let table = LabelTable::new([(2, Structure::Cochlea)]);
        LabelMap::new(grid, labels, table).unwrap()
    };
    let fixed = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let moving = scan(&moving_grid(), truth.inverse(), 1.0);
    let labels = [
        labelled(fixed_grid(), DAffine3::IDENTITY),
        labelled(moving_grid(), truth.inverse()),
    ];
    let with = |scan, labels| ToAlign {
        scan,
        labels: Some(labels),
    };
    let found = register_rigid(
        with(&fixed, &labels[0]),
        with(&moving, &labels[1]),
        &mut unobserved,
    )
    .unwrap();
    let error = apart(found.registration.world_moving_from_world_fixed, truth);
    assert!(error < 0.3, "{error} mm");
    assert_eq!(found.residuals.len(), 2);
    for (residual, place) in found.residuals.iter().zip(places) {
        assert_eq!(residual.landmark, Landmark::Cochlea);
        assert!(residual.point_mm.distance(place) < 1.0);
        assert!(residual.block_mm < 0.5 && residual.centroid_mm.is_some_and(|mm| mm < 1.0));
    }
    assert_eq!(
        register_rigid(
            with(&fixed, &labels[1]),
            with(&moving, &labels[1]),
            &mut unobserved
        ),
        Err(RegisterError::OtherGrid)
    );
}

#[test]
fn constant_scans_scans_apart_and_a_stop_are_told_apart() {
    let grid = Grid::axis_aligned([16, 16, 16], [2.0; 3], DVec3::ZERO).unwrap();
    let flat = Volume::new(grid, Voxels::U8(vec![7; grid.len()]), 1.0, 0.0).unwrap();
    assert_eq!(
        register_rigid((&flat).into(), (&flat).into(), &mut unobserved),
        Err(RegisterError::NoContrast)
    );
    let scan = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
    let mut stop = |_| std::ops::ControlFlow::Break(());
    assert_eq!(
        register_rigid((&scan).into(), (&scan).into(), &mut stop),
        Err(RegisterError::Cancelled)
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Tiny and odd grids, constant lines, NaN and infinity: an error or a number, never a panic.
    #[test]
    fn no_scan_makes_it_panic(
        shape in [1_usize..9, 1_usize..9, 1_usize..9],
        spacing in [0.01_f64..30.0, 0.01_f64..30.0, 0.01_f64..30.0],
        values in proptest::collection::vec(proptest::num::f32::ANY, 512),
    ) {
        let grid = Grid::axis_aligned(shape, spacing, DVec3::new(1e4, -1e3, 7.0)).unwrap();
        let values = values[..grid.len()].to_vec();
        let odd = Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap();
        let whole = scan(&fixed_grid(), DAffine3::IDENTITY, 1.0);
        for (a, b) in [(&odd, &odd), (&odd, &whole), (&whole, &odd)] {
            if let Ok(found) = register_rigid(a.into(), b.into(), &mut unobserved) {
                assert!(found.registration.world_moving_from_world_fixed.is_finite());
            }
        }
    }
}
