//! The segmenter: a model folder, and a scan through it.
use super::foreign::foreign;
use super::grid::{Decision, WorkingGrid};
use super::nnunet::{self, Folds, NnUnet};
use super::region::segment_about_ears;
use super::{Error, ModelInfo, Plan, Probabilities, Tiling, memory, middle_part, prepare};
use crate::model::{self, ChosenDevice, DeviceChoice, Runner, UNet, Watch, read_tensors, sha256};
use crate::volume::{Grid, LabelMap, LabelTable, Observe, Progress, Shape, Structure, Volume};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Least extent of a scan that a head's structures can be seen in, mm.
const SMALLEST_EXTENT_MM: f64 = 10.0;
/// With a background probability above this no other class can win.
pub(super) const CERTAIN: f32 = 0.5;
/// Grids that differ by less than this, mm, are the same.
const SAME_GRID_MM: f64 = 1e-3;
/// Voxels beyond this blur away what the model looks for, mm.
const COARSE_MM: f64 = 2.5;
/// Most networks of one model.
pub const MOST_NETWORKS: usize = 9;

/// Name of the weights of a model's network in its folder, counted from one.
pub fn weights_file(number: usize) -> String {
    match number {
        0 | 1 => "model.safetensors".to_owned(),
        n => format!("model_{n}.safetensors"),
    }
}

/// A trained model, ready to run: one of Schwann's own, or an nnU-Net.
#[derive(Debug, Clone)]
pub struct Segmenter(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Own(Box<Own>),
    NnUnet(Box<NnUnet>),
}

/// A network of Schwann's own.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) plan: Plan,
    /// One, or several whose probabilities are averaged.
    networks: Vec<UNet>,
    info: ModelInfo,
    /// Label of each channel of the scores: classes of one label are one channel.
    pub(super) labels: Vec<u8>,
    /// Channel of each class.
    channels: Vec<usize>,
    /// Finds the regions that a network about ears is for.
    localiser: Option<Box<Own>>,
}

impl Own {
    fn from_bytes(plan: &str, weights: &[&[u8]]) -> Result<Self, Error> {
        let plan = Plan::from_json(plan)?;
        let network = |bytes: &&[u8]| -> Result<UNet, Error> {
            let (parameters, _) = read_tensors(bytes)?;
            Ok(UNet::new(plan.network.clone(), parameters)?)
        };
        let networks: Vec<UNet> = weights.iter().map(network).collect::<Result<_, _>>()?;
        let hashes: Vec<String> = weights.iter().map(|bytes| sha256(bytes)).collect();
        let info = ModelInfo {
            name: plan.name.clone(),
            version: plan.version.clone(),
            // Of several files: the hash of their hashes.
            sha256: match hashes.as_slice() {
                [one] => one.clone(),
                several => sha256(several.concat().as_bytes()),
            },
        };
        let (labels, channels) = if plan.is_localiser() {
            (vec![0, 1, 2], vec![0, 1, 2])
        } else {
            let mut labels = Vec::new();
            let channels = plan.class_labels()?.into_iter().map(|label| {
                labels.iter().position(|l| *l == label).unwrap_or_else(|| {
                    labels.push(label);
                    labels.len() - 1
                })
            });
            let channels = channels.collect();
            (labels, channels)
        };
        Ok(Self {
            plan,
            networks,
            info,
            labels,
            channels,
            localiser: None,
        })
    }

    /// The localiser that comes with Schwann.
    fn shipped_localiser() -> Result<Self, Error> {
        Self::from_bytes(
            include_str!("../../assets/models/localiser/plan.json"),
            &[include_bytes!(
                "../../assets/models/localiser/model.safetensors"
            )],
        )
    }

    /// The channel of the tumour.
    pub(super) fn tumour_channel(&self) -> Option<usize> {
        let tumour = LabelTable::default().value(Structure::VestibularSchwannoma);
        self.labels.iter().position(|l| Some(*l) == tumour)
    }

