//! Koos graders that were trained: a random forest on measures, a network on the region about the tumour's ear, and both combined with the rule.
//!
//! They grade what the rule grades: where it withholds a grade, or no brainstem is labelled, none of them speaks.

mod combine;
mod crop;
mod plan;

pub use combine::{Combination, Combined, GradeProbabilities, Graders, KoosGraders};
pub use crop::{CROP_CHANNELS, CROP_SIZE, CROP_SPACING_MM, koos_crop};
pub use plan::{GraderWeights, KoosPlan};

use super::Error;
use crate::measure::{KoosAssessment, KoosWording, parcellation_features, structure_features};
use crate::model::{Classifier, Forest, read_tensors, sha256};
use crate::patient::ModelInfo;
use crate::volume::{LabelMap, Volume};
use candle_core::{Device, Tensor};
use std::path::Path;

/// The wording of the grades that forest and network learn.
const TAUGHT: KoosWording = KoosWording::Topographic;
/// Largest file of a model folder's forests, bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The trained graders of a model folder: `plan.json`, `forest.json`, `model.safetensors` and, where a training had parcellations, `parcellation_forest.json`.
#[derive(Debug, Clone)]
pub struct KoosModel {
    plan: KoosPlan,
    forest: Forest,
    parcellation: Option<Forest>,
    network: Classifier,
    info: ModelInfo,
}

/// The texts and bytes of a model folder.
#[derive(Debug, Clone, Copy)]
pub struct KoosFiles<'a> {
    /// `plan.json`.
    pub plan: &'a str,
    /// `forest.json`: a forest on [`FeatureScheme::Structures`](crate::measure::FeatureScheme::Structures).
    pub forest: &'a str,
    /// `parcellation_forest.json`: one on [`FeatureScheme::Parcellation`](crate::measure::FeatureScheme::Parcellation).
    pub parcellation: Option<&'a str>,
    /// `model.safetensors`: the network.
    pub network: &'a [u8],
}

/// A tumour to be graded.
#[derive(Debug, Clone, Copy)]
pub struct KoosCase<'a> {
    /// The scan.
    pub scan: &'a Volume,
    /// Labels of it, on its grid.
    pub labels: &'a LabelMap,
    /// What the rule says of these labels.
    pub assessment: &'a KoosAssessment,
    /// A parcellation with GIF's values on the same grid, for a model that has a forest for it.
    pub parcellation: Option<&'a LabelMap>,
}

impl KoosModel {
    /// The graders that come with Schwann.
    ///
    /// # Errors
    /// When they are damaged, which a test excludes.
    pub fn shipped() -> Result<Self, Error> {
        Self::from_files(KoosFiles {
            plan: include_str!("../../../assets/models/koos/plan.json"),
            forest: include_str!("../../../assets/models/koos/forest.json"),
            parcellation: None,
            network: include_bytes!("../../../assets/models/koos/model.safetensors"),
        })
    }

    /// Graders from a folder.
    ///
    /// # Errors
    /// When a file is missing, too large or wrong; the message says what.
    pub fn from_folder(folder: &Path) -> Result<Self, Error> {
        let read = |what, name: &str| {
            let path = folder.join(name);
            let whole = || {
                if std::fs::metadata(&path)?.len() > MOST_BYTES {
                    return Err(std::io::Error::other("it is too large"));
                }
                std::fs::read(&path)
            };
            whole().map_err(|source| Error::Read {
                what,
                source,
                path: path.clone(),
            })
        };
        let text = |what, name: &str| {
            let bytes = read(what, name)?;
            String::from_utf8(bytes).map_err(|e| Error::Plan(format!("{name} is no text: {e}")))
        };
        let (plan, forest) = (text("plan", "plan.json")?, text("forest", "forest.json")?);
        let name = "parcellation_forest.json";
        let parcellation = if folder.join(name).exists() {
            Some(text("forest", name)?)
        } else {
            None
        };
        Self::from_files(KoosFiles {
            plan: &plan,
            forest: &forest,
            parcellation: parcellation.as_deref(),
            network: &read("weights", "model.safetensors")?,
        })
    }

    /// Graders from the contents of a folder's files.
    ///
    /// # Errors
    /// When one is wrong, or they do not belong together.
    pub fn from_files(files: KoosFiles<'_>) -> Result<Self, Error> {
        use crate::measure::FeatureScheme::{Parcellation, Structures};
        let plan = KoosPlan::from_json(files.plan)?;
        let forest = |text: &str, scheme: crate::measure::FeatureScheme| {
            let forest = Forest::from_json(text)?;
            let same = forest.features() == scheme.names() && forest.classes() == 4;
            if same {
                Ok(forest)
            } else {
                Err(Error::Plan("the features of a forest".to_owned()))
            }
        };
        let (parameters, _) = read_tensors(files.network)?;
        let mut all = [files.forest.as_bytes(), files.network].concat();
        all.extend_from_slice(files.parcellation.unwrap_or_default().as_bytes());
        Ok(Self {
            forest: forest(files.forest, Structures)?,
            parcellation: match files.parcellation {
                Some(text) => Some(forest(text, Parcellation)?),
                None => None,
            },
            network: Classifier::new(plan.network.clone(), parameters)?,
            info: ModelInfo {
                name: plan.name.clone(),
                version: plan.version.clone(),
                sha256: sha256(&all),
            },
            plan,
        })
    }

