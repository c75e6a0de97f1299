//! Brain, nerves and vessels: all that gives way to a tumour.
use super::{
    anatomy::{Ear, Frame, SIDES, soft},
    draw::Draw,
    ear::cisternal_course,
    region::{Region, Zone},
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
    vessels::lesser_vessels,
};
use crate::volume::Side;
use glam::DVec3;

/// Midbrain, pons and medulla. The width of the pons decides how wide the cerebellopontine cistern is.
pub(super) fn brainstem(frame: &Frame, draw: &mut Draw) -> Shape {
    let width = draw.clipped(1.0, 0.1, 2.0);
    let pons = Shape::ellipsoid(
        frame.mid([0.0, 4.0, 9.0]),
        frame.semi([17.0 * width, 11.4, 14.0]),
    );
    let medulla = Shape::Tube(vec![
        (frame.mid([0.0, 7.5, -2.0]), 8.0),
        (frame.mid([0.0, 9.0, -16.0]), 6.8),
        (frame.mid([0.0, 13.0, -34.0]), 5.6),
        (frame.mid([0.0, 17.0, -75.0]), 5.4),
    ]);
    let olives = SIDES.map(|side| {
        Shape::ellipsoid(
            frame.at(side, [5.5, 4.0, -12.0]),
            frame.semi([2.6, 2.6, 6.0]),
        )
    });
    let midbrain = Shape::ellipsoid(frame.mid([0.0, 3.0, 29.0]), frame.semi([14.0, 9.0, 13.0]));
    let peduncles = SIDES.map(|side| {
        Shape::Tube(vec![
            (frame.at(side, [7.0, -3.0, 20.0]), 6.0),
            (frame.at(side, [12.0, -7.0, 36.0]), 6.5),
        ])
    });
    let mut of = vec![pons, medulla, midbrain];
    of.extend(olives);
    of.extend(peduncles);
    Shape::union(3.0, of)
}

/// CSF spaces and brain in painting order.
pub(super) fn parts(
    frame: &Frame,
    cavity: &Shape,
    brainstem: &Shape,
    ears: &[Ear; 2],
    draw: &mut Draw,
) -> Vec<Part> {
    let mid = |p| frame.mid(p);
    let semi = |s| frame.semi(s);
    let atrophy = draw.uniform(0.8, 1.6);
    let mut parts = vec![fluid(cavity.clone().grown(1.5), Paint::Cistern)];
    parts.extend(cerebrum(frame, atrophy));
    parts.extend(cerebellum(
        &super::bone::cistern(frame, ears),
        frame,
        atrophy,
    ));
    for side in SIDES {
        let at = |p| frame.at(side, p);
        let peduncle = Shape::Tube(vec![
            (at([11.0, 6.0, 7.0]), 7.2),
            (at([20.0, 14.0, 5.0]), 7.4),
            (at([26.0, 24.0, 2.0]), 8.0),
        ]);
        // The inferior peduncle and what lies about the lateral recess: no fluid parts the brainstem from the cerebellum there.
        let inferior = Shape::Tube(vec![
            (at([6.5, 12.5, -5.0]), 3.0),
            (at([8.5, 13.5, -2.0]), 4.6),
            (at([11.0, 17.0, 3.0]), 6.5),
            (at([16.0, 24.0, 3.0]), 8.0),
        ]);
        for peduncle in [inferior, peduncle] {
            parts.push(Part {
                zone: Zone::Of(Region::Cerebellum(side)),
                ..soft(peduncle, Paint::Plain(Tissue::White))
            });
        }
        let flocculus = Shape::ellipsoid(
            at([20.0, 13.5, -3.0]),
            semi([5.5, 3.4, 3.2]) * draw.clipped(1.0, 0.12, 2.0),
        );
        parts.push(Part {
            zone: Zone::Of(Region::Cerebellum(side)),
            ..soft(flocculus, Paint::Cerebellum)
        });
    }
    // Before the brainstem, so that their roots do not bite into its label.
    for (side, ear) in SIDES.into_iter().zip(ears) {
        parts.extend(nerves(frame, side, ear));
    }
    parts.push(Part {
        zone: Zone::Of(Region::Brainstem),
        ..soft(brainstem.clone(), Paint::BrainstemTissue)
    });
    let mut ventricle = vec![
        Shape::ellipsoid(
            mid([0.0, 18.5, 6.0]),
            semi([6.6 * atrophy.sqrt(), 4.2, 13.0]),
        ),
        Shape::ellipsoid(mid([0.0, 22.5, 4.0]), semi([3.6, 5.5, 5.5])),
        Shape::Tube(vec![
            (mid([0.0, 15.0, 17.0]), 1.6),
            (mid([0.0, 11.0, 32.0]), 0.9),
        ]),
    ];
    for side in SIDES {
        let at = |p| frame.at(side, p);
        ventricle.push(Shape::Tube(vec![
            (at([3.0, 17.0, -2.0]), 1.6),
            (at([10.0, 17.5, -2.5]), 1.2),
            (at([14.5, 16.5, -3.0]), 1.1),
        ]));
    }
    parts.push(Part {
        zone: Zone::Of(Region::FourthVentricle),
        ..soft(Shape::union(2.0, ventricle), Paint::Plain(Tissue::Csf))
    });
    for side in SIDES {
        let at = |p| frame.at(side, p);
        // Choroid plexus in the lateral recess; the recess is still the ventricle's.
        let plexus = Shape::Tube(vec![
            (at([9.5, 17.4, -2.4]), 0.5),
            (at([14.0, 16.6, -2.9]), 0.7),
        ]);
        parts.push(Part {
            zone: Zone::Of(Region::FourthVentricle),
            ..soft(plexus, Paint::Plain(Tissue::Mucosa))
        });
    }
    // The basilar sulcus, about 1 mm deep in the front of the pons.
    let sulcus = Shape::Tube(vec![
        (mid([0.0, -5.4, 2.0]), 0.9),
        (mid([0.0, -7.4, 9.0]), 1.1),
        (mid([0.0, -6.2, 15.0]), 0.9),
    ]);
    parts.push(fluid(sulcus, Paint::Cistern));
    parts.extend(vessels(frame, draw));
    parts
}

