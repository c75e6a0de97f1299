//! The questions that a Koos grade answers, one by one: what was measured, and where the rule decides.
use super::{
    KoosEvidence, KoosGeometry, KoosGrade, KoosWording,
    rule::{
        CONTACT_MM2, GAP_ERROR_MM, INDENTATION_MM, PROTRUSION_MM, Reached, SHIFT_MM, displaced,
        is_extrameatal, least_extrameatal_mm3, reached,
    },
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
    /// Yes or no, as the rule takes it; `None` where it was not measured.
    pub met: Option<bool>,
    /// What it rests on.
    pub measures: Vec<CriterionMeasure>,
    /// Why the answer is another than these measures say, or does not count; `None` where it follows from them.
    pub note: Option<String>,
}

/// The three questions of the rule in their order: outside the canal, at the brainstem, displacing it. A grade is one more than the number of the
/// questions before the first no.
/// The last asks for compression too in the wording that counts it.
pub fn koos_criteria(evidence: &KoosEvidence, wording: KoosWording) -> [KoosCriterion; 3] {
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
    let mut displacing = vec![
        shift("shift of the brainstem", shifts[0]),
        shift("shift of the fourth ventricle", shifts[1]),
    ];
    if wording == KoosWording::Compression {
        displacing.push(measure(
            "indentation of the brainstem",
            evidence.indentation_mm,
            "mm",
            Some(INDENTATION_MM.0),
        ));
    }
    // The rule's own answers: beside its grade a list by thresholds alone could say the contrary.
    let likely = |probability: f64| probability >= 0.5;
    let contact_counts = reached(evidence);
    let touches = contact_counts.map(|r| likely(r.probability));
    let displaces = displaced(evidence, wording).map(likely);
    let without_contact = touches == Some(false) && displaces == Some(true);
    [
        KoosCriterion {
            question: "Does it leave the canal?",
            leads_to: KoosGrade::II,
            met: is_extrameatal(evidence),
            measures: vec![extrameatal, volume],
            note: None,
        },
        KoosCriterion {
            question: "Does it touch the brainstem?",
            leads_to: KoosGrade::III,
            met: touches,
            measures: vec![contact, gap],
            note: contact_counts.and_then(|r| contact_note(evidence, r)),
        },
        KoosCriterion {
            question: match wording {
                KoosWording::Topographic => {
                    "Does it displace the brainstem or the fourth ventricle?"
                }
                KoosWording::Compression => {
                    "Does it compress or displace the brainstem, or displace the fourth ventricle?"
                }
            },
            leads_to: KoosGrade::IV,
            met: displaces,
            measures: displacing,
            note: without_contact.then(|| {
                "it counts only where the tumour touches the brainstem: check both outlines"
                    .to_owned()
            }),
        },
    ]
}

