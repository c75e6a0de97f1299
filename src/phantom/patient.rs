//! A synthetic patient: one head, and at most one tumour that grows.
use super::{
    Error,
    anatomy::{Anatomy, Ear},
    check,
    contact::{contact, grade, overlap_mm},
    content::Content,
    course::GrowthModel,
    draw::Draw,
    family::Family,
    mimic::{self, Mimic},
    outlined::Outlined,
    shape::Shape,
    tumour::{Tumour, TumourForm},
};
use crate::{
    measure::KoosGrade,
    volume::{Outline, Side},
};
use serde::Serialize;
use std::sync::Arc;

/// What a patient should be like; what is left open is drawn from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PatientSpec {
    /// Decides everything that is drawn.
    pub seed: u64,
    /// Grade at the first visit; `None` for a person without tumour.
    pub koos: Option<KoosGrade>,
    /// Side of the tumour; `None` to draw it.
    pub side: Option<Side>,
    /// Exponential growth of the tumour's volume per year, percent, -60 to 400; negative shrinks. Used where `growth` is `None`.
    pub annual_growth_percent: Option<f64>,
    /// How the tumour grows; `None` for exponential growth by `annual_growth_percent`, or where that is `None` too, to draw it.
    pub growth: Option<GrowthModel>,
    /// A look-alike of a tumour, on `side`; only in a person without tumour.
    pub mimic: Option<Mimic>,
    /// The parameters that it and its scans are drawn with.
    pub family: Family,
}

impl PatientSpec {
    /// A patient of whom everything is drawn: 12 % have no tumour, the grades I to IV are equally frequent among the others. Of those
    /// without tumour, 4 % each have one of the look-alikes.
    pub fn random(seed: u64) -> Self {
        let mut draw = Draw::new(seed, 7);
        let koos = if draw.chance(0.12) {
            None
        } else {
            let n = draw.uniform(0.0, KoosGrade::ALL.len() as f64) as usize;
            KoosGrade::ALL.get(n).copied()
        };
        Self {
            seed,
            koos,
            side: None,
            annual_growth_percent: None,
            growth: None,
            family: Family::Usual,
            mimic: if koos.is_none() {
                let mut draw = Draw::new(seed, MIMIC_STREAM);
                let place = (draw.uniform(0.0, 1.0) / MIMIC_CHANCE) as usize;
                Mimic::ALL.get(place).copied()
            } else {
                None
            },
        }
    }

    /// The course of the tumour, given or drawn.
    fn course(&self) -> GrowthModel {
        let exponential = |percent: f64| GrowthModel::Exponential {
            rate: (percent / 100.0).ln_1p(),
        };
        self.growth
            .or(self.annual_growth_percent.map(exponential))
            .unwrap_or_else(|| GrowthModel::drawn(self.seed))
    }
}

/// Sex of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// A synthetic patient. The anatomy is the same at every visit; pose, noise and the size of the tumour are the visit's.
#[derive(Debug, Clone)]
pub struct Patient {
    pub(super) anatomy: Anatomy,
    pub(super) growth: Option<Growth>,
    pub(super) mimic: Option<Mimic>,
    pub(super) family: Family,
    pub(super) seed: u64,
}

/// A tumour and its course.
#[derive(Debug, Clone)]
pub(super) struct Growth {
    pub(super) side: Side,
    /// At the first visit.
    pub(super) tumour: Tumour,
    pub(super) volume_mm3: f64,
    pub(super) course: GrowthModel,
    /// Cysts, loose tissue and spots.
    pub(super) content: Arc<Content>,
    pub(super) porus_widened_mm: f64,
}

/// Column distance of the integrals that define volumes, and of the quicker ones for training, mm.
pub(super) const EXACT_STEP: f64 = 0.25;
pub(super) const QUICK_STEP: f64 = 0.6;
/// First of the random streams of age and sex.
const PERSON_STREAM: u64 = 43;
/// Heads' tumours tried before giving up on a grade.
const ATTEMPTS: u64 = 40;
/// Stream of which look-alike a random patient has, and the chance of each.
const MIMIC_STREAM: u64 = 61;
const MIMIC_CHANCE: f64 = 0.04;
/// Stream of the form of a tumour and of what it did to its canal.
const ORIGIN_STREAM: u64 = 67;
/// Stream of the order in which outlines are tried.
const ORDER_STREAM: u64 = 60;
/// Part of a real tumour that must lie outside the phantom's bone.
const LEAST_KEPT: f64 = 0.6;

