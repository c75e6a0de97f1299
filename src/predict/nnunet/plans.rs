//! `plans.json` of nnU-Net v2: how scans are prepared for a network, and what the network is made of.
use super::super::Error;
use super::json::{Document, Field};
use crate::model::{Encoder, Level, UNetDescription};
use std::path::Path;

/// What the whole plans say, whatever the configuration.
#[derive(Debug)]
pub(super) struct Plans {
    document: Document,
    /// Axis of the stored array (slowest first) that becomes axis 0, 1, 2 of what the network sees.
    pub(super) transpose: [usize; 3],
    pub(super) reader: Reader,
}

/// Which of nnU-Net's readers the scans went through in training: it decides the order of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Axes as the file stores them, slowest first.
    Stored,
    /// Axes reordered and flipped to right, anterior, superior first; slowest (superior) first.
    Reoriented,
}

/// Statistics of the foreground in the training scans, for computed tomography.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Intensities {
    pub(super) mean: f32,
    pub(super) deviation: f32,
    pub(super) low: f32,
    pub(super) high: f32,
}

/// How intensities of a channel are normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scheme {
    ZScore { masked: bool },
    Ct(Intensities),
    None,
    RescaleTo01,
    RgbTo01,
}

/// How arrays are brought to another size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resampling {
    /// Splines of an order, 0 to 3; along a coarse axis apart from the others and with `order_z`.
    Spline {
        order: usize,
        order_z: usize,
        separate_z: Option<bool>,
    },
    /// Trilinear as in PyTorch; along a coarse axis the nearest slice.
    Torch { separate_z: Option<bool> },
    /// None at all.
    Identity,
}

/// One configuration, inheritance resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Configuration {
    pub(super) name: String,
    /// Whether the network sees single slices.
    pub(super) flat: bool,
    /// Voxels of a tile; 1 along axis 0 of a flat configuration.
    pub(super) patch: [usize; 3],
    /// mm along the axes that the network sees; a flat configuration keeps the first as it is.
    pub(super) spacing: Vec<f64>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) data: Resampling,
    pub(super) probabilities: Resampling,
    /// For the labels of the previous stage.
    pub(super) labels: Resampling,
    /// The network, with `in_channels` and `classes` still to be set.
    pub(super) network: UNetDescription,
    /// The configuration whose labels are further inputs.
    pub(super) previous_stage: Option<String>,
}

/// Most voxels of a tile that are believed; nnU-Net's planner stays under ten million.
const MOST_PATCH_VOXELS: usize = 1 << 27;
/// Most levels and convolutions of a level that are believed.
const MOST_STAGES: usize = 8;

