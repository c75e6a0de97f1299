//! DICOM series read as dcm2niix, ITK and pydicom read them (`tests/golden/dicom/generate.py`).
use super::io_dicom_bench::{files_of, find, golden, reason, scan, series, unpacked};
use glam::{DAffine3, DMat3, DVec3};
use schwann::io::{
    DicomError, DicomLibrary, DicomSeries, DicomWarning, Error, Warning, inspect, read_known_scan,
    read_series, read_slice, read_volume, scan_folder, series_of_scan, thumbnail, voxels_sha256,
    write_volume,
};
use schwann::volume::{Grid, Sequence, Volume, unobserved};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden("expected.json")).unwrap()).unwrap()
}

/// The affine of a grid whose axes are permuted and flipped to the closest RAS.
fn canonical(grid: &Grid) -> DAffine3 {
    let ras = grid.closest_ras();
    let affine = grid.world_from_voxel();
    let mut corner = [0.0; 3];
    let mut columns = [DVec3::ZERO; 3];
    for (world, column) in columns.iter_mut().enumerate() {
        let axis = ras.voxel_axis(world);
        let along = affine.matrix3.col(axis);
        if ras.flipped[axis] {
            corner[axis] = grid.shape()[axis] as f64 - 1.0;
            *column = -along;
        } else {
            *column = along;
        }
    }
    DAffine3 {
        matrix3: DMat3::from_cols(columns[0], columns[1], columns[2]),
        translation: affine.transform_point3(DVec3::from_array(corner)),
    }
}

fn same_place(grid: &Grid, rows: &Value, what: &str) {
    let found = canonical(grid);
    for row in 0..3 {
        for column in 0..4 {
            let value = if column < 3 {
                found.matrix3.col(column)[row]
            } else {
                found.translation[row]
            };
            let wanted = rows[row][column].as_f64().unwrap();
            assert!(
                (value - wanted).abs() <= 1e-4,
                "{what}: row {row}, column {column}: {value}, not {wanted}"
            );
        }
    }
}

fn volumes(path: &Path) -> Vec<(Volume, Vec<Warning>)> {
    series(&scan(path))
        .into_iter()
        .map(|s| {
            read_series(s, &mut unobserved).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        })
        .collect()
}

