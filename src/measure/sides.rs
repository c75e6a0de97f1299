//! A structure's voxels by the side of the patient.
use super::{
    HeadAxes,
    parts::MIN_PART_MM3,
    porus::{FARTHEST_MM, one_ear},
};
use crate::volume::{LabelMap, Side, Structure, components};
use glam::DVec3;

/// The voxels of a structure on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidedVoxels {
    /// The patient's side; none for structures of the midline, and where the scan does not tell it.
    pub side: Option<Side>,
    /// Positions in memory, ascending.
    pub voxels: Vec<usize>,
}

/// Takes a structure apart by the side that each of its 26-connected parts lies on: left, right, then what has no side; what is empty is left out. Together they are all
/// voxels of the structure, each once.
///
/// The side of a part is that of its centroid ([`Sides`]). A part of a tumour below 10 mm³ makes no tumour of the other side.
pub fn voxels_by_side(labels: &LabelMap, structure: Structure) -> Vec<SidedVoxels> {
    let (Some(bounds), Some(value)) = (labels.bounds(structure), labels.table().value(structure))
    else {
        return Vec::new();
    };
    let grid = labels.grid();
    let low = bounds.map(|b| b[0]);
    let shape = bounds.map(|b| b[1] - b[0] + 1);
    let voxel = |n: usize| {
        [
            low[0] + n % shape[0],
            low[1] + n / shape[0] % shape[1],
            low[2] + n / (shape[0] * shape[1]),
        ]
    };
    let mask: Vec<bool> = (0..shape.iter().product())
        .map(|n| labels.labels()[grid.index(voxel(n))] == value)
        .collect();
    let found = components(&mask, shape);
    let mut sums = vec![DVec3::ZERO; found.sizes.len()];
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        sums[part as usize - 1] += grid.point_in_world(voxel(n));
    }
    let lateral = structure.is_paired() || structure == Structure::VestibularSchwannoma;
    let told = lateral.then(|| Sides::of(labels));
    let mut sides: Vec<Option<Side>> = (sums.iter().zip(&found.sizes))
        .map(|(sum, &size)| told.as_ref()?.side(*sum / size as f64))
        .collect();
    if structure == Structure::VestibularSchwannoma {
        adopt_specks(&mut sides, &found.sizes, grid.voxel_volume_mm3());
    }
    let mut sorted = [Some(Side::Left), Some(Side::Right), None].map(|side| SidedVoxels {
        side,
        voxels: Vec::new(),
    });
    for (n, &part) in found.component.iter().enumerate().filter(|(_, p)| **p > 0) {
        let side = sides[part as usize - 1];
        if let Some(own) = sorted.iter_mut().find(|s| s.side == side) {
            own.voxels.push(grid.index(voxel(n)));
        }
    }
    sorted
        .into_iter()
        .filter(|s| !s.voxels.is_empty())
        .collect()
}

/// A scan this wide holds both sides of a head, so that its middle is near the midline, mm.
const WHOLE_HEAD_MM: f64 = 150.0;
/// How far off the middle of such a scan a part must lie for its side to be told, mm.
const CLEAR_OF_MIDDLE_MM: f64 = 12.0;

/// The one rule of which side a point lies on: against the midline between the cochleae, else against the brainstem; else what lies near the one labelled ear belongs to
/// it; else the middle of a scan of the whole head tells it.
pub(super) struct Sides {
    axes: Option<HeadAxes>,
    /// The middle of the one labelled cochlea, RAS mm, and its side.
    ear: Option<(DVec3, Side)>,
    /// Left and right end of the scan, RAS mm.
    ends: [f64; 2],
}

impl Sides {
    /// Of a scan's labels.
    pub(super) fn of(labels: &LabelMap) -> Self {
        let xs = labels.grid().corners_in_world().map(|corner| corner.x);
        let mut found = Self {
            axes: HeadAxes::of(labels),
            ear: None,
            ends: [
                xs.into_iter().fold(f64::INFINITY, f64::min),
                xs.into_iter().fold(f64::NEG_INFINITY, f64::max),
            ],
        };
        if found.axes.is_none()
            && let Some((cochlea, tumour)) = one_ear(labels)
        {
            // A tumour lies medial of its cochlea.
            let side = tumour.map_or_else(
                || found.side_in_scan(cochlea),
                |tumour| Some(towards(cochlea.x - tumour.x)),
            );
            found.ear = side.map(|side| (cochlea, side));
        }
        found
    }

