//! The displacement: no folds, bone fixed, brain kept.
use super::super::{
    Patient, PatientSpec,
    contact::{contact_under, effects},
    draw::Draw,
};
use super::*;
use crate::phantom::patient::QUICK_STEP;
use crate::{measure::KoosGrade, volume::Side};

/// A patient, the tumour and what it does.
fn patient(seed: u64, koos: KoosGrade, side: Side) -> (Patient, Tumour) {
    let spec = PatientSpec {
        koos: Some(koos),
        side: Some(side),
        ..PatientSpec::random(seed)
    };
    let patient = Patient::with_step(&spec, &[], QUICK_STEP).unwrap();
    let tumour = patient.growth.as_ref().unwrap().tumour.clone();
    (patient, tumour)
}

fn side_of(seed: u64) -> Side {
    if seed.is_multiple_of(2) {
        Side::Left
    } else {
        Side::Right
    }
}

fn points(count: usize, half: DVec3, centre: DVec3) -> impl Iterator<Item = DVec3> {
    let mut draw = Draw::new(5, 5);
    (0..count).map(move |_| {
        let mut within = || draw.uniform(-1.0, 1.0);
        centre + half * DVec3::new(within(), within(), within())
    })
}

#[test]
fn nothing_folds_bone_stays_and_so_does_all_that_is_far() {
    for seed in 0..12 {
        let (patient, tumour) = patient(seed, KoosGrade::IV, side_of(seed));
        let start = std::time::Instant::now();
        let map = Displacement::new(&tumour, &patient.anatomy).unwrap();
        let built = start.elapsed();
        let (centre, radius) = tumour.ball();
        let mut moved: f64 = 0.0;
        for p in points(60_000, DVec3::new(60.0, 60.0, 45.0), centre) {
            let (motion, far) = ((map.rest(p) - p).length(), p.distance(centre) - radius);
            moved = moved.max(motion);
            if far > 60.0 {
                assert!(motion < 1e-12, "seed {seed}: {p} moves by {motion}");
            } else if patient.anatomy.cistern.distance(p) > 0.0 {
                assert!(motion < 0.05, "seed {seed}: bone at {p} moves by {motion}");
            }
            let jacobian = map.jacobian(p);
            assert!(jacobian > 0.1, "seed {seed}: {jacobian} at {p}");
        }
        // The least shift of the brainstem that makes a grade IV.
        assert!(moved > 2.0, "seed {seed}: {moved}");
        eprintln!(
            "seed {seed}: radius {radius:.1} mm, least determinant {:.2}, built in {built:.0?}",
            map.least_jacobian()
        );
    }
}

#[test]
fn the_brainstem_turns_with_its_shift_and_grades_keep_their_limits() {
    let mut rates = Vec::new();
    for koos in [KoosGrade::III, KoosGrade::IV] {
        for seed in 0..20 {
            let side = side_of(seed);
            let (patient, tumour) = patient(seed, koos, side);
            let map = Displacement::new(&tumour, &patient.anatomy).unwrap();
            assert!(map.least_jacobian() > 0.1, "{koos}, seed {seed}");
            let contact = contact_under(&tumour, side, &patient.anatomy, Some(&map));
            let effects = effects(&tumour, side, &patient.anatomy, Some(&map));
            assert!((koos == KoosGrade::IV) == (contact.shift_mm >= 2.0));
            // A ventricle that moved as far would make a grade III one of IV.
            assert!(koos == KoosGrade::IV || effects.ventricle_shift_mm < 2.0);
            if koos == KoosGrade::IV {
                rates.push(effects.rotation_degrees / contact.shift_mm);
            }
        }
    }
    rates.sort_by(f64::total_cmp);
    eprintln!("degrees per mm: {rates:.2?}");
    // 1.8 to 2.3 in patients.
    assert!((1.25..2.3).contains(&rates[10]), "{rates:?}");
}

#[test]
fn the_bound_on_stretching_holds() {
    let (patient, tumour) = patient(0, KoosGrade::IV, Side::Left);
    let map = Displacement::new(&tumour, &patient.anatomy).unwrap();
    let mut draw = Draw::new(6, 6);
    let mut most: f64 = 0.0;
    for p in points(20_000, DVec3::splat(50.0), tumour.ball().0) {
        let radius = draw.uniform(0.1, 8.0);
        let q = p + draw.direction() * radius;
        let stretch = map.rest(p).distance(map.rest(q)) / radius;
        assert!(
            stretch <= map.lipschitz(p, radius) + 1e-9,
            "{stretch} at {p}"
        );
        most = most.max(stretch);
    }
    assert!(most > 1.2, "{most}");
    assert!((map.lipschitz(DVec3::splat(500.0), 9.0) - 1.0).abs() < 1e-12);
}

