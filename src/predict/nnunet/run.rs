//! A case through the networks of a folder.
use super::array::insert;
use super::array::{Bounds, Size, count, cropped, mirror, size_of};
use super::folder::NnUnet;
use super::prepare::{Prepared, prepared};
use super::restore::restored;
use super::window::{Accumulator, Sums, starts, weights};
use crate::model::{self, ChosenDevice, Runner, UNet};
use crate::predict::tiles::middle_first;
use crate::predict::{Error, memory};
use crate::volume::{Observe, Progress, Volume};
use half::f16;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Most voxels of the array that tiles are cut from.
const MOST_VOXELS: usize = 1 << 31;

/// Takes a model's first labels, in the order of the scan's voxels, and says whether to go on.
pub(in crate::predict) type EarlyLabels<'a> =
    dyn FnMut(&NnUnet, Vec<u8>) -> Result<ControlFlow<()>, Error> + 'a;

/// How a folder is run.
#[derive(Debug, Clone, Copy)]
pub(in crate::predict) struct Settings<'a> {
    pub(in crate::predict) device: &'a ChosenDevice,
    /// Whether to average over mirrored input where the folder allows it.
    pub(in crate::predict) mirror: bool,
    /// Distance of tiles as a part of a tile.
    pub(in crate::predict) step: f64,
    /// Whether to add scores up in half precision, as nnU-Net does.
    pub(in crate::predict) parity: bool,
}

/// Labels of a case in the order of the scan's voxels, and what the reader should know. The volumes lie in the order that the file stores.
///
/// `early` hears once what the tiles about the array's middle say; of a cascade, those of its first network. With parity it hears nothing: there
/// tiles are added up in nnU-Net's order, in which half-precision sums are what they are.
pub(in crate::predict) fn predict(
    model: &NnUnet,
    channels: &[&Volume],
    settings: &Settings<'_>,
    early: &mut Option<&mut EarlyLabels<'_>>,
    observe: &mut Observe<'_>,
) -> Result<(Vec<u8>, Vec<String>), Error> {
    let previous = match &model.previous {
        Some(first) => Some(predict(first, channels, settings, early, observe)?),
        None => None,
    };
    let (previous, mut warnings) = previous.map_or((None, Vec::new()), |(l, w)| (Some(l), w));
    tell(observe, "preparing", 0.0)?;
    let Some(prepared) = prepared(model, channels, previous.as_deref())? else {
        warnings.push("the scan is empty: nothing was labelled".to_owned());
        let voxels = channels.first().map_or(0, |v| v.grid().len());
        return Ok((vec![0; voxels], warnings));
    };
    let labels = if settings.parity {
        labelled::<f16>(model, &prepared, settings, early, observe)?
    } else {
        labelled::<f32>(model, &prepared, settings, early, observe)?
    };
    Ok((labels, warnings))
}

fn labelled<T: Accumulator>(
    model: &NnUnet,
    prepared: &Prepared,
    settings: &Settings<'_>,
    early: &mut Option<&mut EarlyLabels<'_>>,
    observe: &mut Observe<'_>,
) -> Result<Vec<u8>, Error> {
    let tile = model.configuration.patch;
    let padding = Padding::new(prepared.size, tile);
    if count(padding.size) > MOST_VOXELS {
        let mm = |a: usize| padding.size[a] as f64 * prepared.network_spacing_mm[a];
        return Err(Error::TooLarge(mm(0), mm(1), mm(2)));
    }
    let network = &model.configuration.network;
    let needed = memory::needed_bytes(
        network,
        count(padding.size),
        count(prepared.whole),
        tile,
        settings.parity,
        model.networks.len(),
    );
    memory::check(needed.saturating_sub(model.loaded_bytes()))?;
    let mut total: Option<Vec<T>> = None;
    for (fold, network) in model.networks.iter().enumerate() {
        let whole = (fold, model.networks.len());
        let scores = windowed::<T>(
            model,
            network,
            prepared,
            (&padding, whole),
            settings,
            early,
            observe,
        )?;
        match &mut total {
            None => total = Some(scores),
            Some(total) => {
                let pairs = total.iter_mut().zip(&scores);
                pairs.for_each(|(t, s)| *t = T::rounded(t.value() + s.value()));
            }
        }
    }
    let mut scores = total.unwrap_or_default();
    if model.networks.len() > 1 {
        let count = model.networks.len() as f32;
        for score in &mut scores {
            *score = T::rounded(score.value() / count);
        }
    }
    tell(observe, "restoring", 0.0)?;
    Ok(restored(model, prepared, &scores))
}

