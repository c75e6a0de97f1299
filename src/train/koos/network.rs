//! The training of the network.
use super::examples::{Example, Seen};
use super::{KoosTraining, tally::Tally};
use crate::model::{Classifier, Parameters};
use crate::predict::{CROP_CHANNELS, CROP_SIZE, Combination, GraderWeights, softmax};
use crate::train::average::Average;
use crate::train::checkpoint::{self, Progress as Saved, write_whole};
use crate::train::data::mix;
use crate::train::milestone::Pace;
use crate::train::{Error, Optimiser, Rule, polynomial_decay};
use crate::volume::{Observe, Progress};
use candle_core::{Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::Instant;

const RULE: Rule = Rule::AdamW {
    betas: [0.9, 0.99],
    weight_decay: 5e-2,
};
/// Largest norm of the gradients.
const LARGEST_NORM: f64 = 5.0;
/// Most voxels by which a region is moved along each axis, as a porus that was found a little off.
const MOVED: i8 = 1;
/// Part of the examples whose image is hidden, so that the labels alone must do.
const HIDDEN: f64 = 0.2;

/// A grade to learn, and what is seen of its tumour.
pub(super) type Pair<'a> = (usize, &'a Seen);

/// The examples that have something to be seen.
pub(super) fn pairs(examples: &[Example]) -> Vec<Pair<'_>> {
    let seen = examples
        .iter()
        .filter_map(|e| Some((e.grade, e.seen.as_ref()?)));
    seen.map(|(grade, seen)| (grade as usize, seen)).collect()
}

/// A region moved by whole voxels; zeros come in where nothing is known.
fn moved(crop: &[f32], by: [isize; 3]) -> Vec<f32> {
    let [d, h, w] = CROP_SIZE;
    let mut out = vec![0.0; crop.len()];
    let from = |n: usize, by: isize, size: usize| n.checked_add_signed(by).filter(|m| *m < size);
    let channels = out.chunks_exact_mut(d * h * w);
    for (to, of) in channels.zip(crop.chunks_exact(d * h * w)) {
        for k in 0..d {
            for j in 0..h {
                let (Some(ok), Some(oj)) = (from(k, by[0], d), from(j, by[1], h)) else {
                    continue;
                };
                for i in 0..w {
                    if let Some(oi) = from(i, by[2], w) {
                        to[(k * h + j) * w + i] = of[(ok * h + oj) * w + oi];
                    }
                }
            }
        }
    }
    out
}

fn tensor(crops: Vec<f32>, count: usize) -> Result<Tensor, Error> {
    let [d, h, w] = CROP_SIZE;
    Ok(Tensor::from_vec(
        crops,
        (count, CROP_CHANNELS, d, h, w),
        &Device::Cpu,
    )?)
}

/// Probabilities of a network for examples, in their order.
pub(super) fn probabilities(
    network: &Classifier,
    pairs: &[Pair<'_>],
) -> Result<Vec<[f64; 4]>, Error> {
    let mut all = Vec::with_capacity(pairs.len());
    for some in pairs.chunks(16) {
        let crops = some
            .iter()
            .flat_map(|(_, s)| s.crop.iter().copied())
            .collect();
        let scores: Vec<Vec<f32>> = network.forward(&tensor(crops, some.len())?)?.to_vec2()?;
        for scores in scores {
            all.push(softmax(&scores).ok_or(Error::Diverged(0))?);
        }
    }
    Ok(all)
}

/// Mean cross-entropy in nats over examples; each grade counts as its weight says.
fn cross_entropy(scores: &Tensor, grades: &[usize], weights: &[f64; 4]) -> Result<Tensor, Error> {
    let count = grades.len();
    let mut wanted = vec![0.0_f32; 4 * count];
    for (n, &grade) in grades.iter().enumerate() {
        wanted[4 * n + grade] = (weights[grade] / count as f64) as f32;
    }
    let wanted = Tensor::from_vec(wanted, (count, 4), scores.device())?;
    let log = candle_nn::ops::log_softmax(scores, 1)?;
    Ok((log * wanted)?.sum_all()?.neg()?)
}

/// The training of a network that goes on from its checkpoint where there is one and `resume` is set.
pub(super) fn train(
    config: &KoosTraining,
    examples: &[Example],
    held_out: &[Example],
    observe: &mut Observe<'_>,
) -> Result<(Classifier, Saved), Error> {
    let mut training = Training::start(config, pairs(examples))?;
    training.run(&pairs(held_out), observe)?;
    Ok((training.network()?, training.saved))
}

struct Training<'a> {
    config: &'a KoosTraining,
    examples: Vec<Pair<'a>>,
    /// Weight of each grade, so that all count the same.
    weights: [f64; 4],
    optimiser: Optimiser,
    saved: Saved,
}

