//! What can be done with a key, its usual keys, and the user's own.
use egui::{InputState, Key, KeyboardShortcut, ModifierNames, Modifiers};
use std::collections::BTreeMap;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// So many slices towards the patient's right, front or head.
    Slices(i64),
    /// To the previous (-1) or next (1) visit.
    Visit(i64),
    /// Chooses what the left button does.
    Tool(super::state::Tool),
    /// A window preset.
    Preset(super::preset::Preset),
    Invert,
    Interpolation,
    EdgeTolerance,
    AnatomicalAxes,
    Porus,
    /// To the next (1) or previous (-1) plane.
    View(i64),
    /// Opens a scan that was opened before, the last one first.
    Recent(usize),
    FillWeaker,
    FillStronger,
    ReferenceLines,
    CornerText,
    Cine,
    KeyImage,
    RemoveMark,
    BrushSize(i64),
    NextStructure,
    PreviousStructure,
    NextUnseen,
    Undo,
    Redo,
    /// Commits a grade; in the school, goes on to the next case after that.
    SchoolStep,
    /// Chooses a grade of a blind read, I to IV from 0.
    SchoolGrade(usize),
    /// Chooses how sure the reader is, from 0 on.
    SchoolSure(usize),
    Open,
    SaveOutlines,
    SaveReport,
    CloseVisit,
    Screenshot,
    CopyScreenshot,
    FullScreen,
    Escape,
    Sheet,
}

/// Slices that no scan has.
const FAR: i64 = i32::MAX as i64;
const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const COMMAND: Modifiers = Modifiers::COMMAND;
const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// An action in the sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) action: Action,
    /// Its name in the user's own list of keys; never changes.
    pub(super) id: &'static str,
    /// What it does, in words.
    pub(super) words: &'static str,
    keys: &'static [(Modifiers, Key)],
}

const fn entry(
    action: Action,
    id: &'static str,
    words: &'static str,
    keys: &'static [(Modifiers, Key)],
) -> Entry {
    Entry {
        action,
        id,
        words,
        keys,
    }
}

