//! Where a place in the patient appears on the screen, and in which grey.
use glam::{DAffine3, DMat3, DVec3};
use schwann::{
    measure::{Plane, PlaneFrame},
    render::{
        Interpolation, NativePlane, OverlayStyle, SliceView, edge_letters, slice_image, twin,
    },
    volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, WindowLevel},
};

/// Black with white voxels at the places given, RAS mm.
fn dots(grid: Grid, places: &[DVec3]) -> Volume {
    let mut voxels = vec![0_i16; grid.len()];
    for place in places {
        voxels[grid.index(grid.nearest_voxel(*place).unwrap())] = 1000;
    }
    Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap()
}

/// Four grids of one head: files run in different directions, one is tilted.
fn grids() -> Vec<Grid> {
    let tilt = DMat3::from_rotation_x(0.2) * DMat3::from_rotation_z(-0.1);
    let matrices = [
        DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.0)),
        DMat3::from_diagonal(DVec3::new(-1.0, -1.0, 2.0)),
        DMat3::from_cols(DVec3::Y, -DVec3::Z, -DVec3::X * 2.0),
        tilt * DMat3::from_diagonal(DVec3::new(-1.0, 1.0, -1.5)),
    ];
    let shape = [60, 60, 60];
    matrices
        .into_iter()
        .map(|m| {
            Grid::new(
                shape,
                DAffine3::from_mat3_translation(m, -(m * DVec3::splat(29.5))),
            )
            .unwrap()
        })
        .collect()
}

fn view(grid: &Grid, plane: Plane, point: DVec3) -> SliceView {
    let native = NativePlane::new(grid, plane);
    SliceView {
        frame: native.frame(grid, native.slice_at(grid, point)),
        size_px: [200.0, 200.0],
        mm_per_px: 0.5,
    }
}

const WINDOW: WindowLevel = WindowLevel {
    centre: 500.0,
    width: 1000.0,
};

#[test]
fn the_patients_right_is_on_the_left_the_front_up_and_the_nose_to_the_left() {
    // Right, anterior, superior of the middle, in each plane that shows it.
    let cases = [
        (Plane::Axial, DVec3::new(20.0, 0.0, 0.0), [-1.0, 0.0]),
        (Plane::Axial, DVec3::new(0.0, 20.0, 0.0), [0.0, -1.0]),
        (Plane::Coronal, DVec3::new(20.0, 0.0, 0.0), [-1.0, 0.0]),
        (Plane::Coronal, DVec3::new(0.0, 0.0, 20.0), [0.0, -1.0]),
        (Plane::Sagittal, DVec3::new(0.0, 20.0, 0.0), [-1.0, 0.0]),
        (Plane::Sagittal, DVec3::new(0.0, 0.0, 20.0), [0.0, -1.0]),
    ];
    for grid in grids() {
        for (plane, place, direction) in cases {
            // The dot lies on a voxel; a tilted plane passes through it where it is.
            let place = grid.point_in_world(grid.nearest_voxel(place).unwrap());
            let volume = dots(grid, &[place]);
            let view = view(&grid, plane, place);
            let picture = twin::slice(&volume, None, &view, WINDOW, &OverlayStyle::default());
            let (x, y, brightest) = picture
                .enumerate_pixels()
                .max_by_key(|(_, _, p)| p.0[0])
                .unwrap();
            assert!(
                brightest.0[0] > 100,
                "{plane:?} of {}: the dot is missing",
                grid.axis_codes()
            );
            let found = [f64::from(x) + 0.5, f64::from(y) + 0.5];
            let expected = view.px_from_world(place);
            for a in 0..2 {
                assert!(
                    (found[a] - expected[a]).abs() < 1.5,
                    "{plane:?}: {found:?} {expected:?}"
                );
                // Off the middle by about 20 mm = 40 pixels in the direction that the convention says.
                if direction[a] != 0.0 {
                    assert!(
                        (found[a] - 100.0) * direction[a] > 30.0,
                        "{plane:?} of {}: {found:?}",
                        grid.axis_codes()
                    );
                }
            }
        }
    }
}

