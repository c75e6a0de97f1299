//! How a scan was acquired, as far as its header says, and what differences of that mean for a comparison.
use super::Doubt;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a scan's header says of its acquisition. What it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acquisition {
    /// The patient's number at the hospital.
    pub patient_id: Option<String>,
    /// The patient's day of birth as the header writes it.
    pub birth_date: Option<String>,
    /// The patient's sex as the header writes it.
    pub sex: Option<String>,
    /// Hospital.
    pub institution: Option<String>,
    /// Manufacturer and model of the scanner.
    pub scanner: Option<String>,
    /// Field strength, tesla.
    pub field_tesla: Option<f64>,
    /// Contrast agent; the empty text says that none was given.
    pub contrast_agent: Option<String>,
}

/// One field of an acquisition.
type Field = fn(&Acquisition) -> &Option<String>;

/// Difference of field strengths that is not one of writing, tesla.
const OTHER_FIELD_TESLA: f64 = 0.2;

impl Acquisition {
    /// What speaks against comparing two scans. Names no patient.
    fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let differ = |of: Field| {
            let (a, b) = (of(self).as_deref()?, of(other).as_deref()?);
            (!a.eq_ignore_ascii_case(b)).then(|| (a.to_owned(), b.to_owned()))
        };
        let identity: [(&str, Field); 3] = [
            ("number", |a| &a.patient_id),
            ("day of birth", |a| &a.birth_date),
            ("sex", |a| &a.sex),
        ];
        let other_patient: Vec<&str> = (identity.iter())
            .filter(|(_, of)| differ(*of).is_some())
            .map(|(what, _)| *what)
            .collect();
        if !other_patient.is_empty() {
            found.push(format!(
                "the headers differ in the patient's {}: these may be different patients",
                other_patient.join(" and ")
            ));
        }
        if let Some((a, b)) = differ(|a| &a.institution) {
            found.push(format!("different sites: {a} and {b}"));
        }
        if let Some((a, b)) = differ(|a| &a.scanner) {
            found.push(format!("different scanners: {a} and {b}"));
        }
        if let (Some(a), Some(b)) = (self.field_tesla, other.field_tesla)
            && (a - b).abs() > OTHER_FIELD_TESLA
        {
            found.push(format!("different field strengths: {a:.1} and {b:.1} T"));
        }
        if let (Some(a), Some(b)) = (&self.contrast_agent, &other.contrast_agent)
            && a.is_empty() != b.is_empty()
        {
            found.push("only one scan has contrast agent".to_owned());
        }
        found
    }
}

/// What the acquisitions of visits, from the earliest to the latest, say against comparing each pair of them. Nothing that they say forbids it.
pub fn acquisition_doubts(visits: &[(NaiveDate, Acquisition)]) -> Vec<Doubt> {
    let mut found = Vec::new();
    for (n, (to, later)) in visits.iter().enumerate() {
        for (from, earlier) in visits.iter().take(n) {
            let differences = earlier.differences(later).into_iter();
            found.extend(differences.map(|reason| Doubt {
                from: *from,
                to: *to,
                reason,
                forbids: false,
            }));
        }
    }
    found
}
