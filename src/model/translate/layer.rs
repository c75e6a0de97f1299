//! Layers of the translating networks, numbered as in the reference implementations.
use crate::model::op::{
    TransposedConv2d, blur_downsample2d, blur_upsample2d, conv2d, instance_norm2d, leaky_relu,
    reflect_pad2d, transposed_conv2d,
};
use crate::model::{Error, Parameters};
use candle_core::Tensor;
use std::{collections::BTreeMap, ops::Range};

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Layer {
    ReflectPad(usize),
    Conv {
        from: usize,
        to: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        /// Left out before a normalisation, where it would vanish.
        bias: bool,
    },
    /// Transposed, 3 × 3, twice the size.
    UpConv {
        from: usize,
        to: usize,
    },
    Norm,
    Activation {
        slope: f32,
    },
    BlurDown,
    BlurUp,
    /// Two 3 × 3 convolutions with reflected borders and normalisation beside a shortcut.
    Residual {
        channels: usize,
    },
    Tanh,
}

/// Rectified linear.
pub(super) const RELU: Layer = Layer::Activation { slope: 0.0 };

/// Layers one after another, their parameters called `name.number.…`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sequence {
    pub(super) name: &'static str,
    /// Number of the first layer.
    pub(super) first: usize,
    pub(super) layers: Vec<Layer>,
}

impl Sequence {
    /// Adds name and shape of every parameter.
    pub(super) fn add_shapes(&self, shapes: &mut BTreeMap<String, Vec<usize>>) {
        for (n, layer) in (self.first..).zip(&self.layers) {
            let name = format!("{}.{n}", self.name);
            match *layer {
                Layer::Conv {
                    from,
                    to,
                    kernel,
                    bias,
                    ..
                } => {
                    shapes.insert(format!("{name}.weight"), vec![to, from, kernel, kernel]);
                    if bias {
                        shapes.insert(format!("{name}.bias"), vec![to]);
                    }
                }
                Layer::UpConv { from, to } => {
                    shapes.insert(format!("{name}.weight"), vec![from, to, 3, 3]);
                }
                Layer::Residual { channels } => {
                    for part in ["first", "second"] {
                        let shape = vec![channels, channels, 3, 3];
                        shapes.insert(format!("{name}.{part}.weight"), shape);
                    }
                }
                _ => {}
            }
        }
    }

    /// Channels of the output of layer `number`, for an input of `channels`.
    pub(super) fn channels_at(&self, number: usize, channels: usize) -> usize {
        let layers = self.layers.iter().take(number + 1 - self.first);
        layers.fold(channels, |before, layer| match *layer {
            Layer::Conv { to, .. } | Layer::UpConv { to, .. } => to,
            _ => before,
        })
    }

    /// Runs the layers of the given numbers. `keep` hears the number and the output of each layer.
    pub(super) fn run(
        &self,
        x: &Tensor,
        parameters: &Parameters,
        numbers: Range<usize>,
        keep: &mut dyn FnMut(usize, &Tensor),
    ) -> Result<Tensor, Error> {
        let mut y = x.clone();
        let layer = |n: usize| n.checked_sub(self.first).and_then(|n| self.layers.get(n));
        let mut n = numbers.start;
        while let Some(current) = layer(n).filter(|_| n < numbers.end) {
            let next = layer(n + 1).filter(|_| n + 1 < numbers.end);
            // Both in one pass, which nobody looks into.
            if let (Layer::Norm, Some(&Layer::Activation { slope })) = (current, next) {
                y = instance_norm2d(&y, slope)?;
                n += 1;
            } else {
                y = self.apply(n, current, &y, parameters)?;
            }
            keep(n, &y);
            n += 1;
        }
        Ok(y)
    }

    fn apply(
        &self,
        n: usize,
        layer: &Layer,
        x: &Tensor,
        parameters: &Parameters,
    ) -> Result<Tensor, Error> {
        let parameter = |part: &str| {
            let name = format!("{}.{n}.{part}", self.name);
            parameters.get(&name).ok_or(Error::MissingTensor(name))
        };
        Ok(match *layer {
            Layer::ReflectPad(padding) => reflect_pad2d(x, padding)?,
            Layer::Conv {
                to,
                stride,
                padding,
                bias,
                ..
            } => {
                let y = conv2d(x, parameter("weight")?, stride, padding)?;
                if bias {
                    y.broadcast_add(&parameter("bias")?.reshape((1, to, 1, 1))?)?
                } else {
                    y
                }
            }
            Layer::UpConv { .. } => {
                let conv = TransposedConv2d {
                    stride: 2,
                    padding: 1,
                    output_padding: 1,
                };
                transposed_conv2d(x, parameter("weight")?, conv)?
            }
            Layer::Norm => instance_norm2d(x, 1.0)?,
            Layer::Activation { slope } => leaky_relu(x, slope)?,
            Layer::BlurDown => blur_downsample2d(x)?,
            Layer::BlurUp => blur_upsample2d(x)?,
            Layer::Residual { .. } => {
                let conv = |x: &Tensor, part: &str| -> Result<Tensor, Error> {
                    Ok(conv2d(&reflect_pad2d(x, 1)?, parameter(part)?, 1, 0)?)
                };
                let inner = instance_norm2d(&conv(x, "first.weight")?, 0.0)?;
                (x + instance_norm2d(&conv(&inner, "second.weight")?, 1.0)?)?
            }
            Layer::Tanh => x.tanh()?,
        })
    }
}
