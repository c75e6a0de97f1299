//! The Koos rule on heads drawn from a few bodies.
use glam::DVec3;
use schwann::{
    measure::{HeadAxes, KoosGrade, koos, porus_plane},
    volume::{Grid, LabelMap, LabelTable, Side, Structure},
};

/// A head in RAS with its cochleae 69.6 mm apart and a brainstem whose left side ends at x = −12; `sign` is −1 for a tumour on the left.
struct Head {
    sign: f64,
    /// Centre (lateral, anterior) and radius of the tumour's ball, and how far it fills the canal from the porus (24 mm lateral).
    ball: Option<(f64, f64, f64)>,
    canal: bool,
    /// How far the brainstem lies off the midline, away from the tumour.
    shift: f64,
}

fn labels(head: &Head) -> LabelMap {
    let grid = Grid::axis_aligned(
        [190, 110, 50],
        [0.5, 0.5, 1.0],
        DVec3::new(-47.0, -30.0, -25.0),
    )
    .unwrap();
    let table = LabelTable::default();
    let values = (0..grid.len())
        .map(|n| {
            let p = grid.point_in_world(grid.voxel(n));
            // Lateral towards the tumour's side; anterior; the cochleae lie 5.1 mm anterior of the porus and 2.7 mm below.
            let q = DVec3::new(p.x * head.sign, p.y, p.z);
            let brainstem = ((q.x + head.shift) / 12.0).powi(2) + ((q.y + 3.5) / 11.0).powi(2)
                <= 1.0
                && q.z.abs() < 20.0;
            let cochlea = [34.8, -34.8]
                .iter()
                .any(|x| q.distance(DVec3::new(*x, 5.1, -2.7)) <= 2.8);
            let in_canal =
                head.canal && q.x > 25.0 && q.x < 33.0 && (q.y.powi(2) + q.z.powi(2)).sqrt() < 2.5;
            let in_ball = head
                .ball
                .is_some_and(|(x, y, r)| q.distance(DVec3::new(x, y, 0.0)) <= r);
            let structure = if cochlea {
                Some(Structure::Cochlea)
            } else if brainstem {
                Some(Structure::Brainstem)
            } else if in_canal || in_ball {
                Some(Structure::VestibularSchwannoma)
            } else {
                None
            };
            structure.and_then(|s| table.value(s)).unwrap_or(0)
        })
        .collect();
    LabelMap::new(grid, values, table).unwrap()
}

#[test]
fn each_grade_is_recognised_on_either_side() {
    let canal = |ball, shift| (ball, shift);
    let cases = [
        (KoosGrade::I, canal(None, 0.0)),
        (KoosGrade::II, canal(Some((21.0, -1.0, 4.0)), 0.0)),
        (KoosGrade::III, canal(Some((18.0, -2.0, 7.5)), 0.0)),
        (KoosGrade::IV, canal(Some((14.0, -3.0, 13.0)), 5.0)),
    ];
    for sign in [-1.0, 1.0] {
        for (grade, (ball, shift)) in cases {
            let assessment = koos(&labels(&Head {
                sign,
                ball,
                canal: true,
                shift,
            }));
            assert_eq!(assessment.grade, Some(grade), "{:?}", assessment.evidence);
            let side = if sign < 0.0 { Side::Left } else { Side::Right };
            assert_eq!(assessment.evidence.side, Some(side));
            let sum: f64 = assessment.probabilities.iter().sum();
            assert!(
                (sum - 1.0).abs() < 1e-12 && assessment.probabilities.iter().all(|p| *p >= 0.0)
            );
        }
    }
}

