//! Commands on the state, without a window.

mod by_hand;
mod edits;
mod files;
mod folder;
mod keys;
mod marks;
mod models;
mod replaced;
mod school;
mod told;

use super::{
    Alignment, AppState, Command, NewOutlines, NewScan, Outcome, Preset, Task, ViewCommand,
    VisitCommand, VisitId, WorkCommand, apply, next_task, task::EarlyOutlines,
};
use crate::{
    measure::{self, Plane},
    patient::{self, Outline, ScanOrigin},
    volume::{
        Grid, LabelMap, LabelTable, RegisterError, Registration, Sequence, Volume, Voxels,
        unobserved,
    },
};
use glam::{DAffine3, DQuat, DVec3};

fn scan(date: Option<&str>) -> Outcome {
    let grid = Grid::axis_aligned(
        [20, 24, 16],
        [1.0, 1.0, 2.0],
        DVec3::new(-10.0, -12.0, -16.0),
    )
    .unwrap();
    let voxels = (0..grid.len()).map(|n| (n % 500) as i16).collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
    Outcome::Scan(Box::new(NewScan {
        origin: "scan.nii".to_owned(),
        date: date.map(|d| d.parse().unwrap()),
        date_from_name: false,
        windows: Preset::windows(&volume),
        volume,
        sequence: Sequence::HrT2,
        acquisition: None,
        ghosting: None,
        scan_sha256: "0".repeat(64),
        warnings: Vec::new(),
        left: None,
        recent: None,
        source: None,
        series: None,
        demo: false,
    }))
}

fn ended(state: &mut AppState, outcome: Outcome) {
    apply(state, Command::Work(WorkCommand::Ended(Some(outcome))));
}

fn view(state: &mut AppState, command: ViewCommand) {
    apply(state, Command::View(command));
}

/// A state with visits that have the dates given.
fn visits(dates: &[Option<&str>]) -> (AppState, Vec<VisitId>) {
    let mut state = AppState::default();
    let mut ids = Vec::new();
    for date in dates {
        ended(&mut state, scan(*date));
        ids.push(state.active.unwrap());
    }
    (state, ids)
}

/// Does what waits, one after the other.
fn work(state: &mut AppState) {
    while let Some(task) = next_task(state) {
        let outcome = task.run(&mut unobserved);
        ended(state, outcome);
    }
}

fn registration() -> Registration {
    Registration {
        world_moving_from_world_fixed: DAffine3::from_rotation_translation(
            DQuat::from_rotation_z(0.1),
            DVec3::new(1.0, -2.0, 0.5),
        ),
        similarity_before: 0.5,
        similarity_after: 0.9,
        one_contrast: true,
    }
}

fn outlines(state: &AppState, visit: VisitId, revision: u64) -> Outcome {
    let volume = &state.visit(visit).unwrap().volume;
    let grid = *volume.grid();
    let inside =
        |v: [usize; 3]| (5..9).contains(&v[0]) && (5..9).contains(&v[1]) && (4..8).contains(&v[2]);
    let values = (0..grid.len())
        .map(|n| u8::from(inside(grid.voxel(n))))
        .collect();
    let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
    let origin = ScanOrigin {
        date: "2000-01-01".parse().unwrap(),
        sequence: state.visit(visit).unwrap().sequence,
        scan_sha256: format!("{:064x}", visit.0),
        warnings: Vec::new(),
    };
    Outcome::Outlined(Box::new(NewOutlines {
        visit,
        revision,
        parts: super::parts::structure_parts(&labels),
        sizes: measure::structure_sizes(&labels),
        measured: patient::Visit::measured(&labels, origin, Outline::Imported),
        labels,
        seconds: None,
        tumour_interval95_mm3: None,
        probabilities: None,
        making: crate::io::Making::NotStated,
        edge: None,
        tumour: None,
        from_folder: false,
    }))
}

#[test]
fn first_outlines_are_shown_until_the_work_ends_and_never_over_finished_ones() {
    let (mut state, ids) = visits(&[None]);
    let early = |state: &AppState, revision| {
        let Outcome::Outlined(new) = outlines(state, ids[0], revision) else {
            unreachable!()
        };
        Command::Work(WorkCommand::Early(EarlyOutlines {
            visit: ids[0],
            revision,
            parts: new.parts,
        }))
    };
    let shown = |state: &AppState| state.visit(ids[0]).unwrap().early.len();
    let command = early(&state, 0);
    apply(&mut state, command);
    assert_eq!(shown(&state), 1);
    assert!(state.visit(ids[0]).unwrap().outlines.is_none());
    apply(
        &mut state,
        Command::Work(WorkCommand::Ended(Some(Outcome::Cancelled))),
    );
    assert_eq!(shown(&state), 0, "stopped");
    let command = early(&state, 0);
    apply(&mut state, command);
    let finished = outlines(&state, ids[0], 0);
    apply(
        &mut state,
        Command::Work(WorkCommand::Ended(Some(finished))),
    );
    assert_eq!(shown(&state), 0, "finished");
    let revision = state.visit(ids[0]).unwrap().revision;
    for revision in [0, revision] {
        let command = early(&state, revision);
        apply(&mut state, command);
        assert_eq!(shown(&state), 0, "over finished outlines");
    }
}

