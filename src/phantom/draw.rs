//! Random draws and smooth random fields that depend on a seed and on nothing else.
use glam::DVec3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// One named stream of random numbers: the same seed and stream give the same numbers on every machine.
#[derive(Debug, Clone)]
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// Streams of one seed are independent of each other, so a new draw in one leaves the others as they were.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    pub(super) fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * self.0.sample::<f64, _>(StandardNormal)
    }

    /// Normal, cut at `limit` standard deviations on either side.
    pub(super) fn clipped(&mut self, mean: f64, sd: f64, limit: f64) -> f64 {
        mean + sd * self.normal(0.0, 1.0).clamp(-limit, limit)
    }

    /// Log-normal with the given median and standard deviation of the logarithm.
    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * self.normal(0.0, sigma).exp()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    pub(super) fn seed(&mut self) -> u64 {
        self.0.random()
    }

    pub(super) fn direction(&mut self) -> DVec3 {
        let v = DVec3::new(
            self.normal(0.0, 1.0),
            self.normal(0.0, 1.0),
            self.normal(0.0, 1.0),
        );
        v.try_normalize().unwrap_or(DVec3::X)
    }

    /// Two independent standard normal numbers in single precision: one complex noise sample.
    pub(super) fn complex(&mut self) -> [f32; 2] {
        [self.0.sample(StandardNormal), self.0.sample(StandardNormal)]
    }
}

/// A smooth random field in -1…1 that varies over about one unit of `p` (value noise on the integer lattice).
pub(super) fn field(p: DVec3, seed: u64) -> f64 {
    // Turned, so that the lattice does not show along the axes of a scan.
    let p = DVec3::new(
        0.80 * p.x - 0.48 * p.y + 0.36 * p.z,
        0.60 * p.x + 0.64 * p.y - 0.48 * p.z,
        0.60 * p.y + 0.80 * p.z,
    );
    let cell = p.floor();
    let f = p - cell;
    let w = f * f * (DVec3::splat(3.0) - 2.0 * f);
    let [x, y, z] = cell.to_array().map(|c| c as i64);
    let at = |dx: i64, dy: i64, dz: i64| lattice(x + dx, y + dy, z + dz, seed);
    let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
    let x00 = mix(at(0, 0, 0), at(1, 0, 0), w.x);
    let x10 = mix(at(0, 1, 0), at(1, 1, 0), w.x);
    let x01 = mix(at(0, 0, 1), at(1, 0, 1), w.x);
    let x11 = mix(at(0, 1, 1), at(1, 1, 1), w.x);
    mix(mix(x00, x10, w.y), mix(x01, x11, w.y), w.z)
}

/// A smooth isotropic random field, about -1…1, whose zero surfaces wind like gyri about half a period apart (a sum of plane waves of
/// one unit period).
pub(super) fn waves(p: DVec3, seed: u64) -> f64 {
    // Directions spread evenly over half a sphere.
    const DIRECTIONS: [[f64; 3]; 7] = [
        [0.371, 0.0, 0.929],
        [-0.456, 0.418, 0.786],
        [0.067, -0.763, 0.643],
        [0.527, 0.687, 0.500],
        [-0.920, -0.163, 0.357],
        [0.824, -0.525, 0.214],
        [-0.268, 0.961, 0.071],
    ];
    let mut sum = 0.0;
    for (n, d) in (0_i64..).zip(DIRECTIONS) {
        let phase = lattice(n, 0, 0, seed) + p.dot(DVec3::from_array(d));
        sum += (std::f64::consts::TAU * phase).sin();
    }
    sum * 0.4
}

/// The Voronoi cell about `p` of points scattered one to a unit cube: the distance of `p` to its wall, and a number in 0…1 of its own.
pub(super) fn cell(p: DVec3, seed: u64) -> (f64, f64) {
    let base = p.floor();
    let [x, y, z] = base.to_array().map(|c| c as i64);
    let mut nearest = [(f64::INFINITY, DVec3::ZERO, 0.0); 2];
    for n in 0..27_i64 {
        let [i, j, k] = [x + n % 3 - 1, y + n / 3 % 3 - 1, z + n / 9 - 1];
        let jitter = DVec3::new(
            lattice(i, j, k, seed),
            lattice(i, j, k, seed ^ 0x101),
            lattice(i, j, k, seed ^ 0x202),
        );
        let at = DVec3::new(i as f64, j as f64, k as f64) + 0.5 + 0.45 * jitter;
        let d = at.distance(p);
        if d < nearest[0].0 {
            nearest = [(d, at, jitter.x), nearest[0]];
        } else if d < nearest[1].0 {
            nearest[1] = (d, at, jitter.x);
        }
    }
    let [(d1, a, own), (d2, b, _)] = nearest;
    let to_wall = 0.5 * (d2 * d2 - d1 * d1) / a.distance(b).max(1e-9);
    (to_wall, 0.5 + 0.5 * own)
}

/// A random value in -1…1 for a lattice point (the finaliser of `SplitMix64` over the mixed coordinates).
fn lattice(x: i64, y: i64, z: i64, seed: u64) -> f64 {
    let mut h = seed
        ^ (x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (y as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
        ^ (z as u64).wrapping_mul(0x1656_67B1_9E37_79F9);
    h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    h ^= h >> 31;
    (h >> 11) as f64 * (2.0 / (1_u64 << 53) as f64) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_continuous_bounded_and_seeded() {
        let p = DVec3::new(3.999_999, -2.5, 7.25);
        assert!((field(p, 1) - field(p + DVec3::X * 2e-6, 1)).abs() < 1e-4);
        assert!((field(p, 1) - field(p, 2)).abs() > 1e-6);
        for n in 0..500 {
            let at = DVec3::new(
                f64::from(n) * 0.37,
                f64::from(n) * -0.11,
                f64::from(n) * 0.73,
            );
            assert!(field(at, 5).abs() <= 1.0);
        }
    }
}
