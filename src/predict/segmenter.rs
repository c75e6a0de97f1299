//! The segmenter: a model folder, and a scan through it.
use super::clean::clean;
use super::grid::WorkingGrid;
use super::{Error, ModelInfo, Plan, Tiling, prepare};
use crate::model::{ChosenDevice, DeviceChoice, UNet, read_tensors, sha256};
use crate::volume::{LabelMap, LabelTable, Observe, Progress, Volume};
use candle_core::{D, Device, Tensor};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Least extent of a scan that a head's structures can be seen in, mm.
const SMALLEST_EXTENT_MM: f64 = 10.0;
/// Voxels beyond this blur away what the model looks for, mm.
const COARSE_MM: f64 = 2.5;

/// A trained model, ready to run.
#[derive(Debug, Clone)]
pub struct Segmenter {
    plan: Plan,
    network: UNet,
    info: ModelInfo,
}

impl Segmenter {
    /// The model that comes with Schwann.
    ///
    /// # Errors
    /// When it is damaged, which a test excludes.
    pub fn shipped() -> Result<Self, Error> {
        Self::from_bytes(
            include_str!("../../assets/models/segmenter/plan.json"),
            include_bytes!("../../assets/models/segmenter/model.safetensors"),
        )
    }

    /// A model from a folder with `plan.json` and `model.safetensors`.
    ///
    /// # Errors
    /// When a file is missing or wrong; the message says what.
    pub fn from_folder(path: &Path) -> Result<Self, Error> {
        let failed = |what, name: &str| {
            let path = path.join(name);
            move |source| Error::Read { what, source, path }
        };
        let plan =
            std::fs::read_to_string(path.join("plan.json")).map_err(failed("plan", "plan.json"))?;
        let weights = std::fs::read(path.join("model.safetensors"))
            .map_err(failed("weights", "model.safetensors"))?;
        Self::from_bytes(&plan, &weights)
    }

    fn from_bytes(plan: &str, weights: &[u8]) -> Result<Self, Error> {
        let plan = Plan::from_json(plan)?;
        let (parameters, _) = read_tensors(weights)?;
        let info = ModelInfo {
            name: plan.name.clone(),
            version: plan.version.clone(),
            sha256: sha256(weights),
        };
        let network = UNet::new(plan.network.clone(), parameters)?;
        Ok(Self {
            plan,
            network,
            info,
        })
    }

    /// Name, version and weights.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// How the model wants its input.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// How to run a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentOptions {
    /// Where.
    pub device: DeviceChoice,
    /// Whether to average with the result of the scan in a mirror (right and left exchanged): twice the time, a little steadier.
    pub mirror: bool,
    /// Largest distance of neighbouring tiles, as a part of a tile; 0.1 to 1.
    pub step: f64,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            mirror: false,
            step: 0.6,
        }
    }
}

