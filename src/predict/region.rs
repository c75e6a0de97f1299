//! Two stages: the localiser finds the ears, the segmenter outlines what is about each.
use super::Error;
use super::grid::WorkingGrid;
use super::interval::{Piece, pieces, spread};
use super::probabilities::{Gathered, Probabilities};
use super::segmenter::{
    CERTAIN, Clock, Early, How, Own, SegmentOptions, coarse, report, run, unreadable,
};
use crate::measure::{TELLING_SLICE_MM, too_coarse};
use crate::volume::{
    Grid, LabelMap, LabelTable, Observe, Progress, Shape, Side, Structure, Volume, components,
};
use glam::DVec3;

/// Probability from which a voxel of the localiser belongs to an ear.
const LIKELY: f32 = 0.5;
/// Smallest find of the localiser that is an ear, mm³: it learns balls of 2100 mm³, which a scan's border may cut.
const SMALLEST_FIND_MM3: f64 = 400.0;
/// Distance of the pori of one head, mm; in adults about 50.
const PORI_APART_MM: std::ops::Range<f64> = 30.0..85.0;
/// Where the other porus is looked for when one was found, mm across.
const OPPOSITE_MM: f64 = 50.0;
/// From the porus to the middle of its region, mm towards the midline, as in training.
const MEDIAL_MM: f64 = 6.0;
/// Distance of neighbouring regions where no ear was found, as a part of a region.
const SEARCH_STEP: f64 = 0.75;
/// Smaller tumours are not shown before both ears are done, mm³: false ones are small.
const SPECK_MM3: f64 = 60.0;
/// How often a region grows that cuts through a tumour.
const MOST_GROWTHS: usize = 2;

/// The largest that a region can become, mm³: grown on both sides of every axis.
pub(super) const LARGEST_MM3: f64 = 144.0 * 144.0 * 144.0;

/// A box of the scan's voxels: the first, and one beyond the last.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Region {
    low: Shape,
    high: Shape,
}

impl Region {
    /// The box of `extent_mm` (right, anterior, superior) about a point, moved into the scan where it reaches beyond it.
    fn about(grid: &Grid, centre_in_world: DVec3, extent_mm: [f64; 3]) -> Self {
        let centre = grid
            .voxel_from_world()
            .transform_point3(centre_in_world)
            .to_array();
        let (ras, spacing, shape) = (grid.closest_ras(), grid.spacing_mm(), grid.shape());
        let mut region = Self {
            low: [0; 3],
            high: shape,
        };
        for (w, mm) in extent_mm.into_iter().enumerate() {
            let a = ras.voxel_axis(w);
            let count = ((mm / spacing[a] + 1e-6) as usize).clamp(1, shape[a]);
            let low = (centre[a] - (count as f64 - 1.0) / 2.0).round();
            region.low[a] = (low.max(0.0) as usize).min(shape[a] - count);
            region.high[a] = region.low[a] + count;
        }
        region
    }

    /// Boxes that cover the scan.
    fn everywhere(grid: &Grid, extent_mm: [f64; 3]) -> Vec<Self> {
        let (ras, spacing, shape) = (grid.closest_ras(), grid.spacing_mm(), grid.shape());
        let mut regions = vec![Self {
            low: [0; 3],
            high: shape,
        }];
        for (w, mm) in extent_mm.into_iter().enumerate() {
            let a = ras.voxel_axis(w);
            let count = ((mm / spacing[a]) as usize).clamp(1, shape[a]);
            let free = shape[a] - count;
            let steps = (free as f64 / (count as f64 * SEARCH_STEP)).ceil() as usize;
            regions = (0..=steps)
                .flat_map(|n| regions.iter().map(move |r| (n, *r)))
                .map(|(n, mut r)| {
                    r.low[a] = free * n / steps.max(1);
                    r.high[a] = r.low[a] + count;
                    r
                })
                .collect();
        }
        regions
    }

    fn contains(&self, voxel: Shape) -> bool {
        (0..3).all(|a| (self.low[a]..self.high[a]).contains(&voxel[a]))
    }

    fn overlaps(&self, other: &Self) -> bool {
        (0..3).all(|a| self.low[a] < other.high[a] && other.low[a] < self.high[a])
    }

