//! Skull, the space inside it, air cells and the great veins: nothing here moves.
use super::{
    anatomy::{Ear, Frame, SIDES, direction, rigid},
    draw::Draw,
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
};
use crate::volume::Side;
use glam::DVec3;

/// The leaves of the tentorium, each as a point and its normal upwards: the back ones fall off to the transverse sinuses, the front ones
/// from the free edge about the midbrain to the petrous ridges. What lies below all of them is below the tentorium.
fn tentorium(frame: &Frame) -> [(DVec3, DVec3); 4] {
    let leaf = |side, point, normal| {
        (
            frame.at(side, point),
            direction(side, normal).normalize_or_zero(),
        )
    };
    let [left, right] = SIDES;
    let back = |side| leaf(side, [0.0, 40.0, 30.0], [0.40, 0.30, 1.0]);
    let front = |side| leaf(side, [20.0, -8.0, 12.0], [0.592, -0.518, 0.617]);
    [back(left), back(right), front(left), front(right)]
}

/// The space below the tentorium, before the petrous bones and the clivus cut into it.
fn posterior_fossa(frame: &Frame) -> Shape {
    let behind = Shape::ellipsoid(frame.mid([0.0, 31.0, 3.0]), frame.semi([50.5, 37.0, 26.4]));
    // The cisterns before the pons and between the peduncles.
    let before = Shape::ellipsoid(frame.mid([0.0, 0.0, 14.0]), frame.semi([18.0, 18.0, 20.0]));
    let mut of = vec![Shape::union(5.0, vec![behind, before])];
    of.extend(tentorium(frame).map(|(point, normal)| Shape::HalfSpace { point, normal }));
    Shape::Intersection(of)
}

/// The posterior fossa between clivus, petrous bones and tentorium: where a tumour can grow.
pub(super) fn cistern(frame: &Frame, ears: &[Ear; 2]) -> Shape {
    let mid = |p| frame.mid(p);
    let mut fossa = vec![
        posterior_fossa(frame),
        // The clivus: from (0, -0.5, -22) over (0, -10, 0) to (0, -18, 18).
        Shape::HalfSpace {
            point: mid([0.0, -10.0, 0.0]),
            normal: direction(Side::Left, [0.0, -0.915, -0.403]),
        },
    ];
    for ear in ears {
        fossa.push(Shape::Uneven {
            point: ear.canal.porus,
            normal: -ear.canal.face,
            phase: ear.face_phase,
        });
    }
    // The jugular tubercles narrow the fossa towards the foramen magnum.
    let tubercles = SIDES.map(|side| {
        Shape::ellipsoid(
            frame.at(side, [31.0, 2.0, -20.0]),
            frame.semi([15.0, 20.0, 13.0]),
        )
    });
    Shape::Intersection(fossa).minus(Shape::union(0.0, tubercles.into()))
}

/// The space that holds brain and CSF: above and below the tentorium, and the spinal canal.
pub(super) fn cavity(frame: &Frame, ears: &[Ear; 2]) -> Shape {
    Shape::union(
        0.0,
        vec![cistern(frame, ears), above_tentorium(frame), spine(frame)],
    )
}

fn spine(frame: &Frame) -> Shape {
    let mid = |p| frame.mid(p);
    Shape::Tube(vec![
        (mid([0.0, 14.0, -18.0]), 13.0),
        (mid([0.0, 15.0, -30.0]), 11.0),
        (mid([0.0, 18.0, -110.0]), 9.0),
    ])
}

/// Middle and anterior fossa and the vault.
pub(super) fn above_tentorium(frame: &Frame) -> Shape {
    let mid = |p| frame.mid(p);
    let floor = |point: DVec3| Shape::HalfSpace {
        point,
        normal: DVec3::NEG_Z,
    };
    let above = Shape::ellipsoid(mid([0.0, 3.0, 35.0]), frame.semi([67.0, 83.0, 75.0]));
    let mut of = vec![
        Shape::Intersection(vec![above.clone(), floor(mid([0.0, 0.0, 29.0]))]),
        // Over the tentorium, behind the petrous ridges.
        Shape::Intersection(vec![
            above.clone(),
            floor(mid([0.0, 0.0, 8.0])),
            Shape::HalfSpace {
                point: mid([0.0, 4.0, 0.0]),
                normal: DVec3::Y,
            },
            Shape::union(
                0.0,
                tentorium(frame)
                    .map(|(point, normal)| Shape::HalfSpace {
                        point,
                        normal: -normal,
                    })
                    .into(),
            ),
        ]),
    ];
    for side in SIDES {
        let pole = Shape::ellipsoid(
            frame.at(side, [41.0, -8.0, 35.0]),
            frame.semi([27.0, 38.0, 25.5]),
        );
        of.push(Shape::Intersection(vec![above.clone(), pole]));
    }
    Shape::union(6.0, of)
}

/// Streams of the air cells, left and right.
const CELL_STREAMS: [u64; 2] = [333, 334];

