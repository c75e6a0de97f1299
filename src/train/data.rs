//! Training examples: crops of phantoms, standardised and augmented, made by a thread of their own.
use super::Error;
use super::loss::UNKNOWN;
use crate::phantom::{self, CropPlace, Region};
use crate::predict::{Plan, class, prepare, standardise};
use crate::volume::{Grid, Outline, Structure, sample_linear};
use glam::{DMat3, DVec3, EulerRot};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// One example on the network's input grid: right, anterior, superior; right fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Standardised intensities.
    pub intensities: Vec<f32>,
    /// Class of each voxel, or [`UNKNOWN`].
    pub labels: Vec<u8>,
}

/// Where raw crops come from. The same seed gives the same crop.
pub trait CropSource: Sync {
    /// Intensities in any unit and a class for each voxel, of `plan.patch` voxels at `plan.spacing_mm`.
    ///
    /// # Errors
    /// When the crop cannot be made.
    fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error>;

    /// The class that a class becomes when a head is seen in a mirror, right and left exchanged.
    fn mirrored(&self, class: u8) -> u8 {
        class
    }
}

/// Crops of synthetic patients about the ears, labelled with the plan's classes.
#[derive(Debug, Clone, Default)]
pub struct EarCrops {
    /// Outlines of real tumours, whose shapes a part of the patients' tumours have; may be empty.
    pub outlines: Vec<Outline>,
}

impl CropSource for EarCrops {
    fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error> {
        let (shape, spacing) = (plan.patch, plan.spacing_mm);
        // What is measured are patients as they come.
        let about = if is_validation(seed) {
            CropPlace::Ear
        } else {
            CropPlace::HardEar
        };
        let crop = phantom::training_crop(seed, shape, spacing, about, &self.outlines)?;
        let class_of: Vec<u8> = (0..=Region::ALL.len() as u8)
            .map(|value| {
                let name = Region::of_value(value).and_then(class_name);
                let class = plan.classes.iter().position(|c| Some(c.as_str()) == name);
                class.map_or(0, |c| c as u8)
            })
            .collect();
        let labels = crop.regions.iter().map(|&r| class_of[usize::from(r)]);
        Ok(Sample {
            labels: labels.collect(),
            intensities: crop.intensities,
        })
    }
}

/// The class of the segmenter that a region belongs to.
fn class_name(region: Region) -> Option<&'static str> {
    Some(match region {
        Region::IntrameatalSchwannoma => class::INTRAMEATAL,
        Region::ExtrameatalSchwannoma => class::EXTRAMEATAL,
        Region::Cochlea(_) => Structure::Cochlea.name(),
        Region::Brainstem => Structure::Brainstem.name(),
        Region::FourthVentricle => Structure::FourthVentricle.name(),
        Region::InternalAuditoryCanal(_) => Structure::InternalAuditoryCanal.name(),
        Region::Cerebellum(_) | Region::Vermis => Structure::Cerebellum.name(),
        Region::Vestibule(_) | Region::CerebrospinalFluid => return None,
    })
}

/// Crops of synthetic heads whose classes are a ball about the left porus and one about the right: what the localiser learns.
#[derive(Debug, Clone, Copy)]
pub struct HeadCrops;

/// Radius of the balls, mm.
pub(super) const BALL_MM: f64 = 8.0;

impl CropSource for HeadCrops {
    fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error> {
        let (shape, spacing) = (plan.patch, plan.spacing_mm);
        let crop = phantom::training_crop(seed, shape, spacing, CropPlace::Head, &[])?;
        let [w, h, d] = crop.shape;
        let mut labels = Vec::with_capacity(w * h * d);
        for index in 0..w * h * d {
            let at = [index % w, index / w % h, index / (w * h)];
            let near = |porus: &[f64; 3]| {
                let squared: f64 = (0..3)
                    .map(|a| ((at[a] as f64 - porus[a]) * plan.spacing_mm[a]).powi(2))
                    .sum();
                squared <= BALL_MM * BALL_MM
            };
            let side = crop.pori_voxel.iter().position(near);
            labels.push(side.map_or(0, |n| n as u8 + 1));
        }
        Ok(Sample {
            intensities: crop.intensities,
            labels,
        })
    }

