//! A U-Net from a description (Ronneberger 2015; Çiçek 2016; the plain convolutional form of nnU-Net, Isensee 2021).
use super::op::{
    Conv3d, average_pool3d, conv3d, instance_norm_leaky_relu, leaky_relu, transposed_conv3d,
};
use super::weights::check;
use super::{Error, Parameters};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};

/// Slope of the activation below zero, as in nnU-Net.
const SLOPE: f32 = 0.01;
/// A slope that makes the activation do nothing.
pub(super) const STRAIGHT: f32 = 1.0;

/// What the way down is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoder {
    /// Convolutions one after another; the first of a level strides.
    #[default]
    Plain,
    /// A stem of one convolution, then blocks of two convolutions beside a shortcut (ResNet-D, He 2019): the shortcut averages where the block
    /// strides, and a 1 × 1 × 1 convolution adapts it where the channels change.
    Residual {
        /// Channels of the stem.
        stem_channels: usize,
    },
}

/// One resolution of a U-Net. Triples are depth, height, width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Channels of every convolution at this level.
    pub channels: usize,
    /// Taps of every convolution at this level; odd.
    pub kernel: [usize; 3],
    /// Stride by which this level is reached from the finer one; ones at the first.
    pub stride: [usize; 3],
    /// Convolutions on the way down; blocks where the encoder is residual.
    pub encoder_convs: usize,
    /// Convolutions on the way up; unused at the last level.
    pub decoder_convs: usize,
}

/// What a U-Net is made of. Each convolution is followed by instance normalisation and leaky `ReLU`; the way up is a transposed convolution,
/// concatenated with the level's encoder output behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UNetDescription {
    /// Channels of the input.
    pub in_channels: usize,
    /// Classes, background included.
    pub classes: usize,
    /// Levels, finest first.
    pub levels: Vec<Level>,
    /// What the way down is made of.
    #[serde(default)]
    pub encoder: Encoder,
    /// Whether the transposed convolutions have a bias. That of other convolutions would vanish in the normalisation behind them.
    #[serde(default)]
    pub up_bias: bool,
    /// Slope of the activation below zero.
    #[serde(default = "default_slope")]
    pub slope: f32,
    /// Whether every level of the way up has a head of its own, for training (Lee 2015). [`UNet::forward`] uses the finest alone.
    #[serde(default)]
    pub deep_supervision: bool,
}

fn default_slope() -> f32 {
    SLOPE
}

impl UNetDescription {
    /// A network of plain convolutions with one head and the usual activation.
    pub fn plain(in_channels: usize, classes: usize, levels: Vec<Level>) -> Self {
        Self {
            in_channels,
            classes,
            levels,
            encoder: Encoder::Plain,
            up_bias: false,
            slope: SLOPE,
            deep_supervision: false,
        }
    }