    /// Twice the squared distance of a voxel to the middle, mm².
    fn apart(&self, voxel: Shape, spacing: [f64; 3]) -> f64 {
        let along = |a: usize| {
            let middle = (self.low[a] + self.high[a] - 1) as f64;
            ((2.0 * voxel[a] as f64 - middle) * spacing[a]).powi(2)
        };
        along(0) + along(1) + along(2)
    }

    /// The region with more of the scan wherever a tumour in `labels`, those of the region, reaches its border; `None` where none does.
    fn grown(&self, labels: &LabelMap, grid: &Grid, by_mm: f64) -> Option<Self> {
        let bounds = labels.bounds(Structure::VestibularSchwannoma)?;
        let mut grown = *self;
        for a in 0..3 {
            let by = (by_mm / grid.spacing_mm()[a]).ceil() as usize;
            if bounds[a][0] == 0 {
                grown.low[a] = self.low[a].saturating_sub(by);
            }
            if self.low[a] + bounds[a][1] + 1 == self.high[a] {
                grown.high[a] = (self.high[a] + by).min(grid.shape()[a]);
            }
        }
        (grown != *self).then_some(grown)
    }
}

/// What was found about the ears.
pub(super) struct Found {
    pub(super) labels: LabelMap,
    pub(super) tumour_interval95_mm3: Option<[f64; 2]>,
    /// Why nothing is told of a tumour, whatever was seen; `None` where it is.
    pub(super) tumour_withheld: Option<String>,
    pub(super) probabilities: Option<Probabilities>,
    pub(super) warnings: Vec<String>,
}

/// The place across from a porus, where the scan holds it.
fn opposite(porus: Option<DVec3>, right_mm: f64, grid: &Grid) -> Option<DVec3> {
    let place = porus? + DVec3::X * right_mm;
    grid.nearest_voxel(place).map(|_| place)
}

/// What is looked at where these pori, left and right, were found: about each, opposite to a single one, or everywhere.
fn regions_about(
    found: [Option<DVec3>; 2],
    grid: &Grid,
    extent_mm: [f64; 3],
    warnings: &mut Vec<String>,
) -> Vec<Region> {
    let [left, right] = found;
    let places = [
        left.or(opposite(right, -OPPOSITE_MM, grid)),
        right.or(opposite(left, OPPOSITE_MM, grid)),
    ];
    let mut regions: Vec<Region> = [MEDIAL_MM, -MEDIAL_MM]
        .into_iter()
        .zip(places)
        .filter_map(|(medial, porus)| {
            Some(Region::about(grid, porus? + DVec3::X * medial, extent_mm))
        })
        .collect();
    match (found, regions.is_empty()) {
        (_, true) => {
            warnings.push(
                "no inner ear was found at first sight: the whole scan was searched".to_owned(),
            );
            regions = Region::everywhere(grid, extent_mm);
        }
        ([Some(_), Some(_)], _) => {}
        ([left, _], _) => {
            let (known, other) = match left {
                None => (Side::Right, Side::Left),
                Some(_) => (Side::Left, Side::Right),
            };
            let looked = if regions.len() > 1 {
                "was looked for opposite to it"
            } else {
                "was not looked at, for the scan does not reach it"
            };
            warnings.push(format!(
                "only the {} inner ear was found: the {} {looked}",
                known.name(),
                other.name()
            ));
        }
    }
    regions
}

