//! From a scan's voxels to what the network sees: order of axes, crop, intensities, size.
use super::array::{
    Bounds, Size, bounds_of, count, cropped, fill_holes, inverse, mirror, size_of, transposed,
};
use super::folder::NnUnet;
use super::normalise::normalise;
use super::plans::{Configuration, Resampling, Scheme};
use super::resample::{resampled, resampled_labels};
use crate::predict::{Error, memory};
use crate::volume::{Grid, Volume};

/// What a scan becomes, and what undoes it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) layout: Layout,
    /// The network's channels, one behind the other.
    pub(super) data: Vec<f32>,
    /// Voxels of a channel.
    pub(super) size: Size,
    /// Voxels of the scan in the network's order of axes, the part of it that is looked at, and spacings there and in the network's array.
    pub(super) whole: Size,
    pub(super) bounds: Bounds,
    pub(super) spacing_mm: [f64; 3],
    pub(super) network_spacing_mm: [f64; 3],
}

/// How the network's array lies in the file's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Axis of the file's array (slowest first) for each of the network's.
    order: [usize; 3],
    /// Network's axes that run against the file's.
    mirrored: [bool; 3],
    /// Voxels of the file's array.
    stored: Size,
}

impl Layout {
    fn new(model: &NnUnet, grid: &Grid) -> Self {
        let [ni, nj, nk] = grid.shape();
        let (mut order, mut mirrored) = ([0, 1, 2], [false; 3]);
        if model.reoriented {
            // Superior, anterior, right: slowest first.
            let ras = grid.closest_ras();
            let axes = [2, 1, 0].map(|world| ras.voxel_axis(world));
            order = axes.map(|voxel_axis| 2 - voxel_axis);
            mirrored = axes.map(|voxel_axis| ras.flipped[voxel_axis]);
        }
        Self {
            order: model.transpose.map(|axis| order[axis]),
            mirrored: model.transpose.map(|axis| mirrored[axis]),
            stored: [nk, nj, ni],
        }
    }

    fn apply<T: Copy + Send + Sync + Default>(&self, data: &[T]) -> (Vec<T>, Size) {
        let (mut array, size) = transposed(data, self.stored, self.order);
        mirror(&mut array, size, self.mirrored);
        (array, size)
    }

    /// From the network's order of voxels back to the file's.
    pub(super) fn undo<T: Copy + Send + Sync + Default>(&self, mut data: Vec<T>) -> Vec<T> {
        let size = self.order.map(|axis| self.stored[axis]);
        mirror(&mut data, size, self.mirrored);
        transposed(&data, size, inverse(self.order)).0
    }

    /// Spacing along the network's axes as nnU-Net's readers find it in the file: in single precision.
    fn spacing_mm(&self, grid: &Grid) -> [f64; 3] {
        let [i, j, k] = grid.spacing_mm().map(|mm| f64::from(mm as f32));
        self.order.map(|axis| [k, j, i][axis])
    }
}

/// Rounded half to even, as Python does.
fn new_size(size: Size, from_mm: [f64; 3], to_mm: [f64; 3]) -> Size {
    std::array::from_fn(|a| (from_mm[a] / to_mm[a] * size[a] as f64).round_ties_even() as usize)
}

/// Voxels of the network's array along its axes for a whole scan on this grid, of which nothing is cropped.
pub(super) fn whole_size(model: &NnUnet, grid: &Grid) -> Size {
    let layout = Layout::new(model, grid);
    let size = layout.order.map(|axis| layout.stored[axis]);
    if model.configuration.data == Resampling::Identity {
        return size;
    }
    let spacing_mm = layout.spacing_mm(grid);
    let network_mm = network_spacing(&model.configuration, spacing_mm);
    new_size(size, spacing_mm, network_mm)
}

