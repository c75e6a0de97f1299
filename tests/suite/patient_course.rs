//! Which visits the last is compared with, the trend over all, and what treatment means for both.
use super::{
    super::patient_cases::{day, model, visit},
    assessed, growing,
};
use schwann::{
    measure::Verdict,
    patient::{Visit, assess},
};

/// Yearly visits from 2015 on.
fn yearly(volumes: &[f64]) -> Vec<Visit> {
    (2015..)
        .zip(volumes)
        .map(|(year, v)| visit(&format!("{year}-01-10"), *v))
        .collect()
}

#[test]
fn growth_since_the_smallest_volume_is_not_called_stable() {
    let visits = yearly(&[996.0, 679.0, 760.0, 854.0, 948.0]);
    let a = assessed(&visits);
    assert_eq!(a.verdict, Some(Verdict::Growth));
    let last = a.last_changes();
    assert_eq!(last.baseline.unwrap().verdict, Verdict::Stable);
    assert_eq!(last.previous.unwrap().verdict, Verdict::Stable);
    let smallest = last.smallest.unwrap();
    assert_eq!(
        (smallest.from, smallest.verdict),
        (visits[1].date, Verdict::Growth)
    );
    assert_eq!(a.changes.len(), 6, "four steps, the first, the smallest");
    assert_eq!(a.changes[4].from, visits[0].date);
    assert!(
        a.summary
            .contains("Since the smallest measured volume on 2016-01-10 (3.0 years): growth"),
        "{}",
        a.summary
    );
    // A pair stands only once.
    assert_eq!(assessed(&yearly(&[500.0, 600.0, 610.0])).changes.len(), 3);
    assert_eq!(assessed(&yearly(&[900.0, 500.0, 510.0])).changes.len(), 3);
}

#[test]
fn the_baseline_is_the_earliest_visit_comparable_with_the_last() {
    let mut visits = yearly(&[500.0, 600.0, 660.0, 750.0]);
    visits[0].finding.provenance.model = Some(model("0.1.0"));
    let a = assessed(&visits);
    assert_eq!(a.last_changes().baseline.unwrap().from, visits[1].date);
    assert_eq!(a.verdict, Some(Verdict::Growth));
    assert!(
        a.summary
            .contains("the first comparable visit on 2016-01-10")
    );
    assert!(
        a.warnings
            .iter()
            .any(|w| w.starts_with("2015-01-10: not comparable with the last visit")),
        "{:?}",
        a.warnings
    );
    // Smaller, but of another model: not the smallest.
    assert_eq!(a.last_changes().smallest, None);
    // Nothing comparable: the first visit, and the refusal.
    visits[3].finding.provenance.model = Some(model("0.9.0"));
    let a = assessed(&visits);
    assert_eq!(a.last_changes().baseline.unwrap().from, visits[0].date);
    assert_eq!(a.verdict, Some(Verdict::NotComparable));
}

#[test]
fn shrinkage_by_the_diameter_alone_says_so() {
    let mut visits = growing();
    for (v, diameter) in visits.iter_mut().zip([14.0, 11.5]) {
        let t = v.finding.tumour.as_mut().unwrap();
        (t.volume_mm3, t.max_axial_diameter_mm) = (600.0, diameter);
    }
    let a = assessed(&visits);
    assert_eq!(a.verdict, Some(Verdict::Shrinkage));
    assert_eq!(
        a.headline,
        "Shrinkage by diameter; volume change within its limits"
    );
    visits[1].finding.tumour.as_mut().unwrap().volume_mm3 = 400.0;
    assert_eq!(
        assessed(&visits).headline,
        "Shrinkage beyond measurement error"
    );
}

#[test]
fn a_trend_does_not_join_visits_before_and_after_treatment() {
    let visits = yearly(&[500.0, 600.0, 700.0, 650.0, 600.0, 550.0]);
    let a = assess(&visits, &[], Some(day("2017-06-01"))).unwrap();
    let trend = a.trend.unwrap();
    assert!(trend.visits == 3 && trend.rate.per_year < 0.0);
    assert_eq!(assessed(&visits).trend.unwrap().visits, 6);
}

