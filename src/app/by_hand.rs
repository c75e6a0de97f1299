//! What a reader sets by hand on measured outlines: the porus plane and the ends of lines, as steps that can be undone between the edits of labels.
use crate::{
    measure::{Diameter, DiameterRule, KoosBasis, KoosOptions, TumourMeasures},
    patient::Finding,
    volume::{History, sides_are_told},
};
use glam::DVec3;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How far a reader moved a porus plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PorusShift {
    /// Along its normal towards the cerebellopontine angle, mm.
    pub offset_mm: f64,
    /// How far its normal leans towards the front, degrees.
    pub forwards_degrees: f64,
    /// How far its normal leans upwards, degrees.
    pub upwards_degrees: f64,
}

/// Plane and lines as a reader set them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ByHand {
    /// The porus plane.
    pub porus: PorusShift,
    /// The ends of each line that was pulled, RAS mm, by the name of its rule.
    lines: BTreeMap<String, [[f64; 3]; 2]>,
    /// The tumour was operated on: what is left is measured and not graded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub post_operative: bool,
    /// The point, RAS mm, from which the brainstem was outlined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brainstem_from: Option<[f64; 3]>,
}

impl ByHand {
    /// Name among results: numbers at a moved plane must come back at that plane.
    pub(super) const NAME: &str = "by_hand";
    /// The porus plane alone, as records of before have it.
    const PORUS_SHIFT: &str = "porus_shift";

    /// What a reader had set when results were measured.
    pub fn of_results(results: &Value) -> Option<Self> {
        let whole = results.get(Self::NAME);
        let whole = whole.and_then(|set| serde_json::from_value(set.clone()).ok());
        whole.or_else(|| {
            let porus = results.get(Self::PORUS_SHIFT)?.clone();
            Some(Self::default().with_porus(serde_json::from_value(porus).ok()?))
        })
    }

    /// How the tumour is graded where these are the patient's options.
    #[must_use]
    pub fn options(&self, of_patient: KoosOptions) -> KoosOptions {
        let finite = |p: &[f64; 3]| p.iter().all(|x| x.is_finite());
        KoosOptions {
            post_operative: of_patient.post_operative || self.post_operative,
            brainstem_from: self.brainstem_from.filter(finite),
            ..of_patient
        }
    }

    /// The same of a tumour that was operated on, or was not.
    #[must_use]
    pub fn with_post_operative(self, post_operative: bool) -> Self {
        Self {
            post_operative,
            ..self
        }
    }

    /// What is true of the scan whatever its outlines are.
    #[must_use]
    pub(super) fn of_the_scan(&self) -> Self {
        Self::default().with_post_operative(self.post_operative)
    }

    /// The same with another porus plane.
    #[must_use]
    pub fn with_porus(mut self, porus: PorusShift) -> Self {
        self.porus = porus;
        self
    }

    /// The same with the ends of a line, RAS mm, or with that line as it is measured. Ends that are not finite change nothing.
    #[must_use]
    pub fn with_line(mut self, which: DiameterRule, ends: Option<[DVec3; 2]>) -> Self {
        let name = which.name().to_owned();
        match ends {
            None => drop(self.lines.remove(&name)),
            Some(ends) if ends.iter().all(|e| e.is_finite()) => {
                self.lines.insert(name, ends.map(|e| e.to_array()));
            }
            Some(_) => {}
        }
        self
    }

    /// Whether a reader pulled a line.
    pub fn has_line(&self, which: DiameterRule) -> bool {
        self.lines.contains_key(which.name())
    }

    /// Puts what a tumour measures at the plane and lines that are set, and how it is graded there, in the place of what was found.
    pub fn measure(&self, basis: &KoosBasis, options: KoosOptions, finding: &mut Finding) {
        let Some(tumour) = basis.tumour() else {
            return;
        };
        let set = Some(self.porus).filter(|porus| *porus != PorusShift::default());
        let moved = set.zip(tumour.porus_plane()).zip(tumour.axes());
        let moved = moved.map(|((porus, plane), axes)| {
            plane
                .moved(porus.offset_mm)
                .tilted(axes.anterior, porus.forwards_degrees)
                .tilted(axes.superior, porus.upwards_degrees)
        });
        let mut measures = tumour.measures(moved.as_ref());
        if moved.is_some() {
            let by = self.porus;
            measures.porus_moved = [by.offset_mm, by.forwards_degrees, by.upwards_degrees];
        }
        self.put_lines(&mut measures);
        let lines = &measures.diameters;
        if let Some(size) = &mut finding.tumour {
            let (found, mm) = (tumour.size(), |d: Diameter| d.value_mm);
            size.extrameatal_diameter_mm = lines.extrameatal_max.map(mm);
            size.max_axial_diameter_mm = lines.whole_axial.map_or(found.max_axial_diameter_mm, mm);
            size.max_diameter_3d_mm = lines.max_3d.map_or(found.max_diameter_3d_mm, mm);
            size.measures = Some(measures);
        }
        let pulled = lines.extrameatal_max.filter(Diameter::is_by_hand);
        finding.koos = basis.assess_pulled(moved.as_ref(), options, pulled);
        finding.koos.tell_side(sides_are_told(&finding.warnings));
    }

