//! The training of a translator: steps, checkpoints, log, curves, sample pictures.
use super::data::SliceSet;
use super::networks::{Lesson, Method, Networks};
use super::report::{Log, write_samples};
use super::slices::SlicePlan;
use super::translator::Translator;
use crate::model::translate::{DiscriminatorDescription, GeneratorDescription};
use crate::model::{DeviceChoice, Metadata, write_tensors};
use crate::train::checkpoint::{self, CHECKPOINT, write_whole};
use crate::train::curves::write_part_curves;
use crate::train::data::mix;
use crate::train::milestone::{Milestone, Pace};
use crate::train::{Error, linear_decay};
use crate::volume::{Observe, Progress};
use candle_core::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

const KEY: &str = "schwann.translator";

/// Settings of a training.
#[derive(Debug, Clone)]
pub struct TranslatorTraining {
    /// Folder that receives the translator, checkpoint, log and pictures; made when it is missing.
    pub out: PathBuf,
    /// Name for the curves' title and the file of the translator.
    pub name: String,
    /// Steps.
    pub steps: usize,
    /// Pictures of each contrast in a step.
    pub batch: usize,
    /// Learning rate of the first half; it falls to zero over the second.
    pub learning_rate: f64,
    /// Decides the first parameters and all examples.
    pub seed: u64,
    /// Whether to go on from the checkpoint in `out`, if there is one.
    pub resume: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Steps between two checkpoints and pictures.
    pub checkpoint_every: usize,
    /// How scans become slices.
    pub slices: SlicePlan,
    /// The generators.
    pub generator: GeneratorDescription,
    /// The discriminators.
    pub discriminator: DiscriminatorDescription,
    /// How it learns.
    pub method: Method,
    /// Told how it stands, once its pace is known and at each checkpoint.
    pub tell: fn(&Milestone),
}

/// What a training achieved.
#[derive(Debug, Clone, PartialEq)]
pub struct TranslatorSummary {
    /// Steps done, those before a resumption included.
    pub steps: usize,
    /// Seconds spent, likewise.
    pub seconds: f64,
    /// The device in words.
    pub device: String,
    /// SHA-256 of the translator's file.
    pub sha256: String,
}

/// What, besides tensors, a training continues from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Saved {
    step: usize,
    seconds: f64,
    /// All that decides the steps: a checkpoint of other settings is not gone on with.
    settings: String,
}

impl TranslatorTraining {
    fn validate(&self) -> Result<(), Error> {
        self.slices.validate()?;
        self.generator.validate()?;
        self.discriminator.validate()?;
        let wrong = |text: &str| Err(Error::Settings(text.to_owned()));
        if self.steps == 0 || self.batch == 0 || self.checkpoint_every == 0 {
            return wrong("batch, steps and the steps between checkpoints must be at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate must be above zero");
        }
        let heads = self.generator.segmentation_classes;
        match &self.method {
            Method::Cyclegan { segmentation, .. } if segmentation.is_some() != (heads > 0) => {
                wrong("a segmentation head needs classes in the generator, and these a head")
            }
            Method::Cyclegan { .. } if heads > 0 && heads != 3 => {
                wrong("a segmentation head knows background, tumour and cochlea")
            }
            Method::QsAttn { .. } if heads > 0 => {
                wrong("query-selected attention is trained without a segmentation head")
            }
            Method::QsAttn { contrast, .. } => Ok(contrast.validate(&self.generator)?),
            Method::Cyclegan { .. } => Ok(()),
        }
    }

    /// All that decides what the steps do, in words that can be compared.
    fn settings(&self) -> String {
        format!(
            "{:?} {} {} {} {:?} {:?} {:?} {:?}",
            self.seed,
            self.steps,
            self.batch,
            self.learning_rate,
            self.slices,
            self.generator,
            self.discriminator,
            self.method
        )
    }

    /// Whether labels of the source scans are wanted.
    pub fn needs_labels(&self) -> bool {
        self.generator.segmentation_classes > 0
    }
}

/// Trains a translator from the contrast of `source` to that of `target`, which show different patients, and writes `translator.safetensors`, `log.csv` with its picture `curves.svg`, sample
/// pictures and a checkpoint. The same settings and scans give the same translator, however often it was interrupted.
///
/// # Errors
/// When the settings are unusable, a file cannot be written, the loss leaves the numbers, or the observer stops the work (after a checkpoint).
pub fn train_translator(
    source: &SliceSet,
    target: &SliceSet,
    config: &TranslatorTraining,
    observe: &mut Observe<'_>,
) -> Result<TranslatorSummary, Error> {
    config.validate()?;
    let _claim = checkpoint::claim(&config.out)?;
    checkpoint::make_folder(&config.out.join("samples"))?;
    let mut training = Training::start(config)?;
    training.run([source, target], observe)?;
    training.finish([source, target])
}

