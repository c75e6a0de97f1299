//! The commands as a user runs them: exit status, what goes to which stream, and the names of the JSON fields.
use schwann::{
    io::{self, NewLabels, NewVisit, ScanFiles},
    measure::KoosGrade,
    patient::{DateSource, Outline, Review, ScanFacts, Signature, VisitDate},
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{LabelMap, Sequence, Side, Structure, unobserved},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

#[path = "cli_evaluate.rs"]
mod evaluate;
#[path = "cli_growth.rs"]
mod growth;

fn schwann(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(arguments)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The JSON of a command that must succeed.
fn json(arguments: &[&str]) -> Value {
    let output = schwann(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks that arguments are refused before any work, with these words.
fn misused(arguments: &[&str], words: &str) {
    let output = schwann(arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty() && error.contains(words), "{error}");
}

/// Checks that a command fails with one line that holds `words`.
fn fails(arguments: &[&str], words: &str) {
    let output = schwann(arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty());
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(words), "{error}");
}

/// Two visits of one small head with exact labels, as files that all tests share.
fn visits() -> &'static (PathBuf, [LabelMap; 2]) {
    static VISITS: OnceLock<(PathBuf, [LabelMap; 2])> = OnceLock::new();
    VISITS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        std::fs::create_dir_all(&folder).unwrap();
        let patient = Patient::new(&PatientSpec {
            seed: 21,
            koos: Some(KoosGrade::III),
            side: Some(Side::Right),
            annual_growth_percent: Some(40.0),
            ..PatientSpec::default()
        })
        .unwrap();
        let labels = [0_u32, 1].map(|n| {
            let spec = VisitSpec {
                years: f64::from(n),
                site: Site::London,
                modality: Modality::HrT2,
                seed: 50 + u64::from(n),
                grid: Some(GridSpec {
                    shape: [180, 150, 56],
                    spacing_mm: [0.7, 0.7, 1.5],
                }),
            };
            let scan = patient.scan(&spec, &mut unobserved).unwrap();
            io::write_volume(&folder.join(format!("scan{n}.nii.gz")), &scan.volume).unwrap();
            io::write_labels(&folder.join(format!("labels{n}.nii.gz")), &scan.labels).unwrap();
            scan.labels
        });
        (folder, labels)
    })
}

/// A file of the shared folder.
fn path(name: &str) -> String {
    visits().0.join(name).to_string_lossy().into_owned()
}

fn has(value: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(value.get(field).is_some(), "{field} is missing in {value}");
    }
}

#[test]
fn inspect_and_measure_give_the_fields_of_their_contract() {
    let inspected = json(&["inspect", &path("scan0.nii.gz"), "--json"]);
    has(
        &inspected,
        "file format shape spacing_mm datatype affine_ras affine_source orientation oblique_degrees rescale minimum maximum mean percentiles
         voxels_sha256 warnings",
    );
    let measured = json(&["measure", &path("labels0.nii.gz"), "--json"]);
    let tumour = &measured["structures"][0];
    has(
        tumour,
        "label name voxels volume_mm3 surface_mm2 max_diameter_3d_mm max_axial_diameter_mm centroid_ras_mm components side",
    );
    assert_eq!(tumour["side"], "right");
    let whole = &measured["tumour"];
    has(
        &whole["volumes"]["extrameatal"],
        "volume_mm3 interval95_mm3 surface_mm2",
    );
    has(&whole["porus_plane"], "point_ras_mm normal_ras source");
    has(
        &whole["diameters"],
        "extrameatal_max extrameatal_parallel extrameatal_perpendicular craniocaudal max_3d canal_length whole_axial fundal_cap",
    );
    has(
        &whole["diameters"]["max_3d"],
        "value_mm error95_mm ends_ras_mm rule source",
    );
    assert_eq!(
        whole["diameters"]["max_3d"]["value_mm"],
        tumour["max_diameter_3d_mm"]
    );
    assert_eq!(
        tumour["voxels"],
        visits().1[0].count(Structure::VestibularSchwannoma)
    );
}

