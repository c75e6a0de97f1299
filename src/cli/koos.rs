//! `schwann koos`: the grade with its evidence.
use super::{
    graders,
    measure::tumour_sizes,
    output,
    scheme::Scheme,
    segment::{Engine, read_scan},
};
use crate::{
    io,
    measure::{
        KoosAssessment, KoosBasis, KoosGrade, KoosMeasure, KoosOptions, KoosWording,
        TumourMeasures, brainstem_at,
    },
    patient::{ModelInfo, NOTICE},
    volume::{LabelMap, Sequence, Structure, Volume, sides_are_told},
};
use anyhow::bail;
use glam::DVec3;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan.
    scan: PathBuf,
    /// A label map on the scan's grid whose tumour is graded. Anatomy that it lacks is segmented.
    #[arg(long)]
    labels: Option<PathBuf>,
    /// Which wording of the grades: in `compression` a brainstem that is indented without being displaced is grade IV, in `topographic` grade III.
    #[arg(long, default_value = "topographic", value_parser = wording)]
    wording: KoosWording,
    /// The tumour was operated on: what is left is measured, and not graded.
    #[arg(long)]
    post_operative: bool,
    /// A point in the brainstem, RAS mm: where the labels have no brainstem, it is outlined from there.
    #[arg(long, value_name = "X,Y,Z", value_parser = point, allow_hyphen_values = true)]
    brainstem_at: Option<DVec3>,
    #[command(flatten)]
    scheme: Scheme,
    #[command(flatten)]
    engine: Engine,
    #[command(flatten)]
    graders: graders::Options,
}

fn wording(text: &str) -> Result<KoosWording, String> {
    KoosWording::of_name(text).ok_or_else(|| "topographic or compression is needed".to_owned())
}

