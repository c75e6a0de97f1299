//! How a tumour's volume changes with the years.
use super::{Error, check, draw::Draw};
use serde::Serialize;
use std::f64::consts::PI;

/// A law for the volume of a tumour. Times are years since the first visit, rates are of the volume's logarithm (1/year), and the tumour
/// always has a volume above zero. Continuous in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum GrowthModel {
    /// The volume stays.
    Stable,
    /// V = V₀ exp(rate · t); doubles in ln 2 / rate years.
    Exponential {
        /// -1 to 2 per year.
        rate: f64,
    },
    /// The diameter of the sphere of the same volume grows by the same length every year.
    LinearDiameter {
        /// 0 to 10 mm a year.
        mm_per_year: f64,
    },
    /// V = K exp(ln(V₀/K) exp(-deceleration · t)): growth that slows towards the capacity K.
    Gompertz {
        /// K over the volume at the first visit, 0.1 to 20.
        capacity: f64,
        /// How fast the growth rate falls, 0 to 5 per year.
        deceleration: f64,
    },
    /// Exponential growth that stops.
    Arrest {
        /// Until then, -1 to 2 per year.
        rate: f64,
        /// When it stops, 0 to 50 years.
        at_years: f64,
    },
    /// Exponential shrinkage; halves in ln 2 / -rate years.
    Shrinkage {
        /// -1 to 0 per year.
        rate: f64,
    },
    /// A stable tumour in which a cyst opens within half a year.
    CysticJump {
        /// When it begins, 0 to 50 years.
        at_years: f64,
        /// Volume of the cyst over the volume at the first visit, 0 to 3.
        step: f64,
    },
    /// Stable until radiosurgery, then transient swelling and lasting shrinkage: with t the years since treatment,
    /// V = V₀ {1 + swelling · (t/peak) exp(1 - t/peak)} · {1 - lost + lost · exp(-regression · t)}.
    Radiosurgery {
        /// When it is treated, 0 to 50 years.
        treated_at: f64,
        /// Height of the swelling, relative, 0 to 3; zero in somewhat more than half of the patients.
        swelling: f64,
        /// When the swelling peaks, 0.1 to 10 years after treatment.
        peak_years: f64,
        /// Part of the volume that is lost in the end, 0 to 0.95.
        lost: f64,
        /// How fast it is lost, 0 to 5 per year.
        regression: f64,
        /// Whether the core of the tumour does not enhance for a time ([`GrowthModel::dark_core`]).
        core_loses_enhancement: bool,
    },
}

/// The kinds of growth that can be asked for; the parameters are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Course {
    /// [`GrowthModel::Stable`].
    Stable,
    /// [`GrowthModel::Exponential`].
    Exponential,
    /// [`GrowthModel::LinearDiameter`].
    LinearDiameter,
    /// [`GrowthModel::Gompertz`].
    Gompertz,
    /// [`GrowthModel::Arrest`].
    Arrest,
    /// [`GrowthModel::Shrinkage`].
    Shrinkage,
    /// [`GrowthModel::CysticJump`].
    CysticJump,
    /// [`GrowthModel::Radiosurgery`].
    Radiosurgery,
}

impl Course {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Stable,
        Self::Exponential,
        Self::LinearDiameter,
        Self::Gompertz,
        Self::Arrest,
        Self::Shrinkage,
        Self::CysticJump,
        Self::Radiosurgery,
    ];
}

/// How frequent the courses are among untreated patients.
const FREQUENCIES: [(Course, f64); 7] = [
    (Course::Stable, 0.35),
    (Course::Exponential, 0.30),
    (Course::LinearDiameter, 0.10),
    (Course::Gompertz, 0.12),
    (Course::Arrest, 0.05),
    (Course::Shrinkage, 0.05),
    (Course::CysticJump, 0.03),
];

/// Random stream of the courses.
const STREAM: u64 = 41;
/// How long a cyst takes to open, years.
const CYST_OPENS_IN: f64 = 0.5;
/// When the core fades after radiosurgery and when it enhances again, years since treatment: begin and end of each.
const CORE_FADES: [f64; 2] = [0.25, 0.5];
const CORE_RETURNS: [f64; 2] = [1.0, 1.5];

