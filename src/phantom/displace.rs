//! How the tumour displaces its surroundings: a smooth map without folds from where tissue lies to where it lay without tumour.
//!
//! The tumour grows in small steps from its first touch of the brain to its size. At each step, the part of the brain that would lie inside the
//! tumour moves out of it: the brainstem partly as a stiff body that translates and turns about the cranio-caudal axis, and all tissue along rays
//! from a source near the porus, without change of volume. A step moves tissue by little compared with the distance over which the
//! motion varies, so each step is invertible, and so is their composition (a diffeomorphism as a flow: Christensen et al., IEEE Trans Image
//! Process 1996). Cerebrospinal fluid gives no resistance: brain rests until the cistern between is used up.
//! Bone, clivus, petrous bone and tentorium stay where they are.
use super::{
    anatomy::Anatomy,
    lattice::{Lattice, STEP},
    region::{Region, Zone},
    shape::Shape,
    tumour::Tumour,
};
use glam::{DMat3, DVec3};
use rayon::prelude::*;
use std::sync::Arc;

/// Up to the first distance from the tumour tissue moves fully, beyond the second not at all, mm.
const FULL: f64 = 28.0;
const REACH: f64 = 54.0;
/// Corners of the box outside which nothing moves, whatever the head: it holds the posterior fossa of the largest head.
const FOSSA: [DVec3; 2] = [
    DVec3::new(-68.0, -98.0, -48.0),
    DVec3::new(68.0, 28.0, 52.0),
];
/// Within so many mm of bone nothing moves: a node's distance, so that bone itself stays although the map is interpolated.
const STILL: f64 = 2.0;
/// Over so many mm beyond it the motion becomes free: on the tumour's side, where tissue leaves bone and fluid takes its place, and on the
/// other, where the brainstem comes near bone.
const TAPER: [f64; 2] = [5.0, 4.0];
/// The stiff motion of the brainstem acts fully up to the first distance from its surface and not at all from the second, mm.
const STIFF: [f64; 2] = [3.0, 32.0];
/// A push on cerebellum and peduncle does not move the brainstem: it fades between these distances from the brainstem's surface, mm.
const HELD: [f64; 2] = [1.0, 16.0];
/// Heights (head frame, mm) between which the stiff motion acts fully; it ends at the foramen magnum and in the midbrain, `ENDS` mm beyond.
const STIFF_HEIGHTS: [f64; 2] = [-14.0, 19.0];
const ENDS: f64 = 15.0;
/// Part of the stiff motion at the contact that is translation; the rest is rotation.
const TRANSLATION: f64 = 0.5;
/// Rotation for each mm of lateral stiff motion, radians, and the angle at which it would end. Both are above the published 2 degrees per mm
/// and 20 to 30 degrees of the whole brainstem, because the dent, which goes backwards, turns the section the other way: what is left is 1.4
/// degrees per mm. With more the fourth ventricle, about which it turns, would hardly move, and the brainstem would lose volume.
const TURN_PER_MM: f64 = 0.08;
const MOST_TURN: f64 = 0.8;
/// The axis of rotation lies so far behind the middle of the brainstem's section, mm: in the fourth ventricle, where the cerebellum holds it.
const PIVOT_BEHIND: f64 = 12.0;
/// The brainstem yields as a body in the ratio of this times the cube of its dent (mm) to one: the first touch only dents it.
const YIELD: f64 = 0.05;
/// Overlap of brain and tumour that is left, mm, so that no film of fluid remains in the contact.
const LEFT: f64 = 0.2;
/// Points on the tumour's surface at which it pushes.
const SURFACE: usize = 600;
/// The surface moves by no more than this in a step, mm, if the steps suffice.
const ADVANCE: f64 = 1.5;
/// Least and most steps of growth, and steps after it in which remaining overlap is removed.
const STEPS: [f64; 2] = [4.0, 16.0];
const SETTLE: usize = 6;
/// Tissue moves by no more than this in a step, mm.
const MOST_MOTION: f64 = 1.6;
/// Width over which the push is smoothed along the surface, mm.
const SMOOTH: f64 = 6.0;
/// The least determinant that is accepted; with less, the tumour pushes as one that has grown less, and covers what is left.
const LEAST_JACOBIAN: f64 = 0.1;
/// Cells along the edge of the blocks for which a Lipschitz bound is kept.
const BLOCK: usize = 4;

