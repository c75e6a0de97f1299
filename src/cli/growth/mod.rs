//! `schwann growth`: change between visits.

mod maps;
mod patient;

use super::{
    koos::{completed, read_labels},
    output,
    scheme::Scheme,
    segment::{Engine, read_scan},
};
use crate::{
    app::{
        ByHand, DATE_FROM_NAME,
        report::{self, Comparison, Measured},
    },
    io,
    measure::{KoosBasis, KoosOptions, ghosting},
    patient::{
        Acquisition, GrowthAssessment, Outline, ScanFacts, ScanOrigin, TreatmentDays, Visit,
        parse_day,
    },
    volume::{Sequence, Volume},
};
use anyhow::{Context, bail};
use chrono::NaiveDate;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A patient's folder, instead of visits: those with a date are compared by the outlines that count.
    #[arg(
        value_name = "PATIENT",
        conflicts_with = "visits",
        required_unless_present = "visits"
    )]
    patient: Option<PathBuf>,
    /// One visit: the day of the scan, the scan, and its label map if there is one. Give at least two, from the earliest to the latest.
    #[arg(long = "visit", value_name = "DATE=SCAN[,LABELS]", value_parser = visit)]
    visits: Vec<VisitArgument>,
    /// Day of radiosurgery; that of the patient's folder if absent.
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    treated: Option<NaiveDate>,
    /// Day of an operation on the tumour, besides those of the patient's folder; repeat for several. What it left is not compared with what there was.
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    operated: Vec<NaiveDate>,
    /// Also write a one-page report.
    #[arg(long, value_name = "OUT.pdf")]
    report: Option<PathBuf>,
    /// Also write the assessment as a table: one row a visit, one a change.
    #[arg(long, value_name = "OUT.csv")]
    csv: Option<PathBuf>,
    /// Print one paragraph for a radiology report instead of the whole text; with --json it is the field `paragraph`.
    #[arg(long)]
    paragraph: bool,
    #[command(flatten)]
    scheme: Scheme,
    #[command(flatten)]
    engine: Engine,
}

/// What is printed with `--json`.
#[derive(Debug, serde::Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    assessment: &'a GrowthAssessment,
    /// The growth map of each change whose visits are aligned and may be compared.
    growth_maps: Vec<maps::PairMap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paragraph: Option<String>,
}

#[derive(Debug, Clone)]
struct VisitArgument {
    date: NaiveDate,
    /// It was read from a file's name, and nobody confirmed it.
    date_from_name: bool,
    scan: PathBuf,
    /// What is known of the scan, where it was put into a patient's folder.
    known: Option<ScanFacts>,
    /// What the scan shows, where a record already says so.
    sequence: Option<Sequence>,
    /// How the scan was acquired, where a record already says so.
    acquisition: Option<Acquisition>,
    labels: Labels,
    /// How the tumour is graded.
    koos: KoosOptions,
    /// The porus plane and the lines that a reader set.
    by_hand: ByHand,
}

/// Where the outlines of a visit come from.
#[derive(Debug, Clone)]
enum Labels {
    /// The model draws them.
    Model,
    /// They are in a file.
    File(PathBuf),
    /// They are the version of a patient's folder that counts.
    Version(Arc<patient::Version>),
}

