//! Endless crops of random patients for training.
use super::{
    Error, GridSpec, Modality, Patient, PatientSpec, Site,
    acquire::{Acquisition, Scanner, fat_shift_mm, receive, sample},
    draw::Draw,
    motion::{Ghost, Jump},
    off_resonance::OffResonance,
    patient::QUICK_STEP,
    region::structure_values,
    scan::{draw_pose, part},
    sequence::Sequence,
    shading::Shading,
    tissue::Palette,
};
use crate::{
    measure::KoosGrade,
    volume::{Outline, Shape, Side, unobserved},
};
use glam::{DAffine3, DMat3, DVec3};

/// A piece of a scan of a random patient, `i` fastest. The axes run about to the right, front and top (RAS), rotated by the head's pose.
#[derive(Debug, Clone, PartialEq)]
pub struct Crop {
    /// hrT2-like intensities, not normalised.
    pub intensities: Vec<f32>,
    /// Values of the default label table.
    pub labels: Vec<u8>,
    /// Values of the anatomy map ([`Region`](super::Region)).
    pub regions: Vec<u8>,
    /// Voxels along i, j, k.
    pub shape: Shape,
    /// Distance of neighbouring voxels, mm.
    pub spacing_mm: [f64; 3],
    /// What the contrast is like.
    pub modality: Modality,
    /// Centre of the left and of the right porus in voxels, also outside the crop.
    pub pori_voxel: [[f64; 3]; 2],
}

/// What a training crop is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CropPlace {
    /// Mostly an ear with its cerebellopontine angle, the tumour's more often than the other; some lie anywhere in the head, also across its border.
    Ear,
    /// The same, but more of what is learned last: small tumours, tumours with a cyst, and canals with nothing but nerves.
    HardEar,
    /// The head at large: its middle lies within a few centimetres of that of the skull base.
    Head,
}

/// Part of the crops about an ear that show one at their middle, and of those that show it aside.
pub const NEAR_EAR: [f64; 2] = [0.5, 0.35];
/// From the porus to the middle of a crop about an ear, mm towards the midline: there large tumours grow.
pub const MEDIAL_MM: f64 = 6.0;
/// Part of the crops about a patient's tumour rather than about either ear.
const TUMOUR_SIDE: f64 = 0.75;
/// Part of the crops that are ceT1. There the cochlea hardly differs from bone, and takes more of them to be learned.
const ENHANCED: f64 = 0.45;
/// Part of the crops whose contrast is drawn at large rather than from a site.
const RANDOM_CONTRAST: f64 = 0.3;

/// Parts of the patients of hard crops that are drawn so that the tumour is one of those that are learned last: of a few cubic millimetres in
/// the canal, or beyond it with cysts; and of those that have no tumour, so that canals full of nerves do not become one.
const SMALL: f64 = 0.35;
const CYSTIC: f64 = 0.15;
const HEALTHY: f64 = 0.1;
/// Volumes of those small tumours, all orders of size alike, mm³.
const SMALL_MM3: [f64; 2] = [20.0, 80.0];
/// Part of the hard crops with so small a tumour that are ceT1, where it shines: without contrast medium it is one grey more among nerves.
const SMALL_ENHANCED: f64 = 0.25;
/// Stream of what makes such a patient.
const HARD_STREAM: u64 = 10;
/// Part of the tumours that have the shape of an outline where outlines are given.
const REAL_SHAPE: f64 = 0.4;
/// Stream of how bright the inner ear is.
const EAR_STREAM: u64 = 9;
/// Stream of which outline a crop's tumour has.
const OUTLINE_STREAM: u64 = 8;

