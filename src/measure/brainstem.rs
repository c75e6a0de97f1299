//! The brainstem from one click, where no label shows it.
//!
//! Level by level the outline is a star about the brainstem's middle: of every ray the place is looked for behind which it is not brain any more (fluid, vessels, bone, enhancing tumour),
//! and a smooth closed line through these places is found by dynamic programming. Where a ray finds no end, in the peduncles to the cerebellum, the line is carried across from where its
//! neighbours end. The levels above and below follow from the one that was clicked on, until the outline is lost or grows beyond what a brainstem is.
use crate::volume::{
    Error, Grid, LabelMap, LabelTable, Structure, Volume, resample_linear, sample_linear,
};
use glam::{DAffine3, DVec3};

/// Rays of a level, and the distance of places along them, mm.
const RAYS: usize = 72;
const STEP_MM: f64 = 0.5;
/// Places of a ray: 2 to 28 mm from the middle.
const NEAREST_MM: f64 = 2.0;
const PLACES: usize = 53;
/// Distance of levels and of samples, mm.
const SAMPLE_MM: f64 = 1.0;
/// How far from the seed the brainstem goes on, mm: sideways, up, down.
const EXTENT_MM: [f64; 3] = [40.0, 48.0, 60.0];
/// Brain is told from the voxels so near to the seed, and fluid and bone from those in a wider ball, mm.
const SEED_MM: f64 = 3.0;
const AROUND_MM: f64 = 30.0;
/// From this unlikeness a place is not brain, 0 to 1.
const UNLIKE: f64 = 0.5;
/// What is unlike by less inside costs nothing: noise and nuclei.
const QUIET: f64 = 0.25;
/// So far beyond the outline what is not brain is looked for, mm.
const BEYOND_MM: f64 = 2.5;
/// Cost of a bend between neighbouring rays, for each mm² of the difference of their lengths, and the greatest difference, in steps.
const BEND: f64 = 0.6;
const MOST_BEND: isize = 2;
/// Cost of another length than on the level before, for each mm², and its most.
const FOLLOW: [f64; 2] = [0.05, 1.0];
/// A brainstem's half width, mm; what is wider costs by the square.
const WIDE_MM: f64 = 20.0;
const WIDER: f64 = 0.05;
/// A ray with a higher cost found no end.
const LOST: f64 = 1.2;
/// The part of the rays that must find an end.
const LEAST_FOUND: f64 = 0.4;
/// Area of a level, mm²: from the cord's to more than that of a large pons.
const AREA_MM2: [f64; 2] = [40.0, 1150.0];
/// Volume that a brainstem in a scan has at least, mm³.
const LEAST_MM3: f64 = 2500.0;

/// Why no brainstem was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BrainstemError {
    /// The point is not in the scan.
    #[error("the point lies outside the scan")]
    Outside,
    /// Fluid, bone or air.
    #[error("the point does not lie in brain tissue; choose one in the middle of the brainstem")]
    NotBrain,
    /// Nothing like a brainstem about it.
    #[error("no brainstem was found about the point; choose one in the middle of the pons")]
    NotFound,
    /// The labels do not fit the scan, or the scan has no voxel.
    #[error(transparent)]
    Volume(#[from] Error),
}

