//! The planes at known crosshairs: letters, outlines, left and right held against numbers.
use super::window::{scan, window_on};
use egui::{Key, Pos2, Rect};
use egui_kittest::{Harness, kittest::Queryable as _};
use glam::{DAffine3, DMat3, DVec3};
use schwann::{
    app::{
        App, AppState, Command, Drawing, NewScan, Outcome, Task, ViewCommand, WorkCommand, apply,
    },
    io,
    measure::Plane,
    volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, unobserved},
};

/// A ball on the patient's right, in front, below; each of its sides has its own brightness.
const BALL: DVec3 = DVec3::new(14.0, 9.0, -8.0);
const RADIUS_MM: f64 = 7.0;

/// Grids of one head: as it lies, stored from the other ends, tilted.
fn grids() -> Vec<Grid> {
    let whole = |m: DMat3| {
        let shape = [60, 70, 40];
        let middle = m * DVec3::new(29.5, 34.5, 19.5);
        Grid::new(shape, DAffine3::from_mat3_translation(m, -middle)).unwrap()
    };
    let sizes = DVec3::new(1.0, 1.0, 1.5);
    vec![
        whole(DMat3::from_diagonal(sizes)),
        whole(DMat3::from_diagonal(sizes * DVec3::new(-1.0, -1.0, 1.0))),
        whole(
            DMat3::from_rotation_x(0.2) * DMat3::from_diagonal(sizes * DVec3::new(1.0, -1.0, -1.0)),
        ),
    ]
}

fn ball_scan(grid: Grid) -> (NewScan, LabelMap) {
    let place = |n: usize| grid.point_in_world(grid.voxel(n));
    let inside = |p: DVec3| p.distance(BALL) < RADIUS_MM;
    let voxels = (0..grid.len())
        .map(|n| if inside(place(n)) { 900 } else { 100 })
        .collect();
    let labels = (0..grid.len())
        .map(|n| u8::from(inside(place(n))))
        .collect();
    let volume = Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0).unwrap();
    let labels = LabelMap::new(grid, labels, LabelTable::default()).unwrap();
    let plain = scan(None);
    (
        NewScan {
            windows: schwann::app::Preset::windows(&volume),
            volume,
            ..plain
        },
        labels,
    )
}

/// Lets background work end and the adapter have what it needs.
fn settle(harness: &mut Harness<'_, App>) {
    for _ in 0..60 {
        harness.run_steps(1);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn with_outlines(grid: Grid, drawing: Drawing) -> Option<Harness<'static, App>> {
    let folder = tempfile::tempdir().unwrap();
    let (scan, labels) = ball_scan(grid);
    let path = folder.path().join("labels.nii");
    io::write_labels(&path, &labels).unwrap();
    let mut state = AppState::default();
    state.preferences.drawing = drawing;
    let ended = |outcome| Command::Work(WorkCommand::Ended(Some(outcome)));
    apply(&mut state, ended(Outcome::Scan(Box::new(scan))));
    let visit = state.visits[0].id;
    let at = ViewCommand::Crosshair {
        visit,
        point_in_world: BALL,
    };
    apply(&mut state, Command::View(at));
    let look = Task::LabelValues(visit, path).run(&mut unobserved);
    apply(&mut state, ended(look));
    let mut harness = window_on(state)?;
    harness.get_by_label("What the outlines mean");
    harness.get_by_label("Read outlines").click();
    settle(&mut harness);
    assert!(harness.state().state().meaning.is_none());
    Some(harness)
}

/// Where the bright ball is on the picture of a cell: the middle of its pixels, points from the cell's middle, right and down.
fn ball_on(harness: &mut Harness<'_, App>, cell: Rect) -> [f64; 2] {
    // Without outlines and crosshair lines nothing else is bright in the middle of the cell.
    harness.key_down(Key::G);
    harness.run_steps(3);
    let picture = harness.render().unwrap();
    harness.key_up(Key::G);
    harness.run_steps(2);
    let scale = f64::from(picture.width()) / f64::from(harness.ctx.content_rect().width());
    let inner = cell.shrink(40.0);
    let (mut sum, mut count) = ([0.0; 2], 0.0);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let at = Pos2::new(
            ((f64::from(x) + 0.5) / scale) as f32,
            ((f64::from(y) + 0.5) / scale) as f32,
        );
        if inner.contains(at) && pixel.0[..3].iter().all(|c| *c > 180) {
            sum[0] += f64::from(at.x - cell.center().x);
            sum[1] += f64::from(at.y - cell.center().y);
            count += 1.0;
        }
    }
    assert!(count > 100.0, "no ball to be seen");
    sum.map(|s| s / count)
}

