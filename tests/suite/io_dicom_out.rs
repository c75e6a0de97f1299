//! DICOM objects that belong to a series: ours as others read them, those of others as they were made (`tests/golden/dicom_out/generate.py`).
use super::io_dicom_bench::{reason, scan, unpacked};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, open_file};
use glam::DVec3;
use proptest::prelude::*;
use schwann::io::{
    Algorithm, Authorship, DerivedKind, DicomError, DicomLabels, DicomSeries, DicomWarning, Making,
    ResultState, Warning, derived_object, read_contours, read_dicom_labels, read_labels,
    write_fractional_segmentation, write_segmentation, write_structure_set,
};
use schwann::render::OverlayStyle;
use schwann::volume::{LabelMap, LabelTable, Side, Structure, unobserved};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/dicom_out")
        .join(name)
}

fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden("expected.json")).unwrap()).unwrap()
}

pub(crate) fn only(path: &Path) -> DicomSeries {
    scan(path).choose(None).unwrap().clone()
}

pub(crate) fn golden_series() -> DicomSeries {
    only(&golden("series"))
}

fn golden_labels() -> LabelMap {
    let path = golden("labels.nii.gz");
    read_labels(&path, &LabelTable::default()).unwrap().0
}

fn sha256(labels: &LabelMap) -> String {
    format!("{:x}", Sha256::digest(labels.labels()))
}

fn colour(structure: Structure) -> [u8; 3] {
    OverlayStyle::default().structure(structure).colour
}

/// What the script asks `schwann export` for.
fn authorship() -> Authorship {
    Authorship {
        state: accepted_at("2024-02-03T04:05:06".parse().unwrap()),
        making: Making::Semiautomatic,
        algorithm: Algorithm {
            name: "test model".to_owned(),
            version: "1".to_owned(),
        },
        created: NaiveDate::from_ymd_opt(2024, 2, 3)
            .unwrap()
            .and_hms_opt(4, 5, 6)
            .unwrap(),
        tracking_uid: None,
        beside_drafts: false,
        colour,
    }
}

fn accepted_at(at: NaiveDateTime) -> ResultState {
    ResultState::Accepted {
        by: "Ada Reader".to_owned(),
        at,
    }
}

