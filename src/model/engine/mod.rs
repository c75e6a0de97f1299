//! Inference on the CPU without tensors of candle: activations in blocks of channels, Winograd's F(2, 3) for the cubic and the flat
//! kernels, normalisation and activation applied where the next layer reads, memory handed on from layer to layer.
//!
//! The result is that of [`UNet::forward`] up to rounding: Winograd's sums differ by a few units in the last places.
mod convolution;
mod kernel;
mod layer;
mod task;
mod tensor;
mod weights;

use super::op::Isa;
use super::unet::STRAIGHT;
use super::{Encoder, Error, UNet, UNetDescription, Watch};
use candle_core::Tensor;
use convolution::{Convolution, Normalisation};
use layer::{Head, Transposed, add, average};
use std::ops::ControlFlow;
use tensor::{Blocked, Pool, Source};
use weights::Weights;

/// A U-Net, prepared for inference on the CPU.
#[derive(Debug)]
pub struct Engine {
    description: UNetDescription,
    stem: Option<Convolution>,
    encoder: Vec<Vec<Block>>,
    /// Way up, finest level first.
    decoder: Vec<(Transposed, Vec<Convolution>)>,
    head: Head,
    isa: Isa,
}

/// A step of the way down: a convolution, and of a residual encoder what else its block has.
#[derive(Debug)]
struct Block {
    first: Convolution,
    residual: Option<Residual>,
}

#[derive(Debug)]
struct Residual {
    second: Convolution,
    stride: [usize; 3],
    skip: Option<Convolution>,
    slope: f32,
}

/// Memory of an engine's activations, kept from one tile to the next.
#[derive(Debug, Default)]
pub struct Arena(Pool);

impl Engine {
    /// Prepares a network.
    ///
    /// # Errors
    /// When a parameter cannot be read.
    pub fn new(network: &UNet, isa: Isa) -> Result<Self, Error> {
        let description = network.description().clone();
        let read = Reader {
            network,
            isa: isa.supported(),
        };
        let levels = &description.levels;
        let mut encoder = Vec::with_capacity(levels.len());
        let mut from = description.in_channels;
        let mut stem = None;
        if let Encoder::Residual { stem_channels } = description.encoder {
            let slope = description.slope;
            stem = Some(read.convolution("encoder.stem", [1; 3], &[from], slope)?);
            from = stem_channels;
        }
        for (l, level) in levels.iter().enumerate() {
            let mut blocks = Vec::with_capacity(level.encoder_convs);
            for c in 0..level.encoder_convs {
                let stride = if c == 0 { level.stride } else { [1; 3] };
                blocks.push(read.block(
                    &format!("encoder.{l}.{c}"),
                    stride,
                    from,
                    level.channels,
                )?);
                from = level.channels;
            }
            encoder.push(blocks);
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
                let slope = description.slope;
                convolutions.push(read.convolution(&name, [1; 3], sources, slope)?);
            }
            decoder.push((up, convolutions));
        }
        let head = read.head()?;
        Ok(Self {
            description,
            stem,
            encoder,
            decoder,
            head,
            isa,
        })
    }

    /// Class scores before the softmax, `[class][D][H][W]`, of an image `[C][D][H][W]` of `size` voxels (depth, height, width).
    ///
    /// `watch` hears which part of the blocks is done and may stop.
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
        let blocks = self.encoder.iter().map(Vec::len).sum::<usize>()
            + self.decoder.iter().map(|(_, c)| c.len()).sum::<usize>();
        let mut done = 0;
        let mut step = || {
            done += 1;
            match watch(done as f32 / blocks as f32) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Stopped),
            }
        };
        let image = Source::Planar {
            values: image,
            channels,
            size,
        };
        let stem = self.stem.as_ref();
        let mut x = stem.map(|stem| stem.run(&[image], self.isa, pool));
        let mut skips: Vec<Blocked> = Vec::with_capacity(self.encoder.len());
        for level in &self.encoder {
            for block in level {
                let source = match (&x, skips.last()) {
                    (Some(x), _) => Source::Blocked(x),
                    (None, Some(finer)) => Source::Blocked(finer),
                    (None, None) => image,
                };
                let y = block.run(source, self.isa, pool);
                if let Some(x) = x.replace(y) {
                    pool.give(x.memory);
                }
                step()?;
            }
            skips.extend(x.take());
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

impl Block {
    /// The image as it comes is the source of a plain block or of the stem alone.
    fn run(&self, source: Source<'_>, isa: Isa, pool: &mut Pool) -> Blocked {
        let inner = self.first.run(&[source], isa, pool);
        let (Some(residual), Source::Blocked(x)) = (&self.residual, source) else {
            return inner;
        };
        let y = residual.second.run(&[Source::Blocked(&inner)], isa, pool);
        pool.give(inner.memory);
        let stride = residual.stride;
        let pooled = (stride != [1; 3]).then(|| average(x, stride, isa, pool));
        let shortcut = pooled.as_ref().unwrap_or(x);
        let skip = residual.skip.as_ref();
        let adapted = skip.map(|skip| skip.run(&[Source::Blocked(shortcut)], isa, pool));
        let shortcut = adapted.as_ref().unwrap_or(shortcut);
        let sum = add(&y, shortcut, residual.slope, isa, pool);
        let used = [Some(y), pooled, adapted];
        used.into_iter().flatten().for_each(|b| pool.give(b.memory));
        sum
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

    fn block(
        &self,
        name: &str,
        stride: [usize; 3],
        from: usize,
        to: usize,
    ) -> Result<Block, Error> {
        let slope = self.network.description().slope;
        if self.network.description().encoder == Encoder::Plain {
            return Ok(Block {
                first: self.convolution(name, stride, &[from], slope)?,
                residual: None,
            });
        }
        let part = |part: &str, stride, from, slope| {
            self.convolution(&format!("{name}.{part}"), stride, &[from], slope)
        };
        let skip = if from == to {
            None
        } else {
            Some(part("skip", [1; 3], from, STRAIGHT)?)
        };
        Ok(Block {
            first: part("first", stride, from, slope)?,
            residual: Some(Residual {
                second: part("second", [1; 3], to, STRAIGHT)?,
                stride,
                skip,
                slope,
            }),
        })
    }

    fn convolution(
        &self,
        name: &str,
        stride: [usize; 3],
        sources: &[usize],
        slope: f32,
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
            slope,
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
