//! How a model wants its input, and what its output means: `plan.json` of a model folder.
use super::Error;
use super::clean::PostProcessing;
use crate::model::UNetDescription;
use crate::volume::{Grid, LabelTable, Shape, Structure};
use serde::{Deserialize, Serialize};

/// The plan of a model. Triples are right, anterior, superior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name of the model.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Spacing of the network's input, mm.
    pub spacing_mm: [f64; 3],
    /// Voxels of a tile.
    pub patch: [usize; 3],
    /// Names of the classes; the first is `background`, the others are those of [`Structure::name`] or [`class`].
    pub classes: Vec<String>,
    /// Fractions of the scan's voxels below which intensities are raised to, and above which they are lowered to, that quantile.
    pub clip_quantiles: [f64; 2],
    /// Whether a tile is a region about an ear, which a localiser finds; otherwise tiles cover the scan.
    #[serde(default)]
    pub about_ears: bool,
    /// How much of a scan's middle is searched to the right and to the front, mm; all of it where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_mm: Option<[f64; 2]>,
    /// What becomes of the pieces of its answer.
    #[serde(default)]
    pub post_processing: PostProcessing,
    /// What its probabilities were found to mean on examples that the training never saw; `None` where that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What the model learned from, in words that end the sentence "it was trained on …".
    pub trained_on: String,
    /// The network.
    pub network: UNetDescription,
}

/// What turns the scores of a network into probabilities that mean what they say, and those into an interval of the tumour's volume.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// By which scores are divided before the softmax (Guo et al. 2017).
    pub temperature: f64,
    /// Probability `t` below one half such that in 95 % of the tumours measured the true volume lay between those of the voxels above `1 - t`
    /// and above `t`.
    pub interval_level: f64,
    /// Probability above which a voxel is tumour: the level at which volumes are right in the middle. One half where it was not measured.
    #[serde(default = "half")]
    pub tumour_level: f64,
}

/// What a tumour's level may be: at the ends every voxel would be tumour, or none.
const TUMOUR_LEVELS: std::ops::RangeInclusive<f64> = 0.01..=0.99;

fn half() -> f64 {
    0.5
}

impl Plan {
    /// By which scores are divided before the softmax.
    pub fn temperature(&self) -> f32 {
        self.calibration.map_or(1.0, |c| c.temperature as f32)
    }

    /// Probability above which a voxel is tumour.
    pub fn tumour_level(&self) -> f32 {
        self.calibration.map_or(0.5, |c| c.tumour_level as f32)
    }

