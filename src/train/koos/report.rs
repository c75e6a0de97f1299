//! The model folder of the graders with its card.
use super::{KoosSummary, KoosTraining};
use crate::model::{Classifier, Forest, Metadata, write_tensors};
use crate::predict::{KoosFiles, KoosModel, KoosPlan};
use crate::train::Error;
use crate::train::checkpoint::write_whole;

/// Version of the graders that this code trains.
const VERSION: &str = "0.1.0";

/// Writes `plan.json`, `forest.json`, `model.safetensors`, `reliability.svg`, `card.md` and, where there is one, `parcellation_forest.json`. Returns the hash over forests and weights.
pub(super) fn write_model(
    config: &KoosTraining,
    (forest, parcellation): (&Forest, Option<&Forest>),
    network: &Classifier,
    summary: &KoosSummary,
    [examples, seen]: [usize; 2],
) -> Result<String, Error> {
    let plan = KoosPlan {
        name: "koos".to_owned(),
        version: VERSION.to_owned(),
        trained_on: match config.data {
            None => "synthetic patients only".to_owned(),
            Some(_) => format!("{examples} graded scans of a folder"),
        },
        network: config.network.clone(),
        weights: summary.weights,
    };
    let (plan, forest) = (plan.to_json()?, forest.to_json()?);
    let parcellation = parcellation.map(Forest::to_json).transpose()?;
    let weights = write_tensors(network.parameters(), &Metadata::new(), true)?;
    // What was written is what a reader will take.
    let model = KoosModel::from_files(KoosFiles {
        plan: &plan,
        forest: &forest,
        parcellation: parcellation.as_deref(),
        network: &weights,
    })?;
    let write = |name: &str, bytes: &[u8]| write_whole(&config.out.join(name), bytes);
    write("model.safetensors", &weights)?;
    write("forest.json", forest.as_bytes())?;
    let name = "parcellation_forest.json";
    match &parcellation {
        Some(text) => write(name, text.as_bytes())?,
        // That of an earlier training is none of this model.
        None => match std::fs::remove_file(config.out.join(name)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::File {
                    action: "remove",
                    source,
                    path: config.out.join(name),
                });
            }
            _ => {}
        },
    }
    write("plan.json", plan.as_bytes())?;
    let shown = if summary.tests.counts()[0] > 0 {
        &summary.tests
    } else {
        &summary.held_out
    };
    let svg = shown.reliability_svg(&summary.weights);
    write("reliability.svg", svg.as_bytes())?;
    let sha256 = model.info().sha256.clone();
    let card = card(config, summary, [examples, seen], &sha256);
    write("card.md", card.as_bytes())?;
    Ok(sha256)
}

/// The model card.
fn card(
    config: &KoosTraining,
    summary: &KoosSummary,
    [examples, seen]: [usize; 2],
    sha256: &str,
) -> String {
    let weights = summary.weights;
    let channels: Vec<String> = config
        .network
        .channels
        .iter()
        .map(ToString::to_string)
        .collect();
    let (first, data, tested) = match config.data {
        None => {
            let [noisy, segmented] = config.label_shares;
            let exact = 10_u64.saturating_sub(noisy + segmented);
            (
                "Trained on synthetic patients only: nothing here shows that it grades a real tumour as a surgeon would, and no result of it may be used without a reader's check.".to_owned(),
                format!(
                    "{examples} phantoms, scanned about both ears at two sites as hrT2 or ceT1, grades in turn; of ten, {exact} with exact labels, {noisy} with labels whose outlines wander, {segmented} with those of \
                     the shipped segmenter. Their grade is that of the rule on the exact geometry: the graders learn to see through wrong outlines what the rule would say of right ones, and nothing that the rule does not know. \
                     Phantoms of grades III and IV keep a margin to the limits of contact and shift, which patients do not."
                ),
                "phantoms that were only tested, exact labels",
            )
        }
        Some(_) => (
            "Trained on graded scans of a folder: who they are, and whether their labels and grades are right, Schwann does not know; nothing here shows that it grades scans from elsewhere.".to_owned(),
            format!("{examples} graded scans of a folder; of 40 and more a fifth more tests and another fifth finds the weights of the combination, divided by a hash of the cases' names; fewer are all learned from, and the graders then count the same"),
            "scans that were only tested",
        ),
    };
    let [held_out, none] = summary.held_out.counts();
    format!(
        "{first}\n\n\
         # koos {VERSION}\n\n\
         Three graders and their combination; what the rule withholds none of them grades.\n\n\
         - Rule: `measure::koos`, not trained.\n\
         - Forest: {} trees of depth {} on {} measures of the labels, at least {} tumours in a leaf, classes balanced.\n\
         - Network: convolutions of {} channels, each halving the size, and a hidden layer of {}, on how much of each voxel of 1.5 mm about the tumour's porus is tumour, brainstem, cerebellum and fourth ventricle, \
         and on the scan's intensity there, mirrored to one side.\n\
         - Combination: product of the graders' probabilities, each with 2 % spread evenly over the grades, to the powers {:.3} (rule), {:.3} (forest), {:.3} (network), which make the grades of {held_out} held-out examples \
         most probable ({none} of them without a grade); then the median.\n\
         - Data: {data}\n\
         - Of the {examples} examples the rule gave {seen} a grade; only these are learned from.\n\
         - Training of the network: {} steps of {} examples in {:.0} minutes, cross-entropy with grades balanced, AdamW, learning rate {:e} with polynomial decay, seed {}.\n\
         - Command: `{}`\n\
         - SHA-256 over forests and weights: `{sha256}`\n\n\
         ## Held out for the combination\n\n{}\n\
         ## Tested: {tested}\n\n{}\n\
         ![Reliability: part that has a grade over its predicted probability](reliability.svg)\n",
        config.forest.trees,
        config.forest.max_depth,
        crate::measure::FeatureScheme::Structures.names().len(),
        config.forest.min_leaf,
        channels.join(", "),
        config.network.hidden,
        weights.rule,
        weights.forest,
        weights.network,
        summary.steps,
        config.batch,
        summary.seconds / 60.0,
        config.learning_rate,
        config.seed,
        config.command,
        summary.held_out.markdown(&weights),
        summary.tests.markdown(&weights),
    )
}
