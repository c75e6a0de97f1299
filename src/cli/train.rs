//! `schwann train`: trains a model.
use super::{output, recipe, train_koos};
use crate::{
    io::read_outlines,
    model::{DeviceChoice, Parameters, read_tensors},
    train::{FolderCrops, FolderFacts, Milestone, SegmenterTraining, train_on, train_segmenter},
};
use anyhow::Context;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// `localiser` (finds both cerebellopontine angles in a head), `segmenter` (outlines tumour, cochlea and what surrounds them about an ear), `koos` (grades tumours after Koos: a forest on measures
    /// and a network, combined with the rule), or a recipe that learns without labelled hrT2: `mai`, a reference (`no-adaptation`, `cyclegan`, `qs-attn`, `both`, `both-1-round`, `both-2-rounds`,
    /// `full-supervision`), or a `.toml` file.
    #[arg(value_name = "MODEL|RECIPE")]
    pub(super) name: String,
    /// Folder of labelled scans to learn from instead of synthetic patients, in the layouts of the crossMoDA challenge: `NAME_ceT1.nii.gz` (or `_hrT2`, `_T2`) with
    /// `NAME_Label.nii.gz` beside it. A segmenter then learns tumour and cochlea. A fifth of the cases is held out for validation.
    /// For `koos` also `infos_source_training.csv` with the grades, and `NAME_GIFoutput.nii.gz` where there are parcellations. A recipe needs both halves of a training folder: labelled ceT1, hrT2.
    #[arg(long, value_name = "DIR", conflicts_with = "tumour_shapes")]
    pub(super) data: Option<PathBuf>,
    /// Folder for the model, its card, the log and the checkpoint.
    #[arg(short, long)]
    pub(super) output: PathBuf,
    /// Sizes of a recipe: `phantom` for two CPU cores, `paper` as published, for a large GPU.
    #[arg(long)]
    pub(super) preset: Option<String>,
    /// Folder of the true label maps of the hrT2 scans, for the recipe `full-supervision`.
    #[arg(long, value_name = "DIR")]
    pub(super) truth: Option<PathBuf>,
    /// Folder of hrT2 scans that a recipe did not learn from (`NAME_hrT2.nii.gz`) with their true label maps: at its end every round's network is held against them. A cohort of `schwann phantom` of another seed is one.
    #[arg(long, value_name = "DIR")]
    pub(super) test: Option<PathBuf>,
    /// Folder of another recipe's run on the same scans with the same seed: translators that both have are taken over from it. May be given several times.
    #[arg(long, value_name = "OUT")]
    pub(super) share: Vec<PathBuf>,
    /// Steps at most.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) steps: Option<u32>,
    /// Minutes at most; the learning rate then reaches its end with the time.
    #[arg(long, value_parser = above_zero)]
    pub(super) minutes: Option<f64>,
    /// Decides the first weights and all examples.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// `auto`, `cpu`, `cuda` or `metal`.
    #[arg(long, default_value = "auto")]
    pub(super) device: DeviceChoice,
    /// A model folder whose weights to begin with.
    #[arg(long, value_name = "FOLDER")]
    pub(super) start: Option<PathBuf>,
    /// Highest learning rate of a localiser or segmenter; otherwise 2e-3, and a third of it with `--start`.
    #[arg(long, value_parser = above_zero)]
    pub(super) learning_rate: Option<f64>,
    /// How much more voxels within a millimetre of the border of tumour or cochlea count, 1 (no more) or above: sharpens the outlines of a segmenter that knows its task.
    #[arg(long, value_parser = one_or_more)]
    pub(super) border_weight: Option<f64>,
    /// Write the mean of the weights over about so many last steps instead of those of the last step.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) average: Option<u32>,
    /// Outlines of real tumours, a JSON file or a folder of them: a part of the segmenter's tumours get their shapes.
    #[arg(long, value_name = "PATH")]
    pub(super) tumour_shapes: Option<PathBuf>,
    /// For `koos`: how many synthetic patients to make, those that only test included.
    #[arg(long, value_parser = clap::value_parser!(u32).range(12..=1_000_000), conflicts_with = "data")]
    pub(super) phantoms: Option<u32>,
    /// Go on from the checkpoint in the folder.
    #[arg(long)]
    pub(super) resume: bool,
}

fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if n > 0.0 && n.is_finite() => Ok(n),
        _ => Err("a number above zero is needed".to_owned()),
    }
}

fn one_or_more(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if (1.0..=1e4).contains(&n) => Ok(n),
        _ => Err("a number from 1 to 10000 is needed".to_owned()),
    }
}

/// The weights of a model folder.
fn weights_of(folder: &Path) -> anyhow::Result<Parameters> {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (parameters, _) = read_tensors(&bytes).with_context(|| path.display().to_string())?;
    Ok(parameters)
}

#[derive(Debug, Serialize)]
struct Output {
    steps: usize,
    seconds: f64,
    device: String,
    sha256: String,
    /// Dice of each class on phantoms or scans that the training never saw.
    validation_dice: BTreeMap<String, Option<f64>>,
}

pub(super) fn note_milestone(at: &Milestone) {
    let Milestone {
        step, steps, loss, ..
    } = at;
    let left = output::time_left(at.seconds_left);
    output::note(&format!("step {step} of {steps}, loss {loss:.2}, {left}"));
}

