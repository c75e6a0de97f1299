//! Inference on the CPU without tensors of candle: activations in blocks of channels, Winograd's F(2, 3) for the cubic and the flat
//! kernels, normalisation and activation applied where the next layer reads, memory handed on from layer to layer.
//!
//! The result is that of [`UNet::forward`] up to rounding: Winograd's sums differ by a few units in the last places.
mod kernel;
mod layer;
mod tensor;

use super::op::Isa;
use super::{Encoder, Error, UNet, UNetDescription, Watch};
use candle_core::Tensor;
use layer::{Convolution, Head, Normalisation, Transposed, Weights};
use std::ops::ControlFlow;
use tensor::{Blocked, Pool, Source};

/// A U-Net with plain encoder, prepared for inference on the CPU.
#[derive(Debug)]
pub struct Engine {
    description: UNetDescription,
    encoder: Vec<Vec<Convolution>>,
    /// Way up, finest level first.
    decoder: Vec<(Transposed, Vec<Convolution>)>,
    head: Head,
    isa: Isa,
}

/// Memory of an engine's activations, kept from one tile to the next.
#[derive(Debug, Default)]
pub struct Arena(Pool);

impl Engine {
    /// Prepares a network; `None` when its encoder is residual.
    ///
    /// # Errors
    /// When a parameter cannot be read.
    pub fn new(network: &UNet, isa: Isa) -> Result<Option<Self>, Error> {
        let description = network.description().clone();
        if description.encoder != Encoder::Plain {
            return Ok(None);
        }
        let read = Reader { network, isa };
        let levels = &description.levels;
        let mut encoder = Vec::with_capacity(levels.len());
        let mut from = description.in_channels;
        for (l, level) in levels.iter().enumerate() {
            let mut convolutions = Vec::with_capacity(level.encoder_convs);
            for c in 0..level.encoder_convs {
                let stride = if c == 0 { level.stride } else { [1; 3] };
                let name = format!("encoder.{l}.{c}");
                convolutions.push(read.convolution(&name, stride, &[from])?);
                from = level.channels;
            }
            encoder.push(convolutions);
        }
        let mut decoder = Vec::with_capacity(levels.len().saturating_sub(1));
        for (l, pair) in levels.windows(2).enumerate() {
            let (level, below) = (&pair[0], &pair[1]);
            let up = read.transposed(l, below.channels, level.channels, below.stride)?;
            let mut convolutions = Vec::with_capacity(level.decoder_convs);
            for c in 0..level.decoder_convs {
                let sources = [level.channels; 2];
                let sources = &sources[usize::from(c > 0)..];
                let name = format!("decoder.{l}.{c}");
                convolutions.push(read.convolution(&name, [1; 3], sources)?);
            }
            decoder.push((up, convolutions));
        }
        let head = read.head()?;
        Ok(Some(Self {
            description,
            encoder,
            decoder,
            head,
            isa,
        }))
    }

    /// Class scores before the softmax, `[class][D][H][W]`, of an image `[C][D][H][W]` of `size` voxels (depth, height, width).
    ///
    /// `watch` hears which part of the layers is done and may stop.
    ///
    /// # Errors
    /// When the size is no multiple of [`UNetDescription::divisor`] or the values are too few, and [`Error::Stopped`].
    pub fn run(
        &self,
        image: &[f32],
        size: [usize; 3],
        arena: &mut Arena,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<f32>, Error> {
        let channels = self.description.in_channels;
        let divisor = self.description.divisor();
        let fits = (0..3).all(|a| size[a] > 0 && size[a].is_multiple_of(divisor[a]));
        if !fits || image.len() != channels * size.iter().product::<usize>() {
            return Err(Error::Input(vec![1, channels, size[0], size[1], size[2]]));
        }
        let pool = &mut arena.0;
        let layers = self.encoder.iter().map(Vec::len).sum::<usize>()
            + self.decoder.iter().map(|(_, c)| c.len()).sum::<usize>();
        let mut done = 0;
        let mut step = || {
            done += 1;
            match watch(done as f32 / layers as f32) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Stopped),
            }
        };
        let mut skips: Vec<Blocked> = Vec::with_capacity(self.encoder.len());
        for level in &self.encoder {
            let mut x: Option<Blocked> = None;
            for convolution in level {
                let source = match (&x, skips.last()) {
                    (Some(x), _) => Source::Blocked(x),
                    (None, Some(finer)) => Source::Blocked(finer),
                    (None, None) => Source::Planar {
                        values: image,
                        channels,
                        size,
                    },
                };
                let y = convolution.run(&[source], self.isa, pool);
                if let Some(x) = x.replace(y) {
                    pool.give(x.memory);
                }
                step()?;
            }
            skips.extend(x);
        }
        let Some(mut x) = skips.pop() else {
            return Err(Error::Input(Vec::new()));
        };
        for (up, convolutions) in self.decoder.iter().rev() {
            let grown = up.run(&x, self.isa, pool);
            pool.give(x.memory);
            x = grown;
            let mut skip = skips.pop();
            for convolution in convolutions {
                let y = match &skip {
                    Some(skip) => {
                        let sources = [Source::Blocked(&x), Source::Blocked(skip)];
                        convolution.run(&sources, self.isa, pool)
                    }
                    None => convolution.run(&[Source::Blocked(&x)], self.isa, pool),
                };
                pool.give(std::mem::replace(&mut x, y).memory);
                if let Some(skip) = skip.take() {
                    pool.give(skip.memory);
                }
                step()?;
            }
        }
        let scores = self.head.run(&x, self.isa);
        pool.give(x.memory);
        Ok(scores)
    }
}

/// Reads parameters by name.
struct Reader<'a> {
    network: &'a UNet,
    isa: Isa,
}

impl Reader<'_> {
    fn tensor(&self, name: &str) -> Result<&Tensor, Error> {
        let tensor = self.network.parameters().get(name);
        tensor.ok_or_else(|| Error::MissingTensor(name.to_owned()))
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.tensor(name)?.flatten_all()?.to_vec1()?)
    }

    fn convolution(
        &self,
        name: &str,
        stride: [usize; 3],
        sources: &[usize],
    ) -> Result<Convolution, Error> {
        let weight = format!("{name}.conv.weight");
        let (outputs, inputs, d, h, w) = self.tensor(&weight)?.dims5()?;
        let values = self.values(&weight)?;
        let weights = Weights {
            values: &values,
            outputs,
            inputs,
            kernel: [d, h, w],
        };
        let after = Normalisation {
            scale: &self.values(&format!("{name}.norm.weight"))?,
            shift: &self.values(&format!("{name}.norm.bias"))?,
            slope: self.network.description().slope,
        };
        Ok(Convolution::new(&weights, stride, after, sources, self.isa))
    }

    fn transposed(
        &self,
        level: usize,
        inputs: usize,
        outputs: usize,
        stride: [usize; 3],
    ) -> Result<Transposed, Error> {
        let values = self.values(&format!("decoder.{level}.up.weight"))?;
        let bias = if self.network.description().up_bias {
            self.values(&format!("decoder.{level}.up.bias"))?
        } else {
            Vec::new()
        };
        Ok(Transposed::new(
            &values, inputs, outputs, stride, &bias, self.isa,
        ))
    }

    fn head(&self) -> Result<Head, Error> {
        let (outputs, inputs, ..) = self.tensor("head.weight")?.dims5()?;
        let values = self.values("head.weight")?;
        let weights = Weights {
            values: &values,
            outputs,
            inputs,
            kernel: [1; 3],
        };
        Ok(Head::new(&weights, &self.values("head.bias")?, self.isa))
    }
}
