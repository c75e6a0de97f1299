//! Tables of the challenge: scores of teams, grades of cases.
use super::{Error, write_atomically};
use crate::measure::Agreement;
use std::collections::BTreeMap;
use std::path::Path;

/// Most bytes of a table.
const MOST_BYTES: u64 = 64 << 20;

/// One team's scores in one case: Dice, and ASSD in mm.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ScoreRow {
    /// Name of the case.
    #[serde(rename = "Case")]
    pub case: String,
    /// Dice of the schwannoma.
    #[serde(rename = "VS_Dice")]
    pub vs_dice: f64,
    /// ASSD of the schwannoma, mm.
    #[serde(rename = "VS_ASSD")]
    pub vs_assd: f64,
    /// Dice of both cochleae together.
    #[serde(rename = "Cochlea_Dice")]
    pub cochlea_dice: f64,
    /// ASSD of both cochleae together, mm.
    #[serde(rename = "Cochlea_ASSD")]
    pub cochlea_assd: f64,
    /// Name of the team.
    #[serde(rename = "Team")]
    pub team: String,
}

impl ScoreRow {
    /// The scores of a case; a structure that neither has is a perfect answer. The challenge has no such case.
    pub fn new(
        (case, team): (&str, &str),
        tumour: Option<&Agreement>,
        cochlea: Option<&Agreement>,
    ) -> Self {
        let scores = |of: Option<&Agreement>| of.map_or((1.0, 0.0), |a| (a.dice, a.assd_mm));
        let ((vs_dice, vs_assd), (cochlea_dice, cochlea_assd)) = (scores(tumour), scores(cochlea));
        Self {
            case: case.to_owned(),
            vs_dice,
            vs_assd,
            cochlea_dice,
            cochlea_assd,
            team: team.to_owned(),
        }
    }

    /// Whether more is better of each metric of [`Self::metrics`].
    pub const HIGHER_IS_BETTER: [bool; 4] = [true, false, true, false];

    /// What the challenge ranks by: Dice and ASSD of the schwannoma, then of the cochleae.
    pub fn metrics(&self) -> [f64; 4] {
        [
            self.vs_dice,
            self.vs_assd,
            self.cochlea_dice,
            self.cochlea_assd,
        ]
    }
}

fn wrong(path: &Path, problem: String) -> Error {
    Error::Table {
        problem,
        path: path.to_owned(),
    }
}

fn reader(path: &Path) -> Result<csv::Reader<std::fs::File>, Error> {
    let open = |source| Error::Open {
        source,
        path: path.to_owned(),
    };
    let file = std::fs::File::open(path).map_err(open)?;
    let metadata = file.metadata().map_err(open)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(wrong(path, "a file of at most 64 MB is wanted".to_owned()));
    }
    let mut builder = csv::ReaderBuilder::new();
    Ok(builder.trim(csv::Trim::All).from_reader(file))
}

/// Reads the scores of any number of teams: `Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team`, in any order of columns.
///
/// # Errors
/// When a column is missing, a number is none, or a Dice or distance is out of range.
pub fn read_scores(path: &Path) -> Result<Vec<ScoreRow>, Error> {
    let mut rows = Vec::new();
    for row in reader(path)?.deserialize() {
        let row: ScoreRow = row.map_err(|e| wrong(path, e.to_string()))?;
        let dice = [row.vs_dice, row.cochlea_dice];
        let assd = [row.vs_assd, row.cochlea_assd];
        if !dice.iter().all(|d| (0.0..=1.0).contains(d)) || !assd.iter().all(|a| *a >= 0.0) {
            let at = format!(
                "Dice lies between 0 and 1, ASSD is not negative; case {}",
                row.case
            );
            return Err(wrong(path, at));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(wrong(path, "it has no row".to_owned()));
    }
    Ok(rows)
}

/// Writes scores, whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), Error> {
    write_atomically(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        for row in rows {
            writer.serialize(row).map_err(std::io::Error::other)?;
        }
        writer.flush()
    })
}

/// Reads the Koos grade, 1 to 4, of each case from a table with a column that names the case (`crossmoda_name` or `case`) and one of grades (`koos`, `class` as the
/// challenge asks for, or `grade`). A grade may be
/// written `1` or `I`; cases without one, or with a word such as `post-operative-london`, are left out as the challenge does.
///
/// # Errors
/// When a column is missing or a case has two grades.
pub fn read_grades(path: &Path) -> Result<BTreeMap<String, u8>, Error> {
    let mut reader = reader(path)?;
    let headers = reader
        .headers()
        .map_err(|e| wrong(path, e.to_string()))?
        .clone();
    let column = |names: &[&str]| {
        headers
            .iter()
            .position(|h| names.iter().any(|n| h.eq_ignore_ascii_case(n)))
            .ok_or_else(|| wrong(path, format!("a column `{}` is wanted", names[0])))
    };
    let (name, koos) = (
        column(&["crossmoda_name", "case"])?,
        column(&["koos", "class", "grade"])?,
    );
    let mut grades = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|e| wrong(path, e.to_string()))?;
        let (Some(case), Some(text)) = (row.get(name), row.get(koos)) else {
            continue;
        };
        let grade = match text.to_ascii_uppercase().as_str() {
            "1" | "1.0" | "I" => 1,
            "2" | "2.0" | "II" => 2,
            "3" | "3.0" | "III" => 3,
            "4" | "4.0" | "IV" => 4,
            _ => continue,
        };
        if grades
            .insert(case.to_owned(), grade)
            .is_some_and(|g| g != grade)
        {
            return Err(wrong(path, format!("two grades of the case `{case}`")));
        }
    }
    Ok(grades)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn scores_survive_a_round_trip() {
        let row = ScoreRow {
            case: "a, b".to_owned(),
            vs_dice: 0.87,
            vs_assd: 0.31,
            cochlea_dice: 0.8,
            cochlea_assd: 350.0,
            team: "us".to_owned(),
        };
        let file = table("");
        write_scores(file.path(), std::slice::from_ref(&row)).unwrap();
        assert_eq!(read_scores(file.path()).unwrap(), [row]);
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.starts_with("Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team\n"));
    }

    #[test]
    fn broken_tables_are_refused() {
        for text in [
            "",
            "Case,VS_Dice\na,1\n",
            "Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team\n",
            "Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team\na,1.2,0,0,0,t\n",
            "Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team\na,NaN,0,0,0,t\n",
            "Case,VS_Dice,VS_ASSD,Cochlea_Dice,Cochlea_ASSD,Team\na,x,0,0,0,t\n",
        ] {
            assert!(read_scores(table(text).path()).is_err(), "{text}");
        }
    }

    #[test]
    fn grades_are_read_as_figures_or_roman() {
        let file = table("\"crossmoda_name\",\"koos\"\na,1\nb,IV\nc,post-operative-london\nd,\n");
        let grades = read_grades(file.path()).unwrap();
        assert_eq!(
            grades.into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), 1), ("b".to_owned(), 4)]
        );
        assert!(read_grades(table("case,koos\na,1\na,2\n").path()).is_err());
        assert!(read_grades(table("case,size\na,1\n").path()).is_err());
    }
}
