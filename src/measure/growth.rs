//! Growth of a tumour between visits, with the measurement error that belongs to its size.
//!
//! Error model: every published limit of agreement for vestibular schwannoma volumes, from 26.8 % of the smallest tumours to 7.3 % of the
//! largest (limits of agreement with the mean, five observers, 100 patients, PMID 38980343), follows from one constant, a uniform 95 % shift
//! [`BOUNDARY_SHIFT_95_MM`] of the whole surface. The error in mm³ is that shift times the surface, so a canal-shaped tumour has wider limits
//! than a ball of the same volume. For a ball of volume V mm³ the limit is `125.7 · V^(-1/3)` percent.
//!
//! To this comes the error of cutting the tumour into voxels. Counting voxels of balls at random places (20 to 1000 mm³; voxels from
//! 0.5 × 0.5 × 1.0 to 1 × 1 × 3 mm) gives standard deviations that `38 · (s/D)²` percent follows within a factor of about 1.5, with slices of
//! s mm and D the diameter of the ball, mm. It counts for small tumours on thick slices. Both are independent: their squares add.
//!
//! Who compares one visit with several earlier ones looks several times for the same error, and ratios of small volumes are skewed. A verdict
//! among several comparisons therefore asks for more ([`judge_growth_among`]): the limit is taken on the logarithm, and for three comparisons
//! with Bonferroni's correction, so that few stable tumours are called grown over the years. `docs/growth.md` has the rates.
//!
//! Time is in years of 365.25 days.
use serde::{Deserialize, Serialize};
use std::{f64::consts::LN_2, fmt};

/// 95 % uncertainty of where a tumour's surface lies, mm (see the module's text).
pub const BOUNDARY_SHIFT_95_MM: f64 = 0.26;
/// Volume change that is called growth when it also exceeds the detectable change, percent.
pub const GROWTH_VOLUME_PERCENT: f64 = 20.0;
/// Volume change that is called probable growth when it also exceeds the 95 % error of one measurement, percent.
pub const PROBABLE_GROWTH_VOLUME_PERCENT: f64 = 10.0;
/// Standard deviation of a volume from voxels alone, percent, when slices are as thick as the tumour's sphere-equivalent diameter.
const DIGITISATION_SD_PERCENT: f64 = 38.0;
/// Change of one diameter that is called growth, mm.
pub const GROWTH_DIAMETER_MM: f64 = 2.0;
/// Thickest slices on which a diameter change counts, mm. Thicker ones also call for a warning.
pub const THIN_SLICE_MM: f64 = 1.5;
/// Thickest slices from which volumes are compared, mm.
pub const COMPARABLE_SLICE_MM: f64 = 3.0;
/// Normal quantile of a two-sided 95 % interval.
const Z95: f64 = 1.96;
/// Normal quantile of two-sided 95 % confidence over three comparisons: that of 1 − 0.05/6 (Bonferroni).
const Z95_OF_THREE: f64 = 2.3940;
/// Most comparisons of one visit: with the first, the smallest and the previous one.
pub const MOST_COMPARISONS: usize = 3;
/// Slack for a slice thickness or a limit that a file rounded.
const ROUNDING: f64 = 1e-6;

/// What one visit contributes to a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TumourExtent {
    /// Tumour volume, mm³, above zero.
    pub volume_mm3: f64,
    /// Its surface, mm². Without one, and where a surface is smaller than any body of that volume can have, the sphere's is used.
    pub surface_mm2: Option<f64>,
    /// Largest extrameatal diameter in an axial slice, mm; none for a tumour that stays in the canal.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Largest diameter of the whole tumour in an axial slice, mm.
    pub max_axial_diameter_mm: Option<f64>,
    /// Distance between slices, mm.
    pub slice_thickness_mm: f64,
}