impl Plans {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let document = Document::read(path)?;
        let root = document.root();
        let transpose = axes(&root.get("transpose_forward")?)?;
        let backward = axes(&root.get("transpose_backward")?)?;
        if (0..3).any(|a| backward[transpose[a]] != a) {
            return Err(root
                .get("transpose_backward")?
                .wrong("does not undo transpose_forward"));
        }
        let reader = root.get("image_reader_writer")?;
        let reader = match reader.text()? {
            "SimpleITKIO" | "NibabelIO" => Reader::Stored,
            "SimpleITKIOWithReorient" | "NibabelIOWithReorient" => Reader::Reoriented,
            _ => return reader.unknown("reader"),
        };
        if let Some(manager) = root.find("label_manager")
            && manager.text()? != "LabelManager"
        {
            return manager.unknown("label manager");
        }
        Ok(Self {
            document,
            transpose,
            reader,
        })
    }

    /// A configuration by name.
    pub(super) fn configuration(&self, name: &str) -> Result<Configuration, Error> {
        let all = self.document.root().get("configurations")?;
        // The chain from the configuration to what it inherits from; the first that has a field decides.
        let mut chain = vec![all.get(name)?];
        let mut visited = vec![name.to_owned()];
        while let Some(parent) = chain.last().and_then(|c| c.find("inherits_from")) {
            let parent_name = parent.text()?.to_owned();
            if visited.contains(&parent_name) {
                return Err(parent.wrong("goes round in a circle"));
            }
            chain.push(all.get(&parent_name)?);
            visited.push(parent_name);
        }
        let find = |field: &str| chain.iter().find_map(|c| c.find(field));
        let get = |field: &str| match find(field) {
            Some(found) => Ok(found),
            None => chain[0].get(field),
        };
        let preprocessor = get("preprocessor_name")?;
        if preprocessor.text()? != "DefaultPreprocessor" {
            return preprocessor.unknown("preprocessor");
        }
        let patch = get("patch_size")?;
        let voxels = patch.wholes(1, 4096)?;
        let (flat, size) = match *voxels {
            [h, w] => (true, [1, h, w]),
            [d, h, w] => (false, [d, h, w]),
            _ => return Err(patch.wrong("has neither two nor three numbers")),
        };
        if size.iter().product::<usize>() > MOST_PATCH_VOXELS {
            return Err(patch.wrong("is larger than any network's"));
        }
        let spacing_field = get("spacing")?;
        let spacing = numbers(&spacing_field)?;
        if spacing.len() != voxels.len() || spacing.iter().any(|s| !(1e-3..=1e3).contains(s)) {
            return Err(spacing_field.wrong("is no spacing for that patch"));
        }
        let network = match find("architecture") {
            Some(architecture) => network(&architecture, flat)?,
            None => old_network(&get, flat)?,
        };
        let divisor = network.divisor();
        if (0..3).any(|a| size[a] % divisor[a] != 0) {
            return Err(patch.wrong("is no multiple of the network's strides"));
        }
        let previous_stage = find("previous_stage");
        let previous_stage = previous_stage.as_ref().map(Field::text).transpose()?;
        let labels = match previous_stage {
            Some(_) => label_resampling(
                &get("resampling_fn_seg")?,
                find("resampling_fn_seg_kwargs").as_ref(),
            )?,
            None => Resampling::Identity,
        };
        let configuration = Configuration {
            name: name.to_owned(),
            flat,
            patch: size,
            spacing,
            schemes: self.schemes(&get("normalization_schemes")?, &get("use_mask_for_norm")?)?,
            data: resampling(
                &get("resampling_fn_data")?,
                find("resampling_fn_data_kwargs").as_ref(),
            )?,
            probabilities: resampling(
                &get("resampling_fn_probabilities")?,
                find("resampling_fn_probabilities_kwargs").as_ref(),
            )?,
            labels,
            network,
            previous_stage: previous_stage.map(str::to_owned),
        };
        if kept(configuration.probabilities) && !kept(configuration.data) {
            return Err(get("resampling_fn_probabilities")?.wrong(
                "leaves the scores as they are, but resampling_fn_data resamples the scan: the labels would not lie on its voxels",
            ));
        }
        // Scan and labels of the first network are channels of one array.
        let cascade = configuration.previous_stage.is_some();
        if cascade && kept(configuration.labels) != kept(configuration.data) {
            return Err(get("resampling_fn_seg")?.wrong(
                "and resampling_fn_data do not both resample: the labels of the previous stage would not lie on the scan's voxels",
            ));
        }
        Ok(configuration)
    }

    fn schemes(&self, names: &Field<'_>, masks: &Field<'_>) -> Result<Vec<Scheme>, Error> {
        let (items, masks_of) = (names.items()?, masks.items()?);
        if items.len() != masks_of.len() || items.is_empty() {
            return Err(masks.wrong("has not one entry for each normalization scheme"));
        }
        let scheme = |(channel, (name, mask)): (usize, (&Field<'_>, &Field<'_>))| {
            Ok(match name.text()? {
                "ZScoreNormalization" => Scheme::ZScore {
                    masked: mask.truth()?,
                },
                "CTNormalization" => Scheme::Ct(self.intensities(channel)?),
                "NoNormalization" => Scheme::None,
                "RescaleTo01Normalization" => Scheme::RescaleTo01,
                "RGBTo01Normalization" => Scheme::RgbTo01,
                _ => return name.unknown("normalization"),
            })
        };
        items
            .iter()
            .zip(&masks_of)
            .enumerate()
            .map(scheme)
            .collect()
    }

    fn intensities(&self, channel: usize) -> Result<Intensities, Error> {
        let root = self.document.root();
        let all = match root.find("foreground_intensity_properties_per_channel") {
            Some(all) => all,
            None => match root.find("foreground_intensity_properties_by_modality") {
                Some(all) => all,
                None => root.get("foreground_intensity_properties_per_channel")?,
            },
        };
        let of = all.get(&channel.to_string())?;
        let number = |name: &str| Ok::<_, Error>(of.get(name)?.number()? as f32);
        Ok(Intensities {
            mean: number("mean")?,
            deviation: number("std")?,
            low: number("percentile_00_5")?,
            high: number("percentile_99_5")?,
        })
    }
}

