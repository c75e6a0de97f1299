//! Outlines with holes as single polygons (PS3.3, C.8.8.6.3: the keyhole technique).

/// Polygons that enclose what is inside an odd number of `outlines`: each outer outline, with its holes joined to it by channels without width. `outlines` are closed, on halves of pixels, and neither touch nor
/// cross each other, as [`pixel_outlines`](crate::measure::pixel_outlines) makes them.
///
/// Channels run along rows between pixels, so that no pixel's centre lies on one.
pub(super) fn keyholed(outlines: Vec<Vec<[f64; 2]>>) -> Vec<Vec<[f64; 2]>> {
    let depth = |outline: &Vec<[f64; 2]>| {
        let at = outline.first().copied().unwrap_or_default();
        let around = outlines.iter().filter(|o| *o != outline && holds(o, at));
        around.count()
    };
    let depths: Vec<usize> = outlines.iter().map(depth).collect();
    let (mut outer, mut holes) = (Vec::new(), Vec::new());
    for (outline, depth) in outlines.into_iter().zip(depths) {
        // What lies inside a hole is outer again.
        if depth % 2 == 0 {
            outer.push((depth, turned(outline, true)));
        } else {
            holes.push((depth, turned(outline, false)));
        }
    }
    let outlines_of_parts: Vec<Vec<[f64; 2]>> = outer.iter().map(|(_, o)| o.clone()).collect();
    let mut of_parts: Vec<Vec<Vec<[f64; 2]>>> = vec![Vec::new(); outer.len()];
    for (depth, hole) in holes {
        let at = hole.first().copied().unwrap_or_default();
        let parent = outer
            .iter()
            .zip(&outlines_of_parts)
            .position(|((d, _), outline)| d + 1 == depth && holds(outline, at));
        if let Some(holes) = parent.and_then(|n| of_parts.get_mut(n)) {
            holes.push(hole);
        }
    }
    (outer.into_iter().zip(of_parts))
        .map(|((_, outline), holes)| joined(outline, holes))
        .collect()
}

/// An outline with its holes. Holes are joined from the top down, each from the left end of its topmost edge towards the left, where the first line that is met belongs to what is joined already: nothing
/// that is joined later reaches as high.
fn joined(mut outline: Vec<[f64; 2]>, holes: Vec<Vec<[f64; 2]>>) -> Vec<[f64; 2]> {
    let mut holes: Vec<Vec<[f64; 2]>> = holes.into_iter().filter_map(from_top_left).collect();
    let start = |hole: &Vec<[f64; 2]>| hole.first().copied().unwrap_or_default();
    holes.sort_by(|a, b| {
        let ([ax, ay], [bx, by]) = (start(a), start(b));
        ay.total_cmp(&by).then(ax.total_cmp(&bx))
    });
    for hole in holes {
        let from = start(&hole);
        let Some((edge, met)) = met_to_the_left(&outline, from) else {
            continue;
        };
        let behind = outline.split_off(edge + 1);
        outline.push(met);
        outline.extend_from_slice(&hole);
        outline.push(from);
        outline.push(met);
        outline.extend(behind);
        outline.dedup();
    }
    outline
}

/// A hole that begins at the left end of its topmost edge.
fn from_top_left(mut hole: Vec<[f64; 2]>) -> Option<Vec<[f64; 2]>> {
    let order = |a: &[f64; 2], b: &[f64; 2]| a[1].total_cmp(&b[1]).then(a[0].total_cmp(&b[0]));
    let first = (0..hole.len()).min_by(|&a, &b| order(&hole[a], &hole[b]))?;
    hole.rotate_left(first);
    Some(hole)
}

#[expect(clippy::float_cmp, reason = "halves are exact")]
/// Which edge of a polygon is the nearest to the left of a point, and where.
fn met_to_the_left(polygon: &[[f64; 2]], [x, y]: [f64; 2]) -> Option<(usize, [f64; 2])> {
    let ends = polygon.iter().skip(1).chain(polygon.first());
    (polygon.iter().zip(ends).enumerate())
        .filter_map(|(n, (&[ax, ay], &[bx, by]))| {
            if ay.min(by) > y || ay.max(by) < y {
                return None;
            }
            let at = if ay == by {
                ax.max(bx)
            } else {
                ax + (y - ay) * (bx - ax) / (by - ay)
            };
            (at < x).then_some((n, [at, y]))
        })
        .max_by(|(_, a), (_, b)| a[0].total_cmp(&b[0]))
}

