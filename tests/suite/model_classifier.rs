//! The small classifier: its sizes, its gradients, and what it refuses.
use candle_core::{Device, Tensor, Var};
use schwann::model::{Classifier, ClassifierDescription, Parameters};
use std::collections::BTreeMap;

fn description() -> ClassifierDescription {
    ClassifierDescription {
        in_channels: 2,
        size: [6, 9, 8],
        channels: vec![3, 4],
        hidden: 5,
        classes: 4,
    }
}

fn input(count: usize) -> Tensor {
    let [d, h, w] = description().size;
    let values: Vec<f32> = (0..count * 2 * d * h * w)
        .map(|n| ((n * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    Tensor::from_vec(values, (count, 2, d, h, w), &Device::Cpu).unwrap()
}

fn loss(variables: &BTreeMap<String, Var>) -> Tensor {
    let parameters: Parameters = variables
        .iter()
        .map(|(name, v)| (name.clone(), v.as_tensor().clone()))
        .collect();
    let network = Classifier::new(description(), parameters).unwrap();
    let scores = network.forward(&input(3)).unwrap();
    assert_eq!(scores.dims(), [3, 4]);
    let weights = Tensor::new(&[0.3_f32, -1.0, 0.7, 2.0], &Device::Cpu).unwrap();
    scores.broadcast_mul(&weights).unwrap().sum_all().unwrap()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let variables: BTreeMap<String, Var> = description()
        .initial_parameters(3)
        .unwrap()
        .into_iter()
        .map(|(name, t)| (name, Var::from_tensor(&t).unwrap()))
        .collect();
    let gradients = loss(&variables).backward().unwrap();
    let value = || f64::from(loss(&variables).to_scalar::<f32>().unwrap());
    for (name, variable) in &variables {
        let gradient = gradients.get(variable).unwrap().flatten_all().unwrap();
        let gradient: Vec<f32> = gradient.to_vec1().unwrap();
        let before: Vec<f32> = variable.flatten_all().unwrap().to_vec1().unwrap();
        let at = before.len() / 2;
        let moved = |by: f32| {
            let mut values = before.clone();
            values[at] += by;
            let moved = Tensor::from_vec(values, variable.dims(), &Device::Cpu).unwrap();
            variable.set(&moved).unwrap();
            value()
        };
        let step = 4e-3_f32;
        let difference = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        moved(0.0);
        let found = f64::from(gradient[at]);
        // A corner of the activation may lie within the step.
        let tolerance = 0.03 * found.abs().max(1.0);
        assert!(
            (found - difference).abs() < tolerance,
            "{name}: {found} for {difference}"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let parameters = description().initial_parameters(1).unwrap();
    let network = Classifier::new(description(), parameters.clone()).unwrap();
    assert!(network.forward(&input(1).narrow(4, 0, 7).unwrap()).is_err());
    let mut fewer = parameters.clone();
    fewer.remove("head.bias");
    assert!(Classifier::new(description(), fewer).is_err());
    let wider = ClassifierDescription {
        hidden: 6,
        ..description()
    };
    assert!(Classifier::new(wider, parameters).is_err());
    for wrong in [
        ClassifierDescription {
            channels: vec![],
            ..description()
        },
        ClassifierDescription {
            channels: vec![100_000],
            ..description()
        },
        ClassifierDescription {
            size: [0, 4, 4],
            ..description()
        },
        ClassifierDescription {
            size: [256; 3],
            ..description()
        },
        ClassifierDescription {
            classes: 1,
            ..description()
        },
        ClassifierDescription {
            hidden: usize::MAX,
            ..description()
        },
    ] {
        assert!(wrong.initial_parameters(1).is_err(), "{wrong:?}");
    }
}
