//! Geometry: what a reader relies on when a voxel gets a place in the patient.
use glam::{DAffine3, DMat3, DVec3};
use proptest::prelude::*;
use schwann::volume::{Error, Grid};

fn grid(shape: [usize; 3], columns: [[f64; 3]; 3], origin: [f64; 3]) -> Result<Grid, Error> {
    let m = DMat3::from_cols(columns[0].into(), columns[1].into(), columns[2].into());
    Grid::new(
        shape,
        DAffine3::from_mat3_translation(m, DVec3::from_array(origin)),
    )
}

/// Affines that are far from singular: a rotation, spacings, flips and a permutation.
fn affines() -> impl Strategy<Value = DAffine3> {
    (
        prop::array::uniform3(-0.6..0.6_f64),
        prop::array::uniform3(0.2..4.0_f64),
        prop::array::uniform3(any::<bool>()),
        prop::array::uniform3(-200.0..200.0_f64),
        0..6_usize,
    )
        .prop_map(|(turn, spacing, flip, origin, order)| {
            let rotation = DMat3::from_quat(glam::DQuat::from_scaled_axis(DVec3::from_array(turn)));
            let orders = [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ];
            let column = |n: usize| {
                let a = orders[order][n];
                rotation.col(a) * spacing[n] * if flip[n] { -1.0 } else { 1.0 }
            };
            DAffine3::from_mat3_translation(
                DMat3::from_cols(column(0), column(1), column(2)),
                origin.into(),
            )
        })
}

proptest! {
    #[test]
    fn world_and_voxel_undo_each_other(affine in affines(), at in prop::array::uniform3(-50.0..250.0_f64)) {
        let grid = Grid::new([200, 180, 60], affine).unwrap();
        let v = DVec3::from_array(at);
        let back = grid.voxel_from_world().transform_point3(grid.world_from_voxel().transform_point3(v));
        prop_assert!(back.distance(v) < 1e-8);
    }

    #[test]
    fn every_voxel_is_the_nearest_to_its_own_centre(affine in affines(), i in 0..7_usize, j in 0..5_usize, k in 0..3_usize) {
        let grid = Grid::new([7, 5, 3], affine).unwrap();
        prop_assert_eq!(grid.nearest_voxel(grid.point_in_world([i, j, k])), Some([i, j, k]));
        prop_assert_eq!(grid.voxel(grid.index([i, j, k])), [i, j, k]);
    }

    #[test]
    fn the_nearest_patient_axes_are_a_permutation(affine in affines()) {
        let ras = Grid::new([4, 4, 4], affine).unwrap().closest_ras();
        let mut axes = ras.world_axis;
        axes.sort_unstable();
        prop_assert_eq!(axes, [0, 1, 2]);
        for a in 0..3 {
            prop_assert_eq!(ras.world_axis[ras.voxel_axis(a)], a);
        }
    }
}

#[test]
fn axis_letters_say_where_the_voxels_run_to() {
    let lps = grid(
        [4, 4, 4],
        [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
        [0.0; 3],
    )
    .unwrap();
    assert_eq!(lps.axis_codes().to_string(), "LPS");
    let sagittal = grid(
        [4, 4, 4],
        [[0.0, -1.0, 0.0], [0.0, 0.0, -2.0], [1.5, 0.0, 0.0]],
        [0.0; 3],
    )
    .unwrap();
    assert_eq!(sagittal.axis_codes().to_string(), "PIR");
    assert!((sagittal.voxel_volume_mm3() - 3.0).abs() < 1e-12);
    assert_eq!(sagittal.spacing_mm(), [1.0, 2.0, 1.5]);
}

#[test]
fn obliqueness_is_the_angle_of_the_worst_axis() {
    let (s, c) = 7.2_f64.to_radians().sin_cos();
    let tilted = grid(
        [4, 4, 4],
        [[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]],
        [0.0; 3],
    )
    .unwrap();
    assert!((tilted.oblique_degrees() - 7.2).abs() < 1e-9);
}

#[test]
fn impossible_grids_are_refused() {
    let unit = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    assert_eq!(
        grid([0, 4, 4], unit, [0.0; 3]),
        Err(Error::Shape([0, 4, 4]))
    );
    assert!(matches!(
        grid([usize::MAX, 4, 4], unit, [0.0; 3]),
        Err(Error::Shape(_))
    ));
    assert_eq!(
        grid([4; 3], unit, [f64::NAN, 0.0, 0.0]),
        Err(Error::AffineNotFinite)
    );
    let flat = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]];
    assert_eq!(grid([4; 3], flat, [0.0; 3]), Err(Error::AffineSingular));
    // Small voxels are not singular ones.
    assert!(
        grid(
            [4; 3],
            [[1e-4, 0.0, 0.0], [0.0, 1e-4, 0.0], [0.0, 0.0, 1e-4]],
            [0.0; 3]
        )
        .is_ok()
    );
}
