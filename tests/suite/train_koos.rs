//! Training of the Koos graders on a few phantoms: it stops and goes on, and what it writes can be used; and on a folder as the crossMoDA challenge gives it.
use schwann::{
    io::{write_labels, write_volume},
    measure::{KoosBasis, KoosGrade, with_parcellation},
    model::ClassifierDescription,
    phantom::{GridSpec, Modality, Patient, PatientSpec, Region, Scan, Site, VisitSpec},
    predict::{GradeProbabilities, KoosCase, KoosModel},
    train::{Error, KoosTraining, LabelSource, train_koos},
    volume::{LabelMap, LabelTable, Side, Structure, unobserved},
};
use std::ops::ControlFlow;
use std::path::Path;

/// A network and a forest too small to be good.
fn small(out: &Path) -> KoosTraining {
    let config = KoosTraining::new(out.to_path_buf());
    KoosTraining {
        phantoms: [4, 4, 0],
        label_shares: [10, 0],
        held_out_labels: LabelSource::Exact,
        network: ClassifierDescription {
            channels: vec![2, 3, 4],
            hidden: 5,
            ..config.network
        },
        steps: 6,
        batch: 2,
        checkpoint_every: 2,
        ..config
    }
}

fn sum(p: Option<GradeProbabilities>) -> f64 {
    <[f64; 4]>::from(p.unwrap()).iter().sum()
}

