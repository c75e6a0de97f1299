//! The CPU twin of the slice shader: the same pictures without a GPU, for reports, for scans a GPU cannot hold, and as its oracle.
use super::{
    Interpolation, OverlayStyle, SliceView, edge_letters, font,
    ink::{self, Ink},
    scale_bar_mm,
    style::slot,
    texture::finite,
};
use crate::{
    measure::{PlaneFrame, contours},
    volume::{LabelMap, Structure, Volume, WindowLevel},
};
use glam::DVec3;
use image::RgbImage;
use rayon::prelude::*;

/// Grey of what lies outside the scan, 0 to 1.
pub const OUTSIDE_GREY: f64 = 0.0;

/// Width of outlines in pictures, pixels.
const CONTOUR_PX: f64 = 1.5;

/// Letters and numbers in pictures.
const TEXT: Ink = Ink {
    colour: [235, 235, 235],
    opacity: 1.0,
};

/// Grey and fill of a plane. CPU twin of `shaders/render/slice.wgsl`.
pub fn slice(
    volume: &Volume,
    labels: Option<&LabelMap>,
    view: &SliceView,
    window: WindowLevel,
    style: &OverlayStyle,
) -> RgbImage {
    let [width, height] = view.size_px.map(|n| n.round().clamp(1.0, 16384.0) as u32);
    let low = volume.quantiles([0.0])[0];
    let fill = style.fill_table();
    let mut slots = [0_usize; 256];
    for &(value, structure) in labels.map_or(&[][..], |l| l.table().entries()) {
        slots[usize::from(value)] = slot(structure);
    }
    let voxel_from_world = volume.grid().voxel_from_world();
    let mut bytes = vec![0_u8; width as usize * height as usize * 3];
    bytes
        .par_chunks_mut(width as usize * 3)
        .enumerate()
        .for_each(|(y, row)| {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let world = view.world_from_px([x as f64 + 0.5, y as f64 + 0.5]);
                let voxel = voxel_from_world.transform_point3(world);
                let grey =
                    sample(volume, voxel, style.interpolation, low).map_or(OUTSIDE_GREY, |value| {
                        let grey = window.grey(value);
                        if style.invert { 1.0 - grey } else { grey }
                    });
                let slot = labels
                    .and_then(|l| {
                        Some(
                            slots[usize::from(
                                *l.labels()
                                    .get(l.grid().index(l.grid().nearest_voxel(world)?))?,
                            )],
                        )
                    })
                    .unwrap_or(0);
                let [r, g, b, opacity] = fill[slot].map(f64::from);
                *pixel = [r, g, b].map(|c| ((grey + (c - grey) * opacity) * 255.0).round() as u8);
            }
        });
    RgbImage::from_raw(width, height, bytes).unwrap_or_else(|| RgbImage::new(width, height))
}

/// A picture that stands alone: grey, fill, outlines, edge letters and a scale bar.
///
/// `mm_per_px` is the length of a pixel's edge in the patient; the frame's centre is the middle of the picture.
pub fn slice_image(
    volume: &Volume,
    labels: Option<&LabelMap>,
    frame: &PlaneFrame,
    size_px: [u32; 2],
    mm_per_px: f64,
    window: WindowLevel,
    style: &OverlayStyle,
) -> RgbImage {
    let view = SliceView {
        frame: *frame,
        size_px: size_px.map(f64::from),
        mm_per_px,
    };
    let mut picture = slice(volume, labels, &view, window, style);
    if let Some(labels) = labels {
        draw_contours(&mut picture, labels, &view, style);
    }
    draw_letters(&mut picture, frame);
    draw_scale_bar(&mut picture, mm_per_px);
    picture
}

/// Outlines of every structure that the style shows.
fn draw_contours(
    picture: &mut RgbImage,
    labels: &LabelMap,
    view: &SliceView,
    style: &OverlayStyle,
) {
    for structure in Structure::ALL {
        let shown = style.structure(structure);
        if !shown.contour {
            continue;
        }
        let ink = Ink {
            colour: shown.colour,
            opacity: 1.0,
        };
        for contour in contours(labels, structure, &view.frame, view.half_extent_mm()) {
            let mut points: Vec<[f64; 2]> = contour
                .points_mm
                .iter()
                .map(|&p| view.px_from_mm(p))
                .collect();
            if contour.closed {
                points.extend(points.first().copied());
            }
            ink::polyline(picture, &points, CONTOUR_PX, ink);
        }
    }
}