/// Outlines the brainstem about a point in it (RAS mm), on hrT2 or ceT1. With labels, what they hold stays and counts as not brainstem; without, the result holds the brainstem alone.
///
/// On phantoms of both sites and contrasts the Dice coefficient against the true label is 0.82 to 0.92, from points in the pons and in the medulla. The line across the peduncles is a guess, and the
/// midbrain's own peduncles are left out in part.
///
/// # Errors
/// When the point lies outside the scan or not in brain tissue, no brainstem is found, or the labels are not on the scan's grid.
pub fn brainstem_at(
    scan: &Volume,
    seed: DVec3,
    labels: Option<&LabelMap>,
) -> Result<LabelMap, BrainstemError> {
    if !seed.is_finite() || scan.grid().nearest_voxel(seed).is_none() {
        return Err(BrainstemError::Outside);
    }
    if let Some(labels) = labels.filter(|l| l.grid().shape() != scan.grid().shape()) {
        return Err(BrainstemError::Volume(Error::Length {
            expected: scan.grid().len(),
            found: labels.labels().len(),
        }));
    }
    let picture = Picture::about(scan, seed, labels)?;
    let levels = track(&picture, seed)?;
    let table = LabelTable::default();
    let value = table.value(Structure::Brainstem).unwrap_or(3);
    let grid = *scan.grid();
    let mut found = vec![0_u8; grid.len()];
    let mut voxels = 0.0;
    let rows = grid.voxel_from_world().matrix3;
    let centre = grid.voxel_from_world().transform_point3(seed);
    let reach = DVec3::new(EXTENT_MM[0], EXTENT_MM[0], EXTENT_MM[1].max(EXTENT_MM[2])) * 1.2;
    let range = |a: usize| {
        let mm = rows.row(a).abs().dot(reach);
        let last = grid.shape()[a] as f64;
        let low = (centre[a] - mm).clamp(0.0, last);
        low as usize..(centre[a] + mm + 1.0).clamp(0.0, last) as usize
    };
    for k in range(2) {
        for j in range(1) {
            for i in range(0) {
                let p = grid.point_in_world([i, j, k]);
                if levels.holds(p) && picture.unlike(p).is_some_and(|u| u < UNLIKE) {
                    found[grid.index([i, j, k])] = value;
                    voxels += 1.0;
                }
            }
        }
    }
    if voxels * grid.voxel_volume_mm3() < LEAST_MM3 {
        return Err(BrainstemError::NotFound);
    }
    // Labels that are completed learn of nothing else: a model that knows no cochlea would seem to know and to lack it.
    let table = if labels.is_some() {
        LabelTable::new([(value, Structure::Brainstem)])
    } else {
        table
    };
    let found = LabelMap::new(grid, found, table)?;
    Ok(match labels {
        Some(labels) => labels.completed_from(&found)?,
        None => found,
    })
}

/// What stands beside every number that rests on a brainstem outlined from one point (RAS mm).
pub fn brainstem_caution(seed: DVec3) -> String {
    format!(
        "the brainstem was outlined from one point ({:.1}, {:.1}, {:.1}): check it; across the peduncles to the cerebellum its line is a guess",
        seed.x, seed.y, seed.z
    )
}

/// How unlike brain the scan is about a point, 0 to 1, on a grid of its own.
struct Picture {
    grid: Grid,
    unlike: Vec<f32>,
}

impl Picture {
    fn about(
        scan: &Volume,
        seed: DVec3,
        labels: Option<&LabelMap>,
    ) -> Result<Self, BrainstemError> {
        let [side, up, down] = EXTENT_MM;
        let reach = side + 30.0;
        let count = |mm: f64| (mm / SAMPLE_MM).ceil() as usize + 1;
        let shape = [count(2.0 * reach), count(2.0 * reach), count(up + down)];
        let low = seed - DVec3::new(reach, reach, down);
        let grid = Grid::axis_aligned(shape, [SAMPLE_MM; 3], low)?;
        let sampled = resample_linear(scan, &grid, DAffine3::IDENTITY, f32::NAN)?.to_f32();
        let values = smoothed(&sampled, shape);
        let within = |mm: f64| -> Vec<f64> {
            (values.iter().enumerate())
                .filter(|(n, v)| {
                    v.is_finite() && grid.point_in_world(grid.voxel(*n)).distance(seed) <= mm
                })
                .map(|(_, v)| f64::from(*v))
                .collect()
        };
        let mut near = within(SEED_MM);
        let mut around = within(AROUND_MM);
        near.sort_unstable_by(f64::total_cmp);
        around.sort_unstable_by(f64::total_cmp);
        let part = |sorted: &[f64], part: f64| {
            let last = sorted.len().checked_sub(1)?;
            sorted.get((part * last as f64).round() as usize).copied()
        };
        let brain = part(&near, 0.5).ok_or(BrainstemError::Outside)?;
        let of = |p| part(&around, p).ok_or(BrainstemError::Outside);
        let [dark, middle, brightest] = [of(0.05)?, of(0.5)?, of(0.97)?];
        // Most about a brainstem is brain: fluid on hrT2 is far brighter, fluid on ceT1, bone and air are darker.
        let like_most = (0.5 * middle..=1.8 * middle).contains(&brain);
        if !like_most || brain <= 0.0 {
            return Err(BrainstemError::NotBrain);
        }
        let high = brightest.max(1.5 * brain) - brain;
        let low = brain - dark.min(0.6 * brain);
        let unlike = (values.iter().enumerate())
            .map(|(n, v)| {
                if !v.is_finite() {
                    return f32::NAN;
                }
                let labelled = labels.is_some_and(|l| {
                    let voxel = l.grid().nearest_voxel(grid.point_in_world(grid.voxel(n)));
                    voxel.is_some_and(|v| l.labels()[l.grid().index(v)] != 0)
                });
                if labelled {
                    return 1.0;
                }
                let off = f64::from(*v) - brain;
                (off / high).max(-off / low).clamp(0.0, 1.0) as f32
            })
            .collect();
        Ok(Self { grid, unlike })
    }

