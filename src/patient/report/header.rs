//! Head of the page, the verdict, and the footer.
use super::{
    super::{NOTICE, text::side_name},
    ReportInput,
    canvas::{
        ACCENT, ALARM, Align, Area, Canvas, Colour, FAINT, INK, MARGIN, MUTED, PAGE_HEIGHT, RULE,
        WIDTH, bold, regular,
    },
    font::{self, Face},
};
use crate::measure::Verdict;

/// Words for a synthetic patient.
const DEMO: &str = "synthetic patient: phantom";
/// Most lines of the summary.
const SUMMARY_LINES: usize = 9;
/// Ground of the notice.
const NOTICE_GROUND: Colour = [0.988, 0.930, 0.925];

/// Colour of a verdict. The words carry the meaning; the colour only helps to find it.
fn verdict_colour(verdict: Option<Verdict>) -> Colour {
    match verdict {
        Some(Verdict::Growth) => ALARM,
        Some(Verdict::ProbableGrowth) => [0.72, 0.42, 0.02],
        Some(Verdict::Stable) => [0.10, 0.42, 0.32],
        Some(Verdict::Shrinkage) => [0.12, 0.38, 0.62],
        Some(Verdict::NotComparable) | None => MUTED,
    }
}

/// Title, notice, patient and dates; gives the `y` below.
pub(super) fn header(canvas: &mut Canvas, y: f32, input: &ReportInput<'_>) -> f32 {
    let right = MARGIN + WIDTH;
    canvas.text(
        [MARGIN, y + 15.0],
        Align::Left,
        "Vestibular schwannoma surveillance",
        bold(17.0, ACCENT),
    );
    if input.assessment.draft {
        let width = 128.0;
        let area = Area {
            x: right - width,
            y: y + 1.0,
            width,
            height: 17.0,
        };
        canvas.frame(area, 1.2, ALARM);
        let text = "DRAFT: not accepted by a reader";
        canvas.text(
            [right - width / 2.0, y + 12.0],
            Align::Centre,
            text,
            bold(7.4, ALARM),
        );
    }
    let band = Area {
        x: MARGIN,
        y: y + 23.0,
        width: WIDTH,
        height: 15.0,
    };
    canvas.fill(band, NOTICE_GROUND);
    let notice = if input.demo {
        format!("{NOTICE}  ·  {DEMO}")
    } else {
        NOTICE.to_owned()
    };
    canvas.text(
        [MARGIN + WIDTH / 2.0, band.y + 10.6],
        Align::Centre,
        &notice,
        bold(8.6, ALARM),
    );
    fields(canvas, band.y + band.height + 4.0, input)
}

/// Patient, side, visits and date in four columns.
fn fields(canvas: &mut Canvas, y: f32, input: &ReportInput<'_>) -> f32 {
    let visits = &input.assessment.visits;
    let dates = match visits.as_slice() {
        [] => String::new(),
        [one] => one.date.to_string(),
        [first, .., last] => format!("{} to {} ({} visits)", first.date, last.date, visits.len()),
    };
    let side = visits
        .iter()
        .rev()
        .find_map(|v| v.side)
        .map_or("not known", side_name);
    let treated = input.assessment.treated.map(|t| t.to_string());
    let mut columns = vec![
        (
            "Patient",
            input.patient_label.unwrap_or("not given").to_owned(),
            0.0,
            0.28,
        ),
        ("Side", side.to_owned(), 0.30, 0.10),
        ("Visits", dates, 0.54, 0.31),
        ("Report of", input.created.to_string(), 0.87, 0.13),
    ];
    columns.extend(treated.map(|t| ("Radiosurgery", t, 0.41, 0.12)));
    for (name, value, at, width) in columns {
        let x = MARGIN + WIDTH * at;
        canvas.text([x, y + 6.5], Align::Left, name, regular(6.6, MUTED));
        let value = font::fit(&font::encode(&value), Face::Bold, 8.6, WIDTH * width);
        canvas.encoded([x, y + 16.5], Align::Left, &value, bold(8.6, INK));
    }
    y + 20.0
}

/// The verdict in words with its numbers; gives the `y` below.
pub(super) fn verdict(canvas: &mut Canvas, y: f32, input: &ReportInput<'_>) -> f32 {
    let assessment = input.assessment;
    let colour = verdict_colour(assessment.verdict);
    let style = regular(8.4, INK);
    let inner = WIDTH - 24.0;
    let lines = font::wrap(
        &font::encode(&assessment.summary),
        style.face,
        style.size,
        inner,
    )
    .len()
    .min(SUMMARY_LINES);
    let area = Area {
        x: MARGIN,
        y,
        width: WIDTH,
        height: 24.0 + style.size * 1.28 * lines as f32 + 5.0,
    };
    canvas.fill(area, FAINT);
    canvas.fill(Area { width: 4.0, ..area }, colour);
    let headline = font::fit(&font::encode(&assessment.headline), Face::Bold, 13.0, inner);
    canvas.encoded(
        [MARGIN + 14.0, y + 16.5],
        Align::Left,
        &headline,
        bold(13.0, colour),
    );
    canvas.paragraph(
        [MARGIN + 14.0, y + 22.0],
        inner,
        &assessment.summary,
        style,
        SUMMARY_LINES,
    );
    area.y + area.height
}

/// The last line of the page.
pub(super) fn footer(canvas: &mut Canvas, input: &ReportInput<'_>) {
    let y = PAGE_HEIGHT - 24.0;
    canvas.line([MARGIN, y], [MARGIN + WIDTH, y], 0.5, RULE);
    let left = format!("Schwann {}", input.assessment.software_version);
    canvas.text([MARGIN, y + 10.0], Align::Left, &left, regular(6.8, MUTED));
    canvas.text(
        [MARGIN + WIDTH / 2.0, y + 10.0],
        Align::Centre,
        NOTICE,
        bold(8.0, ALARM),
    );
    let right = if input.demo { DEMO } else { "page 1 of 1" };
    canvas.text(
        [MARGIN + WIDTH, y + 10.0],
        Align::Right,
        right,
        regular(6.8, MUTED),
    );
}
