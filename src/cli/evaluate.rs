//! `schwann evaluate`: label maps against a reference, as the crossMoDA challenge measures them.
use super::{
    output,
    scheme::{Scheme, Schemes},
};
use crate::{
    io::{self, ScoreRow},
    measure::{
        Agreement, EMPTY_MM, LimitsOfAgreement, Spread, agreement,
        macro_averaged_mean_absolute_error,
    },
    volume::{LabelMap, LabelTable, Progress, Structure},
};
use anyhow::Context;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the label maps to be judged: 1 = vestibular schwannoma, 2 = cochlea; in one folder or nested.
    #[arg(long, value_name = "DIR")]
    prediction: PathBuf,
    /// Folder of the label maps that are true.
    #[arg(long, value_name = "DIR")]
    reference: PathBuf,
    #[command(flatten)]
    schemes: Schemes,
    /// Table of scores for `schwann rank`.
    #[arg(short, long, value_name = "SCORES.csv")]
    output: Option<PathBuf>,
    /// Name of the team in that table; that of the folder when it is not given.
    #[arg(long)]
    team: Option<String>,
    /// Table of predicted Koos grades (columns `crossmoda_name` or `case`, and `koos` or `class`).
    #[arg(long, value_name = "CSV", requires = "reference_grades")]
    prediction_grades: Option<PathBuf>,
    /// Table of true Koos grades.
    #[arg(long, value_name = "CSV", requires = "prediction_grades")]
    reference_grades: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the JSON's own name")]
struct Case {
    case: String,
    structure: &'static str,
    #[serde(flatten)]
    agreement: Agreement,
}

#[derive(Debug, Serialize)]
struct Summary {
    structure: &'static str,
    cases: usize,
    dice: Option<Spread>,
    assd_mm: Option<Spread>,
    hd95_mm: Option<Spread>,
    volume_error_percent: Option<Spread>,
    /// Bland–Altman limits of the volume error, %.
    volume_limits_percent: Option<LimitsOfAgreement>,
}

#[derive(Debug, Serialize)]
struct Grades {
    cases: usize,
    macro_averaged_mean_absolute_error: f64,
}

#[derive(Debug, Serialize)]
struct Output {
    cases: Vec<Case>,
    summary: Vec<Summary>,
    koos: Option<Grades>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let grades = grades(arguments)?;
    let predictions = io::label_maps_by_case(&arguments.prediction)?;
    let references = io::label_maps_by_case(&arguments.reference)?;
    if !references.keys().any(|case| predictions.contains_key(case)) {
        let first =
            |maps: &BTreeMap<String, PathBuf>| maps.keys().next().cloned().unwrap_or_default();
        anyhow::bail!(
            "no case has both a prediction and a reference: the files must name their case alike, but the first of {} is `{}` and the first of {} is `{}`",
            arguments.prediction.display(),
            first(&predictions),
            arguments.reference.display(),
            first(&references)
        );
    }
    if let Some(path) = &arguments.output {
        let tables = [&arguments.prediction_grades, &arguments.reference_grades];
        let maps = predictions.values().chain(references.values());
        let inputs = maps.chain(tables.into_iter().flatten());
        let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
        output::check_target(path, &[".csv"], &inputs)?;
    }
    let mut warnings = unmatched(&predictions, &references);
    let mut cases = Vec::new();
    let mut bar = output::Bar::new();
    let count = references.len() as f32;
    let of_predictions = arguments.schemes.prediction();
    let of_references = arguments.schemes.reference();
    for (n, (case, reference)) in references.iter().enumerate() {
        let progress = Progress {
            stage: "evaluating",
            fraction: n as f32 / count,
        };
        if bar.show(progress) == ControlFlow::Break(()) {
            anyhow::bail!("stopped");
        }
        let reference_maps = read(reference, &of_references, &mut warnings)?;
        let prediction_maps = match predictions.get(case) {
            Some(path) => read(path, &of_predictions, &mut warnings)?,
            // A case that was not answered counts as an empty answer.
            None => LabelMap::new(
                *reference_maps.grid(),
                vec![0; reference_maps.grid().len()],
                LabelTable::default(),
            )?,
        };
        for structure in Structure::ALL {
            let found =
                agreement(&prediction_maps, &reference_maps, structure).with_context(|| {
                    let file = predictions.get(case).unwrap_or(reference);
                    format!("case {case}, {}", file.display())
                })?;
            cases.extend(found.map(|agreement| Case {
                case: case.clone(),
                structure: structure.name(),
                agreement,
            }));
        }
    }
    drop(bar);
    if cases.is_empty() {
        warnings.push("no structure is labelled in any of the cases".to_owned());
    }
    output::warnings(&warnings);
    let output = Output {
        summary: summary(&cases),
        koos: grades,
        cases,
        warnings,
    };
    if let Some(path) = &arguments.output {
        let folder = arguments.prediction.file_name();
        let folder = folder.map_or_else(|| "team".into(), |n| n.to_string_lossy());
        let team = arguments.team.as_deref().unwrap_or(&folder);
        io::write_scores(path, &rows(references.keys(), &output.cases, team))?;
    }
    output::result(json, &output, || table(&output))
}

/// Reads a label map; what reading it warned of is told with its file, for there are many.
fn read(path: &Path, scheme: &Scheme, warnings: &mut Vec<String>) -> anyhow::Result<LabelMap> {
    let (labels, more) = scheme.read(path)?;
    let file = path.display().to_string();
    warnings.extend(more.into_iter().map(|warning| {
        if warning.contains(&file) {
            warning
        } else {
            format!("{warning}: {file}")
        }
    }));
    Ok(labels)
}

