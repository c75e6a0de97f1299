//! Errors of the Koos evidence against the phantom's exact truth: `cargo run --release --example koos_report -- [HEADS] [FIRST_SEED]`.
//!
//! True labels at the resolution of both sites, every grade in turn. Prints a line a head and tables in Markdown.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use glam::{DAffine3, DVec3};
use schwann::{
    measure::{
        Boundary, CleftVerdict, HeadAxes, KoosBasis, KoosEvidence, KoosGrade, KoosStructure,
    },
    phantom::{Modality, Patient, PatientSpec, Region, Scan, Site, VisitSpec},
    volume::{LabelMap, LabelTable, Sequence, Structure, unobserved},
};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One head: grade, and each measure beside its truth.
struct Case {
    koos: KoosGrade,
    rows: Vec<(&'static str, Option<f64>, f64)>,
    cleft: Option<CleftVerdict>,
    gap_mm: f64,
    contact_mm2: f64,
    seconds: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let heads: u64 = arguments.next().map_or(Ok(48), |n| n.parse())?;
    let first: u64 = arguments.next().map_or(Ok(9000), |n| n.parse())?;
    let mut cases = Vec::new();
    for n in 0..heads {
        let koos = KoosGrade::ALL[n as usize % 4];
        let site = Site::ALL[(n / 4) as usize % 2];
        let Ok(scan) = scan(first + n, koos, site) else {
            println!("{n}: no such head");
            continue;
        };
        cases.push(case(&scan, koos));
        let c = &cases[cases.len() - 1];
        print!("{n} {koos} {site:?} {:.2}s", c.seconds);
        for (name, found, truth) in &c.rows {
            let found = found.map_or_else(|| "-".to_owned(), |f| format!("{f:.2}"));
            print!(" | {name} {found}/{truth:.2}");
        }
        println!(" | {:?}", c.cleft);
    }
    summary(&cases);
    Ok(())
}

fn scan(seed: u64, koos: KoosGrade, site: Site) -> Result<Scan> {
    let spec = PatientSpec {
        seed,
        koos: Some(koos),
        ..PatientSpec::default()
    };
    let visit = VisitSpec {
        years: 0.0,
        site,
        modality: Modality::HrT2,
        seed,
        grid: None,
    };
    Ok(Patient::new(&spec)?.scan(&visit, &mut unobserved)?)
}

fn case(scan: &Scan, koos: KoosGrade) -> Case {
    let started = Instant::now();
    let basis = KoosBasis::with_scan(&scan.labels, &scan.volume, Sequence::HrT2);
    let seconds = started.elapsed().as_secs_f64();
    let e = basis.assess(None).evidence;
    let t = &scan.truth;
    let mut rows = vec![
        (
            "gap",
            e.brainstem_gap_mm,
            t.brainstem_gap_mm.unwrap_or(f64::NAN),
        ),
        ("area", e.contact_area_mm2, t.contact_area_mm2),
        ("length", e.contact_length_mm, t.contact_length_mm),
        ("indent", e.indentation_mm, t.mirrored_indentation_mm),
        ("shift", e.brainstem_shift_mm, t.brainstem_shift_mm),
        (
            "turn",
            e.brainstem_rotation_degrees,
            t.brainstem_axis_rotation_degrees,
        ),
        (
            "4V shift",
            e.fourth_ventricle_shift_mm,
            t.fourth_ventricle_shift_mm,
        ),
        (
            "4V area",
            e.fourth_ventricle_area_mm2,
            t.fourth_ventricle_area_mm2,
        ),
        (
            "4V asymmetry",
            e.fourth_ventricle_asymmetry,
            t.fourth_ventricle_asymmetry,
        ),
        ("pons low", pons_mm(scan, 0), t.pons_levels_mm[0]),
        ("pons high", pons_mm(scan, 1), t.pons_levels_mm[1]),
    ];
    rows.extend(parts(scan, &e));
    Case {
        koos,
        rows,
        cleft: e.cleft.as_ref().map(|c| c.verdict),
        gap_mm: t.brainstem_gap_mm.unwrap_or(f64::NAN),
        contact_mm2: t.contact_area_mm2,
        seconds,
    }
}

/// An end of the pons by rule in the head frame, mm.
fn pons_mm(scan: &Scan, end: usize) -> Option<f64> {
    let axes = HeadAxes::of(&scan.labels)?;
    let [Some(left), Some(right)] = axes.cochleae else {
        return None;
    };
    let scale = left.distance(right) / 69.5;
    let rows = scan.truth.world_from_head;
    let column = |c: usize| DVec3::new(rows[0][c], rows[1][c], rows[2][c]);
    let world = DAffine3::from_cols(column(0), column(1), column(2), column(3));
    // On the pons's side, where the truth's seams are.
    let place = world.transform_point3(DVec3::new(0.0, -5.0, 0.0));
    let height = [-0.9, 22.4][end] * scale;
    let at = place + axes.superior * (height - axes.height_mm(place));
    Some(world.inverse().transform_point3(at).z)
}

/// Distances to the parts of the cerebellum, beside those of the scan's own anatomy map.
fn parts(scan: &Scan, e: &KoosEvidence) -> Vec<(&'static str, Option<f64>, f64)> {
    let Some(side) = e.side else {
        return Vec::new();
    };
    let tumour = Boundary::of(&scan.labels, Structure::VestibularSchwannoma);
    let table = LabelTable::default();
    let cerebellum = table.value(Structure::Cerebellum).unwrap_or(6);
    let all = [
        (
            "same side",
            KoosStructure::CerebellumSameSide,
            Region::Cerebellum(side),
        ),
        (
            "other side",
            KoosStructure::CerebellumOtherSide,
            Region::Cerebellum(side.other()),
        ),
        ("vermis", KoosStructure::Vermis, Region::Vermis),
    ];
    let row = |(name, structure, region): (&'static str, KoosStructure, Region)| {
        let only = (scan.regions.iter()).map(|&r| if r == region.value() { cerebellum } else { 0 });
        let only = LabelMap::new(*scan.labels.grid(), only.collect(), table.clone()).ok()?;
        let nearest = tumour.nearest_in(&Boundary::of(&only, Structure::Cerebellum))?;
        let truth = nearest
            .iter()
            .map(|(mm, _)| *mm)
            .fold(f64::INFINITY, f64::min);
        let found = e.neighbours.iter().find(|n| n.structure == structure);
        Some((name, found.map(|n| n.distance_mm), truth))
    };
    all.into_iter().filter_map(row).collect()
}

fn summary(cases: &[Case]) {
    println!("\n| measure | heads | mean error | mean absolute | 95 % within | worst |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let names: Vec<&str> = cases
        .first()
        .map_or_else(Vec::new, |c| c.rows.iter().map(|r| r.0).collect());
    for (n, name) in names.iter().enumerate() {
        let mut errors: Vec<f64> = (cases.iter())
            .filter_map(|c| c.rows.get(n))
            .filter_map(|r| Some(r.1? - r.2))
            .filter(|e| e.is_finite())
            .collect();
        let count = errors.len();
        let mean = errors.iter().sum::<f64>() / count as f64;
        for e in &mut errors {
            *e = e.abs();
        }
        errors.sort_by(f64::total_cmp);
        let absolute = errors.iter().sum::<f64>() / count as f64;
        let at = |part: f64| {
            errors
                .get((part * (count as f64 - 1.0)).round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        println!(
            "| {name} | {count} | {mean:+.2} | {absolute:.2} | {:.2} | {:.2} |",
            at(0.95),
            at(1.0)
        );
    }
    let mut relative: Vec<f64> = (cases.iter())
        .filter(|c| c.contact_mm2 >= 10.0)
        .filter_map(|c| Some(c.rows[1].1? / c.contact_mm2 - 1.0))
        .collect();
    relative.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let within = relative.iter().filter(|r| r.abs() <= 0.2).count();
    println!(
        "\ncontact area within 20 %: {within} of {}; mean {:+.2}, worst {:+.2}",
        relative.len(),
        relative.iter().sum::<f64>() / relative.len() as f64,
        relative.last().unwrap_or(&f64::NAN)
    );
    for (name, of) in [
        (
            "contact of 10 mm² and more",
            Box::new(|c: &Case| c.contact_mm2 >= 10.0) as Box<dyn Fn(&Case) -> bool>,
        ),
        (
            "gap below 0.5 mm",
            Box::new(|c: &Case| c.contact_mm2 < 10.0 && c.gap_mm < 0.5),
        ),
        (
            "gap 0.5 to 1 mm",
            Box::new(|c: &Case| (0.5..1.0).contains(&c.gap_mm)),
        ),
        ("gap of 1 mm and more", Box::new(|c: &Case| c.gap_mm >= 1.0)),
    ] {
        let count = |v| cases.iter().filter(|c| of(c) && c.cleft == v).count();
        println!(
            "{name}: seen {}, none {}, cannot be told {}, not tested {}",
            count(Some(CleftVerdict::Seen)),
            count(Some(CleftVerdict::None)),
            count(Some(CleftVerdict::CannotBeTold)),
            count(None)
        );
    }
    let slowest = cases.iter().map(|c| c.seconds).fold(0.0, f64::max);
    let by_grade = |g| cases.iter().filter(|c| c.koos == g).count();
    println!(
        "slowest {slowest:.2} s; heads by grade {:?}",
        KoosGrade::ALL.map(by_grade)
    );
}