/// Prepares the channels of a case. `None` when there is nothing but zeros.
pub(super) fn prepared(
    model: &NnUnet,
    channels: &[&Volume],
    previous: Option<&[u8]>,
) -> Result<Option<Prepared>, Error> {
    let configuration = &model.configuration;
    let Some(first) = channels.first() else {
        return Ok(None);
    };
    let layout = Layout::new(model, first.grid());
    let spacing_mm = layout.spacing_mm(first.grid());
    let mut whole = layout.stored;
    let mut arrays = Vec::with_capacity(channels.len());
    for volume in channels {
        let (array, size) = layout.apply(&volume.to_f32());
        arrays.push(array);
        whole = size;
    }
    let mut mask = vec![false; count(whole)];
    for array in &arrays {
        mask.iter_mut()
            .zip(array)
            .for_each(|(m, v)| *m |= *v != 0.0);
    }
    let Some(bounds) = bounds_of(&mask, whole) else {
        return Ok(None);
    };
    let masked = |s: &Scheme| matches!(s, Scheme::ZScore { masked: true });
    let needs_mask = previous.is_some() || configuration.schemes.iter().any(masked);
    let inside = needs_mask.then(|| {
        fill_holes(&mut mask, whole);
        cropped(&mask, whole, bounds)
    });
    drop(mask);
    let size = size_of(bounds);
    let network_spacing_mm = network_spacing(configuration, spacing_mm);
    let to = new_size(size, spacing_mm, network_spacing_mm);
    if to.contains(&0)
        || to
            .iter()
            .try_fold(1_usize, |n, d| n.checked_mul(*d))
            .is_none_or(|n| n > 1 << 31)
    {
        let extent: [f64; 3] = std::array::from_fn(|a| size[a] as f64 * spacing_mm[a]);
        return Err(Error::TooLarge(extent[0], extent[1], extent[2]));
    }
    // Between two axes an array has the new length along some and the old one along others.
    let between = (0..3).map(|a| size[a].max(to[a]) as u64);
    let between = between.fold(1, u64::saturating_mul);
    memory::check(between.saturating_mul(16))?;
    let row = gapless(size, whole, layout.order);
    let mut data = Vec::with_capacity(count(to) * configuration.network.in_channels);
    for (array, scheme) in arrays.into_iter().zip(&configuration.schemes) {
        let mut channel = cropped(&array, whole, bounds);
        drop(array);
        normalise(&mut channel, *scheme, inside.as_deref(), row).map_err(Error::Scan)?;
        if !channel.iter().all(|v| v.is_finite()) {
            return Err(Error::Scan("has voxels that are not finite numbers"));
        }
        let spacings = [spacing_mm, network_spacing_mm];
        data.extend(resampled(&channel, size, to, configuration.data, spacings));
    }
    if let Some(labels) = previous {
        let (labels, _) = layout.apply(labels);
        let mut labels = cropped(&labels, whole, bounds);
        // Outside the object nnU-Net's label is -1, which stands against background when sizes change.
        if let Some(inside) = &inside {
            let outside = labels
                .iter_mut()
                .zip(inside)
                .filter(|(l, i)| **l == 0 && !**i);
            outside.for_each(|(l, _)| *l = u8::MAX);
        }
        let (how, spacings) = (configuration.labels, [spacing_mm, network_spacing_mm]);
        let labels = resampled_labels(&labels, size, to, how, spacings);
        for value in &model.dataset.foreground {
            data.extend(labels.iter().map(|l| f32::from(u8::from(l == value))));
        }
    }
    Ok(Some(Prepared {
        layout,
        data,
        size: if configuration.data == Resampling::Identity {
            size
        } else {
            to
        },
        whole,
        bounds,
        spacing_mm,
        network_spacing_mm,
    }))
}

/// The spacing of the network's array; a flat configuration keeps the distance of slices.
fn network_spacing(configuration: &Configuration, spacing_mm: [f64; 3]) -> [f64; 3] {
    match configuration.spacing[..] {
        [a, b, c] => [a, b, c],
        [b, c] => [spacing_mm[0], b, c],
        _ => spacing_mm,
    }
}

/// How many values of the part that is looked at lie without gaps in the file's order; `0` for all of them. `NumPy` adds these up together.
fn gapless(size: Size, whole: Size, order: [usize; 3]) -> usize {
    if order != [0, 1, 2] {
        // The file's order is another; only a part without gaps at all is the same in both.
        return if size == whole { 0 } else { size[2] };
    }
    if size[2] < whole[2] {
        size[2]
    } else if size[1] < whole[1] {
        size[1] * size[2]
    } else {
        0
    }
}
