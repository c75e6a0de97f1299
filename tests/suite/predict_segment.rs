//! A scan through the shipped model: what a reader relies on whatever the weights are worth.
use glam::{DAffine3, DMat3, DQuat, DVec3};
use schwann::measure::KoosGrade;
use schwann::model::DeviceChoice;
use schwann::phantom::{GridSpec, Modality, Patient, PatientSpec, Scan, Site, VisitSpec};
use schwann::predict::{
    Error, Folds, Plan, Prediction, SegmentOptions, Segmenter, segment, segment_early,
};
use schwann::volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels, unobserved};
use std::ops::ControlFlow;
use std::sync::OnceLock;

fn options() -> SegmentOptions {
    SegmentOptions {
        device: DeviceChoice::Cpu,
        step: 0.75,
        ..SegmentOptions::default()
    }
}

fn run(scan: &Volume) -> Prediction {
    segment(
        scan,
        &Segmenter::shipped().unwrap(),
        &options(),
        &mut unobserved,
    )
    .unwrap()
}

/// A slab around both ears of a patient with a tumour of middle size.
fn phantom() -> &'static Scan {
    static SCAN: OnceLock<Scan> = OnceLock::new();
    SCAN.get_or_init(|| scanned(Some(KoosGrade::III), 77))
}

fn scanned(koos: Option<KoosGrade>, seed: u64) -> Scan {
    scanned_on(koos, seed, [130, 90, 26])
}

fn scanned_on(koos: Option<KoosGrade>, seed: u64, shape: [usize; 3]) -> Scan {
    let spec = PatientSpec {
        seed,
        koos,
        side: None,
        annual_growth_percent: Some(0.0),
        ..PatientSpec::default()
    };
    let visit = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality: Modality::HrT2,
        seed: 5,
        grid: Some(GridSpec {
            shape,
            spacing_mm: [0.8, 0.8, 1.5],
        }),
    };
    Patient::new(&spec)
        .unwrap()
        .scan(&visit, &mut unobserved)
        .unwrap()
}

/// The same image stored in another order: axis `n` of the result is axis `order[n]` of the scan, reversed where `flip[n]`.
fn stored_otherwise(
    scan: &Volume,
    order: [usize; 3],
    flip: [bool; 3],
) -> (Volume, impl Fn([usize; 3]) -> [usize; 3]) {
    let shape = scan.grid().shape();
    let old_voxel = move |new: [usize; 3]| {
        let mut old = [0; 3];
        for n in 0..3 {
            old[order[n]] = if flip[n] {
                shape[order[n]] - 1 - new[n]
            } else {
                new[n]
            };
        }
        old
    };
    let columns = order.map(|n| scan.grid().world_from_voxel().matrix3.col(n));
    let signed = |n: usize| if flip[n] { -columns[n] } else { columns[n] };
    let origin = scan.grid().point_in_world(old_voxel([0; 3]));
    let affine =
        DAffine3::from_mat3_translation(DMat3::from_cols(signed(0), signed(1), signed(2)), origin);
    let grid = Grid::new(order.map(|n| shape[n]), affine).unwrap();
    let values = (0..grid.len())
        .map(|i| scan.value(old_voxel(grid.voxel(i))).unwrap() as f32)
        .collect();
    (
        Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap(),
        old_voxel,
    )
}

#[test]
fn every_storage_order_of_a_scan_gets_the_same_labels() {
    let scan = &phantom().volume;
    let expected = run(scan).labels;
    assert!(expected.labels().iter().any(|&l| l > 0));
    for (order, flip) in [
        ([0, 1, 2], [true, false, false]),
        ([2, 0, 1], [false, true, true]),
        ([1, 2, 0], [true, true, false]),
    ] {
        let (other, old_voxel) = stored_otherwise(scan, order, flip);
        let found = run(&other).labels;
        let grid = found.grid();
        let same = (0..grid.len()).filter(|&i| {
            let old = expected.grid().index(old_voxel(grid.voxel(i)));
            found.labels()[i] == expected.labels()[old]
        });
        let part = same.count() as f64 / grid.len() as f64;
        assert!(part >= 0.999, "{order:?} {flip:?}: {part}");
    }
}

#[test]
fn labels_lie_on_an_oblique_scans_own_grid_and_on_the_structures() {
    let scan = phantom();
    // The whole room turned about the patient: labels must turn with it.
    let turn = DAffine3::from_quat(DQuat::from_rotation_x(0.3) * DQuat::from_rotation_z(0.2));
    let grid = Grid::new(
        scan.volume.grid().shape(),
        turn * scan.volume.grid().world_from_voxel(),
    )
    .unwrap();
    let oblique = Volume::new(grid, scan.volume.voxels().clone(), 1.0, 0.0).unwrap();
    let found = run(&oblique);
    assert!(found.labels.grid().matches(&grid, 0.0));
    let straight = run(&scan.volume);
    assert_same(&found.labels, &straight.labels);
    let (truth, found) = (
        scan.labels.mask(Structure::Brainstem),
        found.labels.mask(Structure::Brainstem),
    );
    let both = truth.iter().zip(&found).filter(|(a, b)| **a && **b).count();
    let sum = truth.iter().chain(&found).filter(|v| **v).count();
    assert!(
        2.0 * both as f64 / sum as f64 > 0.6,
        "the brainstem is where it is"
    );
}

