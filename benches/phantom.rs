//! Time of a whole phantom scan and of a training crop, beside a peer in the same run: rustfft's plain 3D transform of as many voxels, there
//! and back. `cargo bench --bench phantom`
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for developers"
)]
use rustfft::{FftPlanner, num_complex::Complex32};
use schwann::{
    measure::KoosGrade,
    phantom::{
        CropPlace, GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec, training_crop,
    },
    volume::unobserved,
};
use std::time::Instant;

/// The larger London matrix.
const SCAN: GridSpec = GridSpec {
    shape: [448, 448, 80],
    spacing_mm: [0.469, 0.469, 1.5],
};
const CROP: [usize; 3] = [96, 96, 48];

fn seconds(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

/// Transforms along all three axes, forward and back, one line after the other.
fn transform([ni, nj, nk]: [usize; 3]) {
    let mut data = vec![Complex32::new(1.0, 0.0); ni * nj * nk];
    let mut planner = FftPlanner::new();
    let mut line = vec![Complex32::default(); ni.max(nj).max(nk)];
    for forward in [true, false] {
        for (count, stride) in [(ni, 1), (nj, ni), (nk, ni * nj)] {
            let fft = if forward {
                planner.plan_fft_forward(count)
            } else {
                planner.plan_fft_inverse(count)
            };
            let starts = (0..data.len()).filter(|n| (n / stride) % count == 0);
            for start in starts {
                for (n, v) in line[..count].iter_mut().enumerate() {
                    *v = data[start + n * stride];
                }
                fft.process(&mut line[..count]);
                for (n, v) in line[..count].iter().enumerate() {
                    data[start + n * stride] = *v;
                }
            }
        }
    }
    std::hint::black_box(data);
}

fn main() {
    println!("| what | seconds | rustfft of as many voxels | ratio |");
    println!("| --- | --- | --- | --- |");
    let row = |name: &str, own: f64, peer: f64| {
        println!("| {name} | {own:.2} | {peer:.3} | {:.1} |", own / peer);
    };
    for grade in KoosGrade::ALL {
        let own = seconds(|| {
            let patient = Patient::new(&PatientSpec {
                seed: 1,
                koos: Some(grade),
                ..PatientSpec::default()
            })
            .expect("a patient");
            let visit = VisitSpec {
                years: 0.0,
                site: Site::London,
                modality: Modality::HrT2,
                seed: 1,
                grid: Some(SCAN),
            };
            let scan = patient.scan(&visit, &mut unobserved).expect("a scan");
            std::hint::black_box(scan);
        });
        let peer = seconds(|| transform(SCAN.shape));
        row(
            &format!("patient of Koos {grade} and scan 448 x 448 x 80"),
            own,
            peer,
        );
    }
    let crops = 12;
    let own = seconds(|| {
        for seed in 0..crops {
            let crop =
                training_crop(seed, CROP, [0.5, 0.5, 1.0], CropPlace::Ear, &[]).expect("a crop");
            std::hint::black_box(crop);
        }
    });
    let peer = seconds(|| (0..crops).for_each(|_| transform(CROP)));
    let each = f64::from(crops as u32);
    row("training crop 96 x 96 x 48", own / each, peer / each);
}
