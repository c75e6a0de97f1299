//! Optimisers with gradient clipping, their state kept by name so that it can be saved and resumed.
use super::Error;
use crate::model::Parameters;
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const EPSILON: f64 = 1e-8;

/// How parameters follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Stochastic gradient descent with Nesterov's momentum in `PyTorch`'s form; the decay is added to the gradient. nnU-Net's rule, with
    /// 0.99 and 3e-5.
    Nesterov {
        /// 0 to 1.
        momentum: f64,
        /// Of all parameters.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015); the decay is added to the gradient.
    Adam {
        /// Decay of the two moments.
        betas: [f64; 2],
        /// Of all parameters.
        weight_decay: f64,
    },
    /// `AdamW` (Loshchilov and Hutter 2019): the decay shrinks the weights themselves. Only tensors of two and more axes decay: scales, shifts
    /// and biases have their own reasons.
    AdamW {
        /// Decay of the two moments.
        betas: [f64; 2],
        /// Times the learning rate, of each step.
        weight_decay: f64,
    },
}

/// A learning rate that falls from 1 to 0 over a training as `(1 - done)^0.9` (Chen 2018), as in nnU-Net; `done` is 0 to 1.
pub fn polynomial_decay(done: f64) -> f64 {
    (1.0 - done.clamp(0.0, 1.0)).powf(0.9)
}

/// A learning rate that stays for the first part of a training and then falls evenly to 0, as `CycleGAN`'s; `done` is 0 to 1.
pub fn linear_decay(done: f64, constant: f64) -> f64 {
    if done <= constant {
        return 1.0;
    }
    ((1.0 - done) / (1.0 - constant)).clamp(0.0, 1.0)
}

/// Parameters under training with the optimiser's state.
#[derive(Debug)]
pub struct Optimiser {
    variables: BTreeMap<String, Var>,
    rule: Rule,
    /// Momentum, or Adam's first moment.
    first: Parameters,
    /// Adam's second moment; empty without.
    second: Parameters,
}

impl Optimiser {
    /// Starts with zero moments.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn new(variables: BTreeMap<String, Var>, rule: Rule) -> Result<Self, Error> {
        let zeros = || -> Result<Parameters, Error> {
            variables
                .iter()
                .map(|(name, v)| Ok((name.clone(), v.zeros_like()?)))
                .collect()
        };
        Ok(Self {
            first: zeros()?,
            second: match rule {
                Rule::Nesterov { .. } => Parameters::new(),
                Rule::Adam { .. } | Rule::AdamW { .. } => zeros()?,
            },
            variables,
            rule,
        })
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> Parameters {
        self.variables
            .iter()
            .map(|(name, v)| (name.clone(), v.as_tensor().clone()))
            .collect()
    }

