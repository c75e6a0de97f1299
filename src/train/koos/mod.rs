//! `schwann train koos`: a forest and a network that grade tumours, and the weights by which they and the rule are combined, from phantoms made on the fly or from the graded scans of a folder.
//!
//! Examples are kept in the output folder, so that a training that was stopped goes on where it was. Three groups never meet: examples to learn from, those held out for the weights of the combination, and those
//! that only test.

mod examples;
mod folder;
mod network;
mod noise;
mod report;
mod tally;

pub use examples::{Example, LabelSource, Seen};
pub use tally::{Graded, Tally};

use super::data::{training_seed, validation_seed};
use super::{Error, Milestone, checkpoint};
use crate::measure::{FeatureScheme, KoosBasis, KoosGrade};
use crate::model::{Classifier, ClassifierDescription, Forest, ForestSettings};
use crate::predict::{
    CROP_CHANNELS, CROP_SIZE, Combination, GraderWeights, KoosCase, KoosModel, SegmentOptions,
    Segmenter, segment,
};
use crate::volume::{Observe, Progress, unobserved};
use network::{pairs, probabilities};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// First of the validation examples that are held out, of those that test, and of those that test with our own labels.
const HELD_OUT: u64 = 2_000_000;
const TESTS: u64 = 3_000_000;
const OWN_TESTS: u64 = 4_000_000;

/// Settings of a training.
#[derive(Debug, Clone)]
pub struct KoosTraining {
    /// Folder that receives the model, its examples, checkpoint and log; made when it is missing.
    pub out: PathBuf,
    /// Folder of graded scans to learn from in place of phantoms.
    pub data: Option<PathBuf>,
    /// Decides all that is drawn.
    pub seed: u64,
    /// Phantoms to learn from, held out for the combination, and to test with exact labels; the grades take turns.
    pub phantoms: [u64; 3],
    /// Of every ten phantoms that are learned from, how many have noisy labels, and how many the shipped segmenter's; the rest have exact ones.
    pub label_shares: [u64; 2],
    /// Labels of the phantoms that are held out for the combination.
    pub held_out_labels: LabelSource,
    /// The forest.
    pub forest: ForestSettings,
    /// The network.
    pub network: ClassifierDescription,
    /// Steps of the network at most.
    pub steps: usize,
    /// Seconds for the network at most; examples are not counted.
    pub max_seconds: Option<f64>,
    /// Examples of a step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps until the learning rate is at its highest.
    pub warm_up: usize,
    /// Steps between two checkpoints.
    pub checkpoint_every: usize,
    /// Whether to go on from what is in `out`.
    pub resume: bool,
    /// The command that started it, for the card.
    pub command: String,
    /// Told how it stands.
    pub tell: fn(&Milestone),
}

impl KoosTraining {
    /// The settings of the graders that Schwann ships, into a folder.
    pub fn new(out: PathBuf) -> Self {
        Self {
            out,
            data: None,
            seed: 1,
            phantoms: [600, 120, 200],
            label_shares: [4, 3],
            held_out_labels: LabelSource::Segmenter,
            forest: ForestSettings::default(),
            network: ClassifierDescription {
                in_channels: CROP_CHANNELS,
                size: CROP_SIZE,
                channels: vec![16, 32, 48],
                hidden: 64,
                classes: KoosGrade::ALL.len(),
            },
            steps: 1500,
            max_seconds: None,
            batch: 16,
            learning_rate: 2e-3,
            warm_up: 30,
            checkpoint_every: 100,
            resume: false,
            command: "schwann train koos".to_owned(),
            tell: |_| {},
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Settings(text.to_owned()));
        self.network.validate()?;
        if (self.network.in_channels, self.network.size) != (CROP_CHANNELS, CROP_SIZE) {
            return wrong("the network does not take the region about an ear");
        }
        if self.batch == 0 || self.steps == 0 || self.checkpoint_every == 0 {
            return wrong("batch, steps and the steps between checkpoints must be at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate must be above zero");
        }
        if self.max_seconds.is_some_and(|s| s.is_nan() || s <= 0.0) {
            return wrong("the time must be above zero");
        }
        Ok(())
    }

