//! What outlines were before others took their place: undoing brings back with the labels who drew them and what a reader set on them.
use super::{by_hand::ByHand, state::Outlines};
use crate::{
    io::Making,
    patient::{ModelInfo, Review, ReviewState},
    volume::LabelEdit,
};

/// Name of the step that puts outlines in the place of others.
pub(super) const NEW_OUTLINES: &str = "new outlines";

/// What belongs to outlines besides their labels and what is measured on them.
#[derive(Debug)]
pub(super) struct Origin {
    state: ReviewState,
    model: Option<ModelInfo>,
    device: Option<String>,
    making: Making,
    warnings: Vec<String>,
    seconds: Option<f64>,
    tumour_interval95_mm3: Option<[f64; 2]>,
    by_hand: ByHand,
    drawn: Option<ReviewState>,
    reviewed: Option<Review>,
}

impl Origin {
    pub(super) fn of(outlines: &Outlines) -> Self {
        let provenance = &outlines.measured.finding.provenance;
        Self {
            state: provenance.state,
            model: provenance.model.clone(),
            device: provenance.device.clone(),
            making: outlines.making,
            warnings: outlines.warnings.clone(),
            seconds: outlines.seconds,
            tumour_interval95_mm3: outlines.tumour_interval95_mm3,
            by_hand: outlines.by_hand.clone(),
            drawn: outlines.edits.drawn,
            reviewed: outlines.edits.reviewed.clone(),
        }
    }

    fn put(self, outlines: &mut Outlines) {
        let provenance = &mut outlines.measured.finding.provenance;
        provenance.state = self.state;
        provenance.model = self.model;
        provenance.device = self.device;
        outlines.making = self.making;
        outlines.warnings = self.warnings;
        outlines.seconds = self.seconds;
        outlines.tumour_interval95_mm3 = self.tumour_interval95_mm3;
        outlines.by_hand = self.by_hand;
        outlines.edits.drawn = self.drawn;
        outlines.edits.reviewed = self.reviewed;
    }
}

/// The replacements among the steps of a history: how many steps lie behind each, and what is on its other side.
#[derive(Debug, Default)]
pub(super) struct Replaced(Vec<(u64, Origin)>);

impl Replaced {
    /// Outlines are replaced by the step after so many others.
    pub(super) fn record(&mut self, behind: u64, before: Origin) {
        // What was undone and is not made again is no step any more.
        self.0.retain(|(at, _)| *at < behind);
        self.0.push((behind, before));
    }
}

/// What outlines are just before a replacement is taken back or made again; nothing where the step is none.
pub(super) fn before(outlines: Option<&Outlines>, step: &LabelEdit) -> Option<Origin> {
    outlines
        .filter(|_| step.name() == NEW_OUTLINES)
        .map(Origin::of)
}

/// Gives outlines what they were on the side of a replacement that their labels are on now: behind it where it was made (`sign` 1), before it where it was
/// taken back (-1). `was` is what they were on the other side, for the way back.
pub(super) fn exchange(outlines: &mut Outlines, sign: i64, was: Origin) {
    let position = outlines.edits.history.position();
    let behind = if sign > 0 {
        position.saturating_sub(1)
    } else {
        position
    };
    let steps = &mut outlines.edits.replaced.0;
    let there = steps.iter_mut().find(|(at, _)| *at == behind);
    let there = there.map(|(_, other)| std::mem::replace(other, was));
    if let Some(there) = there {
        there.put(outlines);
    }
}
