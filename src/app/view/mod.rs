//! The cells of the window that show a scan.

mod cell;
mod gpu;
mod input;
mod outline;
mod overlay;
mod wheel_device;

pub(super) use cell::{Cell, show_planes};
pub(super) use gpu::Gpu;
pub(super) use input::Wheel;
pub(super) use outline::Outlined;
pub(super) use wheel_device::events_per_notch;

use super::state::VisitId;
use crate::volume::Structure;
use egui::Color32;

/// What cells need besides the state.
#[derive(Debug)]
pub(super) struct Canvas {
    /// Textures and pipeline.
    pub(super) gpu: Gpu,
    /// Outlines of the shown slices.
    pub(super) outlined: Outlined,
    /// Movement of the wheel that is less than a notch.
    pub(super) wheel: Wheel,
    /// The cell that the pointer was last over; keys act on it.
    pub(super) hovered: Option<Cell>,
    /// Where the pointer is: the readout's visit and point.
    pub(super) pointer: Option<(VisitId, glam::DVec3)>,
    /// Where a box is being drawn: its cell, and the corner that was pressed.
    pub(super) boxed: Option<(Cell, egui::Pos2)>,
}

impl Canvas {
    pub(super) fn new(gpu: Gpu, wheel: Wheel) -> Self {
        Self {
            gpu,
            outlined: Outlined::default(),
            wheel,
            hovered: None,
            pointer: None,
            boxed: None,
        }
    }
}

/// A structure's colour.
pub(super) fn colour(style: &crate::render::OverlayStyle, structure: Structure) -> Color32 {
    let [r, g, b] = style.structure(structure).colour;
    Color32::from_rgb(r, g, b)
}
