//! What a recipe file says.
use super::pseudo::Choice;
use crate::model::Level;
use crate::model::translate::{DiscriminatorDescription, GeneratorDescription};
use crate::predict::MOST_NETWORKS;
use crate::predict::PostProcessing;
use crate::train::{Error, LocalIntensity, Method, Rule, SlicePlan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// The recipes that come with Schwann, by name.
const LIBRARY: [(&str, &str); 8] = [
    ("mai", include_str!("../../../assets/recipes/mai.toml")),
    (
        "no-adaptation",
        include_str!("../../../assets/recipes/no-adaptation.toml"),
    ),
    (
        "cyclegan",
        include_str!("../../../assets/recipes/cyclegan.toml"),
    ),
    (
        "qs-attn",
        include_str!("../../../assets/recipes/qs-attn.toml"),
    ),
    ("both", include_str!("../../../assets/recipes/both.toml")),
    (
        "both-1-round",
        include_str!("../../../assets/recipes/both-1-round.toml"),
    ),
    (
        "both-2-rounds",
        include_str!("../../../assets/recipes/both-2-rounds.toml"),
    ),
    (
        "full-supervision",
        include_str!("../../../assets/recipes/full-supervision.toml"),
    ),
];
/// Recipes that stand on each other.
const MOST_BASES: usize = 4;
/// Largest recipe file, bytes.
const LARGEST: u64 = 1 << 20;

/// What the first segmenter learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearnFrom {
    /// Source scans as every translator translates them, with the source's labels.
    Translated,
    /// Source scans as they are: no adaptation.
    Source,
    /// Target scans with their true labels: full supervision, the bound that the others are measured by.
    TargetTruth,
}

/// What a round of self-training begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Random weights.
    Fresh,
    /// The weights of the round before.
    Warm,
}

/// How the segmenter teaches itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTraining {
    /// Rounds at most; 0 for none.
    pub rounds: usize,
    /// When the mean Dice of the pseudo-labels with those of the round before is above this they have settled, and no further round is trained; 1 or more for never.
    pub settled_dice: f64,
    /// Which voxels of a pseudo-label are learned from.
    pub choice: Choice,
    /// Whether scans are left out whose labels are not one tumour and two cochleae.
    pub reject_implausible: bool,
    /// What a round begins with.
    pub start: Start,
}

/// Which round's network becomes the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The last.
    #[default]
    Last,
    /// The one that labels most target scans as heads with one tumour and two cochleae, the latest of equals. No truth is needed.
    MostPlausible,
}

/// What becomes the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Which round.
    pub round: Selection,
    /// Networks of that round, each with other first weights and examples, whose probabilities are averaged.
    pub networks: usize,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            round: Selection::Last,
            networks: 1,
        }
    }
}

/// A translator and its sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatorSizes {
    /// Steps.
    pub steps: usize,
    /// Pictures of each contrast in a step.
    pub batch: usize,
    /// Learning rate of the first half; it falls to zero over the second.
    pub learning_rate: f64,
    /// Steps between two checkpoints.
    pub checkpoint_every: usize,
    /// The generators.
    pub generator: GeneratorDescription,
    /// The discriminators.
    pub discriminator: DiscriminatorDescription,
    /// How it learns.
    pub method: Method,
}

/// The segmenter and its sizes. Triples are right, anterior, superior; those of levels depth, height, width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmenterSizes {
    /// Steps of each round.
    pub steps: usize,
    /// Crops of a step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// How parameters follow their gradients.
    pub rule: Rule,
    /// Steps until the learning rate is at its highest.
    pub warm_up: usize,
    /// Steps between two checkpoints and validations.
    pub checkpoint_every: usize,
    /// Crops of the validation set.
    pub validation_crops: u64,
    /// Crops on which the last model's probabilities are calibrated.
    pub calibration_crops: u64,
    /// Spacing of the network's input, mm.
    pub spacing_mm: [f64; 3],
    /// Voxels of a crop.
    pub patch: [usize; 3],
    /// Weight of background, tumour and cochlea in the cross-entropy at the beginning.
    pub class_weights: [f32; 3],
    /// Levels of the U-Net, finest first.
    pub levels: Vec<Level>,
    /// How tumours and cochleae of scans with true labels are changed in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_intensity: Option<LocalIntensity>,
}

