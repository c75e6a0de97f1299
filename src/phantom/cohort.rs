//! Who is in a synthetic cohort: two sites, one half with labelled ceT1 and the other with unlabelled hrT2, as in the crossMoDA challenge.
use super::{
    Error, Family, Modality, Patient, PatientSpec, Scan, Site, VisitSpec, draw::Draw,
    scan::GridSpec,
};
use crate::{measure::KoosGrade, volume::Observe};

/// The halves of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// Labelled ceT1.
    Source,
    /// Unlabelled hrT2.
    Target,
}

/// One patient of a cohort: plain data from which the scan follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Number within the site: London counts from 1, Tilburg from 0, the target half after the source half.
    pub number: usize,
    /// Which half.
    pub half: Half,
    /// Where the scan is made.
    pub site: Site,
    /// What the scan shows: the half decides.
    pub modality: Modality,
    /// The grade of the geometry.
    pub koos: KoosGrade,
    /// Decides the head and the tumour.
    pub patient_seed: u64,
    /// Decides pose and noise.
    pub visit_seed: u64,
    /// The parameters that it and its scan are drawn with.
    pub family: Family,
}

/// Patients of grades I to IV before surgery in the source half of crossMoDA 2022.
const LONDON: [f64; 4] = [5.0, 25.0, 26.0, 21.0];
const TILBURG: [f64; 4] = [7.0, 26.0, 47.0, 25.0];
/// Heads tried for a grade that does not fit into the first.
const HEADS: u64 = 5;
/// First random stream of the members.
const STREAM: u64 = 1 << 32;

/// The members of a cohort: source and target take turns, and the sites take turns every two members. Grades
/// are as frequent as at the site in crossMoDA 2022. Each is drawn from the seed and its place alone, so that a larger cohort begins with
/// the patients of a smaller one. All are of the usual family.
pub fn members(count: usize, seed: u64) -> Vec<Member> {
    let mut members: Vec<_> = (0..count).map(|place| Member::drawn(place, seed)).collect();
    for (site, first) in [(Site::London, 1), (Site::Tilburg, 0)] {
        let mut number = first;
        for half in [Half::Source, Half::Target] {
            for member in &mut members {
                if member.site == site && member.half == half {
                    member.number = number;
                    number += 1;
                }
            }
        }
    }
    members
}

impl Member {
    fn drawn(place: usize, seed: u64) -> Self {
        let mut draw = Draw::new(seed, STREAM + place as u64);
        let (half, modality) = if place.is_multiple_of(2) {
            (Half::Source, Modality::CeT1)
        } else {
            (Half::Target, Modality::HrT2)
        };
        let (site, weights) = if (place / 2).is_multiple_of(2) {
            (Site::London, LONDON)
        } else {
            (Site::Tilburg, TILBURG)
        };
        let mut left = draw.uniform(0.0, weights.iter().sum());
        let mut koos = KoosGrade::I;
        for (grade, weight) in KoosGrade::ALL.into_iter().zip(weights) {
            koos = grade;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        Self {
            number: 0,
            half,
            site,
            modality,
            koos,
            patient_seed: draw.seed(),
            visit_seed: draw.seed(),
            family: Family::Usual,
        }
    }

    /// Name of the case, as in crossMoDA 2022.
    pub fn name(&self) -> String {
        match self.site {
            Site::London => format!("crossmoda2021_ldn_{}", self.number),
            Site::Tilburg => format!("crossmoda2022_etz_{}", self.number),
        }
    }

    /// The member's scan with its truth. A head into which the grade does not fit gives way to another.
    ///
    /// # Errors
    /// When no head fits, the grid makes no sense, or the observer stops.
    pub fn scan(&self, grid: Option<GridSpec>, observe: &mut Observe<'_>) -> Result<Scan, Error> {
        let visit = VisitSpec {
            years: 0.0,
            site: self.site,
            modality: self.modality,
            seed: self.visit_seed,
            grid,
        };
        let mut last = Error::Grade(self.koos);
        for head in 0..HEADS {
            let spec = PatientSpec {
                seed: self.patient_seed.wrapping_add(head),
                koos: Some(self.koos),
                family: self.family,
                ..PatientSpec::default()
            };
            match Patient::new(&spec) {
                Err(error @ Error::Grade(_)) => last = error,
                other => return other?.scan(&visit, observe),
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_cohort_is_a_function_of_its_seed() {
        assert_eq!(members(20, 3), members(20, 3));
        let seeds =
            |seed| -> Vec<u64> { members(20, seed).iter().map(|m| m.patient_seed).collect() };
        assert_ne!(seeds(3), seeds(4));
        assert_eq!(
            seeds(3),
            members(50, 3)
                .iter()
                .take(20)
                .map(|m| m.patient_seed)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn halves_and_sites_are_balanced_and_names_are_unique() {
        for count in [1, 2, 7, 40] {
            let all = members(count, 9);
            let source = all.iter().filter(|m| m.half == Half::Source).count();
            assert_eq!(source, count.div_ceil(2));
            let london = all.iter().filter(|m| m.site == Site::London).count();
            assert!(london.abs_diff(count - london) <= 2);
            let names: BTreeSet<_> = all.iter().map(Member::name).collect();
            assert_eq!(names.len(), count);
            for member in &all {
                assert_eq!(
                    member.half == Half::Source,
                    member.modality == Modality::CeT1
                );
            }
        }
        let all = members(8, 9);
        let names: Vec<_> = all.iter().map(Member::name).collect();
        assert_eq!(names[0], "crossmoda2021_ldn_1");
        assert_eq!(names[1], "crossmoda2021_ldn_3");
        assert_eq!(names[2], "crossmoda2022_etz_0");
    }

    #[test]
    fn grades_are_as_frequent_as_at_the_sites() {
        let all = members(4000, 1);
        for (site, weights) in [(Site::London, LONDON), (Site::Tilburg, TILBURG)] {
            let of_site: Vec<_> = all.iter().filter(|m| m.site == site).collect();
            for (grade, weight) in KoosGrade::ALL.into_iter().zip(weights) {
                let found = of_site.iter().filter(|m| m.koos == grade).count() as f64;
                let expected = weight / weights.iter().sum::<f64>();
                let share = found / of_site.len() as f64;
                assert!(
                    (share - expected).abs() < 0.035,
                    "{site:?} {grade}: {share}"
                );
            }
        }
    }
}
