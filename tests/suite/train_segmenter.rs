//! A training on tiny crops: it learns, it stops, it goes on, and what it writes can be used.
use schwann::model::{DeviceChoice, Level, UNetDescription};
use schwann::predict::{Plan, Segmenter};
use schwann::train::{
    CropSource, Error, Milestone, Sample, SegmenterTraining, TrainingSummary, train_on,
};
use schwann::volume::{Progress, unobserved};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

/// A bright ball in grey noise.
struct Balls;

impl CropSource for Balls {
    fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error> {
        let [w, h, d] = plan.patch;
        let mut state = seed | 1;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let centre = [w, h, d].map(|n| n as f32 * (0.35 + 0.3 * random()));
        let mut sample = Sample {
            intensities: Vec::new(),
            labels: Vec::new(),
        };
        for index in 0..w * h * d {
            let at = [index % w, index / w % h, index / (w * h)];
            let squared: f32 = at
                .iter()
                .zip(&centre)
                .map(|(&a, c)| (a as f32 - c).powi(2))
                .sum();
            let inside = squared < 9.0;
            sample.labels.push(u8::from(inside));
            sample
                .intensities
                .push(f32::from(u8::from(inside)) + 0.3 * random());
        }
        Ok(sample)
    }
}

fn config(out: &Path, steps: usize) -> SegmenterTraining {
    let level = |channels, stride| Level {
        channels,
        kernel: [3; 3],
        stride: [stride; 3],
        encoder_convs: 1,
        decoder_convs: 1,
    };
    let mut config = SegmenterTraining::new(out.to_path_buf());
    config.steps = steps;
    config.device = DeviceChoice::Cpu;
    config.learning_rate = 1e-2;
    config.warm_up = 4;
    config.class_weights = vec![1.0, 3.0];
    config.validation_crops = 4;
    config.calibration_crops = 4;
    config.plan.patch = [16, 16, 8];
    config.plan.spacing_mm = [1.0; 3];
    config.plan.classes.truncate(2);
    config.plan.network = UNetDescription::plain(1, 2, vec![level(4, 1), level(8, 2)]);
    config
}

fn column(folder: &Path, name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(folder.join("log.csv")).unwrap();
    let mut lines = text.lines();
    let at = lines
        .next()
        .unwrap()
        .split(',')
        .position(|n| n == name)
        .unwrap();
    lines
        .map(|l| l.split(',').nth(at).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn the_loss_falls_and_the_model_finds_the_ball() {
    let folder = tempfile::tempdir().unwrap();
    let summary = train_on(&Balls, &config(folder.path(), 60), &mut unobserved).unwrap();
    let loss = column(folder.path(), "loss");
    assert_eq!(loss.len(), 60);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(mean(&loss[50..]) < 0.5 * mean(&loss[..5]), "{loss:?}");
    assert!(summary.validation[0].mean.unwrap() > 0.8, "{summary:?}");
    let segmenter =
        Segmenter::from_folder(folder.path(), &schwann::predict::Folds::Present).unwrap();
    assert_eq!(segmenter.info().sha256, summary.sha256);
    // The network is sure of a ball this plain, and its interval is measured.
    let calibration = segmenter.plan().unwrap().calibration.unwrap();
    assert!(
        (0.3..5.0).contains(&calibration.temperature),
        "{calibration:?}"
    );
    assert!(folder.path().join("reliability.svg").exists());
    let card = std::fs::read_to_string(folder.path().join("card.md")).unwrap();
    assert!(card.starts_with("Trained on synthetic patients only"));
    assert!(card.contains(&summary.sha256));
    let dice = summary.validation[0].mean.unwrap();
    let last = std::fs::read_to_string(folder.path().join("log.csv")).unwrap();
    assert!(last.trim_end().ends_with(&format!(",{dice:.4}")), "{last}");
    let curves = std::fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert!(curves.contains("after 60 steps") && curves.contains(&format!(">{dice:.3}<")));
}

#[test]
fn borders_that_count_more_change_the_cross_entropy_and_not_the_dice() {
    let first = |weight: f32| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), 1);
        config.border_weight = weight;
        train_on(&Balls, &config, &mut unobserved).unwrap();
        let of = |name| column(folder.path(), name)[0];
        [
            of("cross_entropy"),
            of("dice_intrameatal_vestibular_schwannoma"),
        ]
    };
    let (plain, weighted) = (first(1.0), first(10.0));
    assert_eq!(plain[1], weighted[1]);
    assert!(
        (plain[0] - weighted[0]).abs() > 1e-3,
        "{plain:?} {weighted:?}"
    );
}

#[test]
fn a_training_tells_how_it_stands() {
    static TOLD: Mutex<Vec<Milestone>> = Mutex::new(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 40);
    config.checkpoint_every = 16;
    config.tell = |milestone| TOLD.lock().unwrap().push(*milestone);
    train_on(&Balls, &config, &mut unobserved).unwrap();
    let told = TOLD.lock().unwrap();
    let steps: Vec<usize> = told.iter().map(|m| m.step).collect();
    assert_eq!(steps, [16, 20, 32, 40]);
    let loss = column(folder.path(), "loss");
    let mean = loss[16..20].iter().sum::<f64>() / 4.0;
    assert!((told[1].loss - mean).abs() < 1e-4 && told[1].steps == 40);
    assert!(
        told[0].seconds_left > 0.0 && told[3].seconds_left == 0.0,
        "{told:?}"
    );
}

