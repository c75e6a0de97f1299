//! What anatomy forbids is taken back: specks, a second tumour, a third cochlea.
use crate::measure::{HeadAxes, porus_plane};
use crate::volume::{Components, Error, Grid, LabelMap, Side, Structure, components};
use glam::DVec3;
use serde::{Deserialize, Serialize};

/// Smallest tumour that is kept, mm³.
const SMALLEST_TUMOUR_MM3: f64 = 10.0;
/// Largest distance between a tumour's nearest voxel and the nearer porus, mm: a vestibular schwannoma begins in the canal, and the place of the porus, known from the cochleae,
/// scatters by a few millimetres.
const FARTHEST_FROM_PORUS_MM: f64 = 12.0;
/// The same from the cochlea's centroid, where only one is known.
const FARTHEST_FROM_COCHLEA_MM: f64 = 45.0;
/// The same from a porus that the localiser found, which knows it to a few millimetres more.
const FARTHEST_FROM_FOUND_PORUS_MM: f64 = 15.0;
/// Smallest cochlea that is kept, mm³; a whole one has about 90.
const SMALLEST_COCHLEA_MM3: f64 = 10.0;
/// Least distance from right to left between the two cochleae, mm; in adults about 50.
const COCHLEAE_APART_MM: f64 = 25.0;
/// Pieces within this distance of a cochlea's centroid belong to it, mm.
const COCHLEA_REACH_MM: f64 = 7.0;

/// What becomes of the pieces of a model's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostProcessing {
    /// What anatomy forbids is dropped: one tumour where such tumours begin, at most two cochleae, one brainstem, one fourth ventricle. What a
    /// tumour encloses on all sides is its own.
    #[default]
    Anatomy,
    /// The largest piece of tumour is kept, wherever it lies, and all else is left, as several teams of crossMoDA had it.
    LargestTumour,
    /// All is left as the network said it.
    Nothing,
}

impl PostProcessing {
    /// Labels after it, and what the reader should know about them; `pori` as for [`clean`].
    pub(super) fn apply(
        self,
        labels: &LabelMap,
        pori: &[DVec3],
    ) -> Result<(LabelMap, Vec<String>), Error> {
        let told = |rule: &str| {
            let rule = format!(
                "this model's plan asks for no anatomical rules: {rule}; look at the tumour's side and place"
            );
            let cochleae = keep_cochleae(labels, &mut labels.labels().to_vec()).len();
            std::iter::once(rule)
                .chain(missing(cochleae, pori))
                .collect()
        };
        match self {
            Self::Anatomy => clean(labels, pori),
            Self::LargestTumour => {
                let mut values = labels.labels().to_vec();
                let pieces = Pieces::of(labels, Structure::VestibularSchwannoma);
                keep(&pieces, &mut values, |number| {
                    Some(number) == pieces.largest()
                });
                let kept = LabelMap::new(*labels.grid(), values, labels.table().clone())?;
                let rule = "the largest tumour-like region is shown, wherever it lies";
                Ok((kept, told(rule)))
            }
            Self::Nothing => Ok((labels.clone(), told("every tumour-like region is shown"))),
        }
    }
}

/// Labels without what cannot be, and what the reader should know about it. `pori` are those that a localiser found, RAS mm: they tell
/// where a tumour may begin where the cochleae do not show, as on many ceT1 scans.
fn clean(labels: &LabelMap, pori: &[DVec3]) -> Result<(LabelMap, Vec<String>), Error> {
    let mut values = labels.labels().to_vec();
    let mut warnings = Vec::new();
    let cochleae = keep_cochleae(labels, &mut values);
    let origin = Origin::of(
        &LabelMap::new(*labels.grid(), values.clone(), labels.table().clone())?,
        &cochleae,
        pori,
    );
    keep_tumour(labels, &origin, &mut values, &mut warnings);
    for structure in [Structure::Brainstem, Structure::FourthVentricle] {
        let pieces = Pieces::of(labels, structure);
        keep(&pieces, &mut values, |number| {
            Some(number) == pieces.largest()
        });
    }
    warnings.extend(missing(cochleae.len(), pori));
    let cleaned = LabelMap::new(*labels.grid(), values, labels.table().clone())?;
    Ok((with_cavities(cleaned)?, warnings))
}

