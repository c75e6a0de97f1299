//! Kappa, Brier score and reliability beside scikit-learn and statsmodels (`tests/golden/reader_study/generate.py`).
use schwann::measure::{ConfidenceCalibration, ConfusionMatrix, KoosGrade};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn near(name: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-9,
        "{name}: {found} {expected}"
    );
}

#[test]
fn kappa_errors_and_calibration_are_those_of_scikit_learn_and_statsmodels() {
    let text = include_str!("../golden/reader_study/readers.json");
    let readers: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(readers.len(), 5);
    for reader in &readers {
        let grade = |v: &Value| KoosGrade::ALL[v.as_u64().unwrap() as usize - 1];
        let answers = reader["answers"].as_array().unwrap().iter();
        let answers: Vec<_> = answers
            .map(|a| (grade(&a[0]), grade(&a[1]), number(&a[2])))
            .collect();
        let matrix = ConfusionMatrix::of(answers.iter().map(|(t, a, _)| (*t, *a)));
        assert_eq!(matrix.count() as usize, answers.len());
        let kappa = matrix.weighted_kappa().unwrap();
        near("kappa", kappa.value, number(&reader["kappa"]));
        let ci95 = &reader["kappa_ci95"];
        near("low", kappa.ci95[0], number(&ci95[0]));
        near("high", kappa.ci95[1], number(&ci95[1]).min(1.0));
        let accuracy = matrix.accuracy().unwrap();
        near("accuracy", accuracy, number(&reader["accuracy"]));
        let error = matrix.mean_absolute_error().unwrap();
        near("error", error, number(&reader["mean_absolute_error"]));

        let said: Vec<_> = answers.iter().map(|(t, a, s)| (*s, t == a)).collect();
        let calibration = ConfidenceCalibration::of(&said).unwrap();
        near("Brier", calibration.brier, number(&reader["brier"]));
        let expected = number(&reader["expected_error"]);
        near("expected error", calibration.expected_error, expected);
        let mean = said.iter().map(|(s, _)| s).sum::<f64>() / said.len() as f64;
        near(
            "overconfidence",
            calibration.overconfidence,
            mean - accuracy,
        );
        let bins = reader["bins"].as_array().unwrap();
        assert_eq!(calibration.bins.len(), bins.len());
        for (found, expected) in calibration.bins.iter().zip(bins) {
            near("said", found.said, number(&expected["said"]));
            near("right", found.right, number(&expected["right"]));
            assert_eq!(found.count as u64, expected["count"].as_u64().unwrap());
            for (end, found) in found.right_ci95.iter().enumerate() {
                near("Wilson", *found, number(&expected["ci95"][end]));
            }
        }
    }
}