/// Labels what is about the ears; where the localiser finds none, everything is searched.
pub(super) fn segment_about_ears(
    scan: &Volume,
    own: &Own,
    localiser: &Own,
    how: How<'_>,
    mut early: Option<&mut Early<'_>>,
    clock: &mut Clock,
    observe: &mut Observe<'_>,
) -> Result<Found, Error> {
    let grid = scan.grid();
    let mut warnings = vec![own.origin()];
    let found = match find_ears(scan, localiser, how, observe)? {
        Ok(found) => found,
        Err(why) => {
            warnings.push(why.clone());
            return Ok(Found {
                labels: pasted(&[], &[], grid)?,
                tumour_interval95_mm3: None,
                tumour_withheld: Some(why),
                probabilities: None,
                warnings,
            });
        }
    };
    clock.stop("localise");
    let pori: Vec<DVec3> = found.iter().flatten().copied().collect();
    let extent_mm: [f64; 3] =
        std::array::from_fn(|a| own.plan.patch[a] as f64 * own.plan.spacing_mm[a]);
    let mut regions = regions_about(found, grid, extent_mm, &mut warnings);
    let count = regions.len();
    // Pasted once all have grown: growth moves a region's middle, and with it what neighbours leave to each other.
    let mut parts = Vec::with_capacity(count);
    let mut seen = Vec::with_capacity(count);
    let mut gathered = Gathered::new(*grid);
    for n in 0..count {
        let mut part = |p: Progress| {
            observe(Progress {
                stage: "segmenting",
                fraction: (n as f32 + p.fraction) / count as f32,
            })
        };
        let mut labelled = label(scan, &regions[n], own, how, &mut part)?;
        for _ in 0..MOST_GROWTHS {
            let labels = &labelled.labels;
            let Some(larger) = regions[n].grown(labels, grid, extent_mm[0] / 2.0) else {
                break;
            };
            regions[n] = larger;
            labelled = label(scan, &larger, own, how, &mut part)?;
        }
        seen.push(labelled.pieces);
        let part = labelled.labels.grid();
        for (structure, probabilities) in labelled.probabilities {
            gathered.add(structure, regions[n].low, (part, probabilities));
        }
        parts.push(labelled.labels);
        if n + 1 < count
            && n == 0
            && let Some(early) = early.take()
        {
            let first = pasted(&parts, &regions, grid)?;
            let (first, _) = own.plan.post_processing.apply(&first, &pori)?;
            if early(without_speck(first)?).is_break() {
                return Err(Error::Cancelled);
            }
        }
    }
    clock.stop("network");
    report(observe, "cleaning", 0.0)?;
    let before = pasted(&parts, &regions, grid)?;
    drop(parts);
    let (labels, more) = own.plan.post_processing.apply(&before, &pori)?;
    clock.stop("clean");
    warnings.extend(more);
    let mut found = Found {
        probabilities: None,
        tumour_interval95_mm3: interval(&labels, &seen),
        tumour_withheld: unseen(&labels, &pori),
        labels,
        warnings,
    };
    found.warnings.extend(coarse(grid));
    if is_too_thick(grid) {
        drop_tumour(&mut found)?;
    }
    found.probabilities = Some(gathered.finish(before.labels(), &found.labels));
    clock.stop("probabilities");
    Ok(found)
}

/// Why nothing is told of a tumour where neither one nor an ear was found: the scan may not hold the place where it would be.
fn unseen(labels: &LabelMap, pori: &[DVec3]) -> Option<String> {
    let shown = [Structure::VestibularSchwannoma, Structure::Cochlea];
    let nothing = pori.is_empty() && shown.into_iter().all(|s| labels.count(s) == 0);
    nothing.then(|| {
        "no inner ear was found, and without one the model cannot tell whether there is a tumour"
            .to_owned()
    })
}

/// Whether a scan's slices are thicker than those that the model was trained on.
fn is_too_thick(grid: &Grid) -> bool {
    too_coarse(grid).is_some()
}

/// Takes back a tumour in slices thicker than those that the model was trained on, where partial volumes look like one: two real heads with
/// slices of 6.5 mm and no schwannoma got one, and a synthetic one with slices of 5 mm, of which the model was sure.
fn drop_tumour(found: &mut Found) -> Result<(), Error> {
    let labels = &found.labels;
    found.tumour_withheld = too_coarse(labels.grid());
    let tumour = labels.mask(Structure::VestibularSchwannoma);
    let voxels = tumour.iter().filter(|t| **t).count();
    if voxels == 0 {
        return Ok(());
    }
    let mm3 = voxels as f64 * labels.grid().voxel_volume_mm3();
    found.warnings.push(format!(
        "something like a tumour of {mm3:.0} mm³ was not outlined: in slices of more than {TELLING_SLICE_MM} mm the model cannot be relied on"
    ));
    found.labels = without_tumour(labels)?;
    found.tumour_interval95_mm3 = None;
    Ok(())
}

