//! Ordinal grades from probabilities, and how well two readers of them agree.
use super::KoosGrade;

/// The grade with the least expected error in steps of grades: the median of the probabilities, the lower one where two are equal. This, not the most probable grade, minimises the
/// mean absolute error by which the crossMoDA challenge ranks. Probabilities need not add up to 1.
pub fn ordinal_decision(probabilities: &[f64; 4]) -> KoosGrade {
    let error = |g: usize| -> f64 {
        let steps = probabilities.iter().enumerate();
        steps.map(|(k, p)| p * k.abs_diff(g) as f64).sum()
    };
    let mut best = 0;
    for g in 1..4 {
        if error(g) < error(best) - 1e-12 {
            best = g;
        }
    }
    KoosGrade::ALL[best]
}

/// Cohen's kappa with quadratic weights (Cohen 1968) of pairs of ordinal grades, for instance prediction and reference: 1 when all agree, 0 for chance. `None` where it is not defined: no pair, or only one grade.
pub fn quadratic_weighted_kappa(pairs: &[(u8, u8)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let squared = |a: u8, b: u8| f64::from(a.abs_diff(b)).powi(2);
    let observed: f64 = pairs.iter().map(|&(a, b)| squared(a, b)).sum::<f64>() / count;
    let (mut first, mut second) = ([0.0; 256], [0.0; 256]);
    for &(a, b) in pairs {
        first[usize::from(a)] += 1.0;
        second[usize::from(b)] += 1.0;
    }
    let mut expected = 0.0;
    for a in 0..=u8::MAX {
        for b in 0..=u8::MAX {
            expected += squared(a, b) * first[usize::from(a)] * second[usize::from(b)];
        }
    }
    expected /= count * count;
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decision_is_the_median_and_not_the_peak() {
        // II is most probable, but half and more of the probability lies above it.
        assert_eq!(ordinal_decision(&[0.0, 0.4, 0.3, 0.3]), KoosGrade::III);
        assert_eq!(ordinal_decision(&[0.5, 0.5, 0.0, 0.0]), KoosGrade::I);
        assert_eq!(ordinal_decision(&[0.45, 0.0, 0.1, 0.45]), KoosGrade::III);
        for (n, grade) in KoosGrade::ALL.into_iter().enumerate() {
            let mut sure = [0.0; 4];
            sure[n] = 1.0;
            assert_eq!(ordinal_decision(&sure), grade);
        }
    }

    #[test]
    fn kappa_is_scikit_learns() {
        let truth = [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4];
        let found = [1, 1, 2, 2, 2, 3, 2, 3, 3, 2, 4, 4, 4, 2];
        let pairs: Vec<_> = found.into_iter().zip(truth).collect();
        // sklearn.metrics.cohen_kappa_score(truth, found, weights="quadratic") of scikit-learn 1.9.1.
        let kappa = quadratic_weighted_kappa(&pairs).unwrap();
        assert!((kappa - 0.724_137_931_034_482_8).abs() < 1e-12, "{kappa}");
        let same: Vec<_> = truth.into_iter().zip(truth).collect();
        assert_eq!(quadratic_weighted_kappa(&same), Some(1.0));
        assert_eq!(quadratic_weighted_kappa(&[]), None);
        assert_eq!(quadratic_weighted_kappa(&[(2, 2), (2, 2)]), None);
    }
}