impl<'a> Training<'a> {
    fn start(config: &'a KoosTraining, examples: Vec<Pair<'a>>) -> Result<Self, Error> {
        let mut counts = [0_usize; 4];
        for (grade, _) in &examples {
            counts[*grade] += 1;
        }
        if counts.contains(&0) {
            let text = "each grade needs at least one example that the rule can grade";
            return Err(Error::Settings(text.to_owned()));
        }
        let weights = counts.map(|n| examples.len() as f64 / (4 * n) as f64);
        let variables = config
            .network
            .initial_parameters(config.seed)?
            .into_iter()
            .map(|(name, tensor)| Ok((name, Var::from_tensor(&tensor)?)))
            .collect::<Result<_, Error>>()?;
        let mut optimiser = Optimiser::new(variables, RULE)?;
        let restored = if config.resume {
            checkpoint::load(&config.out, &mut optimiser, &mut Average::new(0))?
        } else {
            None
        };
        let saved = match restored {
            Some(saved) if (saved.seed, saved.batch) != (config.seed, config.batch) => {
                let (seed, batch) = (saved.seed, saved.batch);
                let text = format!("it was made with seed {seed} and batch {batch}");
                return Err(Error::Checkpoint(text));
            }
            Some(saved) => saved,
            None => Saved {
                step: 0,
                seconds: 0.0,
                seed: config.seed,
                batch: config.batch,
                manner: None,
                from_another: Some(false),
                averaged: 0,
            },
        };
        Ok(Self {
            config,
            examples,
            weights,
            optimiser,
            saved,
        })
    }

    /// The network as it is now, without a graph.
    fn network(&self) -> Result<Classifier, Error> {
        let parameters: Parameters = (self.optimiser.parameters().into_iter())
            .map(|(name, t)| (name, t.detach()))
            .collect();
        Ok(Classifier::new(self.config.network.clone(), parameters)?)
    }

    fn done(&self) -> f64 {
        let by_steps = self.saved.step as f64 / self.config.steps as f64;
        let by_time = (self.config.max_seconds).map_or(0.0, |most| self.saved.seconds / most);
        by_steps.max(by_time)
    }

    fn run(&mut self, held_out: &[Pair<'_>], observe: &mut Observe<'_>) -> Result<(), Error> {
        let (started, before) = (Instant::now(), self.saved.seconds);
        let mut log = Log::open(self.config, self.saved.step)?;
        let mut pace = Pace::new(self.done());
        while self.done() < 1.0 {
            let progress = Progress {
                stage: "training the network",
                fraction: self.done() as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                self.save()?;
                return Err(Error::Cancelled);
            }
            let warm = ((self.saved.step + 1) as f64 / self.config.warm_up.max(1) as f64).min(1.0);
            let rate = self.config.learning_rate * warm * polynomial_decay(self.done());
            let (loss, norm) = self.step(rate)?;
            self.saved.step += 1;
            self.saved.seconds = before + started.elapsed().as_secs_f64();
            let due = (self.saved.step).is_multiple_of(self.config.checkpoint_every)
                || self.done() >= 1.0;
            let error = if due {
                self.save()?;
                self.validate(held_out)?
            } else {
                None
            };
            log.line(&self.saved, [rate, norm, loss], error)?;
            if pace.count(loss) || due {
                let done = self.done();
                let at = pace.milestone(self.saved.step, self.config.steps, done);
                (self.config.tell)(&at);
            }
        }
        self.save()
    }

    /// Writes the checkpoint; the graders keep no mean of their steps.
    fn save(&self) -> Result<(), Error> {
        let none = Average::new(0);
        checkpoint::save(&self.config.out, &self.optimiser, &none, &self.saved)
    }

    /// MA-MAE of the network alone on examples that it does not learn from.
    fn validate(&self, held_out: &[Pair<'_>]) -> Result<Option<f64>, Error> {
        let network = self.network()?;
        let mut tally = Tally::default();
        for (p, (grade, _)) in probabilities(&network, held_out)?.iter().zip(held_out) {
            let alone = Combination {
                network: Some(*p),
                ..Combination::default()
            };
            tally.add(&alone, *grade);
        }
        let weights = GraderWeights::from_array([0.0, 0.0, 1.0]);
        Ok(tally.combined(&weights).ma_mae())
    }

    /// One step on examples drawn for it: its loss, and the norm of the gradients.
    fn step(&mut self, rate: f64) -> Result<(f64, f64), Error> {
        let seed = mix(self.config.seed, self.saved.step as u64);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut crops, mut grades) = (Vec::new(), Vec::new());
        for _ in 0..self.config.batch {
            let (grade, seen) = self.examples[random.random_range(0..self.examples.len())];
            let by = [0; 3].map(|_| isize::from(random.random_range(-MOVED..=MOVED)));
            let mut crop = moved(&seen.crop, by);
            let voxels: usize = CROP_SIZE.iter().product();
            let image = &mut crop[(CROP_CHANNELS - 1) * voxels..];
            let gain = if random.random_bool(HIDDEN) {
                0.0
            } else {
                random.random_range(0.8..1.2)
            };
            for v in image {
                *v *= gain;
            }
            crops.extend(crop);
            grades.push(grade);
        }
        let network = Classifier::new(self.config.network.clone(), self.optimiser.parameters())?;
        let scores = network.forward(&tensor(crops, grades.len())?)?;
        let loss = cross_entropy(&scores, &grades, &self.weights)?;
        let gradients = loss.backward()?;
        let step = self.saved.step + 1;
        let norm = self.optimiser.step(&gradients, step, rate, LARGEST_NORM)?;
        Ok((f64::from(loss.to_scalar::<f32>()?), norm))
    }
}

/// `log.csv`: one line a step.
struct Log {
    file: std::fs::File,
    path: std::path::PathBuf,
}

impl Log {
    /// Opens the log of a training that is at `step`; lines after it, of a run that was lost, are dropped.
    fn open(config: &KoosTraining, step: usize) -> Result<Self, Error> {
        let path = config.out.join("log.csv");
        let mut text = "step,seconds,learning_rate,gradient_norm,loss,held_out_ma_mae\n".to_owned();
        if step > 0 {
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            for line in old.lines().skip(1) {
                let number = line.split(',').next().and_then(|n| n.parse::<usize>().ok());
                if number.is_some_and(|n| n <= step) {
                    text += line;
                    text.push('\n');
                }
            }
        }
        write_whole(&path, text.as_bytes())?;
        match OpenOptions::new().append(true).open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(failed(source, path)),
        }
    }

