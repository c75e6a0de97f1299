//! Sizes, outlines and surfaces of bodies whose numbers are known.
use glam::{DAffine3, DMat3, DQuat, DVec3};
use schwann::{
    measure::{
        Plane, PlaneFrame, SizeSide, contours, dice, direction_letters, structure_size,
        surface_area_mm2,
    },
    volume::{Grid, LabelMap, LabelTable, Structure},
};
use std::f64::consts::PI;

const VS: Structure = Structure::VestibularSchwannoma;

/// Labels of everything for which `inside` says a structure.
fn labels(grid: Grid, inside: impl Fn(DVec3) -> Option<Structure>) -> LabelMap {
    let table = LabelTable::default();
    let values = (0..grid.len())
        .map(|n| {
            inside(grid.point_in_world(grid.voxel(n)))
                .and_then(|s| table.value(s))
                .unwrap_or(0)
        })
        .collect();
    LabelMap::new(grid, values, table).unwrap()
}

fn ball(grid: Grid, centre: DVec3, radius: f64) -> LabelMap {
    labels(grid, |p| (p.distance(centre) <= radius).then_some(VS))
}

fn oblique(shape: [usize; 3], spacing: [f64; 3]) -> Grid {
    let turn = DMat3::from_quat(DQuat::from_scaled_axis(DVec3::new(0.2, -0.15, 0.3)));
    let m = turn * DMat3::from_diagonal(DVec3::from_array(spacing));
    let half = DVec3::from_array(std::array::from_fn(|a| (shape[a] as f64 - 1.0) / 2.0));
    Grid::new(shape, DAffine3::from_mat3_translation(m, -(m * half))).unwrap()
}

#[test]
fn a_ball_has_a_balls_numbers_on_any_grid() {
    let r = 8.0;
    let grids = [
        Grid::axis_aligned([44, 44, 44], [0.5; 3], DVec3::splat(-10.75)).unwrap(),
        Grid::axis_aligned(
            [60, 60, 24],
            [0.4, 0.4, 1.0],
            DVec3::new(-11.8, -11.8, -11.5),
        )
        .unwrap(),
        oblique([56, 56, 20], [0.45, 0.45, 1.5]),
    ];
    for grid in grids {
        let map = ball(grid, DVec3::new(0.13, -0.07, 0.21), r);
        let size = structure_size(&map, VS).unwrap();
        let volume = 4.0 / 3.0 * PI * r.powi(3);
        let surface = 4.0 * PI * r * r;
        assert!(
            (size.volume_mm3 / volume - 1.0).abs() < 0.01,
            "volume {} {volume}",
            size.volume_mm3
        );
        assert!(
            (size.surface_mm2 / surface - 1.0).abs() < 0.03,
            "surface {} {surface}",
            size.surface_mm2
        );
        // The boundary is known to half a voxel, at either end.
        let coarsest = grid.spacing_mm().into_iter().fold(0.0, f64::max);
        assert!(
            (size.max_diameter_3d_mm - 2.0 * r).abs() < coarsest,
            "3D {}",
            size.max_diameter_3d_mm
        );
        assert!(
            (size.max_axial_diameter_mm - 2.0 * r).abs() < 0.5,
            "axial {}",
            size.max_axial_diameter_mm
        );
        assert!(
            DVec3::from_array(size.centroid_ras_mm).distance(DVec3::new(0.13, -0.07, 0.21)) < 0.05
        );
        assert_eq!(size.components, 1);
    }
}

#[test]
fn a_tubes_surface_is_larger_than_a_balls_of_its_volume() {
    let grid =
        Grid::axis_aligned([70, 40, 40], [0.3; 3], DVec3::new(-10.35, -5.85, -5.85)).unwrap();
    let (r, half) = (2.5, 7.0);
    // Askew, as canals lie; flat faces along the voxel axes are where counting lines is at its worst (8 % too little).
    let turn = DQuat::from_scaled_axis(DVec3::new(0.1, 0.4, -0.3));
    let tube = labels(grid, |p| {
        let p = turn * p;
        (p.x.abs() <= half && p.y.hypot(p.z) <= r).then_some(VS)
    });
    let truth = 2.0 * PI * r * (2.0 * half) + 2.0 * PI * r * r;
    let found = surface_area_mm2(&tube, VS);
    assert!((found / truth - 1.0).abs() < 0.05, "{found} {truth}");
}