pub(crate) fn read(path: &Path, series: &DicomSeries) -> DicomLabels {
    read_dicom_labels(path, series, &BTreeMap::new(), &mut unobserved)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn refused(path: &Path, series: &DicomSeries) -> DicomError {
    match read_dicom_labels(path, series, &BTreeMap::new(), &mut unobserved) {
        Ok(read) => panic!("{} was read: {:?}", path.display(), read.warnings),
        Err(error) => reason(error),
    }
}

fn said(labels: &DicomLabels, wanted: impl Fn(&DicomWarning) -> bool) -> bool {
    let mut warnings = labels.warnings.iter();
    warnings.any(|w| matches!(w, Warning::Dicom(w) if wanted(w)))
}

#[test]
fn objects_of_others_are_read_to_the_labels_that_they_stand_for() {
    let (series, expected) = (golden_series(), expected());
    let others = expected["others"].as_object().unwrap();
    assert!(others.len() >= 6, "{}", others.len());
    for (name, sha) in others {
        let found = read(&golden(name), &series);
        assert_eq!(sha256(&found.labels), sha.as_str().unwrap(), "{name}");
        let unknown = |w: &DicomWarning| {
            matches!(w, DicomWarning::UnknownRegions(names)
                if names.len() == 1 && (names[0] == "6 Eye" || names[0].ends_with("PTV_VS")))
        };
        assert!(said(&found, unknown), "{name}: {:?}", found.warnings);
        let fractional = name.contains("fractional");
        assert_eq!(
            said(&found, |w| *w == DicomWarning::Fractional),
            fractional,
            "{name}"
        );
        assert_eq!(
            said(&found, |w| matches!(w, DicomWarning::Overlapping { .. })),
            fractional,
            "{name}"
        );
    }
}

#[test]
fn segments_say_what_they_are_on_which_side_and_who_made_them() {
    let found = read(&golden("seg_binary.dcm"), &golden_series());
    let about: Vec<_> = found
        .regions
        .iter()
        .map(|r| (r.structure, r.side, r.making))
        .collect();
    let automatic = Some(Making::Automatic);
    assert_eq!(
        about,
        [
            (Some(Structure::VestibularSchwannoma), None, automatic),
            (Some(Structure::Cochlea), Some(Side::Left), automatic),
            (
                Some(Structure::Cochlea),
                Some(Side::Right),
                Some(Making::Manual)
            ),
            (Some(Structure::Brainstem), None, automatic),
            (Some(Structure::Cerebellum), None, automatic),
            (None, None, automatic),
        ]
    );
    let tracked = found.regions[0].tracking_uid.as_deref();
    assert_eq!(tracked, Some("1.2.826.0.1.3680043.8.498.77.5.1"));
    // Somebody says what the last is.
    let meaning = BTreeMap::from([(6, Some(Structure::FourthVentricle))]);
    let path = golden("seg_binary.dcm");
    let told = read_dicom_labels(&path, &golden_series(), &meaning, &mut unobserved).unwrap();
    assert_eq!(told.labels.count(Structure::FourthVentricle), 4);
    assert!(told.warnings.is_empty(), "{:?}", told.warnings);
    // Or that one which its code names is left out.
    let meaning = BTreeMap::from([(1, None)]);
    let told = read_dicom_labels(&path, &golden_series(), &meaning, &mut unobserved).unwrap();
    assert_eq!(told.regions[0].structure, None);
    assert!(told.regions[0].voxels > 0);
    assert!(!told.warnings.is_empty());
}

#[test]
fn what_an_object_is_and_of_which_series_is_known_before_it_is_read() {
    let found = derived_object(&golden("seg_labelmap.dcm"))
        .unwrap()
        .unwrap();
    assert_eq!(found.kind, DerivedKind::Segmentation);
    assert_eq!(found.series_uids, [golden_series().facts.series_uid]);
    assert!(found.is_made_from(&golden_series()) && found.belongs_to(&golden_series()));
    let found = derived_object(&golden("rtstruct_plastimatch.dcm"));
    assert_eq!(found.unwrap().unwrap().kind, DerivedKind::StructureSet);
    for other in ["labels.nii.gz", "expected.json", "series", "series/0.dcm"] {
        assert_eq!(derived_object(&golden(other)).unwrap(), None, "{other}");
    }
}

/// An object without what changes with the version of the program.
fn lasting(path: &Path) -> InMemDicomObject {
    let mut object = open_file(path).unwrap().into_inner();
    for tag in [
        tags::SOFTWARE_VERSIONS,
        tags::DEVICE_SERIAL_NUMBER,
        tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
    ] {
        assert!(object.remove_element(tag));
    }
    object
}

/// When an object was made.
fn created(path: &Path) -> NaiveDateTime {
    let object = open_file(path).unwrap();
    let text = |tag| object.element(tag).unwrap().to_str().unwrap().into_owned();
    let date = NaiveDate::parse_from_str(&text(tags::INSTANCE_CREATION_DATE), "%Y%m%d").unwrap();
    let time = NaiveTime::parse_from_str(&text(tags::INSTANCE_CREATION_TIME), "%H%M%S").unwrap();
    date.and_time(time)
}

#[test]
fn our_objects_are_still_those_that_other_programs_read() {
    let (series, labels) = (golden_series(), golden_labels());
    let expected = &expected()["schwann"];
    let own = sha256(&labels);
    for what in ["labels_sha256", "seg_sha256", "rtstruct_sha256"] {
        assert_eq!(own, expected[what].as_str().unwrap(), "{what}");
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["schwann_seg.dcm", "schwann_rtstruct.dcm"] {
        let (before, now) = (golden(name), folder.path().join(name));
        let authorship = Authorship {
            state: accepted_at(created(&before)),
            created: created(&before),
            ..authorship()
        };
        let warnings = if name == "schwann_seg.dcm" {
            write_segmentation(&now, &series, &labels, &authorship)
        } else {
            write_structure_set(&now, &series, &labels, &authorship)
        };
        assert_eq!(warnings.unwrap(), []);
        let (now_lasting, before) = (lasting(&now), lasting(&before));
        let differ: Vec<_> = now_lasting
            .tags()
            .chain(before.tags())
            // Lengths that are not written are not equal to themselves.
            .filter(|&tag| {
                format!("{:?}", now_lasting.get(tag)) != format!("{:?}", before.get(tag))
            })
            .collect();
        assert!(differ.is_empty(), "{name}: {differ:?}");
        let found = read(&now, &series);
        assert_eq!(found.labels.labels(), labels.labels(), "{name}");
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }
}

fn text(path: &Path, tag: dicom_core::Tag) -> String {
    let object = open_file(path).unwrap();
    let text = object.element(tag).unwrap().to_str().unwrap();
    text.trim().to_owned()
}

#[test]
fn a_draft_says_so_wherever_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (seg, rt) = (folder.path().join("s.dcm"), folder.path().join("r.dcm"));
    let draft = Authorship {
        state: ResultState::Draft,
        making: Making::Automatic,
        ..authorship()
    };
    let (series, labels) = (golden_series(), golden_labels());
    write_segmentation(&seg, &series, &labels, &draft).unwrap();
    write_structure_set(&rt, &series, &labels, &draft).unwrap();
    for path in [&seg, &rt] {
        let description = text(path, tags::SERIES_DESCRIPTION);
        assert!(description.contains("DRAFT"), "{description}");
        assert!(description.contains("research"), "{description}");
    }
    assert_eq!(text(&seg, tags::CONTENT_LABEL), "VS_DRAFT");
    assert_eq!(text(&seg, tags::CONTENT_CREATOR_NAME), "");
    assert_eq!(text(&rt, tags::STRUCTURE_SET_LABEL), "VS draft");
    assert_eq!(text(&rt, tags::APPROVAL_STATUS), "UNAPPROVED");
    let regions = read(&seg, &series).regions;
    assert!(regions.iter().all(|r| r.making == Some(Making::Automatic)));
    write_segmentation(&seg, &series, &labels, &authorship()).unwrap();
    assert_eq!(text(&seg, tags::CONTENT_LABEL), "VS_ACCEPTED");
    assert_eq!(text(&seg, tags::CONTENT_CREATOR_NAME), "Reader^Ada");
}

#[test]
fn a_structure_set_was_reviewed_when_it_was_accepted_not_when_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.dcm");
    let authorship = Authorship {
        state: accepted_at("2024-01-31T17:18:19".parse().unwrap()),
        ..authorship()
    };
    write_structure_set(&path, &golden_series(), &golden_labels(), &authorship).unwrap();
    assert_eq!(text(&path, tags::REVIEW_DATE), "20240131");
    assert_eq!(text(&path, tags::REVIEW_TIME), "171819");
    assert_eq!(text(&path, tags::REVIEWER_NAME), "Reader^Ada");
    assert_eq!(text(&path, tags::STRUCTURE_SET_DATE), "20240203");
}