    /// The label source of a phantom to learn from.
    fn labels_of(&self, index: u64) -> LabelSource {
        let [noisy, segmented] = self.label_shares;
        // Grades take turns every phantom and sources every four, so that each grade has each source.
        match index / 4 % 10 {
            n if n < noisy => LabelSource::Noisy,
            n if n < noisy + segmented => LabelSource::Segmenter,
            _ => LabelSource::Exact,
        }
    }
}

/// What a training achieved.
#[derive(Debug, Clone)]
pub struct KoosSummary {
    /// Steps of the network, those before a resumption included.
    pub steps: usize,
    /// Seconds spent on the network, likewise.
    pub seconds: f64,
    /// Weights of the combination.
    pub weights: GraderWeights,
    /// How the graders did on examples that only test.
    pub tests: Tally,
    /// How they did on those that were held out for the combination.
    pub held_out: Tally,
    /// SHA-256 over forests and weights.
    pub sha256: String,
}

/// The examples of a training.
struct Examples {
    learned: Vec<Example>,
    held_out: Vec<Example>,
    tests: Vec<Example>,
}

/// Trains the graders and writes a model folder: `plan.json`, `forest.json`, `model.safetensors`, `card.md`, `reliability.svg`, `log.csv`, a checkpoint and the examples.
///
/// # Errors
/// When the settings or the folder are unusable, a file cannot be written, the loss leaves the numbers, or the observer stops the work; with [`KoosTraining::resume`] it then goes on where it was.
pub fn train_koos(config: &KoosTraining, observe: &mut Observe<'_>) -> Result<KoosSummary, Error> {
    config.validate()?;
    let _claim = checkpoint::claim(&config.out)?;
    checkpoint::make_folder(&config.out.join("examples"))?;
    let examples = match &config.data {
        Some(data) => folder::examples(config, data, observe)?,
        None => phantoms(config, observe)?,
    };
    let learned = pairs(&examples.learned);
    let forest = grown(config, FeatureScheme::Structures, &examples.learned)?;
    let parcels = learned.iter().filter(|(_, s)| s.parcellation.is_some());
    // A parcellation forest needs parcellations of most cases.
    let parcellation = if 2 * parcels.count() > learned.len() {
        grown(config, FeatureScheme::Parcellation, &examples.learned).ok()
    } else {
        None
    };
    let (network, saved) = network::train(config, &examples.learned, &examples.held_out, observe)?;
    let held_out = tally(&forest, &network, &examples.held_out)?;
    let weights = held_out.fit();
    let mut summary = KoosSummary {
        steps: saved.step,
        seconds: saved.seconds,
        weights,
        tests: tally(&forest, &network, &examples.tests)?,
        held_out,
        sha256: String::new(),
    };
    let forests = (&forest, parcellation.as_ref());
    let counts = [examples.learned.len(), learned.len()];
    summary.sha256 = report::write_model(config, forests, &network, &summary, counts)?;
    Ok(summary)
}

/// A forest on one scheme's features of the examples that have them.
fn grown(
    config: &KoosTraining,
    scheme: FeatureScheme,
    examples: &[Example],
) -> Result<Forest, Error> {
    let (mut rows, mut grades) = (Vec::new(), Vec::new());
    for (grade, seen) in pairs(examples) {
        let row = match scheme {
            FeatureScheme::Structures => Some(&seen.features),
            FeatureScheme::Parcellation => seen.parcellation.as_ref(),
        };
        if let Some(row) = row {
            rows.push(row.clone());
            grades.push(grade);
        }
    }
    let settings = ForestSettings {
        seed: config.seed,
        ..config.forest
    };
    Ok(Forest::grow(scheme.names(), &rows, &grades, 4, &settings)?)
}