#[test]
fn right_is_left_on_the_screen_and_outlines_lie_on_what_is_seen_however_the_scan_is_stored() {
    // Each way of storing the scan, drawn by the adapter and by the processor.
    let drawings = [Drawing::Adapter, Drawing::Processor];
    let cases = drawings
        .into_iter()
        .flat_map(|drawing| grids().into_iter().map(move |grid| (grid, drawing)));
    for (n, (grid, drawing)) in cases.enumerate() {
        let Some(mut harness) = with_outlines(grid, drawing) else {
            return;
        };
        for plane in Plane::ALL {
            let name = format!("{} plane of", plane.name());
            let cell = harness.get_by_label_contains(&name).rect();
            let found = ball_on(&mut harness, cell);
            // Radiological: patient right and anterior are on the left of the screen, anterior and superior up.
            let (right, down) = match plane {
                Plane::Axial => (-BALL.x, -BALL.y),
                Plane::Coronal => (-BALL.x, -BALL.z),
                Plane::Sagittal => (-BALL.y, -BALL.z),
            };
            let state = harness.state().state();
            let visit = &state.visits[0];
            let size = [f64::from(cell.width()), f64::from(cell.height())];
            let view = state.slice_view(visit, plane, size);
            for (found, mm) in found.into_iter().zip([right, down]) {
                let direction = found.signum() == mm.signum();
                assert!(direction, "grid {n}, {plane:?}: {found} points for {mm} mm");
                // Where the scan is tilted, a native plane shows the offset in its own axes.
                let slack = if n % 3 == 2 { 4.0 } else { 1.0 };
                let off = found * view.mm_per_px - mm;
                assert!(off.abs() < slack, "grid {n}, {plane:?}: {off} mm");
            }
            // The outline of the labels is a circle about the ball in this plane.
            let labels = &visit.outlines.as_ref().unwrap().labels;
            let tumour = Structure::VestibularSchwannoma;
            let lines = schwann::measure::contours(labels, tumour, &view.frame, [1e3; 2]);
            let (middle, depth) = view.frame.project(BALL);
            assert!(
                depth.abs() < 1.0,
                "the crosshair's slice holds the ball's middle"
            );
            let points: Vec<[f64; 2]> = lines.into_iter().flat_map(|c| c.points_mm).collect();
            assert!(points.len() > 20);
            for [x, y] in points {
                let radius = (x - middle[0]).hypot(y - middle[1]);
                assert!(
                    (radius - RADIUS_MM).abs() < 1.3,
                    "grid {n}, {plane:?}: {radius}"
                );
            }
            for axis in 0..2 {
                let drawn = view.px_from_mm(middle)[axis] - size[axis] / 2.0;
                // A ball of voxels is off the ball by a part of a voxel.
                let off_mm = (drawn - found[axis]) * view.mm_per_px;
                assert!(
                    off_mm.abs() < 0.9,
                    "grid {n}, {plane:?}, axis {axis}: {off_mm} mm"
                );
            }
        }
    }
}

#[test]
fn a_tilted_scan_is_shown_along_the_patients_axes_with_one_click() {
    let Some(mut harness) = with_outlines(grids().remove(2), Drawing::Automatic) else {
        return;
    };
    let frame = |harness: &Harness<'_, App>| {
        let state = harness.state().state();
        state
            .slice_view(&state.visits[0], Plane::Axial, [300.0; 2])
            .frame
    };
    let tilted = frame(&harness).into_screen().z.abs();
    assert!((tilted - 0.2_f64.cos()).abs() < 1e-6, "{tilted}");
    let button = harness
        .get_all_by_label("Show anatomical axes")
        .next()
        .unwrap();
    button.click();
    harness.run_steps(3);
    let straight = frame(&harness);
    assert!((straight.into_screen().z.abs() - 1.0).abs() < 1e-12);
    assert!(
        (straight.centre.z - BALL.z).abs() < 1e-9,
        "through the crosshair"
    );
    harness.get_by_label_contains("axial plane of synthetic scan, at I 8.0 mm");
    let cell = harness
        .get_by_label_contains("axial plane of")
        .rect()
        .center();
    harness.hover_at(cell);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    // One slice of 1.5 mm to the head, and nothing else.
    let crosshair = harness.state().state().visits[0].crosshair;
    assert!(
        (crosshair - BALL - DVec3::Z * 1.5).length() < 1e-9,
        "{crosshair}"
    );
    harness
        .get_all_by_label("Show the scan's own slices")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    assert!((frame(&harness).into_screen().z.abs() - tilted).abs() < 1e-12);
}