impl Patient {
    /// Draws a patient and solves for a tumour of the wanted grade.
    ///
    /// # Errors
    /// When the growth rate is out of range or, very rarely, no tumour of the grade fits.
    pub fn new(spec: &PatientSpec) -> Result<Self, Error> {
        Self::with_step(spec, &[], EXACT_STEP)
    }

    /// A patient whose tumour has the shape and the size of one of these outlines: the first in a drawn order that has the wanted grade in
    /// this head. Without outlines the same as [`Patient::new`].
    ///
    /// # Errors
    /// When the growth rate is out of range or none of the outlines has the grade.
    pub fn with_outlines(spec: &PatientSpec, outlines: &[Outline]) -> Result<Self, Error> {
        Self::with_step(spec, outlines, EXACT_STEP)
    }

    /// A patient whose tumour has the shape and the size of this outline, of whatever grade it then is; `None` when bone cuts away too much of it.
    pub(super) fn shaped(seed: u64, outline: &Outline, step: f64) -> Option<Self> {
        // What a tumour did to its canal goes with its size.
        let likely = match outline.volume_mm3() {
            ..150.0 => KoosGrade::I,
            ..700.0 => KoosGrade::II,
            ..2500.0 => KoosGrade::III,
            _ => KoosGrade::IV,
        };
        let spec = PatientSpec {
            seed,
            koos: Some(likely),
            ..PatientSpec::default()
        };
        let origin = Origin::drawn(&spec, likely);
        let side = origin.side;
        let anatomy = Anatomy::widened(seed, spec.family, Some((side, origin.porus_widened_mm)));
        let tumour = outlined_tumour(outline, side, &anatomy, &mut Draw::new(seed, 100))?;
        let [volume_mm3, extrameatal] = tumour.volumes_mm3(step);
        let koos = grade(
            &contact(&tumour, side, &anatomy),
            0.0,
            volume_mm3,
            extrameatal,
        );
        let content = Content::new(&tumour, koos, volume_mm3, seed, step.max(QUICK_STEP));
        Some(Self {
            anatomy,
            growth: Some(Growth {
                side,
                tumour,
                volume_mm3,
                course: spec.course(),
                content: Arc::new(content),
                porus_widened_mm: origin.porus_widened_mm,
            }),
            mimic: None,
            family: spec.family,
            seed,
        })
    }

    pub(super) fn with_step(
        spec: &PatientSpec,
        outlines: &[Outline],
        step: f64,
    ) -> Result<Self, Error> {
        if let Some(percent) = spec.annual_growth_percent {
            check("growth in percent a year", percent, -60.0, 400.0)?;
        }
        if let Some(growth) = &spec.growth {
            growth.check()?;
        }
        let origin = spec.koos.map(|koos| Origin::drawn(spec, koos));
        let wider = origin.as_ref().map(|o| (o.side, o.porus_widened_mm));
        let mut anatomy = Anatomy::widened(spec.seed, spec.family, wider);
        match (spec.mimic, spec.koos) {
            (Some(_), Some(_)) => return Err(Error::Mimic),
            (Some(mimic), None) => mimic::add(mimic, spec.side, &mut anatomy, spec.seed),
            (None, _) => {}
        }
        let growth = match origin {
            Some(origin) => Some(Growth::new(spec, &origin, &anatomy, outlines, step)?),
            None => None,
        };
        Ok(Self {
            anatomy,
            growth,
            mimic: spec.mimic,
            family: spec.family,
            seed: spec.seed,
        })
    }

    /// The same patient with a tumour of this volume, mm³, where it is larger and can shrink so far.
    pub(super) fn shrunk(mut self, volume_mm3: f64, step: f64) -> Self {
        if let Some(growth) = &mut self.growth
            && volume_mm3 < growth.volume_mm3
            && let Some(tumour) = growth.tumour.at_volume(volume_mm3, step)
        {
            growth.tumour = tumour;
            growth.volume_mm3 = volume_mm3;
        }
        self
    }