#[test]
fn koos_and_register_give_the_fields_of_their_contract() {
    let koos = json(&[
        "koos",
        &path("scan0.nii.gz"),
        "--labels",
        &path("labels0.nii.gz"),
        "--json",
    ]);
    assert_eq!(koos["grade"], "III");
    has(&koos["probabilities"], "I II III IV");
    has(
        &koos["evidence"],
        "extrameatal_volume_mm3 intrameatal_volume_mm3 brainstem_gap_mm contact_area_mm2 indentation_mm brainstem_shift_mm
         fourth_ventricle_shift_mm",
    );
    assert_eq!(
        koos["tumour"]["diameters"]["extrameatal_max"]["value_mm"],
        koos["evidence"]["extrameatal_diameter_mm"]
    );
    let transform = path("transform.json");
    let registered = json(&[
        "register",
        &path("scan0.nii.gz"),
        &path("scan1.nii.gz"),
        "-o",
        &transform,
        "--json",
    ]);
    has(
        &registered,
        "world_moving_from_world_fixed similarity_before similarity_after seconds warnings",
    );
    let written: Value = serde_json::from_slice(&std::fs::read(&transform).unwrap()).unwrap();
    assert_eq!(
        written["world_moving_from_world_fixed"],
        registered["world_moving_from_world_fixed"]
    );
}

#[test]
fn growth_gives_the_fields_of_its_contract_and_a_report() {
    let visit = |n: usize, date: &str| {
        format!(
            "{date}={},{}",
            path(&format!("scan{n}.nii.gz")),
            path(&format!("labels{n}.nii.gz"))
        )
    };
    let report = path("report.pdf");
    let (first, second) = (visit(0, "2024-01-15"), visit(1, "2025-01-14"));
    let growth = json(&[
        "growth", "--visit", &first, "--visit", &second, "--report", &report, "--json",
    ]);
    has(
        &growth["visits"][1],
        "date volume_mm3 uncertainty95_mm3 max_axial_diameter_mm koos",
    );
    let change = &growth["changes"][0];
    has(
        change,
        "from to interval_years volume_change_percent detectable_change_percent annual_growth_percent specific_growth_rate
         specific_growth_rate_ci95 doubling_time_years diameter_change_mm verdict reasons",
    );
    assert_eq!(change["verdict"], "growth");
    assert!((change["volume_change_percent"].as_f64().unwrap() - 40.0).abs() < 4.0);
    assert!(growth["registration"][0]["residual_mm"].as_f64().unwrap() < 1.0);
    assert!(std::fs::read(&report).unwrap().starts_with(b"%PDF-"));
    has(
        &growth["visits"][1]["measures"],
        "porus_plane volumes diameters",
    );
    let map = &growth["growth_maps"][0];
    has(
        map,
        "from to mean_mm largest_mm largest_at_ras_mm least_mm detectable_mm volume_change_mm3 directions",
    );
    let grown = map["volume_change_mm3"].as_f64().unwrap();
    let expected = change["volume_change_mm3"].as_f64().unwrap();
    assert!((grown / expected - 1.0).abs() < 0.05, "{grown} {expected}");
}

