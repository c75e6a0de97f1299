//! Time of Dice, ASSD and HD95 of a tumour pair on a whole scan's grid, beside medpy, which the challenge measures with, on the same masks in
//! the same run. `cargo bench --bench evaluate`; medpy is found by `python3`, or by the program that the variable `PYTHON` names.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for developers"
)]
use glam::DVec3;
use schwann::{
    measure::{Agreement, agreement},
    volume::{Grid, LabelMap, LabelTable, Structure},
};
use serde_json::{Value, json};
use std::{process::Command, time::Instant};

/// The larger matrix of the challenge's ceT1.
const SHAPE: [usize; 3] = [512, 512, 120];
const SPACING_MM: [f64; 3] = [0.41, 0.41, 1.0];
const REPETITIONS: usize = 15;

/// A voxel lies inside where the sum of squares of `weight × (voxel − centre)` over the axes is below `radius²`; whole numbers, so that the peer draws the same.
struct Ellipsoid {
    centre: [i64; 3],
    weight: [i64; 3],
    radius: i64,
}

impl Ellipsoid {
    fn holds(&self, voxel: [usize; 3]) -> bool {
        let along = |a: usize| (self.weight[a] * (voxel[a] as i64 - self.centre[a])).pow(2);
        along(0) + along(1) + along(2) < self.radius.pow(2)
    }

    fn json(&self) -> Value {
        json!({ "centre": self.centre, "weight": self.weight, "radius": self.radius })
    }
}

/// Two lobes, one in the canal and one in the angle, of about so many voxels in radius.
fn tumour(radius: i64, shift: i64) -> [Ellipsoid; 2] {
    let lobe = |centre, radius| Ellipsoid {
        centre,
        weight: [10, 11, 25],
        radius: 10 * radius,
    };
    [
        lobe([300 + shift, 250, 60], radius),
        lobe([300 + radius, 262 - shift, 61], radius / 2),
    ]
}

fn labels(lobes: &[Ellipsoid]) -> LabelMap {
    let grid = Grid::axis_aligned(SHAPE, SPACING_MM, DVec3::ZERO).expect("a grid");
    let inside = |n| u8::from(lobes.iter().any(|l| l.holds(grid.voxel(n))));
    let values = (0..grid.len()).map(inside).collect();
    LabelMap::new(grid, values, LabelTable::default()).expect("a map")
}

/// Fastest of some runs, seconds, and the answer.
fn own(prediction: &LabelMap, reference: &LabelMap) -> (f64, Agreement) {
    let mut fastest = f64::INFINITY;
    let mut answer = None;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        answer =
            agreement(prediction, reference, Structure::VestibularSchwannoma).expect("one grid");
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    (fastest, answer.expect("a tumour"))
}

/// What medpy says and how long it takes; `None` where it is not installed.
fn peer(prediction: &[Ellipsoid], reference: &[Ellipsoid]) -> Option<Value> {
    let mask = |lobes: &[Ellipsoid]| lobes.iter().map(Ellipsoid::json).collect::<Vec<_>>();
    let order = json!({
        "shape": SHAPE, "spacing_mm": SPACING_MM,
        "prediction": mask(prediction), "reference": mask(reference),
    });
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/evaluate_peer.py");
    let output = Command::new(python)
        .arg(script)
        .arg(order.to_string())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

fn main() {
    println!(
        "| tumour pair on 512 x 512 x 120 | Schwann, ms | medpy, ms | medpy on the tumour's box, ms | largest difference |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for (name, radius, shift) in [("17 mm", 20, 2), ("36 mm", 44, 4)] {
        let lobes = [tumour(radius, shift), tumour(radius, 0)];
        let maps = [labels(&lobes[0]), labels(&lobes[1])];
        let (seconds, found) = own(&maps[0], &maps[1]);
        let ms = 1e3 * seconds;
        let Some(peer) = peer(&lobes[0], &lobes[1]) else {
            println!("| {name} | {ms:.1} | skipped: medpy is not installed | | |");
            continue;
        };
        let number = |name: &str| peer[name].as_f64().unwrap_or(f64::NAN);
        let difference = [
            found.dice - number("dice"),
            found.assd_mm - number("assd_mm"),
            found.hd95_mm - number("hd95_mm"),
        ];
        let largest = difference.iter().fold(0.0_f64, |a, d| a.max(d.abs()));
        println!(
            "| {name} | {ms:.1} | {:.0} | {:.1} | {largest:.1e} |",
            1e3 * number("seconds"),
            1e3 * number("box_seconds")
        );
    }
}
