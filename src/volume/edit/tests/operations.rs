use super::{TUMOUR, empty, grid, grids, labels, noise};
use crate::volume::edit::{
    EditError, LabelEdit, Over, Paint, ball, disc, fill_between_slices, keep_largest, keep_piece,
    move_to, paint, remove_piece, smooth,
};
use crate::volume::{Grid, LabelMap, LabelTable, Structure};
use glam::DVec3;
use std::f64::consts::PI;

fn drawn(labels: &LabelMap, selection: &[usize]) -> LabelMap {
    let draw = Paint::Draw {
        structure: TUMOUR,
        over: Over::Anything,
    };
    done(labels, &paint(labels, selection, "brush", draw).unwrap())
}

fn done(labels: &LabelMap, edit: &LabelEdit) -> LabelMap {
    let mut labels = labels.clone();
    edit.apply(&mut labels).unwrap();
    labels
}

fn volume_mm3(labels: &LabelMap) -> f64 {
    labels.count(TUMOUR) as f64 * labels.grid().voxel_volume_mm3()
}

/// Voxels of the tumour with a face to something else.
fn surface(labels: &LabelMap) -> usize {
    let shape = labels.grid().shape();
    let is = |v: [usize; 3]| labels.structure_at(v) == Some(TUMOUR);
    (0..labels.labels().len())
        .map(|n| labels.grid().voxel(n))
        .filter(|&v| {
            is(v)
                && (0..3).any(|a| {
                    let (mut low, mut high) = (v, v);
                    low[a] = v[a].wrapping_sub(1);
                    high[a] += 1;
                    (v[a] > 0 && !is(low)) || (high[a] < shape[a] && !is(high))
                })
        })
        .count()
}

#[test]
fn between_two_circles_comes_a_cone() {
    for turn in [[0.0; 3], [0.4, -0.3, 0.2]] {
        for axis in 0..3 {
            let mut spacing = [0.4, 0.5, 0.45];
            spacing[axis] = 1.0;
            let mut shape = [80, 80, 80];
            shape[axis] = 15;
            let grid = grid(shape, spacing, turn, [false, true, false]);
            let along = grid.world_from_voxel().matrix3.col(axis);
            // Radii from 12 to 4 mm over ten slices, on an axis that leans.
            let lean = grid.world_from_voxel().matrix3.col((axis + 1) % 3) * 0.3;
            let circle = |slice: usize, radius: f64| {
                let at = (along + lean) * (slice as f64 - 7.0);
                disc(&grid, axis, slice, at, at, radius)
            };
            let ends = [circle(2, 12.0), circle(12, 4.0)].concat();
            let before = drawn(&empty(grid), &ends);
            let edit = fill_between_slices(&before, TUMOUR, axis).unwrap();
            let found = volume_mm3(&done(&before, &edit)) - volume_mm3(&before);
            let expected: f64 = (3..12)
                .map(|slice| PI * (12.0 - 0.8 * (f64::from(slice) - 2.0)).powi(2))
                .sum();
            let ratio = found / expected;
            assert!((ratio - 1.0).abs() < 0.02, "axis {axis}: {ratio}");
            assert_eq!(edit.name(), "fill between slices of vestibular schwannoma");
        }
    }
}

#[test]
fn filling_changes_neither_drawn_slices_nor_other_structures() {
    let grid = grid([40, 40, 12], [0.5, 0.5, 2.0], [0.0; 3], [false; 3]);
    let circle = |slice| disc(&grid, 2, slice, DVec3::ZERO, DVec3::ZERO, 6.0);
    let cochlea = labels(grid, |[i, _, _]| if i < 20 { 2 } else { 0 });
    let map = drawn(
        &cochlea,
        &[circle(2), circle(3), circle(6), circle(11)].concat(),
    );
    let filled = done(&map, &fill_between_slices(&map, TUMOUR, 2).unwrap());
    for slice in 0..12 {
        for n in circle(slice) {
            let half = if grid.voxel(n)[0] < 20 { 2 } else { 1 };
            let expected = match slice {
                2 | 3 | 6 | 11 => 1,
                4..=10 => half,
                _ => map.labels()[n],
            };
            assert_eq!(filled.labels()[n], expected, "slice {slice}");
        }
    }
    assert_eq!(
        filled.count(TUMOUR),
        4 * circle(2).len() + 6 * right_half(&grid, &circle(2))
    );
    // Nothing drawn, one slice alone, or no such axis.
    assert!(
        fill_between_slices(&empty(grid), TUMOUR, 2)
            .unwrap()
            .is_empty()
    );
    let one = drawn(&empty(grid), &circle(4));
    assert!(fill_between_slices(&one, TUMOUR, 2).unwrap().is_empty());
    assert_eq!(
        fill_between_slices(&one, TUMOUR, 3),
        Err(EditError::Axis(3))
    );
}