/// Cerebrospinal fluid around the brain.
fn fluid(shape: Shape, paint: Paint) -> Part {
    Part {
        zone: Zone::Of(Region::CerebrospinalFluid),
        ..soft(shape, paint)
    }
}

/// Hemispheres above the tentorium with lateral and third ventricles.
fn cerebrum(frame: &Frame, atrophy: f64) -> Vec<Part> {
    let mut parts = Vec::new();
    for side in SIDES {
        let at = |p| frame.at(side, p);
        let half = Shape::Intersection(vec![
            super::bone::above_tentorium(frame).grown(-0.9 * atrophy),
            Shape::HalfSpace {
                point: at([0.8, 0.0, 0.0]),
                normal: at([-1.0, 0.0, 0.0]).normalize_or_zero(),
            },
        ]);
        // The cerebellum and brainstem come later and cover what lies below the tentorium; around the midbrain the cistern is open.
        let notch = Shape::ellipsoid(frame.mid([0.0, 2.0, 26.0]), frame.semi([22.0, 21.0, 20.0]));
        let paint = Paint::Cerebrum {
            sulcus_mm: 1.1 * atrophy,
        };
        parts.push(soft(half.minus(notch), paint));
        let horn = Shape::Tube(vec![
            (at([30.0, -16.0, 14.0]), 1.2 * atrophy),
            (at([32.0, 10.0, 20.0]), 2.2 * atrophy),
            (at([26.0, 34.0, 36.0]), 4.0 * atrophy),
            (at([14.0, 10.0, 56.0]), 4.0 * atrophy),
            (at([9.0, -28.0, 46.0]), 4.5 * atrophy),
        ]);
        parts.push(fluid(horn, Paint::Plain(Tissue::Csf)));
    }
    let third = Shape::ellipsoid(
        frame.mid([0.0, -8.0, 44.0]),
        frame.semi([2.2 * atrophy, 15.0, 9.0]),
    );
    parts.push(fluid(third, Paint::Plain(Tissue::Csf)));
    parts
}

