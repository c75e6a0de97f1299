//! What is shown after the answer: the truth, what decides it, and what others say.
use super::answer::{met_words, said, time_words};
use crate::{
    app::{
        command::Command,
        panel::{capitalised, caution, error, good, koos::graders_ui as trained_ui},
        school::{CaseState, Deciding, Revealed, SchoolCommand},
        state::AppState,
    },
    measure::{CriterionMeasure, KoosAssessment, KoosEvidence, KoosWording, koos_criteria},
    school::{Difficulty, Reply},
};
use egui::{Button, RichText, Ui};

/// Truth, deciding slices, checklist and graders.
pub(super) fn reveal_ui(
    ui: &mut Ui,
    state: &AppState,
    case: &CaseState,
    revealed: &Revealed<'_>,
    out: &mut Vec<Command>,
) {
    let answer = revealed.answer;
    let right = answer.is_right() == Some(true);
    let verdict = if right {
        format!("Right: {}", revealed.truth.words())
    } else {
        let said = match answer.grade {
            Reply::NoTumour => "no tumour".to_owned(),
            grade @ Reply::Koos(_) => grade.to_string(),
        };
        let text = format!("{}, not {said}", revealed.truth.words());
        capitalised(&text)
    };
    let colour = if right { good(ui) } else { error(ui) };
    ui.label(RichText::new(verdict).size(20.0).strong().color(colour));
    ui.label(format!(
        "You said {}, after {}",
        said(answer),
        time_words(answer.seconds)
    ));
    if let Some(difficulty) = answer.difficulty {
        let text = format!("This case is {difficulty}: {}", difficulty.meaning());
        let text = RichText::new(text);
        ui.label(if difficulty == Difficulty::Borderline {
            text.color(caution(ui))
        } else {
            text.weak()
        });
    }
    let koos = state
        .visit(case.visit)
        .and_then(|v| Some(&v.outlines.as_ref()?.measured.finding.koos));
    ui.add_space(6.0);
    if koos.is_some() {
        ui.label(RichText::new("The slices that decide").strong());
        ui.horizontal_wrapped(|ui| {
            for deciding in Deciding::ALL {
                let there = place_is_known(koos, deciding);
                let button = ui.add_enabled(there, Button::new(deciding.name()));
                if button.on_hover_text("All planes go there").clicked() {
                    out.push(Command::School(SchoolCommand::Show(case.visit, deciding)));
                }
            }
        });
        ui.add_space(6.0);
    }
    if revealed.truth == Reply::NoTumour {
        ui.label("There is nothing to grade: this patient has no vestibular schwannoma.");
    } else {
        let wording = state.koos_wording(case.visit);
        checklist_ui(ui, koos.map(|k| &k.evidence), wording, revealed);
    }
    ui.add_space(6.0);
    graders_ui(ui, koos, revealed);
}

fn place_is_known(koos: Option<&KoosAssessment>, deciding: Deciding) -> bool {
    let Some(evidence) = koos.map(|k| &k.evidence) else {
        return false;
    };
    match deciding {
        Deciding::Brainstem => evidence.nearest_points_ras_mm.is_some(),
        Deciding::Extent => evidence.extrameatal_diameter_mm.is_some(),
        Deciding::Porus => evidence.porus_plane.is_some(),
    }
}

/// The questions of the grade with what was measured, the rule's thresholds and, of a synthetic patient, what is exactly true.
fn checklist_ui(
    ui: &mut Ui,
    measured: Option<&KoosEvidence>,
    wording: KoosWording,
    revealed: &Revealed<'_>,
) {
    ui.label(RichText::new("What makes the grade").strong())
        .on_hover_text(format!("In the {wording} wording"));
    let criteria = |e: &KoosEvidence| koos_criteria(e, wording);
    let exact = revealed.exact.map(|e| criteria(&e.evidence()));
    let measured = measured.map(criteria);
    let Some(questions) = exact.as_ref().or(measured.as_ref()) else {
        ui.label(
            RichText::new("There are no outlines beside this scan: nothing is measured").weak(),
        );
        return;
    };
    for (n, question) in questions.iter().enumerate() {
        let colour = match question.met {
            Some(true) => good(ui),
            Some(false) => ui.visuals().weak_text_color(),
            None => caution(ui),
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new(met_words(question.met))
                    .strong()
                    .color(colour),
            );
            ui.label(question.question);
        });
        for (m, measure) in question.measures.iter().enumerate() {
            let on_outlines = measured
                .as_ref()
                .and_then(|c| c.get(n)?.measures.get(m)?.value);
            let both = exact.is_some() && measured.is_some();
            ui.label(measure_words(measure, (both, on_outlines)));
        }
        let on_outlines = measured.as_ref().and_then(|c| c.get(n)?.note.as_ref());
        if let Some(note) = question.note.as_ref().or(on_outlines) {
            ui.label(RichText::new(format!("    {note}")).color(caution(ui)));
        }
    }
    let text = if exact.is_some() {
        "First what is exactly true of the synthetic patient, then what the rule measures on its outlines. The thresholds are proposals that have not been calibrated on patients."
    } else {
        "Measured on the outlines beside the scan. The thresholds are proposals that have not been calibrated on patients."
    };
    ui.label(RichText::new(text).small().weak());
}

/// What each of them says.
fn graders_ui(ui: &mut Ui, koos: Option<&KoosAssessment>, revealed: &Revealed<'_>) {
    ui.label(RichText::new("What others say").strong());
    let on_truth = koos.map(|k| ("The rule on the true outlines", k));
    let models = revealed
        .models
        .iter()
        .map(|g| (g.name.as_str(), &g.assessment));
    for (name, assessment) in on_truth.into_iter().chain(models) {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(name).weak());
            ui.label(grade_words(assessment));
        });
    }
    if let Some((said, model)) = revealed.graded.filter(|(said, _)| said.combined.is_some()) {
        egui::CollapsingHeader::new("The trained graders on the true outlines")
            .default_open(true)
            .show(ui, |ui| {
                let wording = koos.map_or("", |k| k.wording);
                if wording != KoosWording::Topographic.name() {
                    let text = "They know the topographic wording alone, and are shown beside the rule in it.";
                    ui.label(RichText::new(text).small().color(caution(ui)));
                }
                trained_ui(ui, said, model);
            });
    }
}

/// A measure with what was measured of it on the outlines beside what is exactly true, and from where on the answer is yes.
fn measure_words(measure: &CriterionMeasure, (both, on_outlines): (bool, Option<f64>)) -> String {
    let value = |v: Option<f64>| {
        v.map_or_else(
            || "not measured".to_owned(),
            |v| format!("{v:.1} {}", measure.unit),
        )
    };
    let mut text = format!("    {}: {}", measure.name, value(measure.value));
    if both {
        text += &format!(" (measured: {})", value(on_outlines));
    }
    if let Some(threshold) = measure.threshold {
        text += &format!("; yes from {threshold:.1} {}", measure.unit);
    }
    text
}

/// `Koos III (92 %)`, or why there is none.
fn grade_words(assessment: &KoosAssessment) -> String {
    let Some(grade) = assessment.grade else {
        return format!("no grade: {}", assessment.grade_text());
    };
    let probability = assessment.probabilities.get(grade as usize).copied();
    let mut text = format!(
        "Koos {grade} ({:.0} %)",
        100.0 * probability.unwrap_or_default()
    );
    if let Some(borderline) = assessment
        .warnings
        .iter()
        .find(|w| w.starts_with("borderline"))
    {
        text += &format!(", {borderline}");
    }
    text
}