/// Zeros around an array that is smaller than a tile, half of them on each side; the odd one is at the end.
struct Padding {
    size: Size,
    bounds: Bounds,
}

impl Padding {
    fn new(size: Size, tile: Size) -> Self {
        let padded: Size = std::array::from_fn(|a| size[a].max(tile[a]));
        let bounds = std::array::from_fn(|a| {
            let before = (padded[a] - size[a]) / 2;
            [before, before + size[a]]
        });
        Self {
            size: padded,
            bounds,
        }
    }

    /// As [`Padding::taken_off`], where the scores lie: a copy beside them would be as large again.
    fn cut_off<T: Copy>(&self, mut scores: Vec<T>) -> Vec<T> {
        if size_of(self.bounds) == self.size {
            return scores;
        }
        let [slices, rows, [first, end]] = self.bounds;
        let classes = scores.len() / count(self.size);
        let mut to = 0;
        for class in 0..classes {
            for a in slices[0]..slices[1] {
                for b in rows[0]..rows[1] {
                    let row = self.size[2] * (b + self.size[1] * (a + self.size[0] * class));
                    scores.copy_within(row + first..row + end, to);
                    to += end - first;
                }
            }
        }
        scores.truncate(to);
        scores
    }

    /// Scores of every class without the zeros about the array.
    fn taken_off<'a, T: Accumulator>(&self, scores: &'a [T]) -> Cow<'a, [T]> {
        if size_of(self.bounds) == self.size {
            return Cow::Borrowed(scores);
        }
        let classes = scores.chunks_exact(count(self.size));
        Cow::Owned(
            classes
                .flat_map(|class| cropped(class, self.size, self.bounds))
                .collect(),
        )
    }
}

/// First voxels of the tiles in the order in which they are run, and how many of them come before first labels are given, if any are.
fn tiles(model: &NnUnet, size: Size, settings: &Settings<'_>) -> (Vec<Size>, Option<usize>) {
    let (tile, flat) = (model.configuration.patch, model.configuration.flat);
    let along: [Vec<usize>; 3] = std::array::from_fn(|a| {
        if flat && a == 0 {
            (0..size[0]).collect()
        } else {
            starts(size[a], tile[a], settings.step)
        }
    });
    let mut tiles = Vec::with_capacity(along.iter().map(Vec::len).product());
    for &a in &along[0] {
        for &b in &along[1] {
            tiles.extend(along[2].iter().map(|&c| [a, b, c]));
        }
    }
    // Single slices say little of what lies about the middle.
    if settings.parity || flat {
        return (tiles, None);
    }
    let (tiles, middle) = middle_first(&tiles, tile, size);
    let some_left = middle < tiles.len();
    (tiles, some_left.then_some(middle))
}

/// Scores of one network on the prepared array, without its padding.
fn windowed<T: Accumulator>(
    model: &NnUnet,
    network: &UNet,
    prepared: &Prepared,
    (padding, (fold, folds)): (&Padding, (usize, usize)),
    settings: &Settings<'_>,
    early: &mut Option<&mut EarlyLabels<'_>>,
    observe: &mut Observe<'_>,
) -> Result<Vec<T>, Error> {
    let tile = model.configuration.patch;
    let device = &settings.device.device;
    let mut runner = if settings.parity {
        Runner::direct(network, device)?
    } else {
        Runner::new(network, device)?
    };
    let channels = model.configuration.network.in_channels;
    let voxels = count(padding.size);
    let data = if padding.size == prepared.size {
        Cow::Borrowed(&prepared.data)
    } else {
        let mut data = vec![0.0; channels * voxels];
        for (to, from) in data
            .chunks_exact_mut(voxels)
            .zip(prepared.data.chunks_exact(count(prepared.size)))
        {
            insert(to, padding.size, padding.bounds, from);
        }
        Cow::Owned(data)
    };
    let (tiles, middle) = tiles(model, padding.size, settings);
    let mirrors = mirrors(if settings.mirror {
        &model.mirror_axes
    } else {
        &[]
    });
    let weights = weights(tile);
    let mut sums = Sums::<T>::new(padding.size, model.dataset.heads.count());
    let passes = (folds * tiles.len() * mirrors.len()) as f32;
    for (n, &first) in tiles.iter().enumerate() {
        let bounds = std::array::from_fn(|axis| [first[axis], first[axis] + tile[axis]]);
        let mut input = Vec::with_capacity(channels * count(tile));
        for channel in data.chunks_exact(voxels) {
            input.extend(cropped(channel, padding.size, bounds));
        }
        let done = ((fold * tiles.len() + n) * mirrors.len()) as f32;
        let mut watch = |part: f32| {
            let fraction = (done + part) / passes;
            observe(Progress {
                stage: "segmenting",
                fraction,
            })
        };
        let scores = mirrored(&mut runner, &input, tile, &mirrors, &mut watch)?;
        sums.add(first, tile, &scores, &weights);
        if Some(n + 1) == middle
            && let Some(early) = early.take()
        {
            runner.rest();
            // What no tile has seen has the same score for every class, which is background.
            let labels = restored(model, prepared, &padding.taken_off(&sums.scores));
            if early(model, labels)?.is_break() {
                return Err(Error::Cancelled);
            }
        }
    }
    // Its memory is not needed for what follows.
    drop(runner);
    let (scores, finite) = sums.means();
    if !finite {
        return Err(Error::Overflow);
    }
    Ok(padding.cut_off(scores))
}

