//! What runs on a background thread: from what it needs to what it gives, without the window's state.
use super::{
    Error, assess,
    by_hand::ByHand,
    command::EditCommand,
    dicom,
    drawing::{Canvas, edit_of},
    keeper::ScanSource,
    koos::{self, Graded, KoosWork},
    meaning::Meaning,
    parts::structure_parts,
    preset::Preset,
    reading::{self, read_folder, read_scan, read_visit},
    recent, report,
    rescue::{self, Left},
    school,
    series::{SeriesChoice, THUMBNAIL_PX},
    state::VisitId,
};
use crate::{
    io::{self, DicomSeries, Making, PatientFolder, Thumbnail},
    measure,
    patient::{self, GrowthAssessment, Outline, Review, ScanOrigin, Signature, VisitRecord},
    phantom, predict,
    volume::{
        LabelEdit, LabelMap, Observe, Progress, RegisterError, Registration, Sequence, Structure,
        Volume, WindowLevel, register_rigid, unobserved,
    },
};
use chrono::NaiveDate;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

/// One piece of background work.
#[derive(Debug, Clone)]
pub enum Task {
    /// Opens what lies there: a scan, a folder of scans, or a model folder.
    Open(PathBuf, Places),
    /// Opens a series of the DICOM folder that lies there.
    ReadSeries(Box<DicomSeries>, PathBuf, Places),
    /// Reads the picture of a series in a list: which row.
    Thumbnail(usize, Box<DicomSeries>),
    /// Forgets which scans were opened.
    ForgetRecent(PathBuf),
    /// Makes a scan of the demo patient.
    DemoScan {
        /// Which of the demo's visits.
        visit: usize,
    },
    /// Begins a patient in an empty folder; who does.
    NewPatient(PathBuf, String),
    /// Reads a visit of the patient whose folder this is.
    ReadVisit(PathBuf, Box<VisitRecord>, Places),
    /// Reads a model folder.
    ReadModel(PathBuf),
    /// Finds the structures in a scan, with this model or the one that comes with Schwann.
    Segment(Target, Option<ChosenModel>),
    /// Measures outlines that were edited.
    Measure(Target, Arc<LabelMap>, Outline),
    /// Makes an edit of outlines.
    Edit(Target, Arc<LabelMap>, Box<Canvas>, EditCommand),
    /// Looks which values a label map of a visit has.
    LabelValues(VisitId, PathBuf),
    /// Reads outlines of a scan from a file whose values mean this.
    ReadLabels(Target, PathBuf, BTreeMap<i64, Structure>),
    /// Brings back the edits of a journal.
    BringBack(Target, PathBuf),
    /// Throws a journal away.
    ThrowAway(PathBuf),
    /// Writes outlines.
    WriteLabels {
        /// Whose.
        visit: VisitId,
        /// The revision that they are.
        revision: u64,
        /// What.
        labels: Arc<LabelMap>,
        /// Whether their scan tells left from right.
        told: bool,
        /// Where.
        path: PathBuf,
    },
    /// Writes a picture as PNG.
    WritePicture {
        /// Width and height.
        size: [usize; 2],
        /// Red, green, blue and opacity of each pixel, row by row.
        pixels: Vec<u8>,
        /// Where.
        path: PathBuf,
    },
    /// Aligns two visits.
    Align {
        /// The reference.
        fixed: (VisitId, Arc<Volume>),
        /// The visit that is aligned to it.
        moving: (VisitId, Arc<Volume>),
    },
    /// Something for the school.
    School(school::Work),
    /// Something with DICOM.
    Dicom(dicom::Work),
    /// Something for the grade of a visit.
    Koos(KoosWork),
    /// Compares the visits.
    Assess(assess::Inputs),
    /// Writes the report of the visits, and the assessment beside it.
    Report(assess::Inputs, PathBuf),
}

/// Where the program keeps what belongs to scans.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Journals of edits: those that a crash left are offered when their scan is opened.
    pub journals: Option<PathBuf>,
    /// The list of scans that were opened.
    pub recent: Option<PathBuf>,
}

