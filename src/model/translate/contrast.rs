//! Patch-wise contrast: a patch of the translated picture must say where in the source it comes from (Park et al. 2020), asked where attention is
//! sharpest (Hu et al. 2022).
use super::Initialisation;
use super::generator::GeneratorDescription;
use crate::model::weights::check;
use crate::model::{Error, Parameters};
use candle_core::{D, Device, Tensor};
use rand::{Rng, seq::index};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Replaces the similarity of a patch with itself among the negatives.
const MASKED: f64 = -10.0;

/// What is contrasted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastDescription {
    /// Layers of the generator whose features are compared, in rising order.
    pub layers: Vec<usize>,
    /// How many of these, the first ones, are compared at random places; of the others the places whose attention has the lowest entropy.
    pub at_random: usize,
    /// Places of each layer.
    pub patches: usize,
    /// Values that a patch is described by.
    pub width: usize,
    /// By which similarities are divided.
    pub temperature: f64,
}

impl ContrastDescription {
    /// QS-Attn with global attention: layers 0, 4 and 8 at random places, 12 and 16 by attention.
    pub fn query_selected() -> Self {
        Self {
            layers: vec![0, 4, 8, 12, 16],
            at_random: 3,
            patches: 256,
            width: 256,
            temperature: 0.07,
        }
    }

    /// Checks what comes from a file.
    ///
    /// # Errors
    /// When a layer is none of the generator's, or a number is out of range.
    pub fn validate(&self, generator: &GeneratorDescription) -> Result<(), Error> {
        let rising = self.layers.windows(2).all(|w| w[0] < w[1]);
        let last = self.layers.last().copied().unwrap_or(usize::MAX);
        let fits = rising
            && last < generator.feature_layers()
            && self.layers.len() <= 32
            && (2..=4096).contains(&self.patches)
            && (1..=4096).contains(&self.width)
            && self.temperature > 0.0
            && self.temperature.is_finite();
        if fits {
            return Ok(());
        }
        let text = "the layers, patches, width or temperature of the contrast";
        Err(Error::Description(text.to_owned()))
    }

    /// Name and shape of every parameter: two linear layers for each layer of the generator.
    pub fn shapes(&self, generator: &GeneratorDescription) -> BTreeMap<String, Vec<usize>> {
        let channels = self.layers.iter().map(|n| generator.feature_channels(*n));
        self.shapes_of(&channels.collect::<Vec<_>>())
    }

    fn shapes_of(&self, channels: &[usize]) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        for (n, &from) in channels.iter().enumerate() {
            for (part, inputs) in [("first", from), ("second", self.width)] {
                shapes.insert(format!("mlp.{n}.{part}.weight"), vec![self.width, inputs]);
                shapes.insert(format!("mlp.{n}.{part}.bias"), vec![self.width]);
            }
        }
        shapes
    }

    /// Parameters before training.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn initial_parameters(
        &self,
        generator: &GeneratorDescription,
        how: Initialisation,
        seed: u64,
    ) -> Result<Parameters, Error> {
        self.validate(generator)?;
        how.draw(&self.shapes(generator), seed)
    }
}

/// The networks that describe patches, and their loss.
#[derive(Debug, Clone)]
pub struct Contrast {
    description: ContrastDescription,
    parameters: Parameters,
}

impl Contrast {
    /// Networks of the given parameters.
    ///
    /// # Errors
    /// When the description is not valid, or a parameter is missing, unknown or of another shape; each is named.
    pub fn new(
        description: ContrastDescription,
        generator: &GeneratorDescription,
        parameters: Parameters,
    ) -> Result<Self, Error> {
        description.validate(generator)?;
        let channels = description.layers.iter();
        let channels: Vec<usize> = channels.map(|n| generator.feature_channels(*n)).collect();
        Self::of_channels(description, &channels, parameters)
    }

    /// The same for features of so many channels from anywhere, in the order of the description's layers.
    ///
    /// # Errors
    /// When a parameter is missing, unknown or of another shape.
    pub fn of_channels(
        description: ContrastDescription,
        channels: &[usize],
        parameters: Parameters,
    ) -> Result<Self, Error> {
        check(&description.shapes_of(channels), &parameters)?;
        Ok(Self {
            description,
            parameters,
        })
    }

    /// Random places, `y × width + x`, for the layers that are compared there; `source` are the features of the source picture.
    pub fn places(&self, source: &[Tensor], random: &mut impl Rng) -> Vec<Vec<u32>> {
        let layers = source.iter().take(self.description.at_random);
        let drawn = layers.map(|features| {
            let count = features.dims().iter().skip(2).product::<usize>();
            let wanted = self.description.patches.min(count);
            let places = index::sample(random, count, wanted).into_iter();
            places.map(|place| place as u32).collect()
        });
        drawn.collect()
    }

