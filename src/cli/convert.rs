//! `schwann convert`: a scan as a NIfTI file.
use super::output;
use crate::io;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A DICOM file, folder, DICOMDIR or zip archive, or a NIfTI or Analyze file.
    scan: PathBuf,
    /// Where to write; `.nii.gz` or `.nii`.
    #[arg(short, long, value_name = "OUT.nii.gz")]
    output: PathBuf,
    /// Which DICOM series: its label, number or UID, as `schwann inspect` lists them.
    #[arg(long, value_name = "UID|NUMBER")]
    series: Option<String>,
}

#[derive(Debug, Serialize)]
struct Converted {
    file: String,
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    voxels_sha256: String,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let mut bar = output::Bar::new();
    let mut observe = |p| bar.show(p);
    let name = arguments.series.as_deref();
    let (volume, warnings) = io::read_scan(&arguments.scan, name, &mut observe)?;
    io::write_volume(&arguments.output, &volume)?;
    drop(bar);
    let converted = Converted {
        file: arguments.output.to_string_lossy().into_owned(),
        shape: volume.grid().shape(),
        spacing_mm: volume.grid().spacing_mm(),
        voxels_sha256: io::voxels_sha256(&volume),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    };
    output::warnings(&converted.warnings);
    output::result(json, &converted, || {
        let [x, y, z] = converted.shape;
        format!("{}: {x} × {y} × {z} voxels", converted.file)
    })
}