#[test]
fn scrolling_moves_one_slice_and_only_along_its_axis() {
    let (mut state, ids) = visits(&[None]);
    let before = state.active_visit().unwrap().crosshair;
    for (plane, axis, step) in [
        (Plane::Axial, 2, 2.0),
        (Plane::Coronal, 1, 1.0),
        (Plane::Sagittal, 0, 1.0),
    ] {
        let slice = |state: &AppState| {
            let visit = state.active_visit().unwrap();
            visit.planes[plane as usize].slice_at(visit.volume.grid(), visit.crosshair)
        };
        let first = slice(&state);
        view(
            &mut state,
            ViewCommand::Scroll {
                visit: ids[0],
                plane,
                slices: 1,
            },
        );
        assert_eq!(slice(&state), first + 1, "{plane:?}");
        let after = state.active_visit().unwrap().crosshair;
        assert!((after[axis] - before[axis] - step).abs() < 1e-9);
        assert!((0..3).all(|a| a == axis || (after[a] - before[a]).abs() < 1e-9));
        view(
            &mut state,
            ViewCommand::Scroll {
                visit: ids[0],
                plane,
                slices: i64::MAX,
            },
        );
        let visit = state.active_visit().unwrap();
        assert_eq!(slice(&state), visit.planes[plane as usize].slices - 1);
        view(
            &mut state,
            ViewCommand::Crosshair {
                visit: ids[0],
                point_in_world: before,
            },
        );
    }
}

#[test]
fn crosshairs_are_linked_through_the_alignment_and_not_without_it() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let second = state.visit(ids[1]).unwrap().crosshair;
    let point = DVec3::new(2.0, -3.0, 4.0);
    view(
        &mut state,
        ViewCommand::Crosshair {
            visit: ids[0],
            point_in_world: point,
        },
    );
    assert_eq!(state.visit(ids[0]).unwrap().crosshair, point);
    assert_eq!(
        state.visit(ids[1]).unwrap().crosshair,
        second,
        "not aligned: not linked"
    );
    let result = Ok(registration());
    ended(
        &mut state,
        Outcome::Aligned {
            fixed: ids[0],
            moving: ids[1],
            result,
        },
    );
    let expected = registration()
        .world_moving_from_world_fixed
        .transform_point3(point);
    assert!(state.visit(ids[1]).unwrap().crosshair.distance(expected) < 1e-9);
    // And back, from the other visit.
    let point = DVec3::new(-1.0, 5.0, 0.0);
    view(
        &mut state,
        ViewCommand::Crosshair {
            visit: ids[1],
            point_in_world: point,
        },
    );
    let expected = registration()
        .world_moving_from_world_fixed
        .inverse()
        .transform_point3(point);
    assert!(state.visit(ids[0]).unwrap().crosshair.distance(expected) < 1e-9);
}

#[test]
fn in_a_comparison_an_aligned_visit_is_cut_along_the_same_plane_of_the_head() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let size = [200.0, 100.0];
    let same_head = |state: &AppState| {
        let (a, b) = (state.visit(ids[0]).unwrap(), state.visit(ids[1]).unwrap());
        let t = registration().world_moving_from_world_fixed;
        Plane::ALL.into_iter().all(|plane| {
            let (a, b) = (
                state.slice_view(a, plane, size),
                state.slice_view(b, plane, size),
            );
            [[0.0, 0.0], [200.0, 0.0], [40.0, 90.0]]
                .into_iter()
                .all(|px| {
                    t.transform_point3(a.world_from_px(px))
                        .distance(b.world_from_px(px))
                        < 1e-9
                })
        })
    };
    view(&mut state, ViewCommand::Compare(true));
    assert!(!same_head(&state));
    let result = Ok(registration());
    ended(
        &mut state,
        Outcome::Aligned {
            fixed: ids[0],
            moving: ids[1],
            result,
        },
    );
    assert!(same_head(&state));
    let zoom = ViewCommand::Zoom {
        visit: ids[1],
        plane: Plane::Axial,
        factor: 2.0,
        about_mm: [3.0, -1.0],
    };
    view(&mut state, zoom);
    view(
        &mut state,
        ViewCommand::Scroll {
            visit: ids[1],
            plane: Plane::Coronal,
            slices: -3,
        },
    );
    assert!(same_head(&state));
    // Alone, a visit is cut along its own slices.
    view(&mut state, ViewCommand::Compare(false));
    assert!(!same_head(&state));
}

