//! What a training writes for people: the log and the model folder with its card.
use super::calibration::Reliability;
use super::checkpoint::{Progress, write_whole};
use super::folder::FolderFacts;
use super::segmenter::{SegmenterTraining, TrainingSummary};
use super::validation::ClassDice;
use super::{Error, Loss, Rule};
use crate::model::{Metadata, Parameters, sha256, write_tensors};
use crate::predict::Plan;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// `log.csv`: one line a step.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    structures: usize,
}

impl Log {
    /// Opens the log of a training that is at `step`; lines after it, of a run that was lost, are dropped.
    pub(super) fn open(folder: &Path, plan: &Plan, step: usize) -> Result<Self, Error> {
        let path = folder.join("log.csv");
        let names: Vec<String> = plan
            .classes
            .iter()
            .skip(1)
            .map(|n| n.replace(' ', "_"))
            .collect();
        let mut text = "step,seconds,learning_rate,gradient_norm,loss,cross_entropy".to_owned();
        for kind in ["dice", "validation_dice"] {
            text.extend(names.iter().map(|name| format!(",{kind}_{name}")));
        }
        text.push('\n');
        if step > 0 {
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            let kept = old.lines().skip(1).filter(|line| {
                let number = line.split(',').next().and_then(|n| n.parse::<usize>().ok());
                number.is_some_and(|n| n <= step)
            });
            for line in kept {
                text.push_str(line);
                text.push('\n');
            }
        }
        write_whole(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path);
        Ok(Self {
            file: file.map_err(|e| failed(e, &path))?,
            structures: names.len(),
            path,
        })
    }

    /// Adds a step's line: `[learning rate, gradient norm]`, the loss, and Dice of validation where it was measured.
    pub(super) fn line(
        &mut self,
        at: &Progress,
        [rate, norm]: [f64; 2],
        loss: &Loss,
        validation: Option<&[ClassDice]>,
    ) -> Result<(), Error> {
        let mut text = format!(
            "{},{:.1},{rate:.3e},{norm:.4},{:.5},{:.5}",
            at.step,
            at.seconds,
            loss.total(),
            loss.cross_entropy
        );
        text.extend(loss.dice.iter().map(|d| format!(",{d:.4}")));
        text.extend((0..self.structures).map(|class| {
            let dice = validation.and_then(|v| v.get(class)).and_then(|d| d.mean);
            dice.map_or(",".to_owned(), |d| format!(",{d:.4}"))
        }));
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .map_err(|e| failed(e, &self.path))
    }
}

fn failed(source: std::io::Error, path: &Path) -> Error {
    Error::File {
        action: "write the log",
        source,
        path: path.to_path_buf(),
    }
}

/// Writes `model.safetensors`, `plan.json` and `card.md`; returns the SHA-256 of the weights.
pub(super) fn write_model(
    config: &SegmenterTraining,
    parameters: &Parameters,
    summary: &TrainingSummary,
    reliability: Option<&Reliability>,
) -> Result<String, Error> {
    let description =
        serde_json::to_string(&config.plan.network).map_err(|e| Error::Settings(e.to_string()))?;
    let metadata = Metadata::from([("schwann.network".to_owned(), description)]);
    let weights = write_tensors(parameters, &metadata, true)?;
    let sha256 = sha256(&weights);
    write_whole(&config.out.join("model.safetensors"), &weights)?;
    let plan = Plan {
        calibration: reliability.map(|r| r.calibration),
        ..config.plan.clone()
    };
    let mut card = card(config, summary, &sha256);
    if let Some(reliability) = reliability {
        card += &reliability.words();
        let path = config.out.join("reliability.svg");
        write_whole(&path, reliability.svg().as_bytes())?;
    }
    write_whole(&config.out.join("plan.json"), plan.to_json()?.as_bytes())?;
    write_whole(&config.out.join("card.md"), card.as_bytes())?;
    Ok(sha256)
}

/// What the card says of the data.
struct Data {
    first_line: String,
    contrasts: &'static str,
    examples: String,
    validation: String,
}

