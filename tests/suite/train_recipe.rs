//! Recipes from a folder to a model: what comes out, resumption, faults of the data, and that no truth of the target half leaks into it.
use glam::DVec3;
use schwann::io::{label_maps_by_case, read_labels, read_scores, write_labels, write_volume};
use schwann::measure::agreement;
use schwann::model::DeviceChoice;
use schwann::predict::{Folds, SegmentOptions, Segmenter, segment, segment_with_certainty};
use schwann::train::{
    Choice, Error, Outcome, Recipe, RecipeRun, RecipeSummary, Selection, UNKNOWN, run_recipe,
};
use schwann::volume::{
    Grid, LabelMap, LabelTable, Progress, Structure, Volume, Voxels, unobserved,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// Sizes that train in seconds.
const TINY: &str = r"
[preset.phantom.slices]
spacing_mm = [1.5, 1.5, 2.0]
size = [64, 40]
patch = 32
[preset.phantom.translator.cyclegan]
steps = 5
checkpoint_every = 2
generator = { channels = 4, blocks = 1 }
discriminator = { channels = 4 }
[preset.phantom.translator.qs-attn]
steps = 5
checkpoint_every = 2
generator = { channels = 4, blocks = 1, antialiased = true }
discriminator = { channels = 4, antialiased = true }
[preset.phantom.translator.qs-attn.method.contrast]
layers = [0, 4, 8, 12]
patches = 16
width = 16
[preset.phantom.segmenter]
steps = 6
warm_up = 3
checkpoint_every = 4
validation_crops = 2
calibration_crops = 0
spacing_mm = [1.5, 1.5, 2.0]
patch = [32, 32, 16]
levels = [
    { channels = 6, kernel = [3, 3, 3], stride = [1, 1, 1], encoder_convs = 1, decoder_convs = 1 },
    { channels = 12, kernel = [3, 3, 3], stride = [2, 2, 2], encoder_convs = 1, decoder_convs = 1 },
]
";

fn recipe(text: &str) -> Recipe {
    Recipe::from_toml(&format!("{text}\n{TINY}"), "phantom", "test").unwrap()
}

/// Both translators and a round of self-training, a few steps each.
fn both() -> Recipe {
    recipe("base = \"mai\"\nname = \"tiny\"\n[self_training]\nrounds = 1")
}

/// A segmenter that learns something, and rounds of self-training with the surest voxels of plausible heads.
fn taught() -> Recipe {
    let mut recipe = recipe(
        "base = \"no-adaptation\"\nname = \"taught\"\n[self_training]\nrounds = 2\nsettled_dice = 2.0\nstart = \"warm\"\nchoice = { kind = \"top\", part = 0.6 }",
    );
    recipe.segmenter.steps = 150;
    recipe.segmenter.learning_rate = 1e-2;
    recipe.segmenter.checkpoint_every = 60;
    recipe
}

const SHAPE: [usize; 3] = [100, 64, 20];

/// A head with two cochleae and a tumour, which differ in brightness; every case has its own place for the tumour.
fn head(case: usize, inverted: bool) -> (Volume, LabelMap) {
    let spacing = [1.0, 1.0, 2.0];
    let size = DVec3::from_array(spacing) * DVec3::from_array(SHAPE.map(|n| n as f64 - 1.0));
    let grid = Grid::axis_aligned(SHAPE, spacing, -size / 2.0).unwrap();
    let shift = case as f64;
    let balls = [
        (2, DVec3::new(-34.0, 4.0 + shift, 0.0), 4.0),
        (2, DVec3::new(34.0, 4.0 - shift, 1.0), 4.0),
        (1, DVec3::new(21.0, -3.0 - shift, 1.0), 6.0),
    ];
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for index in 0..grid.len() {
        let at = grid.point_in_world(grid.voxel(index));
        let inside = |b: &&(u8, DVec3, f64)| at.distance(b.1) < b.2;
        let label = balls.iter().find(inside).map_or(0, |b| b.0);
        let inside = (at / DVec3::new(46.0, 30.0, 40.0)).length() < 1.0;
        let wave = 30.0 * (at.x * 0.4 + shift).sin() * (at.y * 0.3).cos();
        let value = match label {
            1 => 1300.0,
            2 => 200.0,
            _ if inside => 700.0 + wave,
            _ => 20.0,
        };
        values.push(if inverted { 1500.0 - value } else { value } as i16);
        labels.push(label);
    }
    (
        Volume::new(grid, Voxels::I16(values), 1.0, 0.0).unwrap(),
        LabelMap::new(grid, labels, LabelTable::default()).unwrap(),
    )
}

const CASES: [&str; 3] = [
    "crossmoda2021_ldn_1",
    "crossmoda2021_ldn_2",
    "crossmoda2022_etz_0",
];
const TARGETS: [&str; 2] = ["crossmoda2021_ldn_9", "crossmoda2022_etz_9"];

/// A folder as the challenge has it, without the truth of the target half.
fn cohort(inverted: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for half in ["training_source", "training_target", "hidden_truth"] {
        std::fs::create_dir_all(folder.path().join(half)).unwrap();
    }
    for (n, case) in CASES.iter().enumerate() {
        let (scan, labels) = head(n, false);
        let file = |end| {
            folder
                .path()
                .join(format!("training_source/{case}_{end}.nii.gz"))
        };
        write_volume(&file("ceT1"), &scan).unwrap();
        write_labels(&file("Label"), &labels).unwrap();
    }
    for (n, case) in TARGETS.iter().enumerate() {
        let (scan, _) = head(n + 3, inverted);
        let path = folder
            .path()
            .join(format!("training_target/{case}_hrT2.nii.gz"));
        write_volume(&path, &scan).unwrap();
    }
    folder
}

fn run(recipe: Recipe, data: &Path, out: &Path) -> RecipeRun {
    RecipeRun {
        recipe,
        preset: "phantom".to_owned(),
        data: data.to_owned(),
        truth: None,
        test: None,
        share: Vec::new(),
        out: out.to_owned(),
        seed: 3,
        device: DeviceChoice::Cpu,
        resume: false,
        command: "schwann train tiny --data DIR".to_owned(),
        tell: |_| {},
        note: |_| {},
        free_bytes: |_| None,
    }
}

fn done(run: &RecipeRun) -> RecipeSummary {
    run_recipe(run, &mut unobserved).unwrap()
}

fn fault(run: &RecipeRun) -> String {
    run_recipe(run, &mut unobserved).unwrap_err().to_string()
}

/// Every file of a run but those that hold times.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let timed = [
                "done.json",
                "checkpoint.safetensors",
                ".csv",
                ".log",
                ".md",
                ".svg",
            ];
            if !timed.iter().any(|end| name.ends_with(end)) {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn same(a: &Path, b: &Path) {
    let (a, b) = (results(a), results(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "{name} differs");
    }
}

/// Puts files beside the target scans, and into the folder of hidden truth.
fn plant(data: &Path, write: impl Fn(usize, &Path)) {
    for (n, case) in TARGETS.iter().enumerate() {
        for half in ["training_target", "hidden_truth"] {
            write(n, &data.join(half).join(format!("{case}_Label.nii.gz")));
        }
    }
}

#[test]
fn what_is_known_of_the_target_half_does_not_change_one_byte() {
    for recipe in [both(), taught()] {
        let inverted = recipe.name == "tiny";
        let [without, broken, true_labels] = [0; 3].map(|_| cohort(inverted));
        plant(broken.path(), |_, path| {
            std::fs::write(path, b"poison").unwrap();
        });
        // All that a cohort of phantoms hides.
        let hidden = TARGETS.map(|case| {
            [
                format!("{case}_truth.json"),
                format!("{case}_anatomy.nii.gz"),
            ]
        });
        let hidden = hidden.into_iter().flatten();
        for name in hidden.chain(["infos_target_training.csv".to_owned()]) {
            let path = broken.path().join("hidden_truth").join(name);
            std::fs::write(path, b"\xff\xfe,poison").unwrap();
        }
        plant(true_labels.path(), |n, path| {
            write_labels(path, &head(n + 3, false).1).unwrap();
        });
        let outs = [&without, &broken, &true_labels].map(|data| {
            let out = tempfile::tempdir().unwrap();
            done(&run(recipe.clone(), data.path(), out.path()));
            out
        });
        same(outs[0].path(), outs[1].path());
        same(outs[0].path(), outs[2].path());
        // The same would be seen if it leaked: another brightness of a target scan changes the model.
        if inverted {
            let (scan, _) = head(8, inverted);
            let path = format!("training_target/{}_hrT2.nii.gz", TARGETS[0]);
            write_volume(&without.path().join(path), &scan).unwrap();
            let out = tempfile::tempdir().unwrap();
            done(&run(recipe, without.path(), out.path()));
            let model = "model/model.safetensors";
            assert!(results(out.path())[model] != results(outs[0].path())[model]);
        }
    }
}

#[test]
fn a_recipe_ends_with_a_model_that_opens_and_a_card() {
    let (data, out) = (cohort(true), tempfile::tempdir().unwrap());
    let settings = run(both(), data.path(), out.path());
    let summary = done(&settings);
    // So short a training finds no cochlea: there is nothing for a round to learn from.
    assert_eq!(summary.rounds.len(), 1);
    assert_eq!(summary.model, out.path().join("model"));
    let segmenter = Segmenter::from_folder(&summary.model, &Folds::All).unwrap();
    assert_eq!(segmenter.info().name, "tiny");
    assert_eq!(segmenter.info().sha256, summary.sha256);
    let card = std::fs::read_to_string(summary.model.join("card.md")).unwrap();
    for words in [
        "recipe `tiny`",
        "cyclegan and qs-attn",
        "| 0 |",
        "SHA-256 of the weights",
    ] {
        assert!(card.contains(words), "{words}: {card}");
    }
    let words = &segmenter.plan().unwrap().trained_on;
    assert!(
        words.contains("translated to hrT2 (cyclegan and qs-attn)"),
        "{words}"
    );
    // Both translators' volumes have the source's labels, on the source's own grid.
    for translator in ["cyclegan", "qs-attn"] {
        for case in CASES {
            let scan = out
                .path()
                .join(format!("translated/{translator}/{case}_hrT2.nii.gz"));
            let labels = out.path().join(format!("cut/labels/{case}_Label.nii.gz"));
            let (scan, _) = schwann::io::read_volume(&scan, &mut unobserved).unwrap();
            let (labels, _) = read_labels(&labels, &LabelTable::default()).unwrap();
            assert!(scan.grid().matches(labels.grid(), 1e-3));
            assert_eq!(scan.grid().spacing_mm().map(f64::round), [1.0, 1.0, 2.0]);
            assert!(labels.count(Structure::VestibularSchwannoma) > 300);
        }
    }
    // Only the middle is searched, and the label map lies on the scan's grid.
    let (scan, _) = head(5, true);
    let found = segment(
        &scan,
        &segmenter,
        &SegmentOptions::default(),
        &mut unobserved,
    )
    .unwrap();
    assert_eq!(found.labels.grid(), scan.grid());
    let outside = found
        .labels
        .labels()
        .chunks_exact(SHAPE[0])
        .all(|row| row[0] == 0 && row[99] == 0);
    assert!(
        outside
            && found
                .warnings
                .iter()
                .any(|w| w.contains("only the middle 96 × 60 mm"))
    );
    // The log and the record say what was done.
    let log = std::fs::read_to_string(out.path().join("run.log")).unwrap();
    assert!(log.contains("translators/qs-attn: done in") && log.contains("round 1: "));
    let record = std::fs::read_to_string(out.path().join("run.json")).unwrap();
    assert!(record.contains("training_target/crossmoda2021_ldn_9_hrT2.nii.gz"));
    assert!(!record.contains("hidden_truth"));

    // A run that is done is not done again, and another is not laid over it.
    let before = results(out.path());
    assert!(fault(&settings).contains("holds a run already"));
    let again = RecipeRun {
        resume: true,
        ..settings.clone()
    };
    assert_eq!(done(&again).sha256, summary.sha256);
    assert!(results(out.path()) == before);
    let other = RecipeRun {
        seed: 4,
        ..again.clone()
    };
    assert!(fault(&other).contains("another seed"));
    let mut other = again;
    other.recipe.segmenter.steps += 1;
    assert!(fault(&other).contains("another recipe"));
}

#[test]
fn a_run_that_was_stopped_again_and_again_ends_as_if_it_had_not_been() {
    // The first has both translators, the second all rounds of self-training.
    for (recipe, more) in [(both(), 7), (taught(), 97)] {
        let data = cohort(recipe.name == "tiny");
        let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        done(&run(recipe.clone(), data.path(), whole.path()));
        let resumed = RecipeRun {
            resume: true,
            ..run(recipe, data.path(), pieces.path())
        };
        let (mut stops, mut most) = (0, 20);
        loop {
            // Stages are entered at other points each time.
            let mut calls = 0;
            let mut observe = |_: Progress| {
                calls += 1;
                if calls > most {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            match run_recipe(&resumed, &mut observe) {
                Ok(_) => break,
                Err(Error::Cancelled) => stops += 1,
                Err(other) => panic!("{other}"),
            }
            most += more;
            assert!(stops < 100);
        }
        assert!(stops > 3, "{stops}");
        same(whole.path(), pieces.path());
    }
}

#[test]
fn self_training_learns_from_the_surest_voxels_of_plausible_target_scans() {
    let (data, out) = (cohort(false), tempfile::tempdir().unwrap());
    let summary = done(&run(taught(), data.path(), out.path()));
    let used: Vec<usize> = summary.rounds.iter().map(|r| r.pseudo_labelled).collect();
    assert_eq!(used[0], 0);
    assert!(used[2] > 0, "{:?}", summary.rounds);
    assert!(summary.rounds[2].agreement.is_some() && summary.rounds[1].agreement.is_none());
    let maps = label_maps_by_case(&out.path().join("rounds/2/pseudo")).unwrap();
    for path in maps.values() {
        let (labels, _) = read_labels(path, &LabelTable::default()).unwrap();
        let unknown = labels.labels().iter().map(|l| u32::from(*l == UNKNOWN));
        let unknown = f64::from(unknown.sum::<u32>());
        let part = unknown / labels.grid().len() as f64;
        assert!((0.2..=0.41).contains(&part), "{part}");
    }
    // What was never labelled is found.
    let segmenter = Segmenter::from_folder(&summary.model, &Folds::All).unwrap();
    let (scan, truth) = head(6, false);
    let found = segment(
        &scan,
        &segmenter,
        &SegmentOptions::default(),
        &mut unobserved,
    )
    .unwrap();
    for structure in [Structure::VestibularSchwannoma, Structure::Cochlea] {
        let (a, b) = (found.labels.mask(structure), truth.mask(structure));
        let both = a.iter().zip(&b).filter(|(a, b)| **a && **b).count() as f64;
        let sum = found.labels.count(structure) + truth.count(structure);
        let dice = 2.0 * both / sum as f64;
        assert!(dice > 0.6, "{structure}: {dice}");
    }
    // With a bar that everything passes, the pseudo-labels have settled before the second round.
    let mut settled = taught();
    settled.self_training.settled_dice = 0.0;
    let again = tempfile::tempdir().unwrap();
    let summary = done(&run(settled, data.path(), again.path()));
    assert!(summary.settled && summary.rounds.len() == 2);
}

#[test]
fn full_supervision_alone_reads_the_truth_and_says_what_it_lacks() {
    let (data, out) = (cohort(false), tempfile::tempdir().unwrap());
    let text = "base = \"full-supervision\"\nname = \"full\"";
    let mut settings = run(recipe(text), data.path(), out.path());
    assert!(fault(&settings).contains("--truth"));
    settings.truth = Some(data.path().join("hidden_truth"));
    assert!(run_recipe(&settings, &mut unobserved).is_err());
    plant(data.path(), |n, path| {
        write_labels(path, &head(n + 3, false).1).unwrap();
    });
    assert_eq!(done(&settings).rounds.len(), 1);
    let absent = data
        .path()
        .join(format!("hidden_truth/{}_Label.nii.gz", TARGETS[1]));
    std::fs::remove_file(absent).unwrap();
    settings.out = out.path().join("more");
    assert!(fault(&settings).contains("no true label map of the case `crossmoda2022_etz_9`"));
}

/// Scans and labels of heads that no cohort has, one of each centre.
fn test_scans() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (n, case) in ["crossmoda2021_ldn_70", "crossmoda2022_etz_70"]
        .iter()
        .enumerate()
    {
        let (scan, labels) = head(n + 5, false);
        let file = |end| folder.path().join(format!("{case}_{end}.nii.gz"));
        write_volume(&file("hrT2"), &scan).unwrap();
        write_labels(&file("Label"), &labels).unwrap();
    }
    folder
}

#[test]
fn every_round_is_held_against_the_truth_of_test_scans_which_decides_nothing() {
    let (data, test) = (cohort(false), test_scans());
    let [with, without] = [0; 2].map(|_| tempfile::tempdir().unwrap());
    let settings = run(taught(), data.path(), with.path());
    let judged = RecipeRun {
        test: Some(test.path().to_owned()),
        ..settings.clone()
    };
    let summary = done(&judged);
    done(&RecipeRun {
        out: without.path().to_owned(),
        ..settings
    });
    let [a, b] = [&with, &without].map(|out| results(out.path()));
    assert!(b.iter().all(|(name, bytes)| a.get(name) == Some(bytes)));
    assert!(
        a.keys()
            .filter(|name| !b.contains_key(*name))
            .all(|n| n.starts_with("evaluation"))
    );

    assert_eq!(summary.evaluation.len(), summary.rounds.len());
    let scores = read_scores(&with.path().join("evaluation/scores.csv")).unwrap();
    assert_eq!(scores.len(), 2 * summary.rounds.len());
    for (n, round) in summary.evaluation.iter().enumerate() {
        let centres: Vec<_> = round
            .centres
            .iter()
            .map(|c| (c.centre.as_str(), c.cases))
            .collect();
        assert_eq!(centres, [("all", 2), ("London", 1), ("Tilburg", 1)]);
        assert!(round.rank_score.is_some());
        // As the label maps that were written say.
        for (case, row) in scores[2 * n..2 * n + 2].iter().enumerate() {
            let found = format!("evaluation/round_{n}/{}_Label.nii.gz", row.case);
            let (found, _) = read_labels(&with.path().join(found), &LabelTable::default()).unwrap();
            let truth = head(case + 5, false).1;
            let of = |s| agreement(&found, &truth, s).unwrap().unwrap();
            let tumour = of(Structure::VestibularSchwannoma);
            assert!((row.vs_dice - tumour.dice).abs() < 1e-12);
            let cochlea = of(Structure::Cochlea);
            assert!((row.cochlea_assd - cochlea.assd_mm).abs() < 1e-9);
            let centre = &round.centres[case + 1];
            assert!((centre.vs_dice.mean - row.vs_dice).abs() < 1e-12);
        }
    }
    let last = &summary.evaluation[summary.chosen].centres[0];
    assert!(last.vs_dice.mean > 0.6, "{last:?}");
    let card = std::fs::read_to_string(summary.model.join("card.md")).unwrap();
    assert!(
        card.contains("On 2 scans that it did not learn from") && card.contains("| Tilburg | 1 |")
    );

    // What it learned from is no test, and a scan without truth is told before hours of training.
    let (scan, _) = head(3, false);
    let seen = test.path().join("crossmoda2021_ldn_70_hrT2.nii.gz");
    let learned = data
        .path()
        .join("training_target")
        .join(format!("{}_hrT2.nii.gz", TARGETS[0]));
    std::fs::copy(learned, &seen).unwrap();
    let again = RecipeRun {
        resume: true,
        ..judged.clone()
    };
    let warned = done(&again).warnings.join("\n");
    assert!(
        warned.contains("1 of 2 test scans are among those"),
        "{warned}"
    );
    write_volume(&test.path().join("crossmoda2021_ldn_71_hrT2.nii.gz"), &scan).unwrap();
    let elsewhere = RecipeRun {
        out: with.path().join("other"),
        ..judged
    };
    assert!(fault(&elsewhere).contains("no true label map of the case `crossmoda2021_ldn_71`"));
    assert!(!elsewhere.out.exists());
}

#[test]
fn a_model_may_have_several_networks_of_the_most_plausible_round() {
    let (data, out) = (cohort(false), tempfile::tempdir().unwrap());
    let mut several = taught();
    several.self_training.rounds = 1;
    several.outcome = Outcome {
        round: Selection::MostPlausible,
        networks: 2,
    };
    let summary = done(&run(several, data.path(), out.path()));
    let plausible: Vec<_> = summary
        .rounds
        .iter()
        .map(|r| r.plausible.unwrap())
        .collect();
    let best = (0..plausible.len()).max_by_key(|n| plausible[*n]).unwrap();
    assert_eq!(summary.chosen, best, "{plausible:?}");
    // Two files of two trainings, whose probabilities are averaged.
    let file = |name: &str| std::fs::read(summary.model.join(name)).unwrap();
    assert!(file("model.safetensors") != file("model_2.safetensors"));
    let scan = head(6, false).0;
    let sure = |folder: &Path| {
        let segmenter = Segmenter::from_folder(folder, &Folds::All).unwrap();
        let found = segment_with_certainty(
            &scan,
            &segmenter,
            &SegmentOptions::default(),
            &mut unobserved,
        );
        (found.unwrap().probability, segmenter.info().sha256.clone())
    };
    let single = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(
            summary.model.join("plan.json"),
            folder.path().join("plan.json"),
        )
        .unwrap();
        std::fs::copy(
            summary.model.join(name),
            folder.path().join("model.safetensors"),
        )
        .unwrap();
        sure(folder.path())
    };
    let (one, two, both) = (
        single("model.safetensors"),
        single("model_2.safetensors"),
        sure(&summary.model),
    );
    assert_eq!(both.1, summary.sha256);
    assert!(both.1 != one.1 && one.1 != two.1);
    // Nowhere is the mean surer than both; where both are surest of one class, as nearly everywhere, it lies half way between them.
    let mut half_way = 0;
    for (n, p) in both.0.iter().enumerate() {
        let (a, b) = (one.0[n], two.0[n]);
        assert!(*p <= a.max(b) + 1e-5);
        half_way += usize::from((p - 0.5 * (a + b)).abs() < 1e-4);
    }
    assert!(half_way * 10 > both.0.len() * 9, "{half_way}");
    // The two do not agree so well that one alone would pass for the mean.
    let apart = one.0.iter().zip(&two.0).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f32::max) > 0.05);
    let alone = one.0.iter().zip(&both.0).map(|(a, p)| (a - p).abs());
    assert!(alone.fold(0.0, f32::max) > 0.02);
    let card = String::from_utf8(file("card.md")).unwrap();
    assert!(
        card.contains("averages the probabilities of 2 networks"),
        "{card}"
    );
}

