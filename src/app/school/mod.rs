//! Reading blind: cases of the school, and real visits whose outlines are hidden until the reader has committed a grade.
//!
//! What is hidden is not in the [`VisitState`](super::state::VisitState) at all, so that no view can show it: it lies here, out of the panels' reach, until
//! the grade is committed.

mod task;

pub use task::{Done, NewCase, Work};

use super::state::{AppState, Outlines, VisitId};
use crate::{
    measure::{KoosAssessment, KoosWording},
    patient::ModelInfo,
    predict::KoosGraders,
    school::{
        Answer, Confidence, Difficulty, ExactTruth, FolderCases, Progress, ReaderRecord, Reply,
        Wish,
    },
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};
pub(super) use task::Hidden;

/// A change of the school, or of a blind read.
#[derive(Debug, Clone, PartialEq)]
pub enum SchoolCommand {
    /// Its panel in the place of the findings, or not.
    Open(bool),
    /// What the panel shows.
    Page(Page),
    /// Who reads; the name signs everywhere in the program.
    Reader(String),
    /// Where cases come from.
    Source(Source),
    /// Cases from a folder of scans with a table of grades.
    Folder(PathBuf),
    /// How hard new synthetic cases are; any without.
    Difficulty(Option<Difficulty>),
    /// Some synthetic cases have no tumour, or none.
    TumourFree(bool),
    /// The wording of the grades that cases are answered in.
    Wording(KoosWording),
    /// The model that segments is asked too.
    AskModel(bool),
    /// The first case.
    Begin,
    /// The next case.
    Next,
    /// Takes the case off.
    Leave,
    /// The grade that the reader thinks of; it can still be changed.
    Choose(VisitId, Reply),
    /// How sure the reader is.
    Confide(VisitId, Confidence),
    /// The grade stands; what was hidden is shown.
    Commit(VisitId),
    /// To the place in the outlines that decides a question.
    Show(VisitId, Deciding),
    /// Writes the reader's answers as a table.
    Export(PathBuf),
    /// Outlines of real visits are hidden until the reader has committed a grade, or not.
    Blind(bool),
}

/// What the school's panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// The case.
    #[default]
    Case,
    /// How well the reader does.
    Progress,
}

/// Where cases come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// Synthetic patients.
    #[default]
    Synthetic,
    /// The reader's own folder.
    Folder,
}

/// A place that decides a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deciding {
    /// Where the tumour comes nearest to the brainstem.
    Brainstem,
    /// Its largest extent outside the canal.
    Extent,
    /// The porus.
    Porus,
}

impl Deciding {
    /// All.
    pub const ALL: [Self; 3] = [Self::Brainstem, Self::Extent, Self::Porus];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brainstem => "Nearest to the brainstem",
            Self::Extent => "Largest outside the canal",
            Self::Porus => "Porus",
        }
    }
}

/// The school, and what is read blind.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub struct SchoolState {
    /// Its panel stands in the place of the findings.
    pub open: bool,
    /// What the panel shows.
    pub page: Page,
    /// The folder of the readers' records; answers are kept in memory only without.
    pub records: Option<PathBuf>,
    /// Who has a record in it.
    pub readers: Vec<String>,
    /// The reader's record, once it was read.
    pub record: Option<ReaderRecord>,
    /// What it says.
    pub progress: Option<Progress>,
    /// Where cases come from.
    pub source: Source,
    /// The reader's own cases.
    pub own: Option<Arc<FolderCases>>,
    /// How hard new synthetic cases are; any without.
    pub difficulty: Option<Difficulty>,
    /// Some new synthetic cases have no tumour.
    pub tumour_free: bool,
    /// The wording of the grades that cases are answered in.
    pub wording: KoosWording,
    /// The model that segments is asked too.
    pub ask_model: bool,
    /// The case that is shown.
    pub(super) case: Option<CaseState>,
    /// The case after it, ready to be shown.
    pub(super) next: Option<Box<NewCase>>,
    /// A case is being made.
    pub(super) preparing: bool,
    /// It is shown as soon as it is there.
    pub(super) wanted: bool,
    /// Visits whose grade is not committed yet.
    pub(super) readings: BTreeMap<VisitId, Reading>,
    /// Real visits whose grade was committed before the outlines were shown.
    pub(super) committed: BTreeMap<VisitId, Answer>,
    /// Cases that were shown.
    pub(super) shown: u64,
    /// Seed of the next new case.
    pub(super) seed: u64,
}