#[test]
fn a_failed_alignment_is_told_and_links_nothing() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let result = Err(RegisterError::NoOverlap);
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
        matches!(&visit.alignment, Alignment::Failed { reason, .. } if reason.contains("overlap"))
    );
}

#[test]
fn an_alignment_to_a_visit_that_is_no_longer_the_first_links_nothing() {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    let result = Ok(registration());
    ended(
        &mut state,
        Outcome::Aligned {
            fixed: ids[0],
            moving: ids[1],
            result,
        },
    );
    assert!(state.linked(state.visit(ids[1]).unwrap()));
    ended(&mut state, scan(Some("2023-01-01")));
    assert!(!state.linked(state.visit(ids[1]).unwrap()));
    assert!(!state.linked(state.visit(ids[0]).unwrap()));
}

#[test]
fn zoom_keeps_the_point_under_the_pointer() {
    let (mut state, ids) = visits(&[None]);
    let size = [300.0, 200.0];
    let px = [210.0, 30.0];
    let seen =
        |state: &AppState| state.slice_view(state.active_visit().unwrap(), Plane::Sagittal, size);
    let before = seen(&state);
    for factor in [2.0, 1.7, 0.4] {
        let about_mm = seen(&state).mm_from_px(px);
        view(
            &mut state,
            ViewCommand::Zoom {
                visit: ids[0],
                plane: Plane::Sagittal,
                factor,
                about_mm,
            },
        );
        assert!(
            seen(&state)
                .world_from_px(px)
                .distance(before.world_from_px(px))
                < 1e-9
        );
    }
    let pan = ViewCommand::Pan {
        visit: ids[0],
        plane: Plane::Sagittal,
        by_mm: [4.0, -2.0],
    };
    let (from, under) = (seen(&state), seen(&state).world_from_px(px));
    view(&mut state, pan);
    let moved = seen(&state).px_from_world(under);
    assert!(
        (moved[0] - px[0] - 4.0 / from.mm_per_px).abs() < 1e-9
            && (moved[1] - px[1] + 2.0 / from.mm_per_px).abs() < 1e-9
    );
}

#[test]
fn window_drags_widen_to_the_right_and_brighten_upwards() {
    let (mut state, _) = visits(&[None]);
    let window = |state: &AppState| state.window(state.active_visit().unwrap());
    let start = window(&state);
    view(
        &mut state,
        ViewCommand::Window {
            wider: 1.0,
            brighter: 0.0,
        },
    );
    assert!((window(&state).width - 2.0 * start.width).abs() < 1e-9);
    view(
        &mut state,
        ViewCommand::Window {
            wider: 0.0,
            brighter: 0.1,
        },
    );
    assert!(window(&state).grey(100.0) > start.grey(100.0) || window(&state).centre < start.centre);
    view(
        &mut state,
        ViewCommand::Window {
            wider: f64::from(f32::MIN),
            brighter: 0.0,
        },
    );
    assert!(window(&state).width > 0.0);
    view(&mut state, ViewCommand::Preset(Preset::Automatic));
    assert_eq!(window(&state), start);
}

#[test]
fn results_of_an_older_revision_are_dropped() {
    let (mut state, ids) = visits(&[None]);
    let (first, late) = (outlines(&state, ids[0], 0), outlines(&state, ids[0], 0));
    ended(&mut state, first);
    assert_eq!(state.visit(ids[0]).unwrap().revision, 1);
    let kept = std::sync::Arc::clone(
        &state
            .visit(ids[0])
            .unwrap()
            .outlines
            .as_ref()
            .unwrap()
            .labels,
    );
    ended(&mut state, late);
    let visit = state.visit(ids[0]).unwrap();
    assert_eq!(visit.revision, 1);
    assert!(std::sync::Arc::ptr_eq(
        &kept,
        &visit.outlines.as_ref().unwrap().labels
    ));
}