impl TumourExtent {
    /// Half-width of the 95 % interval of the volume, percent of it: `sqrt((100 · δ95 · S/V)² + (1.96 · σ)²)`, with the surface shift δ95
    /// [`BOUNDARY_SHIFT_95_MM`], the surface S, and the voxels' standard deviation `σ = 38 · (s/D)²` percent (see the module's text).
    pub fn loa95_percent(&self) -> f64 {
        let outline = 100.0 * loa95_mm3(self.volume_mm3, self.surface_mm2) / self.volume_mm3;
        outline.hypot(digitisation_95_percent(
            self.volume_mm3,
            self.slice_thickness_mm,
        ))
    }

    /// [`Self::loa95_percent`] in mm³.
    pub fn loa95_mm3(&self) -> f64 {
        self.loa95_percent() * self.volume_mm3 / 100.0
    }

    /// Smallest change between two independent measurements that exceeds their error (95 %), percent of the volume: √2 × [`Self::loa95_percent`].
    pub fn detectable_change_percent(&self) -> f64 {
        std::f64::consts::SQRT_2 * self.loa95_percent()
    }

    /// Smallest increase over this volume that is called growth at a visit that is compared with `comparisons` earlier ones, percent.
    ///
    /// For one comparison the larger of [`GROWTH_VOLUME_PERCENT`] and the detectable change; for more also no less than
    /// `100 · (exp(z · √2 · σ) − 1)`, with [`Self::relative_sd`] σ, and z 1.96 for two, which only undoes the skew of ratios, and 2.39 of
    /// Bonferroni's correction for three and more. Two come once in a patient's follow-up, three at every later visit.
    pub fn growth_limit_percent(&self, comparisons: usize) -> f64 {
        let z = match comparisons {
            0 | 1 => 0.0,
            2 => Z95,
            _ => Z95_OF_THREE,
        };
        let among = 100.0 * (z * std::f64::consts::SQRT_2 * self.relative_sd()).exp_m1();
        self.detectable_change_percent()
            .max(GROWTH_VOLUME_PERCENT)
            .max(among)
    }

    /// Relative standard deviation of the volume, a fraction.
    pub fn relative_sd(&self) -> f64 {
        self.loa95_percent() / (100.0 * Z95)
    }

    /// The same tumour as if its slices were no thinner than those of `other`: two visits are compared with the error of the coarser scan.
    #[must_use]
    pub fn on_slices_of(self, other: &Self) -> Self {
        Self {
            slice_thickness_mm: self.slice_thickness_mm.max(other.slice_thickness_mm),
            ..self
        }
    }
}

/// Which diameter two visits are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiameterKind {
    /// Largest extrameatal diameter in an axial slice.
    Extrameatal,
    /// Largest diameter in an axial slice, the part in the canal included.
    MaxAxial,
}

impl fmt::Display for DiameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Extrameatal => "largest extrameatal diameter",
            Self::MaxAxial => "largest axial diameter",
        })
    }
}

/// What may be said about a tumour between two visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Larger by more than the measurement error and by a clinically used limit.
    Growth,
    /// Larger by more than the error of one measurement, but below the limit of growth.
    #[serde(rename = "probable growth")]
    ProbableGrowth,
    /// No change that can be told from measurement error.
    Stable,
    /// What would be growth were the visits exchanged.
    Shrinkage,
    /// The two measurements must not be compared.
    #[serde(rename = "not comparable")]
    NotComparable,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Growth => "growth",
            Self::ProbableGrowth => "probable growth",
            Self::Stable => "stable",
            Self::Shrinkage => "shrinkage",
            Self::NotComparable => "not comparable",
        })
    }
}

/// A verdict with the numbers it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct GrowthJudgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, each one sentence with its numbers.
    pub reasons: Vec<String>,
}

/// A specific growth rate `d ln V / dt`, per year, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GrowthRate {
    /// Rate, 1/year; negative when shrinking.
    pub per_year: f64,
    /// Lower and upper limit, 1/year.
    pub ci95: [f64; 2],
}

