//! The brainstem inspector: every number of the evidence with its place, the profile across the gap, and the views of it.
use crate::{
    app::{
        command::Command,
        koos::KoosCommand,
        panel::{capitalised, caution, row, rows},
        state::{AppState, Outlines, VisitState},
    },
    measure::{CleftTest, HeadPosition, KoosAssessment, KoosMeasure, StructureSize},
    volume::Structure,
};
use egui::{Button, Color32, RichText, Ui};
use egui_plot::{HLine, Line, LineStyle, Plot, PlotPoints, VLine};
use glam::DVec3;

/// Height of the plot, points.
const PLOT_HEIGHT: f32 = 150.0;

/// What the 3D view shows, the numbers with their places, and the profile.
pub(super) fn inspector_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, outlines): (&VisitState, &Outlines),
    out: &mut Vec<Command>,
) {
    let koos = &outlines.measured.finding.koos;
    views_ui(ui, state, (visit, outlines), out);
    for measure in koos.evidence.measures() {
        measure_ui(ui, visit, &measure, out);
    }
    rows(ui, ("evidence", visit.id.0), |ui| {
        if let Some([first, last]) = koos.evidence.contact_slices {
            let text = format!("{} to {}", first + 1, last + 1);
            row(ui, "Axial slices with contact", text);
        }
    });
    if let Some(porus) = &koos.evidence.porus_plane {
        let text = format!("Porus plane: {}", porus.source);
        let line = ui.selectable_label(false, RichText::new(text).small());
        if line.on_hover_text("All planes go there").clicked() {
            let at = DVec3::from(porus.point_ras_mm);
            out.push(Command::Koos(KoosCommand::Show(visit.id, at)));
        }
    }
    if let Some(cleft) = &koos.evidence.cleft {
        cleft_ui(ui, state, (visit, koos, cleft), out);
    }
}

/// A number as the panel and its tests write it.
fn words(measure: &KoosMeasure) -> String {
    let name = capitalised(measure.name);
    measure.value.map_or_else(
        || format!("{name}: not measured"),
        |value| {
            let error = measure.total_error();
            let text = format!("{name}: {value:.1} ± {error:.1} {}", measure.unit);
            text.trim_end().to_owned()
        },
    )
}

/// One number; a click takes all planes to where it was measured.
fn measure_ui(ui: &mut Ui, visit: &VisitState, measure: &KoosMeasure, out: &mut Vec<Command>) {
    let text = RichText::new(words(measure)).small();
    let place = measure.at_ras_mm.filter(|_| measure.value.is_some());
    let Some(place) = place else {
        ui.label(text.weak());
        return;
    };
    let line = ui.selectable_label(false, text);
    let hint = "All planes go to where it was measured. The error is what 95 of 100 phantoms lie within; it says nothing of errors of the outline, nor of patients.";
    if line.on_hover_text(hint).clicked() {
        let at = DVec3::from(place);
        out.push(Command::Koos(KoosCommand::Show(visit.id, at)));
    }
}

/// Gap and contact in planes and 3D, the compression map, the surgeon's view.
fn views_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, outlines): (&VisitState, &Outlines),
    out: &mut Vec<Command>,
) {
    let view = &state.view.koos;
    let mut drawn = view.drawn;
    if ui
        .checkbox(&mut drawn, "Draw gap and contact")
        .on_hover_text("In the planes and on the surfaces in 3D: the gap blue, the contact red")
        .changed()
    {
        out.push(Command::Koos(KoosCommand::Draw(drawn)));
    }
    let basis = outlines.tumour.as_deref();
    let mirrored = outlines
        .measured
        .finding
        .koos
        .evidence
        .mirror_plane
        .is_some();
    let mut compression = view.compression;
    let check = ui.add_enabled(
        mirrored,
        egui::Checkbox::new(&mut compression, "Compression map in 3D"),
    );
    let check = check
        .on_hover_text("The brainstem's surface against its own mirrored other side, on the levels of the tumour")
        .on_disabled_hover_text("Without a brainstem and both cochleae there is no mirror");
    if check.changed() {
        out.push(Command::Koos(KoosCommand::Compression(compression)));
    }
    ui.horizontal(|ui| {
        ui.label(RichText::new("Surgeon's view").weak());
        for position in HeadPosition::ALL {
            let there = basis.is_some_and(|b| b.surgeon_view(position).is_some());
            let name = capitalised(position.words());
            let button = ui.add_enabled(there, Button::new(name).small());
            button.widget_info(|| {
                let text = format!("Surgeon's view, patient {}", position.words());
                egui::WidgetInfo::labeled(egui::Role::Button, there, text)
            });
            let hint = "3D along the retrosigmoid approach: from behind the ear of the tumour's side, along the petrous bone";
            if button
                .on_hover_text(hint)
                .on_disabled_hover_text("Needs the cochleae and a tumour on one side")
                .clicked()
            {
                out.push(Command::Koos(KoosCommand::Surgeon(visit.id, position)));
            }
        }
    });
}

