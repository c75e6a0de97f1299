//! The two halves of a crossMoDA training folder: labelled ceT1, unlabelled hrT2.
use super::Error;
use super::cases::{ROLES, last_word, nifti_files};
use super::labelled::LabelledScan;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders of the halves, in the challenge's years.
const SOURCE: [&str; 2] = ["training_source", "source_training"];
const TARGET: [&str; 2] = ["training_target", "target_training"];
/// Parts of folders' names that are for no training.
const OTHERS: [&str; 4] = ["valid", "test", "hidden", "truth"];
/// The challenge's table of the source half.
const TABLE: &str = "infos_source_training.csv";
/// Cases that a message names.
const NAMED: usize = 5;

/// A scan that nobody labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlabelledScan {
    /// Name of the case.
    pub case: String,
    /// The scan.
    pub scan: PathBuf,
}

/// What a folder offers to learning without labelled hrT2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halves {
    /// Labelled ceT1 scans, by name.
    pub source: Vec<LabelledScan>,
    /// hrT2 scans, by name. What else lies beside them, label maps for instance, is not looked at.
    pub target: Vec<UnlabelledScan>,
    /// Centre of each case, from the challenge's table or the case's name.
    pub centres: BTreeMap<String, String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Where a file lies by its folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Source,
    Target,
    /// The folders do not tell.
    Either,
    /// For no training.
    Elsewhere,
}

fn place_of(inside: &Path) -> Place {
    let folders = inside.parent().into_iter().flat_map(Path::components);
    let mut place = Place::Either;
    for folder in folders {
        let name = folder.as_os_str().to_string_lossy().to_ascii_lowercase();
        if SOURCE.contains(&name.as_str()) {
            place = Place::Source;
        } else if TARGET.contains(&name.as_str()) {
            place = Place::Target;
        } else if OTHERS.iter().any(|word| name.contains(word)) {
            return Place::Elsewhere;
        }
    }
    place
}

/// The training halves of a folder in the layouts of crossMoDA 2021 to 2023: labelled ceT1 (`NAME_ceT1.nii.gz` with `NAME_Label.nii.gz` beside it, in `training_source` or `source_training`) and hrT2 (`NAME_hrT2.nii.gz` or
/// `NAME_T2.nii.gz`, in `training_target` or `target_training`). Where no folder of these names is, the contrast tells. Folders for validation, testing and hidden truth are passed over.
///
/// # Errors
/// When the folder cannot be read; a half is empty; a ceT1 scan has no label map, or a label map no scan; a case is there twice; or the table names cases that are not there.
pub fn training_halves(folder: &Path) -> Result<Halves, Error> {
    let wrong = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let mut scans: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut maps: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut target: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (stem, path) in nifti_files(folder)? {
        let inside = path.strip_prefix(folder).unwrap_or(&path);
        let place = place_of(inside);
        let (before, role) = last_word(&stem);
        let case = before.to_owned();
        let to = match (place, role.as_str()) {
            (Place::Either | Place::Source, "cet1" | "t1") => &mut scans,
            (Place::Either | Place::Target, "hrt2" | "t2") => &mut target,
            // Beside target scans label maps are nobody's business.
            (Place::Either | Place::Source, role) if ROLES.contains(&role) => &mut maps,
            _ => continue,
        };
        if let Some(other) = to.insert(case.clone(), path.clone()) {
            return Err(wrong(format!(
                "the case `{case}` is there twice ({} and {})",
                other.display(),
                path.display()
            )));
        }
    }
    // Where folders do not tell the halves apart, a label map may lie beside a target scan.
    maps.retain(|case, _| scans.contains_key(case) || !target.contains_key(case));
    if scans.is_empty() {
        return Err(wrong("no ceT1 scan (NAME_ceT1.nii.gz in training_source) is in this folder: there is nothing labelled to learn from".to_owned()));
    }
    if target.is_empty() {
        return Err(wrong("no hrT2 scan (NAME_hrT2.nii.gz in training_target) is in this folder: there is nothing to adapt to".to_owned()));
    }
    let names = |of: &BTreeMap<String, PathBuf>| of.keys().cloned().collect::<BTreeSet<_>>();
    let (have, labelled) = (names(&scans), names(&maps));
    let missing: Vec<_> = have.difference(&labelled).collect();
    if !missing.is_empty() {
        return Err(wrong(format!(
            "{} of {} ceT1 scans have no label map (NAME_Label.nii.gz): {}",
            missing.len(),
            have.len(),
            listed(&missing)
        )));
    }
    let alone: Vec<_> = labelled.difference(&have).collect();
    if !alone.is_empty() {
        return Err(wrong(format!(
            "{} label maps have no ceT1 scan: {}",
            alone.len(),
            listed(&alone)
        )));
    }
    let mut warnings = Vec::new();
    let mut centres = table_of_centres(folder, &have, &mut warnings)?;
    for case in have.iter().chain(target.keys()) {
        if let Some(centre) = centre_by_name(case) {
            centres
                .entry(case.clone())
                .or_insert_with(|| centre.to_owned());
        }
    }
    let paired: Vec<_> = have
        .iter()
        .filter(|case| target.contains_key(*case))
        .collect();
    if !paired.is_empty() {
        warnings.push(format!(
            "{} cases are in both halves, which learning without pairs does not need: {}",
            paired.len(),
            listed(&paired)
        ));
    }
    let source = scans.into_iter().map(|(case, scan)| LabelledScan {
        labels: maps.get(&case).cloned().unwrap_or_default(),
        case,
        enhanced: true,
        scan,
    });
    let target = target
        .into_iter()
        .map(|(case, scan)| UnlabelledScan { case, scan });
    let halves = Halves {
        source: source.collect(),
        target: target.collect(),
        centres,
        warnings,
    };
    Ok(halves.with_word_of_centres())
}

