//! What may be said between visits, what must be refused, and the JSON contract.
use super::patient_cases::{day, model, visit};
use schwann::{
    measure::{SizeSide, Verdict},
    patient::{Error, GrowthAssessment, NOTICE, RegistrationResult, ReviewState, Visit, assess},
    volume::Sequence,
};
use serde_json::Value;
use std::collections::BTreeSet;

#[path = "patient_course.rs"]
mod patient_course;

fn growing() -> Vec<Visit> {
    vec![visit("2023-01-10", 600.0), visit("2024-01-10", 780.0)]
}

fn assessed(visits: &[Visit]) -> GrowthAssessment {
    assess(visits, &[], None).unwrap()
}

fn refused(change: impl Fn(&mut Vec<Visit>), word: &str) {
    let mut visits = growing();
    change(&mut visits);
    let a = assessed(&visits);
    assert_eq!(a.changes[0].verdict, Verdict::NotComparable, "{word}");
    assert_eq!(a.verdict, Some(Verdict::NotComparable));
    assert!(
        a.changes[0].reasons.iter().any(|r| r.contains(word)),
        "{word}: {:?}",
        a.changes[0].reasons
    );
    // No percentage may be quoted for visits that must not be compared.
    assert_eq!(a.changes[0].volume_change_percent, None);
    assert_eq!(a.changes[0].doubling_time_years, None);
    assert!(
        a.summary.contains("not comparable") && a.summary.contains(word),
        "{}",
        a.summary
    );
}

#[test]
fn numbers_are_those_of_the_definitions() {
    let a = assessed(&growing());
    let c = &a.changes[0];
    let years = 365.0 / 365.25;
    assert!((c.interval_years - years).abs() < 1e-12);
    assert!((c.volume_change_percent.unwrap() - 30.0).abs() < 1e-9);
    assert!((c.specific_growth_rate.unwrap() - 1.3_f64.ln() / years).abs() < 1e-12);
    assert!((c.doubling_time_years.unwrap() - 2.0_f64.ln() * years / 1.3_f64.ln()).abs() < 1e-9);
    assert!(
        (a.visits[0].uncertainty95_mm3.unwrap()
            - visit("2023-01-10", 600.0).extent().unwrap().loa95_mm3())
        .abs()
            < 1e-6
    );
    assert_eq!(c.verdict, Verdict::Growth);
    assert_eq!(a.headline, "Growth beyond measurement error");
}

