//! `schwann export`: results as DICOM objects that belong to their scan.
use super::{koos::read_labels, output, scheme::Scheme, segment::read_scan};
use crate::{
    app::{
        export::{Results, colour},
        report::{self, Comparison, Measured},
    },
    io::{self, Authorship, DicomSeries, Making, ResultState, Warning},
    measure::{KoosOptions, Plane, ghosting},
    patient::{ModelInfo, Outline, ReviewState, ScanOrigin, TreatmentDays, Visit, parse_day},
    predict::Segmenter,
    volume::{LabelMap, Reorder, Sequence, Structure},
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
    /// A label map on the scan's own voxels, in any order of its axes: 1 = vestibular schwannoma, 2 = cochlea, 3 = brainstem, ….
    #[arg(long, value_name = "LABELS.nii.gz")]
    labels: PathBuf,
    #[command(flatten)]
    scheme: Scheme,
    /// Which DICOM series: its label, number or UID, as `schwann inspect` lists them.
    #[arg(long, value_name = "UID|NUMBER")]
    series: Option<String>,
    /// Day of the scan, for reports of a series that names none.
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    date: Option<NaiveDate>,
    /// Another visit of the patient, with outlines made in the same way: reports then tell what changed. Repeat for several; `schwann growth` compares them in the same way.
    #[arg(long = "visit", value_name = "DATE=SCAN,LABELS", value_parser = visit)]
    visits: Vec<OtherVisit>,
    /// Day of radiosurgery, for what changed between visits.
    #[arg(long, value_name = "DATE", requires = "visits", value_parser = parse_day)]
    treated: Option<NaiveDate>,
    /// Day of an operation on the tumour; repeat for several. What it left is not graded, nor compared with what there was.
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    operated: Vec<NaiveDate>,
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
    /// `draft`: nobody has accepted it, and every object says so; `accepted`: by the reader that --by names. A report that compares it with another --visit stays a draft: nobody has accepted that.
    #[arg(long, default_value = "draft", value_parser = ["draft", "accepted"])]
    state: String,
    /// The reader who accepted the result.
    #[arg(long, value_name = "NAME", required_if_eq("state", "accepted"), value_parser = name)]
    by: Option<String>,
    /// How the outlines were made: `automatic` (a model, unchanged), `semiautomatic` (a model, then a reader) or `manual`. A label map does not tell: without it nothing is claimed, a
    /// structure set leaves it open, and a segment, which must have a term, gets the weakest, SEMIAUTOMATIC, by an algorithm that is not stated.
    #[arg(long, value_parser = making)]
    made: Option<Making>,
    /// Name of the model that drew the outlines, or had a part in it where --made does not say; with --made, the model that Schwann ships if absent.
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

impl Arguments {
    /// When the tumour was treated.
    fn treated(&self) -> TreatmentDays {
        TreatmentDays {
            radiosurgery: self.treated,
            operations: self.operated.clone(),
        }
    }

    /// How the tumour of a scan of that day is graded.
    fn koos(&self, day: NaiveDate) -> KoosOptions {
        KoosOptions {
            post_operative: self.treated().operated_before(Some(day)),
            ..KoosOptions::default()
        }
    }
}

/// A visit that this one is compared with.
#[derive(Debug, Clone)]
struct OtherVisit {
    date: NaiveDate,
    scan: PathBuf,
    labels: PathBuf,
}

fn visit(text: &str) -> Result<OtherVisit, String> {
    const NEEDED: &str =
        "DATE=SCAN,LABELS is needed, for instance 2024-03-12=scan.nii.gz,labels.nii.gz";
    let (date, files) = text.split_once('=').ok_or(NEEDED)?;
    let (scan, labels) = files.rsplit_once(',').ok_or(NEEDED)?;
    Ok(OtherVisit {
        date: parse_day(date).map_err(|e| format!("{NEEDED} ({e})"))?,
        scan: scan.into(),
        labels: labels.into(),
    })
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

/// A structure by its label value, and the file of its probabilities.
pub(super) fn probability(text: &str) -> Result<(Structure, PathBuf), String> {
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
    /// Of a report that tells of another visit's draft it is a draft too.
    state: &'static str,
}

fn word(draft: bool) -> &'static str {
    if draft { "draft" } else { "accepted" }
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
    let others = (arguments.visits.iter()).flat_map(|v| [v.scan.as_path(), v.labels.as_path()]);
    let maps = arguments
        .signed
        .probability
        .iter()
        .map(|(_, path)| path.as_path());
    let inputs: Vec<&Path> = inputs.into_iter().chain(others).chain(maps).collect();
    let targets = targets.into_iter().flatten().chain(pictures);
    let targets: Vec<&Path> = targets.map(PathBuf::as_path).collect();
    for target in &targets {
        output::check_target(target, output::DICOM, &inputs)?;
    }
    output::check_distinct(&targets)?;
    let mut bar = output::Bar::new();
    let library = io::scan_folder(std::slice::from_ref(&arguments.scan), &mut |p| bar.show(p))?;
    drop(bar);
    let series = library
        .choose(arguments.series.as_deref())
        .map_err(|e| anyhow::anyhow!("{e}: {}", arguments.scan.display()))?;
    let slices = series.files().unwrap_or_default();
    let slices: Vec<&Path> = slices.iter().map(PathBuf::as_path).collect();
    for target in &targets {
        output::check_target(target, output::DICOM, &slices)?;
    }
    let (labels, warnings) = arguments.scheme.read(&arguments.labels)?;
    let mut authorship = arguments.signed.authorship()?;
    // What may be wrong with the inputs shows before anything is written.
    let told = objects.sr.is_some() || objects.pdf.is_some() || !objects.key_image.is_empty();
    let compared = if told {
        let work = Work::new(series, &labels, &authorship);
        Some(work.compared(arguments)?)
    } else {
        None
    };
    authorship.beside_drafts = compared.as_ref().is_some_and(|(c, _)| c.assessment.draft);
    let work = Work::new(series, &labels, &authorship);
    let draft = authorship.state == ResultState::Draft;
    let mut exported = Exported {
        series: series.title(),
        state: word(draft),
        made: match authorship.making {
            Making::NotStated => "NOT STATED",
            stated => stated.term(),
        },
        written: Vec::new(),
        notice: crate::patient::NOTICE,
        warnings,
    };
    // First what reads more files.
    if let Some(path) = &objects.fractional {
        let said = work.fractional(path, &arguments.signed.probability)?;
        exported.add(("fractional SEG", word(draft)), path, &said);
    }
    if let Some(path) = &objects.seg {
        let said = work.results.segmentation(path)?;
        exported.add(("SEG", word(draft)), path, &said);
    }
    if let Some(path) = &objects.rtstruct {
        let said = work.results.structure_set(path)?;
        exported.add(("RTSTRUCT", word(draft)), path, &said);
    }
    if let Some((comparison, index)) = &compared {
        work.reports(objects, (comparison, *index), &mut exported)?;
    }
    output::warnings(&exported.warnings);
    output::result(json, &exported, || {
        let lines = exported.written.iter();
        let lines = lines.map(|w| format!("{}: {} ({})", w.file, w.object, w.state));
        lines.collect::<Vec<String>>().join("\n")
    })
}

impl Exported {
    /// Adds an object in its state.
    fn add(
        &mut self,
        (object, state): (&'static str, &'static str),
        path: &Path,
        warnings: &[Warning],
    ) {
        self.written.push(Written {
            object,
            file: path.to_string_lossy().into_owned(),
            state,
        });
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        self.warn(&warnings);
    }

    /// Adds what was not said before.
    fn warn(&mut self, warnings: &[String]) {
        for warning in warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
    }
}

impl Signed {
    /// How the outlines were made: a model that is named had a part in it, and more is not claimed.
    fn making(&self) -> Making {
        let named = self.algorithm.as_ref().map(|_| Making::Semiautomatic);
        self.made.or(named).unwrap_or(Making::NotStated)
    }

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
        let created = chrono::Local::now().naive_local();
        Ok(Authorship {
            state: match (&self.by, self.state.as_str()) {
                // The command is not told when.
                (Some(by), "accepted") => ResultState::Accepted {
                    by: by.clone(),
                    at: created,
                },
                _ => ResultState::Draft,
            },
            making: self.making(),
            algorithm,
            created,
            tracking_uid: self.tracking_uid.clone(),
            beside_drafts: false,
            colour,
        })
    }
}

