//! Nothing of an identity comes through, wherever it stands.
use super::copy::write_copy;
use super::profile::{Action, is_text};
use super::table::TABLE;
use super::*;
use crate::io::dicom::attributes::{Attributes, ByteOrder, Content, Element};
use crate::io::dicom::data_set::Pixels;
use crate::io::dicom::header::{Header, read_header_keeping};
use crate::io::dicom::kept::Keep;
use crate::io::dicom::source::Source;
use crate::io::dicom::syntax::Syntax;
use crate::volume::unobserved;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use proptest::prelude::*;
use std::path::Path;

/// Bytes that stand in every value that the copy must not hold.
const MARK: &[u8] = b"QZX";
const UID: &str = "1.2.3.99999.1";
const DATE: &str = "19230405";
const TIME: &str = "112233";

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes
        .windows(what.len())
        .any(|w| w.eq_ignore_ascii_case(what))
}

fn value(tag: Tag, vr: VR, text: &str) -> Element {
    Element {
        tag,
        content: Content::Value(vr, ByteOrder::Little, text.as_bytes().to_vec()),
    }
}

fn items(tag: Tag, items: Vec<Vec<Element>>) -> Element {
    Element {
        tag,
        content: Content::Items(items),
    }
}

/// A value that the copy must not hold, of any representation.
fn marked(tag: Tag, vr: VR, action: Action) -> Element {
    match vr {
        VR::SQ => items(
            tag,
            vec![vec![value(tags::CODE_MEANING, VR::LO, "of QZXFamily")]],
        ),
        VR::DA => value(tag, vr, DATE),
        VR::DT => value(tag, vr, &format!("{DATE}{TIME}")),
        VR::TM => value(tag, vr, TIME),
        // That of a device, which an option keeps.
        VR::UI if action == Action::Keep => value(tag, vr, "1.2.3.88888"),
        VR::UI => value(tag, vr, UID),
        VR::AS => value(tag, vr, "093Y"),
        // Numbers cannot be told from others; that they go is checked by their tags.
        VR::DS | VR::IS => value(tag, vr, "1"),
        // What an option keeps may say something, but not who the patient is.
        _ if is_text(vr) && action == Action::Clean && vr != VR::CS => {
            value(tag, vr, "QZXfamily 1234567 5.4.1923")
        }
        _ if is_text(vr) && matches!(action, Action::Keep | Action::Clean) => {
            value(tag, vr, "QZXfamily")
        }
        _ if is_text(vr) => value(tag, vr, &format!("QZX{:04x}", tag.element())),
        // Nor can those that an option keeps, such as the status of a pregnancy.
        _ if action == Action::Keep => value(tag, vr, "00000000"),
        _ => value(tag, vr, "QZX00000"),
    }
}

