//! Which series of a study are proposed as hrT2 and ceT1.
use super::io_dicom_bench::scan;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use schwann::volume::Sequence;
use std::path::Path;

/// What a scanner would call a series, with its echo, repetition, spacing of slices and contrast agent.
struct Made {
    name: &'static str,
    echo_ms: &'static str,
    repetition_ms: &'static str,
    slice_mm: f64,
    agent: &'static str,
    kind: &'static str,
}

const MADE: Made = Made {
    name: "",
    echo_ms: "4.2",
    repetition_ms: "9.4",
    slice_mm: 1.0,
    agent: "",
    kind: "ORIGINAL\\PRIMARY\\M",
};

fn write(folder: &Path, number: usize, made: &Made) {
    for k in 0..12 {
        let mut object = InMemDicomObject::new_empty();
        let instance = format!("1.2.3.{number}.{}", k + 1);
        for (tag, vr, text) in [
            (tags::IMAGE_TYPE, VR::CS, made.kind),
            (tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE),
            (tags::SOP_INSTANCE_UID, VR::UI, &instance),
            (tags::MODALITY, VR::CS, "MR"),
            (tags::SERIES_DESCRIPTION, VR::LO, made.name),
            (tags::CONTRAST_BOLUS_AGENT, VR::LO, made.agent),
            (tags::REPETITION_TIME, VR::DS, made.repetition_ms),
            (tags::ECHO_TIME, VR::DS, made.echo_ms),
            (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
            (
                tags::SERIES_INSTANCE_UID,
                VR::UI,
                &format!("1.2.3.{number}"),
            ),
            (tags::SERIES_NUMBER, VR::IS, &number.to_string()),
            (
                tags::IMAGE_POSITION_PATIENT,
                VR::DS,
                &format!("0\\0\\{}", made.slice_mm * f64::from(k)),
            ),
            (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
            (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
            (tags::PIXEL_SPACING, VR::DS, "0.5\\0.5"),
        ] {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
        }
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1_u16),
            (tags::ROWS, 4),
            (tags::COLUMNS, 4),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, 12),
            (tags::HIGH_BIT, 11),
            (tags::PIXEL_REPRESENTATION, 0),
        ] {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        }
        let pixels = PrimitiveValue::U16((0..16).collect());
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, pixels));
        object
            .with_meta(FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN))
            .unwrap()
            .write_to_file(folder.join(format!("{number}_{k}")))
            .unwrap();
    }
}

fn proposals(study: &[Made]) -> Vec<Sequence> {
    let folder = tempfile::tempdir().unwrap();
    for (n, made) in study.iter().enumerate() {
        write(folder.path(), n + 1, made);
    }
    let library = scan(folder.path());
    library.series().map(|s| s.proposed_as).collect()
}

#[test]
fn the_ciss_and_the_mprage_after_contrast_are_proposed() {
    let found = proposals(&[
        Made {
            name: "localizer",
            ..MADE
        },
        Made {
            name: "t2_ciss_3d_tra_iso",
            slice_mm: 0.7,
            ..MADE
        },
        Made {
            name: "t1_mprage_sag",
            echo_ms: "2.97",
            repetition_ms: "1900",
            ..MADE
        },
        Made {
            name: "t1_mprage_sag",
            echo_ms: "2.97",
            repetition_ms: "1900",
            agent: "Dotarem",
            ..MADE
        },
        Made {
            name: "t2_tse_tra",
            echo_ms: "100",
            repetition_ms: "4000",
            slice_mm: 3.0,
            ..MADE
        },
        Made {
            name: "t2_flair_3d",
            echo_ms: "390",
            repetition_ms: "5000",
            ..MADE
        },
        Made {
            name: "t2_ciss_3d_tra_iso MPR",
            kind: "DERIVED\\SECONDARY\\MPR",
            slice_mm: 0.5,
            ..MADE
        },
    ]);
    let mut wanted = vec![Sequence::Unknown; 7];
    wanted[1] = Sequence::HrT2;
    wanted[3] = Sequence::CeT1;
    assert_eq!(found, wanted);
}

#[test]
fn philips_and_ge_names_are_known_too() {
    let found = proposals(&[
        Made {
            name: "3D T1 FFE +C",
            echo_ms: "1.8",
            repetition_ms: "25",
            slice_mm: 1.5,
            ..MADE
        },
        Made {
            name: "T2W 3D DRIVE",
            echo_ms: "160",
            repetition_ms: "2700",
            ..MADE
        },
        Made {
            name: "ADC map",
            echo_ms: "80",
            repetition_ms: "3000",
            ..MADE
        },
    ]);
    assert_eq!(found, [Sequence::CeT1, Sequence::HrT2, Sequence::Unknown]);
    let found = proposals(&[
        Made {
            name: "Ax FIESTA-C IAC",
            slice_mm: 0.4,
            ..MADE
        },
        Made {
            name: "Ax BRAVO post",
            echo_ms: "3.2",
            repetition_ms: "8.2",
            agent: "GADAVIST",
            ..MADE
        },
        Made {
            name: "Ax BRAVO pre",
            echo_ms: "3.2",
            repetition_ms: "8.2",
            agent: "none",
            ..MADE
        },
    ]);
    assert_eq!(found, [Sequence::HrT2, Sequence::CeT1, Sequence::Unknown]);
}
