//! The one-page PDF report.
//!
//! Vector text in the reader's own Helvetica, a vector chart, and the caller's pictures. The page is laid out from the top; what is left over goes to
//! pictures and chart, and lists that are too long say how much they leave out, so it is always one page. The same input gives the same bytes.

mod canvas;
mod chart;
mod document;
mod findings;
mod font;
mod header;
mod notes;
mod pictures;
mod table;

use super::{Error, GrowthAssessment, Visit};
use canvas::{Area, Canvas, MARGIN, WIDTH};
use chrono::NaiveDate;

/// A picture of one visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Which visit it shows: index into the report's visits.
    pub visit: usize,
    /// What it shows: date, sequence, plane, which side is which, scale. A first line that ends in a line break is set in bold.
    pub caption: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Red, green, blue of each pixel, rows from the top.
    pub rgb: Vec<u8>,
}

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The assessment of `visits`; all growth numbers come from it.
    pub assessment: &'a GrowthAssessment,
    /// The visits that were assessed.
    pub visits: &'a [Visit],
    /// At most four are shown, in this order: all of one or two visits; of more visits one each, that of the earliest and of the latest.
    pub pictures: &'a [Picture],
    /// What the user wants the patient to be called; the report names nobody else.
    pub patient_label: Option<&'a str>,
    /// Day of the report.
    pub created: NaiveDate,
    /// Whether the patient is synthetic, which the report then says.
    pub demo: bool,
}

/// First `y` of the page, points.
const TOP: f32 = 28.0;
/// Last `y` that a section may reach, points; the footer lies below.
const BOTTOM: f32 = 812.0;
/// Least and greatest space between sections, points.
const GAP: [f32; 2] = [8.0, 16.0];
/// Sections that have space below them.
const SECTIONS: f32 = 7.0;
/// Numbers of table rows that are tried, until pictures of a useful height fit.
const ROWS: [usize; 4] = [6, 5, 4, 3];
/// Number of rows at which long texts are cut shorter too.
const TIGHT_ROWS: usize = 3;
/// Height below which a picture shows too little, points.
const USEFUL_PICTURE: f32 = 96.0;
/// Least and greatest height of chart and evidence, points.
const CHART: [f32; 2] = [150.0, 172.0];

/// The report as a PDF of one A4 page.
///
/// # Errors
/// When the visits are not those of the assessment, a picture does not fit its size or visit, or compression fails.
pub fn report_pdf(input: &ReportInput<'_>) -> Result<Vec<u8>, Error> {
    check(input)?;
    let chosen = pictures::choose(input);
    let layout = Layout::of(input, &chosen);
    let mut canvas = Canvas::new();
    draw(&mut canvas, input, &chosen, &layout);
    header::footer(&mut canvas, input);
    document::write(&canvas.finish(), &chosen, input.created)
}

/// How the page's height is shared out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// Most rows of a table and most scans in the provenance.
    rows: usize,
    /// Space between sections, points.
    gap: f32,
    /// Height of the pictures, points.
    pictures: f32,
    /// Height of chart and evidence, points.
    chart: f32,
}

impl Layout {
    /// Most lines of a text that may have `usual` lines.
    fn lines(&self, usual: usize) -> usize {
        if self.rows > TIGHT_ROWS {
            usual
        } else {
            usual - 1
        }
    }

    /// The most rows that leave room for pictures; the rest goes to pictures, chart and the space between sections, in this order.
    fn of(input: &ReportInput<'_>, chosen: &[&Picture]) -> Self {
        let tallest = pictures::tallest(chosen);
        let mut layout = Self {
            rows: 0,
            gap: GAP[0],
            pictures: 0.0,
            chart: 0.0,
        };
        for rows in ROWS {
            layout = Self {
                rows,
                gap: GAP[0],
                pictures: 0.0,
                chart: 0.0,
            };
            // Sections other than pictures and chart have a height of their own, found by drawing them on a page that is thrown away.
            let room = BOTTOM - draw(&mut Canvas::new(), input, chosen, &layout);
            layout.pictures = (room - CHART[0]).clamp(0.0, tallest);
            layout.chart = (room - layout.pictures).clamp(0.0, CHART[1]);
            layout.gap +=
                ((room - layout.pictures - layout.chart) / SECTIONS).clamp(0.0, GAP[1] - GAP[0]);
            if layout.pictures >= tallest.min(USEFUL_PICTURE) && layout.chart >= CHART[0] {
                break;
            }
        }
        layout
    }
}

/// Draws everything but the footer; gives the `y` below it.
fn draw(canvas: &mut Canvas, input: &ReportInput<'_>, chosen: &[&Picture], layout: &Layout) -> f32 {
    let mut y = header::header(canvas, TOP, input) + layout.gap;
    y = header::verdict(canvas, y, input) + layout.gap;
    if !chosen.is_empty() {
        y = pictures::pictures(canvas, y, chosen, layout.pictures, input) + layout.gap;
    }
    y = findings::visits(canvas, y, input, layout.rows) + layout.gap;
    if !input.assessment.changes.is_empty() {
        y = findings::changes(canvas, y, input.assessment, layout) + layout.gap;
    }
    let half = (WIDTH - 14.0) / 2.0;
    if layout.chart > 0.0 {
        let area = Area {
            x: MARGIN,
            y,
            width: half,
            height: layout.chart,
        };
        chart::chart(canvas, area, input.assessment);
        findings::evidence(canvas, [MARGIN + half + 14.0, y], half, input);
    }
    y += layout.chart + layout.gap;
    y = notes::warnings(canvas, y, input.assessment, layout);
    notes::provenance(canvas, y, input, layout)
}

fn check(input: &ReportInput<'_>) -> Result<(), Error> {
    let same = |(v, s): (&Visit, &super::VisitSummary)| {
        v.date == s.date && v.finding.tumour.as_ref().map(|t| t.volume_mm3) == s.volume_mm3
    };
    let assessed = &input.assessment.visits;
    if input.visits.len() != assessed.len() || !input.visits.iter().zip(assessed).all(same) {
        return Err(Error::ReportVisits);
    }
    match input
        .pictures
        .iter()
        .position(|p| !pictures::fits(p, input.visits.len()))
    {
        Some(index) => Err(Error::Picture(index)),
        None => Ok(()),
    }
}
