//! The phantom's truth, labels and pictures agree with each other and with the parameters.
use glam::DVec3;
use schwann::measure::KoosGrade;
use schwann::phantom::{
    CropPlace, Error, GridSpec, Mimic, Modality, Patient, PatientSpec, Scan, Site, VisitSpec,
    training_crop,
};
use schwann::volume::{LabelMap, Side, Structure, unobserved};
use std::ops::ControlFlow;

/// Both ears and the fourth ventricle at half a millimetre.
const EARS: GridSpec = GridSpec {
    shape: [200, 112, 72],
    spacing_mm: [0.5; 3],
};
/// Just enough for a truth.
const TINY: GridSpec = GridSpec {
    shape: [4, 4, 2],
    spacing_mm: [0.5; 3],
};

fn spec(seed: u64, koos: KoosGrade, side: Side) -> PatientSpec {
    PatientSpec {
        seed,
        koos: Some(koos),
        side: Some(side),
        annual_growth_percent: Some(25.0),
        ..PatientSpec::default()
    }
}

fn patient(seed: u64, koos: KoosGrade, side: Side) -> Patient {
    Patient::new(&spec(seed, koos, side)).unwrap()
}

fn visit(seed: u64, years: f64, grid: GridSpec) -> VisitSpec {
    VisitSpec {
        years,
        site: Site::London,
        modality: Modality::HrT2,
        seed,
        grid: Some(grid),
    }
}

fn scan(patient: &Patient, seed: u64, years: f64, grid: GridSpec) -> Scan {
    patient
        .scan(&visit(seed, years, grid), &mut unobserved)
        .unwrap()
}

fn volume_mm3(labels: &LabelMap, structure: Structure) -> f64 {
    labels.count(structure) as f64 * labels.grid().voxel_volume_mm3()
}

/// Mean place (world mm) and volume (mm³) of the voxels of a structure that a test lets pass.
fn where_is(labels: &LabelMap, structure: Structure, keep: impl Fn(DVec3) -> bool) -> (DVec3, f64) {
    let grid = labels.grid();
    let mask = labels.mask(structure);
    let points: Vec<DVec3> = (0..grid.len())
        .filter(|&n| mask[n])
        .map(|n| grid.point_in_world(grid.voxel(n)))
        .filter(|p| keep(*p))
        .collect();
    assert!(!points.is_empty(), "no voxel of the {structure}");
    let volume = points.len() as f64 * grid.voxel_volume_mm3();
    (points.iter().sum::<DVec3>() / points.len() as f64, volume)
}

/// Head from world, undoing the pose.
fn head_from_world(scan: &Scan) -> glam::DAffine3 {
    let rows = scan.truth.world_from_head;
    let columns = [0, 1, 2, 3].map(|c| DVec3::new(rows[0][c], rows[1][c], rows[2][c]));
    glam::DAffine3::from_cols(columns[0], columns[1], columns[2], columns[3]).inverse()
}

#[test]
fn label_volumes_are_the_exact_volumes() {
    for (seed, koos) in [(5, KoosGrade::II), (2, KoosGrade::III), (3, KoosGrade::IV)] {
        let side = if seed % 2 == 0 {
            Side::Left
        } else {
            Side::Right
        };
        let s = scan(&patient(seed, koos, side), seed, 0.0, EARS);
        let exact = s.truth.tumour_volume_mm3;
        let found = volume_mm3(&s.labels, Structure::VestibularSchwannoma);
        assert!(exact > 200.0, "{exact}");
        assert!(
            (found / exact - 1.0).abs() < 0.01,
            "Koos {koos}: label {found}, exact {exact}"
        );
        let parts = s.truth.intrameatal_volume_mm3 + s.truth.extrameatal_volume_mm3;
        assert!((parts / exact - 1.0).abs() < 1e-9);
    }
}