/// Everything, in the order of the sheet.
pub(super) const ENTRIES: &[Entry] = {
    use super::{preset::Preset, state::Tool};
    use Action as A;
    &[
        entry(
            A::Slices(1),
            "slice_up",
            "One slice to the head, front or right",
            &[(NONE, Key::ArrowUp), (NONE, Key::ArrowLeft)],
        ),
        entry(
            A::Slices(-1),
            "slice_down",
            "One slice back",
            &[(NONE, Key::ArrowDown), (NONE, Key::ArrowRight)],
        ),
        entry(
            A::Slices(10),
            "ten_up",
            "Ten slices to the head, front or right",
            &[(SHIFT, Key::ArrowUp)],
        ),
        entry(
            A::Slices(-10),
            "ten_down",
            "Ten slices back",
            &[(SHIFT, Key::ArrowDown)],
        ),
        entry(A::Slices(FAR), "first", "First slice", &[(NONE, Key::Home)]),
        entry(A::Slices(-FAR), "last", "Last slice", &[(NONE, Key::End)]),
        entry(
            A::Visit(-1),
            "previous_visit",
            "Previous visit",
            &[(NONE, Key::PageUp)],
        ),
        entry(
            A::Visit(1),
            "next_visit",
            "Next visit",
            &[(NONE, Key::PageDown)],
        ),
        entry(
            A::Tool(Tool::Scroll),
            "tool_scroll",
            "Left drag: slices",
            &[(NONE, Key::S)],
        ),
        entry(
            A::Tool(Tool::Window),
            "tool_window",
            "Left drag: window and level",
            &[(NONE, Key::W)],
        ),
        entry(
            A::Tool(Tool::Zoom),
            "tool_zoom",
            "Left drag: zoom",
            &[(NONE, Key::Z)],
        ),
        entry(
            A::Tool(Tool::Pan),
            "tool_pan",
            "Left drag: move the picture",
            &[(NONE, Key::T)],
        ),
        entry(
            A::Tool(Tool::Crosshair),
            "tool_crosshair",
            "Left drag: crosshair",
            &[(NONE, Key::J)],
        ),
        entry(
            A::Tool(Tool::Distance),
            "tool_distance",
            "Left drag: distance",
            &[(NONE, Key::D)],
        ),
        entry(
            A::Tool(Tool::Angle),
            "tool_angle",
            "Left drag: angle, one arm after the other",
            &[(NONE, Key::A)],
        ),
        entry(
            A::Tool(Tool::Brush),
            "tool_brush",
            "Left drag: paint; with Ctrl erase",
            &[(NONE, Key::B)],
        ),
        entry(
            A::Tool(Tool::Eraser),
            "tool_eraser",
            "Left drag: erase; with Ctrl paint",
            &[(NONE, Key::E)],
        ),
        entry(
            A::Tool(Tool::Polygon),
            "tool_polygon",
            "Left drag: draw an outline that is filled",
            &[(NONE, Key::L)],
        ),
        entry(
            A::Tool(Tool::Flood),
            "tool_flood",
            "Click: fill what is connected and alike",
            &[(NONE, Key::F)],
        ),
        entry(
            A::BrushSize(-1),
            "brush_smaller",
            "Smaller brush",
            &[(NONE, Key::OpenBracket)],
        ),
        entry(
            A::BrushSize(1),
            "brush_larger",
            "Larger brush",
            &[(NONE, Key::CloseBracket)],
        ),
        entry(
            A::NextStructure,
            "next_structure",
            "Paint the next structure",
            &[(NONE, Key::Q)],
        ),
        entry(
            A::PreviousStructure,
            "previous_structure",
            "Paint the structure before",
            &[(SHIFT, Key::Q)],
        ),
        entry(A::Undo, "undo", "Undo the last edit", &[(COMMAND, Key::Z)]),
        entry(
            A::Redo,
            "redo",
            "Redo it",
            &[(COMMAND, Key::Y), (COMMAND_SHIFT, Key::Z)],
        ),
        entry(
            A::NextUnseen,
            "next_unseen",
            "Next slice of the tumour that was not seen yet",
            &[(NONE, Key::N)],
        ),
        entry(
            A::RemoveMark,
            "remove_mark",
            "Remove the last distance or angle",
            &[(NONE, Key::Delete), (NONE, Key::Backspace)],
        ),
        entry(
            A::Preset(Preset::Automatic),
            "window_automatic",
            "Window: automatic",
            &[(NONE, Key::Num0)],
        ),
        entry(
            A::Preset(Preset::WholeRange),
            "window_whole",
            "Window: whole range",
            &[(NONE, Key::Num1)],
        ),
        entry(
            A::Preset(Preset::SoftTissue),
            "window_soft",
            "Window: soft tissue",
            &[(NONE, Key::Num2)],
        ),
        entry(
            A::Preset(Preset::Fluid),
            "window_fluid",
            "Window: fluid",
            &[(NONE, Key::Num3)],
        ),
        entry(
            A::Preset(Preset::HighContrast),
            "window_contrast",
            "Window: high contrast",
            &[(NONE, Key::Num4)],
        ),
        entry(
            A::Invert,
            "invert",
            "White and black exchanged",
            &[(NONE, Key::V)],
        ),
        entry(
            A::Interpolation,
            "interpolation",
            "Between voxels: linear, cubic, voxel by voxel",
            &[(NONE, Key::M)],
        ),
        entry(
            A::EdgeTolerance,
            "edge_tolerance",
            "Border of the tumour half a voxel in and out",
            &[(NONE, Key::X)],
        ),
        entry(
            A::AnatomicalAxes,
            "anatomical_axes",
            "Planes along the patient's axes, or the scan's own slices",
            &[(NONE, Key::Y)],
        ),
        entry(
            A::Porus,
            "porus",
            "Porus plane on or off",
            &[(NONE, Key::R)],
        ),
        entry(A::View(1), "next_view", "Next plane", &[(NONE, Key::F6)]),
        entry(
            A::View(-1),
            "previous_view",
            "Plane before",
            &[(SHIFT, Key::F6)],
        ),
        entry(
            A::FillWeaker,
            "fill_weaker",
            "Fill weaker",
            &[(NONE, Key::Comma)],
        ),
        entry(
            A::FillStronger,
            "fill_stronger",
            "Fill stronger",
            &[(NONE, Key::Period)],
        ),
        entry(
            A::ReferenceLines,
            "reference_lines",
            "Crosshair lines on or off",
            &[(NONE, Key::O)],
        ),
        entry(
            A::CornerText,
            "corner_text",
            "More, less or no text in the corners",
            &[(NONE, Key::I)],
        ),
        entry(
            A::Cine,
            "cine",
            "Run through the slices, and stop",
            &[(NONE, Key::C)],
        ),
        entry(
            A::KeyImage,
            "key_image",
            "Keep this slice as a key image",
            &[(NONE, Key::K)],
        ),
        entry(
            A::SchoolStep,
            "school_step",
            "Blind read: commit the grade; school: the next case",
            &[(NONE, Key::Enter), (ALT, Key::N)],
        ),
        entry(
            A::SchoolGrade(0),
            "grade_1",
            "Blind read: Koos I",
            &[(ALT, Key::Num1)],
        ),
        entry(
            A::SchoolGrade(1),
            "grade_2",
            "Blind read: Koos II",
            &[(ALT, Key::Num2)],
        ),
        entry(
            A::SchoolGrade(2),
            "grade_3",
            "Blind read: Koos III",
            &[(ALT, Key::Num3)],
        ),
        entry(
            A::SchoolGrade(3),
            "grade_4",
            "Blind read: Koos IV",
            &[(ALT, Key::Num4)],
        ),
        entry(
            A::SchoolSure(0),
            "sure_1",
            "Blind read: a guess",
            &[(ALT, Key::Num5)],
        ),
        entry(
            A::SchoolSure(1),
            "sure_2",
            "Blind read: unsure",
            &[(ALT, Key::Num6)],
        ),
        entry(
            A::SchoolSure(2),
            "sure_3",
            "Blind read: likely",
            &[(ALT, Key::Num7)],
        ),
        entry(
            A::SchoolSure(3),
            "sure_4",
            "Blind read: confident",
            &[(ALT, Key::Num8)],
        ),
        entry(
            A::SchoolSure(4),
            "sure_5",
            "Blind read: certain",
            &[(ALT, Key::Num9)],
        ),
        entry(A::Open, "open", "Open scans", &[(COMMAND, Key::O)]),
        entry(
            A::Recent(0),
            "recent_1",
            "Open the last scan again",
            &[(COMMAND, Key::Num1)],
        ),
        entry(
            A::Recent(1),
            "recent_2",
            "Open the second last scan",
            &[(COMMAND, Key::Num2)],
        ),
        entry(
            A::Recent(2),
            "recent_3",
            "Open the third last scan",
            &[(COMMAND, Key::Num3)],
        ),
        entry(
            A::Recent(3),
            "recent_4",
            "Open the fourth last scan",
            &[(COMMAND, Key::Num4)],
        ),
        entry(
            A::Recent(4),
            "recent_5",
            "Open the fifth last scan",
            &[(COMMAND, Key::Num5)],
        ),
        entry(
            A::SaveOutlines,
            "save_outlines",
            "Save the outlines",
            &[(COMMAND, Key::S)],
        ),
        entry(
            A::SaveReport,
            "save_report",
            "Save the report, to print",
            &[(NONE, Key::P), (COMMAND, Key::P)],
        ),
        entry(
            A::CloseVisit,
            "close_visit",
            "Close the shown visit",
            &[(COMMAND, Key::W)],
        ),
        entry(
            A::Screenshot,
            "screenshot",
            "Picture of the window to a file",
            &[(COMMAND, Key::E)],
        ),
        entry(
            A::CopyScreenshot,
            "copy_screenshot",
            "Picture of the window to the clipboard",
            &[(COMMAND_SHIFT, Key::E)],
        ),
        entry(
            A::FullScreen,
            "full_screen",
            "Full screen, and back",
            &[(NONE, Key::F11)],
        ),
        entry(
            A::Escape,
            "escape",
            "Stop the work; close the sheet; reset zoom and window",
            &[(NONE, Key::Escape)],
        ),
        entry(
            A::Sheet,
            "sheet",
            "This sheet",
            &[
                (NONE, Key::F1),
                (NONE, Key::Questionmark),
                (SHIFT, Key::Questionmark),
            ],
        ),
    ]
};

