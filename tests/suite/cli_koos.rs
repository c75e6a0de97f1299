//! The choices that `schwann koos` takes.
use super::measure_koos_evidence::dented;
use glam::DVec3;
use schwann::{
    io,
    measure::{KoosBasis, KoosOptions, KoosWording},
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{Grid, LabelMap, Structure, Volume, Voxels, unobserved},
};
use serde_json::Value;
use std::{
    io::Read as _,
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

/// A head whose brainstem is dented by 3.5 mm and not displaced, as files: a scan of it, its labels, and those without brainstem.
fn files() -> &'static [PathBuf; 3] {
    static FILES: OnceLock<[PathBuf; 3]> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-koos");
        std::fs::create_dir_all(&folder).unwrap();
        let labels = dented(3.5).labels();
        let (grid, table) = (*labels.grid(), labels.table().clone());
        let stem = table.value(Structure::Brainstem).unwrap();
        let tumour = table.value(Structure::VestibularSchwannoma).unwrap();
        // Tissue with a cistern of bright fluid about the brainstem, and a little of a pattern, so that no part of it is quite flat.
        let voxel = |(n, l): (usize, &u8)| {
            let p = grid.point_in_world(grid.voxel(n));
            let cistern = (p.x / 12.0).hypot(p.y / 10.0) < 1.5 && *l != stem && *l != tumour;
            let tissue = if cistern { 1200 } else { 300 };
            tissue + (n % 17) as i16
        };
        let voxels = labels.labels().iter().enumerate().map(voxel).collect();
        let scan = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
        let rest = labels.labels().iter();
        let rest = rest.map(|l| if *l == stem { 0 } else { *l }).collect();
        let rest = LabelMap::new(grid, rest, table).unwrap();
        let [a, b, c] = ["scan.nii.gz", "labels.nii.gz", "rest.nii.gz"].map(|n| folder.join(n));
        io::write_volume(&a, &scan).unwrap();
        io::write_labels(&b, &labels).unwrap();
        io::write_labels(&c, &rest).unwrap();
        [a, b, c]
    })
}

fn run(labels: usize, arguments: &[&str]) -> Output {
    let files = files();
    Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["koos", "--json", "--labels"])
        .args([&files[labels], &files[0]])
        .args(arguments)
        .output()
        .unwrap()
}

