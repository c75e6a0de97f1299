//! `schwann export` and `schwann convert` on DICOM objects, as a user runs them.
use super::{io_dicom_out::golden, io_dicom_reports::faults};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use schwann::volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, unobserved};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn schwann(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schwann"))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = schwann(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn labels_go_out_as_dicom_and_come_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let (seg, rt, back) = (at("seg.dcm"), at("rt.dcm"), at("back.nii.gz"));
    let exported = json(&[
        "export",
        word(&series),
        "--labels",
        word(&labels),
        "--seg",
        word(&seg),
        "--rtstruct",
        word(&rt),
        "--json",
    ]);
    assert_eq!(exported["state"], "draft");
    assert_eq!(exported["made"], "NOT STATED");
    assert_eq!(exported["written"].as_array().unwrap().len(), 2);
    let sha256 = |path: &Path| json(&["inspect", word(path), "--json"])["voxels_sha256"].clone();
    for object in [&seg, &rt] {
        let converted = json(&[
            "convert",
            word(object),
            "--series",
            word(&series),
            "-o",
            word(&back),
            "--json",
        ]);
        assert_eq!(converted["regions"].as_array().unwrap().len(), 5);
        assert_eq!(converted["structures"][0]["side"], "left");
        assert_eq!(sha256(&back), sha256(&labels));
    }
}

/// What `schwann convert` says of how each region of an object was made.
fn made(object: &Path, folder: &Path) -> Vec<Value> {
    let back = folder.join("made.nii.gz");
    let series = golden("series");
    let converted = json(&[
        "convert",
        word(object),
        "--series",
        word(&series),
        "-o",
        word(&back),
        "--json",
    ]);
    let regions = converted["regions"].as_array().unwrap();
    regions.iter().map(|r| r["made"].clone()).collect()
}

#[test]
fn a_label_map_that_does_not_say_how_it_was_made_claims_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    for (n, (said, expected, segment, region)) in [
        (&[][..], "NOT STATED", "SEMIAUTOMATIC", Value::Null),
        (
            &["--made", "manual"][..],
            "MANUAL",
            "MANUAL",
            "MANUAL".into(),
        ),
        (
            &["--made", "automatic"][..],
            "AUTOMATIC",
            "AUTOMATIC",
            "AUTOMATIC".into(),
        ),
        (
            &["--algorithm", "other", "--algorithm-version", "3"][..],
            "SEMIAUTOMATIC",
            "SEMIAUTOMATIC",
            "SEMIAUTOMATIC".into(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (seg, rt) = (at(&format!("seg{n}.dcm")), at(&format!("rt{n}.dcm")));
        let base = ["export", word(&series), "--labels", word(&labels)];
        let objects = ["--seg", word(&seg), "--rtstruct", word(&rt), "--json"];
        let exported = json(&[&base[..], &objects, said].concat());
        assert_eq!(exported["made"], expected);
        let segments = made(&seg, folder.path());
        assert!(segments.iter().all(|m| *m == segment), "{segments:?}");
        let regions = made(&rt, folder.path());
        assert!(regions.iter().all(|m| *m == region), "{regions:?}");
        let object = dicom_object::open_file(&seg).unwrap();
        let segments = object.element(tags::SEGMENT_SEQUENCE).unwrap();
        let first = &segments.items().unwrap()[0];
        let algorithm = first.element_opt(tags::SEGMENT_ALGORITHM_NAME).unwrap();
        let algorithm = algorithm.map(|a| a.to_str().unwrap().into_owned());
        match expected {
            "NOT STATED" => assert_eq!(algorithm.as_deref(), Some("not stated")),
            "MANUAL" => assert_eq!(algorithm, None),
            _ => assert!(algorithm.is_some_and(|a| a != "not stated")),
        }
        for object in [&seg, &rt] {
            assert_eq!(faults(object).unwrap_or_default(), [""; 0], "{said:?}");
        }
    }
}

/// An earlier visit, for `--visit`: the same head, whose tumour lacks a layer, seen with other noise.
fn earlier(folder: &Path) -> String {
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let [scan, smaller] = ["scan.nii.gz", "smaller.nii.gz"].map(|name| folder.join(name));
    let (library, mut noise) = (super::io_dicom_bench::scan(&series), 7_u32);
    let only = library.choose(None).unwrap();
    let (volume, _) = schwann::io::read_series(only, &mut unobserved).unwrap();
    let values = volume.to_f32().into_iter().map(|v| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        v + (noise >> 28) as f32
    });
    let values = Voxels::F32(values.collect());
    let earlier = Volume::new(*volume.grid(), values, 1.0, 0.0).unwrap();
    schwann::io::write_volume(&scan, &earlier).unwrap();
    let (map, _) = schwann::io::read_labels(&labels, &LabelTable::default()).unwrap();
    let bounds = map.bounds(Structure::VestibularSchwannoma).unwrap();
    let cut = |(n, label): (usize, &u8)| match map.grid().voxel(n)[0] {
        x if *label == 1 && x == bounds[0][0] => 0,
        _ => *label,
    };
    let values = map.labels().iter().enumerate().map(cut).collect();
    let cut = LabelMap::new(*map.grid(), values, map.table().clone()).unwrap();
    schwann::io::write_labels(&smaller, &cut).unwrap();
    format!("2022-02-28={},{}", word(&scan), word(&smaller))
}