    /// The side of a point; `None` where nothing tells it.
    pub(super) fn side(&self, point: DVec3) -> Option<Side> {
        if let Some(axes) = &self.axes {
            return Some(axes.side(point));
        }
        match self.ear {
            Some((cochlea, side)) if point.distance(cochlea) < FARTHEST_MM => Some(side),
            _ => self.side_in_scan(point),
        }
    }

    /// The side of a point against the middle of a scan of the whole head.
    fn side_in_scan(&self, point: DVec3) -> Option<Side> {
        let [low, high] = self.ends;
        let off = point.x - f64::midpoint(low, high);
        let told = high - low >= WHOLE_HEAD_MM && off.abs() >= CLEAR_OF_MIDDLE_MM;
        told.then(|| towards(off))
    }
}

/// The side that a way along the scan's left–right axis leads to.
fn towards(right_mm: f64) -> Side {
    if right_mm < 0.0 {
        Side::Left
    } else {
        Side::Right
    }
}

/// A speck makes no tumour of its own: unless a larger part lies on its side, it belongs to the largest.
fn adopt_specks(sides: &mut [Option<Side>], sizes: &[usize], voxel_mm3: f64) {
    let Some(largest) = (0..sizes.len()).max_by_key(|n| sizes[*n]) else {
        return;
    };
    let whole = |n: usize| n == largest || sizes[n] as f64 * voxel_mm3 >= MIN_PART_MM3;
    let taken: Vec<Option<Side>> = (0..sizes.len())
        .filter(|n| whole(*n))
        .map(|n| sides[n])
        .collect();
    let of_largest = sides[largest];
    for (n, side) in sides.iter_mut().enumerate() {
        if !whole(n) && !taken.contains(side) {
            *side = of_largest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{SizeSide, structure_size},
        volume::{Grid, LabelTable},
    };

    /// Two cochleae 80 mm apart, a tumour on the right whose tip crosses the midline, a brainstem between; `i` runs to the patient's left.
    fn head(both: bool) -> LabelMap {
        let affine = glam::DAffine3::from_mat3_translation(
            glam::DMat3::from_diagonal(DVec3::new(-2.0, 2.0, 2.0)),
            DVec3::new(60.0, -20.0, -10.0),
        );
        let grid = Grid::new([60, 20, 10], affine).unwrap();
        let mut labels = vec![0_u8; grid.len()];
        let mut fill = |i: std::ops::Range<usize>, value: u8| {
            for i in i {
                for j in 8..12 {
                    for k in 3..7 {
                        labels[grid.index([i, j, k])] = value;
                    }
                }
            }
        };
        fill(8..12, 2);
        fill(14..31, 1);
        fill(33..36, 3);
        if both {
            fill(48..52, 2);
        }
        LabelMap::new(grid, labels, LabelTable::default()).unwrap()
    }

    #[test]
    fn parts_are_sorted_by_the_affine_s_left_and_right() {
        let labels = head(true);
        let cochleae = voxels_by_side(&labels, Structure::Cochlea);
        let found: Vec<(Option<Side>, usize)> =
            cochleae.iter().map(|s| (s.side, s.voxels.len())).collect();
        assert_eq!(found, [(Some(Side::Left), 64), (Some(Side::Right), 64)]);
        let left = labels.grid().voxel(cochleae[0].voxels[0]);
        assert!(labels.grid().point_in_world(left).x < 0.0);
        let tumour = voxels_by_side(&labels, Structure::VestibularSchwannoma);
        assert_eq!(tumour.len(), 1);
        assert_eq!(tumour[0].side, Some(Side::Right));
        let brainstem = voxels_by_side(&labels, Structure::Brainstem);
        assert_eq!(brainstem.len(), 1);
        assert_eq!(brainstem[0].side, None);
    }

    #[test]
    fn one_labelled_ear_tells_its_side() {
        let tumour = voxels_by_side(&head(false), Structure::VestibularSchwannoma);
        assert_eq!(tumour[0].side, Some(Side::Right));
        assert!(voxels_by_side(&head(false), Structure::Cerebellum).is_empty());
    }

    /// Cubes of 5 mm about places on the x axis, each of a label, in a scan between two places along it, voxels of 1 mm.
    fn cubes([from, to]: [i32; 2], at: &[(i32, u8)]) -> LabelMap {
        let shape = [(to - from) as usize, 12, 12];
        let corner = DVec3::new(f64::from(from), -6.0, -6.0);
        let grid = Grid::axis_aligned(shape, [1.0; 3], corner).unwrap();
        let mut labels = vec![0_u8; grid.len()];
        for (n, label) in labels.iter_mut().enumerate() {
            let p = grid.point_in_world(grid.voxel(n));
            let inside = |x: i32| (p - DVec3::X * f64::from(x)).abs().max_element() <= 2.0;
            *label = (at.iter())
                .find_map(|(x, v)| inside(*x).then_some(*v))
                .unwrap_or(0);
        }
        LabelMap::new(grid, labels, LabelTable::default()).unwrap()
    }

    fn tumours(labels: &LabelMap) -> Vec<Option<Side>> {
        let found = voxels_by_side(labels, Structure::VestibularSchwannoma);
        found.iter().map(|s| s.side).collect()
    }

    fn size_side(labels: &LabelMap) -> Option<SizeSide> {
        structure_size(labels, Structure::VestibularSchwannoma)?.side
    }

    #[test]
    fn half_a_field_of_view_is_no_whole_head_and_the_ear_tells_the_side() {
        // The right half of a scan of 256 mm: its middle lies lateral of the ear.
        let half = cubes([0, 128], &[(20, 1), (35, 2)]);
        assert_eq!(tumours(&half), [Some(Side::Right)]);
        assert_eq!(size_side(&half), Some(SizeSide::Right));
        // Without the ear nothing tells it.
        let half = cubes([0, 128], &[(20, 1)]);
        assert_eq!((tumours(&half), size_side(&half)), (vec![None], None));
    }

    #[test]
    fn one_labelled_ear_tells_nothing_of_the_other_tumour() {
        // The ear is the right one; that of the left tumour is not labelled.
        let whole = cubes([-90, 90], &[(-22, 1), (22, 1), (35, 2)]);
        assert_eq!(tumours(&whole), [Some(Side::Left), Some(Side::Right)]);
        assert_eq!(size_side(&whole), Some(SizeSide::Both));
        let narrow = cubes([-50, 60], &[(-22, 1), (22, 1), (35, 2)]);
        assert_eq!(tumours(&narrow), [Some(Side::Right), None]);
        assert_eq!(size_side(&narrow), Some(SizeSide::Both));
    }

    #[test]
    fn tumours_far_apart_are_two_where_nothing_tells_their_sides() {
        let apart = cubes([-50, 50], &[(-22, 1), (22, 1)]);
        assert_eq!(
            (tumours(&apart), size_side(&apart)),
            (vec![None], Some(SizeSide::Both))
        );
        let one = cubes([-50, 50], &[(8, 1), (22, 1)]);
        assert_eq!(size_side(&one), None);
        // A line from one to the other would be 49 mm long, the diagonal of a cube is less than 9.
        let size = structure_size(&apart, Structure::VestibularSchwannoma).unwrap();
        assert!(size.max_diameter_3d_mm < 9.0, "{size:?}");
        assert!((4.0..8.0).contains(&size.max_axial_diameter_mm), "{size:?}");
    }

    #[test]
    fn a_speck_across_the_midline_makes_no_tumour_of_the_other_side() {
        let clean = cubes([-50, 50], &[(-35, 2), (35, 2), (20, 1)]);
        let strayed = |at: [f64; 3]| {
            let mut values = clean.labels().to_vec();
            let grid = *clean.grid();
            values[grid.index(grid.nearest_voxel(DVec3::from_array(at)).unwrap())] = 1;
            LabelMap::new(grid, values, LabelTable::default()).unwrap()
        };
        let found = strayed([-20.0, 0.0, 0.0]);
        assert_eq!(tumours(&found), [Some(Side::Right)]);
        assert_eq!(size_side(&found), Some(SizeSide::Right));
        let whole = voxels_by_side(&found, Structure::VestibularSchwannoma);
        assert_eq!(
            whole[0].voxels.len(),
            found.count(Structure::VestibularSchwannoma)
        );
        // Beside a tumour of its own side it belongs to that.
        let both = cubes([-50, 50], &[(-35, 2), (35, 2), (20, 1), (-20, 1)]);
        assert_eq!(tumours(&both), [Some(Side::Left), Some(Side::Right)]);
        let mut sides = [Some(Side::Right), Some(Side::Left), Some(Side::Left)];
        adopt_specks(&mut sides, &[100, 50, 1], 1.0);
        assert_eq!(sides[2], Some(Side::Left));
    }
}