/// The scan that outlines are wanted for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The visit.
    pub visit: VisitId,
    /// The visit in words.
    pub title: String,
    /// The revision of the outlines that are replaced.
    pub revision: u64,
    /// The scan.
    pub volume: Arc<Volume>,
    /// What is known of it.
    pub origin: ScanOrigin,
}

/// A model that the user opened.
#[derive(Debug, Clone)]
pub struct ChosenModel {
    /// Name and version.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// The model; it takes one scan.
    pub segmenter: Arc<predict::Segmenter>,
}

/// What a task gave.
#[derive(Debug)]
pub enum Outcome {
    /// A scan.
    Scan(Box<NewScan>),
    /// Scans that a folder holds, to be opened.
    Found(Vec<PathBuf>),
    /// The series of a folder, to be chosen from.
    Series(Box<SeriesChoice>),
    /// The picture of a row in that list, or why there is none.
    Thumbnail(usize, Result<Thumbnail, String>),
    /// A patient's folder, what to beware of in it, and whether it was begun just now.
    Patient(Box<PatientFolder>, Vec<String>, bool),
    /// A visit of a patient's folder.
    Visit(Box<VisitRead>),
    /// A model to segment with from now on.
    Model(ChosenModel),
    /// Outlines of a visit.
    Outlined(Box<NewOutlines>),
    /// The values of a label map, to be given a meaning.
    Values(Box<Meaning>),
    /// An edit of a visit's outlines of a revision.
    Edited(VisitId, u64, LabelEdit),
    /// What was measured on edited outlines.
    Measured(Box<NewNumbers>),
    /// Outlines with the edits that a crash left, what was set on them by hand where the journal tells, and their journal.
    BroughtBack(Box<NewOutlines>, Option<Box<ByHand>>, PathBuf),
    /// In words where a visit's outlines of a revision were written.
    Saved(VisitId, u64, String),
    /// What the trained graders said of a visit.
    Graded(VisitId, Box<Graded>),
    /// What the school was given.
    School(school::Done),
    /// What work with DICOM gave.
    Dicom(dicom::Done),
    /// In words what was written where.
    Written(String),
    /// How two visits lie to each other.
    Aligned {
        /// The reference.
        fixed: VisitId,
        /// The other.
        moving: VisitId,
        /// The transform, or why there is none.
        result: Result<Registration, RegisterError>,
    },
    /// What changed between the visits of that revision, or in words why that cannot be said.
    Assessed(u64, Result<Box<GrowthAssessment>, String>),
    /// In words what went wrong, the file last.
    Failed(String),
    /// The user stopped it.
    Cancelled,
}

/// A visit that was read from a patient's folder.
#[derive(Debug)]
pub struct VisitRead {
    /// The patient's folder.
    pub folder: PathBuf,
    /// The visit's name in it.
    pub name: String,
    /// The scan.
    pub scan: NewScan,
    /// The outlines that count, what was said of them, and which axial slices were seen with them.
    pub outlines: Option<(NewOutlines, Review, BTreeSet<usize>)>,
    /// What a reader had set by hand for what was saved.
    pub by_hand: ByHand,
    /// Distances and angles.
    pub marks: Vec<Value>,
    /// Kept slices.
    pub images: Vec<Value>,
}

/// A scan that was read or made.
#[derive(Debug)]
pub struct NewScan {
    /// Where it comes from, for people.
    pub origin: String,
    /// The files that it was read from; none of what was made, or lies in an archive.
    pub source: Option<ScanSource>,
    /// The DICOM series that it is.
    pub series: Option<Box<DicomSeries>>,
    /// Day of the scan.
    pub date: Option<NaiveDate>,
    /// The day was read from the file's name.
    pub date_from_name: bool,
    /// The scan.
    pub volume: Volume,
    /// Its window for each preset.
    pub windows: [WindowLevel; Preset::ALL.len()],
    /// What it shows.
    pub sequence: Sequence,
    /// How it was acquired, where its header or a file beside it says so.
    pub acquisition: Option<patient::Acquisition>,
    /// What motion left beside the head, where that can be measured.
    pub ghosting: Option<measure::Ghosting>,
    /// SHA-256 of its voxels.
    pub scan_sha256: String,
    /// What to beware of.
    pub warnings: Vec<String>,
    /// Edits that a crash left on it.
    pub left: Option<Left>,
    /// The scans that were opened, this one first, where a list is kept.
    pub recent: Option<Vec<PathBuf>>,
    /// Part of the demo patient, which is segmented, aligned and assessed without being asked.
    pub demo: bool,
}

