//! A recipe from a folder of scans to a model folder, one stage after another, each done once.
use super::cohort::Cohort;
use super::judge::{self, RoundScores};
use super::spec::{LearnFrom, Recipe, Selection};
use super::stage::{self, Pseudo, labels_file, scan_file};
use crate::io::LabelledScan;
use crate::model::DeviceChoice;
use crate::predict::{Folds, Plan, Segmenter, weights_file};
use crate::train::checkpoint::{claim, make_folder, write_whole};
use crate::train::{ClassDice, Error, Milestone};
use crate::volume::Observe;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

const RUN: &str = "run.json";
const DONE: &str = "done.json";
const LOG: &str = "run.log";

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct RecipeRun {
    /// What is done.
    pub recipe: Recipe,
    /// Name of the preset, for card and log.
    pub preset: String,
    /// Folder of both training halves.
    pub data: PathBuf,
    /// Folder of the target scans' true label maps; no recipe but full supervision looks into it.
    pub truth: Option<PathBuf>,
    /// Folder of hrT2 scans and their true label maps that the models are held against when all are trained. Decides nothing.
    pub test: Option<PathBuf>,
    /// Runs of other recipes on the same scans, with the same seed: translators that are the same are taken over from them.
    pub share: Vec<PathBuf>,
    /// Folder for everything that comes out; made when it is missing.
    pub out: PathBuf,
    /// Decides all first weights and examples.
    pub seed: u64,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Whether to go on with what `out` holds.
    pub resume: bool,
    /// The command that started it, for card and log.
    pub command: String,
    /// Told how a training stands.
    pub tell: fn(&Milestone),
    /// Told what begins and ends.
    pub note: fn(&str),
    /// Bytes free for a folder; [`free_bytes`](crate::io::free_bytes) but in tests.
    pub free_bytes: fn(&Path) -> Option<u64>,
}

/// A round of training.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundSummary {
    /// 0 for the first segmenter, then the rounds of self-training.
    pub round: usize,
    /// Target scans whose pseudo-labels it learned from.
    pub pseudo_labelled: usize,
    /// Target scans that were left out, and why.
    pub rejected: Vec<(String, String)>,
    /// Mean Dice of its pseudo-labels with those of the round before.
    pub agreement: Option<f64>,
    /// Target scans that its network labels as heads with one tumour and two cochleae, where it was asked.
    pub plausible: Option<usize>,
    /// Dice on held-out crops of what it learned from; says nothing about real hrT2.
    pub validation: Vec<(String, Option<f64>)>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeSummary {
    /// The model folder.
    pub model: PathBuf,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// The rounds.
    pub rounds: Vec<RoundSummary>,
    /// The round whose network, or networks, became the model.
    pub chosen: usize,
    /// How every round's network did on the test scans, and the model where it has several networks.
    pub evaluation: Vec<RoundScores>,
    /// Whether the pseudo-labels had settled before the last round that the recipe allows.
    pub settled: bool,
    /// What the user should know of the data.
    pub warnings: Vec<String>,
    /// Seconds spent, earlier runs included.
    pub seconds: f64,
}

/// What decides a run: a run of other settings is not gone on with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    recipe: Recipe,
    preset: String,
    seed: u64,
    /// SHA-256 of every file that is learned from.
    inputs: BTreeMap<String, String>,
}

/// What `run.json` holds: enough to run it again.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    schwann: String,
    command: String,
    settings: Settings,
}

/// What a stage leaves when it is done.
#[derive(Debug, Serialize, Deserialize)]
struct Done<T> {
    seconds: f64,
    result: T,
}

/// The part of a training's summary that a stage keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Trained {
    steps: usize,
    device: String,
    sha256: String,
    validation: Vec<(String, Option<f64>)>,
}