/// Stops a training before its eighth step.
fn after_seven_steps() -> impl FnMut(Progress) -> ControlFlow<()> {
    let mut calls = 0;
    move |_| {
        calls += 1;
        if calls == 8 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[test]
fn a_training_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = train_on(&Balls, &config(whole.path(), 12), &mut unobserved).unwrap();
    let stopped = train_on(&Balls, &config(parts.path(), 12), &mut after_seven_steps());
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(column(parts.path(), "step").len(), 7);
    let mut rest = config(parts.path(), 12);
    rest.resume = true;
    let found = train_on(&Balls, &rest, &mut unobserved).unwrap();
    assert_eq!(found.sha256, expected.sha256);
    assert_eq!(found.validation, expected.validation);
    assert_eq!(column(parts.path(), "loss"), column(whole.path(), "loss"));
}

#[test]
fn the_mean_of_the_last_steps_is_written_and_survives_a_stop() {
    let [whole, parts, last] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let averaging = |folder: &Path| {
        let mut config = config(folder, 12);
        config.average_over = 4;
        config
    };
    let expected = train_on(&Balls, &averaging(whole.path()), &mut unobserved).unwrap();
    let plain = train_on(&Balls, &config(last.path(), 12), &mut unobserved).unwrap();
    // The steps are the same, what is written is not.
    assert_eq!(column(whole.path(), "loss"), column(last.path(), "loss"));
    assert_ne!(expected.sha256, plain.sha256);
    let stopped = train_on(&Balls, &averaging(parts.path()), &mut after_seven_steps());
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let mut rest = averaging(parts.path());
    rest.resume = true;
    let found = train_on(&Balls, &rest, &mut unobserved).unwrap();
    assert_eq!(found.sha256, expected.sha256);
}

#[test]
fn a_card_tells_the_first_weights_of_a_training_that_was_stopped() {
    for another in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut first = config(folder.path(), 12);
        if another {
            let weights = first.plan.network.initial_parameters(99).unwrap();
            first = first.starting_from(weights);
        }
        let stopped = train_on(&Balls, &first, &mut after_seven_steps());
        assert!(matches!(stopped, Err(Error::Cancelled)));
        // It goes on without the model, whose weights are in the checkpoint, and learns as it did.
        let mut rest = config(folder.path(), 12);
        (rest.resume, rest.learning_rate) = (true, first.learning_rate);
        let found = train_on(&Balls, &rest, &mut unobserved).unwrap();
        assert_eq!(found.from_another, Some(another));
        let card = std::fs::read_to_string(folder.path().join("card.md")).unwrap();
        let told = "the first weights were those of another model";
        assert_eq!(card.contains(told), another);
    }
}

#[test]
fn a_stop_while_it_calibrates_loses_nothing() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = train_on(&Balls, &config(whole.path(), 12), &mut unobserved).unwrap();
    let stopped = train_on(&Balls, &config(parts.path(), 12), &mut |p| {
        if p.stage == "calibrating" && p.fraction > 0.6 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let mut rest = config(parts.path(), 12);
    rest.resume = true;
    let found = train_on(&Balls, &rest, &mut unobserved).unwrap();
    assert_eq!(
        found,
        TrainingSummary {
            seconds: found.seconds,
            ..expected
        }
    );
    let plan = |folder: &Path| std::fs::read_to_string(folder.join("plan.json")).unwrap();
    assert_eq!(plan(parts.path()), plan(whole.path()));
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    train_on(&Balls, &config(folder.path(), 2), &mut unobserved).unwrap();
    let mut other = config(folder.path(), 4);
    other.resume = true;
    other.seed = 99;
    assert!(matches!(
        train_on(&Balls, &other, &mut unobserved),
        Err(Error::Checkpoint(_))
    ));
    other.seed = 1;
    let manners = [
        (|c| c.learning_rate *= 2.0) as fn(&mut SegmenterTraining),
        |c| c.border_weight = 3.0,
    ];
    for change in manners {
        let mut other = other.clone();
        change(&mut other);
        let refused = train_on(&Balls, &other, &mut unobserved);
        assert!(matches!(&refused, Err(Error::Checkpoint(text)) if text.contains("learning rate")));
    }
    other.plan.network.levels[1].channels = 6;
    assert!(matches!(
        train_on(&Balls, &other, &mut unobserved),
        Err(Error::Checkpoint(_))
    ));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for change in [
        (|c| c.batch = 0) as fn(&mut SegmenterTraining),
        |c| c.class_weights = vec![1.0],
        |c| c.learning_rate = f64::NAN,
        |c| c.border_weight = 0.5,
        |c| c.plan.patch = [15, 16, 8],
        |c| c.plan.classes[1] = "spleen".to_owned(),
    ] {
        let mut settings = config(folder.path(), 2);
        change(&mut settings);
        assert!(
            train_on(&Balls, &settings, &mut unobserved).is_err(),
            "{settings:?}"
        );
    }
}