fn unmatched(
    predictions: &BTreeMap<String, PathBuf>,
    references: &BTreeMap<String, PathBuf>,
) -> Vec<String> {
    let missing = references.keys().filter(|c| !predictions.contains_key(*c));
    let extra = predictions.keys().filter(|c| !references.contains_key(*c));
    missing
        .map(|c| format!("no prediction of case {c}: it counts as empty"))
        .chain(extra.map(|c| format!("no reference of case {c}: it is left out")))
        .collect()
}

fn summary(cases: &[Case]) -> Vec<Summary> {
    let of = |structure: Structure| {
        let rows: Vec<&Agreement> = cases
            .iter()
            .filter(|c| c.structure == structure.name())
            .map(|c| &c.agreement)
            .collect();
        let spread = |value: &dyn Fn(&Agreement) -> f64| {
            Spread::of(&rows.iter().map(|a| value(a)).collect::<Vec<_>>())
        };
        let errors: Vec<f64> = rows.iter().filter_map(|a| a.volume_error_percent).collect();
        (!rows.is_empty()).then(|| Summary {
            structure: structure.name(),
            cases: rows.len(),
            dice: spread(&|a| a.dice),
            assd_mm: spread(&|a| a.assd_mm),
            hd95_mm: spread(&|a| a.hd95_mm),
            volume_error_percent: Spread::of(&errors),
            volume_limits_percent: LimitsOfAgreement::of(&errors),
        })
    };
    Structure::ALL.into_iter().filter_map(of).collect()
}

fn grades(arguments: &Arguments) -> anyhow::Result<Option<Grades>> {
    let (Some(prediction), Some(reference)) =
        (&arguments.prediction_grades, &arguments.reference_grades)
    else {
        return Ok(None);
    };
    let (predicted, truth) = (io::read_grades(prediction)?, io::read_grades(reference)?);
    let pair = |(case, truth): (&String, &u8)| {
        let grade = predicted.get(case).copied();
        let grade =
            grade.with_context(|| format!("no grade of case {case}: {}", prediction.display()));
        grade.map(|g| (g, *truth))
    };
    let pairs = truth.iter().map(pair).collect::<anyhow::Result<Vec<_>>>()?;
    let error = macro_averaged_mean_absolute_error(&pairs)
        .with_context(|| format!("no case has a grade: {}", reference.display()))?;
    Ok(Some(Grades {
        cases: pairs.len(),
        macro_averaged_mean_absolute_error: error,
    }))
}

/// One row a case, those included in which neither has a structure.
fn rows<'a>(names: impl Iterator<Item = &'a String>, cases: &[Case], team: &str) -> Vec<ScoreRow> {
    let of_case = |name: &String| {
        let of = |structure: Structure| {
            let case = cases
                .iter()
                .find(|c| c.case == *name && c.structure == structure.name());
            case.map(|c| &c.agreement)
        };
        let (tumour, cochlea) = (of(Structure::VestibularSchwannoma), of(Structure::Cochlea));
        ScoreRow::new((name, team), tumour, cochlea)
    };
    names.map(of_case).collect()
}

fn table(output: &Output) -> String {
    let mut text = format!(
        "{:<26}{:>6}{:>24}{:>27}{:>27}{:>26}",
        "structure", "cases", "Dice", "ASSD mm", "HD95 mm", "volume error %"
    );
    let range = |spread: Option<Spread>, digits: usize| {
        spread.map_or("–".to_owned(), |s| {
            format!(
                "{:.digits$} ({:.digits$} to {:.digits$})",
                s.median, s.q1, s.q3
            )
        })
    };
    for s in &output.summary {
        text += &format!(
            "\n{:<26}{:>6}{:>24}{:>27}{:>27}{:>26}",
            s.structure,
            s.cases,
            range(s.dice, 3),
            range(s.assd_mm, 2),
            range(s.hd95_mm, 2),
            range(s.volume_error_percent, 1)
        );
    }
    text += &format!("\nmedian (quartiles); {EMPTY_MM} mm where one of the two is empty");
    for s in &output.summary {
        if let Some(limits) = s.volume_limits_percent {
            text += &format!(
                "\nvolume of {}: {:+.1} % on average, 95 % limits of agreement {:+.1} to {:+.1} %",
                s.structure, limits.bias, limits.lower, limits.upper
            );
        }
    }
    // A volume's error is of a reference that is not empty.
    let unlabelled = output.summary.iter();
    let unlabelled = unlabelled.filter(|s| s.volume_error_percent.is_none());
    let unlabelled: Vec<&str> = unlabelled.map(|s| s.structure).collect();
    if !unlabelled.is_empty() {
        text += &format!(
            "\nin no reference: {}; what a prediction has of it is false, or nobody outlined it",
            unlabelled.join(", ")
        );
    }
    if let Some(koos) = &output.koos {
        text += &format!(
            "\nKoos: macro-averaged mean absolute error {:.3} over {} cases",
            koos.macro_averaged_mean_absolute_error, koos.cases
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_too_tells_the_limits_of_agreement_of_the_volumes() {
        let case = |name: &str, percent: f64| Case {
            case: name.to_owned(),
            structure: Structure::VestibularSchwannoma.name(),
            agreement: Agreement {
                dice: 0.9,
                assd_mm: 0.3,
                hd95_mm: 0.8,
                volume_error_percent: Some(percent),
                volumes_mm3: [1000.0 + 10.0 * percent, 1000.0],
            },
        };
        let cases = vec![case("a", -8.0), case("b", 12.0)];
        let told = table(&Output {
            summary: summary(&cases),
            cases,
            koos: None,
            warnings: Vec::new(),
        });
        // The standard deviation of the two is 10 √2.
        let words = "volume of vestibular schwannoma: +2.0 % on average, 95 % limits of agreement -25.7 to +29.7 %";
        assert!(told.contains(words), "{told}");
    }
}