    /// Puts the lines that were pulled in the place of those that were measured.
    fn put_lines(&self, measures: &mut TumourMeasures) {
        for which in DiameterRule::ALL {
            let ends = self.lines.get(which.name());
            if let Some((ends, line)) = ends.zip(measures.diameters.get_mut(which)) {
                *line = line.dragged(ends.map(DVec3::from));
            }
        }
    }
}

/// What a step set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Porus,
    Line(DiameterRule),
    PostOperative,
}

impl What {
    fn words(self) -> String {
        match self {
            Self::Porus => "porus plane moved".to_owned(),
            Self::Line(which) => format!("line moved ({})", which.name()),
            Self::PostOperative => "operated on or not".to_owned(),
        }
    }
}

/// Steps by hand. Each remembers after which edit of the labels it was made, so that undoing takes both kinds of steps back in their order.
#[derive(Debug, Default)]
pub struct HandSteps {
    /// Oldest first.
    done: Vec<Step>,
    /// The next to redo last, and the history's state for which they hold.
    undone: Vec<Step>,
    holds_for: u64,
    /// The last step goes on: a slider or an end is being pulled.
    moving: bool,
}

#[derive(Debug, Clone)]
struct Step {
    what: What,
    from: ByHand,
    to: ByHand,
    /// Position in the history of the labels.
    at: u64,
}

impl HandSteps {
    /// Steps that are kept.
    const MOST: usize = 1000;

    /// Records a step; what was undone before, of the labels too, can no longer be redone.
    pub(super) fn record(&mut self, history: &mut History, what: What, from: ByHand, to: ByHand) {
        history.forget_undone();
        self.undone.clear();
        let at = history.position();
        let last = self.done.last_mut();
        match last.filter(|last| self.moving && last.at == at && last.what == what) {
            Some(last) => last.to = to,
            None => self.done.push(Step { what, from, to, at }),
        }
        if self.done.len() > Self::MOST {
            self.done.remove(0);
        }
        self.moving = true;
    }

    /// What was pulled was let go: the next move is a step of its own.
    pub(super) fn end(&mut self) {
        self.moving = false;
    }

    /// How many steps by hand were made and not taken back.
    pub(super) fn count(&self) -> u64 {
        self.done.len() as u64
    }

    /// Takes a step back where it is the last of both kinds, and tells what held before.
    pub(super) fn undo(&mut self, history: &History) -> Option<ByHand> {
        if !self.is_next_to_undo(history) {
            return None;
        }
        self.moving = false;
        if self.holds_for != history.generation() {
            self.undone.clear();
            self.holds_for = history.generation();
        }
        let last = self.done.pop()?;
        let from = last.from.clone();
        self.undone.push(last);
        Some(from)
    }

    /// Makes a step again where it is the next of both kinds, and tells what holds then.
    pub(super) fn redo(&mut self, history: &History) -> Option<ByHand> {
        if !self.is_next_to_redo(history) {
            return None;
        }
        let next = self.undone.pop()?;
        let to = next.to.clone();
        self.done.push(next);
        Some(to)
    }

    /// What a menu says of the last step of either kind.
    pub fn undo_words(&self, history: &History) -> Option<String> {
        let last = self.done.last().filter(|_| self.is_next_to_undo(history));
        last.map_or_else(
            || history.undo_words(),
            |step| Some(format!("Undo: {}", step.what.words())),
        )
    }

    /// The same of the next step that was taken back.
    pub fn redo_words(&self, history: &History) -> Option<String> {
        let next = self.undone.last().filter(|_| self.is_next_to_redo(history));
        next.map_or_else(
            || history.redo_words(),
            |step| Some(format!("Redo: {}", step.what.words())),
        )
    }

    fn is_next_to_undo(&self, history: &History) -> bool {
        self.done.last().is_some_and(|m| m.at == history.position())
    }

    fn is_next_to_redo(&self, history: &History) -> bool {
        self.holds_for == history.generation()
            && self
                .undone
                .last()
                .is_some_and(|m| m.at == history.position())
    }
}
