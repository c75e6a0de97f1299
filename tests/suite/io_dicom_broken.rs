//! DICOM that is broken, hostile or somebody else's: a word each, no panic, no memory that the bytes do not justify.
use super::io_dicom_bench::{element, files_of, find, golden, meta, reason, scan, unpacked};
use flate2::{Compression, write::DeflateEncoder};
use proptest::prelude::*;
use schwann::io::{DicomError, inspect, read_series, read_slice, read_volume, thumbnail};
use schwann::volume::unobserved;
use std::io::Write;
use std::path::Path;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn refused(bytes: &[u8]) -> DicomError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let error = read_volume(&path, &mut unobserved).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    let library = scan(&path);
    match library.skipped.into_iter().next() {
        Some((_, problem)) => problem,
        None => reason(error),
    }
}

/// A small file whose data set holds `content` before its image.
fn with(content: &[u8]) -> Vec<u8> {
    let (_, file) = files_of("oblique").swap_remove(0);
    let at = find(&file, b"\x10\x00\x10\x00PN");
    [&file[..at], content, &file[at..]].concat()
}

#[test]
fn sequences_a_thousand_deep_are_refused() {
    for depth in [40_usize, 1000, 200_000] {
        let mut content = Vec::new();
        for _ in 0..depth {
            content
                .extend(b"\x09\x00\x10\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff");
        }
        assert_eq!(refused(&with(&content)), DicomError::Nested(32), "{depth}");
        // The same without value representations, inside an element that a server did not know.
        let mut content = b"\x09\x00\x10\x10UN\0\0\xff\xff\xff\xff".to_vec();
        for _ in 0..depth {
            content.extend(b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x15\x11\xff\xff\xff\xff");
        }
        assert_eq!(refused(&with(&content)), DicomError::Nested(32), "{depth}");
    }
    // Thirty are not too many.
    let mut content = Vec::new();
    for _ in 0..30 {
        content.extend(b"\x09\x00\x10\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff");
    }
    for _ in 0..30 {
        content.extend(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), with(&content)).unwrap();
    assert!(read_volume(folder.path(), &mut unobserved).is_ok());
}

#[test]
fn delimiters_where_none_belongs_are_refused() {
    let end = b"\xfe\xff\x0d\xe0\0\0\0\0";
    let start = b"\x09\x00\x10\x10SQ\0\0\xff\xff\xff\xff";
    let item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff";
    for content in [
        end.to_vec(),
        [&start[..], end, item].concat(),
        [&start[..], item, b"\xfe\xff\xdd\xe0\0\0\0\0"].concat(),
        item.to_vec(),
        // An item that reaches beyond its sequence.
        b"\x09\x00\x10\x10SQ\0\0\x10\0\0\0\xfe\xff\x00\xe0\x20\0\0\0".to_vec(),
    ] {
        assert!(
            matches!(refused(&with(&content)), DicomError::Damaged(_)),
            "{content:?}"
        );
    }
}

#[test]
fn lengths_beyond_the_file_make_no_memory() {
    for vr in [b"OB", b"UT", b"UN", b"OW", b"SQ"] {
        let mut content = vec![0x09, 0, 0x10, 0x10];
        content.extend(vr);
        content.extend([0, 0, 0xf0, 0xff, 0xff, 0xff]);
        assert_eq!(
            refused(&with(&content)),
            DicomError::Truncated("its header")
        );
    }
}

#[test]
fn a_file_cut_anywhere_says_so_or_is_not_dicom() {
    let (_, file) = files_of("oblique").swap_remove(0);
    let pixels = find(&file, b"\xe0\x7f\x10\x00OW");
    for length in 0..file.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &file[..length]).unwrap();
        let error = read_volume(&path, &mut unobserved).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        if length > pixels + 12 {
            assert!(
                error.contains("ends too early, inside its pixels"),
                "{length}: {error}"
            );
        }
    }
}

#[test]
fn a_cut_slice_spoils_no_other_series() {
    let folder = unpacked("two_echoes");
    let cut = folder.path().join("e1_2");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 7]).unwrap();
    let library = scan(folder.path());
    let found: Vec<_> = library
        .series()
        .map(|s| read_series(s, &mut unobserved))
        .collect();
    assert_eq!(found.iter().filter(|r| r.is_ok()).count(), 1);
    let error = found.into_iter().find_map(Result::err).unwrap().to_string();
    assert!(
        error.contains("its pixels") && error.ends_with("e1_2"),
        "{error}"
    );
}