#[test]
fn series_are_read_as_other_programs_read_them() {
    let expected = expected();
    let cases = expected["series"].as_object().unwrap();
    assert!(cases.len() >= 23, "{}", cases.len());
    let mut compared = 0;
    for (case, programs) in cases {
        let folder = unpacked(case);
        let from_folder = volumes(folder.path());
        let from_zip = volumes(&golden(&format!("{case}.zip")));
        assert_eq!(from_folder, from_zip, "{case}");
        for (program, stacks) in programs.as_object().unwrap() {
            let stacks = stacks.as_array().unwrap();
            assert_eq!(stacks.len(), from_folder.len(), "{case}, {program}");
            for (wanted, (volume, _)) in stacks.iter().zip(&from_folder) {
                let what = format!("{case}, {program}");
                same_place(volume.grid(), &wanted["affine"], &what);
                if case != "jpeg_baseline" {
                    assert_eq!(voxels_sha256(volume), wanted["sha256"], "{what}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn lossy_jpeg_differs_by_rounding_only() {
    let expected = expected();
    let wanted = expected["lossy"]["jpeg_baseline"].as_array().unwrap();
    let (volume, _) = read_volume(&golden("jpeg_baseline.zip"), &mut unobserved).unwrap();
    let found = volume.to_f32();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((f64::from(*found) - wanted.as_f64().unwrap()).abs() <= 2.0);
    }
}

#[test]
fn no_volume_is_mirrored() {
    for case in [
        "oblique",
        "sagittal_implicit",
        "coronal_big_endian",
        "enhanced",
        "mosaic",
    ] {
        let (volume, _) = read_volume(&golden(&format!("{case}.zip")), &mut unobserved).unwrap();
        let turned = volume.grid().world_from_voxel().matrix3.determinant();
        assert!(turned > 0.0, "{case}: {turned}");
    }
}

/// The only frame of a file.
fn first_slice(name: &str) -> (DicomSeries, Vec<f32>) {
    let library = scan(&golden(name));
    let one = library.series().next().unwrap().clone();
    let slice = read_slice(&one, 0).unwrap_or_else(|e| panic!("{name}: {e}"));
    (one, slice.intensities)
}

#[test]
fn files_of_pydicom_hold_the_pixels_that_pydicom_finds() {
    let expected = expected();
    let samples = expected["samples"].as_object().unwrap();
    assert!(samples.len() >= 12, "{}", samples.len());
    for (name, wanted) in samples {
        if name.starts_with("rtdose") {
            continue;
        }
        let (series, found) = first_slice(name);
        let shape: Vec<u64> = wanted["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .collect();
        assert_eq!(found.len() as u64, shape.iter().product::<u64>(), "{name}");
        if let Some(some) = wanted["every_hundredth"].as_array() {
            // Compressed with loss: decoders round differently.
            let off: Vec<f64> = found
                .iter()
                .step_by(100)
                .zip(some)
                .map(|(found, wanted)| (f64::from(*found) - wanted.as_f64().unwrap()).abs())
                .collect();
            assert!(off.iter().all(|&o| o <= 2.0), "{name}: {off:?}");
            continue;
        }
        let bytes: Vec<u8> = found.iter().flat_map(|x| x.to_le_bytes()).collect();
        let hash = format!("{:x}", Sha256::digest(bytes));
        assert_eq!(
            hash,
            wanted["sha256"].as_str().unwrap(),
            "{name}: {:?}",
            series.facts.transfer_syntax
        );
    }
}

#[test]
fn what_is_no_regular_stack_is_split_or_refused_by_name() {
    let folder = unpacked("mixed");
    let library = scan(folder.path());
    let found = series(&library);
    let about: Vec<(String, String, usize)> = found
        .iter()
        .map(|s| (s.label.clone(), s.part.clone(), s.slices()))
        .collect();
    let wanted = [
        ("1.1", "axial", 2),
        ("1.2", "sagittal", 2),
        ("1.3", "coronal", 2),
        ("2.1", "part 1 of 2", 4),
        ("2.2", "part 2 of 2", 3),
        ("3", "", 3),
        ("4.1", "volume 1 of 2", 3),
        ("4.2", "volume 2 of 2", 3),
        ("5", "", 4),
        ("6", "", 4),
        ("7", "", 4),
    ];
    for (label, part, slices) in wanted {
        let row = (label.to_owned(), part.to_owned(), slices);
        assert!(about.contains(&row), "{row:?} in {about:?}");
    }
    assert_eq!(about.len(), wanted.len(), "{about:?}");
    let named = |label: &str| *found.iter().find(|s| s.label == label).unwrap();
    assert!(named("1.1").warnings.contains(&DicomWarning::Localiser));
    for label in ["2.1", "2.2"] {
        assert!(
            named(label).warnings.iter().any(|w| matches!(
                w,
                DicomWarning::Missing {
                    slices: 2,
                    parts: 2,
                    ..
                }
            )),
            "{:?}",
            named(label).warnings
        );
    }
    assert!(named("3").warnings.contains(&DicomWarning::Copies(3)));
    let tilt = named("5");
    let degrees = 0.2_f64.atan().to_degrees();
    assert!(
        tilt.warnings
            .iter()
            .any(|w| matches!(w, DicomWarning::Tilt { degrees: d } if (d - degrees).abs() < 1e-6))
    );
    // The true place of the last slice, not that of an upright stack.
    let top = tilt.grid.as_ref().unwrap().point_in_world([0, 0, 3]);
    assert!(top.distance(DVec3::new(0.0, -1.2, 6.0)) < 1e-9, "{top}");
    assert!(matches!(named("6").grid, Err(DicomError::Irregular { .. })));
    assert!(matches!(named("7").grid, Err(DicomError::Duplicates(2))));
    assert!(
        series(&library)
            .iter()
            .all(|s| s.proposed_as == Sequence::Unknown)
    );

    let several = reason(read_volume(folder.path(), &mut unobserved).unwrap_err());
    assert!(
        matches!(&several, DicomError::SeveralSeries(names) if names.len() == 9),
        "{several}"
    );
    assert_eq!(library.choose(Some("3")).unwrap().label, "3");
    assert!(matches!(
        library.choose(Some("2")),
        Err(DicomError::SeveralSeries(_))
    ));
    assert!(matches!(
        library.choose(Some("6")),
        Err(DicomError::Irregular { .. })
    ));
    assert!(matches!(
        library.choose(Some("nine")),
        Err(DicomError::UnknownSeries { .. })
    ));
}

#[test]
fn volumes_at_one_place_are_told_apart_by_their_numbers() {
    let library = scan(&golden("mixed.zip"));
    let volume = |label: &str| {
        let series = library.choose(Some(label)).unwrap();
        read_series(series, &mut unobserved).unwrap().0
    };
    let (first, second) = (volume("4.1"), volume("4.2"));
    assert_ne!(voxels_sha256(&first), voxels_sha256(&second));
    assert!(first.grid().matches(second.grid(), 1e-9));
}

#[test]
fn a_scan_is_found_again_among_the_stacks_of_its_files() {
    let folder = unpacked("mixed");
    let path = folder.path();
    let library = scan(path);
    for label in ["1.2", "2.1", "4.1", "4.2"] {
        let series = library.choose(Some(label)).unwrap();
        let (volume, _) = read_series(series, &mut unobserved).unwrap();
        let (shape, hash) = (volume.grid().shape(), voxels_sha256(&volume));
        let again = series_of_scan(library.series(), shape, &hash, path, &mut unobserved);
        assert_eq!(again.unwrap().label, label);
        let (again, _) = read_known_scan(path, shape, &hash, &mut unobserved).unwrap();
        assert_eq!(again.grid(), volume.grid());
        let none = series_of_scan(library.series(), shape, "another", path, &mut unobserved);
        let none = reason(none.unwrap_err());
        assert!(matches!(none, DicomError::NotAmong(_)), "{none}");
    }
    // The same voxels at another place, 9 mm to the left: which of the two was meant is not guessed.
    let moved = tempfile::tempdir().unwrap();
    let copied = tempfile::tempdir().unwrap();
    for (name, mut bytes) in files_of("mixed") {
        if !name.starts_with("vol0") {
            continue;
        }
        std::fs::write(copied.path().join(&name), &bytes).unwrap();
        let position = find(&bytes, b"\x20\x00\x32\x00DS") + 8;
        assert_eq!(bytes[position], b'0');
        bytes[position] = b'9';
        std::fs::write(moved.path().join(&name), bytes).unwrap();
    }
    let series = library.choose(Some("4.1")).unwrap();
    let (volume, _) = read_series(series, &mut unobserved).unwrap();
    let (shape, hash) = (volume.grid().shape(), voxels_sha256(&volume));
    let (moved, copied) = (scan(moved.path()), scan(copied.path()));
    let of = |more: &DicomLibrary| {
        let all = library.series().chain(more.series());
        let found = series_of_scan(all, shape, &hash, path, &mut unobserved);
        found.map(|s| s.grid.clone().unwrap())
    };
    let several = reason(of(&moved).unwrap_err());
    assert!(
        matches!(&several, DicomError::Ambiguous(titles) if titles.len() == 2),
        "{several}"
    );
    // A copy at the same place is the same scan.
    assert_eq!(of(&copied).unwrap(), *volume.grid());
}

#[test]
fn facts_of_a_series_are_its_header_s() {
    let library = scan(&golden("oblique.zip"));
    let facts = &library.choose(None).unwrap().facts;
    assert_eq!(facts.date.as_deref(), Some("2024-01-31"));
    assert_eq!(facts.modality, "MR");
    assert_eq!(facts.manufacturer, "GE MEDICAL SYSTEMS");
    assert_eq!(facts.scanner, "SIGNA");
    assert_eq!(facts.field_t, Some(1.5));
    assert_eq!(facts.echo_time_ms, Some(4.2));
    assert_eq!(facts.repetition_time_ms, Some(9.4));
    assert_eq!(facts.slice_thickness_mm, Some(1.2));
    assert_eq!(facts.three_dimensional, Some(true));
    assert_eq!(facts.contrast_agent, None);
    let patient = &library.patients[0];
    assert_eq!(
        (patient.name.as_str(), patient.id.as_str()),
        ("Test, Case", "T1")
    );
    let enhanced = scan(&golden("enhanced.zip"));
    let facts = &enhanced.choose(None).unwrap().facts;
    assert_eq!(facts.echo_time_ms, Some(4.2));
    assert_eq!(facts.slice_thickness_mm, Some(1.5));
}

#[test]
fn what_the_header_calls_ct_is_named_whatever_its_intensities_look_like() {
    // A brain window of CT in 8 bits has no Hounsfield units any more.
    let folder = tempfile::tempdir().unwrap();
    for (name, mut bytes) in files_of("eight_bits") {
        let modality = find(&bytes, b"\x08\x00\x60\x00CS\x02\x00") + 8;
        assert_eq!(&bytes[modality..modality + 2], b"MR");
        bytes[modality..modality + 2].copy_from_slice(b"CT");
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let told = |path: &Path| {
        let (_, warnings) = read_volume(path, &mut unobserved).unwrap();
        let about = |w: &&Warning| matches!(w, Warning::Dicom(DicomWarning::NotMr(_)));
        warnings.iter().find(about).map(ToString::to_string)
    };
    assert_eq!(told(&golden("eight_bits.zip")), None);
    let words = told(folder.path()).unwrap();
    assert!(words.contains("this is CT, not MRI"), "{words}");
}

#[test]
fn names_in_other_letters_are_read() {
    let library = scan(&golden("japanese.zip"));
    let series = library.choose(None).unwrap();
    assert_eq!(series.facts.series_description, "内耳道");
    assert_eq!(library.patients[0].name, "Yamada, Tarou");
}

#[test]
fn a_negative_is_called_one_and_shown_the_right_way_round() {
    let library = scan(&golden("negative.zip"));
    let series = library.choose(None).unwrap();
    assert!(series.warnings.contains(&DicomWarning::Inverted));
    let picture = thumbnail(series, 12).unwrap();
    assert_eq!((picture.width, picture.height), (12, 12));
    // The first voxels are the smallest: bright tissue.
    assert!(picture.grey[0] > 200, "{}", picture.grey[0]);
}

#[test]
fn a_slice_before_the_rest_is_the_volume_s_slice() {
    for case in [
        "oblique",
        "enhanced",
        "mosaic",
        "deflated",
        "signed_rescaled",
    ] {
        let library = scan(&golden(&format!("{case}.zip")));
        let series = library.choose(None).unwrap();
        let (volume, _) = read_series(series, &mut unobserved).unwrap();
        let [width, height, slices] = volume.grid().shape();
        assert_eq!(series.slices(), slices, "{case}");
        let all = volume.to_f32();
        for k in 0..slices {
            let slice = read_slice(series, k).unwrap();
            assert_eq!([slice.width, slice.height], [width, height], "{case}");
            let size = width * height;
            assert_eq!(slice.intensities, all[k * size..(k + 1) * size], "{case}");
        }
        assert!(read_slice(series, slices).is_err(), "{case}");
    }
}

#[test]
fn looking_and_reading_stop_when_told() {
    let folder = unpacked("oblique");
    let mut stop = |_| ControlFlow::Break(());
    let stopped = scan_folder(&[folder.path().to_owned()], &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let library = scan(folder.path());
    let series = library.choose(None).unwrap();
    assert!(matches!(
        read_series(series, &mut stop),
        Err(Error::Cancelled)
    ));
}

#[test]
fn the_good_series_opens_among_other_people_s_files() {
    let folder = unpacked("oblique");
    let path = folder.path();
    std::fs::create_dir(path.join("more")).unwrap();
    std::fs::write(path.join("more/notes.txt"), "not a scan").unwrap();
    std::fs::write(path.join("empty"), "").unwrap();
    std::fs::write(path.join("more/photo.jpg"), [0xff, 0xd8, 0xff, 0xe0]).unwrap();
    for name in [
        "MR_truncated.dcm",
        "rtdose_rle_1frame.dcm",
        "UN_sequence.dcm",
        "JPEG2000.dcm",
    ] {
        std::fs::copy(golden(name), path.join("more").join(name)).unwrap();
    }
    // The directory of a disc stands for the folder that it lies in.
    std::fs::write(path.join("DICOMDIR"), "whatever").unwrap();
    for start in [path.to_owned(), path.join("DICOMDIR")] {
        let library = scan(&start);
        assert_eq!(library.other_files, 3, "{:?}", library.skipped);
        assert_eq!(library.skipped.len(), 2, "{:?}", library.skipped);
        let good = library
            .series()
            .find(|s| s.facts.series_description == "oblique")
            .unwrap();
        let (volume, _) = read_series(good, &mut unobserved).unwrap();
        let alone = read_volume(&golden("oblique.zip"), &mut unobserved)
            .unwrap()
            .0;
        assert_eq!(volume, alone);
    }
}

#[test]
fn one_file_is_one_slice_and_says_so() {
    let folder = unpacked("oblique");
    let (volume, warnings) = read_volume(&folder.path().join("IM0002"), &mut unobserved).unwrap();
    assert_eq!(volume.grid().shape(), [12, 10, 1]);
    assert!(warnings.iter().any(|w| matches!(
        w,
        Warning::Dicom(DicomWarning::SingleSlice { thickness_mm: Some(mm) }) if *mm == 1.2
    )));
}

#[test]
fn a_converted_series_is_the_same_image() {
    let folder = tempfile::tempdir().unwrap();
    for case in ["oblique", "signed_rescaled", "mosaic", "rescale_by_slice"] {
        let path = golden(&format!("{case}.zip"));
        let (volume, _) = read_volume(&path, &mut unobserved).unwrap();
        let out = folder.path().join(format!("{case}.nii.gz"));
        write_volume(&out, &volume).unwrap();
        let found = inspect(&out, &mut unobserved).unwrap();
        assert_eq!(
            found.voxels_sha256,
            inspect(&path, &mut unobserved).unwrap().voxels_sha256
        );
    }
}

#[test]
fn the_commands_inspect_list_and_convert() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_schwann"))
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let json = serde_json::from_str::<Value>(&text).unwrap_or_default();
        (
            done.status.code(),
            json,
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let mixed = golden("mixed.zip");
    let mixed = mixed.to_str().unwrap();
    let (code, list, _) = run(&["inspect", "--json", mixed]);
    assert_eq!(code, Some(0));
    assert_eq!(list["format"], "dicom");
    assert_eq!(list["listing"].as_array().unwrap().len(), 11);
    let (code, scan, _) = run(&["inspect", "--json", mixed, "--series", "4.2"]);
    assert_eq!((code, &scan["format"]), (Some(0), &Value::from("dicom")));
    assert_eq!(scan["shape"], serde_json::json!([12, 10, 3]));
    assert_eq!(scan["series"]["series_number"], 4);
    assert!(
        !scan.to_string().contains("Test"),
        "no patient's name is printed"
    );
    let out = folder.path().join("out.nii.gz");
    let (code, _, words) = run(&["convert", mixed, "-o", out.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(
        words.contains("; 1.1 localizer (axial), 12 × 10 × 2; "),
        "{words}"
    );
    assert!(!out.exists());
    let (code, done, words) = run(&[
        "convert",
        "--json",
        mixed,
        "--series",
        "4.2",
        "-o",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(done["voxels_sha256"], scan["voxels_sha256"]);
    assert_eq!(
        inspect(&out, &mut unobserved).unwrap().voxels_sha256,
        scan["voxels_sha256"].as_str().unwrap()
    );
}

#[test]
fn an_archive_is_read_in_place_and_paths_that_climb_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (n, (name, bytes)) in files_of("oblique").into_iter().enumerate() {
        let name = if n == 0 {
            format!("../../{name}")
        } else {
            format!("a/{name}")
        };
        writer.start_file(name, stored).unwrap();
        std::io::Write::write_all(&mut writer, &bytes).unwrap();
    }
    writer.finish().unwrap();
    let library = scan(&path);
    assert_eq!(library.skipped.len(), 1);
    assert!(
        library.skipped[0]
            .1
            .to_string()
            .contains("leads out of the archive")
    );
    let slices: usize = library.series().map(DicomSeries::slices).sum();
    assert_eq!(slices, 4);
    let there: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(there.len(), 1, "nothing is unpacked");
}