#[test]
fn growth_is_assessed_anew_when_a_date_comes_and_an_old_answer_is_dropped() {
    let (mut state, ids) = visits(&[None, None]);
    for id in &ids {
        let outlines = outlines(&state, *id, 0);
        ended(&mut state, outlines);
    }
    assert!(
        next_task(&mut state).is_none(),
        "without dates there is nothing to compare"
    );
    for (id, date) in ids.iter().zip(["2024-05-01", "2025-05-01"]) {
        apply(
            &mut state,
            Command::Visit(VisitCommand::SetDate(*id, date.parse().unwrap())),
        );
    }
    let Some(task @ Task::Assess(_)) = next_task(&mut state) else {
        panic!("{:?}", state.work)
    };
    let answer = task.clone().run(&mut unobserved);
    ended(&mut state, answer);
    let assessment = state.assessment.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(assessment.changes.len(), 1);
    // The date changes while the same question is being answered.
    let late = task.run(&mut unobserved);
    apply(
        &mut state,
        Command::Visit(VisitCommand::SetDate(ids[1], "2026-05-01".parse().unwrap())),
    );
    assert!(state.assessment.is_none());
    ended(&mut state, late);
    assert!(state.assessment.is_none());
}

#[test]
fn visits_stand_in_the_order_of_their_dates() {
    let (mut state, ids) = visits(&[None, Some("2025-01-01"), Some("2024-01-01")]);
    let order = |state: &AppState| state.visits.iter().map(|v| v.id).collect::<Vec<_>>();
    assert_eq!(order(&state), [ids[2], ids[1], ids[0]]);
    apply(
        &mut state,
        Command::Visit(VisitCommand::SetDate(ids[0], "2020-01-01".parse().unwrap())),
    );
    assert_eq!(order(&state), [ids[0], ids[2], ids[1]]);
    apply(&mut state, Command::Visit(VisitCommand::Select(ids[0])));
    apply(&mut state, Command::Visit(VisitCommand::Move(1)));
    assert_eq!(state.active, Some(ids[2]));
    apply(&mut state, Command::Visit(VisitCommand::Move(99)));
    assert_eq!(state.active, Some(ids[1]));
    apply(&mut state, Command::Visit(VisitCommand::Remove(ids[1])));
    assert_eq!(state.active, Some(ids[0]));
}

#[test]
fn cancel_stops_what_runs_and_forgets_what_waits() {
    let (mut state, ids) = visits(&[None]);
    apply(&mut state, Command::Work(WorkCommand::Segment(ids[0])));
    apply(&mut state, Command::Work(WorkCommand::Segment(ids[0])));
    assert!(next_task(&mut state).is_some());
    assert!(next_task(&mut state).is_none(), "one at a time");
    apply(&mut state, Command::Work(WorkCommand::Cancel));
    assert!(state.work.running.as_ref().unwrap().cancelling);
    assert!(state.work.queue.is_empty());
    ended(&mut state, Outcome::Cancelled);
    assert!(state.work.running.is_none());
}

#[test]
fn a_crash_is_told_and_nothing_is_lost() {
    let (mut state, ids) = visits(&[None]);
    apply(&mut state, Command::Work(WorkCommand::Segment(ids[0])));
    next_task(&mut state).unwrap();
    apply(&mut state, Command::Work(WorkCommand::Ended(None)));
    assert!(state.messages[0].error && state.messages[0].text.contains("crashed"));
    assert_eq!(state.visits.len(), 1);
    apply(&mut state, Command::Work(WorkCommand::Dismiss(0)));
    apply(&mut state, Command::Work(WorkCommand::Dismiss(7)));
    assert!(state.messages.is_empty());
}

#[test]
fn commands_on_a_visit_that_is_gone_do_nothing() {
    let mut state = AppState::default();
    let visit = VisitId(42);
    view(
        &mut state,
        ViewCommand::Scroll {
            visit,
            plane: Plane::Axial,
            slices: 1,
        },
    );
    view(
        &mut state,
        ViewCommand::Crosshair {
            visit,
            point_in_world: DVec3::ZERO,
        },
    );
    view(
        &mut state,
        ViewCommand::Pan {
            visit,
            plane: Plane::Axial,
            by_mm: [1.0; 2],
        },
    );
    view(&mut state, ViewCommand::Compare(true));
    apply(&mut state, Command::Visit(VisitCommand::Move(-1)));
    apply(&mut state, Command::Visit(VisitCommand::Remove(visit)));
    apply(&mut state, Command::Work(WorkCommand::Segment(visit)));
    apply(&mut state, Command::Work(WorkCommand::Align));
    assert!(state.work.queue.is_empty() && state.shown().is_empty());
}