#[test]
fn pixels_shorter_than_announced_are_refused_before_memory_is_taken() {
    let (_, mut file) = files_of("oblique").swap_remove(0);
    for tag in [b"\x28\x00\x10\x00US", b"\x28\x00\x11\x00US"] {
        let at = find(&file, tag);
        file[at + 8..at + 10].copy_from_slice(&[0xff, 0xff]);
    }
    assert_eq!(refused(&file), DicomError::Truncated("its pixels"));
}

#[test]
fn formats_that_make_no_image_are_refused() {
    let (_, file) = files_of("oblique").swap_remove(0);
    for (tag, value) in [
        (b"\x28\x00\x10\x00US", 0_u16),
        (b"\x28\x00\x00\x01US", 12),
        (b"\x28\x00\x01\x01US", 0),
        (b"\x28\x00\x01\x01US", 17),
        (b"\x28\x00\x02\x01US", 16),
        (b"\x28\x00\x02\x01US", 3),
    ] {
        let mut file = file.clone();
        let at = find(&file, tag);
        file[at + 8..at + 10].copy_from_slice(&value.to_le_bytes());
        assert!(
            matches!(refused(&file), DicomError::Format(_)),
            "{tag:?} {value}"
        );
    }
}

#[test]
fn transfer_syntaxes_that_no_decoder_reads_are_named() {
    for (uid, name) in [
        ("1.2.840.10008.1.2.4.100", "MPEG2"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL"),
        ("1.2.3.4.5", "not known"),
    ] {
        let (_, file) = files_of("rle").swap_remove(0);
        let start = find(&file, b"\x08\x00\x05\x00");
        let bytes = [meta(uid), file[start..].to_vec()].concat();
        let DicomError::Syntax(found) = refused(&bytes) else {
            panic!("{uid}");
        };
        assert!(found.contains(uid) && found.contains(name), "{found}");
    }
}

#[test]
fn a_header_that_inflates_without_end_is_left() {
    let mut content = element([8, 0x16], *b"UI", b"1.2.840.10008.5.1.4.1.1.4\0");
    content.extend(b"\x09\x00\x10\x10OB\0\0\xfe\xff\xff\xff");
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&content).unwrap();
    for _ in 0..300 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let deflated = encoder.finish().unwrap();
    assert!(deflated.len() < 1 << 20);
    let bytes = [meta("1.2.840.10008.1.2.1.99"), deflated].concat();
    assert_eq!(refused(&bytes), DicomError::Truncated("its header"));
}

#[test]
fn explicit_files_that_say_they_are_implicit_and_the_reverse_are_read() {
    let whole = |case: &str| read_volume(&golden(&format!("{case}.zip")), &mut unobserved).unwrap();
    for (case, wrong) in [
        ("oblique", "1.2.840.10008.1.2"),
        ("sagittal_implicit", EXPLICIT),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for (name, file) in files_of(case) {
            let start = find(&file, b"\x08\x00\x05\x00");
            let bytes = [meta(wrong), file[start..].to_vec()].concat();
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        assert_eq!(
            read_volume(folder.path(), &mut unobserved).unwrap(),
            whole(case)
        );
    }
}

#[test]
fn a_syntax_or_a_name_of_two_lines_is_told_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::read(golden("oblique.zip")).unwrap();
    // The syntax of every file, and every file's name.
    for (whole, at, byte) in [
        (&b"1.2.840.10008.1.2.1\0"[..], 2, b'\n'),
        (b"IM000", 2, b'\r'),
    ] {
        let starts: Vec<usize> = (0..file.len() - whole.len())
            .filter(|start| file[*start..].starts_with(whole))
            .collect();
        assert!(starts.len() >= 5);
        for start in starts {
            file[start + at] = byte;
        }
    }
    let path = folder.path().join("a.zip");
    std::fs::write(&path, file).unwrap();
    let error = inspect(&path, &mut unobserved).unwrap_err().to_string();
    assert!(
        error.contains("not known") && !error.contains(char::is_control),
        "{error:?}"
    );
}