/// First outlines of a visit that is still being segmented: nothing is measured on them.
#[derive(Debug)]
pub struct EarlyOutlines {
    /// The visit they belong to.
    pub visit: VisitId,
    /// The revision that the final ones will replace.
    pub revision: u64,
    /// The labels of each structure in its box.
    pub parts: Vec<(Structure, LabelMap)>,
}

/// Outlines that were found or read, with what was measured on them.
#[derive(Debug)]
pub struct NewOutlines {
    /// The visit they belong to.
    pub visit: VisitId,
    /// The revision they replace.
    pub revision: u64,
    /// The labels.
    pub labels: LabelMap,
    /// The labels of each structure in its box.
    pub parts: Vec<(Structure, LabelMap)>,
    /// Size of each structure.
    pub sizes: Vec<measure::StructureSize>,
    /// Size of the tumour, Koos grade, provenance, warnings.
    pub measured: patient::Visit,
    /// How long the model took.
    pub seconds: Option<f64>,
    /// Volumes between which the tumour's lies with 95 % by the model's own calibrated probabilities, mm³.
    pub tumour_interval95_mm3: Option<[f64; 2]>,
    /// How sure the model is of each voxel.
    pub probabilities: Option<Arc<predict::Probabilities>>,
    /// How they were made.
    pub making: Making,
    /// The tumour's border moved in and out by half a voxel.
    pub edge: Option<Arc<measure::EdgeTolerance>>,
    /// What sizes are measured on at any porus plane.
    pub tumour: Option<Arc<measure::KoosBasis>>,
    /// They are in the patient's folder already.
    pub from_folder: bool,
}

/// What was measured on outlines of one revision.
#[derive(Debug)]
pub struct NewNumbers {
    /// The visit they belong to.
    pub visit: VisitId,
    /// The revision that was measured.
    pub revision: u64,
    /// Size of each structure.
    pub sizes: Vec<measure::StructureSize>,
    /// Size of the tumour, Koos grade, provenance, warnings.
    pub measured: patient::Visit,
    /// The tumour's border moved in and out by half a voxel.
    pub edge: Option<Arc<measure::EdgeTolerance>>,
    /// What sizes are measured on at any porus plane.
    pub tumour: Option<Arc<measure::KoosBasis>>,
}

impl Task {
    /// In words, for the progress bar.
    pub fn name(&self) -> String {
        match self {
            Self::BringBack(..) => "Bringing edits back".to_owned(),
            Self::ThrowAway(_) => "Throwing edits away".to_owned(),
            Self::NewPatient(..) => "Beginning a patient".to_owned(),
            Self::ReadVisit(..) => "Opening a visit".to_owned(),
            Self::Open(..) | Self::ReadSeries(..) => "Opening a scan".to_owned(),
            Self::Thumbnail(..) => "Reading pictures of the series".to_owned(),
            Self::ForgetRecent(_) => "Forgetting opened scans".to_owned(),
            Self::DemoScan { visit } => format!("Making scan {} of the demo patient", visit + 1),
            Self::ReadModel(_) => "Opening a model".to_owned(),
            Self::Segment(target, _) => format!("Segmenting {}", target.title),
            Self::Measure(target, ..) => format!("Measuring {}", target.title),
            Self::Edit(target, ..) => format!("Editing {}", target.title),
            Self::LabelValues(..) | Self::ReadLabels(..) => "Opening outlines".to_owned(),
            Self::WriteLabels { .. } => "Writing outlines".to_owned(),
            Self::WritePicture { .. } => "Writing a picture".to_owned(),
            Self::Align { .. } => "Aligning the visits".to_owned(),
            Self::School(work) => work.name().to_owned(),
            Self::Dicom(work) => work.name().to_owned(),
            Self::Koos(work) => work.name(),
            Self::Assess(_) => "Comparing the visits".to_owned(),
            Self::Report(..) => "Making the report".to_owned(),
        }
    }