#[test]
fn a_report_of_several_visits_tells_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let (sr, visit) = (at("sr.dcm"), earlier(folder.path()));
    let exported = json(&[
        "export",
        word(&series),
        "--labels",
        word(&labels),
        "--visit",
        &visit,
        "--sr",
        word(&sr),
        "--json",
    ]);
    assert_eq!(exported["written"][0]["object"], "SR");
    assert_eq!(faults(&sr).unwrap_or_default(), [""; 0]);
    let report = json(&["inspect", word(&sr), "--json"]);
    let groups = report["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "the tumour and one change");
    let change = groups[1]["tracking_id"].as_str().unwrap();
    assert_eq!(change, "Change from 2022-02-28 to 2024-01-31");
    assert_eq!(groups[1]["tracking_uid"], groups[0]["tracking_uid"]);
    let numbers = groups[1]["measurements"].as_array().unwrap();
    assert!(!numbers.is_empty());
    // Two visits of one day cannot be told apart.
    let visit = visit.replace("2022-02-28", "2024-01-31");
    let refused = schwann(&[
        "export",
        word(&series),
        "--labels",
        word(&labels),
        "--visit",
        &visit,
        "--sr",
        word(&at("none.dcm")),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!at("none.dcm").exists());
}

#[test]
fn what_compares_an_accepted_visit_with_a_draft_is_a_draft_and_its_outlines_stay_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let [seg, rt, sr, pdf] = ["seg.dcm", "rt.dcm", "sr.dcm", "pdf.dcm"].map(at);
    let visit = earlier(folder.path());
    let base = ["export", word(&series), "--labels", word(&labels)];
    let outlines = ["--seg", word(&seg), "--rtstruct", word(&rt)];
    let reports = ["--sr", word(&sr), "--pdf", word(&pdf), "--json"];
    let signed = ["--state", "accepted", "--by", "Ada Reader"];
    let all = [&base[..], &outlines, &reports, &signed].concat();
    let text = |path: &Path, tag| {
        let object = dicom_object::open_file(path).unwrap();
        let text = object.element(tag).unwrap().to_str().unwrap();
        text.trim().to_owned()
    };
    let states = |exported: &Value| {
        let written = exported["written"].as_array().unwrap();
        let states = written.iter().map(|w| w["state"].as_str().unwrap());
        states.map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let alone = json(&all);
    assert_eq!(states(&alone), ["accepted"; 4]);
    assert_eq!(text(&sr, tags::VERIFICATION_FLAG), "VERIFIED");
    let compared = json(&[&all[..], &["--visit", &visit]].concat());
    assert_eq!(
        states(&compared),
        ["accepted", "accepted", "draft", "draft"]
    );
    assert_eq!(text(&seg, tags::CONTENT_LABEL), "VS_ACCEPTED");
    assert_eq!(text(&rt, tags::APPROVAL_STATUS), "APPROVED");
    assert_eq!(text(&sr, tags::VERIFICATION_FLAG), "UNVERIFIED");
    let title = text(&pdf, tags::DOCUMENT_TITLE);
    assert!(title.contains("Draft, not reviewed"), "{title}");
}

#[test]
fn a_visit_that_cannot_be_compared_leaves_no_half_of_a_set_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let [seg, rt, sr] = ["seg.dcm", "rt.dcm", "sr.dcm"].map(at);
    let base = ["export", word(&series), "--labels", word(&labels)];
    let objects = ["--seg", word(&seg), "--rtstruct", word(&rt), "--sr"];
    let visit = format!("2022-02-28={},{}", word(&at("none.nii")), word(&labels));
    let refused = schwann(&[&base[..], &objects, &[word(&sr), "--visit", &visit]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(!seg.exists() && !rt.exists() && !sr.exists());
}

#[test]
fn labels_in_another_order_of_the_same_voxels_are_put_into_that_of_the_series() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let (map, _) = schwann::io::read_labels(&labels, &LabelTable::default()).unwrap();
    // As dcm2niix writes them: rows the other way round.
    let grid = map.grid();
    let rows = grid.shape()[1];
    let mut turned = grid.world_from_voxel();
    turned.translation += turned.matrix3.y_axis * (rows - 1) as f64;
    turned.matrix3.y_axis = -turned.matrix3.y_axis;
    let turned = Grid::new(grid.shape(), turned).unwrap();
    let turned = map.reordered(&turned, 1e-6).unwrap();
    assert_ne!(turned.labels(), map.labels());
    let (other, seg, back) = (at("turned.nii.gz"), at("seg.dcm"), at("back.nii.gz"));
    schwann::io::write_labels(&other, &turned).unwrap();
    json(&[
        "export",
        word(&series),
        "--labels",
        word(&other),
        "--seg",
        word(&seg),
        "--json",
    ]);
    json(&[
        "convert",
        word(&seg),
        "--series",
        word(&series),
        "-o",
        word(&back),
        "--json",
    ]);
    let sha256 = |path: &Path| json(&["inspect", word(path), "--json"])["voxels_sha256"].clone();
    assert_eq!(sha256(&back), sha256(&labels));
}

#[test]
fn what_cannot_be_exported_or_converted_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.dcm");
    let (series, labels) = (golden("series"), golden("labels.nii.gz"));
    let other = super::io_dicom_bench::golden("oblique.zip");
    let status = |arguments: &[&str], words: &str| {
        let output = schwann(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{said}");
        output.status.code()
    };
    let base = ["export", word(&series), "--labels", word(&labels)];
    let with = |more: &[&'static str]| -> Vec<String> {
        let words = base.iter().chain(more).map(|w| (*w).to_owned());
        words.collect()
    };
    let run = |arguments: Vec<String>, words: &str| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        status(&arguments, words)
    };
    assert_eq!(run(with(&[]), "--seg"), Some(2));
    let unsigned = with(&["--seg", "x.dcm", "--state", "accepted"]);
    assert_eq!(run(unsigned, "--by"), Some(2));
    assert_eq!(run(with(&["--seg", "x.nii"]), ".dcm"), Some(1));
    let elsewhere = ["export", word(&other), "--labels", word(&labels)];
    let elsewhere = [&elsewhere[..], &["--seg", word(&out)]].concat();
    assert_eq!(status(&elsewhere, "do not lie on the voxels"), Some(1));
    let seg = golden("seg_binary.dcm");
    let nifti = folder.path().join("out.nii.gz");
    let alone = ["convert", word(&seg), "-o", word(&nifti)];
    assert_eq!(status(&alone, "--series FOLDER"), Some(1));
    let wrong = [&alone[..], &["--series", word(&other)]].concat();
    assert_eq!(status(&wrong, "another space"), Some(1));
    assert!(!out.exists() && !nifti.exists());
}

