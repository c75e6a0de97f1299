//! Where a place of the patient appears, in which colour, and what a click on it gives.
use super::*;
use crate::{
    measure::surface_mesh,
    volume::{Grid, LabelMap, LabelTable, Structure, unobserved},
};
use proptest::prelude::*;

const SIZE: [u32; 2] = [200, 160];
const MIDDLE: [f64; 2] = [100.0, 80.0];
const RED: [u8; 3] = [220, 30, 30];
const BLUE: [u8; 3] = [30, 30, 220];

fn ball(centre: DVec3, radius: f64) -> Arc<Mesh> {
    let grid = Grid::axis_aligned([61; 3], [1.0; 3], DVec3::splat(-30.0)).unwrap();
    let values = (0..grid.len())
        .map(|n| u8::from(grid.point_in_world(grid.voxel(n)).distance(centre) <= radius))
        .collect();
    let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
    let structures = [Structure::VestibularSchwannoma];
    Arc::new(surface_mesh(&labels, &structures, &mut unobserved).unwrap())
}

fn surface(mesh: Arc<Mesh>, colour: [u8; 3], opacity: f64) -> Surface {
    Surface {
        mesh,
        colour,
        point_colours: None,
        opacity,
    }
}

fn scene(surfaces: impl IntoIterator<Item = Surface>) -> Scene {
    Scene {
        surfaces: surfaces.into_iter().collect(),
        background: [0, 0, 0, 255],
        ..Scene::default()
    }
}

/// A big ball about the origin and a small one beside it, in another colour.
fn two(offset: DVec3) -> Scene {
    scene([
        surface(ball(DVec3::ZERO, 6.0), RED, 1.0),
        surface(ball(offset, 4.0), BLUE, 1.0),
    ])
}

fn camera(from: ViewFrom) -> Camera {
    Camera::new(from, DVec3::ZERO, 30.0)
}

/// Middle of all pixels whose blue outweighs their red.
fn middle_of_blue(picture: &RgbaImage) -> [f64; 2] {
    let blue: Vec<[f64; 2]> = (picture.enumerate_pixels())
        .filter(|(_, _, p)| p.0[2] > p.0[0].saturating_add(40))
        .map(|(x, y, _)| [f64::from(x) + 0.5, f64::from(y) + 0.5])
        .collect();
    assert!(!blue.is_empty(), "nothing is blue");
    [0, 1].map(|a| blue.iter().map(|p| p[a]).sum::<f64>() / blue.len() as f64)
}

fn pixel(picture: &RgbaImage, at: [f64; 2]) -> [u8; 4] {
    picture.get_pixel(at[0] as u32, at[1] as u32).0
}

#[test]
fn each_side_shows_the_patient_as_one_who_stands_there_sees_it() {
    let (r, a, s) = (DVec3::X * 18.0, DVec3::Y * 18.0, DVec3::Z * 18.0);
    // Direction of a place on the screen: right, down.
    let cases = [
        (ViewFrom::Front, [(r, [-1.0, 0.0]), (s, [0.0, -1.0])]),
        (ViewFrom::Back, [(r, [1.0, 0.0]), (s, [0.0, -1.0])]),
        (ViewFrom::Right, [(a, [1.0, 0.0]), (s, [0.0, -1.0])]),
        (ViewFrom::Left, [(a, [-1.0, 0.0]), (s, [0.0, -1.0])]),
        (ViewFrom::Above, [(r, [1.0, 0.0]), (a, [0.0, -1.0])]),
        (ViewFrom::Below, [(r, [-1.0, 0.0]), (a, [0.0, -1.0])]),
    ];
    for (from, places) in cases {
        for (place, direction) in places {
            let picture = two(place).draw(&camera(from), SIZE, Quality::Smooth);
            let [x, y] = middle_of_blue(&picture);
            // 63 mm on 160 pixels.
            let px = 18.0 * 160.0 / 63.0;
            let wanted = [MIDDLE[0] + px * direction[0], MIDDLE[1] + px * direction[1]];
            let off = (x - wanted[0]).hypot(y - wanted[1]);
            assert!(off < 1.0, "{from:?}: {place} is {off} pixels off");
        }
    }
}