/// What the mouse does, which no key changes.
pub(super) const MOUSE: &[(&str, &str)] = &[
    ("Wheel", "One slice a notch"),
    ("Click", "Set the crosshair; the other planes follow"),
    ("Shift + move", "The crosshair follows the pointer"),
    (
        "Left drag",
        "The chosen tool: at first window and level, or the crosshair (neuroimaging)",
    ),
    ("Middle drag, Alt + left drag", "Move the picture"),
    ("Right drag", "Zoom at the press point"),
    ("Right click", "Menu"),
    ("Ctrl + wheel, pinch", "Zoom at the pointer"),
    ("Ctrl + left drag", "Window from the values in a box"),
    (
        "Ctrl + Shift + left drag",
        "Window and level, whatever the tool",
    ),
    ("Double click", "One plane alone, and back"),
    ("G (hold)", "Hide outlines, fill and crosshair"),
    (
        "H (hold)",
        "The visit before in the same planes, to blink between the two",
    ),
];

/// The keys of each action: the usual ones but where the user has chosen others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Keys(BTreeMap<&'static str, Vec<KeyboardShortcut>>);

impl Keys {
    /// The keys of an entry.
    pub(super) fn of(&self, entry: &Entry) -> Vec<KeyboardShortcut> {
        self.0.get(entry.id).cloned().unwrap_or_else(|| {
            let usual = entry.keys.iter();
            usual.map(|&(m, k)| KeyboardShortcut::new(m, k)).collect()
        })
    }

