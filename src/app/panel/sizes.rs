//! Parts and diameters of the tumour, each by a rule with a name, and the porus plane that divides it.
use super::{capitalised, row, rows};
use crate::{
    app::{
        by_hand::PorusShift,
        command::{Command, EditCommand, ViewCommand},
        state::{AppState, Outlines, VisitState},
    },
    measure::{Diameter, PartVolume, StructureSize, volume_text},
};
use egui::{Button, CollapsingHeader, RichText, Slider, Ui};

/// Farthest that the plane is moved, mm, and turned, degrees.
const MOVED_MM: f64 = 8.0;
const TURNED: f64 = 30.0;

pub(super) fn sizes_ui(
    ui: &mut Ui,
    state: &AppState,
    visit: &VisitState,
    size: &StructureSize,
    out: &mut Vec<Command>,
) {
    let outlines = visit.outlines.as_ref();
    let tumour = outlines.and_then(|o| o.measured.finding.tumour.as_ref());
    let Some(measures) = tumour.and_then(|t| t.measures.as_ref()) else {
        rows(ui, ("diameters", visit.id.0), |ui| {
            let mm = format!("{:.1} mm", size.max_axial_diameter_mm);
            row(ui, "Largest axial diameter", mm);
            let mm = format!("{:.1} mm", size.max_diameter_3d_mm);
            row(ui, "Largest diameter in 3D", mm);
        });
        return;
    };
    let part = |p: PartVolume| {
        let [low, high] = p.interval95_mm3.map(volume_text);
        format!("{} mm³ (95 % {low} to {high})", volume_text(p.volume_mm3))
    };
    rows(ui, ("parts", visit.id.0), |ui| {
        for (name, volume) in [
            ("Outside the canal", measures.volumes.extrameatal),
            ("Within the canal", measures.volumes.intrameatal),
        ] {
            if let Some(volume) = volume {
                row(ui, name, part(volume));
            }
        }
    });
    CollapsingHeader::new("Diameters")
        .id_salt(("diameters", visit.id.0))
        .default_open(true)
        .show(ui, |ui| {
            for d in measures.diameters.iter() {
                let on = state.view.diameter == Some(d.which);
                let text = format!(
                    "{}: {:.1} ± {:.1} mm",
                    capitalised(d.which.name()),
                    d.value_mm,
                    d.error95_mm
                );
                let label = ui
                    .selectable_label(on, RichText::new(text).small())
                    .on_hover_text(format!(
                        "{} Click to see its line. The error is that of the voxels alone.",
                        d.rule
                    ));
                if label.clicked() {
                    let which = (!on).then_some(d.which);
                    out.push(Command::View(ViewCommand::Diameter(visit.id, which)));
                }
                let pulled = outlines.is_some_and(|o| o.by_hand.has_line(d.which));
                if on || pulled {
                    line_ui(ui, visit, d, pulled, out);
                }
            }
            if measures.porus_plane.is_some() {
                porus_ui(ui, state, visit, out);
            }
        });
}

/// Who set the ends of a line, and the way back.
fn line_ui(ui: &mut Ui, visit: &VisitState, line: &Diameter, pulled: bool, out: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        if !pulled {
            ui.label(
                RichText::new("Pull its ends in a plane to set them")
                    .small()
                    .weak(),
            );
            return;
        }
        let text = RichText::new("Ends set by a reader").small();
        ui.label(text.color(super::caution(ui)));
        let locked = visit.outlines.as_ref().is_none_or(Outlines::is_locked);
        let name = format!("As measured: {}", line.which.name());
        let button = ui.add_enabled(!locked, Button::new("As measured").small());
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !locked, &name));
        if button.clicked() {
            for command in [
                EditCommand::MoveLine(line.which, None),
                EditCommand::EndMove,
            ] {
                out.push(Command::Edit(visit.id, command));
            }
        }
    });
}

/// The plane, to be seen and moved.
fn porus_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    let Some(outlines) = &visit.outlines else {
        return;
    };
    let mut shown = state.view.porus;
    if ui
        .checkbox(&mut shown, "Porus plane")
        .on_hover_text("Draw it in the planes (R)")
        .changed()
    {
        out.push(Command::View(ViewCommand::TogglePorus));
    }
    if !shown {
        return;
    }
    let mut shift = outlines.by_hand.porus;
    let mut let_go = false;
    let free = !outlines.is_locked() && outlines.tumour.is_some();
    ui.add_enabled_ui(free, |ui| {
        for (name, value, most, suffix, hint) in [
            (
                "Moved",
                &mut shift.offset_mm,
                MOVED_MM,
                " mm",
                "Towards the cerebellopontine angle",
            ),
            (
                "Turned forwards",
                &mut shift.forwards_degrees,
                TURNED,
                "°",
                "Its normal leans to the front",
            ),
            (
                "Turned upwards",
                &mut shift.upwards_degrees,
                TURNED,
                "°",
                "Its normal leans to the head",
            ),
        ] {
            ui.horizontal(|ui| {
                let label = ui.label(RichText::new(name).small());
                let slider = Slider::new(value, -most..=most)
                    .fixed_decimals(1)
                    .suffix(suffix);
                let slider = ui.add(slider).labelled_by(label.id).on_hover_text(hint);
                let_go |= slider.drag_stopped() || slider.lost_focus();
            });
        }
        let found = shift == PorusShift::default();
        if ui.add_enabled(!found, Button::new("As found")).clicked() {
            shift = PorusShift::default();
            let_go = true;
        }
    });
    if shift != outlines.by_hand.porus {
        out.push(Command::Edit(visit.id, EditCommand::MovePorus(shift)));
    }
    if let_go {
        out.push(Command::Edit(visit.id, EditCommand::EndMove));
    }
    if outlines.by_hand.porus != PorusShift::default() {
        let text = "Parts, diameters and Koos evidence are at the moved plane.";
        ui.label(RichText::new(text).small().color(super::caution(ui)));
    }
}
