//! How good a network is on patients that its training never saw.
use super::data::{CropSource, plain_sample, validation_seed};
use super::{Error, Sample};
use crate::model::UNet;
use crate::predict::Plan;
use candle_core::{DType, Device, Tensor};

/// Dice of one structure over a validation set.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDice {
    /// Name of the class.
    pub name: String,
    /// Mean Dice over the examples that have the structure; `None` when none has.
    pub mean: Option<f64>,
    /// Examples that have the structure.
    pub present: usize,
    /// Examples without the structure where the network claims at least one voxel of it.
    pub false_alarms: usize,
}

/// The first `count` validation crops; the same for every training.
///
/// # Errors
/// When a crop cannot be made.
pub fn validation_samples(
    source: &dyn CropSource,
    plan: &Plan,
    count: u64,
) -> Result<Vec<Sample>, Error> {
    (0..count)
        .map(|index| plain_sample(source, validation_seed(index), plan))
        .collect()
}

/// Dice of every structure over crops. Voxels go to the class with the highest score; nothing is post-processed.
///
/// # Errors
/// When the network fails.
pub fn validate(network: &UNet, plan: &Plan, samples: &[Sample]) -> Result<Vec<ClassDice>, Error> {
    let structures = plan.classes.iter().skip(1);
    let mut scores: Vec<(Vec<f64>, usize)> = structures.clone().map(|_| (Vec::new(), 0)).collect();
    for sample in samples {
        let predicted = classify(network, plan, sample)?;
        for (class, (dice, false_alarms)) in (1_u8..).zip(&mut scores) {
            match dice_of(&predicted, &sample.labels, class) {
                Overlap::Dice(value) => dice.push(value),
                Overlap::FalseAlarm => *false_alarms += 1,
                Overlap::Absent => {}
            }
        }
    }
    let summary = structures
        .zip(scores)
        .map(|(name, (dice, false_alarms))| ClassDice {
            name: name.clone(),
            mean: (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64),
            present: dice.len(),
            false_alarms,
        });
    Ok(summary.collect())
}

/// A batch's tensor, `N, 1, D, H, W`.
pub(super) fn to_tensor(samples: &[Sample], plan: &Plan, device: &Device) -> Result<Tensor, Error> {
    let [w, h, d] = plan.patch;
    let values: Vec<f32> = samples
        .iter()
        .flat_map(|s| s.intensities.iter().copied())
        .collect();
    Ok(Tensor::from_vec(
        values,
        (samples.len(), 1, d, h, w),
        device,
    )?)
}

/// An example's scores before the softmax, `N, classes, D, H, W`.
fn forward(network: &UNet, plan: &Plan, sample: &Sample) -> Result<Tensor, Error> {
    let device = network
        .parameters()
        .values()
        .next()
        .map_or(Device::Cpu, |t| t.device().clone());
    let x = to_tensor(std::slice::from_ref(sample), plan, &device)?;
    Ok(network.forward(&x)?)
}

/// The network's scores before the softmax for an example, `[class][voxel]`.
pub(super) fn scores(network: &UNet, plan: &Plan, sample: &Sample) -> Result<Vec<f32>, Error> {
    let scores = forward(network, plan, sample)?;
    Ok(scores.flatten_all()?.to_device(&Device::Cpu)?.to_vec1()?)
}

fn classify(network: &UNet, plan: &Plan, sample: &Sample) -> Result<Vec<u8>, Error> {
    let classes = forward(network, plan, sample)?.argmax(1)?;
    let classes = classes.to_dtype(DType::U8)?.flatten_all()?;
    Ok(classes.to_device(&Device::Cpu)?.to_vec1()?)
}

enum Overlap {
    Dice(f64),
    FalseAlarm,
    Absent,
}

fn dice_of(predicted: &[u8], truth: &[u8], class: u8) -> Overlap {
    let (mut both, mut p, mut t) = (0_u64, 0_u64, 0_u64);
    for (&a, &b) in predicted.iter().zip(truth) {
        let (a, b) = (a == class, b == class);
        both += u64::from(a && b);
        p += u64::from(a);
        t += u64::from(b);
    }
    match (p, t) {
        (0, 0) => Overlap::Absent,
        (_, 0) => Overlap::FalseAlarm,
        _ => Overlap::Dice(2.0 * both as f64 / (p + t) as f64),
    }
}