#[test]
fn a_brainstem_that_is_displaced_beside_a_seam_is_no_sure_grade_two() {
    // The ball's medial side lies 1 mm from the brainstem, whose near side is at x = 12 − 5.
    let found = |lateral: f64, shift: f64| {
        koos(&labels(&Head {
            sign: 1.0,
            ball: Some((lateral, -3.5, 14.0)),
            canal: true,
            shift,
        }))
    };
    let beside = found(22.4, 5.0);
    let gap = beside.evidence.brainstem_gap_mm.unwrap();
    assert!(
        (0.7..2.5).contains(&gap) && beside.evidence.contact_area_mm2 == Some(0.0),
        "{gap}"
    );
    assert_eq!(
        beside.grade,
        Some(KoosGrade::IV),
        "{:?}",
        beside.probabilities
    );
    assert!(beside.borderline.is_some());
    assert!(
        beside
            .warnings
            .iter()
            .any(|w| w.contains("check both outlines"))
    );
    assert!(beside.hannover.is_none(), "{:?}", beside.hannover);
    // Without a shift the seam is one, and far from the brainstem a shift is not the tumour's.
    assert_eq!(found(27.2, 0.0).grade, Some(KoosGrade::II));
    assert_eq!(found(26.5, 5.0).grade, Some(KoosGrade::II));
}

#[test]
fn the_gap_is_measured_between_surfaces() {
    // The ball's medial side at x = 17, the brainstem's lateral side at x = 12.
    let assessment = koos(&labels(&Head {
        sign: -1.0,
        ball: Some((21.0, -3.5, 4.0)),
        canal: false,
        shift: 0.0,
    }));
    let gap = assessment.evidence.brainstem_gap_mm.unwrap();
    // Half a voxel at either end.
    assert!((gap - 5.0).abs() < 0.51, "{gap}");
    let [a, b] = assessment
        .evidence
        .nearest_points_ras_mm
        .unwrap()
        .map(DVec3::from_array);
    assert!(
        (a.distance(b) - gap).abs() < 1e-9 && a.x < b.x,
        "tumour on the left of the brainstem"
    );
    assert_eq!(assessment.evidence.contact_area_mm2, Some(0.0));
}

#[test]
fn shift_away_from_the_tumour_is_positive_on_both_sides() {
    for sign in [-1.0, 1.0] {
        let e = koos(&labels(&Head {
            sign,
            ball: Some((14.0, -3.0, 13.0)),
            canal: true,
            shift: 5.0,
        }))
        .evidence;
        let shift = e.brainstem_shift_mm.unwrap();
        // The ball also takes a bite out of the near side, which moves the rest's centroid farther.
        assert!(shift > 4.5 && shift < 8.0, "{shift}");
    }
}

#[test]
fn what_the_labels_lack_is_said_not_guessed() {
    let full = labels(&Head {
        sign: -1.0,
        ball: Some((18.0, -2.0, 7.5)),
        canal: true,
        shift: 0.0,
    });
    let without = |gone: Structure| {
        let value = full.table().value(gone).unwrap();
        let kept = full
            .labels()
            .iter()
            .map(|&l| if l == value { 0 } else { l })
            .collect();
        LabelMap::new(*full.grid(), kept, full.table().clone()).unwrap()
    };
    let no_brainstem = koos(&without(Structure::Brainstem));
    assert!(
        no_brainstem.tumour && no_brainstem.grade.is_none() && !no_brainstem.warnings.is_empty()
    );
    assert_eq!(no_brainstem.grade_text(), "withheld");
    let no_cochlea = koos(&without(Structure::Cochlea));
    assert!(no_cochlea.grade.is_none() && no_cochlea.evidence.extrameatal_volume_mm3.is_none());
    let no_tumour = koos(&without(Structure::VestibularSchwannoma));
    assert!(
        !no_tumour.tumour
            && no_tumour.grade_text() == "none"
            && no_tumour.probabilities == [0.0; 4]
    );
    let json = serde_json::to_value(&no_brainstem).unwrap();
    assert!(json["grade"].is_null());
    assert_eq!(serde_json::to_value(&no_tumour).unwrap()["grade"], "none");
}

