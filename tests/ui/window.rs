//! Flows on a small synthetic scan.
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, TouchPhase, Vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use glam::DVec3;
use schwann::{
    app::{App, AppState, Command, NewScan, Outcome, WorkCommand, apply},
    measure::Plane,
    volume::{Grid, Sequence, Structure, Volume, Voxels},
};

/// A scan whose every voxel has its own value.
fn scan(date: Option<&str>) -> NewScan {
    let grid = Grid::axis_aligned(
        [40, 48, 30],
        [1.5, 1.5, 2.0],
        DVec3::new(-30.0, -36.0, -30.0),
    )
    .unwrap();
    let voxels = (0..grid.len()).map(|n| (n % 30011) as i16).collect();
    NewScan {
        origin: "synthetic scan".to_owned(),
        date: date.map(|d| d.parse().unwrap()),
        volume: Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap(),
        sequence: Sequence::HrT2,
        scan_sha256: "0".repeat(64),
        warnings: Vec::new(),
        demo: false,
    }
}

/// A window on scans, drawn by whatever adapter there is; `None`, with a line, when there is none.
fn window(scans: Vec<NewScan>) -> Option<Harness<'static, App>> {
    let mut state = AppState::default();
    for scan in scans {
        apply(
            &mut state,
            Command::Work(WorkCommand::Ended(Some(Outcome::Scan(Box::new(scan))))),
        );
    }
    let build = move || {
        Harness::builder()
            .with_size(Vec2::new(1300.0, 860.0))
            .wgpu()
            .build_eframe(|cc| App::with_state(cc.wgpu_render_state.as_ref(), state))
    };
    let Ok(mut harness) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(build)) else {
        println!("skipped: no graphics adapter");
        return None;
    };
    harness.run_steps(3);
    Some(harness)
}

fn centre(harness: &Harness<'_, App>, cell: &str) -> Pos2 {
    harness.get_by_label_contains(cell).rect().center()
}

fn wheel(harness: &mut Harness<'_, App>, delta: f32, modifiers: Modifiers) {
    harness.event_modifiers(
        Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: Vec2::new(0.0, delta),
            phase: TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers,
        },
        modifiers,
    );
    harness.run_steps(2);
}

fn slice(harness: &Harness<'_, App>, plane: Plane) -> usize {
    let visit = harness.state().state().active_visit().unwrap();
    visit.planes[plane as usize].slice_at(visit.volume.grid(), visit.crosshair)
}

#[test]
fn one_notch_is_one_slice_and_each_cell_says_which() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    for (plane, notches) in [
        (Plane::Axial, -1.0),
        (Plane::Coronal, 1.0),
        (Plane::Sagittal, 3.0),
    ] {
        let at = centre(&harness, &format!("{} plane", plane.name()));
        harness.hover_at(at);
        harness.run_steps(2);
        let before = slice(&harness, plane);
        wheel(&mut harness, notches, Modifiers::NONE);
        let after = slice(&harness, plane);
        assert_eq!(after as f32 - before as f32, notches, "{plane:?}");
        let words = format!(
            "{} plane of synthetic scan, slice {} of",
            plane.name(),
            after + 1
        );
        harness.get_by_label_contains(&words);
    }
}

#[test]
fn the_readout_is_the_scans_own_value() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    for (plane, offset) in [
        (Plane::Axial, [37.0, -20.0]),
        (Plane::Coronal, [-60.0, 11.0]),
        (Plane::Sagittal, [5.0, 40.0]),
    ] {
        let at = centre(&harness, &format!("{} plane", plane.name())) + Vec2::from(offset);
        harness.hover_at(at);
        harness.run_steps(2);
        let readout = harness.get_by_label_contains("voxel ");
        let words = readout.value().unwrap();
        let numbers = |from: &str, to: &str| {
            words
                .split(from)
                .nth(1)
                .unwrap()
                .split(to)
                .next()
                .unwrap()
                .trim()
                .to_owned()
        };
        let voxel: Vec<usize> = numbers("voxel", "value")
            .split(',')
            .map(|n| n.trim().parse().unwrap())
            .collect();
        let value: f64 = numbers("value", "\u{0}").parse().unwrap();
        let visit = harness.state().state().active_visit().unwrap();
        assert_eq!(
            visit.volume.value([voxel[0], voxel[1], voxel[2]]),
            Some(value),
            "{words}"
        );
        // Left of the middle of an axial or coronal picture is the patient's right.
        if plane != Plane::Sagittal {
            assert_eq!(words.starts_with('R'), offset[0] < 0.0, "{words}");
        }
    }
}

