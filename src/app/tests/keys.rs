//! Keys, without a window.
use super::{ended, scan};
use crate::{
    app::{
        AnonymiseCommand, AppState, Command, DicomCommand, Meaning, MeaningCommand, SchoolCommand,
        SeriesChoice, SeriesCommand, VisitId, WorkCommand, apply,
        keys::keys,
        view::{Canvas, Gpu, Wheel},
    },
    measure::KoosGrade,
    school::Confidence,
};
use egui::{Context, Event, Id, Key, Modifiers, Popup, RawInput};
use std::path::PathBuf;

/// What Enter means in the next frame.
fn entered(ctx: &Context, state: &AppState) -> Vec<Command> {
    let canvas = Canvas::new(Gpu::new(None), Wheel::new(1.0));
    let enter = Event::Key {
        key: Key::Enter,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let input = RawInput {
        events: vec![enter],
        ..RawInput::default()
    };
    let mut out = Vec::new();
    let frame = ctx.run_ui(input, |ui| drop(keys(ui.ctx(), state, &canvas, &mut out)));
    frame.drop_without_applying_deltas();
    out
}

fn list_of_series() -> SeriesChoice {
    SeriesChoice {
        number: 1,
        path: PathBuf::new(),
        rows: Vec::new(),
        objects: Vec::new(),
        left_out: Vec::new(),
    }
}

#[test]
fn enter_answers_a_question_unless_it_is_a_buttons_or_a_lists() {
    let outlines = AppState {
        meaning: Some(Meaning::new(VisitId(0), PathBuf::new(), Vec::new())),
        ..AppState::default()
    };
    let series = AppState {
        series: Some(list_of_series()),
        ..AppState::default()
    };
    for state in [&outlines, &series] {
        let ctx = Context::default();
        let free = entered(&ctx, state);
        let read = matches!(
            free[..],
            [Command::Work(
                WorkCommand::Meaning(MeaningCommand::Read)
                    | WorkCommand::Series(SeriesCommand::Open)
            )]
        );
        assert!(read, "{free:?}");
        ctx.memory_mut(|memory| memory.request_focus(Id::unique("leave the file alone")));
        assert!(entered(&ctx, state).is_empty(), "a button was reached");
        let ctx = Context::default();
        Popup::open_id(&ctx, Id::unique("meanings"));
        assert!(entered(&ctx, state).is_empty(), "a list is open");
    }
}

#[test]
fn enter_commits_no_grade_below_a_list_of_series_or_a_dialog() {
    let mut state = AppState::default();
    state.preferences.reader = "R. Eader".to_owned();
    apply(&mut state, Command::School(SchoolCommand::Blind(true)));
    ended(&mut state, scan(None));
    let id = state.active.unwrap();
    for command in [
        SchoolCommand::Choose(id, KoosGrade::II.into()),
        SchoolCommand::Confide(id, Confidence::Likely),
    ] {
        apply(&mut state, Command::School(command));
    }
    let commits = |state: &AppState| {
        let commands = entered(&Context::default(), state);
        let commit = |c: &Command| matches!(c, Command::School(SchoolCommand::Commit(_)));
        commands.iter().any(commit)
    };
    assert!(commits(&state));
    state.series = Some(list_of_series());
    assert!(!commits(&state));
    state.series = None;
    let dialog = DicomCommand::Anonymise(AnonymiseCommand::Begin);
    apply(&mut state, Command::Dicom(dialog));
    assert!(!commits(&state));
}
