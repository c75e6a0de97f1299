//! The solid within the contours of a real tumour, placed in a phantom's head.
use super::{anatomy::Ear, shape::LIPSCHITZ};
use crate::volume::{Outline, OutlinePlane, Side};
use glam::{DMat3, DVec2, DVec3};
use std::sync::Arc;

/// Distance of the samples, mm; wider for a tumour too large for `MOST_SAMPLES`.
const STEP: f64 = 0.5;
/// Most samples of one solid.
const MOST_SAMPLES: f64 = 4e6;
/// Room about the contours in which distances are sampled, mm.
const ROOM: f64 = 3.0;
/// Distance of the samples by which the part beyond the porus is measured, mm.
const BALL_STEP: f64 = 0.75;
/// A part beyond the porus that is smaller counts as none, mm³.
const LEAST_BALL_MM3: f64 = 4.0;

/// Signed distances sampled about the contours, mm, in a frame whose z axis is the normal of the planes.
#[derive(Debug)]
struct Samples {
    low: DVec3,
    step: f64,
    count: [usize; 3],
    distance: Vec<f32>,
}

/// A real tumour in a head: grows and shrinks about the porus.
#[derive(Debug, Clone)]
pub(super) struct Outlined {
    /// Name of the outline.
    name: Arc<str>,
    samples: Arc<Samples>,
    porus: DVec3,
    cochlea: DVec3,
    /// From the head's axes to those of the samples, mirrored where the sides differ.
    samples_from_head: DMat3,
    /// The ball of the same volume as the part beyond the porus at scale 1: centre relative to the porus, and radius.
    ball: (DVec3, f64),
}

impl Outlined {
    /// Name of the outline.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Places an outline so that its cochlea lies in the phantom's; `None` when it has fewer than two planes or no extent.
    pub(super) fn new(outline: &Outline, side: Side, ear: &Ear) -> Option<Self> {
        let normal = outline.normal.try_normalize()?;
        let u = normal.any_orthonormal_vector();
        let from_outline = DMat3::from_cols(u, normal.cross(u), normal).transpose();
        let mirror = if outline.side == side { 1.0 } else { -1.0 };
        let mut placed = Self {
            name: outline.name.as_str().into(),
            samples: Arc::new(Samples::new(outline, from_outline)?),
            porus: ear.canal.porus,
            cochlea: ear.cochlea.centre(),
            samples_from_head: from_outline * DMat3::from_diagonal(DVec3::new(mirror, 1.0, 1.0)),
            ball: (DVec3::ZERO, 0.0),
        };
        placed.ball = placed.measured(|p| ear.canal.beyond_porus(p));
        Some(placed)
    }

    /// Centre relative to the porus and radius of the ball of the part where `beyond` is positive.
    fn measured(&self, beyond: impl Fn(DVec3) -> f64) -> (DVec3, f64) {
        let [low, high] = self.bounds(1.0);
        let n = ((high - low) / BALL_STEP).ceil();
        let (mut sum, mut inside) = (DVec3::ZERO, 0.0);
        for k in 0..n.z as usize {
            for j in 0..n.y as usize {
                for i in 0..n.x as usize {
                    let p = low + (DVec3::new(i as f64, j as f64, k as f64) + 0.5) * BALL_STEP;
                    if beyond(p) > 0.0 && self.distance(p, 1.0) < 0.0 {
                        sum += p;
                        inside += 1.0;
                    }
                }
            }
        }
        let volume = inside * BALL_STEP.powi(3);
        if volume < LEAST_BALL_MM3 {
            return (DVec3::ZERO, 0.0);
        }
        let radius = (volume * 0.75 / std::f64::consts::PI).cbrt();
        (sum / inside - self.porus, radius)
    }

    /// Centre and radius of the ball at a scale about the porus.
    pub(super) fn ball(&self, scale: f64) -> (DVec3, f64) {
        let (centre, radius) = self.ball;
        (self.porus + centre * scale, radius * scale)
    }