    /// `None` outside the scan.
    fn unlike(&self, p: DVec3) -> Option<f64> {
        let voxel = self.grid.voxel_from_world().transform_point3(p);
        let value = f64::from(sample_linear(&self.unlike, &self.grid, voxel)?);
        value.is_finite().then_some(value)
    }
}

/// Means of each sample and its neighbours along every axis, weighted 1, 2, 1.
fn smoothed(values: &[f32], [ni, nj, nk]: [usize; 3]) -> Vec<f32> {
    let mut out = values.to_vec();
    for (step, count) in [(1, ni), (ni, nj), (ni * nj, nk)] {
        let before = out.clone();
        for (n, value) in out.iter_mut().enumerate() {
            let at = n / step % count;
            let low = if at > 0 { before[n - step] } else { before[n] };
            let high = if at + 1 < count {
                before[n + step]
            } else {
                before[n]
            };
            *value = (low + 2.0 * before[n] + high) / 4.0;
        }
    }
    out
}

/// The outline on one level.
#[derive(Debug, Clone)]
struct Level {
    middle: DVec3,
    /// Length of each ray, mm.
    radii: Vec<f64>,
    /// Part of the rays that found an end.
    found: f64,
}

impl Level {
    fn area_mm2(&self) -> f64 {
        let turn = std::f64::consts::TAU / RAYS as f64;
        (0..RAYS)
            .map(|n| 0.5 * turn.sin() * self.radii[n] * self.radii[(n + 1) % RAYS])
            .sum()
    }

    fn centroid(&self) -> DVec3 {
        let (mut sum, mut weight) = (DVec3::ZERO, 0.0);
        for (n, r) in self.radii.iter().enumerate() {
            sum += ray(n) * (r * r * r / 3.0);
            weight += r * r / 2.0;
        }
        self.middle + sum / weight
    }

    fn radius_at(&self, angle: f64) -> f64 {
        let at = angle.rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU * RAYS as f64;
        let n = at as usize % RAYS;
        let t = at.fract();
        self.radii[n] * (1.0 - t) + self.radii[(n + 1) % RAYS] * t
    }
}

fn ray(n: usize) -> DVec3 {
    let angle = n as f64 * std::f64::consts::TAU / RAYS as f64;
    DVec3::new(angle.cos(), angle.sin(), 0.0)
}

fn length_mm(place: usize) -> f64 {
    NEAREST_MM + place as f64 * STEP_MM
}

/// Levels from below upwards, [`SAMPLE_MM`] apart.
struct Levels(Vec<Level>);

impl Levels {
    fn holds(&self, p: DVec3) -> bool {
        let Some(first) = self.0.first() else {
            return false;
        };
        let at = (p.z - first.middle.z) / SAMPLE_MM;
        if !(at > -0.5 && at < self.0.len() as f64 - 0.5) {
            return false;
        }
        let at = at.clamp(0.0, (self.0.len() - 1) as f64);
        let low = at as usize;
        let high = (low + 1).min(self.0.len() - 1);
        let t = at.fract();
        let (a, b) = (&self.0[low], &self.0[high]);
        let off = p - a.middle.lerp(b.middle, t);
        let angle = off.y.atan2(off.x);
        let radius = a.radius_at(angle) * (1.0 - t) + b.radius_at(angle) * t;
        off.x.hypot(off.y) <= radius
    }
}