/// The map from present to resting places of one tumour in one head. Head frame, mm.
#[derive(Debug, Clone)]
pub(super) struct Displacement(Arc<Map>);

#[derive(Debug)]
struct Map {
    lattice: Lattice,
    /// Rest minus present place of every node.
    shift: Vec<DVec3>,
    least_jacobian: f64,
    blocks: [usize; 3],
    lipschitz: Vec<f64>,
}

impl Displacement {
    /// The displacement by a tumour; `None` when it does not press on the brain.
    pub(super) fn new(tumour: &Tumour, anatomy: &Anatomy) -> Option<Self> {
        let growth = Growing::new(tumour, anatomy)?;
        let mut map = Map::new(growth.lattice.clone(), growth.grown(1.0));
        for amount in [0.9, 0.8, 0.65, 0.5, 0.3] {
            if map.least_jacobian > LEAST_JACOBIAN {
                break;
            }
            map = Map::new(growth.lattice.clone(), growth.grown(amount));
        }
        // A map that still folded would be worse than none.
        (map.least_jacobian > 0.0).then(|| Self(Arc::new(map)))
    }

    /// Where the tissue that is now at `p` rested before.
    pub(super) fn rest(&self, p: DVec3) -> DVec3 {
        let map = &*self.0;
        map.lattice
            .interpolate(&map.shift, p)
            .map_or(p, |shift| p + shift)
    }

    /// Determinant of the derivative of [`Self::rest`]: resting over present volume.
    #[cfg(test)]
    fn jacobian(&self, p: DVec3) -> f64 {
        let h = 1e-4;
        let d = |e: DVec3| (self.rest(p + e * h) - self.rest(p - e * h)) / (2.0 * h);
        DMat3::from_cols(d(DVec3::X), d(DVec3::Y), d(DVec3::Z)).determinant()
    }

    /// The least determinant of the derivative of [`Self::rest`] anywhere.
    pub(super) fn least_jacobian(&self) -> f64 {
        self.0.least_jacobian
    }

    /// How many times further apart than now two points of a ball can have rested, at most.
    pub(super) fn lipschitz(&self, centre: DVec3, radius: f64) -> f64 {
        let map = &*self.0;
        let size = STEP * BLOCK as f64;
        let range = |n: usize| {
            let at = |p: f64| ((p - map.lattice.low[n]) / size).floor();
            let high = at(centre[n] + radius).min(map.blocks[n] as f64 - 1.0);
            let low = at(centre[n] - radius).max(0.0);
            // An empty range where the ball lies outside.
            low as usize..(high + 1.0).max(0.0) as usize
        };
        let mut most: f64 = 1.0;
        for k in range(2) {
            for j in range(1) {
                for i in range(0) {
                    most = most.max(map.lipschitz[i + map.blocks[0] * (j + map.blocks[1] * k)]);
                }
            }
        }
        most
    }
}

impl Map {
    fn new(lattice: Lattice, shift: Vec<DVec3>) -> Self {
        let cells = lattice.count.map(|n| n - 1);
        let blocks = cells.map(|n| n.div_ceil(BLOCK));
        let mut lipschitz = vec![1.0_f64; blocks[0] * blocks[1] * blocks[2]];
        let mut least_jacobian: f64 = 1.0;
        for k in 0..cells[2] {
            for j in 0..cells[1] {
                for i in 0..cells[0] {
                    let at =
                        |a: usize, b: usize, c: usize| shift[lattice.index([i + a, j + b, k + c])];
                    let Some((least, most)) = cell_derivatives(at) else {
                        continue;
                    };
                    least_jacobian = least_jacobian.min(least);
                    let [a, b, c] = [i / BLOCK, j / BLOCK, k / BLOCK];
                    let block = &mut lipschitz[a + blocks[0] * (b + blocks[1] * c)];
                    *block = block.max(most);
                }
            }
        }
        Self {
            lattice,
            shift,
            least_jacobian,
            blocks,
            lipschitz,
        }
    }
}