fn visit(text: &str) -> Result<VisitArgument, String> {
    let (date, files) = text
        .split_once('=')
        .ok_or("DATE=SCAN is needed, for instance 2024-03-12=scan.nii.gz")?;
    let date = parse_day(date)?;
    // The name of a file or folder may hold a comma: the part after it counts as a label map only if the whole is neither.
    let (scan, labels) = match files.rsplit_once(',') {
        Some((scan, labels)) if !Path::new(files).exists() => (scan, Some(labels)),
        _ => (files, None),
    };
    Ok(VisitArgument {
        date,
        date_from_name: false,
        scan: scan.into(),
        known: None,
        sequence: None,
        acquisition: None,
        labels: labels.map_or(Labels::Model, |path| Labels::File(path.into())),
        koos: KoosOptions::default(),
        by_hand: ByHand::default(),
    })
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (mut visits, mut treated, mut left_out) = match &arguments.patient {
        Some(path) => patient::visits(path)?,
        None => (
            arguments.visits.clone(),
            TreatmentDays::default(),
            Vec::new(),
        ),
    };
    treated.radiosurgery = arguments.treated.or(treated.radiosurgery);
    treated.operations.extend(&arguments.operated);
    for visit in &mut visits {
        visit.koos.post_operative |= treated.operated_before(Some(visit.date));
    }
    let scans = visits.iter().flat_map(|v| match &v.labels {
        Labels::File(labels) => [Some(&v.scan), Some(labels)],
        _ => [Some(&v.scan), None],
    });
    let inputs: Vec<&Path> = scans.flatten().map(PathBuf::as_path).collect();
    if let Some(path) = &arguments.report {
        output::check_target(path, &[".pdf"], &inputs)?;
    }
    if let Some(path) = &arguments.csv {
        output::check_target(path, &[".csv"], &inputs)?;
    }
    // Before the long work: the assessment would refuse these in the end.
    for pair in visits.windows(2) {
        if pair[0].date >= pair[1].date {
            bail!(
                "the visits must be given from the earliest to the latest, each with a date of its own: {} is followed by {}",
                pair[0].date,
                pair[1].date
            );
        }
    }
    let today = chrono::Local::now().date_naive();
    let told = (arguments.treated.iter()).chain(&arguments.operated);
    for day in visits.iter().map(|v| v.date).chain(told.copied()) {
        if day > today {
            left_out.push(format!("{day} lies in the future: check the dates"));
        }
    }
    output::warnings(&left_out);
    let mut measured = Vec::new();
    for visit in &visits {
        let mut read = Read::of(visit)?;
        if visit.acquisition.is_some() {
            read.acquisition.clone_from(&visit.acquisition);
        } else if read.acquisition.is_none() {
            read.acquisition = io::read_sidecar(&visit.scan)
                .transpose()
                .unwrap_or_else(|error| {
                    output::warnings(&[error.to_string()]);
                    left_out.push(error.to_string());
                    None
                });
        }
        measured.push(measure(visit, read, arguments)?);
    }
    let left_out_count = left_out.len();
    let mut comparison = compare(measured, &treated)?;
    comparison.assessment.warnings.splice(0..0, left_out);
    let told = comparison.assessment.warnings.get(left_out_count..);
    output::warnings(told.unwrap_or_default());
    if let Some(path) = &arguments.report {
        let pdf = comparison
            .report(today, None, false)
            .context("the report could not be made")?;
        io::write_atomically(path, |w| w.write_all(&pdf))?;
    }
    if let Some(path) = &arguments.csv {
        let csv = comparison.assessment.to_csv()?;
        io::write_atomically(path, |w| w.write_all(csv.as_bytes()))?;
    }
    let assessment = &comparison.assessment;
    let output = Output {
        assessment,
        growth_maps: if json {
            maps::of(&comparison)?
        } else {
            Vec::new()
        },
        paragraph: arguments.paragraph.then(|| assessment.to_paragraph()),
    };
    output::result(json, &output, || {
        (output.paragraph.clone()).unwrap_or_else(|| assessment.to_text())
    })
}

/// A visit's scan, and what its file says of it.
struct Read {
    scan: Volume,
    warnings: Vec<String>,
    sequence: Sequence,
    acquisition: Option<Acquisition>,
}

impl Read {
    fn of(visit: &VisitArgument) -> anyhow::Result<Self> {
        // A visit of a patient's folder has its record.
        let series = if visit.sequence.is_none() {
            series(&visit.scan)
        } else {
            None
        };
        let Some(series) = series else {
            let (scan, warnings) = match &visit.known {
                Some(facts) => read_known(&visit.scan, facts)?,
                None => read_scan(&visit.scan)?,
            };
            return Ok(Self {
                scan,
                warnings,
                sequence: visit.sequence.unwrap_or(Sequence::Unknown),
                acquisition: None,
            });
        };
        let mut bar = output::Bar::new();
        let (scan, warnings) = io::read_series(&series, &mut |p| bar.show(p))?;
        drop(bar);
        Ok(Self {
            scan,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            sequence: series.proposed_as,
            acquisition: Some(series.facts.acquisition()),
        })
    }
}

