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
    /// Largest distance between two points in contact at one height, mm.
    pub(super) length_mm: f64,
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
    let mut touching = Vec::new();
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
                touching.push(p);
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
        length_mm: axial_length(&touching),
    }
}

/// Height of the layers in which points count as being of one height, mm.
const LAYER: f64 = 1.0;

/// Largest distance between two points of about the same height, mm.
fn axial_length(points: &[DVec3]) -> f64 {
    let mut longest: f64 = 0.0;
    for (n, a) in points.iter().enumerate() {
        for b in &points[n + 1..] {
            if (a.z - b.z).abs() < LAYER / 2.0 {
                longest = longest.max(a.truncate().distance(b.truncate()));
            }
        }
    }
    longest
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
    /// The same compared with the other side, mirrored on the axis of symmetry of the section at the deepest contact.
    pub(super) mirrored: Mirrored,
    /// Mean axial area of the fourth ventricle at the levels of the tumour, mm², and its smaller over its larger half.
    pub(super) ventricle_area_mm2: f64,
    pub(super) ventricle_asymmetry: f64,
}

/// A brainstem against its own mirror image.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Mirrored {
    /// Rotation of the section's axis of symmetry, degrees, positive when its front turns away from the tumour.
    pub(super) rotation_degrees: f64,
    /// How deep the touched side lies below the other side's mirror image, mm.
    pub(super) indentation_mm: f64,
}