    /// How probabilities of the labels become labels. `certain` is of the background's.
    pub(super) fn decision(&self, certain: f32) -> Decision<'_> {
        let level = self.plan.tumour_level();
        Decision {
            labels: &self.labels,
            tumour: self.tumour_channel().map(|channel| (channel, level)),
            certain: certain.max(1.0 - level),
        }
    }

    /// Probabilities of the labels from those of the classes (`[class][voxel]`).
    fn merged(&self, scores: Vec<f32>, voxels: usize) -> Vec<f32> {
        if self.labels.len() == self.channels.len() {
            return scores;
        }
        let mut merged = vec![0.0; self.labels.len() * voxels];
        for (class, &channel) in scores.chunks_exact(voxels).zip(&self.channels) {
            let to = &mut merged[channel * voxels..][..voxels];
            to.iter_mut().zip(class).for_each(|(to, p)| *to += p);
        }
        merged
    }

    /// Where the model comes from, for the reader.
    pub(super) fn origin(&self) -> String {
        format!(
            "the model {} {} was trained on {}",
            self.plan.name, self.plan.version, self.plan.trained_on
        )
    }
}

/// Options and the device that they came to.
pub(super) type How<'a> = (&'a SegmentOptions, &'a ChosenDevice);

impl Segmenter {
    /// The model that comes with Schwann.
    ///
    /// # Errors
    /// When it is damaged, which a test excludes.
    pub fn shipped() -> Result<Self, Error> {
        Self::from_bytes(
            include_str!("../../assets/models/segmenter/plan.json"),
            &[include_bytes!(
                "../../assets/models/segmenter/model.safetensors"
            )],
        )
    }

    /// Whether a folder looks like one of a model.
    pub fn is_folder(path: &Path) -> bool {
        NnUnet::is_folder(path) || path.join("plan.json").is_file()
    }

    /// A model from a folder: Schwann's own have `plan.json` and `model.safetensors`, and where probabilities of several networks are averaged `model_2.safetensors` and so on; those of nnU-Net v2 have `plans.json`,
    /// `dataset.json` and a checkpoint for each of the `folds`.
    ///
    /// # Errors
    /// When a file is missing or wrong; the message says what.
    pub fn from_folder(path: &Path, folds: &Folds) -> Result<Self, Error> {
        if NnUnet::is_folder(path) {
            let model = NnUnet::from_folder(path, folds)?;
            return Ok(Self(Kind::NnUnet(Box::new(model))));
        }
        let failed = |what, name: &str| {
            let path = path.join(name);
            move |source| Error::Read { what, source, path }
        };
        let plan =
            std::fs::read_to_string(path.join("plan.json")).map_err(failed("plan", "plan.json"))?;
        let mut weights = Vec::new();
        for number in 1..=MOST_NETWORKS {
            let name = weights_file(number);
            if number > 1 && !path.join(&name).exists() {
                break;
            }
            weights.push(std::fs::read(path.join(&name)).map_err(failed("weights", &name))?);
        }
        let weights: Vec<&[u8]> = weights.iter().map(Vec::as_slice).collect();
        Self::from_bytes(&plan, &weights)
    }

    fn from_bytes(plan: &str, weights: &[&[u8]]) -> Result<Self, Error> {
        let mut own = Own::from_bytes(plan, weights)?;
        if own.plan.is_localiser() {
            let text = "this is a localiser, not a segmenter";
            return Err(Error::Plan(text.to_owned()));
        }
        if own.plan.about_ears {
            own.localiser = Some(Box::new(Own::shipped_localiser()?));
        }
        Ok(Self(Kind::Own(Box::new(own))))
    }

    /// Name, version and weights.
    pub fn info(&self) -> &ModelInfo {
        match &self.0 {
            Kind::Own(own) => &own.info,
            Kind::NnUnet(model) => model.info(),
        }
    }

