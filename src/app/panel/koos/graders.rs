//! What the trained graders say of a tumour, each with the probability of every grade.
use super::bars_ui;
use crate::{
    app::{
        command::{Command, WorkCommand},
        koos::KoosCommand,
        panel::{capitalised, caution},
        state::{AppState, VisitState},
        task::Task,
    },
    measure::{KoosAssessment, KoosWording, ordinal_decision},
    patient::ModelInfo,
    predict::KoosGraders,
};
use egui::{Button, RichText, Ui};

/// The graders of a visit, or the button that asks them.
pub(super) fn visit_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, koos): (&VisitState, &KoosAssessment),
    out: &mut Vec<Command>,
) {
    if let Some(graded) = visit.graded() {
        if state.koos_wording(visit.id) != KoosWording::Topographic {
            // The rule beside them follows the chosen one: where they differ, that may be all that differs.
            let text = "Forest and network learned the topographic wording alone";
            ui.label(RichText::new(text).small().color(caution(ui)));
        }
        graders_ui(ui, &graded.said, &graded.model);
        return;
    }
    let waits = |task: &Task| matches!(task, Task::Koos(work) if work.visit() == visit.id);
    let waiting = state.work.queue.iter().any(waits);
    let running = (state.work.running.as_ref()).is_some_and(|r| r.name.starts_with("Grading"));
    if waiting || running {
        ui.horizontal(|ui| {
            ui.add(egui::Spinner::new().size(14.0));
            ui.label("Asking the graders…");
            if ui.small_button("Stop").clicked() {
                out.push(Command::Work(WorkCommand::Cancel));
            }
        });
        return;
    }
    let ready = koos.grade.is_some();
    let button = ui.add_enabled(ready, Button::new("Ask the trained graders"));
    let hint = "A random forest on the measures and a network on the region about the porus, which come with Schwann, and their combination with the rule. Trained on synthetic scans";
    if button
        .on_hover_text(hint)
        .on_disabled_hover_text("Where the rule withholds a grade, none of them speaks")
        .clicked()
    {
        out.push(Command::Koos(KoosCommand::Grade(visit.id)));
    }
}

/// What each of them says, and all together.
pub(in crate::app::panel) fn graders_ui(ui: &mut Ui, said: &KoosGraders, model: &ModelInfo) {
    let Some(combined) = &said.combined else {
        ui.label(RichText::new("None of them speaks: the rule withholds a grade").weak());
        return;
    };
    let text = format!("Together: Koos {}", combined.grade);
    ui.label(RichText::new(text).strong());
    if let Some(borderline) = &combined.borderline {
        ui.label(RichText::new(capitalised(borderline)).color(caution(ui)));
    }
    bars_ui(ui, "together", combined.probabilities.into());
    let graders = &said.graders;
    for (name, probabilities) in [
        ("rule", graders.rule),
        ("forest", graders.forest),
        ("network", graders.network),
    ] {
        let Some(p) = probabilities.map(<[f64; 4]>::from) else {
            let text = format!("The {name} cannot tell");
            ui.label(RichText::new(text).weak());
            continue;
        };
        let grade = ordinal_decision(&p);
        let differs = grade != combined.grade;
        let text = RichText::new(format!("The {name} says {grade}"));
        ui.label(if differs {
            text.color(caution(ui))
        } else {
            text
        });
        bars_ui(ui, name, p);
    }
    let text = format!("{model}; trained on synthetic scans, not checked on patients");
    ui.label(RichText::new(text).small().weak());
}
