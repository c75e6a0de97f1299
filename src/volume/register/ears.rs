//! The ears as landmarks.
use super::ToAlign;
use crate::volume::{LabelMap, Side, Structure};
use glam::{DAffine3, DMat3, DVec3};

/// How far about a cochlea the petrous bone is looked at, mm.
const PETROUS_MM: f64 = 28.0;
/// Farther apart than this along x, cochlear voxels are of both sides, mm.
const BOTH_SIDES_MM: f64 = 25.0;
/// How far about a tumour nothing is looked at, mm: it grows, and displaces what is soft.
const TUMOUR_MARGIN_MM: f64 = 4.0;

/// Where the cochleae lie, world mm: left, right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Ears(pub(super) [Option<DVec3>; 2]);

impl Ears {
    /// The centroids of the cochlear labels.
    pub(super) fn of(labels: &LabelMap) -> Self {
        let Some(value) = labels.table().value(Structure::Cochlea) else {
            return Self::default();
        };
        let grid = labels.grid();
        let points: Vec<DVec3> = (labels.labels().iter().enumerate())
            .filter(|(_, l)| **l == value)
            .map(|(n, _)| grid.point_in_world(grid.voxel(n)))
            .collect();
        let (low, high) = (points.iter()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
            (a.min(p.x), b.max(p.x))
        });
        let between = if high - low > BOTH_SIDES_MM {
            f64::midpoint(low, high)
        } else {
            grid.centre_in_world().x
        };
        let centroid = |right: bool| {
            let side = points.iter().filter(|p| (p.x > between) == right);
            let (sum, count) = side.fold((DVec3::ZERO, 0.0), |(s, n), p| (s + *p, n + 1.0));
            (count > 0.0).then(|| sum / count)
        };
        Self([centroid(false), centroid(true)])
    }

    /// Whether one is known.
    pub(super) fn any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// These, completed by those of the other scan brought here.
    pub(super) fn joined(&self, moving: &Self, world_moving_from_world_fixed: DAffine3) -> Self {
        let back = world_moving_from_world_fixed.inverse();
        Self(std::array::from_fn(|side| {
            self.0[side].or(moving.0[side].map(|p| back.transform_point3(p)))
        }))
    }

    /// The ear whose petrous bone a point lies in: 0 left, 1 right.
    pub(super) fn region(&self, p: DVec3) -> Option<usize> {
        (0..2).find(|&side| self.0[side].is_some_and(|c| c.distance(p) <= PETROUS_MM))
    }

    /// The transform that takes both cochleae onto the other scan's and keeps up where it is, and the point between them.
    pub(super) fn onto(&self, moving: &Self) -> Option<(DAffine3, DVec3)> {
        let [Some(a), Some(b)] = self.0 else {
            return None;
        };
        let [Some(c), Some(d)] = moving.0 else {
            return None;
        };
        let frame = |left: DVec3, right: DVec3| {
            let across = (right - left).try_normalize()?;
            let up = DVec3::Z.reject_from_normalized(across).try_normalize()?;
            Some(DMat3::from_cols(across, up.cross(across), up))
        };
        let turn = frame(c, d)? * frame(a, b)?.transpose();
        let (from, to) = (a.midpoint(b), c.midpoint(d));
        let base = DAffine3::from_mat3_translation(turn, to - turn * from);
        Some((base, from))
    }
}

/// The tumours of both scans.
#[derive(Debug)]
pub(super) struct Tumours<'a>([Option<Tumour<'a>>; 2]);

#[derive(Debug)]
struct Tumour<'a> {
    labels: &'a LabelMap,
    /// Lowest and highest voxel with the margin.
    low: DVec3,
    high: DVec3,
}

impl<'a> Tumour<'a> {
    fn of(labels: &'a LabelMap) -> Option<Self> {
        let bounds = labels.bounds(Structure::VestibularSchwannoma)?;
        let spacing = DVec3::from_array(labels.grid().spacing_mm());
        let margin = DVec3::splat(TUMOUR_MARGIN_MM) / spacing;
        Some(Self {
            labels,
            low: DVec3::from_array(bounds.map(|b| b[0] as f64)) - margin,
            high: DVec3::from_array(bounds.map(|b| b[1] as f64)) + margin,
        })
    }

    fn covers(&self, p: DVec3) -> bool {
        let grid = self.labels.grid();
        let at = grid.voxel_from_world().transform_point3(p);
        if !(at.cmpge(self.low).all() && at.cmple(self.high).all()) {
            return false;
        }
        let tumour = |offset: DVec3| {
            grid.nearest_voxel(p + offset)
                .and_then(|v| self.labels.structure_at(v))
                == Some(Structure::VestibularSchwannoma)
        };
        let steps = [-1.0, 0.0, 1.0];
        steps.iter().any(|&x| {
            (steps.iter()).any(|&y| {
                (steps.iter())
                    .any(|&z| tumour(DVec3::new(x, y, z).clamp_length(0.0, 1.0) * TUMOUR_MARGIN_MM))
            })
        })
    }
}

impl<'a> Tumours<'a> {
    pub(super) fn of(fixed: &ToAlign<'a>, moving: &ToAlign<'a>) -> Self {
        Self([fixed, moving].map(|v| v.labels.and_then(Tumour::of)))
    }

    /// Whether a point of the fixed scan lies in a tumour or next to one.
    pub(super) fn cover(&self, p: DVec3, world_moving_from_world_fixed: DAffine3) -> bool {
        let [fixed, moving] = &self.0;
        fixed.as_ref().is_some_and(|t| t.covers(p))
            || (moving.as_ref())
                .is_some_and(|t| t.covers(world_moving_from_world_fixed.transform_point3(p)))
    }
}

/// The side of an index.
pub(super) const SIDES: [Side; 2] = [Side::Left, Side::Right];
