//! Scans of a folder with their label maps and Koos grades, as the crossMoDA challenge gives them.
use super::cases::nifti_files;
use super::{Error, labelled_scans, read_grades};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// End of the name of a parcellation.
const PARCELLATION: &str = "_GIFoutput";
/// The challenge's table.
const TABLE: &str = "infos_source_training.csv";

/// A labelled scan whose grade is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradedScan {
    /// Name of the case.
    pub case: String,
    /// The scan.
    pub scan: PathBuf,
    /// Its label map: tumour and cochleae.
    pub labels: PathBuf,
    /// Its parcellation with GIF's values, if there is one.
    pub parcellation: Option<PathBuf>,
    /// Koos grade, 1 to 4.
    pub grade: u8,
}

/// The labelled scans of a folder ([`labelled_scans`]) that have a grade in its table `infos_source_training.csv`, or in the only `.csv` file beside them ([`read_grades`]). Cases without a grade, and those
/// after surgery, are left out. A file `NAME_GIFoutput.nii.gz` anywhere in the folder is the case's parcellation.
///
/// # Errors
/// When there is no table, or no labelled scan has a grade in it, or a case has two parcellations.
pub fn graded_scans(folder: &Path) -> Result<Vec<GradedScan>, Error> {
    let wrong = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let grades = read_grades(&table(folder)?)?;
    let mut parcellations: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (stem, path) in nifti_files(folder)? {
        if let Some(case) = stem.strip_suffix(PARCELLATION)
            && parcellations.insert(case.to_owned(), path).is_some()
        {
            return Err(wrong(format!("two parcellations of the case `{case}`")));
        }
    }
    let graded = labelled_scans(folder)?.into_iter().filter_map(|found| {
        Some(GradedScan {
            grade: *grades.get(&found.case)?,
            parcellation: parcellations.get(&found.case).cloned(),
            case: found.case,
            scan: found.scan,
            labels: found.labels,
        })
    });
    let graded: Vec<GradedScan> = graded.collect();
    if graded.is_empty() {
        return Err(wrong(
            "no labelled scan has a grade in the table".to_owned(),
        ));
    }
    Ok(graded)
}

/// The table of grades of a folder.
fn table(folder: &Path) -> Result<PathBuf, Error> {
    let named = folder.join(TABLE);
    if named.is_file() {
        return Ok(named);
    }
    let open = |source| Error::Open {
        source,
        path: folder.to_owned(),
    };
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(open)? {
        let path = entry.map_err(open)?.path();
        if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
        {
            tables.push(path);
        }
    }
    match (tables.pop(), tables.is_empty()) {
        (Some(table), true) => Ok(table),
        _ => Err(Error::Cases {
            problem: format!("a table of grades, {TABLE}, is wanted in this folder"),
            path: folder.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str], csv: Option<(&str, &str)>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        if let Some((name, text)) = csv {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn cases_after_surgery_and_without_a_grade_are_left_out() {
        let files = [
            "training_source/a_ceT1.nii.gz",
            "training_source/a_Label.nii.gz",
            "training_source/b_ceT1.nii.gz",
            "training_source/b_Label.nii.gz",
            "training_source/c_ceT1.nii.gz",
            "training_source/c_Label.nii.gz",
            "training_source_GIF/training_source_GIF/a_GIFoutput.nii.gz",
        ];
        let csv = "\"crossmoda_name\",\"group\",\"center\",\"koos\"\r\n\"a\",\"training_source\",\"London\",\"3\"\r\n\"b\",\"training_source\",\"London\",\"post-operative-london\"\r\n";
        let found = folder(&files, Some(("infos_source_training.csv", csv)));
        let scans = graded_scans(found.path()).unwrap();
        assert_eq!(scans.len(), 1);
        assert_eq!((scans[0].case.as_str(), scans[0].grade), ("a", 3));
        assert!(
            scans[0]
                .parcellation
                .as_ref()
                .unwrap()
                .ends_with("a_GIFoutput.nii.gz")
        );
    }

    #[test]
    fn what_is_missing_or_double_is_told() {
        let pair = ["a_ceT1.nii.gz", "a_Label.nii.gz"];
        let told = |files: &[&str], csv| {
            let found = folder(files, csv);
            graded_scans(found.path()).unwrap_err().to_string()
        };
        assert!(told(&pair, None).starts_with("a table of grades"));
        let other = Some(("grades.csv", "case,koos\nb,2\n"));
        assert!(told(&pair, other).starts_with("no labelled scan has a grade"));
        let double = [
            pair[0],
            pair[1],
            "x/a_GIFoutput.nii.gz",
            "y/a_GIFoutput.nii",
        ];
        let csv = Some(("grades.csv", "case,koos\na,2\n"));
        assert!(told(&double, csv).starts_with("two parcellations"));
        assert_eq!(graded_scans(folder(&pair, csv).path()).unwrap().len(), 1);
    }
}
