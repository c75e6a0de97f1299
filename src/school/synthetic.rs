//! Synthetic cases: drawn from seeds until one has the wanted difficulty.
use super::{Case, Difficulty, Error, ExactTruth, answer::AnswerKind, seed::mixed};
use crate::{
    measure::KoosGrade,
    phantom::{Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::{Observe, Progress, Sequence},
};
use std::{cmp::Ordering, fmt, str::FromStr};

/// Growth of the tumours, % a year: a month moves the geometry by a part of a measure's error, and a few years cross a threshold.
const GROWTH_PERCENT: f64 = 30.0;
/// Heads that are tried for a difficulty.
const HEADS: usize = 25;
/// Months at which a growing tumour is looked at first.
const LOOKS: [u16; 5] = [0, 6, 12, 24, 48];
/// Latest month of a case that is read from a name: five years of such growth make any tumour a giant.
const MOST_MONTHS: u16 = 60;

/// A synthetic patient at one time. Its name is all that is needed to make it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticCase {
    seed: u64,
    /// Grade at the first visit, from which the tumour grows.
    first: KoosGrade,
    months: u16,
    site: Site,
}

impl SyntheticCase {
    /// Draws heads from a seed until one has a tumour of this difficulty; any difficulty will do without one. The grades I to IV are wanted equally often.
    ///
    /// # Errors
    /// When no head is found, or the observer stops.
    pub fn draw(
        difficulty: Option<Difficulty>,
        seed: u64,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        let wanted = wanted_grade(seed);
        // Without a wish all four are wanted equally often: what is drawn most would be medium.
        let any = Difficulty::ALL[(mixed(seed) >> 23) as usize % 4];
        let difficulty = difficulty.unwrap_or(any);
        for head in 0..HEADS {
            let stage = "looking for a case";
            let fraction = head as f32 / HEADS as f32;
            if observe(Progress { stage, fraction }).is_break() {
                return Err(Error::Stopped);
            }
            let drawn = mixed(
                seed.wrapping_add(head as u64)
                    .wrapping_mul(0x2545_f491_4f6c_dd1d),
            );
            // A threshold can be near from either side; that of IV only from below.
            let near = match wanted {
                KoosGrade::I => false,
                KoosGrade::II | KoosGrade::III => difficulty >= Difficulty::Hard,
                KoosGrade::IV => difficulty >= Difficulty::Medium,
            };
            let below = near && (wanted == KoosGrade::IV || mixed(drawn) >> 63 == 0);
            let first = KoosGrade::ALL[wanted as usize - usize::from(below)];
            let site = Site::ALL[(mixed(drawn) >> 7) as usize % 2];
            let case = Self {
                seed: drawn,
                first,
                months: 0,
                site,
            };
            if let Some(found) = case.at_difficulty(wanted, difficulty) {
                return Ok(found);
            }
        }
        Err(Error::NotFound(HEADS))
    }

    /// A time at which this tumour has a grade at a difficulty; `None` where none was found. Each look makes the map by which the tumour displaces its
    /// surroundings, so the looks are few: they double until the time is passed, and then halve what lies between.
    fn at_difficulty(self, wanted: KoosGrade, difficulty: Difficulty) -> Option<Self> {
        let patient = self.patient().ok()?;
        let entering = self.first < wanted;
        let look = |months: u16| {
            let geometry = patient.geometry(years(months)).ok()??;
            let margin = geometry.koos.margin(geometry.gap_mm);
            let now = Difficulty::of_margin(margin);
            // Behind a threshold the margin grows with the tumour, before one it shrinks.
            let of_margin = if entering {
                difficulty.cmp(&now)
            } else {
                now.cmp(&difficulty)
            };
            Some(geometry.koos.grade().cmp(&wanted).then(of_margin))
        };
        let mut early = None;
        for months in LOOKS {
            match look(months)? {
                Ordering::Equal => return Some(Self { months, ..self }),
                Ordering::Less => early = Some(months),
                Ordering::Greater => {
                    let (mut low, mut high) = (early?, months);
                    while high - low > 1 {
                        let middle = low.midpoint(high);
                        match look(middle)? {
                            Ordering::Equal => {
                                return Some(Self {
                                    months: middle,
                                    ..self
                                });
                            }
                            Ordering::Less => low = middle,
                            Ordering::Greater => high = middle,
                        }
                    }
                    return None;
                }
            }
        }
        None
    }

    fn patient(self) -> Result<Patient, Error> {
        let spec = PatientSpec {
            seed: self.seed,
            koos: Some(self.first),
            annual_growth_percent: Some(GROWTH_PERCENT),
            ..PatientSpec::default()
        };
        Ok(Patient::new(&spec)?)
    }