#[test]
fn cochleae_have_their_volume_and_their_side() {
    let s = scan(&patient(4, KoosGrade::I, Side::Left), 4, 0.0, EARS);
    let to_head = head_from_world(&s);
    for (n, right) in [(0, false), (1, true)] {
        let exact = s.truth.cochlea_volume_mm3[n];
        let (centre, found) = where_is(&s.labels, Structure::Cochlea, |p| {
            (to_head.transform_point3(p).x > 0.0) == right
        });
        assert!((60.0..130.0).contains(&exact));
        assert!(
            (found / exact - 1.0).abs() < 0.05,
            "label {found}, exact {exact}"
        );
        let lateral = to_head.transform_point3(centre).x.abs();
        assert!(
            (32.0..46.0).contains(&lateral),
            "{lateral} mm from the midline"
        );
    }
}

#[test]
fn cochlear_volumes_have_the_mean_that_people_measure() {
    let all: Vec<f64> = (0..12)
        .flat_map(|seed| {
            let healthy = PatientSpec {
                koos: None,
                ..spec(seed, KoosGrade::I, Side::Left)
            };
            let patient = Patient::new(&healthy).unwrap();
            scan(&patient, 0, 0.0, TINY).truth.cochlea_volume_mm3
        })
        .collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!((mean - 92.0).abs() < 9.0, "{mean}");
}

#[test]
fn the_tumour_lies_on_its_side() {
    for side in [Side::Left, Side::Right] {
        for seed in [5, 6] {
            let s = scan(&patient(seed, KoosGrade::II, side), 40 + seed, 0.0, EARS);
            assert_eq!(s.truth.side, Some(side));
            let (tumour, _) = where_is(&s.labels, Structure::VestibularSchwannoma, |_| true);
            let (brainstem, _) = where_is(&s.labels, Structure::Brainstem, |_| true);
            let (cochleae, _) = where_is(&s.labels, Structure::Cochlea, |_| true);
            let in_head = head_from_world(&s).transform_point3(tumour);
            // RAS: left is negative.
            let sign = if side == Side::Left { -1.0 } else { 1.0 };
            assert!(in_head.x * sign > 10.0, "{side}: {in_head}");
            assert!((tumour.x - brainstem.x) * sign > 5.0);
            assert!((tumour.x - cochleae.x) * sign > 5.0);
            // The porus of that side is the near one, and the tumour crosses its plane.
            let [left, right] = s
                .truth
                .porus
                .map(|p| DVec3::from_array(p.point_mm).distance(tumour));
            assert_eq!(left < right, side == Side::Left);
        }
    }
}

#[test]
fn the_porus_plane_divides_the_label() {
    let s = scan(&patient(7, KoosGrade::III, Side::Right), 7, 0.0, EARS);
    let plane = s.truth.porus[1];
    let (point, normal) = (
        DVec3::from_array(plane.point_mm),
        DVec3::from_array(plane.normal),
    );
    assert!((normal.length() - 1.0).abs() < 1e-9);
    let beyond = |p: DVec3| (p - point).dot(normal) > 0.0;
    let (_, extrameatal) = where_is(&s.labels, Structure::VestibularSchwannoma, beyond);
    assert!(
        (extrameatal / s.truth.extrameatal_volume_mm3 - 1.0).abs() < 0.02,
        "{extrameatal}"
    );
    // Normals point to the brainstem, away from the canal.
    let (brainstem, _) = where_is(&s.labels, Structure::Brainstem, |_| true);
    assert!(beyond(brainstem));
    let (canal, _) = where_is(&s.labels, Structure::InternalAuditoryCanal, |p| {
        p.distance(point) < 15.0
    });
    assert!(!beyond(canal));
}