impl GrowthRate {
    fn new(per_year: f64, standard_error: f64) -> Self {
        let half = Z95 * standard_error;
        Self {
            per_year,
            ci95: [per_year - half, per_year + half],
        }
    }
}

/// The outline's part of the 95 % interval of one volume, mm³: boundary shift × surface. [`TumourExtent::loa95_mm3`] is the whole.
///
/// `surface_mm2` is the measured surface. None, or one below the sphere's (impossible for that volume), gives the sphere's.
pub fn loa95_mm3(volume_mm3: f64, surface_mm2: Option<f64>) -> f64 {
    let sphere = (36.0 * std::f64::consts::PI).cbrt() * volume_mm3.powf(2.0 / 3.0);
    let surface = surface_mm2
        .filter(|s| s.is_finite())
        .map_or(sphere, |s| s.max(sphere));
    BOUNDARY_SHIFT_95_MM * surface
}

/// The voxels' part of the 95 % interval of a volume, percent of it.
fn digitisation_95_percent(volume_mm3: f64, slice_thickness_mm: f64) -> f64 {
    let diameter = (6.0 * volume_mm3 / std::f64::consts::PI).cbrt();
    Z95 * DIGITISATION_SD_PERCENT * (slice_thickness_mm / diameter).powi(2)
}

/// The voxels' part of the 95 % interval of a volume, mm³; 0 where there is none.
pub(super) fn digitisation_95_mm3(volume_mm3: f64, slice_thickness_mm: f64) -> f64 {
    if volume_mm3 > 0.0 {
        volume_mm3 * digitisation_95_percent(volume_mm3, slice_thickness_mm) / 100.0
    } else {
        0.0
    }
}

/// An increase in percent seen from the other end: the decrease that undoes it, in percent of the larger volume.
pub fn mirrored_decrease_percent(increase_percent: f64) -> f64 {
    100.0 * increase_percent / (100.0 + increase_percent)
}

/// Compound growth per year, percent: `100 · ((V2/V1)^(1/Δt) − 1)`.
pub fn annual_growth_percent(volume1_mm3: f64, volume2_mm3: f64, years: f64) -> f64 {
    100.0 * ((volume2_mm3 / volume1_mm3).powf(1.0 / years) - 1.0)
}

/// Specific growth rate between two visits: `ln(V2/V1)/Δt`, standard error `sqrt(σ1² + σ2²)/Δt` with [`TumourExtent::relative_sd`].
pub fn specific_growth_rate(
    earlier: &TumourExtent,
    later: &TumourExtent,
    years: f64,
) -> GrowthRate {
    GrowthRate::new(
        (later.volume_mm3 / earlier.volume_mm3).ln() / years,
        earlier.relative_sd().hypot(later.relative_sd()) / years,
    )
}

/// Specific growth rate over three or more visits: weighted least squares of `ln V` on time (years), weights `1/σ²`.
///
/// Where the visits scatter about the line by more than their errors, the standard error is widened by the root of χ² / (n − 2).
///
/// `None` for fewer than three visits or when all have one time.
pub fn growth_trend(visits: &[(f64, TumourExtent)]) -> Option<GrowthRate> {
    fitted_growth(visits).map(|fit| fit.rate)
}

/// The exponential curve through volumes that a trend means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedGrowth {
    /// Its specific growth rate.
    pub rate: GrowthRate,
    /// A time, years, and the volume there, mm³: the weighted middle of the visits.
    pub middle: (f64, f64),
}

impl FittedGrowth {
    /// The volume at a time, mm³.
    pub fn volume_mm3(&self, years: f64) -> f64 {
        self.middle.1 * (self.rate.per_year * (years - self.middle.0)).exp()
    }
}

