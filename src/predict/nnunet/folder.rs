//! A model folder of nnU-Net v2: plans, data set, and the weights of one network a fold.
use super::super::{Error, ModelInfo, memory};
use super::dataset::Dataset;
use super::names::KnownLabels;
use super::plans::{Configuration, Plans};
use super::prepare::whole_size;
use crate::model::{
    Checkpoint, CheckpointError, Encoder, Parameters, Sha256Digest, UNet, UNetDescription,
};
use crate::volume::Grid;
use candle_core::{Device, Tensor};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Name of the weights in a fold's folder.
const CHECKPOINT: &str = "checkpoint_final.pth";
/// The trainers whose networks, preprocessing and prediction are those of nnU-Net itself: they differ in how they learn.
const TRAINERS: [&str; 13] = [
    "nnUNetTrainer",
    "nnUNetTrainerNoMirroring",
    "nnUNetTrainer_onlyMirror01",
    "nnUNetTrainerDA5",
    "nnUNetTrainerNoDA",
    "nnUNetTrainerDiceCELoss_noSmooth",
    "nnUNetTrainerDiceLoss",
    "nnUNetTrainerCELoss",
    "nnUNetTrainerTopk10Loss",
    "nnUNetTrainerTopk10LossLS01",
    "nnUNetTrainerAdam",
    "nnUNetTrainerVanillaAdam",
    "nnUNetTrainer_probabilisticOversampling",
];

/// Which of the networks of a folder are averaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folds {
    /// All numbered ones that are there; without any the one trained on everything.
    Present,
    /// These.
    Numbers(Vec<usize>),
    /// The one trained on everything.
    All,
}

/// An nnU-Net that is ready to run.
#[derive(Debug, Clone)]
pub struct NnUnet {
    pub(super) transpose: [usize; 3],
    pub(super) reoriented: bool,
    pub(super) configuration: Configuration,
    pub(super) dataset: Dataset,
    pub(super) networks: Vec<UNet>,
    /// Axes of the network's input along which results are averaged with those of mirrored input.
    pub(super) mirror_axes: Vec<usize>,
    /// The network whose labels this one takes as further input.
    pub(super) previous: Option<Box<NnUnet>>,
    info: ModelInfo,
}

impl NnUnet {
    /// Whether a folder looks like one of nnU-Net v2.
    pub fn is_folder(path: &Path) -> bool {
        path.join("plans.json").is_file() && path.join("dataset.json").is_file()
    }

    /// Reads a folder. A cascade's first network is looked for in the folder beside it.
    ///
    /// # Errors
    /// When a file is missing or damaged, or says something that is not supported; file and field are named.
    pub fn from_folder(path: &Path, folds: &Folds) -> Result<Self, Error> {
        Self::read(path, folds, false)
    }

    /// The same of the first network of a cascade, or of any.
    fn read(path: &Path, folds: &Folds, is_first: bool) -> Result<Self, Error> {
        let dataset = Dataset::read(&path.join("dataset.json"))?;
        let plans_path = path.join("plans.json");
        let plans = Plans::read(&plans_path)?;
        let files = checkpoints(path, folds)?;
        let mut networks = Vec::new();
        let mut settled: Option<(Configuration, Vec<usize>)> = None;
        let mut digest = Sha256Digest::default();
        for file in files {
            let at = |source| Error::Checkpoint {
                source,
                path: file.clone(),
            };
            let mut checkpoint = Checkpoint::open(&file).map_err(at)?;
            // The first fold says how all are run.
            let (configuration, _) = match settled.take() {
                Some(settled_before) => settled.insert(settled_before),
                None => {
                    settled.insert(settle(&plans, &plans_path, &dataset, (&checkpoint, &file))?)
                }
            };
            // Before its weights are read: a cascade that names itself would never end.
            if is_first && configuration.previous_stage.is_some() {
                return Err(Error::Folder {
                    file: plans_path,
                    problem: "is a cascade of more than two networks".to_owned(),
                });
            }
            let network = &configuration.network;
            let parameters =
                parameters(&mut checkpoint, network, configuration.flat).map_err(at)?;
            networks.push(UNet::new(network.clone(), parameters)?);
            digest.add_file(&file).map_err(|source| at(source.into()))?;
        }
        let Some((configuration, mirror_axes)) = settled else {
            return Err(Error::Folder {
                file: path.to_owned(),
                problem: format!("has no fold with {CHECKPOINT}"),
            });
        };
        let previous = configuration.previous_stage.as_deref();
        let previous = previous
            .map(|stage| previous_stage(path, stage, folds))
            .transpose()?;
        let name = path
            .file_name()
            .map_or_else(|| "nnU-Net".into(), |n| n.to_string_lossy());
        Ok(Self {
            transpose: plans.transpose,
            reoriented: plans.reader == super::plans::Reader::Reoriented,
            info: ModelInfo {
                name: name.into_owned(),
                version: format!("nnU-Net v2, {} folds", networks.len()),
                sha256: digest.finish(),
            },
            configuration,
            dataset,
            networks,
            mirror_axes,
            previous,
        })
    }

