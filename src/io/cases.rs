//! Label maps of many cases in a folder.
use super::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most files that a folder of cases may hold.
const MOST_FILES: usize = 100_000;
/// Folders inside folders.
const DEPTH: usize = 8;
/// Ends of a name that say what the file is, not whose.
pub(super) const ROLES: [&str; 10] = [
    "label",
    "labels",
    "labelmap",
    "seg",
    "segmentation",
    "pred",
    "prediction",
    "mask",
    "gt",
    "truth",
];
/// Files that are scans by name.
const SCANS: [&str; 6] = ["hrt2", "cet1", "t1", "t2", "flair", "anatomy"];

/// The label maps (`.nii`, `.nii.gz`) of a folder by the name of their case, in one folder or nested.
///
/// A case is named by its file without what says that it is a label map (`crossmoda_1_Label.nii.gz` is case `crossmoda_1`); where
/// that leaves nothing (`case_1/labels.nii.gz`), or files of several folders share it, by as many folders before it as tell all apart. Scans (`…_hrT2`, `…_ceT1`) and hidden files are passed over.
///
/// # Errors
/// When the folder cannot be read, holds no label map, or holds two of one case.
pub fn label_maps_by_case(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let cases = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let mut found: Vec<(Vec<String>, String, PathBuf)> = Vec::new();
    for (stem, path) in nifti_files(folder)? {
        let (before, last) = last_word(&stem);
        if SCANS.contains(&last.as_str()) {
            continue;
        }
        let own = if ROLES.contains(&last.as_str()) {
            before.to_owned()
        } else {
            stem
        };
        let inside = path.strip_prefix(folder).unwrap_or(&path);
        let parents = inside.parent().into_iter().flat_map(Path::components);
        let parents = parents.map(|c| c.as_os_str().to_string_lossy().into_owned());
        found.push((parents.collect(), own, path));
    }
    if found.is_empty() {
        return Err(cases(
            "no label map (.nii or .nii.gz) is in this folder".to_owned(),
        ));
    }
    let mut by_own: BTreeMap<String, usize> = BTreeMap::new();
    for (_, own, _) in &found {
        *by_own.entry(own.clone()).or_default() += 1;
    }
    let deepest = found.iter().map(|(parents, ..)| parents.len()).max();
    let named = |parents: &[String], own: &str, depth: usize| {
        let alone = !own.is_empty() && by_own.get(own) == Some(&1);
        let depth = if alone { 0 } else { depth.min(parents.len()) };
        let folders = parents[parents.len() - depth..].iter().map(String::as_str);
        let own = Some(own).filter(|own| !own.is_empty());
        folders.chain(own).collect::<Vec<_>>().join("/")
    };
    // The fewest folders that tell all cases apart: `run_1/case_1/labels.nii.gz` is `case_1` too where that is enough.
    let depth = (1..=deepest.unwrap_or(0)).find(|&depth| {
        let names: BTreeSet<String> = (found.iter())
            .map(|(parents, own, _)| named(parents, own, depth))
            .collect();
        names.len() == found.len()
    });
    let depth = depth.or(deepest).unwrap_or(0);
    let mut maps = BTreeMap::new();
    for (parents, own, path) in &found {
        let case = named(parents, own, depth);
        if let Some(other) = maps.insert(case.clone(), path.clone()) {
            return Err(cases(format!(
                "two label maps of the case `{case}` ({})",
                other.display()
            )));
        }
    }
    Ok(maps)
}

/// The scans (`.nii`, `.nii.gz`) of a folder, in it or nested, in the order of their names; files whose names say that they are label maps are passed over.
///
/// # Errors
/// When the folder cannot be read, holds no scan, or holds more than `most`.
pub fn scans_in(folder: &Path, most: usize) -> Result<Vec<PathBuf>, Error> {
    let wrong = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let files = nifti_files(folder)?.into_iter();
    let scans: Vec<PathBuf> = files
        .filter(|(stem, _)| !ROLES.contains(&last_word(stem).1.as_str()))
        .map(|(_, path)| path)
        .collect();
    match scans.len() {
        0 => Err(wrong(
            "no NIfTI scan (.nii or .nii.gz) is in this folder".to_owned(),
        )),
        n if n > most => Err(wrong(format!(
            "{n} scans are in this folder, more than the {most} that are opened together; choose those of one patient"
        ))),
        _ => Ok(scans),
    }
}