/// The curve of [`growth_trend`].
pub fn fitted_growth(visits: &[(f64, TumourExtent)]) -> Option<FittedGrowth> {
    if visits.len() < 3 {
        return None;
    }
    let points: Vec<[f64; 3]> = visits
        .iter()
        .map(|(t, e)| [*t, e.volume_mm3.ln(), e.relative_sd().powi(-2)])
        .collect();
    let total: f64 = points.iter().map(|p| p[2]).sum();
    let mean = |axis: usize| points.iter().map(|p| p[2] * p[axis]).sum::<f64>() / total;
    let (t_mean, y_mean) = (mean(0), mean(1));
    let spread: f64 = points.iter().map(|p| p[2] * (p[0] - t_mean).powi(2)).sum();
    let slope = points
        .iter()
        .map(|p| p[2] * (p[0] - t_mean) * (p[1] - y_mean))
        .sum::<f64>()
        / spread;
    let chi2: f64 = points
        .iter()
        .map(|p| p[2] * (p[1] - y_mean - slope * (p[0] - t_mean)).powi(2))
        .sum();
    let scatter = (chi2 / (points.len() - 2) as f64).max(1.0).sqrt();
    let rate = GrowthRate::new(slope, scatter * spread.powf(-0.5));
    let sound = spread > 0.0 && rate.ci95.iter().all(|c| c.is_finite());
    sound.then(|| FittedGrowth {
        rate,
        middle: (t_mean, y_mean.exp()),
    })
}

/// Time in which the volume doubles, years: `ln 2 / rate`. `None` when the rate is not above zero.
pub fn doubling_time_years(specific_growth_rate: f64) -> Option<f64> {
    let years = LN_2 / specific_growth_rate;
    (specific_growth_rate > 0.0 && years.is_finite()).then_some(years)
}

/// Change of the diameter that both visits have, extrameatal before whole, mm.
pub fn diameter_change_mm(
    earlier: &TumourExtent,
    later: &TumourExtent,
) -> Option<(DiameterKind, f64)> {
    let change = |a: Option<f64>, b: Option<f64>| Some(b? - a?);
    change(
        earlier.extrameatal_diameter_mm,
        later.extrameatal_diameter_mm,
    )
    .map(|mm| (DiameterKind::Extrameatal, mm))
    .or_else(|| {
        change(earlier.max_axial_diameter_mm, later.max_axial_diameter_mm)
            .map(|mm| (DiameterKind::MaxAxial, mm))
    })
}

/// How far the larger of two volumes stands out of the error of the smaller.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Within,
    Probable,
    Beyond,
}

/// Compares two visits that may be compared as far as their scans and models go.
///
/// Growth is a volume change of at least 20 % and the detectable change of the smaller volume, or a diameter change of at least 2 mm on slices of
/// at most 1.5 mm; probable growth one of at least 10 % and the 95 % error of one measurement. Both percentages are of the smaller volume, so
/// exchanging the visits turns growth into shrinkage and back exactly. A possible decrease is called stable, with the reason. Slices over 3 mm,
/// and a volume (by at least 10 %, or less where less is detectable) and a diameter that change in opposite directions, are not comparable.
///
/// This is the rule for one pair by itself; [`judge_growth_among`] is that for a visit which is compared with several.
pub fn judge_growth(earlier: &TumourExtent, later: &TumourExtent) -> GrowthJudgement {
    judge_growth_among(earlier, later, 1)
}

