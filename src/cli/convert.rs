//! `schwann convert`: a scan, or labels that were derived from one, as a NIfTI file.
use super::output;
use crate::io::{self, DerivedObject, DicomRegion};
use crate::measure::{StructureSize, structure_sizes};
use crate::volume::{LabelTable, Structure, sides_are_told};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A DICOM file, folder, DICOMDIR or zip archive, or a NIfTI or Analyze file; or a DICOM segmentation (SEG) or structure set (RTSTRUCT).
    scan: PathBuf,
    /// Where to write; `.nii.gz` or `.nii`.
    #[arg(short, long, value_name = "OUT.nii.gz")]
    output: PathBuf,
    /// Which DICOM series: its label, number or UID, as `schwann inspect` lists them. For a segmentation or structure set, the folder of the series that it was made from.
    #[arg(long, value_name = "UID|NUMBER|FOLDER")]
    series: Option<String>,
    /// What a segment or region of interest is, by its number in the file and Schwann's label value, for instance `4=1`; repeat for several.
    #[arg(long, value_name = "NUMBER=LABEL", value_parser = meaning)]
    meaning: Vec<(i64, Structure)>,
}

fn meaning(text: &str) -> Result<(i64, Structure), String> {
    let (number, value) = text.split_once('=').ok_or("NUMBER=LABEL is needed")?;
    let number = number.trim().parse().ok();
    let number = number.ok_or("NUMBER must be a whole number")?;
    Ok((number, structure(value)?))
}

/// The structure that a label value of Schwann's own means.
pub(super) fn structure(value: &str) -> Result<Structure, String> {
    let table = LabelTable::default();
    let known = value.trim().parse().ok().and_then(|v| table.structure(v));
    known.ok_or_else(|| {
        let values = table.entries().iter();
        let values = values.map(|(value, structure)| format!("{value} = {structure}"));
        format!(
            "a label value is needed: {}",
            values.collect::<Vec<String>>().join(", ")
        )
    })
}

#[derive(Debug, Serialize)]
struct Converted {
    file: String,
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    voxels_sha256: String,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ConvertedLabels {
    file: String,
    series: String,
    regions: Vec<Region>,
    structures: Vec<StructureSize>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Region {
    number: i64,
    name: String,
    structure: Option<&'static str>,
    side: Option<&'static str>,
    made: Option<&'static str>,
    tracking_uid: Option<String>,
    voxels: usize,
}

impl From<DicomRegion> for Region {
    fn from(region: DicomRegion) -> Self {
        Self {
            number: region.number,
            name: region.name,
            structure: region.structure.map(Structure::name),
            side: region.side.map(crate::volume::Side::name),
            made: region.making.map(io::Making::term),
            tracking_uid: region.tracking_uid,
            voxels: region.voxels,
        }
    }
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    if let Some(object) = io::derived_object(&arguments.scan)? {
        return labels(arguments, &object, json);
    }
    output::check_target(&arguments.output, output::SCAN, &[&arguments.scan])?;
    let mut bar = output::Bar::new();
    let mut observe = |p| bar.show(p);
    let name = arguments.series.as_deref();
    let (volume, warnings) = io::read_scan(&arguments.scan, name, &mut observe)?;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    io::write_volume_as(&arguments.output, &volume, sides_are_told(&warnings))?;
    drop(bar);
    let converted = Converted {
        file: arguments.output.to_string_lossy().into_owned(),
        shape: volume.grid().shape(),
        spacing_mm: volume.grid().spacing_mm(),
        voxels_sha256: io::voxels_sha256(&volume),
        warnings,
    };
    output::warnings(&converted.warnings);
    output::result(json, &converted, || {
        let [x, y, z] = converted.shape;
        format!("{}: {x} × {y} × {z} voxels", converted.file)
    })
}

/// Labels of an object onto the voxels of its series.
fn labels(arguments: &Arguments, object: &DerivedObject, json: bool) -> anyhow::Result<()> {
    let Some(folder) = arguments.series.as_deref().map(Path::new) else {
        anyhow::bail!(
            "name the folder of the series that this object was made from with --series FOLDER: {}",
            arguments.scan.display()
        );
    };
    output::check_target(&arguments.output, output::SCAN, &[&arguments.scan])?;
    let mut bar = output::Bar::new();
    let library = io::scan_folder(&[folder.to_owned()], &mut |p| bar.show(p))?;
    // Of several series the object names its own.
    let named = object.series_uids.iter().find(|uid| {
        let mut series = library.series();
        series.any(|s| s.facts.series_uid == **uid)
    });
    let series = library
        .choose(named.map(String::as_str))
        .map_err(|e| anyhow::anyhow!("{e}: {}", folder.display()))?;
    let said = arguments.meaning.iter();
    let meaning: BTreeMap<i64, Option<Structure>> = said.map(|(n, s)| (*n, Some(*s))).collect();
    let read = io::read_dicom_labels(&arguments.scan, series, &meaning, &mut |p| bar.show(p))?;
    io::write_labels(&arguments.output, &read.labels)?;
    drop(bar);
    let converted = ConvertedLabels {
        file: arguments.output.to_string_lossy().into_owned(),
        series: series.title(),
        structures: structure_sizes(&read.labels),
        regions: read.regions.into_iter().map(Region::from).collect(),
        warnings: read.warnings.iter().map(ToString::to_string).collect(),
    };
    output::warnings(&converted.warnings);
    output::result(json, &converted, || {
        let mut text = String::new();
        for region in &converted.regions {
            let meaning = region.structure.unwrap_or("left out");
            text += &format!(
                "{} {}: {meaning}, {} voxels\n",
                region.number, region.name, region.voxels
            );
        }
        text + &super::measure::table(&converted.structures)
    })
}
