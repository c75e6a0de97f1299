//! `schwann koos`: the grade with its evidence.
use super::{
    graders,
    measure::tumour,
    output,
    segment::{Engine, read_scan},
};
use crate::{
    io,
    measure::{KoosAssessment, KoosBasis, KoosEvidence, KoosGrade, TumourMeasures},
    patient::{ModelInfo, NOTICE},
    volume::{LabelMap, LabelTable, Structure, Volume},
};
use anyhow::bail;
use serde::Serialize;
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
    #[command(flatten)]
    graders: graders::Options,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (scan, mut warnings) = read_scan(&arguments.scan)?;
    let (labels, model) = if let Some(path) = &arguments.labels {
        let (labels, more) = read_labels(path, &scan)?;
        warnings.extend(more);
        let (labels, more) = completed(labels, (&scan, &arguments.scan), &arguments.engine)?;
        warnings.extend(more);
        (labels, None)
    } else {
        let prediction = arguments.engine.segment(&scan, &arguments.scan)?;
        warnings.extend(prediction.warnings);
        (prediction.labels, Some(prediction.model))
    };
    let basis = KoosBasis::of(&labels);
    let mut assessment = basis.assess(None);
    let measures = basis.tumour().map(|t| t.measures(None));
    let graders = arguments.graders.grade(&scan, &labels, &assessment)?;
    warnings.append(&mut assessment.warnings);
    assessment.warnings = warnings;
    output::warnings(&assessment.warnings);
    let output = Output {
        assessment: &assessment,
        graders: &graders,
        tumour: measures,
        model,
        scan_sha256: io::voxels_sha256(&scan),
        notice: NOTICE,
    };
    output::result(json, &output, || {
        let sizes = measures.as_ref().map_or_else(String::new, tumour);
        text(&assessment) + &graders.text() + &sizes + "\n" + NOTICE
    })
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    assessment: &'a KoosAssessment,
    /// What the trained graders say, and the combination of all.
    #[serde(flatten)]
    graders: &'a graders::Graded,
    /// Part volumes and diameters; none without a tumour.
    tumour: Option<TumourMeasures>,
    /// The model that drew the tumour; none when its outline was given.
    model: Option<ModelInfo>,
    scan_sha256: String,
    notice: &'static str,
}

/// Reads a label map that must lie on the scan's grid.
pub(super) fn read_labels(path: &Path, scan: &Volume) -> anyhow::Result<(LabelMap, Vec<String>)> {
    let (labels, warnings) = io::read_labels(path, &LabelTable::default())?;
    if !labels.grid().matches(scan.grid(), 0.1) {
        bail!(
            "the label map is not on the scan's grid: {}",
            path.display()
        );
    }
    Ok((labels, warnings.iter().map(ToString::to_string).collect()))
}

/// A label map with the anatomy that the rule needs; what is missing comes from the model, the tumour stays as given. The warnings say so.
pub(super) fn completed(
    labels: LabelMap,
    (scan, path): (&Volume, &Path),
    engine: &Engine,
) -> anyhow::Result<(LabelMap, Vec<String>)> {
    let has = |s| labels.count(s) > 0;
    if !has(Structure::VestibularSchwannoma)
        || (has(Structure::Cochlea) && has(Structure::Brainstem))
    {
        return Ok((labels, Vec::new()));
    }
    let prediction = engine.segment(scan, path)?;
    let mut warnings = vec![format!(
        "the outlines that were given lack cochlea or brainstem; {} (sha256 {}) drew them, on {}",
        prediction.model, prediction.model.sha256, prediction.device
    )];
    warnings.extend(prediction.warnings);
    Ok((labels.completed_from(&prediction.labels)?, warnings))
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
    text
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