    /// The same patient with a tumour that holds cysts, where it has room for them.
    pub(super) fn with_cysts(mut self, step: f64) -> Self {
        if let Some(growth) = &mut self.growth {
            let content = Content::cystic(&growth.tumour, growth.volume_mm3, self.seed, step);
            growth.content = Arc::new(content);
        }
        self
    }

    /// Volume of the tumour so many years after the first visit, mm³; zero without tumour. Exactly the growth model's.
    pub fn tumour_volume_mm3(&self, years: f64) -> f64 {
        self.growth
            .as_ref()
            .map_or(0.0, |g| g.course.volume(g.volume_mm3, years))
    }

    /// Volume of the tumour's cysts so many years after the first visit, mm³; zero without. They grow with the tumour.
    ///
    /// # Errors
    /// When the tumour cannot have the volume of that time.
    pub fn cyst_volume_mm3(&self, years: f64) -> Result<f64, Error> {
        let tumour = self.tumour(years)?;
        let both = self.growth.as_ref().zip(tumour.as_ref());
        Ok(both.map_or(0.0, |(g, t)| g.content.cyst_volume_mm3(t, EXACT_STEP)))
    }

    /// Side of the tumour, if there is one.
    pub fn side(&self) -> Option<Side> {
        self.growth.as_ref().map(|g| g.side)
    }

    /// Growth of the tumour's volume in the first year, percent, if there is a tumour.
    pub fn annual_growth_percent(&self) -> Option<f64> {
        self.growth
            .as_ref()
            .map(|g| 100.0 * (g.course.volume(g.volume_mm3, 1.0) / g.volume_mm3 - 1.0))
    }

    /// How the tumour grows, if there is one.
    pub fn growth_model(&self) -> Option<GrowthModel> {
        self.growth.as_ref().map(|g| g.course)
    }

    /// Age at the first visit, years.
    pub fn age_years(&self) -> f64 {
        let drawn = Draw::new(self.seed, PERSON_STREAM).clipped(59.0, 12.0, 2.5);
        (drawn * 10.0).round() / 10.0
    }

    /// Sex.
    pub fn sex(&self) -> Sex {
        if Draw::new(self.seed, PERSON_STREAM + 1).chance(0.5) {
            Sex::Female
        } else {
            Sex::Male
        }
    }

    /// The tumour so many years after the first visit.
    pub(super) fn tumour(&self, years: f64) -> Result<Option<Tumour>, Error> {
        let Some(growth) = &self.growth else {
            return Ok(None);
        };
        let wanted = self.tumour_volume_mm3(years);
        if (wanted - growth.volume_mm3).abs() <= 1e-9 * growth.volume_mm3 {
            return Ok(Some(growth.tumour.clone()));
        }
        let tumour = growth.tumour.at_volume(wanted, EXACT_STEP);
        tumour.map(Some).ok_or(Error::Growth(wanted))
    }
}

impl Growth {
    /// How much of the enhancement in the tumour's core is lost so many years after the first visit, 0 to 1.
    pub(super) fn core_at(&self, years: f64) -> f64 {
        self.course.dark_core(years)
    }

