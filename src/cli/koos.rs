//! `schwann koos`: the grade with its evidence.
use super::{
    output,
    segment::{Engine, read_scan},
};
use crate::{
    io,
    measure::{KoosAssessment, KoosEvidence, KoosGrade, koos},
    volume::{LabelMap, LabelTable, Structure, Volume},
};
use anyhow::bail;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan.
    scan: PathBuf,
    /// A label map on the scan's grid whose tumour is graded. Anatomy that it lacks is segmented.
    #[arg(long)]
    labels: Option<PathBuf>,
    #[command(flatten)]
    engine: Engine,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (scan, mut warnings) = read_scan(&arguments.scan)?;
    let labels = if let Some(path) = &arguments.labels {
        let (labels, more) = read_labels(path, &scan)?;
        warnings.extend(more);
        completed(labels, &scan, &arguments.engine)?
    } else {
        let prediction = arguments.engine.segment(&scan)?;
        warnings.extend(prediction.warnings);
        prediction.labels
    };
    let mut assessment = koos(&labels);
    output::warnings(&assessment.warnings);
    warnings.append(&mut assessment.warnings);
    assessment.warnings = warnings;
    output::result(json, &assessment, || text(&assessment))
}

/// Reads a label map that must lie on the scan's grid, and prints the warnings.
pub(super) fn read_labels(path: &Path, scan: &Volume) -> anyhow::Result<(LabelMap, Vec<String>)> {
    let (labels, warnings) = io::read_labels(path, &LabelTable::default())?;
    output::warnings(&warnings);
    if !labels.grid().matches(scan.grid(), 0.1) {
        bail!(
            "the label map is not on the scan's grid: {}",
            path.display()
        );
    }
    Ok((labels, warnings.iter().map(ToString::to_string).collect()))
}

/// A label map with the anatomy that the rule needs; what is missing comes from the model, the tumour stays as given.
pub(super) fn completed(
    labels: LabelMap,
    scan: &Volume,
    engine: &Engine,
) -> anyhow::Result<LabelMap> {
    let has = |s| labels.count(s) > 0;
    if !has(Structure::VestibularSchwannoma)
        || (has(Structure::Cochlea) && has(Structure::Brainstem))
    {
        return Ok(labels);
    }
    output::note("the label map holds no brainstem or cochlea: they are segmented");
    let prediction = engine.segment(scan)?;
    Ok(labels.completed_from(&prediction.labels)?)
}

fn text(a: &KoosAssessment) -> String {
    let mut text = match a.grade {
        Some(grade) => format!("Koos {grade}: {} (wording: {})", grade.meaning(), a.wording),
        None => format!("Koos {}", a.grade_text()),
    };
    if a.grade.is_some() {
        text.push_str("\nprobability");
        for (grade, p) in KoosGrade::ALL.iter().zip(a.probabilities) {
            text += &format!("  {grade} {:.0} %", 100.0 * p);
        }
    }
    for (name, value, unit) in rows(&a.evidence) {
        if let Some(value) = value {
            text += &format!("\n{name:<28}{value:>10.1} {unit}");
        }
    }
    text + "\n" + crate::patient::NOTICE
}

fn rows(e: &KoosEvidence) -> [(&'static str, Option<f64>, &'static str); 7] {
    [
        ("extrameatal volume", e.extrameatal_volume_mm3, "mm³"),
        ("intrameatal volume", e.intrameatal_volume_mm3, "mm³"),
        ("protrusion beyond the porus", e.protrusion_mm, "mm"),
        ("gap to the brainstem", e.brainstem_gap_mm, "mm"),
        ("contact with the brainstem", e.contact_area_mm2, "mm²"),
        ("brainstem shift", e.brainstem_shift_mm, "mm"),
        ("fourth ventricle shift", e.fourth_ventricle_shift_mm, "mm"),
    ]
}