#[test]
fn pixels_and_patient_are_inverse_and_in_millimetres() {
    for grid in grids() {
        for plane in Plane::ALL {
            let view = view(&grid, plane, DVec3::new(3.0, -4.0, 5.0));
            for px in [[0.0, 0.0], [37.25, 151.5], [200.0, 12.0]] {
                let back = view.px_from_world(view.world_from_px(px));
                assert!((back[0] - px[0]).abs() < 1e-9 && (back[1] - px[1]).abs() < 1e-9);
                // What the shader is told says the same.
                let screen = DVec3::new(px[0] / 200.0, px[1] / 200.0, 0.0);
                assert!(
                    view.world_from_screen()
                        .transform_point3(screen)
                        .distance(view.world_from_px(px))
                        < 1e-9
                );
            }
            let step = view
                .world_from_px([11.0, 10.0])
                .distance(view.world_from_px([10.0, 10.0]));
            assert!((step - 0.5).abs() < 1e-12);
        }
    }
}

#[test]
fn a_native_slice_shows_the_stored_values() {
    let grid = grids().pop().unwrap();
    let voxels: Vec<i16> = (0..grid.len()).map(|n| (n * 7919 % 1000) as i16).collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 2.0, -300.0).unwrap();
    let window = WindowLevel {
        centre: 700.0,
        width: 2000.0,
    };
    let native = NativePlane::new(&grid, Plane::Axial);
    let frame = native.frame(&grid, 17);
    let view = SliceView {
        frame,
        size_px: [120.0, 120.0],
        mm_per_px: 0.5,
    };
    let style = OverlayStyle {
        interpolation: Interpolation::Nearest,
        ..OverlayStyle::default()
    };
    let picture = twin::slice(&volume, None, &view, window, &style);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let world = view.world_from_px([f64::from(x) + 0.5, f64::from(y) + 0.5]);
        let voxel = grid.nearest_voxel(world).unwrap();
        assert_eq!(voxel[native.voxel_axis], 17);
        let grey = (window.grey(volume.value(voxel).unwrap()) * 255.0).round() as u8;
        assert_eq!(pixel.0, [grey; 3]);
    }
}

#[test]
fn cubic_sampling_keeps_curves_that_linear_sampling_cuts() {
    // A parabola along each axis: a cubic through four of its points is the parabola itself.
    let grid = Grid::axis_aligned([24; 3], [1.0; 3], DVec3::splat(-11.5)).unwrap();
    let curve = |p: DVec3| p.x * p.x + 2.0 * p.y * p.y - 1.5 * p.z * p.z;
    let voxels = (0..grid.len())
        .map(|n| curve(grid.point_in_world(grid.voxel(n))) as f32)
        .collect();
    let volume = Volume::new(grid, Voxels::F32(voxels), 1.0, 0.0).unwrap();
    let window = WindowLevel {
        centre: 50.0,
        width: 255.0,
    };
    let worst = |interpolation| {
        let style = OverlayStyle {
            interpolation,
            ..OverlayStyle::default()
        };
        let view = SliceView {
            frame: PlaneFrame::anatomical(Plane::Axial, DVec3::new(0.2, -0.3, 0.0)),
            size_px: [60.0; 2],
            mm_per_px: 0.25,
        };
        let picture = twin::slice(&volume, None, &view, window, &style);
        let errors = picture.enumerate_pixels().map(|(x, y, pixel)| {
            let world = view.world_from_px([f64::from(x) + 0.5, f64::from(y) + 0.5]);
            (window.grey(curve(world)) * 255.0 - f64::from(pixel.0[0])).abs()
        });
        errors.fold(0.0, f64::max)
    };
    assert!(
        worst(Interpolation::Cubic) <= 0.51,
        "{}",
        worst(Interpolation::Cubic)
    );
    assert!(worst(Interpolation::Linear) > 0.7);
}