    /// The keys in words: `Ctrl + S`.
    pub(super) fn words(&self, entry: &Entry) -> String {
        let keys = self.of(entry);
        let words: Vec<String> = keys.into_iter().map(shortcut_words).collect();
        if words.is_empty() {
            "no key".to_owned()
        } else {
            words.join(", ")
        }
    }

    /// Gives an action this key alone; who had it loses it. Says who that was.
    pub(super) fn set(&mut self, entry: &Entry, key: KeyboardShortcut) -> Option<&'static Entry> {
        let mut lost = None;
        for other in ENTRIES.iter().filter(|e| e.id != entry.id) {
            let keys = self.of(other);
            if keys.contains(&key) {
                let left = keys.into_iter().filter(|k| *k != key).collect();
                self.0.insert(other.id, left);
                lost = Some(other);
            }
        }
        self.0.insert(entry.id, vec![key]);
        lost
    }

    /// Whether all keys are the usual ones.
    pub(super) fn are_usual(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the frame's keys: which actions they ask for, and how often. Keys of actions that have no meaning now are left to others.
    pub(super) fn pressed(
        &self,
        input: &mut InputState,
        has_meaning: impl Fn(Action) -> bool,
    ) -> Vec<(Action, usize)> {
        let mut shortcuts: Vec<(KeyboardShortcut, Action)> = ENTRIES
            .iter()
            .filter(|e| has_meaning(e.action))
            .flat_map(|e| self.of(e).into_iter().map(|s| (s, e.action)))
            .collect();
        // A key alone also answers when a modifier is held: those with most modifiers come first.
        shortcuts.sort_by_key(|(s, _)| std::cmp::Reverse(modifiers(s.modifiers)));
        let mut pressed = Vec::new();
        for (shortcut, action) in shortcuts {
            let count = input.count_and_consume_key(shortcut.modifiers, shortcut.logical_key);
            if count > 0 {
                pressed.push((action, count));
            }
        }
        pressed
    }

    /// The user's own keys as text, for the preferences.
    pub(super) fn to_text(&self) -> String {
        let line = |(id, keys): (&&str, &Vec<KeyboardShortcut>)| {
            let keys: Vec<String> = keys.iter().copied().map(stored).collect();
            format!("{id}={}\n", keys.join(" "))
        };
        self.0.iter().map(line).collect()
    }

    /// The same back; lines that mean nothing are left out.
    pub(super) fn from_text(text: &str) -> Self {
        let own = text.lines().take(2 * ENTRIES.len()).filter_map(|line| {
            let (id, keys) = line.split_once('=')?;
            let entry = ENTRIES.iter().find(|e| e.id == id)?;
            let keys: Option<Vec<_>> = keys.split_whitespace().map(restored).collect();
            Some((entry.id, keys?))
        });
        Self(own.collect())
    }
}

