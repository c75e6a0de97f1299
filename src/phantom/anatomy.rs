//! One head without its tumour: the drawn sizes and the solids they make.
//!
//! The tables of anatomy are written as LPS millimetres of the left side about the midpoint of the two pori (x left, y posterior, z superior).
//! [`Frame::at`] is the one place where they become RAS millimetres and get their side.
use super::{
    bone, brain,
    canal::Canal,
    cochlea::Cochlea,
    draw::Draw,
    ear,
    family::Family,
    region::Zone,
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
};
use crate::volume::Side;
use glam::DVec3;

/// Places points of the anatomical tables in a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    scale: DVec3,
}

impl Frame {
    /// RAS mm from the table's `[left, posterior, superior]` mm of the left side.
    pub(super) fn at(&self, side: Side, [left, posterior, superior]: [f64; 3]) -> DVec3 {
        self.scale * direction(side, [left, posterior, superior])
    }

    /// RAS mm of a point near the midline, positive x towards the left as in the tables.
    pub(super) fn mid(&self, lps: [f64; 3]) -> DVec3 {
        self.at(Side::Left, lps)
    }

    /// Half-axes scaled with the head.
    pub(super) fn semi(&self, semi: [f64; 3]) -> DVec3 {
        self.scale * DVec3::from_array(semi)
    }
}

/// A direction of the tables (LPS, left side) as a RAS direction of either side.
pub(super) fn direction(side: Side, [left, posterior, superior]: [f64; 3]) -> DVec3 {
    let x = match side {
        Side::Left => -left,
        Side::Right => left,
    };
    DVec3::new(x, -posterior, superior)
}

/// Both sides.
pub(super) const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// What belongs to one ear and is asked for again.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    pub(super) canal: Canal,
    pub(super) cochlea: Cochlea,
    /// Phases of the waves on the posterior face of the petrous bone.
    pub(super) face_phase: DVec3,
}

/// A head without tumour.
#[derive(Debug, Clone)]
pub(super) struct Anatomy {
    /// Size relative to the mean head along right, anterior, superior.
    pub(super) scale: DVec3,
    /// Solids in painting order.
    pub(super) parts: Vec<Part>,
    /// Number of the first solid of the ears, with the nerves and vessels of the angles.
    pub(super) before_ears: usize,
    /// Midbrain, pons and medulla at rest, without the fourth ventricle.
    pub(super) brainstem: Shape,
    /// Where a tumour can grow outside the canal.
    pub(super) cistern: Shape,
    /// The space that holds brain and fluid.
    #[cfg(test)]
    pub(super) cavity: Shape,
    /// Left, right.
    pub(super) ears: [Ear; 2],
    /// Seed of the random fields.
    pub(super) seed: u64,
}

impl Anatomy {
    /// Draws a head.
    #[cfg(test)]
    pub(super) fn new(seed: u64) -> Self {
        Self::widened(seed, Family::Usual, None)
    }

    /// Draws a head of a family, with the porus of a side so many mm wider: what a schwannoma does to its canal in the course of years.
    pub(super) fn widened(seed: u64, family: Family, porus: Option<(Side, f64)>) -> Self {
        let mut draw = Draw::new(seed, 0);
        let size = draw.clipped(1.0, 0.04, 2.0);
        let broad = draw.clipped(0.0, 0.035, 2.0);
        let frame = Frame {
            scale: family.head_scale(seed, size, broad),
        };
        let ears = SIDES.map(|side| {
            let wider = porus.filter(|(s, _)| *s == side).map_or(0.0, |(_, mm)| mm);
            ear::draw_ear(&frame, side, wider, &mut draw, seed)
        });
        let cavity = bone::cavity(&frame, &ears);
        let brainstem = brain::brainstem(&frame, &mut draw);
        let mut parts = head(&frame);
        parts.extend(brain::parts(&frame, &cavity, &brainstem, &ears, &mut draw));
        parts.extend(bone::parts(&frame, &cavity, &mut draw, seed));
        let before_ears = parts.len();
        for (side, ear) in SIDES.into_iter().zip(&ears) {
            parts.extend(ear::parts(&frame, side, ear, &mut draw, seed));
        }
        Self {
            scale: frame.scale,
            parts,
            before_ears,
            brainstem,
            cistern: bone::cistern(&frame, &ears),
            #[cfg(test)]
            cavity,
            ears,
            seed: draw.seed(),
        }
    }

    pub(super) fn ear(&self, side: Side) -> &Ear {
        let [left, right] = &self.ears;
        match side {
            Side::Left => left,
            Side::Right => right,
        }
    }
}

/// A solid that belongs to no region and does not move.
pub(super) fn rigid(shape: Shape, paint: Paint) -> Part {
    Part {
        shape,
        paint,
        zone: Zone::Unnamed,
        soft: false,
    }
}

/// A solid that belongs to no region and gives way to the tumour.
pub(super) fn soft(shape: Shape, paint: Paint) -> Part {
    Part {
        soft: true,
        ..rigid(shape, paint)
    }
}