impl Halves {
    /// Adds what is to be said of the centres.
    fn with_word_of_centres(mut self) -> Self {
        let of = |case: &String| self.centres.get(case).map(String::as_str);
        let source: BTreeSet<_> = self.source.iter().map(|s| of(&s.case)).collect();
        let target: BTreeSet<_> = self.target.iter().map(|s| of(&s.case)).collect();
        if let [Some(only)] = source.union(&target).copied().collect::<Vec<_>>()[..] {
            self.warnings.push(format!(
                "all cases are from one centre ({only}): what is learned may not hold for scans from elsewhere"
            ));
        }
        self
    }
}

/// The first names of several.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(NAMED);
    match more {
        0 => first.join(", "),
        n => format!("{} and {n} more", first.join(", ")),
    }
}

/// The hrT2 scans of a folder (`NAME_hrT2.nii.gz` or `NAME_T2.nii.gz`), in it or nested, by name of the case, wherever they lie.
///
/// # Errors
/// When the folder cannot be read, holds none, or two of one case.
pub fn target_scans(folder: &Path) -> Result<Vec<UnlabelledScan>, Error> {
    let wrong = |problem: String| Error::Cases {
        problem,
        path: folder.to_owned(),
    };
    let mut scans: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (stem, path) in nifti_files(folder)? {
        let (case, role) = last_word(&stem);
        if matches!(role.as_str(), "hrt2" | "t2") && scans.insert(case.to_owned(), path).is_some() {
            return Err(wrong(format!("the case `{case}` is there twice")));
        }
    }
    if scans.is_empty() {
        let text = "no hrT2 scan (NAME_hrT2.nii.gz) is in this folder";
        return Err(wrong(text.to_owned()));
    }
    let scan = |(case, scan)| UnlabelledScan { case, scan };
    Ok(scans.into_iter().map(scan).collect())
}

/// The centre that a case of crossMoDA has in its name: London and Tilburg since 2022, the third since 2023.
pub fn centre_by_name(case: &str) -> Option<&'static str> {
    let words = [("ldn", "London"), ("etz", "Tilburg"), ("ukm", "UK MC-RC")];
    let part = |word: &str| case.split('_').any(|p| p.eq_ignore_ascii_case(word));
    words.into_iter().find(|(w, _)| part(w)).map(|(_, c)| c)
}

