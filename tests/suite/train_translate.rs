//! Training of translators: resumption, what is written, and whole scans through them.
use glam::DVec3;
use schwann::io::{write_labels, write_volume};
use schwann::model::DeviceChoice;
use schwann::model::translate::{
    ContrastDescription, CycleWeights, DiscriminatorDescription, GeneratorDescription,
};
use schwann::train::{
    Error, Method, Milestone, Recipe, SegmentationHead, SlicePlan, SliceSet, Translator,
    TranslatorTraining, train_translator,
};
use schwann::volume::{Grid, LabelMap, LabelTable, Progress, Volume, Voxels, unobserved};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

const PLAN: SlicePlan = SlicePlan {
    spacing_mm: [1.5, 1.5, 2.0],
    size: [36, 40],
    patch: 32,
    quantiles: [0.0, 0.999],
    gamma: 1.0,
    height_mm: None,
};

/// A head with a ball in it; on target scans what is bright on source scans is dark.
fn scan(n: usize, target: bool) -> (Volume, LabelMap) {
    let grid = Grid::axis_aligned([44, 48, 8], [1.3, 1.3, 2.0], DVec3::ZERO).unwrap();
    let middle = grid.centre_in_world();
    let ball = middle + DVec3::new(3.0 * n as f64 - 5.0, 4.0 - 2.0 * n as f64, 0.0);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for index in 0..grid.len() {
        let at = grid.point_in_world(grid.voxel(index));
        let inside = at.distance(ball) < 6.0;
        let head = ((at - middle) / DVec3::new(24.0, 28.0, 40.0)).length() < 1.0;
        let wave = 0.1 * (at.x * 0.7).sin() * (at.y * 0.5).cos();
        let mut value = if head { 0.4 + wave } else { 0.0 };
        if inside {
            value = 0.9;
        }
        if target {
            value = 1.0 - value;
        }
        values.push((1000.0 * value) as i16);
        labels.push(u8::from(inside));
    }
    (
        Volume::new(grid, Voxels::I16(values), 1.0, 0.0).unwrap(),
        LabelMap::new(grid, labels, LabelTable::default()).unwrap(),
    )
}

fn write(folder: &Path, target: bool) -> Vec<(PathBuf, Option<PathBuf>)> {
    let one = |n| {
        let (volume, labels) = scan(n, target);
        let path = folder.join(format!("{n}_{target}.nii.gz"));
        write_volume(&path, &volume).unwrap();
        let labelled = folder.join(format!("{n}_{target}_Label.nii.gz"));
        write_labels(&labelled, &labels).unwrap();
        (path, (!target).then_some(labelled))
    };
    (0..3).map(one).collect()
}

fn sets(folder: &Path) -> [SliceSet; 2] {
    [false, true]
        .map(|target| SliceSet::read(&write(folder, target), &PLAN, &mut unobserved).unwrap())
}

fn training(out: &Path, method: Method) -> TranslatorTraining {
    let query = matches!(method, Method::QsAttn { .. });
    let heads = matches!(
        &method,
        Method::Cyclegan {
            segmentation: Some(_),
            ..
        }
    );
    TranslatorTraining {
        out: out.to_owned(),
        name: "tiny".to_owned(),
        steps: 9,
        batch: 1,
        learning_rate: 2e-4,
        seed: 5,
        resume: false,
        device: DeviceChoice::Cpu,
        checkpoint_every: 4,
        slices: PLAN,
        generator: GeneratorDescription {
            channels: 4,
            blocks: 1,
            antialiased: query,
            segmentation_classes: if heads { 3 } else { 0 },
        },
        discriminator: DiscriminatorDescription {
            channels: 4,
            layers: 3,
            antialiased: query,
        },
        method,
        tell: |_| {},
    }
}

fn methods() -> [Method; 3] {
    let head = SegmentationHead {
        class_weights: [0.1, 1.0, 1.0],
        translated_after: 0.5,
    };
    let cycle = |fourier, segmentation| Method::Cyclegan {
        weights: CycleWeights {
            fourier,
            segmentation: 100.0,
            ..CycleWeights::default()
        },
        pool: 3,
        segmentation,
    };
    let contrast = ContrastDescription {
        layers: vec![0, 4, 8, 12],
        patches: 20,
        width: 16,
        ..ContrastDescription::query_selected()
    };
    [
        cycle(0.0, None),
        cycle(1.0, Some(head)),
        Method::QsAttn {
            contrast,
            weight: 1.0,
        },
    ]
}

