//! Painting, undoing and accepting in the window.
use super::{
    tools::drag,
    window::{centre, scan, window},
};
use egui::{Key, Modifiers, Vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use schwann::{app::App, volume::Structure};

const TUMOUR: Structure = Structure::VestibularSchwannoma;

fn voxels(harness: &Harness<'_, App>) -> usize {
    let visit = harness.state().state().active_visit().unwrap();
    let outlines = visit.outlines.as_ref();
    outlines.map_or(0, |o| o.labels.count(TUMOUR))
}

/// Lets background work end.
fn settle(harness: &mut Harness<'_, App>) {
    for _ in 0..400 {
        harness.run_steps(1);
        let work = &harness.state().state().work;
        if work.running.is_none() && work.queue.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the work does not end");
}

#[test]
fn what_is_painted_is_measured_undone_by_its_name_and_accepted_once_seen() {
    let Some(mut harness) = window(vec![scan(Some("2020-01-01"))]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.key_press(Key::B);
    harness.run_steps(2);
    let crosshair = harness.state().state().active_visit().unwrap().crosshair;
    drag(&mut harness, at, Vec2::new(40.0, 0.0));
    let first = voxels(&harness);
    assert!(first > 10, "{first}");
    // The readout, which is held against the scan's own values elsewhere, names what lies under the pointer: paint is where the hand was.
    for (by, painted) in [(0.0, true), (40.0, true), (-40.0, false), (80.0, false)] {
        harness.hover_at(at + Vec2::new(by, 0.0));
        harness.run_steps(2);
        let named = harness.query_by_label_contains("   vestibular schwannoma");
        let named = named.is_some();
        assert_eq!(named, painted, "{by}");
    }
    let state = harness.state().state();
    assert_eq!(state.active_visit().unwrap().crosshair, crosshair);
    drag(
        &mut harness,
        at + Vec2::new(0.0, 40.0),
        Vec2::new(40.0, 0.0),
    );
    let both = voxels(&harness);
    assert!(both > first);
    harness.get_by_label("Undo: brush on vestibular schwannoma");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(2);
    assert_eq!(voxels(&harness), first);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    harness.run_steps(2);
    assert_eq!(voxels(&harness), both);
    harness.key_press(Key::E);
    harness.run_steps(2);
    drag(&mut harness, at, Vec2::new(40.0, 0.0));
    assert!(voxels(&harness) < both);
    settle(&mut harness);
    let outlines = harness.state().state().active_visit().unwrap();
    let outlines = outlines.outlines.as_ref().unwrap();
    assert_eq!(outlines.sizes[0].voxels, voxels(&harness));
    // The slice that was painted is on the screen, so nothing of the tumour is unseen.
    let reader = harness.get_by_label("Reader");
    reader.scroll_to_me();
    harness.run_steps(10);
    harness.get_by_label("Reader").click();
    harness.get_by_label("Reader").type_text("R. Eader");
    harness.run_steps(3);
    harness.get_by_label("Accept").scroll_to_me();
    harness.run_steps(10);
    harness.get_by_label("Accept").click();
    harness.run_steps(3);
    let kept = voxels(&harness);
    harness
        .get_all_by_label_contains("Accepted by R. Eader")
        .next()
        .unwrap();
    drag(&mut harness, at, Vec2::new(0.0, 40.0));
    assert_eq!(voxels(&harness), kept, "locked");
    harness.get_by_label("Begin a new version").scroll_to_me();
    harness.run_steps(10);
    harness.get_by_label("Begin a new version").click();
    harness.run_steps(3);
    harness.key_press(Key::B);
    harness.run_steps(2);
    drag(&mut harness, at, Vec2::new(0.0, 40.0));
    assert!(voxels(&harness) > kept);
}

#[test]
fn an_outline_that_is_drawn_is_filled() {
    let Some(mut harness) = window(vec![scan(None)]) else {
        return;
    };
    let at = centre(&harness, "axial plane");
    harness.key_press(Key::L);
    harness.run_steps(2);
    harness.hover_at(at);
    harness.run_steps(1);
    harness.drag_at(at);
    harness.run_steps(1);
    let corners = [
        Vec2::new(60.0, 0.0),
        Vec2::new(60.0, 60.0),
        Vec2::new(0.0, 60.0),
    ];
    for corner in corners {
        harness.hover_at(at + corner);
        harness.run_steps(1);
    }
    harness.drop_at(at + corners[2]);
    harness.run_steps(2);
    let state = harness.state().state();
    let visit = state.active_visit().unwrap();
    let grid = visit.volume.grid();
    let cell = harness.get_by_label_contains("axial plane").rect().size();
    let size = [cell.x, cell.y].map(f64::from);
    let mm = state
        .slice_view(visit, schwann::measure::Plane::Axial, size)
        .mm_per_px;
    let [dx, dy, _] = grid.spacing_mm();
    let wanted = (60.0 * mm).powi(2) / (dx * dy);
    let found = voxels(&harness) as f64;
    assert!((found / wanted - 1.0).abs() < 0.15, "{found} {wanted}");
}
