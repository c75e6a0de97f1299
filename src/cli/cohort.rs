//! `schwann phantom --cohort`: synthetic patients in the layout of the crossMoDA 2022 challenge.
use super::{
    output,
    phantom::{write_anatomy, write_json, write_legend},
};
use crate::{
    io,
    measure::KoosGrade,
    phantom::{Family, GridSpec, Half, Member, Scan, Site, members},
    volume::{LabelMap, LabelTable, Progress, Structure},
};
use anyhow::Context;
use serde::Serialize;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// What a participant of the challenge is given, and what only its organisers have.
const SOURCE: &str = "training_source";
const TARGET: &str = "training_target";
const HIDDEN: &str = "hidden_truth";

#[derive(Debug, Serialize)]
struct Case {
    name: String,
    group: &'static str,
    center: &'static str,
    koos: String,
    scan: PathBuf,
    /// Given to participants in the source half, hidden in the target half.
    labels: PathBuf,
    anatomy: PathBuf,
    truth: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output {
    cases: Vec<Case>,
    source_csv: PathBuf,
    target_csv: PathBuf,
    anatomy_legend: PathBuf,
    notice: &'static str,
}

/// Writes a cohort of a family. What has been written when it stops is whole.
pub(super) fn run(
    folder: &Path,
    count: usize,
    (seed, family): (u64, Family),
    json: bool,
) -> anyhow::Result<()> {
    let usual = members(count, seed).into_iter();
    let cohort: Vec<Member> = usual.map(|m| Member { family, ..m }).collect();
    let output = write(folder, &cohort, None)?;
    output::result(json, &output, || {
        format!("{count} synthetic patients in {}", folder.display())
    })
}

/// Writes the members on a grid, or on the sites' own.
fn write(folder: &Path, members: &[Member], grid: Option<GridSpec>) -> anyhow::Result<Output> {
    for name in [SOURCE, TARGET, HIDDEN] {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut bar = output::Bar::new();
    let mut cases = Vec::new();
    for (n, member) in members.iter().enumerate() {
        let scan = member
            .scan(grid, &mut |p| {
                bar.show(Progress {
                    fraction: (n as f32 + p.fraction) / members.len() as f32,
                    ..p
                })
            })
            .with_context(|| format!("case {}", member.name()))?;
        cases.push(write_case(folder, member, &scan)?);
    }
    drop(bar);
    let hidden = folder.join(HIDDEN);
    let output = Output {
        source_csv: write_table(&folder.join("infos_source_training.csv"), &cases, SOURCE)?,
        target_csv: write_table(&hidden.join("infos_target_training.csv"), &cases, TARGET)?,
        anatomy_legend: write_legend(&hidden)?,
        cases,
        notice: "synthetic data",
    };
    Ok(output)
}

fn write_case(folder: &Path, member: &Member, scan: &Scan) -> anyhow::Result<Case> {
    let name = member.name();
    let hidden = folder.join(HIDDEN);
    let (group, ending) = match member.half {
        Half::Source => (SOURCE, "ceT1"),
        Half::Target => (TARGET, "hrT2"),
    };
    let given = folder.join(group);
    let labels_in = match member.half {
        Half::Source => &given,
        Half::Target => &hidden,
    };
    let case = Case {
        group,
        center: match member.site {
            Site::London => "London",
            Site::Tilburg => "Tilburg",
        },
        koos: scan.truth.koos.map_or_else(String::new, |k| k.to_string()),
        scan: given.join(format!("{name}_{ending}.nii.gz")),
        labels: labels_in.join(format!("{name}_Label.nii.gz")),
        anatomy: hidden.join(format!("{name}_anatomy.nii.gz")),
        truth: hidden.join(format!("{name}_truth.json")),
        name,
    };
    io::write_volume(&case.scan, &scan.volume)?;
    io::write_labels(&case.labels, &challenge_labels(&scan.labels)?)?;
    write_anatomy(&case.anatomy, scan)?;
    write_json(&case.truth, &scan.truth)?;
    Ok(case)
}

/// The challenge's labels: 1 is the tumour, 2 both cochleae, nothing else.
fn challenge_labels(labels: &LabelMap) -> anyhow::Result<LabelMap> {
    let table = LabelTable::new([
        (1, Structure::VestibularSchwannoma),
        (2, Structure::Cochlea),
    ]);
    let of_value = |value: &u8| {
        let structure = labels.table().structure(*value);
        structure.and_then(|s| table.value(s)).unwrap_or(0)
    };
    let kept = labels.labels().iter().map(of_value).collect();
    Ok(LabelMap::new(*labels.grid(), kept, table)?)
}

/// Writes the challenge's table of a group: names in quotes, grades as numbers from 1.
fn write_table(path: &Path, cases: &[Case], group: &str) -> anyhow::Result<PathBuf> {
    let mut text = String::from("\"crossmoda_name\",\"group\",\"center\",\"koos\"\n");
    for case in cases.iter().filter(|c| c.group == group) {
        let grade = KoosGrade::ALL
            .iter()
            .position(|k| k.to_string() == case.koos);
        let koos = grade.map_or_else(String::new, |n| (n + 1).to_string());
        writeln!(
            text,
            "\"{}\",\"{group}\",\"{}\",\"{koos}\"",
            case.name, case.center
        )?;
    }
    io::write_atomically(path, |w| w.write_all(text.as_bytes()))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const TINY: GridSpec = GridSpec {
        shape: [96, 64, 12],
        spacing_mm: [1.0, 1.0, 2.0],
    };

    /// Every file under a folder by its path within it.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    #[test]
    fn a_cohort_is_the_same_on_any_number_of_threads_and_hides_the_target_half() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cohort = members(2, 5);
        let output = write(one.path(), &cohort, Some(TINY)).unwrap();
        let single = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        single.install(|| write(two.path(), &cohort, Some(TINY)).unwrap());
        let files = files(one.path());
        assert!(files == self::files(two.path()), "files differ");
        let names: Vec<_> = files
            .keys()
            .map(|p| p.to_string_lossy().replace('\\', "/"))
            .collect();
        assert_eq!(
            names,
            [
                "hidden_truth/anatomy.json",
                "hidden_truth/crossmoda2021_ldn_1_anatomy.nii.gz",
                "hidden_truth/crossmoda2021_ldn_1_truth.json",
                "hidden_truth/crossmoda2021_ldn_2_Label.nii.gz",
                "hidden_truth/crossmoda2021_ldn_2_anatomy.nii.gz",
                "hidden_truth/crossmoda2021_ldn_2_truth.json",
                "hidden_truth/infos_target_training.csv",
                "infos_source_training.csv",
                "training_source/crossmoda2021_ldn_1_Label.nii.gz",
                "training_source/crossmoda2021_ldn_1_ceT1.nii.gz",
                "training_target/crossmoda2021_ldn_2_hrT2.nii.gz",
            ]
        );
        for (csv, case) in [&output.source_csv, &output.target_csv]
            .into_iter()
            .zip(&output.cases)
        {
            let text = std::fs::read_to_string(csv).unwrap();
            let rows: Vec<Vec<&str>> = text
                .lines()
                .map(|line| line.split(',').map(|v| v.trim_matches('"')).collect())
                .collect();
            assert_eq!(rows.len(), 2);
            assert_eq!(rows[0], ["crossmoda_name", "group", "center", "koos"]);
            assert_eq!(rows[1][..3], [case.name.as_str(), case.group, case.center]);
            let grade: usize = rows[1][3].parse().unwrap();
            assert_eq!(KoosGrade::ALL[grade - 1].to_string(), case.koos);
            let (labels, _) = io::read_labels(&case.labels, &LabelTable::default()).unwrap();
            assert!(labels.labels().iter().all(|v| *v <= 2));
            for structure in [Structure::VestibularSchwannoma, Structure::Cochlea] {
                assert!(labels.count(structure) > 0, "{structure}");
            }
        }
    }
}
