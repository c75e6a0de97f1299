//! The challenge's ranking of teams, in the style of `BraTS`, and how stable it is.
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// What one team reached: for each case, in the same order for every team, one value a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamScores {
    /// Name of the team.
    pub team: String,
    /// `[case][metric]`.
    pub cases: Vec<Vec<f64>>,
}

/// A team's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// Name of the team.
    pub team: String,
    /// Mean over all cases of the mean rank over the metrics; low is good.
    pub score: f64,
    /// Place by score; ties share the better one.
    pub rank: usize,
}

/// How a ranking holds when the cases are drawn anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// Mean over the resamples of Kendall's tau-b between the resample's places and the final ones; resamples with all teams level have none. Not a number where none has.
    pub kendall_tau_mean: f64,
    /// The lowest.
    pub kendall_tau_min: f64,
    /// For each team, best first, how many resamples gave it place 1, 2, ….
    pub rank_counts: Vec<(String, Vec<usize>)>,
}

/// Cumulative rank of each team in each case: teams are ranked by each metric, ties take the better place, and the mean is taken over the metrics.
/// `higher_is_better` tells for each metric. A value that is not a number is the worst.
fn case_ranks(teams: &[TeamScores], higher_is_better: &[bool]) -> Vec<Vec<f64>> {
    let cases = teams.first().map_or(0, |t| t.cases.len());
    let better = |metric: usize, a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        (true, _) => false,
        (false, true) => true,
        _ if higher_is_better[metric] => a > b,
        _ => a < b,
    };
    let metrics = higher_is_better.len();
    let mut ranks = vec![vec![0.0; cases]; teams.len()];
    for case in 0..cases {
        for (t, team) in teams.iter().enumerate() {
            let sum: usize = (0..metrics)
                .map(|m| {
                    let own = team.cases[case][m];
                    let ahead = teams.iter().filter(|o| better(m, o.cases[case][m], own));
                    1 + ahead.count()
                })
                .sum();
            ranks[t][case] = sum as f64 / metrics as f64;
        }
    }
    ranks
}

/// Places by score: one more than the number of teams that are better.
fn places(scores: &[f64]) -> Vec<usize> {
    // Sums of the same ranks in another order may differ in the last digits.
    let ahead = |own: f64| scores.iter().filter(|s| **s < own - 1e-9).count();
    scores.iter().map(|s| 1 + ahead(*s)).collect()
}

/// Ranks teams as crossMoDA does: per case and metric, ties take the best place; the mean over metrics, then over cases. With `resamples` the ranking is repeated
/// on that many draws of as many cases with replacement, which `seed` decides.
///
/// Every team needs the same cases and `higher_is_better` one entry a metric; teams are given back best first.
pub fn rank(
    teams: &[TeamScores],
    higher_is_better: &[bool],
    resamples: usize,
    seed: u64,
) -> (Vec<Ranking>, Option<Stability>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let ranks = case_ranks(teams, higher_is_better);
    let cases = ranks.first().map_or(0, Vec::len);
    let mean = |of: &[f64]| of.iter().sum::<f64>() / cases.max(1) as f64;
    let scores: Vec<f64> = ranks.iter().map(|r| mean(r)).collect();
    let final_places = places(&scores);
    let mut order: Vec<usize> = (0..teams.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let ranking = order.iter().map(|&t| Ranking {
        team: teams[t].team.clone(),
        score: scores[t],
        rank: final_places[t],
    });
    let ranking = ranking.collect();
    if resamples == 0 || cases == 0 {
        return (ranking, None);
    }
    let mut counts = vec![vec![0; teams.len()]; teams.len()];
    let (mut sum, mut counted, mut lowest) = (0.0, 0.0, f64::INFINITY);
    for _ in 0..resamples {
        let drawn: Vec<usize> = (0..cases).map(|_| random.random_range(0..cases)).collect();
        let of_team = |r: &Vec<f64>| drawn.iter().map(|&c| r[c]).sum::<f64>() / cases as f64;
        let drawn_places = places(&ranks.iter().map(of_team).collect::<Vec<_>>());
        let tau = kendall_tau(&drawn_places, &final_places);
        if !tau.is_nan() {
            sum += tau;
            counted += 1.0;
        }
        lowest = lowest.min(tau);
        for (count, place) in counts.iter_mut().zip(drawn_places) {
            count[place - 1] += 1;
        }
    }
    let stability = Stability {
        kendall_tau_mean: sum / counted,
        kendall_tau_min: lowest,
        rank_counts: order
            .iter()
            .map(|&t| (teams[t].team.clone(), counts[t].clone()))
            .collect(),
    };
    (ranking, Some(stability))
}

/// Kendall's tau-b, which allows for ties (Kendall 1945); not a number where one of the two is all ties.
fn kendall_tau(a: &[usize], b: &[usize]) -> f64 {
    let (mut balance, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let [x, y] = [a[i].cmp(&a[j]), b[i].cmp(&b[j])].map(|o| f64::from(o as i8));
            balance += x * y;
            untied_a += x * x;
            untied_b += y * y;
        }
    }
    balance / (untied_a * untied_b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str, cases: &[[f64; 2]]) -> TeamScores {
        TeamScores {
            team: name.to_owned(),
            cases: cases.iter().map(|c| c.to_vec()).collect(),
        }
    }

    #[test]
    fn ties_take_the_better_place_and_low_distances_win() {
        let teams = [
            team("a", &[[0.9, 0.5], [0.8, 0.4]]),
            team("b", &[[0.9, 0.3], [0.7, 0.6]]),
            team("c", &[[0.1, f64::NAN], [0.2, 9.0]]),
        ];
        let (ranking, none) = rank(&teams, &[true, false], 0, 1);
        // a: (1 + 2) / 2 and 1; b: 1 and 2; c: 3 and 3.
        let found: Vec<_> = ranking
            .iter()
            .map(|r| (r.team.as_str(), r.score, r.rank))
            .collect();
        assert_eq!(found, [("a", 1.25, 1), ("b", 1.5, 2), ("c", 3.0, 3)]);
        assert!(none.is_none());
    }

    #[test]
    fn resampling_the_same_cases_changes_nothing() {
        let teams = [team("a", &[[0.9, 0.1]; 3]), team("b", &[[0.8, 0.2]; 3])];
        let (_, stability) = rank(&teams, &[true, false], 10, 7);
        let stability = stability.unwrap();
        assert_eq!(
            (stability.kendall_tau_mean, stability.kendall_tau_min),
            (1.0, 1.0)
        );
        assert_eq!(stability.rank_counts[0], ("a".to_owned(), vec![10, 0]));
    }

    #[test]
    fn kendalls_tau_is_scipys() {
        // scipy.stats.kendalltau of the same lists.
        let tau = |a: &[usize], b: &[usize]| kendall_tau(a, b);
        assert!((tau(&[1, 2, 3, 4], &[1, 3, 2, 4]) - 2.0 / 3.0).abs() < 1e-12);
        assert!((tau(&[1, 1, 3, 4], &[1, 2, 3, 4]) - 0.912_870_929_175_276_9).abs() < 1e-12);
        assert!(tau(&[1, 1], &[1, 2]).is_nan());
    }
}