fn right_half(grid: &Grid, voxels: &[usize]) -> usize {
    voxels.iter().filter(|&&n| grid.voxel(n)[0] >= 20).count()
}

#[test]
fn smoothing_a_noisy_ball_keeps_its_volume_and_evens_its_surface() {
    for grid in grids() {
        let noisy = labels(grid, |v| {
            let rough = 2.0 * noise(grid.index(v)) - 1.0;
            u8::from(grid.point_in_world(v).length() <= 11.0 + rough)
        });
        let edit = smooth(&noisy, TUMOUR, 1.0).unwrap();
        let smoothed = done(&noisy, &edit);
        let ratio = volume_mm3(&smoothed) / volume_mm3(&noisy);
        assert!((ratio - 1.0).abs() < 0.001, "{ratio}");
        let (rough, even) = (surface(&noisy), surface(&smoothed));
        assert!(even * 4 < rough * 3, "{rough} to {even}");
        // What comes out is the ball that the noise was laid on.
        let centre = ball(&grid, DVec3::ZERO, DVec3::ZERO, 11.0);
        let clean = drawn(&empty(grid), &centre);
        let differ = |other: &LabelMap| {
            let pairs = clean.labels().iter().zip(other.labels());
            pairs.filter(|(a, b)| a != b).count()
        };
        assert!(differ(&smoothed) * 5 < differ(&noisy));
    }
}

#[test]
fn smoothing_again_and_again_does_not_shrink() {
    let grid = grid([40, 40, 40], [0.5; 3], [0.0; 3], [false; 3]);
    let start = drawn(&empty(grid), &ball(&grid, DVec3::ZERO, DVec3::ZERO, 5.0));
    let mut map = start.clone();
    for _ in 0..10 {
        map = done(&map, &smooth(&map, TUMOUR, 1.5).unwrap());
    }
    let ratio = volume_mm3(&map) / volume_mm3(&start);
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
}

#[test]
fn smoothing_grows_into_background_only_and_stays_at_the_edge_of_the_scan() {
    let grid = grid([30, 30, 30], [1.0; 3], [0.0; 3], [false; 3]);
    let map = labels(grid, |[i, j, k]| match (i, j, k) {
        (0..10, 0..12, _) => 1,
        (10.., _, _) => 2,
        _ => 0,
    });
    let after = done(&map, &smooth(&map, TUMOUR, 2.0).unwrap());
    assert_eq!(
        after.count(Structure::Cochlea),
        map.count(Structure::Cochlea)
    );
    // All slices are alike, so a whole row of 30 comes or goes at once.
    assert!(after.count(TUMOUR).abs_diff(map.count(TUMOUR)) <= 30);
    // The block reaches the scan's border on four sides; none of it is rounded off there.
    for k in [0, 29] {
        assert_eq!(after.structure_at([0, 0, k]), Some(TUMOUR));
        assert_eq!(after.structure_at([0, 11, k]), Some(TUMOUR));
    }
    assert!(smooth(&empty(grid), TUMOUR, 1.0).unwrap().is_empty());
    for asked in [0.0, -1.0, 11.0, f64::NAN] {
        let refused = smooth(&map, TUMOUR, asked);
        assert!(matches!(refused, Err(EditError::Sigma { .. })));
    }
    let one = labels(grid, |v| u8::from(v == [15, 15, 15]));
    assert_eq!(done(&one, &smooth(&one, TUMOUR, 3.0).unwrap()), one);
}

