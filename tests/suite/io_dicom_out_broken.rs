//! Segmentations and structure sets that are broken or hostile: a word each, no panic, no memory that the bytes do not justify.
use super::io_dicom_bench::{element, find, reason};
use super::io_dicom_out::{golden, golden_series, read};
use proptest::prelude::*;
use schwann::io::{DicomError, DicomSeries, derived_object, read_contours, read_dicom_labels};
use schwann::volume::unobserved;
use std::collections::BTreeMap;
use std::path::Path;

fn problem(bytes: &[u8], series: &DicomSeries) -> Option<DicomError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object.dcm");
    std::fs::write(&path, bytes).unwrap();
    attempt(&path, series)
}

/// What stops the readers of a file; whatever happens, none of them panics.
fn attempt(path: &Path, series: &DicomSeries) -> Option<DicomError> {
    drop(derived_object(path));
    drop(read_contours(path));
    let read = read_dicom_labels(path, series, &BTreeMap::new(), &mut unobserved);
    read.err().map(|error| {
        assert!(!error.to_string().contains('\n'), "{error}");
        reason(error)
    })
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

/// The same bytes with the value of the first element that begins so replaced by one of the same length.
fn with(name: &str, header: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes(name);
    let at = find(&bytes, header) + 8;
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

#[test]
fn each_fault_of_a_segmentation_has_its_word() {
    let series = golden_series();
    let format = |bytes: Vec<u8>, words: &str| match problem(&bytes, &series) {
        Some(DicomError::Format(said)) => assert!(said.contains(words), "{said}"),
        other => panic!("{words}: {other:?}"),
    };
    let seg = "schwann_seg.dcm";
    let short = |tag: [u16; 2]| element(tag, *b"US", &[0, 0])[..8].to_vec();
    // 65,535 × 65,535 pixels, bits that make no segmentation, frames that are not described.
    let mut huge = with(seg, &short([0x28, 0x10]), &[255, 255]);
    let at = find(&huge, &short([0x28, 0x11])) + 8;
    huge[at..at + 2].copy_from_slice(&[255, 255]);
    format(huge, "65535 × 65535");
    format(with(seg, &short([0x28, 0x100]), &[16, 0]), "16 bits");
    format(with(seg, &short([0x28, 0x100]), &[8, 0]), "8 bits");
    format(with(seg, &short([0x62, 0x04]), &[9, 0]), "not described");
    format(with(seg, &short([0x62, 0x04]), &[2, 0]), "numbers");
    let frames = element([0x28, 0x08], *b"IS", b"00")[..8].to_vec();
    format(with(seg, &frames, b"99"), "99 frames");
    // More rows than the pixels that are there.
    let taller = with(seg, &short([0x28, 0x10]), &[17, 0]);
    assert!(
        matches!(problem(&taller, &series), Some(DicomError::Truncated(_))),
        "{:?}",
        problem(&taller, &series)
    );
    let whole = bytes(seg);
    for end in [
        whole.len() - 3,
        whole.len() - 300,
        whole.len() / 2,
        200,
        132,
        3,
        0,
    ] {
        let found = problem(&whole[..end], &series);
        assert!(found.is_some(), "{end} bytes were read");
    }
}

#[test]
fn each_fault_of_a_structure_set_has_its_word() {
    let series = golden_series();
    let name = "schwann_rtstruct.dcm";
    let count = element([0x3006, 0x46], *b"IS", b"00")[..6].to_vec();
    let mut fewer = bytes(name);
    let at = find(&fewer, &count) + 8;
    fewer[at] = b'1' + (fewer[at] - b'0' + 1) % 8;
    let points = element([0x3006, 0x50], *b"DS", b"00")[..6].to_vec();
    let mut no_number = bytes(name);
    let at = find(&no_number, &points) + 8;
    no_number[at] = b'x';
    for broken in [fewer, no_number] {
        let found = problem(&broken, &series);
        assert!(matches!(found, Some(DicomError::Damaged(_))), "{found:?}");
    }
    let whole = bytes(name);
    for end in [whole.len() / 2, 200, 132] {
        assert!(problem(&whole[..end], &series).is_some(), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_objects_never_panic(
        name in prop::sample::select(vec![
            "schwann_seg.dcm", "schwann_rtstruct.dcm", "seg_binary.dcm", "seg_flipped.dcm",
            "seg_fractional_rle.dcm", "seg_labelmap.dcm", "rtstruct_plastimatch.dcm",
        ]),
        places in prop::collection::vec((0.0_f64..1.0, any::<u8>()), 1..6),
        end in 0.9_f64..1.2,
    ) {
        let mut bytes = bytes(name);
        let size = bytes.len() as f64;
        for (at, byte) in places {
            bytes[(at * size) as usize] = byte;
        }
        bytes.truncate((end * size) as usize);
        problem(&bytes, &golden_series());
    }
}

#[test]
fn an_object_is_read_with_a_stranger_in_its_folder() {
    // The folder of a series may hold the object itself, and other files.
    let folder = tempfile::tempdir().unwrap();
    for n in 0..5 {
        let name = format!("{n}.dcm");
        std::fs::copy(golden("series").join(&name), folder.path().join(&name)).unwrap();
    }
    let seg = folder.path().join("seg.dcm");
    std::fs::copy(golden("schwann_seg.dcm"), &seg).unwrap();
    std::fs::write(folder.path().join("note.txt"), "nothing").unwrap();
    let skipped = super::io_dicom_bench::scan(folder.path()).skipped;
    assert!(matches!(&skipped[..], [(path, DicomError::Derived(_))] if *path == seg));
    let series = super::io_dicom_out::only(folder.path());
    assert_eq!(read(&seg, &series).regions.len(), 5);
}
