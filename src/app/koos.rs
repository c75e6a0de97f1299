//! The grade of a visit: what is shown of its evidence, what the user asks for, and what is computed for it.
use super::{
    state::{AppState, VisitId, VisitState},
    task::{Outcome, Target},
};
use crate::{
    measure::{
        HeadPosition, KoosAssessment, KoosOptions, KoosWording, TumourGeometry, brainstem_at,
    },
    patient::ModelInfo,
    predict::{Error, KoosCase, KoosGraders, KoosModel},
    render::scene::Camera,
    volume::{LabelEdit, LabelMap, Observe, Progress, Structure, Volume},
};
use glam::DVec3;
use std::sync::Arc;

/// Name of the edit that outlines the brainstem.
pub(super) const BRAINSTEM_EDIT: &str = "brainstem from one click";

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KoosCommand {
    /// Gap and contact are drawn, or not.
    Draw(bool),
    /// All planes go to a place of the evidence, RAS mm, and what was measured there is drawn.
    Show(VisitId, DVec3),
    /// Which of the ways from tumour to brainstem is plotted; all planes go to its middle.
    Way(VisitId, usize),
    /// The brainstem in 3D is coloured by how deep it is pressed in, or not.
    Compression(bool),
    /// The 3D view as the surgeon sees it.
    Surgeon(VisitId, HeadPosition),
    /// The next click into a plane of this visit shows the brainstem; none waits any more without.
    Seek(Option<VisitId>),
    /// Which wording of the grades counts for this patient.
    Wording(KoosWording),
    /// The tumour was operated on before this visit, or was not.
    PostOperative(VisitId, bool),
    /// Asks the trained graders about a visit.
    Grade(VisitId),
}

/// How the evidence is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KoosView {
    /// Gap and contact are drawn.
    pub drawn: bool,
    /// Which of the ways from tumour to brainstem is plotted.
    pub way: usize,
    /// The brainstem in 3D is coloured by how deep it is pressed in.
    pub compression: bool,
    /// The surgeon's view that was asked for last, and its camera: as long as that is the camera, the view is the surgeon's.
    pub surgeon: Option<(HeadPosition, Camera)>,
    /// The visit in which the next click into a plane shows the brainstem.
    pub seeking: Option<VisitId>,
    /// Where the brainstem that is being looked for was shown.
    pub(super) asked: Option<(VisitId, DVec3)>,
}

/// What the trained graders said of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// The revision of the outlines.
    pub revision: u64,
    /// What each of them said, and all together.
    pub said: KoosGraders,
    /// Which they are.
    pub model: ModelInfo,
}

/// One piece of work.
#[derive(Debug, Clone)]
pub enum KoosWork {
    /// Asks the trained graders that come with Schwann about outlines that the rule has assessed.
    Grade(Target, Arc<LabelMap>, Box<KoosAssessment>),
}

impl KoosWork {
    /// In words, for the progress bar.
    pub(super) fn name(&self) -> String {
        let Self::Grade(target, ..) = self;
        format!("Grading {}", target.title)
    }

    /// The visit.
    pub(super) fn visit(&self) -> VisitId {
        let Self::Grade(target, ..) = self;
        target.visit
    }

    pub(super) fn run(self, observe: &mut Observe<'_>) -> Outcome {
        let Self::Grade(target, labels, assessment) = self;
        match graded(&target.volume, &labels, &assessment, observe) {
            Ok((said, model)) => {
                let revision = target.revision;
                let graded = Graded {
                    revision,
                    said,
                    model,
                };
                Outcome::Graded(target.visit, Box::new(graded))
            }
            Err(Error::Cancelled) => Outcome::Cancelled,
            Err(error) => Outcome::Failed(format!("{} was not graded: {error}", target.title)),
        }
    }
}

/// What the trained graders that come with Schwann say of outlines that the rule has assessed, and which they are.
///
/// # Errors
/// When they fail, or the observer stops it.
pub(super) fn graded(
    scan: &Volume,
    labels: &LabelMap,
    assessment: &KoosAssessment,
    observe: &mut Observe<'_>,
) -> Result<(KoosGraders, ModelInfo), Error> {
    let mut goes_on = |fraction| {
        let stage = "asking the graders";
        match observe(Progress { stage, fraction }) {
            std::ops::ControlFlow::Continue(()) => Ok(()),
            std::ops::ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    };
    goes_on(0.0)?;
    let model = KoosModel::shipped()?;
    goes_on(0.3)?;
    // Where no side is told, the voxels still have one: the network looks at the tumour's own ear.
    let mut assessment = assessment.clone();
    if assessment.evidence.side.is_none() {
        assessment.evidence.side = TumourGeometry::of(labels).and_then(|tumour| tumour.side());
    }
    let said = model.grade(KoosCase {
        scan,
        labels,
        assessment: &assessment,
        parcellation: None,
    })?;
    goes_on(1.0)?;
    Ok((said, model.info().clone()))
}

/// The edit that outlines the brainstem about a point, RAS mm; an error is in words.
pub(super) fn brainstem_edit(
    scan: &Volume,
    labels: &LabelMap,
    point: DVec3,
) -> Result<LabelEdit, String> {
    let value = (labels.table().value(Structure::Brainstem))
        .ok_or("these labels have no value for the brainstem")?;
    let found = brainstem_at(scan, point, Some(labels)).map_err(|e| e.to_string())?;
    let there = found.table().value(Structure::Brainstem);
    let voxels = (found.labels().iter().zip(labels.labels()).enumerate())
        .filter(|(_, (new, old))| Some(**new) == there && **old != value)
        .map(|(n, _)| (n, value));
    LabelEdit::new(BRAINSTEM_EDIT, labels, voxels).map_err(|e| e.to_string())
}

impl AppState {
    /// The wording of the grades that counts for a visit.
    pub fn koos_wording(&self, visit: VisitId) -> KoosWording {
        if self.school.is_case(visit) {
            self.school.wording
        } else {
            self.facts.wording()
        }
    }

    /// How a visit of a day is graded before a reader said anything of it.
    pub(super) fn koos_options(&self, visit: &VisitState) -> KoosOptions {
        KoosOptions {
            wording: self.koos_wording(visit.id),
            ..self.facts.koos_options(visit.date)
        }
    }
}

impl VisitState {
    /// What the trained graders said of the outlines and the assessment as they are now.
    pub fn graded(&self) -> Option<&Graded> {
        let outlines = self.outlines.as_ref()?;
        let graded = outlines.graded.as_ref()?;
        let rule = graded.said.graders.rule.map(<[f64; 4]>::from);
        let now = &outlines.measured.finding.koos;
        // The very numbers: they were handed to the graders.
        let bits = |p: [f64; 4]| p.map(f64::to_bits);
        let same = rule.is_none_or(|p| bits(p) == bits(now.probabilities));
        (same && graded.revision == self.revision).then_some(graded)
    }
}
