//! Examples for Koos graders: of a tumour its grade, what the rule says, the features and the region about the ear.
use super::noise::noisy_labels;
use crate::io;
use crate::measure::{KoosBasis, KoosGrade, parcellation_features, structure_features};
use crate::model::{Metadata, Parameters, read_tensors, write_tensors};
use crate::phantom::{GridSpec, Modality, Patient, PatientSpec, Scan, Site, VisitSpec};
use crate::predict::{CROP_CHANNELS, CROP_SIZE, SegmentOptions, Segmenter, koos_crop, segment};
use crate::train::Error;
use crate::train::data::mix;
use crate::volume::{LabelMap, Volume, unobserved};
use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Heads tried for a grade that does not fit into the first.
const HEADS: u64 = 5;
/// What of a head is scanned, mm: both ears from side to side, the brainstem above and below the tumour.
const EXTENT_MM: [f64; 3] = [104.0, 84.0, 72.0];
/// Finer voxels than these along right and front teach nothing more, mm.
const LEAST_MM: f64 = 0.5;
const KEY: &str = "schwann.koos";

/// Whose outlines an example has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelSource {
    /// The phantom's own.
    Exact,
    /// The phantom's own with the errors of a segmenter.
    Noisy,
    /// The shipped segmenter's.
    Segmenter,
}

/// A tumour that was graded.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its grade.
    pub grade: KoosGrade,
    /// What the graders see; `None` where the rule withholds a grade from the labels or the ear is not known.
    pub seen: Option<Seen>,
}

/// What the graders see of a tumour.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The rule's probabilities.
    pub rule: [f64; 4],
    /// In the order of [`FeatureScheme::Structures`](crate::measure::FeatureScheme::Structures).
    pub features: Vec<f64>,
    /// In the order of [`FeatureScheme::Parcellation`](crate::measure::FeatureScheme::Parcellation), where there is a parcellation.
    pub parcellation: Option<Vec<f64>>,
    /// The region about the ear, as [`koos_crop`] gives it.
    pub crop: Vec<f32>,
}

impl Example {
    /// Of a scan with its labels.
    pub(super) fn of(
        scan: &Volume,
        labels: &LabelMap,
        grade: KoosGrade,
        parcellation: Option<&LabelMap>,
    ) -> Self {
        let seen = || {
            let assessment = KoosBasis::of(labels).assess(None);
            // As the graders in use: what the rule withholds they do not see.
            assessment.grade?;
            assessment.evidence.contact_area_mm2?;
            Some(Seen {
                rule: assessment.probabilities,
                features: structure_features(labels, &assessment)?,
                parcellation: parcellation.and_then(|p| parcellation_features(labels, p)),
                crop: koos_crop(scan, labels, assessment.evidence.side?)?,
            })
        };
        Self {
            grade,
            seen: seen(),
        }
    }
}

/// The sites' grids about both ears, not finer than half a millimetre.
fn grid_about_ears(site: Site, modality: Modality) -> GridSpec {
    let spacing = site.grid(modality).spacing_mm;
    let spacing_mm = [
        spacing[0].max(LEAST_MM),
        spacing[1].max(LEAST_MM),
        spacing[2],
    ];
    GridSpec {
        shape: std::array::from_fn(|a| (EXTENT_MM[a] / spacing_mm[a]).ceil() as usize),
        spacing_mm,
    }
}

/// A scan of a random patient of a grade about both ears, all else drawn from the seed. A head into which the grade does not fit gives way to another.
pub(super) fn phantom_scan(seed: u64, grade: KoosGrade, whole: bool) -> Result<Scan, Error> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let site = Site::ALL[usize::from(random.random_bool(0.5))];
    let modality = if random.random_bool(0.5) {
        Modality::CeT1
    } else {
        Modality::HrT2
    };
    let visit = VisitSpec {
        years: 0.0,
        site,
        modality,
        seed: mix(seed, 1),
        grid: (!whole).then(|| grid_about_ears(site, modality)),
    };
    let mut last = crate::phantom::Error::Grade(grade);
    for head in 0..HEADS {
        let spec = PatientSpec {
            seed: mix(seed, 2 + head),
            koos: Some(grade),
            ..PatientSpec::default()
        };
        match Patient::new(&spec) {
            Err(error @ crate::phantom::Error::Grade(_)) => last = error,
            other => return Ok(other?.scan(&visit, &mut unobserved)?),
        }
    }
    Err(last.into())
}

