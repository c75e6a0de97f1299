//! Random forests against scikit-learn.
use schwann::model::{Forest, ForestSettings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<f64>>,
    classes: Vec<usize>,
    ask: Vec<Vec<f64>>,
    truth: Vec<usize>,
    tree: Vec<Vec<f64>>,
    forest: serde_json::Value,
    forest_probabilities: Vec<Vec<f64>>,
    mean_probabilities: Vec<Vec<f64>>,
    accuracy: [f64; 2],
    apart: f64,
}

const NAMES: [&str; 5] = ["volume", "gap", "contact", "shift", "noise"];

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/forest/golden.json")).unwrap()
}

fn asked(forest: &Forest, golden: &Golden) -> Vec<Vec<f64>> {
    let rows = golden.ask.iter();
    rows.map(|row| forest.probabilities(row).unwrap()).collect()
}

/// Mean absolute difference of two lists of probabilities.
fn apart(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / (a.len() * 4) as f64
}

fn largest(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn a_forest_of_scikit_learn_gives_its_own_probabilities() {
    let golden = golden();
    let forest = Forest::from_json(&golden.forest.to_string()).unwrap();
    let found = largest(&asked(&forest, &golden), &golden.forest_probabilities);
    assert!(found < 1e-6, "{found}");
}

#[test]
fn a_tree_that_looks_at_every_feature_is_scikit_learns() {
    let golden = golden();
    let settings = ForestSettings {
        trees: 1,
        max_depth: 4,
        min_leaf: 6,
        features_per_split: Some(5),
        bootstrap: false,
        ..ForestSettings::default()
    };
    let tree = Forest::grow(&NAMES, &golden.rows, &golden.classes, 4, &settings).unwrap();
    let found = largest(&asked(&tree, &golden), &golden.tree);
    assert!(found < 1e-6, "{found}");
}

#[test]
fn a_forest_is_as_near_to_scikit_learns_as_those_are_to_each_other() {
    let golden = golden();
    let settings = ForestSettings {
        trees: 200,
        ..ForestSettings::default()
    };
    let forest = Forest::grow(&NAMES, &golden.rows, &golden.classes, 4, &settings).unwrap();
    let found = asked(&forest, &golden);
    // The mean of 30 forests is nearer to each of them than they are to one another: a tenth more is as near.
    let difference = apart(&found, &golden.mean_probabilities);
    assert!(difference < 1.1 * golden.apart, "{difference}");
    let right = found
        .iter()
        .zip(&golden.truth)
        .filter(|(p, truth)| (0..4).max_by(|&a, &b| p[a].total_cmp(&p[b])) == Some(**truth));
    let accuracy = right.count() as f64 / golden.truth.len() as f64;
    let [low, high] = golden.accuracy;
    assert!((low - 0.01..high + 0.01).contains(&accuracy), "{accuracy}");
}
