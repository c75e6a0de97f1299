//! The region about the tumour's ear as the network sees it.
use crate::measure::{HeadAxes, porus_plane};
use crate::predict::prepare;
use crate::volume::{LabelMap, Side, Structure, Volume, sample_linear};
use glam::{DAffine3, DMat3, DVec3};

/// Depth (superior), height (anterior), width (medial) of the region in voxels.
pub const CROP_SIZE: [usize; 3] = [24, 32, 40];
/// Edge of its voxels, mm.
pub const CROP_SPACING_MM: f64 = 1.5;
/// Channels: how much of a voxel is tumour, brainstem, cerebellum, fourth ventricle; then the scan's intensity.
pub const CROP_CHANNELS: usize = STRUCTURES.len() + 1;

const STRUCTURES: [Structure; 4] = [
    Structure::VestibularSchwannoma,
    Structure::Brainstem,
    Structure::Cerebellum,
    Structure::FourthVentricle,
];
/// Middle of the first voxel from the porus, mm towards medial, anterior, superior. The region reaches from the fundus beyond the midline, which lies about 25 mm medial.
const FIRST_MM: [f64; 3] = [-9.0, -28.0, -17.25];
/// Points within a voxel along each axis that tell how much of it a structure fills.
const POINTS: usize = 3;
/// Quantiles of the region to which intensities are limited.
const CLIP: [f64; 2] = [0.005, 0.995];

/// The region about the porus on a side, along the patient's axes and mirrored so that medial is always the same way: channels, depth, height, width (`i` of the memory is medial). `None` where the labels do
/// not tell where that porus is, or lie on another grid.
pub fn koos_crop(scan: &Volume, labels: &LabelMap, side: Side) -> Option<Vec<f32>> {
    let axes = HeadAxes::of(labels)?;
    let porus = DVec3::from_array(porus_plane(&axes, side)?.point_ras_mm);
    if !labels.grid().matches(scan.grid(), 0.1) {
        return None;
    }
    let medial = match side {
        Side::Left => axes.right,
        Side::Right => -axes.right,
    };
    let directions = DMat3::from_cols(medial, axes.anterior, axes.superior);
    let first = porus + directions * DVec3::from_array(FIRST_MM);
    let world_from_crop = DAffine3::from_mat3_translation(directions * CROP_SPACING_MM, first);
    let voxel_from_crop = labels.grid().voxel_from_world() * world_from_crop;
    let mut out = filled(labels, voxel_from_crop);
    out.extend(intensities(scan, voxel_from_crop));
    Some(out)
}

/// Middles of the voxels of the region, in its own voxels.
fn middles() -> impl Iterator<Item = DVec3> {
    let [depth, height, width] = CROP_SIZE;
    (0..depth).flat_map(move |k| {
        (0..height)
            .flat_map(move |j| (0..width).map(move |i| DVec3::new(i as f64, j as f64, k as f64)))
    })
}

/// Points about the middle of a voxel, in voxels.
fn within(points: usize) -> impl Iterator<Item = DVec3> + Clone {
    let at = move |n: usize| (n as f64 + 0.5) / points as f64 - 0.5;
    (0..points.pow(3)).map(move |n| {
        let (i, j, k) = (n % points, n / points % points, n / points.pow(2));
        DVec3::new(at(i), at(j), at(k))
    })
}

/// How much of each voxel each structure fills.
fn filled(labels: &LabelMap, voxel_from_crop: DAffine3) -> Vec<f32> {
    let voxels: usize = CROP_SIZE.iter().product();
    let mut channel = [None; 256];
    for (n, structure) in STRUCTURES.into_iter().enumerate() {
        if let Some(value) = labels.table().value(structure) {
            channel[usize::from(value)] = Some(n);
        }
    }
    let share = 1.0 / POINTS.pow(3) as f32;
    let (grid, data) = (labels.grid(), labels.labels());
    let shape = grid.shape().map(|n| n as f64);
    let mut out = vec![0.0; STRUCTURES.len() * voxels];
    for (n, middle) in middles().enumerate() {
        for offset in within(POINTS) {
            let at = voxel_from_crop.transform_point3(middle + offset).to_array();
            let nearest = at.map(|x| (x + 0.5).floor());
            if (0..3).all(|a| nearest[a] >= 0.0 && nearest[a] < shape[a]) {
                let label = data[grid.index(nearest.map(|x| x as usize))];
                if let Some(channel) = channel[usize::from(label)] {
                    out[channel * voxels + n] += share;
                }
            }
        }
    }
    out
}

