//! `schwann segment`: a label map on the scan's own grid.
use super::{measure, output};
use crate::{
    io,
    measure::{StructureSize, structure_sizes},
    model::DeviceChoice,
    predict::{self, ModelInfo, Prediction, SegmentOptions, Segmenter},
    volume::Volume,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan.
    scan: PathBuf,
    /// Where the label map goes (`.nii.gz` or `.nii`).
    #[arg(short, long)]
    output: PathBuf,
    #[command(flatten)]
    engine: Engine,
}

/// Which model runs, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Engine {
    /// A model folder; the model that Schwann ships if absent.
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// `auto`, `cpu`, `cuda` or `metal`.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Do not average over mirrored copies.
    #[arg(long)]
    no_mirror: bool,
    /// Distance between tiles as a part of a tile, 0.1 to 1.
    #[arg(long, default_value_t = SegmentOptions::default().step, value_parser = step)]
    step: f64,
}

fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(step) if (0.1..=1.0).contains(&step) => Ok(step),
        _ => Err("a number from 0.1 to 1 is needed".to_owned()),
    }
}

impl Engine {
    /// Segments one scan with a bar.
    pub(super) fn segment(&self, scan: &Volume) -> anyhow::Result<Prediction> {
        let segmenter = match &self.model {
            Some(folder) => Segmenter::from_folder(folder)?,
            None => Segmenter::shipped()?,
        };
        let options = SegmentOptions {
            device: self.device,
            mirror: SegmentOptions::default().mirror && !self.no_mirror,
            step: self.step,
        };
        let mut bar = output::Bar::new();
        let prediction = predict::segment(scan, &segmenter, &options, &mut |p| bar.show(p))?;
        drop(bar);
        Ok(prediction)
    }
}

/// Reads a scan with a bar.
pub(super) fn read_scan(path: &Path) -> anyhow::Result<(Volume, Vec<String>)> {
    let mut bar = output::Bar::new();
    let (volume, warnings) = io::read_volume(path, &mut |p| bar.show(p))?;
    drop(bar);
    Ok((volume, warnings.iter().map(ToString::to_string).collect()))
}

#[derive(Debug, Serialize)]
struct Output {
    model: ModelInfo,
    device: String,
    seconds: BTreeMap<&'static str, f64>,
    structures: Vec<StructureSize>,
    scan_sha256: String,
    notice: &'static str,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    output::check_target(&arguments.output, output::SCAN, &[&arguments.scan])?;
    let (scan, mut warnings) = read_scan(&arguments.scan)?;
    let prediction = arguments.engine.segment(&scan)?;
    io::write_labels(&arguments.output, &prediction.labels)?;
    output::note(&format!("segmented on {}", prediction.device));
    warnings.extend(prediction.warnings);
    output::warnings(&warnings);
    let output = Output {
        model: prediction.model,
        device: prediction.device,
        seconds: prediction.seconds.into_iter().collect(),
        structures: structure_sizes(&prediction.labels),
        scan_sha256: io::voxels_sha256(&scan),
        notice: crate::patient::NOTICE,
        warnings,
    };
    output::result(json, &output, || measure::table(&output.structures))
}