#[test]
fn the_order_of_the_voxels_does_not_matter() {
    let grid = Grid::axis_aligned(
        [40, 36, 16],
        [0.6, 0.6, 1.5],
        DVec3::new(-12.0, -10.0, -11.0),
    )
    .unwrap();
    let body = |p: DVec3| ((p / DVec3::new(8.0, 5.0, 6.0)).length() <= 1.0).then_some(VS);
    let a = structure_size(&labels(grid, body), VS).unwrap();
    // The same voxels stored from left, back to front, slices first.
    let m = grid.world_from_voxel();
    let flip = DAffine3::from_mat3_translation(
        DMat3::from_cols(
            DVec3::new(0.0, 0.0, 1.0),
            DVec3::new(-1.0, 0.0, 0.0),
            DVec3::new(0.0, -1.0, 0.0),
        ),
        DVec3::new(39.0, 35.0, 0.0),
    );
    let stored = Grid::new([16, 40, 36], m * flip).unwrap();
    let b = structure_size(&labels(stored, body), VS).unwrap();
    assert_eq!(a.voxels, b.voxels);
    for (x, y) in [
        (a.volume_mm3, b.volume_mm3),
        (a.surface_mm2, b.surface_mm2),
        (a.max_diameter_3d_mm, b.max_diameter_3d_mm),
        (a.max_axial_diameter_mm, b.max_axial_diameter_mm),
    ] {
        assert!((x - y).abs() < 1e-6 * x, "{x} {y}");
    }
}

#[test]
fn a_body_at_the_scans_edge_still_has_its_diameter() {
    let grid = Grid::axis_aligned([10, 10, 10], [1.0; 3], DVec3::ZERO).unwrap();
    let all = labels(grid, |_| Some(VS));
    let size = structure_size(&all, VS).unwrap();
    assert!((size.volume_mm3 - 1000.0).abs() < 1e-9);
    // Face middles of opposite sides: at least the edge length, less than the corner diagonal.
    assert!(size.max_diameter_3d_mm > 10.0 && size.max_diameter_3d_mm < 300.0_f64.sqrt());
}

#[test]
fn an_outline_on_a_slice_is_the_circle() {
    let grid = Grid::axis_aligned(
        [60, 60, 20],
        [0.5, 0.5, 1.0],
        DVec3::new(-14.75, -14.75, -9.5),
    )
    .unwrap();
    let (centre, r) = (DVec3::new(1.0, -2.0, 0.0), 7.0);
    let map = ball(grid, centre, r);
    for frame in [
        PlaneFrame::native(&grid, Plane::Axial, DVec3::new(0.0, 0.0, 0.5)),
        PlaneFrame::from_directions(
            DVec3::new(0.0, 0.0, 0.0),
            DVec3::new(-1.0, 0.2, 0.1),
            DVec3::new(0.1, 0.3, -1.0),
        ),
    ] {
        let (middle, depth) = frame.project(centre);
        let truth = (r * r - depth * depth).sqrt();
        let found = contours(&map, VS, &frame, [40.0, 40.0]);
        assert_eq!(found.len(), 1);
        assert!(found[0].closed);
        for p in &found[0].points_mm {
            let d = (p[0] - middle[0]).hypot(p[1] - middle[1]);
            assert!((d - truth).abs() < 0.6, "{d} {truth}");
        }
    }
    let far = PlaneFrame::native(&grid, Plane::Axial, DVec3::new(0.0, 0.0, 9.0));
    assert!(contours(&map, VS, &far, [40.0, 40.0]).is_empty());
}