/// The labels with what the tumour encloses on all sides made tumour: cysts are part of it, and nothing else can lie there.
fn with_cavities(labels: LabelMap) -> Result<LabelMap, Error> {
    let structure = Structure::VestibularSchwannoma;
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return Ok(labels);
    };
    let grid = *labels.grid();
    let shape = bounds.map(|[low, high]| high - low + 1);
    let [ni, nj, nk] = shape;
    let place = |n: usize| {
        let at = [n % ni, n / ni % nj, n / (ni * nj)];
        grid.index([0, 1, 2].map(|a| at[a] + bounds[a][0]))
    };
    let around: Vec<bool> = (0..ni * nj * nk)
        .map(|n| labels.labels()[place(n)] != value)
        .collect();
    let found = components(&around, shape);
    // What reaches a face of the box about the tumour is open to the rest of the head.
    let mut open = vec![false; found.sizes.len()];
    for (n, number) in numbered(&found) {
        let at = [n % ni, n / ni % nj, n / (ni * nj)];
        open[number] |= (0..3).any(|a| at[a] == 0 || at[a] + 1 == shape[a]);
    }
    if open.iter().all(|open| *open) {
        return Ok(labels);
    }
    let mut values = labels.labels().to_vec();
    for (n, number) in numbered(&found) {
        if !open[number] {
            values[place(n)] = value;
        }
    }
    LabelMap::new(grid, values, labels.table().clone())
}

/// What the reader should know where fewer than two cochleae were found.
fn missing(cochleae: usize, pori: &[DVec3]) -> Option<String> {
    let found = *["no cochlea was", "only one cochlea was"].get(cochleae)?;
    let means = if pori.is_empty() {
        "the scan may not cover both inner ears, or is not one that the model can read"
    } else {
        "the tumour was looked for about the inner ears' likely place; check its side and place"
    };
    Some(format!("{found} found: {means}"))
}

/// The connected pieces of a structure.
struct Pieces {
    found: Components,
    volumes_mm3: Vec<f64>,
    centroids_mm: Vec<DVec3>,
}

impl Pieces {
    fn of(labels: &LabelMap, structure: Structure) -> Self {
        let grid = labels.grid();
        let found = components(&labels.mask(structure), grid.shape());
        let mut sums = vec![DVec3::ZERO; found.sizes.len()];
        for (index, number) in numbered(&found) {
            sums[number] += grid.point_in_world(grid.voxel(index));
        }
        Self {
            volumes_mm3: found
                .sizes
                .iter()
                .map(|&n| n as f64 * grid.voxel_volume_mm3())
                .collect(),
            centroids_mm: sums
                .iter()
                .zip(&found.sizes)
                .map(|(s, &n)| *s / n as f64)
                .collect(),
            found,
        }
    }

    /// Pieces by volume, largest first.
    fn by_volume(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.volumes_mm3.len()).collect();
        order.sort_by(|&a, &b| self.volumes_mm3[b].total_cmp(&self.volumes_mm3[a]));
        order
    }

    fn largest(&self) -> Option<usize> {
        self.by_volume().first().copied()
    }
}

/// Voxels that belong to a piece: position in memory and number of the piece, from 0.
fn numbered(found: &Components) -> impl Iterator<Item = (usize, usize)> {
    found
        .component
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(index, &n)| (index, n as usize - 1))
}

/// Makes background of the pieces that are not wanted.
fn keep(pieces: &Pieces, values: &mut [u8], wanted: impl Fn(usize) -> bool) {
    let wanted: Vec<bool> = (0..pieces.volumes_mm3.len()).map(wanted).collect();
    if wanted.iter().all(|w| *w) {
        return;
    }
    for (index, number) in numbered(&pieces.found) {
        if !wanted[number] {
            values[index] = 0;
        }
    }
}

/// Keeps the largest piece and the largest one of the other side, each with what lies close around it. Returns their centroids.
fn keep_cochleae(labels: &LabelMap, values: &mut [u8]) -> Vec<DVec3> {
    let pieces = Pieces::of(labels, Structure::Cochlea);
    let mut cochleae: Vec<DVec3> = Vec::new();
    for piece in pieces.by_volume() {
        let centre = pieces.centroids_mm[piece];
        let apart = cochleae
            .iter()
            .all(|c| (c.x - centre.x).abs() >= COCHLEAE_APART_MM);
        if apart && cochleae.len() < 2 && pieces.volumes_mm3[piece] >= SMALLEST_COCHLEA_MM3 {
            cochleae.push(centre);
        }
    }
    keep(&pieces, values, |number| {
        cochleae
            .iter()
            .any(|c| c.distance(pieces.centroids_mm[number]) <= COCHLEA_REACH_MM)
    });
    cochleae
}

/// Where tumours of the vestibular nerve come from.
struct Origin {
    points: Vec<DVec3>,
    farthest_mm: f64,
}

impl Origin {
    /// The pori of both sides where both cochleae are known, else those that a localiser found, else the one cochlea, else nowhere.
    fn of(labels: &LabelMap, cochleae: &[DVec3], pori: &[DVec3]) -> Self {
        match HeadAxes::of(labels).filter(|axes| axes.from_cochleae) {
            None if !pori.is_empty() => Self {
                points: pori.to_vec(),
                farthest_mm: FARTHEST_FROM_FOUND_PORUS_MM,
            },
            Some(axes) => Self {
                points: [Side::Left, Side::Right]
                    .into_iter()
                    .filter_map(|side| porus_plane(&axes, side))
                    .map(|plane| DVec3::from_array(plane.point_ras_mm))
                    .collect(),
                farthest_mm: FARTHEST_FROM_PORUS_MM,
            },
            None => Self {
                points: cochleae.to_vec(),
                farthest_mm: FARTHEST_FROM_COCHLEA_MM,
            },
        }
    }
}