/// First labels without a tumour that the other ear may yet take back: of two ears the larger find is the tumour.
fn without_speck(labels: LabelMap) -> Result<LabelMap, Error> {
    let voxels = labels.count(Structure::VestibularSchwannoma);
    if voxels as f64 * labels.grid().voxel_volume_mm3() >= SPECK_MM3 {
        return Ok(labels);
    }
    without_tumour(&labels)
}

fn without_tumour(labels: &LabelMap) -> Result<LabelMap, Error> {
    let tumour = labels.mask(Structure::VestibularSchwannoma);
    let values = labels.labels().iter().zip(&tumour);
    let values = values.map(|(&v, &is)| if is { 0 } else { v }).collect();
    Ok(LabelMap::new(
        *labels.grid(),
        values,
        labels.table().clone(),
    )?)
}

/// The interval of the tumour's volume, from the spread of what was kept of it, in the region that saw most of that.
fn interval(labels: &LabelMap, seen: &[Vec<Piece>]) -> Option<[f64; 2]> {
    let tumour = labels.mask(Structure::VestibularSchwannoma);
    let kept = |place: usize| tumour.get(place) == Some(&true);
    let spreads = seen.iter().filter_map(|pieces| spread(pieces, kept));
    let (_, found) = spreads.max_by_key(|(voxels, _)| *voxels)?;
    let voxels = tumour.iter().filter(|is| **is).count();
    let mm3 = voxels as f64 * labels.grid().voxel_volume_mm3();
    Some([mm3 * found.low, mm3 * found.high])
}

/// What a network says of a region, on the scan's voxels in it.
struct Labelled {
    labels: LabelMap,
    /// Of the tumour, where the model is calibrated.
    pieces: Vec<Piece>,
    probabilities: Vec<(Structure, Vec<f32>)>,
}

fn label(
    scan: &Volume,
    region: &Region,
    own: &Own,
    how: How<'_>,
    observe: &mut Observe<'_>,
) -> Result<Labelled, Error> {
    let shape = std::array::from_fn(|a| region.high[a] - region.low[a]);
    let part = scan.cropped(region.low, shape)?;
    let grid = WorkingGrid::new(part.grid(), own.plan.spacing_mm)?;
    let [low] = part.quantiles([0.005]);
    let intensities = grid.resample(&part, low as f32);
    let scores = run(&grid, &intensities, own, how, None, observe)?;
    let [nr, na, _] = grid.shape;
    let place = |index: usize| {
        let at = [index % nr, index / nr % na, index / (nr * na)].map(|n| n as f64);
        let point = grid.point_in_world(DVec3::from_array(at));
        Some(scan.grid().index(scan.grid().nearest_voxel(point)?))
    };
    let calibrated = own.tumour_channel().zip(own.plan.calibration);
    let pieces = calibrated.map_or_else(Vec::new, |(channel, c)| {
        let voxels = intensities.len();
        let p = &scores[channel * voxels..][..voxels];
        pieces(p, grid.shape, [c.tumour_level, c.interval_level], place)
    });
    let table = LabelTable::default();
    let voxels = intensities.len();
    let channels = own.labels.iter().zip(scores.chunks_exact(voxels));
    let probabilities = channels
        .filter_map(|(label, p)| Some((table.structure(*label)?, grid.restore_channel(p))))
        .collect();
    Ok(Labelled {
        labels: grid.restore(&scores, &own.decision(CERTAIN))?,
        pieces,
        probabilities,
    })
}

/// The scan's labels from those of regions, which are told in the same order; beyond them is background.
fn pasted(parts: &[LabelMap], regions: &[Region], grid: &Grid) -> Result<LabelMap, Error> {
    let mut values = vec![0; grid.len()];
    for (n, labels) in parts.iter().enumerate() {
        paste(labels, n, regions, grid, &mut values);
    }
    Ok(LabelMap::new(*grid, values, LabelTable::default())?)
}

