//! A patient's folder: what was saved is found again, whatever happens in between.
mod kept;
mod killed;
mod refused;
mod stacks;

use schwann::io::{self, NewLabels, NewVisit, PatientFolder, ScanFiles, voxels_sha256};
use schwann::patient::{ModelInfo, Outline, Review, ScanFacts, Signature};
use schwann::volume::{Grid, LabelMap, LabelTable, Sequence, Volume, Voxels, unobserved};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const SHAPE: [usize; 3] = [9, 8, 7];

fn ada() -> Signature {
    Signature::new("Ada", "2026-03-01T10:00:00Z".parse().unwrap())
}

fn grid() -> Grid {
    Grid::new(
        SHAPE,
        glam::DAffine3::from_scale(glam::DVec3::new(0.5, 0.5, 1.0)),
    )
    .unwrap()
}

/// A scan whose every voxel depends on `seed`.
fn scan(seed: usize) -> Volume {
    let voxels = (0..grid().len()).map(|n| ((n * 7 + seed * 31) % 251) as u8);
    Volume::new(grid(), Voxels::U8(voxels.collect()), 1.0, 0.0).unwrap()
}

/// The scan as a file that has somebody's name.
fn scan_file(folder: &Path, seed: usize) -> PathBuf {
    let path = folder.join(format!("Doe_Jane_{seed}.nii.gz"));
    io::write_volume(&path, &scan(seed)).unwrap();
    path
}

fn facts(seed: usize) -> ScanFacts {
    ScanFacts {
        voxels_sha256: voxels_sha256(&scan(seed)),
        shape: SHAPE,
        sequence: Sequence::HrT2,
        other: Map::new(),
    }
}

fn add(folder: &mut PatientFolder, file: &Path, seed: usize) -> Result<String, io::Error> {
    let new = NewVisit {
        files: ScanFiles::Image(file),
        facts: facts(seed),
        date: None,
    };
    folder.add_visit(new, &ada(), &mut unobserved)
}

/// Labels of which the first `tumour` voxels are tumour and the next ten cochlea.
fn labels(tumour: usize) -> LabelMap {
    let value = |n: usize| match n {
        n if n < tumour => 1,
        n if n < tumour + 10 => 2,
        _ => 0,
    };
    let values = (0..grid().len()).map(value).collect();
    LabelMap::new(grid(), values, LabelTable::default()).unwrap()
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "segmenter".to_owned(),
        version: "0.4.0".to_owned(),
        sha256: "ab".repeat(32),
    }
}

fn draft(labels: &LabelMap) -> NewLabels<'_> {
    NewLabels {
        labels,
        outline: Outline::Model {
            model: model(),
            device: "CPU".to_owned(),
        },
        review: Review::AiDraft,
        results: None,
        seen: BTreeSet::new(),
    }
}

fn edited(labels: &LabelMap) -> NewLabels<'_> {
    NewLabels {
        outline: Outline::Edited {
            model: Some(model()),
            device: Some("CPU".to_owned()),
        },
        review: Review::Edited,
        ..draft(labels)
    }
}

/// A patient with one visit, and the place that its scan came from.
fn patient() -> (tempfile::TempDir, PathBuf, PatientFolder) {
    patient_in(tempfile::tempdir().unwrap())
}

fn patient_in(place: tempfile::TempDir) -> (tempfile::TempDir, PathBuf, PatientFolder) {
    let file = scan_file(place.path(), 1);
    let path = place.path().join("patient");
    let mut folder = PatientFolder::create(&path, &ada()).unwrap();
    assert_eq!(add(&mut folder, &file, 1).unwrap(), "visit-1");
    (place, path, folder)
}

/// Every file below a folder with its bytes, but for those that only lock.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files
        .filter(|e| e.file_type().is_file())
        .map(|e| {
            let name = e.path().strip_prefix(folder).unwrap();
            let name = name.to_str().unwrap().replace('\\', "/");
            (name, std::fs::read(e.path()).unwrap())
        })
        .filter(|(name, _)| name.strip_suffix(".lock").is_none())
        .collect()
}

/// Makes a folder hold what a snapshot does.
fn restore(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Opens a folder about which there is nothing to say.
fn opened(path: &Path) -> PatientFolder {
    let (folder, warnings) = PatientFolder::open(path).unwrap();
    assert_eq!(warnings, []);
    folder
}
