//! `schwann phantom`: a synthetic patient with exact truth, or a cohort of them.
use super::{cohort, output};
use crate::{
    io,
    measure::KoosGrade,
    phantom::{
        Course, Family, GrowthModel, Mimic, Modality, Patient, PatientSpec, Region, Scan, Site,
        VisitSpec,
    },
    volume::{LabelMap, LabelTable},
};
use anyhow::Context;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

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
    #[arg(
        long,
        default_value_t = 1,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=50)
    )]
    visits: u32,
    /// How the tumour grows; drawn as it is among untreated patients if not given.
    #[arg(long, requires = "koos")]
    growth: Option<GrowthName>,
    /// A look-alike instead of a tumour; its label is background.
    #[arg(long, conflicts_with = "koos")]
    mimic: Option<MimicName>,
    /// Outlines of real tumours, a JSON file or a folder of them, in place of generated shapes; the first that gives the grade is taken.
    #[arg(long, value_name = "PATH", requires = "koos")]
    tumour_shapes: Option<PathBuf>,
    /// What is scanned at each visit.
    #[arg(long, default_value = "hrT2")]
    modality: ModalityName,
    /// Write so many patients in the layout of the crossMoDA challenge instead of one: labelled ceT1 for one half, unlabelled hrT2 for the
    /// other, both sites, the truth in a folder of its own.
    #[arg(
        long,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        conflicts_with_all = ["koos", "site", "visits", "growth", "mimic", "tumour_shapes", "modality"]
    )]
    cohort: Option<u32>,
    /// The parameters that heads, tissues and scanners are drawn with.
    #[arg(long, default_value = "usual")]
    family: FamilyName,
    /// Everything is drawn from it.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
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
enum MimicName {
    /// A loop of the anterior inferior cerebellar artery in the canal.
    VascularLoop,
    /// A meningioma on the petrous bone.
    Meningioma,
    /// An epidermoid of the cerebellopontine angle.
    Epidermoid,
}

