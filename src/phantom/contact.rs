//! How a tumour lies to the brainstem: gap, contact, shift; and the grade that follows.
use super::{
    anatomy::Anatomy,
    shape::{Shape, gradient},
    tissue::coverage,
    tumour::{Push, Tumour},
};
use crate::{measure::KoosGrade, volume::Side};
use glam::DVec3;

/// Points on the tumour's surface that are looked at.
const SURFACE: usize = 6000;

/// Geometry between tumour and brainstem, all in the head frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Contact {
    /// Least distance between the surfaces, mm; zero in contact.
    pub(super) gap_mm: f64,
    /// Area of tumour surface that lies on the brainstem, mm².
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

/// The push that a tumour exerts in a head.
pub(super) fn push(tumour: &Tumour, anatomy: &Anatomy) -> Option<Push> {
    Push::new(tumour, overlap_mm(tumour, &anatomy.brainstem))
}

/// Looks at a tumour in its head.
pub(super) fn contact(tumour: &Tumour, side: Side, anatomy: &Anatomy) -> Contact {
    let push = push(tumour, anatomy);
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
            if d < 0.1 && tumour.distance(p).abs() < 0.2 {
                let ray = p - centre;
                let normal = gradient(p, |q| tumour.distance(q)).normalize_or_zero();
                let slant = normal.dot(ray.normalize_or_zero()).max(0.2);
                area_mm2 += ray.length_squared() * solid_angle / slant * coverage(-d, 0.1);
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
    let away = match side {
        Side::Left => 1.0,
        Side::Right => -1.0,
    };
    Contact {
        gap_mm,
        area_mm2,
        shift_mm: match (moved, rested) {
            (Some(a), Some(b)) => (a - b) * away,
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

/// The grade of exact geometry: intracanalicular, free of the brainstem, in contact without a shift of 2 mm, or with it.
pub(super) fn grade(contact: &Contact, volume_mm3: f64, extrameatal_mm3: f64) -> KoosGrade {
    if extrameatal_mm3 < (0.02 * volume_mm3).max(10.0) || contact.protrusion_mm < 1.5 {
        KoosGrade::I
    } else if contact.area_mm2 < 10.0 {
        KoosGrade::II
    } else if contact.shift_mm < 2.0 {
        KoosGrade::III
    } else {
        KoosGrade::IV
    }
}