/// The NIfTI files of a folder, in it or nested, each with its name less the ending; in the order of their names. Hidden files are passed over.
pub(super) fn nifti_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    let entries = walkdir::WalkDir::new(folder).max_depth(DEPTH);
    for entry in entries.sort_by_file_name() {
        let entry = entry.map_err(|e| {
            let path = e.path().unwrap_or(folder).to_owned();
            Error::Open {
                source: e.into(),
                path,
            }
        })?;
        let name = entry.file_name().to_string_lossy();
        let stem = name
            .strip_suffix(".nii.gz")
            .or_else(|| name.strip_suffix(".nii"));
        if let Some(stem) = stem.filter(|s| entry.path().is_file() && !s.starts_with('.')) {
            found.push((stem.to_owned(), entry.path().to_owned()));
        }
        if found.len() > MOST_FILES {
            return Err(Error::Cases {
                problem: format!("more than {MOST_FILES} files"),
                path: folder.to_owned(),
            });
        }
    }
    Ok(found)
}

/// What stands before the last `_` of a name, and the word after it in lower case.
pub(super) fn last_word(stem: &str) -> (&str, String) {
    let last = stem.rsplit('_').next().unwrap_or(stem);
    let before = stem[..stem.len() - last.len()].trim_end_matches('_');
    (before, last.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(files: &[&str]) -> Result<Vec<String>, Error> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        Ok(label_maps_by_case(folder.path())?.into_keys().collect())
    }

    #[test]
    fn a_case_has_one_name_in_every_layout() {
        let flat = [
            "ldn_1_Label.nii.gz",
            "ldn_2_Label.nii.gz",
            "ldn_1_ceT1.nii.gz",
            "list.csv",
        ];
        let plain = ["ldn_1.nii.gz", "ldn_2.nii"];
        let nested = ["x/ldn_1/labels.nii.gz", "x/ldn_2/labels.nii.gz"];
        assert_eq!(cases(&flat).unwrap(), ["ldn_1", "ldn_2"]);
        assert_eq!(cases(&plain).unwrap(), ["ldn_1", "ldn_2"]);
        assert_eq!(cases(&nested).unwrap(), ["ldn_1", "ldn_2"]);
        let centres = ["a/1/labels.nii.gz", "b/1/labels.nii.gz"];
        assert_eq!(cases(&centres).unwrap(), ["a/1", "b/1"]);
        assert_eq!(cases(&["r/a/1.nii", "r/b/1.nii"]).unwrap(), ["a/1", "b/1"]);
        assert_eq!(cases(&["ldn_1/ldn_1_pred.nii.gz"]).unwrap(), ["ldn_1"]);
    }

    #[test]
    fn a_folder_gives_its_scans_without_label_maps_and_not_a_cohort() {
        let folder = tempfile::tempdir().unwrap();
        assert!(scans_in(folder.path(), 3).is_err());
        for name in ["2020.nii.gz", "2021.nii", "2021_Label.nii", "notes.txt"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let scans = scans_in(folder.path(), 3).unwrap();
        let names: Vec<_> = scans.iter().filter_map(|p| p.file_name()).collect();
        assert_eq!(names, ["2020.nii.gz", "2021.nii"]);
        assert!(scans_in(folder.path(), 1).is_err());
    }

    #[test]
    fn nothing_and_doubles_are_told() {
        assert!(cases(&["a_ceT1.nii.gz"]).is_err());
        assert!(cases(&["a_Label.nii.gz", "a_pred.nii.gz"]).is_err());
        assert!(label_maps_by_case(Path::new("nowhere at all")).is_err());
    }
}