struct Work<'a> {
    results: Results<'a>,
    series: &'a DicomSeries,
    /// The labels as they were given: their order is that of probabilities too.
    given: &'a LabelMap,
    authorship: &'a Authorship,
}

impl<'a> Work<'a> {
    fn new(series: &'a DicomSeries, given: &'a LabelMap, authorship: &'a Authorship) -> Self {
        Self {
            results: Results::new(series, given, authorship),
            series,
            given,
            authorship,
        }
    }

    /// What tells of measurements.
    fn reports(
        &self,
        objects: &Objects,
        (comparison, index): (&Comparison, usize),
        exported: &mut Exported,
    ) -> anyhow::Result<()> {
        exported.warn(&comparison.assessment.warnings);
        let (report, state) = (word(comparison.assessment.draft), exported.state);
        if let Some(path) = &objects.sr {
            let seg = objects.seg.as_deref();
            let compared = (comparison, index);
            let said = self.results.measurements(path, compared, seg)?;
            exported.add(("SR", report), path, &said);
        }
        if let Some(path) = &objects.pdf {
            let said = self.results.report(path, comparison)?;
            exported.add(("encapsulated PDF", report), path, &said);
        }
        for (n, (plane, path)) in objects.key_image.iter().enumerate() {
            let picture = comparison.picture(index, *plane);
            let picture = picture.ok_or_else(|| anyhow::anyhow!("there is no picture"))?;
            let number = u16::try_from(n + 1)?;
            let said = self.results.key_image(path, &picture, number)?;
            exported.add(("key image", state), path, &said);
        }
        Ok(())
    }