    /// [`Self::run_showing`] for who waits for the end.
    pub fn run(self, observe: &mut Observe<'_>) -> Outcome {
        self.run_showing(&mut |_| ControlFlow::Continue(()), observe)
    }

    /// Does it, and shows what can be shown before the end. Long; stops at the next report after the observer says so.
    pub fn run_showing(
        self,
        show: &mut dyn FnMut(EarlyOutlines) -> ControlFlow<()>,
        observe: &mut Observe<'_>,
    ) -> Outcome {
        match self {
            Self::Open(path, _) if predict::Segmenter::is_folder(&path) => {
                read_model(&path, observe)
            }
            Self::Open(path, _) if PatientFolder::is_one(&path) => match PatientFolder::open(&path)
            {
                Ok((folder, warnings)) => {
                    let warnings = warnings.iter().map(ToString::to_string).collect();
                    Outcome::Patient(Box::new(folder), warnings, false)
                }
                Err(error) => Outcome::Failed(format!("The patient was not opened: {error}")),
            },
            Self::NewPatient(path, by) => {
                match PatientFolder::create(&path, &Signature::now(&by)) {
                    Ok(folder) => Outcome::Patient(Box::new(folder), Vec::new(), true),
                    Err(error) => Outcome::Failed(format!("No patient was begun: {error}")),
                }
            }
            Self::ReadVisit(folder, visit, places) => read_visit(folder, *visit, &places, observe),
            Self::Open(path, places) if path.is_dir() => read_folder(&path, &places, observe),
            Self::Open(path, places) => read_scan(&path, &places, observe),
            Self::ReadSeries(series, path, places) => {
                reading::read_series(&path, &series, &places, observe)
            }
            Self::Thumbnail(row, series) => Outcome::Thumbnail(
                row,
                io::thumbnail(&series, THUMBNAIL_PX).map_err(|e| e.to_string()),
            ),
            Self::ForgetRecent(file) => match recent::forget(&file) {
                Ok(()) => Outcome::Written("The list of opened scans is empty.".to_owned()),
                Err(error) => Outcome::Failed(format!("The list was not emptied: {error}")),
            },
            Self::BringBack(target, path) => bring_back(&target, path),
            Self::ThrowAway(path) => match io::discard_journal(&path) {
                Ok(()) => Outcome::Written("The edits that were not saved are gone.".to_owned()),
                Err(error) => Outcome::Failed(format!("The edits were not thrown away: {error}")),
            },
            Self::ReadModel(path) => read_model(&path, observe),
            Self::DemoScan { visit } => demo_scan(visit, observe),
            Self::Segment(target, model) => segment(&target, model.as_ref(), show, observe),
            Self::Measure(target, labels, outline) => remeasure(&target, &labels, outline, observe),
            Self::Edit(target, labels, canvas, command) => {
                let made = match command {
                    EditCommand::Brainstem(at) => koos::brainstem_edit(&canvas.volume, &labels, at),
                    command => {
                        edit_of(&canvas, &labels, &command).map_err(|error| error.to_string())
                    }
                };
                match made {
                    Ok(edit) => Outcome::Edited(target.visit, target.revision, edit),
                    Err(error) => {
                        Outcome::Failed(format!("The outlines were not changed: {error}"))
                    }
                }
            }
            Self::LabelValues(visit, path) => match io::label_values(&path) {
                Ok(values) => Outcome::Values(Box::new(Meaning::new(visit, path, values))),
                Err(error) => Outcome::Failed(format!("The outlines were not opened: {error}")),
            },
            Self::ReadLabels(target, path, meaning) => read_labels(&target, &path, &meaning),
            Self::WriteLabels {
                visit,
                revision,
                labels,
                told,
                path,
            } => match io::write_labels_as(&path, &labels, told) {
                Ok(()) => Outcome::Saved(
                    visit,
                    revision,
                    format!("Outlines written to {}", path.display()),
                ),
                Err(error) => {
                    Outcome::Failed(format!("The outlines could not be written: {error}"))
                }
            },
            Self::WritePicture { size, pixels, path } => write_picture(size, pixels, &path),
            Self::School(work) => work.run(observe),
            Self::Dicom(work) => work.run(observe),
            Self::Koos(work) => work.run(observe),
            Self::Assess(inputs) => {
                Outcome::Assessed(inputs.revision, inputs.assess().map(Box::new))
            }
            Self::Report(inputs, path) => write_report(inputs, path, observe),
            Self::Align { fixed, moving } => {
                let [a, b] = [&fixed.1, &moving.1].map(|scan| scan.as_ref().into());
                match register_rigid(a, b, observe).and_then(|found| found.linked()) {
                    Err(RegisterError::Cancelled) => Outcome::Cancelled,
                    result => Outcome::Aligned {
                        fixed: fixed.0,
                        moving: moving.0,
                        result,
                    },
                }
            }
        }
    }
}