impl From<MimicName> for Mimic {
    fn from(name: MimicName) -> Self {
        match name {
            MimicName::VascularLoop => Self::VascularLoop,
            MimicName::Meningioma => Self::Meningioma,
            MimicName::Epidermoid => Self::Epidermoid,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FamilyName {
    /// What Schwann's own training learns from.
    Usual,
    /// To test what was learned: heads of no usual size, longer or shorter relaxation times, less resolution, more noise.
    Beyond,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Usual => Self::Usual,
            FamilyName::Beyond => Self::Beyond,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SiteName {
    London,
    Tilburg,
    /// Every visit is scanned at both.
    Both,
}

impl SiteName {
    fn sites(self) -> &'static [Site] {
        match self {
            Self::London => &[Site::London],
            Self::Tilburg => &[Site::Tilburg],
            Self::Both => &Site::ALL,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ModalityName {
    #[value(name = "hrT2")]
    HrT2,
    #[value(name = "ceT1")]
    CeT1,
    /// Both in one session.
    Both,
}

impl ModalityName {
    fn modalities(self) -> &'static [Modality] {
        match self {
            Self::HrT2 => &[Modality::HrT2],
            Self::CeT1 => &[Modality::CeT1],
            Self::Both => &[Modality::HrT2, Modality::CeT1],
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum GrowthName {
    /// The volume stays.
    Stable,
    /// The volume doubles again and again.
    Exponential,
    /// The diameter grows evenly.
    Linear,
    /// Growth slows towards a limit.
    Gompertz,
    /// Growth stops.
    Arrest,
    /// The volume falls.
    Shrinkage,
    /// A cyst opens within half a year.
    Cystic,
    /// Treated in the first year: swelling, then shrinkage.
    Radiosurgery,
}

impl From<GrowthName> for Course {
    fn from(name: GrowthName) -> Self {
        match name {
            GrowthName::Stable => Self::Stable,
            GrowthName::Exponential => Self::Exponential,
            GrowthName::Linear => Self::LinearDiameter,
            GrowthName::Gompertz => Self::Gompertz,
            GrowthName::Arrest => Self::Arrest,
            GrowthName::Shrinkage => Self::Shrinkage,
            GrowthName::Cystic => Self::CysticJump,
            GrowthName::Radiosurgery => Self::Radiosurgery,
        }
    }
}

#[derive(Debug, Serialize)]
struct Written {
    scan: PathBuf,
    labels: PathBuf,
    anatomy: PathBuf,
    truth: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output {
    visits: Vec<Written>,
    anatomy_legend: PathBuf,
    notice: &'static str,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let folder = &arguments.output;
    if let Some(count) = arguments.cohort {
        let of = (arguments.seed, arguments.family.into());
        return cohort::run(folder, count as usize, of, json);
    }
    let seed = arguments.seed;
    let spec = PatientSpec {
        seed,
        koos: arguments.koos.map(KoosGrade::from),
        growth: arguments
            .growth
            .map(|name| GrowthModel::of(name.into(), seed)),
        mimic: arguments.mimic.map(Mimic::from),
        family: arguments.family.into(),
        ..PatientSpec::default()
    };
    let patient = match &arguments.tumour_shapes {
        Some(path) => Patient::with_outlines(&spec, &io::read_outlines(path)?)?,
        None => Patient::new(&spec)?,
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let sites = arguments.site.sites();
    let mut visits = Vec::new();
    for visit in 0..arguments.visits {
        for (n, &site) in (0_u64..).zip(sites) {
            let mut name = format!("visit{}", visit + 1);
            if sites.len() > 1 {
                name += match site {
                    Site::London => "_london",
                    Site::Tilburg => "_tilburg",
                };
            }
            for &modality in arguments.modality.modalities() {
                let spec = VisitSpec {
                    years: f64::from(visit),
                    site,
                    modality,
                    // The second site is another session, the second modality is not.
                    seed: seed.wrapping_add(u64::from(visit)).wrapping_add(n << 32),
                    grid: None,
                };
                visits.push(write_visit(&patient, &spec, folder, &name)?);
            }
        }
    }
    let output = Output {
        visits,
        anatomy_legend: write_legend(folder)?,
        notice: "synthetic data",
    };
    output::result(json, &output, || {
        format!(
            "{} scans of a synthetic patient in {}",
            output.visits.len(),
            folder.display()
        )
    })
}

fn write_visit(
    patient: &Patient,
    spec: &VisitSpec,
    folder: &Path,
    name: &str,
) -> anyhow::Result<Written> {
    let mut bar = output::Bar::new();
    let scan = patient.scan(spec, &mut |p| bar.show(p))?;
    drop(bar);
    // The two scans of a visit have grids of their own, and so have their labels.
    let (scan_name, name) = match spec.modality {
        Modality::HrT2 => (format!("{name}_hrT2"), name.to_owned()),
        Modality::CeT1 => (format!("{name}_ceT1"), format!("{name}_ceT1")),
    };
    let written = Written {
        scan: folder.join(format!("{scan_name}.nii.gz")),
        labels: folder.join(format!("{name}_labels.nii.gz")),
        anatomy: folder.join(format!("{name}_anatomy.nii.gz")),
        truth: folder.join(format!("{name}_truth.json")),
    };
    io::write_volume(&written.scan, &scan.volume)?;
    io::write_labels(&written.labels, &scan.labels)?;
    write_anatomy(&written.anatomy, &scan)?;
    write_json(&written.truth, &scan.truth)?;
    Ok(written)
}

/// Writes the anatomy map of a scan: values of [`Region`].
pub(super) fn write_anatomy(path: &Path, scan: &Scan) -> anyhow::Result<()> {
    let map = LabelMap::new(
        *scan.volume.grid(),
        scan.regions.clone(),
        LabelTable::new([]),
    )?;
    Ok(io::write_labels(path, &map)?)
}

/// Writes what the values of the anatomy map mean.
pub(super) fn write_legend(folder: &Path) -> anyhow::Result<PathBuf> {
    let legend: BTreeMap<u8, String> = Region::ALL.iter().map(|r| (r.value(), r.name())).collect();
    let path = folder.join("anatomy.json");
    write_json(&path, &legend)?;
    Ok(path)
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(io::write_atomically(path, |w| {
        w.write_all(text.as_bytes())
    })?)
}
