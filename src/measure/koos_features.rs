//! What a learned grader looks at: volumes, distances and contact surfaces of the tumour and its neighbours, one row of numbers a tumour.
//!
//! There are two schemes, and a forest belongs to one of them. [`FeatureScheme::Parcellation`] is that of the winner of crossMoDA 2022's Koos task (nine features after Kujawa et al. 2022,
//! Front Radiol 2:837191), for a parcellation with GIF's values. [`FeatureScheme::Structures`] is for Schwann's own six labels, which have neither pons nor vermis: the features of the
//! nine that they allow, and the measures that the Koos rule rests on. A feature that a label map does not allow is not a number; a forest puts the median of its training there.
//!
//! Distances are between surfaces, mm, and 0 where two structures touch. Contact surfaces are sums of voxel faces of the tumour, mm²; they follow the voxel axes and so are larger than the
//! smooth surface, in training as in use. Background is whatever is neither brainstem nor cerebellum.
use super::{Boundary, KoosAssessment, TumourGeometry};
use crate::volume::{Grid, LabelMap, LabelTable, Side, Structure};
use rayon::prelude::*;

/// Which features there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureScheme {
    /// The nine of a parcellation with GIF's values.
    Parcellation,
    /// Those of Schwann's own labels.
    Structures,
}

impl FeatureScheme {
    /// Name of each feature, with its unit.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Parcellation => &[
                "volume_mm3",
                "pons_distance_mm",
                "brainstem_distance_mm",
                "vermis_1_5_distance_mm",
                "vermis_6_7_distance_mm",
                "vermis_8_10_distance_mm",
                "cerebellum_same_side_distance_mm",
                "cerebellum_other_side_distance_mm",
                "background_contact_mm2",
            ],
            Self::Structures => &[
                "volume_mm3",
                "brainstem_distance_mm",
                "cerebellum_same_side_distance_mm",
                "cerebellum_other_side_distance_mm",
                "background_contact_mm2",
                "brainstem_contact_mm2",
                "extrameatal_volume_mm3",
                "protrusion_mm",
                "brainstem_shift_mm",
                "fourth_ventricle_shift_mm",
            ],
        }
    }
}

/// A parcel that the features want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parcel {
    Pons,
    Brainstem,
    VermisOneToFive,
    VermisSixSeven,
    VermisEightToTen,
    Cerebellum(Side),
}

impl Parcel {
    const ALL: [Self; 7] = [
        Self::Pons,
        Self::Brainstem,
        Self::VermisOneToFive,
        Self::VermisSixSeven,
        Self::VermisEightToTen,
        Self::Cerebellum(Side::Left),
        Self::Cerebellum(Side::Right),
    ];

    /// What a value of a GIF parcellation means (Neuromorphometrics' numbers plus one).
    fn of_gif(value: u8) -> Option<Self> {
        match value {
            35 => Some(Self::Pons),
            36 => Some(Self::Brainstem),
            72 => Some(Self::VermisOneToFive),
            73 => Some(Self::VermisSixSeven),
            74 => Some(Self::VermisEightToTen),
            // Exterior and white matter.
            39 | 41 => Some(Self::Cerebellum(Side::Right)),
            40 | 42 => Some(Self::Cerebellum(Side::Left)),
            _ => None,
        }
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|p| *p == self).unwrap_or(0)
    }
}

/// The fourth ventricle's value in a GIF parcellation.
const GIF_FOURTH_VENTRICLE: u8 = 12;

/// The tumour and the parcels about it on one grid: `TUMOUR`, the place of a parcel in `Parcel::ALL`, or `BACKGROUND`.
struct Parcels<'a> {
    grid: &'a Grid,
    values: Vec<u8>,
}

const TUMOUR: u8 = 254;
const BACKGROUND: u8 = 255;

/// What is measured of the parcels.
struct Around {
    /// Shortest distance of each parcel to the tumour, mm; not a number without the parcel.
    distance_mm: [f64; Parcel::ALL.len()],
    /// Faces that the tumour shares with what is no parcel, mm².
    background_mm2: f64,
}

impl Around {
    fn distance(&self, parcel: Parcel) -> f64 {
        self.distance_mm[parcel.place()]
    }

    /// Distances of the cerebellum on the tumour's side and on the other.
    fn cerebellum(&self, side: Side) -> [f64; 2] {
        [side, side.other()].map(|s| self.distance(Parcel::Cerebellum(s)))
    }
}

