//! Files of several DICOM stacks: a visit opens the one that was put there.
use super::ada;
use crate::io_dicom_bench::unpacked;
use schwann::app::{Outcome, Places, Task};
use schwann::io::{self, NewVisit, PatientFolder, ScanFiles, voxels_sha256};
use schwann::patient::{ScanFacts, VisitRecord};
use schwann::volume::{Sequence, unobserved};
use serde_json::Map;
use std::path::{Path, PathBuf};

/// Files of two volumes at one place that only their numbers tell apart, as one file of many frames may hold them.
fn two_volumes(folder: &Path) -> Vec<PathBuf> {
    let names = [0, 1].map(|volume| [0, 1, 2].map(|slice| format!("vol{volume}{slice}")));
    names
        .concat()
        .iter()
        .map(|name| folder.join(name))
        .collect()
}

fn read(folder: &Path, visit: &VisitRecord) -> Outcome {
    let places = Places::default();
    let task = Task::ReadVisit(folder.to_owned(), Box::new(visit.clone()), places);
    task.run(&mut unobserved)
}

#[test]
fn a_visit_whose_files_hold_several_stacks_opens_the_one_that_was_put_there() {
    let place = unpacked("mixed");
    let files = two_volumes(place.path());
    let library = io::scan_folder(&files, &mut unobserved).unwrap();
    let path = place.path().join("patient");
    let mut folder = PatientFolder::create(&path, &ada()).unwrap();
    let mut hashes = Vec::new();
    for series in library.series() {
        let (volume, _) = io::read_series(series, &mut unobserved).unwrap();
        let hash = voxels_sha256(&volume);
        let new = NewVisit {
            files: ScanFiles::Series(&files),
            facts: ScanFacts {
                voxels_sha256: hash.clone(),
                shape: volume.grid().shape(),
                sequence: Sequence::HrT2,
                other: Map::new(),
            },
            date: None,
        };
        folder.add_visit(new, &ada(), &mut unobserved).unwrap();
        hashes.push(hash);
    }
    let visits = &folder.record().visits;
    assert_eq!(visits.len(), 2);
    for (visit, hash) in visits.iter().zip(&hashes) {
        let Outcome::Visit(read) = read(&path, visit) else {
            panic!("{} was not opened", visit.id)
        };
        assert_eq!(read.scan.scan_sha256, *hash);
        let doubts = read.scan.warnings.iter();
        assert_eq!(doubts.filter(|w| w.contains("not the one")).count(), 0);
    }
    // Where the scan is not among them that is said, and no other is shown in its place.
    let mut lost = visits[0].clone();
    lost.scan.facts.voxels_sha256 = "0".repeat(64);
    let Outcome::Failed(why) = read(&path, &lost) else {
        panic!("another scan was opened")
    };
    assert!(why.contains("visit-1") && why.contains("none of the series"));
}
