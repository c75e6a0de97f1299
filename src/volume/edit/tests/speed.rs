//! How long the tools take on a large scan. Run by hand: `cargo test --release --lib volume::edit::tests::speed -- --ignored --nocapture`.
use super::{TUMOUR, empty, grid, noise, volume};
use crate::volume::edit::{
    FloodLimits, History, LabelEdit, Over, Paint, adaptive, ball, disc, fill_between_slices, flood,
    keep_largest, paint, smooth,
};
use glam::DVec3;
use std::time::Instant;

/// The times of nine runs, ms; on a busy machine the best tells most.
fn time(name: &str, mut run: impl FnMut()) {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{name}: best {:.2} ms, median {:.2}, worst {:.2}",
        times[0], times[4], times[8]
    );
}

#[test]
#[ignore = "a measurement, not a check"]
fn tools_on_512_512_120() {
    let grid = grid(
        [512, 512, 120],
        [0.4, 0.4, 1.0],
        [0.1, 0.2, 0.1],
        [false; 3],
    );
    let mut map = empty(grid);
    let draw = Paint::Draw {
        structure: TUMOUR,
        over: Over::Background,
    };
    let (a, b) = (DVec3::new(-3.0, 2.0, 1.0), DVec3::new(3.0, -1.0, 0.0));
    for radius in [2.0, 5.0, 10.0, 20.0] {
        let count = ball(&grid, a, b, radius).len();
        time(&format!("ball {radius} mm ({count} voxels)"), || {
            ball(&grid, a, b, radius);
        });
    }
    time("disc 10 mm", || {
        disc(&grid, 2, 60, a, b, 10.0);
    });
    let mut history = History::default();
    time("brush step 10 mm: ball, paint, apply, undo", || {
        let edit = paint(&map, &ball(&grid, a, b, 10.0), "brush", draw).unwrap();
        history.apply(edit, &mut map).unwrap();
        history.undo(&mut map).unwrap();
    });
    let scan = volume(grid, |v| {
        let tissue = if grid.point_in_world(v).x < 1.0 {
            100.0
        } else {
            170.0
        };
        tissue + 20.0 * noise(grid.index(v)) as f32
    });
    let selection = ball(&grid, a, b, 10.0);
    let seed = grid.nearest_voxel(a).unwrap();
    time("adaptive in ball 10 mm", || {
        adaptive(&scan, &selection, seed, 2, 20.0);
    });
    let limits = FloodLimits {
        distance_mm: 15.0,
        voxels: usize::MAX,
    };
    time("flood to 15 mm", || {
        flood(&scan, seed, &(90.0..=130.0), limits);
    });
    // A stroke across the whole scan with a brush of 12 mm, in 200 steps.
    let ends = [
        DVec3::new(-90.0, -90.0, -40.0),
        DVec3::new(90.0, 90.0, 40.0),
    ];
    let mut steps = Vec::new();
    for step in 0..200 {
        let at = |n: i32| ends[0].lerp(ends[1], f64::from(n) / 200.0);
        let selection = ball(&grid, at(step), at(step + 1), 12.0);
        let edit = paint(&map, &selection, "brush", draw).unwrap();
        edit.apply(&mut map).unwrap();
        steps.push(edit);
    }
    let shape = grid.shape();
    time("join a large stroke's 200 steps", || {
        LabelEdit::joined("stroke", shape, &steps).unwrap();
    });
    let stroke = LabelEdit::joined("stroke", shape, &steps).unwrap();
    println!(
        "large stroke: {} voxels, {} bytes in memory, {} in a journal",
        stroke.voxels(),
        stroke.memory_bytes(),
        stroke.to_bytes().len()
    );
    history.record(stroke.clone());
    time("undo and redo of it", || {
        history.undo(&mut map).unwrap();
        history.redo(&mut map).unwrap();
    });
    time("its bytes and back", || {
        LabelEdit::from_bytes(&stroke.to_bytes()).unwrap();
    });
    history.undo(&mut map).unwrap();
    let tumour = paint(&map, &ball(&grid, a, b, 12.0), "brush", draw).unwrap();
    tumour.apply(&mut map).unwrap();
    time("smooth a tumour of 24 mm over 1 mm", || {
        smooth(&map, TUMOUR, 1.0).unwrap();
    });
    time("keep its largest piece", || {
        keep_largest(&map, TUMOUR).unwrap();
    });
    let apart: Vec<usize> = ball(&grid, a, b, 12.0)
        .into_iter()
        .filter(|&n| !(grid.voxel(n)[2] - 40).is_multiple_of(5))
        .collect();
    let gaps = paint(&map, &apart, "brush", Paint::Erase(None)).unwrap();
    gaps.apply(&mut map).unwrap();
    time("fill between its slices, four of five missing", || {
        fill_between_slices(&map, TUMOUR, 2).unwrap();
    });
}