/// Keeps the largest piece of tumour that is large enough and near where such tumours begin, with the pieces that begin at the same place, and tells of what was dropped.
fn keep_tumour(labels: &LabelMap, origin: &Origin, values: &mut [u8], warnings: &mut Vec<String>) {
    let pieces = Pieces::of(labels, Structure::VestibularSchwannoma);
    let nearest = nearest_mm(labels.grid(), &pieces, &origin.points);
    let large: Vec<usize> = pieces
        .by_volume()
        .into_iter()
        .filter(|&n| pieces.volumes_mm3[n] >= SMALLEST_TUMOUR_MM3)
        .collect();
    let kept = large
        .iter()
        .copied()
        .find(|&n| nearest[n].1 <= origin.farthest_mm);
    let belongs = |n: usize| {
        kept.is_some_and(|k| {
            n == k
                || (nearest[n].0 == nearest[k].0
                    && nearest[n].1 <= origin.farthest_mm
                    && large.contains(&n))
        })
    };
    keep(&pieces, values, belongs);
    let volume = |n: &usize| pieces.volumes_mm3[*n];
    let apart: f64 = large
        .iter()
        .filter(|&&n| belongs(n) && Some(n) != kept)
        .map(volume)
        .sum();
    if apart > 0.0 {
        warnings.push(format!(
            "the tumour's outline is in pieces: {apart:.0} mm³ lie apart from the largest, look whether they belong to it"
        ));
    }
    let dropped: Vec<f64> = large.iter().filter(|&&n| !belongs(n)).map(volume).collect();
    if let Some(largest) = dropped.first() {
        let regions = if dropped.len() == 1 {
            "1 tumour-like region was".to_owned()
        } else {
            format!("{} tumour-like regions were", dropped.len())
        };
        warnings.push(format!(
            "{regions} dropped, on the other side or away from the canals, the largest of {largest:.0} mm³: look for a tumour there"
        ));
    }
}