/// Scalp, face and neck, with the orbits and the airways.
fn head(frame: &Frame) -> Vec<Part> {
    let mid = |p| frame.mid(p);
    let semi = |s| frame.semi(s);
    let outline = |grown: f64| {
        let skull = Shape::ellipsoid(mid([0.0, 3.0, 30.0]), semi([76.0, 95.0, 92.0]));
        let jaw = Shape::ellipsoid(mid([0.0, -28.0, -30.0]), semi([62.0, 62.0, 95.0]));
        let neck = Shape::Tube(vec![
            (mid([0.0, 22.0, -20.0]), 60.0),
            (mid([0.0, 26.0, -110.0]), 56.0),
        ]);
        Shape::union(18.0, vec![skull, jaw, neck]).grown(grown)
    };
    let mut parts = vec![
        rigid(outline(0.0), Paint::Plain(Tissue::Muscle)),
        rigid(outline(-1.5), Paint::Plain(Tissue::Fat)),
        rigid(outline(-5.5), Paint::Face),
    ];
    let nose = Shape::ellipsoid(mid([0.0, -52.0, -4.0]), semi([13.0, 28.0, 30.0]));
    parts.push(rigid(nose.clone().grown(2.0), Paint::Plain(Tissue::Mucosa)));
    parts.push(rigid(nose, Paint::Plain(Tissue::Air)));
    let septum = Shape::Intersection(vec![
        Shape::ellipsoid(mid([0.0, -52.0, -4.0]), semi([13.0, 28.0, 30.0])),
        Shape::ellipsoid(mid([0.0, -52.0, -4.0]), semi([1.6, 40.0, 40.0])),
    ]);
    parts.push(rigid(septum, Paint::Plain(Tissue::Mucosa)));
    for side in SIDES {
        let at = |p| frame.at(side, p);
        let conchae = Shape::Tube(vec![
            (at([7.0, -66.0, -8.0]), 3.2),
            (at([6.5, -36.0, -8.0]), 3.8),
        ]);
        parts.push(rigid(conchae, Paint::Plain(Tissue::Mucosa)));
        let antrum = Shape::ellipsoid(at([29.0, -56.0, -16.0]), semi([12.0, 16.0, 16.0]));
        parts.push(rigid(antrum.clone().grown(2.2), Paint::Plain(Tissue::Bone)));
        parts.push(rigid(
            antrum.clone().grown(0.8),
            Paint::Plain(Tissue::Mucosa),
        ));
        parts.push(rigid(antrum, Paint::Plain(Tissue::Air)));
        let zygoma = Shape::Tube(vec![
            (at([60.0, -20.0, -6.0]), 3.5),
            (at([57.0, -45.0, -8.0]), 4.5),
            (at([44.0, -66.0, -8.0]), 5.0),
        ]);
        parts.push(rigid(zygoma, Paint::Diploe));
        parts.extend(orbit(frame, side));
    }
    parts
}

fn orbit(frame: &Frame, side: Side) -> Vec<Part> {
    let at = |p| frame.at(side, p);
    let cone = Shape::Tube(vec![
        (at([28.5, -62.0, 12.0]), 16.0),
        (at([18.0, -34.0, 13.0]), 5.0),
    ]);
    let globe = Shape::ellipsoid(at([29.5, -66.0, 12.0]), DVec3::splat(12.0));
    let muscle = |x: f64| {
        Shape::Tube(vec![
            (at([29.5 + x, -63.0, 12.0]), 1.6),
            (at([25.0 + 0.6 * x, -49.0, 12.0]), 2.4),
            (at([19.0, -36.0, 13.0]), 1.2),
        ])
    };
    vec![
        rigid(cone.clone().grown(1.8), Paint::Plain(Tissue::Bone)),
        rigid(cone, Paint::Plain(Tissue::Fat)),
        rigid(muscle(12.0), Paint::Plain(Tissue::Muscle)),
        rigid(muscle(-12.0), Paint::Plain(Tissue::Muscle)),
        rigid(
            Shape::Tube(vec![
                (at([29.0, -55.0, 12.0]), 2.9),
                (at([17.0, -32.0, 14.0]), 2.7),
            ]),
            Paint::Plain(Tissue::Csf),
        ),
        rigid(
            Shape::Tube(vec![
                (at([29.0, -55.0, 12.0]), 1.7),
                (at([17.0, -32.0, 14.0]), 1.7),
            ]),
            Paint::Plain(Tissue::White),
        ),
        rigid(globe.clone(), Paint::Plain(Tissue::Dura)),
        rigid(globe.grown(-0.9), Paint::Plain(Tissue::Vitreous)),
        rigid(
            Shape::ellipsoid(at([29.5, -75.0, 12.0]), DVec3::new(4.5, 2.1, 4.5)),
            Paint::Plain(Tissue::Lens),
        ),
    ]
}