#[test]
fn growth_of_a_patients_folder_is_that_of_its_visits_and_its_audit_looks_into_the_files() {
    let place = tempfile::tempdir().unwrap();
    let patient = place.path().join("patient");
    let by = Signature::now("Ada");
    let mut folder = io::PatientFolder::create(&patient, &by).unwrap();
    let dates = ["2024-01-15", "2025-01-14"];
    // The later one first, and one without a date.
    for n in [1, 0, 0] {
        let file = PathBuf::from(path(&format!("scan{n}.nii.gz")));
        let scan = io::read_volume(&file, &mut unobserved).unwrap().0;
        let new = NewVisit {
            files: ScanFiles::Image(&file),
            facts: ScanFacts {
                voxels_sha256: io::voxels_sha256(&scan),
                shape: scan.grid().shape(),
                sequence: Sequence::HrT2,
                other: serde_json::Map::new(),
            },
            date: None,
        };
        let id = folder.add_visit(new, &by, &mut unobserved).unwrap();
        if id == "visit-3" {
            continue;
        }
        let date = VisitDate {
            day: dates[n].parse().unwrap(),
            source: DateSource::Typed,
        };
        folder.set_date(&id, Some(date), &by).unwrap();
        let labels = NewLabels {
            labels: &visits().1[n],
            outline: Outline::Imported,
            review: Review::Accepted(by.clone()),
            results: None,
            seen: std::collections::BTreeSet::new(),
        };
        folder.save_labels(&id, &labels, &by).unwrap();
    }
    let given = |n: usize| {
        let (scan, labels) = (format!("scan{n}.nii.gz"), format!("labels{n}.nii.gz"));
        format!("{}={},{}", dates[n], path(&scan), path(&labels))
    };
    let expected = json(&[
        "growth",
        "--visit",
        &given(0),
        "--visit",
        &given(1),
        "--json",
    ]);
    // It is open here, and yet can be looked at.
    let name = patient.to_str().unwrap();
    let found = json(&["growth", name, "--json"]);
    for pointer in [
        "/visits/0/volume_mm3",
        "/visits/1/volume_mm3",
        "/visits/1/date",
        "/changes/0/volume_change_percent",
    ] {
        let value = found.pointer(pointer);
        assert!(
            value.is_some() && value == expected.pointer(pointer),
            "{pointer}"
        );
    }
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("visit-3 has no date"), "{warnings}");
    let audit = json(&["audit", name, "--json"]);
    assert_eq!(audit["intact"], true);
    assert_eq!(audit["problems"], serde_json::json!([]));
    let map = patient.join("labels/visit-1-v1.nii.gz");
    let mut bytes = std::fs::read(&map).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&map, bytes).unwrap();
    let output = schwann(&["audit", name]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.contains("not as it was written") && error.contains("visit-1-v1.nii.gz"),
        "{error}"
    );
    assert!(text(&output.stdout).contains("the chain holds"));
    let output = schwann(&["growth", name]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not as Schwann wrote it"));
    fails(&["growth", place.path().to_str().unwrap()], "patient.json");
}

#[test]
fn failures_are_one_line_and_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(folder.path().join("page.nii"), "<html>not found</html>").unwrap();
    fails(&["inspect", &path("missing.nii.gz")], "missing.nii.gz");
    fails(&["inspect", &path("page.nii"), "--json"], "page.nii");
    fails(&["inspect", &path("")], "no DICOM series");
    fails(
        &["segment", &path("page.nii"), "-o", &path("out.png")],
        ".nii",
    );
    fails(
        &["segment", &path("page.nii"), "-o", &path("no/out.nii.gz")],
        "folder",
    );
    fails(&["measure", &path("page.nii")], "page.nii");
    let two = format!("2024-01-01={}", path("missing.nii.gz"));
    fails(&["growth", "--visit", &two], "missing.nii.gz");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["page.nii"], "nothing is left behind");
}

#[test]
fn an_input_is_never_replaced() {
    let scan = path("scan0.nii.gz");
    let before = std::fs::read(&scan).unwrap();
    let detour = visits()
        .0
        .join(".")
        .join("scan0.nii.gz")
        .to_string_lossy()
        .into_owned();
    fails(&["segment", &scan, "-o", &detour], "replace an input");
    fails(
        &[
            "register",
            &scan,
            &path("scan1.nii.gz"),
            "-o",
            &path("t.json"),
            "--resampled",
            &scan,
        ],
        "replace an input",
    );
    fails(
        &[
            "growth",
            "--visit",
            &format!("2024-01-01={scan}"),
            "--report",
            &scan,
        ],
        ".pdf",
    );
    assert!(std::fs::read(&scan).unwrap() == before);
}

#[test]
fn dates_are_checked_before_the_work() {
    let visit = |date: &str| format!("{date}={}", path("scan0.nii.gz"));
    fails(
        &[
            "growth",
            "--visit",
            &visit("2024-05-01"),
            "--visit",
            &visit("2024-05-01"),
        ],
        "earliest to the latest",
    );
}

#[test]
fn a_mistyped_command_is_not_taken_for_a_scan() {
    fails(&["mesure"], "no such command or file");
}