fn point(text: &str) -> Result<DVec3, String> {
    let numbers: Vec<f64> = (text.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .filter(|mm: &f64| mm.is_finite())
        .collect();
    match numbers.as_slice() {
        [x, y, z] if text.split(',').count() == 3 => Ok(DVec3::new(*x, *y, *z)),
        _ => Err("three numbers with commas are needed, RAS mm".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (scan, mut warnings) = read_scan(&arguments.scan)?;
    let mut drawn = Drawn {
        at: arguments.brainstem_at,
        used: None,
    };
    let (labels, model) = if let Some(path) = &arguments.labels {
        let (labels, more) = read_labels(path, &scan, &arguments.scheme)?;
        warnings.extend(more);
        let labels = drawn.with_brainstem(labels, &scan, &mut warnings)?;
        let (labels, more) = completed(labels, (&scan, &arguments.scan), &arguments.engine)?;
        warnings.extend(more);
        (labels, None)
    } else {
        let prediction = arguments.engine.segment(&scan, &arguments.scan)?;
        warnings.extend(prediction.warnings);
        let labels = drawn.with_brainstem(prediction.labels, &scan, &mut warnings)?;
        (labels, Some(prediction.model))
    };
    let basis = KoosBasis::with_scan(&labels, &scan, Sequence::Unknown);
    let options = KoosOptions {
        wording: arguments.wording,
        post_operative: arguments.post_operative,
        brainstem_from: drawn.used.map(|p| p.to_array()),
    };
    let mut assessment = basis.assess_with(None, options);
    if model.is_some() {
        assessment.withhold_untold(&labels);
    }
    let measures = basis.tumour().map(|t| t.measures(None));
    let cut = basis.tumour().is_some_and(|t| t.size().at_scan_edge);
    let graders = arguments.graders.grade(&scan, &labels, &assessment)?;
    warnings.append(&mut assessment.warnings);
    assessment.warnings = warnings;
    let sides = sides_are_told(&assessment.warnings);
    assessment.tell_side(sides);
    output::warnings(&assessment.warnings);
    let output = Output {
        assessment: &assessment,
        measures: assessment.evidence.measures(),
        graders: &graders,
        tumour: measures,
        model,
        scan_sha256: io::voxels_sha256(&scan),
        notice: NOTICE,
    };
    output::result(json, &output, || {
        let sizes = (measures.as_ref()).map_or_else(String::new, |m| tumour_sizes(m, cut));
        text(&assessment, options.wording) + &graders.text() + &sizes + "\n" + NOTICE
    })
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    assessment: &'a KoosAssessment,
    /// Every single number of the evidence with its unit and its error.
    measures: Vec<KoosMeasure>,
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
pub(super) fn read_labels(
    path: &Path,
    scan: &Volume,
    scheme: &Scheme,
) -> anyhow::Result<(LabelMap, Vec<String>)> {
    let (labels, warnings) = scheme.read(path)?;
    if !labels.grid().matches(scan.grid(), 0.1) {
        bail!(
            "the label map is not on the scan's grid: {}",
            path.display()
        );
    }
    Ok((labels, warnings))
}

/// A brainstem that is outlined about a point where the labels lack one.
struct Drawn {
    at: Option<DVec3>,
    /// The point, once a brainstem was outlined from it.
    used: Option<DVec3>,
}

impl Drawn {
    fn with_brainstem(
        &mut self,
        labels: LabelMap,
        scan: &Volume,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<LabelMap> {
        let Some(point) = self.at else {
            return Ok(labels);
        };
        if labels.count(Structure::Brainstem) > 0 {
            let warning = "the labels hold a brainstem: the point given for it is not used";
            warnings.push(warning.to_owned());
            return Ok(labels);
        }
        self.used = Some(point);
        Ok(brainstem_at(scan, point, Some(&labels))?)
    }
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

fn text(a: &KoosAssessment, wording: KoosWording) -> String {
    let mut text = match a.grade {
        Some(grade) => {
            let least = if a.at_least { "at least " } else { "" };
            let subgrade = a.subgrade.map_or_else(String::new, |s| format!(" ({s})"));
            format!(
                "Koos {least}{grade}{subgrade}: {} (wording: {wording})",
                wording.meaning(grade)
            )
        }
        None => match &a.withheld {
            Some(reason) => format!("Koos withheld: {reason}"),
            None => format!("Koos {}", a.grade_text()),
        },
    };
    if a.grade.is_some() {
        text.push_str("\nprobability");
        for (grade, p) in KoosGrade::ALL.iter().zip(a.probabilities) {
            text += &format!("  {grade} {:.0} %", 100.0 * p);
        }
    }
    if let Some(borderline) = &a.borderline {
        text += &format!("\n{borderline}: {}", borderline.reason);
    }
    if let Some(class) = a.hannover {
        text += &format!("\nHannover {class}: {}", class.meaning());
    }
    if let Some(class) = a.tokyo {
        text += &format!("\nTokyo size class {}: {}", class.number(), class.name());
    }
    for measure in a.evidence.measures() {
        if let Some(value) = measure.value {
            let error = measure.total_error();
            text += &format!(
                "\n{:<42}{value:>10.1} ± {error:.1} {}",
                measure.name, measure.unit
            );
        }
    }
    if let Some(cleft) = &a.evidence.cleft {
        text += &format!("\nfluid between tumour and brainstem: {}", cleft.decision());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, LabelMap, LabelTable};

    #[test]
    fn a_tumour_that_the_model_cannot_tell_has_no_grade_rather_than_none() {
        let outlined = |mm| {
            let grid = Grid::axis_aligned([4, 4, 4], [0.5, 0.5, mm], DVec3::ZERO).unwrap();
            // A cochlea, and no tumour.
            LabelMap::new(grid, vec![2; 64], LabelTable::default()).unwrap()
        };
        let mut assessment = KoosAssessment::default();
        assessment.withhold_untold(&outlined(3.0));
        assert_eq!(assessment.grade_text(), "none");
        assessment.withhold_untold(&outlined(3.3));
        let json = serde_json::to_value(&assessment).unwrap();
        assert!(json["grade"].is_null());
        let why = "in slices of more than 3 mm the model cannot be relied on";
        assert!(json["withheld"].as_str().unwrap().starts_with(why));
        let said = text(&assessment, KoosWording::default());
        assert!(said.contains(&format!("Koos withheld: {why}")), "{said}");
    }
}
