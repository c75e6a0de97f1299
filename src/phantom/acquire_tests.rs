use super::*;

const FAR_BELOW_A_VOXEL: [f64; 3] = [0.01; 3];
const LONDON: Sequence = Sequence::Ciss {
    tr: 9.4,
    te: 4.23,
    flip_deg: 67.0,
    dual: false,
};

/// A scanner that changes nothing: CSF is 1.
fn ideal() -> Scanner {
    Scanner {
        acquisition: Acquisition {
            sequence: None,
            resolution_mm: FAR_BELOW_A_VOXEL,
            window_alpha: 0.0,
            elliptical: false,
            bandwidth_hz: 200.0,
            fat_shift_mm: 0.0,
            off_resonance: None,
            shading: Shading {
                log_polynomial: [0.0; 9],
                elements: Vec::new(),
            },
            slab_edges: [1.0; 2],
            jumps: Vec::new(),
            ghost: None,
            snr: f64::INFINITY,
            unit_value: 1.0,
        },
        gamma: 1.0,
        noise_seed: 3,
    }
}

/// The image of signals on a grid of half millimetres about the origin.
fn image(signal: &[[f32; 3]], shape: Shape, scanner: &Scanner) -> Vec<f32> {
    let spacing = 0.5;
    let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    let placed = DAffine3::from_scale_rotation_translation(
        DVec3::splat(spacing),
        glam::DQuat::IDENTITY,
        -spacing * half,
    );
    receive(signal, shape, placed, scanner)
}

/// Signals of every voxel of a shape.
fn fill(shape: Shape, signal: impl Fn([usize; 3]) -> [f64; 3]) -> Vec<[f32; 3]> {
    let [ni, nj, nk] = shape;
    (0..ni * nj * nk)
        .map(|n| signal([n % ni, n / ni % nj, n / (ni * nj)]).map(|s| s as f32))
        .collect()
}

fn mean_and_sd(v: &[f32]) -> (f64, f64) {
    let mean = v.iter().map(|&v| f64::from(v)).sum::<f64>() / v.len() as f64;
    let square = v.iter().map(|&v| (f64::from(v) - mean).powi(2));
    (mean, (square.sum::<f64>() / v.len() as f64).sqrt())
}

#[test]
fn nothing_changes_where_everything_is_acquired() {
    for shape in [[20, 18, 9], [1, 1, 1], [5, 1, 3]] {
        let mut draw = Draw::new(1, 1);
        let signal: Vec<[f32; 3]> = fill(shape, |_| [0.0; 3])
            .iter()
            .map(|_| [0, 1, 2].map(|_| draw.uniform(0.0, 1.0) as f32))
            .collect();
        for (v, s) in image(&signal, shape, &ideal()).iter().zip(&signal) {
            assert!((v - s.iter().sum::<f32>()).abs() < 1e-4, "{v} of {s:?}");
        }
    }
}

#[test]
fn a_flat_field_stays_flat_up_to_the_edges() {
    let shape = [30, 26, 12];
    let mut scanner = ideal();
    scanner.acquisition.resolution_mm = [0.9, 1.1, 1.7];
    scanner.acquisition.elliptical = true;
    scanner.acquisition.window_alpha = 0.3;
    for v in image(&fill(shape, |_| [0.3, 0.5, 0.2]), shape, &scanner) {
        assert!((v - 1.0).abs() < 1e-4, "{v}");
    }
}

/// How far beyond a step of height 1 the signal goes, with a window.
fn overshoot(window_alpha: f64) -> f32 {
    let shape = [200, 2, 2];
    let mut scanner = ideal();
    // Eight voxels to the acquired one, so that the peak is hit.
    scanner.acquisition.resolution_mm = [4.0, 0.5, 0.5];
    scanner.acquisition.window_alpha = window_alpha;
    let step = fill(shape, |[i, ..]| [if i < 100 { 1.0 } else { 2.0 }, 0.0, 0.0]);
    image(&step, shape, &scanner)
        .into_iter()
        .fold(0.0, f32::max)
        - 2.0
}

#[test]
fn an_edge_rings_by_nine_percent_and_less_with_a_window() {
    let none = overshoot(0.0);
    assert!((0.08..0.10).contains(&none), "{none}");
    let half = overshoot(0.5);
    assert!(half < 0.95 * none && half > 0.0, "{half}");
    assert!(overshoot(1.0) < 0.02);
}

