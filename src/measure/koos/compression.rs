//! How the tumour presses the brainstem: its near side against the far side mirrored on the brainstem's own plane of symmetry.
//!
//! A brainstem that is displaced or turned as a body is not indented by that, so the mirror is the brainstem's own and not that of the head. It is found on the levels of the tumour as the
//! plane on which the surface, away from the tumour, best meets its own mirror image (a closest-point iteration with Geman–McClure weights, which let a dent pass as an outlier).
//! People are not symmetric: what a healthy brainstem differs from its mirror image, about a millimetre, is in the depth.
use super::evidence::MirrorPlane;
use crate::{
    measure::{Boundary, HeadAxes, Mesh, NearestSurface},
    volume::Side,
};
use glam::{DMat2, DVec2, DVec3};
use rayon::prelude::*;

/// Levels about the contact that first tell the plane: so far above and below its middle, at least; then about the deepest place, mm.
const SLAB_MM: f64 = 9.0;
const DEEPEST_MM: f64 = 5.0;
/// Surface so near to the tumour, or mirrored to there, does not tell the plane, mm.
const CLEAR_MM: f64 = 3.0;
/// Distance between surface and mirror image from which they count little, mm: at the beginning, while the plane may lie a displacement away, and at the end.
const OUTLIER_MM: [f64; 2] = [4.0, 0.8];
/// What is left of it after each round.
const NARROWING: f64 = 0.75;
/// Points of the surface that are asked for, at most.
const MOST_POINTS: usize = 1200;
/// Fewer do not tell a plane.
const LEAST_POINTS: usize = 100;
/// Rounds of the iteration, and the moves below which it has ended: mm and radians.
const ROUNDS: usize = 25;
const SETTLED: f64 = 1e-3;
/// A depth is the mean of the faces so near to each other, mm: the steps of voxels even out.
const EVEN_MM: f64 = 1.5;

/// The surfaces that meet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    /// Of the brainstem.
    pub(super) mesh: &'a Mesh,
    pub(super) surface: &'a NearestSurface,
    /// Of the tumour.
    pub(super) tumour: &'a NearestSurface,
}

/// The brainstem's plane of symmetry on the levels of a tumour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Symmetry {
    point: DVec3,
    /// Unit vector to the patient's right.
    normal: DVec3,
    /// Angle to the midsagittal plane, radians, anticlockwise seen from above.
    angle: f64,
}

impl Symmetry {
    /// On the levels between two heights, looked for first at so many mm to the right of the axes' midpoint. `None` without enough of the surface.
    pub(super) fn of(
        body: &Body<'_>,
        axes: &HeadAxes,
        [low_mm, high_mm]: [f64; 2],
        offset_mm: f64,
    ) -> Option<Self> {
        let middle = f64::midpoint(low_mm, high_mm);
        let half = SLAB_MM.max((high_mm - low_mm) / 2.0);
        let points = points(body, axes, middle, half)?;
        // Turned about the middle of the section, so that angle and offset hardly depend on each other.
        let centre = points.iter().sum::<DVec3>() / points.len() as f64;
        let foot = centre - axes.right * axes.right_of_midline_mm(centre);
        Self {
            point: foot + axes.right * offset_mm,
            normal: axes.right,
            angle: 0.0,
        }
        .settled(&points, body, axes, OUTLIER_MM[0])
    }

    /// This plane moved, not turned, to where the levels about a height are symmetric: few levels do not tell an angle.
    pub(super) fn at_level(
        &self,
        body: &Body<'_>,
        axes: &HeadAxes,
        height_mm: f64,
    ) -> Option<Self> {
        let points = points(body, axes, height_mm, DEEPEST_MM)?;
        let mut plane = *self;
        for _ in 0..ROUNDS {
            let (hessian, gradient) = plane.normal_equations(&points, body, axes, OUTLIER_MM[1]);
            let step = -gradient.x / hessian.x_axis.x;
            if !step.is_finite() {
                return None;
            }
            plane.point += plane.normal * step;
            if step.abs() < SETTLED {
                break;
            }
        }
        plane.point.is_finite().then_some(plane)
    }

    fn settled(
        self,
        points: &[DVec3],
        body: &Body<'_>,
        axes: &HeadAxes,
        mut outlier_mm: f64,
    ) -> Option<Self> {
        let mut plane = self;
        for _ in 0..ROUNDS {
            let (hessian, gradient) = plane.normal_equations(points, body, axes, outlier_mm);
            if hessian.determinant() <= 1e-9 {
                return None;
            }
            let step = -(hessian.inverse() * gradient);
            plane.turned_to(plane.angle + step.y, axes);
            plane.point += plane.normal * step.x;
            let settled = step.x.abs() < SETTLED && step.y.abs() < SETTLED / 10.0;
            if settled && outlier_mm <= OUTLIER_MM[1] {
                break;
            }
            outlier_mm = (outlier_mm * NARROWING).max(OUTLIER_MM[1]);
        }
        (plane.point.is_finite() && plane.normal.is_finite()).then_some(plane)
    }

    fn turned_to(&mut self, angle: f64, axes: &HeadAxes) {
        self.angle = angle.clamp(-1.0, 1.0);
        let (sin, cos) = self.angle.sin_cos();
        self.normal = axes.right * cos + axes.anterior * sin;
    }

