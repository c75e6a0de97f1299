//! Crosshairs, windows, dates and the synthetic patient.
use super::*;
use crate::{render::point_of_interest, volume::WindowLevel};

fn at(state: &AppState, visit: VisitId) -> DVec3 {
    state.visit(visit).unwrap().crosshair
}

fn click(state: &mut AppState, visit: VisitId, point_in_world: DVec3) {
    view(
        state,
        ViewCommand::Crosshair {
            visit,
            point_in_world,
        },
    );
}

fn tumour(state: &AppState, visit: VisitId) -> DVec3 {
    let outlines = state.visit(visit).unwrap().outlines.as_ref().unwrap();
    point_of_interest(&outlines.labels)
}

fn align(state: &mut AppState, ids: &[VisitId]) {
    let result = Ok(registration());
    ended(
        state,
        Outcome::Aligned {
            fixed: ids[0],
            moving: ids[1],
            result,
        },
    );
}

#[test]
fn outlines_take_the_crosshair_to_the_tumour_unless_the_user_has_moved_it() {
    let (mut state, ids) = visits(&[None, None]);
    let chosen = DVec3::new(3.0, 1.0, -2.0);
    click(&mut state, ids[1], chosen);
    for id in &ids {
        let outlines = outlines(&state, *id, 0);
        ended(&mut state, outlines);
    }
    assert_eq!(at(&state, ids[0]), tumour(&state, ids[0]));
    assert_eq!(at(&state, ids[1]), chosen);
    // A second outline does not pull it back.
    let scrolled = ViewCommand::Scroll {
        visit: ids[0],
        plane: Plane::Axial,
        slices: 2,
    };
    view(&mut state, scrolled);
    let (before, again) = (at(&state, ids[0]), outlines(&state, ids[0], 1));
    ended(&mut state, again);
    assert_eq!(state.visit(ids[0]).unwrap().revision, 2);
    assert_eq!(at(&state, ids[0]), before);
}

#[test]
fn nothing_jumps_when_the_second_of_two_aligned_visits_is_outlined() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    align(&mut state, &ids);
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let marks = [at(&state, ids[0]), at(&state, ids[1])];
    assert_eq!(marks[0], tumour(&state, ids[0]));
    let linked = registration().world_moving_from_world_fixed;
    assert!(marks[1].distance(linked.transform_point3(marks[0])) < 1e-9);
    let second = outlines(&state, ids[1], 0);
    ended(&mut state, second);
    assert_eq!([at(&state, ids[0]), at(&state, ids[1])], marks);
}

#[test]
fn an_alignment_leaves_the_chosen_point_where_it_is() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let outlines = outlines(&state, ids[1], 0);
    ended(&mut state, outlines);
    let seen = at(&state, ids[1]);
    align(&mut state, &ids);
    assert_eq!(at(&state, ids[1]), seen);
    let back = registration().world_moving_from_world_fixed.inverse();
    assert!(at(&state, ids[0]).distance(back.transform_point3(seen)) < 1e-9);
}

#[test]
fn scans_that_match_badly_are_not_linked() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let result = Ok(Registration {
        similarity_after: 0.3,
        ..registration()
    });
    ended(
        &mut state,
        Outcome::Aligned {
            fixed: ids[0],
            moving: ids[1],
            result,
        },
    );
    let visit = state.visit(ids[1]).unwrap();
    assert!(!state.linked(visit));
    assert!(
        matches!(&visit.alignment, Alignment::Failed { reason, .. } if reason.contains("0.30"))
    );
}

#[test]
fn a_click_can_be_taken_back_in_all_linked_visits() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    align(&mut state, &ids);
    let before = [at(&state, ids[0]), at(&state, ids[1])];
    click(&mut state, ids[1], DVec3::new(2.0, 3.0, 4.0));
    assert_ne!(at(&state, ids[0]), before[0]);
    view(&mut state, ViewCommand::TakeBackCrosshair);
    assert_eq!([at(&state, ids[0]), at(&state, ids[1])], before);
    assert!(state.visits.iter().all(|v| !v.placed));
    // Only once.
    click(&mut state, ids[0], DVec3::ONE);
    view(&mut state, ViewCommand::TakeBackCrosshair);
    click(&mut state, ids[0], DVec3::X);
    let kept = at(&state, ids[0]);
    state.view.before_click.clear();
    view(&mut state, ViewCommand::TakeBackCrosshair);
    assert_eq!(at(&state, ids[0]), kept);
}