/// Where the outlines have no brainstem: one click shows it.
pub(super) fn brainstem_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, outlines): (&VisitState, &Outlines),
    out: &mut Vec<Command>,
) {
    let is_brainstem = |s: &StructureSize| s.structure == Structure::Brainstem;
    if outlines.sizes.iter().any(is_brainstem) {
        return;
    }
    if state.view.koos.seeking == Some(visit.id) {
        ui.label(RichText::new("Click into the middle of the pons in a plane").color(caution(ui)));
        if ui.button("Cancel").clicked() {
            out.push(Command::Koos(KoosCommand::Seek(None)));
        }
        return;
    }
    let free = !outlines.is_locked();
    let button = ui.add_enabled(free, Button::new("Show me the brainstem"));
    let hint = "The outlines have no brainstem. Click here, then into it in a plane: it is outlined from there, as a step that can be undone";
    if button.on_hover_text(hint).clicked() {
        out.push(Command::Koos(KoosCommand::Seek(Some(visit.id))));
    }
}

/// What the scan shows between tumour and brainstem, in words and as a plot.
fn cleft_ui(
    ui: &mut Ui,
    state: &AppState,
    (visit, koos, cleft): (&VisitState, &KoosAssessment, &CleftTest),
    out: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    ui.label(RichText::new("Fluid between tumour and brainstem").strong());
    ui.label(capitalised(&cleft.decision()));
    let count = cleft.profiles.len();
    let Some(last) = count.checked_sub(1) else {
        return;
    };
    let way = state.view.koos.way.min(last);
    ui.horizontal(|ui| {
        for (name, text, to) in [
            ("Way before", "Back", way.checked_sub(1)),
            ("Next way", "Next", (way < last).then_some(way + 1)),
        ] {
            let button = ui.add_enabled(to.is_some(), Button::new(text).small());
            button
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, to.is_some(), name));
            if let (true, Some(to)) = (button.clicked(), to) {
                out.push(Command::Koos(KoosCommand::Way(visit.id, to)));
            }
        }
        let text = format!("Way {} of {count}", way + 1);
        let line = ui.selectable_label(false, text);
        if line
            .on_hover_text("All planes go to its middle; those with the least fluid come first")
            .clicked()
        {
            out.push(Command::Koos(KoosCommand::Way(visit.id, way)));
        }
    });
    plot_ui(ui, (visit, way, cleft));
    if let Some(profile) = cleft.profiles.get(way) {
        let said = if profile.cleft { "fluid" } else { "no fluid" };
        let text = format!(
            "This way: peak {:.2} of the step from brain to fluid, at {:.1} mm: {said}",
            profile.peak, profile.peak_mm
        );
        ui.label(RichText::new(text).small());
    }
    let gap = koos.evidence.brainstem_gap_mm;
    if gap.is_some_and(|mm| mm > 0.0) {
        return;
    }
    ui.label(
        RichText::new("The outlines touch: the ways run through the middle of the contact")
            .small()
            .weak(),
    );
}

/// The intensities along all ways, the chosen one strong, with the levels of brain, threshold and fluid.
fn plot_ui(ui: &mut Ui, (visit, way, cleft): (&VisitState, usize, &CleftTest)) {
    let text = ui.visuals().text_color();
    let faint = text.gamma_multiply(0.25);
    let marked = if ui.visuals().dark_mode {
        Color32::from_rgb(120, 230, 255)
    } else {
        Color32::from_rgb(0, 105, 140)
    };
    let decides = caution(ui);
    let response = Plot::new(("profile", visit.id.0))
        .height(PLOT_HEIGHT)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .x_axis_label("mm from the tumour's surface")
        // Room for the word above fluid.
        .include_y(1.2 * cleft.fluid_intensity.unwrap_or_default())
        .show(ui, |plot| {
            for (n, profile) in cleft.profiles.iter().enumerate() {
                if n != way {
                    let points = points(&profile.positions_mm, &profile.intensities);
                    plot.line(Line::new("", points).color(faint).width(1.0));
                }
            }
            for (name, level, colour) in [
                ("brain", cleft.brain_intensity, text),
                ("threshold", cleft.threshold_intensity, decides),
                ("fluid", cleft.fluid_intensity, text),
            ] {
                if let Some(level) = level {
                    let line = HLine::new(name, level).color(colour).width(1.0);
                    plot.hline(line.style(LineStyle::dashed_loose()));
                    let at = egui_plot::PlotPoint::new(-3.9, level);
                    let name = RichText::new(name).small();
                    let label = egui_plot::Text::new("level", at, name).color(colour);
                    plot.text(label.anchor(egui::Align2::LEFT_BOTTOM));
                }
            }
            let Some(profile) = cleft.profiles.get(way) else {
                return;
            };
            let [a, b] = [profile.tumour_ras_mm, profile.brainstem_ras_mm].map(DVec3::from);
            for mm in [0.0, a.distance(b)] {
                plot.vline(VLine::new("surface", mm).color(text).width(1.0));
            }
            let chosen = points(&profile.positions_mm, &profile.intensities);
            plot.line(Line::new("intensity", chosen).color(marked).width(2.0));
        });
    response.response.widget_info(|| {
        let words = "Intensity of the scan from the tumour into the brainstem; upright lines are their surfaces";
        egui::WidgetInfo::labeled(egui::Role::Image, true, words)
    });
}

fn points(x: &[f64], y: &[f64]) -> PlotPoints<'static> {
    let pairs: Vec<[f64; 2]> = x.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
    PlotPoints::from(pairs)
}