#[test]
fn fill_and_outline_lie_on_the_structure_and_nowhere_else() {
    let grid = grids().remove(1);
    let cube = |v: [usize; 3]| v.iter().all(|n| (20..30).contains(n));
    let labels = (0..grid.len())
        .map(|n| u8::from(cube(grid.voxel(n))))
        .collect();
    let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
    let volume = dots(grid, &[]);
    let centre = grid.point_in_world([25, 25, 25]);
    let frame = PlaneFrame::native(&grid, Plane::Axial, centre);
    let picture = |style: &OverlayStyle| {
        slice_image(
            &volume,
            Some(&labels),
            &frame,
            [200, 200],
            0.25,
            WINDOW,
            style,
        )
    };
    let coloured = |style: &OverlayStyle| -> Vec<(u32, u32)> {
        let found = picture(style);
        let tinted = found
            .enumerate_pixels()
            .filter(|(_, _, p)| p.0[0] != p.0[2]);
        tinted.map(|(x, y, _)| (x, y)).collect()
    };
    let mut style = OverlayStyle::default();
    style.structure_mut(Structure::VestibularSchwannoma).contour = false;
    let filled = coloured(&style);
    // Ten voxels of 1 mm at 4 pixels a millimetre, each way.
    assert_eq!(filled.len(), 40 * 40);
    style.structure_mut(Structure::VestibularSchwannoma).contour = true;
    style.structure_mut(Structure::VestibularSchwannoma).fill = false;
    let outlined = coloured(&style);
    let middle = filled.iter().fold([0.0, 0.0], |m, (x, y)| {
        [m[0] + f64::from(*x) / 1600.0, m[1] + f64::from(*y) / 1600.0]
    });
    assert!(!outlined.is_empty());
    for (x, y) in outlined {
        let from_edge = (f64::from(x) - middle[0])
            .abs()
            .max((f64::from(y) - middle[1]).abs());
        assert!(
            (17.0..22.0).contains(&from_edge),
            "outline pixel {x}, {y} is {from_edge} from the middle"
        );
    }
    assert!(coloured(&style.without_overlays()).is_empty());
}

#[test]
fn letters_and_scale_bar_are_drawn_where_they_belong() {
    let grid = grids().remove(0);
    let native = NativePlane::new(&grid, Plane::Axial);
    let frame = native.frame(&grid, 30);
    assert_eq!(edge_letters(&frame), ["R", "L", "A", "P"]);
    let picture = slice_image(
        &dots(grid, &[]),
        None,
        &frame,
        [400, 400],
        0.5,
        WINDOW,
        &OverlayStyle::default(),
    );
    let white = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
        x.flat_map(|x| y.clone().map(move |y| (x, y)))
            .filter(|&(x, y)| picture.get_pixel(x, y).0[0] > 200)
            .count()
    };
    for (x, y) in [
        (0..30, 180..220),
        (370..400, 180..220),
        (180..220, 0..30),
        (180..220, 370..400),
    ] {
        assert!(white(x, y) > 10);
    }
    // 50 mm at half a millimetre a pixel: 100 pixels and no more, in one row near the bottom.
    let longest = (380..400).map(|y| white(0..170, y..y + 1)).max().unwrap();
    assert!((98..=104).contains(&longest), "{longest}");
}

#[test]
fn voxels_without_a_number_are_dark_and_harm_nothing() {
    let grid = Grid::axis_aligned([4, 4, 4], [1.0; 3], DVec3::ZERO).unwrap();
    let mut voxels = vec![10.0_f32; grid.len()];
    voxels[grid.index([1, 1, 1])] = f32::NAN;
    voxels[grid.index([2, 2, 1])] = f32::INFINITY;
    let volume = Volume::new(grid, Voxels::F32(voxels), 1.0, 0.0).unwrap();
    let view = view(&grid, Plane::Axial, DVec3::splat(1.0));
    let picture = twin::slice(
        &volume,
        None,
        &view,
        WindowLevel::from_range(9.0, 10.0),
        &OverlayStyle::default(),
    );
    assert!(picture.pixels().any(|p| p.0[0] == 255));
}
