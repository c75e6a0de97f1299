//! The stages of a recipe, each from files to files.
use super::pseudo::{agreement, chosen, implausible, table};
use super::run::RecipeRun;
use super::say;
use super::spec::{Recipe, Start};
use crate::io::{
    LabelledScan, UnlabelledScan, read_labels, read_volume, write_labels, write_volume,
};
use crate::model::{UNetDescription, read_tensors};
use crate::predict::{self, Folds, Plan, SegmentOptions, Segmenter, segment_with_certainty};
use crate::train::folder::ears;
use crate::train::translate::part_of_labels;
use crate::train::{
    Error, FolderCrops, SegmenterTraining, SliceSet, TrainingSummary, Translator,
    TranslatorSummary, TranslatorTraining, train_on, train_translator,
};
use crate::volume::{LabelMap, LabelTable, Observe, Progress, Structure, unobserved};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Largest distance of a pseudo-labelling's tiles, as a part of a tile.
pub(super) const STEP: f64 = 0.6;

/// The plan of a recipe's segmenter.
pub(super) fn plan(recipe: &Recipe, trained_on: &str) -> Plan {
    let sizes = &recipe.segmenter;
    let structures = [Structure::VestibularSchwannoma, Structure::Cochlea];
    let classes: Vec<String> = std::iter::once("background")
        .chain(structures.map(Structure::name))
        .map(str::to_owned)
        .collect();
    Plan {
        name: recipe.name.clone(),
        version: "1".to_owned(),
        spacing_mm: sizes.spacing_mm,
        patch: sizes.patch,
        clip_quantiles: [0.005, 0.995],
        about_ears: false,
        field_mm: Some(recipe.slices.field_mm()),
        post_processing: recipe.post_processing,
        calibration: None,
        trained_on: trained_on.to_owned(),
        network: UNetDescription {
            deep_supervision: true,
            ..UNetDescription::plain(1, classes.len(), sizes.levels.clone())
        },
        classes,
    }
}

/// Trains a translator into a folder. Its seed follows from its name, not from its place among the recipe's: two recipes of one seed train the same translator.
pub(super) fn translator(
    run: &RecipeRun,
    name: &str,
    (source, target): (&[LabelledScan], &[UnlabelledScan]),
    out: &Path,
    observe: &mut Observe<'_>,
) -> Result<TranslatorSummary, Error> {
    let recipe = &run.recipe;
    let Some(sizes) = recipe.translator.get(name) else {
        return Err(Error::Settings(format!("no translator {name}")));
    };
    let config = TranslatorTraining {
        out: out.to_owned(),
        name: name.to_owned(),
        steps: sizes.steps,
        batch: sizes.batch,
        learning_rate: sizes.learning_rate,
        seed: name.bytes().fold(run.seed, |seed, byte| {
            seed.wrapping_mul(101).wrapping_add(byte.into())
        }),
        resume: true,
        device: run.device,
        checkpoint_every: sizes.checkpoint_every,
        slices: recipe.slices,
        generator: sizes.generator,
        discriminator: sizes.discriminator,
        method: sizes.method.clone(),
        tell: run.tell,
    };
    let labels = config.needs_labels();
    let source: Vec<_> = source
        .iter()
        .map(|s| (s.scan.clone(), labels.then(|| s.labels.clone())))
        .collect();
    let target: Vec<_> = target.iter().map(|t| (t.scan.clone(), None)).collect();
    let source = SliceSet::read(&source, &recipe.slices, observe)?;
    let target = SliceSet::read(&target, &recipe.slices, observe)?;
    train_translator(&source, &target, &config, observe)
}

/// Files that a stage makes of a case.
pub(super) fn scan_file(folder: &Path, case: &str, contrast: &str) -> PathBuf {
    folder.join(format!("{case}_{contrast}.nii.gz"))
}

pub(super) fn labels_file(folder: &Path, case: &str) -> PathBuf {
    folder.join(format!("{case}_Label.nii.gz"))
}

