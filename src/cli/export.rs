//! `schwann export`: results as DICOM objects that belong to their scan.
use super::output;
use crate::{
    app::report::{self, Comparison, Measured},
    io::{self, Authorship, DicomSeries, Making, ResultState, Warning},
    measure::Plane,
    patient::{ModelInfo, Outline, ReviewState, ScanOrigin, Visit},
    predict::Segmenter,
    render::OverlayStyle,
    volume::{LabelMap, LabelTable, Structure},
};
use chrono::NaiveDate;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The DICOM series that the labels were made from: a file, folder, DICOMDIR or zip archive.
    scan: PathBuf,
    /// A label map on the scan's own grid: 1 = vestibular schwannoma, 2 = cochlea, 3 = brainstem, ….
    #[arg(long, value_name = "LABELS.nii.gz")]
    labels: PathBuf,
    /// Which DICOM series: its label, number or UID, as `schwann inspect` lists them.
    #[arg(long, value_name = "UID|NUMBER")]
    series: Option<String>,
    /// Day of the scan, for reports of a series that names none.
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
    #[command(flatten)]
    objects: Objects,
    #[command(flatten)]
    signed: Signed,
}

/// Where each object goes; at least one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Objects {
    /// Write the labels as a segmentation (SEG).
    #[arg(long, value_name = "OUT.dcm")]
    seg: Option<PathBuf>,
    /// Write contours on the scan's slices as a structure set (RTSTRUCT).
    #[arg(long, value_name = "OUT.dcm")]
    rtstruct: Option<PathBuf>,
    /// Write probabilities as a fractional segmentation (SEG), from the files named by --probability.
    #[arg(long, value_name = "OUT.dcm", requires = "probability")]
    fractional: Option<PathBuf>,
    /// Write the tumour's measurements as a structured report (SR, TID 1500); with --seg, it refers to the tumour's segment.
    #[arg(long, value_name = "OUT.dcm")]
    sr: Option<PathBuf>,
    /// Write the one-page report as an encapsulated PDF.
    #[arg(long, value_name = "OUT.dcm")]
    pdf: Option<PathBuf>,
    /// Write a picture through the tumour with its outline as a secondary capture: the axial one, or that of a plane before an equals sign; repeat for several.
    #[arg(long, value_name = "[PLANE=]OUT.dcm", value_parser = key_image)]
    key_image: Vec<(Plane, PathBuf)>,
}

/// What the objects say of their making.
#[derive(Debug, clap::Args)]
struct Signed {
    /// `draft`: nobody has accepted it, and every object says so; `accepted`: by the reader that --by names.
    #[arg(long, default_value = "draft", value_parser = ["draft", "accepted"])]
    state: String,
    /// The reader who accepted the result.
    #[arg(long, value_name = "NAME", required_if_eq("state", "accepted"), value_parser = name)]
    by: Option<String>,
    /// How the outlines were made: `automatic` (a model, unchanged), `semiautomatic` (a model, then a reader) or `manual`.
    #[arg(long, default_value = "automatic", value_parser = making)]
    made: Making,
    /// Name of the model that drew the outlines; the model that Schwann ships if absent.
    #[arg(long, value_name = "NAME", requires = "algorithm_version")]
    algorithm: Option<String>,
    /// Its version.
    #[arg(long, value_name = "VERSION", requires = "algorithm")]
    algorithm_version: Option<String>,
    /// Tracking UID of the tumour, the same at all visits; derived from the patient's ID and the side if absent.
    #[arg(long, value_name = "UID", value_parser = uid)]
    tracking_uid: Option<String>,
    /// A structure's probabilities, 0 to 1 on the scan's own grid, for instance `1=FILE.nii.gz` by its label value; repeat for several.
    #[arg(long, value_name = "LABEL=FILE.nii.gz", value_parser = probability, requires = "fractional")]
    probability: Vec<(Structure, PathBuf)>,
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("a name is needed".to_owned());
    }
    Ok(name.to_owned())
}

fn making(text: &str) -> Result<Making, String> {
    Making::from_term(text).ok_or_else(|| "automatic, semiautomatic or manual is needed".to_owned())
}

fn uid(text: &str) -> Result<String, String> {
    let part = |p: &str| {
        let digits = !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        digits && (p == "0" || !p.starts_with('0'))
    };
    if text.len() <= 64 && text.contains('.') && text.split('.').all(part) {
        Ok(text.to_owned())
    } else {
        Err("a DICOM UID is needed: numbers between dots, at most 64 characters".to_owned())
    }
}

