//! The frame's keys as commands.
use super::{
    action::Action,
    apply::edit::paintable,
    command::{Command, EditCommand, ViewCommand, VisitCommand, WorkCommand},
    meaning::MeaningCommand,
    panel::Wish,
    school::SchoolCommand,
    series::SeriesCommand,
    state::{AppState, BrushOptions},
    view::{Canvas, Cell},
};
use crate::{
    measure::{KoosGrade, Plane},
    school::Confidence,
};
use egui::{Context, Key};

/// Takes the frame's keys.
pub(super) fn keys(
    ctx: &Context,
    state: &AppState,
    canvas: &Canvas,
    out: &mut Vec<Command>,
) -> Vec<Wish> {
    // A text field has the keys first, and so has the sheet while it waits for one.
    if ctx.text_edit_focused() || canvas.keys_taken {
        return Vec::new();
    }
    let held = ctx.input(|i| i.key_down(Key::G) && !i.modifiers.any());
    if held != state.view.hidden {
        out.push(Command::View(ViewCommand::HideOverlays(held)));
    }
    let held = ctx.input(|i| i.key_down(Key::H) && !i.modifiers.any());
    if held != state.view.blink {
        out.push(Command::View(ViewCommand::Blink(held)));
    }
    // An open menu is closed by Escape, before anything else is.
    let listed = egui::Popup::is_any_open(ctx);
    if listed && ctx.input(|i| i.key_pressed(Key::Escape)) {
        return Vec::new();
    }
    // Enter is a button's that was reached by Tab, and a list's that is open; then a question's that is open.
    let free = !listed && ctx.memory(egui::Memory::focused).is_none();
    if free && ctx.input(|i| i.key_pressed(Key::Enter)) {
        out.extend(answer(state).map(Command::Work));
    }
    let step = state.school_step().filter(|_| {
        free && state.meaning.is_none()
            && state.series.is_none()
            && state.dicom.leave().is_none()
            && !state.view.shortcuts
    });
    let goes = |action: Action| action != Action::SchoolStep || step.is_some();
    let pressed = ctx.input_mut(|i| state.preferences.keys.pressed(i, goes));
    let mut wishes = Vec::new();
    for (action, count) in pressed {
        act(action, count as i64, state, canvas, (out, &mut wishes));
    }
    wishes
}

/// What Enter says to the question that is on top.
fn answer(state: &AppState) -> Option<WorkCommand> {
    if state.meaning.is_some() {
        return Some(WorkCommand::Meaning(MeaningCommand::Read));
    }
    let asked = state.series.is_some() && state.dicom.leave().is_none();
    asked.then_some(WorkCommand::Series(SeriesCommand::Open))
}