/// Twelve slices like one of the golden series, with other texts in their headers; and a label map of them on which nothing is outlined.
fn made_series(folder: &Path, texts: &[(Tag, VR, &str)]) -> String {
    std::fs::create_dir(folder).unwrap();
    for k in 0..12 {
        let mut object = dicom_object::open_file(golden("series").join("0.dcm")).unwrap();
        let (place, number) = (format!("0\\0\\{}", 2 * k), (k + 1).to_string());
        let instance = format!("1.2.3.{number}");
        let own = [
            (tags::IMAGE_POSITION_PATIENT, VR::DS, place.as_str()),
            (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
            (tags::PIXEL_SPACING, VR::DS, "1\\1"),
            (tags::SLICE_THICKNESS, VR::DS, "2"),
            (tags::SPACING_BETWEEN_SLICES, VR::DS, "2"),
            (tags::SOP_INSTANCE_UID, VR::UI, instance.as_str()),
            (tags::INSTANCE_NUMBER, VR::IS, number.as_str()),
        ];
        for (tag, vr, text) in own.iter().chain(texts) {
            object.put(DataElement::new(*tag, *vr, PrimitiveValue::from(*text)));
        }
        object
            .write_to_file(folder.join(format!("{k}.dcm")))
            .unwrap();
    }
    let (volume, _) = schwann::io::read_volume(folder, &mut unobserved).unwrap();
    let empty = vec![0; volume.grid().len()];
    let empty = LabelMap::new(*volume.grid(), empty, LabelTable::default()).unwrap();
    let labels = folder.with_extension("nii.gz");
    schwann::io::write_labels(&labels, &empty).unwrap();
    format!("{},{}", word(folder), word(&labels))
}

#[test]
fn growth_of_dicom_visits_heeds_what_their_headers_say() {
    let folder = tempfile::tempdir().unwrap();
    let first = made_series(&folder.path().join("first"), &[]);
    let second = made_series(
        &folder.path().join("second"),
        &[
            (tags::SERIES_DESCRIPTION, VR::LO, "t1 mprage"),
            (tags::CONTRAST_BOLUS_AGENT, VR::LO, "Dotarem"),
            (tags::ECHO_TIME, VR::DS, "2.97"),
            (tags::REPETITION_TIME, VR::DS, "1900"),
            (tags::PATIENT_ID, VR::LO, "P 18"),
        ],
    );
    let visits = [
        format!("2024-01-31={first}"),
        format!("2025-01-31={second}"),
    ];
    let found = json(&[
        "growth", "--visit", &visits[0], "--visit", &visits[1], "--json",
    ]);
    assert_eq!(found["visits"][0]["sequence"], "hrT2");
    assert_eq!(found["visits"][1]["sequence"], "ceT1");
    let change = &found["changes"][0];
    let reasons = change["reasons"].to_string();
    assert!(reasons.contains("different sequences"), "{reasons}");
    let cautions = change["cautions"].to_string();
    assert!(
        cautions.contains("the headers differ in the patient's number"),
        "{cautions}"
    );
}
