//! The network that judges: a `PatchGAN` (Isola et al. 2017), which scores overlapping patches of 70 × 70.
use super::Initialisation;
use super::layer::{Layer, Sequence};
use crate::model::weights::check;
use crate::model::{Error, Parameters};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Slope of the activation below zero.
const SLOPE: f32 = 0.2;

/// What a discriminator is made of. One channel in, one score a patch out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscriminatorDescription {
    /// Channels of the first convolution (`ndf`).
    pub channels: usize,
    /// Convolutions that halve the picture; 3 for patches of 70 × 70.
    #[serde(default = "three")]
    pub layers: usize,
    /// Whether sizes change by binomial filters beside plain convolutions, as in CUT, instead of by strided ones.
    #[serde(default)]
    pub antialiased: bool,
}

fn three() -> usize {
    3
}

impl DiscriminatorDescription {
    /// Checks sizes that come from a file.
    ///
    /// # Errors
    /// When something is zero or out of all proportion.
    pub fn validate(&self) -> Result<(), Error> {
        if (1..=256).contains(&self.channels) && (1..=5).contains(&self.layers) {
            return Ok(());
        }
        let text = "the channels or layers of the discriminator";
        Err(Error::Description(text.to_owned()))
    }

    fn sequence(&self) -> Sequence {
        let conv = |from, to, stride, bias| Layer::Conv {
            from,
            to,
            kernel: 4,
            stride,
            padding: 1,
            bias,
        };
        let activation = Layer::Activation { slope: SLOPE };
        let mut layers = Vec::new();
        let mut from = 1;
        for n in 0..=self.layers {
            let to = self.channels << n.min(3);
            let halves = n < self.layers;
            let stride = if halves && !self.antialiased { 2 } else { 1 };
            layers.push(conv(from, to, stride, n == 0));
            if n > 0 {
                layers.push(Layer::Norm);
            }
            layers.push(activation);
            if halves && self.antialiased {
                layers.push(Layer::BlurDown);
            }
            from = to;
        }
        layers.push(conv(from, 1, 1, true));
        Sequence {
            name: "model",
            first: 0,
            layers,
        }
    }

    /// Name and shape of every parameter.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        self.sequence().add_shapes(&mut shapes);
        shapes
    }

    /// Parameters before training.
    ///
    /// # Errors
    /// When the description is not valid.
    pub fn initial_parameters(&self, how: Initialisation, seed: u64) -> Result<Parameters, Error> {
        self.validate()?;
        how.draw(&self.shapes(), seed)
    }
}

/// A discriminator with its parameters.
#[derive(Debug, Clone)]
pub struct Discriminator {
    parameters: Parameters,
    sequence: Sequence,
}

impl Discriminator {
    /// A network of the given parameters.
    ///
    /// # Errors
    /// When the description is not valid, or a parameter is missing, unknown or of another shape; each is named.
    pub fn new(
        description: DiscriminatorDescription,
        parameters: Parameters,
    ) -> Result<Self, Error> {
        description.validate()?;
        check(&description.shapes(), &parameters)?;
        Ok(Self {
            parameters,
            sequence: description.sequence(),
        })
    }

    /// A score for each patch of `x` (`N, 1, H, W`): 1 for real, 0 for translated.
    ///
    /// # Errors
    /// When the picture is too small or memory runs out.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let all = 0..self.sequence.layers.len();
        self.sequence.run(x, &self.parameters, all, &mut |_, _| {})
    }
}
