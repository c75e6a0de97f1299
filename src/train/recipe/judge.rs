//! How near the models of a recipe come to the truth of scans that it did not learn from.
use super::run::RecipeRun;
use super::{say, stage};
use crate::io::{
    LabelledScan, ScoreRow, centre_by_name, read_labels, read_volume, write_labels, write_scores,
};
use crate::measure::{Spread, TeamScores, agreement, rank};
use crate::predict::{self, Folds, SegmentOptions, Segmenter, segment};
use crate::train::Error;
use crate::train::checkpoint::make_folder;
use crate::volume::{LabelTable, Observe, Progress, Structure, unobserved};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Scores over the cases of a centre, as the challenge defines them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CentreScores {
    /// The centre; `all` for all cases together.
    pub centre: String,
    /// Cases.
    pub cases: usize,
    /// Dice of the schwannoma.
    pub vs_dice: Spread,
    /// ASSD of the schwannoma, mm.
    pub vs_assd_mm: Spread,
    /// Dice of both cochleae.
    pub cochlea_dice: Spread,
    /// ASSD of both cochleae, mm.
    pub cochlea_assd_mm: Spread,
}

/// How a model of the recipe did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundScores {
    /// Which: `round 0`, …, `model`.
    pub model: String,
    /// Mean over the cases of its mean place among the recipe's models by the four metrics; `None` for a single model.
    pub rank_score: Option<f64>,
    /// By centre, all together first.
    pub centres: Vec<CentreScores>,
}

/// Labels the test scans with each of the models, writes the label maps and `scores.csv` into a folder, and tells the scores. `models` are names and folders.
pub(super) fn judge(
    run: &RecipeRun,
    test: &[LabelledScan],
    models: &[(String, PathBuf)],
    out: &Path,
    observe: &mut Observe<'_>,
) -> Result<Vec<RoundScores>, Error> {
    let count = models.len() * test.len();
    let mut rows: Vec<Vec<ScoreRow>> = Vec::new();
    for (m, (name, folder)) in models.iter().enumerate() {
        let segmenter = Segmenter::from_folder(folder, &Folds::All)?;
        let options = SegmentOptions {
            device: run.device,
            step: stage::STEP,
            ..SegmentOptions::default()
        };
        let maps = out.join(name.replace(' ', "_"));
        make_folder(&maps)?;
        let team = format!("{} {name}", run.recipe.name);
        let mut of_model = Vec::new();
        for (n, case) in test.iter().enumerate() {
            let done = m * test.len() + n;
            say(observe, "evaluating", done, count)?;
            let (scan, _) = read_volume(&case.scan, &mut unobserved)?;
            let mut part = |p: Progress| {
                observe(Progress {
                    stage: "evaluating",
                    fraction: (done as f32 + p.fraction) / count as f32,
                })
            };
            let found = match segment(&scan, &segmenter, &options, &mut part) {
                Err(predict::Error::Cancelled) => return Err(Error::Cancelled),
                other => other?.labels,
            };
            write_labels(&stage::labels_file(&maps, &case.case), &found)?;
            let (truth, _) = read_labels(&case.labels, &LabelTable::default())?;
            let of = |structure| {
                let found = agreement(&found, &truth, structure);
                found.map_err(|e| Error::Folder {
                    problem: e.to_string(),
                    path: case.labels.clone(),
                })
            };
            let (tumour, cochlea) = (
                of(Structure::VestibularSchwannoma)?,
                of(Structure::Cochlea)?,
            );
            of_model.push(ScoreRow::new(
                (&case.case, &team),
                tumour.as_ref(),
                cochlea.as_ref(),
            ));
        }
        rows.push(of_model);
    }
    write_scores(&out.join("scores.csv"), &rows.concat())?;
    Ok(scored(models, &rows))
}

/// Scores by model and centre, and the models' places among each other.
fn scored(models: &[(String, PathBuf)], rows: &[Vec<ScoreRow>]) -> Vec<RoundScores> {
    let teams = models.iter().zip(rows).map(|((name, _), rows)| TeamScores {
        team: name.clone(),
        cases: rows.iter().map(|r| r.metrics().to_vec()).collect(),
    });
    let teams: Vec<_> = teams.collect();
    let (ranking, _) = rank(&teams, &ScoreRow::HIGHER_IS_BETTER, 0, 1);
    let place = |name: &str| ranking.iter().find(|r| r.team == name).map(|r| r.score);
    let of_model = |((name, _), rows): (&(String, PathBuf), &Vec<ScoreRow>)| RoundScores {
        model: name.clone(),
        rank_score: place(name).filter(|_| models.len() > 1),
        centres: by_centre(rows),
    };
    models.iter().zip(rows).map(of_model).collect()
}

fn by_centre(rows: &[ScoreRow]) -> Vec<CentreScores> {
    let mut groups: BTreeMap<&str, Vec<&ScoreRow>> = BTreeMap::new();
    for row in rows {
        let centre = centre_by_name(&row.case).unwrap_or("unknown centre");
        groups.entry(centre).or_default().push(row);
    }
    let all = std::iter::once(("all", rows.iter().collect::<Vec<_>>()));
    let scores = |(centre, rows): (&str, Vec<&ScoreRow>)| {
        let spread = |metric: usize| {
            Spread::of(&rows.iter().map(|r| r.metrics()[metric]).collect::<Vec<_>>())
        };
        Some(CentreScores {
            centre: centre.to_owned(),
            cases: rows.len(),
            vs_dice: spread(0)?,
            vs_assd_mm: spread(1)?,
            cochlea_dice: spread(2)?,
            cochlea_assd_mm: spread(3)?,
        })
    };
    all.chain(groups).filter_map(scores).collect()
}

/// The scores as a table of a model card.
pub(super) fn table(scores: &[RoundScores]) -> String {
    let cases: BTreeSet<usize> = scores
        .iter()
        .filter_map(|s| Some(s.centres.first()?.cases))
        .collect();
    let cases: Vec<String> = cases.iter().map(usize::to_string).collect();
    let mut text = format!(
        "\n## On {} scans that it did not learn from\n\n\
         | model | centre | cases | VS Dice, mean (median) | VS ASSD mm, mean (median) | cochlea Dice | cochlea ASSD mm | mean rank |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        cases.join(", ")
    );
    for model in scores {
        for (n, c) in model.centres.iter().enumerate() {
            let of =
                |s: &Spread, digits: usize| format!("{:.digits$} ({:.digits$})", s.mean, s.median);
            let rank = model.rank_score.filter(|_| n == 0);
            text += &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
                model.model,
                c.centre,
                c.cases,
                of(&c.vs_dice, 3),
                of(&c.vs_assd_mm, 2),
                of(&c.cochlea_dice, 3),
                of(&c.cochlea_assd_mm, 2),
                rank.map_or("–".to_owned(), |r| format!("{r:.2}")),
            );
        }
    }
    text + "\nASSD is 350 mm where one of the two is empty. The mean rank is the challenge's, with this recipe's models as teams; low is good.\n\n"
}
