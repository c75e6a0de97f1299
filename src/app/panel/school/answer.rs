//! The question: which grade, and how sure.
use crate::{
    app::{
        command::Command,
        panel::capitalised,
        preferences::PreferenceCommand,
        school::{Reading, SchoolCommand},
        state::{AppState, VisitId},
    },
    measure::KoosGrade,
    school::{Answer, Confidence},
};
use egui::{Button, RichText, TextEdit, Ui, Vec2};

/// Grade, confidence, and the button that makes them stand.
pub(in crate::app::panel) fn answer_ui(
    ui: &mut Ui,
    state: &AppState,
    visit: VisitId,
    reading: &Reading,
    out: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    for (n, grade) in KoosGrade::ALL.into_iter().enumerate() {
        let on = reading.grade == Some(grade);
        let text = format!("{grade}   {}", grade.meaning());
        let button = Button::selectable(on, text).min_size(Vec2::new(ui.available_width(), 24.0));
        let response = ui
            .add(button.wrap())
            .on_hover_text(format!("Alt + {}", n + 1));
        response.widget_info(|| selected(on, format!("Grade {grade}")));
        if response.clicked() {
            out.push(Command::School(SchoolCommand::Choose(visit, grade)));
        }
    }
    ui.add_space(6.0);
    ui.label("How sure are you that it is right?");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (n, step) in Confidence::ALL.into_iter().enumerate() {
            let on = reading.confidence == Some(step);
            let text = format!("{} {} %", step.name(), step.percent());
            let response = ui
                .add(Button::selectable(on, text))
                .on_hover_text(format!("Alt + {}", n + 5));
            response.widget_info(|| selected(on, format!("Confidence: {}", step.name())));
            if response.clicked() {
                out.push(Command::School(SchoolCommand::Confide(visit, step)));
            }
        }
    });
    ui.add_space(6.0);
    let named = !state.preferences.reader.trim().is_empty();
    let commit = ui.add_enabled(
        reading.is_complete() && named,
        Button::new("Commit (Enter)"),
    );
    let hint = if reading.is_complete() {
        "It stands then, and everything is shown; your name signs it"
    } else {
        "Choose a grade and how sure you are"
    };
    if commit
        .on_hover_text(hint)
        .on_disabled_hover_text(hint)
        .clicked()
    {
        out.push(Command::School(SchoolCommand::Commit(visit)));
    }
}

fn selected(on: bool, text: String) -> egui::WidgetInfo {
    egui::WidgetInfo::selected(egui::Role::Button, true, on, text)
}

/// Who signs.
pub(in crate::app::panel) fn name_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    let mut reader = state.preferences.reader.clone();
    ui.horizontal(|ui| {
        let label = ui.label("Your name");
        let field = TextEdit::singleline(&mut reader).desired_width(130.0);
        if ui.add(field).labelled_by(label.id).changed() {
            out.push(Command::Prefer(PreferenceCommand::Reader(reader)));
        }
    });
}

/// What was committed before the outlines were shown.
pub(in crate::app::panel) fn committed_ui(ui: &mut Ui, answer: &Answer) {
    let text = format!(
        "You committed {}, before the outlines were shown",
        said(answer)
    );
    ui.label(RichText::new(text).weak());
}

/// `Koos III, likely (70 %)`.
pub(super) fn said(answer: &Answer) -> String {
    let step = Confidence::ALL
        .into_iter()
        .find(|c| c.percent() == answer.confidence_percent);
    let word = step.map_or_else(String::new, |c| format!("{} ", c.name()));
    format!(
        "Koos {}, {word}({} %)",
        answer.grade, answer.confidence_percent
    )
}

/// A time in words.
pub(super) fn time_words(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.1} min", seconds / 60.0)
    }
}

/// `Yes`, `No` or `Not measured`.
pub(super) fn met_words(met: Option<bool>) -> String {
    capitalised(match met {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not measured",
    })
}
