//! `schwann train`: a U-Net on crops of phantoms made on the fly, or of the scans of a folder.
use super::average::Average;
use super::border::{Weighing, of_classes};
use super::calibration::{Reliability, calibrate, calibration_samples};
use super::checkpoint::{self, Manner, Progress as Saved};
use super::curves::write_curves;
use super::data::{CropSource, EarCrops, Examples, HeadCrops};
use super::folder::FolderFacts;
use super::milestone::{Milestone, Pace};
use super::report::{self, Log};
use super::validation::{ClassDice, to_tensor, validate, validation_samples};
use super::{Error, Loss, Optimiser, Rule, Sample, dice_cross_entropy, polynomial_decay};
use crate::model::{DeviceChoice, Level, Parameters, UNet, UNetDescription};
use crate::predict::{Plan, PostProcessing, class};
use crate::volume::{Observe, Outline, Progress, Structure};
use candle_core::{Device, Tensor, Var};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

/// Moments and decay of the shipped training.
pub(super) const RULE: Rule = Rule::AdamW {
    betas: [0.9, 0.99],
    weight_decay: 1e-2,
};

/// Settings of a training.
#[derive(Debug, Clone)]
pub struct SegmenterTraining {
    /// Folder that receives model, checkpoint and log; made when it is missing.
    pub out: PathBuf,
    /// Steps at most.
    pub steps: usize,
    /// Wall time at most, seconds; the learning rate reaches its end with whichever of steps and time is first. A training without it is
    /// the same however often it was interrupted.
    pub max_seconds: Option<f64>,
    /// Decides the first parameters and all examples.
    pub seed: u64,
    /// Weights to begin with instead of random ones: each that has a name and shape of the network's.
    pub start: Option<Parameters>,
    /// Whether to go on from the checkpoint in `out`, if there is one.
    pub resume: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Examples of a step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// How parameters follow their gradients.
    pub rule: Rule,
    /// Steps until the learning rate is at its highest.
    pub warm_up: usize,
    /// Weight of each class in the cross-entropy at the beginning. Rare structures would be ignored for long without; the weights fade to one
    /// by half of the training, so that the rest unlearns to claim every voxel in doubt: faded to the very end, outlines stayed a voxel too wide.
    pub class_weights: Vec<f32>,
    /// How much more the voxels within a millimetre of the border of tumour or cochlea count in the cross-entropy, on either side; 1 for no more.
    pub border_weight: f32,
    /// Steps over which the parameters are averaged for the model that is written; 0 for those of the last step.
    pub average_over: usize,
    /// Steps between two checkpoints and validations.
    pub checkpoint_every: usize,
    /// Crops of the validation set.
    pub validation_crops: u64,
    /// Further crops on which a segmenter's probabilities are calibrated at the end.
    pub calibration_crops: u64,
    /// What is trained.
    pub plan: Plan,
    /// Outlines of real tumours, whose shapes a part of a segmenter's tumours have; may be empty.
    pub outlines: Vec<Outline>,
    /// What the scans are that it learns from instead of phantoms; [`Self::on_folder`] sets it.
    pub folder: Option<FolderFacts>,
    /// The command that started it, for the card.
    pub command: String,
    /// Told how it stands, once its pace is known and at each checkpoint.
    pub tell: fn(&Milestone),
}

impl SegmenterTraining {
    /// The settings of the segmenter that Schwann ships, into a folder.
    pub fn new(out: PathBuf) -> Self {
        let classes = [
            "background",
            class::INTRAMEATAL,
            class::EXTRAMEATAL,
            Structure::Cochlea.name(),
            Structure::Brainstem.name(),
            Structure::InternalAuditoryCanal.name(),
            Structure::FourthVentricle.name(),
            Structure::Cerebellum.name(),
        ];
        let levels = vec![
            level(8, [1; 3]),
            level(32, [1, 2, 2]),
            level(64, [2; 3]),
            level(96, [2; 3]),
            level(128, [2; 3]),
        ];
        let network = UNetDescription {
            deep_supervision: true,
            ..UNetDescription::plain(1, classes.len(), levels)
        };
        Self {
            out,
            steps: 8000,
            max_seconds: None,
            seed: 1,
            start: None,
            resume: false,
            device: DeviceChoice::Auto,
            batch: 1,
            learning_rate: 2e-3,
            rule: RULE,
            warm_up: 50,
            // The cochlea has a few hundred voxels among half a million.
            class_weights: vec![1.0, 20.0, 10.0, 20.0, 2.0, 20.0, 6.0, 1.5],
            border_weight: 1.0,
            average_over: 0,
            checkpoint_every: 300,
            validation_crops: 16,
            calibration_crops: 120,
            plan: Plan {
                name: "segmenter".to_owned(),
                version: "0.11.0".to_owned(),
                spacing_mm: [0.5, 0.5, 1.0],
                patch: [96, 96, 48],
                about_ears: true,
                clip_quantiles: [0.005, 0.995],
                field_mm: None,
                post_processing: PostProcessing::default(),
                calibration: None,
                trained_on: "synthetic patients only".to_owned(),
                network,
                classes: classes.map(str::to_owned).to_vec(),
            },
            outlines: Vec::new(),
            folder: None,
            command: "schwann train segmenter".to_owned(),
            tell: |_| {},
        }
    }