#[test]
fn an_outline_that_the_picture_cuts_is_open() {
    let grid = Grid::axis_aligned(
        [60, 60, 3],
        [0.5, 0.5, 1.0],
        DVec3::new(-14.75, -14.75, -1.0),
    )
    .unwrap();
    let map = ball(grid, DVec3::ZERO, 7.0);
    let frame = PlaneFrame::native(&grid, Plane::Axial, DVec3::ZERO);
    let found = contours(&map, VS, &frame, [3.0, 20.0]);
    assert!(!found.is_empty() && found.iter().all(|c| !c.closed));
    assert!(
        found
            .iter()
            .flat_map(|c| &c.points_mm)
            .all(|p| p[0].abs() <= 3.3)
    );
}

#[test]
fn screens_show_the_patients_right_on_their_left() {
    let grid = oblique([20, 20, 10], [1.0, 1.0, 2.0]);
    for plane in [Plane::Axial, Plane::Coronal] {
        let frame = PlaneFrame::native(&grid, plane, DVec3::ZERO);
        assert!(
            frame.right.x < -0.8,
            "{plane:?}: the screen's right is the patient's left"
        );
    }
    let axial = PlaneFrame::anatomical(Plane::Axial, DVec3::ZERO);
    assert_eq!([axial.right, axial.down], [DVec3::NEG_X, DVec3::NEG_Y]);
    let sagittal = PlaneFrame::anatomical(Plane::Sagittal, DVec3::ZERO);
    assert_eq!(direction_letters(-sagittal.right), "A", "nose to the left");
    assert_eq!(direction_letters(-sagittal.down), "S");
    // Into the screen: an axial slice is seen from the feet, a coronal from the front, a sagittal from the left.
    assert_eq!(axial.into_screen(), DVec3::Z);
    assert_eq!(
        PlaneFrame::anatomical(Plane::Coronal, DVec3::ZERO).into_screen(),
        DVec3::NEG_Y
    );
    assert_eq!(sagittal.into_screen(), DVec3::X);
}

#[test]
fn letters_name_the_strongest_direction_first() {
    assert_eq!(direction_letters(DVec3::new(0.9, 0.4, 0.1)), "RA");
    assert_eq!(direction_letters(DVec3::new(-0.3, 0.9, 0.0)), "AL");
    assert_eq!(direction_letters(DVec3::new(0.05, 0.0, -1.0)), "I");
}

#[test]
fn sides_are_told_against_the_cochleae_not_the_scan() {
    // The head lies 30 mm to the left of the scanner's middle; the tumour is the patient's right one.
    let grid = Grid::axis_aligned(
        [130, 40, 30],
        [1.0, 1.0, 1.0],
        DVec3::new(-95.0, -20.0, -15.0),
    )
    .unwrap();
    let middle = DVec3::new(-30.0, 0.0, 0.0);
    let map = labels(grid, |p| {
        let q = p - middle;
        let cochlea = |x: f64| q.distance(DVec3::new(x, 5.0, 0.0)) <= 3.0;
        if cochlea(38.0) || cochlea(-38.0) {
            Some(Structure::Cochlea)
        } else if q.distance(DVec3::new(20.0, 0.0, 0.0)) <= 5.0 {
            Some(VS)
        } else {
            None
        }
    });
    assert_eq!(
        structure_size(&map, VS).unwrap().side,
        Some(SizeSide::Right)
    );
    assert_eq!(
        structure_size(&map, Structure::Cochlea).unwrap().side,
        Some(SizeSide::Both)
    );
}

