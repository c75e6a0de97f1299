//! Rigid alignment of two scans of one head, of one contrast or of two.
//!
//! The agreement is mutual information; four resolutions, coarse to fine. The coarsest is searched from the headers, the scans' centres and
//! masses and, where both scans have outlines, the cochleae, in several turns each. The last two look only at what lies deep and
//! shows no fat, and most closely at the petrous bones, which do not move against each other. What then remains at each ear is measured by another search, and decides whether the scans may be linked.
mod ears;
mod interior;
mod level;
mod metric;
mod residual;
mod verdict;

use super::{LabelMap, Observe, Progress, Volume};
use ears::{Ears, Tumours};
use glam::{DAffine3, DMat3, DQuat, DVec3};
use interior::{Brightest, Interior};
use level::{Level, pyramid};
use metric::{Agreement, Sampling, refine};
use residual::Aligned;
use thiserror::Error as ThisError;
use verdict::Evidence;
pub use verdict::{EarResidual, Landmark, Refusal, Verdict};

/// Why an alignment was not made.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum RegisterError {
    /// The scans share too little to be compared.
    #[error("the two scans overlap too little to be aligned")]
    NoOverlap,
    /// A scan has no structure to align by.
    #[error("a scan is constant or empty and cannot be aligned")]
    NoContrast,
    /// Outlines that do not belong to their scan.
    #[error("the outlines lie on another grid than their scan")]
    OtherGrid,
    /// The scans were aligned, but not so well that they may be linked.
    #[error("{}", verdict::in_words(.0))]
    Refused(Vec<Refusal>),
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}

/// The rigid transform between two visits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    /// Takes a point of the fixed scan's patient space (RAS mm) to the moving scan's.
    pub world_moving_from_world_fixed: DAffine3,
    /// How well one scan's intensities follow from the other's before alignment, 0 to 1: the root of the correlation ratio (Roche 1998),
    /// which for scans of one contrast is close to their correlation.
    pub similarity_before: f64,
    /// The same after alignment.
    pub similarity_after: f64,
    /// Whether the scans show one contrast.
    pub one_contrast: bool,
}

impl Registration {
    /// The similarity below which two scans are never called aligned.
    pub const MIN_SIMILARITY: f64 = 0.5;

    /// Whether the intensities match at all. [`VisitAlignment::linked`] asks more.
    pub fn is_aligned(&self) -> bool {
        self.similarity_after >= Self::MIN_SIMILARITY
    }
}

/// A scan to be aligned, with its outlines where there are some.
#[derive(Debug, Clone, Copy)]
pub struct ToAlign<'a> {
    /// The scan.
    pub scan: &'a Volume,
    /// Its outlines, on its own grid: cochleae are landmarks, tumours are left out.
    pub labels: Option<&'a LabelMap>,
}

impl ToAlign<'_> {
    fn is_on_one_grid(&self) -> bool {
        let matches = |l: &LabelMap| l.grid().matches(self.scan.grid(), 1e-2);
        self.labels.is_none_or(matches)
    }

    /// Longest edge of a voxel, mm.
    fn longest_edge_mm(&self) -> f64 {
        self.scan
            .grid()
            .spacing_mm()
            .into_iter()
            .fold(0.0, f64::max)
    }
}

impl<'a> From<&'a Volume> for ToAlign<'a> {
    fn from(scan: &'a Volume) -> Self {
        Self { scan, labels: None }
    }
}

/// An alignment and what is known of its quality.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitAlignment {
    /// The transform.
    pub registration: Registration,
    /// Mutual information of the intensities after alignment, nats, in the part of the head that is looked at.
    pub information: f64,
    /// Share of that part which the moving scan covers, 0 to 1.
    pub overlap: f64,
    /// Whether the two are one and the same scan: nothing can be said about change.
    pub same_scan: bool,
    /// What remains at each ear.
    pub residuals: Vec<EarResidual>,
    /// Whether the two may be linked.
    pub verdict: Verdict,
}

impl VisitAlignment {
    /// The transform where the scans may be linked.
    ///
    /// # Errors
    /// [`RegisterError::Refused`] where they may not.
    pub fn linked(&self) -> Result<Registration, RegisterError> {
        match &self.verdict {
            Verdict::Aligned => Ok(self.registration),
            Verdict::NotAligned(reasons) => Err(RegisterError::Refused(reasons.clone())),
        }
    }

