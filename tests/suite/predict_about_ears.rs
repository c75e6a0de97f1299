//! The two stages, localiser and segmenter about the ears, on whole small scans.
use glam::DVec3;
use schwann::measure::{Agreement, KoosGrade, agreement};
use schwann::model::DeviceChoice;
use schwann::phantom::{GridSpec, Modality, Patient, PatientSpec, Scan, Site, VisitSpec};
use schwann::predict::{Prediction, SegmentOptions, Segmenter, segment};
use schwann::volume::{Grid, LabelMap, Structure, Volume, Voxels, unobserved};

fn model() -> Segmenter {
    Segmenter::shipped().unwrap()
}

fn run(scan: &Volume) -> Prediction {
    let options = SegmentOptions {
        device: DeviceChoice::Cpu,
        ..SegmentOptions::default()
    };
    segment(scan, &model(), &options, &mut unobserved).unwrap()
}

/// A slab of 120 by 96 by 60 mm with both ears.
fn scanned(koos: Option<KoosGrade>, seed: u64, modality: Modality) -> Scan {
    let spec = PatientSpec {
        seed,
        koos,
        ..PatientSpec::default()
    };
    let visit = VisitSpec {
        years: 0.0,
        site: Site::London,
        modality,
        seed: 9,
        grid: Some(GridSpec {
            shape: [200, 160, 40],
            spacing_mm: [0.6, 0.6, 1.5],
        }),
    };
    Patient::new(&spec)
        .unwrap()
        .scan(&visit, &mut unobserved)
        .unwrap()
}

fn tumour(found: &Prediction, scan: &Scan) -> Agreement {
    let structure = Structure::VestibularSchwannoma;
    agreement(&found.labels, &scan.labels, structure)
        .unwrap()
        .unwrap()
}

#[test]
fn a_tumour_is_found_in_both_contrasts_with_an_interval_about_its_volume() {
    for modality in [Modality::HrT2, Modality::CeT1] {
        let scan = scanned(Some(KoosGrade::IV), 2, modality);
        let found = run(&scan.volume);
        let agreement = tumour(&found, &scan);
        assert!(agreement.dice > 0.75, "{modality:?}: {agreement:?}");
        assert_eq!(found.tumour_withheld, None);
        let [low, high] = found.tumour_interval95_mm3.unwrap();
        let volume = agreement.volumes_mm3[0];
        assert!(
            low <= volume && volume <= high && low > 0.3 * volume && high < 3.0 * volume,
            "{modality:?}: {low} to {high} about {volume}"
        );
        probabilities_are_those_of_the_labels(&found);
    }
}

/// Every labelled voxel of the tumour is likelier than every other that the model has left out, and their sum is about its volume.
fn probabilities_are_those_of_the_labels(found: &Prediction) {
    let probabilities = found.probabilities.as_ref().unwrap();
    let labels = &found.labels;
    assert_eq!(probabilities.grid(), labels.grid());
    for structure in [Structure::VestibularSchwannoma, Structure::Cochlea] {
        let values = probabilities.of(structure).unwrap();
        assert!(values.iter().all(|p| (0.0..=1.0).contains(p)));
        let mask = labels.mask(structure);
        let inside = values.iter().zip(&mask).filter(|(_, is)| **is);
        let (count, sum) = inside.fold((0.0, 0.0), |(n, sum), (p, _)| (n + 1.0, sum + p));
        assert!(sum / count > 0.5, "{structure}: {sum} of {count}");
        let all: f32 = values.iter().sum();
        assert!(
            (0.5..2.5).contains(&(all / count)),
            "{structure}: {all} for {count}"
        );
    }
    let model = model();
    let level = model.plan().unwrap().tumour_level();
    let tumour = probabilities.of(Structure::VestibularSchwannoma).unwrap();
    let mask = labels.mask(Structure::VestibularSchwannoma);
    let agree = tumour
        .iter()
        .zip(&mask)
        .filter(|(p, is)| (**p > level) == **is);
    let apart = mask.len() - agree.count();
    let voxels = labels.count(Structure::VestibularSchwannoma);
    // Where two regions overlap, the nearer decides of labels and the surer of probabilities.
    assert!(apart * 5 < voxels, "{apart} of {voxels}");
}

#[test]
fn a_head_without_a_tumour_gets_none_and_its_cochleae_lie_on_their_sides() {
    let scan = scanned(None, 5, Modality::HrT2);
    let found = run(&scan.volume);
    assert_eq!(found.labels.count(Structure::VestibularSchwannoma), 0);
    assert_eq!(found.tumour_interval95_mm3, None);
    let probabilities = found.probabilities.as_ref().unwrap();
    let tumour = probabilities.of(Structure::VestibularSchwannoma);
    assert_eq!(tumour, None, "what was taken back has no probability");
    let cochleae = agreement(&found.labels, &scan.labels, Structure::Cochlea);
    let cochleae = cochleae.unwrap().unwrap();
    assert!(cochleae.dice > 0.75, "{cochleae:?}");
}

