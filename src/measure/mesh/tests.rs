//! Surfaces of bodies whose numbers are known, and what must hold of any label.
use super::*;
use crate::volume::{Grid, LabelTable, unobserved};
use glam::{DMat3, DQuat, Vec3Swizzles};
use proptest::prelude::*;
use std::{collections::BTreeMap, f64::consts::PI, ops::ControlFlow};

const VS: Structure = Structure::VestibularSchwannoma;

fn labels(grid: Grid, inside: impl Fn(DVec3) -> bool) -> LabelMap {
    let values = (0..grid.len())
        .map(|n| u8::from(inside(grid.point_in_world(grid.voxel(n)))))
        .collect();
    LabelMap::new(grid, values, LabelTable::default()).unwrap()
}

fn mesh(labels: &LabelMap) -> Mesh {
    surface_mesh(labels, &[VS], &mut unobserved).unwrap()
}

/// A grid about the origin, tilted and with its axes in any order and direction.
fn grid(shape: [usize; 3], spacing: [f64; 3], turn: DVec3, flip: [f64; 3]) -> Grid {
    let m = DMat3::from_quat(DQuat::from_scaled_axis(turn))
        * DMat3::from_diagonal(DVec3::from_array(spacing) * DVec3::from_array(flip));
    let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    Grid::new(shape, DAffine3::from_mat3_translation(m, -(m * half))).unwrap()
}

fn grids() -> [Grid; 4] {
    let tilt = DVec3::new(0.2, -0.15, 0.3);
    [
        grid([44; 3], [0.5; 3], DVec3::ZERO, [1.0; 3]),
        grid([60, 60, 24], [0.4, 0.4, 1.0], DVec3::ZERO, [-1.0, 1.0, 1.0]),
        grid([56, 56, 20], [0.45, 0.45, 1.5], tilt, [-1.0, -1.0, 1.0]),
        grid([56, 56, 20], [0.45, 0.45, 1.5], tilt, [1.0, -1.0, 1.0]),
    ]
}

/// Every edge is passed once in each direction, and the triangles around each point are one ring.
fn assert_closed(mesh: &Mesh) {
    assert!(
        mesh.is_empty()
            || Mesh::new(mesh.points().to_vec(), mesh.triangles().to_vec())
                .unwrap()
                .is_closed()
    );
    let mut edges: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut around: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for &[a, b, c] in mesh.triangles() {
        assert!(a != b && b != c && c != a);
        for (from, to, rest) in [(a, b, c), (b, c, a), (c, a, b)] {
            assert!(edges.insert((from, to), rest).is_none(), "an edge branches");
            around.entry(from).or_default().push((to, rest));
        }
    }
    for (from, to) in edges.keys() {
        assert!(edges.contains_key(&(*to, *from)), "an edge is open");
    }
    for links in around.values() {
        let next: BTreeMap<u32, u32> = links.iter().copied().collect();
        let start = links[0].0;
        let (mut at, mut steps) = (next[&start], 1);
        while at != start {
            at = next[&at];
            steps += 1;
        }
        assert_eq!(steps, links.len(), "two sheets meet in a point");
    }
}

fn euler(mesh: &Mesh) -> isize {
    let (points, triangles) = (mesh.points().len(), mesh.triangles().len());
    points as isize - (triangles * 3 / 2) as isize + triangles as isize
}

#[test]
fn a_ball_has_a_balls_volume_area_and_radius_on_any_grid() {
    let (r, centre) = (8.0, DVec3::new(0.13, -0.07, 0.21));
    for grid in grids() {
        let mesh = mesh(&labels(grid, |p| p.distance(centre) <= r));
        assert_closed(&mesh);
        assert_eq!(euler(&mesh), 2);
        let volume = mesh.volume_mm3() / (4.0 / 3.0 * PI * r.powi(3));
        let area = mesh.area_mm2() / (4.0 * PI * r * r);
        assert!((volume - 1.0).abs() < 0.01, "volume {volume}");
        assert!((area - 1.0).abs() < 0.02, "area {area}");
        let farthest = (mesh.points().iter())
            .map(|p| (p.distance(centre) - r).abs())
            .fold(0.0, f64::max);
        // Half a slice is what the label itself knows.
        let coarsest = grid.spacing_mm().into_iter().fold(0.0, f64::max);
        assert!(farthest < 0.5 * coarsest, "{farthest} mm off");
        for (p, n) in mesh.points().iter().zip(mesh.normals()) {
            let outward = (*p - centre).normalize_or_zero().dot(*n);
            assert!(outward > 0.9, "a normal is {outward} along the radius");
        }
    }
}