#[test]
fn presets_are_percentiles_of_each_scan() {
    let (mut state, ids) = visits(&[None]);
    let range = |state: &AppState| {
        let w = state.window(state.active_visit().unwrap());
        [w.centre - w.width / 2.0, w.centre + w.width / 2.0]
    };
    let is = |found: [f64; 2], low: f64, high: f64| {
        (found[0] - low).abs() < 1e-9 && (found[1] - high).abs() < 1e-9
    };
    // The scan's values are 0 to 499 in equal number, but for the last 180 voxels of 7680.
    for (preset, low, high) in [
        (Preset::WholeRange, 0.0, 499.0),
        (Preset::SoftTissue, 10.0, 450.0),
        (Preset::Fluid, 250.0, 499.0),
        (Preset::HighContrast, 125.0, 375.0),
        (Preset::Automatic, 2.5, 497.5),
    ] {
        view(&mut state, ViewCommand::Preset(preset));
        let [a, b] = range(&state);
        let tolerance = if preset == Preset::WholeRange {
            1e-9
        } else {
            8.0
        };
        assert!(
            (a - low).abs() <= tolerance && (b - high).abs() <= tolerance,
            "{preset:?}: {a} to {b}"
        );
    }
    let window = WindowLevel::from_range(100.0, 140.0);
    let visit = ids[0];
    view(&mut state, ViewCommand::Preset(Preset::Fluid));
    view(&mut state, ViewCommand::SetWindow { visit, window });
    assert!(is(range(&state), 100.0, 140.0));
    // A preset takes back what was done by hand.
    view(&mut state, ViewCommand::Preset(Preset::WholeRange));
    assert!(is(range(&state), 0.0, 499.0));
}

#[test]
fn a_date_from_a_file_name_is_a_caution_until_it_is_confirmed() {
    let (mut state, ids) = visits(&[None, Some("2025-01-01")]);
    let Outcome::Scan(mut guessed) = scan(Some("2023-01-01")) else {
        panic!("a scan")
    };
    guessed.date_from_name = true;
    ended(&mut state, Outcome::Scan(guessed));
    let id = state.active.unwrap();
    for id in [id, ids[1]] {
        let outlines = outlines(&state, id, 0);
        ended(&mut state, outlines);
    }
    let cautions = |state: &mut AppState| {
        let task = next_task(state).unwrap();
        let answer = task.run(&mut unobserved);
        ended(state, answer);
        let assessment = state.assessment.as_ref().unwrap().as_ref().unwrap();
        assessment.warnings.join("\n")
    };
    assert!(cautions(&mut state).contains("file name"));
    let confirmed = VisitCommand::SetDate(id, "2023-01-01".parse().unwrap());
    apply(&mut state, Command::Visit(confirmed));
    assert!(!state.visit(id).unwrap().date_from_name);
    assert!(!cautions(&mut state).contains("file name"));
}

#[test]
fn visits_of_different_sequences_are_not_compared() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    for id in &ids {
        let outlines = outlines(&state, *id, 0);
        ended(&mut state, outlines);
    }
    let set = VisitCommand::SetSequence(ids[1], Sequence::CeT1);
    apply(&mut state, Command::Visit(set));
    // It is measured as what it now shows before it is compared.
    work(&mut state);
    let assessment = state.assessment.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(
        assessment.changes[0].verdict,
        measure::Verdict::NotComparable
    );
}

