//! The networks of a translator under training: one step of each method.
use super::data::SliceSet;
use crate::model::translate::{
    Contrast, ContrastDescription, CycleGan, CycleWeights, Discriminator, DiscriminatorDescription,
    Generator, GeneratorDescription, ImagePool, Initialisation, Objective, QueryAttention,
    Segmentation, judgement,
};
use crate::model::{self, Parameters};
use crate::train::{Error, Optimiser, Rule};
use candle_core::{Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Adam as both methods have it.
const RULE: Rule = Rule::Adam {
    betas: [0.5, 0.999],
    weight_decay: 0.0,
};

/// What a segmentation head is taught with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentationHead {
    /// Weight of background, tumour and cochlea.
    pub class_weights: [f32; 3],
    /// Part of the training after which the way back's head learns from translated pictures too.
    pub translated_after: f64,
}

/// How a translator learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Method {
    /// There and back again, with two generators and two discriminators.
    Cyclegan {
        /// Weights of the loss's parts.
        #[serde(default)]
        weights: CycleWeights,
        /// Pictures that a discriminator does not forget.
        #[serde(default = "fifty")]
        pool: usize,
        /// The heads of both generators, if they have any.
        #[serde(default)]
        segmentation: Option<SegmentationHead>,
    },
    /// There alone, held to the source by patch-wise contrast.
    QsAttn {
        /// What is compared.
        #[serde(default = "ContrastDescription::query_selected")]
        contrast: ContrastDescription,
        /// Weight of the contrast.
        #[serde(default = "one")]
        weight: f64,
    },
}

fn fifty() -> usize {
    50
}

fn one() -> f64 {
    1.0
}

/// Everything that learns, and what a checkpoint keeps.
pub(super) struct Networks {
    generators: Optimiser,
    judges: Optimiser,
    pools: Vec<ImagePool>,
    kind: Kind,
}

enum Kind {
    Cycle {
        /// Its discriminators are beyond reach of the generators' gradients.
        cycle: Box<CycleGan>,
        judges: Box<[Discriminator; 2]>,
        weights: CycleWeights,
        head: Option<SegmentationHead>,
    },
    Query {
        translator: Box<QueryAttention>,
        judge: Box<Discriminator>,
    },
}

/// Parameters whose names begin with `part.`, without that.
fn part(all: &Parameters, part: &str) -> Parameters {
    let prefix = format!("{part}.");
    let of = |(name, tensor): (&String, &Tensor)| {
        let name = name.strip_prefix(&prefix)?;
        Some((name.to_owned(), tensor.clone()))
    };
    all.iter().filter_map(of).collect()
}

/// Variables of several networks, each with its name before those of its parameters.
fn variables(
    parts: Vec<(&str, Parameters)>,
    device: &Device,
) -> Result<BTreeMap<String, Var>, Error> {
    let mut all = BTreeMap::new();
    for (part, parameters) in parts {
        for (name, tensor) in parameters {
            let variable = Var::from_tensor(&tensor.to_device(device)?)?;
            all.insert(format!("{part}.{name}"), variable);
        }
    }
    Ok(all)
}

fn detached(parameters: Parameters) -> Parameters {
    let parts = parameters.into_iter();
    parts.map(|(name, t)| (name, t.detach())).collect()
}

/// What is learned from in a step.
pub(super) struct Lesson<'a> {
    pub(super) source: &'a SliceSet,
    pub(super) target: &'a SliceSet,
    pub(super) batch: usize,
    /// Number of the step, from 1.
    pub(super) step: usize,
    /// Part of the training that is done.
    pub(super) done: f64,
    pub(super) rate: f64,
}

impl Networks {
    pub(super) fn new(
        method: &Method,
        generator: GeneratorDescription,
        judge: DiscriminatorDescription,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        // Each network has a seed of its own.
        let seed = |n: u64| seed.wrapping_mul(16).wrapping_add(n);
        match method {
            Method::Cyclegan {
                weights,
                pool,
                segmentation,
            } => {
                let how = Initialisation::Normal;
                let first = |n| generator.initial_parameters(how, seed(n));
                let parts = vec![("there", first(0)?), ("back", first(1)?)];
                let generators = Optimiser::new(variables(parts, device)?, RULE)?;
                let first = |n| judge.initial_parameters(how, seed(n));
                let parts = vec![("target", first(2)?), ("source", first(3)?)];
                let judges = Optimiser::new(variables(parts, device)?, RULE)?;
                let (made, judging) = (generators.parameters(), judges.parameters());
                let made = |name| Generator::new(generator, part(&made, name));
                let frozen = |name| Discriminator::new(judge, detached(part(&judging, name)));
                let learning = |name| Discriminator::new(judge, part(&judging, name));
                Ok(Self {
                    kind: Kind::Cycle {
                        cycle: Box::new(CycleGan {
                            there: made("there")?,
                            back: made("back")?,
                            target_judge: frozen("target")?,
                            source_judge: frozen("source")?,
                        }),
                        judges: Box::new([learning("target")?, learning("source")?]),
                        weights: *weights,
                        head: segmentation.clone(),
                    },
                    generators,
                    judges,
                    pools: vec![ImagePool::new(*pool); 2],
                })
            }
            Method::QsAttn { contrast, weight } => {
                let how = Initialisation::Xavier;
                let compared = contrast.initial_parameters(&generator, how, seed(4))?;
                let parts = vec![
                    ("there", generator.initial_parameters(how, seed(0))?),
                    ("contrast", compared),
                ];
                let generators = Optimiser::new(variables(parts, device)?, RULE)?;
                let parts = vec![("target", judge.initial_parameters(how, seed(2))?)];
                let judges = Optimiser::new(variables(parts, device)?, RULE)?;
                let (made, judging) = (generators.parameters(), judges.parameters());
                let judging = part(&judging, "target");
                let compared = part(&made, "contrast");
                Ok(Self {
                    kind: Kind::Query {
                        translator: Box::new(QueryAttention {
                            generator: Generator::new(generator, part(&made, "there"))?,
                            judge: Discriminator::new(judge, detached(judging.clone()))?,
                            contrast: Contrast::new(contrast.clone(), &generator, compared)?,
                            layers: contrast.layers.clone(),
                            weight: *weight,
                        }),
                        judge: Box::new(Discriminator::new(judge, judging)?),
                    },
                    generators,
                    judges,
                    pools: Vec::new(),
                })
            }
        }
    }

