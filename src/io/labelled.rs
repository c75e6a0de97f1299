//! Scans of a folder that have a label map beside them, in the layouts of the crossMoDA challenge.
use super::Error;
use super::cases::{ROLES, last_word, nifti_files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Last words of the names of scans: hrT2 of 2021 and 2022, T2 of 2023, ceT1, and T1 as other collections write it.
const CONTRASTS: [&str; 4] = ["hrt2", "t2", "cet1", "t1"];

/// A scan and the label map beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledScan {
    /// Name of the case: that of the file before its contrast, or where nothing stands there that of its folder. Cases of several folders may share it.
    pub case: String,
    /// Whether the name says that the scan is T1-weighted after contrast agent (`_ceT1`, `_T1`) rather than hrT2.
    pub enhanced: bool,
    /// The scan.
    pub scan: PathBuf,
    /// Its label map.
    pub labels: PathBuf,
}

/// The labelled scans of a folder, in one folder or nested, in the order of their names: a scan `NAME_hrT2.nii.gz` (or `_T2`, `_ceT1`, `_T1`; `.nii` too) with a label map
/// `NAME_hrT2_Label.nii.gz` or `NAME_Label.nii.gz` in the same folder. Scans without a label map and label maps without a scan are left out: a
/// challenge's folder has both.
///
/// # Errors
/// When the folder cannot be read, holds no labelled scan, or holds two label maps of one scan.
pub fn labelled_scans(folder: &Path) -> Result<Vec<LabelledScan>, Error> {
    let wrong = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let files = nifti_files(folder)?;
    let mut maps: BTreeMap<(&Path, &str), &Path> = BTreeMap::new();
    for (stem, path) in &files {
        let (of, role) = last_word(stem);
        let beside = path.parent().unwrap_or(folder);
        if ROLES.contains(&role.as_str())
            && let Some(other) = maps.insert((beside, of), path)
        {
            return Err(wrong(format!(
                "two label maps of one scan ({} and {})",
                other.display(),
                path.display()
            )));
        }
    }
    let mut found = Vec::new();
    for (stem, path) in &files {
        let (before, contrast) = last_word(stem);
        if !CONTRASTS.contains(&contrast.as_str()) {
            continue;
        }
        let beside = path.parent().unwrap_or(folder);
        let Some(labels) = [stem, before]
            .iter()
            .find_map(|of| maps.get(&(beside, *of)))
        else {
            continue;
        };
        let case = if before.is_empty() {
            let name = beside.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        } else {
            before.to_owned()
        };
        found.push(LabelledScan {
            case,
            enhanced: contrast.ends_with("t1"),
            scan: path.clone(),
            labels: (*labels).to_owned(),
        });
    }
    if found.is_empty() {
        let problem = "no scan (NAME_ceT1.nii.gz, NAME_hrT2.nii.gz or NAME_T2.nii.gz) with a label map (NAME_Label.nii.gz) beside it is in this folder";
        return Err(wrong(problem.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Result<Vec<(String, bool, String)>, Error> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
        let scans = labelled_scans(folder.path())?.into_iter();
        Ok(scans
            .map(|s| (s.case, s.enhanced, name(&s.labels)))
            .collect())
    }

    fn pair(case: &str, enhanced: bool, labels: &str) -> (String, bool, String) {
        (case.to_owned(), enhanced, labels.to_owned())
    }

    #[test]
    fn every_layout_gives_its_pairs() {
        // The challenge of 2022, as `schwann phantom --cohort` writes it: what is hidden stays hidden.
        let cohort = [
            "training_source/ldn_1_ceT1.nii.gz",
            "training_source/ldn_1_Label.nii.gz",
            "training_target/ldn_2_hrT2.nii.gz",
            "hidden_truth/ldn_2_Label.nii.gz",
            "hidden_truth/ldn_2_anatomy.nii.gz",
            "infos_source_training.csv",
        ];
        assert_eq!(
            found(&cohort).unwrap(),
            [pair("ldn_1", true, "ldn_1_Label.nii.gz")]
        );
        let flat = [
            "c_1_ceT1.nii",
            "c_1_Label.nii",
            "c_2_T2.nii.gz",
            "c_2_Label.nii.gz",
        ];
        let pairs = found(&flat).unwrap();
        assert_eq!(pairs[0], pair("c_1", true, "c_1_Label.nii"));
        assert_eq!(pairs[1], pair("c_2", false, "c_2_Label.nii.gz"));
        let folders = ["p1/hrT2.nii.gz", "p1/labels.nii.gz"];
        assert_eq!(
            found(&folders).unwrap(),
            [pair("p1", false, "labels.nii.gz")]
        );
        // Both scans of one visit, each with its own label map, as `schwann phantom --modality both` writes them.
        let both = [
            "v_hrT2.nii.gz",
            "v_labels.nii.gz",
            "v_ceT1.nii.gz",
            "v_ceT1_labels.nii.gz",
        ];
        let pairs = found(&both).unwrap();
        assert_eq!(pairs[0], pair("v", true, "v_ceT1_labels.nii.gz"));
        assert_eq!(pairs[1], pair("v", false, "v_labels.nii.gz"));
    }

    #[test]
    fn nothing_and_doubles_are_told() {
        for files in [
            &["a_ceT1.nii.gz"] as &[&str],
            &["a_Label.nii.gz"],
            &["x/a_ceT1.nii.gz", "y/a_Label.nii.gz"],
            &[],
        ] {
            let error = found(files).unwrap_err().to_string();
            assert!(error.starts_with("no scan"), "{error}");
        }
        let doubles = ["a_T2.nii.gz", "a_Label.nii.gz", "a_seg.nii.gz"];
        let error = found(&doubles).unwrap_err().to_string();
        assert!(error.starts_with("two label maps"), "{error}");
        assert!(labelled_scans(Path::new("nowhere at all")).is_err());
    }
}