/// What a model says about a scan.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Labels on the scan's own grid, with the default [`LabelTable`].
    pub labels: LabelMap,
    /// Which model.
    pub model: ModelInfo,
    /// Which device ran it, and why if it is not the one asked for.
    pub device: String,
    /// Seconds of each stage, then `total`.
    pub seconds: Vec<(&'static str, f64)>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// Labels a scan: resamples it to the model's spacing in right-anterior-superior order, runs the network in overlapping tiles, brings the
/// class scores back to the scan's own grid, and takes back what anatomy forbids.
///
/// A scan with nothing to see gets no labels and a warning. On the CPU it takes memory for about eight values a voxel of the model's grid.
///
/// # Errors
/// [`Error::Cancelled`] when the observer stops it, at the latest after a tile; others when the scan is too large or the network fails.
pub fn segment(
    scan: &Volume,
    segmenter: &Segmenter,
    options: &SegmentOptions,
    observe: &mut Observe<'_>,
) -> Result<Prediction, Error> {
    let mut clock = Clock::default();
    let plan = &segmenter.plan;
    let grid = WorkingGrid::new(scan.grid(), plan.spacing_mm)?;
    let mut warnings = vec![format!(
        "the model {} {} was trained on {}",
        plan.name, plan.version, plan.trained_on
    )];
    report(observe, "resampling", 0.0)?;
    let [low] = scan.quantiles([0.005]);
    let intensities = grid.resample(scan, low as f32);
    clock.stop("resample");
    let chosen = options.device.open();
    let (labels, more) = if let Some(why) = unreadable(&grid, &intensities) {
        warnings.push(why);
        let empty = vec![0; scan.grid().len()];
        (
            LabelMap::new(*scan.grid(), empty, LabelTable::default())?,
            Vec::new(),
        )
    } else {
        if scan.grid().spacing_mm().iter().any(|s| *s > COARSE_MM) {
            warnings.push(format!(
                "voxels of more than {COARSE_MM} mm: small structures cannot be outlined"
            ));
        }
        let scores = run(&grid, &intensities, segmenter, (options, &chosen), observe)?;
        drop(intensities);
        clock.stop("network");
        report(observe, "restoring", 0.0)?;
        let labels = grid.restore(&scores, &plan.class_labels()?)?;
        drop(scores);
        clock.stop("restore");
        report(observe, "cleaning", 0.0)?;
        let cleaned = clean(&labels)?;
        clock.stop("clean");
        cleaned
    };
    warnings.extend(more);
    Ok(Prediction {
        labels,
        model: segmenter.info.clone(),
        device: chosen.words,
        seconds: clock.finish(),
        warnings,
    })
}

/// Why a scan cannot show what the model looks for.
fn unreadable(grid: &WorkingGrid, intensities: &[f32]) -> Option<String> {
    let [r, a, s] = grid.extent_mm();
    if [r, a, s].iter().any(|e| *e < SMALLEST_EXTENT_MM) {
        return Some(format!(
            "the scan covers only {r:.0} × {a:.0} × {s:.0} mm: too thin to segment, nothing was labelled"
        ));
    }
    let range = intensities
        .iter()
        .fold([f32::MAX, f32::MIN], |[l, h], &v| [l.min(v), h.max(v)]);
    let smallest = 1e-6 * range[0].abs().max(range[1].abs());
    if range[1] - range[0] <= smallest {
        return Some("every voxel has the same intensity: nothing was labelled".to_owned());
    }
    None
}

/// Class probabilities on the network's grid, `[class][superior][anterior][right]`.
fn run(
    grid: &WorkingGrid,
    intensities: &[f32],
    segmenter: &Segmenter,
    (options, chosen): (&SegmentOptions, &ChosenDevice),
    observe: &mut Observe<'_>,
) -> Result<Vec<f32>, Error> {
    let plan = &segmenter.plan;
    let network = segmenter.network.to_device(&chosen.device)?;
    let [d, h, w] = plan.network.divisor();
    let tiling = Tiling::new(grid.shape, plan.patch, [w, h, d], options.step);
    let tiles = tiling.tiles();
    let mut sums = vec![0.0; plan.classes.len() * intensities.len()];
    for (done, &first) in tiles.iter().enumerate() {
        report(observe, "segmenting", done as f32 / tiles.len() as f32)?;
        let mut tile = tiling.cut(intensities, first);
        prepare(&mut tile, plan.clip_quantiles);
        let scores = classify(&network, tile, &tiling, (options.mirror, &chosen.device))?;
        tiling.add(&mut sums, first, &scores);
    }
    tiling.normalise(&mut sums);
    Ok(sums)
}

/// Probabilities of a tile's voxels.
fn classify(
    network: &UNet,
    tile: Vec<f32>,
    tiling: &Tiling,
    (mirror, device): (bool, &Device),
) -> Result<Vec<f32>, crate::model::Error> {
    let [w, h, d] = tiling.tile;
    let x = Tensor::from_vec(tile, (1, 1, d, h, w), device)?;
    let mut scores = candle_nn::ops::softmax(&network.forward(&x)?, 1)?;
    if mirror {
        let mirrored = network.forward(&x.flip(&[4])?.contiguous()?)?.flip(&[4])?;
        scores = ((scores + candle_nn::ops::softmax(&mirrored, 1)?)? * 0.5)?;
    }
    Ok(scores
        .squeeze(0)?
        .flatten(0, D::Minus1)?
        .to_device(&Device::Cpu)?
        .to_vec1()?)
}

fn report(observe: &mut Observe<'_>, stage: &'static str, fraction: f32) -> Result<(), Error> {
    match observe(Progress { stage, fraction }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

/// Measures stages.
struct Clock {
    started: Instant,
    stage: Instant,
    seconds: Vec<(&'static str, f64)>,
}

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            stage: now,
            seconds: Vec::new(),
        }
    }
}

impl Clock {
    fn stop(&mut self, stage: &'static str) {
        self.seconds
            .push((stage, self.stage.elapsed().as_secs_f64()));
        self.stage = Instant::now();
    }

    fn finish(mut self) -> Vec<(&'static str, f64)> {
        self.seconds
            .push(("total", self.started.elapsed().as_secs_f64()));
        self.seconds
    }
}