/// Writes a region's labels into those of the scan. Where regions overlap the nearest middle decides, but no tumour is lost.
fn paste(labels: &LabelMap, number: usize, regions: &[Region], grid: &Grid, values: &mut [u8]) {
    let region = &regions[number];
    let tumour = labels.table().value(Structure::VestibularSchwannoma);
    let others: Vec<&Region> = regions
        .iter()
        .enumerate()
        .filter(|(n, r)| *n != number && r.overlaps(region))
        .map(|(_, r)| r)
        .collect();
    let spacing = grid.spacing_mm();
    for (index, &value) in labels.labels().iter().enumerate() {
        let inside = labels.grid().voxel(index);
        let voxel: Shape = std::array::from_fn(|a| inside[a] + region.low[a]);
        let to = &mut values[grid.index(voxel)];
        let own = region.apart(voxel, spacing);
        let nearer = others
            .iter()
            .any(|o| o.contains(voxel) && o.apart(voxel, spacing) < own);
        let is_tumour = Some(value) == tumour;
        if is_tumour || (!nearer && Some(*to) != tumour) {
            *to = value;
        }
    }
}

/// The left and the right porus, RAS mm; or why the scan shows nothing.
fn find_ears(
    scan: &Volume,
    localiser: &Own,
    how: How<'_>,
    observe: &mut Observe<'_>,
) -> Result<Result<[Option<DVec3>; 2], String>, Error> {
    report(observe, "finding the ears", 0.0)?;
    let grid = WorkingGrid::new(scan.grid(), localiser.plan.spacing_mm)?;
    let [low] = scan.quantiles([0.005]);
    let intensities = grid.resample(scan, low as f32);
    if let Some(why) = unreadable(&grid, &intensities) {
        return Ok(Err(why));
    }
    let mut watch = |p: Progress| {
        observe(Progress {
            stage: "finding the ears",
            ..p
        })
    };
    // Its classes are sides, which a mirror exchanges: averaging them would find neither ear.
    let plain = SegmentOptions {
        mirror: false,
        ..*how.0
    };
    let how = (&plain, how.1);
    let scores = run(&grid, &intensities, localiser, how, None, &mut watch)?;
    let voxels = intensities.len();
    let mut finds = [1, 2].map(|class| {
        let p = &scores[class * voxels..][..voxels];
        centre(p, &grid, localiser.plan.spacing_mm)
    });
    if let [Some((left, a)), Some((right, b))] = finds {
        // Two that cannot be the ears of one head: the surer one remains.
        let apart = right - left;
        if !(PORI_APART_MM.contains(&apart.length()) && apart.x > 0.5 * apart.length()) {
            finds[usize::from(a > b)] = None;
        }
    }
    Ok(Ok(finds.map(|f| f.map(|(point, _)| point))))
}