    /// How a model of Schwann's own wants its input.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.0 {
            Kind::Own(own) => Some(&own.plan),
            Kind::NnUnet(_) => None,
        }
    }

    /// Bytes of memory that labelling a scan on this grid takes at most, weights and scores included, the scan itself not.
    pub fn memory_bytes(&self, grid: &Grid, options: &SegmentOptions) -> u64 {
        match &self.0 {
            Kind::Own(own) => {
                let plan = &own.plan;
                let mut mm3 = grid.len() as f64 * grid.voxel_volume_mm3();
                if plan.about_ears {
                    mm3 = mm3.min(super::region::LARGEST_MM3);
                }
                let array = (mm3 / plan.spacing_mm.iter().product::<f64>()).ceil() as usize;
                let one =
                    memory::needed_bytes(&plan.network, array, grid.len(), plan.patch, false, 1);
                let more = own.networks.len().saturating_sub(1) as u64;
                one + more * memory::kept_bytes(&plan.network, plan.patch)
            }
            Kind::NnUnet(model) => model.memory_bytes(grid, options.parity),
        }
    }

    /// What the model takes as channels, in their order.
    pub fn channels(&self) -> Vec<String> {
        match &self.0 {
            Kind::Own(own) if own.plan.about_ears => vec!["hrT2 or ceT1".to_owned()],
            Kind::Own(_) => vec!["hrT2".to_owned()],
            Kind::NnUnet(model) => model.channels().to_vec(),
        }
    }

    /// The network of a model of Schwann's own that takes whole scans.
    pub(super) fn whole_scan_model(&self) -> Option<&Own> {
        match &self.0 {
            Kind::Own(own) if own.localiser.is_none() => Some(own),
            _ => None,
        }
    }

    /// Refuses a number of scans that the model does not take.
    ///
    /// # Errors
    /// [`Error::Channels`].
    pub fn check_channels(&self, found: usize) -> Result<(), Error> {
        let names = self.channels();
        if found == names.len() {
            return Ok(());
        }
        Err(Error::Channels {
            expected: names.len(),
            names: names.join(", "),
            found,
        })
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
    /// Whether an nnU-Net adds scores up in half precision, as nnU-Net itself does: the same labels, a little less exact.
    pub parity: bool,
}

impl SegmentOptions {
    /// What a model is run with when the user says nothing: an nnU-Net as nnU-Net runs it.
    pub fn of(segmenter: &Segmenter) -> Self {
        match &segmenter.0 {
            Kind::Own(_) => Self::default(),
            Kind::NnUnet(_) => Self {
                mirror: true,
                step: 0.5,
                ..Self::default()
            },
        }
    }
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            mirror: false,
            step: 0.6,
            parity: false,
        }
    }
}

