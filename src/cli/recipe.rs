//! `schwann train RECIPE`: learns a segmenter of hrT2 without labelled hrT2.
use super::{output, train};
use crate::{
    io,
    train::{Recipe, RecipeRun, RoundScores, RoundSummary, run_recipe},
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
    /// Target scans that its network labels as heads with one tumour and two cochleae, where it was asked.
    plausible: Option<usize>,
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
            plausible: round.plausible,
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
    /// The round that became the model.
    chosen: usize,
    /// On the scans of `--test`; empty without.
    evaluation: Vec<RoundScores>,
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
        test: arguments.test.clone(),
        share: arguments.share.clone(),
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
        chosen: summary.chosen,
        evaluation: summary.evaluation,
        settled: summary.settled,
        seconds: summary.seconds,
        warnings: summary.warnings,
    };
    output::result(json, &output, || {
        format!(
            "{} learned in {:.0} minutes and {} rounds: {}{}",
            output.recipe,
            output.seconds / 60.0,
            output.rounds.len(),
            output.model.display(),
            scores(&output.evaluation)
        )
    })
}

/// What the test scans say, a line each centre.
fn scores(evaluation: &[RoundScores]) -> String {
    let mut text = String::new();
    for model in evaluation {
        for c in &model.centres {
            text += &format!(
                "\n{:<10}{:<16}{:>4} cases  VS Dice {:.3}, ASSD {:.2} mm  cochlea Dice {:.3}, ASSD {:.2} mm",
                model.model,
                c.centre,
                c.cases,
                c.vs_dice.mean,
                c.vs_assd_mm.median,
                c.cochlea_dice.mean,
                c.cochlea_assd_mm.median
            );
        }
    }
    if !text.is_empty() {
        text += "\nDice: means over the cases; ASSD: medians, as one empty answer counts 350 mm";
    }
    text
}