#[test]
fn an_ellipsoid_keeps_its_axes() {
    let half = DVec3::new(9.0, 6.0, 4.0);
    for grid in grids() {
        let mesh = mesh(&labels(grid, |p| (p / half).length() <= 1.0));
        let volume = mesh.volume_mm3() / (4.0 / 3.0 * PI * half.x * half.y * half.z);
        assert!((volume - 1.0).abs() < 0.015, "volume {volume}");
        // Knud Thomsen's formula, good to 1.1 per cent.
        let [a, b, c] = half.to_array().map(|x| x.powf(1.6075));
        let area = 4.0 * PI * ((a * b + a * c + b * c) / 3.0).powf(1.0 / 1.6075);
        assert!(
            (mesh.area_mm2() / area - 1.0).abs() < 0.03,
            "area {}",
            mesh.area_mm2() / area
        );
        let [low, high] = mesh.bounds_mm().unwrap();
        let off = ((high - low) / 2.0 - half).abs().max_element();
        assert!(off < 0.5, "half axes are {off} mm off");
    }
}

#[test]
fn every_part_encloses_the_volume_of_its_voxels() {
    for grid in grids() {
        // Two balls, one of them hollow, and a bar that leaves the scan.
        let map = labels(grid, |p| {
            let hollow = p.distance(DVec3::new(4.0, 0.0, 0.0));
            (hollow < 5.5 && hollow > 2.5)
                || p.distance(DVec3::new(-6.0, 2.0, 1.0)) < 3.5
                || p.yz().distance(glam::DVec2::new(-8.0, 0.0)) < 1.3
        });
        let mesh = mesh(&map);
        assert_closed(&mesh);
        let voxels = map.count(VS) as f64 * grid.voxel_volume_mm3();
        assert!(
            (mesh.volume_mm3() / voxels - 1.0).abs() < 1e-3,
            "{} {voxels}",
            mesh.volume_mm3()
        );
        // Three closed surfaces without a handle and the hollow's wall.
        assert_eq!(euler(&mesh), 8);
    }
}

#[test]
fn a_ring_has_one_handle() {
    for grid in grids() {
        let map = labels(grid, |p| (p.xy().length() - 6.0).hypot(p.z) < 2.0);
        let mesh = mesh(&map);
        assert_closed(&mesh);
        assert_eq!(euler(&mesh), 0);
        let voxels = map.count(VS) as f64 * grid.voxel_volume_mm3();
        assert!((mesh.volume_mm3() / voxels - 1.0).abs() < 0.005);
        // Pappus; four slices through a tube of 4 mm know its volume no better.
        let area = 4.0 * PI * PI * 6.0 * 2.0;
        let ratio = mesh.area_mm2() / area;
        assert!((ratio - 1.0).abs() < 0.06, "area {ratio}");
    }
}

#[test]
fn the_surface_does_not_depend_on_how_the_scan_is_stored() {
    let inside = |p: DVec3| {
        (p / DVec3::new(7.0, 5.0, 6.0)).length() <= 1.0
            || p.distance(DVec3::new(6.0, 3.0, 2.0)) < 3.0
    };
    let tilt = DVec3::new(0.1, 0.2, -0.1);
    let of = |flip| {
        mesh(&labels(
            grid([40, 40, 20], [0.5, 0.5, 1.2], tilt, flip),
            inside,
        ))
    };
    let one = of([1.0; 3]);
    for flip in [[-1.0, 1.0, 1.0], [-1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]] {
        let other = of(flip);
        assert!((one.volume_mm3() - other.volume_mm3()).abs() < 1e-6);
        let apart = signed_distances_mm(&one, &other).unwrap();
        // Only the diagonals of polygons may differ.
        assert!(apart.iter().all(|d| d.abs() < 0.05));
    }
}

#[test]
fn several_structures_are_one_body() {
    let grid = grids()[0];
    let values = (0..grid.len())
        .map(|n| {
            let p = grid.point_in_world(grid.voxel(n));
            if p.length() > 7.0 {
                0
            } else {
                1 + u8::from(p.x > 1.0) * 2
            }
        })
        .collect();
    let map = LabelMap::new(grid, values, LabelTable::default()).unwrap();
    let both = [VS, Structure::Brainstem];
    let joined = surface_mesh(&map, &both, &mut unobserved).unwrap();
    assert_eq!(euler(&joined), 2);
    let each = surface_meshes(&map, &mut unobserved).unwrap();
    assert_eq!(each.iter().map(|(s, _)| *s).collect::<Vec<_>>(), both);
    let sum: f64 = each.iter().map(|(_, m)| m.volume_mm3()).sum();
    assert!((sum / joined.volume_mm3() - 1.0).abs() < 0.005);
}

#[test]
fn distances_between_balls_are_those_of_spheres() {
    let grid = grids()[0];
    let near = DVec3::new(-3.0, 1.0, 0.0);
    let (inner, outer) = (
        mesh(&labels(grid, |p| p.distance(near) <= 4.0)),
        mesh(&labels(grid, |p| p.length() <= 9.0)),
    );
    let out = signed_distances_mm(&inner, &outer).unwrap();
    for (p, d) in inner.points().iter().zip(out) {
        assert!((d - (p.length() - 9.0)).abs() < 0.25, "{d} at {p}");
    }
    let back = signed_distances_mm(&outer, &inner).unwrap();
    for (p, d) in outer.points().iter().zip(back) {
        assert!((d - (p.distance(near) - 4.0)).abs() < 0.25, "{d} at {p}");
    }
    assert!(signed_distances_mm(&inner, &Mesh::default()).is_none());
}