/// Rises smoothly from 0 to 1 over `from..to`.
fn step_up(t: f64, [from, to]: [f64; 2]) -> f64 {
    let x = ((t - from) / (to - from)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

impl GrowthModel {
    /// The course of an untreated patient, with the frequencies and distributions of natural history studies.
    pub fn drawn(seed: u64) -> Self {
        let mut draw = Draw::new(seed, STREAM);
        let whole: f64 = FREQUENCIES.iter().map(|(_, weight)| weight).sum();
        let mut left = draw.uniform(0.0, whole);
        let mut drawn = Course::Stable;
        for (course, weight) in FREQUENCIES {
            drawn = course;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        Self::with(drawn, &mut draw)
    }

    /// A course of the given kind with parameters drawn from the seed.
    pub fn of(course: Course, seed: u64) -> Self {
        Self::with(course, &mut Draw::new(seed, STREAM + 1))
    }

    fn with(course: Course, draw: &mut Draw) -> Self {
        match course {
            Course::Stable => Self::Stable,
            Course::Exponential => Self::Exponential {
                rate: drawn_rate(draw),
            },
            Course::LinearDiameter => Self::LinearDiameter {
                mm_per_year: draw.log_normal(1.2, 0.5).min(6.0),
            },
            Course::Gompertz => Self::Gompertz {
                capacity: draw.uniform(1.3, 6.0),
                deceleration: draw.uniform(0.2, 0.8),
            },
            Course::Arrest => Self::Arrest {
                rate: drawn_rate(draw),
                at_years: draw.uniform(0.5, 4.0),
            },
            Course::Shrinkage => Self::Shrinkage {
                rate: draw.uniform(-0.2, -0.03),
            },
            Course::CysticJump => Self::CysticJump {
                at_years: draw.uniform(0.0, 4.0),
                step: draw.uniform(0.2, 1.5),
            },
            Course::Radiosurgery => Self::Radiosurgery {
                treated_at: draw.uniform(0.1, 0.6),
                swelling: if draw.chance(0.44) {
                    draw.log_normal(0.35, 0.6).min(1.5)
                } else {
                    0.0
                },
                peak_years: draw.uniform(0.5, 2.0),
                lost: draw.uniform(0.3, 0.7),
                regression: draw.uniform(0.2, 0.5),
                core_loses_enhancement: draw.chance(0.7),
            },
        }
    }

    /// The volume so many years after the first visit, in the unit of `v0`, the volume then.
    pub fn volume(&self, v0: f64, years: f64) -> f64 {
        match *self {
            Self::Stable => v0,
            Self::Exponential { rate } | Self::Shrinkage { rate } => v0 * (rate * years).exp(),
            Self::LinearDiameter { mm_per_year } => {
                let diameter = (6.0 * v0 / PI).cbrt() + mm_per_year * years;
                PI / 6.0 * diameter.powi(3)
            }
            Self::Gompertz {
                capacity,
                deceleration,
            } => {
                let to_go = capacity.ln() * (1.0 - (-deceleration * years).exp());
                v0 * to_go.exp()
            }
            Self::Arrest { rate, at_years } => v0 * (rate * years.min(at_years)).exp(),
            Self::CysticJump { at_years, step } => {
                v0 * (1.0 + step * step_up(years, [at_years, at_years + CYST_OPENS_IN]))
            }
            Self::Radiosurgery {
                treated_at,
                swelling,
                peak_years,
                lost,
                regression,
                ..
            } => {
                let t = (years - treated_at).max(0.0);
                let swollen = 1.0 + swelling * (t / peak_years) * (1.0 - t / peak_years).exp();
                v0 * swollen * (1.0 - lost + lost * (-regression * t).exp())
            }
        }
    }

    /// How much of the enhancement in the tumour's core is lost, 0 to 1: after radiosurgery it fades within 3 to 6 months and returns
    /// between 12 and 18 months.
    pub fn dark_core(&self, years: f64) -> f64 {
        match *self {
            Self::Radiosurgery {
                treated_at,
                core_loses_enhancement: true,
                ..
            } => {
                let t = years - treated_at;
                step_up(t, CORE_FADES) - step_up(t, CORE_RETURNS)
            }
            _ => 0.0,
        }
    }

    /// Refuses parameters that are not finite or make no sense.
    pub(super) fn check(&self) -> Result<(), Error> {
        let rate_in =
            |rate, low, high| check("growth rate of the volume per year", rate, low, high);
        let years = |name, value| check(name, value, 0.0, 50.0);
        match *self {
            Self::Stable => Ok(()),
            Self::Exponential { rate } => rate_in(rate, -1.0, 2.0),
            Self::Shrinkage { rate } => rate_in(rate, -1.0, 0.0),
            Self::LinearDiameter { mm_per_year } => check(
                "growth of the diameter in mm a year",
                mm_per_year,
                0.0,
                10.0,
            ),
            Self::Gompertz {
                capacity,
                deceleration,
            } => {
                check("capacity over the first volume", capacity, 0.1, 20.0)?;
                check("deceleration per year", deceleration, 0.0, 5.0)
            }
            Self::Arrest { rate, at_years } => {
                rate_in(rate, -1.0, 2.0)?;
                years("years until growth stops", at_years)
            }
            Self::CysticJump { at_years, step } => {
                years("years until the cyst opens", at_years)?;
                check("cyst over the first volume", step, 0.0, 3.0)
            }
            Self::Radiosurgery {
                treated_at,
                swelling,
                peak_years,
                lost,
                regression,
                ..
            } => {
                years("years until radiosurgery", treated_at)?;
                check("swelling over the first volume", swelling, 0.0, 3.0)?;
                check("years until the swelling peaks", peak_years, 0.1, 10.0)?;
                check("part of the volume that is lost", lost, 0.0, 0.95)?;
                check("regression per year", regression, 0.0, 5.0)
            }
        }
    }
}

/// Growth rates of growing tumours, 1/year: the volume doubles in about four years.
fn drawn_rate(draw: &mut Draw) -> f64 {
    draw.log_normal(0.16, 0.6).clamp(0.04, 0.9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn every_law_is_its_closed_form() {
        let v0 = 300.0;
        let rate = 0.2;
        let doubling = 2.0_f64.ln() / rate;
        close(
            GrowthModel::Exponential { rate }.volume(v0, doubling),
            2.0 * v0,
        );
        close(
            GrowthModel::Shrinkage { rate: -rate }.volume(v0, doubling),
            0.5 * v0,
        );
        let diameter = |v: f64| (6.0 * v / PI).cbrt();
        let linear = GrowthModel::LinearDiameter { mm_per_year: 1.5 };
        for years in [1.0, 2.0, 7.5] {
            close(
                diameter(linear.volume(v0, years)),
                diameter(v0) + 1.5 * years,
            );
        }
        let gompertz = GrowthModel::Gompertz {
            capacity: 4.0,
            deceleration: 0.5,
        };
        close(gompertz.volume(v0, 200.0), 4.0 * v0);
        // Half of the way in the logarithm after one half-time of the deceleration.
        close(gompertz.volume(v0, 2.0_f64.ln() / 0.5), 2.0 * v0);
        let arrest = GrowthModel::Arrest {
            rate,
            at_years: doubling,
        };
        close(arrest.volume(v0, doubling), 2.0 * v0);
        close(arrest.volume(v0, 30.0), 2.0 * v0);
        let jump = GrowthModel::CysticJump {
            at_years: 1.0,
            step: 0.8,
        };
        close(jump.volume(v0, 1.0), v0);
        close(jump.volume(v0, 1.5), 1.8 * v0);
    }

    #[test]
    fn radiosurgery_swells_then_shrinks_and_its_core_fades_for_a_time() {
        let treated = GrowthModel::Radiosurgery {
            treated_at: 0.5,
            swelling: 0.6,
            peak_years: 1.0,
            lost: 0.4,
            regression: 0.3,
            core_loses_enhancement: true,
        };
        close(treated.volume(1.0, 0.5), 1.0);
        close(
            treated.volume(1.0, 1.5),
            1.6 * (0.6 + 0.4 * (-0.3_f64).exp()),
        );
        close(treated.volume(1.0, 100.0), 0.6);
        assert!(treated.dark_core(0.5 + 0.25).abs() < 1e-12);
        close(treated.dark_core(0.5 + 0.75), 1.0);
        assert!(treated.dark_core(0.5 + 1.5).abs() < 1e-12);
    }

    #[test]
    fn every_drawn_course_is_positive_continuous_and_starts_at_the_first_volume() {
        for course in Course::ALL {
            for seed in 0..40 {
                let model = GrowthModel::of(course, seed);
                model.check().unwrap();
                assert_eq!(model, GrowthModel::of(course, seed));
                close(model.volume(250.0, 0.0), 250.0);
                for n in 0..600 {
                    let at = f64::from(n) * 0.02;
                    let (now, soon) = (model.volume(250.0, at), model.volume(250.0, at + 1e-5));
                    assert!(now > 0.0);
                    // At most a cyst of one and a half times the volume within half a year.
                    assert!((soon / now - 1.0).abs() < 6e-5, "{model:?} at {at}");
                    assert!((0.0..=1.0).contains(&model.dark_core(at)));
                }
            }
        }
    }

    #[test]
    fn drawn_courses_grow_as_often_as_observed_patients() {
        const COUNT: u64 = 2000;
        let visits = [0.0, 0.5, 1.0, 2.0, 3.0, 4.1];
        let (mut grown, mut shrunk) = (0.0, 0.0);
        for seed in 0..COUNT {
            // Volumes of observed patients: median 0.161 cm³.
            let v0 = Draw::new(seed, 0).log_normal(161.0, 1.5);
            let model = GrowthModel::drawn(seed);
            let relative = visits.map(|t| model.volume(v0, t) / v0);
            if relative.iter().any(|r| *r >= 1.2) {
                grown += 1.0;
            }
            if relative.iter().any(|r| *r < 0.999) {
                shrunk += 1.0;
            }
        }
        let (grown, shrunk) = (grown / COUNT as f64, shrunk / COUNT as f64);
        assert!((0.50..0.65).contains(&grown), "{grown} grow by a fifth");
        assert!((0.035..0.08).contains(&shrunk), "{shrunk} shrink");
    }

    #[test]
    fn measured_growth_is_as_frequent_as_in_an_observed_cohort() {
        const COUNT: u64 = 4000;
        let visits = [0.0, 0.5, 1.0, 2.0, 3.0, 4.1];
        let mut grown = 0.0;
        for seed in 0..COUNT {
            let mut draw = Draw::new(seed, 0);
            // Median 0.161 cm³, quartiles 0.054 and 0.418.
            let v0 = draw.log_normal(161.0, 1.5);
            let model = GrowthModel::drawn(seed);
            let seen = visits.map(|t| {
                let volume = model.volume(v0, t);
                // A surface placed 0.26 mm off in 95 %, of a ball.
                let error = 0.26 * 3.0 / (3.0 * volume / (4.0 * PI)).cbrt() / 1.96;
                volume * draw.normal(1.0, error)
            });
            if seen[1..].iter().any(|v| *v >= 1.2 * seen[0]) {
                grown += 1.0;
            }
        }
        // 361 observed patients: 69 % with 20 % more at some visit.
        let share = grown / COUNT as f64;
        assert!((share - 0.69).abs() < 0.05, "{share}");
    }

    #[test]
    fn senseless_parameters_are_refused() {
        for model in [
            GrowthModel::Exponential { rate: f64::NAN },
            GrowthModel::Shrinkage { rate: 0.1 },
            GrowthModel::LinearDiameter { mm_per_year: -1.0 },
            GrowthModel::Gompertz {
                capacity: 0.0,
                deceleration: 0.5,
            },
            GrowthModel::Arrest {
                rate: 0.1,
                at_years: -1.0,
            },
        ] {
            assert!(
                matches!(model.check(), Err(Error::Parameter { .. })),
                "{model:?}"
            );
        }
    }
}
