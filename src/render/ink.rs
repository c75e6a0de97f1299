//! Anti-aliased lines on a picture.
use image::RgbImage;

/// What is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink {
    /// sRGB colour.
    pub(super) colour: [u8; 3],
    /// 0 to 1.
    pub(super) opacity: f64,
}

/// Lays ink over a pixel, `coverage` from 0 to 1; outside the picture nothing happens.
pub(super) fn dab(picture: &mut RgbImage, x: i64, y: i64, coverage: f64, ink: Ink) {
    let inside =
        x >= 0 && y >= 0 && x < i64::from(picture.width()) && y < i64::from(picture.height());
    if !inside || coverage <= 0.0 {
        return;
    }
    let alpha = coverage.min(1.0) * ink.opacity;
    for (channel, colour) in picture
        .get_pixel_mut(x as u32, y as u32)
        .0
        .iter_mut()
        .zip(ink.colour)
    {
        *channel =
            (f64::from(*channel) + (f64::from(colour) - f64::from(*channel)) * alpha).round() as u8;
    }
}

/// A line through points in pixel coordinates (centre of the first pixel at 0.5, 0.5), `width` pixels wide.
///
/// A pixel is covered by the largest coverage of its segments, so that joints are not darker than the rest.
pub(super) fn polyline(picture: &mut RgbImage, points: &[[f64; 2]], width: f64, ink: Ink) {
    let reach = width / 2.0 + 0.5;
    let mut coverage = std::collections::BTreeMap::<(i64, i64), f64>::new();
    let limit = [
        f64::from(picture.width()) + reach,
        f64::from(picture.height()) + reach,
    ];
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let finite = a.iter().chain(&b).all(|x| x.is_finite());
        if !finite {
            continue;
        }
        let low: [i64; 2] =
            std::array::from_fn(|i| (a[i].min(b[i]) - reach).max(-reach).floor() as i64);
        let high: [i64; 2] =
            std::array::from_fn(|i| (a[i].max(b[i]) + reach).min(limit[i]).ceil() as i64);
        for y in low[1]..=high[1] {
            for x in low[0]..=high[0] {
                let c = reach - distance([x as f64 + 0.5, y as f64 + 0.5], a, b);
                if c > 0.0 {
                    let best = coverage.entry((x, y)).or_insert(0.0);
                    *best = best.max(c.min(1.0));
                }
            }
        }
    }
    for ((x, y), c) in coverage {
        dab(picture, x, y, c, ink);
    }
}

/// Distance of a point from a segment.
fn distance(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length2 = dx * dx + dy * dy;
    let t = if length2 > 0.0 {
        (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p[0] - a[0] - dx * t).hypot(p[1] - a[1] - dy * t)
}