/// An example from a phantom. The segmenter is needed for its own labels.
pub(super) fn phantom_example(
    seed: u64,
    grade: KoosGrade,
    source: LabelSource,
    segmenter: Option<&Segmenter>,
) -> Result<Example, Error> {
    let scan = phantom_scan(seed, grade, false)?;
    // The grade of the visit's exact geometry.
    let grade = scan.truth.koos.unwrap_or(grade);
    let labels = match (source, segmenter) {
        (LabelSource::Segmenter, Some(segmenter)) => {
            let options = SegmentOptions::of(segmenter);
            segment(&scan.volume, segmenter, &options, &mut unobserved)?.labels
        }
        (LabelSource::Noisy, _) => noisy_labels(
            &scan.labels,
            &mut ChaCha8Rng::seed_from_u64(mix(seed, 3 + HEADS)),
        )?,
        _ => scan.labels,
    };
    Ok(Example::of(&scan.volume, &labels, grade, None))
}

/// What a stored example says besides its region.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    grade: usize,
    seen: Option<StoredSeen>,
}

/// Numbers that are missing are `null`.
#[derive(Debug, Serialize, Deserialize)]
struct StoredSeen {
    rule: [f64; 4],
    features: Vec<Option<f64>>,
    parcellation: Option<Vec<Option<f64>>>,
}

fn optional(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|v| v.is_finite().then_some(*v)).collect()
}

fn numbers(values: Vec<Option<f64>>) -> Vec<f64> {
    values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect()
}

/// Keeps an example in a file, so that a training that is resumed need not make it again. Gives it back as the file holds it, in half precision: a training is the same whether it was resumed or not.
pub(super) fn kept(path: &Path, example: &Example) -> Result<Example, Error> {
    let stored = Stored {
        grade: example.grade as usize,
        seen: example.seen.as_ref().map(|seen| StoredSeen {
            rule: seen.rule,
            features: optional(&seen.features),
            parcellation: seen.parcellation.as_deref().map(optional),
        }),
    };
    let text = serde_json::to_string(&stored).map_err(|e| Error::Checkpoint(e.to_string()))?;
    let mut tensors = Parameters::new();
    if let Some(seen) = &example.seen {
        let crop = Tensor::from_slice(&seen.crop, seen.crop.len(), &Device::Cpu)?;
        tensors.insert("crop".to_owned(), crop);
    }
    let bytes = write_tensors(&tensors, &Metadata::from([(KEY.to_owned(), text)]), true)?;
    io::write_atomically(path, |w| w.write_all(&bytes))?;
    let lost = || Error::Checkpoint("an example that was written cannot be read".to_owned());
    load(path).ok_or_else(lost)
}

/// Reads what [`kept`] wrote; `None` where there is no such file or it is not whole, so that the example is made anew.
pub(super) fn load(path: &Path) -> Option<Example> {
    let (mut tensors, metadata) = read_tensors(&std::fs::read(path).ok()?).ok()?;
    let stored: Stored = serde_json::from_str(metadata.get(KEY)?).ok()?;
    let grade = *KoosGrade::ALL.get(stored.grade)?;
    let Some(seen) = stored.seen else {
        return Some(Example { grade, seen: None });
    };
    let crop: Vec<f32> = tensors.remove("crop")?.to_vec1().ok()?;
    (crop.len() == CROP_CHANNELS * CROP_SIZE.iter().product::<usize>()).then(|| Example {
        grade,
        seen: Some(Seen {
            rule: seen.rule,
            features: numbers(seen.features),
            parcellation: seen.parcellation.map(numbers),
            crop,
        }),
    })
}