    /// Checks sizes that come from a file.
    ///
    /// # Errors
    /// When something is zero, even where it must be odd, or out of all proportion.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Description(text.to_owned()));
        if !(1..=16).contains(&self.in_channels) || !(1..=256).contains(&self.classes) {
            return wrong("the number of channels or classes");
        }
        if !(1..=8).contains(&self.levels.len()) {
            return wrong("the number of levels");
        }
        for (at, level) in self.levels.iter().enumerate() {
            if !(1..=1024).contains(&level.channels) {
                return wrong("the channels of a level");
            }
            if level.kernel.iter().any(|k| k % 2 == 0 || *k > 7) {
                return wrong("the kernel of a level");
            }
            if level.stride.iter().any(|s| !(1..=4).contains(s))
                || (at == 0 && level.stride != [1; 3])
            {
                return wrong("the stride of a level");
            }
            if !(1..=64).contains(&level.encoder_convs) || !(1..=64).contains(&level.decoder_convs)
            {
                return wrong("the number of convolutions of a level");
            }
        }
        Ok(())
    }

    /// By how much the input is coarser at the last level; an input must be a multiple of this. Depth, height, width.
    pub fn divisor(&self) -> [usize; 3] {
        self.levels.iter().fold([1; 3], |d, level| {
            std::array::from_fn(|a| d[a] * level.stride[a])
        })
    }

    /// Name and shape of every parameter.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        let mut block = |name: String, from: usize, to: usize, [d, h, w]: [usize; 3]| {
            shapes.insert(format!("{name}.conv.weight"), vec![to, from, d, h, w]);
            shapes.insert(format!("{name}.norm.weight"), vec![to]);
            shapes.insert(format!("{name}.norm.bias"), vec![to]);
        };
        let mut from = self.in_channels;
        if let (Encoder::Residual { stem_channels }, Some(first)) =
            (self.encoder, self.levels.first())
        {
            block("encoder.stem".to_owned(), from, stem_channels, first.kernel);
            from = stem_channels;
        }
        for (l, level) in self.levels.iter().enumerate() {
            let to = level.channels;
            for c in 0..level.encoder_convs {
                let name = format!("encoder.{l}.{c}");
                match self.encoder {
                    Encoder::Plain => block(name, from, to, level.kernel),
                    Encoder::Residual { .. } => {
                        block(format!("{name}.first"), from, to, level.kernel);
                        block(format!("{name}.second"), to, to, level.kernel);
                        if from != to {
                            block(format!("{name}.skip"), from, to, [1; 3]);
                        }
                    }
                }
                from = to;
            }
        }
        for (l, level) in self.levels.iter().enumerate().rev().skip(1) {
            for c in 0..level.decoder_convs {
                let from = if c == 0 {
                    2 * level.channels
                } else {
                    level.channels
                };
                block(
                    format!("decoder.{l}.{c}"),
                    from,
                    level.channels,
                    level.kernel,
                );
            }
        }
        for (l, pair) in self.levels.windows(2).enumerate() {
            let [d, h, w] = pair[1].stride;
            shapes.insert(
                format!("decoder.{l}.up.weight"),
                vec![pair[1].channels, pair[0].channels, d, h, w],
            );
            if self.up_bias {
                shapes.insert(format!("decoder.{l}.up.bias"), vec![pair[0].channels]);
            }
            if self.deep_supervision && l > 0 {
                let name = format!("decoder.{l}.head");
                shapes.insert(
                    format!("{name}.weight"),
                    vec![self.classes, pair[0].channels, 1, 1, 1],
                );
                shapes.insert(format!("{name}.bias"), vec![self.classes]);
            }
        }
        if let Some(first) = self.levels.first() {
            shapes.insert(
                "head.weight".to_owned(),
                vec![self.classes, first.channels, 1, 1, 1],
            );
            shapes.insert("head.bias".to_owned(), vec![self.classes]);
        }
        shapes
    }

    /// Parameters before training: He's normal distribution for the convolutions (He 2015), ones and zeros for the normalisations.
    ///
    /// # Errors
    /// When the description is not valid.
    pub fn initial_parameters(&self, seed: u64) -> Result<Parameters, Error> {
        self.validate()?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut parameters = Parameters::new();
        for (name, shape) in self.shapes() {
            let count: usize = shape.iter().product();
            let values = if name.ends_with("norm.weight") {
                vec![1.0; count]
            } else if name.ends_with("bias") {
                vec![0.0; count]
            } else {
                // A transposed convolution has its inputs first, and each output voxel sees one tap.
                let inputs = if name.ends_with("up.weight") {
                    shape[0]
                } else {
                    shape[1..].iter().product()
                };
                let sd = (2.0 / (1.0 + self.slope * self.slope) / inputs as f32).sqrt();
                let normal = Normal::new(0.0, sd).map_err(|e| Error::Description(e.to_string()))?;
                (0..count).map(|_| normal.sample(&mut random)).collect()
            };
            parameters.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(parameters)
    }
}

/// Hears which part of a forward pass is done, and may stop it.
pub type Watch<'a> = dyn FnMut(f32) -> ControlFlow<()> + 'a;

/// A U-Net with its parameters.
#[derive(Debug, Clone)]
pub struct UNet {
    description: UNetDescription,
    parameters: Parameters,
}

impl UNet {
    /// A network of the given parameters. Parameters that are variables of candle can be trained through it.
    ///
    /// # Errors
    /// When the description is not valid, or a parameter is missing, unknown or of another shape; each is named.
    pub fn new(description: UNetDescription, parameters: Parameters) -> Result<Self, Error> {
        description.validate()?;
        check(&description.shapes(), &parameters)?;
        Ok(Self {
            description,
            parameters,
        })
    }

