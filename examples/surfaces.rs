//! Pictures of a label map's surfaces from six sides, with cuts, and coloured by distance to the brainstem.
//! `cargo run --release --example surfaces -- labels.nii.gz FOLDER [PIXELS]`
#![expect(clippy::print_stdout, reason = "a program for developers")]
use schwann::{
    io::read_labels,
    measure::{Mesh, signed_distances_mm, surface_meshes},
    render::{
        OverlayStyle,
        scene::{ColourScale, Cut, CutMode, PlaneLine, Quality, Scene, Surface, ViewFrom},
    },
    volume::{LabelTable, Structure, unobserved},
};
use std::{path::Path, sync::Arc, time::Instant};

/// What lies around the tumour is seen through.
const SHELL: f64 = 0.35;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(labels), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: surfaces LABELS FOLDER [PIXELS]".into());
    };
    let px: u32 = arguments.next().map_or(Ok(600), |n| n.parse())?;
    let (labels, _) = read_labels(Path::new(&labels), &LabelTable::default())?;
    std::fs::create_dir_all(&folder)?;
    let start = Instant::now();
    let meshes = surface_meshes(&labels, &mut unobserved)?;
    println!("meshes: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    for (structure, mesh) in &meshes {
        println!(
            "{structure}: {} triangles, {:.1} mm3 of {:.1}, {:.1} mm2",
            mesh.triangles().len(),
            mesh.volume_mm3(),
            labels.count(*structure) as f64 * labels.grid().voxel_volume_mm3(),
            mesh.area_mm2()
        );
    }
    let of = |s: Structure| meshes.iter().find(|(m, _)| *m == s).map(|(_, m)| m);
    let tumour = of(Structure::VestibularSchwannoma);
    let start = Instant::now();
    let distances = tumour
        .zip(of(Structure::Brainstem))
        .and_then(|(t, b)| signed_distances_mm(t, b));
    println!("distances: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let scale = ColourScale::distance_mm(15.0);
    println!("ticks: {:?}", scale.ticks(5));
    let style = OverlayStyle::default();
    let surface = |(structure, mesh): &(Structure, Mesh)| Surface {
        mesh: Arc::new(mesh.clone()),
        colour: style.structure(*structure).colour,
        point_colours: (*structure == Structure::VestibularSchwannoma)
            .then(|| distances.as_ref().map(|d| scale.colours(d).into()))
            .flatten(),
        opacity: if *structure == Structure::Brainstem {
            SHELL
        } else {
            1.0
        },
    };
    let plain = Scene {
        surfaces: meshes.iter().map(surface).collect(),
        background: [18, 20, 24, 255],
        ..Scene::default()
    };
    let save = |scene: &Scene,
                from: ViewFrom,
                zoom: f64,
                name: &str|
     -> Result<(), Box<dyn std::error::Error>> {
        let mut camera = scene.camera(from);
        if let Some([low, high]) = tumour.and_then(|t| t.bounds_mm()).filter(|_| zoom > 1.0) {
            camera.frame.centre = (low + high) / 2.0;
            camera.field_mm /= zoom;
        }
        let start = Instant::now();
        let picture = scene.draw(&camera, [px, px], Quality::Smooth);
        let smooth = start.elapsed().as_secs_f64() * 1e3;
        let start = Instant::now();
        scene.draw(&camera, [px, px], Quality::Draft);
        let draft = start.elapsed().as_secs_f64() * 1e3;
        println!("{name}: {smooth:.1} ms, draft {draft:.1} ms");
        Ok(picture.save(Path::new(&folder).join(format!("{name}.png")))?)
    };
    for from in ViewFrom::ALL {
        save(&plain, from, 1.0, &from.words().replace(' ', "_"))?;
    }
    save(&plain, ViewFrom::Front, 2.5, "near")?;
    let mut solid = plain.clone();
    solid.surfaces.iter_mut().for_each(|s| s.opacity = 1.0);
    save(&solid, ViewFrom::Front, 1.0, "solid")?;
    let Some([low, high]) = tumour.and_then(Mesh::bounds_mm) else {
        return Ok(());
    };
    let point = (low + high) / 2.0;
    let axes = [glam::DVec3::X, glam::DVec3::Y, glam::DVec3::Z];
    let colours = [[255, 90, 90], [90, 255, 120], [90, 160, 255]];
    solid.lines = (axes.iter().zip(colours))
        .map(|(&normal, colour)| PlaneLine {
            point,
            normal,
            colour,
        })
        .collect();
    save(&solid, ViewFrom::Front, 1.0, "lines")?;
    solid.cuts = vec![Cut {
        point,
        hidden: glam::DVec3::Y,
    }];
    save(&solid, ViewFrom::Front, 1.0, "cut")?;
    solid.cuts = (axes.iter())
        .map(|&hidden| Cut {
            point,
            hidden: if hidden == glam::DVec3::X && point.x < 0.0 {
                -hidden
            } else {
                hidden
            },
        })
        .collect();
    solid.cut_mode = CutMode::Corner;
    let mut turned = solid
        .camera(ViewFrom::Front)
        .turned([-100.0 * point.x.signum(), 80.0], [600.0, 600.0]);
    turned.field_mm *= 0.8;
    let picture = solid.draw(&turned, [px, px], Quality::Smooth);
    picture.save(Path::new(&folder).join("corner.png"))?;
    Ok(())
}
