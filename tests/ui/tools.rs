//! What the left button and the keys can be made to do.
use super::window::{centre, scan, slice, window};
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use schwann::{
    app::{App, CornerText, Mark, Mouse, Tool},
    measure::Plane,
};

fn press(harness: &mut Harness<'_, App>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

/// Presses at a place, moves by steps, lets go.
pub(super) fn drag(harness: &mut Harness<'_, App>, from: Pos2, by: Vec2) {
    harness.hover_at(from);
    harness.run_steps(1);
    harness.drag_at(from);
    harness.run_steps(1);
    for part in [0.3, 0.7, 1.0] {
        harness.hover_at(from + by * part);
        harness.run_steps(1);
    }
    harness.drop_at(from + by);
    harness.run_steps(2);
}

fn marks(harness: &Harness<'_, App>) -> Vec<Mark> {
    harness
        .state()
        .state()
        .active_visit()
        .unwrap()
        .marks
        .clone()
}

/// Millimetres in a point of a plane's cell.
fn mm_per_point(harness: &Harness<'_, App>, plane: Plane) -> f64 {
    let name = format!("{} plane", plane.name());
    let size = harness.get_by_label_contains(&name).rect().size();
    let state = harness.state().state();
    let visit = state.active_visit().unwrap();
    let size = [size.x, size.y].map(f64::from);
    state.slice_view(visit, plane, size).mm_per_px
}

#[test]
fn a_key_chooses_what_the_left_drag_does() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    let state = |h: &Harness<'_, App>| {
        let state = h.state().state();
        let visit = state.active_visit().unwrap();
        (state.view.window, visit.zoom_pan[0], visit.crosshair)
    };
    let first = state(&harness);
    drag(&mut harness, at, Vec2::new(60.0, 0.0));
    let windowed = state(&harness);
    assert!(windowed.0.width > first.0.width && windowed.1 == first.1);
    press(&mut harness, Key::T);
    drag(&mut harness, at, Vec2::new(30.0, 0.0));
    let panned = state(&harness);
    assert!(panned.0 == windowed.0 && panned.1.centre_mm[0] < first.1.centre_mm[0]);
    press(&mut harness, Key::Z);
    drag(&mut harness, at, Vec2::new(0.0, -60.0));
    let zoomed = state(&harness);
    assert!(zoomed.1.zoom > 1.1 && zoomed.2 == first.2);
    press(&mut harness, Key::S);
    let before = slice(&harness, Plane::Axial);
    drag(&mut harness, at, Vec2::new(0.0, -33.0));
    assert_eq!(slice(&harness, Plane::Axial), before + 4);
    press(&mut harness, Key::J);
    drag(&mut harness, at, Vec2::new(40.0, 0.0));
    assert_ne!(state(&harness).2.x, first.2.x);
    press(&mut harness, Key::W);
    assert_eq!(harness.state().state().view.tool, Tool::Window);
}

#[test]
fn a_distance_and_an_angle_are_those_of_the_patient() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "coronal plane");
    let mm = mm_per_point(&harness, Plane::Coronal);
    press(&mut harness, Key::D);
    drag(&mut harness, at, Vec2::new(60.0, 80.0));
    let [distance] = &marks(&harness)[..] else {
        panic!("{:?}", marks(&harness))
    };
    let length = distance.points[0].distance(distance.points[1]);
    assert!((length - 100.0 * mm).abs() < 0.02 * length, "{length} {mm}");
    assert_eq!(distance.words(), format!("{length:.1} mm"));
    press(&mut harness, Key::A);
    drag(&mut harness, at, Vec2::new(80.0, 0.0));
    assert_eq!(marks(&harness).len(), 1, "one arm is no angle");
    // The second arm goes from the end of the first to where the next drag ends: straight up.
    let end = at + Vec2::new(80.0, 0.0);
    drag(&mut harness, end, Vec2::new(0.0, -70.0));
    let angle = marks(&harness)[1].words();
    assert_eq!(angle, "90.0°");
    press(&mut harness, Key::Delete);
    assert_eq!(marks(&harness).len(), 1);
}