/// Everything that the table names, at the top and inside a sequence, and what no table names.
fn everything(keeping: Keeping) -> Vec<Element> {
    let mut all: Vec<Element> = TABLE
        .iter()
        .filter_map(|&(number, ..)| {
            let tag = Tag((number >> 16) as u16, (number & 0xffff) as u16);
            let document = matches!(
                tag,
                tags::ENCAPSULATED_DOCUMENT
                    | tags::CONTENT_SEQUENCE
                    | tags::GRAPHIC_ANNOTATION_SEQUENCE
            );
            if tag.group() < 8 || tag.group() > 0x7fe0 || document {
                return None;
            }
            let vr = StandardDataDictionary.by_tag(tag)?.vr().relaxed();
            let action = if vr == VR::SQ {
                Action::Keep
            } else {
                keeping.action(tag, vr)
            };
            Some(marked(tag, vr, action))
        })
        .collect();
    assert!(all.len() > 600);
    let name = |e: &Element| e.tag == tags::PATIENT_NAME;
    all.retain(|e| !name(e) && e.tag != tags::SOP_INSTANCE_UID);
    all.push(value(tags::PATIENT_NAME, VR::PN, "QZXFamily^QZXGiven"));
    let inside = all.clone();
    all.push(items(
        tags::DERIVATION_IMAGE_SEQUENCE,
        vec![vec![items(
            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            vec![inside.clone(), inside],
        )]],
    ));
    all.push(value(
        tags::SOP_CLASS_UID,
        VR::UI,
        "1.2.840.10008.5.1.4.1.1.4",
    ));
    all.push(value(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.99999.2"));
    all.push(value(tags::BODY_PART_EXAMINED, VR::CS, "QZXFAMILY HEAD"));
    all.push(value(tags::SEQUENCE_NAME, VR::SH, "t2 of qzxgiven"));
    all.push(value(Tag(0x0009, 0x0010), VR::LO, "QZX MAKER"));
    all.push(value(Tag(0x0009, 0x1010), VR::OB, "QZX maker"));
    all.push(value(Tag(0x5000, 0x3000), VR::OW, "QZX curve "));
    all.push(value(Tag(0x6000, 0x3000), VR::OW, "QZX overlay "));
    all.push(value(Tag(0x6002, 0x4000), VR::LT, "QZX comments"));
    all.push(value(
        Tag(0x0008, 0xfffe),
        VR::LO,
        "QZX in an attribute that nobody knows",
    ));
    all.push(items(
        Tag(0x0029, 0x1020),
        vec![vec![value(tags::PATIENT_NAME, VR::PN, "QZX")]],
    ));
    all.push(value(tags::REPETITION_TIME, VR::DS, "1234.5"));
    all.sort_by_key(|e| e.tag);
    all
}

/// A file with these elements and the pixels of another file, in a transfer syntax.
fn write(path: &Path, syntax: &str, elements: &[Element], pixels: &[u8]) {
    let folder = path.parent().unwrap();
    let source = folder.join("pixels");
    std::fs::write(&source, pixels).unwrap();
    let header = Header {
        attributes: Attributes::default(),
        syntax: Syntax::new(syntax),
        class: "1.2.840.10008.5.1.4.1.1.4".to_owned(),
        pixels: Some(Pixels {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            offset: 0,
            length: Some(pixels.len() as u64),
        }),
        start: 0,
    };
    let mut bytes = Vec::new();
    write_copy(
        &mut bytes,
        &Source::File(source.clone()),
        &header,
        (elements, "1.2.3.99999.2"),
    )
    .unwrap();
    std::fs::remove_file(source).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn copied(input: &Path, keeping: Keeping) -> (Vec<u8>, Vec<Element>, AnonymiseReport) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("copy.dcm");
    let how = Anonymise {
        keeping,
        pseudonym: Some("Somebody".to_owned()),
        secret: Secret::random().unwrap(),
    };
    let report = anonymise(&[input.to_owned()], &output, &how, &mut unobserved).unwrap();
    let header = read_header_keeping(&Source::File(output.clone()), Keep::Whole).unwrap();
    let bytes = std::fs::read(&output).unwrap();
    (bytes, header.attributes.into_elements(), report)
}

#[test]
fn no_value_of_an_identifying_attribute_is_in_the_bytes_of_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.dcm");
    let pixels: Vec<u8> = (0..2048_u32).map(|n| (n * 37 % 251) as u8).collect();
    for syntax in [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
    ] {
        for bits in 0..16 {
            let keeping = Keeping {
                dates: if bits & 1 == 0 {
                    Dates::Shifted
                } else {
                    Dates::Removed
                },
                device: bits & 2 != 0,
                descriptions: bits & 4 != 0,
                characteristics: bits & 8 != 0,
            };
            write(&path, syntax, &everything(keeping), &pixels);
            let (bytes, elements, report) = copied(&path, keeping);
            for mark in [
                MARK,
                UID.as_bytes(),
                DATE.as_bytes(),
                b"1234567",
                b"5.4.1923",
                b"093Y",
            ] {
                let text = String::from_utf8_lossy(mark);
                assert!(!has(&bytes, mark), "{syntax} {keeping:?}: {text}");
            }
            assert_eq!(
                has(&bytes, TIME.as_bytes()),
                keeping.dates == Dates::Shifted
            );
            assert!(has(&bytes, &pixels), "the pixels are those of the input");
            let text = |tag| identity::text_of(&elements, tag);
            assert_eq!(text(tags::PATIENT_NAME).as_deref(), Some("Somebody"));
            assert_eq!(text(tags::PATIENT_IDENTITY_REMOVED).as_deref(), Some("YES"));
            assert_eq!(text(tags::REPETITION_TIME).as_deref(), Some("1234.5"));
            assert_eq!(text(tags::BODY_PART_EXAMINED).as_deref(), Some("___ HEAD"));
            assert_eq!(text(tags::PATIENT_AGE).is_some(), keeping.characteristics);
            assert_eq!(
                text(tags::PATIENT_WEIGHT).is_some(),
                keeping.characteristics
            );
            assert!(elements.is_sorted_by_key(|e| e.tag));
            assert!(elements.iter().all(|e| e.tag.group() % 2 == 0));
            assert!(report.private >= 3);
            let json = serde_json::to_vec(&report).unwrap();
            assert!(
                !has(&json, MARK) && !has(&json, UID.as_bytes()),
                "the report tells no values"
            );
        }
    }
}

#[test]
fn numbers_are_turned_when_the_byte_order_of_the_file_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.dcm");
    let number = Element {
        tag: tags::ROWS,
        content: Content::Value(VR::US, ByteOrder::Little, vec![1, 2]),
    };
    let others = [
        value(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.4"),
        value(tags::SOP_INSTANCE_UID, VR::UI, UID),
        value(tags::STUDY_INSTANCE_UID, VR::UI, UID),
        value(tags::SERIES_INSTANCE_UID, VR::UI, UID),
    ];
    let elements = [&others[..], &[number]].concat();
    write(&path, "1.2.840.10008.1.2.2", &elements, &[0; 8]);
    let bytes = std::fs::read(&path).unwrap();
    assert!(has(&bytes, b"\x00\x28\x00\x10US\x00\x02\x02\x01"));
    let (copy, ..) = copied(&path, Keeping::default());
    assert!(has(&copy, b"\x00\x28\x00\x10US\x00\x02\x02\x01"));
}

#[test]
fn secrets_tell_uids_apart_and_link_them() {
    let secret = Secret::random().unwrap();
    let other = Secret::random().unwrap();
    assert_eq!(secret.uid(UID), secret.uid(UID));
    assert_ne!(secret.uid(UID), other.uid(UID));
    assert_eq!(secret.pseudonym("id 7"), secret.pseudonym("id 7"));
    assert_ne!(secret.pseudonym("id 7"), secret.pseudonym("id 8"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to the bytes of a file, it is copied without the mark or left out.
    #[test]
    fn damaged_files_are_copied_without_identity_or_left_out(
        at in 0_usize..6000, with in proptest::collection::vec(any::<u8>(), 0..24), cut in any::<bool>(), syntax in 0_usize..3,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.dcm");
        let syntax = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"][syntax];
        let elements: Vec<Element> = everything(Keeping::default()).into_iter().filter(|e| e.tag.group() < 0x20).collect();
        write(&path, syntax, &elements, &[7; 64]);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        }
        let end = (at + with.len()).min(bytes.len());
        bytes.splice(at.min(end)..end, with);
        std::fs::write(&path, &bytes).unwrap();
        let how = Anonymise { keeping: Keeping::default(), pseudonym: None, secret: Secret::random().unwrap() };
        let output = folder.path().join("out");
        // Either is right; what matters is that nothing panics and that a copy is whole.
        if let Ok(report) = anonymise(std::slice::from_ref(&path), &output, &how, &mut unobserved) {
            prop_assert_eq!(report.copied, 1);
            let whole = crate::io::scan_folder(&[output], &mut unobserved).unwrap();
            prop_assert!(whole.skipped.len() <= 1);
        }
    }
}