#[test]
fn a_point_spreads_over_the_acquired_resolution() {
    let shape = [96, 80, 64];
    let mut scanner = ideal();
    scanner.acquisition.resolution_mm = [2.0, 3.0, 4.0];
    let at = [48, 40, 32];
    let point = fill(shape, |v| [if v == at { 401.0 } else { 100.0 }, 0.0, 0.0]);
    let seen = image(&point, shape, &scanner);
    let spread = |axis: usize, voxels: usize| {
        let mut v = at;
        v[axis] += voxels;
        f64::from(seen[(v[2] * shape[1] + v[1]) * shape[0] + v[0]]) - 100.0
    };
    for (axis, resolution) in [(0, 4), (1, 6), (2, 8)] {
        // A sinc is zero one resolution away, and 2 / pi half way there.
        let peak = spread(axis, 0);
        assert!((spread(axis, resolution) / peak).abs() < 0.06);
        let half = spread(axis, resolution / 2) / peak;
        assert!((half - 2.0 / PI).abs() < 0.04, "{half}");
    }
}

#[test]
fn fat_moves_by_the_chemical_shift_and_water_does_not() {
    let shape = [60, 40, 4];
    let blob = |shift: f64| {
        move |[i, j, _]: [usize; 3]| {
            let d = (i as f64 - 30.0 - shift).powi(2) + (j as f64 - 20.0).powi(2);
            (-d / 18.0).exp()
        }
    };
    let mut scanner = ideal();
    scanner.acquisition.fat_shift_mm = -1.3;
    let fat = image(&fill(shape, |v| [0.0, 0.0, blob(0.0)(v)]), shape, &scanner);
    let moved = fill(shape, |v| [blob(-2.6)(v), 0.0, 0.0]);
    for (v, expected) in fat.iter().zip(&moved) {
        assert!((v - expected[0]).abs() < 1e-3, "{v} {expected:?}");
    }
    let water = image(&moved, shape, &scanner);
    for (v, expected) in water.iter().zip(&moved) {
        assert!((v - expected[0]).abs() < 1e-4);
    }
    // At 110 Hz per pixel fat lies two pixels away, on either side.
    let mm = fat_shift_mm(110.0, 0.75, &mut Draw::new(1, 1));
    assert!((mm.abs() - 1.5).abs() < 1e-12);
}

#[test]
fn air_is_rician_and_csf_has_its_signal_to_noise_ratio() {
    let shape = [72, 64, 24];
    let mut scanner = ideal();
    scanner.acquisition.unit_value = 1000.0;
    scanner.acquisition.snr = 50.0;
    for (alpha, elliptical) in [(0.0, false), (0.5, true)] {
        scanner.acquisition.resolution_mm = [0.75, 0.85, 0.8];
        scanner.acquisition.window_alpha = alpha;
        scanner.acquisition.elliptical = elliptical;
        let (mean, sd) = mean_and_sd(&image(&fill(shape, |_| [0.0; 3]), shape, &scanner));
        assert!((mean / (20.0 * 1.2533) - 1.0).abs() < 0.02, "{mean}");
        assert!((sd / (20.0 * 0.6551) - 1.0).abs() < 0.03, "{sd}");
        let csf = image(&fill(shape, |_| [1.0, 0.0, 0.0]), shape, &scanner);
        let (mean, sd) = mean_and_sd(&csf);
        assert!((mean - 1000.0).abs() < 2.0, "{mean}");
        assert!((sd / 20.0 - 1.0).abs() < 0.04, "{sd}");
    }
}

#[test]
fn zero_filling_correlates_the_noise_of_neighbours() {
    let shape = [64, 64, 12];
    let correlation = |resolution: f64| {
        let mut scanner = ideal();
        scanner.acquisition.snr = 50.0;
        scanner.acquisition.resolution_mm = [resolution, 0.5, 0.5];
        let v = image(&fill(shape, |_| [1.0, 0.0, 0.0]), shape, &scanner);
        let (mean, sd) = mean_and_sd(&v);
        let pairs = v.windows(2).map(|w| {
            let [a, b] = [w[0], w[1]].map(|v| f64::from(v) - mean);
            a * b
        });
        pairs.sum::<f64>() / v.len() as f64 / (sd * sd)
    };
    assert!(correlation(0.5).abs() < 0.03, "{}", correlation(0.5));
    // Half a resolution apart: 2 / pi.
    let found = correlation(1.0);
    assert!((found - 2.0 / PI).abs() < 0.05, "{found}");
}

/// A square of fluid in the middle of air.
fn square(shape: Shape) -> Vec<[f32; 3]> {
    let near = |n: usize, of: usize| n.abs_diff(of / 2) < 5;
    fill(shape, |[i, j, _]| {
        let inside = near(i, shape[0]) && near(j, shape[1]);
        [if inside { 1.0 } else { 0.0 }, 0.0, 0.0]
    })
}