#[test]
fn the_cine_shows_each_slice_in_turn_and_stops() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.hover_at(at);
    harness.run_steps(1);
    press(&mut harness, Key::End);
    press(&mut harness, Key::C);
    let mut seen = vec![slice(&harness, Plane::Axial)];
    for _ in 0..30 * 6 {
        harness.run_steps(1);
        let now = slice(&harness, Plane::Axial);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    let steps: Vec<i64> = seen.windows(2).map(|s| s[1] as i64 - s[0] as i64).collect();
    assert!(steps.len() > 30, "{seen:?}");
    // From the last slice to the first, and never a slice left out.
    assert!(steps.iter().all(|s| [1, -29].contains(s)), "{seen:?}");
    press(&mut harness, Key::Escape);
    let stopped = slice(&harness, Plane::Axial);
    harness.run_steps(60);
    assert_eq!(slice(&harness, Plane::Axial), stopped);
}

#[test]
fn a_key_image_brings_its_slice_and_window_back() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.hover_at(at);
    harness.run_steps(1);
    press(&mut harness, Key::Num2);
    press(&mut harness, Key::K);
    let kept = slice(&harness, Plane::Axial);
    let name = format!("Axial {}", kept + 1);
    press(&mut harness, Key::Home);
    press(&mut harness, Key::Num0);
    assert_ne!(slice(&harness, Plane::Axial), kept);
    harness.get_by_label(&name).click();
    harness.run_steps(2);
    assert_eq!(slice(&harness, Plane::Axial), kept);
    assert_eq!(harness.state().state().view.preset.name(), "soft tissue");
    harness
        .get_by_label(&format!("Forget key image {name}"))
        .click();
    harness.run_steps(2);
    assert!(harness.query_by_label(&name).is_none());
}

#[test]
fn lines_and_corner_text_go_and_come_back() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    press(&mut harness, Key::O);
    assert!(harness.state().state().view.lines_hidden);
    for level in [CornerText::Short, CornerText::State, CornerText::Full] {
        press(&mut harness, Key::I);
        assert_eq!(harness.state().state().view.corner_text, level);
    }
}

#[test]
fn the_sheet_is_searched_and_gives_an_action_another_key() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    press(&mut harness, Key::F1);
    harness.get_by_label("Search").click();
    harness.get_by_label("Search").type_text("exchanged");
    harness.run_steps(3);
    assert!(
        harness
            .query_by_label_contains("Key for: One slice")
            .is_none()
    );
    let key = harness.get_by_label_contains("Key for: White and black exchanged");
    key.click();
    harness.run_steps(2);
    press(&mut harness, Key::B);
    harness.get_by_label_contains("Key for: White and black exchanged (B)");
    press(&mut harness, Key::Escape);
    assert!(!harness.state().state().view.shortcuts);
    press(&mut harness, Key::V);
    assert!(
        !harness.state().state().view.style.invert,
        "no longer its key"
    );
    press(&mut harness, Key::B);
    assert!(harness.state().state().view.style.invert);
}

#[test]
fn the_neuroimaging_mouse_moves_the_crosshair_and_keeps_window_and_level_on_ctrl_and_shift() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    press(&mut harness, Key::F1);
    harness.get_by_label("Neuroimaging").click();
    harness.run_steps(2);
    press(&mut harness, Key::Escape);
    let state = harness.state().state();
    assert_eq!(state.preferences.mouse, Mouse::Neuroimaging);
    assert_eq!(state.view.tool, Tool::Crosshair);
    let width = state.view.window.width;
    let at = centre(&harness, "axial plane");
    let modifiers = Modifiers::CTRL | Modifiers::COMMAND | Modifiers::SHIFT;
    harness.event(Event::ModifiersChanged(modifiers));
    let button = |pos: Pos2, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers,
    };
    for event in [
        Event::PointerMoved(at),
        button(at, true),
        Event::PointerMoved(at + Vec2::new(20.0, 0.0)),
        Event::PointerMoved(at + Vec2::new(50.0, 0.0)),
        button(at + Vec2::new(50.0, 0.0), false),
    ] {
        harness.event(event);
        harness.run_steps(1);
    }
    assert!(harness.state().state().view.window.width > width);
}