/// Middle of the largest likely piece, RAS mm, and its volume, mm³.
fn centre(p: &[f32], grid: &WorkingGrid, spacing_mm: [f64; 3]) -> Option<(DVec3, f64)> {
    let mask: Vec<bool> = p.iter().map(|p| *p > LIKELY).collect();
    let found = components(&mask, grid.shape);
    let largest = (0..found.sizes.len()).max_by_key(|&n| found.sizes[n])?;
    let mm3 = found.sizes[largest] as f64 * spacing_mm.iter().product::<f64>();
    if mm3 < SMALLEST_FIND_MM3 {
        return None;
    }
    let mut sum = DVec3::ZERO;
    let [nr, na, _] = grid.shape;
    for (index, _) in found
        .component
        .iter()
        .enumerate()
        .filter(|(_, c)| **c as usize == largest + 1)
    {
        sum +=
            DVec3::from_array([index % nr, index / nr % na, index / (nr * na)].map(|n| n as f64));
    }
    Some((grid.point_in_world(sum / found.sizes[largest] as f64), mm3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid::axis_aligned(
            [200, 180, 60],
            [0.5, 0.5, 1.5],
            DVec3::new(-50.0, -45.0, -45.0),
        )
        .unwrap()
    }

    #[test]
    fn an_ear_that_was_not_found_is_looked_for_opposite_to_the_other_where_the_scan_reaches() {
        let porus = |x: f64| Some(DVec3::new(x, 0.0, 0.0));
        let regions = |found| {
            let mut warnings = Vec::new();
            let regions = regions_about(found, &grid(), [48.0; 3], &mut warnings);
            (regions, warnings.join(" "))
        };
        let both = regions([porus(-24.0), porus(24.0)]);
        assert!(both.1.is_empty() && both.0.len() == 2);
        for (found, side) in [
            ([porus(-26.0), None], "left"),
            ([None, porus(26.0)], "right"),
        ] {
            let (places, words) = regions(found);
            assert!(
                words.contains(&format!("only the {side} inner ear")),
                "{words}"
            );
            assert!(words.contains("opposite"), "{words}");
            // Two millimetres off, as the ears of a head are.
            let middles = places
                .iter()
                .map(|r| (r.low[0] + r.high[0]) as f64 / 4.0 - 50.0);
            let middles: Vec<f64> = middles.collect();
            assert!(
                (middles[0] + 18.0).abs() < 3.0 && (middles[1] - 18.0).abs() < 3.0,
                "{middles:?}"
            );
        }
        let (places, words) = regions([None, porus(-10.0)]);
        assert!(
            places.len() == 1 && words.contains("does not reach it"),
            "{words}"
        );
        let (places, words) = regions([None, None]);
        assert!(places.len() > 2 && words.contains("whole scan"), "{words}");
    }

    #[test]
    fn a_tumour_that_is_taken_back_leaves_the_rest_and_a_word() {
        let grid = Grid::axis_aligned([4, 1, 1], [1.0, 1.0, 6.0], DVec3::ZERO).unwrap();
        for (values, left) in [(vec![1, 1, 2, 0], 1), (vec![0, 3, 2, 0], 0)] {
            let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
            let mut found = Found {
                labels,
                tumour_interval95_mm3: None,
                tumour_withheld: None,
                probabilities: None,
                warnings: Vec::new(),
            };
            drop_tumour(&mut found).unwrap();
            // What was not seen in such slices is as open as what was taken back.
            assert!(found.tumour_withheld.unwrap().contains("more than 3 mm"));
            assert_eq!(found.labels.count(Structure::VestibularSchwannoma), 0);
            assert_eq!(found.labels.count(Structure::Cochlea), 1);
            assert_eq!(found.warnings.len(), left);
        }
    }

    #[test]
    fn where_no_ear_is_seen_nothing_is_told_of_a_tumour() {
        let grid = Grid::axis_aligned([3, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
        let labels =
            |values: [u8; 3]| LabelMap::new(grid, values.to_vec(), LabelTable::default()).unwrap();
        // A brainstem alone says nothing of the angles.
        let told = unseen(&labels([0, 3, 0]), &[]).unwrap();
        assert!(told.contains("no inner ear"), "{told}");
        for (values, pori) in [
            ([0, 3, 0], &[DVec3::ZERO][..]),
            ([0, 2, 0], &[]),
            ([1, 0, 0], &[]),
        ] {
            assert_eq!(unseen(&labels(values), pori), None, "{values:?}");
        }
    }

    #[test]
    fn slices_that_rounding_makes_a_hair_thicker_than_three_millimetres_keep_their_tumour() {
        // A nominal 3 mm in the float32 columns of an oblique affine.
        for (mm, thick) in [(3.0, false), (3.000_000_4, false), (3.3, true)] {
            let grid = Grid::axis_aligned([4, 4, 4], [0.5, 0.5, mm], DVec3::ZERO).unwrap();
            assert_eq!(is_too_thick(&grid), thick, "{mm}");
        }
    }

    #[test]
    fn an_interval_is_that_of_the_tumour_that_was_kept() {
        let grid = Grid::axis_aligned([10, 1, 1], [1.0, 1.0, 2.0], DVec3::ZERO).unwrap();
        // A small sure tumour, and a larger doubtful piece that anatomy took back.
        let p = [0.0, 0.9, 0.9, 0.0, 0.3, 0.6, 0.6, 0.6, 0.3, 0.0];
        let seen = [pieces(&p, grid.shape(), [0.5, 0.2], Some), Vec::new()];
        let labels = |places: &[usize]| {
            let mut values = vec![0; 10];
            for n in places {
                values[*n] = 1;
            }
            LabelMap::new(grid, values, LabelTable::default()).unwrap()
        };
        assert_eq!(interval(&labels(&[1, 2]), &seen), Some([4.0, 4.0]));
        assert_eq!(interval(&labels(&[5, 6, 7]), &seen), Some([0.0, 10.0]));
        assert_eq!(interval(&labels(&[]), &seen), None);
    }

    #[test]
    fn a_region_has_its_extent_and_stays_in_the_scan() {
        let grid = grid();
        let middle = Region::about(&grid, DVec3::ZERO, [48.0; 3]);
        assert_eq!(middle.low, [53, 43, 15]);
        assert_eq!(middle.high, [149, 139, 47]);
        let edge = Region::about(&grid, DVec3::new(-60.0, 0.0, 44.0), [48.0; 3]);
        assert_eq!((edge.low[0], edge.high[0]), (0, 96));
        assert_eq!((edge.low[2], edge.high[2]), (28, 60));
    }

    #[test]
    fn regions_everywhere_cover_every_voxel() {
        let grid = grid();
        let regions = Region::everywhere(&grid, [48.0; 3]);
        for n in 0..grid.len() {
            let voxel = grid.voxel(n);
            assert!(regions.iter().any(|r| r.contains(voxel)), "{voxel:?}");
        }
    }

    #[test]
    fn a_region_grows_only_where_a_tumour_is_cut() {
        let grid = grid();
        let region = Region {
            low: [50, 40, 0],
            high: [146, 136, 32],
        };
        let part = Grid::axis_aligned([96, 96, 32], [0.5, 0.5, 1.5], DVec3::ZERO).unwrap();
        let mut values = vec![0; part.len()];
        values[part.index([95, 40, 0])] = 1;
        let labels = LabelMap::new(part, values, LabelTable::default()).unwrap();
        let grown = region.grown(&labels, &grid, 24.0).unwrap();
        // Below lies the scan's own border.
        assert_eq!((grown.low, grown.high), ([50, 40, 0], [194, 136, 32]));
        let empty = LabelMap::new(part, vec![0; part.len()], LabelTable::default()).unwrap();
        assert!(region.grown(&empty, &grid, 24.0).is_none());
    }

    #[test]
    fn where_regions_overlap_the_nearer_decides_but_no_tumour_is_lost() {
        let grid = Grid::axis_aligned([8, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
        let part = Grid::axis_aligned([6, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
        let regions = [0, 2].map(|low| Region {
            low: [low, 0, 0],
            high: [low + 6, 1, 1],
        });
        let mut values = vec![0; 8];
        for (n, labels) in [[3, 3, 3, 3, 3, 1], [4, 4, 4, 4, 4, 4]].iter().enumerate() {
            let labels = LabelMap::new(part, labels.to_vec(), LabelTable::default()).unwrap();
            paste(&labels, n, &regions, &grid, &mut values);
        }
        assert_eq!(values, [3, 3, 3, 3, 4, 1, 4, 4]);
    }

    #[test]
    fn between_two_regions_of_which_one_has_grown_no_voxel_is_left_out() {
        let grid = Grid::axis_aligned([14, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
        let region = |low: usize, high: usize| Region {
            low: [low, 0, 0],
            high: [high, 1, 1],
        };
        let part = |value: u8, width: usize| {
            let grid = Grid::axis_aligned([width, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
            LabelMap::new(grid, vec![value; width], LabelTable::default()).unwrap()
        };
        let left = part(3, 6);
        // The first alone leaves the second what lies nearer to it, as far as it reaches yet.
        let early = pasted(
            std::slice::from_ref(&left),
            &[region(0, 6), region(4, 8)],
            &grid,
        )
        .unwrap();
        assert_eq!(early.labels()[..7], [3, 3, 3, 3, 3, 0, 0]);
        // Its growth moves its middle away: the voxel that was its own is the first one's.
        let regions = [region(0, 6), region(4, 14)];
        let both = pasted(&[left, part(4, 10)], &regions, &grid).unwrap();
        assert_eq!(both.labels()[..7], [3, 3, 3, 3, 3, 3, 4]);
        assert!(both.labels().iter().all(|label| *label > 0));
    }
}
