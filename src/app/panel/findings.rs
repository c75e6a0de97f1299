//! What was found in the shown visits: sizes with their error, Koos grade with its evidence, provenance.
use super::{
    caution, cautions, heading, row, rows,
    school::{answer_ui, committed_ui, name_ui},
};
use crate::{
    app::{
        command::{Command, EditCommand},
        state::{AppState, Outlines, VisitState},
    },
    io::Making,
    measure::{SizeSide, StructureSize, volume_text},
    patient::{Finding, TumourSize},
    volume::{Structure, sides_are_told},
};
use egui::{CollapsingHeader, RichText, ScrollArea, Ui};

/// Findings of every shown visit.
pub(in crate::app) fn findings_ui(ui: &mut Ui, state: &AppState, out: &mut Vec<Command>) {
    ScrollArea::vertical()
        .auto_shrink([false; 2])
        .show(ui, |ui| {
            let shown = state.shown();
            if shown.is_empty() {
                heading(ui, "Findings");
                ui.label(RichText::new("No scan is open").weak());
            }
            if let [a, b] = shown[..] {
                comparison_ui(ui, a, b);
                for visit in [a, b] {
                    CollapsingHeader::new(format!("Findings, {}", visit.title()))
                        .id_salt(("findings", visit.id.0))
                        .show(ui, |ui| visit_ui(ui, state, visit, out));
                }
            } else {
                for visit in shown {
                    heading(ui, &format!("Findings, {}", visit.title()));
                    visit_ui(ui, state, visit, out);
                }
            }
        });
}

pub(super) fn visit_ui(ui: &mut Ui, state: &AppState, visit: &VisitState, out: &mut Vec<Command>) {
    if let Some(reading) = state.school.reading(visit.id) {
        ui.label(RichText::new("Read blind").strong());
        ui.label("Outlines, sizes and grade stay hidden until you commit a grade.");
        name_ui(ui, state, out);
        return answer_ui(ui, state, visit.id, reading, out);
    }
    if let Some(answer) = state.school.committed(visit.id) {
        committed_ui(ui, answer);
    }
    match &visit.outlines {
        Some(outlines) => outlines_ui(ui, state, visit, outlines, out),
        None => {
            ui.label(RichText::new("Not segmented yet").weak());
        }
    }
}

/// A measure of a visit in words.
type Measure = fn(&VisitState) -> Option<String>;

/// What two visits are compared by.
const COMPARED: [(&str, Measure); 6] = [
    ("Volume", |v| {
        Some(format!("{} mm³", volume_text(tumour(v)?.volume_mm3)))
    }),
    ("  95 % error", |v| {
        let extent = v.outlines.as_ref()?.measured.extent()?;
        Some(format!("± {} mm³", volume_text(extent.loa95_mm3())))
    }),
    ("Axial diameter", |v| {
        Some(format!("{:.1} mm", tumour(v)?.max_axial_diameter_mm))
    }),
    ("  outside the canal", |v| {
        Some(format!("{:.1} mm", tumour(v)?.extrameatal_diameter_mm?))
    }),
    ("Koos grade", |v| Some(finding(v)?.koos.grade_text())),
    ("State", |v| Some(finding(v)?.provenance.state.to_string())),
];

fn finding(visit: &VisitState) -> Option<&Finding> {
    Some(&visit.outlines.as_ref()?.measured.finding)
}

fn tumour(visit: &VisitState) -> Option<&TumourSize> {
    finding(visit)?.tumour.as_ref()
}

/// The measures of two visits beside each other.
fn comparison_ui(ui: &mut Ui, a: &VisitState, b: &VisitState) {
    heading(ui, "Both visits");
    egui::Grid::new("comparison")
        .num_columns(3)
        .spacing([10.0, 4.0])
        .striped(true)
        .show(ui, |ui| {
            ui.label("");
            for visit in [a, b] {
                ui.label(RichText::new(visit.title()).strong());
            }
            ui.end_row();
            for (name, measure) in COMPARED {
                ui.label(RichText::new(name).weak());
                for visit in [a, b] {
                    ui.label(measure(visit).unwrap_or_else(|| "not measured".to_owned()));
                }
                ui.end_row();
            }
        });
    ui.add_space(6.0);
}

fn outlines_ui(
    ui: &mut Ui,
    state: &AppState,
    visit: &VisitState,
    outlines: &Outlines,
    out: &mut Vec<Command>,
) {
    let finding = &outlines.measured.finding;
    let said = finding.provenance.state;
    let words = outlines
        .edits
        .reviewed
        .as_ref()
        .map_or_else(|| said.to_string(), ToString::to_string);
    let colour = if said.is_draft() {
        caution(ui)
    } else {
        super::good(ui)
    };
    ui.label(
        RichText::new(super::capitalised(&words))
            .strong()
            .color(colour),
    );
    if outlines.edits.measuring {
        live_ui(ui, visit, outlines, out);
    }
    let tumour = outlines
        .sizes
        .iter()
        .find(|s| s.structure == Structure::VestibularSchwannoma);
    match tumour {
        Some(size) => tumour_ui(ui, state, visit, size, out),
        None => {
            ui.label("No vestibular schwannoma was outlined");
        }
    }
    super::koos::koos_ui(ui, state, (visit, outlines), out);
    CollapsingHeader::new("Other structures")
        .id_salt(("structures", visit.id.0))
        .default_open(true)
        .show(ui, |ui| structures_ui(ui, visit, &outlines.sizes));
    CollapsingHeader::new("Where this comes from")
        .id_salt(("provenance", visit.id.0))
        .default_open(true)
        .show(ui, |ui| provenance_ui(ui, visit, outlines));
    let warnings: Vec<String> = finding
        .warnings
        .iter()
        .chain(&finding.koos.warnings)
        .cloned()
        .collect();
    cautions(ui, &warnings);
}

