//! Tables.
use super::{
    canvas::{Align, Area, Canvas, FAINT, INK, MUTED, RULE, Style, bold, regular},
    font,
};

/// A column: its title in up to two lines, its width in points, how its cells stand.
pub(super) struct Column {
    pub(super) title: [&'static str; 2],
    pub(super) width: f32,
    pub(super) align: Align,
}

/// A column.
pub(super) const fn column(title: [&'static str; 2], width: f32, align: Align) -> Column {
    Column {
        title,
        width,
        align,
    }
}

/// Height of a row, points.
const ROW: f32 = 11.5;
/// Height of the head, points.
const HEAD: f32 = 19.0;
/// Space beside a cell's text, points.
const PAD: f32 = 3.0;
/// Sizes that a cell's text is tried in before it is cut.
const SIZES: [f32; 4] = [7.2, 6.8, 6.3, 5.8];

/// A cell's text and whether it is set in bold.
pub(super) struct Cell(pub(super) String, pub(super) bool);

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(text, false)
    }
}

/// Draws a table at `x`, `y`, then `note` (what was left out) in a line of its own; gives the `y` below it.
pub(super) fn table(
    canvas: &mut Canvas,
    [x, y]: [f32; 2],
    columns: &[Column],
    rows: &[Vec<Cell>],
    note: &str,
) -> f32 {
    let width: f32 = columns.iter().map(|c| c.width).sum();
    canvas.line([x, y], [x + width, y], 0.8, MUTED);
    let mut left = x;
    for c in columns {
        for (n, line) in c.title.iter().enumerate() {
            cell(canvas, [left, y + 7.8 + 7.6 * n as f32], c, line, |size| {
                bold(size.min(6.6), MUTED)
            });
        }
        left += c.width;
    }
    let mut top = y + HEAD;
    canvas.line([x, top], [x + width, top], 0.5, RULE);
    for (n, row) in rows.iter().enumerate() {
        if n % 2 == 1 {
            let area = Area {
                x,
                y: top,
                width,
                height: ROW,
            };
            canvas.fill(area, FAINT);
        }
        let mut left = x;
        for (c, Cell(text, strong)) in columns.iter().zip(row) {
            let style = |size| {
                if *strong {
                    bold(size, INK)
                } else {
                    regular(size, INK)
                }
            };
            cell(canvas, [left, top + 8.2], c, text, style);
            left += c.width;
        }
        top += ROW;
    }
    canvas.line([x, top], [x + width, top], 0.5, RULE);
    if !note.is_empty() {
        canvas.text([x + PAD, top + 8.0], Align::Left, note, regular(6.8, MUTED));
        top += 10.0;
    }
    top
}

/// One cell: the largest of the sizes that fits, else cut.
fn cell(
    canvas: &mut Canvas,
    [left, baseline]: [f32; 2],
    column: &Column,
    text: &str,
    style: impl Fn(f32) -> Style,
) {
    let room = column.width - 2.0 * PAD;
    let text = font::encode(text);
    let fits = |s: &Style| font::width(&text, s.face, s.size) <= room;
    let style = SIZES
        .iter()
        .map(|s| style(*s))
        .find(fits)
        .unwrap_or_else(|| style(SIZES[3]));
    let text = font::fit(&text, style.face, style.size, room);
    let x = match column.align {
        Align::Left => left + PAD,
        Align::Centre => left + column.width / 2.0,
        Align::Right => left + column.width - PAD,
    };
    canvas.encoded([x, baseline], column.align, &text, style);
}