/// Bone around the cavity, marrow, air and veins, in painting order.
pub(super) fn parts(frame: &Frame, cavity: &Shape, draw: &mut Draw, seed: u64) -> Vec<Part> {
    let mid = |p| frame.mid(p);
    let semi = |s| frame.semi(s);
    let above_plane = |posterior: f64, superior: f64| Shape::HalfSpace {
        point: mid([0.0, 0.0, -8.0]),
        normal: direction(Side::Left, [0.0, posterior, superior]),
    };
    let vault = Shape::Intersection(vec![
        Shape::ellipsoid(mid([0.0, 3.0, 31.0]), semi([71.5, 89.0, 82.0])),
        // Below these planes lie the face in front and the neck behind.
        Shape::union(
            0.0,
            vec![above_plane(-0.33, -0.944), above_plane(-0.45, -0.893)],
        ),
        // In front it is only the floor of the fossae.
        cavity.clone().grown(8.0),
    ]);
    let clivus = Shape::ellipsoid(mid([0.0, -17.0, -2.0]), semi([15.0, 15.0, 25.0]));
    let sella = Shape::ellipsoid(mid([0.0, -34.0, 6.0]), semi([17.0, 24.0, 18.0]));
    let atlas = Shape::Tube(vec![
        (mid([0.0, 15.0, -30.0]), 16.0),
        (mid([0.0, 18.0, -110.0]), 14.0),
    ]);
    let mut solid = vec![vault, clivus.clone(), sella, atlas];
    for side in SIDES {
        let at = |p| frame.at(side, p);
        solid.push(Shape::Tube(vec![
            (at([12.0, -16.0, 0.0]), 7.5),
            (at([24.0, -7.0, -1.0]), 10.5),
            (at([40.0, 0.0, -1.0]), 12.5),
            (at([56.0, 8.0, -3.0]), 14.0),
        ]));
        solid.push(Shape::ellipsoid(
            at([55.0, 15.0, -14.0]),
            semi([11.0, 14.0, 20.0]),
        ));
    }
    let skull = Shape::union(4.0, solid).minus(cavity.clone());
    let mut parts = vec![
        rigid(skull, Paint::Diploe),
        rigid(
            clivus.minus(cavity.clone()).grown(-1.5),
            Paint::Plain(Tissue::Marrow),
        ),
    ];
    let sphenoid = Shape::ellipsoid(mid([0.0, -42.0, 8.0]), semi([12.0, 12.0, 9.0]));
    parts.push(rigid(
        sphenoid.clone().grown(0.8),
        Paint::Plain(Tissue::Mucosa),
    ));
    parts.push(rigid(sphenoid, Paint::Plain(Tissue::Air)));
    let wider = if draw.chance(0.65) {
        Side::Right
    } else {
        Side::Left
    };
    for side in SIDES {
        let dominant = if side == wider { 1.15 } else { 0.85 };
        parts.extend(temporal_bone(frame, cavity, side, dominant, draw, seed));
    }
    parts
}

/// Marrow, air and vessels of one temporal bone.
fn temporal_bone(
    frame: &Frame,
    cavity: &Shape,
    side: Side,
    dominant: f64,
    draw: &mut Draw,
    seed: u64,
) -> Vec<Part> {
    let at = |p| frame.at(side, p);
    let semi = |s| frame.semi(s);
    let mut parts = Vec::new();
    let apex = Shape::ellipsoid(at([14.0, -17.0, 1.0]), semi([6.0, 6.0, 5.0]))
        .minus(cavity.clone().grown(1.0));
    // Fat marrow in 70 %, air cells in 25 %, dense bone in the others.
    let drawn = draw.uniform(0.0, 1.0);
    let mut of_cells = Draw::new(seed, CELL_STREAMS[usize::from(side == Side::Right)]);
    let air = of_cells.uniform(0.5, 0.95);
    let opaque = if of_cells.chance(0.05) { 0.7 } else { 0.03 };
    let cells = Paint::Cells { air, opaque };
    let filling = if drawn < 0.7 {
        Paint::Plain(Tissue::Marrow)
    } else if drawn < 0.95 {
        cells.clone()
    } else {
        Paint::Plain(Tissue::Bone)
    };
    parts.push(rigid(apex, filling));
    let large = draw.uniform(0.6, 1.1);
    let mastoid = Shape::union(
        4.0,
        vec![
            Shape::ellipsoid(at([56.0, 11.0, -7.0]), semi([9.0, 11.0, 17.0]) * large),
            Shape::ellipsoid(at([51.0, 2.0, 2.0]), semi([5.0, 7.0, 6.0])),
        ],
    );
    parts.push(rigid(mastoid, cells));
    parts.push(rigid(
        Shape::ellipsoid(at([48.0, -5.0, -1.0]), semi([3.5, 5.0, 7.0])),
        Paint::Plain(Tissue::Air),
    ));
    let ear_canal = vec![(at([50.0, -5.0, -3.0]), 3.6), (at([80.0, -3.0, -4.0]), 4.0)];
    parts.push(rigid(Shape::Tube(ear_canal), Paint::Plain(Tissue::Air)));
    let vein = |points: Vec<(DVec3, f64)>| rigid(Shape::Tube(points), Paint::Plain(Tissue::Vein));
    parts.push(vein(vec![
        (at([0.0, 67.5, 21.0]), 2.8 * dominant),
        (at([10.0, 68.0, 17.0]), 2.8 * dominant),
        (at([21.0, 66.5, 13.0]), 2.8 * dominant),
        (at([34.0, 61.0, 10.0]), 2.9 * dominant),
        (at([44.0, 51.5, 9.0]), 3.1 * dominant),
        (at([50.0, 39.0, 9.0]), 3.4 * dominant),
        (at([49.0, 29.0, 4.0]), 4.2 * dominant),
        (at([43.0, 21.0, -10.0]), 4.4 * dominant),
        (at([31.0, 11.0, -17.0]), 5.4 * dominant),
        (at([31.0, 4.0, -40.0]), 5.0 * dominant),
    ]));
    let carotid = vec![
        (at([30.0, -10.0, -45.0]), 2.7),
        (at([32.0, -12.0, -10.0]), 2.7),
        (at([30.0, -16.0, -3.0]), 2.6),
        (at([15.0, -25.0, 3.0]), 2.5),
        (at([13.0, -32.0, 14.0]), 2.4),
        (at([11.0, -28.0, 24.0]), 2.2),
    ];
    parts.push(rigid(Shape::Tube(carotid), Paint::Plain(Tissue::Artery)));
    parts
}