/// The scan of a patient about both ears, on coarse voxels.
fn scan(grade: KoosGrade, seed: u64) -> Scan {
    let spec = PatientSpec {
        seed,
        koos: Some(grade),
        ..PatientSpec::default()
    };
    let visit = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality: Modality::CeT1,
        seed,
        grid: Some(GridSpec {
            shape: [116, 94, 48],
            spacing_mm: [0.9, 0.9, 1.5],
        }),
    };
    Patient::new(&spec)
        .unwrap()
        .scan(&visit, &mut unobserved)
        .unwrap()
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_graders() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let summary = train_koos(&small(whole.path()), &mut unobserved).unwrap();
    assert_eq!((summary.steps, summary.held_out.counts()[0]), (6, 4));
    // Examples that are there already are not made again; the network stops after half of its steps and goes on.
    let examples = broken.path().join("examples");
    std::fs::create_dir_all(&examples).unwrap();
    for entry in std::fs::read_dir(whole.path().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, examples.join(path.file_name().unwrap())).unwrap();
    }
    let resumed = KoosTraining {
        resume: true,
        ..small(broken.path())
    };
    let stopped = train_koos(&resumed, &mut |p| {
        if p.stage.contains("network") && p.fraction >= 0.5 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let again = train_koos(&resumed, &mut unobserved).unwrap();
    assert_eq!(again.sha256, summary.sha256);
    assert_eq!(again.weights, summary.weights);
    let log = std::fs::read_to_string(broken.path().join("log.csv")).unwrap();
    assert_eq!(log.lines().count(), 7);
    // The folder is a model, whose card says first what it is not.
    let model = KoosModel::from_folder(whole.path()).unwrap();
    assert_eq!(model.info().sha256, summary.sha256);
    let card = std::fs::read_to_string(whole.path().join("card.md")).unwrap();
    assert!(card.starts_with("Trained on synthetic patients only"));
    let scan = scan(KoosGrade::III, 1000);
    let assessment = KoosBasis::of(&scan.labels).assess(None);
    let case = KoosCase {
        scan: &scan.volume,
        labels: &scan.labels,
        assessment: &assessment,
        parcellation: None,
    };
    let said = model.grade(case).unwrap();
    for grader in [said.graders.rule, said.graders.forest, said.graders.network] {
        assert!((sum(grader) - 1.0).abs() < 1e-9);
    }
    assert!(said.combined.is_some());
    // Without a brainstem no grader speaks.
    let table = LabelTable::new([
        (1, Structure::VestibularSchwannoma),
        (2, Structure::Cochlea),
    ]);
    let few = scan
        .labels
        .labels()
        .iter()
        .map(|l| if *l > 2 { 0 } else { *l });
    let few = LabelMap::new(*scan.labels.grid(), few.collect(), table).unwrap();
    let assessment = KoosBasis::of(&few).assess(None);
    let case = KoosCase {
        labels: &few,
        assessment: &assessment,
        ..case
    };
    assert!(model.grade(case).unwrap().combined.is_none());
    // A damaged folder is refused.
    std::fs::write(whole.path().join("forest.json"), "{}").unwrap();
    assert!(KoosModel::from_folder(whole.path()).is_err());
}

/// A parcellation with GIF's values: the upper half of the brainstem is pons, the vermis is divided by height.
fn gif(scan: &Scan) -> LabelMap {
    let grid = scan.labels.grid();
    let height = |n: usize| grid.point_in_world(grid.voxel(n)).z;
    let mean = |region: Region| {
        let of = scan.regions.iter().enumerate();
        let of: Vec<f64> = of
            .filter(|(_, r)| **r == region.value())
            .map(|(n, _)| height(n))
            .collect();
        of.iter().sum::<f64>() / of.len().max(1) as f64
    };
    let (brainstem, vermis) = (mean(Region::Brainstem), mean(Region::Vermis));
    let value = |(n, region): (usize, &u8)| match Region::of_value(*region) {
        Some(Region::Brainstem) if height(n) > brainstem => 35,
        Some(Region::Brainstem) => 36,
        Some(Region::FourthVentricle) => 12,
        Some(Region::Cerebellum(Side::Left)) => 40,
        Some(Region::Cerebellum(Side::Right)) => 39,
        Some(Region::Vermis) if height(n) > vermis + 5.0 => 72,
        Some(Region::Vermis) if height(n) > vermis - 5.0 => 73,
        Some(Region::Vermis) => 74,
        _ => 0,
    };
    let values = scan.regions.iter().enumerate().map(value).collect();
    LabelMap::new(*grid, values, LabelTable::new([])).unwrap()
}

#[test]
fn a_folder_of_the_challenge_gives_graders_with_the_nine_features() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [source, parcels] = ["training_source", "training_source_GIF"].map(|n| data.path().join(n));
    std::fs::create_dir_all(&source).unwrap();
    std::fs::create_dir_all(&parcels).unwrap();
    let mut table = "crossmoda_name,group,center,koos\n".to_owned();
    let mut last = None;
    for (n, grade) in KoosGrade::ALL.into_iter().enumerate() {
        let scan = scan(grade, 1000);
        let two = |l: &u8| if *l > 2 { 0 } else { *l };
        let given = scan.labels.labels().iter().map(two).collect();
        let given = LabelMap::new(*scan.labels.grid(), given, LabelTable::default()).unwrap();
        for copy in ["a", "b"] {
            let case = format!("case_{}{copy}", n + 1);
            write_volume(&source.join(format!("{case}_ceT1.nii.gz")), &scan.volume).unwrap();
            write_labels(&source.join(format!("{case}_Label.nii.gz")), &given).unwrap();
            write_labels(
                &parcels.join(format!("{case}_GIFoutput.nii.gz")),
                &gif(&scan),
            )
            .unwrap();
            table += &format!("{case},training_source,London,{}\n", n + 1);
        }
        last = Some((scan, given));
    }
    // One more after surgery: its files are there, its grade is none.
    let (scan, given) = last.unwrap();
    write_volume(&source.join("operated_ceT1.nii.gz"), &scan.volume).unwrap();
    write_labels(&source.join("operated_Label.nii.gz"), &given).unwrap();
    table += "operated,training_source,London,post-operative-london\n";
    std::fs::write(data.path().join("infos_source_training.csv"), table).unwrap();
    let config = KoosTraining {
        data: Some(data.path().to_path_buf()),
        ..small(out.path())
    };
    let summary = train_koos(&config, &mut unobserved).unwrap();
    assert_eq!(summary.steps, 6);
    let kept = std::fs::read_dir(out.path().join("examples"))
        .unwrap()
        .count();
    assert_eq!(kept, 8);
    let model = KoosModel::from_folder(out.path()).unwrap();
    assert!(model.takes_parcellations());
    let card = std::fs::read_to_string(out.path().join("card.md")).unwrap();
    assert!(card.starts_with("Trained on graded scans of a folder"));
    // A parcellation gives other features than the structures, and so another opinion of the forest.
    let parcellation = gif(&scan);
    let labels = with_parcellation(&given, &parcellation).unwrap();
    let assessment = KoosBasis::of(&labels).assess(None);
    let ask = |parcellation| {
        let case = KoosCase {
            scan: &scan.volume,
            labels: &labels,
            assessment: &assessment,
            parcellation,
        };
        model.grade(case).unwrap().graders
    };
    let (with, without) = (ask(Some(&parcellation)), ask(None));
    assert!((sum(with.forest) - 1.0).abs() < 1e-9);
    assert_ne!(with.forest, without.forest);
    assert_eq!(with.network, without.network);
}