/// The same labels voxel by voxel but for where they end: the regions about the ears lie a voxel elsewhere, which the cerebellum, cut by them on all sides, feels most.
fn assert_same(a: &LabelMap, b: &LabelMap) {
    let cerebellum = LabelTable::default().value(Structure::Cerebellum).unwrap();
    let other = |l: u8| if l == cerebellum { 0 } else { l };
    let pairs = || a.labels().iter().zip(b.labels());
    let part = |same: usize| same as f64 / a.labels().len() as f64;
    let small = part(pairs().filter(|(a, b)| other(**a) == other(**b)).count());
    let all = part(pairs().filter(|(a, b)| a == b).count());
    assert!(small > 0.997 && all > 0.985, "{small} {all}");
}

#[test]
fn with_mirroring_a_mirrored_patient_gets_mirrored_labels() {
    let scan = &phantom().volume;
    let mut affine = scan.grid().world_from_voxel();
    let flip = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
    affine.matrix3 = flip * affine.matrix3;
    affine.translation = flip * affine.translation;
    let grid = Grid::new(scan.grid().shape(), affine).unwrap();
    let mirrored = Volume::new(grid, scan.voxels().clone(), 1.0, 0.0).unwrap();
    let options = SegmentOptions {
        mirror: true,
        ..options()
    };
    let segmenter = Segmenter::shipped().unwrap();
    let [a, b] = [scan, &mirrored].map(|scan| {
        segment(scan, &segmenter, &options, &mut unobserved)
            .unwrap()
            .labels
    });
    assert_same(&a, &b);
}

#[test]
fn a_tumour_is_found_on_its_side_and_a_head_without_one_gets_none_of_size() {
    let scan = phantom();
    let found = run(&scan.volume).labels;
    let [truth, tumour] =
        [&scan.labels, &found].map(|labels| labels.mask(Structure::VestibularSchwannoma));
    let both = truth
        .iter()
        .zip(&tumour)
        .filter(|(a, b)| **a && **b)
        .count();
    let sum = truth.iter().chain(&tumour).filter(|v| **v).count();
    let dice = 2.0 * both as f64 / sum as f64;
    assert!(dice > 0.7, "Dice {dice}");

    let healthy = scanned(None, 78);
    let found = run(&healthy.volume);
    let volume_mm3 = tumour_voxels(&found) as f64 * healthy.volume.grid().voxel_volume_mm3();
    assert!(
        volume_mm3 < 60.0,
        "{volume_mm3} mm³ of tumour in a healthy head"
    );
    assert!(found.labels.count(Structure::Cochlea) > 0);
}

#[test]
fn what_ran_is_written_down() {
    let found = run(&phantom().volume);
    assert!(found.device.starts_with("CPU ("), "{}", found.device);
    assert_eq!(found.model, *Segmenter::shipped().unwrap().info());
    assert_eq!(found.model.sha256.len(), 64);
    assert!(
        found.warnings[0].contains("synthetic patients only"),
        "{:?}",
        found.warnings
    );
    let (name, total) = *found.seconds.last().unwrap();
    assert_eq!(name, "total");
    assert!(
        found.seconds[..found.seconds.len() - 1]
            .iter()
            .map(|s| s.1)
            .sum::<f64>()
            <= total
    );
}

