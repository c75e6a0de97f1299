//! Volume against date.
use super::{
    super::GrowthAssessment,
    canvas::{ACCENT, ALARM, Align, Area, Canvas, INK, MUTED, RULE, regular},
};
use crate::measure::Verdict;
use chrono::{Datelike, Months, NaiveDate};

/// Band in which a change from the first comparable visit is below the limits of growth and shrinkage.
const BAND: [f32; 3] = [0.90, 0.935, 0.965];
/// Steps of the time axis, months.
const STEPS: [u32; 9] = [1, 2, 3, 6, 12, 24, 60, 120, 240];
const WHITE: [f32; 3] = [1.0; 3];

/// A round number at or above `value / parts`: 1, 2, 2.5 or 5 times a power of ten.
fn round_step(value: f64, parts: f64) -> f64 {
    let raw = (value / parts).max(1e-6);
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= raw * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// Where data lie on the page.
struct Axes {
    plot: Area,
    first: NaiveDate,
    days: f64,
    top_mm3: f64,
}

impl Axes {
    fn x(&self, date: NaiveDate) -> f32 {
        let part = (date - self.first).num_days() as f64 / self.days;
        self.plot.x + self.plot.width * part as f32
    }

    fn y(&self, volume_mm3: f64) -> f32 {
        let part = (volume_mm3 / self.top_mm3).clamp(0.0, 1.0);
        self.plot.y + self.plot.height * (1.0 - part as f32)
    }
}

/// Draws the chart into an area.
pub(super) fn chart(canvas: &mut Canvas, area: Area, assessment: &GrowthAssessment) {
    let y = canvas.title([area.x, area.y], "Volume by date");
    let plot = Area {
        x: area.x + 30.0,
        y: y + 11.0,
        width: area.width - 38.0,
        height: area.height - (y - area.y) - 11.0 - 13.0,
    };
    canvas.text(
        [area.x, y + 5.0],
        Align::Left,
        "mm³; bars: 95 % of one measurement; shaded: below the limit of growth or shrinkage",
        regular(6.0, MUTED),
    );
    let Some(axes) = axes(plot, assessment) else {
        let middle = [plot.x + plot.width / 2.0, plot.y + plot.height / 2.0];
        canvas.text(
            middle,
            Align::Centre,
            "no tumour outlined",
            regular(7.0, MUTED),
        );
        return;
    };
    band(canvas, &axes, assessment);
    scales(canvas, &axes);
    if let Some(treated) = assessment
        .treated
        .filter(|t| *t >= axes.first && axes.x(*t) <= plot.x + plot.width)
    {
        let x = axes.x(treated);
        canvas.dashed([x, plot.y], [x, plot.y + plot.height], 0.8, ALARM);
        let right_half = x > plot.x + plot.width / 2.0;
        let (offset, align) = if right_half {
            (-3.0, Align::Right)
        } else {
            (3.0, Align::Left)
        };
        canvas.text(
            [x + offset, plot.y + 6.0],
            align,
            "radiosurgery",
            regular(6.0, ALARM),
        );
    }
    points(canvas, &axes, assessment);
}

fn axes(plot: Area, assessment: &GrowthAssessment) -> Option<Axes> {
    let highest = (assessment.visits.iter())
        .filter_map(|v| Some(v.volume_mm3? + v.uncertainty95_mm3.unwrap_or(0.0)))
        .fold(0.0, f64::max);
    let [first, last] = [
        assessment.visits.first()?.date,
        assessment.visits.last()?.date,
    ];
    // A margin of 6 % of the time on both sides, at least two months, so that no point lies on an axis.
    let margin = ((last - first).num_days() as f64 * 0.06).max(60.0) as i64;
    let start = first
        .checked_sub_days(chrono::Days::new(margin as u64))
        .unwrap_or(first);
    let step = round_step(highest * 1.05, 4.0);
    (highest > 0.0).then(|| Axes {
        plot,
        first: start,
        days: ((last - start).num_days() + margin) as f64,
        top_mm3: (highest * 1.05 / step).ceil() * step,
    })
}

/// The volumes that are neither growth nor shrinkage of the first comparable one, where the last visit can be compared with it.
fn band(canvas: &mut Canvas, axes: &Axes, assessment: &GrowthAssessment) {
    let last_changes = assessment.last_changes();
    let Some((change, first)) = last_changes
        .baseline
        .or(last_changes.previous)
        .filter(|c| c.verdict != Verdict::NotComparable)
        .and_then(|c| Some((c, assessment.visits.iter().find(|v| v.date == c.from)?)))
    else {
        return;
    };
    let (Some(v), Some(limit)) = (first.volume_mm3, change.growth_limit_percent) else {
        return;
    };
    let up = limit / 100.0;
    let (high, low) = (axes.y(v * (1.0 + up)), axes.y(v / (1.0 + up)));
    canvas.fill(
        Area {
            x: axes.plot.x,
            y: high,
            width: axes.plot.width,
            height: low - high,
        },
        BAND,
    );
}

fn scales(canvas: &mut Canvas, axes: &Axes) {
    let plot = axes.plot;
    let step = round_step(axes.top_mm3, 4.0);
    let decimals = usize::from(step.fract() > 0.0);
    let mut value = 0.0;
    while value <= axes.top_mm3 * 1.000_001 {
        let y = axes.y(value);
        canvas.line([plot.x, y], [plot.x + plot.width, y], 0.4, RULE);
        canvas.text(
            [plot.x - 4.0, y + 2.2],
            Align::Right,
            &format!("{value:.decimals$}"),
            regular(6.4, MUTED),
        );
        value += step;
    }
    let bottom = plot.y + plot.height;
    canvas.line([plot.x, bottom], [plot.x + plot.width, bottom], 0.7, MUTED);
    for (date, label) in time_ticks(axes) {
        let x = axes.x(date);
        canvas.line([x, bottom], [x, bottom + 2.5], 0.7, MUTED);
        canvas.text(
            [x, bottom + 9.5],
            Align::Centre,
            &label,
            regular(6.4, MUTED),
        );
    }
}

/// Round dates within the axis, at most eight, with their labels.
fn time_ticks(axes: &Axes) -> Vec<(NaiveDate, String)> {
    let months = axes.days / (365.25 / 12.0);
    let step = STEPS
        .into_iter()
        .find(|s| months / f64::from(*s) <= 7.0)
        .unwrap_or(480);
    let Some(mut date) = NaiveDate::from_ymd_opt(axes.first.year(), 1, 1) else {
        return Vec::new();
    };
    if step > 12 {
        let years = (step / 12) as i32;
        date = date
            .with_year(date.year() - date.year().rem_euclid(years))
            .unwrap_or(date);
    }
    let mut ticks = Vec::new();
    while axes.x(date) <= axes.plot.x + axes.plot.width {
        if axes.x(date) >= axes.plot.x {
            let label = if step >= 12 {
                date.format("%Y")
            } else {
                date.format("%Y-%m")
            };
            ticks.push((date, label.to_string()));
        }
        let Some(next) = date.checked_add_months(Months::new(step)) else {
            break;
        };
        date = next;
    }
    ticks
}

/// Line between visits that may be compared, error bars, and points: hollow where the outline is a draft.
fn points(canvas: &mut Canvas, axes: &Axes, assessment: &GrowthAssessment) {
    let place = |n: usize| {
        let visit = assessment.visits.get(n)?;
        Some([axes.x(visit.date), axes.y(visit.volume_mm3?)])
    };
    let consecutive = assessment.visits.len().saturating_sub(1);
    for (n, change) in assessment.changes.iter().take(consecutive).enumerate() {
        if let (Some(a), Some(b)) = (place(n), place(n + 1))
            && change.verdict != Verdict::NotComparable
        {
            canvas.line(a, b, 1.3, ACCENT);
        }
    }
    for (n, visit) in assessment.visits.iter().enumerate() {
        let (Some([x, y]), Some(v)) = (place(n), visit.volume_mm3) else {
            continue;
        };
        if let Some(e) = visit.uncertainty95_mm3 {
            let (high, low) = (axes.y(v + e), axes.y((v - e).max(0.0)));
            canvas.line([x, high], [x, low], 0.8, INK);
            for end in [high, low] {
                canvas.line([x - 2.5, end], [x + 2.5, end], 0.8, INK);
            }
        } else {
            // A lower limit points upwards.
            let tip = y - 13.0;
            canvas.line([x, y], [x, tip], 0.8, INK);
            for side in [-2.5, 2.5] {
                canvas.line([x + side, tip + 3.5], [x, tip], 0.8, INK);
            }
            canvas.text(
                [x + 4.5, y - 5.0],
                Align::Left,
                "at least",
                regular(6.0, INK),
            );
        }
        canvas.disc(
            [x, y],
            2.6,
            if visit.state.is_draft() {
                WHITE
            } else {
                ACCENT
            },
            ACCENT,
        );
    }
    if assessment.visits.iter().any(|v| v.state.is_draft()) {
        let right = axes.plot.x + axes.plot.width;
        canvas.text(
            [right, axes.plot.y - 17.0],
            Align::Right,
            "hollow point: DRAFT",
            regular(6.2, ALARM),
        );
    }
}
