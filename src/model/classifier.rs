//! A small 3D convolutional network that classifies a box of voxels.
//!
//! Convolutions that halve the size, without normalisation, because how large a thing is must not be lost; then two linear layers that see where in the box each feature lies, because the
//! box is placed by anatomy.
use super::op::{Conv3d, conv3d, leaky_relu};
use super::{Error, Parameters};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Slope of the activation below zero.
const SLOPE: f32 = 0.1;
/// Most voxels of the box, and most inputs of the first linear layer: beyond them this is no small network.
const MOST_VOXELS: usize = 1 << 21;
const MOST_INPUTS: usize = 1 << 16;

/// What a classifier is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierDescription {
    /// Channels of the input.
    pub in_channels: usize,
    /// Depth, height, width of the input.
    pub size: [usize; 3],
    /// Channels of each convolution, which has 3 × 3 × 3 taps and halves the size.
    pub channels: Vec<usize>,
    /// Width of the hidden linear layer.
    pub hidden: usize,
    /// Classes.
    pub classes: usize,
}

impl ClassifierDescription {
    /// Checks sizes that come from a file.
    ///
    /// # Errors
    /// When something is zero or out of all proportion.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Description(text.to_owned()));
        if !(1..=64).contains(&self.in_channels) || !(2..=256).contains(&self.classes) {
            return wrong("the number of channels or classes");
        }
        if !self.size.iter().all(|n| (1..=256).contains(n))
            || self.size.iter().product::<usize>() > MOST_VOXELS
        {
            return wrong("the size of the input");
        }
        if !(1..=6).contains(&self.channels.len())
            || !self.channels.iter().all(|c| (1..=256).contains(c))
        {
            return wrong("the channels of a convolution");
        }
        if !(1..=1024).contains(&self.hidden) || self.features() > MOST_INPUTS {
            return wrong("the linear layers");
        }
        Ok(())
    }

    /// Inputs of the first linear layer.
    fn features(&self) -> usize {
        let halved = |n: usize| (0..self.channels.len()).fold(n, |n, _| n.div_ceil(2));
        let voxels: usize = self.size.iter().map(|&n| halved(n)).product();
        voxels * self.channels.last().copied().unwrap_or(0)
    }

    /// Name and shape of every parameter.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        let mut from = self.in_channels;
        for (n, &to) in self.channels.iter().enumerate() {
            shapes.insert(format!("conv.{n}.weight"), vec![to, from, 3, 3, 3]);
            shapes.insert(format!("conv.{n}.bias"), vec![to]);
            from = to;
        }
        shapes.insert(
            "hidden.weight".to_owned(),
            vec![self.hidden, self.features()],
        );
        shapes.insert("hidden.bias".to_owned(), vec![self.hidden]);
        shapes.insert("head.weight".to_owned(), vec![self.classes, self.hidden]);
        shapes.insert("head.bias".to_owned(), vec![self.classes]);
        shapes
    }

    /// Parameters before training: He's normal distribution (He 2015), zeros for the biases.
    ///
    /// # Errors
    /// When the description is not valid.
    pub fn initial_parameters(&self, seed: u64) -> Result<Parameters, Error> {
        self.validate()?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut parameters = Parameters::new();
        for (name, shape) in self.shapes() {
            let count: usize = shape.iter().product();
            let values = if name.ends_with("bias") {
                vec![0.0; count]
            } else {
                let inputs: usize = shape[1..].iter().product();
                let sd = (2.0 / (1.0 + SLOPE * SLOPE) / inputs as f32).sqrt();
                let normal = Normal::new(0.0, sd).map_err(|e| Error::Description(e.to_string()))?;
                (0..count).map(|_| normal.sample(&mut random)).collect()
            };
            parameters.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(parameters)
    }
}

/// A classifier with its parameters.
#[derive(Debug, Clone)]
pub struct Classifier {
    description: ClassifierDescription,
    parameters: Parameters,
}

impl Classifier {
    /// A network of the given parameters. Parameters that are variables of candle can be trained through it.
    ///
    /// # Errors
    /// When the description is not valid, or a parameter is missing, unknown or of another shape; each is named.
    pub fn new(description: ClassifierDescription, parameters: Parameters) -> Result<Self, Error> {
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
    pub fn description(&self) -> &ClassifierDescription {
        &self.description
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Scores before the softmax, `N, classes`, of `x` (`N, C, D, H, W`).
    ///
    /// # Errors
    /// When the input has other channels or another size, or memory runs out.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let [d, h, w] = self.description.size;
        let fits = x.rank() == 5 && x.dims()[1..] == [self.description.in_channels, d, h, w];
        if !fits {
            return Err(Error::Input(x.dims().to_vec()));
        }
        let parameter = |name: &str| {
            let found = self.parameters.get(name);
            found.ok_or_else(|| Error::MissingTensor(name.to_owned()))
        };
        let mut x = x.clone();
        for (n, &channels) in self.description.channels.iter().enumerate() {
            let weight = parameter(&format!("conv.{n}.weight"))?;
            let bias = parameter(&format!("conv.{n}.bias"))?.reshape((1, channels, 1, 1, 1))?;
            let y = conv3d(&x, weight, Conv3d::new([2; 3], [1; 3]))?;
            x = leaky_relu(&y.broadcast_add(&bias)?, SLOPE)?;
        }
        let linear = |x: &Tensor, name: &str| -> Result<Tensor, Error> {
            let weight = parameter(&format!("{name}.weight"))?.t()?;
            let bias = parameter(&format!("{name}.bias"))?;
            Ok(x.matmul(&weight)?.broadcast_add(bias)?)
        };
        let hidden = linear(&x.flatten_from(1)?, "hidden")?;
        linear(&leaky_relu(&hidden, SLOPE)?, "head")
    }
}
