//! What can be taken for a vestibular schwannoma and is none.
use super::{
    anatomy::{Anatomy, Ear, rigid},
    draw::Draw,
    region::{Region, Zone},
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
};
use crate::volume::Side;
use glam::DVec3;
use serde::Serialize;

/// A finding of the cerebellopontine angle or the canal that looks like a schwannoma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mimic {
    /// A loop of the anterior inferior cerebellar artery deep in the canal.
    VascularLoop,
    /// A dome of the dura behind or in front of the porus, with a dural tail; about as bright as grey matter, and strongly enhancing.
    Meningioma,
    /// Lobules between nerves and vessels, darker than cerebrospinal fluid on hrT2 and as uneven as a dirty one; does not enhance.
    Epidermoid,
}

impl Mimic {
    /// All.
    pub const ALL: [Self; 3] = [Self::VascularLoop, Self::Meningioma, Self::Epidermoid];
}

/// Stream of the place and size of a look-alike.
const STREAM: u64 = 62;

/// Puts a look-alike into a head; `side` of it is drawn when left open.
pub(super) fn add(mimic: Mimic, side: Option<Side>, anatomy: &mut Anatomy, seed: u64) {
    let mut draw = Draw::new(seed, STREAM);
    let drawn = if draw.chance(0.5) {
        Side::Left
    } else {
        Side::Right
    };
    let side = side.unwrap_or(drawn);
    let ear = anatomy.ear(side).clone();
    match mimic {
        Mimic::VascularLoop => anatomy.parts.extend(vascular_loop(&ear, side, &mut draw)),
        Mimic::Meningioma => {
            let part = meningioma(&ear, anatomy, &mut draw);
            anatomy.parts.push(part);
        }
        Mimic::Epidermoid => {
            // Nerves and vessels of the angle run through it, so they are painted over it.
            let part = epidermoid(&ear, anatomy, &mut draw);
            let place = anatomy.before_ears.min(anatomy.parts.len());
            anatomy.parts.insert(place, part);
        }
    }
}

/// There and back again, below the nerves.
fn vascular_loop(ear: &Ear, side: Side, draw: &mut Draw) -> [Part; 2] {
    let canal = &ear.canal;
    let reach = canal.length * draw.uniform(0.45, 0.75);
    let radius = draw.uniform(0.45, 0.65);
    let at = |mm: f64, front: f64, up: f64| (canal.off_axis(mm, front, up), radius);
    let tube = Shape::Tube(vec![
        at(-7.0, 2.2, -1.8),
        at(0.0, 1.1, -1.2),
        at(reach - 1.0, 0.8, -0.9),
        at(reach, 0.0, -0.8),
        at(reach - 1.0, -0.8, -0.9),
        at(0.0, -1.1, -1.2),
        at(-7.0, -2.4, -2.0),
    ]);
    let inside = Shape::Intersection(vec![
        tube.clone(),
        Shape::HalfSpace {
            point: canal.porus,
            normal: canal.face,
        },
    ]);
    let artery = Paint::Plain(Tissue::Artery);
    [
        rigid(tube, artery.clone()),
        // Within the canal it belongs to the canal's label, as nerves do.
        Part {
            zone: Zone::Of(Region::InternalAuditoryCanal(side)),
            ..rigid(inside, artery)
        },
    ]
}

/// Where a growth of the angle has room: the cistern up to the brainstem.
fn room(anatomy: &Anatomy, mm: f64) -> Shape {
    anatomy
        .cistern
        .clone()
        .grown(-0.1)
        .minus(anatomy.brainstem.clone().grown(mm))
}

fn meningioma(ear: &Ear, anatomy: &Anatomy, draw: &mut Draw) -> Part {
    let canal = &ear.canal;
    let face = canal.face;
    let along = |v: DVec3| (v - face * v.dot(face)).normalize_or_zero();
    let radius = draw.uniform(5.0, 11.0);
    // Off the canal, mostly behind it.
    let towards = if draw.chance(0.75) { -1.0 } else { 1.0 };
    let off = along(DVec3::Y) * towards * draw.uniform(0.55, 0.9) * radius
        + along(DVec3::Z) * draw.uniform(-3.0, 4.0);
    let base = canal.porus + off;
    // Less than half a ball: its edge meets the dura at an obtuse angle.
    let sunk = radius * draw.uniform(0.2, 0.4);
    let ball = |centre: DVec3, r: f64| Shape::ellipsoid(centre, DVec3::splat(r));
    let tail = Shape::Intersection(vec![
        ball(base, radius * draw.uniform(1.25, 1.6)),
        Shape::HalfSpace {
            point: base + face * draw.uniform(0.7, 1.2),
            normal: face,
        },
    ]);
    let dome = Shape::union(1.5, vec![ball(base - face * sunk, radius), tail]);
    let shape = Shape::Intersection(vec![dome, room(anatomy, 0.2)]);
    rigid(shape, Paint::Meningioma)
}

fn epidermoid(ear: &Ear, anatomy: &Anatomy, draw: &mut Draw) -> Part {
    let canal = &ear.canal;
    let lobules = 6 + draw.uniform(0.0, 4.0) as usize;
    let mut at = canal.porus + canal.face * draw.uniform(4.0, 6.0);
    // The chain of lobules runs up or down along the brainstem.
    let up = if draw.chance(0.5) { 1.0 } else { -1.0 };
    let along = DVec3::Z * up * draw.uniform(0.4, 1.0) + canal.face * 0.3;
    let mut of = Vec::new();
    for _ in 0..lobules {
        let radius = draw.uniform(2.5, 5.5);
        of.push(Shape::ellipsoid(at, DVec3::splat(radius)));
        at += (along + draw.direction()) * draw.uniform(2.0, 4.0);
    }
    let shape = Shape::Intersection(vec![Shape::union(1.0, of), room(anatomy, 0.3)]);
    rigid(
        shape,
        Paint::Epidermoid {
            level: draw.uniform(0.6, 0.85),
        },
    )
}