#[test]
fn a_tumour_keeps_its_tracking_uid_from_visit_to_visit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seg.dcm");
    let tracked = |case: &str, uid: Option<&str>| {
        let series = unpacked(case);
        let series = only(series.path());
        let grid = *series.grid.as_ref().unwrap();
        let mut labels = vec![0; grid.len()];
        labels[3] = 1;
        labels[5] = 3;
        let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
        let authorship = Authorship {
            tracking_uid: uid.map(str::to_owned),
            ..authorship()
        };
        write_segmentation(&path, &series, &labels, &authorship).unwrap();
        let regions = read(&path, &series).regions;
        let uids: Vec<String> = regions
            .into_iter()
            .map(|r| r.tracking_uid.unwrap())
            .collect();
        let instance = text(&path, tags::SOP_INSTANCE_UID);
        (uids, instance)
    };
    // Two series of one patient.
    let (first, first_instance) = tracked("oblique", None);
    let (second, second_instance) = tracked("sixteen_bits", None);
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
    assert_ne!(first_instance, second_instance);
    let (given, _) = tracked("oblique", Some("1.2.3"));
    assert_eq!(given[0], "1.2.3");
    assert_eq!(given[1], first[1]);
}

#[test]
fn probabilities_are_kept_and_read_by_the_said_rule() {
    let (series, labels) = (golden_series(), golden_labels());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seg.dcm");
    let of = |structure: Structure| -> Vec<f32> {
        let mask = labels.mask(structure).into_iter().enumerate();
        mask.map(|(n, inside)| match (inside, n % 7) {
            (true, n) => 0.5 + n as f32 / 14.0,
            (false, 0) => 0.49,
            (false, _) => 0.0,
        })
        .collect()
    };
    let mut probabilities: BTreeMap<Structure, Vec<f32>> =
        Structure::ALL.into_iter().map(|s| (s, of(s))).collect();
    write_fractional_segmentation(&path, &series, &labels, &probabilities, &authorship()).unwrap();
    let found = read(&path, &series);
    assert_eq!(found.labels.labels(), labels.labels());
    assert!(said(&found, |w| *w == DicomWarning::Fractional));
    // Both cochleae have their own segment and half of the probabilities.
    let cochleae: Vec<_> = found
        .regions
        .iter()
        .filter(|r| r.structure == Some(Structure::Cochlea))
        .map(|r| (r.side, r.voxels))
        .collect();
    assert_eq!(cochleae, [(Some(Side::Left), 12), (Some(Side::Right), 8)]);
    probabilities.insert(Structure::Brainstem, vec![1.5; labels.labels().len()]);
    let error =
        write_fractional_segmentation(&path, &series, &labels, &probabilities, &authorship());
    assert_eq!(reason(error.unwrap_err()), DicomError::Probabilities);
}