#[test]
fn only_pulsation_makes_ghosts_and_only_motion_smears() {
    let shape = [64, 64, 2];
    let still = ideal();
    let beside = |v: &[f32], row: usize| v[row * 64 + 32];
    let clean = image(&square(shape), shape, &still);
    assert!(beside(&clean, 48) < 1e-4 && beside(&clean, 16) < 1e-4);

    let mut pulsating = still.clone();
    pulsating.acquisition.ghost = Some(Ghost {
        amplitude: 0.05,
        shift: 0.25,
    });
    let ghosted = image(&square(shape), shape, &pulsating);
    for row in [48, 16] {
        assert!((beside(&ghosted, row) - 0.05).abs() < 1e-4);
    }
    assert!(beside(&ghosted, 56) < 1e-4 && (beside(&ghosted, 32) - 1.0).abs() < 1e-4);

    let mut moved = still;
    moved.acquisition.jumps = vec![Jump {
        at: 0.7,
        step_mm: [0.4, -1.0],
    }];
    let smeared = image(&square(shape), shape, &moved);
    let outside: f32 = (40..64).map(|row| beside(&smeared, row)).sum();
    assert!(outside > 0.01, "{outside}");
    // The head is seen where it lies at the centre of k-space.
    let centre = |v: &[f32]| {
        let bright = v.iter().enumerate().filter(|(_, v)| **v > 0.5);
        let (sum, count) = bright.fold((0, 0), |(s, c), (n, _)| (s + n / 64 % 64, c + 1));
        sum as f32 / count as f32
    };
    assert!((centre(&smeared) - centre(&clean)).abs() < 0.3);
}

#[test]
fn one_pass_is_dark_half_a_period_off_resonance() {
    let shape = [16, 16, 2];
    let mut scanner = ideal();
    let mut smooth_hz = [0.0; 10];
    smooth_hz[0] = 500.0 / 9.4;
    scanner.acquisition.sequence = Some(LONDON);
    scanner.acquisition.off_resonance = Some(OffResonance {
        smooth_hz,
        cavities: Vec::new(),
        axis: [0.0, 0.0, 1.0],
    });
    let fluid = fill(shape, |_| [1.0, 0.0, 0.0]);
    assert!(image(&fluid, shape, &scanner).iter().all(|v| *v < 0.1));
    if let Some(field) = &mut scanner.acquisition.off_resonance {
        field.smooth_hz[0] *= 2.0;
    }
    let next = image(&fluid, shape, &scanner);
    assert!(next.iter().all(|v| (v - 1.0).abs() < 1e-3));
}

#[test]
fn the_slab_falls_off_at_its_ends_only() {
    let profile: Vec<f64> = (0..60).map(|k| slab_profile(k, 60, [0.4, 0.8])).collect();
    assert!(profile[0] > 0.4 && profile[0] < 0.6);
    assert!(profile[59] > 0.8 && profile[59] < 0.9);
    assert!(profile[..7].windows(2).all(|w| w[0] < w[1] + 1e-12));
    assert!(profile[6..54].iter().all(|p| (p - 1.0).abs() < 1e-12));
}

#[test]
fn gamma_bends_the_sum_of_the_signals() {
    let mut scanner = ideal();
    scanner.gamma = 1.5;
    let v = image(&[[0.1, 0.05, 0.1]], [1, 1, 1], &scanner);
    assert!((f64::from(v[0]) - 0.25_f64.powf(1.5)).abs() < 1e-4);
}

#[test]
fn every_effect_together_is_the_same_on_any_number_of_threads() {
    let shape = [40, 36, 10];
    let mut draw = Draw::new(5, 5);
    let mut scanner = ideal();
    scanner.acquisition = Acquisition {
        sequence: Some(LONDON),
        resolution_mm: [0.8, 0.9, 0.7],
        window_alpha: 0.2,
        elliptical: true,
        fat_shift_mm: 0.6,
        off_resonance: Some(OffResonance::draw(DVec3::Z, &mut draw)),
        shading: Shading {
            elements: Shading::array(&mut draw),
            ..Shading::polynomial(&mut draw, 0.1)
        },
        slab_edges: [0.5, 0.7],
        jumps: Jump::draw_some(&mut draw),
        ghost: Some(Ghost::draw(&mut draw)),
        snr: 30.0,
        ..scanner.acquisition
    };
    let signal = square(shape);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| image(&signal, shape, &scanner))
    };
    assert_eq!(on(1), on(4));
}