    /// Of a Gauss–Newton step along the normal (mm) and about the long axis (radians): its matrix and the gradient.
    fn normal_equations(
        &self,
        points: &[DVec3],
        body: &Body<'_>,
        axes: &HeadAxes,
        outlier_mm: f64,
    ) -> (DMat2, DVec2) {
        // How the normal changes with the angle.
        let turn = axes.superior.cross(self.normal);
        let terms: Vec<(DMat2, DVec2)> = points
            .par_iter()
            .filter_map(|p| {
                let image = self.mirrored(*p);
                if body.tumour.distance_mm(image) <= CLEAR_MM {
                    return None;
                }
                let (d, foot) = body.surface.signed_nearest(image);
                let direction = ((image - foot) / d).try_normalize()?;
                let weight = (1.0 + (d / outlier_mm).powi(2)).powi(-2);
                let off = (*p - self.point).dot(self.normal);
                // Of the image's place with the plane's offset and angle.
                let by_offset = self.normal * 2.0;
                let by_angle = (self.normal * (*p - self.point).dot(turn) + turn * off) * -2.0;
                let j = DVec2::new(direction.dot(by_offset), direction.dot(by_angle));
                Some((
                    DMat2::from_cols(j * j.x, j * j.y) * weight,
                    j * (d * weight),
                ))
            })
            .collect();
        // Added up in their order, so that the same labels give the same digits.
        let nothing = (DMat2::ZERO, DVec2::ZERO);
        terms
            .into_iter()
            .fold(nothing, |a, b| (a.0 + b.0, a.1 + b.1))
    }

    /// A point's mirror image.
    pub(super) fn mirrored(&self, p: DVec3) -> DVec3 {
        p - self.normal * (2.0 * (p - self.point).dot(self.normal))
    }

    /// Angle to the midsagittal plane, degrees, positive when the front turns away from a side.
    pub(super) fn rotation_degrees(&self, side: Side) -> f64 {
        // Anticlockwise from above turns the front to the left.
        match side {
            Side::Left => -self.angle.to_degrees(),
            Side::Right => self.angle.to_degrees(),
        }
    }

    pub(super) fn plane(&self) -> MirrorPlane {
        MirrorPlane {
            point_ras_mm: self.point.to_array(),
            normal_ras: self.normal.to_array(),
        }
    }
}

impl MirrorPlane {
    /// How deep each point of the brainstem's surface on a side lies below the other side's mirror image, mm: positive where it is pressed in, negative where it bulges; `None` on the other
    /// side. With it a surface can be coloured. `None` altogether for an empty mesh.
    ///
    /// Only the levels of the tumour have this plane: far above and below, a bend of the brainstem shows as a depth.
    pub fn compression_mm(&self, brainstem: &Mesh, side: Side) -> Option<Vec<Option<f64>>> {
        let surface = NearestSurface::new(brainstem)?;
        let plane = Symmetry {
            point: DVec3::from_array(self.point_ras_mm),
            normal: DVec3::from_array(self.normal_ras),
            angle: 0.0,
        };
        let sign = match side {
            Side::Left => -1.0,
            Side::Right => 1.0,
        };
        let depth = |p: &DVec3| {
            ((*p - plane.point).dot(plane.normal) * sign > 0.0)
                .then(|| -surface.signed_distance_mm(plane.mirrored(*p)))
        };
        Some(brainstem.points().par_iter().map(depth).collect())
    }
}

/// Points of the brainstem's surface about a height, away from the tumour; `None` where they are too few.
fn points(body: &Body<'_>, axes: &HeadAxes, height_mm: f64, half_mm: f64) -> Option<Vec<DVec3>> {
    let all: Vec<DVec3> = (body.mesh.points().iter().copied())
        .filter(|p| (axes.height_mm(*p) - height_mm).abs() <= half_mm)
        .collect();
    let step = all.len().div_ceil(MOST_POINTS).max(1);
    let kept: Vec<DVec3> = (all.into_iter().step_by(step))
        .filter(|p| body.tumour.distance_mm(*p) > CLEAR_MM)
        .collect();
    (kept.len() >= LEAST_POINTS).then_some(kept)
}

/// Where the brainstem is pressed in deepest: depth (mm, not below 0) and the place. `contact` are the middles of the faces in which tumour and brainstem meet; `None` without any.
pub(super) fn deepest(
    surface: &NearestSurface,
    plane: &Symmetry,
    contact: &[DVec3],
) -> Option<(f64, DVec3)> {
    let depths: Vec<f64> = (contact.par_iter())
        .map(|p| -surface.signed_distance_mm(plane.mirrored(*p)))
        .collect();
    (contact.par_iter())
        .map(|p| {
            let about = contact.iter().zip(&depths);
            let (sum, count) = about
                .filter(|(q, _)| q.distance_squared(*p) <= EVEN_MM * EVEN_MM)
                .fold((0.0, 0.0), |(s, n), (_, d)| (s + d, n + 1.0));
            (sum / count, *p)
        })
        .reduce_with(|a, b| if b.0 > a.0 { b } else { a })
        .map(|(depth, p)| (depth.max(0.0), p))
}

/// The heights between which a boundary lies, mm.
pub(super) fn heights(boundary: &Boundary, axes: &HeadAxes) -> [f64; 2] {
    let all = boundary.points.iter().map(|p| axes.height_mm(p.point));
    all.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], z| {
        [l.min(z), h.max(z)]
    })
}