    /// Reads a plan and checks it.
    ///
    /// # Errors
    /// When it is no JSON of a plan, or a number is out of range.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let plan: Self = serde_json::from_str(text).map_err(|e| Error::Plan(e.to_string()))?;
        plan.validate()?;
        Ok(plan)
    }

    /// The plan as JSON for people.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map_err(|e| Error::Plan(e.to_string()))
    }

    /// Checks what a file may get wrong.
    ///
    /// # Errors
    /// Names the first thing that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Plan(text.to_owned()));
        self.network.validate()?;
        if !self.spacing_mm.iter().all(|s| (0.1..=10.0).contains(s)) {
            return wrong("the spacing");
        }
        if self.network.in_channels != 1 {
            return wrong("the network takes more than one scan");
        }
        let [d, h, w] = self.network.divisor();
        let fits = |(size, by): (&usize, usize)| (1..=512).contains(size) && size % by == 0;
        if !self.patch.iter().zip([w, h, d]).all(fits) {
            return wrong("the patch");
        }
        if let Some(field) = self.field_mm
            && !field.iter().all(|mm| (10.0..=1000.0).contains(mm))
        {
            return wrong("the field");
        }
        let [low, high] = self.clip_quantiles;
        if !(0.0 <= low && low < high && high <= 1.0) {
            return wrong("the clip quantiles");
        }
        if let Some(c) = self.calibration
            && !((0.1..=10.0).contains(&c.temperature)
                && c.interval_level > 0.0
                && c.interval_level <= 0.5
                && TUMOUR_LEVELS.contains(&c.tumour_level))
        {
            return wrong("the calibration");
        }
        let named = self.classes.len() == self.network.classes && self.classes.len() > 1;
        if !named || self.classes[0] != "background" {
            return wrong("the number of classes, or the first is not background");
        }
        if self.is_localiser() {
            return Ok(());
        }
        self.class_labels().map(|_| ())
    }

    /// Whether the model finds the angles rather than outlines what is in them.
    pub fn is_localiser(&self) -> bool {
        self.classes.iter().skip(1).eq(class::ANGLES.iter())
    }

    /// For each class its value in the default [`LabelTable`]; 0 for the background.
    ///
    /// # Errors
    /// When a name is not known or given twice.
    pub fn class_labels(&self) -> Result<Vec<u8>, Error> {
        let table = LabelTable::default();
        let mut values = vec![0];
        for (n, name) in self.classes.iter().enumerate().skip(1) {
            let structure = match name.as_str() {
                class::INTRAMEATAL | class::EXTRAMEATAL => Structure::VestibularSchwannoma,
                other => {
                    let known = Structure::ALL.into_iter().find(|s| s.name() == other);
                    known.ok_or_else(|| Error::Plan(format!("the class {name}")))?
                }
            };
            if self.classes[..n].contains(name) {
                return Err(Error::Plan(format!("the class {name} twice")));
            }
            values.push(table.value(structure).unwrap_or(0));
        }
        Ok(values)
    }
}

/// The box of a scan's voxels about its middle that is no larger than `field_mm` to the right and to the front: its first voxel and its shape. All slices
/// from bottom to top are inside.
pub fn middle_part(scan: &Grid, field_mm: [f64; 2]) -> ([usize; 3], Shape) {
    let ras = scan.closest_ras();
    let (mut low, mut shape) = ([0; 3], scan.shape());
    for (world, field) in field_mm.into_iter().enumerate() {
        let axis = ras.voxel_axis(world);
        let inside = (field / scan.spacing_mm()[axis] + 1e-6).floor().max(1.0) as usize;
        if inside < shape[axis] {
            low[axis] = (shape[axis] - inside) / 2;
            shape[axis] = inside;
        }
    }
    (low, shape)
}

/// Names of classes that are no [`Structure`] of their own.
pub mod class {
    /// The tumour on the canal's side of the porus plane.
    pub const INTRAMEATAL: &str = "intrameatal vestibular schwannoma";
    /// The tumour in the cerebellopontine angle.
    pub const EXTRAMEATAL: &str = "extrameatal vestibular schwannoma";
    /// About the porus of each side: the localiser's classes.
    pub const ANGLES: [&str; 2] = [
        "left cerebellopontine angle",
        "right cerebellopontine angle",
    ];
}

/// Prepares the intensities of a tile for the network, in place: limits them to the quantiles, then [standardises](standardise). The same for
/// a crop in training and a tile in prediction, because the network's instance normalisation sees no more than the tile either.
pub fn prepare(values: &mut [f32], clip_quantiles: [f64; 2]) {
    let step = (values.len() / 65_536).max(1) | 1;
    let mut sorted: Vec<f32> = values.iter().copied().step_by(step).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return;
    };
    let [low, high] =
        clip_quantiles.map(|q| sorted[(q.clamp(0.0, 1.0) * last as f64).round() as usize]);
    for v in values.iter_mut() {
        *v = v.max(low).min(high);
    }
    standardise(values);
}

/// Brings values to mean 0 and standard deviation 1, in place; a constant becomes zeros.
pub fn standardise(values: &mut [f32]) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum::<f64>()
        / count;
    let inverse = if variance > 0.0 {
        1.0 / variance.sqrt()
    } else {
        0.0
    };
    for v in values {
        *v = ((f64::from(*v) - mean) * inverse) as f32;
    }
}