#[test]
fn contours_come_back_where_they_were_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rt.dcm");
    let series = golden_series();
    let grid = *series.grid.as_ref().unwrap();
    let mut labels = vec![0; grid.len()];
    for j in 4..9 {
        for i in 6..12 {
            labels[grid.index([i, j, 2])] = 1;
        }
    }
    let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
    write_structure_set(&path, &series, &labels, &authorship()).unwrap();
    let found = read_contours(&path).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "GTV_VS");
    assert_eq!(found[0].structure, Some(Structure::VestibularSchwannoma));
    assert_eq!(found[0].contours.len(), 1);
    // Halfway between voxels, with the corner voxels cut.
    let corners = [
        [5.5, 4.0],
        [6.0, 3.5],
        [11.0, 3.5],
        [11.5, 4.0],
        [11.5, 8.0],
        [11.0, 8.5],
        [6.0, 8.5],
        [5.5, 8.0],
    ];
    let affine = grid.world_from_voxel();
    let contour = &found[0].contours[0];
    assert_eq!(contour.len(), corners.len());
    for [i, j] in corners {
        let wanted = affine.transform_point3(DVec3::new(i, j, 2.0));
        let nearest = contour.iter().map(|p| p.distance(wanted));
        let nearest = nearest.fold(f64::INFINITY, f64::min);
        assert!(nearest < 0.01, "{nearest} mm");
    }
}

