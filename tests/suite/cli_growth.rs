//! `schwann growth` with bad input and its other forms: a clear word, and no number that means nothing.
use super::{fails, has, json, misused, path, schwann, text, visits};
use glam::{DAffine3, DVec3};
use schwann::{
    io,
    measure::KoosGrade,
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{Grid, LabelMap, LabelTable, Side, Volume, Voxels, unobserved},
};
use serde_json::Value;

fn given(date: &str, scan: &str, labels: &str) -> String {
    format!("{date}={},{}", path(scan), path(labels))
}

fn growth(visits: &[&str], more: &[&str]) -> Value {
    let mut arguments = vec!["growth"];
    for visit in visits {
        arguments.extend(["--visit", visit]);
    }
    arguments.extend(more);
    arguments.push("--json");
    json(&arguments)
}

fn first() -> String {
    given("2024-01-15", "scan0.nii.gz", "labels0.nii.gz")
}

fn second() -> String {
    given("2025-01-14", "scan1.nii.gz", "labels1.nii.gz")
}

/// Whether no number of a change is given.
fn no_numbers(change: &Value) {
    for field in "volume_change_mm3 volume_change_percent annual_growth_percent specific_growth_rate doubling_time_years \
                  growth_limit_percent reaches_20_percent"
        .split_whitespace()
    {
        assert!(change[field].is_null(), "{field} in {change}");
    }
}

fn refused(growth: &Value, words: &str) {
    let change = &growth["changes"][0];
    assert_eq!(change["verdict"], "not comparable");
    assert_eq!(change["comparability"], "not comparable");
    assert!(change["reasons"].to_string().contains(words), "{change}");
    no_numbers(change);
    assert_eq!(growth["verdict"], "not comparable");
}

#[test]
fn a_table_and_a_paragraph_have_the_numbers_of_the_json() {
    visits();
    let csv = path("growth.csv");
    let found = growth(&[&first(), &second()], &["--csv", &csv, "--paragraph"]);
    has(
        &found["changes"][0],
        "comparability cautions reading comparisons growth_limit_percent reaches_20_percent reaches_2_mm exceeds_detectable_change",
    );
    let mut reader = csv::Reader::from_path(&csv).unwrap();
    let names = reader.headers().unwrap().clone();
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(found["draft"], true);
    for (row, pointer, name) in [
        (0, "/visits/0/volume_mm3", "volume_mm3"),
        (1, "/visits/1/uncertainty95_mm3", "uncertainty95_mm3"),
        (
            2,
            "/changes/0/volume_change_percent",
            "volume_change_percent",
        ),
    ] {
        let number: f64 = rows[row][at(name)].parse().unwrap();
        assert_eq!(Some(number), found.pointer(pointer).unwrap().as_f64());
    }
    let paragraph = found["paragraph"].as_str().unwrap();
    let percent = found["changes"][0]["volume_change_percent"]
        .as_f64()
        .unwrap();
    for part in [
        format!("{percent:+.1} %"),
        "DRAFT".to_owned(),
        "Impression: Growth beyond measurement error.".to_owned(),
        "research use only".to_owned(),
    ] {
        assert!(paragraph.contains(&part), "{part} in {paragraph}");
    }
    let output = schwann(&[
        "growth",
        "--visit",
        &first(),
        "--visit",
        &second(),
        "--paragraph",
    ]);
    assert_eq!(text(&output.stdout).trim_end(), paragraph);
    fails(
        &["growth", "--visit", &first(), "--csv", &path("growth.txt")],
        ".csv",
    );
}

#[test]
fn one_visit_has_a_size_and_no_comparison() {
    visits();
    let found = growth(&[&first()], &[]);
    assert!(found["verdict"].is_null() && found["changes"].as_array().unwrap().is_empty());
    assert!(found["warnings"].to_string().contains("one visit only"));
    assert!(found["visits"][0]["volume_mm3"].as_f64().unwrap() > 0.0);
}

