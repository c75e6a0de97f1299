//! `schwann measure`: size of each structure in a label map.
use super::{output, scheme::Scheme};
use crate::{
    measure::{
        Diameter, PartVolume, SizeSide, StructureSize, TumourGeometry, TumourMeasures,
        structure_sizes, volume_text,
    },
    volume::{LabelMap, Structure, sides_are_told},
};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A label map: 1 = vestibular schwannoma, 2 = cochlea, 3 = brainstem, 4 = internal auditory canal, 5 = fourth ventricle, 6 = cerebellum.
    labels: PathBuf,
    #[command(flatten)]
    scheme: Scheme,
}

#[derive(Debug, Serialize)]
struct Output {
    structures: Vec<StructureSize>,
    /// The tumour at its porus plane; none without one.
    tumour: Option<TumourMeasures>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let (labels, warnings) = arguments.scheme.read(&arguments.labels)?;
    output::warnings(&warnings);
    let output = Output::of(&labels, warnings);
    output::result(json, &output, || output.text())
}

impl Output {
    fn of(labels: &LabelMap, warnings: Vec<String>) -> Self {
        Self {
            structures: sizes(labels, &warnings),
            tumour: TumourGeometry::of(labels).map(|t| t.measures(None)),
            warnings,
        }
    }

    fn text(&self) -> String {
        let tumour = |s: &&StructureSize| s.structure == Structure::VestibularSchwannoma;
        let cut = (self.structures.iter().find(tumour)).is_some_and(|s| s.at_scan_edge);
        let sizes = self.tumour.as_ref();
        let sizes = sizes.map_or_else(String::new, |measures| tumour_sizes(measures, cut));
        table(&self.structures) + &sizes
    }
}

/// The size of each structure, with what may be told of its side where the scan had these warnings.
pub(super) fn sizes(labels: &LabelMap, warnings: &[String]) -> Vec<StructureSize> {
    let told = sides_are_told(warnings);
    let mut sizes = structure_sizes(labels);
    for size in &mut sizes {
        size.side = size.side.and_then(|side| side.where_told(told));
    }
    sizes
}

/// Part volumes and diameters of a tumour, one a line, for people. Where the scan cuts it, the volumes are lower limits without intervals.
pub(super) fn tumour_sizes(measures: &TumourMeasures, cut: bool) -> String {
    let volume = |name: &str, part: Option<PartVolume>| {
        part.map_or_else(String::new, |p| {
            let value = volume_text(p.volume_mm3);
            if cut {
                let least = format!("at least {value}");
                return format!("\n{name:<37}{least:>17} mm³");
            }
            let [low, high] = p.interval95_mm3.map(volume_text);
            format!("\n{name:<46}{value:>8} mm³ (95 %: {low} to {high})")
        })
    };
    let length = |d: &Diameter| {
        let (value, error) = (d.value_mm, d.error95_mm);
        format!("\n{:<46}{value:>8.1} mm ± {error:.1}", d.which.name())
    };
    let volumes = &measures.volumes;
    let mut text = volume("whole tumour", Some(volumes.whole))
        + &volume("extrameatal part", volumes.extrameatal)
        + &volume("intrameatal part", volumes.intrameatal);
    text.extend(measures.diameters.iter().map(length));
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, LabelTable, SIDES_UNTOLD};
    use glam::DVec3;

    /// What is told of a block of tumour that begins at this voxel along the first axis.
    fn text(from: usize) -> String {
        let grid = Grid::axis_aligned([20, 24, 16], [1.0, 1.0, 1.0], DVec3::ZERO).unwrap();
        let inside = |[x, y, z]: [usize; 3]| {
            (from..from + 6).contains(&x) && (8..14).contains(&y) && (5..11).contains(&z)
        };
        let labels = (0..grid.len()).map(|n| u8::from(inside(grid.voxel(n))));
        let labels = LabelMap::new(grid, labels.collect(), LabelTable::default()).unwrap();
        Output::of(&labels, Vec::new()).text()
    }

    #[test]
    fn a_tumour_that_the_scan_cuts_is_at_least_so_large() {
        let whole = text(7);
        assert!(whole.contains(" 216 mm³ (95 %: "), "{whole}");
        assert!(!whole.contains("at least"), "{whole}");
        let cut = text(0);
        assert!(cut.contains(" at least 216 mm³"), "{cut}");
        assert!(!cut.contains("95 %"), "{cut}");
    }

    #[test]
    fn no_side_is_told_of_a_scan_that_does_not_tell_left_from_right() {
        // A tumour between two cochleae, on the right of the middle.
        let grid = Grid::axis_aligned([70, 4, 4], [1.0; 3], DVec3::ZERO).unwrap();
        let value = |n: usize| match n % 70 {
            2..6 | 64..68 => 2,
            48..54 => 1,
            _ => 0,
        };
        let values = (0..grid.len()).map(value).collect();
        let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
        let told = |warnings: &[String]| {
            let found = sizes(&labels, warnings);
            let sides = found.iter().filter_map(|size| size.side);
            sides.collect::<Vec<_>>()
        };
        // Two cochleae are on both sides, whichever is which.
        let another = told(&["another".to_owned()]);
        assert_eq!(another, [SizeSide::Right, SizeSide::Both]);
        for untold in SIDES_UNTOLD {
            assert_eq!(told(&[untold.to_owned()]), [SizeSide::Both], "{untold}");
        }
    }
}