/// Why contact is taken otherwise than the outlines have it.
fn contact_note(evidence: &KoosEvidence, reached: Reached) -> Option<String> {
    let area = evidence.contact_area_mm2?;
    if reached.at_odds {
        let seen = if reached.fluid {
            "the scan shows fluid between the two".to_owned()
        } else if area > 0.0 {
            format!("the outlines touch over only {area:.1} mm²")
        } else {
            let gap = evidence.brainstem_gap_mm?;
            format!("the outlines leave a seam of {gap:.1} mm")
        };
        return Some(format!(
            "{seen}, yet the brainstem or the fourth ventricle is displaced: taken as contact, check both outlines"
        ));
    }
    (reached.fluid && area >= CONTACT_MM2.0).then(|| {
        "the outlines touch, but the scan shows fluid between the two: taken as no contact"
            .to_owned()
    })
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
        self.margin_pressed(gap_mm, None)
    }

    /// The same where a brainstem that is pressed in by so many mm counts as compressed.
    pub fn margin_pressed(&self, gap_mm: f64, indentation_mm: Option<f64>) -> f64 {
        let beyond = (self.protrusion_mm - PROTRUSION_MM.0) / PROTRUSION_MM.1;
        let contact = (self.contact_mm2 - CONTACT_MM2.0) / CONTACT_MM2.1;
        let shift = (self.shift_mm - SHIFT_MM.0) / SHIFT_MM.1;
        let pressed = indentation_mm.map(|mm| (mm - INDENTATION_MM.0) / INDENTATION_MM.1);
        // Either is enough.
        let shift = pressed.map_or(shift, |p| p.max(shift));
        let grade = match self.grade() {
            KoosGrade::III if pressed.is_some_and(|p| p >= 0.0) => KoosGrade::IV,
            grade => grade,
        };
        match grade {
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
    use super::super::{CleftTest, CleftVerdict, KoosAssessment, rule::grade};
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
        // Pressed in by 3 mm it is a clear IV where compression counts, and a III near the shift's threshold where it does not.
        let pressed = geometry(10.0, 60.0, 1.7).margin_pressed(0.0, Some(3.0));
        assert!((pressed - 2.0).abs() < 1e-12);
        let hardly = geometry(10.0, 60.0, 1.0).margin_pressed(0.0, Some(1.75));
        assert!((hardly - 0.5).abs() < 1e-12);
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
            for (wording, indentation) in [
                (KoosWording::Topographic, 3.0),
                (KoosWording::Compression, 1.0),
                (KoosWording::Compression, 3.0),
            ] {
                let evidence = KoosEvidence {
                    indentation_mm: Some(indentation),
                    ..evidence(p, c, s)
                };
                let yes = koos_criteria(&evidence, wording);
                let count = yes.iter().take_while(|q| q.met == Some(true)).count();
                let grade = geometry(p, c, s).grade_in(wording, indentation);
                assert_eq!(KoosGrade::ALL[count], grade);
            }
        }
        for wording in KoosWording::ALL {
            let nothing = koos_criteria(&KoosEvidence::default(), wording);
            assert!(nothing.iter().all(|q| q.met.is_none()));
        }
    }

    #[test]
    fn the_questions_never_say_the_contrary_of_the_grade_beside_them() {
        let fluid = CleftTest {
            verdict: CleftVerdict::Seen,
            reason: None,
            brain_intensity: None,
            fluid_intensity: None,
            threshold_intensity: None,
            profiles: Vec::new(),
        };
        // Gap, contact and shift; whether fluid is seen; yes or no to the three questions; the question that has a note, and what that says.
        let yes = Some(true);
        for ([gap, contact, shift], seen, met, noted, says) in [
            ([1.2, 0.0, 4.0], false, [yes; 3], 1, "a seam of 1.2 mm"),
            ([0.0, 3.0, 4.0], false, [yes; 3], 1, "only 3.0 mm²"),
            ([0.0, 60.0, 4.0], true, [yes; 3], 1, "yet the brainstem"),
            (
                [0.0, 60.0, 0.0],
                true,
                [yes, Some(false), Some(false)],
                1,
                "taken as no contact",
            ),
            (
                [1.2, 0.0, 2.5],
                false,
                [yes, Some(false), yes],
                2,
                "counts only where",
            ),
        ] {
            let evidence = KoosEvidence {
                extrameatal_volume_mm3: Some(800.0),
                intrameatal_volume_mm3: Some(200.0),
                protrusion_mm: Some(9.0),
                brainstem_gap_mm: Some(gap),
                contact_area_mm2: Some(contact),
                brainstem_shift_mm: Some(shift),
                cleft: seen.then(|| fluid.clone()),
                ..KoosEvidence::default()
            };
            let list = koos_criteria(&evidence, KoosWording::Topographic);
            assert_eq!(list.each_ref().map(|q| q.met), met, "{says}");
            for (n, question) in list.iter().enumerate() {
                let note = question.note.as_deref();
                assert_eq!(note.is_some(), n == noted, "{says}: {note:?}");
                assert!(note.is_none_or(|note| note.contains(says)), "{note:?}");
            }
            let mut graded = KoosAssessment {
                tumour: true,
                evidence,
                ..KoosAssessment::default()
            };
            grade(&mut graded, KoosWording::Topographic);
            let count = list.iter().take_while(|q| q.met == yes).count();
            assert_eq!(graded.grade, Some(KoosGrade::ALL[count]), "{says}");
        }
    }
}
