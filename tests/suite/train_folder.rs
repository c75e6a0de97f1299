//! Training on a folder of labelled scans: where its crops lie, what it learns, and what it refuses.
use glam::{DAffine3, DMat3, DVec3};
use schwann::io::{self, write_labels, write_volume};
use schwann::model::{DeviceChoice, Level, UNetDescription};
use schwann::phantom::{GridSpec, Half, members};
use schwann::predict::{Folds, Segmenter};
use schwann::train::{CropSource, FolderCrops, Sample, SegmenterTraining, train_on};
use schwann::volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, unobserved};
use std::path::Path;

const SHAPE: [usize; 3] = [110, 70, 40];
const SPACING: [f64; 3] = [1.0, 1.0, 1.5];
/// What lies where in the head, RAS mm: cochleae, and a tumour medial and behind the right one.
const BALLS: [(u8, [f64; 3], f64); 3] = [
    (2, [-35.0, 4.0, -1.0], 3.0),
    (2, [35.0, 4.0, -1.0], 3.0),
    (1, [22.0, -4.0, 1.0], 6.0),
];

/// The grid stored with its first two axes as they are or both backwards, which is LPS.
fn grid(lps: bool) -> Grid {
    let size = DVec3::from_array(SPACING) * DVec3::from_array(SHAPE.map(|n| n as f64 - 1.0));
    let sign = if lps { -1.0 } else { 1.0 };
    let m = DMat3::from_diagonal(DVec3::from_array(SPACING) * DVec3::new(sign, sign, 1.0));
    let origin = -size / 2.0 * DVec3::new(sign, sign, 1.0);
    Grid::new(SHAPE, DAffine3::from_mat3_translation(m, origin)).unwrap()
}

/// A head that is brighter to the right and to the front, darker where it is labelled.
fn head(lps: bool) -> (Volume, Vec<u8>) {
    let grid = grid(lps);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for index in 0..grid.len() {
        let at = grid.point_in_world(grid.voxel(index));
        let inside = |(_, centre, radius): &&(u8, [f64; 3], f64)| {
            at.distance(DVec3::from_array(*centre)) < *radius
        };
        let label = BALLS.iter().find(inside).map_or(0, |b| b.0);
        let wave = 60.0 * (at.x * 0.21).sin() * (at.y * 0.13 + at.z * 0.3).cos();
        values.push((600.0 + 2.0 * at.x + at.y + wave) as i16 - 200 * i16::from(label));
        labels.push(label);
    }
    (
        Volume::new(grid, Voxels::I16(values), 1.0, 0.0).unwrap(),
        labels,
    )
}

fn write(folder: &Path, name: &str, volume: &Volume, labels: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    write_volume(&folder.join(format!("{name}_ceT1.nii.gz")), volume).unwrap();
    let map = LabelMap::new(*volume.grid(), labels.to_vec(), LabelTable::default()).unwrap();
    write_labels(&folder.join(format!("{name}_Label.nii.gz")), &map).unwrap();
}

/// A network of a few hundred weights.
fn small(out: &Path, source: &FolderCrops, localiser: bool) -> SegmenterTraining {
    let config = if localiser {
        SegmenterTraining::localiser(out.to_path_buf())
    } else {
        SegmenterTraining::new(out.to_path_buf())
    };
    let mut config = config.on_folder(source);
    let level = |channels, stride| Level {
        channels,
        kernel: [3; 3],
        stride: [stride; 3],
        encoder_convs: 1,
        decoder_convs: 1,
    };
    let levels = vec![level(4, 1), level(8, 2)];
    config.plan.network = UNetDescription::plain(1, config.plan.classes.len(), levels);
    config.plan.spacing_mm = [1.0, 1.0, 1.5];
    config.plan.patch = [32, 32, 16];
    config.device = DeviceChoice::Cpu;
    config.steps = 4;
    config.validation_crops = 3;
    config
}

fn open(folder: &Path, localiser: bool) -> Result<FolderCrops, String> {
    let out = folder.to_path_buf();
    let settings = if localiser {
        SegmenterTraining::localiser(out)
    } else {
        SegmenterTraining::new(out)
    };
    FolderCrops::open(folder, &settings.plan, &mut unobserved).map_err(|e| e.to_string())
}

fn near(a: &Sample, b: &Sample) -> bool {
    let other = a.labels.iter().zip(&b.labels).filter(|(a, b)| a != b);
    let apart = a.intensities.iter().zip(&b.intensities);
    // A point between two voxels may fall to either by the last bit.
    other.count() < 4 && apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 0.01
}

