//! The guard before two visits are compared: comparable, with caution, not comparable, each with its reasons.
use super::patient_cases::{day, model, visit};
use schwann::{
    measure::Verdict,
    patient::{
        Acquisition, Change, Comparability, Doubt, Reading, RegistrationResult, ReviewState, Visit,
        acquisition_doubts, assess, assess_doubted, operation_doubts,
    },
    volume::Sequence,
};

fn pair() -> Vec<Visit> {
    vec![visit("2023-01-10", 600.0), visit("2024-01-10", 900.0)]
}

fn changed(change: impl Fn(&mut Vec<Visit>)) -> Change {
    let mut visits = pair();
    change(&mut visits);
    assess(&visits, &[], None).unwrap().changes.remove(0)
}

fn doubted(doubts: &[Doubt]) -> Change {
    let mut assessment = assess_doubted(&pair(), &[], None, doubts).unwrap();
    assessment.changes.remove(0)
}

/// A pair that is compared with caution, for this reason only, and keeps its verdict.
fn with_caution(change: &Change, words: &str) {
    assert_eq!(change.comparability, Comparability::Caution, "{words}");
    assert!(
        change.cautions.len() == 1 && change.cautions[0].contains(words),
        "{words}: {:?}",
        change.cautions
    );
    assert_eq!(change.verdict, Verdict::Growth);
}

#[test]
fn like_visits_are_comparable_without_reasons() {
    let change = changed(|_| ());
    assert_eq!(change.comparability, Comparability::Comparable);
    assert!(change.cautions.is_empty());
}

#[test]
fn what_weakens_a_comparison_is_a_caution_with_its_reason() {
    with_caution(&changed(|v| v[1].date = day("2023-05-10")), "months apart");
    with_caution(
        &changed(|v| v[0].sequence = Sequence::Unknown),
        "sequence is not known",
    );
    with_caution(
        &changed(|v| v[0].slice_thickness_mm = 1.5),
        "different slice thickness, 1.5 and 1.0 mm",
    );
    with_caution(
        &changed(|v| v[1].spacing_mm = [0.8, 0.8, 1.0]),
        "different voxels within the slices, 0.50 and 0.80 mm",
    );
    // The order of a scan's axes says nothing about its voxels.
    assert_eq!(
        changed(|v| v[1].spacing_mm = [1.0, 0.5, 0.5]).comparability,
        Comparability::Comparable
    );
    with_caution(
        &changed(|v| {
            for visit in v {
                visit.slice_thickness_mm = 2.0;
            }
        }),
        "slices of 2.0 mm",
    );
    with_caution(
        &changed(|v| v[0].finding.provenance.state = ReviewState::Edited),
        "edited by a reader",
    );
    with_caution(
        &changed(|v| {
            for visit in v {
                visit.finding.provenance.model = None;
                visit.finding.provenance.state = ReviewState::Imported;
            }
        }),
        "made the same way",
    );
}

#[test]
fn cochleae_apart_after_alignment_are_a_caution_about_the_patient() {
    let registration = RegistrationResult {
        from: day("2023-01-10"),
        to: day("2024-01-10"),
        residual_mm: Some(6.0),
    };
    let a = assess(&pair(), &[registration], None).unwrap();
    with_caution(&a.changes[0], "6.0 mm apart after alignment");
    let told = a.warnings.iter().filter(|w| w.contains("6.0 mm apart"));
    assert_eq!(told.count(), 1, "{:?}", a.warnings);
    assert!(a.to_paragraph().contains("different patients"));
}

/// What makes two visits not comparable.
type Obstacle<'a> = &'a dyn Fn(&mut Vec<Visit>);