/// Least determinant at the corners of a cell, and a bound on the norm of the derivative within it; `None` for a cell that does not move.
fn cell_derivatives(at: impl Fn(usize, usize, usize) -> DVec3) -> Option<(f64, f64)> {
    let mut still = true;
    let mut least = f64::INFINITY;
    let mut most = DVec3::ZERO;
    for corner in 0..8_usize {
        let [a, b, c] = [corner & 1, (corner >> 1) & 1, corner >> 2];
        still &= at(a, b, c) == DVec3::ZERO;
        // The interpolated map's derivatives are means of the differences along the cell's edges.
        let along = [
            (at(1, b, c) - at(0, b, c)) / STEP,
            (at(a, 1, c) - at(a, 0, c)) / STEP,
            (at(a, b, 1) - at(a, b, 0)) / STEP,
        ];
        let [x, y, z] = along;
        let derivative = DMat3::IDENTITY + DMat3::from_cols(x, y, z);
        least = least.min(derivative.determinant());
        most = most.max(DVec3::from_array(along.map(DVec3::length_squared)));
    }
    (!still).then(|| (least, 1.0 + most.element_sum().sqrt()))
}

/// Rises smoothly from 0 at `low` to 1 at `high`.
fn rise(x: f64, [low, high]: [f64; 2]) -> f64 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// What a growing tumour meets.
struct Growing<'a> {
    lattice: Lattice,
    /// 0 at bone, 1 where tissue moves freely.
    free: Vec<f64>,
    /// The nodes that can move.
    movable: Vec<usize>,
    /// Distance from the brainstem at rest, mm.
    from_brainstem: Vec<f64>,
    brain: Vec<&'a Shape>,
    brainstem: &'a Shape,
    /// The free surface of the grown tumour.
    surface: Vec<DVec3>,
    porus: DVec3,
    centre: DVec3,
    radius: f64,
    /// Size at the first touch, relative to the grown tumour.
    first: f64,
}

impl<'a> Growing<'a> {
    /// `None` when the grown tumour does not touch the brain.
    fn new(tumour: &Tumour, anatomy: &'a Anatomy) -> Option<Self> {
        let (centre, radius) = tumour.ball();
        if radius <= 0.0 {
            return None;
        }
        let brain: Vec<&Shape> = anatomy
            .parts
            .iter()
            .filter(|part| {
                matches!(
                    part.zone,
                    Zone::Cerebellum { .. } | Zone::Of(Region::Brainstem | Region::Cerebellum(_))
                ) && part.soft
            })
            .map(|part| &part.shape)
            .collect();
        let porus = tumour.canal().porus;
        // Points cut off by bone do not push.
        let surface: Vec<DVec3> = tumour
            .ball_surface(SURFACE)
            .filter(|p| tumour.distance(*p) < 0.5)
            .collect();
        let touches = |size: f64| {
            surface.iter().any(|p| {
                let p = porus + (*p - porus) * size;
                brain.iter().any(|s| s.distance(p) < -LEFT)
            })
        };
        let sizes = (3..=40).map(|n| f64::from(n) / 40.0);
        let first = sizes.into_iter().find(|size| touches(*size))? - 1.0 / 40.0;
        let lattice = Lattice::around(centre, radius + REACH, FOSSA);
        let free = lattice.fill(|p, n| {
            if lattice.at_border(n) {
                return 0.0;
            }
            let other = rise(-p.x * porus.x.signum(), [-6.0, 8.0]);
            let taper = TAPER[0] + (TAPER[1] - TAPER[0]) * other;
            rise(-anatomy.cistern.distance(p), [STILL, STILL + taper])
        });
        let from_brainstem = lattice.fill(|p, _| anatomy.brainstem.distance(p));
        let movable = (0..free.len())
            .filter(|n| free[*n] > 0.0 && lattice.node(*n).distance(centre) < radius + REACH)
            .collect();
        Some(Self {
            lattice,
            free,
            movable,
            from_brainstem,
            brain,
            brainstem: &anatomy.brainstem,
            surface,
            porus,
            centre,
            radius,
            first,
        })
    }

