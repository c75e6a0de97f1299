//! What of a solid matters within a small ball.
use super::shape::{Shape, smooth_least};
use glam::DVec3;

/// A solid without those members of its unions, intersections and differences that cannot show within a ball. Inside the ball its distance
/// is that of the whole solid.
#[derive(Debug, Clone)]
pub(super) enum Local<'a> {
    Whole(&'a Shape),
    Union { blend: f64, of: Vec<Local<'a>> },
    Intersection(Vec<Local<'a>>),
    Complement(Box<Local<'a>>),
    Offset(Box<Local<'a>>, f64),
}

impl<'a> Local<'a> {
    /// Keeps of a shape what matters where no distance differs by more than `bound` from that at `centre`; also the distance there.
    pub(super) fn new(shape: &'a Shape, centre: DVec3, bound: f64) -> (Self, f64) {
        match shape {
            Shape::Union { blend, of } => {
                let mut of: Vec<_> = of.iter().map(|s| Self::new(s, centre, bound)).collect();
                let least = of.iter().fold(f64::INFINITY, |d, (_, e)| d.min(*e));
                of.retain(|(_, d)| *d <= least + 2.0 * bound + blend);
                let at_centre = smooth_least(of.iter().map(|(_, d)| *d), *blend);
                let of = only(of).unwrap_or_else(|of| Self::Union { blend: *blend, of });
                (of, at_centre)
            }
            Shape::Intersection(of) => Self::largest(
                of.iter().map(|s| Self::new(s, centre, bound)).collect(),
                bound,
            ),
            Shape::Difference(a, b) => {
                let (hole, d) = Self::new(b, centre, bound);
                let hole = (Self::Complement(Box::new(hole)), -d);
                Self::largest(vec![Self::new(a, centre, bound), hole], bound)
            }
            Shape::Offset(inner, mm) => {
                let (inner, d) = Self::new(inner, centre, bound);
                (Self::Offset(Box::new(inner), *mm), d - mm)
            }
            leaf => (Self::Whole(leaf), leaf.distance(centre)),
        }
    }

    /// The intersection of those that can be the largest.
    fn largest(mut of: Vec<(Self, f64)>, bound: f64) -> (Self, f64) {
        let most = of.iter().fold(f64::NEG_INFINITY, |d, (_, e)| d.max(*e));
        of.retain(|(_, d)| *d >= most - 2.0 * bound);
        (only(of).unwrap_or_else(Self::Intersection), most)
    }

    /// Signed distance, mm; that of the whole shape inside the ball.
    pub(super) fn distance(&self, p: DVec3) -> f64 {
        match self {
            Self::Whole(shape) => shape.distance(p),
            Self::Union { blend, of } => smooth_least(of.iter().map(|s| s.distance(p)), *blend),
            Self::Intersection(of) => of
                .iter()
                .fold(f64::NEG_INFINITY, |d, s| d.max(s.distance(p))),
            Self::Complement(s) => -s.distance(p),
            Self::Offset(s, mm) => s.distance(p) - mm,
        }
    }
}

/// The only member, or all.
fn only(mut of: Vec<(Local<'_>, f64)>) -> Result<Local<'_>, Vec<Local<'_>>> {
    if of.len() == 1
        && let Some((one, _)) = of.pop()
    {
        return Ok(one);
    }
    Err(of.into_iter().map(|(s, _)| s).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{anatomy::Anatomy, draw::Draw, shape::LIPSCHITZ};
    use super::*;

    #[test]
    fn pruned_solids_have_the_distance_of_whole_ones() {
        let anatomy = Anatomy::new(3);
        let mut draw = Draw::new(1, 1);
        let mut compared = 0;
        for _ in 0..400 {
            let centre = DVec3::new(
                draw.uniform(-60.0, 60.0),
                draw.uniform(-60.0, 60.0),
                draw.uniform(-30.0, 30.0),
            );
            let radius = draw.uniform(1.0, 6.0);
            for part in &anatomy.parts {
                let (local, at_centre) = Local::new(&part.shape, centre, LIPSCHITZ * radius);
                assert!((at_centre - part.shape.distance(centre)).abs() < 1e-9);
                let p = centre + draw.direction() * draw.uniform(0.0, radius);
                let whole = part.shape.distance(p);
                // Where a solid is seen, its distance must not change at all.
                if whole.abs() < radius {
                    compared += 1;
                    assert!(
                        (local.distance(p) - whole).abs() < 1e-9,
                        "{centre} {p}: {whole}"
                    );
                }
            }
        }
        assert!(compared > 200, "{compared}");
    }
}
