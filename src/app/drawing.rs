//! Which voxels an editing tool changes: from a command and what it is used on to the edit. No state of the window.
use super::{command::EditCommand, state::BrushOptions};
use crate::{
    measure::Plane,
    render::NativePlane,
    volume::{
        LabelEdit, LabelMap, Volume, WindowLevel,
        edit::{self, EditError, FloodLimits, Over, Paint},
    },
};
use glam::DVec3;
use std::sync::Arc;

/// Smoothing width, mm: about a voxel of hrT2.
const SMOOTH_MM: f64 = 0.7;
/// Most voxels of a flood.
const FLOOD_VOXELS: usize = 2_000_000;

/// What a tool is used on.
#[derive(Debug, Clone)]
pub struct Canvas {
    /// The scan.
    pub volume: Arc<Volume>,
    /// Its slices.
    pub planes: [NativePlane; 3],
    /// The marked point, RAS mm.
    pub crosshair: DVec3,
    /// How the tools work.
    pub brush: BrushOptions,
    /// The window that the scan is shown with.
    pub window: WindowLevel,
}

/// Whether an edit is made on the background thread: it looks at more than what lies under the pointer.
pub(super) fn is_long(command: &EditCommand) -> bool {
    matches!(
        command,
        EditCommand::Flood(_)
            | EditCommand::Brainstem(_)
            | EditCommand::Smooth
            | EditCommand::FillBetween(_)
            | EditCommand::KeepLargest
            | EditCommand::GiveHere
            | EditCommand::RemoveHere
    )
}

/// The edit that a command makes of labels.
///
/// # Errors
/// When the labels do not fit.
pub(super) fn edit_of(
    canvas: &Canvas,
    labels: &LabelMap,
    command: &EditCommand,
) -> Result<LabelEdit, EditError> {
    let brush = canvas.brush;
    let structure = brush.structure;
    let over = if brush.over_others {
        Over::Anything
    } else {
        Over::Background
    };
    let draw = Paint::Draw { structure, over };
    let voxel = labels.grid().nearest_voxel(canvas.crosshair);
    match command {
        EditCommand::Stroke {
            plane,
            from,
            to,
            erase,
        } => {
            let selection = stroke(canvas, *plane, (*from, *to), *erase);
            let (tool, paint) = if *erase {
                let only = (!brush.over_others).then_some(structure);
                ("eraser", Paint::Erase(only))
            } else {
                ("brush", draw)
            };
            edit::paint(labels, &selection, tool, paint)
        }
        EditCommand::Polygon(plane, points) => {
            let native = &canvas.planes[*plane as usize];
            let first = points.first().copied().unwrap_or_default();
            let slice = native.slice_at(labels.grid(), first);
            let inside = edit::polygon(labels.grid(), native.voxel_axis, slice, points);
            edit::paint(labels, &inside, "outline", draw)
        }
        EditCommand::Flood(point) => {
            let flood = flood(canvas, *point);
            edit::paint(labels, &flood, "flood", draw)
        }
        EditCommand::Smooth => edit::smooth(labels, structure, SMOOTH_MM),
        EditCommand::FillBetween(plane) => {
            let axis = canvas.planes[*plane as usize].voxel_axis;
            edit::fill_between_slices(labels, structure, axis)
        }
        EditCommand::KeepLargest => edit::keep_largest(labels, structure),
        EditCommand::GiveHere | EditCommand::RemoveHere => {
            match voxel.and_then(|v| Some((v, labels.structure_at(v)?))) {
                Some((at, from)) if *command == EditCommand::GiveHere && from != structure => {
                    edit::move_to(labels, from, structure, Some(at))
                }
                Some((at, from)) if *command == EditCommand::RemoveHere => {
                    edit::remove_piece(labels, from, at)
                }
                _ => LabelEdit::new("", labels, []),
            }
        }
        _ => LabelEdit::new("", labels, []),
    }
}

/// Voxels under a step of a stroke.
fn stroke(canvas: &Canvas, plane: Plane, (from, to): (DVec3, DVec3), erase: bool) -> Vec<usize> {
    let (grid, brush) = (canvas.volume.grid(), canvas.brush);
    let native = &canvas.planes[plane as usize];
    let selection = if brush.ball {
        edit::ball(grid, from, to, brush.radius_mm)
    } else {
        let slice = native.slice_at(grid, to);
        edit::disc(grid, native.voxel_axis, slice, from, to, brush.radius_mm)
    };
    match grid.nearest_voxel(to).filter(|_| brush.adaptive && !erase) {
        Some(seed) => {
            let tolerance = edit::suggested_tolerance(&canvas.volume, seed, native.voxel_axis);
            edit::adaptive(
                &canvas.volume,
                &selection,
                seed,
                native.voxel_axis,
                tolerance,
            )
        }
        None => selection,
    }
}

/// Voxels that are connected to a point and differ from it by a part of the window.
fn flood(canvas: &Canvas, point: DVec3) -> Vec<usize> {
    let (brush, window) = (canvas.brush, canvas.window);
    let seed = canvas.volume.grid().nearest_voxel(point);
    let value = seed.and_then(|s| Some((s, canvas.volume.value(s)?)));
    let Some((seed, value)) = value.filter(|(_, v)| v.is_finite()) else {
        return Vec::new();
    };
    let half = brush.flood_range * window.width;
    let limits = FloodLimits {
        distance_mm: brush.flood_mm,
        voxels: FLOOD_VOXELS,
    };
    edit::flood(&canvas.volume, seed, &(value - half..=value + half), limits).voxels
}