#[test]
fn the_nearest_point_is_the_one_that_brute_force_finds_and_its_side_is_right() {
    // A box with sharp edges: its distance is known everywhere.
    let half = DVec3::new(3.0, 2.0, 1.0);
    let corner = |n: usize| {
        half * DVec3::from_array([0, 1, 2].map(|a| if n >> a & 1 == 1 { 1.0 } else { -1.0 }))
    };
    let quads = [
        [0, 4, 6, 2],
        [1, 3, 7, 5],
        [0, 1, 5, 4],
        [2, 6, 7, 3],
        [0, 2, 3, 1],
        [4, 5, 7, 6],
    ];
    let triangles = (quads.iter())
        .flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]])
        .collect();
    let mesh = Mesh::new((0..8).map(corner).collect(), triangles).unwrap();
    assert_closed(&mesh);
    assert!((mesh.volume_mm3() - 48.0).abs() < 1e-12);
    let surface = NearestSurface::new(&mesh).unwrap();
    for n in 0..4000_usize {
        let at = |m: usize| (n * m % 997) as f64 / 997.0 - 0.5;
        let p = DVec3::new(at(331) * 10.0, at(577) * 8.0, at(811) * 6.0);
        let q = p.abs() - half;
        let expected = q.max(DVec3::ZERO).length() + q.max_element().min(0.0);
        let found = surface.signed_distance_mm(p);
        assert!((found - expected).abs() < 1e-9, "{found} {expected} at {p}");
        assert!((surface.nearest_point(p).distance(p) - expected.abs()).abs() < 1e-9);
    }
}

#[test]
fn a_moved_mesh_is_a_moved_body() {
    let map = labels(grids()[0], |p| p.length() <= 5.0);
    let motion = DAffine3::from_rotation_translation(
        DQuat::from_rotation_z(0.5),
        DVec3::new(3.0, -2.0, 100.0),
    );
    let (at_rest, moved) = (mesh(&map), mesh(&map).mapped(motion));
    assert!((at_rest.volume_mm3() - moved.volume_mm3()).abs() < 1e-9);
    let again = Mesh::new(moved.points().to_vec(), moved.triangles().to_vec()).unwrap();
    for (a, b) in moved.normals().iter().zip(again.normals()) {
        assert!(a.distance(*b) < 1e-9);
    }
}

#[test]
fn what_is_absent_too_scattered_or_stopped_is_no_mesh() {
    let grid = grid([80; 3], [1.0; 3], DVec3::ZERO, [1.0; 3]);
    let empty = labels(grid, |_| false);
    assert!(mesh(&empty).is_empty());
    let scattered = LabelMap::new(
        grid,
        (0..grid.len())
            .map(|n| u8::from(grid.voxel(n).iter().sum::<usize>() % 2 == 0))
            .collect(),
        LabelTable::default(),
    )
    .unwrap();
    let refused = surface_mesh(&scattered, &[VS], &mut unobserved);
    assert_eq!(refused, Err(MeshError::TooLarge { limit: MAX_POINTS }));
    let stopped = surface_mesh(&scattered, &[VS], &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped, Err(MeshError::Cancelled));
    // It reports up to its end and can be stopped at every report.
    let ball = labels(grids()[0], |p| p.length() <= 5.0);
    let mut reports = Vec::new();
    surface_meshes(&ball, &mut |p| {
        reports.push(p.fraction);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(reports.is_sorted() && reports.iter().all(|f| (0.0..=1.0).contains(f)));
    for last in [1, reports.len() / 2, reports.len()] {
        let mut left = last;
        let stopped = surface_meshes(&ball, &mut |_| {
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(stopped.err(), Some(MeshError::Cancelled));
    }
    let open = Mesh::new(vec![DVec3::ZERO; 3], vec![[0, 1, 2]]).unwrap();
    assert!(!open.is_closed());
    let corrupt = Mesh::new(vec![DVec3::ZERO; 3], vec![[0, 1, 3]]);
    assert_eq!(corrupt, Err(MeshError::Corrupt));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_label_has_a_closed_surface(
        values in prop::collection::vec(0_u8..3, 6 * 5 * 4),
        flip in any::<bool>(),
    ) {
        let flip = [if flip { -1.0 } else { 1.0 }, 1.0, 1.0];
        let grid = grid([6, 5, 4], [0.5, 0.5, 1.5], DVec3::new(0.1, 0.2, 0.3), flip);
        let map = LabelMap::new(grid, values, LabelTable::default()).unwrap();
        let mesh = mesh(&map);
        assert_closed(&mesh);
        prop_assert!(mesh.points().iter().all(|p| p.is_finite()));
        prop_assert!(mesh.is_empty() || mesh.volume_mm3() > 0.0);
    }
}
