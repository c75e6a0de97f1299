//! Signal equations of the sequences of the clinic: what a tissue's relaxation times look like on a scan.
use super::relaxation::Relaxation;
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// What a scan of a visit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Modality {
    /// Heavily T2-weighted, high resolution.
    #[default]
    #[serde(rename = "hrT2")]
    HrT2,
    /// T1-weighted after gadolinium.
    #[serde(rename = "ceT1")]
    CeT1,
}

/// A pulse sequence with its settings; times in ms, angles in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sequence {
    /// Balanced steady state (FIESTA); `dual` takes the greater of two phase cycles (CISS).
    Ciss {
        /// Repetition time.
        tr: f64,
        /// Echo time.
        te: f64,
        /// Flip angle.
        flip_deg: f64,
        /// Two phase cycles instead of one.
        dual: bool,
    },
    /// Three-dimensional turbo spin echo.
    Tse {
        /// Repetition time.
        tr: f64,
        /// Effective echo time.
        te: f64,
        /// Duration of the echo train.
        train: f64,
        /// How much longer the echoes of solids last than their T2, for variable flip angles.
        t2_factor: f64,
    },
    /// Inversion-prepared train of spoiled gradient echoes; Deichmann et al. 2000.
    Mprage {
        /// From inversion to inversion.
        tr: f64,
        /// Echo time.
        te: f64,
        /// From inversion to the middle of the train.
        ti: f64,
        /// Flip angle.
        flip_deg: f64,
        /// From echo to echo.
        spacing: f64,
        /// Echoes in the train.
        echoes: f64,
    },
    /// Spoiled gradient echo (FFE, FLASH).
    SpoiledGradientEcho {
        /// Repetition time.
        tr: f64,
        /// Echo time.
        te: f64,
        /// Flip angle.
        flip_deg: f64,
    },
}

impl Sequence {
    /// Signal of a tissue (full magnetisation of water is 1) where the field is `off_resonance_hz` off, which matters to balanced steady
    /// state alone. T1 is taken as it stands in `tissue.t1_ms`; [`Relaxation::enhanced`] puts that after gadolinium there.
    #[must_use]
    pub fn signal(&self, tissue: Relaxation, off_resonance_hz: f64) -> f64 {
        let Relaxation {
            density,
            t1_ms: t1,
            t2_ms: t2,
            ..
        } = tissue;
        match *self {
            Self::Ciss {
                tr,
                te,
                flip_deg,
                dual,
            } => {
                // Alternating pulses put the resonance in the middle of the pass band.
                let theta = PI + TAU * off_resonance_hz * tr / 1000.0;
                let one = |theta: f64| {
                    let (sin, cos) = flip_deg.to_radians().sin_cos();
                    let (e1, e2) = ((-tr / t1).exp(), (-tr / t2).exp());
                    let (s, c) = theta.sin_cos();
                    density * (1.0 - e1) * sin * (1.0 - e2 * c).hypot(e2 * s)
                        / ((1.0 - e1 * cos) * (1.0 - e2 * c) - e2 * (e1 - cos) * (e2 - c)).abs()
                        * (-te / t2).exp()
                };
                if dual {
                    one(theta).max(one(theta + PI))
                } else {
                    one(theta)
                }
            }
            Self::Tse {
                tr,
                te,
                train,
                t2_factor,
            } => {
                let lasting = if tissue.fluid { t2 } else { t2 * t2_factor };
                density * (1.0 - (-(tr - train) / t1).exp()) * (-te / lasting).exp()
            }
            Self::Mprage {
                tr,
                te,
                ti,
                flip_deg,
                spacing,
                echoes,
            } => {
                let (sin, cos) = flip_deg.to_radians().sin_cos();
                let e = (-spacing / t1).exp();
                let driven = (1.0 - e) / (1.0 - e * cos);
                let train = spacing * echoes;
                let before = (-(ti - train / 2.0) / t1).exp();
                let after = (-(tr - ti - train / 2.0) / t1).exp();
                let (half, whole) = ((e * cos).powf(echoes / 2.0), (e * cos).powf(echoes));
                // A period maps the magnetisation before inversion linearly onto itself: find its fixed point.
                let efficiency = 0.97;
                let start = |z: f64| 1.0 - (1.0 + efficiency * z) * before;
                let end = |z: f64| {
                    let last = driven + (start(z) - driven) * whole;
                    1.0 + (last - 1.0) * after
                };
                let fixed = end(0.0) / (1.0 - (end(1.0) - end(0.0)));
                let centre = driven + (start(fixed) - driven) * half;
                density * centre.abs() * sin * (-te / t2).exp()
            }
            Self::SpoiledGradientEcho { tr, te, flip_deg } => {
                let (sin, cos) = flip_deg.to_radians().sin_cos();
                let e1 = (-tr / t1).exp();
                density * sin * (1.0 - e1) / (1.0 - e1 * cos) * (-te / t2).exp()
            }
        }
    }
}