fn track(picture: &Picture, seed: DVec3) -> Result<Levels, BrainstemError> {
    let mut first = outline(picture, seed, None).ok_or(BrainstemError::Outside)?;
    // The click need not be in the middle.
    for _ in 0..4 {
        let middle = first.centroid();
        first = outline(picture, middle, None).ok_or(BrainstemError::NotFound)?;
    }
    if !fits(&first) {
        return Err(BrainstemError::NotFound);
    }
    let follow = |direction: f64, extent_mm: f64| {
        let mut levels: Vec<Level> = vec![first.clone()];
        while (levels.len() as f64) * SAMPLE_MM <= extent_mm {
            let Some(before) = levels.last() else { break };
            let middle = before.centroid() + DVec3::Z * (direction * SAMPLE_MM);
            match outline(picture, middle, Some(before)) {
                Some(level) if fits(&level) => levels.push(level),
                _ => break,
            }
        }
        levels.split_off(1)
    };
    let mut levels = follow(-1.0, EXTENT_MM[2]);
    levels.reverse();
    levels.push(first.clone());
    levels.extend(follow(1.0, EXTENT_MM[1]));
    Ok(Levels(levels))
}

/// Whether a level can be one of a brainstem.
fn fits(level: &Level) -> bool {
    level.found >= LEAST_FOUND && (AREA_MM2[0]..=AREA_MM2[1]).contains(&level.area_mm2())
}

/// The best closed line about a middle; `None` where the scan does not reach.
fn outline(picture: &Picture, middle: DVec3, before: Option<&Level>) -> Option<Level> {
    let beyond = (BEYOND_MM / STEP_MM) as usize;
    let mut costs = vec![[0.0_f64; PLACES]; RAYS];
    let mut ends = vec![[0.0_f64; PLACES]; RAYS];
    let mut missing = 0;
    for n in 0..RAYS {
        let unlike = |mm: f64| picture.unlike(middle + ray(n) * mm);
        let mut inside: f64 = (0..(NEAREST_MM / STEP_MM) as usize)
            .map(|s| (unlike(s as f64 * STEP_MM).unwrap_or(1.0) - QUIET).max(0.0) * STEP_MM)
            .sum();
        let along: Vec<f64> = (0..PLACES + beyond)
            .map(|p| unlike(length_mm(p)).unwrap_or(1.0))
            .collect();
        missing += usize::from(unlike(length_mm(0)).is_none());
        for place in 0..PLACES {
            let outside: f64 = along[place..place + beyond]
                .iter()
                .map(|u| (1.0 - u) * STEP_MM)
                .sum();
            let wide = (length_mm(place) - WIDE_MM).max(0.0);
            let other = before.map_or(0.0, |b| {
                let d = length_mm(place) - b.radii[n];
                (FOLLOW[0] * d * d).min(FOLLOW[1])
            });
            ends[n][place] = inside + outside;
            costs[n][place] = inside + outside + WIDER * wide * wide + other;
            inside += (along[place] - QUIET).max(0.0) * STEP_MM;
        }
    }
    if missing * 4 > RAYS {
        return None;
    }
    let places = closed_line(&costs);
    let found = (0..RAYS).filter(|&n| ends[n][places[n]] < LOST).count();
    Some(Level {
        middle,
        radii: places.iter().map(|&p| length_mm(p)).collect(),
        found: found as f64 / RAYS as f64,
    })
}

/// The place of each ray on the cheapest closed line: dynamic programming over three turns, of which the middle one is closed well enough.
fn closed_line(costs: &[[f64; PLACES]]) -> Vec<usize> {
    let turns = 3 * RAYS;
    let mut total = costs[0];
    let mut from = vec![[0_usize; PLACES]; turns];
    for n in 1..turns {
        let before = total;
        for place in 0..PLACES {
            let mut best = (f64::INFINITY, place);
            for bend in -MOST_BEND..=MOST_BEND {
                let Some(other) = place.checked_add_signed(bend).filter(|&o| o < PLACES) else {
                    continue;
                };
                let mm = bend as f64 * STEP_MM;
                let cost = before[other] + BEND * mm * mm;
                if cost < best.0 {
                    best = (cost, other);
                }
            }
            total[place] = best.0 + costs[n % RAYS][place];
            from[n][place] = best.1;
        }
    }
    let mut place = (0..PLACES)
        .min_by(|&a, &b| total[a].total_cmp(&total[b]))
        .unwrap_or(0);
    let mut places = vec![0; RAYS];
    for n in (0..turns).rev() {
        if (RAYS..2 * RAYS).contains(&n) {
            places[n - RAYS] = place;
        }
        place = from[n][place];
    }
    places
}
