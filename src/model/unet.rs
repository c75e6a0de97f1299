//! A U-Net from a description (Ronneberger 2015; Çiçek 2016; the plain convolutional form of nnU-Net, Isensee 2021).
use super::op::{Conv3d, conv3d, instance_norm_leaky_relu, transposed_conv3d};
use super::{Error, Parameters};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Slope of the activation below zero, as in nnU-Net.
const SLOPE: f32 = 0.01;

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
    /// Convolutions on the way down.
    pub encoder_convs: usize,
    /// Convolutions on the way up; unused at the last level.
    pub decoder_convs: usize,
}

/// What a U-Net is made of. Each convolution is followed by instance normalisation and leaky `ReLU`; the way up is a transposed convolution,
/// concatenated with the level's encoder output behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UNetDescription {
    /// Channels of the input.
    pub in_channels: usize,
    /// Classes, background included.
    pub classes: usize,
    /// Levels, finest first.
    pub levels: Vec<Level>,
}

impl UNetDescription {
    /// Checks sizes that come from a file.
    ///
    /// # Errors
    /// When something is zero, even where it must be odd, or out of all proportion.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Description(text.to_owned()));
        if !(1..=16).contains(&self.in_channels) || !(2..=256).contains(&self.classes) {
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
            if !(1..=8).contains(&level.encoder_convs) || !(1..=8).contains(&level.decoder_convs) {
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
        let mut block = |name: String, from: usize, level: &Level| {
            let [d, h, w] = level.kernel;
            shapes.insert(
                format!("{name}.conv.weight"),
                vec![level.channels, from, d, h, w],
            );
            shapes.insert(format!("{name}.norm.weight"), vec![level.channels]);
            shapes.insert(format!("{name}.norm.bias"), vec![level.channels]);
        };
        let mut from = self.in_channels;
        for (l, level) in self.levels.iter().enumerate() {
            for c in 0..level.encoder_convs {
                block(format!("encoder.{l}.{c}"), from, level);
                from = level.channels;
            }
        }
        for (l, level) in self.levels.iter().enumerate().rev().skip(1) {
            for c in 0..level.decoder_convs {
                let from = if c == 0 {
                    2 * level.channels
                } else {
                    level.channels
                };
                block(format!("decoder.{l}.{c}"), from, level);
            }
        }
        for (l, pair) in self.levels.windows(2).enumerate() {
            let [d, h, w] = pair[1].stride;
            shapes.insert(
                format!("decoder.{l}.up.weight"),
                vec![pair[1].channels, pair[0].channels, d, h, w],
            );
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
                let sd = (2.0 / (1.0 + SLOPE * SLOPE) / inputs as f32).sqrt();
                let normal = Normal::new(0.0, sd).map_err(|e| Error::Description(e.to_string()))?;
                (0..count).map(|_| normal.sample(&mut random)).collect()
            };
            parameters.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(parameters)
    }
}

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
        let shapes = description.shapes();
        for (name, expected) in &shapes {
            let tensor = parameters
                .get(name)
                .ok_or_else(|| Error::MissingTensor(name.clone()))?;
            if tensor.dims() != expected {
                return Err(Error::TensorShape {
                    name: name.clone(),
                    expected: expected.clone(),
                    found: tensor.dims().to_vec(),
                });
            }
        }
        if let Some(name) = parameters.keys().find(|name| !shapes.contains_key(*name)) {
            return Err(Error::UnknownTensor(name.clone()));
        }
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
        let divisor = self.description.divisor();
        let fits = matches!(*x.dims(), [_, c, d, h, w] if c == self.description.in_channels
            && [d, h, w].iter().zip(divisor).all(|(size, by)| size % by == 0));
        if !fits {
            return Err(Error::Input(x.dims().to_vec()));
        }
        let levels = &self.description.levels;
        let mut skips = Vec::with_capacity(levels.len());
        let mut x = x.clone();
        for (l, level) in levels.iter().enumerate() {
            for c in 0..level.encoder_convs {
                let stride = if c == 0 { level.stride } else { [1; 3] };
                x = self.block(&x, &format!("encoder.{l}.{c}"), level, stride)?;
            }
            skips.push(x.clone());
        }
        skips.pop();
        while let Some(skip) = skips.pop() {
            let l = skips.len();
            x = transposed_conv3d(&x, self.parameter(&format!("decoder.{l}.up.weight"))?)?;
            x = Tensor::cat(&[x, skip], 1)?;
            for c in 0..levels[l].decoder_convs {
                x = self.block(&x, &format!("decoder.{l}.{c}"), &levels[l], [1; 3])?;
            }
        }
        let scores = conv3d(
            &x,
            self.parameter("head.weight")?,
            Conv3d::new([1; 3], [0; 3]),
        )?;
        let bias = self
            .parameter("head.bias")?
            .reshape((1, self.description.classes, 1, 1, 1))?;
        Ok(scores.broadcast_add(&bias)?)
    }

    fn parameter(&self, name: &str) -> Result<&Tensor, Error> {
        self.parameters
            .get(name)
            .ok_or_else(|| Error::MissingTensor(name.to_owned()))
    }

    /// Convolution, instance normalisation, leaky `ReLU`.
    fn block(
        &self,
        x: &Tensor,
        name: &str,
        level: &Level,
        stride: [usize; 3],
    ) -> Result<Tensor, Error> {
        let conv = Conv3d::new(stride, level.kernel.map(|k| k / 2));
        let y = conv3d(x, self.parameter(&format!("{name}.conv.weight"))?, conv)?;
        let scale = self.parameter(&format!("{name}.norm.weight"))?;
        let shift = self.parameter(&format!("{name}.norm.bias"))?;
        Ok(instance_norm_leaky_relu(&y, scale, shift, SLOPE)?)
    }
}
