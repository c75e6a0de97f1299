//! `schwann phantom`: a synthetic patient with exact truth.
use super::output;
use crate::{
    io,
    measure::KoosGrade,
    phantom::{Patient, PatientSpec, Site, VisitSpec},
};
use anyhow::Context;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder for the scans, label maps and truth.
    #[arg(short, long)]
    output: PathBuf,
    /// Koos grade of the first visit; without it the patient has no tumour.
    #[arg(long)]
    koos: Option<Grade>,
    /// Scanner.
    #[arg(long, default_value = "london")]
    site: SiteName,
    /// Number of visits, a year apart.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50))]
    visits: u32,
    /// Everything is drawn from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Grade {
    #[value(name = "I")]
    I,
    #[value(name = "II")]
    Ii,
    #[value(name = "III")]
    Iii,
    #[value(name = "IV")]
    Iv,
}

impl From<Grade> for KoosGrade {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::I => Self::I,
            Grade::Ii => Self::II,
            Grade::Iii => Self::III,
            Grade::Iv => Self::IV,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SiteName {
    London,
    Tilburg,
}

#[derive(Debug, Serialize)]
struct Written {
    scan: PathBuf,
    labels: PathBuf,
    truth: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output {
    visits: Vec<Written>,
    notice: &'static str,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let folder = &arguments.output;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let patient = Patient::new(&PatientSpec {
        seed: arguments.seed,
        koos: arguments.koos.map(KoosGrade::from),
        side: None,
        annual_growth_percent: None,
        mimic: None,
    })?;
    let site = match arguments.site {
        SiteName::London => Site::London,
        SiteName::Tilburg => Site::Tilburg,
    };
    let visits = (0..arguments.visits)
        .map(|visit| {
            let spec = VisitSpec {
                years: f64::from(visit),
                site,
                seed: arguments.seed.wrapping_add(u64::from(visit)),
                grid: None,
            };
            write_visit(&patient, &spec, folder, visit + 1)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let output = Output {
        visits,
        notice: "synthetic data",
    };
    output::result(json, &output, || {
        format!(
            "{} visits of a synthetic patient in {}",
            output.visits.len(),
            folder.display()
        )
    })
}

fn write_visit(
    patient: &Patient,
    spec: &VisitSpec,
    folder: &Path,
    number: u32,
) -> anyhow::Result<Written> {
    let mut bar = output::Bar::new();
    let scan = patient.scan(spec, &mut |p| bar.show(p))?;
    drop(bar);
    let written = Written {
        scan: folder.join(format!("visit{number}_hrT2.nii.gz")),
        labels: folder.join(format!("visit{number}_labels.nii.gz")),
        truth: folder.join(format!("visit{number}_truth.json")),
    };
    io::write_volume(&written.scan, &scan.volume)?;
    io::write_labels(&written.labels, &scan.labels)?;
    let truth = serde_json::to_string_pretty(&scan.truth)?;
    io::write_atomically(&written.truth, |w| w.write_all(truth.as_bytes()))?;
    Ok(written)
}
