//! Flows on a small synthetic scan.
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, TouchPhase, Vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
    wgpu::WgpuTestRenderer,
};
use glam::DVec3;
use schwann::{
    app::{App, AppState, Command, NewScan, Outcome, Preset, WorkCommand, apply},
    measure::Plane,
    volume::{Grid, Sequence, Structure, Volume, Voxels},
};
use std::{io::Write as _, sync::OnceLock};

/// A scan whose every voxel has its own value.
pub(super) fn scan(date: Option<&str>) -> NewScan {
    let grid = Grid::axis_aligned(
        [40, 48, 30],
        [1.5, 1.5, 2.0],
        DVec3::new(-30.0, -36.0, -30.0),
    )
    .unwrap();
    let voxels = (0..grid.len()).map(|n| (n % 30011) as i16).collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
    NewScan {
        origin: "synthetic scan".to_owned(),
        date: date.map(|d| d.parse().unwrap()),
        date_from_name: false,
        windows: Preset::windows(&volume),
        volume,
        sequence: Sequence::HrT2,
        acquisition: None,
        scan_sha256: "0".repeat(64),
        warnings: Vec::new(),
        left: None,
        recent: None,
        source: None,
        demo: false,
    }
}

/// A window on scans, drawn by whatever adapter there is; `None`, with a line, when there is none.
pub(super) fn window(scans: Vec<NewScan>) -> Option<Harness<'static, App>> {
    let mut state = AppState::default();
    for scan in scans {
        apply(
            &mut state,
            Command::Work(WorkCommand::Ended(Some(Outcome::Scan(Box::new(scan))))),
        );
    }
    window_on(state)
}

/// [`window`] on a state.
pub(super) fn window_on(state: AppState) -> Option<Harness<'static, App>> {
    if !has_adapter() {
        // Past the test harness, which keeps what a passing test prints.
        let line = "skipped, no graphics adapter: a test of the window\n";
        drop(std::io::stderr().write_all(line.as_bytes()));
        return None;
    }
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1300.0, 860.0))
        .with_step_dt(1.0 / 60.0)
        .wgpu()
        .build_eframe(|cc| App::with_state(cc.wgpu_render_state.as_ref(), state));
    harness.run_steps(3);
    Some(harness)
}

/// Whether there is an adapter to draw with. Only asking for one may fail: a window that panics is no reason to skip its test.
fn has_adapter() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| std::panic::catch_unwind(WgpuTestRenderer::new).is_ok())
}

pub(super) fn centre(harness: &Harness<'_, App>, cell: &str) -> Pos2 {
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

pub(super) fn slice(harness: &Harness<'_, App>, plane: Plane) -> usize {
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

fn click(harness: &mut Harness<'_, App>, at: Pos2) {
    harness.drag_at(at);
    harness.run_steps(1);
    harness.drop_at(at);
    harness.run_steps(1);
}

#[test]
fn a_double_click_fills_the_window_and_leaves_the_crosshair() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane") + Vec2::new(50.0, 30.0);
    let crosshair = |h: &Harness<'_, App>| h.state().state().active_visit().unwrap().crosshair;
    let before = crosshair(&harness);
    click(&mut harness, at);
    assert_ne!(crosshair(&harness), before, "one click marks");
    click(&mut harness, at);
    harness.run_steps(2);
    assert_eq!(harness.state().state().view.maximised, Some(Plane::Axial));
    assert_eq!(crosshair(&harness), before);
    // A third click of the series marks nothing either.
    click(&mut harness, at);
    harness.run_steps(2);
    assert_eq!(crosshair(&harness), before);
}

#[test]
fn number_keys_and_the_menu_choose_windows() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let keys = [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4];
    for (key, preset) in keys.into_iter().zip(Preset::ALL).rev() {
        harness.key_press(key);
        harness.run_steps(2);
        assert_eq!(harness.state().state().view.preset, preset);
        harness.get_by_label(&format!("Window: {}", preset.name()));
    }
    harness.get_by_label("Window: automatic").click();
    harness.run_steps(3);
    harness.get_by_label("Fluid, 50–99.9 % (3)").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().view.preset, Preset::Fluid);
    // Escape closes the menu before it resets the view.
    harness.get_by_label("Window: fluid").click();
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_label("Fluid, 50–99.9 % (3)").is_none());
    assert_eq!(harness.state().state().view.preset, Preset::Fluid);
}

#[test]
fn a_box_drawn_with_ctrl_sets_the_window_from_its_values() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let window = |h: &Harness<'_, App>| {
        let state = h.state().state();
        state.window(state.active_visit().unwrap())
    };
    let at = centre(&harness, "axial plane");
    let before = window(&harness);
    let button = |at: Pos2, pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::CTRL,
    };
    let events = [
        Event::PointerMoved(at),
        button(at, true),
        Event::PointerMoved(at + Vec2::new(20.0, 10.0)),
        Event::PointerMoved(at + Vec2::new(40.0, 20.0)),
        button(at + Vec2::new(40.0, 20.0), false),
    ];
    harness.event(Event::ModifiersChanged(Modifiers::CTRL));
    for event in events {
        harness.event(event);
        harness.run_steps(1);
    }
    harness.run_steps(2);
    let after = window(&harness);
    assert_ne!(after, before);
    // One axial slice holds 1920 neighbouring values of 30011.
    assert!(after.width < 1920.0 && after.width > 1.0, "{after:?}");
    let state = harness.state().state();
    let visit = state.active_visit().unwrap();
    let voxel = visit.volume.grid().nearest_voxel(visit.crosshair).unwrap();
    let marked = visit.volume.value(voxel).unwrap();
    assert!((after.centre - marked).abs() < 1920.0, "{after:?} {marked}");
    harness.get_by_label("Window: by hand");
}

#[test]
fn a_report_can_be_saved_once_a_dated_visit_is_outlined() {
    let Some(harness) = window(vec![scan(Some("2024-01-01"))]) else {
        return;
    };
    let button = harness.get_by_label("Save report…");
    assert!(button.accesskit_node().is_disabled());
}

#[test]
fn a_guessed_date_is_told_and_a_sequence_can_be_chosen() {
    let mut guessed = scan(Some("2024-03-12"));
    guessed.date_from_name = true;
    guessed.sequence = Sequence::Unknown;
    let Some(mut harness) = window(vec![guessed]) else {
        return;
    };
    harness.get_by_label("date from the file name");
    harness.get_by_label("Set").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("date from the file name").is_none());
    harness
        .get_by_label("Sequence of 2024-03-12: unknown")
        .click();
    harness.run_steps(3);
    harness.get_by_label("ceT1").click();
    harness.run_steps(3);
    let visit = harness.state().state().active_visit().unwrap();
    assert_eq!(visit.sequence, Sequence::CeT1);
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
    let at = harness.get_by_label("Reset view").rect().center();
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
