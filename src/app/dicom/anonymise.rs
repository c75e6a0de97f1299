//! What is asked before a copy without identity is made.
use super::Work;
use crate::{
    app::state::{AppState, VisitId, VisitState},
    io::Keeping,
};
use std::path::PathBuf;

/// A copy that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymiseDialog {
    /// What is copied.
    pub source: Option<CopySource>,
    /// What is kept beyond the basic profile.
    pub keeping: Keeping,
    /// What the patient is called in the copy; empty for a name that follows from the secret.
    pub pseudonym: String,
    /// A file with the secret that links copies; one is made and forgotten without.
    pub secret: Option<PathBuf>,
    /// Where the copy goes.
    pub folder: Option<PathBuf>,
}

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopySource {
    /// The series of an open visit.
    Visit(VisitId),
    /// What a folder holds.
    Folder(PathBuf),
}

/// A change of that, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnonymiseCommand {
    /// Asks.
    Begin,
    /// What is copied.
    Source(CopySource),
    /// What is kept.
    Keep(Keeping),
    /// What the patient is called.
    Pseudonym(String),
    /// The file with the secret.
    Secret(Option<PathBuf>),
    /// Where the copy goes.
    Folder(PathBuf),
    /// Makes it.
    Copy,
    /// Makes none.
    Leave,
}

/// The files of a visit's series; `None` where it has none of its own.
pub(in crate::app) fn files(visit: &VisitState) -> Option<Vec<PathBuf>> {
    visit.series.as_ref()?.files()
}

impl AnonymiseDialog {
    /// About the series that is shown, where its files can be copied.
    pub(in crate::app) fn new(state: &AppState) -> Self {
        let shown = state.active_visit().filter(|v| files(v).is_some());
        Self {
            source: shown.map(|v| CopySource::Visit(v.id)),
            keeping: Keeping::default(),
            pseudonym: String::new(),
            secret: None,
            folder: None,
        }
    }

    fn inputs(&self, state: &AppState) -> Option<Vec<PathBuf>> {
        match self.source.as_ref()? {
            CopySource::Visit(id) => files(state.visit(*id)?),
            CopySource::Folder(path) => Some(vec![path.clone()]),
        }
    }

    /// Why no copy can be made now.
    pub fn obstacle(&self, state: &AppState) -> Option<&'static str> {
        if self.inputs(state).is_none() {
            return Some("Choose what to copy");
        }
        self.folder
            .is_none()
            .then_some("Choose a folder for the copy")
    }

    pub(in crate::app) fn work(&self, state: &AppState) -> Option<Work> {
        let pseudonym = self.pseudonym.trim();
        Some(Work::Anonymise {
            inputs: self.inputs(state)?,
            output: self.folder.clone()?,
            keeping: self.keeping,
            pseudonym: (!pseudonym.is_empty()).then(|| pseudonym.to_owned()),
            secret: self.secret.clone(),
        })
    }
}
