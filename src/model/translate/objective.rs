//! What the networks of a translator are trained for.
use super::{Contrast, Discriminator, Generator, fourier_l1, l1, least_squares};
use crate::model::Error;
use candle_core::{D, Tensor};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Weights of the parts of a cycle-consistent translator's loss; the adversarial part has 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CycleWeights {
    /// There and back again must give the same picture.
    pub cycle: f64,
    /// A picture of the other contrast must stay as it is.
    pub identity: f64,
    /// As `cycle`, measured in k-space (COSMOS).
    pub fourier: f64,
    /// The segmentation heads' (COSMOS).
    pub segmentation: f64,
}

impl Default for CycleWeights {
    /// `CycleGAN`'s: 10 for the cycle, half of it for the identity.
    fn default() -> Self {
        Self {
            cycle: 10.0,
            identity: 5.0,
            fourier: 0.0,
            segmentation: 0.0,
        }
    }
}

/// A loss and the parts that it is the weighted sum of, for the log.
#[derive(Debug, Clone)]
pub struct Objective {
    /// What is minimised.
    pub total: Tensor,
    /// Name and unweighted value of each part.
    pub parts: Vec<(&'static str, Tensor)>,
}

impl Objective {
    /// The values of the parts, then of the sum.
    ///
    /// # Errors
    /// When they cannot be brought to the CPU.
    pub fn values(&self) -> Result<Vec<f64>, Error> {
        let parts = self.parts.iter().map(|(_, t)| t).chain([&self.total]);
        parts
            .map(|t| Ok(f64::from(t.to_scalar::<f32>()?)))
            .collect()
    }
}

/// What a generator's heads are taught with.
#[derive(Debug, Clone)]
pub struct Segmentation<'a> {
    /// Class of each pixel of the source pictures, `N, H, W` as `u32`.
    pub labels: &'a Tensor,
    /// Weight of each class.
    pub class_weights: &'a [f32],
    /// Whether the head of the way back learns from translated pictures too: COSMOS waits a few epochs.
    pub translated: bool,
}

/// The two generators of a cycle, and the discriminators of both contrasts.
#[derive(Debug, Clone)]
pub struct CycleGan {
    /// From the source contrast to the target's.
    pub there: Generator,
    /// From the target contrast to the source's.
    pub back: Generator,
    /// Judges pictures of the target contrast.
    pub target_judge: Discriminator,
    /// Judges pictures of the source contrast.
    pub source_judge: Discriminator,
}

/// What a step of the generators gives: the objective, and the translated source and target pictures, detached.
#[derive(Debug, Clone)]
pub struct Translated {
    /// The generators' objective.
    pub objective: Objective,
    /// Source pictures in the target contrast.
    pub to_target: Tensor,
    /// Target pictures in the source contrast.
    pub to_source: Tensor,
}

impl CycleGan {
    /// The generators' objective for unpaired pictures of both contrasts (`N, 1, H, W`).
    ///
    /// # Errors
    /// When the pictures have a size that the networks do not take, or memory runs out.
    pub fn generators(
        &self,
        source: &Tensor,
        target: &Tensor,
        weights: &CycleWeights,
        segmentation: Option<&Segmentation<'_>>,
    ) -> Result<Translated, Error> {
        let mut parts: Vec<(&'static str, f64, Tensor)> = Vec::new();
        let to_target = match segmentation {
            Some(taught) => {
                let (picture, scores) = self.there.forward_with_segmentation(source)?;
                let loss = weighted_cross_entropy(&scores, taught.labels, taught.class_weights)?;
                parts.push(("segmentation", weights.segmentation, loss));
                picture
            }
            None => self.there.forward(source)?,
        };
        let source_again = match segmentation {
            Some(taught) => {
                let (picture, scores) = self.back.forward_with_segmentation(&to_target)?;
                let loss = weighted_cross_entropy(&scores, taught.labels, taught.class_weights)?;
                let weight = if taught.translated {
                    weights.segmentation
                } else {
                    0.0
                };
                parts.push(("segmentation_translated", weight, loss));
                picture
            }
            None => self.back.forward(&to_target)?,
        };
        let to_source = self.back.forward(target)?;
        let target_again = self.there.forward(&to_source)?;
        let judged = |judge: &Discriminator, picture| least_squares(&judge.forward(picture)?, 1.0);
        parts.push((
            "adversarial_target",
            1.0,
            judged(&self.target_judge, &to_target)?,
        ));
        parts.push((
            "adversarial_source",
            1.0,
            judged(&self.source_judge, &to_source)?,
        ));
        let cycle = (l1(&source_again, source)? + l1(&target_again, target)?)?;
        parts.push(("cycle", weights.cycle, cycle));
        if weights.identity > 0.0 {
            let kept = l1(&self.there.forward(target)?, target)?;
            let kept = (kept + l1(&self.back.forward(source)?, source)?)?;
            parts.push(("identity", weights.identity, kept));
        }
        if weights.fourier > 0.0 {
            let apart = fourier_l1(&source_again, source)?;
            let apart = (apart + fourier_l1(&target_again, target)?)?;
            parts.push(("fourier", weights.fourier, apart));
        }
        Ok(Translated {
            objective: weighted(parts)?,
            to_target: to_target.detach(),
            to_source: to_source.detach(),
        })
    }
}

/// The generator of a contrastive translator, its discriminator and the describers of patches.
#[derive(Debug, Clone)]
pub struct QueryAttention {
    /// From the source contrast to the target's.
    pub generator: Generator,
    /// Judges pictures of the target contrast.
    pub judge: Discriminator,
    /// Compares patches.
    pub contrast: Contrast,
    /// Layers that it compares.
    pub layers: Vec<usize>,
    /// Weight of the contrast; the adversarial part has 1.
    pub weight: f64,
}

impl QueryAttention {
    /// The generator's objective, and the translated source pictures, detached: adversarial, contrast of source and translated pictures, and of target
    /// pictures and what the generator makes of them (the identity term); the two contrasts count half each.
    ///
    /// # Errors
    /// As [`CycleGan::generators`].
    pub fn generator(
        &self,
        source: &Tensor,
        target: &Tensor,
        random: &mut impl Rng,
    ) -> Result<(Objective, Tensor), Error> {
        let seen = [self.see(source)?, self.see(target)?];
        let places = seen
            .each_ref()
            .map(|s| self.contrast.places(&s.features, random));
        self.generator_at(&seen, &places)
    }