#[test]
fn what_is_nearer_to_the_viewer_hides_what_is_behind_it() {
    // The small ball lies in front of the large one from one side and behind it from the other.
    let sides = [
        (DVec3::Y, ViewFrom::Front, ViewFrom::Back),
        (DVec3::X, ViewFrom::Right, ViewFrom::Left),
        (DVec3::Z, ViewFrom::Above, ViewFrom::Below),
    ];
    for (direction, near, far) in sides {
        let scene = two(direction * 15.0);
        for (from, colour) in [(near, 2), (far, 0)] {
            let picture = scene.draw(&camera(from), SIZE, Quality::Draft);
            let seen = pixel(&picture, MIDDLE);
            let other = 2 - colour;
            assert!(seen[colour] > seen[other], "{from:?} {seen:?}");
            let pick = scene.pick(&camera(from), SIZE, MIDDLE).unwrap();
            assert_eq!(pick.surface, usize::from(colour == 2));
        }
    }
}

#[test]
fn a_click_gives_the_place_on_the_sphere() {
    let scene = scene([surface(ball(DVec3::ZERO, 12.0), RED, 1.0)]);
    for from in ViewFrom::ALL {
        let camera = camera(from).turned([33.0, -21.0], SIZE.map(f64::from));
        let view = camera.view(SIZE.map(f64::from));
        for at in [MIDDLE, [115.0, 70.0], [90.3, 88.8]] {
            let pick = scene.pick(&camera, SIZE, at).unwrap();
            assert!((pick.point.length() - 12.0).abs() < 0.35, "{from:?} {at:?}");
            assert!(
                pick.point.dot(view.frame.into_screen()) < -8.0,
                "the far side"
            );
            let back = view.px_from_world(pick.point);
            assert!((back[0] - at[0]).hypot(back[1] - at[1]) < 1e-6);
        }
        assert_eq!(scene.pick(&camera, SIZE, [3.0, 3.0]), None);
    }
}

#[test]
fn pictures_and_clicks_agree_on_every_pixel() {
    let mut scene = two(DVec3::new(4.0, 3.0, 2.0));
    scene.surfaces[1].opacity = 0.5;
    scene.background = [0; 4];
    scene.cuts = vec![Cut {
        point: DVec3::new(0.0, 2.0, 0.0),
        hidden: DVec3::new(0.1, 1.0, 0.2),
    }];
    let camera = camera(ViewFrom::Front).turned([13.0, 27.0], SIZE.map(f64::from));
    let picture = scene.draw(&camera, SIZE, Quality::Draft);
    let mut seen = 0;
    for (x, y, p) in picture
        .enumerate_pixels()
        .filter(|(x, y, _)| (x + y) % 3 == 0)
    {
        let at = [f64::from(x) + 0.5, f64::from(y) + 0.5];
        let picks = scene.picks(&camera, SIZE, at);
        assert_eq!(picks.is_empty(), p.0[3] == 0, "{at:?}");
        if picks.iter().any(|p| p.surface == 0) {
            assert_eq!(p.0[3], 255);
        }
        seen += picks.len();
    }
    assert!(seen > 200);
}

#[test]
fn a_cut_shows_a_filled_face_where_the_plane_is() {
    let mut scene = scene([surface(ball(DVec3::ZERO, 12.0), RED, 1.0)]);
    for (from, hidden) in [
        (ViewFrom::Front, DVec3::Y),
        (ViewFrom::Left, DVec3::NEG_X),
        (ViewFrom::Above, DVec3::Z),
    ] {
        for depth in [-5.0, 0.0, 7.0] {
            scene.cuts = vec![Cut {
                point: hidden * depth,
                hidden: hidden * 3.0,
            }];
            let pick = scene.pick(&camera(from), SIZE, MIDDLE).unwrap();
            assert!(pick.on_cut);
            assert!(pick.point.distance(hidden * depth) < 1e-4, "{}", pick.point);
            // The face is a disc of the sphere's radius at this depth.
            let wanted = (144.0_f64 - depth * depth).sqrt();
            let cut = (0..SIZE[0])
                .filter(|x| {
                    let at = [f64::from(*x) + 0.5, MIDDLE[1]];
                    (scene.pick(&camera(from), SIZE, at)).is_some_and(|p| p.on_cut)
                })
                .count();
            let radius = cut as f64 / 2.0 * 63.0 / 160.0;
            assert!((radius - wanted).abs() < 0.4, "{radius} {wanted}");
        }
        // From the other side nothing is seen of the cut.
        scene.cuts = vec![Cut {
            point: DVec3::ZERO,
            hidden: -hidden,
        }];
        let pick = scene.pick(&camera(from), SIZE, MIDDLE).unwrap();
        assert!(!pick.on_cut && pick.point.distance(hidden * 12.0) < 0.4);
    }
}