struct Training<'a> {
    config: &'a TranslatorTraining,
    networks: Networks,
    device: Device,
    device_words: String,
    saved: Saved,
    before: f64,
    started: Instant,
    log: Log,
}

impl<'a> Training<'a> {
    fn start(config: &'a TranslatorTraining) -> Result<Self, Error> {
        let chosen = config.device.open();
        let (generator, judge) = (config.generator, config.discriminator);
        let method = &config.method;
        let mut networks = Networks::new(method, generator, judge, config.seed, &chosen.device)?;
        let mut saved = Saved {
            step: 0,
            seconds: 0.0,
            settings: config.settings(),
        };
        if config.resume
            && let Some(found) = load(&config.out, &mut networks, &chosen.device, &saved)?
        {
            saved = found;
        }
        Ok(Self {
            config,
            networks,
            log: Log::open(&config.out, saved.step)?,
            before: saved.seconds,
            saved,
            device: chosen.device,
            device_words: chosen.words,
            started: Instant::now(),
        })
    }

    fn done(&self) -> f64 {
        self.saved.step as f64 / self.config.steps as f64
    }

    fn run(&mut self, sets: [&SliceSet; 2], observe: &mut Observe<'_>) -> Result<(), Error> {
        let mut pace = Pace::new(self.done());
        while self.saved.step < self.config.steps {
            let progress = Progress {
                stage: "training the translator",
                fraction: self.done() as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                self.save()?;
                return Err(Error::Cancelled);
            }
            let rate = self.config.learning_rate * linear_decay(self.done(), 0.5);
            let lesson = Lesson {
                source: sets[0],
                target: sets[1],
                batch: self.config.batch,
                step: self.saved.step + 1,
                done: self.done(),
                rate,
            };
            // A step's own numbers: a resumed training draws what an uninterrupted one would have.
            let seed = mix(self.config.seed, self.saved.step as u64);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            // Inside the pool, where the many small operators of a step need no waking of another thread.
            let (networks, device) = (&mut self.networks, &self.device);
            let values = rayon::scope(|_| networks.step(&lesson, &mut random, device))?;
            self.saved.step += 1;
            self.saved.seconds = self.before + self.started.elapsed().as_secs_f64();
            if values.iter().any(|(_, v)| !v.is_finite()) {
                return Err(Error::Diverged(self.saved.step));
            }
            self.log
                .line(self.saved.step, self.saved.seconds, rate, &values)?;
            let loss = values.first().map_or(0.0, |(_, loss)| *loss);
            let due = self.saved.step.is_multiple_of(self.config.checkpoint_every);
            if due {
                self.save()?;
                self.show(sets)?;
            }
            if pace.count(loss) || due {
                let done = self.done();
                (self.config.tell)(&pace.milestone(self.saved.step, self.config.steps, done));
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<(), Error> {
        let text = serde_json::to_string(&self.saved).map_err(|e| Error::Checkpoint(e.to_string()));
        let metadata = Metadata::from([(KEY.to_owned(), text?)]);
        let bytes = write_tensors(&self.networks.state(), &metadata, false)?;
        write_whole(&self.config.out.join(CHECKPOINT), &bytes)
    }

    /// The curves so far, and pictures of the same squares at every step.
    fn show(&self, sets: [&SliceSet; 2]) -> Result<(), Error> {
        write_part_curves(&self.config.out, &self.config.name)?;
        let name = format!("samples/step_{:07}.png", self.saved.step);
        let path = self.config.out.join(name);
        write_samples(&path, &self.networks, sets, &self.device)
    }

    fn finish(self, sets: [&SliceSet; 2]) -> Result<TranslatorSummary, Error> {
        self.save()?;
        self.show(sets)?;
        let (generator, _) = self.networks.generators();
        let translator = Translator::new(
            self.config.name.clone(),
            self.config.slices,
            generator.detached(&Device::Cpu)?,
        );
        Ok(TranslatorSummary {
            steps: self.saved.step,
            seconds: self.saved.seconds,
            device: self.device_words,
            sha256: translator.write(&self.config.out)?,
        })
    }
}

/// Restores what [`Training::save`] wrote; `None` when there is no checkpoint.
fn load(
    folder: &Path,
    networks: &mut Networks,
    device: &Device,
    wanted: &Saved,
) -> Result<Option<Saved>, Error> {
    let Some((tensors, saved)) = checkpoint::read::<Saved>(folder, KEY)? else {
        return Ok(None);
    };
    if saved.settings != wanted.settings {
        let text =
            "it was made with other settings; train into another folder, or without resuming";
        return Err(Error::Checkpoint(text.to_owned()));
    }
    networks.restore(&tensors, device)?;
    Ok(Some(saved))
}
