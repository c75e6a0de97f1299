//! `schwann growth`: change between visits.
use super::{
    koos::{completed, read_labels},
    output, register,
    segment::{Engine, read_scan},
};
use crate::{
    io,
    measure::{Plane, PlaneFrame},
    patient::{
        self, GrowthAssessment, Outline, Picture, RegistrationResult, ReportInput, ScanOrigin,
        Visit, cochlea_residual_mm,
    },
    render,
    volume::{LabelMap, Registration, Sequence, Volume},
};
use anyhow::Context;
use chrono::NaiveDate;
use glam::DAffine3;
use std::path::{Path, PathBuf};

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

/// One visit with all that its pictures need.
pub(super) struct Measured {
    pub(super) scan: Volume,
    pub(super) labels: LabelMap,
    pub(super) visit: Visit,
}

/// Visits, their alignments (each to the first) and what changed.
pub(super) struct Comparison {
    pub(super) measured: Vec<Measured>,
    pub(super) alignments: Vec<Option<Registration>>,
    pub(super) assessment: GrowthAssessment,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let measured = arguments
        .visits
        .iter()
        .map(|v| measure(v, &arguments.engine))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let comparison = compare(measured, arguments.treated)?;
    output::warnings(&comparison.assessment.warnings);
    if let Some(path) = &arguments.report {
        let pdf = report(&comparison, chrono::Local::now().date_naive(), None)?;
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
        (completed(labels, &scan, engine)?, Outline::Imported)
    } else {
        let prediction = engine.segment(&scan)?;
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
        scan,
        labels,
        visit,
    })
}

/// Aligns every visit to the first and compares them.
pub(super) fn compare(
    measured: Vec<Measured>,
    treated: Option<NaiveDate>,
) -> anyhow::Result<Comparison> {
    let mut alignments = Vec::new();
    let mut registration = Vec::new();
    let mut failed = Vec::new();
    if let Some((first, later)) = measured.split_first() {
        for visit in later {
            let (from, to) = (first.visit.date, visit.visit.date);
            let found = register::align(&first.scan, &visit.scan);
            let aligned = found.as_ref().ok().filter(|r| r.is_aligned()).copied();
            if aligned.is_none() {
                let why = found.map_or_else(
                    |e| e.to_string(),
                    |r| {
                        format!(
                            "the scans match only with a correlation of {:.2}",
                            r.similarity_after
                        )
                    },
                );
                failed.push(format!("{from} to {to}: not aligned, {why}"));
            }
            registration.push(RegistrationResult {
                from,
                to,
                residual_mm: aligned
                    .and_then(|r| cochlea_residual_mm(&first.labels, &visit.labels, &r)),
            });
            alignments.push(aligned);
        }
    }
    let visits: Vec<Visit> = measured.iter().map(|m| m.visit.clone()).collect();
    let mut assessment = patient::assess(&visits, &registration, treated)?;
    assessment.warnings.extend(failed);
    Ok(Comparison {
        measured,
        alignments,
        assessment,
    })
}

/// Edge lengths of the report's pictures.
const PICTURE_PX: u32 = 480;
const PICTURE_MM: f64 = 80.0;

impl Comparison {
    /// A visit's world from the first visit's; `None` where they are not aligned.
    fn world_from_first(&self, index: usize) -> Option<DAffine3> {
        match index.checked_sub(1) {
            None => Some(DAffine3::IDENTITY),
            Some(n) => Some((*self.alignments.get(n)?)?.world_moving_from_world_fixed),
        }
    }

    /// The plane in which a visit is shown: a slice of the last visit through its tumour, mapped into this visit's head; and whether it could be mapped.
    pub(super) fn frame(&self, index: usize, plane: Plane) -> (PlaneFrame, bool) {
        let own = |m: &Measured| {
            render::frame_through(&m.labels, plane, render::point_of_interest(&m.labels))
        };
        let last = self.measured.len() - 1;
        let mapped = self
            .world_from_first(index)
            .zip(self.world_from_first(last));
        match mapped {
            Some((here, there)) => (
                own(&self.measured[last]).mapped(here * there.inverse()),
                true,
            ),
            None => (own(&self.measured[index]), index == last),
        }
    }
}

/// The one-page report, with pictures of the last two visits in the same plane of the head where they are aligned.
pub(super) fn report(
    comparison: &Comparison,
    created: NaiveDate,
    demo: Option<&str>,
) -> anyhow::Result<Vec<u8>> {
    let visits: Vec<Visit> = comparison
        .measured
        .iter()
        .map(|m| m.visit.clone())
        .collect();
    let mut pictures = Vec::new();
    for (index, m) in comparison.measured.iter().enumerate().rev().take(2).rev() {
        for plane in [Plane::Axial, Plane::Coronal] {
            let (frame, same) = comparison.frame(index, plane);
            let image = render::figure(&m.scan, &m.labels, &frame, PICTURE_PX, PICTURE_MM);
            let alignment = if same { "" } else { "; own plane, not aligned" };
            pictures.push(Picture {
                visit: index,
                caption: format!(
                    "{}, {}\npatient's {}; {PICTURE_MM:.0} mm across; outline: {}{alignment}",
                    m.visit.date,
                    plane.name(),
                    if plane == Plane::Sagittal {
                        "front on the left of the image"
                    } else {
                        "right on the left of the image"
                    },
                    m.visit.finding.provenance.state,
                ),
                width: image.width(),
                height: image.height(),
                rgb: image.into_raw(),
            });
        }
    }
    patient::report_pdf(&ReportInput {
        assessment: &comparison.assessment,
        visits: &visits,
        pictures: &pictures,
        patient_label: demo,
        created,
        demo: demo.is_some(),
    })
    .context("the report could not be made")
}