#[test]
fn visits_of_two_contrasts_are_not_compared_until_it_is_known_what_they_show() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    for id in &ids {
        let outlines = outlines(&state, *id, 0);
        ended(&mut state, outlines);
    }
    let unknown = VisitCommand::SetSequence(ids[1], Sequence::Unknown);
    apply(&mut state, Command::Visit(unknown));
    let result = Ok(Registration {
        one_contrast: false,
        ..registration()
    });
    let (fixed, moving) = (ids[0], ids[1]);
    let aligned = Outcome::Aligned {
        fixed,
        moving,
        result,
    };
    ended(&mut state, aligned);
    let reasons = |state: &mut AppState| {
        work(state);
        let assessment = state.assessment.as_ref().unwrap().as_ref().unwrap();
        assessment.changes[0].reasons.join("; ")
    };
    let words = "the scans show different contrasts";
    assert!(reasons(&mut state).contains(words));
    // A reader who knows better says so.
    for id in ids {
        let set = VisitCommand::SetSequence(id, Sequence::HrT2);
        apply(&mut state, Command::Visit(set));
    }
    assert!(!reasons(&mut state).contains(words));
}

#[test]
fn the_synthetic_patient_is_never_mixed_with_scans() {
    let demo = || {
        let Outcome::Scan(mut scan) = scan(Some("2024-01-01")) else {
            panic!("a scan")
        };
        scan.demo = true;
        Outcome::Scan(scan)
    };
    let mut state = AppState::default();
    apply(&mut state, Command::Work(WorkCommand::Demo));
    ended(&mut state, demo());
    assert!(state.visits[0].demo && state.work.queue.len() > 1);
    ended(&mut state, scan(None));
    assert_eq!(state.visits.len(), 1);
    assert!(!state.visits[0].demo && state.active == Some(state.visits[0].id));
    assert!(state.work.queue.is_empty(), "{:?}", state.work.queue);
    assert!(state.messages[0].text.contains("demo patient"));
    // The scan of the demo that was being made comes late.
    ended(&mut state, demo());
    assert_eq!(state.visits.len(), 1);
}

#[test]
fn blinking_shows_the_visit_before_in_the_same_planes_once_the_two_are_aligned() {
    let (mut state, ids) = visits(&[Some("2020-01-01"), Some("2021-01-01")]);
    let shown = |state: &AppState| state.shown().iter().map(|v| v.id).collect::<Vec<_>>();
    assert_eq!(shown(&state), [ids[1]]);
    view(&mut state, ViewCommand::Blink(true));
    assert_eq!(
        shown(&state),
        [ids[1]],
        "not aligned: nothing else is shown as if it were"
    );
    view(&mut state, ViewCommand::Blink(false));
    align(&mut state, &ids);
    click(&mut state, ids[1], DVec3::new(3.0, 4.0, 2.0));
    let own = state.visit(ids[1]).unwrap();
    let frame = state.slice_view(own, Plane::Axial, [100.0; 2]).frame;
    view(&mut state, ViewCommand::Blink(true));
    assert_eq!(shown(&state), [ids[0]]);
    let prior = state.visit(ids[0]).unwrap();
    let there = state.slice_view(prior, Plane::Axial, [100.0; 2]).frame;
    let way = registration().world_moving_from_world_fixed;
    let back = way.transform_point3(there.centre);
    assert!((back - frame.centre).length() < 1e-9, "{back}");
    assert!((way.transform_vector3(there.right) - frame.right).length() < 1e-9);
    view(&mut state, ViewCommand::Blink(false));
    assert_eq!(shown(&state), [ids[1]]);
}

#[test]
fn all_visits_are_segmented_anew_but_those_that_were_accepted() {
    let (mut state, ids) = visits(&[Some("2020-01-01"), Some("2021-01-01")]);
    let outlined = outlines(&state, ids[0], 0);
    ended(&mut state, outlined);
    let outlines = state.visits[0].outlines.as_mut().unwrap();
    outlines.measured.finding.provenance.state = patient::ReviewState::Accepted;
    state.work.queue.clear();
    apply(&mut state, Command::Work(WorkCommand::SegmentAll));
    let waiting = state.work.queue.iter().filter_map(|task| match task {
        Task::Segment(target, _) => Some(target.visit),
        _ => None,
    });
    assert_eq!(waiting.collect::<Vec<_>>(), [ids[1]]);
}