#[test]
fn outlines_of_unknown_making_are_warned_of_between_all_compared_visits() {
    let mut visits = yearly(&[600.0, 610.0, 620.0]);
    for v in &mut visits {
        v.finding.provenance.model = None;
    }
    let warnings = assessed(&visits).warnings;
    for pair in ["2015-01-10 to 2016-01-10", "2015-01-10 to 2017-01-10"] {
        assert!(
            warnings
                .iter()
                .any(|w| w.starts_with(pair) && w.contains("made the same way")),
            "{warnings:?}"
        );
    }
}

#[test]
fn growth_late_in_the_window_after_radiosurgery_is_told_in_one_sentence() {
    let visits = [
        visit("2020-02-01", 600.0),
        visit("2021-06-10", 800.0),
        visit("2023-04-01", 1100.0),
    ];
    let a = assess(&visits, &[], Some(day("2020-01-01"))).unwrap();
    for change in a.last_changes().iter() {
        let told: Vec<&String> = (change.reasons.iter())
            .filter(|r| r.contains("radiosurgery"))
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("may still be treatment-related")
                && told[0].contains("speaks for progression")
        );
    }
}

#[test]
fn a_trend_that_no_pair_shows_is_told() {
    // Fifteen per cent in twenty years: within the error of any two visits, not of all together.
    let visits: Vec<Visit> = (0..21)
        .map(|n| visit(&format!("{}-01-10", 2001 + n), 500.0 * 1.007_f64.powi(n)))
        .collect();
    let a = assessed(&visits);
    let trend = a.trend.unwrap();
    assert_eq!((a.verdict, trend.visits), (Some(Verdict::Stable), 21));
    assert!(
        trend.rate.ci95[0] > 0.0 && a.summary.contains("trend is upward"),
        "{}",
        a.summary
    );
    assert!(a.warnings[0].contains("slow growth is possible"));
    // The same tumour without growth has no such sentence.
    let still: Vec<Visit> = (0..21)
        .map(|n| visit(&format!("{}-01-10", 2001 + n), 500.0))
        .collect();
    assert!(!assessed(&still).summary.contains("upward"));
}

#[test]
fn a_trend_leaves_out_visits_of_another_model() {
    let mut visits: Vec<Visit> = (0..4)
        .map(|n| visit(&format!("{}-01-10", 2015 + n), 500.0 + 50.0 * n as f64))
        .collect();
    visits[1].finding.provenance.model = Some(model("0.1.0"));
    assert_eq!(assessed(&visits).trend.unwrap().visits, 3);
}

#[test]
fn two_enlargements_in_a_row_late_after_radiosurgery_speak_for_progression() {
    let visits = [
        visit("2020-02-01", 600.0),
        visit("2022-01-10", 800.0),
        visit("2024-01-10", 1100.0),
    ];
    let a = assess(&visits, &[], Some(day("2020-01-01"))).unwrap();
    let speaks = |n: usize| {
        a.changes[n]
            .reasons
            .iter()
            .any(|r| r.contains("speaks for progression"))
    };
    assert!(!speaks(0) && speaks(1));
}

#[test]
fn enlargement_after_radiosurgery_is_marked_and_still_growth() {
    let treated = Some(day("2022-10-01"));
    let a = assess(&growing(), &[], treated).unwrap();
    assert_eq!(a.changes[0].verdict, Verdict::Growth);
    assert!(a.headline.contains("possibly treatment-related"));
    assert!(
        a.changes[0]
            .reasons
            .iter()
            .any(|r| r.contains("15 months after radiosurgery")
                && r.contains("not progression by itself"))
    );

    let late = assess(&growing(), &[], Some(day("2019-01-10"))).unwrap();
    assert!(
        late.changes[0]
            .reasons
            .iter()
            .any(|r| r.contains("later than"))
    );
    assert!(!late.headline.contains("treatment"));

    let between = assess(&growing(), &[], Some(day("2023-12-01"))).unwrap();
    assert!(
        between.changes[0]
            .reasons
            .iter()
            .any(|r| r.contains("lies between the visits"))
    );
    assert!(
        between.changes[0]
            .reasons
            .iter()
            .any(|r| r.contains("too early"))
    );

    let untouched = assess(&growing(), &[], Some(day("2024-06-01"))).unwrap();
    assert_eq!(untouched.changes, assessed(&growing()).changes);
}
