//! How sure a model is of each voxel: what self-training chooses pseudo-labels by.
use super::grid::WorkingGrid;
use super::segmenter::{CERTAIN, SegmentOptions, Segmenter, run, unreadable};
use super::{Error, memory};
use crate::volume::{LabelMap, LabelTable, Observe, Volume};

/// What a model says of each voxel of a scan, on the scan's own grid.
#[derive(Debug, Clone)]
pub struct Certainty {
    /// Labels, what anatomy forbids taken back, in the values of the default [`LabelTable`].
    pub labels: LabelMap,
    /// Probability of the most probable label.
    pub probability: Vec<f32>,
    /// Entropy of the labels' probabilities, 0 (sure) to 1 (all labels alike).
    pub entropy: Vec<f32>,
}

/// Labels a scan as [`segment`](super::segment) does, and tells how sure the model is of each voxel. Every voxel of the scan is searched, whatever field the model's plan has.
///
/// # Errors
/// As [`segment`](super::segment), and for a model that is not Schwann's own or looks about the ears alone.
pub fn segment_with_certainty(
    scan: &Volume,
    segmenter: &Segmenter,
    options: &SegmentOptions,
    observe: &mut Observe<'_>,
) -> Result<Certainty, Error> {
    let Some(own) = segmenter.whole_scan_model() else {
        let text = "it does not tell how sure it is of each voxel of a whole scan";
        return Err(Error::Plan(text.to_owned()));
    };
    let grid = WorkingGrid::new(scan.grid(), own.plan.spacing_mm)?;
    memory::check(segmenter.memory_bytes(scan.grid(), options))?;
    let [low] = scan.quantiles([0.005]);
    let intensities = grid.resample(scan, low as f32);
    if unreadable(&grid, &intensities).is_some() {
        let nothing = vec![0; scan.grid().len()];
        return Ok(Certainty {
            labels: LabelMap::new(*scan.grid(), nothing, LabelTable::default())?,
            probability: vec![0.0; scan.grid().len()],
            entropy: vec![1.0; scan.grid().len()],
        });
    }
    let chosen = options.device.open();
    let scores = run(&grid, &intensities, own, (options, &chosen), None, observe)?;
    let labels = grid.restore(&scores, &own.decision(CERTAIN))?;
    let voxels = intensities.len();
    let mut probability = vec![0.0_f32; voxels];
    let mut entropy = vec![0.0_f32; voxels];
    let most = (own.labels.len() as f32).ln();
    for class in scores.chunks_exact(voxels) {
        for ((p, best), entropy) in class.iter().zip(&mut probability).zip(&mut entropy) {
            *best = best.max(*p);
            *entropy -= if *p > 0.0 { p * p.ln() / most } else { 0.0 };
        }
    }
    drop(scores);
    Ok(Certainty {
        labels: own.plan.post_processing.apply(&labels, &[])?.0,
        probability: grid.interpolated(&probability),
        entropy: grid.interpolated(&entropy),
    })
}
