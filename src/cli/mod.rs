//! The command line: one thin file a subcommand, no science.
//!
//! Every command prints for people, or with `--json` one JSON object on standard output and nothing else there. Progress and warnings go to standard error. Exit status: 0 done, 1 the
//! work failed, 2 wrong usage.

mod anonymise;
mod audit;
mod cohort;
mod convert;
mod demo;
mod evaluate;
mod export;
mod graders;
mod growth;
mod inspect;
mod koos;
mod measure;
mod output;
mod phantom;
mod rank;
mod recipe;
mod register;
mod scheme;
mod school;
mod segment;
mod train;
mod train_koos;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Follows vestibular schwannoma on MRI: shows scans, segments and grades the tumour, and says whether it grew.
///
/// Without a command the window opens, on the given scans or on the demo patient. Research use only, not for diagnosis.
#[derive(Debug, Parser)]
#[command(name = "schwann", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Scans (NIfTI) to open in the window.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the whole job on the built-in demo patient: scans, labels, Koos, growth, report, pictures.
    Demo(demo::Arguments),
    /// Say what a scan holds.
    Inspect(inspect::Arguments),
    /// Write a scan, a DICOM series for instance, or the labels of a DICOM object as a NIfTI file.
    Convert(convert::Arguments),
    /// Copy DICOM files without what tells who the patient is.
    Anonymise(anonymise::Arguments),
    /// Write results as DICOM objects that belong to their scan: segmentation, structure set.
    Export(export::Arguments),
    /// Write a label map on the scan's own grid.
    Segment(segment::Arguments),
    /// Size of each structure in a label map.
    Measure(measure::Arguments),
    /// Koos grade with its evidence.
    Koos(koos::Arguments),
    /// Rigid alignment of two visits.
    Register(register::Arguments),
    /// Change between visits.
    Growth(growth::Arguments),
    /// Judge label maps by a reference, as the crossMoDA challenge does.
    Evaluate(evaluate::Arguments),
    /// Rank teams by their scores, as the challenge does.
    Rank(rank::Arguments),
    /// Write a synthetic patient, or a cohort of them, with exact truth.
    Phantom(phantom::Arguments),
    /// Train a model.
    Train(train::Arguments),
    /// How well a reader of the school grades.
    School(school::Arguments),
    /// Who did what to a patient's outlines, and whether that record is whole.
    Audit(audit::Arguments),
}

/// Runs the program on its command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let done = match arguments.command {
        None => open(arguments.paths),
        Some(Command::Demo(a)) => demo::run(&a, json),
        Some(Command::Inspect(a)) => inspect::run(&a, json),
        Some(Command::Convert(a)) => convert::run(&a, json),
        Some(Command::Anonymise(a)) => anonymise::run(&a, json),
        Some(Command::Export(a)) => export::run(&a, json),
        Some(Command::Segment(a)) => segment::run(&a, json),
        Some(Command::Measure(a)) => measure::run(&a, json),
        Some(Command::Koos(a)) => koos::run(&a, json),
        Some(Command::Register(a)) => register::run(&a, json),
        Some(Command::Growth(a)) => growth::run(&a, json),
        Some(Command::Evaluate(a)) => evaluate::run(&a, json),
        Some(Command::Rank(a)) => rank::run(&a, json),
        Some(Command::Phantom(a)) => phantom::run(&a, json),
        Some(Command::Train(a)) => train::run(&a, json),
        Some(Command::School(a)) => school::run(&a, json),
        Some(Command::Audit(a)) => audit::run(&a, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Opens the window. A word that is neither a command nor a file is more likely a mistyped command than a scan to come.
fn open(paths: Vec<PathBuf>) -> anyhow::Result<()> {
    if let Some(path) = paths.iter().find(|p| !p.exists()) {
        anyhow::bail!(
            "no such command or file (schwann --help lists the commands): {}",
            path.display()
        );
    }
    Ok(crate::app::run(paths)?)
}