    /// Parameters and moments under the names of a checkpoint.
    pub fn state(&self) -> Parameters {
        let part = |kind: &'static str, all: &Parameters| {
            all.iter()
                .map(move |(name, t)| (format!("{kind}.{name}"), t.clone()))
                .collect::<Vec<_>>()
        };
        let mut state = Parameters::new();
        state.extend(part("parameter", &self.parameters()));
        state.extend(part("first", &self.first));
        state.extend(part("second", &self.second));
        state
    }

    /// Takes over a [state](Self::state).
    ///
    /// # Errors
    /// When a tensor is missing, unknown or of another shape.
    pub fn restore(&mut self, mut state: Parameters) -> Result<(), Error> {
        for (name, variable) in &self.variables {
            let mut take = |kind: &str| -> Result<Tensor, Error> {
                let name = format!("{kind}.{name}");
                let tensor = state
                    .remove(&name)
                    .ok_or_else(|| Error::Checkpoint(format!("it lacks {name}")))?;
                if tensor.dims() != variable.dims() {
                    return Err(Error::Checkpoint(format!(
                        "{name} has shape {:?}",
                        tensor.dims()
                    )));
                }
                Ok(tensor.to_device(variable.device())?)
            };
            variable.set(&take("parameter")?)?;
            self.first.insert(name.clone(), take("first")?);
            if self.second.contains_key(name) {
                self.second.insert(name.clone(), take("second")?);
            }
        }
        match state.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::Checkpoint(format!(
                "it has an unknown tensor {name}"
            ))),
        }
    }

    /// One step, `step` counting from 1. Gradients are scaled down together when their norm is above `largest_norm`. Returns the norm before that.
    ///
    /// # Errors
    /// When a gradient is missing or not finite; the parameters then are as before.
    pub fn step(
        &mut self,
        gradients: &GradStore,
        step: usize,
        learning_rate: f64,
        largest_norm: f64,
    ) -> Result<f64, Error> {
        let mut squares = 0.0;
        for (name, variable) in &self.variables {
            let gradient = gradients
                .get(variable)
                .ok_or_else(|| Error::Gradient(name.clone()))?;
            squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        let norm = squares.sqrt();
        if !norm.is_finite() {
            return Err(Error::Diverged(step));
        }
        let scale = if norm > largest_norm {
            largest_norm / norm
        } else {
            1.0
        };
        for (name, variable) in &self.variables {
            let (Some(gradient), Some(first)) = (gradients.get(variable), self.first.get_mut(name))
            else {
                continue;
            };
            let gradient = (gradient.detach() * scale)?;
            let second = self.second.get_mut(name);
            // Detached: what is computed from a variable, a gradient too, remembers how, and moments would hold the tensors of every step for ever.
            let weights = variable.as_tensor().detach();
            let next = moved(
                &weights,
                &gradient,
                (first, second),
                self.rule,
                (step, learning_rate),
            )?;
            variable.set(&next)?;
        }
        Ok(norm)
    }
}

/// A parameter after a step, whose moments change with it.
fn moved(
    weights: &Tensor,
    gradient: &Tensor,
    (first, second): (&mut Tensor, Option<&mut Tensor>),
    rule: Rule,
    (step, learning_rate): (usize, f64),
) -> candle_core::Result<Tensor> {
    let decayed = |decay: f64| gradient + (weights * decay)?;
    match (rule, second) {
        (
            Rule::Nesterov {
                momentum,
                weight_decay,
            },
            _,
        ) => {
            let gradient = decayed(weight_decay)?;
            *first = ((&*first * momentum)? + &gradient)?;
            let ahead = (gradient + (&*first * momentum)?)?;
            weights - (ahead * learning_rate)?
        }
        (
            Rule::Adam {
                betas,
                weight_decay,
            },
            Some(second),
        ) => {
            let change = adam(&decayed(weight_decay)?, (first, second), betas, step)?;
            weights - (change * learning_rate)?
        }
        (
            Rule::AdamW {
                betas,
                weight_decay,
            },
            Some(second),
        ) => {
            let decay = if weights.rank() > 1 {
                learning_rate * weight_decay
            } else {
                0.0
            };
            let change = adam(gradient, (first, second), betas, step)?;
            (weights * (1.0 - decay))? - (change * learning_rate)?
        }
        (Rule::Adam { .. } | Rule::AdamW { .. }, None) => {
            candle_core::bail!("the second moment is missing")
        }
    }
}

/// Adam's direction of a step, for a learning rate of 1.
fn adam(
    gradient: &Tensor,
    (first, second): (&mut Tensor, &mut Tensor),
    betas: [f64; 2],
    step: usize,
) -> candle_core::Result<Tensor> {
    let corrections = betas.map(|beta| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX)));
    *first = ((&*first * betas[0])? + (gradient * (1.0 - betas[0]))?)?;
    *second = ((&*second * betas[1])? + (gradient.sqr()? * (1.0 - betas[1]))?)?;
    let spread = ((&*second / corrections[1])?.sqrt()? + EPSILON)?;
    (&*first / corrections[0])? / spread
}