/// A crop of a random patient: anatomy, grade or no tumour, side, pose, hrT2 or ceT1, contrast, resolution, shading, artefacts and noise are drawn from
/// the seed. Where outlines of real tumours are given, a part of the tumours have one of their shapes. A pure function of its arguments.
///
/// # Errors
/// When the shape is empty or too large or the spacing is out of range.
pub fn training_crop(
    seed: u64,
    shape: Shape,
    spacing_mm: [f64; 3],
    about: CropPlace,
    outlines: &[Outline],
) -> Result<Crop, Error> {
    GridSpec { shape, spacing_mm }.check()?;
    let mut draw = Draw::new(seed, 3);
    let drawn = draw.seed();
    let patient = match about {
        CropPlace::HardEar => taxing_patient(drawn, outlines)?,
        CropPlace::Ear | CropPlace::Head => random_patient(drawn, outlines)?,
    };
    let small = about == CropPlace::HardEar
        && (patient.growth.as_ref()).is_some_and(|g| g.volume_mm3 < SMALL_MM3[1]);
    let modality = if draw.chance(if small { SMALL_ENHANCED } else { ENHANCED }) {
        Modality::CeT1
    } else {
        Modality::HrT2
    };
    let palette = if draw.chance(RANDOM_CONTRAST) {
        Palette::random(modality, &mut draw)
    } else {
        let site = if draw.chance(0.5) {
            Site::London
        } else {
            Site::Tilburg
        };
        Palette::of_site(site, modality, &mut draw)
    };
    let palette = palette.with_brighter_ears(modality, &mut Draw::new(seed, EAR_STREAM));
    let scanner = random_scanner(modality, palette.sequence, &mut draw);
    let head_from_voxel = place(&patient, shape, spacing_mm, about, &mut draw);
    let voxel_from_head = head_from_voxel.inverse();
    let pori_voxel = [Side::Left, Side::Right].map(|side| {
        let porus = patient.anatomy.ear(side).canal.porus;
        voxel_from_head.transform_point3(porus).to_array()
    });
    let tumour = patient.growth.as_ref().map(|g| &g.tumour);
    let tumour_part = patient.growth.as_ref().map(|g| part(&g.tumour, g, 0.0));
    let scene = patient.scene(tumour, tumour_part.as_ref(), &palette);
    let sampled = sample(&scene, shape, head_from_voxel, &mut unobserved)?;
    let of_region = structure_values();
    let labels = sampled
        .regions
        .iter()
        .map(|&r| of_region[usize::from(r)])
        .collect();
    let intensities = receive(&sampled.signal, shape, head_from_voxel, &scanner);
    Ok(Crop {
        intensities,
        labels,
        regions: sampled.regions,
        shape,
        spacing_mm,
        modality,
        pori_voxel,
    })
}

/// A random patient, more often than they come one who is hard to outline.
fn taxing_patient(seed: u64, outlines: &[Outline]) -> Result<Patient, Error> {
    let mut draw = Draw::new(seed, HARD_STREAM);
    let kind = draw.uniform(0.0, 1.0);
    let of = |koos, shapes: &[Outline]| {
        let spec = PatientSpec {
            koos,
            mimic: None,
            ..PatientSpec::random(seed)
        };
        patient_of(&spec, shapes)
    };
    if kind < SMALL {
        let patient = of(Some(KoosGrade::I), &[])?;
        let [low, high] = SMALL_MM3.map(f64::ln);
        Ok(patient.shrunk(draw.uniform(low, high).exp(), QUICK_STEP))
    } else if kind < SMALL + CYSTIC {
        let koos = [KoosGrade::II, KoosGrade::III, KoosGrade::IV];
        let drawn = koos.get(draw.uniform(0.0, koos.len() as f64) as usize);
        Ok(of(drawn.copied(), outlines)?.with_cysts(QUICK_STEP))
    } else if kind < SMALL + CYSTIC + HEALTHY {
        of(None, &[])
    } else {
        random_patient(seed, outlines)
    }
}

fn random_patient(seed: u64, outlines: &[Outline]) -> Result<Patient, Error> {
    patient_of(&PatientSpec::random(seed), outlines)
}

/// A patient, a part of whose tumours have one of these shapes, of whatever grade that makes them.
fn patient_of(spec: &PatientSpec, outlines: &[Outline]) -> Result<Patient, Error> {
    let mut draw = Draw::new(spec.seed, OUTLINE_STREAM);
    if spec.koos.is_some() && draw.chance(REAL_SHAPE) {
        let outline = outlines.get((draw.uniform(0.0, 1.0) * outlines.len() as f64) as usize);
        if let Some(patient) = outline.and_then(|o| Patient::shaped(spec.seed, o, QUICK_STEP)) {
            return Ok(patient);
        }
    }
    match Patient::with_step(spec, &[], QUICK_STEP) {
        // A head into which the grade does not fit serves as one with the smallest tumour.
        Err(Error::Grade(_)) => Patient::with_step(
            &PatientSpec {
                koos: Some(KoosGrade::I),
                ..*spec
            },
            &[],
            QUICK_STEP,
        ),
        other => other,
    }
}