/// What a model says about a scan.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Labels on the scan's own grid, one value for each structure; those of our own models with the default [`LabelTable`].
    pub labels: LabelMap,
    /// The labels in the values of an nnU-Net, where several of these stand for one structure; `None` where `labels` is the same.
    pub unmerged: Option<LabelMap>,
    /// Which model.
    pub model: ModelInfo,
    /// Which device ran it, and why if it is not the one asked for.
    pub device: String,
    /// Volumes between which the tumour's lies with 95 % by the model's calibrated probabilities, mm³; `None` without a tumour or a calibration.
    pub tumour_interval95_mm3: Option<[f64; 2]>,
    /// Why the model tells nothing of a tumour on this scan: that `labels` hold none does not say that there is none. `None` where it tells.
    pub tumour_withheld: Option<String>,
    /// How sure the model is of each voxel, calibrated where it was; `None` of models that look at the whole scan at once, and where nothing was found.
    pub probabilities: Option<Probabilities>,
    /// Seconds of each stage, then `total`.
    pub seconds: Vec<(&'static str, f64)>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// Labels a scan: resamples it to the model's spacing in right-anterior-superior order, runs the network in overlapping tiles, brings the
/// class scores back to the scan's own grid, and takes back what anatomy forbids.
///
/// A scan with nothing to see gets no labels and a warning. The memory that it takes is [`Segmenter::memory_bytes`] at most; where the
/// system tells that less is free, it refuses.
///
/// # Errors
/// [`Error::Cancelled`] when the observer stops it, at the latest after a layer of the network; [`Error::Memory`]; others when the scan is too large or the network fails.
pub fn segment(
    scan: &Volume,
    segmenter: &Segmenter,
    options: &SegmentOptions,
    observe: &mut Observe<'_>,
) -> Result<Prediction, Error> {
    segment_channels(&[scan], segmenter, options, observe)
}

/// Takes labels of the scan's middle before the rest is done, and says whether to go on.
pub type Early<'a> = dyn FnMut(LabelMap) -> ControlFlow<()> + 'a;

/// [`segment`] that gives `early` a first label map when the tiles about the scan's middle are done, about an eighth of the way on a whole
/// head: there the angles lie. Beyond them it is empty, and what it has may still change. A cascade of nnU-Nets gives that of its first
/// network. Small scans give none, nor do an nnU-Net of single slices and one run with `parity`, whose tiles keep nnU-Net's order.
///
/// # Errors
/// As [`segment`].
pub fn segment_early(
    scan: &Volume,
    segmenter: &Segmenter,
    options: &SegmentOptions,
    early: &mut Early<'_>,
    observe: &mut Observe<'_>,
) -> Result<Prediction, Error> {
    predict(&[scan], segmenter, options, Some(early), observe)
}

/// [`segment`] for a model that takes several scans of one case, in the order of [`Segmenter::channels`] and on one grid.
///
/// # Errors
/// As [`segment`], and when the number of scans or a grid does not fit.
pub fn segment_channels(
    scans: &[&Volume],
    segmenter: &Segmenter,
    options: &SegmentOptions,
    observe: &mut Observe<'_>,
) -> Result<Prediction, Error> {
    predict(scans, segmenter, options, None, observe)
}

fn predict(
    scans: &[&Volume],
    segmenter: &Segmenter,
    options: &SegmentOptions,
    early: Option<&mut Early<'_>>,
    observe: &mut Observe<'_>,
) -> Result<Prediction, Error> {
    segmenter.check_channels(scans.len())?;
    let Some(first) = scans.first() else {
        return Err(Error::Plan("it takes no scan".to_owned()));
    };
    let apart = |scan: &&Volume| !scan.grid().matches(first.grid(), SAME_GRID_MM);
    if let Some(index) = scans.iter().position(apart) {
        return Err(Error::Grids(index + 1));
    }
    let needed = segmenter.memory_bytes(first.grid(), options);
    let mut clock = Clock::default();
    let chosen = options.device.open();
    let (mut tumour_interval95_mm3, mut tumour_withheld) = (None, None);
    let (mut unmerged, mut probabilities) = (None, None);
    let (labels, warnings) = match &segmenter.0 {
        Kind::Own(own) => {
            // A scan that is too large for any memory is told first.
            let spacing = own
                .localiser
                .as_ref()
                .map_or(own.plan.spacing_mm, |l| l.plan.spacing_mm);
            let grid = WorkingGrid::new(first.grid(), spacing)?;
            memory::check(needed)?;
            let how = (options, &chosen);
            if let Some(l) = &own.localiser {
                let found = segment_about_ears(first, own, l, how, early, &mut clock, observe)?;
                tumour_interval95_mm3 = found.tumour_interval95_mm3;
                tumour_withheld = found.tumour_withheld;
                probabilities = found.probabilities;
                (found.labels, found.warnings)
            } else {
                let middle = own.plan.field_mm.map(|mm| middle_part(first.grid(), mm));
                let found = match middle {
                    Some((low, shape)) if shape != first.grid().shape() => {
                        segment_middle(first, (low, shape), own, how, &mut clock, observe)?
                    }
                    _ => segment_own(first, &grid, own, how, early, &mut clock, observe)?,
                };
                tumour_withheld = found.tumour_withheld;
                (found.labels, found.warnings)
            }
        }
        Kind::NnUnet(model) => {
            // What the weights take is no longer free.
            memory::check(needed.saturating_sub(model.loaded_bytes()))?;
            let settings = nnunet::Settings {
                device: &chosen,
                mirror: options.mirror,
                step: options.step,
                parity: options.parity,
            };
            let found = segment_nnunet(model, scans, *first.grid(), &settings, early, observe)?;
            clock.stop("network");
            unmerged = found.1;
            (found.0, found.2)
        }
    };
    Ok(Prediction {
        labels,
        unmerged,
        model: segmenter.info().clone(),
        device: chosen.words,
        tumour_interval95_mm3,
        tumour_withheld,
        probabilities,
        seconds: clock.finish(),
        warnings,
    })
}

fn segment_nnunet(
    model: &NnUnet,
    scans: &[&Volume],
    grid: Grid,
    settings: &nnunet::Settings<'_>,
    early: Option<&mut Early<'_>>,
    observe: &mut Observe<'_>,
) -> Result<(LabelMap, Option<LabelMap>, Vec<String>), Error> {
    let mut first = early.map(|early| {
        move |model: &NnUnet, labels: Vec<u8>| Ok(early(model.known_labels().map(grid, &labels)?))
    });
    let mut first = first.as_mut().map(|f| f as &mut nnunet::EarlyLabels<'_>);
    let (labels, warnings) = nnunet::predict(model, scans, settings, &mut first, observe)?;
    let known = model.known_labels();
    Ok((
        known.map(grid, &labels)?,
        known.own(grid, labels)?,
        [warnings, known.warnings].concat(),
    ))
}

/// What a model says that takes whole scans.
struct Whole {
    labels: LabelMap,
    /// Why nothing is told of a tumour; `None` where it is.
    tumour_withheld: Option<String>,
    warnings: Vec<String>,
}

/// Labels a part of a scan; beyond it is background.
fn segment_middle(
    scan: &Volume,
    (low, shape): ([usize; 3], Shape),
    own: &Own,
    how: How<'_>,
    clock: &mut Clock,
    observe: &mut Observe<'_>,
) -> Result<Whole, Error> {
    let part = scan.cropped(low, shape)?;
    let grid = WorkingGrid::new(part.grid(), own.plan.spacing_mm)?;
    let Whole {
        labels: found,
        tumour_withheld,
        mut warnings,
    } = segment_own(&part, &grid, own, how, None, clock, observe)?;
    let whole = scan.grid();
    let mut labels = vec![0; whole.len()];
    for (row, from) in found.labels().chunks_exact(shape[0]).enumerate() {
        let (j, k) = (row % shape[1], row / shape[1]);
        let start = whole.index([low[0], low[1] + j, low[2] + k]);
        labels[start..start + shape[0]].copy_from_slice(from);
    }
    if let Some([r, a]) = own.plan.field_mm {
        warnings.push(format!(
            "only the middle {r:.0} × {a:.0} mm of the scan was searched: the model learned no more"
        ));
    }
    let table = found.table().clone();
    Ok(Whole {
        labels: LabelMap::new(*whole, labels, table)?,
        tumour_withheld,
        warnings,
    })
}

fn segment_own(
    scan: &Volume,
    grid: &WorkingGrid,
    own: &Own,
    how: How<'_>,
    early: Option<&mut Early<'_>>,
    clock: &mut Clock,
    observe: &mut Observe<'_>,
) -> Result<Whole, Error> {
    let mut warnings = vec![own.origin()];
    report(observe, "resampling", 0.0)?;
    let [low] = scan.quantiles([0.005]);
    let intensities = grid.resample(scan, low as f32);
    clock.stop("resample");
    if let Some(why) = unreadable(grid, &intensities) {
        warnings.push(why.clone());
        let empty = vec![0; scan.grid().len()];
        return Ok(Whole {
            labels: LabelMap::new(*scan.grid(), empty, LabelTable::default())?,
            tumour_withheld: Some(why),
            warnings,
        });
    }
    warnings.extend(coarse(scan.grid()));
    let scores = run(grid, &intensities, own, how, early, observe)?;
    drop(intensities);
    clock.stop("network");
    report(observe, "restoring", 0.0)?;
    let labels = grid.restore(&scores, &own.decision(CERTAIN))?;
    drop(scores);
    clock.stop("restore");
    report(observe, "cleaning", 0.0)?;
    let (labels, more) = own.plan.post_processing.apply(&labels, &[])?;
    clock.stop("clean");
    warnings.extend(more);
    Ok(Whole {
        labels,
        tumour_withheld: None,
        warnings,
    })
}

/// What a reader must know of a scan with voxels that blur away what the model looks for.
pub(super) fn coarse(grid: &Grid) -> Option<String> {
    let largest = grid.spacing_mm().into_iter().fold(0.0, f64::max);
    (largest > COARSE_MM)
        .then(|| format!("voxels of {largest:.1} mm: small structures cannot be outlined"))
}

/// Why a scan cannot show what the model looks for.
pub(super) fn unreadable(grid: &WorkingGrid, intensities: &[f32]) -> Option<String> {
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
    foreign(grid, intensities)
}

/// Class probabilities on the network's grid, `[class][superior][anterior][right]`.
pub(super) fn run(
    grid: &WorkingGrid,
    intensities: &[f32],
    own: &Own,
    (options, chosen): How<'_>,
    mut early: Option<&mut Early<'_>>,
    observe: &mut Observe<'_>,
) -> Result<Vec<f32>, Error> {
    let plan = &own.plan;
    let runners = own.networks.iter();
    let runners = runners.map(|network| Runner::new(network, &chosen.device));
    let mut runners: Vec<Runner> = runners.collect::<Result<_, _>>()?;
    let [d, h, w] = plan.network.divisor();
    let tiling = Tiling::new(grid.shape, plan.patch, [w, h, d], options.step);
    let (tiles, middle) = tiling.middle_first();
    let mut sums = vec![0.0; own.labels.len() * intensities.len()];
    for (done, &first) in tiles.iter().enumerate() {
        let mut tile = tiling.cut(intensities, first);
        prepare(&mut tile, plan.clip_quantiles);
        let passes = if options.mirror { 2.0 } else { 1.0 };
        let how = (options.mirror, plan.temperature());
        let count = runners.len() as f32;
        let mut scores: Vec<f32> = Vec::new();
        for (n, runner) in runners.iter_mut().enumerate() {
            let mut watch = |part: f32| {
                let of_tile = (n as f32 + part / passes) / count;
                observe(Progress {
                    stage: "segmenting",
                    fraction: (done as f32 + of_tile) / tiles.len() as f32,
                })
            };
            let found = match classify(runner, &mut tile.clone(), &tiling, how, &mut watch) {
                Err(model::Error::Stopped) => return Err(Error::Cancelled),
                other => other?,
            };
            if scores.is_empty() {
                scores = found;
            } else {
                scores.iter_mut().zip(found).for_each(|(s, f)| *s += f);
            }
        }
        if runners.len() > 1 {
            for s in &mut scores {
                *s /= count;
            }
        }
        tiling.add(&mut sums, first, &own.merged(scores, tile.len()));
        if done + 1 == middle
            && middle < tiles.len()
            && let Some(early) = early.take()
        {
            // These are not probabilities yet: no background is certain.
            let labels = grid.restore(&sums, &own.decision(f32::INFINITY))?;
            if early(own.plan.post_processing.apply(&labels, &[])?.0).is_break() {
                return Err(Error::Cancelled);
            }
        }
    }
    tiling.normalise(&mut sums);
    Ok(sums)
}

/// Probabilities of a tile's voxels, `[class][superior][anterior][right]`; with `mirror` the mean with those of the tile mirrored left to
/// right. Leaves the tile mirrored.
fn classify(
    runner: &mut Runner,
    tile: &mut [f32],
    tiling: &Tiling,
    (mirror, temperature): (bool, f32),
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, model::Error> {
    let [w, h, d] = tiling.tile;
    let mut scores = runner.scores(tile, [d, h, w], watch)?;
    softmax(&mut scores, d * h * w, temperature);
    if mirror {
        tile.chunks_exact_mut(w).for_each(<[f32]>::reverse);
        let mut mirrored = runner.scores(tile, [d, h, w], &mut |part| watch(1.0 + part))?;
        softmax(&mut mirrored, d * h * w, temperature);
        let rows = scores.chunks_exact_mut(w).zip(mirrored.chunks_exact(w));
        for (row, mirrored) in rows {
            let pairs = row.iter_mut().zip(mirrored.iter().rev());
            pairs.for_each(|(s, m)| *s = 0.5 * (*s + m));
        }
    }
    Ok(scores)
}

/// Scores `[class][voxel]` to probabilities at a temperature.
fn softmax(scores: &mut [f32], voxels: usize, temperature: f32) {
    const BLOCK: usize = 4096;
    for first in (0..voxels).step_by(BLOCK) {
        let last = (first + BLOCK).min(voxels);
        let mut highest = [f32::NEG_INFINITY; BLOCK];
        let mut sum = [0.0_f32; BLOCK];
        for class in scores.chunks_exact(voxels) {
            let pairs = highest.iter_mut().zip(&class[first..last]);
            pairs.for_each(|(h, s)| *h = h.max(*s));
        }
        for class in scores.chunks_exact_mut(voxels) {
            for (n, s) in class[first..last].iter_mut().enumerate() {
                *s = ((*s - highest[n]) / temperature).exp();
                sum[n] += *s;
            }
        }
        for class in scores.chunks_exact_mut(voxels) {
            let pairs = class[first..last].iter_mut().zip(&sum);
            pairs.for_each(|(s, total)| *s /= total);
        }
    }
}

pub(super) fn report(
    observe: &mut Observe<'_>,
    stage: &'static str,
    fraction: f32,
) -> Result<(), Error> {
    match observe(Progress { stage, fraction }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

/// Measures stages.
pub(super) struct Clock {
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
    pub(super) fn stop(&mut self, stage: &'static str) {
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
