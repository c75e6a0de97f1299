//! Pictures and statistics of the phantom for its documentation: `cargo run --release --example phantom_report -- FOLDER [PATIENTS_A_GRADE]`.
//!
//! Writes a sheet of pictures for each modality and one of look-alikes, and prints tables in Markdown.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use glam::{DAffine3, DVec3};
use image::RgbImage;
use schwann::{
    measure::{KoosGrade, Plane},
    phantom::{
        GridSpec, GrowthModel, Mimic, Modality, Patient, PatientSpec, Scan, Site, VisitSpec,
    },
    render::{figure, frame_through, point_of_interest},
    volume::{Side, Structure, unobserved},
};
use std::{collections::BTreeMap, f64::consts::PI, path::Path};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Edge of one picture: pixels and millimetres.
const PIXELS: u32 = 340;
const FIELD_MM: f64 = 110.0;
/// Patients of grades I to IV in the pictures.
const PICTURED: [u64; 4] = [3, 4, 5, 6];
/// Edge of the pictures of look-alikes, and how far before the porus their middle lies, mm.
const EAR_FIELD_MM: f64 = 60.0;
const NEAR_PORUS_MM: f64 = 4.0;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let count: u64 = arguments.next().map_or(Ok(25), |n| n.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (modality, name) in [(Modality::HrT2, "hrT2.png"), (Modality::CeT1, "ceT1.png")] {
        let mut rows = Vec::new();
        for site in Site::ALL {
            let mut row = Vec::new();
            for (seed, grade) in PICTURED.into_iter().zip(KoosGrade::ALL) {
                let spec = PatientSpec {
                    seed,
                    koos: Some(grade),
                    ..PatientSpec::default()
                };
                row.push(picture(&scan(
                    &Patient::new(&spec)?,
                    site,
                    modality,
                    seed,
                    None,
                )?));
            }
            rows.push(row);
        }
        sheet(&rows).save(folder.join(name))?;
    }
    let mut rows = Vec::new();
    for modality in [Modality::HrT2, Modality::CeT1] {
        let mut row = Vec::new();
        for (seed, mimic) in (21..).zip(Mimic::ALL) {
            let spec = PatientSpec {
                seed,
                side: Some(Side::Right),
                mimic: Some(mimic),
                ..PatientSpec::default()
            };
            let scan = scan(&Patient::new(&spec)?, Site::London, modality, seed, None)?;
            // In the cistern, before the right porus.
            let [_, porus] = scan.truth.porus;
            let before =
                DVec3::from_array(porus.point_mm) + NEAR_PORUS_MM * DVec3::from_array(porus.normal);
            row.push(picture_of(&scan, before, EAR_FIELD_MM));
        }
        rows.push(row);
    }
    sheet(&rows).save(folder.join("mimics.png"))?;
    tumours(count)?;
    growth();
    Ok(())
}

fn scan(
    patient: &Patient,
    site: Site,
    modality: Modality,
    seed: u64,
    grid: Option<GridSpec>,
) -> Result<Scan> {
    let visit = VisitSpec {
        years: 0.0,
        site,
        modality,
        seed,
        grid,
    };
    Ok(patient.scan(&visit, &mut unobserved)?)
}

fn picture(scan: &Scan) -> RgbImage {
    picture_of(scan, point_of_interest(&scan.labels), FIELD_MM)
}

/// An axial picture about a point (world, mm).
fn picture_of(scan: &Scan, point: DVec3, field_mm: f64) -> RgbImage {
    let frame = frame_through(&scan.labels, Plane::Axial, point);
    figure(&scan.volume, &scan.labels, (&frame, true), PIXELS, field_mm)
}

fn sheet(rows: &[Vec<RgbImage>]) -> RgbImage {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let mut sheet = RgbImage::new(columns * PIXELS, rows.len() as u32 * PIXELS);
    for (y, row) in (0_u32..).zip(rows) {
        for (x, picture) in (0_u32..).zip(row) {
            let at = (i64::from(x * PIXELS), i64::from(y * PIXELS));
            image::imageops::replace(&mut sheet, picture, at.0, at.1);
        }
    }
    sheet
}

/// One tumour as its label shows it.
struct Seen {
    volume_mm3: f64,
    extent_mm: DVec3,
    /// Centre less that of the cochlea of its side: medial, posterior, superior.
    from_cochlea_mm: DVec3,
    /// Surface of the ball of its volume over its own.
    sphericity: f64,
}

fn head_from_world(scan: &Scan) -> DAffine3 {
    let rows = scan.truth.world_from_head;
    let column = |c: usize| DVec3::new(rows[0][c], rows[1][c], rows[2][c]);
    DAffine3::from_cols(column(0), column(1), column(2), column(3)).inverse()
}

