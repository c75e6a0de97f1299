//! `schwann train`: trains a model.
use super::{output, train_koos};
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
    /// Which model.
    pub(super) name: Model,
    /// Folder of labelled scans to learn from instead of synthetic patients, in the layouts of the crossMoDA challenge: `NAME_ceT1.nii.gz` (or `_hrT2`, `_T2`) with
    /// `NAME_Label.nii.gz` beside it. A segmenter then learns tumour and cochlea. A fifth of the cases is held out for validation.
    /// For `koos` also `infos_source_training.csv` with the grades, and `NAME_GIFoutput.nii.gz` where there are parcellations.
    #[arg(long, value_name = "DIR", conflicts_with = "tumour_shapes")]
    pub(super) data: Option<PathBuf>,
    /// Folder for the model, its card, the log and the checkpoint.
    #[arg(short, long)]
    pub(super) output: PathBuf,
    /// Steps at most.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) steps: Option<u32>,
    /// Minutes at most; the learning rate then reaches its end with the time.
    #[arg(long, value_parser = minutes)]
    pub(super) minutes: Option<f64>,
    /// Decides the first weights and all examples.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// `auto`, `cpu`, `cuda` or `metal`.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// A model folder whose weights to begin with.
    #[arg(long, value_name = "FOLDER")]
    pub(super) start: Option<PathBuf>,
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

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(m) if m > 0.0 && m.is_finite() => Ok(m),
        _ => Err("a number above zero is needed".to_owned()),
    }
}

/// The weights of a model folder.
fn weights_of(folder: &Path) -> anyhow::Result<Parameters> {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (parameters, _) = read_tensors(&bytes).with_context(|| path.display().to_string())?;
    Ok(parameters)
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Model {
    /// Finds both cerebellopontine angles in a head.
    Localiser,
    /// Outlines tumour, cochlea and what surrounds them about an ear.
    Segmenter,
    /// Grades tumours after Koos: a forest on measures and a network, combined with the rule.
    Koos,
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

fn note_milestone(at: &Milestone) {
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

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let out = arguments.output.clone();
    let mut defaults = match arguments.name {
        Model::Koos => return train_koos::run(arguments, json),
        Model::Localiser => SegmenterTraining::localiser(out),
        Model::Segmenter => SegmenterTraining::new(out),
    };
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
    let config = SegmenterTraining {
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
    };
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
