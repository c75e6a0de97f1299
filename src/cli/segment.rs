//! `schwann segment`: a label map on the scan's own grid.
use super::{measure, output};
use crate::{
    io,
    measure::{StructureSize, tumour_untold},
    model::DeviceChoice,
    predict::{self, Folds, ModelInfo, Prediction, SegmentOptions, Segmenter},
    volume::{Structure, Volume, Voxels, sides_are_told},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan; for a model that takes several, all of them in the model's order, or one file that holds them as its fourth dimension.
    #[arg(required = true)]
    scans: Vec<PathBuf>,
    /// Where the label map goes (`.nii.gz` or `.nii`).
    #[arg(short, long)]
    output: PathBuf,
    /// Also write how sure the model is of a structure, 0 to 1 on the scan's own grid, for instance `1=FILE.nii.gz` by its label value; repeat for several. `schwann export --fractional` takes
    /// them. Models that look at the whole scan at once, and those of nnU-Net, give none.
    #[arg(long, value_name = "LABEL=FILE.nii.gz", value_parser = super::export::probability)]
    probability: Vec<(Structure, PathBuf)>,
    #[command(flatten)]
    engine: Engine,
}

/// Which model runs, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Engine {
    /// A model folder, of Schwann's own kind or of nnU-Net v2; the model that Schwann ships if absent.
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Folds of an nnU-Net to average: numbers with commas, or `all` for the network trained on everything; those that are there if absent.
    #[arg(long, value_parser = folds)]
    folds: Option<Folds>,
    /// Add scores up in half precision, as nnU-Net does.
    #[arg(long)]
    parity: bool,
    /// `auto`, `cpu`, `cuda` or `metal`.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Do not average over mirrored copies.
    #[arg(long)]
    no_mirror: bool,
    /// Distance between tiles as a part of a tile, 0.1 to 1; what suits the model if absent.
    #[arg(long, value_parser = step)]
    step: Option<f64>,
}

fn folds(text: &str) -> Result<Folds, String> {
    if text == "all" {
        return Ok(Folds::All);
    }
    let numbers = text.split(',').map(|n| n.trim().parse::<usize>());
    let numbers: Result<Vec<usize>, _> = numbers.collect();
    match numbers {
        Ok(numbers) if !numbers.is_empty() && numbers.iter().all(|n| *n < 100) => {
            Ok(Folds::Numbers(numbers))
        }
        _ => Err("numbers with commas or `all` are needed".to_owned()),
    }
}

fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(step) if (0.1..=1.0).contains(&step) => Ok(step),
        _ => Err("a number from 0.1 to 1 is needed".to_owned()),
    }
}

impl Engine {
    /// Segments one scan, of this file, with a bar.
    pub(super) fn segment(&self, scan: &Volume, path: &Path) -> anyhow::Result<Prediction> {
        self.segment_channels(&self.open()?, &[scan], path)
    }

    fn open(&self) -> Result<Segmenter, predict::Error> {
        match &self.model {
            Some(folder) => {
                let folds = self.folds.as_ref().unwrap_or(&Folds::Present);
                Segmenter::from_folder(folder, folds)
            }
            None => Segmenter::shipped(),
        }
    }