    /// The settings of the localiser that Schwann ships, into a folder.
    pub fn localiser(out: PathBuf) -> Self {
        let classes: Vec<String> = std::iter::once("background")
            .chain(class::ANGLES)
            .map(str::to_owned)
            .collect();
        let levels = vec![
            level(8, [1; 3]),
            level(16, [2; 3]),
            level(32, [2; 3]),
            level(64, [2; 3]),
        ];
        let segmenter = Self::new(out);
        Self {
            steps: 2500,
            class_weights: vec![1.0, 20.0, 20.0],
            plan: Plan {
                name: "localiser".to_owned(),
                version: "0.1.0".to_owned(),
                spacing_mm: [2.0; 3],
                patch: [80, 80, 32],
                about_ears: false,
                network: UNetDescription::plain(1, classes.len(), levels),
                classes,
                ..segmenter.plan
            },
            command: "schwann train localiser".to_owned(),
            ..segmenter
        }
    }

    /// The same settings with weights to begin with. Where they are those of the same network, which knows its task already, a third of the
    /// learning rate, and no class weights.
    #[must_use]
    pub fn starting_from(self, parameters: Parameters) -> Self {
        let shapes = self.plan.network.shapes();
        let all = shapes
            .iter()
            .all(|(name, shape)| parameters.get(name).is_some_and(|t| t.dims() == shape));
        let start = Some(parameters);
        if !all {
            return Self { start, ..self };
        }
        Self {
            start,
            learning_rate: self.learning_rate / 3.0,
            class_weights: vec![1.0; self.class_weights.len()],
            ..self
        }
    }

    fn validate(&self) -> Result<(), Error> {
        self.plan.validate()?;
        let wrong = |text: &str| Err(Error::Settings(text.to_owned()));
        if self.batch == 0 || self.steps == 0 || self.checkpoint_every == 0 {
            return wrong("batch, steps and the steps between checkpoints must be at least 1");
        }
        if self.class_weights.len() != self.plan.classes.len()
            || !self.class_weights.iter().all(|w| *w > 0.0)
        {
            return wrong("each class needs a weight above zero");
        }
        if !(self.border_weight >= 1.0 && self.border_weight.is_finite()) {
            return wrong("the weight of borders must be at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate must be above zero");
        }
        if self.max_seconds.is_some_and(|s| s.is_nan() || s <= 0.0) {
            return wrong("the time must be above zero");
        }
        Ok(())
    }

    fn manner(&self) -> Manner {
        Manner {
            learning_rate: self.learning_rate,
            border_weight: self.border_weight,
        }
    }

    /// Learning rate after `done` of the work: a linear warm-up, then a polynomial decay with nnU-Net's exponent.
    fn learning_rate_at(&self, step: usize, done: f64) -> f64 {
        let warm = ((step + 1) as f64 / self.warm_up.max(1) as f64).min(1.0);
        self.learning_rate * warm * polynomial_decay(done)
    }
}

/// A level with kernels of three voxels, two convolutions on the way down and one on the way up.
fn level(channels: usize, stride: [usize; 3]) -> Level {
    Level {
        channels,
        kernel: [3; 3],
        stride,
        encoder_convs: 2,
        decoder_convs: 1,
    }
}

/// What a training achieved.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSummary {
    /// Steps done, those before a resumption included.
    pub steps: usize,
    /// Seconds spent, likewise.
    pub seconds: f64,
    /// Whether the first weights, those before a resumption, were another model's; `None` where an old checkpoint does not tell.
    pub from_another: Option<bool>,
    /// The device in words.
    pub device: String,
    /// Dice on validation crops.
    pub validation: Vec<ClassDice>,
    /// SHA-256 of the weights.
    pub sha256: String,
}

