//! Simulated patients and their measurements, judged by the rules of the product. Shared by the program and by the tests.
use chrono::{Days, NaiveDate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use schwann::{
    measure::{KoosAssessment, KoosEvidence, SizeSide, TumourExtent, Verdict, judge_growth},
    patient::{Finding, ModelInfo, Provenance, ReviewState, TumourSize, Visit, assess},
    volume::Sequence,
};
use std::f64::consts::PI;

/// Follow-ups after the first visit, years from it.
pub(crate) const FOLLOW_UPS: [f64; 5] = [0.5, 1.0, 2.0, 3.0, 4.1];
/// Volumes of an observed cohort: median and spread of their logarithm (361 patients, median 0.161 cm³, quartiles 0.054 and 0.418).
const MEDIAN_MM3: f64 = 161.0;
const LOG_SPREAD: f64 = 1.517;
/// Volumes that are drawn, mm³.
const VOLUMES: [f64; 2] = [15.0, 30_000.0];
/// Standard deviation of where the surface is drawn, mm: 95 % within 0.26 mm.
const SHIFT_SD_MM: f64 = 0.26 / 1.96;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Study {
    /// Patients.
    pub(crate) patients: usize,
    /// True growth of the volume's logarithm, 1/year; zero for stable patients.
    pub(crate) rate: f64,
    /// Distance between slices, mm.
    pub(crate) slice_mm: f64,
    /// Standard deviation of a diameter besides the shift of the surface, mm.
    pub(crate) diameter_sd_mm: f64,
    /// Every patient's volume at the first visit, mm³; drawn from the cohort if none.
    pub(crate) volume_mm3: Option<f64>,
    /// Seed.
    pub(crate) seed: u64,
}

impl Study {
    /// Stable patients of the cohort on 1 mm slices.
    pub(crate) const fn stable(patients: usize, seed: u64) -> Self {
        Self {
            patients,
            rate: 0.0,
            slice_mm: 1.0,
            diameter_sd_mm: 0.5,
            volume_mm3: None,
            seed,
        }
    }
}

/// Part of the patients that were called grown up to and at each follow-up.
pub(crate) type Called = [f64; FOLLOW_UPS.len()];

/// What the rules said.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    /// At least 20 % larger than the previous or the first visit, whatever the error.
    pub(crate) flat: Called,
    /// `judge_growth` says growth since the previous visit.
    pub(crate) previous: Called,
    /// `judge_growth` says growth since the first visit.
    pub(crate) first: Called,
    /// Either of these two.
    pub(crate) pairs: Called,
    /// The verdict of `assess` is growth: first, smallest and previous visit, among so many comparisons.
    pub(crate) assessed: Called,
    /// That verdict is growth or probable growth.
    pub(crate) probable: Called,
}

/// Measures one tumour of volume `truth`, mm³: the whole surface is shifted, the voxels are counted, the diameter is read.
fn measure(truth: f64, study: &Study, rng: &mut ChaCha8Rng) -> TumourExtent {
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    let radius = (0.75 * truth / PI).cbrt();
    let drawn = (radius + SHIFT_SD_MM * normal()).max(0.3 * radius);
    let voxels = 0.38 * (study.slice_mm / (2.0 * radius)).powi(2);
    let volume_mm3 = 4.0 / 3.0 * PI * drawn.powi(3) * (1.0 + voxels * normal()).max(0.2);
    let diameter = (2.0 * drawn + study.diameter_sd_mm * normal()).max(0.5);
    TumourExtent {
        volume_mm3,
        surface_mm2: None,
        extrameatal_diameter_mm: None,
        max_axial_diameter_mm: Some(diameter),
        slice_thickness_mm: study.slice_mm,
    }
}