fn key_image(text: &str) -> Result<(Plane, PathBuf), String> {
    let named = text.split_once('=').and_then(|(name, file)| {
        let plane = Plane::ALL.into_iter().find(|plane| plane.name() == name)?;
        Some((plane, PathBuf::from(file)))
    });
    match named {
        Some((_, file)) if file.as_os_str().is_empty() => Err("PLANE=OUT.dcm is needed".to_owned()),
        Some(named) => Ok(named),
        None => Ok((Plane::Axial, PathBuf::from(text))),
    }
}

fn probability(text: &str) -> Result<(Structure, PathBuf), String> {
    let (value, file) = text.split_once('=').ok_or("LABEL=FILE is needed")?;
    Ok((super::convert::structure(value)?, PathBuf::from(file)))
}

#[derive(Debug, Serialize)]
struct Exported {
    series: String,
    state: &'static str,
    made: &'static str,
    written: Vec<Written>,
    notice: &'static str,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Written {
    object: &'static str,
    file: String,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let objects = &arguments.objects;
    let inputs = [arguments.scan.as_path(), arguments.labels.as_path()];
    let targets = [
        &objects.seg,
        &objects.rtstruct,
        &objects.fractional,
        &objects.sr,
        &objects.pdf,
    ];
    let pictures = objects.key_image.iter().map(|(_, path)| path);
    for target in targets.into_iter().flatten().chain(pictures) {
        output::check_target(target, output::DICOM, &inputs)?;
    }
    let mut bar = output::Bar::new();
    let library = io::scan_folder(std::slice::from_ref(&arguments.scan), &mut |p| bar.show(p))?;
    drop(bar);
    let series = library
        .choose(arguments.series.as_deref())
        .map_err(|e| anyhow::anyhow!("{e}: {}", arguments.scan.display()))?;
    let (labels, warnings) = io::read_labels(&arguments.labels, &LabelTable::default())?;
    let authorship = arguments.signed.authorship()?;
    let work = Work {
        series,
        labels: &labels,
        authorship: &authorship,
    };
    let mut exported = Exported {
        series: series.title(),
        state: match authorship.state {
            ResultState::Draft => "draft",
            ResultState::Accepted { .. } => "accepted",
        },
        made: authorship.making.term(),
        written: Vec::new(),
        notice: crate::patient::NOTICE,
        warnings: warnings.iter().map(ToString::to_string).collect(),
    };
    if let Some(path) = &objects.seg {
        let said = io::write_segmentation(path, series, &labels, &authorship)?;
        exported.add("SEG", path, &said);
    }
    if let Some(path) = &objects.fractional {
        let said = work.fractional(path, &arguments.signed.probability)?;
        exported.add("fractional SEG", path, &said);
    }
    if let Some(path) = &objects.rtstruct {
        let said = io::write_structure_set(path, series, &labels, &authorship)?;
        exported.add("RTSTRUCT", path, &said);
    }
    if objects.sr.is_some() || objects.pdf.is_some() || !objects.key_image.is_empty() {
        work.reports(arguments, &mut exported)?;
    }
    output::warnings(&exported.warnings);
    output::result(json, &exported, || {
        let lines = exported.written.iter();
        let lines = lines.map(|w| format!("{}: {} ({})", w.file, w.object, exported.state));
        lines.collect::<Vec<String>>().join("\n")
    })
}

impl Exported {
    fn add(&mut self, object: &'static str, path: &Path, warnings: &[Warning]) {
        self.written.push(Written {
            object,
            file: path.to_string_lossy().into_owned(),
        });
        for warning in warnings.iter().map(ToString::to_string) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}

impl Signed {
    fn authorship(&self) -> anyhow::Result<Authorship> {
        let algorithm =
            if let (Some(name), Some(version)) = (&self.algorithm, &self.algorithm_version) {
                io::Algorithm {
                    name: name.clone(),
                    version: version.clone(),
                }
            } else {
                let shipped = Segmenter::shipped()?;
                io::Algorithm {
                    name: shipped.info().name.clone(),
                    version: shipped.info().version.clone(),
                }
            };
        Ok(Authorship {
            state: match (&self.by, self.state.as_str()) {
                (Some(by), "accepted") => ResultState::Accepted { by: by.clone() },
                _ => ResultState::Draft,
            },
            making: self.made,
            algorithm,
            created: chrono::Local::now().naive_local(),
            tracking_uid: self.tracking_uid.clone(),
            colour,
        })
    }
}

/// The colour in which Schwann draws a structure.
fn colour(structure: Structure) -> [u8; 3] {
    OverlayStyle::default().structure(structure).colour
}

struct Work<'a> {
    series: &'a DicomSeries,
    labels: &'a LabelMap,
    authorship: &'a Authorship,
}

