//! The visits of a patient's folder.
use super::{Labels, VisitArgument};
use crate::{
    app::ByHand,
    io::PatientFolder,
    patient::{DateSource, LabelVersion, Outline, ReviewState, TreatmentDays},
    volume::{LabelMap, Volume},
};
use anyhow::bail;
use std::{path::Path, sync::Arc};

/// A version of a visit's outlines in a patient's folder.
#[derive(Debug)]
pub(super) struct Version {
    folder: Arc<PatientFolder>,
    visit: String,
    labels: LabelVersion,
}

impl Version {
    /// Reads the label map, which must lie on the scan's grid.
    pub(super) fn read(&self, scan: &Volume) -> anyhow::Result<(LabelMap, Vec<String>)> {
        let (labels, warnings) = self.folder.read_labels(&self.visit, self.labels.version)?;
        if !labels.grid().matches(scan.grid(), 0.1) {
            bail!("the outlines of {} are not on its scan's grid", self.visit);
        }
        Ok((labels, warnings.iter().map(ToString::to_string).collect()))
    }

    /// Who drew it.
    pub(super) fn outline(&self) -> Outline {
        self.labels.outline.clone()
    }

    /// What was said of it.
    pub(super) fn state(&self) -> ReviewState {
        self.labels.review.state()
    }
}

/// The visits with a date, from the earliest to the latest, when the tumour was treated, and what is left out or to be known.
pub(super) fn visits(
    path: &Path,
) -> anyhow::Result<(Vec<VisitArgument>, TreatmentDays, Vec<String>)> {
    let (folder, warnings) = PatientFolder::open_to_read(path)?;
    let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let folder = Arc::new(folder);
    let mut visits = Vec::new();
    let facts = &folder.record().facts;
    for visit in &folder.record().visits {
        let id = &visit.id;
        let Some(date) = visit.date else {
            warnings.push(format!("{id} has no date and is left out"));
            continue;
        };
        let labels = match visit.current() {
            Some(v) if v.review.state() == ReviewState::Rejected => {
                warnings.push(format!("{id} is left out: its outlines were {}", v.review));
                continue;
            }
            Some(version) => Labels::Version(Arc::new(Version {
                folder: Arc::clone(&folder),
                visit: id.clone(),
                labels: version.clone(),
            })),
            None => Labels::Model,
        };
        // What a reader said of the outlines that count.
        let results = (visit.current())
            .and_then(|v| folder.read_results(id, v.version).transpose())
            .transpose()
            .unwrap_or_else(|error| {
                warnings.push(format!("{id}: what was measured was not opened: {error}"));
                None
            });
        let by_hand = results.as_ref().and_then(ByHand::of_results);
        let by_hand = by_hand.unwrap_or_default();
        visits.push(VisitArgument {
            koos: by_hand.options(facts.koos_options(Some(date.day))),
            by_hand,
            date: date.day,
            date_from_name: date.source == DateSource::FileName,
            scan: folder.scan_path(id)?,
            known: Some(visit.scan.facts.clone()),
            sequence: Some(visit.scan.facts.sequence),
            acquisition: visit.scan.facts.acquisition(),
            labels,
        });
    }
    visits.sort_by_key(|v| v.date);
    if visits.is_empty() {
        bail!(
            "no visit of this patient can be compared: {}",
            path.display()
        );
    }
    Ok((visits, folder.record().facts.treatment_days(), warnings))
}