/// A visit with that measurement.
pub(crate) fn visit(date: NaiveDate, extent: &TumourExtent) -> Visit {
    let volume = extent.volume_mm3;
    let diameter = extent.max_axial_diameter_mm.unwrap_or_default();
    Visit {
        date,
        slice_thickness_mm: extent.slice_thickness_mm,
        spacing_mm: [
            extent.slice_thickness_mm.min(0.5),
            extent.slice_thickness_mm.min(0.5),
            extent.slice_thickness_mm,
        ],
        sequence: Sequence::HrT2,
        finding: Finding {
            tumour: Some(TumourSize {
                volume_mm3: volume,
                surface_mm2: (36.0 * PI).cbrt() * volume.powf(2.0 / 3.0),
                max_axial_diameter_mm: diameter,
                extrameatal_diameter_mm: extent.extrameatal_diameter_mm,
                max_diameter_3d_mm: diameter,
                side: Some(SizeSide::Left),
                at_scan_edge: false,
                measures: None,
            }),
            koos: KoosAssessment {
                tumour: true,
                grade: None,
                probabilities: [0.0; 4],
                wording: "not graded",
                evidence: KoosEvidence::default(),
                ..KoosAssessment::default()
            },
            provenance: Provenance {
                model: Some(ModelInfo {
                    name: "simulated".to_owned(),
                    version: "1".to_owned(),
                    sha256: "0".repeat(64),
                }),
                scan_sha256: format!("{date} {volume}"),
                software_version: "0".to_owned(),
                device: None,
                state: ReviewState::Accepted,
            },
            warnings: Vec::new(),
        },
    }
}

/// Follows all patients.
pub(crate) fn follow(study: &Study) -> Rates {
    let mut rng = ChaCha8Rng::seed_from_u64(study.seed);
    let mut rates = Rates::default();
    for _ in 0..study.patients {
        let drawn = MEDIAN_MM3 * (LOG_SPREAD * rng.sample::<f64, _>(StandardNormal)).exp();
        let volume = study
            .volume_mm3
            .unwrap_or(drawn.clamp(VOLUMES[0], VOLUMES[1]));
        let years: Vec<f64> = [0.0].into_iter().chain(FOLLOW_UPS).collect();
        let extents: Vec<TumourExtent> = (years.iter())
            .map(|t| measure(volume * (study.rate * t).exp(), study, &mut rng))
            .collect();
        add(&mut rates, &years, &extents);
    }
    let share = 1.0 / study.patients as f64;
    for called in [
        &mut rates.flat,
        &mut rates.previous,
        &mut rates.first,
        &mut rates.pairs,
        &mut rates.assessed,
        &mut rates.probable,
    ] {
        for n in called {
            *n *= share;
        }
    }
    rates
}

/// Adds one patient.
fn add(rates: &mut Rates, years: &[f64], extents: &[TumourExtent]) {
    let start = NaiveDate::default();
    let visits: Vec<Visit> = (years.iter().zip(extents))
        .map(|(t, e)| visit(start + Days::new((t * 365.25).round() as u64), e))
        .collect();
    let mut so_far = [false; 6];
    for n in 0..FOLLOW_UPS.len() {
        let (first, previous, now) = (&extents[0], &extents[n], &extents[n + 1]);
        let flat = |e: &TumourExtent| now.volume_mm3 >= 1.2 * e.volume_mm3;
        let grown = |e: &TumourExtent| judge_growth(e, now).verdict == Verdict::Growth;
        let verdict = assess(&visits[..n + 2], &[], None)
            .ok()
            .and_then(|a| a.verdict);
        let growth = verdict == Some(Verdict::Growth);
        let said = [
            flat(first) || flat(previous),
            grown(previous),
            grown(first),
            grown(previous) || grown(first),
            growth,
            growth || verdict == Some(Verdict::ProbableGrowth),
        ];
        for (all, now) in so_far.iter_mut().zip(said) {
            *all |= now;
        }
        let [flat, previous, first, pairs, assessed, probable] = so_far.map(f64::from);
        rates.flat[n] += flat;
        rates.previous[n] += previous;
        rates.first[n] += first;
        rates.pairs[n] += pairs;
        rates.assessed[n] += assessed;
        rates.probable[n] += probable;
    }
}
