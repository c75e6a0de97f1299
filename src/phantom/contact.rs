//! How a tumour lies to the brainstem: gap, contact, shift; and the grade that follows. Also what else it does to its surroundings.
use super::{
    anatomy::Anatomy,
    displace::Displacement,
    region::{Region, Zone},
    shape::{LIPSCHITZ, Shape, gradient},
    tissue::coverage,
    tumour::Tumour,
};
use crate::{
    measure::{KoosGeometry, KoosGrade},
    volume::Side,
};
use glam::{DMat3, DVec3};

/// Points on the tumour's surface that are looked at.
const SURFACE: usize = 6000;
/// Surfaces nearer than this are in contact, mm.
const TOUCH: f64 = 0.3;

/// Geometry between tumour and brainstem, all in the head frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Contact {
    /// Least distance between the surfaces, mm; zero in contact.
    pub(super) gap_mm: f64,
    /// Area of tumour surface that lies on the brainstem (nearer than `TOUCH`), mm².
    pub(super) area_mm2: f64,
    /// How far the centroid of the brainstem's axial section at the level of the tumour lies away from its place without tumour, mm,
    /// positive away from the tumour's side.
    pub(super) shift_mm: f64,
    /// How far the tumour reaches beyond the porus plane, mm.
    pub(super) protrusion_mm: f64,
}

/// How deep the free shape of the tumour would reach into the resting brainstem, mm; negative when there is a gap.
pub(super) fn overlap_mm(tumour: &Tumour, brainstem: &Shape) -> f64 {
    let nearest = tumour
        .ball_surface(500)
        .map(|p| brainstem.distance(p))
        .fold(brainstem.distance(tumour.canal().porus), f64::min);
    // The surface of a large ball passes through the depth of the brainstem and out again: then its centre and radius tell.
    let (centre, radius) = tumour.ball();
    (0.85 * radius - brainstem.distance(centre)).max(-nearest)
}

/// How a tumour displaces its surroundings; `None` when it does not press on the brain.
pub(super) fn push(tumour: &Tumour, anatomy: &Anatomy) -> Option<Displacement> {
    Displacement::new(tumour, anatomy)
}

/// Looks at a tumour in its head.
pub(super) fn contact(tumour: &Tumour, side: Side, anatomy: &Anatomy) -> Contact {
    contact_under(tumour, side, anatomy, push(tumour, anatomy).as_ref())
}

/// Positive x is to the right: the sign of the direction away from a side.
fn away_from(side: Side) -> f64 {
    match side {
        Side::Left => 1.0,
        Side::Right => -1.0,
    }
}

/// Looks at a tumour in its head, whose displacement is known.
pub(super) fn contact_under(
    tumour: &Tumour,
    side: Side,
    anatomy: &Anatomy,
    push: Option<&Displacement>,
) -> Contact {
    let brainstem = |p: DVec3| {
        anatomy
            .brainstem
            .distance(push.map_or(p, |push| push.rest(p)))
    };
    let (centre, radius) = tumour.ball();
    let mut nearest = (tumour.canal().porus, brainstem(tumour.canal().porus));
    let mut area_mm2 = 0.0;
    let mut protrusion_mm: f64 = 0.0;
    if radius > 0.0 {
        let solid_angle = 4.0 * std::f64::consts::PI / SURFACE as f64;
        for p in tumour.ball_surface(SURFACE) {
            protrusion_mm = protrusion_mm.max(tumour.canal().beyond_porus(p));
            let d = brainstem(p);
            if d < nearest.1 {
                nearest = (p, d);
            }
            // Points hidden in the canal or cut off by bone are not surface.
            if d < TOUCH && tumour.distance(p).abs() < 0.2 {
                let ray = p - centre;
                let normal = gradient(p, |q| tumour.distance(q)).normalize_or_zero();
                let slant = normal.dot(ray.normalize_or_zero()).max(0.2);
                area_mm2 +=
                    ray.length_squared() * solid_angle / slant * coverage(TOUCH - 0.05 - d, 0.1);
            }
        }
    }
    let gap_mm = if nearest.1 <= 0.0 {
        0.0
    } else {
        least_distance(nearest.0, |p| tumour.distance(p), brainstem)
    };
    let level = nearest.0.z;
    let moved = lateral_centroid(level, |p| brainstem(p) < 0.0 && tumour.distance(p) > 0.0);
    let rested = lateral_centroid(level, |p| anatomy.brainstem.distance(p) < 0.0);
    Contact {
        gap_mm,
        area_mm2,
        shift_mm: match (moved, rested) {
            (Some(a), Some(b)) => (a - b) * away_from(side),
            _ => 0.0,
        },
        protrusion_mm,
    }
}