#[test]
fn grades_hold_geometrically() {
    for seed in 20..24 {
        for koos in KoosGrade::ALL {
            let side = if seed % 2 == 0 {
                Side::Left
            } else {
                Side::Right
            };
            let t = scan(&patient(seed, koos, side), seed, 0.0, TINY).truth;
            let gap = t.brainstem_gap_mm.unwrap();
            assert_eq!(t.koos, Some(koos), "seed {seed}");
            // No solid has less surface than the ball of its volume, and this one is not far from a ball with a stalk.
            let ball = (36.0 * std::f64::consts::PI * t.tumour_volume_mm3.powi(2)).cbrt();
            let excess = t.tumour_surface_mm2 / ball;
            assert!((1.0..1.8).contains(&excess), "seed {seed}: {excess}");
            assert!((0.1..=1.0).contains(&t.least_jacobian));
            match koos {
                KoosGrade::I => assert!(t.extrameatal_volume_mm3 < 10.0 && gap > 3.0),
                KoosGrade::II => assert!(
                    gap > 0.5 && t.contact_area_mm2 < 1e-9 && t.extrameatal_volume_mm3 > 10.0
                ),
                KoosGrade::III => {
                    assert!(gap < 1e-9 && t.contact_area_mm2 >= 10.0 && t.brainstem_shift_mm < 2.0);
                }
                KoosGrade::IV => {
                    assert!(t.contact_area_mm2 >= 10.0 && t.brainstem_shift_mm >= 2.0);
                    assert!(t.fourth_ventricle_shift_mm > 0.5 && t.indentation_mm > 1.0);
                    assert!(t.brainstem_rotation_degrees > 0.0);
                }
            }
        }
    }
}

#[test]
fn the_label_shows_the_gap_and_the_contact() {
    for (koos, touches) in [(KoosGrade::II, false), (KoosGrade::III, true)] {
        let s = scan(&patient(31, koos, Side::Left), 3, 0.0, EARS);
        let tumour = s.labels.mask(Structure::VestibularSchwannoma);
        let brainstem = s.labels.mask(Structure::Brainstem);
        let [ni, nj, nk] = s.labels.grid().shape();
        let mut faces = 0;
        for (step, n_axis) in [(1, ni), (ni, nj), (ni * nj, nk)] {
            for n in 0..tumour.len() - step {
                let inside = (n / step) % n_axis + 1 < n_axis;
                faces += usize::from(
                    inside
                        && ((tumour[n] && brainstem[n + step])
                            || (brainstem[n] && tumour[n + step])),
                );
            }
        }
        assert_eq!(faces > 20, touches, "Koos {koos}: {faces} shared faces");
        assert!(touches || faces == 0);
    }
}

#[test]
fn tumours_grow_exactly_and_stay_where_they_are() {
    let patient = patient(8, KoosGrade::II, Side::Left);
    let first = scan(&patient, 1, 0.0, TINY);
    let second = scan(&patient, 2, 2.0, TINY);
    let factor = second.truth.tumour_volume_mm3 / first.truth.tumour_volume_mm3;
    assert!((factor / 1.25_f64.powi(2) - 1.0).abs() < 1e-3, "{factor}");
    assert!((patient.tumour_volume_mm3(2.0) / second.truth.tumour_volume_mm3 - 1.0).abs() < 1e-3);
    assert_ne!(
        first.truth.world_from_head, second.truth.world_from_head,
        "another pose"
    );
    // The anatomy is the same: the poses map the pori onto each other.
    for side in 0..2 {
        let [a, b] = [&first, &second].map(|s| {
            head_from_world(s).transform_point3(DVec3::from_array(s.truth.porus[side].point_mm))
        });
        assert!(a.distance(b) < 1e-9);
    }
    assert_eq!(
        first.truth.cochlea_volume_mm3,
        second.truth.cochlea_volume_mm3
    );
}

#[test]
fn scans_are_reproducible_on_any_number_of_threads() {
    let small = GridSpec {
        shape: [40, 36, 12],
        spacing_mm: [1.0, 1.0, 1.5],
    };
    let make = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| scan(&patient(9, KoosGrade::III, Side::Left), 5, 1.0, small))
    };
    let (one, two) = (make(1), make(2));
    assert_eq!(one.volume, two.volume);
    assert_eq!(one.labels, two.labels);
    assert_eq!(one.truth, two.truth);
    let other = scan(&patient(9, KoosGrade::III, Side::Left), 6, 1.0, small);
    assert_ne!(
        one.volume.voxels(),
        other.volume.voxels(),
        "the visit's seed changes pose and noise"
    );
}