/// Case and centre of the challenge's table, where the folder has one.
fn table_of_centres(
    folder: &Path,
    have: &BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut centres = BTreeMap::new();
    let path = folder.join(TABLE);
    if !path.is_file() {
        return Ok(centres);
    }
    let wrong = |problem: String| Error::Table {
        problem,
        path: path.clone(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_path(&path)
        .map_err(|e| wrong(e.to_string()))?;
    let headers = reader.headers().map_err(|e| wrong(e.to_string()))?;
    let column = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
    let Some(of_name) = column("crossmoda_name") else {
        return Err(wrong("a column `crossmoda_name` is wanted".to_owned()));
    };
    let of_centre = column("center");
    for row in reader.records() {
        let row = row.map_err(|e| wrong(e.to_string()))?;
        let Some(case) = row.get(of_name).filter(|c| !c.is_empty()) else {
            continue;
        };
        let centre = of_centre.and_then(|at| row.get(at)).unwrap_or_default();
        centres.insert(case.to_owned(), centre.to_owned());
    }
    let absent: Vec<_> = centres.keys().filter(|c| !have.contains(*c)).collect();
    if !absent.is_empty() {
        return Err(wrong(format!(
            "it names {} cases that are not in the folder: {}; complete the folder or take their rows out",
            absent.len(),
            listed(&absent)
        )));
    }
    let unnamed: Vec<_> = have.iter().filter(|c| !centres.contains_key(*c)).collect();
    if !unnamed.is_empty() {
        warnings.push(format!(
            "{} ceT1 scans are not in {TABLE}: {}",
            unnamed.len(),
            listed(&unnamed)
        ));
    }
    centres.retain(|_, centre| !centre.is_empty());
    Ok(centres)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(files: &[&str], table: Option<&str>) -> Result<Halves, String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        if let Some(text) = table {
            std::fs::write(folder.path().join(TABLE), text).unwrap();
        }
        training_halves(folder.path()).map_err(|e| e.to_string())
    }

    const COHORT: [&str; 6] = [
        "training_source/crossmoda2021_ldn_1_ceT1.nii.gz",
        "training_source/crossmoda2021_ldn_1_Label.nii.gz",
        "training_source/crossmoda2022_etz_0_ceT1.nii.gz",
        "training_source/crossmoda2022_etz_0_Label.nii.gz",
        "training_target/crossmoda2021_ldn_9_hrT2.nii.gz",
        "hidden_truth/crossmoda2021_ldn_9_Label.nii.gz",
    ];

    fn names(halves: &Halves) -> (Vec<&str>, Vec<&str>) {
        (
            halves.source.iter().map(|s| s.case.as_str()).collect(),
            halves.target.iter().map(|s| s.case.as_str()).collect(),
        )
    }

    #[test]
    fn every_layout_gives_both_halves_and_no_truth_of_the_target() {
        let table = "\"crossmoda_name\",\"group\",\"center\",\"koos\"\r\n\"crossmoda2021_ldn_1\",\"training_source\",\"London\",\"2\"\r\n\"crossmoda2022_etz_0\",\"training_source\",\"Tilburg\",\"3\"\r\n";
        let found = halves(&COHORT, Some(table)).unwrap();
        let both = ["crossmoda2021_ldn_1", "crossmoda2022_etz_0"];
        assert_eq!(names(&found), (both.to_vec(), vec!["crossmoda2021_ldn_9"]));
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        assert_eq!(found.centres["crossmoda2022_etz_0"], "Tilburg");
        // What is planted beside the target scans changes nothing.
        let planted = "training_target/crossmoda2021_ldn_9_Label.nii.gz";
        let with = halves(&[&COHORT[..], &[planted]].concat(), Some(table)).unwrap();
        assert_eq!(names(&with), names(&found));
        let years = [
            "source_training/crossmoda_1_ceT1.nii.gz",
            "source_training/crossmoda_1_Label.nii.gz",
            "target_training/crossmoda_106_hrT2.nii.gz",
            "target_validation/crossmoda_211_hrT2.nii.gz",
        ];
        assert_eq!(
            names(&halves(&years, None).unwrap()),
            (vec!["crossmoda_1"], vec!["crossmoda_106"])
        );
        let flat = ["a_ceT1.nii", "a_Label.nii", "b_T2.nii.gz", "b_Label.nii.gz"];
        assert_eq!(names(&halves(&flat, None).unwrap()), (vec!["a"], vec!["b"]));
    }

    #[test]
    fn every_fault_gets_a_clear_word() {
        let without = |name: &str| {
            let files: Vec<&str> = COHORT.into_iter().filter(|f| !f.ends_with(name)).collect();
            halves(&files, None).unwrap_err()
        };
        let said = without("etz_0_Label.nii.gz");
        assert!(
            said.starts_with("1 of 2 ceT1 scans have no label map"),
            "{said}"
        );
        assert!(said.contains("crossmoda2022_etz_0"), "{said}");
        let said = without("etz_0_ceT1.nii.gz");
        assert!(said.starts_with("1 label maps have no ceT1 scan"), "{said}");
        assert!(without("hrT2.nii.gz").starts_with("no hrT2 scan"));
        assert!(halves(&[], None).unwrap_err().starts_with("no ceT1 scan"));
        assert!(training_halves(Path::new("nowhere at all")).is_err());
        let twice = [
            &COHORT[..],
            &["training_source/more/crossmoda2022_etz_0_ceT1.nii"],
        ]
        .concat();
        assert!(halves(&twice, None).unwrap_err().contains("is there twice"));
        let table = "crossmoda_name,center\ncrossmoda2021_ldn_1,London\nghost,London\n";
        let said = halves(&COHORT, Some(table)).unwrap_err();
        assert!(
            said.contains("names 1 cases that are not in the folder: ghost"),
            "{said}"
        );
        assert!(
            halves(&COHORT, Some("name\nx\n"))
                .unwrap_err()
                .contains("crossmoda_name")
        );
        let table = "crossmoda_name,center\ncrossmoda2021_ldn_1,London\n";
        let warned = halves(&COHORT, Some(table)).unwrap().warnings;
        assert!(warned[0].contains("1 ceT1 scans are not in"), "{warned:?}");
        let one: Vec<&str> = COHORT.into_iter().filter(|f| !f.contains("etz")).collect();
        let warned = halves(&one, None).unwrap().warnings;
        assert!(warned[0].contains("one centre (London)"), "{warned:?}");
        let paired = [
            &COHORT[..],
            &["training_target/crossmoda2021_ldn_1_hrT2.nii.gz"],
        ]
        .concat();
        let warned = halves(&paired, None).unwrap().warnings;
        assert!(
            warned[0].starts_with("1 cases are in both halves"),
            "{warned:?}"
        );
    }
}
