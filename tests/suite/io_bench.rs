//! What the tests of broken files share: the whole files, ways to break them, and what may come of it.
use flate2::{Compression, write::GzEncoder};
use schwann::io::{Error, inspect, read_volume, voxels_sha256};
use schwann::volume::unobserved;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How a broken file must end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// An error.
    Refused,
    /// The voxels of the whole file.
    Same,
    /// An error, or the voxels of the whole file.
    RefusedOrSame,
    /// Other voxels, and a warning that says so.
    Warned,
}
use End::{Refused, RefusedOrSame, Same, Warned};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/nifti")
        .join(name)
}

pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// int16, 5 × 4 × 3, oblique sform, little-endian.
pub(crate) fn nifti1() -> Vec<u8> {
    bytes_of("sform_oblique.nii")
}

/// int16, 5 × 4 × 3, sheared sform, little-endian.
pub(crate) fn nifti2() -> Vec<u8> {
    bytes_of("n2_sform_sheared.nii")
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn with<const N: usize>(mut file: Vec<u8>, at: usize, bytes: [u8; N]) -> Vec<u8> {
    file[at..at + N].copy_from_slice(&bytes);
    file
}

/// A folder for broken files, and the hash of the file that they were made from.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    whole: String,
    pub(crate) tried: usize,
}

impl Bench {
    pub(crate) fn new(whole: &str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            whole: inspect(&fixture(whole), &mut unobserved)
                .unwrap()
                .voxels_sha256,
            tried: 0,
        }
    }

    pub(crate) fn try_file(&mut self, name: &str, content: &[u8], what: &str, end: End) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        self.check(&path, what, end);
    }

    pub(crate) fn check(&mut self, path: &Path, what: &str, end: End) {
        self.tried += 1;
        let inspected = inspect(path, &mut unobserved);
        let read = read_volume(path, &mut unobserved);
        assert_eq!(
            inspected.is_ok(),
            read.is_ok(),
            "{what}: {inspected:?}, but {read:?}"
        );
        match (inspected, read) {
            (Ok(found), Ok((volume, warnings))) => {
                let same = found.voxels_sha256 == self.whole;
                let right = match end {
                    Refused => false,
                    Same | RefusedOrSame => same && voxels_sha256(&volume) == self.whole,
                    Warned => !found.warnings.is_empty() && !warnings.is_empty(),
                };
                assert!(
                    right,
                    "{what} was read (same voxels: {same}) instead of: {end:?}"
                );
            }
            (Err(error), Err(second)) => {
                assert!(matches!(end, Refused | RefusedOrSame), "{what}: {error}");
                one_sentence(&error, path, what);
                one_sentence(&second, path, what);
            }
            _ => unreachable!("both are errors or neither is"),
        }
    }
}

/// One line, the file at its end (or its partner), something to do about it.
fn one_sentence(error: &Error, path: &Path, what: &str) {
    let text = error.to_string();
    let stem = path.with_extension("").with_extension("");
    let folder_and_stem = stem.to_string_lossy();
    assert!(!text.contains('\n'), "{what}: {text}");
    assert!(
        text.contains(&*folder_and_stem) && text.len() > folder_and_stem.len() + 20,
        "{what}: {text}"
    );
}
