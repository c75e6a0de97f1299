//! What the commands print, and where.
use crate::volume::Progress;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::Path,
    time::Instant,
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

/// Whether somebody looks at standard error, rather than a file or a program.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A time still to come, in words: `about 43 min left`.
pub(super) fn time_left(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 57.5 => ((s / 5.0).ceil() * 5.0, "s"),
        s if s < 179.5 * 60.0 => ((s / 60.0).round(), "min"),
        s => ((s / 360.0).round() / 10.0, "h"),
    };
    format!("about {number} {unit} left")
}

/// How long work will still take, from how long its part so far took.
#[derive(Debug, Default)]
struct TimeLeft {
    /// When the piece of work was first heard of, s, and how much of it was done then.
    first: Option<(f64, f64)>,
    last: f64,
}

impl TimeLeft {
    /// Nothing is told before this, s: most work is done by then, and an early estimate is wrong.
    const EARLIEST: f64 = 5.0;

    /// Seconds left after the part `fraction` (0 to 1) is done at a time, s. Work that falls back is another piece of it.
    fn after(&mut self, fraction: f64, now: f64) -> Option<f64> {
        if fraction < self.last {
            self.first = None;
        }
        self.last = fraction;
        let (began, done) = *self.first.get_or_insert((now, fraction));
        let (elapsed, part) = (now - began, fraction - done);
        (elapsed > Self::EARLIEST && part > 0.0).then(|| elapsed * (1.0 - fraction) / part)
    }
}

/// Draws a bar on a terminal, nothing in a pipe.
#[derive(Debug)]
pub(super) struct Bar {
    shown: Option<String>,
    terminal: bool,
    started: Instant,
    left: TimeLeft,
}

impl Bar {
    /// A bar that shows nothing yet.
    pub(super) fn new() -> Self {
        Self {
            shown: None,
            terminal: is_watched(),
            started: Instant::now(),
            left: TimeLeft::default(),
        }
    }

    /// Shows progress, and once it takes long the time left; never stops the work.
    pub(super) fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        let fraction = progress.fraction.clamp(0.0, 1.0);
        let now = self.started.elapsed().as_secs_f64();
        let left = self.left.after(f64::from(fraction), now);
        let percent = (fraction * 100.0) as u32;
        let full = percent as usize * 30 / 100;
        let mut line = format!(
            "[{}{}] {percent:3} % {}",
            "█".repeat(full),
            " ".repeat(30 - full),
            progress.stage
        );
        if let Some(seconds) = left {
            line += &format!(", {}", time_left(seconds));
        }
        if self.terminal && self.shown.as_ref() != Some(&line) {
            to_stderr(&format!("\r\x1b[K{line}"));
            self.shown = Some(line);
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

/// Ending of DICOM objects.
pub(super) const DICOM: &[&str] = &[".dcm"];

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

/// Refuses two outputs of one name, of which the later would replace the earlier.
pub(super) fn check_distinct(targets: &[&Path]) -> anyhow::Result<()> {
    // A file that is not there yet has its folder's place.
    let place = |p: &Path| {
        let folder = p.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
        p.canonicalize()
            .ok()
            .or_else(|| Some(folder?.join(p.file_name()?)))
    };
    for (n, target) in targets.iter().enumerate() {
        if targets[..n].iter().any(|t| place(t) == place(target)) {
            anyhow::bail!(
                "two outputs have one name; choose another for one of them: {}",
                target.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_outputs_of_one_name_are_refused_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let [one, same, other] =
            ["a.nii.gz", "in/../a.nii.gz", "b.nii.gz"].map(|n| folder.path().join(n));
        assert!(check_distinct(&[&one, &other]).is_ok());
        assert!(check_distinct(&[&one, &other, &same]).is_err());
        std::fs::write(&one, "").unwrap();
        assert!(check_distinct(&[&one, &same]).is_err());
    }

    #[test]
    fn the_time_left_follows_the_pace_of_the_piece_of_work() {
        let mut left = TimeLeft::default();
        assert_eq!(left.after(0.0, 0.0), None);
        assert_eq!(left.after(0.1, 4.0), None);
        assert_eq!(left.after(0.2, 10.0), Some(40.0));
        // A resumed training begins in the middle, and the next piece of work begins anew.
        assert_eq!(left.after(0.0, 20.0), None);
        let mut resumed = TimeLeft::default();
        assert_eq!(resumed.after(0.5, 100.0), None);
        assert_eq!(resumed.after(0.75, 110.0), Some(10.0));
        assert_eq!(resumed.after(1.0, 120.0), Some(0.0));
    }

    #[test]
    fn times_are_told_in_fitting_units() {
        for (seconds, words) in [
            (0.0, "about 0 s left"),
            (12.0, "about 15 s left"),
            (59.0, "about 1 min left"),
            (2580.0, "about 43 min left"),
            (7200.0, "about 120 min left"),
            (12_600.0, "about 3.5 h left"),
        ] {
            assert_eq!(time_left(seconds), words);
        }
    }
}
