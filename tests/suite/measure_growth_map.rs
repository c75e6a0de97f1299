//! Maps of growth between surfaces whose change is known.
use glam::{DAffine3, DVec3};
use schwann::{
    measure::{
        GrowthDirection as Towards, GrowthDirections, GrowthMap, KoosGrade, Mesh, growth_between,
        growth_map,
    },
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::unobserved,
};
use std::f64::consts::{PI, TAU};

/// A closed surface about a centre; `radius` tells its distance in each direction.
fn surface(centre: DVec3, radius: impl Fn(DVec3) -> f64) -> Mesh {
    const RINGS: usize = 90;
    const ROUND: usize = 180;
    let at = |d: DVec3| centre + d * radius(d);
    let mut points = vec![at(DVec3::Z), at(-DVec3::Z)];
    for ring in 1..RINGS {
        let (r, z) = (PI * ring as f64 / RINGS as f64).sin_cos();
        for n in 0..ROUND {
            let (y, x) = (TAU * n as f64 / ROUND as f64).sin_cos();
            points.push(at(DVec3::new(r * x, r * y, z)));
        }
    }
    let id = |ring: usize, n: usize| (2 + (ring - 1) * ROUND + n % ROUND) as u32;
    let mut triangles = Vec::new();
    for n in 0..ROUND {
        triangles.push([0, id(1, n), id(1, n + 1)]);
        triangles.push([1, id(RINGS - 1, n + 1), id(RINGS - 1, n)]);
        for ring in 1..RINGS - 1 {
            let [a, b] = [n, n + 1].map(|n| id(ring, n));
            let [c, d] = [n, n + 1].map(|n| id(ring + 1, n));
            triangles.extend([[a, c, d], [a, d, b]]);
        }
    }
    let mesh = Mesh::new(points, triangles).unwrap();
    assert!(mesh.is_closed() && mesh.volume_mm3() > 0.0);
    mesh
}

/// The brainstem to the right, the fundus to the left.
fn six() -> GrowthDirections {
    GrowthDirections::new([
        (Towards::Brainstem, DVec3::X * 7.0),
        (Towards::Fundus, -DVec3::X),
        (Towards::Front, DVec3::Y),
        (Towards::Back, -DVec3::Y),
        (Towards::Up, DVec3::Z),
        (Towards::Down, -DVec3::Z),
    ])
}

fn volume(map: &GrowthMap, direction: Option<Towards>) -> f64 {
    let found = map.directions.iter().find(|d| d.direction == direction);
    found.unwrap().volume_mm3
}

fn sum(map: &GrowthMap) -> f64 {
    map.directions.iter().map(|d| d.volume_mm3).sum()
}

#[test]
fn a_ball_that_grew_by_a_millimetre_grew_so_everywhere_and_alike_in_all_directions() {
    let centre = DVec3::new(30.0, -12.0, 5.0);
    let [a, b] = [9.0, 10.0].map(|r| surface(centre, |_| r));
    let map = growth_map(&a, &b, &six()).unwrap();
    assert!(map.distance_mm.iter().all(|d| (d - 1.0).abs() < 0.01));
    assert!((map.mean_mm - 1.0).abs() < 0.01 && (map.largest_mm - map.least_mm) < 0.02);
    let change = 4.0 / 3.0 * PI * (1000.0 - 729.0);
    assert!((map.volume_change_mm3 / change - 1.0).abs() < 0.005);
    assert!((sum(&map) / change - 1.0).abs() < 0.005, "{}", sum(&map));
    for d in map.directions.iter().filter(|d| d.direction.is_some()) {
        assert!((d.volume_mm3 / (change / 6.0) - 1.0).abs() < 0.04, "{d:?}");
        assert!(
            (d.area_mm2 / (map.area_mm2 / 6.0) - 1.0).abs() < 0.04,
            "{d:?}"
        );
    }
    // All of it is beyond the error of two outlines; the other way round it shrank.
    assert!((map.grown_area_mm2 / map.area_mm2 - 1.0).abs() < 1e-9);
    let back = growth_map(&b, &a, &six()).unwrap();
    assert!((back.mean_mm + 1.0).abs() < 0.01 && (back.shrunk_area_mm2 / back.area_mm2) > 0.999);
    assert!((sum(&back) / -change - 1.0).abs() < 0.005, "{}", sum(&back));
}

#[test]
fn a_ball_that_moved_gained_ahead_what_it_lost_behind() {
    let [a, b] = [0.0, 0.8].map(|x| surface(DVec3::new(x, 3.0, -4.0), |_| 10.0));
    let map = growth_map(&a, &b, &six()).unwrap();
    assert!((map.largest_mm - 0.8).abs() < 0.01 && (map.least_mm + 0.8).abs() < 0.01);
    let largest = DVec3::from_array(map.largest_at_ras_mm);
    assert!(
        largest.distance(DVec3::new(10.8, 3.0, -4.0)) < 0.5,
        "{largest}"
    );
    let [ahead, behind] = [Towards::Brainstem, Towards::Fundus].map(|d| volume(&map, Some(d)));
    assert!(
        ahead > 60.0 && (ahead / -behind - 1.0).abs() < 0.2,
        "{ahead} {behind}"
    );
    assert!(
        sum(&map).abs() < 0.001 * b.volume_mm3() && map.volume_change_mm3.abs() < 1e-6,
        "{}",
        sum(&map)
    );
}