/// A recipe with the sizes of one preset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name, which the model takes over.
    pub name: String,
    /// What it is, for people: a sentence or two.
    pub about: String,
    /// The translators that are used, by their names in `translator`.
    pub translators: Vec<String>,
    /// What the first segmenter learns from.
    pub learn_from: LearnFrom,
    /// How scans become slices.
    pub slices: SlicePlan,
    /// Translators by name.
    pub translator: BTreeMap<String, TranslatorSizes>,
    /// The segmenter.
    pub segmenter: SegmenterSizes,
    /// How it teaches itself.
    pub self_training: SelfTraining,
    /// What becomes of the pieces of a segmenter's answers, pseudo-labels among them.
    #[serde(default)]
    pub post_processing: PostProcessing,
    /// What becomes the model.
    #[serde(default)]
    pub outcome: Outcome,
}

impl Recipe {
    /// Names of the recipes that come with Schwann.
    pub fn library() -> impl Iterator<Item = &'static str> {
        LIBRARY.iter().map(|(name, _)| *name)
    }

    /// A recipe by its name in the library, or from a `.toml` file, with the sizes of a preset (`phantom`, `paper`, or another table of the recipe's `preset`).
    ///
    /// # Errors
    /// Says what is wrong with the recipe, or that there is none of this name.
    pub fn load(name: &str, preset: &str) -> Result<Self, Error> {
        let known = LIBRARY.iter().find(|(known, _)| *known == name);
        match known {
            Some((_, text)) => Self::from_toml(text, preset, name),
            None if Path::new(name).extension().is_some_and(|e| e == "toml") => {
                let path = Path::new(name);
                let failed = |source| Error::File {
                    action: "read the recipe",
                    source,
                    path: path.to_owned(),
                };
                let size = std::fs::metadata(path).map_err(failed)?.len();
                if size > LARGEST {
                    return Err(wrong(name, "it is too large for a recipe"));
                }
                let text = std::fs::read_to_string(path).map_err(failed)?;
                Self::from_toml(&text, preset, name)
            }
            None => {
                let all: Vec<&str> = Self::library().collect();
                let text = format!(
                    "there is none of this name; choose {}, or a .toml file",
                    all.join(", ")
                );
                Err(wrong(name, &text))
            }
        }
    }

    /// A recipe from the text of its file. `base` in it names a recipe of the library that it changes; `preset.NAME` holds what a preset changes.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_toml(text: &str, preset: &str, name: &str) -> Result<Self, Error> {
        let mut tables = Vec::new();
        let mut next = Some(text);
        while let Some(text) = next.take() {
            if tables.len() > MOST_BASES {
                return Err(wrong(name, "its bases do not end"));
            }
            let mut table: Table = text
                .parse()
                .map_err(|e: toml::de::Error| wrong(name, &e.to_string()))?;
            if let Some(base) = table.remove("base") {
                let known = LIBRARY.iter().find(|(n, _)| base.as_str() == Some(*n));
                let (_, base) =
                    known.ok_or_else(|| wrong(name, "its base is not in the library"))?;
                next = Some(base);
            }
            tables.push(table);
        }
        let mut whole = Table::new();
        while let Some(table) = tables.pop() {
            merge(&mut whole, table);
        }
        let sizes = match whole.remove("preset") {
            Some(Value::Table(mut presets)) => presets.remove(preset),
            _ => None,
        };
        let Some(Value::Table(sizes)) = sizes else {
            let text = format!("it has no preset `{preset}`");
            return Err(wrong(name, &text));
        };
        merge(&mut whole, sizes);
        let recipe: Self = whole
            .try_into()
            .map_err(|e: toml::de::Error| wrong(name, &e.to_string()))?;
        recipe.validate()?;
        Ok(recipe)
    }

    fn validate(&self) -> Result<(), Error> {
        let fail = |text: &str| Err(wrong(&self.name, text));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let named = |n: &String| !n.is_empty() && n.len() < 64 && n.chars().all(plain);
        if !named(&self.name) || !self.translator.keys().all(named) {
            return fail("names are letters, digits, `-` and `_`");
        }
        self.slices.validate()?;
        for name in &self.translators {
            if !self.translator.contains_key(name) {
                return fail(&format!("it does not say what the translator `{name}` is"));
            }
            if self.translators.iter().filter(|n| *n == name).count() > 1 {
                return fail(&format!("it uses the translator `{name}` twice"));
            }
        }
        if (self.learn_from == LearnFrom::Translated) == self.translators.is_empty() {
            return fail(
                "translators belong to learning from translated scans, and the other way round",
            );
        }
        let q = &self.self_training;
        if q.rounds > 20 || q.settled_dice.is_nan() {
            return fail("at most 20 rounds of self-training");
        }
        if let Some(local) = &self.segmenter.local_intensity {
            local.validate()?;
        }
        if !(1..=MOST_NETWORKS).contains(&self.outcome.networks) {
            return fail(&format!("a model has 1 to {MOST_NETWORKS} networks"));
        }
        if q.rounds > 0 && self.learn_from == LearnFrom::TargetTruth {
            return fail("full supervision needs no self-training");
        }
        q.choice.validate().map_err(|text| wrong(&self.name, text))
    }

    /// The translators that are used.
    pub fn used_translators(&self) -> impl Iterator<Item = (&str, &TranslatorSizes)> {
        let sizes = |name: &String| self.translator.get(name);
        self.translators
            .iter()
            .filter_map(move |name| Some((name.as_str(), sizes(name)?)))
    }
}