/// A read that is not committed.
#[derive(Debug)]
pub struct Reading {
    /// What the reader thinks of.
    pub grade: Option<Reply>,
    /// How sure the reader is.
    pub confidence: Option<Confidence>,
    pub(super) began: Instant,
    /// The visit's outlines.
    pub(super) held: Option<Outlines>,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            grade: None,
            confidence: None,
            began: Instant::now(),
            held: None,
        }
    }

    /// Whether it can be committed.
    pub fn is_complete(&self) -> bool {
        self.grade.is_some() && self.confidence.is_some()
    }
}

/// A case that is shown.
#[derive(Debug)]
pub struct CaseState {
    /// Its visit.
    pub visit: VisitId,
    /// How many were shown, this one included.
    pub number: u64,
    /// That there is no tumour may be answered.
    pub(super) may_be_free: bool,
    pub(super) hidden: Hidden,
    pub(super) answer: Option<Answer>,
    /// What the rule says on the outlines of models, with their names.
    pub(super) models: Vec<Grader>,
}

/// What somebody else says of a case. There may be any number of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Grader {
    /// Who, in words.
    pub name: String,
    /// The grade with its probabilities and evidence.
    pub assessment: KoosAssessment,
}

/// What is shown once a case's grade is committed.
#[derive(Debug, Clone, Copy)]
pub struct Revealed<'a> {
    /// What the reader said.
    pub answer: &'a Answer,
    /// What is true.
    pub truth: Reply,
    /// What it rests on, exactly; of a synthetic patient only.
    pub exact: Option<&'a ExactTruth>,
    /// What the trained graders say of the true outlines.
    pub graded: Option<&'a (KoosGraders, ModelInfo)>,
    /// What the rule says on the models' outlines.
    pub models: &'a [Grader],
}

impl CaseState {
    /// The truth, after the answer and not before.
    pub fn revealed(&self) -> Option<Revealed<'_>> {
        let answer = self.answer.as_ref()?;
        Some(Revealed {
            answer,
            truth: self.hidden.truth,
            exact: self.hidden.exact.as_ref(),
            graded: self.hidden.graded.as_ref(),
            models: &self.models,
        })
    }
}

impl SchoolState {
    /// What new synthetic cases are drawn by.
    pub(super) fn wish(&self) -> Wish {
        Wish {
            difficulty: self.difficulty,
            tumour_free: self.tumour_free,
        }
    }

    /// Whether a visit may be one without a tumour: a real one may, a case where they were asked for or come back.
    pub fn may_be_free(&self, visit: VisitId) -> bool {
        let case = self.case.as_ref().filter(|c| c.visit == visit);
        case.is_none_or(|c| c.may_be_free)
    }

    /// The case that is shown.
    pub fn case(&self) -> Option<&CaseState> {
        self.case.as_ref()
    }

    /// The read of a visit, as long as it is not committed.
    pub fn reading(&self, visit: VisitId) -> Option<&Reading> {
        self.readings.get(&visit)
    }

    /// Whether outlines and grade of a visit are hidden.
    pub fn is_blind(&self, visit: VisitId) -> bool {
        self.readings.contains_key(&visit)
    }

    /// What the reader had committed of a real visit before its outlines were shown.
    pub fn committed(&self, visit: VisitId) -> Option<&Answer> {
        self.committed.get(&visit)
    }

    /// Whether a visit is the school's case.
    pub fn is_case(&self, visit: VisitId) -> bool {
        self.case.as_ref().is_some_and(|c| c.visit == visit)
    }

    /// Whether a case is being made, and shown as soon as it is there.
    pub fn is_waiting(&self) -> bool {
        self.wanted
    }
}

impl AppState {
    /// What stands in the way of the school's beginning, in words; nothing where it can begin.
    pub fn school_obstacle(&self) -> Option<&'static str> {
        if self.preferences.reader.trim().is_empty() {
            return Some("Write your name: your answers are kept under it");
        }
        if self.school.source == Source::Folder && self.school.own.is_none() {
            return Some("Choose a folder of scans with a table of grades");
        }
        let real = |id: VisitId, demo: bool| !demo && !self.school.is_case(id);
        let open = self.patient.is_some() || self.visits.iter().any(|v| real(v.id, v.demo));
        open.then_some(
            "A patient is open: cases of the school are not shown among a patient's visits",
        )
    }

    /// What the key that commits and goes on would do now.
    pub(super) fn school_step(&self) -> Option<SchoolCommand> {
        let active = self.active?;
        if let Some(reading) = self.school.reading(active) {
            let complete = reading.is_complete();
            return complete.then_some(SchoolCommand::Commit(active));
        }
        let case = self.school.case().filter(|c| c.visit == active);
        case.filter(|_| self.school.open)
            .map(|_| SchoolCommand::Next)
    }
}
