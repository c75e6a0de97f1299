//! Pictures of a label map's surfaces from six sides, the tumour coloured by its distance to the brainstem, then with lines and cuts.
//! `cargo run --release --example surfaces -- labels.nii.gz FOLDER [PIXELS]`
#![expect(clippy::print_stdout, reason = "a program for developers")]
use glam::DVec3;
use schwann::{
    io::read_labels,
    measure::{Mesh, signed_distances_mm, surface_meshes},
    render::{
        OverlayStyle,
        scene::{Camera, ColourScale, Cut, CutMode, PlaneLine, Quality, Scene, Surface, ViewFrom},
    },
    volume::{LabelTable, Structure, unobserved},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

type Done = Result<(), Box<dyn std::error::Error>>;

/// What lies around the tumour is seen through.
const SHELL: f64 = 0.35;

/// Distance at the far end of the colours, mm.
const FAR_MM: f64 = 15.0;

struct Pictures {
    folder: PathBuf,
    size_px: [u32; 2],
}

impl Pictures {
    fn save(&self, scene: &Scene, camera: &Camera, name: &str) -> Done {
        let picture = scene.draw(camera, self.size_px, Quality::Smooth);
        Ok(picture.save(self.folder.join(format!("{}.png", name.replace(' ', "_"))))?)
    }
}

fn main() -> Done {
    let mut arguments = std::env::args().skip(1);
    let (Some(labels), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: surfaces LABELS FOLDER [PIXELS]".into());
    };
    let px: u32 = arguments.next().map_or(Ok(600), |n| n.parse())?;
    let (labels, _) = read_labels(Path::new(&labels), &LabelTable::default())?;
    std::fs::create_dir_all(&folder)?;
    let meshes = surface_meshes(&labels, &mut unobserved)?;
    for (structure, mesh) in &meshes {
        println!(
            "{structure}: {} triangles, {:.1} mm3, {:.1} mm2",
            mesh.triangles().len(),
            mesh.volume_mm3(),
            mesh.area_mm2()
        );
    }
    let of = |s: Structure| meshes.iter().find(|(m, _)| *m == s).map(|(_, m)| m);
    let tumour = of(Structure::VestibularSchwannoma);
    let pictures = Pictures {
        folder: PathBuf::from(folder),
        size_px: [px, px],
    };
    let mut scene = scene(&meshes, tumour.zip(of(Structure::Brainstem)));
    for from in ViewFrom::ALL {
        pictures.save(&scene, &scene.camera(from), from.words())?;
    }
    let Some([low, high]) = tumour.and_then(Mesh::bounds_mm) else {
        return Ok(());
    };
    let middle = (low + high) / 2.0;
    let near = Camera::new(ViewFrom::Front, middle, low.distance(high));
    pictures.save(&scene, &near, "near")?;
    cuts(&mut scene, middle, &pictures)
}

fn scene(meshes: &[(Structure, Mesh)], tumour_and_brainstem: Option<(&Mesh, &Mesh)>) -> Scene {
    let distances = tumour_and_brainstem.and_then(|(t, b)| signed_distances_mm(t, b));
    let colours: Option<Arc<[[u8; 3]]>> =
        distances.map(|d| ColourScale::distance_mm(FAR_MM).colours(&d).into());
    let style = OverlayStyle::default();
    let surface = |(structure, mesh): &(Structure, Mesh)| Surface {
        mesh: Arc::new(mesh.clone()),
        colour: style.structure(*structure).colour,
        point_colours: colours
            .clone()
            .filter(|_| *structure == Structure::VestibularSchwannoma),
        opacity: if *structure == Structure::Brainstem {
            SHELL
        } else {
            1.0
        },
    };
    Scene {
        surfaces: meshes.iter().map(surface).collect(),
        background: [18, 20, 24, 255],
        ..Scene::default()
    }
}

fn cuts(scene: &mut Scene, point: DVec3, pictures: &Pictures) -> Done {
    let front = scene.camera(ViewFrom::Front);
    let planes = [
        (DVec3::X * point.x.signum(), [255, 90, 90]),
        (DVec3::Y, [90, 255, 120]),
        (DVec3::Z, [90, 160, 255]),
    ];
    scene.lines = planes
        .map(|(normal, colour)| PlaneLine {
            point,
            normal,
            colour,
        })
        .to_vec();
    pictures.save(scene, &front, "lines")?;
    scene.surfaces.iter_mut().for_each(|s| s.opacity = 1.0);
    scene.cuts = planes.map(|(hidden, _)| Cut { point, hidden }).to_vec();
    scene.cut_mode = CutMode::Corner;
    let turned = front.turned([100.0 * point.x.signum(), 80.0], [600.0, 600.0]);
    pictures.save(scene, &turned, "corner")?;
    scene.cuts.retain(|c| c.hidden == DVec3::Y);
    pictures.save(scene, &front, "cut")
}