/// Translates every source scan into a folder. What a run before left whole is kept.
pub(super) fn translate_all(
    run: &RecipeRun,
    source: &[LabelledScan],
    (trained, out): (&Path, &Path),
    observe: &mut Observe<'_>,
) -> Result<(), Error> {
    let translator = Translator::from_folder(trained)?;
    let device = run.device.open().device;
    for (n, case) in source.iter().enumerate() {
        let to = scan_file(out, &case.case, "hrT2");
        if to.is_file() {
            continue;
        }
        let (scan, _) = read_volume(&case.scan, &mut unobserved)?;
        let mut part = |p: Progress| {
            observe(Progress {
                fraction: (n as f32 + p.fraction) / source.len() as f32,
                ..p
            })
        };
        let made = translator.translate(&scan, &device, &mut part)?;
        write_volume(&to, &made.volume)?;
    }
    Ok(())
}

/// Cuts the middle out of scans and label maps, as the slices show it: what all that is learned from has in common.
pub(super) fn cut_labels(
    recipe: &Recipe,
    cases: &[LabelledScan],
    out: &Path,
    observe: &mut Observe<'_>,
) -> Result<(), Error> {
    for (n, case) in cases.iter().enumerate() {
        say(observe, "cutting the label maps", n, cases.len())?;
        let to = labels_file(out, &case.case);
        if to.is_file() {
            continue;
        }
        let (labels, _) = read_labels(&case.labels, &LabelTable::default())?;
        let (low, shape) = recipe.slices.part_of(labels.grid());
        write_labels(&to, &part_of_labels(&labels, low, shape)?)?;
    }
    Ok(())
}

/// As [`cut_labels`], the scans.
pub(super) fn cut_scans(
    recipe: &Recipe,
    cases: &[(String, PathBuf)],
    (out, contrast): (&Path, &str),
    observe: &mut Observe<'_>,
) -> Result<(), Error> {
    for (n, (case, path)) in cases.iter().enumerate() {
        say(observe, "cutting the scans", n, cases.len())?;
        let to = scan_file(out, case, contrast);
        if to.is_file() {
            continue;
        }
        let (scan, _) = read_volume(path, &mut unobserved)?;
        let (low, shape) = recipe.slices.part_of(scan.grid());
        let part = scan.cropped(low, shape);
        write_volume(&to, &part.map_err(|e| Error::Predict(e.into()))?)?;
    }
    Ok(())
}

/// What pseudo-labelling came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pseudo {
    /// Cases whose labels are learned from.
    pub(super) used: Vec<String>,
    /// Cases that are left out, and why.
    pub(super) rejected: Vec<(String, String)>,
    /// Mean part of the voxels that is learned from.
    pub(super) learned: f64,
    /// Mean Dice with the labels of the round before.
    pub(super) agreement: Option<f64>,
    /// Scans that were labelled as heads with one tumour and two cochleae.
    #[serde(default)]
    pub(super) plausible: usize,
}

