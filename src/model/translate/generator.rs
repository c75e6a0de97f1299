//! The network that translates: a residual network (Johnson et al. 2016), as `CycleGAN` and CUT have it.
use super::Initialisation;
use super::layer::{Layer, RELU, Sequence};
use crate::model::weights::check;
use crate::model::{Error, Parameters};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a generator is made of. One channel in, one out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorDescription {
    /// Channels of the first convolution (`ngf`); four times as many in the middle.
    pub channels: usize,
    /// Residual blocks: 9 for pictures of 256 × 256, 6 for smaller ones.
    pub blocks: usize,
    /// Whether sizes change by binomial filters beside plain convolutions, as in CUT, instead of by strided ones.
    #[serde(default)]
    pub antialiased: bool,
    /// Classes of the segmentation head, background included; 0 without one.
    #[serde(default)]
    pub segmentation_classes: usize,
}

impl GeneratorDescription {
    /// Heights and widths of pictures are multiples of this.
    pub const DIVISOR: usize = 4;

    /// Checks sizes that come from a file.
    ///
    /// # Errors
    /// When something is zero or out of all proportion.
    pub fn validate(&self) -> Result<(), Error> {
        let fits = (1..=256).contains(&self.channels)
            && (1..=32).contains(&self.blocks)
            && self.segmentation_classes <= 16
            && self.segmentation_classes != 1;
        if fits {
            return Ok(());
        }
        let text = "the channels, blocks or classes of the generator";
        Err(Error::Description(text.to_owned()))
    }

    /// From the picture to the last residual block.
    pub(super) fn trunk(&self) -> Sequence {
        let ngf = self.channels;
        let conv = |from, to, kernel, stride, padding, bias| Layer::Conv {
            from,
            to,
            kernel,
            stride,
            padding,
            bias,
        };
        let mut layers = vec![
            Layer::ReflectPad(3),
            conv(1, ngf, 7, 1, 0, false),
            Layer::Norm,
            RELU,
        ];
        for factor in [1, 2] {
            let (from, to) = (factor * ngf, 2 * factor * ngf);
            // Contrast looks at these before the normalisation: their bias counts.
            let stride = if self.antialiased { 1 } else { 2 };
            layers.extend([conv(from, to, 3, stride, 1, true), Layer::Norm, RELU]);
            if self.antialiased {
                layers.push(Layer::BlurDown);
            }
        }
        let residual = Layer::Residual { channels: 4 * ngf };
        layers.extend(std::iter::repeat_n(residual, self.blocks));
        Sequence {
            name: "model",
            first: 0,
            layers,
        }
    }

    /// From the last residual block to a picture of `channels`.
    fn decoder(&self, name: &'static str, channels: usize) -> Sequence {
        let mut layers = Vec::new();
        for factor in [4, 2] {
            let (from, to) = (factor * self.channels, factor / 2 * self.channels);
            if self.antialiased {
                let conv = Layer::Conv {
                    from,
                    to,
                    kernel: 3,
                    stride: 1,
                    padding: 1,
                    bias: false,
                };
                layers.extend([Layer::BlurUp, conv]);
            } else {
                layers.push(Layer::UpConv { from, to });
            }
            layers.extend([Layer::Norm, RELU]);
        }
        let last = Layer::Conv {
            from: self.channels,
            to: channels,
            kernel: 7,
            stride: 1,
            padding: 0,
            bias: true,
        };
        layers.extend([Layer::ReflectPad(3), last]);
        Sequence {
            name,
            first: self.trunk().layers.len(),
            layers,
        }
    }

    fn picture(&self) -> Sequence {
        let mut sequence = self.decoder("model", 1);
        sequence.layers.push(Layer::Tanh);
        sequence
    }

    /// The head shares everything up to the last residual block.
    fn head(&self) -> Option<Sequence> {
        let classes = self.segmentation_classes;
        (classes > 0).then(|| self.decoder("segmentation", classes))
    }

    /// Name and shape of every parameter.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        let parts = [Some(self.trunk()), Some(self.picture()), self.head()];
        for sequence in parts.into_iter().flatten() {
            sequence.add_shapes(&mut shapes);
        }
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

    /// Channels of the features of a layer of the way down, by the numbers of [`Generator::features`].
    pub fn feature_channels(&self, layer: usize) -> usize {
        self.trunk().channels_at(layer, 1)
    }

    /// Layers that [`Generator::features`] knows.
    pub fn feature_layers(&self) -> usize {
        self.trunk().layers.len()
    }
}

/// A generator with its parameters.
#[derive(Debug, Clone)]
pub struct Generator {
    description: GeneratorDescription,
    parameters: Parameters,
    trunk: Sequence,
    picture: Sequence,
    head: Option<Sequence>,
}