/// Whatever a folder holds, looking and reading end in results.
fn ends_well(path: &Path) -> Result<(), TestCaseError> {
    let library = scan(path);
    for series in library.series() {
        if let Ok((volume, _)) = read_series(series, &mut unobserved) {
            prop_assert_eq!(volume.voxels().len(), volume.grid().len());
        }
        if let Ok(slice) = read_slice(series, 0) {
            prop_assert_eq!(slice.intensities.len(), slice.width * slice.height);
        }
        if let Ok(picture) = thumbnail(series, 96) {
            prop_assert_eq!(picture.grey.len(), picture.width * picture.height);
        }
    }
    if let Err(error) = inspect(path, &mut unobserved) {
        prop_assert!(!error.to_string().contains('\n'));
    }
    Ok(())
}

const CASES: [&str; 12] = [
    "oblique",
    "sagittal_implicit",
    "coronal_big_endian",
    "deflated",
    "rle",
    "jpeg_lossless",
    "jpeg_baseline",
    "jpeg_ls",
    "jpeg2000",
    "htj2k",
    "enhanced",
    "mosaic",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_and_cut_files_never_panic(
        case in 0..CASES.len(),
        changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 0..10),
        end in 0.2..1.0_f64,
        cut: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (n, (name, mut file)) in files_of(CASES[case]).into_iter().take(3).enumerate() {
            if n != 1 {
                // Behind the preamble, where every byte means something.
                let length = file.len() - 132;
                for &(at, byte) in &changes {
                    file[132 + (at * length as f64) as usize] = byte;
                }
                if cut {
                    file.truncate((end * file.len() as f64) as usize);
                }
            }
            std::fs::write(folder.path().join(name), file).unwrap();
        }
        ends_well(folder.path())?;
    }

    #[test]
    fn changed_pixels_never_panic(
        case in 4..CASES.len(),
        changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (name, mut file) = files_of(CASES[case]).swap_remove(0);
        let start = find(&file, b"\xe0\x7f\x10\x00");
        let length = file.len() - start - 12;
        for (at, byte) in changes {
            file[start + 12 + (at * length as f64) as usize] = byte;
        }
        std::fs::write(folder.path().join(name), file).unwrap();
        ends_well(folder.path())?;
    }

    #[test]
    fn changed_archives_never_panic(changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = std::fs::read(golden("oblique.zip")).unwrap();
        let length = file.len();
        for (at, byte) in changes {
            // Most of them in the directory at the end.
            let place = 1.0 - at * at;
            file[((place * length as f64) as usize).min(length - 1)] = byte;
        }
        let path = folder.path().join("a.zip");
        std::fs::write(&path, file).unwrap();
        ends_well(folder.path())?;
    }

    #[test]
    fn random_data_sets_never_panic(content in prop::collection::vec(any::<u8>(), 0..600), syntax in 0..4_usize) {
        let folder = tempfile::tempdir().unwrap();
        let uid = [EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"][syntax];
        std::fs::write(folder.path().join("a"), [meta(uid), content].concat()).unwrap();
        ends_well(folder.path())?;
    }
}

#[test]
fn a_slice_whose_header_is_cut_off_is_told_not_just_missing() {
    let files = files_of("oblique");
    let mut opened = 0;
    for (name, bytes) in &files {
        let folder = unpacked("oblique");
        std::fs::write(folder.path().join(name), &bytes[..300]).unwrap();
        // A hole within the stack makes two parts, which is told; the first or last slice is just missing.
        if let Ok((_, warnings)) = read_volume(folder.path(), &mut unobserved) {
            let told = |w: &schwann::io::Warning| w.to_string().contains("could not be read");
            assert!(warnings.iter().any(told), "{warnings:?}");
            opened += 1;
        }
    }
    assert_eq!(opened, 2);
}

#[test]
fn frames_that_are_not_there_are_not_listed() {
    let count = b"\x28\x00\x08\x00IS\x06\x00100000";
    let (_, file) = files_of("oblique").swap_remove(0);
    let at = find(&file, b"\x28\x00\x10\x00US");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("file"),
        [&file[..at], count, &file[at..]].concat(),
    )
    .unwrap();
    let library = scan(folder.path());
    let told = format!("{:?} {:?}", library.skipped, library.choose(None));
    assert!(told.contains("its pixels"), "{told}");
}