#[test]
fn thick_slices_are_told_and_make_no_tumour() {
    let spec = PatientSpec {
        seed: 5,
        koos: None,
        ..PatientSpec::default()
    };
    for (modality, seed) in [(Modality::HrT2, 1), (Modality::CeT1, 2)] {
        let visit = VisitSpec {
            years: 0.0,
            site: Site::Tilburg,
            modality,
            seed,
            grid: Some(GridSpec {
                shape: [200, 200, 20],
                spacing_mm: [0.8, 0.8, 5.0],
            }),
        };
        let patient = Patient::new(&spec).unwrap();
        let found = run(&patient.scan(&visit, &mut unobserved).unwrap().volume);
        let told = found.warnings.iter().any(|w| w.contains("5.0 mm"));
        assert!(told, "{:?}", found.warnings);
        assert_eq!(found.labels.count(Structure::VestibularSchwannoma), 0);
        assert!(found.tumour_withheld.unwrap().contains("more than 3 mm"));
    }
}

#[test]
fn what_is_no_mri_of_a_head_gets_a_word_and_no_tumour() {
    let scan = scanned(Some(KoosGrade::III), 3, Modality::HrT2).volume;
    let inverted: Vec<f32> = scan.to_f32().iter().map(|v| 4000.0 - v).collect();
    let grid = *scan.grid();
    let hu = |n: usize| {
        let [i, j, _] = grid.voxel(n);
        let from_middle = (i as f64 - 99.5).hypot(j as f64 - 79.5);
        let noise = (n.wrapping_mul(2_654_435_761) >> 9 & 31) as f32;
        match from_middle {
            ..50.0 => 20.0 + noise,
            ..56.0 => 1000.0 + noise,
            ..60.0 => -100.0 + noise,
            _ => -1000.0 + noise,
        }
    };
    let ct: Vec<f32> = (0..grid.len()).map(hu).collect();
    for (what, values) in [("inverted", inverted), ("CT", ct)] {
        let other = Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap();
        let found = run(&other);
        let count = found.labels.count(Structure::VestibularSchwannoma);
        assert_eq!(count, 0, "{what}: {:?}", found.warnings);
        assert!(found.warnings.len() > 1, "{what}: {:?}", found.warnings);
        // That nothing was labelled does not say that there is no tumour.
        if tells(&found, "nothing was labelled") {
            let why = found.tumour_withheld.unwrap();
            assert!(why.contains("nothing was labelled"), "{what}: {why}");
        } else {
            assert_ne!(what, "CT");
        }
    }
    // A slab above the ears.
    let high = Grid::axis_aligned([100, 100, 12], [0.8, 0.8, 1.5], DVec3::ZERO).unwrap();
    let noise = |n: usize| (n.wrapping_mul(2_654_435_761) >> 9 & 255) as f32;
    let values: Vec<f32> = (0..high.len()).map(noise).collect();
    let found = run(&Volume::new(high, Voxels::F32(values), 1.0, 0.0).unwrap());
    assert_eq!(found.labels.count(Structure::VestibularSchwannoma), 0);
    assert!(found.warnings.len() > 1, "{:?}", found.warnings);
}

/// A part of a scan, from one voxel to before another along the first axis.
fn columns(scan: &Scan, from: usize, to: usize) -> Scan {
    let grid = *scan.volume.grid();
    let [_, h, d] = grid.shape();
    let part = grid.cropped([from, 0, 0], [to - from, h, d]).unwrap();
    let values = scan.volume.to_f32();
    let at = |n: usize| {
        let [i, j, k] = part.voxel(n);
        grid.index([from + i, j, k])
    };
    let cut: Vec<f32> = (0..part.len()).map(|n| values[at(n)]).collect();
    let labels = (0..part.len())
        .map(|n| scan.labels.labels()[at(n)])
        .collect();
    Scan {
        volume: Volume::new(part, Voxels::F32(cut), 1.0, 0.0).unwrap(),
        labels: LabelMap::new(part, labels, scan.labels.table().clone()).unwrap(),
        ..scan.clone()
    }
}

fn tells(found: &Prediction, words: &str) -> bool {
    found.warnings.iter().any(|w| w.contains(words))
}

#[test]
fn half_a_head_is_searched_where_it_is_and_says_so() {
    let whole = scanned(Some(KoosGrade::IV), 2, Modality::HrT2);
    let bounds = whole
        .labels
        .bounds(Structure::VestibularSchwannoma)
        .unwrap();
    // Columns run from left to right or back; the tumour's half and a little of the other.
    let width = whole.volume.grid().shape()[0];
    let half = if bounds[0][0] + bounds[0][1] > width {
        [width / 2 - 20, width]
    } else {
        [0, width / 2 + 20]
    };
    let scan = columns(&whole, half[0], half[1]);
    let found = run(&scan.volume);
    assert!(
        tells(&found, "was not looked at, for the scan does not reach it"),
        "{:?}",
        found.warnings
    );
    let agreement = tumour(&found, &scan);
    assert!(agreement.dice > 0.7, "{agreement:?}");
}

#[test]
fn between_the_ears_everything_is_searched_and_no_tumour_is_found() {
    let whole = scanned(None, 5, Modality::HrT2);
    let width = whole.volume.grid().shape()[0];
    let scan = columns(&whole, width / 2 - 25, width / 2 + 25);
    let found = run(&scan.volume);
    assert!(
        tells(&found, "the whole scan was searched"),
        "{:?}",
        found.warnings
    );
    assert_eq!(found.labels.count(Structure::VestibularSchwannoma), 0);
    let ear = found.labels.count(Structure::Cochlea) > 0;
    assert!(ear || found.tumour_withheld.is_some());
}
