//! Networks that turn pictures of one contrast into another, those that judge the result, and what they are trained by.
//!
//! `CycleGAN`: Zhu et al. 2017, doi:10.1109/ICCV.2017.244. CUT: Park et al. 2020, doi:10.1007/978-3-030-58545-7_19. QS-Attn: Hu et al. 2022,
//! doi:10.1109/CVPR52688.2022.01775. COSMOS (segmentation head, cycle in k-space): Shin et al. 2022, arXiv:2203.16557. Pictures are `N, C, H, W`, intensities −1 to 1.

mod contrast;
mod discriminator;
mod generator;
mod layer;
mod loss;
mod objective;
mod pool;

pub use contrast::{Contrast, ContrastDescription};
pub use discriminator::{Discriminator, DiscriminatorDescription};
pub use generator::{Generator, GeneratorDescription};
pub use loss::{fourier_l1, l1, least_squares};
pub use objective::{
    CycleGan, CycleWeights, Objective, QueryAttention, Seen, Segmentation, Translated, judgement,
    weighted_cross_entropy,
};
pub use pool::ImagePool;

use super::{Error, Parameters};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the first weights are drawn. Biases begin at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// From a normal distribution of standard deviation 0.02: `CycleGAN`'s.
    Normal,
    /// From a normal distribution of standard deviation `0.02 × √(2 / (inputs + outputs))` (Glorot and Bengio 2010): that of CUT and QS-Attn.
    Xavier,
}

/// Standard deviation, or its factor.
const GAIN: f32 = 0.02;

impl Initialisation {
    /// Parameters of the given shapes, by name.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn draw(
        self,
        shapes: &BTreeMap<String, Vec<usize>>,
        seed: u64,
    ) -> Result<Parameters, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut parameters = Parameters::new();
        for (name, shape) in shapes {
            let count: usize = shape.iter().product();
            let values = if name.ends_with("bias") {
                vec![0.0; count]
            } else {
                let taps: usize = shape.iter().skip(2).product();
                let ends: usize = shape.iter().take(2).sum();
                let sd = match self {
                    Self::Normal => GAIN,
                    Self::Xavier => GAIN * (2.0 / (ends * taps) as f32).sqrt(),
                };
                let normal = Normal::new(0.0, sd).map_err(|e| Error::Description(e.to_string()))?;
                (0..count).map(|_| normal.sample(&mut random)).collect()
            };
            let tensor = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?;
            parameters.insert(name.clone(), tensor);
        }
        Ok(parameters)
    }
}
