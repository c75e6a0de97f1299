//! Examples from the graded scans of a folder.
use super::examples::{self, Example};
use super::{Examples, KoosTraining};
use crate::io::{GradedScan, graded_scans, read_labels, read_volume};
use crate::measure::{KoosGrade, with_parcellation};
use crate::predict::{SegmentOptions, Segmenter, segment};
use crate::train::data::mix;
use crate::train::folder::tumour_and_cochlea;
use crate::train::{Error, folder::SAME_GRID_MM};
use crate::volume::{LabelMap, LabelTable, Observe, Progress, unobserved};
use std::ops::ControlFlow;
use std::path::Path;

/// Of so many cases one tests and one is held out for the combination; of fewer than `FEW` none, because nothing would be learned from them.
const GROUPS: u64 = 5;
const FEW: usize = 40;

/// The graded scans as examples, divided by a hash of their cases' names; of few all are learned from. Brainstem, cerebellum and fourth ventricle come from the parcellation where there is one, or else from the shipped segmenter.
pub(super) fn examples(
    config: &KoosTraining,
    data: &Path,
    observe: &mut Observe<'_>,
) -> Result<Examples, Error> {
    let scans = graded_scans(data)?;
    let segmenter = if scans.iter().all(|s| s.parcellation.is_some()) {
        None
    } else {
        Some(Segmenter::shipped()?)
    };
    let mut all = Examples {
        learned: Vec::new(),
        held_out: Vec::new(),
        tests: Vec::new(),
    };
    for (n, scan) in scans.iter().enumerate() {
        let progress = Progress {
            stage: "reading the scans",
            fraction: n as f32 / scans.len() as f32,
        };
        if observe(progress) == ControlFlow::Break(()) {
            return Err(Error::Cancelled);
        }
        let hash = scan
            .case
            .bytes()
            .fold(0, |hash, byte| mix(hash, u64::from(byte)));
        let kept = config
            .out
            .join("examples")
            .join(format!("case_{hash:016x}.safetensors"));
        let example = if let Some(example) = examples::load(&kept).filter(|_| config.resume) {
            example
        } else {
            let example = read(scan, segmenter.as_ref())?;
            examples::kept(&kept, &example)?
        };
        let group = match hash % GROUPS {
            _ if scans.len() < FEW => &mut all.learned,
            0 => &mut all.tests,
            1 => &mut all.held_out,
            _ => &mut all.learned,
        };
        group.push(example);
    }
    Ok(all)
}

fn read(files: &GradedScan, segmenter: Option<&Segmenter>) -> Result<Example, Error> {
    let wrong = |problem: &str, path: &Path| Error::Folder {
        problem: problem.to_owned(),
        path: path.to_owned(),
    };
    let (scan, _) = read_volume(&files.scan, &mut unobserved)?;
    let on_its_grid = |labels: &LabelMap, path: &Path| {
        if labels.grid().matches(scan.grid(), SAME_GRID_MM) {
            Ok(())
        } else {
            Err(wrong("the map does not lie on the grid of its scan", path))
        }
    };
    let (labels, _) = read_labels(&files.labels, &LabelTable::default())?;
    on_its_grid(&labels, &files.labels)?;
    let labels = tumour_and_cochlea(&labels, false, &files.labels)?;
    let grade = usize::from(files.grade).checked_sub(1);
    let Some(&grade) = grade.and_then(|n| KoosGrade::ALL.get(n)) else {
        return Err(wrong("its grade is not 1 to 4", &files.scan));
    };
    let geometry = |e: crate::volume::Error| Error::Predict(e.into());
    let parcellation = match &files.parcellation {
        Some(path) => {
            let (map, _) = read_labels(path, &LabelTable::new([]))?;
            on_its_grid(&map, path)?;
            Some(map)
        }
        None => None,
    };
    let labels = match (&parcellation, segmenter) {
        (Some(parcellation), _) => with_parcellation(&labels, parcellation).map_err(geometry)?,
        (None, Some(segmenter)) => {
            let options = SegmentOptions::of(segmenter);
            let found = segment(&scan, segmenter, &options, &mut unobserved)?;
            labels.completed_from(&found.labels).map_err(geometry)?
        }
        (None, None) => labels,
    };
    Ok(Example::of(&scan, &labels, grade, parcellation.as_ref()))
}