/// Trains a segmenter or localiser on phantoms and writes a model folder: `plan.json`, `model.safetensors`, `card.md`, `log.csv` with its picture `curves.svg`, and a checkpoint.
///
/// # Errors
/// When the settings are unusable, a file cannot be written, the loss leaves the numbers, or the observer stops the work (after a checkpoint).
pub fn train_segmenter(
    config: &SegmenterTraining,
    observe: &mut Observe<'_>,
) -> Result<TrainingSummary, Error> {
    if config.plan.is_localiser() {
        train_on(&HeadCrops, config, observe)
    } else {
        let outlines = config.outlines.clone();
        train_on(&EarCrops { outlines }, config, observe)
    }
}

/// [`train_segmenter`] on crops from anywhere, such as a folder of labelled scans.
///
/// # Errors
/// As [`train_segmenter`].
pub fn train_on(
    source: &dyn CropSource,
    config: &SegmenterTraining,
    observe: &mut Observe<'_>,
) -> Result<TrainingSummary, Error> {
    config.validate()?;
    let _claim = checkpoint::claim(&config.out)?;
    let mut training = Training::start(source, config)?;
    let first = training.saved.step;
    std::thread::scope(|scope| {
        // As many as from one new crop to the next.
        let (sender, receiver) = sync_channel(4);
        std::thread::Builder::new()
            .name("training examples".to_owned())
            .spawn_scoped(scope, move || produce(source, config, first, &sender))
            .map_err(|e| Error::File {
                action: "start a thread for",
                source: e,
                path: config.out.clone(),
            })?;
        // Dropping the receiver at the end of this closure stops the thread.
        training.run(&receiver, observe)
    })?;
    training.finish(observe)
}

type Batch = Result<Vec<Sample>, Error>;

/// Makes the batches from step `first` on, in order, until nobody wants more.
fn produce(
    source: &dyn CropSource,
    config: &SegmenterTraining,
    first: usize,
    to: &SyncSender<Batch>,
) {
    let mut examples = Examples::new(source, &config.plan, config.seed);
    for step in first..config.steps {
        let batch = (0..config.batch)
            .map(|i| examples.get((step * config.batch + i) as u64))
            .collect();
        if to.send(batch).is_err() {
            return;
        }
    }
}

/// Takes over each tensor that has the same name and shape.
fn begin_with(first: &mut Parameters, start: &Parameters) -> Result<(), Error> {
    let mut taken = 0;
    for (name, tensor) in first.iter_mut() {
        if let Some(known) = start.get(name).filter(|k| k.dims() == tensor.dims()) {
            *tensor = known.clone();
            taken += 1;
        }
    }
    if taken == 0 {
        let text = "no tensor of the model to start from fits the network";
        return Err(Error::Settings(text.to_owned()));
    }
    log::info!("{taken} of {} tensors begin as in the model", first.len());
    Ok(())
}

/// Labels (`N, D, H, W` of the size `[D, H, W]`) on a grid coarser by `by` along each axis: those of the voxel in the middle.
fn coarser(labels: &[u8], [d, h, w]: [usize; 3], by: [usize; 3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(labels.len() / by.iter().product::<usize>());
    for image in labels.chunks_exact(d * h * w) {
        for k in (by[0] / 2..d).step_by(by[0]) {
            for j in (by[1] / 2..h).step_by(by[1]) {
                let row = &image[(k * h + j) * w..][..w];
                out.extend(row.iter().skip(by[2] / 2).step_by(by[2]));
            }
        }
    }
    out
}

struct Training<'a> {
    source: &'a dyn CropSource,
    config: &'a SegmenterTraining,
    validation: Vec<Sample>,
    /// The last validation, and the step that it was made at.
    validated: Option<(usize, Vec<ClassDice>)>,
    device: Device,
    device_words: String,
    optimiser: Optimiser,
    network: UNet,
    saved: Saved,
    /// Seconds that earlier runs spent.
    before: f64,
    started: Instant,
    log: Log,
    weighing: Weighing,
    average: Average,
}

