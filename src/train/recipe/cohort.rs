//! What a recipe learns from, looked at before anything is computed.
use super::run::RecipeRun;
use super::say;
use super::spec::LearnFrom;
use super::stage;
use crate::io::{
    Halves, LabelledScan, UnlabelledScan, Warning, label_maps_by_case, read_labels, read_volume,
    target_scans, training_halves,
};
use crate::model::Sha256Digest;
use crate::train::{Error, FolderCrops};
use crate::volume::{Grid, LabelTable, Observe, unobserved};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Room for networks, checkpoints and pictures, bytes.
const FOR_MODELS: u64 = 300 << 20;
/// Cases that a message names.
const NAMED: usize = 5;

/// A cohort that was found sound.
#[derive(Debug)]
pub struct Cohort {
    /// Labelled ceT1 scans.
    pub source: Vec<LabelledScan>,
    /// hrT2 scans.
    pub target: Vec<UnlabelledScan>,
    /// The target scans with their true labels, for full supervision alone; otherwise empty.
    pub truth: Vec<LabelledScan>,
    /// Scans with true labels that the models are held against when all are trained; nothing of them is looked at before, but whether they are there.
    pub test: Vec<LabelledScan>,
    /// SHA-256 of every file that is learned from, by its name within its folder.
    pub inputs: BTreeMap<String, String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What the check of the contents found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Voxels {
    source: u64,
    target: u64,
}

impl Cohort {
    /// Finds the halves of a folder and reads every scan and source label map, so that a fault is told before hours of training. Of the target half nothing is read but the scans, unless the recipe is
    /// full supervision, which reads the label maps of `run.truth`.
    ///
    /// # Errors
    /// Names the file or folder and what is wrong: those of [`training_halves`] and [`FolderCrops::of`]; a target scan that cannot be read, does not say how it lies in the patient or is the same everywhere; a
    /// missing true label map; no room on the disk.
    pub fn open(run: &RecipeRun, observe: &mut Observe<'_>) -> Result<Self, Error> {
        let recipe = &run.recipe;
        let Halves {
            source,
            target,
            warnings,
            ..
        } = training_halves(&run.data)?;
        let truth = match (&run.truth, recipe.learn_from) {
            (Some(folder), LearnFrom::TargetTruth) => true_labels(folder, &target)?,
            (None, LearnFrom::TargetTruth) => {
                let text = "full supervision needs the true label maps of the target scans: name their folder (--truth)";
                return Err(Error::Settings(text.to_owned()));
            }
            _ => Vec::new(),
        };
        let test = match &run.test {
            Some(folder) => true_labels(folder, &target_scans(folder)?)?,
            None => Vec::new(),
        };
        let mut cohort = Self {
            source,
            target,
            truth,
            test,
            inputs: BTreeMap::new(),
            warnings,
        };
        let plan = stage::plan(recipe, "");
        let learned = if cohort.truth.is_empty() {
            &cohort.source
        } else {
            &cohort.truth
        };
        FolderCrops::of(learned.clone(), &plan, observe)?;
        let mut voxels = Voxels::default();
        cohort.check_source(run, &mut voxels, observe)?;
        cohort.check_target(run, &mut voxels, observe)?;
        check_space(run, voxels)?;
        cohort.hash(run, observe)?;
        cohort.check_test(observe)?;
        Ok(cohort)
    }

    /// Whether the slices show what is labelled.
    fn check_source(
        &mut self,
        run: &RecipeRun,
        voxels: &mut Voxels,
        observe: &mut Observe<'_>,
    ) -> Result<(), Error> {
        let slices = &run.recipe.slices;
        let mut cut = Vec::new();
        for (n, case) in self.source.iter().enumerate() {
            say(observe, "checking the labels", n, self.source.len())?;
            let (labels, _) = read_labels(&case.labels, &LabelTable::default())?;
            let (low, shape) = slices.part_of(labels.grid());
            voxels.source += shape.iter().product::<usize>() as u64;
            let inside = |voxel: [usize; 3]| {
                (0..3).all(|a| voxel[a] >= low[a] && voxel[a] < low[a] + shape[a])
            };
            let of_structure = |at: usize| labels.labels()[at] > 0 && labels.labels()[at] <= 2;
            let outside = (0..labels.grid().len())
                .filter(|at| of_structure(*at))
                .any(|at| !inside(labels.grid().voxel(at)));
            if outside {
                cut.push(case.case.as_str());
            }
        }
        if !cut.is_empty() {
            let [x, y] = slices.field_mm();
            self.warnings.push(format!(
                "the middle {x:.0} × {y:.0} mm that the slices show cut off labelled voxels of {} of {} cases: {}",
                cut.len(),
                self.source.len(),
                cut[..cut.len().min(NAMED)].join(", ")
            ));
        }
        Ok(())
    }

