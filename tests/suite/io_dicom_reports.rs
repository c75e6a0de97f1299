//! Measurement reports, encapsulated PDFs and key images: what was measured comes back, others' programs find no fault, damaged ones are refused.
use super::io_dicom_bench::{find, golden, scan, series};
use proptest::prelude::*;
use schwann::io::{
    Algorithm, Authorship, DicomError, DicomSeries, Error, Inspected, Making, MeasurementReport,
    Measurements, ResultState, inspect_or_list, read_labels, read_measurements,
    write_encapsulated_pdf, write_key_image, write_labels, write_measurements, write_segmentation,
};
use schwann::patient::{NOTICE, Outline, Picture, ReviewState, ScanOrigin, Visit, assess};
use schwann::volume::{LabelMap, LabelTable, Sequence, unobserved};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn authorship(state: ResultState) -> Authorship {
    Authorship {
        state,
        making: Making::Automatic,
        algorithm: Algorithm {
            name: "segmenter".to_owned(),
            version: "1".to_owned(),
        },
        created: "2024-05-06T07:08:09".parse().unwrap(),
        tracking_uid: None,
        beside_drafts: false,
        colour: |_| [200, 60, 60],
    }
}

fn accepted() -> Authorship {
    authorship(ResultState::Accepted {
        by: "Jane Reader".to_owned(),
        at: "2024-04-30T20:21:22".parse().unwrap(),
    })
}

/// A small series with labels of a tumour, cochleae and brainstem (`tests/golden/dicom_out/generate.py`).
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/dicom_out")
        .join(name)
}

struct Case {
    folder: tempfile::TempDir,
    series: DicomSeries,
    labels: LabelMap,
    visit: Visit,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let library = scan(&source("series"));
    let series = series(&library)[0].clone();
    let (labels, _) = read_labels(&source("labels.nii.gz"), &LabelTable::default()).unwrap();
    let origin = ScanOrigin {
        date: "2024-02-29".parse().unwrap(),
        sequence: Sequence::HrT2,
        scan_sha256: String::new(),
        warnings: Vec::new(),
    };
    let visit = Visit::measured(&labels, origin, Outline::Imported);
    assert!(visit.finding.tumour.is_some(), "the phantom has a tumour");
    Case {
        folder,
        series,
        labels,
        visit,
    }
}

impl Case {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn written(&self, name: &str, seg: Option<&Path>, authorship: &Authorship) -> PathBuf {
        let mut visit = self.visit.clone();
        if authorship.state != ResultState::Draft {
            visit.finding.provenance.state = ReviewState::Accepted;
        }
        self.compared(name, &[visit], seg, authorship)
    }

    /// A report of the last of these visits.
    fn compared(
        &self,
        name: &str,
        visits: &[Visit],
        seg: Option<&Path>,
        authorship: &Authorship,
    ) -> PathBuf {
        let path = self.path(name);
        let assessment = assess(visits, &[], None).unwrap();
        let measured = Measurements {
            labels: &self.labels,
            visit: visits.last().unwrap(),
            assessment: Some(&assessment),
            segmentation: seg,
        };
        write_measurements(&path, &self.series, &measured, authorship).unwrap();
        path
    }
}

fn read(path: &Path) -> MeasurementReport {
    read_measurements(path).unwrap().unwrap()
}

/// Errors that a validator finds; nothing where there is none installed.
pub(crate) fn faults(path: &Path) -> Option<Vec<String>> {
    let Ok(done) = Command::new("dciodvfy").arg(path).output() else {
        let line = "skipped: dciodvfy (package dicom3tools) is not installed\n";
        drop(std::io::stderr().write_all(line.as_bytes()));
        return None;
    };
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    let errors = text.lines().filter(|line| line.starts_with("Error"));
    Some(errors.map(ToOwned::to_owned).collect())
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|w| w == what)
}

