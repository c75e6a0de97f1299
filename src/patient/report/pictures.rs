//! The row of pictures.
use super::{
    Picture, ReportInput,
    canvas::{Align, Area, Canvas, INK, MARGIN, MUTED, WIDTH, bold, regular},
};

/// Most pictures in the row.
const MOST: usize = 4;
/// Space between pictures, points.
const GAP: f32 = 7.0;
/// Largest edge of a picture, pixels.
const LARGEST: u32 = 4096;
/// Lines of a caption.
const CAPTION_LINES: usize = 4;
const BLACK: [f32; 3] = [0.0; 3];

/// Whether a picture's buffer fits its size, its size is sensible and its visit is there.
pub(super) fn fits(picture: &Picture, visits: usize) -> bool {
    let sensible = |n: u32| (1..=LARGEST).contains(&n);
    sensible(picture.width)
        && sensible(picture.height)
        && picture.visit < visits
        && picture.rgb.len() == 3 * picture.width as usize * picture.height as usize
}

/// At most four pictures in the caller's order: all where they are of one or two visits, else the first of each visit, of the earliest and the
/// latest.
pub(super) fn choose<'a>(input: &ReportInput<'a>) -> Vec<&'a Picture> {
    let mut shown: Vec<usize> = input.pictures.iter().map(|p| p.visit).collect();
    shown.sort_unstable();
    shown.dedup();
    if shown.len() <= 2 {
        return input.pictures.iter().take(MOST).collect();
    }
    // The baseline stays; what lies between it and the latest goes.
    let hidden = shown.len().saturating_sub(MOST);
    shown.drain(1..=hidden);
    let mut chosen: Vec<&Picture> = Vec::new();
    for picture in input.pictures {
        let new = chosen.iter().all(|p| p.visit != picture.visit);
        if new && shown.contains(&picture.visit) {
            chosen.push(picture);
        }
    }
    chosen
}

/// Name of the `n`-th picture in the page's resources.
pub(super) fn resource_name(n: usize) -> Vec<u8> {
    format!("Im{n}").into_bytes()
}

fn cell_width(count: usize) -> f32 {
    let columns = count.clamp(3, MOST) as f32;
    (WIDTH - GAP * (columns - 1.0)) / columns
}

/// Height beyond which the pictures would not grow.
pub(super) fn tallest(chosen: &[&Picture]) -> f32 {
    let width = cell_width(chosen.len());
    let tall = |p: &&Picture| width * p.height as f32 / p.width as f32;
    chosen.iter().map(tall).fold(0.0, f32::max).min(1.2 * width)
}

/// The row's title and note: a claim of the same plane needs alignments that join all visits that are shown.
fn alignment(chosen: &[&Picture], input: &ReportInput<'_>) -> (&'static str, String) {
    let shown = || chosen.iter().map(|p| p.visit);
    let left_out = match input.pictures.len() - chosen.len() {
        0 => String::new(),
        n => format!("… and {n} further pictures; "),
    };
    if shown().min() == shown().max() {
        return ("Pictures", left_out.trim_end_matches("; ").to_owned());
    }
    let mut dates: Vec<_> = shown()
        .filter_map(|v| input.visits.get(v))
        .map(|v| v.date)
        .collect();
    dates.sort_unstable();
    dates.dedup();
    let registration = &input.assessment.registration;
    let mut joined = dates.first().copied().into_iter().collect::<Vec<_>>();
    // Each round that finds something adds a date, of which there are no more than visits.
    while let Some(next) = registration.iter().find_map(|r| {
        let (from, to) = (joined.contains(&r.from), joined.contains(&r.to));
        (from != to).then_some(if from { r.to } else { r.from })
    }) {
        joined.push(next);
    }
    if !dates.iter().all(|d| joined.contains(d)) {
        return (
            "Pictures of the visits",
            format!("{left_out}visits not aligned: planes may differ"),
        );
    }
    let of_shown = registration
        .iter()
        .filter(|r| dates.contains(&r.from) && dates.contains(&r.to));
    let residual = (of_shown.filter_map(|r| r.residual_mm).reduce(f64::max))
        .map_or_else(|| "not measured".to_owned(), |mm| format!("{mm:.1} mm"));
    (
        "Same plane at each visit",
        format!("{left_out}rigid alignment, largest residual {residual}"),
    )
}

/// Draws the pictures, each centred in a black cell of one height, with its caption; gives the `y` below.
pub(super) fn pictures(
    canvas: &mut Canvas,
    y: f32,
    chosen: &[&Picture],
    height: f32,
    input: &ReportInput<'_>,
) -> f32 {
    let (title, note) = alignment(chosen, input);
    let top = canvas.title([MARGIN, y], title);
    canvas.text(
        [MARGIN + WIDTH, y + 8.0],
        Align::Right,
        &note,
        regular(6.4, MUTED),
    );
    let width = cell_width(chosen.len());
    let mut below = top + height;
    for (n, picture) in chosen.iter().enumerate() {
        let x = MARGIN + (width + GAP) * n as f32;
        if height > 0.0 {
            let cell = Area {
                x,
                y: top,
                width,
                height,
            };
            canvas.fill(cell, BLACK);
            let scale = (width / picture.width as f32).min(height / picture.height as f32);
            let (w, h) = (picture.width as f32 * scale, picture.height as f32 * scale);
            // Half a point of the black cell stays around: readers round the edges of images outwards.
            let place = Area {
                x: x + (width - w) / 2.0 + 0.5,
                y: top + (height - h) / 2.0 + 0.5,
                width: w - 1.0,
                height: h - 1.0,
            };
            canvas.image(&resource_name(n), place);
        }
        let (first, rest) = picture
            .caption
            .split_once('\n')
            .unwrap_or(("", &picture.caption));
        let mut caption = top + height + 2.5;
        if !first.is_empty() {
            caption = canvas.paragraph([x, caption], width, first, bold(6.8, INK), 1);
        }
        caption = canvas.paragraph(
            [x, caption],
            width,
            rest,
            regular(6.3, MUTED),
            CAPTION_LINES - 1,
        );
        below = below.max(caption);
    }
    below
}