/// A polygon that turns clockwise, as seen with rows running down, or the other way.
fn turned(mut polygon: Vec<[f64; 2]>, clockwise: bool) -> Vec<[f64; 2]> {
    if (area(&polygon) > 0.0) != clockwise {
        polygon.reverse();
    }
    polygon
}

/// Area of a polygon, pixels; positive when it turns clockwise with rows running down.
fn area(polygon: &[[f64; 2]]) -> f64 {
    let ends = polygon.iter().skip(1).chain(polygon.first());
    let twice: f64 = polygon
        .iter()
        .zip(ends)
        .map(|(a, b)| a[0] * b[1] - a[1] * b[0])
        .sum();
    twice / 2.0
}

/// Whether a point lies inside a polygon.
fn holds(polygon: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let ends = polygon.iter().skip(1).chain(polygon.first());
    let crossed = polygon.iter().zip(ends).filter(|(a, b)| {
        (a[1] <= y) != (b[1] <= y) && a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) < x
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::pixel_outlines;
    use proptest::prelude::*;

    const SIZE: [usize; 2] = [11, 9];

    fn filled(polygons: &[Vec<[f64; 2]>]) -> Vec<bool> {
        let [width, height] = SIZE;
        (0..width * height)
            .map(|n| {
                let at = [(n % width) as f64, (n / width) as f64];
                polygons.iter().filter(|p| holds(p, at)).count() % 2 == 1
            })
            .collect()
    }

    fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    }

    /// Whether two lines cross in the middle of both.
    fn crosses([a, b]: [[f64; 2]; 2], [c, d]: [[f64; 2]; 2]) -> bool {
        cross(a, b, c) * cross(a, b, d) < 0.0 && cross(c, d, a) * cross(c, d, b) < 0.0
    }

    fn edges(polygon: &[[f64; 2]]) -> Vec<[[f64; 2]; 2]> {
        let ends = polygon.iter().skip(1).chain(polygon.first());
        polygon.iter().zip(ends).map(|(a, b)| [*a, *b]).collect()
    }

    #[test]
    fn a_ring_in_a_ring_becomes_two_polygons() {
        let mask: Vec<bool> = (0..99)
            .map(|n| {
                let (x, y) = (n % 11, n / 11);
                let at =
                    |low: usize, high: usize| (low..high).contains(&x) && (low..high).contains(&y);
                at(0, 9) && !at(1, 8) || at(3, 6) && !at(4, 5)
            })
            .collect();
        let outlines = pixel_outlines(&mask, SIZE);
        assert_eq!(outlines.len(), 4);
        let polygons = keyholed(outlines);
        assert_eq!(polygons.len(), 2);
        assert_eq!(filled(&polygons), mask);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn polygons_fill_the_mask_that_they_outline(mask in prop::collection::vec(any::<bool>(), 99)) {
            let outlines = pixel_outlines(&mask, SIZE);
            prop_assert_eq!(filled(&outlines), mask.clone());
            let outer = keyholed(outlines);
            prop_assert_eq!(filled(&outer), mask.clone());
            // Nothing but the number of polygons tells holes from parts: each pixel is in at most one.
            for (n, inside) in mask.iter().enumerate() {
                let at = [(n % 11) as f64, (n / 11) as f64];
                prop_assert_eq!(outer.iter().filter(|p| holds(p, at)).count(), usize::from(*inside));
            }
            for polygon in &outer {
                let edges = edges(polygon);
                for (n, a) in edges.iter().enumerate() {
                    prop_assert!((a[0][0] - a[1][0]).abs() + (a[0][1] - a[1][1]).abs() > 0.0);
                    for b in &edges[n + 1..] {
                        prop_assert!(!crosses(*a, *b), "{:?} crosses {:?}", a, b);
                    }
                }
                // No centre of a pixel lies on an edge.
                for &[[ax, ay], [bx, by]] in &edges {
                    let at = |t: f64| [ax + t * (bx - ax), ay + t * (by - ay)];
                    let steps = (2.0 * (bx - ax).abs().max((by - ay).abs())).ceil() as usize;
                    for n in 0..=steps {
                        let [x, y] = at(n as f64 / steps.max(1) as f64);
                        prop_assert!(x.fract() != 0.0 || y.fract() != 0.0);
                    }
                }
            }
        }
    }
}