#[test]
fn first_labels_come_early_agree_in_the_middle_and_change_nothing() {
    let scan = scanned_on(Some(KoosGrade::III), 77, [240, 180, 26]);
    let segmenter = Segmenter::shipped().unwrap();
    let done = std::cell::Cell::new(0.0_f32);
    let mut shown = Vec::new();
    let found = segment_early(
        &scan.volume,
        &segmenter,
        &options(),
        &mut |labels| {
            shown.push((done.get(), labels));
            ControlFlow::Continue(())
        },
        &mut |p| {
            if p.stage == "segmenting" {
                done.set(p.fraction);
            }
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(found.labels, run(&scan.volume).labels);
    let [(when, early)] = shown.as_slice() else {
        panic!("{} early label maps", shown.len());
    };
    assert!(*when <= 0.5, "{when}");
    assert_eq!(early.grid(), found.labels.grid());
    // A small find of the first ear, which the tumour of the other would take back, is not shown at all: here the other has it.
    let tumour = Structure::VestibularSchwannoma;
    assert!(found.labels.count(tumour) > 0 && early.count(tumour) == 0);
    // What is about the first ear: nearly all of it stays.
    assert!(early.count(Structure::Brainstem) > 0);
    for structure in [Structure::VestibularSchwannoma, Structure::Brainstem] {
        let [a, b] = [early, &found.labels].map(|l| l.mask(structure));
        let both = a.iter().zip(&b).filter(|(a, b)| **a && **b).count();
        let shown = a.iter().filter(|v| **v).count();
        assert!(
            both as f64 >= 0.85 * shown as f64,
            "{structure:?}: {both} of {shown}"
        );
    }
}

#[test]
fn it_stops_within_a_tile() {
    let segmenter = Segmenter::shipped().unwrap();
    for last in [1, 3] {
        let mut calls = 0;
        let stopped = segment(&phantom().volume, &segmenter, &options(), &mut |_| {
            calls += 1;
            if calls == last {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(stopped, Err(Error::Cancelled)));
        assert_eq!(calls, last, "nothing is reported after a stop");
    }
}

fn tumour_voxels(found: &Prediction) -> usize {
    found.labels.count(Structure::VestibularSchwannoma)
}

#[test]
fn scans_that_show_nothing_get_a_warning_and_no_tumour() {
    let volume = |shape, spacing, value: fn(usize) -> f32| {
        let grid = Grid::axis_aligned(shape, spacing, DVec3::ZERO).unwrap();
        Volume::new(
            grid,
            Voxels::F32((0..grid.len()).map(value).collect()),
            1.0,
            0.0,
        )
        .unwrap()
    };
    let noise = |i: usize| ((i.wrapping_mul(2_654_435_761) >> 7) % 1000) as f32;
    let cases: [(&str, Volume); 7] = [
        ("noise", volume([100, 100, 40], [0.8, 0.8, 1.0], noise)),
        ("one slice", volume([200, 200, 1], [0.5, 0.5, 1.0], noise)),
        ("one voxel", volume([1, 1, 1], [1.0; 3], noise)),
        ("a thin wall", volume([3, 100, 100], [1.0; 3], noise)),
        (
            "constant",
            volume([100, 100, 40], [0.8, 0.8, 1.0], |_| 137.0),
        ),
        ("zero", volume([50, 50, 20], [1.0; 3], |_| 0.0)),
        ("not a number", volume([50, 50, 20], [1.0; 3], |_| f32::NAN)),
    ];
    for (what, scan) in cases {
        let found = run(&scan);
        assert_eq!(tumour_voxels(&found), 0, "{what}");
        assert!(found.warnings.len() > 1, "{what}: {:?}", found.warnings);
        assert!(found.labels.grid().matches(scan.grid(), 0.0), "{what}");
    }
}

#[test]
fn a_few_broken_voxels_do_not_break_the_rest() {
    let scan = &phantom().volume;
    let mut values = scan.to_f32();
    (0..200).for_each(|i| values[i * 1013] = if i % 2 == 0 { f32::NAN } else { f32::INFINITY });
    let broken = Volume::new(*scan.grid(), Voxels::F32(values), 1.0, 0.0).unwrap();
    let (found, expected) = (run(&broken), run(scan));
    let same = found
        .labels
        .labels()
        .iter()
        .zip(expected.labels.labels())
        .filter(|(a, b)| a == b)
        .count();
    assert!(same as f64 / scan.grid().len() as f64 > 0.98);
}

#[test]
fn a_scan_of_a_building_is_refused_before_memory_is_taken() {
    let grid = Grid::axis_aligned([1000, 1000, 10], [5.0, 5.0, 500.0], DVec3::ZERO).unwrap();
    let scan = Volume::new(grid, Voxels::U8(vec![1; grid.len()]), 1.0, 0.0).unwrap();
    let refused = segment(
        &scan,
        &Segmenter::shipped().unwrap(),
        &options(),
        &mut unobserved,
    );
    assert!(matches!(refused, Err(Error::TooLarge(..))));
}

#[test]
fn a_model_folder_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let error = Segmenter::from_folder(folder.path(), &Folds::Present)
        .unwrap_err()
        .to_string();
    assert!(error.contains("plan.json"), "{error}");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/models/segmenter");
    let copy =
        |name: &str| std::fs::copy(format!("{shipped}/{name}"), folder.path().join(name)).unwrap();
    copy("plan.json");
    let error = Segmenter::from_folder(folder.path(), &Folds::Present)
        .unwrap_err()
        .to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    copy("model.safetensors");
    let same = Segmenter::from_folder(folder.path(), &Folds::Present).unwrap();
    assert_eq!(same.info(), Segmenter::shipped().unwrap().info());
    let plan = std::fs::read_to_string(folder.path().join("plan.json")).unwrap();
    std::fs::write(
        folder.path().join("plan.json"),
        plan.replace("cochlea", "spleen"),
    )
    .unwrap();
    let error = Segmenter::from_folder(folder.path(), &Folds::Present)
        .unwrap_err()
        .to_string();
    assert!(error.contains("spleen"), "{error}");
}

#[test]
fn a_plan_by_which_every_voxel_or_none_is_tumour_is_refused() {
    let shipped = include_str!("../../assets/models/segmenter/plan.json");
    let mut plan: serde_json::Value = serde_json::from_str(shipped).unwrap();
    for (level, good) in [(0.01, true), (0.99, true), (0.0, false), (1.0, false)] {
        plan["calibration"]["tumour_level"] = level.into();
        let read = Plan::from_json(&plan.to_string());
        assert_eq!(read.is_ok(), good, "{level}");
        if let Err(error) = read {
            assert!(error.to_string().contains("the calibration"), "{error}");
        }
    }
}
