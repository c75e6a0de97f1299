//! `AdamW` (Loshchilov and Hutter 2019) with gradient clipping, its state kept by name so that it can be saved and resumed.
use super::Error;
use crate::model::Parameters;
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

const BETAS: [f64; 2] = [0.9, 0.99];
const EPSILON: f64 = 1e-8;

/// Parameters under training with the optimiser's state.
#[derive(Debug)]
pub struct AdamW {
    variables: BTreeMap<String, Var>,
    first: Parameters,
    second: Parameters,
    weight_decay: f64,
}

impl AdamW {
    /// Starts with zero moments.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn new(variables: BTreeMap<String, Var>, weight_decay: f64) -> Result<Self, Error> {
        let zeros = || -> Result<Parameters, Error> {
            variables
                .iter()
                .map(|(name, v)| Ok((name.clone(), v.zeros_like()?)))
                .collect()
        };
        Ok(Self {
            first: zeros()?,
            second: zeros()?,
            variables,
            weight_decay,
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
            self.second.insert(name.clone(), take("second")?);
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
        let corrections =
            BETAS.map(|beta| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX)));
        for (name, variable) in &self.variables {
            let Some(gradient) = gradients.get(variable) else {
                continue;
            };
            let gradient = (gradient * scale)?;
            let (Some(first), Some(second)) = (self.first.get_mut(name), self.second.get_mut(name))
            else {
                continue;
            };
            *first = ((&*first * BETAS[0])? + (&gradient * (1.0 - BETAS[0]))?)?;
            *second = ((&*second * BETAS[1])? + (gradient.sqr()? * (1.0 - BETAS[1]))?)?;
            let spread = ((&*second / corrections[1])?.sqrt()? + EPSILON)?;
            let change = ((&*first / corrections[0])? / spread)?;
            // Only convolutions decay: scales, shifts and biases have their own reasons.
            let decay = if variable.rank() > 1 {
                learning_rate * self.weight_decay
            } else {
                0.0
            };
            variable
                .set(&((variable.as_tensor() * (1.0 - decay))? - (change * learning_rate)?)?)?;
        }
        Ok(norm)
    }
}