    /// Distance to the surface at a scale about the porus, head frame, mm.
    pub(super) fn distance(&self, p: DVec3, scale: f64) -> f64 {
        let scale = scale.max(1e-3);
        let at = self.porus + (p - self.porus) / scale;
        scale
            * self
                .samples
                .distance(self.samples_from_head * (at - self.cochlea))
    }

    /// Where a ray from `from`, inside, first leaves the tumour.
    pub(super) fn surface(&self, from: DVec3, direction: DVec3, scale: f64) -> DVec3 {
        let mut p = from;
        for _ in 0..60 {
            let d = self.distance(p, scale);
            if d > -0.01 {
                break;
            }
            p -= direction * (d / LIPSCHITZ);
        }
        p
    }

    /// A box of the head frame that holds the tumour at a scale.
    pub(super) fn bounds(&self, scale: f64) -> [DVec3; 2] {
        let head_from_samples = self.samples_from_head.transpose();
        let [low, high] = self.samples.bounds();
        let mut bounds = [DVec3::INFINITY, DVec3::NEG_INFINITY];
        for corner in 0..8_u8 {
            let pick = |bit: u8, a: f64, b: f64| if corner & bit == 0 { a } else { b };
            let at = DVec3::new(
                pick(1, low.x, high.x),
                pick(2, low.y, high.y),
                pick(4, low.z, high.z),
            );
            let p = self.cochlea + head_from_samples * at;
            let p = self.porus + (p - self.porus) * scale;
            bounds = [bounds[0].min(p), bounds[1].max(p)];
        }
        bounds
    }
}

/// Signed distance to a polygon of a plane, negative inside (even-odd rule).
fn polygon_distance(p: DVec2, polygon: &[DVec2]) -> f64 {
    let Some(&last) = polygon.last() else {
        return f64::INFINITY;
    };
    let (mut least, mut inside, mut a) = (f64::INFINITY, false, last);
    for &b in polygon {
        let (edge, v) = (b - a, p - a);
        let t = (v.dot(edge) / edge.length_squared().max(1e-12)).clamp(0.0, 1.0);
        least = least.min((v - edge * t).length_squared());
        if (a.y > p.y) != (b.y > p.y) && p.x < a.x + edge.x * (p.y - a.y) / edge.y {
            inside = !inside;
        }
        a = b;
    }
    if inside { -least.sqrt() } else { least.sqrt() }
}

impl Samples {
    /// Shape-based interpolation (Raya and Udupa 1990): the signed distance within each plane is interpolated between planes. The solid
    /// reaches half the spacing beyond the first and the last plane.
    fn new(outline: &Outline, from_outline: DMat3) -> Option<Self> {
        let half = 0.5 * outline.spacing_mm();
        let planes: Vec<Vec<Vec<DVec2>>> = outline
            .planes
            .iter()
            .map(|plane| flat(plane, from_outline))
            .collect();
        let offsets: Vec<f64> = outline.planes.iter().map(|p| p.offset).collect();
        let (first, last) = (*offsets.first()?, *offsets.last()?);
        let mut low = DVec2::INFINITY.extend(first - half);
        let mut high = DVec2::NEG_INFINITY.extend(last + half);
        for p in planes.iter().flatten().flatten() {
            low = low.min(p.extend(low.z));
            high = high.max(p.extend(high.z));
        }
        if offsets.len() < 2 || !(high - low).is_finite() || (high - low).min_element() <= 0.0 {
            return None;
        }
        low -= ROOM;
        high += ROOM;
        let extent = high - low;
        let step = STEP.max((extent.element_product() / MOST_SAMPLES).cbrt());
        let count = (extent / step).to_array().map(|n| n.ceil() as usize + 1);
        let [nu, nv, nw] = count;
        let in_plane: Vec<Vec<f32>> = planes
            .iter()
            .map(|contours| {
                let at =
                    |n: usize| low.truncate() + DVec2::new((n % nu) as f64, (n / nu) as f64) * step;
                let distance = |n: usize| {
                    let of = contours.iter().map(|c| polygon_distance(at(n), c));
                    of.fold(f64::INFINITY, f64::min) as f32
                };
                (0..nu * nv).map(distance).collect()
            })
            .collect();
        let mut distance = Vec::with_capacity(nu * nv * nw);
        for k in 0..nw {
            let w = low.z + k as f64 * step;
            let below = offsets.partition_point(|&o| o <= w).max(1) - 1;
            let above = (below + 1).min(offsets.len() - 1);
            let gap = (offsets[above] - offsets[below]).max(1e-9);
            let t = ((w - offsets[below]) / gap).clamp(0.0, 1.0) as f32;
            let beyond = (first - w).max(w - last) - half;
            for (a, b) in in_plane[below].iter().zip(&in_plane[above]) {
                distance.push((a + (b - a) * t).max(beyond as f32));
            }
        }
        let mut samples = Self {
            low,
            step,
            count,
            distance,
        };
        samples.make_distances();
        Some(samples)
    }

