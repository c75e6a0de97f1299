//! From the network's scores back to labels on the scan's own voxels.
use super::array::{Size, count, insert, size_of};
use super::dataset::Heads;
use super::folder::NnUnet;
use super::plans::Resampling;
use super::prepare::Prepared;
use super::resample::resampled_scores;
use super::window::Accumulator;

/// Labels in the file's order of voxels, of scores on the network's array (`[class][voxel]`).
pub(super) fn restored<T: Accumulator>(
    model: &NnUnet,
    prepared: &Prepared,
    scores: &[T],
) -> Vec<u8> {
    let size = size_of(prepared.bounds);
    let how = model.configuration.probabilities;
    let labels = labels(model, prepared, scores, size, how);
    let mut whole = vec![0; count(prepared.whole)];
    insert(&mut whole, prepared.whole, prepared.bounds, &labels);
    prepared.layout.undo(whole)
}

fn labels<T: Accumulator>(
    model: &NnUnet,
    prepared: &Prepared,
    scores: &[T],
    size: Size,
    how: Resampling,
) -> Vec<u8> {
    let spacings = [prepared.network_spacing_mm, prepared.spacing_mm];
    let class = |scores: &[T]| resampled_scores(scores, prepared.size, size, how, spacings);
    let classes = scores.chunks_exact(count(prepared.size));
    let mut labels = vec![0_u8; count(size)];
    match &model.dataset.heads {
        Heads::Labels(_) => {
            let mut best = vec![f32::NEG_INFINITY; labels.len()];
            for (value, scores) in (0_u8..=u8::MAX).zip(classes) {
                for ((label, best), score) in labels.iter_mut().zip(&mut best).zip(class(scores)) {
                    if score > *best {
                        (*label, *best) = (value, score);
                    }
                }
            }
        }
        Heads::Regions(order) => {
            for (value, scores) in order.iter().zip(classes) {
                for (label, score) in labels.iter_mut().zip(class(scores)) {
                    // In single precision, as the sigmoid is taken.
                    if 1.0 / (1.0 + (-score).exp()) > 0.5 {
                        *label = *value;
                    }
                }
            }
        }
    }
    labels
}