#[test]
fn a_translator_that_another_run_has_is_taken_over_and_changes_nothing() {
    let data = cohort(true);
    let [one, alone, sharing] = [0; 3].map(|_| tempfile::tempdir().unwrap());
    let text = "base = \"cyclegan\"\nname = \"one\"";
    done(&run(recipe(text), data.path(), one.path()));
    done(&run(both(), data.path(), alone.path()));
    let shared = RecipeRun {
        share: vec![one.path().to_owned()],
        ..run(both(), data.path(), sharing.path())
    };
    done(&shared);
    same(alone.path(), sharing.path());
    let log = std::fs::read_to_string(sharing.path().join("run.log")).unwrap();
    assert!(
        log.contains("translators/cyclegan: taken over")
            && !log.contains("translators/cyclegan: begun")
    );
    assert!(log.contains("translators/qs-attn: begun"));
    // Of another seed, or other sizes, it would be another translator.
    let elsewhere = |more: &str| RecipeRun {
        out: sharing.path().join(more),
        ..shared.clone()
    };
    let other = RecipeRun {
        seed: 4,
        ..elsewhere("seed")
    };
    assert!(fault(&other).contains("another seed"));
    let mut other = elsewhere("sizes");
    other.recipe.translator.get_mut("cyclegan").unwrap().steps += 1;
    done(&other);
    let log = std::fs::read_to_string(other.out.join("run.log")).unwrap();
    assert!(!log.contains("taken over"), "{log}");
    assert!(
        fault(&RecipeRun {
            share: vec![data.path().to_owned()],
            ..elsewhere("none")
        })
        .contains("no run of a recipe")
    );
}

