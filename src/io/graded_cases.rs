//! Scans of a folder whose Koos grade is known from a table beside them.
use super::{
    Error,
    cases::{ROLES, last_word, nifti_files},
    read_grades,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Last words of a scan's name that are not part of its case's.
const CONTRASTS: [&str; 4] = ["hrt2", "t2", "cet1", "t1"];
/// Most bytes of a file of grades.
const MOST_BYTES: u64 = 16 << 20;
/// Tables that are looked at.
const MOST_TABLES: usize = 20;

/// A scan, its grade and, where there is one, its label map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradedCase {
    /// Name of the case: that of the scan's file before its contrast.
    pub case: String,
    /// Whether the name says that the scan is T1-weighted after contrast agent (`_ceT1`, `_T1`), or that it is hrT2; `None` where it says neither.
    pub enhanced: Option<bool>,
    /// The scan.
    pub scan: PathBuf,
    /// The label map beside it: `NAME_Label.nii.gz`, with or without the contrast.
    pub labels: Option<PathBuf>,
    /// Koos grade, 1 to 4.
    pub koos: u8,
}

/// The scans of a folder, in it or nested, that a table in it gives a Koos grade: a CSV as [`read_grades`] takes it (crossMoDA's is one), or a JSON object `{"case": grade}`. Scans without
/// a grade, post-operative ones for instance, are left out. Of several scans of a case the first by name counts, hrT2 before ceT1.
///
/// # Errors
/// When the folder or a table cannot be read, there is no table of grades, or no scan has a grade.
pub fn graded_cases(folder: &Path) -> Result<Vec<GradedCase>, Error> {
    let wrong = |problem: &str| Error::Cases {
        problem: problem.to_owned(),
        path: folder.to_owned(),
    };
    let files = nifti_files(folder)?;
    let grades = grades_in(folder)?;
    let mut maps: BTreeMap<(&Path, &str), &Path> = BTreeMap::new();
    for (stem, path) in &files {
        let (of, role) = last_word(stem);
        if ROLES.contains(&role.as_str()) {
            maps.insert((path.parent().unwrap_or(folder), of), path);
        }
    }
    let mut cases: BTreeMap<&str, GradedCase> = BTreeMap::new();
    for (stem, path) in &files {
        let (before, last) = last_word(stem);
        if ROLES.contains(&last.as_str()) {
            continue;
        }
        let named = CONTRASTS.contains(&last.as_str()) && !before.is_empty();
        let case = if named { before } else { stem.as_str() };
        let Some(koos) = grades.get(case).copied() else {
            continue;
        };
        let beside = path.parent().unwrap_or(folder);
        let labels = [stem.as_str(), before]
            .into_iter()
            .find_map(|of| maps.get(&(beside, of)));
        let new = GradedCase {
            case: case.to_owned(),
            enhanced: named.then(|| last.ends_with("t1")),
            scan: path.clone(),
            labels: labels.map(|p| (*p).to_owned()),
            koos,
        };
        let better = |old: &GradedCase| old.enhanced == Some(true) && new.enhanced == Some(false);
        if cases.get(case).is_none_or(better) {
            cases.insert(case, new);
        }
    }
    if cases.is_empty() {
        return Err(wrong(
            "no scan (NAME_hrT2.nii.gz, NAME_ceT1.nii.gz or NAME.nii.gz) in this folder has a grade under its NAME in the table",
        ));
    }
    Ok(cases.into_values().collect())
}

/// The grades of all tables of a folder.
fn grades_in(folder: &Path) -> Result<BTreeMap<String, u8>, Error> {
    let open = |source| Error::Open {
        source,
        path: folder.to_owned(),
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(open)?
        .filter_map(|e| Some(e.ok()?.path()))
        .collect();
    paths.sort();
    let ends = |p: &Path, end: &str| p.extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
    let tables = paths
        .iter()
        .filter(|p| ends(p, "csv") || ends(p, "json"))
        .take(MOST_TABLES);
    let (mut grades, mut problem) = (BTreeMap::new(), None);
    for path in tables {
        let read = if ends(path, "csv") {
            read_grades(path)
        } else {
            grades_from_json(path)
        };
        match read {
            Ok(read) => grades.extend(read),
            Err(error) => problem = Some(error),
        }
    }
    match (grades.is_empty(), problem) {
        (false, _) => Ok(grades),
        (true, Some(error)) => Err(error),
        (true, None) => Err(Error::Cases {
            problem: "there is no table of grades in this folder: a CSV with the columns `case` and `koos`, or a JSON object {\"case\": grade}".to_owned(),
            path: folder.to_owned(),
        }),
    }
}

/// Grades as `{"case": 3}` or `{"case": "III"}`; cases with another word are left out.
fn grades_from_json(path: &Path) -> Result<BTreeMap<String, u8>, Error> {
    let wrong = |problem: String| Error::Table {
        problem,
        path: path.to_owned(),
    };
    let open = |source| Error::Open {
        source,
        path: path.to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(open)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(wrong("a file of at most 16 MB is wanted".to_owned()));
    }
    let bytes = std::fs::read(path).map_err(open)?;
    let read: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    let grade = |value: &serde_json::Value| match value {
        serde_json::Value::Number(n) => n.as_u64().filter(|n| (1..=4).contains(n)).map(|n| n as u8),
        serde_json::Value::String(text) => match text.trim().to_ascii_uppercase().as_str() {
            "1" | "I" => Some(1),
            "2" | "II" => Some(2),
            "3" | "III" => Some(3),
            "4" | "IV" => Some(4),
            _ => None,
        },
        _ => None,
    };
    Ok(read
        .iter()
        .filter_map(|(case, value)| Some((case.clone(), grade(value)?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_crossmoda_folder_gives_the_scans_that_its_table_grades() {
        let folder = folder(&[
            (
                "infos.csv",
                "crossmoda_name,koos\nldn_1,3\nldn_2,post-operative-london\netz_3,IV\n",
            ),
            ("ldn_1_ceT1.nii.gz", ""),
            ("ldn_1_hrT2.nii.gz", ""),
            ("ldn_1_Label.nii.gz", ""),
            ("ldn_2_hrT2.nii.gz", ""),
            ("b/etz_3_T2.nii.gz", ""),
            ("b/etz_4_T2.nii.gz", ""),
        ]);
        let found = graded_cases(folder.path()).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|c| (c.case.as_str(), c.koos, c.enhanced, c.labels.is_some()))
            .collect();
        assert_eq!(
            told,
            [
                ("etz_3", 4, Some(false), false),
                ("ldn_1", 3, Some(false), true)
            ]
        );
    }

    #[test]
    fn grades_may_stand_in_json_and_nonsense_is_told() {
        let files = [
            (
                "grades.json",
                r#"{"a": 2, "b": "III", "c": "x", "d": 9, "e": [1]}"#,
            ),
            ("a.nii", ""),
            ("b.nii", ""),
            ("c.nii", ""),
            ("d.nii", ""),
            ("e.nii", ""),
        ];
        let found = graded_cases(folder(&files).path()).unwrap();
        assert_eq!(found.iter().map(|c| c.koos).collect::<Vec<_>>(), [2, 3]);
        assert!(graded_cases(folder(&[("a.nii", "")]).path()).is_err());
        assert!(graded_cases(folder(&[("a.nii", ""), ("g.json", "[")]).path()).is_err());
        assert!(
            graded_cases(folder(&[("a.nii", ""), ("g.csv", "case,koos\nb,1\n")]).path()).is_err()
        );
        assert!(graded_cases(Path::new("nowhere at all")).is_err());
    }
}