#[test]
fn every_number_of_the_visit_comes_back_with_its_unit() {
    let case = case();
    let seg = case.path("seg.dcm");
    write_segmentation(
        &seg,
        &case.series,
        &case.labels,
        &authorship(ResultState::Draft),
    )
    .unwrap();
    let path = case.written("sr.dcm", Some(&seg), &authorship(ResultState::Draft));
    let report = read(&path);
    assert_eq!(report.title, "Imaging Measurement Report");
    assert!(!report.verified);
    let [group] = &report.groups[..] else {
        panic!("{:?}", report.groups)
    };
    assert_eq!(group.finding.as_deref(), Some("Vestibular schwannoma"));
    assert_eq!(group.site.as_deref(), Some("Vestibulocochlear nerve"));
    let tumour = case.visit.finding.tumour.as_ref().unwrap();
    let measures = tumour.measures.as_ref().unwrap();
    let value = |code: &str| {
        let found = group.measurements.iter().find(|m| m.code == code);
        found.map(|m| (m.value.unwrap(), m.unit.as_str()))
    };
    assert_eq!(value("118565006 SCT"), Some((tumour.volume_mm3, "mm3")));
    assert_eq!(value("C0JK IBSI"), Some((tumour.surface_mm2, "mm2")));
    assert_eq!(
        value("L0JK IBSI"),
        measures.diameters.max_3d.map(|d| (d.value_mm, "mm"))
    );
    assert_eq!(
        value("103339001 SCT"),
        measures.diameters.whole_axial.map(|d| (d.value_mm, "mm"))
    );
    let lengths = group.measurements.iter().filter(|m| m.unit == "mm").count();
    assert!(lengths >= measures.diameters.iter().count());
    let koos = &case.visit.finding.koos;
    assert_eq!(
        value("BRAINSTEM_GAP 99VSV"),
        koos.evidence.brainstem_gap_mm.map(|mm| (mm, "mm"))
    );
    assert!(koos.evidence.brainstem_gap_mm.is_some());
    let grade = group.evaluations.iter().find(|e| e.name == "Koos grade");
    let wanted = match koos.grade {
        Some(grade) => format!("Koos grade {grade}"),
        None => "Koos grade withheld".to_owned(),
    };
    assert_eq!(grade.map(|g| g.value.clone()), Some(wanted));
    let words = group.evaluations.iter().find(|e| e.name == "Comment");
    let words = words.map(|w| w.value.clone()).unwrap();
    assert!(words.contains("Draft") && words.contains(NOTICE), "{words}");
    // The segment of the same tumour has the same tracking UID.
    let uid = group.tracking_uid.clone().unwrap();
    assert!(has(&std::fs::read(&seg).unwrap(), uid.as_bytes()));
    // The patient and the study are those of the series.
    let bytes = std::fs::read(&path).unwrap();
    assert!(has(&bytes, case.series.facts.study_uid.as_bytes()));
    let frame = case.series.facts.frame_of_reference_uid.as_ref().unwrap();
    assert!(has(&bytes, frame.as_bytes()));
}

#[test]
fn an_accepted_report_is_verified_by_its_reader_and_a_draft_is_not() {
    let case = case();
    let draft = case.written("draft.dcm", None, &authorship(ResultState::Draft));
    let bytes = std::fs::read(&draft).unwrap();
    assert!(has(&bytes, b"UNVERIFIED") && has(&bytes, b"PRELIMINARY"));
    let path = case.written("accepted.dcm", None, &accepted());
    let report = read(&path);
    assert!(report.verified);
    assert_eq!(report.verified_by.as_deref(), Some("Reader^Jane"));
    let bytes = std::fs::read(&path).unwrap();
    assert!(!has(&bytes, b"UNVERIFIED") && has(&bytes, b"FINAL "));
    // By whom, in DICOM's form, and when it was accepted, not when the report is written.
    assert!(!has(&bytes, b"Jane Reader") && has(&bytes, b"20240430202122"));
}