/// Least distance between two surfaces near a point of the first: both feet slide along their surface towards each other.
fn least_distance(
    start: DVec3,
    first: impl Fn(DVec3) -> f64,
    second: impl Fn(DVec3) -> f64,
) -> f64 {
    let onto = |f: &dyn Fn(DVec3) -> f64, mut p: DVec3| {
        for _ in 0..4 {
            let g = gradient(p, f);
            p -= g * (f(p) / g.length_squared().max(1e-6));
        }
        p
    };
    let slide = |f: &dyn Fn(DVec3) -> f64, p: DVec3, towards: DVec3| {
        let n = gradient(p, f).normalize_or_zero();
        let v = towards - p;
        onto(f, p + 0.4 * (v - n * v.dot(n)))
    };
    let mut a = onto(&first, start);
    let mut b = onto(&second, a);
    let mut least = a.distance(b);
    for _ in 0..40 {
        b = slide(&second, b, a);
        a = slide(&first, a, b);
        least = least.min(a.distance(b));
    }
    least
}

/// Mean x of a set's axial section at a level, on a grid of half a millimetre about the brainstem.
fn lateral_centroid(level: f64, inside: impl Fn(DVec3) -> bool) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for j in 0..90 {
        for i in 0..180 {
            let p = DVec3::new(f64::from(i) * 0.5 - 44.75, f64::from(j) * 0.5 - 28.0, level);
            if inside(p) {
                sum += p.x;
                count += 1.0;
            }
        }
    }
    (count > 0.0).then(|| sum / count)
}

/// What a tumour does to its surroundings, beyond contact and shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effects {
    /// How far the centroid of the fourth ventricle at the levels of the tumour lies away from its place without tumour, mm, positive away
    /// from the tumour's side.
    pub(super) ventricle_shift_mm: f64,
    /// Rotation of the brainstem's axial section about the cranio-caudal axis, degrees, positive when its front turns away from the tumour.
    pub(super) rotation_degrees: f64,
    /// How deep the tumour dents the brainstem, mm, compared with the brainstem at rest moved as a stiff body.
    pub(super) indentation_mm: f64,
}

/// Measures the effects of a tumour whose displacement is known.
pub(super) fn effects(
    tumour: &Tumour,
    side: Side,
    anatomy: &Anatomy,
    push: Option<&Displacement>,
) -> Effects {
    let Some(push) = push else {
        return Effects {
            ventricle_shift_mm: 0.0,
            rotation_degrees: 0.0,
            indentation_mm: 0.0,
        };
    };
    let (rotation, indentation_mm) = stiff_part(tumour, anatomy, push);
    Effects {
        ventricle_shift_mm: ventricle_shift(tumour, anatomy, push) * away_from(side),
        // Seen from above, a positive angle turns the front to the left.
        rotation_degrees: -rotation.to_degrees() * away_from(side),
        indentation_mm,
    }
}

/// Angle (radians) of the rotation that fits the motion of the brainstem's section at the deepest contact best, in the sense of least squares,
/// and the depth in mm to which the tumour reaches into the brainstem that has moved by that rotation and the mean translation.
fn stiff_part(tumour: &Tumour, anatomy: &Anatomy, push: &Displacement) -> (f64, f64) {
    let surface: Vec<DVec3> = tumour
        .ball_surface(SURFACE)
        .filter(|p| tumour.distance(*p).abs() < 0.2)
        .collect();
    let deepest = surface
        .iter()
        .map(|p| (anatomy.brainstem.distance(*p), *p))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, deepest)) = deepest else {
        return (0.0, 0.0);
    };
    let section: Vec<[DVec3; 2]> = plane(deepest.z, 0.5)
        .map(|p| [p, push.rest(p)])
        .filter(|[p, q]| anatomy.brainstem.distance(*q) < 0.0 && tumour.distance(*p) > 0.0)
        .collect();
    if section.is_empty() {
        return (0.0, 0.0);
    }
    let mean = |n: usize| section.iter().map(|pair| pair[n]).sum::<DVec3>() / section.len() as f64;
    let [now, rest] = [mean(0), mean(1)];
    let (mut sine, mut cosine) = (0.0, 0.0);
    for [p, q] in &section {
        let (p, q) = ((*p - now).truncate(), (*q - rest).truncate());
        sine += q.perp_dot(p);
        cosine += q.dot(p);
    }
    let angle = sine.atan2(cosine);
    let back = DMat3::from_rotation_z(-angle);
    let depth = surface
        .iter()
        .map(|p| -anatomy.brainstem.distance(back * (*p - now) + rest))
        .fold(0.0, f64::max);
    (angle, depth)
}