/// Runs a recipe: checks the data, trains translators, translates the source, trains the segmenter, lets it teach itself, and writes `model`, a folder that [`Segmenter::from_folder`](crate::predict::Segmenter::from_folder)
/// opens. Every stage that is done stays done; a stage that was cut off goes on from its last checkpoint.
///
/// # Errors
/// Those of [`Cohort::open`] before anything is computed; then those of the stages; [`Error::Cancelled`] when the observer stops it.
pub fn run_recipe(run: &RecipeRun, observe: &mut Observe<'_>) -> Result<RecipeSummary, Error> {
    let known = record(&run.out)?;
    if known.is_some() && !run.resume {
        return Err(Error::Settings(format!(
            "{} holds a run already: go on with it (--resume), or choose another folder",
            run.out.display()
        )));
    }
    let cohort = Cohort::open(run, observe)?;
    let settings = Settings {
        recipe: run.recipe.clone(),
        preset: run.preset.clone(),
        seed: run.seed,
        inputs: cohort.inputs.clone(),
    };
    match known {
        Some(record) if record.settings != settings => {
            return Err(Error::Settings(format!(
                "{} holds a run of {}: choose another folder",
                run.out.display(),
                differs(&record.settings, &settings)
            )));
        }
        Some(_) => {}
        None => write_record(run, settings)?,
    }
    let _claim = claim(&run.out)?;
    let mut stages = Stages { run, seconds: 0.0 };
    stages.log(&format!("begun: {}", run.command))?;
    for warning in &cohort.warnings {
        stages.log(&format!("note: {warning}"))?;
    }
    let labelled = stages.labelled(&cohort, observe)?;
    let mut rounds = stages.rounds(&cohort, &labelled, observe)?;
    stages.select(&cohort, &mut rounds, observe)?;
    stages.finish(&cohort, rounds, observe)
}

/// In which way two runs differ.
fn differs(old: &Settings, new: &Settings) -> &'static str {
    if old.recipe != new.recipe || old.preset != new.preset {
        "another recipe or preset"
    } else if old.seed == new.seed {
        "other scans"
    } else {
        "another seed"
    }
}

fn record(out: &Path) -> Result<Option<Record>, Error> {
    let path = out.join(RUN);
    if !path.exists() {
        return Ok(None);
    }
    read_json(&path).map(Some)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let failed = |source| Error::File {
        action: "read",
        source,
        path: path.to_owned(),
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    serde_json::from_str(&text).map_err(|e| failed(std::io::Error::other(e)))
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::Settings(e.to_string()))?;
    write_whole(path, text.as_bytes())
}

fn write_record(run: &RecipeRun, settings: Settings) -> Result<(), Error> {
    make_folder(&run.out)?;
    let record = Record {
        schwann: env!("CARGO_PKG_VERSION").to_owned(),
        command: run.command.clone(),
        settings,
    };
    write_json(&run.out.join(RUN), &record)
}

/// The stages of a run and where their files lie.
struct Stages<'a> {
    run: &'a RecipeRun,
    /// Seconds of the stages so far, those of earlier runs included.
    seconds: f64,
}