/// [`judge_growth`] where the later visit is compared with `comparisons` earlier ones, of which this pair is one.
///
/// With more than one, growth needs [`TumourExtent::growth_limit_percent`] of that many, and a diameter that changes by 2 mm while the volume
/// stays within its error is probable growth only (a decrease: stable), as measuring it several times reaches 2 mm by chance.
pub fn judge_growth_among(
    earlier: &TumourExtent,
    later: &TumourExtent,
    comparisons: usize,
) -> GrowthJudgement {
    let thickest = earlier.slice_thickness_mm.max(later.slice_thickness_mm);
    if thickest > COMPARABLE_SLICE_MM + ROUNDING {
        return GrowthJudgement {
            verdict: Verdict::NotComparable,
            reasons: vec![format!(
                "slices of {thickest:.1} mm: volumes are not compared above {COMPARABLE_SLICE_MM:.0} mm"
            )],
        };
    }
    let (step, volume_reason) = volume_step(earlier, later, comparisons);
    // Of large tumours less than 10 % is more than two measurements differ by.
    let detectable = smaller(earlier, later).detectable_change_percent();
    let least_against = detectable.min(PROBABLE_GROWTH_VOLUME_PERCENT);
    let change = volume_difference_percent(earlier, later);
    let grew = later.volume_mm3 >= earlier.volume_mm3;
    let mut reasons = vec![volume_reason];
    let diameter = diameter_change_mm(earlier, later)
        .filter(|(_, mm)| mm.abs() >= GROWTH_DIAMETER_MM - ROUNDING);
    let mut verdict = match (step, grew) {
        (Step::Beyond, true) => Verdict::Growth,
        (Step::Beyond, false) => Verdict::Shrinkage,
        (Step::Probable, true) => Verdict::ProbableGrowth,
        (Step::Probable, false) | (Step::Within, _) => Verdict::Stable,
    };
    if let Some((kind, mm)) = diameter {
        if thickest > THIN_SLICE_MM + ROUNDING {
            reasons.push(format!(
                "{kind} {mm:+.1} mm is not counted: slices of {thickest:.1} mm exceed {THIN_SLICE_MM} mm"
            ));
        } else if change >= least_against - ROUNDING && grew != (mm > 0.0) {
            verdict = Verdict::NotComparable;
            reasons.push(format!(
                "{kind} {mm:+.1} mm contradicts the volume: check both outlines"
            ));
        } else {
            let unsupported = step == Step::Within && comparisons > 1;
            verdict = match (mm > 0.0, unsupported) {
                (true, false) => Verdict::Growth,
                (true, true) => Verdict::ProbableGrowth,
                (false, false) => Verdict::Shrinkage,
                (false, true) => Verdict::Stable,
            };
            let alone = match (step, unsupported) {
                (Step::Within, false) => {
                    "; by the diameter alone, the volume change being within error: check both outlines"
                }
                (Step::Within, true) => {
                    "; by the diameter alone, which is not enough among several comparisons: check both outlines"
                }
                _ => "",
            };
            reasons.push(format!(
                "{kind} {mm:+.1} mm reaches {GROWTH_DIAMETER_MM:.0} mm on slices of {thickest:.1} mm{alone}"
            ));
        }
    }
    GrowthJudgement { verdict, reasons }
}

/// How much larger the larger volume is, percent of the smaller.
fn volume_difference_percent(a: &TumourExtent, b: &TumourExtent) -> f64 {
    let (small, large) = (
        a.volume_mm3.min(b.volume_mm3),
        a.volume_mm3.max(b.volume_mm3),
    );
    100.0 * (large / small - 1.0)
}

/// The smaller of two tumours, whose errors are those of the pair, on the thicker slices.
fn smaller(earlier: &TumourExtent, later: &TumourExtent) -> TumourExtent {
    if later.volume_mm3 >= earlier.volume_mm3 {
        earlier.on_slices_of(later)
    } else {
        later.on_slices_of(earlier)
    }
}