    /// Makes distances of the interpolated values, which are too steep where contours of neighbouring planes differ much: divided by their
    /// slope near the surface, and nowhere further from it than by way of the neighbours.
    fn make_distances(&mut self) {
        let [nu, nv, nw] = self.count;
        let stride = [1, nu, nu * nv];
        let mut outside = vec![0.0_f32; self.distance.len()];
        let mut inside = outside.clone();
        for n in 0..self.distance.len() {
            let place = [n % nu, n / nu % nv, n / (nu * nv)];
            let mut square = 0.0;
            for axis in 0..3 {
                let back = if place[axis] > 0 { stride[axis] } else { 0 };
                let on = if place[axis] + 1 < self.count[axis] {
                    stride[axis]
                } else {
                    0
                };
                let run = (back + on) as f32 / stride[axis] as f32 * self.step as f32;
                let slope = (self.distance[n + on] - self.distance[n - back]) / run.max(1e-6);
                square += slope * slope;
            }
            let d = self.distance[n] / square.sqrt().max(1.0);
            outside[n] = d.max(0.0);
            inside[n] = (-d).max(0.0);
        }
        sweep([nu, nv, nw], self.step as f32, &mut outside);
        sweep([nu, nv, nw], self.step as f32, &mut inside);
        self.distance = outside.iter().zip(&inside).map(|(o, i)| o - i).collect();
    }

    fn bounds(&self) -> [DVec3; 2] {
        let last = DVec3::from_array(self.count.map(|n| (n - 1) as f64));
        [self.low, self.low + last * self.step]
    }

    /// Trilinear; outside the samples the distance to their box is added.
    fn distance(&self, p: DVec3) -> f64 {
        let [low, high] = self.bounds();
        let within = p.clamp(low, high);
        let at = (within - self.low) / self.step;
        let [nu, nv, _] = self.count;
        let cell = [0, 1, 2].map(|n| (at[n] as usize).min(self.count[n] - 2));
        let f = at - DVec3::from_array(cell.map(|n| n as f64));
        let first = cell[0] + nu * (cell[1] + nv * cell[2]);
        let value = |n: usize| f64::from(self.distance[n]);
        let row = |n: usize| value(n) + (value(n + 1) - value(n)) * f.x;
        let layer = |n: usize| row(n) + (row(n + nu) - row(n)) * f.y;
        let (a, b) = (layer(first), layer(first + nu * nv));
        a + (b - a) * f.z + 0.9 * within.distance(p)
    }
}

/// Two passes of a chamfer transform: no sample exceeds a neighbour's by more than their distance.
fn sweep([nu, nv, nw]: [usize; 3], step: f32, values: &mut [f32]) {
    let mut earlier = Vec::new();
    for dw in -1..=0_isize {
        for dv in -1..=1_isize {
            for du in -1..=1_isize {
                let [u, v, w] = [nu as isize, nv as isize, 1];
                if dw * 9 + dv * 3 + du < 0 {
                    let length = ((du * du + dv * dv + dw * dw) as f32).sqrt() * step;
                    earlier.push(([du, dv, dw], du * w + dv * u + dw * u * v, length));
                }
            }
        }
    }
    let mut visit = |n: usize, sign: isize| {
        let place = [n % nu, n / nu % nv, n / (nu * nv)];
        for &(d, by, length) in &earlier {
            let there = |axis: usize, size: usize| {
                place[axis]
                    .checked_add_signed(sign * d[axis])
                    .is_some_and(|x| x < size)
            };
            if there(0, nu) && there(1, nv) && there(2, nw) {
                let other = values[n.wrapping_add_signed(sign * by)];
                values[n] = values[n].min(other + length);
            }
        }
    };
    let total = nu * nv * nw;
    (0..total).for_each(|n| visit(n, 1));
    (0..total).rev().for_each(|n| visit(n, -1));
}