#[test]
fn each_plane_hides_its_side_or_all_together_a_corner() {
    let mut scene = scene([surface(ball(DVec3::ZERO, 12.0), RED, 1.0)]);
    scene.cuts = [DVec3::Y, DVec3::X, DVec3::Z]
        .map(|hidden| Cut {
            point: DVec3::ZERO,
            hidden,
        })
        .to_vec();
    let camera = camera(ViewFrom::Front);
    let px = |r: f64, s: f64| [MIDDLE[0] - r * 160.0 / 63.0, MIDDLE[1] - s * 160.0 / 63.0];
    // By each plane only left, posterior, inferior stays.
    assert!(scene.pick(&camera, SIZE, px(-4.0, -4.0)).unwrap().on_cut);
    assert_eq!(scene.pick(&camera, SIZE, px(4.0, -4.0)), None);
    assert_eq!(scene.pick(&camera, SIZE, px(4.0, 4.0)), None);
    scene.cut_mode = CutMode::Corner;
    // Only right, anterior, superior goes.
    let corner = scene.pick(&camera, SIZE, px(4.0, 4.0)).unwrap();
    assert!(corner.on_cut && corner.point.y.abs() < 1e-4, "{corner:?}");
    for (r, s) in [(-4.0, 4.0), (4.0, -4.0), (-4.0, -4.0)] {
        let pick = scene.pick(&camera, SIZE, px(r, s)).unwrap();
        assert!(!pick.on_cut && pick.point.y > 9.0, "{pick:?}");
    }
}

#[test]
fn a_cut_hollow_body_is_filled_only_where_it_is_solid() {
    let outer = ball(DVec3::ZERO, 12.0);
    let inner = ball(DVec3::ZERO, 6.0);
    // One mesh: the outer sphere and the inner one turned inside out.
    let shift = outer.points().len() as u32;
    let points = [outer.points(), inner.points()].concat();
    let turned = inner
        .triangles()
        .iter()
        .map(|&[a, b, c]| [a + shift, c + shift, b + shift]);
    let triangles = outer.triangles().iter().copied().chain(turned).collect();
    let mut scene = scene([surface(
        Arc::new(Mesh::new(points, triangles).unwrap()),
        RED,
        1.0,
    )]);
    scene.cuts = vec![Cut {
        point: DVec3::ZERO,
        hidden: DVec3::Y,
    }];
    let at = |mm: f64| {
        scene.pick(
            &camera(ViewFrom::Front),
            SIZE,
            [MIDDLE[0] + mm * 160.0 / 63.0, MIDDLE[1]],
        )
    };
    let hollow = at(0.0).unwrap();
    assert!(
        !hollow.on_cut && (hollow.point.y + 6.0).abs() < 0.4,
        "{hollow:?}"
    );
    assert!(at(9.0).unwrap().on_cut);
    assert_eq!(at(14.0), None);
}

#[test]
fn an_open_sheet_is_seen_from_both_sides_and_has_no_inside() {
    let corners = [(-9.0, -9.0), (9.0, -9.0), (9.0, 9.0), (-9.0, 9.0)];
    let points = corners.map(|(x, z)| DVec3::new(x, 0.0, z)).to_vec();
    let sheet = Mesh::new(points, vec![[0, 1, 2], [0, 2, 3]]).unwrap();
    let mut scene = scene([surface(Arc::new(sheet), RED, 1.0)]);
    for cut in [0.0, -3.0] {
        for from in [ViewFrom::Front, ViewFrom::Back] {
            let seen = pixel(&scene.draw(&camera(from), SIZE, Quality::Smooth), MIDDLE);
            assert!(seen[0] > 150, "{from:?} {seen:?}");
            let pick = scene.pick(&camera(from), SIZE, MIDDLE).unwrap();
            assert!(!pick.on_cut && pick.point.length() < 0.3);
        }
        scene.cuts = vec![Cut {
            point: DVec3::new(0.0, cut - 1.0, 0.0),
            hidden: DVec3::NEG_Y,
        }];
    }
}