/// What the graders say of examples.
fn tally(forest: &Forest, network: &Classifier, examples: &[Example]) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let pairs = pairs(examples);
    for (p, (grade, seen)) in probabilities(network, &pairs)?.into_iter().zip(&pairs) {
        let said = Combination {
            rule: Some(seen.rule),
            forest: forest.probabilities(&seen.features)?.try_into().ok(),
            network: Some(p),
        };
        tally.add(&said, *grade);
    }
    for example in examples.iter().filter(|e| e.seen.is_none()) {
        tally.add_withheld(example.grade as usize);
    }
    Ok(tally)
}

/// The examples from phantoms; those that are in the folder already are read.
fn phantoms(config: &KoosTraining, observe: &mut Observe<'_>) -> Result<Examples, Error> {
    let wants_segmenter =
        config.label_shares[1] > 0 || config.held_out_labels == LabelSource::Segmenter;
    let segmenter = if wants_segmenter {
        Some(Segmenter::shipped()?)
    } else {
        None
    };
    let (mut done, total) = (0, config.phantoms.iter().sum::<u64>().max(1));
    let mut group = |name: &str, count: u64, of: &dyn Fn(u64) -> (u64, LabelSource)| {
        let mut examples = Vec::new();
        for index in 0..count {
            let progress = Progress {
                stage: "making examples",
                fraction: done as f32 / total as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                return Err(Error::Cancelled);
            }
            done += 1;
            let (seed, source) = of(index);
            let grade = KoosGrade::ALL[(index % 4) as usize];
            let path = config
                .out
                .join("examples")
                .join(format!("{name}_{seed:016x}.safetensors"));
            // The seed is in the name, so that what another training left is not taken for this one's.
            if config.resume
                && let Some(example) = examples::load(&path)
            {
                examples.push(example);
                continue;
            }
            let example = examples::phantom_example(seed, grade, source, segmenter.as_ref())?;
            examples.push(examples::kept(&path, &example)?);
        }
        Ok(examples)
    };
    let [learned, held_out, tests] = config.phantoms;
    Ok(Examples {
        learned: group("learn", learned, &|n| {
            (training_seed(config.seed, n), config.labels_of(n))
        })?,
        held_out: group("held_out", held_out, &|n| {
            (validation_seed(HELD_OUT + n), config.held_out_labels)
        })?,
        tests: group("test", tests, &|n| {
            (validation_seed(TESTS + n), LabelSource::Exact)
        })?,
    })
}

/// How graders do on whole scans of phantoms that no training draws, with the outlines of a segmenter: `count` tumours whose grades take turns.
///
/// # Errors
/// [`Error::Cancelled`] when the observer stops it; when a phantom cannot be made or a model fails.
pub fn test_with_own_labels(
    model: &KoosModel,
    segmenter: &Segmenter,
    count: u64,
    observe: &mut Observe<'_>,
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for index in 0..count {
        let progress = Progress {
            stage: "testing",
            fraction: index as f32 / count as f32,
        };
        if observe(progress) == ControlFlow::Break(()) {
            return Err(Error::Cancelled);
        }
        let grade = KoosGrade::ALL[(index % 4) as usize];
        let scan = examples::phantom_scan(validation_seed(OWN_TESTS + index), grade, true)?;
        let truth = scan.truth.koos.unwrap_or(grade) as usize;
        let options = SegmentOptions::of(segmenter);
        let labels = segment(&scan.volume, segmenter, &options, &mut unobserved)?.labels;
        let assessment = KoosBasis::of(&labels).assess(None);
        let graders = model.grade(KoosCase {
            scan: &scan.volume,
            labels: &labels,
            assessment: &assessment,
            parcellation: None,
        })?;
        if graders.combined.is_none() {
            tally.add_withheld(truth);
            continue;
        }
        let said = Combination {
            rule: graders.graders.rule.map(Into::into),
            forest: graders.graders.forest.map(Into::into),
            network: graders.graders.network.map(Into::into),
        };
        tally.add(&said, truth);
    }
    Ok(tally)
}