/// Reads a scan of a patient's folder; of several series, such as the stacks of one file, the one that was put there.
fn read_known(path: &Path, facts: &ScanFacts) -> anyhow::Result<(Volume, Vec<String>)> {
    let mut bar = output::Bar::new();
    let sha256 = &facts.voxels_sha256;
    let (volume, warnings) = io::read_known_scan(path, facts.shape, sha256, &mut |p| bar.show(p))?;
    drop(bar);
    Ok((volume, warnings.iter().map(ToString::to_string).collect()))
}

/// The DICOM series at a path; `None` of another format, and where it is not the only one, which reading the scan tells.
fn series(path: &Path) -> Option<io::DicomSeries> {
    let name = path.to_string_lossy().to_lowercase();
    if [".nii", ".nii.gz", ".hdr", ".img"]
        .iter()
        .any(|ending| name.ends_with(ending))
    {
        return None;
    }
    let mut bar = output::Bar::new();
    let library = io::scan_folder(&[path.to_owned()], &mut |p| bar.show(p)).ok()?;
    library.choose(None).ok().cloned()
}

fn measure(
    argument: &VisitArgument,
    read: Read,
    Arguments { engine, scheme, .. }: &Arguments,
) -> anyhow::Result<Measured> {
    let (scan, mut warnings) = (read.scan, read.warnings);
    let (labels, outline, state) = match &argument.labels {
        Labels::Model => {
            let prediction = engine.segment(&scan, &argument.scan)?;
            warnings.extend(prediction.warnings);
            let outline = Outline::Model {
                model: prediction.model,
                device: prediction.device,
            };
            (prediction.labels, outline, None)
        }
        Labels::File(path) => {
            let (labels, more) = read_labels(path, &scan, scheme)?;
            warnings.extend(more);
            (labels, Outline::Imported, None)
        }
        Labels::Version(version) => {
            let (labels, more) = version.read(&scan)?;
            warnings.extend(more);
            (labels, version.outline(), Some(version.state()))
        }
    };
    let (labels, more) = match &argument.labels {
        Labels::Model => (labels, Vec::new()),
        _ => completed(labels, (&scan, &argument.scan), engine)?,
    };
    warnings.extend(more);
    if argument.date_from_name {
        warnings.push(DATE_FROM_NAME.to_owned());
    }
    let origin = ScanOrigin {
        date: argument.date,
        sequence: read.sequence,
        scan_sha256: io::voxels_sha256(&scan),
        warnings,
    };
    let basis = KoosBasis::with_scan(&labels, &scan, read.sequence);
    let mut visit = Visit::measured_at(&basis, &labels, origin, outline, (None, argument.koos));
    (argument.by_hand).measure(&basis, argument.koos, &mut visit.finding);
    if let Some(state) = state {
        visit.finding.provenance.state = state;
    }
    Ok(Measured {
        ghosting: ghosting(&scan),
        scan: Arc::new(scan),
        labels: Arc::new(labels),
        visit,
        acquisition: read.acquisition,
    })
}

/// Aligns every visit to the first, with a bar, and compares them.
pub(super) fn compare(
    measured: Vec<Measured>,
    treated: &TreatmentDays,
) -> anyhow::Result<Comparison> {
    let mut bar = output::Bar::new();
    let tried = Vec::new();
    Ok(report::compare(measured, tried, treated, &mut |p| {
        bar.show(p)
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_the_name_of_a_folder_is_no_label_map() {
        let folder = tempfile::tempdir().unwrap();
        let scan = folder.path().join("Doe,Jane");
        std::fs::create_dir(&scan).unwrap();
        let whole = visit(&format!("2024-03-12={}", scan.display())).unwrap();
        assert_eq!(whole.scan, scan);
        assert!(matches!(whole.labels, Labels::Model));
        let both = visit(&format!("2024-03-12={},l.nii.gz", scan.display())).unwrap();
        assert_eq!(both.scan, scan);
        assert!(matches!(both.labels, Labels::File(path) if path == Path::new("l.nii.gz")));
    }
}
