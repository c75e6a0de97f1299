//! Label maps of other tools: which values they hold, and reading them with a meaning for each.
use super::read::read_volume;
use crate::io::{Error, Warning};
use crate::volume::{LabelMap, LabelTable, Structure, Volume, unobserved};
use std::collections::BTreeMap;
use std::path::Path;

/// Most values that a label map may hold; more is a scan.
const MOST_VALUES: usize = 512;
/// Farther than this from a whole number is no rounding of the stored scaling.
const ROUNDING: f64 = 1e-3;

/// One value of a label map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelValue {
    /// The value; never 0, which is background.
    pub value: i64,
    /// Number of voxels that have it.
    pub voxels: usize,
    /// Their volume, mm³.
    pub volume_mm3: f64,
}

/// The values of a label map, whole numbers of any size, from the least on.
///
/// # Errors
/// As [`read_volume`]; [`Error::Label`] for a value that is no whole number; [`Error::ManyLabels`] for what has the values of a scan.
pub fn label_values(path: &Path) -> Result<Vec<LabelValue>, Error> {
    let (volume, _) = read_volume(path, &mut unobserved)?;
    let voxel_mm3 = volume.grid().voxel_volume_mm3();
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    each_value(&volume, path, |value| {
        *counts.entry(value).or_default() += 1;
        if counts.len() > MOST_VALUES {
            return Err(Error::ManyLabels {
                most: MOST_VALUES,
                path: path.to_owned(),
            });
        }
        Ok(())
    })?;
    counts.remove(&0);
    let values = counts.into_iter().map(|(value, voxels)| LabelValue {
        value,
        voxels,
        volume_mm3: voxels as f64 * voxel_mm3,
    });
    Ok(values.collect())
}

/// Reads a label map with a meaning for its values; several may mean one structure. The map has Schwann's own values; what has no meaning becomes background.
///
/// # Errors
/// As [`read_volume`]; [`Error::Label`] for a value that is no whole number.
pub fn read_labels_meaning(
    path: &Path,
    meaning: &BTreeMap<i64, Structure>,
) -> Result<(LabelMap, Vec<Warning>), Error> {
    let (volume, warnings) = read_volume(path, &mut unobserved)?;
    let table = LabelTable::default();
    let values: BTreeMap<i64, u8> = meaning
        .iter()
        .filter_map(|(value, structure)| Some((*value, table.value(*structure)?)))
        .collect();
    let mut labels = Vec::with_capacity(volume.grid().len());
    // Neighbours mostly have one value.
    let mut last = (0, 0);
    each_value(&volume, path, |value| {
        if value != last.0 {
            last = (value, values.get(&value).copied().unwrap_or(0));
        }
        labels.push(if value == 0 { 0 } else { last.1 });
        Ok(())
    })?;
    let map = LabelMap::new(*volume.grid(), labels, table).map_err(|source| Error::Place {
        source,
        path: path.to_owned(),
    })?;
    Ok((map, warnings))
}

/// Each voxel's value as a whole number, in the order of the file.
fn each_value(
    volume: &Volume,
    path: &Path,
    mut take: impl FnMut(i64) -> Result<(), Error>,
) -> Result<(), Error> {
    /// Whole numbers up to here are exact in `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let (slope, intercept) = volume.rescale();
    for index in 0..volume.grid().len() {
        let value = volume.voxels().get(index).unwrap_or(f64::NAN) * slope + intercept;
        let whole = value.round();
        if !((value - whole).abs() <= ROUNDING && whole.abs() <= EXACT) {
            return Err(Error::Label {
                value,
                path: path.to_owned(),
            });
        }
        take(whole as i64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{read_labels, write_volume};
    use crate::volume::{Grid, Voxels};
    use glam::DVec3;

    fn file(folder: &Path, voxels: Voxels, slope: f64) -> std::path::PathBuf {
        let grid = Grid::axis_aligned([voxels.len() / 4, 2, 2], [0.5, 0.5, 2.0], DVec3::ZERO);
        let path = folder.join("map.nii.gz");
        let volume = Volume::new(grid.unwrap(), voxels, slope, 0.0).unwrap();
        write_volume(&path, &volume).unwrap();
        path
    }

    #[test]
    fn values_of_any_size_are_counted_and_given_a_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let values = vec![0, 1001, 1001, -7, 0, 2, 2, 2, 1001, 40_000, 0, 0];
        let path = file(folder.path(), Voxels::I32(values.clone()), 1.0);
        let found = label_values(&path).unwrap();
        let counts: Vec<(i64, usize)> = found.iter().map(|v| (v.value, v.voxels)).collect();
        assert_eq!(counts, [(-7, 1), (2, 3), (1001, 3), (40_000, 1)]);
        assert!((found[1].volume_mm3 - 1.5).abs() < 1e-9);
        let meaning = BTreeMap::from([
            (1001, Structure::VestibularSchwannoma),
            (-7, Structure::VestibularSchwannoma),
            (2, Structure::Cochlea),
        ]);
        let (map, _) = read_labels_meaning(&path, &meaning).unwrap();
        let read: Vec<u8> = map.labels().to_vec();
        assert_eq!(read, [0, 1, 1, 1, 0, 2, 2, 2, 1, 0, 0, 0]);
    }

    #[test]
    fn schwanns_own_values_mean_what_they_mean_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), Voxels::U8(vec![0, 1, 2, 3, 4, 5, 5, 0]), 1.0);
        let table = LabelTable::default();
        let meaning = table
            .entries()
            .iter()
            .map(|(v, s)| (i64::from(*v), *s))
            .collect();
        let told = read_labels_meaning(&path, &meaning).unwrap().0;
        assert_eq!(told, read_labels(&path, &table).unwrap().0);
    }

    #[test]
    fn a_scan_is_no_label_map() {
        let folder = tempfile::tempdir().unwrap();
        let many = file(folder.path(), Voxels::I16((0..2000).collect()), 1.0);
        assert!(matches!(label_values(&many), Err(Error::ManyLabels { .. })));
        let parts = file(folder.path(), Voxels::F32(vec![0.0, 0.4, 1.0, 2.0]), 1.0);
        assert!(matches!(label_values(&parts), Err(Error::Label { .. })));
        assert!(label_values(&folder.path().join("nothing.nii")).is_err());
    }
}