#[test]
fn json_has_the_fields_of_the_contract() {
    let registration = RegistrationResult {
        from: day("2023-01-10"),
        to: day("2024-01-10"),
        residual_mm: Some(0.2),
    };
    let a = assess(&growing(), &[registration], None).unwrap();
    let json: Value = serde_json::from_str(&a.to_json().unwrap()).unwrap();
    let keys = |v: &Value| {
        v.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let has = |v: &Value, names: &[&str]| {
        for name in names {
            assert!(keys(v).contains(*name), "{name} is missing");
        }
    };
    has(
        &json,
        &["visits", "changes", "registration", "warnings", "notice"],
    );
    has(
        &json["visits"][0],
        &[
            "date",
            "volume_mm3",
            "uncertainty95_mm3",
            "max_axial_diameter_mm",
            "koos",
            "model",
            "scan_sha256",
            "state",
        ],
    );
    has(
        &json["changes"][0],
        &[
            "from",
            "to",
            "interval_years",
            "volume_change_percent",
            "detectable_change_percent",
            "annual_growth_percent",
            "specific_growth_rate",
            "specific_growth_rate_ci95",
            "doubling_time_years",
            "diameter_change_mm",
            "verdict",
            "reasons",
        ],
    );
    has(&json["registration"][0], &["from", "to", "residual_mm"]);
    assert_eq!(json["visits"][0]["date"], "2023-01-10");
    assert_eq!(json["visits"][0]["koos"], "II");
    assert_eq!(json["changes"][0]["verdict"], "growth");
    assert_eq!(json["changes"][0]["to"], "2024-01-10");
    assert_eq!(json["notice"], "research use only, not for diagnosis");
    assert_eq!(json["visits"][1]["volume_mm3"].as_f64(), Some(780.0));
}

#[test]
fn verdict_words_in_json_are_those_of_the_contract() {
    let words: Vec<String> = [
        Verdict::Growth,
        Verdict::ProbableGrowth,
        Verdict::Stable,
        Verdict::Shrinkage,
        Verdict::NotComparable,
    ]
    .iter()
    .map(|v| serde_json::to_string(v).unwrap())
    .collect();
    assert_eq!(
        words,
        [
            "\"growth\"",
            "\"probable growth\"",
            "\"stable\"",
            "\"shrinkage\"",
            "\"not comparable\""
        ]
    );
}

#[test]
fn a_doubling_time_is_null_when_nothing_grows() {
    let a = assessed(&[visit("2023-01-10", 800.0), visit("2024-01-10", 600.0)]);
    assert_eq!(a.changes[0].verdict, Verdict::Shrinkage);
    let json: Value = serde_json::from_str(&a.to_json().unwrap()).unwrap();
    assert!(json["changes"][0]["doubling_time_years"].is_null());
}

#[test]
fn visits_that_must_not_be_compared_are_refused_with_the_reason() {
    refused(
        |v| v[1].finding.provenance.model = Some(model("0.4.0")),
        "different models",
    );
    refused(|v| v[0].finding.provenance.model = None, "different models");
    refused(|v| v[1].sequence = Sequence::CeT1, "different sequences");
    refused(|v| v[0].finding.tumour = None, "no tumour");
    refused(
        |v| v[1].finding.provenance.state = ReviewState::Rejected,
        "rejected",
    );
    refused(|v| v[1].slice_thickness_mm = 4.0, "slices of 4.0 mm");
    refused(
        |v| v[1].finding.tumour.as_mut().unwrap().side = Some(SizeSide::Left),
        "different sides",
    );
    refused(
        |v| {
            v[1].finding.provenance.scan_sha256 = v[0].finding.provenance.scan_sha256.clone();
        },
        "both visits are the same scan",
    );
    refused(
        |v| v[0].finding.tumour.as_mut().unwrap().at_scan_edge = true,
        "the tumour reaches the scan's edge on 2023-01-10: its volume is a lower limit",
    );
    for n in [0, 1] {
        refused(
            |v| v[n].finding.tumour.as_mut().unwrap().side = Some(SizeSide::Both),
            "measured together: outline and measure each by itself",
        );
    }
}

#[test]
fn same_weights_under_another_hash_are_another_model() {
    refused(
        |v| {
            v[1].finding.provenance.model.as_mut().unwrap().sha256 = "00".repeat(32);
        },
        "different models",
    );
}

#[test]
fn three_visits_are_compared_with_the_first_and_the_previous() {
    // Each step is within error; the whole is not.
    let a = assessed(&[
        visit("2022-01-10", 600.0),
        visit("2023-01-10", 680.0),
        visit("2024-01-10", 770.0),
    ]);
    let pairs: Vec<_> = a.changes.iter().map(|c| (c.from, c.to)).collect();
    let [d1, d2, d3] = ["2022-01-10", "2023-01-10", "2024-01-10"].map(day);
    assert_eq!(pairs, [(d1, d2), (d2, d3), (d1, d3)]);
    assert_eq!(
        a.changes.iter().map(|c| c.verdict).collect::<Vec<_>>(),
        [Verdict::Stable, Verdict::Stable, Verdict::Growth]
    );
    assert_eq!(a.verdict, Some(Verdict::Growth));
    assert!(
        a.summary.contains("Since the first visit on 2022-01-10 (")
            && a.summary
                .contains("Since the previous visit on 2023-01-10 (")
    );
}

#[test]
fn one_visit_gives_no_verdict_and_says_so() {
    let a = assessed(&growing()[..1]);
    assert!(a.changes.is_empty() && a.verdict.is_none());
    assert!(a.warnings.iter().any(|w| w.contains("one visit only")));
}

#[test]
fn what_makes_a_comparison_weaker_is_warned_of() {
    let warned = |change: &dyn Fn(&mut Vec<Visit>), word: &str| {
        let mut visits = growing();
        change(&mut visits);
        let warnings = assessed(&visits).warnings;
        assert!(
            warnings.iter().any(|w| w.contains(word)),
            "{word}: {warnings:?}"
        );
    };
    warned(&|v| v[1].date = day("2023-05-10"), "months apart");
    warned(&|v| v[0].slice_thickness_mm = 2.0, "slices of 2.0 mm");
    warned(
        &|v| v[0].slice_thickness_mm = 1.5,
        "different slice thickness",
    );
    warned(
        &|v| v[0].sequence = Sequence::Unknown,
        "sequence is not known",
    );
    warned(
        &|v| v[0].finding.provenance.state = ReviewState::Edited,
        "edited by a reader",
    );
    warned(
        &|v| v[1].finding.warnings.push("touches the border".to_owned()),
        "2024-01-10: touches the border",
    );
    warned(&|_| (), "2023-01-10, 2024-01-10: AI draft, not reviewed");
}

#[test]
fn a_poor_alignment_is_warned_of_and_a_good_one_is_not() {
    for (residual, expected) in [(0.4, false), (2.5, true), (3.5, true), (f64::NAN, true)] {
        let r = RegistrationResult {
            from: day("2023-01-10"),
            to: day("2024-01-10"),
            residual_mm: Some(residual),
        };
        let a = assess(&growing(), &[r], None).unwrap();
        assert_eq!(
            a.warnings.iter().any(|w| w.contains("alignment")),
            expected,
            "{residual}"
        );
        assert_eq!(
            a.warnings.iter().any(|w| w.contains(
                "the cochleae lie 3.5 mm apart after alignment: these may be different patients"
            )),
            residual > 3.0,
            "{residual}"
        );
    }
}

#[test]
fn what_cannot_be_assessed_is_an_error() {
    let two = growing();
    let [a, b] = [two[0].clone(), two[1].clone()];
    assert!(matches!(assess(&[], &[], None), Err(Error::NoVisits)));
    assert!(matches!(
        assess(&[b.clone(), a.clone()], &[], None),
        Err(Error::DateOrder { .. })
    ));
    assert!(matches!(
        assess(&[a.clone(), a.clone()], &[], None),
        Err(Error::SameDate(_))
    ));
    let mut broken = two.clone();
    for bad in [0.0, -3.0, f64::NAN, f64::INFINITY] {
        broken[1].finding.tumour.as_mut().unwrap().volume_mm3 = bad;
        assert!(matches!(
            assess(&broken, &[], None),
            Err(Error::Measurement {
                what: "tumour volume",
                ..
            })
        ));
    }
    let mut thin = two.clone();
    thin[0].slice_thickness_mm = 0.0;
    assert!(matches!(
        assess(&thin, &[], None),
        Err(Error::Measurement {
            what: "slice thickness",
            ..
        })
    ));
    let strange = RegistrationResult {
        from: day("2001-01-01"),
        to: day("2024-01-10"),
        residual_mm: None,
    };
    assert!(matches!(
        assess(&two, &[strange], None),
        Err(Error::RegistrationDate(_))
    ));
}

#[test]
fn a_rate_too_large_for_a_number_is_absent_and_json_still_parses() {
    let a = assessed(&[visit("2024-01-10", 20.0), visit("2024-01-11", 20_000.0)]);
    let json: Value = serde_json::from_str(&a.to_json().unwrap()).unwrap();
    assert!(json["changes"][0]["annual_growth_percent"].is_null());
}

#[test]
fn text_carries_numbers_model_hashes_and_notice() {
    let a = assessed(&growing());
    let text = a.to_text();
    let v = &a.visits[1];
    let volume = format!("780 ± {:.0} mm³", v.uncertainty95_mm3.unwrap());
    for part in [
        NOTICE,
        "+30.0 %",
        &volume,
        "hrT2 segmenter 0.3.1",
        &model("").sha256,
        &v.scan_sha256,
        "AI draft, not reviewed",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