    /// Scans the patient. `showing` counts how often the reader has seen this case: each time the head lies otherwise and the noise is another, so that it is the
    /// anatomy that is recognised and not the picture.
    ///
    /// # Errors
    /// When the patient cannot be made, or the observer stops.
    pub fn scan(self, showing: u64, observe: &mut Observe<'_>) -> Result<Case, Error> {
        let patient = self.patient()?;
        let geometry = patient
            .geometry(years(self.months))?
            .ok_or(Error::NotFound(1))?;
        let visit = VisitSpec {
            years: years(self.months),
            site: self.site,
            modality: Modality::HrT2,
            seed: mixed(self.seed ^ showing.wrapping_mul(0xd134_2543_de82_ef95)),
            grid: None,
        };
        let scan = patient.scan(&visit, observe).map_err(|error| match error {
            crate::phantom::Error::Stopped => Error::Stopped,
            other => other.into(),
        })?;
        let margin = geometry.koos.margin(geometry.gap_mm);
        Ok(Case {
            name: self.to_string(),
            kind: AnswerKind::Synthetic,
            difficulty: Some(Difficulty::of_margin(margin)),
            truth: geometry.koos.grade(),
            exact: Some(ExactTruth {
                geometry: geometry.koos,
                gap_mm: geometry.gap_mm,
                brainstem_shift_mm: scan.truth.brainstem_shift_mm,
                fourth_ventricle_shift_mm: scan.truth.fourth_ventricle_shift_mm,
                margin,
            }),
            sequence: Sequence::HrT2,
            volume: scan.volume,
            labels: Some(scan.labels),
            warnings: Vec::new(),
        })
    }
}

/// The grade that is drawn for from a seed.
fn wanted_grade(seed: u64) -> KoosGrade {
    KoosGrade::ALL[(mixed(seed) >> 11) as usize % 4]
}

fn years(months: u16) -> f64 {
    f64::from(months) / 12.0
}

fn site_name(site: Site) -> &'static str {
    match site {
        Site::London => "london",
        Site::Tilburg => "tilburg",
    }
}

impl fmt::Display for SyntheticCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = site_name(self.site);
        write!(
            f,
            "synthetic-{:016x}-{}-{}-{site}",
            self.seed, self.first, self.months
        )
    }
}

impl FromStr for SyntheticCase {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("synthetic-").ok_or(())?;
        let parts: Vec<&str> = rest.split('-').collect();
        let [seed, first, months, site] = parts[..] else {
            return Err(());
        };
        let months: u16 = months.parse().ok().ok_or(())?;
        let grade = KoosGrade::ALL.into_iter().find(|g| g.to_string() == first);
        Ok(Self {
            seed: u64::from_str_radix(seed, 16).ok().ok_or(())?,
            first: grade.ok_or(())?,
            months: Some(months).filter(|m| *m <= MOST_MONTHS).ok_or(())?,
            site: Site::ALL
                .into_iter()
                .find(|s| site_name(*s) == site)
                .ok_or(())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::unobserved;
    use std::ops::ControlFlow;

    #[test]
    fn a_case_comes_back_from_its_name() {
        let case = SyntheticCase {
            seed: 0xfe,
            first: KoosGrade::II,
            months: 14,
            site: Site::Tilburg,
        };
        assert_eq!(case.to_string().parse(), Ok(case));
        for text in [
            "",
            "synthetic-",
            "synthetic-1-II-2",
            "synthetic-1-V-2-london",
            "synthetic-1-II-61-london",
            "synthetic-x-II-1-london",
            "synthetic-1-II-1-paris",
            "folder-1",
        ] {
            assert_eq!(text.parse::<SyntheticCase>(), Err(()), "{text}");
        }
    }

    #[test]
    fn a_drawn_case_has_the_difficulty_that_was_wanted() {
        for (seed, difficulty) in [(901, Difficulty::Easy), (902, Difficulty::Borderline)] {
            let case = SyntheticCase::draw(Some(difficulty), seed, &mut unobserved).unwrap();
            let patient = case.patient().unwrap();
            let geometry = patient.geometry(years(case.months)).unwrap().unwrap();
            let margin = geometry.koos.margin(geometry.gap_mm);
            assert_eq!(Difficulty::of_margin(margin), difficulty, "{case}");
            assert_eq!(geometry.koos.grade(), wanted_grade(seed), "{case}");
        }
    }

    #[test]
    fn the_grades_are_wanted_equally_often() {
        let mut counts = [0; 4];
        (0..4000).for_each(|seed| counts[wanted_grade(seed) as usize] += 1);
        assert!(counts.iter().all(|n| (900..1100).contains(n)), "{counts:?}");
    }

    #[test]
    fn drawing_stops_when_told() {
        let mut stop = |_: Progress| ControlFlow::Break(());
        assert!(matches!(
            SyntheticCase::draw(None, 1, &mut stop),
            Err(Error::Stopped)
        ));
    }
}