    /// The generator from source to target, and that of the way back where there is one.
    pub(super) fn generators(&self) -> (&Generator, Option<&Generator>) {
        match &self.kind {
            Kind::Cycle { cycle, .. } => (&cycle.there, Some(&cycle.back)),
            Kind::Query { translator, .. } => (&translator.generator, None),
        }
    }

    /// One step of generators, then of discriminators. Returns name and value of each part of the losses.
    pub(super) fn step(
        &mut self,
        lesson: &Lesson<'_>,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Vec<(&'static str, f64)>, Error> {
        let (source, labels) = lesson.source.batch(lesson.batch, random, device)?;
        let (target, _) = lesson.target.batch(lesson.batch, random, device)?;
        let (objective, judged) = match &self.kind {
            Kind::Cycle {
                cycle,
                judges,
                weights,
                head,
            } => {
                let taught = match (head, &labels) {
                    (Some(head), Some(labels)) => Some(Segmentation {
                        labels,
                        class_weights: &head.class_weights,
                        translated: lesson.done >= head.translated_after,
                    }),
                    _ => None,
                };
                let made = cycle.generators(&source, &target, weights, taught.as_ref())?;
                learn(&mut self.generators, &made.objective.total, lesson)?;
                let [of_target, of_source] = self.pools.as_mut_slice() else {
                    return Err(Error::Settings("a cycle has two pools".to_owned()));
                };
                let shown = of_target.exchange(&made.to_target, random)?;
                let for_target = judgement(&judges[0], &shown, &target)?;
                let shown = of_source.exchange(&made.to_source, random)?;
                let for_source = judgement(&judges[1], &shown, &source)?;
                let judged = vec![("judge_target", for_target), ("judge_source", for_source)];
                (made.objective, judged)
            }
            Kind::Query { translator, judge } => {
                let (objective, made) = translator.generator(&source, &target, random)?;
                learn(&mut self.generators, &objective.total, lesson)?;
                let judged = judgement(judge, &made, &target)?;
                (objective, vec![("judge_target", judged)])
            }
        };
        // Discriminators of two contrasts share no parameter: the sum gives each its own gradient.
        let mut sum: Option<Tensor> = None;
        for (_, loss) in &judged {
            sum = Some(match sum {
                Some(sum) => (sum + loss)?,
                None => loss.clone(),
            });
        }
        if let Some(sum) = sum {
            learn(&mut self.judges, &sum, lesson)?;
        }
        values(&objective, &judged)
    }

    /// All that a training continues from.
    pub(super) fn state(&self) -> Parameters {
        let mut state = Parameters::new();
        let optimisers = [
            ("generators", self.generators.state()),
            ("judges", self.judges.state()),
        ];
        let pools = self.pools.iter().enumerate();
        let pools = pools.map(|(n, p)| (["pool0", "pool1"][n.min(1)], p.state()));
        for (part, tensors) in optimisers.into_iter().chain(pools) {
            let named = tensors.into_iter();
            state.extend(named.map(|(name, t)| (format!("{part}.{name}"), t)));
        }
        state
    }

    /// Takes over a [state](Self::state).
    pub(super) fn restore(&mut self, state: &Parameters, device: &Device) -> Result<(), Error> {
        self.generators.restore(part(state, "generators"))?;
        self.judges.restore(part(state, "judges"))?;
        for (n, pool) in self.pools.iter_mut().enumerate() {
            pool.restore(part(state, ["pool0", "pool1"][n.min(1)]), device)?;
        }
        Ok(())
    }
}

/// One step of an optimiser, whose gradients are never clipped.
fn learn(optimiser: &mut Optimiser, loss: &Tensor, lesson: &Lesson<'_>) -> Result<(), Error> {
    let gradients = loss.backward()?;
    optimiser.step(&gradients, lesson.step, lesson.rate, f64::INFINITY)?;
    Ok(())
}

fn values(
    objective: &Objective,
    judged: &[(&'static str, Tensor)],
) -> Result<Vec<(&'static str, f64)>, Error> {
    let names = objective.parts.iter().map(|(name, _)| *name);
    let mut all: Vec<_> = names.chain(["loss"]).zip(objective.values()?).collect();
    all.rotate_right(1);
    for (name, loss) in judged {
        let value = loss.to_scalar::<f32>().map_err(model::Error::from)?;
        all.push((name, f64::from(value)));
    }
    Ok(all)
}
