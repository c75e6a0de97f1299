//! `schwann anonymise`: a copy of DICOM files without the patient's identity.
use super::output;
use crate::io::{self, Anonymise, Dates, Keeping, Secret};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// DICOM files, folders, DICOMDIRs or zip archives.
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
    /// A folder for the copies; for one file also a name that ends in .dcm.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Dates: all of a patient go back by one secret number of days, so that intervals stay, or are removed.
    #[arg(long, value_name = "HOW", default_value = "shifted")]
    keep_dates: KeepDates,
    /// Keep names and serial numbers of devices.
    #[arg(long)]
    keep_device: bool,
    /// Keep descriptions, cleaned of the header's names and numbers, of long numbers and of dates.
    #[arg(long)]
    keep_descriptions: bool,
    /// Keep age, sex, size and weight.
    #[arg(long)]
    keep_characteristics: bool,
    /// What the patient is called in the copy; without it, a name follows from the secret.
    #[arg(long, value_name = "NAME")]
    pseudonym: Option<String>,
    /// A file with the secret from which names, identifiers and offsets follow; made when it is missing. With the same secret, copies of later visits belong to the same
    /// patient. Without one, a secret is made and forgotten.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KeepDates {
    Shifted,
    Removed,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let how = Anonymise {
        keeping: Keeping {
            dates: match arguments.keep_dates {
                KeepDates::Shifted => Dates::Shifted,
                KeepDates::Removed => Dates::Removed,
            },
            device: arguments.keep_device,
            descriptions: arguments.keep_descriptions,
            characteristics: arguments.keep_characteristics,
        },
        pseudonym: arguments.pseudonym.clone(),
        secret: match &arguments.secret {
            Some(path) => Secret::in_file(path)?,
            None => Secret::random()?,
        },
    };
    let mut bar = output::Bar::new();
    let report = io::anonymise(&arguments.inputs, &arguments.output, &how, &mut |p| {
        bar.show(p)
    })?;
    drop(bar);
    output::warnings(&report.warnings);
    output::result(json, &report, || report.to_string())
}