/// For each piece the nearest of some points to any of its voxels, and that distance, mm; infinite when there is no point to measure from.
fn nearest_mm(grid: &Grid, pieces: &Pieces, points: &[DVec3]) -> Vec<(usize, f64)> {
    let mut nearest = vec![(0, f64::INFINITY); pieces.volumes_mm3.len()];
    for (index, number) in numbered(&pieces.found) {
        let voxel = grid.point_in_world(grid.voxel(index));
        for (which, point) in points.iter().enumerate() {
            let distance = point.distance(voxel);
            if distance < nearest[number].1 {
                nearest[number] = (which, distance);
            }
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::LabelTable;

    /// Labels of 1 mm voxels from boxes of `(label, first voxel, edge)`.
    fn map(boxes: &[(u8, [usize; 3], usize)]) -> LabelMap {
        let shape = [120, 60, 40];
        let grid = Grid::axis_aligned(shape, [1.0; 3], DVec3::new(-60.0, -30.0, -20.0)).unwrap();
        let mut values = vec![0; grid.len()];
        for &(label, [i, j, k], edge) in boxes {
            for z in k..k + edge {
                for y in j..j + edge {
                    (i..i + edge).for_each(|x| values[grid.index([x, y, z])] = label);
                }
            }
        }
        LabelMap::new(grid, values, LabelTable::default()).unwrap()
    }

    #[test]
    fn one_tumour_and_two_cochleae_remain() {
        let scene = [
            (2, [30, 30, 20], 4),
            (2, [85, 30, 20], 4),
            (1, [40, 30, 20], 6),
        ];
        let clutter = [
            (2, [36, 30, 24], 1), // a fragment of the first cochlea: stays
            (2, [60, 5, 5], 3),   // a third cochlea
            (1, [80, 30, 20], 3), // a second tumour
            (1, [10, 10, 10], 2), // a speck
        ];
        let (cleaned, warnings) = clean(&map(&[&scene[..], &clutter[..]].concat()), &[]).unwrap();
        let expected = map(&[&scene[..], &clutter[..1]].concat());
        assert!(
            cleaned.labels() == expected.labels(),
            "the wrong pieces were kept"
        );
        assert_eq!(warnings.len(), 1, "the second tumour is told: {warnings:?}");
    }

    #[test]
    fn a_plan_may_ask_for_fewer_rules_and_the_reader_is_told() {
        // A third cochlea and a larger tumour-like region far from the canals.
        let boxes = [
            (2, [30, 30, 20], 4),
            (2, [85, 30, 20], 4),
            (2, [60, 5, 5], 3),
            (1, [40, 30, 20], 4),
            (1, [60, 45, 5], 6),
        ];
        let found = |rules: PostProcessing| rules.apply(&map(&boxes), &[]).unwrap();
        let (all, told) = found(PostProcessing::Nothing);
        assert!(all.labels() == map(&boxes).labels() && told[0].contains("every"));
        let (largest, told) = found(PostProcessing::LargestTumour);
        let without_the_small = [&boxes[..3], &boxes[4..]].concat();
        assert!(largest.labels() == map(&without_the_small).labels());
        assert!(told.len() == 1 && told[0].contains("largest"));
        let one_ear = map(&[boxes[0], boxes[3]]);
        let (_, told) = PostProcessing::Nothing.apply(&one_ear, &[]).unwrap();
        assert!(told.len() == 2 && told[1].contains("only one cochlea"));
        let (anatomy, _) = found(PostProcessing::Anatomy);
        let without_the_clutter = [&boxes[..2], &boxes[3..4]].concat();
        assert!(anatomy.labels() == map(&without_the_clutter).labels());
        assert_eq!(
            serde_json::to_string(&PostProcessing::LargestTumour).unwrap(),
            "\"largest-tumour\""
        );
    }

    #[test]
    fn what_a_tumour_encloses_is_tumour_and_what_is_open_is_not() {
        let cochleae = [(2, [30, 30, 20], 4), (2, [85, 30, 20], 4)];
        let tumour = [(1, [40, 26, 16], 10)];
        // A cyst that was called fluid in one part and brainstem in the other.
        let cyst = [(0, [44, 30, 20], 3), (3, [44, 30, 20], 2)];
        let found = |more: &[(u8, [usize; 3], usize)]| {
            let boxes = [&cochleae[..], &tumour, more].concat();
            clean(&map(&boxes), &[]).unwrap().0
        };
        let whole = map(&[&cochleae[..], &tumour].concat());
        assert_eq!(found(&cyst).labels(), whole.labels());
        // The same with a way out of one voxel's width stays as it is.
        let open = [&cyst[..1], &[(0, [40, 30, 20], 1), (0, [41, 30, 20], 1)]].concat();
        let open = [&open[..], &[(0, [42, 30, 20], 1), (0, [43, 30, 20], 1)]].concat();
        let kept = map(&[&cochleae[..], &tumour, &open].concat());
        assert_eq!(found(&open).labels(), kept.labels());
    }

    #[test]
    fn a_region_far_from_both_cochleae_is_no_tumour_of_theirs() {
        let cochleae = [(2, [2, 30, 20], 4), (2, [40, 30, 20], 4)];
        let (cleaned, _) = clean(
            &map(&[&cochleae[..], &[(1, [95, 30, 20], 10)]].concat()),
            &[],
        )
        .unwrap();
        assert_eq!(cleaned.count(Structure::VestibularSchwannoma), 0);
        assert_eq!(cleaned.count(Structure::Cochlea), 128);
    }

    #[test]
    fn a_large_region_away_from_the_canals_does_not_hide_a_small_tumour_in_one() {
        // Cochleae 75 mm apart; the canal's mouth lies about 12 mm medial and 5 mm posterior of each.
        let anatomy = [
            (2, [20, 30, 18], 4),
            (2, [95, 30, 18], 4),
            (1, [36, 25, 18], 4),
        ];
        let elsewhere = [(1, [50, 50, 5], 8)];
        let (cleaned, _) = clean(&map(&[&anatomy[..], &elsewhere[..]].concat()), &[]).unwrap();
        assert!(cleaned.labels() == map(&anatomy).labels());
    }

    #[test]
    fn a_large_second_region_and_a_missing_cochlea_are_told() {
        let boxes = [
            (2, [30, 30, 20], 4),
            (1, [40, 30, 20], 6),
            (1, [60, 30, 20], 5),
        ];
        let (_, warnings) = clean(&map(&boxes), &[]).unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn without_a_cochlea_there_is_no_tumour() {
        let (cleaned, warnings) = clean(&map(&[(1, [40, 30, 20], 6)]), &[]).unwrap();
        assert_eq!(cleaned.count(Structure::VestibularSchwannoma), 0);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn without_a_cochlea_a_tumour_at_a_porus_that_was_found_stays() {
        let boxes = map(&[(1, [40, 30, 20], 6), (1, [100, 30, 20], 6)]);
        let porus = DVec3::new(-28.0, 3.0, 3.0);
        let (cleaned, warnings) = clean(&boxes, &[porus]).unwrap();
        assert_eq!(cleaned.labels(), map(&[(1, [40, 30, 20], 6)]).labels());
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }
}