/// Whether an array stays as it is.
fn kept(how: Resampling) -> bool {
    how == Resampling::Identity
}

fn axes(field: &Field<'_>) -> Result<[usize; 3], Error> {
    let list = field.wholes(0, 2)?;
    let found = <[usize; 3]>::try_from(list).ok();
    let found = found.filter(|a| (0..3).all(|axis| a.contains(&axis)));
    found.ok_or_else(|| field.wrong("is no order of three axes"))
}

fn numbers(field: &Field<'_>) -> Result<Vec<f64>, Error> {
    field.items()?.iter().map(Field::number).collect()
}

fn resampling(name: &Field<'_>, arguments: Option<&Field<'_>>) -> Result<Resampling, Error> {
    let known = |fields: &[&str]| -> Result<(), Error> {
        let Some(arguments) = arguments else {
            return Ok(());
        };
        for (field, value) in arguments.fields()? {
            if !fields.contains(&field) {
                return value.unknown("argument");
            }
        }
        Ok(())
    };
    let find = |field: &str| arguments.and_then(|a| a.find(field));
    let present =
        |field: &str| arguments.is_some_and(|a| a.object().is_ok_and(|o| o.contains_key(field)));
    let separate = |otherwise: Option<bool>| -> Result<Option<bool>, Error> {
        match find("force_separate_z") {
            Some(value) => Ok(Some(value.truth()?)),
            // Null means to decide by the spacing; absent means the function's own choice.
            None if present("force_separate_z") => Ok(None),
            None => Ok(otherwise),
        }
    };
    let order = |field: &str, otherwise: usize| {
        find(field).map_or(Ok(otherwise), |value| value.whole(0, 3))
    };
    match name.text()? {
        "resample_data_or_seg_to_shape" => {
            known(&["is_seg", "order", "order_z", "force_separate_z"])?;
            let (order, order_z) = (order("order", 3)?, order("order_z", 0)?);
            if order == 2 || order_z > 1 {
                return name.unknown("order of splines in the arguments of this function");
            }
            Ok(Resampling::Spline {
                order,
                order_z,
                separate_z: separate(Some(false))?,
            })
        }
        "resample_torch_fornnunet" => {
            known(&[
                "is_seg",
                "force_separate_z",
                "memefficient_seg_resampling",
                "num_threads",
                "mode",
                "aniso_axis_mode",
            ])?;
            for (field, only) in [("mode", "linear"), ("aniso_axis_mode", "nearest-exact")] {
                if let Some(value) = find(field)
                    && value.text()? != only
                {
                    return value.unknown("interpolation");
                }
            }
            Ok(Resampling::Torch {
                separate_z: separate(None)?,
            })
        }
        "no_resampling_hack" => Ok(Resampling::Identity),
        _ => name.unknown("resampling"),
    }
}