/// The contents of the posterior fossa behind the brainstem, under a dark tentorium.
fn cerebellum(fossa: &Shape, frame: &Frame, atrophy: f64) -> Vec<Part> {
    let mut of: Vec<Shape> = SIDES
        .iter()
        .map(|&side| {
            Shape::ellipsoid(
                frame.at(side, [24.5, 40.0, -1.0]),
                frame.semi([25.0, 28.0, 25.5]),
            )
        })
        .collect();
    // The petrosal surface follows the bone from the sigmoid sinus to behind the porus, and the quadrangular lobule embraces the upper pons.
    for side in SIDES {
        of.push(Shape::ellipsoid(
            frame.at(side, [33.0, 24.0, 0.0]),
            frame.semi([17.0, 19.0, 20.0]),
        ));
        of.push(Shape::ellipsoid(
            frame.at(side, [22.0, 20.0, 13.0]),
            frame.semi([13.0, 17.0, 13.0]),
        ));
    }
    // The vermis, the culmen under the ridge of the tentorium, the lobule before it, and the tonsils.
    let more = [
        ([0.0, 41.0, 2.0], [10.0, 26.0, 23.0]),
        ([0.0, 40.0, 12.0], [24.0, 22.0, 16.0]),
        ([0.0, 32.0, 20.0], [14.0, 15.0, 11.0]),
        ([-7.0, 28.0, -15.0], [8.5, 11.5, 11.0]),
        ([7.0, 28.0, -15.0], [8.5, 11.5, 11.0]),
    ];
    of.extend(more.map(|(at, size)| Shape::ellipsoid(frame.mid(at), frame.semi(size))));
    let room = fossa.clone().grown(-1.4 * atrophy);
    let angles = SIDES.map(|side| {
        Shape::ellipsoid(
            frame.at(side, [18.0, 3.0, -1.0]),
            frame.semi([10.5, 10.0, 12.0]),
        )
    });
    let cerebellum = Shape::Intersection(vec![Shape::union(4.0, of), room])
        .minus(Shape::union(2.0, angles.into()));
    vec![
        soft(fossa.clone().grown(0.7), Paint::Plain(Tissue::Dura)),
        fluid(fossa.clone(), Paint::Cistern),
        Part {
            zone: Zone::Cerebellum {
                vermis_mm: 5.5 * frame.semi([1.0; 3]).x,
            },
            ..soft(cerebellum, Paint::Cerebellum)
        },
    ]
}

/// Basilar and vertebral arteries, and the lesser vessels of each side; the loop of the AICA comes with the canal.
fn vessels(frame: &Frame, draw: &mut Draw) -> Vec<Part> {
    let mid = |p| frame.mid(p);
    let bow = draw.clipped(0.0, 2.5, 2.0);
    let basilar = Shape::Tube(vec![
        (mid([0.3 * bow, -8.6, -8.0]), 1.8),
        (mid([bow, -10.6, 2.0]), 1.75),
        (mid([0.8 * bow, -12.4, 12.0]), 1.65),
        (mid([0.0, -14.0, 24.0]), 1.55),
    ]);
    let mut parts = vec![soft(basilar, Paint::Plain(Tissue::Artery))];
    for side in SIDES {
        let at = |p| frame.at(side, p);
        let wide = draw.uniform(1.2, 1.9);
        let vertebral = Shape::Tube(vec![
            (at([10.0, 8.0, -40.0]), wide),
            (at([8.0, 0.0, -22.0]), wide),
            (mid([0.3 * bow, -8.6, -8.0]), 0.85 * wide),
        ]);
        parts.push(soft(vertebral, Paint::Plain(Tissue::Artery)));
        parts.extend(lesser_vessels(frame, side));
        // The loop once took this draw; those after it in the stream stay what they were.
        draw.uniform(0.0, 1.0);
    }
    parts
}

/// The cisternal parts of nerves V, VI, VII, VIII and the IX–X bundle.
fn nerves(frame: &Frame, side: Side, ear: &Ear) -> Vec<Part> {
    let at = |p| frame.at(side, p);
    let nerve = |points: Vec<(DVec3, f64)>| soft(Shape::Tube(points), Paint::Plain(Tissue::Nerve));
    let into_canal = |anterior| nerve(cisternal_course(frame, &ear.canal, side, anterior));
    vec![
        into_canal(true),
        into_canal(false),
        // Nerve V is a ribbon: two strands that touch.
        nerve(vec![
            (at([15.0, 0.0, 8.2]), 1.25),
            (at([18.5, -13.0, 8.8]), 1.15),
        ]),
        nerve(vec![
            (at([15.2, 0.0, 9.9]), 1.25),
            (at([18.6, -13.0, 10.2]), 1.15),
        ]),
        nerve(vec![
            (at([4.0, -6.0, -3.0]), 0.5),
            (at([9.0, -15.0, 6.0]), 0.5),
        ]),
        // Nerves IX to XI fan out from the groove behind the olive and meet at the jugular foramen.
        nerve(vec![
            (at([8.0, 7.5, -7.5]), 0.55),
            (at([25.0, 4.6, -11.2]), 0.5),
        ]),
        nerve(vec![
            (at([8.0, 8.0, -10.0]), 0.65),
            (at([25.0, 5.2, -12.4]), 0.6),
        ]),
        nerve(vec![
            (at([7.0, 9.5, -18.0]), 0.45),
            (at([25.0, 6.2, -13.2]), 0.5),
        ]),
    ]
}
