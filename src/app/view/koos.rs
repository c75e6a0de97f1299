//! What the grade rests on, drawn where it was measured: the gap, the contact, the way across the gap that is plotted.
use super::{cell::Screen, overlay};
use crate::{
    app::state::{AppState, VisitState},
    measure::{CleftProfile, KoosAssessment},
};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2};
use glam::DVec3;

/// Of the gap and the way that is plotted.
pub(super) const GAP: Color32 = Color32::from_rgb(120, 230, 255);
/// Of the contact: no structure has it.
pub(super) const CONTACT: Color32 = Color32::from_rgb(255, 50, 50);
/// A line this far out of the plane is still drawn whole, mm.
const IN_PLANE_MM: f64 = 1.0;
/// What lies farther out of the plane than this is not drawn in it, mm.
const NEAR_MM: f64 = 4.0;
/// A gap that is shorter is a contact, mm.
const SHORTEST_MM: f64 = 0.2;

/// What was measured of a visit.
pub(super) fn assessed(visit: &VisitState) -> Option<&KoosAssessment> {
    Some(&visit.outlines.as_ref()?.measured.finding.koos)
}

/// The way across the gap that is plotted.
fn way<'a>(state: &AppState, koos: &'a KoosAssessment) -> Option<&'a CleftProfile> {
    let profiles = &koos.evidence.cleft.as_ref()?.profiles;
    profiles.get(state.view.koos.way).or(profiles.first())
}

/// Gap, contact and way, where they lie in or near this plane.
pub(super) fn draw(painter: &Painter, screen: &Screen, state: &AppState, visit: &VisitState) {
    let Some(koos) = assessed(visit).filter(|_| state.view.koos.drawn) else {
        return;
    };
    let frame = &screen.view.frame;
    let place = |p: DVec3| {
        let (mm, depth) = frame.project(p);
        (screen.position(screen.view.px_from_mm(mm)), depth)
    };
    let outlines = visit.outlines.as_ref();
    let basis = outlines.and_then(|o| o.tumour.as_deref());
    let normal = frame.into_screen();
    for face in basis.map_or(&[][..], |b| b.contact_faces()) {
        if let Some(ends) = face.cut(frame.centre, normal) {
            painter.line_segment(ends.map(|p| place(p).0), Stroke::new(3.0, CONTACT));
        }
    }
    let line = |ends: [DVec3; 2], text: &str| {
        let [(a, near), (b, far)] = ends.map(place);
        if near.abs().min(far.abs()) > NEAR_MM {
            return;
        }
        if near.abs().max(far.abs()) < IN_PLANE_MM {
            painter.line_segment([a, b], Stroke::new(1.6, GAP));
        } else {
            painter.extend(Shape::dotted_line(&[a, b], GAP, 4.0, 1.0));
        }
        for end in [a, b] {
            painter.circle_filled(end, 2.5, GAP);
        }
        let (at, font) = (a.max(b) + Vec2::new(6.0, 6.0), FontId::proportional(12.0));
        overlay::words(painter, at, Align2::LEFT_TOP, text, &font, GAP);
    };
    let e = &koos.evidence;
    if let (Some(ends), Some(mm)) = (e.nearest_points_ras_mm, e.brainstem_gap_mm)
        && mm >= SHORTEST_MM
    {
        line(ends.map(DVec3::from), &format!("gap {mm:.1} mm"));
    }
    if let Some(profile) = way(state, koos) {
        // As long as the plot: beyond both surfaces.
        let [a, b] = [profile.tumour_ras_mm, profile.brainstem_ras_mm].map(DVec3::from);
        let ends = [profile.positions_mm.first(), profile.positions_mm.last()];
        let along = (b - a).try_normalize();
        if let (Some(along), [Some(from), Some(to)]) = (along, ends) {
            let [(from, near), (to, far)] = [*from, *to].map(|mm| place(a + along * mm));
            if near.abs().max(far.abs()) < NEAR_MM {
                let stroke = Stroke::new(1.0, GAP.gamma_multiply(0.7));
                painter.extend(Shape::dashed_line(&[from, to], stroke, 4.0, 3.0));
            }
        }
    }
    if let Some((at, depth)) = e.indentation_point_ras_mm.map(|p| place(DVec3::from(p)))
        && depth.abs() < NEAR_MM
    {
        painter.circle_stroke(at, 4.0, Stroke::new(1.4, CONTACT));
    }
}

/// The gap over the surfaces: what a picture of meshes cannot show inside of them.
pub(super) fn draw_solid(
    painter: &Painter,
    (rect, scale): (Rect, f64),
    (state, visit): (&AppState, &VisitState),
    camera: &crate::render::scene::Camera,
) {
    let Some(koos) = assessed(visit).filter(|_| state.view.koos.drawn) else {
        return;
    };
    let size_px = [rect.width(), rect.height()].map(|x| f64::from(x) * scale);
    let view = camera.view(size_px);
    let place = |p: [f64; 3]| {
        let [x, y] = view
            .px_from_world(DVec3::from(p))
            .map(|x| (x / scale) as f32);
        Pos2::new(rect.left() + x, rect.top() + y)
    };
    let e = &koos.evidence;
    if let (Some(ends), Some(mm)) = (e.nearest_points_ras_mm, e.brainstem_gap_mm)
        && mm >= SHORTEST_MM
    {
        let ends = ends.map(place);
        painter.line_segment(ends, Stroke::new(2.0, GAP));
        for end in ends {
            painter.circle_filled(end, 3.0, GAP);
        }
        let (at, font) = (
            ends[0].max(ends[1]) + Vec2::new(6.0, 6.0),
            FontId::proportional(12.0),
        );
        let text = format!("gap {mm:.1} mm");
        overlay::words(painter, at, Align2::LEFT_TOP, &text, &font, GAP);
    }
    if let Some(at) = e.indentation_point_ras_mm.map(place) {
        painter.circle_stroke(at, 5.0, Stroke::new(1.6, CONTACT));
    }
}
