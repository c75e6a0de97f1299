//! How the Koos graders do on whole scans of synthetic patients with the shipped segmenter's outlines, for their card:
//! `cargo run --release --example koos_graders_report -- [MODEL_FOLDER] [TUMOURS] [RELIABILITY.svg]`.
//!
//! Prints tables in Markdown and writes the reliability diagram. No training draws these patients.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use schwann::{
    predict::{KoosModel, Segmenter},
    train::test_with_own_labels,
    volume::unobserved,
};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments
        .first()
        .map_or("assets/models/koos", String::as_str);
    let model = KoosModel::from_folder(Path::new(folder))?;
    let count = arguments.get(1).map_or(Ok(200), |n| n.parse())?;
    let segmenter = Segmenter::shipped()?;
    let tally = test_with_own_labels(&model, &segmenter, count, &mut unobserved)?;
    let weights = &model.plan().weights;
    println!("{}", tally.markdown(weights));
    if let Some(path) = arguments.get(2) {
        std::fs::write(path, tally.reliability_svg(weights))?;
    }
    Ok(())
}