impl Stages<'_> {
    fn folder(&self, name: &str) -> PathBuf {
        self.run.out.join(name)
    }

    /// Adds a line to the log and tells it.
    fn log(&self, text: &str) -> Result<(), Error> {
        (self.run.note)(text);
        let path = self.run.out.join(LOG);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| writeln!(file, "{text}"))
            .map_err(|source| Error::File {
                action: "write the log",
                source,
                path,
            })
    }

    /// Does the work of a stage, or takes what it left when it was done.
    fn stage<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        work: impl FnOnce(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let folder = self.folder(name);
        let path = folder.join(DONE);
        if path.is_file() {
            let done: Done<T> = read_json(&path)?;
            self.seconds += done.seconds;
            return Ok(done.result);
        }
        make_folder(&folder)?;
        self.log(&format!("{name}: begun"))?;
        let started = Instant::now();
        let result = work(&folder)?;
        let seconds = started.elapsed().as_secs_f64();
        self.log(&format!("{name}: done in {seconds:.0} s"))?;
        self.seconds += seconds;
        let done = Done { seconds, result };
        write_json(&path, &done)?;
        Ok(done.result)
    }

    /// What the first segmenter learns from.
    fn labelled(
        &mut self,
        cohort: &Cohort,
        observe: &mut Observe<'_>,
    ) -> Result<Vec<LabelledScan>, Error> {
        let recipe = &self.run.recipe;
        let cases = match recipe.learn_from {
            LearnFrom::TargetTruth => &cohort.truth,
            _ => &cohort.source,
        };
        self.stage("cut/labels", |out| {
            stage::cut_labels(recipe, cases, out, observe)
        })?;
        let labels = self.folder("cut/labels");
        let pairs = |scans: &Path, contrast: &str| -> Vec<LabelledScan> {
            let pair = |case: &LabelledScan| LabelledScan {
                case: case.case.clone(),
                enhanced: contrast == "ceT1",
                scan: scan_file(scans, &case.case, contrast),
                labels: labels_file(&labels, &case.case),
            };
            cases.iter().map(pair).collect()
        };
        let contrast = match recipe.learn_from {
            LearnFrom::Translated => {
                let mut all = Vec::new();
                for (name, _) in recipe.used_translators() {
                    self.translated(cohort, name, observe)?;
                    all.extend(pairs(&self.folder(&format!("translated/{name}")), "hrT2"));
                }
                return Ok(all);
            }
            LearnFrom::Source => "ceT1",
            LearnFrom::TargetTruth => "hrT2",
        };
        let scans: Vec<_> = cases
            .iter()
            .map(|c| (c.case.clone(), c.scan.clone()))
            .collect();
        self.stage("cut/scans", |out| {
            stage::cut_scans(recipe, &scans, (out, contrast), observe)
        })?;
        Ok(pairs(&self.folder("cut/scans"), contrast))
    }

    /// Trains a translator and translates the source with it.
    fn translated(
        &mut self,
        cohort: &Cohort,
        name: &str,
        observe: &mut Observe<'_>,
    ) -> Result<(), Error> {
        let run = self.run;
        self.take_over(cohort, name)?;
        let halves = (cohort.source.as_slice(), cohort.target.as_slice());
        let stage_name = format!("translators/{name}");
        self.stage(&stage_name, |out| {
            let found = stage::translator(run, name, halves, out, observe)?;
            Ok(Trained {
                steps: found.steps,
                device: found.device,
                sha256: found.sha256,
                validation: Vec::new(),
            })
        })?;
        let trained = self.folder(&stage_name);
        self.stage(&format!("translated/{name}"), |out| {
            stage::translate_all(run, &cohort.source, (&trained, out), observe)
        })
    }

    /// Copies what other runs made of the same translator. Nothing is taken that would have come out otherwise.
    fn take_over(&self, cohort: &Cohort, name: &str) -> Result<(), Error> {
        for other in &self.run.share {
            let wrong = |problem: &str| Error::Folder {
                problem: problem.to_owned(),
                path: other.clone(),
            };
            let theirs =
                record(other)?.ok_or_else(|| wrong("no run of a recipe is in this folder"))?;
            let (own, theirs) = (self.run, theirs.settings);
            if theirs.inputs != cohort.inputs || theirs.seed != own.seed {
                return Err(wrong(
                    "this run has another seed or learned from other scans",
                ));
            }
            let same = theirs.recipe.slices == own.recipe.slices
                && theirs.recipe.translator.get(name) == own.recipe.translator.get(name);
            for stage in ["translators", "translated"] {
                let stage = format!("{stage}/{name}");
                let (from, to) = (other.join(&stage), self.folder(&stage));
                if same && !to.join(DONE).is_file() && from.join(DONE).is_file() {
                    copy_stage(&from, &to)?;
                    self.log(&format!("{stage}: taken over from {}", other.display()))?;
                }
            }
        }
        Ok(())
    }

    /// The first segmenter and the rounds of self-training.
    fn rounds(
        &mut self,
        cohort: &Cohort,
        labelled: &[LabelledScan],
        observe: &mut Observe<'_>,
    ) -> Result<Rounds, Error> {
        let rules = self.run.recipe.self_training;
        let mut rounds = Rounds::default();
        for round in 0..=rules.rounds {
            let (pseudo, scans) = match round.checked_sub(1) {
                None => (Pseudo::default(), Vec::new()),
                Some(before) => {
                    let found = self.pseudo(cohort, round, observe)?;
                    rounds.all[before].plausible = Some(found.0.plausible);
                    found
                }
            };
            if round > 0 && pseudo.used.is_empty() {
                let text = format!(
                    "no target scan got labels that can be learned from: self-training ended before round {round}"
                );
                self.log(&text)?;
                rounds.warnings.push(text);
                break;
            }
            if round > 1
                && pseudo
                    .agreement
                    .is_some_and(|dice| dice >= rules.settled_dice)
            {
                self.log("the pseudo-labels have settled")?;
                rounds.settled = true;
                break;
            }
            let data = (labelled.to_vec(), scans);
            let trained = self.network((round, 1), data.clone(), observe)?;
            rounds.all.push(RoundSummary {
                round,
                pseudo_labelled: pseudo.used.len(),
                rejected: pseudo.rejected,
                agreement: pseudo.agreement,
                plausible: None,
                validation: trained.validation,
            });
            rounds.data.push(data);
        }
        Ok(rounds)
    }

    /// Trains a network of a round.
    fn network(
        &mut self,
        (round, network): (usize, usize),
        data: (Vec<LabelledScan>, Vec<LabelledScan>),
        observe: &mut Observe<'_>,
    ) -> Result<Trained, Error> {
        let run = self.run;
        let before = round.checked_sub(1).map(|r| self.network_folder(r, 1));
        self.stage(&network_stage(round, network), |out| {
            let which = (round, network);
            let found = stage::segmenter(run, which, data, (out, before.as_deref()), observe)?;
            let dice = |c: ClassDice| (c.name, c.mean);
            Ok(Trained {
                steps: found.steps,
                device: found.device,
                sha256: found.sha256,
                validation: found.validation.into_iter().map(dice).collect(),
            })
        })
    }

    fn network_folder(&self, round: usize, network: usize) -> PathBuf {
        self.folder(&network_stage(round, network))
    }

    /// Chooses the round that becomes the model, and trains the networks that the model has beside that round's own.
    fn select(
        &mut self,
        cohort: &Cohort,
        rounds: &mut Rounds,
        observe: &mut Observe<'_>,
    ) -> Result<(), Error> {
        let outcome = self.run.recipe.outcome;
        let last = rounds.all.len() - 1;
        rounds.chosen = last;
        if outcome.round == Selection::MostPlausible && last > 0 {
            if rounds.all[last].plausible.is_none() {
                let (found, _) = self.pseudo(cohort, last + 1, observe)?;
                rounds.all[last].plausible = Some(found.plausible);
            }
            let plausible = |r: &&RoundSummary| (r.plausible, r.round);
            rounds.chosen = rounds
                .all
                .iter()
                .max_by_key(plausible)
                .map_or(last, |r| r.round);
            self.log(&format!(
                "round {} is chosen: most plausible heads",
                rounds.chosen
            ))?;
        }
        for network in 2..=outcome.networks {
            let data = rounds.data[rounds.chosen].clone();
            self.network((rounds.chosen, network), data, observe)?;
        }
        Ok(())
    }

    /// The pseudo-labels that a round learns from, by the network of the round before.
    fn pseudo(
        &mut self,
        cohort: &Cohort,
        round: usize,
        observe: &mut Observe<'_>,
    ) -> Result<(Pseudo, Vec<LabelledScan>), Error> {
        let run = self.run;
        let model = self.network_folder(round - 1, 1);
        let target = &cohort.target;
        let cases: Vec<_> = target
            .iter()
            .map(|t| (t.case.clone(), t.scan.clone()))
            .collect();
        self.stage("cut/target", |out| {
            stage::cut_scans(&run.recipe, &cases, (out, "hrT2"), observe)
        })?;
        let scans = self.folder("cut/target");
        let old = round.checked_sub(1).filter(|r| *r > 0);
        let old = old.map(|r| self.folder(&format!("rounds/{r}/pseudo")));
        let name = format!("rounds/{round}/pseudo");
        let found: Pseudo = self.stage(&name, |out| {
            let folders = (model.as_path(), scans.as_path(), out);
            stage::pseudo_label(run, target, folders, old.as_deref(), observe)
        })?;
        let labels = self.folder(&name);
        let count = target.len();
        self.log(&format!(
            "round {round}: {} of {count} target scans are learned from, {:.0} % of their voxels",
            found.used.len(),
            100.0 * found.learned
        ))?;
        let pair = |case: &String| LabelledScan {
            case: case.clone(),
            enhanced: false,
            scan: scan_file(&scans, case, "hrT2"),
            labels: labels_file(&labels, case),
        };
        let pairs = found.used.iter().map(pair).collect();
        Ok((found, pairs))
    }

    /// Writes the model folder, and holds the models against the truth of the test scans.
    fn finish(
        mut self,
        cohort: &Cohort,
        rounds: Rounds,
        observe: &mut Observe<'_>,
    ) -> Result<RecipeSummary, Error> {
        let networks = self.run.recipe.outcome.networks;
        let from = self.network_folder(rounds.chosen, 1);
        let model = self.folder("model");
        make_folder(&model)?;
        let mut plan = Plan::from_json(&String::from_utf8_lossy(&read(&from.join("plan.json"))?))?;
        if networks > 1 {
            // Calibrated was one network, and a mean of several is less sure of itself.
            plan.calibration = None;
        }
        write_whole(&model.join("plan.json"), plan.to_json()?.as_bytes())?;
        for network in 1..=networks {
            let weights = self
                .network_folder(rounds.chosen, network)
                .join(weights_file(1));
            write_whole(&model.join(weights_file(network)), &read(&weights)?)?;
        }
        for name in ["log.csv", "curves.svg", "reliability.svg"] {
            let path = from.join(name);
            // Where nothing was calibrated there is no diagram of it.
            if name != "reliability.svg" || path.exists() {
                write_whole(&model.join(name), &read(&path)?)?;
            }
        }
        let evaluation = self.judge(cohort, &rounds, &model, observe)?;
        let own = std::fs::read_to_string(from.join("card.md")).unwrap_or_default();
        let mut card = self.card(cohort, &rounds);
        if !evaluation.is_empty() {
            card += &judge::table(&evaluation);
        }
        card += "What follows is said of the chosen round's network.\n\n";
        if networks > 1 {
            card += &format!(
                "It is the first of {networks} whose probabilities are averaged: its calibration is not applied to their mean.\n\n"
            );
        }
        write_whole(&model.join("card.md"), (card + &own).as_bytes())?;
        self.log(&format!("the model is in {}", model.display()))?;
        let segmenter = Segmenter::from_folder(&model, &Folds::All)?;
        Ok(RecipeSummary {
            sha256: segmenter.info().sha256.clone(),
            model,
            rounds: rounds.all,
            chosen: rounds.chosen,
            evaluation,
            settled: rounds.settled,
            warnings: [cohort.warnings.clone(), rounds.warnings].concat(),
            seconds: self.seconds,
        })
    }

    /// Scores of all rounds, and of the model where it is none of these, on the test scans.
    fn judge(
        &mut self,
        cohort: &Cohort,
        rounds: &Rounds,
        model: &Path,
        observe: &mut Observe<'_>,
    ) -> Result<Vec<RoundScores>, Error> {
        if cohort.test.is_empty() {
            return Ok(Vec::new());
        }
        let of_round = |r: &RoundSummary| {
            let folder = self.network_folder(r.round, 1);
            (format!("round {}", r.round), folder)
        };
        let mut models: Vec<_> = rounds.all.iter().map(of_round).collect();
        if self.run.recipe.outcome.networks > 1 {
            models.push(("model".to_owned(), model.to_owned()));
        }
        let out = self.folder("evaluation");
        make_folder(&out)?;
        let scores = judge::judge(self.run, &cohort.test, &models, &out, observe)?;
        self.log(&format!(
            "{} models were held against the truth of {} scans: {}",
            models.len(),
            cohort.test.len(),
            out.join("scores.csv").display()
        ))?;
        Ok(scores)
    }

    /// What the card says of the recipe, before what it says of the network.
    fn card(&self, cohort: &Cohort, rounds: &Rounds) -> String {
        let recipe = &self.run.recipe;
        let chosen = &rounds.all[rounds.chosen];
        let taught = chosen.pseudo_labelled;
        let mut text = format!(
            "Learned by the recipe `{}`, preset `{}`: {} It learned from {}: {} scans of one folder, which Schwann knows nothing about; nothing here shows that it works on scans from elsewhere, \
             and no result of it may be used without a reader's check.\n\n\
             | round | target scans with pseudo-labels | left out | Dice with the round before | plausible heads among its labels of target scans | Dice on held-out crops of what it learned from |\n| --- | --- | --- | --- | --- | --- |\n",
            recipe.name,
            self.run.preset,
            recipe.about,
            stage::trained_on(self.run, taught),
            cohort.source.len() + cohort.target.len(),
        );
        for round in &rounds.all {
            let dice = |d: Option<f64>| d.map_or("–".to_owned(), |d| format!("{d:.3}"));
            let validation = round.validation.iter();
            let validation: Vec<String> = validation
                .map(|(name, mean)| format!("{name} {}", dice(*mean)))
                .collect();
            text += &format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                round.round,
                round.pseudo_labelled,
                round.rejected.len(),
                dice(round.agreement),
                round.plausible.map_or("–".to_owned(), |n| format!(
                    "{n} of {}",
                    cohort.target.len()
                )),
                validation.join(", ")
            );
        }
        if rounds.settled {
            text +=
                "\nThe pseudo-labels had settled before the last round that the recipe allows.\n";
        }
        for warning in &rounds.warnings {
            text += &format!("\nNote: {warning}.\n");
        }
        let networks = match self.run.recipe.outcome.networks {
            1 => "The model is the network".to_owned(),
            n => format!("The model averages the probabilities of {n} networks"),
        };
        text + &format!(
            "\n{networks} of round {}. `run.json` beside the model's folder holds all settings and the hash of every scan that it learned from.\n\n",
            chosen.round
        )
    }
}