/// Where a crop lies in the head.
fn place(
    patient: &Patient,
    shape: Shape,
    spacing_mm: [f64; 3],
    about: CropPlace,
    draw: &mut Draw,
) -> DAffine3 {
    let mut spread = |x: f64, y: f64, z: f64| {
        DVec3::new(
            draw.uniform(-x, x),
            draw.uniform(-y, y),
            draw.uniform(-z, z),
        )
    };
    let close = spread(6.0, 6.0, 6.0);
    let aside = spread(24.0, 24.0, 20.0);
    let anywhere = spread(75.0, 90.0, 45.0) + DVec3::new(0.0, -5.0, 5.0);
    let middle = spread(25.0, 30.0, 30.0);
    let drawn = if draw.chance(0.5) {
        Side::Left
    } else {
        Side::Right
    };
    let side = patient
        .side()
        .filter(|_| draw.chance(TUMOUR_SIDE))
        .unwrap_or(drawn);
    let porus = patient.anatomy.ear(side).canal.porus;
    let kind = draw.uniform(0.0, 1.0);
    let centre = match about {
        CropPlace::Head => DVec3::new(0.0, porus.y, porus.z) + middle,
        CropPlace::Ear | CropPlace::HardEar if kind < NEAR_EAR[0] + NEAR_EAR[1] => {
            let medial = DVec3::X * MEDIAL_MM * -porus.x.signum();
            porus + medial + if kind < NEAR_EAR[0] { close } else { aside }
        }
        CropPlace::Ear | CropPlace::HardEar => anywhere,
    };
    let rotation = draw_pose(draw).matrix3.transpose();
    let axes = rotation * DMat3::from_diagonal(DVec3::from_array(spacing_mm));
    let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    DAffine3::from_mat3_translation(axes, centre - axes * half)
}

/// Part of the crops of balanced or random contrast that one pass leaves with dark bands: 15 % of all.
const BANDED: f64 = 0.23;
/// Width of a sinc at half its height over the resolution.
const SINC_WIDTH: f64 = 1.207;