/// Measures the effects of a tumour whose displacement is known.
pub(super) fn effects(
    tumour: &Tumour,
    side: Side,
    anatomy: &Anatomy,
    push: Option<&Displacement>,
) -> Effects {
    let ventricle = Ventricle::of(tumour, anatomy, push);
    // The box about a tumour is wider than the tumour; where it lies tells what its levels show.
    let beside = Ventricle::between(levels_of(tumour), tumour, anatomy, push);
    let still = Effects {
        ventricle_shift_mm: 0.0,
        rotation_degrees: 0.0,
        indentation_mm: 0.0,
        mirrored: Mirrored::default(),
        ventricle_area_mm2: beside.area_mm2(),
        ventricle_asymmetry: beside.asymmetry(),
    };
    let Some(push) = push else {
        return still;
    };
    let (rotation, indentation_mm) = stiff_part(tumour, anatomy, push);
    let moved = match (
        ventricle.lateral(),
        Ventricle::of(tumour, anatomy, None).lateral(),
    ) {
        (Some(now), Some(rest)) => now - rest,
        _ => 0.0,
    };
    Effects {
        ventricle_shift_mm: moved * away_from(side),
        // Seen from above, a positive angle turns the front to the left.
        rotation_degrees: -rotation.to_degrees() * away_from(side),
        indentation_mm,
        mirrored: mirrored(tumour, side, anatomy, push).unwrap_or_default(),
        ..still
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

/// Points of the section's outline nearer to the tumour than this, or mirrored to there, do not tell its axis, mm.
const CLEAR: f64 = 3.0;
/// Distance from the mirror image at which a point of the outline counts little, mm.
const OUTLIER: f64 = 0.8;
/// Rays that find the outline.
const RAYS: u32 = 180;

/// The brainstem's section at the deepest contact against its own mirror image: the axis on which the outline away from the tumour meets its image best
/// (Geman–McClure), found on ever finer grids of offset and angle. `None` without contact or outline.
fn mirrored(
    tumour: &Tumour,
    side: Side,
    anatomy: &Anatomy,
    push: &Displacement,
) -> Option<Mirrored> {
    let brainstem = |p: DVec3| anatomy.brainstem.distance(push.rest(p));
    let touched: Vec<DVec3> = (tumour.ball_surface(SURFACE))
        .filter(|p| tumour.distance(*p).abs() < 0.2 && brainstem(*p) < TOUCH)
        .collect();
    let deepest = (touched.iter().copied()).min_by(|a, b| {
        let rest = |p: &DVec3| anatomy.brainstem.distance(*p);
        rest(a).total_cmp(&rest(b))
    })?;
    let inside: Vec<DVec3> = plane(deepest.z, 1.0)
        .filter(|p| brainstem(*p) < 0.0 && tumour.distance(*p) > 0.0)
        .collect();
    let centre = inside.iter().sum::<DVec3>() / inside.len().max(1) as f64;
    let outline: Vec<DVec3> = (0..RAYS)
        .filter_map(|n| {
            let turn = f64::from(n) * std::f64::consts::TAU / f64::from(RAYS);
            let ray = DVec3::new(turn.cos(), turn.sin(), 0.0);
            let [mut out, mut within] = [40.0, 0.0];
            // The outermost crossing.
            while out > 0.5 && brainstem(centre + ray * out) >= 0.0 {
                within = out - 0.5;
                out -= 0.5;
            }
            let [mut low, mut high] = [within, within + 0.5];
            for _ in 0..20 {
                let middle = f64::midpoint(low, high);
                if brainstem(centre + ray * middle) < 0.0 {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            let p = centre + ray * f64::midpoint(low, high);
            (tumour.distance(p) > CLEAR).then_some(p)
        })
        .collect();
    let image = |p: DVec3, [offset, angle]: [f64; 2]| {
        let normal = DVec3::new(angle.cos(), angle.sin(), 0.0);
        p - normal * (2.0 * ((p - centre).dot(normal) - offset))
    };
    let misfit = |at: [f64; 2]| {
        let (mut sum, mut count) = (0.0, 0);
        for p in &outline {
            let q = image(*p, at);
            if tumour.distance(q) > CLEAR {
                let d = brainstem(q);
                sum += d * d / (d * d + OUTLIER * OUTLIER);
                count += 1;
            }
        }
        // An axis that maps most of the outline onto the tumour tells nothing.
        if 2 * count > outline.len() {
            sum / f64::from(count as u32)
        } else {
            f64::INFINITY
        }
    };
    let mut best = ([0.0, 0.0], misfit([0.0, 0.0]));
    let mut step = [1.0, 0.08];
    for reach in [6, 2, 2, 2, 2, 2, 2, 2] {
        let [offset, angle] = best.0;
        for i in -reach..=reach {
            for j in -reach..=reach {
                let at = [
                    offset + f64::from(i) * step[0],
                    angle + f64::from(j) * step[1],
                ];
                let value = misfit(at);
                if value < best.1 {
                    best = (at, value);
                }
            }
        }
        step = step.map(|s| s / 2.0);
    }
    let depth = touched
        .iter()
        .map(|p| image(*p, best.0))
        .map(|q| (brainstem(q), q))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(d, _)| *d < 0.0)
        .map_or(0.0, |(_, q)| depth_mm(q, brainstem));
    Some(Mirrored {
        rotation_degrees: -best.0[1].to_degrees() * away_from(side),
        indentation_mm: depth,
    })
}

/// Distance from a point inside to the surface, mm, by rays in many directions: deep inside, a solid's own value is only near it.
fn depth_mm(p: DVec3, inside: impl Fn(DVec3) -> f64) -> f64 {
    const DIRECTIONS: u32 = 600;
    (0..DIRECTIONS)
        .map(|n| {
            let z = 1.0 - (2.0 * f64::from(n) + 1.0) / f64::from(DIRECTIONS);
            let (sin, cos) = (f64::from(n) * 2.399_963_229_728_653).sin_cos();
            let flat = (1.0 - z * z).max(0.0).sqrt();
            let ray = DVec3::new(flat * cos, flat * sin, z);
            let mut mm = 0.0;
            for _ in 0..60 {
                let d = inside(p + ray * mm);
                if d > -0.01 {
                    break;
                }
                mm -= d / LIPSCHITZ;
            }
            mm
        })
        .fold(f64::INFINITY, f64::min)
}

/// The fourth ventricle's part at the levels of a tumour.
struct Ventricle {
    /// Points a millimetre apart in planes `LEVELS` apart, of each level: number left and right of the midline, and the sum of their places to the right.
    levels: Vec<([f64; 2], f64)>,
}

/// Distance of the planes, mm, and the least area of one that counts, mm².
const LEVELS: f64 = 1.5;
const LEAST_AREA: f64 = 10.0;

/// Heights between which a tumour lies, mm.
fn levels_of(tumour: &Tumour) -> [f64; 2] {
    let [low, high] = tumour.bounds();
    let count = ((high - low) / 0.75).ceil();
    let on = |k: f64| {
        (0..count.x as usize * count.y as usize).any(|n| {
            let [i, j] = [n % count.x as usize, n / count.x as usize];
            let at = DVec3::new(i as f64 + 0.5, j as f64 + 0.5, k + 0.5);
            tumour.distance(low + at * 0.75) < 0.0
        })
    };
    let layers = (0..count.z as usize).map(|k| k as f64).filter(|k| on(*k));
    layers.fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], k| {
        [a.min(low.z + k * 0.75), b.max(low.z + (k + 1.0) * 0.75)]
    })
}

impl Ventricle {
    fn of(tumour: &Tumour, anatomy: &Anatomy, push: Option<&Displacement>) -> Self {
        let [low, high] = tumour.bounds();
        Self::between([low.z, high.z], tumour, anatomy, push)
    }

    fn between(
        [low, high]: [f64; 2],
        tumour: &Tumour,
        anatomy: &Anatomy,
        push: Option<&Displacement>,
    ) -> Self {
        let ventricle: Vec<&Shape> = anatomy
            .parts
            .iter()
            .filter(|part| part.zone == Zone::Of(Region::FourthVentricle))
            .map(|part| &part.shape)
            .collect();
        let inside = |p: DVec3| ventricle.iter().any(|s| s.distance(p) < 0.0);
        let now = |p: DVec3| match push {
            Some(push) => inside(push.rest(p)) && tumour.distance(p) > 0.0,
            None => inside(p),
        };
        let count = ((high - low) / LEVELS).floor().max(0.0) as usize;
        let levels = (0..=count).map(|n| {
            let points = plane(low + LEVELS * n as f64, 1.0).filter(|p| now(*p));
            points.fold(([0.0, 0.0], 0.0), |(mut halves, sum), p| {
                halves[usize::from(p.x > 0.0)] += 1.0;
                (halves, sum + p.x)
            })
        });
        Self {
            levels: levels.collect(),
        }
    }

    fn halves(&self) -> [f64; 2] {
        (self.levels.iter()).fold([0.0, 0.0], |[a, b], (h, _)| [a + h[0], b + h[1]])
    }

    /// Mean x, mm; `None` where nothing of it is at these levels.
    fn lateral(&self) -> Option<f64> {
        let [left, right] = self.halves();
        let sum: f64 = self.levels.iter().map(|(_, sum)| sum).sum();
        (left + right > 0.0).then(|| sum / (left + right))
    }

    fn area_mm2(&self) -> f64 {
        let areas = self.levels.iter().map(|(h, _)| h[0] + h[1]);
        let seen: Vec<f64> = areas.filter(|a| *a >= LEAST_AREA).collect();
        if seen.is_empty() {
            return 0.0;
        }
        seen.iter().sum::<f64>() / seen.len() as f64
    }

    fn asymmetry(&self) -> f64 {
        let [left, right] = self.halves();
        if left.max(right) > 0.0 {
            left.min(right) / left.max(right)
        } else {
            1.0
        }
    }
}

/// Heights between which the pons makes the brainstem's side, mm of the head frame: its seams with medulla and midbrain.
pub(super) fn pons_levels(anatomy: &Anatomy) -> [f64; 2] {
    let Shape::Union { of, .. } = &anatomy.brainstem else {
        return [0.0; 2];
    };
    // As `brain::brainstem` makes it: the pons comes first.
    let is_pons = |p: DVec3| {
        let least = of
            .iter()
            .map(|s| s.distance(p))
            .fold(f64::INFINITY, f64::min);
        of.first().is_some_and(|pons| pons.distance(p) <= least)
    };
    let on_side = |z: f64| {
        let lateral = (0..120)
            .rev()
            .map(|n| DVec3::new(f64::from(n) * 0.25, -5.0, z))
            .find(|p| anatomy.brainstem.distance(*p) < 0.0);
        lateral.is_some_and(is_pons)
    };
    let heights = (-80..160)
        .map(|n| f64::from(n) * 0.25)
        .filter(|z| on_side(*z));
    heights.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], z| {
        [l.min(z), h.max(z)]
    })
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
