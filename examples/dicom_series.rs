//! Writes a DICOM series of 120 slices and times how it is read: `cargo run --release --example dicom_series -- FOLDER [SLICES]`.
//!
//! The folder is left behind, for other programs to read. A folder that holds something already is only read.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use schwann::io::{read_series, read_slice, scan_folder, thumbnail, voxels_sha256};
use schwann::volume::unobserved;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Columns and rows of a slice.
const SIDE: usize = 448;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let slices = arguments.next().map_or(Ok(120), |n| n.parse())?;
    std::fs::create_dir_all(&folder)?;
    if std::fs::read_dir(&folder)?.next().is_none() {
        for k in 0..slices {
            write(&folder, k)?;
        }
    }
    for round in 1..=3 {
        time(&folder, round)?;
    }
    Ok(())
}

fn time(folder: &Path, round: usize) -> Result<()> {
    let start = Instant::now();
    let library = scan_folder(&[folder.to_owned()], &mut unobserved)?;
    let scanned = start.elapsed();
    let series = library.choose(None)?;
    read_slice(series, series.slices() / 2)?;
    let first = start.elapsed();
    thumbnail(series, 96)?;
    let pictured = start.elapsed();
    let (volume, warnings) = read_series(series, &mut unobserved)?;
    let read = start.elapsed();
    println!(
        "round {round}: {} slices, headers {scanned:.0?}, first slice {first:.0?}, thumbnail {pictured:.0?}, volume {read:.0?} (all since the start)",
        series.slices()
    );
    if round == 1 {
        println!("sha256 {}", voxels_sha256(&volume));
        for warning in warnings {
            println!("warning: {warning}");
        }
    }
    Ok(())
}

fn write(folder: &Path, k: usize) -> Result<()> {
    let mut object = InMemDicomObject::new_empty();
    let mut put = |tag: Tag, vr: VR, value: PrimitiveValue| {
        object.put(DataElement::new(tag, vr, value));
    };
    let uid = |n: usize| format!("1.2.826.0.1.3680043.8.498.2.{n}");
    let slice = uid(1000 + k);
    for (tag, vr, text) in [
        (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\M\\ND"),
        (tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE),
        (tags::SOP_INSTANCE_UID, VR::UI, &slice),
        (tags::STUDY_DATE, VR::DA, "20240131"),
        (tags::MODALITY, VR::CS, "MR"),
        (tags::SERIES_DESCRIPTION, VR::LO, "t2 ciss 3d"),
        (tags::PATIENT_NAME, VR::PN, "Speed^Test"),
        (tags::PATIENT_ID, VR::LO, "S1"),
        (tags::SLICE_THICKNESS, VR::DS, "0.5"),
        (tags::REPETITION_TIME, VR::DS, "9.4"),
        (tags::ECHO_TIME, VR::DS, "4.2"),
        (tags::STUDY_INSTANCE_UID, VR::UI, &uid(1)),
        (tags::SERIES_INSTANCE_UID, VR::UI, &uid(2)),
        (tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::INSTANCE_NUMBER, VR::IS, &(k + 1).to_string()),
        (
            tags::IMAGE_POSITION_PATIENT,
            VR::DS,
            &format!("-100\\-100\\{}", k as f64 * 0.5),
        ),
        (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::PIXEL_SPACING, VR::DS, "0.46875\\0.46875"),
    ] {
        put(tag, vr, PrimitiveValue::from(text));
    }
    for (tag, number) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, SIDE as u16),
        (tags::COLUMNS, SIDE as u16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        put(tag, VR::US, PrimitiveValue::from(number));
    }
    // As much as scanners add in private elements.
    put(
        Tag(0x0029, 0x1020),
        VR::OB,
        PrimitiveValue::from(vec![7_u8; 80_000]),
    );
    let pixels: Vec<u16> = (0..SIDE * SIDE)
        .map(|n| ((n % SIDE * 5 + n / SIDE * 3 + k * 7 + n * n % 61) % 4096) as u16)
        .collect();
    put(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into()));
    let file = object
        .with_meta(FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN))?;
    // Names in an order of their own.
    file.write_to_file(folder.join(format!("IM{:04}", k * 37 % 991)))?;
    Ok(())
}