impl Parcels<'_> {
    /// The box of each value's voxels: first and last index of each axis.
    fn bounds(&self) -> Vec<Option<[[usize; 2]; 3]>> {
        let mut bounds: Vec<Option<[[usize; 2]; 3]>> = vec![None; 256];
        for (index, &value) in self.values.iter().enumerate() {
            if value == BACKGROUND {
                continue;
            }
            let voxel = self.grid.voxel(index);
            let b = bounds[usize::from(value)].get_or_insert(voxel.map(|v| [v, v]));
            for axis in 0..3 {
                b[axis] = [b[axis][0].min(voxel[axis]), b[axis][1].max(voxel[axis])];
            }
        }
        bounds
    }

    /// `None` without a tumour.
    fn measure(&self) -> Option<Around> {
        let bounds = self.bounds();
        let surface = |value: u8| {
            let bounds = bounds[usize::from(value)]?;
            Some(Boundary::of_voxels(self.grid, bounds, |index| {
                self.values[index] == value
            }))
        };
        let tumour = surface(TUMOUR)?;
        let distance = |parcel: u8| {
            let nearest = surface(parcel).and_then(|other| tumour.nearest_in(&other));
            let least =
                |found: Vec<(f64, usize)>| found.iter().map(|f| f.0).fold(f64::MAX, f64::min);
            nearest.map_or(f64::NAN, least)
        };
        let found: Vec<f64> = (0..Parcel::ALL.len() as u8)
            .into_par_iter()
            .map(distance)
            .collect();
        Some(Around {
            distance_mm: std::array::from_fn(|n| found[n]),
            background_mm2: self.background_mm2(bounds[usize::from(TUMOUR)]?),
        })
    }

    /// Faces between the tumour and what is no parcel; what lies outside the grid is none.
    fn background_mm2(&self, bounds: [[usize; 2]; 3]) -> f64 {
        let edges = [0, 1, 2].map(|a| self.grid.world_from_voxel().matrix3.col(a));
        let areas = [0, 1, 2].map(|a| edges[(a + 1) % 3].cross(edges[(a + 2) % 3]).length());
        let shape = self.grid.shape();
        let mut sum = 0.0;
        for k in bounds[2][0]..=bounds[2][1] {
            for j in bounds[1][0]..=bounds[1][1] {
                for i in bounds[0][0]..=bounds[0][1] {
                    let voxel = [i, j, k];
                    if self.values[self.grid.index(voxel)] != TUMOUR {
                        continue;
                    }
                    for axis in 0..3 {
                        for step in [-1_isize, 1] {
                            let next = voxel[axis].checked_add_signed(step);
                            let beside = next.filter(|n| *n < shape[axis]).map(|n| {
                                let mut other = voxel;
                                other[axis] = n;
                                self.values[self.grid.index(other)]
                            });
                            if beside.is_none_or(|v| v == BACKGROUND) {
                                sum += areas[axis];
                            }
                        }
                    }
                }
            }
        }
        sum
    }
}

/// The features of a tumour in a label map, in the order of [`FeatureScheme::Structures`], given what the Koos rule measured on the same map. What of the cerebellum lies on either side of
/// the middle between the cochleae is its half of that side, vermis included. `None` without one tumour whose side is known.
pub fn structure_features(labels: &LabelMap, assessment: &KoosAssessment) -> Option<Vec<f64>> {
    let evidence = &assessment.evidence;
    let geometry = TumourGeometry::of(labels)?;
    let (axes, side) = (geometry.axes()?, geometry.side()?);
    let grid = labels.grid();
    let mut meaning = [BACKGROUND; 256];
    for &(value, structure) in labels.table().entries() {
        meaning[usize::from(value)] = match structure {
            Structure::VestibularSchwannoma => TUMOUR,
            Structure::Brainstem => Parcel::Brainstem.place() as u8,
            Structure::Cerebellum => Parcel::Cerebellum(Side::Left).place() as u8,
            _ => BACKGROUND,
        };
    }
    let half = |(index, label): (usize, &u8)| {
        let value = meaning[usize::from(*label)];
        if value != Parcel::Cerebellum(Side::Left).place() as u8 {
            return value;
        }
        let at = grid.point_in_world(grid.voxel(index));
        Parcel::Cerebellum(axes.side(at)).place() as u8
    };
    let values = labels.labels().par_iter().enumerate().map(half).collect();
    let around = Parcels { grid, values }.measure()?;
    let [same, other] = around.cerebellum(side);
    let given = |measure: Option<f64>| measure.unwrap_or(f64::NAN);
    Some(vec![
        geometry.size().volume_mm3,
        around.distance(Parcel::Brainstem),
        same,
        other,
        around.background_mm2,
        given(evidence.contact_area_mm2),
        given(evidence.extrameatal_volume_mm3),
        given(evidence.protrusion_mm),
        given(evidence.brainstem_shift_mm),
        given(evidence.fourth_ventricle_shift_mm),
    ])
}

