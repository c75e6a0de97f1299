//! Every file of the zoo in `tests/fixtures/nifti` read as nibabel reads it (`tests/golden/nifti/generate.py`).
use schwann::io::{Inspection, inspect, read_volume, voxels_sha256};
use schwann::volume::unobserved;
use serde_json::Value;
use std::path::PathBuf;

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn fixture(name: &str) -> PathBuf {
    tests().join("fixtures/nifti").join(name)
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(tests().join("golden/nifti/expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

#[test]
fn the_zoo_is_whole() {
    assert!(cases().len() >= 180, "{}", cases().len());
}

#[test]
fn inspect_finds_what_nibabel_finds() {
    for case in cases() {
        let name = case["file"].as_str().unwrap();
        let found =
            inspect(&fixture(name), &mut unobserved).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (field, value) in [
            ("format", found.format),
            ("datatype", found.datatype),
            ("affine_source", found.affine_source),
            ("orientation", &found.orientation),
            ("sha256", &found.voxels_sha256),
        ] {
            assert_eq!(value, case[field], "{name}: {field}");
        }
        assert_eq!(
            serde_json::to_value(&found.shape).unwrap(),
            case["shape"],
            "{name}"
        );
        for (row, expected) in found
            .affine_ras
            .iter()
            .zip(case["affine"].as_array().unwrap())
        {
            for (&x, e) in row.iter().zip(numbers(expected)) {
                assert!((x - e).abs() < 1e-9, "{name}: {row:?} for {expected}");
            }
        }
        assert!(
            close(found.rescale.slope, case["slope"].as_f64().unwrap(), 0.0),
            "{name}"
        );
        assert!(
            close(
                found.rescale.intercept,
                case["intercept"].as_f64().unwrap(),
                0.0
            ),
            "{name}"
        );
        statistics(name, &found, &case["statistics"]);
    }
}

fn statistics(name: &str, found: &Inspection, expected: &Value) {
    let p = found.percentiles;
    let all = [found.minimum, found.maximum, found.mean, p.p1, p.p50, p.p99];
    if expected.is_null() {
        assert_eq!(all, [None; 6], "{name}");
        return;
    }
    for (x, e) in all.iter().zip(numbers(expected)) {
        assert!(
            x.is_some_and(|x| close(x, e, 1e-12)),
            "{name}: {all:?} for {expected}"
        );
    }
}

#[test]
fn the_first_volume_is_read_as_nibabel_reads_it() {
    for case in cases() {
        let name = case["file"].as_str().unwrap();
        let (volume, _) =
            read_volume(&fixture(name), &mut unobserved).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(voxels_sha256(&volume), case["first_sha256"], "{name}");
        assert_eq!(volume.voxels().datatype(), case["datatype"], "{name}");
        let grid = volume.grid();
        assert_eq!(grid.axis_codes().to_string(), case["orientation"], "{name}");
        let corner = grid.world_from_voxel().translation;
        for (row, expected) in case["affine"]
            .as_array()
            .unwrap()
            .iter()
            .take(3)
            .enumerate()
        {
            assert!((corner[row] - numbers(expected)[3]).abs() < 1e-9, "{name}");
        }
    }
}

/// What the warnings of a fixture say, joined.
fn warnings(name: &str) -> String {
    inspect(&fixture(name), &mut unobserved)
        .unwrap()
        .warnings
        .join("\n")
}

#[test]
fn what_matters_is_warned_of() {
    for (name, words) in [
        ("no_form.nii", "left and right are unknown"),
        ("analyze_slope.hdr", "left and right follow a convention"),
        ("both_forms_differ.nii", "1.00 mm apart"),
        ("shape_4.nii", "3 volumes"),
        ("scaled_5.nii", "slope in the header is not a finite number"),
        ("extra_bytes.nii", "20 bytes behind"),
        ("extra_bytes_zipped.nii.gz", "20 bytes behind"),
        ("n1_f4_le.nii", "2 voxels are not finite"),
        ("units_metres.nii", "metres"),
        ("units_micrometres.nii", "micrometres"),
        ("bitpix_wrong.nii", "bitpix holds 8"),
        ("form_codes_unknown.nii", "sform_code holds 9"),
        ("qfac_two.nii", "pixdim[0] (qfac) holds 2"),
        ("pixdim_zero_qform.nii", "pixdim[2] holds 0"),
    ] {
        let found = warnings(name);
        assert!(found.contains(words), "{name}: {found}");
    }
}

#[test]
fn an_ordinary_scan_has_no_warning() {
    for name in [
        "sform_oblique.nii",
        "qform_oblique.nii",
        "both_forms.nii",
        "extension_le.nii",
        "members.nii.gz",
        "shape_3.nii.gz",
    ] {
        assert_eq!(warnings(name), "", "{name}");
    }
}

#[test]
fn the_json_has_exactly_the_fields_of_the_contract() {
    let found = inspect(&fixture("no_finite_voxel.nii"), &mut unobserved).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    let mut fields: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "affine_ras",
            "affine_source",
            "datatype",
            "file",
            "format",
            "maximum",
            "mean",
            "minimum",
            "oblique_degrees",
            "orientation",
            "percentiles",
            "rescale",
            "shape",
            "spacing_mm",
            "voxels_sha256",
            "warnings"
        ]
    );
    assert_eq!(
        json["percentiles"],
        serde_json::json!({"1": null, "50": null, "99": null})
    );
    assert_eq!(
        json["rescale"],
        serde_json::json!({"slope": 1.0, "intercept": 0.0})
    );
    assert!(json["minimum"].is_null());
}

#[test]
fn people_read_the_same_facts() {
    let text = inspect(&fixture("sform_lps.nii"), &mut unobserved)
        .unwrap()
        .to_string();
    for words in [
        "5 × 4 × 3",
        "0.5000 × 0.7500 × 1.5000 mm",
        "LPS (sform",
        "nifti1, int16",
    ] {
        assert!(text.contains(words), "{text}");
    }
}
