//! What is plainly not an MRI scan: told before a model is asked.
use super::grid::WorkingGrid;

/// Part of the voxels that air takes in a CT scan of a head, at least.
const LEAST_AIR: f64 = 0.03;
/// Air on the scale of CT, HU, with the noise of a scanner; some scanners write the corners as lower still.
const AIR_HU: std::ops::Range<f32> = -1100.0..-850.0;
/// Compact bone begins about here, HU; fat and brain lie between.
const BONE_HU: f32 = 300.0;
/// What is added to HU where a file must do without negative numbers; without the rescale of its header such a scan reads as these.
const UNSIGNED_BY: [f32; 2] = [1000.0, 1024.0];
/// Between air and fat, HU: nothing but their mixture, whereas MRI has tissue of every brightness.
const GULF_HU: std::ops::Range<f32> = -800.0..-200.0;
/// Part of the voxels outside air that mixtures may take.
const MOST_MIXED: f64 = 0.12;
/// Distinct values up to which whole numbers are labels rather than intensities.
const MOST_LABELS: usize = 12;
/// Part of the outermost voxels that must be bright in an inverted scan.
const BRIGHT_BORDER: f64 = 0.6;

/// Why the intensities (right fastest, then anterior, superior) cannot be those of an MRI scan of a head; `None` where they may be.
pub(super) fn foreign(grid: &WorkingGrid, intensities: &[f32]) -> Option<String> {
    let text = if is_ct(intensities) {
        "the intensities are those of CT (air, soft tissue and bone at their Hounsfield units), and the model reads MRI"
    } else if is_label_map(intensities) {
        "the file has a few whole numbers for intensities, as a label map has"
    } else if is_inverted(grid, intensities) {
        "the scan looks inverted: what surrounds the head is brighter than nearly all of it"
    } else {
        return None;
    };
    Some(format!("{text}: nothing was labelled"))
}

/// CT has air, bone and soft tissue at their places of a scale that is the same everywhere, as it is or made positive.
fn is_ct(intensities: &[f32]) -> bool {
    is_ct_from(0.0, intensities) || UNSIGNED_BY.iter().any(|by| is_ct_from(*by, intensities))
}

/// Whether these are HU to which `by` was added. Made positive, air ends at zero at the latest, as it does in MRI: then soft tissue must also
/// keep to its narrow place, and leave the gulf below fat empty.
fn is_ct_from(by: f32, intensities: &[f32]) -> bool {
    let part = |holds: &dyn Fn(f32) -> bool| {
        let count = intensities.iter().filter(|v| holds(**v - by)).count();
        count as f64 / intensities.len().max(1) as f64
    };
    let air = part(&|hu| AIR_HU.contains(&hu));
    let bone = part(&|hu| hu > BONE_HU);
    let between = part(&|hu| (-150.0..=150.0).contains(&hu));
    let found = air > LEAST_AIR && bone > 0.002 && between > 0.1;
    if by <= 0.0 || !found {
        return found;
    }
    let lowest = intensities.iter().copied().fold(f32::MAX, f32::min);
    let of_head = |part: f64| part / (1.0 - air);
    let mixed = of_head(part(&|hu| GULF_HU.contains(&hu)));
    lowest >= 0.0 && of_head(between) > 0.5 && mixed < MOST_MIXED
}

/// Resampling mixes labels at their borders, so most voxels rather than all must be whole numbers of a short list.
fn is_label_map(intensities: &[f32]) -> bool {
    let mut values: Vec<f32> = Vec::new();
    let mut whole = 0;
    for &v in intensities.iter().step_by(7) {
        if v.fract().abs() > 1e-4 || !(0.0..=255.0).contains(&v) {
            continue;
        }
        whole += 1;
        if !values.iter().any(|value| (value - v).abs() < 0.5) {
            values.push(v);
            // Every intensity of a real scan is seen, so a long list ends the search.
            if values.len() > MOST_LABELS {
                return false;
            }
        }
    }
    values.len() > 1 && whole as f64 > 0.9 * intensities.len().div_ceil(7) as f64
}