    fn line(
        &mut self,
        at: &Saved,
        [rate, norm, loss]: [f64; 3],
        error: Option<f64>,
    ) -> Result<(), Error> {
        let error = error.map_or_else(String::new, |e| format!("{e:.4}"));
        let (step, seconds) = (at.step, at.seconds);
        writeln!(
            self.file,
            "{step},{seconds:.1},{rate:.3e},{norm:.4},{loss:.5},{error}"
        )
        .map_err(|source| failed(source, self.path.clone()))
    }
}

fn failed(source: std::io::Error, path: std::path::PathBuf) -> Error {
    Error::File {
        action: "write the log",
        source,
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_moves_by_whole_voxels_and_zeros_come_in() {
        let [d, h, w] = CROP_SIZE;
        let crop: Vec<f32> = (0..CROP_CHANNELS * d * h * w)
            .map(|n| n as f32 + 1.0)
            .collect();
        assert_eq!(moved(&crop, [0; 3]), crop);
        let out = moved(&crop, [1, -1, 0]);
        let at = |k: usize, j: usize, i: usize| (k * h + j) * w + i;
        let from = |c: usize, k, j, i| (c * d * h * w + at(k, j, i)) as f32 + 1.0;
        let same = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(same(out[at(3, 4, 5)], from(0, 4, 3, 5)));
        assert!(same(out[at(d - 1, 4, 5)], 0.0) && same(out[at(3, 0, 5)], 0.0));
        assert!(same(out[d * h * w + at(3, 4, 5)], from(1, 4, 3, 5)));
    }

    #[test]
    fn cross_entropy_is_that_of_the_softmax_with_weights() {
        let scores = Tensor::new(
            &[[1.0_f32, 2.0, 0.0, -1.0], [0.0, 0.0, 0.0, 3.0]],
            &Device::Cpu,
        );
        let scores = scores.unwrap();
        let loss = cross_entropy(&scores, &[1, 3], &[1.0, 2.0, 1.0, 0.5]).unwrap();
        let p = |s: [f64; 4], n: usize| s[n].exp() / s.iter().map(|v| v.exp()).sum::<f64>();
        let expected =
            -(2.0 * p([1.0, 2.0, 0.0, -1.0], 1).ln() + 0.5 * p([0.0, 0.0, 0.0, 3.0], 3).ln()) / 2.0;
        let found = f64::from(loss.to_scalar::<f32>().unwrap());
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}
