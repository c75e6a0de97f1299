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

/// Levels about the contact that tell the plane: so far above and below its middle, at least, mm.
const SLAB_MM: f64 = 9.0;
/// Surface so near to the tumour, or mirrored to there, does not tell the plane, mm.
const CLEAR_MM: f64 = 3.0;
/// Distance between surface and mirror image from which they count little, mm.
const OUTLIER_MM: f64 = 0.8;
/// Points of the surface that are asked for, at most.
const MOST_POINTS: usize = 2500;
/// Fewer do not tell a plane.
const LEAST_POINTS: usize = 100;
/// Rounds of the iteration, and the moves below which it has ended: mm and radians.
const ROUNDS: usize = 25;
const SETTLED: f64 = 1e-3;
/// Surface of the brainstem so near to the tumour is looked at for its depth, mm.
const TOUCHED_MM: f64 = 2.0;

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
    /// From the brainstem's surface. `at` is where it is touched or nearest to the tumour, `offset_mm` how far to the right of the axes' midpoint the plane is looked for first. `None`
    /// without enough of the surface.
    pub(super) fn of(
        brainstem: &Mesh,
        surface: &NearestSurface,
        axes: &HeadAxes,
        tumour: &NearestSurface,
        [low_mm, high_mm]: [f64; 2],
        offset_mm: f64,
    ) -> Option<Self> {
        let middle = f64::midpoint(low_mm, high_mm);
        let half = SLAB_MM.max((high_mm - low_mm) / 2.0);
        let in_slab = |p: DVec3| (axes.height_mm(p) - middle).abs() <= half;
        let mut points: Vec<DVec3> = (brainstem.points().iter().copied())
            .filter(|p| in_slab(*p))
            .collect();
        let step = points.len().div_ceil(MOST_POINTS).max(1);
        points = points.into_iter().step_by(step).collect();
        points.retain(|p| tumour.distance_mm(*p) > CLEAR_MM);
        let count = points.len();
        if count < LEAST_POINTS {
            return None;
        }
        let centre = points.iter().sum::<DVec3>() / count as f64;
        // Turned about the place behind which half of the section lies, so that angle and offset hardly depend on each other.
        let foot = centre - axes.right * (centre - axes.midpoint).dot(axes.right);
        let mut plane = Self {
            point: foot + axes.right * offset_mm,
            normal: axes.right,
            angle: 0.0,
        };
        for _ in 0..ROUNDS {
            let step = plane.step(&points, surface, tumour, axes)?;
            plane.turned_to(plane.angle + step.y, axes);
            plane.point += plane.normal * step.x;
            if step.x.abs() < SETTLED && step.y.abs() < SETTLED / 10.0 {
                break;
            }
        }
        (plane.point.is_finite() && plane.normal.is_finite()).then_some(plane)
    }

    fn turned_to(&mut self, angle: f64, axes: &HeadAxes) {
        self.angle = angle.clamp(-1.0, 1.0);
        let (sin, cos) = self.angle.sin_cos();
        self.normal = axes.right * cos + axes.anterior * sin;
    }

    /// One Gauss–Newton step: along the normal (mm) and about the long axis (radians). `None` where the points tell nothing.
    fn step(
        &self,
        points: &[DVec3],
        surface: &NearestSurface,
        tumour: &NearestSurface,
        axes: &HeadAxes,
    ) -> Option<DVec2> {
        // How the normal changes with the angle.
        let turn = axes.superior.cross(self.normal);
        let (hessian, gradient) = points
            .par_iter()
            .filter_map(|p| {
                let image = self.mirrored(*p);
                if tumour.distance_mm(image) <= CLEAR_MM {
                    return None;
                }
                let (d, foot) = surface.signed_nearest(image);
                let direction = ((image - foot) / d).try_normalize()?;
                let weight = (1.0 + (d / OUTLIER_MM).powi(2)).powi(-2);
                let off = (*p - self.point).dot(self.normal);
                // Of the image's place with the plane's offset and angle.
                let by_offset = self.normal * 2.0;
                let by_angle =
                    (self.normal * (*p - self.point).dot(turn) + turn * off) * -2.0;
                let j = DVec2::new(direction.dot(by_offset), direction.dot(by_angle));
                Some((
                    DMat2::from_cols(j * j.x, j * j.y) * weight,
                    j * (d * weight),
                ))
            })
            .reduce(
                || (DMat2::ZERO, DVec2::ZERO),
                |a, b| (a.0 + b.0, a.1 + b.1),
            );
        (hessian.determinant() > 1e-9).then(|| -(hessian.inverse() * gradient))
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

/// Where the brainstem is pressed in deepest: depth (mm, not below 0) and the point of its surface. `None` where none of its surface lies at the tumour.
pub(super) fn deepest(
    brainstem: &Mesh,
    surface: &NearestSurface,
    tumour: &NearestSurface,
    plane: &Symmetry,
    contact: &[DVec3],
) -> Option<(f64, DVec3)> {
    let [low, high] = [
        contact.iter().copied().reduce(DVec3::min)? - TOUCHED_MM,
        contact.iter().copied().reduce(DVec3::max)? + TOUCHED_MM,
    ];
    (brainstem.points().par_iter())
        .filter(|p| p.cmpge(low).all() && p.cmple(high).all())
        .filter(|p| tumour.distance_mm(**p) <= TOUCHED_MM)
        .map(|p| (-surface.signed_distance_mm(plane.mirrored(*p)), *p))
        .reduce_with(|a, b| if b.0 > a.0 { b } else { a })
        .map(|(depth, p)| (depth.max(0.0), p))
}

/// Faces of the brainstem on levels about a tumour: its heights, `margin_mm` more at either end.
pub(super) fn heights(boundary: &Boundary, axes: &HeadAxes) -> [f64; 2] {
    let all = boundary.points.iter().map(|p| axes.height_mm(p.point));
    all.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], z| {
        [l.min(z), h.max(z)]
    })
}