#[test]
fn a_click_marks_the_point_and_the_other_planes_follow() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane") + Vec2::new(50.0, 30.0);
    let before = [Plane::Axial, Plane::Coronal, Plane::Sagittal].map(|p| slice(&harness, p));
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(3);
    let after = [Plane::Axial, Plane::Coronal, Plane::Sagittal].map(|p| slice(&harness, p));
    assert_eq!(after[0], before[0]);
    // Right and below: towards the patient's left and back.
    assert!(
        after[1] < before[1] && after[2] < before[2],
        "{before:?} {after:?}"
    );
}

#[test]
fn structures_are_switched_by_their_names() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    for structure in Structure::ALL {
        let style = |h: &Harness<'_, App>| h.state().state().view.style.structure(structure);
        let before = style(&harness);
        harness
            .get_by_label(&format!("Outline of {structure}"))
            .click();
        harness.run_steps(2);
        assert_eq!(style(&harness).contour, !before.contour);
        harness
            .get_by_label(&format!("Fill of {structure}"))
            .click();
        harness.run_steps(2);
        assert_eq!(style(&harness).fill, !before.fill);
    }
}

#[test]
fn zoom_maximise_and_keys_do_what_the_sheet_says() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.hover_at(at);
    harness.run_steps(2);
    wheel(&mut harness, 2.0, Modifiers::COMMAND);
    let zoom = |h: &Harness<'_, App>| h.state().state().active_visit().unwrap().zoom_pan[0].zoom;
    assert!(zoom(&harness) > 1.2, "{}", zoom(&harness));
    let before = slice(&harness, Plane::Axial);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial), before + 1);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial) + 9, before);
    harness.key_press(Key::Home);
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial), 29);
    harness.key_press(Key::V);
    harness.run_steps(2);
    assert!(harness.state().state().view.style.invert);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!((zoom(&harness) - 1.0).abs() < 1e-12);
    harness.key_down(Key::G);
    harness.run_steps(2);
    assert!(harness.state().state().view.hidden);
    harness.key_up(Key::G);
    harness.run_steps(2);
    assert!(!harness.state().state().view.hidden);
    harness.key_press(Key::F1);
    harness.run_steps(2);
    harness.get_by_label("One slice a notch");
}

#[test]
fn keys_reach_the_slices_after_a_button_was_clicked() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = harness.get_by_label("Smooth").rect().center();
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(3);
    let before = slice(&harness, Plane::Axial);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial), before + 1);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial), before + 2);
}

#[test]
fn two_visits_are_compared_and_say_that_they_are_not_linked_yet() {
    let scans = vec![scan(Some("2024-01-01")), scan(Some("2025-01-01"))];
    let Some(mut harness) = window(scans) else {
        return;
    };
    harness.get_by_label("Compare visits").click();
    harness.run_steps(3);
    for date in ["2024-01-01", "2025-01-01"] {
        for plane in Plane::ALL {
            harness.get_by_label_contains(&format!("{} plane of {date}", plane.name()));
        }
    }
    harness.get_by_label_contains("Growth needs each visit to be segmented");
    harness.get_by_label_contains("Research use only, not for diagnosis");
}

#[test]
fn the_window_shows_the_scan() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    harness.run_steps(10);
    let picture = harness.render().unwrap();
    for plane in Plane::ALL {
        let rect = harness
            .get_by_label_contains(&format!("{} plane", plane.name()))
            .rect();
        // A part of the picture off the crosshair and the words.
        let (x, y) = (
            rect.center().x + rect.width() * 0.1,
            rect.center().y + rect.height() * 0.1,
        );
        let bright = (0..20).any(|d| picture.get_pixel(x as u32 + d, y as u32).0[0] > 40);
        assert!(bright, "{plane:?} is dark");
    }
}