#[test]
fn without_contact_nothing_moves() {
    let (patient, tumour) = patient(1, KoosGrade::I, Side::Left);
    assert!(Displacement::new(&tumour, &patient.anatomy).is_none());
    let none = effects(&tumour, Side::Left, &patient.anatomy, None);
    assert!(none.ventricle_shift_mm.abs() + none.indentation_mm < 1e-12);
}

#[test]
fn the_shift_grows_with_the_tumour() {
    for (seed, side) in [(0, Side::Left), (7, Side::Right)] {
        let (patient, tumour) = patient(seed, KoosGrade::IV, side);
        let beyond = tumour.size() - 1.0;
        let shifts: Vec<f64> = [0.35, 0.5, 0.65, 0.8, 0.9, 1.0]
            .map(|part| {
                let tumour = tumour.at_size(1.0 + part * beyond);
                let map = Displacement::new(&tumour, &patient.anatomy);
                contact_under(&tumour, side, &patient.anatomy, map.as_ref()).shift_mm
            })
            .to_vec();
        assert!(shifts[0] < 0.2 && shifts[5] > 2.4, "{shifts:?}");
        for pair in shifts.windows(2) {
            assert!(pair[1] > pair[0] - 0.05, "{shifts:?}");
        }
    }
}

#[test]
fn fourth_ventricle_and_front_of_the_brainstem_go_to_the_other_side() {
    for side in [Side::Left, Side::Right] {
        let (patient, tumour) = patient(2, KoosGrade::IV, side);
        let map = Displacement::new(&tumour, &patient.anatomy);
        let found = effects(&tumour, side, &patient.anatomy, map.as_ref());
        assert!((0.5..8.0).contains(&found.ventricle_shift_mm), "{found:?}");
        assert!((1.0..30.0).contains(&found.rotation_degrees), "{found:?}");
        assert!((1.0..12.0).contains(&found.indentation_mm), "{found:?}");
        // A point in the fourth ventricle's middle came from the tumour's side.
        let p = DVec3::new(0.0, -18.0, 5.0);
        let towards = map.unwrap().rest(p).x * tumour.ball().0.x.signum();
        assert!(towards > 0.3, "{towards}");
    }
}

#[test]
fn brain_keeps_its_volume_and_leaves_the_tumour() {
    for seed in [0, 3, 7, 11] {
        let (patient, tumour) = patient(seed, KoosGrade::IV, side_of(seed));
        let anatomy = &patient.anatomy;
        let map = Displacement::new(&tumour, anatomy).unwrap();
        let growing = Growing::new(&tumour, anatomy).unwrap();
        let brain = |p: DVec3| growing.brain.iter().any(|s| s.distance(p) < 0.0);
        let stem = |p: DVec3| anatomy.brainstem.distance(p) < 0.0;
        // Counts of brain and brainstem: now, covered by the tumour now, and at rest.
        let (mut now, mut covered, mut rest) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        for k in -30..32 {
            for j in -62..20 {
                for i in -42..=42 {
                    let p = DVec3::new(f64::from(i), f64::from(j), f64::from(k)) * 1.3;
                    let q = map.rest(p);
                    let free = tumour.distance(p) > 0.0;
                    for (n, inside) in [(0, [brain(q), brain(p)]), (1, [stem(q), stem(p)])] {
                        rest[n] += f64::from(inside[1]);
                        now[n] += f64::from(inside[0] && free);
                        covered[n] += f64::from(inside[0] && !free);
                    }
                }
            }
        }
        let change = [0, 1].map(|n| now[n] / rest[n] - 1.0);
        let lost = [0, 1].map(|n| covered[n] / rest[n]);
        eprintln!("seed {seed}: change {change:.4?}, of it covered by the tumour {lost:.4?}");
        // Of the contents of the posterior fossa, an eighth of all brain.
        assert!(change[0].abs() < 0.03, "brain {change:?} {lost:?}");
        assert!(change[1].abs() < 0.02, "brainstem {change:?} {lost:?}");
        assert!(lost[1] < 0.02, "{lost:?}");
    }
}
