//! Earlier and later outlines of real patients as visits: are the verdicts sensible? Skipped where the outlines are absent. Run with
//! `--nocapture` for the table of `docs/growth.md`.
use super::patient_cases::visit;
use chrono::{Days, NaiveDate};
use schwann::{
    measure::Verdict,
    patient::{Change, Comparability, ReviewState, Visit, assess},
    volume::Sequence,
};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/vs_contours");
/// Contours whose planes lie closer together share one, mm.
const SAME_PLANE: f64 = 0.2;

type Point = [f64; 3];

/// What is measured on contours, mm and mm³.
struct Outlined {
    volume: f64,
    diameter: f64,
    slice: f64,
}

fn dot(a: Point, b: Point) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn cross(a: Point, b: Point) -> Point {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// Half the sum of the cross products of neighbours: as long as the area, across the plane.
fn area_vector(contour: &[Point]) -> Point {
    let mut sum = [0.0; 3];
    for (n, a) in contour.iter().enumerate() {
        let c = cross(*a, contour[(n + 1) % contour.len()]);
        for (s, c) in sum.iter_mut().zip(c) {
            *s += c / 2.0;
        }
    }
    sum
}

/// Planimetry: areas of the planes times their median distance. None for fewer than three planes.
fn measured(contours: &[Vec<Point>]) -> Option<Outlined> {
    let areas: Vec<Point> = contours.iter().map(|c| area_vector(c)).collect();
    let largest = *areas
        .iter()
        .max_by(|a, b| dot(**a, **a).total_cmp(&dot(**b, **b)))?;
    let normal = largest.map(|x| x / dot(largest, largest).sqrt());
    let mut planes: Vec<(f64, f64, Vec<Point>)> = Vec::new();
    let mut placed: Vec<(f64, f64, &Vec<Point>)> = (contours.iter().zip(&areas))
        .filter(|(c, _)| c.len() >= 3)
        .map(|(c, a)| {
            let at = c.iter().map(|p| dot(*p, normal)).sum::<f64>() / c.len() as f64;
            (at, dot(*a, *a).sqrt(), c)
        })
        .collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at, area, contour) in placed {
        match planes.last_mut() {
            Some(plane) if at - plane.0 < SAME_PLANE => {
                plane.1 += area;
                plane.2.extend(contour);
            }
            _ => planes.push((at, area, contour.clone())),
        }
    }
    let mut steps: Vec<f64> = planes.windows(2).map(|p| p[1].0 - p[0].0).collect();
    steps.sort_by(f64::total_cmp);
    if steps.len() < 2 {
        return None;
    }
    let slice = steps[steps.len() / 2];
    let distance = |a: &Point, b: &Point| {
        let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        dot(d, d).sqrt()
    };
    let diameter = (planes.iter())
        .flat_map(|(_, _, points)| {
            points
                .iter()
                .flat_map(move |a| points.iter().map(move |b| distance(a, b)))
        })
        .fold(0.0, f64::max);
    Some(Outlined {
        volume: slice * planes.iter().map(|p| p.1).sum::<f64>(),
        diameter,
        slice,
    })
}

/// Years that the name of an outline tells: `Vol 2y`, `Vol2.5y`, `Vol20mo`, `Vol3m`.
fn years(name: &str) -> Option<f64> {
    let name = name.to_lowercase().replace("t2", "");
    let rest = name.strip_prefix("vol")?.trim();
    let at = rest.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = rest.split_at(at);
    let number: f64 = number.trim().parse().ok()?;
    match unit.chars().next()? {
        'y' => Some(number),
        'm' => Some(number / 12.0),
        _ => None,
    }
}

/// What the name of the series that an outline was drawn on tells of the sequence.
fn sequence(drawn_on: &str) -> Sequence {
    let name = drawn_on.to_uppercase();
    if name.contains("CISS") || name.contains("T2") {
        Sequence::HrT2
    } else if name.contains("T1") {
        Sequence::CeT1
    } else {
        Sequence::Unknown
    }
}

fn outlined_visit(structure: &Value, date: NaiveDate) -> Option<Visit> {
    let contours: Vec<Vec<Point>> =
        serde_json::from_value(structure["contours_lps_mm"].clone()).unwrap();
    let outlined = measured(&contours)?;
    let mut visit = visit(&date.to_string(), outlined.volume);
    visit.slice_thickness_mm = outlined.slice;
    visit.sequence = sequence(structure["drawn_on"].as_str().unwrap_or_default());
    visit.finding.provenance.model = None;
    visit.finding.provenance.state = ReviewState::Imported;
    let tumour = visit.finding.tumour.as_mut().unwrap();
    tumour.max_axial_diameter_mm = outlined.diameter;
    tumour.max_diameter_3d_mm = outlined.diameter;
    Some(visit)
}