#[test]
fn wrong_usage_is_status_2() {
    for arguments in [
        &["inspect"][..],
        &["inspect", "--no-such-option", "x"],
        &["growth", "--visit", "yesterday=x.nii"],
        &["growth", "--visit", "2024-13-01=x.nii"],
        &["segment", "x.nii", "-o", "y.nii", "--step", "0"],
        &["segment", "x.nii", "-o", "y.nii", "--device", "abacus"],
        &["phantom", "-o", "x", "--koos", "V"],
        &["train", "segmenter", "-o", "x", "--minutes", "-1"],
    ] {
        let output = schwann(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_phantom_says_which_parameter_is_wrong() {
    for (arguments, words) in [
        (&["--koos", "V"][..], "[possible values: I, II, III, IV]"),
        (&["--visits", "0"], "0 is not in 1..=50"),
        (&["--visits", "-3"], "-3 is not in 1..=50"),
        (&["--cohort", "10001"], "10001 is not in 1..=10000"),
        (&["--cohort", "3", "--koos", "I"], "cannot be used with"),
        (
            &["--koos", "I", "--mimic", "meningioma"],
            "cannot be used with",
        ),
        (&["--growth", "linear"], "--koos <KOOS>"),
        (&["--seed", "-1"], "invalid value '-1' for '--seed"),
        (&["--family", "other"], "[possible values: usual, beyond]"),
        (
            &["--site", "paris"],
            "[possible values: london, tilburg, both]",
        ),
        (
            &["--modality", "flair"],
            "[possible values: hrT2, ceT1, both]",
        ),
    ] {
        let all = [&["phantom", "-o", "x"], arguments].concat();
        let output = schwann(&all);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{all:?}: {error}");
        assert!(error.contains(words), "{all:?}: {error}");
    }
    let empty = tempfile::tempdir().unwrap();
    let (folder, target) = (empty.path().to_str().unwrap(), empty.path().join("new"));
    fails(
        &[
            "phantom",
            "-o",
            target.to_str().unwrap(),
            "--koos",
            "II",
            "--tumour-shapes",
            folder,
        ],
        "the folder has no .json file",
    );
    assert!(!target.exists(), "nothing is left behind");
}

#[test]
fn a_phantom_of_the_other_family_says_so_and_has_a_head_of_no_usual_size() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let written = json(&["phantom", "-o", out, "--family", "beyond", "--json"]);
    let truth = written["visits"][0]["truth"].as_str().unwrap();
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap();
    assert_eq!(truth["drawn"]["family"], "beyond");
    let height = truth["drawn"]["head_scale"][2].as_f64().unwrap();
    assert!((0.099..0.141).contains(&(height - 1.0).abs()), "{height}");
}

#[test]
fn without_a_display_the_window_names_the_demo_command() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    fails(&[], "cargo run --release -- demo -o demo");
}

#[test]
fn a_label_map_of_another_scan_is_refused() {
    fails(
        &[
            "koos",
            &path("scan0.nii.gz"),
            "--labels",
            &path("labels1.nii.gz"),
        ],
        "not on the scan's grid",
    );
}

#[test]
fn evaluate_matches_cases_by_name_and_rank_reads_its_table() {
    let first = &visits().1[0];
    let mut values = first.labels().to_vec();
    values.rotate_right(1);
    let shifted = LabelMap::new(*first.grid(), values, first.table().clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, labels: &LabelMap| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        io::write_labels(&file, labels).unwrap();
    };
    write("truth/a_Label.nii.gz", first);
    write("truth/b_Label.nii.gz", first);
    write("same/a/a_pred.nii.gz", first);
    write("other/a.nii.gz", &shifted);
    let same = json(&[
        "evaluate",
        "--json",
        "--prediction",
        &path("same"),
        "--reference",
        &path("truth"),
        "-o",
        &path("same.csv"),
    ]);
    let row = |v: &Value, case: &str| {
        let rows = v["cases"].as_array().unwrap();
        let found = rows
            .iter()
            .find(|r| r["case"] == case && r["structure"] == "vestibular schwannoma");
        found.unwrap().clone()
    };
    assert_eq!(row(&same, "a")["dice"], 1.0);
    assert_eq!(row(&same, "a")["assd_mm"], 0.0);
    // What was not answered counts as empty, and is told.
    assert_eq!(row(&same, "b")["assd_mm"], 350.0);
    assert!(same["warnings"][0].as_str().unwrap().contains("case b"));
    let other = json(&[
        "evaluate",
        "--json",
        "--prediction",
        &path("other"),
        "--reference",
        &path("truth"),
        "-o",
        &path("other.csv"),
    ]);
    assert!(row(&other, "a")["dice"].as_f64().unwrap() < 1.0);
    let tables = [path("same.csv"), path("other.csv")];
    let ranked = json(&[
        "rank",
        "--json",
        &tables[0],
        &tables[1],
        "--bootstrap",
        "20",
    ]);
    assert_eq!(ranked["ranking"][0]["team"], "same");
    assert_eq!(ranked["ranking"][0]["rank"], 1);
    assert!(ranked["stability"]["rank_counts"]["same"]["1"].as_u64() == Some(20));
    fails(&["rank", &tables[0], &tables[0]], "twice");
    fails(
        &[
            "evaluate",
            "--prediction",
            &path("nothing"),
            "--reference",
            &path("truth"),
        ],
        "nothing",
    );
}

#[test]
fn a_case_in_which_nothing_is_and_nothing_is_found_has_its_row() {
    let first = &visits().1[0];
    let empty = LabelMap::new(
        *first.grid(),
        vec![0; first.grid().len()],
        first.table().clone(),
    );
    let empty = empty.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (name, map) in [
        ("truth/n1_Label.nii.gz", &empty),
        ("truth/a_Label.nii.gz", first),
        ("right/n1.nii.gz", &empty),
        ("right/a.nii.gz", first),
        ("wrong/n1.nii.gz", first),
        ("wrong/a.nii.gz", first),
        ("elsewhere/x.nii.gz", first),
    ] {
        std::fs::create_dir_all(Path::new(&at(name)).parent().unwrap()).unwrap();
        io::write_labels(Path::new(&at(name)), map).unwrap();
    }
    let judged = |team: &str, more: &[&str]| {
        let (prediction, reference) = (at(team), at("truth"));
        let mut arguments = vec!["evaluate", "--json", "--prediction", &prediction];
        arguments.extend(["--reference", &reference]);
        arguments.extend(more);
        json(&arguments)
    };
    let tables = [at("right.csv"), at("wrong.csv")];
    judged("right", &["-o", &tables[0]]);
    judged("wrong", &["-o", &tables[1]]);
    let ranked = json(&["rank", "--json", &tables[0], &tables[1]]);
    assert_eq!(ranked["ranking"][0]["team"], "right");
    // The challenge's own table of grades.
    let grades = at("grades.csv");
    std::fs::write(&grades, "\"case\",\"class\"\na,3\nn1,1\n").unwrap();
    let found = judged(
        "right",
        &[
            "--prediction-grades",
            &grades,
            "--reference-grades",
            &grades,
        ],
    );
    assert_eq!(found["koos"]["cases"], 2);
    // Not one case is named alike; the table would replace what it is made from.
    let (reference, other) = (at("truth"), at("elsewhere"));
    fails(
        &[
            "evaluate",
            "--prediction",
            &other,
            "--reference",
            &reference,
        ],
        "no case has both",
    );
    let right = at("right");
    let replaced = [
        "--prediction",
        &right,
        "--reference",
        &reference,
        "--prediction-grades",
        &grades,
        "--reference-grades",
        &grades,
        "-o",
        &grades,
    ];
    let mut arguments = vec!["evaluate"];
    arguments.extend(replaced);
    fails(&arguments, "replace an input");
}

#[test]
fn values_of_another_scheme_are_suspected_and_can_be_named() {
    let first = &visits().1[0];
    let value = |s: Structure| first.table().value(s).unwrap();
    let [tumour, cochlea] = [Structure::VestibularSchwannoma, Structure::Cochlea].map(value);
    // Parts in either half of the voxels, as good as any; the ears get the value of the challenge of 2023.
    let values = (first.labels().iter().enumerate()).map(|(n, v)| match *v {
        v if v == tumour => 1 + (n % 2) as u8,
        v if v == cochlea => 3,
        _ => 0,
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.nii.gz");
    let map = LabelMap::new(*first.grid(), values.collect(), first.table().clone()).unwrap();
    io::write_labels(&file, &map).unwrap();
    let file = file.to_str().unwrap();
    let plain = json(&["measure", "--json", file]);
    assert!(
        plain["warnings"]
            .to_string()
            .contains("--scheme crossmoda2023")
    );
    let read = json(&["measure", "--json", file, "--scheme", "crossmoda2023"]);
    let own = json(&["measure", "--json", &path("labels0.nii.gz")]);
    assert_eq!(
        read["structures"][0]["voxels"],
        own["structures"][0]["voxels"]
    );
    assert_eq!(read["structures"][1]["name"], "cochlea");
    assert!(own["warnings"].as_array().unwrap().is_empty(), "{own}");
    misused(&["measure", file, "--scheme", "nothing"], "crossmoda2023");
}

#[test]
fn an_output_never_replaces_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("scan.nii.gz");
    std::fs::copy(path("scan0.nii.gz"), &scan).unwrap();
    let before = std::fs::read(&scan).unwrap();
    let scan_path = scan.to_str().unwrap();
    fails(&["convert", scan_path, "-o", scan_path], "replace an input");
    assert_eq!(std::fs::read(&scan).unwrap(), before);
    let out = folder.path().join("out.nii.gz").display().to_string();
    let probability = format!("1={out}");
    fails(
        &[
            "segment",
            scan_path,
            "-o",
            &out,
            "--probability",
            &probability,
        ],
        "two outputs have one name",
    );
}

#[test]
fn what_no_reference_outlines_is_named_and_columns_keep_apart() {
    let predicted = &visits().1[0];
    let cochlea = predicted.table().value(Structure::Cochlea).unwrap();
    let without = predicted.labels().iter();
    let without = without.map(|&v| if v == cochlea { 0 } else { v }).collect();
    let reference = LabelMap::new(*predicted.grid(), without, predicted.table().clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, labels) in [("predicted", predicted), ("reference", &reference)] {
        std::fs::create_dir_all(at(name)).unwrap();
        io::write_labels(&at(name).join("a.nii.gz"), labels).unwrap();
    }
    let [predicted, reference] = ["predicted", "reference"].map(|n| at(n).display().to_string());
    let output = schwann(&[
        "evaluate",
        "--prediction",
        &predicted,
        "--reference",
        &reference,
    ]);
    let told = text(&output.stdout);
    assert!(told.contains("in no reference: cochlea;"), "{told}");
    assert!(
        told.contains(" 350.00 (350.00 to 350.00) "),
        "the widest cell touches its neighbour: {told}"
    );
}

#[test]
fn a_folder_that_cannot_be_trained_on_is_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model");
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let [out_text, data] = [&out, &data].map(|p| p.to_str().unwrap());
    fails(
        &["train", "localiser", "--data", data, "-o", out_text],
        "label map",
    );
    assert!(!out.exists());
}

#[test]
fn a_recipe_that_cannot_be_begun_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let [out_text, data_text] = [&out, &data].map(|p| p.to_str().unwrap());
    let train = |more: &[&str], words: &str| {
        let arguments = [&["train"], more, &["-o", out_text]].concat();
        fails(&arguments, words);
        assert!(!out.exists(), "{more:?}");
    };
    train(&["nobodys", "--data", data_text], "mai, no-adaptation");
    train(
        &["missing.toml", "--data", data_text],
        "cannot read the recipe",
    );
    train(&["mai"], "--data DIR");
    train(&["mai", "--data", data_text], "no ceT1 scan");
    train(
        &["mai", "--data", data_text, "--preset", "huge"],
        "no preset `huge`",
    );
    train(
        &["mai", "--data", data_text, "--steps", "3"],
        "--steps is for single models",
    );
    train(
        &["mai", "--data", data_text, "--border-weight", "5"],
        "--border-weight is for single models",
    );
    train(&["segmenter", "--test", data_text], "--test is for recipes");
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "base = \"mai\"\nname = \"x\"\nrounds = 3\n").unwrap();
    train(&[broken.to_str().unwrap(), "--data", data_text], "rounds");
}
