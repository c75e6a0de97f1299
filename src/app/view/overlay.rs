//! What lies over a plane: outlines, crosshair, letters, scale bar, words.
use super::{Canvas, Cell, cell::Screen, colour, tool};
use crate::{
    app::{
        panel::capitalised,
        state::{Alignment, AppState, CornerText, VisitState},
    },
    measure::Plane,
    render::{edge_letters, scale_bar_mm, without_sides},
    volume::{Structure, sides_are_told},
};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2, epaint::PathShape};

/// Width of outlines, points, at every magnification.
const CONTOUR_POINTS: f32 = 1.5;
/// Dashes of outlines that may still change, and the gaps between them, points.
const DASH: f32 = 4.0;
/// What such outlines are, in words.
const EARLY: &str = "first outlines of the scan's middle, not final: still segmenting";
/// Half the gap that the crosshair leaves around the marked point, points.
const CROSSHAIR_GAP: f32 = 10.0;
const TEXT: Color32 = Color32::from_gray(225);
const CAUTION: Color32 = Color32::from_rgb(255, 170, 60);

/// The colour by which a plane is known in the other planes.
pub(super) fn plane_colour(plane: Plane) -> Color32 {
    match plane {
        Plane::Axial => Color32::from_rgb(240, 90, 90),
        Plane::Coronal => Color32::from_rgb(90, 205, 110),
        Plane::Sagittal => Color32::from_rgb(235, 210, 70),
    }
}

/// A cell in words, for screen readers: `axial plane of 2024-03-12, slice 40 of 80`.
pub(super) fn cell_words(state: &AppState, visit: &VisitState, plane: Plane) -> String {
    format!(
        "{} plane of {}, {}",
        plane.name(),
        visit.title(),
        slice_words(state, visit, plane)
    )
}

fn slice_words(state: &AppState, visit: &VisitState, plane: Plane) -> String {
    let (guide, _) = state.cut_by(visit);
    if state.view.anatomical {
        let told = [guide, visit].iter().all(|v| sides_are_told(&v.warnings));
        return place_words(plane, guide.crosshair[plane.normal_axis()], told);
    }
    let native = &guide.planes[plane as usize];
    let slice = native.slice_at(guide.volume.grid(), guide.crosshair);
    let at = if guide.id == visit.id { "" } else { "at " };
    format!("{at}slice {} of {}", slice + 1, native.slices)
}

/// A place along a plane's normal in words: `at L 30.1 mm`, or `at ? 30.1 mm` where left and right are not known.
fn place_words(plane: Plane, mm: f64, sides_told: bool) -> String {
    let side = match (plane, mm >= 0.0) {
        (Plane::Sagittal, _) if !sides_told => "?",
        (Plane::Sagittal, false) => "L",
        (Plane::Sagittal, true) => "R",
        (Plane::Coronal, false) => "P",
        (Plane::Coronal, true) => "A",
        (Plane::Axial, false) => "I",
        (Plane::Axial, true) => "S",
    };
    format!("at {side} {:.1} mm", mm.abs())
}

/// Draws everything over a cell's picture; says where the words are that a click changes the axes on.
pub(super) fn draw(
    painter: &Painter,
    screen: &Screen,
    state: &AppState,
    canvas: &mut Canvas,
    (visit, plane): (&VisitState, Plane),
) -> Option<Rect> {
    if !state.view.hidden {
        draw_outlines(painter, screen, state, canvas, (visit, plane));
        if !state.view.lines_hidden {
            draw_crosshair(painter, screen, visit, plane);
        }
        super::sizes::draw(painter, screen, state, visit);
        super::koos::draw(painter, screen, state, visit);
        tool::draw_marks(painter, screen, state, (visit, plane));
    }
    draw_letters(painter, screen, sides_are_told(&visit.warnings));
    draw_scale_bar(painter, screen);
    if canvas.hovered
        == Some(Cell {
            visit: visit.id,
            plane,
        })
    {
        // Keys act on this plane.
        let stroke = Stroke::new(1.0, plane_colour(plane).gamma_multiply(0.6));
        painter.rect_stroke(screen.rect, 0.0, stroke, egui::StrokeKind::Inside);
    }
    draw_words(painter, screen, state, canvas, (visit, plane))
}