/// Lateral motion of the centroid of the fourth ventricle's part at the levels of the tumour, mm.
fn ventricle_shift(tumour: &Tumour, anatomy: &Anatomy, push: &Displacement) -> f64 {
    let ventricle: Vec<&Shape> = anatomy
        .parts
        .iter()
        .filter(|part| part.zone == Zone::Of(Region::FourthVentricle))
        .map(|part| &part.shape)
        .collect();
    let inside = |p: DVec3| ventricle.iter().any(|s| s.distance(p) < 0.0);
    let [low, high] = tumour.bounds();
    let levels = || {
        let count = ((high.z - low.z) / 1.5).floor() as usize;
        (0..=count).map(move |n| low.z + 1.5 * n as f64)
    };
    let lateral = |keep: &dyn Fn(DVec3) -> bool| {
        let points = levels().flat_map(|z| plane(z, 1.0)).filter(|p| keep(*p));
        let (sum, count) = points.fold((0.0, 0.0), |(s, n), p| (s + p.x, n + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    match (
        lateral(&|p| inside(push.rest(p)) && tumour.distance(p) > 0.0),
        lateral(&inside),
    ) {
        (Some(now), Some(rest)) => now - rest,
        _ => 0.0,
    }
}

/// Points of an axial plane about the brainstem and the fourth ventricle, `step` mm apart.
fn plane(level: f64, step: f64) -> impl Iterator<Item = DVec3> {
    let [ni, nj] = [80.0 / step, 66.0 / step].map(|n| n as usize);
    (0..nj).flat_map(move |j| {
        (0..ni).map(move |i| {
            DVec3::new(
                (i as f64 + 0.5) * step - 40.0,
                (j as f64 + 0.5) * step - 46.0,
                level,
            )
        })
    })
}

/// Area of the surface `{inside = 0}` within a box, mm².
///
/// Lines along each axis cross the surface; a crossing stands for `step²` of projected area. An element of surface with unit normal n is
/// projected by `|n·a|` along the axis a, so crossings weighted by `|n·a|` add up over the three axes to the area itself: nothing becomes
/// singular where a line grazes. `inside` must obey [`LIPSCHITZ`].
pub(super) fn surface_mm2(
    inside: impl Fn(DVec3) -> f64,
    [low, high]: [DVec3; 2],
    step: f64,
) -> f64 {
    let count = ((high - low) / step).ceil();
    let mut area = 0.0;
    for axis in 0..3 {
        let [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
        for j in 0..count[v] as usize {
            for i in 0..count[u] as usize {
                let mut p = low;
                p[u] += (i as f64 + 0.5) * step;
                p[v] += (j as f64 + 0.5) * step;
                let mut d = inside(p);
                while p[axis] < high[axis] {
                    let mut next = p;
                    next[axis] += (d.abs() / LIPSCHITZ).max(0.5 * step);
                    let e = inside(next);
                    if (d < 0.0) != (e < 0.0) {
                        let crossing = p.lerp(next, d / (d - e));
                        let normal = gradient(crossing, &inside).normalize_or_zero();
                        area += normal[axis].abs();
                    }
                    (p, d) = (next, e);
                }
            }
        }
    }
    area * step * step
}

/// The grade of exact geometry, by the rule that grades patients.
pub(super) fn grade(
    contact: &Contact,
    ventricle_shift_mm: f64,
    volume_mm3: f64,
    extrameatal_mm3: f64,
) -> KoosGrade {
    let geometry = KoosGeometry {
        volume_mm3,
        extrameatal_mm3,
        protrusion_mm: contact.protrusion_mm,
        contact_mm2: contact.area_mm2,
        shift_mm: contact.shift_mm.max(ventricle_shift_mm),
    };
    geometry.grade()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_of_a_ball_is_four_pi_r_squared() {
        let found = surface_mm2(
            |p| p.distance(DVec3::new(0.3, -0.2, 0.1)) - 6.0,
            [DVec3::splat(-7.0), DVec3::splat(7.0)],
            0.4,
        );
        let exact = 4.0 * std::f64::consts::PI * 36.0;
        assert!((found / exact - 1.0).abs() < 0.01, "{found} for {exact}");
    }
}