#[test]
fn the_border_half_a_voxel_in_and_out_is_drawn_with_the_volumes_that_it_means() {
    let Some(mut harness) = with_outlines(grids().remove(0), Drawing::Automatic) else {
        return;
    };
    harness.key_press(Key::X);
    harness.run_steps(3);
    let state = harness.state().state();
    assert!(state.view.edge_tolerance);
    let outlines = state.visits[0].outlines.as_ref().unwrap();
    let volume = outlines.sizes[0].volume_mm3;
    let [low, high] = outlines.edge.as_ref().unwrap().volume_range_mm3;
    assert!(low < volume && volume < high);
    let row = harness.get_by_label("Border ± half a voxel");
    row.scroll_to_me();
}

#[test]
fn keys_go_from_plane_to_plane_and_through_the_ways_of_sampling() {
    let Some(mut harness) = with_outlines(grids().remove(0), Drawing::Automatic) else {
        return;
    };
    let before = harness.state().state().visits[0].crosshair;
    let axial = harness.get_by_label_contains("axial plane of").rect();
    harness.hover_at(axial.center());
    harness.run_steps(2);
    harness.key_press(Key::F6);
    harness.run_steps(2);
    // The pointer rests on the axial plane, but the coronal one was chosen: an arrow moves to the front.
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    let after = harness.state().state().visits[0].crosshair;
    assert!(
        (after.y - before.y).abs() > 0.3 && (after.z - before.z).abs() < 1e-9,
        "{after}"
    );
    for _ in 0..3 {
        harness.key_press(Key::M);
        harness.run_steps(2);
        drop(harness.render().unwrap());
    }
    let style = &harness.state().state().view.style;
    assert_eq!(style.interpolation, schwann::render::Interpolation::Linear);
}

#[test]
fn a_click_on_a_surface_takes_all_planes_there() {
    let Some(mut harness) = with_outlines(grids().remove(0), Drawing::Automatic) else {
        return;
    };
    let cell = harness.get_by_label("3D view of synthetic scan").rect();
    settle(&mut harness);
    let click = |harness: &mut Harness<'_, App>, at: Pos2| {
        harness.hover_at(at);
        harness.drag_at(at);
        harness.run_steps(1);
        harness.drop_at(at);
        harness.run_steps(2);
    };
    // Seen from the front and a little from above, the ball's middle hides behind its front.
    click(&mut harness, cell.center());
    let found = harness.state().state().visits[0].crosshair - BALL;
    assert!((found.length() - RADIUS_MM).abs() < 0.8, "{found}");
    assert!(found.y > 0.8 * RADIUS_MM && found.x.abs() < 1.0, "{found}");
    // To the right on the screen is to the patient's left.
    let before = harness.state().state().visits[0].crosshair.x;
    click(
        &mut harness,
        cell.center() + egui::Vec2::new(0.2 * cell.height(), 0.0),
    );
    let after = harness.state().state().visits[0].crosshair.x;
    assert!(after < before - 1.0, "{before} {after}");
    // A drag turns it; the middle key of the menu brings everything back.
    let camera = |h: &Harness<'_, App>| h.state().state().view.solid.camera;
    assert!(camera(&harness).is_none());
    harness.drag_at(cell.center());
    harness.run_steps(1);
    harness.hover_at(cell.center() + egui::Vec2::new(60.0, 0.0));
    harness.run_steps(2);
    harness.drop_at(cell.center() + egui::Vec2::new(60.0, 0.0));
    harness.run_steps(2);
    assert!(camera(&harness).is_some());
    harness.get_by_label("Reset view").click();
    harness.run_steps(2);
    assert!(camera(&harness).is_none());
}