#[test]
fn a_bump_on_one_side_is_found_there_and_nowhere_else() {
    let [smooth, bumped] = [0.0, 2.0].map(|height| {
        let bump = move |angle: f64| height * (-(angle / 0.5).powi(2)).exp();
        surface(DVec3::ZERO, move |d| 8.0 + bump(d.angle_between(DVec3::Z)))
    });
    let map = growth_map(&smooth, &bumped, &six()).unwrap();
    assert!((map.largest_mm - 2.0).abs() < 0.01);
    assert!(DVec3::from_array(map.largest_at_ras_mm).distance(DVec3::Z * 10.0) < 0.1);
    // By integrals over the body of revolution; the bump's flanks face sideways.
    let (gained, up) = (109.44, 0.722);
    let share = volume(&map, Some(Towards::Up)) / map.volume_change_mm3;
    assert!((share - up).abs() < 0.04, "{share}");
    assert!((sum(&map) / gained - 1.0).abs() < 0.02, "{}", sum(&map));
    assert!((map.volume_change_mm3 / gained - 1.0).abs() < 0.02);
    assert!(volume(&map, Some(Towards::Down)).abs() < 0.01 * map.volume_change_mm3);
    for ((p, mm), towards) in (bumped.points().iter())
        .zip(&map.distance_mm)
        .zip(&map.direction)
    {
        if p.z < 0.0 {
            assert!(mm.abs() < 0.01 && *towards != Some(Towards::Up));
        }
    }
}

#[test]
fn what_faces_no_known_direction_belongs_to_none() {
    let only = GrowthDirections::new([(Towards::Up, DVec3::Z), (Towards::Front, DVec3::ZERO)]);
    assert_eq!(only.get(Towards::Front), None);
    let [a, b] = [9.0, 10.0].map(|r| surface(DVec3::ZERO, |_| r));
    let map = growth_map(&a, &b, &only).unwrap();
    let elsewhere = map
        .directions
        .iter()
        .find(|d| d.direction.is_none())
        .unwrap();
    // The cap within 60° is a quarter of a ball.
    assert!((elsewhere.area_mm2 / map.area_mm2 - 0.75).abs() < 0.01);
    assert!(growth_map(&Mesh::default(), &b, &only).is_none());
    assert!(growth_map(&a, &Mesh::default(), &only).is_none());
}

#[test]
fn phantom_visits_map_to_the_growth_of_their_truth() {
    let patient = Patient::new(&PatientSpec {
        seed: 11,
        koos: Some(KoosGrade::III),
        annual_growth_percent: Some(40.0),
        ..PatientSpec::default()
    })
    .unwrap();
    let [a, b] = [0.0, 1.0].map(|years| {
        let visit = VisitSpec {
            years,
            site: Site::London,
            modality: Modality::HrT2,
            seed: 20 + years as u64,
            grid: Some(GridSpec {
                shape: [200, 112, 72],
                spacing_mm: [0.5; 3],
            }),
        };
        patient.scan(&visit, &mut unobserved).unwrap()
    });
    let from_head = |s: &schwann::phantom::Scan| {
        let m = glam::DMat4::from_cols_array_2d(&s.truth.world_from_head).transpose();
        DAffine3::from_mat4(m)
    };
    let alignment = from_head(&b) * from_head(&a).inverse();
    let map = |to: DAffine3| growth_between(&a.labels, &b.labels, to, None, &mut unobserved);
    let (surface, map) = map(alignment).unwrap().unwrap();
    assert_eq!(surface.points().len(), map.distance_mm.len());
    let truth = b.truth.tumour_volume_mm3 - a.truth.tumour_volume_mm3;
    assert!(
        (map.volume_change_mm3 / truth - 1.0).abs() < 0.05,
        "{} {truth}",
        map.volume_change_mm3
    );
    assert!(
        (sum(&map) / truth - 1.0).abs() < 0.1,
        "{} {truth}",
        sum(&map)
    );
    // It fills its canal already: the ball in the cistern grows, not the part in the bone.
    let of = |d| {
        map.directions
            .iter()
            .find(|t| t.direction == Some(d))
            .unwrap()
    };
    let (medial, lateral) = (of(Towards::Brainstem), of(Towards::Fundus));
    assert!(medial.mean_mm > lateral.mean_mm + 0.2, "{map:?}");
    assert!(map.largest_mm > 0.5 && map.least_mm > -0.6, "{map:?}");
    // A scan against itself did not grow.
    let same = growth_between(
        &b.labels,
        &b.labels,
        DAffine3::IDENTITY,
        None,
        &mut unobserved,
    );
    let (_, same) = same.unwrap().unwrap();
    assert!(same.distance_mm.iter().all(|d| d.abs() < 1e-9) && sum(&same).abs() < 1e-6);
}
