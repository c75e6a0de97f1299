//! The lesser vessels of the cerebellopontine angle.
use super::{
    anatomy::{Ear, Frame, soft},
    draw::Draw,
    scene::Part,
    shape::Shape,
    tissue::{Paint, Tissue},
};
use crate::volume::Side;
use glam::DVec3;

/// Streams of the loop of the AICA, left and right: heads drawn before it had its own keep everything else.
const LOOP_STREAMS: [u64; 2] = [20, 21];

/// Superior and posterior inferior cerebellar arteries and the petrosal vein of a side.
pub(super) fn lesser_vessels(frame: &Frame, side: Side) -> Vec<Part> {
    let at = |p| frame.at(side, p);
    let vessel =
        |tissue: Tissue, points: Vec<(DVec3, f64)>| soft(Shape::Tube(points), Paint::Plain(tissue));
    vec![
        vessel(
            Tissue::Artery,
            vec![
                (at([1.0, -14.5, 23.0]), 0.75),
                (at([11.0, -12.5, 22.5]), 0.7),
                (at([18.5, -3.0, 22.0]), 0.65),
                (at([19.5, 9.0, 23.0]), 0.6),
            ],
        ),
        vessel(
            Tissue::Artery,
            vec![
                (at([7.5, -1.0, -19.0]), 0.8),
                (at([11.0, 4.0, -17.0]), 0.75),
                (at([10.5, 12.0, -19.0]), 0.7),
                (at([7.5, 19.0, -17.0]), 0.6),
            ],
        ),
        vessel(
            Tissue::Vein,
            vec![
                (at([17.5, 5.0, 11.0]), 0.8),
                (at([19.0, 0.0, 12.0]), 1.0),
                (at([20.0, -4.0, 11.0]), 0.9),
            ],
        ),
    ]
}

/// How far lateral of the porus the loop of the AICA reaches, mm: into the canal in 20 %, to the porus in another 18 %.
fn loop_reach(draw: &mut Draw) -> f64 {
    let kind = draw.uniform(0.0, 1.0);
    if kind < 0.20 {
        draw.uniform(1.5, 5.0)
    } else if kind < 0.38 {
        draw.uniform(-1.0, 1.0)
    } else {
        draw.uniform(-9.0, -2.0)
    }
}

/// The anterior inferior cerebellar artery with its loop below the nerves; `inside` makes the part of it that lies in the canal.
pub(super) fn anterior_inferior_cerebellar(
    frame: &Frame,
    side: Side,
    ear: &Ear,
    inside: impl Fn(Shape) -> Part,
    seed: u64,
) -> Vec<Part> {
    let [left, right] = LOOP_STREAMS;
    let stream = match side {
        Side::Left => left,
        Side::Right => right,
    };
    let reach = loop_reach(&mut Draw::new(seed, stream));
    // In the canal it stays within the wall, which narrows towards the fundus.
    let below = if reach > -1.0 { -1.35 } else { -2.2 };
    let tip = ear.canal.off_axis(reach, 0.3, below);
    let start = frame.mid([0.0, -9.5, -2.0]);
    let at = |p| frame.at(side, p);
    let path = Shape::Tube(vec![
        (start, 0.7),
        (at([9.0, -5.0, -4.5]), 0.65),
        (ear.canal.off_axis(reach.min(-2.0) - 1.5, 1.6, -2.2), 0.6),
        (ear.canal.off_axis(reach - 0.8, 1.0, below), 0.55),
        (tip, 0.5),
        (ear.canal.off_axis(reach - 0.8, -1.0, below), 0.5),
        (ear.canal.off_axis(reach.min(-2.0) - 2.5, -1.8, -2.6), 0.5),
        (at([16.0, 11.0, -6.0]), 0.5),
    ]);
    let mut parts = vec![soft(path.clone(), Paint::Plain(Tissue::Artery))];
    if reach > -2.0 {
        parts.push(inside(path));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_reaches_porus_and_canal_as_often_as_published() {
        let reaches: Vec<f64> = (0..1000)
            .map(|seed| loop_reach(&mut Draw::new(seed, LOOP_STREAMS[0])))
            .collect();
        let share = |least: f64| reaches.iter().filter(|r| **r >= least).count();
        assert!((150..=250).contains(&share(1.0)), "{}", share(1.0));
        assert!((340..=420).contains(&share(-1.0)), "{}", share(-1.0));
    }
}