/// The nine features of a tumour in a parcellation with GIF's values on the same grid, in the order of [`FeatureScheme::Parcellation`]. The cerebellum's nearer half is that of the tumour's side.
/// `None` without a tumour, and where the maps differ in size.
pub fn parcellation_features(labels: &LabelMap, parcellation: &LabelMap) -> Option<Vec<f64>> {
    let tumour = labels.table().value(Structure::VestibularSchwannoma)?;
    if labels.grid().shape() != parcellation.grid().shape() {
        return None;
    }
    let value = |(label, parcel): (&u8, &u8)| {
        if *label == tumour {
            TUMOUR
        } else {
            Parcel::of_gif(*parcel).map_or(BACKGROUND, |p| p.place() as u8)
        }
    };
    let pairs = labels.labels().iter().zip(parcellation.labels());
    let parcels = Parcels {
        grid: labels.grid(),
        values: pairs.map(value).collect(),
    };
    let around = parcels.measure()?;
    let voxels = labels.count(Structure::VestibularSchwannoma) as f64;
    let [left, right] = around.cerebellum(Side::Left);
    Some(vec![
        voxels * labels.grid().voxel_volume_mm3(),
        around.distance(Parcel::Pons),
        around.distance(Parcel::Brainstem),
        around.distance(Parcel::VermisOneToFive),
        around.distance(Parcel::VermisSixSeven),
        around.distance(Parcel::VermisEightToTen),
        left.min(right),
        left.max(right),
        around.background_mm2,
    ])
}