/// What a folder is used for, in words.
fn told(facts: FolderFacts) -> String {
    let FolderFacts {
        scans, held_out, ..
    } = facts;
    match held_out {
        0 => format!("{scans} labelled scans of one case: it is trained on and validates too"),
        n => format!(
            "{scans} labelled scans: {} to train on, {n} held out for validation",
            scans - n
        ),
    }
}

/// Refuses what only recipes know.
fn without_recipe(arguments: &Arguments) -> anyhow::Result<()> {
    let for_recipes = [
        ("--preset", arguments.preset.is_some()),
        ("--truth", arguments.truth.is_some()),
        ("--test", arguments.test.is_some()),
        ("--share", !arguments.share.is_empty()),
    ];
    match for_recipes.iter().find(|(_, given)| *given) {
        Some((flag, _)) => anyhow::bail!("{flag} is for recipes"),
        None => Ok(()),
    }
}

/// The settings that the command asks for, with the command for the card.
fn settings(
    arguments: &Arguments,
    mut defaults: SegmenterTraining,
) -> anyhow::Result<SegmenterTraining> {
    let mut command = format!("{} --seed {}", defaults.command, arguments.seed);
    if let Some(steps) = arguments.steps {
        command.push_str(&format!(" --steps {steps}"));
    }
    if let Some(minutes) = arguments.minutes {
        command.push_str(&format!(" --minutes {minutes}"));
    }
    if let Some(folder) = &arguments.start {
        command.push_str(" --start FOLDER");
        defaults = defaults.starting_from(weights_of(folder)?);
    }
    if let Some(path) = &arguments.tumour_shapes {
        command.push_str(" --tumour-shapes PATH");
        defaults.outlines = read_outlines(path)?;
        let count = defaults.outlines.len();
        output::note(&format!("{count} outlines of tumours are used"));
    }
    if let Some(rate) = arguments.learning_rate {
        command.push_str(&format!(" --learning-rate {rate}"));
        defaults.learning_rate = rate;
    }
    if let Some(weight) = arguments.border_weight {
        command.push_str(&format!(" --border-weight {weight}"));
        defaults.border_weight = weight as f32;
    }
    if let Some(over) = arguments.average {
        command.push_str(&format!(" --average {over}"));
        defaults.average_over = over as usize;
    }
    Ok(SegmenterTraining {
        steps: arguments.steps.map_or(defaults.steps, |n| n as usize),
        max_seconds: arguments.minutes.map(|m| m * 60.0),
        seed: arguments.seed,
        resume: arguments.resume,
        device: arguments.device,
        command,
        // A bar tells those who look; a log file gets lines.
        tell: if output::is_watched() {
            defaults.tell
        } else {
            note_milestone
        },
        ..defaults
    })
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let out = arguments.output.clone();
    let mut defaults = match arguments.name.as_str() {
        "koos" => {
            without_recipe(arguments)?;
            return train_koos::run(arguments, json);
        }
        "localiser" => {
            let for_segmenters = [
                ("--border-weight", arguments.border_weight.is_some()),
                ("--tumour-shapes", arguments.tumour_shapes.is_some()),
            ];
            if let Some((flag, _)) = for_segmenters.iter().find(|(_, given)| *given) {
                anyhow::bail!("{flag} is for segmenters: a localiser learns no outlines");
            }
            SegmenterTraining::localiser(out)
        }
        "segmenter" => SegmenterTraining::new(out),
        _ => {
            let for_models = [
                ("--steps", arguments.steps.is_some()),
                ("--minutes", arguments.minutes.is_some()),
                ("--start", arguments.start.is_some()),
                ("--learning-rate", arguments.learning_rate.is_some()),
                ("--border-weight", arguments.border_weight.is_some()),
                ("--average", arguments.average.is_some()),
                ("--tumour-shapes", arguments.tumour_shapes.is_some()),
                ("--phantoms", arguments.phantoms.is_some()),
            ];
            if let Some((flag, _)) = for_models.iter().find(|(_, given)| *given) {
                anyhow::bail!(
                    "{flag} is for single models: a recipe says itself what it trains and how long"
                );
            }
            return recipe::run(arguments, json);
        }
    };
    without_recipe(arguments)?;
    let mut bar = output::Bar::new();
    let source = match &arguments.data {
        Some(folder) => Some(FolderCrops::open(folder, &defaults.plan, &mut |p| {
            bar.show(p)
        })?),
        None => None,
    };
    drop(bar);
    if let Some(source) = &source {
        defaults = defaults.on_folder(source);
        output::note(&told(source.facts()));
    }
    let config = settings(arguments, defaults)?;
    let mut bar = output::Bar::new();
    let mut observe = |p| bar.show(p);
    let summary = match &source {
        Some(source) => train_on(source, &config, &mut observe)?,
        None => train_segmenter(&config, &mut observe)?,
    };
    drop(bar);
    let output = Output {
        steps: summary.steps,
        seconds: summary.seconds,
        device: summary.device,
        sha256: summary.sha256,
        validation_dice: summary
            .validation
            .into_iter()
            .map(|c| (c.name, c.mean))
            .collect(),
    };
    output::result(json, &output, || {
        format!(
            "trained {} steps in {:.0} minutes on {}: {}",
            output.steps,
            output.seconds / 60.0,
            output.device,
            arguments.output.display()
        )
    })
}