    /// [`Self::generator`] from what was [seen](Self::see) of a source and a target picture, compared at given random places.
    ///
    /// # Errors
    /// As [`CycleGan::generators`].
    pub fn generator_at(
        &self,
        seen: &[Seen; 2],
        places: &[Vec<Vec<u32>>; 2],
    ) -> Result<(Objective, Tensor), Error> {
        let contrast = |n: usize| {
            let again = self.generator.features(&seen[n].translated, &self.layers)?;
            self.contrast.loss(&seen[n].features, &again, &places[n])
        };
        let adversarial = least_squares(&self.judge.forward(&seen[0].translated)?, 1.0)?;
        let parts = vec![
            ("adversarial", 1.0, adversarial),
            ("contrast", self.weight / 2.0, contrast(0)?),
            ("contrast_identity", self.weight / 2.0, contrast(1)?),
        ];
        Ok((weighted(parts)?, seen[0].translated.detach()))
    }

    /// A picture through the generator.
    ///
    /// # Errors
    /// As [`Generator::forward_with_features`].
    pub fn see(&self, picture: &Tensor) -> Result<Seen, Error> {
        let (translated, features) = self
            .generator
            .forward_with_features(picture, &self.layers)?;
        Ok(Seen {
            translated,
            features,
        })
    }
}

/// What the generator makes of a picture, and the features on the way that are compared.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The picture as translated.
    pub translated: Tensor,
    /// The features of the layers that are compared.
    pub features: Vec<Tensor>,
}

/// A discriminator's objective: half of its least-squares losses on translated and on real pictures.
///
/// # Errors
/// As [`Discriminator::forward`].
pub fn judgement(
    judge: &Discriminator,
    translated: &Tensor,
    real: &Tensor,
) -> Result<Tensor, Error> {
    let wrong = least_squares(&judge.forward(translated)?, 0.0)?;
    let right = least_squares(&judge.forward(real)?, 1.0)?;
    Ok(((wrong + right)? * 0.5)?)
}

/// Cross-entropy of `scores` (`N, classes, H, W`) against `labels` (`N, H, W`, `u32`), each pixel with its class's weight, divided by the sum of these.
///
/// # Errors
/// When shapes do not agree.
pub fn weighted_cross_entropy(
    scores: &Tensor,
    labels: &Tensor,
    class_weights: &[f32],
) -> Result<Tensor, Error> {
    let (_, classes, _, _) = scores.dims4()?;
    if class_weights.len() != classes {
        return Err(Error::Input(vec![class_weights.len(), classes]));
    }
    let highest = scores.detach().max_keepdim(1)?;
    let centred = scores.broadcast_sub(&highest)?;
    let total = centred.exp()?.sum_keepdim(1)?.log()?;
    let labels = labels.unsqueeze(1)?;
    let cost = (total - centred.gather(&labels, 1)?)?.flatten_all()?;
    let weights = Tensor::new(class_weights, scores.device())?;
    let weights = weights.index_select(&labels.flatten_all()?, 0)?;
    let sum = weights.sum(D::Minus1)?;
    Ok((cost * weights)?.sum_all()?.div(&sum)?)
}

fn weighted(parts: Vec<(&'static str, f64, Tensor)>) -> Result<Objective, Error> {
    let mut total: Option<Tensor> = None;
    for (_, weight, part) in &parts {
        // Not a plain product: candle gives what a zero is multiplied with no gradient at all.
        let factor = Tensor::full(*weight as f32, part.shape(), part.device())?;
        let part = (part * factor)?;
        total = Some(match total {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    let none = || Error::Description("an objective without parts".to_owned());
    Ok(Objective {
        total: total.ok_or_else(none)?,
        parts: parts.into_iter().map(|(n, _, t)| (n, t.detach())).collect(),
    })
}