    /// How far tissue that rested at a place belongs to the brainstem: its part in the stiff motion, and whether only a push on the brainstem
    /// itself moves it.
    fn belongs(&self, rest: DVec3) -> Belongs {
        let distance = self.lattice.interpolate(&self.from_brainstem, rest);
        let distance = distance.unwrap_or(f64::INFINITY);
        let beyond = (STIFF_HEIGHTS[0] - rest.z).max(rest.z - STIFF_HEIGHTS[1]);
        Belongs {
            stiff: (1.0 - rise(beyond, [0.0, ENDS])) * (1.0 - rise(distance, STIFF)),
            held: 1.0 - rise(distance, HELD),
        }
    }

    /// Rest minus present place of every node when the tumour has grown by an amount, 0 at the first touch to 1.
    fn grown(&self, amount: f64) -> Vec<DVec3> {
        let mut shift = vec![DVec3::ZERO; self.free.len()];
        let mut body = Body::new(self);
        let farthest = self
            .surface
            .iter()
            .fold(0.0, |d: f64, p| d.max(p.distance(self.porus)));
        let last = self.first + (1.0 - self.first) * amount;
        let steps = ((last - self.first) * farthest / ADVANCE)
            .ceil()
            .clamp(STEPS[0], STEPS[1]);
        for n in 1..=steps as usize + SETTLE {
            let size = self.first + (last - self.first) * (n as f64 / steps).min(1.0);
            let Some(motion) = self.motion(size, &shift, &mut body) else {
                continue;
            };
            let moved: Vec<DVec3> = self
                .movable
                .par_iter()
                .with_min_len(4096)
                .map(|&n| {
                    let p = self.lattice.node(n);
                    let v = motion.at(p, self.free[n], &self.belongs(p + shift[n]));
                    // What is here now came from `p - v`, which had rested elsewhere.
                    self.lattice.interpolate(&shift, p - v).unwrap_or_default() - v
                })
                .collect();
            for (n, moved) in self.movable.iter().zip(moved) {
                shift[*n] = moved;
            }
        }
        shift
    }

    /// The motion that moves the brain out of the tumour at a size; `None` when it is out.
    fn motion(&self, size: f64, shift: &[DVec3], body: &mut Body) -> Option<Motion> {
        let centre = self.porus + (self.centre - self.porus) * size;
        // Not from the middle of the tumour but nearer to the porus: tissue inside, which nobody sees, stretches less.
        let source = self.porus.lerp(centre, 0.15);
        let mut pushes: Vec<Push> = Vec::with_capacity(self.surface.len());
        for p in &self.surface {
            let p = self.porus + (*p - self.porus) * size;
            let rest = p + self.lattice.interpolate(shift, p).unwrap_or_default();
            // Next to bone tissue cannot give way: there it is left inside.
            let free = self.lattice.interpolate(&self.free, p).unwrap_or(0.0);
            let need = rise(free, [0.25, 0.6]);
            let depth = |d: f64| (-d - LEFT).max(0.0) * need;
            let brainstem = depth(self.brainstem.distance(rest));
            let brain = self
                .brain
                .iter()
                .fold(f64::INFINITY, |d, s| d.min(s.distance(rest)));
            let belongs = self.belongs(rest);
            pushes.push(Push {
                at: p,
                direction: (p - source).normalize_or_zero(),
                brainstem,
                cerebellum: (depth(brain) - brainstem).max(0.0) * (1.0 - belongs.held),
                stiff: free * belongs.stiff,
            });
        }
        if (pushes.iter()).all(|push| push.brainstem.max(push.cerebellum) < 0.02) {
            return None;
        }
        let mut motion = Motion {
            stiff: body.yields(&pushes),
            source,
            centre,
            radius: self.radius * size,
            amount: Directions::default(),
            aside: Directions::default(),
            limit: 1.0,
        };
        for push in &mut pushes {
            let carried = motion.stiff.at(push.at).dot(push.direction) * push.stiff;
            push.brainstem = (push.brainstem - carried.max(0.0)).max(0.0);
            push.cerebellum = (push.cerebellum - carried.max(0.0)).max(0.0);
        }
        let width = (SMOOTH / (1.7 * motion.radius)).clamp(0.2, 0.45);
        motion.amount = Directions::smooth(&pushes, |push| push.brainstem, width);
        motion.aside = Directions::smooth(&pushes, |push| push.cerebellum, width);
        let most = motion.amount.most() + motion.aside.most() + motion.stiff.fastest();
        motion.limit = (MOST_MOTION / most.max(1e-9)).min(1.0);
        Some(motion)
    }
}