    fn new(
        spec: &PatientSpec,
        &Origin {
            koos,
            side,
            form,
            porus_widened_mm,
        }: &Origin,
        anatomy: &Anatomy,
        outlines: &[Outline],
        step: f64,
    ) -> Result<Self, Error> {
        let order = drawn_order(outlines.len(), spec.seed);
        let attempts = if outlines.is_empty() {
            ATTEMPTS
        } else {
            outlines.len() as u64
        };
        for attempt in 0..attempts {
            let mut draw = Draw::new(spec.seed, 100 + attempt);
            let outline = order.get(attempt as usize).and_then(|&n| outlines.get(n));
            // A head that is too narrow for a rarer form gets the usual one.
            let form = if attempt < ATTEMPTS / 2 {
                form
            } else {
                TumourForm::Usual
            };
            let tumour = match outline {
                Some(outline) => outlined_tumour(outline, side, anatomy, &mut draw),
                None => first_tumour(koos, form, anatomy.ear(side), anatomy, step, &mut draw),
            };
            let Some(tumour) = tumour else {
                continue;
            };
            let [volume_mm3, extrameatal] = tumour.volumes_mm3(step);
            let found = contact(&tumour, side, anatomy);
            // Contact and shift keep a margin to the limits of the rule.
            let clear = match koos {
                KoosGrade::I | KoosGrade::II => true,
                KoosGrade::III => found.area_mm2 > 14.0 && found.shift_mm < 1.6,
                KoosGrade::IV => found.shift_mm > 2.4,
            };
            // The fourth ventricle moves less than the brainstem, so it need not be looked at here.
            if clear && grade(&found, 0.0, volume_mm3, extrameatal) == koos {
                let content =
                    Content::new(&tumour, koos, volume_mm3, spec.seed, step.max(QUICK_STEP));
                return Ok(Self {
                    side,
                    tumour,
                    volume_mm3,
                    course: spec.course(),
                    content: Arc::new(content),
                    porus_widened_mm,
                });
            }
        }
        Err(Error::Grade(koos))
    }
}

/// What is drawn of a tumour before its head is made.
#[derive(Debug, Clone, Copy)]
struct Origin {
    koos: KoosGrade,
    side: Side,
    form: TumourForm,
    porus_widened_mm: f64,
}

impl Origin {
    fn drawn(spec: &PatientSpec, koos: KoosGrade) -> Self {
        let drawn_side = if Draw::new(spec.seed, 1).chance(0.5) {
            Side::Left
        } else {
            Side::Right
        };
        let mut draw = Draw::new(spec.seed, ORIGIN_STREAM);
        // 7 % of tumours outside the canal were never in it; slender ones are rare and small.
        let form = match (koos, draw.uniform(0.0, 1.0)) {
            (KoosGrade::I, _) => TumourForm::Usual,
            (_, ..0.07) => TumourForm::Medial,
            (KoosGrade::II, ..0.13) => TumourForm::Spindle,
            _ => TumourForm::Usual,
        };
        let most_mm = match koos {
            KoosGrade::I => 0.4,
            KoosGrade::II => 1.0,
            KoosGrade::III => 2.0,
            KoosGrade::IV => 3.0,
        };
        let widened = draw.uniform(0.0, most_mm);
        Self {
            koos,
            side: spec.side.unwrap_or(drawn_side),
            form,
            porus_widened_mm: if form == TumourForm::Medial {
                0.0
            } else {
                widened
            },
        }
    }
}

/// The order in which outlines are tried.
fn drawn_order(count: usize, seed: u64) -> Vec<usize> {
    let mut draw = Draw::new(seed, ORDER_STREAM);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|_| draw.seed());
    order
}

/// A tumour of a real outline, unless bone cuts away too much of it.
fn outlined_tumour(
    outline: &Outline,
    side: Side,
    anatomy: &Anatomy,
    draw: &mut Draw,
) -> Option<Tumour> {
    let ear = anatomy.ear(side);
    let cistern = anatomy.cistern.clone().grown(-0.1);
    let outlined = Outlined::new(outline, side, ear)?;
    let tumour = Tumour::new(ear.canal, cistern, 1.0, draw).outlined(outlined);
    let kept = tumour.volume_mm3(QUICK_STEP) / outline.volume_mm3();
    (kept > LEAST_KEPT).then_some(tumour)
}

