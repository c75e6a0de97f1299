//! What is asked before results are written as DICOM objects.
use crate::{
    app::{
        assess::Inputs,
        export::{Export, Object, colour},
        state::{AppState, Outlines, VisitId, VisitState},
    },
    io::{Algorithm, Authorship, ResultState},
    patient::{Review, ReviewState},
};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// Results of a visit that are about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportDialog {
    /// The visit.
    pub visit: VisitId,
    /// What is written.
    pub objects: BTreeSet<Object>,
    /// Where.
    pub folder: Option<PathBuf>,
}

/// A change of that, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportCommand {
    /// Asks, about a visit.
    Begin(VisitId),
    /// Whether an object is written.
    Choose(Object, bool),
    /// Where.
    Folder(PathBuf),
    /// The scan was made from the DICOM series that lies there.
    SeriesAt(PathBuf),
    /// Writes.
    Write,
    /// Writes nothing.
    Leave,
}

/// Stands for the model where none is known.
const NOT_STATED: &str = "not stated";

impl ExportDialog {
    /// Everything that can be written of a visit.
    pub(in crate::app) fn new(visit: &VisitState) -> Self {
        let all = Object::ALL.into_iter();
        Self {
            visit: visit.id,
            objects: all.filter(|o| unwritable(visit, *o).is_none()).collect(),
            folder: None,
        }
    }

    /// What is chosen and can be written.
    pub fn chosen(&self, visit: &VisitState) -> BTreeSet<Object> {
        let chosen = self.objects.iter().copied();
        chosen.filter(|o| unwritable(visit, *o).is_none()).collect()
    }

    /// Why nothing can be written now.
    pub fn obstacle(&self, state: &AppState) -> Option<&'static str> {
        let visit = state.visit(self.visit);
        let (Some(visit), Some(outlines)) = (visit, visit.and_then(|v| v.outlines.as_ref())) else {
            return Some("There are no outlines to write");
        };
        if visit.demo {
            return Some("The demo patient is synthetic and has no DICOM series");
        }
        if outlines.measured.finding.provenance.state == ReviewState::Rejected {
            return Some("The outlines were rejected and must not be used");
        }
        if outlines.edits.measuring {
            return Some("The outlines are still being measured");
        }
        if visit.series.is_none() {
            return Some("The scan did not come as DICOM, whose images the objects must name");
        }
        if self.chosen(visit).is_empty() {
            return Some("Choose what to write");
        }
        self.folder.is_none().then_some("Choose a folder")
    }

    /// All that is needed to write; `None` where there is an obstacle.
    pub(in crate::app) fn work(&self, state: &AppState) -> Option<Export> {
        if self.obstacle(state).is_some() {
            return None;
        }
        let visit = state.visit(self.visit)?;
        let outlines = visit.outlines.as_ref()?;
        let dated = |v: &&VisitState| v.date.is_some() && v.outlines.is_some();
        let index = state
            .visits
            .iter()
            .filter(dated)
            .position(|v| v.id == visit.id);
        let compared = index.map(|index| (Inputs::of(state), index));
        Some(Export {
            series: visit.series.clone()?,
            labels: Arc::clone(&outlines.labels),
            probabilities: outlines.probabilities.clone(),
            authorship: Authorship {
                beside_drafts: compared.is_some() && tells_of_drafts(state),
                ..authorship(outlines)
            },
            objects: self.chosen(visit),
            compared,
            kept: visit
                .key_images
                .iter()
                .map(|k| (k.plane, k.crosshair))
                .collect(),
            folder: self.folder.clone()?,
        })
    }
}

/// Whether a report of the dated visits tells of outlines that no reader has accepted.
fn tells_of_drafts(state: &AppState) -> bool {
    let dated = state.visits.iter().filter(|v| v.date.is_some());
    let mut states =
        dated.filter_map(|v| Some(v.outlines.as_ref()?.measured.finding.provenance.state));
    states.any(ReviewState::is_draft)
}

/// Why an object of a visit cannot be written; nothing where it can.
pub(in crate::app) fn unwritable(visit: &VisitState, object: Object) -> Option<&'static str> {
    let outlines = visit.outlines.as_ref();
    if object.is_dated() && visit.date.is_none() {
        return Some("needs the day of the scan");
    }
    (object == Object::Probabilities && outlines.is_none_or(|o| o.probabilities.is_none()))
        .then_some("only as long as outlines are as the model has just drawn them")
}

/// What the objects say of their making: as the result's history tells it.
fn authorship(outlines: &Outlines) -> Authorship {
    let state = match &outlines.edits.reviewed {
        Some(Review::Accepted(signed)) => ResultState::Accepted {
            by: signed.by.clone(),
            at: signed.at.with_timezone(&chrono::Local).naive_local(),
        },
        _ => ResultState::Draft,
    };
    let model = outlines.measured.finding.provenance.model.as_ref();
    let named = |text: Option<&String>| text.map_or(NOT_STATED, String::as_str).to_owned();
    Authorship {
        state,
        making: outlines.making,
        algorithm: Algorithm {
            name: named(model.map(|m| &m.name)),
            version: named(model.map(|m| &m.version)),
        },
        created: chrono::Local::now().naive_local(),
        tracking_uid: None,
        beside_drafts: false,
        colour,
    }
}

/// In words what the objects will say of themselves.
pub(in crate::app) fn said(state: &AppState, outlines: &Outlines) -> String {
    let authorship = authorship(outlines);
    let state = match &authorship.state {
        ResultState::Draft => "Draft: every object says so".to_owned(),
        ResultState::Accepted { by, .. } if tells_of_drafts(state) => {
            format!(
                "Accepted by {by}; measurements and report stay drafts, because they also tell of visits that nobody has accepted"
            )
        }
        ResultState::Accepted { by, .. } => format!("Accepted by {by}"),
    };
    let making = authorship.making.words();
    match &outlines.measured.finding.provenance.model {
        Some(model) => format!("{state}. Outlines: {making}, {model}"),
        None => format!("{state}. Outlines: {making}"),
    }
}