#[test]
fn a_crop_is_the_same_in_every_storage_order_and_knows_right_from_left() {
    for localiser in [false, true] {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut sources = Vec::new();
        for (folder, lps) in folders.iter().zip([false, true]) {
            let (volume, labels) = head(lps);
            write(folder.path(), "one", &volume, &labels);
            sources.push(open(folder.path(), localiser).unwrap());
        }
        let plan = small(folders[0].path(), &sources[0], localiser).plan;
        let mut seen = [0; 3];
        for seed in 0..30 {
            let crop = sources[0].crop(seed, &plan).unwrap();
            assert!(
                near(&crop, &sources[1].crop(seed, &plan).unwrap()),
                "{seed}"
            );
            assert_eq!(crop, sources[0].crop(seed, &plan).unwrap());
            crop.labels.iter().for_each(|l| seen[usize::from(*l)] += 1);
            if localiser {
                continue;
            }
            // The tumour is darker than what surrounds it: labels and intensities belong together.
            let mean = |label: u8| {
                let of = crop.intensities.iter().zip(&crop.labels);
                let of: Vec<f32> = of.filter(|(_, l)| **l == label).map(|(v, _)| *v).collect();
                (of.len() > 200).then(|| of.iter().sum::<f32>() / of.len() as f32)
            };
            if let (Some(tumour), Some(ground)) = (mean(1), mean(0)) {
                assert!(tumour < ground - 100.0, "{seed}: {tumour} {ground}");
            }
        }
        assert!(seen.iter().all(|n| *n > 500), "{seen:?}");
    }
}

#[test]
fn the_localisers_balls_lie_at_the_pori_of_their_side() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = head(false);
    write(folder.path(), "one", &volume, &labels);
    let source = open(folder.path(), true).unwrap();
    let mut plan = small(folder.path(), &source, true).plan;
    plan.patch = [96, 48, 24];
    for seed in 0..5 {
        let crop = source.crop(seed, &plan).unwrap();
        let middle = |class: u8| {
            let of = crop.labels.iter().enumerate().filter(|(_, l)| **l == class);
            let x: Vec<f64> = of.map(|(n, _)| (n % 96) as f64).collect();
            x.iter().sum::<f64>() / x.len() as f64
        };
        // Pori are 48 mm apart here, the left one at the lower end of the first axis.
        let apart = middle(2) - middle(1);
        assert!((36.0..60.0).contains(&apart), "{seed}: {apart}");
        assert!((source.mirrored(1), source.mirrored(2)) == (2, 1));
    }
}

#[test]
fn one_labelled_ear_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = head(false);
    let right = labels.iter().enumerate().map(|(index, l)| {
        let x = volume.grid().point_in_world(volume.grid().voxel(index)).x;
        if x > 0.0 { *l } else { 0 }
    });
    write(folder.path(), "one", &volume, &right.collect::<Vec<_>>());
    let source = open(folder.path(), false).unwrap();
    let plan = small(folder.path(), &source, false).plan;
    let crops: Vec<Sample> = (0..20).map(|s| source.crop(s, &plan).unwrap()).collect();
    let with = |class: u8| crops.iter().filter(|c| c.labels.contains(&class)).count();
    assert!(with(1) > 10 && with(2) > 4, "{} {}", with(1), with(2));
}

#[test]
fn parts_of_a_tumour_are_one_and_other_structures_background() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = head(false);
    let plain = labels.clone();
    // As in 2023: the part near the canal and the other, either way round, then the cochlea.
    let parts = labels.iter().enumerate().map(|(index, l)| match l {
        1 => 1 + (index % 2) as u8,
        2 => 3,
        _ => 0,
    });
    // Schwann's own: a large brainstem has the value 3.
    let own = labels.iter().enumerate().map(|(index, l)| {
        let at = volume.grid().point_in_world(volume.grid().voxel(index));
        if *l == 0 && at.length() < 12.0 { 3 } else { *l }
    });
    let forms = [plain, parts.collect(), own.collect()];
    let crops = forms.map(|values: Vec<u8>| {
        write(folder.path(), "one", &volume, &values);
        let source = open(folder.path(), false).unwrap();
        let plan = small(folder.path(), &source, false).plan;
        source.crop(3, &plan).unwrap()
    });
    assert!(crops[0].labels.contains(&1) || crops[0].labels.contains(&2));
    assert!(crops[0] == crops[1] && crops[0] == crops[2]);
}

#[test]
fn a_cohort_trains_models_that_say_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let cohort = folder.path().join("cohort/training_source");
    let spec = GridSpec {
        shape: [96, 64, 12],
        spacing_mm: [1.0, 1.0, 2.0],
    };
    for member in members(5, 5).iter().filter(|m| m.half == Half::Source) {
        let scan = member.scan(Some(spec), &mut unobserved).unwrap();
        let values = scan
            .labels
            .labels()
            .iter()
            .map(|l| if *l > 2 { 0 } else { *l });
        write(
            &cohort,
            &member.name(),
            &scan.volume,
            &values.collect::<Vec<_>>(),
        );
    }
    for localiser in [false, true] {
        let out = folder.path().join(if localiser { "l" } else { "s" });
        let source = open(&folder.path().join("cohort"), localiser).unwrap();
        let facts = source.facts();
        assert_eq!((facts.scans, facts.enhanced), (3, 3));
        assert!(facts.held_out == 1 || facts.held_out == 2, "{facts:?}");
        let config = small(&out, &source, localiser);
        let summary = train_on(&source, &config, &mut unobserved).unwrap();
        assert_eq!(summary.steps, 4);
        let segmenter = Segmenter::from_folder(&out, &Folds::Present);
        assert!(localiser || segmenter.unwrap().info().sha256 == summary.sha256);
        let card = std::fs::read_to_string(out.join("card.md")).unwrap();
        let first = card.lines().next().unwrap();
        assert!(first.starts_with("Trained on") && first.contains("labelled scans of a folder"));
        assert!(
            !card.contains("synthetic") && !card.contains("phantom"),
            "{card}"
        );
        let plan = std::fs::read_to_string(out.join("plan.json")).unwrap();
        assert!(plan.contains("\"trained_on\": \"the labelled scans of a folder\""));
        assert!(localiser || plan.contains(Structure::VestibularSchwannoma.name()));
    }
}