impl<'a> Training<'a> {
    fn start(source: &'a dyn CropSource, config: &'a SegmenterTraining) -> Result<Self, Error> {
        let chosen = config.device.open();
        let mut first = config.plan.network.initial_parameters(config.seed)?;
        if let Some(parameters) = &config.start {
            begin_with(&mut first, parameters)?;
        }
        // Names and shapes are checked before anything is spent on them.
        UNet::new(config.plan.network.clone(), first.clone())?;
        let variables = first
            .into_iter()
            .map(|(name, tensor)| Ok((name, Var::from_tensor(&tensor.to_device(&chosen.device)?)?)))
            .collect::<Result<_, Error>>()?;
        let mut optimiser = Optimiser::new(variables, config.rule)?;
        let network = UNet::new(config.plan.network.clone(), optimiser.parameters())?;
        let mut average = Average::new(config.average_over);
        let restored = if config.resume {
            checkpoint::load(&config.out, &mut optimiser, &mut average)?
        } else {
            None
        };
        let saved = match restored {
            Some(saved) if (saved.seed, saved.batch) != (config.seed, config.batch) => {
                let text = format!(
                    "it was made with seed {} and batch {}",
                    saved.seed, saved.batch
                );
                return Err(Error::Checkpoint(text));
            }
            Some(Saved {
                manner: Some(before),
                ..
            }) if before != config.manner() => {
                let text = format!(
                    "it was made with a learning rate of {} and a border weight of {}",
                    before.learning_rate, before.border_weight
                );
                return Err(Error::Checkpoint(text));
            }
            Some(saved) => Saved {
                manner: Some(config.manner()),
                ..saved
            },
            None => Saved {
                step: 0,
                seconds: 0.0,
                seed: config.seed,
                batch: config.batch,
                manner: Some(config.manner()),
                from_another: Some(config.start.is_some()),
                averaged: 0,
            },
        };
        log::info!("training on {}", chosen.words);
        Ok(Self {
            source,
            validation: validation_samples(source, &config.plan, config.validation_crops)?,
            validated: None,
            config,
            device: chosen.device,
            device_words: chosen.words,
            optimiser,
            network,
            log: Log::open(&config.out, &config.plan, saved.step)?,
            before: saved.seconds,
            saved,
            weighing: Weighing::new(&config.plan, config.border_weight),
            average,
            started: Instant::now(),
        })
    }

    /// Part of the work that is done, by steps or by time, whichever is more.
    fn done(&self) -> f64 {
        let by_steps = self.saved.step as f64 / self.config.steps as f64;
        let by_time = self
            .config
            .max_seconds
            .map_or(0.0, |most| self.saved.seconds / most);
        by_steps.max(by_time)
    }

    fn run(&mut self, batches: &Receiver<Batch>, observe: &mut Observe<'_>) -> Result<(), Error> {
        let mut pace = Pace::new(self.done());
        while self.done() < 1.0 {
            let progress = Progress {
                stage: "training",
                fraction: self.done() as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                self.save()?;
                return Err(Error::Cancelled);
            }
            let batch = batches.recv().map_err(|_closed| Error::Producer)??;
            let rate = self.config.learning_rate_at(self.saved.step, self.done());
            let (loss, norm) = self.step(&batch, rate)?;
            self.saved.step += 1;
            if self.config.average_over > 0 {
                self.average.add(&self.optimiser.parameters())?;
            }
            self.saved.seconds = self.before + self.started.elapsed().as_secs_f64();
            // The last step is validated too, so that the log and the picture end with it.
            let due =
                self.saved.step.is_multiple_of(self.config.checkpoint_every) || self.done() >= 1.0;
            let validation = if due {
                self.save()?;
                Some(self.validate()?)
            } else {
                None
            };
            self.log
                .line(&self.saved, [rate, norm], &loss, validation.as_deref())?;
            if let Some(validation) = validation {
                self.write_model(&validation, None)?;
            }
            self.saved.seconds = self.before + self.started.elapsed().as_secs_f64();
            if pace.count(loss.total()) || due {
                let done = self.done();
                (self.config.tell)(&pace.milestone(self.saved.step, self.config.steps, done));
            }
        }
        Ok(())
    }

