//! How often stable tumours are called grown, and how soon growing ones: the tables of `docs/growth.md`.
//!
//! ```sh
//! cargo run --release --example false_growth
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints tables")]
mod courses;

use courses::{Called, Rates, Study, follow};

const PATIENTS: usize = 20_000;
const SEED: u64 = 2026;

fn line(name: &str, called: &Called) {
    let cells: Vec<String> = called.iter().map(|c| format!("{:.1}", 100.0 * c)).collect();
    println!("| {name} | {} |", cells.join(" | "));
}

fn head(name: &str) {
    let years: Vec<String> = courses::FOLLOW_UPS
        .iter()
        .map(|y| format!("{y} a"))
        .collect();
    println!("\n| {name} | {} |", years.join(" | "));
    println!("|---|{}", "---:|".repeat(years.len()));
}

fn all(rates: &Rates) {
    line("flat 20 %, previous or first", &rates.flat);
    line("rule of one pair, previous", &rates.previous);
    line("rule of one pair, first", &rates.first);
    line("rule of one pair, previous or first", &rates.pairs);
    line("verdict of the assessment: growth", &rates.assessed);
    line("the same: growth or probable growth", &rates.probable);
}

fn main() {
    let stable = Study::stable(PATIENTS, SEED);
    head("stable patients called grown so far, %");
    all(&follow(&stable));
    head("stable: verdict growth, by error and size, %");
    for (slice_mm, diameter_sd_mm) in [
        (0.5, 0.5),
        (1.5, 0.5),
        (3.0, 0.5),
        (1.0, 0.3),
        (1.0, 0.7),
        (1.0, 1.0),
    ] {
        let study = Study {
            slice_mm,
            diameter_sd_mm,
            ..stable
        };
        let name = format!("slices {slice_mm} mm, diameter SD {diameter_sd_mm} mm");
        line(&name, &follow(&study).assessed);
    }
    for volume in [50.0, 160.0, 500.0, 1000.0, 3000.0] {
        let study = Study {
            volume_mm3: Some(volume),
            ..stable
        };
        line(&format!("all of {volume} mm³"), &follow(&study).assessed);
    }
    for percent in [5.0, 10.0, 20.0, 40.0] {
        let study = Study {
            rate: f64::ln(1.0 + percent / 100.0),
            ..stable
        };
        head(&format!(
            "growing {percent} % a year, called grown so far, %"
        ));
        all(&follow(&study));
    }
}