/// What the rounds came to.
#[derive(Debug, Default)]
struct Rounds {
    all: Vec<RoundSummary>,
    /// What each learned from: labelled scans, scans with pseudo-labels.
    data: Vec<(Vec<LabelledScan>, Vec<LabelledScan>)>,
    /// The round that becomes the model.
    chosen: usize,
    settled: bool,
    warnings: Vec<String>,
}

/// The stage in which a network of a round is trained.
fn network_stage(round: usize, network: usize) -> String {
    match network {
        1 => format!("rounds/{round}/segmenter"),
        n => format!("rounds/{round}/segmenter_{n}"),
    }
}

/// Copies a stage's files, the word that it is done last.
fn copy_stage(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source, path: &Path| Error::File {
        action: "copy a stage",
        source,
        path: path.to_owned(),
    };
    make_folder(to)?;
    let mut done = None;
    for entry in std::fs::read_dir(from).map_err(|e| failed(e, from))? {
        let path = entry.map_err(|e| failed(e, from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if name == DONE {
            done = Some(path.clone());
        } else if path.is_dir() {
            copy_stage(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name)).map_err(|e| failed(e, &path))?;
        }
    }
    match done {
        Some(path) => write_whole(&to.join(DONE), &read(&path)?),
        None => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File {
        action: "read the model",
        source,
        path: path.to_owned(),
    })
}
