//! What a folder of Koos graders is: its `plan.json`.
use super::{CROP_CHANNELS, CROP_SIZE};
use crate::model::ClassifierDescription;
use crate::predict::Error;
use serde::{Deserialize, Serialize};

/// The plan of the graders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KoosPlan {
    /// Name of the model.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What the graders learned from, in words that end the sentence "they were trained on …".
    pub trained_on: String,
    /// The network.
    pub network: ClassifierDescription,
    /// How the graders are combined.
    pub weights: GraderWeights,
}

/// Exponents of the graders' probabilities in their product, 0 to 10: what a grader is worth beside the others, and at the same time by how much its probabilities are sharpened (above one) or
/// softened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraderWeights {
    /// Of the geometric rule.
    pub rule: f64,
    /// Of the forest.
    pub forest: f64,
    /// Of the network.
    pub network: f64,
}

impl GraderWeights {
    /// In the order rule, forest, network.
    pub fn to_array(self) -> [f64; 3] {
        [self.rule, self.forest, self.network]
    }

    /// From the order rule, forest, network.
    pub fn from_array([rule, forest, network]: [f64; 3]) -> Self {
        Self {
            rule,
            forest,
            network,
        }
    }
}

impl KoosPlan {
    /// Reads a plan and checks it.
    ///
    /// # Errors
    /// When it is no JSON of a plan, or a number is out of range.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let plan: Self = serde_json::from_str(text).map_err(|e| Error::Plan(e.to_string()))?;
        let wrong = |text: &str| Err(Error::Plan(text.to_owned()));
        plan.network.validate()?;
        let network = &plan.network;
        if network.in_channels != CROP_CHANNELS || network.size != CROP_SIZE || network.classes != 4
        {
            return wrong("the network does not take the region about an ear to four grades");
        }
        let weights = plan.weights.to_array();
        let in_range = weights.iter().all(|w| (0.0..=10.0).contains(w));
        if !in_range || weights.iter().sum::<f64>() <= 0.0 {
            return wrong("the weights of the graders");
        }
        Ok(plan)
    }

    /// The plan as JSON for people.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map_err(|e| Error::Plan(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, proptest};

    fn plan() -> KoosPlan {
        KoosPlan {
            name: "koos".to_owned(),
            version: "0.1.0".to_owned(),
            trained_on: "nothing".to_owned(),
            network: ClassifierDescription {
                in_channels: CROP_CHANNELS,
                size: CROP_SIZE,
                channels: vec![4],
                hidden: 4,
                classes: 4,
            },
            weights: GraderWeights::from_array([1.0, 0.5, 0.0]),
        }
    }

    #[test]
    fn a_plan_survives_its_file_and_what_is_out_of_range_is_refused() {
        let plan = plan();
        assert_eq!(KoosPlan::from_json(&plan.to_json().unwrap()).unwrap(), plan);
        let changed = |change: &dyn Fn(&mut KoosPlan)| {
            let mut plan = plan.clone();
            change(&mut plan);
            KoosPlan::from_json(&plan.to_json().unwrap())
        };
        assert!(changed(&|p| p.weights.rule = -0.1).is_err());
        assert!(changed(&|p| p.weights = GraderWeights::from_array([0.0; 3])).is_err());
        assert!(changed(&|p| p.network.classes = 5).is_err());
        assert!(changed(&|p| p.network.size[0] += 1).is_err());
        assert!(changed(&|p| p.network.hidden = 0).is_err());
    }

    proptest! {
        #[test]
        fn no_plan_breaks_the_reader(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        ) {
            let mut bytes = plan().to_json().unwrap().into_bytes();
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            if let Ok(plan) = KoosPlan::from_json(&String::from_utf8_lossy(&bytes)) {
                let _fits = plan.network.initial_parameters(1).unwrap();
            }
        }
    }
}