fn bring_back(target: &Target, path: PathBuf) -> Outcome {
    let (labels, drawn) = match rescue::bring_back(&path, target.volume.grid()) {
        Ok(found) => found,
        Err(error) => return Outcome::Failed(format!("The edits were not brought back: {error}")),
    };
    let set = drawn.by_hand.map(Box::new);
    let outline = Outline::Edited {
        model: drawn.model,
        device: drawn.device,
    };
    // The journal does not say whether what no model drew began by hand or came from a file.
    let making = match &outline {
        Outline::Edited { model: Some(_), .. } => Making::Semiautomatic,
        _ => Making::NotStated,
    };
    match measured(target, labels, outline, Vec::new(), &mut unobserved) {
        Outcome::Outlined(mut outlines) => {
            outlines.making = making;
            Outcome::BroughtBack(outlines, set, path)
        }
        other => other,
    }
}

fn demo_scan(visit: usize, observe: &mut Observe<'_>) -> Outcome {
    let scan =
        phantom::demo::patient().and_then(|patient| phantom::demo::scan(&patient, visit, observe));
    match scan {
        Ok(scan) => Outcome::Scan(Box::new(NewScan {
            origin: "demo patient (synthetic)".to_owned(),
            source: None,
            series: None,
            date: phantom::demo::DATES
                .get(visit)
                .and_then(|date| date.parse().ok()),
            date_from_name: false,
            sequence: Sequence::HrT2,
            acquisition: None,
            ghosting: measure::ghosting(&scan.volume),
            scan_sha256: io::voxels_sha256(&scan.volume),
            windows: Preset::windows(&scan.volume),
            volume: scan.volume,
            warnings: Vec::new(),
            left: None,
            recent: None,
            demo: true,
        })),
        Err(phantom::Error::Stopped) => Outcome::Cancelled,
        Err(error) => Outcome::Failed(format!("The demo patient was not made: {error}")),
    }
}

fn read_model(folder: &Path, observe: &mut Observe<'_>) -> Outcome {
    let reading = Progress {
        stage: "reading",
        fraction: 0.0,
    };
    if observe(reading).is_break() {
        return Outcome::Cancelled;
    }
    let read = predict::Segmenter::from_folder(folder, &predict::Folds::Present)
        .and_then(|segmenter| segmenter.check_channels(1).map(|()| segmenter));
    match read {
        Ok(segmenter) => {
            let info = segmenter.info();
            Outcome::Model(ChosenModel {
                name: format!("{} {}", info.name, info.version),
                folder: folder.to_path_buf(),
                segmenter: Arc::new(segmenter),
            })
        }
        Err(error @ predict::Error::Channels { .. }) => Outcome::Failed(format!(
            "The model was not opened: {error}, and a visit has one scan; use the command `schwann segment`: {}",
            folder.display()
        )),
        Err(error) => Outcome::Failed(format!("The model was not opened: {error}")),
    }
}

