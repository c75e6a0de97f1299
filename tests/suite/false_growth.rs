//! How often stable tumours are called grown over the years, with fixed seeds. The tables of `docs/growth.md` come from the same courses.
#[path = "../../examples/false_growth/courses.rs"]
mod courses;

use courses::{Study, follow};

#[test]
fn over_five_follow_ups_fewer_than_fifteen_per_cent_of_stable_patients_are_called_grown() {
    let rates = follow(&Study::stable(4_000, 11));
    let last = |called: [f64; 5]| called[4];
    assert!(last(rates.assessed) < 0.15, "{:?}", rates.assessed);
    // The rules it replaces do not reach that, on the same measurements.
    assert!(
        last(rates.pairs) > 0.2 && last(rates.flat) > 0.5,
        "{rates:?}"
    );
    // What each visit adds stays small, so that more visits do not bring it about.
    for n in 1..5 {
        let added = rates.assessed[n] - rates.assessed[n - 1];
        assert!((0.0..0.04).contains(&added), "{:?}", rates.assessed);
    }
    // For tumours of any one size, and on coarser slices, too.
    for (volume_mm3, slice_mm) in [
        (Some(50.0), 1.0),
        (Some(160.0), 1.0),
        (Some(500.0), 1.0),
        (Some(1000.0), 1.0),
        (Some(3000.0), 1.0),
        (None, 1.5),
        (None, 3.0),
    ] {
        let study = Study {
            slice_mm,
            volume_mm3,
            ..Study::stable(2_000, 12)
        };
        let called = follow(&study).assessed;
        assert!(last(called) < 0.15, "{study:?}: {called:?}");
    }
}

#[test]
fn real_growth_is_found_all_the_same() {
    let found = |percent: f64| {
        let study = Study {
            rate: f64::ln(1.0 + percent / 100.0),
            ..Study::stable(1_500, 13)
        };
        follow(&study).assessed
    };
    let (slow, fast) = (found(20.0), found(40.0));
    assert!(slow[4] > 0.85, "{slow:?}");
    assert!(fast[2] > 0.8 && fast[4] > 0.98, "{fast:?}");
}
