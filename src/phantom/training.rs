//! Endless crops of random patients for training.
use super::{
    Error, GridSpec, Patient, PatientSpec, Site,
    acquire::{Scanner, receive, sample},
    draw::Draw,
    patient::QUICK_STEP,
    region::structure_values,
    scan::{draw_pose, part},
    tissue::Palette,
};
use crate::{
    measure::KoosGrade,
    volume::{Shape, Side, unobserved},
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
}

/// Part of the crops that lies about an ear.
const NEAR_EAR: f64 = 0.7;
/// Part of the crops whose contrast is drawn at large rather than from a site.
const RANDOM_CONTRAST: f64 = 0.3;

/// A crop of a random patient: anatomy, grade or no tumour, side, pose, contrast, blur, shading and noise are drawn from the seed. 70 % lie
/// about an ear, mostly the tumour's; the others anywhere in the head, also across its border. A pure function of its arguments.
///
/// # Errors
/// When the shape is empty or too large or the spacing is out of range.
pub fn training_crop(seed: u64, shape: Shape, spacing_mm: [f64; 3]) -> Result<Crop, Error> {
    GridSpec { shape, spacing_mm }.check()?;
    let mut draw = Draw::new(seed, 3);
    let spec = PatientSpec::random(draw.seed());
    let patient = match Patient::with_step(&spec, &[], QUICK_STEP) {
        // A head into which the grade does not fit serves as one with the smallest tumour.
        Err(Error::Grade(_)) => Patient::with_step(
            &PatientSpec {
                koos: Some(KoosGrade::I),
                ..spec
            },
            &[],
            QUICK_STEP,
        )?,
        other => other?,
    };
    let palette = if draw.chance(RANDOM_CONTRAST) {
        Palette::random(&mut draw)
    } else {
        let site = if draw.chance(0.5) {
            Site::London
        } else {
            Site::Tilburg
        };
        Palette::of_site(site, super::Modality::HrT2, &mut draw)
    };
    let scanner = random_scanner(spacing_mm, &mut draw);
    let head_from_voxel = place(&patient, shape, spacing_mm, &mut draw);
    let tumour = patient.growth.as_ref().map(|g| &g.tumour);
    let tumour_part = patient.growth.as_ref().map(|g| part(&g.tumour, g));
    let scene = patient.scene(tumour, tumour_part.as_ref(), &palette);
    let sampled = sample(&scene, shape, head_from_voxel, &mut unobserved)?;
    let of_region = structure_values();
    let labels = sampled
        .regions
        .iter()
        .map(|&r| of_region[usize::from(r)])
        .collect();
    let intensities = receive(sampled.water, &sampled.fat, shape, &scanner);
    Ok(Crop {
        intensities,
        labels,
        regions: sampled.regions,
        shape,
        spacing_mm,
    })
}

/// Where a crop lies in the head.
fn place(patient: &Patient, shape: Shape, spacing_mm: [f64; 3], draw: &mut Draw) -> DAffine3 {
    let mut spread = |x: f64, y: f64, z: f64| {
        DVec3::new(
            draw.uniform(-x, x),
            draw.uniform(-y, y),
            draw.uniform(-z, z),
        )
    };
    let jitter = spread(14.0, 16.0, 11.0);
    let anywhere = spread(75.0, 90.0, 45.0) + DVec3::new(0.0, -5.0, 5.0);
    let centre = if draw.chance(NEAR_EAR) {
        let drawn = if draw.chance(0.5) {
            Side::Left
        } else {
            Side::Right
        };
        let side = patient
            .side()
            .filter(|_| draw.chance(0.75))
            .unwrap_or(drawn);
        patient.anatomy.ear(side).canal.porus + jitter
    } else {
        anywhere
    };
    let rotation = draw_pose(draw).matrix3.transpose();
    let axes = rotation * DMat3::from_diagonal(DVec3::from_array(spacing_mm));
    let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    DAffine3::from_mat3_translation(axes, centre - axes * half)
}

/// Blur up to that of slices of 3 mm, shading of up to half the signal, SNR from 12 to 120.
fn random_scanner(spacing_mm: [f64; 3], draw: &mut Draw) -> Scanner {
    let in_plane = draw.uniform(0.0, 1.3);
    let thick = if draw.chance(0.3) {
        draw.uniform(1.0, 3.0)
    } else {
        draw.uniform(0.0, 1.2)
    };
    let fwhm = [in_plane, in_plane * draw.uniform(0.9, 1.2), thick];
    let blur = [0, 1, 2].map(|n| {
        let voxel: f64 = spacing_mm[n];
        let variance = (fwhm[n] / 2.355_f64).powi(2) - voxel * voxel / 12.0;
        (variance.max(0.0).sqrt() / voxel).min(4.0)
    });
    Scanner {
        blur,
        gamma: draw.log_normal(1.0, 0.2).clamp(0.6, 1.7),
        shading: {
            let strength = draw.uniform(0.0, 0.2);
            Scanner::shading(draw, strength)
        },
        snr: (draw.uniform(12.0_f64.ln(), 120.0_f64.ln())).exp(),
        csf: draw.uniform(300.0, 3000.0),
        noise_seed: draw.seed(),
    }
}
