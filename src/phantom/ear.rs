//! One inner ear: the canal with its nerves, and the labyrinth.
use super::{
    anatomy::{Ear, Frame, direction, rigid},
    canal::{Canal, INTO_CISTERN},
    cochlea::Cochlea,
    draw::Draw,
    region::{Region, Zone},
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
    vessels,
};
use crate::volume::Side;
use glam::DVec3;

/// Streams of the canals: what both share, then left and right.
const CANAL_STREAMS: [u64; 3] = [330, 331, 332];
/// Streams of the waves on the petrous bones, left and right.
const FACE_STREAMS: [u64; 2] = [335, 336];
/// Stream of the size that both cochleae share.
const COCHLEA_STREAM: u64 = 337;
/// From the fundus to the middle of the cochlea, LPS of the left side, mm.
///
/// A compromise: tables put the cochlea 3.4 mm lateral of the fundus, while real tumours, whose lateral ends lie at the height of its
/// middle, put it straight in front.
const COCHLEA: [f64; 3] = [0.6, -4.8, -2.4];
/// From the fundus to the place in the tables to which the vestibule's parts are given, LPS of the left side, mm: a thin plate of bone
/// parts the vestibule from the fundus.
const LABYRINTH: [f64; 3] = [35.8, -0.9, 0.5];

/// Draws the canal and the cochlea of a side; the porus is `wider_mm` wider than drawn.
pub(super) fn draw_ear(
    frame: &Frame,
    side: Side,
    wider_mm: f64,
    draw: &mut Draw,
    seed: u64,
) -> Ear {
    let shift = [
        draw.clipped(0.0, 0.7, 2.0),
        draw.clipped(0.0, 0.4, 2.0),
        draw.clipped(0.0, 0.4, 2.0),
    ];
    let porus = frame.at(side, [24.0 + shift[0], shift[1], shift[2]]);
    let tilt = [
        draw.clipped(-0.09, 0.07, 2.0),
        draw.clipped(0.05, 0.05, 2.0),
    ];
    let axis = direction(side, [1.0, tilt[0], tilt[1]]).normalize_or_zero();
    // Size and shape once came from these draws; those after them in the stream stay what they were.
    draw.normal(0.0, 1.0);
    // The face of the petrous bone makes 45 to 53 degrees with the midsagittal plane.
    let angle = draw.uniform(43.0, 52.0).to_radians();
    draw.normal(0.0, 1.0);
    draw.normal(0.0, 1.0);
    let face = direction(side, [-angle.cos(), angle.sin(), 0.06]).normalize_or_zero();
    let canal = draw_canal(seed, side, porus, axis, face).widened(wider_mm);
    let centre = canal.fundus() + direction(side, COCHLEA);
    let modiolus = direction(side, [0.66, -0.72, -0.20]);
    let window = direction(side, [0.55, 0.75, -0.35]);
    // Mean, spread and limits of cochlear labels drawn by people: 92 ± 14 mm³. The two of a head differ by a few percent.
    let shared = Draw::new(seed, COCHLEA_STREAM).normal(0.0, 13.4);
    let volume = (shared + draw.normal(92.0, 4.0)).clamp(60.0, 130.0);
    // From the round window the basal turn runs downwards and forwards, then up: the right cochlea winds clockwise for one who looks from
    // its base to its apex, and the left one is its mirror image.
    let mut waves = Draw::new(seed, FACE_STREAMS[usize::from(side == Side::Right)]);
    Ear {
        canal,
        cochlea: Cochlea::new(centre, modiolus, window, side == Side::Left, volume),
        face_phase: waves.direction() * std::f64::consts::TAU,
    }
}