/// Air is dark in every MRI scan. A scan whose outermost voxels lie mostly in the upper tenth of its range, while its inside does not,
/// has been inverted.
fn is_inverted(grid: &WorkingGrid, intensities: &[f32]) -> bool {
    let [nr, na, _] = grid.shape;
    let mut sorted: Vec<f32> = intensities.iter().copied().step_by(31).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |q: f64| sorted.get((q * sorted.len().saturating_sub(1) as f64) as usize);
    let (Some(&low), Some(&high)) = (at(0.005), at(0.995)) else {
        return false;
    };
    let bright = low + 0.9 * (high - low);
    let (mut border, mut border_bright, mut inside_bright) = (0_usize, 0_usize, 0_usize);
    for (index, &v) in intensities.iter().enumerate() {
        let (r, a) = (index % nr, index / nr % na);
        // Only the sides: a slab of a head ends above and below within it.
        let margin = [nr / 50 + 1, na / 50 + 1];
        let outer = r < margin[0] || r + margin[0] >= nr || a < margin[1] || a + margin[1] >= na;
        if outer {
            border += 1;
            border_bright += usize::from(v >= bright);
        } else {
            inside_bright += usize::from(v >= bright);
        }
    }
    let inside = intensities.len() - border;
    border_bright as f64 > BRIGHT_BORDER * border as f64
        && (inside_bright as f64) < 0.5 * inside as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Grid;
    use glam::DVec3;

    /// Values of a ball (a head) in air, by distance to the middle in voxels.
    fn scan(value: impl Fn(f64, usize) -> f32) -> (WorkingGrid, Vec<f32>) {
        let shape = [60, 60, 20];
        let grid = Grid::axis_aligned(shape, [2.0; 3], DVec3::ZERO).unwrap();
        let values = (0..grid.len()).map(|n| {
            let [i, j, _] = grid.voxel(n);
            value((i as f64 - 29.5).hypot(j as f64 - 29.5), n)
        });
        (WorkingGrid::new(&grid, [2.0; 3]).unwrap(), values.collect())
    }

    fn noise(n: usize) -> f32 {
        (n.wrapping_mul(2_654_435_761) >> 9 & 255) as f32 / 255.0
    }

    #[test]
    fn ct_labels_and_inverted_scans_are_told_apart_from_mri() {
        let head = |r: f64, n: usize| match r {
            ..20.0 => 400.0 + 100.0 * noise(n),
            ..23.0 => 60.0 + 30.0 * noise(n),
            ..26.0 => 900.0 + 100.0 * noise(n),
            _ => 20.0 * noise(n),
        };
        let told = |value: &dyn Fn(f64, usize) -> f32| {
            let (grid, values) = scan(value);
            foreign(&grid, &values).unwrap_or_default()
        };
        assert_eq!(told(&head), "");
        // Standardised and rescaled MRI is still MRI.
        assert_eq!(told(&|r, n| (head(r, n) - 300.0) / 150.0), "");
        assert!(told(&|r, n| 1000.0 - head(r, n)).contains("inverted"));
        let ct = |r: f64, n: usize| match r {
            ..20.0 => 30.0 + 20.0 * noise(n),
            ..23.0 => 1200.0,
            ..26.0 => -80.0,
            _ => -1000.0 + 30.0 * noise(n),
        };
        assert!(told(&ct).contains("CT"));
        for by in UNSIGNED_BY {
            let unsigned = |r: f64, n: usize| (ct(r, n) + by).max(0.0);
            assert!(told(&unsigned).contains("CT"), "{by}");
        }
        // MRI on the same scale: as dark outside and as bright inside, but of every brightness.
        let alike = |r: f64, n: usize| match r {
            ..26.0 => 600.0 + 900.0 * noise(n),
            _ => 60.0 * noise(n),
        };
        assert_eq!(told(&alike), "");
        let labels =
            |r: f64, _: usize| f32::from(u8::from(r < 20.0)) + f32::from(u8::from(r < 5.0));
        assert!(told(&labels).contains("label map"));
    }

    #[test]
    fn a_slab_without_air_is_not_inverted() {
        let (grid, values) = scan(|_, n| 300.0 + 100.0 * noise(n));
        assert_eq!(foreign(&grid, &values), None);
    }
}