    /// Name, number of folds, and hash of the weights.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Which of its labels Schwann knows.
    pub(in crate::predict) fn known_labels(&self) -> KnownLabels {
        KnownLabels::of(&self.dataset)
    }

    /// Bytes of memory that labelling a scan on this grid takes at most, the weights of all networks included.
    pub fn memory_bytes(&self, grid: &Grid, half: bool) -> u64 {
        let configuration = &self.configuration;
        let whole = whole_size(self, grid);
        let padded = (0..3).map(|a| whole[a].max(configuration.patch[a]));
        // More than any machine has, and far from what bytes can be counted of.
        let array = padded.fold(1, usize::saturating_mul).min(1 << 44);
        let folds = self.networks.len();
        let own = memory::needed_bytes(
            &configuration.network,
            array,
            grid.len(),
            configuration.patch,
            half,
            folds,
        );
        let Some(first) = &self.previous else {
            return own;
        };
        // The networks of a cascade run one after the other, and each keeps its weights while the other runs.
        let kept = self.loaded_bytes() - first.loaded_bytes();
        (own + first.loaded_bytes()).max(first.memory_bytes(grid, half) + kept)
    }

    /// Bytes of the weights that reading the folder left in memory.
    pub(in crate::predict) fn loaded_bytes(&self) -> u64 {
        let one = memory::loaded_bytes(&self.configuration.network);
        let first = self.previous.as_deref().map_or(0, Self::loaded_bytes);
        one * self.networks.len() as u64 + first
    }

    /// Names of the scans that it takes, in their order.
    pub fn channels(&self) -> &[String] {
        &self.dataset.channels
    }
}

/// The configuration that a checkpoint was trained for, made to fit the data set, and the axes along which input is mirrored.
fn settle(
    plans: &Plans,
    plans_path: &Path,
    dataset: &Dataset,
    (checkpoint, file): (&Checkpoint, &Path),
) -> Result<(Configuration, Vec<usize>), Error> {
    const AXES: &str = "inference_allowed_mirroring_axes";
    let at = |source| Error::Checkpoint {
        source,
        path: file.to_owned(),
    };
    check_trainer(checkpoint).map_err(|problem| Error::Folder {
        file: file.to_owned(),
        problem,
    })?;
    let name = checkpoint.configuration();
    let name = name.ok_or(CheckpointError::Field("init_args.configuration"));
    let mut found = plans.configuration(name.map_err(at)?)?;
    let further = usize::from(found.previous_stage.is_some()) * dataset.foreground.len();
    found.network.in_channels = dataset.channels.len() + further;
    found.network.classes = dataset.heads.count();
    found.network.validate().map_err(|error| Error::Folder {
        file: plans_path.to_owned(),
        problem: format!("configurations.{}: {error}", found.name),
    })?;
    if found.schemes.len() != dataset.channels.len() {
        return Err(Error::Folder {
            file: plans_path.to_owned(),
            problem: format!(
                "normalization_schemes of {} has {} entries, but dataset.json has {} channels",
                found.name,
                found.schemes.len(),
                dataset.channels.len()
            ),
        });
    }
    let mut axes = checkpoint.mirroring_axes().map_err(at)?.unwrap_or_default();
    if found.flat {
        // Axes of a slice come after the axis across slices.
        for axis in &mut axes {
            *axis += 1;
        }
    }
    let doubled = (1..axes.len()).any(|n| axes[..n].contains(&axes[n]));
    if doubled || axes.iter().any(|a| *a > 2) {
        return Err(at(CheckpointError::Field(AXES)));
    }
    Ok((found, axes))
}