impl Generator {
    /// A network of the given parameters. Parameters that are variables of candle can be trained through it.
    ///
    /// # Errors
    /// When the description is not valid, or a parameter is missing, unknown or of another shape; each is named.
    pub fn new(description: GeneratorDescription, parameters: Parameters) -> Result<Self, Error> {
        description.validate()?;
        check(&description.shapes(), &parameters)?;
        Ok(Self {
            trunk: description.trunk(),
            picture: description.picture(),
            head: description.head(),
            description,
            parameters,
        })
    }

    /// What the network is made of.
    pub fn description(&self) -> &GeneratorDescription {
        &self.description
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The same network with its parameters on another device, beyond reach of a training.
    ///
    /// # Errors
    /// When a copy fails.
    pub fn detached(&self, device: &Device) -> Result<Self, Error> {
        let parameters = self.parameters.iter();
        let parameters = parameters
            .map(|(name, t)| Ok((name.clone(), t.to_device(device)?.detach())))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            parameters,
            ..self.clone()
        })
    }

    fn check_input(x: &Tensor) -> Result<(), Error> {
        match *x.dims() {
            [n, 1, h, w]
                if n > 0
                    && [h, w]
                        .iter()
                        .all(|s| *s >= 8 && s % GeneratorDescription::DIVISOR == 0) =>
            {
                Ok(())
            }
            _ => Err(Error::Input(x.dims().to_vec())),
        }
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor, Error> {
        Self::check_input(x)?;
        let all = 0..self.trunk.layers.len();
        self.trunk.run(x, &self.parameters, all, &mut |_, _| {})
    }

    fn decode(&self, sequence: &Sequence, code: &Tensor) -> Result<Tensor, Error> {
        let all = sequence.first..sequence.first + sequence.layers.len();
        sequence.run(code, &self.parameters, all, &mut |_, _| {})
    }

    /// Translated pictures, −1 to 1, of `x` (`N, 1, H, W`).
    ///
    /// # Errors
    /// When a size is no multiple of [`GeneratorDescription::DIVISOR`] or under 8, or memory runs out.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        self.decode(&self.picture, &self.encode(x)?)
    }

    /// Translated pictures, and the scores of the segmentation head before the softmax, `N, classes, H, W`.
    ///
    /// # Errors
    /// As [`Self::forward`], and when there is no head.
    pub fn forward_with_segmentation(&self, x: &Tensor) -> Result<(Tensor, Tensor), Error> {
        let head = self.head()?;
        let code = self.encode(x)?;
        Ok((
            self.decode(&self.picture, &code)?,
            self.decode(head, &code)?,
        ))
    }

    /// The scores of the segmentation head alone.
    ///
    /// # Errors
    /// As [`Self::forward_with_segmentation`].
    pub fn segment(&self, x: &Tensor) -> Result<Tensor, Error> {
        let head = self.head()?;
        self.decode(head, &self.encode(x)?)
    }

    fn head(&self) -> Result<&Sequence, Error> {
        let none = || Error::Description("the generator has no segmentation head".to_owned());
        self.head.as_ref().ok_or_else(none)
    }

    /// Outputs of the layers of the given numbers, in rising order. In an antialiased generator 0 is the padded picture, 4 and 8 the convolutions
    /// of the way down before their normalisation, 12 the first residual block, and so on.
    ///
    /// # Errors
    /// As [`Self::forward`], and when a number is not one of the layers down to the last residual block.
    pub fn features(&self, x: &Tensor, layers: &[usize]) -> Result<Vec<Tensor>, Error> {
        let (_, found) = self.features_and_output(x, layers)?;
        Ok(found)
    }

    /// Translated pictures as from [`Self::forward`], and the [features](Self::features) on the way, in one run.
    ///
    /// # Errors
    /// As [`Self::features`].
    pub fn forward_with_features(
        &self,
        x: &Tensor,
        layers: &[usize],
    ) -> Result<(Tensor, Vec<Tensor>), Error> {
        let (last, found) = self.features_and_output(x, layers)?;
        let rest = layers.last().map_or(0, |last| last + 1)..self.trunk.layers.len();
        let code = self
            .trunk
            .run(&last, &self.parameters, rest, &mut |_, _| {})?;
        Ok((self.decode(&self.picture, &code)?, found))
    }

    /// Outputs of the layers, and again that of the last of them.
    fn features_and_output(
        &self,
        x: &Tensor,
        layers: &[usize],
    ) -> Result<(Tensor, Vec<Tensor>), Error> {
        Self::check_input(x)?;
        let mut found = Vec::new();
        let end = layers.last().map_or(0, |last| last + 1);
        let known = end <= self.trunk.layers.len();
        let output = self.trunk.run(
            x,
            &self.parameters,
            0..end.min(self.trunk.layers.len()),
            &mut |n, y| {
                if layers.contains(&n) {
                    found.push(y.clone());
                }
            },
        )?;
        if known && found.len() == layers.len() {
            return Ok((output, found));
        }
        let text = format!("the generator has no features at the layers {layers:?}");
        Err(Error::Description(text))
    }
}