    /// What the network is made of.
    pub fn description(&self) -> &UNetDescription {
        &self.description
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The same network with its parameters on another device.
    ///
    /// # Errors
    /// When a copy fails.
    pub fn to_device(&self, device: &Device) -> Result<Self, Error> {
        let parameters = self
            .parameters
            .iter()
            .map(|(name, tensor)| Ok((name.clone(), tensor.to_device(device)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            description: self.description.clone(),
            parameters,
        })
    }

    /// Class scores before the softmax, `N, classes, D, H, W`, of `x` (`N, C, D, H, W`).
    ///
    /// # Errors
    /// When the input has other channels, its size is no multiple of [`UNetDescription::divisor`], or memory runs out.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        self.forward_watched(x, &mut |_| ControlFlow::Continue(()))
    }

    /// [`UNet::forward`], telling `watch` after every block which part of the blocks is done; it may stop the computation.
    ///
    /// # Errors
    /// As [`UNet::forward`], and [`Error::Stopped`].
    pub fn forward_watched(&self, x: &Tensor, watch: &mut Watch<'_>) -> Result<Tensor, Error> {
        let mut finest = None;
        self.run(x, watch, &mut |l, features| {
            if l == 0 {
                finest = Some(self.head("head", features)?);
            }
            Ok(())
        })?;
        finest.ok_or_else(|| Error::Input(x.dims().to_vec()))
    }

    /// The same at every level of the way up that has a head, finest first: what deep supervision compares with labels of that size.
    ///
    /// # Errors
    /// As [`UNet::forward`].
    pub fn forward_deep(&self, x: &Tensor) -> Result<Vec<Tensor>, Error> {
        let mut scores = Vec::new();
        let mut unwatched = |_| ControlFlow::Continue(());
        self.run(x, &mut unwatched, &mut |l, features| {
            if l == 0 {
                scores.push(self.head("head", features)?);
            } else if self.description.deep_supervision {
                scores.push(self.head(&format!("decoder.{l}.head"), features)?);
            }
            Ok(())
        })?;
        scores.reverse();
        Ok(scores)
    }

    /// Runs the network, and shows the features of each level of the way up, coarsest first.
    fn run(
        &self,
        x: &Tensor,
        watch: &mut Watch<'_>,
        show: &mut dyn FnMut(usize, &Tensor) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let divisor = self.description.divisor();
        let fits = matches!(*x.dims(), [_, c, d, h, w] if c == self.description.in_channels
            && [d, h, w].iter().zip(divisor).all(|(size, by)| size % by == 0));
        if !fits {
            return Err(Error::Input(x.dims().to_vec()));
        }
        let levels = &self.description.levels;
        let blocks: usize = levels
            .iter()
            .map(|l| l.encoder_convs + l.decoder_convs)
            .sum();
        let mut done = 0;
        let mut step = || {
            done += 1;
            match watch(done as f32 / blocks as f32) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Stopped),
            }
        };
        let mut skips = Vec::with_capacity(levels.len());
        let mut x = x.clone();
        if let Encoder::Residual { .. } = self.description.encoder {
            x = self.block(&x, "encoder.stem", [1; 3], self.description.slope)?;
        }
        for (l, level) in levels.iter().enumerate() {
            for c in 0..level.encoder_convs {
                let stride = if c == 0 { level.stride } else { [1; 3] };
                let name = format!("encoder.{l}.{c}");
                x = match self.description.encoder {
                    Encoder::Plain => self.block(&x, &name, stride, self.description.slope)?,
                    Encoder::Residual { .. } => self.residual(&x, &name, stride)?,
                };
                step()?;
            }
            skips.push(x.clone());
        }
        skips.pop();
        if skips.is_empty() {
            return show(0, &x);
        }
        while let Some(skip) = skips.pop() {
            let l = skips.len();
            x = transposed_conv3d(&x, self.parameter(&format!("decoder.{l}.up.weight"))?)?;
            if self.description.up_bias {
                x = self.biased(&x, &format!("decoder.{l}.up.bias"))?;
            }
            x = Tensor::cat(&[x, skip], 1)?;
            for c in 0..levels[l].decoder_convs {
                let name = format!("decoder.{l}.{c}");
                x = self.block(&x, &name, [1; 3], self.description.slope)?;
                step()?;
            }
            show(l, &x)?;
        }
        Ok(())
    }

    fn parameter(&self, name: &str) -> Result<&Tensor, Error> {
        self.parameters
            .get(name)
            .ok_or_else(|| Error::MissingTensor(name.to_owned()))
    }

    /// Adds one value a channel.
    fn biased(&self, x: &Tensor, name: &str) -> Result<Tensor, Error> {
        let bias = self.parameter(name)?;
        Ok(x.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1, 1))?)?)
    }

    fn head(&self, name: &str, x: &Tensor) -> Result<Tensor, Error> {
        let weight = self.parameter(&format!("{name}.weight"))?;
        let scores = conv3d(x, weight, Conv3d::new([1; 3], [0; 3]))?;
        self.biased(&scores, &format!("{name}.bias"))
    }

    /// Convolution, instance normalisation, activation.
    fn block(
        &self,
        x: &Tensor,
        name: &str,
        stride: [usize; 3],
        slope: f32,
    ) -> Result<Tensor, Error> {
        let weight = self.parameter(&format!("{name}.conv.weight"))?;
        let (_, _, d, h, w) = weight.dims5()?;
        let conv = Conv3d::new(stride, [d / 2, h / 2, w / 2]);
        let y = conv3d(x, weight, conv)?;
        let scale = self.parameter(&format!("{name}.norm.weight"))?;
        let shift = self.parameter(&format!("{name}.norm.bias"))?;
        Ok(instance_norm_leaky_relu(&y, scale, shift, slope)?)
    }

    /// Two convolutions beside a shortcut, then the activation.
    fn residual(&self, x: &Tensor, name: &str, stride: [usize; 3]) -> Result<Tensor, Error> {
        let slope = self.description.slope;
        let y = self.block(x, &format!("{name}.first"), stride, slope)?;
        let y = self.block(&y, &format!("{name}.second"), [1; 3], STRAIGHT)?;
        let mut shortcut = x.clone();
        if stride != [1; 3] {
            shortcut = average_pool3d(&shortcut, stride)?;
        }
        let skip = format!("{name}.skip");
        if self.parameters.contains_key(&format!("{skip}.conv.weight")) {
            shortcut = self.block(&shortcut, &skip, [1; 3], STRAIGHT)?;
        }
        Ok(leaky_relu(&(y + shortcut)?, slope)?)
    }
}