fn segment(
    target: &Target,
    model: Option<&ChosenModel>,
    show: &mut dyn FnMut(EarlyOutlines) -> ControlFlow<()>,
    observe: &mut Observe<'_>,
) -> Outcome {
    let mut early = |labels| {
        show(EarlyOutlines {
            visit: target.visit,
            revision: target.revision,
            parts: structure_parts(&labels),
        })
    };
    let segmenter = match model {
        Some(model) => Ok(Arc::clone(&model.segmenter)),
        None => predict::Segmenter::shipped().map(Arc::new),
    };
    let run = segmenter.and_then(|segmenter| {
        let options = predict::SegmentOptions::of(&segmenter);
        predict::segment_early(&target.volume, &segmenter, &options, &mut early, observe)
    });
    let prediction = match run {
        Ok(prediction) => prediction,
        Err(predict::Error::Cancelled) => return Outcome::Cancelled,
        Err(error) => {
            return Outcome::Failed(format!("{} was not segmented: {error}", target.title));
        }
    };
    let outline = Outline::Model {
        model: prediction.model,
        device: prediction.device,
    };
    let seconds = prediction
        .seconds
        .iter()
        .find(|(stage, _)| *stage == "total")
        .map(|(_, s)| *s);
    measured(
        target,
        prediction.labels,
        outline,
        prediction.warnings,
        observe,
    )
    .with_run(
        seconds,
        prediction.tumour_interval95_mm3,
        prediction.probabilities,
    )
}

fn read_labels(target: &Target, path: &Path, meaning: &BTreeMap<i64, Structure>) -> Outcome {
    let (labels, warnings) = match io::read_labels_meaning(path, meaning) {
        Ok(read) => read,
        Err(error) => return Outcome::Failed(format!("The outlines were not opened: {error}")),
    };
    if !labels.grid().matches(target.volume.grid(), 0.1) {
        return Outcome::Failed(
            "The outlines belong to another scan: their voxels lie elsewhere in the patient."
                .to_owned(),
        );
    }
    let warnings = warnings.iter().map(ToString::to_string).collect();
    measured(target, labels, Outline::Imported, warnings, &mut unobserved)
}

fn write_picture([width, height]: [usize; 2], pixels: Vec<u8>, path: &Path) -> Outcome {
    let picture = image::RgbaImage::from_raw(width as u32, height as u32, pixels);
    let mut png = std::io::Cursor::new(Vec::new());
    let encoded = picture.map(|p| p.write_to(&mut png, image::ImageFormat::Png));
    let written = match encoded {
        Some(Ok(())) => io::write_atomically(path, |file| file.write_all(png.get_ref()))
            .map_err(|e| e.to_string()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("its size is wrong".to_owned()),
    };
    match written {
        Ok(()) => Outcome::Written(format!("Picture written to {}", path.display())),
        Err(error) => Outcome::Failed(format!("The picture was not written: {error}")),
    }
}

/// Aligns what is not aligned yet, compares, and writes the report with its assessment beside it.
fn write_report(inputs: assess::Inputs, path: PathBuf, observe: &mut Observe<'_>) -> Outcome {
    // Not every dialog adds the ending, and then it has not asked about a file that is there.
    let named = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("pdf"));
    let path = if named {
        path
    } else {
        let mut name = path.into_os_string();
        name.push(".pdf");
        PathBuf::from(name)
    };
    if !named && path.exists() {
        return Outcome::Failed(format!(
            "The report was not written: there is a file already, {}",
            path.display()
        ));
    }
    let demo = inputs.demo;
    let made = || {
        let comparison = report::compare(inputs.measured, inputs.tried, &inputs.treated, observe)?;
        let drawing = Progress {
            stage: "drawing",
            fraction: 0.0,
        };
        if observe(drawing).is_break() {
            return Err(Error::Cancelled);
        }
        // A synthetic patient has no today: its report is dated like the command's.
        let last = comparison.measured.last().map(|m| m.visit.date);
        let created = last
            .filter(|_| demo)
            .unwrap_or_else(|| chrono::Local::now().date_naive());
        report::write(&comparison, &path, created, demo)
    };
    match made() {
        Ok(beside) => Outcome::Written(format!(
            "Report written to {}, its assessment to {}",
            path.display(),
            beside.display()
        )),
        Err(Error::Cancelled) => Outcome::Cancelled,
        Err(error) => Outcome::Failed(format!("The report was not written: {error}")),
    }
}