impl Work<'_> {
    /// What tells of measurements: they are made first.
    fn reports(&self, arguments: &Arguments, exported: &mut Exported) -> anyhow::Result<()> {
        let objects = &arguments.objects;
        let (series, authorship) = (self.series, self.authorship);
        let comparison = self.measured(arguments)?;
        let visit = comparison.measured.first().map(|m| &m.visit);
        if let (Some(path), Some(visit)) = (&objects.sr, visit) {
            let measured = io::Measurements {
                labels: self.labels,
                visit,
                assessment: Some(&comparison.assessment),
                segmentation: objects.seg.as_deref(),
            };
            let said = io::write_measurements(path, series, &measured, authorship)?;
            exported.add("SR", path, &said);
        }
        if let Some(path) = &objects.pdf {
            let pdf = comparison.report(authorship.created.date(), None, false)?;
            let said = io::write_encapsulated_pdf(path, series, &pdf, authorship)?;
            exported.add("encapsulated PDF", path, &said);
        }
        for (n, (plane, path)) in objects.key_image.iter().enumerate() {
            let picture = comparison.picture(0, *plane);
            let picture = picture.ok_or_else(|| anyhow::anyhow!("there is no picture"))?;
            let number = u16::try_from(n + 1)?;
            let said = io::write_key_image(path, series, &picture, number, authorship)?;
            exported.add("key image", path, &said);
        }
        Ok(())
    }

    /// The series as one visit, measured on the labels.
    fn measured(&self, arguments: &Arguments) -> anyhow::Result<Comparison> {
        let said = self.series.facts.date.as_deref();
        let date = arguments.date.or_else(|| said.and_then(|d| d.parse().ok()));
        let date = date.ok_or_else(|| {
            anyhow::anyhow!("the series names no day; give it with --date, for instance 2024-03-12")
        })?;
        let mut bar = output::Bar::new();
        let (scan, warnings) = io::read_series(self.series, &mut |p| bar.show(p))?;
        drop(bar);
        let origin = ScanOrigin {
            date,
            sequence: self.series.proposed_as,
            scan_sha256: io::voxels_sha256(&scan),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        };
        let mut visit = Visit::measured(self.labels, origin, self.outline(arguments)?);
        if matches!(self.authorship.state, ResultState::Accepted { .. }) {
            visit.finding.provenance.state = ReviewState::Accepted;
        }
        let measured = Measured {
            scan: Arc::new(scan),
            labels: Arc::new(self.labels.clone()),
            visit,
            acquisition: Some(self.series.facts.acquisition()),
        };
        Ok(report::compare(
            vec![measured],
            Vec::new(),
            None,
            &mut crate::volume::unobserved,
        )?)
    }

    fn outline(&self, arguments: &Arguments) -> anyhow::Result<Outline> {
        const NOT_STATED: &str = "not stated";
        let model = match (&arguments.signed.algorithm, self.authorship.making) {
            (_, Making::Manual) => None,
            (None, _) => Some(Segmenter::shipped()?.info().clone()),
            (Some(_), _) => Some(ModelInfo {
                name: self.authorship.algorithm.name.clone(),
                version: self.authorship.algorithm.version.clone(),
                sha256: NOT_STATED.to_owned(),
            }),
        };
        Ok(match (self.authorship.making, model) {
            (Making::Automatic, Some(model)) => Outline::Model {
                model,
                device: NOT_STATED.to_owned(),
            },
            (_, model) => Outline::Edited {
                model,
                device: None,
            },
        })
    }

    fn fractional(
        &self,
        path: &Path,
        files: &[(Structure, PathBuf)],
    ) -> anyhow::Result<Vec<Warning>> {
        let mut probabilities = BTreeMap::new();
        let mut warnings = Vec::new();
        for (structure, file) in files {
            let (volume, said) = io::read_volume(file, &mut crate::volume::unobserved)?;
            if !volume.grid().matches(self.labels.grid(), 0.01) {
                anyhow::bail!(
                    "the probabilities do not lie on the grid of the labels: {}",
                    file.display()
                );
            }
            probabilities.insert(*structure, volume.to_f32());
            warnings.extend(said);
        }
        warnings.extend(io::write_fractional_segmentation(
            path,
            self.series,
            self.labels,
            &probabilities,
            self.authorship,
        )?);
        Ok(warnings)
    }
}
