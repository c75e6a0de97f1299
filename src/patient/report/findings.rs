//! The tables: visits, changes, and what the Koos grade rests on.
use super::{
    super::{Change, GrowthAssessment, Visit, text},
    Layout, ReportInput,
    canvas::{Align, Canvas, INK, MARGIN, MUTED, WIDTH, bold, regular},
    table::{Cell, Column, column, table},
};
use crate::measure::{BOUNDARY_SHIFT_95_MM, DiameterRule, KoosEvidence, volume_text};

#[rustfmt::skip]
const VISITS: [Column; 8] = [
    column(["Date", ""], 56.0, Align::Left),
    column(["Volume ± 95 %", "(mm³)"], 76.0, Align::Right),
    column(["Extra- / intrameatal", "(mm³)"], 82.0, Align::Right),
    column(["Diameter: whole /", "extrameatal (mm)"], 66.0, Align::Right),
    column(["Koos grade", "(probability)"], 64.0, Align::Right),
    column(["Sequence", ""], 54.0, Align::Right),
    column(["Slices", "(mm)"], 40.0, Align::Right),
    column(["Review state", ""], 85.0, Align::Right),
];

#[rustfmt::skip]
const CHANGES: [Column; 10] = [
    column(["From – to", ""], 92.0, Align::Left),
    column(["Interval", "(years)"], 35.0, Align::Right),
    column(["Volume", "(mm³)"], 37.0, Align::Right),
    column(["Volume", "(%)"], 37.0, Align::Right),
    column(["Detectable", "beyond (%)"], 58.0, Align::Right),
    column(["Per year", "(%)"], 37.0, Align::Right),
    column(["Growth rate SGR", "(95 % CI), per year"], 86.0, Align::Right),
    column(["Doubling", "(years)"], 43.0, Align::Right),
    column(["Diameter", "(mm)"], 37.0, Align::Right),
    column(["Verdict", ""], 61.0, Align::Right),
];

/// The visits; gives the `y` below. The first visit is the baseline and always shown.
pub(super) fn visits(canvas: &mut Canvas, y: f32, input: &ReportInput<'_>, most: usize) -> f32 {
    let y = canvas.title([MARGIN, y], "Visits");
    let count = input.visits.len();
    let hidden = if count > most {
        1..count - (most - 1)
    } else {
        0..0
    };
    let shown = (0..count).filter(|n| !hidden.contains(n));
    let rows: Vec<Vec<Cell>> = shown
        .filter_map(|n| {
            let (visit, summary) = (input.visits.get(n)?, input.assessment.visits.get(n)?);
            let evidence = &visit.finding.koos.evidence;
            let volume = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), volume_text);
            let parts = [
                evidence.extrameatal_volume_mm3,
                evidence.intrameatal_volume_mm3,
            ]
            .map(volume);
            let last = n + 1 == count;
            let length = |d: Option<f64>| d.map_or_else(|| "–".to_owned(), |d| format!("{d:.1}"));
            let diameters = [
                summary.max_axial_diameter_mm,
                summary.extrameatal_diameter_mm,
            ]
            .map(length);
            Some(vec![
                Cell(summary.date.to_string(), last),
                Cell(text::volume_with_error(summary), last),
                parts.join(" / ").into(),
                diameters.join(" / ").into(),
                text::koos(summary).into(),
                summary.sequence.to_owned().into(),
                format!("{:.1}", summary.slice_thickness_mm).into(),
                summary.state.to_string().into(),
            ])
        })
        .collect();
    let note = match hidden.len() {
        0 => String::new(),
        1 => "… and 1 visit between the first and those shown".to_owned(),
        n => format!("… and {n} visits between the first and those shown"),
    };
    table(canvas, [MARGIN, y], &VISITS, &rows, &note)
}

fn change_row(change: &Change, strong: bool) -> Vec<Cell> {
    vec![
        Cell(format!("{} – {}", change.from, change.to), strong),
        format!("{:.2}", change.interval_years).into(),
        text::volume_change(change.volume_change_mm3).into(),
        text::signed_percent(change.volume_change_percent).into(),
        text::detectable(change).into(),
        text::signed_percent(change.annual_growth_percent).into(),
        text::rate(
            change.specific_growth_rate,
            change.specific_growth_rate_ci95,
        )
        .into(),
        text::doubling(change).into(),
        text::diameter_change(change).into(),
        Cell(text::verdict(change), true),
    ]
}

/// The changes and the reasons of those that decide; gives the `y` below.
pub(super) fn changes(
    canvas: &mut Canvas,
    y: f32,
    assessment: &GrowthAssessment,
    layout: &Layout,
) -> f32 {
    let top = canvas.title([MARGIN, y], "Change");
    let consecutive = assessment.visits.len().saturating_sub(1);
    // The last visit against baseline and smallest is always shown.
    let others = assessment.changes.len() - consecutive;
    let hidden = consecutive.saturating_sub(layout.rows - others);
    let shown: Vec<&Change> = assessment.changes.iter().skip(hidden).collect();
    let legend = "n.s.: rate not distinguishable from zero; diameter: largest extrameatal in an axial slice, * whole tumour; (!): with caution";
    canvas.text(
        [MARGIN + WIDTH, y + 8.0],
        Align::Right,
        legend,
        regular(6.4, MUTED),
    );
    let rows: Vec<Vec<Cell>> = (shown.iter().enumerate())
        .map(|(n, c)| change_row(c, n + others >= shown.len()))
        .collect();
    let note = match hidden {
        0 => String::new(),
        1 => "… and 1 earlier change".to_owned(),
        n => format!("… and {n} earlier changes"),
    };
    let mut y = table(canvas, [MARGIN, top], &CHANGES, &rows, &note) + 2.5;
    for change in assessment.last_changes().iter() {
        let text = format!(
            "{} to {}: {}.",
            change.from,
            change.to,
            change.reasons.join("; ")
        );
        y = canvas.paragraph(
            [MARGIN + 3.0, y],
            WIDTH - 6.0,
            &text,
            regular(6.8, INK),
            layout.lines(3),
        );
    }
    y
}