#[test]
fn the_porus_lies_between_cochlea_and_brainstem_facing_back() {
    let axes = HeadAxes::of(&labels(&Head {
        sign: 1.0,
        ball: None,
        canal: true,
        shift: 0.0,
    }))
    .unwrap();
    for (side, sign) in [(Side::Left, -1.0), (Side::Right, 1.0)] {
        let plane = porus_plane(&axes, side).unwrap();
        let p = DVec3::from_array(plane.point_ras_mm);
        assert!(p.distance(DVec3::new(sign * 24.0, 0.0, 0.0)) < 0.3, "{p}");
        assert!(
            plane.beyond_mm(DVec3::new(sign * 10.0, 0.0, 0.0)) > 5.0,
            "the brainstem is beyond it"
        );
        assert!(
            plane.beyond_mm(DVec3::new(sign * 34.0, 0.0, 0.0)) < -5.0,
            "the fundus is inside"
        );
        assert!(
            plane.beyond_mm(DVec3::new(sign * 24.0, -10.0, 0.0)) > 5.0,
            "the cistern behind is beyond it"
        );
    }
}

/// The head with more drawn into it: `extra` says what lies where.
fn with(head: &Head, extra: impl Fn(DVec3) -> Option<Structure>) -> LabelMap {
    let map = labels(head);
    let grid = *map.grid();
    let values = (0..grid.len())
        .map(|n| {
            extra(grid.point_in_world(grid.voxel(n)))
                .and_then(|s| map.table().value(s))
                .unwrap_or(map.labels()[n])
        })
        .collect();
    LabelMap::new(grid, values, map.table().clone()).unwrap()
}

#[test]
fn tumours_on_both_sides_are_not_graded_as_one() {
    let head = Head {
        sign: -1.0,
        ball: None,
        canal: true,
        shift: 0.0,
    };
    let both = with(&head, |p| {
        (p.x > 25.0 && p.x < 33.0 && p.y.hypot(p.z) < 2.5)
            .then_some(Structure::VestibularSchwannoma)
    });
    let assessment = koos(&both);
    assert!(
        assessment.tumour && assessment.grade.is_none() && assessment.probabilities == [0.0; 4]
    );
    assert!(
        assessment.warnings.iter().any(|w| w.contains("both sides")),
        "{:?}",
        assessment.warnings
    );
}

#[test]
fn a_crumb_of_ventricle_does_not_make_a_grade_iv() {
    let head = Head {
        sign: -1.0,
        ball: Some((18.0, -2.0, 7.5)),
        canal: true,
        shift: 0.0,
    };
    let crumb = with(&head, |p| {
        (p.distance(DVec3::new(15.0, -17.0, -2.0)) < 1.2).then_some(Structure::FourthVentricle)
    });
    let assessment = koos(&crumb);
    assert_eq!(assessment.evidence.fourth_ventricle_shift_mm, None);
    assert_eq!(assessment.grade, Some(KoosGrade::III));
}

#[test]
fn a_cochlea_in_the_wrong_place_withholds_what_rests_on_it() {
    // The right cochlea is drawn 14 mm too far medial: the midline it gives lies 7 mm to the left of the brainstem's.
    let head = Head {
        sign: -1.0,
        ball: Some((18.0, -2.0, 7.5)),
        canal: true,
        shift: 0.0,
    };
    let wrong = with(&head, |p| {
        if p.distance(DVec3::new(34.8, 5.1, -2.7)) <= 3.0 {
            Some(Structure::InternalAuditoryCanal)
        } else {
            (p.distance(DVec3::new(23.7, 4.9, -0.5)) <= 2.8).then_some(Structure::Cochlea)
        }
    });
    let assessment = koos(&wrong);
    assert_eq!(assessment.evidence.brainstem_shift_mm, None);
    assert_eq!(assessment.grade, None);
    assert!(
        assessment
            .warnings
            .iter()
            .any(|w| w.contains("too far from the middle")),
        "{:?}",
        assessment.warnings
    );
}

#[test]
fn a_tumour_at_the_scans_edge_says_so() {
    let head = Head {
        sign: -1.0,
        ball: Some((18.0, -2.0, 7.5)),
        canal: true,
        shift: 0.0,
    };
    assert!(koos(&labels(&head)).warnings.is_empty());
    let cut = with(&head, |p| {
        (p.x.abs() < 20.0 && p.y < -25.0 && p.x < -10.0).then_some(Structure::VestibularSchwannoma)
    });
    assert!(koos(&cut).warnings.iter().any(|w| w.contains("edge")));
}
