//! Pictures of one visit for reports and files.
use super::{NativePlane, OverlayStyle, slice_image};
use crate::{
    measure::{HeadAxes, Plane, PlaneFrame, structure_size},
    volume::{LabelMap, Structure, Volume},
};
use glam::DVec3;
use image::RgbImage;

/// The point that a visit's pictures go through: the middle of the tumour, without one the middle between the cochleae, without those the middle of
/// the scan. RAS mm, on the scan's own slices.
pub fn point_of_interest(labels: &LabelMap) -> DVec3 {
    let tumour = structure_size(labels, Structure::VestibularSchwannoma)
        .map(|s| DVec3::from_array(s.centroid_ras_mm));
    let point = tumour
        .or_else(|| HeadAxes::of(labels).map(|a| a.midpoint))
        .unwrap_or_else(|| labels.grid().centre_in_world());
    let grid = labels.grid();
    grid.nearest_voxel(point)
        .map_or(point, |voxel| grid.point_in_world(voxel))
}

/// A scan's own slice nearest to a plane of the body, through a point; the point is the picture's middle.
pub fn frame_through(labels: &LabelMap, plane: Plane, point_in_world: DVec3) -> PlaneFrame {
    let grid = labels.grid();
    let native = NativePlane::new(grid, plane);
    let frame = native.frame(grid, native.slice_at(grid, point_in_world));
    let (mm, _) = frame.project(point_in_world);
    PlaneFrame {
        centre: frame.point_in_world(mm),
        ..frame
    }
}

/// A square picture of `field_mm` edge length with outlines, scale, and letters that tell left from right where `sides_told`.
pub fn figure(
    volume: &Volume,
    labels: &LabelMap,
    (frame, sides_told): (&PlaneFrame, bool),
    size_px: u32,
    field_mm: f64,
) -> RgbImage {
    let mm_per_px = field_mm / f64::from(size_px.max(1));
    let window = volume.default_window();
    slice_image(
        volume,
        Some(labels),
        frame,
        [size_px, size_px],
        mm_per_px,
        window,
        &OverlayStyle {
            sides_told,
            ..OverlayStyle::default()
        },
    )
}