fn seen(scan: &Scan) -> Option<Seen> {
    let head = head_from_world(scan);
    let grid = scan.labels.grid();
    let points = |structure| -> Vec<DVec3> {
        let mask = scan.labels.mask(structure);
        (0..grid.len())
            .filter(|&n| mask[n])
            .map(|n| head.transform_point3(grid.point_in_world(grid.voxel(n))))
            .collect()
    };
    let middle = |points: &[DVec3]| points.iter().sum::<DVec3>() / points.len() as f64;
    let tumour = points(Structure::VestibularSchwannoma);
    if tumour.is_empty() {
        return None;
    }
    let centre = middle(&tumour);
    let outward = centre.x.signum();
    let mut cochlea = points(Structure::Cochlea);
    cochlea.retain(|p| p.x * outward > 0.0);
    let low = tumour.iter().copied().reduce(DVec3::min)?;
    let high = tumour.iter().copied().reduce(DVec3::max)?;
    let away = centre - middle(&cochlea);
    Some(Seen {
        volume_mm3: scan.truth.tumour_volume_mm3,
        extent_mm: high - low + DVec3::from_array(grid.spacing_mm()),
        from_cochlea_mm: DVec3::new(-away.x * outward, -away.y, away.z),
        sphericity: (36.0 * PI * scan.truth.tumour_volume_mm3.powi(2)).cbrt()
            / scan.truth.tumour_surface_mm2,
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Volumes by grade, and sizes and places by volume.
fn tumours(count: u64) -> Result<()> {
    let grid = GridSpec {
        shape: [200, 124, 88],
        spacing_mm: [0.5; 3],
    };
    let mut all = Vec::new();
    let mut turning = String::new();
    println!("| Koos | found | volume cm³: median | log-normal σ | cystic |");
    println!("| --- | --- | --- | --- | --- |");
    for grade in KoosGrade::ALL {
        let mut volumes = Vec::new();
        let (mut cystic, mut right) = (0, 0);
        let (mut shifts, mut turns) = (Vec::new(), Vec::new());
        for seed in 0..count {
            let spec = PatientSpec {
                seed: 500 + seed,
                koos: Some(grade),
                ..PatientSpec::default()
            };
            let scan = scan(
                &Patient::new(&spec)?,
                Site::London,
                Modality::HrT2,
                seed,
                Some(grid),
            )?;
            right += u64::from(scan.truth.koos == Some(grade));
            let tumour = scan.truth.drawn.tumour.as_ref();
            cystic += u64::from(tumour.is_some_and(|t| t.cyst_volume_mm3 > 0.0));
            shifts.push(scan.truth.brainstem_shift_mm);
            turns.push(scan.truth.brainstem_rotation_degrees / scan.truth.brainstem_shift_mm);
            volumes.push(scan.truth.tumour_volume_mm3.ln());
            all.extend(seen(&scan));
        }
        let mean = volumes.iter().sum::<f64>() / volumes.len() as f64;
        let variance = volumes.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        println!(
            "| {grade} | {right} of {count} | {:.3} | {:.2} | {cystic} |",
            median(volumes.iter().map(|v| v.exp() / 1000.0)),
            (variance / volumes.len() as f64).sqrt(),
        );
        if grade == KoosGrade::IV {
            turning = format!(
                "Grade IV: brainstem shifted by {:.1} mm, turned by {:.2} degrees per mm of it (medians)",
                median(shifts.into_iter()),
                median(turns.into_iter()),
            );
        }
    }
    println!("\n{turning}");
    println!(
        "\n| cm³ | tumours | medial–lateral × antero-posterior × cranio-caudal, mm | medial, posterior, superior of the cochlea, mm | sphericity |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for (low, high) in [(0.15, 0.5), (0.5, 1.5), (1.5, 4.0), (4.0, 99.0)] {
        let within: Vec<&Seen> = all
            .iter()
            .filter(|s| (low..high).contains(&(s.volume_mm3 / 1000.0)))
            .collect();
        let of = |f: fn(&Seen) -> f64| median(within.iter().map(|s| f(s)));
        println!(
            "| {low}–{high} | {} | {:.1} × {:.1} × {:.1} | {:.1}, {:.1}, {:.1} | {:.2} |",
            within.len(),
            of(|s| s.extent_mm.x),
            of(|s| s.extent_mm.y),
            of(|s| s.extent_mm.z),
            of(|s| s.from_cochlea_mm.x),
            of(|s| s.from_cochlea_mm.y),
            of(|s| s.from_cochlea_mm.z),
            of(|s| s.sphericity),
        );
    }
    Ok(())
}

/// How tumours of an observed cohort change: what part has grown by 20 % at some time within so many years.
fn growth() {
    let models: Vec<GrowthModel> = (0..4000).map(GrowthModel::drawn).collect();
    println!("\n| years | at least +20 % | at least -20 % |");
    println!("| --- | --- | --- |");
    for years in [1.0, 2.0, 4.1] {
        let share = |grown: fn(f64) -> bool| {
            let met = models
                .iter()
                .filter(|m| grown(m.volume(160.0, years) / 160.0));
            100.0 * met.count() as f64 / models.len() as f64
        };
        println!(
            "| {years} | {:.0} % | {:.0} % |",
            share(|r| r >= 1.2),
            share(|r| r <= 0.8)
        );
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for model in &models {
        let name = format!("{model:?}");
        let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
        *kinds.entry(name).or_default() += 1;
    }
    println!("\n{kinds:?}");
}
