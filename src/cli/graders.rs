//! The trained graders of `schwann koos`.
use crate::{
    io,
    measure::{KoosAssessment, KoosGrade},
    patient::ModelInfo,
    predict::{GradeProbabilities, KoosCase, KoosGraders, KoosModel},
    volume::{LabelMap, LabelTable, Volume},
};
use anyhow::bail;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A folder of graders that `schwann train koos` wrote, in place of those that come with the program.
    #[arg(long, value_name = "FOLDER")]
    graders: Option<PathBuf>,
    /// A parcellation with GIF's values on the scan's grid, for graders that were trained with parcellations.
    #[arg(long, value_name = "FILE")]
    parcellation: Option<PathBuf>,
}

/// What the graders say, and which they are.
#[derive(Debug, Serialize)]
pub(super) struct Graded {
    #[serde(flatten)]
    said: KoosGraders,
    graders_model: ModelInfo,
}

impl Options {
    /// Asks the graders about labels of a scan that the rule has assessed.
    pub(super) fn grade(
        &self,
        scan: &Volume,
        labels: &LabelMap,
        assessment: &KoosAssessment,
    ) -> anyhow::Result<Graded> {
        let model = match &self.graders {
            Some(folder) => KoosModel::from_folder(folder)?,
            None => KoosModel::shipped()?,
        };
        let parcellation = match &self.parcellation {
            Some(path) => {
                if !model.takes_parcellations() {
                    bail!(
                        "these graders were not trained with parcellations: leave out --parcellation"
                    );
                }
                let (map, _) = io::read_labels(path, &LabelTable::new([]))?;
                if !map.grid().matches(scan.grid(), 0.1) {
                    bail!(
                        "the parcellation is not on the scan's grid: {}",
                        path.display()
                    );
                }
                Some(map)
            }
            None => None,
        };
        let said = model.grade(KoosCase {
            scan,
            labels,
            assessment,
            parcellation: parcellation.as_ref(),
        })?;
        Ok(Graded {
            said,
            graders_model: model.info().clone(),
        })
    }
}

impl Graded {
    /// For people, beginning with a new line; empty where the grade is withheld.
    pub(super) fn text(&self) -> String {
        let Some(combined) = &self.said.combined else {
            return String::new();
        };
        let line = |name: &str, p: GradeProbabilities| {
            let mut text = format!("\n{name:<10}");
            for (grade, p) in KoosGrade::ALL.iter().zip(<[f64; 4]>::from(p)) {
                text += &format!("  {grade} {:.0} %", 100.0 * p);
            }
            text
        };
        let graders = &self.said.graders;
        let mut text = format!("\ngraders together: Koos {}", combined.grade);
        if let Some(words) = &combined.borderline {
            text += &format!(", {words}");
        }
        for (name, p) in [
            ("rule", graders.rule),
            ("forest", graders.forest),
            ("network", graders.network),
            ("together", Some(combined.probabilities)),
        ] {
            text += &p.map_or_else(|| format!("\n{name:<10}  cannot tell"), |p| line(name, p));
        }
        text
    }
}