/// Blur up to that of slices of 3 mm, shading of up to half the signal, SNR from 12 to 120, and every artefact more often than in the clinic.
fn random_scanner(modality: Modality, sequence: Option<Sequence>, draw: &mut Draw) -> Scanner {
    // These come from the crop's own stream, the rest from another, so that a crop keeps them.
    let in_plane = draw.uniform(0.0, 1.3);
    let thick = if draw.chance(0.3) {
        draw.uniform(1.0, 3.0)
    } else {
        draw.uniform(0.0, 1.2)
    };
    let width_mm = [in_plane, in_plane * draw.uniform(0.9, 1.2), thick];
    let resolution_mm = width_mm.map(|mm| mm / SINC_WIDTH);
    let gamma = draw.log_normal(1.0, 0.2).clamp(0.6, 1.7);
    let strength = draw.uniform(0.0, 0.2);
    let mut shading = Shading::polynomial(draw, strength);
    let snr = (draw.uniform(12.0_f64.ln(), 120.0_f64.ln())).exp();
    let unit_value = draw.uniform(300.0, 3000.0);
    let noise_seed = draw.seed();
    let mut draw = Scanner::draw(noise_seed);
    let one_pass = Sequence::Ciss {
        tr: draw.uniform(5.0, 13.0),
        te: draw.uniform(2.0, 4.5),
        flip_deg: draw.uniform(40.0, 80.0),
        dual: false,
    };
    let banded = draw.chance(BANDED)
        && modality == Modality::HrT2
        && !matches!(sequence, Some(Sequence::Tse { .. }));
    let sequence = if banded { Some(one_pass) } else { sequence };
    let bandwidth_hz = draw.uniform(130.0, 400.0);
    // Acquired pixels of less than half a millimetre are not heard of.
    let pixel_mm = resolution_mm[0].max(0.5);
    if draw.chance(0.3) {
        shading.elements = Shading::array(&mut draw);
    }
    let drop = if draw.chance(0.3) { 0.3 } else { 0.9 };
    Scanner {
        acquisition: Acquisition {
            sequence,
            window_alpha: draw.uniform(0.0, 0.6),
            elliptical: draw.chance(0.5),
            bandwidth_hz,
            fat_shift_mm: fat_shift_mm(bandwidth_hz, pixel_mm, &mut draw),
            off_resonance: matches!(sequence, Some(Sequence::Ciss { .. })).then(|| {
                let mut field = OffResonance::draw(DVec3::Z, &mut draw);
                // One pass is scanned off centre at times: any tissue may lie in a band.
                if banded {
                    field.smooth_hz[0] += draw.uniform(-60.0, 60.0);
                }
                field
            }),
            slab_edges: [0, 1].map(|_| draw.uniform(drop, 1.0)),
            jumps: if draw.chance(0.15) {
                Jump::draw_some(&mut draw)
            } else {
                Vec::new()
            },
            ghost: draw.chance(0.15).then(|| Ghost::draw(&mut draw)),
            resolution_mm,
            shading,
            snr,
            unit_value,
        },
        gamma,
        noise_seed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::OutlinePlane;

    /// A ball of 7 mm where tumours lie, medial, posterior and superior of a left cochlea.
    fn outline() -> Outline {
        let (centre, radius) = (DVec3::new(13.0, -7.0, 3.0), 7.0_f64);
        let planes = (-7..=7).map(|n| {
            let height = f64::from(n);
            let r = (radius * radius - height * height).max(0.04).sqrt();
            let around = (0..40).map(|a| {
                let (sin, cos) = (f64::from(a) * std::f64::consts::TAU / 40.0).sin_cos();
                centre + DVec3::new(r * cos, r * sin, height)
            });
            OutlinePlane {
                offset: centre.z + height,
                contours: vec![around.collect()],
            }
        });
        Outline {
            name: "ball".to_owned(),
            side: Side::Left,
            normal: DVec3::Z,
            planes: planes.collect(),
        }
    }

    #[test]
    fn a_part_of_the_tumours_have_the_shape_and_size_of_an_outline() {
        let outlines = [outline()];
        let wanted = outlines[0].volume_mm3();
        let (mut tumours, mut shaped) = (0, 0);
        for seed in 0..60 {
            let drawn = Draw::new(seed, 3).seed();
            let patient = random_patient(drawn, &outlines).unwrap();
            let plain = random_patient(drawn, &[]).unwrap();
            let Some(growth) = &patient.growth else {
                assert!(plain.growth.is_none());
                continue;
            };
            tumours += 1;
            if growth.tumour.shape().outline.as_deref() == Some("ball") {
                shaped += 1;
                // Bone cuts away a part of it.
                let part = growth.volume_mm3 / wanted;
                assert!((0.6..1.05).contains(&part), "{part}");
            }
        }
        let part = f64::from(shaped) / f64::from(tumours);
        assert!((0.2..0.6).contains(&part), "{shaped} of {tumours}");
    }

    #[test]
    fn hard_crops_show_more_small_and_cystic_tumours_of_every_grade_and_as_many_healthy_ears() {
        let patients = |of: fn(u64, &[Outline]) -> Result<Patient, Error>| {
            (0..120).map(|seed| of(seed, &[]).unwrap()).collect()
        };
        let [taxing, usual]: [Vec<Patient>; 2] =
            [patients(taxing_patient), patients(random_patient)];
        let part_of_cysts = |p: &Patient| {
            let growth = p.growth.as_ref();
            growth.map_or(0.0, |g| {
                g.content.cyst_volume_mm3(&g.tumour, QUICK_STEP) / g.volume_mm3
            })
        };
        let below = |p: &Patient, mm3: f64| p.growth.as_ref().is_some_and(|g| g.volume_mm3 < mm3);
        let count = |of: &[Patient]| {
            let mut counts = [0; 5];
            for p in of {
                let is = [
                    below(p, 80.0),
                    below(p, 40.0),
                    part_of_cysts(p) > 0.05,
                    part_of_cysts(p) > 0.3 && below(p, 1000.0),
                    p.growth.is_none(),
                ];
                for (count, is) in counts.iter_mut().zip(is) {
                    *count += u32::from(is);
                }
            }
            counts
        };
        let (hard, plain) = (count(&taxing), count(&usual));
        for (n, least) in [15, 6, 15, 3].into_iter().enumerate() {
            assert!(hard[n] >= least && hard[n] < 60, "{n}: {hard:?}");
            assert!(2 * hard[n] > 3 * plain[n], "{n}: {hard:?}, {plain:?}");
        }
        assert!((6..30).contains(&hard[4]), "{hard:?}");
    }
}
