//! Scans of phantom patients at two visits in known poses: `cargo run --release --example align_report -- FOLDER [HEADS]`.
//!
//! Every head lies in a scanner frame of its own at each visit, turned by up to 15° about each axis and moved by up to 20 mm along each.
//! Scans, labels and truth are kept in the folder, which `benches/align_peers.py` reads too. Prints a table in Markdown: the error at the
//! tumour, refusals and seconds for each kind of pair, and how many pairs of different heads are refused.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use glam::{DAffine3, DMat3, DQuat, DVec3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schwann::{
    io,
    measure::KoosGrade,
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{
        LabelMap, LabelTable, Structure, ToAlign, Verdict, Volume, register_rigid, unobserved,
    },
};
use std::{path::Path, time::Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Name, scanner, sequence, voxels and their edges in mm.
type Kind = (&'static str, Site, Modality, [usize; 3], [f64; 3]);

/// What is scanned of each head: the first is the scan that the others are aligned to.
const VISITS: [Kind; 4] = [
    (
        "fixed",
        Site::London,
        Modality::HrT2,
        [320, 320, 72],
        [0.547, 0.547, 1.5],
    ),
    (
        "same",
        Site::London,
        Modality::HrT2,
        [320, 320, 72],
        [0.547, 0.547, 1.5],
    ),
    (
        "site",
        Site::Tilburg,
        Modality::HrT2,
        [384, 384, 80],
        [0.4, 0.4, 1.0],
    ),
    (
        "ceT1",
        Site::London,
        Modality::CeT1,
        [384, 384, 80],
        [0.41, 0.41, 1.5],
    ),
];

/// A pose of a head in a scanner.
fn pose(random: &mut ChaCha8Rng, degrees: f64, mm: f64) -> DAffine3 {
    let mut within = |limit: f64| random.random_range(-limit..=limit);
    let [x, y, z] = [0; 3].map(|_| within(degrees).to_radians());
    let turn = DQuat::from_rotation_x(x) * DQuat::from_rotation_y(y) * DQuat::from_rotation_z(z);
    DAffine3::from_rotation_translation(turn, DVec3::new(within(mm), within(mm), within(mm)))
}

/// Scans a head at all visits; what is there already is kept.
fn scan(folder: &Path, head: u64) -> Result<()> {
    let spec = PatientSpec {
        seed: 9000 + head,
        koos: Some(KoosGrade::ALL[head as usize % 4]),
        annual_growth_percent: Some(40.0),
        ..PatientSpec::default()
    };
    let mut patient = None;
    for (n, (name, site, modality, shape, spacing_mm)) in VISITS.into_iter().enumerate() {
        let path = |ending: &str| folder.join(format!("{head:02}_{name}{ending}"));
        if path(".json").exists() {
            continue;
        }
        let patient = match &mut patient {
            Some(patient) => patient,
            none => none.insert(Patient::new(&spec)?),
        };
        let mut random = ChaCha8Rng::seed_from_u64(100 * head + n as u64);
        let world_from_head = if n == 0 {
            pose(&mut random, 2.0, 3.0)
        } else {
            pose(&mut random, 15.0, 20.0)
        };
        let visit = VisitSpec {
            years: if n == 0 { 0.0 } else { 1.5 },
            site,
            modality,
            seed: 100 * head + n as u64,
            grid: Some(GridSpec { shape, spacing_mm }),
        };
        let scan = patient.scan_in_pose(&visit, world_from_head, &mut unobserved)?;
        io::write_volume(&path(".nii"), &scan.volume)?;
        io::write_labels(&path("_labels.nii.gz"), &scan.labels)?;
        let truth = serde_json::to_vec(&scan.truth.world_from_head)?;
        io::write_atomically(&path(".json"), |w| w.write_all(&truth))?;
        println!("{}", path("").display());
    }
    Ok(())
}

/// A transform from its rows.
fn transform(rows: [[f64; 4]; 4]) -> DAffine3 {
    let [x, y, z, _] = rows;
    let turn = DMat3::from_cols_array_2d(&[x, y, z].map(|r| [r[0], r[1], r[2]])).transpose();
    DAffine3::from_mat3_translation(turn, DVec3::new(x[3], y[3], z[3]))
}

/// One visit of a head.
struct Visit {
    scan: Volume,
    labels: LabelMap,
    world_from_head: DAffine3,
}

impl Visit {
    fn load(folder: &Path, head: u64, name: &str) -> Result<Self> {
        let path = |ending: &str| folder.join(format!("{head:02}_{name}{ending}"));
        Ok(Self {
            world_from_head: transform(serde_json::from_slice(&std::fs::read(path(".json"))?)?),
            scan: io::read_volume(&path(".nii"), &mut unobserved)?.0,
            labels: io::read_labels(&path("_labels.nii.gz"), &LabelTable::default())?.0,
        })
    }

    /// What is left when parts of the field of view at the lower and the upper end of each axis are cut away.
    fn cropped(&self, low: [f64; 3], high: [f64; 3]) -> Result<Self> {
        let shape = self.scan.grid().shape();
        let first = [0, 1, 2].map(|a| (low[a] * shape[a] as f64) as usize);
        let size = [0, 1, 2].map(|a| ((1.0 - high[a]) * shape[a] as f64) as usize - first[a]);
        let scan = self.scan.cropped(first, size)?;
        let grid = *scan.grid();
        let labels = (0..grid.len())
            .map(|n| {
                let v = grid.voxel(n);
                let at = [0, 1, 2].map(|a| v[a] + first[a]);
                self.labels.labels()[self.labels.grid().index(at)]
            })
            .collect();
        Ok(Self {
            labels: LabelMap::new(grid, labels, self.labels.table().clone())?,
            scan,
            world_from_head: self.world_from_head,
        })
    }
}

/// What came out for one pair.
struct Row {
    error_mm: f64,
    seconds: f64,
    aligned: bool,
}

fn align(fixed: &Visit, moving: &Visit, outlined: bool) -> Result<Row> {
    let [a, b] = [fixed, moving].map(|v| ToAlign {
        scan: &v.scan,
        labels: outlined.then_some(&v.labels),
    });
    let started = Instant::now();
    let found = register_rigid(a, b, &mut unobserved)?;
    let seconds = started.elapsed().as_secs_f64();
    let truth = moving.world_from_head * fixed.world_from_head.inverse();
    let grid = fixed.labels.grid();
    let mask = fixed.labels.mask(Structure::VestibularSchwannoma);
    let (mut sum, mut count) = (0.0, 0.0);
    for (n, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        let p = grid.point_in_world(grid.voxel(n));
        let found = found.registration.world_moving_from_world_fixed;
        sum += found
            .transform_point3(p)
            .distance(truth.transform_point3(p));
        count += 1.0;
    }
    Ok(Row {
        error_mm: sum / f64::max(count, 1.0),
        seconds,
        aligned: found.verdict == Verdict::Aligned,
    })
}

fn print_row(kind: &str, outlined: bool, mut rows: Vec<Row>) {
    rows.sort_by(|a, b| a.error_mm.total_cmp(&b.error_mm));
    let mut seconds: Vec<f64> = rows.iter().map(|r| r.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let Some(last) = rows.last() else { return };
    println!(
        "| {kind}{} | {} | {:.3} | {:.3} | {} | {} | {:.2} |",
        if outlined { ", outlined" } else { "" },
        rows.len(),
        rows[rows.len() / 2].error_mm,
        last.error_mm,
        rows.iter().filter(|r| r.error_mm > 0.3).count(),
        rows.iter().filter(|r| !r.aligned).count(),
        seconds[seconds.len() / 2],
    );
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let heads: u64 = arguments.next().map_or(Ok(25), |n| n.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for head in 0..heads {
        scan(folder, head)?;
    }
    println!("| pair | pairs | median error mm | largest | over 0.3 mm | refused | seconds |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for outlined in [false, true] {
        for kind in ["same", "site", "ceT1", "cropped"] {
            let mut rows = Vec::new();
            for head in 0..heads {
                let fixed = Visit::load(folder, head, "fixed")?;
                let (fixed, moving) = if kind == "cropped" {
                    let name = if head % 2 == 0 { "same" } else { "site" };
                    let moving = Visit::load(folder, head, name)?;
                    let cut = |n: u64, most: f64| most * ((head * 7 + n * 5) % 9) as f64 / 9.0;
                    (
                        fixed.cropped(
                            [cut(1, 0.15), cut(2, 0.15), cut(3, 0.2)],
                            [cut(4, 0.15), 0.15, cut(5, 0.1)],
                        )?,
                        moving.cropped(
                            [cut(6, 0.15), 0.1, cut(7, 0.1)],
                            [cut(8, 0.1), cut(9, 0.15), cut(10, 0.2)],
                        )?,
                    )
                } else {
                    (fixed, Visit::load(folder, head, kind)?)
                };
                rows.push(align(&fixed, &moving, outlined)?);
            }
            print_row(kind, outlined, rows);
        }
    }
    let mut rows = Vec::new();
    for n in 0..50 {
        let head = n % heads;
        let other = (head + 1 + n / heads) % heads;
        if other != head {
            let name = ["same", "site", "ceT1"][n as usize % 3];
            let fixed = Visit::load(folder, head, "fixed")?;
            rows.push(align(&fixed, &Visit::load(folder, other, name)?, false)?);
        }
    }
    print_row("different heads", false, rows);
    Ok(())
}