    fn mirrored(&self, class: u8) -> u8 {
        match class {
            1 => 2,
            2 => 1,
            other => other,
        }
    }
}

/// Seeds of training and validation never meet: the highest bit tells them apart.
const VALIDATION_BIT: u64 = 1 << 63;

/// The seed of the `index`th training crop.
pub(super) fn training_seed(seed: u64, index: u64) -> u64 {
    mix(seed, index) & !VALIDATION_BIT
}

/// The seed of the `index`th validation example; the same for every training, so that models can be compared.
pub(super) fn validation_seed(index: u64) -> u64 {
    mix(0, index) | VALIDATION_BIT
}

/// Whether a seed is one of validation.
pub(super) fn is_validation(seed: u64) -> bool {
    seed & VALIDATION_BIT != 0
}

/// `SplitMix64`'s finaliser (Steele et al. 2014): neighbouring numbers become unrelated ones.
pub(super) fn mix(seed: u64, index: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0xD134_2543_DE82_EF95)
        .wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A crop as the network sees it in prediction.
///
/// # Errors
/// When the crop cannot be made or does not have the plan's size and classes.
pub(super) fn plain_sample(
    source: &dyn CropSource,
    seed: u64,
    plan: &Plan,
) -> Result<Sample, Error> {
    let mut sample = source.crop(seed, plan)?;
    let voxels = plan.patch.iter().product::<usize>();
    let fits = sample.intensities.len() == voxels
        && sample.labels.len() == voxels
        && sample
            .labels
            .iter()
            .all(|&l| l == UNKNOWN || usize::from(l) < plan.classes.len());
    if !fits {
        return Err(Error::Labels);
    }
    prepare(&mut sample.intensities, plan.clip_quantiles);
    Ok(sample)
}

/// How often each crop is used, a phantom takes longer to draw than a network to look at it, and how many new crops lie between two uses.
const USES: u64 = 4;
const APART: u64 = 8;

/// The examples of a training in order, each crop used a few times with other augmentations. Every fourth example needs a new crop: drawn all
/// along, crops fill the gaps that a step leaves on the processor. An example depends on its index and the seed alone, so a resumed training
/// goes on with the same ones.
pub(super) struct Examples<'a> {
    source: &'a dyn CropSource,
    plan: &'a Plan,
    seed: u64,
    crops: BTreeMap<u64, Sample>,
}

impl<'a> Examples<'a> {
    pub(super) fn new(source: &'a dyn CropSource, plan: &'a Plan, seed: u64) -> Self {
        Self {
            source,
            plan,
            seed,
            crops: BTreeMap::new(),
        }
    }

    /// The example at `index`.
    ///
    /// # Errors
    /// As [`plain_sample`].
    pub(super) fn get(&mut self, index: u64) -> Result<Sample, Error> {
        let (oldest, turn) = (index / USES, index % USES);
        // The youngest is used first: turn 3 is a crop's last.
        let crop = oldest + (USES - 1 - turn) * APART;
        self.crops.retain(|&kept, _| kept >= oldest);
        let sample = if let Some(sample) = self.crops.get(&crop) {
            sample.clone()
        } else {
            let sample = plain_sample(self.source, training_seed(self.seed, crop), self.plan)?;
            self.crops.insert(crop, sample.clone());
            sample
        };
        augment(self.source, sample, mix(self.seed, !index), self.plan)
    }
}