#[test]
fn objects_that_do_not_fit_are_refused_by_name() {
    let (series, labels) = (golden_series(), golden_labels());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object.dcm");
    // Another patient's series.
    let other = unpacked("oblique");
    let other = only(other.path());
    for name in ["seg_binary.dcm", "rtstruct_plastimatch.dcm"] {
        assert_eq!(refused(&golden(name), &other), DicomError::OtherSpace);
    }
    assert_eq!(
        refused(&golden("series/0.dcm"), &series),
        DicomError::NotDerived
    );
    let error = write_segmentation(&path, &other, &labels, &authorship()).unwrap_err();
    assert_eq!(reason(error), DicomError::OtherGrid);
    let empty = vec![0; labels.grid().len()];
    let empty = LabelMap::new(*labels.grid(), empty, LabelTable::default()).unwrap();
    let error = write_structure_set(&path, &series, &empty, &authorship()).unwrap_err();
    assert_eq!(reason(error), DicomError::NoLabels);
    assert!(!path.exists());
    // Half a voxel beside: an object of a series with other slices.
    for (name, tag) in [
        ("schwann_seg.dcm", b"\x20\x00\x32\x00DS".as_slice()),
        ("schwann_rtstruct.dcm", b"\x06\x30\x50\x00DS"),
    ] {
        let mut bytes = std::fs::read(golden(name)).unwrap();
        let at = bytes.windows(tag.len()).position(|w| w == tag).unwrap() + 8;
        // The first digit of the height of a position or of a point.
        let third = bytes[at..].iter().enumerate();
        let third = third.filter(|(_, b)| **b == b'\\').nth(1).unwrap().0;
        bytes[at + third + 1] = b'4';
        std::fs::write(&path, bytes).unwrap();
        let problem = refused(&path, &series);
        assert!(
            matches!(problem, DicomError::OffGrid { .. }),
            "{name}: {problem}"
        );
    }
}

/// Random labels on a golden series come back from both objects, voxel for voxel.
fn comes_back(case: &str, values: &[u8]) {
    let unpacked = unpacked(case);
    let series = only(unpacked.path());
    let grid = *series.grid.as_ref().unwrap();
    let labels: Vec<u8> = (0..grid.len())
        .map(|n| values[n % values.len()] % 9)
        .map(|v| if v > 6 { 0 } else { v })
        .collect();
    let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
    if labels.labels().iter().all(|&l| l == 0) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object.dcm");
    write_segmentation(&path, &series, &labels, &authorship()).unwrap();
    assert_eq!(
        read(&path, &series).labels.labels(),
        labels.labels(),
        "{case}"
    );
    write_structure_set(&path, &series, &labels, &authorship()).unwrap();
    assert_eq!(
        read(&path, &series).labels.labels(),
        labels.labels(),
        "{case}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn labels_come_back_voxel_for_voxel(values in prop::collection::vec(0_u8..9, 50..400)) {
        for case in ["oblique", "enhanced", "mosaic", "sagittal_implicit", "coronal_big_endian", "japanese"] {
            comes_back(case, &values);
        }
    }
}

/// Runs a program of others; nothing where it is not installed.
fn run(program: &str, arguments: &[&Path]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        // Past the test harness, which keeps what a passing test prints.
        let line = format!("skipped: {program} is not installed\n");
        drop(std::io::stderr().write_all(line.as_bytes()));
        return None;
    };
    Some(
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn dciodvfy_finds_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for case in ["oblique", "enhanced", "mosaic", "japanese"] {
        let unpacked = unpacked(case);
        let series = only(unpacked.path());
        let grid = *series.grid.as_ref().unwrap();
        let labels: Vec<u8> = (0..grid.len()).map(|n| (n / 7 % 5) as u8).collect();
        let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
        for state in [ResultState::Draft, authorship().state] {
            let authorship = Authorship {
                state,
                ..authorship()
            };
            let paths = ["seg", "rt", "fractional"].map(|n| folder.path().join(n));
            write_segmentation(&paths[0], &series, &labels, &authorship).unwrap();
            write_structure_set(&paths[1], &series, &labels, &authorship).unwrap();
            let tumour = BTreeMap::from([(
                Structure::VestibularSchwannoma,
                vec![0.25_f32; labels.labels().len()],
            )]);
            write_fractional_segmentation(&paths[2], &series, &labels, &tumour, &authorship)
                .unwrap();
            for path in &paths {
                let Some(said) = run("dciodvfy", &[Path::new("-new"), path]) else {
                    return;
                };
                assert!(
                    !said.contains("Error"),
                    "{case}, {}: {said}",
                    path.display()
                );
            }
        }
    }
}