#[test]
fn self_training_ends_where_no_target_scan_can_be_learned_from() {
    let (data, out) = (cohort(true), tempfile::tempdir().unwrap());
    let mut strict = recipe(
        "base = \"no-adaptation\"\nname = \"strict\"\n[self_training]\nrounds = 2\nreject_implausible = true",
    );
    strict.segmenter.steps = 2;
    let summary = done(&run(strict, data.path(), out.path()));
    assert_eq!(summary.rounds.len(), 1);
    let warned = summary.warnings.join("\n");
    assert!(
        warned.contains("self-training ended before round 1"),
        "{warned}"
    );
    assert!(summary.model.join("model.safetensors").is_file());

    // A choice of voxels may leave no cochlea of one that was found.
    let (data, out) = (cohort(false), tempfile::tempdir().unwrap());
    let mut picky = taught();
    picky.self_training.choice = Choice::Entropy { below: 1e-9 };
    let summary = done(&run(picky, data.path(), out.path()));
    assert_eq!(summary.rounds.len(), 1);
    let warned = summary.warnings.join("\n");
    assert!(warned.contains("self-training ended"), "{warned}");
}

#[test]
fn faults_of_the_data_are_told_before_anything_is_trained() {
    let out = tempfile::tempdir().unwrap();
    let said = |change: &dyn Fn(&Path)| {
        let data = cohort(true);
        change(data.path());
        let text = fault(&run(both(), data.path(), &out.path().join("run")));
        // Nothing was begun.
        assert!(!out.path().join("run").exists(), "{text}");
        text
    };
    let source = |end: &str| format!("training_source/{}_{end}.nii.gz", CASES[1]);
    let missing = said(&|data| std::fs::remove_file(data.join(source("Label"))).unwrap());
    assert!(
        missing.contains("1 of 3 ceT1 scans have no label map"),
        "{missing}"
    );
    let grid = said(&|data| {
        let (scan, labels) = head(1, false);
        let part = scan.cropped([0; 3], [90, 64, 20]).unwrap();
        let values = (0..part.grid().len())
            .map(|n| labels.labels()[labels.grid().index(part.grid().voxel(n))]);
        let map = LabelMap::new(*part.grid(), values.collect(), LabelTable::default()).unwrap();
        write_labels(&data.join(source("Label")), &map).unwrap();
    });
    assert!(
        grid.contains("does not lie on the grid of its scan"),
        "{grid}"
    );
    let empty = said(&|data| {
        let (_, labels) = head(1, false);
        let nothing = vec![0; labels.grid().len()];
        let map = LabelMap::new(*labels.grid(), nothing, LabelTable::default()).unwrap();
        write_labels(&data.join(source("Label")), &map).unwrap();
    });
    assert!(
        empty.contains("neither tumour nor cochlea is labelled"),
        "{empty}"
    );
    let target = said(&|data| {
        let (scan, _) = head(1, false);
        let same = Volume::new(
            *scan.grid(),
            Voxels::U8(vec![7; scan.grid().len()]),
            1.0,
            0.0,
        );
        let path = format!("training_target/{}_hrT2.nii.gz", TARGETS[0]);
        write_volume(&data.join(path), &same.unwrap()).unwrap();
    });
    assert!(target.contains("the same everywhere"), "{target}");
    let none = said(&|data| std::fs::remove_dir_all(data.join("training_target")).unwrap());
    assert!(none.contains("nothing to adapt to"), "{none}");
    let table = said(&|data| {
        let text = "crossmoda_name,center\nsomebody,London\n";
        std::fs::write(data.join("infos_source_training.csv"), text).unwrap();
    });
    assert!(table.contains("somebody"), "{table}");
    // A full disk.
    let data = cohort(true);
    let full = RecipeRun {
        free_bytes: |_| Some(100 << 20),
        ..run(both(), data.path(), &out.path().join("run"))
    };
    assert!(fault(&full).contains("100 MB are free"));
    // One centre, and labels beyond the slices, are worth a word but no refusal.
    for case in [CASES[2], TARGETS[1]] {
        for (half, end) in [("source", "ceT1"), ("source", "Label"), ("target", "hrT2")] {
            let path = format!("training_{half}/{case}_{end}.nii.gz");
            std::fs::remove_file(data.path().join(path)).ok();
        }
    }
    let mut small = recipe("base = \"no-adaptation\"\nname = \"small\"");
    small.slices.size = [44, 40];
    let summary = done(&run(small, data.path(), &out.path().join("run")));
    let warned = summary.warnings.join("\n");
    assert!(warned.contains("one centre (London)"), "{warned}");
    assert!(
        warned.contains("cut off labelled voxels of 2 of 2 cases"),
        "{warned}"
    );
}