/// The first network of a cascade lies beside it and differs in the last part of its name.
fn previous_stage(path: &Path, stage: &str, folds: &Folds) -> Result<Box<NnUnet>, Error> {
    let wrong = |problem: String| Error::Folder {
        file: path.to_owned(),
        problem,
    };
    let name = path.file_name().and_then(|n| n.to_str());
    let Some((before, _)) = name.and_then(|n| n.rsplit_once("__")) else {
        return Err(wrong(format!(
            "is a cascade after {stage}; its folder must be named trainer__plans__configuration so that the folder of {stage} can be found"
        )));
    };
    let beside = path.with_file_name(format!("{before}__{stage}"));
    if !NnUnet::is_folder(&beside) {
        return Err(wrong(format!(
            "is a cascade after {stage}, and {} is no model folder",
            beside.display()
        )));
    }
    NnUnet::read(&beside, folds, true).map(Box::new)
}

fn check_trainer(checkpoint: &Checkpoint) -> Result<(), String> {
    let Some(name) = checkpoint.trainer() else {
        return Err("has no field trainer_name".to_owned());
    };
    // Variants that only train longer or shorter.
    let epochs = name
        .strip_prefix("nnUNetTrainer_")
        .is_some_and(|rest| rest.ends_with("epochs") || rest.ends_with("epoch"));
    if epochs || TRAINERS.contains(&name) {
        return Ok(());
    }
    Err(format!(
        "trainer_name is {name}: this trainer is not supported, as it may build another network"
    ))
}

/// The checkpoints of the wanted folds.
fn checkpoints(path: &Path, folds: &Folds) -> Result<Vec<PathBuf>, Error> {
    let of = |fold: &str| path.join(format!("fold_{fold}")).join(CHECKPOINT);
    let wanted: Vec<PathBuf> = match folds {
        Folds::Numbers(numbers) => numbers.iter().map(|n| of(&n.to_string())).collect(),
        Folds::All => vec![of("all")],
        Folds::Present => {
            let mut found: Vec<PathBuf> = (0..100)
                .map(|n| of(&n.to_string()))
                .filter(|file| file.is_file())
                .collect();
            if found.is_empty() && of("all").is_file() {
                found.push(of("all"));
            }
            found
        }
    };
    match wanted.iter().find(|file| !file.is_file()) {
        None if !wanted.is_empty() => Ok(wanted),
        missing => Err(Error::Folder {
            file: missing.map_or_else(|| path.to_owned(), Clone::clone),
            problem: if missing.is_some() {
                "is missing".to_owned()
            } else {
                format!("has no fold with {CHECKPOINT}")
            },
        }),
    }
}

/// How nnU-Net calls a tensor of ours, and ours; shapes are those of our description.
fn names(network: &UNetDescription) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut block = |theirs: String, ours: String| {
        for part in ["conv.weight", "norm.weight", "norm.bias"] {
            pairs.push((format!("{theirs}.{part}"), format!("{ours}.{part}")));
        }
    };
    let residual = matches!(network.encoder, Encoder::Residual { .. });
    let mut from = network.in_channels;
    if let Encoder::Residual { stem_channels } = network.encoder {
        block("encoder.stem.convs.0".to_owned(), "encoder.stem".to_owned());
        from = stem_channels;
    }
    for (l, level) in network.levels.iter().enumerate() {
        for c in 0..level.encoder_convs {
            let ours = format!("encoder.{l}.{c}");
            if residual {
                let theirs = format!("encoder.stages.{l}.blocks.{c}");
                block(format!("{theirs}.conv1"), format!("{ours}.first"));
                block(format!("{theirs}.conv2"), format!("{ours}.second"));
                if from != level.channels {
                    // Behind the averaging, where the block strides.
                    let strided = c == 0 && level.stride != [1; 3];
                    let place = usize::from(strided);
                    block(format!("{theirs}.skip.{place}"), format!("{ours}.skip"));
                }
            } else {
                block(format!("encoder.stages.{l}.0.convs.{c}"), ours);
            }
            from = level.channels;
        }
    }
    let ups = network.levels.len() - 1;
    for l in 0..ups {
        let stage = ups - 1 - l;
        for c in 0..network.levels[l].decoder_convs {
            block(
                format!("decoder.stages.{stage}.convs.{c}"),
                format!("decoder.{l}.{c}"),
            );
        }
    }
    for l in 0..ups {
        let stage = ups - 1 - l;
        let mut pair = |part: &str| {
            pairs.push((
                format!("decoder.transpconvs.{stage}.{part}"),
                format!("decoder.{l}.up.{part}"),
            ));
        };
        pair("weight");
        if network.up_bias {
            pair("bias");
        }
    }
    for part in ["weight", "bias"] {
        pairs.push((
            format!("decoder.seg_layers.{}.{part}", ups.saturating_sub(1)),
            format!("head.{part}"),
        ));
    }
    pairs
}