/// Labels every target scan (cut, in `scans`) with a model, into `out`; `before` holds the labels of the round before.
pub(super) fn pseudo_label(
    run: &RecipeRun,
    target: &[UnlabelledScan],
    (model, scans, out): (&Path, &Path, &Path),
    before: Option<&Path>,
    observe: &mut Observe<'_>,
) -> Result<Pseudo, Error> {
    let rules = run.recipe.self_training;
    let segmenter = Segmenter::from_folder(model, &Folds::All)?;
    let options = SegmentOptions {
        device: run.device,
        step: STEP,
        ..SegmentOptions::default()
    };
    let mut found = Pseudo::default();
    let mut agreements = Vec::new();
    for (n, case) in target.iter().enumerate() {
        let (scan, _) = read_volume(&scan_file(scans, &case.case, "hrT2"), &mut unobserved)?;
        let mut part = |p: Progress| {
            observe(Progress {
                stage: "pseudo-labelling",
                fraction: (n as f32 + p.fraction) / target.len() as f32,
            })
        };
        let answer = match segment_with_certainty(&scan, &segmenter, &options, &mut part) {
            Err(predict::Error::Cancelled) => return Err(Error::Cancelled),
            other => other?,
        };
        let problem = implausible(&answer.labels);
        found.plausible += usize::from(problem.is_none());
        let pseudo = chosen(&answer, rules.choice);
        let map = LabelMap::new(*scan.grid(), pseudo.labels, table());
        let map = map.map_err(|e| Error::Predict(e.into()))?;
        // Asked of the voxels that are left: without a cochlea nothing tells where the ear is.
        let problem = if ears(&map).is_none() {
            Some("no cochlea that tells where the ear is".to_owned())
        } else {
            problem.filter(|_| rules.reject_implausible)
        };
        if let Some(problem) = problem {
            found.rejected.push((case.case.clone(), problem));
            continue;
        }
        if let Some(folder) = before {
            let path = labels_file(folder, &case.case);
            if path.is_file() {
                let (old, _) = read_labels(&path, &table())?;
                agreements.push(agreement(old.labels(), map.labels()));
            }
        }
        found.learned += pseudo.learned;
        write_labels(&labels_file(out, &case.case), &map)?;
        found.used.push(case.case.clone());
    }
    found.learned /= found.used.len().max(1) as f64;
    if !agreements.is_empty() {
        found.agreement = Some(agreements.iter().sum::<f64>() / agreements.len() as f64);
    }
    Ok(found)
}

/// Trains a network of a round into a folder; those after the first have other first weights and examples.
pub(super) fn segmenter(
    run: &RecipeRun,
    (round, network): (usize, usize),
    (labelled, pseudo): (Vec<LabelledScan>, Vec<LabelledScan>),
    (out, before): (&Path, Option<&Path>),
    observe: &mut Observe<'_>,
) -> Result<TrainingSummary, Error> {
    let recipe = &run.recipe;
    let sizes = &recipe.segmenter;
    let words = trained_on(run, pseudo.len());
    let plan = plan(recipe, &words);
    let source = FolderCrops::of(labelled, &plan, observe)?;
    let source = source
        .with_pseudo_labelled(pseudo, observe)?
        .with_local_intensity(sizes.local_intensity)?;
    let mut config = SegmenterTraining {
        steps: sizes.steps,
        seed: run
            .seed
            .wrapping_add(round as u64 + 1_000 * (network as u64 - 1)),
        resume: true,
        device: run.device,
        batch: sizes.batch,
        learning_rate: sizes.learning_rate,
        rule: sizes.rule,
        warm_up: sizes.warm_up,
        class_weights: sizes.class_weights.to_vec(),
        checkpoint_every: sizes.checkpoint_every,
        validation_crops: sizes.validation_crops,
        calibration_crops: sizes.calibration_crops,
        plan,
        folder: Some(source.facts()),
        command: run.command.clone(),
        tell: run.tell,
        ..SegmenterTraining::new(out.to_owned())
    };
    if let (Start::Warm, Some(before)) = (recipe.self_training.start, before) {
        let path = before.join("model.safetensors");
        let bytes = std::fs::read(&path).map_err(|source| Error::File {
            action: "read the model",
            source,
            path,
        })?;
        config = config.starting_from(read_tensors(&bytes)?.0);
    }
    train_on(&source, &config, observe)
}

/// What the model learned from, in words.
pub(super) fn trained_on(run: &RecipeRun, pseudo: usize) -> String {
    use super::spec::LearnFrom;
    let from = match run.recipe.learn_from {
        LearnFrom::Translated => format!(
            "labelled ceT1 scans translated to hrT2 ({})",
            run.recipe.translators.join(" and ")
        ),
        LearnFrom::Source => "labelled ceT1 scans".to_owned(),
        LearnFrom::TargetTruth => "labelled hrT2 scans".to_owned(),
    };
    let taught = match pseudo {
        0 => String::new(),
        n => format!(" and {n} hrT2 scans with pseudo-labels"),
    };
    format!(
        "{from}{taught} of a folder (recipe {}, preset {})",
        run.recipe.name, run.preset
    )
}
