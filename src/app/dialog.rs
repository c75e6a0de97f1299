//! The system's file dialogs, off the window's thread where the system allows it.
use super::{
    command::{Command, PatientCommand, WorkCommand},
    dicom::Place,
    job::Job,
    school::SchoolCommand,
    state::Message,
    task::Task,
};
use egui::Context;
use std::{ops::ControlFlow, path::PathBuf};

/// What is done with the files that the user names.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// Scans to open.
    OpenScans,
    /// An empty folder for a new patient.
    NewPatient,
    /// A patient's folder.
    OpenPatient,
    /// A model folder.
    OpenModel,
    /// A folder of graded scans.
    OpenCases,
    /// Where to write a reader's answers.
    ExportAnswers,
    /// Outlines of a visit to open.
    OpenLabels(super::state::VisitId),
    /// Where to write outlines, and whether their scan tells left from right.
    SaveLabels(
        super::state::VisitId,
        u64,
        std::sync::Arc<crate::volume::LabelMap>,
        bool,
    ),
    /// Where to write the report.
    SaveReport,
    /// A place for what goes out as DICOM, or comes in.
    Dicom(Place),
    /// Where to write a picture of the window.
    SavePicture(std::sync::Arc<egui::ColorImage>),
}

/// An open dialog.
#[derive(Debug)]
pub(super) struct Dialog {
    purpose: Purpose,
    job: Job<(), Vec<PathBuf>>,
}

impl Dialog {
    /// Opens a dialog. `None` when the system gives no thread for it.
    pub(super) fn open(ctx: &Context, purpose: Purpose) -> Option<Self> {
        let ctx = ctx.clone();
        let asked = purpose.clone();
        // macOS shows dialogs on the main thread only.
        let early = cfg!(target_os = "macos").then(|| ask(&asked));
        let job = Job::spawn(
            "dialog",
            move || ctx.request_repaint(),
            move |_| early.unwrap_or_else(|| ask(&asked)),
        )
        .inspect_err(|error| log::error!("no thread for a dialog: {error}"))
        .ok()?;
        Some(Self { purpose, job })
    }

    /// The commands that follow from it, once it is closed.
    pub(super) fn poll(&mut self) -> Option<Vec<Command>> {
        let ControlFlow::Break(paths) = self.job.poll() else {
            return None;
        };
        if matches!(self.purpose, Purpose::NewPatient) {
            let new = |path| Command::Patient(PatientCommand::New(path));
            return Some(paths.unwrap_or_default().into_iter().map(new).collect());
        }
        if let Purpose::Dicom(place) = self.purpose {
            let paths = paths.unwrap_or_default().into_iter();
            return Some(paths.map(|path| place.named(path)).collect());
        }
        if let Purpose::OpenCases | Purpose::ExportAnswers = self.purpose {
            let made = |path| match self.purpose {
                Purpose::OpenCases => SchoolCommand::Folder(path),
                _ => SchoolCommand::Export(path),
            };
            let paths = paths.unwrap_or_default().into_iter();
            return Some(paths.map(|p| Command::School(made(p))).collect());
        }
        let work = |path| match &self.purpose {
            Purpose::OpenScans
            | Purpose::OpenPatient
            | Purpose::NewPatient
            | Purpose::OpenCases
            | Purpose::Dicom(_)
            | Purpose::ExportAnswers => WorkCommand::Open(path),
            Purpose::OpenModel => WorkCommand::Enqueue(Task::ReadModel(path)),
            Purpose::OpenLabels(visit) => WorkCommand::Enqueue(Task::LabelValues(*visit, path)),
            Purpose::SaveLabels(visit, revision, labels, told) => {
                WorkCommand::Enqueue(Task::WriteLabels {
                    visit: *visit,
                    revision: *revision,
                    labels: std::sync::Arc::clone(labels),
                    told: *told,
                    path,
                })
            }
            Purpose::SaveReport => WorkCommand::Report(path),
            Purpose::SavePicture(image) => WorkCommand::Enqueue(Task::WritePicture {
                size: image.size,
                pixels: image.as_raw().to_vec(),
                path,
            }),
        };
        Some(paths.map_or_else(
            || {
                let hint = match &self.purpose {
                    Purpose::OpenScans => "; drop files on the window instead",
                    Purpose::OpenModel | Purpose::OpenPatient => {
                        "; drop the folder on the window instead"
                    }
                    _ => "",
                };
                let text = format!("The file dialog did not open{hint}.");
                vec![Command::Work(WorkCommand::Tell(Message {
                    error: true,
                    text,
                }))]
            },
            |paths| {
                paths
                    .into_iter()
                    .map(|path| Command::Work(work(path)))
                    .collect()
            },
        ))
    }
}

fn ask(purpose: &Purpose) -> Vec<PathBuf> {
    let dialog = rfd::FileDialog::new();
    let dialog = match purpose {
        Purpose::SaveReport => dialog.add_filter("PDF", &["pdf"]),
        Purpose::SavePicture(_) => dialog.add_filter("PNG", &["png"]),
        Purpose::ExportAnswers => dialog.add_filter("CSV", &["csv"]),
        _ => dialog.add_filter("NIfTI or Analyze", &["nii", "gz", "hdr", "img"]),
    };
    match purpose {
        Purpose::OpenScans => dialog
            .set_title("Open scans")
            .pick_files()
            .unwrap_or_default(),
        Purpose::NewPatient => rfd::FileDialog::new()
            .set_title("An empty folder for the new patient")
            .pick_folder()
            .into_iter()
            .collect(),
        Purpose::OpenPatient => rfd::FileDialog::new()
            .set_title("Open a patient's folder")
            .pick_folder()
            .into_iter()
            .collect(),
        Purpose::OpenModel => rfd::FileDialog::new()
            .set_title("Open a model folder: Schwann's own kind, or nnU-Net v2")
            .pick_folder()
            .into_iter()
            .collect(),
        Purpose::OpenCases => rfd::FileDialog::new()
            .set_title("Open a folder of scans with a table of grades")
            .pick_folder()
            .into_iter()
            .collect(),
        Purpose::Dicom(place) => {
            let dialog = rfd::FileDialog::new().set_title(place.title());
            let named = match place {
                Place::OldSecret => dialog.pick_file(),
                Place::NewSecret => dialog.set_file_name("secret.txt").save_file(),
                _ => dialog.pick_folder(),
            };
            named.into_iter().collect()
        }
        Purpose::ExportAnswers => dialog
            .set_title("Save the answers")
            .set_file_name("answers.csv")
            .save_file()
            .into_iter()
            .collect(),
        Purpose::OpenLabels(_) => dialog
            .set_title("Open outlines")
            .pick_file()
            .into_iter()
            .collect(),
        Purpose::SaveLabels(..) => dialog
            .set_title("Save outlines")
            .set_file_name("outlines.nii.gz")
            .save_file()
            .into_iter()
            .collect(),
        Purpose::SavePicture(_) => dialog
            .set_title("Save a picture of the window")
            .set_file_name("window.png")
            .save_file()
            .into_iter()
            .collect(),
        Purpose::SaveReport => dialog
            .set_title("Save report")
            .set_file_name("report.pdf")
            .save_file()
            .into_iter()
            .collect(),
    }
}