/// The contours of a plane in the frame of the samples.
fn flat(plane: &OutlinePlane, from_outline: DMat3) -> Vec<Vec<DVec2>> {
    let turned = |c: &Vec<DVec3>| c.iter().map(|&p| (from_outline * p).truncate()).collect();
    plane.contours.iter().map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{anatomy::Anatomy, shape::volume_mm3};
    use super::*;

    /// A ball of 8 mm radius, contoured every 1.5 mm, 20 mm medial of a left cochlea.
    fn ball() -> Outline {
        let planes = (-5..=5).map(|n| {
            let offset = 1.5 * f64::from(n);
            let radius = (64.0 - offset * offset).sqrt();
            let point = |i: u32| {
                let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 90.0).sin_cos();
                DVec3::new(20.0 + radius * cos, radius * sin, offset)
            };
            OutlinePlane {
                offset,
                contours: vec![(0..90).map(point).collect()],
            }
        });
        Outline {
            name: "ball".to_owned(),
            side: Side::Left,
            normal: DVec3::Z,
            planes: planes.collect(),
        }
    }

    fn volume(o: &Outlined, scale: f64) -> f64 {
        volume_mm3(|p| o.distance(p, scale), o.bounds(scale), 0.3)
    }

    #[test]
    fn solid_of_contours_is_the_ball_that_was_cut() {
        let anatomy = Anatomy::new(1);
        for side in [Side::Left, Side::Right] {
            let ear = anatomy.ear(side);
            let o = Outlined::new(&ball(), side, ear).expect("a solid");
            let exact = 4.0 / 3.0 * std::f64::consts::PI * 512.0;
            assert!((volume(&o, 1.0) / exact - 1.0).abs() < 0.03);
            // Growth scales it.
            assert!((volume(&o, 1.2) / volume(&o, 1.0) / 1.728 - 1.0).abs() < 0.01);
            // The centre lies 20 mm medial of the cochlea on either side.
            let medial = if side == Side::Left { 20.0 } else { -20.0 };
            let centre = ear.cochlea.centre() + DVec3::X * medial;
            assert!(o.distance(centre, 1.0) < -6.0);
            let surface = o.surface(centre, DVec3::Y, 1.0);
            assert!((surface.distance(centre) - 8.0).abs() < 0.2);
        }
    }

    #[test]
    fn no_distance_is_steeper_than_solids_may_be() {
        let anatomy = Anatomy::new(1);
        let o = Outlined::new(&ball(), Side::Left, anatomy.ear(Side::Left)).expect("a solid");
        let mut draw = super::super::draw::Draw::new(1, 1);
        let centre = anatomy.ear(Side::Left).cochlea.centre() + DVec3::X * 20.0;
        for _ in 0..20_000 {
            let p = centre + draw.direction() * draw.uniform(0.0, 16.0);
            let q = p + draw.direction() * draw.uniform(0.1, 4.0);
            let slope = (o.distance(p, 1.0) - o.distance(q, 1.0)).abs() / p.distance(q);
            assert!(slope < LIPSCHITZ, "{slope} from {p} to {q}");
        }
    }

    #[test]
    fn flat_outlines_make_no_solid() {
        let anatomy = Anatomy::new(1);
        let one = Outline {
            planes: ball().planes.split_off(10),
            ..ball()
        };
        assert!(Outlined::new(&one, Side::Left, anatomy.ear(Side::Left)).is_none());
    }
}