impl Relaxation {
    /// The same tissue after gadolinium.
    #[must_use]
    pub fn enhanced(self) -> Self {
        Self {
            t1_ms: self.t1_gadolinium_ms,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{relaxation::typical, tissue::Tissue};
    use super::*;

    const FIESTA: Sequence = Sequence::Ciss {
        tr: 9.4,
        te: 4.23,
        flip_deg: 70.0,
        dual: false,
    };

    #[test]
    fn one_pass_goes_dark_half_a_period_off_resonance_and_two_passes_do_not() {
        let csf = typical(Tissue::Csf);
        let null = 1000.0 / (2.0 * 9.4);
        assert!(FIESTA.signal(csf, null) < 0.1 * FIESTA.signal(csf, 0.0));
        let ciss = Sequence::Ciss {
            tr: 9.4,
            te: 4.23,
            flip_deg: 70.0,
            dual: true,
        };
        let ratio = ciss.signal(csf, null) / ciss.signal(csf, 0.0);
        assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn spoiled_echo_is_strongest_at_the_ernst_angle() {
        let white = typical(Tissue::White);
        let ernst = (-25.0 / white.t1_ms).exp().acos().to_degrees();
        let at = |flip_deg| {
            Sequence::SpoiledGradientEcho {
                tr: 25.0,
                te: 1.8,
                flip_deg,
            }
            .signal(white, 0.0)
        };
        assert!(at(ernst) > at(ernst - 2.0) && at(ernst) > at(ernst + 2.0));
    }

    #[test]
    fn relaxation_gives_the_expected_contrast() {
        let percent = |s: Sequence, t: Relaxation, of: Tissue| {
            100.0 * s.signal(t, 0.0) / s.signal(typical(of), 0.0)
        };
        let pons = percent(FIESTA, typical(Tissue::Brainstem), Tissue::Csf);
        assert!((pons - 26.0).abs() < 2.0, "{pons}");
        let tumour = percent(FIESTA, typical(Tissue::Tumour), Tissue::Csf);
        assert!((tumour - 27.0).abs() < 2.0, "{tumour}");
        let ffe = Sequence::SpoiledGradientEcho {
            tr: 25.0,
            te: 1.82,
            flip_deg: 30.0,
        };
        let post = percent(ffe, typical(Tissue::Tumour).enhanced(), Tissue::White);
        assert!((post - 192.0).abs() < 12.0, "{post}");
        let mprage = Sequence::Mprage {
            tr: 1900.0,
            te: 2.97,
            ti: 1100.0,
            flip_deg: 15.0,
            spacing: 7.5,
            echoes: 160.0,
        };
        let post = percent(mprage, typical(Tissue::Tumour).enhanced(), Tissue::White);
        assert!((post - 187.0).abs() < 20.0, "{post}");
    }

    #[test]
    fn balanced_echoes_of_short_repetition_depend_on_the_ratio_of_times() {
        let tissue = typical(Tissue::Tumour);
        let signal = Sequence::Ciss {
            tr: 0.01,
            te: 0.0,
            flip_deg: 50.0,
            dual: false,
        }
        .signal(tissue, 0.0);
        let (sin, cos) = 50.0_f64.to_radians().sin_cos();
        let limit = tissue.density * sin / (1.0 + cos + (1.0 - cos) * tissue.t1_ms / tissue.t2_ms);
        assert!((signal / limit - 1.0).abs() < 1e-3, "{signal} {limit}");
    }
}