/// How tissue belongs to the brainstem, 0 to 1 each.
struct Belongs {
    stiff: f64,
    held: f64,
}

/// What a point of the tumour's surface asks for.
struct Push {
    at: DVec3,
    direction: DVec3,
    /// Depth in the brainstem and in the rest of the brain, mm.
    brainstem: f64,
    cerebellum: f64,
    /// Part of the stiff motion that tissue here takes.
    stiff: f64,
}

/// The brainstem as a body, and how far it has moved.
struct Body {
    /// A point on the axis of rotation.
    pivot: DVec3,
    turned: f64,
    /// How deep the tumour has dented it, mm.
    dent: f64,
}

impl Body {
    fn new(growing: &Growing<'_>) -> Self {
        let (mut sum, mut count) = (DVec3::ZERO, 0.0);
        for j in -15..=15 {
            for i in -15..=15 {
                let p = DVec3::new(
                    2.0 * f64::from(i),
                    2.0 * f64::from(j),
                    growing.porus.z + 4.0,
                );
                if growing.brainstem.distance(p) < 0.0 {
                    sum += p;
                    count += 1.0;
                }
            }
        }
        let middle = if count > 0.0 { sum / count } else { sum };
        Self {
            pivot: middle - DVec3::Y * PIVOT_BEHIND,
            turned: 0.0,
            dent: 0.0,
        }
    }

    /// How it moves under the pushes.
    fn yields(&mut self, pushes: &[Push]) -> Stiff {
        let total: f64 = pushes.iter().map(|p| p.brainstem).sum();
        if total < 0.05 {
            return Stiff::default();
        }
        let mean = |of: &dyn Fn(&Push) -> DVec3| {
            pushes.iter().map(|p| of(p) * p.brainstem).sum::<DVec3>() / total
        };
        let contact = mean(&|p| p.at);
        let push = mean(&|p| p.direction).normalize_or_zero();
        let depth = pushes
            .iter()
            .map(|p| p.brainstem * p.brainstem)
            .sum::<f64>()
            / total;
        // It hangs on the midbrain and the cord: up and down it gives way less.
        let along = (push * DVec3::new(1.0, 1.0, 0.3)).normalize_or_zero();
        // Only the lateral push turns it: behind, the cerebellum leans against it.
        let lever = ((contact - self.pivot).y / 10.0).clamp(-1.0, 1.0);
        let turn = -TURN_PER_MM * along.x * lever * (1.0 - self.turned.abs() / MOST_TURN).max(0.0);
        let unit = Stiff {
            translation: along * TRANSLATION,
            turn: DVec3::Z * turn,
            pivot: self.pivot,
        };
        let yielding = YIELD * self.dent.powi(3);
        let share = yielding / (1.0 + yielding);
        let amount = share * depth / unit.at(contact).dot(push).max(0.3);
        self.dent += (1.0 - share) * depth;
        self.turned += turn * amount;
        self.pivot += unit.translation * amount;
        Stiff {
            translation: unit.translation * amount,
            turn: unit.turn * amount,
            ..unit
        }
    }
}

/// A small motion of a stiff body.
#[derive(Default)]
struct Stiff {
    translation: DVec3,
    turn: DVec3,
    pivot: DVec3,
}

impl Stiff {
    fn at(&self, p: DVec3) -> DVec3 {
        self.translation + self.turn.cross(p - self.pivot)
    }

    /// A bound on its motion within the brainstem, mm.
    fn fastest(&self) -> f64 {
        self.translation.length() + self.turn.length() * 35.0
    }
}

/// The motion of one step.
struct Motion {
    stiff: Stiff,
    source: DVec3,
    centre: DVec3,
    radius: f64,
    /// Motion at the tumour's surface by direction from the source, mm: of all tissue, and of what does not belong to the brainstem.
    amount: Directions,
    aside: Directions,
    limit: f64,
}

