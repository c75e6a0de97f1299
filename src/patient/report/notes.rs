//! Warnings, and where everything comes from.
use super::{
    super::GrowthAssessment,
    Layout, ReportInput,
    canvas::{Align, Canvas, INK, MARGIN, MUTED, WIDTH, bold, regular},
};

/// Most warnings on the page; each takes at most two lines.
const WARNINGS: usize = 4;
/// Most models whose hash is printed.
const MODELS: usize = 3;
/// Where the text of a line with a name begins, points from the margin.
const INDENT: f32 = 62.0;

/// The warnings; gives the `y` below.
pub(super) fn warnings(
    canvas: &mut Canvas,
    y: f32,
    assessment: &GrowthAssessment,
    layout: &Layout,
) -> f32 {
    let all = &assessment.warnings;
    if all.is_empty() {
        return y;
    }
    let mut y = canvas.title([MARGIN, y], "Warnings");
    let shown = if all.len() > WARNINGS {
        WARNINGS - 1
    } else {
        all.len()
    };
    for warning in all.iter().take(shown) {
        canvas.text(
            [MARGIN + 2.0, y + 6.4],
            Align::Left,
            "•",
            regular(6.8, MUTED),
        );
        y = canvas.paragraph(
            [MARGIN + 9.0, y],
            WIDTH - 9.0,
            warning,
            regular(6.8, INK),
            layout.lines(2),
        );
    }
    if shown < all.len() {
        let more = format!("… and {} further warnings (in the JSON)", all.len() - shown);
        y = canvas.paragraph([MARGIN + 9.0, y], WIDTH - 9.0, &more, regular(6.8, INK), 1);
    }
    y + layout.gap
}

/// Models, the last scans, software and device; gives the `y` below. The JSON has all.
pub(super) fn provenance(
    canvas: &mut Canvas,
    y: f32,
    input: &ReportInput<'_>,
    layout: &Layout,
) -> f32 {
    let mut y = canvas.title([MARGIN, y], "Provenance");
    let mut models = Vec::new();
    for visit in input.visits {
        let model = &visit.finding.provenance.model;
        if !models.contains(&model) {
            models.push(model);
        }
    }
    for model in models.iter().take(MODELS) {
        let text = model.as_ref().map_or_else(
            || "none: outline imported or drawn by hand".to_owned(),
            |m| format!("{} version {}, sha256 {}", m.name, m.version, m.sha256),
        );
        y = line(canvas, y, "Model", &text, layout.lines(2));
    }
    if models.len() > MODELS {
        y = line(
            canvas,
            y,
            "",
            &format!(
                "… and {} further models (in the JSON)",
                models.len() - MODELS
            ),
            1,
        );
    }
    let hidden = input.visits.len().saturating_sub(layout.rows);
    for visit in input.visits.iter().skip(hidden) {
        let p = &visit.finding.provenance;
        let device = p
            .device
            .as_deref()
            .map_or_else(String::new, |d| format!("; device {d}"));
        let text = format!(
            "sha256 {}; {}{device}; software {}",
            p.scan_sha256, p.state, p.software_version
        );
        y = line(
            canvas,
            y,
            &format!("Scan {}", visit.date),
            &text,
            layout.lines(2),
        );
    }
    if hidden > 0 {
        y = line(
            canvas,
            y,
            "",
            &format!("… and {hidden} earlier scans (in the JSON)"),
            1,
        );
    }
    y
}

fn line(canvas: &mut Canvas, y: f32, name: &str, text: &str, lines: usize) -> f32 {
    canvas.text([MARGIN, y + 6.0], Align::Left, name, bold(6.2, MUTED));
    canvas.paragraph(
        [MARGIN + INDENT, y],
        WIDTH - INDENT,
        text,
        regular(6.2, MUTED),
        lines,
    )
}
