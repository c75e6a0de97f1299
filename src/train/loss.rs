//! Soft Dice plus cross-entropy, with its gradient by hand: as candle operators it would take longer than the network.
use super::Error;
use candle_core::{Device, Tensor};
use rayon::prelude::*;

/// Label of a voxel of which nothing is known: it takes no part in the loss.
pub const UNKNOWN: u8 = 255;
/// Keeps the Dice of an absent structure defined; in voxels.
const SMOOTH: f64 = 1.0;
/// Voxels that one task handles; sums are added in this order whatever the number of threads.
const CHUNK: usize = 16_384;

/// Loss of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Weighted mean cross-entropy, nats.
    pub cross_entropy: f64,
    /// Soft Dice of each structure over the whole batch, background left out.
    pub dice: Vec<f64>,
}

impl Loss {
    /// What is minimised: cross-entropy plus one minus the mean soft Dice.
    pub fn total(&self) -> f64 {
        self.cross_entropy + 1.0 - self.dice.iter().sum::<f64>() / self.dice.len() as f64
    }
}

/// The loss of `scores` (`N, classes, D, H, W`, before the softmax) against `labels` (`N, D, H, W`), and its gradient with respect to the
/// scores, on the scores' device. `weights` weighs each voxel in the cross-entropy. Voxels labelled [`UNKNOWN`] count nowhere.
///
/// # Errors
/// When shapes do not agree or a label is no class.
pub fn dice_cross_entropy(
    scores: &Tensor,
    labels: &[u8],
    weights: &[f32],
) -> Result<(Loss, Tensor), Error> {
    let (batch, classes, d, h, w) = scores.dims5()?;
    let voxels = d * h * w;
    let mismatch = labels.len() != batch * voxels
        || weights.len() != labels.len()
        || labels
            .iter()
            .any(|&l| l != UNKNOWN && usize::from(l) >= classes);
    if mismatch || classes < 2 {
        return Err(Error::Labels);
    }
    let values: Vec<f32> = scores.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    // Probabilities with the classes of a voxel side by side.
    let mut p = vec![0.0_f32; values.len()];
    let sums: Vec<Sums> = p
        .par_chunks_mut(CHUNK * classes)
        .zip(labels.par_chunks(CHUNK))
        .zip(weights.par_chunks(CHUNK))
        .enumerate()
        .map(|(chunk, ((p, labels), weights))| {
            let mut sums = Sums::new(classes);
            let voxels_of = p.chunks_exact_mut(classes).zip(labels).zip(weights);
            for (i, ((p, &label), &weight)) in voxels_of.enumerate() {
                let at = chunk * CHUNK + i;
                let first = at / voxels * classes * voxels + at % voxels;
                softmax(&values, first, voxels, 1.0, p);
                if label == UNKNOWN {
                    continue;
                }
                sums.add(p, usize::from(label), weight);
            }
            sums
        })
        .collect();
    let mut total = Sums::new(classes);
    for part in &sums {
        total.merge(part);
    }
    let loss = total.loss();
    let slopes = total.dice_slopes();
    p.par_chunks_mut(classes)
        .zip(labels.par_iter())
        .zip(weights.par_iter())
        .for_each(|((p, &label), &weight)| {
            if label == UNKNOWN {
                return p.fill(0.0);
            }
            let label = usize::from(label);
            let weight = weight / total.weight as f32;
            // d(1 - mean Dice)/dp of each class, then through the softmax.
            let of_p = |c: usize| slopes[c][usize::from(c == label)];
            let mean: f32 = (0..p.len()).map(|c| p[c] * of_p(c)).sum();
            for (c, p) in p.iter_mut().enumerate() {
                let truth = f32::from(u8::from(c == label));
                *p = *p * (of_p(c) - mean) + weight * (*p - truth);
            }
        });
    let mut gradient = values;
    gradient
        .par_chunks_mut(voxels)
        .enumerate()
        .for_each(|(plane, out)| {
            let (image, class) = (plane / classes, plane % classes);
            let from = p[image * voxels * classes..]
                .iter()
                .skip(class)
                .step_by(classes);
            out.iter_mut().zip(from).for_each(|(o, v)| *o = *v);
        });
    let gradient =
        Tensor::from_vec(gradient, scores.shape(), &Device::Cpu)?.to_device(scores.device())?;
    Ok((loss, gradient))
}

/// Probabilities of the classes of the voxel at `first`, whose scores lie `stride` apart, at a temperature.
pub(super) fn softmax(
    scores: &[f32],
    first: usize,
    stride: usize,
    temperature: f32,
    p: &mut [f32],
) {
    let mut highest = f32::NEG_INFINITY;
    for (c, p) in p.iter_mut().enumerate() {
        *p = scores[first + c * stride];
        highest = highest.max(*p);
    }
    let mut sum = 0.0;
    for p in p.iter_mut() {
        *p = ((*p - highest) / temperature).exp();
        sum += *p;
    }
    for p in p {
        *p /= sum;
    }
}

/// Sums over voxels that Dice and cross-entropy are made of; one entry a class.
struct Sums {
    both: Vec<f64>,
    predicted: Vec<f64>,
    truth: Vec<f64>,
    cross_entropy: f64,
    weight: f64,
}