/// How labels are brought to another size: linearly, which is what nnU-Net's planners write.
fn label_resampling(name: &Field<'_>, arguments: Option<&Field<'_>>) -> Result<Resampling, Error> {
    // Saving memory there gives other labels.
    let saving = arguments.and_then(|a| a.find("memefficient_seg_resampling"));
    if let Some(saving) = saving
        && saving.truth()?
    {
        return saving.unknown("way of resampling labels");
    }
    match resampling(name, arguments)? {
        Resampling::Spline { order, order_z, .. } if order != 1 || order_z != 0 => {
            name.unknown("order of splines in the arguments of this function")
        }
        known => Ok(known),
    }
}

/// The network of `architecture`.
fn network(architecture: &Field<'_>, flat: bool) -> Result<UNetDescription, Error> {
    let class = architecture.get("network_class_name")?;
    let arguments = architecture.get("arch_kwargs")?;
    // Older plans name modules that have since been moved: only the class counts.
    let residual = match class.text()?.rsplit('.').next() {
        Some("PlainConvUNet") => false,
        Some("ResidualEncoderUNet") => true,
        _ => return class.unknown("network"),
    };
    let dimension = if flat { "2d" } else { "3d" };
    let expect = |name: &str, suffixes: &[&str]| -> Result<(), Error> {
        let field = arguments.get(name)?;
        let last = field
            .text()?
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        if suffixes
            .iter()
            .any(|s| last == format!("{s}{dimension}") || last == *s)
        {
            Ok(())
        } else {
            field.unknown("operator")
        }
    };
    expect("conv_op", &["Conv"])?;
    expect("norm_op", &["InstanceNorm"])?;
    expect("nonlin", &["LeakyReLU", "ReLU"])?;
    if let Some(dropout) = arguments.find("dropout_op") {
        // Dropout does nothing in prediction.
        dropout.text()?;
    }
    if let Some(norm) = arguments.find("norm_op_kwargs") {
        let epsilon = norm.find("eps").map_or(Ok(1e-5), |e| e.number())?;
        let affine = norm.find("affine").map_or(Ok(false), |a| a.truth())?;
        if !affine || (epsilon - 1e-5).abs() > 1e-12 {
            return Err(norm.wrong("are not those of nnU-Net (eps 1e-5, affine)"));
        }
    } else {
        return Err(arguments
            .get("norm_op")
            .map_or_else(|e| e, |f| f.wrong("has no scale and shift")));
    }
    let rectified = arguments.get("nonlin")?.text()?.ends_with(".ReLU");
    let slope = arguments
        .find("nonlin_kwargs")
        .and_then(|k| k.find("negative_slope"));
    let slope = match slope {
        _ if rectified => 0.0,
        Some(slope) => slope.number()?,
        None => 0.01,
    };
    if let Some(first) = arguments.find("nonlin_first")
        && first.truth()?
    {
        return first.unknown("order of activation and normalization");
    }
    for field in ["block", "bottleneck_channels"] {
        let value = arguments.find(field);
        if let Some(value) = value
            .filter(|v| v.text().is_ok_and(|t| !t.ends_with("BasicBlockD")) || v.text().is_err())
        {
            return value.unknown("block");
        }
    }
    let stages = arguments.get("n_stages")?.whole(1, MOST_STAGES)?;
    let encoder = if residual {
        let stem = arguments.find("stem_channels");
        let stem = stem.map(|s| s.whole(1, 4096)).transpose()?;
        Encoder::Residual {
            stem_channels: stem.map_or_else(
                || {
                    let features = arguments.get("features_per_stage")?;
                    Ok(features.per_stage(stages, 1, 4096)?[0])
                },
                Ok::<_, Error>,
            )?,
        }
    } else {
        Encoder::Plain
    };
    let depth = if residual {
        "n_blocks_per_stage"
    } else {
        "n_conv_per_stage"
    };
    let bias = arguments
        .find("conv_bias")
        .map_or(Ok(false), |b| b.truth())?;
    let of_stages = Stages {
        channels: arguments
            .get("features_per_stage")?
            .per_stage(stages, 1, 4096)?,
        kernels: triples(&arguments.get("kernel_sizes")?, stages, flat)?,
        strides: triples(&arguments.get("strides")?, stages, flat)?,
        down: arguments.get(depth)?.per_stage(stages, 1, 64)?,
        up: arguments
            .get("n_conv_per_stage_decoder")?
            .per_stage(stages - 1, 1, 64)?,
    };
    Ok(of_stages.description(encoder, bias, slope as f32))
}