/// Reads the network's tensors, and makes sure that every tensor of the file is one of them, the same under another name, or of no effect.
fn parameters(
    checkpoint: &mut Checkpoint,
    network: &UNetDescription,
    flat: bool,
) -> Result<Parameters, CheckpointError> {
    let shapes = network.shapes();
    let missing = |name: &str| CheckpointError::Tensor {
        name: name.to_owned(),
        problem: "is missing, which plans.json asks for",
    };
    let mut parameters = Parameters::new();
    let mut known = BTreeSet::new();
    for (theirs, ours) in names(network) {
        let shape = checkpoint.shape(&theirs);
        let mut full = shape
            .map(<[usize]>::to_vec)
            .ok_or_else(|| missing(&theirs))?;
        // A flat network's kernels have no depth.
        if flat && full.len() == 4 {
            full.insert(2, 1);
        }
        let expected = shapes.get(&ours).cloned().unwrap_or_default();
        if full != expected {
            return Err(CheckpointError::Shape {
                name: theirs,
                found: full,
                expected,
            });
        }
        let (_, values) = checkpoint.tensor(&theirs)?;
        let tensor = Tensor::from_vec(values, full, &Device::Cpu);
        let tensor = tensor.ok().ok_or_else(|| CheckpointError::Tensor {
            name: theirs.clone(),
            problem: "cannot be used",
        })?;
        parameters.insert(ours, tensor);
        // What a convolution adds, the normalisation behind it takes away.
        if let Some(stem) = theirs.strip_suffix(".conv.weight") {
            known.insert(format!("{stem}.conv.bias"));
        }
        known.insert(theirs);
    }
    for stage in 0..network.levels.len().saturating_sub(2) {
        // Heads of deep supervision serve training alone.
        known.insert(format!("decoder.seg_layers.{stage}.weight"));
        known.insert(format!("decoder.seg_layers.{stage}.bias"));
    }
    let all: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    for name in all {
        if known.contains(&name) {
            continue;
        }
        let alias = alias(&name);
        let same = match &alias {
            Some(alias) if known.contains(alias) => checkpoint.same(&name, alias)?,
            _ => {
                return Err(CheckpointError::Tensor {
                    name,
                    problem: "is not part of the network that plans.json describes",
                });
            }
        };
        if !same {
            return Err(CheckpointError::Tensor {
                name,
                problem: "differs from the tensor that it stands for",
            });
        }
    }
    Ok(parameters)
}

/// The first name of a tensor that PyTorch lists several times.
fn alias(name: &str) -> Option<String> {
    let bare = name
        .strip_prefix("decoder.")
        .filter(|n| n.starts_with("encoder."));
    let bare = bare.unwrap_or(name);
    let direct = match bare.split_once(".all_modules.") {
        None => bare.to_owned(),
        Some((stem, rest)) => {
            let (place, part) = rest.split_once('.')?;
            // The convolution comes first; the normalisation follows, after dropout if there is any.
            let module = match place {
                "0" => "conv",
                "1" | "2" => "norm",
                _ => return None,
            };
            format!("{stem}.{module}.{part}")
        }
    };
    (direct != name).then_some(direct)
}