/// Changes an example as other scanners and heads would, by what belongs to `seed`.
fn augment(
    source: &dyn CropSource,
    mut sample: Sample,
    seed: u64,
    plan: &Plan,
) -> Result<Sample, Error> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // A head seen in a mirror is as good as a head.
    if random.random_bool(0.5) {
        let row = plan.patch[0];
        sample
            .intensities
            .chunks_exact_mut(row)
            .for_each(<[f32]>::reverse);
        sample
            .labels
            .chunks_exact_mut(row)
            .for_each(<[u8]>::reverse);
        sample
            .labels
            .iter_mut()
            .for_each(|l| *l = source.mirrored(*l));
    }
    if random.random_bool(0.35) {
        sample = turned(&sample, plan, &mut random)?;
    }
    if random.random_bool(0.3) {
        let weight = random.random_range(0.2..0.5);
        smooth(
            &mut sample.intensities,
            plan.patch,
            random.random_range(0..3),
            weight,
        );
    }
    if random.random_bool(0.15) {
        let zoom = [0; 3].map(|_| random.random_range(0.5_f64..1.0));
        sample.intensities = coarse(&sample.intensities, plan, zoom)?;
    }
    if random.random_bool(0.5) {
        // A curve through the range's ends: what is brightest stays brightest. Every fifth bends the dark end as the others bend the bright one.
        let exponent = random.random_range(-0.35_f32..0.35).exp();
        let inverted = random.random_bool(0.2);
        let [low, high] = range(&sample.intensities);
        let range = (high - low).max(1e-6);
        sample.intensities.iter_mut().for_each(|v| {
            let part = (*v - low) / range;
            *v = if inverted {
                1.0 - (1.0 - part).max(0.0).powf(exponent)
            } else {
                part.powf(exponent)
            };
        });
    }
    standardise(&mut sample.intensities);
    if random.random_bool(0.15) {
        // More contrast within the old range: without the limit, as with another brightness, standardising would undo it.
        let factor = random.random_range(1.0_f32..1.4);
        let [low, high] = range(&sample.intensities);
        let limited = |v: f32| (v * factor).clamp(low, high);
        sample.intensities.iter_mut().for_each(|v| *v = limited(*v));
        standardise(&mut sample.intensities);
    }
    if random.random_bool(0.3) {
        let sd = random.random_range(0.02_f32..0.15);
        // The sum of three uniform numbers is close enough to a bell.
        sample.intensities.iter_mut().for_each(|v| {
            let bell: f32 = (0..3).map(|_| random.random_range(-1.0_f32..1.0)).sum();
            *v += sd * bell;
        });
        standardise(&mut sample.intensities);
    }
    Ok(sample)
}

/// The example rotated by up to 15 degrees about each axis and scaled by 0.85 to 1.18 about its middle; beyond its border it goes on as at the
/// border. Intensities are interpolated, labels those of the nearest voxel.
fn turned(sample: &Sample, plan: &Plan, random: &mut ChaCha8Rng) -> Result<Sample, Error> {
    let [a, b, c] = [0; 3].map(|_| random.random_range(-15.0_f64..15.0).to_radians());
    let scale = random.random_range(-0.16_f64..0.16).exp();
    let spacing = DVec3::from_array(plan.spacing_mm);
    let turn = DMat3::from_euler(EulerRot::XYZ, a, b, c) * scale;
    let from = DMat3::from_diagonal(spacing.recip()) * turn * DMat3::from_diagonal(spacing);
    let shape = plan.patch;
    let grid = Grid::axis_aligned(shape, plan.spacing_mm, DVec3::ZERO)
        .map_err(|e| Error::Predict(e.into()))?;
    let last = DVec3::from_array(shape.map(|n| n as f64 - 1.0));
    let middle = last * 0.5;
    let mut out = Sample {
        intensities: Vec::with_capacity(grid.len()),
        labels: Vec::with_capacity(grid.len()),
    };
    for index in 0..grid.len() {
        let voxel = DVec3::from_array(grid.voxel(index).map(|n| n as f64));
        let at = (from * (voxel - middle) + middle).clamp(DVec3::ZERO, last);
        let value = sample_linear(&sample.intensities, &grid, at);
        out.intensities.push(value.unwrap_or_default());
        let nearest = at.round().to_array().map(|n| n as usize);
        out.labels.push(sample.labels[grid.index(nearest)]);
    }
    Ok(out)
}

/// Least and greatest value.
fn range(values: &[f32]) -> [f32; 2] {
    let ends = [f32::MAX, f32::MIN];
    values.iter().fold(ends, |[l, h], &v| [l.min(v), h.max(v)])
}

