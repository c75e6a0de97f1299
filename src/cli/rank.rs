//! `schwann rank`: the challenge's ranking of teams, and how stable it is.
use super::output;
use crate::{
    io::{self, ScoreRow},
    measure::{Ranking, Stability, TeamScores, rank},
};
use anyhow::{Context, bail};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A table of scores, `Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team`; several are read as one.
    #[arg(required = true, value_name = "SCORES.csv")]
    scores: Vec<PathBuf>,
    /// Draws of the cases with replacement.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    bootstrap: u32,
    /// Decides the draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Serialize)]
struct StabilityOutput {
    /// `null` where all teams are level.
    kendall_tau_mean: Option<f64>,
    kendall_tau_min: Option<f64>,
    /// For each team how many draws gave it each place.
    rank_counts: BTreeMap<String, BTreeMap<usize, usize>>,
}

#[derive(Debug, Serialize)]
struct Output {
    ranking: Vec<Ranking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stability: Option<StabilityOutput>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for path in &arguments.scores {
        rows.extend(io::read_scores(path)?);
    }
    let teams = teams(rows)?;
    let resamples = arguments.bootstrap as usize;
    let (ranking, stability) = rank(
        &teams,
        &ScoreRow::HIGHER_IS_BETTER,
        resamples,
        arguments.seed,
    );
    let output = Output {
        ranking,
        stability: stability.map(shown),
    };
    output::result(json, &output, || table(&output))
}

/// The teams with their cases in one order.
fn teams(rows: Vec<ScoreRow>) -> anyhow::Result<Vec<TeamScores>> {
    let cases: BTreeSet<String> = rows.iter().map(|r| r.case.clone()).collect();
    let mut teams: BTreeMap<String, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for r in rows {
        let values = r.metrics().to_vec();
        if teams
            .entry(r.team.clone())
            .or_default()
            .insert(r.case.clone(), values)
            .is_some()
        {
            bail!("the team {} has the case {} twice", r.team, r.case);
        }
    }
    let in_order = |(team, mut scores): (String, BTreeMap<String, Vec<f64>>)| {
        let cases = cases.iter().map(|case| {
            let values = scores.remove(case);
            values.with_context(|| format!("the team {team} has no row of the case {case}"))
        });
        let cases = cases.collect::<anyhow::Result<_>>()?;
        Ok(TeamScores { team, cases })
    };
    teams.into_iter().map(in_order).collect()
}

fn shown(stability: Stability) -> StabilityOutput {
    let finite = |tau: f64| tau.is_finite().then_some(tau);
    let by_place = |counts: Vec<usize>| {
        let places = counts.into_iter().enumerate().filter(|(_, n)| *n > 0);
        places.map(|(place, n)| (place + 1, n)).collect()
    };
    StabilityOutput {
        kendall_tau_mean: finite(stability.kendall_tau_mean),
        kendall_tau_min: finite(stability.kendall_tau_min),
        rank_counts: stability
            .rank_counts
            .into_iter()
            .map(|(team, counts)| (team, by_place(counts)))
            .collect(),
    }
}

fn table(output: &Output) -> String {
    let mut text = format!("{:>4}  {:<30}{:>8}", "rank", "team", "score");
    for r in &output.ranking {
        text += &format!("\n{:>4}  {:<30}{:>8.3}", r.rank, r.team, r.score);
    }
    if let Some(s) = &output.stability {
        let tau = |t: Option<f64>| t.map_or("–".to_owned(), |t| format!("{t:.3}"));
        text += &format!(
            "\nKendall's tau of the draws: mean {}, lowest {}",
            tau(s.kendall_tau_mean),
            tau(s.kendall_tau_min)
        );
    }
    text
}