#[test]
fn what_is_behind_a_shell_shines_through_and_is_clicked_first() {
    let mut scene = scene([
        surface(ball(DVec3::ZERO, 12.0), RED, 0.4),
        surface(ball(DVec3::ZERO, 5.0), BLUE, 1.0),
    ]);
    let camera = camera(ViewFrom::Front);
    let through = pixel(&scene.draw(&camera, SIZE, Quality::Smooth), MIDDLE);
    assert!(through[0] > 40 && through[2] > 80, "{through:?}");
    assert_eq!(scene.pick(&camera, SIZE, MIDDLE).unwrap().surface, 1);
    let order: Vec<usize> = (scene.picks(&camera, SIZE, MIDDLE).iter())
        .map(|p| p.surface)
        .collect();
    assert_eq!(order, [0, 1]);
    // Two shells: the order in the scene does not matter.
    scene.surfaces[1].opacity = 0.5;
    let one = scene.draw(&camera, SIZE, Quality::Draft);
    scene.surfaces.reverse();
    let other = scene.draw(&camera, SIZE, Quality::Draft);
    assert_eq!(one, other);
}

#[test]
fn points_have_the_colours_they_are_given() {
    let mesh = ball(DVec3::ZERO, 12.0);
    let colours: Arc<[[u8; 3]]> = (mesh.points().iter())
        .map(|p| if p.x > 0.0 { BLUE } else { RED })
        .collect();
    let mut coloured = surface(mesh, RED, 1.0);
    coloured.point_colours = Some(colours);
    let picture = scene([coloured]).draw(&camera(ViewFrom::Front), SIZE, Quality::Smooth);
    // Patient right, which is blue, lies on the screen's left.
    let (left, right) = (
        pixel(&picture, [85.0, 80.0]),
        pixel(&picture, [115.0, 80.0]),
    );
    assert!(
        left[2] > 2 * left[0] && right[0] > 2 * right[2],
        "{left:?} {right:?}"
    );
}

#[test]
fn a_plane_is_a_line_of_even_width_where_it_meets_the_surface() {
    let mut scene = scene([surface(ball(DVec3::ZERO, 12.0), [60; 3], 1.0)]);
    scene.lines = vec![PlaneLine {
        point: DVec3::new(5.0, 0.0, 0.0),
        normal: DVec3::X,
        colour: [0, 255, 0],
    }];
    let picture = scene.draw(&camera(ViewFrom::Front), SIZE, Quality::Smooth);
    let wanted = MIDDLE[0] - 5.0 * 160.0 / 63.0;
    for y in [65, 80, 95] {
        let green: Vec<f64> = (0..SIZE[0])
            .filter(|x| {
                let p = picture.get_pixel(*x, y).0;
                p[1] > p[0].saturating_add(60)
            })
            .map(|x| f64::from(x) + 0.5)
            .collect();
        let middle = green.iter().sum::<f64>() / green.len() as f64;
        assert!((middle - wanted).abs() < 0.6, "{middle} {wanted}");
        assert!((1..=4).contains(&green.len()), "{green:?}");
    }
}

#[test]
fn a_drag_moves_what_lies_in_front_with_the_hand() {
    let size = SIZE.map(f64::from);
    for from in ViewFrom::ALL {
        let start = camera(from);
        let front = start.frame.centre - start.frame.into_screen() * 10.0;
        for (drag, axis) in [
            ([4.0, 0.0], 0),
            ([0.0, 4.0], 1),
            ([-4.0, 0.0], 0),
            ([0.0, -4.0], 1),
        ] {
            let free = start.turned_freely(drag, size);
            let moved = free.view(size).px_from_world(front)[axis] - MIDDLE[axis];
            assert!(moved * drag[axis] > 0.0, "{from:?} {drag:?} {moved}");
            let upright = start.turned(drag, size);
            assert!(upright.frame.right.z.abs() < 1e-12);
            // Straight from above and below a sideways drag turns on the spot, and the horizon stops the rest.
            if !matches!(from, ViewFrom::Above | ViewFrom::Below) {
                let moved = upright.view(size).px_from_world(front)[axis] - MIDDLE[axis];
                assert!(moved * drag[axis] > 0.0, "{from:?} {drag:?} {moved}");
            }
        }
    }
}