/// What an action means now.
fn act(
    action: Action,
    count: i64,
    state: &AppState,
    canvas: &Canvas,
    (out, wishes): (&mut Vec<Command>, &mut Vec<Wish>),
) {
    let cell = cell(state, canvas);
    let step = 0.1 * count as f64;
    let opacity = state.view.style.fill_opacity;
    let view = match action {
        Action::Slices(slices) => cell.map(|c| ViewCommand::Scroll {
            visit: c.visit,
            plane: c.plane,
            slices: slices.saturating_mul(count),
        }),
        Action::Visit(by) => {
            return out.push(Command::Visit(VisitCommand::Move(by * count)));
        }
        Action::Tool(tool) => Some(ViewCommand::Tool(tool)),
        Action::Preset(preset) => Some(ViewCommand::Preset(preset)),
        Action::Invert => Some(ViewCommand::Invert),
        Action::Interpolation => Some(ViewCommand::Interpolation(
            state.view.style.interpolation.next(),
        )),
        Action::EdgeTolerance => Some(ViewCommand::ToggleEdgeTolerance),
        Action::AnatomicalAxes => Some(ViewCommand::ToggleAnatomicalAxes),
        Action::Porus => Some(ViewCommand::TogglePorus),
        Action::View(by) => match state.view.maximised {
            Some(plane) => Some(ViewCommand::Maximise(Some(plane_after(plane, by)))),
            None => return wishes.push(Wish::NextView(by)),
        },
        Action::Recent(n) => {
            let open = state.recent.get(n).cloned().map(WorkCommand::Open);
            return out.extend(open.map(Command::Work));
        }
        Action::FillWeaker => Some(ViewCommand::FillOpacity(opacity - step)),
        Action::FillStronger => Some(ViewCommand::FillOpacity(opacity + step)),
        Action::ReferenceLines => Some(ViewCommand::ToggleLines),
        Action::CornerText => Some(ViewCommand::NextCornerText),
        Action::Cine => match state.view.cine {
            Some((visit, plane)) => Some(ViewCommand::Cine(visit, plane)),
            None => cell.map(|c| ViewCommand::Cine(c.visit, c.plane)),
        },
        Action::KeyImage => cell.map(|c| ViewCommand::KeepImage(c.visit, c.plane)),
        Action::BrushSize(by) => {
            let brush = state.view.brush;
            let radius_mm = brush.radius_mm * 1.2_f64.powf((by * count) as f64);
            Some(ViewCommand::Brush(BrushOptions { radius_mm, ..brush }))
        }
        Action::NextStructure => next_structure(state, 1),
        Action::PreviousStructure => next_structure(state, -1),
        Action::NextUnseen => state.active.map(ViewCommand::NextUnseen),
        Action::Undo | Action::Redo => {
            let step = || match action {
                Action::Undo => EditCommand::Undo,
                _ => EditCommand::Redo,
            };
            let steps = (0..count).filter_map(|_| Some(Command::Edit(state.active?, step())));
            return out.extend(steps);
        }
        Action::SchoolStep | Action::SchoolGrade(_) | Action::SchoolSure(_) => {
            return out.extend(school(action, state).map(Command::School));
        }
        Action::RemoveMark => cell.map(|c| ViewCommand::RemoveMark(c.visit)),
        Action::Sheet => Some(ViewCommand::Shortcuts(!state.view.shortcuts)),
        Action::Escape => {
            return out.push(escape(state));
        }
        Action::CloseVisit => {
            let close = state.active.map(VisitCommand::Remove);
            return out.extend(close.map(Command::Visit));
        }
        Action::Open => return wishes.push(Wish::OpenScans),
        Action::SaveOutlines => return wishes.push(Wish::SaveLabels),
        Action::SaveReport => return wishes.push(Wish::SaveReport),
        Action::Screenshot => return wishes.push(Wish::SaveScreenshot),
        Action::CopyScreenshot => return wishes.push(Wish::CopyScreenshot),
        Action::FullScreen => return wishes.push(Wish::FullScreen),
    };
    out.extend(view.map(Command::View));
}

/// What a key means to a read that is blind, or to the school.
fn school(action: Action, state: &AppState) -> Option<SchoolCommand> {
    let blind = state.active.filter(|id| state.school.is_blind(*id));
    match action {
        Action::SchoolGrade(n) => {
            let grade = *KoosGrade::ALL.get(n)?;
            Some(SchoolCommand::Choose(blind?, grade.into()))
        }
        Action::SchoolSure(n) => Some(SchoolCommand::Confide(blind?, *Confidence::ALL.get(n)?)),
        _ => state.school_step(),
    }
}

fn plane_after(plane: Plane, by: i64) -> Plane {
    Plane::ALL[(plane as i64 + by).rem_euclid(3) as usize]
}

/// The structure so many places further that can be painted.
fn next_structure(state: &AppState, by: i64) -> Option<ViewCommand> {
    let all = paintable(state.active_visit()?);
    let brush = state.view.brush;
    let at = all.iter().position(|s| *s == brush.structure);
    let next = (at.unwrap_or(0) as i64 + by).rem_euclid(all.len().max(1) as i64);
    let structure = *all.get(next as usize)?;
    Some(ViewCommand::Brush(BrushOptions { structure, ..brush }))
}

/// What is nearest to being stopped.
fn escape(state: &AppState) -> Command {
    if let (Some(leave), None) = (state.dicom.leave(), &state.meaning) {
        return Command::Dicom(leave);
    }
    match state.view.cine {
        _ if state.meaning.is_some() => Command::Work(WorkCommand::Meaning(MeaningCommand::Leave)),
        _ if state.series.is_some() => Command::Work(WorkCommand::Series(SeriesCommand::Leave)),
        _ if state.view.shortcuts => Command::View(ViewCommand::Shortcuts(false)),
        Some((visit, plane)) => Command::View(ViewCommand::Cine(visit, plane)),
        None if state.work.running.is_some() => Command::Work(WorkCommand::Cancel),
        None => Command::View(ViewCommand::Reset),
    }
}

/// The cell that keys act on: the one the pointer was last over, or the shown visit's axial plane.
fn cell(state: &AppState, canvas: &Canvas) -> Option<Cell> {
    let shown = |cell: &Cell| state.shown().iter().any(|v| v.id == cell.visit);
    canvas.hovered.filter(shown).or_else(|| {
        Some(Cell {
            visit: state.active?,
            plane: Plane::Axial,
        })
    })
}