/// The volume's part of the decision, with its sentence.
fn volume_step(earlier: &TumourExtent, later: &TumourExtent, comparisons: usize) -> (Step, String) {
    let grew = later.volume_mm3 >= earlier.volume_mm3;
    let change = volume_difference_percent(earlier, later);
    let small = smaller(earlier, later);
    let (loa, detectable) = (small.loa95_percent(), small.detectable_change_percent());
    let pair_limit = small.growth_limit_percent(1);
    let growth_limit = small.growth_limit_percent(comparisons);
    let probable_limit = loa.max(PROBABLE_GROWTH_VOLUME_PERCENT);
    // Limits are those of the smaller volume; a decrease is told in percent of the earlier, larger one.
    let told = |percent: f64| {
        if grew {
            format!("+{percent:.1} %")
        } else {
            format!("-{:.1} %", mirrored_decrease_percent(percent))
        }
    };
    let from_to = format!(
        "volume {} to {} mm³ ({})",
        volume_text(earlier.volume_mm3),
        volume_text(later.volume_mm3),
        told(change)
    );
    let beyond_error = told(detectable);
    // The slack keeps a change of exactly 20 % on the growing side whatever the last bit of the division says.
    if change >= growth_limit - ROUNDING {
        let limit = told(GROWTH_VOLUME_PERCENT);
        let among = if growth_limit > pair_limit {
            format!(
                ", and the {} asked for among {comparisons} comparisons",
                told(growth_limit)
            )
        } else {
            String::new()
        };
        (
            Step::Beyond,
            format!(
                "{from_to} reaches both the {limit} limit and the detectable change of {beyond_error}{among}"
            ),
        )
    } else if change >= pair_limit - ROUNDING {
        let direction = if grew { "growth" } else { "decrease" };
        (
            Step::Probable,
            format!(
                "{from_to} reaches the limit of one comparison ({}) but not the {} asked for among {comparisons}: possible {direction}",
                told(pair_limit),
                told(growth_limit)
            ),
        )
    } else if change >= probable_limit - ROUNDING {
        let limit = told(pair_limit);
        let direction = if grew { "growth" } else { "decrease" };
        (
            Step::Probable,
            format!(
                "{from_to} exceeds the error of one measurement ({}) but not the limit of {limit}: possible {direction}",
                told(loa)
            ),
        )
    } else {
        let limit = told(probable_limit);
        (
            Step::Within,
            format!("{from_to} stays within {limit}; the detectable change is {beyond_error}"),
        )
    }
}

/// A volume for people: whole mm³ from 100 on, one decimal below.
pub fn volume_text(volume_mm3: f64) -> String {
    if volume_mm3.abs() >= 99.95 {
        format!("{volume_mm3:.0}")
    } else {
        format!("{volume_mm3:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ball(volume_mm3: f64) -> TumourExtent {
        TumourExtent {
            volume_mm3,
            surface_mm2: None,
            extrameatal_diameter_mm: None,
            max_axial_diameter_mm: None,
            slice_thickness_mm: 1.0,
        }
    }

    #[test]
    fn a_surface_that_no_body_can_have_does_not_shrink_the_error() {
        let with = |surface_mm2| {
            TumourExtent {
                surface_mm2,
                ..ball(500.0)
            }
            .loa95_mm3()
        };
        assert_eq!(with(Some(1.0)).to_bits(), with(None).to_bits());
        assert_eq!(with(Some(f64::NAN)).to_bits(), with(None).to_bits());
        assert!((loa95_mm3(500.0, Some(600.0)) - 156.0).abs() < 1e-9);
    }

    #[test]
    fn diameters_of_different_kind_are_not_subtracted() {
        let inside = TumourExtent {
            max_axial_diameter_mm: Some(8.0),
            ..ball(300.0)
        };
        let outside = TumourExtent {
            extrameatal_diameter_mm: Some(12.0),
            ..ball(300.0)
        };
        assert_eq!(diameter_change_mm(&inside, &outside), None);
    }

    #[test]
    fn a_trend_needs_three_visits_at_different_times() {
        assert_eq!(growth_trend(&[(0.0, ball(1.0)), (1.0, ball(2.0))]), None);
        assert_eq!(
            growth_trend(&[(1.0, ball(1.0)), (1.0, ball(2.0)), (1.0, ball(2.0))]),
            None
        );
    }

    #[test]
    fn exactly_twenty_percent_of_a_large_tumour_is_growth() {
        for v in [2000.0, 3000.0, 7000.0, 12345.0] {
            assert_eq!(
                judge_growth(&ball(v), &ball(v * 1.2)).verdict,
                Verdict::Growth
            );
        }
    }
}