    /// The residual at the worse ear, mm; none where neither ear showed enough.
    pub fn residual_mm(&self) -> Option<f64> {
        let mm = self.residuals.iter().map(|r| r.block_mm);
        mm.reduce(f64::max)
    }
}

/// Points that a step looks at, at each resolution.
const POINTS: [usize; 4] = [6_000, 25_000, 60_000, 100_000];
/// Points of the finest where the cochleae are known: about the left, about the right, elsewhere.
const EAR_POINTS: [usize; 3] = [25_000, 25_000, 50_000];
/// Correlation from which two scans are of one contrast: phantoms of one lie above 0.8, of two below 0.2.
const ONE_CONTRAST: f64 = 0.35;
/// Where fewer points than these are usable, everything but tumours is looked at.
const FEWEST_USABLE: usize = 2_000;
/// Most steps at each resolution.
const STEPS: [usize; 4] = [14, 25, 25, 40];
/// Turns of the coarsest starts about each axis, degrees.
const TURN_DEGREES: f64 = 14.0;
/// Starts that go on to the second resolution.
const KEPT_STARTS: usize = 4;

/// Aligns `moving` to `fixed` by a rotation and a translation.
///
/// # Errors
/// When the scans do not overlap, have no contrast, outlines lie on another grid, or the observer stops the work. An alignment that came out
/// badly is no error; its verdict says so.
pub fn register_rigid(
    fixed: ToAlign<'_>,
    moving: ToAlign<'_>,
    observe: &mut Observe<'_>,
) -> Result<VisitAlignment, RegisterError> {
    let mut report = |fraction: f32| {
        let stage = "aligning the visits";
        match observe(Progress { stage, fraction }) {
            std::ops::ControlFlow::Continue(()) => Ok(()),
            std::ops::ControlFlow::Break(()) => Err(RegisterError::Cancelled),
        }
    };
    if !fixed.is_on_one_grid() || !moving.is_on_one_grid() {
        return Err(RegisterError::OtherGrid);
    }
    report(0.0)?;
    let fixed_pyramid = pyramid(fixed.scan)?;
    report(0.15)?;
    let moving_pyramid = pyramid(moving.scan)?;
    report(0.3)?;
    let (fixed_levels, moving_levels) = (&fixed_pyramid.levels, &moving_pyramid.levels);
    let ears = [fixed.labels, moving.labels].map(|l| l.map_or(Ears::default(), Ears::of));
    let mut transform = search(
        (fixed_levels, &ears[0]),
        (moving_levels, &ears[1]),
        &mut report,
    )?;
    report(0.6)?;
    let tumours = Tumours::of(&fixed, &moving);
    let interiors = [&fixed_pyramid, &moving_pyramid].map(Interior::of);
    let both_fluid = interiors.iter().all(|i| i.brightest == Brightest::Fluid);
    let usable = |p: DVec3, transform: DAffine3| {
        let [of_fixed, of_moving] = &interiors;
        // Where both show fluid, the other's need not be asked: its place is what is looked for.
        of_fixed.takes(p)
            && (both_fluid || of_moving.takes(transform.transform_point3(p)))
            && !tumours.cover(p, transform)
    };
    let points = |level: usize, counts: &[usize], ears: &Ears, transform: DAffine3| {
        let rest = counts.len() - 1;
        let region = |p: DVec3| ears.region(p).filter(|_| rest > 0).unwrap_or(rest);
        let salt = 10 * level as u64;
        let found = Sampling::new(&fixed_levels[level], counts, salt, |p| {
            usable(p, transform).then(|| region(p))
        });
        if found.len() >= FEWEST_USABLE {
            return found;
        }
        Sampling::new(&fixed_levels[level], counts, salt, |p| {
            (!tumours.cover(p, transform)).then(|| region(p))
        })
    };
    let inner = points(2, &[POINTS[2]], &Ears::default(), transform);
    let (found, agreement) = refine(&inner, &moving_levels[2], transform, STEPS[2], true)
        .ok_or(RegisterError::NoOverlap)?;
    transform = found;
    let one_contrast = agreement.correlation() >= ONE_CONTRAST;
    report(0.75)?;
    let [.., finest_fixed] = fixed_levels;
    let [.., finest_moving] = moving_levels;
    let known = ears[0].joined(&ears[1], transform);
    let counts: &[usize] = if known.any() && one_contrast {
        &EAR_POINTS
    } else {
        &[POINTS[3]]
    };
    let about_ears = points(3, counts, &known, transform);
    if let Some((found, _)) = refine(&about_ears, finest_moving, transform, STEPS[3], true) {
        transform = found;
    }
    report(0.9)?;
    let seen = |p: DVec3| {
        let q = transform.transform_point3(p);
        moving.scan.grid().nearest_voxel(q).is_some()
    };
    let aligned = Aligned {
        fixed: finest_fixed,
        moving: finest_moving,
        world_moving_from_world_fixed: transform,
        one_contrast,
        usable: &|p| seen(p) && usable(p, transform),
    };
    let within: Vec<DVec3> = inner.points_in_world().filter(|p| seen(*p)).collect();
    let residuals = aligned.residuals(&ears[0], &ears[1], &within);
    let before = Agreement::new(&inner, &moving_levels[2], DAffine3::IDENTITY);
    let evidence = Evidence {
        residuals: &residuals,
        information: agreement.information,
        one_contrast,
        voxel_mm: fixed.longest_edge_mm().max(moving.longest_edge_mm()),
    };
    let verdict = evidence.verdict();
    Ok(VisitAlignment {
        registration: Registration {
            world_moving_from_world_fixed: transform,
            similarity_before: before.map_or(0.0, |a| a.similarity()),
            similarity_after: agreement.similarity(),
            one_contrast,
        },
        information: agreement.information,
        overlap: agreement.overlap,
        same_scan: fixed.scan == moving.scan,
        residuals,
        verdict,
    })
}