#[test]
fn dates_that_are_missing_reversed_or_in_the_future_are_told() {
    visits();
    fails(
        &["growth", "--visit", &second(), "--visit", &first()],
        "earliest to the latest",
    );
    for bad in ["=scan.nii.gz", "2024-13-01=scan.nii.gz", "scan.nii.gz"] {
        let output = schwann(&["growth", "--visit", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(output.stdout.is_empty());
    }
    let late = given("2099-01-01", "scan1.nii.gz", "labels1.nii.gz");
    let found = growth(&[&first(), &late], &[]);
    assert!(found["warnings"][0].as_str().unwrap().contains("future"));
    let found = growth(&[&first(), &second()], &["--treated", "2025-06-01"]);
    assert!(
        found["warnings"].to_string().contains("read as untreated"),
        "{}",
        found["warnings"]
    );
}

#[test]
fn the_same_scan_twice_is_not_compared_however_it_was_stored() {
    visits();
    let again = given("2025-01-14", "scan0.nii.gz", "labels0.nii.gz");
    refused(&growth(&[&first(), &again], &[]), "same scan");
    // Stored again with other values: another hash, the same picture.
    let file = path("scan0.nii.gz");
    let scan = io::read_volume(file.as_ref(), &mut unobserved).unwrap().0;
    let scan = Volume::new(*scan.grid(), scan.voxels().clone(), 2.0, 5.0).unwrap();
    let stored = path("stored_again.nii.gz");
    io::write_volume(stored.as_ref(), &scan).unwrap();
    let again = given("2025-01-14", "stored_again.nii.gz", "labels0.nii.gz");
    refused(&growth(&[&first(), &again], &[]), "stored twice");
}

#[test]
fn a_scan_during_which_the_head_moved_is_compared_with_caution() {
    visits();
    // A field of view with air beside the head.
    let patient = Patient::new(&PatientSpec {
        koos: Some(KoosGrade::II),
        ..PatientSpec::default()
    });
    let visit = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality: Modality::HrT2,
        seed: 8,
        grid: Some(GridSpec {
            shape: [200, 240, 24],
            spacing_mm: [1.0, 1.0, 3.0],
        }),
    };
    let made = patient.unwrap().scan(&visit, &mut unobserved).unwrap();
    assert!(made.truth.drawn.acquisition.jumps.is_empty());
    io::write_volume(path("still.nii.gz").as_ref(), &made.volume).unwrap();
    io::write_labels(path("still_labels.nii.gz").as_ref(), &made.labels).unwrap();
    let scan = made.volume;
    // What motion leaves: a faint replica of the head, displaced along the phase encoding and wrapped into the field of view.
    let [ni, nj, nk] = scan.grid().shape();
    let value = |i: usize, j: usize, k: usize| scan.value([i, j % nj, k]).unwrap();
    let mut moved = Vec::with_capacity(ni * nj * nk);
    for k in 0..nk {
        for j in 0..nj {
            moved.extend(
                (0..ni).map(|i| (value(i, j, k) + 0.04 * value(i, j + nj / 2, k)).round() as i16),
            );
        }
    }
    let volume = Volume::new(*scan.grid(), Voxels::I16(moved), 1.0, 0.0).unwrap();
    io::write_volume(path("moved.nii.gz").as_ref(), &volume).unwrap();
    let cautions = |scan: &str| {
        let found = growth(
            &[&first(), &given("2025-01-14", scan, "still_labels.nii.gz")],
            &[],
        );
        let change = &found["changes"][0];
        (
            change["comparability"].clone(),
            change["cautions"].to_string(),
        )
    };
    let words = "the head seems to have moved during the scan of 2025-01-14";
    let (level, told) = cautions("moved.nii.gz");
    assert_eq!(level, "caution", "{told}");
    assert!(told.contains(words), "{told}");
    let (_, told) = cautions("still.nii.gz");
    assert!(!told.contains("moved during"), "{told}");
}

#[test]
fn a_visit_without_a_tumour_is_not_compared() {
    let labels = &visits().1[1];
    let empty = vec![0; labels.labels().len()];
    let empty = LabelMap::new(*labels.grid(), empty, LabelTable::default()).unwrap();
    io::write_labels(path("no_tumour.nii.gz").as_ref(), &empty).unwrap();
    let none = given("2025-01-14", "scan1.nii.gz", "no_tumour.nii.gz");
    let found = growth(&[&first(), &none], &["--paragraph"]);
    refused(&found, "no tumour is outlined on 2025-01-14");
    assert!(found["visits"][1]["volume_mm3"].is_null());
    let paragraph = found["paragraph"].as_str().unwrap();
    assert!(paragraph.contains("On 2025-01-14 no tumour is outlined."));
}

#[test]
fn labels_on_another_grid_are_refused() {
    let labels = &visits().1[0];
    let larger = DAffine3::from_scale(DVec3::splat(1.2));
    let world = labels.grid().world_from_voxel() * larger;
    let grid = Grid::new(labels.grid().shape(), world).unwrap();
    let other = LabelMap::new(grid, labels.labels().to_vec(), LabelTable::default()).unwrap();
    io::write_labels(path("other_grid.nii.gz").as_ref(), &other).unwrap();
    let bad = given("2024-01-15", "scan0.nii.gz", "other_grid.nii.gz");
    fails(&["growth", "--visit", &bad], "not on the scan's grid");
}

#[test]
fn another_patient_is_warned_of_by_header_and_by_alignment() {
    let stranger = Patient::new(&PatientSpec {
        seed: 77,
        ..PatientSpec::default()
    })
    .unwrap();
    let spec = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality: Modality::HrT2,
        seed: 9,
        grid: Some(GridSpec {
            shape: [180, 150, 56],
            spacing_mm: [0.7, 0.7, 1.5],
        }),
    };
    visits();
    let scan = stranger.scan(&spec, &mut unobserved).unwrap();
    io::write_volume(path("stranger.nii.gz").as_ref(), &scan.volume).unwrap();
    io::write_labels(path("stranger_labels.nii.gz").as_ref(), &scan.labels).unwrap();
    std::fs::copy(path("scan0.nii.gz"), path("known.nii.gz")).unwrap();
    let header = |id: &str| format!(r#"{{"Modality": "MR", "PatientID": "{id}"}}"#);
    std::fs::write(path("known.json"), header("17")).unwrap();
    std::fs::write(path("stranger.json"), header("18")).unwrap();
    let (a, b) = (
        given("2024-01-15", "known.nii.gz", "labels0.nii.gz"),
        given("2025-01-14", "stranger.nii.gz", "stranger_labels.nii.gz"),
    );
    let found = growth(&[&a, &b], &[]);
    let change = &found["changes"][0];
    let warnings = found["warnings"].to_string();
    assert!(
        warnings.contains("the headers differ in the patient's number"),
        "{warnings}"
    );
    assert!(
        warnings.contains("not aligned") || warnings.contains("alignment"),
        "{warnings}"
    );
    assert!(
        change["comparability"] != "comparable"
            && (change["verdict"] == "not comparable"
                || change["cautions"].as_array().unwrap().len() > 1),
        "{change}"
    );
    assert!(!warnings.contains("17\"") && !warnings.contains("number 18"));
}

#[test]
fn a_stable_phantom_is_stable_and_a_growing_one_has_its_growth() {
    visits();
    for (percent, verdict) in [(0.0, "stable"), (60.0, "growth")] {
        let patient = Patient::new(&PatientSpec {
            seed: 5,
            koos: Some(KoosGrade::III),
            side: Some(Side::Left),
            annual_growth_percent: Some(percent),
            ..PatientSpec::default()
        })
        .unwrap();
        let mut truth = Vec::new();
        let names = [0_u32, 1].map(|n| {
            let spec = VisitSpec {
                years: f64::from(n),
                site: Site::London,
                modality: Modality::HrT2,
                seed: 90 + u64::from(n),
                grid: Some(GridSpec {
                    shape: [180, 150, 56],
                    spacing_mm: [0.7, 0.7, 1.5],
                }),
            };
            let scan = patient.scan(&spec, &mut unobserved).unwrap();
            let [file, labels] =
                ["scan", "labels"].map(|w| format!("known_{percent}_{n}_{w}.nii.gz"));
            io::write_volume(path(&file).as_ref(), &scan.volume).unwrap();
            io::write_labels(path(&labels).as_ref(), &scan.labels).unwrap();
            truth.push(scan.truth.tumour_volume_mm3);
            given(["2024-01-15", "2025-01-14"][n as usize], &file, &labels)
        });
        let found = growth(&[&names[0], &names[1]], &[]);
        let change = &found["changes"][0];
        assert_eq!(change["verdict"], verdict, "{change}");
        let exact = 100.0 * (truth[1] / truth[0] - 1.0);
        let measured = change["volume_change_percent"].as_f64().unwrap();
        // Exact labels have no error but that of voxels.
        assert!((measured - exact).abs() < 5.0, "{measured} for {exact}");
    }
}

#[test]
fn an_operation_between_the_visits_ends_the_comparison() {
    let found = growth(&[&first(), &second()], &["--operated", "2024-06-01"]);
    refused(&found, "operated on on 2024-06-01");
    assert_eq!(found["visits"][1]["koos"], Value::Null);
    // Before both: the residual is followed.
    let followed = growth(&[&first(), &second()], &["--operated", "2020-06-01"]);
    assert_eq!(followed["changes"][0]["verdict"], "growth");
}

#[test]
fn a_year_of_two_digits_is_refused() {
    let early = given("24-01-15", "scan0.nii.gz", "labels0.nii.gz");
    let late = second();
    misused(
        &["growth", "--visit", &early, "--visit", &late],
        "four digits",
    );
    let early = first();
    misused(
        &[
            "growth",
            "--visit",
            &early,
            "--visit",
            &late,
            "--treated",
            "24-06-01",
        ],
        "four digits",
    );
}

#[test]
fn a_tumour_that_the_scan_cuts_is_told_as_a_lower_limit() {
    visits();
    let folder = tempfile::tempdir().unwrap();
    let (scan, _) =
        io::read_volume(std::path::Path::new(&path("scan0.nii.gz")), &mut unobserved).unwrap();
    let (labels, _) = io::read_labels(
        std::path::Path::new(&path("labels0.nii.gz")),
        &LabelTable::default(),
    )
    .unwrap();
    // Up to the middle of the tumour.
    let bounds = labels
        .bounds(schwann::volume::Structure::VestibularSchwannoma)
        .unwrap();
    let shape = scan.grid().shape();
    let size = [
        shape[0],
        shape[1],
        usize::midpoint(bounds[2][0], bounds[2][1]),
    ];
    let grid = scan.grid().cropped([0; 3], size).unwrap();
    let at = |n: usize| {
        let [i, j, k] = [n % size[0], n / size[0] % size[1], n / (size[0] * size[1])];
        scan.grid().index([i, j, k])
    };
    let voxels = scan.to_f32();
    let cut = (0..grid.len()).map(|n| voxels[at(n)]).collect();
    let values = (0..grid.len()).map(|n| labels.labels()[at(n)]).collect();
    let files = ["scan.nii.gz", "labels.nii.gz"].map(|n| folder.path().join(n));
    io::write_volume(
        &files[0],
        &Volume::new(grid, Voxels::F32(cut), 1.0, 0.0).unwrap(),
    )
    .unwrap();
    io::write_labels(
        &files[1],
        &LabelMap::new(grid, values, LabelTable::default()).unwrap(),
    )
    .unwrap();
    let visit = format!("2024-01-15={},{}", files[0].display(), files[1].display());
    let found = growth(&[&visit], &["--paragraph"]);
    let plain = schwann(&["growth", "--visit", &visit]);
    assert!(
        !text(&plain.stdout).contains('±'),
        "{}",
        text(&plain.stdout)
    );
    assert_eq!(found["visits"][0]["at_least"], true);
    assert!(found["visits"][0]["uncertainty95_mm3"].is_null());
    let paragraph = found["paragraph"].as_str().unwrap();
    assert!(paragraph.contains("measures at least"), "{paragraph}");
    assert!(paragraph.contains("Koos at least"), "{paragraph}");
    assert!(!paragraph.contains('±'), "{paragraph}");
}

#[test]
fn visits_of_two_contrasts_are_not_compared_where_no_header_says_what_they_show() {
    visits();
    let patient = Patient::new(&PatientSpec {
        seed: 21,
        koos: Some(KoosGrade::III),
        side: Some(Side::Right),
        annual_growth_percent: Some(40.0),
        ..PatientSpec::default()
    });
    let spec = VisitSpec {
        years: 1.0,
        site: Site::London,
        modality: Modality::CeT1,
        seed: 52,
        grid: Some(GridSpec {
            shape: [180, 150, 56],
            spacing_mm: [0.7, 0.7, 1.5],
        }),
    };
    let made = patient.unwrap().scan(&spec, &mut unobserved).unwrap();
    io::write_volume(path("after_agent.nii.gz").as_ref(), &made.volume).unwrap();
    io::write_labels(path("after_agent_labels.nii.gz").as_ref(), &made.labels).unwrap();
    let other = given(
        "2025-01-14",
        "after_agent.nii.gz",
        "after_agent_labels.nii.gz",
    );
    let words = "the scans show different contrasts";
    refused(&growth(&[&first(), &other], &[]), words);
    let alike = growth(&[&first(), &second()], &[]);
    assert!(!alike.to_string().contains(words), "{alike}");
    assert_ne!(alike["verdict"], "not comparable");
}