#[test]
fn what_both_ears_have_is_measured_within_one_ear() {
    let grid = Grid::axis_aligned([100, 20, 20], [1.0; 3], DVec3::new(-50.0, -10.0, -10.0));
    let grid = grid.unwrap();
    for structure in [Structure::Cochlea, Structure::InternalAuditoryCanal] {
        let map = labels(grid, |p| {
            let within = |x: f64, r: f64| p.distance(DVec3::X * x) <= r;
            // The cochleae tell the midline. A crumb lies 1 mm beside what the right ear has.
            let ears = within(-38.0, 3.0) || within(38.0, 3.0) || within(44.0, 1.0);
            let cochlea = p.distance(DVec3::new(38.0_f64.copysign(p.x), 7.0, 0.0)) <= 2.0;
            if ears {
                Some(structure)
            } else {
                cochlea.then_some(Structure::Cochlea)
            }
        });
        let size = structure_size(&map, structure).unwrap();
        assert_eq!(size.side, Some(SizeSide::Both));
        // From the left face of the ball to the right one of the crumb, and not the 83 mm between the ears.
        for mm in [size.max_diameter_3d_mm, size.max_axial_diameter_mm] {
            assert!((11.0..16.0).contains(&mm), "{structure}: {size:?}");
        }
    }
}

#[test]
fn thousands_of_parts_whose_sides_nothing_tells_have_lengths_of_their_own() {
    // No cochlea tells a midline, and the scan is too narrow for a whole head.
    let mm = 2.2;
    let grid = Grid::axis_aligned([60; 3], [mm; 3], DVec3::ZERO).unwrap();
    let single = |p: DVec3| (p / mm).to_array().map(|x| x.round() as usize % 3) == [0; 3];
    let canal = Structure::InternalAuditoryCanal;
    let map = labels(grid, |p| single(p).then_some(canal));
    let size = structure_size(&map, canal).unwrap();
    assert_eq!((size.components, size.side), (8000, Some(SizeSide::Both)));
    // From one face of a voxel to the other.
    for found in [size.max_diameter_3d_mm, size.max_axial_diameter_mm] {
        assert!((found - mm).abs() < 1e-9, "{size:?}");
    }
}

#[test]
fn dice_is_two_thirds_for_half_an_overlap() {
    let grid = Grid::axis_aligned([4, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let of = |values: [u8; 4]| LabelMap::new(grid, values.to_vec(), LabelTable::default()).unwrap();
    assert_eq!(
        dice(&of([1, 1, 0, 0]), &of([1, 0, 0, 0]), VS),
        Some(2.0 / 3.0)
    );
    assert_eq!(dice(&of([0; 4]), &of([0; 4]), VS), None);
    assert_eq!(dice(&of([1, 0, 0, 0]), &of([0, 0, 0, 1]), VS), Some(0.0));
}

#[test]
fn without_a_midline_a_side_is_told_only_in_a_scan_of_the_whole_head() {
    let narrow = Grid::axis_aligned([60, 40, 20], [1.0; 3], DVec3::new(5.0, -20.0, -10.0)).unwrap();
    // A right tumour, in the left half of a scan of the right side.
    let map = ball(narrow, DVec3::new(20.0, 0.0, 0.0), 5.0);
    assert_eq!(structure_size(&map, VS).unwrap().side, None);
    let whole =
        Grid::axis_aligned([160, 40, 20], [1.0; 3], DVec3::new(-80.0, -20.0, -10.0)).unwrap();
    let map = ball(whole, DVec3::new(20.0, 0.0, 0.0), 5.0);
    assert_eq!(
        structure_size(&map, VS).unwrap().side,
        Some(SizeSide::Right)
    );
}

#[test]
fn the_nearest_boundary_points_are_those_of_brute_force() {
    use schwann::measure::Boundary;
    let grid = oblique([40, 36, 14], [0.8, 0.7, 1.6]);
    let a = Boundary::of(&ball(grid, DVec3::new(-7.0, 1.0, 0.5), 4.0), VS);
    let b = Boundary::of(&ball(grid, DVec3::new(6.0, -2.0, 1.0), 5.0), VS);
    for (p, (mm, index)) in a.points.iter().zip(a.nearest_in(&b).unwrap()) {
        let truth = b
            .points
            .iter()
            .map(|q| q.point.distance(p.point))
            .fold(f64::INFINITY, f64::min);
        assert!(
            (mm - truth).abs() < 1e-9
                && (b.points[index].point.distance(p.point) - mm).abs() < 1e-9
        );
    }
    assert!(a.nearest_in(&Boundary::default()).is_none());
}