impl Data {
    fn of(config: &SegmenterTraining) -> Self {
        let (seed, batch, crops) = (config.seed, config.batch, config.validation_crops);
        let Some(facts) = &config.folder else {
            let shapes = match config.outlines.len() {
                0 => String::new(),
                n => {
                    format!("; the shapes of {n} real tumours' outlines for a part of the tumours")
                }
            };
            return Self {
                first_line: "Trained on synthetic patients only: nothing here shows that it works on a real scan, and no result of it may be used without a \
                             reader's check."
                    .to_owned(),
                contrasts: "hrT2 or ceT1",
                examples: format!("crops of phantoms, seed {seed}, made on the fly, {batch} a step; no real scan{shapes}"),
                validation: format!(
                    "Dice on {crops} phantom crops whose seeds the training never used; full resolution of the plan, no post-processing. These are phantoms \
                     of the same generator: the numbers say that the network learned the generator, no more."
                ),
            };
        };
        let FolderFacts {
            scans,
            enhanced,
            held_out,
        } = *facts;
        let trained = scans - held_out;
        let begun = if config.start.is_some() {
            ", beginning with the weights of another model"
        } else {
            ""
        };
        let validation = match held_out {
            0 => format!(
                "Dice on {crops} crops of the scans that it was trained on, because the folder holds one case only: the numbers say nothing about other scans."
            ),
            n => format!(
                "Dice on {crops} crops of the {n} held-out scans, which the training never saw; full resolution of the plan, no post-processing. They come from the same folder: the numbers \
                 say nothing about other scanners and patients."
            ),
        };
        Self {
            first_line: format!(
                "Trained on {trained} labelled scans of a folder{begun}: what they are, and whether their labels are right, Schwann does not know; nothing here shows that it works on \
                 scans from elsewhere, and no result of it may be used without a reader's check."
            ),
            contrasts: facts.contrasts(),
            examples: format!(
                "crops of the labelled scans of a folder, {trained} to train on and {held_out} held out for validation by a hash of their cases' names ({enhanced} of the {scans} are ceT1, the \
                 others hrT2); seed {seed}, {batch} a step"
            ),
            validation,
        }
    }
}

/// The model card.
fn card(config: &SegmenterTraining, summary: &TrainingSummary, sha256: &str) -> String {
    let plan = &config.plan;
    let [x, y, z] = plan.spacing_mm;
    let [w, h, d] = plan.patch;
    let channels: Vec<String> = plan
        .network
        .levels
        .iter()
        .map(|l| l.channels.to_string())
        .collect();
    let data = Data::of(config);
    let rule = match config.rule {
        Rule::Nesterov { .. } => "stochastic gradient descent with Nesterov's momentum",
        Rule::Adam { .. } => "Adam",
        Rule::AdamW { .. } => "AdamW",
    };
    let borders = if config.border_weight > 1.0 {
        let times = config.border_weight;
        format!(" ({times} times as much within a millimetre of the border of tumour or cochlea)")
    } else {
        String::new()
    };
    let mean = match config.average_over {
        0 => String::new(),
        steps => format!("; the weights are the mean over about the last {steps} steps"),
    };
    let mut text = format!(
        "{}\n\n\
         # {} {}\n\n\
         - Input: one scan, {}, at {x} × {y} × {z} mm in tiles of {w} × {h} × {d} voxels (right, anterior, superior), intensities limited to \
         the quantiles {:?} and standardised tile by tile.\n\
         - Output: {}.\n\
         - Network: 3D U-Net, channels {}; instance normalisation, leaky ReLU.\n\
         - Data: {}; the first weights were {}.\n\
         - Training: {} steps, {:.0} minutes on {} with {} threads; Dice plus cross-entropy{borders}, {rule}, learning rate {:e} with polynomial decay{mean}.\n\
         - Command: `{}`\n\
         - SHA-256 of the weights: `{sha256}`\n\n\
         ## Validation\n\n\
         {}\n\n\
         | structure | mean Dice | crops that have it | false alarms in the others |\n| --- | --- | --- | --- |\n",
        data.first_line,
        plan.name,
        plan.version,
        data.contrasts,
        plan.clip_quantiles,
        plan.classes.join(", "),
        channels.join(", "),
        data.examples,
        match summary.from_another {
            Some(true) => "those of another model",
            Some(false) => "random",
            None => "not recorded",
        },
        summary.steps,
        summary.seconds / 60.0,
        summary.device,
        rayon::current_num_threads(),
        config.learning_rate,
        config.command,
        data.validation,
    );
    text.extend(summary.validation.iter().map(|class| {
        let dice = class.mean.map_or("–".to_owned(), |d| format!("{d:.3}"));
        format!(
            "| {} | {dice} | {} | {} |\n",
            class.name, class.present, class.false_alarms
        )
    }));
    text
}