/// The network of plans from before nnU-Net 2.4, which had no `architecture`.
fn old_network<'a>(
    get: &impl Fn(&str) -> Result<Field<'a>, Error>,
    flat: bool,
) -> Result<UNetDescription, Error> {
    let class = get("UNet_class_name")?;
    let residual = match class.text()? {
        "PlainConvUNet" => false,
        "ResidualEncoderUNet" => true,
        _ => return class.unknown("network"),
    };
    let down = get("n_conv_per_stage_encoder")?;
    let down = down.wholes(1, 64)?;
    let stages = down.len();
    if !(1..=MOST_STAGES).contains(&stages) {
        return Err(get("n_conv_per_stage_encoder")?.wrong("has too few or too many stages"));
    }
    let base = get("UNet_base_num_features")?.whole(1, 4096)?;
    let most = get("unet_max_num_features")?.whole(1, 4096)?;
    let channels: Vec<usize> = (0..stages).map(|s| (base << s).min(most)).collect();
    let encoder = if residual {
        Encoder::Residual {
            stem_channels: channels[0],
        }
    } else {
        Encoder::Plain
    };
    let of_stages = Stages {
        channels,
        kernels: triples(&get("conv_kernel_sizes")?, stages, flat)?,
        strides: triples(&get("pool_op_kernel_sizes")?, stages, flat)?,
        down,
        up: get("n_conv_per_stage_decoder")?.per_stage(stages - 1, 1, 64)?,
    };
    Ok(of_stages.description(encoder, true, 0.01))
}

/// Three numbers a stage; a flat network has two and sees one slice.
fn triples(field: &Field<'_>, stages: usize, flat: bool) -> Result<Vec<[usize; 3]>, Error> {
    let one = |item: &Field<'_>| -> Result<[usize; 3], Error> {
        if !item.is_list() {
            let n = item.whole(1, 16)?;
            return Ok([if flat { 1 } else { n }, n, n]);
        }
        match (&item.wholes(1, 16)?[..], flat) {
            (&[h, w], true) => Ok([1, h, w]),
            (&[d, h, w], false) => Ok([d, h, w]),
            _ => Err(item.wrong("has not one number for each axis")),
        }
    };
    let items = field.items()?;
    if items.len() != stages {
        return Err(field.wrong(&format!("has {} entries, not {stages}", items.len())));
    }
    items.iter().map(one).collect()
}

/// What plans say of the stages, finest first; `up` is coarsest first, as nnU-Net counts the decoder.
struct Stages {
    channels: Vec<usize>,
    kernels: Vec<[usize; 3]>,
    strides: Vec<[usize; 3]>,
    down: Vec<usize>,
    up: Vec<usize>,
}

impl Stages {
    fn description(self, encoder: Encoder, bias: bool, slope: f32) -> UNetDescription {
        let count = self.channels.len();
        let levels = (0..count)
            .map(|l| Level {
                channels: self.channels[l],
                kernel: self.kernels[l],
                stride: self.strides[l],
                encoder_convs: self.down[l],
                decoder_convs: if l + 1 < count {
                    self.up[count - 2 - l]
                } else {
                    1
                },
            })
            .collect();
        UNetDescription {
            in_channels: 1,
            classes: 2,
            levels,
            encoder,
            up_bias: bias,
            slope,
            deep_supervision: false,
        }
    }
}