    /// The loss between features of the source pictures (the keys, which are left as they are) and of the translated ones (the queries), mean over the layers.
    /// Negatives come from the same picture. Selected places weigh source and translated features by the rows of the source's attention.
    ///
    /// # Errors
    /// When the features are not those of the description's layers, or memory runs out.
    pub fn loss(
        &self,
        source: &[Tensor],
        translated: &[Tensor],
        places: &[Vec<u32>],
    ) -> Result<Tensor, Error> {
        let layers = self.description.layers.len();
        if source.len() != layers || translated.len() != layers {
            return Err(Error::Input(vec![source.len(), translated.len()]));
        }
        let mut sum: Option<Tensor> = None;
        for n in 0..layers {
            let (keys, queries) = (rows(&source[n])?, rows(&translated[n])?);
            let (keys, queries) = if let Some(places) = places.get(n) {
                let at = Tensor::new(places.as_slice(), keys.device())?;
                (keys.index_select(&at, 1)?, queries.index_select(&at, 1)?)
            } else {
                let attention = self.selected_attention(&keys)?;
                (attention.matmul(&keys)?, attention.matmul(&queries)?)
            };
            let keys = self.describe(n, &keys)?.detach();
            let part = self.cross_entropy(&self.describe(n, &queries)?, &keys)?;
            sum = Some(match sum {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        let sum = sum.ok_or_else(|| Error::Description("a contrast of no layers".to_owned()))?;
        Ok((sum / layers as f64)?)
    }

    /// The rows of `softmax(F Fᵀ)` that have the lowest entropy, `N, patches, places`, of features `N, places, C`.
    fn selected_attention(&self, features: &Tensor) -> Result<Tensor, Error> {
        let (images, places, _) = features.dims3()?;
        let wanted = self.description.patches.min(places);
        let known = features.detach();
        let similar = known.matmul(&known.transpose(1, 2)?.contiguous()?)?;
        let mut chosen = Vec::with_capacity(images);
        for image in 0..images {
            let similar = similar.get(image)?.to_device(&Device::Cpu)?.flatten_all()?;
            let similar: Vec<f32> = similar.to_vec1()?;
            let rows = similar.par_chunks_exact(places);
            let entropy: Vec<f64> = rows.map(entropy_of_softmax).collect();
            let mut order: Vec<u32> = (0..places as u32).collect();
            order.sort_by(|&a, &b| entropy[a as usize].total_cmp(&entropy[b as usize]));
            order.truncate(wanted);
            let at = Tensor::from_vec(order, wanted, features.device())?;
            chosen.push(features.get(image)?.index_select(&at, 0)?);
        }
        let chosen = Tensor::stack(&chosen, 0)?;
        softmax(&chosen.matmul(&features.transpose(1, 2)?.contiguous()?)?)
    }

    /// Two linear layers and a unit length, of features `N, patches, C`.
    fn describe(&self, n: usize, features: &Tensor) -> Result<Tensor, Error> {
        let (images, patches, channels) = features.dims3()?;
        let linear = |x: &Tensor, part: &str| -> Result<Tensor, Error> {
            let get = |kind: &str| {
                let name = format!("mlp.{n}.{part}.{kind}");
                self.parameters.get(&name).ok_or(Error::MissingTensor(name))
            };
            Ok(x.matmul(&get("weight")?.t()?)?
                .broadcast_add(get("bias")?)?)
        };
        let flat = features.reshape((images * patches, channels))?;
        let y = linear(&linear(&flat, "first")?.relu()?, "second")?;
        let squares = y.sqr()?.sum_keepdim(1)?;
        // A patch that no unit answers to has no direction, and the root no gradient at zero: it is taken as it is.
        let nothing = squares.detach().eq(0.0)?.to_dtype(squares.dtype())?;
        let length = ((squares + nothing)?.sqrt()? + 1e-7)?;
        let y = y.broadcast_div(&length)?;
        Ok(y.reshape((images, patches, self.description.width))?)
    }

    /// Mean cross-entropy of telling each query's own key from those of the other patches.
    fn cross_entropy(&self, queries: &Tensor, keys: &Tensor) -> Result<Tensor, Error> {
        let (_, patches, _) = queries.dims3()?;
        let own = (queries * keys)?.sum_keepdim(2)?;
        let others = queries.matmul(&keys.transpose(1, 2)?.contiguous()?)?;
        let same = Tensor::eye(patches, others.dtype(), others.device())?;
        let different = same.affine(-1.0, 1.0)?;
        let others = others
            .broadcast_mul(&different)?
            .broadcast_add(&(same * MASKED)?)?;
        let logits = (Tensor::cat(&[&own, &others], 2)? / self.description.temperature)?;
        let highest = logits.detach().max_keepdim(D::Minus1)?;
        let sums = logits.broadcast_sub(&highest)?.exp()?.sum_keepdim(2)?;
        let total = (sums.log()? + highest)?;
        Ok((total - (own / self.description.temperature)?)?.mean_all()?)
    }
}

/// Features `N, C, H, W` as `N, H × W, C`.
fn rows(features: &Tensor) -> Result<Tensor, Error> {
    Ok(features.flatten_from(2)?.transpose(1, 2)?.contiguous()?)
}

/// Softmax along the last axis.
fn softmax(x: &Tensor) -> Result<Tensor, Error> {
    let highest = x.detach().max_keepdim(D::Minus1)?;
    let powers = x.broadcast_sub(&highest)?.exp()?;
    Ok(powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?)
}

/// The entropy of the softmax of a row, without the softmax itself: it is wanted of every row, and few of them are kept.
fn entropy_of_softmax(row: &[f32]) -> f64 {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut total, mut weighted) = (0.0_f64, 0.0_f64);
    for value in row {
        let below = value - highest;
        let power = f64::from(below.exp());
        total += power;
        weighted += power * f64::from(below);
    }
    total.ln() - weighted / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_are_those_of_the_softmax() {
        let even = entropy_of_softmax(&[2.5; 8]);
        assert!((even - 8.0_f64.ln()).abs() < 1e-6);
        assert!(entropy_of_softmax(&[80.0, 0.0, -3.0]).abs() < 1e-6);
        let row = [0.3, -1.2, 2.0, 0.9];
        let x = Tensor::from_slice(&row, (1, 4), &Device::Cpu).unwrap();
        let p: Vec<f32> = softmax(&x)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        let expected: f64 = p.iter().map(|p| -f64::from(*p) * f64::from(*p).ln()).sum();
        assert!((entropy_of_softmax(&row) - expected).abs() < 1e-6);
    }
}
