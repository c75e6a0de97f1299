//! A grade with its probabilities and reasons.
use super::{
    Borderline, HannoverClass, KoosEvidence, KoosGrade, KoosSubgrade, KoosWording, TokyoClass,
};
use crate::{measure::tumour_untold, volume::LabelMap};
use serde::{Serialize, Serializer};

/// A grade, how sure it is, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KoosAssessment {
    /// Whether there is a tumour, or may be one that cannot be told ([`KoosAssessment::withhold_untold`]).
    pub tumour: bool,
    /// The grade; `None` without a tumour and where the labels do not allow one.
    pub grade: Option<KoosGrade>,
    /// Probability of I, II, III, IV; zeros without a grade.
    pub probabilities: [f64; 4],
    /// The rule set.
    pub wording: &'static str,
    /// Which of two grades it is remains open; absent where one is sure.
    pub borderline: Option<Borderline>,
    /// Why a tumour that is there has no grade.
    pub withheld: Option<String>,
    /// The tumour was operated on: what is measured is what was left.
    pub post_operative: bool,
    /// The scan cuts the tumour: the grade is a lower limit.
    pub at_least: bool,
    /// Grade II by size.
    pub subgrade: Option<KoosSubgrade>,
    /// Hannover class; absent where the labels do not tell it.
    pub hannover: Option<HannoverClass>,
    /// Tokyo size class; absent without a porus plane.
    pub tokyo: Option<TokyoClass>,
    /// The measures.
    pub evidence: KoosEvidence,
    /// What to beware of.
    pub warnings: Vec<String>,
}

impl KoosAssessment {
    /// The grade in words: `III`, `none` without a tumour, `withheld` where the labels do not allow one.
    pub fn grade_text(&self) -> String {
        match (self.tumour, self.grade) {
            (false, _) => "none".to_owned(),
            (true, Some(grade)) => grade.to_string(),
            (true, None) => "withheld".to_owned(),
        }
    }

    /// What the grade says in its wording; `None` without a grade.
    pub fn meaning(&self) -> Option<&'static str> {
        let wording = KoosWording::of_name(self.wording).unwrap_or_default();
        self.grade.map(|grade| wording.meaning(grade))
    }

    /// Leaves the tumour without a grade, for a reason.
    pub(super) fn withhold(&mut self, reason: &str) {
        self.warnings
            .push(format!("the grade is withheld: {reason}"));
        self.withheld = Some(reason.to_owned());
    }

    /// Leaves what a model drew without a grade where it holds no tumour and does not say that there is none ([`tumour_untold`]), as `none` would. Whoever grades a
    /// model's outlines calls it.
    pub fn withhold_untold(&mut self, labels: &LabelMap) {
        if self.tumour {
            return;
        }
        if let Some(reason) = tumour_untold(labels) {
            // That there may be one tells a grade that is withheld from none.
            self.tumour = true;
            self.withhold(&reason);
        }
    }

    /// Names no side of a scan whose file does not tell left from right. Whoever tells an assessment calls it, after what needs the side of the voxels.
    pub fn tell_side(&mut self, sides_are_told: bool) {
        self.evidence.side = self.evidence.side.filter(|_| sides_are_told);
    }
}

impl Serialize for KoosAssessment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        #[derive(Serialize)]
        #[expect(non_snake_case, reason = "the grades' own names")]
        struct Probabilities {
            I: f64,
            II: f64,
            III: f64,
            IV: f64,
        }
        let [i, ii, iii, iv] = self.probabilities;
        let mut s = serializer.serialize_struct("koos", 12)?;
        // `null` where a tumour is there and its grade is withheld; `withheld` and the warnings say why.
        let grade = if self.tumour {
            self.grade.map(|g| g.to_string())
        } else {
            Some("none".to_owned())
        };
        s.serialize_field("grade", &grade)?;
        let probabilities = Probabilities {
            I: i,
            II: ii,
            III: iii,
            IV: iv,
        };
        s.serialize_field("probabilities", &probabilities)?;
        s.serialize_field("wording", self.wording)?;
        s.serialize_field("borderline", &self.borderline)?;
        s.serialize_field("withheld", &self.withheld)?;
        s.serialize_field("post_operative", &self.post_operative)?;
        s.serialize_field("at_least", &self.at_least)?;
        s.serialize_field("subgrade", &self.subgrade)?;
        s.serialize_field("hannover", &self.hannover)?;
        s.serialize_field("tokyo", &self.tokyo)?;
        s.serialize_field("evidence", &self.evidence)?;
        s.serialize_field("warnings", &self.warnings)?;
        s.end()
    }
}
