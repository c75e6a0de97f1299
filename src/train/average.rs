//! The mean of a training's parameters over its last steps: single steps of small batches throw outlines to and fro, their mean does not.
use super::Error;
use crate::model::Parameters;

/// Before the names of a checkpoint's tensors.
const KIND: &str = "average.";

/// A running mean of parameters: the plain mean of the first steps, then one that forgets exponentially (Polyak and Juditsky 1992; as exponential
/// moving average Tarvainen and Valpola 2017).
#[derive(Debug)]
pub(super) struct Average {
    /// Steps over which it reaches.
    over: usize,
    /// Steps that it has seen.
    seen: usize,
    mean: Parameters,
}

impl Average {
    /// A mean over about `over` steps.
    pub(super) fn new(over: usize) -> Self {
        Self {
            over,
            seen: 0,
            mean: Parameters::new(),
        }
    }

    /// Counts the parameters after a step in.
    pub(super) fn add(&mut self, parameters: &Parameters) -> Result<(), Error> {
        self.seen += 1;
        let part = 1.0 / self.seen.min(self.over.max(1)) as f64;
        for (name, tensor) in parameters {
            // Detached, or the mean would hold the graph of every step.
            let tensor = tensor.detach();
            let next = match self.mean.get(name) {
                Some(mean) => ((mean * (1.0 - part))? + (tensor * part)?)?,
                None => tensor.copy()?,
            };
            self.mean.insert(name.clone(), next);
        }
        Ok(())
    }

    /// The mean; `None` before the first step.
    pub(super) fn parameters(&self) -> Option<&Parameters> {
        (self.seen > 0).then_some(&self.mean)
    }

    /// Steps that it has seen, and its tensors under the names of a checkpoint.
    pub(super) fn state(&self) -> (usize, Parameters) {
        let named = |(name, t): (&String, &_)| (format!("{KIND}{name}"), Clone::clone(t));
        (self.seen, self.mean.iter().map(named).collect())
    }

    /// Takes its tensors out of a checkpoint that was written after it had seen so many steps; without any it begins anew. One that reaches over
    /// no steps forgets them: a mean that is not kept up would be older than the training.
    pub(super) fn restore(
        &mut self,
        seen: usize,
        state: &mut Parameters,
        shapes: &Parameters,
    ) -> Result<(), Error> {
        *self = Self::new(self.over);
        if seen == 0 {
            return Ok(());
        }
        for (name, known) in shapes {
            let key = format!("{KIND}{name}");
            match state.remove(&key) {
                Some(t) if t.dims() == known.dims() => {
                    self.mean.insert(name.clone(), t.to_device(known.device())?);
                }
                Some(t) => {
                    let text = format!("{key} has shape {:?}", t.dims());
                    return Err(Error::Checkpoint(text));
                }
                None => return Err(Error::Checkpoint(format!("it lacks {key}"))),
            }
        }
        if self.over == 0 {
            *self = Self::new(0);
        } else {
            self.seen = seen;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    fn parameters(value: f32) -> Parameters {
        let tensor = Tensor::full(value, 2, &Device::Cpu).unwrap();
        Parameters::from([("a".to_owned(), tensor)])
    }

    fn value(average: &Average) -> f32 {
        average.parameters().unwrap()["a"].to_vec1::<f32>().unwrap()[0]
    }

    #[test]
    fn it_is_the_mean_at_first_and_forgets_later() {
        let mut average = Average::new(4);
        assert!(average.parameters().is_none());
        for v in [1.0, 2.0, 6.0] {
            average.add(&parameters(v)).unwrap();
        }
        assert!((value(&average) - 3.0).abs() < 1e-6);
        for _ in 0..60 {
            average.add(&parameters(10.0)).unwrap();
        }
        assert!((value(&average) - 10.0).abs() < 1e-5);
    }

    #[test]
    fn a_checkpoint_brings_it_back_and_a_broken_one_is_told() {
        let mut average = Average::new(4);
        average.add(&parameters(1.0)).unwrap();
        average.add(&parameters(2.0)).unwrap();
        let (seen, state) = average.state();
        let mut other = Average::new(4);
        let shapes = parameters(0.0);
        other.restore(seen, &mut state.clone(), &shapes).unwrap();
        average.add(&parameters(5.0)).unwrap();
        other.add(&parameters(5.0)).unwrap();
        assert!((value(&average) - value(&other)).abs() < 1e-6);
        let lacking = other.restore(2, &mut Parameters::new(), &shapes);
        assert!(matches!(lacking, Err(Error::Checkpoint(_))));
        // A training that goes on without a mean does not write the old one.
        let mut none = Average::new(0);
        let mut left = state.clone();
        none.restore(seen, &mut left, &shapes).unwrap();
        assert!(none.parameters().is_none() && left.is_empty());
        // One that was written without a mean starts it.
        other.restore(0, &mut Parameters::new(), &shapes).unwrap();
        assert!(other.parameters().is_none());
    }
}
