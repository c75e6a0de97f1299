//! What remains at each ear after alignment, by a search of its own.
use super::{
    ears::{Ears, SIDES},
    level::Level,
    metric::{Agreement, Sampling, refine},
    verdict::{EarResidual, Landmark},
};
use crate::volume::Side;
use glam::{DAffine3, DVec3};

/// Radii of the block about an ear, mm: the wider where the narrower shows too little, and for scans of two contrasts.
const BLOCK_MM: [f64; 2] = [18.0, 32.0];
/// Most and fewest points of a block.
const POINTS: usize = 4_000;
const FEWEST_POINTS: usize = 400;
/// Reach of the search in steps along each axis, and the step, mm.
const REACH: i32 = 3;
const STEP_MM: f64 = 1.5;
/// Most steps from where the search was best.
const STEPS: usize = 20;

/// What the residuals are measured on.
pub(super) struct Aligned<'a> {
    pub(super) fixed: &'a Level,
    pub(super) moving: &'a Level,
    pub(super) world_moving_from_world_fixed: DAffine3,
    /// Whether the scans are of one contrast.
    pub(super) one_contrast: bool,
    /// Whether a point of the fixed scan takes part.
    pub(super) usable: &'a (dyn Fn(DVec3) -> bool + Sync),
}

impl Aligned<'_> {
    /// What remains at each side. Where no cochlea is known, a block in that half of `points` (world mm) stands for it.
    pub(super) fn residuals(
        &self,
        fixed_ears: &Ears,
        moving_ears: &Ears,
        points: &[DVec3],
    ) -> Vec<EarResidual> {
        let transform = self.world_moving_from_world_fixed;
        let known = fixed_ears.joined(moving_ears, transform);
        (SIDES.iter().enumerate())
            .filter_map(|(n, &side)| {
                let (landmark, point_mm) = match known.0[n] {
                    Some(point) => (Landmark::Cochlea, point),
                    None => (Landmark::Half, half(points, side)?),
                };
                let both = fixed_ears.0[n].zip(moving_ears.0[n]);
                Some(EarResidual {
                    side,
                    landmark,
                    point_mm,
                    block_mm: self.block(landmark, point_mm)?,
                    centroid_mm: both.map(|(f, m)| transform.transform_point3(f).distance(m)),
                })
            })
            .collect()
    }

    /// Moves a block about a point by whole steps, then freely from the best of them and from where it is, and tells how far from here it
    /// matches best, mm. `None` when it shows too little.
    fn block(&self, landmark: Landmark, centre: DVec3) -> Option<f64> {
        let transform = self.world_moving_from_world_fixed;
        let sampling = |mm: f64| {
            let inside = |p: DVec3| (centre.distance(p) <= mm && (self.usable)(p)).then_some(0);
            let mut points = Sampling::new(self.fixed, &[POINTS], 77, inside);
            points.least_overlap = 0.5;
            (points.len() >= FEWEST_POINTS).then_some(points)
        };
        let [narrow, wide] = BLOCK_MM;
        let points = if self.one_contrast && landmark == Landmark::Cochlea {
            sampling(narrow).or_else(|| sampling(wide))?
        } else {
            sampling(wide)?
        };
        let at = |offset: DVec3| DAffine3::from_translation(offset) * transform;
        let mut best: Option<(f64, DVec3)> = None;
        let steps = || -REACH..=REACH;
        for (x, y, z) in
            steps().flat_map(|x| steps().flat_map(move |y| steps().map(move |z| (x, y, z))))
        {
            let offset = DVec3::new(f64::from(x), f64::from(y), f64::from(z)) * STEP_MM;
            if let Some(found) = Agreement::new(&points, self.moving, at(offset))
                && best.is_none_or(|(b, _)| found.information > b)
            {
                best = Some((found.information, offset));
            }
        }
        let (_, offset) = best?;
        let ends = [at(offset), transform]
            .into_iter()
            .filter_map(|start| refine(&points, self.moving, start, STEPS, false));
        let (moved, _) = ends.max_by(|a, b| a.1.information.total_cmp(&b.1.information))?;
        let here = transform.transform_point3(centre);
        Some(moved.transform_point3(centre).distance(here))
    }
}

/// The middle of the points of one half of the head.
fn half(points: &[DVec3], side: Side) -> Option<DVec3> {
    let mean = |points: &mut dyn Iterator<Item = DVec3>| {
        let (sum, count) = points.fold((DVec3::ZERO, 0.0), |(s, n), p| (s + p, n + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let middle = mean(&mut points.iter().copied())?;
    let right = side == Side::Right;
    mean(&mut (points.iter().copied()).filter(|p| (p.x > middle.x) == right))
}