impl Motion {
    /// Motion of the tissue at `p`.
    fn at(&self, p: DVec3, free: f64, belongs: &Belongs) -> DVec3 {
        let beyond = p.distance(self.centre) - self.radius;
        let window = 1.0 - rise(beyond, [FULL, REACH]);
        if free <= 0.0 || window <= 0.0 {
            return DVec3::ZERO;
        }
        let v = p - self.source;
        let far = v.length();
        let direction = v / far.max(1e-9);
        // Where the ray leaves the ball.
        let m = self.centre - self.source;
        let b = m.dot(direction);
        let edge = b
            + (b * b + self.radius * self.radius - m.length_squared())
                .max(0.0)
                .sqrt();
        let q = far / edge.max(1e-9);
        // Outside, radial flow with the inverse square of the distance keeps every volume.
        let fall = if q < 1.0 { q } else { (q * q).recip() };
        let amount = self.amount.at(direction) + self.aside.at(direction) * (1.0 - belongs.held);
        let motion = direction * (amount * fall) + self.stiff.at(p) * belongs.stiff;
        motion * (self.limit * free * window)
    }
}

/// Nodes along the edge of a face of the cube on which a function of direction is stored.
const FACE: usize = 9;

/// A function of direction, on the faces of a cube; continuous over its edges because the faces share the nodes there.
#[derive(Default)]
struct Directions(Vec<f64>);

impl Directions {
    /// The pushes smoothed over an angle (radians), and scaled to what they ask for in the sense of least squares.
    fn smooth(pushes: &[Push], depth: impl Fn(&Push) -> f64, width: f64) -> Self {
        // About a Gaussian, and cheap.
        let weight = |a: DVec3, b: DVec3| {
            let w = 1.0 + (a.dot(b) - 1.0) / (3.0 * width * width);
            let w = w.max(0.0);
            w * w * w
        };
        let mut values = Vec::with_capacity(6 * FACE * FACE);
        for face in 0..6 {
            for j in 0..FACE {
                for i in 0..FACE {
                    let along = |n: usize| 2.0 * n as f64 / (FACE - 1) as f64 - 1.0;
                    let sign = if face % 2 == 0 { 1.0 } else { -1.0 };
                    let at = match face / 2 {
                        0 => DVec3::new(sign, along(i), along(j)),
                        1 => DVec3::new(along(j), sign, along(i)),
                        _ => DVec3::new(along(i), along(j), sign),
                    };
                    let at = at.normalize_or_zero();
                    let (mut sum, mut total) = (0.0, 1e-3);
                    for push in pushes {
                        let w = weight(at, push.direction);
                        sum += w * depth(push);
                        total += w;
                    }
                    values.push(sum / total);
                }
            }
        }
        let mut smooth = Self(values);
        let (mut asked, mut met) = (0.0, 0.0);
        for push in pushes {
            let depth = depth(push);
            asked += depth * depth;
            met += depth * smooth.at(push.direction);
        }
        let gain = if met > 1e-9 {
            (asked / met).clamp(1.0, 2.5)
        } else {
            1.0
        };
        for v in &mut smooth.0 {
            *v *= gain;
        }
        smooth
    }

    fn most(&self) -> f64 {
        self.0.iter().fold(0.0, |a, b| a.max(*b))
    }

    fn at(&self, direction: DVec3) -> f64 {
        let a = direction.abs();
        let (axis, main, u, v) = if a.x >= a.y && a.x >= a.z {
            (0, direction.x, direction.y, direction.z)
        } else if a.y >= a.z {
            (1, direction.y, direction.z, direction.x)
        } else {
            (2, direction.z, direction.x, direction.y)
        };
        let face = 2 * axis + usize::from(main < 0.0);
        let cells = (FACE - 1) as f64;
        let place = |x: f64| {
            let x = (x / main.abs().max(1e-9) + 1.0) * 0.5 * cells;
            let cell = x.floor().clamp(0.0, cells - 1.0);
            (cell as usize, x - cell)
        };
        let ((i, s), (j, t)) = (place(u), place(v));
        let row = |j: usize| {
            let n = i + FACE * (j + FACE * face);
            self.0[n] * (1.0 - s) + self.0[n + 1] * s
        };
        row(j) * (1.0 - t) + row(j + 1) * t
    }
}

#[cfg(test)]
#[path = "displace_tests.rs"]
mod tests;