/// A measure of the evidence: its name and how to read it.
type Measure = (&'static str, fn(&KoosEvidence) -> Option<f64>);
/// Lengths of a tumour in one line: their name and rules.
type Lengths = (&'static str, &'static [DiameterRule]);

#[rustfmt::skip]
const LENGTHS: [Lengths; 3] = [
    ("Parallel × perpend. × craniocaudal (mm)", &[
        DiameterRule::ExtrameatalParallel, DiameterRule::ExtrameatalPerpendicular, DiameterRule::Craniocaudal,
    ]),
    ("Largest in 3D (mm)", &[DiameterRule::Max3d]),
    ("Length in the canal, fundal cap (mm)", &[DiameterRule::CanalLength, DiameterRule::FundalCap]),
];

#[rustfmt::skip]
const MEASURES: [Measure; 5] = [
    ("Gap to the brainstem (mm)", |e| e.brainstem_gap_mm),
    ("Contact with the brainstem (mm²)", |e| e.contact_area_mm2),
    ("Reach beyond the porus plane (mm)", |e| e.protrusion_mm),
    ("Shift of the brainstem (mm)", |e| e.brainstem_shift_mm),
    ("Shift of the fourth ventricle (mm)", |e| e.fourth_ventricle_shift_mm),
];

/// What the Koos grade of the last two visits rests on, and the measurement error in a sentence.
pub(super) fn evidence(canvas: &mut Canvas, [x, y]: [f32; 2], width: f32, input: &ReportInput<'_>) {
    let y = canvas.title([x, y], "Koos grade, brainstem and lengths");
    let from = input.visits.len().saturating_sub(2);
    let last: Vec<(&Visit, &super::super::VisitSummary)> = input
        .visits
        .iter()
        .zip(&input.assessment.visits)
        .skip(from)
        .collect();
    let value_width = 62.0;
    let name_width = width - value_width * last.len() as f32;
    let mut line = |y: f32, name: &str, values: Vec<String>, strong: bool| {
        let style = |size| {
            if strong {
                bold(size, INK)
            } else {
                regular(size, INK)
            }
        };
        canvas.text([x, y], Align::Left, name, style(7.0));
        for (n, value) in values.iter().enumerate() {
            let right = x + name_width + value_width * (n + 1) as f32;
            canvas.text([right, y], Align::Right, value, style(7.0));
        }
    };
    let step = 9.6;
    let mut row = y + 7.0;
    line(
        row,
        "",
        last.iter().map(|(v, _)| v.date.to_string()).collect(),
        true,
    );
    row += step;
    line(
        row,
        "Koos grade (probability)",
        last.iter().map(|(_, s)| text::koos(s)).collect(),
        true,
    );
    for (name, measure) in MEASURES {
        row += step;
        let value = |v: &Visit| {
            measure(&v.finding.koos.evidence).map_or_else(|| "–".to_owned(), |m| format!("{m:.1}"))
        };
        line(
            row,
            name,
            last.iter().map(|(v, _)| value(v)).collect(),
            false,
        );
    }
    for (name, rules) in LENGTHS {
        row += step;
        line(
            row,
            name,
            last.iter().map(|(v, _)| lengths(v, rules)).collect(),
            false,
        );
    }
    let below = row + 5.0;
    let koos = last.last().map(|(v, _)| &v.finding.koos);
    let meaning = koos.and_then(|k| {
        let open = (k.borderline.as_ref()).map_or_else(String::new, |b| format!(", {b}"));
        let least = if k.at_least { "at least " } else { "" };
        Some(format!(
            "Koos {least}{}{open}: {} ({} wording). ",
            k.grade?,
            k.meaning()?,
            k.wording
        ))
    });
    let error = measurement_error(input);
    canvas.paragraph(
        [x, below],
        width,
        &(meaning.unwrap_or_default() + &error),
        regular(6.6, MUTED),
        5,
    );
}

/// Lengths of a visit's tumour; a star tells that a reader set the ends.
fn lengths(visit: &Visit, rules: &[DiameterRule]) -> String {
    let tumour = visit.finding.tumour.as_ref();
    let measures = tumour.and_then(|t| t.measures.as_ref());
    let one = |rule: &DiameterRule| {
        let found = measures.and_then(|m| m.diameters.get(*rule));
        found.map_or_else(
            || "–".to_owned(),
            |d| format!("{:.1}{}", d.value_mm, if d.is_by_hand() { "*" } else { "" }),
        )
    };
    let all: Vec<String> = rules.iter().map(one).collect();
    all.join(if rules.len() > 2 { " × " } else { ", " })
}

/// What the error model says for the last visit.
fn measurement_error(input: &ReportInput<'_>) -> String {
    let last = input.assessment.visits.last();
    let own = last.and_then(|v| {
        let percent = 100.0 * v.uncertainty95_mm3? / v.volume_mm3?;
        Some(format!(
            ": ±{percent:.1} % at the last visit; the next must differ by +{:.1} % to exceed the error of both",
            std::f64::consts::SQRT_2 * percent
        ))
    });
    format!(
        "Measurement error: the 95 % limits of one volume join a shift of its whole surface by {BOUNDARY_SHIFT_95_MM} mm \
         (published agreement of readers, not calibrated on this model) and the error of voxels of its slice thickness{}.",
        own.unwrap_or_default()
    )
}