#[test]
fn what_forbids_a_comparison_leaves_no_number() {
    let forbidden: [(Obstacle<'_>, &str); 7] = [
        (&|v| v[1].sequence = Sequence::CeT1, "different sequences"),
        (
            &|v| v[1].finding.provenance.model = Some(model("9.0.0")),
            "different models",
        ),
        (
            &|v| v[1].finding.provenance.model = None,
            "different models",
        ),
        (
            &|v| v[0].finding.tumour.as_mut().unwrap().at_scan_edge = true,
            "reaches the scan's edge",
        ),
        (&|v| v[1].finding.tumour = None, "no tumour"),
        (&|v| v[1].slice_thickness_mm = 3.5, "slices of 3.5 mm"),
        (
            &|v| {
                let same = v[0].finding.provenance.scan_sha256.clone();
                v[1].finding.provenance.scan_sha256 = same;
            },
            "the same scan",
        ),
    ];
    for (change, words) in forbidden {
        let change = changed(change);
        assert_eq!(
            change.comparability,
            Comparability::NotComparable,
            "{words}"
        );
        assert_eq!(change.verdict, Verdict::NotComparable);
        assert!(
            change.reasons.iter().any(|r| r.contains(words)),
            "{words}: {:?}",
            change.reasons
        );
        assert!(
            change.volume_change_percent.is_none()
                && change.growth_limit_percent.is_none()
                && change.reaches_20_percent.is_none()
                && change.specific_growth_rate.is_none()
        );
    }
}

#[test]
fn doubts_from_outside_weaken_or_forbid_their_own_pair() {
    let doubt = |forbids| Doubt {
        from: day("2023-01-10"),
        to: day("2024-01-10"),
        reason: "the scans could not be aligned".to_owned(),
        forbids,
    };
    with_caution(&doubted(&[doubt(false)]), "could not be aligned");
    let refused = doubted(&[doubt(true)]);
    assert_eq!(refused.comparability, Comparability::NotComparable);
    assert_eq!(refused.reasons, ["the scans could not be aligned"]);
    let elsewhere = Doubt {
        from: day("2020-01-10"),
        ..doubt(true)
    };
    assert_eq!(
        doubted(&[elsewhere]).comparability,
        Comparability::Comparable
    );
    // A visit that must not be compared with the last is no baseline of it.
    let visits = [
        visit("2022-01-10", 500.0),
        visit("2023-01-10", 600.0),
        visit("2024-01-10", 610.0),
    ];
    let first = Doubt {
        from: day("2022-01-10"),
        ..doubt(true)
    };
    let a = assess_doubted(&visits, &[], None, &[first]).unwrap();
    assert_eq!(a.changes.len(), 2);
    assert!(a.warnings[0].starts_with("2022-01-10: not comparable"));
}

#[test]
fn headers_of_other_scanners_sites_or_patients_are_cautions() {
    let scan = Acquisition {
        patient_id: Some("17".to_owned()),
        institution: Some("North".to_owned()),
        scanner: Some("Siemens Avanto".to_owned()),
        field_tesla: Some(1.5),
        contrast_agent: Some(String::new()),
        ..Acquisition::default()
    };
    let against = |later: Acquisition| {
        acquisition_doubts(&[
            (day("2023-01-10"), scan.clone()),
            (day("2024-01-10"), later),
        ])
    };
    assert_eq!(against(scan.clone()), []);
    // What one header does not say is no difference.
    assert_eq!(against(Acquisition::default()), []);
    let cases: [(Acquisition, &str); 5] = [
        (
            Acquisition {
                patient_id: Some("18".to_owned()),
                ..scan.clone()
            },
            "patient's number: these may be different patients",
        ),
        (
            Acquisition {
                institution: Some("South".to_owned()),
                ..scan.clone()
            },
            "different sites",
        ),
        (
            Acquisition {
                scanner: Some("Philips Ingenia".to_owned()),
                ..scan.clone()
            },
            "different scanners: Siemens Avanto and Philips Ingenia",
        ),
        (
            Acquisition {
                field_tesla: Some(3.0),
                ..scan.clone()
            },
            "1.5 and 3.0 T",
        ),
        (
            Acquisition {
                contrast_agent: Some("gadobutrol".to_owned()),
                ..scan.clone()
            },
            "contrast agent",
        ),
    ];
    for (later, words) in cases {
        let doubts = against(later);
        with_caution(&doubted(&doubts), words);
        assert!(!doubts[0].reason.contains("18"), "no patient is named");
    }
}

#[test]
fn the_day_of_radiosurgery_decides_how_a_change_is_read() {
    for (treated, reading) in [
        ("2022-10-01", Reading::AfterRadiosurgery),
        ("2023-01-10", Reading::AcrossRadiosurgery),
        ("2023-06-01", Reading::AcrossRadiosurgery),
        ("2024-01-10", Reading::Untreated),
        ("2025-01-10", Reading::Untreated),
    ] {
        let a = assess(&pair(), &[], Some(day(treated))).unwrap();
        assert_eq!(a.changes[0].reading, reading, "{treated}");
        let late = a.warnings.iter().any(|w| w.contains("read as untreated"));
        assert_eq!(late, reading == Reading::Untreated, "{treated}");
    }
}

#[test]
fn the_rules_of_twenty_per_cent_and_two_millimetres_stand_beside_the_verdict() {
    let change = |volume: f64, diameter: f64| {
        changed(|v| {
            let t = v[1].finding.tumour.as_mut().unwrap();
            (t.volume_mm3, t.max_axial_diameter_mm) = (volume, diameter);
        })
    };
    // 20 % of a tumour of this size lies within the error of two measurements: the rule is reached, the verdict is not.
    let c = change(721.0, 13.5);
    assert_eq!(
        (
            c.reaches_20_percent,
            c.exceeds_detectable_change,
            c.reaches_2_mm
        ),
        (Some(true), Some(false), Some(false))
    );
    assert_eq!(c.verdict, Verdict::ProbableGrowth);
    let c = change(1200.0, 16.0);
    assert_eq!(
        (
            c.reaches_20_percent,
            c.exceeds_detectable_change,
            c.reaches_2_mm
        ),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!(c.verdict, Verdict::Growth);
}

#[test]
fn more_comparisons_ask_for_a_larger_change() {
    let limits: Vec<(usize, f64)> = (2..6)
        .map(|n| {
            let visits: Vec<Visit> = (0..n)
                .map(|i| visit(&format!("{}-01-10", 2015 + i), 300.0))
                .collect();
            let a = assess(&visits, &[], None).unwrap();
            let last = a.changes.last().unwrap();
            (last.comparisons, last.growth_limit_percent.unwrap())
        })
        .collect();
    assert_eq!(limits.iter().map(|l| l.0).collect::<Vec<_>>(), [1, 2, 3, 3]);
    assert!(limits[0].1 < limits[1].1 && limits[1].1 < limits[2].1);
    assert!((limits[2].1 - limits[3].1).abs() < 1e-9);
    // One visit that cannot be compared asks for nothing.
    let mut visits: Vec<Visit> = (0..3)
        .map(|i| visit(&format!("{}-01-10", 2015 + i), 300.0))
        .collect();
    visits[0].finding.provenance.model = Some(model("9.0.0"));
    let a = assess(&visits, &[], None).unwrap();
    assert_eq!(a.changes[1].comparisons, 1);
}

#[test]
fn what_an_operation_left_is_not_compared_with_what_there_was() {
    let dates = ["2022-01-10", "2023-01-10", "2024-01-10", "2025-01-10"];
    let mut visits: Vec<Visit> = (dates.iter().zip([4700.0, 4800.0, 610.0, 615.0]))
        .map(|(date, mm3)| visit(date, mm3))
        .collect();
    let days: Vec<_> = dates.iter().map(|d| day(d)).collect();
    // On the day of a scan: taken to follow it.
    let doubts = operation_doubts(&days, &[day("2023-01-10")]);
    let of_pairs = |doubts: &[Doubt]| -> Vec<_> { doubts.iter().map(|d| [d.from, d.to]).collect() };
    let across = [[0, 2], [1, 2], [0, 3], [1, 3]].map(|pair| pair.map(|n: usize| days[n]));
    assert_eq!(of_pairs(&doubts), across);
    let found = assess_doubted(&visits, &[], None, &doubts).unwrap();
    assert_eq!(found.changes[1].verdict, Verdict::NotComparable);
    assert!(found.changes[1].reasons[0].contains("operated on on 2023-01-10"));
    // The residual is followed from its own first scan.
    assert_eq!(found.verdict, Some(Verdict::Stable));
    assert!(
        found.trend.is_none(),
        "a trend across the operation: {:?}",
        found.trend
    );
    assert!(!found.summary.contains("shrinkage"), "{}", found.summary);
    // The same where a reader told it of the scans alone.
    for after in &mut visits[2..] {
        after.finding.koos.post_operative = true;
    }
    let told = assess(&visits, &[], None).unwrap();
    assert_eq!(told.changes[1].verdict, Verdict::NotComparable);
    assert_eq!(told.verdict, Some(Verdict::Stable));
    // Both tell it once.
    let both = assess_doubted(&visits, &[], None, &doubts).unwrap();
    assert_eq!(
        both.changes[1].reasons.len(),
        1,
        "{:?}",
        both.changes[1].reasons
    );
    // A later scan that is said to be of a tumour that was not operated on.
    visits[3].finding.koos.post_operative = false;
    let odd = assess(&visits, &[], None).unwrap();
    assert!(odd.changes[2].reasons[0].contains("check what is told"));
}
