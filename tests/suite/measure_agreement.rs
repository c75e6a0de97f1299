//! Dice, ASSD and HD95 beside medpy, with which the crossMoDA challenge measures.
use glam::DVec3;
use schwann::measure::agreement;
use schwann::volume::{Grid, LabelMap, LabelTable, Structure};
use serde_json::Value;

/// A label map from runs of equal voxels, the first of them outside.
fn map(pair: &Value, name: &str) -> LabelMap {
    let numbers = |name: &str| pair[name].as_array().unwrap().clone();
    let sizes = numbers("shape");
    let shape = sizes.iter().map(|n| n.as_u64().unwrap() as usize);
    let spacing = numbers("spacing_mm");
    let grid = Grid::axis_aligned(
        shape.collect::<Vec<_>>().try_into().unwrap(),
        std::array::from_fn(|a| spacing[a].as_f64().unwrap()),
        DVec3::new(-20.0, 5.0, 3.0),
    );
    let mut values = Vec::new();
    for (n, run) in numbers(name).iter().enumerate() {
        values.resize(values.len() + run.as_u64().unwrap() as usize, n as u8 % 2);
    }
    LabelMap::new(grid.unwrap(), values, LabelTable::default()).unwrap()
}

#[test]
fn dice_assd_and_hd95_are_medpys() {
    let text = include_str!("../golden/agreement/pairs.json");
    let pairs: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(pairs.len(), 6);
    for pair in &pairs {
        let (prediction, reference) = (map(pair, "prediction"), map(pair, "reference"));
        let found = agreement(&prediction, &reference, Structure::VestibularSchwannoma);
        let found = found.unwrap().unwrap();
        for (name, value) in [
            ("dice", found.dice),
            ("assd_mm", found.assd_mm),
            ("hd95_mm", found.hd95_mm),
        ] {
            let expected = pair[name].as_f64().unwrap();
            assert!(
                (value - expected).abs() < 1e-10,
                "{name} of {}: {value} {expected}",
                pair["shape"]
            );
        }
    }
}