/// Boxes of `(label, first voxel, edge)` on a grid of 1 mm voxels.
fn boxes(boxes: &[(u8, [usize; 3], usize)]) -> LabelMap {
    let grid = grid([90, 20, 20], [1.0; 3], [0.0; 3], [true, false, false]);
    labels(grid, |v| {
        let holds = |low: [usize; 3], edge| (0..3).all(|a| (low[a]..low[a] + edge).contains(&v[a]));
        let found = boxes.iter().find(|(_, low, edge)| holds(*low, *edge));
        found.map_or(0, |(label, ..)| *label)
    })
}

#[test]
fn the_largest_piece_stays_and_of_a_pair_one_on_each_side() {
    let tumour = [(1, [10, 5, 5], 6), (1, [70, 5, 5], 5), (1, [17, 12, 12], 2)];
    let map = boxes(&tumour);
    let edit = keep_largest(&map, TUMOUR).unwrap();
    assert_eq!(done(&map, &edit), boxes(&tumour[..1]));
    assert_eq!(edit.name(), "keep largest piece of vestibular schwannoma");
    let cochleae = [
        (2, [10, 5, 5], 4),
        (2, [70, 5, 5], 3),
        (2, [20, 12, 12], 3),
        (2, [75, 15, 15], 2),
    ];
    let map = boxes(&cochleae);
    let edit = keep_largest(&map, Structure::Cochlea).unwrap();
    assert_eq!(done(&map, &edit), boxes(&cochleae[..2]));
    assert!(keep_largest(&map, TUMOUR).unwrap().is_empty());
}

#[test]
fn a_piece_is_kept_removed_or_moved_by_pointing_at_it() {
    // The last two touch at a corner: one piece.
    let all = [
        (1, [10, 5, 5], 4),
        (2, [30, 5, 5], 4),
        (1, [50, 5, 5], 3),
        (1, [53, 8, 8], 2),
    ];
    let map = boxes(&all);
    let kept = keep_piece(&map, TUMOUR, [54, 9, 9]).unwrap();
    assert_eq!(done(&map, &kept), boxes(&all[1..]));
    let removed = remove_piece(&map, TUMOUR, [50, 5, 5]).unwrap();
    assert_eq!(done(&map, &removed), boxes(&all[..2]));
    let there = Some([11, 6, 6]);
    let moved = move_to(&map, TUMOUR, Structure::Brainstem, there).unwrap();
    let brainstem = [(3, [10, 5, 5], 4)];
    let expected = boxes(&[&brainstem[..], &all[1..]].concat());
    assert_eq!(done(&map, &moved), expected);
    assert_eq!(moved.name(), "piece of vestibular schwannoma to brainstem");
    let moved = move_to(&map, Structure::Cochlea, TUMOUR, None).unwrap();
    assert_eq!(done(&map, &moved).count(TUMOUR), map.count(TUMOUR) + 64);
    assert!(move_to(&map, TUMOUR, TUMOUR, None).unwrap().is_empty());
    for nowhere in [[0, 0, 0], [31, 6, 6], [99, 0, 0]] {
        let refused = Err(EditError::NotThere(TUMOUR));
        assert_eq!(keep_piece(&map, TUMOUR, nowhere), refused);
        assert_eq!(remove_piece(&map, TUMOUR, nowhere), refused);
        let moved = move_to(&map, TUMOUR, Structure::Brainstem, Some(nowhere));
        assert_eq!(moved, refused);
    }
}

#[test]
fn a_structure_without_a_value_is_refused_in_words() {
    let grid = grid([4, 4, 4], [1.0; 3], [0.0; 3], [false; 3]);
    let map = LabelMap::new(grid, vec![0; 64], LabelTable::new([(1, TUMOUR)])).unwrap();
    let refused = Err(EditError::NotInTable(Structure::Cochlea));
    assert_eq!(keep_largest(&map, Structure::Cochlea), refused);
    assert_eq!(smooth(&map, Structure::Cochlea, 1.0), refused);
    assert_eq!(fill_between_slices(&map, Structure::Cochlea, 0), refused);
    assert_eq!(move_to(&map, TUMOUR, Structure::Cochlea, None), refused);
    let words = EditError::NotInTable(Structure::Cochlea).to_string();
    assert_eq!(words, "these labels have no value for cochlea");
}