fn modifiers(m: Modifiers) -> usize {
    [m.alt, m.ctrl || m.command, m.shift]
        .iter()
        .filter(|on| **on)
        .count()
}

/// A shortcut in words.
pub(super) fn shortcut_words(shortcut: KeyboardShortcut) -> String {
    shortcut.format(&ModifierNames::NAMES, cfg!(target_os = "macos"))
}

/// A shortcut as one word.
fn stored(shortcut: KeyboardShortcut) -> String {
    let m = shortcut.modifiers;
    let mut text = String::new();
    for (on, name) in [
        (m.ctrl || m.command, "Ctrl+"),
        (m.alt, "Alt+"),
        (m.shift, "Shift+"),
    ] {
        text += if on { name } else { "" };
    }
    text + shortcut.logical_key.name()
}

fn restored(text: &str) -> Option<KeyboardShortcut> {
    let mut parts: Vec<&str> = text.split('+').collect();
    let key = Key::from_name(parts.pop()?)?;
    let mut m = Modifiers::NONE;
    for part in parts {
        m |= match part {
            "Ctrl" => Modifiers::COMMAND,
            "Alt" => Modifiers::ALT,
            "Shift" => Modifiers::SHIFT,
            _ => return None,
        };
    }
    Some(KeyboardShortcut::new(m, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_actions_share_a_key_or_a_name() {
        let keys = Keys::default();
        let mut seen = BTreeSet::new();
        for entry in ENTRIES {
            assert!(seen.insert(entry.id.to_owned()), "{}", entry.id);
            for key in keys.of(entry) {
                assert!(seen.insert(stored(key)), "{}", entry.id);
                assert_eq!(restored(&stored(key)), Some(key));
            }
        }
    }

    #[test]
    fn a_key_that_is_given_to_another_action_is_taken_from_the_first_and_remembered() {
        let mut keys = Keys::default();
        let of = |id| ENTRIES.iter().find(|e| e.id == id).unwrap();
        let key = KeyboardShortcut::new(Modifiers::NONE, Key::V);
        let lost = keys.set(of("cine"), key).unwrap();
        assert_eq!(lost.id, "invert");
        assert_eq!(keys.of(of("cine")), [key]);
        assert!(keys.of(of("invert")).is_empty());
        assert_eq!(keys.words(of("invert")), "no key");
        assert_eq!(Keys::from_text(&keys.to_text()), keys);
        assert!(Keys::from_text("nonsense\ncine=Nothing\ncine").are_usual());
    }

    #[test]
    fn a_shortcut_with_modifiers_is_not_the_key_alone() {
        let press = |modifiers| egui::Event::Key {
            key: Key::ArrowUp,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        };
        let mut input = InputState::default();
        input.events = vec![press(Modifiers::SHIFT), press(Modifiers::NONE)];
        let pressed = Keys::default().pressed(&mut input, |_| true);
        assert_eq!(pressed, [(Action::Slices(10), 1), (Action::Slices(1), 1)]);
    }
}