    /// Name, version, and the hash over forests and weights.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What the graders are and how they are combined.
    pub fn plan(&self) -> &KoosPlan {
        &self.plan
    }

    /// Whether there is a forest for parcellations.
    pub fn takes_parcellations(&self) -> bool {
        self.parcellation.is_some()
    }

    /// Grades a tumour by all graders and combines them; by the rule alone in another wording than the topographic one, which forest and network were taught.
    ///
    /// # Errors
    /// When the network fails.
    pub fn grade(&self, case: KoosCase<'_>) -> Result<KoosGraders, Error> {
        let assessment = case.assessment;
        let ready = assessment.grade.is_some() && assessment.evidence.contact_area_mm2.is_some();
        if !ready {
            return Ok(KoosGraders::withheld());
        }
        let mut combination = Combination {
            rule: Some(assessment.probabilities),
            ..Combination::default()
        };
        // In another wording their III would be another III: mixed with the rule's it would be neither.
        if assessment.wording == TAUGHT.name() {
            combination.forest = self.by_forest(case)?;
            combination.network = self.by_network(case)?;
        }
        Ok(combination.graders(&self.plan.weights))
    }

    fn by_forest(&self, case: KoosCase<'_>) -> Result<Option<[f64; 4]>, Error> {
        let parcels = self.parcellation.as_ref().zip(case.parcellation);
        let found = match parcels {
            Some((forest, parcels)) => {
                parcellation_features(case.labels, parcels).map(|row| (forest, row))
            }
            None => structure_features(case.labels, case.assessment).map(|row| (&self.forest, row)),
        };
        let Some((forest, row)) = found else {
            return Ok(None);
        };
        Ok(forest.probabilities(&row)?.try_into().ok())
    }

    fn by_network(&self, case: KoosCase<'_>) -> Result<Option<[f64; 4]>, Error> {
        let side = case.assessment.evidence.side;
        let Some(crop) = side.and_then(|side| koos_crop(case.scan, case.labels, side)) else {
            return Ok(None);
        };
        let [d, h, w] = CROP_SIZE;
        let x = Tensor::from_vec(crop, (1, CROP_CHANNELS, d, h, w), &Device::Cpu)
            .map_err(crate::model::Error::from)?;
        let scores: Vec<f32> = self
            .network
            .forward(&x)?
            .flatten_all()
            .and_then(|t| t.to_vec1())
            .map_err(crate::model::Error::from)?;
        Ok(softmax(&scores))
    }
}

/// Probabilities of four scores; `None` for another number of them or where one is not finite.
pub fn softmax(scores: &[f32]) -> Option<[f64; 4]> {
    let scores: [f32; 4] = scores.try_into().ok()?;
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = scores.map(|s| f64::from(s - highest).exp());
    let sum: f64 = powers.iter().sum();
    sum.is_finite().then(|| powers.map(|p| p / sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, proptest};

    const PLAN: &str = include_str!("../../../assets/models/koos/plan.json");
    const FOREST: &str = include_str!("../../../assets/models/koos/forest.json");
    const NETWORK: &[u8] = include_bytes!("../../../assets/models/koos/model.safetensors");

    #[test]
    fn the_shipped_graders_are_whole_and_small() {
        let model = KoosModel::shipped().unwrap();
        assert_eq!(model.info().name, "koos");
        assert!(!model.takes_parcellations());
        assert!(FOREST.len() + NETWORK.len() < 2_000_000);
    }

    #[test]
    fn probabilities_of_scores_are_those_of_the_softmax() {
        let p = softmax(&[1.0, 0.0, 1000.0, 999.0]).unwrap();
        assert!((p[2] - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-12);
        assert_eq!(softmax(&[0.0; 3]), None);
        assert_eq!(softmax(&[f32::NAN, 0.0, 0.0, 0.0]), None);
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        /// Damaged weights are refused, or are weights.
        #[test]
        fn no_weights_break_the_reader(
            flips in prop::collection::vec((0_usize..4096, any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
            whole in any::<bool>(),
        ) {
            let mut network = NETWORK.to_vec();
            for (at, to) in flips {
                network[at] = to;
            }
            if !whole {
                network.truncate(cut.index(network.len()));
            }
            let files = KoosFiles { plan: PLAN, forest: FOREST, parcellation: None, network: &network };
            if let Ok(model) = KoosModel::from_files(files) {
                let [d, h, w] = CROP_SIZE;
                let x = Tensor::zeros((1, CROP_CHANNELS, d, h, w), candle_core::DType::F32, &Device::Cpu);
                let _scores = model.network.forward(&x.unwrap()).unwrap();
            }
        }
    }
}
