//! Keys, and the sheet that lists them.
use super::{
    command::{Command, ViewCommand, VisitCommand, WorkCommand},
    panel::Wish,
    preset::Preset,
    state::AppState,
    view::{Canvas, Cell},
};
use crate::measure::Plane;
use egui::{Context, Key, Modifiers};

/// The sheet: what to press, and what it does.
pub(super) const SHEET: &[(&str, &str)] = &[
    ("Wheel", "One slice a notch"),
    ("Up, Down", "One slice; with Shift ten"),
    ("Home, End", "First, last slice"),
    ("Click", "Set the crosshair; the other planes follow"),
    ("Shift + move", "The crosshair follows the pointer"),
    (
        "Left drag",
        "Window and level: right is wider, up is brighter",
    ),
    ("Middle drag, Alt + left drag", "Move the picture"),
    ("Right drag", "Zoom at the press point"),
    ("Ctrl + wheel, pinch", "Zoom at the pointer"),
    ("Double click", "One plane alone, and back"),
    ("Page up, Page down", "Previous, next visit"),
    (
        "0 to 4",
        "Window: automatic, whole range, soft tissue, fluid, high contrast",
    ),
    ("Ctrl + left drag", "Window from the values in a box"),
    ("V", "Invert"),
    ("N", "Smooth or voxel by voxel"),
    ("G (hold)", "Hide outlines, fill and crosshair"),
    (", .", "Fill weaker, stronger"),
    ("Ctrl + O", "Open scans"),
    (
        "Esc",
        "Stop the work; close this sheet; reset zoom and window",
    ),
    ("F1", "This sheet"),
];

/// The key of each preset, in the order of [`Preset::ALL`].
const PRESET_KEYS: [Key; Preset::ALL.len()] =
    [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4];

/// Takes the frame's keys.
pub(super) fn keys(
    ctx: &Context,
    state: &AppState,
    canvas: &Canvas,
    out: &mut Vec<Command>,
) -> Vec<Wish> {
    // A text field has the keys first.
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let pressed = |modifiers: Modifiers, key| ctx.input_mut(|i| i.consume_key(modifiers, key));
    let mut view = |command| out.push(Command::View(command));
    for (step, cell) in slice_keys(ctx)
        .into_iter()
        .filter_map(|step| Some((step, cell(state, canvas)?)))
    {
        view(ViewCommand::Scroll {
            visit: cell.visit,
            plane: cell.plane,
            slices: step,
        });
    }
    for (key, preset) in PRESET_KEYS.into_iter().zip(Preset::ALL) {
        if pressed(Modifiers::NONE, key) {
            view(ViewCommand::Preset(preset));
        }
    }
    if pressed(Modifiers::NONE, Key::V) {
        view(ViewCommand::Invert);
    }
    if pressed(Modifiers::NONE, Key::N) {
        view(ViewCommand::ToggleInterpolation);
    }
    for (key, step) in [(Key::Comma, -0.1), (Key::Period, 0.1)] {
        if pressed(Modifiers::NONE, key) {
            view(ViewCommand::FillOpacity(
                state.view.style.fill_opacity + step,
            ));
        }
    }
    let held = ctx.input(|i| i.key_down(Key::G) && !i.modifiers.any());
    if held != state.view.hidden {
        view(ViewCommand::HideOverlays(held));
    }
    if pressed(Modifiers::NONE, Key::F1) || pressed(Modifiers::NONE, Key::Questionmark) {
        view(ViewCommand::Shortcuts(!state.view.shortcuts));
    }
    // An open menu is closed by it.
    if !egui::Popup::is_any_open(ctx) && pressed(Modifiers::NONE, Key::Escape) {
        if state.view.shortcuts {
            view(ViewCommand::Shortcuts(false));
        } else if state.work.running.is_some() {
            out.push(Command::Work(WorkCommand::Cancel));
        } else {
            view(ViewCommand::Reset);
        }
    }
    for (key, by) in [(Key::PageUp, -1), (Key::PageDown, 1)] {
        if pressed(Modifiers::NONE, key) {
            out.push(Command::Visit(VisitCommand::Move(by)));
        }
    }
    if pressed(Modifiers::COMMAND, Key::O) {
        return vec![Wish::OpenScans];
    }
    Vec::new()
}

/// Slices that the frame's keys ask for, towards the patient's right, front or head when positive.
fn slice_keys(ctx: &Context) -> Vec<i64> {
    let far = i64::from(i32::MAX);
    let keys = [
        (Modifiers::SHIFT, Key::ArrowUp, 10),
        (Modifiers::SHIFT, Key::ArrowDown, -10),
        (Modifiers::NONE, Key::ArrowUp, 1),
        (Modifiers::NONE, Key::ArrowDown, -1),
        (Modifiers::NONE, Key::ArrowLeft, 1),
        (Modifiers::NONE, Key::ArrowRight, -1),
        (Modifiers::NONE, Key::Home, far),
        (Modifiers::NONE, Key::End, -far),
    ];
    let mut steps = Vec::new();
    for (modifiers, key, step) in keys {
        let count = ctx.input_mut(|i| i.count_and_consume_key(modifiers, key));
        if count > 0 {
            steps.push(step * count as i64);
        }
    }
    steps
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