/// A canal of the size and the shape that the head's two canals share, but for a few percent.
///
/// Funnels, cylinders and buds are 58, 31 and 11 % of canals; the porus is 7.1 by 5.0 mm on average.
fn draw_canal(seed: u64, side: Side, porus: DVec3, axis: DVec3, face: DVec3) -> Canal {
    let mut shared = Draw::new(seed, CANAL_STREAMS[0]);
    let wide = shared.clipped(1.0, 0.09, 2.0);
    let length = shared.clipped(10.2, 0.8, 2.0);
    let kind = shared.uniform(0.0, 1.0);
    let mut own = Draw::new(seed, CANAL_STREAMS[if side == Side::Left { 1 } else { 2 }]);
    let wide = wide * own.clipped(1.0, 0.04, 2.0);
    let high = wide * own.clipped(1.0, 0.04, 2.0);
    let length = length * own.clipped(1.0, 0.03, 2.0);
    let (porus_semi, fundus_semi, taper, bulge) = if kind < 0.58 {
        ([3.75, 2.6], [1.95, 1.75], 1.5, 0.0)
    } else if kind < 0.89 {
        ([3.25, 2.35], [2.2, 1.95], 1.0, 0.0)
    } else {
        ([3.3, 2.4], [1.85, 1.7], 1.2, 0.15)
    };
    let sized = |[across, up]: [f64; 2]| [across * wide, up * high];
    Canal {
        porus,
        axis,
        length,
        porus_semi: sized(porus_semi),
        fundus_semi: sized(fundus_semi),
        taper,
        bulge,
        face,
    }
}

/// Canal, nerves and labyrinth in painting order.
///
/// `seed` is the head's: the loop of the artery has its own stream.
pub(super) fn parts(frame: &Frame, side: Side, ear: &Ear, draw: &mut Draw, seed: u64) -> Vec<Part> {
    let canal = ear.canal;
    let fluid = || Paint::Plain(Tissue::Labyrinth);
    // The labyrinth hangs on the fundus, so that canal and labyrinth never drift apart.
    let near =
        |lps: [f64; 3]| canal.fundus() + direction(side, [0, 1, 2].map(|n| lps[n] - LABYRINTH[n]));
    // The otic capsule: dense bone without marrow or air around the labyrinth.
    let capsule = Shape::Tube(vec![
        (ear.cochlea.on_modiolus(0.5), 5.6),
        (near([39.5, 2.5, 1.0]), 5.2),
        (near([42.0, 4.5, 2.0]), 5.6),
    ]);
    let mut parts = vec![rigid(capsule, Paint::Plain(Tissue::Bone))];
    parts.push(Part {
        zone: Zone::Of(Region::CerebrospinalFluid),
        ..rigid(Shape::Canal(Box::new(canal)), Paint::Cistern)
    });
    parts.push(Part {
        zone: Zone::Of(Region::InternalAuditoryCanal(side)),
        ..rigid(
            inside_porus(&canal, Shape::Canal(Box::new(canal))),
            Paint::Plain(Tissue::Csf),
        )
    });
    parts.push(rigid(crista(&canal), Paint::Plain(Tissue::Bone)));
    parts.extend(canal_nerves(frame, &canal, side));
    parts.extend(vessels::anterior_inferior_cerebellar(
        frame,
        side,
        ear,
        |loop_inside| Part {
            zone: Zone::Of(Region::InternalAuditoryCanal(side)),
            ..rigid(
                inside_porus(&canal, loop_inside),
                Paint::Plain(Tissue::Artery),
            )
        },
        seed,
    ));
    // Meckel's cave lies in front of the petrous ridge.
    let meckel = Shape::ellipsoid(
        frame.at(side, [19.5, -20.0, 9.0]),
        frame.semi([4.0, 7.5, 3.2]),
    );
    parts.push(rigid(meckel, Paint::Plain(Tissue::Csf)));
    parts.extend(trigeminal_rootlets(frame, side));
    let round = |centre: [f64; 3], normal: [f64; 3], radius: f64| Shape::Ring {
        centre: near(centre),
        normal: direction(side, normal).normalize_or_zero(),
        radius: radius * draw_scale(draw),
        lumen: 0.54,
    };
    let labyrinth = |shape: Shape| Part {
        zone: Zone::Of(Region::Vestibule(side)),
        ..rigid(shape, fluid())
    };
    parts.extend(ring_shapes(round).map(labyrinth));
    parts.push(labyrinth(Shape::Tube(vec![
        (near([41.0, 4.2, 6.0]), 0.8),
        (near([41.0, 4.0, 2.5]), 0.9),
    ])));
    parts.push(labyrinth(Shape::ellipsoid(
        near([39.5, 2.5, 0.5]),
        DVec3::new(2.1, 2.75, 2.0),
    )));
    let cochlea = |grown_mm: f64, paint: Paint| Part {
        zone: Zone::Of(Region::Cochlea(side)),
        ..rigid(
            Shape::Cochlea {
                cochlea: Box::new(ear.cochlea.clone()),
                grown_mm,
            },
            paint,
        )
    };
    // Before the label, so that the nerve in the modiolus does not take from it.
    let aperture = canal.off_axis(canal.length - 0.3, 0.9, -0.8);
    parts.push(rigid(
        Shape::Tube(vec![
            (aperture, 0.55),
            (ear.cochlea.on_modiolus(0.0), 0.8),
            (ear.cochlea.on_modiolus(0.9), 0.35),
        ]),
        Paint::Plain(Tissue::Nerve),
    ));
    parts.push(cochlea(
        ear.cochlea.label_grown_mm(),
        Paint::Plain(Tissue::Bone),
    ));
    parts.push(cochlea(0.0, fluid()));
    parts
}

