//! `schwann measure`: size of each structure in a label map.
use super::output;
use crate::{
    io,
    measure::{SizeSide, StructureSize, structure_sizes},
    volume::LabelTable,
};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A label map: 1 = vestibular schwannoma, 2 = cochlea, 3 = brainstem, 4 = internal auditory canal, 5 = fourth ventricle.
    labels: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output {
    structures: Vec<StructureSize>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (labels, warnings) = io::read_labels(&arguments.labels, &LabelTable::default())?;
    output::warnings(&warnings);
    let output = Output {
        structures: structure_sizes(&labels),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    };
    output::result(json, &output, || table(&output.structures))
}

/// One line a structure, for people.
pub(super) fn table(structures: &[StructureSize]) -> String {
    if structures.is_empty() {
        return "no labelled structure".to_owned();
    }
    let mut text = format!(
        "{:<26}{:>6}{:>14}{:>14}{:>12}{:>14}",
        "structure", "side", "volume mm³", "surface mm²", "3D max mm", "axial max mm"
    );
    for s in structures {
        let side = match s.side {
            Some(SizeSide::Left) => "left",
            Some(SizeSide::Right) => "right",
            Some(SizeSide::Both) => "both",
            None => "",
        };
        text += &format!(
            "\n{:<26}{side:>6}{:>14.1}{:>14.1}{:>12.1}{:>14.1}",
            s.structure.name(),
            s.volume_mm3,
            s.surface_mm2,
            s.max_diameter_3d_mm,
            s.max_axial_diameter_mm
        );
    }
    text
}