    /// All visits from the earliest to the latest, and which of them the series is.
    fn compared(&self, arguments: &Arguments) -> anyhow::Result<(Comparison, usize)> {
        let this = self.measured(arguments)?;
        let date = this.visit.date;
        let outline = self.outline(arguments)?;
        let mut measured = vec![this];
        for other in &arguments.visits {
            if measured.iter().any(|m| m.visit.date == other.date) {
                anyhow::bail!("two visits are of one day, {}", other.date);
            }
            measured.push(measure(other, outline.clone(), arguments)?);
        }
        measured.sort_by_key(|m| m.visit.date);
        let index = measured.iter().position(|m| m.visit.date == date);
        let mut bar = output::Bar::new();
        let tried = Vec::new();
        let comparison =
            report::compare(measured, tried, &arguments.treated(), &mut |p| bar.show(p))?;
        Ok((comparison, index.unwrap_or_default()))
    }

    /// The series as one visit, measured on the labels.
    fn measured(&self, arguments: &Arguments) -> anyhow::Result<Measured> {
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
        let labels = self.results.labels();
        let outline = self.outline(arguments)?;
        let options = arguments.koos(date);
        let mut visit = Visit::measured_on(&scan, labels, origin, outline, options);
        if matches!(self.authorship.state, ResultState::Accepted { .. }) {
            visit.finding.provenance.state = ReviewState::Accepted;
        }
        Ok(Measured {
            ghosting: ghosting(&scan),
            scan: Arc::new(scan),
            labels: Arc::new(labels.clone()),
            visit,
            acquisition: Some(self.series.facts.acquisition()),
        })
    }

    fn outline(&self, arguments: &Arguments) -> anyhow::Result<Outline> {
        const NOT_STATED: &str = "not stated";
        let model = match (&arguments.signed.algorithm, self.authorship.making) {
            (_, Making::Manual | Making::NotStated) => None,
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
            (Making::NotStated, _) => Outline::Imported,
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
            if !volume.grid().matches(self.given.grid(), 0.01) {
                anyhow::bail!(
                    "the probabilities do not lie on the grid of the labels: {}",
                    file.display()
                );
            }
            let order = Reorder::between(volume.grid(), self.results.labels().grid(), 0.02);
            let ordered = order.and_then(|order| order.apply(&volume.to_f32()));
            probabilities.insert(*structure, ordered.unwrap_or_default());
            warnings.extend(said);
        }
        warnings.extend(self.results.probabilities(path, &probabilities)?);
        Ok(warnings)
    }
}

/// A visit that the series is compared with.
fn measure(
    other: &OtherVisit,
    outline: Outline,
    arguments: &Arguments,
) -> anyhow::Result<Measured> {
    let (scan, mut warnings) = read_scan(&other.scan)?;
    let (labels, more) = read_labels(&other.labels, &scan, &arguments.scheme)?;
    warnings.extend(more);
    let acquisition = io::read_sidecar(&other.scan).transpose();
    let acquisition = acquisition.unwrap_or_else(|error| {
        warnings.push(error.to_string());
        None
    });
    let origin = ScanOrigin {
        date: other.date,
        sequence: Sequence::Unknown,
        scan_sha256: io::voxels_sha256(&scan),
        warnings,
    };
    Ok(Measured {
        ghosting: ghosting(&scan),
        visit: Visit::measured_on(&scan, &labels, origin, outline, arguments.koos(other.date)),
        scan: Arc::new(scan),
        labels: Arc::new(labels),
        acquisition,
    })
}
