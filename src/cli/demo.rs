//! `schwann demo`: the whole job on the built-in demo patient.
use super::{growth, output};
use crate::{
    app::report::{Comparison, DEMO_LABEL, Measured},
    io,
    measure::{KoosOptions, Plane, StructureSize, dice, ghosting, structure_sizes},
    patient::{GrowthAssessment, Outline, ScanOrigin, TreatmentDays, Visit},
    phantom::{Truth, demo},
    predict::{self, SegmentOptions, Segmenter},
    render,
    volume::{LabelMap, Sequence, Structure},
};
use anyhow::Context;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder for the results.
    #[arg(short, long)]
    output: PathBuf,
}

/// One visit in `assessment.json`.
#[derive(Debug, Serialize)]
struct VisitOutput {
    date: chrono::NaiveDate,
    scan: String,
    labels: String,
    truth_labels: String,
    structures: Vec<StructureSize>,
    koos: crate::measure::KoosAssessment,
    /// Exact truth of the phantom.
    truth: Truth,
    /// Agreement of the model's labels with the truth.
    dice: Vec<DiceOutput>,
}

#[derive(Debug, Serialize)]
struct DiceOutput {
    structure: &'static str,
    dice: f64,
}

#[derive(Debug, Serialize)]
struct Output {
    notice: &'static str,
    synthetic: bool,
    visits: Vec<VisitOutput>,
    growth: GrowthAssessment,
    report: &'static str,
    pictures: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let folder = &arguments.output;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let patient = demo::patient()?;
    let segmenter = Segmenter::shipped()?;
    let mut measured = Vec::new();
    let mut outputs = Vec::new();
    for index in 0..demo::VISITS {
        let mut bar = output::Bar::new();
        let scan = demo::scan(&patient, index, &mut |p| bar.show(p))?;
        let prediction = predict::segment(
            &scan.volume,
            &segmenter,
            &SegmentOptions::default(),
            &mut |p| bar.show(p),
        )?;
        drop(bar);
        output::note(&format!(
            "visit {}: segmented on {}",
            index + 1,
            prediction.device
        ));
        let origin = ScanOrigin {
            date: demo::DATES[index].parse()?,
            sequence: Sequence::HrT2,
            scan_sha256: io::voxels_sha256(&scan.volume),
            warnings: prediction.warnings,
        };
        let outline = Outline::Model {
            model: prediction.model,
            device: prediction.device,
        };
        let options = KoosOptions::default();
        let visit = Visit::measured_on(&scan.volume, &prediction.labels, origin, outline, options);
        let name = |what: &str| format!("visit{}_{what}.nii.gz", index + 1);
        let files = [name("hrT2"), name("labels"), name("truth")];
        io::write_volume(&folder.join(&files[0]), &scan.volume)?;
        io::write_labels(&folder.join(&files[1]), &prediction.labels)?;
        io::write_labels(&folder.join(&files[2]), &scan.labels)?;
        let [scan_file, labels_file, truth_file] = files;
        outputs.push(VisitOutput {
            date: visit.date,
            scan: scan_file,
            labels: labels_file,
            truth_labels: truth_file,
            structures: structure_sizes(&prediction.labels),
            koos: visit.finding.koos.clone(),
            dice: agreement(&prediction.labels, &scan.labels),
            truth: scan.truth,
        });
        let ghosting = ghosting(&scan.volume);
        measured.push(Measured {
            scan: Arc::new(scan.volume),
            labels: Arc::new(prediction.labels),
            visit,
            acquisition: None,
            ghosting,
        });
    }
    let comparison = growth::compare(measured, &TreatmentDays::default())?;
    let last = comparison.measured[demo::VISITS - 1].visit.date;
    let pdf = comparison
        .report(last, Some(DEMO_LABEL), true)
        .context("the report could not be made")?;
    io::write_atomically(&folder.join("report.pdf"), |w| w.write_all(&pdf))?;
    let pictures = pictures(&comparison, folder)?;
    let output = Output {
        notice: crate::patient::NOTICE,
        synthetic: true,
        visits: outputs,
        growth: comparison.assessment,
        report: "report.pdf",
        pictures,
    };
    let text = serde_json::to_string_pretty(&output)?;
    io::write_atomically(&folder.join("assessment.json"), |w| {
        w.write_all(text.as_bytes())
    })?;
    output::result(json, &output, || {
        format!(
            "{}\nwritten to {}",
            output.growth.to_text(),
            folder.display()
        )
    })
}

fn agreement(labels: &LabelMap, truth: &LabelMap) -> Vec<DiceOutput> {
    Structure::ALL
        .into_iter()
        .filter_map(|s| {
            Some(DiceOutput {
                structure: s.name(),
                dice: dice(labels, truth, s)?,
            })
        })
        .collect()
}

/// Three planes of each visit through the tumour.
fn pictures(comparison: &Comparison, folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for (index, m) in comparison.measured.iter().enumerate() {
        for plane in Plane::ALL {
            let Some((frame, _)) = comparison.frame(index, plane) else {
                continue;
            };
            let image = render::figure(&m.scan, &m.labels, (&frame, true), 800, 120.0);
            let name = format!("visit{}_{}.png", index + 1, plane.name());
            let mut png = std::io::Cursor::new(Vec::new());
            image.write_to(&mut png, image::ImageFormat::Png)?;
            io::write_atomically(&folder.join(&name), |w| w.write_all(png.get_ref()))?;
            names.push(name);
        }
    }
    Ok(names)
}