/// The sets of axes along which a tile is mirrored, in the order in which nnU-Net adds their results up: none, each, each pair, all.
fn mirrors(axes: &[usize]) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = (0..1_usize << axes.len())
        .map(|set| {
            let chosen = axes.iter().enumerate().filter(|(n, _)| set >> n & 1 == 1);
            chosen.map(|(_, axis)| *axis).collect()
        })
        .collect();
    // Sets of one size in the order of their members' places.
    let places = |set: &Vec<usize>| -> Vec<usize> {
        set.iter()
            .filter_map(|a| axes.iter().position(|b| a == b))
            .collect()
    };
    sets.sort_by_key(|set| (set.len(), places(set)));
    sets
}

/// The mean of the scores of a tile and its mirror images, `[class][voxel]`.
fn mirrored(
    runner: &mut Runner,
    tile: &[f32],
    size: Size,
    mirrors: &[Vec<usize>],
    watch: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<Vec<f32>, Error> {
    let mut sum: Option<Vec<f32>> = None;
    for (done, axes) in mirrors.iter().enumerate() {
        let flipped = std::array::from_fn(|axis| axes.contains(&axis));
        let mut within = |part: f32| watch(done as f32 + part);
        let scores = if axes.is_empty() {
            runner.scores(tile, size, &mut within)
        } else {
            let mut tile = tile.to_vec();
            let channels = tile.chunks_exact_mut(count(size));
            channels.for_each(|channel| mirror(channel, size, flipped));
            runner.scores(&tile, size, &mut within)
        };
        let mut scores = match scores {
            Err(model::Error::Stopped) => return Err(Error::Cancelled),
            other => other?,
        };
        if !axes.is_empty() {
            let classes = scores.chunks_exact_mut(count(size));
            classes.for_each(|class| mirror(class, size, flipped));
        }
        match &mut sum {
            None => sum = Some(scores),
            Some(sum) => sum.iter_mut().zip(&scores).for_each(|(s, v)| *s += v),
        }
    }
    let mut values = sum.ok_or(Error::Cancelled)?;
    if mirrors.len() > 1 {
        let count = mirrors.len() as f32;
        for v in &mut values {
            *v /= count;
        }
    }
    Ok(values)
}

fn tell(observe: &mut Observe<'_>, stage: &'static str, fraction: f32) -> Result<(), Error> {
    match observe(Progress { stage, fraction }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_lose_their_padding_where_they_lie() {
        for (size, tile) in [
            ([3, 5, 7], [4, 8, 8]),
            ([6, 5, 2], [4, 8, 8]),
            ([4, 8, 8], [4, 8, 8]),
        ] {
            let padding = Padding::new(size, tile);
            let scores: Vec<usize> = (0..3 * count(padding.size)).collect();
            let apart = scores.chunks_exact(count(padding.size));
            let apart = apart.flat_map(|class| cropped(class, padding.size, padding.bounds));
            let expected: Vec<usize> = apart.collect();
            assert_eq!(padding.cut_off(scores), expected, "{size:?} in {tile:?}");
            assert_eq!(expected.len(), 3 * count(size));
        }
    }
}