/// What remains of intensities that are stored with `zoom` times as many voxels along each axis and interpolated back: nnU-Net's simulated low
/// resolution.
fn coarse(values: &[f32], plan: &Plan, zoom: [f64; 3]) -> Result<Vec<f32>, Error> {
    let grid_of = |shape, spacing| {
        Grid::axis_aligned(shape, spacing, DVec3::ZERO).map_err(|e| Error::Predict(e.into()))
    };
    let shape: [usize; 3] =
        std::array::from_fn(|a| ((plan.patch[a] as f64 * zoom[a]).round() as usize).max(1));
    let fine = grid_of(plan.patch, plan.spacing_mm)?;
    let small = grid_of(shape, plan.spacing_mm)?;
    let last = |shape: [usize; 3]| DVec3::from_array(shape.map(|n| n as f64 - 1.0));
    // From the middle of the first voxel to that of the last on both grids.
    let step = last(plan.patch) / last(shape).max(DVec3::ONE);
    let at = |grid: &Grid, index| DVec3::from_array(grid.voxel(index).map(|n| n as f64));
    let kept: Vec<f32> = (0..small.len())
        .map(|index| {
            let nearest = (at(&small, index) * step).round().min(last(plan.patch));
            values[fine.index(nearest.to_array().map(|n| n as usize))]
        })
        .collect();
    let back = |index| {
        let at = (at(&fine, index) / step).min(last(shape));
        sample_linear(&kept, &small, at).unwrap_or_default()
    };
    Ok((0..fine.len()).map(back).collect())
}

