//! Time of the surfaces of a whole scan's labels, of the distances between them, and of pictures of them. `cargo bench --bench surface`
//!
//! There is no peer in this run: the numbers to hold are 300 ms for the meshes and 40 ms for a picture, on two cores.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for developers"
)]
use glam::DVec3;
use schwann::{
    measure::{
        GrowthDirections, KoosBasis, KoosGrade, Mesh, growth_map, signed_distances_mm,
        surface_mesh, surface_meshes,
    },
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    render::scene::{Cut, Quality, Scene, Surface, ViewFrom},
    volume::{Grid, LabelMap, LabelTable, Structure, unobserved},
};
use std::{sync::Arc, time::Instant};

const REPETITIONS: usize = 15;
const SIZE_PX: [u32; 2] = [600, 600];

/// Fastest of some runs, milliseconds.
fn row(name: &str, mut run: impl FnMut()) {
    let fastest = (0..REPETITIONS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::INFINITY, f64::min);
    println!("| {name} | {fastest:.1} |");
}

/// A patient of Koos III on the larger London matrix.
fn labels() -> LabelMap {
    let patient = Patient::new(&PatientSpec {
        seed: 7,
        koos: Some(KoosGrade::III),
        ..PatientSpec::default()
    })
    .expect("a patient");
    let visit = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality: Modality::HrT2,
        seed: 7,
        grid: Some(GridSpec {
            shape: [448, 448, 80],
            spacing_mm: [0.469, 0.469, 1.5],
        }),
    };
    patient
        .scan(&visit, &mut unobserved)
        .expect("a scan")
        .labels
}

/// A ball of about 100 000 triangles.
fn ball() -> Mesh {
    let grid = Grid::axis_aligned([150; 3], [0.5; 3], DVec3::splat(-37.25)).expect("a grid");
    let inside = |n| u8::from(grid.point_in_world(grid.voxel(n)).length() <= 26.0);
    let values = (0..grid.len()).map(inside).collect();
    let labels = LabelMap::new(grid, values, LabelTable::default()).expect("a map");
    let structures = [Structure::VestibularSchwannoma];
    surface_mesh(&labels, &structures, &mut unobserved).expect("a mesh")
}

fn scene(meshes: impl IntoIterator<Item = Mesh>) -> Scene {
    let surface = |mesh| Surface {
        mesh: Arc::new(mesh),
        colour: [200, 160, 90],
        point_colours: None,
        opacity: 1.0,
    };
    Scene {
        surfaces: meshes.into_iter().map(surface).collect(),
        ..Scene::default()
    }
}

fn pictures(name: &str, mut scene: Scene) {
    let camera = scene.camera(ViewFrom::Front);
    let triangles: usize = (scene.surfaces.iter())
        .map(|s| s.mesh.triangles().len())
        .sum();
    let rows = |what: &str, scene: &Scene| {
        for (quality, word) in [(Quality::Draft, "draft"), (Quality::Smooth, "smooth")] {
            row(
                &format!("{name}, {triangles} triangles, {what}, {word}"),
                || {
                    std::hint::black_box(scene.draw(&camera, SIZE_PX, quality));
                },
            );
        }
    };
    rows("whole", &scene);
    scene.cuts = vec![Cut {
        point: camera.frame.centre,
        hidden: DVec3::Y,
    }];
    rows("cut", &scene);
    scene.cuts.clear();
    scene.surfaces.iter_mut().for_each(|s| s.opacity = 0.4);
    rows("translucent", &scene);
    row(&format!("{name}, a click"), || {
        std::hint::black_box(scene.pick(&camera, SIZE_PX, [300.0, 300.0]));
    });
}

fn main() {
    let labels = labels();
    println!("| what | milliseconds |");
    println!("| --- | --- |");
    row("meshes of a scan of 448 x 448 x 80", || {
        std::hint::black_box(surface_meshes(&labels, &mut unobserved).expect("meshes"));
    });
    let meshes = surface_meshes(&labels, &mut unobserved).expect("meshes");
    let of = |s: Structure| meshes.iter().find(|(m, _)| *m == s).map(|(_, m)| m);
    let (tumour, brainstem) = of(Structure::VestibularSchwannoma)
        .zip(of(Structure::Brainstem))
        .expect("both are there");
    row("distances from the tumour to the brainstem", || {
        std::hint::black_box(signed_distances_mm(tumour, brainstem));
    });
    let basis = KoosBasis::of(&labels);
    row("what does not depend on the porus plane", || {
        std::hint::black_box(KoosBasis::of(&labels));
    });
    let plane = (basis.tumour().and_then(|t| t.porus_plane())).expect("a porus plane");
    row("sizes and grade at a moved porus plane", || {
        let moved = plane.moved(1.0);
        std::hint::black_box((
            basis.tumour().map(|t| t.measures(Some(&moved))),
            basis.assess(Some(&moved)),
        ));
    });
    row("growth map of a tumour", || {
        let directions = GrowthDirections::default();
        std::hint::black_box(growth_map(tumour, tumour, &directions));
    });
    pictures("head", scene(meshes.iter().map(|(_, m)| m.clone())));
    pictures("ball", scene([ball()]));
}
