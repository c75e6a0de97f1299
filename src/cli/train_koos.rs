//! `schwann train koos`: the graders.
use super::{output, train};
use crate::train::{KoosTraining, Milestone, train_koos};
use anyhow::bail;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, Serialize)]
struct Output {
    /// Steps of the network.
    steps: usize,
    seconds: f64,
    sha256: String,
    /// Of the tumours that were only tested; none where there were none.
    tests: usize,
    ma_mae: Option<f64>,
    quadratic_weighted_kappa: Option<f64>,
    accuracy: Option<f64>,
}

fn note_milestone(at: &Milestone) {
    let Milestone {
        step, steps, loss, ..
    } = at;
    let left = output::time_left(at.seconds_left);
    output::note(&format!("step {step} of {steps}, loss {loss:.3}, {left}"));
}

pub(super) fn run(arguments: &train::Arguments, json: bool) -> anyhow::Result<()> {
    let for_outlines = [
        ("--start", arguments.start.is_some()),
        ("--tumour-shapes", arguments.tumour_shapes.is_some()),
        ("--learning-rate", arguments.learning_rate.is_some()),
        ("--border-weight", arguments.border_weight.is_some()),
        ("--average", arguments.average.is_some()),
    ];
    if let Some((flag, _)) = for_outlines.iter().find(|(_, given)| *given) {
        bail!("{flag} is for models that outline, not for graders");
    }
    let out: PathBuf = arguments.output.clone();
    let defaults = KoosTraining::new(out);
    let mut command = format!("{} --seed {}", defaults.command, arguments.seed);
    if let Some(steps) = arguments.steps {
        command.push_str(&format!(" --steps {steps}"));
    }
    if let Some(minutes) = arguments.minutes {
        command.push_str(&format!(" --minutes {minutes}"));
    }
    if arguments.data.is_some() {
        command.push_str(" --data FOLDER");
    }
    let mut phantoms = defaults.phantoms;
    if let Some(count) = arguments.phantoms {
        command.push_str(&format!(" --phantoms {count}"));
        // The groups keep their proportions.
        let part = f64::from(count) / phantoms.iter().sum::<u64>() as f64;
        phantoms = phantoms.map(|n| ((n as f64 * part).round() as u64).max(4));
    }
    let config = KoosTraining {
        data: arguments.data.clone(),
        seed: arguments.seed,
        phantoms,
        steps: arguments.steps.map_or(defaults.steps, |n| n as usize),
        max_seconds: arguments.minutes.map(|m| m * 60.0),
        resume: arguments.resume,
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
    let summary = train_koos(&config, &mut |p| bar.show(p))?;
    drop(bar);
    let graded = summary.tests.combined(&summary.weights);
    let [tests, _] = summary.tests.counts();
    let output = Output {
        steps: summary.steps,
        seconds: summary.seconds,
        sha256: summary.sha256,
        tests,
        ma_mae: graded.ma_mae(),
        quadratic_weighted_kappa: graded.kappa(),
        accuracy: (tests > 0).then(|| graded.accuracy()),
    };
    output::result(json, &output, || {
        let error = output.ma_mae.map_or("–".to_owned(), |e| format!("{e:.3}"));
        format!(
            "trained; MA-MAE {error} on {tests} tumours that were only tested: {}",
            arguments.output.display()
        )
    })
}
