//! Drawing on the page: points from its top left corner, `y` downwards; text by its baseline.
use super::font::{self, Face};
use pdf_writer::{Content, Name, Str};

/// Width of an A4 page, points.
pub(super) const PAGE_WIDTH: f32 = 595.0;
/// Height of an A4 page, points.
pub(super) const PAGE_HEIGHT: f32 = 842.0;
/// Left and right margin, points.
pub(super) const MARGIN: f32 = 36.0;
/// Width between the margins, points.
pub(super) const WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;

/// Red, green, blue, 0 to 1.
pub(super) type Colour = [f32; 3];
/// Text.
pub(super) const INK: Colour = [0.10, 0.13, 0.18];
/// Secondary text.
pub(super) const MUTED: Colour = [0.36, 0.40, 0.46];
/// Lines.
pub(super) const RULE: Colour = [0.80, 0.83, 0.87];
/// Faint fill.
pub(super) const FAINT: Colour = [0.955, 0.963, 0.972];
/// Titles and the curve.
pub(super) const ACCENT: Colour = [0.10, 0.27, 0.43];
/// What must not be overlooked.
pub(super) const ALARM: Colour = [0.70, 0.16, 0.14];

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) colour: Colour,
}

/// Text in the regular face.
pub(super) const fn regular(size: f32, colour: Colour) -> Style {
    Style {
        face: Face::Regular,
        size,
        colour,
    }
}

/// Text in the bold face.
pub(super) const fn bold(size: f32, colour: Colour) -> Style {
    Style {
        face: Face::Bold,
        size,
        colour,
    }
}

/// Which point of a text its x is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// A rectangle, points from the top left corner of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// Resource name of a face.
pub(super) fn font_name(face: Face) -> Name<'static> {
    match face {
        Face::Regular => Name(b"F1"),
        Face::Bold => Name(b"F2"),
    }
}

/// A page that is being drawn.
pub(super) struct Canvas {
    content: Content,
}

impl Canvas {
    /// An empty page.
    pub(super) fn new() -> Self {
        Self {
            content: Content::new(),
        }
    }

    /// The content stream.
    pub(super) fn finish(self) -> Vec<u8> {
        self.content.finish().into_vec()
    }

    /// A line of text.
    pub(super) fn text(&mut self, at: [f32; 2], align: Align, text: &str, style: Style) {
        self.encoded(at, align, &font::encode(text), style);
    }

    /// A line of encoded text.
    pub(super) fn encoded(&mut self, [x, y]: [f32; 2], align: Align, text: &[u8], style: Style) {
        if text.is_empty() {
            return;
        }
        let width = font::width(text, style.face, style.size);
        let x = match align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        };
        let [r, g, b] = style.colour;
        self.content
            .begin_text()
            .set_fill_rgb(r, g, b)
            .set_font(font_name(style.face), style.size)
            .next_line(x, PAGE_HEIGHT - y)
            .show(Str(text))
            .end_text();
    }

    /// Wrapped text below `y`, at most `max_lines` lines, the last ending in an ellipsis when more would follow. Gives the `y` below it.
    pub(super) fn paragraph(
        &mut self,
        [x, y]: [f32; 2],
        width: f32,
        text: &str,
        style: Style,
        max_lines: usize,
    ) -> f32 {
        let lead = style.size * 1.28;
        let lines = font::wrap(&font::encode(text), style.face, style.size, width);
        let shown = lines.len().min(max_lines);
        for (n, line) in lines.iter().take(shown).enumerate() {
            let mut line = line.clone();
            if n + 1 == shown && lines.len() > shown {
                line.extend(font::encode(" …  "));
                line = font::fit(&line, style.face, style.size, width);
            }
            self.encoded(
                [x, y + style.size * 0.95 + lead * n as f32],
                Align::Left,
                &line,
                style,
            );
        }
        y + lead * shown as f32
    }

    /// A filled rectangle.
    pub(super) fn fill(&mut self, area: Area, [r, g, b]: Colour) {
        self.rectangle(area);
        self.content.set_fill_rgb(r, g, b).fill_nonzero();
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&mut self, area: Area, line_width: f32, [r, g, b]: Colour) {
        self.rectangle(area);
        self.content
            .set_stroke_rgb(r, g, b)
            .set_line_width(line_width)
            .stroke();
    }

    fn rectangle(&mut self, area: Area) {
        self.content.rect(
            area.x,
            PAGE_HEIGHT - area.y - area.height,
            area.width,
            area.height,
        );
    }

    /// A line from one point to another.
    pub(super) fn line(
        &mut self,
        from: [f32; 2],
        to: [f32; 2],
        line_width: f32,
        [r, g, b]: Colour,
    ) {
        self.content
            .set_stroke_rgb(r, g, b)
            .set_line_width(line_width)
            .move_to(from[0], PAGE_HEIGHT - from[1])
            .line_to(to[0], PAGE_HEIGHT - to[1])
            .stroke();
    }

    /// A dashed line.
    pub(super) fn dashed(&mut self, from: [f32; 2], to: [f32; 2], line_width: f32, colour: Colour) {
        self.content.save_state().set_dash_pattern([2.5, 2.0], 0.0);
        self.line(from, to, line_width, colour);
        self.content.restore_state();
    }

    /// A disc with an outline.
    pub(super) fn disc(&mut self, [x, y]: [f32; 2], radius: f32, fill: Colour, line: Colour) {
        // Control points of the four arcs at 0.5523 of the radius come within 0.03 % of a circle.
        let (y, k) = (PAGE_HEIGHT - y, radius * 0.5523);
        let c = &mut self.content;
        c.set_fill_rgb(fill[0], fill[1], fill[2])
            .set_stroke_rgb(line[0], line[1], line[2])
            .set_line_width(1.1)
            .move_to(x + radius, y)
            .cubic_to(x + radius, y + k, x + k, y + radius, x, y + radius)
            .cubic_to(x - k, y + radius, x - radius, y + k, x - radius, y)
            .cubic_to(x - radius, y - k, x - k, y - radius, x, y - radius)
            .cubic_to(x + k, y - radius, x + radius, y - k, x + radius, y)
            .close_fill_nonzero_and_stroke();
    }

    /// An image resource.
    pub(super) fn image(&mut self, name: &[u8], area: Area) {
        self.content
            .save_state()
            .transform([
                area.width,
                0.0,
                0.0,
                area.height,
                area.x,
                PAGE_HEIGHT - area.y - area.height,
            ])
            .x_object(Name(name))
            .restore_state();
    }

    /// The title of a section; gives the `y` below it.
    pub(super) fn title(&mut self, [x, y]: [f32; 2], text: &str) -> f32 {
        self.text([x, y + 8.0], Align::Left, text, bold(8.5, ACCENT));
        y + 12.5
    }
}
