//! The demo patient: one synthetic head at two visits, the tumour grown between them.
use super::{Modality, Patient, PatientSpec, Scan, Site, VisitSpec};
use crate::{
    measure::KoosGrade,
    volume::{Observe, Side},
};

/// Number of visits.
pub const VISITS: usize = 2;
/// Dates of the visits (ISO 8601).
pub const DATES: [&str; VISITS] = ["2024-03-12", "2025-09-10"];
/// Time of the visits since the first, years: the days between the dates over 365.25.
pub const YEARS: [f64; VISITS] = [0.0, 547.0 / 365.25];

/// The demo patient.
///
/// # Errors
/// As [`Patient::new`].
pub fn patient() -> Result<Patient, super::Error> {
    Patient::new(&PatientSpec {
        seed: 7,
        koos: Some(KoosGrade::III),
        side: Some(Side::Left),
        annual_growth_percent: Some(35.0),
        ..PatientSpec::default()
    })
}

/// One visit of the demo patient: its own head pose, noise and place in the scanner.
///
/// # Errors
/// As [`Patient::scan`].
pub fn scan(
    patient: &Patient,
    visit: usize,
    observe: &mut Observe<'_>,
) -> Result<Scan, super::Error> {
    let spec = VisitSpec {
        years: YEARS[visit.min(VISITS - 1)],
        site: Site::London,
        modality: Modality::HrT2,
        seed: 100 + visit as u64,
        grid: None,
    };
    patient.scan(&spec, observe)
}
