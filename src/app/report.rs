//! Visits compared, and the one-page report of that: what `schwann growth` and the window's button both make.
use super::Error;
use crate::{
    io,
    measure::{Ghosting, Plane, PlaneFrame},
    patient::{
        self, Acquisition, Doubt, GrowthAssessment, Picture, RegistrationResult, ReportInput,
        TreatmentDays, Visit, acquisition_doubts, cochlea_residual_mm, operation_doubts,
    },
    render,
    volume::{
        LabelMap, Observe, RegisterError, Registration, Sequence, ToAlign, Volume, register_rigid,
        sides_are_told,
    },
};
use chrono::NaiveDate;
use glam::{DAffine3, DVec3};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the report calls the built-in patient.
pub const DEMO_LABEL: &str = "Demo patient";

/// One visit with all that its pictures need. The labels lie on the scan's own grid.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The scan.
    pub scan: Arc<Volume>,
    /// Its outlines.
    pub labels: Arc<LabelMap>,
    /// What was measured on them.
    pub visit: Visit,
    /// How the scan was acquired, where its header or a file beside it says so.
    pub acquisition: Option<Acquisition>,
    /// What motion left beside the head, where that can be measured.
    pub ghosting: Option<Ghosting>,
}

/// The alignment of a visit to the first: `None` where it was not tried, else the transform or in words why there is none.
pub type Tried = Option<Result<Registration, String>>;

/// Visits, their alignments to the first and what changed.
#[derive(Debug)]
pub struct Comparison {
    /// The visits, from the earliest to the latest.
    pub measured: Vec<Measured>,
    /// How each visit after the first lies to it; none where they are not aligned.
    pub alignments: Vec<Option<Registration>>,
    /// What changed.
    pub assessment: GrowthAssessment,
}