    fn segment_channels(
        &self,
        segmenter: &Segmenter,
        scans: &[&Volume],
        path: &Path,
    ) -> anyhow::Result<Prediction> {
        let usual = SegmentOptions::of(segmenter);
        let options = SegmentOptions {
            device: self.device,
            mirror: usual.mirror && !self.no_mirror,
            step: self.step.unwrap_or(usual.step),
            parity: self.parity,
        };
        segmenter.check_channels(scans.len())?;
        if let Some(first) = scans.first() {
            let bytes = segmenter.memory_bytes(first.grid(), &options);
            output::note(&format!("takes at most {} MB of memory", (bytes >> 20) + 1));
        }
        let mut bar = output::Bar::new();
        let prediction =
            predict::segment_channels(scans, segmenter, &options, &mut |p| bar.show(p)).map_err(
                |error| match error {
                    // What is wrong with the scan, or too much for it, is told with its file.
                    predict::Error::Memory { .. }
                    | predict::Error::Scan(_)
                    | predict::Error::Geometry(_)
                    | predict::Error::TooLarge(..) => {
                        anyhow::anyhow!("{error}: {}", path.display())
                    }
                    other => other.into(),
                },
            )?;
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
    /// By the model's calibrated probabilities; null where the model has none or found no tumour, or the scan cuts it.
    tumour_volume_interval95_mm3: Option<[f64; 2]>,
    scan_sha256: String,
    notice: &'static str,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let inputs: Vec<&Path> = arguments.scans.iter().map(PathBuf::as_path).collect();
    output::check_target(&arguments.output, output::SCAN, &inputs)?;
    let mut targets = vec![arguments.output.as_path()];
    for (_, path) in &arguments.probability {
        output::check_target(path, output::SCAN, &inputs)?;
        targets.push(path);
    }
    output::check_distinct(&targets)?;
    let segmenter = arguments.engine.open()?;
    let mut scans = Vec::new();
    let mut warnings = Vec::new();
    match arguments.scans.as_slice() {
        [path] if segmenter.channels().len() > 1 => {
            let mut bar = output::Bar::new();
            let (channels, more) = io::read_channels(path, &mut |p| bar.show(p))?;
            drop(bar);
            scans = channels;
            warnings.extend(more.iter().map(ToString::to_string));
        }
        paths => {
            segmenter.check_channels(paths.len())?;
            for path in paths {
                let (scan, more) = read_scan(path)?;
                scans.push(scan);
                warnings.extend(more);
            }
        }
    }
    let channels: Vec<&Volume> = scans.iter().collect();
    let first = &arguments.scans[0];
    let prediction = arguments
        .engine
        .segment_channels(&segmenter, &channels, first)?;
    let labels = prediction.unmerged.as_ref().unwrap_or(&prediction.labels);
    let maps = probabilities(&arguments.probability, &prediction, &mut warnings)?;
    let told = sides_are_told(&warnings);
    io::write_labels_as(&arguments.output, labels, told)?;
    for (path, map) in maps {
        io::write_volume_as(path, &map, told)?;
    }
    output::note(&format!("segmented on {}", prediction.device));
    warnings.extend(prediction.warnings);
    // The label map does not carry it: whoever goes on with the file would read that there is no tumour.
    if prediction.labels.count(Structure::VestibularSchwannoma) == 0
        && let Some(why) = tumour_untold(&prediction.labels)
    {
        warnings.push(format!(
            "no tumour is outlined, which does not say that there is none: {why}"
        ));
    }
    let structures = measure::sizes(&prediction.labels, &warnings);
    let tumour = |s: &&StructureSize| s.structure == Structure::VestibularSchwannoma;
    let cut = (structures.iter().find(tumour)).is_some_and(|s| s.at_scan_edge);
    if cut {
        warnings.push("the tumour reaches the scan's edge: its volume is a lower limit".to_owned());
    }
    output::warnings(&warnings);
    let output = Output {
        model: prediction.model,
        device: prediction.device,
        seconds: prediction.seconds.into_iter().collect(),
        structures,
        tumour_volume_interval95_mm3: prediction.tumour_interval95_mm3.filter(|_| !cut),
        scan_sha256: scans.first().map(io::voxels_sha256).unwrap_or_default(),
        notice: crate::patient::NOTICE,
        warnings,
    };
    output::result(json, &output, || {
        let mut text = measure::table(&output.structures);
        if let Some([low, high]) = output.tumour_volume_interval95_mm3 {
            text += &format!(
                "\nthe model's own interval of the tumour's volume: {low:.0} to {high:.0} mm³ (95 % of the tumours it was calibrated on)"
            );
        }
        text
    })
}

/// How sure the model is of each wanted structure, before anything is written. Of one that was not found it is nowhere sure.
fn probabilities<'a>(
    wanted: &'a [(Structure, PathBuf)],
    prediction: &Prediction,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Vec<(&'a Path, Volume)>> {
    let mut maps = Vec::new();
    for (structure, path) in wanted {
        let known = prediction.probabilities.as_ref();
        let map = match known.and_then(|p| p.volume(*structure)) {
            Some(map) => map?,
            None if known.is_some() || prediction.labels.labels().iter().all(|l| *l == 0) => {
                warnings.push(format!(
                    "no {structure} was found: {} is 0 everywhere",
                    path.display()
                ));
                let grid = *prediction.labels.grid();
                Volume::new(grid, Voxels::F32(vec![0.0; grid.len()]), 1.0, 0.0)?
            }
            None => anyhow::bail!(
                "the model {} gives no probabilities: {}",
                prediction.model,
                path.display()
            ),
        };
        maps.push((path.as_path(), map));
    }
    Ok(maps)
}
