//! What is measured between points that a reader sets.
use glam::DVec3;

/// The angle at a vertex between the directions to two points, degrees, 0 to 180; `None` where an arm has no length.
pub fn angle_degrees(a: DVec3, vertex: DVec3, b: DVec3) -> Option<f64> {
    let (a, b) = ((a - vertex).try_normalize()?, (b - vertex).try_normalize()?);
    // The arc cosine loses digits where arms are nearly parallel.
    Some(a.cross(b).length().atan2(a.dot(b)).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_triangle() {
        let at = |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            DVec3::new(4.0 * cos, 4.0 * sin, 0.0) + DVec3::splat(7.0)
        };
        for degrees in [0.0, 1e-6, 30.0, 90.0, 179.999, 180.0] {
            let found = angle_degrees(at(0.0), DVec3::splat(7.0), at(degrees)).unwrap();
            assert!((found - degrees).abs() < 1e-7, "{degrees} {found}");
        }
        assert_eq!(angle_degrees(DVec3::ONE, DVec3::ONE, DVec3::X), None);
    }
}