fn draw_outlines(
    painter: &Painter,
    screen: &Screen,
    state: &AppState,
    canvas: &mut Canvas,
    (visit, plane): (&VisitState, Plane),
) {
    let (parts, early) = match &visit.outlines {
        Some(outlines) => (&outlines.parts, false),
        None => (&visit.early, true),
    };
    if parts.is_empty() {
        return;
    }
    let style = &state.view.style;
    let cell = (visit.id, plane as usize);
    let found = canvas
        .outlined
        .get(cell, parts, visit.revision, &screen.view.frame);
    for (structure, contours) in found {
        if !style.structure(*structure).contour {
            continue;
        }
        let stroke = Stroke::new(CONTOUR_POINTS, colour(style, *structure));
        let pattern = style.pattern(*structure);
        for contour in contours {
            let mut points: Vec<Pos2> = contour
                .points_mm
                .iter()
                .map(|&mm| screen.position(screen.view.px_from_mm(mm)))
                .collect();
            // What may still change is dashed.
            if early {
                points.extend(points.first().copied().filter(|_| contour.closed));
                painter.extend(Shape::dashed_line(&points, stroke, DASH, DASH));
                continue;
            }
            if let Some((strokes, gaps)) = pattern {
                points.extend(points.first().copied().filter(|_| contour.closed));
                let [strokes, gaps] = [strokes, gaps].map(|widths| {
                    widths
                        .iter()
                        .map(|w| w * CONTOUR_POINTS)
                        .collect::<Vec<_>>()
                });
                painter.extend(Shape::dashed_line_with_offset(
                    &points, stroke, &strokes, &gaps, 0.0,
                ));
                continue;
            }
            painter.add(if contour.closed {
                PathShape::closed_line(points, stroke)
            } else {
                PathShape::line(points, stroke)
            });
        }
    }
    if state.view.edge_tolerance {
        draw_edge_tolerance(painter, screen, state, canvas, (visit, plane));
    }
}

/// The tumour's border half a voxel in and out, thin, and the volumes that they mean.
fn draw_edge_tolerance(
    painter: &Painter,
    screen: &Screen,
    state: &AppState,
    canvas: &mut Canvas,
    (visit, plane): (&VisitState, Plane),
) {
    let Some(edge) = visit.outlines.as_ref().and_then(|o| o.edge.as_deref()) else {
        return;
    };
    let tumour = colour(&state.view.style, Structure::VestibularSchwannoma);
    let stroke = Stroke::new(0.8, tumour.gamma_multiply(0.8));
    let cell = (visit.id, plane as usize);
    let lines = canvas
        .outlined
        .edge(cell, edge, visit.revision, &screen.view.frame);
    for contour in lines.iter().flatten() {
        let points = contour
            .points_mm
            .iter()
            .map(|&mm| screen.position(screen.view.px_from_mm(mm)))
            .collect();
        painter.add(if contour.closed {
            PathShape::closed_line(points, stroke)
        } else {
            PathShape::line(points, stroke)
        });
    }
    let [low, high] = edge.volume_range_mm3;
    let text = format!("border ± half a voxel: {low:.0} to {high:.0} mm³");
    // Below the letter of the edge, whatever the cell's width.
    let at = screen.rect.right_top() + Vec2::new(-8.0, 26.0);
    let font = FontId::proportional(12.0);
    words(painter, at, Align2::RIGHT_TOP, &text, &font, tumour);
}

/// Where the other two planes cut this one, each in its colour.
fn draw_crosshair(painter: &Painter, screen: &Screen, visit: &VisitState, plane: Plane) {
    let at = screen.position(screen.view.px_from_world(visit.crosshair));
    let (upright, level) = match plane {
        Plane::Axial => (Plane::Sagittal, Plane::Coronal),
        Plane::Coronal => (Plane::Sagittal, Plane::Axial),
        Plane::Sagittal => (Plane::Coronal, Plane::Axial),
    };
    let stroke = |plane| Stroke::new(1.0, plane_colour(plane).gamma_multiply(0.7));
    let (rect, gap) = (screen.rect, CROSSHAIR_GAP);
    let lines = [
        (
            [Pos2::new(at.x, rect.top()), Pos2::new(at.x, at.y - gap)],
            upright,
        ),
        (
            [Pos2::new(at.x, at.y + gap), Pos2::new(at.x, rect.bottom())],
            upright,
        ),
        (
            [Pos2::new(rect.left(), at.y), Pos2::new(at.x - gap, at.y)],
            level,
        ),
        (
            [Pos2::new(at.x + gap, at.y), Pos2::new(rect.right(), at.y)],
            level,
        ),
    ];
    for (line, plane) in lines {
        painter.add(Shape::line_segment(line, stroke(plane)));
    }
}

fn draw_letters(painter: &Painter, screen: &Screen, sides_told: bool) {
    let letters = edge_letters(&screen.view.frame);
    let [left, right, top, bottom] = if sides_told {
        letters
    } else {
        without_sides(letters)
    };
    let rect = screen.rect.shrink(5.0);
    let font = FontId::proportional(16.0);
    words(
        painter,
        rect.left_center(),
        Align2::LEFT_CENTER,
        &left,
        &font,
        TEXT,
    );
    words(
        painter,
        rect.right_center(),
        Align2::RIGHT_CENTER,
        &right,
        &font,
        TEXT,
    );
    words(
        painter,
        rect.center_top(),
        Align2::CENTER_TOP,
        &top,
        &font,
        TEXT,
    );
    words(
        painter,
        rect.center_bottom(),
        Align2::CENTER_BOTTOM,
        &bottom,
        &font,
        TEXT,
    );
}

