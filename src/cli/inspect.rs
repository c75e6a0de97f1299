//! `schwann inspect`: what a scan holds.
use super::output;
use crate::io;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A NIfTI or Analyze file.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let mut bar = output::Bar::new();
    let inspection = io::inspect(&arguments.file, &mut |p| bar.show(p))?;
    drop(bar);
    output::result(json, &inspection, || inspection.to_string())
}
