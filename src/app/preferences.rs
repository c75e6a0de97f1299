//! What the user prefers on this machine. No patient data goes here.
use super::{
    action::{self, ENTRIES, Entry, Keys},
    state::Tool,
};
use egui::KeyboardShortcut;
use serde::{Deserialize, Serialize};

/// Smallest and largest size of text and controls, as a part of the usual one.
const SCALE: (f32, f32) = (0.7, 2.5);

/// Letters of a reader's name.
const LONGEST_NAME: usize = 80;

/// Which of the two schools the mouse follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mouse {
    /// Left drag begins as window and level, as on a PACS station.
    #[default]
    Radiology,
    /// Left drag begins as the crosshair, as in ITK-SNAP and `FSLeyes`.
    Neuroimaging,
}

impl Mouse {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Radiology, Self::Neuroimaging];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Radiology => "radiology",
            Self::Neuroimaging => "neuroimaging",
        }
    }

    /// What the left button does at first.
    pub fn tool(self) -> Tool {
        match self {
            Self::Radiology => Tool::Window,
            Self::Neuroimaging => Tool::Crosshair,
        }
    }
}

/// Dark or light panels; the planes stay dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// For a reading room.
    #[default]
    Dark,
    /// For a bright one.
    Light,
}

impl Theme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dark, Self::Light];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    pub(super) fn of_egui(self) -> egui::Theme {
        match self {
            Self::Dark => egui::Theme::Dark,
            Self::Light => egui::Theme::Light,
        }
    }
}

/// What turns a scan's slices into pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawing {
    /// The graphics adapter, unless it is a program on the processor: then the processor itself is faster.
    #[default]
    Automatic,
    /// The graphics adapter, whatever it is.
    Adapter,
    /// The processor, for adapters that draw wrongly.
    Processor,
}

impl Drawing {
    /// All.
    pub const ALL: [Self; 3] = [Self::Automatic, Self::Adapter, Self::Processor];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Automatic => "whichever is faster",
            Self::Adapter => "graphics adapter",
            Self::Processor => "processor",
        }
    }
}

/// What the user prefers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preferences {
    /// Which school the mouse follows.
    pub mouse: Mouse,
    /// Size of text and controls beside the usual one; 0 stands for 1.
    scale: f32,
    /// Dark or light panels.
    pub theme: Theme,
    /// What draws the slices.
    pub drawing: Drawing,
    /// Each structure's outline has a pattern of its own.
    pub patterns: bool,
    /// Outlines and grade of a visit are hidden until the reader has committed a grade.
    pub blind_reads: bool,
    /// Who reads: signs what is accepted, rejected and written into a patient's folder.
    pub reader: String,
    /// The keys.
    pub(super) keys: Keys,
}

/// A change of what the user prefers.
#[derive(Debug, Clone, PartialEq)]
pub enum PreferenceCommand {
    /// Who reads.
    Reader(String),
    /// Gives an action, by its name in the list of keys, this key.
    Key(&'static str, KeyboardShortcut),
    /// All keys as usual.
    UsualKeys,
    /// Which school the mouse follows.
    Mouse(Mouse),
    /// Size of text and controls, as a part of the usual one.
    Scale(f32),
    /// Dark or light panels.
    Theme(Theme),
    /// What draws the slices.
    Drawing(Drawing),
    /// A pattern for each structure's outline, or colours alone.
    Patterns(bool),
    /// Visits are read blind, or not.
    BlindReads(bool),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    mouse: Mouse,
    scale: f32,
    theme: Theme,
    drawing: Drawing,
    patterns: bool,
    blind_reads: bool,
    reader: String,
    keys: String,
}

impl Preferences {
    /// Size of text and controls, as a part of the usual one.
    pub fn scale(&self) -> f32 {
        if self.scale > 0.0 {
            self.scale.clamp(SCALE.0, SCALE.1)
        } else {
            1.0
        }
    }

    /// Carries out a command; says what the user must know of it.
    pub(super) fn apply(&mut self, command: PreferenceCommand) -> Option<String> {
        match command {
            PreferenceCommand::Key(id, key) => {
                let entry = entry(id)?;
                let lost = self.keys.set(entry, key)?;
                return Some(format!(
                    "{} is now: {}. It was: {}, which has {}.",
                    action::shortcut_words(key),
                    entry.words,
                    lost.words,
                    self.keys.words(lost)
                ));
            }
            PreferenceCommand::UsualKeys => self.keys = Keys::default(),
            PreferenceCommand::Mouse(mouse) => self.mouse = mouse,
            PreferenceCommand::Reader(name) => {
                self.reader = name.chars().take(LONGEST_NAME).collect();
            }
            PreferenceCommand::Theme(theme) => self.theme = theme,
            PreferenceCommand::Drawing(drawing) => self.drawing = drawing,
            PreferenceCommand::Patterns(on) => self.patterns = on,
            PreferenceCommand::BlindReads(on) => self.blind_reads = on,
            PreferenceCommand::Scale(scale) => self.scale = scale.clamp(SCALE.0, SCALE.1),
        }
        None
    }

    /// As text, to be kept.
    pub(super) fn to_text(&self) -> String {
        let stored = Stored {
            mouse: self.mouse,
            theme: self.theme,
            drawing: self.drawing,
            patterns: self.patterns,
            blind_reads: self.blind_reads,
            reader: self.reader.clone(),
            scale: self.scale(),
            keys: self.keys.to_text(),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The same back; what cannot be read is as usual.
    pub(super) fn from_text(text: &str) -> Self {
        let stored: Stored = serde_json::from_str(text).unwrap_or_default();
        let scale = if stored.scale.is_finite() {
            stored.scale
        } else {
            1.0
        };
        Self {
            mouse: stored.mouse,
            theme: stored.theme,
            drawing: stored.drawing,
            patterns: stored.patterns,
            blind_reads: stored.blind_reads,
            reader: stored.reader.chars().take(LONGEST_NAME).collect(),
            scale,
            keys: Keys::from_text(&stored.keys),
        }
    }
}

fn entry(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|e| e.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Key, Modifiers};

    #[test]
    fn preferences_come_back_and_nonsense_is_as_usual() {
        let mut preferences = Preferences::default();
        assert!((preferences.scale() - 1.0).abs() < 1e-6);
        preferences.apply(PreferenceCommand::Mouse(Mouse::Neuroimaging));
        preferences.apply(PreferenceCommand::Drawing(Drawing::Processor));
        preferences.apply(PreferenceCommand::Scale(99.0));
        let key = KeyboardShortcut::new(Modifiers::COMMAND, Key::J);
        assert_eq!(preferences.apply(PreferenceCommand::Key("cine", key)), None);
        let back = Preferences::from_text(&preferences.to_text());
        assert_eq!(back, preferences);
        assert!((back.scale() - SCALE.1).abs() < 1e-6);
        for text in ["", "{", "[]", r#"{"mouse":"cat"}"#, r#"{"scale":1e99}"#] {
            assert!(Preferences::from_text(text).keys.are_usual(), "{text}");
        }
    }

    #[test]
    fn a_key_taken_from_another_action_is_told() {
        let mut preferences = Preferences::default();
        let key = KeyboardShortcut::new(Modifiers::NONE, Key::V);
        let told = preferences
            .apply(PreferenceCommand::Key("cine", key))
            .unwrap();
        assert!(told.contains("no key"), "{told}");
    }
}