/// The crista falciformis: a shelf of bone from the fundus that parts the upper from the lower nerves.
fn crista(canal: &Canal) -> Shape {
    let reach = canal.fundus_semi[0];
    let point = |back: f64, front: f64| (canal.off_axis(canal.length - back, front, 0.0), 0.28);
    Shape::Tube(vec![
        point(0.0, -reach),
        point(0.0, reach),
        point(0.6, reach),
        point(0.6, -reach),
        point(1.2, -reach),
        point(1.2, reach),
        point(1.8, reach),
        point(1.8, -reach),
    ])
}

/// The rootlets of nerve V in Meckel's cave and the crescent of its ganglion.
fn trigeminal_rootlets(frame: &Frame, side: Side) -> Vec<Part> {
    let at = |p| frame.at(side, p);
    let nerve = |points: Vec<(DVec3, f64)>| rigid(Shape::Tube(points), Paint::Plain(Tissue::Nerve));
    let mut parts: Vec<Part> = [17.5, 19.0, 20.5, 22.0]
        .into_iter()
        .map(|x| {
            nerve(vec![
                (at([18.6, -13.5, 9.6]), 0.4),
                (at([x, -23.5, 8.4]), 0.3),
            ])
        })
        .collect();
    parts.push(nerve(vec![
        (at([16.6, -23.6, 7.6]), 0.7),
        (at([19.6, -25.4, 7.8]), 0.9),
        (at([22.6, -23.6, 8.2]), 0.7),
    ]));
    parts
}

/// Canal rings differ by a few percent.
fn draw_scale(draw: &mut Draw) -> f64 {
    draw.clipped(1.0, 0.04, 2.0)
}

/// Superior, posterior and lateral semicircular canals (LPS, left): centre, normal of the plane, radius.
fn ring_shapes(mut ring: impl FnMut([f64; 3], [f64; 3], f64) -> Shape) -> [Shape; 3] {
    [
        ring([41.0, -0.5, 5.5], [0.788, 0.590, -0.176], 3.2),
        ring([43.0, 7.0, 1.5], [-0.668, 0.695, -0.271], 3.1),
        ring([43.5, 3.5, 1.0], [-0.038, 0.323, 0.946], 2.35),
    ]
}

/// The part of a solid on the canal's side of the porus plane.
fn inside_porus(canal: &Canal, solid: Shape) -> Shape {
    let plane = Shape::HalfSpace {
        point: canal.porus,
        normal: canal.face,
    };
    Shape::Intersection(vec![solid, plane])
}

/// Nerve VII (`anterior`) or VIII from the brainstem to the porus: centres and radii along a curve that turns evenly into the canal.
pub(super) fn cisternal_course(
    frame: &Frame,
    canal: &Canal,
    side: Side,
    anterior: bool,
) -> Vec<(DVec3, f64)> {
    const STEPS: u32 = 9;
    let (root, end, [thick, thin]) = if anterior {
        let end = canal.off_axis(-0.8, 1.3, 0.8);
        (frame.at(side, [10.0, 4.0, -1.0]), end, [0.8, 0.6])
    } else {
        let end = canal.off_axis(-0.8, -0.7, -0.3);
        (frame.at(side, [11.0, 7.5, -2.0]), end, [1.25, 1.1])
    };
    // A cubic Hermite curve: it leaves along the chord and ends along the canal.
    let chord = end - root;
    let along_canal = canal.axis * chord.length();
    (0..=STEPS)
        .map(|n| {
            let t = f64::from(n) / f64::from(STEPS);
            let (t2, t3) = (t * t, t * t * t);
            let p = root * (2.0 * t3 - 3.0 * t2 + 1.0)
                + chord * (t3 - 2.0 * t2 + t)
                + end * (3.0 * t2 - 2.0 * t3)
                + along_canal * (t3 - t2);
            (p, thick + (thin - thick) * t)
        })
        .collect()
}