#[test]
fn an_accepted_visit_that_is_compared_with_a_draft_is_reported_as_a_draft() {
    let case = case();
    let mut visits = [case.visit.clone(), case.visit.clone()];
    visits[0].date = "2022-02-28".parse().unwrap();
    visits[0].finding.provenance.state = ReviewState::AiDraft;
    visits[1].finding.provenance.state = ReviewState::Accepted;
    let path = case.compared("sr.dcm", &visits, None, &accepted());
    let report = read(&path);
    assert!(!report.verified && report.verified_by.is_none());
    let bytes = std::fs::read(&path).unwrap();
    assert!(has(&bytes, b"UNVERIFIED") && has(&bytes, b"PRELIMINARY"));
    let comment = |group: usize| {
        let group = &report.groups[group].evaluations;
        let comment = group.iter().find(|e| e.name == "Comment");
        comment.unwrap().value.clone()
    };
    assert!(comment(0).starts_with("Accepted"), "{}", comment(0));
    let words = "The outlines of 2022-02-28 were not reviewed";
    assert!(comment(1).contains(words), "{}", comment(1));
    // Both accepted, it is verified; and a document is a draft where its author says that it tells of one.
    visits[0].finding.provenance.state = ReviewState::Accepted;
    assert!(read(&case.compared("sr.dcm", &visits, None, &accepted())).verified);
    let pdf = case.path("pdf.dcm");
    for beside_drafts in [false, true] {
        let authorship = Authorship {
            beside_drafts,
            ..accepted()
        };
        write_encapsulated_pdf(&pdf, &case.series, b"%PDF-1.7\n%%EOF", &authorship).unwrap();
        let bytes = std::fs::read(&pdf).unwrap();
        assert_eq!(has(&bytes, b"DRAFT, not reviewed"), beside_drafts);
        assert_eq!(has(&bytes, b"accepted, research only"), !beside_drafts);
    }
}

#[test]
fn a_tumour_that_the_scan_cuts_has_no_interval() {
    let mut case = case();
    for cut in [false, true] {
        let tumour = case.visit.finding.tumour.as_mut().unwrap();
        tumour.at_scan_edge = cut;
        let report = read(&case.written("sr.dcm", None, &accepted()));
        let codes: Vec<&str> = (report.groups[0].measurements.iter())
            .map(|m| m.code.as_str())
            .collect();
        assert!(codes.contains(&"118565006 SCT"), "{codes:?}");
        for limit in ["VOL_CI95_LOW 99VSV", "VOL_CI95_HIGH 99VSV"] {
            assert_eq!(codes.contains(&limit), !cut, "{codes:?}");
        }
    }
}

#[test]
fn a_segmentation_of_something_else_is_refused() {
    let case = case();
    let seg = case.path("seg.dcm");
    let mut other = authorship(ResultState::Draft);
    other.tracking_uid = Some("1.2.3.4".to_owned());
    write_segmentation(&seg, &case.series, &case.labels, &other).unwrap();
    let measured = Measurements {
        labels: &case.labels,
        visit: &case.visit,
        assessment: None,
        segmentation: Some(&seg),
    };
    let path = case.path("sr.dcm");
    let draft = authorship(ResultState::Draft);
    let error = write_measurements(&path, &case.series, &measured, &draft).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Dicom {
                source: DicomError::NoTumourSegment,
                ..
            }
        ),
        "{error}"
    );
    assert!(!path.exists());
}