    fn check_target(
        &self,
        run: &RecipeRun,
        voxels: &mut Voxels,
        observe: &mut Observe<'_>,
    ) -> Result<(), Error> {
        for (n, case) in self.target.iter().enumerate() {
            say(observe, "checking the target scans", n, self.target.len())?;
            let (scan, warnings) = read_volume(&case.scan, &mut unobserved)?;
            let wrong = |problem: String| Error::Folder {
                problem,
                path: case.scan.clone(),
            };
            if warnings.contains(&Warning::OrientationUnknown) {
                return Err(wrong(Warning::OrientationUnknown.to_string()));
            }
            let [low, high] = scan.quantiles([0.0, 1.0]);
            if low >= high {
                return Err(wrong("the scan is the same everywhere".to_owned()));
            }
            check_extent(scan.grid()).map_err(wrong)?;
            let (_, shape) = run.recipe.slices.part_of(scan.grid());
            voxels.target += shape.iter().product::<usize>() as u64;
        }
        Ok(())
    }

    /// Whether what the models are held against is new to them.
    fn check_test(&mut self, observe: &mut Observe<'_>) -> Result<(), Error> {
        let mut known = 0;
        for (n, case) in self.test.iter().enumerate() {
            say(observe, "checking the test scans", n, self.test.len())?;
            let hash = hash_of(&case.scan)?;
            known += usize::from(self.inputs.values().any(|h| *h == hash));
        }
        if known > 0 {
            self.warnings.push(format!(
                "{known} of {} test scans are among those that are learned from: what is measured on them says little about new scans",
                self.test.len()
            ));
        }
        Ok(())
    }

    /// Hashes every file, so that the log tells what a run learned from.
    fn hash(&mut self, run: &RecipeRun, observe: &mut Observe<'_>) -> Result<(), Error> {
        let supervised = !self.truth.is_empty();
        let source = self.source.iter().flat_map(|s| [&s.scan, &s.labels]);
        let target = self.target.iter().map(|t| &t.scan);
        let truth = self.truth.iter().map(|t| &t.labels);
        let learned = target.chain(truth);
        let files: Vec<_> = if supervised {
            learned.collect()
        } else {
            source.chain(learned).collect()
        };
        for (n, path) in files.iter().enumerate() {
            say(observe, "hashing the scans", n, files.len())?;
            let hash = hash_of(path)?;
            let folders = [Some(&run.data), run.truth.as_ref()];
            let mut folders = folders.into_iter().flatten();
            let inside = folders.find_map(|f| path.strip_prefix(f).ok());
            let name = inside.unwrap_or(path).to_string_lossy().replace('\\', "/");
            self.inputs.insert(name, hash);
        }
        Ok(())
    }
}

fn hash_of(path: &Path) -> Result<String, Error> {
    let mut digest = Sha256Digest::default();
    digest.add_file(path).map_err(|source| Error::File {
        action: "read the scan",
        source,
        path: path.to_owned(),
    })?;
    Ok(digest.finish())
}

/// The target scans with the label maps of a folder.
fn true_labels(folder: &Path, target: &[UnlabelledScan]) -> Result<Vec<LabelledScan>, Error> {
    let maps = label_maps_by_case(folder)?;
    let pair = |of: &UnlabelledScan| {
        let labels = maps.get(&of.case).ok_or_else(|| Error::Folder {
            problem: format!("there is no true label map of the case `{}`", of.case),
            path: folder.to_owned(),
        })?;
        Ok(LabelledScan {
            case: of.case.clone(),
            enhanced: false,
            scan: of.scan.clone(),
            labels: labels.clone(),
        })
    };
    target.iter().map(pair).collect()
}

/// A grid that no head needs is told now and not by a later stage.
fn check_extent(grid: &Grid) -> Result<(), String> {
    let spacing = grid.spacing_mm();
    let extent: [f64; 3] = std::array::from_fn(|a| grid.shape()[a] as f64 * spacing[a]);
    if extent.iter().all(|mm| (10.0..=600.0).contains(mm)) {
        return Ok(());
    }
    let [a, b, c] = extent;
    Err(format!(
        "the scan covers {a:.0} × {b:.0} × {c:.0} mm, which is not a head"
    ))
}

fn check_space(run: &RecipeRun, voxels: Voxels) -> Result<(), Error> {
    let recipe = &run.recipe;
    let rounds = recipe.self_training.rounds as u64;
    // Two bytes a voxel of a scan, one of a label map; compression is left to be a surprise.
    let of_source = match recipe.learn_from {
        LearnFrom::Translated => 2 * recipe.translators.len() as u64 + 1,
        LearnFrom::Source => 3,
        LearnFrom::TargetTruth => 0,
    };
    let of_target = match recipe.learn_from {
        LearnFrom::TargetTruth => 3,
        _ if rounds > 0 => 2 + rounds,
        _ => 0,
    };
    let needed = voxels.source * of_source + voxels.target * of_target + FOR_MODELS;
    match (run.free_bytes)(&run.out) {
        Some(free) if free < needed => Err(Error::File {
            action: "begin",
            source: std::io::Error::other(format!(
                "about {} MB may be needed and {} MB are free on this disk",
                needed >> 20,
                free >> 20
            )),
            path: run.out.clone(),
        }),
        _ => Ok(()),
    }
}