/// A label map of tumour and cochleae, as the challenge gives them, with the brainstem (pons included), the cerebellum and the fourth ventricle of a parcellation with GIF's values on the same grid.
///
/// # Errors
/// When the maps differ in size.
pub fn with_parcellation(
    labels: &LabelMap,
    parcellation: &LabelMap,
) -> Result<LabelMap, crate::volume::Error> {
    let table = LabelTable::default();
    let value = |structure| table.value(structure).unwrap_or(0);
    let of_gif = |gif: u8| match Parcel::of_gif(gif) {
        Some(Parcel::Pons | Parcel::Brainstem) => value(Structure::Brainstem),
        Some(_) => value(Structure::Cerebellum),
        None if gif == GIF_FOURTH_VENTRICLE => value(Structure::FourthVentricle),
        None => 0,
    };
    let values = parcellation.labels().iter().map(|&v| of_gif(v)).collect();
    let anatomy = LabelMap::new(*parcellation.grid(), values, table)?;
    labels.completed_from(&anatomy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::KoosBasis;
    use glam::DVec3;

    /// Voxels of 1 × 1 × 2 mm; the tumour is a box on the left whose medial face touches what begins at x = −10.
    fn grid() -> Grid {
        let origin = DVec3::new(-40.0, -30.0, -20.0);
        Grid::axis_aligned([81, 61, 21], [1.0, 1.0, 2.0], origin).unwrap()
    }

    fn map(of: impl Fn(DVec3) -> u8, table: LabelTable) -> LabelMap {
        let grid = grid();
        let at = |n| of(grid.point_in_world(grid.voxel(n)));
        LabelMap::new(grid, (0..grid.len()).map(at).collect(), table).unwrap()
    }

    fn in_tumour(p: DVec3) -> bool {
        (-20.0..-10.0).contains(&p.x) && p.y.abs() < 4.5 && p.z.abs() < 5.0
    }

    /// Brainstem from x = −10 to 10, pons its upper half, cerebellum behind y = −12, vermis in its middle third.
    fn gif(p: DVec3) -> u8 {
        if p.y < -11.5 {
            match (p.x, p.z) {
                (-5.0..=5.0, 4.0..) => 72,
                (-5.0..=5.0, -4.0..) => 73,
                (-5.0..=5.0, _) => 74,
                (..0.0, 0.0..) => 40,
                (..0.0, _) => 42,
                (_, 0.0..) => 39,
                _ => 41,
            }
        } else if p.x.abs() < 10.5 && p.y < 9.5 {
            if p.z >= 8.0 { 35 } else { 36 }
        } else {
            0
        }
    }

    fn labels() -> LabelMap {
        map(|p| u8::from(in_tumour(p)), LabelTable::default())
    }

    #[test]
    fn the_nine_features_of_boxes_are_those_of_boxes() {
        let found = parcellation_features(&labels(), &map(gif, LabelTable::new([]))).unwrap();
        assert_eq!(found.len(), FeatureScheme::Parcellation.names().len());
        // 9 × 9 × 5 voxels of 2 mm³: x from −20 to −11, where −10 is brainstem. Faces at x = −10.5.
        let expected = [
            10.0 * 9.0 * 5.0 * 2.0,
            // From the tumour's top at z = 5 to the pons at z = 7.
            2.0,
            0.0,
            // Face to face: along x from −10.5 to −5.5, along y from −4.5 to −11.5, and along z for the two that lie above and below.
            (5.0_f64.powi(2) + 7.0_f64.powi(2)).sqrt(),
            (5.0_f64.powi(2) + 7.0_f64.powi(2)).sqrt(),
            (5.0_f64.powi(2) + 7.0_f64.powi(2)).sqrt(),
            7.0,
            // The right half begins beyond the vermis, at x = 5.5.
            (16.0_f64.powi(2) + 7.0_f64.powi(2)).sqrt(),
            // All faces but the 9 × 5 of 2 mm² that lie on the brainstem.
            (2.0 * (10.0 * 9.0) + 2.0 * (10.0 * 10.0) + 9.0 * 10.0),
        ];
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            // Distances are between middles of faces: two that lie askew are off by up to a voxel's diagonal.
            let tolerance = if (1..8).contains(&n) { 1.6 } else { 1e-9 };
            let name = FeatureScheme::Parcellation.names()[n];
            assert!(
                (found - expected).abs() < tolerance,
                "{name}: {found} for {expected}"
            );
        }
        assert!(found[2] < 1e-9);
        // What a parcellation lacks is not a number.
        let without = map(
            |p| if gif(p) == 35 { 36 } else { gif(p) },
            LabelTable::new([]),
        );
        let found = parcellation_features(&labels(), &without).unwrap();
        assert!(found[1].is_nan() && found[2..].iter().all(|v| v.is_finite()));
        let empty = map(|_| 0, LabelTable::default());
        assert!(parcellation_features(&empty, &without).is_none());
    }

    #[test]
    fn a_parcellation_becomes_structures_and_the_given_labels_stay() {
        let merged = with_parcellation(&labels(), &map(gif, LabelTable::new([]))).unwrap();
        let count = |s| merged.count(s);
        assert_eq!(count(Structure::VestibularSchwannoma), 450);
        let (all, given) = (map(gif, LabelTable::new([])), labels());
        let of = |values: &[u8]| {
            let pairs = all.labels().iter().zip(given.labels());
            pairs
                .filter(|(g, l)| values.contains(g) && **l == 0)
                .count()
        };
        assert_eq!(count(Structure::Brainstem), of(&[35, 36]));
        assert_eq!(
            count(Structure::Cerebellum),
            of(&[39, 40, 41, 42, 72, 73, 74])
        );
    }

    #[test]
    fn own_labels_give_features_on_either_side_and_without_a_cerebellum() {
        let table = LabelTable::default();
        let value = |s| table.value(s).unwrap();
        let head = |sign: f64, cerebellum: bool| {
            map(
                |p| {
                    let q = DVec3::new(p.x * sign, p.y, p.z);
                    let cochlea = q.x.abs() > 32.0 && q.y > 3.0 && q.y < 9.0 && q.z.abs() < 5.0;
                    if in_tumour(q) {
                        value(Structure::VestibularSchwannoma)
                    } else if cochlea {
                        value(Structure::Cochlea)
                    } else {
                        match gif(q) {
                            0 => 0,
                            35 | 36 => value(Structure::Brainstem),
                            _ if cerebellum => value(Structure::Cerebellum),
                            _ => 0,
                        }
                    }
                },
                LabelTable::default(),
            )
        };
        let features = |labels: &LabelMap| {
            structure_features(labels, &KoosBasis::of(labels).assess(None)).unwrap()
        };
        let names = FeatureScheme::Structures.names();
        let (left, right) = (features(&head(1.0, true)), features(&head(-1.0, true)));
        assert_eq!(left.len(), names.len());
        for (n, name) in names.iter().enumerate() {
            // Voxels on the midline belong to the right, so the two sides may differ by one; there is no fourth ventricle on either.
            let (left, right) = (left[n], right[n]);
            let near = (left - right).abs() < 1.1_f64.max(0.1 * right.abs());
            let same = near || (left.is_nan() && right.is_nan());
            assert!(same, "{name}: {left} and {right}");
        }
        let [volume, gap, same, other] = [left[0], left[1], left[2], left[3]];
        assert!((volume - 900.0).abs() < 1e-9 && gap < 1e-9, "{left:?}");
        assert!(
            (same - 7.0).abs() < 1.0 && (other - 12.6).abs() < 1.5,
            "{left:?}"
        );
        let bare = features(&head(1.0, false));
        assert!(bare[2].is_nan() && bare[3].is_nan() && bare[4].is_finite());
    }
}