fn wrong(name: &str, problem: &str) -> Error {
    Error::Settings(format!("the recipe {name}: {problem}"))
}

/// Lays a table over another: tables are merged, all else is replaced.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Plan;

    #[test]
    fn every_recipe_of_the_library_is_whole_in_both_presets() {
        for name in Recipe::library() {
            for preset in ["phantom", "paper"] {
                let recipe = Recipe::load(name, preset).unwrap();
                assert_eq!(recipe.name, name);
                for (_, sizes) in recipe.used_translators() {
                    sizes.generator.validate().unwrap();
                    sizes.discriminator.validate().unwrap();
                    if let Method::QsAttn { contrast, .. } = &sizes.method {
                        contrast.validate(&sizes.generator).unwrap();
                    }
                }
                let plan: Plan = super::super::stage::plan(&recipe, "test");
                plan.validate().unwrap();
            }
            assert!(Recipe::load(name, "huge").is_err());
        }
        let rounds = |name| Recipe::load(name, "phantom").unwrap().self_training.rounds;
        assert_eq!(
            [
                rounds("both"),
                rounds("both-1-round"),
                rounds("both-2-rounds")
            ],
            [0, 1, 2]
        );
        let both = Recipe::load("mai", "paper").unwrap();
        assert_eq!(both.translators, ["cyclegan", "qs-attn"]);
        let full = Recipe::load("full-supervision", "paper").unwrap();
        assert_eq!(full.learn_from, LearnFrom::TargetTruth);
    }

    #[test]
    fn a_fault_in_a_recipe_is_named() {
        let said = |text: &str| {
            let error = Recipe::from_toml(text, "phantom", "mine").unwrap_err();
            error.to_string()
        };
        assert!(said("name = ").contains("mine"));
        assert!(said("name = \"x\"").contains("no preset `phantom`"));
        assert!(said("base = \"nothing\"").contains("base"));
        let changed = |more: &str| said(&format!("base = \"mai\"\n{more}"));
        assert!(changed("translators = [\"cyclegan\", \"none\"]").contains("`none`"));
        assert!(changed("translators = [\"cyclegan\", \"cyclegan\"]").contains("twice"));
        assert!(changed("translators = []").contains("translated"));
        assert!(changed("colour = 3").contains("colour"));
        assert!(changed("name = \"../up\"").contains("names"));
        assert!(changed("[self_training]\nrounds = 99").contains("20 rounds"));
        assert!(changed("[outcome]\nround = \"last\"\nnetworks = 10").contains("1 to 9"));
        assert!(changed("[outcome]\nround = \"best\"").contains("best"));
        assert!(changed("post_processing = \"tidy\"").contains("tidy"));
        let local = "[preset.phantom.segmenter.local_intensity]\npart = 2.0";
        assert!(changed(local).contains("local intensity"));
        assert!(changed("[preset.phantom.slices]\npatch = 37").contains("multiples of 4"));
        let error = Recipe::load("nobodys", "phantom").unwrap_err().to_string();
        assert!(error.contains("mai, no-adaptation"), "{error}");
        assert!(Recipe::load("missing.toml", "phantom").is_err());
    }

    #[test]
    fn a_recipe_that_stands_on_another_changes_what_it_says() {
        let text =
            "base = \"mai\"\nname = \"mine\"\n[preset.phantom.translator.cyclegan]\nsteps = 7\n";
        let text = &format!("post_processing = \"largest-tumour\"\n{text}");
        let mine = Recipe::from_toml(text, "phantom", "mine").unwrap();
        let mai = Recipe::load("mai", "phantom").unwrap();
        assert_eq!(mine.translator["cyclegan"].steps, 7);
        assert_eq!(mine.translator["qs-attn"], mai.translator["qs-attn"]);
        assert_eq!(mine.segmenter, mai.segmenter);
        assert_eq!(mai.post_processing, PostProcessing::Anatomy);
        let plan = super::super::stage::plan(&mine, "test");
        assert_eq!(plan.post_processing, PostProcessing::LargestTumour);
    }
}