fn bytes(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("translator.safetensors")).unwrap()
}

#[test]
fn a_training_that_was_killed_or_stopped_goes_on_as_if_it_had_not_been() {
    let data = tempfile::tempdir().unwrap();
    let [source, target] = sets(data.path());
    assert_eq!(source.counts()[0], 3);
    for method in methods() {
        let [whole, killed, stopped] = [0; 3].map(|_| tempfile::tempdir().unwrap());
        let config = training(whole.path(), method.clone());
        // In the middle of the training, what a kill would leave is copied away.
        let mut calls = 0;
        let mut observe = |_| {
            calls += 1;
            if calls == 8 {
                for name in ["checkpoint.safetensors", "log.csv"] {
                    std::fs::copy(whole.path().join(name), killed.path().join(name)).unwrap();
                }
            }
            ControlFlow::Continue(())
        };
        let summary = train_translator(&source, &target, &config, &mut observe).unwrap();
        assert_eq!(summary.steps, 9);
        let resumed = |folder: &Path| TranslatorTraining {
            resume: true,
            ..training(folder, method.clone())
        };
        train_translator(&source, &target, &resumed(killed.path()), &mut unobserved).unwrap();
        assert!(bytes(killed.path()) == bytes(whole.path()), "{method:?}");
        let mut calls = 0;
        let mut stop = |_| {
            calls += 1;
            if calls > 6 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let config = training(stopped.path(), method.clone());
        let ended = train_translator(&source, &target, &config, &mut stop);
        assert!(matches!(ended, Err(Error::Cancelled)));
        train_translator(&source, &target, &resumed(stopped.path()), &mut unobserved).unwrap();
        assert!(bytes(stopped.path()) == bytes(whole.path()), "{method:?}");
        for folder in [&whole, &killed, &stopped] {
            let log = std::fs::read_to_string(folder.path().join("log.csv")).unwrap();
            let steps: Vec<&str> = log.lines().map(|l| l.split(',').next().unwrap()).collect();
            assert_eq!(steps, ["step", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
            let svg = std::fs::read_to_string(folder.path().join("curves.svg")).unwrap();
            assert!(svg.contains("parts of the losses") && svg.contains("judge target"));
            assert!(folder.path().join("samples/step_0000009.png").exists());
        }
        // Other settings are another training.
        let other = TranslatorTraining {
            seed: 6,
            ..resumed(whole.path())
        };
        let refused = train_translator(&source, &target, &other, &mut unobserved);
        assert!(matches!(refused, Err(Error::Checkpoint(_))));
    }
}

#[test]
fn a_cycle_learns_to_come_back_and_translates_whole_scans_with_their_labels() {
    let data = tempfile::tempdir().unwrap();
    let [source, target] = sets(data.path());
    let out = tempfile::tempdir().unwrap();
    let config = TranslatorTraining {
        steps: 60,
        learning_rate: 1e-3,
        ..training(out.path(), methods()[0].clone())
    };
    train_translator(&source, &target, &config, &mut unobserved).unwrap();
    let log = std::fs::read_to_string(out.path().join("log.csv")).unwrap();
    let header: Vec<&str> = log.lines().next().unwrap().split(',').collect();
    let cycle = header.iter().position(|n| *n == "cycle").unwrap();
    let values: Vec<f64> = log
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(cycle).unwrap().parse().unwrap())
        .collect();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&values[..10]), mean(&values[50..]));
    // Processors add up in different orders, and sixty steps go apart: with AVX-512 less than 0.6 is left, with AVX2 0.61.
    assert!(last < 0.75 * first, "{first} {last}");

    let translator = Translator::from_folder(out.path()).unwrap();
    let (volume, labels) = scan(1, false);
    let device = candle_core::Device::Cpu;
    let made = translator
        .translate(&volume, &device, &mut unobserved)
        .unwrap();
    let part = made.labels(&labels).unwrap();
    assert_eq!(part.grid(), made.volume.grid());
    // 36 pixels of 1.5 mm hold 41 voxels of 1.3 mm; 40 hold 46. All slices are there.
    assert_eq!(made.volume.grid().shape(), [41, 46, 8]);
    let first = made.volume.grid().point_in_world([0; 3]);
    assert!(first.distance(volume.grid().point_in_world(made.low)) < 1e-9);
    let count = |l: &LabelMap| l.labels().iter().map(|v| u32::from(*v == 1)).sum::<u32>();
    assert_eq!(count(&part), count(&labels));
    let again = translator
        .translate(&volume, &device, &mut unobserved)
        .unwrap();
    assert_eq!(made.volume, again.volume);
    let mut stop = |_| ControlFlow::Break(());
    assert!(matches!(
        translator.translate(&volume, &device, &mut stop),
        Err(Error::Cancelled)
    ));
    assert!(Translator::from_folder(data.path()).is_err());
}