/// The outline of the day of treatment and each later one whose name tells the years, as one change.
fn changes() -> Vec<Change> {
    let treated: NaiveDate = "2010-01-01".parse().unwrap();
    let mut found = Vec::new();
    let mut files: Vec<_> = Path::new(FOLDER)
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let structures = record["structures"].as_array().unwrap();
        let Some(first) = structures
            .iter()
            .find(|s| s["structure"] == "vestibular_schwannoma")
            .and_then(|s| outlined_visit(s, treated))
        else {
            continue;
        };
        for other in structures.iter().filter(|s| s["structure"] == "other") {
            let name = other["name_in_source"].as_str().unwrap_or_default();
            let Some(years) = years(name) else { continue };
            let date = treated + Days::new((years * 365.25).round() as u64);
            if let Some(later) = outlined_visit(other, date) {
                let visits = [first.clone(), later];
                let mut assessment = assess(&visits, &[], Some(treated)).unwrap();
                found.push(assessment.changes.remove(0));
            }
        }
    }
    found
}

#[test]
fn names_of_outlines_tell_the_years() {
    for (name, expected) in [
        ("Vol 2y", Some(2.0)),
        ("Vol2.5y", Some(2.5)),
        ("vol 1y", Some(1.0)),
        ("Vol20mo", Some(20.0 / 12.0)),
        ("Vol3m", Some(0.25)),
        ("Vol T2 2y", Some(2.0)),
        ("Vol2016", None),
        ("Brainstem", None),
    ] {
        assert_eq!(years(name), expected, "{name}");
    }
}

#[test]
fn planimetry_of_a_box_is_exact() {
    let square = |z: f64| vec![[0.0, 0.0, z], [8.0, 0.0, z], [8.0, 6.0, z], [0.0, 6.0, z]];
    let outlined = measured(&[0.0, 1.5, 3.0, 4.5].map(square)).unwrap();
    assert!((outlined.volume - 288.0).abs() < 1e-9 && (outlined.diameter - 10.0).abs() < 1e-9);
    assert!((outlined.slice - 1.5).abs() < 1e-12);
}

#[test]
fn earlier_and_later_outlines_of_patients_have_sensible_verdicts() {
    if !Path::new(FOLDER).is_dir() {
        eprintln!("skipped: the outlines of patients are not here");
        return;
    }
    let changes = changes();
    assert!(changes.len() >= 30, "{} pairs", changes.len());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut table = Vec::new();
    for c in &changes {
        *counts.entry(c.verdict.to_string()).or_default() += 1;
        // Outlines that readers drew, of one way of drawing that is not known: never without caution.
        assert_ne!(c.comparability, Comparability::Comparable);
        if c.verdict == Verdict::NotComparable {
            assert!(!c.reasons.is_empty());
            continue;
        }
        let (percent, up) = (
            c.volume_change_percent.unwrap(),
            c.growth_limit_percent.unwrap(),
        );
        let down = c.shrinkage_limit_percent.unwrap();
        let by_diameter = c.diameter_change_mm.is_some_and(|mm| mm.abs() >= 2.0);
        match c.verdict {
            Verdict::Growth => assert!(percent >= up || by_diameter, "{c:?}"),
            Verdict::Shrinkage => assert!(percent <= -down || by_diameter, "{c:?}"),
            Verdict::ProbableGrowth => assert!((10.0..up).contains(&percent), "{c:?}"),
            _ => assert!(percent < up && percent > -down, "{c:?}"),
        }
        let told = c.reasons.iter().any(|r| r.contains("radiosurgery"));
        assert!(told, "read after radiosurgery: {c:?}");
        table.push((percent, c));
    }
    // Most tumours shrink within years of radiosurgery and some swell: both must be seen, and scans that differ must be refused.
    let count = |verdict: Verdict| counts.get(&verdict.to_string()).copied().unwrap_or(0);
    assert!(count(Verdict::Shrinkage) > count(Verdict::Growth));
    assert!(count(Verdict::Growth) > 0 && count(Verdict::NotComparable) > 0);
    table.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("{} pairs: {counts:?}", changes.len());
    println!(
        "| years | change, % | detectable, % | diameter, mm | verdict |\n|---:|---:|---:|---:|---|"
    );
    for (percent, c) in table {
        println!(
            "| {:.1} | {percent:+.0} | -{:.0} / +{:.0} | {:+.1} | {} |",
            c.interval_years,
            c.detectable_decrease_percent.unwrap(),
            c.detectable_change_percent.unwrap(),
            c.diameter_change_mm.unwrap(),
            c.verdict
        );
    }
    let mut why: BTreeMap<String, usize> = BTreeMap::new();
    for reason in changes
        .iter()
        .filter(|c| c.verdict == Verdict::NotComparable)
        .flat_map(|c| &c.reasons)
    {
        let word = ["sequences", "slices of", "contradicts"]
            .into_iter()
            .find(|w| reason.contains(w));
        if let Some(word) = word {
            *why.entry(word.to_owned()).or_default() += 1;
        }
    }
    println!("not comparable by: {why:?}");
}