#[test]
fn validators_find_no_fault_in_reports_documents_and_pictures() {
    let case = case();
    let seg = case.path("seg.dcm");
    write_segmentation(&seg, &case.series, &case.labels, &accepted()).unwrap();
    let mut paths = Vec::new();
    for (name, seg) in [("with.dcm", Some(seg.as_path())), ("without.dcm", None)] {
        paths.push(case.written(name, seg, &accepted()));
    }
    paths.push(case.written("draft.dcm", None, &authorship(ResultState::Draft)));
    let pdf = case.path("pdf.dcm");
    write_encapsulated_pdf(&pdf, &case.series, b"%PDF-1.7\n%%EOF", &accepted()).unwrap();
    paths.push(pdf);
    let key = case.path("key.dcm");
    write_key_image(&key, &case.series, &picture(), 1, &accepted()).unwrap();
    paths.push(key);
    for path in &paths {
        if let Some(faults) = faults(path) {
            assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        }
    }
    let Ok(done) = Command::new("dsrdump").arg(&paths[0]).output() else {
        let line = "skipped: dsrdump (package dcmtk) is not installed\n";
        drop(std::io::stderr().write_all(line.as_bytes()));
        return;
    };
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    // Its checker of texts does not know UTF-8, and says so.
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    let errors = told
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.contains("Specific Character Set: ISO_IR 192"));
    assert!(done.status.success() && errors.count() == 0, "{told}");
    for words in ["Imaging Measurement Report", "Volume", "VERIFIED", "99VSV"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

fn picture() -> Picture {
    Picture {
        visit: 0,
        caption: "2024-02-29, axial\npatient's right on the left of the image".to_owned(),
        width: 5,
        height: 3,
        rgb: (0..45).collect(),
    }
}

#[test]
fn documents_and_pictures_are_wrapped_as_they_are() {
    let case = case();
    let draft = authorship(ResultState::Draft);
    let path = case.path("pdf.dcm");
    let pdf = b"%PDF-1.7\n%odd\n%%EOF".to_vec();
    write_encapsulated_pdf(&path, &case.series, &pdf, &draft).unwrap();
    assert!(has(&std::fs::read(&path).unwrap(), &pdf));
    let key = case.path("key.dcm");
    write_key_image(&key, &case.series, &picture(), 1, &draft).unwrap();
    let bytes = std::fs::read(&key).unwrap();
    let at = find(&bytes, b"\xe0\x7f\x10\x00OB");
    assert_eq!(bytes[at + 12..at + 12 + 45], picture().rgb);
    for wrong in [
        Picture {
            width: 6,
            ..picture()
        },
        Picture {
            width: 0,
            rgb: Vec::new(),
            ..picture()
        },
        Picture {
            width: u32::MAX,
            height: u32::MAX,
            ..picture()
        },
    ] {
        let error = write_key_image(&case.path("no.dcm"), &case.series, &wrong, 1, &draft);
        assert!(matches!(
            error,
            Err(Error::Dicom {
                source: DicomError::Picture,
                ..
            })
        ));
    }
    let error = write_encapsulated_pdf(&case.path("no.dcm"), &case.series, b"PK", &draft);
    assert!(matches!(
        error,
        Err(Error::Dicom {
            source: DicomError::NotPdf,
            ..
        })
    ));
    assert!(!case.path("no.dcm").exists());
}

#[test]
fn another_programs_report_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom_out_sr");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let path = folder.join("highdicom.dcm");
    let Inspected::Report(report) = inspect_or_list(&path, None, &mut unobserved).unwrap() else {
        panic!("a report is no scan")
    };
    let found = serde_json::to_value(&report).unwrap();
    for key in ["title", "verified", "verified_by", "groups"] {
        assert_eq!(found[key], expected[key], "{key}");
    }
    assert!(
        report.to_string().contains("Volume: 1234.5 mm3"),
        "{report}"
    );
    assert!(
        read_measurements(&golden("MR_small.dcm"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_command_writes_all_of_one_result_and_inspects_the_report() {
    let case = case();
    let labels = case.path("labels.nii.gz");
    write_labels(&labels, &case.labels).unwrap();
    let path = |name: &str| case.path(name).to_string_lossy().into_owned();
    let source = source("series");
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_schwann"))
            .args(arguments)
            .output()
            .unwrap();
        let json: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        (
            done.status.code(),
            json,
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let (seg, sr, pdf) = (path("seg.dcm"), path("sr.dcm"), path("pdf.dcm"));
    let (key, coronal) = (path("key.dcm"), format!("coronal={}", path("coronal.dcm")));
    let labels = labels.to_string_lossy().into_owned();
    let arguments = [
        "export",
        "--json",
        source.to_str().unwrap(),
        "--labels",
        &labels,
        "--seg",
        &seg,
        "--sr",
        &sr,
        "--pdf",
        &pdf,
        "--key-image",
        &key,
        "--key-image",
        &coronal,
        "--date",
        "2024-02-29",
    ];
    let (code, json, errors) = run(&arguments);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(json["written"].as_array().unwrap().len(), 5);
    let (code, report, errors) = run(&["inspect", "--json", &sr]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(report["kind"], "structured report");
    let volume = case.visit.finding.tumour.as_ref().unwrap().volume_mm3;
    let told = &report["groups"][0]["measurements"][0]["value"];
    // Of voxels as the series has them; the label map's affine is in single precision.
    assert!(
        (told.as_f64().unwrap() / volume - 1.0).abs() < 1e-6,
        "{told}"
    );
    for path in [&pdf, &key, &path("coronal.dcm")] {
        assert!(std::fs::metadata(path).unwrap().len() > 1000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is done to a report's bytes, reading it gives a report, nothing or an error.
    #[test]
    fn damaged_reports_are_read_or_refused(
        at in 0_usize..5064, with in proptest::collection::vec(any::<u8>(), 0..16), cut in any::<bool>(),
    ) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom_out_sr/highdicom.dcm");
        let mut bytes = std::fs::read(golden).unwrap();
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            let end = (at + with.len()).min(bytes.len());
            bytes.splice(at..end, with);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = read_measurements(&path) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