impl Sums {
    fn new(classes: usize) -> Self {
        Self {
            both: vec![0.0; classes],
            predicted: vec![0.0; classes],
            truth: vec![0.0; classes],
            cross_entropy: 0.0,
            weight: 0.0,
        }
    }

    fn add(&mut self, p: &[f32], label: usize, weight: f32) {
        let weight = f64::from(weight);
        self.both[label] += f64::from(p[label]);
        self.truth[label] += 1.0;
        self.predicted
            .iter_mut()
            .zip(p)
            .for_each(|(s, p)| *s += f64::from(*p));
        self.cross_entropy -= weight * f64::from(p[label].max(1e-12).ln());
        self.weight += weight;
    }

    fn merge(&mut self, other: &Self) {
        let add = |a: &mut Vec<f64>, b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        add(&mut self.both, &other.both);
        add(&mut self.predicted, &other.predicted);
        add(&mut self.truth, &other.truth);
        self.cross_entropy += other.cross_entropy;
        self.weight += other.weight;
    }

    fn loss(&self) -> Loss {
        Loss {
            // A batch of which nothing is known costs nothing.
            cross_entropy: self.cross_entropy / self.weight.max(f64::MIN_POSITIVE),
            dice: (1..self.both.len())
                .map(|c| {
                    (2.0 * self.both[c] + SMOOTH) / (self.predicted[c] + self.truth[c] + SMOOTH)
                })
                .collect(),
        }
    }

    /// For each class the derivative of one minus the mean Dice with respect to a voxel's probability, where the voxel is not of the class
    /// and where it is.
    fn dice_slopes(&self) -> Vec<[f32; 2]> {
        let count = (self.both.len() - 1) as f64;
        (0..self.both.len())
            .map(|c| {
                if c == 0 {
                    return [0.0; 2];
                }
                let sum = self.predicted[c] + self.truth[c] + SMOOTH;
                let outside = (2.0 * self.both[c] + SMOOTH) / (sum * sum);
                [
                    (outside / count) as f32,
                    ((outside - 2.0 / sum) / count) as f32,
                ]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::border::of_classes;
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (shape, classes) = ([2, 3, 2, 2, 3], 3_u8);
        let values: Vec<f32> = (0..72)
            .map(|i| ((i * 37 % 19) as f32 - 9.0) / 6.0)
            .collect();
        let labels: Vec<u8> = (0..24_u8).map(|i| i * 7 % classes).collect();
        let weights = of_classes(&labels, &[1.0, 2.0, 0.5]);
        let loss = |values: &[f32]| {
            let scores = Tensor::from_slice(values, &shape[..], &Device::Cpu).unwrap();
            dice_cross_entropy(&scores, &labels, &weights).unwrap()
        };
        let gradient: Vec<f32> = loss(&values).1.flatten_all().unwrap().to_vec1().unwrap();
        for i in 0..values.len() {
            let step = 1e-2;
            let mut moved = values.clone();
            moved[i] += step;
            let above = loss(&moved).0.total();
            moved[i] -= 2.0 * step;
            let numeric = (above - loss(&moved).0.total()) / f64::from(2.0 * step);
            assert!(
                (numeric - f64::from(gradient[i])).abs() < 2e-4,
                "{i}: {numeric} {}",
                gradient[i]
            );
        }
    }

    #[test]
    fn unknown_voxels_count_nowhere() {
        let values: Vec<f32> = (0..24)
            .map(|i| ((i * 31 % 17) as f32 - 8.0) / 5.0)
            .collect();
        let loss = |values: &[f32], labels: &[u8]| {
            let scores = Tensor::from_slice(values, (1, 2, 1, 2, labels.len() / 2), &Device::Cpu);
            let weights = of_classes(labels, &[1.0, 3.0]);
            dice_cross_entropy(&scores.unwrap(), labels, &weights).unwrap()
        };
        let mut labels = vec![0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1];
        labels[6..].fill(UNKNOWN);
        // The same without these voxels.
        let kept = [&values[..6], &values[12..18]].concat();
        let (with, gradient) = loss(&values, &labels);
        let (without, expected) = loss(&kept, &labels[..6]);
        assert_eq!(with, without);
        let flat = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (gradient, expected) = (flat(gradient), flat(expected));
        assert_eq!(&gradient[..6], &expected[..6]);
        assert_eq!(&gradient[12..18], &expected[6..]);
        assert!(
            gradient[6..12]
                .iter()
                .chain(&gradient[18..])
                .all(|g| g.abs() < 1e-12)
        );
        let (nothing, gradient) = loss(&values, &[UNKNOWN; 12]);
        assert!(nothing.total().is_finite() && flat(gradient).iter().all(|g| g.abs() < 1e-12));
    }

    #[test]
    fn a_certain_and_right_answer_costs_nothing() {
        let labels = [0_u8, 1, 1, 0];
        let scores: Vec<f32> = [30.0, -30.0, -30.0, 30.0, -30.0, 30.0, 30.0, -30.0].to_vec();
        let scores = Tensor::from_vec(scores, (1, 2, 1, 2, 2), &Device::Cpu).unwrap();
        let (loss, _) = dice_cross_entropy(&scores, &labels, &[1.0; 4]).unwrap();
        assert!(loss.total() < 1e-6);
        assert!(dice_cross_entropy(&scores, &[0, 1, 2, 0], &[1.0; 4]).is_err());
    }
}