    fn step(&mut self, batch: &[Sample], rate: f64) -> Result<(Loss, f64), Error> {
        let x = to_tensor(batch, &self.config.plan, &self.device)?;
        let labels: Vec<u8> = batch
            .iter()
            .flat_map(|s| s.labels.iter().copied())
            .collect();
        let fade = (1.0 - 2.0 * self.done()).max(0.0) as f32;
        let of_class: Vec<f32> = self
            .config
            .class_weights
            .iter()
            .map(|w| w.powf(fade))
            .collect();
        let [w, h, d] = self.config.plan.patch;
        let mut by = [1; 3];
        let mut finest = None;
        let mut weighted: Option<Tensor> = None;
        // Deep supervision: each coarser level counts half as much.
        let levels = self.network.forward_deep(&x)?;
        for (l, (scores, level)) in levels
            .iter()
            .zip(&self.config.plan.network.levels)
            .enumerate()
        {
            by = std::array::from_fn(|a| by[a] * level.stride[a]);
            let labels = coarser(&labels, [d, h, w], by);
            // On coarser grids a millimetre is no band any more.
            let weights = match l {
                0 => self.weighing.weights(&labels, &of_class),
                _ => of_classes(&labels, &of_class),
            };
            let (loss, gradient) = dice_cross_entropy(&scores.detach(), &labels, &weights)?;
            // A sum weighted by the known gradient has exactly that gradient: so candle carries it on through the network.
            let part = ((scores * gradient)?.sum_all()? * 0.5_f64.powi(l as i32))?;
            weighted = Some(match weighted {
                Some(sum) => (sum + part)?,
                None => part,
            });
            finest.get_or_insert(loss);
        }
        let (Some(loss), Some(weighted)) = (finest, weighted) else {
            return Err(Error::Labels);
        };
        let gradients = weighted.backward()?;
        let norm = self
            .optimiser
            .step(&gradients, self.saved.step + 1, rate, 12.0)?;
        Ok((loss, norm))
    }

    fn validate(&mut self) -> Result<Vec<ClassDice>, Error> {
        if let Some((step, dice)) = &self.validated
            && *step == self.saved.step
        {
            return Ok(dice.clone());
        }
        let dice = validate(&self.detached()?, &self.config.plan, &self.validation)?;
        self.validated = Some((self.saved.step, dice.clone()));
        Ok(dice)
    }

    fn save(&self) -> Result<(), Error> {
        checkpoint::save(
            &self.config.out,
            &self.optimiser,
            &self.average,
            &self.saved,
        )
    }

    /// What the model gets: the mean of the last steps where one is kept.
    fn parameters(&self) -> Parameters {
        let mean = self.average.parameters().cloned();
        mean.unwrap_or_else(|| self.optimiser.parameters())
    }

    fn detached(&self) -> Result<UNet, Error> {
        // Detached parameters leave no graph behind, and memory stays that of a prediction.
        let parameters = self
            .parameters()
            .into_iter()
            .map(|(name, t)| (name, t.detach()))
            .collect();
        Ok(UNet::new(self.config.plan.network.clone(), parameters)?)
    }

    fn write_model(
        &self,
        validation: &[ClassDice],
        reliability: Option<&Reliability>,
    ) -> Result<TrainingSummary, Error> {
        let mut summary = TrainingSummary {
            steps: self.saved.step,
            seconds: self.saved.seconds,
            from_another: self.saved.from_another,
            device: self.device_words.clone(),
            validation: validation.to_vec(),
            sha256: String::new(),
        };
        write_curves(&self.config.out, &self.config.plan)?;
        let parameters = self.parameters();
        summary.sha256 = report::write_model(self.config, &parameters, &summary, reliability)?;
        Ok(summary)
    }

    fn finish(mut self, observe: &mut Observe<'_>) -> Result<TrainingSummary, Error> {
        self.save()?;
        let validation = self.validate()?;
        let (plan, count) = (&self.config.plan, self.config.calibration_crops);
        let samples = calibration_samples(self.source, plan, count, observe)?;
        let reliability = calibrate(&self.detached()?, plan, &samples, observe)?;
        self.write_model(&validation, reliability.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_then_falls_to_zero() {
        let config = SegmenterTraining::new(PathBuf::new());
        assert!(config.validate().is_ok());
        let rates: Vec<f64> = (0..=config.steps)
            .map(|s| config.learning_rate_at(s, s as f64 / config.steps as f64))
            .collect();
        assert!(
            rates[0] < rates[config.warm_up / 2]
                && rates[config.warm_up / 2] < rates[config.warm_up]
        );
        assert!(rates[config.warm_up..].windows(2).all(|w| w[1] < w[0]));
        assert!(rates[config.steps].abs() < 1e-12);
    }
}