/// Mean intensity of each voxel, limited and standardised over the region; what lies outside the scan has the mean of the rest.
fn intensities(scan: &Volume, voxel_from_crop: DAffine3) -> Vec<f32> {
    let (data, grid) = (scan.to_f32(), scan.grid());
    let mut out: Vec<f32> = middles()
        .map(|middle| {
            let points = within(2).map(|o| voxel_from_crop.transform_point3(middle + o));
            let seen = points.filter_map(|p| sample_linear(&data, grid, p));
            let (sum, count) = seen
                .filter(|v| v.is_finite())
                .fold((0.0, 0.0_f32), |(s, n), v| (s + v, n + 1.0));
            sum / count
        })
        .collect();
    let known = out.iter().filter(|v| v.is_finite());
    let (sum, count) = known.fold((0.0_f64, 0.0), |(s, n), v| (s + f64::from(*v), n + 1.0));
    let mean = if count > 0.0 {
        (sum / count) as f32
    } else {
        0.0
    };
    out.iter_mut()
        .filter(|v| !v.is_finite())
        .for_each(|v| *v = mean);
    prepare(&mut out, CLIP);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, LabelTable, Voxels};

    /// Two cochleae 69.6 mm apart; on the side of `sign` a tumour about a place 10 mm medial, 5 mm behind and 3 mm above the porus, brighter than what surrounds it.
    fn head(sign: f64) -> (Volume, LabelMap) {
        let grid = Grid::axis_aligned(
            [110, 100, 60],
            [0.9, 0.8, 1.1],
            DVec3::new(-49.0, -45.0, -32.0),
        )
        .unwrap();
        let table = LabelTable::default();
        let value = |s| table.value(s).unwrap();
        let porus = DVec3::new(34.8 - 10.8, -5.1, 2.7);
        let labels: Vec<u8> = (0..grid.len())
            .map(|n| {
                let p = grid.point_in_world(grid.voxel(n));
                let q = DVec3::new(p.x * sign, p.y, p.z);
                let middle = porus + DVec3::new(-10.0, -5.0, 3.0);
                if q.distance(middle) < 6.0 {
                    value(Structure::VestibularSchwannoma)
                } else if [34.8, -34.8]
                    .iter()
                    .any(|x| q.distance(DVec3::new(*x, 0.0, 0.0)) < 3.0)
                {
                    value(Structure::Cochlea)
                } else {
                    0
                }
            })
            .collect();
        let bright = labels
            .iter()
            .map(|l| 100.0 + 50.0 * f32::from(*l % 2))
            .collect();
        let scan = Volume::new(grid, Voxels::F32(bright), 1.0, 0.0).unwrap();
        (
            scan,
            LabelMap::new(grid, labels, LabelTable::default()).unwrap(),
        )
    }

    #[test]
    fn a_tumour_lies_where_it_lies_from_its_porus_on_either_side() {
        for (sign, side) in [(-1.0, Side::Left), (1.0, Side::Right)] {
            let (scan, labels) = head(sign);
            let crop = koos_crop(&scan, &labels, side).unwrap();
            let voxels: usize = CROP_SIZE.iter().product();
            assert_eq!(crop.len(), CROP_CHANNELS * voxels);
            let tumour = &crop[..voxels];
            let volume =
                tumour.iter().map(|v| f64::from(*v)).sum::<f64>() * CROP_SPACING_MM.powi(3);
            let expected = 4.0 / 3.0 * std::f64::consts::PI * 216.0;
            assert!((volume / expected - 1.0).abs() < 0.05, "{volume}");
            let centre = middles()
                .zip(tumour)
                .fold(DVec3::ZERO, |sum, (p, v)| sum + p * f64::from(*v))
                / tumour.iter().map(|v| f64::from(*v)).sum::<f64>();
            let from_porus = centre * CROP_SPACING_MM + DVec3::from_array(FIRST_MM);
            let apart = from_porus.distance(DVec3::new(10.0, -5.0, 3.0));
            assert!(apart < 0.8, "{from_porus}");
            // Where the tumour is, the scan is bright.
            let image = &crop[(CROP_CHANNELS - 1) * voxels..];
            let inside = tumour.iter().zip(image).filter(|(t, _)| **t > 0.99);
            assert!(inside.clone().count() > 100);
            assert!(inside.clone().all(|(_, v)| *v > 1.0));
        }
        let (scan, labels) = head(1.0);
        let other = labels.grid().cropped([1, 0, 0], [100, 100, 60]).unwrap();
        let elsewhere = LabelMap::new(other, vec![1; other.len()], LabelTable::default()).unwrap();
        assert!(koos_crop(&scan, &elsewhere, Side::Left).is_none());
    }
}