fn json(labels: usize, arguments: &[&str]) -> Value {
    let output = run(labels, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn warns(json: &Value, words: &str) -> bool {
    let all = json["warnings"].as_array().unwrap();
    all.iter().any(|w| w.as_str().unwrap().contains(words))
}

#[test]
fn the_wording_decides_whether_a_dent_without_displacement_is_iii_or_iv() {
    for (arguments, wording, grade) in [
        (&[][..], "topographic", "III"),
        (&["--wording", "topographic"], "topographic", "III"),
        (&["--wording", "compression"], "compression", "IV"),
    ] {
        let koos = json(1, arguments);
        assert_eq!(koos["wording"], wording);
        assert_eq!(koos["grade"], grade);
        // Forest and network were taught the topographic wording: in the other the rule speaks alone.
        let topographic = wording == "topographic";
        assert_eq!(koos["graders"]["forest"].is_null(), !topographic);
        assert_eq!(koos["graders"]["network"].is_null(), !topographic);
        assert!(topographic || koos["combined"]["grade"] == grade);
        // The library says the same of the same files.
        let (labels, _) =
            io::read_labels(&files()[1], &schwann::volume::LabelTable::default()).unwrap();
        let options = KoosOptions {
            wording: KoosWording::of_name(wording).unwrap(),
            ..KoosOptions::default()
        };
        let own = KoosBasis::of(&labels).assess_with(None, options);
        assert_eq!(own.grade_text(), grade);
        assert!(koos["evidence"]["indentation_mm"].as_f64().unwrap() > 3.0);
    }
    let refused = run(1, &["--wording", "radiological"]);
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        error.contains("topographic or compression is needed"),
        "{error}"
    );
}

#[test]
fn an_operated_tumour_is_measured_and_not_graded() {
    let koos = json(1, &["--post-operative"]);
    assert!(koos["grade"].is_null());
    let reason = koos["withheld"].as_str().unwrap();
    assert!(reason.contains("after surgery"), "{reason}");
    assert!(koos["evidence"]["contact_area_mm2"].as_f64().unwrap() > 10.0);
    assert!(koos["combined"].is_null(), "the graders are silent too");
    let total: f64 = ["I", "II", "III", "IV"]
        .iter()
        .map(|g| koos["probabilities"][g].as_f64().unwrap())
        .sum();
    assert_eq!(total, 0.0);
}

#[test]
fn a_point_gives_the_brainstem_that_the_labels_lack_and_is_told() {
    let koos = json(2, &["--brainstem-at", "0,0,0"]);
    assert!(warns(&koos, "was outlined from one point (0.0, 0.0, 0.0)"));
    assert!(koos["evidence"]["brainstem_gap_mm"].as_f64().unwrap() < 1.5);
    // Negative numbers are numbers, not options.
    let koos = json(2, &["--brainstem-at", "-1.5, 0.5, -2"]);
    assert!(warns(
        &koos,
        "was outlined from one point (-1.5, 0.5, -2.0)"
    ));
    // What is labelled is not replaced.
    let labelled = json(1, &["--brainstem-at", "0,0,0"]);
    assert!(warns(&labelled, "the point given for it is not used"));
    assert!(!warns(&labelled, "was outlined from one point"));
    assert_eq!(labelled["evidence"], json(1, &[])["evidence"]);
}

#[test]
fn a_point_that_is_none_or_lies_in_no_brain_is_refused() {
    for text in ["", "1,2", "1,2,3,4", "1,2,x", "1,2,NaN", "1,2,inf"] {
        let output = run(2, &["--brainstem-at", text]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("three numbers with commas"),
            "{text}: {error}"
        );
    }
    for (text, words) in [
        ("500,0,0", "lies outside the scan"),
        ("0,-12.5,0", "does not lie in brain tissue"),
    ] {
        let output = run(2, &["--brainstem-at", text]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.contains(words) && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn a_scan_in_slices_too_thick_for_the_model_has_no_grade_rather_than_none() {
    let patient = Patient::new(&PatientSpec {
        seed: 5,
        koos: None,
        ..PatientSpec::default()
    });
    let visit = VisitSpec {
        years: 0.0,
        site: Site::Tilburg,
        modality: Modality::HrT2,
        seed: 1,
        grid: Some(GridSpec {
            shape: [200, 200, 20],
            spacing_mm: [0.8, 0.8, 5.0],
        }),
    };
    let made = patient.unwrap().scan(&visit, &mut unobserved).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("thick.nii.gz");
    io::write_volume(&scan, &made.volume).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["koos", "--json", "--device", "cpu"])
        .arg(&scan)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let koos: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(koos["grade"].is_null(), "{koos}");
    let reason = koos["withheld"].as_str().unwrap();
    assert!(reason.contains("slices of more than 3 mm"), "{reason}");
    assert!(warns(&koos, reason) && koos["combined"].is_null());
    // The growth between visits says no more of it.
    let visit = format!("2024-01-15={}", scan.display());
    let output = Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["growth", "--json", "--device", "cpu", "--visit", &visit])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let growth: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(growth["visits"][0]["koos"].is_null(), "{growth}");
    assert!(growth["warnings"].to_string().contains(reason), "{growth}");
}

#[test]
fn a_segmentation_without_a_tumour_says_where_that_does_not_mean_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let [scan, labels] = ["flat.nii.gz", "labels.nii.gz"].map(|n| folder.path().join(n));
    let grid = Grid::axis_aligned([64; 3], [1.0; 3], DVec3::ZERO).unwrap();
    let flat = Volume::new(grid, Voxels::U8(vec![7; grid.len()]), 1.0, 0.0).unwrap();
    io::write_volume(&scan, &flat).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["segment", "--json", "--device", "cpu", "-o"])
        .args([&labels, &scan])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(warns(&found, "does not say that there is none"), "{found}");
}

#[test]
fn no_side_is_told_of_a_scan_that_does_not_tell_left_from_right() {
    let folder = tempfile::tempdir().unwrap();
    // The same files without sform and qform.
    let untold = |n: usize| {
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(&files()[n]).unwrap();
        flate2::read::GzDecoder::new(packed)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes[252..256].fill(0);
        let path = folder.path().join(format!("{n}.nii"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let output = Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(["koos", "--json"])
        .arg(untold(0))
        .arg("--labels")
        .arg(untold(1))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let koos: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(warns(&koos, "left and right are unknown"));
    assert_eq!(koos["grade"], "III");
    assert!(koos["evidence"]["side"].is_null(), "{koos}");
    assert!(json(1, &[])["evidence"]["side"].is_string());
}
