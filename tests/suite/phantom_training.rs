//! Crops for training: pure functions of the seed, with labels that fit the picture.
use rayon::prelude::*;
use schwann::phantom::{Crop, CropPlace, Modality, training_crop};
use schwann::volume::Structure;

const SHAPE: [usize; 3] = [48, 48, 24];
const SPACING: [f64; 3] = [1.2, 1.2, 1.5];

fn crops(seeds: std::ops::Range<u64>) -> Vec<Crop> {
    seeds
        .into_par_iter()
        .map(|seed| training_crop(seed, SHAPE, SPACING, CropPlace::Ear, &[]).unwrap())
        .collect()
}

#[test]
fn a_crop_depends_on_its_arguments_only() {
    let alone = training_crop(3, SHAPE, SPACING, CropPlace::Ear, &[]).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let again = pool.install(|| training_crop(3, SHAPE, SPACING, CropPlace::Ear, &[]).unwrap());
    assert_eq!(alone, again);
    assert_eq!((alone.shape, alone.spacing_mm), (SHAPE, SPACING));
    assert_ne!(
        alone.intensities,
        training_crop(4, SHAPE, SPACING, CropPlace::Ear, &[])
            .unwrap()
            .intensities
    );
}

#[test]
fn crops_show_what_training_needs() {
    let crops = crops(0..40);
    let with = |label: u8| crops.iter().filter(|c| c.labels.contains(&label)).count();
    for label in 1..=5 {
        assert!(
            with(label) >= 8,
            "label {label} in {} of 40 crops",
            with(label)
        );
    }
    assert!(with(1) < 36, "some crops have no tumour");
    for crop in &crops {
        assert_eq!(crop.labels.len(), crop.intensities.len());
        assert!(crop.intensities.iter().all(|v| v.is_finite() && *v >= 0.0));
        assert!(
            crop.labels
                .iter()
                .all(|&l| usize::from(l) <= Structure::ALL.len())
        );
    }
}

#[test]
fn fluid_is_brighter_than_the_brainstem_on_hrt2_and_darker_on_cet1() {
    let mean = |c: &Crop, label: u8| {
        let v: Vec<f32> = c
            .labels
            .iter()
            .zip(&c.intensities)
            .filter(|(l, _)| **l == label)
            .map(|(_, v)| *v)
            .collect();
        (v.len() > 40).then(|| v.iter().sum::<f32>() / v.len() as f32)
    };
    let mut compared = 0;
    for crop in crops(100..130) {
        if let (Some(pons), Some(ventricle)) = (mean(&crop, 3), mean(&crop, 5)) {
            compared += 1;
            let told = format!("{:?}: ventricle {ventricle}, pons {pons}", crop.modality);
            match crop.modality {
                Modality::HrT2 => assert!(ventricle > 1.2 * pons, "{told}"),
                Modality::CeT1 => assert!(ventricle < 0.9 * pons, "{told}"),
            }
        }
    }
    assert!(compared >= 8, "{compared}");
}