/// The four letters, as large as the picture allows.
fn draw_letters(picture: &mut RgbImage, frame: &PlaneFrame) {
    let scale = text_scale(picture);
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let margin = f64::from(2 * scale);
    for (edge, text) in edge_letters(frame).iter().enumerate() {
        let [w, h] = font::size(text, scale).map(f64::from);
        let at = match edge {
            0 => [margin, (height - h) / 2.0],
            1 => [width - margin - w, (height - h) / 2.0],
            2 => [(width - w) / 2.0, margin],
            _ => [(width - w) / 2.0, height - margin - h],
        };
        font::draw(picture, text, at.map(|x| x.round() as i64), scale, TEXT);
    }
}

/// A bar of round length with its length, lower left.
fn draw_scale_bar(picture: &mut RgbImage, mm_per_px: f64) {
    let scale = text_scale(picture);
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let bar_mm = scale_bar_mm(width * mm_per_px * 0.3);
    let (left, bottom) = (f64::from(4 * scale), height - f64::from(4 * scale));
    let right = left + bar_mm / mm_per_px;
    ink::polyline(
        picture,
        &[[left, bottom], [right, bottom]],
        f64::from(scale),
        TEXT,
    );
    let text = format!("{bar_mm} mm");
    let top = bottom - f64::from(scale) * 9.0;
    font::draw(
        picture,
        &text,
        [left.round() as i64, top.round() as i64],
        scale,
        TEXT,
    );
}

fn text_scale(picture: &RgbImage) -> u32 {
    (picture.width().min(picture.height()) / 200).clamp(1, 4)
}

/// Intensity at continuous voxel coordinates as the shader takes it; `None` outside the scan.
fn sample(volume: &Volume, voxel: DVec3, interpolation: Interpolation, low: f64) -> Option<f64> {
    let shape = volume.grid().shape();
    let inside = (0..3).all(|a| voxel[a] >= -0.5 && voxel[a] < shape[a] as f64 - 0.5);
    if !inside {
        return None;
    }
    let value = |v: [usize; 3]| finite(volume.value(v).unwrap_or(low), low);
    let last = shape.map(|n| n - 1);
    if interpolation == Interpolation::Nearest {
        return Some(value(std::array::from_fn(|a| {
            ((voxel[a] + 0.5).floor() as usize).min(last[a])
        })));
    }
    let at: [f64; 3] = std::array::from_fn(|a| voxel[a].clamp(0.0, last[a] as f64));
    let floor = at.map(|x| x as usize);
    let ceil: [usize; 3] = std::array::from_fn(|a| (floor[a] + 1).min(last[a]));
    let t: [f64; 3] = std::array::from_fn(|a| at[a] - floor[a] as f64);
    if interpolation == Interpolation::Cubic {
        return Some(tricubic(value, floor, t, last));
    }
    let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
    let along_i = |j: usize, k: usize| mix(value([floor[0], j, k]), value([ceil[0], j, k]), t[0]);
    let along_j = |k: usize| mix(along_i(floor[1], k), along_i(ceil[1], k), t[1]);
    Some(mix(along_j(floor[2]), along_j(ceil[2]), t[2]))
}

/// As `tricubic` in the shader: `t` past the voxel `low`, with the voxels at the border repeated beyond it.
fn tricubic(
    value: impl Fn([usize; 3]) -> f64,
    low: [usize; 3],
    t: [f64; 3],
    last: [usize; 3],
) -> f64 {
    const LEAST_WEIGHT: f64 = 1e-4;
    let weights = t.map(|t| {
        let (t2, t3) = (t * t, t * t * t);
        [
            -0.5 * t3 + t2 - 0.5 * t,
            1.5 * t3 - 2.5 * t2 + 1.0,
            -1.5 * t3 + 2.0 * t2 + 0.5 * t,
            0.5 * t3 - 0.5 * t2,
        ]
    });
    let heavy = |axis: usize| {
        let weights = weights[axis].into_iter().enumerate();
        weights
            .filter(|(_, w)| w.abs() >= LEAST_WEIGHT)
            .map(move |(n, w)| ((low[axis] + n).saturating_sub(1).min(last[axis]), w))
    };
    let mut sum = 0.0;
    for (k, wz) in heavy(2) {
        for (j, wy) in heavy(1) {
            let row: f64 = heavy(0).map(|(i, wx)| wx * value([i, j, k])).sum();
            sum += wz * wy * row;
        }
    }
    sum
}
