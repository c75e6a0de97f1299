//! `schwann train RECIPE`: learns a segmenter of hrT2 without labelled hrT2.
use super::{output, train};
use crate::{
    io,
    train::{Recipe, RecipeRun, RoundSummary, run_recipe},
};
use anyhow::Context;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, Serialize)]
struct Round {
    number: usize,
    pseudo_labelled: usize,
    /// Case and reason.
    rejected: BTreeMap<String, String>,
    agreement_with_round_before: Option<f64>,
    /// Dice on held-out crops of what it learned from.
    validation_dice: BTreeMap<String, Option<f64>>,
}

impl From<RoundSummary> for Round {
    fn from(round: RoundSummary) -> Self {
        Self {
            number: round.round,
            pseudo_labelled: round.pseudo_labelled,
            rejected: round.rejected.into_iter().collect(),
            agreement_with_round_before: round.agreement,
            validation_dice: round.validation.into_iter().collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Output {
    recipe: String,
    preset: String,
    model: PathBuf,
    sha256: String,
    rounds: Vec<Round>,
    settled: bool,
    seconds: f64,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &train::Arguments, json: bool) -> anyhow::Result<()> {
    let preset = arguments.preset.as_deref().unwrap_or("phantom");
    let recipe = Recipe::load(&arguments.name, preset)?;
    let data = arguments.data.clone().with_context(|| {
        format!(
            "the recipe {} learns from a folder with labelled ceT1 and with hrT2: name it (--data DIR)",
            recipe.name
        )
    })?;
    let mut command = format!(
        "schwann train {} --data DIR --preset {preset} --seed {}",
        arguments.name, arguments.seed
    );
    if arguments.truth.is_some() {
        command.push_str(" --truth DIR");
    }
    let run = RecipeRun {
        preset: preset.to_owned(),
        data,
        truth: arguments.truth.clone(),
        out: arguments.output.clone(),
        seed: arguments.seed,
        device: arguments.device,
        resume: arguments.resume,
        command,
        // A bar tells those who look; a log file gets lines.
        tell: if output::is_watched() {
            |_| {}
        } else {
            train::note_milestone
        },
        note: output::note,
        free_bytes: io::free_bytes,
        recipe,
    };
    let mut bar = output::Bar::new();
    let summary = run_recipe(&run, &mut |p| bar.show(p))?;
    drop(bar);
    output::warnings(&summary.warnings);
    let output = Output {
        recipe: run.recipe.name,
        preset: run.preset,
        model: summary.model,
        sha256: summary.sha256,
        rounds: summary.rounds.into_iter().map(Round::from).collect(),
        settled: summary.settled,
        seconds: summary.seconds,
        warnings: summary.warnings,
    };
    output::result(json, &output, || {
        format!(
            "{} learned in {:.0} minutes and {} rounds: {}",
            output.recipe,
            output.seconds / 60.0,
            output.rounds.len(),
            output.model.display()
        )
    })
}
