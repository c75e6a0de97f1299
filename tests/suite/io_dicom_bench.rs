//! What the tests of DICOM share: the golden series, unpacked, and small files made byte by byte.
use schwann::io::{DicomError, DicomLibrary, DicomSeries, Error, scan_folder};
use schwann::volume::unobserved;
use std::io::Read;
use std::path::{Path, PathBuf};

/// `tests/golden/dicom`.
pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/dicom")
        .join(name)
}

/// Names and bytes of the files of a golden series.
pub(crate) fn files_of(case: &str) -> Vec<(String, Vec<u8>)> {
    let file = std::fs::File::open(golden(&format!("{case}.zip"))).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    (0..archive.len())
        .map(|n| {
            let mut entry = archive.by_index(n).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

/// A golden series as a folder.
pub(crate) fn unpacked(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files_of(case) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

pub(crate) fn scan(path: &Path) -> DicomLibrary {
    scan_folder(&[path.to_owned()], &mut unobserved).unwrap()
}

pub(crate) fn series(library: &DicomLibrary) -> Vec<&DicomSeries> {
    library.series().collect()
}

/// The reason inside an error.
pub(crate) fn reason(error: Error) -> DicomError {
    match error {
        Error::Dicom { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// Where a needle lies in bytes.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes
        .windows(needle.len())
        .position(|w| w == needle)
        .unwrap()
}

/// An explicit little-endian element with a short length.
pub(crate) fn element(tag: [u16; 2], vr: [u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(tag[0].to_le_bytes());
    bytes.extend(tag[1].to_le_bytes());
    bytes.extend(vr);
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(value);
    bytes
}

/// Preamble and file meta information.
pub(crate) fn meta(syntax: &str) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let mut uid = syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    bytes.extend(element([2, 0x10], *b"UI", &uid));
    bytes
}