/// Facial, cochlear and the two vestibular nerves, from where the solid of the canal begins in the cistern to the fundus.
fn canal_nerves(frame: &Frame, canal: &Canal, side: Side) -> Vec<Part> {
    let fundus = canal.length + 0.5;
    // Within the canal a nerve belongs to the canal's label; in the cistern it has none.
    let nerve = |points: Vec<(DVec3, f64)>| {
        let tube = Shape::Tube(points);
        let inside = inside_porus(canal, tube.clone());
        [
            rigid(tube, Paint::Plain(Tissue::Nerve)),
            Part {
                zone: Zone::Of(Region::InternalAuditoryCanal(side)),
                ..rigid(inside, Paint::Plain(Tissue::Nerve))
            },
        ]
    };
    // The canal's fluid covered the last of the cisternal courses, which are painted again here.
    let [mut facial, mut vestibulocochlear] = [true, false].map(|anterior| {
        let mut course = cisternal_course(frame, canal, side, anterior);
        course.retain(|(p, _)| (*p - canal.porus).dot(canal.axis) > -INTO_CISTERN - 2.5);
        course
    });
    facial.push((canal.off_axis(fundus, 0.9, 0.8), 0.55));
    let split = canal.off_axis(-0.5, -0.7, -0.3);
    vestibulocochlear.push((split, 1.1));
    let branch = |front: f64, up: f64, radius: f64| {
        nerve(vec![
            (split, 0.6),
            (canal.off_axis(fundus, front, up), radius),
        ])
    };
    vec![
        nerve(facial),
        nerve(vestibulocochlear),
        branch(0.9, -0.8, 0.5),
        branch(-0.9, 0.7, 0.48),
        branch(-0.9, -0.7, 0.48),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::anatomy::{Anatomy, SIDES};
    use super::*;

    #[test]
    fn the_right_cochlea_winds_clockwise_from_base_to_apex_and_the_left_is_its_mirror() {
        let anatomy = Anatomy::new(1);
        for side in SIDES {
            let cochlea = &anatomy.ear(side).cochlea;
            let base = cochlea.on_modiolus(0.0);
            let towards_apex = (cochlea.on_modiolus(1.0) - base).normalize_or_zero();
            let turn: f64 = (9..80)
                .map(|n| {
                    let [a, b] = [0.0, 60.0].map(|d| {
                        let v = cochlea.on_spiral(f64::from(n) * 10.0 + d) - base;
                        v - towards_apex * v.dot(towards_apex)
                    });
                    a.cross(b).dot(towards_apex).signum()
                })
                .sum();
            // A turn that is right-handed about the line of sight is clockwise for the observer.
            let clockwise = if side == Side::Right { 71.0 } else { -71.0 };
            assert!((turn - clockwise).abs() < 0.5, "{side}: {turn}");
            // The basal turn leaves the round window downwards and comes up again in front.
            assert!(cochlea.on_spiral(90.0).z < cochlea.on_spiral(270.0).z);
        }
    }

    #[test]
    fn cochlear_labels_have_the_mean_and_the_spread_that_people_measure() {
        let pairs: Vec<[f64; 2]> = (0..400)
            .map(|seed| {
                let ears = Anatomy::new(seed).ears;
                ears.map(|ear| ear.cochlea.label_volume_mm3())
            })
            .collect();
        let apart = pairs
            .iter()
            .filter(|[l, r]| !(0.85..1.18).contains(&(l / r)));
        assert!(apart.count() < 20, "left and right are alike");
        let mm3 = pairs.concat();
        let mean = mm3.iter().sum::<f64>() / mm3.len() as f64;
        let variance = mm3.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / mm3.len() as f64;
        // 92 ± 14 mm³; three standard errors of 400 heads.
        assert!((mean - 92.0).abs() < 2.1, "{mean}");
        assert!((variance.sqrt() - 14.0).abs() < 1.5, "{}", variance.sqrt());
    }

    #[test]
    fn the_nerve_in_the_modiolus_meets_no_lumen_at_its_axis() {
        let anatomy = Anatomy::new(2);
        for side in SIDES {
            let cochlea = &anatomy.ear(side).cochlea;
            for n in 0..5 {
                let p = cochlea.on_modiolus(f64::from(n) / 10.0);
                assert!(cochlea.distance(p) > 0.0, "{side} {n}");
            }
        }
    }
}
