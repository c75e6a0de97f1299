//! `schwann growth`: change between visits.
use super::{
    koos::{completed, read_labels},
    output,
    segment::{Engine, read_scan},
};
use crate::{
    app::report::{self, Comparison, Measured},
    io,
    patient::{Outline, ScanOrigin, Visit},
    volume::Sequence,
};
use anyhow::{Context, bail};
use chrono::NaiveDate;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// One visit: the day of the scan, the scan, and its label map if there is one. Give at least two, from the earliest to the latest.
    #[arg(long = "visit", value_name = "DATE=SCAN[,LABELS]", required = true, value_parser = visit)]
    visits: Vec<VisitArgument>,
    /// Day of radiosurgery.
    #[arg(long, value_name = "DATE")]
    treated: Option<NaiveDate>,
    /// Also write a one-page report.
    #[arg(long, value_name = "OUT.pdf")]
    report: Option<PathBuf>,
    #[command(flatten)]
    engine: Engine,
}

#[derive(Debug, Clone)]
struct VisitArgument {
    date: NaiveDate,
    scan: PathBuf,
    labels: Option<PathBuf>,
}

fn visit(text: &str) -> Result<VisitArgument, String> {
    let (date, files) = text
        .split_once('=')
        .ok_or("DATE=SCAN is needed, for instance 2024-03-12=scan.nii.gz")?;
    let date = date
        .parse()
        .map_err(|e| format!("'{date}' is not a date like 2024-03-12 ({e})"))?;
    // A file name may hold a comma: the part after it counts as a label map only if the whole is not a file.
    let (scan, labels) = match files.rsplit_once(',') {
        Some((scan, labels)) if !Path::new(files).is_file() => (scan, Some(labels)),
        _ => (files, None),
    };
    Ok(VisitArgument {
        date,
        scan: scan.into(),
        labels: labels.map(Into::into),
    })
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let scans = arguments
        .visits
        .iter()
        .flat_map(|v| [Some(&v.scan), v.labels.as_ref()]);
    let inputs: Vec<&Path> = scans.flatten().map(PathBuf::as_path).collect();
    if let Some(path) = &arguments.report {
        output::check_target(path, &[".pdf"], &inputs)?;
    }
    // Before the long work: the assessment would refuse these in the end.
    for pair in arguments.visits.windows(2) {
        if pair[0].date >= pair[1].date {
            bail!(
                "the visits must be given from the earliest to the latest, each with a date of its own: {} is followed by {}",
                pair[0].date,
                pair[1].date
            );
        }
    }
    let measured = arguments
        .visits
        .iter()
        .map(|v| measure(v, &arguments.engine))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let comparison = compare(measured, arguments.treated)?;
    output::warnings(&comparison.assessment.warnings);
    if let Some(path) = &arguments.report {
        let pdf = comparison
            .report(chrono::Local::now().date_naive(), None, false)
            .context("the report could not be made")?;
        io::write_atomically(path, |w| w.write_all(&pdf))?;
    }
    output::result(json, &comparison.assessment, || {
        comparison.assessment.to_text()
    })
}

fn measure(argument: &VisitArgument, engine: &Engine) -> anyhow::Result<Measured> {
    let (scan, mut warnings) = read_scan(&argument.scan)?;
    let (labels, outline) = if let Some(path) = &argument.labels {
        let (labels, more) = read_labels(path, &scan)?;
        warnings.extend(more);
        let (labels, more) = completed(labels, (&scan, &argument.scan), engine)?;
        warnings.extend(more);
        (labels, Outline::Imported)
    } else {
        let prediction = engine.segment(&scan, &argument.scan)?;
        warnings.extend(prediction.warnings);
        let outline = Outline::Model {
            model: prediction.model,
            device: prediction.device,
        };
        (prediction.labels, outline)
    };
    let origin = ScanOrigin {
        date: argument.date,
        sequence: Sequence::Unknown,
        scan_sha256: io::voxels_sha256(&scan),
        warnings,
    };
    let visit = Visit::measured(&labels, origin, outline);
    Ok(Measured {
        scan: Arc::new(scan),
        labels: Arc::new(labels),
        visit,
    })
}

/// Aligns every visit to the first, with a bar, and compares them.
pub(super) fn compare(
    measured: Vec<Measured>,
    treated: Option<NaiveDate>,
) -> anyhow::Result<Comparison> {
    let mut bar = output::Bar::new();
    Ok(report::compare(measured, Vec::new(), treated, &mut |p| {
        bar.show(p)
    })?)
}