/// Median intensity of the voxels a test lets pass.
fn median(s: &Scan, keep: impl Fn(usize) -> bool) -> f64 {
    let mut v: Vec<f32> = s
        .volume
        .to_f32()
        .into_iter()
        .enumerate()
        .filter(|(n, _)| keep(*n))
        .map(|(_, v)| v)
        .collect();
    assert!(!v.is_empty());
    v.sort_unstable_by(f32::total_cmp);
    f64::from(v[v.len() / 2])
}

#[test]
fn fluid_is_brighter_than_pons_as_the_sequences_make_it() {
    for (site, range) in [(Site::London, 3.0..5.0), (Site::Tilburg, 4.0..10.0)] {
        let patient = patient(10, KoosGrade::II, Side::Right);
        let v = VisitSpec {
            site,
            ..visit(3, 0.0, EARS)
        };
        let s = patient.scan(&v, &mut unobserved).unwrap();
        let labelled = |value: Structure| s.labels.mask(value);
        let (pons, fluid) = (
            labelled(Structure::Brainstem),
            labelled(Structure::FourthVentricle),
        );
        let (tumour, cochlea) = (
            labelled(Structure::VestibularSchwannoma),
            labelled(Structure::Cochlea),
        );
        let csf = median(&s, |n| fluid[n]);
        let ratio = csf / median(&s, |n| pons[n]);
        assert!(range.contains(&ratio), "{site:?}: CSF to pons {ratio}");
        let tumour = median(&s, |n| tumour[n]) / csf;
        assert!((0.15..0.7).contains(&tumour), "tumour {tumour} of CSF");
        assert!(
            median(&s, |n| cochlea[n]) / csf > 0.4,
            "the cochlea is bright"
        );
        let highest = s.volume.to_f32().into_iter().fold(0.0, f32::max);
        assert!(highest <= 4095.0);
    }
}

#[test]
fn air_holds_the_noise_of_a_magnitude() {
    let wide = GridSpec {
        shape: [64, 64, 16],
        spacing_mm: [4.0, 4.0, 2.0],
    };
    for site in Site::ALL {
        let v = VisitSpec {
            site,
            ..visit(3, 0.0, wide)
        };
        let s = patient(11, KoosGrade::I, Side::Left)
            .scan(&v, &mut unobserved)
            .unwrap();
        let acquisition = &s.truth.drawn.acquisition;
        let sigma = acquisition.unit_value / acquisition.snr;
        // Columns beside the head.
        let values: Vec<f64> = (s.volume.to_f32().into_iter().enumerate())
            .filter(|(n, _)| s.volume.grid().voxel(*n)[0] < 6)
            .map(|(_, v)| f64::from(v))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let sd = (variance / values.len() as f64).sqrt();
        // Of a Rician without signal: 1.2533 and 0.6551 of the noise in one channel.
        assert!(
            (mean / sigma / 1.2533 - 1.0).abs() < 0.03,
            "{site:?}: {mean} of {sigma}"
        );
        assert!(
            (sd / sigma / 0.6551 - 1.0).abs() < 0.04,
            "{site:?}: {sd} of {sigma}"
        );
    }
}

