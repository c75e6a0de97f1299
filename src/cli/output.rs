//! What the commands print, and where.
use crate::volume::Progress;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::Path,
};

/// Prints a result: JSON with `--json`, else for people. A closed pipe is not an error.
pub(super) fn result(
    json: bool,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    let mut line = if json {
        serde_json::to_string_pretty(value)?
    } else {
        text()
    };
    line.push('\n');
    match std::io::stdout().lock().write_all(line.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// One line on standard error: the error and those of its causes that it does not tell itself.
pub(super) fn error(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    to_stderr(&format!("error: {}\n", text.replace('\n', " ")));
}

/// One line a warning on standard error.
pub(super) fn warnings(warnings: &[impl Display]) {
    for warning in warnings {
        to_stderr(&format!("warning: {warning}\n"));
    }
}

/// A line about what is going on, on standard error.
pub(super) fn note(text: &str) {
    to_stderr(&format!("{text}\n"));
}

/// Nothing can be done about a standard error that is closed.
fn to_stderr(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

/// Draws a bar on a terminal, nothing in a pipe.
#[derive(Debug)]
pub(super) struct Bar {
    shown: Option<(&'static str, u32)>,
    terminal: bool,
}

impl Bar {
    /// A bar that shows nothing yet.
    pub(super) fn new() -> Self {
        Self {
            shown: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Shows progress; never stops the work.
    pub(super) fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        let percent = (progress.fraction.clamp(0.0, 1.0) * 100.0) as u32;
        if self.terminal && self.shown != Some((progress.stage, percent)) {
            self.shown = Some((progress.stage, percent));
            let full = percent as usize * 30 / 100;
            to_stderr(&format!(
                "\r\x1b[K[{}{}] {percent:3} % {}",
                "█".repeat(full),
                " ".repeat(30 - full),
                progress.stage
            ));
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown.is_some() {
            to_stderr("\r\x1b[K");
        }
    }
}

/// Endings of scans and label maps.
pub(super) const SCAN: &[&str] = &[".nii", ".nii.gz"];

/// Refuses, before the work is done, a target that could not be written after it or that would replace an input.
pub(super) fn check_target(path: &Path, endings: &[&str], inputs: &[&Path]) -> anyhow::Result<()> {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if !endings
        .iter()
        .any(|end| name.ends_with(end) && name.len() > end.len())
    {
        anyhow::bail!(
            "the output's name must end in {}: {}",
            endings.join(" or "),
            path.display()
        );
    }
    let folder = path
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        anyhow::bail!("the output's folder does not exist: {}", folder.display());
    }
    if path.exists() && !path.is_file() {
        anyhow::bail!(
            "the output would replace something that is not a plain file: {}",
            path.display()
        );
    }
    let place = |p: &Path| p.canonicalize().ok();
    if place(path).is_some_and(|target| inputs.iter().any(|i| place(i).as_ref() == Some(&target))) {
        anyhow::bail!(
            "the output would replace an input; choose another name: {}",
            path.display()
        );
    }
    Ok(())
}
