//! `schwann school`: how well a reader of the school does.
use super::output;
use crate::{
    measure::{ConfusionMatrix, KoosGrade},
    school::{Progress, ReaderRecord},
};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A reader's record (`.jsonl`, in the folder `school` of the program's data), or answers that the window exported as CSV.
    #[arg(long, value_name = "READER.jsonl|ANSWERS.csv")]
    report: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output {
    reader: String,
    #[serde(flatten)]
    progress: Progress,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let record = ReaderRecord::read(&arguments.report)?;
    output::warnings(&record.warnings);
    let output = Output {
        reader: record.reader,
        progress: Progress::of(&record.answers, chrono::Utc::now()),
        warnings: record.warnings,
    };
    output::result(json, &output, || table(&output))
}

fn table(output: &Output) -> String {
    let p = &output.progress;
    let number = |value: Option<f64>, unit: &str| {
        value.map_or_else(|| "not defined".to_owned(), |v| format!("{v:.2}{unit}"))
    };
    let mut text = format!("{}: {} cases answered", output.reader, p.answers);
    let kappa = p.weighted_kappa.map_or_else(
        || "not defined".to_owned(),
        |k| {
            format!(
                "{:.2} (95 %: {:.2} to {:.2})",
                k.value, k.ci95[0], k.ci95[1]
            )
        },
    );
    let calibration = p.calibration.as_ref();
    for (name, value) in [
        ("right", number(p.accuracy.map(|a| 100.0 * a), " %")),
        ("weighted kappa", kappa),
        ("mean error", number(p.mean_absolute_error, " grades")),
        (
            "  averaged over grades",
            number(p.macro_averaged_mean_absolute_error, " grades"),
        ),
        ("median time", number(p.median_seconds, " s")),
        ("Brier score", number(calibration.map(|c| c.brier), "")),
        (
            "overconfidence",
            number(calibration.map(|c| 100.0 * c.overconfidence), " %"),
        ),
    ] {
        text += &format!("\n{name:<26}{value}");
    }
    text += &grid("truth", &p.confusion);
    for d in &p.difficulties {
        text += &format!(
            "\n{:<26}{} of {} right",
            d.difficulty.name(),
            d.right,
            d.answers
        );
    }
    text += &format!(
        "\nmistakes: {} due, {:?} in the boxes, {} learnt",
        p.due, p.boxes, p.learnt
    );
    if p.reads.reads > 0 {
        text += &format!("\nreal reads: {}", p.reads.reads);
        text += &grid("rule", &p.reads.confusion);
    }
    text
}

/// Rows: truth, or the rule; columns: the reader's answers.
fn grid(rows: &str, confusion: &ConfusionMatrix) -> String {
    let mut text = format!("\n{rows:<8}");
    for grade in KoosGrade::ALL {
        text += &format!("{:>6}", grade.to_string());
    }
    for (grade, row) in KoosGrade::ALL.into_iter().zip(confusion.0) {
        text += &format!("\n{:<8}", grade.to_string());
        for count in row {
            text += &format!("{count:>6}");
        }
    }
    text
}