static TOLD: Mutex<Vec<Milestone>> = Mutex::new(Vec::new());

#[test]
fn a_training_tells_how_far_it_is_and_how_long_it_will_still_take() {
    let data = tempfile::tempdir().unwrap();
    let [source, target] = sets(data.path());
    let out = tempfile::tempdir().unwrap();
    let config = TranslatorTraining {
        tell: |at| TOLD.lock().unwrap().push(*at),
        ..training(out.path(), methods()[0].clone())
    };
    let mut fractions = Vec::new();
    let mut observe = |p: Progress| {
        fractions.push(p.fraction);
        ControlFlow::Continue(())
    };
    train_translator(&source, &target, &config, &mut observe).unwrap();
    assert_eq!(fractions.len(), 9);
    assert!(fractions.windows(2).all(|w| w[0] < w[1]) && fractions[8] < 1.0);
    // At each checkpoint, after 4 and 8 of 9 steps.
    let told = TOLD.lock().unwrap();
    let steps: Vec<_> = told.iter().map(|m| (m.step, m.steps)).collect();
    assert_eq!(steps, [(4, 9), (8, 9)]);
    assert!(told[0].seconds_left > 0.0 && told[0].seconds_left.is_finite());
    assert!(told.iter().all(|m| m.loss > 0.0));
    // A picture of each of them: source, translated, back again, target.
    for step in ["0000004", "0000008", "0000009"] {
        let path = out.path().join(format!("samples/step_{step}.png"));
        let picture = image::open(path).unwrap();
        assert_eq!([picture.width(), picture.height()], [4 * 36 + 4; 2]);
    }
}

#[test]
fn settings_that_cannot_be_trained_with_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let [source, target] = sets(data.path());
    let out = tempfile::tempdir().unwrap();
    let good = || training(out.path(), methods()[0].clone());
    let mut wrong = vec![good(), good(), good(), good(), good()];
    wrong[0].steps = 0;
    wrong[1].learning_rate = f64::NAN;
    wrong[2].slices.patch = 38;
    wrong[3].generator.segmentation_classes = 3;
    // One block has no layer 16.
    wrong[4].method = Method::QsAttn {
        contrast: ContrastDescription::query_selected(),
        weight: 1.0,
    };
    for config in wrong {
        assert!(train_translator(&source, &target, &config, &mut unobserved).is_err());
    }
    assert!(SliceSet::read(&[], &PLAN, &mut unobserved).is_err());
}

/// Seconds of all cores that this process used; 0 where the system does not tell.
fn busy_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = text.rsplit(')').next().unwrap_or_default();
    let ticks = ticks.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

#[test]
#[ignore = "tells how long a step takes, judges nothing"]
fn pace_of_a_step_of_the_preset_for_phantoms() {
    const STEPS: usize = 12;
    let data = tempfile::tempdir().unwrap();
    let recipe = Recipe::load("mai", "phantom").unwrap();
    let [source, target] = [false, true].map(|target| {
        let scans = write(data.path(), target);
        SliceSet::read(&scans, &recipe.slices, &mut unobserved).unwrap()
    });
    for (name, sizes) in recipe.used_translators() {
        let out = tempfile::tempdir().unwrap();
        let config = TranslatorTraining {
            steps: STEPS,
            checkpoint_every: 1000,
            slices: recipe.slices,
            generator: sizes.generator,
            discriminator: sizes.discriminator,
            ..training(out.path(), sizes.method.clone())
        };
        let (started, busy) = (Instant::now(), busy_seconds());
        train_translator(&source, &target, &config, &mut unobserved).unwrap();
        let ms = started.elapsed().as_secs_f64() * 1000.0 / STEPS as f64;
        let busy = (busy_seconds() - busy) * 1000.0 / STEPS as f64;
        println!("{name}: {ms:.0} ms a step, {busy:.0} ms of all cores together");
    }
}
