//! The questions that a Koos grade answers, one by one: what was measured, and where the topographic rule decides.
use super::{
    KoosEvidence, KoosGeometry, KoosGrade,
    rule::{CONTACT_MM2, GAP_ERROR_MM, PROTRUSION_MM, SHIFT_MM, least_extrameatal_mm3},
};
use serde::Serialize;

/// A measure that a question rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CriterionMeasure {
    /// What it is, in words.
    pub name: &'static str,
    /// Its value; `None` where the labels do not allow it.
    pub value: Option<f64>,
    /// From where on the answer is yes; `None` for a measure that is shown beside the one that decides.
    pub threshold: Option<f64>,
    /// Unit of both.
    pub unit: &'static str,
}

/// A question of the grade, and the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KoosCriterion {
    /// In words.
    pub question: &'static str,
    /// The grade that a yes leads to, at least.
    pub leads_to: KoosGrade,
    /// Yes or no; `None` where it was not measured.
    pub met: Option<bool>,
    /// What it rests on.
    pub measures: Vec<CriterionMeasure>,
}

/// The three questions of the rule in their order: outside the canal, at the brainstem, displacing it. A grade is one more than the number of the
/// questions before the first no.
pub fn koos_criteria(evidence: &KoosEvidence) -> [KoosCriterion; 3] {
    let whole = evidence
        .extrameatal_volume_mm3
        .zip(evidence.intrameatal_volume_mm3);
    let least = whole.map(|(out, within)| least_extrameatal_mm3(out + within));
    let shifts = [
        evidence.brainstem_shift_mm,
        evidence.fourth_ventricle_shift_mm,
    ];
    let extrameatal = measure(
        "reaches beyond the porus",
        evidence.protrusion_mm,
        "mm",
        Some(PROTRUSION_MM.0),
    );
    let volume = measure(
        "outside the canal",
        evidence.extrameatal_volume_mm3,
        "mm³",
        least,
    );
    let contact = measure(
        "contact",
        evidence.contact_area_mm2,
        "mm²",
        Some(CONTACT_MM2.0),
    );
    let gap = measure(
        "gap to the brainstem",
        evidence.brainstem_gap_mm,
        "mm",
        None,
    );
    let shift = |name, value| measure(name, value, "mm", Some(SHIFT_MM.0));
    let reached = |m: &CriterionMeasure| Some(m.value? >= m.threshold?);
    let both = reached(&extrameatal).zip(reached(&volume));
    let displaced = shifts
        .into_iter()
        .flatten()
        .fold(None, |a: Option<f64>, s| Some(a.map_or(s, |a| a.max(s))));
    [
        KoosCriterion {
            question: "Does it leave the canal?",
            leads_to: KoosGrade::II,
            met: both.map(|(a, b)| a && b),
            measures: vec![extrameatal, volume],
        },
        KoosCriterion {
            question: "Does it touch the brainstem?",
            leads_to: KoosGrade::III,
            met: reached(&contact),
            measures: vec![contact, gap],
        },
        KoosCriterion {
            question: "Does it displace the brainstem or the fourth ventricle?",
            leads_to: KoosGrade::IV,
            met: displaced.map(|mm| mm >= SHIFT_MM.0),
            measures: vec![
                shift("shift of the brainstem", shifts[0]),
                shift("shift of the fourth ventricle", shifts[1]),
            ],
        },
    ]
}

fn measure(
    name: &'static str,
    value: Option<f64>,
    unit: &'static str,
    threshold: Option<f64>,
) -> CriterionMeasure {
    CriterionMeasure {
        name,
        value,
        threshold,
        unit,
    }
}

impl KoosGeometry {
    /// How far the geometry lies from the nearest threshold of its grade, in standard errors of the measure there; the gap to the brainstem in mm comes
    /// beside. Under 0.8 the rule, on measured labels, would call it borderline. Infinite for a tumour that does not reach the porus plane.
    pub fn margin(&self, gap_mm: f64) -> f64 {
        let beyond = (self.protrusion_mm - PROTRUSION_MM.0) / PROTRUSION_MM.1;
        let contact = (self.contact_mm2 - CONTACT_MM2.0) / CONTACT_MM2.1;
        let shift = (self.shift_mm - SHIFT_MM.0) / SHIFT_MM.1;
        match self.grade() {
            KoosGrade::I if self.protrusion_mm <= 0.0 => f64::INFINITY,
            KoosGrade::I => (-beyond).max(0.0),
            // A touch that does not count yet looks like one.
            KoosGrade::II => beyond.min(-contact).min(gap_mm / GAP_ERROR_MM),
            KoosGrade::III => beyond.min(contact).min(-shift),
            KoosGrade::IV => beyond.min(contact).min(shift),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(protrusion_mm: f64, contact_mm2: f64, shift_mm: f64) -> KoosGeometry {
        KoosGeometry {
            volume_mm3: 1000.0,
            extrameatal_mm3: 800.0,
            protrusion_mm,
            contact_mm2,
            shift_mm,
        }
    }

    #[test]
    fn the_margin_is_nought_on_a_threshold_and_grows_away_from_it() {
        let margin = |p, c, s, gap| geometry(p, c, s).margin(gap);
        assert!(margin(1.5, 0.0, 0.0, 5.0).abs() < 1e-12);
        assert!(
            (margin(10.0, 0.0, 0.0, 0.8) - 2.0).abs() < 1e-12,
            "the contact area's 2"
        );
        assert!((margin(10.0, 0.0, 0.0, 0.2) - 0.5).abs() < 1e-12, "the gap");
        assert!((margin(10.0, 15.0, 0.0, 0.0) - 1.0).abs() < 1e-12);
        assert!((margin(10.0, 60.0, 1.7, 0.0) - 0.5).abs() < 1e-12);
        assert!((margin(10.0, 60.0, 2.6, 0.0) - 1.0).abs() < 1e-12);
        assert!(margin(0.0, 0.0, 0.0, 9.0).is_infinite());
    }

    #[test]
    fn the_questions_before_the_first_no_are_the_grade() {
        let evidence = |protrusion, contact, shift| KoosEvidence {
            extrameatal_volume_mm3: Some(800.0),
            intrameatal_volume_mm3: Some(200.0),
            protrusion_mm: Some(protrusion),
            brainstem_gap_mm: Some(0.3),
            contact_area_mm2: Some(contact),
            brainstem_shift_mm: Some(shift),
            ..KoosEvidence::default()
        };
        for (p, c, s) in [
            (0.5, 0.0, 0.0),
            (6.0, 4.0, 0.0),
            (9.0, 40.0, 1.0),
            (9.0, 90.0, 3.0),
        ] {
            let yes = koos_criteria(&evidence(p, c, s));
            let count = yes.iter().take_while(|q| q.met == Some(true)).count();
            assert_eq!(KoosGrade::ALL[count], geometry(p, c, s).grade());
        }
        let nothing = koos_criteria(&KoosEvidence::default());
        assert!(nothing.iter().all(|q| q.met.is_none()));
    }
}
