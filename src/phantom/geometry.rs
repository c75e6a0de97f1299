//! What the Koos grade of a synthetic patient rests on, without a scan.
use super::{
    Error, Patient,
    contact::{contact_under, effects, push},
    patient::EXACT_STEP,
};
use crate::measure::KoosGeometry;

/// Exact geometry at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatientGeometry {
    /// What the rule asks for.
    pub koos: KoosGeometry,
    /// Least distance between tumour and brainstem, mm; 0 in contact.
    pub gap_mm: f64,
}

impl Patient {
    /// What the grade rests on so many years after the first visit, from the continuous shapes: the same numbers as behind a scan of that
    /// time, in a small part of the time that a scan takes. `None` without tumour.
    ///
    /// # Errors
    /// When the tumour cannot have the volume of that time.
    pub fn geometry(&self, years: f64) -> Result<Option<PatientGeometry>, Error> {
        let (Some(tumour), Some(side)) = (self.tumour(years)?, self.side()) else {
            return Ok(None);
        };
        let push = push(&tumour, &self.anatomy);
        let found = contact_under(&tumour, side, &self.anatomy, push.as_ref());
        let effects = effects(&tumour, side, &self.anatomy, push.as_ref());
        let [volume_mm3, extrameatal_mm3] = tumour.volumes_mm3(EXACT_STEP);
        Ok(Some(PatientGeometry {
            koos: KoosGeometry {
                volume_mm3,
                extrameatal_mm3,
                protrusion_mm: found.protrusion_mm,
                contact_mm2: found.area_mm2,
                shift_mm: found.shift_mm.max(effects.ventricle_shift_mm),
            },
            gap_mm: found.gap_mm,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::KoosGrade,
        phantom::{GridSpec, Modality, PatientSpec, Site, VisitSpec},
        volume::unobserved,
    };

    #[test]
    fn the_geometry_of_a_time_is_that_behind_a_scan_of_it() {
        let patient = Patient::new(&PatientSpec {
            seed: 5,
            koos: Some(KoosGrade::III),
            annual_growth_percent: Some(50.0),
            ..PatientSpec::default()
        })
        .unwrap();
        for years in [0.0, 0.75] {
            let visit = VisitSpec {
                years,
                site: Site::London,
                modality: Modality::HrT2,
                seed: 9,
                grid: Some(GridSpec {
                    shape: [16, 16, 8],
                    spacing_mm: [4.0; 3],
                }),
            };
            let truth = patient.scan(&visit, &mut unobserved).unwrap().truth;
            let found = patient.geometry(years).unwrap().unwrap();
            assert_eq!(Some(found.koos.grade()), truth.koos);
            assert_eq!(Some(found.gap_mm), truth.brainstem_gap_mm);
            assert!((found.koos.contact_mm2 - truth.contact_area_mm2).abs() < 1e-9);
            assert!((found.koos.volume_mm3 - truth.tumour_volume_mm3).abs() < 1e-9);
            let shift = truth
                .brainstem_shift_mm
                .max(truth.fourth_ventricle_shift_mm);
            assert!((found.koos.shift_mm - shift).abs() < 1e-9);
        }
    }
}
