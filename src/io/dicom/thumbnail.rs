//! Small pictures of series for a list.
use super::DicomSeries;
use super::read::{Slice, read_slice};
use crate::io::Error;
use crate::volume::WindowLevel;

/// A grey picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// From 0 (black) to 255 (white), row by row.
    pub grey: Vec<u8>,
}

/// The middle slice, as it is stored, at most `side` pixels (96 is usual) wide and high.
///
/// # Errors
/// As [`read_slice`].
pub fn thumbnail(series: &DicomSeries, side: usize) -> Result<Thumbnail, Error> {
    let slice = read_slice(series, series.slices() / 2)?;
    Ok(small(&slice, side.clamp(1, 1024)))
}

fn small(slice: &Slice, side: usize) -> Thumbnail {
    let extent = |n: usize, mm: f64| n as f64 * if mm > 0.0 { mm } else { 1.0 };
    let (wide, high) = (
        extent(slice.width, slice.spacing_mm[0]),
        extent(slice.height, slice.spacing_mm[1]),
    );
    let pixel = wide.max(high) / side as f64;
    let pixels = |mm: f64| ((mm / pixel).round() as usize).clamp(1, side);
    let (width, height) = (pixels(wide), pixels(high));
    let mut sorted: Vec<f32> = slice
        .intensities
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let quantile = |part: f64| {
        let at = (sorted.len().saturating_sub(1) as f64 * part) as usize;
        sorted.get(at).map_or(0.0, |&x| f64::from(x))
    };
    let window = WindowLevel::from_range(quantile(0.01), quantile(0.995));
    // Each pixel is the mean of the voxels below it.
    let range = |n: usize, of: usize, count: usize| {
        let start = n * count / of;
        start..((n + 1) * count / of).max(start + 1).min(count)
    };
    let mut grey = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut count) = (0.0, 0.0);
            for row in range(y, height, slice.height) {
                for column in range(x, width, slice.width) {
                    let at = row * slice.width + column;
                    sum += slice.intensities.get(at).map_or(0.0, |&v| f64::from(v));
                    count += 1.0;
                }
            }
            let shade = window.grey(sum / f64::max(count, 1.0));
            let shade = if slice.inverted { 1.0 - shade } else { shade };
            grey.push((shade * 255.0).round() as u8);
        }
    }
    Thumbnail {
        width,
        height,
        grey,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_keeps_the_shape_of_the_slice_in_millimetres() {
        let slice = Slice {
            width: 4,
            height: 2,
            spacing_mm: [1.0, 4.0],
            intensities: vec![0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 9.0, 9.0],
            inverted: false,
        };
        let picture = small(&slice, 8);
        assert_eq!((picture.width, picture.height), (4, 8));
        assert_eq!(picture.grey.get(..4), Some(&[0, 0, 255, 255][..]));
        let negative = small(
            &Slice {
                inverted: true,
                ..slice
            },
            8,
        );
        assert_eq!(negative.grey.get(..4), Some(&[255, 255, 0, 0][..]));
    }
}