#[test]
fn senseless_parameters_are_refused() {
    let bad_growth = PatientSpec {
        annual_growth_percent: Some(f64::NAN),
        ..spec(1, KoosGrade::I, Side::Left)
    };
    assert!(matches!(
        Patient::new(&bad_growth),
        Err(Error::Parameter { .. })
    ));
    let patient = Patient::new(&PatientSpec {
        koos: None,
        ..spec(1, KoosGrade::I, Side::Left)
    })
    .unwrap();
    assert_eq!(patient.side(), None);
    let refused = |v: VisitSpec| patient.scan(&v, &mut unobserved).unwrap_err();
    assert!(matches!(
        refused(visit(1, f64::NAN, TINY)),
        Error::Parameter { .. }
    ));
    assert!(matches!(
        refused(visit(1, -1.0, TINY)),
        Error::Parameter { .. }
    ));
    let empty = GridSpec {
        shape: [4, 0, 4],
        ..TINY
    };
    assert!(matches!(refused(visit(1, 0.0, empty)), Error::Grid(_)));
    let huge = GridSpec {
        shape: [usize::MAX, 2, 2],
        ..TINY
    };
    assert!(matches!(refused(visit(1, 0.0, huge)), Error::Grid(_)));
    for mm in [0.0, -1.0, f64::INFINITY, f64::NAN, 50.0] {
        let odd = GridSpec {
            spacing_mm: [0.5, mm, 0.5],
            ..TINY
        };
        assert!(
            matches!(refused(visit(1, 0.0, odd)), Error::Parameter { .. }),
            "{mm}"
        );
    }
    assert!(training_crop(1, [0, 8, 8], [1.0; 3], CropPlace::Ear, &[]).is_err());
    assert!(training_crop(1, [8, 8, 8], [f64::NAN; 3], CropPlace::Ear, &[]).is_err());
    let stopped = patient.scan(&visit(1, 0.0, TINY), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(Error::Stopped)));
}

#[test]
fn real_outlines_make_tumours_of_the_wanted_grade() {
    let folder = std::path::Path::new("../shared/data/vs_contours");
    if !folder.is_dir() {
        println!("skipped: {} is absent", folder.display());
        return;
    }
    let outlines = schwann::io::read_outlines(folder).unwrap();
    for (seed, koos) in [(5, KoosGrade::II), (2, KoosGrade::III), (3, KoosGrade::IV)] {
        let patient = Patient::with_outlines(&spec(seed, koos, Side::Left), &outlines).unwrap();
        let s = scan(&patient, seed, 0.0, EARS);
        assert_eq!(s.truth.koos, Some(koos));
        let exact = s.truth.tumour_volume_mm3;
        let found = volume_mm3(&s.labels, Structure::VestibularSchwannoma);
        assert!(
            (found / exact - 1.0).abs() < 0.01,
            "Koos {koos}: label {found}, exact {exact}"
        );
        // It grows like any other.
        let later = scan(&patient, seed, 1.0, TINY).truth.tumour_volume_mm3;
        assert!((later / exact - 1.25).abs() < 2e-3, "{later} from {exact}");
    }
}

#[test]
fn look_alikes_are_seen_and_are_no_tumour() {
    for mimic in Mimic::ALL {
        let healthy = PatientSpec {
            koos: None,
            ..spec(4, KoosGrade::I, Side::Right)
        };
        let with = PatientSpec {
            mimic: Some(mimic),
            ..healthy
        };
        let [a, b] = [healthy, with].map(|s| scan(&Patient::new(&s).unwrap(), 4, 0.0, EARS));
        assert_eq!(b.labels.count(Structure::VestibularSchwannoma), 0);
        assert_eq!((b.truth.koos, b.truth.tumour_volume_mm3), (None, 0.0));
        let brainstem = |s: &Scan| s.labels.count(Structure::Brainstem);
        assert_eq!(brainstem(&a), brainstem(&b), "{mimic:?}");
        // Both scans share pose, contrast and noise: what differs is the look-alike.
        let (a, b) = (a.volume.to_f32(), b.volume.to_f32());
        let differ = a
            .iter()
            .zip(&b)
            .filter(|(a, b)| (*a - *b).abs() > 100.0)
            .count();
        assert!(differ > 30, "{mimic:?}: {differ} voxels");
        let both = PatientSpec {
            koos: Some(KoosGrade::I),
            ..with
        };
        assert!(matches!(Patient::new(&both), Err(Error::Mimic)));
    }
}