/// A level of both scans' pyramid, and their cochleae.
type Searched<'a> = (&'a [Level; 4], &'a Ears);

/// The best transform at the second resolution.
fn search(
    (fixed, fixed_ears): Searched<'_>,
    (moving, moving_ears): Searched<'_>,
    report: &mut dyn FnMut(f32) -> Result<(), RegisterError>,
) -> Result<DAffine3, RegisterError> {
    let middle = fixed[0].grid.centre_in_world();
    let centres = moving[0].grid.centre_in_world() - middle;
    let masses = moving[0].centre_of_mass() - fixed[0].centre_of_mass();
    let shifts = [DVec3::ZERO, centres, masses];
    let mut bases: Vec<DAffine3> = shifts.map(DAffine3::from_translation).to_vec();
    let mut pivot = middle;
    if let Some((base, between)) = fixed_ears.onto(moving_ears) {
        bases = vec![base];
        pivot = between;
    }
    let all = |level: usize, count: usize| {
        Sampling::new(&fixed[level], &[count], 100 + level as u64, |_| Some(0))
    };
    let points = all(0, POINTS[0]);
    let mut found: Vec<(f64, DAffine3)> = Vec::new();
    for base in bases {
        let turns = DMat3::IDENTITY.to_cols_array_2d().map(DVec3::from_array);
        let turns = turns.iter().flat_map(|a| [*a, -*a]).chain([DVec3::ZERO]);
        for turn in turns {
            let turn = DQuat::from_scaled_axis(turn * TURN_DEGREES.to_radians());
            let about = DAffine3::from_translation(pivot)
                * DAffine3::from_quat(turn)
                * DAffine3::from_translation(-pivot);
            if let Some((transform, agreement)) =
                refine(&points, &moving[0], base * about, STEPS[0], true)
            {
                found.push((agreement.score(), transform));
            }
        }
        report(0.4)?;
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Starts that met are one.
    let mut kept: Vec<DAffine3> = Vec::new();
    for (_, transform) in found {
        let apart = |other: &DAffine3| {
            let corners = fixed[0].grid.corners_in_world();
            let moved = |p: &DVec3| {
                transform
                    .transform_point3(*p)
                    .distance(other.transform_point3(*p))
            };
            corners.iter().map(moved).fold(0.0, f64::max) > 6.0
        };
        if kept.len() < KEPT_STARTS && kept.iter().all(apart) {
            kept.push(transform);
        }
    }
    let points = all(1, POINTS[1]);
    let mut best: Option<(f64, DAffine3)> = None;
    for start in kept {
        if let Some((transform, agreement)) = refine(&points, &moving[1], start, STEPS[1], true)
            && best.is_none_or(|(score, _)| agreement.score() > score)
        {
            best = Some((agreement.score(), transform));
        }
        report(0.5)?;
    }
    best.map(|(_, t)| t).ok_or(RegisterError::NoOverlap)
}

#[cfg(test)]
mod tests;