#[test]
fn superior_stays_up_and_a_whole_turn_comes_back() {
    let size = SIZE.map(f64::from);
    let start = camera(ViewFrom::Front).turned([0.0, 20.0], size);
    let mut turning = start;
    for _ in 0..32 {
        turning = turning.turned([10.0, 0.0], size);
        assert!(turning.frame.down.z < 0.0);
    }
    // 320 pixels are two sides: one turn.
    assert!(turning.frame.right.distance(start.frame.right) < 1e-9);
    assert!(turning.frame.down.distance(start.frame.down) < 1e-9);
    // Far beyond the top it stops above, and comes down again.
    let above = start.turned([0.0, 1000.0], size);
    assert!(above.frame.into_screen().distance(DVec3::NEG_Z) < 1e-9);
    let right = camera(ViewFrom::Above).frame.right;
    assert!(
        camera(ViewFrom::Back)
            .turned([0.0, 1000.0], size)
            .frame
            .right
            .distance(right)
            < 1e-9
    );
    assert!(above.turned([0.0, -40.0], size).frame.down.z < 0.0);
    let rolled = start
        .turned_freely([20.0, 11.0], size)
        .turned_freely([-7.0, 30.0], size);
    let level = rolled.levelled();
    assert!(level.frame.right.z.abs() < 1e-12);
    assert!(
        level
            .frame
            .into_screen()
            .distance(rolled.frame.into_screen())
            < 1e-9
    );
}

#[test]
fn zoom_keeps_the_place_under_the_pointer_and_pan_follows_it() {
    let size = SIZE.map(f64::from);
    let start = camera(ViewFrom::Left).turned([10.0, 10.0], size);
    let at = [150.0, 30.0];
    let under = start.view(size).world_from_px(at);
    let near = start.zoomed(2.5, at, size);
    assert!((start.field_mm / near.field_mm - 2.5).abs() < 1e-12);
    assert!(near.view(size).world_from_px(at).distance(under) < 1e-9);
    let panned = near.panned([12.0, -7.0], size);
    let [x, y] = panned.view(size).px_from_world(under);
    assert!((x - 162.0).hypot(y - 23.0) < 1e-9);
    assert_eq!(start.zoomed(f64::NAN, at, size), start);
}

#[test]
fn a_camera_of_a_scene_sees_all_of_it_however_it_is_turned() {
    let mut scene = two(DVec3::new(14.0, -9.0, 5.0));
    scene.background = [0; 4];
    for from in ViewFrom::ALL {
        let camera = scene
            .camera(from)
            .turned_freely([40.0, 17.0], SIZE.map(f64::from));
        let picture = scene.draw(&camera, SIZE, Quality::Draft);
        let seen: Vec<(u32, u32)> = (picture.enumerate_pixels())
            .filter(|(_, _, p)| p.0[3] > 0)
            .map(|(x, y, _)| (x, y))
            .collect();
        assert!(seen.len() > 1000);
        assert!(
            seen.iter()
                .all(|&(x, y)| x > 0 && y > 0 && x + 1 < SIZE[0] && y + 1 < SIZE[1])
        );
    }
    assert!(Scene::default().camera(ViewFrom::Front).field_mm > 0.0);
}

#[test]
fn the_letters_lie_where_the_patients_directions_are() {
    let letters = |from| {
        let axes = camera(from).axes();
        let strongest = |key: fn(&ScreenAxis) -> f64| {
            axes.iter()
                .max_by(|a, b| key(a).total_cmp(&key(b)))
                .unwrap()
                .letter
        };
        [
            strongest(|a| -a.right),
            strongest(|a| -a.down),
            strongest(|a| -a.into_screen),
        ]
    };
    // Left of the screen, top of the screen, towards the viewer.
    assert_eq!(letters(ViewFrom::Front), ['R', 'S', 'A']);
    assert_eq!(letters(ViewFrom::Back), ['L', 'S', 'P']);
    assert_eq!(letters(ViewFrom::Right), ['P', 'S', 'R']);
    assert_eq!(letters(ViewFrom::Left), ['A', 'S', 'L']);
    assert_eq!(letters(ViewFrom::Above), ['L', 'A', 'S']);
    assert_eq!(letters(ViewFrom::Below), ['R', 'A', 'I']);
}

