use super::*;
use crate::patient::ModelInfo;
use proptest::prelude::*;

fn hash(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn file(path: &str) -> FileRecord {
    FileRecord {
        path: path.to_owned(),
        bytes: 10,
        sha256: hash(7),
    }
}

fn version(number: u32, review: Review) -> LabelVersion {
    LabelVersion {
        version: number,
        labels: file(&format!("labels/visit-1-v{number}.nii.gz")),
        values: vec![(1, "vestibular schwannoma".to_owned())],
        outline: Outline::Model {
            model: ModelInfo {
                name: "segmenter".to_owned(),
                version: "0.4.0".to_owned(),
                sha256: hash(9),
            },
            device: "CPU".to_owned(),
        },
        review,
        saved: signature(),
        parent: number.checked_sub(1).filter(|n| *n > 0),
        voxels_added: Some(3),
        voxels_removed: None,
        results: Some(file("results/visit-1-v1.json")),
        seen: BTreeSet::from([4, 5]),
        other: Map::new(),
    }
}

fn signature() -> Signature {
    Signature::new(" Ada ", "2026-03-01T10:00:00.1234Z".parse().unwrap())
}

fn record() -> PatientRecord {
    PatientRecord {
        facts: PatientFacts {
            name: Some("A. Patient".to_owned()),
            side: Some(AffectedSide::Left),
            koos_wording: None,
            treatments: vec![Treatment {
                day: "2020-05-06".parse().unwrap(),
                kind: TreatmentKind::Other("proton beam".to_owned()),
            }],
        },
        visits: vec![VisitRecord {
            id: "visit-1".to_owned(),
            date: Some(VisitDate {
                day: "2024-03-12".parse().unwrap(),
                source: DateSource::Header,
            }),
            scan: ScanRecord {
                path: "scans/visit-1/scan.hdr".to_owned(),
                files: vec![
                    file("scans/visit-1/scan.hdr"),
                    file("scans/visit-1/scan.img"),
                ],
                facts: ScanFacts {
                    voxels_sha256: hash(1),
                    shape: [4, 3, 2],
                    sequence: Sequence::HrT2,
                    other: Map::from_iter([("site".to_owned(), Value::from("London"))]),
                },
            },
            versions: vec![
                version(1, Review::AiDraft),
                version(2, Review::Accepted(signature())),
            ],
            current: Some(2),
            key_images: vec![Value::from(1.25)],
            measurements: Vec::new(),
            other: Map::new(),
        }],
        ..PatientRecord::default()
    }
}

#[test]
fn a_record_reads_as_it_was_written_and_its_states_are_in_words() {
    let record = record();
    let bytes = record.to_json().unwrap();
    assert_eq!(PatientRecord::from_json(&bytes).unwrap(), record);
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    let visit = &json["visits"][0];
    assert_eq!(visit["versions"][1]["review"]["state"], "accepted");
    assert_eq!(visit["versions"][1]["review"]["by"], "Ada");
    assert_eq!(visit["versions"][0]["outline"]["drawn_by"], "model");
    assert_eq!(visit["scan"]["sequence"], "hrT2");
    assert_eq!(visit["date"]["source"], "header");
    assert_eq!(json["treatments"][0]["kind"], "proton beam");
    let words = record.visits[0].current().unwrap().review.to_string();
    assert_eq!(words, "accepted by Ada at 2026-03-01 10:00 UTC");
}

#[test]
fn what_a_later_version_added_is_kept_once_and_its_layout_is_told() {
    let mut json: Value = serde_json::from_slice(&record().to_json().unwrap()).unwrap();
    for pointer in ["", "/visits/0", "/visits/0/scan", "/visits/0/versions/1"] {
        json.pointer_mut(pointer).unwrap()["later"] = Value::from("kept");
    }
    json["schema"] = Value::from(RECORD_SCHEMA + 1);
    let read = PatientRecord::from_json(json.to_string().as_bytes()).unwrap();
    assert!(read.is_newer() && !record().is_newer());
    let again: Value = serde_json::from_slice(&read.to_json().unwrap()).unwrap();
    assert_eq!(again, json);
}

#[test]
fn only_the_last_radiosurgery_is_one() {
    let treated = |day: &str, kind| Treatment {
        day: day.parse().unwrap(),
        kind,
    };
    let mut facts = PatientFacts::default();
    assert_eq!(facts.radiosurgery(), None);
    facts.treatments = vec![
        treated("2021-01-01", TreatmentKind::Radiosurgery),
        treated("2019-01-01", TreatmentKind::Radiosurgery),
        treated("2023-01-01", TreatmentKind::Surgery),
    ];
    assert_eq!(facts.radiosurgery(), "2021-01-01".parse().ok());
}

#[test]
fn paths_that_climb_out_and_references_to_nothing_are_refused() {
    let refused = |change: &dyn Fn(&mut VisitRecord)| {
        let mut record = record();
        change(&mut record.visits[0]);
        let bytes = record.to_json().unwrap();
        assert!(PatientRecord::from_json(&bytes).is_err(), "{record:?}");
    };
    for path in [
        "",
        "/etc/passwd",
        "../labels/visit-1-v1.nii.gz",
        "labels/../../visit-1-v1.nii.gz",
        "labels/visit-1-/../../x.nii.gz",
        "labels\\visit-1-v1.nii.gz",
        "labels/visit-1-c:v1.nii.gz",
        "labels/visit-1-\0.nii.gz",
        "labels/visit-2-v1.nii.gz",
        "labels/visit-1-v1.nii",
        "scans/visit-1/scan.nii.gz",
    ] {
        refused(&|visit| visit.versions[0].labels.path = path.to_owned());
        refused(&|visit| visit.scan.files[0].path = path.to_owned() + "/../x");
        refused(&|visit| visit.scan.path = path.to_owned() + "x");
        refused(&|visit| visit.id = path.to_owned());
    }
    refused(&|visit| visit.scan.files.clear());
    refused(&|visit| visit.scan.files[1].path = "scans/visit-2/scan.img".to_owned());
    refused(&|visit| visit.scan.facts.voxels_sha256 = "../x".to_owned());
    refused(&|visit| visit.versions[0].labels.sha256 = hash(1).to_uppercase() + "G");
    refused(&|visit| visit.current = Some(3));
    refused(&|visit| visit.current = None);
    refused(&|visit| visit.versions[1].version = 1);
    refused(&|visit| visit.versions[0].version = 0);
    refused(&|visit| visit.versions[0].parent = Some(2));
    refused(&|visit| visit.id = "visit-0".to_owned());
    let mut twice = record();
    twice.visits.push(twice.visits[0].clone());
    assert!(twice.check().is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_reading_a_record_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(PatientRecord::from_json(&bytes));
    }

    #[test]
    fn no_damage_of_a_record_makes_reading_it_panic(
        at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>(), keep: bool,
    ) {
        let mut bytes = record().to_json().unwrap();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = PatientRecord::from_json(&bytes) {
            prop_assert!(read.check().is_ok());
            for version in read.visits.iter().flat_map(|v| &v.versions) {
                drop(version.label_table());
            }
        }
    }

    #[test]
    fn no_value_in_a_place_makes_reading_a_record_panic(field in 0_usize..12, number: i64, text in ".{0,12}") {
        let mut json: Value = serde_json::from_slice(&record().to_json().unwrap()).unwrap();
        let places = [
            "/schema", "/visits", "/visits/0/id", "/visits/0/date/day", "/visits/0/scan/shape", "/visits/0/scan/files/0/bytes",
            "/visits/0/versions/0/version", "/visits/0/versions/0/values/0/0", "/visits/0/versions/1/parent", "/visits/0/current",
            "/visits/0/versions/1/review/at", "/visits/0/versions/0/seen",
        ];
        for value in [Value::from(number), Value::from(text), Value::Null, Value::Array(vec![])] {
            *json.pointer_mut(places[field]).unwrap() = value;
            drop(PatientRecord::from_json(json.to_string().as_bytes()));
        }
    }
}

#[test]
fn the_wording_and_an_operation_before_the_visit_decide_how_it_is_graded() {
    use crate::measure::KoosWording;
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let mut facts = PatientFacts {
        koos_wording: Some("compression".to_owned()),
        treatments: vec![Treatment {
            day: day("2022-05-01"),
            kind: TreatmentKind::Surgery,
        }],
        ..PatientFacts::default()
    };
    for (visit, after) in [
        (Some(day("2021-01-01")), false),
        (Some(day("2022-05-01")), false),
        (Some(day("2022-05-02")), true),
        (None, false),
    ] {
        let options = facts.koos_options(visit);
        assert_eq!(options.post_operative, after, "{visit:?}");
        assert_eq!(options.wording, KoosWording::Compression);
    }
    facts.koos_wording = Some("another".to_owned());
    assert_eq!(facts.wording(), KoosWording::Topographic);
}