/// A tumour whose volume follows the grade's distribution as far as the geometry of the grade lets it.
fn first_tumour(
    koos: KoosGrade,
    form: TumourForm,
    ear: &Ear,
    anatomy: &Anatomy,
    step: f64,
    draw: &mut Draw,
) -> Option<Tumour> {
    let canal = ear.canal;
    let cistern: Shape = anatomy.cistern.clone().grown(-0.1);
    let (median, fill, overlap) = match koos {
        KoosGrade::I => (120.0, [0.6, 1.0], [0.0, 0.0]),
        KoosGrade::II => (410.0, [0.6, 1.0], [f64::NEG_INFINITY, -0.8]),
        KoosGrade::III => (1270.0, [0.75, 1.0], [0.7, 1.6]),
        KoosGrade::IV => (4500.0, [0.6, 1.0], [5.0, 15.0]),
    };
    let fill = draw.uniform(fill[0], fill[1]);
    let tumour = Tumour::new(canal, cistern, fill, draw).formed(form);
    let wanted = draw.log_normal(median, 0.7);
    if koos == KoosGrade::I {
        let full = tumour.volume_mm3(step);
        return tumour.at_volume(wanted.clamp(15.0_f64.min(0.5 * full), 0.92 * full), step);
    }
    // The smallest ball that counts as a protrusion has a radius of 3.2 mm.
    let smallest = 1.32;
    let size_at = |mm: f64| {
        let at = tumour.solve([smallest, 3.9], 0.01, |t| {
            overlap_mm(t, &anatomy.brainstem) - mm
        });
        at.map(|t| t.size())
    };
    let low = if overlap[0].is_finite() {
        size_at(overlap[0])?
    } else {
        smallest
    };
    let high = size_at(overlap[1])?;
    let free = tumour.at_volume(wanted, step).map_or(high, |t| t.size());
    // A volume that the grade does not allow becomes one near the end that it passed, so that small stays small and large stays large.
    let near = 0.2 * (high - low);
    let size = if free < low {
        draw.uniform(low, low + near)
    } else if free > high {
        draw.uniform(high - near, high)
    } else {
        free
    };
    Some(tumour.at_size(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patients(koos: KoosGrade) -> impl Iterator<Item = Patient> {
        (0..40).filter_map(move |seed| {
            let spec = PatientSpec {
                seed,
                koos: Some(koos),
                ..PatientSpec::default()
            };
            Patient::with_step(&spec, &[], QUICK_STEP).ok()
        })
    }

    #[test]
    fn volumes_rise_with_the_grade_as_published() {
        // Medians that the literature gives, cm³: of grade IV from radiosurgery to surgical series.
        let published = [[0.12, 0.161], [0.41, 0.414], [1.27, 1.27], [3.48, 8.0]];
        for (koos, [low, high]) in KoosGrade::ALL.into_iter().zip(published) {
            let mut cm3: Vec<f64> = patients(koos)
                .take(15)
                .filter_map(|p| Some(p.growth?.volume_mm3 / 1000.0))
                .collect();
            cm3.sort_by(f64::total_cmp);
            let median = cm3[cm3.len() / 2];
            eprintln!("Koos {koos}: median {median:.2} cm3 of {cm3:.2?}");
            assert!(
                (0.6 * low..1.6 * high).contains(&median),
                "Koos {koos}: {median}"
            );
        }
    }

    #[test]
    fn a_tumour_of_the_medial_form_leaves_the_canal_free_and_its_porus_as_it_was() {
        let mut seen = 0;
        for patient in patients(KoosGrade::III) {
            let growth = patient.growth.as_ref().expect("a tumour");
            if growth.tumour.shape().form != TumourForm::Medial {
                continue;
            }
            seen += 1;
            let [whole, beyond] = growth.tumour.volumes_mm3(QUICK_STEP);
            assert!((whole - beyond).abs() < 1e-9 * whole, "{whole} {beyond}");
            assert!(growth.porus_widened_mm.abs() < f64::EPSILON);
        }
        assert!(seen > 0);
    }

    #[test]
    fn a_tumour_widens_its_own_porus_and_moves_no_cochlea() {
        for patient in patients(KoosGrade::IV).take(6) {
            let growth = patient.growth.as_ref().expect("a tumour");
            let plain = Anatomy::new(patient.seed);
            for side in [Side::Left, Side::Right] {
                let [now, before] = [&patient.anatomy, &plain].map(|a| a.ear(side));
                let wider = 2.0 * (now.canal.porus_semi[0] - before.canal.porus_semi[0]);
                let expected = if side == growth.side {
                    growth.porus_widened_mm
                } else {
                    0.0
                };
                assert!((wider - expected).abs() < 1e-9);
                let [a, b] = [now, before].map(|ear| ear.cochlea.on_modiolus(0.0));
                assert!(a.distance(b) < 1e-9);
            }
        }
    }
}