#[test]
fn scales_are_even_in_lightness_and_their_ticks_are_round() {
    // CIE lightness of an sRGB colour.
    let lightness = |c: [u8; 3]| {
        let linear = c.map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        });
        let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        116.0 * y.cbrt() - 16.0
    };
    let distance = ColourScale::distance_mm(20.0);
    let steps: Vec<f64> = (0..10)
        .map(|n| {
            let at = |n| lightness(distance.colour(f64::from(n) * 2.0));
            at(n) - at(n + 1)
        })
        .collect();
    assert!(steps.iter().all(|s| (5.0..11.0).contains(s)), "{steps:?}");
    let growth = ColourScale::growth_mm(3.0);
    for n in 0..=10 {
        let mm = f64::from(n) * 0.3;
        assert!((lightness(growth.colour(mm)) - lightness(growth.colour(-mm))).abs() < 9.0);
    }
    assert!(growth.colour(3.0)[0] > 150 && growth.colour(-3.0)[2] > 150);
    assert_eq!(growth.colour(9.0), growth.colour(3.0));
    assert_eq!(distance.ticks(5), [0.0, 5.0, 10.0, 15.0, 20.0]);
    assert_eq!(growth.ticks(6), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn the_edge_of_a_body_is_smooth_and_its_opacity_straight() {
    let mut scene = scene([surface(ball(DVec3::ZERO, 12.0), RED, 1.0)]);
    scene.background = [0; 4];
    let picture = scene.draw(&camera(ViewFrom::Front), SIZE, Quality::Smooth);
    let rim: Vec<[u8; 4]> = (picture.pixels())
        .map(|p| p.0)
        .filter(|p| p[3] > 0 && p[3] < 255)
        .collect();
    assert!(rim.len() > 50);
    // A half covered pixel is red, not dark red.
    assert!(rim.iter().all(|p| p[0] > p[1] + 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_scene_camera_or_size_makes_it_panic(
        size in prop::array::uniform2(0_u32..60),
        numbers in prop::collection::vec(prop_oneof![
            -50.0..50.0_f64, Just(0.0), Just(f64::NAN), Just(f64::INFINITY), Just(1e300), Just(-1e12)
        ], 24),
        corner in any::<bool>(),
    ) {
        let v = |n: usize| DVec3::new(numbers[n], numbers[n + 1], numbers[n + 2]);
        let mut scene = scene([surface(ball(DVec3::ZERO, 3.0), RED, numbers[0])]);
        if let Ok(mesh) = Mesh::new(vec![v(0), v(3), v(6), v(9)], vec![[0, 1, 2], [2, 1, 3], [0, 0, 1]]) {
            scene.surfaces.push(surface(Arc::new(mesh), BLUE, numbers[1]));
        }
        scene.cuts = vec![Cut { point: v(12), hidden: v(15) }, Cut { point: v(0), hidden: v(18) }];
        scene.lines = vec![PlaneLine { point: v(3), normal: v(21), colour: RED }];
        scene.cut_mode = if corner { CutMode::Corner } else { CutMode::Each };
        let mut camera = Camera::new(ViewFrom::Left, v(6), numbers[9]);
        let sides = size.map(f64::from);
        for n in 0..3 {
            let px = [numbers[n], numbers[n + 10]];
            camera = camera.turned(px, sides).turned_freely(px, sides).panned(px, sides).zoomed(numbers[n + 4], px, sides);
        }
        scene.draw(&camera, size, Quality::Smooth);
        scene.pick(&camera, size, [numbers[5], numbers[6]]);
        scene.camera(ViewFrom::Above);
        let scale = ColourScale::growth_mm(numbers[3]);
        scale.colour(numbers[4]);
        prop_assert!(scale.ticks(7).len() <= 16);
    }
}
