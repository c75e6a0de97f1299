//! The CPU twin of the slice shader: the same pictures without a GPU, for reports, for scans a GPU cannot hold, and as its oracle.
use super::{
    OverlayStyle, SliceView, edge_letters, font,
    ink::{self, Ink},
    sampler::{self, Slots, Walk},
    scale_bar_mm, without_sides,
};
use crate::{
    measure::{PlaneFrame, contours},
    volume::{LabelMap, Structure, Volume, WindowLevel},
};
use image::RgbImage;

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
    let fill = style.fill_table().map(|colour| colour.map(f64::from));
    let shade = |grey: Option<f64>, slot: usize| {
        let grey = grey.map_or(OUTSIDE_GREY, |value| {
            let grey = window.grey(value);
            if style.invert { 1.0 - grey } else { grey }
        });
        let [r, g, b, opacity] = fill[slot];
        // Halves go up, as the shader's target rounds them; nothing here is negative.
        [r, g, b].map(|c| ((grey + (c - grey) * opacity) * 255.0 + 0.5) as u8)
    };
    let scan = Walk::new(view, volume.grid());
    let drawn = labels.map(|labels| Slots::new(labels, view));
    let mut bytes = vec![0_u8; width as usize * height as usize * 3];
    sampler::rows(
        volume,
        style.interpolation,
        &scan,
        &mut bytes,
        width as usize,
        |row, x, grey| shade(grey, drawn.as_ref().map_or(0, |d| d.at(x, row))),
    );
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
    let letters = edge_letters(frame);
    let letters = if style.sides_told {
        letters
    } else {
        without_sides(letters)
    };
    draw_letters(&mut picture, &letters);
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
fn draw_letters(picture: &mut RgbImage, letters: &[String; 4]) {
    let scale = text_scale(picture);
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let margin = f64::from(2 * scale);
    for (edge, text) in letters.iter().enumerate() {
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