#[test]
fn what_is_held_out_is_never_trained_on_and_one_case_serves_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = head(false);
    let validation = 1 << 63;
    write(folder.path(), "case_0", &volume, &labels);
    let source = open(folder.path(), false).unwrap();
    assert_eq!(source.facts().held_out, 0);
    let config = small(folder.path(), &source, false);
    train_on(&source, &config, &mut unobserved).unwrap();
    let card = std::fs::read_to_string(folder.path().join("card.md")).unwrap();
    assert!(card.contains("one case only"));
    // Every case has an intensity of its own.
    for n in 0..12 {
        let values = vec![100 * n as i16; volume.grid().len()];
        let mut values = Voxels::I16(values);
        if let Voxels::I16(v) = &mut values {
            v[0] += 1;
        }
        let volume = Volume::new(*volume.grid(), values, 1.0, 0.0).unwrap();
        write(folder.path(), &format!("case_{n}"), &volume, &labels);
    }
    let source = open(folder.path(), false).unwrap();
    let held_out = source.facts().held_out;
    assert!((1..6).contains(&held_out), "{held_out}");
    let of = |seeds: std::ops::Range<u64>, bit: u64| {
        let cases = seeds.map(|s| {
            let crop = source.crop(s | bit, &config.plan).unwrap();
            (crop.intensities[5000] / 100.0).round() as i32
        });
        cases.collect::<std::collections::BTreeSet<_>>()
    };
    let (trained, validated) = (of(0..150, 0), of(0..60, validation));
    assert_eq!((validated.len(), trained.len()), (held_out, 12 - held_out));
    assert!(trained.is_disjoint(&validated));
}

#[test]
fn faults_are_told_before_training_with_the_file() {
    let (volume, labels) = head(false);
    let refused = |change: &dyn Fn(&Path), words: &str, file: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "good", &volume, &labels);
        write(folder.path(), "case", &volume, &labels);
        change(folder.path());
        let error = open(folder.path(), false).unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(error.contains(file), "{error}");
    };
    let label = "case_Label.nii.gz";
    let map = |values: Vec<u8>, grid: Grid| {
        move |folder: &Path| {
            let map = LabelMap::new(grid, values.clone(), LabelTable::default()).unwrap();
            write_labels(&folder.join(label), &map).unwrap();
        }
    };
    let count = volume.grid().len();
    let only = |keep: u8| -> Vec<u8> {
        let kept = labels.iter().map(|l| if *l == keep { *l } else { 0 });
        kept.collect()
    };
    let mut strange = labels.clone();
    strange[7] = 9;
    let moved = Grid::axis_aligned(SHAPE, SPACING, DVec3::ZERO).unwrap();
    let own = *volume.grid();
    refused(
        &map(vec![0; count], own),
        "neither tumour nor cochlea",
        label,
    );
    refused(&map(only(1), own), "no cochlea is labelled", label);
    refused(&map(strange, own), "the value 9", label);
    refused(&map(labels.clone(), moved), "grid of its scan", label);
    let broken = |folder: &Path| std::fs::write(folder.join("case_ceT1.nii.gz"), b"x").unwrap();
    refused(&broken, "", "case_ceT1.nii.gz");
    let flat = |folder: &Path| {
        let volume = Volume::new(own, Voxels::I16(vec![5; count]), 1.0, 0.0).unwrap();
        write_volume(&folder.join("case_ceT1.nii.gz"), &volume).unwrap();
    };
    refused(&flat, "the same everywhere", "case_ceT1.nii.gz");
    let empty = tempfile::tempdir().unwrap();
    let error = open(empty.path(), false).unwrap_err();
    assert!(error.contains("no scan (NAME_ceT1.nii.gz"), "{error}");
    assert!(matches!(
        io::labelled_scans(&empty.path().join("missing")),
        Err(io::Error::Open { .. })
    ));
}

#[test]
fn labels_stored_as_floats_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, labels) = head(true);
    write(folder.path(), "one", &volume, &labels);
    let floats = Voxels::F32(labels.iter().map(|l| f32::from(*l)).collect());
    let floats = Volume::new(*volume.grid(), floats, 1.0, 0.0).unwrap();
    write_volume(&folder.path().join("one_Label.nii.gz"), &floats).unwrap();
    assert_eq!(open(folder.path(), false).unwrap().facts().scans, 1);
}