fn draw_scale_bar(painter: &Painter, screen: &Screen) {
    let mm = scale_bar_mm(f64::from(screen.rect.width()) * screen.mm_per_point() * 0.25);
    let length = (mm / screen.mm_per_point()) as f32;
    let right = screen.rect.right_bottom() - Vec2::new(10.0, 10.0);
    let left = right - Vec2::new(length, 0.0);
    for (width, colour) in [(4.0, Color32::from_black_alpha(160)), (2.0, TEXT)] {
        let stroke = Stroke::new(width, colour);
        painter.line_segment([left, right], stroke);
        for end in [left, right] {
            painter.line_segment(
                [end - Vec2::new(0.0, 4.0), end + Vec2::new(0.0, 1.0)],
                stroke,
            );
        }
    }
    let middle = left + Vec2::new(length / 2.0, -5.0);
    words(
        painter,
        middle,
        Align2::CENTER_BOTTOM,
        &format!("{mm} mm"),
        &FontId::proportional(12.0),
        TEXT,
    );
}

fn draw_words(
    painter: &Painter,
    screen: &Screen,
    state: &AppState,
    canvas: &Canvas,
    (visit, plane): (&VisitState, Plane),
) -> Option<Rect> {
    let mut axes = None;
    let rect = screen.rect.shrink2(Vec2::new(8.0, 5.0));
    let (head, small) = (FontId::proportional(14.0), FontId::proportional(12.0));
    let corner = state.view.corner_text;
    let mut at = rect.left_top();
    if corner != CornerText::State {
        let title = capitalised(plane.name());
        let colour = plane_colour(plane);
        at = words(painter, at, Align2::LEFT_TOP, &title, &head, colour).left_bottom();
    }
    let mut line = |text: &str, colour| {
        let drawn = words(painter, at, Align2::LEFT_TOP, text, &small, colour);
        at = drawn.left_bottom();
        drawn
    };
    if let Some(name) = state
        .facts
        .name
        .as_ref()
        .filter(|_| !state.view.name_hidden)
    {
        line(name, TEXT);
    }
    if corner == CornerText::Full {
        line(&visit.title(), TEXT);
    }
    if let (Some(outlines), false) = (&visit.outlines, state.view.hidden) {
        line(
            &outlines.measured.finding.provenance.state.to_string(),
            CAUTION,
        );
    }
    if !visit.early.is_empty() && !state.view.hidden {
        line(EARLY, CAUTION);
    }
    let (guide, _) = state.cut_by(visit);
    if guide.id != visit.id {
        line(&format!("aligned, cut as {}", guide.title()), TEXT);
    }
    let native = &guide.planes[plane as usize];
    if let Some(oblique) = native.oblique_words() {
        let text = if state.view.anatomical {
            let degrees = native.oblique_degrees;
            format!("anatomical axes; the scan's slices are tilted by {degrees:.1}°")
        } else {
            oblique
        };
        axes = Some(line(&text, CAUTION));
    }
    if state.view.compare && !state.linked(visit) {
        let text = match &visit.alignment {
            Alignment::Failed { reason, .. } => format!("not aligned: {reason}"),
            _ => "not aligned, not linked".to_owned(),
        };
        line(&text, CAUTION);
    }
    if let Some(reason) = canvas.gpu.refusal(visit.id) {
        line(&format!("drawn by the processor: {reason}"), CAUTION);
    }
    if corner == CornerText::Full {
        let slice = slice_words(state, visit, plane);
        words(
            painter,
            rect.left_bottom(),
            Align2::LEFT_BOTTOM,
            &slice,
            &small,
            TEXT,
        );
    }
    axes
}

/// Text with a dark rim, readable on white; gives the rectangle it fills.
pub(super) fn words(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    font: &FontId,
    colour: Color32,
) -> Rect {
    for (x, y) in [(1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)] {
        painter.text(
            at + Vec2::new(x, y),
            anchor,
            text,
            font.clone(),
            Color32::from_black_alpha(200),
        );
    }
    painter.text(at, anchor, text, font.clone(), colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_side_where_left_and_right_are_not_known() {
        assert_eq!(place_words(Plane::Sagittal, -30.1, true), "at L 30.1 mm");
        for mm in [-30.1, 30.1] {
            assert_eq!(place_words(Plane::Sagittal, mm, false), "at ? 30.1 mm");
        }
        assert_eq!(place_words(Plane::Coronal, 2.0, false), "at A 2.0 mm");
    }
}