/// The volume while what else there is to measure is out of date.
fn live_ui(ui: &mut Ui, visit: &VisitState, outlines: &Outlines, out: &mut Vec<Command>) {
    let now = outlines.live_volume_mm3(Structure::VestibularSchwannoma);
    let old = if outlines.edits.live.is_empty() {
        "The numbers below are out of date: they are measured anew."
    } else {
        let text = format!("Edited: {} mm³ by counting voxels", volume_text(now));
        ui.label(RichText::new(text).strong());
        "The numbers below are of the outlines before."
    };
    ui.label(RichText::new(old).color(caution(ui)));
    if ui.button("Measure now").clicked() {
        out.push(Command::Edit(visit.id, EditCommand::Measure));
    }
}

fn tumour_ui(
    ui: &mut Ui,
    state: &AppState,
    visit: &VisitState,
    size: &StructureSize,
    out: &mut Vec<Command>,
) {
    let extent = visit.outlines.as_ref().and_then(|o| o.measured.extent());
    let error = extent.map_or(0.0, |e| e.loa95_mm3());
    let cut = size.at_scan_edge;
    let least = if cut { "at least " } else { "" };
    let volume = format!("{least}{} mm³", volume_text(size.volume_mm3));
    ui.label(RichText::new(volume).size(24.0).strong());
    let percent = 100.0 * error / size.volume_mm3;
    ui.label(if cut {
        RichText::new("The scan cuts the tumour: all sizes are lower limits").color(caution(ui))
    } else {
        RichText::new(format!(
            "± {} mm³ ({percent:.0} %), 95 % measurement error",
            volume_text(error)
        ))
    });
    let interval = visit
        .outlines
        .as_ref()
        .and_then(|o| o.tumour_interval95_mm3)
        .filter(|_| !cut);
    if let Some([low, high]) = interval {
        let text = format!(
            "The model's own interval: {} to {} mm³",
            volume_text(low),
            volume_text(high)
        );
        ui.label(text).on_hover_text(
            "Between the voxels that the model is nearly sure of and all that it thinks possible; it held the true volume for 95 % of the synthetic tumours that the model was calibrated on",
        );
    }
    rows(ui, ("tumour", visit.id.0), |ui| {
        let told = sides_are_told(&visit.warnings);
        if let Some(side) = size.side.and_then(|side| side.where_told(told)) {
            row(ui, "Side", side_words(side));
        }
        row(ui, "Surface", format!("{:.0} mm²", size.surface_mm2));
        let edge = visit.outlines.as_ref().and_then(|o| o.edge.as_deref());
        if let Some(edge) = edge {
            let [low, high] = edge.volume_range_mm3.map(volume_text);
            row(ui, "Border ± half a voxel", format!("{low} to {high} mm³"));
        }
        if size.components > 1 {
            row(ui, "Separate parts", size.components.to_string());
        }
    });
    super::sizes::sizes_ui(ui, state, visit, size, out);
}

fn side_words(side: SizeSide) -> &'static str {
    match side {
        SizeSide::Left => "patient's left",
        SizeSide::Right => "patient's right",
        SizeSide::Both => "both sides",
    }
}

fn structures_ui(ui: &mut Ui, visit: &VisitState, sizes: &[StructureSize]) {
    rows(ui, ("other", visit.id.0), |ui| {
        for size in sizes
            .iter()
            .filter(|s| s.structure != Structure::VestibularSchwannoma)
        {
            row(
                ui,
                size.structure.name(),
                format!("{} mm³", volume_text(size.volume_mm3)),
            );
        }
    });
}

fn provenance_ui(ui: &mut Ui, visit: &VisitState, outlines: &Outlines) {
    let provenance = &outlines.measured.finding.provenance;
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    rows(ui, ("provenance", visit.id.0), |ui| {
        match &provenance.model {
            Some(model) => {
                row(ui, "Model", format!("{} {}", model.name, model.version));
                row(ui, "Weights", format!("SHA-256 {}…", short(&model.sha256)));
            }
            None if outlines.making == Making::Manual => {
                row(ui, "Model", "none: outlines drawn by hand");
            }
            None => row(ui, "Model", "none: outlines from a file"),
        }
        if let Some(device) = &provenance.device {
            let seconds = outlines
                .seconds
                .map_or_else(String::new, |s| format!(", {s:.1} s"));
            row(ui, "Ran on", format!("{device}{seconds}"));
        }
        row(
            ui,
            "Scan",
            format!("SHA-256 {}…", short(&provenance.scan_sha256)),
        );
        row(
            ui,
            "Software",
            format!("Schwann {}", provenance.software_version),
        );
    });
}