/// Mixes each voxel with its two neighbours along an axis, as thicker slices would: `weight` goes to the neighbours together.
fn smooth(values: &mut [f32], shape: [usize; 3], axis: usize, weight: f32) {
    let stride: usize = shape[..axis].iter().product();
    let before = values.to_vec();
    for (at, value) in values.iter_mut().enumerate() {
        let along = at / stride % shape[axis];
        let low = if along > 0 {
            before[at - stride]
        } else {
            before[at]
        };
        let high = if along + 1 < shape[axis] {
            before[at + stride]
        } else {
            before[at]
        };
        *value = (1.0 - weight) * before[at] + weight * 0.5 * (low + high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::SegmenterTraining;

    fn plan() -> Plan {
        let mut plan = SegmenterTraining::new("unused".into()).plan;
        plan.patch = [40, 30, 18];
        plan.spacing_mm = [0.5, 0.7, 1.2];
        plan
    }

    /// An example whose voxels have these intensities and labels, from their places in mm from the middle.
    fn example(plan: &Plan, of: impl Fn(DVec3) -> (f32, u8)) -> Sample {
        let places = places(plan);
        let (intensities, labels) = places.into_iter().map(of).unzip();
        Sample {
            intensities,
            labels,
        }
    }

    fn places(plan: &Plan) -> Vec<DVec3> {
        let grid = Grid::axis_aligned(plan.patch, plan.spacing_mm, DVec3::ZERO).unwrap();
        let middle = grid.centre_in_world();
        let place = |n| grid.point_in_world(grid.voxel(n)) - middle;
        (0..grid.len()).map(place).collect()
    }

    #[test]
    fn what_is_turned_keeps_its_form_in_mm_and_labels_stay_with_intensities() {
        let plan = plan();
        let ball = example(&plan, |at| {
            let depth = 6.0 - at.length();
            (depth as f32, u8::from(depth > 0.0))
        });
        let mut scales = Vec::new();
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let turned = turned(&ball, &plan, &mut random).unwrap();
            // Interpolation between voxels of up to 1.2 mm bends a ball's distance by less than this.
            let near = |v: f32| v.abs() < 1.0;
            let pairs = turned.intensities.iter().zip(&turned.labels);
            assert!(
                pairs
                    .clone()
                    .all(|(v, l)| near(*v) || (*v > 0.0) == (*l == 1))
            );
            let inside = places(&plan).into_iter().zip(&turned.labels);
            let inside: Vec<DVec3> = inside.filter(|(_, l)| **l == 1).map(|(p, _)| p).collect();
            let count = inside.len() as f64;
            // A ball about the middle stays one: the same second moment along every axis, but for voxels of 1.2 mm. Turned in voxels
            // instead of mm it would differ by up to 0.28.
            let moment = inside.iter().map(|p| *p * *p).sum::<DVec3>() / count;
            let mean = moment.element_sum() / 3.0;
            assert!((moment / mean - 1.0).abs().max_element() < 0.16, "{moment}");
            scales.push((5.0 * mean).sqrt() / 6.0);
        }
        let (least, most) = (
            scales.iter().copied().fold(f64::MAX, f64::min),
            scales.iter().copied().fold(0.0, f64::max),
        );
        assert!(
            (0.82..0.97).contains(&least) && (1.03..1.22).contains(&most),
            "{scales:?}"
        );
    }

    #[test]
    fn a_coarser_copy_keeps_what_is_smooth_and_its_ends() {
        let plan = plan();
        for axis in 0..3 {
            let ramp = example(&plan, |at| (at[axis] as f32, 0)).intensities;
            let coarse = coarse(&ramp, &plan, [0.5, 0.73, 0.9]).unwrap();
            assert_eq!((coarse[0], coarse.last()), (ramp[0], ramp.last()));
            // The nearest voxel is at most half a voxel away.
            let half = plan.spacing_mm[axis] as f32 * 0.501;
            let pairs = ramp.iter().zip(&coarse);
            let mut errors = pairs.clone().map(|(a, b)| (a - b).abs());
            assert!(errors.all(|e| e <= half), "axis {axis}");
        }
        let same = example(&plan, |at| (at.x as f32, 0)).intensities;
        assert_eq!(coarse(&same, &plan, [1.0; 3]).unwrap(), same);
    }

    #[test]
    fn turning_never_mirrors() {
        let plan = plan();
        // Right, front and top are told apart along each axis.
        for axis in 0..3 {
            let ramp = example(&plan, |at| (at[axis] as f32, u8::from(at[axis] > 0.0)));
            let mut random = ChaCha8Rng::seed_from_u64(axis as u64);
            let turned = turned(&ramp, &plan, &mut random).unwrap();
            let pairs = places(&plan).into_iter().zip(&turned.intensities);
            let agreement: f64 = pairs.map(|(p, v)| p[axis] * f64::from(*v)).sum();
            assert!(agreement > 0.0, "axis {axis}");
        }
    }

    #[test]
    fn what_is_learned_is_hard_and_what_is_measured_comes_as_patients_do() {
        let plan = plan();
        let drawn = |seed, about| {
            phantom::training_crop(seed, plan.patch, plan.spacing_mm, about, &[])
                .unwrap()
                .intensities
        };
        // A seed whose patient is drawn anew among the hard ones.
        let differs = |seed: &u64| drawn(*seed, CropPlace::Ear) != drawn(*seed, CropPlace::HardEar);
        let seed = (0..20).find(differs).unwrap();
        let taken = |seed| EarCrops::default().crop(seed, &plan).unwrap().intensities;
        assert!(taken(seed) == drawn(seed, CropPlace::HardEar));
        let measured = seed | VALIDATION_BIT;
        assert!(taken(measured) == drawn(measured, CropPlace::Ear));
    }

    #[test]
    fn one_example_in_four_needs_a_new_crop_and_each_crop_serves_four_times() {
        struct Counted(std::sync::Mutex<Vec<u64>>);
        impl CropSource for Counted {
            fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error> {
                self.0.lock().unwrap().push(seed);
                let voxels = plan.patch.iter().product::<usize>();
                Ok(Sample {
                    intensities: (0..voxels).map(|n| (n % 7) as f32).collect(),
                    labels: vec![0; voxels],
                })
            }
        }
        let mut plan = plan();
        plan.patch = [4, 4, 4];
        let source = Counted(std::sync::Mutex::default());
        let mut examples = Examples::new(&source, &plan, 5);
        for index in 0..400 {
            examples.get(index).unwrap();
        }
        let made = source.0.lock().unwrap().clone();
        let different: std::collections::BTreeSet<u64> = made.iter().copied().collect();
        // A hundred, and those that the first examples find older than themselves.
        assert_eq!(made.len(), 100 + (USES as usize - 1) * APART as usize);
        assert_eq!(different.len(), made.len(), "a crop was made twice");
    }
}