/// An alignment that may be used, or in words why there is none: a transform that matches badly must not link two heads.
pub fn usable(found: Result<Registration, RegisterError>) -> Result<Registration, String> {
    match found {
        Ok(registration) if registration.is_aligned() => Ok(registration),
        Ok(registration) => Err(format!(
            "the scans match only with a correlation of {:.2}",
            registration.similarity_after
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// What changed between visits. `tried` holds the alignment of each visit after the first.
///
/// # Errors
/// Those of [`patient::assess`].
pub fn assess(
    measured: &[Measured],
    tried: &[Tried],
    treated: &TreatmentDays,
) -> Result<GrowthAssessment, patient::Error> {
    let mut failed = Vec::new();
    if let Some((first, later)) = measured.split_first() {
        for (visit, found) in later.iter().zip(tried) {
            if let Some(Err(why)) = found {
                failed.push(format!(
                    "{} to {}: not aligned, {why}",
                    first.visit.date, visit.visit.date
                ));
            }
        }
    }
    let registration = aligned_pairs(measured, tried);
    let visits: Vec<Visit> = measured.iter().map(|m| m.visit.clone()).collect();
    let read: Vec<(NaiveDate, Acquisition)> = (measured.iter())
        .filter_map(|m| Some((m.visit.date, m.acquisition.clone()?)))
        .collect();
    let days: Vec<NaiveDate> = visits.iter().map(|v| v.date).collect();
    let doubts = [
        operation_doubts(&days, &treated.operations),
        acquisition_doubts(&read),
        doubts(measured, tried),
    ]
    .concat();
    let treated = treated.radiosurgery;
    let mut assessment = patient::assess_doubted(&visits, &registration, treated, &doubts)?;
    assessment.warnings.extend(failed);
    Ok(assessment)
}

/// What speaks against comparing pairs of visits: a failed alignment leaves open whether both are of one patient, two scans of one picture are
/// one scan that was stored twice, and a tumour's outline is not the same in two contrasts.
fn doubts(measured: &[Measured], tried: &[Tried]) -> Vec<Doubt> {
    let date = |n: usize| measured[n].visit.date;
    let of = |n: usize| n.checked_sub(1).and_then(|n| tried.get(n)?.as_ref());
    // Whether a visit shows the contrast of the first.
    let contrast = |n: usize| match n {
        0 => Some(true),
        _ => of(n).and_then(|tried| Some(tried.as_ref().ok()?.one_contrast)),
    };
    let mut found = Vec::new();
    for to in 1..measured.len() {
        for from in 0..to {
            if [from, to].iter().any(|n| matches!(of(*n), Some(Err(_)))) {
                found.push(Doubt {
                    from: date(from),
                    to: date(to),
                    reason: "the scans could not be aligned: check that both are of one patient"
                        .to_owned(),
                    forbids: false,
                });
            }
        }
        for from in 0..to {
            for visit in [&measured[from], &measured[to]] {
                let moved = visit.ghosting.filter(Ghosting::is_of_motion);
                found.extend(moved.map(|ghosting| Doubt {
                    from: date(from),
                    to: date(to),
                    reason: format!(
                        "the head seems to have moved during the scan of {}: {ghosting}",
                        visit.visit.date
                    ),
                    forbids: false,
                }));
            }
            if of_two_contrasts([from, to].map(|n| (measured[n].visit.sequence, contrast(n)))) {
                found.push(Doubt {
                    from: date(from),
                    to: date(to),
                    reason: "the scans show different contrasts, and of one it is not known what it shows".to_owned(),
                    forbids: true,
                });
            }
            if measured[from].scan.is_same_picture(&measured[to].scan) {
                found.push(Doubt {
                    from: date(from),
                    to: date(to),
                    reason: "the scans match perfectly: one scan was stored twice".to_owned(),
                    forbids: true,
                });
            }
        }
    }
    found
}

/// Whether two visits are of two contrasts, which no rule for known sequences sees: the sequence of each, and whether it shows the contrast of the first visit.
fn of_two_contrasts([a, b]: [(Sequence, Option<bool>); 2]) -> bool {
    [a.0, b.0].contains(&Sequence::Unknown) && a.1.zip(b.1).is_some_and(|(a, b)| a != b)
}

/// Each visit with the previous, and the last with the first, where both are aligned to the first: only what is listed here may be called aligned.
fn aligned_pairs(measured: &[Measured], tried: &[Tried]) -> Vec<RegistrationResult> {
    let from_first = |index: usize| match index.checked_sub(1) {
        None => Some(DAffine3::IDENTITY),
        Some(n) => Some(
            tried
                .get(n)?
                .as_ref()?
                .as_ref()
                .ok()?
                .world_moving_from_world_fixed,
        ),
    };
    let last = measured.len().saturating_sub(1);
    let consecutive = (1..measured.len()).map(|to| (to - 1, to));
    consecutive
        .chain((last > 1).then_some((0, last)))
        .filter_map(|(from, to)| {
            let world_to_from_world_from = from_first(to)? * from_first(from)?.inverse();
            let (fixed, moving) = (&measured[from], &measured[to]);
            Some(RegistrationResult {
                from: fixed.visit.date,
                to: moving.visit.date,
                residual_mm: cochlea_residual_mm(
                    &fixed.labels,
                    &moving.labels,
                    world_to_from_world_from,
                ),
            })
        })
        .collect()
}

/// Aligns every visit to the first, unless it was tried before, and compares them.
///
/// # Errors
/// When the visits cannot be assessed, or the observer stops it.
pub fn compare(
    measured: Vec<Measured>,
    mut tried: Vec<Tried>,
    treated: &TreatmentDays,
    observe: &mut Observe<'_>,
) -> Result<Comparison, Error> {
    tried.resize(measured.len().saturating_sub(1), None);
    if let Some((first, later)) = measured.split_first() {
        for (visit, slot) in later.iter().zip(&mut tried) {
            if slot.is_none() {
                let [fixed, moving] = [first, visit].map(|m| ToAlign {
                    scan: &m.scan,
                    labels: Some(&m.labels),
                });
                let found = register_rigid(fixed, moving, observe).and_then(|a| a.linked());
                if found == Err(RegisterError::Cancelled) {
                    return Err(Error::Cancelled);
                }
                *slot = Some(usable(found));
            }
        }
    }
    let assessment = assess(&measured, &tried, treated)?;
    Ok(Comparison {
        measured,
        alignments: tried.into_iter().map(|t| t?.ok()).collect(),
        assessment,
    })
}

/// Edge lengths of the report's pictures.
const PICTURE_PX: u32 = 480;
const PICTURE_MM: f64 = 80.0;

impl Comparison {
    /// A visit's world from the first visit's; `None` where they are not aligned.
    fn world_from_first(&self, index: usize) -> Option<DAffine3> {
        match index.checked_sub(1) {
            None => Some(DAffine3::IDENTITY),
            Some(n) => Some((*self.alignments.get(n)?)?.world_moving_from_world_fixed),
        }
    }

    /// The plane in which a visit is shown: a slice of the last visit through its tumour, mapped into this visit's head; and whether it
    /// could be mapped. `None` when there is no such visit.
    pub fn frame(&self, index: usize, plane: Plane) -> Option<(PlaneFrame, bool)> {
        let own = |m: &Measured| {
            render::frame_through(&m.labels, plane, render::point_of_interest(&m.labels))
        };
        let here = self.measured.get(index)?;
        let last = self.measured.len() - 1;
        let mapped = self
            .world_from_first(index)
            .zip(self.world_from_first(last))
            .zip(self.measured.last());
        Some(match mapped {
            Some(((here, there), last)) => (own(last).mapped(here * there.inverse()), true),
            None => (own(here), index == last),
        })
    }

    /// The one-page report as a PDF, with pictures of the visits in the same plane of the head where they are aligned: two planes of two visits,
    /// one of more, of which the first and the last three are shown. `label` is
    /// what the patient is called; `demo` says that the patient is synthetic.
    ///
    /// # Errors
    /// Those of [`patient::report_pdf`].
    pub fn report(
        &self,
        created: NaiveDate,
        label: Option<&str>,
        demo: bool,
    ) -> Result<Vec<u8>, Error> {
        let visits: Vec<Visit> = self.measured.iter().map(|m| m.visit.clone()).collect();
        let count = visits.len();
        let (shown, planes): (Vec<usize>, &[Plane]) = if count > 2 {
            let late = count.saturating_sub(3).max(1)..count;
            ([0].into_iter().chain(late).collect(), &[Plane::Axial])
        } else {
            ((0..count).collect(), &[Plane::Axial, Plane::Coronal])
        };
        let pictures: Vec<Picture> = (shown.into_iter())
            .flat_map(|index| planes.iter().map(move |plane| (index, *plane)))
            .filter_map(|(index, plane)| self.picture(index, plane))
            .collect();
        Ok(patient::report_pdf(&ReportInput {
            assessment: &self.assessment,
            visits: &visits,
            pictures: &pictures,
            patient_label: label,
            created,
            demo,
        })?)
    }

    /// A picture of a visit, with its outline, in the plane in which the report shows it; `None` when there is no such visit.
    pub fn picture(&self, index: usize, plane: Plane) -> Option<Picture> {
        self.drawn(index, plane, self.frame(index, plane)?)
    }

    /// A picture of a visit's own slice through a point, RAS mm of its own space; `None` when there is no such visit.
    pub fn picture_at(&self, index: usize, plane: Plane, point: DVec3) -> Option<Picture> {
        let labels = &self.measured.get(index)?.labels;
        let frame = render::frame_through(labels, plane, point);
        self.drawn(index, plane, (frame, true))
    }

    fn drawn(
        &self,
        index: usize,
        plane: Plane,
        (frame, same): (PlaneFrame, bool),
    ) -> Option<Picture> {
        let m = self.measured.get(index)?;
        let told = sides_are_told(&m.visit.finding.warnings);
        let shown = (&frame, told);
        let image = render::figure(&m.scan, &m.labels, shown, PICTURE_PX, PICTURE_MM);
        let alignment = if same { "" } else { "; own plane, not aligned" };
        let left = match plane {
            Plane::Sagittal => "patient's front on the left of the image",
            _ if !told => "left and right are not known",
            Plane::Axial | Plane::Coronal => "patient's right on the left of the image",
        };
        Some(Picture {
            visit: index,
            caption: format!(
                "{}, {}\n{left}; {PICTURE_MM:.0} mm across; outline: {}{alignment}",
                m.visit.date,
                plane.name(),
                m.visit.finding.provenance.state,
            ),
            width: image.width(),
            height: image.height(),
            rgb: image.into_raw(),
        })
    }
}

/// Where the assessment lies that belongs to a report: `report.pdf` has `report.assessment.json`, a name that hides no other file.
pub fn assessment_path(report: &Path) -> PathBuf {
    report.with_extension("assessment.json")
}

/// Where its CSV lies: `report.assessment.csv`.
pub fn csv_path(report: &Path) -> PathBuf {
    report.with_extension("assessment.csv")
}

/// Where its paragraph for a radiology report lies: `report.paragraph.txt`.
pub fn paragraph_path(report: &Path) -> PathBuf {
    report.with_extension("paragraph.txt")
}

/// Writes a report, and beside it its assessment as JSON, as CSV and as a paragraph, each whole or not at all; the path of the JSON is given
/// back.
///
/// # Errors
/// When the report cannot be made or a file cannot be written.
pub fn write(
    comparison: &Comparison,
    path: &Path,
    created: NaiveDate,
    demo: bool,
) -> Result<PathBuf, Error> {
    let pdf = comparison.report(created, demo.then_some(DEMO_LABEL), demo)?;
    let beside = assessment_path(path);
    let mut paragraph = comparison.assessment.to_paragraph();
    if demo {
        paragraph.insert_str(0, "Synthetic patient: phantom. ");
    }
    let texts = [
        (beside.clone(), comparison.assessment.to_json()?),
        (csv_path(path), comparison.assessment.to_csv()?),
        (paragraph_path(path), paragraph + "\n"),
    ];
    for (path, text) in &texts {
        io::write_atomically(path, |w| w.write_all(text.as_bytes()))?;
    }
    io::write_atomically(path, |w| w.write_all(&pdf))?;
    Ok(beside)
}