/// Measures outlines that were edited; the labels stay where they are.
fn remeasure(
    target: &Target,
    labels: &LabelMap,
    outline: Outline,
    observe: &mut Observe<'_>,
) -> Outcome {
    let mut stop = |fraction| {
        let stage = "measuring";
        observe(Progress { stage, fraction }).is_break()
    };
    if stop(0.0) {
        return Outcome::Cancelled;
    }
    let sizes = measure::structure_sizes(labels);
    if stop(0.5) {
        return Outcome::Cancelled;
    }
    let (measured, tumour) = graded(target, labels, target.origin.clone(), outline);
    Outcome::Measured(Box::new(NewNumbers {
        visit: target.visit,
        revision: target.revision,
        sizes,
        measured,
        edge: edge(labels),
        tumour,
    }))
}

/// Measures outlines.
pub(super) fn measured(
    target: &Target,
    labels: LabelMap,
    outline: Outline,
    warnings: Vec<String>,
    observe: &mut Observe<'_>,
) -> Outcome {
    let mut stop = |fraction| {
        observe(Progress {
            stage: "measuring",
            fraction,
        })
        .is_break()
    };
    if stop(0.0) {
        return Outcome::Cancelled;
    }
    let sizes = measure::structure_sizes(&labels);
    if stop(0.5) {
        return Outcome::Cancelled;
    }
    let mut origin = target.origin.clone();
    origin.warnings.extend(warnings);
    let making = Making::of(&outline);
    let (measured, tumour) = graded(target, &labels, origin, outline);
    if stop(1.0) {
        return Outcome::Cancelled;
    }
    let edge = edge(&labels);
    Outcome::Outlined(Box::new(NewOutlines {
        visit: target.visit,
        revision: target.revision,
        parts: structure_parts(&labels),
        labels,
        sizes,
        measured,
        seconds: None,
        tumour_interval95_mm3: None,
        probabilities: None,
        making,
        edge,
        tumour,
        from_folder: false,
    }))
}

/// The outlines measured and graded, with what can be measured anew when the porus plane is moved or the wording changes; none without a tumour.
fn graded(
    target: &Target,
    labels: &LabelMap,
    origin: ScanOrigin,
    outline: Outline,
) -> (patient::Visit, Option<Arc<measure::KoosBasis>>) {
    let basis = measure::KoosBasis::with_scan(labels, &target.volume, origin.sequence);
    let as_found = (None, measure::KoosOptions::default());
    let measured = patient::Visit::measured_at(&basis, labels, origin, outline, as_found);
    let tumour = basis.tumour().is_some().then(|| Arc::new(basis));
    (measured, tumour)
}

fn edge(labels: &LabelMap) -> Option<Arc<measure::EdgeTolerance>> {
    measure::EdgeTolerance::of(labels, Structure::VestibularSchwannoma).map(Arc::new)
}

impl Outcome {
    /// With how long the model took, and how sure it is of the tumour's volume and of each voxel.
    fn with_run(
        mut self,
        seconds: Option<f64>,
        interval95_mm3: Option<[f64; 2]>,
        probabilities: Option<predict::Probabilities>,
    ) -> Self {
        if let Self::Outlined(outlines) = &mut self {
            outlines.seconds = seconds;
            outlines.tumour_interval95_mm3 = interval95_mm3;
            outlines.probabilities = probabilities.map(Arc::new);
        }
        self
    }
}
