//! `schwann inspect`: what a scan holds.
use super::output;
use crate::io;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A NIfTI or Analyze file, or DICOM: a file, folder, DICOMDIR or zip archive.
    file: PathBuf,
    /// Which DICOM series: its label, number or UID. Without it, several are listed.
    #[arg(long, value_name = "UID|NUMBER")]
    series: Option<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let mut bar = output::Bar::new();
    let name = arguments.series.as_deref();
    let inspection = io::inspect_or_list(&arguments.file, name, &mut |p| bar.show(p))?;
    drop(bar);
    output::result(json, &inspection, || inspection.to_string())
}
